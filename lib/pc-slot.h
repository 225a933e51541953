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

#ifndef PC_SLOT_H
#define PC_SLOT_H 1

/* Amounts and slots: what a reservation asks for, and when (paper section 3.4,
 * tables 1 and 2).
 *
 * An amount has the four dimensions <cpu, memory, disk, network> that are
 * reserved, the first four of enum pc_capacity_dimension, in the units of
 * pc-units.h.  A slot is an amount over the half-open time [begin, end), in
 * seconds since the epoch: of two slots that meet, only the later one holds at
 * the instant where they do.
 *
 * The slots of a request are contiguous and in order: each begins where the one
 * before ends.
 *
 * Thread-safety: plain memory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "openvswitch/compiler.h"
#include "pc-capacity.h"

#define PC_N_AMOUNTS (PC_CAP_NETWORK + 1)

/* The largest value of a dimension: a sum of a million of them cannot
 * overflow. */
#define PC_AMOUNT_MAX (INT64_C(1) << 42)

/* The largest time, in the year 9999: RFC 3339 has no later one. */
#define PC_TIME_MAX INT64_C(253402300799)

/* How many slots a request may have. */
#define PC_MAX_SLOTS 1000

struct pc_amount {
    int64_t value[PC_N_AMOUNTS];
};

struct pc_slot {
    int64_t begin, end;         /* [begin, end), s since the epoch. */
    struct pc_amount amount;
};

/* Returns NULL if the 'n' slots are a request as above: at least one, at most
 * PC_MAX_SLOTS, each with begin < end, contiguous, times in 0...PC_TIME_MAX,
 * values in 0...PC_AMOUNT_MAX and in each slot at least one that is not zero.
 * Otherwise a line that says what is wrong, for the caller to free. */
char *pc_slots_check(const struct pc_slot[], size_t n) OVS_WARN_UNUSED_RESULT;

/* The slot that holds at 'time'; NULL if none does. */
const struct pc_slot *pc_slots_at(const struct pc_slot[], size_t n,
                                  int64_t time);

/* What of the 'n' slots is at 'time' or after it.  The caller frees what is
 * returned. */
struct pc_slot *pc_slots_from(const struct pc_slot[], size_t n, int64_t time,
                              size_t *n_rest);

/* At each instant the larger of 'a' and 'b', which are in order, in each
 * dimension; between them, if they do not meet, nothing.  The caller frees what is
 * returned. */
struct pc_slot *pc_slots_max(const struct pc_slot *a, size_t n_a,
                             const struct pc_slot *b, size_t n_b, size_t *n);

bool pc_amount_equal(const struct pc_amount *, const struct pc_amount *);
/* Is each value of 'a' at most that of 'b'? */
bool pc_amount_fits(const struct pc_amount *a, const struct pc_amount *b);
bool pc_amount_is_zero(const struct pc_amount *);

/* "cpu=500m,memory=256MiB,disk=1GB,network=100Mbps", as in a SLOT of the
 * command line, without the dimensions that are zero ("none" if all are).  The
 * caller frees it. */
char *pc_amount_format(const struct pc_amount *);

#endif /* pc-slot.h */
