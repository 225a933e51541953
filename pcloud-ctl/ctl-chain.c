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

/* Commands: chain-*. */

#include <config.h>

#include <limits.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Services that a chain may have: Chain.services in the schema. */
#define MAX_HOPS 32

static void
pre_chain(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_cloudlet);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_visible);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_cloudlet);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_services);
}

/* The services of a chain, in order. */
struct hops {
    int64_t keys[MAX_HOPS];
    struct pcrec_service *services[MAX_HOPS];
    size_t n;
};

/* Appends service 'name' to 'hops'. */
static bool
add_hop(struct ctl_context *ctx, struct hops *hops, const char *name)
{
    const struct pcrec_service *s = ctl_find_service(ctx, name,
                                                     CTL_MUST_EXIST);
    if (!s) {
        return false;
    } else if (s->visible) {
        ctl_error(ctx, "service \"%s\" is visible: packets reach it by its "
                  "address, so no chain can lead to it", name);
        return false;
    } else if (hops->n && s->cloudlet != hops->services[0]->cloudlet) {
        ctl_error(ctx, "services \"%s\" and \"%s\" are of different "
                  "cloudlets", hops->services[0]->name, name);
        return false;
    }
    for (size_t i = 0; i < hops->n; i++) {
        if (hops->services[i] == s) {
            ctl_error(ctx, "service \"%s\" is in the chain twice", name);
            return false;
        }
    }
    hops->keys[hops->n] = hops->n;
    hops->services[hops->n++] = CONST_CAST(struct pcrec_service *, s);
    return true;
}

/* Reads the services from words 2 and following of the command. */
static bool
parse_hops(struct ctl_context *ctx, struct hops *hops)
{
    hops->n = 0;
    if (ctx->argc - 2 > MAX_HOPS) {
        ctl_error(ctx, "%d services are too many for a chain: at most %d",
                  ctx->argc - 2, MAX_HOPS);
        return false;
    }
    for (int i = 2; i < ctx->argc; i++) {
        if (!add_hop(ctx, hops, ctx->argv[i])) {
            return false;
        }
    }
    return true;
}

static bool
name_is_free(struct ctl_context *ctx, const char *name)
{
    if (ctl_find_chain(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a chain \"%s\" already", name);
        }
        return false;
    } else if (ctl_find_service(ctx, name, CTL_MAY_EXIST)) {
        ctl_error(ctx, "there is a service \"%s\" already", name);
        return false;
    }
    return true;
}

static void
cmd_chain_add(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];
    struct hops hops;

    if (ctl_check_name(ctx, "chain", name) && parse_hops(ctx, &hops)
        && name_is_free(ctx, name)) {
        struct pcrec_chain *c = pcrec_chain_insert(ctx->txn);

        pcrec_chain_set_name(c, name);
        pcrec_chain_set_cloudlet(c, hops.services[0]->cloudlet);
        pcrec_chain_set_services(c, hops.keys, hops.services, hops.n);
        ctl_watch_add(ctx, &c->header_, "chain \"%s\"", name);
    }
}

static void
cmd_chain_set(struct ctl_context *ctx)
{
    const struct pcrec_chain *c = ctl_find_chain(ctx, ctx->argv[1],
                                                 CTL_MUST_EXIST);
    struct hops hops;

    if (!c || !parse_hops(ctx, &hops)) {
        return;
    } else if (hops.services[0]->cloudlet != c->cloudlet) {
        ctl_error(ctx, "chain \"%s\" and service \"%s\" are of different "
                  "cloudlets", c->name, hops.services[0]->name);
        return;
    }
    pcrec_chain_set_services(c, hops.keys, hops.services, hops.n);
}

/* chain-del */

static void
pre_chain_del(struct ctl_context *ctx)
{
    pre_chain(ctx);
    ctl_use_rules(ctl_run_from_context(ctx));
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_chain);
}

static void
cmd_chain_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_chain *c
        = ctl_find_chain(ctx, ctx->argv[1],
                         must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_rule *r;
    size_t n = 0;

    if (!c || !ctl_need_rules_of_chain(ctx, c)) {
        return;
    }
    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        n += r->chain == c;
    }
    if (n) {
        ctl_error(ctx, "chain \"%s\" has %"PRIuSIZE" rule%s: delete %s first, "
                  "by rule-del --all", c->name, n, n > 1 ? "s" : "",
                  n > 1 ? "them" : "it");
        return;
    }
    pcrec_chain_delete(c);
}

/* chain-list */

static void
pre_chain_list(struct ctl_context *ctx)
{
    pre_chain(ctx);
    ctl_need_all_rules(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_error);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_chain);
}

/* The names of the services of 'c' in order, for the caller to free. */
char *
ctl_chain_format_services(const struct pcrec_chain *c)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < c->n_services; i++) {
        ds_put_format(&s, "%s%s", i ? " " : "", c->value_services[i]->name);
    }
    return ds_steal_cstr(&s);
}

static void
cmd_chain_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name services rules error");
    const struct pcrec_chain *c;

    PCREC_CHAIN_FOR_EACH (c, ctx->idl) {
        char *services = ctl_chain_format_services(c);
        const struct pcrec_rule *r;
        int64_t n = 0;

        PCREC_RULE_FOR_EACH (r, ctx->idl) {
            n += r->chain == c;
        }
        ctl_cell(t, "%s", c->name);
        ctl_cell(t, "%s", services);
        ctl_cell_int(t, n);
        ctl_cell(t, "%s", c->error);
        free(services);
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_chain_commands[] = {
    {"chain-add", 2, INT_MAX, "NEW-CHAIN SERVICE...", pre_chain,
     cmd_chain_add, NULL, "--may-exist", RW},
    {"chain-set", 2, INT_MAX, "CHAIN SERVICE...", pre_chain, cmd_chain_set,
     NULL, "", RW},
    {"chain-del", 1, 1, "CHAIN", pre_chain_del, cmd_chain_del, NULL,
     "--if-exists", RW},
    {"chain-list", 0, 0, "", pre_chain_list, cmd_chain_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
