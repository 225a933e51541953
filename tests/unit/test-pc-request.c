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
#include "pc-request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pc-test.h"
#include "random.h"
#include "util.h"

#define NOW INT64_C(1796112000)    /* 2026-12-01T08:00:00Z */
#define HOUR 3600
#define GIGA INT64_C(1000000000)

static const struct pc_slot before = {
    .begin = NOW - HOUR, .end = NOW + 2 * HOUR, .amount = { { 1, 0, 0, 0 } },
};

static const struct {
    const char *text;
    struct pc_slot slot;
} good[] = {
    { "2026-12-01T08:00:00Z/2026-12-01T20:00:00Z:"
      "cpu=1,memory=256MiB,disk=300GB,network=1Gbps",
      { NOW, NOW + 12 * HOUR, { { 1000, 256 << 20, 300 * GIGA, GIGA } } } },
    { "2026-12-01T08:00Z/2026-12-01T10:00+01:00:cpu=500m",
      { NOW, NOW + HOUR, { { 500, 0, 0, 0 } } } },
    { "now/+90m:network=9600", { NOW, NOW + 5400, { { 0, 0, 0, 9600 } } } },
    { "now+1h/now+2h:disk=1B,cpu=0",
      { NOW + HOUR, NOW + 2 * HOUR, { { 0, 0, 1, 0 } } } },
    { "/+1h:cpu=2",
      { NOW + 2 * HOUR, NOW + 3 * HOUR, { { 2000, 0, 0, 0 } } } },
    { "/2026-12-02:memory=1kB",
      { NOW + 2 * HOUR, NOW + 16 * HOUR, { { 0, 1000, 0, 0 } } } },
    { "@0/@253402300799:memory=4TiB",
      { 0, PC_TIME_MAX, { { 0, PC_AMOUNT_MAX, 0, 0 } } } },
};

START_TEST(test_good)
{
    struct pc_slot slot;
    char *error = pc_request_parse_slot(good[_i].text, NOW, &before, &slot);

    ck_assert_msg(!error, "%s", error);
    ck_assert_int_eq(slot.begin, good[_i].slot.begin);
    ck_assert_int_eq(slot.end, good[_i].slot.end);
    ck_assert(pc_amount_equal(&slot.amount, &good[_i].slot.amount));
}
END_TEST

static const struct {
    const char *text, *error;
} bad[] = {
    { "", "slot \"\": it must be START/END:cpu=" },
    { "now/+1h", "it must be START/END:cpu=" },
    { "now/+1h:", "it must be START/END:cpu=" },
    { "now/+1h:none", "it must be START/END:cpu=" },
    { "now/+1h,cpu=1", "it must be START/END:cpu=" },
    { "2026-12-01T08:00:00Z:cpu=1", "it must be START/END:cpu=" },
    { "now:cpu=1/+1h", "it must be START/END:cpu=" },
    { "now:cpu=1,x=/+1h:cpu=1", "it must be START/END:cpu=" },
    { "/+1h:cpu=1", "the first slot must say when it begins" },
    { "noon/+1h:cpu=1", "begin: \"noon\" is not a time" },
    { "now/1h:cpu=1", "end: \"1h\" is not a time" },
    { "now/:cpu=1", "end: \"\" is not a time: empty" },
    { "now/+:cpu=1", "end: \"\" is not a length of time: empty" },
    { "now/+1h/+2h:cpu=1", "end: \"1h/+2h\" is not a length" },
    { "now/+-1h:cpu=1", "end: \"-1h\" is not a length" },
    { "now/+0s:cpu=1",
      "end: 2026-12-01T08:00:00Z is not after the begin, 2026-12-01T08:00:00Z" },
    { "now/2026-12-01:cpu=1", "end: 2026-12-01T00:00:00Z is not after" },
    { "now/+253402300799s:cpu=1", "end: it must be in the years 1970 to 9999" },
    { "now/+1h:cpu=", "cpu: \"\" is not a number of CPUs: empty" },
    { "now/+1h:cpu=1,", "\"\" is not DIMENSION=AMOUNT" },
    { "now/+1h:cpu=1,,disk=1", "\"\" is not DIMENSION=AMOUNT" },
    { "now/+1h:cpu=1,disk", "\"disk\" is not DIMENSION=AMOUNT" },
    { "now/+1h:cpu=1,cpu=2", "cpu is given twice" },
    { "now/+1h:cpu=0,cpu=2", "cpu is given twice" },
    { "now/+1h:cpu=-1", "cpu: \"-1\" is not a number of CPUs: negative" },
    { "now/+1h:pids=7", "\"pids\" cannot be reserved, only cpu, memory, disk" },
    { "now/+1h:CPU=7", "\"CPU\" cannot be reserved" },
    { "now/+1h:cpu=0", "it asks for nothing" },
    { "now/+1h:memory=5TiB", "memory: 5TiB is more than 4TiB" },
    { "now/+1h:cpu=1\n", "slot \"now/+1h:cpu=1\\x0a\": cpu: " },
};

START_TEST(test_bad)
{
    struct pc_slot slot = before;
    char *error = pc_request_parse_slot(bad[_i].text, NOW, NULL, &slot);

    ck_assert_msg(error && strstr(error, bad[_i].error), "\"%s\": %s",
                  bad[_i].text, error);
    ck_assert(!strchr(error, '\n'));
    ck_assert(!memcmp(&slot, &before, sizeof slot));
    free(error);
}
END_TEST

static int64_t
random_below(int64_t limit)
{
    return ((uint64_t) random_uint32() << 32 | random_uint32()) % limit;
}

static struct pc_slot
random_slot(void)
{
    struct pc_slot slot = { .begin = random_below(PC_TIME_MAX) };

    slot.end = slot.begin + 1 + random_below(PC_TIME_MAX - slot.begin);
    do {
        for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
            slot.amount.value[d] = random_below(
                INT64_C(1) << random_range(43)) + random_range(2);
        }
    } while (pc_amount_is_zero(&slot.amount));
    return slot;
}

START_TEST(test_back)
{
    for (int i = 0; i < 20000; i++) {
        struct pc_slot slot = random_slot();
        struct pc_slot back;
        char *s = pc_request_format_slot(&slot);
        char *error = pc_request_parse_slot(s, 0, NULL, &back);

        ck_assert_msg(!error, "%s", error);
        ck_assert_int_eq(slot.begin, back.begin);
        ck_assert_int_eq(slot.end, back.end);
        ck_assert(pc_amount_equal(&slot.amount, &back.amount));

        char *again = pc_request_format_slot(&back);
        ck_assert_str_eq(s, again);
        free(again);
        free(s);
    }
}
END_TEST

/* Good slots with bytes changed, and text of what slots are made of: the answer is
 * an error or a slot that may be in a request. */
START_TEST(test_random_text)
{
    static const char letters[] = "0123456789-:TZ/+@,.=nowdhms cpumemorydisk"
                                  "network=,GiBbps\n\xff";
    int n_slots = 0;

    for (int i = 0; i < 200000; i++) {
        char text[128];
        size_t n = random_range(sizeof text);

        if (i % 4) {
            ovs_strlcpy(text, good[random_range(ARRAY_SIZE(good))].text,
                        sizeof text);
            n = strlen(text);
            for (size_t j = random_range(4); j; j--) {
                text[random_range(n)] = letters[random_range(
                                                    sizeof letters - 1)];
            }
        } else {
            for (size_t j = 0; j < n; j++) {
                text[j] = letters[random_range(sizeof letters - 1)];
            }
        }
        text[n] = '\0';

        struct pc_slot slot;
        char *error = pc_request_parse_slot(text, NOW, &before, &slot);
        if (!error) {
            n_slots++;
            error = pc_slots_check(&slot, 1);
            ck_assert_msg(!error, "%s: %s", text, error);
        }
        free(error);
    }
    ck_assert_int_gt(n_slots, 10000);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    random_set_seed(1);
    tcase_add_loop_test(tc, test_good, 0, ARRAY_SIZE(good));
    tcase_add_loop_test(tc, test_bad, 0, ARRAY_SIZE(bad));
    tcase_add_test(tc, test_back);
    tcase_add_test(tc, test_random_text);
    return pc_test_run("pc-request", tc);
}
