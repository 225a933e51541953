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
#include "pc-time.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pc-slot.h"
#include "pc-test.h"
#include "random.h"
#include "util.h"

#define NOW INT64_C(1796112000)    /* 2026-12-01T08:00:00Z */

static const struct {
    const char *text;
    int64_t time;
} good[] = {
    { "2026-12-01T08:00:00Z", NOW },
    { "2026-12-01t08:00:00z", NOW },
    { "2026-12-01T08:00Z", NOW },
    { "2026-12-01T09:00:00+01:00", NOW },
    { "2026-12-01T02:30-05:30", NOW },
    { "2026-12-02T07:59:00+23:59", NOW },
    { "2026-12-01T08:00:00-00:00", NOW },
    { "2026-12-01", NOW - 8 * 3600 },
    { "1970-01-01", 0 },
    { "1970-01-01T01:00:00+01:00", 0 },
    { "1969-12-31T23:00:00-01:00", 0 },
    { "2024-02-29", 1709164800 },
    { "2000-02-29", 951782400 },
    { "2038-01-19T03:14:08Z", INT64_C(2147483648) },
    { "9999-12-31T23:59:59Z", PC_TIME_MAX },
    { "2016-12-31T23:59:60Z", 1483228800 },
    { "2017-01-01T08:59:60+09:00", 1483228800 },
    { "now", NOW },
    { "now+2h", NOW + 7200 },
    { "now-15m", NOW - 900 },
    { "now+1d12h", NOW + 129600 },
    { "@0", 0 },
    { "@1796112000", NOW },
    { "@253402300799", PC_TIME_MAX },
};

START_TEST(test_good)
{
    int64_t time = 1;
    char *error = pc_time_parse(good[_i].text, NOW, &time);

    ck_assert_msg(!error, "%s: %s", good[_i].text, error);
    ck_assert_int_eq(time, good[_i].time);
}
END_TEST

static const struct {
    const char *text, *error;
} bad[] = {
    { "", "empty" },
    { "tomorrow", "it must be a date" },
    { "26-12-01", "it must be a date" },
    { "2026-12", "it must be a date" },
    { "2026-12-1", "it must be a date" },
    { "2026/12/01", "it must be a date" },
    { " 2026-12-01", "it must be a date" },
    { "2026-12-01 ", "there must be a time such as" },
    { "2026-12-01 08:00:00Z", "there must be a time such as" },
    { "2026-12-01T", "there must be a time such as" },
    { "2026-12-01T08Z", "there must be a time such as" },
    { "2026-12-01T8:00Z", "there must be a time such as" },
    { "2026-12-01T08:00:0Z", "there must be a time such as" },
    { "2026-12-01T08:00", "must end with Z" },
    { "2026-12-01T08:00:00", "must end with Z" },
    { "2026-12-01T08:00:00Z ", "must end with Z" },
    { "2026-12-01T08:00:00+0100", "must end with Z" },
    { "2026-12-01T08:00:00+24:00", "must end with Z" },
    { "2026-12-01T08:00:00+01:60", "must end with Z" },
    { "2026-12-01T08:00:00.5Z", "a fraction of a second" },
    { "2026-12-01T24:00:00Z", "no such time of day" },
    { "2026-12-01T08:60:00Z", "no such time of day" },
    { "2026-12-01T08:00:61Z", "no such time of day" },
    { "2026-12-01T08:00:60Z", "leap seconds are at the end of a day" },
    { "2026-12-01T23:59:60+01:00", "leap seconds are at the end of a day" },
    { "2026-13-01", "no such month" },
    { "2026-00-01", "no such month" },
    { "2026-02-29", "no such day" },
    { "2100-02-29", "no such day" },
    { "2026-12-00", "no such day" },
    { "2026-12-32", "no such day" },
    { "1969-12-31T23:59:59Z", "years 1970 to 9999" },
    { "0000-01-01", "years 1970 to 9999" },
    { "1970-01-01T00:00:00+00:01", "years 1970 to 9999" },
    { "9999-12-31T23:59:60Z", "years 1970 to 9999" },
    { "9999-12-31T23:59:59-00:01", "years 1970 to 9999" },
    { "now+", "numbers with units" },
    { "now 1h", "there may be + or -" },
    { "now+1", "no unit" },
    { "now+-1h", "numbers with units" },
    { "now-9999999h", "years 1970 to 9999" },
    { "now+253402300799s", "years 1970 to 9999" },
    { "@", "seconds since the epoch" },
    { "@-1", "seconds since the epoch" },
    { "@1.5", "digits only" },
    { "@253402300800", "years 1970 to 9999" },
    { "@99999999999999999999999", "years 1970 to 9999" },
    { "20\n", "\"20\\x0a\" is not a time" },
};

START_TEST(test_bad)
{
    int64_t time = 1;
    char *error = pc_time_parse(bad[_i].text, NOW, &time);

    ck_assert_msg(error && strstr(error, bad[_i].error), "\"%s\": %s",
                  bad[_i].text, error);
    ck_assert(!strchr(error, '\n'));
    ck_assert_int_eq(time, 0);
    free(error);
}
END_TEST

static const struct {
    const char *text;
    int64_t seconds;
    const char *formatted;      /* Null: 'text'. */
} lengths[] = {
    { "0s", 0, NULL },
    { "1d12h", 129600, NULL },
    { "90m", 5400, "1h30m" },
    { "30s", 30, NULL },
    { "2w", 1209600, "14d" },
    { "1w1d1h1m1s", 694861, "8d1h1m1s" },
    { "007s", 7, "7s" },
    { "253402300799s", PC_TIME_MAX, "2932896d23h59m59s" },
};

START_TEST(test_length)
{
    int64_t seconds = 1;
    char *error = pc_time_parse_length(lengths[_i].text, &seconds);
    char *s = pc_time_format_length(lengths[_i].seconds);

    ck_assert_msg(!error, "%s: %s", lengths[_i].text, error);
    ck_assert_int_eq(seconds, lengths[_i].seconds);
    ck_assert_str_eq(s, (lengths[_i].formatted ? lengths[_i].formatted
                         : lengths[_i].text));
    free(s);
}
END_TEST

static const struct {
    const char *text, *error;
} bad_lengths[] = {
    { "", "empty" },
    { "h", "numbers with units" },
    { "1h ", "numbers with units" },
    { "-1h", "numbers with units" },
    { "60", "no unit" },
    { "1h30", "no unit" },
    { "1y", "unknown unit" },
    { "1H", "unknown unit" },
    { "1.5h", "a fraction is not accepted" },
    { "30m1h", "from larger to smaller, each once" },
    { "1h1h", "from larger to smaller, each once" },
    { "253402300800s", "too long" },
    { "418986w", "too long" },
    { "99999999999999999999s", "too long" },
    { "253402300799w", "too long" },
    { "2932896d24h", "too long" },
};

START_TEST(test_bad_length)
{
    int64_t seconds = 1;
    char *error = pc_time_parse_length(bad_lengths[_i].text, &seconds);

    ck_assert_msg(error && strstr(error, bad_lengths[_i].error), "\"%s\": %s",
                  bad_lengths[_i].text, error);
    ck_assert_int_eq(seconds, 0);
    free(error);
}
END_TEST

START_TEST(test_format_out_of_range)
{
    static const struct {
        char *(*format)(int64_t);
        int64_t value;
        const char *text;
    } cases[] = {
        { pc_time_format, -1, "@-1" },
        { pc_time_format, PC_TIME_MAX + 1, "@253402300800" },
        { pc_time_format, INT64_MIN, "@-9223372036854775808" },
        { pc_time_format_length, -3600, "-1h" },
        { pc_time_format_length, INT64_MIN, "-106751991167300d15h30m8s" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *s = cases[i].format(cases[i].value);

        ck_assert_str_eq(s, cases[i].text);
        free(s);
    }
}
END_TEST

/* What the formatters write parses back, and is what the C library writes. */
START_TEST(test_back)
{
    for (int i = 0; i < 20000; i++) {
        int64_t t = ((uint64_t) random_uint32() << 32 | random_uint32())
                    % (PC_TIME_MAX + 1);
        char *s = pc_time_format(t);
        char *length = pc_time_format_length(t);
        int64_t back;
        char *error = pc_time_parse(s, 0, &back);

        ck_assert_msg(!error, "%s", error);
        ck_assert_int_eq(back, t);

        time_t tt = t;
        struct tm tm;
        char expected[64];
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ",
                 gmtime_r(&tt, &tm));
        ck_assert_str_eq(s, expected);

        error = pc_time_parse_length(length, &back);
        ck_assert_msg(!error, "%s", error);
        ck_assert_int_eq(back, t);
        free(s);
        free(length);
    }
}
END_TEST

/* Text made of what times are made of: whatever it is, the answer is either a
 * time in range or an error. */
START_TEST(test_random_text)
{
    static const char letters[] = "0123456789--::TtZz+-.@nowdhms \n\xff";
    int n_times = 0;

    for (int i = 0; i < 200000; i++) {
        char text[32];
        size_t n = random_range(sizeof text);
        size_t kept = 0;

        if (i % 2) {
            /* A good one with a few bytes changed. */
            const char *s = good[random_range(ARRAY_SIZE(good))].text;
            ovs_strlcpy(text, s, sizeof text);
            n = strlen(text);
            kept = n - MIN(n, random_range(4));
        }
        for (size_t j = kept; j < n; j++) {
            text[j] = letters[random_range(sizeof letters - 1)];
        }
        text[n] = '\0';

        int64_t time;
        char *error = pc_time_parse(text, NOW, &time);
        ck_assert_int_ge(time, 0);
        ck_assert_int_le(time, PC_TIME_MAX);
        ck_assert(!error || !time);
        n_times += !error;
        free(error);

        int64_t seconds;
        error = pc_time_parse_length(text, &seconds);
        ck_assert_int_ge(seconds, 0);
        ck_assert_int_le(seconds, PC_TIME_MAX);
        free(error);
    }
    ck_assert_int_gt(n_times, 1000);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    random_set_seed(1);
    tcase_add_loop_test(tc, test_good, 0, ARRAY_SIZE(good));
    tcase_add_loop_test(tc, test_bad, 0, ARRAY_SIZE(bad));
    tcase_add_loop_test(tc, test_length, 0, ARRAY_SIZE(lengths));
    tcase_add_loop_test(tc, test_bad_length, 0, ARRAY_SIZE(bad_lengths));
    tcase_add_test(tc, test_format_out_of_range);
    tcase_add_test(tc, test_back);
    tcase_add_test(tc, test_random_text);
    return pc_test_run("pc-time", tc);
}
