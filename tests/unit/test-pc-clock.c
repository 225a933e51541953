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
#include "pc-clock.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-fs.h"
#include "pc-test.h"
#include "pc-time.h"
#include "util.h"

#define NOW INT64_C(1796112000)    /* 2026-12-01T08:00:00Z */

/* The clock is read from the environment at its first use: each case is a process
 * of its own, also where check does not make one (CK_FORK=no).  Cases return NULL
 * or what is wrong. */
static char *dir;
static char *file;

static void
write_text(const char *name, const char *text)
{
    if (pc_fs_write_file(name, text)) {
        abort();
    }
}

/* Sets the clock as a test does: by a rename. */
static void
set_clock(int64_t time)
{
    char *text = pc_time_format(time);
    char *line = xasprintf("%s\n", text);
    char *temp = xasprintf("%s.new", file);

    write_text(temp, line);
    if (rename(temp, file)) {
        abort();
    }
    free(temp);
    free(line);
    free(text);
}

static const char *
reads_file(void)
{
    if (pc_clock_now() != 0) {
        return "a time without a file";
    }
    set_clock(NOW);
    if (pc_clock_now() != NOW) {
        return "not the file's time";
    }
    set_clock(NOW - 1);
    if (pc_clock_now() != NOW - 1) {
        return "not the time of the file that took its place";
    }
    write_text(file, "@5");
    if (pc_clock_now() != 5) {
        return "not what was written";
    }

    static const char *const bad[] = { "", "\n", "noon\n", "now+1h\n", "-1" };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        write_text(file, bad[i]);
        if (pc_clock_now() != 5) {
            return "not the last time known, after a bad one";
        }
    }
    unlink(file);
    return pc_clock_now() == 5 ? NULL : "not the last time known";
}

/* Each change wakes a loop that waits, due or not: without that, poll_block() does
 * not return. */
static const char *
wakes(void)
{
    set_clock(NOW);
    for (int64_t t = NOW; t < NOW + 10; t++) {
        if (pc_clock_now() != t) {
            return "not the file's time";
        }
        pc_clock_wait_until(NOW + 100);
        set_clock(t + 1);
        poll_block();
    }

    pc_clock_now();
    pc_clock_wait_until(NOW + 100);
    write_text(file, "2026-12-01T08:00:50Z");
    poll_block();
    if (pc_clock_now() != NOW + 50) {
        return "not what was written";
    }

    /* Backwards too. */
    pc_clock_wait_until(NOW + 100);
    set_clock(NOW - 1);
    poll_block();
    return pc_clock_now() == NOW - 1 ? NULL : "not the earlier time";
}

/* No wake is lost between the question for the time and the wait. */
static const char *
wakes_between(void)
{
    set_clock(NOW);
    if (pc_clock_now() != NOW) {
        return "not the file's time";
    }
    set_clock(NOW + 1);
    pc_clock_wait_until(NOW + 100);
    poll_block();

    /* What is due is due at once, for each who waits. */
    pc_clock_now();
    pc_clock_wait_until(NOW + 100);
    pc_clock_wait_until(NOW + 1);
    poll_block();
    pc_clock_wait_until(0);
    poll_block();
    return NULL;
}

/* A directory that is made again is watched again. */
static const char *
new_directory(void)
{
    set_clock(NOW);
    pc_clock_now();
    if (pc_fs_remove_tree(dir) || pc_clock_now() != NOW) {
        return "not the last time known";
    }
    if (pc_fs_make_dirs(dir)) {
        return "cannot make the directory";
    }
    set_clock(NOW + 1);
    if (pc_clock_now() != NOW + 1) {
        return "not the time of the new file";
    }
    pc_clock_wait_until(NOW + 100);
    set_clock(NOW + 2);
    poll_block();
    return pc_clock_now() == NOW + 2 ? NULL : "not the newer time";
}

/* The machine's clock: the loop wakes at a time, not before, and at once if that
 * has been. */
static const char *
machine(void)
{
    int64_t before = time(NULL);
    int64_t now = pc_clock_now();

    if (now < before) {
        return "behind the machine's clock";
    }
    pc_clock_wait_until(now - 100);
    poll_block();

    int n_turns = 0;
    while (pc_clock_now() < now + 1) {
        /* The earliest counts, whoever is first, and "never" waits too. */
        pc_clock_wait_until(INT64_MAX);
        pc_clock_wait_until(now + 1);
        pc_clock_wait_until(now + 1000);
        poll_block();
        n_turns++;
    }
    return n_turns <= 2 ? NULL : "busy";
}

static const struct {
    const char *name;
    const char *(*run)(void);
} cases[] = {
    { "reads-file", reads_file },
    { "wakes", wakes },
    { "wakes-between", wakes_between },
    { "new-directory", new_directory },
    { "machine", machine },
};

START_TEST(test_case)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (!pid) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
        if (cases[_i].run == machine) {
            unsetenv("PCLOUD_CLOCK");
        }
        const char *why = cases[_i].run();
        if (why) {
            fprintf(stderr, "%s: %s\n", cases[_i].name, why);
        }
        _exit(why ? 1 : 0);
    }

    int status;
    pid_t retval;
    do {
        retval = waitpid(pid, &status, 0);
    } while (retval < 0 && errno == EINTR);
    ck_assert_int_eq(retval, pid);
    ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "%s: status %#x",
                  cases[_i].name, status);
}
END_TEST

static void
setup(void)
{
    char *template = xasprintf("%s/pc-clock-XXXXXX",
                               getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");

    ck_assert_ptr_nonnull(mkdtemp(template));
    dir = template;
    file = xasprintf("%s/clock", dir);
    ck_assert_int_eq(setenv("PCLOUD_CLOCK", file, 1), 0);
}

static void
teardown(void)
{
    pc_fs_remove_tree(dir);
    free(dir);
    free(file);
}

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_case, 0, ARRAY_SIZE(cases));
    return pc_test_run("pc-clock", tc);
}
