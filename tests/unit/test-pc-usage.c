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
#include "pc-usage.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pc-test.h"
#include "util.h"

/* What two looks at a container, 10 s apart, make of what was used before. */
static const struct {
    struct pc_usage_counters before, now;
    bool first;                 /* There is no 'before'. */
    struct pc_usage usage;
} looks[] = {
    /* The first one: what the counters say, and no time. */
    { .now = { 10000, 5, 6, 7, 100, 200 }, .first = true,
      .usage = { 5, 0, 0, 6, 7 } },
    /* Differences, and the mean times 10 s. */
    { { 10000, 5, 6, 7, 100, 200 }, { 20000, 9, 8, 7, 300, 0 }, false,
      { 4, 2000, 1000, 2, 0 } },
    /* Only a part was seen. */
    { { 10000, 50, 60, 70, 100, 200 }, { 20000, 9, 8, 7, 100, 200 }, false,
      { 0, 1000, 2000, 0, 0 } },
    /* Nothing is known now. */
    { { 10000, 5, 6, 7, 100, 200 }, { 20000, -1, -1, -1, -1, -1 }, false,
      { 0, 0, 0, 0, 0 } },
    /* Nothing was known. */
    { { 10000, -1, -1, -1, -1, -1 }, { 20000, 9, 8, 7, 100, 200 }, false,
      { 9, 1000, 2000, 8, 7 } },
    /* Time does not go back. */
    { { 20000, 5, 6, 7, 100, 200 }, { 10000, 5, 6, 7, 100, 200 }, false,
      { 0, 0, 0, 0, 0 } },
    /* Too much. */
    { { 0, 0, 0, 0, INT64_MAX, 0 },
      { INT64_MAX, INT64_MAX, 0, 0, INT64_MAX, 1 }, false,
      { INT64_MAX, INT64_MAX, INT64_MAX / 2000, 0, 0 } },
};

START_TEST(test_add)
{
    struct pc_usage u = { 0, 0, 0, 0, 0 };

    pc_usage_add(&u, looks[_i].first ? NULL : &looks[_i].before,
                 &looks[_i].now);
    ck_assert_int_eq(u.cpu_usec, looks[_i].usage.cpu_usec);
    ck_assert_int_eq(u.memory, looks[_i].usage.memory);
    ck_assert_int_eq(u.disk, looks[_i].usage.disk);
    ck_assert_int_eq(u.received, looks[_i].usage.received);
    ck_assert_int_eq(u.sent, looks[_i].usage.sent);
    ck_assert(pc_usage_is_zero(&u)
              == !memcmp(&u, &(struct pc_usage) { 0, 0, 0, 0, 0 },
                         sizeof u));
}
END_TEST

/* A look that finds nothing is bridged: what has come is counted once. */
START_TEST(test_carry)
{
    struct pc_usage_counters a = { 10000, 5, 6, 7, 100, 200 };
    struct pc_usage_counters b = { 20000, -1, 3, -1, -1, -1 };
    struct pc_usage_counters c = { 30000, 15, 16, 17, 100, 200 };
    struct pc_usage u = { 0, 0, 0, 0, 0 };

    pc_usage_add(&u, NULL, &a);
    pc_usage_add(&u, &a, &b);
    pc_usage_carry(&b, &a);
    pc_usage_add(&u, &b, &c);
    ck_assert_int_eq(u.cpu_usec, 15);
    ck_assert_int_eq(u.received, 16);
    ck_assert_int_eq(u.sent, 17);
    /* Memory of a time when nobody could see it is not charged. */
    ck_assert_int_eq(u.memory, 1000);
    ck_assert_int_eq(u.disk, 2000);
}
END_TEST

START_TEST(test_columns)
{
    struct pc_usage in = { 1234567, 100, 200, 3, 4 }, out, zero, max;
    const char *keys[PC_N_USAGE];
    int64_t values[PC_N_USAGE];
    struct pc_amount amount;

    pc_usage_to_column(&in, keys, values);
    for (size_t i = 1; i < PC_N_USAGE; i++) {
        ck_assert(strcmp(keys[i - 1], keys[i]) < 0);
    }
    pc_usage_from_column(&out, (char **) keys, values, PC_N_USAGE);
    ck_assert_int_eq(out.cpu_usec, 1234000);
    ck_assert_int_eq(out.memory, 100);
    ck_assert_int_eq(out.disk, 200);
    ck_assert_int_eq(out.received, 3);
    ck_assert_int_eq(out.sent, 4);

    pc_usage_amount((char **) keys, values, PC_N_USAGE, &amount);
    ck_assert_int_eq(amount.value[PC_CAP_CPU], 1234);
    ck_assert_int_eq(amount.value[PC_CAP_MEMORY], 100);
    ck_assert_int_eq(amount.value[PC_CAP_DISK], 200);
    ck_assert_int_eq(amount.value[PC_CAP_NETWORK], 32);

    pc_usage_from_column(&zero, NULL, NULL, 0);
    ck_assert(pc_usage_is_zero(&zero));
    ck_assert(!pc_usage_is_zero(&out));
    max = (struct pc_usage) { 1, 1000, 2, 0, 5 };
    pc_usage_max(&max, &out);
    ck_assert_int_eq(max.cpu_usec, 1234000);
    ck_assert_int_eq(max.memory, 1000);
    ck_assert_int_eq(max.disk, 200);
    ck_assert_int_eq(max.received, 3);
    ck_assert_int_eq(max.sent, 5);
    ck_assert_int_eq(pc_usage_sum(INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(pc_usage_sum(2, 3), 5);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_add, 0, ARRAY_SIZE(looks));
    tcase_add_test(tc, test_carry);
    tcase_add_test(tc, test_columns);
    return pc_test_run("pc-usage", tc);
}
