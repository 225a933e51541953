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

/* Packets of the front-end router, byte by byte.  The expected ones were made
 * by a program that shares no code with the library. */

#include <config.h>
#include "pc-l3-packet.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dp-packet.h"
#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "pc-test.h"
#include "util.h"

static const char udp4_hex[] =
    "02000000010100000000000a0800450000210007000001119cb10a010002"
    "0a0909091234829a000d0a1f68656c6c6f";

static const char ttl4_hex[] =
    "00000000000a020000000101080045c0003d00004000410124fc0a010001"
    "0a0100020b00123300000000450000210007000001119cb10a0100020a09"
    "09091234829a000d0a1f68656c6c6f";

static const char toobig4_hex[] =
    "00000000000a020000000101080045c0003d00004000410124fc0a010001"
    "0a010002030414b700000578450000210007000001119cb10a0100020a09"
    "09091234829a000d0a1f68656c6c6f";

static const char port4_hex[] =
    "00000000000a020000000101080045c0003d00004000410124fc0a010001"
    "0a01000203031a3000000000450000210007000001119cb10a0100020a09"
    "09091234829a000d0a1f68656c6c6f";

static const char udp6_hex[] =
    "02000000010100000000000a86dd60000000000d110120010db800010000"
    "000000000000000220010db80009000000000000000000091234829a000d"
    "cbac68656c6c6f";

static const char ttl6_hex[] =
    "00000000000a02000000010186dd60000000003d3a4120010db800010000"
    "000000000000000120010db8000100000000000000000002030030210000"
    "000060000000000d110120010db800010000000000000000000220010db8"
    "0009000000000000000000091234829a000dcbac68656c6c6f";

static const char toobig6_hex[] =
    "00000000000a02000000010186dd60000000003d3a4120010db800010000"
    "000000000000000120010db800010000000000000000000202002ba90000"
    "057860000000000d110120010db800010000000000000000000220010db8"
    "0009000000000000000000091234829a000dcbac68656c6c6f";

static const char proto6_hex[] =
    "00000000000a02000000010186dd60000000003d3a4120010db800010000"
    "000000000000000120010db800010000000000000000000204012f1a0000"
    "000660000000000d110120010db800010000000000000000000220010db8"
    "0009000000000000000000091234829a000dcbac68656c6c6f";

static const char arp_hex[] =
    "ffffffffffff020000000101080600010800060400010200000001010a01"
    "00010000000000000a010002";

static const char arp_unicast_hex[] =
    "00000000000a020000000101080600010800060400010200000001010a01"
    "00010000000000000a010002";

static const char ns_hex[] =
    "3333ff00000202000000010186dd6000000000203afffe80000000000000"
    "000000fffe000101ff0200000000000000000001ff00000287004a5e0000"
    "000020010db80001000000000000000000020101020000000101";

static const char ns_unicast_hex[] =
    "00000000000a02000000010186dd6000000000203afffe80000000000000"
    "000000fffe00010120010db800010000000000000000000287001aa90000"
    "000020010db80001000000000000000000020101020000000101";

static const char na_hex[] =
    "00000000000a02000000010186dd6000000000203aff20010db800010000"
    "000000000000000120010db800010000000000000000000288000970e000"
    "000020010db80001000000000000000000010201020000000101";

static const char na_dad_hex[] =
    "33330000000102000000010186dd6000000000203aff20010db800010000"
    "0000000000000001ff02000000000000000000000000000188007828a000"
    "000020010db80001000000000000000000010201020000000101";

static const char syn4_hex[] =
    "02000000010100000000000a08004500002b00004000400626c90a010002"
    "0a0100019c400016fffffffe00000000500200000d0c000078797a";

static const char rst4_hex[] =
    "00000000000a02000000010108004500002800004000410625cc0a010001"
    "0a01000200169c40000000000000000250140000ff730000";

static const char ack6_hex[] =
    "02000000010100000000000a86dd600000000014064020010db800010000"
    "000000000000000220010db80001000000000000000000019c4000160000"
    "00050000004d50100000b7b50000";

static const char rst6_hex[] =
    "00000000000a02000000010186dd600000000014064120010db800010000"
    "000000000000000120010db800010000000000000000000200169c400000"
    "004d0000000050040000b7c60000";

static const char syn4_partial_hex[] =
    "02000000010100000000000a08004500002b00004000400626c90a010002"
    "0a0100019c400016fffffffe00000000500200001422000078797a";

static const struct eth_addr router_mac = ETH_ADDR_C(02,00,00,00,01,01);
static const struct eth_addr host_mac = ETH_ADDR_C(00,00,00,00,00,0a);

static struct dp_packet *
from_hex(const char *hex, struct flow *flow)
{
    struct dp_packet *p = dp_packet_new_with_headroom(strlen(hex) / 2, 2);

    ck_assert_str_eq(dp_packet_put_hex(p, hex, NULL), "");
    flow_extract(p, flow);
    return p;
}

/* Asserts that 'p', which it frees, has the bytes of 'hex'. */
static void
assert_packet(struct dp_packet *p, const char *hex)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < dp_packet_size(p); i++) {
        ds_put_format(&s, "%02x", ((uint8_t *) dp_packet_data(p))[i]);
    }
    ck_assert_str_eq(ds_cstr(&s), hex);
    ds_destroy(&s);
    dp_packet_delete(p);
}

static struct in6_addr
ip(const char *s)
{
    struct in6_addr addr;
    ovs_be32 v4;

    if (ip_parse(s, &v4)) {
        in6_addr_set_mapped_ipv4(&addr, v4);
    } else {
        ck_assert(ipv6_parse(s, &addr));
    }
    return addr;
}

static const struct {
    const char *orig;
    enum pc_l3_error error;
    uint16_t mtu;
    const char *src;
    const char *expected;
} errors[] = {
    { udp4_hex, PC_L3_ERR_TTL_EXCEEDED, 0, "10.1.0.1", ttl4_hex },
    { udp4_hex, PC_L3_ERR_TOO_BIG, 1400, "10.1.0.1", toobig4_hex },
    { udp4_hex, PC_L3_ERR_PORT_UNREACHABLE, 0, "10.1.0.1", port4_hex },
    { udp6_hex, PC_L3_ERR_TTL_EXCEEDED, 0, "2001:db8:1::1", ttl6_hex },
    { udp6_hex, PC_L3_ERR_TOO_BIG, 1400, "2001:db8:1::1", toobig6_hex },
    { udp6_hex, PC_L3_ERR_PROTO_UNREACHABLE, 0, "2001:db8:1::1", proto6_hex },
};

START_TEST(test_error)
{
    struct in6_addr src = ip(errors[_i].src);
    struct flow flow;
    struct dp_packet *orig = from_hex(errors[_i].orig, &flow);

    assert_packet(pc_l3_build_error(orig, &flow, errors[_i].error,
                                    errors[_i].mtu, router_mac, &src),
                  errors[_i].expected);
    dp_packet_delete(orig);
}
END_TEST

/* Quotes at most what the RFCs say, and no Ethernet padding. */
START_TEST(test_error_size)
{
    struct in6_addr src4 = ip("10.1.0.1");
    struct in6_addr src6 = ip("2001:db8:1::1");
    struct dp_packet *orig, *error;
    struct ip_header *nh;
    struct flow flow;

    orig = from_hex(udp4_hex, &flow);
    dp_packet_put_zeros(orig, 1000);
    error = pc_l3_build_error(orig, &flow, PC_L3_ERR_TTL_EXCEEDED, 0,
                              router_mac, &src4);
    assert_packet(error, ttl4_hex);
    nh = dp_packet_l3(orig);
    nh->ip_tot_len = htons(ntohs(nh->ip_tot_len) + 1000);
    error = pc_l3_build_error(orig, &flow, PC_L3_ERR_TTL_EXCEEDED, 0,
                              router_mac, &src4);
    ck_assert_uint_eq(dp_packet_size(error), ETH_HEADER_LEN + 576);
    dp_packet_delete(error);
    dp_packet_delete(orig);

    orig = from_hex(udp6_hex, &flow);
    dp_packet_put_zeros(orig, 1400);
    ((uint8_t *) dp_packet_l3(orig))[4] = 0x05;     /* Payload length. */
    error = pc_l3_build_error(orig, &flow, PC_L3_ERR_TTL_EXCEEDED, 0,
                              router_mac, &src6);
    ck_assert_uint_eq(dp_packet_size(error), ETH_HEADER_LEN + 1280);
    dp_packet_delete(error);
    dp_packet_delete(orig);
}
END_TEST

/* RFC 1812 section 4.3.2.7, RFC 4443 section 2.4(e): offset and new value of a
 * byte of a packet about which an error could otherwise be sent. */
static const struct {
    const char *orig;
    size_t offset;
    uint8_t value;
    bool may;
} silences[] = {
    { udp4_hex, 14, 0x45, true },
    { udp4_hex, 0, 0x01, false },       /* Ethernet multicast. */
    { udp4_hex, 26, 0, false },         /* From 0.1.0.2. */
    { udp4_hex, 26, 127, false },
    { udp4_hex, 26, 224, false },
    { udp4_hex, 26, 255, false },
    { udp4_hex, 30, 224, false },       /* To 224.9.9.9. */
    { udp4_hex, 30, 255, false },
    { udp4_hex, 21, 1, false },         /* Later fragment. */
    { udp4_hex, 20, 0x20, true },       /* First fragment. */
    { ttl4_hex, 34, 11, false },        /* An ICMP error ... */
    { ttl4_hex, 34, 3, false },
    { ttl4_hex, 34, 5, false },
    { ttl4_hex, 34, 8, true },          /* ... or question. */
    { ttl4_hex, 34, 0, true },
    { udp6_hex, 14, 0x60, true },
    { udp6_hex, 0, 0x33, false },
    { udp6_hex, 22, 0xff, false },      /* From a multicast address. */
    { udp6_hex, 38, 0xff, false },      /* To one. */
    { ttl6_hex, 54, 3, false },
    { ttl6_hex, 54, 127, false },
    { ttl6_hex, 54, 128, true },
    { ttl6_hex, 54, 137, false },       /* Redirect. */
};

START_TEST(test_silence)
{
    struct flow flow;
    struct dp_packet *orig = from_hex(silences[_i].orig, &flow);
    bool v4 = flow.dl_type == htons(ETH_TYPE_IP);
    struct in6_addr src = ip(v4 ? "10.1.0.1" : "2001:db8:1::1");
    struct dp_packet *error;

    ((uint8_t *) dp_packet_data(orig))[silences[_i].offset]
        = silences[_i].value;
    flow_extract(orig, &flow);
    ck_assert_int_eq(pc_l3_may_send_error(orig, &flow), silences[_i].may);
    error = pc_l3_build_error(orig, &flow, PC_L3_ERR_NET_UNREACHABLE, 0,
                              router_mac, &src);
    ck_assert_int_eq(error != NULL, silences[_i].may);
    dp_packet_delete(error);
    dp_packet_delete(orig);
}
END_TEST

START_TEST(test_solicit)
{
    struct in6_addr router4 = ip("10.1.0.1"), host4 = ip("10.1.0.2");
    struct in6_addr router6 = ip("fe80::ff:fe00:101");
    struct in6_addr host6 = ip("2001:db8:1::2");

    assert_packet(pc_l3_build_solicit(router_mac, &router4, &host4, NULL),
                  arp_hex);
    assert_packet(pc_l3_build_solicit(router_mac, &router4, &host4,
                                      &host_mac), arp_unicast_hex);
    assert_packet(pc_l3_build_solicit(router_mac, &router6, &host6, NULL),
                  ns_hex);
    assert_packet(pc_l3_build_solicit(router_mac, &router6, &host6,
                                      &host_mac), ns_unicast_hex);
}
END_TEST

START_TEST(test_advert)
{
    struct in6_addr target = ip("2001:db8:1::1");
    struct flow flow = {
        .dl_src = host_mac, .ipv6_src = ip("2001:db8:1::2")
    };

    assert_packet(pc_l3_build_na(router_mac, &target, &flow), na_hex);
    flow.ipv6_src = in6addr_any;
    assert_packet(pc_l3_build_na(router_mac, &target, &flow), na_dad_hex);
}
END_TEST

START_TEST(test_reset)
{
    struct dp_packet *orig;
    struct flow flow;

    orig = from_hex(syn4_hex, &flow);
    assert_packet(pc_l3_build_tcp_reset(orig, &flow, router_mac), rst4_hex);
    dp_packet_delete(orig);

    orig = from_hex(ack6_hex, &flow);
    assert_packet(pc_l3_build_tcp_reset(orig, &flow, router_mac), rst6_hex);
    dp_packet_delete(orig);

    /* None for a reset, or for a header that is cut off. */
    orig = from_hex(rst4_hex, &flow);
    ck_assert_ptr_null(pc_l3_build_tcp_reset(orig, &flow, router_mac));
    dp_packet_delete(orig);
    orig = from_hex(syn4_hex, &flow);
    dp_packet_set_size(orig, dp_packet_size(orig) - 10);
    ck_assert_ptr_null(pc_l3_build_tcp_reset(orig, &flow, router_mac));
    dp_packet_delete(orig);
}
END_TEST

START_TEST(test_finish_checksum)
{
    static const char *const unchanged[] = {
        syn4_hex, ack6_hex, udp4_hex, udp6_hex, ttl4_hex
    };
    struct dp_packet *p;
    struct flow flow;

    p = from_hex(syn4_partial_hex, &flow);
    pc_l3_finish_checksum(p);
    assert_packet(p, syn4_hex);
    for (size_t i = 0; i < ARRAY_SIZE(unchanged); i++) {
        p = from_hex(unchanged[i], &flow);
        pc_l3_finish_checksum(p);
        assert_packet(p, unchanged[i]);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_error, 0, ARRAY_SIZE(errors));
    tcase_add_test(tc, test_error_size);
    tcase_add_loop_test(tc, test_silence, 0, ARRAY_SIZE(silences));
    tcase_add_test(tc, test_solicit);
    tcase_add_test(tc, test_advert);
    tcase_add_test(tc, test_reset);
    tcase_add_test(tc, test_finish_checksum);
    return pc_test_run("pc-l3-packet", tc);
}
