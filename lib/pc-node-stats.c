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

#include "lib/pc-idl.h"
#include "openvswitch/poll-loop.h"
#include "pc-netns.h"
#include "pc-worker.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

/* VI.statistics: what VIs have used, read every now and then by one job for all
 * of them, and written with the next status only where it has changed. */

enum counter {
    CPU_USEC, DISK_BYTES, IO_READ_BYTES, IO_READS, IO_WRITE_BYTES, IO_WRITES,
    MEMORY_BYTES, OOM_KILLS, PIDS, RX_BYTES, RX_DROPPED, RX_PACKETS, TX_BYTES,
    TX_DROPPED, TX_PACKETS, N_COUNTERS
};

static const char *const counter_names[N_COUNTERS] = {
    "cpu_usec", "disk_bytes", "io_read_bytes", "io_reads", "io_write_bytes",
    "io_writes", "memory_bytes", "oom_kills", "pids", "rx_bytes",
    "rx_dropped", "rx_packets", "tx_bytes", "tx_dropped", "tx_packets",
};

/* -1: not known. */
struct pc_node_stats {
    int64_t value[N_COUNTERS];
    long long int taken;        /* When, monotonic ms. */
};

/* One VI of a job. */
struct sample {
    char *name;
    struct uuid uuid;
    char *ports[2];
    char *instance;             /* Of the record; may be NULL. */
    struct pc_node_stats stats;
};

struct stats_job {
    struct pc_node *node;
    struct sample *samples;
    size_t n;
    bool ran;
};

void
pc_node_stats_destroy(struct pc_node_stats *stats)
{
    free(stats);
}

/* The VI receives what its host's end sends.  One port of two, while the other has
 * gone already, says nothing. */
static void
count_ports(struct sample *s)
{
    struct pc_netns_counters c[ARRAY_SIZE(s->ports)];
    int64_t *v = s->stats.value;
    size_t n = 0;

    while (n < ARRAY_SIZE(s->ports) && s->ports[n]) {
        if (pc_netns_get_counters(s->ports[n], &c[n])) {
            return;
        }
        n++;
    }
    for (size_t j = RX_BYTES; n && j <= TX_PACKETS; j++) {
        v[j] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        v[RX_BYTES] += c[i].tx_bytes;
        v[RX_DROPPED] += c[i].tx_dropped;
        v[RX_PACKETS] += c[i].tx_packets;
        v[TX_BYTES] += c[i].rx_bytes;
        v[TX_DROPPED] += c[i].rx_dropped;
        v[TX_PACKETS] += c[i].rx_packets;
    }
}

static void
take_sample(const struct pc_node *n, struct sample *s)
{
    int64_t *v = s->stats.value;
    struct pc_cgroup_usage u;
    uint64_t disk;

    s->stats.taken = time_msec();
    for (size_t i = 0; i < N_COUNTERS; i++) {
        v[i] = -1;
    }
    if (!pc_container_get_usage(n->vi_cfg.lxc_path, s->name, &u)) {
        v[CPU_USEC] = u.cpu_usec;
        v[MEMORY_BYTES] = u.memory;
        v[PIDS] = u.pids;
        v[OOM_KILLS] = u.oom_kills;
        v[IO_READ_BYTES] = u.io_read_bytes;
        v[IO_READS] = u.io_reads;
        v[IO_WRITE_BYTES] = u.io_write_bytes;
        v[IO_WRITES] = u.io_writes;
    }
    if (!pc_container_get_disk(n->vi_cfg.lxc_path, s->name, &disk)) {
        v[DISK_BYTES] = disk;
    }
    count_ports(s);
}

static void
to_counters(const struct pc_node_stats *stats, struct pc_usage_counters *c)
{
    *c = (struct pc_usage_counters) {
        .taken = stats->taken,
        .cpu_usec = stats->value[CPU_USEC],
        .received = stats->value[RX_BYTES],
        .sent = stats->value[TX_BYTES],
        .memory = stats->value[MEMORY_BYTES],
        .disk = stats->value[DISK_BYTES],
    };
}

/* Looks at the container of VI 'name' now.  For workers. */
void
pc_node_stats_look(const struct pc_node *n, const char *name,
                   char *const ports[2], struct pc_usage_counters *c)
{
    struct sample s = {
        .name = CONST_CAST(char *, name),
        .ports = { ports[0], ports[1] },
    };

    take_sample(n, &s);
    to_counters(&s.stats, c);
}

static void
stats_cb(void *job_)
{
    struct stats_job *job = job_;

    job->ran = true;
    for (size_t i = 0; i < job->n; i++) {
        take_sample(job->node, &job->samples[i]);
    }
}

static void
stats_done(void *job_)
{
    struct stats_job *job = job_;

    job->node->stats_busy = false;
    for (size_t i = 0; i < job->n; i++) {
        struct sample *s = &job->samples[i];
        struct pc_node_vi *vi = (job->node->closing || !job->ran ? NULL
                                 : shash_find_data(&job->node->vis, s->name));

        if (vi && vi->want && uuid_equals(&vi->want->uuid, &s->uuid)) {
            free(vi->stats_before);
            vi->stats_before = vi->stats;
            vi->stats = xmemdup(&s->stats, sizeof s->stats);
            if (s->instance) {
                struct pc_usage_counters c;

                to_counters(&s->stats, &c);
                pc_node_used_take(vi, s->instance, &c);
            }
        }
        free(s->instance);
        free(s->name);
        free(s->ports[0]);
        free(s->ports[1]);
    }
    free(job->samples);
    free(job);
}

/* Begins to read the counters if it is time. */
void
pc_node_stats_run(struct pc_node *n)
{
    struct stats_job *job;
    struct shash_node *node;

    if (!n->scanned || n->stats_busy || n->stats_interval <= 0
        || time_msec() < n->stats_at) {
        return;
    }
    n->stats_at = time_msec() + n->stats_interval;
    job = xzalloc(sizeof *job);
    job->node = n;
    job->samples = xcalloc(shash_count(&n->vis) + 1, sizeof *job->samples);
    SHASH_FOR_EACH (node, &n->vis) {
        const struct pc_node_vi *vi = node->data;
        struct sample *s = &job->samples[job->n];

        if (vi->want && vi->pid) {
            s->name = xstrdup(vi->name);
            s->uuid = vi->want->uuid;
            s->instance = (vi->record ? xstrdup(vi->record->instance) : NULL);
            for (size_t i = 0; i < ARRAY_SIZE(s->ports); i++) {
                s->ports[i] = nullable_xstrdup(vi->ports[i]);
            }
            job->n++;
        }
    }
    if (job->n) {
        n->stats_busy = true;
        /* Not with the VIs' jobs: they may be waiting for an image. */
        pc_worker_submit(n->prober, stats_cb, stats_done, job);
    } else {
        free(job->samples);
        free(job);
    }
}

void
pc_node_stats_wait(const struct pc_node *n)
{
    if (n->scanned && !n->stats_busy && n->stats_interval > 0
        && !shash_is_empty(&n->vis)) {
        poll_timer_wait_until(n->stats_at);
    }
}

/* Writes the counters of 'vi' to 'row' if they have changed. */
void
pc_node_stats_write(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    const char *keys[N_COUNTERS];
    int64_t values[N_COUNTERS];
    bool same = true;
    size_t n = 0;

    if (!vi->stats) {
        return;
    }
    for (size_t i = 0; i < N_COUNTERS; i++) {
        if (vi->stats->value[i] >= 0) {
            keys[n] = counter_names[i];
            values[n] = vi->stats->value[i];
            same = (same && n < row->n_statistics
                    && !strcmp(row->key_statistics[n], keys[n])
                    && row->value_statistics[n] == values[n]);
            n++;
        }
    }
    if (!same || n != row->n_statistics) {
        pcrec_vi_set_statistics(row, keys, values, n);
    }
}

/* How much a counter grew from the last look to this one, in a second.  One that
 * is smaller began anew in between. */
static int64_t
rate(const struct pc_node_vi *vi, enum counter which)
{
    const struct pc_node_stats *old = vi->stats_before, *new = vi->stats;
    int64_t elapsed = old ? new->taken - old->taken : 0;
    int64_t n = new->value[which];

    if (elapsed <= 0 || n < 0) {
        return 0;
    }
    if (old->value[which] >= 0 && old->value[which] <= n) {
        n -= old->value[which];
    }
    return n * 1000.0 / elapsed;
}

/* Stores what 'vi' uses: rates are those between the last two looks at its
 * counters, 0 after the first one.  Returns false if nothing is known. */
bool
pc_node_stats_get_use(const struct pc_node_vi *vi, struct pc_node_use *use)
{
    if (!vi->stats || !vi->pid) {
        return false;
    }
    use->cpu = rate(vi, CPU_USEC) / 1000;
    use->memory = MAX(vi->stats->value[MEMORY_BYTES], 0);
    use->disk = MAX(vi->stats->value[DISK_BYTES], 0);
    use->received = rate(vi, RX_BYTES) * 8;
    use->sent = rate(vi, TX_BYTES) * 8;
    return true;
}
