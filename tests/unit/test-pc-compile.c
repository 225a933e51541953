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
#include "pc-compile.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake-switch.h"
#include "flow.h"
#include "packets.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "pc-match.h"
#include "pc-test.h"
#include "util.h"
#include "uuid.h"

#define BASE PC_TABLE_BASE_DEFAULT

/* A cloudlet of one service of each mode with one VI, and rules. */
struct world {
    struct pc_flow_table *table;
    struct pc_service services[4];      /* By mode, from 0; numbers from 1. */
    struct pc_vi vis[4];
    struct pc_vi *vi_pointers[4];
    struct pc_path alone;               /* Service 1. */
    struct pc_position positions[4];    /* Of each service, if in a chain. */
    struct pc_rule_match match;
    struct pc_rule rule;
};

static struct world w;

static void
set_rule(const char *match)
{
    pc_rule_match_destroy(&w.match);
    char *error = pc_rule_match_parse(match, NULL, &w.match);
    ck_assert_msg(!error, "%s", error);
    w.rule.match = &w.match;
    pc_path_alone(&w.alone, &w.services[0]);
    w.rule.path = &w.alone;
}

static void
setup(void)
{
    memset(&w, 0, sizeof w);
    w.table = pc_flow_table_create();
    for (int i = 0; i < 4; i++) {
        struct pc_service *svc = &w.services[i];
        struct pc_vi *vi = &w.vis[i];

        w.vi_pointers[i] = vi;
        svc->uuid.parts[0] = 0x100 + i;
        svc->number = i + 1;
        svc->mode = i;
        svc->vis = &w.vi_pointers[i];
        svc->n_vis = 1;
        vi->uuid.parts[0] = 0x200 + i;
        vi->number = i + 1;
        vi->service = svc;
        vi->port[PC_PORT_IN] = u16_to_ofp(10 + i * 2);
        vi->port[PC_PORT_OUT] = (svc->mode == PC_MODE_INLINE
                                 ? u16_to_ofp(11 + i * 2) : OFPP_NONE);
        vi->mac = (struct eth_addr) { .ea = { 2, 0, 0, 0, 0, 2 * i } };
        vi->gw_mac = (struct eth_addr) { .ea = { 2, 9, 0, 0, 0, 0 } };
        vi->ready = true;
        vi->weight = 100;
    }
    w.rule.uuid.parts[0] = 0x300;
    w.rule.priority = 1000;
    set_rule("tcp,tp_dst=80");
}

static void
teardown(void)
{
    pc_rule_match_destroy(&w.match);
    pc_flow_table_destroy(w.table);
}

static void
compile_all(struct pc_flow_table *t)
{
    pc_compile_common(t, BASE);
    for (int i = 0; i < 4; i++) {
        pc_compile_service(t, BASE, &w.services[i]);
        pc_compile_vi(t, BASE, &w.vis[i]);
    }
    pc_compile_rule(t, BASE, &w.rule);
}

/* Takes the changes and returns how many flow, group and meter mods there
 * are, as text. */
static const char *
take_counts(void)
{
    static char text[64];
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);
    const struct pc_mod *mod;
    int n[3] = { 0, 0, 0 };

    pc_flow_table_take_changes(w.table, &mods);
    LIST_FOR_EACH (mod, node, &mods) {
        n[mod->type]++;
    }
    pc_mods_destroy(&mods);
    snprintf(text, sizeof text, "%d flows, %d groups, %d meters",
             n[PC_MOD_FLOW], n[PC_MOD_GROUP], n[PC_MOD_METER]);
    return text;
}

struct find {
    int table_id;
    struct uuid owner;
    char *text;
};

static void
find_cb(const struct pc_flow_view *view, void *find_)
{
    struct find *find = find_;

    if (view->table_id == find->table_id
        && uuid_equals(&view->owner, &find->owner)) {
        struct ds s = DS_EMPTY_INITIALIZER;
        struct ofpact_format_params fp = { .s = &s };

        minimatch_format(view->match, NULL, NULL, &s, view->priority);
        ds_put_cstr(&s, " actions=");
        ofpacts_format(view->ofpacts, view->ofpacts_len, &fp);
        if (find->text) {
            /* In order, to have one text. */
            bool later = strcmp(find->text, ds_cstr(&s)) < 0;
            char *both = xasprintf("%s\n%s", later ? find->text : ds_cstr(&s),
                                   later ? ds_cstr(&s) : find->text);
            free(find->text);
            ds_destroy(&s);
            find->text = both;
        } else {
            find->text = ds_steal_cstr(&s);
        }
    }
}

/* Asserts that 'owner''s flows (at most two) in 'table_id' are 'expected'. */
static void
check_flows(int table_id, const struct uuid *owner, const char *expected)
{
    struct find find = { .table_id = table_id, .owner = *owner };

    pc_flow_table_for_each_flow(w.table, find_cb, &find);
    ck_assert_str_eq(find.text ? find.text : "", expected);
    free(find.text);
}

START_TEST(test_rule)
{
    const char *both =
        "priority=42000,tcp,metadata=0/0x8000000000000000,"
        "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,tp_src=80 "
        "actions=set_field:0x4000010000000000->metadata,resubmit(,200)\n"
        "priority=42001,tcp,metadata=0/0x8000000000000000,"
        "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,tp_dst=80 "
        "actions=set_field:0x10000000000->metadata,resubmit(,200)";

    pc_compile_rule(w.table, BASE, &w.rule);
    check_flows(0, &w.rule.uuid, both);
    ck_assert_str_eq(take_counts(), "2 flows, 0 groups, 0 meters");
    pc_compile_rule(w.table, BASE, &w.rule);
    ck_assert_str_eq(take_counts(), "0 flows, 0 groups, 0 meters");

    w.rule.direction = PC_RULE_FORWARD;
    pc_compile_rule(w.table, BASE, &w.rule);
    ck_assert_str_eq(take_counts(), "1 flows, 0 groups, 0 meters");
    w.rule.direction = PC_RULE_REVERSE;
    pc_compile_rule(w.table, BASE, &w.rule);
    ck_assert_str_eq(take_counts(), "2 flows, 0 groups, 0 meters");

    /* A fixed dl_dst needs no other check that it's unicast; symmetric needs
     * one flow. */
    w.rule.direction = PC_RULE_BOTH;
    set_rule("dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:01");
    pc_compile_rule(w.table, BASE, &w.rule);
    check_flows(0, &w.rule.uuid,
                "priority=42001,metadata=0/0x8000000000000000,"
                "dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:01 "
                "actions=set_field:0x10000000000->metadata,resubmit(,200)");
}
END_TEST

START_TEST(test_route)
{
    const struct pc_vi *vi = &w.vis[PC_MODE_ROUTE];

    compile_all(w.table);
    check_flows(0, &vi->uuid,
                "priority=60000,metadata=0/0x8000000000000000,in_port=10 "
                "actions=resubmit(,202)");
    check_flows(BASE + PC_TABLE_DELIVER, &vi->uuid,
                "priority=100,metadata=0x1000000/0x400000ffff000000 actions="
                "set_field:02:09:00:00:00:00->eth_src,"
                "set_field:02:00:00:00:00:00->eth_dst,output:10\n"
                "priority=100,metadata=0x4000000001000000/0x400000ffff000000 "
                "actions=set_field:02:09:00:00:00:00->eth_src,"
                "set_field:02:00:00:00:00:00->eth_dst,output:10");
    check_flows(BASE + PC_TABLE_RETURN, &vi->uuid,
                "priority=100,in_port=10 actions="
                "set_field:0x10000000000->metadata,resubmit(,203)");
}
END_TEST

START_TEST(test_route_two_ports)
{
    struct pc_vi *vi = &w.vis[PC_MODE_ROUTE];

    vi->port[PC_PORT_OUT] = u16_to_ofp(30);
    w.services[PC_MODE_ROUTE].two_arms = true;
    compile_all(w.table);
    check_flows(BASE + PC_TABLE_DELIVER, &vi->uuid,
                "priority=100,metadata=0x1000000/0x400000ffff000000 actions="
                "set_field:02:09:00:00:00:00->eth_src,"
                "set_field:02:00:00:00:00:00->eth_dst,output:10\n"
                "priority=100,metadata=0x4000000001000000/0x400000ffff000000 "
                "actions=set_field:02:09:00:00:00:00->eth_src,"
                "set_field:02:00:00:00:00:01->eth_dst,output:30");
    check_flows(BASE + PC_TABLE_RETURN, &vi->uuid,
                "priority=100,in_port=10 actions="
                "set_field:0x4000010000000000->metadata,resubmit(,203)\n"
                "priority=100,in_port=30 actions="
                "set_field:0x10000000000->metadata,resubmit(,203)");
}
END_TEST

START_TEST(test_inline)
{
    const struct pc_vi *vi = &w.vis[PC_MODE_INLINE];

    compile_all(w.table);
    check_flows(BASE + PC_TABLE_DELIVER, &vi->uuid,
                "priority=100,metadata=0x2000000/0x400000ffff000000 "
                "actions=output:12\n"
                "priority=100,metadata=0x4000000002000000/0x400000ffff000000 "
                "actions=output:13");
    check_flows(BASE + PC_TABLE_STEER, &w.services[PC_MODE_INLINE].uuid,
                "priority=100,metadata=0x20000000000/0x7fffff0000000000 "
                "actions=group:2617245728\n"
                "priority=100,metadata=0x4000020000000000/0x7fffff0000000000 "
                "actions=group:2617245729");
    check_flows(BASE + PC_TABLE_NEXT, &w.services[PC_MODE_INLINE].uuid,
                "priority=100,metadata=0x20000000000/0x7fffff0000000000 "
                "actions=set_field:0x8000000000000000->metadata,resubmit(,0)\n"
                "priority=100,metadata=0x4000020000000000/0x7fffff0000000000 "
                "actions=set_field:0x8000000000000000->metadata,resubmit(,0)");
}
END_TEST

START_TEST(test_tap_and_host)
{
    compile_all(w.table);
    check_flows(BASE + PC_TABLE_RETURN, &w.vis[PC_MODE_TAP].uuid,
                "priority=100,in_port=14 actions=drop");
    check_flows(BASE + PC_TABLE_STEER, &w.services[PC_MODE_TAP].uuid,
                "priority=100,metadata=0x30000000000/0x7fffff0000000000 "
                "actions=group:2617245746,resubmit(,203)\n"
                "priority=100,metadata=0x4000030000000000/0x7fffff0000000000 "
                "actions=group:2617245747,resubmit(,203)");
    for (int table = 0; table < 256; table++) {
        check_flows(table, &w.vis[PC_MODE_HOST].uuid, "");
        check_flows(table, &w.services[PC_MODE_HOST].uuid, "");
    }
}
END_TEST

/* What each kind of change costs: one owner's flows or groups, no more. */
START_TEST(test_incremental)
{
    struct pc_vi *vi = &w.vis[PC_MODE_INLINE];
    struct pc_service *svc = &w.services[PC_MODE_INLINE];

    compile_all(w.table);
    take_counts();
    compile_all(w.table);
    ck_assert_str_eq(take_counts(), "0 flows, 0 groups, 0 meters");

    vi->ready = false;
    pc_compile_service(w.table, BASE, svc);
    ck_assert_str_eq(take_counts(), "0 flows, 2 groups, 0 meters");
    svc->on_failure = PC_FAIL_CLOSE;
    pc_compile_service(w.table, BASE, svc);
    ck_assert_str_eq(take_counts(), "0 flows, 2 groups, 0 meters");

    vi->network_bps = 1000000;
    pc_compile_vi(w.table, BASE, vi);
    ck_assert_str_eq(take_counts(), "2 flows, 0 groups, 2 meters");
    vi->network_bps = 2000000;
    pc_compile_vi(w.table, BASE, vi);
    ck_assert_str_eq(take_counts(), "0 flows, 0 groups, 2 meters");

    /* Detached. */
    vi->port[0] = vi->port[1] = OFPP_NONE;
    pc_compile_vi(w.table, BASE, vi);
    ck_assert_str_eq(take_counts(), "8 flows, 0 groups, 2 meters");
}
END_TEST

/* A chain of `inline` and one-armed `route`, with the flows of both directions
 * in order. */
static void
make_chain(struct pc_path *path)
{
    *path = (struct pc_path) {
        .uuid = { { 0x400, 0, 0, 0 } }, .number = PC_PATH_CHAIN | 1,
        .hops = { &w.services[PC_MODE_INLINE], &w.services[PC_MODE_ROUTE] },
        .n_hops = 2 };
    for (size_t i = 0; i < 2; i++) {
        struct pc_service *svc = CONST_CAST(struct pc_service *,
                                            path->hops[i]);
        w.positions[svc->mode] = (struct pc_position) { path, i };
        svc->positions = &w.positions[svc->mode];
        svc->n_positions = 1;
    }
    w.rule.path = path;
}

START_TEST(test_chain)
{
    struct pc_path path;

    make_chain(&path);
    compile_all(w.table);
    pc_compile_path(w.table, BASE, &path);

    /* The rule tells the direction of what the one-armed VI returns: it is the
     * second hop there, the first one back. */
    check_flows(BASE + PC_TABLE_DIRECTION, &w.rule.uuid,
                "priority=2100,tcp,metadata=0x10000000000/0xffff0000000000,"
                "tp_src=80 actions="
                "set_field:0x4080010000000000->metadata,resubmit(,203)\n"
                "priority=2101,tcp,metadata=0x10000000000/0xffff0000000000,"
                "tp_dst=80 actions="
                "set_field:0x180010000000000->metadata,resubmit(,203)");
    check_flows(BASE + PC_TABLE_DIRECTION, &w.services[PC_MODE_ROUTE].uuid,
                "priority=50,metadata=0x10000000000/0xffff0000000000 actions="
                "set_field:0x180010000000000->metadata,resubmit(,203)");
    check_flows(BASE + PC_TABLE_RETURN, &w.vis[PC_MODE_ROUTE].uuid,
                "priority=100,in_port=10 actions="
                "set_field:0x10001000000->metadata,resubmit(,207)");

    /* Reverse, the route service is the first hop, the inline one the
     * second. */
    const char *steer[] = {
        "metadata=0x80010000000000/0x7fffff0000000000 actions=group:"
        "2617245728",
        "metadata=0x180010000000000/0x7fffff0000000000 actions=group:"
        "2617245712",
        "metadata=0x4080010000000000/0x7fffff0000000000 actions=group:"
        "2617245713",
        "metadata=0x4180010000000000/0x7fffff0000000000 actions=group:"
        "2617245729",
    };
    struct find find = { .table_id = BASE + PC_TABLE_STEER,
                         .owner = path.uuid };
    pc_flow_table_for_each_flow(w.table, find_cb, &find);
    for (size_t i = 0; i < ARRAY_SIZE(steer); i++) {
        ck_assert_msg(strstr(find.text, steer[i]) != NULL, "no %s in:\n%s",
                      steer[i], find.text);
    }
    free(find.text);
}
END_TEST

static const enum ofputil_protocol protocols[] = {
    OFPUTIL_P_OF13_OXM, OFPUTIL_P_OF14_OXM, OFPUTIL_P_OF15_OXM
};

static const char *const matches[] = {
    "tcp,tp_dst=80", "ip,nw_src=10.1.0.0/24", "udp6,tp_dst=0x400/0xfc00",
    "dl_vlan=7,dl_vlan_pcp=3,ip", "vlan_tci=0,ipv6,ipv6_label=5",
    "vlan_tci=0x1000/0x1000,ip", "dl_type=0x1234", "in_port=LOCAL,ip",
    "icmp6,icmp_type=128,icmp_code=0", "tcp,tcp_flags=+syn-ack",
    "ip,nw_src=10.0.0.1/255.0.0.255,nw_tos=32,nw_ecn=1,nw_ttl=3,ip_frag=no",
    "dl_src=02:00:00:00:00:99/ff:ff:ff:00:00:ff", "sctp,tp_src=4",
    "ipv6,ipv6_src=2001:db8::/32,ipv6_dst=::1/::ff", "ip,nw_proto=50",
};

/* After a restart with nothing changed nothing is sent. */
START_TEST(test_restart)
{
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);
    struct pc_flow_table *again = pc_flow_table_create();
    struct pc_path path;

    set_rule(matches[_i / 3]);
    w.vis[PC_MODE_INLINE].network_bps = 5000000;
    make_chain(&path);
    compile_all(w.table);
    pc_compile_path(w.table, BASE, &path);
    pc_flow_table_take_changes(w.table, &mods);
    struct pc_installed *inst = fake_switch(&mods, protocols[_i % 3]);
    ck_assert_uint_gt(ovs_list_size(&mods), 50);
    pc_mods_destroy(&mods);

    compile_all(again);
    pc_compile_path(again, BASE, &path);
    pc_installed_diff(inst, again, &mods);
    const struct pc_mod *mod;
    LIST_FOR_EACH (mod, node, &mods) {
        ck_abort_msg("%s", pc_mod_format(mod));
    }
    ck_assert_ptr_null(pc_flow_table_compare(w.table, again));
    pc_installed_destroy(inst);
    pc_flow_table_destroy(again);
}
END_TEST

START_TEST(test_layout)
{
    struct pc_meta m = { .direction = PC_REVERSE, .hop = 63, .path = 0xffff,
                         .vi = 0x1234 };
    struct pc_meta back = pc_meta_unpack(pc_meta_pack(&m));
    const struct uuid *owner = &w.rule.uuid;
    ovs_be64 cookie = pc_cookie_pack(PC_FLOW_NEXT, owner);
    uint8_t table_id;
    char *s;

    ck_assert(back.direction == m.direction && back.hop == m.hop
              && back.path == m.path && back.vi == m.vi && !back.served);
    s = pc_meta_format(pc_meta_pack(&m));
    ck_assert_str_eq(s, "chain=32767,hop=63,reverse,vi=4660");
    free(s);

    ck_assert(pc_cookie_is_ours(cookie));
    ck_assert(!pc_cookie_is_ours(0));
    ck_assert_int_eq(pc_cookie_kind(cookie), PC_FLOW_NEXT);
    ck_assert_uint_eq(pc_cookie_owner(cookie), pc_cookie_owner_bits(owner));

    ck_assert(pc_group_is_ours(pc_group_id(32767, PC_GROUP_SELECT_REVERSE)));
    ck_assert_uint_lt(pc_group_id(32767, PC_GROUP_SELECT_REVERSE), OFPG_MAX);
    ck_assert_uint_eq(pc_group_service(pc_group_id(7, 1)), 7);
    ck_assert_uint_eq(pc_meter_id(65535, PC_REVERSE), PC_METER_LAST);
    ck_assert_uint_eq(pc_meter_vi(pc_meter_id(65535, PC_REVERSE)), 65535);

    ck_assert(pc_table_from_name("next", BASE, &table_id));
    ck_assert_str_eq(pc_table_name(BASE, table_id), "NEXT");
    ck_assert_ptr_null(pc_table_name(BASE, 1));
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_layout);
    tcase_add_test(tc, test_rule);
    tcase_add_test(tc, test_route);
    tcase_add_test(tc, test_route_two_ports);
    tcase_add_test(tc, test_inline);
    tcase_add_test(tc, test_tap_and_host);
    tcase_add_test(tc, test_incremental);
    tcase_add_test(tc, test_chain);
    tcase_add_loop_test(tc, test_restart, 0, 3 * ARRAY_SIZE(matches));
    return pc_test_run("pc-compile", tc);
}
