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
#include "pc-explain.h"

#include "hash.h"
#include "pc-explain-private.h"
#include "pc-layout.h"
#include "util.h"

/* Who owns what: from cookies and numbers to rows.
 *
 * A cookie has the first 40 bits of the owner's UUID: enough to find the row by,
 * as uuid_hash() is the first 32.  So owners are named when they are asked for,
 * each once. */

struct pc_explain_owner_node {
    struct hmap_node hmap_node; /* By 'bits'. */
    uint64_t bits;              /* Of the cookie. */
    struct pc_explain_owner owner;  /* 'name' NULL: nobody. */
};

struct pc_explain_owners {
    const struct pc_controller *c;
    struct hmap map;            /* Those that have been asked for. */
};

static void
name_rule(struct pc_explain_owner *owner, const struct pc_controller *c,
          const struct pc_ctl_rule *rule)
{
    const struct pcrec_rule *row
        = pcrec_rule_get_for_uuid(c->idl, &rule->uuid);

    owner->rule = rule;
    owner->service
        = (row && row->service
           ? pc_ctl_service_find(c, &row->service->header_.uuid) : NULL);
    owner->name = xasprintf(
        "rule %08x of %s %s (%s%s%s)", rule->uuid.parts[0],
        row && row->chain ? "chain" : "service",
        row && row->chain ? row->chain->name
        : row && row->service ? row->service->name : "(none)",
        row ? row->match : "", rule->after ? " after " : "",
        rule->after ? rule->after->order->name : "");
}

static void
name_vi(struct pc_explain_owner *owner, const struct pc_ctl_vi *vi)
{
    owner->vi = vi;
    owner->service = vi->svc;
    owner->name = xasprintf("VI %s", vi->vi.name);
}

static void
name_part(struct pc_explain_owner *owner, const struct pc_controller *c,
          const struct pc_ctl_part *part)
{
    const struct pcrec_interface *iface
        = pcrec_interface_get_for_uuid(c->idl, &part->uuid);
    const struct pcrec_route *route
        = pcrec_route_get_for_uuid(c->idl, &part->uuid);

    owner->part = part;
    owner->name = (iface ? xasprintf("interface %s", iface->name)
                   : route ? xasprintf("route %s", route->prefix)
                   : xstrdup("interface"));
}

/* Finds out who has 'bits' in the cookies of flows. */
static void
name_owner(struct pc_explain_owner *owner, const struct pc_controller *c,
           uint64_t bits)
{
    const struct uuid first = { .parts = { bits >> 8 } };
    size_t hash = uuid_hash(&first);
    const struct pc_ctl_service *svc;
    const struct pc_ctl_rule *rule;
    const struct pc_ctl_part *part;
    const struct pcrec_chain *chain;
    const struct pc_ctl_vi *vi;

    HMAP_FOR_EACH_WITH_HASH (rule, hmap_node, hash, &c->rules) {
        if (pc_cookie_owner_bits(&rule->uuid) == bits) {
            name_rule(owner, c, rule);
            return;
        }
    }
    HMAP_FOR_EACH_WITH_HASH (part, by_uuid, hash, &c->parts) {
        if (pc_cookie_owner_bits(&part->uuid) == bits) {
            name_part(owner, c, part);
            return;
        }
    }
    HMAP_FOR_EACH_WITH_HASH (vi, hmap_node, hash, &c->vis) {
        if (pc_cookie_owner_bits(&vi->vi.uuid) == bits) {
            name_vi(owner, vi);
            return;
        }
    }
    HMAP_FOR_EACH_WITH_HASH (svc, hmap_node, hash, &c->services) {
        if (pc_cookie_owner_bits(&svc->s.uuid) == bits) {
            owner->service = svc;
            owner->name = xasprintf("service %s", svc->s.name);
            return;
        }
    }
    PCREC_CHAIN_FOR_EACH (chain, c->idl) {
        if (pc_cookie_owner_bits(&chain->header_.uuid) == bits) {
            owner->name = xasprintf("chain %s", chain->name);
            return;
        }
    }
}

/* Returns the owners of all flows, as they are until the next change. */
struct pc_explain_owners *
pc_explain_owners_create(const struct pc_controller *c)
{
    struct pc_explain_owners *owners = xmalloc(sizeof *owners);

    owners->c = c;
    hmap_init(&owners->map);
    return owners;
}

void
pc_explain_owners_destroy(struct pc_explain_owners *owners)
{
    struct pc_explain_owner_node *node;

    HMAP_FOR_EACH_POP (node, hmap_node, &owners->map) {
        free(node->owner.name);
        free(node);
    }
    hmap_destroy(&owners->map);
    free(owners);
}

/* Returns who has a flow with 'cookie', NULL if nobody in particular. */
const struct pc_explain_owner *
pc_explain_owner_find(const struct pc_explain_owners *owners_,
                      ovs_be64 cookie)
{
    struct pc_explain_owners *owners
        = CONST_CAST(struct pc_explain_owners *, owners_);
    uint64_t bits = pc_cookie_owner(cookie);
    uint32_t hash = hash_uint64(bits);
    struct pc_explain_owner_node *node;

    HMAP_FOR_EACH_WITH_HASH (node, hmap_node, hash, &owners->map) {
        if (node->bits == bits) {
            return node->owner.name ? &node->owner : NULL;
        }
    }
    node = xzalloc(sizeof *node);
    node->bits = bits;
    name_owner(&node->owner, owners->c, bits);
    hmap_insert(&owners->map, &node->hmap_node, hash);
    return node->owner.name ? &node->owner : NULL;
}

/* Returns the service with 'number', NULL if there is none. */
const struct pc_ctl_service *
pc_explain_service_by_number(const struct pc_controller *c, uint16_t number)
{
    const struct pc_ctl_service *svc;

    HMAP_FOR_EACH (svc, hmap_node, &c->services) {
        if (svc->s.number == number) {
            return svc;
        }
    }
    return NULL;
}

/* Returns the VI with 'number', NULL if there is none. */
const struct pc_ctl_vi *
pc_explain_vi_by_number(const struct pc_controller *c, uint16_t number)
{
    const struct pc_ctl_vi *vi;

    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        if (vi->vi.number == number) {
            return vi;
        }
    }
    return NULL;
}

/* Returns 'metadata' in words, with names: the caller frees it. */
char *
pc_explain_meta(const struct pc_controller *c, uint64_t metadata)
{
    struct pc_meta m = pc_meta_unpack(metadata);
    const struct pc_ctl_service *svc
        = (m.path && !(m.path & PC_PATH_CHAIN)
           ? pc_explain_service_by_number(c, m.path) : NULL);
    const struct pc_ctl_vi *vi
        = m.vi ? pc_explain_vi_by_number(c, m.vi) : NULL;
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (m.served) {
        ds_put_cstr(&ds, "served ");
    }
    if (m.path) {
        if (svc) {
            ds_put_format(&ds, "service %s ", svc->s.name);
        } else {
            ds_put_format(&ds, "path %#x ", m.path);
        }
        ds_put_format(&ds, "hop %d ", m.hop);
    }
    if (vi) {
        ds_put_format(&ds, "VI %s ", vi->vi.name);
    }
    if (m.path || m.vi) {
        ds_put_cstr(&ds, pc_direction_name(m.direction));
    }
    ds_chomp(&ds, ' ');
    return ds_steal_cstr(&ds);
}
