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
#include "pc-model.h"

#include <string.h>

#include "openvswitch/util.h"
#include "packets.h"

static const char *const mode_names[] = {
    [PC_MODE_ROUTE] = "route",
    [PC_MODE_INLINE] = "inline",
    [PC_MODE_TAP] = "tap",
    [PC_MODE_HOST] = "host",
};

/* Returns the name of 'mode' as the database has it. */
const char *
pc_mode_to_string(enum pc_mode mode)
{
    return mode < ARRAY_SIZE(mode_names) ? mode_names[mode] : "?";
}

/* The inverse.  Returns false, and leaves '*mode' alone, if 's' names none. */
bool
pc_mode_from_string(const char *s, enum pc_mode *mode)
{
    for (size_t i = 0; i < ARRAY_SIZE(mode_names); i++) {
        if (!strcmp(s, mode_names[i])) {
            *mode = i;
            return true;
        }
    }
    return false;
}

/* Returns the MAC of 'vi' on 'port'.  A row has only that of the first port;
 * the second port's differs in the lowest bit. */
struct eth_addr
pc_vi_mac(const struct pc_vi *vi, enum pc_vi_port port)
{
    struct eth_addr mac = vi->mac;

    if (port == PC_PORT_OUT) {
        mac.ea[5] ^= 1;
    }
    return mac;
}

/* Does the switch have a port for 'vi', so that flows can be made? */
bool
pc_vi_is_attached(const struct pc_vi *vi)
{
    return vi->port[PC_PORT_IN] != OFPP_NONE;
}

/* Makes '*path' the one of which 'svc' is the only hop. */
void
pc_path_alone(struct pc_path *path, const struct pc_service *svc)
{
    *path = (struct pc_path) {
        .uuid = svc->uuid,
        .number = svc->number,
        .hops = { svc },
        .n_hops = 1,
    };
}

/* Have the VIs of 'svc' a port for each direction? */
bool
pc_service_has_two_ports(const struct pc_service *svc)
{
    return (svc->mode == PC_MODE_INLINE
            || (svc->mode == PC_MODE_ROUTE && svc->two_arms));
}

/* Is 'svc' a path by itself, apart from its chains? */
bool
pc_service_is_alone(const struct pc_service *svc)
{
    return svc->has_rules || !svc->n_positions;
}

/* Does the port on which a packet returns from a VI of 'svc' leave open where
 * on which path it is?  Then the rules must tell. */
bool
pc_service_asks(const struct pc_service *svc)
{
    if (svc->mode != PC_MODE_INLINE && svc->mode != PC_MODE_ROUTE) {
        return false;
    } else if (svc->n_positions + pc_service_is_alone(svc) > 1) {
        return true;
    }

    /* At the only hop of a path the end is next in either direction. */
    return (svc->n_positions && svc->positions[0].path->n_hops > 1
            && !pc_service_has_two_ports(svc));
}
