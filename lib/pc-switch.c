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
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/vlog.h"
#include "pc-switch-private.h"
#include "socket-util.h"
#include "stream-ssl.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_switch);

/* Seconds without a message before the connection is probed, and the longest
 * pause between two attempts to connect, in seconds. */
#define PROBE_INTERVAL 5
#define MAX_BACKOFF 8

/* Messages handled in one pc_switch_run(), so that a flood of packet-ins does
 * not keep the owner from its other work. */
#define MAX_MESSAGES_PER_RUN 100

/* Packet-ins kept for the owner, and bytes of packet-outs kept for a switch
 * that does not read. */
#define MAX_PACKET_INS 256
#define MAX_TX_BYTES (4 * 1024 * 1024)

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(30, 60);

static void pc_switch_dispatch(struct pc_switch *, struct ofpbuf **);

/* Returns a new connection to the switch at 'target', an active OpenFlow
 * connection method such as "unix:/run/openvswitch/br0.mgmt",
 * "tcp:192.0.2.1:6653" or "ssl:192.0.2.1:6653".  Packet-ins are asked for
 * under 'controller_id', so that only "controller(id=...)" actions that name
 * it reach us and ours do not reach another controller. */
struct pc_switch *
pc_switch_create(const char *target, uint16_t controller_id)
{
    uint32_t versions = ((1u << OFP13_VERSION) | (1u << OFP14_VERSION)
                         | (1u << OFP15_VERSION));
    struct pc_switch *sw = xzalloc(sizeof *sw);

    sw->rconn = rconn_create(PROBE_INTERVAL, MAX_BACKOFF, DSCP_DEFAULT,
                             versions);
    sw->tx = rconn_packet_counter_create();
    sw->target = xstrdup(target);
    sw->controller_id = controller_id;
    sw->conn_seqno = rconn_get_connection_seqno(sw->rconn);
    hmap_init(&sw->ports_by_name);
    hmap_init(&sw->ports_by_number);
    ofputil_port_map_init(&sw->port_map);
    sset_init(&sw->changed_ports);
    sset_init(&sw->stale_ports);
    ovs_list_init(&sw->submissions);
    ovs_list_init(&sw->zones);
    ovs_list_init(&sw->errors);
    ovs_list_init(&sw->packet_ins);
    ovs_list_init(&sw->readings);
    rconn_connect(sw->rconn, target, target);
    return sw;
}

/* Closes the connection and frees 'sw'.  What is installed stays. */
void
pc_switch_destroy(struct pc_switch *sw)
{
    if (!sw) {
        return;
    }
    pc_switch_submit_reset(sw);
    pc_switch_zones_reset(sw);
    pc_switch_read_reset(sw);
    pc_switch_stats_reset(sw);

    struct pc_switch_error *error;
    while ((error = pc_switch_next_error(sw)) != NULL) {
        pc_switch_error_destroy(error);
    }
    struct pc_packet_in *pin;
    while ((pin = pc_switch_next_packet_in(sw)) != NULL) {
        pc_packet_in_destroy(pin);
    }
    pc_switch_clear_ports(sw);
    hmap_destroy(&sw->ports_by_name);
    hmap_destroy(&sw->ports_by_number);
    ofputil_port_map_destroy(&sw->port_map);
    sset_destroy(&sw->changed_ports);
    sset_destroy(&sw->stale_ports);
    rconn_destroy(sw->rconn);
    rconn_packet_counter_destroy(sw->tx);
    free(sw->target);
    free(sw);
}

/* Sends 'msg', which it takes, and returns its transaction id. */
ovs_be32
pc_switch_send(struct pc_switch *sw, struct ofpbuf *msg)
{
    ovs_be32 xid = ((const struct ofp_header *) msg->data)->xid;

    ofpmsg_update_length(msg);
    rconn_send(sw->rconn, msg, sw->tx);
    return xid;
}

static void
pc_switch_disconnected(struct pc_switch *sw)
{
    sw->phase = PC_SWITCH_DOWN;
    sw->handshake = 0;
    pc_switch_submit_reset(sw);
    pc_switch_zones_reset(sw);
    pc_switch_read_reset(sw);
    pc_switch_stats_reset(sw);
}

static void
pc_switch_connected(struct pc_switch *sw)
{
    struct pc_switch_port *port;

    pc_switch_disconnected(sw);
    sw->version = rconn_get_version(sw->rconn);
    sw->protocol = ofputil_protocol_from_ofp_version(sw->version);
    HMAP_FOR_EACH (port, name_node, &sw->ports_by_name) {
        sset_add(&sw->stale_ports, port->name);
    }
    pc_switch_handshake_start(sw);
}

/* Packets. */

static void
pc_switch_packet_in(struct pc_switch *sw, struct ofpbuf **msgp)
{
    struct pc_packet_in *p;

    if (sw->n_packet_ins >= MAX_PACKET_INS) {
        sw->counters.n_packet_ins_dropped++;
        return;
    }
    p = xzalloc(sizeof *p);
    size_t total_len;
    uint32_t buffer_id;
    enum ofperr error = ofputil_decode_packet_in(
        (*msgp)->data, true, NULL, NULL, &p->pin, &total_len, &buffer_id,
        NULL);
    if (error || p->pin.packet_len != total_len) {
        VLOG_WARN_RL(&rl, "%s: bad packet-in (%s)", sw->target,
                     error ? ofperr_to_string(error) : "truncated packet");
        free(p);
        return;
    }
    p->msg = *msgp;
    *msgp = NULL;
    ovs_list_push_back(&sw->packet_ins, &p->list_node);
    sw->n_packet_ins++;
    sw->counters.n_packet_ins++;
}

/* Returns the oldest packet that the switch sent us and that was not yet
 * returned, NULL if there is none.  The caller owns it. */
struct pc_packet_in *
pc_switch_next_packet_in(struct pc_switch *sw)
{
    if (ovs_list_is_empty(&sw->packet_ins)) {
        return NULL;
    }
    sw->n_packet_ins--;
    return CONTAINER_OF(ovs_list_pop_front(&sw->packet_ins),
                        struct pc_packet_in, list_node);
}

/* Frees 'p'. */
void
pc_packet_in_destroy(struct pc_packet_in *p)
{
    if (p) {
        ofpbuf_delete(p->msg);
        free(p);
    }
}

/* Sends 'po', which stays the caller's.  Without a connection, or when the
 * switch does not read what it is sent, the packet is lost, as packets may
 * be. */
void
pc_switch_packet_out(struct pc_switch *sw, const struct ofputil_packet_out *po)
{
    if (sw->phase == PC_SWITCH_READY
        && rconn_packet_counter_n_bytes(sw->tx) < MAX_TX_BYTES) {
        pc_switch_send(sw, ofputil_encode_packet_out(po, sw->protocol));
        sw->counters.n_packet_outs++;
    }
}

/* Main loop. */

static void
pc_switch_error_reply(struct pc_switch *sw, const struct ofp_header *oh)
{
    enum ofperr error = ofperr_decode_msg(oh, NULL);

    sw->counters.n_errors++;
    if (!pc_switch_handshake_error(sw, oh->xid)
        && !pc_switch_stats_error(sw, oh->xid)
        && !pc_switch_submit_error(sw, oh->xid, error)
        && !pc_switch_read_error(sw, oh->xid, error)) {
        VLOG_INFO_RL(&rl, "%s: OpenFlow error %s", sw->target,
                     ofperr_to_string(error));
    }
}

/* Handles '*msgp'.  Sets '*msgp' to NULL if it keeps the message. */
static void
pc_switch_dispatch(struct pc_switch *sw, struct ofpbuf **msgp)
{
    struct ofpbuf *msg = *msgp;
    const struct ofp_header *oh = msg->data;
    enum ofptype type;

    if (ofptype_decode(&type, oh)) {
        VLOG_INFO_RL(&rl, "%s: unknown OpenFlow message", sw->target);
        return;
    }
    if (pc_switch_handshake_message(sw, type, msg)) {
        return;
    } else if (type == OFPTYPE_ECHO_REQUEST) {
        pc_switch_send(sw, ofputil_encode_echo_reply(oh));
    } else if (type == OFPTYPE_BARRIER_REPLY) {
        pc_switch_submit_barrier(sw, oh->xid);
    } else if (type == OFPTYPE_PORT_STATS_REPLY) {
        pc_switch_stats_reply(sw, msg);
    } else if (type == OFPTYPE_ERROR) {
        pc_switch_error_reply(sw, oh);
    } else if (type == OFPTYPE_PORT_STATUS) {
        pc_switch_port_status(sw, oh);
    } else if (type == OFPTYPE_PACKET_IN) {
        pc_switch_packet_in(sw, msgp);
    } else {
        pc_switch_read_reply(sw, msg);
    }
}

/* Notices that the connection came or went.  Returns true if there is one. */
static bool
pc_switch_check_connection(struct pc_switch *sw)
{
    unsigned int seqno = rconn_get_connection_seqno(sw->rconn);
    bool connected = rconn_is_connected(sw->rconn);

    if (seqno != sw->conn_seqno) {
        sw->conn_seqno = seqno;
        if (connected) {
            pc_switch_connected(sw);
        }
    }
    if (!connected && sw->phase != PC_SWITCH_DOWN) {
        VLOG_INFO("%s: disconnected", sw->target);
        pc_switch_disconnected(sw);
    }
    return connected;
}

/* Connects, receives and sends what can be without blocking. */
void
pc_switch_run(struct pc_switch *sw)
{
    rconn_run(sw->rconn);
    if (!pc_switch_check_connection(sw)) {
        return;
    }
    for (int i = 0; i < MAX_MESSAGES_PER_RUN; i++) {
        struct ofpbuf *msg = rconn_recv(sw->rconn);
        if (!msg) {
            break;
        }
        pc_switch_dispatch(sw, &msg);
        ofpbuf_delete(msg);
    }

    /* Receiving is how the end of a connection is noticed. */
    if (pc_switch_check_connection(sw) && sw->phase == PC_SWITCH_READY) {
        pc_switch_submit_run(sw);
        pc_switch_zones_run(sw);
    }
}

/* Arranges for the poll loop to wake when pc_switch_run() has work to do. */
void
pc_switch_wait(struct pc_switch *sw)
{
    rconn_run_wait(sw->rconn);
    rconn_recv_wait(sw->rconn);
    if (sw->phase == PC_SWITCH_READY) {
        pc_switch_submit_wait(sw);
        pc_switch_zones_wait(sw);
    }
}

/* State. */

/* Is there a connection (perhaps with the handshake still going on)? */
bool
pc_switch_is_connected(const struct pc_switch *sw)
{
    return sw->phase != PC_SWITCH_DOWN;
}

/* Can 'sw' be read and changed now? */
bool
pc_switch_is_ready(const struct pc_switch *sw)
{
    return sw->phase == PC_SWITCH_READY;
}

/* Returns a number that changes with each connection that becomes ready; 0
 * before the first. */
unsigned int
pc_switch_epoch(const struct pc_switch *sw)
{
    return sw->epoch;
}

uint64_t
pc_switch_datapath_id(const struct pc_switch *sw)
{
    return sw->datapath_id;
}

/* Returns the OpenFlow version of the connection, e.g. "1.5". */
const char *
pc_switch_version(const struct pc_switch *sw)
{
    return (sw->version == OFP15_VERSION ? "1.5"
            : sw->version == OFP14_VERSION ? "1.4"
            : sw->version == OFP13_VERSION ? "1.3"
            : "none");
}

/* Returns the protocol of the connection. */
enum ofputil_protocol
pc_switch_protocol(const struct pc_switch *sw)
{
    return sw->protocol;
}

/* Does the switch apply a list of changes atomically? */
bool
pc_switch_has_bundles(const struct pc_switch *sw)
{
    return sw->bundles;
}

/* Does the switch know Open vSwitch's actions ("resubmit" and the like)? */
bool
pc_switch_has_extensions(const struct pc_switch *sw)
{
    return sw->extensions;
}

/* Returns the number of meters that the switch can have, 0 if it has none. */
uint32_t
pc_switch_max_meters(const struct pc_switch *sw)
{
    return sw->max_meters;
}

/* Can the switch output a random sample of packets (the action "sample" with
 * "output", which comes with a patch of ours)? */
bool
pc_switch_has_sampling(const struct pc_switch *sw)
{
    return sw->sampling;
}

/* Can flows turn a neighbor solicitation into its answer?  On a switch without
 * bundles, where that cannot be tried, this says yes. */
bool
pc_switch_has_nd_answers(const struct pc_switch *sw)
{
    return sw->nd_answers;
}

/* Returns the state of the connection in words. */
const char *
pc_switch_state(const struct pc_switch *sw)
{
    return (sw->phase == PC_SWITCH_READY ? "ready"
            : sw->phase == PC_SWITCH_DOWN ? rconn_get_state(sw->rconn)
            : "handshake");
}

/* Has the last attempt to connect failed? */
bool
pc_switch_failed(const struct pc_switch *sw)
{
    return sw->phase == PC_SWITCH_DOWN && rconn_get_last_error(sw->rconn);
}

/* Returns why the last attempt to connect failed. */
const char *
pc_switch_last_error(const struct pc_switch *sw)
{
    int error = rconn_get_last_error(sw->rconn);

    if (!strncmp(sw->target, "ssl:", 4)) {
        if (!stream_ssl_is_configured()) {
            return "the agent has no private key, certificate and CA "
                   "certificate (its options, or the SSL row)";
        } else if (error == EPROTO || error == ENOPROTOOPT) {
            return "no TLS session (does each side trust the CA of the "
                   "other's certificate?)";
        }
    }
    return ovs_retval_to_string(error);
}

/* Returns what groups the switch can have; NULL if it did not say. */
const struct ofputil_group_features *
pc_switch_group_features(const struct pc_switch *sw)
{
    return sw->has_group_features ? &sw->group_features : NULL;
}

const char *
pc_switch_target(const struct pc_switch *sw)
{
    return sw->target;
}

const struct pc_switch_counters *
pc_switch_counters(const struct pc_switch *sw)
{
    return &sw->counters;
}
