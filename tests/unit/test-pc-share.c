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
#include "pc-share.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "pc-model.h"
#include "pc-test.h"
#include "util.h"

#define N_FLOWS 200000
#define MAX_BUCKETS 16

/* The bucket that the switch takes for a packet whose fields hash to 'basis'
 * (ofproto-dpif-xlate.c, group_best_live_bucket()). */
static size_t
choose(const uint16_t *buckets, size_t n, uint32_t basis)
{
    uint32_t best_score = 0;
    size_t best = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t score = (hash_int(i + 1, basis) & 0xffff) * buckets[i];

        if (score >= best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

static const struct {
    size_t n;
    uint16_t weights[MAX_BUCKETS];
} cases[] = {
    { 1, { 7 } },
    { 2, { 100, 100 } },
    { 2, { 100, 200 } },
    { 2, { 1, 65535 } },
    { 3, { 300, 100, 200 } },
    { 3, { 100, 100, 400 } },
    { 4, { 50, 100, 100, 100 } },
    { 5, { 10, 20, 30, 40, 900 } },
    { 16, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
};

START_TEST(test_shares)
{
    const uint16_t *weights = cases[_i].weights;
    size_t n = cases[_i].n, sum = 0, counts[MAX_BUCKETS] = { 0 };
    uint16_t buckets[MAX_BUCKETS];

    pc_share_weights(weights, n, buckets);
    for (uint32_t i = 0; i < N_FLOWS; i++) {
        counts[choose(buckets, n, hash_int(i, 0))]++;
    }
    for (size_t i = 0; i < n; i++) {
        sum += weights[i];
    }
    for (size_t i = 0; i < n; i++) {
        double share = (double) weights[i] / sum;
        double seen = (double) counts[i] / N_FLOWS;

        ck_assert_uint_ge(buckets[i], 1);
        ck_assert_msg(fabs(share - seen) < 0.005, "bucket %"PRIuSIZE": %.4f, "
                      "not %.4f", i, seen, share);
    }
}
END_TEST

/* One more of equals moves its own share and nothing between the others. */
START_TEST(test_stable)
{
    uint16_t weights[4] = { 100, 100, 100, 100 }, before[4], after[4];
    size_t moved = 0;

    pc_share_weights(weights, 3, before);
    pc_share_weights(weights, 4, after);
    for (uint32_t i = 0; i < N_FLOWS; i++) {
        size_t a = choose(before, 3, hash_int(i, 0));
        size_t b = choose(after, 4, hash_int(i, 0));

        ck_assert(a == b || b == 3);
        moved += b == 3;
    }
    ck_assert(moved > N_FLOWS * 0.245 && moved < N_FLOWS * 0.255);
}
END_TEST

START_TEST(test_many)
{
    uint16_t weights[1024], buckets[1024];

    for (size_t i = 0; i < 1024; i++) {
        weights[i] = 1 + i % 100;
    }
    pc_share_weights(weights, 1024, buckets);
    for (size_t i = 0; i < 1024; i++) {
        ck_assert_uint_ge(buckets[i], 1);
        ck_assert(!i || weights[i] < weights[i - 1]
                  || buckets[i] >= buckets[i - 1]);
    }
    pc_share_weights(weights, 0, buckets);
}
END_TEST

static const struct {
    const char *text;
    enum pc_affinity kind;
    int host_bits[2];
    const char *error;          /* Part of it; null: none. */
} affinities[] = {
    { "", PC_AFFINITY_CLIENT, { 0, 0 }, NULL },
    { "client", PC_AFFINITY_CLIENT, { 0, 0 }, NULL },
    { "connection", PC_AFFINITY_CONNECTION, { 0, 0 }, NULL },
    { "client/24", PC_AFFINITY_CLIENT, { 8, 0 }, NULL },
    { "client/32,128", PC_AFFINITY_CLIENT, { 0, 0 }, NULL },
    { "client/1,56", PC_AFFINITY_CLIENT, { 31, 72 }, NULL },
    { "table", 0, { 0, 0 }, "\"table\" is not client, client/PREFIX" },
    { "client/", 0, { 0, 0 }, "1 to 32" },
    { "client/0", 0, { 0, 0 }, "1 to 32" },
    { "client/33", 0, { 0, 0 }, "1 to 32" },
    { "client/24,", 0, { 0, 0 }, "1 to 128" },
    { "client/24,129", 0, { 0, 0 }, "1 to 128" },
    { "client/24,56,1", 0, { 0, 0 }, "1 to 128" },
    { "client/+24", 0, { 0, 0 }, "1 to 32" },
    { "client/ 24", 0, { 0, 0 }, "1 to 32" },
    { "connection/24", 0, { 0, 0 }, "is not client" },
};

START_TEST(test_affinity)
{
    struct pc_affinity_spec spec;
    char *error = pc_affinity_parse(affinities[_i].text, &spec);

    if (affinities[_i].error) {
        ck_assert_ptr_nonnull(error);
        ck_assert_msg(strstr(error, affinities[_i].error) != NULL, "%s",
                      error);
        free(error);
        ck_assert_int_eq(spec.kind, PC_AFFINITY_CLIENT);
    } else {
        ck_assert_msg(!error, "%s", error);
        ck_assert_int_eq(spec.kind, affinities[_i].kind);
    }
    ck_assert_int_eq(spec.host_bits[0], affinities[_i].host_bits[0]);
    ck_assert_int_eq(spec.host_bits[1], affinities[_i].host_bits[1]);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_shares, 0, ARRAY_SIZE(cases));
    tcase_add_test(tc, test_stable);
    tcase_add_test(tc, test_many);
    tcase_add_loop_test(tc, test_affinity, 0, ARRAY_SIZE(affinities));
    return pc_test_run("pc-share", tc);
}
