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
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-ofpact.h"

/* The flow in the making. */

void
pc_ctx_init(struct pc_ctx *ctx, struct pc_flow_table *t, uint8_t base,
            const struct uuid *owner)
{
    ctx->table = t;
    ctx->owner = owner;
    ctx->base = base;
    match_init_catchall(&ctx->match);
    ofpbuf_use_stub(&ctx->ofpacts, ctx->stub, sizeof ctx->stub);
}

void
pc_ctx_uninit(struct pc_ctx *ctx)
{
    ofpbuf_uninit(&ctx->ofpacts);
}

/* Adds the flow in the making to absolute table 'table_id', and begins the
 * next. */
void
pc_ctx_emit(struct pc_ctx *ctx, uint8_t table_id, uint16_t priority,
            enum pc_flow_kind kind)
{
    struct pc_flow_spec spec = pc_flow_spec(table_id, priority,
                                            pc_cookie_pack(kind, ctx->owner),
                                            &ctx->match, &ctx->ofpacts);

    pc_flow_table_add_flow(ctx->table, ctx->owner, &spec);
    match_init_catchall(&ctx->match);
    ofpbuf_clear(&ctx->ofpacts);
}

/* The same in a table of our block. */
void
pc_ctx_add(struct pc_ctx *ctx, enum pc_table table, uint16_t priority,
           enum pc_flow_kind kind)
{
    pc_ctx_emit(ctx, ctx->base + table, priority, kind);
}

void
pc_ctx_match_meta(struct pc_ctx *ctx, const struct pc_meta *meta,
                  uint64_t mask)
{
    match_set_metadata_masked(&ctx->match, htonll(pc_meta_pack(meta)),
                              htonll(mask));
}

void
pc_ctx_match_not_served(struct pc_ctx *ctx)
{
    match_set_metadata_masked(&ctx->match, 0, htonll(PC_META_SERVED));
}

void
pc_ctx_resubmit(struct pc_ctx *ctx, enum pc_table table)
{
    pc_ofpact_put_resubmit(&ctx->ofpacts, ctx->base + table);
}

/* The metadata of a packet in 'direction' at hop number 'hop' of 'path',
 * counted in the forward direction. */
struct pc_meta
pc_compile_place(const struct pc_path *path, size_t hop,
                 enum pc_direction direction)
{
    return (struct pc_meta) {
        .path = path->number,
        .hop = direction == PC_FORWARD ? hop : path->n_hops - 1 - hop,
        .direction = direction,
    };
}
