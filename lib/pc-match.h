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

#ifndef PC_MATCH_H
#define PC_MATCH_H 1

/* The match of a rule (design.md §4.2).
 *
 * Its text is an `ovs-ofctl` match, parsed by Open vSwitch's own parser, so
 * that masks, CIDR, IPv6, VLANs and ICMP types are what an engineer expects.
 * On top of it a rule may not use fields that don't belong to the packet of a
 * customer (metadata, registers, tunnels, conntrack, ...), nor the parts of a
 * flow that PacketCloud decides (table, priority, cookie, actions): each
 * gives an error that names the field and says why.  Neither is anything
 * accepted that Open vSwitch would silently drop, e.g. tp_dst without tcp.
 *
 * Every match has a reverse: the match of the answers.
 *
 *   field                            in the reverse
 *   -------------------------------  ------------------------------------
 *   dl_src, dl_dst                   swapped
 *   nw_src, nw_dst                   swapped
 *   ipv6_src, ipv6_dst               swapped
 *   tp_src, tp_dst (tcp udp sctp)    swapped
 *   icmp_type request, reply         swapped (8 and 0, 13 and 14, 15 and 16,
 *                                    17 and 18; ICMPv6 128 and 129)
 *   other icmp_type, icmp_code       kept
 *   dl_type, nw_proto, dl_vlan       kept
 *   in_port                          dropped: answers arrive elsewhere
 *   vlan_pcp, nw_tos, nw_ecn,        dropped: the sender of the answers
 *   nw_ttl, ip_frag, ipv6_label,     chooses its own
 *   tcp_flags
 *
 * A match is symmetric if its reverse is itself, e.g. `ip`.  One flow is then
 * enough, and all packets count as forward.
 *
 * Thread-safety: values; the caller serializes. */

#include <stdbool.h>
#include "openvswitch/compiler.h"
#include "openvswitch/match.h"
#include "pc-model.h"

struct flow;
struct ofputil_port_map;

struct pc_rule_match {
    struct minimatch match[2];  /* By enum pc_direction. */
    bool symmetric;             /* Is the reverse the same? */
    bool reverse_any;           /* Does the reverse match every packet? */
};

/* Parses 'text' into '*m', which the caller must later free with
 * pc_rule_match_destroy().  'ports' translates port names in `in_port`; it
 * may be null, then only numbers and LOCAL are taken.
 *
 * Returns null, or an error of one line that the caller must free; then '*m'
 * is zeroed and need not be destroyed. */
char *pc_rule_match_parse(const char *text, const struct ofputil_port_map *,
                          struct pc_rule_match *m) OVS_WARN_UNUSED_RESULT;
void pc_rule_match_destroy(struct pc_rule_match *);
void pc_rule_match_clone(struct pc_rule_match *dst,
                         const struct pc_rule_match *src);
bool pc_rule_match_equal(const struct pc_rule_match *,
                         const struct pc_rule_match *);

/* Checks that a rule may divert 'direction' with this match.  (A match of
 * nothing but in_port has a reverse that is every packet: refused for both
 * and reverse.)  Returns null or an error that the caller must free. */
char *pc_rule_match_check(const struct pc_rule_match *,
                          enum pc_rule_direction) OVS_WARN_UNUSED_RESULT;

/* Writes the match of a direction into '*match'. */
void pc_rule_match_expand(const struct pc_rule_match *, enum pc_direction,
                          struct match *match);

/* Derives the match of the answers to what 'match' matches. */
void pc_match_reverse(const struct match *match, struct match *reverse);

/* Returns the canonical text of a direction: equal matches have equal text,
 * and pc_rule_match_parse() takes it.  The caller frees it.  ('ports' may be
 * null.) */
char *pc_rule_match_format(const struct pc_rule_match *, enum pc_direction,
                           const struct ofputil_port_map *);

/* Can one packet match both?  If so and 'example' is nonnull, fills it with
 * such a packet. */
bool pc_match_overlap(const struct minimatch *, const struct minimatch *,
                      struct flow *example);

/* Stores in 'dirs' the directions in which 'rule' has hooks, and returns how
 * many they are. */
size_t pc_rule_directions(const struct pc_rule *rule,
                          enum pc_direction dirs[2]);

/* Does some direction of rule 'a' overlap some direction of rule 'b'?  The
 * same for 'example'. */
bool pc_rule_overlap(const struct pc_rule *a, const struct pc_rule *b,
                     struct flow *example);

/* Formats a packet as a person would write it for `ofproto/trace`.  The caller
 * frees the string. */
char *pc_packet_format(const struct flow *);

#endif /* pc-match.h */
