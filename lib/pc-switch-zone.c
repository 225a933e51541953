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
#include "pc-switch.h"

#include "openflow/nicira-ext.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/vlog.h"
#include "pc-mod.h"
#include "pc-switch-private.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_switch_zone);

/* Flushing connections of the switch's connection tracking, by an extension of
 * Open vSwitch that cannot be a part of a bundle.  pc-zone.h says when. */

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(30, 60);

static ovs_be32
pc_switch_flush_zone(struct pc_switch *sw, uint16_t zone)
{
    struct ofpbuf *msg = ofpraw_alloc(OFPRAW_NXT_CT_FLUSH_ZONE, sw->version,
                                      0);
    struct nx_zone_id *nzi = ofpbuf_put_zeros(msg, sizeof *nzi);

    nzi->zone_id = htons(zone);
    VLOG_INFO_RL(&rl, "%s: flushing connection tracking zone %"PRIu16,
                 sw->target, zone);
    sw->counters.n_flushes++;
    return pc_switch_send(sw, msg);
}

/* Flushes the zones of those of 'mods' that want it at the time 'flush'.  What
 * is sent next, the switch does after that. */
void
pc_switch_flush_zones(struct pc_switch *sw, struct ovs_list *mods,
                      enum pc_flush flush)
{
    struct pc_mod *mod;
    bool any = false;

    LIST_FOR_EACH (mod, node, mods) {
        if (mod->flush == flush) {
            mod->flush_xid = pc_switch_flush_zone(sw, mod->zone);
            any = true;
        }
    }
    if (any) {
        pc_switch_send(sw, ofputil_encode_barrier_request(sw->version));
    }
}

/* Takes note of 'error' in answer to message 'xid', if that flushed the zone of
 * one of 'mods'.  That is not a reason to do without the mod: entries that
 * nobody uses expire. */
bool
pc_switch_flush_error(struct pc_switch *sw, const struct ovs_list *mods,
                      ovs_be32 xid, enum ofperr error)
{
    const struct pc_mod *mod;

    LIST_FOR_EACH (mod, node, mods) {
        if (mod->flush != PC_FLUSH_NONE && mod->flush_xid == xid) {
            VLOG_WARN_RL(&rl, "%s: connection tracking zone %"PRIu16
                         " cannot be flushed: %s", sw->target, mod->zone,
                         ofperr_to_string(error));
            return true;
        }
    }
    return false;
}
