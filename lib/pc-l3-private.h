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

#ifndef PC_L3_PRIVATE_H
#define PC_L3_PRIVATE_H 1

/* Inside struct pc_l3, for pc-l3.c (configuration) and pc-l3-input.c
 * (packets).
 *
 * Thread-safety: none; the caller serializes. */

#include "openvswitch/hmap.h"
#include "pc-l3-compile.h"
#include "pc-l3-neighbor.h"
#include "pc-l3-packet.h"
#include "pc-l3.h"

/* An interface. */
struct pc_l3_iface {
    struct hmap_node node;      /* In 'ifaces', by 'number'. */
    uint32_t number;
    struct pc_l3_interface cfg; /* Owns 'addresses'. */
    struct in6_addr lla;        /* IPv6 link-local address. */
};

/* A static route. */
struct pc_l3_static_route {
    struct hmap_node node;      /* In 'routes', by UUID. */
    struct pc_l3_route cfg;
    struct uuid out;            /* Interface in its flow; zero if none. */
};

struct pc_l3 {
    struct pc_l3_flows flows;
    struct hmap ifaces;         /* Of struct pc_l3_iface. */
    struct hmap routes;         /* Of struct pc_l3_static_route. */
    struct pc_neighbors *neighbors;
    struct pc_l3_counters counters;

    /* ICMP errors that may still be sent, in thousandths. */
    long long int error_tokens;
    long long int error_filled; /* When that was. */
};

/* ICMP errors per second, and at once. */
#define PC_L3_ERROR_RATE 500
#define PC_L3_ERROR_BURST 100

/* What neighbor functions are called with as 'aux'. */
struct pc_l3_work {
    struct pc_l3 *l3;
    long long int now;
    struct ovs_list *outs;
};

extern const struct pc_neighbor_ops pc_l3_neighbor_ops;

struct pc_l3_iface *pc_l3_iface_by_number(const struct pc_l3 *,
                                          uint32_t number);
bool pc_l3_address_contains(const struct pc_l3_address *,
                            const struct in6_addr *);
const struct in6_addr *pc_l3_iface_own(const struct pc_l3_iface *,
                                       const struct in6_addr *);
const struct in6_addr *pc_l3_iface_on_link(const struct pc_l3_iface *,
                                           const struct in6_addr *);

#endif /* pc-l3-private.h */
