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

#include "pc-overlap-private.h"
#include "util.h"
#include "uuid.h"

/* Rules, and which priorities they have. */

/* Priorities. */

/* The place of 'priority' among those in use, or where it would be. */
size_t
ov_priority_at(const struct pc_overlap *o, uint16_t priority)
{
    size_t low = 0, high = o->n_priorities;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (o->priorities[mid].priority < priority) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void
priority_add(struct pc_overlap *o, uint16_t priority, uint16_t level)
{
    size_t i = ov_priority_at(o, priority);

    if (i >= o->n_priorities || o->priorities[i].priority != priority) {
        if (o->n_priorities >= o->allocated_priorities) {
            o->priorities = x2nrealloc(o->priorities,
                                       &o->allocated_priorities,
                                       sizeof *o->priorities);
        }
        memmove(&o->priorities[i + 1], &o->priorities[i],
                (o->n_priorities - i) * sizeof *o->priorities);
        o->priorities[i] = (struct ov_priority) { .priority = priority };
        o->n_priorities++;
    }
    ov_levels_add(&o->priorities[i].levels, level);
}

static void
priority_remove(struct pc_overlap *o, uint16_t priority, uint16_t level)
{
    size_t i = ov_priority_at(o, priority);
    struct ov_priority *p = &o->priorities[i];

    ov_levels_remove(&p->levels, level);
    if (!p->levels.n) {
        free(p->levels.a);
        o->n_priorities--;
        memmove(p, p + 1, (o->n_priorities - i) * sizeof *p);
    }
}

/* Rules. */

struct pc_overlap *
pc_overlap_create(void)
{
    struct pc_overlap *o = xzalloc(sizeof *o);

    hmap_init(&o->rules);
    hmap_init(&o->tuples);
    return o;
}

void
pc_overlap_destroy(struct pc_overlap *o)
{
    if (o) {
        struct ov_rule *r;

        HMAP_FOR_EACH_SAFE (r, node, &o->rules) {
            pc_overlap_remove(o, &r->rule.uuid);
        }
        hmap_destroy(&o->rules);
        hmap_destroy(&o->tuples);
        free(o->priorities);
        free(o);
    }
}

struct ov_rule *
ov_rule_find(const struct pc_overlap *o, const struct uuid *uuid)
{
    struct ov_rule *r;

    HMAP_FOR_EACH_WITH_HASH (r, node, uuid_hash(uuid), &o->rules) {
        if (uuid_equals(&r->rule.uuid, uuid)) {
            return r;
        }
    }
    return NULL;
}

void
pc_overlap_insert(struct pc_overlap *o, const struct pc_rule *rule,
                  uint16_t level, struct pc_overlap_place *place)
{
    struct ov_rule *r = xzalloc(sizeof *r);
    enum pc_direction dirs[2];
    size_t n = pc_rule_directions(rule, dirs);

    /* With them there is less to look at. */
    for (size_t i = 0; i < n; i++) {
        r->items[dirs[i]].tuple
            = ov_tuple_get(o, rule->match->match[dirs[i]].mask);
    }
    ov_place(o, rule, level, place);
    r->rule = *rule;
    pc_rule_match_clone(&r->match, rule->match);
    r->rule.match = &r->match;
    r->rule.path = NULL;        /* The caller's, perhaps not for long. */
    r->level = place->level;
    r->seq = o->next_seq++;
    hmap_insert(&o->rules, &r->node, uuid_hash(&rule->uuid));
    priority_add(o, rule->priority, r->level);
    for (size_t i = 0; i < n; i++) {
        struct ov_item *item = &r->items[dirs[i]];

        item->rule = r;
        item->direction = dirs[i];
        ov_item_add(item);
    }
}

void
pc_overlap_remove(struct pc_overlap *o, const struct uuid *uuid)
{
    struct ov_rule *r = ov_rule_find(o, uuid);

    if (r) {
        for (size_t i = 0; i < ARRAY_SIZE(r->items); i++) {
            if (r->items[i].rule) {
                ov_item_remove(o, &r->items[i]);
            }
        }
        priority_remove(o, r->rule.priority, r->level);
        hmap_remove(&o->rules, &r->node);
        pc_rule_match_destroy(&r->match);
        free(r);
    }
}

const struct pc_rule *
pc_overlap_get(const struct pc_overlap *o, const struct uuid *uuid)
{
    const struct ov_rule *r = ov_rule_find(o, uuid);

    return r ? &r->rule : NULL;
}

uint16_t
pc_overlap_level(const struct pc_overlap *o, const struct uuid *uuid)
{
    const struct ov_rule *r = ov_rule_find(o, uuid);

    return r ? r->level : PC_OVERLAP_NEW;
}

size_t
pc_overlap_count(const struct pc_overlap *o)
{
    return hmap_count(&o->rules);
}
