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

#include "ctl-prefix.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "pc-name.h"
#include "util.h"

/* The network mask of 'p' in mapped form. */
static struct in6_addr
mask_of(const struct ctl_prefix *p)
{
    return ipv6_create_mask(p->is_ipv6 ? p->plen : p->plen + 96);
}

static char *
bad(const char *s, const char *why)
{
    char *quoted = pc_name_quote(s);
    char *error = xasprintf("%s %s", quoted, why);

    free(quoted);
    return error;
}

/* Parses 's', an IPv4 or IPv6 address with or without a length as 'plen' says,
 * into '*p'.  Without one it is the longest.  Returns NULL, or an error that
 * the caller frees; '*p' is zeroed then. */
char *
ctl_prefix_parse(const char *s, enum ctl_plen plen, struct ctl_prefix *p)
{
    size_t len = strcspn(s, "/");
    char *host = xmemdup0(s, len);
    ovs_be32 ip;
    bool ok;

    memset(p, 0, sizeof *p);
    if (ip_parse(host, &ip)) {
        in6_addr_set_mapped_ipv4(&p->addr, ip);
        p->plen = 32;
        ok = true;
    } else {
        ok = ipv6_parse(host, &p->addr);
        p->is_ipv6 = true;
        p->plen = 128;
    }
    free(host);

    unsigned int max = p->plen;
    const char *digits = s + len + 1;
    if (!ok) {
        memset(p, 0, sizeof *p);
        return bad(s, "is not an IPv4 or IPv6 address");
    } else if (!s[len]) {
        return (plen == CTL_PLEN_MUST
                ? bad(s, "has no prefix length, such as /24 or /64") : NULL);
    } else if (plen == CTL_PLEN_NO) {
        return bad(s, "must not have a prefix length");
    } else if (!*digits || digits[strspn(digits, "0123456789")]
               || strlen(digits) > 3 || strtoul(digits, NULL, 10) > max) {
        memset(p, 0, sizeof *p);
        return xasprintf("\"%s\" has a prefix length that is not 0 to %u",
                         s, max);
    }
    p->plen = strtoul(digits, NULL, 10);
    return NULL;
}

/* Can 'p', written 's', be the address of a host?  Returns NULL if so, or an
 * error that the caller frees. */
char *
ctl_prefix_check_host(const char *s, const struct ctl_prefix *p)
{
    struct in6_addr mask = mask_of(p);
    struct in6_addr host_bits = ipv6_addr_bitand(&p->addr, &mask);
    ovs_be32 ip = in6_addr_get_mapped_ipv4(&p->addr);
    ovs_be32 ip_mask = be32_prefix_mask(MIN(p->plen, 32));

    if (p->is_ipv6) {
        if (IN6_IS_ADDR_MULTICAST(&p->addr)) {
            return bad(s, "is a multicast address");
        } else if (!ipv6_addr_is_set(&p->addr)
                   || IN6_IS_ADDR_LOOPBACK(&p->addr)) {
            return bad(s, "is not the address of a host");
        } else if (p->plen < 127 && ipv6_addr_equals(&host_bits, &p->addr)) {
            return bad(s, "is the address of the subnet, not of a host");
        }
        return NULL;
    }

    uint32_t first = ntohl(ip) >> 24;
    if (first >= 224 && first < 240) {
        return bad(s, "is a multicast address");
    } else if (!first || first == 127 || first >= 240) {
        return bad(s, "is not the address of a host");
    } else if (p->plen < 31 && (ip & ip_mask) == ip) {
        return bad(s, "is the address of the subnet, not of a host");
    } else if (p->plen < 31 && (ip | ~ip_mask) == ip) {
        return bad(s, "is the broadcast address of the subnet");
    }
    return NULL;
}

/* Is 'p', written 's', the prefix of a network, without bits behind it?  Returns
 * NULL if so, or an error that the caller frees. */
char *
ctl_prefix_check_net(const char *s, const struct ctl_prefix *p)
{
    struct ctl_prefix masked = ctl_prefix_mask(p);

    if (ctl_prefix_same_address(p, &masked)) {
        return NULL;
    }

    char *right = ctl_prefix_format(&masked, true);
    char *error = xasprintf("\"%s\" has bits set behind the prefix; perhaps %s "
                            "is meant", s, right);
    free(right);
    return error;
}

/* Formats 'p'.  The caller frees the string. */
char *
ctl_prefix_format(const struct ctl_prefix *p, bool with_length)
{
    char s[INET6_ADDRSTRLEN];

    if (p->is_ipv6) {
        ipv6_string_mapped(s, &p->addr);
    } else {
        ovs_be32 ip = in6_addr_get_mapped_ipv4(&p->addr);
        inet_ntop(AF_INET, &ip, s, sizeof s);
    }
    return with_length ? xasprintf("%s/%u", s, p->plen) : xstrdup(s);
}

bool
ctl_prefix_same_address(const struct ctl_prefix *a,
                        const struct ctl_prefix *b)
{
    return a->is_ipv6 == b->is_ipv6 && ipv6_addr_equals(&a->addr, &b->addr);
}

/* 'p' with all bits behind the prefix zero. */
struct ctl_prefix
ctl_prefix_mask(const struct ctl_prefix *p)
{
    struct in6_addr mask = mask_of(p);
    struct ctl_prefix masked = *p;

    masked.addr = ipv6_addr_bitand(&p->addr, &mask);
    return masked;
}

/* Is the address of 'p' within 'subnet'? */
bool
ctl_prefix_contains(const struct ctl_prefix *subnet,
                    const struct ctl_prefix *p)
{
    struct ctl_prefix a = *p;

    if (p->is_ipv6 != subnet->is_ipv6) {
        return false;           /* Nor would its length fit. */
    }
    a.plen = subnet->plen;
    a = ctl_prefix_mask(&a);
    struct ctl_prefix b = ctl_prefix_mask(subnet);
    return ctl_prefix_same_address(&a, &b);
}

/* Does some address belong to both? */
bool
ctl_prefix_overlap(const struct ctl_prefix *a, const struct ctl_prefix *b)
{
    return a->is_ipv6 == b->is_ipv6
           && ctl_prefix_contains(a->plen <= b->plen ? a : b,
                                  a->plen <= b->plen ? b : a);
}
