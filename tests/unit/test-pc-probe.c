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
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "pc-test.h"
#include "smap.h"
#include "util.h"

/* Parses "k=v" pairs, the list ending with NULL. */
static char *
parse(struct pc_probe *p, ...)
{
    struct smap settings = SMAP_INITIALIZER(&settings);
    va_list args;

    va_start(args, p);
    for (const char *s; (s = va_arg(args, const char *)); ) {
        const char *eq = strchr(s, '=');
        smap_add_nocopy(&settings, xmemdup0(s, eq - s), xstrdup(eq + 1));
    }
    va_end(args);
    char *error = pc_probe_parse(p, &settings);
    smap_destroy(&settings);
    return error;
}

START_TEST(parse_good)
{
    struct pc_probe p, q;

    ck_assert_ptr_null(parse(&p, NULL));
    ck_assert_int_eq(p.kind, PC_PROBE_KIND_NONE);
    ck_assert_int_eq(p.interval_ms, 500);
    ck_assert_int_eq(p.timeout_ms, 225);
    ck_assert_int_eq(p.rise, 1);
    ck_assert_int_eq(p.fall, 2);
    ck_assert_int_eq(p.hold_ms, 1000);

    /* All bad results that it takes fit into one interval. */
    ck_assert_ptr_null(parse(&p, "type=through", "interval=1000", "fall=4",
                             "hold=0", NULL));
    ck_assert_int_eq(p.kind, PC_PROBE_KIND_THROUGH);
    ck_assert_int_eq(p.timeout_ms, 225);
    ck_assert_int_eq(p.hold_ms, 0);

    ck_assert_ptr_null(parse(&p, "type=http", "port=8080", "path=/x",
                             "host=::1", "interval=50", "timeout=60",
                             "rise=2", "fall=4", "status=204", NULL));
    ck_assert_int_eq(p.kind, PC_PROBE_KIND_HTTP);
    ck_assert_int_eq(p.port, 8080);
    ck_assert_int_eq(p.interval_ms, 50);
    ck_assert_int_eq(p.timeout_ms, 60);
    ck_assert_int_eq(p.status, 204);
    ck_assert_str_eq(p.host, "::1");
    pc_probe_destroy(&p);

    ck_assert_ptr_null(parse(&p, "type=exec", "command=/bin/a  b c", NULL));
    pc_probe_clone(&q, &p);
    pc_probe_destroy(&p);
    ck_assert_str_eq(q.argv[0], "/bin/a");
    ck_assert_str_eq(q.argv[2], "c");
    ck_assert_ptr_null(q.argv[3]);
    pc_probe_destroy(&q);
}
END_TEST

START_TEST(parse_bad)
{
    static const char *const bad[][2] = {
        { "type=ping", "type=ping: a probe is none, tcp, http, icmp, exec "
          "or through" },
        { "type=tcp", "port: a tcp probe needs one" },
        { "type=exec", "command: an exec probe needs one" },
        { "port=0", "port=0: not a number from 1 to 65535" },
        { "port=65536", "port=65536: not a number from 1 to 65535" },
        { "port=80x", "port=80x: not a number from 1 to 65535" },
        { "host=example", "host=example: not an IPv4 or IPv6 address" },
        { "path=x", "path=x: not a path that begins with /" },
        { "command=ls", "command=ls: not an absolute path" },
        { "interval=9", "interval=9: not a number of milliseconds from 10 "
                        "to 3600000" },
        { "timeout=-1", "timeout=-1: not a number of milliseconds from 10 "
                        "to 3600000" },
        { "rise=0", "rise=0: not a number from 1 to 1000" },
        { "fall=", "fall=: not a number from 1 to 1000" },
        { "color=red", "color: a probe has type, host, port, path, status, "
                       "command, interval, timeout, rise, fall and hold" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct pc_probe p;
        char *error = parse(&p, bad[i][0], NULL);

        ck_assert_ptr_nonnull(error);
        ck_assert_str_eq(error, bad[i][1]);
        ck_assert_int_eq(p.kind, PC_PROBE_KIND_NONE);
        free(error);
    }
}
END_TEST

/* A server that answers one connection after the other with 'reply'; NULL:
 * accepts nothing. */
struct server {
    int fd;
    const char *reply;
    pthread_t thread;
};

static void *
serve(void *server_)
{
    struct server *server = server_;
    char buf[512];

    int fd = accept(server->fd, NULL, NULL);
    if (fd >= 0) {
        ignore(read(fd, buf, sizeof buf));
        ignore(write(fd, server->reply, strlen(server->reply)));
        close(fd);
    }
    return NULL;
}

/* Probes a server that answers 'reply'; returns the error or NULL. */
static char *
try(struct pc_probe *p, const char *reply)
{
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t len = sizeof sin;
    struct server server = { .reply = reply };

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(server.fd, 0);
    ck_assert_int_eq(bind(server.fd, (struct sockaddr *) &sin, len), 0);
    ck_assert_int_eq(listen(server.fd, 1), 0);
    getsockname(server.fd, (struct sockaddr *) &sin, &len);
    p->port = ntohs(sin.sin_port);
    if (reply) {
        pthread_create(&server.thread, NULL, serve, &server);
    }
    const struct pc_probe_target self = { .pid = getpid() };
    char *error = pc_probe_once(p, &self);
    if (reply) {
        shutdown(server.fd, SHUT_RDWR);
        pthread_join(server.thread, NULL);
    }
    close(server.fd);
    return error;
}

/* Entering a network namespace, even one's own, needs privilege. */
static bool
may_setns(void)
{
    return !geteuid();
}

START_TEST(once)
{
    const struct pc_probe_target self = { .pid = getpid() };
    struct pc_probe p;
    char *error;

    if (!may_setns()) {
        return;
    }
    pc_probe_init(&p);
    ck_assert_ptr_null(pc_probe_once(&p, &self));

    p.kind = PC_PROBE_KIND_TCP;
    p.timeout_ms = 2000;
    ck_assert_ptr_null(try(&p, ""));

    p.kind = PC_PROBE_KIND_HTTP;
    ck_assert_ptr_null(try(&p, "HTTP/1.1 404 Not Found\r\n\r\n"));

    error = try(&p, "HTTP/1.1 503 Busy\r\n\r\n");
    ck_assert_str_eq(error, "HTTP status 503 for /");
    free(error);

    error = try(&p, "SSH-2.0-x\r\n");
    ck_assert(strstr(error, "does not speak HTTP") != NULL);
    free(error);

    p.timeout_ms = 30;
    error = try(&p, NULL);
    ck_assert(strstr(error, "gives no HTTP response") != NULL);
    free(error);

    p.kind = PC_PROBE_KIND_ICMP;
    p.timeout_ms = 2000;
    p.host = xstrdup("127.0.0.1");
    ck_assert_ptr_null(pc_probe_once(&p, &self));
    free(p.host);
    p.host = NULL;
    error = pc_probe_once(&p, &self);
    ck_assert_str_eq(error, "the VI has no gateway to ping: say which host=");
    free(error);
    p.kind = PC_PROBE_KIND_THROUGH;
    error = pc_probe_once(&p, &self);
    ck_assert_str_eq(error, "only a VI with two ports has a through");
    free(error);

    p.kind = PC_PROBE_KIND_TCP;
    p.port = 1;
    error = pc_probe_once(&p, &self);
    ck_assert_str_eq(error, "port 1 does not answer (Connection refused)");
    free(error);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, parse_good);
    tcase_add_test(tc, parse_bad);
    tcase_add_test(tc, once);
    return pc_test_run("pc-probe", tc);
}
