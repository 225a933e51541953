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
#include "pc-controller.h"

#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "pc-clock.h"
#include "pc-controller-private.h"
#include "pc-fault.h"
#include "pc-profile.h"
#include "pc-report.h"
#include "pc-request.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_reserve);

/* Reservations on the nodes of our cloudlet: whether the capacity is really there
 * (paper section 3.4: "the confirmation procedure can avoid possible information
 * inconsistency"), and VIs for those whose time it is. */

/* A reservation on one of our nodes. */
struct pc_ctl_reservation {
    struct hmap_node hmap_node; /* In struct pc_controller's 'reservations'. */
    struct uuid uuid;
};

static struct pc_ctl_reservation *
pc_ctl_reservation_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_reservation *r;

    HMAP_FOR_EACH_WITH_HASH (r, hmap_node, uuid_hash(uuid),
                             &c->reservations) {
        if (uuid_equals(&r->uuid, uuid)) {
            return r;
        }
    }
    return NULL;
}

static void
pc_ctl_reservation_forget(struct pc_controller *c,
                          struct pc_ctl_reservation *r)
{
    hmapx_find_and_delete(&c->dirty_reservations, r);
    hmap_remove(&c->reservations, &r->hmap_node);
    free(r);
}

static bool
pc_ctl_node_is_ours(const struct pc_controller *c,
                    const struct pcrec_node *node)
{
    const struct pcrec_cloudlet *cloudlet
        = pcrec_cloudlet_get_for_uuid(c->idl, &c->cloudlet);

    for (size_t i = 0; cloudlet && i < cloudlet->n_nodes; i++) {
        if (cloudlet->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

static bool
is_current(const struct pcrec_reservation *row)
{
    return (!strcmp(row->state, "pending") || !strcmp(row->state, "confirmed")
            || !strcmp(row->state, "active"));
}

static void
pc_ctl_reservation_update(struct pc_controller *c,
                          const struct pcrec_reservation *row)
{
    struct pc_ctl_reservation *r
        = pc_ctl_reservation_find(c, &row->header_.uuid);

    if (!row->node || !is_current(row) || !pc_ctl_node_is_ours(c, row->node)) {
        if (r) {
            pc_ctl_reservation_forget(c, r);
        }
        return;
    }
    if (!r) {
        r = xzalloc(sizeof *r);
        r->uuid = row->header_.uuid;
        hmap_insert(&c->reservations, &r->hmap_node, uuid_hash(&r->uuid));
    }
    hmapx_add(&c->dirty_reservations, r);
}

void
pc_ctl_reserve_load(struct pc_controller *c)
{
    const struct pcrec_reservation *row;

    PCREC_RESERVATION_FOR_EACH (row, c->idl) {
        pc_ctl_reservation_update(c, row);
    }
}

void
pc_ctl_reserve_track(struct pc_controller *c)
{
    const struct pcrec_reservation *row;

    PCREC_RESERVATION_FOR_EACH_TRACKED (row, c->idl) {
        c->expire_changed = true;
        if (pcrec_reservation_is_deleted(row)) {
            struct pc_ctl_reservation *r
                = pc_ctl_reservation_find(c, &row->header_.uuid);
            if (r) {
                pc_ctl_reservation_forget(c, r);
            }
        } else {
            pc_ctl_reservation_update(c, row);
        }
    }
}

void
pc_ctl_reserve_unload(struct pc_controller *c)
{
    struct pc_ctl_reservation *r;

    HMAP_FOR_EACH_SAFE (r, hmap_node, &c->reservations) {
        pc_ctl_reservation_forget(c, r);
    }
}

/* A VI's row has gone that we have not deleted: some reservation needs another. */
void
pc_ctl_reserve_vi_lost(struct pc_controller *c)
{
    struct pc_ctl_reservation *r;

    HMAP_FOR_EACH (r, hmap_node, &c->reservations) {
        hmapx_add(&c->dirty_reservations, r);
    }
}

/* Confirmation. */

/* Adds to 'profile' what 'row' holds, as the booking counts it. */
static void
add_held(struct pc_profile *profile, const struct pcrec_reservation *row)
{
    struct pc_slot *slots = NULL, *proposed = NULL;
    size_t n, n_proposed;
    char *error = pc_request_parse_slots(row->slots, row->n_slots, &slots, &n);

    if (!error) {
        error = pc_request_parse_slots(row->proposed, row->n_proposed,
                                       &proposed, &n_proposed);
    }
    if (!error) {
        size_t n_max;
        struct pc_slot *max = pc_slots_max(slots, n, proposed, n_proposed,
                                           &n_max);
        pc_profile_add(profile, max, n_max);
        free(max);
    }
    free(error);
    free(slots);
    free(proposed);
}

/* What VIs on 'node' hold that have no reservation. */
static void
unreserved(const struct pc_controller *c, const struct pcrec_node *node,
           struct pc_amount *sum)
{
    const struct pc_ctl_vi *vi;

    memset(sum, 0, sizeof *sum);
    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
        struct pc_capacity capacity;

        if (row && (row->node == node || row->home == node)
            && !row->reservation && !row->n_slots) {
            pc_capacity_from_arrays(&capacity, row->key_capacity,
                                    row->value_capacity, row->n_capacity);
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                sum->value[d] += capacity.value[d];
            }
        }
    }
}

/* Returns NULL if 'node' really has what 'row' is to get there, or why not, for the
 * caller to free. */
static char * OVS_WARN_UNUSED_RESULT
pc_ctl_reservation_judge(const struct pc_controller *c,
                         const struct pcrec_reservation *row,
                         const struct pc_slot *slots, size_t n)
{
    const struct pc_ctl_reservation *other;
    struct pc_profile_misfit misfit;
    struct pc_amount total, vis;

    if (!pc_report_node_is_usable(row->node)) {
        return xasprintf("node %s is silent", row->node->name);
    }
    struct pc_profile *profile = pc_profile_create();
    HMAP_FOR_EACH (other, hmap_node, &c->reservations) {
        const struct pcrec_reservation *o
            = pcrec_reservation_get_for_uuid(c->idl, &other->uuid);
        if (o && o != row && o->node == row->node && is_current(o)) {
            add_held(profile, o);
        }
    }
    pc_report_node_total(row->node, &total);
    unreserved(c, row->node, &vis);
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        total.value[d] -= vis.value[d];
    }
    bool bad = pc_profile_misfit(profile, &total, slots, n, &misfit);
    pc_profile_destroy(profile);
    return (bad ? xasprintf("node %s has no %s left for it", row->node->name,
                            pc_capacity_names[misfit.dimension])
            : NULL);
}

static bool
pc_ctl_reservation_confirm(struct pc_controller *c,
                           const struct pcrec_reservation *row)
{
    struct pc_slot *slots;
    size_t n;

    if (row->judged == row->placed || !row->n_proposed) {
        if (row->n_proposed) {
            pc_fault(c->fault, "after-judge");
        }
        return false;
    }
    char *error = pc_request_parse_slots(row->proposed, row->n_proposed,
                                         &slots, &n);
    if (!error) {
        error = pc_ctl_reservation_judge(c, row, slots, n);
    }
    if (error) {
        VLOG_INFO("reservation %s: refused: %s", row->name, error);
    }
    /* The scheduler may have gone on to another node meanwhile. */
    pcrec_reservation_verify_placed(row);
    pcrec_reservation_verify_node(row);
    pcrec_reservation_verify_proposed(row);
    pcrec_reservation_set_judged(row, row->placed);
    pcrec_reservation_set_verdict(row, error ? error : "");
    free(error);
    free(slots);
    pc_fault(c->fault, "before-judge");
    return true;
}

/* VIs. */

/* The VI for 'row', which may be leaving; NULL if there is none. */
static struct pc_ctl_vi *
pc_ctl_reservation_vi(const struct pc_controller *c,
                      const struct pcrec_reservation *row)
{
    struct pc_ctl_vi *vi;

    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        const struct pcrec_vi *vi_row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
        if (vi_row && vi_row->reservation == row) {
            return vi;
        }
    }
    return NULL;
}

/* Has the VI of 'vi_row' the slots of its reservation. */
static bool
pc_ctl_reservation_same_slots(const struct pcrec_reservation *row,
                              const struct pcrec_vi *vi_row)
{
    bool same = vi_row->n_slots == row->n_slots;

    for (size_t i = 0; same && i < row->n_slots; i++) {
        same = !strcmp(vi_row->slots[i], row->slots[i]);    /* Both sorted. */
    }
    return same;
}

/* Starts the VI for 'row', which is active, or has it follow a change of its
 * slots or its service.  Returns true if it has written something.  Sets '*again'
 * if something is missing still. */
static bool
pc_ctl_reservation_run_vi(struct pc_controller *c,
                          const struct pcrec_reservation *row,
                          struct ovsdb_idl_txn *txn, bool *again)
{
    struct pc_ctl_vi *vi = pc_ctl_reservation_vi(c, row);

    *again = true;
    if (!vi) {
        struct pc_ctl_service *svc
            = (row->service
               ? pc_ctl_service_find(c, &row->service->header_.uuid) : NULL);
        bool created = svc && pc_ctl_place_reserved(c, svc, row, txn);

        if (created) {
            pc_fault(c->fault, "before-place");
        }
        *again = row->service != NULL;
        return created;
    }
    pc_fault(c->fault, "after-place");
    const struct pcrec_vi *vi_row
        = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
    if (vi->leaving || vi_row->service != row->service) {
        pc_ctl_vi_leave(c, vi); /* The capacity is that of one VI. */
        return false;
    }
    *again = false;
    if (pc_ctl_reservation_same_slots(row, vi_row)) {
        return false;
    }
    pcrec_vi_set_slots(vi_row, (const char **) row->slots, row->n_slots);
    return true;
}

/* Writes what the reservations that have changed need: verdicts and VIs.  Returns
 * true if VIs have changed. */
bool
pc_ctl_reserve_run(struct pc_controller *c, struct ovsdb_idl_txn *txn)
{
    struct hmapx_node *node;
    bool vis = false;

    HMAPX_FOR_EACH_SAFE (node, &c->dirty_reservations) {
        struct pc_ctl_reservation *r = node->data;
        const struct pcrec_reservation *row
            = pcrec_reservation_get_for_uuid(c->idl, &r->uuid);
        bool todo = row && pc_ctl_reservation_confirm(c, row);
        bool again = false;

        if (row && !strcmp(row->state, "active")
            && pc_ctl_reservation_run_vi(c, row, txn, &again)) {
            todo = vis = true;
        }
        if (!todo && !again) {
            hmapx_delete(&c->dirty_reservations, node);
        }
    }
    return vis;
}

/* The end. */

/* Is the time of the VI 'row' over, or its reservation? */
static bool
is_over(const struct pcrec_vi *row, int64_t now, int64_t *end)
{
    struct pc_slot *slots;
    size_t n;

    if (!row->n_slots) {
        return false;
    }
    if (row->reservation && !is_current(row->reservation)) {
        return true;
    }
    char *error = pc_request_parse_slots(row->slots, row->n_slots, &slots, &n);
    bool over = !error && n && slots[n - 1].end <= now;

    *end = !error && n ? slots[n - 1].end : INT64_MAX;
    free(error);
    free(slots);
    return over;
}

/* Takes the flows of the VIs away whose time is over: by our own clock, so that
 * it happens also while the database is away. */
void
pc_ctl_reserve_expire(struct pc_controller *c)
{
    int64_t now = pc_clock_now();
    struct pc_ctl_vi *vi;

    if (!c->expire_changed && now < c->expire_at) {
        return;
    }
    c->expire_changed = false;
    c->expire_at = INT64_MAX;
    HMAP_FOR_EACH_SAFE (vi, hmap_node, &c->vis) {
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
        int64_t end = INT64_MAX;

        if (!row || vi->leaving) {
            continue;
        }
        if (is_over(row, now, &end)) {
            VLOG_INFO("%s: its time is over", vi->vi.name);
            pc_fault(c->fault, "before-leave");
            pc_ctl_vi_leave(c, vi);
        } else {
            c->expire_at = MIN(c->expire_at, end);
        }
    }
}

void
pc_ctl_reserve_wait(const struct pc_controller *c)
{
    if (c->expire_at != INT64_MAX) {
        pc_clock_wait_until(c->expire_at);
    }
}
