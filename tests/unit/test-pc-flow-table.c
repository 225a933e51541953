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
#include "pc-flow-table.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake-switch.h"
#include "flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-installed.h"
#include "pc-layout.h"
#include "pc-ofpact.h"
#include "pc-test.h"
#include "util.h"
#include "uuid.h"

static struct pc_flow_table *t;
static struct ovs_list mods;
static const struct uuid a = { { 1, 0, 0, 0 } };
static const struct uuid b = { { 2, 0, 0, 0 } };
static const struct uuid c = { { 3, 0, 0, 0 } };

static void
setup(void)
{
    t = pc_flow_table_create();
    ovs_list_init(&mods);
}

static void
teardown(void)
{
    pc_mods_destroy(&mods);
    pc_flow_table_destroy(t);
}

/* Desires, for 'owner', that what comes in on 'in_port' go to 'out_port'. */
static void
add_flow(const struct uuid *owner, int in_port, int out_port)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 64);
    match_set_in_port(&match, u16_to_ofp(in_port));
    pc_ofpact_put_output(&ofpacts, u16_to_ofp(out_port));
    struct pc_flow_spec spec = pc_flow_spec(
        0, 100, pc_cookie_pack(PC_FLOW_OTHER, owner), &match, &ofpacts);
    pc_flow_table_add_flow(t, owner, &spec);
    ofpbuf_uninit(&ofpacts);
}

/* A group with a bucket to 'port', or to another group if that is nonzero. */
static void
add_group(const struct uuid *owner, uint32_t id, int port, uint32_t other)
{
    struct ofputil_group_mod gm = { .group_id = id, .type = OFPGT11_ALL };
    struct ofputil_bucket *bucket = xzalloc(sizeof *bucket);
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 64);
    if (other) {
        pc_ofpact_put_group(&ofpacts, other);
    } else {
        pc_ofpact_put_output(&ofpacts, u16_to_ofp(port));
    }
    bucket->watch_port = OFPP_ANY;
    bucket->watch_group = OFPG_ANY;
    bucket->ofpacts_len = ofpacts.size;
    bucket->ofpacts = ofpbuf_steal_data(&ofpacts);
    ovs_list_init(&gm.buckets);
    ovs_list_push_back(&gm.buckets, &bucket->list_node);
    pc_flow_table_add_group(t, owner, &gm);
    ofputil_uninit_group_mod(&gm);
}

static void
add_meter(const struct uuid *owner, uint32_t id, uint32_t rate)
{
    struct ofputil_meter_band band = { .type = OFPMBT13_DROP, .rate = rate,
                                       .burst_size = 5 };
    struct ofputil_meter_config config = {
        .meter_id = id, .flags = OFPMF13_KBPS | OFPMF13_BURST, .n_bands = 1,
        .bands = &band };

    pc_flow_table_add_meter(t, owner, &config);
}

/* Takes the changes and compares them, one letter a mod: F, G or M and then
 * + (add), ~ (modify) or - (delete). */
static void
check_mods(const char *expected)
{
    char got[256] = "";
    const struct pc_mod *mod;
    size_t n = 0;

    LIST_FOR_EACH (mod, node, &mods) {
        int command = (mod->type == PC_MOD_FLOW ? mod->fm.command
                       : mod->type == PC_MOD_GROUP ? mod->gm.command
                       : mod->mm.command);

        got[n++] = "FGM"[mod->type];
        got[n++] = (pc_mod_is_delete(mod) ? '-'
                    : command == 0 ? '+' : '~');
    }
    got[n] = '\0';
    ck_assert_str_eq(got, expected);
    pc_mods_destroy(&mods);
}

static void
take(const char *expected)
{
    pc_flow_table_take_changes(t, &mods);
    ck_assert(!pc_flow_table_is_dirty(t));
    check_mods(expected);
}

START_TEST(test_changes)
{
    add_flow(&a, 1, 2);
    add_flow(&a, 2, 3);
    ck_assert(pc_flow_table_is_dirty(t));
    take("F+F+");
    take("");

    /* Gone and back again is nothing. */
    pc_flow_table_remove_owner(t, &a);
    add_flow(&a, 2, 3);
    add_flow(&a, 1, 2);
    take("");

    /* Other actions keep the counters. */
    pc_flow_table_remove_owner(t, &a);
    add_flow(&a, 1, 9);
    take("F~F-");
    pc_flow_table_remove_owner(t, &a);
    take("F-");

    /* Never seen by the switch. */
    add_flow(&a, 1, 9);
    pc_flow_table_remove_owner(t, &a);
    take("");
}
END_TEST

START_TEST(test_twice)
{
    add_flow(&a, 1, 2);
    add_flow(&a, 1, 3);         /* The last wins. */
    take("F+");
    add_flow(&a, 1, 3);
    take("");
    add_flow(&a, 1, 2);
    take("F~");
}
END_TEST

START_TEST(test_owners)
{
    struct uuid winner;

    add_flow(&a, 1, 2);
    add_flow(&b, 1, 3);
    add_flow(&c, 1, 4);
    take("F+");
    ck_assert(!pc_flow_table_find_conflict(t, &a, &winner));
    ck_assert(pc_flow_table_find_conflict(t, &b, &winner));
    ck_assert(uuid_equals(&winner, &a));

    /* A recompiled owner keeps its place. */
    pc_flow_table_remove_owner(t, &a);
    add_flow(&a, 1, 2);
    take("");

    /* Then the others, in order; the cookie is another, so it's added. */
    pc_flow_table_remove_owner(t, &a);
    pc_flow_table_take_changes(t, &mods);
    struct pc_mod *mod = CONTAINER_OF(ovs_list_front(&mods), struct pc_mod,
                                      node);
    ck_assert(uuid_equals(&mod->owner, &b));
    check_mods("F+");
    ck_assert(!pc_flow_table_find_conflict(t, &b, &winner));
    ck_assert(pc_flow_table_find_conflict(t, &c, &winner));
    ck_assert(uuid_equals(&winner, &b));

    pc_flow_table_remove_owner(t, &c);
    take("");
    pc_flow_table_remove_owner(t, &b);
    take("F-");

    struct pc_flow_table_counts counts;
    pc_flow_table_get_counts(t, &counts);
    ck_assert_uint_eq(counts.n_owners, 0);
    ck_assert_uint_eq(counts.n_flows, 0);
    ck_assert_uint_eq(counts.n_shadowed, 0);
}
END_TEST

/* What takes something away waits until all have said what they desire. */
START_TEST(test_additions)
{
    add_flow(&a, 1, 11);
    add_group(&b, PC_GROUP_BASE + 1, 12, 0);
    pc_flow_table_take_additions(t, &mods);
    check_mods("G+F+");

    pc_flow_table_remove_owner(t, &a);
    add_flow(&b, 2, 12);
    pc_flow_table_take_additions(t, &mods);
    check_mods("F+");
    ck_assert(pc_flow_table_is_dirty(t));
    pc_flow_table_take_additions(t, &mods);
    check_mods("");

    /* It comes back as it was, and somebody else goes. */
    add_flow(&a, 1, 11);
    pc_flow_table_remove_owner(t, &b);
    pc_flow_table_take_additions(t, &mods);
    check_mods("");
    take("F-G-");
}
END_TEST

START_TEST(test_remove_flow)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;

    match_set_in_port(&match, u16_to_ofp(1));
    add_flow(&a, 1, 2);
    add_flow(&a, 2, 2);
    add_flow(&b, 1, 3);
    take("F+F+");
    ck_assert(pc_flow_table_remove_flow(t, &b, 0, 100, &match));
    ck_assert(!pc_flow_table_remove_flow(t, &b, 0, 100, &match));
    take("");
    ck_assert(pc_flow_table_remove_flow(t, &a, 0, 100, &match));
    take("F-");
    ck_assert(!pc_flow_table_remove_flow(t, &a, 0, 100, &match));
}
END_TEST

START_TEST(test_order)
{
    add_flow(&a, 1, 2);
    add_group(&a, PC_GROUP_BASE | 1, 0, PC_GROUP_BASE | 2);
    add_group(&a, PC_GROUP_BASE | 2, 5, 0);
    add_meter(&a, PC_METER_BASE, 1000);
    pc_flow_table_take_changes(t, &mods);
    struct pc_mod *second = CONTAINER_OF(ovs_list_front(&mods)->next,
                                         struct pc_mod, node);
    ck_assert_uint_eq(second->gm.group_id, PC_GROUP_BASE | 2);
    check_mods("M+G+G+F+");

    pc_flow_table_remove_owner(t, &a);
    add_flow(&b, 3, 4);
    add_meter(&b, PC_METER_BASE + 1, 1000);
    pc_flow_table_take_changes(t, &mods);
    struct pc_mod *last_but_one = CONTAINER_OF(ovs_list_back(&mods)->prev,
                                               struct pc_mod, node);
    ck_assert_uint_eq(last_but_one->gm.group_id, PC_GROUP_BASE | 2);
    check_mods("M+F+F-G-G-M-");

    add_meter(&b, PC_METER_BASE + 1, 2000);
    take("M~");
}
END_TEST

static const enum ofputil_protocol protocols[] = {
    OFPUTIL_P_OF13_OXM, OFPUTIL_P_OF14_OXM, OFPUTIL_P_OF15_OXM
};

/* A restart: a new table, and what the switch has. */
START_TEST(test_diff)
{
    struct pc_installed *inst;
    struct pc_installed_counts counts;

    add_flow(&a, 1, 2);
    add_flow(&b, 2, 2);
    add_group(&a, PC_GROUP_BASE | 2, 5, 0);
    add_group(&a, PC_GROUP_BASE | 1, 0, PC_GROUP_BASE | 2);
    add_meter(&a, PC_METER_BASE, 1000);
    pc_flow_table_take_changes(t, &mods);
    inst = fake_switch(&mods, protocols[_i]);
    check_mods("M+G+G+F+F+");
    pc_installed_get_counts(inst, &counts);
    ck_assert_uint_eq(counts.n_flows, 2);
    ck_assert_uint_eq(counts.n_groups, 2);
    ck_assert_uint_eq(counts.n_meters, 1);

    /* The same is desired. */
    pc_installed_diff(inst, t, &mods);
    check_mods("");

    /* Something changed meanwhile. */
    add_flow(&a, 1, 7);
    pc_flow_table_remove_owner(t, &b);
    add_meter(&a, PC_METER_BASE, 2000);
    pc_installed_diff(inst, t, &mods);
    check_mods("M~F~F-");
    take("");

    /* Nothing is desired. */
    pc_flow_table_clear(t);
    pc_installed_diff(inst, t, &mods);
    check_mods("F-F-G-G-M-");

    /* The switch has lost all: a new one. */
    pc_installed_destroy(inst);
    inst = pc_installed_create(protocols[_i]);
    add_flow(&a, 1, 2);
    take("F+");
    pc_installed_diff(inst, t, &mods);
    check_mods("F+");
    take("");
    pc_installed_destroy(inst);
}
END_TEST

/* Foreign things don't enter. */
START_TEST(test_foreign)
{
    struct pc_installed *inst = pc_installed_create(OFPUTIL_P_OF15_OXM);
    struct ofputil_flow_stats fs = { .cookie = 0 };
    struct ofputil_group_desc gd = { .group_id = 5 };
    struct ofputil_meter_config mc = { .meter_id = 5 };

    match_init_catchall(&fs.match);
    ck_assert(!pc_installed_add_flow(inst, &fs));
    ck_assert(!pc_installed_add_group(inst, &gd));
    ck_assert(!pc_installed_add_meter(inst, &mc));
    pc_installed_diff(inst, t, &mods);
    check_mods("");
    pc_installed_destroy(inst);
}
END_TEST

START_TEST(test_compare)
{
    struct pc_flow_table *first = t;
    char *text;

    add_flow(&a, 1, 2);
    add_flow(&a, 2, 2);
    t = pc_flow_table_create();
    add_flow(&a, 2, 2);
    add_flow(&a, 1, 2);
    ck_assert_ptr_null(pc_flow_table_compare(first, t));

    /* What only one of them has, whichever. */
    add_flow(&a, 3, 2);
    text = pc_flow_table_compare(first, t);
    ck_assert(!strncmp(text, "+flow add table=0", 17));
    free(text);
    text = pc_flow_table_compare(t, first);
    ck_assert(!strncmp(text, "-flow add table=0", 17));
    free(text);

    add_flow(&a, 1, 3);
    add_meter(&a, PC_METER_BASE, 1000);
    text = pc_flow_table_compare(first, t);
    ck_assert(strstr(text, "-flow add table=0"));
    ck_assert(strstr(text, "+meter add"));
    free(text);
    pc_flow_table_destroy(first);
}
END_TEST

/* A flow of any priority, with a port or a destination address. */
static void
add_any(const struct uuid *owner, uint8_t table_id, uint16_t priority,
        int in_port, uint32_t address, int plen)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf ofpacts;

    ofpbuf_init(&ofpacts, 64);
    if (in_port) {
        match_set_in_port(&match, u16_to_ofp(in_port));
    }
    if (plen) {
        match_set_dl_type(&match, htons(ETH_TYPE_IP));
        match_set_nw_dst_masked(&match, htonl(address),
                                be32_prefix_mask(plen));
    }
    struct pc_flow_spec spec = pc_flow_spec(
        table_id, priority, pc_cookie_pack(PC_FLOW_OTHER, owner), &match,
        &ofpacts);
    pc_flow_table_add_flow(t, owner, &spec);
    ofpbuf_uninit(&ofpacts);
}

/* The search by one look at every flow: what pc_flow_table_find_flow() is to
 * find. */
struct search {
    const struct flow *flow;
    uint8_t table_id;
    int priority;               /* Of the best so far, or -1. */
};

static void
search_cb(const struct pc_flow_view *view, void *s_)
{
    struct search *s = s_;

    if (view->table_id == s->table_id && view->priority > s->priority
        && minimatch_matches_flow(view->match, s->flow)) {
        s->priority = view->priority;
    }
}

static void
check_find(int in_port, uint32_t address)
{
    struct flow flow = { .dl_type = htons(ETH_TYPE_IP),
                         .nw_dst = htonl(address) };

    flow.in_port.ofp_port = u16_to_ofp(in_port);
    for (uint8_t table_id = 0; table_id < 3; table_id++) {
        struct search s = { &flow, table_id, -1 };
        struct pc_flow_view view;

        pc_flow_table_for_each_flow(t, search_cb, &s);
        bool found = pc_flow_table_find_flow(t, table_id, &flow, &view);
        ck_assert_int_eq(found, s.priority >= 0);
        if (found) {
            ck_assert_uint_eq(view.table_id, table_id);
            ck_assert_int_eq(view.priority, s.priority);
            ck_assert(minimatch_matches_flow(view.match, &flow));
        }
    }
}

static void
check_find_all(void)
{
    for (int i = 0; i < 64; i++) {
        check_find(i % 8, 0x0a000000 + i * 37 % 64);
    }
}

/* Flows are found while they come, go, and are had by others. */
START_TEST(test_find_flow)
{
    check_find_all();
    for (int i = 0; i < 200; i++) {
        uint32_t address = 0x0a000000 + i * 29 % 64;

        add_any(i % 3 ? &a : &b, i % 2, 100 + i % 7, i % 5,
                address & (0xffffffff << i % 4), i % 11 ? 32 - i % 4 : 0);
    }
    check_find_all();
    pc_flow_table_take_changes(t, &mods);
    pc_mods_destroy(&mods);
    check_find_all();
    pc_flow_table_remove_owner(t, &a);
    check_find_all();           /* Deleted, but not taken. */
    pc_flow_table_take_changes(t, &mods);
    pc_mods_destroy(&mods);
    check_find_all();
    pc_flow_table_clear(t);
    pc_flow_table_take_changes(t, &mods);
    check_find_all();
}
END_TEST

START_TEST(test_find_group)
{
    ck_assert_ptr_null(pc_flow_table_find_group(t, 7));
    add_group(&a, 7, 1, 0);
    ck_assert_uint_eq(pc_flow_table_find_group(t, 7)->group_id, 7);
    pc_flow_table_take_changes(t, &mods);
    pc_flow_table_remove_owner(t, &a);
    ck_assert_ptr_null(pc_flow_table_find_group(t, 7));
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_changes);
    tcase_add_test(tc, test_twice);
    tcase_add_test(tc, test_owners);
    tcase_add_test(tc, test_additions);
    tcase_add_test(tc, test_remove_flow);
    tcase_add_test(tc, test_order);
    tcase_add_loop_test(tc, test_diff, 0, ARRAY_SIZE(protocols));
    tcase_add_test(tc, test_foreign);
    tcase_add_test(tc, test_compare);
    tcase_add_test(tc, test_find_flow);
    tcase_add_test(tc, test_find_group);
    return pc_test_run("pc-flow-table", tc);
}
