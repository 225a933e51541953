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
#include "pc-report.h"

#include <stdlib.h>
#include <string.h>

#include "lib/pc-idl.h"
#include "ovsdb-idl.h"
#include "pc-request.h"
#include "smap.h"
#include "util.h"

#define INTERVAL_MS 10000
#define MIN_MS 100              /* Of each of the times. */
#define MAX_MS (UINT64_C(1) << 30) /* 12 days; more is nonsense. */

/* Values beyond this (256 TiB) are taken for it: a sum of tens of thousands of
 * them cannot overflow. */
#define MAX_VALUE (INT64_C(1) << 48)

void
pc_report_register(struct ovsdb_idl *idl)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_node_col_seen, &pcrec_node_col_used,
        &pcrec_cloudlet_col_total, &pcrec_cloudlet_col_reserved,
        &pcrec_cloudlet_col_used, &pcrec_cloudlet_col_available,
        &pcrec_cloudlet_col_reported,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_omit_alert(idl, columns[i]);
    }
}

/* Sets in 'a' those dimensions that the column has, up to 'max'. */
static void
set_from_column(struct pc_amount *a, char *const *keys, const int64_t *values,
                size_t n, int64_t max)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < PC_N_AMOUNTS; j++) {
            if (!strcmp(keys[i], pc_capacity_names[j])) {
                a->value[j] = MIN(MAX(values[i], 0), max);
            }
        }
    }
}

void
pc_report_from_column(struct pc_amount *a, char *const *keys,
                      const int64_t *values, size_t n)
{
    memset(a, 0, sizeof *a);
    set_from_column(a, keys, values, n, INT64_MAX);
}

/* In the order of the keys, as the IDL has them. */
void
pc_report_to_column(const struct pc_amount *a, const char *keys[PC_N_AMOUNTS],
                    int64_t values[PC_N_AMOUNTS])
{
    static const enum pc_capacity_dimension order[PC_N_AMOUNTS] = {
        PC_CAP_CPU, PC_CAP_DISK, PC_CAP_MEMORY, PC_CAP_NETWORK,
    };

    for (size_t i = 0; i < PC_N_AMOUNTS; i++) {
        keys[i] = pc_capacity_names[order[i]];
        values[i] = a->value[order[i]];
    }
}

bool
pc_report_column_says(const struct pc_amount *a, char *const *keys,
                      const int64_t *values, size_t n)
{
    const char *want_keys[PC_N_AMOUNTS];
    int64_t want[PC_N_AMOUNTS];

    pc_report_to_column(a, want_keys, want);
    if (n != PC_N_AMOUNTS) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i], want_keys[i]) || values[i] != want[i]) {
            return false;
        }
    }
    return true;
}

void
pc_report_node_total(const struct pcrec_node *node, struct pc_amount *total)
{
    memset(total, 0, sizeof *total);
    set_from_column(total, node->key_found, node->value_found, node->n_found,
                    MAX_VALUE);
    set_from_column(total, node->key_capacity, node->value_capacity,
                    node->n_capacity, MAX_VALUE);
}

bool
pc_report_node_is_usable(const struct pcrec_node *node)
{
    return strcmp(node->state, "suspect") && strcmp(node->state, "down");
}

bool
pc_report_reservation_holds(const struct pcrec_reservation *row)
{
    return (row->node && (!strcmp(row->state, "pending")
                          || !strcmp(row->state, "confirmed")
                          || !strcmp(row->state, "active")));
}

bool
pc_report_vi_holds(const struct pcrec_vi *row, struct pc_amount *a)
{
    memset(a, 0, sizeof *a);
    if (!row->node || row->reservation) {
        return false;
    }
    set_from_column(a, row->key_capacity, row->value_capacity,
                    row->n_capacity, MAX_VALUE);
    return true;
}

static int
compare_slots(const void *a_, const void *b_)
{
    const struct pc_slot *a = a_, *b = b_;

    return (a->begin > b->begin) - (a->begin < b->begin);
}

char *
pc_report_parse_slots(char *const *texts, size_t n, struct pc_slot **slots,
                      size_t *n_slots)
{
    char *error = NULL;

    *slots = xmalloc((n + 1) * sizeof **slots);
    *n_slots = 0;
    for (size_t i = 0; i < n; i++) {
        /* They are in no order, and all their times absolute. */
        char *wrong = pc_request_parse_slot(texts[i], 0, NULL,
                                            &(*slots)[*n_slots]);

        if (!wrong) {
            ++*n_slots;
        } else if (!error) {
            error = wrong;
        } else {
            free(wrong);
        }
    }
    qsort(*slots, *n_slots, sizeof **slots, compare_slots);
    return error;
}

int64_t
pc_report_slots_at(const struct pc_slot slots[], size_t n, int64_t now,
                   struct pc_amount *a)
{
    memset(a, 0, sizeof *a);
    for (size_t i = 0; i < n; i++) {
        if (now < slots[i].begin) {
            return slots[i].begin;
        } else if (now < slots[i].end) {
            *a = slots[i].amount;
            return slots[i].end;
        }
    }
    return PC_TIME_MAX;
}

void
pc_report_add(struct pc_amount *a, const struct pc_amount *b)
{
    for (size_t i = 0; i < PC_N_AMOUNTS; i++) {
        a->value[i] += b->value[i];
    }
}

void
pc_report_subtract(struct pc_amount *a, const struct pc_amount *b)
{
    for (size_t i = 0; i < PC_N_AMOUNTS; i++) {
        a->value[i] -= b->value[i];
    }
}

static long long int
get_ms(const struct pcrec_cloudlet *cloudlet, const char *key,
       long long int def)
{
    long long int ms = def;

    if (cloudlet) {
        ms = MIN(smap_get_ullong(&cloudlet->options, key, def), MAX_MS);
    }
    return MAX(ms, MIN_MS);
}

void
pc_report_get_times(const struct pcrec_cloudlet *cloudlet,
                    struct pc_report_times *t)
{
    t->interval = get_ms(cloudlet, "report-interval", INTERVAL_MS);
    t->suspect = MAX(t->interval,
                     get_ms(cloudlet, "suspect-after", 3 * t->interval));
    t->down = MAX(t->suspect,
                  get_ms(cloudlet, "down-after", 6 * t->interval));
}
