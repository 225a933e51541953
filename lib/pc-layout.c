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

#include <config.h>
#include "pc-layout.h"

#include <string.h>

#include "byte-order.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/util.h"
#include "util.h"

static const char *const table_names[PC_N_TABLES] = {
    [PC_TABLE_STEER] = "STEER",
    [PC_TABLE_DELIVER] = "DELIVER",
    [PC_TABLE_RETURN] = "RETURN",
    [PC_TABLE_NEXT] = "NEXT",
    [PC_TABLE_LEGACY] = "LEGACY",
    [PC_TABLE_ROUTE] = "ROUTE",
    [PC_TABLE_NEIGHBOR] = "NEIGHBOR",
    [PC_TABLE_DIRECTION] = "DIRECTION",
    [PC_TABLE_CONNECT] = "CONNECT",
    [PC_TABLE_AFFINITY] = "AFFINITY",
    [PC_TABLE_CHECK] = "CHECK",
};

static const char *const kind_names[PC_N_FLOW_KINDS] = {
    [PC_FLOW_OTHER] = "other",
    [PC_FLOW_HOOK_RULE] = "rule-hook",
    [PC_FLOW_HOOK_PORT] = "port-hook",
    [PC_FLOW_HOOK_L3] = "router-hook",
    [PC_FLOW_STEER] = "steer",
    [PC_FLOW_DELIVER] = "deliver",
    [PC_FLOW_RETURN] = "return",
    [PC_FLOW_NEXT] = "next",
    [PC_FLOW_LEGACY] = "legacy",
    [PC_FLOW_ROUTE] = "route",
    [PC_FLOW_NEIGHBOR] = "neighbor",
    [PC_FLOW_DIRECTION] = "direction",
    [PC_FLOW_GUARD] = "guard",
    [PC_FLOW_CONNECT] = "connect",
    [PC_FLOW_AFFINITY] = "affinity",
    [PC_FLOW_CHECK] = "check",
    [PC_FLOW_SPOOF] = "anti-spoof",
    [PC_FLOW_QUARANTINE] = "quarantine",
    [PC_FLOW_COPY] = "copy",
    [PC_FLOW_AFTER] = "after",
};

static const char *const group_names[] = {
    [PC_GROUP_FF_FORWARD] = "failover-forward",
    [PC_GROUP_FF_REVERSE] = "failover-reverse",
    [PC_GROUP_SELECT_FORWARD] = "select-forward",
    [PC_GROUP_SELECT_REVERSE] = "select-reverse",
    [PC_GROUP_NEW_FORWARD] = "new-forward",
    [PC_GROUP_NEW_REVERSE] = "new-reverse",
    [PC_GROUP_SELECT_FRAG_FORWARD] = "select-fragment-forward",
    [PC_GROUP_SELECT_FRAG_REVERSE] = "select-fragment-reverse",
    [PC_GROUP_NEW_FRAG_FORWARD] = "new-fragment-forward",
    [PC_GROUP_NEW_FRAG_REVERSE] = "new-fragment-reverse",
};

/* Packs 'm' into OpenFlow metadata, in host byte order. */
uint64_t
pc_meta_pack(const struct pc_meta *m)
{
    return ((m->served ? PC_META_SERVED : 0)
            | (m->answered ? PC_META_ANSWERED : 0)
            | (m->direction == PC_REVERSE ? PC_META_DIRECTION : 0)
            | (((uint64_t) m->hop << PC_META_HOP_SHIFT) & PC_META_HOP)
            | ((uint64_t) m->path << PC_META_PATH_SHIFT)
            | ((uint64_t) m->vi << PC_META_VI_SHIFT));
}

/* The inverse of pc_meta_pack(). */
struct pc_meta
pc_meta_unpack(uint64_t metadata)
{
    return (struct pc_meta) {
        .served = (metadata & PC_META_SERVED) != 0,
        .answered = (metadata & PC_META_ANSWERED) != 0,
        .direction = metadata & PC_META_DIRECTION ? PC_REVERSE : PC_FORWARD,
        .hop = (metadata & PC_META_HOP) >> PC_META_HOP_SHIFT,
        .path = (metadata & PC_META_PATH) >> PC_META_PATH_SHIFT,
        .vi = (metadata & PC_META_VI) >> PC_META_VI_SHIFT,
    };
}

/* Returns metadata as a person reads it, e.g. "path=3,hop=0,forward,vi=7".
 * The caller frees it. */
char *
pc_meta_format(uint64_t metadata)
{
    struct pc_meta m = pc_meta_unpack(metadata);
    struct ds s = DS_EMPTY_INITIALIZER;

    if (m.served) {
        ds_put_cstr(&s, "served,");
    }
    if (m.path) {
        ds_put_format(&s, "%s=%d,hop=%d,%s,",
                      m.path & PC_PATH_CHAIN ? "chain" : "service",
                      m.path & ~PC_PATH_CHAIN, m.hop,
                      pc_direction_name(m.direction));
    }
    if (m.vi) {
        ds_put_format(&s, "vi=%d,", m.vi);
    }
    if (metadata & PC_META_CHECKED) {
        ds_put_cstr(&s, "checked,");
    }
    if (metadata & PC_META_COPIED) {
        ds_put_cstr(&s, "copied,");
    }
    if (m.answered) {
        ds_put_cstr(&s, "answered,");
    }
    ds_chomp(&s, ',');
    return ds_steal_cstr(&s);
}

/* Returns the 40 bits of 'uuid' that a cookie has room for. */
uint64_t
pc_cookie_owner_bits(const struct uuid *uuid)
{
    return (uint64_t) uuid->parts[0] << 8 | uuid->parts[1] >> 24;
}

/* Returns the cookie of a flow of 'kind' that belongs to row 'owner'. */
ovs_be64
pc_cookie_pack(enum pc_flow_kind kind, const struct uuid *owner)
{
    return htonll(PC_COOKIE_OURS | (uint64_t) kind << 40
                  | pc_cookie_owner_bits(owner));
}

/* Is 'cookie' that of a flow of ours? */
bool
pc_cookie_is_ours(ovs_be64 cookie)
{
    return (ntohll(cookie) & PC_COOKIE_MASK) == PC_COOKIE_OURS;
}

/* Returns what the flow with 'cookie' is for. */
enum pc_flow_kind
pc_cookie_kind(ovs_be64 cookie)
{
    uint8_t kind = ntohll(cookie) >> 40;

    return kind < PC_N_FLOW_KINDS ? kind : PC_FLOW_OTHER;
}

/* Returns the first 40 bits of the owner's UUID; 0 = none. */
uint64_t
pc_cookie_owner(ovs_be64 cookie)
{
    return ntohll(cookie) & ((UINT64_C(1) << 40) - 1);
}

uint32_t
pc_group_id(uint16_t service, enum pc_group_kind kind)
{
    return PC_GROUP_BASE | (uint32_t) service << 4 | kind;
}

bool
pc_group_is_ours(uint32_t group_id)
{
    return (group_id & PC_GROUP_MASK) == PC_GROUP_BASE;
}

/* Returns the number of the service that a group of ours belongs to. */
uint16_t
pc_group_service(uint32_t group_id)
{
    return (pc_group_vi(group_id) || pc_group_path(group_id) ? 0
            : (group_id & ~PC_GROUP_MASK) >> 4);
}

uint32_t
pc_group_of_hop(uint16_t path, uint8_t hop, enum pc_direction direction)
{
    return (PC_GROUP_HOP | (uint32_t) (path & ~PC_PATH_CHAIN) << 4
            | hop / PC_SKIP_STRIDE << 1 | direction);
}

uint16_t
pc_group_path(uint32_t group_id)
{
    return ((group_id & ~UINT32_C(0x7ffff)) == PC_GROUP_HOP
            ? PC_PATH_CHAIN | (group_id & 0x7ffff) >> 4 : 0);
}

uint32_t
pc_group_of_vi(uint16_t vi)
{
    return PC_GROUP_VI | vi;
}

uint16_t
pc_group_vi(uint32_t group_id)
{
    return (group_id & ~UINT32_C(0xffff)) == PC_GROUP_VI ? group_id : 0;
}

enum pc_group_kind
pc_group_kind(uint32_t group_id)
{
    return group_id & 0xf;
}

bool
pc_group_is_failover(uint32_t group_id)
{
    enum pc_group_kind kind = pc_group_kind(group_id);

    return (pc_group_service(group_id)
            && (kind == PC_GROUP_FF_FORWARD || kind == PC_GROUP_FF_REVERSE
                || kind == PC_GROUP_NEW_FORWARD
                || kind == PC_GROUP_NEW_REVERSE
                || kind == PC_GROUP_NEW_FRAG_FORWARD
                || kind == PC_GROUP_NEW_FRAG_REVERSE));
}

uint32_t
pc_meter_id(uint16_t vi, enum pc_direction direction)
{
    return PC_METER_BASE + vi * 2 + direction;
}

bool
pc_meter_is_ours(uint32_t meter_id)
{
    return meter_id >= PC_METER_BASE && meter_id <= PC_METER_LAST;
}

/* Returns the number of the VI that a meter of ours belongs to. */
uint16_t
pc_meter_vi(uint32_t meter_id)
{
    return (meter_id - PC_METER_BASE) / 2;
}

/* Returns the name of absolute table 'table_id', or null if it is neither one
 * of ours nor table 0. */
const char *
pc_table_name(uint8_t base, uint8_t table_id)
{
    if (table_id == PC_TABLE_HOOK) {
        return "HOOK";
    }
    return (table_id >= base && table_id < base + PC_N_TABLES
            ? table_names[table_id - base] : NULL);
}

/* The inverse; case does not matter.  Returns false if 'name' is none. */
bool
pc_table_from_name(const char *name, uint8_t base, uint8_t *table_id)
{
    if (!strcasecmp(name, "HOOK")) {
        *table_id = PC_TABLE_HOOK;
        return true;
    }
    for (size_t i = 0; i < PC_N_TABLES; i++) {
        if (!strcasecmp(name, table_names[i])) {
            *table_id = base + i;
            return true;
        }
    }
    return false;
}

const char *
pc_flow_kind_name(enum pc_flow_kind kind)
{
    return kind < PC_N_FLOW_KINDS ? kind_names[kind] : "other";
}

const char *
pc_group_kind_name(enum pc_group_kind kind)
{
    return kind < ARRAY_SIZE(group_names) ? group_names[kind] : "other";
}

const char *
pc_direction_name(enum pc_direction direction)
{
    return direction == PC_REVERSE ? "reverse" : "forward";
}
