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

/* Accounts for every packet of a path and back, at a steady rate:
 *
 *   udp-count echo PORT               sends back what it gets
 *   udp-count send HOST PORT RATE [COUNT]
 *
 * "send" sends numbered datagrams, RATE a second, until it has sent COUNT or
 * is ended by SIGTERM; waits for the rest of the answers; and prints
 *
 *   sent N, answered N, lost N, duplicates N, longest gap N ms
 *
 * where the gap is the longest time without an answer.  After the first answer
 * it prints "first answer".
 *
 *   udp-count push PORT RATE          once asked, sends without being asked
 *   udp-count pull HOST PORT
 *
 * "pull" sends one datagram; then "push" sends numbered datagrams to where it
 * came from, and "pull" counts them, as above, until it is ended by SIGTERM. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "command-line.h"
#include "util.h"

#define PAYLOAD 64
#define BURST 64                /* At most this many at once. */
#define LINGER_MS 1500          /* No answer for so long: there is none. */

struct count {
    int fd;
    uint64_t sent, answered, duplicates;
    uint8_t *seen;              /* By number: answered. */
    size_t n_seen;
    int64_t start, last_answer, longest_gap; /* In microseconds. */
};

static volatile sig_atomic_t ended;

static void
end(int sig OVS_UNUSED)
{
    ended = 1;
}

static int64_t
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int
open_socket(const char *host, const char *port, bool server)
{
    struct addrinfo hints = {
        .ai_family = server ? AF_INET6 : AF_UNSPEC,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
                    | (server ? AI_PASSIVE : 0),
    };
    struct addrinfo *ai;
    int size = 16 << 20;
    int error = getaddrinfo(host, port, &hints, &ai);

    if (error) {
        ovs_fatal(0, "%s port %s: %s", host ? host : "::", port,
                  gai_strerror(error));
    }
    int fd = socket(ai->ai_family, SOCK_DGRAM, 0);
    if (fd < 0
        || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)
        || (server ? bind(fd, ai->ai_addr, ai->ai_addrlen)
                   : connect(fd, ai->ai_addr, ai->ai_addrlen))) {
        ovs_fatal(errno, "socket");
    }
    freeaddrinfo(ai);
    return fd;
}

static void
run_echo(const char *port)
{
    int fd = open_socket(NULL, port, true);

    printf("listening\n");
    fflush(stdout);
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        char buf[2048];
        ssize_t n = recvfrom(fd, buf, sizeof buf, 0,
                             (struct sockaddr *) &from, &len);

        if (n >= 0) {
            ignore(sendto(fd, buf, n, 0, (struct sockaddr *) &from, len));
        }
    }
}

/* Makes room for one more number. */
static void
grow(struct count *c)
{
    if (c->sent >= c->n_seen) {
        size_t n = c->n_seen ? c->n_seen * 2 : 65536;

        c->seen = xrealloc(c->seen, n);
        memset(c->seen + c->n_seen, 0, n - c->n_seen);
        c->n_seen = n;
    }
}

static void
send_one(struct count *c)
{
    uint64_t packet[PAYLOAD / 8] = { c->sent };

    grow(c);
    /* One that cannot be sent is lost. */
    ignore(send(c->fd, packet, sizeof packet, 0));
    c->sent++;
}

/* Receives a datagram if there is one. */
static bool
receive_one(struct count *c)
{
    uint64_t packet[PAYLOAD / 8];

    if (recv(c->fd, packet, sizeof packet, MSG_DONTWAIT) != sizeof packet) {
        return false;
    }

    int64_t now = now_us();
    if (packet[0] >= c->sent || c->seen[packet[0]]) {
        c->duplicates++;
        return true;
    }
    if (!c->answered) {
        printf("first answer\n");
        fflush(stdout);
    } else {
        c->longest_gap = MAX(c->longest_gap, now - c->last_answer);
    }
    c->seen[packet[0]] = 1;
    c->answered++;
    c->last_answer = now;
    return true;
}

static void
receive(struct count *c)
{
    while (receive_one(c)) {
        continue;
    }
}

static void
print_counts(struct count *c)
{
    printf("sent %"PRIu64", answered %"PRIu64", lost %"PRIu64", "
           "duplicates %"PRIu64", longest gap %"PRId64" ms\n",
           c->sent, c->answered, c->sent - c->answered, c->duplicates,
           c->longest_gap / 1000);
    free(c->seen);
}

static void
run_send(const char *const *argv, int argc)
{
    struct count c = { .fd = open_socket(argv[0], argv[1], false) };
    uint64_t rate = strtoull(argv[2], NULL, 10);
    uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;

    c.start = c.last_answer = now_us();
    while (!ended && c.sent < count) {
        uint64_t due = (now_us() - c.start) * rate / 1000000 + 1;

        for (int i = 0; i < BURST && c.sent < MIN(due, count); i++) {
            send_one(&c);
        }
        poll(&(struct pollfd) { .fd = c.fd, .events = POLLIN }, 1, 1);
        receive(&c);
    }

    int64_t end_time = now_us();
    while (c.answered < c.sent
           && now_us() - MAX(end_time, c.last_answer) < LINGER_MS * 1000) {
        poll(&(struct pollfd) { .fd = c.fd, .events = POLLIN }, 1, 10);
        receive(&c);
    }
    print_counts(&c);
}

/* Waits for a request and answers it without end. */
static void
run_push(const char *port, const char *rate_)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    int fd = open_socket(NULL, port, true);
    uint64_t rate = strtoull(rate_, NULL, 10);
    uint64_t packet[PAYLOAD / 8] = { 0 };

    if (recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *) &from,
                 &len) < 0) {
        ovs_fatal(errno, "cannot receive");
    }
    int64_t start = now_us();
    for (packet[0] = 0; ; ) {
        uint64_t due = (now_us() - start) * rate / 1000000 + 1;

        for (int i = 0; i < BURST && packet[0] < due; i++) {
            ignore(sendto(fd, packet, sizeof packet, 0,
                          (struct sockaddr *) &from, len));
            packet[0]++;
        }
        poll(NULL, 0, 1);
    }
}

/* Asks once, and counts what comes. */
static void
run_pull(const char *host, const char *port)
{
    struct count c = { .fd = open_socket(host, port, false) };

    send_one(&c);
    c.start = c.last_answer = now_us();
    while (!ended) {
        /* What is to come is known from the highest number that came. */
        uint64_t packet[PAYLOAD / 8];

        while (recv(c.fd, packet, sizeof packet, MSG_DONTWAIT | MSG_PEEK)
               == sizeof packet) {
            while (c.sent <= packet[0]) {
                grow(&c);
                c.sent++;
            }
            receive_one(&c);
        }
        poll(&(struct pollfd) { .fd = c.fd, .events = POLLIN }, 1, 10);
    }
    print_counts(&c);
}

int
main(int argc, char *argv[])
{
    set_program_name(argv[0]);
    signal(SIGTERM, end);
    signal(SIGINT, end);
    if (argc == 3 && !strcmp(argv[1], "echo")) {
        signal(SIGTERM, SIG_DFL);
        run_echo(argv[2]);
    } else if ((argc == 5 || argc == 6) && !strcmp(argv[1], "send")) {
        run_send((const char *const *) &argv[2], argc - 2);
    } else if (argc == 4 && !strcmp(argv[1], "push")) {
        signal(SIGTERM, SIG_DFL);
        run_push(argv[2], argv[3]);
    } else if (argc == 4 && !strcmp(argv[1], "pull")) {
        run_pull(argv[2], argv[3]);
    } else {
        ovs_fatal(0, "usage: %s echo PORT | send HOST PORT RATE [COUNT] | "
                  "push PORT RATE | pull HOST PORT", program_name);
    }
    return 0;
}
