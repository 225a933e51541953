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

#include <string.h>

#include "util.h"
#include "uuid.h"

/* The load in seconds of the whole node, rounded down: see pc-engine.h. */
static uint64_t
node_load(const struct pe_node *node)
{
    uint64_t load = 0;

    for (int i = 0; i < PC_N_AMOUNTS; i++) {
        if (node->booked[i]) {
            int64_t total = node->n.total.value[i];
            unsigned __int128 seconds = (total > 0 ? node->booked[i] / total
                                         : UINT64_MAX);

            load = MAX(load, MIN(seconds, UINT64_MAX));
        }
    }
    return load;
}

/* Is 'a' before 'b' in 'cloudlet'? */
static bool
is_before(const struct pe_cloudlet *cloudlet, const struct pe_rank *a,
          const struct pe_rank *b)
{
    int order;

    if (a->node == b->node) {
        return false;           /* Without a look at its name. */
    }
    if (a->load != b->load) {
        return (cloudlet->c.policy == PC_POLICY_BEST_FIT ? a->load > b->load
                : a->load < b->load);
    }
    order = strcmp(a->node->name, b->node->name);
    return (order ? order
            : uuid_compare_3way(&a->node->n.uuid, &b->node->n.uuid)) < 0;
}

/* The position in [low, high) of the first rank that is not before 'rank', 'high'
 * if there is none. */
static size_t
lower_bound(const struct pe_cloudlet *cloudlet, const struct pe_rank *rank,
            size_t low, size_t high)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (is_before(cloudlet, &cloudlet->ranks[middle], rank)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct pe_rank
rank_of(struct pe_node *node)
{
    return (struct pe_rank) {
        .load = node->load, .node = node, .index = node->index,
        .all = node->all, .third = node->third };
}

static size_t
position_of(struct pe_node *node)
{
    const struct pe_cloudlet *cloudlet = node->cloudlet;
    struct pe_rank rank = rank_of(node);
    size_t i = lower_bound(cloudlet, &rank, 0, cloudlet->n_ranks);

    ovs_assert(i < cloudlet->n_ranks && cloudlet->ranks[i].node == node);
    return i;
}

void
pe_node_rank(struct pe_node *node)
{
    struct pe_cloudlet *cloudlet = node->cloudlet;
    struct pe_rank rank;
    size_t i;

    node->load = node_load(node);
    rank = rank_of(node);
    if (cloudlet->n_ranks >= cloudlet->allocated_ranks) {
        cloudlet->ranks = x2nrealloc(cloudlet->ranks,
                                     &cloudlet->allocated_ranks,
                                     sizeof *cloudlet->ranks);
    }
    i = lower_bound(cloudlet, &rank, 0, cloudlet->n_ranks);
    memmove(&cloudlet->ranks[i + 1], &cloudlet->ranks[i],
            (cloudlet->n_ranks - i) * sizeof *cloudlet->ranks);
    cloudlet->ranks[i] = rank;
    cloudlet->n_ranks++;
}

void
pe_node_unrank(struct pe_node *node)
{
    struct pe_cloudlet *cloudlet = node->cloudlet;
    size_t i = position_of(node);

    cloudlet->n_ranks--;
    memmove(&cloudlet->ranks[i], &cloudlet->ranks[i + 1],
            (cloudlet->n_ranks - i) * sizeof *cloudlet->ranks);
}

/* After a change of the policy: by insertion, each into what is sorted before
 * it. */
void
pe_cloudlet_sort(struct pe_cloudlet *cloudlet)
{
    size_t n = cloudlet->n_ranks;

    for (cloudlet->n_ranks = 0; cloudlet->n_ranks < n; ) {
        pe_node_rank(cloudlet->ranks[cloudlet->n_ranks].node);
    }
}

/* Moves the rank of 'node' to where 'load' puts it: what is between moves by
 * one. */
static void
node_set_load(struct pe_node *node, uint64_t load)
{
    struct pe_cloudlet *cloudlet = node->cloudlet;
    struct pe_rank *ranks = cloudlet->ranks;
    size_t from = position_of(node), to;
    struct pe_rank rank;

    node->load = load;
    rank = rank_of(node);
    if (from && !is_before(cloudlet, &ranks[from - 1], &rank)) {
        to = lower_bound(cloudlet, &rank, 0, from);
        memmove(&ranks[to + 1], &ranks[to], (from - to) * sizeof *ranks);
    } else {
        to = lower_bound(cloudlet, &rank, from + 1, cloudlet->n_ranks) - 1;
        memmove(&ranks[from], &ranks[from + 1], (to - from) * sizeof *ranks);
    }
    ranks[to] = rank;
}

void
pe_node_book(struct pe_node *node, const struct pe_reservation *r, bool add)
{
    uint64_t load;

    for (size_t i = 0; i < r->n_slots; i++) {
        const struct pc_slot *slot = &r->slots[i];
        uint64_t length = slot->end - slot->begin;

        for (int j = 0; j < PC_N_AMOUNTS; j++) {
            unsigned __int128 product = slot->amount.value[j];

            product *= length;
            if (add) {
                node->booked[j] += product;
            } else {
                node->booked[j] -= product;
            }
        }
    }
    load = node_load(node);
    if (load != node->load) {
        node_set_load(node, load);
    }
}
