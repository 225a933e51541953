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

/* Commands that read the ledger: ledger-list, ledger-check, bill. */

#include <config.h>

#include <stdlib.h>

#include "pcloud-ctl.h"

#include "pc-clock.h"
#include "pc-ledger.h"
#include "pc-name.h"
#include "pc-tariff.h"
#include "pc-time.h"
#include "util.h"

/* Of ledger-list and bill, with the name of a provider or without. */
static void
pre_ledger(struct ctl_context *ctx)
{
    if (ctx->argc > 1) {
        ctl_use_ledger(ctx);
    } else {
        ctl_need_whole_ledger(ctx);
    }
    pc_ledger_add_check_columns(ctx->idl);
    ovsdb_idl_add_column(ctx->idl, &pcrec_ledger_col_time);
    ovsdb_idl_add_column(ctx->idl, &pcrec_ledger_col_kind);
    ovsdb_idl_add_column(ctx->idl, &pcrec_ledger_col_reservation);
    ovsdb_idl_add_column(ctx->idl, &pcrec_ledger_col_note);
}

static void
cell_time(struct ctl_table *t, int64_t when)
{
    char *text = pc_time_format(when);

    ctl_cell(t, "%s", text);
    free(text);
}

/* The columns that ledger-list and bill share. */
#define ENTRY_COLUMNS "entry time kind reservation amount balance note"

static void
cells_entry(struct ctl_table *t, const struct pcrec_ledger *row)
{
    ctl_cell_int(t, row->entry);
    cell_time(t, row->time);
    ctl_cell(t, "%s", row->kind);
    ctl_cell(t, "%s", row->reservation);
    ctl_cell_money(t, row->amount);
    ctl_cell_money(t, row->balance);
    if (row->n_corrects) {
        ctl_cell(t, "entry %"PRId64": %s", row->corrects[0], row->note);
    } else {
        ctl_cell(t, "%s", row->note);
    }
}

static void
cmd_ledger_list(struct ctl_context *ctx)
{
    const struct pcrec_provider *only = NULL;
    const struct pcrec_ledger *row;

    if (ctx->argc > 1) {
        only = ctl_find_provider(ctx, ctx->argv[1], CTL_MUST_EXIST);
        if (!only || !ctl_need_ledger_of_provider(ctx, only)) {
            return;
        }
    }

    struct ctl_table *t = ctl_table_create("provider " ENTRY_COLUMNS);
    PCREC_LEDGER_FOR_EACH (row, ctx->idl) {
        if (!only || row->provider == only) {
            ctl_cell(t, "%s", row->provider->name);
            cells_entry(t, row);
        }
    }
    ctl_table_output(ctx, t);
}

static bool
parse_time(struct ctl_context *ctx, const struct ctl_arg *arg, int64_t *when)
{
    if (arg->value) {
        char *error = pc_time_parse(arg->value, pc_clock_now(), when);

        if (error) {
            ctl_error(ctx, "%s: %s", arg->key, error);
            free(error);
            return false;
        }
    }
    return true;
}

/* The last line of a bill: what its amounts sum to. */
static void
cells_total(struct ctl_table *t, int64_t total, int64_t balance)
{
    ctl_cell(t, "%s", "");
    ctl_cell(t, "%s", "");
    ctl_cell(t, "total");
    ctl_cell(t, "%s", "");
    ctl_cell_money(t, total);
    ctl_cell_money(t, balance);
    ctl_cell(t, "%s", "");
}

static void
cmd_bill(struct ctl_context *ctx)
{
    struct ctl_arg args[] = { { .key = "from" }, { .key = "to" } };
    const struct pcrec_provider *p = ctl_find_provider(ctx, ctx->argv[1],
                                                       CTL_MUST_EXIST);
    int64_t from = INT64_MIN, to = INT64_MAX, total = 0, balance = 0;
    bool overflow = false;
    size_t n;

    if (!p || !ctl_parse_args(ctx, 2, args, ARRAY_SIZE(args))
        || !parse_time(ctx, &args[0], &from)
        || !parse_time(ctx, &args[1], &to)) {
        return;
    } else if (from > to) {
        ctl_error(ctx, "from=%s is after to=%s", args[0].value,
                  args[1].value);
        return;
    } else if (!ctl_need_ledger_of_provider(ctx, p)) {
        return;
    }

    const struct pcrec_ledger **rows = pc_ledger_entries(ctx->idl, p, &n);
    struct ctl_table *t = ctl_table_create_unsorted(ENTRY_COLUMNS);
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->time < to) {
            balance = rows[i]->balance;
            if (rows[i]->time >= from) {
                cells_entry(t, rows[i]);
                overflow |= __builtin_add_overflow(total, rows[i]->amount,
                                                   &total);
            }
        }
    }
    cells_total(t, total, balance);
    ctl_table_output(ctx, t);
    if (overflow) {
        ctl_error(ctx, "the amounts sum to more than can be written");
    }
    free(rows);
}

static void
pre_ledger_check(struct ctl_context *ctx)
{
    ctl_need_whole_ledger(ctx);
    pc_ledger_add_check_columns(ctx->idl);
}

static void
cmd_ledger_check(struct ctl_context *ctx)
{
    struct svec errors = SVEC_EMPTY_INITIALIZER;

    pc_ledger_check(ctx->idl, &errors);
    for (size_t i = 0; i < errors.n; i++) {
        ds_put_format(&ctx->output, "%s\n", errors.names[i]);
    }
    if (errors.n) {
        ctl_run_from_context(ctx)->exit_status = EXIT_FAILURE;
    }
    svec_destroy(&errors);
}

const struct ctl_command_syntax ctl_ledger_commands[] = {
    {"ledger-list", 0, 1, "[PROVIDER]", pre_ledger, cmd_ledger_list, NULL,
     "--columns=", RO},
    {"ledger-check", 0, 0, "", pre_ledger_check, cmd_ledger_check, NULL, "",
     RO},
    {"bill", 1, 3, "PROVIDER [KEY=VALUE]...", pre_ledger, cmd_bill, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
