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

#ifndef PC_CONTROLLER_PRIVATE_H
#define PC_CONTROLLER_PRIVATE_H 1

/* What the parts of the controller and pc-explain share:
 *
 *   pc-controller.c        main loop, lock
 *   pc-controller-track.c  changes in the database
 *   pc-controller-model.c  rows -> values: services and rules
 *   pc-controller-vi.c     rows -> values: VIs
 *   pc-controller-chain.c  chains, and the places of services in them
 *   pc-controller-after.c  rules for what leaves a service or a chain
 *   pc-controller-compile.c values -> desired flows
 *   pc-controller-inspect.c where copies of VIs' packets go
 *   pc-controller-count.c  how many copies there may be
 *   pc-controller-l3.c     interfaces, routes, VIs' addresses, packets
 *   pc-controller-place.c  VI rows, numbers
 *   pc-controller-reserve.c reservations: what they hold, confirmed or refused
 *   pc-controller-tenure.c their VIs: begin, changes and end
 *   pc-controller-drain.c  VIs that drain
 *   pc-controller-move.c   VIs that move to another node
 *   pc-controller-address.c addresses of VIs
 *   pc-controller-overlap.c which rule comes first
 *   pc-controller-returns.c rules whose packets a service mixes up
 *   pc-controller-status.c errors and status written back
 *   pc-controller-report.c which nodes live; what the cloudlet has
 *   pc-controller-hold.c   what is held on its nodes
 *   pc-controller-probe.c  what a router's switch can do, and what not
 *   pc-controller-zone.c   flushing of connection tracking
 *   pc-controller-sync.c   routers: read, compared; acknowledgement
 *   pc-controller-submit.c desired flows -> switch; what it refuses
 *
 * A change goes through in that order: a tracked row marks objects dirty, the
 * dirty ones are compiled, what changed in the tables is submitted, and the
 * barrier's answer moves the router's mark. */

#include "hindex.h"
#include "hmapx.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "openvswitch/uuid.h"
#include "pc-controller.h"
#include "pc-model.h"
#include "pc-switch.h"
#include "sset.h"
#include "lib/pc-idl.h"

/* Limits: numbers of services, chains and VIs are below these. */
#define PC_CTL_SERVICES 32768
#define PC_CTL_CHAINS 32768
#define PC_CTL_VIS 65536
#define PC_CTL_MAX_REPLICAS 1024

/* For how long a VI drains at most, in s, unless its row or its service's
 * says otherwise. */
#define PC_CTL_DRAIN_TIMEOUT 300

/* Our connection's id in "controller" actions: that of our cookies, so that no
 * other controller's packets come to us, nor ours to it. */
#define PC_CTL_CONTROLLER_ID 0x9c1d

struct pc_ctl_drain;
struct pc_ctl_placing;
struct pc_ctl_report;
struct pc_ctl_returns;
struct pc_flow_table;
struct pc_installed;
struct pc_l3;

/* A state of the database and what was compiled from it. */
struct pc_ctl_mark {
    int64_t cfg;                /* PacketCloud.next_cfg, -1 if none. */
    int64_t node_cfg;           /* Least Node.cur_cfg of the cloudlet. */
    uint64_t generation;        /* struct pc_controller's. */
};

/* Whose counters, and who asks. */
struct pc_ctl_count {
    struct pc_controller *c;
    struct pc_ctl_router *r;
};

/* A router of the cloudlet. */
struct pc_ctl_router {
    struct hmap_node hmap_node; /* In 'routers', by UUID; not if leaving. */
    struct ovs_list list_node;  /* In 'leaving_routers'. */
    struct uuid uuid;
    char *name;
    char *target;               /* OpenFlow connection method. */
    uint8_t base;               /* Router.table_base. */

    struct pc_switch *sw;
    struct pc_flow_table *table;    /* What is desired. */
    struct pc_l3 *l3;
    struct hmap parts;          /* Contains "struct pc_ctl_part"s. */
    bool prepared;              /* 'l3' exists: the switch has been seen. */
    bool common;                /* Has the table pc_compile_common()'s? */
    bool meters;                /* Has the switch room for our meters? */
    bool selection;             /* Can groups be told how to select? */
    bool unfit;                 /* Nothing of ours works on that switch. */
    size_t n_bulk;              /* Read or submitted at once, until acked. */
    bool held;                  /* Not all is compiled: submit nothing, ... */
    bool growing;               /* ... but parts of what is under way. */
    char *missing;              /* What the switch cannot do; NULL: nothing. */
    bool sampling;              /* Can the switch sample? */
    bool nd_answers;            /* Can flows answer neighbor solicitations? */
    bool counting;              /* Its counters have been asked for. */
    struct pc_ctl_count count;

    /* Synchronization. */
    unsigned int epoch;         /* pc_switch_epoch() that was read. */
    struct pc_installed *installed; /* While reading. */
    bool reading;
    long long int resync_started;   /* time_usec(); 0: is over. */
    uint64_t resync_us;         /* The last one, until acknowledged. */
    long long int read_after;   /* Do not read again before, in ms. */
    bool synced;                /* The switch has what is desired, or ... */
    uint64_t token;             /* ... will have, with this token. */
    struct pc_ctl_mark submitted, done;
    long long int leaving_until;    /* Leaving: give up then, in ms. */

    /* Bitmaps of numbers of services, see pc-controller-zone.c. */
    unsigned long *new_zones;   /* To be flushed before their first use. */
    unsigned long *kept_zones;  /* Leaving: not to be flushed; NULL: none. */
    char *error;                /* For Router.error; never NULL. */
};

/* An interface or a route of a router. */
struct pc_ctl_part {
    struct hmap_node hmap_node; /* In struct pc_ctl_router's 'parts'. */
    struct hmap_node by_uuid;   /* In struct pc_controller's 'parts'. */
    struct uuid uuid;
    struct pc_ctl_router *router;
    bool is_route;
    bool has_port;              /* Interface: is it at a port? */
    char *port;                 /* Interface: that port's name or NULL. */
    struct eth_addr mac;        /* Interface. */
    char *error;                /* From pc_l3; NULL: none. */
};

struct pc_ctl_service {
    struct hmap_node hmap_node; /* In struct pc_controller's 'services'. */
    struct hmap_node name_node; /* In 'service_names', by name. */
    struct pc_service s;
    struct ovs_list vis;        /* Contains "struct pc_ctl_vi"s. */
    struct ovs_list rules;      /* Contains "struct pc_ctl_rule"s. */
    bool asks;                  /* pc_service_asks(), as rules know it. */
    size_t n_afters;            /* Places on paths that are after others. */
    struct pc_ctl_returns *returns; /* NULL if 'n_afters' is 0. */
    uint16_t placing_number;    /* Number that is being written, or 0. */
    char *place_error;          /* Why it cannot be placed; NULL: it can. */
    char *switch_error;         /* What the switch refused; NULL: nothing. */
};

/* A chain, or the path of a rule that is after another path. */
struct pc_ctl_chain {
    struct hmap_node hmap_node; /* In struct pc_controller's 'chains'. */
    struct hmap_node name_node; /* In 'chain_names', by name; unless: */
    struct pc_ctl_after *after; /* NULL: a chain. */
    char *name;
    struct pc_path path;        /* No hops: not in use. */
    struct ovs_list rules;      /* Contains "struct pc_ctl_rule"s. */
    uint16_t number;            /* Of the row. */
    uint16_t placing_number;    /* Number that is being written, or 0. */
    char *error;                /* Why it is not in use; NULL: nothing. */
    char *switch_error;         /* What the switch refused; NULL: nothing. */
};

/* The path of a rule that is after another path: its services are those of the
 * rule's target, in a path of their own. */
struct pc_ctl_after {
    struct pc_ctl_chain chain;
    struct pc_ctl_rule *rule;
    struct pc_ctl_order *order; /* What it is after; never NULL. */
    struct ovs_list order_node; /* In that one's 'afters'. */
    struct uuid target;         /* Of the rule's service or chain. */
    struct hindex_node target_node; /* In 'after_targets', by 'target'. */
    struct pc_path alone;       /* The path that it is after, if a service. */
    uint16_t known_number;      /* That path's, as the flows know it. */
};

/* The rules that are after the service or chain 'name': they meet each other
 * only.  There is none without rules. */
struct pc_ctl_order {
    char *name;                 /* In struct pc_controller's 'orders'. */
    struct ovs_list afters;     /* Contains "struct pc_ctl_after"s. */
    struct pc_overlap *overlap; /* Their levels. */
};

struct pc_ctl_vi {
    struct hmap_node hmap_node; /* In struct pc_controller's 'vis'. */
    struct ovs_list svc_node;   /* In struct pc_ctl_service's 'vis'. */
    struct ovs_list leave_node; /* In struct pc_controller's 'leaving_vis'. */
    struct pc_vi vi;            /* Ports as of the last router compiled. */
    struct pc_ctl_service *svc; /* NULL: none, and it must leave. */
    char *port[2];              /* Names of the ports or NULL. */
    bool row_ready, row_up, row_drain; /* As the row says. */
    bool over;                  /* Its time is: it gets nothing new, and leaves
                                 * when what it has got has come out. */
    int node_ready;             /* As the node role in this process says: newer
                                 * than the row.  -1: it has said nothing. */
    uint64_t network_bps;       /* Wanted; vi.network_bps: possible. */
    struct uuid home;           /* Node that the row says has its files. */
    bool down;                  /* To be stopped, as soon as ... */
    uint64_t down_generation;   /* ... the switches have confirmed this, ... */
    long long int release_at;   /* ... and this time, in ms, has come. */
    uint64_t packets;           /* Of its ports, while they are counted. */
    bool reserved;              /* For a time: not one of the replicas. */
    bool leaving;               /* No flows; the row goes when that is sure. */
    uint64_t leave_generation;
    long long int close_until;  /* See pc-controller-used.c; 0: not yet. */

    /* Draining (in struct pc_controller's 'draining'). */
    bool scale_down;            /* It leaves when it is drained. */
    long long int drain_until;  /* In s since the epoch, as its row says; */
    long long int drain_limit;  /* if that does not. */
    uint64_t drain_generation;  /* From which on it gets nothing new. */
    long long int drain_confirmed;  /* The switch has that; in ms. */
    int n_connections;          /* That it has; -1: not known. */
    int counting;               /* So far in this round; -1: not counted. */
    bool drain_reported;
};

/* A row of Inspection: copies of the packets of some VIs. */
struct pc_ctl_inspection {
    struct hmap_node hmap_node; /* In struct pc_controller's 'inspections'. */
    struct uuid uuid;
    struct hmapx vis;           /* Contains "struct pc_ctl_vi"s. */
    uint16_t sample;            /* One in so many. */
    uint64_t max_rate;          /* Packets/s; 0: no ceiling. */
    uint16_t probability;       /* In force, see struct pc_copy. */
    bool sampled;               /* Is that so on the switch? */
    char *missing;              /* Why there are no copies; NULL: there are. */
    uint64_t packets;           /* Of the VIs' ports, at the last count, ... */
    long long int counted;      /* ... at that time in ms; 0: never. */
};

struct pc_ctl_rule {
    struct hmap_node hmap_node; /* In struct pc_controller's 'rules'. */
    struct ovs_list owner_node; /* In the service's or chain's 'rules'. */
    struct uuid uuid;
    struct pc_ctl_service *svc; /* Its target is at most one of these. */
    struct pc_ctl_chain *chain;
    struct pc_ctl_after *after; /* Its target is this path; NULL: another. */
    struct pc_overlap *order;   /* Where it has its level. */
    struct ovs_list dirty_node; /* In 'dirty_rules' if 'dirty'. */
    bool dirty;
    enum pc_rule_direction direction;   /* These two from its row. */
    uint16_t priority;
    bool by_port;               /* Its match names a port. */
    bool conflict;              /* An earlier rule has its flows. */
    bool refused;               /* By the switch, as it is in the row. */
    char *error;                /* For Rule.error; NULL: none. */

    /* Order; see pc-overlap.h.  For Rule.status. */
    uint16_t level;             /* PC_OVERLAP_NEW: none yet. */
    bool crowded;
    struct uuid other;          /* The earlier rule that it overlaps. */
    struct hindex_node other_node; /* In 'overlapping' if 'overlaps'. */
    char *overlaps;             /* In words; NULL: nothing. */
    char *shadowed;

    /* What its services return; see pc-controller-returns.c. */
    struct ovs_list returned;   /* Contains "struct pc_ctl_returned"s. */
    bool routed;                /* As there. */
    char *ambiguous;            /* In words, for Rule.status; NULL: nothing. */
    struct uuid ambiguous_other;    /* With which rule. */
    struct hindex_node ambiguous_node; /* In 'ambiguous' if 'ambiguous'. */
};

/* Counters for controller/counters. */
struct pc_ctl_counters {
    uint64_t n_runs;            /* Runs that had something to compile. */
    uint64_t n_compiled;        /* Objects compiled. */
    uint64_t compile_us;        /* Time spent compiling, in us. */
    uint64_t last_compiled;     /* Objects in the last such run. */
    uint64_t last_work_us;      /* Changes, compiling and submitting, in us. */
    uint64_t max_work_us;
    uint64_t max_run_us;        /* Longest pc_controller_run() of all. */
    uint64_t last_recompute_us; /* Compiling all in the last recompute. */
    uint64_t n_resyncs;         /* Reads followed by a comparison. */
    uint64_t last_resync_mods;  /* Mods that the last comparison gave. */
    uint64_t n_corrections;     /* Sum of those. */
    uint64_t n_recomputes;
    uint64_t n_afters;          /* Times that a rule that is after something
                                 * was looked at. */
};

struct pc_controller {
    struct ovsdb_idl *idl;
    struct pc_lock *lock;       /* NULL: none is needed. */
    char *want_cloudlet;        /* Name asked for, NULL: the only one. */
    struct uuid cloudlet;       /* Zero: none. */
    char *cloudlet_name;
    bool loaded;                /* All rows are in the maps below. */
    bool reread;                /* They are to be read again: pc-reread.h. */

    struct hmap routers, services, chains, vis, rules, parts;
    struct hmap service_names, chain_names; /* By name.  For a moment two may
                                             * have one: a new one, and one
                                             * that is about to go. */
    struct hmap inspections;    /* Contains "struct pc_ctl_inspection"s. */
    long long int count_at;     /* Next look at the ports' counters, in ms. */
    long long int release_at;   /* Next look at VIs to be stopped; 0: none. */
    struct shash ports;         /* Port name -> struct pc_ctl_vi *. */
    struct ovs_list leaving_routers, leaving_vis;
    unsigned long *service_numbers; /* Bitmaps of numbers in use. */
    unsigned long *chain_numbers;
    unsigned long *vi_numbers;
    unsigned long *placing_numbers; /* VI numbers in the transaction. */
    bool placing;                   /* Are there any? */
    bool name_nodes;            /* May VI.node_name differ from VI.node? */

    /* To do. */
    struct hmapx dirty_services, dirty_vis; /* To compile. */
    struct ovs_list dirty_rules;    /* Contains "struct pc_ctl_rule"s by
                                     * 'dirty_node'. */
    size_t n_dirty_rules;
    struct hmapx dirty_chains;
    struct hmapx dirty_parts;   /* Interfaces and routes to compile. */
    struct hmapx stale_chains;  /* Whose hops are to be looked at. */
    struct hmapx idle_chains;   /* Without hops, as when a service is missing;
                                 * those that have a row. */
    bool services_changed;      /* So chains that wait for one may go on. */
    struct hmapx stale_afters;  /* "struct pc_ctl_after"s to be looked at. */
    struct hmapx to_place;      /* Services to look at. */
    struct hmapx draining;      /* VIs with admin_state "drain". */
    struct pc_ctl_drain *drain;
    struct hmapx moving;        /* VIs that are on their way to a node. */
    struct pc_ctl_report *report;
    struct hmapx to_number;     /* Chains without a number. */
    struct hmapx bad_rules;     /* Rules with 'error' to write to the db. */
    struct hmapx bad_services, bad_chains, bad_parts;
    struct hmapx conflicts;     /* Rules in conflict. */
    bool recheck;               /* Something left a table. */
    struct hmapx port_rules;    /* Rules that name a port. */

    struct hmap booked;         /* Contains "struct pc_ctl_booked"s. */
    struct hmap reservations;   /* Contains "struct pc_ctl_reservation"s. */
    struct hmapx dirty_reservations;
    char *fault;                /* For tests: pc_controller_set_fault(). */
    int64_t expire_at;          /* When the next VI ends, in s since the epoch. */
    bool expire_changed;        /* VIs or reservations have changed. */

    struct pc_overlap *overlap; /* Rules with a level, but for ... */
    struct shash orders;        /* ... those in "struct pc_ctl_order"s, ... */
    struct hindex after_targets;    /* ... "struct pc_ctl_after"s by where
                                     * their rules lead. */
    struct hindex overlapping;  /* Rules with 'overlaps', by 'other': many
                                 * have the same. */
    struct hindex ambiguous;    /* The same for 'ambiguous'. */
    struct hmapx stale;         /* Rules for which these are outdated. */
    struct hmapx to_return;     /* Rules for pc_ctl_returns_update(). */
    struct ovs_list old_returns;    /* "struct pc_ctl_returns"s to free. */

    uint64_t generation;        /* Raised by each change of a table. */
    int64_t hold_cfg;           /* Acknowledge nothing below this. */
    bool hold_pending;          /* 'hold_cfg' is the next snapshot's. */
    bool status_dirty;          /* Router status to be looked at. */
    bool compiling;             /* Not all that is dirty is compiled yet. */
    bool placed;                /* Have all dirty rules got a level ... */
    unsigned int placed_seqno;  /* ... as of this state of the database? */
    struct pc_ctl_placing *placing_rules;   /* Those that are getting one. */

    struct pc_ctl_counters counters;
    struct pc_explain *explain;
    struct pc_events *events;   /* The agent's; NULL: none are recorded. */
    bool trim_events;           /* There are new ones. */
};

/* pc-controller-track.c. */
void pc_ctl_load(struct pc_controller *, const struct pcrec_cloudlet *);
void pc_ctl_track(struct pc_controller *, const struct pcrec_cloudlet *);

/* pc-controller-model.c. */
struct pc_ctl_service *pc_ctl_service_find(const struct pc_controller *,
                                           const struct uuid *);
struct pc_ctl_service *pc_ctl_service_by_name(const struct pc_controller *,
                                              const char *name);
struct pc_ctl_rule *pc_ctl_rule_find(const struct pc_controller *,
                                     const struct uuid *);
void pc_ctl_service_update(struct pc_controller *,
                           const struct pcrec_service *);
void pc_ctl_service_remove(struct pc_controller *, struct pc_ctl_service *);
void pc_ctl_rule_update(struct pc_controller *, const struct pcrec_rule *);
void pc_ctl_rule_remove(struct pc_controller *, struct pc_ctl_rule *);
void pc_ctl_rule_set_target(struct pc_controller *, struct pc_ctl_rule *,
                            struct pc_ctl_service *, struct pc_ctl_chain *);

/* pc-controller-vi.c. */
struct pc_ctl_vi *pc_ctl_vi_find(const struct pc_controller *,
                                 const struct uuid *);
void pc_ctl_vi_update(struct pc_controller *, const struct pcrec_vi *);
void pc_ctl_vi_remove(struct pc_controller *, struct pc_ctl_vi *);
void pc_ctl_vi_leave(struct pc_controller *, struct pc_ctl_vi *);

/* pc-controller-chain.c. */
struct pc_ctl_chain *pc_ctl_chain_find(const struct pc_controller *,
                                       const struct uuid *);
struct pc_ctl_chain *pc_ctl_chain_by_name(const struct pc_controller *,
                                          const char *name);
void pc_ctl_chain_update(struct pc_controller *, const struct pcrec_chain *);
void pc_ctl_chain_remove(struct pc_controller *, struct pc_ctl_chain *);
void pc_ctl_chains_settle(struct pc_controller *);
void pc_ctl_service_moved(struct pc_controller *, struct pc_ctl_service *);
void pc_ctl_service_leave_chains(struct pc_controller *,
                                 struct pc_ctl_service *);
void pc_ctl_service_dirty_chains(struct pc_controller *,
                                 const struct pc_ctl_service *);

void pc_ctl_chain_set_hops(struct pc_controller *, struct pc_ctl_chain *,
                           const struct pc_service *const hops[], size_t n);
void pc_ctl_chain_set_error(struct pc_controller *, struct pc_ctl_chain *,
                            char *error);
void pc_ctl_chain_set_number(struct pc_controller *, struct pc_ctl_chain *,
                             uint16_t number);

/* pc-controller-after.c. */
struct pc_ctl_order *pc_ctl_order_find(const struct pc_controller *,
                                       const char *name);
bool pc_ctl_after_update(struct pc_controller *, struct pc_ctl_rule *,
                         const struct pcrec_rule *);
void pc_ctl_after_remove(struct pc_controller *, struct pc_ctl_rule *);
void pc_ctl_afters_touch(struct pc_controller *, const char *name,
                         const struct uuid *);
void pc_ctl_afters_settle(struct pc_controller *);
char *pc_ctl_after_check(const struct pc_rule *) OVS_WARN_UNUSED_RESULT;

/* pc-controller-compile.c. */
void pc_ctl_disown(struct pc_controller *, const struct uuid *owner);
void pc_ctl_compile_run(struct pc_controller *);
void pc_ctl_compile_all(struct pc_controller *);
void pc_ctl_ports_changed(struct pc_controller *, struct pc_ctl_router *);
void pc_ctl_rule_set_error(struct pc_controller *, struct pc_ctl_rule *,
                           char *error);
void pc_ctl_mark_all_dirty(struct pc_controller *);
void pc_ctl_rule_mark_dirty(struct pc_controller *, struct pc_ctl_rule *);
void pc_ctl_rule_unmark_dirty(struct pc_controller *, struct pc_ctl_rule *);

/* pc-controller-overlap.c. */
uint32_t pc_ctl_overlap_target(const struct uuid *target);
bool pc_ctl_overlap_place(struct pc_controller *, long long int deadline);
void pc_ctl_overlap_forget(struct pc_controller *);
void pc_ctl_overlap_remove(struct pc_controller *, struct pc_ctl_rule *);
void pc_ctl_overlap_run(struct pc_controller *);
void pc_ctl_overlap_wait(const struct pc_controller *);
char *pc_ctl_overlap_who(const struct pc_controller *, const struct uuid *);
bool pc_ctl_overlap_write(const struct pc_ctl_rule *,
                          const struct pcrec_rule *);

/* pc-controller-returns.c. */
void pc_ctl_returns_follow(struct pc_controller *, struct pc_ctl_service *);
void pc_ctl_returns_clean(struct pc_controller *, int max);
bool pc_ctl_returns_run(struct pc_controller *, long long int deadline);
void pc_ctl_returns_update(struct pc_controller *, struct pc_ctl_rule *);
void pc_ctl_returns_remove(struct pc_controller *, struct pc_ctl_rule *);
void pc_ctl_returns_refresh(struct pc_controller *, struct pc_ctl_rule *);
char *pc_ctl_returns_ask(const struct pc_controller *, const struct pc_rule *,
                         const struct pc_overlap *order);
char *pc_ctl_returns_text(const struct pc_controller *,
                          const struct pc_ctl_rule *, struct uuid *other);

/* pc-controller-inspect.c. */
void pc_ctl_inspect_load(struct pc_controller *);
void pc_ctl_inspect_track(struct pc_controller *);
void pc_ctl_inspect_unload(struct pc_controller *);
void pc_ctl_inspect_vi_leaves(struct pc_controller *, struct pc_ctl_vi *);
void pc_ctl_inspect_ports_changed(struct pc_controller *,
                                  const struct sset *names);
void pc_ctl_inspect_service_changed(struct pc_controller *,
                                    const struct pc_ctl_service *);
void pc_ctl_vi_set_copies(struct pc_controller *, const struct pc_ctl_router *,
                          struct pc_ctl_vi *);
void pc_ctl_write_inspections(struct pc_controller *);

/* pc-controller-count.c. */
void pc_ctl_count_run(struct pc_controller *);
void pc_ctl_count_wait(const struct pc_controller *);

/* pc-controller-l3.c. */
struct pc_l3 *pc_ctl_l3_create(const struct pc_ctl_router *,
                               struct pc_flow_table *);
void pc_ctl_router_update_parts(struct pc_controller *,
                                struct pc_ctl_router *,
                                const struct pcrec_router *);
void pc_ctl_part_changed(struct pc_controller *, const struct uuid *);
void pc_ctl_part_remove(struct pc_controller *, struct pc_ctl_part *);
void pc_ctl_part_compile(struct pc_controller *, struct pc_ctl_part *);
void pc_ctl_vi_neighbors(struct pc_controller *, struct pc_ctl_router *,
                         struct pc_ctl_vi *);
bool pc_ctl_gateway_mac(const struct pc_controller *,
                        const struct pc_ctl_router *,
                        const struct pc_ctl_vi *, struct eth_addr *);
void pc_ctl_l3_run(struct pc_controller *, struct pc_ctl_router *);
void pc_ctl_l3_wait(const struct pc_ctl_router *);

/* pc-controller-place.c. */
void pc_ctl_place_run(struct pc_controller *, struct ovsdb_idl_txn *);
void pc_ctl_delete_run(struct pc_controller *, struct ovsdb_idl_txn *);
bool pc_ctl_place_is_idle(const struct pc_controller *);
void pc_ctl_place_error(struct pc_controller *, struct pc_ctl_service *,
                        char *error);

bool pc_ctl_place_reserved(struct pc_controller *, struct pc_ctl_service *,
                           const struct pcrec_reservation *,
                           struct ovsdb_idl_txn *);

/* pc-controller-tenure.c. */
/* What a look at a reservation comes to. */
struct pc_ctl_todo {
    bool wrote;                 /* Something. */
    bool vis;                   /* That is about VIs. */
    bool again;                 /* Something is missing still. */
};

bool pc_ctl_reservation_is_current(const struct pcrec_reservation *);
struct pc_ctl_vi *pc_ctl_reservation_vi(const struct pc_controller *,
                                        const struct pcrec_reservation *);
void pc_ctl_reservation_run_vi(struct pc_controller *,
                               const struct pcrec_reservation *,
                               struct ovsdb_idl_txn *, struct pc_ctl_todo *);
void pc_ctl_reserve_expire(struct pc_controller *);
void pc_ctl_reserve_wait(const struct pc_controller *);

/* pc-controller-reserve.c. */
void pc_ctl_reserve_load(struct pc_controller *);
void pc_ctl_reserve_track(struct pc_controller *);
void pc_ctl_reserve_unload(struct pc_controller *);
bool pc_ctl_reserve_run(struct pc_controller *, struct ovsdb_idl_txn *);
bool pc_ctl_vi_is_released(struct pc_controller *, struct pc_ctl_vi *);
void pc_ctl_vi_set_over(struct pc_controller *, struct pc_ctl_vi *);
void pc_ctl_reserve_vi_lost(struct pc_controller *);

/* pc-controller-used.c. */
bool pc_ctl_used_close(struct pc_ctl_vi *, const struct pcrec_vi *);
void pc_ctl_used_wait(const struct pc_controller *);

/* pc-controller-move.c. */
bool pc_ctl_move_is_stopping(const struct pcrec_vi *);
void pc_ctl_move_update(struct pc_controller *, struct pc_ctl_vi *,
                        const struct pcrec_vi *);
void pc_ctl_move_run(struct pc_controller *);

/* The move of 'vi', of reservation 'row', to the reservation's 'proposed_node'. */
enum pc_ctl_move {
    PC_CTL_MOVE_WAITS,
    PC_CTL_MOVE_WRITTEN,        /* The same, and something was written. */
    PC_CTL_MOVE_ENDED           /* It is there, or why not. */
};
bool pc_ctl_move_is_begun(const struct pc_controller *,
                          const struct pc_ctl_vi *,
                          const struct pcrec_reservation *);
enum pc_ctl_move pc_ctl_move_begin(struct pc_controller *,
                                   const struct pc_ctl_vi *,
                                   const struct pcrec_reservation *,
                                   char **error);
enum pc_ctl_move pc_ctl_move_watch(struct pc_controller *,
                                   const struct pc_ctl_vi *,
                                   const struct pcrec_reservation *,
                                   char **error);

/* pc-controller-drain.c. */
struct pc_ctl_drain *pc_ctl_drain_create(void);
void pc_ctl_drain_destroy(struct pc_ctl_drain *);
void pc_ctl_drain_update(struct pc_controller *, struct pc_ctl_vi *,
                         const struct pcrec_vi *);
bool pc_ctl_drain_is_idle(const struct pc_controller *);
void pc_ctl_drain_run(struct pc_controller *);
void pc_ctl_drain_finish(struct pc_controller *);
bool pc_ctl_vi_is_retired(const struct pc_controller *,
                          const struct pc_ctl_vi *);
bool pc_ctl_retire_vi(struct pc_controller *, struct pc_ctl_vi *,
                      const struct pcrec_service *);
void pc_ctl_take_back_vi(const struct pc_controller *,
                         const struct pc_ctl_vi *);
void pc_ctl_drain_wait(struct pc_controller *);

/* pc-controller-address.c. */
struct pc_ctl_addresses {
    struct sset addresses;      /* "ADDRESS/PLEN". */
    struct sset gateways;       /* "ADDRESS". */
};
char *pc_ctl_allocate(struct pc_controller *, const struct pc_ctl_service *,
                      const struct pcrec_service *, struct pc_ctl_addresses *)
    OVS_WARN_UNUSED_RESULT;
void pc_ctl_addresses_destroy(struct pc_ctl_addresses *);
char *pc_ctl_vi_mac(const struct pc_controller *, uint16_t number);

/* pc-controller-status.c. */
bool pc_ctl_write_errors(struct pc_controller *);
void pc_ctl_write_status(struct pc_controller *);
void pc_ctl_write_released(struct pc_controller *);

/* pc-controller-report.c. */
struct pc_ctl_report *pc_ctl_report_create(void);
void pc_ctl_report_destroy(struct pc_ctl_report *);
void pc_ctl_report_unload(struct pc_controller *);
void pc_ctl_report_forget_nodes(struct pc_controller *);
void pc_ctl_report_track(struct pc_controller *,
                         const struct pcrec_cloudlet *);
void pc_ctl_report_run(struct pc_controller *);
void pc_ctl_report_write(struct pc_controller *);
void pc_ctl_report_wait(struct pc_controller *);
int pc_ctl_node_rank(const struct pc_controller *, const struct uuid *node);
size_t pc_ctl_node_n_placing(const struct pc_controller *,
                             const struct uuid *node);
void pc_ctl_node_add_placing(const struct pc_controller *,
                             const struct uuid *node);
void pc_ctl_nodes_clear_placing(const struct pc_controller *);

/* pc-controller-probe.c. */
bool pc_ctl_router_probe(struct pc_ctl_router *);

/* pc-controller-zone.c. */
void pc_ctl_zone_is_new(struct pc_controller *, uint16_t number);
void pc_ctl_zones_leave(const struct pc_controller *, struct pc_ctl_router *);
void pc_ctl_zones_prepare(struct pc_ctl_router *, struct ovs_list *mods);

/* pc-controller-submit.c. */
void pc_ctl_count_resync(struct pc_controller *, struct pc_ctl_router *,
                         size_t n);
void pc_ctl_sync_submit(struct pc_controller *, struct pc_ctl_router *);
void pc_ctl_take_switch_errors(struct pc_controller *, struct pc_ctl_router *);

/* pc-controller-sync.c. */
struct pc_ctl_router *pc_ctl_router_create(struct pc_controller *,
                                           const struct pcrec_router *);
void pc_ctl_router_destroy(struct pc_controller *, struct pc_ctl_router *);
void pc_ctl_router_leave(struct pc_controller *, struct pc_ctl_router *);
char *pc_ctl_router_target(const struct pcrec_router *);
void pc_ctl_sync_run(struct pc_controller *);
void pc_ctl_sync_wait(struct pc_controller *);
void pc_ctl_sync_resync(struct pc_ctl_router *);
bool pc_ctl_all_done(const struct pc_controller *, uint64_t generation);

#endif /* pc-controller-private.h */
