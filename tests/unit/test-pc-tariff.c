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
#include "pc-tariff.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pc-profile.h"
#include "pc-test.h"
#include "util.h"

/* Large sets of random vectors are compared in tests/pc-tariff.at; here are the
 * edges that a reader of pc-tariff.h would ask about. */

#define HOUR 3600
#define GIB (INT64_C(1) << 30)
#define GB INT64_C(1000000000)

static struct pc_slot
slot(int64_t begin, int64_t end, int64_t cpu, int64_t memory, int64_t disk,
     int64_t network)
{
    return (struct pc_slot) { begin, end,
                              { { cpu, memory, disk, network } } };
}

static const struct pc_amount total = { { 10000, 10 * GIB, 10 * GB, 10 * GB } };

static int64_t
price_of_one(const struct pc_tariff *t, const struct pc_slot *s)
{
    struct pc_tariff_party party = { .total = &total };

    ck_assert_ptr_null(pc_tariff_check(t));
    return pc_tariff_price(t, &party, s, 1);
}

/* An hour of one unit costs its price. */
START_TEST(test_units)
{
    struct pc_tariff t = { .price = { 7, 70, 700, 7000 } };
    struct pc_slot s = slot(0, HOUR, 1000, GIB, GB, GB);

    ck_assert_int_eq(price_of_one(&t, &s), 7777);
    s.end = 2 * HOUR;
    ck_assert_int_eq(price_of_one(&t, &s), 2 * 7777);
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        struct pc_tariff one = { .price = { 0 } };

        one.price[d] = t.price[d];
        ck_assert_int_eq(price_of_one(&one, &s), 2 * t.price[d]);
        one.used[d] = true;
        ck_assert_int_eq(price_of_one(&one, &s), 0);
    }
}
END_TEST

/* One rounding, of the sum: half away from zero. */
START_TEST(test_rounding)
{
    struct pc_tariff t = { .price = { 1, 1, 1, 1 } };
    struct pc_slot half = slot(0, HOUR, 500, 0, 0, 0);
    struct pc_slot less = slot(0, HOUR, 499, 0, 0, 0);
    struct pc_slot quarters = slot(0, HOUR, 250, GIB / 4, 0, 0);
    struct pc_slot byte_less = slot(0, HOUR, 250, GIB / 4 - 1, 0, 0);
    struct pc_slot four = slot(0, HOUR, 250, GIB / 4, GB / 4, GB / 4);

    ck_assert_int_eq(price_of_one(&t, &half), 1);
    ck_assert_int_eq(price_of_one(&t, &less), 0);
    ck_assert_int_eq(price_of_one(&t, &quarters), 1);
    ck_assert_int_eq(price_of_one(&t, &byte_less), 0);
    ck_assert_int_eq(price_of_one(&t, &four), 1);

    /* Two slots of half a microunit are one, not two. */
    struct pc_slot two[2] = { half, half };
    struct pc_tariff_party party = { .total = &total };
    two[1].begin = HOUR;
    two[1].end = 2 * HOUR;
    ck_assert_int_eq(pc_tariff_price(&t, &party, two, 2), 1);
}
END_TEST

START_TEST(test_largest)
{
    struct pc_tariff t = {
        .price = { PC_PRICE_MAX, PC_PRICE_MAX, PC_PRICE_MAX, PC_PRICE_MAX },
        .tiers = { { 0, PC_TIER_PERCENT_MAX } }, .n_tiers = 1
    };
    struct pc_slot s = slot(0, PC_TIME_MAX, PC_AMOUNT_MAX, PC_AMOUNT_MAX,
                            PC_AMOUNT_MAX, PC_AMOUNT_MAX);
    struct pc_slot two[2] = { s, s };
    struct pc_tariff_party party = { .total = &total };

    ck_assert_int_eq(price_of_one(&t, &s), INT64_MAX);
    ck_assert_int_eq(pc_tariff_price(&t, &party, two, 2), INT64_MAX);

    /* The largest that fits, and one that does not: 2^63 is 2^34 cores and hours
     * at 2^29. */
    struct pc_tariff fits = { .price = { 1 << 29 }, .used = { true } };
    struct pc_amount used = { { (INT64_C(1) << 34) * 1000 * HOUR } };
    ck_assert_int_eq(pc_tariff_price_used(&fits, false, &used), INT64_MAX);
    used.value[0] -= 1000 * HOUR;
    ck_assert_int_eq(pc_tariff_price_used(&fits, false, &used),
                     INT64_MAX - (1 << 29) + 1);
}
END_TEST

/* A share of 30 % to 60 % costs twice, and more three times as much. */
static const struct pc_tariff tiers = {
    .price = { 100, 0, 0, 0 },
    .tiers = { { 30, 200 }, { 60, 300 } }, .n_tiers = 2, .isp_percent = 50,
};

static const struct {
    int64_t cpu, memory;        /* What is asked for... */
    int64_t held_cpu, held_network; /* ...besides this. */
    int64_t price;
} shares[] = {
    { 1000, 0, 0, 0, 100 },
    { 1000, 0, 1999, 0, 100 },
    { 1000, 0, 2000, 0, 200 },
    { 1000, 0, 4999, 0, 200 },
    { 1000, 0, 5000, 0, 300 },
    { 1000, 0, 50000, 0, 300 },
    { 1000, 3 * GIB - 1, 0, 0, 100 },
    { 1000, 3 * GIB, 0, 0, 200 },
    { 1000, 0, 0, 3 * GB, 200 },
    { 1000, 0, 2000, 6 * GB, 300 },
};

START_TEST(test_tiers)
{
    struct pc_profile *held = pc_profile_create();
    struct pc_slot s = slot(HOUR, 2 * HOUR, shares[_i].cpu, shares[_i].memory, 0,
                            0);
    struct pc_slot h = slot(0, 3 * HOUR, shares[_i].held_cpu, 0, 0,
                            shares[_i].held_network);
    struct pc_tariff_party party = { .total = &total, .held = held };

    pc_profile_add(held, &h, 1);
    ck_assert_int_eq(pc_tariff_price(&tiers, &party, &s, 1), shares[_i].price);
    party.isp = true;
    ck_assert_int_eq(pc_tariff_price(&tiers, &party, &s, 1), 50);
    pc_profile_destroy(held);
}
END_TEST

/* Within a slot the price changes when the provider's other reservations do. */
START_TEST(test_tiers_in_time)
{
    struct pc_profile *held = pc_profile_create();
    struct pc_slot s = slot(0, 4 * HOUR, 1000, 0, 0, 0);
    struct pc_slot h = slot(HOUR, 2 * HOUR, 5000, 0, 0, 0);
    struct pc_tariff_party party = { .total = &total, .held = held };

    pc_profile_add(held, &h, 1);
    ck_assert_int_eq(pc_tariff_price(&tiers, &party, &s, 1), 600);
    h = slot(2 * HOUR, 10 * HOUR, 2000, 0, 0, 0);
    pc_profile_add(held, &h, 1);
    ck_assert_int_eq(pc_tariff_price(&tiers, &party, &s, 1), 800);
    pc_profile_destroy(held);
}
END_TEST

/* Nothing there of what is asked for: it is held whole.  Nothing there of
 * something else: that does not count. */
START_TEST(test_no_total)
{
    struct pc_amount none = { { 10000, 0, 0, 0 } };
    struct pc_tariff_party party = { .total = &none };
    struct pc_slot s = slot(0, HOUR, 1000, 0, 0, 0);

    ck_assert_int_eq(pc_tariff_price(&tiers, &party, &s, 1), 100);
    s.amount.value[PC_CAP_DISK] = 1;
    ck_assert_int_eq(pc_tariff_price(&tiers, &party, &s, 1), 300);
}
END_TEST

static const struct {
    int64_t paid, made, begin, now, refund;
} cancellations[] = {
    { 1000, 100, 200, 150, 500 },
    { 1000, 100, 200, 100, 1000 }, /* At once. */
    { 1000, 100, 200, 50, 1000 },  /* The clock went back. */
    { 1000, 100, 200, 199, 10 },
    { 1000, 100, 200, 200, 0 },    /* As it begins. */
    { 1000, 100, 200, 201, 0 },    /* Later. */
    { 1000, 200, 200, 200, 0 },    /* Made as it began. */
    { 1000, 200, 200, 100, 0 },
    { 1000, 201, 200, 100, 0 },    /* Made after it began. */
    { 1, 100, 200, 150, 1 },       /* Half. */
    { 1, 100, 200, 151, 0 },
    { 3, 100, 200, 150, 2 },
    { -1, 100, 200, 150, -1 },     /* Away from zero. */
    { 0, 100, 200, 150, 0 },
    { INT64_MAX, 0, PC_TIME_MAX, 0, INT64_MAX },
    { INT64_MAX, 0, 2, 1, INT64_C(1) << 62 },
};

START_TEST(test_cancel)
{
    ck_assert_int_eq(pc_tariff_refund_cancel(
                         cancellations[_i].paid, cancellations[_i].made,
                         cancellations[_i].begin, cancellations[_i].now),
                     cancellations[_i].refund);
}
END_TEST

/* With a fine of 20 %. */
static const struct {
    int64_t released, made, begin, now, refund;
} changes[] = {
    { 1000, 100, 200, 100, 800 }, /* Cancelling would give 1000... */
    { 1000, 100, 200, 110, 800 },
    { 1000, 100, 200, 120, 800 }, /* ...800... */
    { 1000, 100, 200, 121, 790 }, /* ...less than 800. */
    { 1000, 100, 200, 199, 10 },
    { 1000, 100, 200, 200, 800 },
    { 1000, 100, 200, 999, 800 },
    { 1000, 200, 200, 200, 800 },
    { 0, 100, 200, 300, 0 },
    { 3, 100, 200, 300, 2 },      /* 2.4 */
    { 2, 100, 200, 300, 2 },      /* 1.6 */
    { INT64_MAX, 100, 200, 300, INT64_MAX / 10 * 8 + 6 }, /* ...7 * .8 = 5.6 */
};

START_TEST(test_shrink)
{
    struct pc_tariff t = { .fine = 20 };

    ck_assert_int_eq(pc_tariff_refund_shrink(
                         &t, changes[_i].released, changes[_i].made,
                         changes[_i].begin, changes[_i].now),
                     changes[_i].refund);
}
END_TEST

START_TEST(test_used)
{
    struct pc_tariff t = { .price = { 100, 100, 100, 100 }, .isp_percent = 25,
                           .used = { true, false, false, true } };
    struct pc_amount used = { { 1000 * HOUR, GIB * HOUR, GB * HOUR,
                                GB * HOUR / 2 } };

    ck_assert_int_eq(pc_tariff_price_used(&t, false, &used), 150);
    ck_assert_int_eq(pc_tariff_price_used(&t, true, &used), 38); /* 37.5 */
}
END_TEST

static const struct {
    struct pc_tariff tariff;
    const char *error;
} bad_tariffs[] = {
    { { .price = { -1 } }, "a price of -0.000001 for cpu is not within 0 to "
      "1000000000.000000" },
    { { .price = { 0, 0, 0, PC_PRICE_MAX + 1 } },
      "a price of 1000000000.000001 for network is not within" },
    { { .fine = 101 }, "a fine of 101 % is not within 0 % to 100 %" },
    { { .fine = -1 }, "a fine of -1 % is not" },
    { { .isp_percent = 101 }, "an ISP's price of 101 %" },
    { { .tiers = { { 101, 100 } }, .n_tiers = 1 },
      "a tier from a share of 101 %" },
    { { .tiers = { { 50, 10001 } }, .n_tiers = 1 },
      "a tier's price of 10001 % is not within 0 % to 10000 %" },
    { { .tiers = { { 50, 1 }, { 50, 2 } }, .n_tiers = 2 },
      "the tier from 50 % follows the one from 50 %" },
    { { .tiers = { { 50, 1 }, { 25, 2 } }, .n_tiers = 2 },
      "the tier from 25 % follows the one from 50 %" },
    { { .n_tiers = 17 }, "17 tiers, but 16 is the most" },
};

START_TEST(test_bad_tariff)
{
    char *error = pc_tariff_check(&bad_tariffs[_i].tariff);

    ck_assert_ptr_nonnull(error);
    ck_assert_msg(!!strstr(error, bad_tariffs[_i].error), "%s", error);
    free(error);
}
END_TEST

static const struct {
    const char *text;
    int64_t microunits;
    const char *canonical;      /* NULL: an error. */
    const char *error;
} monies[] = {
    { "0", 0, "0.000000", NULL },
    { "-0", 0, "0.000000", NULL },
    { "1", 1000000, "1.000000", NULL },
    { "0.05", 50000, "0.050000", NULL },
    { "1234.567890", 1234567890, "1234.567890", NULL },
    { "0.000001", 1, "0.000001", NULL },
    { "-0.000001", -1, "-0.000001", NULL },
    { "-12.5", -12500000, "-12.500000", NULL },
    { "9223372036854.775807", INT64_MAX, "9223372036854.775807", NULL },
    { "-9223372036854.775808", INT64_MIN, "-9223372036854.775808", NULL },
    { "9223372036854.775808", 0, NULL, "too much" },
    { "-9223372036854.775809", 0, NULL, "too much" },
    { "99999999999999999999999999999999999999999999999", 0, NULL, "too much" },
    { "0.0000001", 0, NULL, "at most six digits" },
    { "", 0, NULL, "a number" },
    { "-", 0, NULL, "a number" },
    { ".5", 0, NULL, "a number" },
    { "5.", 0, NULL, "a number" },
    { "+5", 0, NULL, "a number" },
    { "--5", 0, NULL, "a number" },
    { "1,5", 0, NULL, "a number" },
    { "1e3", 0, NULL, "a number" },
    { " 1", 0, NULL, "a number" },
    { "1 ", 0, NULL, "a number" },
    { "1.5.5", 0, NULL, "a number" },
};

START_TEST(test_money)
{
    int64_t microunits = 42;
    char *error = pc_money_parse(monies[_i].text, &microunits);

    ck_assert_int_eq(microunits, monies[_i].microunits);
    if (monies[_i].error) {
        ck_assert_ptr_nonnull(error);
        ck_assert_msg(!!strstr(error, monies[_i].error), "%s", error);
        free(error);
    } else {
        ck_assert_msg(!error, "%s", error);

        char *text = pc_money_format(microunits);
        ck_assert_str_eq(text, monies[_i].canonical);
        free(text);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, test_units);
    tcase_add_test(tc, test_rounding);
    tcase_add_test(tc, test_largest);
    tcase_add_loop_test(tc, test_tiers, 0, ARRAY_SIZE(shares));
    tcase_add_test(tc, test_tiers_in_time);
    tcase_add_test(tc, test_no_total);
    tcase_add_loop_test(tc, test_cancel, 0, ARRAY_SIZE(cancellations));
    tcase_add_loop_test(tc, test_shrink, 0, ARRAY_SIZE(changes));
    tcase_add_test(tc, test_used);
    tcase_add_loop_test(tc, test_bad_tariff, 0, ARRAY_SIZE(bad_tariffs));
    tcase_add_loop_test(tc, test_money, 0, ARRAY_SIZE(monies));
    return pc_test_run("pc-tariff", tc);
}
