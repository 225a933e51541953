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

#include "openvswitch/match.h"
#include "packets.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "util.h"
#include "uuid.h"

/* The flows that are always there. */

/* What is never diverted although a rule may match it: the neighbors' and the
 * link's own affairs. */
static void
add_guards(struct pc_ctx *ctx)
{
    static const uint16_t types[] = {
        ETH_TYPE_ARP, ETH_TYPE_RARP,
        0x8809,                 /* Slow protocols, e.g. LACP. */
        0x888e,                 /* 802.1X. */
        0x88cc,                 /* LLDP. */
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        match_set_dl_type(&ctx->match, htons(types[i]));
        pc_ofpact_put_served(&ctx->ofpacts);
        pc_ctx_add(ctx, PC_TABLE_STEER, PC_PRIO_GUARD, PC_FLOW_GUARD);
    }
    /* Rules divert none: these are a VI's own, e.g. multicast reports. */
    match_set_dl_dst_masked(&ctx->match, eth_addr_broadcast,
                            (struct eth_addr) { .ea = { 1 } });
    pc_ofpact_put_served(&ctx->ofpacts);
    pc_ctx_add(ctx, PC_TABLE_STEER, PC_PRIO_GUARD, PC_FLOW_GUARD);
    for (int type = ND_ROUTER_SOLICIT; type <= ND_REDIRECT; type++) {
        match_set_dl_type(&ctx->match, htons(ETH_TYPE_IPV6));
        match_set_nw_proto(&ctx->match, IPPROTO_ICMPV6);
        match_set_icmp_type(&ctx->match, type);
        pc_ofpact_put_served(&ctx->ofpacts);
        pc_ctx_add(ctx, PC_TABLE_STEER, PC_PRIO_GUARD, PC_FLOW_GUARD);
    }
}

/* Probe frames, which the node sends through a VI beside the switch. */
static void
add_probe_guard(struct pc_ctx *ctx)
{
    const struct eth_addr mac = PC_PROBE_MAC;
    const struct eth_addr mask = PC_PROBE_MAC_MASK;

    match_set_dl_dst_masked(&ctx->match, mac, mask);
    pc_ctx_add(ctx, PC_TABLE_RETURN, PC_PRIO_GUARD, PC_FLOW_GUARD);
}

void
pc_compile_common(struct pc_flow_table *t, uint8_t base)
{
    struct pc_ctx ctx;

    pc_flow_table_remove_owner(t, &UUID_ZERO);
    pc_ctx_init(&ctx, t, base, &UUID_ZERO);
    pc_compile_always_group(t, &UUID_ZERO);
    pc_compile_connections_common(t, base, &UUID_ZERO);
    add_guards(&ctx);
    add_probe_guard(&ctx);

    /* A path that isn't there has no hops. */
    pc_ofpact_put_served(&ctx.ofpacts);
    pc_ctx_add(&ctx, PC_TABLE_STEER, PC_PRIO_CATCHALL, PC_FLOW_GUARD);
    pc_ofpact_put_served(&ctx.ofpacts);
    pc_ctx_add(&ctx, PC_TABLE_NEXT, PC_PRIO_CATCHALL, PC_FLOW_GUARD);

    pc_ofpact_put_served(&ctx.ofpacts);
    pc_ctx_add(&ctx, PC_TABLE_DIRECTION, PC_PRIO_CATCHALL, PC_FLOW_GUARD);
    pc_ctx_uninit(&ctx);
}
