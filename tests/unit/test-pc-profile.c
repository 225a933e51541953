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
#include "pc-profile-private.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pc-test.h"
#include "random.h"
#include "util.h"

#define CPU(N) { { N, 0, 0, 0 } }

static void
check(const struct pc_profile *profile)
{
    char *error = pc_profile_check(profile);

    ck_assert_msg(!error, "%s", error);
}

static int64_t
cpu_at(const struct pc_profile *profile, int64_t time)
{
    struct pc_amount peak;

    pc_profile_peak(profile, time, time + 1, &peak);
    return peak.value[PC_CAP_CPU];
}

START_TEST(test_empty)
{
    struct pc_profile *profile = pc_profile_create();
    struct pc_slot slot = { 0, PC_TIME_MAX, { { 1, 2, 3, 4 } } };
    struct pc_amount limit = slot.amount, peak;
    struct pc_profile_misfit misfit;

    ck_assert(pc_profile_fits(profile, &limit, &slot, 1));
    ck_assert(!pc_profile_misfit(profile, &limit, &slot, 1, &misfit));
    ck_assert_int_eq(pc_profile_delay(profile, &limit, &slot, 1), 0);
    pc_profile_peak(profile, 0, PC_TIME_MAX, &peak);
    ck_assert(pc_amount_is_zero(&peak));

    /* More than there is at all. */
    limit.value[PC_CAP_DISK]--;
    ck_assert(!pc_profile_fits(profile, &limit, &slot, 1));
    ck_assert(pc_profile_misfit(profile, &limit, &slot, 1, &misfit));
    ck_assert_int_eq(misfit.time, 0);
    ck_assert_int_eq(misfit.dimension, PC_CAP_DISK);
    ck_assert_int_eq(misfit.used, 0);
    ck_assert_int_eq(misfit.wanted, 3);
    ck_assert_int_eq(pc_profile_delay(profile, &limit, &slot, 1), -1);

    ck_assert_uint_eq(pc_profile_n_steps(profile), 0);
    check(profile);
    pc_profile_destroy(profile);
    pc_profile_destroy(NULL);
}
END_TEST

/* Of two slots that meet only the later one holds where they do. */
START_TEST(test_half_open)
{
    struct pc_profile *profile = pc_profile_create();
    struct pc_slot first = { 10, 20, CPU(3) }, second = { 20, 30, CPU(2) };
    struct pc_amount limit = CPU(3);
    size_t memory = pc_profile_memory(profile);

    pc_profile_add(profile, &first, 1);
    ck_assert(pc_profile_fits(profile, &limit, &second, 1));
    pc_profile_add(profile, &second, 1);
    check(profile);
    ck_assert_int_eq(cpu_at(profile, 9), 0);
    ck_assert_int_eq(cpu_at(profile, 10), 3);
    ck_assert_int_eq(cpu_at(profile, 19), 3);
    ck_assert_int_eq(cpu_at(profile, 20), 2);
    ck_assert_int_eq(cpu_at(profile, 29), 2);
    ck_assert_int_eq(cpu_at(profile, 30), 0);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 3);

    /* One second too early or too late. */
    struct pc_slot before = { 0, 10, CPU(3) }, after = { 30, 31, CPU(3) };
    ck_assert(pc_profile_fits(profile, &limit, &before, 1));
    ck_assert(pc_profile_fits(profile, &limit, &after, 1));
    before.end++;
    after.begin--;
    ck_assert(!pc_profile_fits(profile, &limit, &before, 1));
    ck_assert(!pc_profile_fits(profile, &limit, &after, 1));

    pc_profile_remove(profile, &second, 1);
    pc_profile_remove(profile, &first, 1);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 0);
    ck_assert_uint_eq(pc_profile_memory(profile), memory);
    check(profile);
    pc_profile_destroy(profile);
}
END_TEST

/* Equal neighbours are one; what is taken away need not be what was added. */
START_TEST(test_merge)
{
    struct pc_profile *profile = pc_profile_create();
    struct pc_slot slots[] = {
        { 0, 10, CPU(5) }, { 10, 20, CPU(5) }, { 20, 30, CPU(5) }
    };
    struct pc_slot whole = { 0, 30, CPU(5) };

    pc_profile_add(profile, slots, 3);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 2);
    pc_profile_remove(profile, &slots[1], 1);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 4);
    ck_assert_int_eq(cpu_at(profile, 10), 0);
    pc_profile_add(profile, &slots[1], 1);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 2);
    pc_profile_remove(profile, &whole, 1);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 0);
    check(profile);

    /* In one call, apart, over each other and out of order. */
    struct pc_slot any[] = {
        { 50, 60, CPU(1) }, { 10, 20, CPU(2) }, { 15, 55, CPU(4) }
    };
    pc_profile_add(profile, any, 3);
    check(profile);
    ck_assert_int_eq(cpu_at(profile, 10), 2);
    ck_assert_int_eq(cpu_at(profile, 15), 6);
    ck_assert_int_eq(cpu_at(profile, 20), 4);
    ck_assert_int_eq(cpu_at(profile, 50), 5);
    ck_assert_int_eq(cpu_at(profile, 55), 1);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 6);
    pc_profile_remove(profile, any, 3);
    ck_assert_uint_eq(pc_profile_n_steps(profile), 0);
    check(profile);
    pc_profile_destroy(profile);
}
END_TEST

START_TEST(test_far)
{
    struct pc_profile *profile = pc_profile_create();
    struct pc_slot slots[] = {
        { 0, PC_TIME_MAX - 1, { { 0, PC_AMOUNT_MAX, 0, 0 } } },
        { PC_TIME_MAX - 1, PC_TIME_MAX, { { 0, 0, 0, PC_AMOUNT_MAX } } }
    };
    struct pc_amount limit = { { 0, PC_AMOUNT_MAX, 0, PC_AMOUNT_MAX } };

    pc_profile_add(profile, slots, 2);
    ck_assert(!pc_profile_fits(profile, &limit, &slots[0], 1));
    ck_assert(!pc_profile_fits(profile, &limit, &slots[1], 1));
    ck_assert_int_eq(pc_profile_delay(profile, &limit, &slots[0], 1),
                     PC_TIME_MAX - 1);
    ck_assert_int_eq(pc_profile_delay(profile, &limit, &slots[1], 1), 1);
    ck_assert_int_eq(pc_profile_delay(profile, &limit, slots, 2),
                     PC_TIME_MAX - 1);

    /* As much as a million reservations can be. */
    for (int i = 1; i < 1000000; i++) {
        pc_profile_add(profile, slots, 1);
    }
    struct pc_slot other = { 5, 6, { { 0, 0, 1, 0 } } };
    limit.value[PC_CAP_DISK] = 1;
    ck_assert(pc_profile_fits(profile, &limit, &other, 1));
    other.amount.value[PC_CAP_MEMORY] = 1;
    limit.value[PC_CAP_MEMORY] = PC_AMOUNT_MAX * 1000000;
    ck_assert(!pc_profile_fits(profile, &limit, &other, 1));
    limit.value[PC_CAP_MEMORY]++;
    ck_assert(pc_profile_fits(profile, &limit, &other, 1));
    check(profile);
    pc_profile_destroy(profile);
}
END_TEST

/* What is exceeded already does not keep out who doesn't ask for it. */
START_TEST(test_exceeded)
{
    struct pc_profile *profile = pc_profile_create();
    struct pc_slot slot = { 10, 20, { { 5, 1, 0, 0 } } };
    struct pc_slot memory = { 12, 18, { { 0, 1, 0, 0 } } };
    struct pc_slot both = { 5, 18, { { 1, 1, 0, 0 } } };
    struct pc_amount limit = { { 4, 2, 0, 0 } };
    struct pc_profile_misfit misfit;

    pc_profile_add(profile, &slot, 1);
    ck_assert(pc_profile_fits(profile, &limit, &memory, 1));
    ck_assert(pc_profile_misfit(profile, &limit, &both, 1, &misfit));
    ck_assert_int_eq(misfit.time, 10);
    ck_assert_int_eq(misfit.dimension, PC_CAP_CPU);
    ck_assert_int_eq(misfit.used, 5);
    ck_assert_int_eq(misfit.wanted, 1);
    ck_assert_int_eq(pc_profile_delay(profile, &limit, &both, 1), 15);

    pc_profile_add(profile, &memory, 1);
    ck_assert(pc_profile_misfit(profile, &limit, &memory, 1, &misfit));
    ck_assert_int_eq(misfit.time, 12);
    ck_assert_int_eq(misfit.dimension, PC_CAP_MEMORY);
    ck_assert_int_eq(misfit.used, 2);
    pc_profile_destroy(profile);
}
END_TEST

static bool
stop_at_once(int64_t begin OVS_UNUSED, int64_t end OVS_UNUSED,
             const struct pc_amount *used OVS_UNUSED, void *n_)
{
    int *n = n_;

    return --*n > 0;
}

START_TEST(test_walk_stops)
{
    struct pc_profile *profile = pc_profile_create();
    struct pc_slot slot = { 10, 20, CPU(1) };
    int n = 1;

    pc_profile_add(profile, &slot, 1);
    pc_profile_walk(profile, 0, 30, stop_at_once, &n);
    ck_assert_int_eq(n, 0);
    n = 2;
    pc_profile_walk(profile, 0, 30, stop_at_once, &n);
    ck_assert_int_eq(n, 0);
    n = 9;
    pc_profile_walk(profile, 0, 30, stop_at_once, &n);
    ck_assert_int_eq(n, 6);
    n = 9;
    pc_profile_walk(profile, 30, 30, stop_at_once, &n);
    ck_assert_int_eq(n, 9);
    pc_profile_destroy(profile);
}
END_TEST

/* Random operations beside an array with what is used in each second. */

#define MAX_SECONDS 6000
#define MAX_REQUESTS 2000

static const struct world_config {
    uint32_t seed;
    int64_t seconds;            /* All slots are in [0, seconds). */
    int64_t length;             /* Of a slot, at most. */
    size_t n_requests;          /* As many are added at most. */
    int height;                 /* That the tree reaches at least. */
} configs[] = {
    { 1, 64, 10, 30, 0 },
    { 2, 3000, 200, 700, 1 },
    { 3, 6000, 60, 2000, 2 },
};

struct request {
    struct pc_slot slots[4];
    size_t n;
};

struct world {
    const struct world_config *config;
    struct pc_profile *profile;
    struct pc_amount used[MAX_SECONDS];
    struct request requests[MAX_REQUESTS];
    size_t n_requests;
};

static void
random_amount(struct pc_amount *amount, int64_t max)
{
    do {
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            amount->value[d] = (random_range(3) ? 0
                                : 1 + random_range(max));
        }
    } while (pc_amount_is_zero(amount));
}

static void
random_request(const struct world *world, struct request *request)
{
    int64_t length = world->config->length;
    int64_t at = random_range(world->config->seconds - length * 4);

    request->n = 1 + random_range(4);
    for (size_t i = 0; i < request->n; i++) {
        struct pc_slot *slot = &request->slots[i];

        slot->begin = at;
        slot->end = at += 1 + random_range(length);
        random_amount(&slot->amount, 3);
    }
}

/* Part of what is used at most, so that some fit and some don't. */
static void
random_limit(const struct world *world, struct pc_amount *limit)
{
    pc_profile_peak(world->profile, 0, world->config->seconds, limit);
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        limit->value[d] = 3 + limit->value[d] * (2 + random_range(10)) / 10;
    }
}

static int64_t
oracle_used(const struct world *world, int64_t time, int d)
{
    return (time >= 0 && time < world->config->seconds
            ? world->used[time].value[d] : 0);
}

static bool
oracle_misfit(const struct world *world, const struct pc_amount *limit,
              const struct request *request, int64_t delay,
              struct pc_profile_misfit *misfit)
{
    for (size_t i = 0; i < request->n; i++) {
        const struct pc_slot *slot = &request->slots[i];

        for (int64_t t = slot->begin + delay; t < slot->end + delay; t++) {
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                int64_t used = oracle_used(world, t, d);
                int64_t wanted = slot->amount.value[d];

                if (wanted && used + wanted > limit->value[d]) {
                    *misfit = (struct pc_profile_misfit) { t, d, used,
                                                           wanted };
                    return true;
                }
            }
        }
    }
    return false;
}

static void
oracle_put(struct world *world, const struct request *request, int sign)
{
    for (size_t i = 0; i < request->n; i++) {
        const struct pc_slot *slot = &request->slots[i];

        for (int64_t t = slot->begin; t < slot->end; t++) {
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                world->used[t].value[d] += sign * slot->amount.value[d];
            }
        }
    }
}

static size_t
oracle_n_steps(const struct world *world)
{
    static const struct pc_amount zero;
    const struct pc_amount *before = &zero;
    size_t n = 0;

    for (int64_t t = 0; t < world->config->seconds; t++) {
        n += !pc_amount_equal(&world->used[t], before);
        before = &world->used[t];
    }
    return n;
}

static void
add_one(struct world *world)
{
    struct request *request = &world->requests[world->n_requests++];

    random_request(world, request);
    pc_profile_add(world->profile, request->slots, request->n);
    oracle_put(world, request, 1);
}

static void
remove_one(struct world *world)
{
    struct request *request;

    request = &world->requests[random_range(world->n_requests)];
    pc_profile_remove(world->profile, request->slots, request->n);
    oracle_put(world, request, -1);
    *request = world->requests[--world->n_requests];
}

static void
compare_fits(const struct world *world)
{
    struct pc_profile_misfit expected, misfit;
    struct request request;
    struct pc_amount limit;
    bool fits;

    random_request(world, &request);
    random_limit(world, &limit);
    fits = !oracle_misfit(world, &limit, &request, 0, &expected);
    ck_assert(pc_profile_fits(world->profile, &limit, request.slots, request.n)
              == fits);
    ck_assert(pc_profile_misfit(world->profile, &limit, request.slots,
                                request.n, &misfit) == !fits);
    if (!fits) {
        ck_assert_int_eq(misfit.time, expected.time);
        ck_assert_int_eq(misfit.dimension, expected.dimension);
        ck_assert_int_eq(misfit.used, expected.used);
        ck_assert_int_eq(misfit.wanted, expected.wanted);
    }
}

static void
compare_delay(const struct world *world)
{
    struct pc_profile_misfit misfit;
    struct request request;
    struct pc_amount limit;
    int64_t delay = 0;

    random_request(world, &request);
    random_limit(world, &limit);
    while (oracle_misfit(world, &limit, &request, delay, &misfit)) {
        delay++;
    }
    ck_assert_int_eq(pc_profile_delay(world->profile, &limit, request.slots,
                                      request.n), delay);
}

static void
compare_peak(const struct world *world)
{
    int64_t begin = random_range(world->config->seconds);
    int64_t end = begin + random_range(world->config->seconds);
    struct pc_amount expected = { { 0 } }, peak;

    for (int64_t t = begin; t < end; t++) {
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            expected.value[d] = MAX(expected.value[d],
                                    oracle_used(world, t, d));
        }
    }
    pc_profile_peak(world->profile, begin, end, &peak);
    ck_assert(pc_amount_equal(&peak, &expected));
}

struct walk_state {
    const struct world *world;
    int64_t at;
    struct pc_amount before;
    bool first;
};

static bool
compare_stretch(int64_t begin, int64_t end, const struct pc_amount *used,
                void *state_)
{
    struct walk_state *state = state_;
    bool same = true;

    ck_assert_int_eq(begin, state->at);
    ck_assert_int_lt(begin, end);
    ck_assert(state->first || !pc_amount_equal(used, &state->before));
    for (int64_t t = begin; t < end; t++) {
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            same = same && used->value[d] == oracle_used(state->world, t, d);
        }
    }
    ck_assert(same);
    state->at = end;
    state->before = *used;
    state->first = false;
    return true;
}

static void
compare_walk(const struct world *world)
{
    int64_t begin = random_range(world->config->seconds);
    int64_t end = begin + 1 + random_range(world->config->seconds);
    struct walk_state state = { .world = world, .at = begin, .first = true };

    pc_profile_walk(world->profile, begin, end, compare_stretch, &state);
    ck_assert_int_eq(state.at, end);
}

static void
compare_all(const struct world *world)
{
    check(world->profile);
    ck_assert_uint_eq(pc_profile_n_steps(world->profile),
                      oracle_n_steps(world));
    compare_delay(world);
    compare_peak(world);
    compare_walk(world);
}

/* Up to many, down to none, up again, always with some of the other. */
START_TEST(test_random)
{
    struct world *world = xzalloc(sizeof *world);
    size_t memory;
    int height = 0;

    world->config = &configs[_i];
    world->profile = pc_profile_create();
    memory = pc_profile_memory(world->profile);
    random_set_seed(world->config->seed);
    for (int round = 0; round < 2; round++) {
        int adds = 9;                   /* Of 10. */

        for (size_t i = 0; world->n_requests || adds > 1; i++) {
            if (world->n_requests == world->config->n_requests) {
                adds = 1;
            }
            if (random_range(10) < adds || !world->n_requests) {
                add_one(world);
            } else {
                remove_one(world);
            }
            height = MAX(height, world->profile->height);
            compare_fits(world);
            if (!(i % (1 + world->config->seconds / 100))) {
                compare_all(world);
            }
        }
        compare_all(world);
        ck_assert_uint_eq(pc_profile_n_steps(world->profile), 0);
        ck_assert_uint_eq(pc_profile_memory(world->profile), memory);
    }
    ck_assert_int_ge(height, world->config->height);
    pc_profile_destroy(world->profile);
    free(world);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, test_empty);
    tcase_add_test(tc, test_half_open);
    tcase_add_test(tc, test_merge);
    tcase_add_test(tc, test_far);
    tcase_add_test(tc, test_exceeded);
    tcase_add_test(tc, test_walk_stops);
    tcase_add_loop_test(tc, test_random, 0, ARRAY_SIZE(configs));
    return pc_test_run("pc-profile", tc);
}
