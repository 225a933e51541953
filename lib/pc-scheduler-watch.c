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
#include "pc-scheduler-private.h"

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-report.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_scheduler_watch);

/* Which cloudlets are silent: their controllers have not reported for
 * Cloudlet.options:suspect-after.  Nothing is placed there, and what waits for their
 * confirmation goes elsewhere.
 *
 * As in pc-report.h, what counts is when we saw Cloudlet.reported change, by our own
 * clock, and only while we could have seen it.  A cloudlet of which we have seen no
 * report has as long, from when we began to look. */

/* When the database is back, agents may take so long, in ms, until they try it
 * again: the longest back-off of their connections. */
#define RECONNECT_MS 8000

struct pc_sched_cloudlet {
    struct hmap_node hmap_node; /* In struct pc_scheduler's 'cloudlets'. */
    struct uuid uuid;
    int64_t reported;           /* The column, when it was seen to change ... */
    long long int seen;         /* ... at this time_msec(). */
    bool silent;
    bool current;               /* Does the row still exist? */
};

static struct pc_sched_cloudlet *
watch_find(struct pc_scheduler *s, const struct pcrec_cloudlet *row)
{
    const struct uuid *uuid = &row->header_.uuid;
    struct pc_sched_cloudlet *c;

    HMAP_FOR_EACH_WITH_HASH (c, hmap_node, uuid_hash(uuid), &s->cloudlets) {
        if (uuid_equals(&c->uuid, uuid)) {
            return c;
        }
    }
    c = xzalloc(sizeof *c);
    c->uuid = *uuid;
    c->reported = row->reported;
    c->seen = time_msec();
    hmap_insert(&s->cloudlets, &c->hmap_node, uuid_hash(uuid));
    return c;
}

static void
watch_one(struct pc_scheduler *s, const struct pcrec_cloudlet *row)
{
    struct pc_sched_cloudlet *c = watch_find(s, row);
    long long int now = time_msec();
    struct pc_report_times times;

    pc_report_get_times(row, &times);
    if (c->reported != row->reported) {
        c->reported = row->reported;
        c->seen = now;
    }
    c->current = true;

    bool silent = now - c->seen >= times.suspect;
    if (silent != c->silent) {
        c->silent = silent;
        VLOG_INFO("cloudlet %s: %s", row->name,
                  silent ? "its controller is silent" : "there is a report");
        pc_booking_set_silent(s->booking, row, silent);
        pc_sched_places_changed(s);
    }
    if (!silent) {
        s->watch_at = MIN(s->watch_at, c->seen + times.suspect);
    }
}

/* No controller is silent because the database was away. */
static void
watch_excuse(struct pc_scheduler *s)
{
    bool blind = !ovsdb_idl_is_connected(s->loop.idl);
    struct pc_sched_cloudlet *c;

    if (blind || s->blind) {
        HMAP_FOR_EACH (c, hmap_node, &s->cloudlets) {
            if (!c->silent) {
                c->seen = time_msec() + RECONNECT_MS;
            }
        }
    }
    s->blind = blind;
}

void
pc_sched_watch_run(struct pc_scheduler *s)
{
    unsigned int seqno = ovsdb_idl_get_seqno(s->loop.idl);
    const struct pcrec_cloudlet *row;
    struct pc_sched_cloudlet *c;

    watch_excuse(s);
    if (seqno == s->watch_seqno && time_msec() < s->watch_at) {
        return;
    }
    s->watch_seqno = seqno;
    s->watch_at = LLONG_MAX;
    PCREC_CLOUDLET_FOR_EACH (row, s->loop.idl) {
        watch_one(s, row);
    }
    HMAP_FOR_EACH_SAFE (c, hmap_node, &s->cloudlets) {
        if (!c->current) {
            hmap_remove(&s->cloudlets, &c->hmap_node);
            free(c);
        } else {
            c->current = false;
        }
    }
}

void
pc_sched_watch_wait(const struct pc_scheduler *s)
{
    if (s->watch_at != LLONG_MAX) {
        poll_timer_wait_until(s->watch_at);
    }
}

void
pc_sched_watch_destroy(struct pc_scheduler *s)
{
    struct pc_sched_cloudlet *c;

    HMAP_FOR_EACH_POP (c, hmap_node, &s->cloudlets) {
        free(c);
    }
    hmap_destroy(&s->cloudlets);
}
