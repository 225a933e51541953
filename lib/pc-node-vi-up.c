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
#include "openvswitch/vlog.h"
#include "pc-ports.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_node_vi_up);

/* How a VI comes up, and what is looked after while it runs: the steps from DOWN
 * to RUN (see enum pc_node_step). */

/* The container runs: gives it ports. */
static void
attach(struct pc_node_vi *vi)
{
    pc_fault(vi->node->fault, "before-port");
    pc_node_ports_name(vi);
    pc_node_ports_want(vi);
    pc_node_vi_step(vi, PC_STEP_ATTACH);
}

/* Is a container that is to go still there, whose ports have the names that
 * those of 'vi' will have?  As it ends, liblxc deletes them by name. */
static bool
names_are_taken(const struct pc_node_vi *vi)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &vi->node->vis) {
        const struct pc_node_vi *other = node->data;

        if (other != vi && other->record
            && other->record->number == vi->want->number
            && !pc_node_vi_is_gone(other)) {
            return true;
        }
    }
    return false;
}

void
pc_node_vi_run_down(struct pc_node_vi *vi)
{
    if (pc_node_move_run(vi)) {
        return;
    }
    if (!pc_node_vi_wants_up(vi)
        || (vi->on_disk && pc_node_vi_root_is_outdated(vi))) {
        if (vi->on_disk) {
            vi->dirty_root = true;
            pc_node_vi_step(vi, PC_STEP_STOP);
        } else if (vi->want && vi->want->error) {
            if (!vi->error || strcmp(vi->error, vi->want->error)) {
                pc_node_vi_set_error(vi, xstrdup(vi->want->error));
            }
        } else if (vi->want && vi->error) {
            pc_node_vi_set_error(vi, NULL);
        }
        return;
    }
    if (vi->busy || vi->node->collecting) {
        return;
    }
    if (vi->image && strcmp(vi->image_of, vi->want->root_fingerprint)) {
        pc_node_vi_drop_image(vi);
    }
    if (vi->image && names_are_taken(vi)) {
        return;
    }
    pc_node_vi_step(vi, vi->image ? PC_STEP_START : PC_STEP_IMAGE);
    if (vi->image) {
        pc_node_job_start(vi);
    } else {
        pc_node_job_image(vi);
    }
}

/* 'image' (NULL: 'error') is that of root fingerprint 'image_of'; the row may
 * want another one by now. */
void
pc_node_vi_image_done(struct pc_node_vi *vi, struct pc_vi_image *image,
                      char *image_of, char *error)
{
    pc_node_vi_drop_image(vi);
    vi->image = image;
    vi->image_of = image_of;
    if (vi->node->closing) {
        free(error);            /* Cancelled: the next agent does it. */
        return;
    }
    if (vi->step == PC_STEP_RUN) {
        /* It runs without it; only its health is not known. */
        vi->probe_chosen = false;
        if (error) {
            VLOG_WARN("%s: %s", vi->name, error);
            free(error);
            vi->retry_at = time_msec() + PC_BACKOFF_MAX_MS;
        }
        return;
    }
    vi->image_failed = error != NULL;
    if (error) {
        pc_node_vi_set_error(vi, error);
        vi->retry_at = time_msec() + PC_BACKOFF_MIN_MS;
    }
    if (vi->step == PC_STEP_IMAGE) {
        if (error) {
            vi->died_how = PC_EVENT_VI_FAILED;
            vi->died_at = time_wall_usec();
            pc_node_vi_enter_backoff(vi);
        } else {
            pc_fault(vi->node->fault, "image-ready");
            pc_node_vi_step(vi, PC_STEP_DOWN);
        }
    }
}

void
pc_node_vi_start_done(struct pc_node_vi *vi, pid_t pid, int pidfd,
                      char *error)
{
    if (error) {
        pc_node_vi_fail(vi, PC_EVENT_VI_FAILED, error);
        return;
    }
    vi->pid = pid;
    vi->pidfd = pidfd;
    pc_backoff_up(&vi->backoff, time_msec());
    VLOG_INFO("%s: started, process %d", vi->name, (int) pid);
    pc_node_used_begin(vi);
    char *cause = xasprintf("process %d", (int) pid);
    pc_node_vi_event(vi, PC_EVENT_VI_STARTED, cause);
    free(cause);
    if (pc_node_vi_is_outdated(vi)) {
        pc_node_vi_detach(vi);
    } else {
        attach(vi);
    }
}

/* Takes over a container that an earlier agent has started. */
void
pc_node_vi_adopt(struct pc_node_vi *vi, struct pc_node_found *f)
{
    vi->on_disk = true;
    vi->record = f->record;
    f->record = NULL;
    vi->pid = f->pid;
    vi->pidfd = f->pidfd;
    f->pidfd = -1;
    if (!f->pid) {
        pc_node_death_missed(vi);
        return;
    }
    if (pc_node_vi_is_outdated(vi)) {
        /* The ports, if any, are strays by now: nobody wants them. */
        pc_node_vi_detach(vi);
        return;
    }
    VLOG_INFO("%s: runs already, process %d", vi->name, (int) vi->pid);
    vi->applied_known = false;
    pc_backoff_up(&vi->backoff, time_msec());
    pc_node_ports_name(vi);
    pc_node_ports_want(vi);
    pc_node_vi_step(vi, PC_STEP_ADOPT);
}

/* The container that was adopted has its port and was ready when the last
 * agent ended: nothing changes, not even for a moment. */
void
pc_node_vi_run_adopt(struct pc_node_vi *vi)
{
    const char *error;

    if (!pc_ports_is_connected(vi->node->ports)) {
        return;
    }
    if (vi->want->was_ready && pc_node_ports_state(vi, &error) == PC_PORT_READY) {
        vi->ready = true;
        pc_damp_good(&vi->damp, time_msec());
        pc_node_vi_step(vi, PC_STEP_RUN);
    } else {
        pc_node_vi_step(vi, PC_STEP_ATTACH);
    }
}

void
pc_node_vi_run_attach(struct pc_node_vi *vi)
{
    const char *error;
    enum pc_port_state s = pc_node_ports_state(vi, &error);

    if (s != PC_PORT_READY) {
        if (error && time_msec() >= vi->step_since + PC_NODE_ATTACH_MS
            && (!vi->error || strcmp(vi->error, error))) {
            pc_node_vi_set_error(vi, xstrdup(error));
        }
        return;
    }
    pc_fault(vi->node->fault, "after-port");
    if (!vi->image) {
        /* An adopted VI: only its manifest says how to probe it. */
        if (!vi->busy && !vi->node->collecting
            && time_msec() >= vi->retry_at) {
            pc_node_job_image(vi);
        }
        return;
    }
    vi->retry_at = 0;
    pc_node_vi_step(vi, PC_STEP_PROBE);
    pc_node_health_start(vi);
}

/* How often the links of a VI are set up until the switch sees them. */
#define RAISE_MS 100

static void
become_ready(struct pc_node_vi *vi)
{
    char *cause = xasprintf("%s %lld ms after it got its ports",
                            vi->probe.kind == PC_PROBE_KIND_NONE
                            ? "runs" : "answers its probe",
                            time_msec() - vi->step_since);

    pc_fault(vi->node->fault, "before-ready");
    pc_node_vi_set_ready(vi, true, cause);
    free(cause);
    free(vi->failed_before);
    vi->failed_before = NULL;
    pc_node_vi_step(vi, PC_STEP_RUN);
    pc_node_health_start(vi);
}

void
pc_node_vi_run_probe(struct pc_node_vi *vi)
{
    bool linked = pc_node_ports_links_are_up(vi);
    bool well = pc_node_health_run(vi) && linked;

    if (!linked && time_msec() >= vi->raise_at) {
        pc_node_ports_raise(vi);
        vi->raise_at = time_msec() + RAISE_MS;
    }
    if (well && pc_node_health_allows(vi)) {
        become_ready(vi);
    } else if (!well && time_msec() >= vi->step_since + PC_NODE_PROBE_MS) {
        pc_node_vi_fail(vi, PC_EVENT_VI_FAILED,
                        xasprintf("not ready within %d s%s%s",
                                  PC_NODE_PROBE_MS / 1000,
                                  vi->error ? ": " : "",
                                  vi->error ? vi->error : ""));
    }
}

/* An adopted VI: only its image says how it is to be probed, unless the service
 * does. */
static void
find_health(struct pc_node_vi *vi)
{
    if (!vi->image && !vi->busy && smap_is_empty(&vi->want->health)
        && time_msec() >= vi->retry_at) {
        pc_node_job_image(vi);
    }
}

/* The switch itself sends nothing to a VI one of whose links is down. */
static void
follow_links(struct pc_node_vi *vi)
{
    bool down = !pc_node_ports_links_are_up(vi);

    if (vi->link_down != down) {
        vi->link_down = down;
        pc_node_vi_event(vi, down ? PC_EVENT_LINK_DOWN : PC_EVENT_LINK_UP,
                         down ? "the switch sees no carrier on a port of it"
                         : "the switch sees carrier on its ports");
    }
}

void
pc_node_vi_run_running(struct pc_node_vi *vi)
{
    const char *error;

    if (pc_node_ports_state(vi, &error) != PC_PORT_READY) {
        /* Someone has taken the port away, or the switch starts anew. */
        pc_node_vi_set_ready(vi, false,
                             error ? error : "the switch has lost its port");
        pc_node_vi_step(vi, PC_STEP_ATTACH);
        return;
    }
    pc_node_death_watch(vi);
    follow_links(vi);
    find_health(vi);
    if (!vi->probe_chosen) {
        pc_node_health_start(vi);
    }
    pc_node_health_run(vi);
    pc_node_health_update(vi);
}
