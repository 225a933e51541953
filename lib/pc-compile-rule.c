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

#include "byte-order.h"
#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
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
                       &(struct pc_meta) { .path = rule->path,
                                           .direction = direction });
    pc_ctx_resubmit(ctx, PC_TABLE_STEER);
    pc_ctx_emit(ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_RULE + rule->priority,
                PC_FLOW_HOOK_RULE);
}

/* Tells the direction of a packet on 'rule''s path that returned from a
 * one-armed VI. */
static void
add_rule_direction(struct pc_ctx *ctx, const struct pc_rule *rule,
                   enum pc_direction direction)
{
    struct pc_meta meta = { .path = rule->path, .direction = direction };
    ovs_be64 value = htonll(pc_meta_pack(&meta));
    ovs_be64 mask = htonll(PC_META_DIRECTION);

    pc_rule_match_expand(rule->match, direction, &ctx->match);
    ctx->match.flow.in_port.ofp_port = 0;   /* It comes from the VI now. */
    ctx->match.wc.masks.in_port.ofp_port = 0;
    pc_ctx_match_meta(ctx, &meta, PC_META_PATH);
    value &= mask;
    ofpact_put_set_field(&ctx->ofpacts, mf_from_id(MFF_METADATA), &value,
                         &mask);
    pc_ctx_resubmit(ctx, PC_TABLE_RETURN);
    pc_ctx_add(ctx, PC_TABLE_DIRECTION, PC_PRIO_NORMAL + rule->priority,
               PC_FLOW_DIRECTION);
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
    pc_ctx_uninit(&ctx);
}
