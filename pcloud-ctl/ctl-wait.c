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

/* --wait=applied: waiting for the agents, and what they say of new rows. */

#include <config.h>

#include <stdarg.h>

#include "pcloud-ctl.h"

#include "openvswitch/poll-loop.h"
#include "smap.h"
#include "util.h"

/* Adds a watch of 'row', whose command then says what it wants to know. */
struct ctl_watch *
ctl_watch_row(struct ctl_run *run, const struct ovsdb_idl_row *row)
{
    struct ctl_watch *w;

    if (run->n_watches >= run->allocated_watches) {
        run->watches = x2nrealloc(run->watches, &run->allocated_watches,
                                  sizeof *run->watches);
    }
    w = &run->watches[run->n_watches++];
    w->table = row->table->class_;
    w->uuid = row->uuid;
    w->resized = w->restricted = w->drain = false;
    w->move_to = UUID_ZERO;
    w->request = 0;
    return w;
}

/* Remembers that a command inserted 'row', called 'format' in messages, so
 * that its errors are reported once the change is applied. */
void
ctl_watch_add(struct ctl_context *ctx, const struct ovsdb_idl_row *row,
              const char *format, ...)
{
    struct ctl_watch *w = ctl_watch_row(ctl_run_from_context(ctx), row);
    va_list args;

    va_start(args, format);
    w->what = xvasprintf(format, args);
    va_end(args);
}

/* The same for a VI that is there already, whose node may refuse to give it the
 * capacity that is asked for: then the node sets VI.capacity back. */
void
ctl_watch_resize(struct ctl_context *ctx, const struct pcrec_vi *vi,
                 const char *keys[], const int64_t values[], size_t n)
{
    struct ctl_watch *w = ctl_watch_row(ctl_run_from_context(ctx), &vi->header_);

    w->resized = true;
    pc_capacity_from_arrays(&w->capacity, CONST_CAST(char **, keys), values,
                            n);
    w->what = xasprintf("VI \"%s\"", vi->name);
}

/* The same for the restrictions of a VI. */
void
ctl_watch_restrict(struct ctl_context *ctx, const struct pcrec_vi *vi,
                   const char *keys[], const int64_t values[], size_t n)
{
    struct ctl_watch *w;

    ctl_watch_resize(ctx, vi, keys, values, n);
    w = &ctl_run_from_context(ctx)->watches[
        ctl_run_from_context(ctx)->n_watches - 1];
    w->restricted = true;
}

/* Remembers that a command told 'vi' to drain, which --wait=drained awaits. */
void
ctl_watch_drain(struct ctl_context *ctx, const struct pcrec_vi *vi)
{
    struct ctl_watch *w = ctl_watch_row(ctl_run_from_context(ctx), &vi->header_);

    w->drain = true;
    w->what = xasprintf("VI \"%s\"", vi->name);
}

/* Remembers that a command told 'vi' to go to 'node', which may refuse it; or its
 * reservation 'r' to, unless that is NULL. */
void
ctl_watch_move(struct ctl_context *ctx, const struct pcrec_vi *vi,
               const struct pcrec_node *node,
               const struct pcrec_reservation *r)
{
    struct ctl_watch *w = ctl_watch_row(ctl_run_from_context(ctx),
                                        &vi->header_);

    w->move_to = node->header_.uuid;
    if (r) {
        w->reservation = r->header_.uuid;
        w->request = r->request;
    }
    w->what = xasprintf("VI \"%s\"", vi->name);
}

void
ctl_watch_clear(struct ctl_run *run)
{
    for (size_t i = 0; i < run->n_watches; i++) {
        free(run->watches[i].what);
    }
    free(run->watches);
    run->watches = NULL;
    run->n_watches = run->allocated_watches = 0;
    svec_destroy(&run->asked);
    svec_init(&run->asked);
}

/* Asks for the columns that waiting reads. */
void
ctl_watch_prerequisites(struct ctl_run *run)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_router_col_name,
        &pcrec_router_col_cur_cfg,
        &pcrec_router_col_connected,
        &pcrec_router_col_error,
        &pcrec_node_col_name,
        &pcrec_node_col_cur_cfg,
        &pcrec_node_col_error,
        &pcrec_interface_col_status,
        &pcrec_route_col_status,
        &pcrec_service_col_error,
        &pcrec_chain_col_error,
        &pcrec_inspection_col_error,
        &pcrec_vi_col_name,
        &pcrec_vi_col_service,
        &pcrec_vi_col_state,
        &pcrec_vi_col_admin_state,
        &pcrec_vi_col_error,
        &pcrec_vi_col_capacity,
        &pcrec_vi_col_restrictions,
        &pcrec_vi_col_status,
        &pcrec_vi_col_node,
        &pcrec_vi_col_home,
        &pcrec_vi_col_move_error,
    };

    ctl_use_vis(run);
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(run->idl, columns[i]);
    }
}

/* Describes the first agent that has not come up to 'next_cfg', or returns
 * NULL if all routers have.  The caller frees the description. */
static char *
describe_missing(struct ctl_run *run, int64_t next_cfg)
{
    const struct pcrec_router *router;
    const struct pcrec_node *node;

    PCREC_ROUTER_FOR_EACH (router, run->idl) {
        if (router->cur_cfg < next_cfg) {
            break;
        }
    }
    if (!router) {
        return NULL;
    }
    if (!router->connected || *router->error) {
        return xasprintf("router \"%s\" to apply change %"PRId64" (%s)",
                         router->name, next_cfg,
                         *router->error ? router->error
                         : "no agent is connected to it");
    }
    PCREC_NODE_FOR_EACH (node, run->idl) {
        if (node->cur_cfg < next_cfg) {
            return xasprintf("node \"%s\" to apply change %"PRId64" (%s)",
                             node->name, next_cfg,
                             *node->error ? node->error
                             : node->cur_cfg ? "it is at an earlier one"
                             : "no agent has said anything of it");
        }
    }
    return xasprintf("router \"%s\" to apply change %"PRId64,
                     router->name, next_cfg);
}

/* Describes the first VI that still drains, or returns NULL if all have (or
 * are gone).  The caller frees the description. */
static char *
describe_draining(struct ctl_run *run)
{
    for (size_t i = 0; run->wait_drained && i < run->n_watches; i++) {
        const struct ctl_watch *w = &run->watches[i];
        const struct pcrec_vi *vi
            = w->drain ? pcrec_vi_get_for_uuid(run->idl, &w->uuid) : NULL;

        if (vi && !strcmp(vi->admin_state, "drain")) {
            return xasprintf("%s to drain", w->what);
        }
    }
    return NULL;
}

/* The reservation of the VI that 'w' is about, if it was asked to move; else
 * NULL. */
static const struct pcrec_reservation *
moved_reservation(struct ctl_run *run, const struct ctl_watch *w)
{
    return (uuid_is_zero(&w->reservation) ? NULL
            : pcrec_reservation_get_for_uuid(run->idl, &w->reservation));
}

static bool
moves_reservation(struct ctl_run *run)
{
    for (size_t i = 0; i < run->n_watches; i++) {
        if (!uuid_is_zero(&run->watches[i].reservation)) {
            return true;
        }
    }
    return false;
}

/* Describes the first VI whose reservation does not know yet where it is to be, or
 * returns NULL.  The caller frees the description. */
static char *
describe_moving(struct ctl_run *run)
{
    for (size_t i = 0; i < run->n_watches; i++) {
        const struct ctl_watch *w = &run->watches[i];
        const struct pcrec_reservation *r = moved_reservation(run, w);

        if (r && r->answered < w->request) {
            return xasprintf("a scheduler to have %s move", w->what);
        }
    }
    return NULL;
}

/* What the agents say against the row with 'uuid'; NULL if nothing.  The
 * caller frees it. */
static char *
error_of_row(struct ctl_run *run, const struct ovsdb_idl_table_class *table,
             const struct uuid *uuid)
{
    const char *error = NULL;

    if (table == &pcrec_table_rule) {
        return ctl_query_rule_error(run, uuid);
    } else if (table == &pcrec_table_service) {
        const struct pcrec_service *s
            = pcrec_service_get_for_uuid(run->idl, uuid);
        error = s ? s->error : NULL;
    } else if (table == &pcrec_table_router) {
        const struct pcrec_router *r
            = pcrec_router_get_for_uuid(run->idl, uuid);
        error = r ? r->error : NULL;
    } else if (table == &pcrec_table_interface) {
        const struct pcrec_interface *i
            = pcrec_interface_get_for_uuid(run->idl, uuid);
        error = i ? smap_get(&i->status, "error") : NULL;
    } else if (table == &pcrec_table_route) {
        const struct pcrec_route *r = pcrec_route_get_for_uuid(run->idl, uuid);
        error = r ? smap_get(&r->status, "error") : NULL;
    } else if (table == &pcrec_table_inspection) {
        const struct pcrec_inspection *in
            = pcrec_inspection_get_for_uuid(run->idl, uuid);
        error = in ? in->error : NULL;
    }
    return error && *error ? xstrdup(error) : NULL;
}

/* Fetches the VIs of the new services: only now are their UUIDs known. */
static void
fetch_vis(struct ctl_run *run)
{
    struct pcloud_context ctx = { .base.idl = run->idl, .run = run };
    bool complete = true;

    for (size_t i = 0; i < run->n_watches; i++) {
        if (run->watches[i].table == &pcrec_table_service) {
            const struct uuid *uuid
                = ovsdb_idl_txn_get_insert_uuid(run->txn,
                                                &run->watches[i].uuid);
            if (uuid) {
                complete &= ctl_need_vis_by_uuid(&ctx.base, uuid);
            }
        }
    }
    while (!complete) {
        ovsdb_idl_run(run->idl);
        complete = ctl_filter_is_complete(run);
        if (!complete) {
            ovsdb_idl_wait(run->idl);
            ctl_block(run, "the database to send the new VIs");
        }
    }
}

static bool
report_vis(struct ctl_run *run, const struct uuid *service)
{
    const struct pcrec_vi *vi;
    bool any = false;

    PCREC_VI_FOR_EACH (vi, run->idl) {
        if (vi->service && uuid_equals(&vi->service->header_.uuid, service)
            && (!strcmp(vi->state, "failed") || !strcmp(vi->state, "backoff")
                || *vi->error)) {
            ovs_error(0, "applied, but VI \"%s\" is in state %s: %s", vi->name,
                      *vi->state ? vi->state : "unknown",
                      *vi->error ? vi->error : "see the agent's log");
            any = true;
        }
    }
    return any;
}

/* Prints a line if the VI of 'w' was not resized, or not restricted. */
static bool
report_resize(struct ctl_run *run, const struct ctl_watch *w)
{
    const struct pcrec_vi *vi = pcrec_vi_get_for_uuid(run->idl, &w->uuid);
    struct pc_capacity now;

    if (!vi) {
        ovs_error(0, "%s is gone", w->what);
        return true;
    }
    if (w->restricted) {
        pc_capacity_from_arrays(&now, vi->key_restrictions,
                                vi->value_restrictions, vi->n_restrictions);
    } else {
        pc_capacity_from_arrays(&now, vi->key_capacity, vi->value_capacity,
                                vi->n_capacity);
    }
    if (!pc_capacity_equal(&now, &w->capacity)) {
        ovs_error(0, "%s was not %s: %s", w->what,
                  w->restricted ? "restricted" : "resized",
                  smap_get_def(&vi->status, "not-resized",
                               *vi->error ? vi->error
                               : "somebody else has done so"));
        return true;
    }
    return false;
}

/* Prints a line if the VI of 'w' is not where it was to go. */
static bool
report_move(struct ctl_run *run, const struct ctl_watch *w)
{
    const struct pcrec_vi *vi = pcrec_vi_get_for_uuid(run->idl, &w->uuid);

    if (!vi) {
        ovs_error(0, "%s is gone", w->what);
        return true;
    } else if (!vi->home || !uuid_equals(&vi->home->header_.uuid,
                                         &w->move_to)) {
        const struct pcrec_reservation *r = moved_reservation(run, w);

        ovs_error(0, "%s was not moved: %s", w->what,
                  r ? r->reason : *vi->move_error ? vi->move_error
                  : "somebody else has called it off");
        return true;
    }
    return false;
}

/* Prints a line for each row of 'run->watches' that is in error.  Returns the program's
 * exit status. */
static int
report_errors(struct ctl_run *run)
{
    bool any = false, refused = false;

    fetch_vis(run);
    for (size_t i = 0; i < run->n_watches; i++) {
        const struct ctl_watch *w = &run->watches[i];
        const struct uuid *uuid
            = ovsdb_idl_txn_get_insert_uuid(run->txn, &w->uuid);

        if (w->resized) {
            refused |= report_resize(run, w);
            continue;
        } else if (!uuid_is_zero(&w->move_to)) {
            refused |= report_move(run, w);
            continue;
        }

        char *error = uuid ? error_of_row(run, w->table, uuid) : NULL;

        if (error) {
            ovs_error(0, "applied, but %s has an error: %s", w->what, error);
            free(error);
            any = true;
        }
        if (uuid && w->table == &pcrec_table_service) {
            any |= report_vis(run, uuid);
        }
    }
    return (refused ? EXIT_FAILURE
            : any ? CTL_APPLIED_WITH_ERRORS : EXIT_SUCCESS);
}

/* Waits until every router has applied change 'next_cfg'.  Returns the
 * program's exit status. */
int
ctl_wait_applied(struct ctl_run *run, int64_t next_cfg)
{
    /* Without --retry we would otherwise wait forever for a database that
     * went away. */
    ovsdb_idl_enable_reconnect(run->idl);
    for (;;) {
        ovsdb_idl_run(run->idl);

        char *missing = describe_moving(run);
        if (!missing) {
            const struct pcrec_packetcloud *pc
                = pcrec_packetcloud_first(run->idl);

            /* The move of a reservation is what the controller has made of it. */
            missing = describe_missing(run, pc && moves_reservation(run)
                                       ? pc->next_cfg : next_cfg);
        }
        if (!missing) {
            missing = describe_draining(run);
        }
        if (!missing) {
            return report_errors(run);
        }
        ovsdb_idl_wait(run->idl);
        ctl_block(run, missing);
        free(missing);
    }
}
