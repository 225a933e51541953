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

#include <string.h>

#include "byte-order.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "util.h"

static struct ofputil_bucket *
add_bucket(struct ofputil_group_mod *gm, uint32_t id)
{
    struct ofputil_bucket *b = xzalloc(sizeof *b);

    b->watch_port = OFPP_ANY;
    b->watch_group = OFPG_ANY;
    b->bucket_id = id;
    ovs_list_push_back(&gm->buckets, &b->list_node);
    return b;
}

static void
init_group(struct ofputil_group_mod *gm, uint32_t group_id, uint8_t type)
{
    *gm = (struct ofputil_group_mod) {
        .group_id = group_id,
        .type = type,
        .command_bucket_id = OFPG15_BUCKET_ALL,
    };
    ovs_list_init(&gm->buckets);
}

static void
bucket_steal_actions(struct ofputil_bucket *b, struct ofpbuf *ofpacts)
{
    b->ofpacts_len = ofpacts->size;
    b->ofpacts = ofpbuf_steal_data(ofpacts);
}

/* The client's address, which is the source forward and the destination in
 * reverse, chooses the VI: only values are hashed, so both directions meet
 * the same one. */
static void
set_hash(struct ofputil_group_props *props, enum pc_direction direction)
{
    static const enum mf_field_id fields[2][2] = {
        [PC_FORWARD] = { MFF_IPV4_SRC, MFF_IPV6_SRC },
        [PC_REVERSE] = { MFF_IPV4_DST, MFF_IPV6_DST },
    };
    union mf_value exact;

    memset(&exact, 0xff, sizeof exact);
    ovs_strlcpy(props->selection_method, "hash",
                sizeof props->selection_method);
    for (size_t i = 0; i < 2; i++) {
        field_array_set(fields[direction][i], &exact, &props->fields);
    }
}

/* Which VI: a bucket for each that is ready. */
static void
add_select_group(struct pc_flow_table *t, uint8_t base,
                 const struct pc_service *svc, enum pc_direction direction)
{
    struct ofputil_group_mod gm;

    init_group(&gm, pc_group_id(svc->number, PC_GROUP_SELECT_FORWARD
                                             + direction), OFPGT11_SELECT);
    set_hash(&gm.props, direction);
    for (size_t i = 0; i < svc->n_vis; i++) {
        const struct pc_vi *vi = svc->vis[i];

        if (vi->ready && vi->weight && pc_vi_is_attached(vi)) {
            struct ofputil_bucket *b = add_bucket(&gm, vi->number);
            struct ofpbuf ofpacts;

            b->weight = vi->weight;
            b->watch_port = vi->port[PC_PORT_IN];
            ofpbuf_init(&ofpacts, 64);
            ofpact_put_set_field(
                &ofpacts, mf_from_id(MFF_METADATA),
                &(ovs_be64) { htonll((uint64_t) vi->number
                                     << PC_META_VI_SHIFT) },
                &(ovs_be64) { htonll(PC_META_VI) });
            pc_ofpact_put_resubmit(&ofpacts, base + PC_TABLE_DELIVER);
            bucket_steal_actions(b, &ofpacts);
        }
    }
    pc_flow_table_add_group(t, &svc->uuid, &gm);
    ofputil_uninit_group_mod(&gm);
}

/* What if no VI is alive: the switch alone decides, by the liveness of the
 * select group. */
static void
add_failover_group(struct pc_flow_table *t, uint8_t base,
                   const struct pc_service *svc, enum pc_direction direction)
{
    uint32_t select = pc_group_id(svc->number,
                                  PC_GROUP_SELECT_FORWARD + direction);
    struct ofputil_group_mod gm;
    struct ofputil_bucket *b;
    struct ofpbuf ofpacts;

    init_group(&gm, pc_group_id(svc->number, PC_GROUP_FF_FORWARD + direction),
               OFPGT11_FF);

    b = add_bucket(&gm, 0);
    b->watch_group = select;
    ofpbuf_init(&ofpacts, 32);
    pc_ofpact_put_group(&ofpacts, select);
    bucket_steal_actions(b, &ofpacts);

    /* Without actions this bucket drops, and counts what it drops. */
    b = add_bucket(&gm, 1);
    b->watch_group = PC_GROUP_ALWAYS;
    if (svc->on_failure == PC_FAIL_OPEN) {
        ofpbuf_init(&ofpacts, 32);
        pc_ofpact_put_resubmit(&ofpacts, base + PC_TABLE_NEXT);
        bucket_steal_actions(b, &ofpacts);
    }
    pc_flow_table_add_group(t, &svc->uuid, &gm);
    ofputil_uninit_group_mod(&gm);
}

/* Adds PC_GROUP_ALWAYS. */
void
pc_compile_always_group(struct pc_flow_table *t, const struct uuid *owner)
{
    struct ofputil_group_mod gm;

    init_group(&gm, PC_GROUP_ALWAYS, OFPGT11_INDIRECT);
    add_bucket(&gm, 0);
    pc_flow_table_add_group(t, owner, &gm);
    ofputil_uninit_group_mod(&gm);
}

/* Adds the groups of 'svc'. */
void
pc_compile_groups(struct pc_flow_table *t, uint8_t base,
                  const struct pc_service *svc)
{
    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        if (svc->mode != PC_MODE_HOST) {
            add_select_group(t, base, svc, dir);
        }
        if (svc->mode == PC_MODE_ROUTE || svc->mode == PC_MODE_INLINE) {
            add_failover_group(t, base, svc, dir);
        }
    }
}
