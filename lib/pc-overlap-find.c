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
#include <string.h>

#include "packets.h"
#include "pc-overlap-private.h"
#include "util.h"
#include "uuid.h"

/* Questions to the tables of pc-overlap.c. */

/* So many of the rules that meet a rule are looked at for one with a packet
 * that can exist. */
#define MAX_CANDIDATES 8

/* Makes 'dst', of 'n' bytes, differ from 'src' if it is the same, by a bit that
 * 'mask' leaves open: a packet does not go from an address to itself. */
static void
make_different(uint8_t *dst, const uint8_t *src, const uint8_t *mask,
               size_t n)
{
    for (size_t i = n; i-- > 0 && !is_all_zeros(src, n)
                       && !memcmp(dst, src, n); ) {
        if (mask[i] != 0xff) {
            dst[i] ^= rightmost_1bit(~mask[i] & 0xff);
        }
    }
}

/* Do all packets that both matches take, if there are any, go from an address
 * to itself?  Such packets do not exist. */
static bool
is_to_itself(const struct minimatch *a, const struct minimatch *b)
{
#define VALUE(FIELD) (MINIFLOW_GET_BE32(a->flow, FIELD) \
                      | MINIFLOW_GET_BE32(b->flow, FIELD))
#define MASK(FIELD) (MINIFLOW_GET_BE32(&a->mask->masks, FIELD) \
                     | MINIFLOW_GET_BE32(&b->mask->masks, FIELD))
    if (MASK(nw_src) == OVS_BE32_MAX && MASK(nw_dst) == OVS_BE32_MAX) {
        return VALUE(nw_src) == VALUE(nw_dst);
    }
#undef VALUE
#undef MASK
    size_t src = offsetof(struct flow, ipv6_src) / 8;
    size_t dst = offsetof(struct flow, ipv6_dst) / 8;

    for (size_t i = 0; i < 2; i++) {
        uint64_t masks[2] = {
            miniflow_get(&a->mask->masks, src + i)
            | miniflow_get(&b->mask->masks, src + i),
            miniflow_get(&a->mask->masks, dst + i)
            | miniflow_get(&b->mask->masks, dst + i),
        };
        uint64_t values[2] = {
            miniflow_get(a->flow, src + i) | miniflow_get(b->flow, src + i),
            miniflow_get(a->flow, dst + i) | miniflow_get(b->flow, dst + i),
        };

        if ((masks[0] & masks[1]) != UINT64_MAX || values[0] != values[1]) {
            return false;
        }
    }
    return true;
}

/* Do both matches take a packet that may exist? */
static bool
meet(const struct minimatch *a, const struct minimatch *b)
{
    struct {
        struct minimask mask;
        uint64_t storage[FLOW_U64S];
    } common;

    minimask_combine(&common.mask, a->mask, b->mask, common.storage);
    return (miniflow_equal_in_minimask(a->flow, b->flow, &common.mask)
            && !is_to_itself(a, b));
}

/* Fills 'example' with a packet that both matches take. */
static void
make_example(const struct minimatch *a, const struct minimatch *b,
             struct flow *example)
{
    struct match match;

    pc_match_overlap(a, b, example);
    minimatch_expand(a, &match);

    struct flow *m = &match.wc.masks;
    flow_union_with_miniflow(m, &b->mask->masks);
    make_different((uint8_t *) &example->nw_dst, (uint8_t *) &example->nw_src,
                   (uint8_t *) &m->nw_dst, sizeof example->nw_dst);
    make_different((uint8_t *) &example->ipv6_dst,
                   (uint8_t *) &example->ipv6_src,
                   (uint8_t *) &m->ipv6_dst, sizeof example->ipv6_dst);
}

static bool
is_excepted(const struct ov_item *item, const struct pc_rule *except)
{
    const struct pc_rule *rule = &item->rule->rule;

    return (except && (uuid_equals(&rule->uuid, &except->uuid)
                       || (rule->priority == except->priority
                           && pc_rule_match_equal(rule->match,
                                                  except->match))));
}

/* Takes 'item' into account, which meets 'q'.  Returns false if it cannot be
 * the first. */
static bool
consider(const struct ov_query *q, const struct ov_item *item, bool equal,
         struct ov_answer *a)
{
    bool same = item->rule->rule.target == q->target;
    const struct ov_item **slot = (equal ? &a->equal : same ? &a->same
                                   : &a->first);

    if (is_excepted(item, q->except) || !meet(q->match, ov_item_match(item))) {
        return false;
    }
    if (!*slot || item->rule->seq < (*slot)->rule->seq) {
        *slot = item;
    }
    return !same || equal;
}

static void
consider_entry(const struct ov_query *q, const struct ov_entry *e, bool equal,
               struct ov_answer *a)
{
    const struct ov_member *m;
    int n = 0;

    LIST_FOR_EACH (m, node, &e->members) {
        if (consider(q, m->item, equal, a) || ++n >= MAX_CANDIDATES) {
            break;
        }
    }
    if (!equal) {
        a->min_level = MIN(a->min_level, ov_levels_min(&e->levels));
        for (size_t i = 0; i < e->levels.n; i++) {
            a->taken |= e->levels.a[i].level == q->level;
        }
    }
}

/* Asks one by one: for a mask that no rule has. */
static void
ask_all(const struct pc_overlap *o, const struct ov_query *q,
        struct ov_answer *a)
{
    const struct ov_tuple *t;

    HMAP_FOR_EACH (t, node, &o->tuples) {
        struct {
            struct minimask mask;
            uint64_t storage[FLOW_U64S];
        } common;
        const struct ov_item *item;

        minimask_combine(&common.mask, t->mask, q->match->mask,
                         common.storage);
        HMAP_FOR_EACH (item, node, &t->items) {
            if (item->rule->rule.priority == q->priority
                && item->direction == q->direction
                && miniflow_equal_in_minimask(ov_item_match(item)->flow,
                                              q->match->flow, &common.mask)) {
                consider(q, item, false, a);
                a->min_level = MIN(a->min_level, item->rule->level);
                a->taken |= item->rule->level == q->level;
            }
        }
    }
}

void
ov_ask(const struct pc_overlap *o, const struct ov_query *q,
       struct ov_answer *a)
{
    const struct ov_tuple *t = ov_tuple_find(o, q->match->mask);

    *a = (struct ov_answer) { .min_level = INT_MAX };
    if (!t) {
        ask_all(o, q, a);
    }
    for (size_t i = 0; t && i < t->n_peers; i++) {
        const struct ov_peer *peer = &t->peers[i];
        const struct ov_entry *e = ov_entry_find(peer->theirs, q->match->flow,
                                                 q->priority, q->direction);

        if (e) {
            consider_entry(q, e, peer->other == t, a);
        }
    }
    a->first = a->first ? a->first : a->same;
}

/* Where to put a rule. */

static void
fill_found(struct pc_overlap_found *f, const struct pc_rule *rule,
           enum pc_direction mine, const struct ov_item *its)
{
    f->rule = its->rule->rule.uuid;
    f->mine = mine;
    f->its = its->direction;
    f->self = f->shadowed = false;
    f->same_target = rule->target == its->rule->rule.target;
    make_example(&rule->match->match[mine], ov_item_match(its), &f->packet);
}

/* Is 'who' to be named rather than 'first'?  Either may be null. */
static bool
comes_first(const struct ov_item *who, const struct ov_item *first,
            const struct pc_rule *rule)
{
    if (!who || !first) {
        return who != NULL;
    }

    bool who_other = who->rule->rule.target != rule->target;
    bool first_other = first->rule->rule.target != rule->target;
    return (who_other != first_other ? who_other
            : who->rule->seq < first->rule->seq);
}

/* The levels that 'priority' may use: from '*floor' to '*top', which may be
 * the lower of the two. */
static void
level_range(const struct pc_overlap *o, uint16_t priority, int *floor,
            int *top)
{
    size_t i = ov_priority_at(o, priority);
    size_t above = i;

    if (i < o->n_priorities && o->priorities[i].priority == priority) {
        above++;
    }
    *top = priority;
    if (above < o->n_priorities) {
        *top = MIN(*top, ov_levels_min(&o->priorities[above].levels) - 1);
    }
    *top = MAX(*top, 0);
    *floor = i ? ov_levels_max(&o->priorities[i - 1].levels) + 1 : 0;
}

/* Fills '*place' for 'rule', which is about to be inserted. */
void
ov_place(const struct pc_overlap *o, const struct pc_rule *rule,
         uint16_t level, struct pc_overlap_place *place)
{
    const struct ov_item *first = NULL, *equal = NULL;
    enum pc_direction dirs[2];
    size_t n = pc_rule_directions(rule, dirs);
    int floor, top, below;
    bool taken = false;

    level_range(o, rule->priority, &floor, &top);
    below = top;
    memset(place, 0, sizeof *place);
    for (size_t i = 0; i < n; i++) {
        const struct minimatch *match = &rule->match->match[dirs[i]];
        struct ov_query q = { match, rule->priority, dirs[i], level,
                              rule->target, NULL };
        struct ov_answer a;

        ov_ask(o, &q, &a);
        taken |= a.taken;
        equal = a.equal ? a.equal : equal;
        if (a.min_level != INT_MAX) {
            below = MIN(below, a.min_level - 1);
        }
        if (comes_first(a.first, first, rule)) {
            first = a.first;
            fill_found(&place->found, rule, dirs[i], first);
        }
    }
    place->overlaps = first != NULL;

    if (equal) {
        place->level = equal->rule->level;
    } else if (level <= top && level >= floor && !taken) {
        place->level = level;
    } else if (below < floor) {
        place->level = MIN(floor, top);
        place->crowded = true;
    } else {
        place->level = below;
    }
}

/* Who else wants the packets. */

static bool
find_self(const struct pc_rule *rule, struct pc_overlap_found *f)
{
    const struct minimatch *match = rule->match->match;
    enum pc_direction dirs[2];
    size_t n = pc_rule_directions(rule, dirs);

    if (n < 2 || !meet(&match[PC_FORWARD], &match[PC_REVERSE])) {
        return false;
    }
    make_example(&match[PC_FORWARD], &match[PC_REVERSE], &f->packet);
    f->rule = rule->uuid;
    f->mine = PC_FORWARD;
    f->its = PC_REVERSE;
    f->self = f->same_target = true;
    f->shadowed = false;
    return true;
}

bool
pc_overlap_find(const struct pc_overlap *o, const struct pc_rule *rule,
                struct pc_overlap_found *f)
{
    enum pc_direction dirs[2];
    size_t n = pc_rule_directions(rule, dirs);

    for (int crossed = 0; crossed < 2; crossed++) {
        const struct ov_item *first = NULL;

        for (size_t i = 0; i < n; i++) {
            const struct minimatch *match = &rule->match->match[dirs[i]];
            enum pc_direction its = crossed ? !dirs[i] : dirs[i];
            struct ov_query q = { match, rule->priority, its, PC_OVERLAP_NEW,
                                  rule->target, rule };
            struct ov_answer a;

            ov_ask(o, &q, &a);
            const struct ov_item *who = (a.first || !crossed ? a.first
                                         : a.equal);
            if (comes_first(who, first, rule)) {
                first = who;
                fill_found(f, rule, dirs[i], who);
            }
        }
        if (first) {
            return true;
        }
    }
    return find_self(rule, f);
}

bool
pc_overlap_meets(const struct pc_overlap *o, const struct pc_rule *rule,
                 uint16_t priority, bool crossed, struct pc_overlap_found *f)
{
    enum pc_direction dirs[2];
    size_t n = pc_rule_directions(rule, dirs);

    for (int opposite = 0; opposite <= crossed; opposite++) {
        const struct ov_item *first = NULL;

        for (size_t i = 0; i < n; i++) {
            const struct minimatch *match = &rule->match->match[dirs[i]];
            struct ov_query q = { match, priority,
                                  opposite ? !dirs[i] : dirs[i],
                                  PC_OVERLAP_NEW, rule->target, NULL };
            struct ov_answer a;

            ov_ask(o, &q, &a);
            const struct ov_item *who
                = comes_first(a.equal, a.first, rule) ? a.equal : a.first;
            if (comes_first(who, first, rule)) {
                first = who;
                fill_found(f, rule, dirs[i], who);
            }
        }
        if (first) {
            return true;
        }
    }
    return false;
}

int
pc_overlap_compare(const struct pc_rule *a, const struct pc_rule *b)
{
    size_t n[2] = { 0, 0 };

    for (int i = 0; i < 2; i++) {
        const struct minimask *mask
            = (i ? b : a)->match->match[PC_FORWARD].mask;
        const uint64_t *values = miniflow_get_values(&mask->masks);

        for (size_t j = 0; j < miniflow_n_values(&mask->masks); j++) {
            n[i] += count_1bits(values[j]);
        }
    }
    return (n[0] != n[1] ? (n[0] > n[1] ? -1 : 1)
            : uuid_compare_3way(&a->uuid, &b->uuid));
}
