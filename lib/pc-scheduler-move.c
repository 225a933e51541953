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
#include "pc-scheduler-private.h"

#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_scheduler_move);

/* Reservations that go to another node of their cloudlet (paper section 3.6).
 *
 * One that is to have more than its node can give goes to the least loaded node
 * that can; if there is none, another one that is there goes away, the cheapest to
 * move.  What it is for is the controller's to move, which confirms when it is
 * there: until then both nodes hold what they must (see pc-booking.h), and what
 * comes of it is one of the two places, never none and never a part of both. */

/* Nodes that are not to be tried. */

bool
pc_sched_is_refused(const struct pc_sched_decision *d,
                    const struct pcrec_node *node)
{
    const struct pcrec_reservation *row = d->row;

    for (size_t i = 0; row->placed == row->request && i < row->n_refused;
         i++) {
        if (row->refused[i] == node) {
            return true;
        }
    }
    return false;
}

void
pc_sched_request(const struct pc_sched_decision *d,
                 const struct pc_slot *slots, size_t n_slots,
                 const struct pcrec_node *except,
                 struct pc_engine_request *req)
{
    const struct pcrec_cloudlet *cloudlet
        = pc_sched_cloudlet_of(d->s, d->row->node);

    pc_booking_request(d->s->booking, d->row, slots, n_slots, req);
    if (d->row->placed != d->row->request) {
        req->n_refused = 0;
    }
    if (cloudlet) {
        req->cloudlet = cloudlet->header_.uuid;
    }
    if (except) {
        struct uuid *refused = CONST_CAST(struct uuid *, req->refused);

        refused = xrealloc(refused, (req->n_refused + 1) * sizeof *refused);
        refused[req->n_refused++] = except->header_.uuid;
        req->refused = refused;
    }
}

/* What 'd' is to hold, from now on, where it goes: it has its old slots there until
 * it gets the new ones. */
static struct pc_slot *
slots_elsewhere(const struct pc_sched_decision *d, size_t *n)
{
    size_t n_max;
    struct pc_slot *max = pc_slots_max(d->slots, d->n_slots, d->wanted,
                                       d->n_wanted, &n_max);
    struct pc_slot *rest = pc_slots_from(max, n_max, d->s->now, n);

    free(max);
    return rest;
}

/* Itself. */

/* Proposes that 'd' goes to 'node', with 'wanted'. */
static void
propose_elsewhere(struct pc_sched_decision *d, const struct pcrec_node *node,
                  const struct pc_engine_request *rest)
{
    VLOG_INFO("reservation %s: is to move from node %s to node %s",
              d->row->name, d->row->node->name, node->name);
    pc_sched_begin(d, "move");
    pc_sched_propose(d, node, pc_sched_cloudlet_of(d->s, node), rest);
}

/* Sends 'd' where it fits.  Returns false if that is nowhere. */
static bool
go_elsewhere(struct pc_sched_decision *d, const struct pc_engine_request *rest)
{
    struct pc_engine_request req;
    struct uuid node;
    size_t n;
    struct pc_slot *slots = slots_elsewhere(d, &n);

    pc_sched_request(d, slots, n, d->row->node, &req);
    bool found = pc_engine_least_loaded(pc_booking_engine(d->s->booking), &req,
                                        &node);
    if (found) {
        propose_elsewhere(d, pcrec_node_get_for_uuid(d->s->loop.idl, &node),
                          rest);
    }
    free(CONST_CAST(struct uuid *, req.refused));
    free(slots);
    return found;
}

/* Why 'd' cannot go to the node that somebody has named; NULL: it can. */
static char *
why_not_there(struct pc_sched_decision *d, const struct pc_engine_request *req)
{
    const struct pcrec_node *node = d->row->move_to;
    struct pc_profile_misfit misfit;

    if (pc_sched_cloudlet_of(d->s, node)
        != pc_sched_cloudlet_of(d->s, d->row->node)) {
        return xasprintf("node %s is not in its cloudlet", node->name);
    } else if (!pc_booking_is_usable(d->s->booking, node)) {
        return xasprintf("node %s is silent", node->name);
    } else if (pc_engine_misfit(pc_booking_engine(d->s->booking), req,
                                &node->header_.uuid, &misfit)) {
        return xasprintf("node %s has no %s left for it", node->name,
                         pc_capacity_names[misfit.dimension]);
    }
    return NULL;
}

void
pc_sched_move_by_hand(struct pc_sched_decision *d)
{
    struct pc_engine_request req;
    size_t n;
    struct pc_slot *slots = slots_elsewhere(d, &n);

    pc_sched_request(d, slots, n, NULL, &req);
    char *error = why_not_there(d, &req);
    if (error) {
        pc_sched_begin(d, "move");
        pc_sched_answer(d, d->row->state, error);
        free(error);
    } else {
        propose_elsewhere(d, d->row->move_to, &req);
    }
    free(CONST_CAST(struct uuid *, req.refused));
    free(slots);
}

/* Another. */

/* One that might go. */
struct candidate {
    const struct pcrec_reservation *row;
    bool has_vi;
    struct pc_slot *slots;      /* From now on. */
    size_t n_slots;
    struct pc_amount peak;
};

/* The cheapest to move first: where nothing runs only rows change; otherwise the
 * disk is what is copied; the smaller one then. */
static int
compare_candidates(const void *a_, const void *b_)
{
    static const enum pc_capacity_dimension order[] = {
        PC_CAP_DISK, PC_CAP_MEMORY, PC_CAP_CPU, PC_CAP_NETWORK
    };
    const struct candidate *a = a_, *b = b_;

    if (a->has_vi != b->has_vi) {
        return a->has_vi ? 1 : -1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        int64_t x = a->peak.value[order[i]], y = b->peak.value[order[i]];

        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return strcmp(a->row->name, b->row->name);
}

/* May 'row' be told to go?  Not if somebody waits for an answer. */
static bool
may_go(const struct pcrec_reservation *row)
{
    return ((!strcmp(row->state, "confirmed") || !strcmp(row->state, "active"))
            && !row->proposed_node && !row->n_proposed && !row->cancel
            && row->answered == row->request);
}

/* Makes a candidate of 'row' if it holds some of what is missing at 'misfit'. */
static bool
candidate_init(struct candidate *c, const struct pc_scheduler *s,
               const struct pcrec_reservation *row,
               const struct pc_profile_misfit *misfit)
{
    const struct pc_slot *slots;
    size_t n;

    if (!may_go(row)
        || !pc_engine_find(pc_booking_engine(s->booking), &row->header_.uuid,
                           &slots, &n)) {
        return false;
    }
    const struct pc_slot *then = pc_slots_at(slots, n, misfit->time);
    if (!then || !then->amount.value[misfit->dimension]) {
        return false;
    }
    memset(c, 0, sizeof *c);
    c->row = row;
    c->has_vi = pc_sched_has_vi(s, row);
    c->slots = pc_slots_from(slots, n, s->now, &c->n_slots);
    for (size_t i = 0; i < c->n_slots; i++) {
        for (size_t j = 0; j < PC_N_AMOUNTS; j++) {
            c->peak.value[j] = MAX(c->peak.value[j],
                                   c->slots[i].amount.value[j]);
        }
    }
    return true;
}

/* Tells 'c' to go to 'to', so that 'd' has room. */
static void
send_away(struct pc_sched_decision *d, struct pc_sched_decision *other,
          const struct pcrec_node *to)
{
    const struct pcrec_reservation *row = other->row;
    char *reason = xasprintf("moves to node %s to make room for %s on node %s",
                             to->name, d->row->name, row->node->name);

    pc_sched_begin(d, "move");
    pc_sched_begin(other, "move");
    pc_sched_raise_version(row->node);  /* Two schedulers move one. */
    pc_sched_raise_version(to);
    pc_sched_forget_refused(other);
    pcrec_reservation_set_turn(row, to->version);
    pcrec_reservation_set_proposed_node(row, to);
    pcrec_reservation_set_placed(row, row->request);
    pcrec_reservation_set_judged(row, 0);
    pcrec_reservation_set_verdict(row, "");
    VLOG_INFO("reservation %s: %s", row->name, reason);
    pc_sched_set_state(d->s, row, row->state, reason);
    pc_booking_refresh(d->s->booking, row);
    pc_sched_fly(d->s, row);
    free(reason);
}

/* Would 'd' fit if 'c' went, and can that go? */
static bool
try_candidate(struct pc_sched_decision *d, const struct pc_engine_request *rest,
              const struct candidate *c)
{
    struct pc_engine *engine = pc_booking_engine(d->s->booking);
    struct pc_sched_decision other = { .s = d->s, .row = c->row,
                                       .txn = d->txn };
    struct pc_engine_request req;
    struct uuid to;

    if (!pc_engine_fits_without(engine, rest, &d->row->node->header_.uuid,
                                &c->row->header_.uuid)) {
        return false;
    }
    pc_sched_request(&other, c->slots, c->n_slots, c->row->node, &req);
    bool found = pc_engine_least_loaded(engine, &req, &to);
    free(CONST_CAST(struct uuid *, req.refused));
    if (found) {
        send_away(d, &other, pcrec_node_get_for_uuid(d->s->loop.idl, &to));
    }
    return found;
}

/* The reservations on the node of 'd' that might make room, the cheapest first.
 * Sets '*leaving' if one is about to. */
static struct candidate *
find_candidates(const struct pc_sched_decision *d,
                const struct pc_profile_misfit *misfit, size_t *n,
                bool *leaving)
{
    const struct pc_scheduler *s = d->s;
    size_t n_uuids;
    struct uuid *uuids
        = pc_engine_reservations(pc_booking_engine(s->booking),
                                 &d->row->node->header_.uuid, &n_uuids);
    struct candidate *candidates = xmalloc(MAX(n_uuids, 1)
                                           * sizeof *candidates);

    *n = 0;
    *leaving = false;
    for (size_t i = 0; i < n_uuids; i++) {
        const struct pcrec_reservation *row
            = pcrec_reservation_get_for_uuid(s->loop.idl, &uuids[i]);

        if (!row) {             /* What one that leaves holds still. */
            *leaving = true;
        } else if (row != d->row
                   && candidate_init(&candidates[*n], s, row, misfit)) {
            ++*n;
        }
    }
    free(uuids);
    qsort(candidates, *n, sizeof *candidates, compare_candidates);
    return candidates;
}

enum pc_sched_room
pc_sched_make_room(struct pc_sched_decision *d,
                   const struct pc_engine_request *rest)
{
    const struct pcrec_node *node = d->row->node;
    enum pc_sched_room room = PC_ROOM_NONE;
    struct candidate *candidates = NULL;
    struct pc_profile_misfit misfit;
    bool leaving = false;
    size_t n = 0;

    if (!pc_sched_is_refused(d, node)
        && pc_booking_is_usable(d->s->booking, node)
        && pc_engine_misfit(pc_booking_engine(d->s->booking), rest,
                            &node->header_.uuid, &misfit)) {
        candidates = find_candidates(d, &misfit, &n, &leaving);
    }
    if (leaving) {
        pc_sched_wait_for_others(d->s, d->row);
        room = PC_ROOM_WAIT;
    } else if (go_elsewhere(d, rest)) {
        room = PC_ROOM_MADE;
    }
    for (size_t i = 0; i < n; i++) {
        if (room == PC_ROOM_NONE && try_candidate(d, rest, &candidates[i])) {
            room = PC_ROOM_MADE;
        }
        free(candidates[i].slots);
    }
    free(candidates);
    return room;
}

/* What became of it. */

/* Its VI, if there is one, is on 'proposed_node'. */
static void
arrived(struct pc_sched_decision *d, bool asked)
{
    const struct pcrec_reservation *row = d->row;
    char *reason = xasprintf("moved from node %s to node %s", row->node->name,
                             row->proposed_node->name);

    VLOG_INFO("reservation %s: %s", row->name, reason);
    pcrec_reservation_set_node(row, row->proposed_node);
    pcrec_reservation_set_proposed_node(row, NULL);
    if (asked) {
        pc_sched_resized(d, reason);
    } else {
        pcrec_reservation_set_proposed(row, NULL, 0);
        pc_sched_set_state(d->s, row, row->state, reason);
        pc_booking_refresh(d->s->booking, row);
    }
    free(reason);
}

/* It stays where it is. */
static void
stayed(struct pc_sched_decision *d, bool asked)
{
    const struct pcrec_reservation *row = d->row;
    char *reason = xasprintf("not moved to node %s: %s",
                             row->proposed_node->name, row->verdict);

    VLOG_WARN("reservation %s: %s", row->name, reason);
    pc_sched_add_refused(d, row->proposed_node);
    pcrec_reservation_set_proposed_node(row, NULL);
    pcrec_reservation_set_proposed(row, NULL, 0);
    pc_booking_refresh(d->s->booking, row);
    if (asked && row->move_to) {
        pc_sched_answer(d, row->state, reason);
    } else if (!asked || !pc_sched_resize(d)
               || row->answered != row->request) {
        pc_sched_set_state(d->s, row, row->state, reason);
    }
    free(reason);
}

/* The controller has spoken of the move of 'd'. */
void
pc_sched_moved(struct pc_sched_decision *d)
{
    bool asked = (d->row->answered != d->row->request
                  && d->row->placed == d->row->request && !d->broken);

    pc_sched_begin(d, "moved");
    if (d->row->verdict[0]) {
        stayed(d, asked);
    } else {
        arrived(d, asked);
    }
    d->s->step = "moved";
    pc_sched_wake(d->s);
}
