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
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "pc-zone.h"
#include "util.h"

/* affinity=connection: the switch's connection tracking remembers the VI of
 * each connection, as its mark in the service's zone.
 *
 *   STEER      -> group:failover
 *                 failover: VI=service number -> CONNECT
 *   CONNECT    VI=service number,ip -> VI=0, ct(zone, table=AFFINITY)
 *   AFFINITY   zone,VI=0,mark=V -> group:V
 *                 V: watch_port=V -> VI=V -> DELIVER
 *                    else            VI=service number -> CONNECT
 *              zone,VI=0        -> VI=service number -> CONNECT
 *   CONNECT    zone,VI=service number,direction -> group:new
 *                 new: watch_group=select -> group:select
 *                      on-failure open -> VI=0 -> CONNECT; close -> drop
 *                 select: a bucket per ready VI -> VI=V -> AFFINITY
 *   AFFINITY   zone,VI=V -> ct(commit, mark=V), DELIVER
 *   CONNECT    VI=0 -> ct_clear, NEXT
 *
 * A packet of a known connection passes two megaflows: one up to ct(), and one
 * that matches nothing but zone and mark.  Only what is new is hashed.
 *
 * A VI that drains has no bucket in the select groups, but its connections
 * stay, as they do when others come or come back; those of a VI that is gone
 * are chosen for anew, and marked anew.  ICMP errors are related to their
 * connection and have its mark.  Fragments come out of ct() when all of a
 * packet are there; since only the first of them has ports, a connection that
 * begins with one is hashed by address alone.  What connection tracking takes
 * for invalid has its connection's mark nevertheless, or else is hashed.
 *
 * What leaves for the legacy pipeline (the service is skipped) is untracked
 * again, for the operator's own ct(). */

/* What has connections. */
static const uint16_t families[] = { ETH_TYPE_IP, ETH_TYPE_IPV6 };

struct conn_ctx {
    struct pc_ctx up;           /* The flow in the making. */
    const struct pc_service *svc;
};

static void
emit(struct conn_ctx *ctx, enum pc_table table, uint16_t priority)
{
    pc_ctx_add(&ctx->up, table, priority,
               table == PC_TABLE_CONNECT ? PC_FLOW_CONNECT : PC_FLOW_AFFINITY);
}

static uint16_t
zone_of(const struct conn_ctx *ctx)
{
    return pc_zone_of_service(ctx->svc->number);
}

static void
match_vi(struct conn_ctx *ctx, uint16_t number)
{
    struct pc_meta meta = { .vi = number };

    pc_ctx_match_meta(&ctx->up, &meta, PC_META_VI);
}

static void
match_vi_direction(struct conn_ctx *ctx, uint16_t number,
                   enum pc_direction direction)
{
    struct pc_meta meta = { .vi = number, .direction = direction };

    pc_ctx_match_meta(&ctx->up, &meta, PC_META_VI | PC_META_DIRECTION);
}

/* What comes for the first time is looked up.  The last flow is the zone's (see
 * pc-zone.h): it stays on the switch until the zone has been flushed. */
static void
add_lookup(struct conn_ctx *ctx)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        match_vi(ctx, ctx->svc->number);
        match_set_dl_type(&ctx->up.match, htons(families[i]));
        pc_ofpact_put_meta_vi(&ctx->up.ofpacts, 0);
        pc_ofpact_put_track(&ctx->up.ofpacts, zone_of(ctx),
                            ctx->up.base + PC_TABLE_AFFINITY);
        emit(ctx, PC_TABLE_CONNECT, PC_PRIO_NORMAL);
    }

    match_set_ct_zone(&ctx->up.match, zone_of(ctx));
    match_vi(ctx, 0);
    pc_ofpact_put_meta_vi(&ctx->up.ofpacts, ctx->svc->number);
    pc_ctx_resubmit(&ctx->up, PC_TABLE_CONNECT);
    emit(ctx, PC_TABLE_AFFINITY, PC_PRIO_NORMAL);
}

/* What has been looked up and is to get a VI; and what has no connections,
 * being of another family. */
static void
add_choice(struct conn_ctx *ctx, enum pc_direction direction)
{
    uint16_t number = ctx->svc->number;

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        match_vi_direction(ctx, number, direction);
        match_set_ct_zone(&ctx->up.match, zone_of(ctx));
        match_set_dl_type(&ctx->up.match, htons(families[i]));
        match_set_nw_frag_masked(&ctx->up.match, FLOW_NW_FRAG_ANY,
                                 FLOW_NW_FRAG_ANY);
        pc_ofpact_put_group(&ctx->up.ofpacts,
                            pc_group_id(number, PC_GROUP_NEW_FRAG_FORWARD
                                                + direction));
        emit(ctx, PC_TABLE_CONNECT, PC_PRIO_GUARD + 1);
    }

    match_vi_direction(ctx, number, direction);
    match_set_ct_zone(&ctx->up.match, zone_of(ctx));
    pc_ofpact_put_group(&ctx->up.ofpacts,
                        pc_group_id(number, PC_GROUP_NEW_FORWARD + direction));
    emit(ctx, PC_TABLE_CONNECT, PC_PRIO_GUARD);

    match_vi_direction(ctx, number, direction);
    pc_ofpact_put_group(&ctx->up.ofpacts,
                        pc_group_id(number, PC_GROUP_NEW_FORWARD + direction));
    emit(ctx, PC_TABLE_CONNECT, PC_PRIO_NORMAL - 1);
}

/* Where STEER sends what is for the service. */
static void
add_entry_group(struct conn_ctx *ctx, enum pc_direction direction)
{
    struct ofputil_group_mod gm;

    pc_group_init(&gm, pc_group_id(ctx->svc->number,
                                     PC_GROUP_FF_FORWARD + direction),
                    OFPGT11_INDIRECT);
    pc_bucket_set_vi(pc_group_add_bucket(&gm, 0), ctx->svc->number,
                       ctx->up.base + PC_TABLE_CONNECT);
    pc_group_emit(ctx->up.table, ctx->up.owner, &gm);
}

/* The connections that 'vi' has, while it may have any. */
static void
add_vi_group(struct conn_ctx *ctx, const struct pc_vi *vi)
{
    struct ofputil_group_mod gm;
    struct ofputil_bucket *b;

    pc_group_init(&gm, pc_group_of_vi(vi->number), OFPGT11_FF);
    b = pc_group_add_bucket(&gm, vi->number);
    b->watch_port = vi->port[PC_PORT_IN];
    pc_bucket_set_vi(b, vi->number, ctx->up.base + PC_TABLE_DELIVER);

    b = pc_group_add_bucket(&gm, 0);
    b->watch_group = PC_GROUP_ALWAYS;
    pc_bucket_set_vi(b, ctx->svc->number, ctx->up.base + PC_TABLE_CONNECT);
    pc_group_emit(ctx->up.table, ctx->up.owner, &gm);
}

static void
add_vi(struct conn_ctx *ctx, const struct pc_vi *vi)
{
    add_vi_group(ctx, vi);

    match_set_ct_zone(&ctx->up.match, zone_of(ctx));
    match_set_ct_mark(&ctx->up.match, vi->number);
    match_vi(ctx, 0);
    pc_ofpact_put_group(&ctx->up.ofpacts, pc_group_of_vi(vi->number));
    emit(ctx, PC_TABLE_AFFINITY, PC_PRIO_GUARD);

    for (size_t i = 0; vi->ready && i < ARRAY_SIZE(families); i++) {
        match_set_dl_type(&ctx->up.match, htons(families[i]));
        match_set_ct_zone(&ctx->up.match, zone_of(ctx));
        match_vi(ctx, vi->number);
        pc_ofpact_put_commit(&ctx->up.ofpacts, zone_of(ctx), vi->number);
        pc_ctx_resubmit(&ctx->up, PC_TABLE_DELIVER);
        emit(ctx, PC_TABLE_AFFINITY, PC_PRIO_NORMAL);
    }
}

/* Adds what is above for 'svc', but for the groups that choose. */
void
pc_compile_connections(struct pc_flow_table *t, uint8_t base,
                         const struct pc_service *svc)
{
    struct conn_ctx ctx = { .svc = svc };

    pc_ctx_init(&ctx.up, t, base, &svc->uuid);
    add_lookup(&ctx);
    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        add_entry_group(&ctx, dir);
        add_choice(&ctx, dir);
    }
    for (size_t i = 0; i < svc->n_vis; i++) {
        const struct pc_vi *vi = svc->vis[i];

        if (pc_vi_is_attached(vi) && (vi->ready || vi->draining)) {
            add_vi(&ctx, vi);
        }
    }
    pc_ctx_uninit(&ctx.up);
}

/* The flows that all such services share. */
void
pc_compile_connections_common(struct pc_flow_table *t, uint8_t base,
                                const struct uuid *owner)
{
    struct conn_ctx ctx = { .svc = NULL };

    pc_ctx_init(&ctx.up, t, base, owner);
    match_vi(&ctx, 0);
    ofpact_put_CT_CLEAR(&ctx.up.ofpacts);
    pc_ctx_resubmit(&ctx.up, PC_TABLE_NEXT);
    emit(&ctx, PC_TABLE_CONNECT, PC_PRIO_NORMAL);

    /* Without a connection. */
    pc_ctx_resubmit(&ctx.up, PC_TABLE_DELIVER);
    emit(&ctx, PC_TABLE_AFFINITY, PC_PRIO_CATCHALL);
    pc_ctx_uninit(&ctx.up);
}
