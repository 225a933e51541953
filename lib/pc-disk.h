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

#ifndef PC_DISK_H
#define PC_DISK_H 1

/* Disk space of one directory tree
 * ================================
 *
 * Only btrfs limits the space of a tree: the tree is a subvolume, and the
 * quota group of that number (btrfs "0/ID") has a limit of the space that it
 * refers to.  On other file systems pc_disk_make() makes an ordinary directory,
 * and the functions about limits say what is missing.
 *
 * Quotas are switched on in the file system by the first limit.  Writing beyond
 * a limit fails with EDQUOT.  A limit changes at once, whatever is mounted or
 * open.  The kernel's ioctls are used, no program is run.
 *
 * No state; thread-safe for different trees.  Everything may block for as long
 * as the file system needs to write to its disk. */

#include <stdint.h>
#include <sys/types.h>
#include "compiler.h"

/* Makes the directory 'path', as a subvolume if that is possible, with exactly
 * 'mode' and owner, also if it exists.  Returns 0 or a positive errno. */
int pc_disk_make(const char *path, mode_t mode, uid_t uid, gid_t gid);

/* Removes the tree 'path' and its quota group.  Not there is fine. */
int pc_disk_remove(const char *path);

/* Why trees below the directory 'path' cannot have limits, for the caller to
 * free; NULL: they can. */
char *pc_disk_why_unlimited(const char *path);

/* Limits what the tree 'path' may use to 'bytes' (0: no limit).  An error is
 * one line for the caller to free, and nothing has changed then; less than is in
 * use is one. */
char *pc_disk_set_limit(const char *path, uint64_t bytes)
    OVS_WARN_UNUSED_RESULT;

/* The tree's use in bytes, as of the file system's last commit (up to 30 s ago).
 * Returns 0 or a positive errno: ENOTTY or EOPNOTSUPP, it is not counted. */
int pc_disk_get_usage(const char *path, uint64_t *bytes);

/* Finds the disk that holds 'path' (not a partition of it: I/O limits are for
 * whole disks).  ENODEV: there is none, as on tmpfs or NFS. */
int pc_disk_find_device(const char *path, dev_t *device);

#endif /* pc-disk.h */
