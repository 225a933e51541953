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

#ifndef PC_SWITCH_PRIVATE_H
#define PC_SWITCH_PRIVATE_H 1

/* What pc-switch.c (connection, packets), pc-switch-handshake.c,
 * pc-switch-ports.c, pc-switch-queue.c (whose turn it is), pc-switch-submit.c
 * (changes), pc-switch-zone.c (flushes), pc-switch-read.c (reading),
 * pc-switch-probe.c (what flows it takes) and pc-switch-stats.c (counters of
 * ports) share.  Nobody else includes this. */

#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/rconn.h"
#include "openvswitch/shash.h"
#include "pc-mod.h"
#include "pc-switch.h"
#include "sset.h"

enum pc_switch_phase {
    PC_SWITCH_DOWN,             /* No connection. */
    PC_SWITCH_FEATURES,         /* Waiting for the features reply. */
    PC_SWITCH_PORTS,            /* ... for ports, meters and bundle test. */
    PC_SWITCH_READY             /* Can be read and changed. */
};

/* Where the submission at the head of the queue is. */
enum pc_submit_stage {
    PC_SUBMIT_NEW,              /* Nothing sent. */
    PC_SUBMIT_ADDING,           /* Bundle open, messages being added. */
    PC_SUBMIT_CHECKING,         /* Barrier sent: were all accepted? */
    PC_SUBMIT_COMMITTING,       /* Commit and barrier sent. */
    PC_SUBMIT_SETTLING,         /* Waiting until the zones can be flushed. */
    PC_SUBMIT_FINISHING         /* Flushes, late mods and barrier sent. */
};

struct pc_submission {
    struct ovs_list list_node;  /* In struct pc_switch's 'submissions'. */
    uint64_t token;
    long long int started_us;   /* time_usec() of pc_switch_submit(). */
    struct ovs_list mods;       /* Contains "struct pc_mod"s. */
    enum pc_submit_stage stage;
    bool bundled;               /* As a bundle, or mod by mod? */
    bool early_sent;            /* What precedes the bundle is out. */
    bool open;                  /* There is more to come. */
    struct pc_mod *next;        /* Next mod to send, in stage ADDING. */
    uint32_t bundle_id;
    long long int settled;      /* When that is, in ms. */
    ovs_be32 open_xid, commit_xid, barrier_xid;
    struct pc_mod *answered;    /* Sent mod that was refused last, or NULL. */
    enum ofperr bundle_error;   /* Error of the bundle itself, or 0. */
    size_t n_refused;           /* Mods refused in this round. */
};

/* Parts of a read; from PC_READ_GROUP_STATS on they are counters, without which a
 * switch may do. */
enum pc_read_part {
    PC_READ_FLOWS,
    PC_READ_GROUPS,
    PC_READ_METERS,
    PC_READ_GROUP_STATS,
    PC_READ_METER_STATS,
    PC_READ_TABLE_STATS,
    PC_N_READS
};

/* Of all our bundles. */
#define PC_BUNDLE_FLAGS (OFPBF_ATOMIC | OFPBF_ORDERED)

/* One read of the switch. */
struct pc_switch_reading {
    struct ovs_list list_node;  /* In struct pc_switch's 'readings'. */
    const struct pc_switch_read_class *class;
    void *aux;
    ovs_be32 xids[PC_N_READS];
    unsigned int pending;       /* Bit mask of 1 << enum pc_read_part. */
    int error;
};

struct pc_switch {
    /* Connection. */
    struct rconn *rconn;
    struct rconn_packet_counter *tx;   /* Bytes queued for sending. */
    char *target;
    uint16_t controller_id;
    unsigned int conn_seqno;    /* rconn_get_connection_seqno() seen last. */
    enum pc_switch_phase phase;
    unsigned int epoch;
    enum ofp_version version;
    enum ofputil_protocol protocol;
    uint64_t datapath_id;
    uint32_t max_meters;        /* 0: no meters. */
    bool bundles;
    bool extensions;            /* Knows Open vSwitch's actions. */
    bool has_group_features;
    struct ofputil_group_features group_features;
    bool sampling;              /* The "sample" action takes "output". */
    bool nd_answers;            /* Flows can make neighbor advertisements. */
    ovs_be32 sample_xid, nd_xid, flows_barrier_xid;
    unsigned int handshake;     /* Bit mask of replies still missing. */
    ovs_be32 features_xid, ports_xid, meters_xid, bundle_xid, groups_xid;
    ovs_be32 extensions_xid, handshake_xid;

    /* Ports. */
    struct hmap ports_by_name;
    struct hmap ports_by_number;
    struct ofputil_port_map port_map;
    struct sset changed_ports;
    struct sset stale_ports;    /* Names not yet seen in this connection. */

    /* Changes. */
    struct ovs_list submissions;
    uint64_t last_token, acked;
    uint64_t done;              /* Highest token done; greater than 'acked' if
                                 * it has overtaken others. */
    uint32_t last_bundle_id;
    struct ovs_list errors;     /* Contains "struct pc_switch_error"s. */
    size_t n_errors;

    struct ovs_list zones;      /* Contains "struct pc_switch_zone"s. */

    /* Reading. */
    struct ovs_list readings;   /* Contains "struct pc_switch_reading"s. */

    /* Counting: one at a time. */
    const struct pc_switch_stats_class *stats_class; /* NULL: none. */
    void *stats_aux;
    ovs_be32 stats_xid;

    /* Packets. */
    struct ovs_list packet_ins;
    size_t n_packet_ins;

    struct pc_switch_counters counters;
};

ovs_be32 pc_switch_send(struct pc_switch *, struct ofpbuf *);

/* pc-switch-handshake.c. */
void pc_switch_handshake_start(struct pc_switch *);
bool pc_switch_handshake_message(struct pc_switch *, enum ofptype,
                                 struct ofpbuf *);
bool pc_switch_handshake_error(struct pc_switch *, ovs_be32 xid);

/* pc-switch-ports.c. */
void pc_switch_clear_ports(struct pc_switch *);
void pc_switch_port_status(struct pc_switch *, const struct ofp_header *);
bool pc_switch_ports_reply(struct pc_switch *, struct ofpbuf *);

/* pc-switch-queue.c. */
struct pc_submission *pc_switch_submission(const struct pc_switch *);
void pc_switch_submit_finished(struct pc_switch *, struct pc_submission *);
void pc_switch_submit_reset(struct pc_switch *);

/* pc-switch-submit.c. */
ovs_be32 pc_switch_send_bundled(struct pc_switch *, uint32_t bundle_id,
                                struct ofpbuf *msg);
void pc_switch_submit_run(struct pc_switch *);
void pc_switch_submit_append(struct pc_switch *, struct pc_submission *,
                             struct ovs_list *mods);
void pc_switch_submit_wait(struct pc_switch *);
bool pc_switch_submit_error(struct pc_switch *, ovs_be32 xid, enum ofperr);
void pc_switch_submit_barrier(struct pc_switch *, ovs_be32 xid);

/* pc-switch-zone.c. */
void pc_switch_flush_zones(struct pc_switch *, struct ovs_list *mods,
                           enum pc_flush);
void pc_switch_zones_used(struct pc_switch *, const struct ovs_list *mods);
void pc_switch_zones_run(struct pc_switch *);
void pc_switch_zones_wait(const struct pc_switch *);
void pc_switch_zones_reset(struct pc_switch *);
bool pc_switch_flush_error(struct pc_switch *, const struct ovs_list *mods,
                           ovs_be32 xid, enum ofperr);

/* pc-switch-read.c. */
void pc_switch_read_reset(struct pc_switch *);
bool pc_switch_read_error(struct pc_switch *, ovs_be32 xid, enum ofperr);
void pc_switch_read_reply(struct pc_switch *, struct ofpbuf *);

/* pc-switch-probe.c. */
void pc_switch_probe_flows(struct pc_switch *, uint32_t bundle_id);

/* pc-switch-stats.c. */
void pc_switch_stats_reset(struct pc_switch *);
bool pc_switch_stats_error(struct pc_switch *, ovs_be32 xid);
bool pc_switch_stats_reply(struct pc_switch *, struct ofpbuf *);

#endif /* pc-switch-private.h */
