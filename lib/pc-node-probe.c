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
#include "pc-container.h"
#include "pc-worker.h"
#include "process.h"
#include "timeval.h"
#include "util.h"

/* One probe of a VI, in a thread beside the VI's jobs (pc-node-job.c): it must not
 * wait for them.  It works on copies, as they do. */
struct probe_job {
    struct pc_node_vi *vi;
    const struct pc_node *node;
    char *name;
    struct pc_probe probe;
    uint64_t generation;
    pid_t pid;
    uint16_t number;
    char *ports[2];
    char *gateway;
    bool ran;                   /* The worker came to it. */
    char *error;                /* Result. */
};

static void
probe_job_destroy(struct probe_job *job)
{
    free(job->name);
    free(job->ports[0]);
    free(job->ports[1]);
    free(job->gateway);
    pc_probe_destroy(&job->probe);
    free(job);
}

static char *
probe_exec(const struct probe_job *job)
{
    struct pc_container_result r = { .status = 0 };
    char *error = pc_container_exec(job->node->vi_cfg.lxc_path, job->name,
                                    (const char *const *) job->probe.argv,
                                    job->probe.timeout_ms, &r);
    if (error) {
        return error;
    }
    if (r.timed_out) {
        error = xasprintf("%s did not end within %u ms", job->probe.argv[0],
                          job->probe.timeout_ms);
    } else if (r.status) {
        char *how = process_status_msg(r.status);
        error = xasprintf("%s: %s", job->probe.argv[0], how);
        free(how);
    }
    free(r.output);
    return error;
}

/* Does the probe ask something of the VI's processes, rather than of its
 * kernel? */
static bool
asks_processes(const struct pc_probe *p)
{
    return (p->kind == PC_PROBE_KIND_EXEC || p->kind == PC_PROBE_KIND_TCP
            || p->kind == PC_PROBE_KIND_HTTP);
}

static void
probe_cb(void *job_)
{
    struct probe_job *job = job_;
    const struct pc_probe_target target = {
        .pid = job->pid,
        .number = job->number,
        .gateway = job->gateway,
        .ports = { job->ports[0], job->ports[1] },
    };

    job->ran = true;
    atomic_store(&job->vi->probe_began, (uint64_t) time_msec());
    if (asks_processes(&job->probe)
        && pc_container_is_frozen(job->node->vi_cfg.lxc_path, job->name)) {
        job->error = xstrdup("the VI is frozen");
    } else if (job->probe.kind == PC_PROBE_KIND_EXEC) {
        job->error = probe_exec(job);
    } else {
        job->error = pc_probe_once(&job->probe, &target);
    }
}

static void
probe_done(void *job_)
{
    struct probe_job *job = job_;

    pc_node_vi_probe_done(job->vi, job->generation,
                          job->ran ? job->error
                          : xstrdup("the agent is ending"));
    probe_job_destroy(job);
}

/* The gateway that 'want' names, that of IPv4 if there are two. */
static char *
probe_gateway(const struct pc_node_want *want)
{
    const char *gateway = NULL;

    for (size_t i = 0; i < want->gateways.n; i++) {
        if (!gateway || !strchr(want->gateways.names[i], ':')) {
            gateway = want->gateways.names[i];
        }
    }
    return nullable_xstrdup(gateway);
}

/* Probes once, beside the jobs of 'vi'. */
void
pc_node_probe(struct pc_node_vi *vi)
{
    struct probe_job *job = xmalloc(sizeof *job);

    vi->probing = true;
    atomic_store(&vi->probe_began, (uint64_t) 0);
    *job = (struct probe_job) {
        .vi = vi,
        .node = vi->node,
        .name = xstrdup(vi->name),
        .generation = vi->probe_generation,
        .pid = vi->pid,
        .number = vi->want->number,
        .ports = { nullable_xstrdup(vi->ports[0]),
                   nullable_xstrdup(vi->ports[1]) },
        .gateway = probe_gateway(vi->want),
    };
    pc_probe_init(&job->probe);
    pc_probe_clone(&job->probe, &vi->probe);
    pc_worker_submit(vi->node->prober, probe_cb, probe_done, job);
}
