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
#include "pc-slot.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pc-test.h"
#include "util.h"

#define LARGEST PC_AMOUNT_MAX

static const struct {
    struct pc_slot slots[3];
    size_t n;
    const char *error;          /* All of it; null: none. */
} requests[] = {
    { { { 0, 1, { { 1, 0, 0, 0 } } } }, 1, NULL },
    { { { 0, PC_TIME_MAX, { { 0, 0, 0, 1 } } } }, 1, NULL },
    { { { 5, 7, { { LARGEST, LARGEST, LARGEST, LARGEST } } } }, 1, NULL },
    { { { 5, 7, { { 1, 2, 3, 4 } } }, { 7, 8, { { 0, 2, 3, 4 } } },
        { 8, 90, { { 1, 2, 3, 4 } } } }, 3, NULL },

    { { { 0 } }, 0, "no slot" },
    { { { -1, 1, { { 1, 0, 0, 0 } } } }, 1,
      "slot 1: -1 s is not a time from 1970 to 9999" },
    { { { 0, PC_TIME_MAX + 1, { { 1, 0, 0, 0 } } } }, 1,
      "slot 1: 253402300800 s is not a time from 1970 to 9999" },
    { { { 0, INT64_MIN, { { 1, 0, 0, 0 } } } }, 1,
      "slot 1: -9223372036854775808 s is not a time from 1970 to 9999" },
    { { { 60, 60, { { 1, 0, 0, 0 } } } }, 1,
      "slot 1: its end, 1970-01-01T00:01:00Z, is not after its begin, "
      "1970-01-01T00:01:00Z" },
    { { { 60, 3600, { { 1, 0, 0, 0 } } }, { 3600, 59, { { 1, 0, 0, 0 } } } },
      2, "slot 2: its end, 1970-01-01T00:00:59Z, is not after its begin, "
      "1970-01-01T01:00:00Z" },
    { { { 0, 60, { { 1, 0, 0, 0 } } }, { 61, 62, { { 1, 0, 0, 0 } } } }, 2,
      "slot 2: it begins at 1970-01-01T00:01:01Z, not where the slot before "
      "ends, 1970-01-01T00:01:00Z" },
    { { { 0, 60, { { 1, 0, 0, 0 } } }, { 59, 62, { { 1, 0, 0, 0 } } } }, 2,
      "slot 2: it begins at 1970-01-01T00:00:59Z, not where the slot before "
      "ends, 1970-01-01T00:01:00Z" },
    { { { 0, 1, { { 1, 0, 0, 0 } } }, { 1, 2, { { 0, 0, 0, 0 } } } }, 2,
      "slot 2: it asks for nothing" },
    { { { 0, 1, { { 1, 0, -1, 0 } } } }, 1,
      "slot 1: disk=-1 is not from 0 to 4398046511104" },
    { { { 0, 1, { { 0, LARGEST + 1, 0, 0 } } } }, 1,
      "slot 1: memory=4398046511105 is not from 0 to 4398046511104" },
};

START_TEST(test_check)
{
    char *error = pc_slots_check(requests[_i].slots, requests[_i].n);

    if (requests[_i].error) {
        ck_assert_ptr_nonnull(error);
        ck_assert_str_eq(error, requests[_i].error);
    } else {
        ck_assert_msg(!error, "%s", error);
    }
    free(error);
}
END_TEST

START_TEST(test_check_many)
{
    struct pc_slot slots[PC_MAX_SLOTS + 1];
    char *error;

    for (int i = 0; i <= PC_MAX_SLOTS; i++) {
        slots[i] = (struct pc_slot) { i, i + 1, { { 1 + i % 2, 0, 0, 0 } } };
    }
    error = pc_slots_check(slots, PC_MAX_SLOTS);
    ck_assert_msg(!error, "%s", error);
    error = pc_slots_check(slots, PC_MAX_SLOTS + 1);
    ck_assert_str_eq(error, "1001 slots, 1000 at most");
    free(error);
}
END_TEST

START_TEST(test_compare)
{
    struct pc_amount a = { { 1, 2, 3, 4 } };

    ck_assert(pc_amount_equal(&a, &a));
    ck_assert(pc_amount_fits(&a, &a));
    ck_assert(!pc_amount_is_zero(&a));
    ck_assert(pc_amount_is_zero(&(struct pc_amount) { { 0 } }));
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        struct pc_amount b = a, one = { { 0 } };

        b.value[d]++;
        ck_assert(!pc_amount_equal(&a, &b));
        ck_assert(pc_amount_fits(&a, &b));
        ck_assert(!pc_amount_fits(&b, &a));

        /* More of another one doesn't help. */
        a.value[(d + 1) % PC_N_AMOUNTS] += 10;
        ck_assert(!pc_amount_fits(&b, &a));
        a.value[(d + 1) % PC_N_AMOUNTS] -= 10;

        one.value[d] = 1;
        ck_assert(!pc_amount_is_zero(&one));
    }
}
END_TEST

static const struct {
    struct pc_amount amount;
    const char *text;
} texts[] = {
    { { { 0, 0, 0, 0 } }, "none" },
    { { { 500, 256 << 20, 1000000000, 100000000 } },
      "cpu=500m,memory=256MiB,disk=1GB,network=100Mbps" },
    { { { 0, 0, 0, 1000000000 } }, "network=1Gbps" },
    { { { 2000, 0, 1, 0 } }, "cpu=2,disk=1B" },
};

START_TEST(test_format)
{
    char *s = pc_amount_format(&texts[_i].amount);

    ck_assert_str_eq(s, texts[_i].text);
    free(s);
}
END_TEST

/* What is left of two slots, from 10 to 20 and from 20 to 30. */
static const struct {
    int64_t time;
    size_t n;
    int64_t begin;              /* Of the first one that is left. */
} froms[] = {
    { 0, 2, 10 }, { 10, 2, 10 }, { 19, 2, 19 }, { 20, 1, 20 }, { 29, 1, 29 },
    { 30, 0, 0 }, { 31, 0, 0 },
};

START_TEST(test_from)
{
    static const struct pc_slot slots[] = {
        { 10, 20, { { 1, 0, 0, 0 } } }, { 20, 30, { { 2, 0, 0, 0 } } },
    };
    size_t n;
    struct pc_slot *rest = pc_slots_from(slots, 2, froms[_i].time, &n);

    ck_assert_uint_eq(n, froms[_i].n);
    if (n) {
        ck_assert_int_eq(rest[0].begin, froms[_i].begin);
        ck_assert_int_eq(rest[0].end, n == 2 ? 20 : 30);
        ck_assert(pc_amount_equal(&rest[n - 1].amount, &slots[1].amount));
    }
    free(rest);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_check, 0, ARRAY_SIZE(requests));
    tcase_add_test(tc, test_check_many);
    tcase_add_test(tc, test_compare);
    tcase_add_loop_test(tc, test_format, 0, ARRAY_SIZE(texts));
    tcase_add_loop_test(tc, test_from, 0, ARRAY_SIZE(froms));
    return pc_test_run("pc-slot", tc);
}
