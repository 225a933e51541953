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


#ifndef PC_CONTAINER_PRIVATE_H
#define PC_CONTAINER_PRIVATE_H 1

/* What the files of pc-container.h share
 * ======================================
 *
 * pc-container-lxc.c is the only one that calls liblxc; the others know it by
 * these functions.  They block and are thread-safe as those of pc-container.h
 * are. */

#include <sys/types.h>
#include "compiler.h"
#include "pc-container.h"

struct pc_container_config;
struct sset;

/* PATH of a command in a container, and ours if we have none. */
#define PC_CONTAINER_PATH \
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Directories that all containers of 'lxc_path' share (the parent of their
 * cgroups, of liblxc's lock files) are removed with the last of them.  A lock on
 * 'lxc_path' keeps that apart from those who are just making something there:
 * LOCK_SH for them, LOCK_EX for removing.  Returns a file descriptor for
 * pc_container_unlock_shared(), or -1 if the lock cannot be had. */
int pc_container_lock_shared(const char *lxc_path, int operation);
void pc_container_unlock_shared(int fd);

/* Starts container 'name' with 'config' and stores the process id of its init
 * in '*init_pid'.  NULL with '*init_pid' 0: it did not start, and liblxc's log
 * says why; otherwise an error that is not in that log. */
char *pc_container_lxc_start(const char *lxc_path, const char *name,
                             const struct pc_container_config *config,
                             pid_t *init_pid) OVS_WARN_UNUSED_RESULT;

/* Asks the init of a container to end, waits up to 'grace_ms', then kills it;
 * nothing if it does not run. */
void pc_container_lxc_stop_init(const char *lxc_path, const char *name,
                                unsigned int grace_ms);

/* Adds the names of the running containers of 'lxc_path' to 'names'. */
void pc_container_lxc_list(const char *lxc_path, struct sset *names);

/* Starts 'argv' in a container with stdin, stdout and stderr 'fds'; its process
 * id, a child of ours, goes to '*pid'. */
char *pc_container_lxc_attach(const char *lxc_path, const char *name,
                              const char *const *argv, const int fds[3],
                              pid_t *pid) OVS_WARN_UNUSED_RESULT;

/* waitpid() for 'pid', whatever interrupts it. */
void pc_container_reap(pid_t pid, int *status);

#endif /* pc-container-private.h */
