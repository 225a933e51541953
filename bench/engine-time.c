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

#include "engine-bench.h"
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

#define CROWDED 200

static struct pc_engine_request
engine_request(const struct request *r)
{
    return (struct pc_engine_request) {
        .uuid = bench_uuid('r', r->id),
        .provider = bench_uuid('p', r->provider),
        .isp = !(r->provider % 10),
        .slots = r->slots,
        .n_slots = N_SLOTS,
        .pop = bench_uuid('o', r->pop),
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
        struct uuid pop = bench_uuid('o', i);
        char name[16];

        pc_topology_add_pop(b->topology, &pop);
        snprintf(name, sizeof name, "c%06d", i);
        pc_engine_set_cloudlet(b->engine, &(struct pc_engine_cloudlet) {
            .uuid = bench_uuid('c', i), .name = name, .pop = pop,
            .usable = true });
    }
    for (size_t i = 0; i < n_links(b); i++) {
        int j = i % b->n_cloudlets;
        int k = (i < (size_t) b->n_cloudlets ? (j + 1) % b->n_cloudlets
                 : bench_number(i, 1, 0, b->n_cloudlets));
        struct uuid from = bench_uuid('o', j), to = bench_uuid('o', k);

        pc_topology_set_link(b->topology, &from, &to,
                             bench_number(i, 2, 1, 100));
    }
    for (int i = 0; i < b->n_nodes; i++) {
        char name[16];

        snprintf(name, sizeof name, "n%06d", i);
        pc_engine_set_node(b->engine, &(struct pc_engine_node) {
            .uuid = bench_uuid('n', i), .name = name,
            .cloudlet = bench_uuid('c', i % b->n_cloudlets),
            .total = bench_total,
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

/* Until as many live as should, or enough were declined.  Returns the number of the
 * next request. */
static int
fill(struct bench *b)
{
    uint64_t start = bench_now();
    int id = 0, n = 0, n_declined = 0;

    for (; n < b->n_live && (!b->crowded || n_declined < CROWDED); id++) {
        struct request r = bench_request_of(b, id);

        ovs_assert(id < 3 * b->n_live + 1000);
        if (admit(b, &r) >= 0) {
            b->live[n++] = id;
        } else {
            n_declined++;
        }
    }
    b->n_live = n;
    printf("fill_s %.3f\nfill_declined %d\nlive %d\n",
           (bench_now() - start) / 1e9, n_declined, n);
    printf("bytes %.0f\n",
           (double) pc_engine_memory(b->engine) / b->n_live);
    /* Each PoP's order is known. */
    for (int i = 0; i < b->n_cloudlets; i++) {
        struct request r = bench_request_of(b, id);
        struct pc_engine_request request = engine_request(&r);
        struct pc_engine_placement placement;

        request.pop = bench_uuid('o', i);
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
        bench_report(name, t->ns, t->n);
    }
    free(t->ns);
}

/* Removes the oldest for each of the requests from 'first' to 'last' that was
 * admitted. */
static void
remove_oldest(struct bench *b, int id, int first, int last,
              struct times *times)
{
    uint64_t cpu = bench_cpu_now();

    for (int i = first; i < last; i++) {
        if (b->decisions[i] >= 0) {
            struct uuid oldest = bench_uuid('r', b->live[b->oldest]);
            uint64_t start = bench_now();

            pc_engine_remove(b->engine, &oldest);
            times->ns[times->n++] = bench_now() - start;
            b->live[b->oldest] = id + i;
            b->oldest = (b->oldest + 1) % b->n_live;
        }
    }
    times->cpu += bench_cpu_now() - cpu;
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
            bench_report(s, part, n);
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
        uint64_t cpu = bench_cpu_now();
        int first = i;

        end = MIN(i + bench_batch_size(b), b->n_requests);
        for (; i < end; i++) {
            struct request r = bench_request_of(b, id + i);
            uint64_t start = bench_now();

            b->decisions[i] = priced ? admit_priced(b, &r) : admit(b, &r);
            admissions.ns[admissions.n++] = bench_now() - start;
        }
        admissions.cpu += bench_cpu_now() - cpu;
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
        struct request r = bench_request_of(b, id + i);
        struct pc_engine_request request = engine_request(&r);
        uint64_t start;

        for (int j = 0; j < N_SLOTS; j++) {
            r.slots[j].amount.value[PC_CAP_CPU] = bench_total.value[0] * 3 / 4;
            r.slots[j].end += (j + 1) * b->horizon;
            if (j) {
                r.slots[j].begin = r.slots[j - 1].end;
            }
        }
        start = bench_cpu_now();
        if (pc_engine_place(b->engine, &request, &placement)) {
            return;             /* There is room: nothing to be timed. */
        }
        b->ns[i] = bench_cpu_now() - start;
        start = bench_cpu_now();
        pc_engine_explain(b->engine, &request, &decline);
        explain_ns[i] = bench_cpu_now() - start;
        pc_engine_decline_destroy(&decline);
    }
    bench_report("decline", b->ns, N);
    bench_report("explain", explain_ns, N);
}

int
main(int argc, char *argv[])
{
    struct bench b = { .n_nodes = 0 };
    struct bench_sql sql;
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
    bench_sql_prepare(&b, &sql);
    time_engine(&b, "engine", id, false);
    bench_sql_time(&b, &sql, id);
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
