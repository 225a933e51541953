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

#include "id-pool.h"
#include "pc-arena.h"
#include "util.h"
#include "uuid.h"

static const char *const policy_names[] = {
    [PC_POLICY_LEAST_LOADED] = "least-loaded",
    [PC_POLICY_BEST_FIT] = "best-fit",
};

const char *
pc_engine_policy_name(enum pc_engine_policy policy)
{
    return policy_names[policy];
}

bool
pc_engine_policy_parse(const char *name, enum pc_engine_policy *policy)
{
    for (size_t i = 0; i < ARRAY_SIZE(policy_names); i++) {
        if (!strcmp(name, policy_names[i])) {
            *policy = i;
            return true;
        }
    }
    return false;
}

struct pc_engine *
pc_engine_create(struct pc_topology *topology)
{
    struct pc_engine *e = xzalloc(sizeof *e);

    e->topology = topology;
    hmap_init(&e->cloudlets);
    hmap_init(&e->nodes);
    hmap_init(&e->reservations);
    hmap_init(&e->orders);
    e->arena = pc_arena_create();
    e->empty = pc_profile_create_in(e->arena, NULL);
    e->indexes = id_pool_create(0, UINT32_MAX);
    pe_bounds_init(&e->bounds);
    return e;
}

void
pc_engine_destroy(struct pc_engine *e)
{
    if (e) {
        struct pe_cloudlet *cloudlet;

        HMAP_FOR_EACH_SAFE (cloudlet, node, &e->cloudlets) {
            pc_engine_remove_cloudlet(e, &cloudlet->c.uuid);
        }
        pe_orders_flush(e);
        hmap_destroy(&e->cloudlets);
        hmap_destroy(&e->nodes);
        hmap_destroy(&e->reservations);
        hmap_destroy(&e->orders);
        pc_profile_destroy(e->empty);
        pc_arena_destroy(e->arena);
        id_pool_destroy(e->indexes);
        pe_bounds_destroy(&e->bounds);
        free(e);
    }
}

struct pe_cloudlet *
pe_cloudlet_find(const struct pc_engine *e, const struct uuid *uuid)
{
    struct pe_cloudlet *cloudlet;

    HMAP_FOR_EACH_WITH_HASH (cloudlet, node, uuid_hash(uuid),
                             &e->cloudlets) {
        if (uuid_equals(&cloudlet->c.uuid, uuid)) {
            return cloudlet;
        }
    }
    return NULL;
}

struct pe_node *
pe_node_find(const struct pc_engine *e, const struct uuid *uuid)
{
    struct pe_node *node;

    HMAP_FOR_EACH_WITH_HASH (node, node, uuid_hash(uuid), &e->nodes) {
        if (uuid_equals(&node->n.uuid, uuid)) {
            return node;
        }
    }
    return NULL;
}

struct pe_reservation *
pe_reservation_find(const struct pc_engine *e, const struct uuid *uuid)
{
    struct pe_reservation *r;

    HMAP_FOR_EACH_WITH_HASH (r, node, uuid_hash(uuid), &e->reservations) {
        if (uuid_equals(&r->uuid, uuid)) {
            return r;
        }
    }
    return NULL;
}

void
pc_engine_set_cloudlet(struct pc_engine *e, const struct pc_engine_cloudlet *c)
{
    struct pe_cloudlet *cloudlet = pe_cloudlet_find(e, &c->uuid);
    enum pc_engine_policy policy = c->policy;
    char *name = xstrdup(c->name);

    if (!cloudlet) {
        cloudlet = xzalloc(sizeof *cloudlet);
        hmap_insert(&e->cloudlets, &cloudlet->node, uuid_hash(&c->uuid));
        hmap_init(&cloudlet->shares);
        pe_orders_flush(e);
    } else {
        policy = cloudlet->c.policy;
        if (strcmp(cloudlet->name, name)
            || !uuid_equals(&cloudlet->c.pop, &c->pop)) {
            pe_orders_flush(e);
        }
    }
    free(cloudlet->name);
    cloudlet->c = *c;
    cloudlet->c.name = cloudlet->name = name;
    if (policy != c->policy) {
        pe_cloudlet_sort(cloudlet);
    }
}

/* What third parties use of 'node': kept only where they may not use all. */
static void
update_third(struct pc_engine *e, struct pe_node *node)
{
    int percent = 100 - MAX(0, MIN(node->n.isp_share, 100));

    for (int i = 0; i < PC_N_AMOUNTS; i++) {
        int64_t total = node->n.total.value[i];

        /* total * percent / 100, without overflow. */
        node->third_limit.value[i] = (total / 100 * percent
                                      + total % 100 * percent / 100);
    }
    if (percent == 100) {
        pc_profile_destroy(node->third);
        node->third = NULL;
    } else if (!node->third) {
        const struct pe_reservation *r;

        node->third = pc_profile_create_in(e->arena, &e->work.profiles);
        LIST_FOR_EACH (r, node_node, &node->reservations) {
            if (!r->isp) {
                pc_profile_add(node->third, r->slots, r->n_slots);
            }
        }
    }
}

/* Its reservations are part of that cloudlet's profiles from now on. */
static void
move_node(struct pe_node *node, struct pe_cloudlet *cloudlet)
{
    struct pe_reservation *r;

    node->cloudlet = cloudlet;
    LIST_FOR_EACH (r, node_node, &node->reservations) {
        struct uuid provider = r->share->provider;

        pe_share_leave(r);
        pe_share_join(r, pe_share_get(cloudlet, &provider));
    }
}

void
pc_engine_set_node(struct pc_engine *e, const struct pc_engine_node *n)
{
    struct pe_cloudlet *cloudlet = pe_cloudlet_find(e, &n->cloudlet);
    struct pe_node *node = pe_node_find(e, &n->uuid);
    char *name = xstrdup(n->name);

    ovs_assert(cloudlet);
    if (node) {
        pe_node_unrank(node);
    } else {
        node = pc_arena_alloc(e->arena, sizeof *node);
        memset(node, 0, sizeof *node);
        node->cloudlet = cloudlet;
        node->all = pc_profile_create_in(e->arena, &e->work.profiles);
        ovs_assert(id_pool_alloc_id(e->indexes, &node->index));
        ovs_list_init(&node->reservations);
        hmap_insert(&e->nodes, &node->node, uuid_hash(&n->uuid));
    }
    free(node->name);
    node->n = *n;
    node->n.name = node->name = name;
    update_third(e, node);
    pe_bounds_add_node(&e->bounds, node->index);
    if (node->cloudlet != cloudlet) {
        move_node(node, cloudlet);
    }
    pe_node_rank(node);
}

static size_t
reservation_size(size_t n_slots)
{
    return (offsetof(struct pe_reservation, slots)
            + n_slots * sizeof(struct pc_slot));
}

static void
profile_change(struct pc_profile *profile, const struct pe_reservation *r,
               bool add)
{
    if (add) {
        pc_profile_add(profile, r->slots, r->n_slots);
    } else {
        pc_profile_remove(profile, r->slots, r->n_slots);
    }
}

/* Adds a reservation to the profiles of its node or removes it. */
static void
profiles_change(struct pe_reservation *r, bool add)
{
    struct pc_profile *third = r->isp ? NULL : r->on->third;

    pc_profile_prefetch(third, 2, r->slots[0].begin);
    profile_change(r->on->all, r, add);
    if (third) {
        profile_change(third, r, add);
    }
}

/* What is read or written in a removal is all over the memory: it is sent for
 * first. */
static void
prefetch_for_removal(const struct pe_reservation *r)
{
    const struct pe_node *node = r->on;

    OVS_PREFETCH(r->share);
    OVS_PREFETCH_WRITE(r->node_node.prev);
    OVS_PREFETCH_WRITE(r->node_node.next);
    OVS_PREFETCH_WRITE(r->share_node.prev);
    OVS_PREFETCH_WRITE(r->share_node.next);
    OVS_PREFETCH((const char *) node + 64);
    pc_profile_prefetch(node->all, 0, 0);
    pc_profile_prefetch(node->third, 0, 0);
    pc_profile_prefetch(node->all, 1, 0);
    pc_profile_prefetch(node->third, 1, 0);
}

static void
reservation_destroy(struct pc_engine *e, struct pe_reservation *r)
{
    struct pe_node *node = r->on;

    prefetch_for_removal(r);
    hmap_remove(&e->reservations, &r->node);
    pe_bounds_forget(&e->bounds, node->index, r->slots[0].begin,
                     r->slots[r->n_slots - 1].end);
    pe_node_book(node, r, false);
    profiles_change(r, false);
    pe_share_leave(r);
    ovs_list_remove(&r->node_node);
    pc_arena_free(e->arena, r, reservation_size(r->n_slots));
}

static void
node_destroy(struct pc_engine *e, struct pe_node *node)
{
    struct pe_reservation *r;

    LIST_FOR_EACH_SAFE (r, node_node, &node->reservations) {
        reservation_destroy(e, r);
    }
    pe_node_unrank(node);
    id_pool_free_id(e->indexes, node->index);
    hmap_remove(&e->nodes, &node->node);
    pc_profile_destroy(node->all);
    pc_profile_destroy(node->third);
    free(node->name);
    pc_arena_free(e->arena, node, sizeof *node);
}

void
pc_engine_remove_node(struct pc_engine *e, const struct uuid *uuid)
{
    struct pe_node *node = pe_node_find(e, uuid);

    if (node) {
        node_destroy(e, node);
    }
}

void
pc_engine_remove_cloudlet(struct pc_engine *e, const struct uuid *uuid)
{
    struct pe_cloudlet *cloudlet = pe_cloudlet_find(e, uuid);

    if (!cloudlet) {
        return;
    }
    while (cloudlet->n_ranks) {
        node_destroy(e, cloudlet->ranks[cloudlet->n_ranks - 1].node);
    }
    pe_orders_flush(e);
    hmap_remove(&e->cloudlets, &cloudlet->node);
    hmap_destroy(&cloudlet->shares);    /* Without nodes there are none. */
    pc_profile_destroy(cloudlet->profile);
    free(cloudlet->ranks);
    free(cloudlet->name);
    free(cloudlet);
}

void
pc_engine_insert(struct pc_engine *e, const struct pc_engine_request *request,
                 const struct uuid *node_uuid)
{
    struct pe_node *node = pe_node_find(e, node_uuid);
    size_t size = reservation_size(request->n_slots);
    struct pe_reservation *old, *r;
    struct pe_share *share;

    ovs_assert(node);
    /* The slots may be those of the one that is replaced. */
    r = pc_arena_alloc(e->arena, size);
    r->uuid = request->uuid;
    r->on = node;
    r->isp = request->isp;
    r->n_slots = request->n_slots;
    memcpy(r->slots, request->slots, r->n_slots * sizeof *r->slots);
    old = pe_reservation_find(e, &r->uuid);
    if (old) {
        reservation_destroy(e, old);
    }

    /* What is far away in the memory is sent for while there is other work. */
    OVS_PREFETCH_WRITE(node->reservations.prev);
    pe_prefetch_first(&node->cloudlet->shares, uuid_hash(&request->provider));
    pc_profile_prefetch(node->third, 1, 0);
    hmap_insert(&e->reservations, &r->node, uuid_hash(&r->uuid));
    pe_node_book(node, r, true);
    share = pe_share_get(node->cloudlet, &request->provider);
    OVS_PREFETCH_WRITE(share->reservations.prev);
    profiles_change(r, true);
    ovs_list_push_back(&node->reservations, &r->node_node);
    pe_share_join(r, share);
}

void
pc_engine_remove(struct pc_engine *e, const struct uuid *uuid)
{
    struct pe_reservation *r = pe_reservation_find(e, uuid);

    if (r) {
        reservation_destroy(e, r);
    }
}

const struct uuid *
pc_engine_find(const struct pc_engine *e, const struct uuid *uuid,
               const struct pc_slot **slots, size_t *n_slots)
{
    const struct pe_reservation *r = pe_reservation_find(e, uuid);

    *slots = r ? r->slots : NULL;
    *n_slots = r ? r->n_slots : 0;
    return r ? &r->on->n.uuid : NULL;
}

const struct pc_profile *
pc_engine_node_profile(const struct pc_engine *e, const struct uuid *uuid)
{
    const struct pe_node *node = pe_node_find(e, uuid);

    return node ? node->all : NULL;
}

const struct pc_engine_work *
pc_engine_work(const struct pc_engine *e)
{
    return &e->work;
}

size_t
pc_engine_n_reservations(const struct pc_engine *e)
{
    return hmap_count(&e->reservations);
}

static size_t
hmap_memory(const struct hmap *hmap)
{
    return (hmap->mask + 1) * sizeof *hmap->buckets;
}

static size_t
profile_memory(const struct pc_profile *profile)
{
    return profile ? pc_profile_memory(profile) : 0;
}

size_t
pc_engine_memory(const struct pc_engine *e)
{
    size_t sum = (sizeof *e + pc_arena_memory(e->arena)
                  + pe_bounds_memory(&e->bounds));
    const struct pe_cloudlet *cloudlet;
    const struct pe_share *share;
    const struct pe_order *order;
    const struct pe_node *node;

    sum += hmap_memory(&e->cloudlets) + hmap_memory(&e->nodes);
    sum += hmap_memory(&e->reservations) + hmap_memory(&e->orders);
    HMAP_FOR_EACH (node, node, &e->nodes) {
        sum += strlen(node->name) + 1;
    }
    HMAP_FOR_EACH (cloudlet, node, &e->cloudlets) {
        sum += sizeof *cloudlet + strlen(cloudlet->name) + 1;
        sum += cloudlet->allocated_ranks * sizeof *cloudlet->ranks;
        sum += hmap_memory(&cloudlet->shares);
        sum += profile_memory(cloudlet->profile);
        HMAP_FOR_EACH (share, node, &cloudlet->shares) {
            sum += sizeof *share + profile_memory(share->profile);
        }
    }
    HMAP_FOR_EACH (order, node, &e->orders) {
        sum += sizeof *order + order->n * sizeof *order->near;
    }
    return sum;
}
