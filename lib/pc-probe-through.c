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
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "csum.h"
#include "packets.h"
#include "pc-layout.h"
#include "pc-probe-private.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

/* Frames through an inline VI, by the host's ends of its two veths. */

#define FRAME_LEN 64            /* Without FCS. */
#define ETHERTYPE_EXPERIMENT 0x88b5     /* IEEE 802: for local use. */

/* What is at the end of a frame, where a service does not look. */
struct trailer {
    uint64_t nonce;
    uint32_t side;
};

/* The address of a VI's probe frames that come out of 'side'. */
static struct eth_addr
probe_mac(uint16_t number, unsigned int side)
{
    struct eth_addr mac = PC_PROBE_MAC;

    mac.ea[3] = number >> 8;
    mac.ea[4] = number;
    mac.ea[5] = side;
    return mac;
}

/* Has the kernel drop all but frames to 'mac': there may be a lot else. */
static int
filter_frames(int fd, struct eth_addr mac)
{
    uint32_t hi = (uint32_t) mac.ea[0] << 24 | mac.ea[1] << 16
                  | mac.ea[2] << 8 | mac.ea[3];
    uint32_t lo = mac.ea[4] << 8 | mac.ea[5];
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
                 (uint32_t) (SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 5, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, hi, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, lo, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT16_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

    return (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
                       sizeof program) ? errno : 0);
}

/* Returns a socket on 'port' that receives frames to 'mac', or a negative
 * errno. */
static int
open_port(const char *port, struct eth_addr mac)
{
    struct sockaddr_ll sll = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = if_nametoindex(port),
    };
    if (!sll.sll_ifindex) {
        return -errno;
    }

    /* Protocol 0: nothing is received until the filter is there. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int error = filter_frames(fd, mac);
    if (!error && bind(fd, (struct sockaddr *) &sll, sizeof sll)) {
        error = errno;
    }
    if (error) {
        close(fd);
        return -error;
    }
    return fd;
}

/* Fills in an IPv4 header (TEST-NET addresses) and a UDP header. */
static void
put_udp(uint8_t *frame, uint16_t port)
{
    struct ip_header ip = {
        .ip_ihl_ver = IP_IHL_VER(5, 4),
        .ip_tot_len = htons(FRAME_LEN - ETH_HEADER_LEN),
        .ip_ttl = 64,
        .ip_proto = IPPROTO_UDP,
    };
    struct udp_header udp = {
        .udp_src = htons(port),
        .udp_dst = htons(port),
        .udp_len = htons(FRAME_LEN - ETH_HEADER_LEN - IP_HEADER_LEN),
    };

    put_16aligned_be32(&ip.ip_src, htonl(0xc0000201));
    put_16aligned_be32(&ip.ip_dst, htonl(0xc0000202));
    ip.ip_csum = csum(&ip, sizeof ip);
    memcpy(frame + ETH_HEADER_LEN, &ip, sizeof ip);
    memcpy(frame + ETH_HEADER_LEN + IP_HEADER_LEN, &udp, sizeof udp);
}

/* Sends by 'fd' a frame that shall come out of 'side'. */
static int
send_frame(int fd, const struct pc_probe *p, uint16_t number,
           const struct trailer *t)
{
    uint8_t frame[FRAME_LEN] = { 0 };
    struct eth_header eth = {
        .eth_dst = probe_mac(number, t->side),
        .eth_src = probe_mac(number, !t->side),
        .eth_type = htons(p->port ? ETH_TYPE_IP : ETHERTYPE_EXPERIMENT),
    };

    memcpy(frame, &eth, sizeof eth);
    if (p->port) {
        put_udp(frame, p->port);
    }
    memcpy(frame + FRAME_LEN - sizeof *t, t, sizeof *t);
    return send(fd, frame, sizeof frame, 0) < 0 ? errno : 0;
}

/* Reads what has come to 'fd'.  Returns true if 't' is among it. */
static bool
received(int fd, const struct trailer *t)
{
    uint8_t buf[256];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof buf, MSG_DONTWAIT)) >= 0) {
        /* The service may have made it longer (padding, a tag). */
        for (ssize_t i = 0; i + (ssize_t) sizeof *t <= n; i++) {
            if (!memcmp(buf + i, t, sizeof *t)) {
                return true;
            }
        }
    }
    return false;
}

/* Sends both frames and waits until both have come out. */
static char *
exchange(const struct pc_probe *p, const struct pc_probe_target *target,
         const int fds[2])
{
    long long int deadline = time_msec() + p->timeout_ms;
    struct trailer t[2];
    struct pollfd pfds[2];
    bool done[2] = { false, false };

    for (unsigned int i = 0; i < 2; i++) {
        memset(&t[i], 0, sizeof t[i]);      /* Padding, too. */
        t[i].nonce = random_uint64();
        t[i].side = i;
        pfds[i] = (struct pollfd) { .fd = fds[i], .events = POLLIN };
        int error = send_frame(fds[!i], p, target->number, &t[i]);
        if (error) {
            return xasprintf("%s: %s", target->ports[!i],
                             ovs_strerror(error));
        }
    }
    while (!done[0] || !done[1]) {
        long long int left = deadline - time_msec();

        if (left <= 0 || (poll(pfds, 2, left) < 0 && errno != EINTR)) {
            return xasprintf("a frame into %s does not come out of %s",
                             target->ports[done[1]], target->ports[!done[1]]);
        }
        for (int i = 0; i < 2; i++) {
            if (!done[i] && received(fds[i], &t[i])) {
                done[i] = true;
                pfds[i].fd = -1;
            }
        }
    }
    return NULL;
}

char *
pc_probe_through(const struct pc_probe *p,
                 const struct pc_probe_target *target)
{
    int fds[2] = { -1, -1 };
    char *result = NULL;

    for (int i = 0; i < 2 && !result; i++) {
        if (!target->ports[i]) {
            result = xstrdup("only a VI with two ports has a through");
            break;
        }
        fds[i] = open_port(target->ports[i], probe_mac(target->number, i));
        if (fds[i] < 0) {
            result = xasprintf("%s: %s", target->ports[i],
                               ovs_strerror(-fds[i]));
        }
    }
    if (!result) {
        result = exchange(p, target, fds);
    }
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    return result;
}
