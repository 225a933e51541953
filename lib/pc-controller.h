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

#ifndef PC_CONTROLLER_H
#define PC_CONTROLLER_H 1

/* The controller role: programs the routers of one cloudlet.
 *
 * What it does
 * ============
 *
 * The controller reads services, rules, VIs, interfaces and routes of its
 * cloudlet from the database, compiles them into a table of desired flows for
 * each router, and keeps the switches at what is desired.  It places VIs
 * (creates and deletes VI rows), gives them numbers, MACs and addresses,
 * writes back errors, and acknowledges: Router.cur_cfg is the next_cfg up to
 * which the switch has confirmed everything by a barrier.
 *
 * A changed row compiles what depends on it and nothing else.
 * pc_controller_recompute() compiles everything anew and compares: the tests'
 * oracle.
 *
 * One controller acts for a cloudlet at a time: it holds the database lock
 * "packetcloud_controller_UUID", with the UUID of the Cloudlet row without
 * hyphens (pc-lock.h).
 *
 * Lifecycle
 * =========
 *
 *     pc_controller_register(idl);           (before the first run of 'idl')
 *     c = pc_controller_create(idl, remote, cloudlet);
 *     for (;;) {
 *         ovsdb_idl_loop_run(&loop) gives 'txn', perhaps NULL;
 *         pc_controller_run(c, txn);
 *         pc_controller_wait(c);
 *         ovsdb_idl_loop_commit_and_wait(&loop); ovsdb_idl_track_clear(idl);
 *         ...
 *     }
 *     pc_controller_destroy(c);
 *
 * pc_controller_destroy() leaves all flows as they are (fail static).
 *
 * Thread-safety: none; everything is called from the main loop. */

#include <stdbool.h>
#include "openvswitch/compiler.h"

struct ds;
struct ovsdb_idl;
struct ovsdb_idl_txn;
struct pc_controller;
struct pc_events;
struct uuid;

void pc_controller_register(struct ovsdb_idl *);
struct pc_controller *pc_controller_create(struct ovsdb_idl *,
                                           const char *remote,
                                           const char *cloudlet);
void pc_controller_set_events(struct pc_controller *, struct pc_events *);
/* For tests: the point at which it dies or stops (pc-fault.h): "before-judge",
 * "after-judge" (a new reservation), "before-rejudge", "after-rejudge" (more of an
 * old one), "before-place", "after-place", "before-follow" (the VI gets the new
 * slots), "before-go" and "after-go" (of a VI that moves with its reservation),
 * "before-leave" or "before-delete". */
void pc_controller_set_fault(struct pc_controller *, const char *fault);
void pc_controller_set_vi_ready(struct pc_controller *, const struct uuid *vi,
                                bool ready);
bool pc_controller_vi_is_wired(const struct pc_controller *,
                               const struct uuid *vi);
void pc_controller_destroy(struct pc_controller *);
void pc_controller_run(struct pc_controller *, struct ovsdb_idl_txn *);
void pc_controller_wait(struct pc_controller *);

char *pc_controller_recompute(struct pc_controller *) OVS_WARN_UNUSED_RESULT;

#endif /* pc-controller.h */
