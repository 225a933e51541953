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

#ifndef PC_TOPOLOGY_H
#define PC_TOPOLOGY_H 1

/* Which cloudlet is near (paper section 3.4: "topologically closest to the
 * requestor")
 * =========================================================================
 *
 * PoPs are joined by links with costs, in both directions the same; the distance
 * between two is the cost of the cheapest path.  A requester's PoP is that of the
 * longest prefix that holds its address.  A cloudlet is at a PoP.
 *
 * Distances from a PoP are computed once (Dijkstra) and kept until a PoP or link
 * changes.
 *
 * PoPs are named by the caller's UUIDs (rows of table PoP).
 *
 * Thread-safety: one thread at a time. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/compiler.h"
#include "openvswitch/uuid.h"

/* The distance of what cannot be reached or has no PoP: beyond all others. */
#define PC_DISTANCE_MAX UINT64_MAX

struct pc_topology;

struct pc_topology *pc_topology_create(void);
void pc_topology_destroy(struct pc_topology *);

/* Adds a PoP or does nothing; removes it with its links and prefixes. */
void pc_topology_add_pop(struct pc_topology *, const struct uuid *pop);
void pc_topology_remove_pop(struct pc_topology *, const struct uuid *pop);

/* Sets the link between two PoPs that exist to 'cost', or removes it.  Two PoPs
 * have one link at most: the cheapest that the caller knows. */
void pc_topology_set_link(struct pc_topology *, const struct uuid *a,
                          const struct uuid *b, uint32_t cost);
void pc_topology_remove_link(struct pc_topology *, const struct uuid *a,
                             const struct uuid *b);

/* Gives the prefix 'address'/'plen' to a PoP, or takes it away.  IPv4 addresses
 * are IPv4-mapped, with 96 added to their length.  A prefix that another PoP has
 * already goes to the new one. */
void pc_topology_set_prefix(struct pc_topology *, const struct in6_addr *,
                            unsigned int plen, const struct uuid *pop);
void pc_topology_remove_prefix(struct pc_topology *, const struct in6_addr *,
                               unsigned int plen);

/* The PoP of 'address'; false if no prefix holds it. */
bool pc_topology_find(const struct pc_topology *, const struct in6_addr *,
                      struct uuid *pop);

/* The distance between two PoPs; PC_DISTANCE_MAX if there is no path or one of
 * them does not exist. */
uint64_t pc_topology_distance(struct pc_topology *, const struct uuid *from,
                              const struct uuid *to);

/* Raised by each change after which distances may differ. */
uint64_t pc_topology_version(const struct pc_topology *);

#endif /* pc-topology.h */
