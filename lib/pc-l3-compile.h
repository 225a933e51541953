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

#ifndef PC_L3_COMPILE_H
#define PC_L3_COMPILE_H 1

/* Flows of the front-end router: interfaces, routes and neighbors in, flows
 * of a pc_flow_table out.  What a flow cannot do it leaves to the agent by a
 * `controller' action whose userdata says why (enum pc_l3_reason).
 *
 * A packet's way: a hook in table 0 recognizes it by the interface's Ethernet
 * address, or by the address that an ARP request or a neighbor solicitation
 * asks for, and sends it to LEGACY; LEGACY answers what is for the router and
 * sends the rest to ROUTE; ROUTE puts the interface into PC_L3_REG_INTERFACE
 * and the next hop into PC_L3_REG_NEXTHOP4 or PC_L3_XXREG_NEXTHOP6; NEIGHBOR
 * writes the Ethernet header and outputs.
 *
 * Thread-safety: none; the caller serializes use of the flow table. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "openvswitch/types.h"
#include "pc-l3.h"

struct match;
struct pc_flow_table;
struct pc_flow_view;
struct pc_neighbor;
struct pc_neighbor_news;

/* Registers, which mean this from ROUTE on. */
#define PC_L3_REG_INTERFACE 0   /* pc_l3_interface_number(). */
#define PC_L3_REG_NEXTHOP4  1
#define PC_L3_REG_FLAGS     2
#define PC_L3_XXREG_NEXTHOP6 1  /* reg4 to reg7. */

/* Bits of PC_L3_REG_FLAGS. */
#define PC_L3_FLAG_TOO_BIG 1    /* Larger than the interface's MTU. */
#define PC_L3_FLAG_ADVERT  2    /* A solicitation becoming the answer. */

/* Why a packet is sent to the agent. */
enum pc_l3_reason {
    PC_L3_REASON_LEARN = 1,     /* ARP or ND, maybe already answered. */
    PC_L3_REASON_RESOLVE,       /* The next hop's address is not known. */
    PC_L3_REASON_EXPIRED,       /* TTL. */
    PC_L3_REASON_LOCAL,         /* For an own address. */
    PC_L3_REASON_NO_ROUTE,      /* No route, or an unreachable one. */
    PC_L3_REASON_TOO_BIG,       /* For the MTU. */
    PC_L3_REASON_SOLICIT        /* ND, not answered. */
};

/* Where flows go. */
struct pc_l3_flows {
    struct pc_flow_table *table;
    struct pc_l3_config config;
};

/* Packets per second to the agent, if there are meters: 'meter_id' for
 * resolution, 'meter_id' + 1 for what will be answered by an error. */
#define PC_L3_METER_RESOLVE_PPS 2000
#define PC_L3_METER_ERROR_PPS 500

uint32_t pc_l3_interface_number(const struct uuid *);
bool pc_l3_parse_userdata(const uint8_t *, size_t, enum pc_l3_reason *);
void pc_l3_compile_common(const struct pc_l3_flows *);
void pc_l3_uncompile_common(const struct pc_l3_flows *);
void pc_l3_compile_interface(const struct pc_l3_flows *,
                             const struct pc_l3_interface *);
void pc_l3_compile_route(const struct pc_l3_flows *,
                         const struct pc_l3_route *,
                         const struct pc_l3_interface *out);
void pc_l3_compile_neighbor(const struct pc_l3_flows *,
                            const struct pc_l3_interface *,
                            const struct pc_neighbor *);
void pc_l3_uncompile_neighbor(const struct pc_l3_flows *,
                              const struct pc_neighbor *);
bool pc_l3_decompile_neighbor(const struct pc_l3_flows *,
                              const struct pc_flow_view *,
                              struct pc_neighbor_news *);

#endif /* pc-l3-compile.h */
