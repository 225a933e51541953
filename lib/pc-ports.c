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
#include "pc-ports.h"
#include <errno.h>
#include "coverage.h"
#include "lib/vswitch-idl.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_ports);

#define ID_VI "packetcloud-vi"
#define ID_NODE "packetcloud-node"
#define ID_INSTANCE "packetcloud-instance"

/* Reserved by 802.1Q: no port of anybody else is in it. */
#define ISOLATED_VLAN 4095

/* Interface type of ovs-patches. */
#define PMD_TYPE "system-pmd"

/* After a transaction that the database refused. */
#define RETRY_MS 1000

/* What is known of one port name, wanted or of ours.  Kept while it is wanted,
 * has a row of ours, or the switch has not acknowledged the row's end. */
struct pc_port {
    bool wanted;
    struct uuid vi;
    char *instance;
    bool isolated;
    bool internal;              /* Of type internal, not a veth. */

    /* Taken from the database by the last scan. */
    const struct ovsrec_port *row;      /* Ours; NULL: none. */
    const struct ovsrec_bridge *bridge; /* That 'row' is in. */
    bool foreign;                       /* Someone else has the name. */
    bool deleted;               /* The transaction under way deletes it. */
    int64_t gone_cfg;           /* Open_vSwitch.cur_cfg that acknowledges the
                                 * deletion; 0: none to wait for. */
};

struct pc_ports {
    struct ovsdb_idl *idl;
    unsigned int idl_seqno;     /* Of the last scan. */
    char *node;
    char *bridge_name;
    struct smap defaults;
    bool enabled;
    bool dirty;                 /* Wants changed since the last scan. */
    uint64_t seqno;

    struct shash ports;         /* Name -> struct pc_port. */
    const struct ovsrec_bridge *bridge;
    int64_t hold_cfg;           /* next_cfg of the first snapshot: deletions
                                 * before our time; -1: not read yet. */
    struct ovsdb_idl_txn *txn;  /* Under way, or NULL. */
    long long int retry_at;     /* Not before (monotonic ms). */
    uint32_t path_mtu;          /* Of the last scan. */
    char *error;
};

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
        const char *owner = smap_get(&row->external_ids, ID_NODE);

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

/* Writing the database. */

/* True if 'port' has a row that must go: nobody wants it, or it belongs to an
 * earlier container, or to another bridge. */
static bool
row_is_stale(const struct pc_ports *p, const struct pc_port *port)
{
    if (!port->row) {
        return false;
    }
    const char *instance = smap_get_def(&port->row->external_ids,
                                        ID_INSTANCE, "");
    return (!port->wanted || strcmp(instance, port->instance)
            || (p->bridge && port->bridge != p->bridge));
}

/* Type of Interface that polls without the main thread, where that is cheap. */
static const char *
best_type(const struct pc_ports *p)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(p->idl);

    if (!strcmp(p->bridge->datapath_type, "netdev")
        && smap_get_bool(&ovs->other_config, "pmd-idle-block", false)) {
        for (size_t i = 0; i < ovs->n_iface_types; i++) {
            if (!strcmp(ovs->iface_types[i], PMD_TYPE)) {
                return PMD_TYPE;
            }
        }
    }
    return "";
}

/* Sets what all ports of VIs have. */
static void
set_defaults(const struct pc_ports *p, struct ovsrec_interface *iface)
{
    const struct smap_node *node;

    ovsrec_interface_set_type(iface, best_type(p));
    SMAP_FOR_EACH (node, &p->defaults) {
        if (!strcmp(node->key, "type")) {
            ovsrec_interface_set_type(iface, node->value);
        } else if (!strncmp(node->key, "options:", 8)) {
            ovsrec_interface_update_options_setkey(iface, node->key + 8,
                                                   node->value);
        } else if (!strncmp(node->key, "other_config:", 13)) {
            ovsrec_interface_update_other_config_setkey(
                iface, node->key + 13, node->value);
        }
    }
}

static void
add_port(struct pc_ports *p, const char *name, const struct pc_port *port)
{
    struct ovsrec_interface *iface = ovsrec_interface_insert(p->txn);
    struct ovsrec_port *row = ovsrec_port_insert(p->txn);
    char *vi = xasprintf(UUID_FMT, UUID_ARGS(&port->vi));
    struct smap ids;

    smap_init(&ids);
    smap_add(&ids, ID_VI, vi);
    smap_add(&ids, ID_NODE, p->node);
    smap_add(&ids, ID_INSTANCE, port->instance);

    ovsrec_interface_set_name(iface, name);
    ovsrec_interface_set_external_ids(iface, &ids);
    if (port->internal) {
        ovsrec_interface_set_type(iface, "internal");
    } else {
        set_defaults(p, iface);
    }

    ovsrec_port_set_name(row, name);
    ovsrec_port_set_external_ids(row, &ids);
    ovsrec_port_set_interfaces(row, &iface, 1);
    if (port->isolated) {
        int64_t tag = ISOLATED_VLAN;
        ovsrec_port_set_tag(row, &tag, 1);
        ovsrec_port_set_protected_(row, true);
    }
    ovsrec_bridge_update_ports_addvalue(p->bridge, row);

    smap_destroy(&ids);
    free(vi);
}

/* Puts every change that is possible now into one transaction. */
static void
start_txn(struct pc_ports *p)
{
    const struct ovsrec_open_vswitch *ovs = ovsrec_open_vswitch_first(p->idl);
    struct shash_node *node;
    bool deletes = false;

    if (!ovs || p->txn || !p->enabled || time_msec() < p->retry_at) {
        return;
    }
    SHASH_FOR_EACH (node, &p->ports) {
        struct pc_port *port = node->data;
        bool add = (port->wanted && !port->row && !port->foreign
                    && !port->gone_cfg && p->bridge
                    && ovs->cur_cfg >= p->hold_cfg);
        bool del = row_is_stale(p, port) && !port->gone_cfg;

        if (!add && !del) {
            continue;
        }
        if (!p->txn) {
            p->txn = ovsdb_idl_txn_create(p->idl);
            ovsdb_idl_txn_add_comment(p->txn, "pcloud-agent");
        }
        if (del) {
            ovsrec_bridge_update_ports_delvalue(port->bridge, port->row);
            port->deleted = deletes = true;
        } else {
            add_port(p, node->name, port);
        }
    }
    if (deletes) {
        ovsdb_idl_txn_increment(p->txn, &ovs->header_,
                                &ovsrec_open_vswitch_col_next_cfg, false);
    }
}

/* Commits the transaction under way, if there is one, and takes its result. */
static void
run_txn(struct pc_ports *p)
{
    if (!p->txn) {
        return;
    }

    enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(p->txn);
    if (status == TXN_INCOMPLETE) {
        return;
    }

    bool ok = status == TXN_SUCCESS || status == TXN_UNCHANGED;
    int64_t cfg = (status == TXN_SUCCESS
                   ? ovsdb_idl_txn_get_increment_new_value(p->txn) : 0);
    struct shash_node *node;
    SHASH_FOR_EACH (node, &p->ports) {
        struct pc_port *port = node->data;
        if (port->deleted) {
            port->deleted = false;
            port->gone_cfg = ok ? cfg : 0;
        }
    }
    if (!ok && status != TXN_TRY_AGAIN) {
        VLOG_WARN("the switch's database refused a change of ports: %s",
                  status == TXN_ERROR ? ovsdb_idl_txn_get_error(p->txn)
                  : ovsdb_idl_txn_status_to_string(status));
        p->retry_at = time_msec() + RETRY_MS;
    }
    ovsdb_idl_txn_destroy(p->txn);
    p->txn = NULL;
    p->dirty = true;
}

void
pc_ports_run(struct pc_ports *p)
{
    ovsdb_idl_run(p->idl);
    run_txn(p);

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
    start_txn(p);
    run_txn(p);
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
    } else if (port->row && !row_is_stale(p, port)) {
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
            : smap_get(&row->external_ids, ID_NODE) != NULL) {
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
