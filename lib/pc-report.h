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

#ifndef PC_REPORT_H
#define PC_REPORT_H 1

/* What nodes have, and who is silent
 * ==================================
 *
 * Rules on rows of Node and Cloudlet that roles share, so that the controller
 * reports what the scheduler counts with (paper section 3.4).
 *
 * A node's agent writes Node.seen, by its own clock, every 'interval'.  The
 * controller takes a change of it for a sign of life, at the time of its own
 * clock at which it sees it, and writes Node.state: two machines' clocks are
 * never compared.
 *
 * Thread-safety: that of the rows: the main loop's thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pc-slot.h"

struct ovsdb_idl;
struct pcrec_cloudlet;
struct pcrec_node;
struct pcrec_reservation;
struct pcrec_vi;

/* Columns that change all the time, Node.seen, Node.used and the report of a
 * Cloudlet, do not raise the sequence number of 'idl' from now on: who wants them
 * looks at the row when it matters.  (The poll loop still wakes.)  Must be called
 * before the first run of 'idl', after its columns were added. */
void pc_report_register(struct ovsdb_idl *idl);

/* What VIs on 'node' can have together: by dimension Node.capacity, else what
 * the node's agent has found, else 0: what is not known cannot be promised.
 * The ISP's share is a part of it.  A value may exceed PC_AMOUNT_MAX, but is
 * at most 2**48. */
void pc_report_node_total(const struct pcrec_node *node, struct pc_amount *);

/* May something be placed on 'node'?  Not if it is suspect or down.  A node of
 * which nobody has heard yet may be used: its agent is about to start. */
bool pc_report_node_is_usable(const struct pcrec_node *node);

/* What is held on a node now: by reservations, whether or not their VIs run, and
 * by VIs that were placed without one.  What such a VI has no limit for, it holds
 * nothing of. */

/* Does the reservation hold its slots on its node?  Else nothing, anywhere. */
bool pc_report_reservation_holds(const struct pcrec_reservation *);

/* Does the VI hold its capacity itself?  Then stores that. */
bool pc_report_vi_holds(const struct pcrec_vi *, struct pc_amount *);

/* Stores the slots of a column, in order of time, for the caller to free.  Returns
 * null or a line that says which makes no sense (the caller frees it); that one
 * is left out. */
char *pc_report_parse_slots(char *const *texts, size_t n,
                            struct pc_slot **, size_t *n_slots)
    OVS_WARN_UNUSED_RESULT;

/* Stores what the 'n' slots, in order of time, hold at 'now', perhaps zero.
 * Returns until when that is so, PC_TIME_MAX: for ever. */
int64_t pc_report_slots_at(const struct pc_slot[], size_t n, int64_t now,
                           struct pc_amount *);

/* '*a' += or -= '*b'. */
void pc_report_add(struct pc_amount *a, const struct pc_amount *b);
void pc_report_subtract(struct pc_amount *a, const struct pc_amount *b);

/* How often there is a report, and after how long a silence a node is
 * suspected, or down, in ms. */
struct pc_report_times {
    long long int interval, suspect, down;
};

/* Those of Cloudlet.options, with their defaults and limits; 'cloudlet' may be
 * NULL.  interval <= suspect <= down. */
void pc_report_get_times(const struct pcrec_cloudlet *,
                         struct pc_report_times *);

/* A column's value, as in Node.used and Cloudlet.total, and back.  Names that
 * are not dimensions of an amount are ignored, as are negative values.  The
 * columns have all dimensions that are known; here 0 is one like others. */
void pc_report_from_column(struct pc_amount *, char *const *keys,
                           const int64_t *values, size_t n);
void pc_report_to_column(const struct pc_amount *,
                         const char *keys[PC_N_AMOUNTS],
                         int64_t values[PC_N_AMOUNTS]);

/* Is that column what pc_report_to_column() would write? */
bool pc_report_column_says(const struct pc_amount *, char *const *keys,
                           const int64_t *values, size_t n);

#endif /* pc-report.h */
