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

/* Shadowing: a rule all of whose packets others take. */

/* A match is cut in so many pieces at most to see whether others cover it. */
#define MAX_PIECES 512

/* So many priorities above a rule's are looked at. */
#define MAX_PRIORITIES 64

/* What may cover a match. */
struct covers {
    const struct ov_item *items[PC_OVERLAP_COVERS];
    size_t n;
    double volume;              /* Shares of the match, added up. */
    size_t n_pieces;            /* Pieces still allowed. */
};

/* The order in which a switch takes items. */
static int
precedence(const struct ov_item *item)
{
    return 2 * item->rule->level + (item->direction == PC_FORWARD);
}

/* Does 'item' take everything that 'x' does, and come first? */
static bool
covers_alone(const struct ov_item *item, const struct ov_item *x)
{
    return (item != x
            && (precedence(item) > precedence(x)
                || (precedence(item) == precedence(x)
                    && item->rule->seq < x->rule->seq
                    && minimask_equal(item->tuple->mask, x->tuple->mask)))
            && miniflow_equal_in_minimask(ov_item_match(item)->flow,
                                          ov_item_match(x)->flow,
                                          item->tuple->mask));
}

/* A single item that covers 'x', by one lookup in each tuple that could have
 * it. */
static const struct ov_item *
find_single(const struct ov_item *x)
{
    const struct minimatch *match = ov_item_match(x);

    for (size_t i = 0; i < x->tuple->n_peers; i++) {
        const struct ov_tuple *t = x->tuple->peers[i].other;
        const struct ov_item *item;

        if (minimask_has_extra(match->mask, t->mask)) {
            continue;
        }
        uint32_t hash = miniflow_hash_in_minimask(match->flow, t->mask, 0);
        HMAP_FOR_EACH_WITH_HASH (item, node, hash, &t->items) {
            if (covers_alone(item, x)) {
                return item;
            }
        }
    }
    return NULL;
}

/* Collects the members of 'e', each of which covers 'share' of 'x'. */
static void
collect_entry(struct covers *c, const struct ov_entry *e, double share,
              const struct ov_item *x)
{
    const struct ov_member *m;
    int n = 0;

    if (2 * ov_levels_max(&e->levels) + (e->direction == PC_FORWARD)
        <= precedence(x)) {
        return;
    }
    LIST_FOR_EACH (m, node, &e->members) {
        if (c->n >= PC_OVERLAP_COVERS || ++n > 2 * PC_OVERLAP_COVERS) {
            break;
        }
        if (precedence(m->item) > precedence(x)) {
            c->items[c->n++] = m->item;
            c->volume += share;
        }
    }
}

/* Could all that there is, none of which covers 'x' alone, cover it if all of it
 * met it?  Mostly not: then no more has to be looked up. */
static bool
may_be_covered(const struct ov_item *x)
{
    double volume = 0;

    for (size_t i = 0; i < x->tuple->n_peers && volume < 1; i++) {
        const struct ov_peer *peer = &x->tuple->peers[i];

        if (peer->share < 1) {
            volume += (MIN(hmap_count(&peer->other->items), PC_OVERLAP_COVERS)
                       * peer->share);
        }
    }
    return volume >= 1;
}

/* Collects what meets 'x' and comes first. */
static void
collect(const struct pc_overlap *o, const struct ov_item *x,
        struct covers *c)
{
    size_t first = ov_priority_at(o, x->rule->rule.priority);
    size_t end = MIN(o->n_priorities, first + MAX_PRIORITIES);

    for (size_t p = first; p < end; p++) {
        for (size_t i = 0; i < x->tuple->n_peers; i++) {
            const struct ov_peer *peer = &x->tuple->peers[i];

            for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
                const struct ov_entry *e = ov_entry_find(
                    peer->theirs, ov_item_match(x)->flow,
                    o->priorities[p].priority, dir);

                if (e) {
                    collect_entry(c, e, peer->share, x);
                }
            }
        }
    }
}

/* Does 'item' meet 'piece'?  Then stores in '*idx' and '*bit' a bit that it
 * matches and 'piece' leaves open; '*bit' is 0 if it covers it all. */
static bool
meets(const struct ov_item *item, const struct match *piece, size_t *idx,
      uint64_t *bit)
{
    const struct minimask *m = item->tuple->mask;
    const struct miniflow *flow = ov_item_match(item)->flow;
    size_t i;

    *bit = 0;
    FLOWMAP_FOR_EACH_INDEX (i, m->masks.map) {
        uint64_t mask = miniflow_get(&m->masks, i);
        uint64_t fixed = flow_u64_value(&piece->wc.masks, i);

        if ((miniflow_get(flow, i) ^ flow_u64_value(&piece->flow, i))
            & mask & fixed) {
            return false;
        }
        if (!*bit && (mask & ~fixed)) {
            *idx = i;
            *bit = rightmost_1bit(mask & ~fixed);
        }
    }
    return true;
}

/* Do the items of 'c' cover 'piece'?  Cuts it in two by a bit that one of them
 * matches, until one covers a piece or none meets it. */
static bool
is_covered(struct covers *c, const struct match *piece)
{
    size_t idx = 0, i_idx;
    uint64_t bit = 0, i_bit;

    if (!c->n_pieces) {
        return false;
    }
    c->n_pieces--;
    for (size_t i = 0; i < c->n; i++) {
        if (meets(c->items[i], piece, &i_idx, &i_bit)) {
            if (!i_bit) {
                return true;
            }
            if (!bit) {
                idx = i_idx;
                bit = i_bit;
            }
        }
    }
    if (!bit) {
        return false;
    }

    struct match half = *piece;
    uint64_t *masks = (uint64_t *) &half.wc.masks;
    uint64_t *flow = (uint64_t *) &half.flow;

    masks[idx] |= bit;
    flow[idx] |= bit;
    if (!is_covered(c, &half)) {
        return false;
    }
    flow[idx] &= ~bit;
    return is_covered(c, &half);
}

/* Is 'x', which no item covers alone, covered by several?  Then returns one of
 * them. */
static const struct ov_item *
find_several(const struct pc_overlap *o, const struct ov_item *x)
{
    struct covers c = { .n_pieces = MAX_PIECES };
    struct match match;

    if (!may_be_covered(x)) {
        return NULL;
    }
    collect(o, x, &c);
    if (c.volume < 1) {
        return NULL;
    }
    minimatch_expand(ov_item_match(x), &match);
    return is_covered(&c, &match) ? c.items[0] : NULL;
}

bool
pc_overlap_shadowed(const struct pc_overlap *o, const struct uuid *uuid,
                    struct pc_overlap_found *f)
{
    const struct ov_rule *r = ov_rule_find(o, uuid);

    for (int dir = PC_FORWARD; r && dir <= PC_REVERSE; dir++) {
        const struct ov_item *x = &r->items[dir];

        if (x->rule) {
            const struct ov_item *by = find_single(x);

            by = by ? by : find_several(o, x);
            if (by) {
                f->rule = by->rule->rule.uuid;
                f->self = by->rule == r;
                f->mine = dir;
                f->its = by->direction;
                f->shadowed = true;
                f->same_target = by->rule->rule.target == r->rule.target;
                pc_match_overlap(ov_item_match(x), ov_item_match(by),
                                 &f->packet);
                return true;
            }
        }
    }
    return false;
}
