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
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-mod.h"
#include "pc-switch-private.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_switch_zone);

/* Flushing connections of the switch's connection tracking, by an extension of
 * Open vSwitch that cannot be a part of a bundle.  pc-zone.h says when. */

/* A switch whose datapath is very busy may make connections in a zone even
 * after that: it is flushed once more so much later, in ms, if it is still not
 * in use.  Nobody waits for this. */
#define AGAIN_TIME 2000

/* A zone that is to be flushed once more. */
struct pc_switch_zone {
    struct ovs_list list_node;  /* In struct pc_switch's 'zones', by 'when'. */
    uint16_t zone;
    long long int when;         /* In ms. */
};

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(30, 60);

static ovs_be32
pc_switch_flush_zone(struct pc_switch *sw, uint16_t zone)
{
    struct ofpbuf *msg = ofpraw_alloc(OFPRAW_NXT_CT_FLUSH_ZONE, sw->version,
                                      0);
    struct nx_zone_id *nzi = ofpbuf_put_zeros(msg, sizeof *nzi);

    nzi->zone_id = htons(zone);
    return pc_switch_send(sw, msg);
}

static void
pc_switch_zone_destroy(struct pc_switch *sw, struct pc_switch_zone *z)
{
    sw->counters.n_pending_flushes--;
    ovs_list_remove(&z->list_node);
    free(z);
}

static void
pc_switch_flush_again(struct pc_switch *sw, uint16_t zone)
{
    struct pc_switch_zone *z = xmalloc(sizeof *z);

    z->zone = zone;
    z->when = time_msec() + AGAIN_TIME;
    sw->counters.n_pending_flushes++;
    ovs_list_push_back(&sw->zones, &z->list_node);
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
            VLOG_INFO_RL(&rl, "%s: flushing connection tracking zone %"PRIu16,
                         sw->target, mod->zone);
            sw->counters.n_flushes++;
            mod->flush_xid = pc_switch_flush_zone(sw, mod->zone);
            if (pc_mod_is_delete(mod)) {
                pc_switch_flush_again(sw, mod->zone);
            }
            any = true;
        }
    }
    if (any) {
        pc_switch_send(sw, ofputil_encode_barrier_request(sw->version));
    }
}

/* Zones that 'mods' begin to use are not flushed again. */
void
pc_switch_zones_used(struct pc_switch *sw, const struct ovs_list *mods)
{
    const struct pc_mod *mod;
    struct pc_switch_zone *z;

    if (ovs_list_is_empty(&sw->zones)) {
        return;
    }
    LIST_FOR_EACH (mod, node, mods) {
        if (mod->zone && !pc_mod_is_delete(mod)) {
            LIST_FOR_EACH_SAFE (z, list_node, &sw->zones) {
                if (z->zone == mod->zone) {
                    pc_switch_zone_destroy(sw, z);
                }
            }
        }
    }
}

/* Returns the zone that is to be flushed again first; NULL: there is none. */
static struct pc_switch_zone *
pc_switch_next_zone(const struct pc_switch *sw)
{
    return (ovs_list_is_empty(&sw->zones) ? NULL
            : CONTAINER_OF(ovs_list_front(&sw->zones), struct pc_switch_zone,
                           list_node));
}

void
pc_switch_zones_run(struct pc_switch *sw)
{
    struct pc_switch_zone *z;

    while ((z = pc_switch_next_zone(sw)) != NULL && time_msec() >= z->when) {
        pc_switch_flush_zone(sw, z->zone);
        pc_switch_zone_destroy(sw, z);
    }
}

void
pc_switch_zones_wait(const struct pc_switch *sw)
{
    const struct pc_switch_zone *z = pc_switch_next_zone(sw);

    if (z) {
        poll_timer_wait_until(z->when);
    }
}

/* The connection is gone. */
void
pc_switch_zones_reset(struct pc_switch *sw)
{
    struct pc_switch_zone *z;

    while ((z = pc_switch_next_zone(sw)) != NULL) {
        pc_switch_zone_destroy(sw, z);
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
