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
#undef NDEBUG
#include "engine-bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine-sql.h"
#include "pc-engine.h"
#include "pc-topology.h"
#include "util.h"

#ifdef HAVE_SQLITE3
static struct sql_request
sql_request(const struct request *r)
{
    return (struct sql_request) {
        .id = r->id, .pop = r->pop, .isp = !(r->provider % 10),
        .slots = r->slots, .n_slots = N_SLOTS };
}

struct near {
    uint64_t distance;
    int cloudlet;
};

static int
compare_near(const void *a_, const void *b_)
{
    const struct near *a = a_, *b = b_;

    return (a->distance != b->distance ? (a->distance < b->distance ? -1 : 1)
            : a->cloudlet - b->cloudlet);
}

/* Returns a database with what the engine has now. */
static struct engine_sql *
sql_copy(const struct bench *b, int *nodes)
{
    struct near *near = xmalloc(b->n_cloudlets * sizeof *near);
    struct engine_sql *sql = engine_sql_open();
    struct sql_node node = { .total = bench_total };

    engine_sql_begin(sql);
    for (int i = 0; i < b->n_cloudlets; i++) {
        struct uuid from = bench_uuid('o', i);

        for (int j = 0; j < b->n_cloudlets; j++) {
            struct uuid to = bench_uuid('o', j);

            near[j].cloudlet = j;
            near[j].distance = pc_topology_distance(b->topology, &from, &to);
        }
        qsort(near, b->n_cloudlets, sizeof *near, compare_near);
        for (int j = 0; j < b->n_cloudlets; j++) {
            engine_sql_add_near(sql, i, j, near[j].cloudlet);
        }
    }
    for (int i = 0; i < PC_N_AMOUNTS; i++) {
        node.third_limit.value[i]
            = bench_total.value[i] * (100 - ISP_SHARE) / 100;
    }
    for (int i = 0; i < b->n_nodes; i++) {
        node.id = i;
        node.cloudlet = i % b->n_cloudlets;
        engine_sql_add_node(sql, &node);
    }
    for (int i = 0; i < b->n_live; i++) {
        struct request r = bench_request_of(b, b->live[i]);
        struct sql_request request = sql_request(&r);
        struct uuid uuid = bench_uuid('r', r.id);
        const struct pc_slot *slots;
        size_t n;

        nodes[i] = pc_engine_find(b->engine, &uuid, &slots, &n)->parts[0];
        engine_sql_insert(sql, &request, nodes[i]);
    }
    engine_sql_commit(sql);
    engine_sql_analyze(sql);
    free(near);
    return sql;
}

void
bench_sql_prepare(const struct bench *b, struct bench_sql *state)
{
    size_t size = b->n_live * sizeof *b->live;

    memset(state, 0, sizeof *state);
    if (b->n_sql) {
        state->nodes = xmalloc(size);
        state->live = xmemdup(b->live, size);
        state->sql = sql_copy(b, state->nodes);
    }
}

static void
sql_remove_oldest(const struct bench *b, struct bench_sql *s, int id,
                  int first, int last)
{
    for (int i = first; i < last; i++) {
        if (b->decisions[i] >= 0) {
            struct request old = bench_request_of(b, s->live[s->oldest]);
            struct sql_request request = sql_request(&old);

            engine_sql_remove(s->sql, &request, s->nodes[s->oldest]);
            s->live[s->oldest] = id + i;
            s->nodes[s->oldest] = b->decisions[i];
            s->oldest = (s->oldest + 1) % b->n_live;
        }
    }
}

/* Returns whether the engine decided so too. */
static bool
sql_admit(const struct bench *b, struct bench_sql *s, int id, int i)
{
    struct request r = bench_request_of(b, id + i);
    struct sql_request request = sql_request(&r);
    uint64_t start = bench_now();
    int node;

    engine_sql_begin(s->sql);
    node = engine_sql_place(s->sql, &request);
    if (node >= 0) {
        engine_sql_insert(s->sql, &request, node);
    }
    engine_sql_commit(s->sql);
    b->ns[i] = bench_now() - start;
    return node == b->decisions[i];
}

void
bench_sql_time(const struct bench *b, struct bench_sql *s, int id)
{
    int n = MIN(b->n_sql, b->n_requests), n_same = 0, last = 0;

    while (n_same < n && sql_admit(b, s, id, n_same)) {
        n_same++;
        if (n_same - last == bench_batch_size(b)) {
            sql_remove_oldest(b, s, id, last, n_same);
            last = n_same;
        }
    }
    printf("sql_requests %d\nsql_same %d\n", n, n_same);
    if (n) {
        bench_report("sql", b->ns, MAX(1, n_same));
        engine_sql_close(s->sql);
        free(s->live);
        free(s->nodes);
    }
}
#else
void
bench_sql_prepare(const struct bench *b OVS_UNUSED,
                  struct bench_sql *state OVS_UNUSED)
{
}

void
bench_sql_time(const struct bench *b OVS_UNUSED,
               struct bench_sql *state OVS_UNUSED, int id OVS_UNUSED)
{
    printf("sql_missing 1\n");
}
#endif
