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

#ifndef PC_ENGINE_H
#define PC_ENGINE_H 1

/* The admission engine
 * ====================
 *
 * It knows cloudlets, their nodes, and all reservations that hold capacity, and
 * decides which node could carry a request (paper section 3.4): for all t in the
 * request, on one node, request(t) <= available(t) in each dimension.  It does
 * no I/O: the scheduler feeds it from the database and writes down what it
 * decides; the bench and the tests feed it from memory.
 *
 *     engine = pc_engine_create(topology);
 *     pc_engine_set_cloudlet(engine, &cloudlet);
 *     pc_engine_set_node(engine, &node);
 *     pc_engine_insert(engine, &reservation, &node_uuid);   // What exists.
 *     ...
 *     if (pc_engine_place(engine, &request, &placement)) {
 *         pc_engine_insert(engine, &request, &placement.node);
 *     } else {
 *         pc_engine_explain(engine, &request, &decline);
 *     }
 *
 * Candidates: the cloudlet that was asked for, or all of them, nearest to the
 * requester first, by name where the distance is the same.  Within a cloudlet the
 * first node that fits in the order of its policy:
 *
 *     least-loaded   the least load first
 *     best-fit       the greatest load first
 *
 * by name where the load is the same.  The load of a node is how much of it is
 * promised: the sum, over the reservations there, of amount times length,
 * divided by the total, in the dimension where that is largest; that is, for how
 * many seconds the whole node is booked, parts of a second cut off.  (It is a
 * number for each node, kept up to date: the order costs nothing per request.
 * A reservation that is to be replaced still counts in it.)
 *
 * The ISP's share of a node: third parties together get at most
 * total * (100 - isp_share) / 100, rounded down; the ISP's own reservations may
 * use all that is free.
 *
 * Cost: a request costs O(log n) per slot for each node tried, n being the
 * reservations there.  Nodes that are known to have too little, from requests that
 * did not fit there, are passed over without being tried: pc-engine-private.h says
 * how.
 *
 * Thread-safety: one thread at a time. */

#include "openvswitch/compiler.h"
#include "openvswitch/uuid.h"
#include "pc-profile.h"

struct pc_topology;
struct pc_engine;

enum pc_engine_policy {
    PC_POLICY_LEAST_LOADED,
    PC_POLICY_BEST_FIT
};
const char *pc_engine_policy_name(enum pc_engine_policy);
bool pc_engine_policy_parse(const char *, enum pc_engine_policy *);

/* What the caller says of a cloudlet and a node.  Names are copied. */
struct pc_engine_cloudlet {
    struct uuid uuid;
    const char *name;
    struct uuid pop;            /* Zero: at none. */
    enum pc_engine_policy policy;
    bool usable;                /* False: suspected or down, place nothing. */
};

struct pc_engine_node {
    struct uuid uuid;
    const char *name;
    struct uuid cloudlet;       /* One that exists. */
    struct pc_amount total;
    int isp_share;              /* Percent. */
    bool usable;
};

/* A request, or a reservation that holds capacity. */
struct pc_engine_request {
    struct uuid uuid;
    struct uuid provider;       /* Whose share of a cloudlet it adds to. */
    bool isp;                   /* The ISP's own. */
    const struct pc_slot *slots;    /* As pc_slots_check() wants them. */
    size_t n_slots;

    /* For pc_engine_place() and pc_engine_explain() only. */
    struct uuid cloudlet;       /* Zero: any. */
    struct uuid pop;            /* The requester's; zero: not known. */
    const struct uuid *refused; /* Nodes that are not to be tried. */
    size_t n_refused;
};

/* 'topology' may be NULL, and must outlive the engine. */
struct pc_engine *pc_engine_create(struct pc_topology *topology);
void pc_engine_destroy(struct pc_engine *);

/* Adds, or changes.  A change of a total does not touch the reservations: a node
 * may then hold more than it has. */
void pc_engine_set_cloudlet(struct pc_engine *,
                            const struct pc_engine_cloudlet *);
void pc_engine_set_node(struct pc_engine *, const struct pc_engine_node *);
/* Removes, with nodes and reservations that are there. */
void pc_engine_remove_cloudlet(struct pc_engine *, const struct uuid *);
void pc_engine_remove_node(struct pc_engine *, const struct uuid *);

/* Puts a reservation on a node, which exists, whether it fits or not: it is a
 * fact.  If one with that UUID exists it is replaced (resized, moved).  The slots
 * are copied.  pc_engine_remove() does nothing if there is none. */
void pc_engine_insert(struct pc_engine *, const struct pc_engine_request *,
                      const struct uuid *node);
void pc_engine_remove(struct pc_engine *, const struct uuid *reservation);

/* Where a reservation is, NULL if there is none.  The slots are the engine's. */
const struct uuid *pc_engine_find(const struct pc_engine *,
                                  const struct uuid *reservation,
                                  const struct pc_slot **, size_t *n_slots);

/* Where a request goes.  A reservation with the request's UUID that is there
 * already does not count against it. */
struct pc_engine_placement {
    struct uuid cloudlet, node;
    uint64_t distance;
};
bool pc_engine_place(struct pc_engine *, const struct pc_engine_request *,
                     struct pc_engine_placement *) OVS_WARN_UNUSED_RESULT;

/* Does it fit on that one node, which is usable as its cloudlet is?  The same
 * without a search: for growing a reservation where it is, and for the
 * controller's confirmation. */
bool pc_engine_fits(struct pc_engine *, const struct pc_engine_request *,
                    const struct uuid *node) OVS_WARN_UNUSED_RESULT;

/* For what grows beyond its node, and moves, or has something else move.
 *
 * The node of the request's cloudlet, which it must name, that has the least load
 * of those that it fits on, whatever the cloudlet's policy is; false if there is
 * none. */
bool pc_engine_least_loaded(struct pc_engine *,
                            const struct pc_engine_request *,
                            struct uuid *node) OVS_WARN_UNUSED_RESULT;

/* Where first the request does not fit that node, which exists: false if it does.
 * And whether it fits if also 'other', a reservation that is there, was not. */
bool pc_engine_misfit(struct pc_engine *, const struct pc_engine_request *,
                      const struct uuid *node, struct pc_profile_misfit *);
bool pc_engine_fits_without(struct pc_engine *,
                            const struct pc_engine_request *,
                            const struct uuid *node,
                            const struct uuid *other) OVS_WARN_UNUSED_RESULT;

/* The reservations on a node, for the caller to free. */
struct uuid *pc_engine_reservations(const struct pc_engine *,
                                    const struct uuid *node, size_t *n);

/* Why nothing fits, and what would. */
enum pc_engine_verdict {
    PC_VERDICT_FITS,
    PC_VERDICT_NOT_USABLE,      /* Suspected or down. */
    PC_VERDICT_REFUSED,         /* By its controller. */
    PC_VERDICT_TOO_SMALL,       /* Not even if it was empty. */
    PC_VERDICT_ISP_SHARE,       /* Would fit, but for the ISP's share. */
    PC_VERDICT_FULL             /* At 'misfit'. */
};
#define PC_ENGINE_MAX_EXPLAINED 500
struct pc_engine_candidate {
    struct uuid cloudlet, node;
    uint64_t distance;
    enum pc_engine_verdict verdict;
    struct pc_profile_misfit misfit;    /* For the last three. */
    int64_t limit;              /* Of the misfit's dimension. */
};
struct pc_engine_decline {
    /* In the order tried, PC_ENGINE_MAX_EXPLAINED at most: what follows is about
     * these, the nearest.  The caller has other things to do as well. */
    struct pc_engine_candidate *candidates;
    size_t n_candidates;
    size_t n_more;              /* Candidates that were not looked at. */

    /* The earliest later start among the candidates that are usable: a delay in
     * s.  -1: none. */
    int64_t delay;
    struct uuid delay_node;

    /* The largest smaller capacity at the time asked for: on one node, each
     * slot's amount cut down to what is free all through it, in each dimension.
     * Of the nodes the one that gives the largest part of the dimension that
     * comes off worst.  NULL: none gives anything in all dimensions asked for. */
    struct pc_slot *smaller;
    size_t n_smaller;
    struct uuid smaller_node;

    /* If a cloudlet was asked for: where it would go without, of all nodes. */
    bool elsewhere;
    struct pc_engine_placement other;
};
void pc_engine_explain(struct pc_engine *, const struct pc_engine_request *,
                       struct pc_engine_decline *);
void pc_engine_decline_destroy(struct pc_engine_decline *);

/* What is used: of a node, of a cloudlet (the sum over its nodes), and of a
 * cloudlet by a provider; for calendars and prices.  NULL if there is no such
 * node or cloudlet, or the provider has nothing there.  Valid until the next
 * change.  The latter two are made when they are asked for first, in O(m log m)
 * for m reservations, and kept up to date from then on. */
const struct pc_profile *pc_engine_node_profile(const struct pc_engine *,
                                                const struct uuid *node);
const struct pc_profile *pc_engine_cloudlet_profile(const struct pc_engine *,
                                                    const struct uuid *);
const struct pc_profile *pc_engine_provider_profile(const struct pc_engine *,
                                                    const struct uuid *cloudlet,
                                                    const struct uuid *provider);
/* The total of a cloudlet's nodes. */
void pc_engine_cloudlet_total(const struct pc_engine *, const struct uuid *,
                              struct pc_amount *);

size_t pc_engine_n_reservations(const struct pc_engine *);
size_t pc_engine_memory(const struct pc_engine *);

/* What has been done so far, counted: unlike time it is the same on each machine
 * and in each run. */
struct pc_engine_work {
    uint64_t n_tried;           /* Nodes of which it was asked what fits. */
    uint64_t n_excluded;        /* Those where a bound told that nothing does. */
    struct pc_profile_work profiles;    /* Of nodes. */
};
const struct pc_engine_work *pc_engine_work(const struct pc_engine *);

#endif /* pc-engine.h */
