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

#include "openvswitch/match.h"
#include "packets.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-match.h"
#include "pc-ofpact.h"

/* Rules: the hooks, and whose is what returns. */

/* The hook of 'rule' in one direction. */
static void
add_rule_hook(struct pc_ctx *ctx, const struct pc_rule *rule,
              enum pc_direction direction)
{
    pc_rule_match_expand(rule->match, direction, &ctx->match);
    pc_ctx_match_not_served(ctx);

    /* Multicast and broadcast are never diverted. */
    ctx->match.wc.masks.dl_dst.ea[0] |= 1;

    pc_ofpact_put_meta(&ctx->ofpacts,
                       &(struct pc_meta) { .path = rule->path->number,
                                           .direction = direction });
    pc_ctx_resubmit(ctx, PC_TABLE_STEER);
    pc_ctx_emit(ctx, PC_TABLE_HOOK,
                PC_PRIO_HOOK_RULE + PC_RULE_PRIO(rule->priority, direction),
                PC_FLOW_HOOK_RULE);
}

/* Takes out of the match of 'rule' in 'direction' what a packet on its path may
 * have lost on the way: the port, and what a router changes. */
static void
match_returned(struct match *match, const struct pc_rule *rule,
               enum pc_direction direction)
{
    pc_rule_match_expand(rule->match, direction, match);
    match->flow.in_port.ofp_port = 0;
    match->wc.masks.in_port.ofp_port = 0;
    if (pc_path_is_routed(rule->path)
        || pc_path_is_routed(rule->path->before)) {
        match->flow.dl_src = match->flow.dl_dst = eth_addr_zero;
        match->wc.masks.dl_src = match->wc.masks.dl_dst = eth_addr_zero;
        match->flow.nw_ttl = match->wc.masks.nw_ttl = 0;
    }
}

void
pc_compile_returned_match(const struct pc_rule *rule,
                          struct pc_rule_match *returned)
{
    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        struct match match;

        match_returned(&match, rule, dir);
        minimatch_init(&returned->match[dir], &match);
    }
    returned->symmetric = rule->match->symmetric && !rule->path->before;
    returned->reverse_any = rule->match->reverse_any;
}

/* Tells the place of a packet that returned from a VI of hop number 'hop',
 * counted in the forward direction, of 'rule''s path. */
static void
add_rule_return(struct pc_ctx *ctx, const struct pc_rule *rule, size_t hop,
                enum pc_direction direction)
{
    const struct pc_service *svc = rule->path->hops[hop];
    struct pc_meta asked = { .path = svc->number, .direction = direction };
    struct pc_meta place = pc_compile_place(rule->path, hop, direction);

    match_returned(&ctx->match, rule, direction);
    pc_ctx_match_meta(ctx, &asked, PC_META_PATH
                      | (pc_service_has_two_ports(svc) ? PC_META_DIRECTION
                         : 0));
    pc_ofpact_put_meta(&ctx->ofpacts, &place);
    pc_ctx_resubmit(ctx, PC_TABLE_NEXT);
    pc_ctx_add(ctx, PC_TABLE_DIRECTION,
               PC_PRIO_NORMAL + PC_RULE_PRIO(rule->priority, direction),
               PC_FLOW_DIRECTION);
}

/* Takes the packets of 'rule' in 'direction' from the path that it is after:
 * forward, what has been through that; in reverse, what would go into it. */
static void
add_rule_after(struct pc_ctx *ctx, const struct pc_rule *rule,
               enum pc_direction direction)
{
    const struct pc_path *before = rule->path->before;
    struct pc_meta from = { .path = before->number, .direction = direction };
    struct pc_meta to = { .path = rule->path->number, .direction = direction };
    uint64_t mask = PC_META_PATH | PC_META_HOP | PC_META_DIRECTION;

    if (direction == PC_FORWARD) {
        from.hop = before->n_hops - 1;
    } else {
        mask |= PC_META_ANSWERED;
    }
    match_returned(&ctx->match, rule, direction);
    pc_ctx_match_meta(ctx, &from, mask);
    pc_ofpact_put_meta(&ctx->ofpacts, &to);
    pc_ctx_resubmit(ctx, PC_TABLE_STEER);
    pc_ctx_add(ctx, direction == PC_FORWARD ? PC_TABLE_NEXT : PC_TABLE_STEER,
               PC_PRIO_NORMAL + PC_RULE_PRIO(rule->priority, direction),
               PC_FLOW_AFTER);
}

/* Does nothing but 'rule' itself tell its packets in 'direction' from those in
 * the other? */
static bool
is_mirrored(const struct pc_rule *rule, enum pc_direction direction)
{
    return (direction == PC_REVERSE && rule->direction == PC_RULE_BOTH
            && rule->match->symmetric);
}

/* Is 'rule' to tell the place of a packet in 'direction' that returns from
 * 'svc'? */
static bool
tells_place(const struct pc_rule *rule, const struct pc_service *svc,
            enum pc_direction direction)
{
    return (pc_service_asks(svc)
            && (!is_mirrored(rule, direction)
                || (rule->path->before && pc_service_has_two_ports(svc))));
}

void
pc_compile_rule(struct pc_flow_table *t, uint8_t base,
                const struct pc_rule *rule)
{
    struct pc_ctx ctx;

    pc_flow_table_remove_owner(t, &rule->uuid);
    pc_ctx_init(&ctx, t, base, &rule->uuid);
    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        enum pc_rule_direction other = (dir == PC_FORWARD ? PC_RULE_REVERSE
                                        : PC_RULE_FORWARD);

        if (rule->direction == other) {
            continue;
        }
        if (rule->path->before) {
            add_rule_after(&ctx, rule, dir);
        } else if (!is_mirrored(rule, dir)) {
            add_rule_hook(&ctx, rule, dir);
        }
        for (size_t hop = 0; hop < rule->path->n_hops; hop++) {
            if (tells_place(rule, rule->path->hops[hop], dir)) {
                add_rule_return(&ctx, rule, hop, dir);
            }
        }
    }
    pc_ctx_uninit(&ctx);
}
