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

#ifndef PC_SWITCH_H
#define PC_SWITCH_H 1

/* One OpenFlow switch.
 *
 * A pc_switch keeps an OpenFlow connection to one switch (OpenFlow 1.5 where
 * the switch offers it, 1.4 or 1.3 otherwise), knows the switch's ports, can
 * read what is installed there under our own cookie and in our own group and
 * meter blocks, and applies lists of changes.  It never reads, changes or
 * deletes anything outside those blocks.
 *
 * Lifecycle
 * =========
 *
 * After pc_switch_create() the owner calls pc_switch_run() and
 * pc_switch_wait() from its main loop; nothing here blocks.  Each connection
 * goes through a handshake (features, ports, meter limits, a test whether
 * bundles work) and is then "ready".  pc_switch_epoch() changes with each
 * connection that became ready: the owner then starts a read
 * (pc_switch_read()), compares, and submits the difference.  Everything
 * submitted over an earlier connection and not acknowledged is forgotten.
 *
 * Changes
 * =======
 *
 * pc_switch_submit() takes a list of "struct pc_mod"s and returns a token;
 * pc_switch_submit_part() takes one piece by piece as it is made.
 * Meter additions and changes are sent first; all flow and group mods go as
 * one atomic, ordered bundle, in the order of the list; meter deletions are
 * sent last (Open vSwitch takes no meter mods in a bundle).  Zones of
 * connection tracking (pc_mod's 'flush') are flushed before all of it or, a
 * moment after a barrier has confirmed that the bundle is in force, behind it;
 * then the flows of those zones go (pc-zone.h).  Submissions that are not about
 * zones or meters do not wait for that moment.  A barrier ends it, and its reply
 * makes pc_switch_acked() return the token, once it has returned those before.
 * If the switch
 * refuses a mod the bundle is discarded as a whole, the refused mod is
 * reported by pc_switch_next_error() with its owner, and the rest is
 * submitted again without it, so that one owner's mistake delays but does not
 * block the others.  A switch without bundles, or one that refuses the bundle
 * itself, gets the same mods one by one in the same order, with a barrier at
 * the end.
 *
 * Thread-safety
 * =============
 *
 * None: one thread owns a pc_switch. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"

struct ofputil_flow_stats;
struct ofputil_group_desc;
struct ofputil_group_features;
struct ofputil_group_stats;
struct ofputil_meter_config;
struct ofputil_meter_stats;
struct ofputil_table_stats;
struct pc_mod;
struct pc_switch;
struct sset;

/* A port of the switch, by its name. */
struct pc_switch_port {
    struct hmap_node name_node;     /* In the switch's 'ports_by_name'. */
    struct hmap_node number_node;   /* In the switch's 'ports_by_number'. */
    char name[OFP_MAX_PORT_NAME_LEN];
    ofp_port_t ofport;
    struct eth_addr mac;
    bool link_up;                   /* Neither link down nor admin down. */
};

/* Counters since pc_switch_create(). */
struct pc_switch_counters {
    uint64_t n_connections;     /* Connections that became ready. */
    uint64_t n_flow_mods;       /* Flow mods sent, repeated ones included. */
    uint64_t n_group_mods;      /* Group mods sent. */
    uint64_t n_meter_mods;      /* Meter mods sent. */
    uint64_t n_bundles;         /* Bundles committed. */
    uint64_t n_flushes;         /* Connection tracking zones flushed ... */
    uint64_t n_pending_flushes; /* ... and now to be flushed once more. */
    uint64_t n_submissions;     /* Lists of mods acknowledged. */
    uint64_t n_parts;           /* Added to one that was being sent. */
    uint64_t n_errors;          /* OpenFlow errors received. */
    uint64_t n_packet_ins;      /* Packet-ins queued for the owner. */
    uint64_t n_packet_ins_dropped; /* Packet-ins dropped: queue full. */
    uint64_t n_packet_outs;     /* Packet-outs sent. */
    uint64_t n_reads;           /* Complete reads of the switch. */
    uint64_t last_ack_us;       /* Submit to acknowledgement, last, in us. */
};

/* A mod that the switch refused. */
struct pc_switch_error {
    struct ovs_list list_node;
    struct uuid owner;          /* Owner of the refused mod. */
    enum ofperr error;
    char *what;                 /* The mod in words. */
    struct pc_mod *mod;         /* The mod itself. */
};

/* A packet that the switch sent to us. */
struct pc_packet_in {
    struct ovs_list list_node;
    struct ofputil_packet_in pin;   /* Points into 'msg'. */
    struct ofpbuf *msg;
};

struct pc_switch *pc_switch_create(const char *target, uint16_t controller_id);
void pc_switch_destroy(struct pc_switch *);
void pc_switch_run(struct pc_switch *);
void pc_switch_wait(struct pc_switch *);

/* State of the connection. */
bool pc_switch_is_connected(const struct pc_switch *);
bool pc_switch_is_ready(const struct pc_switch *);
unsigned int pc_switch_epoch(const struct pc_switch *);
uint64_t pc_switch_datapath_id(const struct pc_switch *);
const char *pc_switch_version(const struct pc_switch *);
enum ofputil_protocol pc_switch_protocol(const struct pc_switch *);
bool pc_switch_has_bundles(const struct pc_switch *);
bool pc_switch_has_extensions(const struct pc_switch *);
const struct ofputil_group_features *
    pc_switch_group_features(const struct pc_switch *);
uint32_t pc_switch_max_meters(const struct pc_switch *);
bool pc_switch_has_sampling(const struct pc_switch *);
bool pc_switch_has_nd_answers(const struct pc_switch *);
const char *pc_switch_state(const struct pc_switch *);
bool pc_switch_failed(const struct pc_switch *);
const char *pc_switch_last_error(const struct pc_switch *);
const char *pc_switch_target(const struct pc_switch *);
const struct pc_switch_counters *pc_switch_counters(const struct pc_switch *);

/* Ports. */
const struct pc_switch_port *pc_switch_port_by_name(const struct pc_switch *,
                                                    const char *name);
const struct pc_switch_port *pc_switch_port_by_number(const struct pc_switch *,
                                                      ofp_port_t);
void pc_switch_take_changed_ports(struct pc_switch *, struct sset *names);
const struct ofputil_port_map *pc_switch_port_map(const struct pc_switch *);

/* Reading what is installed. */
struct pc_switch_read_class {
    /* Called for each flow, group or meter of ours.  'group' and 'meter' may
     * be null: then they are not read.  The arguments are good only during
     * the call. */
    void (*flow)(const struct ofputil_flow_stats *, void *aux);
    void (*group)(const struct ofputil_group_desc *, void *aux);
    void (*meter)(const struct ofputil_meter_config *, void *aux);

    /* Called for the counters of each group and meter of ours, and of each table
     * of the switch.  Each may be null: then these are not read.  A count of
     * UINT64_MAX is not known. */
    void (*group_stats)(const struct ofputil_group_stats *, void *aux);
    void (*meter_stats)(const struct ofputil_meter_stats *, void *aux);
    void (*table_stats)(const struct ofputil_table_stats *, void *aux);

    /* Called if the switch refuses to tell the counters of 'what', in words, which
     * is no error.  Null only if no counters are read. */
    void (*refused)(const char *what, void *aux);

    /* Called once at the end, with 0 or a positive errno (ENOTCONN if the
     * connection was lost meanwhile, EPROTO if the switch refused). */
    void (*done)(int error, void *aux);
};
void pc_switch_read(struct pc_switch *, const struct pc_switch_read_class *,
                    void *aux);

/* Counting. */
struct ofputil_port_stats;
struct pc_switch_stats_class {
    /* Called for each port, during the call only; counters that the switch does
     * not have are UINT64_MAX. */
    void (*port)(const struct ofputil_port_stats *, void *aux);

    /* Called once at the end, with 0 or a positive errno. */
    void (*done)(int error, void *aux);
};
void pc_switch_read_port_stats(struct pc_switch *,
                               const struct pc_switch_stats_class *,
                               void *aux);

/* Changing it. */
uint64_t pc_switch_submit(struct pc_switch *, struct ovs_list *mods);
uint64_t pc_switch_submit_part(struct pc_switch *, struct ovs_list *mods,
                               bool last);
uint64_t pc_switch_acked(const struct pc_switch *);
bool pc_switch_is_busy(const struct pc_switch *);
bool pc_switch_is_free(const struct pc_switch *);
struct pc_switch_error *pc_switch_next_error(struct pc_switch *);
void pc_switch_error_destroy(struct pc_switch_error *);

/* Packets. */
struct pc_packet_in *pc_switch_next_packet_in(struct pc_switch *);
void pc_packet_in_destroy(struct pc_packet_in *);
void pc_switch_packet_out(struct pc_switch *,
                          const struct ofputil_packet_out *);

#endif /* pc-switch.h */
