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

/* Command: status, which works without the agent. */

#include <config.h>

#include <stdarg.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "pc-lock.h"
#include "pc-report.h"
#include "smap.h"
#include "util.h"

static void
pre_status(struct ctl_context *ctx)
{
    ctl_show_prerequisites(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_reservation_col_request);
    ovsdb_idl_add_column(ctx->idl, &pcrec_reservation_col_answered);
}

static void OVS_PRINTF_FORMAT(5, 6)
status_row(struct ctl_table *t, const char *what, const char *name,
           const char *error, const char *format, ...)
{
    va_list args;
    char *state;

    va_start(args, format);
    state = xvasprintf(format, args);
    va_end(args);
    ctl_cell(t, "%s", what);
    ctl_cell(t, "%s", name);
    ctl_cell(t, "%s", state);
    ctl_cell(t, "%s", error ? error : "");
    free(state);
}

/* What the agents say in a status column, but for errors and what has a
 * column of its own. */
static char *
format_status(const struct smap *status)
{
    const struct smap_node **nodes = smap_sort(status);
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < smap_count(status); i++) {
        if (strcmp(nodes[i]->key, "error")) {
            ds_put_format(&s, ", %s=%s", nodes[i]->key, nodes[i]->value);
        }
    }
    free(nodes);
    return ds_steal_cstr(&s);
}

/* The server, if it cannot be known from it which agents run. */
static void
status_of_database(struct ctl_context *ctx, struct ctl_table *t)
{
    const struct ctl_run *run = ctl_run_from_context(ctx);

    if (run->leader_unknown) {
        status_row(t, "database", run->db, "whether agents run is not known: "
                   "among these servers is no leader, which has their locks",
                   "no leader");
    }
}

/* Cloudlets whose state is not kept up to date. */
static void
status_of_cloudlets(struct ctl_context *ctx, struct ctl_table *t)
{
    const struct pcrec_cloudlet *c;

    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        char *lock = pc_lock_name("controller", &c->header_.uuid);

        if (ctl_query_lock(ctl_run_from_context(ctx), lock) > 0) {
            status_row(t, "cloudlet", c->name, "no agent is its controller: "
                       "what follows is what agents said last",
                       "not controlled");
        }
        free(lock);
    }
}

static void
status_of_routers(struct ctl_context *ctx, struct ctl_table *t,
                  int64_t next_cfg)
{
    const struct pcrec_interface *iface;
    const struct pcrec_router *r;
    const struct pcrec_route *route;

    PCREC_ROUTER_FOR_EACH (r, ctx->idl) {
        char *more = format_status(&r->status);

        status_row(t, "router", r->name, r->error,
                   "%s, applied %"PRId64" of %"PRId64"%s",
                   r->connected ? "connected" : "not connected", r->cur_cfg,
                   next_cfg, more);
        free(more);
    }
    PCREC_INTERFACE_FOR_EACH (iface, ctx->idl) {
        const char *error = smap_get(&iface->status, "error");

        if (error) {
            status_row(t, "interface", iface->name, error, "error");
        }
    }
    PCREC_ROUTE_FOR_EACH (route, ctx->idl) {
        const char *error = smap_get(&route->status, "error");

        if (error) {
            status_row(t, "route", route->prefix, error, "error");
        }
    }
}

static void
status_of_nodes(struct ctl_context *ctx, struct ctl_table *t,
                int64_t next_cfg)
{
    const struct pcrec_node *n;

    PCREC_NODE_FOR_EACH (n, ctx->idl) {
        char *lock = pc_lock_name("node", &n->header_.uuid);
        bool dead = ctl_query_lock(ctl_run_from_context(ctx), lock) > 0;
        bool silent = !pc_report_node_is_usable(n);
        char *more = format_status(&n->status);

        status_row(t, "node", n->name,
                   (*n->error ? n->error
                    : dead ? "its agent does not run: what it and its VIs are "
                    "is what it said last"
                    : silent ? "its agent is silent: nothing is placed there"
                    : ""),
                   "%s%s%sapplied %"PRId64" of %"PRId64"%s",
                   silent ? n->state : "", silent ? ", " : "",
                   dead ? "not running, " : "", n->cur_cfg, next_cfg, more);
        free(more);
        free(lock);
    }
}

/* The scheduler, if there is anything that it should know of. */
static void
status_of_reservations(struct ctl_context *ctx, struct ctl_table *t)
{
    const struct pcrec_reservation *r;
    int n = 0, n_waiting = 0;

    PCREC_RESERVATION_FOR_EACH (r, ctx->idl) {
        n++;
        n_waiting += r->answered < r->request;
    }
    if (n) {
        char *lock = pc_lock_name("scheduler", NULL);
        bool dead = ctl_query_lock(ctl_run_from_context(ctx), lock) > 0;

        status_row(t, "scheduler", "",
                   dead ? "no agent is the scheduler: requests wait, nothing "
                   "is started or ended" : "",
                   "%d reservations, %d to be decided", n, n_waiting);
        free(lock);
    }
}

static void
status_of_services(struct ctl_context *ctx, struct ctl_table *t)
{
    const struct pcrec_service *s;
    const struct pcrec_chain *c;
    const struct pcrec_rule *r;
    const struct pcrec_vi *vi;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        int64_t n_ready = 0;

        PCREC_VI_FOR_EACH (vi, ctx->idl) {
            n_ready += vi->service == s && vi->ready;
        }
        status_row(t, "service", s->name, s->error,
                   "%"PRId64" of %"PRId64" VIs ready", n_ready, s->replicas);
    }
    PCREC_CHAIN_FOR_EACH (c, ctx->idl) {
        char *services = ctl_chain_format_services(c);

        status_row(t, "chain", c->name, c->error, "%s%s",
                   *c->error ? "not in use: " : "", services);
        free(services);
    }
    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        if (*r->error) {
            status_row(t, "rule", r->match, r->error, "error");
        }
    }
    PCREC_VI_FOR_EACH (vi, ctx->idl) {
        status_row(t, "VI", vi->name, vi->error, "%s%s",
                   *vi->state ? vi->state : "not seen by its node",
                   vi->ready ? ", ready" : "");
    }
}

static void
cmd_status(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("what name state error");
    const struct pcrec_packetcloud *root = ctl_root(ctx);
    int64_t next_cfg = root ? root->next_cfg : 0;

    status_of_cloudlets(ctx, t);
    status_of_routers(ctx, t, next_cfg);
    status_of_nodes(ctx, t, next_cfg);
    status_of_services(ctx, t);
    status_of_reservations(ctx, t);
    status_of_database(ctx, t);         /* Those above have asked. */
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_status_commands[] = {
    {"status", 0, 0, "", pre_status, cmd_status, NULL, "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
