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

#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "pc-share.h"
#include "util.h"

/* Appends to 'gm' a bucket that watches nothing and does nothing. */
struct ofputil_bucket *
pc_group_add_bucket(struct ofputil_group_mod *gm, uint32_t id)
{
    struct ofputil_bucket *b = xzalloc(sizeof *b);

    b->watch_port = OFPP_ANY;
    b->watch_group = OFPG_ANY;
    b->bucket_id = id;
    ovs_list_push_back(&gm->buckets, &b->list_node);
    return b;
}

/* Begins a group without buckets. */
void
pc_group_init(struct ofputil_group_mod *gm, uint32_t group_id, uint8_t type)
{
    *gm = (struct ofputil_group_mod) {
        .group_id = group_id,
        .type = type,
        .command_bucket_id = OFPG15_BUCKET_ALL,
    };
    ovs_list_init(&gm->buckets);
}

/* Moves 'ofpacts' into 'b'. */
void
pc_bucket_set_actions(struct ofputil_bucket *b, struct ofpbuf *ofpacts)
{
    b->ofpacts_len = ofpacts->size;
    b->ofpacts = ofpbuf_steal_data(ofpacts);
}

/* Has 'b' set the VI in the metadata, and go on in 'table_id'. */
void
pc_bucket_set_vi(struct ofputil_bucket *b, uint16_t vi, uint8_t table_id)
{
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 64);
    pc_ofpact_put_meta_vi(&ofpacts, vi);
    pc_ofpact_put_resubmit(&ofpacts, table_id);
    pc_bucket_set_actions(b, &ofpacts);
}

/* Adds 'gm' to 't', and frees what is in it. */
void
pc_group_emit(struct pc_flow_table *t, const struct uuid *owner,
                struct ofputil_group_mod *gm)
{
    pc_flow_table_add_group(t, owner, gm);
    ofputil_uninit_group_mod(gm);
}

/* What a select group hashes. */
enum hash {
    HASH_CLIENT,                /* The client's address. */
    HASH_CONNECTION             /* And its port, if there is one. */
};

static void
hash_field(struct ofputil_group_props *props, enum mf_field_id id,
           unsigned int host_bits)
{
    const struct mf_field *mf = mf_from_id(id);
    union mf_value mask;

    memset(&mask, 0xff, sizeof mask);
    bitwise_zero(&mask, mf->n_bytes, 0, MIN(host_bits, mf->n_bits));
    field_array_set(id, &mask, &props->fields);
}

/* The client's address, which is the source forward and the destination in
 * reverse, chooses the VI: only values are hashed, so both directions meet
 * the same one.  (They are hashed in the order of their ids: with one address
 * and one port that is the same in both directions.) */
static void
set_hash(struct ofputil_group_props *props, const struct pc_service *svc,
         enum pc_direction direction, enum hash hash)
{
    static const enum mf_field_id addresses[2][2] = {
        [PC_FORWARD] = { MFF_IPV4_SRC, MFF_IPV6_SRC },
        [PC_REVERSE] = { MFF_IPV4_DST, MFF_IPV6_DST },
    };
    static const enum mf_field_id ports[2][3] = {
        [PC_FORWARD] = { MFF_TCP_SRC, MFF_UDP_SRC, MFF_SCTP_SRC },
        [PC_REVERSE] = { MFF_TCP_DST, MFF_UDP_DST, MFF_SCTP_DST },
    };

    ovs_strlcpy(props->selection_method, "hash",
                sizeof props->selection_method);
    for (size_t i = 0; i < 2; i++) {
        hash_field(props, addresses[direction][i], svc->affinity.host_bits[i]);
    }
    for (size_t i = 0; hash == HASH_CONNECTION && i < 3; i++) {
        hash_field(props, ports[direction][i], 0);
    }
}

/* Stores in 'vis' those of 'svc' that may get new traffic, and in 'weights'
 * the weights of their buckets.  Returns how many there are. */
static size_t
choose_vis(const struct pc_service *svc, const struct pc_vi **vis,
           uint16_t *weights)
{
    uint16_t *shares = xmalloc((svc->n_vis + 1) * sizeof *shares);
    size_t n = 0;

    for (size_t i = 0; i < svc->n_vis; i++) {
        const struct pc_vi *vi = svc->vis[i];

        if (vi->ready && vi->weight && pc_vi_is_attached(vi)) {
            vis[n] = vi;
            shares[n++] = vi->weight;
        }
    }
    pc_share_weights(shares, n, weights);
    free(shares);
    return n;
}

/* Which VI: a bucket for each that is ready.
 *
 * A select group with "hash" makes the megaflow match what it hashes even if
 * there is nothing to choose from.  A group of a single VI is therefore of
 * type "fast failover": to its liveness that makes no difference, and a group
 * changes its type in one modification. */
static void
add_select_group(struct pc_flow_table *t, uint8_t base,
                 const struct pc_service *svc, enum pc_direction direction,
                 enum pc_group_kind kind)
{
    const struct pc_vi **vis = xmalloc((svc->n_vis + 1) * sizeof *vis);
    uint16_t *weights = xmalloc((svc->n_vis + 1) * sizeof *weights);
    size_t n = choose_vis(svc, vis, weights);
    bool connection = pc_service_by_connection(svc);
    struct ofputil_group_mod gm;

    pc_group_init(&gm, pc_group_id(svc->number, kind + direction),
                    n > 1 ? OFPGT11_SELECT : OFPGT11_FF);
    if (n > 1) {
        set_hash(&gm.props, svc, direction,
                 connection && kind == PC_GROUP_SELECT_FORWARD
                 ? HASH_CONNECTION : HASH_CLIENT);
    }
    for (size_t i = 0; i < n; i++) {
        struct ofputil_bucket *b = pc_group_add_bucket(&gm, vis[i]->number);

        b->weight = n > 1 ? weights[i] : 0;
        b->watch_port = vis[i]->port[PC_PORT_IN];
        pc_bucket_set_vi(b, vis[i]->number,
                           base + (connection ? PC_TABLE_AFFINITY
                                   : PC_TABLE_DELIVER));
    }
    pc_group_emit(t, &svc->uuid, &gm);
    free(vis);
    free(weights);
}

/* What if no VI is alive: the switch alone decides, by the liveness of the
 * group 'select'. */
static void
add_failover_group(struct pc_flow_table *t, uint8_t base,
                   const struct pc_service *svc, uint32_t group_id,
                   uint32_t select)
{
    struct ofputil_group_mod gm;
    struct ofputil_bucket *b;
    struct ofpbuf ofpacts;

    pc_group_init(&gm, group_id, OFPGT11_FF);
    b = pc_group_add_bucket(&gm, 0);
    b->watch_group = select;
    ofpbuf_init(&ofpacts, 32);
    pc_ofpact_put_group(&ofpacts, select);
    pc_bucket_set_actions(b, &ofpacts);

    /* Without actions this bucket drops, and counts what it drops. */
    b = pc_group_add_bucket(&gm, 1);
    b->watch_group = PC_GROUP_ALWAYS;
    if (svc->on_failure == PC_FAIL_OPEN) {
        if (pc_service_by_connection(svc)) {
            pc_bucket_set_vi(b, 0, base + PC_TABLE_CONNECT);
        } else {
            ofpbuf_init(&ofpacts, 32);
            pc_ofpact_put_resubmit(&ofpacts, base + PC_TABLE_NEXT);
            pc_bucket_set_actions(b, &ofpacts);
        }
    }
    pc_group_emit(t, &svc->uuid, &gm);
}

/* Adds PC_GROUP_ALWAYS. */
void
pc_compile_always_group(struct pc_flow_table *t, const struct uuid *owner)
{
    struct ofputil_group_mod gm;

    pc_group_init(&gm, PC_GROUP_ALWAYS, OFPGT11_INDIRECT);
    pc_group_add_bucket(&gm, 0);
    pc_group_emit(t, owner, &gm);
}

/* Adds a select group and the failover group around it. */
static void
add_group_pair(struct pc_flow_table *t, uint8_t base,
               const struct pc_service *svc, enum pc_group_kind failover,
               enum pc_group_kind select)
{
    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        add_select_group(t, base, svc, dir, select);
        add_failover_group(t, base, svc,
                           pc_group_id(svc->number, failover + dir),
                           pc_group_id(svc->number, select + dir));
    }
}

/* Adds the groups of 'svc', and its connection tracking. */
void
pc_compile_groups(struct pc_flow_table *t, uint8_t base,
                  const struct pc_service *svc)
{
    if (pc_service_by_connection(svc)) {
        add_group_pair(t, base, svc, PC_GROUP_NEW_FORWARD,
                       PC_GROUP_SELECT_FORWARD);
        add_group_pair(t, base, svc, PC_GROUP_NEW_FRAG_FORWARD,
                       PC_GROUP_SELECT_FRAG_FORWARD);
        pc_compile_connections(t, base, svc);
    } else if (svc->mode == PC_MODE_ROUTE || svc->mode == PC_MODE_INLINE) {
        add_group_pair(t, base, svc, PC_GROUP_FF_FORWARD,
                       PC_GROUP_SELECT_FORWARD);
    } else if (svc->mode == PC_MODE_TAP) {
        add_select_group(t, base, svc, PC_FORWARD, PC_GROUP_SELECT_FORWARD);
        add_select_group(t, base, svc, PC_REVERSE, PC_GROUP_SELECT_FORWARD);
    }
}
