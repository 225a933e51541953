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
#include "pc-engine.h"

#include <check.h>
#include <string.h>

#include "engine-fixture.h"
#include "pc-test.h"
#include "util.h"
#include "uuid.h"

/* Cases at the edges.  test-pc-engine-oracle.c has the random ones. */

START_TEST(test_policy_names)
{
    enum pc_engine_policy policy;

    ck_assert_str_eq(pc_engine_policy_name(PC_POLICY_LEAST_LOADED),
                     "least-loaded");
    ck_assert_str_eq(pc_engine_policy_name(PC_POLICY_BEST_FIT), "best-fit");
    ck_assert(pc_engine_policy_parse("best-fit", &policy));
    ck_assert_int_eq(policy, PC_POLICY_BEST_FIT);
    ck_assert(pc_engine_policy_parse("least-loaded", &policy));
    ck_assert_int_eq(policy, PC_POLICY_LEAST_LOADED);
    ck_assert(!pc_engine_policy_parse("", &policy));
    ck_assert(!pc_engine_policy_parse("best", &policy));
}
END_TEST

START_TEST(test_empty)
{
    struct pc_slot s = slot(0, 10, 1, 0);
    struct pc_engine_request r = request(1, &s, 1);
    struct uuid none = uuid_of('n', 1);
    struct pc_engine_decline decline;
    const struct pc_slot *slots;
    struct pc_amount total;
    size_t n;

    ck_assert_uint_eq(place(&r), 0);
    ck_assert(!pc_engine_fits(engine, &r, &none));
    pc_engine_explain(engine, &r, &decline);
    ck_assert_uint_eq(decline.n_candidates, 0);
    ck_assert_int_eq(decline.delay, -1);
    ck_assert_ptr_null(decline.smaller);
    ck_assert(!decline.elsewhere);
    pc_engine_decline_destroy(&decline);
    pc_engine_decline_destroy(NULL);
    pc_engine_remove(engine, &r.uuid);
    pc_engine_remove_node(engine, &none);
    pc_engine_remove_cloudlet(engine, &none);
    ck_assert_ptr_null(pc_engine_find(engine, &r.uuid, &slots, &n));
    ck_assert_ptr_null(pc_engine_node_profile(engine, &none));
    ck_assert_ptr_null(pc_engine_cloudlet_profile(engine, &none));
    ck_assert_ptr_null(pc_engine_provider_profile(engine, &none, &none));
    pc_engine_cloudlet_total(engine, &none, &total);
    ck_assert(pc_amount_is_zero(&total));
    pc_engine_destroy(NULL);
}
END_TEST

/* [begin, end): what ends when another begins is not in its way. */
START_TEST(test_half_open)
{
    add_cloudlet(1);
    add_node(10, 10, 10);
    insert(1, 10, slot(100, 200, 10, 0));
    ck_assert_uint_eq(place_slot(2, slot(0, 100, 10, 0)), 10);
    ck_assert_uint_eq(place_slot(2, slot(0, 101, 10, 0)), 0);
    ck_assert_uint_eq(place_slot(2, slot(200, 201, 10, 0)), 10);
    ck_assert_uint_eq(place_slot(2, slot(199, 201, 10, 0)), 0);
    ck_assert_uint_eq(place_slot(2, slot(199, 200, 0, 10)), 10);
    insert(2, 10, slot(0, 100, 10, 10));
    insert(3, 10, slot(200, 300, 10, 10));
    ck_assert_uint_eq(place_slot(4, slot(100, 200, 0, 10)), 10);
    ck_assert_uint_eq(place_slot(4, slot(99, 200, 0, 1)), 0);
    ck_assert_uint_eq(place_slot(4, slot(100, 201, 0, 1)), 0);
}
END_TEST

/* Peaks of others outside the window that is asked for, or at another time than
 * one's own, do not count: OpenStack's Blazar adds up the peaks. */
START_TEST(test_peaks)
{
    struct pc_slot varying[] = {
        slot(0, 100, 2, 8), slot(100, 200, 8, 2),
    };
    struct pc_engine_request r = request(9, varying, 2);

    add_cloudlet(1);
    add_node(10, 10, 10);
    insert(1, 10, slot(0, 50, 8, 0));
    insert(2, 10, slot(50, 100, 8, 0));
    insert(3, 10, slot(100, 150, 2, 8));
    insert(4, 10, slot(150, 200, 1, 8));
    insert(5, 10, slot(200, 300, 10, 10));
    insert(6, 10, slot(-100, 0, 10, 10));
    ck_assert_uint_eq(place(&r), 10);
    varying[1].end++;
    ck_assert_uint_eq(place(&r), 0);
    varying[1].end--;
    varying[0].amount.value[0]++;
    ck_assert_uint_eq(place(&r), 0);
}
END_TEST

/* 33 % of 10 for the ISP leaves 6 for the others, all together, of which none
 * may be beyond; the ISP may take all that is free. */
START_TEST(test_isp_share)
{
    struct pc_engine_node n = node(10, 10, 10);
    struct pc_slot s = slot(0, 100, 6, 0);
    struct pc_engine_request r = request(1, &s, 1);
    struct pc_engine_decline decline;

    add_cloudlet(1);
    n.isp_share = 33;
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place(&r), 10);
    s.amount.value[0] = 7;
    ck_assert_uint_eq(place(&r), 0);
    pc_engine_explain(engine, &r, &decline);
    ck_assert_int_eq(decline.candidates[0].verdict, PC_VERDICT_ISP_SHARE);
    ck_assert_int_eq(decline.candidates[0].limit, 6);
    ck_assert_int_eq(decline.candidates[0].misfit.wanted, 7);
    ck_assert_int_eq(decline.delay, -1);
    ck_assert_int_eq(decline.smaller[0].amount.value[0], 6);
    pc_engine_decline_destroy(&decline);
    r.isp = true;
    ck_assert_uint_eq(place(&r), 10);
    s.amount.value[0] = 10;
    ck_assert_uint_eq(place(&r), 10);
    s.amount.value[0] = 5;
    pc_engine_insert(engine, &r, &n.uuid);

    /* What the ISP uses beyond its share the others do not get. */
    ck_assert_uint_eq(place_slot(2, slot(0, 100, 5, 0)), 10);
    ck_assert_uint_eq(place_slot(2, slot(0, 100, 6, 0)), 0);
    insert(2, 10, slot(0, 100, 3, 0));
    ck_assert_uint_eq(place_slot(3, slot(0, 100, 2, 0)), 10);
    ck_assert_uint_eq(place_slot(3, slot(0, 100, 3, 0)), 0);

    /* A share that is set later counts what is there already. */
    n.isp_share = 0;
    pc_engine_set_node(engine, &n);
    pc_engine_remove(engine, &r.uuid);
    ck_assert_uint_eq(place_slot(3, slot(0, 100, 7, 0)), 10);
    n.isp_share = 50;
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place_slot(3, slot(0, 100, 2, 0)), 10);
    ck_assert_uint_eq(place_slot(3, slot(0, 100, 3, 0)), 0);
    n.isp_share = 100;
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place_slot(3, slot(0, 100, 1, 0)), 0);
    ck_assert_uint_eq(place_slot(3, slot(100, 200, 1, 0)), 0);
}
END_TEST

START_TEST(test_usable)
{
    struct pc_engine_cloudlet c = cloudlet(1);
    struct pc_engine_node n = node(10, 10, 10);
    struct pc_slot s = slot(0, 100, 1, 0);
    struct pc_engine_request r = request(1, &s, 1);
    struct uuid refused[] = { uuid_of('n', 11), uuid_of('n', 10) };
    struct pc_engine_decline decline;

    add_cloudlet(1);
    add_node(10, 10, 10);
    add_node(11, 10, 10);
    ck_assert_uint_eq(place(&r), 10);
    ck_assert(pc_engine_fits(engine, &r, &n.uuid));
    n.usable = false;
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place(&r), 11);
    ck_assert(!pc_engine_fits(engine, &r, &n.uuid));
    r.refused = refused;
    r.n_refused = 1;
    ck_assert_uint_eq(place(&r), 0);
    pc_engine_explain(engine, &r, &decline);
    ck_assert_uint_eq(decline.n_candidates, 2);
    ck_assert_int_eq(decline.candidates[0].verdict, PC_VERDICT_NOT_USABLE);
    ck_assert_int_eq(decline.candidates[1].verdict, PC_VERDICT_REFUSED);
    ck_assert_int_eq(decline.delay, -1);
    ck_assert_ptr_null(decline.smaller);
    pc_engine_decline_destroy(&decline);
    n.usable = true;
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place(&r), 10);
    r.n_refused = 2;
    ck_assert_uint_eq(place(&r), 0);
    r.n_refused = 0;
    c.usable = false;
    pc_engine_set_cloudlet(engine, &c);
    ck_assert_uint_eq(place(&r), 0);
    ck_assert(!pc_engine_fits(engine, &r, &n.uuid));
    c.usable = true;
    pc_engine_set_cloudlet(engine, &c);
    ck_assert_uint_eq(place(&r), 10);
}
END_TEST

START_TEST(test_distance)
{
    struct pc_slot s = slot(0, 100, 6, 0);
    struct pc_engine_request r = request(1, &s, 1);
    struct uuid pops[] = { uuid_of('o', 0), uuid_of('o', 1),
                           uuid_of('o', 2) };
    struct pc_engine_placement placement;
    struct pc_engine_cloudlet c;

    for (int i = 0; i < 3; i++) {
        pc_topology_add_pop(topology, &pops[i]);
    }
    pc_topology_set_link(topology, &pops[0], &pops[1], 5);
    pc_topology_set_link(topology, &pops[1], &pops[2], 1);
    for (int i = 1; i <= 3; i++) {
        c = cloudlet(i);
        c.pop = i < 3 ? pops[i] : UUID_ZERO;
        pc_engine_set_cloudlet(engine, &c);
        add_node(i * 10, 10, 10);
    }

    /* Nearest first, then what is not reached, by name where it is the same;
     * without a place or from an unknown one by name. */
    r.pop = pops[2];
    ck_assert_uint_eq(place(&r), 20);
    insert(2, 20, s);
    ck_assert(pc_engine_place(engine, &r, &placement));
    ck_assert_uint_eq(placement.node.parts[0], 10);
    ck_assert_uint_eq(placement.distance, 1);
    insert(3, 10, s);
    ck_assert(pc_engine_place(engine, &r, &placement));
    ck_assert_uint_eq(placement.node.parts[0], 30);
    ck_assert_uint_eq(placement.distance, PC_DISTANCE_MAX);
    pc_engine_remove(engine, &(struct uuid) { .parts = { 2, 'r', 1, 1 } });
    pc_engine_remove(engine, &(struct uuid) { .parts = { 3, 'r', 1, 1 } });
    r.pop = UUID_ZERO;
    ck_assert_uint_eq(place(&r), 10);
    r.pop = uuid_of('o', 9);
    ck_assert_uint_eq(place(&r), 10);
    r.pop = pops[0];
    ck_assert_uint_eq(place(&r), 10);

    /* The topology changes; a cloudlet gets another place, another name. */
    pc_topology_set_link(topology, &pops[0], &pops[2], 1);
    ck_assert_uint_eq(place(&r), 20);
    c = cloudlet(3);
    c.pop = pops[0];
    pc_engine_set_cloudlet(engine, &c);
    ck_assert_uint_eq(place(&r), 30);
    c.pop = pops[2];
    pc_engine_set_cloudlet(engine, &c);
    ck_assert_uint_eq(place(&r), 20);
    c.name = "a";
    pc_engine_set_cloudlet(engine, &c);
    ck_assert_uint_eq(place(&r), 30);
    pc_engine_remove_cloudlet(engine, &c.uuid);
    ck_assert_uint_eq(place(&r), 20);

    /* The cloudlet that is asked for, however far; where else. */
    struct pc_engine_decline decline;

    r.cloudlet = uuid_of('c', 1);
    ck_assert(pc_engine_place(engine, &r, &placement));
    ck_assert_uint_eq(placement.node.parts[0], 10);
    ck_assert_uint_eq(placement.distance, 2);
    insert(2, 10, s);
    ck_assert_uint_eq(place(&r), 0);
    pc_engine_explain(engine, &r, &decline);
    ck_assert_uint_eq(decline.n_candidates, 1);
    ck_assert_int_eq(decline.candidates[0].verdict, PC_VERDICT_FULL);
    ck_assert(decline.elsewhere);
    ck_assert_uint_eq(decline.other.node.parts[0], 20);
    ck_assert_uint_eq(decline.other.distance, 1);
    pc_engine_decline_destroy(&decline);
    r.cloudlet = uuid_of('c', 3);
    ck_assert_uint_eq(place(&r), 0);
}
END_TEST

/* Loads are seconds of the whole node, in the largest dimension; names decide
 * where they are the same. */
START_TEST(test_policies)
{
    struct pc_engine_cloudlet c = cloudlet(1);
    struct pc_engine_node n = node(12, 10, 10);
    struct pc_slot s = slot(0, 100, 1, 0);
    struct pc_engine_request r = request(9, &s, 1);

    add_cloudlet(1);
    add_node(12, 10, 10);
    add_node(11, 10, 100);
    add_node(10, 20, 10);
    ck_assert_uint_eq(place(&r), 10);
    insert(1, 10, slot(0, 100, 2, 0));
    ck_assert_uint_eq(place(&r), 11);
    insert(2, 11, slot(200, 300, 1, 10));
    ck_assert_uint_eq(place(&r), 12);
    insert(3, 12, slot(0, 101, 0, 1));
    ck_assert_uint_eq(place(&r), 10);

    /* 10 s, 10 s, and 10.1 s: the same, as parts of a second are cut off. */
    c.policy = PC_POLICY_BEST_FIT;
    pc_engine_set_cloudlet(engine, &c);
    ck_assert_uint_eq(place(&r), 10);
    insert(3, 12, slot(0, 110, 0, 1));
    ck_assert_uint_eq(place(&r), 12);
    /* A larger node has less load; another name another place. */
    n.total = amount(10, 20);
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place(&r), 10);
    insert(1, 11, slot(0, 100, 2, 0));
    ck_assert_uint_eq(place(&r), 11);
    c.policy = PC_POLICY_LEAST_LOADED;
    pc_engine_set_cloudlet(engine, &c);
    ck_assert_uint_eq(place(&r), 10);
    pc_engine_remove(engine, &(struct uuid) { .parts = { 3, 'r', 1, 1 } });
    n.name = "a";
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place(&r), 12);
    /* Nothing of a dimension that a node has not got. */
    n.total = amount(0, 10);
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place(&r), 10);
}
END_TEST

/* A request replaces the reservation of its UUID. */
START_TEST(test_resize)
{
    struct pc_slot s[] = { slot(0, 50, 6, 0), slot(50, 100, 8, 0) };
    struct pc_engine_request r = request(1, s, 2);
    struct uuid n10 = uuid_of('n', 10), n11 = uuid_of('n', 11);
    const struct pc_slot *slots;
    size_t n;

    add_cloudlet(1);
    add_node(10, 10, 10);
    insert(1, 10, slot(0, 100, 7, 0));
    insert(2, 10, slot(0, 50, 3, 0));
    ck_assert_uint_eq(place(&r), 10);
    ck_assert(pc_engine_fits(engine, &r, &n10));
    s[0].amount.value[0] = 8;
    ck_assert_uint_eq(place(&r), 0);
    ck_assert(!pc_engine_fits(engine, &r, &n10));
    add_node(11, 10, 10);
    ck_assert_uint_eq(place(&r), 11);
    ck_assert(!pc_engine_fits(engine, &r, &n10));
    ck_assert(pc_engine_fits(engine, &r, &n11));
    s[0].amount.value[0] = 7;
    pc_engine_insert(engine, &r, &n10);
    ck_assert_uint_eq(pc_engine_n_reservations(engine), 2);
    ck_assert(uuid_equals(pc_engine_find(engine, &r.uuid, &slots, &n), &n10));
    ck_assert_uint_eq(n, 2);
    ck_assert(!memcmp(slots, s, sizeof s));

    /* Its own slots, moved: they are copied before they go. */
    r.slots = slots;
    pc_engine_insert(engine, &r, &n11);
    ck_assert(uuid_equals(pc_engine_find(engine, &r.uuid, &slots, &n), &n11));
    ck_assert(!memcmp(slots, s, sizeof s));
    ck_assert_uint_eq(place_slot(3, slot(0, 50, 7, 0)), 10);
    ck_assert_uint_eq(place_slot(3, slot(0, 50, 8, 0)), 0);
}
END_TEST

/* The largest amount at the start of a profile. */
static int64_t
cpu_at_start(const struct pc_profile *profile)
{
    struct pc_amount peak;

    ck_assert_ptr_nonnull(profile);
    pc_profile_peak(profile, T0, T0 + 1, &peak);
    return peak.value[PC_CAP_CPU];
}

START_TEST(test_profiles)
{
    struct uuid c1 = uuid_of('c', 1), c2 = uuid_of('c', 2);
    struct uuid n10 = uuid_of('n', 10), n11 = uuid_of('n', 11);
    struct uuid p1 = uuid_of('p', 1), p2 = uuid_of('p', 2);
    struct pc_slot s = slot(0, 10, 4, 0);
    struct pc_engine_request r = request(2, &s, 1);
    struct pc_engine_node n = node(11, 10, 10);
    const struct pc_slot *slots;
    struct pc_amount total;
    size_t n_slots, before;

    add_cloudlet(1);
    add_cloudlet(2);
    add_node(10, 10, 10);
    add_node(11, 10, 10);
    before = pc_engine_memory(engine);
    insert(1, 10, slot(0, 10, 3, 0));
    r.provider = p2;
    pc_engine_insert(engine, &r, &n11);
    ck_assert_uint_ge(pc_engine_memory(engine),
                      before + 2 * sizeof(struct pc_slot));
    ck_assert_int_eq(cpu_at_start(pc_engine_node_profile(engine, &n10)), 3);

    /* Made when asked for, and kept up to date. */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cpu_at_start(pc_engine_cloudlet_profile(engine,
                                                                 &c1)),
                         7 + i);
        ck_assert_int_eq(cpu_at_start(pc_engine_provider_profile(engine, &c1,
                                                                 &p1)),
                         3 + i);
        ck_assert_int_eq(cpu_at_start(pc_engine_provider_profile(engine, &c1,
                                                                 &p2)), 4);
        insert(1, 10, slot(0, 10, 4, 0));
    }
    pc_engine_cloudlet_total(engine, &c1, &total);
    ck_assert_int_eq(total.value[PC_CAP_CPU], 20);

    /* A node that moves takes its reservations with it. */
    n.cloudlet = c2;
    pc_engine_set_node(engine, &n);
    ck_assert_int_eq(cpu_at_start(pc_engine_cloudlet_profile(engine, &c1)),
                     4);
    ck_assert_int_eq(cpu_at_start(pc_engine_cloudlet_profile(engine, &c2)),
                     4);
    ck_assert_ptr_null(pc_engine_provider_profile(engine, &c1, &p2));
    ck_assert_int_eq(cpu_at_start(pc_engine_provider_profile(engine, &c2,
                                                             &p2)), 4);
    pc_engine_cloudlet_total(engine, &c1, &total);
    ck_assert_int_eq(total.value[PC_CAP_CPU], 10);

    /* One that is removed too. */
    pc_engine_remove_node(engine, &n11);
    ck_assert_uint_eq(pc_engine_n_reservations(engine), 1);
    ck_assert_ptr_null(pc_engine_find(engine, &r.uuid, &slots, &n_slots));
    ck_assert_ptr_null(pc_engine_provider_profile(engine, &c2, &p2));
    ck_assert_int_eq(cpu_at_start(pc_engine_cloudlet_profile(engine, &c2)),
                     0);
    pc_engine_remove_cloudlet(engine, &c1);
    ck_assert_uint_eq(pc_engine_n_reservations(engine), 0);
    ck_assert_ptr_null(pc_engine_node_profile(engine, &n10));
}
END_TEST

/* Where something does not fit is remembered, and forgotten when it may. */
START_TEST(test_remembered)
{
    /* More digits than a bound has. */
    const int64_t big = 1000003;
    const struct pc_engine_work *work = pc_engine_work(engine);
    struct pc_engine_node n = node(18, big + 1, 10);

    add_cloudlet(1);
    for (int i = 10; i < 20; i++) {
        add_node(i, i < 14 ? 5 : big, 10);
    }
    ck_assert_uint_eq(place_slot(1, slot(0, 100, 2 * big, 0)), 0);
    ck_assert_uint_eq(work->n_tried, 10);
    ck_assert_uint_eq(work->n_excluded, 0);
    ck_assert_uint_eq(place_slot(1, slot(0, 100, 2 * big, 0)), 0);
    ck_assert_uint_eq(place_slot(1, slot(0, 90, 2 * big, 0)), 0);
    ck_assert_uint_eq(work->n_excluded, 2 * 6);
    ck_assert_uint_eq(work->n_tried, 10 + 2 * 4);

    /* What just fits does. */
    ck_assert_uint_eq(place_slot(1, slot(0, 100, big, 0)), 14);

    for (int i = 14; i < 20; i++) {
        insert(i, i, slot(0, 100, big / 2, 0));
        ck_assert_uint_eq(place_slot(1, slot(0, 100, big, 0)),
                          i < 19 ? i + 1 : 0);
    }
    pc_engine_remove(engine, &(struct uuid) { .parts = { 0 } });
    pc_engine_remove(engine, (struct uuid[]) { uuid_of('r', 17) });
    ck_assert_uint_eq(place_slot(1, slot(0, 100, big, 0)), 17);
    ck_assert_uint_eq(place_slot(1, slot(0, 100, big + 1, 0)), 0);
    pc_engine_remove(engine, (struct uuid[]) { uuid_of('r', 18) });
    pc_engine_set_node(engine, &n);
    ck_assert_uint_eq(place_slot(1, slot(0, 100, big + 1, 0)), 18);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_policy_names);
    tcase_add_test(tc, test_empty);
    tcase_add_test(tc, test_half_open);
    tcase_add_test(tc, test_peaks);
    tcase_add_test(tc, test_isp_share);
    tcase_add_test(tc, test_usable);
    tcase_add_test(tc, test_distance);
    tcase_add_test(tc, test_policies);
    tcase_add_test(tc, test_resize);
    tcase_add_test(tc, test_profiles);
    tcase_add_test(tc, test_remembered);
    return pc_test_run("pc-engine", tc);
}
