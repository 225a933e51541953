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
#include "pc-tariff-row.h"
#include "pc-usage.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_scheduler_used);

/* What was used is charged when a reservation and its VIs are over.
 *
 * A controller that makes a VI for a reservation sets Reservation.metered in the
 * same transaction, and moves what the VI has used to Reservation.used in the one
 * that deletes it.  So what is metered, over and without a VI is complete. */

void
pc_sched_used_register(struct pc_scheduler *s)
{
    struct ovsdb_idl *idl = s->loop.idl;

    ovsdb_idl_add_column(idl, &pcrec_reservation_col_service);
    ovsdb_idl_add_column(idl, &pcrec_reservation_col_used);
    ovsdb_idl_track_add_column(idl, &pcrec_reservation_col_used);
    ovsdb_idl_add_column(idl, &pcrec_reservation_col_metered);
    ovsdb_idl_track_add_column(idl, &pcrec_reservation_col_metered);
    ovsdb_idl_add_column(idl, &pcrec_service_col_cloudlet);
    ovsdb_idl_add_column(idl, &pcrec_vi_col_reservation);
    s->vis = ovsdb_idl_index_create1(idl, &pcrec_vi_col_reservation);
}

bool
pc_sched_has_vi(const struct pc_scheduler *s,
                const struct pcrec_reservation *row)
{
    struct pcrec_vi *key = pcrec_vi_index_init_row(s->vis);

    pcrec_vi_index_set_reservation(key, row);
    bool found = pcrec_vi_index_find(s->vis, key) != NULL;
    pcrec_vi_index_destroy_row(key);
    return found;
}

/* The tariff where 'row' was.  Without its node, that of where it was to be. */
static void
find_tariff(const struct pc_scheduler *s, const struct pcrec_reservation *row,
            struct pc_tariff *tariff)
{
    const struct pcrec_cloudlet *cloudlet
        = (row->node ? pc_sched_cloudlet_of(s, row->node)
           : row->cloudlet ? row->cloudlet
           : row->service ? row->service->cloudlet : NULL);

    pc_tariff_from_row(pc_tariff_row_of(pcrec_packetcloud_first(s->loop.idl),
                                        cloudlet), tariff);
}

/* Charges what 'row', which is over, has used.  Returns true if it has written
 * something, false if there is nothing to charge (yet). */
bool
pc_sched_charge_used(struct pc_scheduler *s,
                     const struct pcrec_reservation *row,
                     struct ovsdb_idl_txn *txn)
{
    struct pc_tariff tariff;
    struct pc_amount used;
    char *error = NULL;

    if (!row->metered || pc_sched_has_vi(s, row)) {
        return false;
    }
    find_tariff(s, row, &tariff);
    pc_usage_amount(row->key_used, row->value_used, row->n_used, &used);
    int64_t price = pc_tariff_price_used(&tariff, row->provider->isp, &used);
    if (price) {
        /* For all its life there is one such entry. */
        char *purpose = xasprintf("%s "UUID_FMT" used", row->name,
                                  UUID_ARGS(&row->header_.uuid));

        error = pc_ledger_append(txn, row->provider,
                                 &(struct pc_ledger_entry) {
            .purpose = purpose,
            .kind = PC_LEDGER_USAGE,
            .reservation = row->name,
            .note = "used",
            .amount = -price,
            .time = s->now,
        });
        free(purpose);
    }
    if (error) {
        VLOG_ERR("reservation %s: what it used is not charged: %s", row->name,
                 error);
        pc_sched_set_state(s, row, row->state, error);
        free(error);
    } else if (price) {
        pcrec_reservation_set_paid(row, row->paid + price);
    }
    pcrec_reservation_verify_used(row);
    pcrec_reservation_verify_metered(row);
    pcrec_reservation_set_metered(row, false);
    return true;
}
