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
#include "pc-probe.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "pc-probe-private.h"
#include "socket-util.h"
#include "timeval.h"
#include "util.h"

/* Makes a socket in the network namespace of 'pid'.  Returns it, or a negative
 * errno.  Not returning to our own namespace is fatal: every later job of this
 * thread would run in the VI's. */
int
pc_probe_socket(pid_t pid, int family, int type, int protocol)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int) pid);

    int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0) {
        return -errno;
    }
    int theirs = open(path, O_RDONLY | O_CLOEXEC);
    if (theirs < 0) {
        int error = errno;
        close(own);
        return -error;
    }

    int fd = -EPERM;
    if (!setns(theirs, CLONE_NEWNET)) {
        fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
        fd = fd < 0 ? -errno : fd;
        if (setns(own, CLONE_NEWNET)) {
            ovs_abort(errno, "cannot return to our network namespace");
        }
    } else {
        fd = -errno;
    }
    close(theirs);
    close(own);
    return fd;
}

/* Waits for 'events' on 'fd' until 'deadline' (monotonic ms). */
int
pc_probe_wait_fd(int fd, short int events, long long int deadline)
{
    struct pollfd pfd = { .fd = fd, .events = events };
    int retval;

    do {
        long long int left = deadline - time_msec();
        retval = poll(&pfd, 1, left > 0 ? left : 0);
    } while (retval < 0 && errno == EINTR);
    return retval > 0 ? 0 : retval ? errno : ETIMEDOUT;
}

static int
probe_connect(const struct pc_probe *p, pid_t pid, long long int deadline,
              int *fdp)
{
    const char *host = p->host ? p->host : "127.0.0.1";
    uint16_t port = p->port ? p->port : 80;
    char *target = xasprintf(strchr(host, ':') ? "[%s]:%u" : "%s:%u",
                             host, port);
    struct sockaddr_storage ss;
    bool ok = inet_parse_active(target, port, &ss, false, NULL);

    free(target);
    if (!ok) {
        return EINVAL;
    }
    int fd = pc_probe_socket(pid, ss.ss_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return -fd;
    }

    int error = 0;
    if (connect(fd, (struct sockaddr *) &ss, ss_length(&ss))) {
        error = errno == EINPROGRESS ? pc_probe_wait_fd(fd, POLLOUT, deadline) : errno;
        if (!error) {
            error = check_connection_completion(fd);
        }
    }
    if (error) {
        close(fd);
    } else {
        *fdp = fd;
    }
    return error;
}

/* Asks for 'p->path' on 'fd' and reads the status line into 'line'. */
static int
http_get(const struct pc_probe *p, int fd, long long int deadline,
         char *line, size_t size)
{
    char *request = xasprintf("GET %s HTTP/1.0\r\nHost: %s\r\n"
                              "User-Agent: pcloud-agent\r\n"
                              "Connection: close\r\n\r\n",
                              p->path ? p->path : "/",
                              p->host ? p->host : "localhost");
    size_t length = strlen(request);
    ssize_t sent = send(fd, request, length, MSG_NOSIGNAL);
    int error = sent == (ssize_t) length ? 0 : sent < 0 ? errno : EMSGSIZE;
    size_t n = 0;

    free(request);
    line[0] = '\0';
    while (!error && n < size - 1 && !strchr(line, '\n')) {
        error = pc_probe_wait_fd(fd, POLLIN, deadline);
        if (!error) {
            ssize_t got = recv(fd, line + n, size - 1 - n, 0);
            if (got <= 0) {
                return got ? errno : ECONNRESET;
            }
            n += got;
            line[n] = '\0';
        }
    }
    line[strcspn(line, "\r\n")] = '\0';
    return error;
}

static char *
probe_stream(const struct pc_probe *p, pid_t pid)
{
    long long int deadline = time_msec() + p->timeout_ms;
    unsigned int port = p->port ? p->port : 80;
    int fd;
    int error = probe_connect(p, pid, deadline, &fd);
    if (error) {
        return xasprintf("port %u does not answer (%s)", port,
                         ovs_strerror(error));
    }

    char *result = NULL;
    if (p->kind == PC_PROBE_KIND_HTTP) {
        char line[256];
        int status;

        error = http_get(p, fd, deadline, line, sizeof line);
        if (error) {
            result = xasprintf("port %u gives no HTTP response (%s)", port,
                               ovs_strerror(error));
        } else if (!ovs_scan(line, "HTTP/%*d.%*d %d", &status)) {
            result = xasprintf("port %u does not speak HTTP", port);
        } else if (p->status ? status != p->status : status >= 500) {
            result = xasprintf("HTTP status %d for %s", status,
                               p->path ? p->path : "/");
        }
    }
    close(fd);
    return result;
}

char *
pc_probe_once(const struct pc_probe *p, const struct pc_probe_target *target)
{
    switch (p->kind) {
    case PC_PROBE_KIND_NONE: return NULL;
    case PC_PROBE_KIND_TCP: case PC_PROBE_KIND_HTTP:
        return probe_stream(p, target->pid);
    case PC_PROBE_KIND_ICMP: return pc_probe_icmp(p, target);
    case PC_PROBE_KIND_THROUGH: return pc_probe_through(p, target);
    case PC_PROBE_KIND_EXEC: default:
        return xstrdup("exec probes are run in the container");
    }
}
