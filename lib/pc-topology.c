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
#include "pc-topology.h"

#include "hash.h"
#include "heap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "packets.h"
#include "util.h"
#include "uuid.h"

struct pop {
    struct hmap_node node;      /* In the topology's 'pops'. */
    struct uuid uuid;
    size_t index;               /* In the topology's 'array'. */
    struct hmap links;          /* Of "struct link_end"s, by the other PoP. */
    struct ovs_list prefixes;

    /* Distances from here, by 'index'; of 'version', if that is the topology's
     * still. */
    uint64_t *distances;
    uint64_t version;

    struct heap_node heap;      /* For find_distances(). */
};

/* A link, seen from one of its two PoPs. */
struct link_end {
    struct hmap_node node;
    struct pop *peer;
    uint32_t cost;
};

struct prefix {
    struct hmap_node node;      /* In the topology's 'prefixes'. */
    struct ovs_list pop_node;   /* In its PoP's 'prefixes'. */
    struct in6_addr address;    /* No bits beyond 'plen'. */
    unsigned int plen;
    struct pop *pop;
};

#define MAX_PLEN 128

struct pc_topology {
    struct hmap pops;           /* By UUID. */
    struct pop **array;
    size_t n, allocated;

    /* By address and length.  A look-up tries each length that occurs, longest
     * first: there are few. */
    struct hmap prefixes;
    size_t n_prefixes[MAX_PLEN + 1];    /* By length. */

    uint64_t version;
};

struct pc_topology *
pc_topology_create(void)
{
    struct pc_topology *t = xzalloc(sizeof *t);

    hmap_init(&t->pops);
    hmap_init(&t->prefixes);
    t->version = 1;
    return t;
}

static struct pop *
pop_find(const struct pc_topology *t, const struct uuid *uuid)
{
    struct pop *pop;

    HMAP_FOR_EACH_WITH_HASH (pop, node, uuid_hash(uuid), &t->pops) {
        if (uuid_equals(&pop->uuid, uuid)) {
            return pop;
        }
    }
    return NULL;
}

static struct link_end *
link_find(const struct pop *from, const struct pop *to)
{
    struct link_end *end;

    HMAP_FOR_EACH_WITH_HASH (end, node, uuid_hash(&to->uuid), &from->links) {
        if (end->peer == to) {
            return end;
        }
    }
    return NULL;
}

void
pc_topology_add_pop(struct pc_topology *t, const struct uuid *uuid)
{
    struct pop *pop;

    if (pop_find(t, uuid)) {
        return;
    }
    pop = xzalloc(sizeof *pop);
    pop->uuid = *uuid;
    hmap_init(&pop->links);
    ovs_list_init(&pop->prefixes);
    hmap_insert(&t->pops, &pop->node, uuid_hash(uuid));
    if (t->n >= t->allocated) {
        t->array = x2nrealloc(t->array, &t->allocated, sizeof *t->array);
    }
    pop->index = t->n;
    t->array[t->n++] = pop;
    t->version++;
}

static void
link_end_destroy(struct pop *from, struct link_end *end)
{
    hmap_remove(&from->links, &end->node);
    free(end);
}

static void
prefix_destroy(struct pc_topology *t, struct prefix *prefix)
{
    hmap_remove(&t->prefixes, &prefix->node);
    ovs_list_remove(&prefix->pop_node);
    t->n_prefixes[prefix->plen]--;
    free(prefix);
}

static void
pop_destroy(struct pc_topology *t, struct pop *pop)
{
    struct link_end *end;
    struct prefix *prefix;

    HMAP_FOR_EACH_SAFE (end, node, &pop->links) {
        link_end_destroy(end->peer, link_find(end->peer, pop));
        link_end_destroy(pop, end);
    }
    hmap_destroy(&pop->links);
    LIST_FOR_EACH_SAFE (prefix, pop_node, &pop->prefixes) {
        prefix_destroy(t, prefix);
    }
    t->array[pop->index] = t->array[--t->n];
    t->array[pop->index]->index = pop->index;
    hmap_remove(&t->pops, &pop->node);
    free(pop->distances);
    free(pop);
    t->version++;
}

void
pc_topology_remove_pop(struct pc_topology *t, const struct uuid *uuid)
{
    struct pop *pop = pop_find(t, uuid);

    if (pop) {
        pop_destroy(t, pop);
    }
}

void
pc_topology_destroy(struct pc_topology *t)
{
    if (t) {
        while (t->n) {
            pop_destroy(t, t->array[t->n - 1]);
        }
        hmap_destroy(&t->pops);
        hmap_destroy(&t->prefixes);
        free(t->array);
        free(t);
    }
}

/* Returns whether that is a change. */
static bool
link_end_set(struct pop *from, struct pop *to, uint32_t cost)
{
    struct link_end *end = link_find(from, to);

    if (!end) {
        end = xmalloc(sizeof *end);
        end->peer = to;
        hmap_insert(&from->links, &end->node, uuid_hash(&to->uuid));
    } else if (end->cost == cost) {
        return false;
    }
    end->cost = cost;
    return true;
}

void
pc_topology_set_link(struct pc_topology *t, const struct uuid *a_uuid,
                     const struct uuid *b_uuid, uint32_t cost)
{
    struct pop *a = pop_find(t, a_uuid);
    struct pop *b = pop_find(t, b_uuid);

    ovs_assert(a && b);
    /* No cheapest path has a link from a PoP to itself in it. */
    if (a != b && link_end_set(a, b, cost)) {
        link_end_set(b, a, cost);
        t->version++;
    }
}

void
pc_topology_remove_link(struct pc_topology *t, const struct uuid *a_uuid,
                        const struct uuid *b_uuid)
{
    struct pop *a = pop_find(t, a_uuid);
    struct pop *b = pop_find(t, b_uuid);
    struct link_end *end = a && b ? link_find(a, b) : NULL;

    if (end) {
        link_end_destroy(a, end);
        link_end_destroy(b, link_find(b, a));
        t->version++;
    }
}

static struct in6_addr
masked(const struct in6_addr *address, unsigned int plen)
{
    struct in6_addr mask = ipv6_create_mask(plen);

    return ipv6_addr_bitand(address, &mask);
}

static uint32_t
prefix_hash(const struct in6_addr *address, unsigned int plen)
{
    return hash_bytes(address, sizeof *address, plen);
}

/* 'address' has no bits beyond 'plen'. */
static struct prefix *
prefix_find(const struct pc_topology *t, const struct in6_addr *address,
            unsigned int plen)
{
    struct prefix *prefix;

    HMAP_FOR_EACH_WITH_HASH (prefix, node, prefix_hash(address, plen),
                             &t->prefixes) {
        if (prefix->plen == plen
            && ipv6_addr_equals(&prefix->address, address)) {
            return prefix;
        }
    }
    return NULL;
}

void
pc_topology_set_prefix(struct pc_topology *t, const struct in6_addr *address,
                       unsigned int plen, const struct uuid *uuid)
{
    struct pop *pop = pop_find(t, uuid);
    struct in6_addr key;
    struct prefix *prefix;

    ovs_assert(pop && plen <= MAX_PLEN);
    key = masked(address, plen);
    prefix = prefix_find(t, &key, plen);
    if (prefix) {
        ovs_list_remove(&prefix->pop_node);
    } else {
        prefix = xmalloc(sizeof *prefix);
        prefix->address = key;
        prefix->plen = plen;
        hmap_insert(&t->prefixes, &prefix->node, prefix_hash(&key, plen));
        t->n_prefixes[plen]++;
    }
    prefix->pop = pop;
    ovs_list_push_back(&pop->prefixes, &prefix->pop_node);
}

void
pc_topology_remove_prefix(struct pc_topology *t,
                          const struct in6_addr *address, unsigned int plen)
{
    struct in6_addr key;
    struct prefix *prefix;

    ovs_assert(plen <= MAX_PLEN);
    key = masked(address, plen);
    prefix = prefix_find(t, &key, plen);
    if (prefix) {
        prefix_destroy(t, prefix);
    }
}

bool
pc_topology_find(const struct pc_topology *t, const struct in6_addr *address,
                 struct uuid *pop)
{
    for (int plen = MAX_PLEN; plen >= 0; plen--) {
        if (t->n_prefixes[plen]) {
            struct in6_addr key = masked(address, plen);
            struct prefix *prefix = prefix_find(t, &key, plen);

            if (prefix) {
                *pop = prefix->pop->uuid;
                return true;
            }
        }
    }
    *pop = UUID_ZERO;
    return false;
}

/* Dijkstra.  OVS's heap has the greatest first: the priority of a PoP is
 * PC_DISTANCE_MAX less its distance. */
static void
find_distances(struct pc_topology *t, struct pop *from)
{
    uint64_t *distances;
    struct heap heap;

    free(from->distances);
    distances = from->distances = xmalloc(t->n * sizeof *distances);
    from->version = t->version;
    for (size_t i = 0; i < t->n; i++) {
        distances[i] = PC_DISTANCE_MAX;
    }
    heap_init(&heap);
    distances[from->index] = 0;
    heap_insert(&heap, &from->heap, PC_DISTANCE_MAX);
    while (!heap_is_empty(&heap)) {
        struct pop *pop = CONTAINER_OF(heap_max(&heap), struct pop, heap);
        struct link_end *end;

        heap_remove(&heap, &pop->heap);
        HMAP_FOR_EACH (end, node, &pop->links) {
            uint64_t distance = distances[pop->index] + end->cost;
            uint64_t *known = &distances[end->peer->index];

            if (distance < *known) {
                /* In the heap already if it was reached before. */
                (*known == PC_DISTANCE_MAX ? heap_insert : heap_change)(
                    &heap, &end->peer->heap, PC_DISTANCE_MAX - distance);
                *known = distance;
            }
        }
    }
    heap_destroy(&heap);
}

uint64_t
pc_topology_distance(struct pc_topology *t, const struct uuid *from_uuid,
                     const struct uuid *to_uuid)
{
    struct pop *from = pop_find(t, from_uuid);
    struct pop *to = pop_find(t, to_uuid);

    if (!from || !to) {
        return PC_DISTANCE_MAX;
    }
    if (from->version != t->version) {
        find_distances(t, from);
    }
    return from->distances[to->index];
}

uint64_t
pc_topology_version(const struct pc_topology *t)
{
    return t->version;
}
