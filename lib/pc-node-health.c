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
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-container.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_health);

/* While setup runs in the VI, how often to look whether it is done. */
#define SETUP_MS 10

/* Chooses the probe: the service's health, else the manifest's readiness (not
 * known for an adopted VI that has been ready: none). */
static void
choose_probe(struct pc_node_vi *vi)
{
    pc_probe_destroy(&vi->probe);
    vi->probe_chosen = true;
    if (!smap_is_empty(&vi->want->health)) {
        char *error = pc_probe_parse(&vi->probe, &vi->want->health);
        pc_node_vi_set_error(vi, error ? xasprintf("health: %s", error) : NULL);
        free(error);
        return;
    } else if (!vi->image) {
        return;
    }

    const struct pc_manifest_probe *m = &vi->image->manifest->readiness;
    struct pc_probe p = {
        .kind = (m->type == PC_PROBE_TCP ? PC_PROBE_KIND_TCP
                 : m->type == PC_PROBE_HTTP ? PC_PROBE_KIND_HTTP
                 : m->type == PC_PROBE_EXEC ? PC_PROBE_KIND_EXEC
                 : PC_PROBE_KIND_NONE),
        .port = m->port,
        .path = m->path,
        .status = m->status,
        .argv = m->argv,
        .interval_ms = m->interval_ms,
        .timeout_ms = m->timeout_ms,
        .rise = m->rise,
        .fall = m->fall,
    };
    pc_probe_clone(&vi->probe, &p);
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
}

/* Starts the next probe if it is time.  Returns true if 'vi' is well. */
bool
pc_node_health_run(struct pc_node_vi *vi)
{
    if (vi->probing || time_msec() < vi->probe_at) {
        return vi->rise.good;
    }
    if (vi->step == PC_STEP_PROBE
        && pc_container_stage(vi->node->vi_cfg.lxc_path, vi->name, NULL)
           != PC_CONTAINER_RUNNING) {
        vi->probe_at = time_msec() + SETUP_MS;
    } else if (vi->probe.kind == PC_PROBE_KIND_NONE) {
        vi->rise.good = true;
        vi->probe_at = LLONG_MAX;
    } else {
        pc_node_job_probe(vi);
    }
    return vi->rise.good;
}

/* Arranges for the main loop to wake for the next probe. */
void
pc_node_health_wait(const struct pc_node_vi *vi)
{
    if (!vi->probing && vi->probe_at != LLONG_MAX) {
        poll_timer_wait_until(vi->probe_at);
    }
}

void
pc_node_vi_probe_done(struct pc_node_vi *vi, uint64_t generation, char *error)
{
    vi->probing = false;
    if (generation != vi->probe_generation
        || (vi->step != PC_STEP_PROBE && vi->step != PC_STEP_RUN)) {
        free(error);
        return;
    }

    /* The first probes come quickly: a service that needs 30 ms to listen
     * should not wait for its traffic for a whole interval. */
    long long int now = time_msec();
    long long int wait = vi->probe.interval_ms;
    if (vi->step == PC_STEP_PROBE) {
        wait = MIN(wait, 10 + (now - vi->step_since) / 8);
    }
    vi->probe_at = now + wait;

    pc_rise_feed(&vi->rise, !error);
    if (vi->step == PC_STEP_RUN && vi->ready != vi->rise.good) {
        vi->ready = vi->rise.good;
        VLOG_INFO("%s: %s", vi->name, vi->ready ? "well again" : error);
        pc_node_vi_event(vi, vi->ready ? PC_EVENT_VI_READY
                         : PC_EVENT_VI_UNHEALTHY,
                         vi->ready ? "answers its probe again" : error);
    }
    if (vi->step == PC_STEP_PROBE) {
        /* To be expected for a while: shown, not logged. */
        free(vi->error);
        vi->error = error;
    } else {
        pc_node_vi_set_error(vi, error);
    }
}
