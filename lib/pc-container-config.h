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

#ifndef PC_CONTAINER_CONFIG_H
#define PC_CONTAINER_CONFIG_H 1

/* A container's description as liblxc's configuration
 * ===================================================
 *
 * Pure translation of struct pc_container_spec: no I/O except looking which
 * version of cgroups the machine has.  Private to pc-container*.c and tests. */

#include "compiler.h"
#include "pc-container.h"

/* Configuration items in the order in which to set them, and the argument
 * vector of init. */
struct pc_container_config {
    struct pc_container_item {
        char *key;              /* "lxc...." */
        char *value;
    } *items;
    size_t n_items, allocated_items;

    char **init;                /* NULL-terminated. */
    size_t n_init, allocated_init;
};

/* Checks 'spec' and translates it.  On error '*config' is empty. */
char *pc_container_config_init(struct pc_container_config *config,
                               const struct pc_container_spec *spec)
    OVS_WARN_UNUSED_RESULT;
void pc_container_config_destroy(struct pc_container_config *);

/* Paths that follow from the identity; to be freed. */
char *pc_container_dir(const char *lxc_path, const char *name);
char *pc_container_file(const char *lxc_path, const char *name,
                        const char *file);
char *pc_container_cgroup_parent(const char *lxc_path);
char *pc_container_cgroup(const char *lxc_path, const char *name);

/* True if 'name' is fit for a container. */
bool pc_container_name_is_valid(const char *name);

#endif /* pc-container-config.h */
