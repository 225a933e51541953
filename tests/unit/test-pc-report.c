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
#include "pc-report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pc-idl.h"
#include "pc-test.h"
#include "smap.h"
#include "util.h"

static char *const keys[] = { "cpu", "memory", "pids" };
static const int64_t values[] = { 4000, 1024, 7 };

static void
check_amount(const struct pc_amount *a, int64_t cpu, int64_t memory,
             int64_t disk, int64_t network)
{
    ck_assert_int_eq(a->value[PC_CAP_CPU], cpu);
    ck_assert_int_eq(a->value[PC_CAP_MEMORY], memory);
    ck_assert_int_eq(a->value[PC_CAP_DISK], disk);
    ck_assert_int_eq(a->value[PC_CAP_NETWORK], network);
}

START_TEST(test_node_total)
{
    char *found_keys[] = { "cpu", "disk", "memory" };
    int64_t found[] = { 2000, INT64_MAX, 512 };
    char *capacity_keys[] = { "cpu", "network", "pids" };
    int64_t capacity[] = { 0, 100, 5 };
    struct pcrec_node node = {
        .key_found = found_keys, .value_found = found, .n_found = 3,
    };
    struct pc_amount total;

    /* What is not known cannot be promised, and nothing overflows. */
    pc_report_node_total(&node, &total);
    check_amount(&total, 2000, 512, INT64_C(1) << 48, 0);

    /* By key, also if that is nothing. */
    node.key_capacity = capacity_keys;
    node.value_capacity = capacity;
    node.n_capacity = 3;
    pc_report_node_total(&node, &total);
    check_amount(&total, 0, 512, INT64_C(1) << 48, 100);
}
END_TEST

START_TEST(test_node_is_usable)
{
    static const struct {
        const char *state;
        bool usable;
    } cases[] = { { "", true }, { "up", true }, { "suspect", false },
                  { "down", false } };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pcrec_node node = {
            .state = CONST_CAST(char *, cases[i].state),
        };

        ck_assert_int_eq(pc_report_node_is_usable(&node), cases[i].usable);
    }
}
END_TEST

START_TEST(test_column)
{
    const char *out_keys[PC_N_AMOUNTS];
    int64_t out[PC_N_AMOUNTS];
    struct pc_amount a;

    pc_report_from_column(&a, keys, values, 3);
    check_amount(&a, 4000, 1024, 0, 0);
    ck_assert(!pc_report_column_says(&a, keys, values, 3));

    pc_report_to_column(&a, out_keys, out);
    ck_assert_str_eq(out_keys[0], "cpu");
    ck_assert_str_eq(out_keys[1], "disk");
    ck_assert_str_eq(out_keys[2], "memory");
    ck_assert_str_eq(out_keys[3], "network");
    char *again[PC_N_AMOUNTS];
    for (size_t i = 0; i < PC_N_AMOUNTS; i++) {
        again[i] = CONST_CAST(char *, out_keys[i]);
    }
    ck_assert(pc_report_column_says(&a, again, out, PC_N_AMOUNTS));
    a.value[PC_CAP_DISK] = 1;
    ck_assert(!pc_report_column_says(&a, again, out, PC_N_AMOUNTS));
}
END_TEST

START_TEST(test_times)
{
    struct pcrec_cloudlet cloudlet = {
        .options = SMAP_INITIALIZER(&cloudlet.options),
    };
    struct pc_report_times t;

    pc_report_get_times(NULL, &t);
    ck_assert_int_eq(t.interval, 10000);
    ck_assert_int_eq(t.suspect, 30000);
    ck_assert_int_eq(t.down, 60000);

    smap_add(&cloudlet.options, "report-interval", "200");
    pc_report_get_times(&cloudlet, &t);
    ck_assert_int_eq(t.interval, 200);
    ck_assert_int_eq(t.suspect, 600);
    ck_assert_int_eq(t.down, 1200);

    /* Too small, and in the wrong order. */
    smap_replace(&cloudlet.options, "report-interval", "1");
    smap_add(&cloudlet.options, "suspect-after", "5000");
    smap_add(&cloudlet.options, "down-after", "3000");
    pc_report_get_times(&cloudlet, &t);
    ck_assert_int_eq(t.interval, 100);
    ck_assert_int_eq(t.suspect, 5000);
    ck_assert_int_eq(t.down, 5000);

    /* Far too large. */
    smap_replace(&cloudlet.options, "suspect-after", "18446744073709551615");
    pc_report_get_times(&cloudlet, &t);
    ck_assert_int_eq(t.suspect, 1 << 30);
    smap_destroy(&cloudlet.options);
}
END_TEST

START_TEST(test_slots)
{
    char *texts[] = {           /* In no order, one makes no sense. */
        "1970-01-01T00:00:20Z/1970-01-01T00:00:30Z:cpu=2",
        "nonsense",
        "1970-01-01T00:00:10Z/1970-01-01T00:00:20Z:cpu=1,network=5bps",
    };
    struct pc_slot *slots;
    struct pc_amount a;
    size_t n;
    char *error = pc_report_parse_slots(texts, ARRAY_SIZE(texts), &slots, &n);

    ck_assert_msg(error && strstr(error, "nonsense"), "%s", error);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(pc_report_slots_at(slots, n, 9, &a), 10);
    check_amount(&a, 0, 0, 0, 0);
    ck_assert_int_eq(pc_report_slots_at(slots, n, 10, &a), 20);
    check_amount(&a, 1000, 0, 0, 5);
    ck_assert_int_eq(pc_report_slots_at(slots, n, 19, &a), 20);
    check_amount(&a, 1000, 0, 0, 5);
    ck_assert_int_eq(pc_report_slots_at(slots, n, 20, &a), 30);
    check_amount(&a, 2000, 0, 0, 0);
    ck_assert_int_eq(pc_report_slots_at(slots, n, 30, &a), PC_TIME_MAX);
    check_amount(&a, 0, 0, 0, 0);
    free(slots);
    free(error);
}
END_TEST

START_TEST(test_holds)
{
    static const struct {
        const char *state;
        bool holds;
    } cases[] = {
        { "pending", true }, { "confirmed", true }, { "active", true },
        { "ended", false }, { "cancelled", false }, { "declined", false },
        { "failed", false },
    };
    struct pcrec_reservation r = { .node = NULL };
    struct pcrec_node node = { .name = CONST_CAST(char *, "n") };
    struct pcrec_vi vi = {
        .key_capacity = CONST_CAST(char **, keys),
        .value_capacity = CONST_CAST(int64_t *, values), .n_capacity = 3,
    };
    struct pc_amount a;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        r.state = CONST_CAST(char *, cases[i].state);
        r.node = NULL;
        ck_assert(!pc_report_reservation_holds(&r));
        r.node = &node;
        ck_assert_int_eq(pc_report_reservation_holds(&r), cases[i].holds);
    }

    ck_assert(!pc_report_vi_holds(&vi, &a));
    vi.node = &node;
    ck_assert(pc_report_vi_holds(&vi, &a));
    check_amount(&a, 4000, 1024, 0, 0);
    vi.reservation = &r;
    ck_assert(!pc_report_vi_holds(&vi, &a));
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, test_node_total);
    tcase_add_test(tc, test_node_is_usable);
    tcase_add_test(tc, test_column);
    tcase_add_test(tc, test_times);
    tcase_add_test(tc, test_slots);
    tcase_add_test(tc, test_holds);
    return pc_test_run("pc-report", tc);
}
