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

#ifndef PC_COMPILE_H
#define PC_COMPILE_H 1

/* Services, VIs, paths and rules to flows, groups and meters (design.md
 * §4.1-4.4; the layout is pc-layout.h's).
 *
 * Each function replaces all that its object's UUID owns in the flow table,
 * so that a change to one object compiles that object alone; and each is
 * undone by pc_flow_table_remove_owner() with the same UUID.
 *
 *   changed                                   call
 *   ----------------------------------------  -------------------------------
 *   a rule's match, priority, direction,      pc_compile_rule()
 *     path
 *   a VI's port, mac, gw_mac, network_bps,    pc_compile_vi()
 *     its service's mode
 *   a VI's ready, weight, port[0], or a       pc_compile_service() of its
 *     service's VIs, mode, on_failure,          service
 *     number
 *   a chain's services, or their modes,       pc_compile_path()
 *     on_failure or affinity
 *   a service's positions, has_rules or       pc_compile_service(),
 *     two_arms                                  pc_compile_vi() of its VIs
 *   pc_service_asks(), or a position of a     pc_compile_rule() of the rules
 *     service that asks                         on its paths
 *   table_base                                everything, after
 *                                               pc_flow_table_clear()
 *
 * The flows of a rule do not depend on the VIs, nor those of a VI on the
 * rules; the groups of a service tie them together.
 *
 * A packet's way, forward, mode `inline`:
 *
 *   0       rule's match,metadata=0/served,dl_dst=unicast
 *             -> metadata=(path,hop 0,forward), resubmit(,STEER)
 *   STEER   (path,hop,forward) -> group:ff
 *             ff: watch_group=select -> group:select
 *                 on-failure open -> resubmit(,NEXT); close -> drop
 *             select: a bucket per ready VI, watch_port
 *                 -> metadata=VI, resubmit(,DELIVER)
 *   DELIVER (VI,forward) -> meter, output:in port
 *   ... the VI ...
 *   0       in_port=out port,metadata=0/served -> resubmit(,RETURN)
 *   RETURN  in_port=out port -> metadata=(path,hop,forward),
 *             in_port=none, resubmit(,NEXT)
 *   NEXT    (path,hop,forward) -> metadata=served, resubmit(,0)
 *
 * `route` differs in DELIVER (addresses; reverse to the out port if there is
 * one) and RETURN (in_port stays).  `tap`: STEER copies to the select group
 * and goes on to NEXT; RETURN drops; `on_failure` and network_bps don't apply
 * (a copy that is lost harms nobody, and a meter on the copy would meter the
 * original too).  `host`: none of this.
 *
 * A service may be in many chains, and may have rules of its own.  If the port
 * that a packet returns on does not tell its place (pc_service_asks()), RETURN
 * asks the rules, whose match, in the direction, tells it:
 *
 *   RETURN    in_port -> metadata=(path=service's number,direction if known)
 *               resubmit(,DIRECTION)
 *   DIRECTION rule's match in a direction,metadata=service's number
 *               -> metadata=(path,hop,direction), resubmit(,NEXT)
 *             priority 50: what no rule recognizes goes on alone or, if the
 *               service has no rules of its own, in its first chain
 *
 * 'base' is Router.table_base.  Thread-safety: as the flow table. */

#include <stdint.h>
#include "pc-model.h"

struct pc_flow_table;
struct pc_rule_match;

/* The flows that are always there, owned by the zero UUID: what is never
 * diverted, and the ends of the tables; and the group that the others' last
 * buckets watch.  Compile it before any service. */
void pc_compile_common(struct pc_flow_table *, uint8_t base);

/* A rule: hooks in table 0 in the direction or directions of the rule.  The
 * match must have passed pc_rule_match_check(). */
void pc_compile_rule(struct pc_flow_table *, uint8_t base,
                     const struct pc_rule *);

/* Makes '*returned' what tells that a packet which a service that asks returns
 * is one of 'rule', which has a path: in both directions, even if the match is
 * symmetric, if the path is after another one.  The caller frees it with
 * pc_rule_match_destroy(). */
void pc_compile_returned_match(const struct pc_rule *rule,
                               struct pc_rule_match *returned);

/* A service: its groups, and the steering of the path of which it is the only
 * hop. */
void pc_compile_service(struct pc_flow_table *, uint8_t base,
                        const struct pc_service *);

/* A VI: its port hooks, delivery, return and meters. */
void pc_compile_vi(struct pc_flow_table *, uint8_t base, const struct pc_vi *);

/* A chain: its steering. */
void pc_compile_path(struct pc_flow_table *, uint8_t base,
                     const struct pc_path *);

#endif /* pc-compile.h */
