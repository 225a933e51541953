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
#include "pc-slot.h"

#include "util.h"

/* Slots by time. */

const struct pc_slot *
pc_slots_at(const struct pc_slot *slots, size_t n, int64_t t)
{
    for (size_t i = 0; i < n; i++) {
        if (slots[i].begin <= t && t < slots[i].end) {
            return &slots[i];
        }
    }
    return NULL;
}

struct pc_slot *
pc_slots_from(const struct pc_slot *slots, size_t n, int64_t t, size_t *n_rest)
{
    struct pc_slot *rest = xmalloc(MAX(n, 1) * sizeof *rest);

    *n_rest = 0;
    for (size_t i = 0; i < n; i++) {
        if (slots[i].end > t) {
            rest[*n_rest] = slots[i];
            rest[*n_rest].begin = MAX(slots[i].begin, t);
            ++*n_rest;
        }
    }
    return rest;
}

/* The amount of the slot that holds at 't', zero if none does; and, in '*next',
 * when that ends. */
static struct pc_amount
amount_at(const struct pc_slot *slots, size_t n, int64_t t, int64_t *next)
{
    static const struct pc_amount zero;

    for (size_t i = 0; i < n; i++) {
        if (t < slots[i].begin) {
            *next = MIN(*next, slots[i].begin);
            return zero;
        } else if (t < slots[i].end) {
            *next = MIN(*next, slots[i].end);
            return slots[i].amount;
        }
    }
    return zero;
}

struct pc_slot *
pc_slots_max(const struct pc_slot *a, size_t n_a, const struct pc_slot *b,
               size_t n_b, size_t *n)
{
    /* Each slot begins and ends once. */
    struct pc_slot *max = xmalloc((2 * (n_a + n_b) + 1) * sizeof *max);
    int64_t t = MIN(n_a ? a[0].begin : INT64_MAX,
                    n_b ? b[0].begin : INT64_MAX);
    int64_t end = MAX(n_a ? a[n_a - 1].end : INT64_MIN,
                      n_b ? b[n_b - 1].end : INT64_MIN);

    *n = 0;
    while (t < end) {
        int64_t next = end;
        struct pc_amount x = amount_at(a, n_a, t, &next);
        struct pc_amount y = amount_at(b, n_b, t, &next);

        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            x.value[d] = MAX(x.value[d], y.value[d]);
        }
        max[(*n)++] = (struct pc_slot) { t, next, x };
        t = next;
    }
    return max;
}
