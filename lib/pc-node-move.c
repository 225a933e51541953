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
#include <stdlib.h>
#include <sys/stat.h>
#include "lib/pc-idl.h"
#include "openvswitch/vlog.h"
#include "pc-report.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_move);

/* Moving a VI to another node: stop, copy, start.
 *
 * VI.node is where it is to run, VI.home where its files are.  If they are not the
 * same the VI moves:
 *
 *     VI.node    has the capacity and the image ready        taker = itself
 *     VI.home    stops the VI, packs its files               archive = where
 *     VI.node    unpacks them, all are on its disk           home = itself
 *     old home   sees that, and deletes its files
 *     VI.node    sees that, and starts the VI
 *
 * A VI is started only by the node that is its home, as the database has it, and
 * files are deleted only by one that is not: whichever agent dies at whatever
 * point, there is one that may go on, and all files are there.  Each step is
 * written with what it rests on verified; a move that is called off (VI.node is
 * set back) in the same instant wins.
 *
 * If something prevents it, the one that finds it sets VI.node back to VI.home and
 * says why in VI.move_error. */

/* What the row says. */

void
pc_node_move_init(struct pc_node_move *move)
{
    smap_init(&move->export);
}

/* Nothing of an earlier move counts any more. */
static void
move_clear(struct pc_node_move *move)
{
    smap_clear(&move->export);
    free(move->arrived);
    free(move->refusal);
    move->arrived = move->refusal = NULL;
}

void
pc_node_move_destroy(struct pc_node_move *move)
{
    move_clear(move);
    smap_destroy(&move->export);
}

/* Is 'row' about 'node': is it to run there, or are its files there? */
bool
pc_node_move_concerns(const struct pcrec_vi *row, const struct pcrec_node *node)
{
    return row->node && (row->node == node || row->home == node);
}

/* Stores in 'want' what 'row' says of a move, as 'node' has to take it. */
void
pc_node_move_read(struct pc_node_want *want, const struct pcrec_vi *row,
                  const struct pcrec_node *node)
{
    bool to_go = row->node != node;

    smap_clone(&want->export, &row->archive);
    want->leaving = to_go && row->home == node;
    want->arriving = !to_go && row->home != node;
    want->moving = want->leaving || (want->arriving && row->home);
    /* (With connections to lose it stays until the controller says that they are
     * gone.) */
    want->pack = (want->leaving && want->up && row->taker == row->node
                  && strcmp(row->admin_state, "drain"));
    want->up = want->up && !want->pack;
}

/* Does what a move asks for of 'vi', which does not run.  Returns true if 'vi' is
 * not to be started, or anything else, now. */
bool
pc_node_move_run(struct pc_node_vi *vi)
{
    const struct pc_node_want *want = vi->want;

    if (!want || want->error) {
        return false;
    }
    if (!want->moving && (vi->move.refusal || vi->move.arrived
                          || !smap_is_empty(&vi->move.export))) {
        move_clear(&vi->move);
    }
    if (want->pack) {
        if (vi->on_disk && pc_node_vi_root_is_outdated(vi)) {
            return false;       /* Not its files. */
        }
        if (vi->on_disk && !vi->busy && !vi->move.refusal
            && smap_is_empty(&want->export)
            && smap_is_empty(&vi->move.export)) {
            pc_node_archive_pack(vi);
        }
        return true;
    }
    if (!want->up) {
        return false;
    }
    if (want->arriving) {
        const char *sha256 = smap_get(&want->export, "sha256");

        if (!vi->image || strcmp(vi->image_of, want->root_fingerprint)) {
            return false;       /* That first. */
        }
        if (want->moving && sha256 && !vi->busy && !vi->move.refusal
            && !nullable_string_is_equal(vi->move.arrived, sha256)) {
            pc_node_archive_import(vi);
        }
        return true;
    }
    /* A move that was called off: the archive will not be what is here. */
    return !want->leaving && !smap_is_empty(&want->export);
}

/* Capacity. */

/* Adds to 'sum' what the VI 'row' may use from now on. */
static void
add_vi(struct pc_amount *sum, const struct pcrec_vi *row)
{
    struct pc_capacity capacity;

    pc_capacity_from_arrays(&capacity, row->key_capacity, row->value_capacity,
                            row->n_capacity);
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        sum->value[d] += capacity.value[d];
    }
}

/* Why 'node' has no room for the VI 'row', for the caller to free; NULL: it has.
 * Room for a VI that is reserved was found by the scheduler. */
static char *
why_no_room(const struct pc_node *n, const struct pcrec_vi *row,
            const struct pcrec_node *node)
{
    struct pc_amount total, sum = { { 0 } };
    const struct pcrec_vi *other;

    if (row->n_slots) {
        return NULL;
    }
    pc_report_node_total(node, &total);
    add_vi(&sum, row);
    struct pc_amount own = sum;
    PCREC_VI_FOR_EACH (other, n->idl) {
        if (other != row && pc_node_move_concerns(other, node)) {
            add_vi(&sum, other);
        }
    }
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (own.value[d] && total.value[d] && sum.value[d] > total.value[d]) {
            return xasprintf("node %s has no %s left for it", node->name,
                             pc_capacity_names[d]);
        }
    }
    return NULL;
}

/* Writing. */

/* Writes that what 'row' rests on must not have changed. */
static void
verify(const struct pcrec_vi *row)
{
    pcrec_vi_verify_node(row);
    pcrec_vi_verify_home(row);
    pcrec_vi_verify_archive(row);
}

/* Ends a move: 'home' is what it is, or was and stays because of 'error'. */
static void
write_end(struct pc_node_vi *vi, const struct pcrec_vi *row,
          const struct pcrec_node *home, const char *error)
{
    if (!vi->move.told) {
        char *cause = (*error ? xstrdup(error)
                       : xasprintf("from node %s to node %s", row->home->name,
                                   home->name));

        vi->move.told = true;
        pc_node_vi_event(vi, *error ? PC_EVENT_VI_NOT_MOVED
                         : PC_EVENT_VI_MOVED, cause);
        free(cause);
    }
    verify(row);
    pcrec_vi_set_node(row, home);
    pcrec_vi_set_taker(row, NULL);
    if (row->home != home) {
        pcrec_vi_set_home(row, home);
        pcrec_vi_set_archive(row, NULL);
    }
    if (strcmp(row->move_error, error)) {
        pcrec_vi_set_move_error(row, error);
    }
}

static void
write_at_home(const struct pcrec_vi *row)
{
    if (!smap_is_empty(&row->archive) || row->taker) {
        verify(row);
        pcrec_vi_set_archive(row, NULL);
        pcrec_vi_set_taker(row, NULL);
    }
}

static void
write_leaving(struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    if (vi->move.refusal) {
        write_end(vi, row, row->home, vi->move.refusal);
    } else if (!vi->want->up && !vi->on_disk && !vi->busy
               && vi->step == PC_STEP_DOWN) {
        /* There are no files. */
        write_end(vi, row, row->node, "");
    } else if (!smap_is_empty(&vi->move.export)
               && !smap_equal(&row->archive, &vi->move.export)) {
        pc_fault(vi->node->fault, "before-export-row");
        verify(row);
        pcrec_vi_set_archive(row, &vi->move.export);
    }
}

static void
write_arriving(struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    const char *sha256 = smap_get(&row->archive, "sha256");

    if (!row->home) {
        verify(row);
        pcrec_vi_set_home(row, row->node);
    } else if (vi->move.refusal || (vi->image_failed && vi->error)) {
        write_end(vi, row, row->home,
                  vi->move.refusal ? vi->move.refusal : vi->error);
    } else if (sha256 && vi->move.arrived
               && !strcmp(vi->move.arrived, sha256)) {
        pc_fault(vi->node->fault, "before-home");
        write_end(vi, row, row->node, "");
    } else if (vi->image && row->taker != row->node) {
        char *error = why_no_room(vi->node, row, row->node);

        if (error) {
            write_end(vi, row, row->home, error);
            free(error);
        } else {
            verify(row);
            pcrec_vi_set_taker(row, row->node);
        }
    }
}

/* Writes what has become of a move. */
void
pc_node_move_write(struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    bool to_us = row->node && !strcmp(row->node->name, vi->node->name);
    bool home = row->home && !strcmp(row->home->name, vi->node->name);

    if (home && to_us) {
        vi->move.told = false;
        write_at_home(row);
    } else if (home && row->node) {
        write_leaving(vi, row);
    } else if (to_us) {
        write_arriving(vi, row);
    }
}
