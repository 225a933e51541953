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

#ifndef PC_ENGINE_PRIVATE_H
#define PC_ENGINE_PRIVATE_H 1

/* Between pc-engine.c (what there is), pc-engine-place.c (where something goes),
 * pc-engine-bound.c (where it needn't be tried), pc-engine-move.c (what may go
 * elsewhere) and pc-engine-explain.c (why not).
 *
 *   struct pc_engine              cloudlets, nodes, reservations by UUID
 *     struct pe_cloudlet          its nodes in the order of its policy
 *       struct pe_share           a provider's reservations there
 *     struct pe_node              what is used of it; its reservations
 *     struct pe_reservation       on a node; part of a share
 *     struct pe_order             for a PoP, the cloudlets, nearest first
 *
 * The profiles of nodes are what each admission asks, and always kept.  Those
 * of cloudlets and shares are for prices and calendars, which ask for a few of
 * them: made when one is asked for first, and kept up to date from then on. */

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "pc-engine.h"

struct pe_node;

/* A node and the key by which it is sorted, beside each other because a search
 * reads many keys; and what of the node leads to more memory, so that all of that
 * can be sent for at the same time. */
struct pe_rank {
    uint64_t load;
    struct pe_node *node;
    const struct pc_profile *all, *third;       /* The node's. */
    size_t index;               /* The node's. */
};

struct pe_cloudlet {
    struct hmap_node node;      /* In the engine's 'cloudlets'. */
    struct pc_engine_cloudlet c;
    char *name;                 /* 'c.name'. */
    struct pe_rank *ranks;      /* Sorted as pe_rank_compare() says. */
    size_t n_ranks, allocated_ranks;
    struct hmap shares;         /* By provider. */
    struct pc_profile *profile; /* NULL: nobody asked for it. */
};

struct pe_share {
    struct hmap_node node;      /* In its cloudlet's 'shares'. */
    struct uuid provider;
    struct pe_cloudlet *cloudlet;
    struct ovs_list reservations;   /* By 'share_node'; not empty. */
    struct pc_profile *profile; /* NULL: nobody asked for it. */
};

struct pe_node {
    struct hmap_node node;      /* In the engine's 'nodes'. */
    uint32_t index;             /* No other node has it. */
    struct pc_engine_node n;
    char *name;                 /* 'n.name'. */
    struct pe_cloudlet *cloudlet;
    struct ovs_list reservations;   /* By 'node_node'. */

    struct pc_profile *all;     /* What all use. */
    struct pc_profile *third;   /* What third parties do; NULL: all may. */
    struct pc_amount third_limit;

    /* The sum of amount times length.  A product is below 2^80. */
    unsigned __int128 booked[PC_N_AMOUNTS];
    uint64_t load;              /* As its rank has it. */
};

struct pe_reservation {
    struct hmap_node node;      /* In the engine's 'reservations'. */
    struct uuid uuid;
    struct pe_node *on;
    struct ovs_list node_node;
    struct pe_share *share;
    struct ovs_list share_node;
    bool isp;
    size_t n_slots;
    struct pc_slot slots[];
};

struct pe_near {
    struct pe_cloudlet *cloudlet;
    uint64_t distance;
};

struct pe_order {
    struct hmap_node node;      /* In the engine's 'orders'. */
    struct uuid pop;
    size_t n;
    struct pe_near near[];
};

/* Bounds
 * ------
 *
 * Where much is full a search looks at many nodes in vain, and most of what it
 * reads is not in the cache.  Bounds are what it remembers of that: for a stretch
 * of time and each node, how much is free all through the stretch at most, in one
 * word.  Those of a stretch are a column.  A request that wants more in a stretch
 * that one of its slots covers does not fit, and some nanoseconds tell.
 *
 * Bounds are learned: when a node was tried and did not fit, from the stretch in
 * which it did not.  What is added to a node leaves them true; when something is
 * taken away those of that node and time are forgotten.  As long as everything is
 * placed at the first attempts there are none, and they cost nothing.
 *
 * Stretches are as long as a power of two, which depends on the length of the
 * request: one that lasts minutes and one that lasts months have a few each. */
struct pe_column;
struct pe_span {
    int64_t begin, end;
    struct pe_column *column;
};

struct pe_bounds {
    struct hmap columns;
    struct pe_span *spans;      /* Of each column. */
    size_t n, allocated;
    size_t n_nodes;             /* Indexes for which there is room. */
    uint64_t clock;             /* Requests that used them. */
};

struct pc_engine {
    struct pc_topology *topology;
    struct hmap cloudlets;
    struct hmap nodes;
    struct hmap reservations;

    /* By PoP.  All are thrown away when the cloudlets change or the topology
     * is not of that version anymore. */
    struct hmap orders;
    uint64_t topology_version;

    /* Nodes with their profiles, and reservations. */
    struct pc_arena *arena;
    struct pc_profile *empty;   /* Nothing is used. */

    struct id_pool *indexes;    /* Of nodes. */
    struct pe_bounds bounds;
    struct pc_engine_work work;
};

/* Has the memory that tells what is at 'hash' in 'hmap' brought into the cache. */
static inline void
pe_prefetch_bucket(const struct hmap *hmap, size_t hash)
{
    OVS_PREFETCH(&hmap->buckets[hash & hmap->mask]);
}

/* And of what is first there, when that has come. */
static inline void
pe_prefetch_first(const struct hmap *hmap, size_t hash)
{
    OVS_PREFETCH(hmap->buckets[hash & hmap->mask]);
}

/* pc-engine.c. */
struct pe_cloudlet *pe_cloudlet_find(const struct pc_engine *,
                                     const struct uuid *);
struct pe_node *pe_node_find(const struct pc_engine *, const struct uuid *);
struct pe_reservation *pe_reservation_find(const struct pc_engine *,
                                           const struct uuid *);

/* pc-engine-rank.c: nodes in the order of their cloudlet's policy. */
void pe_node_rank(struct pe_node *);    /* Adds a node to its cloudlet. */
void pe_node_unrank(struct pe_node *);
void pe_cloudlet_sort(struct pe_cloudlet *);
/* Adds what a reservation books to its node, or takes it away. */
void pe_node_book(struct pe_node *, const struct pe_reservation *, bool add);

/* pc-engine-share.c: the profiles of cloudlets and shares. */
/* Makes a share if there is none; one without reservations must get one. */
struct pe_share *pe_share_get(struct pe_cloudlet *,
                              const struct uuid *provider);
void pe_share_join(struct pe_reservation *, struct pe_share *);
void pe_share_leave(struct pe_reservation *);

/* pc-engine-bound.c. */
void pe_bounds_init(struct pe_bounds *);
void pe_bounds_destroy(struct pe_bounds *);
size_t pe_bounds_memory(const struct pe_bounds *);
/* There is a new node with that index. */
void pe_bounds_add_node(struct pe_bounds *, size_t node);
/* More may be free there, between these times. */
void pe_bounds_forget(struct pe_bounds *, size_t node, int64_t begin,
                      int64_t end);

/* What a request wants in the stretches that it covers. */
#define PE_MAX_CHECKS 24
struct pe_check {
    int64_t begin, end;
    uint64_t wanted;
    struct pe_column *column;   /* Null: nothing is known. */
};
struct pe_filter {
    struct pe_bounds *bounds;
    struct pe_check checks[PE_MAX_CHECKS];
    size_t n;
};
/* 'filter' is good until another is made or the engine is changed. */
void pe_filter_init(struct pe_filter *, struct pe_bounds *,
                    const struct pc_engine_request *);
/* Is it known that the request does not fit there? */
bool pe_filter_excludes(struct pe_filter *, size_t node);
/* It does not fit there, with all that is on the node. */
void pe_filter_learn(struct pe_filter *, const struct pe_node *,
                     const struct pc_engine_request *);

/* pc-engine-place.c. */

/* Where a request may go: the cloudlets, nearest first. */
struct pe_candidates {
    const struct pe_near *near;
    size_t n;
    struct pe_near only;        /* 'near', for a request that asks for one. */
};
void pe_candidates_find(struct pc_engine *, const struct pc_engine_request *,
                        struct pe_candidates *);
void pe_orders_flush(struct pc_engine *);

/* Has the memory that will be needed for the nodes that follow in a cloudlet, in
 * the order of its policy, brought into the cache. */
void pe_prefetch(const struct pe_cloudlet *, size_t position);

bool pe_refused(const struct pc_engine_request *, const struct pe_node *);

/* Takes 'own', the reservation that a request replaces (NULL: none), off the
 * profiles of 'node' if it is there, and puts it back.  Returns what was taken
 * off. */
struct pe_reservation *pe_hide_own(struct pe_reservation *own,
                                   struct pe_node *);
void pe_unhide_own(struct pe_reservation *);

/* Does a request fit 'node' beside all that is there?  And without 'own', the
 * reservation that it replaces (NULL: none)? */
bool pe_fits_beside(const struct pe_node *, const struct pc_engine_request *);
bool pe_node_fits(struct pe_node *, const struct pc_engine_request *,
                  struct pe_reservation *own);

#endif /* pc-engine-private.h */
