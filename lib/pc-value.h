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

#ifndef PC_VALUE_H
#define PC_VALUE_H 1

/* What a flow, group or meter does, without the key that it is found by.
 *
 * Internal to the flow table.  A value does not change once made, and is
 * shared by reference counts: the usual flow, of which the switch has what is
 * desired, has one value for both.
 *
 * Thread-safety: none (the reference counts are plain). */

#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-protocol.h"
#include "pc-mod.h"

struct pc_value {
    unsigned int n_refs;
    enum pc_mod_type type;
    union {
        struct {                        /* PC_MOD_FLOW. */
            ovs_be64 cookie;
            size_t ofpacts_len;
            struct ofpact *ofpacts;     /* In the same allocation. */
        } flow;
        struct ofputil_group_mod group; /* PC_MOD_GROUP. */
        struct ofputil_meter_config meter; /* PC_MOD_METER. */
    };
};

/* Each returns a new value with one reference, a copy of what it is given. */
struct pc_value *pc_value_from_flow(ovs_be64 cookie, const struct ofpact *,
                                    size_t ofpacts_len);
struct pc_value *pc_value_from_group(const struct ofputil_group_mod *);
struct pc_value *pc_value_from_group_desc(const struct ofputil_group_desc *);
struct pc_value *pc_value_from_meter(const struct ofputil_meter_config *);

/* One reference more (and returns the same value), or one less: the last one
 * frees it; NULL is fine. */
struct pc_value *pc_value_ref(const struct pc_value *);
void pc_value_unref(struct pc_value *);

/* Same type, same effect?  ('a' and 'b' may be null.) */
bool pc_value_equal(const struct pc_value *a, const struct pc_value *b);

/* Would a switch that was given 'desired' by 'protocol' return 'installed'? */
bool pc_value_is_installed(const struct pc_value *desired,
                           const struct pc_value *installed,
                           enum ofputil_protocol protocol);

/* Does the group use other groups? */
bool pc_value_uses_groups(const struct pc_value *);

#endif /* pc-value.h */
