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

#include "lib/pc-idl.h"
#include "openvswitch/poll-loop.h"
#include "ovsdb-idl.h"
#include "pc-ports.h"
#include "pc-report.h"
#include "timeval.h"
#include "util.h"

/* What the node reports of itself: what it has, what its VIs use, and, by doing
 * so every now and then, that its agent lives.  All that is status: nothing of
 * it raises PacketCloud.next_cfg. */

#define RETRY_MS 10

static const struct pcrec_cloudlet *
find_cloudlet(const struct pc_node *n, const struct pcrec_node *row)
{
    const struct pcrec_cloudlet *c;

    PCREC_CLOUDLET_FOR_EACH (c, n->idl) {
        for (size_t i = 0; i < c->n_nodes; i++) {
            if (c->nodes[i] == row) {
                return c;
            }
        }
    }
    return NULL;
}

/* Takes over how often the cloudlet of 'row' wants reports. */
void
pc_node_report_read(struct pc_node *n, const struct pcrec_node *row)
{
    struct pc_report_times times;

    pc_report_get_times(find_cloudlet(n, row), &times);
    n->report_interval = times.interval;
    n->report_at = MIN(n->report_at, time_msec() + times.interval);
}

static void
add_found(const char **keys, int64_t *values, size_t *n, const char *key,
          int64_t value)
{
    if (value > 0) {
        keys[*n] = key;
        values[*n] = value;
        ++*n;
    }
}

static void
write_found(const struct pc_node *n, const struct pcrec_node *row)
{
    const char *keys[4];
    int64_t values[4];
    size_t count = 0;
    bool same;

    add_found(keys, values, &count, "cpu", n->found_cpu);
    add_found(keys, values, &count, "disk", n->found_disk);
    add_found(keys, values, &count, "memory", n->found_memory);
    add_found(keys, values, &count, "network",
              pc_ports_link_speed(n->ports,
                                  row->data_port[0] ? row->data_port : NULL));

    /* Both are in the order of the keys. */
    same = count == row->n_found;
    for (size_t i = 0; same && i < count; i++) {
        same = (!strcmp(keys[i], row->key_found[i])
                && values[i] == row->value_found[i]);
    }
    if (!same) {
        pcrec_node_set_found(row, keys, values, count);
    }
}

/* Sums up what the VIs used when their counters were read last.  Returns false if
 * that is not known of any. */
static bool
sum_used(const struct pc_node *n, struct pc_amount *used)
{
    int64_t received = 0, sent = 0;
    const struct shash_node *sn;
    bool known = false;

    memset(used, 0, sizeof *used);
    SHASH_FOR_EACH (sn, &n->vis) {
        const struct pc_node_vi *vi = sn->data;
        struct pc_node_use use;

        if (vi->want && pc_node_stats_get_use(vi, &use)) {
            used->value[PC_CAP_CPU] += use.cpu;
            used->value[PC_CAP_MEMORY] += use.memory;
            used->value[PC_CAP_DISK] += use.disk;
            received += use.received;
            sent += use.sent;
            known = true;
        }
    }
    /* As a capacity is meant: of each direction. */
    used->value[PC_CAP_NETWORK] = MAX(received, sent);
    return known || shash_is_empty(&n->vis);
}

static void
write_used(const struct pc_node *n, const struct pcrec_node *row)
{
    const char *keys[PC_N_AMOUNTS];
    int64_t values[PC_N_AMOUNTS];
    struct pc_amount used;

    if (n->stats_interval <= 0 || !sum_used(n, &used)) {
        if (row->n_used) {
            pcrec_node_set_used(row, NULL, NULL, 0);
        }
    } else if (!pc_report_column_says(&used, row->key_used, row->value_used,
                                      row->n_used)) {
        pc_report_to_column(&used, keys, values);
        pcrec_node_set_used(row, keys, values, PC_N_AMOUNTS);
    }
}

/* Writes to 'row' what has changed, and that we live if it is time.  Not before
 * it is known what there is here: who hears of us would think that we have
 * nothing. */
void
pc_node_report_write(struct pc_node *n, const struct pcrec_node *row)
{
    long long int now = time_msec();

    if (!n->scanned && !n->config_error) {
        return;
    }
    write_found(n, row);
    if (now >= n->report_at) {
        pcrec_node_set_seen(row, time_wall_msec());
        write_used(n, row);
        n->report_at = now + n->report_interval;
    }
}

void
pc_node_report_wait(const struct pc_node *n)
{
    if (n->report_interval && (n->scanned || n->config_error)
        && ovsdb_idl_is_connected(n->idl)) {
        /* If it is due and could not be written, a little later. */
        poll_timer_wait_until(MAX(n->report_at, time_msec() + RETRY_MS));
    }
}
