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
#include "pc-ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pc-idl.h"
#include "ovsdb-idl.h"
#include "svec.h"
#include "util.h"

static const char *const kinds[PC_N_LEDGER_KINDS] = {
    [PC_LEDGER_CHARGE] = "charge",
    [PC_LEDGER_REFUND] = "refund",
    [PC_LEDGER_USAGE] = "usage",
    [PC_LEDGER_PAYMENT] = "payment",
    [PC_LEDGER_CORRECTION] = "correction",
};

const char *
pc_ledger_kind_to_string(enum pc_ledger_kind kind)
{
    return kinds[kind];
}

void
pc_ledger_add_columns(struct ovsdb_idl *idl)
{
    ovsdb_idl_add_column(idl, &pcrec_provider_col_name);
    ovsdb_idl_add_column(idl, &pcrec_provider_col_balance);
    ovsdb_idl_add_column(idl, &pcrec_provider_col_entries);
}

void
pc_ledger_add_check_columns(struct ovsdb_idl *idl)
{
    pc_ledger_add_columns(idl);
    ovsdb_idl_add_column(idl, &pcrec_ledger_col_provider);
    ovsdb_idl_add_column(idl, &pcrec_ledger_col_entry);
    ovsdb_idl_add_column(idl, &pcrec_ledger_col_amount);
    ovsdb_idl_add_column(idl, &pcrec_ledger_col_balance);
    ovsdb_idl_add_column(idl, &pcrec_ledger_col_corrects);
}

char *
pc_ledger_append(struct ovsdb_idl_txn *txn, const struct pcrec_provider *p,
                 const struct pc_ledger_entry *e)
{
    /* The members of 'p' are what the database has, or what this transaction
     * has written already: the IDL parses a column again when it is set.
     * Verifying a column that was written verifies what was read before. */
    int64_t entry, balance;
    if (__builtin_add_overflow(p->balance, e->amount, &balance)
        || __builtin_add_overflow(p->entries, 1, &entry)) {
        return xasprintf("provider \"%s\": a balance of %"PRId64" and an entry "
                         "of %"PRId64" microunits are too much together",
                         p->name, p->balance, e->amount);
    }

    struct pcrec_ledger *row = pcrec_ledger_insert(txn);
    pcrec_ledger_set_purpose(row, e->purpose);
    pcrec_ledger_set_provider(row, p);
    pcrec_ledger_set_entry(row, entry);
    pcrec_ledger_set_time(row, e->time);
    pcrec_ledger_set_kind(row, kinds[e->kind]);
    pcrec_ledger_set_reservation(row, e->reservation ? e->reservation : "");
    pcrec_ledger_set_amount(row, e->amount);
    pcrec_ledger_set_balance(row, balance);
    pcrec_ledger_set_note(row, e->note ? e->note : "");
    if (e->corrects) {
        pcrec_ledger_set_corrects(row, &e->corrects, 1);
    }

    pcrec_provider_verify_entries(p);
    pcrec_provider_verify_balance(p);
    pcrec_provider_set_entries(p, entry);
    pcrec_provider_set_balance(p, balance);
    return NULL;
}

static int
compare_entries(const void *a_, const void *b_)
{
    const struct pcrec_ledger *const *ap = a_;
    const struct pcrec_ledger *const *bp = b_;
    const struct pcrec_ledger *a = *ap, *b = *bp;
    int cmp = strcmp(a->provider->name, b->provider->name);

    return cmp ? cmp : (a->entry > b->entry) - (a->entry < b->entry);
}

static int
compare_providers(const void *a_, const void *b_)
{
    const struct pcrec_provider *const *a = a_;
    const struct pcrec_provider *const *b = b_;

    return strcmp((*a)->name, (*b)->name);
}

/* Checks 'p', whose entries are the 'n' of 'rows', in order. */
static void
check_provider(const struct pcrec_provider *p,
               const struct pcrec_ledger *const *rows, size_t n,
               struct svec *errors)
{
    int64_t entry = 0, balance = 0;

    for (size_t i = 0; i < n; i++) {
        const struct pcrec_ledger *row = rows[i];
        int64_t sum;

        if (row->entry != entry + 1) {
            svec_add_nocopy(errors, xasprintf(
                "provider \"%s\": entry %"PRId64" follows entry %"PRId64,
                p->name, row->entry, entry));
        }
        if (row->n_corrects && row->corrects[0] >= row->entry) {
            svec_add_nocopy(errors, xasprintf(
                "provider \"%s\": entry %"PRId64" corrects entry %"PRId64
                ", which is not before it", p->name, row->entry,
                row->corrects[0]));
        }
        if (__builtin_add_overflow(balance, row->amount, &sum)) {
            svec_add_nocopy(errors, xasprintf(
                "provider \"%s\": entry %"PRId64": a balance of %"PRId64" and "
                "an amount of %"PRId64" are too much together",
                p->name, row->entry, balance, row->amount));
        } else if (row->balance != sum) {
            svec_add_nocopy(errors, xasprintf(
                "provider \"%s\": entry %"PRId64": the balance is %"PRId64
                ", but %"PRId64" and an amount of %"PRId64" make %"PRId64,
                p->name, row->entry, row->balance, balance, row->amount,
                sum));
        }
        entry = row->entry;
        balance = row->balance;
    }
    if (p->entries != entry) {
        svec_add_nocopy(errors, xasprintf(
            "provider \"%s\": its last entry is %"PRId64", but it has "
            "%"PRId64" of them", p->name, entry, p->entries));
    }
    if (p->balance != balance) {
        svec_add_nocopy(errors, xasprintf(
            "provider \"%s\": its balance is %"PRId64", but that of entry "
            "%"PRId64" is %"PRId64, p->name, p->balance, entry, balance));
    }
}

const struct pcrec_ledger **
pc_ledger_entries(const struct ovsdb_idl *idl,
                  const struct pcrec_provider *provider, size_t *n)
{
    const struct pcrec_ledger **rows = NULL, *row;
    size_t allocated = 0;

    *n = 0;
    PCREC_LEDGER_FOR_EACH (row, idl) {
        if (provider && row->provider != provider) {
            continue;
        }
        if (*n >= allocated) {
            rows = x2nrealloc(rows, &allocated, sizeof *rows);
        }
        rows[(*n)++] = row;
    }
    if (*n) {
        qsort(rows, *n, sizeof *rows, compare_entries);
    }
    return rows;
}

void
pc_ledger_check(struct ovsdb_idl *idl, struct svec *errors)
{
    const struct pcrec_provider **providers = NULL, *p;
    size_t n_rows, n = 0, allocated = 0;
    const struct pcrec_ledger **rows = pc_ledger_entries(idl, NULL, &n_rows);

    PCREC_PROVIDER_FOR_EACH (p, idl) {
        if (n >= allocated) {
            providers = x2nrealloc(providers, &allocated, sizeof *providers);
        }
        providers[n++] = p;
    }
    if (n) {
        qsort(providers, n, sizeof *providers, compare_providers);
    }

    /* Both are in the order of the providers' names, which are unique. */
    for (size_t i = 0, begin = 0; i < n; i++) {
        size_t end = begin;

        while (end < n_rows && rows[end]->provider == providers[i]) {
            end++;
        }
        check_provider(providers[i], &rows[begin], end - begin, errors);
        begin = end;
    }
    free(providers);
    free(rows);
}
