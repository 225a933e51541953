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
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_ports_txn);

/* Writing the switch's database: what differs from what is wanted, and is not
 * waiting for the switch, becomes one transaction at a time. */

/* Reserved by 802.1Q: no port of anybody else is in it. */
#define ISOLATED_VLAN 4095

/* Interface type of ovs-patches. */
#define PMD_TYPE "system-pmd"

/* After a transaction that the database refused. */
#define RETRY_MS 1000

/* True if 'port' has a row that must go: nobody wants it, or it belongs to an
 * earlier container, or to another bridge. */
bool
pc_ports_row_is_stale(const struct pc_ports *p, const struct pc_port *port)
{
    if (!port->row) {
        return false;
    }
    const char *instance = smap_get_def(&port->row->external_ids,
                                        PC_PORTS_ID_INSTANCE, "");
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
    smap_add(&ids, PC_PORTS_ID_VI, vi);
    smap_add(&ids, PC_PORTS_ID_NODE, p->node);
    smap_add(&ids, PC_PORTS_ID_INSTANCE, port->instance);

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
void
pc_ports_start_txn(struct pc_ports *p)
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
        bool del = pc_ports_row_is_stale(p, port) && !port->gone_cfg;

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
void
pc_ports_run_txn(struct pc_ports *p)
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
