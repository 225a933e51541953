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

/* What nodes and cloudlets have: what node-list, cloudlet-list and status print
 * of reports. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-clock.h"
#include "pc-report.h"
#include "util.h"

/* For a prerequisites() function: what ctl_report_held() and
 * ctl_cell_node_total() look at. */
void
ctl_pre_report(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_node_col_capacity, &pcrec_node_col_found, &pcrec_node_col_used,
        &pcrec_node_col_state,
        &pcrec_reservation_col_name, &pcrec_reservation_col_node,
        &pcrec_reservation_col_slots, &pcrec_reservation_col_state,
        &pcrec_vi_col_name, &pcrec_vi_col_node, &pcrec_vi_col_capacity,
        &pcrec_vi_col_reservation,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
    ctl_need_all_vis(ctx);
    ctl_need_all_reservations(ctx);
}

static struct pc_amount *
held_on(struct shash *held, const struct pcrec_node *node)
{
    struct pc_amount *a = shash_find_data(held, node->name);

    if (!a) {
        a = xzalloc(sizeof *a);
        shash_add(held, node->name, a);
    }
    return a;
}

/* Adds to 'held' what is held now on each node, by its name: "struct
 * pc_amount"s, for the caller to free. */
void
ctl_report_held(struct ctl_context *ctx, struct shash *held)
{
    const struct pcrec_reservation *r;
    int64_t now = pc_clock_now();
    const struct pcrec_vi *vi;
    struct pc_amount a;

    PCREC_RESERVATION_FOR_EACH (r, ctx->idl) {
        struct pc_slot *slots;
        size_t n;

        if (pc_report_reservation_holds(r)) {
            /* The controller's log has what is wrong with a slot. */
            free(pc_report_parse_slots(r->slots, r->n_slots, &slots, &n));
            pc_report_slots_at(slots, n, now, &a);
            pc_report_add(held_on(held, r->node), &a);
            free(slots);
        }
    }
    PCREC_VI_FOR_EACH (vi, ctx->idl) {
        if (pc_report_vi_holds(vi, &a)) {
            pc_report_add(held_on(held, vi->node), &a);
        }
    }
}

/* Adds a cell with a capacity: "none" if there is nothing of anything, empty if
 * 'a' is NULL. */
void
ctl_cell_amount(struct ctl_table *t, const struct pc_amount *a)
{
    char *keys[PC_N_AMOUNTS];
    int64_t values[PC_N_AMOUNTS];
    size_t n = 0;

    for (size_t i = 0; a && i < PC_N_AMOUNTS; i++) {
        if (a->value[i]) {
            keys[n] = CONST_CAST(char *, pc_capacity_names[i]);
            values[n++] = a->value[i];
        }
    }
    if (a && !n) {
        ctl_cell(t, "none");
    } else {
        ctl_cell_capacity(t, keys, values, n);
    }
}

/* Adds a cell with a column that is a capacity, empty if nobody has written
 * it. */
void
ctl_cell_report(struct ctl_table *t, char **keys, const int64_t *values,
                size_t n)
{
    struct pc_amount a;

    pc_report_from_column(&a, keys, values, n);
    ctl_cell_amount(t, n ? &a : NULL);
}

/* Adds a cell with what VIs on 'node' can have together. */
void
ctl_cell_node_total(struct ctl_table *t, const struct pcrec_node *node)
{
    char **keys = xmalloc((node->n_found + node->n_capacity + 1)
                          * sizeof *keys);
    int64_t *values = xmalloc((node->n_found + node->n_capacity + 1)
                              * sizeof *values);
    size_t n = 0;

    for (size_t i = 0; i < node->n_capacity; i++) {
        keys[n] = node->key_capacity[i];
        values[n++] = node->value_capacity[i];
    }
    for (size_t i = 0; i < node->n_found; i++) {
        size_t j = 0;

        while (j < node->n_capacity
               && strcmp(node->key_capacity[j], node->key_found[i])) {
            j++;
        }
        if (j == node->n_capacity) {
            keys[n] = node->key_found[i];
            values[n++] = node->value_found[i];
        }
    }
    ctl_cell_capacity(t, keys, values, n);
    free(keys);
    free(values);
}
