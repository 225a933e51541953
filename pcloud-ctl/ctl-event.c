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

/* Command: event-list. */

#include <config.h>

#include <stdlib.h>
#include <time.h>

#include "pcloud-ctl.h"

#include "timeval.h"
#include "util.h"

static void
pre_event_list(struct ctl_context *ctx)
{
    for (size_t i = 0; i < pcrec_table_event.n_columns; i++) {
        ovsdb_idl_add_column(ctx->idl, &pcrec_table_event.columns[i]);
    }
}

/* Parses "90s", "5m", "2h" or "1d" (ago), or a time as event-list prints it
 * (UTC; the end may be missing), into microseconds since the epoch. */
static bool
parse_since(struct ctl_context *ctx, const char *s, int64_t *since)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    static const char *const formats[] = {
        "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d",
    };
    char *end;
    long long int n = strtoll(s, &end, 10);

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (end != s && *end == units[i].unit && !end[1] && n >= 0
            && n <= INT32_MAX) {
            *since = time_wall_usec() - n * units[i].seconds * 1000000LL;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        struct tm tm = { .tm_year = 0 };
        char *rest = strptime(s, formats[i], &tm);
        double fraction = 0;

        if (rest && *rest == '.') {
            fraction = strtod(rest, &rest);
        }
        if (rest && (!*rest || !strcmp(rest, "Z"))) {
            *since = timegm(&tm) * 1000000LL + (int64_t) (fraction * 1e6);
            return true;
        }
    }
    ctl_error(ctx, "--since=%s: not a time as in 90s, 5m, 2h, 1d (ago) or "
              "2026-01-31T12:00:00Z", s);
    return false;
}

/* What it is about: the smallest thing that is named. */
static const char *
event_name(const struct pcrec_event *e)
{
    return (*e->vi ? e->vi : *e->service ? e->service
            : *e->router ? e->router : *e->node ? e->node : e->cloudlet);
}

static bool
event_is_about(const struct pcrec_event *e, const char *what)
{
    return (!strcmp(what, e->kind) || !strcmp(what, e->vi)
            || !strcmp(what, e->service) || !strcmp(what, e->router)
            || !strcmp(what, e->node) || !strcmp(what, e->cloudlet)
            || !strcmp(what, e->severity));
}

static int
compare_events(const void *a_, const void *b_)
{
    const struct pcrec_event *const *a = a_;
    const struct pcrec_event *const *b = b_;

    return ((*a)->time > (*b)->time) - ((*a)->time < (*b)->time);
}

static void
put_event(struct ctl_table *t, const struct pcrec_event *e)
{
    time_t seconds = e->time / 1000000;
    char when[64];
    struct tm tm;

    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S",
             gmtime_r(&seconds, &tm));
    ctl_cell(t, "%s.%03dZ", when, (int) (e->time / 1000 % 1000));
    ctl_cell(t, "%s", e->severity);
    ctl_cell(t, "%s", e->kind);
    ctl_cell(t, "%s", event_name(e));
    ctl_cell(t, "%s", e->cause);
}

static void
cmd_event_list(struct ctl_context *ctx)
{
    const char *since_arg = shash_find_data(&ctx->options, "--since");
    const char *what = ctx->argc > 1 ? ctx->argv[1] : NULL;
    const struct pcrec_event **events = NULL;
    const struct pcrec_event *e;
    size_t n = 0, allocated = 0;
    int64_t since = INT64_MIN;

    if (since_arg && !parse_since(ctx, since_arg, &since)) {
        return;
    }
    PCREC_EVENT_FOR_EACH (e, ctx->idl) {
        if (e->time >= since && (!what || event_is_about(e, what))) {
            if (n >= allocated) {
                events = x2nrealloc(events, &allocated, sizeof *events);
            }
            events[n++] = e;
        }
    }
    if (n) {
        qsort(events, n, sizeof *events, compare_events);
    }

    struct ctl_table *t = ctl_table_create_unsorted("time severity kind name "
                                                    "cause");
    for (size_t i = 0; i < n; i++) {
        put_event(t, events[i]);
    }
    ctl_table_output(ctx, t);
    free(events);
}

const struct ctl_command_syntax ctl_event_commands[] = {
    {"event-list", 0, 1, "[EVENT]", pre_event_list, cmd_event_list, NULL,
     "--columns=,--since=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
