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

#ifndef PC_MOD_H
#define PC_MOD_H 1

/* A change to the switch, and the order of changes.
 *
 * A list of struct pc_mod is always in the order in which it must be sent:
 *
 *     PC_MOD_METER   add, modify     | not in the bundle (OVS 3.1 refuses
 *                                    | meters there): sent first
 *     PC_MOD_GROUP   add, modify     |
 *     PC_MOD_FLOW    add, modify     | one bundle
 *     PC_MOD_FLOW    delete          |
 *     PC_MOD_GROUP   delete          |
 *     PC_MOD_FLOW    of a zone       | sent when the bundle is committed, and
 *     PC_MOD_METER   delete          | after flushes of those zones
 *
 * The flow of a connection tracking zone (pc-zone.h) comes in the last place
 * when it goes, or gets another owner.
 *
 * A group comes after the groups that its buckets use, and is deleted before
 * them.
 *
 * Flow mods: OFPFC_ADD, OFPFC_MODIFY_STRICT (only the actions changed: the
 * counters stay), OFPFC_DELETE_STRICT.  Group mods: OFPGC11_ADD,
 * OFPGC11_MODIFY, OFPGC11_DELETE (the same numbers in OpenFlow 1.5).  Meter
 * mods: OFPMC13_*.  Give them to ofputil_encode_flow_mod(),
 * ofputil_encode_group_mod(version, gm, NULL, -1) and
 * ofputil_encode_meter_mod(). */

#include "openvswitch/list.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/uuid.h"

enum pc_mod_type {
    PC_MOD_FLOW,
    PC_MOD_GROUP,
    PC_MOD_METER
};

/* When 'zone' of a mod is to be flushed. */
enum pc_flush {
    PC_FLUSH_NONE,
    PC_FLUSH_FIRST,             /* Before all mods. */
    PC_FLUSH_LAST               /* Before this one, which comes last. */
};

struct pc_mod {
    struct ovs_list node;
    enum pc_mod_type type;
    struct uuid owner;          /* Zero if unknown: a stray from the switch. */
    ovs_be32 xid;               /* Of the message that it was last sent in. */
    enum ofperr refused;        /* The switch's answer to that, or 0. */
    uint16_t zone;              /* This is the flow of this zone; 0: of none. */
    enum pc_flush flush;
    ovs_be32 flush_xid;         /* Of the message that flushed 'zone' last. */
    struct pc_value *value;     /* A reference: has the actions of 'fm'. */
    union {
        struct ofputil_flow_mod fm;
        struct ofputil_group_mod gm;
        struct ofputil_meter_mod mm;
    };
};

/* A flow as somebody desires it; all pointers borrowed. */
struct pc_flow_spec {
    uint8_t table_id;           /* Absolute. */
    uint16_t priority;
    ovs_be64 cookie;            /* pc_cookie_pack(). */
    const struct match *match;
    const struct ofpbuf *ofpacts;
};

/* A flow as somebody reads it; all pointers borrowed. */
struct pc_flow_view {
    struct uuid owner;
    uint8_t table_id;
    uint16_t priority;
    ovs_be64 cookie;
    const struct minimatch *match;
    const struct ofpact *ofpacts;
    size_t ofpacts_len;
};

bool pc_mod_is_delete(const struct pc_mod *);
void pc_mod_destroy(struct pc_mod *);           /* Does not unlink it. */
void pc_mods_destroy(struct ovs_list *mods);    /* Leaves an empty list. */
char *pc_mod_format(const struct pc_mod *);     /* One line; caller frees. */

#endif /* pc-mod.h */
