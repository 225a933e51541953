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

#ifndef PC_LEDGER_H
#define PC_LEDGER_H 1

/* The ledger: what was charged and given back
 * ===========================================
 *
 * Entries are appended and never changed.  Each provider's are numbered from 1
 * without a gap, and each says the balance with it; the provider's row has the
 * number of entries and the balance, changed in the same transaction.  So the
 * entries replay to the balance, and pc_ledger_check() does that.
 *
 *     error = pc_ledger_append(txn, provider, &(struct pc_ledger_entry) {
 *         .purpose = "w-1 3f2a... confirmed 1", .kind = PC_LEDGER_CHARGE,
 *         .reservation = "w-1", .amount = -price, .time = now });
 *
 * Two things keep it right whoever writes at the same time:
 *
 *   - Provider.entries and Provider.balance are verified: if another
 *     transaction has appended for the provider since they were read, the
 *     commit has the status TXN_TRY_AGAIN, nothing is written, and the caller
 *     does it all again with what is in the database by then.
 *
 *   - Purposes are unique, by an index of the database.  Something that must
 *     be charged once has a purpose that is made from what it is, never from
 *     when or by whom it is written.  To append it twice makes the second
 *     transaction fail as a whole (TXN_ERROR, "constraint violation"), after a
 *     crash and by a second scheduler too.  Whoever may come late, and has
 *     other work in the transaction, looks first whether it is done.
 *
 * Several entries of one provider may be appended in one transaction.
 *
 * The IDL has to replicate Provider.balance and Provider.entries for writing;
 * the table Ledger, which grows for ever, only for reading and checking.
 *
 * Thread-safety: none; the main loop's. */

#include <stdint.h>
#include "openvswitch/compiler.h"

struct ovsdb_idl;
struct ovsdb_idl_txn;
struct pcrec_provider;
struct svec;

enum pc_ledger_kind {
    PC_LEDGER_CHARGE,           /* For what is reserved. */
    PC_LEDGER_REFUND,           /* Of what is given back. */
    PC_LEDGER_USAGE,            /* For what was used. */
    PC_LEDGER_PAYMENT,
    PC_LEDGER_CORRECTION,       /* By the ISP. */
};
#define PC_N_LEDGER_KINDS (PC_LEDGER_CORRECTION + 1)

struct pc_ledger_entry {
    const char *purpose;        /* Unique among all entries there ever are. */
    enum pc_ledger_kind kind;
    const char *reservation;    /* Its name; NULL: none. */
    const char *note;           /* In words; NULL: none. */
    int64_t amount;             /* Microunits; < 0: the provider owes it. */
    int64_t time;               /* Seconds since the epoch. */
    int64_t corrects;           /* The provider's entry that was wrong by
                                 * 'amount'; 0: none. */
};

/* "charge" etc. */
const char *pc_ledger_kind_to_string(enum pc_ledger_kind);

/* Asks 'idl' for the columns that pc_ledger_append() needs, and for those that
 * pc_ledger_check() does.  For programs that do not replicate everything. */
void pc_ledger_add_columns(struct ovsdb_idl *);
void pc_ledger_add_check_columns(struct ovsdb_idl *);

/* Appends an entry.  Returns NULL, or if the balance would not fit into 64 bits
 * a line for the caller to free; nothing is written then. */
char *pc_ledger_append(struct ovsdb_idl_txn *, const struct pcrec_provider *,
                       const struct pc_ledger_entry *)
    OVS_WARN_UNUSED_RESULT;

/* The entries of 'provider', or of all if it is NULL, by provider and number, for
 * the caller to free. */
const struct pcrec_ledger **pc_ledger_entries(const struct ovsdb_idl *,
                                              const struct pcrec_provider *,
                                              size_t *n);

/* Replays all entries.  Adds to 'errors' a line for each thing that is wrong:
 * an entry that is missing or there twice, a balance that is not the one before
 * plus the amount, a correction of an entry that was not there, a provider's
 * balance or number of entries that are not its last entry's. */
void pc_ledger_check(struct ovsdb_idl *, struct svec *errors);

#endif /* pc-ledger.h */
