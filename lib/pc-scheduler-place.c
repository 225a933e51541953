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
#include "pc-booking-explain.h"
#include "pc-report.h"
#include "pc-request.h"
#include "pc-tariff-row.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_scheduler_place);

/* Answers to requests. */

/* Before anything is written: what is written holds only if the row is still as it
 * was when we decided.  Of two schedulers that believe they act one finds that it
 * is not.  So it is of two decisions about two reservations of one provider: by
 * what it holds goes the tier of either price.  'step' is for pc_sched_fault(). */
void
pc_sched_begin(struct pc_sched_decision *d, const char *step)
{
    const struct pcrec_provider *provider = d->row->provider;

    pcrec_provider_verify_version(provider);
    pcrec_provider_set_version(provider, provider->version + 1);
    pcrec_reservation_verify_request(d->row);
    pcrec_reservation_verify_answered(d->row);
    pcrec_reservation_verify_state(d->row);
    pcrec_reservation_verify_placed(d->row);
    pcrec_reservation_verify_judged(d->row);
    pcrec_reservation_verify_node(d->row);
    pcrec_reservation_verify_proposed_node(d->row);
    d->s->step = step;
}

void
pc_sched_answer(struct pc_sched_decision *d, const char *state,
                const char *reason)
{
    pc_sched_set_state(d->s, d->row, state, reason);
    pc_sched_release(d->row);
    pc_booking_refresh(d->s->booking, d->row);
}

static void
set_proposed(struct pc_sched_decision *d)
{
    char **texts = pc_request_format_slots(d->wanted, d->n_wanted);

    pcrec_reservation_set_proposed(d->row, (const char **) texts,
                                   d->n_wanted);
    for (size_t i = 0; i < d->n_wanted; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void
accept_proposed(struct pc_sched_decision *d)
{
    pcrec_reservation_set_slots(d->row, (const char **) d->row->proposed,
                                d->row->n_proposed);
    pcrec_reservation_set_proposed(d->row, NULL, 0);
    pcrec_reservation_set_alternatives(d->row, NULL);
}

/* And this one fails if what it counts with has changed. */
void
pc_sched_raise_version(const struct pcrec_node *node)
{
    pcrec_node_verify_version(node);
    pcrec_node_verify_capacity(node);
    pcrec_node_verify_found(node);
    pcrec_node_verify_isp_share(node);
    pcrec_node_set_version(node, node->version + 1);
}

/* A price is that of the tariff as it is now. */
static void
verify_tariff(const struct pc_sched_decision *d,
              const struct pcrec_cloudlet *cloudlet)
{
    const struct pcrec_packetcloud *root
        = pcrec_packetcloud_first(d->s->loop.idl);
    const struct pcrec_tariff *tariff = pc_tariff_row_of(root, cloudlet);

    if (root) {
        pcrec_packetcloud_verify_tariff(root);
    }
    pcrec_cloudlet_verify_tariff(cloudlet);
    if (tariff) {
        pcrec_tariff_verify_price(tariff);
        pcrec_tariff_verify_tiers(tariff);
        pcrec_tariff_verify_fine(tariff);
        pcrec_tariff_verify_isp_percent(tariff);
        pcrec_tariff_verify_used(tariff);
    }
}

void
pc_sched_propose(struct pc_sched_decision *d, const struct pcrec_node *node,
                 const struct pcrec_cloudlet *cloudlet,
                 const struct pc_engine_request *req)
{
    struct pc_engine *engine = pc_booking_engine(d->s->booking);
    struct pc_tariff tariff;

    pc_engine_remove(engine, &d->row->header_.uuid);
    int64_t price = pc_booking_price(d->s->booking, cloudlet, req, &tariff);
    if (price == INT64_MAX) {
        pc_sched_answer(d, d->n_slots ? d->row->state : "declined",
                        PC_PRICE_TOO_HIGH);
        return;
    }

    verify_tariff(d, cloudlet);
    pc_sched_raise_version(node);
    pcrec_reservation_set_turn(d->row, node->version);
    if (!d->n_slots) {
        pcrec_reservation_set_node(d->row, node);
    } else if (node != d->row->node) {
        pcrec_reservation_set_proposed_node(d->row, node);
    }
    pc_sched_forget_refused(d);
    pcrec_reservation_set_judged(d->row, 0);
    pcrec_reservation_set_verdict(d->row, "");
    pcrec_reservation_set_placed(d->row, d->row->request);
    pcrec_reservation_set_price(d->row, price);
    set_proposed(d);
    pc_booking_refresh(d->s->booking, d->row);
}

/* What was refused for another request counts no more. */
void
pc_sched_forget_refused(struct pc_sched_decision *d)
{
    if (d->row->placed != d->row->request && d->row->n_refused) {
        pcrec_reservation_set_refused(d->row, NULL, 0);
    }
}

static void
decline(struct pc_sched_decision *d, const struct pc_engine_request *req)
{
    struct smap alternatives = SMAP_INITIALIZER(&alternatives);
    char *reason = pc_booking_explain(d->s->booking, d->s->loop.idl, req,
                                      &alternatives);

    pcrec_reservation_set_alternatives(d->row, &alternatives);
    pc_sched_answer(d, "declined", reason);
    free(reason);
    smap_destroy(&alternatives);
}

/* A request for a new reservation: the nearest node that fits. */
static void
place(struct pc_sched_decision *d)
{
    struct pc_engine *engine = pc_booking_engine(d->s->booking);
    struct pc_engine_placement p;
    struct pc_engine_request req;

    pc_sched_begin(d, "reserve");
    pc_sched_forget_refused(d);
    pc_booking_request(d->s->booking, d->row, d->wanted, d->n_wanted, &req);
    if (pc_engine_place(engine, &req, &p)) {
        pc_sched_propose(d,
                         pcrec_node_get_for_uuid(d->s->loop.idl, &p.node),
                         pcrec_cloudlet_get_for_uuid(d->s->loop.idl,
                                                     &p.cloudlet), &req);
    } else {
        decline(d, &req);
    }
    free(CONST_CAST(struct uuid *, req.refused));
}

/* (Not by "addvalue", which the row shows only when the transaction has
 * succeeded.) */
void
pc_sched_add_refused(struct pc_sched_decision *d, const struct pcrec_node *node)
{
    size_t n = d->row->n_refused;
    struct pcrec_node **refused = xmalloc((n + 1) * sizeof *refused);

    if (n) {
        memcpy(refused, d->row->refused, n * sizeof *refused);
    }
    refused[n] = CONST_CAST(struct pcrec_node *, node);
    pcrec_reservation_set_refused(d->row, refused, n + 1);
    free(refused);
}

/* 'row' is pending and may not have its node: on to the next one. */
static void
refuse(struct pc_sched_decision *d, const char *why)
{
    const struct pcrec_node *node = d->row->node;

    VLOG_INFO("reservation %s: not on node %s: %s", d->row->name, node->name,
              why);
    pc_sched_begin(d, "reserve");
    pc_sched_add_refused(d, node);
    pcrec_reservation_set_node(d->row, NULL);
    pcrec_reservation_set_proposed(d->row, NULL, 0);
    pc_booking_refresh(d->s->booking, d->row);
    place(d);
}

static void
confirm(struct pc_sched_decision *d)
{
    pc_sched_begin(d, "confirm");
    char *error = pc_sched_charge(d->s, d->row, d->txn, d->row->price,
                                  "confirmed");
    if (error) {
        pc_sched_answer(d, "declined", error);
        free(error);
        return;
    }
    accept_proposed(d);
    pcrec_reservation_set_made(d->row, d->s->now);
    pcrec_reservation_set_answered(d->row, d->row->placed);
    char *reason = xasprintf("on node %s", d->row->node->name);
    pc_sched_set_state(d->s, d->row, "confirmed", reason);
    free(reason);
}

static bool
decide_pending(struct pc_sched_decision *d, int64_t *due)
{
    const struct pcrec_reservation *row = d->row;

    if (row->cancel) {
        pc_sched_begin(d, "cancel");
        pc_sched_answer(d, "cancelled", "before it was decided");
    } else if (d->wanted[d->n_wanted - 1].end <= d->s->now) {
        pc_sched_begin(d, "end");
        pc_sched_answer(d, "declined", "its time is over");
    } else if (!row->node || row->placed != row->request) {
        place(d);
    } else if (!pc_booking_is_usable(d->s->booking, row->node)) {
        refuse(d, "the node or its cloudlet is silent");
    } else if (row->judged != row->placed) {
        *due = d->wanted[d->n_wanted - 1].end;
        return false;           /* The controller's turn. */
    } else if (row->verdict[0]) {
        refuse(d, row->verdict);
    } else {
        confirm(d);
    }
    return true;
}

/* What is promised. */

/* What 'slots', from now on, would cost on the reservation's node now; 0 if that
 * is gone.  (What is past is paid, and not given back.) */
static int64_t
price_of(struct pc_sched_decision *d, const struct pc_slot *slots, size_t n,
         struct pc_tariff *tariff)
{
    size_t n_rest;
    struct pc_slot *rest = pc_slots_from(slots, n, d->s->now, &n_rest);
    const struct pcrec_cloudlet *cloudlet
        = d->row->node ? pc_sched_cloudlet_of(d->s, d->row->node) : NULL;
    struct pc_engine_request req;
    int64_t price = 0;

    memset(tariff, 0, sizeof *tariff);
    if (cloudlet && n_rest) {
        pc_engine_remove(pc_booking_engine(d->s->booking),
                         &d->row->header_.uuid);
        pc_booking_request(d->s->booking, d->row, rest, n_rest, &req);
        price = pc_booking_price(d->s->booking, cloudlet, &req, tariff);
        verify_tariff(d, cloudlet);
        free(CONST_CAST(struct uuid *, req.refused));
        pc_booking_refresh(d->s->booking, d->row);
    }
    free(rest);
    return price;
}

void
pc_sched_resized(struct pc_sched_decision *d, const char *reason)
{
    struct pc_tariff tariff;
    int64_t now_price = price_of(d, d->slots, d->n_slots, &tariff);
    int64_t price = price_of(d, d->wanted, d->n_wanted, &tariff);
    char *error;

    pc_sched_begin(d, "resized");
    if (price >= now_price) {
        error = pc_sched_charge(d->s, d->row, d->txn, price - now_price,
                                "resized");
    } else {
        int64_t refund = pc_tariff_refund_shrink(
            &tariff, now_price - price, d->row->made, d->slots[0].begin,
            d->s->now);
        error = pc_sched_refund(d->s, d->row, d->txn,
                                MIN(refund, d->row->paid), "resized");
    }
    if (error) {
        pc_sched_answer(d, d->row->state, error);
        free(error);
        return;
    }
    if (!d->row->n_proposed) {
        set_proposed(d);
    }
    accept_proposed(d);
    pcrec_reservation_set_answered(d->row, d->row->request);
    pc_sched_set_state(d->s, d->row, d->row->state, reason);
    pc_booking_refresh(d->s->booking, d->row);
}

/* Does 'wanted' ask for no more than is promised, at any instant? */
static bool
is_smaller(const struct pc_sched_decision *d)
{
    size_t n;
    struct pc_slot *max = pc_slots_max(d->slots, d->n_slots, d->wanted,
                                         d->n_wanted, &n);
    bool smaller = true;
    size_t j = 0;

    for (size_t i = 0; i < n && smaller; i++) {
        while (j < d->n_slots && d->slots[j].end <= max[i].begin) {
            j++;
        }
        smaller = (j < d->n_slots && d->slots[j].begin <= max[i].begin
                   && pc_amount_fits(&max[i].amount, &d->slots[j].amount));
    }
    free(max);
    return smaller;
}

/* Nothing fits, nothing makes room: both are said. */
static void
decline_resize(struct pc_sched_decision *d,
               const struct pc_engine_request *req)
{
    struct smap alternatives = SMAP_INITIALIZER(&alternatives);
    char *nothing = pc_booking_explain(d->s->booking, d->s->loop.idl, req,
                                       &alternatives);
    const char *verdict = (d->row->placed == d->row->request
                           ? d->row->verdict : "");
    char *reason = xasprintf("%s%s%s%s; and no other reservation on node %s "
                             "can make room", nothing, verdict[0] ? " (" : "",
                             verdict, verdict[0] ? ")" : "",
                             d->row->node->name);

    smap_remove(&alternatives, "cloudlet");     /* It does not go there. */
    pcrec_reservation_set_alternatives(d->row, &alternatives);
    pc_sched_answer(d, d->row->state, reason);
    free(reason);
    free(nothing);
    smap_destroy(&alternatives);
}

bool
pc_sched_resize(struct pc_sched_decision *d)
{
    const struct pcrec_node *node = d->row->node;
    struct pc_engine_request req;
    enum pc_sched_room room = PC_ROOM_MADE;
    size_t n;

    if (d->row->move_to && d->row->move_to != node) {
        pc_sched_move_by_hand(d);
        return true;
    } else if (is_smaller(d)) {
        pc_sched_resized(d, "resized");
        return true;
    }
    struct pc_slot *rest = pc_slots_from(d->wanted, d->n_wanted, d->s->now,
                                         &n);
    pc_sched_request(d, rest, n, NULL, &req);
    if (!pc_sched_is_refused(d, node)
        && pc_engine_fits(pc_booking_engine(d->s->booking), &req,
                          &node->header_.uuid)) {
        pc_sched_begin(d, "resize");
        pc_sched_propose(d, node, pc_sched_cloudlet_of(d->s, node), &req);
    } else {
        room = pc_sched_make_room(d, &req);
    }
    if (room == PC_ROOM_NONE) {
        pc_sched_begin(d, "resize");
        decline_resize(d, &req);
    }
    free(CONST_CAST(struct uuid *, req.refused));
    free(rest);
    return room != PC_ROOM_WAIT;
}

/* 'row' may not have on its node what was proposed: on to another one. */
static void
refuse_resize(struct pc_sched_decision *d)
{
    pc_sched_begin(d, "resized");
    pc_sched_add_refused(d, d->row->node);
    pcrec_reservation_set_proposed(d->row, NULL, 0);
    pc_booking_refresh(d->s->booking, d->row);
    pc_sched_resize(d);
}

/* What giving it up gives back.  Of what has begun, as much as making it smaller
 * than anything would. */
static int64_t
cancel_refund(struct pc_sched_decision *d)
{
    int64_t start = d->slots[0].begin;
    struct pc_tariff tariff;

    if (d->s->now < start) {
        return pc_tariff_refund_cancel(d->row->paid, d->row->made, start,
                                       d->s->now);
    }
    int64_t rest = price_of(d, d->slots, d->n_slots, &tariff);
    int64_t refund = pc_tariff_refund_shrink(&tariff, rest, d->row->made,
                                             start, d->s->now);

    return MIN(refund, d->row->paid);
}

static void
cancel(struct pc_sched_decision *d)
{
    int64_t refund = cancel_refund(d);

    pc_sched_begin(d, "cancel");
    char *error = pc_sched_refund(d->s, d->row, d->txn, refund, "cancelled");

    pc_sched_answer(d, error ? d->row->state : "cancelled", error ? error : "");
    free(error);
}

/* The node is gone: what is left is given back. */
static void
fail(struct pc_sched_decision *d, const char *why)
{
    int64_t start = d->slots[0].begin, end = d->slots[d->n_slots - 1].end;
    int64_t from = MAX(start, d->s->now);
    /* By time: the node's cloudlet, and with it the tariff, is not known any
     * more. */
    int64_t rest = (from < end
                    ? (__int128) d->row->paid * (end - from) / (end - start)
                    : 0);
    pc_sched_begin(d, "fail");
    char *error = pc_sched_refund(d->s, d->row, d->txn, rest, "failed");

    pc_sched_answer(d, error ? d->row->state : "failed", error ? error : why);
    free(error);
}

static bool
decide_promised(struct pc_sched_decision *d, int64_t *due)
{
    const struct pcrec_reservation *row = d->row;
    int64_t start = d->slots[0].begin;
    int64_t end = d->slots[d->n_slots - 1].end;

    *due = !strcmp(row->state, "confirmed") ? start : end;
    if (!row->node) {
        fail(d, "its node is gone");
    } else if (row->cancel) {
        cancel(d);
    } else if (end <= d->s->now) {
        pc_sched_begin(d, "end");
        pc_sched_answer(d, "ended", "");
    } else if (start <= d->s->now && !strcmp(row->state, "confirmed")) {
        pc_sched_begin(d, "start");
        pc_sched_set_state(d->s, row, "active", "");
    } else if (row->proposed_node) {
        if (row->judged != row->placed) {
            return false;
        }
        pc_sched_moved(d);
    } else if (row->answered == row->request) {
        return false;
    } else if (row->placed != row->request) {
        return pc_sched_resize(d);
    } else if (row->judged != row->placed) {
        return false;
    } else if (row->verdict[0]) {
        refuse_resize(d);
    } else {
        pc_sched_resized(d, "resized");
    }
    return true;
}

/* A row that says what cannot be.  Only somebody who writes past pcloud-ctl can
 * have made it. */
static bool
decide_broken(struct pc_sched_decision *d, const char *error)
{
    if (pc_sched_is_over(d->row) || d->row->answered == d->row->request) {
        return false;
    }
    pc_sched_begin(d, "answer");
    pc_sched_answer(d, strcmp(d->row->state, "pending") ? d->row->state
                    : "declined", error);
    return true;
}

static bool
decide(struct pc_sched_decision *d, int64_t *due)
{
    const struct pcrec_reservation *row = d->row;

    if (pc_sched_is_over(row)) {
        if (row->answered == row->request) {
            return pc_sched_charge_used(d->s, row, d->txn);
        }
        pc_sched_begin(d, "answer");
        char *reason = xasprintf("it is %s already", row->state);
        pc_sched_answer(d, row->state, reason);
        free(reason);
        return true;
    }
    return (strcmp(row->state, "pending") ? decide_promised(d, due)
            : decide_pending(d, due));
}

bool
pc_sched_decide(struct pc_scheduler *s, const struct pcrec_reservation *row,
                struct ovsdb_idl_txn *txn, int64_t *due)
{
    struct pc_sched_decision d = { .s = s, .row = row, .txn = txn };
    bool promised = (strcmp(row->state, "pending") && !pc_sched_is_over(row));

    char *error = pc_request_parse_slots(row->wanted, row->n_wanted,
                                         &d.wanted, &d.n_wanted);
    if (!error) {
        error = pc_slots_check(d.wanted, d.n_wanted);
    }
    if (error && promised && row->answered == row->request) {
        free(error);            /* What is promised stays. */
        error = NULL;
    }
    if (error && promised && row->proposed_node) {
        d.broken = true;        /* Not before that is settled. */
        free(error);
        error = NULL;
    }
    if (!error) {
        error = pc_request_parse_slots(row->slots, row->n_slots, &d.slots,
                                       &d.n_slots);
    }
    if (!error && promised) {
        error = pc_slots_check(d.slots, d.n_slots);
    }
    bool changed = error ? decide_broken(&d, error) : decide(&d, due);

    free(error);
    free(d.wanted);
    free(d.slots);
    return changed;
}
