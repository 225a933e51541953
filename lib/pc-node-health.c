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
#include <limits.h>
#include <stdlib.h>
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-container.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_health);

/* When to probe a VI, what to make of it, and whom to tell.
 *
 * While its step is PC_STEP_PROBE the VI is new, and gets no traffic before it
 * answers ("readiness"); then, in PC_STEP_RUN, it is asked again and again
 * ("health").  What makes it ready or not is told to the controller role of
 * this process directly, so that a VI that does not answer is out of its groups
 * at once, with or without the database. */

/* While setup runs in the VI, how often to look whether it is done. */
#define SETUP_MS 10

/* A probe that has not come back by then, after its timeout, has failed: a
 * command cannot be ended while the VI is frozen. */
#define OVERDUE_MS 50

/* The manifest's readiness as a probe. */
static void
from_readiness(struct pc_probe *dst, const struct pc_manifest_probe *m)
{
    struct pc_probe p;

    pc_probe_init(&p);
    p.kind = (m->type == PC_PROBE_TCP ? PC_PROBE_KIND_TCP
              : m->type == PC_PROBE_HTTP ? PC_PROBE_KIND_HTTP
              : m->type == PC_PROBE_EXEC ? PC_PROBE_KIND_EXEC
              : PC_PROBE_KIND_NONE);
    p.port = m->port;
    p.path = m->path;
    p.status = m->status;
    p.argv = m->argv;
    p.interval_ms = m->interval_ms;
    p.timeout_ms = m->timeout_ms;
    p.rise = m->rise;
    p.fall = m->fall;
    pc_probe_clone(dst, &p);
}

/* Chooses the probe: the service's health; else the manifest's, where readiness
 * goes before health as long as the VI is new. */
static void
choose_probe(struct pc_node_vi *vi)
{
    const struct pc_manifest *m = vi->image ? vi->image->manifest : NULL;

    pc_probe_destroy(&vi->probe);
    vi->probe_chosen = true;
    if (!smap_is_empty(&vi->want->health)) {
        char *error = pc_probe_parse(&vi->probe, &vi->want->health);

        pc_node_vi_set_error(vi, error ? xasprintf("health: %s", error) : NULL);
        free(error);
    } else if (m && vi->step != PC_STEP_RUN
               && m->readiness.type != PC_PROBE_NONE) {
        from_readiness(&vi->probe, &m->readiness);
    } else if (m && m->has_health) {
        pc_probe_clone(&vi->probe, &m->health);
    }
    vi->damp.min_ms = vi->probe.hold_ms;
}

/* Begins to probe: 'vi' is as well as 'vi->ready' says until then. */
void
pc_node_health_start(struct pc_node_vi *vi)
{
    choose_probe(vi);
    pc_rise_init(&vi->rise, vi->probe.rise, vi->probe.fall);
    vi->rise.good = vi->ready;
    vi->probe_generation++;
    vi->probe_at = time_msec();
    if (vi->ready && vi->probe.kind != PC_PROBE_KIND_NONE) {
        vi->probe_at += vi->probe.interval_ms;
    }
}

/* Feeds a result; NULL is a good one.  Takes 'error'. */
static void
feed(struct pc_node_vi *vi, char *error)
{
    pc_rise_feed(&vi->rise, !error);
    if (!error && vi->held) {
        /* That is what keeps it from being used. */
    } else if (vi->step == PC_STEP_PROBE) {
        /* To be expected for a while: shown, not logged. */
        free(vi->error);
        vi->error = error;
    } else {
        pc_node_vi_set_error(vi, error);
    }
}

/* When to probe again after a probe that began at 'began'.  Bad results are
 * looked into sooner, so that 'fall' of them fit into an interval. */
static long long int
next_probe(const struct pc_node_vi *vi, long long int began)
{
    long long int now = time_msec();

    if (vi->step == PC_STEP_PROBE) {
        /* The first come quickly: a service that needs 30 ms to listen should
         * not wait for its traffic for a whole interval. */
        return now + MIN(vi->probe.interval_ms,
                         10 + (now - vi->step_since) / 8);
    }
    long long int wait = vi->probe.interval_ms;
    if (vi->rise.good && vi->rise.n) {
        wait /= vi->probe.fall;
    }
    return MAX(now, began + wait);
}

/* A probe is under way.  If it should long have come back, it has failed. */
static void
check_overdue(struct pc_node_vi *vi)
{
    uint64_t began;

    atomic_read(&vi->probe_began, &began);
    if (began && time_msec() >= vi->probe_at
        && time_msec() >= (long long int) (began + vi->probe.timeout_ms
                                           + OVERDUE_MS)) {
        feed(vi, xasprintf("%s probe did not end within %u ms",
                           pc_probe_kind_to_string(vi->probe.kind),
                           vi->probe.timeout_ms));
        vi->probe_at = time_msec() + vi->probe.interval_ms / vi->probe.fall;
        vi->probe_overdue = true;
    }
}

/* Starts the next probe if it is time.  Returns true if 'vi' is well. */
bool
pc_node_health_run(struct pc_node_vi *vi)
{
    long long int now = time_msec();

    if (vi->probing) {
        check_overdue(vi);
    } else if (now < vi->probe_at) {
        /* Later. */
    } else if (vi->step == PC_STEP_PROBE
               && pc_container_stage(vi->node->vi_cfg.lxc_path, vi->name, NULL)
                  != PC_CONTAINER_RUNNING) {
        vi->probe_at = now + SETUP_MS;
    } else if (vi->probe.kind == PC_PROBE_KIND_NONE) {
        vi->rise.good = true;
        vi->probe_at = LLONG_MAX;
    } else if (vi->probe.kind == PC_PROBE_KIND_THROUGH
               && !pc_node_is_wired(vi)) {
        vi->probe_at = now + SETUP_MS;
    } else {
        vi->probe_overdue = false;
        pc_node_probe(vi);
    }
    return vi->rise.good;
}

/* Says why 'vi' is not used although it is well, once. */
static void
hold_down(struct pc_node_vi *vi)
{
    if (!vi->held) {
        char *cause = xasprintf("failed %u times; used again in %lld ms",
                                vi->damp.n, vi->damp.until - time_msec());

        vi->held = true;
        VLOG_INFO("%s: held down: %s", vi->name, cause);
        pc_node_vi_event(vi, PC_EVENT_VI_HELD, cause);
        free(vi->error);
        vi->error = xasprintf("held down: %s", cause);
        free(cause);
    }
}

/* May a VI that is well be used?  Not if it has failed too often of late. */
bool
pc_node_health_allows(struct pc_node_vi *vi)
{
    if (time_msec() < vi->damp.until) {
        hold_down(vi);
        return false;
    }
    return true;
}

/* Takes 'vi' into use, or out of it, and records why ('cause' NULL: recorded
 * elsewhere). */
void
pc_node_vi_set_ready(struct pc_node_vi *vi, bool ready, const char *cause)
{
    if (vi->ready == ready) {
        return;
    }
    vi->ready = ready;
    if (ready) {
        VLOG_INFO("%s: ready: %s", vi->name, cause);
        pc_damp_good(&vi->damp, time_msec());
        vi->held = false;
        pc_node_vi_set_error(vi, NULL);
        pc_node_vi_event(vi, PC_EVENT_VI_READY, cause);
    } else if (cause) {
        pc_damp_bad(&vi->damp, time_msec());
        VLOG_INFO("%s: not ready: %s", vi->name, cause);
        pc_node_vi_event(vi, PC_EVENT_VI_UNHEALTHY, cause);
    }
}

/* In PC_STEP_RUN: follows the results of the probe. */
void
pc_node_health_update(struct pc_node_vi *vi)
{
    if (vi->ready && !vi->rise.good) {
        char *cause = xasprintf("%s probe: %s",
                                pc_probe_kind_to_string(vi->probe.kind),
                                vi->error ? vi->error : "failed");

        pc_node_vi_set_ready(vi, false, cause);
        free(cause);
    } else if (!vi->ready && vi->rise.good && pc_node_health_allows(vi)) {
        pc_node_vi_set_ready(vi, true,
                             vi->held ? "its hold-down is over"
                             : "answers its probe again");
    }
}

/* Arranges for the main loop to wake for the next probe. */
void
pc_node_health_wait(const struct pc_node_vi *vi)
{
    uint64_t began;

    atomic_read(&vi->probe_began, &began);
    if (vi->probing) {
        poll_timer_wait_until(vi->probe_overdue ? vi->probe_at
                              : (began ? (long long int) began : time_msec())
                                + vi->probe.timeout_ms + OVERDUE_MS);
    } else if (vi->probe_at != LLONG_MAX) {
        poll_timer_wait_until(vi->probe_at);
    }
    if (vi->rise.good && !vi->ready && vi->damp.until > time_msec()) {
        poll_timer_wait_until(vi->damp.until);
    }
}

void
pc_node_vi_probe_done(struct pc_node_vi *vi, uint64_t generation, char *error)
{
    uint64_t began;

    atomic_read(&vi->probe_began, &began);
    vi->probing = false;
    if (generation != vi->probe_generation
        || (vi->step != PC_STEP_PROBE && vi->step != PC_STEP_RUN)) {
        free(error);
        return;
    }
    if (vi->probe_overdue) {
        free(error);            /* Has counted already. */
        vi->probe_at = time_msec();
        return;
    }
    feed(vi, error);
    vi->probe_at = next_probe(vi, began ? (long long int) began
                                        : time_msec());
}
