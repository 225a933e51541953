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
#include "pc-lock.h"
#include "pc-overlap.h"
#include "pc-report.h"
#include "pc-reread.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller);

/* The controller's main loop, which cloudlet it acts for, and the lock. */

/* What agents say of rows that others refer to.  The IDL takes a change of a
 * tracked column for one of all rows that refer to its row, and to those: an
 * acknowledgement by a router would be a change of its cloudlet, of all
 * services there and of all their rules. */
static const struct ovsdb_idl_column *const said[] = {
    &pcrec_cloudlet_col_status, &pcrec_cloudlet_col_total,
    &pcrec_cloudlet_col_reserved, &pcrec_cloudlet_col_used,
    &pcrec_cloudlet_col_available, &pcrec_cloudlet_col_reported,
    &pcrec_router_col_cur_cfg, &pcrec_router_col_connected,
    &pcrec_router_col_datapath_id, &pcrec_router_col_status,
    &pcrec_router_col_error,
    &pcrec_interface_col_status,
    &pcrec_route_col_status,
    &pcrec_node_col_cur_cfg, &pcrec_node_col_found, &pcrec_node_col_version,
    &pcrec_node_col_status, &pcrec_node_col_error, &pcrec_node_col_used,
    &pcrec_node_col_seen, &pcrec_node_col_state,
    &pcrec_provider_col_balance, &pcrec_provider_col_entries,
    &pcrec_image_col_status,
    &pcrec_service_col_error, &pcrec_service_col_status,
    &pcrec_chain_col_error,
    &pcrec_inspection_col_status, &pcrec_inspection_col_error,
    &pcrec_inspection_col_capture, &pcrec_inspection_col_statistics,
};

static bool
pc_controller_tracks(const struct ovsdb_idl_column *column)
{
    for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
        if (said[i] == column) {
            return false;
        }
    }
    return true;
}

/* Registers with 'idl', which monitors everything, what the controller wants to
 * be told of. */
void
pc_controller_register(struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < pcrec_idl_class.n_tables; i++) {
        const struct ovsdb_idl_table_class *table = &pcrec_idl_class.tables[i];

        for (size_t j = 0; j < table->n_columns; j++) {
            if (pc_controller_tracks(&table->columns[j])) {
                ovsdb_idl_track_add_column(idl, &table->columns[j]);
            }
        }
    }
    pc_report_register(idl);
}

static void
pc_controller_init_maps(struct pc_controller *c)
{
    hmap_init(&c->routers);
    hmap_init(&c->services);
    hmap_init(&c->chains);
    hmap_init(&c->service_names);
    hmap_init(&c->chain_names);
    hmap_init(&c->inspections);
    hmap_init(&c->vis);
    hmap_init(&c->rules);
    hmap_init(&c->parts);
    hmap_init(&c->booked);
    shash_init(&c->ports);
    ovs_list_init(&c->leaving_routers);
    ovs_list_init(&c->leaving_vis);
    c->service_numbers = bitmap_allocate(PC_CTL_SERVICES);
    c->chain_numbers = bitmap_allocate(PC_CTL_CHAINS);
    c->vi_numbers = bitmap_allocate(PC_CTL_VIS);
    c->placing_numbers = bitmap_allocate(PC_CTL_VIS);
    hmapx_init(&c->draining);
    hmapx_init(&c->moving);
    hmapx_init(&c->dirty_services);
    hmapx_init(&c->dirty_vis);
    ovs_list_init(&c->dirty_rules);
    hmapx_init(&c->dirty_chains);
    hmapx_init(&c->dirty_parts);
    hmapx_init(&c->stale_chains);
    hmapx_init(&c->idle_chains);
    hmapx_init(&c->stale_afters);
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
    hindex_init(&c->after_targets);
    hindex_init(&c->overlapping);
    hindex_init(&c->ambiguous);
    hmapx_init(&c->stale);
    hmap_init(&c->reservations);
    hmapx_init(&c->dirty_reservations);
    c->expire_at = INT64_MAX;
    hmapx_init(&c->to_return);
    ovs_list_init(&c->old_returns);
}

static void
pc_controller_destroy_maps(struct pc_controller *c)
{
    hmap_destroy(&c->routers);
    hmap_destroy(&c->services);
    hmap_destroy(&c->chains);
    hmap_destroy(&c->service_names);
    hmap_destroy(&c->chain_names);
    hmap_destroy(&c->inspections);
    hmap_destroy(&c->vis);
    hmap_destroy(&c->rules);
    hmap_destroy(&c->parts);
    hmap_destroy(&c->booked);
    shash_destroy(&c->ports);
    free(c->service_numbers);
    free(c->chain_numbers);
    free(c->vi_numbers);
    free(c->placing_numbers);
    hmapx_destroy(&c->draining);
    hmapx_destroy(&c->moving);
    hmapx_destroy(&c->dirty_services);
    hmapx_destroy(&c->dirty_vis);
    hmapx_destroy(&c->dirty_chains);
    hmapx_destroy(&c->dirty_parts);
    hmapx_destroy(&c->stale_chains);
    hmapx_destroy(&c->idle_chains);
    hmapx_destroy(&c->stale_afters);
    hmapx_destroy(&c->to_place);
    hmapx_destroy(&c->to_number);
    hmapx_destroy(&c->bad_rules);
    hmapx_destroy(&c->bad_services);
    hmapx_destroy(&c->bad_chains);
    hmapx_destroy(&c->bad_parts);
    hmapx_destroy(&c->conflicts);
    hmapx_destroy(&c->port_rules);
    pc_ctl_overlap_forget(c);
    pc_ctl_returns_clean(c, 0);  /* They are empty: there are no rules. */
    pc_overlap_destroy(c->overlap);
    ovs_assert(shash_is_empty(&c->orders)); /* No rules. */
    shash_destroy(&c->orders);
    hindex_destroy(&c->after_targets);
    hindex_destroy(&c->overlapping);
    hindex_destroy(&c->ambiguous);
    hmapx_destroy(&c->stale);
    hmap_destroy(&c->reservations);
    hmapx_destroy(&c->dirty_reservations);
    free(c->fault);
    hmapx_destroy(&c->to_return);
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
    c->lock = pc_lock_create(remote);
    c->drain = pc_ctl_drain_create();
    c->report = pc_ctl_report_create();
    c->explain = pc_explain_create(c);
    return c;
}

/* Forgets the rows of the cloudlet.  If 'remove', takes our flows out of the
 * switches as well. */
static void
pc_controller_unload_rows(struct pc_controller *c, bool remove)
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
    pc_ctl_reserve_unload(c);
    pc_ctl_report_unload(c);
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
    c->reread = false;
}

/* Forgets everything of the cloudlet; 'remove' as before. */
static void
pc_controller_unload(struct pc_controller *c, bool remove)
{
    pc_controller_unload_rows(c, remove);
    pc_ctl_report_forget_nodes(c);
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
    pc_ctl_report_destroy(c->report);
    pc_explain_destroy(c->explain);     /* Now no read refers to it. */
    pc_controller_destroy_maps(c);
    pc_lock_destroy(c->lock);
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

void
pc_controller_set_fault(struct pc_controller *c, const char *fault)
{
    free(c->fault);
    c->fault = nullable_xstrdup(fault);
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

static void
pc_controller_set_cloudlet(struct pc_controller *c,
                           const struct pcrec_cloudlet *cloudlet)
{
    char *lock = pc_lock_name("controller", &cloudlet->header_.uuid);

    c->cloudlet = cloudlet->header_.uuid;
    c->cloudlet_name = xstrdup(cloudlet->name);
    pc_lock_set(c->lock, lock);
    VLOG_INFO("cloudlet %s", cloudlet->name);
    free(lock);
}

static void
pc_controller_lose_cloudlet(struct pc_controller *c)
{
    VLOG_INFO("cloudlet %s is gone", c->cloudlet_name);
    pc_controller_unload(c, true);
    pc_lock_set(c->lock, NULL);
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
    if (!pc_lock_is_held(c->lock)) {
        if (c->loaded && pc_lock_is_contended(c->lock)) {
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
    if (c->reread && pc_lock_is_held(c->lock)) {
        /* Which nodes live is not in it: their silence goes on. */
        VLOG_INFO("the database was read anew");
        pc_controller_unload_rows(c, false);
    }
    if (!c->loaded) {
        pc_ctl_load(c, cloudlet);
    } else {
        pc_ctl_track(c, cloudlet);
    }
    pc_ctl_report_track(c, cloudlet);
    pc_ctl_report_run(c);
    return true;
}

/* Does what can be done without blocking.  'txn' may be NULL: then nothing can
 * be written to the database now. */
void
pc_controller_run(struct pc_controller *c, struct ovsdb_idl_txn *txn)
{
    long long int start = time_usec();
    uint64_t compiled = c->counters.n_compiled;

    pc_lock_run(c->lock);
    /* Of what has gone meanwhile nothing is said then. */
    c->reread |= c->loaded && pc_reread(c->idl);
    if (ovsdb_idl_has_ever_connected(c->idl)) {
        bool active = pc_controller_run_database(c);

        if (active) {
            pc_ctl_reserve_expire(c);
        }
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
        pc_ctl_move_run(c);
        pc_ctl_delete_run(c, txn);
        pc_ctl_write_inspections(c);
        pc_ctl_report_write(c);
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
    pc_lock_wait(c->lock);
    pc_ctl_sync_wait(c);
    pc_ctl_overlap_wait(c);
    pc_ctl_drain_wait(c);
    pc_ctl_count_wait(c);
    pc_ctl_reserve_wait(c);
    pc_ctl_used_wait(c);
    if (c->loaded) {
        pc_ctl_report_wait(c);
    }
    if (c->release_at) {
        poll_timer_wait_until(c->release_at);
    }
    pc_explain_wait(c->explain);
}
