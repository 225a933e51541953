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

#include <netinet/icmp6.h>

#include "byte-order.h"
#include "openflow/openflow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "pc-switch-private.h"
#include "util.h"

/* What flows the switch takes: tried in a bundle that is never committed. */

/* Adds a flow with 'match' and 'ofpacts' to the open bundle 'bundle_id'.
 * Returns the transaction id that an error would have. */
static ovs_be32
pc_switch_probe_flow(struct pc_switch *sw, uint32_t bundle_id,
                     const struct match *match, const struct ofpbuf *ofpacts)
{
    struct ofputil_flow_mod fm = {
        .command = OFPFC_ADD,
        .new_cookie = htonll(PC_COOKIE_OURS),
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .table_id = PC_TABLE_HOOK,
        .ofpacts = ofpacts->data,
        .ofpacts_len = ofpacts->size,
    };

    minimatch_init(&fm.match, match);

    struct ofpbuf *msg = ofputil_encode_flow_mod(&fm, sw->protocol);
    ofpmsg_update_length(msg);
    struct ofputil_bundle_add_msg bam = {
        .bundle_id = bundle_id,
        .flags = OFPBF_ATOMIC | OFPBF_ORDERED,
        .msg = msg->data,
    };
    ovs_be32 xid = pc_switch_send(
        sw, ofputil_encode_bundle_add(sw->version, &bam));

    ofpbuf_delete(msg);
    minimatch_destroy(&fm.match);
    return xid;
}

/* A switch without our patch does not know the action. */
static void
pc_switch_probe_sampling(struct pc_switch *sw, uint32_t bundle_id)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);

    pc_ofpact_put_sample(&ofpacts, OFPP_LOCAL, 1);
    sw->sampling = true;        /* Unless an error says otherwise. */
    sw->sample_xid = pc_switch_probe_flow(sw, bundle_id, &match, &ofpacts);
    ofpbuf_uninit(&ofpacts);
}

/* The kernel's datapath cannot set these fields: Open vSwitch refuses flows that
 * do. */
static void
pc_switch_probe_nd(struct pc_switch *sw, uint32_t bundle_id)
{
    const union mf_value type = { .u8 = ND_OPT_TARGET_LINKADDR };
    struct match match = MATCH_CATCHALL_INITIALIZER;
    uint64_t stub[64 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);

    match_set_dl_type(&match, htons(ETH_TYPE_IPV6));
    match_set_nw_proto(&match, IPPROTO_ICMPV6);
    match_set_icmp_type(&match, ND_NEIGHBOR_SOLICIT);
    match_set_icmp_code(&match, 0);
    ofpact_put_set_field(&ofpacts, mf_from_id(MFF_ND_OPTIONS_TYPE), &type,
                         NULL);
    sw->nd_answers = true;      /* Unless an error says otherwise. */
    sw->nd_xid = pc_switch_probe_flow(sw, bundle_id, &match, &ofpacts);
    ofpbuf_uninit(&ofpacts);
}

/* Tries flows in the open bundle 'bundle_id', which the caller discards next.
 * Every answer to that has come when the barrier's has. */
void
pc_switch_probe_flows(struct pc_switch *sw, uint32_t bundle_id)
{
    pc_switch_probe_sampling(sw, bundle_id);
    pc_switch_probe_nd(sw, bundle_id);
    sw->flows_barrier_xid = pc_switch_send(
        sw, ofputil_encode_barrier_request(sw->version));
}
