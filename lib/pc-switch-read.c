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
#include "openvswitch/ofp-table.h"
#include "openvswitch/vlog.h"
#include "byte-order.h"
#include "pc-layout.h"
#include "pc-switch-private.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_switch_read);

/* Reading a switch: flows under our cookie, groups and meters of our blocks, and
 * counters.  Each part of a multipart reply is handled as it comes. */

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

static void
pc_switch_ask(struct pc_switch *sw, struct pc_switch_reading *r,
              enum pc_read_part part, struct ofpbuf *request)
{
    r->xids[part] = pc_switch_send(sw, request);
    r->pending |= 1u << part;
}

/* Asks for the counters that 'r' is to have. */
static void
pc_switch_ask_stats(struct pc_switch *sw, struct pc_switch_reading *r)
{
    if (r->class->group_stats) {
        pc_switch_ask(sw, r, PC_READ_GROUP_STATS,
                      ofputil_encode_group_stats_request(sw->version,
                                                         OFPG_ALL));
    }
    if (r->class->meter_stats && sw->max_meters) {
        pc_switch_ask(sw, r, PC_READ_METER_STATS,
                      ofputil_encode_meter_request(
                          sw->version, OFPUTIL_METER_STATS, OFPM13_ALL));
    }
    if (r->class->table_stats) {
        pc_switch_ask(sw, r, PC_READ_TABLE_STATS,
                      ofpraw_alloc(OFPRAW_OFPST_TABLE_REQUEST, sw->version,
                                   0));
    }
}

/* Asks for all flows, groups and meters of ours, and for counters, and gives them
 * to 'class' as they arrive; at last calls class->done(), never before this
 * function has returned.  Several reads may go on at the same time. */
void
pc_switch_read(struct pc_switch *sw, const struct pc_switch_read_class *class,
               void *aux)
{
    struct pc_switch_reading *r = xzalloc(sizeof *r);

    r->class = class;
    r->aux = aux;
    ovs_list_push_back(&sw->readings, &r->list_node);
    if (class->flow) {
        r->xids[PC_READ_FLOWS] = pc_switch_request_flows(sw);
        r->pending |= 1u << PC_READ_FLOWS;
    }
    if (class->group) {
        pc_switch_ask(sw, r, PC_READ_GROUPS,
                      ofputil_encode_group_desc_request(sw->version,
                                                        OFPG_ALL));
    }
    if (class->meter && sw->max_meters) {
        pc_switch_ask(sw, r, PC_READ_METERS,
                      ofputil_encode_meter_request(
                          sw->version, OFPUTIL_METER_CONFIG, OFPM13_ALL));
    }
    pc_switch_ask_stats(sw, r);
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
                       enum pc_read_part *partp)
{
    struct pc_switch_reading *r;

    LIST_FOR_EACH (r, list_node, &sw->readings) {
        for (int part = 0; part < PC_N_READS; part++) {
            if (r->pending & (1u << part) && r->xids[part] == xid) {
                *partp = part;
                return r;
            }
        }
    }
    return NULL;
}

/* Takes note that 'part' of 'r' has ended. */
static void
pc_switch_part_done(struct pc_switch *sw, struct pc_switch_reading *r,
                    enum pc_read_part part)
{
    r->pending &= ~(1u << part);
    if (!r->pending) {
        pc_switch_reading_finish(sw, r);
    }
}

/* Each of the following takes one part of a reply and returns 0 or, if it is
 * malformed, EPROTO. */

static int
pc_switch_read_flows(struct pc_switch_reading *r, struct ofpbuf *msg,
                     enum ofp_version version OVS_UNUSED)
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
pc_switch_read_meters(struct pc_switch_reading *r, struct ofpbuf *msg,
                      enum ofp_version version OVS_UNUSED)
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

static int
pc_switch_read_group_stats(struct pc_switch_reading *r, struct ofpbuf *msg,
                           enum ofp_version version OVS_UNUSED)
{
    struct ofputil_group_stats gs;
    int retval;

    while (!(retval = ofputil_decode_group_stats_reply(msg, &gs))) {
        if (pc_group_is_ours(gs.group_id)) {
            r->class->group_stats(&gs, r->aux);
        }
        free(gs.bucket_stats);
    }
    return retval == EOF ? 0 : EPROTO;
}

static int
pc_switch_read_meter_stats(struct pc_switch_reading *r, struct ofpbuf *msg,
                           enum ofp_version version OVS_UNUSED)
{
    uint64_t stub[256 / 8];
    struct ofpbuf bands = OFPBUF_STUB_INITIALIZER(stub);
    struct ofputil_meter_stats ms;
    int retval;

    while (!(retval = ofputil_decode_meter_stats(msg, &ms, &bands))) {
        if (pc_meter_is_ours(ms.meter_id)) {
            r->class->meter_stats(&ms, r->aux);
        }
    }
    ofpbuf_uninit(&bands);
    return retval == EOF ? 0 : EPROTO;
}

static int
pc_switch_read_table_stats(struct pc_switch_reading *r, struct ofpbuf *msg,
                           enum ofp_version version OVS_UNUSED)
{
    struct ofputil_table_features features;
    struct ofputil_table_stats ts;
    int retval;

    while (!(retval = ofputil_decode_table_stats_reply(msg, &ts,
                                                       &features))) {
        r->class->table_stats(&ts, r->aux);
    }
    return retval == EOF ? 0 : EPROTO;
}

/* What answers each part of a read, and takes the answer. */
static const struct {
    enum ofptype type;
    int (*take)(struct pc_switch_reading *, struct ofpbuf *,
                enum ofp_version);
    const char *what;
} parts[PC_N_READS] = {
    [PC_READ_FLOWS] = {
        OFPTYPE_FLOW_STATS_REPLY, pc_switch_read_flows, "flows" },
    [PC_READ_GROUPS] = {
        OFPTYPE_GROUP_DESC_STATS_REPLY, pc_switch_read_groups, "groups" },
    [PC_READ_METERS] = {
        OFPTYPE_METER_CONFIG_STATS_REPLY, pc_switch_read_meters, "meters" },
    [PC_READ_GROUP_STATS] = {
        OFPTYPE_GROUP_STATS_REPLY, pc_switch_read_group_stats, "groups" },
    [PC_READ_METER_STATS] = {
        OFPTYPE_METER_STATS_REPLY, pc_switch_read_meter_stats, "meters" },
    [PC_READ_TABLE_STATS] = {
        OFPTYPE_TABLE_STATS_REPLY, pc_switch_read_table_stats, "tables" },
};

/* Takes note of 'error' in answer to message 'xid'.  Returns false if that
 * message is not part of a read. */
bool
pc_switch_read_error(struct pc_switch *sw, ovs_be32 xid, enum ofperr error)
{
    enum pc_read_part part;
    struct pc_switch_reading *r = pc_switch_find_reading(sw, xid, &part);

    if (!r) {
        return false;
    }
    if (part >= PC_READ_GROUP_STATS) {
        VLOG_INFO_RL(&rl, "%s: no counters of %s: %s", sw->target,
                     parts[part].what, ofperr_to_string(error));
        r->class->refused(parts[part].what, r->aux);
    } else {
        VLOG_WARN_RL(&rl, "%s: cannot read: %s", sw->target,
                     ofperr_to_string(error));
        r->error = EPROTO;
    }
    pc_switch_part_done(sw, r, part);
    return true;
}

/* Handles 'msg', which is not one that another module handles. */
void
pc_switch_read_reply(struct pc_switch *sw, struct ofpbuf *msg)
{
    const struct ofp_header *oh = msg->data;
    enum ofp_version version = oh->version;
    enum pc_read_part part;
    struct pc_switch_reading *r = pc_switch_find_reading(sw, oh->xid, &part);
    enum ofptype type;

    if (!r || ofptype_decode(&type, oh) || type != parts[part].type) {
        return;
    }
    bool more = ofpmp_more(oh);
    int error = parts[part].take(r, msg, version);
    if (error) {
        r->error = error;
    }
    if (!more) {
        pc_switch_part_done(sw, r, part);
    }
}
