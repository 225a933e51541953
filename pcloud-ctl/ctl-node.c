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

/* Commands: node-*. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-slot.h"
#include "pc-units.h"
#include "smap.h"
#include "util.h"

static void
pre_node(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_routers);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_nodes);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_bridge);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_bridge);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_data_port);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_capacity);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_isp_share);
}

enum { NODE_CLOUDLET = PC_N_CAPACITY, NODE_BRIDGE, NODE_DATA_PORT,
       NODE_ISP_SHARE, N_NODE };
#define NODE_ARGS { CTL_CAPACITY_ARGS,                                  \
                    [NODE_CLOUDLET] = { .key = "cloudlet" },            \
                    [NODE_BRIDGE] = { .key = "bridge" },                \
                    [NODE_DATA_PORT] = { .key = "data-port" },          \
                    [NODE_ISP_SHARE] = { .key = "isp-share" } }

/* Checks the settings of a node in 'args'. */
static bool
check_node_args(struct ctl_context *ctx, const struct ctl_arg args[N_NODE],
                struct smap *capacity, uint64_t *isp_share)
{
    if (args[NODE_ISP_SHARE].value) {
        char *error = pc_units_parse_percent(args[NODE_ISP_SHARE].value,
                                             isp_share);
        if (error) {
            ctl_error(ctx, "isp-share: %s", error);
            free(error);
            return false;
        }
    }
    return (ctl_parse_capacity(ctx, args, capacity)
            && (!args[NODE_BRIDGE].value
                || ctl_check_bridge(ctx, "bridge", args[NODE_BRIDGE].value))
            && (!args[NODE_DATA_PORT].value || !*args[NODE_DATA_PORT].value
                || ctl_check_bridge(ctx, "data-port",
                                    args[NODE_DATA_PORT].value)));
}

static void
set_node(const struct pcrec_node *node, const struct ctl_arg args[N_NODE],
         const struct smap *capacity, uint64_t isp_share)
{
    const char *keys[PC_N_CAPACITY];
    int64_t values[PC_N_CAPACITY];
    size_t n = ctl_capacity_to_arrays(capacity, keys, values);

    pcrec_node_set_capacity(node, keys, values, n);
    if (args[NODE_BRIDGE].value) {
        pcrec_node_set_bridge(node, args[NODE_BRIDGE].value);
    }
    if (args[NODE_DATA_PORT].value) {
        pcrec_node_set_data_port(node, args[NODE_DATA_PORT].value);
    }
    if (args[NODE_ISP_SHARE].value) {
        pcrec_node_set_isp_share(node, isp_share);
    }
}

static void
cmd_node_add(struct ctl_context *ctx)
{
    struct ctl_arg args[N_NODE] = NODE_ARGS;
    struct smap capacity = SMAP_INITIALIZER(&capacity);
    const struct pcrec_cloudlet *cloudlet = NULL;
    const char *name = ctx->argv[1];
    uint64_t isp_share = 0;

    if (!ctl_check_name(ctx, "node", name)
        || !ctl_parse_args(ctx, 2, args, N_NODE)
        || !check_node_args(ctx, args, &capacity, &isp_share)) {
        /* Reported. */
    } else if (ctl_find_node(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a node \"%s\" already", name);
        }
    } else {
        cloudlet = ctl_find_cloudlet(ctx, args[NODE_CLOUDLET].value,
                                     CTL_MUST_EXIST);
    }

    if (cloudlet) {
        if (!args[NODE_BRIDGE].value && cloudlet->n_routers == 1) {
            args[NODE_BRIDGE].value = cloudlet->routers[0]->bridge;
        }
        set_node(ctl_insert_node(ctx, cloudlet, name), args, &capacity,
                 isp_share);
    }
    smap_destroy(&capacity);
}

static void
cmd_node_set(struct ctl_context *ctx)
{
    struct ctl_arg args[N_NODE] = NODE_ARGS;
    struct smap capacity = SMAP_INITIALIZER(&capacity);
    const struct pcrec_node *node = ctl_find_node(ctx, ctx->argv[1],
                                                  CTL_MUST_EXIST);
    uint64_t isp_share = 0;

    if (!node || !ctl_parse_args(ctx, 2, args, N_NODE)) {
        return;
    } else if (args[NODE_CLOUDLET].value) {
        ctl_error(ctx, "a node stays in its cloudlet: delete node \"%s\" and "
                  "add it again", node->name);
        return;
    }
    ctl_capacity_from_arrays(&capacity, node->key_capacity,
                             node->value_capacity, node->n_capacity);
    if (check_node_args(ctx, args, &capacity, &isp_share)) {
        pcrec_node_verify_capacity(node);
        set_node(node, args, &capacity, isp_share);
    }
    smap_destroy(&capacity);
}

static void
pre_node_del(struct ctl_context *ctx)
{
    pre_node(ctx);
    ctl_need_all_vis(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_node);
}

static void
cmd_node_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_node *node
        = ctl_find_node(ctx, ctx->argv[1],
                        must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_cloudlet *c;
    const struct pcrec_vi *vi;

    if (!node) {
        return;
    }
    PCREC_VI_FOR_EACH (vi, ctx->idl) {
        if (vi->node == node) {
            ctl_error(ctx, "VI \"%s\" runs on node \"%s\"", vi->name,
                      node->name);
            return;
        }
    }
    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        struct pcrec_node **rest = xmalloc(c->n_nodes * sizeof *rest);
        size_t n = 0;

        for (size_t i = 0; i < c->n_nodes; i++) {
            if (c->nodes[i] != node) {
                rest[n++] = c->nodes[i];
            }
        }
        if (n < c->n_nodes) {
            pcrec_cloudlet_verify_nodes(c);
            pcrec_cloudlet_set_nodes(c, rest, n);
        }
        free(rest);
    }
    pcrec_node_delete(node);
}

static void
pre_node_list(struct ctl_context *ctx)
{
    pre_node(ctx);
    ctl_pre_report(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_cur_cfg);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_error);
}

static void
cmd_node_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name cloudlet bridge state "
                                           "capacity reserved used "
                                           "isp-share applied error");
    struct shash held = SHASH_INITIALIZER(&held);
    const struct pc_amount none = { .value = { 0 } };
    const struct pcrec_cloudlet *c;

    ctl_report_held(ctx, &held);
    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        for (size_t i = 0; i < c->n_nodes; i++) {
            const struct pcrec_node *n = c->nodes[i];
            const struct pc_amount *a = shash_find_data(&held, n->name);

            ctl_cell(t, "%s", n->name);
            ctl_cell(t, "%s", c->name);
            ctl_cell(t, "%s", n->bridge);
            ctl_cell(t, "%s", n->state);
            ctl_cell_node_total(t, n);
            ctl_cell_amount(t, a ? a : &none);
            ctl_cell_report(t, n->key_used, n->value_used, n->n_used);
            ctl_cell(t, "%"PRId64"%%", n->isp_share);
            ctl_cell_int(t, n->cur_cfg);
            ctl_cell(t, "%s", n->error);
        }
    }
    shash_destroy_free_data(&held);
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_node_commands[] = {
    {"node-add", 1, INT_MAX, "NEW-NODE [KEY=VALUE]...", pre_node,
     cmd_node_add, NULL, "--may-exist", RW},
    {"node-set", 2, INT_MAX, "NODE KEY=VALUE...", pre_node, cmd_node_set,
     NULL, "", RW},
    {"node-del", 1, 1, "NODE", pre_node_del, cmd_node_del, NULL,
     "--if-exists", RW},
    {"node-list", 0, 0, "", pre_node_list, cmd_node_list, NULL, "--columns=",
     RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
