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

/* Commands that add to the ledger: payment-add, ledger-correct. */

#include <config.h>

#include "pcloud-ctl.h"

#include "openvswitch/json.h"
#include "pc-clock.h"
#include "pc-ledger.h"
#include "pc-tariff.h"
#include "unicode.h"
#include "util.h"

/* Longest note or id. */
#define MAX_TEXT 500

/* Can 'arg' be printed, in one line, and be in the database? */
static bool
check_text(struct ctl_context *ctx, const struct ctl_arg *arg)
{
    const char *problem = NULL;
    size_t n;

    if (!arg->value) {
        return true;
    }
    for (const char *p = arg->value; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f) {
            problem = "has a control character in it";
        }
    }

    char *error = utf8_validate(arg->value, &n);
    if (error) {
        problem = "is not UTF-8";
        free(error);
    } else if (n > MAX_TEXT) {
        problem = "is too long";
    } else if (!n) {
        problem = "is empty";
    }
    if (problem) {
        ctl_error(ctx, "%s: the text %s", arg->key, problem);
    }
    return !problem;
}

static bool
parse_amount(struct ctl_context *ctx, const char *text, int64_t *amount)
{
    char *error = pc_money_parse(text, amount);

    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return false;
    }
    return true;
}

/* Adds 'e', a "payment" or "correction" of 'p', which is called 'id' elsewhere, or
 * has no other name than its number. */
static void
append(struct ctl_context *ctx, const struct pcrec_provider *p,
       struct pc_ledger_entry *e, const char *id)
{
    const char *kind = pc_ledger_kind_to_string(e->kind);

    /* Names have no space: the two forms cannot be mistaken for each other. */
    char *purpose = (id ? xasprintf("%s %s id %s", kind, p->name, id)
                     : xasprintf("%s %s %"PRId64, kind, p->name,
                                 p->entries + 1));
    e->purpose = purpose;
    e->time = pc_clock_now();
    char *error = pc_ledger_append(ctx->txn, p, e);
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
    }
    e->purpose = NULL;
    free(purpose);
}

/* Ends the program if 'error', of a transaction, is that an entry has an id that
 * another one has. */
void
ctl_ledger_check_error(const char *error)
{
    struct json *json = json_from_string(error);
    const struct json *details
        = (json->type == JSON_OBJECT
           ? shash_find_data(json_object(json), "details") : NULL);

    if (details && details->type == JSON_STRING) {
        const char *text = json_string(details);
        const char *begin = strstr(text, "\"Ledger\" table to have identical "
                                   "values (");
        const char *end = strstr(text, ") for index on column \"purpose\"");

        if (begin && end > begin) {
            begin = strchr(begin, '(') + 1;
            /* "payment" or "correction", the provider, "id", and that. */
            char *list = xasprintf("[%.*s]", (int) (end - begin), begin);
            struct json *purpose = json_from_string(list);
            char kind[16], provider[256];
            int n = 0;

            if (purpose->type == JSON_ARRAY
                && json_array(purpose)->n == 1
                && json_array(purpose)->elems[0]->type == JSON_STRING
                && ovs_scan(json_string(json_array(purpose)->elems[0]),
                            "%15s %255s id %n", kind, provider, &n)) {
                ctl_fatal("provider \"%s\" has a %s with the id \"%s\" "
                          "already", provider, kind,
                          json_string(json_array(purpose)->elems[0]) + n);
            }
            json_destroy(purpose);
            free(list);
        }
    }
    json_destroy(json);
}

/* payment-add */

static void
pre_payment_add(struct ctl_context *ctx)
{
    pc_ledger_add_columns(ctx->idl);
}

static void
cmd_payment_add(struct ctl_context *ctx)
{
    enum { NOTE, ID };
    struct ctl_arg args[] = { [NOTE] = { .key = "note" },
                              [ID] = { .key = "id" } };
    const struct pcrec_provider *p = ctl_find_provider(ctx, ctx->argv[1],
                                                       CTL_MUST_EXIST);
    struct pc_ledger_entry e = { .kind = PC_LEDGER_PAYMENT };

    if (!p || !parse_amount(ctx, ctx->argv[2], &e.amount)) {
        return;
    } else if (!e.amount) {
        ctl_error(ctx, "a payment of nothing is none");
        return;
    } else if (!ctl_parse_args(ctx, 3, args, ARRAY_SIZE(args))
               || !check_text(ctx, &args[NOTE])
               || !check_text(ctx, &args[ID])) {
        return;
    }
    e.note = args[NOTE].value ? args[NOTE].value : args[ID].value;
    append(ctx, p, &e, args[ID].value);
}

/* ledger-correct */

static void
pre_ledger_correct(struct ctl_context *ctx)
{
    ctl_use_ledger(ctx);
    ctl_use_reservations(ctx);
    pc_ledger_add_check_columns(ctx->idl);
    ovsdb_idl_add_column(ctx->idl, &pcrec_ledger_col_purpose);
    ovsdb_idl_add_column(ctx->idl, &pcrec_ledger_col_reservation);
    ovsdb_idl_add_column(ctx->idl, &pcrec_reservation_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_reservation_col_paid);
}

/* The entry of 'p' that is called 'number', and what it comes to with all
 * corrections so far; NULL after an error. */
static const struct pcrec_ledger *
find_entry(struct ctl_context *ctx, const struct pcrec_provider *p,
           const char *number, int64_t *amount)
{
    const struct pcrec_ledger *row, *found = NULL;
    long long int entry;
    int64_t sum = 0;

    if (!str_to_llong(number, 10, &entry) || entry < 1) {
        ctl_error(ctx, "\"%s\" is not the number of an entry", number);
        return NULL;
    }
    PCREC_LEDGER_FOR_EACH (row, ctx->idl) {
        if (row->provider == p && row->entry == entry) {
            found = row;
        }
        if (row->provider == p
            && (row->entry == entry
                || (row->n_corrects && row->corrects[0] == entry))
            && __builtin_add_overflow(sum, row->amount, &sum)) {
            ctl_error(ctx, "the amounts sum to more than can be written");
            return NULL;
        }
    }
    if (!found) {
        ctl_error(ctx, "provider \"%s\" has no entry %lld", p->name, entry);
    } else if (found->n_corrects) {
        ctl_error(ctx, "entry %lld is a correction itself: correct entry "
                  "%"PRId64, entry, found->corrects[0]);
        found = NULL;
    }
    *amount = sum;
    return found;
}

/* Would an entry that comes to 'amount' be a charge no more, or no more a payment,
 * with 'correction'?  Nobody means that. */
static bool
turns_round(struct ctl_context *ctx, const struct pcrec_ledger *row,
            int64_t amount, int64_t correction)
{
    int64_t sum;

    if (!__builtin_add_overflow(amount, correction, &sum)
        && (row->amount < 0 ? sum <= 0 : sum >= 0)) {
        return false;
    }
    char *is = pc_money_format(amount);
    char *change = pc_money_format(correction);

    ctl_error(ctx, "entry %"PRId64" comes to %s: a correction by %s is too much",
              row->entry, is, change);
    free(is);
    free(change);
    return true;
}

/* The reservation that 'row' is about is there yet: what is given back of it
 * follows from what was paid. */
static bool
correct_paid(struct ctl_context *ctx, const struct pcrec_ledger *row,
             int64_t amount)
{
    const struct pcrec_reservation *r;

    PCREC_RESERVATION_FOR_EACH (r, ctx->idl) {
        /* Another one may have had the name before. */
        char *purpose = xasprintf("%s "UUID_FMT" ", r->name,
                                  UUID_ARGS(&r->header_.uuid));
        bool same = !strncmp(row->purpose, purpose, strlen(purpose));
        int64_t paid;

        free(purpose);
        if (same) {
            if (__builtin_sub_overflow(r->paid, amount, &paid) || paid < 0) {
                char *text = pc_money_format(r->paid);

                ctl_error(ctx, "%s is paid for reservation \"%s\": a "
                          "correction by %s is too much", text, r->name,
                          ctx->argv[3]);
                free(text);
                return false;
            }
            pcrec_reservation_verify_paid(r);
            pcrec_reservation_set_paid(r, paid);
        }
    }
    return true;
}

static void
cmd_ledger_correct(struct ctl_context *ctx)
{
    enum { REASON, ID };
    struct ctl_arg args[] = { [REASON] = { .key = "reason" },
                              [ID] = { .key = "id" } };
    const struct pcrec_provider *p = ctl_find_provider(ctx, ctx->argv[1],
                                                       CTL_MUST_EXIST);
    struct pc_ledger_entry e = { .kind = PC_LEDGER_CORRECTION };
    int64_t before;

    if (!p || !parse_amount(ctx, ctx->argv[3], &e.amount)
        || !ctl_parse_args(ctx, 4, args, ARRAY_SIZE(args))
        || !check_text(ctx, &args[REASON]) || !check_text(ctx, &args[ID])) {
        return;
    } else if (!e.amount) {
        ctl_error(ctx, "a correction by nothing is none");
        return;
    } else if (!args[REASON].value) {
        ctl_error(ctx, "a correction needs a reason=");
        return;
    } else if (!ctl_need_ledger_of_provider(ctx, p)) {
        return;
    }

    const struct pcrec_ledger *row = find_entry(ctx, p, ctx->argv[2], &before);
    if (!row || turns_round(ctx, row, before, e.amount)) {
        return;
    }
    if (row->reservation[0]
        && (!ctl_need_reservation_called(ctx, row->reservation)
            || !correct_paid(ctx, row, e.amount))) {
        return;
    }
    e.corrects = row->entry;
    e.reservation = row->reservation;
    e.note = args[REASON].value;
    append(ctx, p, &e, args[ID].value);
}

const struct ctl_command_syntax ctl_payment_commands[] = {
    {"payment-add", 2, 4, "PROVIDER AMOUNT [KEY=VALUE]...", pre_payment_add,
     cmd_payment_add, NULL, "", RW},
    {"ledger-correct", 3, 5, "PROVIDER ENTRY AMOUNT [KEY=VALUE]...",
     pre_ledger_correct, cmd_ledger_correct, NULL, "", RW},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
