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

#include <config.h>
#include "pc-event.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pc-idl.h"
#include "openvswitch/list.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "pc-name.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_event);

/* Longest cause.  It may come out of a VI. */
#define MAX_CAUSE 512

/* Attempts to write an event.  More than one or two means that the database
 * refuses it, and with it everything else in the same transaction. */
#define MAX_ATTEMPTS 30

struct queued {
    struct ovs_list node;       /* In struct pc_events's 'queue'. */
    struct uuid uuid;           /* That its row has, or will have. */
    long long int time;         /* Microseconds since the epoch. */
    enum pc_event_kind kind;
    char *cloudlet, *router, *nodename, *service, *vi, *cause;
    unsigned int attempts;
};

struct pc_events {
    struct ovsdb_idl *idl;
    struct ovs_list queue;      /* Contains "struct queued"s, oldest first. */
    size_t n;
    long long int last;         /* Time of the newest event. */
};

static const struct {
    const char *name, *severity;
} kinds[PC_N_EVENTS] = {
    [PC_EVENT_AGENT_STARTED] = { "agent-started", "info" },
    [PC_EVENT_AGENT_STOPPED] = { "agent-stopped", "info" },
    [PC_EVENT_SWITCH_CONNECTED] = { "switch-connected", "info" },
    [PC_EVENT_SWITCH_DISCONNECTED] = { "switch-disconnected", "error" },
    [PC_EVENT_NODE_UP] = { "node-up", "info" },
    [PC_EVENT_NODE_SUSPECT] = { "node-suspect", "warning" },
    [PC_EVENT_NODE_DOWN] = { "node-down", "error" },
    [PC_EVENT_LINK_UP] = { "link-up", "info" },
    [PC_EVENT_LINK_DOWN] = { "link-down", "error" },
    [PC_EVENT_VI_STARTED] = { "vi-started", "info" },
    [PC_EVENT_VI_READY] = { "vi-ready", "info" },
    [PC_EVENT_VI_UNHEALTHY] = { "vi-unhealthy", "error" },
    [PC_EVENT_VI_HELD] = { "vi-held", "warning" },
    [PC_EVENT_VI_DIED] = { "vi-died", "error" },
    [PC_EVENT_VI_BACKOFF] = { "vi-backoff", "warning" },
    [PC_EVENT_VI_FAILED] = { "vi-failed", "error" },
    [PC_EVENT_VI_STOPPED] = { "vi-stopped", "info" },
    [PC_EVENT_VI_DRAINED] = { "vi-drained", "info" },
    [PC_EVENT_VI_MOVED] = { "vi-moved", "info" },
    [PC_EVENT_VI_NOT_MOVED] = { "vi-not-moved", "warning" },
    [PC_EVENT_VI_QUARANTINED] = { "vi-quarantined", "warning" },
    [PC_EVENT_VI_RELEASED] = { "vi-released", "info" },
    [PC_EVENT_VI_RESTRICTED] = { "vi-restricted", "warning" },
};

const char *
pc_event_kind_to_string(enum pc_event_kind kind)
{
    return kinds[kind].name;
}

const char *
pc_event_severity(enum pc_event_kind kind)
{
    return kinds[kind].severity;
}

struct pc_events *
pc_events_create(struct ovsdb_idl *idl)
{
    struct pc_events *e = xzalloc(sizeof *e);

    e->idl = idl;
    ovs_list_init(&e->queue);
    return e;
}

static void
drop(struct pc_events *e, struct queued *q)
{
    ovs_list_remove(&q->node);
    e->n--;
    free(q->cloudlet);
    free(q->router);
    free(q->nodename);
    free(q->service);
    free(q->vi);
    free(q->cause);
    free(q);
}

void
pc_events_destroy(struct pc_events *e)
{
    struct queued *q;

    if (e) {
        LIST_FOR_EACH_SAFE (q, node, &e->queue) {
            drop(e, q);
        }
        free(e);
    }
}

static char *
clean_cause(const char *cause)
{
    char *s = xmemdup0(cause, strnlen(cause, MAX_CAUSE));

    pc_name_make_printable(s);
    return s;
}

void
pc_events_add(struct pc_events *e, const struct pc_event *ev)
{
    if (!e) {
        return;
    }

    struct queued *q = xzalloc(sizeof *q);
    uuid_generate(&q->uuid);
    if (ev->time) {
        q->time = ev->time;
    } else {
        e->last = MAX(time_wall_usec(), e->last + 1); /* Keeps the order. */
        q->time = e->last;
    }
    q->kind = ev->kind;
    q->cloudlet = nullable_xstrdup(ev->cloudlet);
    q->router = nullable_xstrdup(ev->router);
    q->nodename = nullable_xstrdup(ev->node);
    q->service = nullable_xstrdup(ev->service);
    q->vi = nullable_xstrdup(ev->vi);
    q->cause = clean_cause(ev->cause ? ev->cause : "");
    ovs_list_push_back(&e->queue, &q->node);

    /* The database may be away for long: then the oldest would be the first
     * to be deleted there, too. */
    if (++e->n > PC_EVENTS_MAX) {
        drop(e, CONTAINER_OF(ovs_list_front(&e->queue), struct queued, node));
    }
}

static void
insert(const struct queued *q, struct ovsdb_idl_txn *txn)
{
    struct pcrec_event *row = pcrec_event_insert_persist_uuid(txn, &q->uuid);

    pcrec_event_set_time(row, q->time);
    pcrec_event_set_severity(row, kinds[q->kind].severity);
    pcrec_event_set_kind(row, kinds[q->kind].name);
    if (q->cloudlet) {
        pcrec_event_set_cloudlet(row, q->cloudlet);
    }
    if (q->router) {
        pcrec_event_set_router(row, q->router);
    }
    if (q->nodename) {
        pcrec_event_set_node(row, q->nodename);
    }
    if (q->service) {
        pcrec_event_set_service(row, q->service);
    }
    if (q->vi) {
        pcrec_event_set_vi(row, q->vi);
    }
    pcrec_event_set_cause(row, q->cause);
}

void
pc_events_run(struct pc_events *e, struct ovsdb_idl_txn *txn)
{
    struct queued *q;

    if (!txn || !pcrec_server_has_event_table_col_kind(e->idl)) {
        return;                 /* Or a database of an older version. */
    }
    LIST_FOR_EACH_SAFE (q, node, &e->queue) {
        if (pcrec_event_get_for_uuid(e->idl, &q->uuid)) {
            drop(e, q);
        } else if (q->attempts++ < MAX_ATTEMPTS) {
            insert(q, txn);
        } else {
            VLOG_WARN("the database does not take event %s of %s",
                      kinds[q->kind].name,
                      q->vi ? q->vi : q->nodename ? q->nodename : "the agent");
            drop(e, q);
        }
    }
}

bool
pc_events_is_empty(const struct pc_events *e)
{
    return ovs_list_is_empty(&e->queue);
}

static int
compare_times(const void *a_, const void *b_)
{
    const struct pcrec_event *const *a = a_;
    const struct pcrec_event *const *b = b_;

    return ((*a)->time > (*b)->time) - ((*a)->time < (*b)->time);
}

void
pc_events_trim(struct ovsdb_idl *idl)
{
    const struct pcrec_packetcloud *root = pcrec_packetcloud_first(idl);
    const struct pcrec_event **rows = NULL;
    const struct pcrec_event *row;
    size_t n = 0, allocated = 0;
    int max = (root ? smap_get_int(&root->options, "max-events",
                                   PC_EVENTS_MAX) : PC_EVENTS_MAX);

    max = MAX(max, 1);
    PCREC_EVENT_FOR_EACH (row, idl) {
        if (n >= allocated) {
            rows = x2nrealloc(rows, &allocated, sizeof *rows);
        }
        rows[n++] = row;
    }
    if (n > (size_t) max) {
        qsort(rows, n, sizeof *rows, compare_times);
        for (size_t i = 0; i < n - max; i++) {
            pcrec_event_delete(rows[i]);
        }
    }
    free(rows);
}
