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
 * inconsistency").  Their VIs: pc-controller-tenure.c. */

/* What all reservations on a node hold together, kept as a sum: a verdict on one
 * of them does not look at the others.  What is proposed counts when we have
 * confirmed it: so of several that do not fit together, for the node has lost
 * capacity meanwhile, those stay that were placed first. */
struct pc_ctl_booked {
    struct hmap_node hmap_node; /* In struct pc_controller's 'booked'. */
    struct uuid node;
    struct pc_profile *profile;
    size_t n_reservations;
};

/* What a reservation holds on a node. */
struct pc_ctl_share {
    struct pc_ctl_booked *booked;   /* NULL: nothing. */
    struct pc_slot *held;       /* What it has in 'booked'. */
    size_t n_held;
};

/* A reservation on one of our nodes. */
struct pc_ctl_reservation {
    struct hmap_node hmap_node; /* In struct pc_controller's 'reservations'. */
    struct uuid uuid;
    struct pc_ctl_share there;  /* Where it is to be: its node, or where it moves
                                 * to. */
    struct pc_ctl_share leaving;    /* If it moves: where it is still. */
    struct pc_ctl_todo todo;    /* What a verdict on it has come to. */
};

static struct pc_ctl_booked *
pc_ctl_booked_find(const struct pc_controller *c, const struct uuid *node)
{
    struct pc_ctl_booked *b;

    HMAP_FOR_EACH_WITH_HASH (b, hmap_node, uuid_hash(node), &c->booked) {
        if (uuid_equals(&b->node, node)) {
            return b;
        }
    }
    return NULL;
}

/* Nothing is held there any more. */
static void
pc_ctl_share_clear(struct pc_controller *c, struct pc_ctl_share *share)
{
    struct pc_ctl_booked *b = share->booked;

    if (b) {
        pc_profile_remove(b->profile, share->held, share->n_held);
        if (!--b->n_reservations) {
            hmap_remove(&c->booked, &b->hmap_node);
            pc_profile_destroy(b->profile);
            free(b);
        }
        free(share->held);
        memset(share, 0, sizeof *share);
    }
}

static bool
is_judged(const struct pcrec_reservation *row)
{
    return row->judged == row->placed;
}

/* From now on the 'n' slots, which this takes, are held on 'node'. */
static void
pc_ctl_share_set(struct pc_controller *c, struct pc_ctl_share *share,
                 const struct uuid *node, struct pc_slot *slots, size_t n)
{
    pc_ctl_share_clear(c, share);
    struct pc_ctl_booked *b = pc_ctl_booked_find(c, node);
    if (!b) {
        b = xzalloc(sizeof *b);
        b->node = *node;
        b->profile = pc_profile_create();
        hmap_insert(&c->booked, &b->hmap_node, uuid_hash(node));
    }
    b->n_reservations++;
    share->booked = b;
    share->held = slots;
    share->n_held = n;
    pc_profile_add(b->profile, slots, n);
}

static void
pc_ctl_reservation_unbook(struct pc_controller *c,
                          struct pc_ctl_reservation *r)
{
    pc_ctl_share_clear(c, &r->there);
    pc_ctl_share_clear(c, &r->leaving);
}

/* 'r' holds what 'row' says: 'slots', and 'proposed' as well if that is confirmed;
 * if it moves, both where it goes to, and 'slots' where it leaves. */
static void
pc_ctl_reservation_book(struct pc_controller *c, struct pc_ctl_reservation *r,
                        const struct pcrec_reservation *row)
{
    const struct pcrec_node *node = (row->proposed_node ? row->proposed_node
                                     : row->node);
    struct pc_slot *slots, *proposed = NULL, *held = NULL;
    size_t n, n_proposed = 0, n_held = 0;

    char *error = pc_request_parse_slots(row->slots, row->n_slots, &slots, &n);
    if (!error
        && (row->proposed_node || (is_judged(row) && !row->verdict[0]))) {
        error = pc_request_parse_slots(row->proposed, row->n_proposed,
                                       &proposed, &n_proposed);
    }
    if (!error) {
        held = pc_slots_max(slots, n, proposed, n_proposed, &n_held);
    }
    pc_ctl_share_set(c, &r->there, &node->header_.uuid, held, n_held);
    if (row->proposed_node) {
        pc_ctl_share_set(c, &r->leaving, &row->node->header_.uuid, slots, n);
        slots = NULL;
    } else {
        pc_ctl_share_clear(c, &r->leaving);
    }
    free(error);
    free(slots);
    free(proposed);
}

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
    pc_ctl_reservation_unbook(c, r);
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

static void
pc_ctl_reservation_update(struct pc_controller *c,
                          const struct pcrec_reservation *row)
{
    struct pc_ctl_reservation *r
        = pc_ctl_reservation_find(c, &row->header_.uuid);

    if (!row->node || !pc_ctl_reservation_is_current(row) || !pc_ctl_node_is_ours(c, row->node)) {
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
    pc_ctl_reservation_book(c, r, row);
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
        /* Only the end of one can be the end of a VI before its time. */
        c->expire_changed |= (pcrec_reservation_is_deleted(row)
                              || !pc_ctl_reservation_is_current(row));
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

/* Stores what 'row' is to have from now on, where it holds 'share': 'proposed';
 * where it moves to, what it has now as well. */
static char * OVS_WARN_UNUSED_RESULT
slots_to_judge(const struct pc_ctl_share *share,
               const struct pcrec_reservation *row, struct pc_slot **rest,
               size_t *n)
{
    struct pc_slot *slots = share->held, *proposed = NULL;
    size_t n_slots = share->n_held;

    if (!row->proposed_node) {
        char *error = pc_request_parse_slots(row->proposed, row->n_proposed,
                                             &proposed, &n_slots);
        if (error) {
            return error;
        }
        slots = proposed;
    }
    *rest = pc_slots_from(slots, n_slots, pc_clock_now(), n);
    free(proposed);
    return NULL;
}

/* Returns NULL if the node where it is to be really has, from now on, what 'r',
 * whose row is 'row', is to get there, or why not, for the caller to free. */
static char * OVS_WARN_UNUSED_RESULT
pc_ctl_reservation_judge(const struct pc_controller *c,
                         const struct pc_ctl_reservation *r,
                         const struct pcrec_reservation *row)
{
    const struct pcrec_node *node = (row->proposed_node ? row->proposed_node
                                     : row->node);
    const struct pc_ctl_share *share = &r->there;
    struct pc_profile *profile = share->booked->profile;
    struct pc_profile_misfit misfit;
    struct pc_amount total, vis;
    struct pc_slot *rest;
    size_t n;

    if (!pc_report_node_is_usable(node)) {
        return xasprintf("node %s is silent", node->name);
    } else if (!pc_ctl_node_is_ours(c, node)) {
        return xasprintf("node %s is not in the cloudlet", node->name);
    }
    pc_report_node_total(node, &total);
    unreserved(c, node, &vis);
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        total.value[d] -= vis.value[d];
    }
    char *error = slots_to_judge(share, row, &rest, &n);
    if (error) {
        return error;
    }
    pc_profile_remove(profile, share->held, share->n_held);
    bool bad = pc_profile_misfit(profile, &total, rest, n, &misfit);
    pc_profile_add(profile, share->held, share->n_held);
    free(rest);
    return (bad ? xasprintf("node %s has no %s left for it", node->name,
                            pc_capacity_names[misfit.dimension])
            : NULL);
}

/* For tests: a request for more, or less, is a step of its own. */
static void
judge_fault(const struct pc_controller *c, const struct pcrec_reservation *row,
            const char *when)
{
    char *point = xasprintf("%s-%s", when,
                            row->n_slots ? "rejudge" : "judge");

    pc_fault(c->fault, point);
    free(point);
}

/* Writes the verdict on what is proposed for 'row': NULL, which is that it can be,
 * and then it counts; or why not. */
static void
pc_ctl_reservation_write(struct pc_controller *c,
                         struct pc_ctl_reservation *r,
                         const struct pcrec_reservation *row,
                         const char *error)
{
    if (error) {
        VLOG_INFO("reservation %s: refused: %s", row->name, error);
    }
    /* The scheduler may have gone on to another node meanwhile. */
    pcrec_reservation_verify_placed(row);
    pcrec_reservation_verify_node(row);
    pcrec_reservation_verify_proposed(row);
    pcrec_reservation_verify_proposed_node(row);
    pcrec_reservation_set_judged(row, row->placed);
    pcrec_reservation_set_verdict(row, error ? error : "");
    pc_ctl_reservation_book(c, r, row);
    judge_fault(c, row, "before");
}

/* Gives the verdict that 'row' waits for.  On a move it is given when the VI is
 * there, if there is one. */
static void
pc_ctl_reservation_confirm(struct pc_controller *c,
                           struct pc_ctl_reservation *r,
                           const struct pcrec_reservation *row)
{
    struct pc_ctl_todo *todo = &r->todo;
    struct pc_ctl_vi *vi
        = row->proposed_node ? pc_ctl_reservation_vi(c, row) : NULL;
    enum pc_ctl_move move = PC_CTL_MOVE_ENDED;
    char *error = NULL;
    if (vi && pc_ctl_move_is_begun(c, vi, row)) {
        move = pc_ctl_move_watch(c, vi, row, &error);
    } else {
        error = pc_ctl_reservation_judge(c, r, row);
        if (!error && vi) {
            move = pc_ctl_move_begin(c, vi, row, &error);
        }
    }
    todo->vis = move == PC_CTL_MOVE_WRITTEN || (vi && move == PC_CTL_MOVE_ENDED);
    todo->again = move != PC_CTL_MOVE_ENDED;
    todo->wrote = todo->vis;
    if (move == PC_CTL_MOVE_ENDED) {
        pc_ctl_reservation_write(c, r, row, error);
        todo->wrote = true;
    }
    free(error);
}

/* One that waits for our verdict. */
struct pc_ctl_proposal {
    struct pc_ctl_reservation *r;
    const struct pcrec_reservation *row;
};

static int
compare_proposals(const void *a_, const void *b_)
{
    const struct pc_ctl_proposal *a = a_, *b = b_;

    return (a->row->turn != b->row->turn
            ? (a->row->turn < b->row->turn ? -1 : 1)
            : uuid_compare_3way(&a->r->uuid, &b->r->uuid));
}

/* Confirms or refuses what waits for that, what was placed first first. */
static void
pc_ctl_reserve_confirm(struct pc_controller *c)
{
    struct pc_ctl_proposal *proposals
        = xmalloc(MAX(hmapx_count(&c->dirty_reservations), 1)
                  * sizeof *proposals);
    struct hmapx_node *node;
    size_t n = 0;

    HMAPX_FOR_EACH (node, &c->dirty_reservations) {
        struct pc_ctl_reservation *r = node->data;
        const struct pcrec_reservation *row
            = pcrec_reservation_get_for_uuid(c->idl, &r->uuid);

        if (!row || (!row->n_proposed && !row->proposed_node)) {
            continue;
        } else if (is_judged(row)) {
            judge_fault(c, row, "after");
        } else {
            /* The transaction with an earlier verdict may have failed. */
            pc_ctl_reservation_book(c, r, row);
            proposals[n++] = (struct pc_ctl_proposal) { r, row };
        }
    }
    qsort(proposals, n, sizeof *proposals, compare_proposals);
    for (size_t i = 0; i < n; i++) {
        pc_ctl_reservation_confirm(c, proposals[i].r, proposals[i].row);
    }
    free(proposals);
}

/* Writes what the reservations that have changed need: verdicts and VIs.  Returns
 * true if VIs have changed. */
bool
pc_ctl_reserve_run(struct pc_controller *c, struct ovsdb_idl_txn *txn)
{
    struct hmapx_node *node;
    bool vis = false;

    pc_ctl_reserve_confirm(c);
    HMAPX_FOR_EACH_SAFE (node, &c->dirty_reservations) {
        struct pc_ctl_reservation *r = node->data;
        const struct pcrec_reservation *row
            = pcrec_reservation_get_for_uuid(c->idl, &r->uuid);
        struct pc_ctl_todo todo = r->todo;

        memset(&r->todo, 0, sizeof r->todo);
        if (row && !strcmp(row->state, "active")) {
            pc_ctl_reservation_run_vi(c, row, txn, &todo);
        }
        vis |= todo.vis;
        if (!todo.wrote && !todo.again) {
            hmapx_delete(&c->dirty_reservations, node);
        }
    }
    /* At the start all are dirty: later we would walk that many empty buckets. */
    hmap_shrink(&c->dirty_reservations.map);
    return vis;
}
