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

#include <errno.h>

#include "openflow/openflow.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/vlog.h"
#include "byte-order.h"
#include "pc-layout.h"
#include "pc-switch-private.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_switch_read);

/* Reading a switch: flows under our cookie, groups and meters of our blocks.
 * Each part of a multipart reply is handled as it comes. */

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(30, 60);

static ovs_be32
pc_switch_request_flows(struct pc_switch *sw)
{
    struct ofputil_flow_stats_request fsr = {
        .cookie = htonll(PC_COOKIE_OURS),
        .cookie_mask = htonll(PC_COOKIE_MASK),
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .table_id = OFPTT_ALL,
    };
    match_init_catchall(&fsr.match);
    return pc_switch_send(
        sw, ofputil_encode_flow_stats_request(&fsr, sw->protocol));
}

/* Asks for all flows, groups and meters of ours, and gives them to 'class' as
 * they arrive; at last calls class->done(), never before this function has
 * returned.  Several reads may go on at the same time. */
void
pc_switch_read(struct pc_switch *sw, const struct pc_switch_read_class *class,
               void *aux)
{
    struct pc_switch_reading *r = xzalloc(sizeof *r);

    r->class = class;
    r->aux = aux;
    ovs_list_push_back(&sw->readings, &r->list_node);
    if (class->flow) {
        r->flow_xid = pc_switch_request_flows(sw);
        r->pending |= PC_READ_FLOWS;
    }
    if (class->group) {
        r->group_xid = pc_switch_send(
            sw, ofputil_encode_group_desc_request(sw->version, OFPG_ALL));
        r->pending |= PC_READ_GROUPS;
    }
    if (class->meter && sw->max_meters) {
        r->meter_xid = pc_switch_send(
            sw, ofputil_encode_meter_request(
                sw->version, OFPUTIL_METER_CONFIG, OFPM13_ALL));
        r->pending |= PC_READ_METERS;
    }
}

static void
pc_switch_reading_finish(struct pc_switch *sw, struct pc_switch_reading *r)
{
    ovs_list_remove(&r->list_node);
    if (!r->error) {
        sw->counters.n_reads++;
    }
    r->class->done(r->error, r->aux);
    free(r);
}

/* Ends all reads: the connection is gone. */
void
pc_switch_read_reset(struct pc_switch *sw)
{
    while (!ovs_list_is_empty(&sw->readings)) {
        struct pc_switch_reading *r = CONTAINER_OF(
            ovs_list_front(&sw->readings), struct pc_switch_reading,
            list_node);
        r->error = ENOTCONN;
        pc_switch_reading_finish(sw, r);
    }
}

/* Finds the read that 'xid' belongs to and which part of it, in '*partp'. */
static struct pc_switch_reading *
pc_switch_find_reading(struct pc_switch *sw, ovs_be32 xid,
                       unsigned int *partp)
{
    struct pc_switch_reading *r;

    LIST_FOR_EACH (r, list_node, &sw->readings) {
        *partp = (r->pending
                  & ((xid == r->flow_xid ? PC_READ_FLOWS : 0)
                     | (xid == r->group_xid ? PC_READ_GROUPS : 0)
                     | (xid == r->meter_xid ? PC_READ_METERS : 0)));
        if (*partp) {
            return r;
        }
    }
    return NULL;
}

/* Takes note of 'error' in answer to message 'xid'.  Returns false if that
 * message is not part of a read. */
bool
pc_switch_read_error(struct pc_switch *sw, ovs_be32 xid, enum ofperr error)
{
    unsigned int part;
    struct pc_switch_reading *r = pc_switch_find_reading(sw, xid, &part);

    if (!r) {
        return false;
    }
    VLOG_WARN_RL(&rl, "%s: cannot read: %s", sw->target,
                 ofperr_to_string(error));
    r->error = EPROTO;
    r->pending &= ~part;
    if (!r->pending) {
        pc_switch_reading_finish(sw, r);
    }
    return true;
}

/* Each of the following takes one part of a reply and returns 0 or, if it is
 * malformed, EPROTO. */

static int
pc_switch_read_flows(struct pc_switch_reading *r, struct ofpbuf *msg)
{
    uint64_t stub[1024 / 8];
    struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(stub);
    struct ofputil_flow_stats fs;
    int retval;

    while (!(retval = ofputil_decode_flow_stats_reply(&fs, msg, true,
                                                      &ofpacts))) {
        if (pc_cookie_is_ours(fs.cookie)) {
            r->class->flow(&fs, r->aux);
        }
    }
    ofpbuf_uninit(&ofpacts);
    return retval == EOF ? 0 : EPROTO;
}

static int
pc_switch_read_groups(struct pc_switch_reading *r, struct ofpbuf *msg,
                      enum ofp_version version)
{
    struct ofputil_group_desc gd;
    int retval;

    while (!(retval = ofputil_decode_group_desc_reply(&gd, msg, version))) {
        if (pc_group_is_ours(gd.group_id)) {
            r->class->group(&gd, r->aux);
        }
        ofputil_uninit_group_desc(&gd);
    }
    return retval == EOF ? 0 : EPROTO;
}

static int
pc_switch_read_meters(struct pc_switch_reading *r, struct ofpbuf *msg)
{
    uint64_t stub[256 / 8];
    struct ofpbuf bands = OFPBUF_STUB_INITIALIZER(stub);
    struct ofputil_meter_config mc;
    int retval;

    while (!(retval = ofputil_decode_meter_config(msg, &mc, &bands))) {
        if (pc_meter_is_ours(mc.meter_id)) {
            r->class->meter(&mc, r->aux);
        }
    }
    ofpbuf_uninit(&bands);
    return retval == EOF ? 0 : EPROTO;
}

/* Handles 'msg', which is not one that another module handles. */
void
pc_switch_read_reply(struct pc_switch *sw, struct ofpbuf *msg)
{
    const struct ofp_header *oh = msg->data;
    enum ofp_version version = oh->version;
    unsigned int part;
    struct pc_switch_reading *r = pc_switch_find_reading(sw, oh->xid, &part);
    enum ofptype type;

    if (!r || ofptype_decode(&type, oh)) {
        return;
    }
    bool more;
    int error;
    if (type == OFPTYPE_FLOW_STATS_REPLY && part == PC_READ_FLOWS) {
        more = ofpmp_more(oh);
        error = pc_switch_read_flows(r, msg);
    } else if (type == OFPTYPE_GROUP_DESC_STATS_REPLY
               && part == PC_READ_GROUPS) {
        more = ofpmp_more(oh);
        error = pc_switch_read_groups(r, msg, version);
    } else if (type == OFPTYPE_METER_CONFIG_STATS_REPLY
               && part == PC_READ_METERS) {
        more = ofpmp_more(oh);
        error = pc_switch_read_meters(r, msg);
    } else {
        return;
    }
    if (error) {
        r->error = error;
    }
    if (!more) {
        r->pending &= ~part;
        if (!r->pending) {
            pc_switch_reading_finish(sw, r);
        }
    }
}
