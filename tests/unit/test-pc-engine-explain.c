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

#include "engine-fixture.h"
#include "pc-test.h"
#include "util.h"
#include "uuid.h"

/* Three nodes that are in use, of which none can take 'wanted': 11 has a share
 * for the ISP, 12 is small.  Their loads are 40, 66 and 100 s. */
static struct pc_slot wanted[2];
static struct pc_engine_request full;

static void
crowd(void)
{
    struct pc_engine_node n = node(11, 10, 10);

    wanted[0] = slot(0, 100, 4, 8);
    wanted[1] = slot(100, 200, 8, 4);
    full = request(9, wanted, 2);
    add_cloudlet(1);
    add_node(10, 10, 10);
    n.isp_share = 20;
    pc_engine_set_node(engine, &n);
    add_node(12, 7, 10);
    insert(1, 10, slot(50, 150, 0, 4));
    insert(2, 11, slot(0, 110, 6, 0));
    insert(3, 12, slot(0, 100, 7, 0));
}

START_TEST(test_reasons)
{
    struct pc_engine_decline decline;
    const struct pc_engine_candidate *c;

    crowd();
    pc_engine_explain(engine, &full, &decline);
    c = decline.candidates;
    ck_assert_uint_eq(decline.n_candidates, 3);
    ck_assert_uint_eq(c[0].node.parts[0], 10);
    ck_assert_int_eq(c[0].verdict, PC_VERDICT_FULL);
    ck_assert_int_eq(c[0].misfit.time, T0 + 50);
    ck_assert_int_eq(c[0].misfit.dimension, PC_CAP_MEMORY);
    ck_assert_int_eq(c[0].misfit.used, 4);
    ck_assert_int_eq(c[0].misfit.wanted, 8);
    ck_assert_int_eq(c[0].limit, 10);
    ck_assert_uint_eq(c[1].node.parts[0], 11);
    ck_assert_int_eq(c[1].verdict, PC_VERDICT_FULL);
    ck_assert_int_eq(c[1].misfit.time, T0 + 100);
    ck_assert_int_eq(c[1].misfit.dimension, PC_CAP_CPU);
    ck_assert_uint_eq(c[2].node.parts[0], 12);
    ck_assert_int_eq(c[2].verdict, PC_VERDICT_TOO_SMALL);
    ck_assert_int_eq(c[2].misfit.time, T0 + 100);
    ck_assert_int_eq(c[2].misfit.used, 0);
    ck_assert_int_eq(c[2].limit, 7);
    pc_engine_decline_destroy(&decline);
}
END_TEST

START_TEST(test_alternatives)
{
    struct pc_engine_decline decline;

    /* Node 10 when its peak is past, after 150 s; 11, where all others may take
     * 8, after 110. */
    crowd();
    pc_engine_explain(engine, &full, &decline);
    ck_assert_int_eq(decline.delay, 110);
    ck_assert_uint_eq(decline.delay_node.parts[0], 11);

    /* Of memory 6/8 on 10, of cpu 2/8 on 11, none on 12. */
    ck_assert_uint_eq(decline.smaller_node.parts[0], 10);
    ck_assert_uint_eq(decline.n_smaller, 2);
    ck_assert_int_eq(decline.smaller[0].amount.value[PC_CAP_CPU], 4);
    ck_assert_int_eq(decline.smaller[0].amount.value[PC_CAP_MEMORY], 6);
    ck_assert_int_eq(decline.smaller[1].amount.value[PC_CAP_CPU], 8);
    ck_assert_int_eq(decline.smaller[1].amount.value[PC_CAP_MEMORY], 4);
    ck_assert_int_eq(decline.smaller[1].end, wanted[1].end);
    pc_engine_decline_destroy(&decline);

    /* With nothing free of one dimension anywhere there is nothing smaller. */
    insert(4, 10, slot(0, 1, 10, 0));
    insert(5, 11, slot(99, 100, 4, 0));
    pc_engine_explain(engine, &full, &decline);
    ck_assert_ptr_null(decline.smaller);
    pc_engine_decline_destroy(&decline);
}
END_TEST

/* A delay beyond the end of time is none. */
START_TEST(test_end_of_time)
{
    int64_t end = PC_TIME_MAX - T0;
    struct pc_slot s = slot(end - 20, end - 10, 1, 0);
    struct pc_engine_request r = request(1, &s, 1);
    struct pc_engine_decline decline;

    add_cloudlet(1);
    add_node(10, 10, 10);
    insert(2, 10, slot(end - 100, end - 10, 10, 0));
    pc_engine_explain(engine, &r, &decline);
    ck_assert_int_eq(decline.delay, 10);
    pc_engine_decline_destroy(&decline);
    insert(2, 10, slot(end - 100, end - 9, 10, 0));
    pc_engine_explain(engine, &r, &decline);
    ck_assert_int_eq(decline.delay, -1);
    pc_engine_decline_destroy(&decline);
}
END_TEST

/* Of many candidates the nearest are explained. */
START_TEST(test_many)
{
    enum { N = PC_ENGINE_MAX_EXPLAINED + 10 };
    struct pc_slot s = slot(0, 10, 11, 0);
    struct pc_engine_request r = request(1, &s, 1);
    struct pc_engine_decline decline;

    /* Two cloudlets: c1 has all but the last 5. */
    add_cloudlet(1);
    add_cloudlet(2);
    for (int i = 0; i < N; i++) {
        struct pc_engine_node n = node(10, 10, 10);

        n.uuid = uuid_of('n', i);       /* All have one name. */
        n.cloudlet = uuid_of('c', i < N - 5 ? 1 : 2);
        pc_engine_set_node(engine, &n);
    }
    pc_engine_explain(engine, &r, &decline);
    ck_assert_uint_eq(decline.n_candidates, PC_ENGINE_MAX_EXPLAINED);
    ck_assert_uint_eq(decline.n_more, 10);
    ck_assert_int_eq(decline.candidates[PC_ENGINE_MAX_EXPLAINED - 1].verdict,
                     PC_VERDICT_TOO_SMALL);
    pc_engine_decline_destroy(&decline);
    r.cloudlet = uuid_of('c', 2);
    pc_engine_explain(engine, &r, &decline);
    ck_assert_uint_eq(decline.n_candidates, 5);
    ck_assert_uint_eq(decline.n_more, 0);
    pc_engine_decline_destroy(&decline);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_reasons);
    tcase_add_test(tc, test_alternatives);
    tcase_add_test(tc, test_end_of_time);
    tcase_add_test(tc, test_many);
    return pc_test_run("pc-engine-explain", tc);
}
