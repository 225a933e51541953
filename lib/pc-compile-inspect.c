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
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "util.h"

/* What the ISP does to a VI: copies of its packets, quarantine; and what is
 * there of a `host` VI, which is no stranger's traffic but its own.
 *
 * Copies are made just before a packet is output to the VI (after its meter:
 * of what the meter drops there are none, and none uses up tokens of it) and
 * before anything else is done with a packet that it sends. */

/* Appends the copies of the packet in the making. */
void
pc_compile_put_copies(struct pc_ctx *ctx, const struct pc_vi *vi)
{
    for (size_t i = 0; i < vi->n_copies; i++) {
        pc_ofpact_put_sample(&ctx->ofpacts, vi->copies[i].port,
                             vi->copies[i].probability);
    }
}

/* The same for a packet that came in on 'port' of 'vi'.  That port may be
 * protected, and the copies' too: between two such ports Open vSwitch outputs
 * nothing. */
void
pc_compile_put_copies_from(struct pc_ctx *ctx, const struct pc_vi *vi,
                           ofp_port_t port)
{
    if (vi->n_copies) {
        pc_ofpact_put_in_port(&ctx->ofpacts, OFPP_NONE);
        pc_compile_put_copies(ctx, vi);
        pc_ofpact_put_in_port(&ctx->ofpacts, port);
    }
}

/* Sets one of the bits that are above the path, and goes on in table 0. */
static void
put_mark(struct pc_ctx *ctx, uint64_t bit)
{
    ovs_be64 value = htonll(bit);

    ofpact_put_set_field(&ctx->ofpacts, mf_from_id(MFF_METADATA), &value,
                         &value);
    pc_ofpact_put_resubmit(&ctx->ofpacts, PC_TABLE_HOOK);
}

/* Blocks the ports of 'vi'.  Nothing leads there, as its buckets are gone,
 * unless it is a `host`. */
void
pc_compile_quarantine(struct pc_ctx *ctx, const struct pc_vi *vi)
{
    for (size_t i = 0; i < ARRAY_SIZE(vi->port); i++) {
        if (vi->port[i] != OFPP_NONE) {
            match_set_in_port(&ctx->match, vi->port[i]);
            pc_compile_put_copies_from(ctx, vi, vi->port[i]);
            pc_ctx_emit(ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_PORT,
                        PC_FLOW_QUARANTINE);
        }
    }
    if (vi->service->mode == PC_MODE_HOST) {
        match_set_dl_dst(&ctx->match, vi->mac);
        pc_ctx_emit(ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_PORT - 1,
                    PC_FLOW_QUARANTINE);
    }
}

/* A `host` VI is a host like others, but for its addresses, which are checked,
 * and copies.  What it sends and gets may be some service's traffic as well:
 * therefore both only mark the packet, and table 0 sees it again. */
void
pc_compile_host(struct pc_ctx *ctx, const struct pc_vi *vi)
{
    ofp_port_t port = vi->port[PC_PORT_IN];

    if (vi->anti_spoof || vi->n_copies) {
        match_set_in_port(&ctx->match, port);
        match_set_metadata_masked(&ctx->match, 0,
                                  htonll(PC_META_SERVED | PC_META_CHECKED));
        pc_compile_put_copies_from(ctx, vi, port);
        if (vi->anti_spoof) {
            pc_ctx_resubmit(ctx, PC_TABLE_CHECK);
        } else {
            put_mark(ctx, PC_META_CHECKED);
        }
        pc_ctx_emit(ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_PORT, PC_FLOW_HOOK_PORT);
    }
    if (vi->anti_spoof) {
        pc_compile_check(ctx, vi, PC_PORT_IN);
    }
    if (vi->n_copies) {
        match_set_dl_dst(&ctx->match, vi->mac);
        match_set_metadata_masked(&ctx->match, 0, htonll(PC_META_COPIED));
        pc_compile_put_copies(ctx, vi);
        put_mark(ctx, PC_META_COPIED);
        pc_ctx_emit(ctx, PC_TABLE_HOOK, PC_PRIO_HOOK_COPY, PC_FLOW_COPY);
    }
}
