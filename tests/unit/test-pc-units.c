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
#include "pc-units.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pc-name.h"
#include "pc-test.h"
#include "util.h"

typedef char *parse_func(const char *, uint64_t *);

static const struct {
    parse_func *parse;
    const char *text;
    uint64_t value;
} good[] = {
    { pc_units_parse_cpu, "2", 2000 },
    { pc_units_parse_cpu, "500m", 500 },
    { pc_units_parse_cpu, "1.5", 1500 },
    { pc_units_parse_cpu, "0", 0 },
    { pc_units_parse_cpu, "0.001", 1 },
    { pc_units_parse_bytes, "256MiB", 256 << 20 },
    { pc_units_parse_bytes, "256mib", 256 << 20 },
    { pc_units_parse_bytes, "1GB", 1000000000 },
    { pc_units_parse_bytes, "4096", 4096 },
    { pc_units_parse_bytes, "4096B", 4096 },
    { pc_units_parse_bytes, "0.5kB", 500 },
    { pc_units_parse_bytes, "1.5GiB", UINT64_C(3) << 29 },
    { pc_units_parse_bytes, "8388607TiB", UINT64_C(8388607) << 40 },
    { pc_units_parse_rate, "1Gbps", 1000000000 },
    { pc_units_parse_rate, "100Mbps", 100000000 },
    { pc_units_parse_rate, "64kbps", 64000 },
    { pc_units_parse_rate, "9600", 9600 },
    { pc_units_parse_rate, "2.5Gbps", 2500000000 },
    { pc_units_parse_packets, "500pps", 500 },
    { pc_units_parse_packets, "1.5kpps", 1500 },
    { pc_units_parse_packets, "2Mpps", 2000000 },
    { pc_units_parse_percent, "10%", 10 },
    { pc_units_parse_percent, "100%", 100 },
    { pc_units_parse_count, "100", 100 },
};

START_TEST(test_good)
{
    uint64_t value;
    char *error = good[_i].parse(good[_i].text, &value);

    ck_assert_msg(!error, "%s: %s", good[_i].text, error);
    ck_assert_uint_eq(value, good[_i].value);
}
END_TEST

static const struct {
    parse_func *parse;
    const char *text, *error;
} bad[] = {
    { pc_units_parse_cpu, "", "empty" },
    { pc_units_parse_cpu, "two", "must begin with a number" },
    { pc_units_parse_cpu, "-1", "negative" },
    { pc_units_parse_cpu, "2M", "unknown unit" },
    { pc_units_parse_cpu, "2.", "must begin with a number" },
    { pc_units_parse_cpu, ".5", "must begin with a number" },
    { pc_units_parse_cpu, "0.0001", "too many digits after the point" },
    { pc_units_parse_cpu, "0.5m", "too many digits after the point" },
    { pc_units_parse_cpu, "2 ", "unknown unit" },
    { pc_units_parse_cpu, "99999999999999999999", "too large" },
    { pc_units_parse_bytes, "1XB", "unknown unit" },
    { pc_units_parse_bytes, "1 MB", "unknown unit" },
    { pc_units_parse_bytes, "0.5", "too many digits after the point" },
    { pc_units_parse_bytes, "8388608TiB", "too large" },
    { pc_units_parse_bytes, "99999999TiB", "too large" },
    { pc_units_parse_bytes, "1.2345678901234567GB", "too many digits" },
    { pc_units_parse_bytes, "MiB", "must begin with a number" },
    { pc_units_parse_bytes, "1e6", "unknown unit" },
    { pc_units_parse_rate, "1GB", "unknown unit" },
    { pc_units_parse_rate, "fast", "not a rate" },
    { pc_units_parse_percent, "101%", "more than 100%" },
    { pc_units_parse_percent, "10", "no unit" },
    { pc_units_parse_percent, "10.5%", "too many digits" },
    { pc_units_parse_count, "1k", "unknown unit" },
    { pc_units_parse_count, "5\n", "\"5\\x0a\" is not a number" },
};

START_TEST(test_bad)
{
    uint64_t value = 1;
    char *error = bad[_i].parse(bad[_i].text, &value);

    ck_assert_msg(error && strstr(error, bad[_i].error), "\"%s\": %s",
                  bad[_i].text, error);
    ck_assert(!strchr(error, '\n'));
    ck_assert_uint_eq(value, 0);
    free(error);
}
END_TEST

static void
check_format(char *(*format)(uint64_t), parse_func *parse, uint64_t value,
             const char *text)
{
    uint64_t back;
    char *s = format(value);
    char *error = parse(s, &back);

    ck_assert_str_eq(s, text);
    ck_assert_ptr_null(error);
    ck_assert_uint_eq(back, value);
    free(s);
}

START_TEST(test_format)
{
    check_format(pc_units_format_cpu, pc_units_parse_cpu, 2000, "2");
    check_format(pc_units_format_cpu, pc_units_parse_cpu, 500, "500m");
    check_format(pc_units_format_cpu, pc_units_parse_cpu, 1500, "1500m");
    check_format(pc_units_format_bytes, pc_units_parse_bytes, 0, "0B");
    check_format(pc_units_format_bytes, pc_units_parse_bytes, 256 << 20,
                 "256MiB");
    check_format(pc_units_format_bytes, pc_units_parse_bytes, 1000000000,
                 "1GB");
    check_format(pc_units_format_bytes, pc_units_parse_bytes, 1001, "1001B");
    check_format(pc_units_format_rate, pc_units_parse_rate, 1000000000,
                 "1Gbps");
    check_format(pc_units_format_rate, pc_units_parse_rate, 1500000,
                 "1500kbps");
}
END_TEST

START_TEST(test_capacity)
{
    uint64_t value;
    char *s;

    ck_assert_ptr_null(pc_units_parse_capacity("cpu", "500m", &value));
    ck_assert_uint_eq(value, 500);
    s = pc_units_format_capacity("memory", 1 << 20);
    ck_assert_str_eq(s, "1MiB");
    free(s);
    s = pc_units_parse_capacity("colour", "1", &value);
    ck_assert_ptr_nonnull(strstr(s, "unknown capacity \"colour\""));
    free(s);
}
END_TEST

static const struct {
    const char *name, *error;   /* Null: a good name. */
} names[] = {
    { "a", NULL },
    { "squid-1.b_C", NULL },
    { "9lives", NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "has 64 characters" },
    { "", "a service name must not be empty" },
    { "-x", "has '-' at position 1" },
    { ".", "has '.' at position 1" },
    { "a/b", "has '/' at position 2" },
    { "a b", "has a space at position 2" },
    { "a\nb", "has byte 0x0a at position 2" },
    { "\xc3\xbc", "byte 0xc3 at position 1" },
};

START_TEST(test_name)
{
    char *error = pc_name_check("service", names[_i].name);

    if (names[_i].error) {
        ck_assert_msg(error && strstr(error, names[_i].error), "%s: %s",
                      names[_i].name, error);
        ck_assert(!strchr(error, '\n'));
    } else {
        ck_assert_ptr_null(error);
    }
    free(error);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_good, 0, ARRAY_SIZE(good));
    tcase_add_loop_test(tc, test_bad, 0, ARRAY_SIZE(bad));
    tcase_add_test(tc, test_format);
    tcase_add_test(tc, test_capacity);
    tcase_add_loop_test(tc, test_name, 0, ARRAY_SIZE(names));
    return pc_test_run("pc-units", tc);
}
