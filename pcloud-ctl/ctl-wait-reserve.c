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

/* --wait=scheduled and --wait=active: what becomes of reservations. */

#include <config.h>

#include <stdio.h>

#include "ctl-reserve.h"

#include "pc-tariff.h"
#include "smap.h"
#include "util.h"

/* Remembers that a command has made request number 'request' of 'r'. */
void
ctl_watch_reservation(struct ctl_context *ctx,
                      const struct pcrec_reservation *r, int64_t request)
{
    struct ctl_watch *w = ctl_watch_row(ctl_run_from_context(ctx),
                                        &r->header_);

    w->request = request;
    w->what = xasprintf("reservation \"%s\"", r->name);
}

/* Asks for the columns that waiting reads. */
void
ctl_wait_reserve_prerequisites(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_reservation_col_answered, &pcrec_reservation_col_state,
        &pcrec_reservation_col_reason, &pcrec_reservation_col_alternatives,
        &pcrec_reservation_col_slots, &pcrec_reservation_col_wanted,
        &pcrec_reservation_col_node, &pcrec_reservation_col_paid,
        &pcrec_reservation_col_cancel, &pcrec_reservation_col_service,
    };
    struct ctl_run *run = ctl_run_from_context(ctx);

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(run->idl, columns[i]);
    }
    if (run->wait_active) {
        ctl_need_all_vis(ctx);
        ovsdb_idl_add_column(run->idl, &pcrec_vi_col_reservation);
        ovsdb_idl_add_column(run->idl, &pcrec_vi_col_name);
        ovsdb_idl_add_column(run->idl, &pcrec_vi_col_ready);
        ovsdb_idl_add_column(run->idl, &pcrec_vi_col_state);
        ovsdb_idl_add_column(run->idl, &pcrec_vi_col_error);
    }
}

/* The row of 'w' by now; NULL if it is gone, or 'w' is of something else. */
static const struct pcrec_reservation *
row_of(struct ctl_run *run, const struct ctl_watch *w)
{
    const struct uuid *uuid
        = ovsdb_idl_txn_get_insert_uuid(run->txn, &w->uuid);

    return (w->table == &pcrec_table_reservation
            ? pcrec_reservation_get_for_uuid(run->idl, uuid ? uuid : &w->uuid)
            : NULL);
}

static bool
is_promised(const struct pcrec_reservation *r)
{
    return !strcmp(r->state, "confirmed") || !strcmp(r->state, "active");
}

/* What is missing until the VI of 'r' runs; NULL if nothing. */
static char *
describe_vi(struct ctl_run *run, const struct pcrec_reservation *r)
{
    const struct pcrec_vi *vi;

    if (!is_promised(r)) {
        return NULL;
    }
    if (strcmp(r->state, "active")) {
        return xasprintf("reservation \"%s\" to begin", r->name);
    }
    if (!r->service) {
        return NULL;
    }
    PCREC_VI_FOR_EACH (vi, run->idl) {
        if (vi->reservation == r) {
            return (vi->ready ? NULL
                    : xasprintf("VI \"%s\" of reservation \"%s\" (%s%s%s)",
                                vi->name, r->name,
                                vi->state[0] ? vi->state : "not started",
                                vi->error[0] ? ": " : "", vi->error));
        }
    }
    return xasprintf("a VI for reservation \"%s\"", r->name);
}

static char *
describe_missing(struct ctl_run *run)
{
    for (size_t i = 0; i < run->n_watches; i++) {
        const struct ctl_watch *w = &run->watches[i];
        const struct pcrec_reservation *r = row_of(run, w);

        if (!r) {
            continue;
        }
        if (r->answered < w->request) {
            return xasprintf("a scheduler to decide on %s", w->what);
        }
        if (run->wait_active) {
            char *missing = describe_vi(run, r);
            if (missing) {
                return missing;
            }
        }
    }
    return NULL;
}

/* Was what is asked for granted? */
static bool
is_granted(const struct pcrec_reservation *r)
{
    if (r->cancel) {
        return !strcmp(r->state, "cancelled");
    }
    bool same = is_promised(r) && r->n_slots == r->n_wanted;
    for (size_t i = 0; same && i < r->n_slots; i++) {
        same = !strcmp(r->slots[i], r->wanted[i]);      /* Both sorted. */
    }
    return same;
}

/* Puts into 's' what would do instead, in order. */
void
ctl_put_alternatives(struct ds *s, const struct smap *alternatives,
                     const char *before, const char *after)
{
    const struct smap_node **nodes = smap_sort(alternatives);

    for (size_t i = 0; i < smap_count(alternatives); i++) {
        ds_put_format(s, "%s%s: %s%s", before, nodes[i]->key, nodes[i]->value,
                      after);
    }
    free(nodes);
}

static void
report_refused(const struct ctl_watch *w, const struct pcrec_reservation *r)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ctl_put_alternatives(&s, &r->alternatives, "; instead, ", "");
    ovs_error(0, "%s %s: %s%s", w->what,
              is_promised(r) ? "was not changed" : r->state, r->reason,
              ds_cstr(&s));
    ds_destroy(&s);
}

/* Says what has become of each.  Returns the program's exit status. */
static int
report(struct ctl_run *run)
{
    int status = EXIT_SUCCESS;

    for (size_t i = 0; i < run->n_watches; i++) {
        const struct ctl_watch *w = &run->watches[i];
        const struct pcrec_reservation *r = row_of(run, w);

        if (w->table != &pcrec_table_reservation) {
            continue;
        }
        if (!r) {
            ovs_error(0, "%s is gone", w->what);
            status = EXIT_FAILURE;
        } else if (!is_granted(r)) {
            report_refused(w, r);
            status = EXIT_FAILURE;
        } else {
            char *paid = pc_money_format(r->paid);
            printf("%s: %s%s%s, %s paid\n", r->name, r->state,
                   r->node ? " on node " : "", r->node ? r->node->name : "",
                   paid);
            free(paid);
        }
    }
    return status;
}

/* Waits until the requests that this run has made are decided.  Returns the
 * program's exit status. */
int
ctl_wait_scheduled(struct ctl_run *run)
{
    ovsdb_idl_enable_reconnect(run->idl);
    for (;;) {
        ovsdb_idl_run(run->idl);

        char *missing = describe_missing(run);
        if (!missing) {
            return report(run);
        }
        ovsdb_idl_wait(run->idl);
        ctl_block(run, missing);
        free(missing);
    }
}
