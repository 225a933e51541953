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

#ifndef PC_EXPLAIN_PRIVATE_H
#define PC_EXPLAIN_PRIVATE_H 1

/* What pc-explain.c (commands, status), pc-explain-flows.c (flows, counters),
 * pc-explain-trace.c (traces) and pc-explain-trace-parse.c (what Open vSwitch
 * says in them) share. */

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "pc-controller-private.h"
#include "pc-explain.h"
#include "pc-layout.h"
#include "sset.h"
#include "svec.h"

struct jsonrpc;
struct unixctl_conn;
struct ofpact;
struct ofputil_group_stats;
struct ofputil_meter_stats;
struct ofputil_table_stats;
struct pc_explain_count;
struct pc_explain_owners;
struct pc_explain_request;

struct pc_explain {
    struct pc_controller *c;
    struct ovs_list requests;   /* Contains "struct pc_explain_request"s. */
    struct hmap sums;           /* Of controller/stats, as last told ... */
    long long int sums_at;      /* ... then, in ms; 0: never. */
};

/* Why a packet goes no further than a flow. */
enum pc_explain_end {
    PC_END_NONE = 0,            /* It does. */
    PC_END_DROP,                /* Nothing is done with it. */
    PC_END_EXPIRED,             /* To the agent: an ICMP error answers it. */
    PC_END_NO_ROUTE             /* The same. */
};

/* A flow as a switch has it. */
struct pc_explain_flow {
    uint8_t table_id;
    uint16_t priority;
    ovs_be64 cookie;
    uint64_t match_meta;        /* Metadata matched on ... */
    uint64_t action_meta;       /* ... and loaded, 0 if none. */
    char *match, *actions;      /* As ovs-ofctl prints them. */
    enum pc_explain_end end;
    uint64_t n_packets, n_bytes;
};

/* A read of one router, for a request. */
struct pc_explain_read {
    struct ovs_list list_node;  /* In struct pc_explain_request's 'reads'. */
    struct pc_explain_request *request;
    struct pc_ctl_router *router;   /* Good until the read is done. */
    char *name;                 /* Of the router. */
    uint8_t base;
    struct pc_explain_flow *flows;
    size_t n_flows, allocated_flows;
    struct pc_explain_count *counts;    /* For stats ... */
    size_t n_counts, allocated_counts;
    struct sset refused;        /* ... and the counters that are not told. */
    struct pc_installed *installed; /* For --diff. */
    struct ds diff;             /* For --diff: the differences. */
    size_t n_diff;
    int error;
    bool done;
};

/* A command that is not answered yet. */
struct pc_explain_request {
    struct ovs_list list_node;  /* In struct pc_explain's 'requests'. */
    struct unixctl_conn *conn;
    bool json;

    /* Returns true when it has answered. */
    bool (*run)(struct pc_explain *, struct pc_explain_request *);

    bool diff;                  /* controller/flows --diff. */
    bool stats;                 /* controller/stats. */
    char *arg;                  /* Service or flow. */
    char *text;                 /* Recompute: the differences. */
    uint64_t n_corrections;     /* Recompute: mods before. */
    long long int deadline;     /* In ms. */
    struct ovs_list reads;      /* Contains "struct pc_explain_read"s. */
    struct jsonrpc *rpc;        /* Trace: to ovs-vswitchd. */
    uint8_t base;               /* Trace: of the router. */
    struct uuid router;         /* Trace. */
    char *router_name;          /* Trace: NULL until it is chosen. */
    int stage;                  /* Trace: 0 the packet itself, then ... */
    bool forward_only;          /* Trace: not the answer. */
    ofp_port_t in_port;         /* Trace: where the packet came in. */
    struct flow end;            /* Trace: ... where its way ends. */
    struct ds answer;           /* Trace: what is known so far ... */
    struct json *json_answer;   /* ... and that as JSON, or NULL. */
};

/* Who owns a flow. */
struct pc_explain_owner {
    const struct pc_ctl_service *service;   /* Or NULL. */
    const struct pc_ctl_vi *vi;             /* Or NULL. */
    const struct pc_ctl_rule *rule;         /* Or NULL. */
    const struct pc_ctl_part *part;         /* Or NULL. */
    char *name;                 /* In words: "rule 04fd7490 (...)". */
};

/* What a trace has come to so far. */
struct pc_explain_trace {
    const struct pc_controller *c;
    struct pc_explain_owners *owners;
    uint8_t base;
    struct svec steps;
    const struct pc_ctl_rule *rule;     /* The last that took the packet. */
    const struct pc_ctl_service *svc;   /* Whose groups it is in. */
    const struct pc_ctl_vi *vi;         /* The last that gets it. */
    bool failover;              /* The next bucket is a fast-failover one. */
    bool skips;                 /* Its id: how many hops are skipped. */
    bool in_group;
    char *next;                 /* Whose path it goes along, ... */
    char *next_where;           /* ... in which table. */

    /* The last table, and the flow that matched there. */
    int last_table;
    bool no_match;
    bool last_ours;
    enum pc_flow_kind last_kind;
    ovs_be64 last_cookie;
    uint16_t last_priority;
    enum pc_explain_end last_end;

    char *verdict;
    char *drop;                 /* The name of the drop, NULL: none. */
    bool unnamed;               /* A drop of ours whose name is not known. */
};

void pc_explain_reply(struct pc_explain_request *, struct json *,
                      const char *text);

/* pc-explain-owner.c. */
struct pc_explain_owners *pc_explain_owners_create(
    const struct pc_controller *);
void pc_explain_owners_destroy(struct pc_explain_owners *);
const struct pc_explain_owner *pc_explain_owner_find(
    const struct pc_explain_owners *, ovs_be64 cookie);
const struct pc_ctl_service *pc_explain_service_by_number(
    const struct pc_controller *, uint16_t number);
const struct pc_ctl_vi *pc_explain_vi_by_number(const struct pc_controller *,
                                                uint16_t number);
char *pc_explain_meta(const struct pc_controller *, uint64_t metadata);

/* pc-explain-drop.c. */
enum pc_explain_end pc_explain_flow_end(ovs_be64 cookie, const struct ofpact *,
                                        size_t ofpacts_len);
char *pc_explain_drop_name(const struct pc_explain_owners *,
                           enum pc_explain_end, int table, uint16_t priority,
                           ovs_be64 cookie);
char *pc_explain_miss_name(const struct pc_explain_owners *, uint8_t base,
                           uint8_t table_id);
char *pc_explain_closed_name(const char *service);
char *pc_explain_meter_name(const struct pc_controller *, uint32_t meter_id);
void pc_explain_evaluate(struct unixctl_conn *, int argc, const char *argv[],
                         void *e);

/* pc-explain-count.c. */
void pc_explain_read_group_stats(const struct ofputil_group_stats *,
                                 void *read);
void pc_explain_read_meter_stats(const struct ofputil_meter_stats *,
                                 void *read);
void pc_explain_read_table_stats(const struct ofputil_table_stats *,
                                 void *read);
void pc_explain_read_refused(const char *what, void *read);
void pc_explain_read_agent(struct pc_explain_read *,
                           const struct pc_ctl_router *);
struct json *pc_explain_drops(const struct pc_controller *,
                              const struct pc_explain_owners *,
                              const struct pc_explain_read *,
                              const struct pc_ctl_service *, struct ds *);

/* pc-explain-overlap.c. */
void pc_explain_overlap(struct unixctl_conn *, int argc, const char *argv[],
                        void *e);

/* pc-explain-stats.c. */
bool pc_explain_stats_run(struct pc_explain *, struct pc_explain_request *);
void pc_explain_sums_destroy(struct hmap *);

/* pc-explain-flows.c. */
bool pc_explain_flows_run(struct pc_explain *, struct pc_explain_request *);
char *pc_explain_start_reads(struct pc_explain *, struct pc_explain_request *);
bool pc_explain_reads_done(const struct pc_explain_request *);
void pc_explain_reads_destroy(struct pc_explain_request *);

/* A packet's TTL if one asks for no other (the default of RFC 1700, which hosts
 * keep): one of 0 would be dropped by the first router. */
#define PC_EXPLAIN_TTL 64

/* pc-explain-trace.c. */
char *pc_explain_trace_start(struct pc_explain *, struct pc_explain_request *);
bool pc_explain_trace_run(struct pc_explain *, struct pc_explain_request *);

/* pc-explain-trace-parse.c. */
void pc_explain_trace_parse(struct pc_explain_trace *, const char *text);

#endif /* pc-explain-private.h */
