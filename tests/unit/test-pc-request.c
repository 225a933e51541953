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

/* Unit tests of pc-request.  With "--list" it prints its cases of JSON as
 * tests/check-manifest-schema reads them, with "--read FILE" what it reads in
 * the file. */

#include <config.h>
#include "pc-request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pc-fs.h"
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

#define TIMES "\"begin\": \"now\", \"end\": \"+1h\""
#define SLOT "{" TIMES ", \"capacity\": {\"cpu\": \"1\"}}"
#define REST "\"provider\": \"p1\", \"slots\": [" SLOT "]"
#define WITH_SLOT(MEMBERS) "{\"provider\": \"p1\", \"slots\": [{" MEMBERS "}]}"
#define WITH_CAPACITY(MEMBERS) \
    WITH_SLOT(TIMES ", \"capacity\": {" MEMBERS "}")
#define WITH_BEGIN(TEXT) \
    WITH_SLOT("\"begin\": \"" TEXT "\", \"end\": \"9999-12-31\", " \
              "\"capacity\": {\"cpu\": \"1\"}")
#define WITH_END(TEXT) \
    WITH_SLOT("\"begin\": \"now\", \"end\": \"" TEXT "\", " \
              "\"capacity\": {\"cpu\": \"1\"}")

static const struct {
    const char *json;
    const char *slots;          /* Formatted; NULL: that of SLOT. */
} good_json[] = {
    { "{" REST "}", NULL },
    { "{" REST ", \"$schema\": \"s\", \"name\": \"r1\", \"service\": \"cache\","
      " \"cloudlet\": \"c1\", \"from\": \"10.1.0.7\"}", NULL },
    { "{" REST ", \"from\": \"2001:db8::7\"}", NULL },
    { "{" REST ", \"from\": \"::ffff:10.1.0.7\"}", NULL },
    { WITH_CAPACITY("\"cpu\": 2, \"memory\": 1000, \"disk\": 0, \"network\": 9"),
      "2026-12-01T08:00:00Z/2026-12-01T09:00:00Z:"
      "cpu=2,memory=1kB,network=9bps" },
    { WITH_CAPACITY("\"cpu\": \"0.5\", \"memory\": \"1.5kib\","
                    " \"disk\": \"7b\", \"network\": \"1GBPS\""),
      "2026-12-01T08:00:00Z/2026-12-01T09:00:00Z:"
      "cpu=500m,memory=1536B,disk=7B,network=1Gbps" },
    { WITH_BEGIN("2026-12-01"),
      "2026-12-01T00:00:00Z/9999-12-31T00:00:00Z:cpu=1" },
    { WITH_BEGIN("2026-12-01T08:00+01:00"),
      "2026-12-01T07:00:00Z/9999-12-31T00:00:00Z:cpu=1" },
    { WITH_BEGIN("@0"), "1970-01-01T00:00:00Z/9999-12-31T00:00:00Z:cpu=1" },
    { WITH_BEGIN("now-1d12h"),
      "2026-11-29T20:00:00Z/9999-12-31T00:00:00Z:cpu=1" },
    { "{\"provider\": \"p1\", \"slots\": [" SLOT ", {\"begin\": \"now+1h\","
      " \"end\": \"now+2h\", \"capacity\": {\"disk\": \"1B\"}}]}",
      "2026-12-01T08:00:00Z/2026-12-01T09:00:00Z:cpu=1 "
      "2026-12-01T09:00:00Z/2026-12-01T10:00:00Z:disk=1B" },
};

static const struct {
    const char *json;
    const char *error;          /* What the error begins with. */
    bool beyond_schema;         /* The schema cannot say that. */
} bad_json[] = {
    { "[]", "$: must be an object", false },
    { "{}", "$: \"provider\" is missing", false },
    { "{\"provider\": \"p1\"}", "$: \"slots\" is missing", false },
    { "{" REST ", \"colour\": 1}", "$: unknown member \"colour\"", false },
    { "{" REST ", \"$schema\": 1}", "$.$schema: must be a string", false },
    { "{" REST ", \"name\": 1}", "$.name: must be a string", false },
    { "{" REST ", \"name\": \"\"}", "$.name: \"\" must be 1 to 63", false },
    { "{" REST ", \"service\": \"-s\"}", "$.service: \"-s\" must be", false },
    { "{" REST ", \"cloudlet\": \"a b\"}", "$.cloudlet: \"a b\" must", false },
    { "{" REST ", \"cloudlet\": \"a\\nb\"}", "$.cloudlet: \"a?b\" must", false },
    { "{" REST ", \"cloudlet\": null}", "$.cloudlet: must be a string", false },
    { "{" REST ", \"from\": \"host\"}", "$.from: \"host\" must be an IPv4",
      false },
    { "{" REST ", \"from\": \"10.1.0.0/16\"}", "$.from: \"10.1.0.0/16\" must be",
      false },
    { "{" REST ", \"from\": \"10.1.0.256\"}", "$.from: \"10.1.0.256\" must be",
      true },
    { "{" REST ", \"from\": \":::\"}", "$.from: \":::\" must be", true },
    { "{\"provider\": \"p1\", \"slots\": {}}", "$.slots: must be an array of s",
      false },
    { "{\"provider\": \"p1\", \"slots\": []}", "$.slots: no slot", false },
    { "{\"provider\": \"p1\", \"slots\": [1]}", "$.slots[0]: must be an object",
      false },
    { "{\"provider\": \"p1\", \"slots\": [" SLOT "," SLOT "]}",
      "$.slots: slot 2: it begins at 2026-12-01T08:00:00Z, not where", true },
    { WITH_SLOT(TIMES), "$.slots[0]: \"capacity\" is missing", false },
    { WITH_SLOT("\"end\": \"+1h\", \"capacity\": {\"cpu\": 1}"),
      "$.slots[0]: \"begin\" is missing", false },
    { WITH_SLOT("\"begin\": \"now\", \"capacity\": {\"cpu\": 1}"),
      "$.slots[0]: \"end\" is missing", false },
    { WITH_SLOT(TIMES ", \"capacity\": {\"cpu\": 1}, \"x\": 1"),
      "$.slots[0]: unknown member \"x\"", false },
    { WITH_BEGIN(""), "$.slots[0].begin: ", false },
    { WITH_BEGIN("noon"), "$.slots[0].begin: \"noon\" is not a time", false },
    { WITH_BEGIN("+1h"), "$.slots[0].begin: \"+1h\" is not a time", false },
    { WITH_BEGIN("2026-12-01T08:00:00"), "$.slots[0].begin: ", false },
    { WITH_BEGIN("2026-12-01T08:00:00.5Z"), "$.slots[0].begin: ", false },
    { WITH_BEGIN("now+1"), "$.slots[0].begin: \"now+1\" is not a time", false },
    { WITH_BEGIN("2026-02-30"), "$.slots[0].begin: \"2026-02-30\" is not", true },
    { WITH_BEGIN("now+1m1h"), "$.slots[0].begin: \"now+1m1h\" is not", true },
    { WITH_SLOT("\"begin\": 0, \"end\": \"now\", \"capacity\": {\"cpu\": 1}"),
      "$.slots[0].begin: must be a string", false },
    { WITH_END("1h"), "$.slots[0].end: \"1h\" is not a time", false },
    { WITH_END("now"), "$.slots[0].end: 2026-12-01T08:00:00Z is not after",
      true },
    { WITH_END("+0s"), "$.slots[0].end: 2026-12-01T08:00:00Z is not after",
      true },
    { WITH_CAPACITY(""), "$.slots[0].capacity: asks for nothing", false },
    { WITH_CAPACITY("\"cpu\": 0"), "$.slots[0].capacity: asks for nothing",
      true },
    { WITH_CAPACITY("\"pids\": 1"),
      "$.slots[0].capacity: unknown member \"pids\"", false },
    { WITH_CAPACITY("\"cpu\": 1.5"),
      "$.slots[0].capacity.cpu: must be a string or an integer", false },
    { WITH_CAPACITY("\"cpu\": true"),
      "$.slots[0].capacity.cpu: must be a string or an integer", false },
    { WITH_CAPACITY("\"cpu\": -1"),
      "$.slots[0].capacity.cpu: \"-1\" is not a number of CPUs: nega", false },
    { WITH_CAPACITY("\"cpu\": 4398046512"),
      "$.slots[0].capacity.cpu: 4398046512 is more than 439804651", false },
    { WITH_CAPACITY("\"cpu\": \"1M\""),
      "$.slots[0].capacity.cpu: \"1M\" is not a number of CPUs", false },
    { WITH_CAPACITY("\"memory\": \"1kbps\""),
      "$.slots[0].capacity.memory: \"1kbps\" is not a size", false },
    { WITH_CAPACITY("\"disk\": 4398046511105"),
      "$.slots[0].capacity.disk: 4398046511105 is more than 4TiB", false },
    { WITH_CAPACITY("\"disk\": \"5TiB\""),
      "$.slots[0].capacity.disk: 5TiB is more than 4TiB", true },
    { WITH_CAPACITY("\"network\": \"1GB\""),
      "$.slots[0].capacity.network: \"1GB\" is not a rate", false },
};

static char *
format_slots(const struct pc_request *r)
{
    char *all = xstrdup("");

    for (size_t i = 0; i < r->n_slots; i++) {
        char *s = pc_request_format_slot(&r->slots[i]);
        char *longer = xasprintf("%s%s%s", all, i ? " " : "", s);

        free(s);
        free(all);
        all = longer;
    }
    return all;
}

START_TEST(test_good_json)
{
    struct pc_request r;
    char *error = pc_request_from_json(good_json[_i].json, NOW, &r);

    ck_assert_msg(!error, "%s: %s", good_json[_i].json, error);
    ck_assert_str_eq(r.provider, "p1");

    char *s = format_slots(&r);
    ck_assert_str_eq(s, good_json[_i].slots ? good_json[_i].slots
                     : "2026-12-01T08:00:00Z/2026-12-01T09:00:00Z:cpu=1");
    free(s);
    pc_request_destroy(&r);
    ck_assert(!r.provider && !r.slots && !r.n_slots);
}
END_TEST

START_TEST(test_bad_json)
{
    struct pc_request r;
    char *error = pc_request_from_json(bad_json[_i].json, NOW, &r);

    ck_assert_msg(error && !strncmp(error, bad_json[_i].error,
                                    strlen(bad_json[_i].error)),
                  "%s: %s", bad_json[_i].json, error);
    ck_assert(!strchr(error, '\n'));
    ck_assert(!r.provider && !r.slots && !r.n_slots);
    free(error);
}
END_TEST

START_TEST(test_members)
{
    struct pc_request r;
    char *error = pc_request_from_json(good_json[1].json, NOW, &r);

    ck_assert_ptr_null(error);
    ck_assert_str_eq(r.name, "r1");
    ck_assert_str_eq(r.service, "cache");
    ck_assert_str_eq(r.cloudlet, "c1");
    ck_assert_str_eq(r.from, "10.1.0.7");
    pc_request_destroy(&r);

    error = pc_request_from_json(good_json[0].json, NOW, &r);
    ck_assert_ptr_null(error);
    ck_assert(!r.name && !r.service && !r.cloudlet && !r.from);
    pc_request_destroy(&r);
    pc_request_destroy(NULL);
}
END_TEST

/* PC_MAX_SLOTS slots, and one more. */
START_TEST(test_many_slots)
{
    for (int n = PC_MAX_SLOTS; n <= PC_MAX_SLOTS + 1; n++) {
        char *text = xmalloc(200 * (n + 1));
        size_t length = sprintf(text, "{\"provider\": \"p1\", \"slots\": [");

        for (int i = 0; i < n; i++) {
            length += sprintf(text + length, "%s{\"begin\": \"@%d\", \"end\": "
                              "\"@%d\", \"capacity\": {\"cpu\": 1}}",
                              i ? "," : "", i, i + 1);
        }
        strcpy(text + length, "]}");

        struct pc_request r;
        char *error = pc_request_from_json(text, NOW, &r);
        if (n == PC_MAX_SLOTS) {
            ck_assert_msg(!error, "%s", error);
            ck_assert_uint_eq(r.n_slots, n);
        } else {
            ck_assert_str_eq(error, "$.slots: must have at most 1000 elements");
        }
        pc_request_destroy(&r);
        free(error);
        free(text);
    }
}
END_TEST

START_TEST(test_read)
{
    char *dir = xasprintf("%s/pc-request-XXXXXX",
                          getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    char *file = xasprintf("%s/r.json", dir);
    char *link = xasprintf("%s/link", dir);
    struct pc_request r;

    char *error = pc_request_read(file, NOW, &r);
    char *expected = xasprintf("%s: No such file or directory", file);
    ck_assert_str_eq(error, expected);
    free(error);
    free(expected);

    ck_assert_int_eq(pc_fs_write_file(file, "{\n\"provider\": }"), 0);
    error = pc_request_read(file, NOW, &r);
    expected = xasprintf("%s: line 2, column 13: ", file);
    ck_assert_msg(error && !strncmp(error, expected, strlen(expected)), "%s",
                  error);
    free(error);
    free(expected);

    ck_assert_int_eq(pc_fs_write_file(file, good_json[0].json), 0);
    ck_assert_int_eq(symlink("r.json", link), 0);
    error = pc_request_read(link, NOW, &r);
    ck_assert_msg(!error, "%s", error);
    ck_assert_uint_eq(r.n_slots, 1);
    pc_request_destroy(&r);

    pc_fs_remove_tree(dir);
    free(link);
    free(file);
    free(dir);
}
END_TEST

/* Good requests with bytes changed, left out or cut off: an error of one line or a
 * request that may be made. */
START_TEST(test_random_json)
{
    static const char letters[] = "{}[]\",:0123456789.-+eTZnowhdms\\u \n\t\x01\xff";
    int n_requests = 0;

    for (int i = 0; i < 50000; i++) {
        char *text = xstrdup(good_json[random_range(ARRAY_SIZE(good_json))].json);
        size_t n = strlen(text);

        for (size_t j = random_range(4); j; j--) {
            text[random_range(n)] = letters[random_range(sizeof letters - 1)];
        }
        if (!random_range(8)) {
            text[random_range(n)] = '\0';
        }

        struct pc_request r;
        char *error = pc_request_from_json(text, NOW, &r);
        if (error) {
            ck_assert_msg(!strchr(error, '\n'), "%s", error);
            ck_assert(!r.provider && !r.slots && !r.n_slots);
        } else {
            n_requests++;
            error = pc_slots_check(r.slots, r.n_slots);
            ck_assert_msg(!error, "%s: %s", text, error);
        }
        free(error);
        pc_request_destroy(&r);
        free(text);
    }
    ck_assert_int_gt(n_requests, 5000);
}
END_TEST

static int
list_cases(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(good_json); i++) {
        printf("1 %s\n", good_json[i].json);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad_json); i++) {
        printf("%c %s\n", bad_json[i].beyond_schema ? '1' : '0',
               bad_json[i].json);
    }
    return 0;
}

static int
read_file(const char *file)
{
    struct pc_request r;
    char *error = pc_request_read(file, NOW, &r);

    if (error) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return 1;
    }
    char *slots = format_slots(&r);
    printf("provider=%s cloudlet=%s from=%s\n%s\n", r.provider,
           r.cloudlet ? r.cloudlet : "", r.from ? r.from : "", slots);
    free(slots);
    pc_request_destroy(&r);
    return 0;
}

int
main(int argc, char *argv[])
{
    if (argc > 1 && !strcmp(argv[1], "--list")) {
        return list_cases();
    } else if (argc > 2 && !strcmp(argv[1], "--read")) {
        return read_file(argv[2]);
    }

    TCase *tc = tcase_create("all");

    random_set_seed(1);
    tcase_add_loop_test(tc, test_good, 0, ARRAY_SIZE(good));
    tcase_add_loop_test(tc, test_bad, 0, ARRAY_SIZE(bad));
    tcase_add_test(tc, test_back);
    tcase_add_test(tc, test_random_text);
    tcase_add_loop_test(tc, test_good_json, 0, ARRAY_SIZE(good_json));
    tcase_add_loop_test(tc, test_bad_json, 0, ARRAY_SIZE(bad_json));
    tcase_add_test(tc, test_members);
    tcase_add_test(tc, test_many_slots);
    tcase_add_test(tc, test_read);
    tcase_add_test(tc, test_random_json);
    return pc_test_run("pc-request", tc);
}
