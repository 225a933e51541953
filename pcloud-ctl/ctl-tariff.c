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

/* Commands: tariff-*. */

#include <config.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "pc-name.h"
#include "pc-tariff-row.h"
#include "pc-tariff.h"
#include "util.h"

static void
pre_tariff(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_tariff_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_tariff_col_price);
    ovsdb_idl_add_column(ctx->idl, &pcrec_tariff_col_tiers);
    ovsdb_idl_add_column(ctx->idl, &pcrec_tariff_col_fine);
    ovsdb_idl_add_column(ctx->idl, &pcrec_tariff_col_isp_percent);
    ovsdb_idl_add_column(ctx->idl, &pcrec_tariff_col_used);
}

static void
pre_tariff_use(struct ctl_context *ctx)
{
    pre_tariff(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_packetcloud_col_tariff);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_tariff);
}

/* The prices come first, in the order of the dimensions. */
enum { TIERS = PC_N_AMOUNTS, FINE, ISP, USED, N_TARIFF };
#define TARIFF_ARGS { { .key = "cpu" }, { .key = "memory" },            \
                      { .key = "disk" }, { .key = "network" },          \
                      [TIERS] = { .key = "tiers" },                     \
                      [FINE] = { .key = "fine" },                       \
                      [ISP] = { .key = "isp" },                         \
                      [USED] = { .key = "used" } }

/* Parses "25" or "25%".  Ranges are pc_tariff_check()'s. */
static bool
parse_percent(struct ctl_context *ctx, const char *key, const char *text,
              int *percent)
{
    size_t n = strlen(text);
    char *digits = xmemdup0(text, n && text[n - 1] == '%' ? n - 1 : n);
    int64_t value;
    bool ok = ctl_parse_int(ctx, key, digits, 0, PC_TIER_PERCENT_MAX, &value);

    *percent = ok ? value : 0;
    free(digits);
    return ok;
}

/* Parses "25:150,50:300". */
static bool
parse_tiers(struct ctl_context *ctx, const char *text, struct pc_tariff *t)
{
    struct svec tiers = SVEC_EMPTY_INITIALIZER;
    bool ok = true;

    t->n_tiers = 0;
    if (*text) {
        ctl_split(&tiers, text);
    }
    if (tiers.n > PC_MAX_TIERS) {
        ctl_error(ctx, "tiers: there can be %d at most", PC_MAX_TIERS);
        ok = false;
    }
    for (size_t i = 0; i < tiers.n && ok; i++) {
        struct pc_tier *tier = &t->tiers[t->n_tiers++];
        char *percent = strchr(tiers.names[i], ':');

        if (!percent) {
            char *quoted = pc_name_quote(tiers.names[i]);

            ctl_error(ctx, "tiers: %s is not SHARE:PERCENT, such as 25:150",
                      quoted);
            free(quoted);
            ok = false;
        } else {
            *percent++ = '\0';
            ok = (parse_percent(ctx, "tiers", tiers.names[i], &tier->share)
                  && parse_percent(ctx, "tiers", percent, &tier->percent));
        }
    }
    svec_destroy(&tiers);
    return ok;
}

/* Parses "cpu,network". */
static bool
parse_used(struct ctl_context *ctx, const char *text, struct pc_tariff *t)
{
    const char *choices[PC_N_AMOUNTS + 1];
    struct svec used = SVEC_EMPTY_INITIALIZER;
    bool ok = true;

    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        choices[d] = pc_capacity_names[d];
        t->used[d] = false;
    }
    choices[PC_N_AMOUNTS] = NULL;

    if (*text) {
        ctl_split(&used, text);
    }
    for (size_t i = 0; i < used.n && ok; i++) {
        ok = ctl_parse_enum(ctx, "used", used.names[i], choices);
        for (size_t d = 0; d < PC_N_AMOUNTS && ok; d++) {
            t->used[d] |= !strcmp(choices[d], used.names[i]);
        }
    }
    svec_destroy(&used);
    return ok;
}

/* Changes 't' as 'args' say. */
static bool
parse_tariff(struct ctl_context *ctx, const struct ctl_arg args[N_TARIFF],
             struct pc_tariff *t)
{
    char *error = NULL;

    for (size_t d = 0; d < PC_N_AMOUNTS && !error; d++) {
        if (args[d].value) {
            error = pc_money_parse(args[d].value, &t->price[d]);
            if (error) {
                ctl_error(ctx, "%s: %s", args[d].key, error);
                free(error);
                return false;
            }
        }
    }
    if ((args[TIERS].value && !parse_tiers(ctx, args[TIERS].value, t))
        || (args[FINE].value
            && !parse_percent(ctx, "fine", args[FINE].value, &t->fine))
        || (args[ISP].value
            && !parse_percent(ctx, "isp", args[ISP].value, &t->isp_percent))
        || (args[USED].value && !parse_used(ctx, args[USED].value, t))) {
        return false;
    }

    error = pc_tariff_check(t);
    if (error) {
        ctl_error(ctx, "tariff \"%s\": %s", ctx->argv[1], error);
        free(error);
        return false;
    }
    return true;
}

static void
cmd_tariff_add(struct ctl_context *ctx)
{
    struct ctl_arg args[N_TARIFF] = TARIFF_ARGS;
    const char *name = ctx->argv[1];
    struct pc_tariff tariff;

    pc_tariff_from_row(NULL, &tariff);
    if (!ctl_check_name(ctx, "tariff", name)
        || !ctl_parse_args(ctx, 2, args, N_TARIFF)
        || !parse_tariff(ctx, args, &tariff)) {
        /* Reported. */
    } else if (!strcmp(name, "none")) {
        ctl_error(ctx, "\"none\" stands for no tariff");
    } else if (ctl_find_tariff(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a tariff \"%s\" already", name);
        }
    } else {
        struct pcrec_tariff *row = pcrec_tariff_insert(ctx->txn);

        pcrec_tariff_set_name(row, name);
        pc_tariff_to_row(&tariff, row);
    }
}

static void
cmd_tariff_set(struct ctl_context *ctx)
{
    struct ctl_arg args[N_TARIFF] = TARIFF_ARGS;
    const struct pcrec_tariff *row = ctl_find_tariff(ctx, ctx->argv[1],
                                                     CTL_MUST_EXIST);
    struct pc_tariff tariff;

    if (!row || !ctl_parse_args(ctx, 2, args, N_TARIFF)) {
        return;
    }
    pc_tariff_from_row(row, &tariff);
    if (parse_tariff(ctx, args, &tariff)) {
        pcrec_tariff_verify_price(row);
        pcrec_tariff_verify_tiers(row);
        pcrec_tariff_verify_fine(row);
        pcrec_tariff_verify_isp_percent(row);
        pcrec_tariff_verify_used(row);
        pc_tariff_to_row(&tariff, row);
    }
}

static void
cmd_tariff_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_tariff *row
        = ctl_find_tariff(ctx, ctx->argv[1],
                          must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_packetcloud *root = ctl_root(ctx);
    const struct pcrec_cloudlet *c;

    if (!row) {
        return;
    } else if (root->tariff == row) {
        ctl_error(ctx, "tariff \"%s\" is that of all cloudlets without one: "
                  "\"tariff-use none\" first", row->name);
        return;
    }
    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        if (c->tariff == row) {
            ctl_error(ctx, "tariff \"%s\" is that of cloudlet \"%s\": "
                      "\"tariff-use none cloudlet=%s\" first", row->name,
                      c->name, c->name);
            return;
        }
    }
    pcrec_tariff_delete(row);
}

static void
cmd_tariff_use(struct ctl_context *ctx)
{
    struct ctl_arg args[] = { { .key = "cloudlet" } };
    const struct pcrec_cloudlet *c = NULL;
    const struct pcrec_tariff *row = NULL;

    if (!ctl_parse_args(ctx, 2, args, ARRAY_SIZE(args))) {
        return;
    }
    if (strcmp(ctx->argv[1], "none")) {
        row = ctl_find_tariff(ctx, ctx->argv[1], CTL_MUST_EXIST);
        if (!row) {
            return;
        }
    }
    if (args[0].value) {
        c = ctl_find_cloudlet(ctx, args[0].value, CTL_MUST_EXIST);
        if (c) {
            pcrec_cloudlet_set_tariff(c, row);
        }
    } else {
        pcrec_packetcloud_set_tariff(ctl_root(ctx), row);
    }
}

/* Where 'row' applies: "default" and names of cloudlets. */
static char *
format_use(struct ctl_context *ctx, const struct pcrec_tariff *row)
{
    const struct pcrec_packetcloud *root = ctl_root(ctx);
    const struct pcrec_cloudlet *c;
    struct svec use = SVEC_EMPTY_INITIALIZER;

    PCREC_CLOUDLET_FOR_EACH (c, ctx->idl) {
        if (c->tariff == row) {
            svec_add(&use, c->name);
        }
    }
    svec_sort(&use);

    char *cloudlets = svec_join(&use, " ", "");
    char *text = (root && root->tariff == row
                  ? xasprintf("default%s%s", use.n ? " " : "", cloudlets)
                  : xstrdup(cloudlets));
    free(cloudlets);
    svec_destroy(&use);
    return text;
}

static void
cmd_tariff_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name cpu memory disk network "
                                           "tiers fine isp used use");
    const struct pcrec_tariff *row;

    PCREC_TARIFF_FOR_EACH (row, ctx->idl) {
        struct ds tiers = DS_EMPTY_INITIALIZER;
        char *use = format_use(ctx, row);
        struct pc_tariff tariff;

        pc_tariff_from_row(row, &tariff);
        ctl_cell(t, "%s", row->name);
        for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
            ctl_cell_money(t, tariff.price[d]);
        }
        for (size_t i = 0; i < tariff.n_tiers; i++) {
            ds_put_format(&tiers, "%s%d:%d", i ? "," : "",
                          tariff.tiers[i].share, tariff.tiers[i].percent);
        }
        ctl_cell(t, "%s", ds_cstr(&tiers));
        ctl_cell(t, "%d%%", tariff.fine);
        ctl_cell(t, "%d%%", tariff.isp_percent);
        ctl_cell_strings(t, row->used, row->n_used);
        ctl_cell(t, "%s", use);
        free(use);
        ds_destroy(&tiers);
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_tariff_commands[] = {
    {"tariff-add", 1, INT_MAX, "NEW-TARIFF [KEY=VALUE]...", pre_tariff,
     cmd_tariff_add, NULL, "--may-exist", RW},
    {"tariff-set", 2, INT_MAX, "TARIFF KEY=VALUE...", pre_tariff,
     cmd_tariff_set, NULL, "", RW},
    {"tariff-use", 1, 2, "TARIFF|none [KEY=VALUE]...", pre_tariff_use,
     cmd_tariff_use, NULL, "", RW},
    {"tariff-del", 1, 1, "TARIFF", pre_tariff_use, cmd_tariff_del, NULL,
     "--if-exists", RW},
    {"tariff-list", 0, 0, "", pre_tariff_use, cmd_tariff_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
