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

#include "openvswitch/dynamic-string.h"
#include "pc-flow-table-private.h"
#include "pc-layout.h"
#include "pc-zone.h"
#include "util.h"

/* The order of pc-mod.h, with groups that use groups apart. */
enum phase {
    METER_ADD,
    GROUP_LEAF_ADD,
    GROUP_ADD,
    FLOW_ADD,
    FLOW_DELETE,
    GROUP_DELETE,
    GROUP_LEAF_DELETE,
    ZONE_FLOW,
    METER_DELETE,
    N_PHASES
};

static enum phase
entry_phase(const struct pc_entry *e)
{
    bool delete = !e->want;
    bool leaf = !pc_value_uses_groups(delete ? e->have : e->want);

    switch (e->key.type) {
    case PC_MOD_FLOW:
        return delete ? FLOW_DELETE : FLOW_ADD;
    case PC_MOD_GROUP:
        return (delete ? (leaf ? GROUP_LEAF_DELETE : GROUP_DELETE)
                : leaf ? GROUP_LEAF_ADD : GROUP_ADD);
    case PC_MOD_METER:
        return delete ? METER_DELETE : METER_ADD;
    }
    OVS_NOT_REACHED();
}

/* A flow of which only the actions change is modified, which keeps its
 * counters; a modification can't change a cookie, so then it is added anew. */
static void
fill_flow_mod(struct ofputil_flow_mod *fm, const struct pc_entry *e)
{
    const struct pc_value *want = e->want, *have = e->have;

    *fm = (struct ofputil_flow_mod) {
        .priority = e->key.priority,
        .table_id = e->key.table_id,
        .buffer_id = UINT32_MAX,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
    };
    minimatch_clone(&fm->match, &e->key.match);
    if (!want) {
        fm->command = OFPFC_DELETE_STRICT;
        fm->cookie = have->flow.cookie;
        fm->cookie_mask = OVS_BE64_MAX; /* If it's still the one we know. */
        return;
    }

    fm->command = (have && have->flow.cookie == want->flow.cookie
                   ? OFPFC_MODIFY_STRICT : OFPFC_ADD);
    fm->new_cookie = want->flow.cookie;
    fm->ofpacts_len = want->flow.ofpacts_len;
    fm->ofpacts = want->flow.ofpacts;
}

static void
fill_group_mod(struct ofputil_group_mod *gm, const struct pc_entry *e)
{
    *gm = (struct ofputil_group_mod) {
        .command = (!e->want ? OFPGC11_DELETE
                    : e->have ? OFPGC11_MODIFY : OFPGC11_ADD),
        .group_id = e->key.id,
        .command_bucket_id = OFPG15_BUCKET_ALL,
    };
    ovs_list_init(&gm->buckets);
    if (e->want) {
        gm->type = e->want->group.type;
        ofputil_bucket_clone_list(&gm->buckets, &e->want->group.buckets,
                                  NULL);
        ofputil_group_properties_copy(&gm->props, &e->want->group.props);
    }
}

static void
fill_meter_mod(struct ofputil_meter_mod *mm, const struct pc_entry *e)
{
    *mm = (struct ofputil_meter_mod) {
        .command = (!e->want ? OFPMC13_DELETE
                    : e->have ? OFPMC13_MODIFY : OFPMC13_ADD),
        .meter.meter_id = e->key.id,
    };
    if (e->want) {
        mm->meter = e->want->meter;
        mm->meter.bands = xmemdup(mm->meter.bands, mm->meter.n_bands
                                  * sizeof *mm->meter.bands);
    }
}

/* Sets what 'mod', made from 'e', does with a zone.  The owner of a flow that
 * was there was another's if its cookie says so. */
static void
set_zone(struct pc_mod *mod, const struct pc_entry *e)
{
    const struct pc_value *want = e->want, *have = e->have;

    mod->zone = pc_zone_of_flow((want ? want : have)->flow.cookie,
                                e->key.priority, &e->key.match);
    if (mod->zone && have
        && (!want || pc_cookie_owner(have->flow.cookie)
                     != pc_cookie_owner(want->flow.cookie))) {
        mod->flush = PC_FLUSH_LAST;
    }
}

static struct pc_mod *
entry_to_mod(const struct pc_entry *e)
{
    struct pc_mod *mod = xzalloc(sizeof *mod);

    mod->type = e->key.type;
    mod->owner = e->owner;
    switch (mod->type) {
    case PC_MOD_FLOW:
        mod->value = pc_value_ref(e->want);
        fill_flow_mod(&mod->fm, e);
        set_zone(mod, e);
        break;
    case PC_MOD_GROUP:
        fill_group_mod(&mod->gm, e);
        break;
    case PC_MOD_METER:
        fill_meter_mod(&mod->mm, e);
        break;
    }
    return mod;
}

/* Takes what changed at 'e', which is not dirty any more. */
static void
take_change(struct pc_flow_table *t, struct pc_entry *e,
            struct ovs_list phases[N_PHASES])
{
    ovs_list_remove(&e->dirty_node);
    e->dirty = false;
    if (e->refused) {
        return;
    }
    if (!pc_value_equal(e->want, e->have)) {
        struct pc_mod *mod = entry_to_mod(e);

        ovs_list_push_back(&phases[mod->flush == PC_FLUSH_LAST ? ZONE_FLOW
                                   : entry_phase(e)], &mod->node);
    }
    if (e->want) {
        pc_value_unref(e->have);
        e->have = pc_value_ref(e->want);
    } else {
        pc_flow_table_free_entry(t, e);
    }
}

static void
take(struct pc_flow_table *t, bool additions, struct ovs_list *mods)
{
    struct ovs_list phases[N_PHASES];
    struct pc_entry *e;

    for (size_t i = 0; i < N_PHASES; i++) {
        ovs_list_init(&phases[i]);
    }
    LIST_FOR_EACH_SAFE (e, dirty_node, &t->dirty) {
        if (!e->want) {
            pc_flow_table_promote(t, e);
        }
        if (e->want || !additions) {
            take_change(t, e, phases);
        }
    }
    for (size_t i = 0; i < N_PHASES; i++) {
        ovs_list_push_back_all(mods, &phases[i]);
    }
}

void
pc_flow_table_take_changes(struct pc_flow_table *t, struct ovs_list *mods)
{
    take(t, false, mods);
}

void
pc_flow_table_take_additions(struct pc_flow_table *t, struct ovs_list *mods)
{
    take(t, true, mods);
}

/* What the switch has instead of what 'mod' was to change: nobody knows. */
static struct pc_value *
unknown_value(const struct pc_mod *mod)
{
    struct ofputil_group_mod gm = { .group_id = mod->gm.group_id,
                                    .type = OFPGT11_INDIRECT };

    if (mod->type == PC_MOD_FLOW) {
        return pc_value_from_flow(mod->fm.new_cookie, NULL, 0);
    } else if (mod->type == PC_MOD_METER) {
        struct ofputil_meter_config config = {
            .meter_id = mod->mm.meter.meter_id };
        return pc_value_from_meter(&config);
    }
    ovs_list_init(&gm.buckets);
    return pc_value_from_group(&gm);
}

static bool
mod_modifies(const struct pc_mod *mod)
{
    return (mod->type == PC_MOD_FLOW
            ? mod->fm.command == OFPFC_MODIFY_STRICT
            : mod->type == PC_MOD_GROUP ? mod->gm.command == OFPGC11_MODIFY
            : mod->mm.command == OFPMC13_MODIFY);
}

/* Returns the entry that 'mod' is about, or null. */
static struct pc_entry *
mod_entry(const struct pc_flow_table *t, const struct pc_mod *mod)
{
    struct pc_key key = {
        .type = mod->type,
        .id = (mod->type == PC_MOD_GROUP ? mod->gm.group_id
               : mod->type == PC_MOD_METER ? mod->mm.meter.meter_id : 0),
    };

    if (mod->type == PC_MOD_FLOW) {
        key.table_id = mod->fm.table_id;
        key.priority = mod->fm.priority;
        minimatch_clone(&key.match, &mod->fm.match);
    }
    struct pc_entry *e = pc_entry_find(&t->entries, &key, pc_key_hash(&key));
    pc_key_destroy(&key);
    return e;
}

bool
pc_flow_table_refused(struct pc_flow_table *t, const struct pc_mod *mod)
{
    bool gone = (mod->refused == OFPERR_OFPGMFC_UNKNOWN_GROUP
                 || mod->refused == OFPERR_OFPMMFC_UNKNOWN_METER);
    bool exists = (mod->refused == OFPERR_OFPGMFC_GROUP_EXISTS
                   || mod->refused == OFPERR_OFPMMFC_METER_EXISTS);

    if (pc_mod_is_delete(mod)) {
        return gone;            /* Whatever it was, it is gone. */
    }
    struct pc_entry *e = mod_entry(t, mod);
    if (e) {
        bool current = e->want && pc_value_equal(e->want, e->have);

        pc_value_unref(e->have);
        e->have = ((mod_modifies(mod) && !gone) || exists
                   ? unknown_value(mod) : NULL);
        e->refused = current && !gone && !exists;
        if (!e->refused) {
            pc_flow_table_mark_dirty(t, e);
        }
    }
    return gone || exists;
}

void
pc_flow_table_get_counts(const struct pc_flow_table *t,
                         struct pc_flow_table_counts *counts)
{
    const struct pc_entry *e;

    *counts = (struct pc_flow_table_counts) {
        .n_owners = hmap_count(&t->owners),
        .n_shadowed = hmap_count(&t->shadows),
    };
    HMAP_FOR_EACH (e, node, &t->entries) {
        if (e->want) {
            size_t *n = (e->key.type == PC_MOD_FLOW ? &counts->n_flows
                         : e->key.type == PC_MOD_GROUP ? &counts->n_groups
                         : &counts->n_meters);
            ++*n;
        }
    }
}

void
pc_flow_table_for_each_flow(const struct pc_flow_table *t, pc_flow_cb *cb,
                            void *aux)
{
    const struct pc_entry *e;

    HMAP_FOR_EACH (e, node, &t->entries) {
        if (e->want && e->key.type == PC_MOD_FLOW) {
            struct pc_flow_view view;

            pc_entry_view(e, &view);
            cb(&view, aux);
        }
    }
}

void
pc_flow_table_for_each_group(const struct pc_flow_table *t, pc_group_cb *cb,
                             void *aux)
{
    const struct pc_entry *e;

    HMAP_FOR_EACH (e, node, &t->entries) {
        if (e->want && e->key.type == PC_MOD_GROUP) {
            cb(&e->want->group, &e->owner, aux);
        }
    }
}

void
pc_flow_table_for_each_meter(const struct pc_flow_table *t, pc_meter_cb *cb,
                             void *aux)
{
    const struct pc_entry *e;

    HMAP_FOR_EACH (e, node, &t->entries) {
        if (e->want && e->key.type == PC_MOD_METER) {
            cb(&e->want->meter, &e->owner, aux);
        }
    }
}

/* Writes a line for each entry that 'a' wants and 'b' does not want alike. */
static void
compare_one_way(const struct pc_flow_table *a, const struct pc_flow_table *b,
                char sign, struct ds *s)
{
    const struct pc_entry *x;

    HMAP_FOR_EACH (x, node, &a->entries) {
        const struct pc_entry *y = pc_entry_find(&b->entries, &x->key,
                                                 x->node.hash);

        if (x->want && !pc_value_equal(x->want, y ? y->want : NULL)) {
            struct pc_entry as_new = *x;

            as_new.have = NULL;
            struct pc_mod *mod = entry_to_mod(&as_new);
            char *text = pc_mod_format(mod);
            ds_put_format(s, "%c%s\n", sign, text);
            free(text);
            pc_mod_destroy(mod);
        }
    }
}

static bool
wants_as_much(const struct pc_flow_table *a, const struct pc_flow_table *b)
{
    struct pc_flow_table_counts x, y;

    pc_flow_table_get_counts(a, &x);
    pc_flow_table_get_counts(b, &y);
    return (x.n_flows == y.n_flows && x.n_groups == y.n_groups
            && x.n_meters == y.n_meters);
}

char *
pc_flow_table_compare(const struct pc_flow_table *a,
                      const struct pc_flow_table *b)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    compare_one_way(a, b, '-', &s);
    /* If 'b' has all that 'a' wants, and no more, they are alike. */
    if (s.length || !wants_as_much(a, b)) {
        compare_one_way(b, a, '+', &s);
    }
    if (!s.length) {
        ds_destroy(&s);
        return NULL;
    }
    return ds_steal_cstr(&s);
}
