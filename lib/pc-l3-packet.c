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

#include "pc-l3-packet.h"

#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>

#include "csum.h"
#include "dp-packet.h"
#include "flow.h"
#include "packets.h"
#include "unaligned.h"

/* RFC 1812 section 4.3.2.3: as much of the original as fits in an error of
 * 576 bytes, headers included. */
#define ICMP_ERROR_MAX 576

/* RFC 4443 section 2.4(c): as much as fits in the minimum IPv6 MTU. */
#define ICMP6_ERROR_MAX 1280

/* RFC 1812 section 4.3.2.5: errors have precedence 6, internetwork control. */
#define ICMP_ERROR_TOS 0xc0

/* Room before an Ethernet header, so that the IP header is 32-bit aligned. */
#define HEADROOM 2

static struct dp_packet *
new_packet(size_t size)
{
    return dp_packet_new_with_headroom(ETH_HEADER_LEN + size, HEADROOM);
}

static struct dp_packet *
build_arp_request(const struct eth_addr mac, const struct in6_addr *src,
                  const struct in6_addr *target,
                  const struct eth_addr *unicast)
{
    struct dp_packet *p = new_packet(ARP_ETH_HEADER_LEN);

    compose_arp(p, ARP_OP_REQUEST, mac, eth_addr_zero, unicast == NULL,
                in6_addr_get_mapped_ipv4(src),
                in6_addr_get_mapped_ipv4(target));
    if (unicast) {
        struct eth_header *eth = dp_packet_eth(p);

        eth->eth_dst = *unicast;
    }
    return p;
}

static struct dp_packet *
build_ns(const struct eth_addr mac, const struct in6_addr *src,
         const struct in6_addr *target, const struct eth_addr *unicast)
{
    struct dp_packet *p = new_packet(IPV6_HEADER_LEN + ND_MSG_LEN
                                     + ND_LLA_OPT_LEN);

    compose_nd_ns(p, mac, src, target);
    if (unicast) {
        struct eth_header *eth = dp_packet_eth(p);
        struct ovs_16aligned_ip6_hdr *nh = dp_packet_l3(p);

        eth->eth_dst = *unicast;
        packet_set_ipv6_addr(p, IPPROTO_ICMPV6, nh->ip6_dst.be32, target,
                             true);
    }
    return p;
}

/* Returns a question for the Ethernet address of 'target' from an interface
 * with Ethernet address 'mac' and address 'src': an ARP request (RFC 826) if
 * 'target' is an IPv4-mapped address, otherwise a neighbor solicitation (RFC
 * 4861 section 4.3).  It goes to '*unicast', to verify what is known, or if
 * that is NULL to everyone whom it may concern. */
struct dp_packet *
pc_l3_build_solicit(const struct eth_addr mac, const struct in6_addr *src,
                    const struct in6_addr *target,
                    const struct eth_addr *unicast)
{
    return (IN6_IS_ADDR_V4MAPPED(target)
            ? build_arp_request(mac, src, target, unicast)
            : build_ns(mac, src, target, unicast));
}

/* Returns the neighbor advertisement (RFC 4861 section 7.2.4) by which an
 * interface with Ethernet address 'mac' answers the neighbor solicitation
 * with flow 'solicit' for its address 'target'.  One from the unspecified
 * address, a host that detects duplicates, is answered to all nodes. */
struct dp_packet *
pc_l3_build_na(const struct eth_addr mac, const struct in6_addr *target,
               const struct flow *solicit)
{
    struct dp_packet *p = new_packet(IPV6_HEADER_LEN + ND_MSG_LEN
                                     + ND_LLA_OPT_LEN);
    uint32_t flags = ND_RSO_ROUTER | ND_RSO_OVERRIDE;
    struct in6_addr dst = solicit->ipv6_src;
    struct eth_addr eth_dst = solicit->dl_src;

    if (ipv6_addr_equals(&dst, &in6addr_any)) {
        dst = in6addr_all_hosts;
        ipv6_multicast_to_ethernet(&eth_dst, &dst);
    } else {
        flags |= ND_RSO_SOLICITED;
    }
    compose_nd_na(p, mac, eth_dst, target, &dst, htonl(flags));
    return p;
}

static bool
is_icmp4_error(uint8_t type)
{
    return (type == ICMP4_DST_UNREACH || type == ICMP4_SOURCEQUENCH
            || type == ICMP4_REDIRECT || type == ICMP4_TIME_EXCEEDED
            || type == ICMP4_PARAM_PROB);
}

static bool
may_send_error4(const struct dp_packet *p, const struct flow *flow)
{
    uint32_t src = ntohl(flow->nw_src);
    uint32_t dst = ntohl(flow->nw_dst);

    if (src >> 24 == 0 || src >> 24 == 127 || src >> 28 >= 0xe
        || dst >> 28 >= 0xe || flow->nw_frag & FLOW_NW_FRAG_LATER) {
        return false;
    }
    /* tp_src is the ICMP type.  An ICMP message too short to have one could
     * be an error for all we know. */
    return (flow->nw_proto != IPPROTO_ICMP
            || (dp_packet_l4_size(p) >= ICMP_HEADER_LEN
                && !is_icmp4_error(ntohs(flow->tp_src))));
}

static bool
may_send_error6(const struct dp_packet *p, const struct flow *flow)
{
    if (ipv6_addr_equals(&flow->ipv6_src, &in6addr_any)
        || IN6_IS_ADDR_LOOPBACK(&flow->ipv6_src)
        || ipv6_addr_is_multicast(&flow->ipv6_src)
        || ipv6_addr_is_multicast(&flow->ipv6_dst)
        || flow->nw_frag & FLOW_NW_FRAG_LATER) {
        return false;
    }
    /* Types below 128 are errors; 137 is a redirect. */
    return (flow->nw_proto != IPPROTO_ICMPV6
            || (dp_packet_l4_size(p) >= sizeof(struct icmp6_header)
                && ntohs(flow->tp_src) >= 128
                && ntohs(flow->tp_src) != ND_REDIRECT));
}

/* Returns true if an ICMP error may be sent in answer to packet 'p' with flow
 * 'flow': RFC 1812 section 4.3.2.7 and RFC 4443 section 2.4(e).  Never in
 * answer to an error, a multicast or broadcast, a fragment other than the
 * first, or a packet whose source is not one host. */
bool
pc_l3_may_send_error(const struct dp_packet *p, const struct flow *flow)
{
    if (eth_addr_is_multicast(flow->dl_dst)
        || eth_addr_is_multicast(flow->dl_src)) {
        return false;
    }
    return (flow->dl_type == htons(ETH_TYPE_IP) ? may_send_error4(p, flow)
            : flow->dl_type == htons(ETH_TYPE_IPV6) ? may_send_error6(p, flow)
            : false);
}

/* Stores the ICMP type and code of 'error' for IPv4. */
static void
error_to_icmp4(enum pc_l3_error error, uint8_t *type, uint8_t *code)
{
    *type = ICMP4_DST_UNREACH;
    switch (error) {
    case PC_L3_ERR_NET_UNREACHABLE:
        *code = 0;
        break;
    case PC_L3_ERR_HOST_UNREACHABLE:
        *code = 1;
        break;
    case PC_L3_ERR_PROTO_UNREACHABLE:
        *code = 2;
        break;
    case PC_L3_ERR_PORT_UNREACHABLE:
        *code = 3;
        break;
    case PC_L3_ERR_TOO_BIG:
        *code = 4;
        break;
    case PC_L3_ERR_PROHIBITED:
        *code = 13;
        break;
    case PC_L3_ERR_TTL_EXCEEDED:
        *type = ICMP4_TIME_EXCEEDED;
        *code = 0;
        break;
    }
}

/* Stores the ICMPv6 type and code of 'error'. */
static void
error_to_icmp6(enum pc_l3_error error, uint8_t *type, uint8_t *code)
{
    *type = ICMP6_DST_UNREACH;
    switch (error) {
    case PC_L3_ERR_NET_UNREACHABLE:
        *code = ICMP6_DST_UNREACH_NOROUTE;
        break;
    case PC_L3_ERR_HOST_UNREACHABLE:
        *code = ICMP6_DST_UNREACH_ADDR;
        break;
    case PC_L3_ERR_PROHIBITED:
        *code = ICMP6_DST_UNREACH_ADMIN;
        break;
    case PC_L3_ERR_PORT_UNREACHABLE:
        *code = ICMP6_DST_UNREACH_NOPORT;
        break;
    case PC_L3_ERR_PROTO_UNREACHABLE:
        *type = ICMP6_PARAM_PROB;
        *code = ICMP6_PARAMPROB_NEXTHEADER;
        break;
    case PC_L3_ERR_TTL_EXCEEDED:
        *type = ICMP6_TIME_EXCEEDED;
        *code = ICMP6_TIME_EXCEED_TRANSIT;
        break;
    case PC_L3_ERR_TOO_BIG:
        *type = ICMP6_PACKET_TOO_BIG;
        *code = 0;
        break;
    }
}

/* Appends an IPv4 header without options to 'p', from 'src' to 'dst'.
 * 'payload' is the number of bytes that will follow it. */
static void
put_ip(struct dp_packet *p, ovs_be32 src, ovs_be32 dst, uint8_t proto,
       uint8_t tos, size_t payload)
{
    struct ip_header *ip = dp_packet_put_zeros(p, IP_HEADER_LEN);

    ip->ip_ihl_ver = IP_IHL_VER(5, 4);
    ip->ip_tos = tos;
    ip->ip_tot_len = htons(IP_HEADER_LEN + payload);
    ip->ip_frag_off = htons(IP_DONT_FRAGMENT);
    ip->ip_ttl = PC_L3_TTL;
    ip->ip_proto = proto;
    put_16aligned_be32(&ip->ip_src, src);
    put_16aligned_be32(&ip->ip_dst, dst);
    ip->ip_csum = csum(ip, IP_HEADER_LEN);
    dp_packet_set_l4(p, dp_packet_tail(p));
}

static void
put_eth(struct dp_packet *p, const struct eth_addr dst,
        const struct eth_addr src, uint16_t type)
{
    struct eth_header *eth = dp_packet_put_zeros(p, ETH_HEADER_LEN);

    eth->eth_dst = dst;
    eth->eth_src = src;
    eth->eth_type = htons(type);
    dp_packet_reset_offsets(p);
    dp_packet_set_l3(p, dp_packet_tail(p));
}

/* Returns the number of bytes of 'p' from its IP header on, without Ethernet
 * padding. */
static size_t
ip_length(const struct dp_packet *p, const struct flow *flow)
{
    size_t have = (const char *) dp_packet_tail(p)
                  - (const char *) dp_packet_l3(p);
    size_t said;

    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        const struct ip_header *ip = dp_packet_l3(p);
        said = ntohs(ip->ip_tot_len);
    } else {
        const struct ovs_16aligned_ip6_hdr *ip6 = dp_packet_l3(p);
        said = IPV6_HEADER_LEN + ntohs(ip6->ip6_plen);
    }
    return MIN(have, said);
}

static struct dp_packet *
build_error4(const struct dp_packet *orig, const struct flow *flow,
             enum pc_l3_error error, uint16_t mtu,
             const struct eth_addr mac, ovs_be32 src)
{
    size_t quote = MIN(ip_length(orig, flow),
                       ICMP_ERROR_MAX - IP_HEADER_LEN - ICMP_HEADER_LEN);
    struct dp_packet *p = new_packet(ICMP_ERROR_MAX);
    struct icmp_header *icmp;

    put_eth(p, flow->dl_src, mac, ETH_TYPE_IP);
    put_ip(p, src, flow->nw_src, IPPROTO_ICMP, ICMP_ERROR_TOS,
           ICMP_HEADER_LEN + quote);
    dp_packet_put_zeros(p, ICMP_HEADER_LEN);
    dp_packet_put(p, dp_packet_l3(orig), quote);
    icmp = dp_packet_l4(p);
    error_to_icmp4(error, &icmp->icmp_type, &icmp->icmp_code);
    if (error == PC_L3_ERR_TOO_BIG) {
        icmp->icmp_fields.frag.mtu = htons(mtu);
    }
    icmp->icmp_csum = csum(icmp, ICMP_HEADER_LEN + quote);
    return p;
}

static struct dp_packet *
build_error6(const struct dp_packet *orig, const struct flow *flow,
             enum pc_l3_error error, uint16_t mtu,
             const struct eth_addr mac, const struct in6_addr *src)
{
    size_t len = ip_length(orig, flow);
    size_t quote = MIN(len, ICMP6_ERROR_MAX - IPV6_HEADER_LEN
                       - ICMP6_DATA_HEADER_LEN);
    struct dp_packet *p = new_packet(ICMP6_ERROR_MAX);
    struct icmp6_data_header *icmp;

    put_eth(p, flow->dl_src, mac, ETH_TYPE_IPV6);
    dp_packet_put_zeros(p, IPV6_HEADER_LEN);
    compose_ipv6(p, IPPROTO_ICMPV6, src, &flow->ipv6_src, 0, 0, PC_L3_TTL,
                 ICMP6_DATA_HEADER_LEN);
    dp_packet_put(p, dp_packet_l3(orig), quote);

    struct ovs_16aligned_ip6_hdr *nh = dp_packet_l3(p);
    nh->ip6_plen = htons(ICMP6_DATA_HEADER_LEN + quote);

    icmp = dp_packet_l4(p);
    error_to_icmp6(error, &icmp->icmp6_base.icmp6_type,
                   &icmp->icmp6_base.icmp6_code);
    if (error == PC_L3_ERR_TOO_BIG) {
        put_16aligned_be32(icmp->icmp6_data.be32, htonl(mtu));
    } else if (error == PC_L3_ERR_PROTO_UNREACHABLE) {
        /* Where the unrecognized next header is.  We look only at the fixed
         * header, so say that. */
        put_16aligned_be32(icmp->icmp6_data.be32,
                           htonl(offsetof(struct ovs_16aligned_ip6_hdr,
                                          ip6_nxt)));
    }
    icmp->icmp6_base.icmp6_cksum = 0;
    icmp->icmp6_base.icmp6_cksum
        = packet_csum_upperlayer6(nh, icmp, IPPROTO_ICMPV6,
                                  ICMP6_DATA_HEADER_LEN + quote);
    return p;
}

/* Returns the ICMP or ICMPv6 message that reports 'error' to the sender of
 * packet 'orig' with flow 'flow', or NULL if there must be none (see
 * pc_l3_may_send_error()).  'mtu' is for PC_L3_ERR_TOO_BIG only.  'src' is
 * the address that reports it, of the packet's own family.  The Ethernet
 * header leads from 'mac' back to where 'orig' came from; the TTL is
 * PC_L3_TTL. */
struct dp_packet *
pc_l3_build_error(const struct dp_packet *orig, const struct flow *flow,
                  enum pc_l3_error error, uint16_t mtu,
                  const struct eth_addr mac, const struct in6_addr *src)
{
    if (!pc_l3_may_send_error(orig, flow)
        || (flow->dl_type == htons(ETH_TYPE_IP))
           != IN6_IS_ADDR_V4MAPPED(src)) {
        return NULL;
    }
    return (flow->dl_type == htons(ETH_TYPE_IP)
            ? build_error4(orig, flow, error, mtu, mac,
                           in6_addr_get_mapped_ipv4(src))
            : build_error6(orig, flow, error, mtu, mac, src));
}

/* Fills in the reset 'th' that answers the segment 'oth': RFC 9293 section
 * 3.10.7.1.  'len' is the length of the segment's payload. */
static void
fill_reset(struct tcp_header *th, const struct tcp_header *oth, size_t len)
{
    uint16_t flags = TCP_FLAGS(oth->tcp_ctl);

    th->tcp_src = oth->tcp_dst;
    th->tcp_dst = oth->tcp_src;
    if (flags & TCP_ACK) {
        th->tcp_seq = oth->tcp_ack;
        th->tcp_ctl = TCP_CTL(TCP_RST, 5);
    } else {
        uint32_t seq = ntohl(get_16aligned_be32(&oth->tcp_seq));

        seq += len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
        put_16aligned_be32(&th->tcp_ack, htonl(seq));
        th->tcp_ctl = TCP_CTL(TCP_RST | TCP_ACK, 5);
    }
}

/* Returns the TCP reset that answers segment 'orig' with flow 'flow', which is
 * for an own address where nothing listens, or NULL if 'orig' is a reset
 * itself or no complete TCP header.  Like pc_l3_build_error() otherwise. */
struct dp_packet *
pc_l3_build_tcp_reset(const struct dp_packet *orig, const struct flow *flow,
                      const struct eth_addr mac)
{
    const struct tcp_header *oth = dp_packet_l4(orig);
    size_t l3_len = ip_length(orig, flow);
    size_t l4_ofs = ((const char *) dp_packet_l4(orig)
                     - (const char *) dp_packet_l3(orig));
    bool v4 = flow->dl_type == htons(ETH_TYPE_IP);
    struct tcp_header *th;
    struct dp_packet *p;
    size_t hdr_len;

    if (!oth || flow->nw_frag || !pc_l3_may_send_error(orig, flow)
        || l3_len < l4_ofs + TCP_HEADER_LEN
        || TCP_FLAGS(oth->tcp_ctl) & TCP_RST) {
        return NULL;
    }
    hdr_len = TCP_OFFSET(oth->tcp_ctl) * 4;

    p = new_packet(IPV6_HEADER_LEN + TCP_HEADER_LEN);
    put_eth(p, flow->dl_src, mac, v4 ? ETH_TYPE_IP : ETH_TYPE_IPV6);
    if (v4) {
        put_ip(p, flow->nw_dst, flow->nw_src, IPPROTO_TCP, 0, TCP_HEADER_LEN);
        dp_packet_put_zeros(p, TCP_HEADER_LEN);
    } else {
        dp_packet_put_zeros(p, IPV6_HEADER_LEN);
        compose_ipv6(p, IPPROTO_TCP, &flow->ipv6_dst, &flow->ipv6_src, 0, 0,
                     PC_L3_TTL, TCP_HEADER_LEN);
    }

    th = dp_packet_l4(p);
    memset(th, 0, sizeof *th);
    fill_reset(th, oth, l3_len - l4_ofs - MIN(hdr_len, l3_len - l4_ofs));
    th->tcp_csum = (v4
                    ? csum_finish(csum_continue(
                          packet_csum_pseudoheader(dp_packet_l3(p)),
                          th, TCP_HEADER_LEN))
                    : packet_csum_upperlayer6(dp_packet_l3(p), th, IPPROTO_TCP,
                                              TCP_HEADER_LEN));
    return p;
}

/* Sums, as the upper layer's checksum field does before it is finished. */
static ovs_be16
partial_checksum(const struct dp_packet *p, const struct flow *flow,
                 uint16_t len)
{
    uint32_t sum;

    if (flow->dl_type == htons(ETH_TYPE_IP)) {
        sum = packet_csum_pseudoheader(dp_packet_l3(p));
    } else {
        const struct ovs_16aligned_ip6_hdr *ip6 = dp_packet_l3(p);

        /* Not packet_csum_pseudoheader6(), which is not that of a packet with
         * extension headers. */
        sum = csum_continue(0, &ip6->ip6_src, sizeof ip6->ip6_src);
        sum = csum_continue(sum, &ip6->ip6_dst, sizeof ip6->ip6_dst);
        sum = csum_add16(sum, htons(flow->nw_proto));
        sum = csum_add16(sum, htons(len));
    }
    return ~csum_finish(sum);
}

/* Finishes the TCP or UDP checksum of 'p' if its sender left that to its
 * network card.  Between virtual ports the kernel says so beside the packet,
 * which is lost on the way through the agent.  Such a field has the sum of
 * the pseudo-header alone, by which it is recognized here; other checksums,
 * wrong ones too, stay as they are. */
void
pc_l3_finish_checksum(struct dp_packet *p)
{
    struct flow flow;
    ovs_be16 *field;
    uint16_t len;
    char *l4;

    flow_extract(p, &flow);
    l4 = dp_packet_l4(p);
    if (!l4 || flow.nw_frag) {
        return;
    }
    len = ip_length(p, &flow) - (l4 - (char *) dp_packet_l3(p));
    if (flow.nw_proto == IPPROTO_TCP && len >= TCP_HEADER_LEN) {
        field = &((struct tcp_header *) (void *) l4)->tcp_csum;
    } else if (flow.nw_proto == IPPROTO_UDP && len >= UDP_HEADER_LEN) {
        field = &((struct udp_header *) (void *) l4)->udp_csum;
    } else {
        return;
    }
    if (*field == partial_checksum(p, &flow, len)) {
        /* The field holds the pseudo-header's sum, and so counts it. */
        *field = csum(l4, len);
        if (flow.nw_proto == IPPROTO_UDP && !*field) {
            *field = htons(0xffff);
        }
    }
}
