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

#ifndef PC_PROFILE_H
#define PC_PROFILE_H 1

/* A profile: how much is used when
 * ================================
 *
 * A step function of time with four dimensions: the sum of all slots that were
 * added.  It answers for any stretch of time, however far ahead, whether
 * something more fits for all t in it (paper section 3.4), in O(log n) for n
 * slots in it.
 *
 *     profile = pc_profile_create();
 *     if (pc_profile_fits(profile, &limit, slots, n)) {
 *         pc_profile_add(profile, slots, n);
 *     }
 *     ...
 *     pc_profile_remove(profile, slots, n);     // Just what was added.
 *
 * Before the first slot and after the last one nothing is used.  Steps of no
 * height are not kept: two slots that meet with the same amount cost no more
 * than one.  Memory is proportional to the steps; pc_profile_memory() tells.
 *
 * Thread-safety: one thread at a time. */

#include "pc-slot.h"

struct pc_arena;
struct pc_profile;

struct pc_profile *pc_profile_create(void);

/* In an arena, for those who have many.  What is done with it is added to 'work'.
 * Both must outlive the profile; either may be NULL. */
struct pc_profile_work {
    uint64_t n_nodes;           /* Nodes of the tree that were visited, */
    uint64_t n_items;           /* and how many items are in them. */
};
struct pc_profile *pc_profile_create_in(struct pc_arena *,
                                        struct pc_profile_work *);
void pc_profile_destroy(struct pc_profile *);

/* Adds slots, which need not be contiguous, or takes away slots that were
 * added. */
void pc_profile_add(struct pc_profile *, const struct pc_slot *, size_t n);
void pc_profile_remove(struct pc_profile *, const struct pc_slot *, size_t n);

/* Would what is used plus 'slots' be at most 'limit' in every dimension at every
 * instant of them?  A limit that is exceeded already only counts where the slot
 * asks for some of that dimension. */
bool pc_profile_fits(const struct pc_profile *, const struct pc_amount *limit,
                     const struct pc_slot *slots, size_t n);

/* Has the memory that a question or change at 'time' reads brought into the cache,
 * for who has something else to do until then.  Step by step, since each reads what
 * that before has brought: 0, 1, and 2.  NULL is fine. */
void pc_profile_prefetch(const struct pc_profile *, int step, int64_t time);

/* Why not: the first instant at which 'slots' do not fit, the dimension, and what
 * is used of it then. */
struct pc_profile_misfit {
    int64_t time;
    enum pc_capacity_dimension dimension;
    int64_t used;
    int64_t wanted;
};
/* Returns false if they fit. */
bool pc_profile_misfit(const struct pc_profile *,
                       const struct pc_amount *limit,
                       const struct pc_slot *slots, size_t n,
                       struct pc_profile_misfit *);

/* The largest value of each dimension in [begin, end); they may be at different
 * times. */
void pc_profile_peak(const struct pc_profile *, int64_t begin, int64_t end,
                     struct pc_amount *);

/* The least delay >= 0 after which 'slots', all of them moved by it, fit; -1 if
 * the amounts alone are beyond 'limit'.  (Some delay always does otherwise: all
 * that is reserved ends.) */
int64_t pc_profile_delay(const struct pc_profile *,
                         const struct pc_amount *limit,
                         const struct pc_slot *slots, size_t n);
/* The same for who wants none of 'max' or more: what is returned then is 'max' at
 * least, and they may not fit yet. */
int64_t pc_profile_delay_below(const struct pc_profile *,
                               const struct pc_amount *limit,
                               const struct pc_slot *slots, size_t n,
                               int64_t max);

/* Walks through [begin, end) as a sequence of stretches in which nothing
 * changes, in order and without gaps; stretches in which nothing is used
 * included.  'cb' returns false to stop.  It must not change the profile. */
typedef bool pc_profile_walk_cb(int64_t begin, int64_t end,
                                const struct pc_amount *used, void *aux);
void pc_profile_walk(const struct pc_profile *, int64_t begin, int64_t end,
                     pc_profile_walk_cb *, void *aux);

/* Steps kept, and bytes of memory used. */
size_t pc_profile_n_steps(const struct pc_profile *);
size_t pc_profile_memory(const struct pc_profile *);

#endif /* pc-profile.h */
