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
#include "pc-ports.h"
#include "timeval.h"
#include "util.h"

/* How a VI goes down, because it ended, failed or is not wanted as it is: the
 * steps from CUT to STOP and the way to BACKOFF (see enum pc_node_step). */

/* Takes the ports away, as the first step down. */
void
pc_node_vi_detach(struct pc_node_vi *vi)
{
    pc_fault(vi->node->fault, "before-detach");
    pc_node_vi_set_ready(vi, false, NULL);
    vi->probe_generation++;
    pc_node_ports_unwant(vi);
    pc_node_vi_step(vi, PC_STEP_DETACH);
}

/* The container has ended ('how' is PC_EVENT_VI_DIED) or could not be started
 * (PC_EVENT_VI_FAILED).  The reason is 'error', which is taken. */
void
pc_node_vi_fail(struct pc_node_vi *vi, enum pc_event_kind how, char *error)
{
    pc_node_vi_set_error(vi, error);
    vi->died = true;
    vi->died_how = how;
    vi->died_at = time_wall_usec();
    if (vi->ready) {
        pc_damp_bad(&vi->damp, time_msec());
    }
    if (how == PC_EVENT_VI_DIED) {
        pc_node_ports_cut(vi);
        pc_node_vi_set_ready(vi, false, NULL);
        vi->probe_generation++;
        pc_node_vi_step(vi, PC_STEP_CUT);
    } else if (vi->step != PC_STEP_STOP) {
        pc_node_vi_detach(vi);
    }
}

void
pc_node_vi_enter_backoff(struct pc_node_vi *vi)
{
    long long int now = time_msec();

    pc_node_death_record(vi);
    vi->died = false;
    vi->retry_at = pc_backoff_died(&vi->backoff, now);
    if (vi->died_how == PC_EVENT_VI_DIED && vi->retry_at > now) {
        char *cause = xasprintf("%u in a row; next start in %lld ms",
                                vi->backoff.n_deaths, vi->retry_at - now);

        pc_node_vi_event(vi, PC_EVENT_VI_BACKOFF, cause);
        free(cause);
    }
    pc_node_vi_step(vi, PC_STEP_BACKOFF);
}

/* To delete a port keeps the switch busy for longer than it takes it to see that
 * a link is down and to send elsewhere what went there: first things first. */
void
pc_node_vi_run_cut(struct pc_node_vi *vi)
{
    if ((pc_node_death_is_over(vi) && pc_node_ports_links_are_down(vi))
        || time_msec() >= vi->step_since + PC_NODE_CUT_MS) {
        pc_node_vi_detach(vi);
    }
}

void
pc_node_vi_run_detach(struct pc_node_vi *vi)
{
    /* A dead VI's ports carry nothing: no need to wait for the switch. */
    if (vi->busy
        || !(vi->died || pc_node_ports_are_gone(vi)
             || time_msec() >= vi->step_since + PC_NODE_DETACH_MS)) {
        return;
    }
    pc_fault(vi->node->fault, "after-detach");
    vi->dirty_root = !vi->died && pc_node_vi_root_is_outdated(vi);
    pc_node_vi_step(vi, PC_STEP_STOP);
}

void
pc_node_vi_run_stop(struct pc_node_vi *vi)
{
    if (!vi->busy && time_msec() >= vi->retry_at) {
        pc_node_job_stop(vi, vi->dirty_root);
    }
}

void
pc_node_vi_stop_done(struct pc_node_vi *vi, char *last_line, char *error)
{
    if (error) {
        pc_node_vi_set_error(vi, error);
        free(last_line);
        vi->retry_at = time_msec() + PC_BACKOFF_MIN_MS;
        return;                 /* pc_node_vi_run_stop() tries again. */
    }
    if (vi->died && vi->died_how == PC_EVENT_VI_DIED) {
        pc_node_death_add_status(vi);
    } else if (vi->pid && !vi->died) {
        pc_node_vi_event(vi, PC_EVENT_VI_STOPPED,
                         !vi->want ? "its service or replica was removed"
                         : vi->want->pack ? "it moves to another node"
                         : !vi->want->up ? "admin_state is down"
                         : "it is started again with other settings");
    }
    pc_node_vi_forget_container(vi);
    if (vi->dirty_root) {
        vi->dirty_root = vi->on_disk = false;
        pc_node_record_destroy(vi->record);
        vi->record = NULL;
    }
    vi->retry_at = 0;
    if (vi->died) {
        if (last_line) {
            pc_node_vi_set_error(vi, xasprintf("%s: %s", vi->error ? vi->error : "ended",
                                    last_line));
        }
        vi->restarts++;
        pc_node_vi_enter_backoff(vi);
    } else {
        pc_node_vi_step(vi, PC_STEP_DOWN);
    }
    free(last_line);
}
