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

#ifndef ENGINE_BENCH_H
#define ENGINE_BENCH_H 1

/* For bench/engine's program: the stream of requests that both sides, the engine
 * (engine-time.c) and SQL (engine-sql-time.c), are given, and what they had. */

#include <stddef.h>
#include <stdint.h>
#include "pc-slot.h"
#include "uuid.h"

struct pc_engine;
struct pc_topology;

#define DAY 86400
#define N_SLOTS 3
#define ISP_SHARE 20            /* Percent; each node has a second profile. */

/* What each node has: millicores, MiB, GB, Mbit/s. */
extern const struct pc_amount bench_total;

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

/* Times, in ns. */
uint64_t bench_now(void);
/* What this thread has had of a processor: others that want it do not count.
 * Asking costs microseconds. */
uint64_t bench_cpu_now(void);

struct uuid bench_uuid(char kind, int i);
/* A number in low...high - 1 that depends on 'id' and 'what' alone. */
int64_t bench_number(int id, int what, int64_t low, int64_t high);
struct request bench_request_of(const struct bench *, int id);
/* How many requests come before as many of the oldest, as were admitted, go. */
int bench_batch_size(const struct bench *);
/* Prints of the 'n' times, which it sorts, the median and the slow ones. */
void bench_report(const char *name, uint64_t ns[], size_t n);

/* engine-sql-time.c. */
struct bench_sql {
    struct engine_sql *sql;
    int *live, *nodes;          /* The ring, and where each is. */
    size_t oldest;
};

/* Takes what the engine has, before its requests are timed. */
void bench_sql_prepare(const struct bench *, struct bench_sql *);
/* Times the same requests as the engine was given, from number 'id' on, and prints
 * how many of the decisions are the same. */
void bench_sql_time(const struct bench *, struct bench_sql *, int id);

#endif /* engine-bench.h */
