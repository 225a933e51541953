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

#include <inttypes.h>
#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "pc-units.h"
#include "timeval.h"
#include "util.h"

/* A time that is in range, for an error. */
static char *
format_time(int64_t time)
{
    return xastrftime_msec("%Y-%m-%dT%H:%M:%SZ", time * 1000, true);
}

static char * OVS_WARN_UNUSED_RESULT
check_times(const struct pc_slot slots[], size_t i)
{
    const struct pc_slot *slot = &slots[i];

    if (slot->begin < 0 || slot->begin > PC_TIME_MAX
        || slot->end < 0 || slot->end > PC_TIME_MAX) {
        return xasprintf("slot %"PRIuSIZE": %"PRId64" s is not a time from "
                         "1970 to 9999", i + 1,
                         slot->begin < 0 || slot->begin > PC_TIME_MAX
                         ? slot->begin : slot->end);
    }
    if (slot->begin >= slot->end) {
        char *begin = format_time(slot->begin);
        char *end = format_time(slot->end);
        char *error = xasprintf("slot %"PRIuSIZE": its end, %s, is not after "
                                "its begin, %s", i + 1, end, begin);
        free(begin);
        free(end);
        return error;
    }
    if (i && slot->begin != slots[i - 1].end) {
        char *begin = format_time(slot->begin);
        char *end = format_time(slots[i - 1].end);
        char *error = xasprintf("slot %"PRIuSIZE": it begins at %s, not where "
                                "the slot before ends, %s", i + 1, begin, end);
        free(begin);
        free(end);
        return error;
    }
    return NULL;
}

static char * OVS_WARN_UNUSED_RESULT
check_amount(const struct pc_amount *amount, size_t i)
{
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (amount->value[d] < 0 || amount->value[d] > PC_AMOUNT_MAX) {
            return xasprintf("slot %"PRIuSIZE": %s=%"PRId64" is not from 0 to "
                             "%"PRId64, i + 1, pc_capacity_names[d],
                             amount->value[d], PC_AMOUNT_MAX);
        }
    }
    return (pc_amount_is_zero(amount)
            ? xasprintf("slot %"PRIuSIZE": it asks for nothing", i + 1)
            : NULL);
}

char *
pc_slots_check(const struct pc_slot slots[], size_t n)
{
    if (!n) {
        return xstrdup("no slot");
    } else if (n > PC_MAX_SLOTS) {
        return xasprintf("%"PRIuSIZE" slots, %d at most", n, PC_MAX_SLOTS);
    }
    for (size_t i = 0; i < n; i++) {
        char *error = check_times(slots, i);

        if (!error) {
            error = check_amount(&slots[i].amount, i);
        }
        if (error) {
            return error;
        }
    }
    return NULL;
}

bool
pc_amount_equal(const struct pc_amount *a, const struct pc_amount *b)
{
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (a->value[d] != b->value[d]) {
            return false;
        }
    }
    return true;
}

bool
pc_amount_fits(const struct pc_amount *a, const struct pc_amount *b)
{
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (a->value[d] > b->value[d]) {
            return false;
        }
    }
    return true;
}

bool
pc_amount_is_zero(const struct pc_amount *amount)
{
    static const struct pc_amount zero;

    return pc_amount_equal(amount, &zero);
}

char *
pc_amount_format(const struct pc_amount *amount)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (amount->value[d]) {
            char *s = pc_units_format_capacity(pc_capacity_names[d],
                                               amount->value[d]);

            ds_put_format(&ds, "%s%s=%s", ds.length ? "," : "",
                          pc_capacity_names[d], s);
            free(s);
        }
    }
    if (!ds.length) {
        ds_put_cstr(&ds, "none");
    }
    return ds_steal_cstr(&ds);
}
