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
#include "pc-profile-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Changes that are to be made, in the order of time, none of them zero. */
struct run {
    const struct profile_step *next, *end;
};

static struct profile_node *node_change(struct pc_profile *,
                                        struct profile_node **, int height,
                                        int64_t until, struct run *);

struct pc_profile *
pc_profile_create(void)
{
    return pc_profile_create_in(NULL, NULL);
}

struct pc_profile *
pc_profile_create_in(struct pc_arena *arena, struct pc_profile_work *work)
{
    struct pc_profile *profile = pc_arena_alloc(arena, sizeof *profile);

    memset(profile, 0, sizeof *profile);
    profile->arena = arena;
    profile->work = work;
    profile->memory = sizeof *profile;
    return profile;
}

/* Items of a node: what steps and entries have in common. */

static size_t
item_size(int height)
{
    return height ? sizeof(struct profile_entry) : sizeof(struct profile_step);
}

static char *
item(struct profile_node *node, int height, size_t i)
{
    return (char *) leaf_steps(node) + i * item_size(height);
}

static size_t
node_size(size_t n, int height)
{
    return sizeof(struct profile_node) + n * item_size(height);
}

static struct profile_node *
node_create(struct pc_profile *profile, size_t allocated, int height)
{
    size_t size = node_size(allocated, height);
    struct profile_node *node = pc_arena_alloc(profile->arena, size);

    node->n = 0;
    node->allocated = allocated;
    profile->memory += size;
    return node;
}

static void
node_free(struct pc_profile *profile, struct profile_node *node, int height)
{
    size_t size = node_size(node->allocated, height);

    profile->memory -= size;
    pc_arena_free(profile->arena, node, size);
}

static void
node_destroy(struct pc_profile *profile, struct profile_node *node, int height)
{
    for (size_t i = 0; height && i < node->n; i++) {
        node_destroy(profile, node_entries(node)[i].node, height - 1);
    }
    node_free(profile, node, height);
}

void
pc_profile_destroy(struct pc_profile *profile)
{
    if (profile) {
        if (profile->top.node) {
            node_destroy(profile, profile->top.node, profile->height);
        }
        pc_arena_free(profile->arena, profile, sizeof *profile);
    }
}

/* Makes room for one item more at 'i', where there must be room. */
static void
items_open(struct profile_node *node, int height, size_t i)
{
    memmove(item(node, height, i + 1), item(node, height, i),
            (node->n - i) * item_size(height));
    node->n++;
}

static void
items_close(struct profile_node *node, int height, size_t i)
{
    node->n--;
    memmove(item(node, height, i), item(node, height, i + 1),
            (node->n - i) * item_size(height));
}

/* Moves items between neighbours so that 'left' has 'n'. */
static void
items_share(struct profile_node *left, struct profile_node *right, int height,
            size_t n)
{
    size_t size = item_size(height);
    size_t total = left->n + right->n;

    if (n < left->n) {
        size_t k = left->n - n;

        memmove(item(right, height, k), item(right, height, 0),
                right->n * size);
        memcpy(item(right, height, 0), item(left, height, n), k * size);
    } else {
        size_t k = n - left->n;

        memcpy(item(left, height, left->n), item(right, height, 0), k * size);
        memmove(item(right, height, 0), item(right, height, k),
                (right->n - k) * size);
    }
    left->n = n;
    right->n = total - n;
}

/* Makes room in '*nodep', which is full.  If it had to be split returns the
 * new node to the right of it, otherwise null. */
static struct profile_node *
node_enlarge(struct pc_profile *profile, struct profile_node **nodep,
             int height)
{
    struct profile_node *node = *nodep, *right;
    size_t allocated = MIN(node->allocated * 2, PROFILE_NODE_MAX);

    if (allocated > node->allocated) {
        *nodep = node_create(profile, allocated, height);
        (*nodep)->n = node->n;
        memcpy(item(*nodep, height, 0), item(node, height, 0),
               node->n * item_size(height));
        node_free(profile, node, height);
        return NULL;
    }
    right = node_create(profile, PROFILE_NODE_MAX, height);
    items_share(node, right, height, node->n / 2);
    return right;
}

/* Sums. */

/* Something follows 'sum', of which 'max' is the largest so far, that changes what
 * is used by 'change', and on the way by 'peak' at most. */
static inline void
sum_put(struct pc_amount *sum, struct pc_amount *max,
        const struct pc_amount *peak, const struct pc_amount *change)
{
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        int64_t m = sum->value[d] + peak->value[d];

        max->value[d] = MAX(max->value[d], m);
        sum->value[d] += change->value[d];
    }
}

/* A quarter of the time of a change goes here: where the processor has vectors of
 * four, they are used. */
#if defined __x86_64__ && defined __gnu_linux__ && defined __GLIBC__ \
    && !defined __clang__ && !defined __SANITIZE_ADDRESS__
__attribute__((target_clones("avx2", "default")))
#endif
static void
summarize(struct profile_entry *entry, int height)
{
    const struct profile_node *node = entry->node;
    struct pc_amount sum, max;      /* Not the entry's: in registers. */

    if (height) {
        const struct profile_entry *entries = node_entries(node);

        entry->time = entries[0].time;
        sum = entries[0].sum;
        max = entries[0].max;
        for (size_t i = 1; i < node->n; i++) {
            sum_put(&sum, &max, &entries[i].max, &entries[i].sum);
        }
    } else {
        const struct profile_step *steps = leaf_steps(node);

        entry->time = steps[0].time;
        sum = max = steps[0].change;
        for (size_t i = 1; i < node->n; i++) {
            sum_put(&sum, &max, &steps[i].change, &steps[i].change);
        }
    }
    entry->sum = sum;
    entry->max = max;
}

void
pc_profile_summarize(struct profile_entry *entry, int height)
{
    summarize(entry, height);
}

/* Changes. */

/* Makes those changes of 'run' that are before 'until' in the leaf '*nodep', the
 * first of them at least, on as long as the leaf need not be split or brought
 * together with another.  Returns a new leaf to the right of it, or null. */
static struct profile_node *
leaf_change(struct pc_profile *profile, struct profile_node **nodep,
            int64_t until, struct run *run)
{
    const struct profile_step *first = run->next;
    size_t i = 0;

    for (; run->next < run->end && run->next->time < until; run->next++) {
        struct profile_node *leaf = *nodep, *right = NULL;
        const struct profile_step *step = run->next;

        while (i < leaf->n && leaf_steps(leaf)[i].time < step->time) {
            i++;
        }
        if (i < leaf->n && leaf_steps(leaf)[i].time == step->time) {
            pc_amount_add__(&leaf_steps(leaf)[i].change, &step->change);
            if (pc_amount_is_zero(&leaf_steps(leaf)[i].change)) {
                items_close(leaf, 0, i);
                profile->n_steps--;
                if (leaf->n < PROFILE_NODE_MIN) {
                    run->next++;
                    return NULL;
                }
            }
            continue;
        }
        if (leaf->n >= leaf->allocated) {
            if (run->next > first && leaf->n >= PROFILE_NODE_MAX) {
                return NULL;
            }
            right = node_enlarge(profile, nodep, 0);
            leaf = *nodep;
            if (right && i > leaf->n) {
                i -= leaf->n;
                leaf = right;
            }
        }
        items_open(leaf, 0, i);
        leaf_steps(leaf)[i] = *step;
        profile->n_steps++;
        if (right) {
            run->next++;
            return right;
        }
    }
    return NULL;
}

/* Brings the child 'i' of 'node', which has too few items, together with a
 * neighbour of it. */
static void
node_refill(struct pc_profile *profile, struct profile_node *node, int height,
            size_t i)
{
    struct profile_entry *left = &node_entries(node)[i ? i - 1 : 0];
    struct profile_entry *right = left + 1;
    size_t total = left->node->n + right->node->n;

    if (total <= PROFILE_NODE_MAX) {
        items_share(left->node, right->node, height - 1, total);
        node_free(profile, right->node, height - 1);
        items_close(node, height, right - node_entries(node));
    } else {
        items_share(left->node, right->node, height - 1, total / 2);
        summarize(right, height - 1);
    }
    summarize(left, height - 1);
}

/* Puts 'child' behind the entry 'i' of '*nodep'.  Returns a new node to the
 * right of it, or null. */
static struct profile_node *
node_insert(struct pc_profile *profile, struct profile_node **nodep,
            int height, size_t i, struct profile_node *child)
{
    struct profile_node *node = *nodep, *right = NULL;

    i++;
    if (node->n >= node->allocated) {
        right = node_enlarge(profile, nodep, height);
        node = *nodep;
        if (right && i > node->n) {
            i -= node->n;
            node = right;
        }
    }
    items_open(node, height, i);
    node_entries(node)[i].node = child;
    summarize(&node_entries(node)[i], height - 1);
    return right;
}

/* Once its first lines have been read, the processor sees the others coming. */
static void
prefetch_start(const struct profile_node *node)
{
    for (size_t at = 0; at < 192; at += 64) {
        OVS_PREFETCH((const char *) node + at);
    }
}

/* The same in the subtree '*nodep'.  The entry of it is the caller's affair. */
static struct profile_node *
node_change(struct pc_profile *profile, struct profile_node **nodep,
            int height, int64_t until, struct run *run)
{
    struct profile_node *node = *nodep;
    size_t i = 0;

    profile_count(profile->work, node);
    if (!height) {
        return leaf_change(profile, nodep, until, run);
    }
    while (run->next < run->end && run->next->time < until) {
        struct profile_entry *entries = node_entries(node);
        struct profile_node *right;

        while (i + 1 < node->n && entries[i + 1].time <= run->next->time) {
            i++;
        }
        if (i + 1 < node->n && entries[i + 1].time <= run->end[-1].time) {
            prefetch_start(entries[i + 1].node);    /* The next one. */
        }
        right = node_change(profile, &entries[i].node, height - 1,
                            i + 1 < node->n ? entries[i + 1].time : until,
                            run);
        if (right) {
            summarize(&entries[i], height - 1);
            return node_insert(profile, nodep, height, i, right);
        } else if (entries[i].node->n < PROFILE_NODE_MIN) {
            node_refill(profile, node, height, i);
            return NULL;
        }
        summarize(&entries[i], height - 1);
    }
    return NULL;
}

/* Makes the first change at least of 'run', which has one.  The sums in 'top' are
 * the caller's affair. */
static void
profile_change(struct pc_profile *profile, struct run *run)
{
    struct profile_entry *top = &profile->top;
    struct profile_node *right;

    if (!top->node) {
        top->node = node_create(profile, 4, 0);
    }
    right = node_change(profile, &top->node, profile->height, INT64_MAX, run);
    if (right) {
        struct profile_node *left = top->node;

        top->node = node_create(profile, 4, ++profile->height);
        top->node->n = 1;
        node_entries(top->node)[0].node = left;
        summarize(&node_entries(top->node)[0], profile->height - 1);
        ignore(node_insert(profile, &top->node, profile->height, 0, right));
    } else if (!top->node->n) {
        node_free(profile, top->node, 0);
        top->node = NULL;
    } else if (profile->height && top->node->n == 1) {
        struct profile_node *node = top->node;

        top->node = node_entries(node)[0].node;
        node_free(profile, node, profile->height--);
    }
}

/* Changes, as they come from slots one after the other. */
struct collect {
    struct pc_profile *profile;
    struct profile_step steps[16];
    size_t n;
};

static void
collect_flush(struct collect *c)
{
    struct run run = { c->steps, c->steps + c->n };

    while (run.next < run.end) {
        profile_change(c->profile, &run);
    }
    c->n = 0;
}

static void
collect(struct collect *c, const struct profile_step *step)
{
    if (pc_amount_is_zero(&step->change)) {
        return;
    }
    /* Slots need not be in order. */
    if (c->n == ARRAY_SIZE(c->steps)
        || (c->n && step->time <= c->steps[c->n - 1].time)) {
        collect_flush(c);
    }
    c->steps[c->n++] = *step;
}

/* Adds slots 'sign' times.  Where one meets the next there is one change. */
static void
profile_put(struct pc_profile *profile, const struct pc_slot *slots, size_t n,
            int sign)
{
    struct profile_step step = { .time = INT64_MIN };
    struct collect c;

    c.profile = profile;
    c.n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct pc_slot *slot = &slots[i];

        if (slot->begin != step.time) {
            collect(&c, &step);
            step = (struct profile_step) { .time = slot->begin };
        }
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            step.change.value[d] += sign * slot->amount.value[d];
        }
        collect(&c, &step);
        step.time = slot->end;
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            step.change.value[d] = -sign * slot->amount.value[d];
        }
    }
    collect(&c, &step);
    collect_flush(&c);
    if (profile->top.node) {
        summarize(&profile->top, profile->height);
    }
}

void
pc_profile_add(struct pc_profile *profile, const struct pc_slot *slots,
               size_t n)
{
    profile_put(profile, slots, n, 1);
}

void
pc_profile_remove(struct pc_profile *profile, const struct pc_slot *slots,
                  size_t n)
{
    profile_put(profile, slots, n, -1);
}

size_t
pc_profile_n_steps(const struct pc_profile *profile)
{
    return profile->n_steps;
}

size_t
pc_profile_memory(const struct pc_profile *profile)
{
    return profile->memory;
}
