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
#include "pc-netns.h"

/* No function of Open vSwitch is called: the hook is not linked with it. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* For pc_netns_cross(): tables from this number on, rules before that of the
 * main table. */
#define CROSS_TABLE 5000
#define CROSS_PRIORITY 5000

int
pc_netns_enter(pid_t pid)
{
    char name[64];
    int error = 0;
    int fd;

    snprintf(name, sizeof name, "/proc/%ld/ns/net", (long int) pid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    if (setns(fd, CLONE_NEWNET)) {
        error = errno;
    }
    close(fd);
    return error;
}

int
pc_netns_set_sysctl(const char *assignment)
{
    const char *value = strchr(assignment, '=');
    char name[512] = "/proc/sys/";
    size_t n = strlen(name);
    int error = 0;
    int fd;

    if (strncmp(assignment, "net.", 4) || !value) {
        return EINVAL;
    }
    for (const char *p = assignment; p < value; p++) {
        bool separator = *p == '.';

        /* An empty component could be "..". */
        if ((!separator && !isalnum((unsigned char) *p) && *p != '_'
             && *p != '-')
            || (separator && (p[1] == '.' || p + 1 == value))
            || n + 2 > sizeof name) {
            return EINVAL;
        }
        name[n++] = separator ? '/' : *p;
    }
    name[n] = '\0';
    value++;

    fd = open(name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno;
    }
    if (write(fd, value, strlen(value)) < 0) {
        error = errno;
    }
    close(fd);
    return error;
}

/* A call of pc_netns_call(). */
struct call {
    pid_t pid;
    int (*fn)(void *aux);
    void *aux;
    int error;
};

static void *
call_main(void *call_)
{
    struct call *call = call_;

    call->error = pc_netns_enter(call->pid);
    if (!call->error) {
        call->error = call->fn(call->aux);
    }
    return NULL;
}

int
pc_netns_call(pid_t pid, int (*fn)(void *aux), void *aux)
{
    struct call call = { .pid = pid, .fn = fn, .aux = aux };
    pthread_t thread;
    int error = pthread_create(&thread, NULL, call_main, &call);

    if (!error) {
        pthread_join(thread, NULL);
    }
    return error ? error : call.error;
}

/* Does the ioctl 'request' about 'ifname' with '*ifr', whose name it fills in. */
static int
do_ioctl(const char *ifname, unsigned long int request, struct ifreq *ifr)
{
    int error = 0;
    int fd;

    if (strlen(ifname) >= sizeof ifr->ifr_name) {
        return ENAMETOOLONG;
    }
    strcpy(ifr->ifr_name, ifname);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    if (ioctl(fd, request, ifr)) {
        error = errno;
    }
    close(fd);
    return error;
}

int
pc_netns_set_offload(const char *ifname, bool on)
{
    /* Segmentation needs checksums, and goes and comes with them. */
    struct ethtool_value value = { .cmd = ETHTOOL_STXCSUM, .data = on };
    struct ifreq ifr;

    memset(&ifr, 0, sizeof ifr);
    ifr.ifr_data = (char *) &value;
    return do_ioctl(ifname, SIOCETHTOOL, &ifr);
}

int
pc_netns_offload_off(const char *ifname)
{
    return pc_netns_set_offload(ifname, false);
}

int
pc_netns_set_mtu(const char *ifname, uint32_t mtu)
{
    struct ifreq ifr;

    memset(&ifr, 0, sizeof ifr);
    ifr.ifr_mtu = mtu;
    return do_ioctl(ifname, SIOCSIFMTU, &ifr);
}

/* A netlink request under construction. */
struct request {
    struct nlmsghdr nlh;
    char payload[512];
};

static void
put_attr(struct request *r, unsigned short type, const void *data, size_t size)
{
    struct rtattr *attr = (struct rtattr *) ((char *) r
                                             + NLMSG_ALIGN(r->nlh.nlmsg_len));

    attr->rta_type = type;
    attr->rta_len = RTA_LENGTH(size);
    if (size) {
        memcpy(RTA_DATA(attr), data, size);
    }
    r->nlh.nlmsg_len = NLMSG_ALIGN(r->nlh.nlmsg_len) + RTA_ALIGN(attr->rta_len);
}

/* Sends 'r' and waits for the answer: the error that it carries, or 0.  If
 * 'reply' is nonnull, up to 'size' bytes of the answer are stored there. */
static int
transact(struct request *r, void *reply, size_t size)
{
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    char buffer[8192];
    struct nlmsghdr *nlh = (struct nlmsghdr *) buffer;
    int error = 0;
    ssize_t n;
    int fd;

    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return errno;
    }
    r->nlh.nlmsg_seq = 1;
    r->nlh.nlmsg_flags |= NLM_F_REQUEST | (reply ? 0 : NLM_F_ACK);
    if (sendto(fd, r, r->nlh.nlmsg_len, 0, (struct sockaddr *) &kernel,
               sizeof kernel) < 0) {
        error = errno;
    } else {
        n = recv(fd, buffer, sizeof buffer, 0);
        if (n < 0) {
            error = errno;
        } else if (!NLMSG_OK(nlh, (size_t) n)) {
            error = EPROTO;
        } else if (nlh->nlmsg_type == NLMSG_ERROR) {
            error = -((struct nlmsgerr *) NLMSG_DATA(nlh))->error;
        } else if (reply) {
            memset(reply, 0, size);
            memcpy(reply, buffer, (size_t) n < size ? (size_t) n : size);
        }
    }
    close(fd);
    return error;
}

int
pc_netns_add_address6(const char *ifname, const char *address)
{
    struct request r = {
        .nlh.nlmsg_type = RTM_NEWADDR,
        .nlh.nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE,
        .nlh.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
    };
    struct ifaddrmsg *ifa = NLMSG_DATA(&r.nlh);
    char text[INET6_ADDRSTRLEN];
    const char *slash = strchr(address, '/');
    size_t n = slash ? (size_t) (slash - address) : strlen(address);
    struct in6_addr ip;
    int length = slash ? atoi(slash + 1) : 128;

    if (n >= sizeof text || length < 0 || length > 128) {
        return EINVAL;
    }
    memcpy(text, address, n);
    text[n] = '\0';
    if (inet_pton(AF_INET6, text, &ip) != 1) {
        return EINVAL;
    }
    ifa->ifa_family = AF_INET6;
    ifa->ifa_prefixlen = length;
    ifa->ifa_flags = IFA_F_NODAD;
    ifa->ifa_index = if_nametoindex(ifname);
    if (!ifa->ifa_index) {
        return ENODEV;
    }
    put_attr(&r, IFA_LOCAL, &ip, sizeof ip);
    put_attr(&r, IFA_ADDRESS, &ip, sizeof ip);
    return transact(&r, NULL, 0);
}

/* Sets and clears flags (IFF_*) of link 'ifname'. */
static int
change_flags(const char *ifname, short int set, short int clear)
{
    struct ifreq ifr = { .ifr_flags = 0 };
    int fd, error = 0;

    if (strlen(ifname) >= sizeof ifr.ifr_name) {
        return ENODEV;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    strcpy(ifr.ifr_name, ifname);
    if (ioctl(fd, SIOCGIFFLAGS, &ifr)) {
        error = errno;
    } else {
        ifr.ifr_flags = (ifr.ifr_flags | set) & ~clear;
        error = ioctl(fd, SIOCSIFFLAGS, &ifr) ? errno : 0;
    }
    close(fd);
    return error;
}

int
pc_netns_link_up_quiet(const char *ifname)
{
    char sysctl[64];

    /* Fails where there is no IPv6. */
    snprintf(sysctl, sizeof sysctl, "net.ipv6.conf.%s.disable_ipv6=1", ifname);
    (void) pc_netns_set_sysctl(sysctl);
    return change_flags(ifname, IFF_UP | IFF_NOARP, 0);
}

int
pc_netns_link_up(const char *ifname)
{
    return change_flags(ifname, IFF_UP, 0);
}

int
pc_netns_link_down(const char *ifname)
{
    return change_flags(ifname, 0, IFF_UP);
}

/* Adds a route by 'ifname' to 'table': the default one by 'gateway' or, if
 * 'direct', the one to 'gateway' itself. */
static int
add_route(const char *ifname, const char *gateway, uint32_t table,
          bool direct)
{
    struct request r = {
        .nlh.nlmsg_type = RTM_NEWROUTE,
        .nlh.nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE,
        .nlh.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
    };
    struct rtmsg *rtm = NLMSG_DATA(&r.nlh);
    uint32_t index = if_nametoindex(ifname);
    int family = strchr(gateway, ':') ? AF_INET6 : AF_INET;
    size_t size = family == AF_INET6 ? 16 : 4;
    struct in6_addr ip;         /* Or its first bytes. */

    if (inet_pton(family, gateway, &ip) != 1) {
        return EINVAL;
    } else if (!index) {
        return ENODEV;
    }
    rtm->rtm_family = family;
    rtm->rtm_table = RT_TABLE_UNSPEC;
    rtm->rtm_protocol = RTPROT_STATIC;
    rtm->rtm_scope = direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    rtm->rtm_type = RTN_UNICAST;
    rtm->rtm_dst_len = direct ? size * 8 : 0;
    rtm->rtm_flags = table == RT_TABLE_MAIN || family == AF_INET
                     ? RTNH_F_ONLINK : 0;
    put_attr(&r, direct ? RTA_DST : RTA_GATEWAY, &ip, size);
    put_attr(&r, RTA_OIF, &index, sizeof index);
    put_attr(&r, RTA_TABLE, &table, sizeof table);
    return transact(&r, NULL, 0);
}

int
pc_netns_add_gateway6(const char *ifname, const char *gateway)
{
    return (strchr(gateway, ':')
            ? add_route(ifname, gateway, RT_TABLE_MAIN, false) : EINVAL);
}

int
pc_netns_cross(const char *from, const char *to, const char *gateway)
{
    struct request r = {
        .nlh.nlmsg_type = RTM_NEWRULE,
        .nlh.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL,
        .nlh.nlmsg_len = NLMSG_LENGTH(sizeof(struct fib_rule_hdr)),
    };
    struct fib_rule_hdr *rule = NLMSG_DATA(&r.nlh);
    uint32_t table = CROSS_TABLE + if_nametoindex(to);
    uint32_t priority = CROSS_PRIORITY;
    bool ipv6 = strchr(gateway, ':') != NULL;
    int error = 0;

    /* In the main table an IPv6 gateway is on the other link, so "on-link"
     * would be refused; in its own table it is on this one. */
    if (ipv6) {
        error = add_route(to, gateway, table, true);
    }
    if (!error) {
        error = add_route(to, gateway, table, false);
    }
    if (error) {
        return error;
    }
    rule->family = ipv6 ? AF_INET6 : AF_INET;
    rule->action = FR_ACT_TO_TBL;
    put_attr(&r, FRA_IIFNAME, from, strlen(from) + 1);
    put_attr(&r, FRA_TABLE, &table, sizeof table);
    put_attr(&r, FRA_PRIORITY, &priority, sizeof priority);
    return transact(&r, NULL, 0);
}

/* True if the RTM_NEWLINK message 'nlh' is about a veth. */
static bool
is_veth(struct nlmsghdr *nlh)
{
    int n = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifinfomsg));
    struct rtattr *attr = (struct rtattr *) ((char *) NLMSG_DATA(nlh)
                              + NLMSG_ALIGN(sizeof(struct ifinfomsg)));

    for (; RTA_OK(attr, n); attr = RTA_NEXT(attr, n)) {
        if (attr->rta_type == IFLA_LINKINFO) {
            struct rtattr *kind = RTA_DATA(attr);
            int len = RTA_PAYLOAD(attr);

            for (; RTA_OK(kind, len); kind = RTA_NEXT(kind, len)) {
                if (kind->rta_type == IFLA_INFO_KIND) {
                    return !strncmp(RTA_DATA(kind), "veth", 4);
                }
            }
        }
    }
    return false;
}

/* What the kernel says about an interface. */
union link_reply {
    struct nlmsghdr nlh;
    char buffer[8192];
};

/* Asks the kernel about 'ifname'.  '*r' is left as a request about that
 * interface.  Returns 0 or a positive errno value. */
static int
get_link(const char *ifname, struct request *r, union link_reply *reply)
{
    struct ifinfomsg *ifi = NLMSG_DATA(&r->nlh);

    memset(r, 0, sizeof *r);
    r->nlh.nlmsg_type = RTM_GETLINK;
    r->nlh.nlmsg_len = NLMSG_LENGTH(sizeof *ifi);
    ifi->ifi_index = if_nametoindex(ifname);
    return ifi->ifi_index ? transact(r, reply, sizeof *reply) : ENODEV;
}

int
pc_netns_get_counters(const char *ifname, struct pc_netns_counters *c)
{
    union link_reply reply;
    struct request r;
    int error;

    memset(c, 0, sizeof *c);
    error = get_link(ifname, &r, &reply);
    if (error) {
        return error;
    }

    int n = reply.nlh.nlmsg_len - NLMSG_LENGTH(sizeof(struct ifinfomsg));
    struct rtattr *attr = (struct rtattr *) ((char *) NLMSG_DATA(&reply.nlh)
                              + NLMSG_ALIGN(sizeof(struct ifinfomsg)));
    for (; RTA_OK(attr, n); attr = RTA_NEXT(attr, n)) {
        if (attr->rta_type == IFLA_STATS64) {
            struct rtnl_link_stats64 s;

            memcpy(&s, RTA_DATA(attr), sizeof s);
            *c = (struct pc_netns_counters) {
                s.rx_packets, s.rx_bytes, s.rx_dropped,
                s.tx_packets, s.tx_bytes, s.tx_dropped,
            };
        }
    }
    return 0;
}

int
pc_netns_delete_veth(const char *ifname)
{
    union link_reply reply;
    struct request r;
    int error;

    error = get_link(ifname, &r, &reply);
    if (error) {
        return error;
    } else if (!is_veth(&reply.nlh)) {
        return EPERM;
    }
    r.nlh.nlmsg_type = RTM_DELLINK;
    return transact(&r, NULL, 0);
}
