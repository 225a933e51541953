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

#ifndef PC_APPCTL_H
#define PC_APPCTL_H 1

/* Commands to a daemon of Open vSwitch on this machine, as by ovs-appctl(8),
 * without waiting:
 *
 *     pc_appctl_send(a, "dpctl/dump-conntrack", argv, n);
 *     loop: while (pc_appctl_run(a, &reply, &error)) { ... }
 *           pc_appctl_wait(a);
 *
 * One command at a time; each has a connection of its own.
 *
 * Thread-safety: none; the main loop's. */

#include <stdbool.h>
#include <stddef.h>
#include "openvswitch/compiler.h"

struct pc_appctl;

/* Stores in '*target' where the daemon called 'program' listens for commands, a
 * connection method that the caller frees.  Returns NULL, or why that is not
 * known, with '*target' NULL. */
char *pc_appctl_target(const char *program, char **target)
    OVS_WARN_UNUSED_RESULT;

/* Returns a client of the daemon called 'program', e.g. "ovs-vswitchd", whose
 * pidfile and socket are in Open vSwitch's run directory. */
struct pc_appctl *pc_appctl_create(const char *program);

/* Frees 'a'; a command under way is forgotten.  NULL is fine. */
void pc_appctl_destroy(struct pc_appctl *a);

/* Sends 'command' with 'n' arguments.  Whatever is wrong with that is the
 * answer that pc_appctl_run() gives.  Only while pc_appctl_is_busy() is
 * false. */
void pc_appctl_send(struct pc_appctl *a, const char *command,
                    const char *const *argv, size_t n);

/* Is an answer due? */
bool pc_appctl_is_busy(const struct pc_appctl *a);

/* Returns true if the answer is there: then '*reply' is its text or '*error'
 * says why there is none; the other is NULL, and the caller frees both. */
bool pc_appctl_run(struct pc_appctl *a, char **reply, char **error);

/* Arranges for the poll loop to wake when pc_appctl_run() has work. */
void pc_appctl_wait(struct pc_appctl *a);

#endif /* pc-appctl.h */
