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

/* Commands: provider-*. */

#include <config.h>

#include "pcloud-ctl.h"

#include "util.h"

static void
pre_provider(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_isp);
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_balance);
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_entries);
}

static void
cmd_provider_add(struct ctl_context *ctx)
{
    static const char *const choices[] = { "yes", "no", NULL };
    struct ctl_arg args[] = { { .key = "isp" } };
    const char *name = ctx->argv[1];

    if (!ctl_check_name(ctx, "provider", name)
        || !ctl_parse_args(ctx, 2, args, ARRAY_SIZE(args))
        || (args[0].value
            && !ctl_parse_enum(ctx, "isp", args[0].value, choices))) {
        /* Reported. */
    } else if (ctl_find_provider(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a provider \"%s\" already", name);
        }
    } else {
        struct pcrec_provider *p = pcrec_provider_insert(ctx->txn);

        pcrec_provider_set_name(p, name);
        pcrec_provider_set_isp(p, args[0].value
                                  && !strcmp(args[0].value, "yes"));
    }
}

static void
pre_provider_del(struct ctl_context *ctx)
{
    pre_provider(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_provider);
    ovsdb_idl_add_column(ctx->idl, &pcrec_reservation_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_reservation_col_provider);
    ctl_need_all_reservations(ctx);
}

/* What keeps 'p' from being deleted, of several the first by name; NULL:
 * nothing. */
static char *
find_user(struct ctl_context *ctx, const struct pcrec_provider *p)
{
    const struct pcrec_reservation *r, *first_r = NULL;
    const struct pcrec_service *s, *first_s = NULL;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        if (s->provider == p
            && (!first_s || strcmp(s->name, first_s->name) < 0)) {
            first_s = s;
        }
    }
    PCREC_RESERVATION_FOR_EACH (r, ctx->idl) {
        if (r->provider == p
            && (!first_r || strcmp(r->name, first_r->name) < 0)) {
            first_r = r;
        }
    }
    return (first_s ? xasprintf("service \"%s\" is", first_s->name)
            : first_r ? xasprintf("reservation \"%s\" is", first_r->name)
            : p->entries ? xasprintf("%"PRId64" entries of the ledger are",
                                     p->entries)
            : NULL);
}

static void
cmd_provider_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_provider *p
        = ctl_find_provider(ctx, ctx->argv[1],
                            must ? CTL_MUST_EXIST : CTL_MAY_EXIST);

    if (!p) {
        return;
    }

    char *user = find_user(ctx, p);
    if (user) {
        ctl_error(ctx, "%s provider \"%s\"'s", user, p->name);
        free(user);
        return;
    }
    pcrec_provider_delete(p);
}

static void
cmd_provider_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name isp balance entries");
    const struct pcrec_provider *p;

    PCREC_PROVIDER_FOR_EACH (p, ctx->idl) {
        ctl_cell(t, "%s", p->name);
        ctl_cell(t, "%s", p->isp ? "yes" : "no");
        ctl_cell_money(t, p->balance);
        ctl_cell_int(t, p->entries);
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_provider_commands[] = {
    {"provider-add", 1, 2, "NEW-PROVIDER [KEY=VALUE]...", pre_provider,
     cmd_provider_add, NULL, "--may-exist", RW},
    {"provider-del", 1, 1, "PROVIDER", pre_provider_del, cmd_provider_del,
     NULL, "--if-exists", RW},
    {"provider-list", 0, 0, "", pre_provider, cmd_provider_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
