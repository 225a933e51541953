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

#ifndef PC_L3_H
#define PC_L3_H 1

/* The front-end router: an IPv4 and IPv6 router made of OpenFlow flows.
 *
 * A pc_l3 turns interfaces, routes and neighbors into flows of a
 * pc_flow_table, and answers the few packets that the switch cannot handle by
 * itself.  It does no I/O: flows go into the table, packets to be sent come
 * back in lists, time comes in as a parameter.
 *
 * The switch alone answers ARP requests, neighbor solicitations and echo
 * requests for the router's own addresses, looks up routes, decrements TTLs
 * and rewrites Ethernet addresses for known neighbors.  With the agent gone
 * all of that goes on ("fail static").  The agent gets, through the
 * `controller' action:
 *
 *   - the first packets to a next hop whose Ethernet address is not known;
 *   - ARP and neighbor discovery packets sent to us, as copies, to learn;
 *   - packets whose TTL expires, that have no route, or that are for an own
 *     address and no echo request: they are answered by ICMP errors.
 *
 * Lifecycle
 * =========
 *
 * Create; set interfaces, routes and static neighbors, in any order, each
 * known by the UUID of its database row; on a connection that becomes ready
 * give the installed flows to pc_l3_adopt_neighbor() before comparing desired
 * and installed flows.  Then for each packet-in call
 * pc_l3_packet_in(), and pc_l3_run() no later than pc_l3_next_wakeup().  Both
 * may change the flow table (submit its changes afterward) and append to a
 * list of packets to send.
 *
 * Submit the flow table's changes *before* sending the packets.
 *
 * Units: all times are in milliseconds of any monotonic clock, such as
 * time_msec().
 *
 * Thread-safety
 * =============
 *
 * None: one thread owns a pc_l3 and its flow table. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "openvswitch/compiler.h"
#include "openvswitch/list.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"

struct dp_packet;
struct ds;
struct ofputil_packet_in;
struct pc_flow_table;
struct pc_flow_view;
struct pc_l3;

/* An address and the length of its prefix.  IPv4 addresses are kept as
 * IPv4-mapped IPv6 addresses; then 'plen' still counts IPv4 bits, 0 to 32. */
struct pc_l3_address {
    struct in6_addr addr;
    uint8_t plen;
};

/* An interface of the router. */
struct pc_l3_interface {
    struct uuid uuid;           /* Row of Interface. */
    struct eth_addr mac;        /* See pc_l3_default_mac(). */

    /* Where the interface's subnets are: a port; OFPP_NONE if it has only
     * static neighbors (the subnet of the VIs); or OFPP_FLOOD if its
     * neighbors may be on any port of the bridge, then each one's port is
     * learned with its Ethernet address. */
    ofp_port_t port;

    const struct pc_l3_address *addresses;
    size_t n_addresses;

    /* Largest IP packet to send, in bytes, or 0 not to check.  The check
     * cannot tell a TCP segment to be segmented later (TSO) from a packet
     * that is too big. */
    uint16_t mtu;
};

/* What to do with packets to a prefix. */
enum pc_l3_route_type {
    PC_L3_ROUTE_NEXTHOP,        /* To 'nexthop'. */
    PC_L3_ROUTE_BLACKHOLE,      /* Drop. */
    PC_L3_ROUTE_UNREACHABLE     /* Drop and tell the sender. */
};

/* A static route. */
struct pc_l3_route {
    struct uuid uuid;           /* Row of Route. */
    struct pc_l3_address prefix;
    enum pc_l3_route_type type;
    struct in6_addr nexthop;    /* For PC_L3_ROUTE_NEXTHOP only. */

    /* Interface of the next hop: needed if that is an IPv6 link-local
     * address, otherwise zero: the interface in whose subnet it is. */
    struct uuid interface;
};

/* A neighbor that needs no resolution, such as a VI. */
struct pc_l3_static_neighbor {
    struct uuid owner;          /* Row of VI. */
    struct uuid interface;      /* Row of Interface. */
    struct in6_addr addr;
    struct eth_addr mac;
    ofp_port_t port;
};

/* A packet to send: a packet-out. */
struct pc_l3_packet_out {
    struct ovs_list list_node;
    struct dp_packet *packet;
    ofp_port_t in_port;
    struct ofpbuf ofpacts;
};

/* Counters since pc_l3_create(). */
struct pc_l3_counters {
    uint64_t n_packet_ins;      /* All packet-ins, malformed ones too. */
    uint64_t n_malformed;       /* Packet-ins that made no sense. */
    uint64_t n_queued;          /* Packets that waited for a neighbor. */
    uint64_t n_queue_drops;     /* Packets for which the queue was full. */
    uint64_t n_failed;          /* Packets whose next hop did not answer. */
    uint64_t n_solicits;        /* ARP requests and solicitations sent. */
    uint64_t n_icmp_sent;       /* ICMP errors sent. */
    uint64_t n_icmp_limited;    /* ICMP errors not sent: rate limit. */
};

/* What a pc_l3 is made for. */
struct pc_l3_config {
    uint8_t table_base;         /* Router.table_base. */
    uint16_t controller_id;     /* In `controller' actions. */

    /* Two meters, this one and the next, that limit packet-ins in the
     * switch: pc_meter_id(0, 0), since VIs' numbers start with 1.  0 if the
     * switch has no meters. */
    uint32_t meter_id;

    /* Can flows make neighbor advertisements?  Else the agent answers all
     * solicitations. */
    bool nd_answers;
};

struct pc_l3 *pc_l3_create(struct pc_flow_table *,
                           const struct pc_l3_config *);
void pc_l3_destroy(struct pc_l3 *);

/* Configuration. */
char *pc_l3_set_interface(struct pc_l3 *, const struct pc_l3_interface *)
    OVS_WARN_UNUSED_RESULT;
void pc_l3_remove_interface(struct pc_l3 *, const struct uuid *);
char *pc_l3_set_route(struct pc_l3 *, const struct pc_l3_route *)
    OVS_WARN_UNUSED_RESULT;
void pc_l3_remove_route(struct pc_l3 *, const struct uuid *);
char *pc_l3_route_error(const struct pc_l3 *, const struct uuid *)
    OVS_WARN_UNUSED_RESULT;
void pc_l3_set_static_neighbor(struct pc_l3 *,
                               const struct pc_l3_static_neighbor *);
void pc_l3_remove_static_neighbors(struct pc_l3 *, const struct uuid *owner);
bool pc_l3_adopt_neighbor(struct pc_l3 *, long long int now,
                          const struct pc_flow_view *);

/* Work. */
void pc_l3_packet_in(struct pc_l3 *, long long int now,
                     const struct ofputil_packet_in *, struct ovs_list *outs);
void pc_l3_run(struct pc_l3 *, long long int now, struct ovs_list *outs);
long long int pc_l3_next_wakeup(const struct pc_l3 *);
void pc_l3_packet_out_destroy(struct pc_l3_packet_out *);

/* Looking in. */
const struct pc_l3_counters *pc_l3_counters(const struct pc_l3 *);
void pc_l3_format_neighbors(const struct pc_l3 *, long long int now,
                            struct ds *);

/* Values. */
struct eth_addr pc_l3_default_mac(uint64_t datapath_id, const char *router,
                                  const char *interface);
char *pc_l3_parse_address(const char *, struct pc_l3_address *)
    OVS_WARN_UNUSED_RESULT;
char *pc_l3_parse_prefix(const char *, struct pc_l3_address *)
    OVS_WARN_UNUSED_RESULT;
char *pc_l3_parse_nexthop(const char *, struct pc_l3_route *)
    OVS_WARN_UNUSED_RESULT;

#endif /* pc-l3.h */
