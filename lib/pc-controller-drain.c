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

#include <limits.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-appctl.h"
#include "pc-controller-private.h"
#include "pc-event.h"
#include "pc-zone.h"
#include "smap.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_drain);

/* Draining.
 *
 * A VI with admin_state "drain" has no bucket any more, so nothing new comes
 * to it.  With affinity=connection it keeps its connections: how many are
 * left is read, every second, from the connection tracking of the switch, by
 * ovs-vswitchd's own "dpctl/dump-conntrack" of the service's zone.  (The
 * packet counts of the VI's flows would do for a switch that is elsewhere,
 * but cannot tell a connection that is idle from one that is gone.  So there
 * a VI drains until its limit.)  Otherwise only what is in the VI at this
 * moment needs time to come out.
 *
 * When nothing is left, or at the limit (VI.options:drain-until), the VI
 * becomes "drained", or leaves if service-scale has sent it away
 * (VI.options:scale-down).  All state is in the VI's row: an agent that
 * starts again goes on. */

/* Between two looks at the connections, in ms. */
#define POLL_INTERVAL 1000

/* What is in a VI is out of it after this time, in ms. */
#define GRACE 500

struct pc_ctl_drain {
    struct pc_appctl *vswitchd;
    bool listing;               /* Asked for the datapaths. */
    struct svec datapaths;      /* What they are. */
    uint16_t zones[64];         /* Those to be dumped in this round. */
    size_t n_zones;
    size_t next_dump;           /* Of n_zones * datapaths.n. */
    bool counting;              /* A round is under way. */
    long long int next_round;   /* In ms. */
    bool warned;
};

struct pc_ctl_drain *
pc_ctl_drain_create(void)
{
    struct pc_ctl_drain *d = xzalloc(sizeof *d);

    d->vswitchd = pc_appctl_create("ovs-vswitchd");
    svec_init(&d->datapaths);
    return d;
}

void
pc_ctl_drain_destroy(struct pc_ctl_drain *d)
{
    pc_appctl_destroy(d->vswitchd);
    svec_destroy(&d->datapaths);
    free(d);
}

/* Which VIs. */

/* Takes over what 'row' says of draining. */
void
pc_ctl_drain_update(struct pc_controller *c, struct pc_ctl_vi *vi,
                    const struct pcrec_vi *row)
{
    bool drain = !strcmp(row->admin_state, "drain");

    vi->scale_down = smap_get_bool(&row->options, "scale-down", false);
    vi->drain_until = smap_get_ullong(&row->options, "drain-until", 0);
    if (drain && hmapx_add(&c->draining, vi)) {
        vi->drain_generation = ++c->generation;
        vi->drain_confirmed = LLONG_MAX;
        vi->drain_limit = time_wall() + PC_CTL_DRAIN_TIMEOUT;
        vi->n_connections = -1;
        vi->drain_reported = false;
    } else if (!drain) {
        hmapx_find_and_delete(&c->draining, vi);
    }
}

/* Has 'vi' connections that it keeps while it drains? */
static bool
has_connections(const struct pc_ctl_vi *vi)
{
    return (vi->svc && vi->vi.draining
            && pc_service_by_connection(&vi->svc->s));
}

/* Is a VI on its way out that has nothing to wait for?  Then what sent it away
 * is not applied yet. */
bool
pc_ctl_drain_is_idle(const struct pc_controller *c)
{
    const struct hmapx_node *node;

    HMAPX_FOR_EACH (node, &c->draining) {
        const struct pc_ctl_vi *vi = node->data;

        if (vi->scale_down && !has_connections(vi)) {
            return false;
        }
    }
    return true;
}

/* service-scale down and up again. */

/* Is 'vi' on its way out?  What its row says, not the value made from it: a
 * transaction that fails must not be taken for one that was made. */
bool
pc_ctl_vi_is_retired(const struct pc_controller *c, const struct pc_ctl_vi *vi)
{
    const struct pcrec_vi *row = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

    return row && smap_get_bool(&row->options, "scale-down", false);
}

static void
write_state(const struct pcrec_vi *row, const char *admin_state,
            long long int until)
{
    struct smap options;

    smap_clone(&options, &row->options);
    smap_remove(&options, "scale-down");
    smap_remove(&options, "drain-until");
    if (until) {
        smap_add(&options, "scale-down", "true");
        smap_add_format(&options, "drain-until", "%lld", until);
    }
    pcrec_vi_set_options(row, &options);
    pcrec_vi_set_admin_state(row, admin_state);
    smap_destroy(&options);
}

/* Sends 'vi' away, in a transaction: it drains first, if it has had traffic.
 * Returns true if its row was changed for that. */
bool
pc_ctl_retire_vi(struct pc_controller *c, struct pc_ctl_vi *vi,
                 const struct pcrec_service *service)
{
    const struct pcrec_vi *row = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

    if (!row || !row->ready) {
        pc_ctl_vi_leave(c, vi);
        return false;
    }
    write_state(row, "drain",
                time_wall() + smap_get_int(&service->options, "drain-timeout",
                                           PC_CTL_DRAIN_TIMEOUT));
    return true;
}

/* Takes back 'vi', which was on its way out. */
void
pc_ctl_take_back_vi(const struct pc_controller *c, const struct pc_ctl_vi *vi)
{
    const struct pcrec_vi *row = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

    if (row) {
        write_state(row, "up", 0);
    }
}

/* Counting connections. */

/* Is 'line' of a connection that is still in use?  TCP has some that are over
 * and only remembered for a while. */
static bool
is_live(const char *line)
{
    static const char *const over[] = {
        "CLOSED", "CLOSING", "LAST_ACK", "FIN_WAIT_2", "TIME_WAIT"
    };
    const char *state = strstr(line, "(state=");

    for (size_t i = 0; state && i < ARRAY_SIZE(over); i++) {
        if (!strncmp(state + 7, over[i], strlen(over[i]))) {
            return false;
        }
    }
    return true;
}

static void
count_line(struct pc_controller *c, const char *line, uint16_t zone)
{
    const char *mark = strstr(line, ",mark=");
    struct hmapx_node *node;
    unsigned int number;

    if (!mark || !ovs_scan(mark, ",mark=%u", &number) || !is_live(line)) {
        return;
    }
    HMAPX_FOR_EACH (node, &c->draining) {
        struct pc_ctl_vi *vi = node->data;

        if (vi->vi.number == number && has_connections(vi)
            && vi->svc->s.number == pc_zone_service(zone)) {
            vi->counting++;
        }
    }
}

static void
count_lines(struct pc_controller *c, char *reply, uint16_t zone)
{
    char *save = NULL;

    for (char *line = strtok_r(reply, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        count_line(c, line, zone);
    }
}

/* Are all routers of the cloudlet on this machine's Open vSwitch? */
static bool
is_local(const struct pc_controller *c)
{
    const struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (strncmp(r->target, "unix:", 5)) {
            return false;
        }
    }
    return true;
}

/* Begins a round if there is something to count. */
static void
start_round(struct pc_controller *c, struct pc_ctl_drain *d)
{
    struct hmapx_node *node;

    d->n_zones = d->next_dump = 0;
    HMAPX_FOR_EACH (node, &c->draining) {
        struct pc_ctl_vi *vi = node->data;
        bool known = false;

        if (!has_connections(vi) || time_msec() < vi->drain_confirmed) {
            continue;
        }
        uint16_t zone = pc_zone_of_service(vi->svc->s.number);
        for (size_t i = 0; i < d->n_zones; i++) {
            known |= d->zones[i] == zone;
        }
        if (!known && d->n_zones < ARRAY_SIZE(d->zones)) {
            d->zones[d->n_zones++] = zone;
            known = true;
        }
        vi->counting = known ? 0 : -1;
    }
    d->next_round = time_msec() + POLL_INTERVAL;
    if (d->n_zones && is_local(c)) {
        d->counting = d->listing = true;
        pc_appctl_send(d->vswitchd, "dpctl/dump-dps", NULL, 0);
    }
}

static void
finish_round(struct pc_controller *c, struct pc_ctl_drain *d)
{
    struct hmapx_node *node;

    d->counting = false;
    HMAPX_FOR_EACH (node, &c->draining) {
        struct pc_ctl_vi *vi = node->data;

        for (size_t i = 0; vi->svc && i < d->n_zones; i++) {
            if (d->zones[i] == pc_zone_of_service(vi->svc->s.number)
                && vi->counting >= 0) {
                vi->n_connections = vi->counting;
            }
        }
        vi->counting = -1;      /* If it comes too late for the next. */
    }
}

static void
send_next(struct pc_controller *c, struct pc_ctl_drain *d)
{
    if (d->next_dump >= d->n_zones * d->datapaths.n) {
        finish_round(c, d);
        return;
    }
    size_t zone = d->next_dump % d->n_zones;
    char *filter = xasprintf("zone=%"PRIu16, d->zones[zone]);
    const char *argv[] = { d->datapaths.names[d->next_dump / d->n_zones],
                           filter };

    pc_appctl_send(d->vswitchd, "dpctl/dump-conntrack", argv,
                   ARRAY_SIZE(argv));
    free(filter);
}

static void
take_reply(struct pc_controller *c, struct pc_ctl_drain *d, char *reply)
{
    if (d->listing) {
        svec_clear(&d->datapaths);
        svec_parse_words(&d->datapaths, reply);
        d->listing = false;
    } else {
        count_lines(c, reply, d->zones[d->next_dump++ % d->n_zones]);
    }
    send_next(c, d);
}

static void
run_rounds(struct pc_controller *c, struct pc_ctl_drain *d)
{
    char *reply, *error;

    while (pc_appctl_run(d->vswitchd, &reply, &error)) {
        if (reply) {
            take_reply(c, d, reply);
        } else {
            d->counting = false;
            if (!d->warned) {
                VLOG_WARN("connections cannot be counted, so that VIs drain "
                          "until their limit: %s", error);
                d->warned = true;
            }
        }
        free(reply);
        free(error);
    }
    if (!d->counting && !hmapx_is_empty(&c->draining)
        && time_msec() >= d->next_round) {
        start_round(c, d);
    }
}

/* The end. */

static long long int
limit_of(const struct pc_ctl_vi *vi)
{
    return vi->drain_until ? vi->drain_until : vi->drain_limit;
}

static bool
is_drained(const struct pc_ctl_vi *vi)
{
    if (time_wall() >= limit_of(vi)) {
        return true;
    }
    return (has_connections(vi) ? vi->n_connections == 0
            : vi->drain_confirmed != LLONG_MAX
              && time_msec() >= vi->drain_confirmed + GRACE);
}

static void
report(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    bool late = has_connections(vi) && vi->n_connections != 0;
    char *cause = (!late ? xstrdup("nothing is left of its connections")
                   : vi->n_connections < 0
                   ? xstrdup("the time limit is over")
                   : xasprintf("the time limit is over, %d of its "
                               "connections are left", vi->n_connections));

    VLOG_INFO("%s: drained: %s", vi->vi.name, cause);
    pc_events_add(c->events, &(struct pc_event) {
                      .kind = PC_EVENT_VI_DRAINED,
                      .cloudlet = c->cloudlet_name,
                      .service = vi->svc ? vi->svc->s.name : NULL,
                      .vi = vi->vi.name,
                      .cause = cause });
    vi->drain_reported = true;
    free(cause);
}

/* Counts what the VIs that drain still have. */
void
pc_ctl_drain_run(struct pc_controller *c)
{
    struct hmapx_node *node;

    HMAPX_FOR_EACH (node, &c->draining) {
        struct pc_ctl_vi *vi = node->data;

        if (vi->drain_confirmed == LLONG_MAX
            && pc_ctl_all_done(c, vi->drain_generation)) {
            vi->drain_confirmed = time_msec();
            c->drain->next_round = time_msec();
        }
    }
    run_rounds(c, c->drain);
}

/* Ends, in a transaction, what is drained. */
void
pc_ctl_drain_finish(struct pc_controller *c)
{
    struct hmapx_node *node;

    HMAPX_FOR_EACH_SAFE (node, &c->draining) {
        struct pc_ctl_vi *vi = node->data;
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

        if (!row || !is_drained(vi)) {
            continue;
        }
        if (!vi->drain_reported) {
            report(c, vi);
        }
        if (vi->scale_down) {
            pc_ctl_vi_leave(c, vi);
        } else {
            pcrec_vi_set_admin_state(row, "drained");
        }
    }
}

/* Arranges for the poll loop to wake when pc_ctl_drain_run() has work. */
void
pc_ctl_drain_wait(struct pc_controller *c)
{
    struct hmapx_node *node;

    pc_appctl_wait(c->drain->vswitchd);
    HMAPX_FOR_EACH (node, &c->draining) {
        const struct pc_ctl_vi *vi = node->data;

        if (!has_connections(vi) && vi->drain_confirmed != LLONG_MAX) {
            poll_timer_wait_until(vi->drain_confirmed + GRACE);
        }
        poll_timer_wait_until(time_msec()
                              + MAX(limit_of(vi) - time_wall(), 0) * 1000
                              + 100);
    }
    if (!hmapx_is_empty(&c->draining) && !c->drain->counting) {
        poll_timer_wait_until(c->drain->next_round);
    }
}
