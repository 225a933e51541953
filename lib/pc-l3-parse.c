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

#include "pc-l3.h"

#include <inttypes.h>
#include <string.h>

#include "packets.h"
#include "sha1.h"
#include "util.h"

/* Values that people write about interfaces and routes. */

/* Returns the Ethernet address of an interface for which none was given: a
 * locally administered one that depends on the switch and on names only, so
 * that an interface deleted and added again has the same, and what the hosts
 * in its subnet know of it stays true. */
struct eth_addr
pc_l3_default_mac(uint64_t datapath_id, const char *router,
                  const char *interface)
{
    char *seed = xasprintf("%016"PRIx64"/%s/%s", datapath_id, router,
                           interface);
    uint8_t digest[SHA1_DIGEST_SIZE];
    struct eth_addr mac;

    sha1_bytes(seed, strlen(seed), digest);
    free(seed);
    memcpy(mac.ea, digest, sizeof mac.ea);
    mac.ea[0] = (mac.ea[0] & ~1) | 2;
    return mac;
}

static char * OVS_WARN_UNUSED_RESULT
parse_cidr(const char *s, struct pc_l3_address *a)
{
    unsigned int plen;
    ovs_be32 ip;
    char *error;

    if (!strchr(s, '/')) {
        return xasprintf("%s: prefix length missing (such as %s/%d)",
                         s, s, strchr(s, ':') ? 64 : 24);
    }
    if (strchr(s, ':')) {
        error = ipv6_parse_cidr(s, &a->addr, &plen);
        if (!error && IN6_IS_ADDR_V4MAPPED(&a->addr)) {
            error = xasprintf("%s: IPv4-mapped IPv6 address", s);
        }
    } else {
        error = ip_parse_cidr(s, &ip, &plen);
        if (!error) {
            in6_addr_set_mapped_ipv4(&a->addr, ip);
        }
    }
    a->plen = error ? 0 : plen;
    return error;
}

static bool
has_host_bits(const struct pc_l3_address *a)
{
    unsigned int plen = (IN6_IS_ADDR_V4MAPPED(&a->addr)
                         ? a->plen + 96 : a->plen);
    struct in6_addr mask = ipv6_create_mask(plen);
    struct in6_addr net = ipv6_addr_bitand(&a->addr, &mask);

    return !ipv6_addr_equals(&net, &a->addr);
}

static bool
is_unicast(const struct in6_addr *addr)
{
    if (IN6_IS_ADDR_V4MAPPED(addr)) {
        uint32_t ip = ntohl(in6_addr_get_mapped_ipv4(addr));

        return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 28 < 0xe;
    }
    return (ipv6_addr_is_set(addr) && !IN6_IS_ADDR_LOOPBACK(addr)
            && !ipv6_addr_is_multicast(addr));
}

/* Parses the address of an interface, such as "10.1.0.1/24".  Returns NULL, or
 * an error to be freed by the caller; then '*a' is all zeros. */
char *
pc_l3_parse_address(const char *s, struct pc_l3_address *a)
{
    char *error;

    memset(a, 0, sizeof *a);
    error = parse_cidr(s, a);
    if (!error && !is_unicast(&a->addr)) {
        error = xasprintf("%s: not an address that an interface can have", s);
    } else if (!error && !a->plen) {
        error = xasprintf("%s: prefix length must not be 0", s);
    } else if (!error && IN6_IS_ADDR_V4MAPPED(&a->addr) && a->plen < 31) {
        ovs_be32 host = (in6_addr_get_mapped_ipv4(&a->addr)
                         & ~be32_prefix_mask(a->plen));

        if (!host || host == ~be32_prefix_mask(a->plen)) {
            error = xasprintf("%s: is the subnet's %s address", s,
                              host ? "broadcast" : "network");
        }
    }
    if (error) {
        memset(a, 0, sizeof *a);
    }
    return error;
}

/* Parses the prefix of a route, such as "10.0.0.0/8" or "::/0".  Returns NULL,
 * or an error to be freed by the caller; then '*a' is all zeros. */
char *
pc_l3_parse_prefix(const char *s, struct pc_l3_address *a)
{
    char *error;

    memset(a, 0, sizeof *a);
    error = parse_cidr(s, a);
    if (!error && has_host_bits(a)) {
        error = xasprintf("%s: bits set beyond the prefix length", s);
    }
    if (error) {
        memset(a, 0, sizeof *a);
    }
    return error;
}

/* Parses where a route leads: an address, "blackhole" or "unreachable", into
 * 'type' and 'nexthop' of '*r', whose 'prefix' must be set before.  Returns
 * NULL, or an error to be freed by the caller. */
char *
pc_l3_parse_nexthop(const char *s, struct pc_l3_route *r)
{
    ovs_be32 ip;

    r->type = PC_L3_ROUTE_NEXTHOP;
    memset(&r->nexthop, 0, sizeof r->nexthop);
    if (!strcmp(s, "blackhole")) {
        r->type = PC_L3_ROUTE_BLACKHOLE;
        return NULL;
    } else if (!strcmp(s, "unreachable")) {
        r->type = PC_L3_ROUTE_UNREACHABLE;
        return NULL;
    } else if (ip_parse(s, &ip)) {
        in6_addr_set_mapped_ipv4(&r->nexthop, ip);
    } else if (!ipv6_parse(s, &r->nexthop)) {
        return xasprintf("%s: not an IP address, \"blackhole\" or "
                         "\"unreachable\"", s);
    }
    if (!is_unicast(&r->nexthop)) {
        return xasprintf("%s: not an address that a next hop can have", s);
    }
    if (IN6_IS_ADDR_V4MAPPED(&r->nexthop)
        != IN6_IS_ADDR_V4MAPPED(&r->prefix.addr)) {
        return xasprintf("%s: not of the same IP version as the prefix", s);
    }
    return NULL;
}
