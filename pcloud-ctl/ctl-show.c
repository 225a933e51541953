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

/* Command: show. */

#include <config.h>

#include <stdarg.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "pc-report.h"
#include "smap.h"
#include "util.h"

/* A service or chain with more rules than that is shown with their number only. */
#define MAX_RULES_SHOWN 10

static const struct ovsdb_idl_column *const show_columns[] = {
    &pcrec_cloudlet_col_name, &pcrec_cloudlet_col_routers,
    &pcrec_cloudlet_col_nodes,
    &pcrec_router_col_name, &pcrec_router_col_bridge,
    &pcrec_router_col_target, &pcrec_router_col_interfaces,
    &pcrec_router_col_routes, &pcrec_router_col_connected,
    &pcrec_router_col_cur_cfg, &pcrec_router_col_error,
    &pcrec_router_col_status,
    &pcrec_interface_col_name, &pcrec_interface_col_addresses,
    &pcrec_interface_col_port, &pcrec_interface_col_status,
    &pcrec_route_col_prefix, &pcrec_route_col_nexthop,
    &pcrec_route_col_status,
    &pcrec_node_col_name, &pcrec_node_col_bridge, &pcrec_node_col_capacity,
    &pcrec_node_col_cur_cfg, &pcrec_node_col_error, &pcrec_node_col_status,
    &pcrec_node_col_state,
    &pcrec_image_col_name, &pcrec_image_col_status,
    &pcrec_service_col_name, &pcrec_service_col_cloudlet,
    &pcrec_service_col_image, &pcrec_service_col_mode,
    &pcrec_service_col_visible, &pcrec_service_col_replicas,
    &pcrec_service_col_on_failure, &pcrec_service_col_error,
    &pcrec_chain_col_name, &pcrec_chain_col_cloudlet,
    &pcrec_chain_col_services, &pcrec_chain_col_error,
    &pcrec_rule_col_service, &pcrec_rule_col_chain, &pcrec_rule_col_match,
    &pcrec_rule_col_priority, &pcrec_rule_col_direction,
    &pcrec_rule_col_options, &pcrec_rule_col_error,
    &pcrec_vi_col_name, &pcrec_vi_col_service, &pcrec_vi_col_node,
    &pcrec_vi_col_state, &pcrec_vi_col_ready, &pcrec_vi_col_admin_state,
    &pcrec_vi_col_quarantined, &pcrec_vi_col_addresses, &pcrec_vi_col_error,
};

/* Asks for what show and status print. */
void
ctl_show_prerequisites(struct ctl_context *ctx)
{
    for (size_t i = 0; i < ARRAY_SIZE(show_columns); i++) {
        ovsdb_idl_add_column(ctx->idl, show_columns[i]);
    }
    ctl_need_all_rules(ctx);
    ctl_need_all_vis(ctx);
}

/* With -f json, show prints all that it prints otherwise, as one object. */
static bool
is_json(const struct ctl_context *ctx)
{
    const struct ctl_run *run = ctl_run_from_context(ctx);

    return run->format_given && run->style.format == TF_JSON;
}

/* Appends a line, indented by 4 * 'level'. */
static void OVS_PRINTF_FORMAT(3, 4)
line(struct ctl_context *ctx, int level, const char *format, ...)
{
    va_list args;

    ds_put_char_multiple(&ctx->output, ' ', 4 * level);
    va_start(args, format);
    ds_put_format_valist(&ctx->output, format, args);
    va_end(args);
    ds_put_char(&ctx->output, '\n');
}

/* The same for a text that may be empty: then nothing. */
static void
line_unless_empty(struct ctl_context *ctx, int level, const char *key,
                  const char *value)
{
    if (value && *value) {
        line(ctx, level, "%s: %s", key, value);
    }
}

static char *
join(char **strings, size_t n)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&s, "%s%s", i ? " " : "", strings[i]);
    }
    return ds_steal_cstr(&s);
}

static int
compare_strings(const void *a_, const void *b_)
{
    const char *const *a = a_;
    const char *const *b = b_;

    return strverscmp(*a, *b);
}

/* Prints 'lines', each of them several lines, in order, and destroys it. */
static void
put_sorted(struct ctl_context *ctx, struct svec *lines)
{
    if (lines->n) {
        qsort(lines->names, lines->n, sizeof *lines->names, compare_strings);
    }
    for (size_t i = 0; i < lines->n; i++) {
        ds_put_cstr(&ctx->output, lines->names[i]);
    }
    svec_destroy(lines);
}

static void
show_interface(struct svec *lines, const struct pcrec_interface *iface)
{
    char *addresses = join(iface->addresses, iface->n_addresses);
    const char *error = smap_get(&iface->status, "error");

    svec_add_nocopy(lines, xasprintf(
                        "        Interface %s\n"
                        "            addresses: %s\n%s%s%s%s%s%s",
                        iface->name, addresses,
                        *iface->port ? "            port: " : "", iface->port,
                        *iface->port ? "\n" : "",
                        error ? "            error: " : "",
                        error ? error : "", error ? "\n" : ""));
    free(addresses);
}

static void
show_route(struct svec *lines, const struct pcrec_route *route)
{
    const char *error = smap_get(&route->status, "error");

    svec_add_nocopy(lines, xasprintf(
                        "        Route %s via %s\n%s%s%s",
                        route->prefix, route->nexthop,
                        error ? "            error: " : "",
                        error ? error : "", error ? "\n" : ""));
}

static void
show_router(struct ctl_context *ctx, const struct pcrec_router *r)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;

    line(ctx, 1, "Router %s", r->name);
    line_unless_empty(ctx, 2, "bridge", r->bridge);
    line_unless_empty(ctx, 2, "target", r->target);
    if (r->connected) {
        line(ctx, 2, "connected: true");
    }
    line_unless_empty(ctx, 2, "error", r->error);
    for (size_t i = 0; i < r->n_interfaces; i++) {
        show_interface(&lines, r->interfaces[i]);
    }
    for (size_t i = 0; i < r->n_routes; i++) {
        show_route(&lines, r->routes[i]);
    }
    put_sorted(ctx, &lines);
}

static void
show_node(struct ctl_context *ctx, const struct pcrec_node *n)
{
    char *capacity = ctl_format_capacities(n->key_capacity,
                                           n->value_capacity, n->n_capacity);

    line(ctx, 1, "Node %s", n->name);
    line_unless_empty(ctx, 2, "bridge", n->bridge);
    line_unless_empty(ctx, 2, "capacity", capacity);
    if (!pc_report_node_is_usable(n)) {
        line(ctx, 2, "state: %s", n->state);
    }
    line_unless_empty(ctx, 2, "error", n->error);
    free(capacity);
}

/* The rules of service 's' or chain 'c'. */
static void
show_rules(struct ctl_context *ctx, const struct pcrec_service *s,
           const struct pcrec_chain *c)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const struct pcrec_rule *r;
    size_t n = 0;

    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        const char *after = smap_get(&r->options, "after");

        if (r->service == s && r->chain == c
            && (++n <= MAX_RULES_SHOWN || is_json(ctx))) {
            svec_add_nocopy(&lines, xasprintf(
                                "        Rule %s%s%s\n"
                                "            priority: %"PRId64", %s\n%s%s%s",
                                r->match, after ? " after " : "",
                                after ? after : "", r->priority, r->direction,
                                *r->error ? "            error: " : "",
                                r->error, *r->error ? "\n" : ""));
        }
    }
    if (n > MAX_RULES_SHOWN && !is_json(ctx)) {
        svec_clear(&lines);
        line(ctx, 2, "rules: %"PRIuSIZE, n);
    }
    put_sorted(ctx, &lines);
}

static void
show_vis(struct ctl_context *ctx, const struct pcrec_service *s)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    const struct pcrec_vi *vi;

    PCREC_VI_FOR_EACH (vi, ctx->idl) {
        if (vi->service == s) {
            char *addresses = join(vi->addresses, vi->n_addresses);
            const char *admin = ctl_vi_admin(vi);

            svec_add_nocopy(&lines, xasprintf(
                "        VI %s\n            state: %s%s%s%s\n"
                "%s%s%s%s%s%s%s%s%s",
                vi->name, *vi->state ? vi->state : "not seen by its node",
                vi->ready ? ", ready" : "",
                !strcmp(admin, "up") ? "" : ", ",
                !strcmp(admin, "up") ? "" : admin,
                vi->node ? "            node: " : "",
                vi->node ? vi->node->name : "", vi->node ? "\n" : "",
                *addresses ? "            addresses: " : "", addresses,
                *addresses ? "\n" : "",
                *vi->error ? "            error: " : "", vi->error,
                *vi->error ? "\n" : ""));
            free(addresses);
        }
    }
    put_sorted(ctx, &lines);
}

static void
show_service(struct ctl_context *ctx, const struct pcrec_service *s)
{
    line(ctx, 1, "Service %s", s->name);
    line(ctx, 2, "kind: %s, mode %s", s->visible ? "visible" : "transparent",
         s->mode);
    line_unless_empty(ctx, 2, "image", s->image ? s->image->name : NULL);
    line(ctx, 2, "replicas: %"PRId64, s->replicas);
    if (!s->visible) {
        line(ctx, 2, "on failure: %s", s->on_failure);
    }
    line_unless_empty(ctx, 2, "error", s->error);
    show_rules(ctx, s, NULL);
    show_vis(ctx, s);
}

static int
compare_services(const void *a_, const void *b_)
{
    const struct pcrec_service *const *a = a_;
    const struct pcrec_service *const *b = b_;

    return strverscmp((*a)->name, (*b)->name);
}

static void
show_services(struct ctl_context *ctx, const struct pcrec_cloudlet *c)
{
    const struct pcrec_service **all = NULL, *s;
    size_t n = 0, allocated = 0;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        if (s->cloudlet == c) {
            if (n >= allocated) {
                all = x2nrealloc(all, &allocated, sizeof *all);
            }
            all[n++] = s;
        }
    }
    if (n) {
        qsort(all, n, sizeof *all, compare_services);
    }
    for (size_t i = 0; i < n; i++) {
        show_service(ctx, all[i]);
    }
    free(all);
}

static int
compare_chains(const void *a_, const void *b_)
{
    const struct pcrec_chain *const *a = a_;
    const struct pcrec_chain *const *b = b_;

    return strverscmp((*a)->name, (*b)->name);
}

static void
show_chain(struct ctl_context *ctx, const struct pcrec_chain *chain)
{
    char *services = ctl_chain_format_services(chain);

    line(ctx, 1, "Chain %s", chain->name);
    line(ctx, 2, "services: %s", services);
    line_unless_empty(ctx, 2, "error", chain->error);
    show_rules(ctx, NULL, chain);
    free(services);
}

static void
show_chains(struct ctl_context *ctx, const struct pcrec_cloudlet *c)
{
    const struct pcrec_chain **all = NULL, *chain;
    size_t n = 0, allocated = 0;

    PCREC_CHAIN_FOR_EACH (chain, ctx->idl) {
        if (chain->cloudlet == c) {
            if (n >= allocated) {
                all = x2nrealloc(all, &allocated, sizeof *all);
            }
            all[n++] = chain;
        }
    }
    if (n) {
        qsort(all, n, sizeof *all, compare_chains);
    }
    for (size_t i = 0; i < n; i++) {
        show_chain(ctx, all[i]);
    }
    free(all);
}

static void
cmd_show(struct ctl_context *ctx)
{
    const struct pcrec_packetcloud *root = ctl_root(ctx);

    for (size_t i = 0; root && i < root->n_cloudlets; i++) {
        const struct pcrec_cloudlet *c = root->cloudlets[i];

        line(ctx, 0, "Cloudlet %s", c->name);
        for (size_t j = 0; j < c->n_routers; j++) {
            show_router(ctx, c->routers[j]);
        }
        for (size_t j = 0; j < c->n_nodes; j++) {
            show_node(ctx, c->nodes[j]);
        }
        show_services(ctx, c);
        show_chains(ctx, c);
    }
    if (is_json(ctx)) {
        ctl_show_to_json(&ctx->output, ctl_run_from_context(ctx)
                                       ->style.json_flags);
    }
}

const struct ctl_command_syntax ctl_show_commands[] = {
    {"show", 0, 0, "", ctl_show_prerequisites, cmd_show, NULL, "", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
