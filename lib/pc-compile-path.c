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

#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-ofpact.h"

/* Services and chains: from hop to hop. */

/* What comes after the last hop of 'path' in 'direction'. */
static void
put_end(struct pc_ctx *ctx, const struct pc_path *path,
        enum pc_direction direction)
{
    if (direction == PC_REVERSE && path->before) {
        struct pc_meta meta = { .path = path->before->number,
                                .direction = PC_REVERSE, .answered = true };

        pc_ofpact_put_meta(&ctx->ofpacts, &meta);
        pc_ctx_resubmit(ctx, PC_TABLE_STEER);
    } else {
        pc_ofpact_put_served(&ctx->ofpacts);
    }
}

/* The steering of hop number 'hop', counted in 'direction', of 'path'. */
static void
add_hop(struct pc_ctx *ctx, const struct pc_path *path, uint8_t hop,
        enum pc_direction direction)
{
    struct pc_meta here = { .path = path->number, .hop = hop,
                            .direction = direction };
    struct pc_meta next = { .path = path->number, .hop = hop + 1,
                            .direction = direction };
    uint64_t mask = PC_META_PATH | PC_META_HOP | PC_META_DIRECTION;
    const struct pc_service *svc
        = path->hops[direction == PC_FORWARD ? hop : path->n_hops - 1 - hop];
    uint32_t skip = pc_compile_skip(ctx, path, hop, direction);

    pc_ctx_match_meta(ctx, &here, mask);
    switch (svc->mode) {
    case PC_MODE_ROUTE:
    case PC_MODE_INLINE:
        pc_ofpact_put_group(&ctx->ofpacts,
                            skip ? skip
                            : pc_group_id(svc->number,
                                          PC_GROUP_FF_FORWARD + direction));
        break;
    case PC_MODE_TAP:
        pc_ofpact_put_group(&ctx->ofpacts,
                            pc_group_id(svc->number,
                                        PC_GROUP_SELECT_FORWARD + direction));
        pc_ctx_resubmit(ctx, PC_TABLE_NEXT);
        break;
    case PC_MODE_HOST:
        pc_ctx_resubmit(ctx, PC_TABLE_NEXT);
        break;
    }
    pc_ctx_add(ctx, PC_TABLE_STEER, PC_PRIO_NORMAL, PC_FLOW_STEER);

    pc_ctx_match_meta(ctx, &here, mask);
    if ((size_t) hop + 1 < path->n_hops) {
        pc_ofpact_put_meta(&ctx->ofpacts, &next);
        pc_ctx_resubmit(ctx, PC_TABLE_STEER);
    } else {
        put_end(ctx, path, direction);
    }
    pc_ctx_add(ctx, PC_TABLE_NEXT, PC_PRIO_NORMAL, PC_FLOW_NEXT);
}

static void
add_path(struct pc_ctx *ctx, const struct pc_path *path)
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
    struct pc_ctx ctx;

    pc_flow_table_remove_owner(t, &path->uuid);
    pc_ctx_init(&ctx, t, base, &path->uuid);
    add_path(&ctx, path);
    pc_ctx_uninit(&ctx);
}

/* Where a packet from a VI of 'svc' goes on that no rule recognizes: one of the
 * VI's own, or one with other addresses than it was diverted for. */
static void
add_unknown(struct pc_ctx *ctx, const struct pc_service *svc,
            enum pc_direction direction)
{
    bool two_ports = pc_service_has_two_ports(svc);
    struct pc_meta asked = { .path = svc->number, .direction = direction };
    struct pc_meta place = (pc_service_is_alone(svc) ? asked
                            : pc_compile_place(svc->positions[0].path,
                                               svc->positions[0].hop,
                                               direction));

    pc_ctx_match_meta(ctx, &asked, PC_META_PATH
                      | (two_ports ? PC_META_DIRECTION : 0));
    pc_ofpact_put_meta(&ctx->ofpacts, &place);
    pc_ctx_resubmit(ctx, PC_TABLE_NEXT);
    pc_ctx_add(ctx, PC_TABLE_DIRECTION, PC_PRIO_UNKNOWN, PC_FLOW_DIRECTION);
}

void
pc_compile_service(struct pc_flow_table *t, uint8_t base,
                   const struct pc_service *svc)
{
    struct pc_path alone;
    struct pc_ctx ctx;

    pc_flow_table_remove_owner(t, &svc->uuid);
    if (svc->mode == PC_MODE_HOST) {
        return;
    }

    pc_compile_groups(t, base, svc);
    pc_path_alone(&alone, svc);
    pc_ctx_init(&ctx, t, base, &svc->uuid);
    add_path(&ctx, &alone);
    if (pc_service_asks(svc)) {
        add_unknown(&ctx, svc, PC_FORWARD);
        if (pc_service_has_two_ports(svc)) {
            add_unknown(&ctx, svc, PC_REVERSE);
        }
    }
    pc_ctx_uninit(&ctx);
}
