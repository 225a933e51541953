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

/* Unit tests of pc-manifest.  With "--list" it prints its cases, a line each,
 * '1' (good) or '0' (bad) and the JSON, for tests/check-manifest-schema. */

#include <config.h>
#include "pc-manifest.h"
#include "pc-test.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN "\"name\": \"x\", \"mode\": \"route\", \"command\": [\"/bin/x\"]"

static const char *const good[] = {
    "{" MIN "}",
    "{" MIN ", \"$schema\": \"s\", \"version\": \"1\", \"description\": \"d\"}",
    "{" MIN ", \"base\": \"host\"}",
    "{" MIN ", \"user\": \"proxy:13\", \"env\": {\"A_1\": \"b c\"}}",
    "{" MIN ", \"capabilities\": [\"net_admin\", \"kill\"]}",
    "{" MIN ", \"sysctls\": {\"net.ipv4.conf.eth0.rp_filter\": \"0\"}}",
    "{" MIN ", \"setup\": [[\"/bin/a\", \"-b\", \"\"], [\"/bin/c\"]]}",
    "{" MIN ", \"setup\": []}",
    "{" MIN ", \"files\": {\"/a/b\": {\"content\": \"\"},"
        " \"/c\": {\"source\": \"d/e\", \"mode\": \"0600\", \"owner\": \"0:0\"}}}",
    "{" MIN ", \"directories\": {\"/var/x\": {\"owner\": \"www-data\"}}}",
    "{" MIN ", \"modes\": {\"inline\": {\"setup\": [[\"/bin/a\"]],"
        " \"capabilities\": [\"net_raw\"]}, \"tap\": {}}}",
    "{" MIN ", \"devices\": [\"tun\"], \"mtu\": 1400, \"offload\": false}",
    "{" MIN ", \"readiness\": {\"tcp\": 80, \"interval_ms\": 100,"
        " \"timeout_ms\": 50, \"rise\": 2, \"fall\": 1}}",
    "{" MIN ", \"readiness\": {\"http\": {\"port\": 80, \"path\": \"/a\","
        " \"status\": 204}}}",
    "{" MIN ", \"readiness\": {\"exec\": [\"/bin/true\"]}}",
    "{" MIN ", \"stop\": {\"signal\": \"INT\", \"grace_ms\": 0}}",
};

static const struct {
    const char *json;
    const char *error;          /* What the error begins with. */
} bad[] = {
    { "[]", "$: must be an object" },
    { "{}", "$: \"name\" is missing" },
    { "{\"name\": \"x\", \"mode\": \"route\"}", "$: \"command\" is missing" },
    { "{\"name\": \"x\", \"command\": [\"/x\"]}", "$: \"mode\" is missing" },
    { "{\"name\": \"-x\", \"mode\": \"tap\", \"command\": [\"/x\"]}",
      "$.name: \"-x\" must be" },
    { "{\"name\": \"x\", \"mode\": \"bridge\", \"command\": [\"/x\"]}",
      "$.mode: \"bridge\" must be" },
    { "{\"name\": \"x\", \"mode\": \"tap\", \"command\": []}",
      "$.command: must not be empty" },
    { "{\"name\": \"x\", \"mode\": \"tap\", \"command\": [\"x\"]}",
      "$.command[0]: \"x\" must be the absolute path" },
    { "{\"name\": \"x\", \"mode\": \"tap\", \"command\": \"/x\"}",
      "$.command: must be an array" },
    { "{\"name\": \"x\", \"mode\": \"tap\", \"command\": [\"/x\", 1]}",
      "$.command[1]: must be a string" },
    { "{" MIN ", \"colour\": 1}", "$: unknown member \"colour\"" },
    { "{" MIN ", \"version\": 1}", "$.version: must be a string" },
    { "{" MIN ", \"base\": \"guest\"}", "$.base: \"guest\" must be" },
    { "{" MIN ", \"user\": \"a b\"}", "$.user: \"a b\" must be" },
    { "{" MIN ", \"user\": \"123456\"}", "$.user: \"123456\" must be" },
    { "{" MIN ", \"env\": {\"1A\": \"b\"}}", "$.env[\"1A\"]: name must be" },
    { "{" MIN ", \"env\": {\"A\": 1}}", "$.env[\"A\"]: must be a string" },
    { "{" MIN ", \"capabilities\": [\"sys_admin\"]}",
      "$.capabilities[0]: \"sys_admin\" must be" },
    { "{" MIN ", \"capabilities\": [\"kill\", \"kill\"]}",
      "$.capabilities: \"kill\" is repeated" },
    { "{" MIN ", \"sysctls\": {\"kernel.hostname\": \"x\"}}",
      "$.sysctls[\"kernel.hostname\"]: name must be" },
    { "{" MIN ", \"sysctls\": {\"net..x\": \"x\"}}",
      "$.sysctls[\"net..x\"]: name must be" },
    { "{" MIN ", \"sysctls\": {\"net.a\": \"$(x)\"}}",
      "$.sysctls[\"net.a\"]: \"$(x)\" must be" },
    { "{" MIN ", \"setup\": [\"/bin/a\"]}", "$.setup[0]: must be an array" },
    { "{" MIN ", \"setup\": [[\"/bin/a\"], [\"b\"]]}",
      "$.setup[1][0]: \"b\" must be" },
    { "{" MIN ", \"files\": {\"a\": {\"content\": \"\"}}}",
      "$.files[\"a\"]: name must be an absolute path" },
    { "{" MIN ", \"files\": {\"/a/../b\": {\"content\": \"\"}}}",
      "$.files[\"/a/../b\"]: name must be" },
    { "{" MIN ", \"files\": {\"/a\": {}}}", "$.files[\"/a\"]: must have one" },
    { "{" MIN ", \"files\": {\"/a\": {\"content\": \"\","
        " \"source\": \"b\"}}}", "$.files[\"/a\"]: must have one" },
    { "{" MIN ", \"files\": {\"/a\": {\"source\": \"../b\"}}}",
      "$.files[\"/a\"].source: \"../b\" must be a relative path" },
    { "{" MIN ", \"files\": {\"/a\": {\"source\": \"/b\"}}}",
      "$.files[\"/a\"].source: \"/b\" must be a relative path" },
    { "{" MIN ", \"files\": {\"/a\": {\"content\": \"\","
        " \"mode\": \"4755\"}}}", "$.files[\"/a\"].mode: \"4755\" must be" },
    { "{" MIN ", \"directories\": {\"/a\": {\"content\": \"\"}}}",
      "$.directories[\"/a\"]: unknown member \"content\"" },
    { "{" MIN ", \"modes\": {\"bridge\": {}}}", "$.modes: \"bridge\" must be" },
    { "{" MIN ", \"modes\": {\"tap\": {\"command\": []}}}",
      "$.modes.tap: unknown member \"command\"" },
    { "{" MIN ", \"devices\": [\"kvm\"]}", "$.devices[0]: \"kvm\" must be" },
    { "{" MIN ", \"mtu\": 100}", "$.mtu: must be from 576 to 65535" },
    { "{" MIN ", \"mtu\": \"1500\"}", "$.mtu: must be an integer" },
    { "{" MIN ", \"mtu\": null}", "$.mtu: must be an integer" },
    { "{" MIN ", \"offload\": 1}", "$.offload: must be true or false" },
    { "{" MIN ", \"readiness\": {}}", "$.readiness: must have one of" },
    { "{" MIN ", \"readiness\": {\"tcp\": 1, \"exec\": [\"/x\"]}}",
      "$.readiness: must have one of" },
    { "{" MIN ", \"readiness\": {\"tcp\": 0}}", "$.readiness.tcp: must be" },
    { "{" MIN ", \"readiness\": {\"http\": {\"path\": \"/\"}}}",
      "$.readiness.http: \"port\" is missing" },
    { "{" MIN ", \"readiness\": {\"http\": {\"port\": 1, \"path\": \"x\"}}}",
      "$.readiness.http.path: \"x\" must begin" },
    { "{" MIN ", \"stop\": {\"signal\": \"SIGTERM\"}}",
      "$.stop.signal: \"SIGTERM\" must be" },
    { "{" MIN ", \"stop\": {\"grace_ms\": -1}}", "$.stop.grace_ms: must be" },
};

static char *
parse(const char *s, struct pc_manifest **m)
{
    return pc_manifest_parse(s, strlen(s), m);
}

START_TEST(good_ones)
{
    struct pc_manifest *m;
    char *error = parse(good[_i], &m);

    ck_assert_msg(!error, "%s: %s", good[_i], error);
    ck_assert_str_eq(m->name, "x");
    pc_manifest_destroy(m);
}
END_TEST

START_TEST(bad_ones)
{
    struct pc_manifest *m;
    char *error = parse(bad[_i].json, &m);

    ck_assert_msg(error != NULL, "%s", bad[_i].json);
    ck_assert_ptr_null(m);
    ck_assert_msg(!strncmp(error, bad[_i].error, strlen(bad[_i].error)),
                  "%s: %s", bad[_i].json, error);
    free(error);
}
END_TEST

START_TEST(not_json)
{
    static const char *const texts[] = {
        "", "{", "{\"name\": \"a\", \"name\": \"b\"}", "{} x",
        "{\"name\": \"a\\u0000b\"}",
    };
    struct pc_manifest *m;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *error = parse(texts[i], &m);

        ck_assert_msg(error && !strncmp(error, "line ", 5), "%s", texts[i]);
        free(error);
    }
}
END_TEST

START_TEST(parts_are_added)
{
    struct pc_manifest_part part;
    struct pc_manifest *m;
    char *error = parse(
        "{" MIN ", \"capabilities\": [\"kill\"],"
        " \"sysctls\": {\"net.a\": \"1\", \"net.ab\": \"2\"},"
        " \"setup\": [[\"/1\"]],"
        " \"modes\": {\"inline\": {\"capabilities\": [\"net_raw\", \"kill\"],"
        " \"sysctls\": {\"net.a\": \"3\"}, \"setup\": [[\"/2\", \"x\"]]}}}",
        &m);

    ck_assert_ptr_null(error);
    ck_assert_uint_eq(m->modes, 1u << PC_MANIFEST_ROUTE
                                | 1u << PC_MANIFEST_INLINE);
    pc_manifest_part_of_mode(m, PC_MANIFEST_INLINE, &part);
    ck_assert_str_eq(part.capabilities[0], "net_raw");
    ck_assert_str_eq(part.capabilities[1], "kill");
    ck_assert_ptr_null(part.capabilities[2]);
    ck_assert_str_eq(part.sysctls[0], "net.a=3");
    ck_assert_str_eq(part.sysctls[1], "net.ab=2");
    ck_assert_str_eq(part.setup[0][0], "/1");
    ck_assert_str_eq(part.setup[1][1], "x");
    ck_assert_ptr_null(part.setup[2]);
    pc_manifest_part_destroy(&part);
    ck_assert_int_eq(m->stop_signal, SIGTERM);
    ck_assert_uint_eq(m->stop_grace_ms, 2000);
    pc_manifest_destroy(m);
}
END_TEST

int
main(int argc, char *argv[])
{
    const int n_good = sizeof good / sizeof *good;
    const int n_bad = sizeof bad / sizeof *bad;
    TCase *tc = tcase_create("all");

    if (argc > 1 && !strcmp(argv[1], "--list")) {
        for (int i = 0; i < n_good; i++) {
            printf("1 %s\n", good[i]);
        }
        for (int i = 0; i < n_bad; i++) {
            printf("0 %s\n", bad[i].json);
        }
        return 0;
    }
    tcase_add_loop_test(tc, good_ones, 0, n_good);
    tcase_add_loop_test(tc, bad_ones, 0, n_bad);
    tcase_add_test(tc, not_json);
    tcase_add_test(tc, parts_are_added);
    return pc_test_run("pc-manifest", tc);
}
