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

#include "pc-l3-compile.h"

#include <netinet/icmp6.h>

#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-flow-table.h"
#include "pc-l3-emit.h"
#include "util.h"
#include "uuid.h"

/* Owner of the flows that belong to no row. */
static const struct uuid common_owner = {
    { 0x9c1d0000, 0x6c33, 0x8000, 0x1 }
};

/* Returns the number by which flows know the interface with row 'uuid'. */
uint32_t
pc_l3_interface_number(const struct uuid *uuid)
{
    return uuid->parts[0];
}

/* Parses the userdata of a packet-in.  Returns false if it is not one of
 * ours. */
bool
pc_l3_parse_userdata(const uint8_t *userdata, size_t len,
                     enum pc_l3_reason *reason)
{
    if (len != 4 || userdata[0] != 'L' || userdata[1] != '3' || userdata[3]
        || userdata[2] < PC_L3_REASON_LEARN
        || userdata[2] > PC_L3_REASON_SOLICIT) {
        return false;
    }
    *reason = userdata[2];
    return true;
}

static void
put_check_mtu(const struct pc_l3_interface *out, struct ofpbuf *acts)
{
    if (out->mtu) {
        struct ofpact_check_pkt_larger *cpl
            = ofpact_put_CHECK_PKT_LARGER(acts);

        cpl->dst.field = mf_from_id(MFF_REG0 + PC_L3_REG_FLAGS);
        cpl->dst.ofs = 0;
        cpl->dst.n_bits = 1;
        cpl->pkt_len = MIN(UINT16_MAX, out->mtu + ETH_HEADER_LEN);
    }
}

/* Appends what ends a flow of ROUTE: on to NEIGHBOR through 'out', to
 * 'nexthop', or if that is NULL to the destination itself. */
static void
put_route(const struct pc_l3_emitter *e, const struct pc_l3_interface *out,
          const struct in6_addr *nexthop, bool v4, struct ofpbuf *acts)
{
    pc_l3_put_number(acts, MFF_REG0 + PC_L3_REG_INTERFACE,
                  pc_l3_interface_number(&out->uuid));
    if (!nexthop) {
        pc_l3_put_move(acts, v4 ? MFF_IPV4_DST : MFF_IPV6_DST,
                       (v4 ? MFF_REG0 + PC_L3_REG_NEXTHOP4
                        : MFF_XXREG0 + PC_L3_XXREG_NEXTHOP6));
    } else {
        pc_l3_put_ip(acts, (v4 ? MFF_REG0 + PC_L3_REG_NEXTHOP4
                            : MFF_XXREG0 + PC_L3_XXREG_NEXTHOP6), nexthop);
    }
    put_check_mtu(out, acts);
    pc_l3_put_dec_ttl(acts);
    pc_l3_put_goto(e, acts, PC_TABLE_NEIGHBOR);
}

static void
emit_address(const struct pc_l3_emitter *e, const struct pc_l3_interface *iface,
             const struct pc_l3_address *address, struct ofpbuf *acts)
{
    bool v4 = IN6_IS_ADDR_V4MAPPED(&address->addr);
    struct match match;

    pc_l3_emit_answers(e, iface, address, acts);
    if (!IN6_IS_ADDR_LINKLOCAL(&address->addr)) {
        pc_l3_match_prefix(&match, address, true);
        put_route(e, iface, NULL, v4, acts);
        pc_l3_emit(e, PC_TABLE_ROUTE, PRIO_ROUTE(address->plen, true), &match,
             acts);
    }
}

/* Flows of NEIGHBOR for next hops on 'iface' that are not known. */
static void
emit_unknown_neighbors(const struct pc_l3_emitter *e,
                       const struct pc_l3_interface *iface, uint16_t dl_type,
                       struct ofpbuf *acts)
{
    struct match match;

    pc_l3_match_ether_type(&match, dl_type);
    match_set_reg(&match, PC_L3_REG_INTERFACE,
                  pc_l3_interface_number(&iface->uuid));
    pc_l3_punt(e, acts, PC_L3_REASON_RESOLVE);
    pc_l3_emit(e, PC_TABLE_NEIGHBOR, PRIO_UNKNOWN, &match, acts);

    if (iface->mtu) {
        match_set_reg_masked(&match, PC_L3_REG_FLAGS, PC_L3_FLAG_TOO_BIG,
                             PC_L3_FLAG_TOO_BIG);
        pc_l3_punt(e, acts, PC_L3_REASON_TOO_BIG);
        pc_l3_emit(e, PC_TABLE_NEIGHBOR, PRIO_TOO_BIG, &match, acts);
    }
}

/* Makes the flows of 'iface' those in the table: hooks, answers, connected
 * subnets. */
void
pc_l3_compile_interface(const struct pc_l3_flows *f,
                        const struct pc_l3_interface *iface)
{
    struct pc_l3_emitter e = { f, iface->uuid, iface->uuid };
    struct pc_l3_address link = { .plen = 64 };
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf acts;

    pc_flow_table_remove_owner(f->table, &iface->uuid);
    ofpbuf_init(&acts, 512);

    match_set_dl_dst(&match, iface->mac);
    pc_l3_emit_hook(&e, PRIO_HOOK_MAC, &match, &acts);

    in6_generate_lla(iface->mac, &link.addr);
    emit_address(&e, iface, &link, &acts);
    for (size_t i = 0; i < iface->n_addresses; i++) {
        emit_address(&e, iface, &iface->addresses[i], &acts);
    }
    emit_unknown_neighbors(&e, iface, ETH_TYPE_IP, &acts);
    emit_unknown_neighbors(&e, iface, ETH_TYPE_IPV6, &acts);
    ofpbuf_uninit(&acts);
}

/* Makes the flow of 'route' the one in the table.  'out' is the interface of
 * the next hop, or NULL if there is none at present: then the route has no
 * flow. */
void
pc_l3_compile_route(const struct pc_l3_flows *f,
                    const struct pc_l3_route *route,
                    const struct pc_l3_interface *out)
{
    struct pc_l3_emitter e = { f, route->uuid, route->uuid };
    bool v4 = IN6_IS_ADDR_V4MAPPED(&route->prefix.addr);
    uint64_t stub[256 / 8];
    struct ofpbuf acts = OFPBUF_STUB_INITIALIZER(stub);
    struct match match;

    pc_flow_table_remove_owner(f->table, &route->uuid);
    if (route->type == PC_L3_ROUTE_NEXTHOP) {
        if (!out) {
            return;
        }
        put_route(&e, out, &route->nexthop, v4, &acts);
    } else if (route->type == PC_L3_ROUTE_UNREACHABLE) {
        pc_l3_punt(&e, &acts, PC_L3_REASON_NO_ROUTE);
    }
    pc_l3_match_prefix(&match, &route->prefix, true);
    pc_l3_emit(&e, PC_TABLE_ROUTE, PRIO_ROUTE(route->prefix.plen, false), &match,
         &acts);
    ofpbuf_uninit(&acts);
}

/* Flows that belong to no interface or route. */

static void
emit_martian(const struct pc_l3_emitter *e, const char *prefix, bool dst,
             struct ofpbuf *acts)
{
    struct pc_l3_address a;
    struct match match;
    char *error = pc_l3_parse_prefix(prefix, &a);

    ovs_assert(!error);
    pc_l3_match_prefix(&match, &a, dst);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_MARTIAN, &match, acts);
}

/* RFC 1812 section 5.3.7; RFC 4291 sections 2.5.2, 2.5.3 and 2.7. */
static void
emit_martians(const struct pc_l3_emitter *e, struct ofpbuf *acts)
{
    static const char *const srcs[] = {
        "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4",
        "::1/128", "ff00::/8"
    };
    static const char *const dsts[] = {
        "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4",
        "::/127"
    };

    for (size_t i = 0; i < ARRAY_SIZE(srcs); i++) {
        emit_martian(e, srcs[i], false, acts);
    }
    for (size_t i = 0; i < ARRAY_SIZE(dsts); i++) {
        emit_martian(e, dsts[i], true, acts);
    }
}

static void
emit_link_drops(const struct pc_l3_emitter *e, struct ofpbuf *acts)
{
    const struct pc_l3_address link = { { { { 0xfe, 0x80 } } }, 10 };
    const struct pc_l3_address multicast = { { { { 0xff } } }, 8 };
    const struct pc_l3_address unspecified = { in6addr_any, 128 };
    struct match match;

    pc_l3_match_prefix(&match, &link, true);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_LINK, &match, acts);
    pc_l3_match_prefix(&match, &link, false);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_LINK, &match, acts);
    pc_l3_match_prefix(&match, &multicast, true);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_LINK, &match, acts);
    pc_l3_match_prefix(&match, &unspecified, false);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_LINK, &match, acts);
}

/* What is told to us, to be learned by the agent. */
static void
emit_learn(const struct pc_l3_emitter *e, struct ofpbuf *acts)
{
    struct match match;

    pc_l3_match_ether_type(&match, ETH_TYPE_ARP);
    match_set_nw_proto(&match, ARP_OP_REPLY);
    pc_l3_punt(e, acts, PC_L3_REASON_LEARN);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER, &match, acts);

    pc_l3_match_icmp(&match, ETH_TYPE_IPV6, ND_NEIGHBOR_ADVERT);
    match_set_nw_ttl(&match, 255);
    pc_l3_punt(e, acts, PC_L3_REASON_LEARN);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER, &match, acts);
}

static void
emit_forward(const struct pc_l3_emitter *e, uint16_t dl_type, struct ofpbuf *acts)
{
    struct match match;

    pc_l3_match_ether_type(&match, dl_type);
    pc_l3_put_goto(e, acts, PC_TABLE_ROUTE);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_FORWARD, &match, acts);

    for (uint8_t ttl = 0; ttl <= 1; ttl++) {
        match_set_nw_ttl(&match, ttl);
        pc_l3_punt(e, acts, PC_L3_REASON_EXPIRED);
        pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_TTL, &match, acts);
    }

    pc_l3_match_ether_type(&match, dl_type);
    pc_l3_punt(e, acts, PC_L3_REASON_NO_ROUTE);
    pc_l3_emit(e, PC_TABLE_ROUTE, PRIO_NO_ROUTE, &match, acts);
}

static void
add_meter(const struct pc_l3_flows *f, uint32_t meter_id, uint32_t pps)
{
    struct ofputil_meter_band band = {
        .type = OFPMBT13_DROP, .rate = pps, .burst_size = pps
    };
    struct ofputil_meter_config config = {
        .meter_id = meter_id,
        .flags = OFPMF13_PKTPS | OFPMF13_BURST,
        .n_bands = 1,
        .bands = &band
    };

    pc_flow_table_add_meter(f->table, &common_owner, &config);
}

/* Adds the flows, and meters if wanted, that there are once. */
void
pc_l3_compile_common(const struct pc_l3_flows *f)
{
    struct pc_l3_emitter e = { f, common_owner, UUID_ZERO };
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf acts;

    pc_flow_table_remove_owner(f->table, &common_owner);
    if (f->config.meter_id) {
        add_meter(f, f->config.meter_id, PC_L3_METER_RESOLVE_PPS);
        add_meter(f, f->config.meter_id + 1, PC_L3_METER_ERROR_PPS);
    }
    ofpbuf_init(&acts, 256);
    emit_martians(&e, &acts);
    emit_link_drops(&e, &acts);
    emit_learn(&e, &acts);
    emit_forward(&e, ETH_TYPE_IP, &acts);
    emit_forward(&e, ETH_TYPE_IPV6, &acts);

    /* Not IP: an explicit drop, so that it is seen in the counters. */
    pc_l3_emit(&e, PC_TABLE_LEGACY, PC_PRIO_CATCHALL, &match, &acts);
    ofpbuf_uninit(&acts);
}

/* Removes what pc_l3_compile_common() added. */
void
pc_l3_uncompile_common(const struct pc_l3_flows *f)
{
    pc_flow_table_remove_owner(f->table, &common_owner);
}
