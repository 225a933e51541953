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

#include "openvswitch/vlog.h"
#include "pc-clock.h"
#include "pc-controller-private.h"
#include "pc-fault.h"
#include "pc-request.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_tenure);

/* The VIs of reservations: started when their time has come, following what changes,
 * and ended by our own clock. */

/* Does it hold capacity? */
bool
pc_ctl_reservation_is_current(const struct pcrec_reservation *row)
{
    return (!strcmp(row->state, "pending") || !strcmp(row->state, "confirmed")
            || !strcmp(row->state, "active"));
}

/* The VI for 'row', which may be leaving; NULL if there is none. */
struct pc_ctl_vi *
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

/* The begin, and changes. */

/* Is some of the time of 'row' left?  The scheduler may be late to say. */
static bool
has_time_left(const struct pcrec_reservation *row)
{
    struct pc_slot *slots;
    size_t n;
    char *error = pc_request_parse_slots(row->slots, row->n_slots, &slots, &n);
    bool left = !error && n && slots[n - 1].end > pc_clock_now();

    free(error);
    free(slots);
    return left;
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
 * slots or its service. */
void
pc_ctl_reservation_run_vi(struct pc_controller *c,
                          const struct pcrec_reservation *row,
                          struct ovsdb_idl_txn *txn, struct pc_ctl_todo *todo)
{
    struct pc_ctl_vi *vi = pc_ctl_reservation_vi(c, row);

    if (!vi) {
        struct pc_ctl_service *svc
            = (row->service
               ? pc_ctl_service_find(c, &row->service->header_.uuid) : NULL);
        /* If it moves, not before it is decided where to. */
        if (svc && !row->proposed_node && has_time_left(row)
            && pc_ctl_place_reserved(c, svc, row, txn)) {
            pc_fault(c->fault, "before-place");
            todo->wrote = todo->vis = true;
        }
        todo->again |= row->service != NULL;
        return;
    }
    pc_fault(c->fault, "after-place");
    const struct pcrec_vi *vi_row
        = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);
    if (vi->leaving || vi->over || vi_row->service != row->service) {
        pc_ctl_vi_set_over(c, vi);  /* The capacity is that of one VI. */
        todo->again = true;
    } else if (!pc_ctl_reservation_same_slots(row, vi_row)) {
        pcrec_vi_set_slots(vi_row, (const char **) row->slots, row->n_slots);
        pc_fault(c->fault, "before-follow");
        todo->wrote = todo->vis = true;
    }
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
    if (row->reservation && !pc_ctl_reservation_is_current(row->reservation)) {
        return true;
    }
    char *error = pc_request_parse_slots(row->slots, row->n_slots, &slots, &n);
    bool over = !error && n && slots[n - 1].end <= now;

    *end = !error && n ? slots[n - 1].end : INT64_MAX;
    free(error);
    free(slots);
    return over;
}

/* Takes the flows of the VIs away whose time is over, those that lead to them
 * first: by our own clock, so that it happens also while the database is away. */
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
        if (!vi->over && is_over(row, now, &end)) {
            VLOG_INFO("%s: its time is over", vi->vi.name);
            pc_ctl_vi_set_over(c, vi);
        }
        if (!vi->over) {
            c->expire_at = MIN(c->expire_at, end);
        } else if (pc_ctl_vi_is_released(c, vi)) {
            pc_fault(c->fault, "before-leave");
            pc_ctl_vi_leave(c, vi);
        } else {
            c->expire_changed = true;   /* Look again. */
        }
    }
    if (time_msec() >= c->release_at) {
        c->release_at = 0;      /* What is left waits for the switch. */
    }
}

void
pc_ctl_reserve_wait(const struct pc_controller *c)
{
    if (c->expire_at != INT64_MAX) {
        pc_clock_wait_until(c->expire_at);
    }
}
