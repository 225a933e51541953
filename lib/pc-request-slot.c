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
#include "pc-request.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/util.h"
#include "pc-name.h"
#include "pc-request-private.h"
#include "pc-time.h"
#include "pc-units.h"
#include "util.h"

/* Slots as words. */

/* Returns "PREFIX: ERROR" and frees 'error'; NULL if that is NULL. */
static char *
prefix_error(const char *prefix, char *error)
{
    char *line = error ? xasprintf("%s: %s", prefix, error) : NULL;

    free(error);
    return line;
}

char *
pc_request_parse_begin(const char *s, int64_t now,
                       const struct pc_slot *previous, struct pc_slot *slot)
{
    if (s && *s) {
        return pc_time_parse(s, now, &slot->begin);
    } else if (!previous) {
        return xstrdup("the first slot must say when it begins");
    }
    slot->begin = previous->end;
    return NULL;
}

char *
pc_request_parse_end(const char *s, int64_t now, struct pc_slot *slot)
{
    char *error;

    if (*s == '+') {
        error = pc_time_parse_length(s + 1, &slot->end);
        slot->end += slot->begin;
        if (!error && slot->end > PC_TIME_MAX) {
            error = xstrdup("it must be in the years 1970 to 9999");
        }
    } else {
        error = pc_time_parse(s, now, &slot->end);
    }
    if (!error && slot->end <= slot->begin) {
        char *begin = pc_time_format(slot->begin);
        char *end = pc_time_format(slot->end);

        error = xasprintf("%s is not after the begin, %s", end, begin);
        free(begin);
        free(end);
    }
    return error;
}

char *
pc_request_parse_amount(enum pc_capacity_dimension d, const char *s,
                        struct pc_amount *amount)
{
    uint64_t value;
    char *error = pc_units_parse_capacity(pc_capacity_names[d], s, &value);

    if (!error && value > PC_AMOUNT_MAX) {
        char *max = pc_units_format_capacity(pc_capacity_names[d],
                                             PC_AMOUNT_MAX);

        error = xasprintf("%s is more than %s", s, max);
        free(max);
    }
    amount->value[d] = error ? 0 : value;
    return error;
}

/* Parses "cpu=1", which it changes.  'given' has the dimensions so far. */
static char * OVS_WARN_UNUSED_RESULT
parse_dimension(char *s, bool given[PC_N_AMOUNTS], struct pc_amount *amount)
{
    char *value = strchr(s, '=');
    size_t d;

    if (value) {
        *value++ = '\0';
    }
    for (d = 0; d < PC_N_AMOUNTS; d++) {
        if (!strcmp(s, pc_capacity_names[d])) {
            break;
        }
    }
    if (!value || d >= PC_N_AMOUNTS) {
        char *quoted = pc_name_quote(s);
        char *error = (!value
                       ? xasprintf("%s is not DIMENSION=AMOUNT", quoted)
                       : xasprintf("%s cannot be reserved, only cpu, memory, "
                                   "disk and network", quoted));
        free(quoted);
        return error;
    } else if (given[d]) {
        return xasprintf("%s is given twice", s);
    }
    given[d] = true;
    return prefix_error(s, pc_request_parse_amount(d, value, amount));
}

/* Parses "cpu=1,memory=256MiB", which it changes. */
static char * OVS_WARN_UNUSED_RESULT
parse_capacity(char *s, struct pc_amount *amount)
{
    const struct pc_amount none = { .value = { 0 } };
    bool given[PC_N_AMOUNTS] = { false };

    *amount = none;
    while (s) {
        char *comma = strchr(s, ',');

        if (comma) {
            *comma++ = '\0';
        }
        char *error = parse_dimension(s, given, amount);
        if (error) {
            return error;
        }
        s = comma;
    }
    return pc_amount_is_zero(amount) ? xstrdup("it asks for nothing") : NULL;
}

/* Parses a copy of the text of a slot, which it changes. */
static char * OVS_WARN_UNUSED_RESULT
parse_slot(char *s, int64_t now, const struct pc_slot *previous,
           struct pc_slot *slot)
{
    char *equals = strchr(s, '=');
    char *end = strchr(s, '/');
    char *capacity = NULL;

    /* There are colons in times, but none in the name of a dimension. */
    if (equals) {
        *equals = '\0';
        capacity = strrchr(s, ':');
        *equals = '=';
    }
    if (!end || !capacity || end > capacity) {
        return xstrdup("it must be START/END:cpu=..,memory=..,disk=..,"
                       "network=..");
    }
    *end++ = '\0';
    *capacity++ = '\0';

    char *error = prefix_error("begin", pc_request_parse_begin(s, now, previous,
                                                               slot));
    if (!error) {
        error = prefix_error("end", pc_request_parse_end(end, now, slot));
    }
    return error ? error : parse_capacity(capacity, &slot->amount);
}

char *
pc_request_parse_slot(const char *s, int64_t now,
                      const struct pc_slot *previous, struct pc_slot *slot)
{
    char *copy = xstrdup(s);
    struct pc_slot new;
    char *error = parse_slot(copy, now, previous, &new);

    if (!error) {
        *slot = new;
    } else {
        char *quoted = pc_name_quote(s);
        char *prefix = xasprintf("slot %s", quoted);

        error = prefix_error(prefix, error);
        free(prefix);
        free(quoted);
    }
    free(copy);
    return error;
}

char *
pc_request_format_slot(const struct pc_slot *slot)
{
    char *begin = pc_time_format(slot->begin);
    char *end = pc_time_format(slot->end);
    char *amount = pc_amount_format(&slot->amount);
    char *s = xasprintf("%s/%s:%s", begin, end, amount);

    free(begin);
    free(end);
    free(amount);
    return s;
}
