/*
 * Copyright (c) 2026 The PacketCloud developers.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Unit tests of pc-worker. */

#include <config.h>
#include "pc-worker.h"
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/util.h"
#include "pc-test.h"
#include "util.h"

struct job {
    struct pc_worker *w;
    int n_fn, n_done;
    bool blocked;               /* Were signals blocked in fn()? */
    pthread_t thread;
    struct job *next;           /* Submitted by done(). */
};

static void
fn_cb(void *job_)
{
    struct job *job = job_;
    sigset_t set;

    pthread_sigmask(SIG_BLOCK, NULL, &set);
    job->blocked = sigismember(&set, SIGTERM);
    job->thread = pthread_self();
    job->n_fn++;
    usleep(1000);
}

static void
done_cb(void *job_)
{
    struct job *job = job_;

    ck_assert_int_eq(job->n_done, 0);
    job->n_done++;
    if (job->next) {
        pc_worker_submit(job->w, fn_cb, done_cb, job->next);
    }
}

START_TEST(jobs_run_and_wake_the_loop)
{
    struct pc_worker *w = pc_worker_create(3);
    struct job jobs[100];

    memset(jobs, 0, sizeof jobs);
    for (size_t i = 0; i < 50; i++) {
        jobs[i].w = w;
        jobs[i].next = &jobs[50 + i];
        pc_worker_submit(w, fn_cb, done_cb, &jobs[i]);
    }
    alarm(20);
    while (pc_worker_pending(w)) {
        pc_worker_run(w);
        if (pc_worker_pending(w)) {
            pc_worker_wait(w);
            poll_block();
        }
    }
    for (size_t i = 0; i < 100; i++) {
        ck_assert_int_eq(jobs[i].n_fn, 1);
        ck_assert_int_eq(jobs[i].n_done, 1);
        ck_assert(jobs[i].blocked);
        ck_assert(!pthread_equal(jobs[i].thread, pthread_self()));
    }
    pc_worker_destroy(w);
}
END_TEST

START_TEST(destroy_calls_done_of_all)
{
    struct pc_worker *w = pc_worker_create(1);
    struct job jobs[20];
    int n_fn = 0;

    memset(jobs, 0, sizeof jobs);
    for (size_t i = 0; i < 20; i++) {
        pc_worker_submit(w, fn_cb, done_cb, &jobs[i]);
    }
    pc_worker_destroy(w);
    for (size_t i = 0; i < 20; i++) {
        ck_assert_int_eq(jobs[i].n_done, 1);
        n_fn += jobs[i].n_fn;
    }
    ck_assert_int_lt(n_fn, 20);
    pc_worker_destroy(NULL);
}
END_TEST

static void
exit_hook(void *file)
{
    unlink(file);
}

static void
fork_cb(void *status)
{
    pid_t pid = fork();

    if (!pid) {
        exit(7);
    }
    waitpid(pid, status, 0);
}

/* liblxc forks in a worker, and its child may call exit(). */
START_TEST(a_child_runs_no_exit_hooks)
{
    char file[] = "/tmp/pc-worker.XXXXXX";
    int fd = mkstemp(file);
    struct pc_worker *w;
    int status = 0;

    fatal_signal_init();
    fatal_signal_add_hook(exit_hook, NULL, file, true);
    w = pc_worker_create(1);
    pc_worker_submit(w, fork_cb, NULL, &status);
    alarm(20);
    while (pc_worker_pending(w)) {
        pc_worker_wait(w);
        poll_block();
        pc_worker_run(w);
    }
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    ck_assert_int_eq(access(file, F_OK), 0);
    close(fd);
    unlink(file);
    pc_worker_destroy(w);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, jobs_run_and_wake_the_loop);
    tcase_add_test(tc, destroy_calls_done_of_all);
    if (!getenv("UNIT_WRAPPER")) {
        /* valgrind would report the child's memory. */
        tcase_add_test(tc, a_child_runs_no_exit_hooks);
    }
    return pc_test_run("pc-worker", tc);
}
