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
#undef NDEBUG
#include "pc-overlap.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "pc-match.h"
#include "pc-test.h"
#include "random.h"
#include "util.h"
#include "uuid.h"

static void
make(int id, const char *text, int priority, struct pc_rule_match *m,
     struct pc_rule *rule)
{
    char *error = pc_rule_match_parse(text, NULL, m);

    ck_assert_msg(!error, "%s: %s", text, error);
    *rule = (struct pc_rule) { .uuid.parts[0] = id, .priority = priority,
                               .match = m };
}

static struct pc_overlap_place
put_at(struct pc_overlap *o, int id, const char *text, int priority,
       enum pc_rule_direction direction, uint16_t level)
{
    struct pc_overlap_place place;
    struct pc_rule_match m;
    struct pc_rule rule;

    make(id, text, priority, &m, &rule);
    rule.direction = direction;
    pc_overlap_insert(o, &rule, level, &place);
    pc_rule_match_destroy(&m);
    return place;
}

static int
put(struct pc_overlap *o, int id, const char *text, int priority)
{
    return put_at(o, id, text, priority, PC_RULE_BOTH, PC_OVERLAP_NEW).level;
}

static void
drop(struct pc_overlap *o, int id)
{
    pc_overlap_remove(o, &(struct uuid) { .parts[0] = id });
}

static int
level(const struct pc_overlap *o, int id)
{
    return pc_overlap_level(o, &(struct uuid) { .parts[0] = id });
}

/* Checks what pc_overlap_find() says of a rule of priority 1000: "ID
 * mine/its [self] PACKET" or "none". */
static void
check_find(const struct pc_overlap *o, int id, const char *text,
           const char *expected)
{
    struct pc_overlap_found f;
    struct pc_rule_match m;
    struct pc_rule rule;
    char *s;

    make(id, text, 1000, &m, &rule);
    if (pc_overlap_find(o, &rule, &f)) {
        char *packet = pc_packet_format(&f.packet);

        s = xasprintf("%u %c%c%s %s", f.rule.parts[0], "fr"[f.mine],
                      "fr"[f.its], f.self ? " self" : "", packet);
        free(packet);
    } else {
        s = xstrdup("none");
    }
    ck_assert_str_eq(s, expected);
    free(s);
    pc_rule_match_destroy(&m);
}

START_TEST(test_find)
{
    struct pc_overlap *o = pc_overlap_create();

    /* A rule and its own reverse, but not packets from a host to itself. */
    check_find(o, 1, "ip,nw_src=10.1.0.0/16",
               "1 fr self ip,nw_src=10.1.0.0,nw_dst=10.1.0.1");
    check_find(o, 1, "ip,nw_src=10.1.0.1", "none");
    check_find(o, 1, "ip,nw_src=10.1.0.0/16,nw_dst=10.2.0.0/16", "none");
    check_find(o, 1, "ipv6", "none");
    put(o, 1, "ip,nw_src=10.1.0.1", 1000);
    check_find(o, 1, "ip,nw_src=10.1.0.1", "none");
    check_find(o, 2, "tcp,nw_src=10.1.0.1", "1 ff tcp,nw_src=10.1.0.1");

    /* Opposite directions; a mask that no rule has, and one that a rule has. */
    check_find(o, 2, "udp,nw_src=10.2.0.0/16,tp_dst=53",
               "1 fr udp,nw_src=10.2.0.0,nw_dst=10.1.0.1,udp_dst=53");
    check_find(o, 2, "ip,nw_dst=10.2.0.1",
               "1 ff ip,nw_src=10.1.0.1,nw_dst=10.2.0.1");
    check_find(o, 2, "ip,nw_src=10.2.0.1",
               "1 fr ip,nw_src=10.2.0.1,nw_dst=10.1.0.1");
    check_find(o, 2, "ipv6,ipv6_src=2001:db8::1", "none");

    /* The oldest is named, whatever its mask. */
    put(o, 3, "tcp,tp_dst=80", 1000);
    check_find(o, 4, "tcp,nw_src=10.1.0.1,tp_dst=80",
               "1 ff tcp,nw_src=10.1.0.1,tp_dst=80");
    drop(o, 1);
    check_find(o, 4, "tcp,nw_src=10.1.0.1,tp_dst=80",
               "3 ff tcp,nw_src=10.1.0.1,tp_dst=80");
    drop(o, 3);
    drop(o, 3);
    ck_assert_int_eq(pc_overlap_count(o), 0);
    check_find(o, 4, "tcp,nw_src=10.1.0.1,tp_dst=80", "none");
    pc_overlap_destroy(o);
}
END_TEST

/* Checks what pc_overlap_meets() says of a rule of priority 9: as check_find(). */
static void
check_meets(const struct pc_overlap *o, const char *text, int priority,
            bool crossed, const char *expected)
{
    struct pc_overlap_found f;
    struct pc_rule_match m;
    struct pc_rule rule;
    char *s;

    make(100, text, 9, &m, &rule);
    rule.direction = PC_RULE_FORWARD;
    if (pc_overlap_meets(o, &rule, priority, crossed, &f)) {
        char *packet = pc_packet_format(&f.packet);

        s = xasprintf("%u %c%c %s", f.rule.parts[0], "fr"[f.mine],
                      "fr"[f.its], packet);
        free(packet);
    } else {
        s = xstrdup("none");
    }
    ck_assert_str_eq(s, expected);
    free(s);
    pc_rule_match_destroy(&m);
}

/* Rules of another priority: equal ones count; the oldest, also behind many. */
START_TEST(test_meets)
{
    struct pc_overlap *o = pc_overlap_create();

    put(o, 1, "tcp,nw_src=10.1.0.0/16", 0);
    put(o, 2, "tcp,nw_src=10.1.0.0/16", 1);
    put(o, 3, "tcp,tp_dst=80", 1);
    for (int mask = 0; mask < 2; mask++) {
        check_meets(o, "tcp,nw_src=10.1.0.0/16", 0, false,
                    "1 ff tcp,nw_src=10.1.0.0");
        check_meets(o, "tcp,tp_dst=80", 1, false,
                    "2 ff tcp,nw_src=10.1.0.0,tp_dst=80");
        check_meets(o, "tcp,nw_src=10.2.0.0/16,tp_dst=80", 1, false,
                    "3 ff tcp,nw_src=10.2.0.0,tp_dst=80");
        check_meets(o, "tcp,nw_src=10.2.0.0/16,tp_dst=81", 1, false, "none");
        check_meets(o, "tcp,nw_dst=10.1.0.0/16", 0, false,
                    "1 ff tcp,nw_src=10.1.0.0,nw_dst=10.1.0.1");
        check_meets(o, "udp,tp_dst=80", 1, true, "none");
        check_meets(o, "tcp,tp_dst=80", 2, true, "none");
        check_meets(o, "tcp,nw_src=10.2.0.0/16,nw_dst=10.1.0.0/16", 0, false,
                    "none");
        check_meets(o, "tcp,nw_src=10.2.0.0/16,nw_dst=10.1.0.0/16", 0, true,
                    "1 fr tcp,nw_src=10.2.0.0,nw_dst=10.1.0.0");

        /* Once more, now that there are rules with such masks. */
        for (int i = 0; i < 20; i++) {
            char *text = xasprintf("tcp,nw_src=10.2.0.0/16,tp_dst=%d",
                                   1000 + i);

            put(o, 10 + i, text, 3);
            free(text);
        }
        put(o, 30, "tcp,nw_src=10.4.0.0/16,nw_dst=10.5.0.0/16", 3);
        put(o, 31, "tcp,nw_dst=10.4.0.0/16", 3);
        check_meets(o, "tcp,nw_src=10.4.0.0/16", 3, false,
                    "30 ff tcp,nw_src=10.4.0.0,nw_dst=10.5.0.0");
        for (int i = 10; mask == 0 && i < 32; i++) {
            drop(o, i);
        }
    }
    pc_overlap_destroy(o);
}
END_TEST

START_TEST(test_first_owner)
{
    struct pc_overlap *o = pc_overlap_create();
    struct pc_overlap_place p;

    ck_assert_int_eq(put(o, 1, "ip,nw_src=10.1.0.0/16", 1000), 1000);
    p = put_at(o, 2, "tcp,tp_dst=80", 1000, PC_RULE_BOTH, PC_OVERLAP_NEW);
    ck_assert_int_eq(p.level, 999);
    ck_assert(p.overlaps && !p.crowded && !p.found.self);
    ck_assert_int_eq(p.found.rule.parts[0], 1);
    ck_assert_int_eq(p.found.mine, PC_FORWARD);
    ck_assert_int_eq(p.found.its, PC_FORWARD);
    char *s = pc_packet_format(&p.found.packet);
    ck_assert_str_eq(s, "tcp,nw_src=10.1.0.0,tp_dst=80");
    free(s);

    ck_assert_int_eq(put(o, 3, "tcp,nw_src=10.0.0.0/8,tp_dst=80", 1000), 998);
    /* Nobody's packets, or at another priority, or in another direction. */
    ck_assert_int_eq(put(o, 4, "udp,nw_src=192.168.0.0/16", 1000), 1000);
    ck_assert_int_eq(put(o, 5, "ip", 2000), 2000);
    p = put_at(o, 6, "tcp,tp_src=80", 1000, PC_RULE_FORWARD, PC_OVERLAP_NEW);
    ck_assert_int_eq(p.level, 997);     /* 1, 2 and 3. */
    p = put_at(o, 7, "udp,nw_dst=192.168.3.0/24", 1000, PC_RULE_FORWARD,
               PC_OVERLAP_NEW);
    ck_assert_int_eq(p.level, 999);     /* 1 again, not 4's reverse. */
    ck_assert_int_eq(p.found.rule.parts[0], 1);

    /* The same match once more is for the flow table to judge. */
    p = put_at(o, 8, "tcp,tp_dst=80", 1000, PC_RULE_BOTH, PC_OVERLAP_NEW);
    ck_assert_int_eq(p.level, 999);

    /* When the first owner goes nobody moves. */
    drop(o, 1);
    ck_assert_int_eq(level(o, 2), 999);
    ck_assert_int_eq(level(o, 1), PC_OVERLAP_NEW);
    ck_assert_int_eq(put(o, 1, "ip,nw_src=10.1.0.0/16", 1000), 996);
    pc_overlap_destroy(o);
}
END_TEST

START_TEST(test_restart)
{
    struct pc_overlap *o = pc_overlap_create();
    struct pc_overlap_place p;

    /* What was given before is taken ... */
    p = put_at(o, 2, "tcp,tp_dst=80", 1000, PC_RULE_BOTH, 990);
    ck_assert_int_eq(p.level, 990);
    p = put_at(o, 1, "ip,nw_src=10.1.0.0/16", 1000, PC_RULE_BOTH, 1000);
    ck_assert_int_eq(p.level, 1000);
    /* ... unless it is nonsense now. */
    p = put_at(o, 3, "tcp,nw_src=10.0.0.0/8", 1000, PC_RULE_BOTH, 990);
    ck_assert_int_eq(p.level, 989);
    p = put_at(o, 4, "udp,tp_dst=80", 500, PC_RULE_BOTH, 990);
    ck_assert_int_eq(p.level, 500);
    pc_overlap_destroy(o);
}
END_TEST

START_TEST(test_gaps)
{
    struct pc_overlap *o = pc_overlap_create();
    struct pc_overlap_place p;

    /* 998 is another's: there are two levels. */
    put(o, 1, "ip,nw_src=10.1.0.0/16", 1000);
    put(o, 2, "udp", 998);
    ck_assert_int_eq(put(o, 3, "tcp,tp_dst=80", 1000), 999);
    p = put_at(o, 4, "tcp,nw_dst=10.2.0.0/16", 1000, PC_RULE_BOTH,
               PC_OVERLAP_NEW);
    ck_assert_int_eq(p.level, 999);
    ck_assert(p.crowded);

    /* A priority that another's levels have reached starts below. */
    drop(o, 2);
    ck_assert_int_eq(put(o, 5, "tcp,nw_dst=10.0.0.0/8", 1000), 998);
    p = put_at(o, 6, "udp", 999, PC_RULE_BOTH, PC_OVERLAP_NEW);
    ck_assert_int_eq(p.level, 997);
    ck_assert(!p.overlaps && !p.crowded);

    /* At the bottom. */
    put(o, 7, "ip,nw_src=10.9.0.0/16", 0);
    p = put_at(o, 8, "udp,tp_dst=53", 0, PC_RULE_BOTH, PC_OVERLAP_NEW);
    ck_assert_int_eq(p.level, 0);
    ck_assert(p.crowded);
    pc_overlap_destroy(o);
}
END_TEST

static void
check_shadow(const struct pc_overlap *o, int id, int by)
{
    struct pc_overlap_found f;
    bool shadowed = pc_overlap_shadowed(o, &(struct uuid) { .parts[0] = id },
                                        &f);

    ck_assert_int_eq(shadowed ? f.rule.parts[0] : 0, by);
    ck_assert(!shadowed || f.shadowed);
}

START_TEST(test_shadow)
{
    struct pc_overlap *o = pc_overlap_create();

    put(o, 1, "tcp,nw_src=10.1.0.0/16,tp_dst=80", 1000);
    check_shadow(o, 1, 0);
    check_shadow(o, 99, 0);
    put(o, 2, "ip,nw_src=10.0.0.0/8", 900);
    check_shadow(o, 1, 0);      /* A lower one takes nothing from it. */
    put(o, 3, "ip,nw_src=10.0.0.0/8", 1100);
    check_shadow(o, 1, 3);
    check_shadow(o, 2, 3);
    drop(o, 3);
    check_shadow(o, 1, 0);

    /* A later one that is covered by an earlier one of its priority. */
    put(o, 4, "tcp,nw_src=10.1.2.0/24,tp_dst=80", 1000);
    check_shadow(o, 4, 1);

    /* Several together. */
    put(o, 5, "udp,tp_dst=53", 500);
    put(o, 6, "udp,nw_src=0.0.0.0/1", 600);
    check_shadow(o, 5, 0);
    put(o, 7, "udp,nw_src=128.0.0.0/2", 600);
    check_shadow(o, 5, 0);
    put(o, 8, "udp,nw_src=192.0.0.0/2", 700);
    check_shadow(o, 5, 6);
    pc_overlap_destroy(o);
}
END_TEST

/* A random match from few values, so that much overlaps. */
static char *
random_match(void)
{
    static const char *const protos[] = { "ip", "tcp", "udp" };
    struct ds s = DS_EMPTY_INITIALIZER;
    const char *proto = protos[random_range(3)];

    ds_put_cstr(&s, proto);
    for (int i = 0; i < 2; i++) {
        if (random_range(2)) {
            /* No match takes only packets from a host to itself. */
            static const int lengths[2][3] = { { 8, 16, 32 }, { 8, 16, 30 } };
            int length = lengths[i][random_range(3)];
            uint32_t address = 0x0a000000 | random_range(2) << 16
                               | random_range(8);

            ds_put_format(&s, ",nw_%s="IP_FMT"/%d", i ? "dst" : "src",
                          IP_ARGS(htonl(address
                                        & (UINT32_MAX << (32 - length)))),
                          length);
        }
        if (proto[0] != 'i' && !random_range(3)) {
            ds_put_format(&s, ",tp_%s=%d", i ? "dst" : "src",
                          80 + random_range(2));
        }
    }
    return ds_steal_cstr(&s);
}

#define N_RANDOM 60

/* Against comparing all pairs, while rules come and go. */
START_TEST(test_random)
{
    struct pc_overlap *o = pc_overlap_create();
    struct pc_rule_match m[N_RANDOM];
    struct pc_rule rules[N_RANDOM];
    bool in[N_RANDOM] = { false };

    random_set_seed(_i + 1);
    for (int step = 0; step < 600; step++) {
        int i = random_range(N_RANDOM);

        if (in[i]) {
            pc_overlap_remove(o, &rules[i].uuid);
            pc_rule_match_destroy(&m[i]);
            in[i] = false;
            continue;
        }

        struct pc_overlap_place place;
        char *text = random_match();
        int priority = random_range(2) ? 1000 : 2000;
        bool meets = false, equal = false;

        make(i + 1, text, priority, &m[i], &rules[i]);
        pc_overlap_insert(o, &rules[i], PC_OVERLAP_NEW, &place);
        in[i] = true;
        for (int j = 0; j < N_RANDOM; j++) {
            if (j == i || !in[j] || rules[j].priority != priority) {
                continue;
            }
            if (pc_rule_match_equal(&m[i], &m[j])) {
                ck_assert_int_eq(place.level, level(o, j + 1));
                equal = true;
                break;
            }
        }
        for (int j = 0; j < N_RANDOM && !equal; j++) {
            if (j != i && in[j] && rules[j].priority == priority
                && pc_match_overlap(&m[i].match[PC_FORWARD],
                                    &m[j].match[PC_FORWARD], NULL)) {
                meets = true;
                /* The order: defined, unless it says that it is not. */
                ck_assert_msg(place.crowded || place.level < level(o, j + 1),
                              "%s at %d, %d at %d", text, place.level, j,
                              level(o, j + 1));
            }
        }
        ck_assert_msg(equal || place.overlaps || !meets, "%s", text);

        struct pc_overlap_found f;
        if (pc_overlap_find(o, &rules[i], &f) && !f.self) {
            int j = f.rule.parts[0] - 1;

            ck_assert(in[j] && j != i);
            ck_assert(minimatch_matches_flow(&m[i].match[f.mine], &f.packet));
            ck_assert(minimatch_matches_flow(&m[j].match[f.its], &f.packet));
        } else {
            ck_assert(!meets || place.overlaps);
        }
        free(text);
    }
    for (int i = 0; i < N_RANDOM; i++) {
        if (in[i]) {
            pc_rule_match_destroy(&m[i]);
        }
    }
    pc_overlap_destroy(o);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, test_find);
    tcase_add_test(tc, test_meets);
    tcase_add_test(tc, test_first_owner);
    tcase_add_test(tc, test_restart);
    tcase_add_test(tc, test_gaps);
    tcase_add_test(tc, test_shadow);
    tcase_add_loop_test(tc, test_random, 0, 3);
    return pc_test_run("pc-overlap", tc);
}
