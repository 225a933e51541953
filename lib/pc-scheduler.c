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

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-clock.h"
#include "pc-fault.h"
#include "pc-ledger.h"
#include "pc-lock.h"
#include "pc-reread.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_scheduler);

/* The main loop: what has changed, and what is due. */

/* After several failures in a row, in ms. */
#define RETRY_MS 1000

/* Columns of Reservation that the booking does not need. */
static const struct ovsdb_idl_column *const columns[] = {
    &pcrec_reservation_col_wanted, &pcrec_reservation_col_cancel,
    &pcrec_reservation_col_request, &pcrec_reservation_col_answered,
    &pcrec_reservation_col_move_to,
    &pcrec_reservation_col_placed, &pcrec_reservation_col_judged,
    &pcrec_reservation_col_verdict, &pcrec_reservation_col_turn,
    &pcrec_reservation_col_made,
    &pcrec_reservation_col_price, &pcrec_reservation_col_paid,
    &pcrec_reservation_col_reason, &pcrec_reservation_col_alternatives,
    &pcrec_reservation_col_changes,
};

static struct pc_sched_reservation *
pc_sched_find(const struct pc_scheduler *s, const struct uuid *uuid)
{
    struct pc_sched_reservation *r;

    HMAP_FOR_EACH_WITH_HASH (r, hmap_node, uuid_hash(uuid),
                             &s->reservations) {
        if (uuid_equals(&r->uuid, uuid)) {
            return r;
        }
    }
    return NULL;
}

static void
pc_sched_mark(struct pc_scheduler *s, struct pc_sched_reservation *r)
{
    if (!r->is_dirty) {
        r->is_dirty = true;
        ovs_list_push_back(&s->dirty, &r->dirty_node);
    }
}

static void
pc_sched_unmark(struct pc_sched_reservation *r)
{
    if (r->is_dirty) {
        r->is_dirty = false;
        ovs_list_remove(&r->dirty_node);
    }
}

void
pc_sched_set_due(struct pc_scheduler *s, struct pc_sched_reservation *r,
                 int64_t time)
{
    if (r->is_due) {
        if (r->due_at == time) {
            return;
        }
        heap_remove(&s->due, &r->due_node);
    }
    r->due_at = time;
    r->is_due = time != INT64_MAX;
    if (r->is_due) {
        heap_insert(&s->due, &r->due_node, UINT64_MAX - time);
    }
}

static void
pc_sched_forget(struct pc_scheduler *s, struct pc_sched_reservation *r)
{
    pc_sched_set_due(s, r, INT64_MAX);
    pc_sched_unmark(r);
    if (r->is_in_flight) {
        ovs_list_remove(&r->flight_node);
    }
    if (r->is_waiting) {
        ovs_list_remove(&r->wait_node);
    }
    hmap_remove(&s->reservations, &r->hmap_node);
    free(r);
}

void
pc_sched_wait_for_others(struct pc_scheduler *s,
                         const struct pcrec_reservation *row)
{
    struct pc_sched_reservation *r = pc_sched_find(s, &row->header_.uuid);

    if (r && !r->is_waiting) {
        r->is_waiting = true;
        ovs_list_push_back(&s->waiting, &r->wait_node);
    }
}

void
pc_sched_wake(struct pc_scheduler *s)
{
    struct pc_sched_reservation *r;

    /* First, and in the order in which they came: nobody else gets their place. */
    while (!ovs_list_is_empty(&s->waiting)) {
        r = CONTAINER_OF(ovs_list_pop_back(&s->waiting),
                         struct pc_sched_reservation, wait_node);
        r->is_waiting = false;
        pc_sched_unmark(r);
        r->is_dirty = true;
        ovs_list_push_front(&s->dirty, &r->dirty_node);
    }
}

void
pc_sched_fly(struct pc_scheduler *s, const struct pcrec_reservation *row)
{
    struct pc_sched_reservation *r = pc_sched_find(s, &row->header_.uuid);

    if (r && !r->is_in_flight) {
        r->is_in_flight = true;
        ovs_list_push_back(&s->in_flight, &r->flight_node);
    }
}

static void
pc_sched_forget_all(struct pc_scheduler *s)
{
    struct pc_sched_reservation *r;

    HMAP_FOR_EACH_SAFE (r, hmap_node, &s->reservations) {
        pc_sched_forget(s, r);
    }
}

/* One that is over needs nothing more, unless something is asked of it or what it
 * used is not charged yet. */
static bool
pc_sched_is_done(const struct pcrec_reservation *row)
{
    return (pc_sched_is_over(row) && row->answered == row->request
            && !row->metered);
}

/* Takes note of 'row', new or changed. */
static void
pc_sched_update(struct pc_scheduler *s, const struct pcrec_reservation *row)
{
    struct pc_sched_reservation *r = pc_sched_find(s, &row->header_.uuid);

    if (pc_sched_is_done(row)) {
        if (r && !r->is_in_flight) {
            pc_sched_forget(s, r);
        }
        return;
    }
    if (!r) {
        r = xzalloc(sizeof *r);
        r->uuid = row->header_.uuid;
        hmap_insert(&s->reservations, &r->hmap_node, uuid_hash(&r->uuid));
    }
    pc_sched_mark(s, r);
}

/* What is pending may wait for a node that is usable no more. */
void
pc_sched_places_changed(struct pc_scheduler *s)
{
    struct pc_sched_reservation *r;

    HMAP_FOR_EACH (r, hmap_node, &s->reservations) {
        pc_sched_mark(s, r);
    }
}

static void
pc_sched_track(struct pc_scheduler *s)
{
    const struct pcrec_reservation *row;

    if (s->loaded && pc_reread(s->loop.idl)) {
        pc_sched_forget_all(s);
        s->loaded = false;
    }
    if (!s->loaded) {
        PCREC_RESERVATION_FOR_EACH (row, s->loop.idl) {
            pc_sched_update(s, row);
        }
        s->loaded = true;
        return;
    }
    if (pcrec_reservation_track_get_first(s->loop.idl)) {
        pc_sched_wake(s);
    }
    PCREC_RESERVATION_FOR_EACH_TRACKED (row, s->loop.idl) {
        if (pcrec_reservation_is_deleted(row)) {
            struct pc_sched_reservation *r
                = pc_sched_find(s, &row->header_.uuid);
            if (r) {
                pc_sched_forget(s, r);
            }
        } else {
            pc_sched_update(s, row);
        }
    }
    if (pcrec_node_track_get_first(s->loop.idl)) {
        pc_sched_places_changed(s);
    }
}

static void
pc_sched_take_due(struct pc_scheduler *s)
{
    while (!heap_is_empty(&s->due)) {
        struct pc_sched_reservation *r
            = CONTAINER_OF(heap_max(&s->due), struct pc_sched_reservation,
                           due_node);
        if (r->due_at > s->now) {
            break;
        }
        pc_sched_set_due(s, r, INT64_MAX);
        pc_sched_mark(s, r);
    }
}

/* The last transaction is decided: looks again at what it was about.  If it has
 * failed the booking counts what was never written. */
static void
pc_sched_land(struct pc_scheduler *s)
{
    struct pc_sched_reservation *r;

    LIST_FOR_EACH_POP (r, flight_node, &s->in_flight) {
        const struct pcrec_reservation *row
            = pcrec_reservation_get_for_uuid(s->loop.idl, &r->uuid);

        r->is_in_flight = false;
        if (row) {
            pc_booking_refresh(s->booking, row);
            pc_sched_mark(s, r);
        }
    }
}

/* The point 'when', "before" etc., of the step that was decided last. */
static void
pc_sched_fault(const struct pc_scheduler *s, const char *when)
{
    if (s->fault && s->step) {
        char *point = xasprintf("%s-%s", when, s->step);
        pc_fault(s->fault, point);
        free(point);
    }
}

/* Writes what the reservations that are dirty need. */
static void
pc_sched_work(struct pc_scheduler *s, struct ovsdb_idl_txn *txn)
{
    size_t n = 0;

    pc_sched_land(s);
    while (!ovs_list_is_empty(&s->dirty) && n < PC_SCHED_BATCH) {
        struct pc_sched_reservation *r
            = CONTAINER_OF(ovs_list_front(&s->dirty),
                           struct pc_sched_reservation, dirty_node);
        const struct pcrec_reservation *row
            = pcrec_reservation_get_for_uuid(s->loop.idl, &r->uuid);
        int64_t due = INT64_MAX;

        pc_sched_unmark(r);
        if (!row) {
            pc_sched_forget(s, r);
        } else if (pc_sched_decide(s, row, txn, &due)) {
            pc_sched_fly(s, row);
            n++;
        } else if (pc_sched_is_done(row)) {
            pc_sched_forget(s, r);
        } else {
            pc_sched_set_due(s, r, due);
        }
    }
    s->counters.n_decisions += n;
    s->counters.n_transactions += n > 0;
}

void
pc_scheduler_run(struct pc_scheduler *s)
{
    struct ovsdb_idl_txn *txn = ovsdb_idl_loop_run(&s->loop);
    bool active = (ovsdb_idl_has_lock(s->loop.idl)
                   || nullable_string_is_equal(s->fault, "no-lock"));

    s->now = pc_clock_now();
    if (active != s->active) {
        s->active = active;
        VLOG_INFO("%s", active ? "this scheduler acts"
                  : "another scheduler acts, or the database is away");
    }
    if (ovsdb_idl_has_ever_connected(s->loop.idl)) {
        pc_booking_run(s->booking);
        pc_sched_track(s);
        pc_sched_watch_run(s);
        pc_sched_take_due(s);
        if (txn && active && time_msec() >= s->retry_at) {
            pc_sched_work(s, txn);
        }
    }
}

void
pc_scheduler_wait(struct pc_scheduler *s)
{
    pc_sched_fault(s, "before");
    int retval = ovsdb_idl_loop_commit_and_wait(&s->loop);

    pc_sched_fault(s, retval > 0 ? "after" : "sent");
    if (retval >= 0) {
        s->step = NULL;
    }
    if (!retval) {
        /* Somebody else was faster, which is no reason to wait once; or what we
         * write is refused, and will be again. */
        s->counters.n_again++;
        if (++s->failures > 3) {
            s->retry_at = time_msec() + RETRY_MS;
        }
    } else if (retval > 0) {
        s->failures = 0;
    }
    ovsdb_idl_track_clear(s->loop.idl);
    pc_sched_watch_wait(s);
    if (!heap_is_empty(&s->due)) {
        pc_clock_wait_until(CONTAINER_OF(heap_max(&s->due),
                                         struct pc_sched_reservation,
                                         due_node)->due_at);
    }
    if (s->active && ovs_list_is_empty(&s->in_flight)
        && !ovs_list_is_empty(&s->dirty)) {
        poll_timer_wait_until(MAX(s->retry_at, time_msec()));
    } else if (time_msec() < s->retry_at) {
        poll_timer_wait_until(s->retry_at);
    }
}

static void
pc_scheduler_status(struct unixctl_conn *conn, int argc OVS_UNUSED,
                    const char *argv[] OVS_UNUSED, void *s_)
{
    const struct pc_scheduler *s = s_;
    char *status = xasprintf(
        "active: %s\nreservations: %"PRIuSIZE" not over, %"PRIuSIZE" to be "
        "looked at\nheld: %"PRIuSIZE"\ndecisions: %"PRIu64" in %"PRIu64
        " transactions, %"PRIu64" again\n", s->active ? "yes" : "no",
        hmap_count(&s->reservations), ovs_list_size(&s->dirty),
        pc_engine_n_reservations(pc_booking_engine(s->booking)),
        s->counters.n_decisions, s->counters.n_transactions,
        s->counters.n_again);

    unixctl_command_reply(conn, status);
    free(status);
}

struct pc_scheduler *
pc_scheduler_create(const char *remote, const char *fault)
{
    struct pc_scheduler *s = xzalloc(sizeof *s);
    struct ovsdb_idl *idl = ovsdb_idl_create(remote, &pcrec_idl_class, false,
                                             true);

    s->loop = (struct ovsdb_idl_loop) OVSDB_IDL_LOOP_INITIALIZER(idl);
    pc_booking_register(idl, true);
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(idl, columns[i]);
        ovsdb_idl_track_add_column(idl, columns[i]);
    }
    ovsdb_idl_add_column(idl, &pcrec_node_col_version);
    ovsdb_idl_add_column(idl, &pcrec_provider_col_version);
    ovsdb_idl_add_column(idl, &pcrec_cloudlet_col_reported);
    hmap_init(&s->cloudlets);
    s->watch_at = LLONG_MAX;
    pc_ledger_add_columns(idl);
    pc_sched_used_register(s);
    s->fault = nullable_xstrdup(fault);
    if (!nullable_string_is_equal(fault, "no-lock")) {
        char *lock = pc_lock_name("scheduler", NULL);

        ovsdb_idl_set_lock(idl, lock);
        free(lock);
    }
    s->booking = pc_booking_create(idl, true);
    hmap_init(&s->reservations);
    heap_init(&s->due);
    ovs_list_init(&s->dirty);
    ovs_list_init(&s->in_flight);
    ovs_list_init(&s->waiting);
    unixctl_command_register("scheduler/status", "", 0, 0,
                             pc_scheduler_status, s);
    return s;
}

void
pc_scheduler_destroy(struct pc_scheduler *s)
{
    if (s) {
        pc_sched_forget_all(s);
        hmap_destroy(&s->reservations);
        pc_sched_watch_destroy(s);
        heap_destroy(&s->due);
        pc_booking_destroy(s->booking);
        ovsdb_idl_loop_destroy(&s->loop);
        free(s->fault);
        free(s);
    }
}
