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

#include <inttypes.h>

#include "util.h"

/* What a look at the whole tree adds up. */
struct census {
    size_t n_steps;
    size_t memory;
    int64_t last;               /* Time of the step before. */
};

static char *
check_leaf(const struct profile_node *leaf, struct census *census)
{
    for (size_t i = 0; i < leaf->n; i++) {
        const struct profile_step *step = &leaf_steps(leaf)[i];

        if (step->time <= census->last) {
            return xasprintf("step at %"PRId64" follows %"PRId64, step->time,
                             census->last);
        } else if (pc_amount_is_zero(&step->change)) {
            return xasprintf("step at %"PRId64" changes nothing", step->time);
        }
        census->last = step->time;
    }
    census->n_steps += leaf->n;
    census->memory += leaf->allocated * sizeof(struct profile_step);
    return NULL;
}

static char *
check_entry(const struct profile_entry *entry, int height, bool at_top,
            struct census *census)
{
    const struct profile_node *node = entry->node;
    struct profile_entry sums = *entry;

    if (node->n < (!at_top ? PROFILE_NODE_MIN : height ? 2 : 1)
        || node->n > node->allocated || node->allocated > PROFILE_NODE_MAX
        || (!at_top && node->allocated < PROFILE_NODE_MAX)) {
        return xasprintf("%"PRIu32" items in a node for %"PRIu32" of height "
                         "%d at %"PRId64, node->n, node->allocated, height,
                         entry->time);
    }
    census->memory += sizeof(struct profile_node);
    if (height) {
        for (size_t i = 0; i < node->n; i++) {
            char *error = check_entry(&node_entries(node)[i], height - 1,
                                      false, census);

            if (error) {
                return error;
            }
        }
        census->memory += node->allocated * sizeof(struct profile_entry);
    } else {
        char *error = check_leaf(node, census);

        if (error) {
            return error;
        }
    }
    pc_profile_summarize(&sums, height);
    if (sums.time != entry->time || !pc_amount_equal(&sums.sum, &entry->sum)
        || !pc_amount_equal(&sums.max, &entry->max)) {
        return xasprintf("sums of height %d at %"PRId64" are not those of its "
                         "items", height, entry->time);
    }
    return NULL;
}

char *
pc_profile_check(const struct pc_profile *profile)
{
    struct census census = { 0, sizeof *profile, INT64_MIN };

    if (profile->top.node) {
        char *error = check_entry(&profile->top, profile->height, true,
                                  &census);

        if (error) {
            return error;
        } else if (!pc_amount_is_zero(&profile->top.sum)) {
            return xstrdup("something is used for ever");
        }
    } else if (profile->height) {
        return xasprintf("height %d of nothing", profile->height);
    }
    if (census.n_steps != profile->n_steps) {
        return xasprintf("%"PRIuSIZE" steps, not %"PRIuSIZE, census.n_steps,
                         profile->n_steps);
    } else if (census.memory != profile->memory) {
        return xasprintf("%"PRIuSIZE" bytes, not %"PRIuSIZE, census.memory,
                         profile->memory);
    }
    return NULL;
}
