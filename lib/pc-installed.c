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
#include "pc-installed.h"

#include "openvswitch/ofp-flow.h"
#include "pc-flow-table-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "util.h"
#include "uuid.h"

struct pc_installed {
    struct hmap entries;        /* Of struct pc_entry with only a 'have'. */
    enum ofputil_protocol protocol;
};

struct pc_installed *
pc_installed_create(enum ofputil_protocol protocol)
{
    struct pc_installed *inst = xmalloc(sizeof *inst);

    hmap_init(&inst->entries);
    inst->protocol = protocol;
    return inst;
}

void
pc_installed_destroy(struct pc_installed *inst)
{
    if (inst) {
        struct pc_entry *e;

        HMAP_FOR_EACH_POP (e, node, &inst->entries) {
            pc_key_destroy(&e->key);
            pc_value_unref(e->have);
            free(e);
        }
        hmap_destroy(&inst->entries);
        free(inst);
    }
}

/* Takes over 'key' and 'value'. */
static void
add(struct pc_installed *inst, struct pc_key *key, struct pc_value *value)
{
    struct pc_entry *e = xzalloc(sizeof *e);

    pc_key_move(&e->key, key);
    e->have = value;
    hmap_insert(&inst->entries, &e->node, pc_key_hash(&e->key));
}

bool
pc_installed_add_flow(struct pc_installed *inst,
                      const struct ofputil_flow_stats *fs)
{
    if (!pc_cookie_is_ours(fs->cookie)) {
        return false;
    }

    struct pc_key key;
    pc_key_from_flow(&key, fs->table_id, fs->priority, &fs->match);
    add(inst, &key, pc_value_from_flow(fs->cookie, fs->ofpacts,
                                       fs->ofpacts_len));
    return true;
}

bool
pc_installed_add_group(struct pc_installed *inst,
                       const struct ofputil_group_desc *gd)
{
    if (!pc_group_is_ours(gd->group_id)) {
        return false;
    }

    struct pc_key key = { .type = PC_MOD_GROUP, .id = gd->group_id };
    add(inst, &key, pc_value_from_group_desc(gd));
    return true;
}

bool
pc_installed_add_meter(struct pc_installed *inst,
                       const struct ofputil_meter_config *config)
{
    if (!pc_meter_is_ours(config->meter_id)) {
        return false;
    }

    struct pc_key key = { .type = PC_MOD_METER, .id = config->meter_id };
    add(inst, &key, pc_value_from_meter(config));
    return true;
}

/* Makes of what 't' believes the switch to have what it really has. */
static void
believe(const struct pc_installed *inst, struct pc_flow_table *t)
{
    struct pc_entry *e;

    HMAP_FOR_EACH (e, node, &t->entries) {
        const struct pc_entry *i = pc_entry_find(&inst->entries, &e->key,
                                                 e->node.hash);
        struct pc_value *have = i ? i->have : NULL;

        e->refused = false;
        /* The owner may be recorded as the last one who wanted this. */
        if (!e->want) {
            pc_flow_table_promote(t, e);
        }
        if (pc_value_is_installed(e->want, have, inst->protocol)) {
            have = e->want;
        }
        pc_value_unref(e->have);
        e->have = pc_value_ref(have);
        if (!e->want || e->have != e->want) {
            pc_flow_table_mark_dirty(t, e);
        }
    }
}

void
pc_installed_diff(const struct pc_installed *inst, struct pc_flow_table *t,
                  struct ovs_list *mods)
{
    const struct pc_entry *i;

    believe(inst, t);
    HMAP_FOR_EACH (i, node, &inst->entries) {
        if (!pc_entry_find(&t->entries, &i->key, i->node.hash)) {
            struct pc_key key = i->key;

            if (key.type == PC_MOD_FLOW) {
                minimatch_clone(&key.match, &i->key.match);
            }
            struct pc_entry *stray = pc_flow_table_get_entry(t, &key);
            stray->have = pc_value_ref(i->have);
            pc_flow_table_mark_dirty(t, stray);
        }
    }
    pc_flow_table_take_changes(t, mods);
}

void
pc_installed_for_each_flow(const struct pc_installed *inst,
                           void (*cb)(const struct pc_flow_view *, void *aux),
                           void *aux)
{
    const struct pc_entry *e;

    HMAP_FOR_EACH (e, node, &inst->entries) {
        if (e->key.type == PC_MOD_FLOW) {
            struct pc_flow_view view = {
                .table_id = e->key.table_id,
                .priority = e->key.priority,
                .cookie = e->have->flow.cookie,
                .match = &e->key.match,
                .ofpacts = e->have->flow.ofpacts,
                .ofpacts_len = e->have->flow.ofpacts_len,
            };
            cb(&view, aux);
        }
    }
}

size_t
pc_installed_count(const struct pc_installed *inst)
{
    return hmap_count(&inst->entries);
}

void
pc_installed_get_counts(const struct pc_installed *inst,
                        struct pc_installed_counts *counts)
{
    const struct pc_entry *e;

    *counts = (struct pc_installed_counts) { 0, 0, 0 };
    HMAP_FOR_EACH (e, node, &inst->entries) {
        size_t *n = (e->key.type == PC_MOD_FLOW ? &counts->n_flows
                     : e->key.type == PC_MOD_GROUP ? &counts->n_groups
                     : &counts->n_meters);
        ++*n;
    }
}
