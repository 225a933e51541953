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

#include "bitmap.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "pc-controller-private.h"
#include "pc-event.h"
#include "pc-explain.h"
#include "pc-flow-table.h"
#include "pc-overlap.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller);

/* The controller's main loop: which cloudlet, the lock, and what changed in
 * the database. */

/* Registers with 'idl' what the controller reads and writes. */
void
pc_controller_register(struct ovsdb_idl *idl)
{
    ovsdb_idl_track_add_all(idl);
}

static void
pc_controller_init_maps(struct pc_controller *c)
{
    hmap_init(&c->routers);
    hmap_init(&c->services);
    hmap_init(&c->chains);
    hmap_init(&c->inspections);
    hmap_init(&c->vis);
    hmap_init(&c->rules);
    hmap_init(&c->parts);
    shash_init(&c->ports);
    ovs_list_init(&c->leaving_routers);
    ovs_list_init(&c->leaving_vis);
    c->service_numbers = bitmap_allocate(PC_CTL_SERVICES);
    c->chain_numbers = bitmap_allocate(PC_CTL_CHAINS);
    c->vi_numbers = bitmap_allocate(PC_CTL_VIS);
    c->placing_numbers = bitmap_allocate(PC_CTL_VIS);
    hmapx_init(&c->draining);
    hmapx_init(&c->dirty_services);
    hmapx_init(&c->dirty_vis);
    hmapx_init(&c->dirty_rules);
    hmapx_init(&c->dirty_chains);
    hmapx_init(&c->dirty_parts);
    hmapx_init(&c->stale_chains);
    hmapx_init(&c->afters);
    hmapx_init(&c->to_place);
    hmapx_init(&c->to_number);
    hmapx_init(&c->bad_rules);
    hmapx_init(&c->bad_services);
    hmapx_init(&c->bad_chains);
    hmapx_init(&c->bad_parts);
    hmapx_init(&c->conflicts);
    hmapx_init(&c->port_rules);
    c->overlap = pc_overlap_create();
    shash_init(&c->orders);
    hmap_init(&c->overlapping);
    hmapx_init(&c->stale);
}

static void
pc_controller_destroy_maps(struct pc_controller *c)
{
    hmap_destroy(&c->routers);
    hmap_destroy(&c->services);
    hmap_destroy(&c->chains);
    hmap_destroy(&c->inspections);
    hmap_destroy(&c->vis);
    hmap_destroy(&c->rules);
    hmap_destroy(&c->parts);
    shash_destroy(&c->ports);
    free(c->service_numbers);
    free(c->chain_numbers);
    free(c->vi_numbers);
    free(c->placing_numbers);
    hmapx_destroy(&c->draining);
    hmapx_destroy(&c->dirty_services);
    hmapx_destroy(&c->dirty_vis);
    hmapx_destroy(&c->dirty_rules);
    hmapx_destroy(&c->dirty_chains);
    hmapx_destroy(&c->dirty_parts);
    hmapx_destroy(&c->stale_chains);
    hmapx_destroy(&c->afters);
    hmapx_destroy(&c->to_place);
    hmapx_destroy(&c->to_number);
    hmapx_destroy(&c->bad_rules);
    hmapx_destroy(&c->bad_services);
    hmapx_destroy(&c->bad_chains);
    hmapx_destroy(&c->bad_parts);
    hmapx_destroy(&c->conflicts);
    hmapx_destroy(&c->port_rules);
    pc_ctl_overlap_forget(c);
    pc_overlap_destroy(c->overlap);
    struct shash_node *order;
    SHASH_FOR_EACH (order, &c->orders) {
        pc_overlap_destroy(order->data);
    }
    shash_destroy(&c->orders);
    hmap_destroy(&c->overlapping);
    hmapx_destroy(&c->stale);
}

/* Returns a new controller on 'idl', which stays the caller's and must outlive
 * it, for the cloudlet called 'cloudlet' or, if that is NULL, for the only one
 * that there is.  'remote' is the database's connection method, for the
 * connection that holds the lock; if it is NULL, no lock is taken.  Registers
 * the unixctl commands "controller/...". */
struct pc_controller *
pc_controller_create(struct ovsdb_idl *idl, const char *remote,
                     const char *cloudlet)
{
    struct pc_controller *c = xzalloc(sizeof *c);

    c->idl = idl;
    c->want_cloudlet = nullable_xstrdup(cloudlet);
    pc_controller_init_maps(c);
    if (remote) {
        /* A connection of its own: on that of 'idl' the lack of the lock
         * would keep the node role from writing. */
        c->lock_idl = ovsdb_idl_create(remote, &pcrec_idl_class, false, true);
        ovsdb_idl_add_column(c->lock_idl, &pcrec_cloudlet_col_name);
    }
    c->drain = pc_ctl_drain_create();
    c->explain = pc_explain_create(c);
    return c;
}

/* Forgets everything of the cloudlet.  If 'remove', takes our flows out of the
 * switches as well. */
static void
pc_controller_unload(struct pc_controller *c, bool remove)
{
    struct pc_ctl_service *svc;
    struct pc_ctl_chain *chain;
    struct pc_ctl_router *r;
    struct pc_ctl_rule *rule;
    struct pc_ctl_vi *vi;

    HMAP_FOR_EACH_SAFE (r, hmap_node, &c->routers) {
        if (remove) {
            pc_ctl_router_leave(c, r);
        } else {
            pc_ctl_router_destroy(c, r);
        }
    }
    pc_ctl_inspect_unload(c);
    HMAP_FOR_EACH_SAFE (rule, hmap_node, &c->rules) {
        pc_ctl_rule_remove(c, rule);
    }
    HMAP_FOR_EACH_SAFE (chain, hmap_node, &c->chains) {
        pc_ctl_chain_remove(c, chain);
    }
    HMAP_FOR_EACH_SAFE (vi, hmap_node, &c->vis) {
        pc_ctl_vi_remove(c, vi);
    }
    HMAP_FOR_EACH_SAFE (svc, hmap_node, &c->services) {
        pc_ctl_service_remove(c, svc);
    }
    c->loaded = false;
}

/* Frees 'c'.  All flows stay in the switches. */
void
pc_controller_destroy(struct pc_controller *c)
{
    if (!c) {
        return;
    }
    struct pc_ctl_router *r;

    pc_controller_unload(c, false);
    LIST_FOR_EACH_SAFE (r, list_node, &c->leaving_routers) {
        pc_ctl_router_destroy(c, r);
    }
    pc_ctl_drain_destroy(c->drain);
    pc_explain_destroy(c->explain);     /* Now no read refers to it. */
    pc_controller_destroy_maps(c);
    ovsdb_idl_destroy(c->lock_idl);
    free(c->cloudlet_name);
    free(c->want_cloudlet);
    free(c);
}

/* From now on what happens is recorded in 'events', which stays the
 * caller's. */
void
pc_controller_set_events(struct pc_controller *c, struct pc_events *events)
{
    c->events = events;
}

/* Which cloudlet. */

static const struct pcrec_cloudlet *
pc_controller_find_cloudlet(const struct pc_controller *c)
{
    const struct pcrec_cloudlet *cloudlet, *found = NULL;

    if (!uuid_is_zero(&c->cloudlet)) {
        return pcrec_cloudlet_get_for_uuid(c->idl, &c->cloudlet);
    }
    PCREC_CLOUDLET_FOR_EACH (cloudlet, c->idl) {
        if (!c->want_cloudlet || !strcmp(c->want_cloudlet, cloudlet->name)) {
            if (found) {
                static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);
                VLOG_WARN_RL(&rl, "the database has several cloudlets: say "
                             "which by --cloudlet");
                return NULL;
            }
            found = cloudlet;
        }
    }
    return found;
}

/* Returns the name of the OVSDB lock that the controller of the cloudlet with
 * 'uuid' holds while it is active, for the caller to free. */
char *
pc_controller_lock_name(const struct uuid *uuid)
{
    return xasprintf("packetcloud_controller_%08x%08x%08x%08x",
                     uuid->parts[0], uuid->parts[1], uuid->parts[2],
                     uuid->parts[3]);
}

static void
pc_controller_set_cloudlet(struct pc_controller *c,
                           const struct pcrec_cloudlet *cloudlet)
{
    char *lock = pc_controller_lock_name(&cloudlet->header_.uuid);

    c->cloudlet = cloudlet->header_.uuid;
    c->cloudlet_name = xstrdup(cloudlet->name);
    if (c->lock_idl) {
        ovsdb_idl_set_lock(c->lock_idl, lock);
    }
    VLOG_INFO("cloudlet %s", cloudlet->name);
    free(lock);
}

static void
pc_controller_lose_cloudlet(struct pc_controller *c)
{
    VLOG_INFO("cloudlet %s is gone", c->cloudlet_name);
    pc_controller_unload(c, true);
    if (c->lock_idl) {
        ovsdb_idl_set_lock(c->lock_idl, NULL);
    }
    c->cloudlet = UUID_ZERO;
    free(c->cloudlet_name);
    c->cloudlet_name = NULL;
}

/* Deletes in 'txn' VIs that neither a service nor a node has any more: what
 * remains of a cloudlet, once its flows are gone. */
static void
pc_controller_delete_orphans(struct pc_controller *c)
{
    const struct pcrec_vi *vi;

    if (!ovs_list_is_empty(&c->leaving_routers)) {
        return;
    }
    PCREC_VI_FOR_EACH_SAFE (vi, c->idl) {
        if (!vi->service && !vi->node) {
            pcrec_vi_delete(vi);
        }
    }
}

/* Changes. */

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

static void
pc_controller_load(struct pc_controller *c,
                   const struct pcrec_cloudlet *cloudlet)
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
    pc_ctl_chains_settle(c);
    c->hold_cfg = pc ? pc->next_cfg : 0;
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

/* Main loop. */

/* Follows the database.  Returns true if there is a cloudlet for us to act
 * for. */
static bool
pc_controller_run_database(struct pc_controller *c)
{
    const struct pcrec_cloudlet *cloudlet = pc_controller_find_cloudlet(c);

    if (!cloudlet) {
        if (!uuid_is_zero(&c->cloudlet)) {
            pc_controller_lose_cloudlet(c);
        }
        return false;
    }
    if (uuid_is_zero(&c->cloudlet)) {
        pc_controller_set_cloudlet(c, cloudlet);
    }
    if (c->lock_idl && !ovsdb_idl_has_lock(c->lock_idl)) {
        if (c->loaded && ovsdb_idl_is_lock_contended(c->lock_idl)) {
            VLOG_INFO("another controller has taken over cloudlet %s",
                      c->cloudlet_name);
            pc_controller_unload(c, false);
        }
        if (!c->loaded) {
            return false;
        }
        /* The connection was lost: we go on until we learn that another has
         * the lock. */
    }
    if (!c->loaded) {
        pc_controller_load(c, cloudlet);
    } else {
        pc_controller_track_routers(c, cloudlet);
        pc_controller_track_services(c);
        pc_controller_track_chains(c);
        pc_controller_track_vis(c);
        pc_controller_track_rules(c);
        pc_ctl_inspect_track(c);
        pc_ctl_chains_settle(c);
    }
    return true;
}

/* Does what can be done without blocking.  'txn' may be NULL: then nothing can
 * be written to the database now. */
void
pc_controller_run(struct pc_controller *c, struct ovsdb_idl_txn *txn)
{
    long long int start = time_usec();
    uint64_t compiled = c->counters.n_compiled;

    if (c->lock_idl) {
        ovsdb_idl_run(c->lock_idl);
    }
    if (ovsdb_idl_has_ever_connected(c->idl)) {
        bool active = pc_controller_run_database(c);

        if (txn && active) {
            pc_ctl_place_run(c, txn);
        } else if (txn && uuid_is_zero(&c->cloudlet)) {
            pc_controller_delete_orphans(c);
        }
    }
    pc_ctl_compile_run(c);
    pc_ctl_sync_run(c);
    pc_ctl_overlap_run(c);
    pc_ctl_drain_run(c);
    pc_ctl_count_run(c);
    c->trim_events |= pcrec_event_track_get_first(c->idl) != NULL;
    if (c->loaded && txn) {
        if (c->trim_events) {
            pc_events_trim(c->idl);
            c->trim_events = false;
        }
        pc_ctl_drain_finish(c);
        pc_ctl_delete_run(c, txn);
        pc_ctl_write_inspections(c);
        pc_ctl_write_released(c);
        /* What acknowledges a change says what came of it. */
        if (!c->compiling && pc_ctl_write_errors(c)) {
            pc_ctl_write_status(c);
        }
    }
    pc_explain_run(c->explain);

    uint64_t elapsed = time_usec() - start;
    c->counters.max_run_us = MAX(c->counters.max_run_us, elapsed);
    if (c->counters.n_compiled != compiled) {
        c->counters.last_work_us = elapsed;
        c->counters.max_work_us = MAX(c->counters.max_work_us, elapsed);
    }
}

/* Arranges for the poll loop to wake when pc_controller_run() has work. */
void
pc_controller_wait(struct pc_controller *c)
{
    if (c->lock_idl) {
        ovsdb_idl_wait(c->lock_idl);
    }
    pc_ctl_sync_wait(c);
    pc_ctl_overlap_wait(c);
    pc_ctl_drain_wait(c);
    pc_ctl_count_wait(c);
    if (c->release_at) {
        poll_timer_wait_until(c->release_at);
    }
    pc_explain_wait(c->explain);
}
