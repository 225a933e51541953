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

#include <string.h>

#include "flow.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-flow-table.h"
#include "pc-l3-emit.h"
#include "pc-l3-neighbor.h"
#include "uuid.h"

/* Flows of neighbors: table NEIGHBOR. */

static void
match_neighbor(struct match *match, const struct pc_neighbor *n)
{
    bool v4 = IN6_IS_ADDR_V4MAPPED(&n->addr);

    pc_l3_match_ether_type(match, v4 ? ETH_TYPE_IP : ETH_TYPE_IPV6);
    match_set_reg(match, PC_L3_REG_INTERFACE, n->interface);
    if (v4) {
        match_set_reg(match, PC_L3_REG_NEXTHOP4,
                      ntohl(in6_addr_get_mapped_ipv4(&n->addr)));
    } else {
        ovs_be128 be128;

        memcpy(&be128, &n->addr, sizeof be128);
        match_set_xxreg(match, PC_L3_XXREG_NEXTHOP6, ntoh128(be128));
    }
}

/* Makes the flow of 'n', a neighbor on 'iface', the one in the table: to its
 * Ethernet address; a drop if it is shielded or has no port; none if it is not
 * known. */
void
pc_l3_compile_neighbor(const struct pc_l3_flows *f,
                       const struct pc_l3_interface *iface,
                       const struct pc_neighbor *n)
{
    bool is_static = n->state == PC_NEIGHBOR_STATIC;
    struct pc_l3_emitter e = { f, n->flow_owner,
                         is_static ? n->static_owner : iface->uuid };
    uint64_t stub[256 / 8];
    struct ofpbuf acts = OFPBUF_STUB_INITIALIZER(stub);
    struct match match;

    if (!pc_neighbor_mac_known(n) && !n->shielded) {
        pc_l3_uncompile_neighbor(f, n);
        return;
    }
    match_neighbor(&match, n);
    if (pc_neighbor_mac_known(n) && n->port != OFPP_NONE) {
        pc_l3_put_mac(&acts, MFF_ETH_SRC, iface->mac);
        pc_l3_put_mac(&acts, MFF_ETH_DST, n->mac);
        /* Otherwise a packet would not go out to where it came from. */
        pc_l3_put_number(&acts, MFF_IN_PORT, UINT16_MAX);
        pc_l3_put_output(&acts, n->port);
    }
    pc_l3_emit(&e, PC_TABLE_NEIGHBOR, PRIO_KNOWN, &match, &acts);
    ofpbuf_uninit(&acts);
}

/* Removes the flow of 'n'. */
void
pc_l3_uncompile_neighbor(const struct pc_l3_flows *f,
                         const struct pc_neighbor *n)
{
    pc_flow_table_remove_owner(f->table, &n->flow_owner);
}

static bool
decompile_match(const struct match *match, struct pc_neighbor_news *news)
{
    struct pc_neighbor n = { .interface
                             = match->flow.regs[PC_L3_REG_INTERFACE] };
    struct match expected;

    if (match->flow.dl_type == htons(ETH_TYPE_IP)) {
        in6_addr_set_mapped_ipv4(
            &n.addr, htonl(match->flow.regs[PC_L3_REG_NEXTHOP4]));
    } else {
        ovs_be128 be128 = hton128(flow_get_xxreg(&match->flow,
                                                 PC_L3_XXREG_NEXTHOP6));
        memcpy(&n.addr, &be128, sizeof n.addr);
    }
    match_neighbor(&expected, &n);
    news->interface = n.interface;
    news->addr = n.addr;
    return match_equal(match, &expected);
}

/* The opposite of pc_l3_compile_neighbor(): stores in '*news' the neighbor of
 * which 'view' is the flow.  Returns false if it is no such flow, or a drop.
 */
bool
pc_l3_decompile_neighbor(const struct pc_l3_flows *f,
                         const struct pc_flow_view *view,
                         struct pc_neighbor_news *news)
{
    bool have_mac = false, have_port = false;
    const struct ofpact *a;
    struct match match;

    if (view->table_id != f->config.table_base + PC_TABLE_NEIGHBOR
        || view->priority != PRIO_KNOWN) {
        return false;
    }
    minimatch_expand(view->match, &match);
    if (!decompile_match(&match, news)) {
        return false;
    }
    OFPACT_FOR_EACH (a, view->ofpacts, view->ofpacts_len) {
        if (a->type == OFPACT_SET_FIELD) {
            const struct ofpact_set_field *sf = ofpact_get_SET_FIELD(a);

            if (sf->field->id == MFF_ETH_DST) {
                news->mac = sf->value->mac;
                have_mac = true;
            }
        } else if (a->type == OFPACT_SET_ETH_DST) {
            news->mac = ofpact_get_SET_ETH_DST(a)->mac;
            have_mac = true;
        } else if (a->type == OFPACT_OUTPUT) {
            news->port = ofpact_get_OUTPUT(a)->port;
            have_port = true;
        }
    }
    return have_mac && have_port;
}

