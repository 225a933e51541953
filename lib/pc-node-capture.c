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
#include "pc-node-private.h"
#include <stdlib.h>
#include "hash.h"
#include "lib/pc-idl.h"
#include "openvswitch/hmap.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-capture.h"
#include "pc-name.h"
#include "pc-ports.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_node_capture);

/* Inspections whose copies go to a file: for each a port of type internal on
 * the bridge, to which the controller has the copies sent, and a thread that
 * writes what arrives there. */

/* How often counters are written to the database, in ms. */
#define STATISTICS_MS 1000

struct pc_node_capture {
    struct hmap_node hmap_node; /* In struct pc_node's 'captures', by UUID. */
    struct uuid uuid;           /* Of the row. */
    char *port, *file;
    uint64_t max_size;
    bool wanted;
    struct pc_capture *capture; /* NULL: the port is not ready. */
    long long int count_at;     /* Next look at the counters, in ms. */
    bool count_due;             /* They are to be written. */
};

static struct pc_node_capture *
find(const struct pc_node *n, const struct uuid *uuid)
{
    struct pc_node_capture *c;

    HMAP_FOR_EACH_WITH_HASH (c, hmap_node, uuid_hash(uuid), &n->captures) {
        if (uuid_equals(&c->uuid, uuid)) {
            return c;
        }
    }
    return NULL;
}

static void
destroy(struct pc_node *n, struct pc_node_capture *c)
{
    pc_capture_stop(c->capture);
    hmap_remove(&n->captures, &c->hmap_node);
    free(c->port);
    free(c->file);
    free(c);
}

/* Wants the file of 'row', if it is one. */
static void
want(struct pc_node *n, const struct pcrec_inspection *row)
{
    struct pc_node_capture *c = find(n, &row->header_.uuid);

    if (!row->file[0]) {
        return;
    }
    if (!c) {
        c = xzalloc(sizeof *c);
        c->uuid = row->header_.uuid;
        c->port = pc_name_capture_port(&c->uuid);
        c->file = xstrdup("");
        hmap_insert(&n->captures, &c->hmap_node, uuid_hash(&c->uuid));
    }
    c->wanted = true;
    if (strcmp(c->file, row->file)
        || c->max_size != (uint64_t) row->max_size) {
        pc_capture_stop(c->capture);
        c->capture = NULL;
        free(c->file);
        c->file = xstrdup(row->file);
        c->max_size = row->max_size;
    }
}

/* Reads from the rows of this node's VIs which files are wanted. */
void
pc_node_captures_read(struct pc_node *n, const struct pcrec_node *node)
{
    struct pc_node_capture *c;
    const struct pcrec_vi *vi;

    HMAP_FOR_EACH (c, hmap_node, &n->captures) {
        c->wanted = false;
    }
    PCREC_VI_FOR_EACH (vi, n->idl) {
        const struct pcrec_service *svc = vi->service;

        if (!node || vi->node != node) {
            continue;
        }
        for (size_t i = 0; i < vi->n_inspections; i++) {
            want(n, vi->inspections[i]);
        }
        for (size_t i = 0; svc && i < svc->n_inspections; i++) {
            want(n, svc->inspections[i]);
        }
    }
}

/* Starts and ends captures. */
void
pc_node_captures_run(struct pc_node *n)
{
    struct pc_node_capture *c;

    HMAP_FOR_EACH_SAFE (c, hmap_node, &n->captures) {
        if (!c->wanted) {
            pc_ports_unwant(n->ports, c->port);
            destroy(n, c);
            continue;
        }
        if (time_msec() >= c->count_at) {
            c->count_at = time_msec() + STATISTICS_MS;
            c->count_due = true;
        }
        pc_ports_want_internal(n->ports, c->port, &c->uuid);
        enum pc_port_state s = pc_ports_get(n->ports, c->port, NULL);
        if (s == PC_PORT_READY && !c->capture) {
            VLOG_INFO("%s: capturing to %s", c->port, c->file);
            c->capture = pc_capture_start(c->port, c->file, c->max_size);
        } else if (s != PC_PORT_READY && c->capture) {
            pc_capture_stop(c->capture);    /* The device is another now. */
            c->capture = NULL;
        }
    }
}

/* Arranges for the poll loop to wake when something changes. */
void
pc_node_captures_wait(const struct pc_node *n)
{
    const struct pc_node_capture *c;

    HMAP_FOR_EACH (c, hmap_node, &n->captures) {
        if (c->capture) {
            pc_capture_wait(c->capture);
            poll_timer_wait_until(c->count_at);
        }
    }
}

/* Is every file being written that can be? */
bool
pc_node_captures_are_settled(const struct pc_node *n)
{
    const struct pc_node_capture *c;
    struct pc_capture_status status;

    HMAP_FOR_EACH (c, hmap_node, &n->captures) {
        const char *error = NULL;

        if (c->capture) {
            pc_capture_get(c->capture, &status);
            if (status.state == PC_CAPTURE_STARTING) {
                return false;
            }
        } else {
            pc_ports_get(n->ports, c->port, &error);
            if (!error) {
                return false;
            }
        }
    }
    return true;
}

static void
write_statistics(struct pc_node_capture *c, const struct pcrec_inspection *row,
                 const struct pc_capture_status *status)
{
    const char *keys[] = { "bytes", "dropped", "packets" };
    int64_t values[] = { status->bytes, status->dropped, status->packets };
    bool same = row->n_statistics == ARRAY_SIZE(keys);

    if (!c->count_due) {
        return;
    }
    c->count_due = false;
    for (size_t i = 0; same && i < ARRAY_SIZE(keys); i++) {
        same = row->value_statistics[i] == values[i];   /* In their order. */
    }
    if (!same) {
        pcrec_inspection_set_statistics(row, keys, values, ARRAY_SIZE(keys));
    }
}

/* Writes what became of the files.  Must only be called in a transaction. */
void
pc_node_captures_write(struct pc_node *n)
{
    struct pc_node_capture *c;

    HMAP_FOR_EACH (c, hmap_node, &n->captures) {
        const struct pcrec_inspection *row
            = pcrec_inspection_get_for_uuid(n->idl, &c->uuid);
        struct pc_capture_status status = { .state = PC_CAPTURE_STARTING };
        const char *error = NULL;

        if (!row) {
            continue;
        }
        if (c->capture) {
            pc_capture_get(c->capture, &status);
            write_statistics(c, row, &status);
        } else {
            pc_ports_get(n->ports, c->port, &error);
        }
        const char *text = (error ? error
                            : status.state == PC_CAPTURE_STARTING ? ""
                            : status.state == PC_CAPTURE_RUNNING ? "running"
                            : status.state == PC_CAPTURE_FULL ? "full"
                            : status.error);
        if (*text && strcmp(smap_get_def(&row->capture, n->name, ""), text)) {
            pcrec_inspection_update_capture_setkey(row, n->name, text);
        }
    }
}

/* Ends all captures.  The ports stay. */
void
pc_node_captures_destroy(struct pc_node *n)
{
    struct pc_node_capture *c;

    HMAP_FOR_EACH_SAFE (c, hmap_node, &n->captures) {
        destroy(n, c);
    }
    hmap_destroy(&n->captures);
}
