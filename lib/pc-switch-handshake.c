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
#include "pc-switch.h"

#include "openflow/nicira-ext.h"
#include "openflow/openflow.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/vlog.h"
#include "pc-switch-private.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_switch_handshake);

/* The beginning of a connection: what the switch is, which ports it has and
 * what it is able to do. */

/* Bundle id of the handshake's test whether the switch knows bundles. */
#define PROBE_BUNDLE_ID UINT32_MAX

/* Replies that the handshake waits for, in 'handshake'. */
enum {
    HS_PORTS = 1 << 0,
    HS_METERS = 1 << 1,
    HS_GROUPS = 1 << 2,
    HS_BUNDLE = 1 << 3,
    HS_BARRIER = 1 << 4,
    HS_FLOWS = 1 << 5           /* Begins when the bundle is open. */
};

/* Asks who the switch is. */
void
pc_switch_handshake_start(struct pc_switch *sw)
{
    sw->phase = PC_SWITCH_FEATURES;
    sw->features_xid = pc_switch_send(
        sw, ofpraw_alloc(OFPRAW_OFPT_FEATURES_REQUEST, sw->version, 0));
}

/* Asks for asynchronous messages, in the richest form: whole packets, with
 * the metadata and userdata of NXT_PACKET_IN2, under our controller id. */
static void
pc_switch_configure(struct pc_switch *sw)
{
    struct ofputil_switch_config config = {
        .frag = OFPUTIL_FRAG_NORMAL,
        .invalid_ttl_to_controller = -1,
        .miss_send_len = UINT16_MAX,
    };
    pc_switch_send(sw, ofputil_encode_set_config(&config, sw->version));
    pc_switch_send(sw, ofputil_encode_set_packet_in_format(
                       sw->version, OFPUTIL_PACKET_IN_NXT2));

    struct ofpbuf *msg = ofpraw_alloc(OFPRAW_NXT_SET_CONTROLLER_ID,
                                      sw->version, 0);
    struct nx_controller_id *nci = ofpbuf_put_zeros(msg, sizeof *nci);
    nci->controller_id = htons(sw->controller_id);
    pc_switch_send(sw, msg);
}

/* Asks whether the switch knows Open vSwitch's actions: a packet-out with one
 * that does nothing. */
static void
pc_switch_probe_extensions(struct pc_switch *sw)
{
    static const uint8_t frame[60] = { 0 };
    uint64_t stub[8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct ofpact_note *note = ofpact_put_NOTE(&ofpacts);
    struct ofputil_packet_out po = {
        .packet = frame,
        .packet_len = sizeof frame,
        .buffer_id = UINT32_MAX,
    };

    ofpact_finish_NOTE(&ofpacts, &note);
    match_init_catchall(&po.flow_metadata);
    match_set_in_port(&po.flow_metadata, OFPP_CONTROLLER);
    po.ofpacts = ofpacts.data;
    po.ofpacts_len = ofpacts.size;
    sw->extensions_xid = pc_switch_send(
        sw, ofputil_encode_packet_out(&po, sw->protocol));
    ofpbuf_uninit(&ofpacts);
}

/* Asks what the switch is able to do.  Whatever has not been answered when the
 * barrier is, it cannot do. */
static void
pc_switch_probe(struct pc_switch *sw)
{
    struct ofputil_bundle_ctrl_msg bc = {
        .bundle_id = PROBE_BUNDLE_ID,
        .type = OFPBCT_OPEN_REQUEST,
        .flags = PC_BUNDLE_FLAGS,
    };

    sw->handshake = (HS_PORTS | HS_METERS | HS_GROUPS | HS_BUNDLE
                     | HS_BARRIER);
    sw->phase = PC_SWITCH_PORTS;
    sw->meters_xid = pc_switch_send(
        sw, ofputil_encode_meter_request(sw->version, OFPUTIL_METER_FEATURES,
                                         0));
    sw->groups_xid = pc_switch_send(
        sw, ofputil_encode_group_features_request(sw->version));
    sw->bundle_xid = pc_switch_send(
        sw, ofputil_encode_bundle_ctrl_request(sw->version, &bc));
    pc_switch_probe_extensions(sw);
    sw->ports_xid = pc_switch_send(
        sw, ofputil_encode_port_desc_stats_request(sw->version, OFPP_ANY));
    sw->handshake_xid = pc_switch_send(
        sw, ofputil_encode_barrier_request(sw->version));
}

static void
pc_switch_features_reply(struct pc_switch *sw, struct ofpbuf *msg)
{
    struct ofputil_switch_features features;
    enum ofperr error = ofputil_pull_switch_features(msg, &features);

    if (error || sw->phase != PC_SWITCH_FEATURES) {
        return;
    }
    sw->datapath_id = features.datapath_id;
    sw->bundles = sw->sampling = false;
    sw->nd_answers = true;
    sw->max_meters = 0;
    sw->has_group_features = false;
    sw->extensions = true;
    pc_switch_configure(sw);
    pc_switch_probe(sw);
}

static void
pc_switch_handshake_done(struct pc_switch *sw, unsigned int step)
{
    sw->handshake &= ~step;
    if (sw->phase != PC_SWITCH_PORTS || sw->handshake) {
        return;
    }
    sw->phase = PC_SWITCH_READY;
    sw->epoch++;
    sw->counters.n_connections++;
    VLOG_INFO("%s: connected, OpenFlow %s, datapath %016"PRIx64
              ", %"PRIuSIZE" ports, %s, %"PRIu32" meters%s",
              sw->target, pc_switch_version(sw), sw->datapath_id,
              hmap_count(&sw->ports_by_name),
              sw->bundles ? "bundles" : "no bundles (changes are not atomic)",
              sw->max_meters, sw->extensions ? "" : ", not an Open vSwitch");
}

static void
pc_switch_bundle_probe_reply(struct pc_switch *sw)
{
    struct ofputil_bundle_ctrl_msg bc = {
        .bundle_id = PROBE_BUNDLE_ID,
        .type = OFPBCT_DISCARD_REQUEST,
        .flags = PC_BUNDLE_FLAGS,
    };
    sw->bundles = true;
    sw->handshake |= HS_FLOWS;
    pc_switch_probe_flows(sw, PROBE_BUNDLE_ID);
    pc_switch_send(sw, ofputil_encode_bundle_ctrl_request(sw->version, &bc));
    pc_switch_handshake_done(sw, HS_BUNDLE);
}

static void
pc_switch_meter_features(struct pc_switch *sw, const struct ofp_header *oh)
{
    struct ofputil_meter_features mf;

    if (sw->phase == PC_SWITCH_PORTS && oh->xid == sw->meters_xid) {
        ofputil_decode_meter_features(oh, &mf);
        sw->max_meters = mf.max_meters;
        pc_switch_handshake_done(sw, HS_METERS);
    }
}

static void
pc_switch_groups_reply(struct pc_switch *sw, const struct ofp_header *oh)
{
    if (sw->phase == PC_SWITCH_PORTS && oh->xid == sw->groups_xid) {
        ofputil_decode_group_features_reply(oh, &sw->group_features);
        sw->has_group_features = true;
        pc_switch_handshake_done(sw, HS_GROUPS);
    }
}

/* Handles 'msg', of that type, if it belongs to the handshake. */
bool
pc_switch_handshake_message(struct pc_switch *sw, enum ofptype type,
                            struct ofpbuf *msg)
{
    const struct ofp_header *oh = msg->data;

    if (type == OFPTYPE_FEATURES_REPLY) {
        pc_switch_features_reply(sw, msg);
    } else if (type == OFPTYPE_PORT_DESC_STATS_REPLY) {
        if (pc_switch_ports_reply(sw, msg)) {
            pc_switch_handshake_done(sw, HS_PORTS);
        }
    } else if (type == OFPTYPE_METER_FEATURES_STATS_REPLY) {
        pc_switch_meter_features(sw, oh);
    } else if (type == OFPTYPE_GROUP_FEATURES_STATS_REPLY) {
        pc_switch_groups_reply(sw, oh);
    } else if (type == OFPTYPE_BUNDLE_CONTROL) {
        if (sw->phase == PC_SWITCH_PORTS && oh->xid == sw->bundle_xid) {
            pc_switch_bundle_probe_reply(sw);
        }
    } else if (type == OFPTYPE_BARRIER_REPLY && sw->phase == PC_SWITCH_PORTS
               && oh->xid == sw->handshake_xid) {
        pc_switch_handshake_done(sw, (HS_METERS | HS_GROUPS | HS_BUNDLE
                                      | HS_BARRIER));
    } else if (type == OFPTYPE_BARRIER_REPLY && sw->phase == PC_SWITCH_PORTS
               && oh->xid == sw->flows_barrier_xid) {
        pc_switch_handshake_done(sw, HS_FLOWS);
    } else {
        return false;
    }
    return true;
}

/* Handles an error in answer to message 'xid' if that belongs to the
 * handshake. */
bool
pc_switch_handshake_error(struct pc_switch *sw, ovs_be32 xid)
{
    if (sw->phase != PC_SWITCH_PORTS) {
        return false;
    } else if (xid == sw->bundle_xid) {
        pc_switch_handshake_done(sw, HS_BUNDLE);
    } else if (xid == sw->meters_xid) {
        pc_switch_handshake_done(sw, HS_METERS);
    } else if (xid == sw->groups_xid) {
        pc_switch_handshake_done(sw, HS_GROUPS);
    } else if (xid == sw->extensions_xid) {
        sw->extensions = false;
    } else if (xid == sw->sample_xid) {
        sw->sampling = false;   /* The barrier's answer follows. */
    } else if (xid == sw->nd_xid) {
        sw->nd_answers = false;
    } else {
        return false;
    }
    return true;
}
