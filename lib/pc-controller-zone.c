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
#include "pc-controller.h"

#include <netinet/in.h>
#include <string.h>

#include "bitmap.h"
#include "ovsdb-idl.h"
#include "packets.h"
#include "pc-controller-private.h"
#include "pc-mod.h"
#include "pc-zone.h"
#include "socket-util.h"
#include "util.h"

/* Which zones of connection tracking are flushed, of those that the mods for a
 * router begin or cease to use.  pc-zone.h says why. */

/* 'number' has just been given to a service: no connection in its zone is of
 * any use, on whatever router. */
void
pc_ctl_zone_is_new(struct pc_controller *c, uint16_t number)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        bitmap_set1(r->new_zones, number);
    }
}

/* Stores in '*addr' the address of the machine that 'target' names.  Returns
 * false if it is this machine, or unknown. */
static bool
remote_address(const char *target, struct in6_addr *addr)
{
    const char *colon = strchr(target, ':');
    struct sockaddr_storage ss;

    if (!colon || !strncmp(target, "unix:", 5)
        || !inet_parse_active(colon + 1, 6653, &ss, false, NULL)) {
        return false;
    }
    *addr = ss_get_address(&ss);
    ovs_be32 ip4 = in6_addr_get_mapped_ipv4(addr);
    return !IN6_IS_ADDR_LOOPBACK(addr) && ntohl(ip4) >> 24 != 127;
}

/* Can the switches behind these two targets be bridges of one datapath?  Only
 * if they are on one machine; when in doubt they are. */
static bool
may_share(const char *a, const char *b)
{
    struct in6_addr addr_a, addr_b;

    return (!remote_address(a, &addr_a) || !remote_address(b, &addr_b)
            || ipv6_addr_equals(&addr_a, &addr_b));
}

/* 'r' leaves.  Its services may go on elsewhere: if that can be on the same
 * datapath, their zones are not to be flushed. */
void
pc_ctl_zones_leave(const struct pc_controller *c, struct pc_ctl_router *r)
{
    const struct pcrec_cloudlet *cloudlet;
    const struct pcrec_service *service;
    bool shared = false;

    PCREC_CLOUDLET_FOR_EACH (cloudlet, c->idl) {
        for (size_t i = 0; i < cloudlet->n_routers; i++) {
            char *target = pc_ctl_router_target(cloudlet->routers[i]);

            shared |= may_share(target, r->target);
            free(target);
        }
    }
    if (!shared) {
        return;
    }
    r->kept_zones = bitmap_allocate(PC_CTL_SERVICES);
    PCREC_SERVICE_FOR_EACH (service, c->idl) {
        if (service->number > 0 && service->number < PC_CTL_SERVICES
            && !strcmp(service->affinity, "connection")) {
            bitmap_set1(r->kept_zones, service->number);
        }
    }
}

static enum pc_flush
flush_of(struct pc_ctl_router *r, const struct pc_mod *mod)
{
    uint16_t number = pc_zone_service(mod->zone);

    if (!pc_switch_has_extensions(r->sw)) {
        return PC_FLUSH_NONE;
    } else if (pc_mod_is_delete(mod)) {
        return (r->kept_zones && bitmap_is_set(r->kept_zones, number)
                ? PC_FLUSH_NONE : PC_FLUSH_LAST);
    }
    bool new = bitmap_is_set(r->new_zones, number);
    bitmap_set0(r->new_zones, number);
    return new && mod->flush == PC_FLUSH_NONE ? PC_FLUSH_FIRST : mod->flush;
}

/* Decides which zones are flushed with 'mods', which are about to be submitted
 * to 'r'. */
void
pc_ctl_zones_prepare(struct pc_ctl_router *r, struct ovs_list *mods)
{
    struct pc_mod *mod;

    LIST_FOR_EACH (mod, node, mods) {
        if (mod->zone) {
            mod->flush = flush_of(r, mod);
        }
    }
}
