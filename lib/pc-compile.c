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
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-match.h"
#include "pc-ofpact.h"
#include "util.h"
#include "uuid.h"

/* Where flows go, and the one in the making. */
struct ctx {
    struct pc_flow_table *table;
    const struct uuid *owner;
    uint8_t base;
    struct match match;
    struct ofpbuf ofpacts;
    uint64_t stub[32];
};

static void
ctx_init(struct ctx *ctx, struct pc_flow_table *t, uint8_t base,
         const struct uuid *owner)
{
    ctx->table = t;
    ctx->owner = owner;
    ctx->base = base;
    match_init_catchall(&ctx->match);
    ofpbuf_use_stub(&ctx->ofpacts, ctx->stub, sizeof ctx->stub);
}

static void
ctx_uninit(struct ctx *ctx)
{
    ofpbuf_uninit(&ctx->ofpacts);
}

/* Adds the flow in the making to absolute table 'table_id', and begins anew. */
static void
emit(struct ctx *ctx, uint8_t table_id, uint16_t priority,
     enum pc_flow_kind kind)
{
    struct pc_flow_spec spec = pc_flow_spec(table_id, priority,
                                            pc_cookie_pack(kind, ctx->owner),
                                            &ctx->match, &ctx->ofpacts);

    pc_flow_table_add_flow(ctx->table, ctx->owner, &spec);
    match_init_catchall(&ctx->match);
    ofpbuf_clear(&ctx->ofpacts);
}

static void
match_meta(struct ctx *ctx, const struct pc_meta *meta, uint64_t mask)
{
    match_set_metadata_masked(&ctx->match, htonll(pc_meta_pack(meta)),
                              htonll(mask));
}

static void
match_not_served(struct ctx *ctx)
{
    match_set_metadata_masked(&ctx->match, 0, htonll(PC_META_SERVED));
}

static void
resubmit(struct ctx *ctx, enum pc_table table)
{
    pc_ofpact_put_resubmit(&ctx->ofpacts, ctx->base + table);
}

/* What is never diverted although a rule may match it: the neighbors' and the
 * link's own affairs. */
static void
add_guards(struct ctx *ctx)
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
        emit(ctx, ctx->base + PC_TABLE_STEER, PC_PRIO_GUARD, PC_FLOW_GUARD);
    }
    for (int type = ND_ROUTER_SOLICIT; type <= ND_REDIRECT; type++) {
        match_set_dl_type(&ctx->match, htons(ETH_TYPE_IPV6));
        match_set_nw_proto(&ctx->match, IPPROTO_ICMPV6);
        match_set_icmp_type(&ctx->match, type);
        pc_ofpact_put_served(&ctx->ofpacts);
        emit(ctx, ctx->base + PC_TABLE_STEER, PC_PRIO_GUARD, PC_FLOW_GUARD);
    }
}

void
pc_compile_common(struct pc_flow_table *t, uint8_t base)
{
    struct ctx ctx;

    pc_flow_table_remove_owner(t, &UUID_ZERO);
    ctx_init(&ctx, t, base, &UUID_ZERO);
    pc_compile_always_group__(t, &UUID_ZERO);
    add_guards(&ctx);

    /* A path that isn't there has no hops. */
    pc_ofpact_put_served(&ctx.ofpacts);
    emit(&ctx, base + PC_TABLE_STEER, PC_PRIO_CATCHALL, PC_FLOW_GUARD);
    pc_ofpact_put_served(&ctx.ofpacts);
    emit(&ctx, base + PC_TABLE_NEXT, PC_PRIO_CATCHALL, PC_FLOW_GUARD);

    /* What no rule recognizes (a VI's own packets) goes on as forward. */
    resubmit(&ctx, PC_TABLE_RETURN);
    emit(&ctx, base + PC_TABLE_DIRECTION, PC_PRIO_CATCHALL, PC_FLOW_GUARD);
    ctx_uninit(&ctx);
}

/* The hook of 'rule' in one direction. */
static void
add_rule_hook(struct ctx *ctx, const struct pc_rule *rule,
              enum pc_direction direction)
{
    pc_rule_match_expand(rule->match, direction, &ctx->match);
    match_not_served(ctx);

    /* Multicast and broadcast are never diverted. */
    ctx->match.wc.masks.dl_dst.ea[0] |= 1;

    pc_ofpact_put_meta(&ctx->ofpacts,
                       &(struct pc_meta) { .path = rule->path,
                                           .direction = direction });
    resubmit(ctx, PC_TABLE_STEER);
    emit(ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_RULE + rule->priority,
         PC_FLOW_HOOK_RULE);
}

/* Tells the direction of a packet on 'rule''s path that returned from a
 * one-armed VI. */
static void
add_rule_direction(struct ctx *ctx, const struct pc_rule *rule,
                   enum pc_direction direction)
{
    struct pc_meta meta = { .path = rule->path, .direction = direction };
    ovs_be64 value = htonll(pc_meta_pack(&meta));
    ovs_be64 mask = htonll(PC_META_DIRECTION);

    pc_rule_match_expand(rule->match, direction, &ctx->match);
    ctx->match.flow.in_port.ofp_port = 0;   /* It comes from the VI now. */
    ctx->match.wc.masks.in_port.ofp_port = 0;
    match_meta(ctx, &meta, PC_META_PATH);
    value &= mask;
    ofpact_put_set_field(&ctx->ofpacts, mf_from_id(MFF_METADATA), &value,
                         &mask);
    resubmit(ctx, PC_TABLE_RETURN);
    emit(ctx, ctx->base + PC_TABLE_DIRECTION,
         PC_PRIO_NORMAL + rule->priority, PC_FLOW_DIRECTION);
}

void
pc_compile_rule(struct pc_flow_table *t, uint8_t base,
                const struct pc_rule *rule)
{
    struct ctx ctx;

    pc_flow_table_remove_owner(t, &rule->uuid);
    ctx_init(&ctx, t, base, &rule->uuid);
    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        enum pc_rule_direction other = (dir == PC_FORWARD ? PC_RULE_REVERSE
                                        : PC_RULE_FORWARD);

        if (rule->direction == other
            || (dir == PC_REVERSE && rule->direction == PC_RULE_BOTH
                && rule->match->symmetric)) {
            continue;
        }
        add_rule_hook(&ctx, rule, dir);
        if (rule->classify_return) {
            add_rule_direction(&ctx, rule, dir);
        }
    }
    ctx_uninit(&ctx);
}

/* The steering of hop number 'hop', counted in 'direction', of 'path'. */
static void
add_hop(struct ctx *ctx, const struct pc_path *path, uint8_t hop,
        enum pc_direction direction)
{
    struct pc_meta here = { .path = path->number, .hop = hop,
                            .direction = direction };
    struct pc_meta next = { .path = path->number, .hop = hop + 1,
                            .direction = direction };
    uint64_t mask = PC_META_PATH | PC_META_HOP | PC_META_DIRECTION;
    const struct pc_service *svc
        = path->hops[direction == PC_FORWARD ? hop : path->n_hops - 1 - hop];

    match_meta(ctx, &here, mask);
    switch (svc->mode) {
    case PC_MODE_ROUTE:
    case PC_MODE_INLINE:
        pc_ofpact_put_group(&ctx->ofpacts,
                            pc_group_id(svc->number,
                                        PC_GROUP_FF_FORWARD + direction));
        break;
    case PC_MODE_TAP:
        pc_ofpact_put_group(&ctx->ofpacts,
                            pc_group_id(svc->number,
                                        PC_GROUP_SELECT_FORWARD + direction));
        resubmit(ctx, PC_TABLE_NEXT);
        break;
    case PC_MODE_HOST:
        resubmit(ctx, PC_TABLE_NEXT);
        break;
    }
    emit(ctx, ctx->base + PC_TABLE_STEER, PC_PRIO_NORMAL, PC_FLOW_STEER);

    match_meta(ctx, &here, mask);
    if ((size_t) hop + 1 < path->n_hops) {
        pc_ofpact_put_meta(&ctx->ofpacts, &next);
        resubmit(ctx, PC_TABLE_STEER);
    } else {
        pc_ofpact_put_served(&ctx->ofpacts);
    }
    emit(ctx, ctx->base + PC_TABLE_NEXT, PC_PRIO_NORMAL, PC_FLOW_NEXT);
}

static void
add_path(struct ctx *ctx, const struct pc_path *path)
{
    for (size_t hop = 0; hop < path->n_hops; hop++) {
        add_hop(ctx, path, hop, PC_FORWARD);
        add_hop(ctx, path, hop, PC_REVERSE);
    }
}

void
pc_compile_path(struct pc_flow_table *t, uint8_t base,
                const struct pc_path *path)
{
    struct ctx ctx;

    pc_flow_table_remove_owner(t, &path->uuid);
    ctx_init(&ctx, t, base, &path->uuid);
    add_path(&ctx, path);
    ctx_uninit(&ctx);
}

void
pc_compile_service(struct pc_flow_table *t, uint8_t base,
                   const struct pc_service *svc)
{
    pc_flow_table_remove_owner(t, &svc->uuid);
    if (svc->mode == PC_MODE_HOST) {
        return;
    }

    pc_compile_groups__(t, base, svc);
    if (!svc->path) {
        struct pc_path alone = { .uuid = svc->uuid, .number = svc->number,
                                 .hops = { svc }, .n_hops = 1 };
        struct ctx ctx;

        ctx_init(&ctx, t, base, &svc->uuid);
        add_path(&ctx, &alone);
        ctx_uninit(&ctx);
    }
}

/* Sends what goes to 'vi' in 'direction' out. */
static void
add_deliver(struct ctx *ctx, const struct pc_vi *vi,
            enum pc_direction direction)
{
    struct pc_meta meta = { .vi = vi->number, .direction = direction };
    enum pc_mode mode = vi->service->mode;
    enum pc_vi_port port = (direction == PC_REVERSE
                            && mode != PC_MODE_TAP
                            && vi->port[PC_PORT_OUT] != OFPP_NONE
                            ? PC_PORT_OUT : PC_PORT_IN);

    match_meta(ctx, &meta, PC_META_VI | PC_META_DIRECTION);

    /* A meter on a copy would meter the original too. */
    if (vi->network_bps && mode != PC_MODE_TAP) {
        pc_ofpact_put_meter(&ctx->ofpacts,
                            pc_meter_id(vi->number, direction));
    }
    if (mode == PC_MODE_ROUTE) {
        if (!eth_addr_is_zero(vi->gw_mac)) {
            pc_ofpact_put_eth_src(&ctx->ofpacts, vi->gw_mac);
        }
        pc_ofpact_put_eth_dst(&ctx->ofpacts, pc_vi_mac(vi, port));
    }
    pc_ofpact_put_output(&ctx->ofpacts, vi->port[port]);
    emit(ctx, ctx->base + PC_TABLE_DELIVER, PC_PRIO_NORMAL, PC_FLOW_DELIVER);
}

/* The place in its path, after which what returns from 'vi' continues. */
static struct pc_meta
return_meta(const struct pc_vi *vi, enum pc_direction direction)
{
    const struct pc_service *svc = vi->service;

    return (struct pc_meta) {
        .path = svc->path ? svc->path->number : svc->number,
        .hop = (!svc->path ? 0
                : direction == PC_FORWARD ? svc->hop
                : svc->path->n_hops - 1 - svc->hop),
        .direction = direction,
    };
}

/* What returns on 'port' of an inline or two-armed VI. */
static void
add_return(struct ctx *ctx, const struct pc_vi *vi, enum pc_vi_port port,
           enum pc_direction direction)
{
    struct pc_meta meta = return_meta(vi, direction);
    bool is_inline = vi->service->mode == PC_MODE_INLINE;

    match_set_in_port(&ctx->match, vi->port[port]);
    pc_ofpact_put_meta(&ctx->ofpacts, &meta);
    if (is_inline) {
        /* The frame still has its sender's MAC, which must not be learned
         * here. */
        pc_ofpact_put_in_port(&ctx->ofpacts, OFPP_NONE);
    }
    resubmit(ctx, PC_TABLE_NEXT);
    emit(ctx, ctx->base + PC_TABLE_RETURN, PC_PRIO_NORMAL, PC_FLOW_RETURN);

    if (is_inline) {
        /* None was sent in.  One that is flooded by mistake into a VI that is
         * a bridge would go round for ever. */
        match_set_in_port(&ctx->match, vi->port[port]);
        match_set_dl_dst_masked(&ctx->match, eth_addr_broadcast,
                                (struct eth_addr) { .ea = { 1 } });
        emit(ctx, ctx->base + PC_TABLE_RETURN, PC_PRIO_GUARD, PC_FLOW_RETURN);
    }
}

/* A `route` VI with one port, in a chain: it takes two passes.  The first asks
 * DIRECTION, whose flows are the rules', the second knows. */
static void
add_return_one_armed(struct ctx *ctx, const struct pc_vi *vi)
{
    struct pc_meta ask = return_meta(vi, PC_FORWARD);

    ask.vi = vi->number;
    match_set_in_port(&ctx->match, vi->port[PC_PORT_IN]);
    pc_ofpact_put_meta(&ctx->ofpacts, &ask);
    resubmit(ctx, PC_TABLE_DIRECTION);
    emit(ctx, ctx->base + PC_TABLE_RETURN, PC_PRIO_NORMAL, PC_FLOW_RETURN);

    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        struct pc_meta known = { .vi = vi->number, .direction = dir };
        struct pc_meta meta = return_meta(vi, dir);

        match_set_in_port(&ctx->match, vi->port[PC_PORT_IN]);
        match_meta(ctx, &known, PC_META_VI | PC_META_DIRECTION);
        pc_ofpact_put_meta(&ctx->ofpacts, &meta);
        resubmit(ctx, PC_TABLE_NEXT);
        emit(ctx, ctx->base + PC_TABLE_RETURN, PC_PRIO_GUARD, PC_FLOW_RETURN);
    }
}

static void
add_returns(struct ctx *ctx, const struct pc_vi *vi)
{
    const struct pc_path *path = vi->service->path;
    bool two_ports = vi->port[PC_PORT_OUT] != OFPP_NONE;

    if (vi->service->mode == PC_MODE_TAP) {
        match_set_in_port(&ctx->match, vi->port[PC_PORT_IN]); /* Drop. */
        emit(ctx, ctx->base + PC_TABLE_RETURN, PC_PRIO_NORMAL,
             PC_FLOW_RETURN);
    } else if (two_ports) {
        add_return(ctx, vi, PC_PORT_OUT, PC_FORWARD);
        add_return(ctx, vi, PC_PORT_IN, PC_REVERSE);
    } else if (path && path->n_hops > 1) {
        add_return_one_armed(ctx, vi);
    } else {
        /* The end is next, whatever the direction. */
        add_return(ctx, vi, PC_PORT_IN, PC_FORWARD);
    }
}

void
pc_compile_vi(struct pc_flow_table *t, uint8_t base, const struct pc_vi *vi)
{
    struct ctx ctx;

    pc_flow_table_remove_owner(t, &vi->uuid);
    if (!vi->service || vi->service->mode == PC_MODE_HOST
        || !pc_vi_is_attached(vi)) {
        return;
    }

    ctx_init(&ctx, t, base, &vi->uuid);
    for (size_t i = 0; i < ARRAY_SIZE(vi->port); i++) {
        if (vi->port[i] != OFPP_NONE) {
            match_set_in_port(&ctx.match, vi->port[i]);
            match_not_served(&ctx);
            resubmit(&ctx, PC_TABLE_RETURN);
            emit(&ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_PORT, PC_FLOW_HOOK_PORT);
        }
    }
    add_deliver(&ctx, vi, PC_FORWARD);
    add_deliver(&ctx, vi, PC_REVERSE);
    add_returns(&ctx, vi);
    if (vi->network_bps && vi->service->mode != PC_MODE_TAP) {
        pc_compile_meters__(t, vi);
    }
    ctx_uninit(&ctx);
}
