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
#include "pc-container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pc-container-private.h"
#include "timeval.h"
#include "util.h"

/* Commands in a running container. */

/* Output of a command that pc_container_exec() keeps, bytes. */
#define PC_EXEC_MAX_OUTPUT 65536

/* Reads once from 'fd'; what does not fit is thrown away.  Returns false at the
 * end of file. */
static bool
read_output(int fd, struct pc_container_result *r)
{
    char buffer[4096];
    ssize_t n = read(fd, buffer, sizeof buffer);

    if (n > 0) {
        size_t fits = MIN((size_t) n, PC_EXEC_MAX_OUTPUT - r->length);

        memcpy(r->output + r->length, buffer, fits);
        r->length += fits;
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Waits up to 'ms' (-1: without limit) for 'pfds' to be ready. */
static void
wait_for_output(struct pollfd pfds[2], long long int ms)
{
    if (poll(pfds, 2, MIN(ms, INT_MAX)) < 0) {
        pfds[0].revents = pfds[1].revents = 0;
    }
}

/* Collects output from 'fd' until process 'pidfd' ends or 'timeout_ms' (0: no
 * limit) are over. */
static void
collect(int fd, int pidfd, unsigned int timeout_ms,
        struct pc_container_result *r)
{
    long long int deadline = time_msec() + timeout_ms;
    struct pollfd pfds[2] = {
        { .fd = fd, .events = POLLIN },
        { .fd = pidfd, .events = POLLIN },
    };

    for (;;) {
        long long int left = timeout_ms ? deadline - time_msec() : -1;

        if (timeout_ms && left <= 0) {
            r->timed_out = true;
            return;
        }
        wait_for_output(pfds, left);
        if (pfds[1].revents) {
            break;
        } else if (pfds[0].revents && !read_output(fd, r)) {
            pfds[0].fd = -1;
        }
    }

    /* What is in the pipe now; not more than that, for what the command has left
     * in the background may go on writing for ever. */
    for (int i = 0; i < PC_EXEC_MAX_OUTPUT / 4096 && pfds[0].fd >= 0; i++) {
        wait_for_output(pfds, 0);
        if (!pfds[0].revents || !read_output(fd, r)) {
            break;
        }
    }
}

char *
pc_container_exec(const char *lxc_path, const char *name,
                  const char *const *argv, unsigned int timeout_ms,
                  struct pc_container_result *r)
{
    int pipe_fds[2] = { -1, -1 };
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char *error = NULL;
    pid_t pid;

    memset(r, 0, sizeof *r);
    if (null_fd < 0 || pipe2(pipe_fds, O_CLOEXEC)) {
        error = xasprintf("%s: %s", name, ovs_strerror(errno));
    } else {
        const int fds[3] = { null_fd, pipe_fds[1], pipe_fds[1] };

        error = pc_container_lxc_attach(lxc_path, name, argv, fds, &pid);
    }
    if (pipe_fds[1] >= 0) {
        close(pipe_fds[1]);
    }
    if (!error) {
        int pidfd = pc_container_watch(pid);

        r->output = xmalloc(PC_EXEC_MAX_OUTPUT + 1);
        if (pidfd >= 0) {
            collect(pipe_fds[0], pidfd, timeout_ms, r);
        }
        r->output[r->length] = '\0';
        if (r->timed_out) {
            kill(pid, SIGKILL);
        }
        pc_container_reap(pid, &r->status);
        if (pidfd >= 0) {
            close(pidfd);
        }
    }
    if (null_fd >= 0) {
        close(null_fd);
    }
    if (pipe_fds[0] >= 0) {
        close(pipe_fds[0]);
    }
    return error;
}

char *
pc_container_exec_fds(const char *lxc_path, const char *name,
                      const char *const *argv, const int fds[3], int *status)
{
    char *error;
    pid_t pid;

    *status = 0;
    error = pc_container_lxc_attach(lxc_path, name, argv, fds, &pid);
    if (!error) {
        pc_container_reap(pid, status);
    }
    return error;
}
