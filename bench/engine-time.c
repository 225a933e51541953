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
 *     engine-time NODES CLOUDLETS LIVE REQUESTS SQL-REQUESTS [DAYS]
 *
 * prints "NAME VALUE" lines.  For each admission one reservation, the oldest, is
 * removed, some admissions and removals in turn, so that LIVE stays.  The stream is
 * a function of the request's number: both sides get the same.
 *
 * On each node some 5 reservations run at a time, for about half of its
 * capacity; with more than 100 on a node they reach farther into the future
 * instead.  With DAYS all begin within these, until LIVE live or CROWDED requests
 * fitted nowhere. */

#define EPOCH INT64_C(1796000000)
#define DAY 86400
#define N_SLOTS 3
#define N_PROVIDERS 200
#define CROWDED 200
#define ISP_SHARE 20            /* Percent; each node has a second profile. */

/* Millicores, MiB, GB, Mbit/s. */
static const struct pc_amount total = { { 64000, 262144, 8000, 10000 } };

struct request {
    int id, pop, provider;
    struct pc_slot slots[N_SLOTS];
};

struct bench {
    int n_nodes, n_cloudlets, n_live, n_requests, n_sql;
    bool crowded;
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
clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static uint64_t
now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* What this thread has had of a processor: others that want it do not count.
 * Asking costs microseconds. */
static uint64_t
cpu_now(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
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

/* Prints of the 'n' times, which it sorts, the median and the slow ones. */
static void
report(const char *name, uint64_t ns[], size_t n)
{
    qsort(ns, n, sizeof *ns, compare_ns);
    printf("%s_p50_us %.3f\n", name, ns[n / 2] / 1e3);
    printf("%s_p99_us %.3f\n", name, ns[n - 1 - n / 100] / 1e3);
    printf("%s_p999_us %.3f\n", name, ns[n - 1 - n / 1000] / 1e3);
    printf("%s_max_us %.3f\n", name, ns[n - 1] / 1e3);
    fflush(stdout);
}

/* Until as many live as should, or enough were declined.  Returns the number of the
 * next request. */
static int
fill(struct bench *b)
{
    uint64_t start = now();
    int id = 0, n = 0, n_declined = 0;

    for (; n < b->n_live && (!b->crowded || n_declined < CROWDED); id++) {
        struct request r = request_of(b, id);

        ovs_assert(id < 3 * b->n_live + 1000);
        if (admit(b, &r) >= 0) {
            b->live[n++] = id;
        } else {
            n_declined++;
        }
    }
    b->n_live = n;
    printf("fill_s %.3f\nfill_declined %d\nlive %d\n", (now() - start) / 1e9,
           n_declined, n);
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

/* Times of what was done, and processor time for all of it, the clock included. */
struct times {
    uint64_t *ns;
    size_t n;
    uint64_t cpu;
};

static struct times
times_create(size_t n)
{
    return (struct times) { .ns = xmalloc(n * sizeof(uint64_t)) };
}

static void
times_report(struct times *t, const char *name)
{
    printf("%s_n %"PRIuSIZE"\n", name, t->n);
    if (t->n) {
        printf("%s_per_s %.0f\n", name, t->n * 1e9 / t->cpu);
        report(name, t->ns, t->n);
    }
    free(t->ns);
}

/* How many requests come before as many of the oldest, as were admitted, go. */
static int
batch_size(const struct bench *b)
{
    return MAX(1, MIN(100, b->n_live / 10));
}

/* Removes the oldest for each of the requests from 'first' to 'last' that was
 * admitted. */
static void
remove_oldest(struct bench *b, int id, int first, int last,
              struct times *times)
{
    uint64_t cpu = cpu_now();

    for (int i = first; i < last; i++) {
        if (b->decisions[i] >= 0) {
            struct uuid oldest = uuid_of('r', b->live[b->oldest]);
            uint64_t start = now();

            pc_engine_remove(b->engine, &oldest);
            times->ns[times->n++] = now() - start;
            b->live[b->oldest] = id + i;
            b->oldest = (b->oldest + 1) % b->n_live;
        }
    }
    times->cpu += cpu_now() - cpu;
}

/* Adds what was done from 'before' to 'after'. */
static void
add_work(struct pc_engine_work *work, const struct pc_engine_work *before,
         const struct pc_engine_work *after)
{
    work->n_tried += after->n_tried - before->n_tried;
    work->n_excluded += after->n_excluded - before->n_excluded;
    work->profiles.n_nodes += (after->profiles.n_nodes
                               - before->profiles.n_nodes);
    work->profiles.n_items += (after->profiles.n_items
                               - before->profiles.n_items);
}

static void
report_work(const char *name, const struct pc_engine_work *work, int n)
{
    printf("%s_tried %.3f\n", name, (double) work->n_tried / n);
    printf("%s_excluded %.3f\n", name, (double) work->n_excluded / n);
    printf("%s_visits %.3f\n", name, (double) work->profiles.n_nodes / n);
    printf("%s_items %.3f\n", name, (double) work->profiles.n_items / n);
}

/* Those that were admitted and those that were not by themselves, if there are
 * both. */
static void
report_decisions(const struct bench *b, const char *name, const uint64_t ns[])
{
    uint64_t *part = xmalloc(b->n_requests * sizeof *part);
    int n_declined = 0;

    for (int declined = 0; declined < 2; declined++) {
        int n = 0;

        for (int i = 0; i < b->n_requests; i++) {
            if ((b->decisions[i] < 0) == declined) {
                part[n++] = ns[i];
            }
        }
        if (declined) {
            n_declined = n;
        }
        if (n && n < b->n_requests) {
            char *s = xasprintf("%s_%s", name,
                                declined ? "declines" : "admissions");
            report(s, part, n);
            free(s);
        }
    }
    printf("%s_declined %d\n", name, n_declined);
    free(part);
}

/* Times the requests from number 'id' on. */
static void
time_engine(struct bench *b, const char *name, int id, bool priced)
{
    struct times admissions = times_create(b->n_requests);
    struct times removals = times_create(b->n_requests);
    struct pc_engine_work work = { .n_tried = 0 };

    for (int i = 0, end; i < b->n_requests; i = end) {
        struct pc_engine_work before = *pc_engine_work(b->engine);
        uint64_t cpu = cpu_now();
        int first = i;

        end = MIN(i + batch_size(b), b->n_requests);
        for (; i < end; i++) {
            struct request r = request_of(b, id + i);
            uint64_t start = now();

            b->decisions[i] = priced ? admit_priced(b, &r) : admit(b, &r);
            admissions.ns[admissions.n++] = now() - start;
        }
        admissions.cpu += cpu_now() - cpu;
        add_work(&work, &before, pc_engine_work(b->engine));
        remove_oldest(b, id, first, end, &removals);
    }
    report_decisions(b, name, admissions.ns);
    report_work(name, &work, b->n_requests);
    times_report(&admissions, name);
    times_report(&removals, priced ? "priced_remove" : "remove");
}

/* What is refused everywhere costs the most: milliseconds, in which others would have
 * the processor too. */
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
        start = cpu_now();
        if (pc_engine_place(b->engine, &request, &placement)) {
            return;             /* There is room: nothing to be timed. */
        }
        b->ns[i] = cpu_now() - start;
        start = cpu_now();
        pc_engine_explain(b->engine, &request, &decline);
        explain_ns[i] = cpu_now() - start;
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

static void
sql_remove_oldest(const struct bench *b, struct sql_state *s, int id,
                  int first, int last)
{
    for (int i = first; i < last; i++) {
        if (b->decisions[i] >= 0) {
            struct request old = request_of(b, s->live[s->oldest]);
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
sql_admit(const struct bench *b, struct sql_state *s, int id, int i)
{
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
    return node == b->decisions[i];
}

/* The same requests as the engine was given: the same decisions? */
static void
sql_time(const struct bench *b, struct sql_state *s, int id)
{
    int n = MIN(b->n_sql, b->n_requests), n_same = 0, last = 0;

    while (n_same < n && sql_admit(b, s, id, n_same)) {
        n_same++;
        if (n_same - last == batch_size(b)) {
            sql_remove_oldest(b, s, id, last, n_same);
            last = n_same;
        }
    }
    printf("sql_requests %d\nsql_same %d\n", n, n_same);
    if (n) {
        report("sql", b->ns, MAX(1, n_same));
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
    if (argc != 6 && argc != 7) {
        ovs_fatal(0, "usage: %s NODES CLOUDLETS LIVE REQUESTS SQL-REQUESTS "
                  "[DAYS]", argv[0]);
    }
    b.n_nodes = atoi(argv[1]);
    b.n_cloudlets = atoi(argv[2]);
    b.n_live = atoi(argv[3]);
    b.n_requests = atoi(argv[4]);
    b.n_sql = atoi(argv[5]);
    b.crowded = argc == 7;
    b.horizon = (int64_t) DAY * (b.crowded ? atoi(argv[6])
                                 : 20 * MAX(1, b.n_live / b.n_nodes / 100));
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
