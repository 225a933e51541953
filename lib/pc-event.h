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

#ifndef PC_EVENT_H
#define PC_EVENT_H 1

/* What has happened, for people: rows of the table Event.
 *
 * The switch bypasses a dead VI by itself, and the agent takes one that does
 * not answer out of its groups directly; the database hears of it afterwards,
 * from here.  So an event may wait: the roles put it into a queue at the
 * moment at which it happens, and it reaches the database when that can be
 * reached, with the time at which it happened.  Nothing decides by events.
 *
 *     agent: events = pc_events_create(idl);
 *     role:  pc_events_add(events, &(struct pc_event) {
 *                .kind = PC_EVENT_VI_DIED, .vi = "f-1", .cause = why });
 *     loop:  pc_events_run(events, txn);      (txn may be NULL)
 *
 * A new kind is a line in the enum and one in pc-event.c, and one in
 * packetcloud.xml.  The number of rows is bounded: pc_events_trim(), called by
 * the controller role, deletes the oldest.
 *
 * Thread safety: none; the main loop's. */

#include <stdbool.h>
#include <stddef.h>

struct ovsdb_idl;
struct ovsdb_idl_txn;

/* Rows that are kept, unless PacketCloud.options:max-events says otherwise. */
#define PC_EVENTS_MAX 1000

enum pc_event_kind {
    PC_EVENT_AGENT_STARTED,
    PC_EVENT_AGENT_STOPPED,
    PC_EVENT_SWITCH_CONNECTED,
    PC_EVENT_SWITCH_DISCONNECTED,
    PC_EVENT_NODE_UP,           /* Its agent is heard of (again). */
    PC_EVENT_NODE_SUSPECT,      /* It is silent: nothing is placed there. */
    PC_EVENT_NODE_DOWN,         /* It has been silent for long. */
    PC_EVENT_LINK_UP,           /* Of a port of a VI that runs. */
    PC_EVENT_LINK_DOWN,
    PC_EVENT_VI_STARTED,
    PC_EVENT_VI_READY,          /* May have traffic from now on. */
    PC_EVENT_VI_UNHEALTHY,      /* Was ready, does not answer its probe. */
    PC_EVENT_VI_HELD,           /* Answers, but has failed too often. */
    PC_EVENT_VI_DIED,
    PC_EVENT_VI_BACKOFF,        /* When it will be started again. */
    PC_EVENT_VI_FAILED,         /* Could not be started. */
    PC_EVENT_VI_STOPPED,        /* Because that was wanted. */
    PC_EVENT_VI_DRAINED,        /* Has no traffic and none to come. */
    PC_EVENT_VI_MOVED,          /* To this node, with its files. */
    PC_EVENT_VI_NOT_MOVED,      /* It stays where it was. */
    PC_EVENT_VI_QUARANTINED,    /* The ISP has cut it off, ... */
    PC_EVENT_VI_RELEASED,       /* ... or no longer does. */
    PC_EVENT_VI_RESTRICTED,     /* The ISP has limited it, or no longer does. */
#define PC_N_EVENTS (PC_EVENT_VI_RESTRICTED + 1)
};

/* Something that happened.  Names that do not apply are NULL. */
struct pc_event {
    enum pc_event_kind kind;
    const char *cloudlet, *router, *node, *service, *vi;
    const char *cause;          /* Why, in one line; may be NULL. */
    long long int time;         /* Microseconds since the epoch; 0: now. */
};

/* "vi-died" etc., and "info", "warning" or "error". */
const char *pc_event_kind_to_string(enum pc_event_kind);
const char *pc_event_severity(enum pc_event_kind);

/* Returns an empty queue for the database of 'idl', which stays the caller's
 * and must outlive it. */
struct pc_events *pc_events_create(struct ovsdb_idl *idl);

/* Frees 'e' and what has not reached the database. */
void pc_events_destroy(struct pc_events *e);

/* Queues a copy of the event, 'e' may be NULL: nothing is
 * recorded. */
void pc_events_add(struct pc_events *e, const struct pc_event *);

/* Writes into 'txn' what is queued.  Each event stays in the queue until its
 * row is seen in the database, so that a transaction that fails loses none. */
void pc_events_run(struct pc_events *e, struct ovsdb_idl_txn *txn);

/* True if nothing is queued. */
bool pc_events_is_empty(const struct pc_events *e);

/* Deletes the oldest rows if there are too many.  Must only be called in a
 * transaction. */
void pc_events_trim(struct ovsdb_idl *idl);

#endif /* pc-event.h */
