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

#include "pcloud-ctl.h"

#include "ctl-prefix.h"
#include "smap.h"
#include "util.h"

static void
pre_route(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_interfaces);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_routes);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_addresses);
    ovsdb_idl_add_column(ctx->idl, &pcrec_route_col_prefix);
    ovsdb_idl_add_column(ctx->idl, &pcrec_route_col_nexthop);
}

/* Parses a prefix, or "default" of the family of 'nexthop'. */
static char *
parse_prefix(const char *s, const char *nexthop, struct ctl_prefix *p)
{
    if (!strcmp(s, "default")) {
        s = strchr(nexthop, ':') ? "::/0" : "0.0.0.0/0";
    }

    char *error = ctl_prefix_parse(s, CTL_PLEN_MUST, p);
    return error ? error : ctl_prefix_check_net(s, p);
}

/* Can packets be sent to next hop 'nh' of 'r', written 's'?  It must be in the
 * subnet of an interface, and not that interface itself. */
static char *
check_nexthop(const struct pcrec_router *r, const char *s,
              const struct ctl_prefix *nh)
{
    for (size_t i = 0; i < r->n_interfaces; i++) {
        const struct pcrec_interface *iface = r->interfaces[i];

        for (size_t j = 0; j < iface->n_addresses; j++) {
            struct ctl_prefix subnet;
            char *error = ctl_prefix_parse(iface->addresses[j],
                                           CTL_PLEN_MAY, &subnet);
            if (error) {
                free(error);
            } else if (ctl_prefix_same_address(&subnet, nh)) {
                return xasprintf("\"%s\" is interface \"%s\" of router "
                                 "\"%s\" itself", s, iface->name, r->name);
            } else if (ctl_prefix_contains(&subnet, nh)) {
                return NULL;
            }
        }
    }
    return xasprintf("no interface of router \"%s\" has \"%s\" in its "
                     "subnet", r->name, s);
}

/* Checks next hop 's' of a route of 'r' to 'prefix' and gives its canonical
 * form in '*canonical', which the caller frees. */
static char *
parse_nexthop(const struct pcrec_router *r, const char *s,
              const struct ctl_prefix *prefix, char **canonical)
{
    struct ctl_prefix nh;

    *canonical = NULL;
    if (!strcmp(s, "blackhole") || !strcmp(s, "unreachable")) {
        *canonical = xstrdup(s);
        return NULL;
    }

    char *error = ctl_prefix_parse(s, CTL_PLEN_NO, &nh);
    if (!error) {
        error = ctl_prefix_check_host(s, &nh);
    }
    if (!error && nh.is_ipv6 != prefix->is_ipv6) {
        error = xasprintf("prefix and next hop \"%s\" are not of the same IP "
                          "version", s);
    }
    if (!error) {
        error = check_nexthop(r, s, &nh);
    }
    if (!error) {
        *canonical = ctl_prefix_format(&nh, false);
    }
    return error;
}

static const struct pcrec_route *
find_route(const struct pcrec_router *r, const char *prefix)
{
    for (size_t i = 0; i < r->n_routes; i++) {
        if (!strcmp(r->routes[i]->prefix, prefix)) {
            return r->routes[i];
        }
    }
    return NULL;
}

static void
insert_route(struct ctl_context *ctx, const struct pcrec_router *r,
             const char *prefix, const char *nexthop)
{
    struct pcrec_route *route = pcrec_route_insert(ctx->txn);
    struct pcrec_route **all = xmalloc((r->n_routes + 1) * sizeof *all);

    pcrec_route_set_prefix(route, prefix);
    pcrec_route_set_nexthop(route, nexthop);
    if (r->n_routes) {
        memcpy(all, r->routes, r->n_routes * sizeof *all);
    }
    all[r->n_routes] = route;
    pcrec_router_verify_routes(r);
    pcrec_router_set_routes(r, all, r->n_routes + 1);
    free(all);
    ctl_watch_add(ctx, &route->header_, "the route to %s", prefix);
}

static void
cmd_route_add(struct ctl_context *ctx)
{
    const struct pcrec_router *r = ctl_find_router(ctx, ctx->argv[1],
                                                   CTL_MUST_EXIST);
    char *prefix = NULL, *nexthop = NULL;
    struct ctl_prefix p;

    if (!r) {
        return;
    }
    char *error = parse_prefix(ctx->argv[2], ctx->argv[3], &p);
    if (!error) {
        error = parse_nexthop(r, ctx->argv[3], &p, &nexthop);
    }
    if (!error) {
        const struct pcrec_route *other;

        prefix = ctl_prefix_format(&p, true);
        other = find_route(r, prefix);
        if (!other) {
            insert_route(ctx, r, prefix, nexthop);
        } else if (!shash_find(&ctx->options, "--may-exist")
                   || strcmp(other->nexthop, nexthop)) {
            error = xasprintf("router \"%s\" has a route to %s already, by "
                              "%s", r->name, prefix, other->nexthop);
        }
    }
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
    }
    free(prefix);
    free(nexthop);
}

static void
cmd_route_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_router *r
        = ctl_find_router(ctx, ctx->argv[1],
                          must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_route *route;
    struct ctl_prefix p;

    if (!r) {
        return;
    }
    char *error = parse_prefix(ctx->argv[2], "", &p);
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return;
    }
    char *prefix = ctl_prefix_format(&p, true);
    route = find_route(r, prefix);
    if (!route) {
        if (must) {
            ctl_error(ctx, "router \"%s\" has no route to %s", r->name,
                      prefix);
        }
        free(prefix);
        return;
    }
    free(prefix);

    struct pcrec_route **rest = xmalloc(r->n_routes * sizeof *rest);
    size_t n = 0;
    for (size_t i = 0; i < r->n_routes; i++) {
        if (r->routes[i] != route) {
            rest[n++] = r->routes[i];
        }
    }
    pcrec_router_verify_routes(r);
    pcrec_router_set_routes(r, rest, n);
    pcrec_route_delete(route);
    free(rest);
}

static void
pre_route_list(struct ctl_context *ctx)
{
    pre_route(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_route_col_status);
}

static void
cmd_route_list(struct ctl_context *ctx)
{
    const struct pcrec_router *r;
    bool fail;
    const struct pcrec_router *only = ctl_optional_router(ctx, &fail);

    if (fail) {
        return;
    }
    struct ctl_table *t = ctl_table_create("router prefix nexthop error");
    PCREC_ROUTER_FOR_EACH (r, ctx->idl) {
        for (size_t i = 0; i < r->n_routes && (!only || only == r); i++) {
            const struct pcrec_route *route = r->routes[i];

            ctl_cell(t, "%s", r->name);
            ctl_cell(t, "%s", route->prefix);
            ctl_cell(t, "%s", route->nexthop);
            ctl_cell(t, "%s", smap_get_def(&route->status, "error", ""));
        }
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_route_commands[] = {
    {"route-add", 3, 3, "ROUTER PREFIX NEXTHOP", pre_route, cmd_route_add,
     NULL, "--may-exist", RW},
    {"route-del", 2, 2, "ROUTER PREFIX", pre_route, cmd_route_del, NULL,
     "--if-exists", RW},
    {"route-list", 0, 1, "[ROUTER]", pre_route_list, cmd_route_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
