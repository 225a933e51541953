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

#ifndef PC_LOCK_H
#define PC_LOCK_H 1

/* The OVSDB locks by which the agents' roles take turns, and by which others
 * see that a role has somebody who acts (RFC 7047, section 4.1.8).
 *
 * A lock lives in one server: what a cluster's follower or a relay grants binds
 * nobody else.  So a lock has a connection of its own, to the leader alone, and
 * the leader of the day gives it anew after a change.  A server takes it away
 * when the connection ends, or answers no more.
 *
 * Nothing that is written rests on a lock: a transaction says by itself what it
 * relies on.
 *
 * Lifecycle
 * =========
 *
 *     lock = pc_lock_create(remote);
 *     pc_lock_set(lock, name);               (as often as the name changes)
 *     for (;;) {
 *         pc_lock_run(lock);
 *         if (pc_lock_is_held(lock)) { ... }
 *         pc_lock_wait(lock);
 *     }
 *     pc_lock_destroy(lock);
 *
 * Each of these takes NULL, a role that needs no lock, too.
 *
 * Thread-safety: none; everything is called from the main loop. */

#include <stdbool.h>

struct pc_lock;
struct uuid;

/* Returns the name of the lock of the role called 'role' ("controller", "node")
 * for the cloudlet or node with UUID 'row', for the caller to free; 'row' is NULL
 * for a role that there is once only. */
char *pc_lock_name(const char *role, const struct uuid *row);

/* Returns a connection to the leader among the servers in 'remote', a list
 * separated by commas, for a lock to come; NULL if 'remote' is NULL. */
struct pc_lock *pc_lock_create(const char *remote);
void pc_lock_destroy(struct pc_lock *);

/* From now on the lock called 'name' is wanted, which is copied; NULL: none. */
void pc_lock_set(struct pc_lock *, const char *name);

void pc_lock_run(struct pc_lock *);
void pc_lock_wait(const struct pc_lock *);

/* Is the lock ours?  Does somebody else have it?  Both are false while there is
 * no connection.  Without a lock the role is always ours. */
bool pc_lock_is_held(const struct pc_lock *);
bool pc_lock_is_contended(const struct pc_lock *);

#endif /* pc-lock.h */
