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

#include <poll.h>
#include <stdlib.h>

#include "lib/pc-idl.h"
#include "openvswitch/vlog.h"
#include "pc-container.h"
#include "pc-ports.h"
#include "pc-units.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_limits);

/* Capacity of VIs: VI.capacity is what is wanted, VI.applied what is in force.
 *
 * A change that cannot be made (less than is in use; more than the node has; a
 * limit that this machine cannot enforce) changes nothing: VI.status:not-resized
 * says why, and VI.capacity and VI.restrictions are set back to what they were in
 * the transaction that says so. */

/* What the row of 'vi' says has come into force. */
static void
grant(struct pc_node_vi *vi)
{
    vi->granted = (struct pc_node_grant) { vi->want->asked,
                                           vi->want->restrictions };
}

/* What liblxc and the kernel are told of 'c'.  The network is the router's. */
struct pc_container_limits
pc_node_limits_of(const struct pc_capacity *c)
{
    return (struct pc_container_limits) {
        .cgroup = {
            .cpu = c->value[PC_CAP_CPU],
            .memory = c->value[PC_CAP_MEMORY],
            .pids = c->value[PC_CAP_PIDS],
        },
        .io_bps = c->value[PC_CAP_IO],
        .iops = c->value[PC_CAP_IOPS],
        .disk = c->value[PC_CAP_DISK],
    };
}

/* The container is about to be started with what is wanted. */
void
pc_node_limits_start(struct pc_node_vi *vi)
{
    vi->applied = vi->want->capacity;
    vi->applied_known = true;
    grant(vi);
    vi->is_refused = false;
    free(vi->resize_error);
    vi->resize_error = NULL;
}

/* What 'n' has of dimension 'd', 0 if that is not known. */
static uint64_t
node_has(const struct pc_node *n, enum pc_capacity_dimension d)
{
    int64_t found = (d == PC_CAP_CPU ? n->found_cpu
                     : d == PC_CAP_MEMORY ? n->found_memory
                     : d == PC_CAP_DISK ? n->found_disk : 0);

    return n->capacity.value[d] ? n->capacity.value[d] : (uint64_t) found;
}

/* What VIs other than 'vi' have of dimension 'd'. */
static uint64_t
others_have(const struct pc_node_vi *vi, enum pc_capacity_dimension d)
{
    const struct shash_node *node;
    uint64_t sum = 0;

    SHASH_FOR_EACH (node, &vi->node->vis) {
        const struct pc_node_vi *other = node->data;

        if (other != vi && other->want) {
            sum += (other->applied_known ? other->applied.value[d]
                    : other->want->capacity.value[d]);
        }
    }
    return sum;
}

/* Refuses to raise what 'vi' has beyond what is left of the node. */
static char *
check_node(const struct pc_node_vi *vi)
{
    const struct pc_capacity *want = &vi->want->capacity;

    for (int d = 0; d < PC_N_CAPACITY; d++) {
        uint64_t has = node_has(vi->node, d);
        uint64_t others = others_have(vi, d);

        if (has && want->value[d] > vi->applied.value[d]
            && (want->value[d] > has || others > has - want->value[d])) {
            const char *name = pc_capacity_names[d];
            char *w = pc_units_format_capacity(name, want->value[d]);
            char *h = pc_units_format_capacity(name, has);
            char *o = pc_units_format_capacity(name, others);
            char *error = xasprintf("%s=%s does not fit: node %s has %s, of "
                                    "which other VIs have %s", name, w,
                                    vi->node->name, h, o);
            free(w);
            free(h);
            free(o);
            return error;
        }
    }
    return NULL;
}

/* Takes 'error', the reason why 'c' cannot be in force. */
static void
refuse(struct pc_node_vi *vi, const struct pc_capacity *c, char *error)
{
    if (!vi->resize_error || strcmp(vi->resize_error, error)) {
        VLOG_WARN("%s: not resized: %s", vi->name, error);
    }
    free(vi->resize_error);
    vi->resize_error = error;
    vi->refused = *c;
    vi->is_refused = true;
    vi->applied_known = true;   /* That of the last agent is still in force. */
}

/* Sees to it that the limits of a VI that runs are the wanted ones. */
void
pc_node_limits_run(struct pc_node_vi *vi)
{
    const struct pc_capacity *want = &vi->want->capacity;

    if (vi->applied_known && pc_capacity_equal(want, &vi->applied)) {
        vi->is_refused = false; /* It may be asked for again. */
        grant(vi);
        return;
    }
    if (vi->busy || (vi->is_refused && pc_capacity_equal(want,
                                                         &vi->refused))) {
        return;
    }

    char *error = NULL;
    if (vi->applied_known) {
        error = check_node(vi);
    } else {
        vi->applied = vi->want->was_applied;
        /* Of what the last agent was told only the outcome is known.  The ISP's
         * limits stay. */
        vi->granted = (struct pc_node_grant) { vi->applied,
                                               vi->want->restrictions };
    }
    if (error) {
        refuse(vi, want, error);
    } else {
        pc_node_job_limits(vi);
    }
}

/* The job has ended: 'c' is in force but for 'unenforced', or the limits are what
 * they were because of 'error'.  Takes both texts. */
void
pc_node_limits_done(struct pc_node_vi *vi, const struct pc_capacity *c,
                    char *unenforced, char *error)
{
    struct pollfd pfd = { .fd = vi->pidfd, .events = POLLIN };

    if (vi->pidfd < 0 || poll(&pfd, 1, 0) > 0) {
        /* It has ended meanwhile, which says nothing of its limits. */
        free(error);
        free(unenforced);
        return;
    }
    if (error) {
        refuse(vi, c, error);
        free(unenforced);
        return;
    }
    vi->applied = *c;
    vi->applied_known = true;
    if (vi->want && pc_capacity_equal(c, &vi->want->capacity)) {
        grant(vi);
    } else {
        vi->granted.asked = *c; /* The row asks for something else by now. */
    }
    vi->is_refused = false;
    free(vi->resize_error);
    vi->resize_error = NULL;
    free(vi->unenforced);
    vi->unenforced = unenforced;
}

static void
write_applied(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    static const struct pc_capacity none;
    const struct pc_capacity *applied = vi->pid ? &vi->applied : &none;
    const char *keys[PC_N_CAPACITY];
    int64_t values[PC_N_CAPACITY];
    struct pc_capacity now;

    pc_capacity_from_arrays(&now, row->key_applied, row->value_applied,
                            row->n_applied);
    if ((vi->applied_known || !vi->pid) && !pc_capacity_equal(&now, applied)) {
        size_t n = pc_capacity_to_arrays(applied, keys, values);

        pcrec_vi_set_applied(row, keys, values, n);
    }
}

/* Sets the row back if it (still) asks for what was refused: if it has come to ask
 * for something else meanwhile, that has not been tried yet. */
static void
revert(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    const char *keys[PC_N_CAPACITY];
    int64_t values[PC_N_CAPACITY];

    if (!vi->is_refused || !vi->applied_known || !vi->pid || !vi->want
        || !pc_capacity_equal(&vi->want->capacity, &vi->refused)) {
        return;
    }

    /* If somebody changes it at this moment, that counts. */
    pcrec_vi_verify_capacity(row);
    pcrec_vi_verify_restrictions(row);
    size_t n = pc_capacity_to_arrays(&vi->granted.asked, keys, values);
    pcrec_vi_set_capacity(row, keys, values, n);
    n = pc_capacity_to_arrays(&vi->granted.restrictions, keys, values);
    pcrec_vi_set_restrictions(row, keys, values, n);
}

/* Writes what is in force to 'row'. */
void
pc_node_limits_write(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    write_applied(vi, row);
    revert(vi, row);
    pc_node_status_set(row, "not-enforced", vi->pid ? vi->unenforced : NULL);
    pc_node_status_set(row, "not-resized", vi->resize_error);
}
