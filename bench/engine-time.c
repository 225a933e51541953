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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine-sql.h"
#include "hash.h"
#include "pc-engine.h"
#include "pc-topology.h"
#include "util.h"
#include "uuid.h"

/* bench/engine's program: admissions (a search for a node, and the insertion)
 * of requests of 3 slots among LIVE reservations on NODES nodes, beside the
 * same decisions by SQL.
 *
 *     engine-time NODES CLOUDLETS LIVE REQUESTS SQL-REQUESTS
 *
 * prints "NAME VALUE" lines.  For each admission one reservation, the oldest, is
 * removed, so that LIVE stays.  The stream is a function of the request's number:
 * both sides get the same.
 *
 * On each node some 5 reservations run at a time, for about half of its
 * capacity; with more than 100 on a node they reach farther into the future
 * instead. */

#define EPOCH INT64_C(1796000000)
#define DAY 86400
#define N_SLOTS 3
#define N_PROVIDERS 200
#define ISP_SHARE 20            /* Percent; each node has a second profile. */

/* Millicores, MiB, GB, Mbit/s. */
static const struct pc_amount total = { { 64000, 262144, 8000, 10000 } };

struct request {
    int id, pop, provider;
    struct pc_slot slots[N_SLOTS];
};

struct bench {
    int n_nodes, n_cloudlets, n_live, n_requests, n_sql;
    int64_t horizon;
    struct pc_topology *topology;
    struct pc_engine *engine;

    /* Those that live, by the order in which they came: a ring. */
    int *live;
    size_t oldest;
    int *decisions;             /* Of the requests that were timed. */
    uint64_t *ns;
};

static uint64_t
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static struct uuid
uuid_of(char kind, int i)
{
    return (struct uuid) { .parts = { i, hash_2words(i, kind), kind, 1 } };
}

/* A number in low...high - 1 that depends on 'id' and 'what' alone. */
static int64_t
number(int id, int what, int64_t low, int64_t high)
{
    uint64_t x = (uint64_t) hash_2words(id, what) << 32 | hash_2words(what, id);

    return low + x % (high - low);
}

static struct request
request_of(const struct bench *b, int id)
{
    struct request r = {
        .id = id,
        .pop = number(id, 100, 0, b->n_cloudlets),
        .provider = number(id, 101, 0, N_PROVIDERS),
    };
    int64_t t = EPOCH + number(id, 102, 0, b->horizon);

    for (int i = 0; i < N_SLOTS; i++) {
        r.slots[i].begin = t;
        r.slots[i].end = t += number(id, 10 + i, 3600, DAY);
        r.slots[i].amount = (struct pc_amount) { {
            number(id, 20 + i, 500, 8000),
            number(id, 30 + i, 256, 32768),
            number(id, 40 + i, 1, 500),
            number(id, 50 + i, 10, 1000),
        } };
    }
    return r;
}

static struct pc_engine_request
engine_request(const struct request *r)
{
    return (struct pc_engine_request) {
        .uuid = uuid_of('r', r->id),
        .provider = uuid_of('p', r->provider),
        .isp = !(r->provider % 10),
        .slots = r->slots,
        .n_slots = N_SLOTS,
        .pop = uuid_of('o', r->pop),
    };
}

static size_t
n_links(const struct bench *b)
{
    return b->n_cloudlets * 3;
}

/* A PoP for each cloudlet; a ring, and links across it. */
static void
make_world(struct bench *b)
{
    b->topology = pc_topology_create();
    b->engine = pc_engine_create(b->topology);
    for (int i = 0; i < b->n_cloudlets; i++) {
        struct uuid pop = uuid_of('o', i);
        char name[16];

        pc_topology_add_pop(b->topology, &pop);
        snprintf(name, sizeof name, "c%06d", i);
        pc_engine_set_cloudlet(b->engine, &(struct pc_engine_cloudlet) {
            .uuid = uuid_of('c', i), .name = name, .pop = pop,
            .usable = true });
    }
    for (size_t i = 0; i < n_links(b); i++) {
        int j = i % b->n_cloudlets;
        int k = (i < (size_t) b->n_cloudlets ? (j + 1) % b->n_cloudlets
                 : number(i, 1, 0, b->n_cloudlets));
        struct uuid from = uuid_of('o', j), to = uuid_of('o', k);

        pc_topology_set_link(b->topology, &from, &to, number(i, 2, 1, 100));
    }
    for (int i = 0; i < b->n_nodes; i++) {
        char name[16];

        snprintf(name, sizeof name, "n%06d", i);
        pc_engine_set_node(b->engine, &(struct pc_engine_node) {
            .uuid = uuid_of('n', i), .name = name,
            .cloudlet = uuid_of('c', i % b->n_cloudlets), .total = total,
            .isp_share = ISP_SHARE, .usable = true });
    }
}

/* Returns the node, -1 for none. */
static int
admit(struct bench *b, const struct request *r)
{
    struct pc_engine_request request = engine_request(r);
    struct pc_engine_placement placement;

    if (!pc_engine_place(b->engine, &request, &placement)) {
        return -1;
    }
    pc_engine_insert(b->engine, &request, &placement.node);
    return placement.node.parts[0];
}

/* The same, with what a price needs: the provider's share of the cloudlet in each
 * slot. */
static int
admit_priced(struct bench *b, const struct request *r)
{
    struct pc_engine_request request = engine_request(r);
    struct pc_engine_placement placement;
    const struct pc_profile *profile;

    if (!pc_engine_place(b->engine, &request, &placement)) {
        return -1;
    }
    profile = pc_engine_provider_profile(b->engine, &placement.cloudlet,
                                         &request.provider);
    for (size_t i = 0; profile && i < N_SLOTS; i++) {
        struct pc_amount peak;

        pc_profile_peak(profile, r->slots[i].begin, r->slots[i].end, &peak);
    }
    pc_engine_insert(b->engine, &request, &placement.node);
    return placement.node.parts[0];
}

static int
compare_ns(const void *a_, const void *b_)
{
    const uint64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* Prints of the 'n' times, which it sorts, what they make a second, the median
 * and the slow ones. */
static void
report(const char *name, uint64_t ns[], size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += ns[i];
    }
    qsort(ns, n, sizeof *ns, compare_ns);
    printf("%s_per_s %.0f\n", name, n * 1e9 / sum);
    printf("%s_p50_us %.3f\n", name, ns[n / 2] / 1e3);
    printf("%s_p99_us %.3f\n", name, ns[n - 1 - n / 100] / 1e3);
    printf("%s_p999_us %.3f\n", name, ns[n - 1 - n / 1000] / 1e3);
    printf("%s_max_us %.3f\n", name, ns[n - 1] / 1e3);
    fflush(stdout);
}

/* Until as many live as should.  Returns the number of the next request. */
static int
fill(struct bench *b)
{
    uint64_t start = now();
    int id = 0;

    for (int n = 0; n < b->n_live; id++) {
        struct request r = request_of(b, id);

        ovs_assert(id < 3 * b->n_live + 1000);
        if (admit(b, &r) >= 0) {
            b->live[n++] = id;
        }
    }
    printf("fill_s %.3f\nfill_declined %d\n", (now() - start) / 1e9,
           id - b->n_live);
    printf("bytes %.0f\n",
           (double) pc_engine_memory(b->engine) / b->n_live);
    /* Each PoP's order is known. */
    for (int i = 0; i < b->n_cloudlets; i++) {
        struct request r = request_of(b, id);
        struct pc_engine_request request = engine_request(&r);
        struct pc_engine_placement placement;

        request.pop = uuid_of('o', i);
        ignore(pc_engine_place(b->engine, &request, &placement));
    }
    return id;
}

/* Times the requests from number 'id' on. */
static void
time_engine(struct bench *b, const char *name, int id, bool priced)
{
    uint64_t *remove_ns = xmalloc(b->n_requests * sizeof *remove_ns);
    int n_declined = 0, n_removed = 0;

    for (int i = 0; i < b->n_requests; i++) {
        struct request r = request_of(b, id + i);
        uint64_t start = now();

        b->decisions[i] = priced ? admit_priced(b, &r) : admit(b, &r);
        b->ns[i] = now() - start;
        if (b->decisions[i] >= 0) {
            struct uuid oldest = uuid_of('r', b->live[b->oldest]);

            start = now();
            pc_engine_remove(b->engine, &oldest);
            remove_ns[n_removed++] = now() - start;
            b->live[b->oldest] = r.id;
            b->oldest = (b->oldest + 1) % b->n_live;
        } else {
            n_declined++;
        }
    }
    report(name, b->ns, b->n_requests);
    printf("%s_declined %d\n", name, n_declined);
    if (!priced && n_removed) {
        report("remove", remove_ns, n_removed);
    }
    free(remove_ns);
}

/* What is refused everywhere costs the most. */
static void
time_declines(struct bench *b, int id)
{
    enum { N = 20 };
    struct pc_engine_placement placement;
    struct pc_engine_decline decline;
    uint64_t explain_ns[N];

    for (int i = 0; i < N; i++) {
        struct request r = request_of(b, id + i);
        struct pc_engine_request request = engine_request(&r);
        uint64_t start;

        for (int j = 0; j < N_SLOTS; j++) {
            r.slots[j].amount.value[PC_CAP_CPU] = total.value[0] * 3 / 4;
            r.slots[j].end += (j + 1) * b->horizon;
            if (j) {
                r.slots[j].begin = r.slots[j - 1].end;
            }
        }
        start = now();
        if (pc_engine_place(b->engine, &request, &placement)) {
            return;             /* There is room: nothing to be timed. */
        }
        b->ns[i] = now() - start;
        start = now();
        pc_engine_explain(b->engine, &request, &decline);
        explain_ns[i] = now() - start;
        pc_engine_decline_destroy(&decline);
    }
    report("decline", b->ns, N);
    report("explain", explain_ns, N);
}

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
    struct sql_node node = { .total = total };

    engine_sql_begin(sql);
    for (int i = 0; i < b->n_cloudlets; i++) {
        struct uuid from = uuid_of('o', i);

        for (int j = 0; j < b->n_cloudlets; j++) {
            struct uuid to = uuid_of('o', j);

            near[j].cloudlet = j;
            near[j].distance = pc_topology_distance(b->topology, &from, &to);
        }
        qsort(near, b->n_cloudlets, sizeof *near, compare_near);
        for (int j = 0; j < b->n_cloudlets; j++) {
            engine_sql_add_near(sql, i, j, near[j].cloudlet);
        }
    }
    for (int i = 0; i < PC_N_AMOUNTS; i++) {
        node.third_limit.value[i] = total.value[i] * (100 - ISP_SHARE) / 100;
    }
    for (int i = 0; i < b->n_nodes; i++) {
        node.id = i;
        node.cloudlet = i % b->n_cloudlets;
        engine_sql_add_node(sql, &node);
    }
    for (int i = 0; i < b->n_live; i++) {
        struct request r = request_of(b, b->live[i]);
        struct sql_request request = sql_request(&r);
        struct uuid uuid = uuid_of('r', r.id);
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

struct sql_state {
    struct engine_sql *sql;
    int *live, *nodes;          /* The ring, and where each is. */
    size_t oldest;
};

/* What the engine has, before its requests are timed. */
static void
sql_prepare(const struct bench *b, struct sql_state *state)
{
    size_t size = b->n_live * sizeof *b->live;

    memset(state, 0, sizeof *state);
    if (b->n_sql) {
        state->nodes = xmalloc(size);
        state->live = xmemdup(b->live, size);
        state->sql = sql_copy(b, state->nodes);
    }
}

/* The same requests as the engine was given: the same decisions? */
static void
sql_time(const struct bench *b, struct sql_state *s, int id)
{
    int n = MIN(b->n_sql, b->n_requests), n_same = 0;

    for (int i = 0; i < n; i++) {
        struct request r = request_of(b, id + i);
        struct sql_request request = sql_request(&r);
        uint64_t start = now();
        int node;

        engine_sql_begin(s->sql);
        node = engine_sql_place(s->sql, &request);
        if (node >= 0) {
            engine_sql_insert(s->sql, &request, node);
        }
        engine_sql_commit(s->sql);
        b->ns[i] = now() - start;
        if (node != b->decisions[i]) {
            printf("sql_differs %d\n", id + i);
            break;
        }
        n_same++;
        if (node >= 0) {
            struct request old = request_of(b, s->live[s->oldest]);
            struct sql_request old_request = sql_request(&old);

            engine_sql_remove(s->sql, &old_request, s->nodes[s->oldest]);
            s->live[s->oldest] = r.id;
            s->nodes[s->oldest] = node;
            s->oldest = (s->oldest + 1) % b->n_live;
        }
    }
    printf("sql_requests %d\nsql_same %d\n", n, n_same);
    if (n) {
        report("sql", b->ns, n_same);
        engine_sql_close(s->sql);
        free(s->live);
        free(s->nodes);
    }
}
#else
struct sql_state {
    int unused;
};

static void
sql_prepare(const struct bench *b OVS_UNUSED,
            struct sql_state *state OVS_UNUSED)
{
}

static void
sql_time(const struct bench *b OVS_UNUSED, struct sql_state *state OVS_UNUSED,
         int id OVS_UNUSED)
{
    printf("sql_missing 1\n");
}
#endif

int
main(int argc, char *argv[])
{
    struct bench b = { .n_nodes = 0 };
    struct sql_state sql;
    int id;

    set_program_name(argv[0]);
    if (argc != 6) {
        ovs_fatal(0, "usage: %s NODES CLOUDLETS LIVE REQUESTS SQL-REQUESTS",
                  argv[0]);
    }
    b.n_nodes = atoi(argv[1]);
    b.n_cloudlets = atoi(argv[2]);
    b.n_live = atoi(argv[3]);
    b.n_requests = atoi(argv[4]);
    b.n_sql = atoi(argv[5]);
    b.horizon = (int64_t) 20 * DAY * MAX(1, b.n_live / b.n_nodes / 100);
    b.live = xmalloc(b.n_live * sizeof *b.live);
    b.decisions = xmalloc(b.n_requests * sizeof *b.decisions);
    b.ns = xmalloc(MAX(b.n_requests, 20) * sizeof *b.ns);
    make_world(&b);
    id = fill(&b);
    sql_prepare(&b, &sql);
    time_engine(&b, "engine", id, false);
    sql_time(&b, &sql, id);
    id += b.n_requests;
    time_engine(&b, "priced", id, true);
    time_declines(&b, id + b.n_requests);
    pc_engine_destroy(b.engine);
    pc_topology_destroy(b.topology);
    free(b.live);
    free(b.decisions);
    free(b.ns);
    return 0;
}
