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

#ifndef PC_PROFILE_PRIVATE_H
#define PC_PROFILE_PRIVATE_H 1

/* How a profile is kept
 * =====================
 *
 * A B+tree of the steps, in the order of time.  A step is what changes at an
 * instant, not what is used from then on: a slot is a change up where it
 * begins and one down where it ends, and adding it is two insertions, however
 * much lies between.  A step that changes nothing any more is removed, so
 * there is nothing to merge.
 *
 * What is used at an instant is the sum of all changes up to it.  Inner nodes
 * have for each child the sum of its changes and the largest of its running
 * sums, each dimension by itself.  With these a search for an instant at which
 * something does not fit goes through a node from left to right, with what is
 * left when it comes to a child:
 *
 *     left - max >= 0     fits all through the child: it isn't looked at
 *     left -= sum         what is left after the child
 *
 * so it enters only children that have such an instant, and the two that the
 * ends of the time it asks for cut.
 *
 * Most profiles are not in the cache when something is asked of them: nodes
 * are arrays that are read from the start, and the top of the tree is summed
 * up in struct pc_profile, which often is all that is read. */

#include "pc-arena.h"
#include "pc-profile.h"

/* Items in a node: at most, and at least if it is not at the top. */
#define PROFILE_NODE_MAX 40
#define PROFILE_NODE_MIN (PROFILE_NODE_MAX / 4)

/* The room in a dimension that is not asked for: more than all that is ever
 * used. */
#define PROFILE_ROOM_ANY (INT64_C(1) << 62)

struct profile_step {
    int64_t time;
    struct pc_amount change;    /* Not zero. */
};

/* A subtree as its parent sees it. */
struct profile_entry {
    int64_t time;               /* Of the first step. */
    struct pc_amount sum;       /* Of all changes. */
    struct pc_amount max;       /* The largest sums of the first 1, 2, ... */
    struct profile_node *node;
};

/* A node of height 0 is a leaf and has steps, others have entries. */
struct profile_node {
    uint32_t n;
    uint32_t allocated;         /* Less than PROFILE_NODE_MAX: at the top. */
    /* Followed by the items. */
};

static inline struct profile_step *
leaf_steps(const struct profile_node *leaf)
{
    return (struct profile_step *) (leaf + 1);
}

static inline struct profile_entry *
node_entries(const struct profile_node *node)
{
    return (struct profile_entry *) (node + 1);
}

struct pc_profile {
    struct profile_entry top;   /* Null 'node': no steps. */
    int height;
    size_t n_steps;
    size_t memory;
    struct pc_arena *arena;     /* Where all of it is.  May be null. */
    struct pc_profile_work *work;       /* May be null. */
};

/* Sets 'entry' from entry->node, which has that height. */
void pc_profile_summarize(struct profile_entry *entry, int height);

/* Returns null if 'profile' is as it should be, otherwise what is wrong, for
 * the caller to free.  For tests: looks at all of it. */
char *pc_profile_check(const struct pc_profile *) OVS_WARN_UNUSED_RESULT;

static inline void
profile_count(struct pc_profile_work *work, const struct profile_node *node)
{
    if (work) {
        work->n_nodes++;
        work->n_items += node->n;
    }
}

static inline void
pc_amount_add__(struct pc_amount *a, const struct pc_amount *b)
{
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        a->value[d] += b->value[d];
    }
}

static inline void
pc_amount_subtract__(struct pc_amount *a, const struct pc_amount *b)
{
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        a->value[d] -= b->value[d];
    }
}

#endif /* pc-profile-private.h */
