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

#ifndef PC_CGROUP_PRIVATE_H
#define PC_CGROUP_PRIVATE_H 1

/* What the files of pc-cgroup.h share: the kernel's files of one cgroup. */

/* Root of the hierarchies. */
#define PC_CGROUP_ROOT "/sys/fs/cgroup"

/* A kernel file, v1 and v2. */
struct pc_cgroup_file {
    const char *controller;     /* v1: directory. */
    const char *v1;
    const char *v2;
};

/* Name of the file of `<path>/payload`, for the caller to free. */
char *pc_cgroup_file_name(const char *path, const struct pc_cgroup_file *);

/* Writes 'value' to it.  Returns 0 or a positive errno. */
int pc_cgroup_write(const char *path, const struct pc_cgroup_file *,
                    const char *value);

/* Its text, for the caller to free, or NULL. */
char *pc_cgroup_read(const char *path, const struct pc_cgroup_file *);

/* Fills in the I/O counters. */
struct pc_cgroup_usage;
void pc_cgroup_get_io_usage(const char *path, struct pc_cgroup_usage *);

#endif /* pc-cgroup-private.h */
