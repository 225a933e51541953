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
#include <string.h>
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_node_vi);

/* A VI on this node: what is known of it, whether it is as its row wants it, and
 * in which step it is.  What the steps do is in pc-node-vi-up.c and
 * pc-node-vi-down.c. */

/* The longest wait for the controller before a VI is stopped.  The end of a
 * reservation both know by their clocks: that the controller is done with it is
 * not heard of while the database is away, and does not take longer. */
#define RELEASE_MS 5000
#define RELEASE_OVER_MS 300

struct pc_node_vi *
pc_node_vi_create(struct pc_node *n, const char *name)
{
    struct pc_node_vi *vi = xzalloc(sizeof *vi);

    vi->node = n;
    vi->name = xstrdup(name);
    vi->pidfd = vi->lifeline = -1;
    vi->step_since = time_msec();
    pc_backoff_init(&vi->backoff);
    pc_node_move_init(&vi->move);
    pc_probe_init(&vi->probe);
    pc_damp_init(&vi->damp, vi->probe.hold_ms);
    atomic_init(&vi->probe_began, 0);
    vi->told_ready = -1;
    return vi;
}

/* Forgets the container, if there was one. */
void
pc_node_vi_forget_container(struct pc_node_vi *vi)
{
    pc_node_death_forget(vi);
    vi->link_down = false;
    vi->pid = 0;
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports); i++) {
        free(vi->ports[i]);
        vi->ports[i] = NULL;
    }
}

void
pc_node_vi_drop_image(struct pc_node_vi *vi)
{
    pc_vi_image_close(vi->image);
    vi->image = NULL;
    free(vi->image_of);
    vi->image_of = NULL;
}

void
pc_node_vi_destroy(struct pc_node_vi *vi)
{
    if (vi) {
        pc_node_vi_forget_container(vi);
        pc_node_vi_drop_image(vi);
        pc_node_want_destroy(vi->want);
        pc_node_record_destroy(vi->record);
        pc_node_move_destroy(&vi->move);
        pc_probe_destroy(&vi->probe);
        free(vi->error);
        free(vi->resize_error);
        free(vi->failed_before);
        free(vi->service);
        free(vi->unenforced);
        free(vi->link_error);
        pc_node_stats_destroy(vi->stats);
        pc_node_stats_destroy(vi->stats_before);
        pc_node_used_destroy(vi->used);
        free(vi->name);
        free(vi);
    }
}

void
pc_node_vi_set_error(struct pc_node_vi *vi, char *error)
{
    if (error && (!vi->error || strcmp(error, vi->error))) {
        VLOG_WARN("%s: %s", vi->name, error);
    }
    free(vi->error);
    vi->error = error;
}

/* Records that something happened to 'vi' now. */
void
pc_node_vi_event(const struct pc_node_vi *vi, enum pc_event_kind kind,
                 const char *cause)
{
    pc_events_add(vi->node->events, &(struct pc_event) {
                      .kind = kind, .node = vi->node->name,
                      .service = vi->service, .vi = vi->name,
                      .cause = cause });
}

const char *
pc_node_step_to_string(enum pc_node_step s)
{
    switch (s) {
    case PC_STEP_DOWN: return "down";
    case PC_STEP_IMAGE: return "image";
    case PC_STEP_START: return "start";
    case PC_STEP_ADOPT: return "adopt";
    case PC_STEP_ATTACH: return "attach";
    case PC_STEP_PROBE: return "probe";
    case PC_STEP_RUN: return "run";
    case PC_STEP_CUT: return "cut";
    case PC_STEP_DETACH: return "detach";
    case PC_STEP_STOP: return "stop";
    case PC_STEP_BACKOFF: return "backoff";
    }
    OVS_NOT_REACHED();
}

static long long int
release_deadline(const struct pc_node_vi *vi)
{
    return vi->down_at + (vi->want->over ? RELEASE_OVER_MS : RELEASE_MS);
}

/* Is 'vi' to be stopped as soon as no flow leads to it any more?  Without a
 * controller that says so it is not waited for for ever.  One that ran when the
 * last agent ended, and is about to be adopted, may have traffic too. */
static bool
awaits_release(const struct pc_node_vi *vi)
{
    bool running = (vi->step == PC_STEP_RUN
                    || (vi->want && vi->want->was_ready && vi->pid > 0
                        && (vi->step == PC_STEP_ADOPT
                            || vi->step == PC_STEP_DOWN)));

    return (running && vi->want && !vi->want->up && !vi->want->released
            && time_msec() < release_deadline(vi));
}

/* True if the row wants a container such as it can be started now. */
bool
pc_node_vi_wants_up(const struct pc_node_vi *vi)
{
    return (vi->want && !vi->want->error
            && (vi->want->up || awaits_release(vi)));
}

/* True if what runs (or ran) is not what the row wants. */
bool
pc_node_vi_is_outdated(const struct pc_node_vi *vi)
{
    return (!pc_node_vi_wants_up(vi) || !vi->record
            || !uuid_equals(&vi->want->uuid, &vi->record->uuid)
            || strcmp(vi->want->fingerprint, vi->record->fingerprint));
}

bool
pc_node_vi_root_is_outdated(const struct pc_node_vi *vi)
{
    bool keep = (pc_node_vi_wants_up(vi)
                 || (vi->want && !vi->want->error && vi->want->pack));

    return (!keep || !vi->record
            || !uuid_equals(&vi->want->uuid, &vi->record->uuid)
            || strcmp(vi->want->root_fingerprint,
                      vi->record->root_fingerprint));
}

bool
pc_node_vi_has_container(const struct pc_node_vi *vi)
{
    return vi->pid > 0;
}

/* Steps. */

void
pc_node_vi_step(struct pc_node_vi *vi, enum pc_node_step next)
{
    VLOG_DBG("%s: %s -> %s", vi->name, pc_node_step_to_string(vi->step),
             pc_node_step_to_string(next));
    vi->step = next;
    vi->step_since = time_msec();
}

/* Notices death and changes of the row.  Returns true if the step changed. */
static bool
check_container(struct pc_node_vi *vi)
{
    bool up = (vi->step == PC_STEP_ADOPT || vi->step == PC_STEP_ATTACH
               || vi->step == PC_STEP_PROBE || vi->step == PC_STEP_RUN);

    if (!up) {
        return false;
    }
    if (pc_node_death_is_near(vi)) {
        pc_node_vi_fail(vi, PC_EVENT_VI_DIED, pc_node_death_cause(vi));
        return true;
    }
    if (pc_node_vi_is_outdated(vi)) {
        pc_node_vi_detach(vi);
        return true;
    }
    if (vi->step != PC_STEP_ADOPT) {
        pc_node_limits_run(vi);
        pc_node_link_run(vi);
    }
    return false;
}

/* Runs 'vi' until nothing more can be done now. */
void
pc_node_vi_run(struct pc_node_vi *vi)
{
    enum pc_node_step before;

    do {
        before = vi->step;
        if (check_container(vi)) {
            continue;
        }
        switch (vi->step) {
        case PC_STEP_DOWN: pc_node_vi_run_down(vi); break;
        case PC_STEP_IMAGE: case PC_STEP_START: break;
        case PC_STEP_ADOPT: pc_node_vi_run_adopt(vi); break;
        case PC_STEP_ATTACH: pc_node_vi_run_attach(vi); break;
        case PC_STEP_PROBE: pc_node_vi_run_probe(vi); break;
        case PC_STEP_RUN: pc_node_vi_run_running(vi); break;
        case PC_STEP_CUT: pc_node_vi_run_cut(vi); break;
        case PC_STEP_DETACH: pc_node_vi_run_detach(vi); break;
        case PC_STEP_STOP: pc_node_vi_run_stop(vi); break;
        case PC_STEP_BACKOFF:
            if (time_msec() >= vi->retry_at || !pc_node_vi_wants_up(vi)
                || (vi->record && pc_node_vi_is_outdated(vi))) {
                vi->retry_at = 0;
                pc_node_vi_step(vi, PC_STEP_DOWN);
            }
            break;
        }
    } while (vi->step != before);
}

void
pc_node_vi_wait(struct pc_node_vi *vi)
{
    if (vi->pidfd >= 0 && vi->step != PC_STEP_CUT
        && vi->step != PC_STEP_DETACH && vi->step != PC_STEP_STOP) {
        pc_node_death_wait(vi);
    }
    switch (vi->step) {
    case PC_STEP_DOWN: case PC_STEP_IMAGE: case PC_STEP_START:
    case PC_STEP_ADOPT:
        break;
    case PC_STEP_ATTACH:
        if (!vi->error) {
            poll_timer_wait_until(vi->step_since + PC_NODE_ATTACH_MS);
        }
        if (vi->retry_at > time_msec()) {
            poll_timer_wait_until(vi->retry_at);
        }
        break;
    case PC_STEP_PROBE:
        poll_timer_wait_until(vi->step_since + PC_NODE_PROBE_MS);
        if (!pc_node_ports_links_are_up(vi)) {
            poll_timer_wait_until(vi->raise_at);
        }
        pc_node_health_wait(vi);
        break;
    case PC_STEP_RUN:
        pc_node_health_wait(vi);
        if (awaits_release(vi)) {
            poll_timer_wait_until(release_deadline(vi));
        }
        break;
    case PC_STEP_CUT:
        pc_node_death_wait_over(vi);
        poll_timer_wait_until(vi->step_since + PC_NODE_CUT_MS);
        break;
    case PC_STEP_DETACH:
        poll_timer_wait_until(vi->step_since + PC_NODE_DETACH_MS);
        break;
    case PC_STEP_STOP:
        if (!vi->busy) {
            poll_timer_wait_until(vi->retry_at);
        }
        break;
    case PC_STEP_BACKOFF:
        poll_timer_wait_until(vi->retry_at);
        break;
    }
}
