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
#include "pc-node-private.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dirs.h"
#include "lib/pc-idl.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "pc-clock.h"
#include "pc-container.h"
#include "pc-fetch.h"
#include "pc-lock.h"
#include "pc-ports.h"
#include "pc-report.h"
#include "pc-worker.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_node);

/* Starting a container takes 50 ms of a thread, fetching an image minutes. */
#define N_WORKERS 6
#define N_PROBERS 32

/* How long a probe through a new VI waits for the flows around it. */
#define WIRED_MS 2000

void
pc_node_register(struct ovsdb_idl *idl)
{
    const struct ovsdb_idl_table_class *tables[] = {
        &pcrec_table_packetcloud, &pcrec_table_node, &pcrec_table_vi,
        &pcrec_table_service, &pcrec_table_image, &pcrec_table_cloudlet,
        &pcrec_table_router, &pcrec_table_interface, &pcrec_table_inspection,
    };

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        ovsdb_idl_add_table(idl, tables[i]);
        for (size_t j = 0; j < tables[i]->n_columns; j++) {
            ovsdb_idl_add_column(idl, &tables[i]->columns[j]);
        }
    }
    pc_report_register(idl);
}

/* Parses "k=v,k=v" into 'options', which it initializes. */
static void
parse_port_options(const char *s, struct smap *options)
{
    char *copy = xstrdup(s ? s : "");
    char *save = NULL;

    smap_init(options);
    for (char *pair = strtok_r(copy, ",", &save); pair;
         pair = strtok_r(NULL, ",", &save)) {
        char *value = strchr(pair, '=');
        if (value) {
            *value++ = '\0';
            smap_replace(options, pair, value);
        }
    }
    free(copy);
}

struct pc_node *
pc_node_create(struct ovsdb_idl *idl, const struct pc_node_config *cfg)
{
    struct pc_node *n = xzalloc(sizeof *n);

    n->idl = idl;
    n->lock = pc_lock_create(cfg->remote);
    n->config_name = nullable_xstrdup(cfg->name);
    n->ovs_remote = (cfg->ovs_remote ? xstrdup(cfg->ovs_remote)
                     : xasprintf("unix:%s/db.sock", ovs_rundir()));
    n->state_dir = xstrdup(cfg->state_dir);
    n->log_dir = nullable_xstrdup(cfg->log_dir);
    n->record_dir = xasprintf("%s/records", cfg->state_dir);
    n->fault = nullable_xstrdup(cfg->fault);
    n->events = cfg->events;
    n->listener = cfg->listener;
    n->listener_aux = cfg->listener_aux;
    parse_port_options(cfg->vi_port_options, &n->port_defaults);
    n->config_error = pc_vi_config_init(&n->vi_cfg, cfg->state_dir);
    if (!n->config_error && mkdir(n->record_dir, 0700) && errno != EEXIST) {
        n->config_error = errno;
    }
    if (n->config_error) {
        VLOG_ERR("%s: %s", n->state_dir, ovs_strerror(n->config_error));
    }
    pc_container_process_init();
    pc_fetch_init();
    n->worker = pc_worker_create(N_WORKERS);
    n->prober = pc_worker_create(N_PROBERS);
    shash_init(&n->vis);
    pc_node_used_load(n);
    hmap_init(&n->captures);
    pc_node_ctl_register(n);
    return n;
}

void
pc_node_destroy(struct pc_node *n)
{
    if (!n) {
        return;
    }

    struct shash_node *sn;

    /* The jobs' done() still need the VIs. */
    n->closing = true;
    atomic_store_relaxed(&n->vi_cfg.cancel, true);
    pc_worker_destroy(n->prober);
    pc_worker_destroy(n->worker);
    SHASH_FOR_EACH (sn, &n->vis) {
        pc_node_vi_destroy(sn->data);
    }
    shash_destroy(&n->vis);
    pc_node_used_unload(n);
    pc_node_captures_destroy(n);
    pc_ports_destroy(n->ports);
    pc_lock_destroy(n->lock);
    pc_vi_config_destroy(&n->vi_cfg);
    smap_destroy(&n->port_defaults);
    free(n->name);
    free(n->config_name);
    free(n->ovs_remote);
    free(n->state_dir);
    free(n->log_dir);
    free(n->record_dir);
    free(n->fault);
    free(n->export_url);
    free(n);
}

/* Following the database. */

static const struct pcrec_node *
find_node_row(const struct pc_node *n, const char *name)
{
    const struct pcrec_node *row;

    PCREC_NODE_FOR_EACH (row, n->idl) {
        if (!strcmp(row->name, name)) {
            return row;
        }
    }
    return NULL;
}

/* Finds out our name, once; the ports need it.  Without a configured one it is
 * that of the row with this host's name, or of the only row; until there is one
 * there's nothing to do. */
static void
learn_name(struct pc_node *n)
{
    const struct pcrec_node *row = pcrec_node_first(n->idl);
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    if (n->config_name) {
        n->name = xstrdup(n->config_name);
    } else if (find_node_row(n, host)) {
        n->name = xstrdup(host);
    } else if (row && !pcrec_node_next(row)) {
        n->name = xstrdup(row->name);
    } else {
        return;
    }
    VLOG_INFO("this is node %s", n->name);
    n->ports = pc_ports_create(n->ovs_remote, n->name);
    pc_ports_set_defaults(n->ports, &n->port_defaults);
}

/* Nothing that the node does depends on the lock: it is for others to see that
 * its agent runs. */
static void
set_lock(struct pc_node *n, const struct pcrec_node *row)
{
    char *name = row ? pc_lock_name("node", &row->header_.uuid) : NULL;

    pc_lock_set(n->lock, name);
    free(name);
}

/* Reads the rows of this node's VIs. */
static void
read_rows(struct pc_node *n)
{
    const struct pcrec_packetcloud *global = pcrec_packetcloud_first(n->idl);
    const struct pcrec_node *node = find_node_row(n, n->name);
    struct shash seen = SHASH_INITIALIZER(&seen);
    const struct pcrec_vi *row;
    struct shash_node *sn;

    n->next_cfg = global ? global->next_cfg : 0;
    n->slot_at = 0;
    set_lock(n, node);
    if (node) {
        pc_ports_set_bridge(n->ports, node->bridge);
        pc_capacity_from_arrays(&n->capacity, node->key_capacity,
                                node->value_capacity, node->n_capacity);
        n->stats_interval = smap_get_ullong(&node->options,
                                            "statistics-interval", 10000);
        n->stats_at = MIN(n->stats_at, time_msec() + n->stats_interval);
        n->image_keep = smap_get_ullong(&node->options, "image-keep",
                                        86400) * 1000;
        n->collect_at = MIN(n->collect_at, time_msec() + n->image_keep);
        free(n->export_url);
        n->export_url = nullable_xstrdup(smap_get(&node->options,
                                                  "export-url"));
        pc_node_link_read(n, node);
        pc_node_report_read(n, node);
    }
    PCREC_VI_FOR_EACH (row, n->idl) {
        if (!node || !pc_node_move_concerns(row, node)) {
            continue;
        }
        if (row->ready) {
            pc_fault(n->fault, "after-ready");
        }
        struct pc_node_vi *vi = shash_find_data(&n->vis, row->name);
        struct pc_node_want *want = pc_node_want_from_row(n, node, row);
        if (!vi && want) {
            vi = pc_node_vi_create(n, row->name);
            vi->restarts = row->restarts;
            shash_add(&n->vis, row->name, vi);
        }
        if (want) {
            pc_node_vi_set_want(vi, want);
            pc_node_used_read(vi, row);
            if (want->next_slot) {
                n->slot_at = (n->slot_at ? MIN(n->slot_at, want->next_slot)
                              : want->next_slot);
            }
        }
        if (!want && vi && vi->want && row->released) {
            vi->want->released = true;  /* Its service is gone, ... */
            vi->want->up &= strcmp(row->admin_state, "down") != 0;
        }
        shash_add_once(&seen, row->name, NULL);
    }
    pc_node_captures_read(n, node);
    SHASH_FOR_EACH (sn, &n->vis) {
        struct pc_node_vi *vi = sn->data;
        if (vi->want && !shash_find(&seen, sn->name)) {
            pc_node_want_destroy(vi->want);
            vi->want = NULL;
        }
    }
    shash_destroy(&seen);
}

/* Takes what the scan has found: what is wanted is adopted, the rest becomes
 * VIs that no row wants, which removes them. */
void
pc_node_scan_done(struct pc_node *n, struct pc_node_found *found, size_t count)
{
    if (n->closing) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct pc_node_vi *vi = shash_find_data(&n->vis, found[i].name);

        if (!vi) {
            vi = pc_node_vi_create(n, found[i].name);
            shash_add(&n->vis, found[i].name, vi);
        }
        pc_node_vi_adopt(vi, &found[i]);
    }
    n->scanned = true;
    pc_ports_enable(n->ports);
}

/* Main loop. */

/* Does the switch know the flows of 'vi'?  If nobody here can say, or it takes
 * long (other changes are under way), that is assumed. */
bool
pc_node_is_wired(const struct pc_node_vi *vi)
{
    const struct pc_node *n = vi->node;

    return (!n->listener || vi->step != PC_STEP_PROBE
            || time_msec() >= vi->step_since + WIRED_MS
            || n->listener->vi_is_wired(n->listener_aux,
                                        &vi->record->uuid));
}

/* Tells the controller role of this process what it needs to know at once. */
static void
tell_ready(struct pc_node_vi *vi)
{
    const struct pc_node *n = vi->node;

    if (n->listener && vi->record && vi->step != PC_STEP_ADOPT
        && vi->told_ready != vi->ready) {
        vi->told_ready = vi->ready;
        n->listener->vi_ready(n->listener_aux, &vi->record->uuid, vi->ready);
    }
}

static void
run_vis(struct pc_node *n)
{
    struct shash_node *sn;

    SHASH_FOR_EACH_SAFE (sn, &n->vis) {
        struct pc_node_vi *vi = sn->data;

        pc_node_vi_run(vi);
        tell_ready(vi);
        if (pc_node_vi_is_gone(vi)) {
            shash_delete(&n->vis, sn);
            pc_node_vi_destroy(vi);
        }
    }
}

void
pc_node_run(struct pc_node *n, struct ovsdb_idl_txn *txn)
{
    pc_lock_run(n->lock);
    if (!ovsdb_idl_has_ever_connected(n->idl)) {
        return;
    }
    if (!n->name) {
        learn_name(n);
        if (!n->name) {
            return;
        }
    }

    unsigned int seqno = ovsdb_idl_get_seqno(n->idl);
    if (seqno != n->idl_seqno
        || (n->slot_at && pc_clock_now() >= n->slot_at)) {
        n->idl_seqno = seqno;
        read_rows(n);
    }
    pc_ports_run(n->ports);
    pc_worker_run(n->prober);
    pc_worker_run(n->worker);
    if (!pc_worker_pending(n->worker)) {
        n->vi_cfg.offload = pc_ports_has_tso(n->ports); /* Jobs read it. */
    }
    if (!n->config_error) {
        if (!n->scanning) {
            pc_node_scan_start(n);
        } else if (n->scanned) {
            run_vis(n);
            pc_node_captures_run(n);
            pc_ports_run(n->ports);     /* What they want now, at once. */
        }
    }
    pc_node_stats_run(n);
    pc_node_used_run(n);
    pc_node_images_run(n);
    pc_node_status_write(n, txn);
}

void
pc_node_wait(struct pc_node *n)
{
    struct shash_node *sn;

    pc_lock_wait(n->lock);
    if (!n->name) {
        return;
    }
    if (n->slot_at) {
        pc_clock_wait_until(n->slot_at);
    }
    pc_ports_wait(n->ports);
    pc_worker_wait(n->worker);
    pc_worker_wait(n->prober);
    pc_node_stats_wait(n);
    pc_node_report_wait(n);
    pc_node_images_wait(n);
    if (n->scanned) {
        SHASH_FOR_EACH (sn, &n->vis) {
            pc_node_vi_wait(sn->data);
        }
        pc_node_captures_wait(n);
    }
}

bool
pc_node_is_settled(const struct pc_node *n)
{
    struct shash_node *sn;

    if (!n->scanned || !pc_ports_is_idle(n->ports)
        || !pc_node_captures_are_settled(n)) {
        return false;
    }
    SHASH_FOR_EACH (sn, &n->vis) {
        if (!pc_node_vi_is_settled(sn->data)) {
            return false;
        }
    }
    return true;
}
