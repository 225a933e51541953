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

#ifndef PC_CGROUP_H
#define PC_CGROUP_H 1

/* Control groups of a container
 * =============================
 *
 * One container's cgroup is a relative path such as "packetcloud/1f3c/web-1",
 * below /sys/fs/cgroup (v2) or below each of the directories in there (v1, a
 * directory for each controller).  What is below it is "payload" (the
 * container) and "monitor" (liblxc's process).  These functions read and write the
 * kernel's files directly, so they work whether or not the monitor is alive.
 *
 * No state; thread-safe for different containers. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "compiler.h"

struct pc_cgroup_limits {
    uint64_t cpu;               /* Millicores; 0: none. */
    uint64_t memory;            /* Bytes; 0: none. */
    uint64_t pids;              /* 0: none. */
};

struct pc_cgroup_usage {
    uint64_t cpu_usec;
    uint64_t memory;
    uint64_t pids;
    uint64_t oom_kills;

    /* Block I/O, as far as the kernel counts it: v1 only on disks that some
     * cgroup has a limit for, and no write that the page cache has put off. */
    uint64_t io_read_bytes, io_write_bytes, io_reads, io_writes;
};

#define PC_CGROUP_PERIOD_USEC 100000

/* The CPU time, in microseconds of each period, of 'cpu' millicores: within what
 * the kernel takes, however little or much they are. */
uint64_t pc_cgroup_quota(uint64_t cpu);

/* True if the machine has the unified hierarchy (v2). */
bool pc_cgroup_is_v2(void);

/* Sets the limits of `<path>/payload`; if one cannot be set, the others are as
 * they were.  A memory limit below what is in use is refused. */
char *pc_cgroup_set_limits(const char *path, const struct pc_cgroup_limits *)
    OVS_WARN_UNUSED_RESULT;

/* Limits reading and writing of `<path>/payload` on the disk 'device' to 'bps'
 * bytes and 'iops' operations a second each (0: no limit).  With v1, writes that
 * go through the page cache are not limited: the kernel does not know any more
 * whose they are.  Returns 0 or a positive errno: ENOENT, there is no such
 * controller. */
int pc_cgroup_set_io(const char *path, dev_t device, uint64_t bps,
                     uint64_t iops);

/* Stores what all cgroups together may have of 'cpu' and 'memory': a machine that is
 * itself a container can have less than its hardware.  0: as much as there
 * is. */
void pc_cgroup_get_root_limits(struct pc_cgroup_limits *);

/* Use by `<path>/payload`.  Returns 0 or a positive errno. */
int pc_cgroup_get_usage(const char *path, struct pc_cgroup_usage *);

/* Are the processes of `<path>/payload` frozen by the cgroup freezer? */
bool pc_cgroup_is_frozen(const char *path);

/* Thaws them: what is frozen does not die of any signal (v1). */
void pc_cgroup_thaw(const char *path);

/* Kills what runs in `path` (the monitor only if it has not ended by itself in
 * half a second) and removes it from all hierarchies.  Returns 0, also if there
 * was nothing, or a positive errno (EBUSY: processes that don't die). */
int pc_cgroup_destroy(const char *path);

/* Removes 'path' itself from all hierarchies if nothing is in it. */
void pc_cgroup_remove_empty(const char *path);

/* Calls cb(name, aux) for each directory directly below 'path', once for each
 * hierarchy that has it. */
void pc_cgroup_for_each(const char *path,
                        void (*cb)(const char *name, void *aux), void *aux);

#endif /* pc-cgroup.h */
