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

#ifndef PC_SCHEDULER_H
#define PC_SCHEDULER_H 1

/* The scheduler role (paper sections 3.4 and 3.5)
 * ================================================
 *
 * It answers the requests in table Reservation: places them, charges them once
 * their controllers have confirmed, and starts and ends them by the calendar.
 *
 * Any number of schedulers may run.  The one that holds the OVSDB lock acts, the
 * others follow and can take over at once.  Nothing rests on the lock: a decision
 * is one transaction that is verified against the version of the node that it
 * places something on (Node.version, raised by it), against the request that it
 * answers and, for money, against the provider's number of ledger entries.  Of two
 * that believe they act, one gets TXN_TRY_AGAIN, and decides again with what the
 * other has done.
 *
 * The scheduler has a connection to the database of its own: what it writes never
 * fails together with what other roles of the same process write.
 *
 * Thread-safety: none; the main loop's. */

#include <stdbool.h>
#include "openvswitch/compiler.h"
#include "openvswitch/dynamic-string.h"

struct pc_scheduler;

/* Returns a scheduler for the database 'remote'.  Registers the unixctl command
 * "scheduler/status".
 *
 * 'fault' is for tests, usually NULL.  "no-lock": it always believes that it acts.
 * "before-STEP", "sent-STEP" or "after-STEP": it dies (pc-fault.h) before the
 * transaction with that step is sent, when it is sent and not answered, or when it
 * has succeeded.  Steps: reserve, confirm (and charge), start, resize (hold), move
 * (hold elsewhere), moved, resized (settle), cancel, end. */
struct pc_scheduler *pc_scheduler_create(const char *remote,
                                         const char *fault);
void pc_scheduler_destroy(struct pc_scheduler *);

void pc_scheduler_run(struct pc_scheduler *);
void pc_scheduler_wait(struct pc_scheduler *);

#endif /* pc-scheduler.h */
