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

/* Commands: vi-*. */

#include <config.h>

#include <time.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

/* vi-exec: status of a command that the agent has ended. */
#define EXEC_TIMED_OUT 124

static void
pre_vi(struct ctl_context *ctx)
{
    ctl_use_vis(ctl_run_from_context(ctx));
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_service);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_node);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_admin_state);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_quarantined);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_capacity);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_addresses);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_state);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_ready);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_restarts);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_error);
}

static void
pre_vi_list(struct ctl_context *ctx)
{
    pre_vi(ctx);
    if (ctx->argc == 1) {
        ctl_need_all_vis(ctx);
    }
}

static void
cmd_vi_list(struct ctl_context *ctx)
{
    const struct pcrec_service *service = NULL;
    const struct pcrec_vi *vi;

    if (ctx->argc > 1) {
        service = ctl_find_service(ctx, ctx->argv[1], CTL_MUST_EXIST);
        if (!service || !ctl_need_vis_of_service(ctx, service)) {
            return;
        }
    }

    struct ctl_table *t = ctl_table_create("name service node state ready "
                                           "admin addresses restarts error");
    PCREC_VI_FOR_EACH (vi, ctx->idl) {
        if (!service || vi->service == service) {
            ctl_cell(t, "%s", vi->name);
            ctl_cell(t, "%s", vi->service ? vi->service->name : "");
            ctl_cell(t, "%s", vi->node ? vi->node->name : "");
            ctl_cell(t, "%s", vi->state);
            ctl_cell(t, "%s", vi->ready ? "yes" : "no");
            ctl_cell(t, "%s", ctl_vi_admin(vi));
            ctl_cell_strings(t, vi->addresses, vi->n_addresses);
            ctl_cell_int(t, vi->restarts);
            ctl_cell(t, "%s", vi->error);
        }
    }
    ctl_table_output(ctx, t);
}

/* vi-show */

static void
pre_one_vi(struct ctl_context *ctx)
{
    pre_vi(ctx);
    ctl_need_vi_by_name(ctx, ctx->argv[1]);
}

static void
pre_vi_show(struct ctl_context *ctx)
{
    pre_one_vi(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_number);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_home);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_move_error);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_mac);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_gateways);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_weight);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_ports);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_pid);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_since);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_applied);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_status);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_statistics);
}

/* Adds a row "key value" to a table of two columns. */
static void
put_strings(struct ctl_table *t, const char *key, char **strings, size_t n)
{
    ctl_cell(t, "%s", key);
    ctl_cell_strings(t, strings, n);
}

static void
put(struct ctl_table *t, const char *key, const char *value)
{
    ctl_cell(t, "%s", key);
    ctl_cell(t, "%s", value);
}

static void
put_int(struct ctl_table *t, const char *key, int64_t value)
{
    ctl_cell(t, "%s", key);
    ctl_cell(t, "%"PRId64, value);
}

static void
put_since(struct ctl_table *t, int64_t since)
{
    char s[64] = "";

    if (since > 0) {
        time_t when = since;
        struct tm tm;

        strftime(s, sizeof s, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &tm));
    }
    put(t, "since", s);
}

static void
put_ports(struct ctl_table *t, const struct smap *ports)
{
    const char *in = smap_get(ports, "in");
    const char *out = smap_get(ports, "out");

    ctl_cell(t, "ports");
    ctl_cell(t, "%s%s%s%s", in ? "in=" : "", in ? in : "",
             out ? " out=" : "", out ? out : "");
}

/* What is in force, if it is not what is wanted, and what is not. */
static void
put_applied(struct ctl_table *t, const struct pcrec_vi *vi)
{
    struct pc_capacity wanted, applied;
    const struct smap_node **nodes;

    pc_capacity_from_arrays(&wanted, vi->key_capacity, vi->value_capacity,
                            vi->n_capacity);
    pc_capacity_from_arrays(&applied, vi->key_applied, vi->value_applied,
                            vi->n_applied);
    if (vi->n_pid && !pc_capacity_equal(&wanted, &applied)) {
        ctl_cell(t, "applied");
        ctl_cell_capacity(t, vi->key_applied, vi->value_applied,
                          vi->n_applied);
    }
    nodes = smap_sort(&vi->status);
    for (size_t i = 0; i < smap_count(&vi->status); i++) {
        put(t, nodes[i]->key, nodes[i]->value);
    }
    free(nodes);
}

static void
cmd_vi_show(struct ctl_context *ctx)
{
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);
    if (!vi) {
        return;
    }

    struct ctl_table *t = ctl_table_create_unsorted("key value");
    put(t, "name", vi->name);
    put(t, "service", vi->service ? vi->service->name : "(deleted)");
    put(t, "node", vi->node ? vi->node->name : "");
    if (vi->home && vi->home != vi->node) {
        put(t, "comes from", vi->home->name);
    }
    if (*vi->move_error) {
        put(t, "not moved", vi->move_error);
    }
    put(t, "state", vi->state);
    put(t, "ready", vi->ready ? "yes" : "no");
    put_since(t, vi->since);
    put(t, "admin", ctl_vi_admin(vi));
    put(t, "error", vi->error);
    put_int(t, "restarts", vi->restarts);
    put_int(t, "number", vi->number);
    put(t, "mac", vi->mac);
    put_strings(t, "addresses", vi->addresses, vi->n_addresses);
    put_strings(t, "gateways", vi->gateways, vi->n_gateways);
    put_ports(t, &vi->ports);
    ctl_cell(t, "capacity");
    ctl_cell_capacity(t, vi->key_capacity, vi->value_capacity,
                      vi->n_capacity);
    put_applied(t, vi);
    put_int(t, "weight", vi->weight);
    if (vi->n_pid) {
        put_int(t, "pid", vi->pid[0]);
    }
    for (size_t i = 0; i < vi->n_statistics; i++) {
        put_int(t, vi->key_statistics[i], vi->value_statistics[i]);
    }
    ctl_table_output(ctx, t);
}

/* vi-drain */

/* How long a VI drains at most if nothing is said, in seconds. */
#define DRAIN_TIMEOUT 300

static void
pre_vi_drain(struct ctl_context *ctx)
{
    pre_one_vi(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_options);
}

static void
set_drain_until(const struct pcrec_vi *vi, int64_t timeout)
{
    char *until = xasprintf("%lld", (long long int) time_wall()
                            + (long long int) timeout);

    pcrec_vi_update_options_setkey(vi, "drain-until", until);
    free(until);
}

static void
cmd_vi_drain(struct ctl_context *ctx)
{
    static const char *const choices[] = { "on", "off", NULL };
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);
    bool given = ctx->argc > 2 && !strchr(ctx->argv[2], '=');
    const char *arg = given ? ctx->argv[2] : "on";
    struct ctl_arg args[] = { { .key = "timeout" } };
    int64_t timeout = DRAIN_TIMEOUT;

    if (!vi || !ctl_parse_enum(ctx, "vi-drain", arg, choices)
        || !ctl_parse_args(ctx, 2 + given, args, ARRAY_SIZE(args))
        || (args[0].value
            && !ctl_parse_int(ctx, "timeout", args[0].value, 0,
                              CTL_MAX_DRAIN_TIMEOUT, &timeout))) {
        return;
    }
    if (strcmp(arg, "on")) {
        pcrec_vi_update_options_delkey(vi, "drain-until");
        pcrec_vi_set_admin_state(vi, "up");
    } else {
        set_drain_until(vi, timeout);
        pcrec_vi_set_admin_state(vi, "drain");
        ctl_watch_drain(ctx, vi);
    }
}

/* vi-set */

static void
pre_vi_set(struct ctl_context *ctx)
{
    pre_one_vi(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_weight);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_options);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_mode);
}

static void
cmd_vi_set(struct ctl_context *ctx)
{
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);
    struct ctl_arg args[] = { { .key = "weight" }, { .key = "anti-spoof" } };
    int64_t weight;

    if (!vi || !ctl_parse_args(ctx, 2, args, ARRAY_SIZE(args))
        || (args[1].value && !ctl_set_anti_spoof(ctx, vi, args[1].value))
        || (args[0].value && !ctl_parse_int(ctx, "weight", args[0].value, 0,
                                            UINT16_MAX, &weight))) {
        return;
    }
    if (args[0].value) {
        pcrec_vi_set_weight(vi, weight);
    }
}

/* vi-resize */

static void
cmd_vi_resize(struct ctl_context *ctx)
{
    struct ctl_arg args[PC_N_CAPACITY];
    struct smap capacity = SMAP_INITIALIZER(&capacity);
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);

    for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
        args[i].key = pc_capacity_names[i];
        args[i].value = NULL;
    }
    if (!vi || !ctl_parse_args(ctx, 2, args, ARRAY_SIZE(args))) {
        return;
    }
    ctl_capacity_from_arrays(&capacity, vi->key_capacity, vi->value_capacity,
                             vi->n_capacity);
    if (ctl_parse_capacity(ctx, args, &capacity)) {
        const char *keys[PC_N_CAPACITY];
        int64_t values[PC_N_CAPACITY];
        size_t n = ctl_capacity_to_arrays(&capacity, keys, values);

        pcrec_vi_verify_capacity(vi);
        pcrec_vi_set_capacity(vi, keys, values, n);
        ctl_watch_resize(ctx, vi, keys, values, n);
    }
    smap_destroy(&capacity);
}

/* vi-exec, vi-log: the agent does it. */

static void
cmd_vi_log(struct ctl_context *ctx)
{
    int64_t lines;

    if (ctx->argc > 2
        && !ctl_parse_int(ctx, "lines", ctx->argv[2], 1, 1000000, &lines)) {
        return;
    }

    char *reply;
    char *error = ctl_agent_transact(ctl_run_from_context(ctx), "node/log",
                                     ctx->argc - 1, ctx->argv + 1, &reply);
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
    } else {
        ds_put_cstr(&ctx->output, reply);
        free(reply);
    }
}

/* Runs a command in a VI.  The first line of the agent's reply is the
 * command's exit status, which becomes ours. */
static void
cmd_vi_exec(struct ctl_context *ctx)
{
    struct ctl_run *run = ctl_run_from_context(ctx);
    struct svec argv = SVEC_EMPTY_INITIALIZER;
    char *reply = NULL;

    if (!run->tail.n) {
        ctl_error(ctx, "say what to run in VI \"%s\": vi-exec %s -- "
                  "COMMAND...", ctx->argv[1], ctx->argv[1]);
        return;
    }
    svec_add(&argv, ctx->argv[1]);
    svec_append(&argv, &run->tail);
    svec_terminate(&argv);

    char *error = ctl_agent_transact(run, "node/exec", argv.n, argv.names,
                                     &reply);
    svec_destroy(&argv);
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return;
    }
    const char *output = strchr(reply, '\n');
    run->exit_status = atoi(reply);
    if (run->exit_status == EXEC_TIMED_OUT) {
        ovs_error(0, "VI \"%s\": \"%s\" took too long and was ended",
                  ctx->argv[1], run->tail.names[0]);
    }
    ds_put_cstr(&ctx->output, output ? output + 1 : "");
    free(reply);
}

const struct ctl_command_syntax ctl_vi_commands[] = {
    {"vi-list", 0, 1, "[SERVICE]", pre_vi_list, cmd_vi_list, NULL,
     "--columns=", RO},
    {"vi-show", 1, 1, "VI", pre_vi_show, cmd_vi_show, NULL, "", RO},
    {"vi-drain", 1, 3, "VI [on|off] [KEY=VALUE]", pre_vi_drain, cmd_vi_drain,
     NULL, "", RW},
    {"vi-set", 2, INT_MAX, "VI KEY=VALUE...", pre_vi_set, cmd_vi_set, NULL,
     "", RW},
    {"vi-resize", 2, INT_MAX, "VI KEY=VALUE...", pre_one_vi, cmd_vi_resize,
     NULL, "", RW},
    {"vi-exec", 1, 1, "VI", NULL, cmd_vi_exec, NULL, "", RO},
    {"vi-log", 1, 2, "VI [ARG]", NULL, cmd_vi_log, NULL, "", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
