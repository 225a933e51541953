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
#include "pc-controller.h"

#include "pc-controller-private.h"
#include "util.h"

/* What changed in the database: each row that is new, different or gone is
 * handed to the file that knows its kind.  Only the rows that changed are looked
 * at; the first time, or after another controller had the lock, all are. */

static struct pc_ctl_router *
pc_ctl_router_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH_WITH_HASH (r, hmap_node, uuid_hash(uuid), &c->routers) {
        if (uuid_equals(&r->uuid, uuid)) {
            return r;
        }
    }
    return NULL;
}

/* Takes over 'row'.  A router that is reached otherwise, or has its tables
 * elsewhere, is another one. */
static void
pc_controller_update_router(struct pc_controller *c,
                            const struct pcrec_router *row)
{
    struct pc_ctl_router *r = pc_ctl_router_find(c, &row->header_.uuid);
    char *target = pc_ctl_router_target(row);

    if (r && (strcmp(r->target, target) || r->base != row->table_base)) {
        pc_ctl_router_leave(c, r);
        r = NULL;
    }
    if (!r) {
        pc_ctl_router_create(c, row);
    } else if (pcrec_router_is_updated(row, PCREC_ROUTER_COL_INTERFACES)
               || pcrec_router_is_updated(row, PCREC_ROUTER_COL_ROUTES)) {
        pc_ctl_router_update_parts(c, r, row);
    }
    free(target);
}

/* Brings 'routers' to those of the cloudlet's row. */
static void
pc_controller_update_routers(struct pc_controller *c,
                             const struct pcrec_cloudlet *cloudlet)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH_SAFE (r, hmap_node, &c->routers) {
        bool found = false;
        for (size_t i = 0; i < cloudlet->n_routers; i++) {
            found |= uuid_equals(&cloudlet->routers[i]->header_.uuid,
                                 &r->uuid);
        }
        if (!found) {
            pc_ctl_router_leave(c, r);
        }
    }
    for (size_t i = 0; i < cloudlet->n_routers; i++) {
        pc_controller_update_router(c, cloudlet->routers[i]);
    }
}

/* Takes over all rows. */
void
pc_ctl_load(struct pc_controller *c, const struct pcrec_cloudlet *cloudlet)
{
    const struct pcrec_packetcloud *pc = pcrec_packetcloud_first(c->idl);
    const struct pcrec_service *service;
    const struct pcrec_chain *chain;
    const struct pcrec_rule *rule;
    const struct pcrec_vi *vi;

    pc_controller_update_routers(c, cloudlet);
    PCREC_SERVICE_FOR_EACH (service, c->idl) {
        pc_ctl_service_update(c, service);
    }
    PCREC_CHAIN_FOR_EACH (chain, c->idl) {
        pc_ctl_chain_update(c, chain);
    }
    PCREC_VI_FOR_EACH (vi, c->idl) {
        pc_ctl_vi_update(c, vi);
    }
    PCREC_RULE_FOR_EACH (rule, c->idl) {
        pc_ctl_rule_update(c, rule);
    }
    pc_ctl_inspect_load(c);
    pc_ctl_reserve_load(c);
    pc_ctl_chains_settle(c);
    c->hold_cfg = pc ? pc->next_cfg : 0;
    c->name_nodes = true;
    c->loaded = true;
}

static void
pc_controller_track_services(struct pc_controller *c)
{
    const struct pcrec_service *service;

    PCREC_SERVICE_FOR_EACH_TRACKED (service, c->idl) {
        if (!pcrec_service_is_deleted(service)) {
            pc_ctl_service_update(c, service);
        } else {
            struct pc_ctl_service *svc
                = pc_ctl_service_find(c, &service->header_.uuid);
            if (svc) {
                pc_ctl_service_remove(c, svc);
            }
        }
    }
}

static void
pc_controller_track_chains(struct pc_controller *c)
{
    const struct pcrec_chain *row;

    PCREC_CHAIN_FOR_EACH_TRACKED (row, c->idl) {
        if (!pcrec_chain_is_deleted(row)) {
            pc_ctl_chain_update(c, row);
        } else {
            struct pc_ctl_chain *chain
                = pc_ctl_chain_find(c, &row->header_.uuid);
            if (chain) {
                pc_ctl_chain_remove(c, chain);
            }
        }
    }
}

static void
pc_controller_track_vis(struct pc_controller *c)
{
    const struct pcrec_vi *row;

    PCREC_VI_FOR_EACH_TRACKED (row, c->idl) {
        if (!pcrec_vi_is_deleted(row)) {
            c->name_nodes |= (pcrec_vi_is_new(row)
                              || pcrec_vi_is_updated(row, PCREC_VI_COL_NODE)
                              || pcrec_vi_is_updated(row, PCREC_VI_COL_HOME));
            pc_ctl_vi_update(c, row);
        } else {
            struct pc_ctl_vi *vi = pc_ctl_vi_find(c, &row->header_.uuid);
            if (vi) {
                pc_ctl_vi_remove(c, vi);
            }
        }
    }
}

/* Did anything of 'row' change but what we write ourselves? */
static bool
pc_controller_rule_changed(const struct pcrec_rule *row)
{
    return (pcrec_rule_is_new(row)
            || pcrec_rule_is_updated(row, PCREC_RULE_COL_MATCH)
            || pcrec_rule_is_updated(row, PCREC_RULE_COL_PRIORITY)
            || pcrec_rule_is_updated(row, PCREC_RULE_COL_DIRECTION)
            || pcrec_rule_is_updated(row, PCREC_RULE_COL_OPTIONS)
            || pcrec_rule_is_updated(row, PCREC_RULE_COL_SERVICE)
            || pcrec_rule_is_updated(row, PCREC_RULE_COL_CHAIN));
}

static void
pc_controller_track_rules(struct pc_controller *c)
{
    const struct pcrec_rule *row;

    PCREC_RULE_FOR_EACH_TRACKED (row, c->idl) {
        if (pcrec_rule_is_deleted(row)) {
            struct pc_ctl_rule *rule = pc_ctl_rule_find(c,
                                                        &row->header_.uuid);
            if (rule) {
                pc_ctl_rule_remove(c, rule);
            }
        } else if (pc_controller_rule_changed(row)) {
            pc_ctl_rule_update(c, row);
        }
    }
}

static void
pc_controller_track_routers(struct pc_controller *c,
                            const struct pcrec_cloudlet *cloudlet)
{
    const struct pcrec_interface *iface;
    const struct pcrec_cloudlet *cl;
    const struct pcrec_router *row;
    const struct pcrec_route *route;

    PCREC_CLOUDLET_FOR_EACH_TRACKED (cl, c->idl) {
        if (cl == cloudlet) {
            struct pc_ctl_service *svc;

            pc_controller_update_routers(c, cloudlet);
            HMAP_FOR_EACH (svc, hmap_node, &c->services) {
                hmapx_add(&c->to_place, svc);   /* A node, perhaps. */
            }
        }
    }
    PCREC_ROUTER_FOR_EACH_TRACKED (row, c->idl) {
        if (!pcrec_router_is_deleted(row)
            && pc_ctl_router_find(c, &row->header_.uuid)) {
            pc_controller_update_router(c, row);
        }
    }
    PCREC_INTERFACE_FOR_EACH_TRACKED (iface, c->idl) {
        if (!pcrec_interface_is_deleted(iface)) {
            pc_ctl_part_changed(c, &iface->header_.uuid);
        }
    }
    PCREC_ROUTE_FOR_EACH_TRACKED (route, c->idl) {
        if (!pcrec_route_is_deleted(route)) {
            pc_ctl_part_changed(c, &route->header_.uuid);
        }
    }
}

/* Takes over the rows that have changed since the last call. */
void
pc_ctl_track(struct pc_controller *c, const struct pcrec_cloudlet *cloudlet)
{
    pc_controller_track_routers(c, cloudlet);
    pc_controller_track_services(c);
    pc_controller_track_chains(c);
    pc_controller_track_vis(c);
    pc_controller_track_rules(c);
    pc_ctl_inspect_track(c);
    pc_ctl_reserve_track(c);
    pc_ctl_chains_settle(c);
}
