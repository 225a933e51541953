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

/* Command: top.  Asks the agent for the counters again and again, and prints who
 * gets how much now. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "ctl-screen.h"
#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "timeval.h"
#include "util.h"

#define DEFAULT_INTERVAL 2      /* Seconds. */

/* A VI's counters. */
struct top_row {
    char *service, *vi;
    uint64_t packets[2], bytes[2];
};

struct top {
    struct top_row *rows;
    size_t n;
    long long int when;         /* In ms. */
};

static void
top_destroy(struct top *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->rows[i].service);
        free(t->rows[i].vi);
    }
    free(t->rows);
    memset(t, 0, sizeof *t);
}

static const struct json *
member(const struct json *json, const char *name)
{
    return (json && json->type == JSON_OBJECT
            ? shash_find_data(json_object(json), name) : NULL);
}

static const char *
member_string(const struct json *json, const char *name)
{
    const struct json *value = member(json, name);

    return value && value->type == JSON_STRING ? json_string(value) : "?";
}

static uint64_t
member_number(const struct json *json, const char *name)
{
    const struct json *value = member(json, name);

    return value && value->type == JSON_INTEGER ? json_integer(value) : 0;
}

static void
add_vis(struct top *t, const struct json *service)
{
    static const char *const names[] = { "forward", "reverse" };
    const struct json *vis = member(service, "vis");

    for (size_t i = 0; vis && i < json_array(vis)->n; i++) {
        const struct json *vi = json_array(vis)->elems[i];

        t->rows = xrealloc(t->rows, (t->n + 1) * sizeof *t->rows);
        struct top_row *row = &t->rows[t->n++];
        row->service = xstrdup(member_string(service, "service"));
        row->vi = xstrdup(member_string(vi, "vi"));
        for (int d = 0; d < 2; d++) {
            const struct json *sum = member(vi, names[d]);

            row->packets[d] = member_number(sum, "packets");
            row->bytes[d] = member_number(sum, "bytes");
        }
    }
}

/* Reads the counters.  Returns NULL or an error that the caller frees. */
static char * OVS_WARN_UNUSED_RESULT
top_read(struct ctl_run *run, struct top *t)
{
    char *argv[] = { CONST_CAST(char *, "-f"), CONST_CAST(char *, "json") };
    char *reply, *error;

    memset(t, 0, sizeof *t);
    error = ctl_agent_transact(run, "controller/stats", 2, argv, &reply);
    if (error) {
        return error;
    }
    struct json *json = json_from_string(reply);
    free(reply);
    t->when = time_msec();
    for (size_t i = 0; json->type == JSON_ARRAY && i < json_array(json)->n;
         i++) {
        add_vis(t, json_array(json)->elems[i]);
    }
    json_destroy(json);
    return NULL;
}

/* What 'row' had last time, zeros if it was not there. */
static struct top_row
top_last(const struct top *last, const struct top_row *row)
{
    for (size_t i = 0; i < last->n; i++) {
        if (!strcmp(last->rows[i].vi, row->vi)) {
            return last->rows[i];
        }
    }
    return (struct top_row) { .packets = { row->packets[0], row->packets[1] },
                              .bytes = { row->bytes[0], row->bytes[1] } };
}

/* A line of the output, with rates per second. */
struct top_line {
    const struct top_row *row;
    double pps[2], bps[2];
};

static int
compare_lines(const void *a_, const void *b_)
{
    const struct top_line *a = a_, *b = b_;
    double x = a->bps[0] + a->bps[1], y = b->bps[0] + b->bps[1];

    return x != y ? (x > y ? -1 : 1) : strverscmp(a->row->vi, b->row->vi);
}

static struct top_line *
top_lines(const struct top *now, const struct top *last)
{
    struct top_line *lines = xcalloc(now->n + 1, sizeof *lines);
    double s = MAX(now->when - last->when, 1) / 1000.0;

    for (size_t i = 0; i < now->n; i++) {
        struct top_row old = top_last(last, &now->rows[i]);

        lines[i].row = &now->rows[i];
        for (int d = 0; d < 2; d++) {
            /* A counter that was reset counts from zero. */
            uint64_t p = now->rows[i].packets[d], b = now->rows[i].bytes[d];

            lines[i].pps[d] = (p - (p >= old.packets[d] ? old.packets[d] : 0))
                              / s;
            lines[i].bps[d] = (b - (b >= old.bytes[d] ? old.bytes[d] : 0))
                              * 8 / s;
        }
    }
    if (now->n > 1) {
        qsort(lines, now->n, sizeof *lines, compare_lines);
    }
    return lines;
}

static void
put_text(struct ds *ds, const struct top_line *lines, size_t n)
{
    ds_put_format(ds, "%-20s %-20s %12s %14s %12s %14s\n", "SERVICE", "VI",
                  "FWD packet/s", "FWD bit/s", "REV packet/s", "REV bit/s");
    for (size_t i = 0; i < n; i++) {
        ds_put_format(ds, "%-20s %-20s %12.0f %14.0f %12.0f %14.0f\n",
                      lines[i].row->service, lines[i].row->vi,
                      lines[i].pps[0], lines[i].bps[0], lines[i].pps[1],
                      lines[i].bps[1]);
    }
}

static void
put_json(struct ds *ds, const struct top_line *lines, size_t n)
{
    static const char *const names[] = { "forward", "reverse" };
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        struct json *json = json_object_create();

        json_object_put_string(json, "service", lines[i].row->service);
        json_object_put_string(json, "vi", lines[i].row->vi);
        for (int d = 0; d < 2; d++) {
            struct json *sum = json_object_create();

            json_object_put(sum, "packets_per_second",
                            json_real_create(lines[i].pps[d]));
            json_object_put(sum, "bits_per_second",
                            json_real_create(lines[i].bps[d]));
            json_object_put(json, names[d], sum);
        }
        json_array_add(array, json);
    }
    char *s = json_to_string(array, JSSF_SORT);
    ds_put_format(ds, "%s\n", s);
    free(s);
    json_destroy(array);
}

/* Appends to 'ds' what has come between '*last' and now, and makes that the last.
 * Returns NULL or an error. */
static char *
top_next(struct ctl_run *run, struct top *last, bool json, struct ds *ds)
{
    struct top now;
    char *error = top_read(run, &now);

    if (!error) {
        struct top_line *lines = top_lines(&now, last);

        (json ? put_json : put_text)(ds, lines, now.n);
        free(lines);
        top_destroy(last);
        *last = now;
    }
    return error;
}

/* Prints 'rounds' times.  Returns NULL or an error. */
static char *
top_batch(struct ctl_run *run, int rounds, int interval)
{
    bool json = run->format_given && run->style.format == TF_JSON;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct top last;
    char *error = top_read(run, &last);

    for (int i = 0; i < rounds && !error; i++) {
        long long int end = last.when + 1000LL * interval;

        while (time_msec() < end) {
            poll_timer_wait_until(end);
            poll_block();
        }
        error = top_next(run, &last, json, &ds);
        fputs(ds_cstr(&ds), stdout);
        fflush(stdout);
        ds_clear(&ds);
    }
    top_destroy(&last);
    ds_destroy(&ds);
    return error;
}

static void
put_title(struct ds *ds, int interval)
{
    char *now = xastrftime_msec("%H:%M:%S", time_wall_msec(), false);

    ds_put_format(ds, "PacketCloud, %s, every %d s; q quits\n\n", now,
                  interval);
    free(now);
}

/* Shows 'text' until 'end'.  Returns true if the user wants no more. */
static bool
top_show(const char *text, long long int end)
{
    for (;;) {
        ctl_screen_draw(text);
        switch (ctl_screen_wait(end)) {
        case CTL_SCREEN_NOTHING:
            return false;
        case CTL_SCREEN_GONE:
        case 'q':
        case 'Q':
            return true;
        default:                /* Another key, or another size. */
            break;
        }
    }
}

/* Shows it in the window until the user wants no more.  Returns NULL or an
 * error. */
static char *
top_screen(struct ctl_run *run, int interval)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct top last;
    char *error = top_read(run, &last);
    bool open = false;

    if (!error) {
        error = ctl_screen_open();
        open = !error;
        put_title(&ds, interval);
        ds_put_format(&ds, "Counting, for %d s.\n", interval);
    }
    while (!error && !top_show(ds_cstr(&ds), last.when + 1000LL * interval)) {
        ds_clear(&ds);
        put_title(&ds, interval);
        error = top_next(run, &last, false, &ds);
    }
    if (open) {
        ctl_screen_close();
    }
    top_destroy(&last);
    ds_destroy(&ds);
    return error;
}

static void
cmd_top(struct ctl_context *ctx)
{
    const char *batch = shash_find_data(&ctx->options, "--batch");
    const char *every = shash_find_data(&ctx->options, "--interval");
    struct ctl_run *run = ctl_run_from_context(ctx);
    int64_t rounds = 0, interval = DEFAULT_INTERVAL;

    if ((batch && !ctl_parse_int(ctx, "--batch", batch, 1, 1000000, &rounds))
        || (every
            && !ctl_parse_int(ctx, "--interval", every, 1, 3600, &interval))) {
        return;
    } else if (!batch && !ctl_screen_is_possible()) {
        ctl_error(ctx, "top needs a terminal, or --batch=N");
        return;
    } else if (!batch && run->format_given && run->style.format == TF_JSON) {
        ctl_error(ctx, "top needs --batch=N for JSON");
        return;
    }
    char *error = (batch ? top_batch(run, rounds, interval)
                   : top_screen(run, interval));
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
    }
}

const struct ctl_command_syntax ctl_top_commands[] = {
    {"top", 0, 0, "", NULL, cmd_top, NULL, "--batch=,--interval=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
