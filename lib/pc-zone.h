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

#ifndef PC_ZONE_H
#define PC_ZONE_H 1

/* Zones of connection tracking, and when they are flushed.
 *
 * A service with affinity=connection has a zone (pc_zone_of_service()), in
 * which the mark of a connection is the number of its VI.  The number of a
 * service that is gone is given to another, which then has that zone: were the
 * connections still in it, their marks would be taken for VIs of the new
 * service.  So a zone is flushed when its service does not use it any more.
 *
 * The switch itself remembers that it must be
 * ===========================================
 *
 * There is one flow on the switch for each zone in use, the zone's flow
 * (pc_zone_of_flow(); "zone,VI=0" in pc-compile-connection.c).  When a service
 * leaves, that flow is the only one that stays for the moment: the others go
 * in a bundle, a barrier confirms it, then the zone is flushed, and only then
 * does the zone's flow go.  It does no harm meanwhile: only what comes out of
 * ct() in that zone meets it, and nothing sends packets there.  Whatever is
 * interrupted, a lost connection or the death of the agent, the next read of
 * the switch finds a flow that nobody desires, and all of that is done again.
 * (The datapath may apply the old flows a moment longer, and make connections
 * anew: the flush waits 100 ms for that, and another one follows 2 s later if
 * the zone is still not in use; see pc-switch-submit.c, pc-switch-zone.c.)
 *
 * If another service gets the number at once, the zone's flow changes its
 * cookie, which names the owner; that is done after the flush as well.
 *
 * A zone is not flushed because the switch does not have its flow: a switch
 * may have lost its flows and kept its connections, and another bridge of the
 * same datapath, which has the same zones, may be using it.  Only a number that
 * has just been given to a service cannot have a connection that must live:
 * its zone is flushed before its first use as well, for what a switch may have
 * kept that lost its flows while nobody was looking.
 *
 * When a VI goes, its service's zone is not flushed
 * =================================================
 *
 * The other VIs' connections live in it.  (Nothing in OpenFlow flushes by mark,
 * and the addresses of connections are not known here.)  Marks of a VI that is
 * gone do no harm.  Flows match zone and mark together, and there is one for
 * each VI of that service:
 *
 *   - A mark that is no VI's, or one of another service's, matches none: the
 *     connection is chosen for anew, and marked anew.
 *   - If the service has been given a new VI with the number of one that is
 *     gone, what went to the old one goes to the new one, in both directions.
 *     It had to go to another VI anyway.  (If the new one drains, it waits
 *     for these as well, until they expire or it comes to its limit.)
 *
 * For the same reason a rule that goes, or a VI's failure, flushes nothing: a
 * connection that comes back finds its VI.
 *
 * A router that leaves, or has its tables elsewhere from now on, while its
 * services go on with a router that may be on the same datapath, flushes
 * nothing either.
 *
 * Thread-safety: pure functions. */

#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/types.h"

struct minimatch;

/* The zone of the service with that number (1 to 32767). */
uint16_t pc_zone_of_service(uint16_t number);

/* The number of the service whose zone that is; 0 if it is none's. */
uint16_t pc_zone_service(uint16_t zone);

/* If the flow with that cookie, priority and match is the flow of a zone,
 * returns the zone, otherwise 0. */
uint16_t pc_zone_of_flow(ovs_be64 cookie, uint16_t priority,
                         const struct minimatch *);

#endif /* pc-zone.h */
