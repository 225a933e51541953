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

#include "openvswitch/ofp-actions.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "util.h"

/* Long chains: hops that are down are skipped several at a time.
 *
 * Open vSwitch's translation of a packet may nest 64 levels (MAX_DEPTH in
 * ofproto-dpif-xlate.c).  A hop that is skipped takes two of them, one for the
 * bucket of its failover group and one for going back to STEER; it is only
 * while hops are skipped that they add up, for what goes into a VI is a new
 * packet when it comes out.  32 dead hops would take all, and leave none for
 * the operator's own pipeline.
 *
 * So at each PC_SKIP_STRIDE'th hop of a long chain, in the packet's direction,
 * a failover group watches the services of the hops up to the next such one,
 * as far as they may be skipped:
 *
 *     select group of hop H alive   -> group:failover of H's service
 *     select group of hop H+1 alive -> hop=H+1, group:failover of its service
 *     ...
 *     otherwise                     -> hop=H+PC_SKIP_STRIDE, resubmit(,STEER)
 *
 * A bucket's id is the number of hops that it skips.
 *
 * With connection tracking a packet goes elsewhere than the select group's
 * liveness says (a VI that drains is not in it), so such a service is not
 * skipped by these. */

static const struct pc_service *
service_at(const struct pc_path *path, size_t hop,
           enum pc_direction direction)
{
    return path->hops[direction == PC_FORWARD ? hop : path->n_hops - 1 - hop];
}

static bool
may_skip(const struct pc_service *svc)
{
    return ((svc->mode == PC_MODE_ROUTE || svc->mode == PC_MODE_INLINE)
            && svc->on_failure == PC_FAIL_OPEN
            && !pc_service_by_connection(svc));
}

/* The bucket for the service at 'hop' being alive. */
static void
add_alive(struct ofputil_group_mod *gm, const struct pc_path *path, size_t hop,
          enum pc_direction direction)
{
    const struct pc_service *svc = service_at(path, hop, direction);
    struct ofputil_bucket *b = pc_group_add_bucket(gm, hop % PC_SKIP_STRIDE);
    struct pc_meta meta = { .path = path->number, .hop = hop,
                            .direction = direction };
    struct ofpbuf ofpacts;

    b->watch_group = pc_group_id(svc->number,
                                 PC_GROUP_SELECT_FORWARD + direction);
    ofpbuf_init(&ofpacts, 64);
    pc_ofpact_put_meta(&ofpacts, &meta);
    pc_ofpact_put_group(&ofpacts, pc_group_id(svc->number,
                                              PC_GROUP_FF_FORWARD
                                              + direction));
    pc_bucket_set_actions(b, &ofpacts);
}

/* The bucket for none of them being alive: 'hop' is next. */
static void
add_dead(const struct pc_ctx *ctx, struct ofputil_group_mod *gm,
         const struct pc_path *path, size_t hop, enum pc_direction direction)
{
    bool end = hop >= path->n_hops;
    struct ofputil_bucket *b
        = pc_group_add_bucket(gm, (hop - 1) % PC_SKIP_STRIDE + 1);
    struct pc_meta meta = { .path = path->number,
                            .hop = end ? path->n_hops - 1 : hop,
                            .direction = direction };
    struct ofpbuf ofpacts;

    b->watch_group = PC_GROUP_ALWAYS;
    ofpbuf_init(&ofpacts, 64);
    pc_ofpact_put_meta(&ofpacts, &meta);
    pc_ofpact_put_resubmit(&ofpacts, ctx->base + (end ? PC_TABLE_NEXT
                                                  : PC_TABLE_STEER));
    pc_bucket_set_actions(b, &ofpacts);
}

/* Adds the group that packets in 'direction' have at 'hop' of 'path', counted
 * in that direction, instead of the service's own.  Returns its id, 0 if they
 * have none. */
uint32_t
pc_compile_skip(const struct pc_ctx *ctx, const struct pc_path *path,
                size_t hop, enum pc_direction direction)
{
    struct ofputil_group_mod gm;
    size_t n = 0;

    if (path->n_hops <= PC_SKIP_HOPS || hop % PC_SKIP_STRIDE) {
        return 0;
    }
    while (n < PC_SKIP_STRIDE && hop + n < path->n_hops
           && may_skip(service_at(path, hop + n, direction))) {
        n++;
    }
    if (n < 2) {
        return 0;
    }
    pc_group_init(&gm, pc_group_of_hop(path->number, hop, direction),
                  OFPGT11_FF);
    for (size_t i = 0; i < n; i++) {
        add_alive(&gm, path, hop + i, direction);
    }
    add_dead(ctx, &gm, path, hop + n, direction);
    uint32_t id = gm.group_id;
    pc_group_emit(ctx->table, ctx->owner, &gm);
    return id;
}
