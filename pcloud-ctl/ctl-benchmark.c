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

/* Commands: vi-type-suggest, vi-type-benchmark (paper section 3.2: "suggest a
 * cost-effective VI type ... based on benchmarking results").
 *
 * A benchmark is an entry of VI_Type's column "benchmarks": "IMAGE/bps" or
 * "IMAGE/pps" and the rate.  It is measured by the program pcloud-benchmark,
 * which knows nothing of the database: pcloud-ctl becomes that program, and
 * that one runs pcloud-ctl again with what was measured. */

#include <config.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "pc-name.h"
#include "pc-tariff.h"
#include "pc-units.h"
#include "util.h"

#define BENCHMARK_PROGRAM "pcloud-benchmark"

/* What can be measured. */
struct measure {
    const char *key;            /* Behind the slash. */
    char *(*parse)(const char *, uint64_t *) OVS_WARN_UNUSED_RESULT;
    char *(*format)(uint64_t);
};

enum { BPS, PPS, N_MEASURES };
static const struct measure measures[N_MEASURES] = {
    [BPS] = { "bps", pc_units_parse_rate, pc_units_format_rate },
    [PPS] = { "pps", pc_units_parse_packets, pc_units_format_packets },
};

/* Parses 'text', which was given for 'what' (NULL: as it is), as a rate of
 * 'measure'. */
static bool
parse_rate(struct ctl_context *ctx, const char *what,
           const struct measure *measure, const char *text, uint64_t *rate)
{
    char *error = measure->parse(text, rate);

    if (!error && !*rate) {
        error = xstrdup("a rate must be above 0");
    }
    if (error) {
        ctl_error(ctx, "%s%s%s", what ? what : "", what ? ": " : "", error);
        free(error);
        return false;
    }
    return true;
}

/* vi-type-suggest */

/* A type that has a benchmark of the image. */
struct candidate {
    const struct pcrec_vi_type *type;   /* NULL: none yet. */
    struct pc_capacity capacity;
    uint64_t rate;                      /* As recorded. */
    int64_t price;                      /* Microunits an hour, or -1. */
};

static void
pre_suggest(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_capacity);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_benchmarks);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_tariff);
    ovsdb_idl_add_column(ctx->idl, &pcrec_packetcloud_col_tariff);
    ovsdb_idl_add_column(ctx->idl, &pcrec_tariff_col_price);
}

/* Sets '*row' to the tariff of the cloudlet called 'cloudlet' (NULL: of all that
 * have none of their own), or NULL. */
static bool
find_tariff(struct ctl_context *ctx, const char *cloudlet,
            const struct pcrec_tariff **row)
{
    const struct pcrec_packetcloud *root = ctl_root(ctx);

    *row = root ? root->tariff : NULL;
    if (cloudlet) {
        const struct pcrec_cloudlet *c = ctl_find_cloudlet(ctx, cloudlet,
                                                           CTL_MUST_EXIST);
        if (!c) {
            return false;
        } else if (c->tariff) {
            *row = c->tariff;
        }
    }
    return true;
}

/* What an hour of 'capacity' costs with 'row', no tier; -1: not known.  What has
 * no limit has no price either, unless it is free. */
static int64_t
price_of(const struct pcrec_tariff *row, const struct pc_capacity *capacity)
{
    struct pc_capacity prices;
    struct pc_tariff tariff = { .n_tiers = 0 };
    struct pc_slot hour = { .begin = 0, .end = 3600 };
    const struct pc_tariff_party party = { .total = &hour.amount };

    if (!row) {
        return -1;
    }
    pc_capacity_from_arrays(&prices, row->key_price, row->value_price,
                            row->n_price);
    for (size_t i = 0; i < PC_N_AMOUNTS; i++) {
        uint64_t value = capacity->value[i];

        tariff.price[i] = prices.value[i];
        if (tariff.price[i] && (!value || value > PC_AMOUNT_MAX)) {
            return -1;
        }
        hour.amount.value[i] = tariff.price[i] ? value : 0;
    }
    return pc_amount_is_zero(&hour.amount)
           ? 0 : pc_tariff_price(&tariff, &party, &hour, 1);
}

/* Is 'a' to be suggested rather than 'b'?  The cheaper one; of those that cost
 * the same, or whose price is not known, the smaller one; then by name. */
static bool
is_better(const struct candidate *a, const struct candidate *b)
{
    static const enum pc_capacity_dimension order[] = {
        PC_CAP_CPU, PC_CAP_MEMORY, PC_CAP_NETWORK, PC_CAP_DISK
    };

    if (a->price != b->price) {
        return (a->price < 0 ? false
                : b->price < 0 ? true : a->price < b->price);
    }
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        /* 0 is no limit: the largest. */
        uint64_t x = a->capacity.value[order[i]] - 1;
        uint64_t y = b->capacity.value[order[i]] - 1;

        if (x != y) {
            return x < y;
        }
    }
    return strcmp(a->type->name, b->type->name) < 0;
}

/* Finds among the types with a benchmark 'key' the best one that carries 'rate',
 * and the nearest one of those that do not. */
static void
find_types(struct ctl_context *ctx, const char *key, uint64_t rate,
           const struct pcrec_tariff *tariff, struct candidate *best,
           struct candidate *nearest)
{
    const struct pcrec_vi_type *type;

    memset(best, 0, sizeof *best);
    memset(nearest, 0, sizeof *nearest);
    PCREC_VI_TYPE_FOR_EACH (type, ctx->idl) {
        for (size_t i = 0; i < type->n_benchmarks; i++) {
            if (strcmp(type->key_benchmarks[i], key)) {
                continue;
            }

            struct candidate c = { .type = type,
                                   .rate = MAX(type->value_benchmarks[i], 0) };
            pc_capacity_from_arrays(&c.capacity, type->key_capacity,
                                    type->value_capacity, type->n_capacity);
            c.price = price_of(tariff, &c.capacity);
            if (c.rate >= rate) {
                if (!best->type || is_better(&c, best)) {
                    *best = c;
                }
            } else if (!nearest->type || c.rate > nearest->rate
                       || (c.rate == nearest->rate
                           && is_better(&c, nearest))) {
                *nearest = c;
            }
        }
    }
}

/* Says why there is nothing to suggest. */
static void
suggest_nothing(struct ctl_context *ctx, const struct measure *measure,
                uint64_t rate, const struct candidate *nearest)
{
    const char *image = ctx->argv[1];

    if (nearest->type) {
        char *wanted = measure->format(rate);
        char *has = measure->format(nearest->rate);

        ctl_error(ctx, "no VI type carries %s of image \"%s\": \"%s\" comes "
                  "nearest, with %s", wanted, image, nearest->type->name, has);
        free(has);
        free(wanted);
    } else if (ctl_find_image(ctx, image, CTL_MUST_EXIST)) {
        ctl_error(ctx, "no VI type has a benchmark of image \"%s\" in %s: "
                  "record one with \"pcloud-ctl vi-type-benchmark TYPE %s\"",
                  image, measure->key, image);
    }
}

static void
cmd_suggest(struct ctl_context *ctx)
{
    struct ctl_arg args[] = { { .key = "cloudlet" } };
    const char *text = ctx->argv[2];
    size_t len = strlen(text);
    const struct measure *measure
        = &measures[len > 3 && !strcasecmp(text + len - 3, "pps") ? PPS : BPS];
    const struct pcrec_tariff *tariff;
    struct candidate best, nearest;
    uint64_t rate;

    if (!ctl_check_name(ctx, "image", ctx->argv[1])
        || !parse_rate(ctx, NULL, measure, text, &rate)
        || !ctl_parse_args(ctx, 3, args, ARRAY_SIZE(args))
        || !find_tariff(ctx, args[0].value, &tariff)) {
        return;
    }

    char *key = xasprintf("%s/%s", ctx->argv[1], measure->key);
    find_types(ctx, key, rate, tariff, &best, &nearest);
    free(key);
    if (!best.type) {
        suggest_nothing(ctx, measure, rate, &nearest);
        return;
    }

    struct ctl_table *t = ctl_table_create("name rate price capacity");
    char *carried = measure->format(best.rate);
    char *price = best.price < 0 ? NULL : pc_money_format(best.price);
    ctl_cell(t, "%s", best.type->name);
    ctl_cell(t, "%s", carried);
    ctl_cell(t, "%s", price ? price : "unknown");
    ctl_cell_capacity(t, best.type->key_capacity, best.type->value_capacity,
                      best.type->n_capacity);
    ctl_table_output(ctx, t);
    free(price);
    free(carried);
}

/* vi-type-benchmark */

static void
pre_benchmark(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_capacity);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_benchmarks);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_url);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_sha256);
}

/* The words bps= and pps= come first, by their numbers. */
enum { ARG_DURATION = N_MEASURES, ARG_LOSS, ARG_TRAFFIC, ARG_MODE,
       ARG_MEASURE, N_ARGS };
#define BENCHMARK_ARGS {                                        \
    [BPS] = { .key = "bps" },                                   \
    [PPS] = { .key = "pps" },                                   \
    [ARG_DURATION] = { .key = "duration" },                     \
    [ARG_LOSS] = { .key = "loss" },                             \
    [ARG_TRAFFIC] = { .key = "traffic" },                       \
    [ARG_MODE] = { .key = "mode" },                             \
    [ARG_MEASURE] = { .key = "measure" } }

/* Makes pcloud-benchmark what this run ends with. */
static void
run_benchmark(struct ctl_context *ctx, const struct pcrec_vi_type *type,
              const struct pcrec_image *image,
              const struct ctl_arg args[N_ARGS])
{
    struct ctl_run *run = ctl_run_from_context(ctx);
    struct svec *program = &run->program;

    if (run->n_commands > 1) {
        ctl_error(ctx, "%s runs a program: it must be the only command",
                  ctx->argv[0]);
        return;
    }
    svec_clear(program);
    svec_add(program, BENCHMARK_PROGRAM);
    for (size_t i = ARG_DURATION; i < N_ARGS; i++) {
        if (args[i].value) {
            svec_add_nocopy(program, xasprintf("--%s=%s", args[i].key,
                                               args[i].value));
        }
    }
    svec_add(program, image->url);
    if (image->sha256[0]) {
        svec_add_nocopy(program, xasprintf("sha256=%s", image->sha256));
    }
    for (size_t i = 0; i < type->n_capacity; i++) {
        char *value = pc_units_format_capacity(type->key_capacity[i],
                                               type->value_capacity[i]);

        svec_add_nocopy(program, xasprintf("%s=%s", type->key_capacity[i],
                                           value));
        free(value);
    }

    /* This command again, for the rates. */
    svec_add(program, "--record");
    for (size_t i = 0; run->words.names[i] != ctx->argv[0]; i++) {
        svec_add(program, run->words.names[i]);
    }
    svec_add(program, ctx->argv[0]);
    svec_add(program, type->name);
    svec_add(program, image->name);
}

static void
record(struct ctl_context *ctx, const struct pcrec_vi_type *type,
       const char *image, const struct ctl_arg args[N_MEASURES])
{
    for (size_t i = 0; i < N_MEASURES; i++) {
        const char *text = args[i].value;
        char *key = xasprintf("%s/%s", image, measures[i].key);
        uint64_t rate;

        if (text && !strcmp(text, "none")) {
            pcrec_vi_type_update_benchmarks_delkey(type, key);
        } else if (text && parse_rate(ctx, measures[i].key, &measures[i],
                                      text, &rate)) {
            pcrec_vi_type_update_benchmarks_setkey(type, key, rate);
        }
        free(key);
    }
}

static void
cmd_benchmark(struct ctl_context *ctx)
{
    struct ctl_arg args[N_ARGS] = BENCHMARK_ARGS;
    const struct pcrec_vi_type *type;
    const struct pcrec_image *image;
    bool measured = false, how = false;

    if (!ctl_parse_args(ctx, 3, args, N_ARGS)
        || !(type = ctl_find_vi_type(ctx, ctx->argv[1], CTL_MUST_EXIST))
        || !(image = ctl_find_image(ctx, ctx->argv[2], CTL_MUST_EXIST))) {
        return;
    }
    for (size_t i = 0; i < N_ARGS; i++) {
        bool *which = i < N_MEASURES ? &measured : &how;

        *which = *which || args[i].value;
    }
    if (measured && how) {
        ctl_error(ctx, "bps= and pps= record what was measured already: "
                  "nothing is measured then");
    } else if (measured) {
        record(ctx, type, image->name, args);
    } else {
        run_benchmark(ctx, type, image, args);
    }
}

const struct ctl_command_syntax ctl_benchmark_commands[] = {
    {"vi-type-suggest", 2, 3, "IMAGE RATE [KEY=VALUE]", pre_suggest,
     cmd_suggest, NULL, "--columns=", RO},
    {"vi-type-benchmark", 2, INT_MAX, "TYPE IMAGE [KEY=VALUE]...",
     pre_benchmark, cmd_benchmark, NULL, "", RW},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
