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
#include "pc-match.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-port.h"
#include "pc-model.h"
#include "pc-test.h"
#include "util.h"

/* A match, and what the error must contain. */
static const struct {
    const char *text, *error;
} bad[] = {
    { "", "empty" },
    { " , ", "empty" },
    { "eth", "empty" },
    { "priority=5,ip", "priority: not allowed in a rule: give it beside" },
    { "table=3,ip", "table: not allowed" },
    { "cookie=1/-1,ip", "cookie: not allowed" },
    { "ip,actions=drop", "actions: not allowed" },
    { "ip,action=drop", "action: not allowed" },
    { "ip,idle_timeout=5", "idle_timeout: not allowed in a rule: a rule has" },
    { "ip,hard_timeout=5", "hard_timeout: not allowed" },
    { "ip,out_port=1", "out_port: not allowed in a rule: it selects flows" },
    { "ip,out_group=1", "out_group: not allowed" },
    { "ip,send_flow_rem", "send_flow_rem: not allowed" },
    { "ip,n_packets=1", "n_packets: not allowed" },
    { "ip,duration=1s", "duration: not allowed" },
    { "ip,no_readonly_table", "no_readonly_table: not allowed" },
    { "ip,allow_hidden_fields", "allow_hidden_fields: not allowed" },
    { "metadata=1,ip", "metadata: not allowed in a rule: PacketCloud keeps" },
    { "reg0=1,ip", "reg0: not allowed in a rule: registers belong" },
    { "xreg1=1,ip", "xreg1: not allowed" },
    { "xxreg1=1,ip", "xxreg1: not allowed" },
    { "reg0[0..3]=1,ip", "reg0[0..3]: not allowed" },
    { "tun_id=1,ip", "tun_id: not allowed in a rule: tunnel fields" },
    { "tun_src=1.2.3.4", "tun_src: not allowed" },
    { "tun_metadata0=1", "tun_metadata0: not allowed" },
    { "conj_id=1,ip", "conj_id: not allowed in a rule: a rule is one match" },
    { "ct_state=+trk,ip", "ct_state: not allowed in a rule: the connection" },
    { "ct_mark=1,ip", "ct_mark: not allowed" },
    { "ip,ct_nw_src=1.2.3.4", "ct_nw_src: not allowed" },
    { "actset_output=1", "actset_output: not allowed" },
    { "packet_type=(1,0x800)", "packet_type: not allowed in a rule" },
    { "recirc_id=0", "recirc_id: not allowed" },
    { "pkt_mark=1,ip", "pkt_mark: not allowed" },
    { "skb_priority=1,ip", "skb_priority: not allowed" },
    { "arp", "arp: ARP packets are never diverted" },
    { "rarp", "rarp: ARP" },
    { "dl_type=0x0806", "dl_type: ARP packets are never diverted" },
    { "arp_tpa=1.2.3.4", "arp_tpa: not allowed in a rule: ARP" },
    { "arp_op=1", "arp_op: not allowed" },
    { "icmp6,icmp_type=135", "icmp_type: neighbor discovery packets" },
    { "icmp6,icmpv6_type=134", "icmp_type: neighbor discovery" },
    { "icmp6,icmp_type=135,nd_target=::1", "nd_target: not allowed" },
    { "mpls", "mpls: services see IP" },
    { "dl_type=0x8847", "dl_type: services see IP" },
    { "mpls_label=3", "mpls_label: not allowed" },
    { "nsh_spi=3", "nsh_spi: not allowed" },
    { "dl_dst=ff:ff:ff:ff:ff:ff", "dl_dst: multicast and broadcast" },
    { "dl_dst=01:00:5e:00:00:01,ip", "dl_dst: multicast" },
    { "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "dl_dst: multicast" },
    { "ip,nw_dst=224.0.0.0/4", "nw_dst: multicast" },
    { "ip,nw_dst=255.255.255.255", "nw_dst: multicast and broadcast" },
    { "ip,nw_src=239.1.1.1", "nw_src: multicast" },
    { "ipv6,ipv6_dst=ff02::1", "ipv6_dst: multicast" },
    { "tp_dst=80", "tp_dst: needs tcp, udp or sctp" },
    { "ip,tp_dst=80", "tp_dst: needs tcp, udp or sctp" },
    { "icmp,tp_dst=80", "tp_dst: needs tcp, udp or sctp" },
    { "udp,tcp_dst=80", "tcp_dst: needs tcp or tcp6" },
    { "tcp,udp_dst=53", "udp_dst: needs udp or udp6" },
    { "nw_src=10.0.0.1", "nw_src: needs ip (" },
    { "ipv6,nw_src=10.0.0.1", "nw_src: needs ip (" },
    { "ip,ipv6_src=::1", "ipv6_src: needs ipv6 (" },
    { "nw_proto=6", "nw_proto: needs ip or ipv6" },
    { "ip,icmp_type=8", "icmp_type: needs icmp or icmp6" },
    { "icmp6,icmpv4_type=8", "is not a field" },
    { "udp,tcp_flags=+syn", "tcp_flags: needs tcp or tcp6" },
    { "nw_tos=4", "nw_tos: needs ip or ipv6" },
    { "tcp,udp", "tcp: contradicts another part" },
    { "ip,ipv6", "ip: contradicts another part" },
    { "ipv6,tcp,tp_dst=80,dl_type=0x86dd", "tcp: contradicts another part of "
      "the match (for IPv6: tcp6" },
    { "tcp,nw_proto=17", "tcp: contradicts" },
    { "ip,nw_src=1.2.3.4,nw_src=1.2.3.5", "nw_src: given twice" },
    { "tcp,tp_dst=80,tcp_dst=81", "tcp_dst: given twice" },
    { "dl_vlan=3,vlan_vid=4", "vlan_vid: given twice" },
    { "ip,nw_src=1.2.3.400", "nw_src: \"1.2.3.400\" is out of range" },
    { "ip,nw_src=1.2.3.4/33", "nw_src: " },
    { "ip,nw_src", "nw_src: missing value" },
    { "ip,nw_src=", "nw_src: missing value" },
    { "ipv6,ipv6_src=1::2::3", "ipv6_src: " },
    { "tcp,tp_dst=65536", "tp_dst: 65536: value too large for 2-byte" },
    { "tcp,tp_dst=http", "tp_dst" },
    { "tcp,tp_dst=-1", "tp_dst" },
    { "dl_vlan=5000", "dl_vlan: \"5000\" is out of range" },
    { "dl_src=1:2:3", "dl_src: " },
    { "in_port=nosuch", "in_port: nosuch is not the OpenFlow number of a port "
      "(ovs-vsctl get Interface NAME ofport tells it)" },
    { "in_port=99999", "in_port" },
    { "in_port=CONTROLLER", "in_port: not a port that packets come in on" },
    { "in_port=ANY", "in_port: not a port" },
    { "tcp=5", "tcp: a protocol takes no value" },
    { "frobnicate", "\"frobnicate\" is not a field or protocol" },
    { "frob=1,ip", "\"frob\" is not a field" },
    { "ip nonsense\001", "\"nonsense\\x01\" is not a field" },
    { "vlan_pcp=9", "vlan_pcp: \"9\" is out of range" },
    { "ip,nw_tos=3", "nw_tos: \"3\" is out of range" },
    { "ip,nw_dst=1.2.3.4/1.2.3.999", "nw_dst: " },
    { "reg99=1", "\"reg99\" is not a field" },
    { "vlan_tci=0x2000/0x2000,ip", "vlan_tci: OpenFlow can't match" },
    { "nw_src[40]=1,ip", "nw_src[40]" },
};

START_TEST(test_bad)
{
    struct pc_rule_match m;
    char *error = pc_rule_match_parse(bad[_i].text, NULL, &m);

    ck_assert_msg(error != NULL, "\"%s\" was accepted", bad[_i].text);
    ck_assert_msg(strstr(error, bad[_i].error) != NULL,
                  "\"%s\" gave \"%s\", not \"%s\"",
                  bad[_i].text, error, bad[_i].error);
    ck_assert_msg(!strchr(error, '\n'), "not one line: %s", error);

    struct pc_rule_match zero;
    memset(&zero, 0, sizeof zero);
    ck_assert_mem_eq(&m, &zero, sizeof m);
    free(error);
}
END_TEST

/* A match, its canonical text, that of its reverse (null: symmetric). */
static const struct {
    const char *text, *forward, *reverse;
} good[] = {
    { "ip", "ip", NULL },
    { "ipv6", "ipv6", NULL },
    { "dl_type=0x0800", "ip", NULL },
    { "ip,nw_src=10.1.0.0/24", "ip,nw_src=10.1.0.0/24",
      "ip,nw_dst=10.1.0.0/24" },
    { "ip,nw_src=10.1.0.77/24", "ip,nw_src=10.1.0.0/24",
      "ip,nw_dst=10.1.0.0/24" },
    { "ip,nw_src=10.0.0.1/255.0.0.255", "ip,nw_src=10.0.0.1/255.0.0.255",
      "ip,nw_dst=10.0.0.1/255.0.0.255" },
    { "tcp,tp_dst=80", "tcp,tp_dst=80", "tcp,tp_src=80" },
    { "tcp, tp_dst=0x50", "tcp,tp_dst=80", "tcp,tp_src=80" },
    { "dl_type=0x800,nw_proto=6,tcp_dst=80", "tcp,tp_dst=80",
      "tcp,tp_src=80" },
    { "tcp,tp_dst=0x400/0xfc00", "tcp,tp_dst=0x400/0xfc00",
      "tcp,tp_src=0x400/0xfc00" },
    { "tcp6,tp_dst=80,ipv6_src=2001:db8::/32",
      "tcp6,ipv6_src=2001:db8::/32,tp_dst=80",
      "tcp6,ipv6_dst=2001:db8::/32,tp_src=80" },
    { "udp,tp_src=53,nw_dst=1.2.3.4,nw_src=5.6.7.8",
      "udp,nw_src=5.6.7.8,nw_dst=1.2.3.4,tp_src=53",
      "udp,nw_src=1.2.3.4,nw_dst=5.6.7.8,tp_dst=53" },
    { "sctp,tp_dst=9", "sctp,tp_dst=9", "sctp,tp_src=9" },
    { "icmp,icmp_type=8,icmp_code=0", "icmp,icmp_type=8,icmp_code=0",
      "icmp,icmp_type=0,icmp_code=0" },
    { "icmp,icmp_type=3", "icmp,icmp_type=3", NULL },
    { "icmp6,icmp_type=129", "icmp6,icmp_type=129", "icmp6,icmp_type=128" },
    { "icmp6", "icmp6", NULL },
    { "dl_src=00:11:22:33:44:55", "dl_src=00:11:22:33:44:55",
      "dl_dst=00:11:22:33:44:55" },
    { "dl_vlan=7,dl_vlan_pcp=3,ip", "ip,dl_vlan=7,dl_vlan_pcp=3",
      "ip,dl_vlan=7" },
    { "vlan_tci=0,ip", "ip,vlan_tci=0x0000/0x1fff", NULL },
    { "dl_vlan=0xffff,ip", "ip,vlan_tci=0x0000/0x1fff", NULL },
    { "vlan_tci=0x1000/0x1000,ip", "ip,vlan_tci=0x1000/0x1000", NULL },
    { "in_port=3,tcp,tp_dst=80", "tcp,in_port=3,tp_dst=80", "tcp,tp_src=80" },
    { "in_port=LOCAL,ip", "ip,in_port=LOCAL", "ip" },
    { "in_port=eth1,ip", "ip,in_port=9", "ip" },
    { "ip,nw_tos=32,nw_ecn=1,nw_ttl=3,ip_frag=no",
      "ip,nw_tos=32,nw_ecn=1,nw_ttl=3,nw_frag=no", "ip" },
    { "tcp,tcp_flags=+syn-ack", "tcp,tcp_flags=+syn-ack", "tcp" },
    { "ipv6,ipv6_label=5", "ipv6,ipv6_label=0x00005", "ipv6" },
    { "ip,nw_src=10.0.0.0/8,nw_dst=10.0.0.0/8",
      "ip,nw_src=10.0.0.0/8,nw_dst=10.0.0.0/8", NULL },
    { "eth,ip,nw_proto=50", "ip,nw_proto=50", NULL },
    { "ip,nw_src[24..31]=10", "ip,nw_src=10.0.0.0/8", "ip,nw_dst=10.0.0.0/8" },
};

START_TEST(test_good)
{
    struct ofputil_port_map ports = OFPUTIL_PORT_MAP_INITIALIZER(&ports);
    struct pc_rule_match m, again, clone;
    char *error, *s;

    ofputil_port_map_put(&ports, u16_to_ofp(9), "eth1");
    error = pc_rule_match_parse(good[_i].text, &ports, &m);
    ck_assert_msg(!error, "\"%s\": %s", good[_i].text, error);

    s = pc_rule_match_format(&m, PC_FORWARD, NULL);
    ck_assert_str_eq(s, good[_i].forward);

    /* The canonical text is a fixed point. */
    error = pc_rule_match_parse(s, NULL, &again);
    ck_assert_msg(!error, "\"%s\": %s", s, error);
    ck_assert(pc_rule_match_equal(&m, &again));
    free(s);

    s = pc_rule_match_format(&again, PC_REVERSE, NULL);
    ck_assert_str_eq(s, good[_i].reverse ? good[_i].reverse
                     : good[_i].forward);
    ck_assert_int_eq(m.symmetric, !good[_i].reverse);
    free(s);

    pc_rule_match_clone(&clone, &m);
    ck_assert(pc_rule_match_equal(&m, &clone));
    pc_rule_match_destroy(&clone);
    pc_rule_match_destroy(&m);
    pc_rule_match_destroy(&again);
    ofputil_port_map_destroy(&ports);
}
END_TEST

START_TEST(test_check)
{
    struct pc_rule_match m;
    char *error = pc_rule_match_parse("in_port=1", NULL, &m);

    ck_assert_ptr_null(error);
    ck_assert(m.reverse_any);
    ck_assert_ptr_null(pc_rule_match_check(&m, PC_RULE_FORWARD));
    error = pc_rule_match_check(&m, PC_RULE_BOTH);
    ck_assert(strstr(error, "direction=forward"));
    free(error);
    error = pc_rule_match_check(&m, PC_RULE_REVERSE);
    ck_assert_ptr_nonnull(error);
    free(error);
    pc_rule_match_destroy(&m);
}
END_TEST

static void
parse(const char *text, struct pc_rule_match *m)
{
    char *error = pc_rule_match_parse(text, NULL, m);
    ck_assert_msg(!error, "%s: %s", text, error);
}

/* Two matches, and a packet that both match (null: none). */
static const struct {
    const char *a, *b, *packet;
} overlaps[] = {
    { "tcp,tp_dst=80", "tcp,nw_src=10.1.0.0/24",
      "tcp,nw_src=10.1.0.0,tp_dst=80" },
    { "ip,nw_src=10.1.0.0/16", "ip,nw_src=10.1.2.0/24",
      "ip,nw_src=10.1.2.0" },
    { "tcp,tp_dst=80", "tcp,tp_dst=81", NULL },
    { "tcp,tp_dst=80", "udp", NULL },
    { "ip", "ipv6", NULL },
    { "ip,nw_src=10.1.0.0/24", "ip,nw_src=10.2.0.0/24", NULL },
    { "in_port=1", "tcp6", "tcp6,in_port=1" },
    { "udp,tp_src=1", "udp,tp_dst=2", "udp,udp_src=1,udp_dst=2" },
    { "sctp6,tp_src=1", "ipv6", "sctp6,sctp_src=1" },
    { "icmp6,icmp_type=128", "icmp6,icmp_code=1",
      "icmp6,icmpv6_type=128,icmpv6_code=1" },
    { "icmp,icmp_type=8", "ip", "icmp,icmp_type=8" },
};

START_TEST(test_overlap)
{
    struct pc_rule_match a, b;
    struct flow flow;

    parse(overlaps[_i].a, &a);
    parse(overlaps[_i].b, &b);
    bool overlap = pc_match_overlap(&a.match[0], &b.match[0], &flow);
    ck_assert_int_eq(overlap, overlaps[_i].packet != NULL);
    ck_assert_int_eq(pc_match_overlap(&b.match[0], &a.match[0], NULL),
                     overlap);
    if (overlap) {
        char *s = pc_packet_format(&flow);
        ck_assert_str_eq(s, overlaps[_i].packet);

        struct flow again;
        char *error = parse_ofp_exact_flow(&again, NULL, NULL, s, NULL);
        ck_assert_ptr_null(error);
        ck_assert_int_eq(flow.tp_src, again.tp_src);
        ck_assert_int_eq(flow.tp_dst, again.tp_dst);
        free(s);
    }
    pc_rule_match_destroy(&a);
    pc_rule_match_destroy(&b);
}
END_TEST

/* The reverse of one rule may meet the forward match of another. */
START_TEST(test_rule_overlap)
{
    struct pc_rule_match a, b;

    parse("tcp,tp_dst=80", &a);
    parse("tcp,tp_dst=81,tp_src=80", &b);
    struct pc_rule ra = { .match = &a, .direction = PC_RULE_BOTH };
    struct pc_rule rb = { .match = &b, .direction = PC_RULE_BOTH };

    ck_assert(pc_rule_overlap(&ra, &rb, NULL));
    ra.direction = PC_RULE_FORWARD;
    rb.direction = PC_RULE_FORWARD;
    ck_assert(!pc_rule_overlap(&ra, &rb, NULL));
    rb.direction = PC_RULE_REVERSE;
    ck_assert(pc_rule_overlap(&ra, &rb, NULL));
    pc_rule_match_destroy(&a);
    pc_rule_match_destroy(&b);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_bad, 0, ARRAY_SIZE(bad));
    tcase_add_loop_test(tc, test_good, 0, ARRAY_SIZE(good));
    tcase_add_test(tc, test_check);
    tcase_add_loop_test(tc, test_overlap, 0, ARRAY_SIZE(overlaps));
    tcase_add_test(tc, test_rule_overlap);
    return pc_test_run("pc-match", tc);
}
