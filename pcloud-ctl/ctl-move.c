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

/* vi-migrate: a VI goes to another node. */

#include <config.h>

#include <time.h>

#include "pcloud-ctl.h"

#include "pc-report.h"
#include "timeval.h"
#include "util.h"

static void
pre_vi_migrate(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_cloudlet_col_name, &pcrec_cloudlet_col_nodes,
        &pcrec_node_col_name, &pcrec_node_col_state,
        &pcrec_service_col_name, &pcrec_service_col_cloudlet,
        &pcrec_reservation_col_name, &pcrec_reservation_col_slots,
        &pcrec_reservation_col_wanted, &pcrec_reservation_col_request,
        &pcrec_reservation_col_answered, &pcrec_reservation_col_reason,
        &pcrec_reservation_col_move_to,
        &pcrec_vi_col_name, &pcrec_vi_col_service, &pcrec_vi_col_node,
        &pcrec_vi_col_home, &pcrec_vi_col_taker, &pcrec_vi_col_move_error,
        &pcrec_vi_col_admin_state, &pcrec_vi_col_options,
        &pcrec_vi_col_reservation,
    };

    ctl_use_vis(ctl_run_from_context(ctx));
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
    ctl_need_vi_by_name(ctx, ctx->argv[1]);
    ctl_use_reservations(ctx);
}

/* Has 'vi' a reservation, whether we know that or not? */
static bool
is_reserved(const struct pcrec_vi *vi)
{
    return pcrec_vi_get_reservation(vi, OVSDB_TYPE_UUID)->n > 0;
}

static bool
has_node(const struct pcrec_cloudlet *cloudlet, const struct pcrec_node *node)
{
    for (size_t i = 0; i < cloudlet->n_nodes; i++) {
        if (cloudlet->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

/* Would that call a move off? */
static bool
is_on_way_from(const struct pcrec_vi *vi, const struct pcrec_node *node)
{
    return vi->home == node && vi->node != node;
}

/* Says why 'vi' cannot go to 'node', if so. */
static bool
check_move(struct ctl_context *ctx, const struct pcrec_vi *vi,
           const struct pcrec_node *node)
{
    if (vi->node == node) {
        ctl_error(ctx, "VI \"%s\" is %s node \"%s\" already", vi->name,
                  vi->home && vi->home != node ? "on its way to" : "on",
                  node->name);
    } else if (!vi->service) {
        ctl_error(ctx, "VI \"%s\" is being removed", vi->name);
    } else if (is_reserved(vi) && !is_on_way_from(vi, node)
               && (!vi->reservation || (vi->reservation->answered
                                        != vi->reservation->request))) {
        ctl_error(ctx, "the reservation of VI \"%s\" is being changed",
                  vi->name);
    } else if (!has_node(vi->service->cloudlet, node)) {
        ctl_error(ctx, "node \"%s\" is not in cloudlet \"%s\", VI \"%s\" is",
                  node->name, vi->service->cloudlet->name, vi->name);
    } else if (vi->home != node && !pc_report_node_is_usable(node)) {
        ctl_error(ctx, "node \"%s\" is silent", node->name);
    } else {
        return true;
    }
    return false;
}

static void
drain(const struct pcrec_vi *vi, int64_t seconds)
{
    char *until = xasprintf("%lld", (long long int) time_wall()
                            + (long long int) seconds);

    pcrec_vi_update_options_setkey(vi, "drain-until", until);
    pcrec_vi_update_options_setkey(vi, "drain-to-move", "true");
    pcrec_vi_set_admin_state(vi, "drain");
    free(until);
}

/* Asks the scheduler for it: both nodes have to have room for the reservation until
 * it is done. */
static void
migrate_reservation(const struct pcrec_reservation *r,
                    const struct pcrec_node *node)
{
    pcrec_reservation_verify_request(r);
    pcrec_reservation_verify_slots(r);
    pcrec_reservation_set_wanted(r, (const char **) r->slots, r->n_slots);
    pcrec_reservation_set_move_to(r, node);
    pcrec_reservation_set_request(r, r->request + 1);
}

static void
cmd_vi_migrate(struct ctl_context *ctx)
{
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);
    const struct pcrec_node *node
        = vi ? ctl_find_node(ctx, ctx->argv[2], CTL_MUST_EXIST) : NULL;
    struct ctl_arg args[] = { { .key = "drain" } };
    int64_t seconds = 0;

    if (!node || !ctl_parse_args(ctx, 3, args, ARRAY_SIZE(args))
        || (args[0].value
            && !ctl_parse_int(ctx, "drain", args[0].value, 0,
                              CTL_MAX_DRAIN_TIMEOUT, &seconds))
        || (is_reserved(vi) && vi->service
            && !ctl_need_reservations_of_service(ctx, vi->service))
        || !check_move(ctx, vi, node)) {
        return;
    }
    if (vi->reservation && !is_on_way_from(vi, node)) {
        if (args[0].value) {
            ctl_error(ctx, "drain= is not for VI \"%s\", which has a "
                      "reservation: use vi-drain", vi->name);
            return;
        }
        migrate_reservation(vi->reservation, node);
        ctl_watch_move(ctx, vi, node, vi->reservation);
        return;
    }
    pcrec_vi_verify_node(vi);
    pcrec_vi_verify_home(vi);
    pcrec_vi_set_node(vi, node);
    pcrec_vi_set_taker(vi, NULL);
    pcrec_vi_set_move_error(vi, "");
    if (args[0].value && !strcmp(vi->admin_state, "up")) {
        drain(vi, seconds);
    }
    ctl_watch_move(ctx, vi, node, NULL);
}

const struct ctl_command_syntax ctl_move_commands[] = {
    {"vi-migrate", 2, 3, "VI NODE [KEY=VALUE]", pre_vi_migrate,
     cmd_vi_migrate, NULL, "", RW},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
