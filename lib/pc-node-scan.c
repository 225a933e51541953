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
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include "pc-cgroup.h"
#include "pc-container.h"
#include "pc-worker.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

/* Records: one line of text a container. */

void
pc_node_record_destroy(struct pc_node_record *record)
{
    if (record) {
        free(record->instance);
        free(record->fingerprint);
        free(record->root_fingerprint);
        free(record->image_key);
        free(record);
    }
}

/* File of container 'name', for the caller to free. */
char *
pc_node_record_path(const char *record_dir, const char *name)
{
    return xasprintf("%s/%s", record_dir, name);
}

/* Writes the record so that a reader, after whatever crash, finds the old one
 * or the new one.  Returns NULL or an error for the caller to free. */
char *
pc_node_record_write(const char *record_dir, const char *name,
                     const struct pc_node_record *record)
{
    char *path = pc_node_record_path(record_dir, name);
    char *tmp = xasprintf("%s/.%s.tmp", record_dir, name);
    FILE *f = fopen(tmp, "we");
    bool ok = f && fprintf(f, UUID_FMT" %s %s %s %u %"PRIu32" %d %s\n",
                           UUID_ARGS(&record->uuid), record->instance,
                           record->fingerprint, record->root_fingerprint,
                           record->number, record->mtu, record->no_offload,
                           record->image_key ? record->image_key
                           : "") > 0;
    char *error = NULL;

    if (f && fclose(f)) {
        ok = false;
    }
    if (!ok || rename(tmp, path)) {
        error = xasprintf("%s: %s", path, ovs_strerror(errno));
    }
    free(tmp);
    free(path);
    return error;
}

/* Returns the record of container 'name', or NULL. */
static struct pc_node_record *
record_read(const char *record_dir, const char *name)
{
    char *path = pc_node_record_path(record_dir, name);
    FILE *f = fopen(path, "re");
    struct pc_node_record *record = NULL;
    char uuid[64], instance[64], fp[64], root_fp[64], keys[512];
    unsigned int number = 0, mtu = 0;
    int no_offload = 0;

    free(path);
    if (!f) {
        return NULL;
    }
    int n = fscanf(f, "%63s %63s %63s %63s %u %u %d %511s", uuid, instance,
                   fp, root_fp, &number, &mtu, &no_offload, keys);
    if (n >= 4) {
        record = xzalloc(sizeof *record);
        record->number = number;
        record->instance = xstrdup(instance);
        record->fingerprint = xstrdup(fp);
        record->root_fingerprint = xstrdup(root_fp);
        record->mtu = mtu;
        record->no_offload = no_offload;
        record->image_key = n == 8 ? xstrdup(keys) : NULL;
        if (!uuid_from_string(&record->uuid, uuid)) {
            pc_node_record_destroy(record);
            record = NULL;
        }
    }
    fclose(f);
    return record;
}

/* Looking at what is there. */

struct pc_node_scan {
    struct pc_node *node;
    struct pc_node_found *found;
    size_t n;
    int64_t memory, disk, cpu;
};

static void
add_record_names(const char *record_dir, struct sset *names)
{
    DIR *dir = opendir(record_dir);

    if (dir) {
        for (struct dirent *de; (de = readdir(dir)); ) {
            if (de->d_name[0] != '.') {
                sset_add(names, de->d_name);
            }
        }
        closedir(dir);
    }
}

static void
look_at(struct pc_node_scan *scan, const char *name)
{
    const char *lxc_path = scan->node->vi_cfg.lxc_path;
    struct pc_node_found *f = &scan->found[scan->n++];

    f->name = xstrdup(name);
    f->record = record_read(scan->node->record_dir, name);
    f->pid = pc_container_init_pid(lxc_path, name);
    f->pidfd = f->pid > 0 ? pc_container_watch(f->pid) : -1;
    /* Asked again, now that the process cannot be replaced unnoticed. */
    if (f->pidfd < 0 || pc_container_init_pid(lxc_path, name) != f->pid) {
        if (f->pidfd >= 0) {
            close(f->pidfd);
        }
        f->pidfd = -1;
        f->pid = 0;
    }
}

/* The lesser of what there is and a limit, 0: none. */
static int64_t
at_most(int64_t value, uint64_t limit)
{
    return (limit && value > 0 && limit < (uint64_t) value
            ? (int64_t) limit : value);
}

/* What VIs can have here: they run on the CPUs that this process may use, in
 * cgroups of the root. */
static void
measure(struct pc_node_scan *scan)
{
    struct pc_cgroup_limits limits;
    struct statvfs fs;
    struct sysinfo si;
    cpu_set_t cpus;

    pc_cgroup_get_root_limits(&limits);
    scan->cpu = sysconf(_SC_NPROCESSORS_ONLN) * 1000;
    if (!sched_getaffinity(0, sizeof cpus, &cpus)) {
        scan->cpu = at_most(scan->cpu, CPU_COUNT(&cpus) * 1000);
    }
    scan->cpu = at_most(scan->cpu, limits.cpu);
    if (!sysinfo(&si)) {
        scan->memory = at_most((int64_t) si.totalram * si.mem_unit,
                               limits.memory);
    }
    if (!statvfs(scan->node->state_dir, &fs)) {
        scan->disk = (int64_t) fs.f_blocks * fs.f_frsize;
    }
}

static void
scan_cb(void *scan_)
{
    struct pc_node_scan *scan = scan_;
    char **listed = pc_container_list_all(scan->node->vi_cfg.lxc_path);
    struct sset names = SSET_INITIALIZER(&names);
    const char *name;

    for (size_t i = 0; listed && listed[i]; i++) {
        sset_add(&names, listed[i]);
    }
    pc_container_list_free(listed);
    add_record_names(scan->node->record_dir, &names);

    scan->found = xzalloc((sset_count(&names) + 1) * sizeof *scan->found);
    SSET_FOR_EACH (name, &names) {
        look_at(scan, name);
    }
    sset_destroy(&names);
    measure(scan);
}

static void
scan_done(void *scan_)
{
    struct pc_node_scan *scan = scan_;

    if (scan->found) {
        scan->node->found_cpu = scan->cpu;
        scan->node->found_memory = scan->memory;
        scan->node->found_disk = scan->disk;
        pc_node_scan_done(scan->node, scan->found, scan->n);
        for (size_t i = 0; i < scan->n; i++) {
            struct pc_node_found *f = &scan->found[i];

            if (f->pidfd >= 0) {
                close(f->pidfd);
            }
            pc_node_record_destroy(f->record);
            free(f->name);
        }
        free(scan->found);
    }
    free(scan);
}

/* Looks, in a worker, at what an earlier agent has left and at what this
 * machine has; then calls pc_node_scan_done() in the main loop. */
void
pc_node_scan_start(struct pc_node *n)
{
    struct pc_node_scan *scan = xzalloc(sizeof *scan);

    scan->node = n;
    n->scanning = true;
    pc_worker_submit(n->worker, scan_cb, scan_done, scan);
}
