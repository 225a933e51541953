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
#include "openvswitch/vlog.h"
#include "pc-image.h"
#include "pc-worker.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_images);

/* Images of the cache that no VI of this node has been started from, and that
 * none has asked for in Node.options:image-keep seconds, are removed.
 *
 * What is in use is in the VIs' records, which are written before the container
 * starts.  Nothing is removed while a VI is on its way, or has no record, or one
 * that does not say; and no image is opened while images are removed. */

#define MAX_PERIOD_MS (3600 * 1000)

struct images_job {
    struct pc_node *node;
    struct svec keep;
    long long int keep_ms;
    size_t n_removed;
};

static void
images_cb(void *job_)
{
    struct images_job *job = job_;

    job->n_removed = pc_image_collect(job->node->vi_cfg.image_cache,
                                      (const char *const *) job->keep.names,
                                      job->keep_ms / 1000);
}

static void
images_done(void *job_)
{
    struct images_job *job = job_;

    job->node->collecting = false;
    if (job->n_removed) {
        VLOG_INFO("removed %"PRIuSIZE" unused images", job->n_removed);
        job->node->collected = true;
    }
    svec_destroy(&job->keep);
    free(job);
}

/* Adds the images of all VIs to 'keep'.  Returns false if they are not known. */
static bool
find_used(const struct pc_node *n, struct svec *keep)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &n->vis) {
        const struct pc_node_vi *vi = node->data;

        if (vi->busy || !pc_node_vi_is_settled(vi)
            || (vi->on_disk && (!vi->record || !vi->record->image_key))) {
            return false;
        }
        if (vi->record && vi->record->image_key) {
            svec_add(keep, vi->record->image_key);
        }
        if (vi->image) {
            svec_add(keep, vi->image->image->key);
        }
    }
    return true;
}

/* Begins to remove images if it is time. */
void
pc_node_images_run(struct pc_node *n)
{
    struct images_job *job;

    if (!n->scanned || n->collecting || !n->image_keep
        || time_msec() < n->collect_at) {
        return;
    }
    n->collect_at = time_msec() + MIN(n->image_keep, MAX_PERIOD_MS);
    job = xzalloc(sizeof *job);
    job->node = n;
    job->keep_ms = n->image_keep;
    svec_init(&job->keep);
    if (find_used(n, &job->keep)) {
        svec_terminate(&job->keep);
        n->collecting = true;
        pc_worker_submit(n->prober, images_cb, images_done, job);
    } else {
        svec_destroy(&job->keep);
        free(job);
    }
}

void
pc_node_images_wait(const struct pc_node *n)
{
    if (n->scanned && !n->collecting && n->image_keep) {
        poll_timer_wait_until(n->collect_at);
    }
}

/* Takes back what Image.status says of images that no VI here has. */
void
pc_node_images_write(struct pc_node *n)
{
    const struct pcrec_image *image;
    const struct pcrec_vi *vi;

    if (!n->collected) {
        return;
    }
    n->collected = false;
    PCREC_IMAGE_FOR_EACH (image, n->idl) {
        bool used = false;

        PCREC_VI_FOR_EACH (vi, n->idl) {
            used = used || (vi->service && vi->service->image == image
                            && vi->node && !strcmp(vi->node->name, n->name));
        }
        if (!used && smap_get(&image->status, n->name)) {
            pcrec_image_update_status_delkey(image, n->name);
        }
    }
}
