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

#ifndef PC_OVERLAP_H
#define PC_OVERLAP_H 1

/* Rules that want the same packets.
 *
 * Two rules of one priority overlap if there is a packet that both match.  A
 * switch would give it to either.  Here the order is defined:
 *
 *   1. A forward match comes before a reverse one of the same level: what a
 *      rule says comes before what follows from a rule.
 *   2. Among matches of one direction the first owner keeps the packet: a rule
 *      that overlaps an earlier one in the same direction is put a level
 *      below it.
 *
 * A rule's level is its priority as long as it overlaps no earlier one.  The
 * levels below it that no other priority uses are for those that do; each of
 * them is two priorities in the switch, one a direction.  A level once given
 * does not change: adding or removing a rule never touches the flows of
 * another.  If there is no level left (long chains of rules that overlap, or
 * priorities without a gap), rules share the last one, and which of them gets
 * the packet is not defined: struct pc_overlap_place says so.
 *
 * Of rules that are inserted at the same time the more specific should come
 * first: pc_overlap_compare().
 *
 * Cost.  Open vSwitch's classifier keeps rules by mask, but its
 * classifier_rule_overlaps() looks at each rule of a mask.  Here each mask (a
 * tuple, as in the classifier) also has an index for what it has in common
 * with every other mask, so that a rule is compared by one hash lookup with
 * all the rules of a mask.  Inserting, removing or finding costs in proportion
 * to the number of different masks, not of rules.  The first rule with a new
 * mask indexes all others once; a question about a mask that no rule has
 * looks at all rules and leaves nothing behind.
 *
 * Thread-safety: none; the caller serializes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pc-model.h"
#include "openvswitch/flow.h"
#include "openvswitch/uuid.h"

/* Two rules, or two directions of one, that want the same packet. */
struct pc_overlap_found {
    struct uuid rule;           /* The other: the first owner. */
    enum pc_direction mine;     /* Directions in which they meet. */
    enum pc_direction its;
    bool self;                  /* It's the rule itself. */
    bool same_target;           /* Both have the same 'target'. */
    bool shadowed;              /* The rule gets no packet at all in 'mine'. */
    struct flow packet;         /* An example. */
};

/* Where a rule was put. */
struct pc_overlap_place {
    uint16_t level;             /* 0 ... priority. */
    bool crowded;               /* It shares its level. */
    bool overlaps;              /* Is 'found' filled in? */
    struct pc_overlap_found found;  /* The first in the same direction, of
                                     * another target if there is one. */
};

struct pc_overlap *pc_overlap_create(void);
void pc_overlap_destroy(struct pc_overlap *);

/* Inserts a copy of 'rule', which must not be there, and says in '*place' what
 * has become of it.  'level' is what it had before, e.g. before a restart, or
 * PC_OVERLAP_NEW; it's taken if that leaves the order defined. */
#define PC_OVERLAP_NEW UINT16_MAX
void pc_overlap_insert(struct pc_overlap *, const struct pc_rule *rule,
                       uint16_t level, struct pc_overlap_place *place);

/* Removes the rule with that UUID, if it is there. */
void pc_overlap_remove(struct pc_overlap *, const struct uuid *);

/* The rule with that UUID, with its match, or NULL; good until it is removed.
 * (Its 'path' is NULL; 'target' is as it was at the insertion.) */
const struct pc_rule *pc_overlap_get(const struct pc_overlap *,
                                     const struct uuid *);

/* The level of the rule with that UUID, PC_OVERLAP_NEW if it is not there. */
uint16_t pc_overlap_level(const struct pc_overlap *, const struct uuid *);
size_t pc_overlap_count(const struct pc_overlap *);

/* Finds who else wants packets of 'rule', which need not be there (itself and
 * rules equal to it do not count): in order of preference a rule that it meets
 * in the same direction, one that it meets in opposite directions, its own
 * reverse; in each case the first, and those of another target before those
 * of its own.  (If many rules of its own come first, the latter is all that is
 * found.)  Returns false if nobody does. */
bool pc_overlap_find(const struct pc_overlap *, const struct pc_rule *rule,
                     struct pc_overlap_found *);

/* Finds the first rule of 'priority', which need not be that of 'rule', that
 * wants packets of 'rule' in the same direction or, if 'crossed', else in the
 * opposite one; an equal match counts.  'rule' must not have that priority
 * itself.  Returns false if there is none. */
bool pc_overlap_meets(const struct pc_overlap *, const struct pc_rule *rule,
                      uint16_t priority, bool crossed,
                      struct pc_overlap_found *);

/* Do other rules, together, take every packet of 'rule', which must be there,
 * in some direction of its?  Then stores one of them.  (Looks at the first
 * PC_OVERLAP_COVERS only: if it takes more, it is not found.) */
#define PC_OVERLAP_COVERS 64
bool pc_overlap_shadowed(const struct pc_overlap *, const struct uuid *rule,
                         struct pc_overlap_found *);

/* Orders rules for insertion: those that match on more bits first, then by
 * UUID.  Negative, zero or positive as for qsort(). */
int pc_overlap_compare(const struct pc_rule *, const struct pc_rule *);

#endif /* pc-overlap.h */
