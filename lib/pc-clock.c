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

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/util.h"
#include "openvswitch/vlog.h"
#include "pc-fs.h"
#include "pc-slot.h"
#include "pc-time.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_clock);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

/* Longer is no time. */
enum { MAX_FILE = 256 };

/* The clock of PCLOUD_CLOCK; 'file' is NULL if that is the machine's. */
static struct {
    bool inited;
    char *file;
    char *dir;
    int fd;                     /* inotify, or -1 and errno in 'error'. */
    int error;
    bool watching;
    int64_t last;               /* What pc_clock_now() returned last. */
} simulated = { .fd = -1 };

/* The machine's clock.  The timer is armed for the earliest time for which
 * somebody waits. */
static struct {
    int fd;
    int64_t armed;              /* INT64_MAX: not armed. */
} machine = { .fd = -1, .armed = INT64_MAX };

/* Watches the directory: a file that is replaced by a rename is another file.
 * The directory may come later. */
static void
watch_directory(void)
{
    if (simulated.fd < 0 || simulated.watching) {
        return;
    }
    if (inotify_add_watch(simulated.fd, simulated.dir,
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
        VLOG_WARN_RL(&rl, "%s: cannot watch for a change of the clock (%s)",
                     simulated.dir, ovs_strerror(errno));
    } else {
        simulated.watching = true;
    }
}

static void
init(void)
{
    if (simulated.inited) {
        return;
    }
    simulated.inited = true;

    const char *file = getenv("PCLOUD_CLOCK");
    if (!file || !*file) {
        return;
    }
    simulated.file = abs_file_name(NULL, file);
    simulated.dir = dir_name(simulated.file);
    simulated.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (simulated.fd < 0) {
        VLOG_WARN("cannot watch for a change of the clock (%s)",
                  ovs_strerror(errno));
    }
    VLOG_INFO("the clock is the file %s", simulated.file);
}

/* Takes note of the changes of the file so far.  What they are does not matter:
 * the file is read after this. */
static void
drain_changes(void)
{
    union {
        struct inotify_event event;
        char bytes[4096];
    } buffer;
    ssize_t n;

    while (simulated.fd >= 0
           && (n = read(simulated.fd, &buffer, sizeof buffer)) > 0) {
        for (const char *p = buffer.bytes; p < buffer.bytes + n; ) {
            struct inotify_event event;

            memcpy(&event, p, sizeof event);
            if (event.mask & IN_IGNORED) {
                simulated.watching = false; /* The directory is gone. */
            }
            p += sizeof event + event.len;
        }
    }
    watch_directory();
}

/* Reads the file, and sets 'simulated.last' if it has a time. */
static void
read_file(void)
{
    char *text = NULL;
    int error = pc_fs_read_file(simulated.file, MAX_FILE, &text, NULL);
    char *why = NULL;
    int64_t time = 0;

    if (error) {
        why = xstrdup(ovs_strerror(error));
    } else {
        text[strcspn(text, "\r\n")] = '\0';
        /* Relative to what? */
        why = (!strncmp(text, "now", 3)
               ? xstrdup("the clock's file must have a time that stands")
               : pc_time_parse(text, 0, &time));
    }
    if (!why) {
        simulated.last = time;
    } else {
        VLOG_WARN_RL(&rl, "%s: cannot read the clock (%s)", simulated.file,
                     why);
        free(why);
    }
    free(text);
}

int64_t
pc_clock_now(void)
{
    init();
    if (!simulated.file) {
        struct timespec ts;

        /* Not time(): it may be behind by a tick, so that whoever was woken at a
         * time would not see it yet. */
        clock_gettime(CLOCK_REALTIME, &ts);
        return ts.tv_sec;
    }
    drain_changes();
    read_file();
    return simulated.last;
}

static void
wait_for_file(int64_t time)
{
    int64_t seen = simulated.last;

    /* A change since the caller asked for the time wakes it as one from now on
     * does. */
    if (pc_clock_now() != seen || simulated.last >= time) {
        poll_immediate_wake();
    } else if (simulated.watching) {
        poll_fd_wait(simulated.fd, POLLIN);
    } else {
        poll_timer_wait(1000);
    }
}

/* Arms the timer for 'time'.  Returns false if it cannot be: the loop wakes soon
 * then. */
static bool
arm(int64_t time)
{
    struct itimerspec spec = { .it_value.tv_sec = MAX(time, 1) };

    if (timerfd_settime(machine.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
                        &spec, NULL)) {
        machine.armed = INT64_MAX;
        if (errno == ECANCELED) {
            poll_immediate_wake();  /* The clock was set just now. */
        } else {
            VLOG_WARN_RL(&rl, "timerfd_settime failed (%s)",
                         ovs_strerror(errno));
            poll_timer_wait(1000);
        }
        return false;
    }
    machine.armed = time;
    return true;
}

static void
wait_for_machine(int64_t time)
{
    uint64_t expirations;

    if (machine.fd < 0) {
        machine.fd = timerfd_create(CLOCK_REALTIME,
                                    TFD_NONBLOCK | TFD_CLOEXEC);
        if (machine.fd < 0) {
            VLOG_WARN_RL(&rl, "timerfd_create failed (%s)",
                         ovs_strerror(errno));
            poll_timer_wait(1000);
            return;
        }
    }

    /* Readable: it has fired, or (ECANCELED) the clock was set, perhaps after the
     * caller asked for the time. */
    ssize_t n = read(machine.fd, &expirations, sizeof expirations);
    if (n >= 0 || errno != EAGAIN) {
        machine.armed = INT64_MAX;
        if (n < 0) {
            poll_immediate_wake();
        }
    }

    /* An earlier time that nobody waits for any more costs one idle turn of the
     * loop. */
    if (pc_clock_now() >= time) {
        poll_immediate_wake();
    } else if (time >= machine.armed || arm(time)) {
        poll_fd_wait(machine.fd, POLLIN);
    }
}

void
pc_clock_wait_until(int64_t time)
{
    init();
    time = MIN(time, PC_TIME_MAX);
    if (simulated.file) {
        wait_for_file(time);
    } else {
        wait_for_machine(time);
    }
}
