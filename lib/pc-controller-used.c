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

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-controller-private.h"
#include "pc-report.h"
#include "pc-usage.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_used);

/* What VIs have used, for their reservations.  A VI's row is the account of what
 * it has used; before it is deleted its node stops the container and writes the
 * last figures, and with it they go over to the reservation. */

/* How long a node may take for that. */
#define CLOSE_MS 10000

/* Does the node of 'row', a VI that runs, live to say what it has used? */
static bool
can_close(const struct pcrec_vi *row)
{
    return (row->n_slots && row->n_pid && row->node && row->reservation
            && row->reservation->metered
            && pc_report_node_is_usable(row->node));
}

/* Moves what 'row' has used to its reservation. */
static void
hand_over(const struct pcrec_vi *row)
{
    const struct pcrec_reservation *r = row->reservation;
    const char *keys[PC_N_USAGE + 1];
    int64_t values[PC_N_USAGE + 1];
    struct pc_usage vi, sum;
    int64_t vis = 0;

    pc_usage_from_column(&vi, row->key_consumed, row->value_consumed,
                         row->n_consumed);
    pc_usage_to_column(&vi, keys, values);
    /* By key: a sum of columns is exact, whatever the units of 'sum'. */
    for (size_t i = 0; i < r->n_used; i++) {
        if (!strcmp(r->key_used[i], "vis")) {
            vis = r->value_used[i];
        }
        for (size_t j = 0; j < PC_N_USAGE; j++) {
            if (!strcmp(r->key_used[i], keys[j])) {
                values[j] = pc_usage_sum(values[j],
                                         MAX(r->value_used[i], 0));
            }
        }
    }
    pc_usage_from_column(&sum, (char **) keys, values, PC_N_USAGE);
    VLOG_INFO("%s: used CPU %"PRId64" us, received %"PRId64" bytes, sent "
              "%"PRId64" bytes for reservation %s", row->name, sum.cpu_usec,
              sum.received, sum.sent, r->name);
    keys[PC_N_USAGE] = "vis";
    values[PC_N_USAGE] = vis + 1;
    pcrec_reservation_verify_used(r);
    pcrec_reservation_set_used(r, keys, values, PC_N_USAGE + 1);
}

/* 'vi', with row 'row', is to be deleted, and no flow leads to it any more.  Returns
 * true if it can be deleted in this transaction, which then has what it has used;
 * false if its node has to stop it first. */
bool
pc_ctl_used_close(struct pc_ctl_vi *vi, const struct pcrec_vi *row)
{
    if (can_close(row)) {
        if (!vi->close_until) {
            vi->close_until = time_msec() + CLOSE_MS;
        }
        if (time_msec() < vi->close_until) {
            if (strcmp(row->admin_state, "down") || !row->released) {
                pcrec_vi_set_admin_state(row, "down");
                pcrec_vi_set_released(row, true);
            }
            return false;
        }
        VLOG_WARN("%s: its node has not stopped it within %d s", row->name,
                  CLOSE_MS / 1000);
    }
    if (row->reservation && row->reservation->metered) {
        hand_over(row);
    }
    return true;
}

void
pc_ctl_used_wait(const struct pc_controller *c)
{
    const struct pc_ctl_vi *vi;

    LIST_FOR_EACH (vi, leave_node, &c->leaving_vis) {
        if (vi->close_until) {
            poll_timer_wait_until(MAX(vi->close_until, time_msec() + 10));
        }
    }
}
