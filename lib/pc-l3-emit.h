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

#ifndef PC_L3_EMIT_H
#define PC_L3_EMIT_H 1

/* What the modules that make the front-end router's flows have in common:
 * priorities, matches, actions.  Internal to pc-l3-*.c.
 *
 * The pc_l3_put_*() functions append an action to 'acts'.  Values are in host
 * byte order unless their type says otherwise.
 *
 * Thread-safety: none; the caller serializes use of the flow table. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/meta-flow.h"
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"
#include "pc-l3-compile.h"
#include "pc-layout.h"

struct match;
struct ofpbuf;

/* Priorities of the hooks. */
#define PRIO_HOOK_MAC (PC_PRIO_HOOK_L3 + 10)
#define PRIO_HOOK_ASK (PC_PRIO_HOOK_L3 + 20)

/* Priorities in LEGACY, in the order of the questions that it asks. */
enum {
    PRIO_ADVERT = 950,          /* Second step of a neighbor discovery answer:
                                 * it has our address as source by now. */
    PRIO_MARTIAN = 900,         /* Impossible addresses: drop. */
    PRIO_ANSWER_DIRECT = 810,   /* Answer to where it came from. */
    PRIO_ANSWER = 800,          /* Answer ARP, ND, echo. */
    PRIO_OWN_QUIET = 710,       /* Own address, never answered. */
    PRIO_OWN = 700,             /* Own address, else. */
    PRIO_LINK = 600,            /* Of one link only: never forwarded. */
    PRIO_TTL = 500,
    PRIO_FORWARD = 100
};

/* Priorities in ROUTE: by prefix length; at the same length a connected
 * subnet comes before a static route. */
#define PRIO_NO_ROUTE 10
#define PRIO_ROUTE(PLEN, CONNECTED) (100 + (PLEN) * 4 + ((CONNECTED) ? 2 : 0))

/* Priorities in NEIGHBOR. */
enum {
    PRIO_TOO_BIG = 300,
    PRIO_KNOWN = 200,
    PRIO_UNKNOWN = 100
};

/* Flows being added for one owner. */
struct pc_l3_emitter {
    const struct pc_l3_flows *f;
    struct uuid owner;          /* In the flow table. */
    struct uuid row;            /* In the cookie; zero if none. */
};

void pc_l3_emit(const struct pc_l3_emitter *, enum pc_table,
                uint16_t priority, const struct match *,
                struct ofpbuf *acts);
void pc_l3_emit_hook(const struct pc_l3_emitter *, uint16_t priority,
                     const struct match *, struct ofpbuf *acts);
void pc_l3_emit_answers(const struct pc_l3_emitter *,
                        const struct pc_l3_interface *,
                        const struct pc_l3_address *, struct ofpbuf *acts);

/* Add to a match: Ethernet type; ICMP or, by Ethernet type, ICMPv6 type;
 * an address in a prefix, of the source or with 'dst' of the destination. */
void pc_l3_match_ether_type(struct match *, uint16_t dl_type);
void pc_l3_match_icmp(struct match *, uint16_t dl_type, uint8_t type);
void pc_l3_match_prefix(struct match *, const struct pc_l3_address *,
                        bool dst);

void pc_l3_punt(const struct pc_l3_emitter *, struct ofpbuf *acts,
                enum pc_l3_reason);
void pc_l3_put_goto(const struct pc_l3_emitter *, struct ofpbuf *acts,
                    enum pc_table);
void pc_l3_put_resubmit(const struct pc_l3_emitter *, struct ofpbuf *acts,
                        enum pc_table);
/* Append actions: output to a port; one off the TTL; a field copied. */
void pc_l3_put_output(struct ofpbuf *acts, ofp_port_t);
void pc_l3_put_dec_ttl(struct ofpbuf *acts);
void pc_l3_put_move(struct ofpbuf *acts, enum mf_field_id src,
                    enum mf_field_id dst);
void pc_l3_put_number(struct ofpbuf *acts, enum mf_field_id, uint32_t);
void pc_l3_put_ip(struct ofpbuf *acts, enum mf_field_id,
                  const struct in6_addr *);
void pc_l3_put_mac(struct ofpbuf *acts, enum mf_field_id,
                   const struct eth_addr);

#endif /* pc-l3-emit.h */
