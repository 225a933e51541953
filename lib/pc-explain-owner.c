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

#include "pc-explain-private.h"
#include "pc-layout.h"
#include "util.h"

/* Who owns what: from cookies and numbers to rows. */

struct pc_explain_owner_node {
    struct hmap_node hmap_node; /* By the 40 bits of the cookie. */
    uint64_t bits;
    struct pc_explain_owner owner;
};

struct pc_explain_owners {
    struct hmap map;
};

static struct pc_explain_owner *
pc_explain_owner_add(struct pc_explain_owners *owners, const struct uuid *uuid,
                     char *name)
{
    struct pc_explain_owner_node *node = xzalloc(sizeof *node);

    node->bits = pc_cookie_owner_bits(uuid);
    node->owner.name = name;
    hmap_insert(&owners->map, &node->hmap_node, node->bits);
    return &node->owner;
}

static void
pc_explain_add_rules(struct pc_explain_owners *owners,
                     const struct pc_controller *c)
{
    const struct pc_ctl_rule *rule;

    HMAP_FOR_EACH (rule, hmap_node, &c->rules) {
        const struct pcrec_rule *row
            = pcrec_rule_get_for_uuid(c->idl, &rule->uuid);
        struct pc_explain_owner *owner = pc_explain_owner_add(
            owners, &rule->uuid,
            xasprintf("rule %08x of %s %s (%s%s%s)", rule->uuid.parts[0],
                      row && row->chain ? "chain" : "service",
                      row && row->chain ? row->chain->name
                      : row && row->service ? row->service->name : "(none)",
                      row ? row->match : "", rule->after ? " after " : "",
                      rule->after ? rule->after->order->name : ""));
        owner->rule = rule;
        owner->service
            = (row && row->service
               ? pc_ctl_service_find(c, &row->service->header_.uuid) : NULL);
    }
}

/* Returns the owners of all flows, as they are now. */
struct pc_explain_owners *
pc_explain_owners_create(const struct pc_controller *c)
{
    struct pc_explain_owners *owners = xmalloc(sizeof *owners);
    const struct pc_ctl_service *svc;
    const struct pc_ctl_part *part;
    const struct pc_ctl_vi *vi;

    hmap_init(&owners->map);
    HMAP_FOR_EACH (svc, hmap_node, &c->services) {
        pc_explain_owner_add(owners, &svc->s.uuid,
                             xasprintf("service %s", svc->s.name))->service
            = svc;
    }
    const struct pcrec_chain *chain;
    PCREC_CHAIN_FOR_EACH (chain, c->idl) {
        pc_explain_owner_add(owners, &chain->header_.uuid,
                             xasprintf("chain %s", chain->name));
    }
    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        struct pc_explain_owner *owner = pc_explain_owner_add(
            owners, &vi->vi.uuid, xasprintf("VI %s", vi->vi.name));
        owner->vi = vi;
        owner->service = vi->svc;
    }
    HMAP_FOR_EACH (part, by_uuid, &c->parts) {
        const struct pcrec_interface *iface
            = pcrec_interface_get_for_uuid(c->idl, &part->uuid);
        const struct pcrec_route *route
            = pcrec_route_get_for_uuid(c->idl, &part->uuid);
        char *name = (iface ? xasprintf("interface %s", iface->name)
                      : route ? xasprintf("route %s", route->prefix)
                      : xstrdup("interface"));
        pc_explain_owner_add(owners, &part->uuid, name)->part = part;
    }
    pc_explain_add_rules(owners, c);
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
pc_explain_owner_find(const struct pc_explain_owners *owners, ovs_be64 cookie)
{
    uint64_t bits = pc_cookie_owner(cookie);
    const struct pc_explain_owner_node *node;

    HMAP_FOR_EACH_WITH_HASH (node, hmap_node, bits, &owners->map) {
        if (node->bits == bits) {
            return &node->owner;
        }
    }
    return NULL;
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
