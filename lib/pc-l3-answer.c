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

#include "pc-l3-emit.h"

#include <netinet/icmp6.h>

#include "openvswitch/match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-l3-compile.h"

/* Flows that answer for the router's own addresses. */

/* Echo replies leave with the TTL that this gives after ROUTE. */
#define ECHO_TTL 65
#define ECHO_TTL_DIRECT 64

static void
emit_arp_answer(const struct pc_l3_emitter *e, const struct pc_l3_interface *iface,
                const struct in6_addr *addr, struct ofpbuf *acts)
{
    ovs_be32 ip = in6_addr_get_mapped_ipv4(addr);
    struct match match;

    pc_l3_match_ether_type(&match, ETH_TYPE_ARP);
    match_set_nw_proto(&match, ARP_OP_REQUEST);
    match_set_nw_dst(&match, ip);
    pc_l3_emit_hook(e, PRIO_HOOK_ASK, &match, acts);

    pc_l3_match_ether_type(&match, ETH_TYPE_ARP);
    match_set_nw_proto(&match, ARP_OP_REQUEST);
    match_set_nw_dst(&match, ip);
    pc_l3_punt(e, acts, PC_L3_REASON_LEARN);
    pc_l3_put_move(acts, MFF_ETH_SRC, MFF_ETH_DST);
    pc_l3_put_mac(acts, MFF_ETH_SRC, iface->mac);
    pc_l3_put_number(acts, MFF_ARP_OP, ARP_OP_REPLY);
    pc_l3_put_move(acts, MFF_ARP_SHA, MFF_ARP_THA);
    pc_l3_put_mac(acts, MFF_ARP_SHA, iface->mac);
    pc_l3_put_move(acts, MFF_ARP_SPA, MFF_ARP_TPA);
    pc_l3_put_ip(acts, MFF_ARP_SPA, addr);
    pc_l3_put_output(acts, OFPP_IN_PORT);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER, &match, acts);
}

/* A solicitation becomes its answer in two steps, because OpenFlow wants the
 * type to be that of an advertisement before the target's Ethernet address
 * can be set.  Only one whose first option is the source's Ethernet address
 * has room for the answer's. */
static void
emit_nd_advert(const struct pc_l3_emitter *e,
               const struct pc_l3_interface *iface,
               const struct in6_addr *addr, struct ofpbuf *acts)
{
    struct match match;

    pc_l3_match_icmp(&match, ETH_TYPE_IPV6, ND_NEIGHBOR_SOLICIT);
    match_set_nw_ttl(&match, 255);
    match_set_nd_target(&match, addr);
    mf_set_value(mf_from_id(MFF_ND_OPTIONS_TYPE),
                 &(union mf_value) { .u8 = ND_OPT_SOURCE_LINKADDR },
                 &match, NULL);
    pc_l3_punt(e, acts, PC_L3_REASON_LEARN);
    pc_l3_put_move(acts, MFF_ETH_SRC, MFF_ETH_DST);
    pc_l3_put_mac(acts, MFF_ETH_SRC, iface->mac);
    pc_l3_put_move(acts, MFF_IPV6_SRC, MFF_IPV6_DST);
    pc_l3_put_ip(acts, MFF_IPV6_SRC, addr);
    pc_l3_put_number(acts, MFF_ND_RESERVED,
                     ND_RSO_ROUTER | ND_RSO_SOLICITED | ND_RSO_OVERRIDE);
    pc_l3_put_number(acts, MFF_ND_OPTIONS_TYPE, ND_OPT_TARGET_LINKADDR);
    pc_l3_put_number(acts, MFF_ICMPV6_TYPE, ND_NEIGHBOR_ADVERT);
    pc_l3_put_number(acts, MFF_REG0 + PC_L3_REG_FLAGS, PC_L3_FLAG_ADVERT);
    pc_l3_put_resubmit(e, acts, PC_TABLE_LEGACY);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER_DIRECT, &match, acts);

    pc_l3_match_icmp(&match, ETH_TYPE_IPV6, ND_NEIGHBOR_ADVERT);
    match_set_nd_target(&match, addr);
    match_set_reg(&match, PC_L3_REG_FLAGS, PC_L3_FLAG_ADVERT);
    pc_l3_put_mac(acts, MFF_ND_TLL, iface->mac);
    pc_l3_put_output(acts, OFPP_IN_PORT);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ADVERT, &match, acts);
}

/* What no flow answers goes to the agent: a solicitation without an option, as
 * that of a host detecting duplicates, and all on a switch whose flows cannot
 * set these fields, such as one with the kernel's datapath. */
static void
emit_nd_answer(const struct pc_l3_emitter *e, const struct pc_l3_interface *iface,
               const struct in6_addr *addr, struct ofpbuf *acts)
{
    struct match match;

    pc_l3_match_icmp(&match, ETH_TYPE_IPV6, ND_NEIGHBOR_SOLICIT);
    match_set_nd_target(&match, addr);
    pc_l3_emit_hook(e, PRIO_HOOK_ASK, &match, acts);

    pc_l3_match_icmp(&match, ETH_TYPE_IPV6, ND_NEIGHBOR_SOLICIT);
    match_set_nw_ttl(&match, 255);
    match_set_nd_target(&match, addr);
    pc_l3_punt(e, acts, PC_L3_REASON_SOLICIT);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER, &match, acts);
    if (e->f->config.nd_answers) {
        emit_nd_advert(e, iface, addr, acts);
    }
}

static void
put_echo_reply4(struct ofpbuf *acts, const struct in6_addr *addr)
{
    pc_l3_put_move(acts, MFF_IPV4_SRC, MFF_IPV4_DST);
    pc_l3_put_ip(acts, MFF_IPV4_SRC, addr);
    pc_l3_put_number(acts, MFF_ICMPV4_TYPE, ICMP4_ECHO_REPLY);
    pc_l3_put_number(acts, MFF_IP_TTL, ECHO_TTL);
}

static void
put_echo_reply6(struct ofpbuf *acts, const struct in6_addr *addr,
                uint8_t ttl)
{
    pc_l3_put_move(acts, MFF_IPV6_SRC, MFF_IPV6_DST);
    pc_l3_put_ip(acts, MFF_IPV6_SRC, addr);
    pc_l3_put_number(acts, MFF_ICMPV6_TYPE, ICMP6_ECHO_REPLY);
    pc_l3_put_number(acts, MFF_IP_TTL, ttl);
}

static void
emit_own4(const struct pc_l3_emitter *e, const struct in6_addr *addr,
          struct ofpbuf *acts)
{
    ovs_be32 ip = in6_addr_get_mapped_ipv4(addr);
    struct match match;

    /* Someone else with our address as source. */
    pc_l3_match_ether_type(&match, ETH_TYPE_IP);
    match_set_nw_src(&match, ip);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_MARTIAN, &match, acts);

    pc_l3_match_icmp(&match, ETH_TYPE_IP, ICMP4_ECHO_REQUEST);
    match_set_nw_dst(&match, ip);
    match_set_nw_frag(&match, 0);
    put_echo_reply4(acts, addr);
    pc_l3_put_goto(e, acts, PC_TABLE_ROUTE);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER, &match, acts);

    pc_l3_match_ether_type(&match, ETH_TYPE_IP);
    match_set_nw_proto(&match, IPPROTO_ICMP);
    match_set_nw_dst(&match, ip);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_OWN_QUIET, &match, acts);

    pc_l3_match_ether_type(&match, ETH_TYPE_IP);
    match_set_nw_dst(&match, ip);
    pc_l3_punt(e, acts, PC_L3_REASON_LOCAL);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_OWN, &match, acts);
}

static void
put_direct(struct ofpbuf *acts, const struct eth_addr mac)
{
    pc_l3_put_move(acts, MFF_ETH_SRC, MFF_ETH_DST);
    pc_l3_put_mac(acts, MFF_ETH_SRC, mac);
    pc_l3_put_output(acts, OFPP_IN_PORT);
}

static void
emit_own6(const struct pc_l3_emitter *e, const struct pc_l3_interface *iface,
          const struct in6_addr *addr, struct ofpbuf *acts)
{
    const struct pc_l3_address link = { { { { 0xfe, 0x80 } } }, 10 };
    struct in6_addr mask = ipv6_create_mask(link.plen);
    bool local = IN6_IS_ADDR_LINKLOCAL(addr);
    struct match match;

    pc_l3_match_ether_type(&match, ETH_TYPE_IPV6);
    match_set_ipv6_src(&match, addr);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_MARTIAN, &match, acts);

    /* What is of one link goes back to where it came from; it has no
     * route. */
    pc_l3_match_icmp(&match, ETH_TYPE_IPV6, ICMP6_ECHO_REQUEST);
    match_set_ipv6_dst(&match, addr);
    match_set_nw_frag(&match, 0);
    if (!local) {
        put_echo_reply6(acts, addr, ECHO_TTL);
        pc_l3_put_goto(e, acts, PC_TABLE_ROUTE);
        pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER, &match, acts);
        match_set_ipv6_src_masked(&match, &link.addr, &mask);
    }
    put_echo_reply6(acts, addr, ECHO_TTL_DIRECT);
    put_direct(acts, iface->mac);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_ANSWER_DIRECT, &match, acts);

    pc_l3_match_ether_type(&match, ETH_TYPE_IPV6);
    match_set_nw_proto(&match, IPPROTO_ICMPV6);
    match_set_ipv6_dst(&match, addr);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_OWN_QUIET, &match, acts);

    pc_l3_match_ether_type(&match, ETH_TYPE_IPV6);
    match_set_ipv6_dst(&match, addr);
    pc_l3_punt(e, acts, PC_L3_REASON_LOCAL);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_OWN, &match, acts);
}

/* Directed broadcasts are not forwarded: RFC 2644. */
static void
emit_broadcast_drop(const struct pc_l3_emitter *e,
                    const struct pc_l3_address *address, struct ofpbuf *acts)
{
    ovs_be32 ip = in6_addr_get_mapped_ipv4(&address->addr);
    ovs_be32 mask = be32_prefix_mask(address->plen);
    struct match match;

    if (address->plen >= 31) {
        return;                 /* RFC 3021. */
    }
    pc_l3_match_ether_type(&match, ETH_TYPE_IP);
    match_set_nw_dst(&match, ip | ~mask);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_LINK, &match, acts);
    match_set_nw_dst(&match, ip & mask);
    pc_l3_emit(e, PC_TABLE_LEGACY, PRIO_LINK, &match, acts);
}

/* Adds the flows that answer for 'address' of 'iface': hooks, ARP or neighbor
 * discovery, echo, the rest to the agent. */
void
pc_l3_emit_answers(const struct pc_l3_emitter *e,
                   const struct pc_l3_interface *iface,
                   const struct pc_l3_address *address, struct ofpbuf *acts)
{
    if (IN6_IS_ADDR_V4MAPPED(&address->addr)) {
        emit_arp_answer(e, iface, &address->addr, acts);
        emit_own4(e, &address->addr, acts);
        emit_broadcast_drop(e, address, acts);
    } else {
        emit_nd_answer(e, iface, &address->addr, acts);
        emit_own6(e, iface, &address->addr, acts);
    }
}
