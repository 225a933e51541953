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
#include "pc-flow-table.h"

#include "flow.h"
#include "hash.h"
#include "openvswitch/ofp-group.h"
#include "pc-flow-table-private.h"
#include "util.h"

/* Which flow a packet meets.
 *
 * The flows of one table, priority and mask are a subtable, as in Open vSwitch's
 * lib/classifier.h.  There is no second index: 'entries' finds the one flow of a
 * subtable that a packet can match, and subtables are only counted. */

static size_t
mask_size(const struct minimask *mask)
{
    return (sizeof *mask
            + MINIFLOW_VALUES_SIZE(miniflow_n_values(&mask->masks)));
}

static struct pc_subtable *
find_subtable(const struct pc_flow_table *t, const struct pc_key *key,
              uint32_t hash)
{
    struct pc_subtable *s;

    HMAP_FOR_EACH_WITH_HASH (s, node, hash, &t->subtables) {
        if (s->table_id == key->table_id && s->priority == key->priority
            && minimask_equal(s->mask, key->match.mask)) {
            return s;
        }
    }
    return NULL;
}

/* An entry of 't' with 'key' has come ('n' is 1) or is about to go (-1). */
void
pc_flow_table_count(struct pc_flow_table *t, const struct pc_key *key, int n)
{
    if (key->type != PC_MOD_FLOW) {
        return;
    }
    size_t size = mask_size(key->match.mask);
    uint32_t hash = hash_bytes(key->match.mask, size,
                               key->table_id << 16 | key->priority);
    struct pc_subtable *s = find_subtable(t, key, hash);
    if (!s) {
        s = xmalloc(sizeof *s);
        s->table_id = key->table_id;
        s->priority = key->priority;
        s->mask = xmemdup(key->match.mask, size);
        s->n = 0;
        hmap_insert(&t->subtables, &s->node, hash);
    }
    s->n += n;
    if (!s->n) {
        hmap_remove(&t->subtables, &s->node);
        free(s->mask);
        free(s);
    }
}

/* Returns the flow of 's' that 'flow' matches, or null.  'buffer' has room for
 * any two struct miniflow. */
static const struct pc_entry *
find_in_subtable(const struct pc_flow_table *t, const struct pc_subtable *s,
                 const struct flow *flow, struct miniflow *buffer)
{
    size_t size = mask_size(s->mask);
    struct pc_key key = { .type = PC_MOD_FLOW, .table_id = s->table_id,
                          .priority = s->priority };
    const uint64_t *mask = miniflow_get_values(&s->mask->masks);
    size_t idx;

    /* As minimatch_init() would make it of what the mask leaves of 'flow'. */
    key.match.flow = buffer;
    key.match.mask = ALIGNED_CAST(struct minimask *, (char *) buffer + size);
    memcpy(key.match.mask, s->mask, size);
    key.match.flow->map = s->mask->masks.map;
    uint64_t *value = miniflow_values(key.match.flow);
    FLOWMAP_FOR_EACH_INDEX (idx, s->mask->masks.map) {
        *value++ = flow_u64_value(flow, idx) & *mask++;
    }
    const struct pc_entry *e = pc_entry_find(&t->entries, &key,
                                             pc_key_hash(&key));
    return e && e->want ? e : NULL;
}

void
pc_entry_view(const struct pc_entry *e, struct pc_flow_view *view)
{
    *view = (struct pc_flow_view) {
        .owner = e->owner,
        .table_id = e->key.table_id,
        .priority = e->key.priority,
        .cookie = e->want->flow.cookie,
        .match = &e->key.match,
        .ofpacts = e->want->flow.ofpacts,
        .ofpacts_len = e->want->flow.ofpacts_len,
    };
}

bool
pc_flow_table_find_flow(const struct pc_flow_table *t, uint8_t table_id,
                        const struct flow *flow, struct pc_flow_view *view)
{
    struct miniflow *buffer = xmalloc(2 * (sizeof *buffer
                                           + MINIFLOW_VALUES_SIZE(FLOW_U64S)));
    const struct pc_entry *best = NULL;
    const struct pc_subtable *s;

    HMAP_FOR_EACH (s, node, &t->subtables) {
        if (s->table_id == table_id
            && (!best || s->priority > best->key.priority)) {
            const struct pc_entry *e = find_in_subtable(t, s, flow, buffer);

            best = e ? e : best;
        }
    }
    free(buffer);
    if (best) {
        pc_entry_view(best, view);
    }
    return best != NULL;
}

const struct ofputil_group_mod *
pc_flow_table_find_group(const struct pc_flow_table *t, uint32_t group_id)
{
    struct pc_key key = { .type = PC_MOD_GROUP, .id = group_id };
    const struct pc_entry *e = pc_entry_find(&t->entries, &key,
                                             pc_key_hash(&key));

    return e && e->want ? &e->want->group : NULL;
}
