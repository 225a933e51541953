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

#ifndef FAKE_SWITCH_H
#define FAKE_SWITCH_H 1

/* What a switch that was sent a list of mods would return, by way of the wire
 * in both directions. */

#include <check.h>

#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "pc-installed.h"
#include "pc-mod.h"

/* The reply as it would be received, without the pointers into its parts that
 * it has from its making. */
static inline struct ofpbuf *
fake_switch_receive(struct ovs_list *replies)
{
    struct ofpbuf *sent = ofpbuf_from_list(ovs_list_pop_front(replies));

    ck_assert(ovs_list_is_empty(replies));
    ofpmsg_update_length(sent);
    struct ofpbuf *received = ofpbuf_clone_data(sent->data, sent->size);
    ofpbuf_delete(sent);
    return received;
}

static inline void
fake_switch_flow(struct pc_installed *inst, const struct ofputil_flow_mod *fm,
                 enum ofputil_protocol protocol)
{
    struct ofpbuf *msg = ofputil_encode_flow_mod(fm, protocol);
    struct ofpbuf ofpacts, *request, *reply;
    struct ovs_list replies;
    struct ofputil_flow_mod in;

    ofpbuf_init(&ofpacts, 64);
    ck_assert_int_eq(ofputil_decode_flow_mod(&in, msg->data, protocol, NULL,
                                             NULL, &ofpacts, OFPP_MAX, 255),
                     0);
    struct ofputil_flow_stats fs = {
        .cookie = in.new_cookie, .table_id = in.table_id,
        .priority = in.priority, .idle_age = -1, .hard_age = -1,
        .ofpacts = in.ofpacts, .ofpacts_len = in.ofpacts_len,
    };
    minimatch_expand(&in.match, &fs.match);

    struct ofputil_flow_stats_request fsr = {
        .out_port = OFPP_ANY, .out_group = OFPG_ANY, .table_id = 255 };
    match_init_catchall(&fsr.match);
    request = ofputil_encode_flow_stats_request(&fsr, protocol);
    ofpmp_init(&replies, request->data);
    ofputil_append_flow_stats_reply(&fs, &replies, NULL);
    minimatch_destroy(&in.match);

    reply = fake_switch_receive(&replies);
    ofpbuf_clear(&ofpacts);
    ck_assert_int_eq(ofputil_decode_flow_stats_reply(&fs, reply, true,
                                                     &ofpacts), 0);
    ck_assert(pc_installed_add_flow(inst, &fs));
    ofpbuf_delete(reply);
    ofpbuf_delete(request);
    ofpbuf_delete(msg);
    ofpbuf_uninit(&ofpacts);
}

static inline void
fake_switch_group(struct pc_installed *inst,
                  const struct ofputil_group_mod *gm, enum ofp_version version)
{
    struct ofpbuf *msg = ofputil_encode_group_mod(version, gm, NULL, -1);
    struct ofpbuf *request = ofputil_encode_group_desc_request(version,
                                                               OFPG_ALL);
    struct ofputil_group_desc gd = { .group_id = gm->group_id };
    struct ovs_list replies;
    struct ofputil_group_mod in;
    struct ofpbuf *reply;

    ck_assert_int_eq(ofputil_decode_group_mod(msg->data, &in), 0);
    gd.type = in.type;
    gd.props = in.props;
    ofpmp_init(&replies, request->data);
    ofputil_append_group_desc_reply(&gd, &in.buckets, &replies);
    ofputil_uninit_group_mod(&in);

    reply = fake_switch_receive(&replies);
    ck_assert_int_eq(ofputil_decode_group_desc_reply(&gd, reply, version), 0);
    ck_assert(pc_installed_add_group(inst, &gd));
    ofputil_uninit_group_desc(&gd);
    ofpbuf_delete(reply);
    ofpbuf_delete(request);
    ofpbuf_delete(msg);
}

static inline void
fake_switch_meter(struct pc_installed *inst,
                  const struct ofputil_meter_mod *mm, enum ofp_version version)
{
    struct ofpbuf *msg = ofputil_encode_meter_mod(version, mm);
    struct ofputil_meter_mod in;
    struct ofpbuf bands;

    ofpbuf_init(&bands, 64);
    ck_assert_int_eq(ofputil_decode_meter_mod(msg->data, &in, &bands), 0);
    ck_assert(pc_installed_add_meter(inst, &in.meter));
    ofpbuf_uninit(&bands);
    ofpbuf_delete(msg);
}

/* Returns the state of an empty switch after 'mods', which must only add. */
static inline struct pc_installed *
fake_switch(const struct ovs_list *mods, enum ofputil_protocol protocol)
{
    enum ofp_version version = ofputil_protocol_to_ofp_version(protocol);
    struct pc_installed *inst = pc_installed_create(protocol);
    const struct pc_mod *mod;

    LIST_FOR_EACH (mod, node, mods) {
        ck_assert(!pc_mod_is_delete(mod));
        switch (mod->type) {
        case PC_MOD_FLOW:
            fake_switch_flow(inst, &mod->fm, protocol);
            break;
        case PC_MOD_GROUP:
            fake_switch_group(inst, &mod->gm, version);
            break;
        case PC_MOD_METER:
            fake_switch_meter(inst, &mod->mm, version);
            break;
        }
    }
    return inst;
}

#endif /* fake-switch.h */
