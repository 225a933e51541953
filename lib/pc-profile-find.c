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

#include "util.h"

/* Questions.  All go down the tree as pc-profile-private.h says, with what is
 * used, or left, before the first step of a node. */

static const struct pc_amount zero_amount;

/* A stretch of time, and what may be used in it at most. */
struct window {
    int64_t begin, end;
    struct pc_amount room;
    struct pc_profile_work *work;       /* That of the profile. */
};

static struct window
window_of(const struct pc_profile *profile, const struct pc_slot *slot,
          const struct pc_amount *limit, int64_t delay)
{
    struct window w = {
        .begin = slot->begin + delay,
        .end = slot->end + delay,
        .work = profile->work,
    };

    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        int64_t wanted = slot->amount.value[d];

        w.room.value[d] = (wanted ? limit->value[d] - wanted
                           : PROFILE_ROOM_ANY);
    }
    return w;
}

/* Is 'used' more than 'left' in some dimension? */
static inline bool
exceeds(const struct pc_amount *used, const struct pc_amount *left)
{
    int64_t any = 0;

    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        any |= left->value[d] - used->value[d];
    }
    return any < 0;
}

static bool
is_negative(const struct pc_amount *left)
{
    return (left->value[0] | left->value[1] | left->value[2]
            | left->value[3]) < 0;
}

/* Does nothing, not even the peak, exceed the window's room? */
static bool
is_easy(const struct pc_profile *profile, const struct window *w)
{
    return (!is_negative(&w->room)
            && (!profile->top.node || !exceeds(&profile->top.max, &w->room)));
}

/* The child of 'node' in which the time 'begin' is, the first if it is before
 * all; takes from 'left' what is used by those before. */
static inline size_t
skip_entries(const struct profile_node *node, int64_t begin,
             struct pc_amount *left)
{
    const struct profile_entry *entries = node_entries(node);
    struct pc_amount sum = zero_amount;     /* In registers. */
    size_t i = 0;

    while (i + 1 < node->n && entries[i + 1].time <= begin) {
        pc_amount_add__(&sum, &entries[i++].sum);
    }
    pc_amount_subtract__(left, &sum);
    return i;
}

static void
prefetch(const void *p_, size_t n)
{
    const char *p = p_;

    for (size_t i = 0; i < n; i += 64) {
        OVS_PREFETCH(p + i);
    }
}

void
pc_profile_prefetch(const struct pc_profile *profile, int step, int64_t time)
{
    const struct profile_node *node;

    if (!profile) {
        return;
    } else if (!step) {
        prefetch(profile, sizeof *profile);
        return;
    }
    node = profile->top.node;
    if (node && step == 1) {
        prefetch(node, 512);
    } else if (node && profile->height) {
        struct pc_amount left = zero_amount;

        prefetch(node_entries(node)[skip_entries(node, time, &left)].node,
                 1024);
    }
}

/* Looks for the first instant in 'w' at which more is used than there is room;
 * 'left' is what is left of it before 'node'.  If there is one returns true,
 * the instant, and in 'left' what is left then. */
static bool
find_first(const struct profile_node *node, int height, const struct window *w,
           struct pc_amount *left_, int64_t *time)
{
    struct pc_amount left = *left_;     /* In registers. */
    bool found = false;

    profile_count(w->work, node);
    if (!height) {
        const struct profile_step *steps = leaf_steps(node);

        for (size_t i = 0; i < node->n && steps[i].time < w->end; i++) {
            pc_amount_subtract__(&left, &steps[i].change);
            if (is_negative(&left)
                && (i + 1 == node->n || steps[i + 1].time > w->begin)) {
                *time = MAX(w->begin, steps[i].time);
                found = true;
                break;
            }
        }
    } else {
        const struct profile_entry *entries = node_entries(node);

        for (size_t i = skip_entries(node, w->begin, &left);
             i < node->n && entries[i].time < w->end; i++) {
            if (exceeds(&entries[i].max, &left)) {
                struct pc_amount inner = left;

                if (find_first(entries[i].node, height - 1, w, &inner, time)) {
                    left = inner;
                    found = true;
                    break;
                }
            }
            pc_amount_subtract__(&left, &entries[i].sum);
        }
    }
    *left_ = left;
    return found;
}

static bool
window_misfit(const struct pc_profile *profile, const struct window *w,
              struct pc_amount *left, int64_t *time)
{
    if (is_easy(profile, w)) {
        return false;
    }
    *left = w->room;
    if (is_negative(left)
        && (!profile->top.node || w->begin < profile->top.time)) {
        *time = w->begin;
        return true;
    }
    return (profile->top.node
            && find_first(profile->top.node, profile->height, w, left, time));
}

bool
pc_profile_fits(const struct pc_profile *profile,
                const struct pc_amount *limit, const struct pc_slot *slots,
                size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct window w = window_of(profile, &slots[i], limit, 0);
        struct pc_amount left;
        int64_t time;

        if (window_misfit(profile, &w, &left, &time)) {
            return false;
        }
    }
    return true;
}

bool
pc_profile_misfit(const struct pc_profile *profile,
                  const struct pc_amount *limit, const struct pc_slot *slots,
                  size_t n, struct pc_profile_misfit *misfit)
{
    for (size_t i = 0; i < n; i++) {
        struct window w = window_of(profile, &slots[i], limit, 0);
        struct pc_amount left;

        if (window_misfit(profile, &w, &left, &misfit->time)) {
            int d = 0;

            while (left.value[d] >= 0) {
                d++;
            }
            misfit->dimension = d;
            misfit->used = w.room.value[d] - left.value[d];
            misfit->wanted = slots[i].amount.value[d];
            return true;
        }
    }
    return false;
}

/* In a leaf, find_last() below. */
static bool
find_last_in_leaf(const struct profile_node *leaf, const struct window *w,
                  struct pc_amount left, int64_t next, int64_t *until)
{
    const struct profile_step *steps = leaf_steps(leaf);
    bool found = false, bad = false;

    /* On from the window's end for as long as it is no better. */
    for (size_t i = 0; i < leaf->n; i++) {
        int64_t end = i + 1 < leaf->n ? steps[i + 1].time : next;

        if (steps[i].time >= w->end && !bad) {
            break;
        }
        pc_amount_subtract__(&left, &steps[i].change);
        bad = is_negative(&left) && end > w->begin;
        if (bad) {
            *until = end;
            found = true;
        }
    }
    return found;
}

/* Looks for the last instant in 'w' at which more is used than there is room.
 * If there is one returns true and in '*until' when this ends, or a time up to
 * which it doesn't.  'next' is the time of the step after those of 'node'. */
static bool
find_last(const struct profile_node *node, int height, const struct window *w,
          struct pc_amount left, int64_t next, int64_t *until)
{
    size_t first, i;

    profile_count(w->work, node);
    if (!height) {
        return find_last_in_leaf(node, w, left, next, until);
    }
    first = skip_entries(node, w->begin, &left);
    for (i = first; i < node->n && node_entries(node)[i].time < w->end; i++) {
        pc_amount_subtract__(&left, &node_entries(node)[i].sum);
    }
    while (i-- > first) {
        const struct profile_entry *entry = &node_entries(node)[i];

        pc_amount_add__(&left, &entry->sum);
        if (exceeds(&entry->max, &left)
            && find_last(entry->node, height - 1, w, left,
                         i + 1 < node->n ? entry[1].time : next, until)) {
            return true;
        }
    }
    return false;
}

int64_t
pc_profile_delay(const struct pc_profile *profile,
                 const struct pc_amount *limit, const struct pc_slot *slots,
                 size_t n)
{
    return pc_profile_delay_below(profile, limit, slots, n, INT64_MAX);
}

int64_t
pc_profile_delay_below(const struct pc_profile *profile,
                       const struct pc_amount *limit,
                       const struct pc_slot *slots, size_t n, int64_t max)
{
    int64_t delay = 0;
    size_t fit = 0;

    for (size_t i = 0; i < n; i++) {
        struct window w = window_of(profile, &slots[i], limit, 0);

        if (is_negative(&w.room)) {
            return -1;
        }
    }

    /* Until all 'n' fit in turn with the same delay. */
    for (size_t i = 0; fit < n && delay < max; ) {
        struct window w = window_of(profile, &slots[i], limit, delay);
        int64_t until;

        if (!is_easy(profile, &w)
            && find_last(profile->top.node, profile->height, &w, w.room,
                         INT64_MAX, &until)) {
            delay = until - slots[i].begin;
            fit = 0;
        } else {
            fit++;
            i = (i + 1) % n;
        }
    }
    return delay;
}

/* Raises 'peak' to 'base' and 'more'. */
static void
raise_peak(struct pc_amount *peak, const struct pc_amount *base,
           const struct pc_amount *more)
{
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        peak->value[d] = MAX(peak->value[d], base->value[d] + more->value[d]);
    }
}

/* Raises 'peak' to what is used in 'w'; 'used' is that before 'node', and
 * 'next' the time of the step after it. */
static void
find_peak(const struct profile_node *node, int height, const struct window *w,
          struct pc_amount used, int64_t next, struct pc_amount *peak)
{
    profile_count(w->work, node);
    if (!height) {
        const struct profile_step *steps = leaf_steps(node);

        for (size_t i = 0; i < node->n && steps[i].time < w->end; i++) {
            pc_amount_add__(&used, &steps[i].change);
            if (i + 1 == node->n || steps[i + 1].time > w->begin) {
                raise_peak(peak, &used, &zero_amount);
            }
        }
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const struct profile_entry *entry = &node_entries(node)[i];
        int64_t to = i + 1 < node->n ? entry[1].time : next;

        if (entry->time >= w->end) {
            break;
        } else if (entry->time >= w->begin && to <= w->end) {
            raise_peak(peak, &used, &entry->max);
        } else if (to > w->begin) {
            find_peak(entry->node, height - 1, w, used, to, peak);
        }
        pc_amount_add__(&used, &entry->sum);
    }
}

void
pc_profile_peak(const struct pc_profile *profile, int64_t begin, int64_t end,
                struct pc_amount *peak)
{
    const struct window w = {
        .begin = begin, .end = end, .work = profile->work };

    *peak = zero_amount;
    if (profile->top.node && begin < end) {
        find_peak(profile->top.node, profile->height, &w, zero_amount,
                  INT64_MAX, peak);
    }
}

struct walk {
    int64_t at, end;
    struct pc_amount left;      /* Minus what is used at 'at'. */
    pc_profile_walk_cb *cb;
    void *aux;
};

/* Reports what there is up to 'to'. */
static bool
walk_to(struct walk *walk, int64_t to)
{
    bool more = true;

    if (to > walk->at) {
        struct pc_amount used = { { 0 } };

        pc_amount_subtract__(&used, &walk->left);
        more = walk->cb(walk->at, to, &used, walk->aux);
        walk->at = to;
    }
    return more;
}

static bool
walk_node(const struct profile_node *node, int height, struct walk *walk)
{
    if (height) {
        for (size_t i = skip_entries(node, walk->at, &walk->left);
             i < node->n && node_entries(node)[i].time < walk->end; i++) {
            if (!walk_node(node_entries(node)[i].node, height - 1, walk)) {
                return false;
            }
        }
    } else {
        for (size_t i = 0; i < node->n && leaf_steps(node)[i].time < walk->end;
             i++) {
            if (!walk_to(walk, leaf_steps(node)[i].time)) {
                return false;
            }
            pc_amount_subtract__(&walk->left, &leaf_steps(node)[i].change);
        }
    }
    return true;
}

void
pc_profile_walk(const struct pc_profile *profile, int64_t begin, int64_t end,
                pc_profile_walk_cb *cb, void *aux)
{
    struct walk walk = { .at = begin, .end = end, .cb = cb, .aux = aux };

    if (!profile->top.node
        || walk_node(profile->top.node, profile->height, &walk)) {
        walk_to(&walk, end);
    }
}
