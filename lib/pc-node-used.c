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

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/pc-idl.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "pc-worker.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_node_used);

/* VI.consumed: what VIs that are paid for have used in all their lives.
 *
 * The sums, and the look at the container up to which they count, are in a file,
 * so that the next agent goes on from there, and in the row, so that the next
 * machine does and so that it can be charged.  The file is always written first: it
 * never knows less than the row while a container runs, and no difference is
 * counted twice.  (What is written when a container has been stopped is in the row
 * first: no look at that container will follow.) */

struct pc_node_used {
    struct uuid uuid;           /* Of the row. */
    struct pc_usage sum;
    struct pc_usage shown;      /* What the row may say. */
    struct pc_usage saving;     /* What the job is writing. */
    char *instance;             /* Of the container of 'last'; NULL: none. */
    struct pc_usage_counters last;
    bool lost;                  /* The container's counters up to its first
                                 * look are in 'sum', or nobody knows. */
};

void
pc_node_used_destroy(struct pc_node_used *used)
{
    if (used) {
        free(used->instance);
        free(used);
    }
}

static char *
file_name(const struct pc_node *n, const char *suffix)
{
    return xasprintf("%s/consumed%s", n->state_dir, suffix);
}

/* Reads what an earlier agent has written. */
void
pc_node_used_load(struct pc_node *n)
{
    char *path = file_name(n, "");
    FILE *f = fopen(path, "re");
    char name[64], uuid[64], instance[64];
    struct pc_node_used u = { .lost = false };

    shash_init(&n->used_before);
    while (f && fscanf(f, "%63s %63s %63s %"SCNd64" %"SCNd64" %"SCNd64" "
                       "%"SCNd64" %"SCNd64" %"SCNd64" %"SCNd64" %"SCNd64" "
                       "%"SCNd64" %"SCNd64" %"SCNd64,
                       name, uuid, instance, &u.last.taken, &u.last.cpu_usec,
                       &u.last.received, &u.last.sent, &u.last.memory,
                       &u.last.disk, &u.sum.cpu_usec, &u.sum.received,
                       &u.sum.sent, &u.sum.memory, &u.sum.disk) == 14
           && uuid_from_string(&u.uuid, uuid)) {
        struct pc_node_used *used = xmemdup(&u, sizeof u);

        used->instance = strcmp(instance, "-") ? xstrdup(instance) : NULL;
        if (!shash_add_once(&n->used_before, name, used)) {
            pc_node_used_destroy(used);
        }
    }
    if (f) {
        fclose(f);
    }
    free(path);
}

void
pc_node_used_unload(struct pc_node *n)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &n->used_before) {
        pc_node_used_destroy(node->data);
    }
    shash_destroy(&n->used_before);
}

/* Begins to count for 'row', if it is to be, with what was counted before. */
void
pc_node_used_read(struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    if (!row->n_slots
        || (vi->used && uuid_equals(&vi->used->uuid, &row->header_.uuid))) {
        return;
    }

    struct pc_node_used *used = shash_find_data(&vi->node->used_before,
                                                row->name);
    if (used && uuid_equals(&used->uuid, &row->header_.uuid)) {
        shash_find_and_delete(&vi->node->used_before, row->name);
    } else {
        used = xzalloc(sizeof *used);
        used->uuid = row->header_.uuid;
        used->lost = row->n_consumed > 0;
    }

    struct pc_usage said;
    pc_usage_from_column(&said, row->key_consumed, row->value_consumed,
                         row->n_consumed);
    pc_usage_max(&used->sum, &said);
    used->shown = used->sum;
    pc_node_used_destroy(vi->used);
    vi->used = used;
    vi->node->used_dirty = true;
}

/* The container of 'vi' has just been started: it has used nothing. */
void
pc_node_used_begin(struct pc_node_vi *vi)
{
    struct pc_node_used *used = vi->used;

    if (used && vi->record) {
        free(used->instance);
        used->instance = xstrdup(vi->record->instance);
        used->last = (struct pc_usage_counters) {
            .taken = time_msec(), .memory = -1, .disk = -1,
        };
        used->lost = false;
        vi->node->used_dirty = true;
    }
}

/* Takes a look at container 'instance' of 'vi'. */
void
pc_node_used_take(struct pc_node_vi *vi, const char *instance,
                  const struct pc_usage_counters *now_)
{
    struct pc_node_used *used = vi->used;
    struct pc_usage_counters now = *now_;

    if (!used || !vi->record || strcmp(vi->record->instance, instance)) {
        return;                 /* Of a container that is gone. */
    }
    if (nullable_string_is_equal(used->instance, instance)) {
        if (now.taken <= used->last.taken) {
            return;
        }
        pc_usage_add(&used->sum, &used->last, &now);
        pc_usage_carry(&now, &used->last);
    } else if (!used->lost) {
        pc_usage_add(&used->sum, NULL, &now);
    }
    if (!nullable_string_is_equal(used->instance, instance)) {
        free(used->instance);
        used->instance = xstrdup(instance);
    }
    used->lost = false;
    used->last = now;
    vi->node->used_dirty = true;
}

/* The container of 'vi' is no more: the sum is final, unless there is another. */
void
pc_node_used_end(struct pc_node_vi *vi)
{
    if (vi->used) {
        vi->used->shown = vi->used->sum;
        vi->node->used_dirty = true;
    }
}

/* The file. */

struct save_job {
    struct pc_node *node;
    char *path, *tmp;
    struct ds text;
    int error;
};

/* The last agent may have been killed: a reader finds the old file or the new
 * one.  It is not synced: what a crash of the machine loses, its containers have
 * not lived to continue. */
static void
save_cb(void *job_)
{
    struct save_job *job = job_;
    FILE *f = fopen(job->tmp, "we");
    bool ok = f && fputs(ds_cstr(&job->text), f) >= 0;

    job->error = ok ? 0 : errno;
    if (f && fclose(f)) {
        job->error = errno;
    }
    if (!job->error && rename(job->tmp, job->path)) {
        job->error = errno;
    }
}

static void
save_done(void *job_)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);
    struct save_job *job = job_;
    struct shash_node *node;

    job->node->used_busy = false;
    if (job->error) {
        VLOG_WARN_RL(&rl, "%s: %s", job->path, ovs_strerror(job->error));
    }
    SHASH_FOR_EACH (node, &job->node->vis) {
        struct pc_node_vi *vi = node->data;

        if (vi->used) {
            /* Without the file the row has to do. */
            pc_usage_max(&vi->used->shown, &vi->used->saving);
        }
    }
    ds_destroy(&job->text);
    free(job->path);
    free(job->tmp);
    free(job);
}

static void
put_line(struct ds *s, const char *name, const struct pc_node_used *u)
{
    ds_put_format(s, "%s "UUID_FMT" %s %"PRId64" %"PRId64" %"PRId64" "
                  "%"PRId64" %"PRId64" %"PRId64" %"PRId64" %"PRId64" "
                  "%"PRId64" %"PRId64" %"PRId64"\n",
                  name, UUID_ARGS(&u->uuid), u->instance ? u->instance : "-",
                  u->last.taken, u->last.cpu_usec, u->last.received,
                  u->last.sent, u->last.memory, u->last.disk,
                  u->sum.cpu_usec, u->sum.received, u->sum.sent,
                  u->sum.memory, u->sum.disk);
}

/* Has the file written if it must be. */
void
pc_node_used_run(struct pc_node *n)
{
    struct shash_node *node;

    if (!n->scanned || !n->used_dirty || n->used_busy || n->closing) {
        return;
    }
    struct save_job *job = xzalloc(sizeof *job);
    job->node = n;
    job->path = file_name(n, "");
    job->tmp = file_name(n, ".tmp");
    ds_init(&job->text);
    SHASH_FOR_EACH (node, &n->vis) {
        struct pc_node_vi *vi = node->data;

        if (vi->used) {
            vi->used->saving = vi->used->sum;
            put_line(&job->text, vi->name, vi->used);
        }
    }
    n->used_dirty = false;
    n->used_busy = true;
    pc_worker_submit(n->prober, save_cb, save_done, job);
}

/* Writes to 'row' what has changed. */
void
pc_node_used_write(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    const char *keys[PC_N_USAGE];
    int64_t values[PC_N_USAGE];
    bool same = row->n_consumed == PC_N_USAGE;

    if (!vi->used || !row->n_slots
        || (!row->n_consumed && pc_usage_is_zero(&vi->used->shown))) {
        return;
    }
    pc_usage_to_column(&vi->used->shown, keys, values);
    for (size_t i = 0; same && i < PC_N_USAGE; i++) {
        same = (!strcmp(row->key_consumed[i], keys[i])
                && row->value_consumed[i] == values[i]);
    }
    if (!same) {
        pcrec_vi_set_consumed(row, keys, values, PC_N_USAGE);
    }
}
