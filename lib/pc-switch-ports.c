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

#include "openvswitch/ofp-msgs.h"
#include "flow.h"
#include "hash.h"
#include "pc-switch-private.h"
#include "packets.h"
#include "util.h"

/* The ports of a switch: from the port descriptions that the handshake asks
 * for, kept up to date by port-status messages. */

static void
pc_switch_port_remove(struct pc_switch *sw, struct pc_switch_port *port)
{
    sset_add(&sw->changed_ports, port->name);
    hmap_remove(&sw->ports_by_name, &port->name_node);
    hmap_remove(&sw->ports_by_number, &port->number_node);
    free(port);
}

/* Forgets all ports. */
void
pc_switch_clear_ports(struct pc_switch *sw)
{
    struct pc_switch_port *port;

    HMAP_FOR_EACH_SAFE (port, name_node, &sw->ports_by_name) {
        pc_switch_port_remove(sw, port);
    }
}

/* The map from names to numbers that OVS's parsers want; kept beside ours. */
static void
pc_switch_rebuild_port_map(struct pc_switch *sw)
{
    struct pc_switch_port *port;

    ofputil_port_map_destroy(&sw->port_map);
    ofputil_port_map_init(&sw->port_map);
    HMAP_FOR_EACH (port, name_node, &sw->ports_by_name) {
        ofputil_port_map_put(&sw->port_map, port->ofport, port->name);
    }
}

static void
pc_switch_port_update(struct pc_switch *sw, const struct ofputil_phy_port *pp)
{
    bool up = !(pp->state & OFPUTIL_PS_LINK_DOWN)
              && !(pp->config & OFPUTIL_PC_PORT_DOWN);
    struct pc_switch_port *port = CONST_CAST(
        struct pc_switch_port *, pc_switch_port_by_name(sw, pp->name));

    sset_find_and_delete(&sw->stale_ports, pp->name);
    if (port && port->ofport == pp->port_no) {
        if (port->link_up != up || !eth_addr_equals(port->mac, pp->hw_addr)) {
            port->link_up = up;
            port->mac = pp->hw_addr;
            sset_add(&sw->changed_ports, port->name);
        }
        return;
    }
    if (port) {
        pc_switch_port_remove(sw, port);
    }
    port = CONST_CAST(struct pc_switch_port *,
                      pc_switch_port_by_number(sw, pp->port_no));
    if (port) {
        pc_switch_port_remove(sw, port);
    }
    port = xzalloc(sizeof *port);
    ovs_strlcpy(port->name, pp->name, sizeof port->name);
    port->ofport = pp->port_no;
    port->mac = pp->hw_addr;
    port->link_up = up;
    hmap_insert(&sw->ports_by_name, &port->name_node,
                hash_string(port->name, 0));
    hmap_insert(&sw->ports_by_number, &port->number_node,
                hash_ofp_port(port->ofport));
    sset_add(&sw->changed_ports, port->name);
}

/* Handles a port-status message. */
void
pc_switch_port_status(struct pc_switch *sw, const struct ofp_header *oh)
{
    struct ofputil_port_status ps;

    if (ofputil_decode_port_status(oh, &ps)) {
        return;
    }
    if (ps.reason == OFPPR_DELETE) {
        const struct pc_switch_port *port
            = pc_switch_port_by_number(sw, ps.desc.port_no);
        if (port) {
            pc_switch_port_remove(sw, CONST_CAST(struct pc_switch_port *,
                                                 port));
        }
    } else {
        pc_switch_port_update(sw, &ps.desc);
    }
    pc_switch_rebuild_port_map(sw);
}

/* Handles one part of the reply to the handshake's request for all ports.
 * Returns true if it was the last. */
bool
pc_switch_ports_reply(struct pc_switch *sw, struct ofpbuf *msg)
{
    const struct ofp_header *oh = msg->data;
    bool more = ofpmp_more(oh);
    struct ofputil_phy_port pp;

    if (oh->xid != sw->ports_xid) {
        return false;
    }
    ofpraw_pull_assert(msg);
    while (!ofputil_pull_phy_port(oh->version, msg, &pp)) {
        pc_switch_port_update(sw, &pp);
    }
    if (more) {
        return false;
    }

    /* Ports that went away while we were not connected. */
    const char *name;
    SSET_FOR_EACH (name, &sw->stale_ports) {
        const struct pc_switch_port *port = pc_switch_port_by_name(sw, name);
        if (port) {
            pc_switch_port_remove(sw, CONST_CAST(struct pc_switch_port *,
                                                 port));
        }
    }
    sset_clear(&sw->stale_ports);
    pc_switch_rebuild_port_map(sw);
    return true;
}

/* Returns the port called 'name', NULL if there is none.  The pointer is good
 * until the next pc_switch_run(). */
const struct pc_switch_port *
pc_switch_port_by_name(const struct pc_switch *sw, const char *name)
{
    const struct pc_switch_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, name_node, hash_string(name, 0),
                             &sw->ports_by_name) {
        if (!strcmp(port->name, name)) {
            return port;
        }
    }
    return NULL;
}

/* Returns the port numbered 'ofport', NULL if there is none.  The pointer is
 * good until the next pc_switch_run(). */
const struct pc_switch_port *
pc_switch_port_by_number(const struct pc_switch *sw, ofp_port_t ofport)
{
    const struct pc_switch_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, number_node, hash_ofp_port(ofport),
                             &sw->ports_by_number) {
        if (port->ofport == ofport) {
            return port;
        }
    }
    return NULL;
}

/* Moves into 'names', which need not be empty, the names of the ports that
 * appeared, went away, or changed number, MAC or link state since the last
 * call. */
void
pc_switch_take_changed_ports(struct pc_switch *sw, struct sset *names)
{
    const char *name;

    SSET_FOR_EACH (name, &sw->changed_ports) {
        sset_add(names, name);
    }
    sset_clear(&sw->changed_ports);
}

/* Returns the ports in the form that OVS's parsers and formatters want. */
const struct ofputil_port_map *
pc_switch_port_map(const struct pc_switch *sw)
{
    return &sw->port_map;
}
