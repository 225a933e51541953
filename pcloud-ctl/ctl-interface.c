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

/* Commands: interface-*, route-*. */

#include <config.h>

#include "pcloud-ctl.h"

#include "ctl-prefix.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "pc-name.h"
#include "smap.h"
#include "util.h"

#define MIN_MTU 576             /* RFC 791: what every host must take. */
#define MIN_MTU_IPV6 1280       /* RFC 8200, section 5. */

static void
pre_interface(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_router_col_interfaces);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_port);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_mac);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_addresses);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_mtu);
}

static const struct pcrec_interface *
find_interface(const struct pcrec_router *r, const char *name)
{
    for (size_t i = 0; i < r->n_interfaces; i++) {
        if (!strcmp(r->interfaces[i]->name, name)) {
            return r->interfaces[i];
        }
    }
    return NULL;
}

/* Is 'p', called 's', free to be an address of a new interface of 'r'? */
static char *
check_free(const struct pcrec_router *r, const char *s,
           const struct ctl_prefix *p)
{
    for (size_t i = 0; i < r->n_interfaces; i++) {
        const struct pcrec_interface *iface = r->interfaces[i];

        for (size_t j = 0; j < iface->n_addresses; j++) {
            struct ctl_prefix other;
            char *error = ctl_prefix_parse(iface->addresses[j],
                                           CTL_PLEN_MAY, &other);
            if (error) {
                free(error);
            } else if (ctl_prefix_overlap(p, &other)) {
                return xasprintf("\"%s\" overlaps %s of interface \"%s\"", s,
                                 iface->addresses[j], iface->name);
            }
        }
    }
    return NULL;
}

/* Checks the addresses of a new interface of 'r' and adds them to 'addresses'
 * in canonical form. */
static bool
parse_addresses(struct ctl_context *ctx, const struct pcrec_router *r,
                const struct svec *words, struct svec *addresses)
{
    for (size_t i = 0; i < words->n; i++) {
        const char *s = words->names[i];
        struct ctl_prefix p;
        char *error = ctl_prefix_parse(s, CTL_PLEN_MUST, &p);

        if (!error) {
            error = ctl_prefix_check_host(s, &p);
        }
        if (!error) {
            error = check_free(r, s, &p);
        }
        for (size_t j = 0; j < addresses->n && !error; j++) {
            struct ctl_prefix other;

            error = ctl_prefix_parse(addresses->names[j], CTL_PLEN_MUST,
                                     &other);
            if (!error && ctl_prefix_overlap(&p, &other)) {
                error = xasprintf("\"%s\" overlaps %s of the same interface",
                                  s, addresses->names[j]);
            }
        }
        if (error) {
            ctl_error(ctx, "%s", error);
            free(error);
            return false;
        }
        svec_add_nocopy(addresses, ctl_prefix_format(&p, true));
    }
    return true;
}

static bool
check_mac(struct ctl_context *ctx, const char *s)
{
    struct eth_addr mac;

    if (eth_addr_from_string(s, &mac) && !eth_addr_is_multicast(mac)
        && !eth_addr_is_zero(mac)) {
        return true;
    }
    char *quoted = pc_name_quote(s);
    ctl_error(ctx, "mac: %s is not the Ethernet address of a host "
              "(xx:xx:xx:xx:xx:xx, not multicast)", quoted);
    free(quoted);
    return false;
}

static bool
check_mtu(struct ctl_context *ctx, const char *s,
          const struct svec *addresses, int64_t *mtu)
{
    int64_t min = MIN_MTU;

    for (size_t i = 0; i < addresses->n; i++) {
        if (strchr(addresses->names[i], ':')) {
            min = MIN_MTU_IPV6;
        }
    }
    return ctl_parse_int(ctx, "mtu", s, min, 65535, mtu);
}

static void
insert_interface(struct ctl_context *ctx, const struct pcrec_router *r,
                 struct pcrec_interface *iface)
{
    struct pcrec_interface **all
        = xmalloc((r->n_interfaces + 1) * sizeof *all);

    if (r->n_interfaces) {
        memcpy(all, r->interfaces, r->n_interfaces * sizeof *all);
    }
    all[r->n_interfaces] = iface;
    pcrec_router_verify_interfaces(r);
    pcrec_router_set_interfaces(r, all, r->n_interfaces + 1);
    free(all);
    ctl_watch_add(ctx, &iface->header_, "interface \"%s\"", iface->name);
}

enum { IFACE_PORT, IFACE_MAC, IFACE_MTU, N_IFACE };

/* Splits the words of interface-add into addresses, which contain no '=', and
 * the rest, which is parsed into 'args'. */
static bool
parse_interface(struct ctl_context *ctx, struct svec *addresses,
                struct ctl_arg args[N_IFACE])
{
    int i = 3;

    for (; i < ctx->argc && !strchr(ctx->argv[i], '='); i++) {
        svec_add(addresses, ctx->argv[i]);
    }
    if (!addresses->n) {
        ctl_error(ctx, "interface \"%s\" needs an address with its prefix "
                  "length, such as 10.1.0.1/24", ctx->argv[2]);
        return false;
    }
    return (ctl_parse_args(ctx, i, args, N_IFACE)
            && (!args[IFACE_PORT].value
                || ctl_check_bridge(ctx, "port", args[IFACE_PORT].value))
            && (!args[IFACE_MAC].value
                || check_mac(ctx, args[IFACE_MAC].value)));
}

static void
cmd_interface_add(struct ctl_context *ctx)
{
    struct ctl_arg args[N_IFACE] = {
        [IFACE_PORT] = { .key = "port" },
        [IFACE_MAC] = { .key = "mac" },
        [IFACE_MTU] = { .key = "mtu" },
    };
    const struct pcrec_router *r = ctl_find_router(ctx, ctx->argv[1],
                                                   CTL_MUST_EXIST);
    const char *name = ctx->argv[2];
    struct svec words = SVEC_EMPTY_INITIALIZER;
    struct svec addresses = SVEC_EMPTY_INITIALIZER;
    int64_t mtu = 0;

    if (!r || !ctl_check_name(ctx, "interface", name)
        || !parse_interface(ctx, &words, args)) {
        /* Reported. */
    } else if (find_interface(r, name)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "router \"%s\" has an interface \"%s\" already",
                      r->name, name);
        }
    } else if (parse_addresses(ctx, r, &words, &addresses)
               && (!args[IFACE_MTU].value
                   || check_mtu(ctx, args[IFACE_MTU].value, &addresses,
                                &mtu))) {
        struct pcrec_interface *iface = pcrec_interface_insert(ctx->txn);

        pcrec_interface_set_name(iface, name);
        pcrec_interface_set_addresses(iface, (const char **) addresses.names,
                                      addresses.n);
        if (args[IFACE_PORT].value) {
            pcrec_interface_set_port(iface, args[IFACE_PORT].value);
        }
        if (args[IFACE_MAC].value) {
            pcrec_interface_set_mac(iface, args[IFACE_MAC].value);
        }
        if (mtu) {
            pcrec_interface_set_mtu(iface, &mtu, 1);
        }
        insert_interface(ctx, r, iface);
    }
    svec_destroy(&words);
    svec_destroy(&addresses);
}

static void
cmd_interface_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_router *r
        = ctl_find_router(ctx, ctx->argv[1],
                          must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_interface *iface
        = r ? find_interface(r, ctx->argv[2]) : NULL;

    if (!iface) {
        if (r && must) {
            ctl_error(ctx, "router \"%s\" has no interface \"%s\"", r->name,
                      ctx->argv[2]);
        }
        return;
    }

    struct pcrec_interface **rest = xmalloc(r->n_interfaces * sizeof *rest);
    size_t n = 0;
    for (size_t i = 0; i < r->n_interfaces; i++) {
        if (r->interfaces[i] != iface) {
            rest[n++] = r->interfaces[i];
        }
    }
    pcrec_router_verify_interfaces(r);
    pcrec_router_set_interfaces(r, rest, n);
    pcrec_interface_delete(iface);
    free(rest);
}

static void
pre_interface_list(struct ctl_context *ctx)
{
    pre_interface(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_interface_col_status);
}

static void
cmd_interface_list(struct ctl_context *ctx)
{
    const struct pcrec_router *r;
    bool fail;
    const struct pcrec_router *only = ctl_optional_router(ctx, &fail);

    if (fail) {
        return;
    }
    struct ctl_table *t = ctl_table_create("router name addresses port mac "
                                           "mtu error");
    PCREC_ROUTER_FOR_EACH (r, ctx->idl) {
        for (size_t i = 0; i < r->n_interfaces && (!only || only == r); i++) {
            const struct pcrec_interface *iface = r->interfaces[i];

            ctl_cell(t, "%s", r->name);
            ctl_cell(t, "%s", iface->name);
            ctl_cell_strings(t, iface->addresses, iface->n_addresses);
            ctl_cell(t, "%s", iface->port);
            ctl_cell(t, "%s", (iface->mac[0] ? iface->mac
                               : smap_get_def(&iface->status, "mac", "")));
            ctl_cell_int(t, iface->n_mtu ? iface->mtu[0] : 1500);
            ctl_cell(t, "%s", smap_get_def(&iface->status, "error", ""));
        }
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_interface_commands[] = {
    {"interface-add", 2, INT_MAX, "ROUTER NEW-INTERFACE ADDRESS... "
     "[KEY=VALUE]...", pre_interface, cmd_interface_add, NULL, "--may-exist",
     RW},
    {"interface-del", 2, 2, "ROUTER INTERFACE", pre_interface,
     cmd_interface_del, NULL, "--if-exists", RW},
    {"interface-list", 0, 1, "[ROUTER]", pre_interface_list,
     cmd_interface_list, NULL, "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
