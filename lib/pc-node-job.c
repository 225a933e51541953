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
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "pc-container.h"
#include "packets.h"
#include "pc-image.h"
#include "pc-worker.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

/* What pcloud-vi-init prints begins with this. */
#define INIT_PREFIX "pcloud-vi-init:"

/* A job works on copies: the main loop goes on changing the VI meanwhile.  The
 * VI itself stays until its job is done; only 'node->vi_cfg', 'record_dir' and
 * 'fault' are shared, and nobody changes them. */
struct job {
    struct pc_node_vi *vi;
    const struct pc_node *node;
    char *name;
    bool ran;                   /* The worker came to it. */
    char *error;

    /* Image. */
    char *image_name, *image_url, *image_sha256, *image_of;
    struct pc_vi_image *image;  /* Result; borrowed in a start job. */

    /* Start. */
    enum pc_manifest_mode mode;
    char *mac, *mac2, *ports[2];
    char **addresses;
    char *gateway4, *gateway6;
    struct pc_capacity capacity, old_capacity;
    struct pc_node_link link;
    char *link_error;           /* Result. */
    char *unenforced;           /* Result. */
    struct pc_node_record *record;
    pid_t pid;
    int pidfd;

    /* Stop. */
    bool destroy;
    unsigned int grace_ms;
    char *last_line;
    struct pc_usage_counters last;  /* Result. */
};

static struct job *
job_create(struct pc_node_vi *vi)
{
    struct job *job = xzalloc(sizeof *job);

    job->vi = vi;
    job->node = vi->node;
    job->name = xstrdup(vi->name);
    job->pidfd = -1;
    return job;
}

static void
job_destroy(struct job *job)
{
    free(job->name);
    free(job->error);
    free(job->image_name);
    free(job->image_url);
    free(job->image_sha256);
    free(job->image_of);
    free(job->mac);
    free(job->mac2);
    free(job->ports[0]);
    free(job->ports[1]);
    for (size_t i = 0; job->addresses && job->addresses[i]; i++) {
        free(job->addresses[i]);
    }
    free(job->addresses);
    free(job->gateway4);
    free(job->gateway6);
    pc_node_record_destroy(job->record);
    free(job->unenforced);
    free(job->link_error);
    free(job->last_line);
    free(job);
}

static void
submit(struct job *job, pc_worker_func *fn, pc_worker_func *done)
{
    job->vi->busy = true;
    pc_worker_submit(job->vi->node->worker, fn, done, job);
}

/* The error of a job, for the caller to free. */
static char *
take_error(struct job *job)
{
    char *error = job->error;

    job->error = NULL;
    return error || job->ran ? error : xstrdup("the agent is ending");
}

/* Image. */

static void
image_cb(void *job_)
{
    struct job *job = job_;

    job->ran = true;
    job->error = pc_vi_image_open(&job->node->vi_cfg, job->image_name,
                                  job->image_url, job->image_sha256,
                                  &job->image);
}

static void
image_done(void *job_)
{
    struct job *job = job_;

    job->vi->busy = false;
    pc_node_vi_image_done(job->vi, job->image, job->image_of,
                          take_error(job));
    job->image_of = NULL;
    job_destroy(job);
}

/* Makes the image ready. */
void
pc_node_job_image(struct pc_node_vi *vi)
{
    struct job *job = job_create(vi);

    job->image_name = xstrdup(vi->want->image_name);
    job->image_url = xstrdup(vi->want->image_url);
    job->image_sha256 = xstrdup(vi->want->image_sha256);
    job->image_of = xstrdup(vi->want->root_fingerprint);
    submit(job, image_cb, image_done);
}

/* Start. */

static char *
start(struct job *job)
{
    const struct pc_node *n = job->node;
    const struct pc_container_limits limits
        = pc_node_limits_of(&job->capacity);
    struct pc_container_interface interfaces[2] = {
        {
            .host_name = job->ports[0],
            .mtu = job->link.mtu,
            .mac = job->mac[0] ? job->mac : NULL,
            .addresses = (const char *const *) job->addresses,
            .gateway4 = job->gateway4,
            .gateway6 = job->gateway6,
        },
        {
            .host_name = job->ports[1],
            .mac = job->mac2,
            .mtu = job->link.mtu,
        },
    };
    struct pc_vi_params params = {
        .name = job->name,
        .mode = job->mode,
        .limits = limits.cgroup,
        .interfaces = interfaces,
        .n_interfaces = job->ports[1] ? 2 : 1,
    };

    char *error = pc_node_record_write(n->record_dir, job->name, job->record);
    if (error) {
        return error;
    }
    pc_node_archive_clean(n, job->name);
    pc_fault(n->fault, "before-start");
    error = pc_vi_start(&n->vi_cfg, job->image, &params, &job->pid);
    if (error) {
        return error;
    }
    pc_fault(n->fault, "after-start");
    job->unenforced = pc_container_set_storage(n->vi_cfg.lxc_path, job->name,
                                               &limits);
    job->link_error = pc_node_link_set(job->pid,
                                       (const char *const *) job->ports,
                                       &job->link);
    job->pidfd = pc_container_watch(job->pid);
    return (job->pidfd < 0
            ? xasprintf("ended at once (%s)", ovs_strerror(-job->pidfd))
            : NULL);
}

static void
start_cb(void *job_)
{
    struct job *job = job_;

    job->ran = true;
    job->error = start(job);
}

static void
start_done(void *job_)
{
    struct job *job = job_;

    job->vi->busy = false;
    free(job->vi->unenforced);
    job->vi->unenforced = job->unenforced;
    job->unenforced = NULL;
    pc_node_link_done(job->vi, &job->link, job->link_error);
    job->link_error = NULL;
    pc_node_vi_start_done(job->vi, job->pid, job->pidfd, take_error(job));
    job_destroy(job);
}

struct pc_node_record *
pc_node_record_create(const struct pc_node_want *want,
                      const struct pc_vi_image *image)
{
    struct pc_node_record *record = xzalloc(sizeof *record);
    struct uuid instance = uuid_random();

    record->uuid = want->uuid;
    record->number = want->number;
    record->instance = xasprintf(UUID_FMT, UUID_ARGS(&instance));
    record->fingerprint = xstrdup(want->fingerprint);
    record->root_fingerprint = xstrdup(want->root_fingerprint);
    record->mtu = image->manifest->mtu;
    record->no_offload = image->manifest->no_offload;
    record->image_key = xstrdup(image->image->key);
    return record;
}

static struct pc_node_record *
record_clone(const struct pc_node_record *src)
{
    struct pc_node_record *dst = xmemdup(src, sizeof *src);

    dst->instance = xstrdup(src->instance);
    dst->fingerprint = xstrdup(src->fingerprint);
    dst->root_fingerprint = xstrdup(src->root_fingerprint);
    dst->image_key = nullable_xstrdup(src->image_key);
    return dst;
}

/* The Ethernet address of the second port of a VI whose first has 'mac': as
 * pc_vi_mac() in pc-model.h.  NULL if that one has none of its own. */
static char *
second_mac(const char *mac)
{
    struct eth_addr ea;

    if (!eth_addr_from_string(mac, &ea)) {
        return NULL;
    }
    ea.ea[5] ^= 1;
    return xasprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(ea));
}

static void
copy_gateways(struct job *job, const struct pc_node_want *want)
{
    for (size_t i = 0; i < want->gateways.n; i++) {
        const char *gw = want->gateways.names[i];
        char **gwp = strchr(gw, ':') ? &job->gateway6 : &job->gateway4;

        free(*gwp);
        *gwp = xstrdup(gw);
    }
}

/* Starts the container of 'vi->want' from 'vi->image', under a new record. */
void
pc_node_job_start(struct pc_node_vi *vi)
{
    const struct pc_node_want *want = vi->want;
    struct job *job = job_create(vi);

    pc_node_record_destroy(vi->record);
    vi->record = pc_node_record_create(want, vi->image);
    vi->on_disk = true;
    pc_node_limits_start(vi);
    vi->probe_chosen = false;

    job->record = record_clone(vi->record);
    job->image = vi->image;
    job->mode = want->mode;
    job->capacity = want->capacity;
    pc_node_link_wanted(vi, &job->link);
    job->mac = xstrdup(want->mac);
    job->ports[0] = xasprintf("pc%ua", want->number);
    if (want->two_ports) {
        job->mac2 = second_mac(want->mac);
        job->ports[1] = xasprintf("pc%ub", want->number);
    }
    job->addresses = xzalloc((want->addresses.n + 1) * sizeof(char *));
    for (size_t i = 0; i < want->addresses.n; i++) {
        job->addresses[i] = xstrdup(want->addresses.names[i]);
    }
    copy_gateways(job, want);
    submit(job, start_cb, start_done);
}

/* Stop. */

/* The last line that the VI has printed itself: nearly always why it ended.
 * Programs that show the offending text below their error (nft) are met by
 * looking at three lines for one that says "error".  What its init has to say
 * comes by pc_container_stage(). */
static char *
read_last_line(const char *lxc_path, const char *name)
{
    char *path = pc_container_log_path(lxc_path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char buf[1024];

    free(path);
    if (fd < 0) {
        return NULL;
    }
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = MAX(size - (off_t) sizeof buf + 1, 0);
    ssize_t n = pread(fd, buf, sizeof buf - 1, from);
    close(fd);
    char *last = NULL;
    for (int lines = 0; n > 0 && lines < 3; ) {
        buf[n] = '\0';
        char *end = strrchr(buf, '\n');
        char *line = end ? end + 1 : buf;

        line += strspn(line, " \t\r");
        if (*line && strncmp(line, INIT_PREFIX, strlen(INIT_PREFIX))) {
            line[strcspn(line, "\r")] = '\0';
            if (!last || strcasestr(line, "error")) {
                free(last);
                last = xstrdup(line);
                if (strcasestr(line, "error")) {
                    break;
                }
            }
            lines++;
        }
        n = end ? end - buf : 0;
    }
    return last;
}

static void
stop_cb(void *job_)
{
    struct job *job = job_;
    const struct pc_node *n = job->node;
    const char *lxc_path = n->vi_cfg.lxc_path;

    job->ran = true;
    if (pc_container_stage(lxc_path, job->name, NULL) == PC_CONTAINER_FAILED) {
        /* It ended by itself: it may have said why. */
        job->last_line = read_last_line(lxc_path, job->name);
    }
    pc_node_stats_look(n, job->name, job->ports, &job->last);
    pc_fault(n->fault, "before-stop");
    job->error = pc_container_stop(lxc_path, job->name, job->grace_ms);
    if (job->error || !job->destroy) {
        return;
    }
    pc_fault(n->fault, "after-stop");
    pc_fault(n->fault, "before-remove");
    pc_node_archive_clean(n, job->name);
    job->error = pc_container_destroy(lxc_path, job->name);
    if (!job->error) {
        char *path = pc_node_record_path(n->record_dir, job->name);

        if (unlink(path) && errno != ENOENT) {
            job->error = xasprintf("%s: %s", path, ovs_strerror(errno));
        }
        free(path);
        pc_fault(n->fault, "after-remove");
    }
}

static void
stop_done(void *job_)
{
    struct job *job = job_;
    char *last_line = job->last_line;

    job->last_line = NULL;
    job->vi->busy = false;
    if (job->ran && job->record) {
        pc_node_used_take(job->vi, job->record->instance, &job->last);
        pc_node_used_end(job->vi);
    }
    pc_node_vi_stop_done(job->vi, last_line, take_error(job));
    job_destroy(job);
}

/* Stops the container; with 'destroy', removes all that is left of it. */
void
pc_node_job_stop(struct pc_node_vi *vi, bool destroy)
{
    struct job *job = job_create(vi);

    job->destroy = destroy;
    job->record = vi->record && vi->pid ? record_clone(vi->record) : NULL;
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports); i++) {
        job->ports[i] = nullable_xstrdup(vi->ports[i]);
    }
    job->grace_ms = (vi->died ? 0
                     : vi->image ? vi->image->manifest->stop_grace_ms : 2000);
    submit(job, stop_cb, stop_done);
}

/* Limits. */

static void
limits_cb(void *job_)
{
    struct job *job = job_;

    const char *lxc_path = job->node->vi_cfg.lxc_path;
    struct pc_container_limits new = pc_node_limits_of(&job->capacity);
    struct pc_container_limits old = pc_node_limits_of(&job->old_capacity);

    job->ran = true;
    pc_fault(job->node->fault, "before-limits");
    job->error = pc_container_set_limits(lxc_path, job->name, &new, &old);
    pc_fault(job->node->fault, "after-limits");
    if (!job->error) {
        job->unenforced = pc_container_set_storage(lxc_path, job->name, &new);
    }
}

static void
limits_done(void *job_)
{
    struct job *job = job_;

    job->vi->busy = false;
    pc_node_limits_done(job->vi, &job->capacity, job->unenforced,
                        take_error(job));
    job->unenforced = NULL;
    job_destroy(job);
}

/* Changes the limits of the running container to the wanted ones. */
void
pc_node_job_limits(struct pc_node_vi *vi)
{
    struct job *job = job_create(vi);

    job->capacity = vi->want->capacity;
    job->old_capacity = vi->applied;
    submit(job, limits_cb, limits_done);
}

/* MTU and offloads. */

static void
link_cb(void *job_)
{
    struct job *job = job_;

    job->ran = true;
    job->error = pc_node_link_set(job->pid, (const char *const *) job->ports,
                                  &job->link);
}

static void
link_done(void *job_)
{
    struct job *job = job_;

    job->vi->busy = false;
    pc_node_link_done(job->vi, &job->link, take_error(job));
    job_destroy(job);
}

/* Sets the interfaces of the running container as 'link' says. */
void
pc_node_job_link(struct pc_node_vi *vi, const struct pc_node_link *link)
{
    struct job *job = job_create(vi);

    job->link = *link;
    job->pid = vi->pid;
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports); i++) {
        job->ports[i] = nullable_xstrdup(vi->ports[i]);
    }
    submit(job, link_cb, link_done);
}
