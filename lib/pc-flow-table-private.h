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

#ifndef PC_FLOW_TABLE_PRIVATE_H
#define PC_FLOW_TABLE_PRIVATE_H 1

/* Inside the flow table: pc-flow-table.c (what is desired),
 * pc-flow-table-take.c (the mods), pc-flow-table-find.c (which flow a packet
 * meets) and pc-installed.c (what the switch has).
 *
 * One struct pc_entry stands for one key: a flow (table, priority, match), a
 * group or a meter (id).  'want' is what its owner desires, 'have' what the
 * switch has; taking the changes makes 'have' of 'want'.  An entry with
 * neither is freed.
 *
 * An entry is in 'entries'.  What later owners desire for the same key waits
 * in 'shadows', in entries that have only a 'want'. */

#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "pc-mod.h"
#include "pc-value.h"

struct pc_key {
    enum pc_mod_type type;
    uint8_t table_id;           /* Flows. */
    uint16_t priority;          /* Flows. */
    uint32_t id;                /* Groups and meters. */
    struct minimatch match;     /* Flows. */
};

struct pc_entry {
    struct hmap_node node;      /* In 'entries' or 'shadows', by key. */
    struct ovs_list owner_node; /* In its owner's list if 'want'. */
    struct ovs_list dirty_node; /* In 'dirty' if 'dirty'. */
    struct pc_key key;
    struct uuid owner;          /* Who wants, or last wanted, it. */
    struct pc_value *want;
    struct pc_value *have;
    uint64_t seq;               /* Age of a shadow. */
    bool shadow;
    bool dirty;
    bool refused;               /* 'want' was: not to be tried again. */
};

struct pc_owner {
    struct hmap_node node;      /* In 'owners', by uuid. */
    struct uuid uuid;
    struct ovs_list entries;    /* Of struct pc_entry by owner_node. */
};

/* The flows in 'entries' of one table and priority, with one mask. */
struct pc_subtable {
    struct hmap_node node;      /* In 'subtables', by these three. */
    uint8_t table_id;
    uint16_t priority;
    struct minimask *mask;
    size_t n;                   /* How many they are. */
};

struct pc_flow_table {
    struct hmap entries;
    struct hmap shadows;
    struct hmap owners;
    struct hmap subtables;
    struct ovs_list dirty;
    uint64_t next_seq;
    bool selection;             /* Select groups as they are. */
};

uint32_t pc_key_hash(const struct pc_key *);
bool pc_key_equal(const struct pc_key *, const struct pc_key *);
void pc_key_move(struct pc_key *dst, struct pc_key *src);
void pc_key_destroy(struct pc_key *);
void pc_key_from_flow(struct pc_key *, uint8_t table_id, uint16_t priority,
                      const struct match *);

struct pc_entry *pc_entry_find(const struct hmap *, const struct pc_key *,
                               uint32_t hash);
struct pc_entry *pc_flow_table_get_entry(struct pc_flow_table *,
                                         const struct pc_key *);
void pc_flow_table_free_entry(struct pc_flow_table *, struct pc_entry *);
void pc_flow_table_count(struct pc_flow_table *, const struct pc_key *,
                         int n);
void pc_entry_view(const struct pc_entry *, struct pc_flow_view *);
void pc_flow_table_mark_dirty(struct pc_flow_table *, struct pc_entry *);
void pc_flow_table_promote(struct pc_flow_table *, struct pc_entry *);

#endif /* pc-flow-table-private.h */
