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

#ifndef PC_OVERLAP_PRIVATE_H
#define PC_OVERLAP_PRIVATE_H 1

/* Between pc-overlap.c (rules), pc-overlap-index.c (the tables),
 * pc-overlap-find.c and pc-overlap-shadow.c (the questions).
 *
 *   struct pc_overlap          rules by UUID, tuples by mask, priorities
 *     struct ov_tuple          the matches ("items") with one mask
 *       struct ov_index        those items by part of the mask: what the
 *                              mask has in common with another tuple's
 *         struct ov_entry      items that are equal in that part, and have
 *                              one priority and direction
 *           struct ov_member   one such item
 *       struct ov_peer         another tuple, and the two indexes that belong
 *                              to what the masks have in common
 */

#include "classifier.h"
#include "classifier-private.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "pc-match.h"
#include "pc-overlap.h"

/* How many items have which level: few levels. */
struct ov_levels {
    struct ov_level {
        uint16_t level;
        unsigned int n;
    } *a;
    size_t n, allocated;
};
void ov_levels_add(struct ov_levels *, uint16_t level);
void ov_levels_remove(struct ov_levels *, uint16_t level);
int ov_levels_min(const struct ov_levels *);    /* INT_MAX if none. */
int ov_levels_max(const struct ov_levels *);    /* -1 if none. */

struct ov_rule;

/* A rule in one direction. */
struct ov_item {
    struct hmap_node node;      /* In its tuple's 'items', by match. */
    struct ov_rule *rule;
    struct ov_tuple *tuple;
    struct ov_member *members;  /* One for each index of the tuple. */
    enum pc_direction direction;
};

struct ov_rule {
    struct hmap_node node;      /* In 'rules', by UUID. */
    struct pc_rule rule;        /* Its match is: */
    struct pc_rule_match match;
    uint16_t level;
    uint64_t seq;               /* Order of insertion. */
    struct ov_item items[2];    /* By direction; no tuple: unused. */
};

struct ov_member {
    struct ovs_list node;       /* In its entry's 'members', oldest first. */
    struct ov_member *next;     /* In its item's 'members'. */
    struct ov_entry *entry;
    struct ov_item *item;
};

struct ov_entry {
    struct hmap_node node;      /* In its index's 'entries'. */
    struct ov_index *index;
    uint16_t priority;
    enum pc_direction direction;
    struct ovs_list members;
    struct ov_levels levels;
};

struct ov_index {
    struct ovs_list node;       /* In its tuple's 'indexes'. */
    struct minimask *mask;
    struct hmap entries;
    size_t n_users;             /* Peers. */
};

struct ov_peer {
    struct ov_tuple *other;
    struct ov_index *mine, *theirs;
    double share;               /* Of one of ours, what one of 'other' covers. */
};

struct ov_tuple {
    struct hmap_node node;      /* In 'tuples', by mask. */
    struct minimask *mask;
    struct hmap items;
    struct ovs_list indexes;
    struct ov_peer *peers;      /* All tuples, itself included. */
    size_t n_peers, allocated_peers;
};

/* A priority that rules have. */
struct ov_priority {
    uint16_t priority;
    struct ov_levels levels;
};

struct pc_overlap {
    struct hmap rules;
    struct hmap tuples;
    struct ov_priority *priorities; /* Sorted, ascending. */
    size_t n_priorities, allocated_priorities;
    uint64_t next_seq;
};

/* A question: who, of one priority and direction, meets 'match'? */
struct ov_query {
    const struct minimatch *match;
    uint16_t priority;
    enum pc_direction direction;
    uint16_t level;             /* Is it taken? */
    uint32_t target;            /* Another's are better. */
    const struct pc_rule *except;   /* Neither it nor its equals. */
};
struct ov_answer {
    const struct ov_item *first;    /* The oldest; NULL: nobody. */
    const struct ov_item *same;     /* The oldest of the same target. */
    const struct ov_item *equal;    /* With the same match. */
    int min_level;                  /* Of all but 'equal'. */
    bool taken;                     /* Do they have the level asked for? */
};

/* pc-overlap.c. */
struct ov_rule *ov_rule_find(const struct pc_overlap *, const struct uuid *);
size_t ov_priority_at(const struct pc_overlap *, uint16_t priority);

/* pc-overlap-index.c. */
void ov_item_add(struct ov_item *);
void ov_item_remove(struct pc_overlap *, struct ov_item *);
struct ov_tuple *ov_tuple_find(const struct pc_overlap *,
                               const struct minimask *);
struct ov_tuple *ov_tuple_get(struct pc_overlap *, const struct minimask *);
struct ov_entry *ov_entry_find(const struct ov_index *,
                               const struct miniflow *, uint16_t priority,
                               enum pc_direction);
const struct minimatch *ov_item_match(const struct ov_item *);

/* pc-overlap-find.c. */
void ov_ask(const struct pc_overlap *, const struct ov_query *,
            struct ov_answer *);
void ov_place(const struct pc_overlap *, const struct pc_rule *,
              uint16_t level, struct pc_overlap_place *);

#endif /* pc-overlap-private.h */
