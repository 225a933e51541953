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

/* Commands: init, sync, cloudlet-*, router-*. */

#include <config.h>

#include <unistd.h>

#include "pcloud-ctl.h"

#include "pc-name.h"
#include "stream.h"
#include "util.h"

#define DEFAULT_BRIDGE "br0"
#define DEFAULT_CLOUDLET "local"
#define DEFAULT_TABLE_BASE 200

static void
pre_infra(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_routers);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_nodes);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_bridge);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_target);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_table_base);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_bridge);
}

static struct pcrec_cloudlet *
insert_cloudlet(struct ctl_context *ctx, const char *name)
{
    const struct pcrec_packetcloud *root = ctl_root(ctx);
    struct pcrec_cloudlet *cloudlet = pcrec_cloudlet_insert(ctx->txn);
    struct pcrec_cloudlet **all
        = xmalloc((root->n_cloudlets + 1) * sizeof *all);

    pcrec_cloudlet_set_name(cloudlet, name);
    if (root->n_cloudlets) {
        memcpy(all, root->cloudlets, root->n_cloudlets * sizeof *all);
    }
    all[root->n_cloudlets] = cloudlet;
    pcrec_packetcloud_verify_cloudlets(root);
    pcrec_packetcloud_set_cloudlets(root, all, root->n_cloudlets + 1);
    free(all);
    return cloudlet;
}

static struct pcrec_router *
insert_router(struct ctl_context *ctx, const struct pcrec_cloudlet *cloudlet,
              const char *name)
{
    struct pcrec_router *router = pcrec_router_insert(ctx->txn);
    size_t n = cloudlet->n_routers;
    struct pcrec_router **all = xmalloc((n + 1) * sizeof *all);

    pcrec_router_set_name(router, name);
    if (n) {
        memcpy(all, cloudlet->routers, n * sizeof *all);
    }
    all[n] = router;
    pcrec_cloudlet_verify_routers(cloudlet);
    pcrec_cloudlet_set_routers(cloudlet, all, n + 1);
    free(all);
    ctl_watch_add(ctx, &router->header_, "router \"%s\"", name);
    return router;
}

struct pcrec_node *
ctl_insert_node(struct ctl_context *ctx,
                const struct pcrec_cloudlet *cloudlet, const char *name)
{
    struct pcrec_node *node = pcrec_node_insert(ctx->txn);
    size_t n = cloudlet->n_nodes;
    struct pcrec_node **all = xmalloc((n + 1) * sizeof *all);

    pcrec_node_set_name(node, name);
    if (n) {
        memcpy(all, cloudlet->nodes, n * sizeof *all);
    }
    all[n] = node;
    pcrec_cloudlet_verify_nodes(cloudlet);
    pcrec_cloudlet_set_nodes(cloudlet, all, n + 1);
    free(all);
    return node;
}

/* Bridges are network devices to Open vSwitch, and their names part of the
 * name of a socket. */
bool
ctl_check_bridge(struct ctl_context *ctx, const char *key, const char *name)
{
    size_t len = strlen(name);

    if (!len || len > 15 || strpbrk(name, "/ \t\n") || !strcmp(name, ".")
        || !strcmp(name, "..")) {
        char *quoted = pc_name_quote(name);

        ctl_error(ctx, "%s: %s cannot be the name of a bridge or port: 1 to "
                  "15 characters, no slash, no space", key, quoted);
        free(quoted);
        return false;
    }
    return true;
}

static bool
check_target(struct ctl_context *ctx, const char *target)
{
    if (!strncmp(target, "unix:/", 6)
        || (!strncmp(target, "tcp:", 4) && target[4])
        || (!strncmp(target, "ssl:", 4) && target[4])) {
        return true;
    }

    char *quoted = pc_name_quote(target);
    if (!strncmp(target, "ptcp:", 5) || !strncmp(target, "pssl:", 5)) {
        ctl_error(ctx, "target: %s: the agent connects to the router, a "
                  "router cannot connect to the agent: tcp:HOST[:PORT] or "
                  "ssl:HOST[:PORT]", quoted);
    } else {
        ctl_error(ctx, "target: %s is not unix:FILE, tcp:HOST[:PORT] or "
                  "ssl:HOST[:PORT]", quoted);
    }
    free(quoted);
    return false;
}

static bool
parse_table_base(struct ctl_context *ctx, const char *value, int64_t *base)
{
    *base = DEFAULT_TABLE_BASE;
    return !value || ctl_parse_int(ctx, "table-base", value, 1, 240, base);
}

/* init */

enum { INIT_BRIDGE, INIT_CLOUDLET, INIT_ROUTER, INIT_NODE, INIT_TABLE_BASE,
       N_INIT };

/* Is there already what init would make?  Reports by ctl_error() what differs
 * if there is something else. */
static bool
init_exists(struct ctl_context *ctx, const struct ctl_arg args[N_INIT])
{
    const struct pcrec_cloudlet *c
        = ctl_find_cloudlet(ctx, args[INIT_CLOUDLET].value, CTL_MAY_EXIST);
    const struct pcrec_router *r
        = ctl_find_router(ctx, args[INIT_ROUTER].value, CTL_MAY_EXIST);
    const struct pcrec_node *n
        = ctl_find_node(ctx, args[INIT_NODE].value, CTL_MAY_EXIST);

    if (c && !shash_find(&ctx->options, "--may-exist")) {
        ctl_error(ctx, "there is a cloudlet \"%s\" already; --may-exist "
                  "leaves it as it is", c->name);
    } else if (c && (!r || !n)) {
        ctl_error(ctx, "there is a cloudlet \"%s\" already, but no %s \"%s\"",
                  c->name, r ? "node" : "router",
                  args[r ? INIT_NODE : INIT_ROUTER].value);
    } else if (c && strcmp(r->bridge, args[INIT_BRIDGE].value)) {
        ctl_error(ctx, "router \"%s\" is on bridge \"%s\" already, not on "
                  "\"%s\"", r->name, r->bridge, args[INIT_BRIDGE].value);
    } else if (!c && (r || n)) {
        ctl_error(ctx, "there is a %s \"%s\" already", r ? "router" : "node",
                  args[r ? INIT_ROUTER : INIT_NODE].value);
    }
    return c || r || n;
}

static void
cmd_init(struct ctl_context *ctx)
{
    struct ctl_arg args[N_INIT] = {
        [INIT_BRIDGE] = { .key = "bridge" },
        [INIT_CLOUDLET] = { .key = "cloudlet" },
        [INIT_ROUTER] = { .key = "router" },
        [INIT_NODE] = { .key = "node" },
        [INIT_TABLE_BASE] = { .key = "table-base" },
    };
    char host[256] = "localhost";
    int64_t table_base;

    if (!ctl_parse_args(ctx, 1, args, N_INIT)) {
        return;
    }
    gethostname(host, sizeof host - 1);
    if (!args[INIT_BRIDGE].value) {
        args[INIT_BRIDGE].value = DEFAULT_BRIDGE;
    }
    if (!args[INIT_CLOUDLET].value) {
        args[INIT_CLOUDLET].value = DEFAULT_CLOUDLET;
    }
    if (!args[INIT_ROUTER].value) {
        args[INIT_ROUTER].value = args[INIT_BRIDGE].value;
    }
    if (!args[INIT_NODE].value) {
        args[INIT_NODE].value = host;
    }
    if (!ctl_check_bridge(ctx, "bridge", args[INIT_BRIDGE].value)
        || !ctl_check_name(ctx, "cloudlet", args[INIT_CLOUDLET].value)
        || !ctl_check_name(ctx, "router", args[INIT_ROUTER].value)
        || !ctl_check_name(ctx, "node", args[INIT_NODE].value)
        || !parse_table_base(ctx, args[INIT_TABLE_BASE].value, &table_base)
        || init_exists(ctx, args)) {
        return;
    }

    struct pcrec_cloudlet *cloudlet
        = insert_cloudlet(ctx, args[INIT_CLOUDLET].value);
    struct pcrec_router *router
        = insert_router(ctx, cloudlet, args[INIT_ROUTER].value);
    pcrec_router_set_bridge(router, args[INIT_BRIDGE].value);
    pcrec_router_set_table_base(router, table_base);
    struct pcrec_node *node
        = ctl_insert_node(ctx, cloudlet, args[INIT_NODE].value);
    pcrec_node_set_bridge(node, args[INIT_BRIDGE].value);
}

/* cloudlet-*; what they can be set to is in ctl-cloudlet.c. */

static void
pre_cloudlet_add(struct ctl_context *ctx)
{
    pre_infra(ctx);
    ctl_pre_cloudlet_settings(ctx);
}

static void
cmd_cloudlet_add(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];

    if (!ctl_check_name(ctx, "cloudlet", name)
        || !ctl_cloudlet_settings(ctx, NULL)) {
        return;
    } else if (ctl_find_cloudlet(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a cloudlet \"%s\" already", name);
        }
        return;
    }
    ignore(ctl_cloudlet_settings(ctx, insert_cloudlet(ctx, name)));
}

static void
pre_with_services(struct ctl_context *ctx)
{
    pre_infra(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_cloudlet);
}

static void
cmd_cloudlet_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_cloudlet *cloudlet
        = ctl_find_cloudlet(ctx, ctx->argv[1],
                            must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_packetcloud *root = ctl_root(ctx);
    const struct pcrec_service *s, *user = NULL;

    if (!cloudlet) {
        return;
    }
    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        if (s->cloudlet == cloudlet
            && (!user || strcmp(s->name, user->name) < 0)) {
            user = s;
        }
    }
    if (user) {
        ctl_error(ctx, "service \"%s\" runs in cloudlet \"%s\": delete it "
                  "first", user->name, cloudlet->name);
        return;
    }

    struct pcrec_cloudlet **rest
        = xmalloc(root->n_cloudlets * sizeof *rest);
    size_t n = 0;
    for (size_t i = 0; i < root->n_cloudlets; i++) {
        if (root->cloudlets[i] != cloudlet) {
            rest[n++] = root->cloudlets[i];
        }
    }
    pcrec_packetcloud_verify_cloudlets(root);
    pcrec_packetcloud_set_cloudlets(root, rest, n);
    free(rest);
    pcrec_cloudlet_delete(cloudlet);
}

static void
pre_cloudlet_list(struct ctl_context *ctx)
{
    pre_infra(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_total);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_reserved);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_used);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_available);
}

static void
cmd_cloudlet_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name routers nodes total reserved "
                                           "used available");
    const struct pcrec_cloudlet *c;

    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        struct ds s = DS_EMPTY_INITIALIZER;

        ctl_cell(t, "%s", c->name);
        for (size_t i = 0; i < c->n_routers; i++) {
            ds_put_format(&s, "%s%s", i ? " " : "", c->routers[i]->name);
        }
        ctl_cell(t, "%s", ds_cstr(&s));
        ds_clear(&s);
        for (size_t i = 0; i < c->n_nodes; i++) {
            ds_put_format(&s, "%s%s", i ? " " : "", c->nodes[i]->name);
        }
        ctl_cell(t, "%s", ds_cstr(&s));
        ds_destroy(&s);
        ctl_cell_report(t, c->key_total, c->value_total, c->n_total);
        ctl_cell_report(t, c->key_reserved, c->value_reserved, c->n_reserved);
        ctl_cell_report(t, c->key_used, c->value_used, c->n_used);
        ctl_cell_report(t, c->key_available, c->value_available,
                        c->n_available);
    }
    ctl_table_output(ctx, t);
}

/* router-* */

static void
cmd_router_add(struct ctl_context *ctx)
{
    enum { CLOUDLET, BRIDGE, TARGET, TABLE_BASE, N };
    struct ctl_arg args[N] = {
        [CLOUDLET] = { .key = "cloudlet" },
        [BRIDGE] = { .key = "bridge" },
        [TARGET] = { .key = "target" },
        [TABLE_BASE] = { .key = "table-base" },
    };
    const char *name = ctx->argv[1];
    int64_t table_base;

    if (!ctl_check_name(ctx, "router", name)
        || !ctl_parse_args(ctx, 2, args, N)
        || !parse_table_base(ctx, args[TABLE_BASE].value, &table_base)
        || (args[BRIDGE].value
            && !ctl_check_bridge(ctx, "bridge", args[BRIDGE].value))
        || (args[TARGET].value && !check_target(ctx, args[TARGET].value))) {
        return;
    } else if (!args[BRIDGE].value && !args[TARGET].value) {
        ctl_error(ctx, "say where router \"%s\" is: bridge=BRIDGE on this "
                  "machine, or target=METHOD", name);
        return;
    } else if (ctl_find_router(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a router \"%s\" already", name);
        }
        return;
    }

    const struct pcrec_cloudlet *cloudlet
        = ctl_find_cloudlet(ctx, args[CLOUDLET].value, CTL_MUST_EXIST);
    if (cloudlet) {
        struct pcrec_router *router = insert_router(ctx, cloudlet, name);

        pcrec_router_set_bridge(router,
                                args[BRIDGE].value ? args[BRIDGE].value : "");
        pcrec_router_set_target(router,
                                args[TARGET].value ? args[TARGET].value : "");
        pcrec_router_set_table_base(router, table_base);
    }
}

/* Services need a router: refuses to delete the only one of their cloudlet. */
static bool
check_router_unused(struct ctl_context *ctx, const struct pcrec_router *router)
{
    const struct pcrec_service *s, *user = NULL;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        const struct pcrec_cloudlet *c = s->cloudlet;

        if (c && c->n_routers == 1 && c->routers[0] == router
            && (!user || strcmp(s->name, user->name) < 0)) {
            user = s;
        }
    }
    if (user) {
        ctl_error(ctx, "service \"%s\" needs router \"%s\": delete it first",
                  user->name, router->name);
    }
    return !user;
}

static void
cmd_router_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_router *router
        = ctl_find_router(ctx, ctx->argv[1],
                          must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_cloudlet *c;

    if (!router || !check_router_unused(ctx, router)) {
        return;
    }
    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        struct pcrec_router **rest = xmalloc(c->n_routers * sizeof *rest);
        size_t n = 0;

        for (size_t i = 0; i < c->n_routers; i++) {
            if (c->routers[i] != router) {
                rest[n++] = c->routers[i];
            }
        }
        if (n < c->n_routers) {
            pcrec_cloudlet_verify_routers(c);
            pcrec_cloudlet_set_routers(c, rest, n);
        }
        free(rest);
    }
    pcrec_router_delete(router);
}

static void
pre_router_list(struct ctl_context *ctx)
{
    pre_infra(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_connected);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_cur_cfg);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_error);
}

static void
cmd_router_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name cloudlet bridge target "
                                           "connected applied error");
    const struct pcrec_cloudlet *c;

    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        for (size_t i = 0; i < c->n_routers; i++) {
            const struct pcrec_router *r = c->routers[i];

            ctl_cell(t, "%s", r->name);
            ctl_cell(t, "%s", c->name);
            ctl_cell(t, "%s", r->bridge);
            ctl_cell(t, "%s", r->target);
            ctl_cell(t, "%s", r->connected ? "yes" : "no");
            ctl_cell_int(t, r->cur_cfg);
            ctl_cell(t, "%s", r->error);
        }
    }
    ctl_table_output(ctx, t);
}

/* sync: nothing, but with an acknowledgement. */
static void
pre_sync(struct ctl_context *ctx)
{
    ctl_run_from_context(ctx)->sync = true;
}

static void
cmd_nothing(struct ctl_context *ctx OVS_UNUSED)
{
}

const struct ctl_command_syntax ctl_infra_commands[] = {
    {"init", 0, INT_MAX, "[KEY=VALUE]...", pre_infra, cmd_init, NULL,
     "--may-exist", RW},
    {"sync", 0, 0, "", pre_sync, cmd_nothing, NULL, "", RW},
    {"cloudlet-add", 1, INT_MAX, "NEW-CLOUDLET [KEY=VALUE]...",
     pre_cloudlet_add, cmd_cloudlet_add, NULL, "--may-exist", RW},
    {"cloudlet-del", 1, 1, "CLOUDLET", pre_with_services, cmd_cloudlet_del,
     NULL, "--if-exists", RW},
    {"cloudlet-list", 0, 0, "", pre_cloudlet_list, cmd_cloudlet_list, NULL,
     "--columns=", RO},
    {"router-add", 1, INT_MAX, "NEW-ROUTER [KEY=VALUE]...", pre_infra,
     cmd_router_add, NULL, "--may-exist", RW},
    {"router-del", 1, 1, "ROUTER", pre_with_services, cmd_router_del,
     NULL, "--if-exists", RW},
    {"router-list", 0, 0, "", pre_router_list, cmd_router_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
