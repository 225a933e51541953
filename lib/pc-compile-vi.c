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
#include "pc-ofpact.h"
#include "util.h"

/* VIs: to them and back. */

/* Sends what goes to 'vi' in 'direction' out. */
static void
add_deliver(struct pc_ctx *ctx, const struct pc_vi *vi,
            enum pc_direction direction)
{
    struct pc_meta meta = { .vi = vi->number, .direction = direction };
    enum pc_mode mode = vi->service->mode;
    enum pc_vi_port port = (direction == PC_REVERSE
                            && mode != PC_MODE_TAP
                            && vi->port[PC_PORT_OUT] != OFPP_NONE
                            ? PC_PORT_OUT : PC_PORT_IN);

    pc_ctx_match_meta(ctx, &meta, PC_META_VI | PC_META_DIRECTION);

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
    pc_compile_put_copies(ctx, vi);
    pc_ofpact_put_output(&ctx->ofpacts, vi->port[port]);
    pc_ctx_add(ctx, PC_TABLE_DELIVER, PC_PRIO_NORMAL, PC_FLOW_DELIVER);
}

/* What is known of the place of a packet in 'direction' that returns from
 * 'vi'. */
static struct pc_meta
return_meta(const struct pc_vi *vi, enum pc_direction direction)
{
    const struct pc_service *svc = vi->service;

    if (pc_service_asks(svc)) {
        return (struct pc_meta) { .path = svc->number, .vi = vi->number,
                                  .direction = direction };
    } else if (pc_service_is_alone(svc)) {
        return (struct pc_meta) { .path = svc->number,
                                  .direction = direction };
    } else {
        return pc_compile_place(svc->positions[0].path, svc->positions[0].hop,
                                direction);
    }
}

/* What returns on 'port' of 'vi', where it tells 'direction', or that does not
 * matter, or the rules tell. */
static void
add_return(struct pc_ctx *ctx, const struct pc_vi *vi, enum pc_vi_port port,
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
    pc_ctx_resubmit(ctx, (pc_service_asks(vi->service) ? PC_TABLE_DIRECTION
                          : PC_TABLE_NEXT));
    pc_ctx_add(ctx, PC_TABLE_RETURN, PC_PRIO_NORMAL, PC_FLOW_RETURN);

    if (is_inline) {
        /* None was sent in.  One that is flooded by mistake into a VI that is
         * a bridge would go round for ever. */
        match_set_in_port(&ctx->match, vi->port[port]);
        match_set_dl_dst_masked(&ctx->match, eth_addr_broadcast,
                                (struct eth_addr) { .ea = { 1 } });
        pc_ctx_add(ctx, PC_TABLE_RETURN, PC_PRIO_GUARD, PC_FLOW_RETURN);
    }
}

static void
add_returns(struct pc_ctx *ctx, const struct pc_vi *vi)
{
    if (vi->service->mode == PC_MODE_TAP) {
        match_set_in_port(&ctx->match, vi->port[PC_PORT_IN]); /* Drop. */
        pc_ctx_add(ctx, PC_TABLE_RETURN, PC_PRIO_NORMAL, PC_FLOW_RETURN);
    } else if (vi->port[PC_PORT_OUT] != OFPP_NONE) {
        add_return(ctx, vi, PC_PORT_OUT, PC_FORWARD);
        add_return(ctx, vi, PC_PORT_IN, PC_REVERSE);
    } else {
        add_return(ctx, vi, PC_PORT_IN, PC_FORWARD);
    }
}

/* Takes what comes from 'vi' on 'port'. */
static void
add_port_hook(struct pc_ctx *ctx, const struct pc_vi *vi, enum pc_vi_port port)
{
    bool check = vi->anti_spoof && vi->service->mode == PC_MODE_ROUTE;

    match_set_in_port(&ctx->match, vi->port[port]);
    pc_ctx_match_not_served(ctx);
    pc_compile_put_copies_from(ctx, vi, vi->port[port]);
    pc_ctx_resubmit(ctx, check ? PC_TABLE_CHECK : PC_TABLE_RETURN);
    pc_ctx_emit(ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_PORT, PC_FLOW_HOOK_PORT);
    if (check) {
        pc_compile_check(ctx, vi, port);
    }
}

static void
add_transparent(struct pc_ctx *ctx, const struct pc_vi *vi)
{
    for (size_t i = 0; i < ARRAY_SIZE(vi->port); i++) {
        if (vi->port[i] != OFPP_NONE) {
            add_port_hook(ctx, vi, i);
        }
    }
    add_deliver(ctx, vi, PC_FORWARD);
    add_deliver(ctx, vi, PC_REVERSE);
    add_returns(ctx, vi);
}

void
pc_compile_vi(struct pc_flow_table *t, uint8_t base, const struct pc_vi *vi)
{
    struct pc_ctx ctx;

    pc_flow_table_remove_owner(t, &vi->uuid);
    if (!vi->service) {
        return;
    }

    pc_ctx_init(&ctx, t, base, &vi->uuid);
    if (vi->quarantined) {
        pc_compile_quarantine(&ctx, vi);
    } else if (!pc_vi_is_attached(vi)) {
        /* Nothing. */
    } else if (vi->service->mode == PC_MODE_HOST) {
        pc_compile_host(&ctx, vi);
    } else {
        add_transparent(&ctx, vi);
        if (vi->network_bps && vi->service->mode != PC_MODE_TAP) {
            pc_compile_meters(t, vi);
        }
    }
    pc_ctx_uninit(&ctx);
}
