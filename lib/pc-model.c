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

#include <ctype.h>
#include <string.h>

#include "openvswitch/util.h"
#include "packets.h"
#include "util.h"

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

/* Does the switch have a port for 'vi' that packets may go to and come from,
 * so that flows can be made? */
bool
pc_vi_is_attached(const struct pc_vi *vi)
{
    return vi->port[PC_PORT_IN] != OFPP_NONE && !vi->quarantined;
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

/* Does a service on 'path', which may be null, route? */
bool
pc_path_is_routed(const struct pc_path *path)
{
    for (size_t i = 0; path && i < path->n_hops; i++) {
        if (path->hops[i]->mode == PC_MODE_ROUTE) {
            return true;
        }
    }
    return false;
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

    /* At the only hop of a path the end is next in either direction, unless
     * answers have another path before them. */
    return (svc->n_positions && !pc_service_has_two_ports(svc)
            && (svc->positions[0].path->n_hops > 1
                || svc->positions[0].path->before));
}

/* Parses the length of a prefix of at most 'max' bits at '*sp' into the number
 * of bits after it, and moves '*sp' behind it. */
static bool
parse_prefix_length(const char **sp, int max, uint8_t *host_bits)
{
    int n = 0, plen;

    if (!ovs_scan(*sp, "%d%n", &plen, &n) || plen < 1 || plen > max
        || !isdigit((unsigned char) **sp)) {
        return false;
    }
    *host_bits = max - plen;
    *sp += n;
    return true;
}

/* Parses Service.affinity, e.g. "client/24,56"; "" is "client".  Returns NULL
 * or why not, which the caller frees; '*spec' is "client" then. */
char *
pc_affinity_parse(const char *s, struct pc_affinity_spec *spec)
{
    const char *p = s;

    *spec = (struct pc_affinity_spec) { .kind = PC_AFFINITY_CLIENT };
    if (!strcmp(s, "connection")) {
        spec->kind = PC_AFFINITY_CONNECTION;
        return NULL;
    } else if (!*s || !strcmp(s, "client")) {
        return NULL;
    } else if (strncmp(s, "client/", 7)) {
        return xasprintf("\"%s\" is not client, client/PREFIX-LENGTH or "
                         "connection", s);
    }
    p += 7;
    if (!parse_prefix_length(&p, 32, &spec->host_bits[0])
        || (*p == ',' && (p++, !parse_prefix_length(&p, 128,
                                                    &spec->host_bits[1])))
        || *p) {
        *spec = (struct pc_affinity_spec) { .kind = PC_AFFINITY_CLIENT };
        return xasprintf("\"%s\": a prefix length of IPv4 is 1 to 32, one of "
                         "IPv6 1 to 128, as in client/24 or client/24,56", s);
    }
    return NULL;
}

bool
pc_affinity_equals(const struct pc_affinity_spec *a,
                   const struct pc_affinity_spec *b)
{
    return (a->kind == b->kind && a->host_bits[0] == b->host_bits[0]
            && a->host_bits[1] == b->host_bits[1]);
}

/* Are the packets of 'svc' steered by connection?  Those of a tap are
 * copies, to which nothing answers. */
bool
pc_service_by_connection(const struct pc_service *svc)
{
    return (svc->affinity.kind == PC_AFFINITY_CONNECTION
            && (svc->mode == PC_MODE_ROUTE || svc->mode == PC_MODE_INLINE));
}
