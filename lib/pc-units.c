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
#include "pc-units.h"

#include <stdbool.h>
#include <string.h>

#include "openvswitch/util.h"
#include "pc-name.h"
#include "util.h"

struct unit {
    const char *suffix;         /* Compared without case. */
    uint64_t factor;
};

static const struct unit byte_units[] = {
    { "TiB", UINT64_C(1) << 40 }, { "TB", UINT64_C(1000000000000) },
    { "GiB", UINT64_C(1) << 30 }, { "GB", UINT64_C(1000000000) },
    { "MiB", UINT64_C(1) << 20 }, { "MB", UINT64_C(1000000) },
    { "KiB", UINT64_C(1) << 10 }, { "kB", UINT64_C(1000) },
    { "B", 1 }, { "", 1 }, { NULL, 0 },
};
static const struct unit rate_units[] = {
    { "Tbps", UINT64_C(1000000000000) }, { "Gbps", UINT64_C(1000000000) },
    { "Mbps", UINT64_C(1000000) }, { "kbps", UINT64_C(1000) },
    { "bps", 1 }, { "", 1 }, { NULL, 0 },
};
static const struct unit packet_units[] = {
    { "Mpps", UINT64_C(1000000) }, { "kpps", UINT64_C(1000) },
    { "pps", 1 }, { NULL, 0 },
};
static const struct unit cpu_units[] = {
    { "m", 1 }, { "", 1000 }, { NULL, 0 },
};
static const struct unit percent_units[] = { { "%", 1 }, { NULL, 0 } };
static const struct unit count_units[] = { { "", 1 }, { NULL, 0 } };

/* What a parser takes, for its errors. */
struct quantity {
    const char *what, *examples;
    const struct unit *units;
    uint64_t max;
};

/* Databases have signed integers. */
static const struct quantity cpu_quantity = {
    "number of CPUs", "2, 1.5 or 500m", cpu_units, INT64_MAX };
static const struct quantity byte_quantity = {
    "size", "256MiB, 1GB or 4096", byte_units, INT64_MAX };
static const struct quantity rate_quantity = {
    "rate", "1Gbps, 100Mbps or 9600", rate_units, INT64_MAX };
static const struct quantity packet_quantity = {
    "rate of packets", "2Mpps, 24kpps or 500pps", packet_units, INT64_MAX };
static const struct quantity percent_quantity = {
    "share", "10%", percent_units, 100 };
static const struct quantity count_quantity = {
    "number", "100", count_units, INT64_MAX };

static char *
quantity_error(const struct quantity *q, const char *text, const char *why)
{
    char *quoted = pc_name_quote(text);
    char *error = xasprintf("%s is not a %s: %s (examples: %s)",
                            quoted, q->what, why, q->examples);

    free(quoted);
    return error;
}

/* value = whole.fraction * factor, if that is a whole number that fits. */
static const char *
scale(const char *digits, size_t n_whole, size_t n_fraction, uint64_t factor,
      uint64_t *value)
{
    __uint128_t v = 0, power = 1;

    for (size_t i = 0; i < n_whole; i++) {
        v = v * 10 + (digits[i] - '0');
        if (v > UINT64_MAX) {
            return "too large";
        }
    }
    v *= factor;

    __uint128_t fraction = 0;
    for (size_t i = 0; i < n_fraction; i++) {
        fraction = fraction * 10 + (digits[n_whole + 1 + i] - '0');
        power *= 10;
    }
    if (fraction * factor % power) {
        return "too many digits after the point";
    }
    v += fraction * factor / power;

    if (v > UINT64_MAX) {
        return "too large";
    }
    *value = v;
    return NULL;
}

static char * OVS_WARN_UNUSED_RESULT
parse_quantity(const struct quantity *q, const char *text, uint64_t *value)
{
    size_t n_whole = strspn(text, "0123456789");
    size_t n_fraction = 0;
    const char *suffix = text + n_whole;

    *value = 0;
    if (*suffix == '.') {
        n_fraction = strspn(suffix + 1, "0123456789");
        suffix += 1 + n_fraction;
    }
    if (!*text) {
        return quantity_error(q, text, "empty");
    } else if (*text == '-') {
        return quantity_error(q, text, "negative");
    } else if (!n_whole || (text[n_whole] == '.' && !n_fraction)) {
        return quantity_error(q, text, "it must begin with a number");
    } else if (n_fraction > 15) {
        return quantity_error(q, text, "too many digits after the point");
    }

    for (const struct unit *u = q->units; u->suffix; u++) {
        if (!(q->units == cpu_units ? strcmp(suffix, u->suffix)
              : strcasecmp(suffix, u->suffix))) {
            uint64_t v;
            const char *why = scale(text, n_whole, n_fraction, u->factor, &v);

            if (!why && v > q->max) {
                why = q->max == 100 ? "more than 100%" : "too large";
            }
            if (why) {
                return quantity_error(q, text, why);
            }
            *value = v;
            return NULL;
        }
    }
    return quantity_error(q, text, *suffix ? "unknown unit" : "no unit");
}

char *
pc_units_parse_cpu(const char *s, uint64_t *millicores)
{
    return parse_quantity(&cpu_quantity, s, millicores);
}

char *
pc_units_parse_bytes(const char *s, uint64_t *bytes)
{
    return parse_quantity(&byte_quantity, s, bytes);
}

char *
pc_units_parse_rate(const char *s, uint64_t *bits_per_second)
{
    return parse_quantity(&rate_quantity, s, bits_per_second);
}

char *
pc_units_parse_packets(const char *s, uint64_t *packets_per_second)
{
    return parse_quantity(&packet_quantity, s, packets_per_second);
}

char *
pc_units_parse_percent(const char *s, uint64_t *percent)
{
    return parse_quantity(&percent_quantity, s, percent);
}

char *
pc_units_parse_count(const char *s, uint64_t *count)
{
    return parse_quantity(&count_quantity, s, count);
}

/* The largest unit that divides 'value' gives the shortest text. */
static char *
format_units(const struct unit *units, uint64_t value)
{
    const struct unit *best = NULL;

    for (const struct unit *u = units; u->suffix; u++) {
        if (u->factor && (!value ? u->factor == 1 : !(value % u->factor))
            && (!best || u->factor > best->factor)) {
            best = u;
        }
    }
    return xasprintf("%"PRIu64"%s", value / best->factor, best->suffix);
}

char *
pc_units_format_cpu(uint64_t millicores)
{
    return (millicores % 1000
            ? xasprintf("%"PRIu64"m", millicores)
            : xasprintf("%"PRIu64, millicores / 1000));
}

char *
pc_units_format_bytes(uint64_t bytes)
{
    return format_units(byte_units, bytes);
}

char *
pc_units_format_rate(uint64_t bits_per_second)
{
    return format_units(rate_units, bits_per_second);
}

char *
pc_units_format_packets(uint64_t packets_per_second)
{
    return format_units(packet_units, packets_per_second);
}

char *
pc_units_parse_capacity(const char *dimension, const char *text,
                        uint64_t *value)
{
    *value = 0;
    if (!strcmp(dimension, "cpu")) {
        return pc_units_parse_cpu(text, value);
    } else if (!strcmp(dimension, "memory") || !strcmp(dimension, "disk")
               || !strcmp(dimension, "io")) {
        return pc_units_parse_bytes(text, value);
    } else if (!strcmp(dimension, "network")) {
        return pc_units_parse_rate(text, value);
    } else if (!strcmp(dimension, "pids") || !strcmp(dimension, "iops")) {
        return pc_units_parse_count(text, value);
    }
    return xasprintf("unknown capacity \"%s\": it is one of cpu, memory, disk, "
                     "network, pids, io and iops", dimension);
}

/* 'dimension' that is unknown is formatted as a plain number. */
char *
pc_units_format_capacity(const char *dimension, uint64_t value)
{
    if (!strcmp(dimension, "cpu")) {
        return pc_units_format_cpu(value);
    } else if (!strcmp(dimension, "memory") || !strcmp(dimension, "disk")
               || !strcmp(dimension, "io")) {
        return pc_units_format_bytes(value);
    } else if (!strcmp(dimension, "network")) {
        return pc_units_format_rate(value);
    }
    return xasprintf("%"PRIu64, value);
}
