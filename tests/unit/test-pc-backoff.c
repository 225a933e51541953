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
#include "pc-backoff.h"
#include "pc-test.h"
#include <check.h>
#include <limits.h>
#include <stdlib.h>

START_TEST(first_restart_is_immediate)
{
    struct pc_backoff b;

    pc_backoff_init(&b);
    pc_backoff_up(&b, 1000);
    ck_assert_int_eq(pc_backoff_died(&b, 1500), 1500);
}
END_TEST

START_TEST(delay_doubles_up_to_a_minute)
{
    static const long long int delays[] = {
        0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000,
    };
    struct pc_backoff b;
    long long int now = 5000;

    pc_backoff_init(&b);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        long long int next = pc_backoff_died(&b, now);

        ck_assert_int_eq(next - now, delays[i]);
        ck_assert_int_eq(b.n_deaths, i + 1);
        now = next;
        pc_backoff_up(&b, now);
        now += 29999;           /* Not long enough to be forgiven. */
    }
}
END_TEST

START_TEST(thirty_seconds_up_start_over)
{
    struct pc_backoff b;

    pc_backoff_init(&b);
    for (int i = 0; i < 5; i++) {
        pc_backoff_died(&b, 0);
    }
    ck_assert_int_eq(b.delay_ms, 16000);
    pc_backoff_up(&b, 100000);
    ck_assert_int_eq(pc_backoff_died(&b, 130000), 130000);
    ck_assert_int_eq(b.n_deaths, 1);
    ck_assert_int_eq(pc_backoff_died(&b, 130001), 131001);
}
END_TEST

START_TEST(a_failed_start_is_a_death)
{
    struct pc_backoff b;

    /* Never up: however late, nothing is forgiven. */
    pc_backoff_init(&b);
    ck_assert_int_eq(pc_backoff_died(&b, 0), 0);
    ck_assert_int_eq(pc_backoff_died(&b, 500000), 501000);
    ck_assert_int_eq(pc_backoff_died(&b, 900000), 902000);
}
END_TEST

START_TEST(rise_and_fall)
{
    struct pc_rise r;

    pc_rise_init(&r, 2, 3);
    ck_assert(!r.good);
    ck_assert(!pc_rise_feed(&r, true));
    ck_assert(!pc_rise_feed(&r, false));    /* Starts the count over. */
    ck_assert(!pc_rise_feed(&r, true));
    ck_assert(pc_rise_feed(&r, true));
    ck_assert(r.good);
    ck_assert(!pc_rise_feed(&r, false));
    ck_assert(!pc_rise_feed(&r, false));
    ck_assert(!pc_rise_feed(&r, true));
    ck_assert(!pc_rise_feed(&r, false));
    ck_assert(!pc_rise_feed(&r, false));
    ck_assert(r.good);
    ck_assert(pc_rise_feed(&r, false));
    ck_assert(!r.good);
}
END_TEST

START_TEST(rise_of_zero_is_one)
{
    struct pc_rise r;

    pc_rise_init(&r, 0, 0);
    ck_assert(pc_rise_feed(&r, true));
    ck_assert(pc_rise_feed(&r, false));
}
END_TEST

START_TEST(damping_doubles)
{
    static const long long int holds[] = {
        0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000,
    };
    struct pc_damp d;
    long long int now = 1000;

    pc_damp_init(&d, 1000);
    ck_assert(d.until <= now);
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        pc_damp_good(&d, now);
        now += 100;
        pc_damp_good(&d, now);      /* Still. */
        pc_damp_bad(&d, now);
        pc_damp_bad(&d, now + 10);  /* Still: does not count. */
        ck_assert_int_eq(d.until - now, holds[i]);
        ck_assert_int_eq(d.n, i + 1);
        now = d.until + 50;
    }

    /* A minute without failure is forgiven. */
    pc_damp_good(&d, now);
    pc_damp_bad(&d, now + PC_DAMP_RESET_MS);
    ck_assert_int_eq(d.until, now + PC_DAMP_RESET_MS);
    ck_assert_int_eq(d.n, 1);
}
END_TEST

START_TEST(damping_can_be_off)
{
    struct pc_damp d;

    pc_damp_init(&d, 0);
    for (int i = 0; i < 10; i++) {
        pc_damp_good(&d, i);
        pc_damp_bad(&d, i);
        ck_assert_int_eq(d.until, i);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, first_restart_is_immediate);
    tcase_add_test(tc, delay_doubles_up_to_a_minute);
    tcase_add_test(tc, thirty_seconds_up_start_over);
    tcase_add_test(tc, a_failed_start_is_a_death);
    tcase_add_test(tc, rise_and_fall);
    tcase_add_test(tc, rise_of_zero_is_one);
    tcase_add_test(tc, damping_doubles);
    tcase_add_test(tc, damping_can_be_off);
    return pc_test_run("pc-backoff", tc);
}
