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

#include "hash.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "pc-flow-table-private.h"
#include "util.h"
#include "uuid.h"

uint32_t
pc_key_hash(const struct pc_key *key)
{
    return (key->type == PC_MOD_FLOW
            ? minimatch_hash(&key->match,
                             key->table_id << 16 | key->priority)
            : hash_2words(key->id, key->type));
}

bool
pc_key_equal(const struct pc_key *a, const struct pc_key *b)
{
    return (a->type == b->type
            && (a->type != PC_MOD_FLOW
                ? a->id == b->id
                : (a->table_id == b->table_id
                   && a->priority == b->priority
                   && minimatch_equal(&a->match, &b->match))));
}

/* Moves 'src' to 'dst', and leaves 'src' empty. */
void
pc_key_move(struct pc_key *dst, struct pc_key *src)
{
    *dst = *src;
    if (src->type == PC_MOD_FLOW) {
        minimatch_move(&dst->match, &src->match);
    }
}

void
pc_key_destroy(struct pc_key *key)
{
    if (key->type == PC_MOD_FLOW) {
        minimatch_destroy(&key->match);
    }
}

/* A match on the default packet type is the same as one on none: some of Open
 * vSwitch's functions add it, and a switch does not return it. */
void
pc_key_from_flow(struct pc_key *key, uint8_t table_id, uint16_t priority,
                 const struct match *match)
{
    *key = (struct pc_key) { .type = PC_MOD_FLOW, .table_id = table_id,
                             .priority = priority };
    if (match->wc.masks.packet_type && match_has_default_packet_type(match)) {
        struct match copy = *match;

        copy.flow.packet_type = copy.wc.masks.packet_type = 0;
        minimatch_init(&key->match, &copy);
    } else {
        minimatch_init(&key->match, match);
    }
}

/* Returns the entry with 'key' in 'map', or null. */
struct pc_entry *
pc_entry_find(const struct hmap *map, const struct pc_key *key, uint32_t hash)
{
    struct pc_entry *e;

    HMAP_FOR_EACH_WITH_HASH (e, node, hash, map) {
        if (pc_key_equal(&e->key, key)) {
            return e;
        }
    }
    return NULL;
}

static struct pc_entry *
find_shadow(const struct pc_flow_table *t, const struct pc_key *key,
            uint32_t hash, const struct uuid *owner)
{
    struct pc_entry *e;

    HMAP_FOR_EACH_WITH_HASH (e, node, hash, &t->shadows) {
        if (uuid_equals(&e->owner, owner) && pc_key_equal(&e->key, key)) {
            return e;
        }
    }
    return NULL;
}

struct pc_flow_table *
pc_flow_table_create(void)
{
    struct pc_flow_table *t = xzalloc(sizeof *t);

    hmap_init(&t->entries);
    hmap_init(&t->shadows);
    hmap_init(&t->owners);
    hmap_init(&t->subtables);
    ovs_list_init(&t->dirty);
    t->selection = true;
    return t;
}

void
pc_flow_table_free_entry(struct pc_flow_table *t, struct pc_entry *e)
{
    hmap_remove(e->shadow ? &t->shadows : &t->entries, &e->node);
    if (!e->shadow) {
        pc_flow_table_count(t, &e->key, -1);
    }
    if (e->dirty) {
        ovs_list_remove(&e->dirty_node);
    }
    pc_key_destroy(&e->key);
    pc_value_unref(e->want);
    pc_value_unref(e->have);
    free(e);
}

void
pc_flow_table_destroy(struct pc_flow_table *t)
{
    if (t) {
        struct pc_entry *e;
        struct pc_owner *o;

        HMAP_FOR_EACH_SAFE (e, node, &t->entries) {
            pc_flow_table_free_entry(t, e);
        }
        HMAP_FOR_EACH_SAFE (e, node, &t->shadows) {
            pc_flow_table_free_entry(t, e);
        }
        HMAP_FOR_EACH_POP (o, node, &t->owners) {
            free(o);
        }
        hmap_destroy(&t->entries);
        hmap_destroy(&t->shadows);
        hmap_destroy(&t->owners);
        hmap_destroy(&t->subtables);
        free(t);
    }
}

static struct pc_owner *
find_owner(const struct pc_flow_table *t, const struct uuid *uuid)
{
    struct pc_owner *o;

    HMAP_FOR_EACH_WITH_HASH (o, node, uuid_hash(uuid), &t->owners) {
        if (uuid_equals(&o->uuid, uuid)) {
            return o;
        }
    }
    return NULL;
}

static void
link_to_owner(struct pc_flow_table *t, struct pc_entry *e)
{
    struct pc_owner *o = find_owner(t, &e->owner);

    if (!o) {
        o = xmalloc(sizeof *o);
        o->uuid = e->owner;
        ovs_list_init(&o->entries);
        hmap_insert(&t->owners, &o->node, uuid_hash(&o->uuid));
    }
    ovs_list_push_back(&o->entries, &e->owner_node);
}

/* Notes that taking the changes must look at 'e'. */
void
pc_flow_table_mark_dirty(struct pc_flow_table *t, struct pc_entry *e)
{
    if (!e->dirty) {
        e->dirty = true;
        ovs_list_push_back(&t->dirty, &e->dirty_node);
    }
}

/* Takes from 'e' what its owner desires; unlinks it from that owner. */
static void
give_up(struct pc_flow_table *t, struct pc_entry *e)
{
    ovs_list_remove(&e->owner_node);
    if (e->shadow) {
        pc_flow_table_free_entry(t, e);
    } else {
        pc_value_unref(e->want);
        e->want = NULL;
        e->refused = false;
        pc_flow_table_mark_dirty(t, e);
    }
}

void
pc_flow_table_remove_owner(struct pc_flow_table *t, const struct uuid *owner)
{
    struct pc_owner *o = find_owner(t, owner);

    if (o) {
        struct pc_entry *e;

        LIST_FOR_EACH_SAFE (e, owner_node, &o->entries) {
            give_up(t, e);
        }
        hmap_remove(&t->owners, &o->node);
        free(o);
    }
}

void
pc_flow_table_clear(struct pc_flow_table *t)
{
    struct pc_owner *o;

    HMAP_FOR_EACH_SAFE (o, node, &t->owners) {
        pc_flow_table_remove_owner(t, &o->uuid);
    }
}

static struct pc_entry *
new_entry(struct pc_flow_table *t, bool shadow, struct pc_key *key,
          uint32_t hash)
{
    struct pc_entry *e = xzalloc(sizeof *e);

    pc_key_move(&e->key, key);
    e->shadow = shadow;
    hmap_insert(shadow ? &t->shadows : &t->entries, &e->node, hash);
    if (!shadow) {
        pc_flow_table_count(t, &e->key, 1);
    }
    return e;
}

/* Returns the entry with '*key', which it takes over, made if need be. */
struct pc_entry *
pc_flow_table_get_entry(struct pc_flow_table *t, const struct pc_key *key_)
{
    struct pc_key *key = CONST_CAST(struct pc_key *, key_);
    uint32_t hash = pc_key_hash(key);
    struct pc_entry *e = pc_entry_find(&t->entries, key, hash);

    if (e) {
        pc_key_destroy(key);
        return e;
    }
    return new_entry(t, false, key, hash);
}

/* 'owner' desires 'value' at 'key'.  Takes over both. */
static void
add(struct pc_flow_table *t, const struct uuid *owner, struct pc_key *key,
    struct pc_value *value)
{
    uint32_t hash = pc_key_hash(key);
    struct pc_entry *e = pc_entry_find(&t->entries, key, hash);

    /* An owner that has just given it up comes first: it was recompiled. */
    if (e && !uuid_equals(&e->owner, owner)
        && (e->want || !uuid_is_zero(&e->owner))) {
        e = find_shadow(t, key, hash, owner);
        if (!e) {
            e = new_entry(t, true, key, hash);
            e->seq = t->next_seq++;
            e->owner = *owner;
            link_to_owner(t, e);
        } else {
            pc_key_destroy(key);
        }
    } else {
        if (!e) {
            e = new_entry(t, false, key, hash);
        } else {
            pc_key_destroy(key);
        }
        if (!e->want) {
            e->owner = *owner;
            link_to_owner(t, e);
        }
    }

    if (pc_value_equal(e->want, value)) {
        pc_value_unref(value);
        return;
    }
    pc_value_unref(e->want);
    e->want = value;
    e->refused = false;
    if (!e->shadow) {
        pc_flow_table_mark_dirty(t, e);
    }
}

/* Gives 'e', which nobody wants any more, to the first who waits for it. */
void
pc_flow_table_promote(struct pc_flow_table *t, struct pc_entry *e)
{
    struct pc_entry *i, *first = NULL;

    HMAP_FOR_EACH_WITH_HASH (i, node, e->node.hash, &t->shadows) {
        if ((!first || i->seq < first->seq) && pc_key_equal(&i->key, &e->key)) {
            first = i;
        }
    }
    if (first) {
        e->owner = first->owner;
        e->want = pc_value_ref(first->want);
        ovs_list_remove(&first->owner_node);
        pc_flow_table_free_entry(t, first);
        link_to_owner(t, e);
    }
}

void
pc_flow_table_add_flow(struct pc_flow_table *t, const struct uuid *owner,
                       const struct pc_flow_spec *spec)
{
    struct pc_key key;

    pc_key_from_flow(&key, spec->table_id, spec->priority, spec->match);
    add(t, owner, &key, pc_value_from_flow(spec->cookie, spec->ofpacts->data,
                                           spec->ofpacts->size));
}

bool
pc_flow_table_remove_flow(struct pc_flow_table *t, const struct uuid *owner,
                          uint8_t table_id, uint16_t priority,
                          const struct match *match)
{
    struct pc_key key;

    pc_key_from_flow(&key, table_id, priority, match);
    uint32_t hash = pc_key_hash(&key);
    struct pc_entry *e = pc_entry_find(&t->entries, &key, hash);
    if (!e || !e->want || !uuid_equals(&e->owner, owner)) {
        e = find_shadow(t, &key, hash, owner);
    }
    pc_key_destroy(&key);
    if (!e) {
        return false;
    }

    give_up(t, e);
    struct pc_owner *o = find_owner(t, owner);
    if (ovs_list_is_empty(&o->entries)) {
        hmap_remove(&t->owners, &o->node);
        free(o);
    }
    return true;
}

/* Makes of a select group one in which the first live bucket gets all. */
static void
stand_by(struct ofputil_group_mod *gm)
{
    struct ofputil_bucket *b;

    gm->type = OFPGT11_FF;
    ofputil_group_properties_destroy(&gm->props);
    memset(&gm->props, 0, sizeof gm->props);
    LIST_FOR_EACH (b, list_node, &gm->buckets) {
        b->weight = 0;
    }
}

void
pc_flow_table_reserve(struct pc_flow_table *t, size_t n)
{
    hmap_reserve(&t->entries, n);
}

void
pc_flow_table_set_selection(struct pc_flow_table *t, bool selection)
{
    t->selection = selection;
}

void
pc_flow_table_add_group(struct pc_flow_table *t, const struct uuid *owner,
                        const struct ofputil_group_mod *gm)
{
    struct pc_key key = { .type = PC_MOD_GROUP, .id = gm->group_id };

    struct pc_value *value = pc_value_from_group(gm);
    if (gm->type == OFPGT11_SELECT && !t->selection) {
        stand_by(&value->group);
    }
    add(t, owner, &key, value);
}

void
pc_flow_table_add_meter(struct pc_flow_table *t, const struct uuid *owner,
                        const struct ofputil_meter_config *config)
{
    struct pc_key key = { .type = PC_MOD_METER, .id = config->meter_id };

    add(t, owner, &key, pc_value_from_meter(config));
}

bool
pc_flow_table_is_dirty(const struct pc_flow_table *t)
{
    return !ovs_list_is_empty(&t->dirty);
}

bool
pc_flow_table_find_conflict(const struct pc_flow_table *t,
                            const struct uuid *owner, struct uuid *winner)
{
    const struct pc_owner *o = find_owner(t, owner);
    const struct pc_entry *e;

    if (o) {
        LIST_FOR_EACH (e, owner_node, &o->entries) {
            const struct pc_entry *head = (
                e->shadow ? pc_entry_find(&t->entries, &e->key, e->node.hash)
                : NULL);
            if (head && head->want) {
                *winner = head->owner;
                return true;
            }
        }
    }
    return false;
}
