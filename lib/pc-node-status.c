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
#include "lib/pc-idl.h"
#include "ovsdb-idl-provider.h"
#include "pc-ports.h"
#include "timeval.h"
#include "util.h"

/* What a VI's step means to others. */

/* Is there nothing left of it, and nobody who wants it? */
bool
pc_node_vi_is_gone(const struct pc_node_vi *vi)
{
    return (!vi->want && vi->step == PC_STEP_DOWN && !vi->on_disk
            && !vi->busy && !vi->probing);
}

/* Has it come to rest, whichever way? */
bool
pc_node_vi_is_settled(const struct pc_node_vi *vi)
{
    if (vi->want && (vi->want->leaving || vi->want->arriving)) {
        return false;
    }
    switch (vi->step) {
    case PC_STEP_RUN:
        return ((!vi->busy || !vi->image)   /* Its health may be looked up. */
                && (!vi->want || vi->want->up));
    case PC_STEP_BACKOFF:
        return true;
    case PC_STEP_DOWN:
        return vi->want && !pc_node_vi_wants_up(vi) && !vi->on_disk;
    case PC_STEP_ATTACH:
        return vi->error != NULL;
    case PC_STEP_IMAGE: case PC_STEP_START: case PC_STEP_ADOPT:
    case PC_STEP_PROBE: case PC_STEP_CUT: case PC_STEP_DETACH:
    case PC_STEP_STOP:
        return false;
    }
    OVS_NOT_REACHED();
}

/* VI.state. */
const char *
pc_node_vi_state(const struct pc_node_vi *vi)
{
    switch (vi->step) {
    case PC_STEP_DOWN:
        return (!vi->want || vi->want->error ? "failed"
                : vi->want->up ? "starting" : "stopped");
    case PC_STEP_IMAGE:
        return "image";
    case PC_STEP_START:
        return "starting";
    case PC_STEP_ATTACH:
        return vi->error ? "failed" : "starting";
    case PC_STEP_PROBE:
        return "probing";
    case PC_STEP_ADOPT: case PC_STEP_RUN:
        return "running";
    case PC_STEP_CUT: case PC_STEP_DETACH: case PC_STEP_STOP:
        return vi->died ? "backoff" : "starting";
    case PC_STEP_BACKOFF:
        return vi->image_failed ? "failed" : "backoff";
    }
    OVS_NOT_REACHED();
}

/* Writing. */

static void
write_ports(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    static const char *const keys[] = { "in", "out" };
    struct smap want = SMAP_INITIALIZER(&want);

    for (size_t i = 0; i < ARRAY_SIZE(keys) && vi->ports[i]; i++) {
        smap_add(&want, keys[i], vi->ports[i]);
    }
    if (!smap_equal(&want, &row->ports)) {
        pcrec_vi_set_ports(row, &want);
    }
    smap_destroy(&want);
}

/* Sets VI.status:key to 'value', NULL: removes it. */
void
pc_node_status_set(const struct pcrec_vi *row, const char *key,
                   const char *value)
{
    const char *now = smap_get(&row->status, key);

    if (value && (!now || strcmp(now, value))) {
        pcrec_vi_update_status_setkey(row, key, value);
    } else if (!value && now) {
        pcrec_vi_update_status_delkey(row, key);
    }
}

static void
write_vi(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    const char *state = pc_node_vi_state(vi);
    const char *error = (vi->error ? vi->error
                         : vi->resize_error ? vi->resize_error
                         : vi->unenforced ? vi->unenforced
                         : vi->link_error ? vi->link_error : "");
    int64_t pid = vi->pid;

    if (strcmp(row->state, state)) {
        pcrec_vi_set_state(row, state);
        pcrec_vi_set_since(row, time_wall());
    }
    if (row->ready != vi->ready) {
        pcrec_vi_set_ready(row, vi->ready);
    }
    write_ports(vi, row);
    if (pid ? !row->n_pid || *row->pid != pid : row->n_pid) {
        pcrec_vi_set_pid(row, &pid, pid != 0);
    }
    if (row->restarts != vi->restarts) {
        pcrec_vi_set_restarts(row, vi->restarts);
    }
    if (strcmp(row->error, error)) {
        pcrec_vi_set_error(row, error);
    }
    pc_node_limits_write(vi, row);
    pc_node_link_write(vi, row);
    pc_node_stats_write(vi, row);
    pc_node_used_write(vi, row);
}

static void
write_image(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    const struct pcrec_image *image = row->service ? row->service->image
                                                   : NULL;
    const char *status = (vi->image_failed && vi->error ? vi->error
                          : vi->image ? "ready"
                          : vi->step == PC_STEP_IMAGE ? "preparing" : NULL);

    if (image && status
        && strcmp(smap_get_def(&image->status, vi->node->name, ""), status)) {
        pcrec_image_update_status_setkey(image, vi->node->name, status);
    }
}

static void
write_node(struct pc_node *n, const struct pcrec_node *row, bool settled)
{
    const char *error = pc_ports_error(n->ports);
    char *config_error = NULL;

    if (n->config_error) {
        config_error = xasprintf("%s: %s", n->state_dir,
                                 ovs_strerror(n->config_error));
        error = config_error;
    }
    error = error ? error : "";
    if (strcmp(row->error, error)) {
        pcrec_node_set_error(row, error);
    }
    free(config_error);

    const char *state = !n->scanned ? "starting" : settled ? "settled"
                                                           : "working";
    if (strcmp(smap_get_def(&row->status, "state", ""), state)) {
        pcrec_node_update_status_setkey(row, "state", state);
    }
    pc_node_report_write(n, row);
    if (settled && row->cur_cfg != n->next_cfg) {
        pcrec_node_set_cur_cfg(row, n->next_cfg);
    }
}

/* The row of 'vi'; null if there is none or if the controller, in the same agent,
 * has just deleted it: in this transaction nothing can be written to it then. */
static const struct pcrec_vi *
row_of(const struct pc_node_vi *vi)
{
    const struct pcrec_vi *row
        = vi->want ? pcrec_vi_get_for_uuid(vi->node->idl, &vi->want->uuid)
                   : NULL;

    return row && row->header_.new_datum ? row : NULL;
}

/* Writes into 'txn' what of the status has changed. */
void
pc_node_status_write(struct pc_node *n, struct ovsdb_idl_txn *txn)
{
    const struct pcrec_node *node;
    struct shash_node *sn;

    if (!txn || !n->name) {
        return;
    }
    if (n->scanned) {
        SHASH_FOR_EACH (sn, &n->vis) {
            struct pc_node_vi *vi = sn->data;
            const struct pcrec_vi *row = row_of(vi);

            /* Until the ports are known an adopted VI stays as it is; one that
             * comes from another node is still that node's. */
            if (row && vi->step != PC_STEP_ADOPT) {
                if (!vi->want->arriving || !vi->want->moving) {
                    write_vi(vi, row);
                }
                write_image(vi, row);
            }
            if (row) {
                pc_node_move_write(vi, row);
            }
        }
    }
    pc_node_images_write(n);
    pc_node_captures_write(n);
    PCREC_NODE_FOR_EACH (node, n->idl) {
        if (!strcmp(node->name, n->name)) {
            write_node(n, node, pc_node_is_settled(n));
        }
    }
}
