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
#include "pc-engine-private.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "util.h"

/* Bounds: what is free at most.  See pc-engine-private.h.
 *
 * A bound is four numbers of 15 bits, a dimension each: enough to compare, one
 * word for a node.  A number is what pack() makes of an amount: the position of its
 * first bit and the nine bits that follow. */

#define MANTISSA 9
#define LANE 16
#define LANE_MAX UINT64_C(0x7fff)
#define LANE_TOPS UINT64_C(0x8000800080008000)
#define UNKNOWN (~LANE_TOPS)

/* Bytes that bounds may take, and how many columns. */
#define MAX_BYTES (64 * 1024 * 1024)
#define MIN_COLUMNS 64
#define MAX_COLUMNS 1024

struct pe_column {
    struct hmap_node node;      /* In the bounds' 'columns'. */
    int64_t begin, end;
    bool isp;                   /* For requests of the ISP's own. */
    size_t index;               /* In the bounds' 'spans'. */
    uint64_t used;              /* When: the bounds' 'clock'. */
    uint64_t free[];            /* By the index of a node. */
};

void
pe_bounds_init(struct pe_bounds *bounds)
{
    memset(bounds, 0, sizeof *bounds);
    hmap_init(&bounds->columns);
}

static void
bounds_flush(struct pe_bounds *bounds)
{
    struct pe_column *column;

    HMAP_FOR_EACH_POP (column, node, &bounds->columns) {
        free(column);
    }
    bounds->n = 0;
}

void
pe_bounds_destroy(struct pe_bounds *bounds)
{
    bounds_flush(bounds);
    hmap_destroy(&bounds->columns);
    free(bounds->spans);
}

size_t
pe_bounds_memory(const struct pe_bounds *bounds)
{
    return (bounds->n * (sizeof(struct pe_column)
                         + bounds->n_nodes * sizeof(uint64_t))
            + bounds->allocated * sizeof *bounds->spans);
}

/* 'amount', at most PC_AMOUNT_MAX, as a number of 15 bits, rounded up or down. */
static uint64_t
pack(int64_t amount, bool up)
{
    int top, shift;
    uint64_t code;

    if (amount <= 0) {
        return 0;
    }
    amount = MIN(amount, PC_AMOUNT_MAX);
    top = 63 - raw_clz64(amount);
    shift = top - MANTISSA;
    code = (shift >= 0 ? (uint64_t) amount >> shift
            : (uint64_t) amount << -shift);
    code += (uint64_t) top << MANTISSA;
    return code + (up && shift > 0 && amount & ((INT64_C(1) << shift) - 1));
}

static uint64_t
pack_amount(const struct pc_amount *amount, bool up)
{
    uint64_t packed = 0;

    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        packed |= pack(amount->value[d], up) << d * LANE;
    }
    return packed;
}

static uint64_t
packed_min(uint64_t a, uint64_t b)
{
    uint64_t min = 0;

    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        uint64_t mask = LANE_MAX << d * LANE;

        min |= MIN(a & mask, b & mask);
    }
    return min;
}

/* Is 'wanted' more than 'free' in some dimension? */
static inline bool
exceeds(uint64_t wanted, uint64_t free)
{
    return (((free | LANE_TOPS) - wanted) & LANE_TOPS) != LANE_TOPS;
}

/* Columns. */

static uint32_t
column_hash(int64_t begin, int64_t end, bool isp)
{
    return hash_uint64_basis(begin, hash_uint64_basis(end, isp));
}

static struct pe_column *
column_find(const struct pe_bounds *bounds, int64_t begin, int64_t end,
            bool isp)
{
    struct pe_column *column;

    HMAP_FOR_EACH_WITH_HASH (column, node, column_hash(begin, end, isp),
                             &bounds->columns) {
        if (column->begin == begin && column->end == end
            && column->isp == isp) {
            return column;
        }
    }
    return NULL;
}

static struct pe_column *
oldest_column(const struct pe_bounds *bounds)
{
    struct pe_column *oldest = bounds->spans[0].column;

    for (size_t i = 1; i < bounds->n; i++) {
        struct pe_column *column = bounds->spans[i].column;

        if (column->used < oldest->used) {
            oldest = column;
        }
    }
    return oldest;
}

/* A column in which nothing is known: a new one, or the one that has not been
 * used for longest. */
static struct pe_column *
column_create(struct pe_bounds *bounds, int64_t begin, int64_t end, bool isp)
{
    /* More of them than a filter has. */
    size_t size = bounds->n_nodes * sizeof(uint64_t);
    size_t max = MAX(MIN_COLUMNS, MIN(MAX_BYTES / size, MAX_COLUMNS));
    struct pe_column *column;

    if (bounds->n < max) {
        column = xmalloc(sizeof *column + size);
        if (bounds->n >= bounds->allocated) {
            bounds->spans = x2nrealloc(bounds->spans, &bounds->allocated,
                                       sizeof *bounds->spans);
        }
        column->index = bounds->n++;
    } else {
        column = oldest_column(bounds);
        hmap_remove(&bounds->columns, &column->node);
    }
    column->begin = begin;
    column->end = end;
    column->isp = isp;
    column->used = bounds->clock;
    for (size_t i = 0; i < bounds->n_nodes; i++) {
        column->free[i] = UNKNOWN;
    }
    bounds->spans[column->index] = (struct pe_span) { begin, end, column };
    hmap_insert(&bounds->columns, &column->node,
                column_hash(begin, end, isp));
    return column;
}

void
pe_bounds_forget(struct pe_bounds *bounds, size_t node, int64_t begin,
                 int64_t end)
{
    for (size_t i = 0; i < bounds->n; i++) {
        const struct pe_span *span = &bounds->spans[i];

        if (span->begin < end && span->end > begin) {
            span->column->free[node] = UNKNOWN;
        }
    }
}

void
pe_bounds_add_node(struct pe_bounds *bounds, size_t node)
{
    if (node >= bounds->n_nodes) {
        bounds_flush(bounds);
        bounds->n_nodes = MAX(64, bounds->n_nodes * 2);
    }
    pe_bounds_forget(bounds, node, INT64_MIN, INT64_MAX);
}

/* The columns of a request. */

/* The length of a stretch: a power of two, of which a request is some ten long. */
static int64_t
stretch_length(const struct pc_engine_request *request)
{
    int64_t length = (request->slots[request->n_slots - 1].end
                      - request->slots[0].begin);

    return INT64_C(1) << (63 - raw_clz64(MAX(1, length / 8)));
}

void
pe_filter_init(struct pe_filter *filter, struct pe_bounds *bounds,
               const struct pc_engine_request *request)
{
    int64_t length = stretch_length(request);

    bounds->clock++;
    filter->bounds = bounds;
    filter->n = 0;
    for (size_t i = 0; i < request->n_slots; i++) {
        const struct pc_slot *slot = &request->slots[i];
        uint64_t wanted = pack_amount(&slot->amount, false);

        for (int64_t at = ROUND_UP(slot->begin, length);
             at + length <= slot->end && filter->n < PE_MAX_CHECKS;
             at += length) {
            struct pe_check *check = &filter->checks[filter->n++];

            check->begin = at;
            check->end = at + length;
            check->wanted = wanted;
            check->column = column_find(bounds, at, at + length,
                                        request->isp);
            if (check->column) {
                check->column->used = bounds->clock;
            }
        }
    }
}

bool
pe_filter_excludes(struct pe_filter *filter, size_t node)
{
    for (size_t i = 0; i < filter->n; i++) {
        struct pe_check check = filter->checks[i];

        if (check.column && exceeds(check.wanted, check.column->free[node])) {
            /* Likely the next one too. */
            if (i) {
                filter->checks[i] = filter->checks[i - 1];
                filter->checks[i - 1] = check;
            }
            return true;
        }
    }
    return false;
}

/* Notes what 'profile' leaves free of 'limit' all through the check's stretch, if
 * that is too little.  Returns whether it is. */
static bool
learn(struct pe_bounds *bounds, struct pe_check *check, bool isp,
      size_t node, const struct pc_profile *profile,
      const struct pc_amount *limit)
{
    struct pc_amount peak, free;
    uint64_t packed;

    pc_profile_peak(profile, check->begin, check->end, &peak);
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        free.value[d] = limit->value[d] - peak.value[d];
    }
    packed = pack_amount(&free, true);
    if (!exceeds(check->wanted, packed)) {
        return false;
    }
    if (!check->column) {
        check->column = column_create(bounds, check->begin, check->end, isp);
    }
    check->column->free[node] = packed_min(check->column->free[node], packed);
    return true;
}

void
pe_filter_learn(struct pe_filter *filter, const struct pe_node *node,
                const struct pc_engine_request *request)
{
    const struct pc_profile *profile = node->all;
    const struct pc_amount *limit = &node->n.total;
    struct pc_profile_misfit misfit;

    if (!pc_profile_misfit(profile, limit, request->slots, request->n_slots,
                           &misfit)) {
        profile = node->third;
        limit = &node->third_limit;
        if (!profile
            || !pc_profile_misfit(profile, limit, request->slots,
                                  request->n_slots, &misfit)) {
            return;
        }
    }
    /* The stretch in which it does not fit; failing that some other. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < filter->n; i++) {
            struct pe_check *check = &filter->checks[i];
            bool here = (check->begin <= misfit.time
                         && misfit.time < check->end);

            if (here == !pass
                && learn(filter->bounds, check, request->isp, node->index,
                         profile, limit)) {
                return;
            }
        }
    }
}
