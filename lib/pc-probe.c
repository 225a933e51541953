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
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "smap.h"
#include "socket-util.h"
#include "timeval.h"
#include "util.h"

#define DEFAULT_MS 1000

void
pc_probe_init(struct pc_probe *p)
{
    *p = (struct pc_probe) {
        .interval_ms = DEFAULT_MS,
        .timeout_ms = DEFAULT_MS,
        .rise = 1,
        .fall = 3,
    };
}

void
pc_probe_destroy(struct pc_probe *p)
{
    if (p) {
        free(p->host);
        free(p->path);
        for (size_t i = 0; p->argv && p->argv[i]; i++) {
            free(p->argv[i]);
        }
        free(p->argv);
        pc_probe_init(p);
    }
}

void
pc_probe_clone(struct pc_probe *dst, const struct pc_probe *src)
{
    *dst = *src;
    dst->host = nullable_xstrdup(src->host);
    dst->path = nullable_xstrdup(src->path);
    if (src->argv) {
        size_t n = 0;

        while (src->argv[n]) {
            n++;
        }
        dst->argv = xzalloc((n + 1) * sizeof *dst->argv);
        for (size_t i = 0; i < n; i++) {
            dst->argv[i] = xstrdup(src->argv[i]);
        }
    }
}

/* Parsing. */

static char *
parse_type(struct pc_probe *p, const char *value)
{
    static const char *const names[] = { "none", "tcp", "http", "exec" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(value, names[i])) {
            p->kind = i;
            return NULL;
        }
    }
    return xasprintf("type=%s: a probe is none, tcp, http or exec", value);
}

static char *
parse_ms(const char *key, const char *value, unsigned int *ms)
{
    unsigned int n;

    if (!str_to_uint(value, 10, &n) || n < 10 || n > 3600 * 1000) {
        return xasprintf("%s=%s: not a number of milliseconds from 10 to "
                         "3600000", key, value);
    }
    *ms = n;
    return NULL;
}

static char *
parse_count(const char *key, const char *value, unsigned int max,
            unsigned int *count)
{
    unsigned int n;

    if (!str_to_uint(value, 10, &n) || !n || n > max) {
        return xasprintf("%s=%s: not a number from 1 to %u", key, value, max);
    }
    *count = n;
    return NULL;
}

static char **
split_words(const char *s_)
{
    char *s = xstrdup(s_);
    char *save = NULL;
    size_t n = 0;
    char **argv = xzalloc((strlen(s) / 2 + 2) * sizeof *argv);

    for (char *w = strtok_r(s, " \t", &save); w;
         w = strtok_r(NULL, " \t", &save)) {
        argv[n++] = xstrdup(w);
    }
    free(s);
    return argv;
}

static char *
parse_host(struct pc_probe *p, const char *value)
{
    struct in6_addr ip6;
    ovs_be32 ip4;

    if (!ip_parse(value, &ip4) && !ipv6_parse(value, &ip6)) {
        return xasprintf("host=%s: not an IPv4 or IPv6 address", value);
    }
    free(p->host);
    p->host = xstrdup(value);
    return NULL;
}

static char *
parse_pair(struct pc_probe *p, const char *key, const char *value)
{
    if (!strcmp(key, "type")) {
        return parse_type(p, value);
    } else if (!strcmp(key, "host")) {
        return parse_host(p, value);
    } else if (!strcmp(key, "port")) {
        unsigned int port = 0;
        char *error = parse_count(key, value, 65535, &port);
        p->port = error ? 0 : port;
        return error;
    } else if (!strcmp(key, "path")) {
        if (value[0] != '/' || strpbrk(value, " \r\n")) {
            return xasprintf("path=%s: not a path that begins with /", value);
        }
        free(p->path);
        p->path = xstrdup(value);
        return NULL;
    } else if (!strcmp(key, "status")) {
        unsigned int status = 0;
        char *error = parse_count(key, value, 599, &status);
        p->status = error ? 0 : status;
        return error;
    } else if (!strcmp(key, "command")) {
        p->argv = split_words(value);
        return (p->argv[0] && p->argv[0][0] == '/' ? NULL
                : xasprintf("command=%s: not an absolute path", value));
    } else if (!strcmp(key, "interval")) {
        return parse_ms(key, value, &p->interval_ms);
    } else if (!strcmp(key, "timeout")) {
        return parse_ms(key, value, &p->timeout_ms);
    } else if (!strcmp(key, "rise")) {
        return parse_count(key, value, 1000, &p->rise);
    } else if (!strcmp(key, "fall")) {
        return parse_count(key, value, 1000, &p->fall);
    }
    return xasprintf("%s: a probe has type, host, port, path, status, "
                     "command, interval, timeout, rise and fall", key);
}

char *
pc_probe_parse(struct pc_probe *p, const struct smap *settings)
{
    const struct smap_node *node;
    char *error = NULL;

    pc_probe_init(p);
    SMAP_FOR_EACH (node, settings) {
        error = parse_pair(p, node->key, node->value);
        if (error) {
            pc_probe_destroy(p);
            return error;
        }
    }
    if (p->kind == PC_PROBE_KIND_TCP && !p->port) {
        error = xstrdup("port: a tcp probe needs one");
    } else if (p->kind == PC_PROBE_KIND_EXEC && !p->argv) {
        error = xstrdup("command: an exec probe needs one");
    }
    if (error) {
        pc_probe_destroy(p);
    }
    return error;
}

/* Probing. */

/* Makes a TCP socket of 'family' in the network namespace of 'pid'.  Returns
 * it, or a negative errno.  Not returning to our own namespace is fatal: every
 * later job of this thread would run in the VI's. */
static int
socket_in_netns(pid_t pid, int family)
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
        fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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
static int
wait_fd(int fd, short int events, long long int deadline)
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
    int fd = socket_in_netns(pid, ss.ss_family);
    if (fd < 0) {
        return -fd;
    }

    int error = 0;
    if (connect(fd, (struct sockaddr *) &ss, ss_length(&ss))) {
        error = errno == EINPROGRESS ? wait_fd(fd, POLLOUT, deadline) : errno;
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
        error = wait_fd(fd, POLLIN, deadline);
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

char *
pc_probe_once(const struct pc_probe *p, pid_t pid)
{
    if (p->kind == PC_PROBE_KIND_NONE) {
        return NULL;
    } else if (p->kind == PC_PROBE_KIND_EXEC) {
        return xstrdup("exec probes are run in the container");
    }

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
