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

#include <config.h>
#include "pc-worker.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "fatal-signal.h"
#include "openvswitch/list.h"
#include "openvswitch/thread.h"
#include "openvswitch/util.h"
#include "ovs-thread.h"
#include "seq.h"
#include "util.h"

struct pc_worker_job {
    struct ovs_list node;       /* In 'waiting' or 'finished'. */
    pc_worker_func *fn;
    pc_worker_func *done;
    void *aux;
};

struct pc_worker {
    struct ovs_mutex mutex;
    pthread_cond_t cond;        /* Signaled when 'waiting' or 'exiting' change. */
    struct ovs_list waiting OVS_GUARDED; /* Contains struct pc_worker_job. */
    struct ovs_list finished OVS_GUARDED;
    bool exiting OVS_GUARDED;

    struct seq *seq;            /* Changes with every finished job. */
    uint64_t seqno;             /* Main thread: last value seen. */
    size_t n_pending;           /* Main thread. */

    pthread_t *threads;
    size_t n_threads;
};

static void *
pc_worker_main(void *w_)
{
    struct pc_worker *w = w_;
    sigset_t all;

    /* Signals are for the main thread, which knows what to do with them. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);

    ovs_mutex_lock(&w->mutex);
    while (!w->exiting) {
        struct pc_worker_job *job;

        if (ovs_list_is_empty(&w->waiting)) {
            ovs_mutex_cond_wait(&w->cond, &w->mutex);
            continue;
        }
        job = CONTAINER_OF(ovs_list_pop_front(&w->waiting),
                           struct pc_worker_job, node);
        ovs_mutex_unlock(&w->mutex);
        job->fn(job->aux);
        ovs_mutex_lock(&w->mutex);
        ovs_list_push_back(&w->finished, &job->node);
        seq_change(w->seq);
    }
    ovs_mutex_unlock(&w->mutex);
    return NULL;
}

/* exit() in a child of 'pid_', such as one that liblxc forked for its monitor,
 * must not run the parent's exit hooks: fatal-signal's would delete its pidfile
 * and sockets.  (fatal_signal_fork() is for single-threaded processes only.) */
static void
pc_worker_on_exit(int status, void *pid_)
{
    if ((uintptr_t) getpid() != (uintptr_t) pid_) {
        _exit(status);
    }
}

struct pc_worker *
pc_worker_create(size_t n_threads)
{
    struct pc_worker *w = xzalloc(sizeof *w);

    /* Exit hooks run in reverse order: fatal-signal's come after ours. */
    fatal_signal_init();
    on_exit(pc_worker_on_exit, (void *) (uintptr_t) getpid());

    ovs_mutex_init(&w->mutex);
    xpthread_cond_init(&w->cond, NULL);
    ovs_list_init(&w->waiting);
    ovs_list_init(&w->finished);
    w->seq = seq_create();
    w->seqno = seq_read(w->seq);
    w->n_threads = MAX(n_threads, 1);
    w->threads = xcalloc(w->n_threads, sizeof *w->threads);
    for (size_t i = 0; i < w->n_threads; i++) {
        w->threads[i] = ovs_thread_create("pc-worker", pc_worker_main, w);
    }
    return w;
}

void
pc_worker_destroy(struct pc_worker *w)
{
    if (!w) {
        return;
    }

    ovs_mutex_lock(&w->mutex);
    w->exiting = true;
    xpthread_cond_broadcast(&w->cond);
    ovs_mutex_unlock(&w->mutex);
    for (size_t i = 0; i < w->n_threads; i++) {
        xpthread_join(w->threads[i], NULL);
    }

    /* No other thread is left, but done() may submit further jobs, which meet
     * the same fate. */
    while (w->n_pending) {
        ovs_mutex_lock(&w->mutex);
        ovs_list_splice(&w->finished, w->waiting.next, &w->waiting);
        ovs_mutex_unlock(&w->mutex);
        pc_worker_run(w);
    }

    seq_destroy(w->seq);
    xpthread_cond_destroy(&w->cond);
    ovs_mutex_destroy(&w->mutex);
    free(w->threads);
    free(w);
}

void
pc_worker_submit(struct pc_worker *w, pc_worker_func *fn,
                 pc_worker_func *done, void *aux)
{
    struct pc_worker_job *job = xmalloc(sizeof *job);

    job->fn = fn;
    job->done = done;
    job->aux = aux;
    w->n_pending++;

    ovs_mutex_lock(&w->mutex);
    ovs_list_push_back(&w->waiting, &job->node);
    xpthread_cond_signal(&w->cond);
    ovs_mutex_unlock(&w->mutex);
}

void
pc_worker_run(struct pc_worker *w)
{
    struct ovs_list jobs = OVS_LIST_INITIALIZER(&jobs);

    /* Read 'seq' before the list, not to miss a job that ends in between. */
    w->seqno = seq_read(w->seq);
    ovs_mutex_lock(&w->mutex);
    ovs_list_push_back_all(&jobs, &w->finished);
    ovs_mutex_unlock(&w->mutex);

    while (!ovs_list_is_empty(&jobs)) {
        struct pc_worker_job *job = CONTAINER_OF(ovs_list_pop_front(&jobs),
                                                 struct pc_worker_job, node);

        w->n_pending--;
        if (job->done) {
            job->done(job->aux);
        }
        free(job);
    }
}

void
pc_worker_wait(struct pc_worker *w)
{
    seq_wait(w->seq, w->seqno);
}

size_t
pc_worker_pending(const struct pc_worker *w)
{
    return w->n_pending;
}
