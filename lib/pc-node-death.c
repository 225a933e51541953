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

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-container.h"
#include "process.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_death);

/* How VIs end.
 *
 * Each millisecond between a VI's end and the switch's knowledge of it costs the
 * packets that go into the VI.  So its end is watched for twice: the lifeline that
 * its init holds hangs up at once, the pidfd becomes readable when the kernel has
 * ended all processes of the container, some 50 ms later if one of them has a
 * packet socket.  At the first the switch is told, by setting the links down; only
 * after the second is there anything to clean up. */

/* A VI that has come so far has what is to be watched. */
void
pc_node_death_watch(struct pc_node_vi *vi)
{
    if (!vi->lifeline_tried) {
        vi->lifeline_tried = true;
        vi->lifeline = pc_container_lifeline(vi->pid);
        if (vi->lifeline < 0) {
            VLOG_INFO("%s: its end will be noticed late (%s)", vi->name,
                      ovs_strerror(-vi->lifeline));
            vi->lifeline = -1;
        }
    }
}

/* Closes what the end of 'vi' was watched with. */
void
pc_node_death_forget(struct pc_node_vi *vi)
{
    if (vi->pidfd >= 0) {
        close(vi->pidfd);
    }
    if (vi->lifeline >= 0) {
        close(vi->lifeline);
    }
    vi->pidfd = vi->lifeline = -1;
    vi->lifeline_tried = false;
}

/* Have all processes of the container ended? */
bool
pc_node_death_is_over(const struct pc_node_vi *vi)
{
    struct pollfd pfd = { .fd = vi->pidfd, .events = POLLIN };

    return poll(&pfd, 1, 0) > 0;
}

/* Is the container ending?  Its lifeline hangs up first. */
bool
pc_node_death_is_near(const struct pc_node_vi *vi)
{
    struct pollfd pfd = { .fd = vi->lifeline, .events = 0 };

    return poll(&pfd, 1, 0) > 0 || pc_node_death_is_over(vi);
}

/* Wakes the caller when pc_node_death_is_near(). */
void
pc_node_death_wait(const struct pc_node_vi *vi)
{
    poll_fd_wait(vi->pidfd, POLLIN);
    if (vi->lifeline >= 0) {
        poll_fd_wait(vi->lifeline, POLLHUP);
    }
}

/* Wakes the caller when pc_node_death_is_over(), unless it is already. */
void
pc_node_death_wait_over(const struct pc_node_vi *vi)
{
    if (!pc_node_death_is_over(vi)) {
        poll_fd_wait(vi->pidfd, POLLIN);
    }
}

static char *
ended_text(const struct pc_node_vi *vi)
{
    return xasprintf("process %d ended", (int) vi->pid);
}

/* What ended the container, as far as its init has said it. */
char *
pc_node_death_cause(const struct pc_node_vi *vi)
{
    char *why;

    pc_container_stage(vi->node->vi_cfg.lxc_path, vi->name, &why);
    return why ? why : ended_text(vi);
}

/* If nothing is known of how the container ended but that it did: the kernel
 * knows, now that its monitor has taken note. */
void
pc_node_death_add_status(struct pc_node_vi *vi)
{
    char *unknown = ended_text(vi);
    int status;

    if (vi->error && !strcmp(vi->error, unknown)
        && !pc_container_exit_status(vi->pidfd, &status)) {
        char *how = process_status_msg(status);

        free(vi->error);
        vi->error = xasprintf("%s: %s", unknown, how);
        VLOG_WARN("%s: %s", vi->name, vi->error);
        free(how);
    }
    free(unknown);
}

/* Records how the container came to its end, now that all is known that will
 * be.  An attempt that fails as the one before is not recorded again. */
void
pc_node_death_record(struct pc_node_vi *vi)
{
    const char *cause = vi->error ? vi->error : "";

    if (vi->died_how == PC_EVENT_VI_FAILED) {
        if (vi->failed_before && !strcmp(vi->failed_before, cause)) {
            return;
        }
        free(vi->failed_before);
        vi->failed_before = xstrdup(cause);
    }
    pc_events_add(vi->node->events, &(struct pc_event) {
                      .kind = vi->died_how, .node = vi->node->name,
                      .service = vi->service, .vi = vi->name,
                      .cause = cause, .time = vi->died_at });
}

/* 'vi' is not running as the agent starts.  If it was when an agent last wrote
 * its row, it has ended meanwhile: then that counts as if it had been seen. */
void
pc_node_death_missed(struct pc_node_vi *vi)
{
    if (!vi->want || !vi->want->up || !vi->want->was_pid) {
        return;
    }
    char *cause = xasprintf("process %lld ended while no agent ran",
                            vi->want->was_pid);

    vi->restarts++;
    pc_node_vi_event(vi, PC_EVENT_VI_DIED, cause);
    free(cause);
}
