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
#include "pc-controller.h"

#include <stdlib.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "pc-clock.h"
#include "pc-controller-private.h"
#include "pc-controller-report.h"
#include "pc-event.h"
#include "pc-report.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_report);

/* Which nodes of the cloudlet live, and the report of what they have together.
 *
 * A node lives if Node.seen changes.  Only the time for which *we* have seen no
 * change counts, by our own monotonic clock, and only while we could have seen
 * one: neither while the database is away nor while this process was stopped. */

/* Two reports are at least so far apart, in ms: many things may happen at once. */
#define GAP_MS 100

/* After so long a delay of the main loop, in ms, what was to be heard meanwhile
 * may be still on its way. */
#define LATE_MS 1000

/* When the database is back, agents may take so long, in ms, until they try it
 * again: the longest back-off of their connections. */
#define RECONNECT_MS 8000

struct pc_ctl_sums {
    struct pc_amount total, reserved, available;
};

struct pc_ctl_report {
    struct hmap nodes;          /* Contains "struct pc_ctl_node"s. */
    struct pc_ctl_holds holds;
    struct pc_report_times times;
    unsigned int idl_seqno;     /* As of which 'total' of the nodes is. */

    bool blind;                 /* The database is away. */
    long long int wake_at;      /* When we wanted to look again; 0: never. */

    struct pc_ctl_sums sums;    /* As of now. */
    struct pc_ctl_sums said;    /* As written last. */
    int64_t reported;           /* Likewise, time of the calendar's clock. */
    long long int written_at;   /* Likewise, monotonic ms; 0: never. */
    bool due;                   /* To be written as soon as possible. */
};

static const struct {
    const char *name;           /* Node.state. */
    enum pc_event_kind event;
} states[] = {
    [PC_CTL_NODE_UNKNOWN] = { "", 0 },
    [PC_CTL_NODE_UP] = { "up", PC_EVENT_NODE_UP },
    [PC_CTL_NODE_SUSPECT] = { "suspect", PC_EVENT_NODE_SUSPECT },
    [PC_CTL_NODE_DOWN] = { "down", PC_EVENT_NODE_DOWN },
};

struct pc_ctl_holds *
pc_ctl_report_holds(const struct pc_controller *c)
{
    return &c->report->holds;
}

struct pc_ctl_node *
pc_ctl_report_find_node(const struct pc_controller *c,
                        const struct uuid *uuid)
{
    struct pc_ctl_node *node;

    HMAP_FOR_EACH_WITH_HASH (node, hmap_node, uuid_hash(uuid),
                             &c->report->nodes) {
        if (uuid_equals(&node->uuid, uuid)) {
            return node;
        }
    }
    return NULL;
}

/* Nodes come and go. */

/* Takes over the node of 'row'.  What another controller has said of it is as
 * good as what we would have: its silence goes on from now. */
static void
pc_ctl_node_create(struct pc_ctl_report *r, const struct pcrec_node *row)
{
    struct pc_ctl_node *node = xzalloc(sizeof *node);

    node->uuid = row->header_.uuid;
    node->name = xstrdup(row->name);
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        if (!strcmp(row->state, states[i].name)) {
            node->state = i;
        }
    }
    node->seen = node->state == PC_CTL_NODE_UNKNOWN ? 0 : row->seen;
    node->heard = time_msec();
    hmap_insert(&r->nodes, &node->hmap_node, uuid_hash(&node->uuid));
}

static void
pc_ctl_node_destroy(struct pc_ctl_report *r, struct pc_ctl_node *node)
{
    hmap_remove(&r->nodes, &node->hmap_node);
    free(node->name);
    free(node);
}

static bool
pc_ctl_cloudlet_has(const struct pcrec_cloudlet *cloudlet,
                    const struct uuid *node)
{
    for (size_t i = 0; i < cloudlet->n_nodes; i++) {
        if (uuid_equals(&cloudlet->nodes[i]->header_.uuid, node)) {
            return true;
        }
    }
    return false;
}

/* Brings the nodes to those of 'cloudlet'.  If they are others than before, so is
 * what is held on them. */
static void
pc_ctl_report_load(struct pc_controller *c,
                   const struct pcrec_cloudlet *cloudlet)
{
    struct pc_ctl_report *r = c->report;
    const struct pcrec_reservation *reservation;
    const struct pcrec_vi *vi;
    struct pc_ctl_node *node;
    bool changed = !r->idl_seqno;   /* All of that was forgotten. */

    HMAP_FOR_EACH (node, hmap_node, &r->nodes) {
        changed |= !pc_ctl_cloudlet_has(cloudlet, &node->uuid);
    }
    for (size_t i = 0; i < cloudlet->n_nodes; i++) {
        if (!pc_ctl_report_find_node(c, &cloudlet->nodes[i]->header_.uuid)) {
            pc_ctl_node_create(r, cloudlet->nodes[i]);
            changed = true;
        }
    }
    if (changed) {
        pc_ctl_holds_clear(&r->holds);
        HMAP_FOR_EACH_SAFE (node, hmap_node, &r->nodes) {
            if (!pc_ctl_cloudlet_has(cloudlet, &node->uuid)) {
                pc_ctl_node_destroy(r, node);
            }
        }
        PCREC_RESERVATION_FOR_EACH (reservation, c->idl) {
            pc_ctl_hold_reservation(c, reservation);
        }
        PCREC_VI_FOR_EACH (vi, c->idl) {
            pc_ctl_hold_vi(c, vi);
        }
        r->idl_seqno = 0;
        r->due = true;
    }
}

struct pc_ctl_report *
pc_ctl_report_create(void)
{
    struct pc_ctl_report *r = xzalloc(sizeof *r);

    hmap_init(&r->nodes);
    pc_ctl_holds_init(&r->holds);
    return r;
}

/* Forgets which nodes live. */
void
pc_ctl_report_forget_nodes(struct pc_controller *c)
{
    struct pc_ctl_report *r = c->report;
    struct pc_ctl_node *node;

    pc_ctl_holds_clear(&r->holds);
    HMAP_FOR_EACH_SAFE (node, hmap_node, &r->nodes) {
        pc_ctl_node_destroy(r, node);
    }
}

/* Forgets all other rows. */
void
pc_ctl_report_unload(struct pc_controller *c)
{
    struct pc_ctl_report *r = c->report;

    pc_ctl_holds_clear(&r->holds);
    r->wake_at = r->written_at = r->reported = 0;
    r->idl_seqno = 0;           /* All is to be read again. */
}

void
pc_ctl_report_destroy(struct pc_ctl_report *r)
{
    pc_ctl_holds_destroy(&r->holds);
    hmap_destroy(&r->nodes);
    free(r);
}

/* Takes over the rows that have changed since the last call; all, the first
 * time. */
void
pc_ctl_report_track(struct pc_controller *c,
                    const struct pcrec_cloudlet *cloudlet)
{
    const struct pcrec_reservation *reservation;
    struct pc_ctl_report *r = c->report;
    const struct pcrec_vi *vi;

    PCREC_RESERVATION_FOR_EACH_TRACKED (reservation, c->idl) {
        if (pcrec_reservation_is_deleted(reservation)) {
            pc_ctl_hold_remove(&r->holds, &reservation->header_.uuid);
        } else {
            pc_ctl_hold_reservation(c, reservation);
        }
    }
    PCREC_VI_FOR_EACH_TRACKED (vi, c->idl) {
        if (pcrec_vi_is_deleted(vi)) {
            pc_ctl_hold_remove(&r->holds, &vi->header_.uuid);
        } else {
            pc_ctl_hold_vi(c, vi);
        }
    }
    pc_report_get_times(cloudlet, &r->times);
    if (r->idl_seqno != ovsdb_idl_get_seqno(c->idl)) {
        pc_ctl_report_load(c, cloudlet);
        for (size_t i = 0; i < cloudlet->n_nodes; i++) {
            const struct pcrec_node *row = cloudlet->nodes[i];

            pc_report_node_total(
                row, &pc_ctl_report_find_node(c, &row->header_.uuid)->total);
        }
        r->idl_seqno = ovsdb_idl_get_seqno(c->idl);
    }
}

/* Which nodes live. */

/* Services that wait for a node can be placed now. */
static void
pc_ctl_node_helps(struct pc_controller *c)
{
    struct pc_ctl_service *svc;

    HMAP_FOR_EACH (svc, hmap_node, &c->services) {
        if (svc->place_error) {
            hmapx_add(&c->to_place, svc);
        }
    }
}

/* 'node' is in another state from now on. */
static void
pc_ctl_node_set_state(struct pc_controller *c, struct pc_ctl_node *node,
                      enum pc_ctl_node_state state, long long int silence)
{
    char *cause = (state == PC_CTL_NODE_UP
                   && node->state == PC_CTL_NODE_UNKNOWN
                   ? xstrdup("its agent has been heard for the first time")
                   : state == PC_CTL_NODE_UP
                   ? xasprintf("its agent is heard again, after %.1f s",
                               silence / 1000.0)
                   : xasprintf("nothing has been heard of its agent for "
                               "%.1f s", silence / 1000.0));

    node->state = state;
    VLOG(state == PC_CTL_NODE_UP ? VLL_INFO : VLL_WARN, "node %s is %s: %s",
         node->name, states[state].name, cause);
    pc_events_add(c->events, &(struct pc_event) {
                      .kind = states[state].event, .node = node->name,
                      .cloudlet = c->cloudlet_name, .cause = cause });
    free(cause);
    if (state == PC_CTL_NODE_UP) {
        pc_ctl_node_helps(c);
    }
}

static void
pc_ctl_node_run(struct pc_controller *c, struct pc_ctl_node *node,
                const struct pcrec_node *row)
{
    const struct pc_report_times *t = &c->report->times;
    long long int silence = MAX(0, time_msec() - node->heard);

    if (row->seen && row->seen != node->seen) {
        node->seen = row->seen;
        node->heard = time_msec();
        if (node->state != PC_CTL_NODE_UP) {
            pc_ctl_node_set_state(c, node, PC_CTL_NODE_UP, silence);
        }
    } else if (node->state != PC_CTL_NODE_UNKNOWN
               && node->state != PC_CTL_NODE_DOWN && silence >= t->down) {
        pc_ctl_node_set_state(c, node, PC_CTL_NODE_DOWN, silence);
    } else if (node->state == PC_CTL_NODE_UP && silence >= t->suspect) {
        pc_ctl_node_set_state(c, node, PC_CTL_NODE_SUSPECT, silence);
    }
}

/* Nobody is blamed for what we could not hear. */
static void
pc_ctl_report_excuse(struct pc_controller *c)
{
    struct pc_ctl_report *r = c->report;
    long long int now = time_msec();
    bool late = r->wake_at && now - r->wake_at > LATE_MS;
    bool blind = !ovsdb_idl_is_connected(c->idl);
    struct pc_ctl_node *node;

    if (blind || r->blind || late) {
        long long int since = now + (blind || r->blind ? RECONNECT_MS : 0);

        HMAP_FOR_EACH (node, hmap_node, &r->nodes) {
            node->heard = MAX(node->heard, since);
        }
    }
    r->blind = blind;
}

/* The report. */

static void
pc_ctl_report_sum(struct pc_ctl_report *r)
{
    const struct pc_ctl_node *node;

    memset(&r->sums, 0, sizeof r->sums);
    HMAP_FOR_EACH (node, hmap_node, &r->nodes) {
        if (node->state == PC_CTL_NODE_UP) {
            pc_report_add(&r->sums.total, &node->total);
            pc_report_add(&r->sums.reserved, &node->held);
            for (size_t i = 0; i < PC_N_AMOUNTS; i++) {
                r->sums.available.value[i] += MAX(0, node->total.value[i]
                                                     - node->held.value[i]);
            }
        }
    }
}

/* Is it time for another report? */
static bool
pc_ctl_report_is_due(const struct pc_ctl_report *r)
{
    int64_t age = r->holds.now - r->reported;

    return (r->due || time_msec() >= r->written_at + r->times.interval
            || age < 0 || age > DIV_ROUND_UP(r->times.interval, 1000)
            || memcmp(&r->sums, &r->said, sizeof r->sums));
}

/* Looks after the nodes, and whether there is something to report. */
void
pc_ctl_report_run(struct pc_controller *c)
{
    struct pc_ctl_report *r = c->report;
    struct pc_ctl_node *node;

    pc_ctl_report_excuse(c);
    HMAP_FOR_EACH (node, hmap_node, &r->nodes) {
        const struct pcrec_node *row
            = pcrec_node_get_for_uuid(c->idl, &node->uuid);

        if (row) {
            pc_ctl_node_run(c, node, row);
        }
    }
    pc_ctl_holds_run(&r->holds, pc_clock_now());
    pc_ctl_report_sum(r);
    r->due = pc_ctl_report_is_due(r);
}

/* What the VIs of the nodes that are up use, as far as these say so. */
static void
pc_ctl_report_used(const struct pc_controller *c, struct pc_amount *used)
{
    const struct pc_ctl_node *node;

    memset(used, 0, sizeof *used);
    HMAP_FOR_EACH (node, hmap_node, &c->report->nodes) {
        const struct pcrec_node *row
            = pcrec_node_get_for_uuid(c->idl, &node->uuid);

        if (row && node->state == PC_CTL_NODE_UP) {
            struct pc_amount a;

            pc_report_from_column(&a, row->key_used, row->value_used,
                                  row->n_used);
            pc_report_add(used, &a);
        }
    }
}

static void
pc_ctl_report_write_sums(const struct pc_controller *c,
                         const struct pcrec_cloudlet *row)
{
    const struct pc_ctl_report *r = c->report;
    const char *keys[PC_N_AMOUNTS];
    int64_t values[PC_N_AMOUNTS];
    struct pc_amount used;

    pc_report_to_column(&r->sums.total, keys, values);
    pcrec_cloudlet_set_total(row, keys, values, PC_N_AMOUNTS);
    pc_report_to_column(&r->sums.reserved, keys, values);
    pcrec_cloudlet_set_reserved(row, keys, values, PC_N_AMOUNTS);
    pc_report_to_column(&r->sums.available, keys, values);
    pcrec_cloudlet_set_available(row, keys, values, PC_N_AMOUNTS);
    pc_ctl_report_used(c, &used);
    pc_report_to_column(&used, keys, values);
    pcrec_cloudlet_set_used(row, keys, values, PC_N_AMOUNTS);
    /* A sign of life, so it has to differ from the one before. */
    pcrec_cloudlet_set_reported(row, MAX(time_wall_msec(),
                                         row->reported + 1));
}

/* Writes the states of the nodes, and the report if it is time.  Must only be called
 * in a transaction. */
void
pc_ctl_report_write(struct pc_controller *c)
{
    struct pc_ctl_report *r = c->report;
    const struct pcrec_cloudlet *cloudlet
        = pcrec_cloudlet_get_for_uuid(c->idl, &c->cloudlet);
    struct pc_ctl_node *node;

    HMAP_FOR_EACH (node, hmap_node, &r->nodes) {
        const struct pcrec_node *row
            = pcrec_node_get_for_uuid(c->idl, &node->uuid);

        if (row && strcmp(row->state, states[node->state].name)) {
            pcrec_node_set_state(row, states[node->state].name);
            r->due = true;      /* Both at once. */
        }
    }
    if (r->due && cloudlet
        && (!r->written_at || time_msec() >= r->written_at + GAP_MS)) {
        r->reported = r->holds.now;
        r->said = r->sums;
        r->written_at = time_msec();
        r->due = false;
        pc_ctl_report_write_sums(c, cloudlet);
    }
}

/* Arranges for the poll loop to wake when there is something to do here. */
void
pc_ctl_report_wait(struct pc_controller *c)
{
    struct pc_ctl_report *r = c->report;
    long long int at = (r->due ? r->written_at + GAP_MS
                        : r->written_at + r->times.interval);
    int64_t age_limit = r->reported + DIV_ROUND_UP(r->times.interval, 1000);
    const struct pc_ctl_node *node;

    HMAP_FOR_EACH (node, hmap_node, &r->nodes) {
        if (node->state == PC_CTL_NODE_UP) {
            at = MIN(at, node->heard + r->times.suspect);
        } else if (node->state == PC_CTL_NODE_SUSPECT) {
            at = MIN(at, node->heard + r->times.down);
        }
    }
    /* If it could not be written, a little later. */
    r->wake_at = MAX(at, time_msec() + GAP_MS / 10);
    poll_timer_wait_until(r->wake_at);
    if (!r->due) {
        pc_clock_wait_until(MIN(pc_ctl_holds_next(&r->holds), age_limit + 1));
    }
}

/* How well VIs can be placed on the node with 'uuid': 0, not at all. */
int
pc_ctl_node_rank(const struct pc_controller *c, const struct uuid *uuid)
{
    const struct pc_ctl_node *node = pc_ctl_report_find_node(c, uuid);

    return (!node || node->state == PC_CTL_NODE_UNKNOWN ? 1
            : node->state == PC_CTL_NODE_UP ? 2 : 0);
}

/* VIs that the transaction under way places on the node with 'uuid': their rows
 * are not known yet. */
size_t
pc_ctl_node_n_placing(const struct pc_controller *c, const struct uuid *uuid)
{
    const struct pc_ctl_node *node = pc_ctl_report_find_node(c, uuid);

    return node ? node->n_placing : 0;
}

void
pc_ctl_node_add_placing(const struct pc_controller *c,
                        const struct uuid *uuid)
{
    struct pc_ctl_node *node = pc_ctl_report_find_node(c, uuid);

    if (node) {
        node->n_placing++;
    }
}

/* That transaction has been decided. */
void
pc_ctl_nodes_clear_placing(const struct pc_controller *c)
{
    struct pc_ctl_node *node;

    HMAP_FOR_EACH (node, hmap_node, &c->report->nodes) {
        node->n_placing = 0;
    }
}
