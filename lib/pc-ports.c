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
#include "pc-ports-private.h"

#include <string.h>

#include "lib/vswitch-idl.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_ports);

/* What is wanted, what the switch's database has of it, and what there is to say
 * of each port. */

static void
register_columns(struct ovsdb_idl *idl)
{
    const struct ovsdb_idl_column *columns[] = {
        &ovsrec_open_vswitch_col_bridges, &ovsrec_open_vswitch_col_cur_cfg,
        &ovsrec_open_vswitch_col_iface_types,
        &ovsrec_open_vswitch_col_other_config,
        &ovsrec_bridge_col_name, &ovsrec_bridge_col_ports,
        &ovsrec_bridge_col_datapath_type,
        &ovsrec_port_col_name, &ovsrec_port_col_interfaces,
        &ovsrec_port_col_external_ids,
        &ovsrec_interface_col_name, &ovsrec_interface_col_ofport,
        &ovsrec_interface_col_link_state, &ovsrec_interface_col_link_speed,
        &ovsrec_interface_col_error, &ovsrec_interface_col_mtu,
    };
    const struct ovsdb_idl_column *written[] = {
        &ovsrec_open_vswitch_col_next_cfg, &ovsrec_port_col_tag,
        &ovsrec_port_col_protected_,
        &ovsrec_interface_col_type, &ovsrec_interface_col_options,
        &ovsrec_interface_col_other_config,
        &ovsrec_interface_col_external_ids,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(idl, columns[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
        ovsdb_idl_add_column(idl, written[i]);
        ovsdb_idl_omit_alert(idl, written[i]);
    }
}

struct pc_ports *
pc_ports_create(const char *remote, const char *node)
{
    struct pc_ports *p = xzalloc(sizeof *p);

    p->idl = ovsdb_idl_create(remote, &ovsrec_idl_class, false, true);
    register_columns(p->idl);
    p->node = xstrdup(node);
    smap_init(&p->defaults);
    shash_init(&p->ports);
    p->hold_cfg = -1;
    p->error = xasprintf("%s: not connected to the switch's database", remote);
    return p;
}

static void
port_free(struct pc_port *port)
{
    free(port->instance);
    free(port);
}

void
pc_ports_destroy(struct pc_ports *p)
{
    if (p) {
        struct shash_node *node;

        ovsdb_idl_txn_destroy(p->txn);
        ovsdb_idl_destroy(p->idl);
        SHASH_FOR_EACH_SAFE (node, &p->ports) {
            port_free(node->data);
        }
        shash_destroy(&p->ports);
        smap_destroy(&p->defaults);
        free(p->bridge_name);
        free(p->node);
        free(p->error);
        free(p);
    }
}

void
pc_ports_set_bridge(struct pc_ports *p, const char *bridge)
{
    if (!p->bridge_name || strcmp(p->bridge_name, bridge)) {
        free(p->bridge_name);
        p->bridge_name = xstrdup(bridge);
        p->dirty = true;
    }
}

void
pc_ports_set_defaults(struct pc_ports *p, const struct smap *settings)
{
    smap_destroy(&p->defaults);
    if (settings) {
        smap_clone(&p->defaults, settings);
    } else {
        smap_init(&p->defaults);
    }
}

void
pc_ports_enable(struct pc_ports *p)
{
    p->enabled = p->dirty = true;
}

static struct pc_port *
port_get(struct pc_ports *p, const char *name)
{
    struct pc_port *port = shash_find_data(&p->ports, name);

    if (!port) {
        port = xzalloc(sizeof *port);
        shash_add(&p->ports, name, port);
    }
    return port;
}

void
pc_ports_want(struct pc_ports *p, const char *name, const struct uuid *vi,
              const char *instance, bool isolated)
{
    struct pc_port *port = port_get(p, name);

    if (!port->wanted || !uuid_equals(&port->vi, vi)
        || strcmp(port->instance, instance) || port->isolated != isolated) {
        free(port->instance);
        port->wanted = true;
        port->vi = *vi;
        port->instance = xstrdup(instance);
        port->isolated = isolated;
        p->dirty = true;
    }
}

void
pc_ports_want_internal(struct pc_ports *p, const char *name,
                       const struct uuid *owner)
{
    pc_ports_want(p, name, owner, "internal", true);
    port_get(p, name)->internal = true;
}

void
pc_ports_unwant(struct pc_ports *p, const char *name)
{
    struct pc_port *port = shash_find_data(&p->ports, name);

    if (port && port->wanted) {
        port->wanted = false;
        p->dirty = true;
    }
}

/* Reading the database. */

static void
set_error(struct pc_ports *p, char *error)
{
    if (error && (!p->error || strcmp(p->error, error))) {
        VLOG_WARN("%s", error);
    }
    free(p->error);
    p->error = error;
}

static void
scan_mtu(struct pc_ports *p, const struct ovsrec_port *row)
{
    for (size_t i = 0; i < row->n_interfaces; i++) {
        const struct ovsrec_interface *iface = row->interfaces[i];

        if (iface->n_mtu && *iface->mtu > p->path_mtu) {
            p->path_mtu = *iface->mtu;
        }
    }
}

static void
scan_bridge(struct pc_ports *p, const struct ovsrec_bridge *br)
{
    if (p->bridge_name && !strcmp(br->name, p->bridge_name)) {
        p->bridge = br;
    }
    for (size_t i = 0; i < br->n_ports; i++) {
        const struct ovsrec_port *row = br->ports[i];
        const char *owner = smap_get(&row->external_ids, PC_PORTS_ID_NODE);

        if (owner && !strcmp(owner, p->node)) {
            struct pc_port *port = port_get(p, row->name);
            port->row = row;
            port->bridge = br;
        } else {
            struct pc_port *port = shash_find_data(&p->ports, row->name);
            if (port) {
                port->foreign = true;
            }
            if (p->bridge == br) {
                scan_mtu(p, row);
            }
        }
    }
}

/* Brings 'p->ports' up to date with the database's snapshot. */
static void
scan(struct pc_ports *p)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(p->idl);
    const struct ovsrec_bridge *br;
    struct shash_node *node;

    SHASH_FOR_EACH (node, &p->ports) {
        struct pc_port *port = node->data;
        port->row = NULL;
        port->bridge = NULL;
        port->foreign = false;
    }
    p->bridge = NULL;
    p->path_mtu = 0;
    if (!ovs) {
        return;
    }
    if (p->hold_cfg < 0) {
        p->hold_cfg = ovs->next_cfg;
    }
    OVSREC_BRIDGE_FOR_EACH (br, p->idl) {
        scan_bridge(p, br);
    }
    SHASH_FOR_EACH_SAFE (node, &p->ports) {
        struct pc_port *port = node->data;

        if (port->gone_cfg && ovs->cur_cfg >= port->gone_cfg) {
            port->gone_cfg = 0;
        }
        if (!port->wanted && !port->row && !port->gone_cfg
            && !port->deleted) {
            shash_delete(&p->ports, node);
            port_free(port);
        }
    }
    set_error(p, p->bridge || !p->bridge_name ? NULL
              : xasprintf("bridge %s does not exist on this node's switch",
                          p->bridge_name));
}

void
pc_ports_run(struct pc_ports *p)
{
    ovsdb_idl_run(p->idl);
    pc_ports_run_txn(p);

    unsigned int idl_seqno = ovsdb_idl_get_seqno(p->idl);
    if (!ovsdb_idl_has_ever_connected(p->idl)
        || (!p->dirty && idl_seqno == p->idl_seqno
            && (!p->retry_at || time_msec() < p->retry_at))) {
        return;
    }
    p->idl_seqno = idl_seqno;
    p->dirty = false;
    p->seqno++;
    if (p->retry_at && time_msec() >= p->retry_at) {
        p->retry_at = 0;
    }
    scan(p);
    pc_ports_start_txn(p);
    pc_ports_run_txn(p);
}

void
pc_ports_wait(struct pc_ports *p)
{
    ovsdb_idl_wait(p->idl);
    if (p->txn) {
        ovsdb_idl_txn_wait(p->txn);
    } else if (p->dirty && ovsdb_idl_has_ever_connected(p->idl)) {
        poll_immediate_wake();
    }
    if (p->retry_at) {
        poll_timer_wait_until(p->retry_at);
    }
}

/* Answers. */

uint32_t
pc_ports_path_mtu(const struct pc_ports *p)
{
    return p->path_mtu;
}

enum pc_port_state
pc_ports_get(const struct pc_ports *p, const char *name, const char **errorp)
{
    const struct pc_port *port = shash_find_data(&p->ports, name);
    const char *error = NULL;
    enum pc_port_state state = PC_PORT_PENDING;

    if (!port) {
        state = pc_ports_is_connected(p) ? PC_PORT_ABSENT : PC_PORT_PENDING;
    } else if (port->row && !pc_ports_row_is_stale(p, port)) {
        const struct ovsrec_interface *iface
            = port->row->n_interfaces ? port->row->interfaces[0] : NULL;

        if (iface && iface->n_ofport && *iface->ofport > 0) {
            state = PC_PORT_READY;
        } else if (iface && iface->error) {
            state = PC_PORT_FAILED;
            error = iface->error;
        }
    } else if (port->wanted && p->error) {
        state = PC_PORT_FAILED;
        error = p->error;
    } else if (port->wanted && port->foreign) {
        state = PC_PORT_FAILED;
        error = "the switch has a port of this name that is not ours";
    }
    if (errorp) {
        *errorp = error;
    }
    return state;
}

bool
pc_ports_link_is_up(const struct pc_ports *p, const char *name)
{
    const struct pc_port *port = shash_find_data(&p->ports, name);

    return (port && port->row && port->row->n_interfaces
            && port->row->interfaces[0]->link_state
            && !strcmp(port->row->interfaces[0]->link_state, "up"));
}

const char *
pc_ports_error(const struct pc_ports *p)
{
    return p->error;
}

bool
pc_ports_is_idle(const struct pc_ports *p)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &p->ports) {
        const struct pc_port *port = node->data;
        if (!port->wanted) {
            return false;
        }
    }
    return true;
}

bool
pc_ports_is_connected(const struct pc_ports *p)
{
    return ovsdb_idl_has_ever_connected(p->idl) && p->hold_cfg >= 0;
}

bool
pc_ports_has_tso(const struct pc_ports *p)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(p->idl);

    return ovs && smap_get_bool(&ovs->other_config, "userspace-tso-enable",
                                false);
}

int64_t
pc_ports_link_speed(const struct pc_ports *p, const char *name)
{
    int64_t speed = 0;

    for (size_t i = 0; p->bridge && i < p->bridge->n_ports; i++) {
        const struct ovsrec_port *row = p->bridge->ports[i];

        if (name ? strcmp(name, row->name)
            : smap_get(&row->external_ids, PC_PORTS_ID_NODE) != NULL) {
            continue;
        }
        for (size_t j = 0; j < row->n_interfaces; j++) {
            const struct ovsrec_interface *iface = row->interfaces[j];
            if (iface->n_link_speed && *iface->link_speed > speed) {
                speed = *iface->link_speed;
            }
        }
    }
    return speed;
}

uint64_t
pc_ports_seqno(const struct pc_ports *p)
{
    return p->seqno;
}
