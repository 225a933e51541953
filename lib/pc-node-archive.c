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
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "openvswitch/vlog.h"
#include "pc-container.h"
#include "pc-fetch.h"
#include "pc-upper.h"
#include "pc-worker.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_node_archive);

/* The files of a VI that moves to another node (pc-node-move.c), as an archive:
 * packed, fetched, unpacked.  All of it in a worker. */

/* An archive is called NAME-TOKEN.tar; who does not know the token cannot guess
 * the URL. */
#define TOKEN_LEN 32
#define SUFFIX ".tar"

static char *
export_dir(const struct pc_node *n)
{
    return xasprintf("%s/export", n->state_dir);
}

static char *
import_path(const struct pc_node *n, const char *name)
{
    return xasprintf("%s/import/%s"SUFFIX, n->state_dir, name);
}

static bool
is_archive_of(const char *file, const char *name)
{
    size_t len = strlen(name);

    return (!strncmp(file, name, len) && file[len] == '-'
            && strspn(file + len + 1, "0123456789abcdef") == TOKEN_LEN
            && !strcmp(file + len + 1 + TOKEN_LEN, SUFFIX));
}

/* Removes archives of VI 'name', both ways.  In a worker. */
void
pc_node_archive_clean(const struct pc_node *n, const char *name)
{
    char *path = export_dir(n);
    DIR *dir = opendir(path);
    char *import = import_path(n, name);
    char *part = xasprintf("%s.part", import);

    for (struct dirent *de; dir && (de = readdir(dir)); ) {
        if (is_archive_of(de->d_name, name)) {
            unlinkat(dirfd(dir), de->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
    unlink(import);
    unlink(part);
    free(part);
    free(import);
    free(path);
}

/* Jobs. */

struct archive_job {
    struct pc_node_vi *vi;
    const struct pc_node *node;
    char *name;
    bool ran;
    char *error;                /* Result. */

    struct smap export;         /* Result of packing; else what to unpack. */
    char *url;                  /* Packing: of the directory; NULL: none. */
    struct pc_node_record *record; /* Unpacking. */
};

static struct archive_job *
job_create(struct pc_node_vi *vi)
{
    struct archive_job *job = xzalloc(sizeof *job);

    job->vi = vi;
    job->node = vi->node;
    job->name = xstrdup(vi->name);
    smap_init(&job->export);
    vi->busy = true;
    return job;
}

static void
job_destroy(struct archive_job *job)
{
    free(job->name);
    free(job->error);
    free(job->url);
    smap_destroy(&job->export);
    pc_node_record_destroy(job->record);
    free(job);
}

static struct pc_upper_options
upper_options(const struct pc_node *n)
{
    return (struct pc_upper_options) {
        .id_base = n->vi_cfg.id_base,
        .id_count = n->vi_cfg.id_count,
        .cancel = &n->vi_cfg.cancel,
    };
}

/* Makes the directory 'dir', if it is missing, with 'mode'. */
static char *
make_dir(const char *dir, mode_t mode)
{
    return (mkdir(dir, mode) && errno != EEXIST
            ? xasprintf("%s: %s", dir, ovs_strerror(errno)) : NULL);
}

static void
pack_cb(void *job_)
{
    struct archive_job *job = job_;
    const struct pc_node *n = job->node;
    struct pc_upper_options opt = upper_options(n);
    struct pc_upper_archive archive;
    struct uuid token;

    job->ran = true;
    uuid_generate(&token);
    char *file = xasprintf("%s-%08x%08x%08x%08x"SUFFIX, job->name,
                           token.parts[0], token.parts[1], token.parts[2],
                           token.parts[3]);
    char *dir = export_dir(n);
    char *path = xasprintf("%s/%s", dir, file);
    char *upper = pc_container_upper(n->vi_cfg.lxc_path, job->name);

    pc_node_archive_clean(n, job->name);
    pc_fault(n->fault, "before-export");
    job->error = make_dir(dir, 0750);
    if (!job->error) {
        job->error = pc_upper_pack(upper, &opt, path, &archive);
    }
    if (!job->error) {
        smap_add(&job->export, "path", path);
        smap_add(&job->export, "sha256", archive.sha256);
        smap_add_format(&job->export, "size", "%"PRIu64, archive.size);
        if (job->url) {
            smap_add_nocopy(&job->export, xstrdup("url"),
                            xasprintf("%s/%s", job->url, file));
        }
        pc_fault(n->fault, "after-export");
    }
    free(upper);
    free(path);
    free(dir);
    free(file);
}

static void
set_refusal(struct pc_node_vi *vi, char *error)
{
    if (vi->node->closing) {
        free(error);            /* The next agent tries again. */
        return;
    }
    VLOG_WARN("%s: not moved: %s", vi->name, error);
    free(vi->move.refusal);
    vi->move.refusal = error;
}

static void
pack_done(void *job_)
{
    struct archive_job *job = job_;
    struct pc_node_vi *vi = job->vi;

    vi->busy = false;
    if (job->error) {
        set_refusal(vi, xasprintf("node %s cannot pack its files: %s",
                                  vi->node->name, job->error));
    } else if (job->ran) {
        VLOG_INFO("%s: its files are packed, %s bytes", vi->name,
                  smap_get(&job->export, "size"));
        smap_destroy(&vi->move.export);
        smap_clone(&vi->move.export, &job->export);
    }
    job_destroy(job);
}

void
pc_node_archive_pack(struct pc_node_vi *vi)
{
    struct archive_job *job = job_create(vi);

    job->url = nullable_xstrdup(vi->node->export_url);
    pc_worker_submit(vi->node->worker, pack_cb, pack_done, job);
}

/* Opens the archive that 'job' is about: where its node has it, or fetched. */
static char *
open_archive(const struct archive_job *job, int *fd)
{
    const char *path = smap_get_def(&job->export, "path", "");
    const char *url = smap_get(&job->export, "url");
    struct pc_fetch_options options = {
        .allow_http = true,     /* We know the SHA-256. */
        .max_size = smap_get_ullong(&job->export, "size", 1),
        .retries = 3,
        .cancel = &job->node->vi_cfg.cancel,
    };
    char *error = NULL;

    *fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0) {
        return NULL;
    } else if (!url) {
        return xasprintf("%s: %s; and its node has no export-url", path,
                         ovs_strerror(errno));
    }
    char *dir = xasprintf("%s/import", job->node->state_dir);
    char *file = import_path(job->node, job->name);
    pc_node_archive_clean(job->node, job->name);
    error = make_dir(dir, 0700);
    error = error ? error : pc_fetch(url, file, &options);
    if (!error) {
        *fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        error = (*fd < 0 ? xasprintf("%s: %s", file, ovs_strerror(errno))
                 : NULL);
    }
    free(file);
    free(dir);
    return error;
}

/* Makes the archive 'fd' the files of the VI.  The record comes last: without it
 * what is there is no VI's. */
static char *
unpack(const struct archive_job *job, int fd)
{
    const struct pc_node *n = job->node;
    const char *lxc_path = n->vi_cfg.lxc_path;
    struct pc_upper_options opt = upper_options(n);
    struct pc_upper_archive archive;
    char *upper = pc_container_upper(lxc_path, job->name);
    char *record = pc_node_record_path(n->record_dir, job->name);

    char *error = pc_upper_hash(fd, opt.cancel, &archive);
    if (!error && strcmp(archive.sha256,
                         smap_get_def(&job->export, "sha256", ""))) {
        error = xstrdup("the archive of its files has another SHA-256");
    }
    if (!error && unlink(record) && errno != ENOENT) {
        error = xasprintf("%s: %s", record, ovs_strerror(errno));
    }
    error = error ? error : pc_container_destroy(lxc_path, job->name);
    error = error ? error : pc_container_make_dirs(lxc_path, job->name,
                                                   n->vi_cfg.id_base);
    error = error ? error : pc_upper_unpack(fd, upper, &opt);
    if (!error) {
        pc_fault(n->fault, "in-import");
        error = pc_node_record_write(n->record_dir, job->name, job->record);
    }
    free(record);
    free(upper);
    return error;
}

static void
import_cb(void *job_)
{
    struct archive_job *job = job_;
    int fd = -1;

    job->ran = true;
    pc_fault(job->node->fault, "before-import");
    job->error = open_archive(job, &fd);
    if (!job->error) {
        job->error = unpack(job, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!job->error) {
        pc_node_archive_clean(job->node, job->name);
        pc_fault(job->node->fault, "after-import");
    }
}

static void
import_done(void *job_)
{
    struct archive_job *job = job_;
    struct pc_node_vi *vi = job->vi;

    vi->busy = false;
    if (job->error) {
        set_refusal(vi, xasprintf("node %s cannot take its files: %s",
                                  vi->node->name, job->error));
    } else if (job->ran) {
        free(vi->move.arrived);
        vi->move.arrived
            = nullable_xstrdup(smap_get(&job->export, "sha256"));
        pc_node_record_destroy(vi->record);
        vi->record = job->record;
        job->record = NULL;
    }
    job_destroy(job);
}

void
pc_node_archive_import(struct pc_node_vi *vi)
{
    struct archive_job *job = job_create(vi);

    smap_destroy(&job->export);
    smap_clone(&job->export, &vi->want->export);
    job->record = pc_node_record_create(vi->want, vi->image);
    vi->on_disk = true;
    pc_worker_submit(vi->node->worker, import_cb, import_done, job);
}
