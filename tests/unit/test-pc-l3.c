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

/* The front-end router as a whole: packet-ins in, flows and packet-outs out.
 */

#include <config.h>
#include "pc-l3.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dp-packet.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-packet.h"
#include "packets.h"
#include "pc-flow-table.h"
#include "pc-l3-compile.h"
#include "pc-l3-packet.h"
#include "pc-test.h"
#include "util.h"
#include "uuid.h"

#define BASE 200
#define NEIGHBOR (BASE + 6)

static const struct uuid if_a = { { 0xa, 1, 2, 3 } };
static const struct uuid if_b = { { 0xb, 1, 2, 3 } };
static const struct uuid if_v = { { 0xc, 1, 2, 3 } };
static const struct eth_addr mac_a = ETH_ADDR_C(02,00,00,00,00,0a);
static const struct eth_addr mac_b = ETH_ADDR_C(02,00,00,00,00,0b);
static const struct eth_addr host_a = ETH_ADDR_C(00,00,00,00,00,0a);
static const struct eth_addr host_b = ETH_ADDR_C(00,00,00,00,00,0b);

static struct pc_flow_table *table;
static struct pc_l3 *l3;
static struct ovs_list outs;

static struct pc_l3 *
create(struct pc_flow_table *t)
{
    struct pc_l3_config config = {
        .table_base = BASE, .controller_id = 1, .nd_answers = true,
    };

    return pc_l3_create(t, &config);
}

static char *
try_interface(const struct uuid *uuid, const struct eth_addr mac,
              uint16_t port, const char *address)
{
    struct pc_l3_address a;
    struct pc_l3_interface iface = {
        .uuid = *uuid, .mac = mac, .port = u16_to_ofp(port),
        .addresses = &a, .n_addresses = 1
    };

    ck_assert_ptr_null(pc_l3_parse_address(address, &a));
    return pc_l3_set_interface(l3, &iface);
}

static void
add_interface(const struct uuid *uuid, const struct eth_addr mac,
              uint16_t port, const char *address)
{
    ck_assert_ptr_null(try_interface(uuid, mac, port, address));
}

static void
setup(void)
{
    table = pc_flow_table_create();
    l3 = create(table);
    ovs_list_init(&outs);
    add_interface(&if_a, mac_a, 1, "10.1.0.1/24");
    add_interface(&if_b, mac_b, 2, "10.2.0.1/24");
}

static void
free_outs(void)
{
    struct pc_l3_packet_out *po;

    LIST_FOR_EACH_POP (po, list_node, &outs) {
        pc_l3_packet_out_destroy(po);
    }
}

static void
teardown(void)
{
    free_outs();
    pc_l3_destroy(l3);
    pc_flow_table_destroy(table);
}

/* A packet-in with 'p', which it frees. */
static void
packet_in(struct dp_packet *p, enum pc_l3_reason reason, uint16_t port,
          const struct uuid *iface, const char *nexthop, long long int now)
{
    uint8_t userdata[4] = { 'L', '3', reason, 0 };
    struct ofputil_packet_in pin = {
        .packet = dp_packet_data(p), .packet_len = dp_packet_size(p),
        .userdata = userdata, .userdata_len = sizeof userdata
    };
    struct flow *f = &pin.flow_metadata.flow;
    ovs_be32 ip;

    f->in_port.ofp_port = u16_to_ofp(port);
    if (nexthop) {
        ck_assert(ip_parse(nexthop, &ip));
        f->regs[PC_L3_REG_INTERFACE] = pc_l3_interface_number(iface);
        f->regs[PC_L3_REG_NEXTHOP4] = ntohl(ip);
    }
    pc_l3_packet_in(l3, now, &pin, &outs);
    dp_packet_delete(p);
}

/* A UDP packet from 'src' to 'dst', as the router gets it. */
static struct dp_packet *
udp(const char *src, const char *dst)
{
    struct dp_packet *p = dp_packet_new(100);
    struct flow flow = {
        .dl_dst = mac_a, .dl_src = host_a, .dl_type = htons(ETH_TYPE_IP),
        .nw_proto = IPPROTO_UDP, .nw_ttl = 9,
        .tp_src = htons(1), .tp_dst = htons(2)
    };

    ck_assert(ip_parse(src, &flow.nw_src) && ip_parse(dst, &flow.nw_dst));
    flow_compose(p, &flow, NULL, 0);
    return p;
}

static struct dp_packet *
arp_reply(const struct eth_addr from, const char *spa, const char *tpa)
{
    struct dp_packet *p = dp_packet_new(100);
    ovs_be32 s, t;

    ck_assert(ip_parse(spa, &s) && ip_parse(tpa, &t));
    compose_arp(p, ARP_OP_REPLY, from, mac_b, false, s, t);
    return p;
}

/* Returns the only packet-out, as text: the flow of its packet, and where it
 * goes. */
static char *
pop_out(void)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct pc_l3_packet_out *po;
    struct flow flow;

    ck_assert_uint_eq(ovs_list_size(&outs), 1);
    po = CONTAINER_OF(ovs_list_pop_front(&outs), struct pc_l3_packet_out,
                      list_node);
    flow_extract(po->packet, &flow);
    if (flow.dl_type == htons(ETH_TYPE_ARP)) {
        ds_put_format(&s, "arp %d "IP_FMT" ", flow.nw_proto,
                      IP_ARGS(flow.nw_dst));
    } else {
        ds_put_format(&s, "ip proto %d type %d "IP_FMT" > "IP_FMT" ",
                      flow.nw_proto, ntohs(flow.tp_src),
                      IP_ARGS(flow.nw_src), IP_ARGS(flow.nw_dst));
    }
    ds_put_format(&s, ETH_ADDR_FMT" ", ETH_ADDR_ARGS(flow.dl_dst));
    struct ofpact_format_params fp = { .s = &s };
    ofpacts_format(po->ofpacts.data, po->ofpacts.size, &fp);
    pc_l3_packet_out_destroy(po);
    return ds_steal_cstr(&s);
}

#define assert_out(EXPECTED)                    \
    do {                                        \
        char *out_ = pop_out();                 \
        ck_assert_str_eq(out_, EXPECTED);       \
        free(out_);                             \
    } while (0)

struct count {
    uint8_t table_id;
    uint16_t priority;
    size_t n;
};

static void
count_flow(const struct pc_flow_view *view, void *count_)
{
    struct count *c = count_;

    c->n += (view->table_id == c->table_id
             && (!c->priority || view->priority == c->priority));
}

static size_t
count_flows(uint8_t table_id, uint16_t priority)
{
    struct count c = { table_id, priority, 0 };

    pc_flow_table_for_each_flow(table, count_flow, &c);
    return c.n;
}

START_TEST(test_resolution)
{
    size_t before = count_flows(NEIGHBOR, 0);

    packet_in(udp("10.1.0.2", "10.2.0.2"), PC_L3_REASON_RESOLVE, 1, &if_b,
              "10.2.0.2", 0);
    assert_out("arp 1 10.2.0.2 ff:ff:ff:ff:ff:ff output:2");

    /* Not from the wrong port, nor for another. */
    packet_in(arp_reply(host_b, "10.2.0.2", "10.2.0.1"), PC_L3_REASON_LEARN,
              1, NULL, NULL, 10);
    packet_in(arp_reply(host_b, "10.2.0.3", "10.2.0.1"), PC_L3_REASON_LEARN,
              2, NULL, NULL, 10);
    packet_in(arp_reply(host_b, "10.7.0.2", "10.2.0.1"), PC_L3_REASON_LEARN,
              2, NULL, NULL, 10);
    ck_assert(ovs_list_is_empty(&outs));
    ck_assert_uint_eq(count_flows(NEIGHBOR, 0), before);

    packet_in(arp_reply(host_b, "10.2.0.2", "10.2.0.1"), PC_L3_REASON_LEARN,
              2, NULL, NULL, 20);
    assert_out("ip proto 17 type 1 10.1.0.2 > 10.2.0.2 00:00:00:00:00:0b "
               "output:2");
    ck_assert_uint_eq(count_flows(NEIGHBOR, 0), before + 1);
}
END_TEST

START_TEST(test_unreachable)
{
    packet_in(udp("10.1.0.2", "10.2.0.2"), PC_L3_REASON_RESOLVE, 1, &if_b,
              "10.2.0.2", 0);
    for (int now = 1000; now <= 2000; now += 1000) {
        assert_out("arp 1 10.2.0.2 ff:ff:ff:ff:ff:ff output:2");
        pc_l3_run(l3, now, &outs);
    }
    assert_out("arp 1 10.2.0.2 ff:ff:ff:ff:ff:ff output:2");
    pc_l3_run(l3, 3000, &outs);
    assert_out("ip proto 1 type 3 10.1.0.1 > 10.1.0.2 00:00:00:00:00:0a "
               "resubmit(,205)");
    ck_assert_uint_eq(pc_l3_counters(l3)->n_solicits, 3);
}
END_TEST

START_TEST(test_errors)
{
    packet_in(udp("10.1.0.2", "10.9.0.2"), PC_L3_REASON_NO_ROUTE, 1, NULL,
              NULL, 0);
    assert_out("ip proto 1 type 3 10.1.0.1 > 10.1.0.2 00:00:00:00:00:0a "
               "resubmit(,205)");
    packet_in(udp("10.99.0.2", "10.9.0.2"), PC_L3_REASON_EXPIRED, 2, NULL,
              NULL, 0);
    assert_out("ip proto 1 type 11 10.2.0.1 > 10.99.0.2 00:00:00:00:00:0a "
               "resubmit(,205)");
    /* Nothing about what we sent ourselves. */
    packet_in(udp("10.1.0.1", "10.9.0.2"), PC_L3_REASON_NO_ROUTE, 1, NULL,
              NULL, 0);
    ck_assert(ovs_list_is_empty(&outs));
}
END_TEST

START_TEST(test_rate_limit)
{
    for (int i = 0; i < 1000; i++) {
        packet_in(udp("10.1.0.2", "10.9.0.2"), PC_L3_REASON_EXPIRED, 1, NULL,
                  NULL, 5000);
    }
    ck_assert_uint_eq(ovs_list_size(&outs), 100);
    ck_assert_uint_eq(pc_l3_counters(l3)->n_icmp_limited, 900);
    free_outs();
    for (int i = 0; i < 1000; i++) {
        packet_in(udp("10.1.0.2", "10.9.0.2"), PC_L3_REASON_EXPIRED, 1, NULL,
                  NULL, 5100);
    }
    ck_assert_uint_eq(ovs_list_size(&outs), 50);
}
END_TEST

/* Whatever the packet is, nothing breaks. */
START_TEST(test_malformed)
{
    for (int reason = 0; reason < 9; reason++) {
        for (size_t cut = 0; cut < 42; cut++) {
            struct dp_packet *p = udp("10.1.0.2", "10.2.0.1");

            dp_packet_set_size(p, cut);
            packet_in(p, reason, 1, &if_b, "10.2.0.2", 0);
        }
    }
    free_outs();
}
END_TEST

struct adoption {
    struct pc_l3 *l3;
    size_t n;
};

static void
adopt(const struct pc_flow_view *view, void *a_)
{
    struct adoption *a = a_;

    a->n += pc_l3_adopt_neighbor(a->l3, 0, view);
}

/* A new router that adopts the flows of the old one has the same flows. */
START_TEST(test_adopt)
{
    struct pc_flow_table *old_table = table;
    struct pc_l3 *old = l3;
    struct adoption a;

    packet_in(udp("10.1.0.2", "10.2.0.2"), PC_L3_REASON_RESOLVE, 1, &if_b,
              "10.2.0.2", 0);
    packet_in(arp_reply(host_b, "10.2.0.2", "10.2.0.1"), PC_L3_REASON_LEARN,
              2, NULL, NULL, 20);
    free_outs();

    table = pc_flow_table_create();
    l3 = a.l3 = create(table);
    add_interface(&if_b, mac_b, 2, "10.2.0.1/24");
    add_interface(&if_a, mac_a, 1, "10.1.0.1/24");
    a.n = 0;
    pc_flow_table_for_each_flow(old_table, adopt, &a);
    ck_assert_uint_eq(a.n, 1);
    ck_assert_ptr_null(pc_flow_table_compare(old_table, table));
    pc_l3_run(l3, 0, &outs);
    assert_out("arp 1 10.2.0.2 00:00:00:00:00:0b output:2");

    pc_l3_destroy(old);
    pc_flow_table_destroy(old_table);
}
END_TEST

START_TEST(test_static)
{
    struct pc_l3_static_neighbor n = {
        .owner = { { 9, 9, 9, 9 } }, .interface = if_v,
        .mac = host_b, .port = u16_to_ofp(5)
    };

    in6_addr_set_mapped_ipv4(&n.addr, htonl(0x0a030005));
    pc_l3_set_static_neighbor(l3, &n);
    ck_assert_uint_eq(count_flows(NEIGHBOR, 200), 0);
    add_interface(&if_v, mac_a, ofp_to_u16(OFPP_NONE), "10.3.0.1/24");
    ck_assert_uint_eq(count_flows(NEIGHBOR, 200), 1);
    pc_l3_remove_interface(l3, &if_v);
    ck_assert_uint_eq(count_flows(NEIGHBOR, 200), 0);
    add_interface(&if_v, mac_a, ofp_to_u16(OFPP_NONE), "10.3.0.1/24");
    ck_assert_uint_eq(count_flows(NEIGHBOR, 200), 1);
    pc_l3_remove_static_neighbors(l3, &n.owner);
    ck_assert_uint_eq(count_flows(NEIGHBOR, 200), 0);

    /* Nobody to ask on this interface. */
    packet_in(udp("10.1.0.2", "10.3.0.5"), PC_L3_REASON_RESOLVE, 1, &if_v,
              "10.3.0.5", 0);
    assert_out("ip proto 1 type 3 10.1.0.1 > 10.1.0.2 00:00:00:00:00:0a "
               "resubmit(,205)");
}
END_TEST

static char *
set_route(uint32_t id, const char *prefix, const char *nexthop)
{
    struct pc_l3_route r = { .uuid = { { id, 0, 0, 1 } } };
    char *error;

    error = pc_l3_parse_prefix(prefix, &r.prefix);
    if (!error) {
        error = pc_l3_parse_nexthop(nexthop, &r);
    }
    return error ? error : pc_l3_set_route(l3, &r);
}

START_TEST(test_routes)
{
    size_t before = count_flows(BASE + 5, 0);
    char *error;

    ck_assert_ptr_null(set_route(1, "10.9.0.0/16", "10.2.0.9"));
    ck_assert_ptr_null(set_route(2, "0.0.0.0/0", "unreachable"));
    ck_assert_uint_eq(count_flows(BASE + 5, 100 + 16 * 4), 1);
    ck_assert_uint_eq(count_flows(BASE + 5, 100), 1);

    /* Waits for its interface. */
    error = set_route(3, "10.8.0.0/16", "10.3.0.9");
    ck_assert_str_eq(error, "next hop 10.3.0.9 is in no interface's subnet");
    free(error);
    ck_assert_uint_eq(count_flows(BASE + 5, 0), before + 2);
    add_interface(&if_v, mac_a, 3, "10.3.0.1/24");
    ck_assert_ptr_null(pc_l3_route_error(l3, &(struct uuid) {{3, 0, 0, 1}}));
    ck_assert_uint_eq(count_flows(BASE + 5, 0), before + 4);
    pc_l3_remove_interface(l3, &if_v);
    ck_assert_uint_eq(count_flows(BASE + 5, 0), before + 2);

    for (uint32_t i = 1; i <= 3; i++) {
        pc_l3_remove_route(l3, &(struct uuid) { { i, 0, 0, 1 } });
    }
    ck_assert_uint_eq(count_flows(BASE + 5, 0), before);
    pc_l3_remove_interface(l3, &if_a);
    pc_l3_remove_interface(l3, &if_b);
    struct pc_flow_table_counts counts;
    pc_flow_table_get_counts(table, &counts);
    ck_assert_uint_eq(counts.n_flows, 0);
}
END_TEST

static const struct {
    char what;                  /* Address, prefix, or next hop. */
    const char *text;
    const char *error;
} bad[] = {
    { 'a', "10.1.0.1", "prefix length missing" },
    { 'a', "10.1.0/24", "" },
    { 'a', "10.1.0.1/33", "" },
    { 'a', "10.1.0.0/24", "network address" },
    { 'a', "10.1.0.255/24", "broadcast address" },
    { 'a', "224.0.0.1/24", "not an address that an interface can have" },
    { 'a', "ff02::1/64", "not an address that an interface can have" },
    { 'a', "::/64", "not an address that an interface can have" },
    { 'a', "10.1.0.1/0", "prefix length must not be 0" },
    { 'a', "x", "" },
    { 'p', "10.1.0.1/24", "bits set beyond the prefix length" },
    { 'p', "2001:db8::1/64", "bits set beyond the prefix length" },
    { 'p', "10.1.0.0", "prefix length missing" },
    { 'n', "somewhere", "not an IP address" },
    { 'n', "2001:db8::1", "not of the same IP version" },
    { 'n', "224.0.0.1", "not an address that a next hop can have" },
    { 'n', "", "not an IP address" },
};

START_TEST(test_parse_errors)
{
    struct pc_l3_address a;
    struct pc_l3_route r;
    char *error;

    memset(&r, 0, sizeof r);
    in6_addr_set_mapped_ipv4(&r.prefix.addr, 0);
    error = (bad[_i].what == 'a' ? pc_l3_parse_address(bad[_i].text, &a)
             : bad[_i].what == 'p' ? pc_l3_parse_prefix(bad[_i].text, &a)
             : pc_l3_parse_nexthop(bad[_i].text, &r));
    ck_assert_msg(error && strstr(error, bad[_i].error), "%s: %s",
                  bad[_i].text, error);
    ck_assert(!strchr(error, '\n'));
    free(error);
}
END_TEST

START_TEST(test_interface_errors)
{
    struct uuid twin = if_a;
    char *error;

    twin.parts[3]++;
    error = try_interface(&twin, mac_a, 4, "10.4.0.1/24");
    ck_assert_ptr_nonnull(error);
    free(error);
    error = try_interface(&if_v, eth_addr_broadcast, 4, "10.4.0.1/24");
    ck_assert_ptr_nonnull(error);
    free(error);
    error = try_interface(&if_v, mac_a, 4, "10.1.0.1/24");
    ck_assert_str_eq(error, "10.1.0.1: another interface has this address");
    free(error);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_resolution);
    tcase_add_test(tc, test_unreachable);
    tcase_add_test(tc, test_errors);
    tcase_add_test(tc, test_rate_limit);
    tcase_add_test(tc, test_malformed);
    tcase_add_test(tc, test_adopt);
    tcase_add_test(tc, test_static);
    tcase_add_test(tc, test_routes);
    tcase_add_loop_test(tc, test_parse_errors, 0, ARRAY_SIZE(bad));
    tcase_add_test(tc, test_interface_errors);
    return pc_test_run("pc-l3", tc);
}
