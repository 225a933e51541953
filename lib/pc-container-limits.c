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
#include "pc-container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pc-cgroup.h"
#include "pc-container-config.h"
#include "pc-disk.h"
#include "util.h"

/* Limits of containers that run, and what they use of them. */

/* The disks that a container reads and writes: that of its own files and of
 * images, and that of the host's programs. */
static size_t
find_disks(const char *lxc_path, dev_t disks[2])
{
    size_t n = 0;

    if (!pc_disk_find_device(lxc_path, &disks[n])) {
        n++;
    }
    if (!pc_disk_find_device("/usr", &disks[n])
        && (!n || disks[0] != disks[1])) {
        n++;
    }
    return n;
}

static char *
set_io(const char *lxc_path, const char *name, uint64_t bps, uint64_t iops)
{
    char *cgroup = pc_container_cgroup(lxc_path, name);
    dev_t disks[2];
    size_t n = find_disks(lxc_path, disks);
    int error = n ? 0 : ENODEV;

    for (size_t i = 0; i < n; i++) {
        int retval = pc_cgroup_set_io(cgroup, disks[i], bps, iops);

        error = error ? error : retval;
    }
    free(cgroup);
    /* No limit where there cannot be one. */
    return (error && (bps || iops)
            ? xasprintf("cannot limit I/O (%s)",
                        error == ENODEV ? "the files are on no disk whose I/O "
                                          "can be limited"
                        : error == ENOENT ? "the kernel has no controller for "
                                            "it"
                        : ovs_strerror(error)) : NULL);
}

static char *
set_disk(const char *lxc_path, const char *name, uint64_t disk)
{
    char *dir = pc_container_dir(lxc_path, name);
    char *error = pc_disk_set_limit(dir, disk);

    free(dir);
    return error;
}

/* Those of the three steps that 'from' and 'to' differ in, as long as none
 * fails. */
static char *
change(const char *lxc_path, const char *name,
       const struct pc_container_limits *to,
       const struct pc_container_limits *from, bool undo)
{
    char *cgroup = pc_container_cgroup(lxc_path, name);
    char *error = NULL;

    if (undo || memcmp(&to->cgroup, &from->cgroup, sizeof to->cgroup)) {
        error = pc_cgroup_set_limits(cgroup, &to->cgroup);
    }
    if (!error && to->disk != from->disk) {
        error = set_disk(lxc_path, name, to->disk);
    }
    if (!error && (to->io_bps != from->io_bps || to->iops != from->iops)) {
        error = set_io(lxc_path, name, to->io_bps, to->iops);
    }
    free(cgroup);
    return error;
}

char *
pc_container_set_limits(const char *lxc_path, const char *name,
                        const struct pc_container_limits *new,
                        const struct pc_container_limits *old)
{
    char *error = change(lxc_path, name, new, old, false);

    if (error) {
        free(change(lxc_path, name, old, new, true));
    }
    return error;
}

char *
pc_container_set_storage(const char *lxc_path, const char *name,
                         const struct pc_container_limits *l)
{
    char *io = (l->io_bps || l->iops
                ? set_io(lxc_path, name, l->io_bps, l->iops) : NULL);
    char *disk = l->disk ? set_disk(lxc_path, name, l->disk) : NULL;
    char *error = NULL;

    if (io || disk) {
        error = xasprintf("not enforced: %s%s%s", disk ? disk : "",
                          io && disk ? "; " : "", io ? io : "");
        free(io);
        free(disk);
    }
    return error;
}

int
pc_container_get_disk(const char *lxc_path, const char *name, uint64_t *bytes)
{
    char *dir = pc_container_dir(lxc_path, name);
    int error = pc_disk_get_usage(dir, bytes);

    free(dir);
    return error;
}
