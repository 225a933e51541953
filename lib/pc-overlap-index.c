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
#include "pc-overlap.h"

#include <limits.h>
#include <stdlib.h>

#include "pc-overlap-private.h"
#include "util.h"

/* The tables: tuples, their indexes, and what is in them. */

/* Levels. */

void
ov_levels_add(struct ov_levels *l, uint16_t level)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->a[i].level == level) {
            l->a[i].n++;
            return;
        }
    }
    if (l->n >= l->allocated) {
        l->allocated = l->allocated ? 2 * l->allocated : 1;
        l->a = xrealloc(l->a, l->allocated * sizeof *l->a);
    }
    l->a[l->n++] = (struct ov_level) { .level = level, .n = 1 };
}

void
ov_levels_remove(struct ov_levels *l, uint16_t level)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->a[i].level == level) {
            if (!--l->a[i].n) {
                l->a[i] = l->a[--l->n];
            }
            return;
        }
    }
}

int
ov_levels_min(const struct ov_levels *l)
{
    int min = INT_MAX;

    for (size_t i = 0; i < l->n; i++) {
        min = MIN(min, l->a[i].level);
    }
    return min;
}

int
ov_levels_max(const struct ov_levels *l)
{
    int max = -1;

    for (size_t i = 0; i < l->n; i++) {
        max = MAX(max, l->a[i].level);
    }
    return max;
}

/* Indexes. */

const struct minimatch *
ov_item_match(const struct ov_item *item)
{
    return &item->rule->match.match[item->direction];
}

static uint32_t
entry_hash(const struct ov_index *index, const struct miniflow *flow,
           uint16_t priority, enum pc_direction direction)
{
    return miniflow_hash_in_minimask(flow, index->mask,
                                     priority * 2 + direction);
}

/* Returns the entry of the items of 'priority' and 'direction' that are equal
 * to 'flow' as far as 'index' goes, or NULL. */
struct ov_entry *
ov_entry_find(const struct ov_index *index, const struct miniflow *flow,
              uint16_t priority, enum pc_direction direction)
{
    uint32_t hash = entry_hash(index, flow, priority, direction);
    struct ov_entry *e;

    HMAP_FOR_EACH_WITH_HASH (e, node, hash, &index->entries) {
        const struct ov_member *m
            = CONTAINER_OF(ovs_list_front(&e->members), struct ov_member,
                           node);

        if (e->priority == priority && e->direction == direction
            && miniflow_equal_in_minimask(ov_item_match(m->item)->flow, flow,
                                          index->mask)) {
            return e;
        }
    }
    return NULL;
}

static void
index_add(struct ov_index *index, struct ov_item *item)
{
    const struct miniflow *flow = ov_item_match(item)->flow;
    uint16_t priority = item->rule->rule.priority;
    struct ov_entry *e = ov_entry_find(index, flow, priority,
                                       item->direction);
    struct ov_member *m = xmalloc(sizeof *m);

    if (!e) {
        e = xzalloc(sizeof *e);
        e->index = index;
        e->priority = priority;
        e->direction = item->direction;
        ovs_list_init(&e->members);
        hmap_insert(&index->entries, &e->node,
                    entry_hash(index, flow, priority, item->direction));
    }
    m->entry = e;
    m->item = item;
    m->next = item->members;
    item->members = m;
    ovs_list_push_back(&e->members, &m->node);
    ov_levels_add(&e->levels, item->rule->level);
}

static void
member_destroy(struct ov_member *m)
{
    struct ov_entry *e = m->entry;

    ov_levels_remove(&e->levels, m->item->rule->level);
    ovs_list_remove(&m->node);
    if (ovs_list_is_empty(&e->members)) {
        hmap_remove(&e->index->entries, &e->node);
        free(e->levels.a);
        free(e);
    }
    free(m);
}

static struct minimask *
minimask_copy(const struct minimask *src)
{
    size_t n = miniflow_n_values(&src->masks);

    return xmemdup(src, sizeof *src + MINIFLOW_VALUES_SIZE(n));
}

static int
compare_items(const void *a_, const void *b_)
{
    const struct ov_item *const *a = a_;
    const struct ov_item *const *b = b_;

    return ((*a)->rule->seq < (*b)->rule->seq ? -1
            : (*a)->rule->seq > (*b)->rule->seq);
}

/* Takes a reference to the index of 't' by 'mask', a part of its own mask,
 * made if need be. */
static struct ov_index *
index_ref(struct ov_tuple *t, const struct minimask *mask)
{
    struct ov_index *index;
    struct ov_item *item;

    LIST_FOR_EACH (index, node, &t->indexes) {
        if (minimask_equal(index->mask, mask)) {
            index->n_users++;
            return index;
        }
    }
    index = xzalloc(sizeof *index);
    index->mask = minimask_copy(mask);
    index->n_users = 1;
    hmap_init(&index->entries);
    ovs_list_push_back(&t->indexes, &index->node);

    /* Oldest first, for the order of an entry's members. */
    size_t n = hmap_count(&t->items), i = 0;
    struct ov_item **items = xmalloc(n * sizeof *items);
    HMAP_FOR_EACH (item, node, &t->items) {
        items[i++] = item;
    }
    qsort(items, n, sizeof *items, compare_items);
    for (i = 0; i < n; i++) {
        index_add(index, items[i]);
    }
    free(items);
    return index;
}

static void
index_unref(struct ov_tuple *t, struct ov_index *index)
{
    struct ov_item *item;

    if (--index->n_users) {
        return;
    }
    HMAP_FOR_EACH (item, node, &t->items) {
        for (struct ov_member **m = &item->members; *m; m = &(*m)->next) {
            if ((*m)->entry->index == index) {
                struct ov_member *victim = *m;

                *m = victim->next;
                member_destroy(victim);
                break;
            }
        }
    }
    ovs_list_remove(&index->node);
    hmap_destroy(&index->entries);
    free(index->mask);
    free(index);
}

/* Tuples. */

struct ov_tuple *
ov_tuple_find(const struct pc_overlap *o, const struct minimask *mask)
{
    struct ov_tuple *t;

    HMAP_FOR_EACH_WITH_HASH (t, node, minimask_hash(mask, 0), &o->tuples) {
        if (minimask_equal(t->mask, mask)) {
            return t;
        }
    }
    return NULL;
}

/* The share of an item with mask 'b' that one with mask 'a' covers, if they meet. */
static double
share(const struct minimask *a, const struct minimask *b)
{
    unsigned int n = 0;
    size_t idx;

    FLOWMAP_FOR_EACH_INDEX (idx, a->masks.map) {
        n += count_1bits(miniflow_get(&a->masks, idx)
                         & ~miniflow_get(&b->masks, idx));
    }
    return n < 64 ? 1.0 / (UINT64_C(1) << n) : 0;
}

static void
tuple_add_peer(struct ov_tuple *t, struct ov_tuple *other,
               struct ov_index *mine, struct ov_index *theirs)
{
    if (t->n_peers >= t->allocated_peers) {
        t->peers = x2nrealloc(t->peers, &t->allocated_peers,
                              sizeof *t->peers);
    }
    t->peers[t->n_peers++] = (struct ov_peer) {
        other, mine, theirs, share(other->mask, t->mask) };
}

static struct ov_tuple *
tuple_create(struct pc_overlap *o, const struct minimask *mask)
{
    struct ov_tuple *t = xzalloc(sizeof *t);
    struct ov_tuple *other;

    t->mask = minimask_copy(mask);
    hmap_init(&t->items);
    ovs_list_init(&t->indexes);
    hmap_insert(&o->tuples, &t->node, minimask_hash(mask, 0));

    HMAP_FOR_EACH (other, node, &o->tuples) {
        struct {
            struct minimask mask;
            uint64_t storage[FLOW_U64S];
        } common;

        minimask_combine(&common.mask, t->mask, other->mask, common.storage);
        struct ov_index *mine = index_ref(t, &common.mask);
        if (other == t) {
            tuple_add_peer(t, t, mine, mine);
        } else {
            struct ov_index *theirs = index_ref(other, &common.mask);

            tuple_add_peer(t, other, mine, theirs);
            tuple_add_peer(other, t, theirs, mine);
        }
    }
    return t;
}

static void
tuple_forget_peer(struct ov_tuple *t, const struct ov_tuple *gone)
{
    for (size_t i = 0; i < t->n_peers; i++) {
        if (t->peers[i].other == gone) {
            index_unref(t, t->peers[i].mine);
            t->peers[i] = t->peers[--t->n_peers];
            return;
        }
    }
}

static void
tuple_destroy(struct pc_overlap *o, struct ov_tuple *t)
{
    for (size_t i = 0; i < t->n_peers; i++) {
        if (t->peers[i].other != t) {
            tuple_forget_peer(t->peers[i].other, t);
        }
    }
    for (size_t i = 0; i < t->n_peers; i++) {
        index_unref(t, t->peers[i].mine);
    }
    hmap_remove(&o->tuples, &t->node);
    hmap_destroy(&t->items);
    free(t->peers);
    free(t->mask);
    free(t);
}

/* Makes a tuple if there is none; one without items must get one. */
struct ov_tuple *
ov_tuple_get(struct pc_overlap *o, const struct minimask *mask)
{
    struct ov_tuple *t = ov_tuple_find(o, mask);

    return t ? t : tuple_create(o, mask);
}

/* Puts 'item' into its tuple. */
void
ov_item_add(struct ov_item *item)
{
    const struct minimatch *match = ov_item_match(item);
    struct ov_index *index;

    LIST_FOR_EACH (index, node, &item->tuple->indexes) {
        index_add(index, item);
    }
    hmap_insert(&item->tuple->items, &item->node,
                miniflow_hash_in_minimask(match->flow, match->mask, 0));
}

void
ov_item_remove(struct pc_overlap *o, struct ov_item *item)
{
    struct ov_member *m, *next;

    for (m = item->members; m; m = next) {
        next = m->next;
        member_destroy(m);
    }
    hmap_remove(&item->tuple->items, &item->node);
    if (hmap_is_empty(&item->tuple->items)) {
        tuple_destroy(o, item->tuple);
    }
}
