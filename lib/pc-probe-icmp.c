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
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "csum.h"
#include "pc-probe-private.h"
#include "random.h"
#include "socket-util.h"
#include "timeval.h"
#include "util.h"

/* ICMP and ICMPv6 echo, from inside the VI. */

/* An echo request of either family: the headers are alike. */
struct echo {
    uint8_t type, code;
    uint16_t checksum;
    uint32_t nonce;             /* Identifier and sequence number. */
    uint64_t payload;
};

static char *
no_answer(const char *host, int error)
{
    return xasprintf("%s does not answer a ping (%s)", host,
                     ovs_strerror(error));
}

/* Waits for the answer to 'request' on 'fd'.  Returns 0 or a positive errno. */
static int
await_reply(int fd, bool ip6, const struct echo *request,
            long long int deadline)
{
    uint8_t reply = ip6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;

    for (;;) {
        uint8_t buf[512];
        int error = pc_probe_wait_fd(fd, POLLIN, deadline);

        if (error) {
            return error;
        }
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                return errno;
            }
            continue;
        }

        /* IPv4 gives its header as well. */
        size_t skip = ip6 || !n ? 0 : (buf[0] & 0xf) * 4;
        struct echo e;

        if ((size_t) n >= skip + sizeof e) {
            memcpy(&e, buf + skip, sizeof e);
            if (e.type == reply && e.nonce == request->nonce
                && e.payload == request->payload) {
                return 0;
            }
        }
    }
}

char *
pc_probe_icmp(const struct pc_probe *p, const struct pc_probe_target *target)
{
    const char *host = p->host ? p->host : target->gateway;
    long long int deadline = time_msec() + p->timeout_ms;
    struct sockaddr_storage ss;

    if (!host) {
        return xstrdup("the VI has no gateway to ping: say which host=");
    }
    char *s = xasprintf(strchr(host, ':') ? "[%s]:0" : "%s:0", host);
    bool ok = inet_parse_active(s, 0, &ss, false, NULL);
    free(s);
    if (!ok) {
        return no_answer(host, EINVAL);
    }

    bool ip6 = ss.ss_family == AF_INET6;
    int fd = pc_probe_socket(target->pid, ss.ss_family, SOCK_RAW,
                             ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0) {
        return no_answer(host, -fd);
    }

    struct echo e = {
        .type = ip6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
        .nonce = random_uint32(),
        .payload = random_uint64(),
    };
    if (!ip6) {
        e.checksum = (OVS_FORCE uint16_t) csum(&e, sizeof e);
    }
    int error = 0;
    if (connect(fd, (struct sockaddr *) &ss, ss_length(&ss))
        || send(fd, &e, sizeof e, 0) < 0) {
        error = errno;
    } else {
        error = await_reply(fd, ip6, &e, deadline);
    }
    close(fd);
    return error ? no_answer(host, error) : NULL;
}
