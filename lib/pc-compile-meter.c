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
#include "pc-compile.h"

#include "openvswitch/ofp-meter.h"
#include "pc-compile-private.h"
#include "pc-flow-table.h"
#include "pc-layout.h"
#include "util.h"

/* Meters: the network capacity of a VI. */

/* Adds the meters of 'vi', one for each direction.
 *
 * A meter drops a whole TSO segment of up to 64 kB at once, often all that TCP
 * has under way, which then says nothing for its least timeout, 200 ms (RFC 6298
 * as Linux has it): the burst is a quarter of a second, so that what was not used
 * meanwhile can be used afterwards, but at least two segments. */
void
pc_compile_meters(struct pc_flow_table *t, const struct pc_vi *vi)
{
    uint64_t kbps = DIV_ROUND_UP(vi->network_bps, 1000);
    struct ofputil_meter_band band = {
        .type = OFPMBT13_DROP,
        .rate = MIN(kbps, UINT32_MAX),
        .burst_size = MIN(MAX(kbps / 4, 1050), UINT32_MAX),
    };

    for (int dir = PC_FORWARD; dir <= PC_REVERSE; dir++) {
        struct ofputil_meter_config config = {
            .meter_id = pc_meter_id(vi->number, dir),
            .flags = OFPMF13_KBPS | OFPMF13_BURST | OFPMF13_STATS,
            .n_bands = 1,
            .bands = &band,
        };
        pc_flow_table_add_meter(t, &vi->uuid, &config);
    }
}
