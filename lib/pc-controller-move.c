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
#include "pc-controller-private.h"
#include "pc-event.h"
#include "pc-fault.h"
#include "pc-report.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_move);

/* VIs that move to another node: the nodes do it (see pc-node-move.c).  The
 * controller takes a VI out of its service while it is stopped for that, so that
 * its traffic is bypassed or dropped as the service says; gives it traffic again
 * if it has drained first; and lets it stay where it is if the other node is
 * silent. */

/* Is 'row' about to be stopped, or stopped, by the node that has its files, for
 * another is ready to take it?  With connections to lose it is not stopped until
 * it has drained. */
bool
pc_ctl_move_is_stopping(const struct pcrec_vi *row)
{
    return (row->node && row->home && row->node != row->home
            && row->taker == row->node && strcmp(row->admin_state, "drain"));
}

static bool
is_moving(const struct pcrec_vi *row)
{
    return row->node && row->home && row->node != row->home;
}

static bool
has_drained_for_it(const struct pcrec_vi *row)
{
    return smap_get_bool(&row->options, "drain-to-move", false);
}

/* Takes over what 'row' says of a move. */
void
pc_ctl_move_update(struct pc_controller *c, struct pc_ctl_vi *vi,
                   const struct pcrec_vi *row)
{
    const struct uuid *home = row->home ? &row->home->header_.uuid : NULL;

    if (home && !uuid_equals(&vi->home, home)) {
        if (!uuid_is_zero(&vi->home)) {
            /* What the node role of this process has said of it last is about
             * a container that is no more. */
            vi->node_ready = -1;
        }
        vi->home = *home;
    }
    if (is_moving(row) || has_drained_for_it(row)) {
        hmapx_add(&c->moving, vi);
    } else {
        hmapx_find_and_delete(&c->moving, vi);
    }
}

/* 'node', which 'row' is to go to or come from, does not answer. */
static void
call_off(struct pc_controller *c, const struct pc_ctl_vi *vi,
         const struct pcrec_vi *row, const struct pcrec_node *node)
{
    char *cause = xasprintf("node %s is silent", node->name);

    VLOG_WARN("%s: not moved: %s", row->name, cause);
    pcrec_vi_verify_node(row);
    pcrec_vi_verify_home(row);
    pcrec_vi_set_node(row, row->home);
    pcrec_vi_set_taker(row, NULL);
    pcrec_vi_set_move_error(row, cause);
    pc_events_add(c->events, &(struct pc_event) {
                      .kind = PC_EVENT_VI_NOT_MOVED,
                      .cloudlet = c->cloudlet_name,
                      .service = vi->svc ? vi->svc->s.name : NULL,
                      .vi = row->name, .cause = cause });
    free(cause);
}

static void
undrain(const struct pcrec_vi *row)
{
    pcrec_vi_update_options_delkey(row, "drain-to-move");
    pcrec_vi_update_options_delkey(row, "drain-until");
    if (strcmp(row->admin_state, "down")) {
        pcrec_vi_set_admin_state(row, "up");
    }
}

/* Writes, in a transaction, what the VIs that move need. */
void
pc_ctl_move_run(struct pc_controller *c)
{
    struct hmapx_node *node;

    HMAPX_FOR_EACH (node, &c->moving) {
        const struct pc_ctl_vi *vi = node->data;
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

        if (!row) {
            continue;
        } else if (!is_moving(row)) {
            if (has_drained_for_it(row)) {
                undrain(row);   /* Else it was called off just now. */
            }
        } else if (!pc_report_node_is_usable(row->node)) {
            call_off(c, vi, row, row->node);
        }
    }
}

/* VIs of reservations.
 *
 * Where such a VI is to be is the reservation's to say: it moves when that moves,
 * and the reservation has moved when the VI has come to rest.  VI.options:moving-to
 * tells a move that has not begun from one that has failed. */

#define MOVING_TO "moving-to"

bool
pc_ctl_move_is_begun(const struct pc_controller *c, const struct pc_ctl_vi *vi,
                     const struct pcrec_reservation *r)
{
    const struct pcrec_vi *row = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

    return (row && nullable_string_is_equal(smap_get(&row->options, MOVING_TO),
                                            r->proposed_node->name));
}

static void
verify_place(const struct pcrec_vi *row)
{
    pcrec_vi_verify_node(row);
    pcrec_vi_verify_home(row);
}

/* Has it move.  If nothing can be written yet it waits; if it cannot, '*error' is
 * why, for the caller to free. */
enum pc_ctl_move
pc_ctl_move_begin(struct pc_controller *c, const struct pc_ctl_vi *vi,
                  const struct pcrec_reservation *r, char **error)
{
    const struct pcrec_vi *row = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

    if (!row || vi->leaving || vi->over || is_moving(row)) {
        return PC_CTL_MOVE_WAITS;
    } else if (!strcmp(row->admin_state, "down")) {
        *error = xasprintf("VI %s is down", row->name);
        return PC_CTL_MOVE_ENDED;
    }
    verify_place(row);
    pcrec_reservation_verify_state(r);
    pcrec_reservation_verify_node(r);
    pcrec_reservation_verify_proposed_node(r);
    if (row->node != r->proposed_node) {
        pcrec_vi_set_node(row, r->proposed_node);
        pcrec_vi_set_taker(row, NULL);
        pcrec_vi_set_move_error(row, "");
    }
    if (!row->home || row->home == r->proposed_node) {
        return PC_CTL_MOVE_ENDED;       /* There are no files yet. */
    }
    VLOG_INFO("%s: moves from node %s to node %s with reservation %s",
              row->name, row->home->name, r->proposed_node->name, r->name);
    pcrec_vi_update_options_setkey(row, MOVING_TO, r->proposed_node->name);
    pc_fault(c->fault, "before-go");
    return PC_CTL_MOVE_WRITTEN;
}

/* The same while it does. */
enum pc_ctl_move
pc_ctl_move_watch(struct pc_controller *c, const struct pc_ctl_vi *vi,
                  const struct pcrec_reservation *r, char **error)
{
    const struct pcrec_vi *row = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

    if (is_moving(row)) {
        pc_fault(c->fault, "after-go");
        if (!pc_report_node_is_usable(row->home)) {
            call_off(c, vi, row, row->home);
            return PC_CTL_MOVE_WRITTEN;
        }
        return PC_CTL_MOVE_WAITS;
    }
    if (row->home != r->proposed_node) {
        *error = xasprintf("VI %s: %s", row->name,
                           row->move_error[0] ? row->move_error
                           : "it was called off");
    }
    verify_place(row);
    pcrec_vi_update_options_delkey(row, MOVING_TO);
    return PC_CTL_MOVE_ENDED;
}
