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
#include "pc-engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "pc-topology.h"
#include "util.h"
#include "uuid.h"

void
pe_orders_flush(struct pc_engine *e)
{
    struct pe_order *order;

    HMAP_FOR_EACH_POP (order, node, &e->orders) {
        free(order);
    }
}

static uint64_t
distance_to(struct pc_engine *e, const struct uuid *pop,
            const struct pe_cloudlet *cloudlet)
{
    return (e->topology
            ? pc_topology_distance(e->topology, pop, &cloudlet->c.pop)
            : PC_DISTANCE_MAX);
}

static int
near_compare(const void *a_, const void *b_)
{
    const struct pe_near *a = a_, *b = b_;
    int order;

    if (a->distance != b->distance) {
        return a->distance < b->distance ? -1 : 1;
    }
    order = strcmp(a->cloudlet->name, b->cloudlet->name);
    return (order ? order
            : uuid_compare_3way(&a->cloudlet->c.uuid, &b->cloudlet->c.uuid));
}

static struct pe_order *
order_find(const struct pc_engine *e, const struct uuid *pop)
{
    struct pe_order *order;

    HMAP_FOR_EACH_WITH_HASH (order, node, uuid_hash(pop), &e->orders) {
        if (uuid_equals(&order->pop, pop)) {
            return order;
        }
    }
    return NULL;
}

static struct pe_order *
order_create(struct pc_engine *e, const struct uuid *pop)
{
    size_t n = hmap_count(&e->cloudlets);
    struct pe_order *order = xmalloc(offsetof(struct pe_order, near)
                                     + n * sizeof *order->near);
    struct pe_cloudlet *cloudlet;

    order->pop = *pop;
    order->n = 0;
    HMAP_FOR_EACH (cloudlet, node, &e->cloudlets) {
        order->near[order->n++] = (struct pe_near) {
            .cloudlet = cloudlet,
            .distance = distance_to(e, pop, cloudlet),
        };
    }
    qsort(order->near, n, sizeof *order->near, near_compare);
    hmap_insert(&e->orders, &order->node, uuid_hash(pop));
    return order;
}

/* The cloudlets, nearest to 'pop' first. */
static struct pe_order *
order_get(struct pc_engine *e, const struct uuid *pop)
{
    static const struct uuid unknown;
    struct pe_order *order;

    if (e->topology
        && e->topology_version != pc_topology_version(e->topology)) {
        pe_orders_flush(e);
        e->topology_version = pc_topology_version(e->topology);
    }
    order = order_find(e, pop);
    if (order) {
        return order;
    }
    /* One order does for all PoPs that the topology does not know. */
    if (!e->topology
        || pc_topology_distance(e->topology, pop, pop) == PC_DISTANCE_MAX) {
        pop = &unknown;
        order = order_find(e, pop);
    }
    return order ? order : order_create(e, pop);
}

void
pe_candidates_find(struct pc_engine *e,
                   const struct pc_engine_request *request,
                   struct pe_candidates *candidates)
{
    if (uuid_is_zero(&request->cloudlet)) {
        const struct pe_order *order = order_get(e, &request->pop);

        candidates->near = order->near;
        candidates->n = order->n;
    } else {
        struct pe_cloudlet *cloudlet = pe_cloudlet_find(e,
                                                        &request->cloudlet);

        candidates->near = &candidates->only;
        candidates->n = cloudlet != NULL;
        candidates->only.cloudlet = cloudlet;
        candidates->only.distance = (
            cloudlet ? distance_to(e, &request->pop, cloudlet)
            : PC_DISTANCE_MAX);
    }
}

bool
pe_refused(const struct pc_engine_request *request,
           const struct pe_node *node)
{
    for (size_t i = 0; i < request->n_refused; i++) {
        if (uuid_equals(&request->refused[i], &node->n.uuid)) {
            return true;
        }
    }
    return false;
}

struct pe_reservation *
pe_hide_own(struct pe_reservation *own, struct pe_node *node)
{
    if (!own || own->on != node) {
        return NULL;
    }
    pc_profile_remove(node->all, own->slots, own->n_slots);
    if (node->third && !own->isp) {
        pc_profile_remove(node->third, own->slots, own->n_slots);
    }
    return own;
}

void
pe_unhide_own(struct pe_reservation *hidden)
{
    if (hidden) {
        struct pe_node *node = hidden->on;

        pc_profile_add(node->all, hidden->slots, hidden->n_slots);
        if (node->third && !hidden->isp) {
            pc_profile_add(node->third, hidden->slots, hidden->n_slots);
        }
    }
}

bool
pe_fits_beside(const struct pe_node *node,
               const struct pc_engine_request *request)
{
    const struct pc_slot *slots = request->slots;
    size_t n = request->n_slots;

    if (request->isp || !node->third) {
        return pc_profile_fits(node->all, &node->n.total, slots, n);
    }
    /* What third parties use is part of what all do, and their limit at most the
     * total: mostly the first question is enough. */
    return (pc_profile_fits(node->all, &node->third_limit, slots, n)
            || (pc_profile_fits(node->third, &node->third_limit, slots, n)
                && pc_profile_fits(node->all, &node->n.total, slots, n)));
}

bool
pe_node_fits(struct pe_node *node, const struct pc_engine_request *request,
             struct pe_reservation *own)
{
    bool fits;

    /* What fits beside it fits without it. */
    if (pe_fits_beside(node, request)) {
        return true;
    }
    own = pe_hide_own(own, node);
    fits = own && pe_fits_beside(node, request);
    pe_unhide_own(own);
    return fits;
}

/* A search for a node. */
struct search {
    struct pc_engine *e;
    const struct pc_engine_request *request;
    const struct pe_cloudlet *cloudlet; /* Where it looks now. */

    /* What the request replaces, or null: asked for when something fails, by when
     * the memory that tells has been brought. */
    struct pe_reservation *own;
    bool own_known;

    /* Nodes that were tried in vain.  From MANY_FAILED on what follows is sent for
     * well ahead.  The filter is made when there are ENOUGH_FAILED. */
    size_t n_failed;
    struct pe_filter filter;
};
#define MANY_FAILED 2
#define ENOUGH_FAILED 4

void
pe_prefetch(const struct pe_cloudlet *cloudlet, size_t i)
{
    const struct pe_rank *ranks = cloudlet->ranks;
    size_t n = cloudlet->n_ranks;

    if (i + 6 < n) {
        const char *p = (const char *) ranks[i + 6].node;

        for (size_t at = 0; at < offsetof(struct pe_node, booked); at += 64) {
            OVS_PREFETCH(p + at);
        }
    }
    if (i + 4 < n) {
        const struct pe_node *node = ranks[i + 4].node;

        pc_profile_prefetch(node->all, 0, 0);
        pc_profile_prefetch(node->third, 0, 0);
    }
    if (i + 2 < n) {
        const struct pe_node *node = ranks[i + 2].node;

        pc_profile_prefetch(node->all, 1, 0);
        pc_profile_prefetch(node->third, 1, 0);
    }
}

static bool
own_is_on(struct search *s, const struct pe_node *node)
{
    if (!s->own_known) {
        s->own = pe_reservation_find(s->e, &s->request->uuid);
        s->own_known = true;
    }
    return s->own && s->own->on == node;
}

/* Has what a question to 'node' and then an insertion read of its profiles brought
 * in, of both at the same time. */
static void
prefetch_profiles(const struct pe_node *node, int64_t begin)
{
    for (int step = 1; step <= 2; step++) {
        pc_profile_prefetch(node->all, step, begin);
        pc_profile_prefetch(node->third, step, begin);
    }
}

/* Has what try_node() reads first of a node brought in. */
static void
prefetch_rank(const struct pe_rank *rank)
{
    const char *node = (const char *) rank->node;

    pc_profile_prefetch(rank->all, 0, 0);
    pc_profile_prefetch(rank->third, 0, 0);
    for (size_t at = 0; at < offsetof(struct pe_node, booked); at += 64) {
        OVS_PREFETCH(node + at);
    }
}

static bool
try_node(struct search *s, const struct pe_rank *rank)
{
    struct pe_node *node = rank->node;
    bool filtered = s->n_failed >= ENOUGH_FAILED && !own_is_on(s, node);

    if (!filtered) {
        prefetch_rank(rank);
        /* Often this one is full, and the next has room. */
        if (rank + 1 < s->cloudlet->ranks + s->cloudlet->n_ranks) {
            prefetch_rank(rank + 1);
        }
    }

    if (filtered && pe_filter_excludes(&s->filter, rank->index)) {
        s->e->work.n_excluded++;
        return false;
    } else if (!node->n.usable || pe_refused(s->request, node)) {
        return false;
    }
    s->e->work.n_tried++;
    if (s->n_failed >= MANY_FAILED) {
        pe_prefetch(s->cloudlet, rank - s->cloudlet->ranks);
    }
    prefetch_profiles(node, s->request->slots[0].begin);
    if (pe_fits_beside(node, s->request)
        || (own_is_on(s, node) && pe_node_fits(node, s->request, s->own))) {
        return true;
    }
    if (filtered) {
        pe_filter_learn(&s->filter, node, s->request);
    } else if (++s->n_failed == ENOUGH_FAILED) {
        pe_filter_init(&s->filter, &s->e->bounds, s->request);
    }
    return false;
}

/* The first node of 'cloudlet' that fits, null if there is none. */
static struct pe_node *
place_in(struct search *s, const struct pe_cloudlet *cloudlet)
{
    s->cloudlet = cloudlet;
    for (size_t i = 0; cloudlet->c.usable && i < cloudlet->n_ranks; i++) {
        if (try_node(s, &cloudlet->ranks[i])) {
            struct pe_node *node = cloudlet->ranks[i].node;

            /* Who asked will want to insert it. */
            pe_prefetch_bucket(&s->e->nodes, uuid_hash(&node->n.uuid));
            pe_prefetch_bucket(&cloudlet->shares,
                               uuid_hash(&s->request->provider));
            return node;
        }
    }
    return NULL;
}

bool
pc_engine_place(struct pc_engine *e, const struct pc_engine_request *request,
                struct pc_engine_placement *placement)
{
    struct search s;
    struct pe_candidates candidates;

    s.e = e;
    s.request = request;
    s.own_known = false;
    s.n_failed = 0;
    pe_prefetch_bucket(&e->reservations, uuid_hash(&request->uuid));
    pe_candidates_find(e, request, &candidates);
    for (size_t i = 0; i < candidates.n; i++) {
        const struct pe_near *near = &candidates.near[i];
        const struct pe_node *node = place_in(&s, near->cloudlet);

        if (node) {
            placement->cloudlet = near->cloudlet->c.uuid;
            placement->node = node->n.uuid;
            placement->distance = near->distance;
            return true;
        }
    }
    return false;
}

bool
pc_engine_fits(struct pc_engine *e, const struct pc_engine_request *request,
               const struct uuid *uuid)
{
    struct pe_node *node = pe_node_find(e, uuid);

    return (node && node->n.usable && node->cloudlet->c.usable
            && pe_node_fits(node, request,
                            pe_reservation_find(e, &request->uuid)));
}
