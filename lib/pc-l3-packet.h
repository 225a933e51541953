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

#ifndef PC_L3_PACKET_H
#define PC_L3_PACKET_H 1

/* Packets that a router originates: ARP requests, neighbor solicitations and
 * advertisements, ICMP and ICMPv6 errors, TCP resets.
 *
 * Everything here is a pure function from values to a new packet, owned by
 * the caller (dp_packet_delete()).  Packets for the answer of which an
 * original is needed take it together with its flow, as flow_extract()
 * (which also sets the packet's layer offsets) gives it.
 *
 * Thread-safety: none needed; the functions share no state. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/types.h"

struct dp_packet;
struct flow;

/* TTL of a packet that we send through our own ROUTE table, which decrements
 * it: 64 is on the wire, the default of the assigned numbers (RFC 1700). */
#define PC_L3_TTL 65

/* An error that a router reports; the meaning is that of RFC 792, RFC 1812
 * section 5.2.7 and RFC 4443. */
enum pc_l3_error {
    PC_L3_ERR_NET_UNREACHABLE,      /* No route. */
    PC_L3_ERR_HOST_UNREACHABLE,     /* The neighbor does not answer. */
    PC_L3_ERR_PROHIBITED,           /* Administratively prohibited. */
    PC_L3_ERR_PROTO_UNREACHABLE,    /* For an own address: protocol. */
    PC_L3_ERR_PORT_UNREACHABLE,     /* For an own address: port. */
    PC_L3_ERR_TTL_EXCEEDED,         /* TTL or hop limit. */
    PC_L3_ERR_TOO_BIG               /* Larger than the MTU. */
};

struct dp_packet *pc_l3_build_solicit(const struct eth_addr mac,
                                      const struct in6_addr *src,
                                      const struct in6_addr *target,
                                      const struct eth_addr *unicast);
struct dp_packet *pc_l3_build_na(const struct eth_addr mac,
                                 const struct in6_addr *target,
                                 const struct flow *solicit);
bool pc_l3_may_send_error(const struct dp_packet *, const struct flow *);
struct dp_packet *pc_l3_build_error(const struct dp_packet *orig,
                                    const struct flow *,
                                    enum pc_l3_error, uint16_t mtu,
                                    const struct eth_addr mac,
                                    const struct in6_addr *src);
struct dp_packet *pc_l3_build_tcp_reset(const struct dp_packet *orig,
                                        const struct flow *,
                                        const struct eth_addr mac);
void pc_l3_finish_checksum(struct dp_packet *);

#endif /* pc-l3-packet.h */
