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
#include "pc-value.h"

#include <string.h>

#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Open vSwitch leaves the bytes after a field's value, and after its mask, as
 * they were.  Zeroed, equal actions are equal as memory. */
static void
zero_padding(struct ofpact *ofpacts, size_t ofpacts_len)
{
    struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts, ofpacts_len) {
        if (a->type == OFPACT_SET_FIELD) {
            struct ofpact_set_field *sf = ofpact_get_SET_FIELD(a);
            size_t n = sf->field->n_bytes;
            size_t pad = ROUND_UP(n, OFPACT_ALIGNTO) - n;

            memset((uint8_t *) sf->value + n, 0, pad);
            memset((uint8_t *) ofpact_set_field_mask(sf) + n, 0, pad);
        }
    }
}

struct pc_value *
pc_value_from_flow(ovs_be64 cookie, const struct ofpact *ofpacts,
                   size_t ofpacts_len)
{
    size_t header = ROUND_UP(sizeof(struct pc_value), OFPACT_ALIGNTO);
    struct pc_value *v = xmalloc(header + ofpacts_len);

    v->n_refs = 1;
    v->type = PC_MOD_FLOW;
    v->flow.cookie = cookie;
    v->flow.ofpacts_len = ofpacts_len;
    v->flow.ofpacts = (struct ofpact *) ((char *) v + header);
    nullable_memcpy(v->flow.ofpacts, ofpacts, ofpacts_len);
    zero_padding(v->flow.ofpacts, ofpacts_len);
    return v;
}

static struct pc_value *
group_value(uint32_t group_id, uint8_t type,
            const struct ofputil_group_props *props,
            const struct ovs_list *buckets)
{
    struct pc_value *v = xzalloc(sizeof *v);

    v->n_refs = 1;
    v->type = PC_MOD_GROUP;
    v->group.command = OFPGC11_ADD;     /* To encode it. */
    v->group.group_id = group_id;
    v->group.type = type;
    v->group.command_bucket_id = OFPG15_BUCKET_ALL;
    ovs_list_init(&v->group.buckets);
    ofputil_bucket_clone_list(&v->group.buckets, buckets, NULL);
    ofputil_group_properties_copy(&v->group.props, props);
    return v;
}

struct pc_value *
pc_value_from_group(const struct ofputil_group_mod *gm)
{
    return group_value(gm->group_id, gm->type, &gm->props, &gm->buckets);
}

struct pc_value *
pc_value_from_group_desc(const struct ofputil_group_desc *gd)
{
    return group_value(gd->group_id, gd->type, &gd->props, &gd->buckets);
}

struct pc_value *
pc_value_from_meter(const struct ofputil_meter_config *config)
{
    struct pc_value *v = xzalloc(sizeof *v);

    v->n_refs = 1;
    v->type = PC_MOD_METER;
    v->meter = *config;
    v->meter.bands = xmemdup(config->bands,
                             config->n_bands * sizeof *config->bands);
    return v;
}

struct pc_value *
pc_value_ref(const struct pc_value *v_)
{
    struct pc_value *v = CONST_CAST(struct pc_value *, v_);

    if (v) {
        v->n_refs++;
    }
    return v;
}

void
pc_value_unref(struct pc_value *v)
{
    if (!v || --v->n_refs) {
        return;
    }
    if (v->type == PC_MOD_GROUP) {
        ofputil_uninit_group_mod(&v->group);
    } else if (v->type == PC_MOD_METER) {
        free(v->meter.bands);
    }
    free(v);
}

static bool actions_equal_but_raw(const struct ofpact *, const struct ofpact *,
                                  size_t len);

/* Are two actions of one type and length the same but for the encoding that they
 * came in ('raw')?  What lies between the value of a set-field action and its mask
 * is not initialized. */
static bool
action_equals_but_raw(const struct ofpact *a, const struct ofpact *b)
{
    const size_t ct_len = offsetof(struct ofpact_conntrack, actions);

    if (a->type == OFPACT_SET_FIELD) {
        const struct ofpact_set_field *sa = ofpact_get_SET_FIELD(a);
        const struct ofpact_set_field *sb = ofpact_get_SET_FIELD(b);

        return (sa->field == sb->field
                && sa->flow_has_vlan == sb->flow_has_vlan
                && !memcmp(sa->value, sb->value, sa->field->n_bytes)
                && !memcmp(ofpact_set_field_mask(sa),
                           ofpact_set_field_mask(sb), sa->field->n_bytes));
    } else if (a->type == OFPACT_CT) {
        return (!memcmp(a + 1, b + 1, ct_len - sizeof *a)
                && actions_equal_but_raw(ofpact_get_CT(a)->actions,
                                         ofpact_get_CT(b)->actions,
                                         a->len - ct_len));
    }
    return !memcmp(a + 1, b + 1, a->len - sizeof *a);
}

static bool
actions_equal_but_raw(const struct ofpact *a, const struct ofpact *b,
                      size_t len)
{
    const struct ofpact *end = (const void *) ((const char *) a + len);

    while (a < end) {
        if (a->type != b->type || a->len != b->len
            || !action_equals_but_raw(a, b)) {
            return false;
        }
        b = (const void *) ((const char *) b + OFPACT_ALIGN(a->len));
        a = (const void *) ((const char *) a + OFPACT_ALIGN(a->len));
    }
    return true;
}

/* Open vSwitch keeps in an action which of its encodings it came in, which
 * doesn't matter: its text does not show it.  Making texts takes long. */
static bool
actions_equal(const struct ofpact *a, size_t a_len,
              const struct ofpact *b, size_t b_len)
{
    return ((a_len == b_len && actions_equal_but_raw(a, b, a_len))
            || ofpacts_equal_stringwise(a, a_len, b, b_len));
}

static bool
bucket_equal(const struct ofputil_bucket *a, const struct ofputil_bucket *b)
{
    return (a->weight == b->weight
            && a->watch_port == b->watch_port
            && a->watch_group == b->watch_group
            && a->bucket_id == b->bucket_id
            && actions_equal(a->ofpacts, a->ofpacts_len,
                             b->ofpacts, b->ofpacts_len));
}

static bool
props_equal(const struct ofputil_group_props *a,
            const struct ofputil_group_props *b)
{
    return (!strcmp(a->selection_method, b->selection_method)
            && a->selection_method_param == b->selection_method_param
            && a->fields.values_size == b->fields.values_size
            && !memcmp(&a->fields.used, &b->fields.used,
                       sizeof a->fields.used)
            && (!a->fields.values_size
                || !memcmp(a->fields.values, b->fields.values,
                           a->fields.values_size)));
}

static bool
group_equal(const struct ofputil_group_mod *a,
            const struct ofputil_group_mod *b)
{
    const struct ovs_list *i = a->buckets.next, *j = b->buckets.next;

    if (a->type != b->type || !props_equal(&a->props, &b->props)) {
        return false;
    }
    for (; i != &a->buckets && j != &b->buckets; i = i->next, j = j->next) {
        if (!bucket_equal(CONTAINER_OF(i, struct ofputil_bucket, list_node),
                          CONTAINER_OF(j, struct ofputil_bucket,
                                       list_node))) {
            return false;
        }
    }
    return i == &a->buckets && j == &b->buckets;
}

static bool
meter_equal(const struct ofputil_meter_config *a,
            const struct ofputil_meter_config *b)
{
    if (a->flags != b->flags || a->n_bands != b->n_bands) {
        return false;
    }
    for (size_t i = 0; i < a->n_bands; i++) {
        const struct ofputil_meter_band *x = &a->bands[i], *y = &b->bands[i];

        if (x->type != y->type || x->prec_level != y->prec_level
            || x->rate != y->rate || x->burst_size != y->burst_size) {
            return false;
        }
    }
    return true;
}

bool
pc_value_equal(const struct pc_value *a, const struct pc_value *b)
{
    if (a == b) {
        return true;
    } else if (!a || !b || a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case PC_MOD_FLOW:
        return (a->flow.cookie == b->flow.cookie
                && actions_equal(a->flow.ofpacts, a->flow.ofpacts_len,
                                 b->flow.ofpacts, b->flow.ofpacts_len));
    case PC_MOD_GROUP:
        return group_equal(&a->group, &b->group);
    case PC_MOD_METER:
        return meter_equal(&a->meter, &b->meter);
    }
    OVS_NOT_REACHED();
}

/* Returns the flow 'v' as the switch sees it: encoded and decoded.  Returns
 * null if 'protocol' can't express it. */
static struct pc_value *
flow_on_wire(const struct pc_value *v, enum ofputil_protocol protocol)
{
    enum ofp_version version = ofputil_protocol_to_ofp_version(protocol);
    uint64_t stub[64];
    struct ofpbuf msg, ofpacts;
    struct pc_value *wire = NULL;
    uint64_t tlv_bitmap = 0;

    ofpbuf_init(&msg, 256);
    ofpbuf_use_stub(&ofpacts, stub, sizeof stub);
    ofpacts_put_openflow_instructions(v->flow.ofpacts, v->flow.ofpacts_len,
                                      &msg, version);
    if (!ofpacts_pull_openflow_instructions(&msg, msg.size, version, NULL,
                                            &tlv_bitmap, &ofpacts)) {
        wire = pc_value_from_flow(v->flow.cookie, ofpacts.data, ofpacts.size);
    }
    ofpbuf_uninit(&ofpacts);
    ofpbuf_uninit(&msg);
    return wire;
}

/* The same for a group. */
static struct pc_value *
group_on_wire(const struct pc_value *v, enum ofputil_protocol protocol)
{
    enum ofp_version version = ofputil_protocol_to_ofp_version(protocol);
    struct ofputil_group_mod decoded;
    struct pc_value *wire = NULL;

    struct ofpbuf *msg = ofputil_encode_group_mod(version, &v->group, NULL,
                                                  -1);
    if (!ofputil_decode_group_mod(msg->data, &decoded)) {
        wire = pc_value_from_group(&decoded);
        ofputil_uninit_group_mod(&decoded);
    }
    ofpbuf_delete(msg);
    return wire;
}

bool
pc_value_is_installed(const struct pc_value *desired,
                      const struct pc_value *installed,
                      enum ofputil_protocol protocol)
{
    if (pc_value_equal(desired, installed)) {
        return true;
    } else if (!desired || !installed || desired->type != installed->type
               || desired->type == PC_MOD_METER
               || (desired->type == PC_MOD_FLOW
                   && desired->flow.cookie != installed->flow.cookie)) {
        return false;
    }

    struct pc_value *wire = (desired->type == PC_MOD_FLOW
                             ? flow_on_wire(desired, protocol)
                             : group_on_wire(desired, protocol));
    bool same = wire && pc_value_equal(wire, installed);
    pc_value_unref(wire);
    return same;
}

static bool
bucket_uses_group(const struct ofputil_bucket *b)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, b->ofpacts, b->ofpacts_len) {
        if (a->type == OFPACT_GROUP) {
            return true;
        }
    }
    return b->watch_group != OFPG_ANY;
}

bool
pc_value_uses_groups(const struct pc_value *v)
{
    const struct ofputil_bucket *b;

    if (v->type == PC_MOD_GROUP) {
        LIST_FOR_EACH (b, list_node, &v->group.buckets) {
            if (bucket_uses_group(b)) {
                return true;
            }
        }
    }
    return false;
}
