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
#include "pc-compile.h"

#include <netinet/icmp6.h>

#include "byte-order.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "packets.h"
#include "pc-compile-private.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "util.h"

/* Anti-spoofing: what a VI may send.
 *
 * Its frames have its MAC as source and no VLAN tag.  ARP and neighbor
 * discovery tell nothing but its own MAC and addresses.  A `host` VI sends IP
 * packets from its own addresses only; a `route` VI also those of others,
 * which is what it is for.  The rest is dropped, by one flow that counts it. */

/* Priorities in CHECK. */
enum {
    PRIO_ND_ALLOW = 400,
    PRIO_ND_DENY = 300,
    PRIO_ALLOW = 200,
    PRIO_DENY = 100
};

/* The VI's port, of which all flows here are. */
struct check {
    struct pc_ctx *ctx;
    ofp_port_t port;
    struct eth_addr mac;
    bool host;
    struct in6_addr *own;       /* IPv6 ones, the link-local one included. */
    size_t n_own;
};

/* Begins a match of frames as the VI may send them. */
static void
match_frame(const struct check *c, uint16_t dl_type)
{
    match_set_in_port(&c->ctx->match, c->port);
    match_set_dl_src(&c->ctx->match, c->mac);
    match_set_dl_tci_masked(&c->ctx->match, 0, htons(VLAN_CFI));
    match_set_dl_type(&c->ctx->match, htons(dl_type));
}

static void
match_icmp6(const struct check *c, uint8_t type)
{
    match_frame(c, ETH_TYPE_IPV6);
    match_set_nw_proto(&c->ctx->match, IPPROTO_ICMPV6);
    match_set_icmp_type(&c->ctx->match, type);
}

/* Lets what was matched go on: a host's as any host's, otherwise back to its
 * path. */
static void
allow(const struct check *c, uint16_t priority)
{
    struct pc_ctx *ctx = c->ctx;

    if (c->host) {
        ovs_be64 checked = htonll(PC_META_CHECKED);

        ofpact_put_set_field(&ctx->ofpacts, mf_from_id(MFF_METADATA),
                             &checked, &checked);
        pc_ofpact_put_resubmit(&ctx->ofpacts, PC_TABLE_HOOK);
    } else {
        pc_ctx_resubmit(ctx, PC_TABLE_RETURN);
    }
    pc_ctx_add(ctx, PC_TABLE_CHECK, priority, PC_FLOW_CHECK);
}

static void
deny(const struct check *c, uint16_t priority)
{
    pc_ctx_add(c->ctx, PC_TABLE_CHECK, priority, PC_FLOW_SPOOF);
}

/* ARP that says that 'ip', 0 for a probe, is at the VI's MAC. */
static void
allow_arp(const struct check *c, ovs_be32 ip)
{
    match_frame(c, ETH_TYPE_ARP);
    match_set_arp_sha(&c->ctx->match, c->mac);
    match_set_nw_src(&c->ctx->match, ip);
    allow(c, PRIO_ALLOW);
}

static void
allow_ip4(const struct check *c, ovs_be32 ip)
{
    allow_arp(c, ip);
    if (c->host) {
        match_frame(c, ETH_TYPE_IP);
        match_set_nw_src(&c->ctx->match, ip);
        allow(c, PRIO_ALLOW);
    }
}

/* A link-layer address option is the VI's, or absent. */
static void
allow_nd(const struct check *c, uint8_t type, const struct in6_addr *src,
         const struct in6_addr *target)
{
    for (int with_option = 0; with_option < 2; with_option++) {
        struct eth_addr mac = with_option ? c->mac : eth_addr_zero;

        match_icmp6(c, type);
        match_set_ipv6_src(&c->ctx->match, src);
        if (target) {
            match_set_nd_target(&c->ctx->match, target);
        }
        if (type == ND_NEIGHBOR_SOLICIT) {
            match_set_arp_sha(&c->ctx->match, mac);
        } else {
            match_set_arp_tha(&c->ctx->match, mac);
        }
        allow(c, PRIO_ND_ALLOW);
    }
}

static void
allow_ip6(const struct check *c, const struct in6_addr *ip)
{
    allow_nd(c, ND_NEIGHBOR_SOLICIT, ip, NULL);
    allow_nd(c, ND_NEIGHBOR_SOLICIT, &in6addr_any, ip); /* Is it free? */
    for (size_t i = 0; i < c->n_own; i++) {
        allow_nd(c, ND_NEIGHBOR_ADVERT, ip, &c->own[i]);
    }
    if (c->host) {
        match_frame(c, ETH_TYPE_IPV6);
        match_set_ipv6_src(&c->ctx->match, ip);
        allow(c, PRIO_ALLOW);
    }
}

/* What else of neighbor discovery there is: none of it is a host's to send,
 * except router solicitations. */
static void
deny_nd(const struct check *c)
{
    static const uint8_t types[] = {
        ND_ROUTER_ADVERT, ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT, ND_REDIRECT,
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        match_icmp6(c, types[i]);
        deny(c, PRIO_ND_DENY);
    }
}

/* Multicast listener reports, which begin before there is an address. */
static void
allow_mld(const struct check *c)
{
    static const uint8_t types[] = { MLD_LISTENER_REPORT, 143 };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        match_icmp6(c, types[i]);
        match_set_ipv6_src(&c->ctx->match, &in6addr_any);
        allow(c, PRIO_ALLOW);
    }
}

/* The addresses of 'vi' without prefix length: its IPv4 ones are allowed, the
 * others collected in 'c'. */
static void
take_addresses(struct check *c, const struct pc_vi *vi)
{
    c->own = xcalloc(vi->n_addresses + 1, sizeof *c->own);
    in6_generate_lla(c->mac, &c->own[c->n_own++]);
    for (size_t i = 0; i < vi->n_addresses; i++) {
        char *address = xstrdup(vi->addresses[i]);
        ovs_be32 ip;

        address[strcspn(address, "/")] = '\0';
        if (ip_parse(address, &ip)) {
            allow_ip4(c, ip);
        } else if (ipv6_parse(address, &c->own[c->n_own])) {
            c->n_own++;
        }
        free(address);
    }
}

/* Adds the flows of CHECK for what 'vi' sends on 'port'. */
void
pc_compile_check(struct pc_ctx *ctx, const struct pc_vi *vi,
                 enum pc_vi_port port)
{
    struct check c = {
        .ctx = ctx,
        .port = vi->port[port],
        .mac = pc_vi_mac(vi, port),
        .host = vi->service->mode == PC_MODE_HOST,
    };

    take_addresses(&c, vi);
    allow_arp(&c, 0);
    for (size_t i = 0; i < c.n_own; i++) {
        allow_ip6(&c, &c.own[i]);
    }
    deny_nd(&c);
    if (c.host) {
        allow_mld(&c);
    } else {
        match_frame(&c, ETH_TYPE_IP);
        allow(&c, PRIO_ALLOW);
        match_frame(&c, ETH_TYPE_IPV6);
        allow(&c, PRIO_ALLOW);
    }
    match_set_in_port(&ctx->match, c.port);
    deny(&c, PRIO_DENY);
    free(c.own);
}
