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

    ovs_be32 xid = pc_switch_send_bundled(
        sw, bundle_id, ofputil_encode_flow_mod(&fm, sw->protocol));

    minimatch_destroy(&fm.match);
    return xid;
}

/* Tries flows in the open bundle 'bundle_id', which the caller discards next: one
 * that samples, an action that Open vSwitch has by a patch of ours, and one that
 * makes neighbor advertisements, whose fields the kernel's datapath cannot set.  The
 * switch can unless an error says otherwise, and every one has come when the
 * barrier's answer has. */
void
pc_switch_probe_flows(struct pc_switch *sw, uint32_t bundle_id)
{
    const union mf_value type = { .u8 = ND_OPT_TARGET_LINKADDR };
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 64);
    pc_ofpact_put_sample(&ofpacts, OFPP_LOCAL, 1);
    sw->sample_xid = pc_switch_probe_flow(sw, bundle_id, &match, &ofpacts);

    ofpbuf_clear(&ofpacts);
    match_set_dl_type(&match, htons(ETH_TYPE_IPV6));
    match_set_nw_proto(&match, IPPROTO_ICMPV6);
    match_set_icmp_type(&match, ND_NEIGHBOR_SOLICIT);
    match_set_icmp_code(&match, 0);
    ofpact_put_set_field(&ofpacts, mf_from_id(MFF_ND_OPTIONS_TYPE), &type,
                         NULL);
    sw->nd_xid = pc_switch_probe_flow(sw, bundle_id, &match, &ofpacts);
    ofpbuf_uninit(&ofpacts);

    sw->sampling = sw->nd_answers = true;
    sw->flows_barrier_xid = pc_switch_send(
        sw, ofputil_encode_barrier_request(sw->version));
}
