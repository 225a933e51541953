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
#include "pc-zone.h"

#include "byte-order.h"
#include "openvswitch/match.h"
#include "pc-layout.h"
#include "util.h"

uint16_t
pc_zone_of_service(uint16_t number)
{
    return PC_CT_ZONE_BASE | number;
}

uint16_t
pc_zone_service(uint16_t zone)
{
    return zone & PC_CT_ZONE_BASE ? zone & ~PC_CT_ZONE_BASE : 0;
}

uint16_t
pc_zone_of_flow(ovs_be64 cookie, uint16_t priority,
                const struct minimatch *minimatch)
{
    if (!pc_cookie_is_ours(cookie)
        || pc_cookie_kind(cookie) != PC_FLOW_AFFINITY
        || priority != PC_PRIO_NORMAL) {
        return 0;
    }

    /* The flows of VIs in this table have the same priority, but match a VI. */
    struct match match;
    minimatch_expand(minimatch, &match);
    uint64_t metadata = ntohll(match.flow.metadata);
    uint64_t mask = ntohll(match.wc.masks.metadata);
    if (match.wc.masks.ct_zone != UINT16_MAX
        || (mask & PC_META_VI) != PC_META_VI || metadata & PC_META_VI
        || !pc_zone_service(match.flow.ct_zone)) {
        return 0;
    }
    return match.flow.ct_zone;
}
