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
#include <time.h>

#include "hash.h"
#include "util.h"

#define EPOCH INT64_C(1796000000)
#define N_PROVIDERS 200

const struct pc_amount bench_total = { { 64000, 262144, 8000, 10000 } };

static uint64_t
clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

uint64_t
bench_now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t
bench_cpu_now(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

struct uuid
bench_uuid(char kind, int i)
{
    return (struct uuid) { .parts = { i, hash_2words(i, kind), kind, 1 } };
}

int64_t
bench_number(int id, int what, int64_t low, int64_t high)
{
    uint64_t x = (uint64_t) hash_2words(id, what) << 32 | hash_2words(what, id);

    return low + x % (high - low);
}

struct request
bench_request_of(const struct bench *b, int id)
{
    struct request r = {
        .id = id,
        .pop = bench_number(id, 100, 0, b->n_cloudlets),
        .provider = bench_number(id, 101, 0, N_PROVIDERS),
    };
    int64_t t = EPOCH + bench_number(id, 102, 0, b->horizon);

    for (int i = 0; i < N_SLOTS; i++) {
        r.slots[i].begin = t;
        r.slots[i].end = t += bench_number(id, 10 + i, 3600, DAY);
        r.slots[i].amount = (struct pc_amount) { {
            bench_number(id, 20 + i, 500, 8000),
            bench_number(id, 30 + i, 256, 32768),
            bench_number(id, 40 + i, 1, 500),
            bench_number(id, 50 + i, 10, 1000),
        } };
    }
    return r;
}

int
bench_batch_size(const struct bench *b)
{
    return MAX(1, MIN(100, b->n_live / 10));
}

static int
compare_ns(const void *a_, const void *b_)
{
    const uint64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

void
bench_report(const char *name, uint64_t ns[], size_t n)
{
    qsort(ns, n, sizeof *ns, compare_ns);
    printf("%s_p50_us %.3f\n", name, ns[n / 2] / 1e3);
    printf("%s_p99_us %.3f\n", name, ns[n - 1 - n / 100] / 1e3);
    printf("%s_p999_us %.3f\n", name, ns[n - 1 - n / 1000] / 1e3);
    printf("%s_max_us %.3f\n", name, ns[n - 1] / 1e3);
    fflush(stdout);
}
