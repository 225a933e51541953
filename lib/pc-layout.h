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

#ifndef PC_LAYOUT_H
#define PC_LAYOUT_H 1

/* Where everything is in the switch: the only place that says so
 * (packetcloud(7) repeats it for people).
 *
 * Tables.  B is Router.table_base.
 *
 *     0          hooks among the operator's flows (priorities below)
 *     B+0 STEER      path, hop, direction -> the group of that hop's service
 *     B+1 DELIVER    VI, direction -> meter, addresses, output
 *     B+2 RETURN     VI's port -> path, hop, direction
 *     B+3 NEXT       path, hop, direction -> next hop, or served
 *     B+4 LEGACY     front-end router: packets to its own addresses
 *     B+5 ROUTE      front-end router: longest prefix
 *     B+6 NEIGHBOR   front-end router: next hop -> MAC, port
 *     B+7 DIRECTION  service, rule's match -> place of what returned
 *     B+8 CONNECT    affinity=connection: service -> connection tracking
 *     B+9 AFFINITY   affinity=connection: the connection's mark -> VI
 *     B+10 CHECK     VI's port -> may the VI send this? (anti-spoofing)
 *
 * OpenFlow metadata while a packet is ours:
 *
 *      63  62  61..56  55..40  39..24  23  22  21  20..0
 *      |   |   hop     path    VI      |   |   |   zero
 *      |   direction (0 forward, 1 reverse)
 *      served: the packet has been through its path
 *                                      |   |   answered: an answer that has
 *                                      |   |   been through what is `after` its
 *                                      |   |   path
 *                                      |   copied: copies of what goes to a
 *                                      |   `host` VI have been made
 *                                      checked: a `host` VI may send it
 *
 * Only `served`, `checked` and `copied` stay set when a packet goes back to
 * the legacy pipeline.
 * The hop counts services already passed *in the packet's direction*: it is
 * 0 at the entrance of either direction, so that the flows of a rule do not
 * depend on the length of its path.
 *
 * Registers, used by LEGACY, ROUTE and NEIGHBOR only (pc-l3-compile.h) and set
 * there before they are read: reg0 interface, reg1 next hop (IPv4), reg2
 * flags, xxreg1 (reg4 to reg7) next hop (IPv6).
 *
 * Cookie: bits 63..48 PC_COOKIE_MAGIC, 47..40 enum pc_flow_kind, 39..0 the
 * first 40 bits of the UUID of the row that owns the flow (0 = none).
 *
 * Thread-safety: pure functions and constants. */

#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"
#include "pc-model.h"

/* Tables, relative to Router.table_base. */
enum pc_table {
    PC_TABLE_STEER = 0,
    PC_TABLE_DELIVER = 1,
    PC_TABLE_RETURN = 2,
    PC_TABLE_NEXT = 3,
    PC_TABLE_LEGACY = 4,
    PC_TABLE_ROUTE = 5,
    PC_TABLE_NEIGHBOR = 6,
    PC_TABLE_DIRECTION = 7,
    PC_TABLE_CONNECT = 8,
    PC_TABLE_AFFINITY = 9,
    PC_TABLE_CHECK = 10,
    PC_N_TABLES = 11
};
#define PC_TABLE_BASE_DEFAULT 200
#define PC_TABLE_BASE_MAX 240
#define PC_TABLE_HOOK 0         /* Absolute: where the hooks are. */

/* Priorities of hooks in table 0. */
#define PC_PRIO_HOOK_PORT 60000 /* in_port = a VI's port. */
#define PC_PRIO_HOOK_RULE 40000 /* 40000..59999: see PC_RULE_PRIO(). */
#define PC_PRIO_HOOK_L3   30000 /* Front-end router, 30000..39998. */
#define PC_PRIO_HOOK_COPY 39999 /* dl_dst = a `host` VI that is inspected. */
#define PC_RULE_PRIO_MAX 9999
#define PC_RULE_PRIO_DEFAULT 1000

/* Two for each level of rules (pc-overlap.h; the level of most rules is their
 * priority): a forward match comes before a reverse one. */
#define PC_RULE_PRIO(LEVEL, DIRECTION) \
    (2 * (LEVEL) + ((DIRECTION) == PC_FORWARD))

/* Priorities in our own tables. */
#define PC_PRIO_GUARD 200       /* What is never diverted. */
#define PC_PRIO_NORMAL 100      /* In DIRECTION: + Rule.priority. */
#define PC_PRIO_UNKNOWN 50      /* DIRECTION: what no rule recognizes. */
#define PC_PRIO_CATCHALL 0

/* Metadata. */
#define PC_META_SERVED    (UINT64_C(1) << 63)
#define PC_META_DIRECTION (UINT64_C(1) << 62)
#define PC_META_HOP_SHIFT 56
#define PC_META_HOP       (UINT64_C(0x3f) << PC_META_HOP_SHIFT)
#define PC_META_PATH_SHIFT 40
#define PC_META_PATH      (UINT64_C(0xffff) << PC_META_PATH_SHIFT)
#define PC_META_VI_SHIFT 24
#define PC_META_VI        (UINT64_C(0xffff) << PC_META_VI_SHIFT)
#define PC_META_CHECKED   (UINT64_C(1) << 23)
#define PC_META_COPIED    (UINT64_C(1) << 22)
#define PC_META_ANSWERED  (UINT64_C(1) << 21)

/* A path number is a service's number or this | the number of a chain, or of a
 * rule that is `after` a path (Rule.status:path). */
#define PC_PATH_CHAIN 0x8000

struct pc_meta {
    bool served;
    bool answered;
    enum pc_direction direction;
    uint8_t hop;                /* 0..63 */
    uint16_t path;
    uint16_t vi;                /* 0 = not chosen yet. */
};
uint64_t pc_meta_pack(const struct pc_meta *);
struct pc_meta pc_meta_unpack(uint64_t);

/* What a flow is for: bits 47..40 of its cookie. */
enum pc_flow_kind {
    PC_FLOW_OTHER = 0,
    PC_FLOW_HOOK_RULE = 1,      /* Table 0: a rule. */
    PC_FLOW_HOOK_PORT = 2,      /* Table 0: a VI's port. */
    PC_FLOW_HOOK_L3 = 3,        /* Table 0: the front-end router. */
    PC_FLOW_STEER = 4,
    PC_FLOW_DELIVER = 5,
    PC_FLOW_RETURN = 6,
    PC_FLOW_NEXT = 7,
    PC_FLOW_LEGACY = 8,
    PC_FLOW_ROUTE = 9,
    PC_FLOW_NEIGHBOR = 10,
    PC_FLOW_DIRECTION = 11,
    PC_FLOW_GUARD = 12,         /* What is never diverted. */
    PC_FLOW_CONNECT = 13,       /* Connection tracking of a service. */
    PC_FLOW_AFFINITY = 14,      /* Which VI a connection has. */
    PC_FLOW_CHECK = 15,         /* What a VI may send. */
    PC_FLOW_SPOOF = 16,         /* What it may not: drops. */
    PC_FLOW_QUARANTINE = 17,    /* What a VI sends that is cut off: drops. */
    PC_FLOW_COPY = 18,          /* Copies of what goes to a `host` VI. */
    PC_FLOW_AFTER = 19,         /* A rule for what leaves a path. */
    PC_N_FLOW_KINDS
};

/* Destination of the frames that a "through" probe (pc-probe.h) sends through
 * an inline VI: the first three bytes; number of the VI and side follow.  What
 * comes out of a VI with such a destination is dropped. */
#define PC_PROBE_MAC ETH_ADDR_C(0e,9c,1d,00,00,00)
#define PC_PROBE_MAC_MASK ETH_ADDR_C(ff,ff,ff,00,00,00)

#define PC_COOKIE_MAGIC UINT64_C(0x9c1d)
#define PC_COOKIE_OURS (PC_COOKIE_MAGIC << 48)      /* Dump with this ... */
#define PC_COOKIE_MASK (UINT64_C(0xffff) << 48)     /* ... and this mask. */

ovs_be64 pc_cookie_pack(enum pc_flow_kind, const struct uuid *owner);
bool pc_cookie_is_ours(ovs_be64);
enum pc_flow_kind pc_cookie_kind(ovs_be64);
uint64_t pc_cookie_owner(ovs_be64);         /* 40 bits. */
uint64_t pc_cookie_owner_bits(const struct uuid *); /* To compare with. */

/* Connection tracking: a service with affinity=connection has a zone of its
 * own, PC_CT_ZONE_BASE | service number, in which the mark of a connection is
 * the number of its VI.  Labels are not used, other zones are not touched. */
#define PC_CT_ZONE_BASE 0x8000

/* Groups: PC_GROUP_BASE | service number << 4 | kind; PC_GROUP_VI | VI number;
 * and PC_GROUP_HOP | chain number << 4 | hop / PC_SKIP_STRIDE << 1 |
 * direction.  Number 0 is no service's. */
#define PC_GROUP_BASE UINT32_C(0x9c000000)
#define PC_GROUP_MASK UINT32_C(0xff000000)
enum pc_group_kind {
    PC_GROUP_FF_FORWARD = 0,    /* Fast failover around the select group. */
    PC_GROUP_FF_REVERSE = 1,
    PC_GROUP_SELECT_FORWARD = 2,/* Which VI. */
    PC_GROUP_SELECT_REVERSE = 3,

    /* affinity=connection: PC_GROUP_FF_* goes to CONNECT, and around the
     * select groups are: */
    PC_GROUP_NEW_FORWARD = 4,   /* A new connection: fast failover. */
    PC_GROUP_NEW_REVERSE = 5,
    PC_GROUP_SELECT_FRAG_FORWARD = 6, /* Which VI, for a connection that */
    PC_GROUP_SELECT_FRAG_REVERSE = 7, /* begins with a fragment. */
    PC_GROUP_NEW_FRAG_FORWARD = 8,
    PC_GROUP_NEW_FRAG_REVERSE = 9,
};
/* The VI that a connection has: fast failover around it. */
#define PC_GROUP_VI (PC_GROUP_BASE | UINT32_C(0x800000))
/* Long chains, at each PC_SKIP_STRIDE'th hop in a direction: skips several hops
 * that are down at once.  Chains of up to PC_SKIP_HOPS hops have none. */
#define PC_GROUP_HOP (PC_GROUP_BASE | UINT32_C(0x400000))
#define PC_SKIP_STRIDE 4
#define PC_SKIP_HOPS 8
/* An indirect group that is always alive and drops: what the last bucket of a
 * fast failover group watches, for each must watch something. */
#define PC_GROUP_ALWAYS (PC_GROUP_BASE | 0xf)

/* The group of 'kind' of the service with that number (1 to 32767), and the
 * other way round; the latter two only mean something if the group is ours. */
uint32_t pc_group_id(uint16_t service, enum pc_group_kind);
bool pc_group_is_ours(uint32_t group_id);
uint16_t pc_group_service(uint32_t group_id);
enum pc_group_kind pc_group_kind(uint32_t group_id);

/* Is it one around a select group of a service, or on the way there? */
bool pc_group_is_failover(uint32_t group_id);

/* The group of the connections of a VI, and the other way round: 0 if
 * 'group_id' is another group.  (pc_group_service() of it is 0 as well.) */
uint32_t pc_group_of_vi(uint16_t vi);
uint16_t pc_group_vi(uint32_t group_id);

/* The group at 'hop', a multiple of PC_SKIP_STRIDE, of a chain with that path
 * number; and the other way round: the path number, 0 if it is another group.
 * (pc_group_service() of it is 0 as well.) */
uint32_t pc_group_of_hop(uint16_t path, uint8_t hop, enum pc_direction);
uint16_t pc_group_path(uint32_t group_id);

/* Meters: PC_METER_BASE + VI number * 2 + direction.  The whole block lies
 * below the 2**18 meters of OVS's userspace datapath (MAX_METERS in
 * lib/dpif-netdev.c). */
#define PC_METER_BASE UINT32_C(0x20000)
#define PC_METER_LAST UINT32_C(0x3ffff)
uint32_t pc_meter_id(uint16_t vi, enum pc_direction);
bool pc_meter_is_ours(uint32_t meter_id);
uint16_t pc_meter_vi(uint32_t meter_id);

/* Names for people. */
const char *pc_table_name(uint8_t base, uint8_t table_id);
bool pc_table_from_name(const char *name, uint8_t base, uint8_t *table_id);
const char *pc_flow_kind_name(enum pc_flow_kind);
const char *pc_group_kind_name(enum pc_group_kind);
const char *pc_direction_name(enum pc_direction);
char *pc_meta_format(uint64_t metadata);

#endif /* pc-layout.h */
