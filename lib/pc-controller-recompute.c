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
#include "pc-controller.h"

#include "openvswitch/dynamic-string.h"
#include "pc-controller-private.h"
#include "pc-flow-table.h"
#include "pc-l3.h"
#include "timeval.h"
#include "util.h"

/* The oracle of the tests: everything compiled anew must be what the changes
 * since the start have led to. */

/* A router's table and L3 router, put aside. */
struct pc_ctl_saved {
    struct pc_ctl_router *r;
    struct pc_flow_table *table;
    struct pc_l3 *l3;
};

static void
pc_ctl_adopt(const struct pc_flow_view *flow, void *l3_)
{
    pc_l3_adopt_neighbor(l3_, time_msec(), flow);
}

/* Puts the tables aside and compiles everything into new ones. */
static size_t
pc_ctl_compile_anew(struct pc_controller *c, struct pc_ctl_saved *saved)
{
    struct pc_ctl_router *r;
    size_t n = 0;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (r->prepared) {
            saved[n++] = (struct pc_ctl_saved) { r, r->table, r->l3 };
            r->table = pc_flow_table_create();
            pc_flow_table_set_selection(r->table, r->selection);
            pc_flow_table_reserve(r->table, 2 * hmap_count(&c->rules));
            r->l3 = pc_ctl_l3_create(r, r->table);
            r->common = false;
        }
    }
    long long int start = time_usec();
    pc_ctl_compile_all(c);
    c->counters.last_recompute_us = time_usec() - start;

    /* What was learned from packets cannot be compiled. */
    for (size_t i = 0; i < n; i++) {
        pc_flow_table_for_each_flow(saved[i].table, pc_ctl_adopt,
                                    saved[i].r->l3);
    }
    return n;
}

/* Compiles everything anew and compares with what changes have led to.
 * Returns NULL if they are the same, otherwise one line per difference, which
 * the caller frees; then the new is taken.  In either case all switches are
 * read again and corrected. */
char *
pc_controller_recompute(struct pc_controller *c)
{
    struct pc_ctl_saved *saved = xcalloc(hmap_count(&c->routers),
                                         sizeof *saved);
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n;

    c->counters.n_recomputes++;
    pc_ctl_compile_run(c);
    n = pc_ctl_compile_anew(c, saved);
    for (size_t i = 0; i < n; i++) {
        struct pc_ctl_router *r = saved[i].r;
        char *diff = pc_flow_table_compare(saved[i].table, r->table);

        if (diff) {
            ds_put_format(&ds, "router %s:\n%s", r->name, diff);
            free(diff);
            pc_l3_destroy(saved[i].l3);
            pc_flow_table_destroy(saved[i].table);
        } else {
            pc_l3_destroy(r->l3);
            pc_flow_table_destroy(r->table);
            r->table = saved[i].table;
            r->l3 = saved[i].l3;
        }
        pc_ctl_sync_resync(r);
    }
    free(saved);
    if (!ds.length) {
        ds_destroy(&ds);
        return NULL;
    }
    return ds_steal_cstr(&ds);
}
