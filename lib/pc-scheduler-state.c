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
#include "pc-scheduler-private.h"

#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "pc-ledger.h"
#include "pc-time.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_scheduler_state);

/* States, and the money that goes with them. */

/* Is nothing held for it any more, for ever? */
bool
pc_sched_is_over(const struct pcrec_reservation *row)
{
    return (!strcmp(row->state, "ended") || !strcmp(row->state, "cancelled")
            || !strcmp(row->state, "declined")
            || !strcmp(row->state, "failed"));
}

/* Sets the state and why, and adds both to what has happened.  'state' may be
 * that which the row has: then only the reason is new. */
void
pc_sched_set_state(struct pc_scheduler *s, const struct pcrec_reservation *row,
                   const char *state, const char *reason)
{
    /* By the calendar's clock, with the machine's milliseconds: two changes
     * have two keys. */
    int64_t time = s->now * 1000 + time_wall_msec() % 1000;
    char *change = (reason[0] ? xasprintf("%s: %s", state, reason)
                    : xstrdup(state));

    for (size_t i = 0; i < row->n_changes; i++) {
        time = MAX(time, row->key_changes[i] + 1);
    }
    if (strcmp(row->state, state)) {
        VLOG_INFO("reservation %s: %s", row->name, change);
        pcrec_reservation_set_state(row, state);
    }
    pcrec_reservation_set_reason(row, reason);
    pcrec_reservation_update_changes_setkey(row, time, change);
    free(change);
}

/* The cloudlet that 'node' is in; NULL if none. */
const struct pcrec_cloudlet *
pc_sched_cloudlet_of(const struct pc_scheduler *s,
                     const struct pcrec_node *node)
{
    const struct pcrec_cloudlet *cloudlet;

    PCREC_CLOUDLET_FOR_EACH (cloudlet, s->loop.idl) {
        for (size_t i = 0; i < cloudlet->n_nodes; i++) {
            if (cloudlet->nodes[i] == node) {
                return cloudlet;
            }
        }
    }
    return NULL;
}

/* Nothing is held for the request of 'row' any more, which is answered.  If it
 * moves it goes on, for its VI does, unless it is over. */
void
pc_sched_release(const struct pcrec_reservation *row)
{
    if (row->proposed_node && pc_sched_is_over(row)) {
        pcrec_reservation_set_proposed_node(row, NULL);
    }
    if (row->n_proposed && !row->proposed_node) {
        pcrec_reservation_set_proposed(row, NULL, 0);
    }
    pcrec_reservation_set_answered(row, row->request);
}

/* An entry for 'row'.  'what' has happened, for its request: no entry is there
 * twice for the same. */
static char * OVS_WARN_UNUSED_RESULT
pc_sched_append(struct pc_scheduler *s, const struct pcrec_reservation *row,
                struct ovsdb_idl_txn *txn, enum pc_ledger_kind kind,
                int64_t amount, const char *what)
{
    char *purpose = xasprintf("%s "UUID_FMT" %s %"PRId64, row->name,
                              UUID_ARGS(&row->header_.uuid), what,
                              row->request);
    char *error = pc_ledger_append(txn, row->provider,
                                   &(struct pc_ledger_entry) {
        .purpose = purpose,
        .kind = kind,
        .reservation = row->name,
        .note = what,
        .amount = amount,
        .time = s->now,
    });

    if (!error) {
        pcrec_reservation_set_paid(row, row->paid - amount);
    }
    free(purpose);
    return error;
}

/* Takes 'price' from the provider. */
char *
pc_sched_charge(struct pc_scheduler *s, const struct pcrec_reservation *row,
                struct ovsdb_idl_txn *txn, int64_t price, const char *what)
{
    return price ? pc_sched_append(s, row, txn, PC_LEDGER_CHARGE, -price, what)
           : NULL;
}

/* Gives 'amount' back to the provider. */
char *
pc_sched_refund(struct pc_scheduler *s, const struct pcrec_reservation *row,
                struct ovsdb_idl_txn *txn, int64_t amount, const char *what)
{
    return amount ? pc_sched_append(s, row, txn, PC_LEDGER_REFUND, amount, what)
           : NULL;
}
