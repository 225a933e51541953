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
#include "pc-time.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/util.h"
#include "pc-name.h"
#include "pc-slot.h"
#include "util.h"

/* The units of a length, largest first. */
static const struct {
    char name;
    uint32_t seconds;
} units[] = {
    { 'w', 7 * 24 * 60 * 60 },
    { 'd', 24 * 60 * 60 },
    { 'h', 60 * 60 },
    { 'm', 60 },
    { 's', 1 },
};

static const char *const out_of_range
    = "it must be in the years 1970 to 9999";

static char *
time_error(const char *text, const char *why)
{
    char *quoted = pc_name_quote(text);
    char *error = xasprintf("%s is not a time: %s (examples: "
                            "2026-12-01T08:00:00Z, 2026-12-01, now+2h)",
                            quoted, why);

    free(quoted);
    return error;
}

/* Takes the digits at '*p', at most PC_TIME_MAX.  Returns false if there are none
 * or they say more than that. */
static bool
take_number(const char **p, int64_t *value)
{
    const char *start = *p;

    *value = 0;
    for (; isdigit((unsigned char) **p); ++*p) {
        *value = *value * 10 + (**p - '0');
        if (*value > PC_TIME_MAX) {
            return false;
        }
    }
    return *p > start;
}

/* Takes exactly 'n' digits at '*p' and, before them, 'before' unless it is 0. */
static bool
take_digits(const char **p, char before, int n, int *value)
{
    const char *s = *p;

    if (before && *s++ != before) {
        return false;
    }
    *value = 0;
    for (int i = 0; i < n; i++, s++) {
        if (!isdigit((unsigned char) *s)) {
            return false;
        }
        *value = *value * 10 + (*s - '0');
    }
    *p = s;
    return true;
}

/* The length at 's', all of it, or what is wrong with it. */
static const char *
parse_length(const char *s, int64_t *seconds)
{
    int64_t sum = 0;
    size_t unit = 0;

    do {
        int64_t n;

        if (!isdigit((unsigned char) *s)) {
            return "it must be numbers with units";
        } else if (!take_number(&s, &n)) {
            return "too long";
        } else if (*s == '.') {
            return "a fraction is not accepted";
        }

        size_t i = 0;
        while (i < ARRAY_SIZE(units) && units[i].name != *s) {
            i++;
        }
        if (i >= ARRAY_SIZE(units)) {
            return *s ? "unknown unit" : "no unit";
        } else if (i < unit) {
            return "units must go from larger to smaller, each once";
        }
        unit = i + 1;
        s++;

        if (n > (PC_TIME_MAX - sum) / units[i].seconds) {
            return "too long";
        }
        sum += n * units[i].seconds;
    } while (*s);

    *seconds = sum;
    return NULL;
}

char *
pc_time_parse_length(const char *s, int64_t *seconds)
{
    *seconds = 0;

    const char *why = *s ? parse_length(s, seconds) : "empty";
    if (!why) {
        return NULL;
    }

    char *quoted = pc_name_quote(s);
    char *error = xasprintf("%s is not a length of time: %s (examples: 90m, "
                            "1d12h)", quoted, why);
    free(quoted);
    return error;
}

/* What follows "now". */
static const char *
parse_relative(const char *s, int64_t now, int64_t *time)
{
    int64_t length = 0;

    if (*s && *s != '+' && *s != '-') {
        return "after \"now\" there may be + or - and a length";
    } else if (*s) {
        const char *why = parse_length(s + 1, &length);

        if (why) {
            return why;
        }
    }
    /* No overflow: neither is more than PC_TIME_MAX. */
    now = MIN(MAX(now, 0), PC_TIME_MAX) + (*s == '-' ? -length : length);
    if (now < 0 || now > PC_TIME_MAX) {
        return out_of_range;
    }
    *time = now;
    return NULL;
}

/* What follows a date: the time of day, and how far it is ahead of UTC. */
static const char *
parse_time_of_day(const char *s, struct tm *tm, int *offset)
{
    int hours, minutes;

    if ((!take_digits(&s, 'T', 2, &tm->tm_hour)
         && !take_digits(&s, 't', 2, &tm->tm_hour))
        || !take_digits(&s, ':', 2, &tm->tm_min)
        || (*s == ':' && !take_digits(&s, ':', 2, &tm->tm_sec))) {
        return "after the date there must be a time such as T08:00:00Z";
    } else if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60) {
        return "there is no such time of day";
    } else if (*s == '.' || *s == ',') {
        return "a fraction of a second is not accepted";
    }

    if ((*s == 'Z' || *s == 'z') && !s[1]) {
        return NULL;
    }
    int sign = *s == '-' ? -1 : 1;
    if (!take_digits(&s, sign < 0 ? '-' : '+', 2, &hours)
        || !take_digits(&s, ':', 2, &minutes) || *s
        || hours > 23 || minutes > 59) {
        return "it must end with Z (UTC) or an offset such as +01:00";
    }
    *offset = sign * (hours * 60 + minutes) * 60;
    return NULL;
}

static const char *
parse_date(const char *s, int64_t *time)
{
    struct tm tm = { .tm_isdst = 0 };
    int year, month, day;
    int offset = 0;

    if (!take_digits(&s, 0, 4, &year) || !take_digits(&s, '-', 2, &month)
        || !take_digits(&s, '-', 2, &day)) {
        return "it must be a date, \"now\" or @SECONDS";
    } else if (month < 1 || month > 12) {
        return "there is no such month";
    }

    const char *why = *s ? parse_time_of_day(s, &tm, &offset) : NULL;
    if (why) {
        return why;
    }

    /* timegm() takes a day that a month does not have for one of the next, and
     * a leap second for the minute after it: only the latter is wanted. */
    bool leap = tm.tm_sec == 60;
    struct tm date = { .tm_year = year - 1900, .tm_mon = month - 1,
                       .tm_mday = day };
    int64_t t = timegm(&date);
    if (date.tm_mday != day || date.tm_mon != month - 1) {
        return "there is no such day in that month";
    }
    t += (tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec - offset;
    if (t < 0 || t > PC_TIME_MAX) {
        return out_of_range;
    } else if (leap && t % units[1].seconds) {
        return "leap seconds are at the end of a day, UTC";
    }
    *time = t;
    return NULL;
}

char *
pc_time_parse(const char *s, int64_t now, int64_t *time)
{
    const char *why;

    *time = 0;
    if (!*s) {
        why = "empty";
    } else if (!strncmp(s, "now", 3)) {
        why = parse_relative(s + 3, now, time);
    } else if (*s == '@') {
        const char *p = s + 1;
        int64_t t;

        if (!isdigit((unsigned char) *p)) {
            why = "after @ there must be seconds since the epoch";
        } else if (!take_number(&p, &t)) {
            why = out_of_range;
        } else if (*p) {
            why = "after @ there must be digits only";
        } else {
            *time = t;
            why = NULL;
        }
    } else {
        why = parse_date(s, time);
    }
    return why ? time_error(s, why) : NULL;
}

char *
pc_time_format(int64_t time)
{
    time_t t = time;
    struct tm tm;

    /* What is no time is shown as it is. */
    if (time < 0 || time > PC_TIME_MAX || !gmtime_r(&t, &tm)) {
        return xasprintf("@%"PRId64, time);
    }
    return xasprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                     tm.tm_sec);
}

char *
pc_time_format_length(int64_t seconds)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    /* Defined for INT64_MIN too. */
    uint64_t rest = seconds;
    rest = seconds < 0 ? -rest : rest;

    if (seconds < 0) {
        ds_put_char(&s, '-');
    } else if (!seconds) {
        ds_put_cstr(&s, "0s");
    }
    /* Weeks are for reading: "14d" says more than "2w" beside "10d". */
    for (size_t i = 1; i < ARRAY_SIZE(units); i++) {
        if (rest >= units[i].seconds) {
            ds_put_format(&s, "%"PRIu64"%c", rest / units[i].seconds,
                          units[i].name);
            rest %= units[i].seconds;
        }
    }
    return ds_steal_cstr(&s);
}
