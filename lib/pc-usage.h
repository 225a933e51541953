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

#ifndef PC_USAGE_H
#define PC_USAGE_H 1

/* What a VI really used, for prices by use
 * ========================================
 *
 * A container has counters that only grow, of CPU time and traffic, and values
 * that come and go, of memory and disk space.  From one look at them to the next
 * the former grow by a difference; the latter count with their mean, times the
 * time in between.  A container that is started anew counts from 0: the caller says
 * which looks are at the same one.
 *
 *     pc_usage_add(&usage, NULL, &first);       // All that it has counted.
 *     pc_usage_add(&usage, &first, &second);    // What has come since.
 *
 * What a look could not find is -1, and a counter that seems to have gone back was
 * seen in part: then nothing is counted, and the next look counts from the last one
 * that saw more (pc_usage_carry()).
 *
 * Of traffic both directions are counted, and priced is the one with more of it: a
 * network capacity is what a VI may have of each direction, so that who uses all
 * of his capacity all the time pays as much as who reserves it.
 *
 * Thread-safety: pure functions. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pc-slot.h"

/* A look at a container; -1: not known. */
struct pc_usage_counters {
    int64_t taken;              /* Monotonic ms. */
    int64_t cpu_usec;           /* Since its start. */
    int64_t received, sent;     /* Since its start, bytes. */
    int64_t memory, disk;       /* Now, bytes. */
};

/* Sums; they stay at INT64_MAX rather than overflow. */
struct pc_usage {
    int64_t cpu_usec;
    int64_t memory, disk;       /* Byte-seconds. */
    int64_t received, sent;     /* Bytes. */
};

#define PC_N_USAGE 5

/* Adds what was used up to 'now' since 'before', a look at the same container, or
 * if that is NULL since it was started. */
void pc_usage_add(struct pc_usage *, const struct pc_usage_counters *before,
                  const struct pc_usage_counters *now);

/* Takes from 'before', a look at the same container, what 'now' does not know or
 * knows less of. */
void pc_usage_carry(struct pc_usage_counters *now,
                    const struct pc_usage_counters *before);

bool pc_usage_is_zero(const struct pc_usage *);

/* The larger value of each sum. */
void pc_usage_max(struct pc_usage *, const struct pc_usage *);

/* A column's value, as in VI.consumed and Reservation.used, and back: "cpu" in
 * millicore-seconds, "memory" and "disk" in byte-seconds, "received" and "sent" in
 * bits.  Other keys are ignored. */
void pc_usage_from_column(struct pc_usage *, char *const *keys,
                          const int64_t *values, size_t n);
void pc_usage_to_column(const struct pc_usage *, const char *keys[PC_N_USAGE],
                        int64_t values[PC_N_USAGE]);

/* Such a column as pc_tariff_price_used() takes it. */
void pc_usage_amount(char *const *keys, const int64_t *values, size_t n,
                     struct pc_amount *);

/* a + b, at most INT64_MAX.  Both are >= 0. */
int64_t pc_usage_sum(int64_t a, int64_t b);

#endif /* pc-usage.h */
