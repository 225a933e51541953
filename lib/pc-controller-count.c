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

#include "openvswitch/ofp-port.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-controller-private.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_count);

/* Inspections with a ceiling: the ports' counters say how many packets there
 * are to copy, hence which share of them may be. */

/* How often the counters are looked at, in ms. */
#define COUNT_INTERVAL 500

static bool
pc_ctl_wants_count(const struct pc_controller *c)
{
    const struct pc_ctl_inspection *in;

    HMAP_FOR_EACH (in, hmap_node, &c->inspections) {
        if (in->max_rate && in->sampled && !hmapx_is_empty(&in->vis)) {
            return true;
        }
    }
    return false;
}

static void
pc_ctl_count_port(const struct ofputil_port_stats *ps, void *count_)
{
    struct pc_ctl_count *count = count_;
    const struct pc_switch_port *port
        = pc_switch_port_by_number(count->r->sw, ps->port_no);
    struct pc_ctl_vi *vi
        = port ? shash_find_data(&count->c->ports, port->name) : NULL;

    if (vi) {
        vi->packets += ((ps->stats.rx_packets == UINT64_MAX ? 0
                         : ps->stats.rx_packets)
                        + (ps->stats.tx_packets == UINT64_MAX ? 0
                           : ps->stats.tx_packets));
    }
}

/* The share of 'rate' packets/s that stays a little below the ceiling. */
static uint16_t
pc_ctl_share(const struct pc_ctl_inspection *in, double rate)
{
    double wanted = MAX(1, (PC_COPY_ALL + in->sample / 2) / in->sample);
    double most = rate > 0 ? in->max_rate * 0.95 * PC_COPY_ALL / rate : wanted;

    return MAX(1, MIN(wanted, most));
}

static void
pc_ctl_adapt(struct pc_controller *c, struct pc_ctl_inspection *in,
             long long int now)
{
    uint64_t packets = 0, old = in->packets;
    long long int elapsed = in->counted ? now - in->counted : 0;
    struct hmapx_node *node;

    HMAPX_FOR_EACH (node, &in->vis) {
        const struct pc_ctl_vi *vi = node->data;
        packets += vi->packets;
    }
    in->packets = packets;
    in->counted = now;
    if (elapsed <= 0 || packets < old) {
        return;                 /* The first time, or a port is another. */
    }

    double rate = (packets - old) * 1000.0 / elapsed;
    uint16_t share = pc_ctl_share(in, rate);
    bool above = rate * in->probability > in->max_rate * (double) PC_COPY_ALL;
    bool below = share > in->probability * 1.25;
    if (share != in->probability && (above || below)) {
        VLOG_DBG("%.0f packets/s: now %d of 65535 are copied", rate, share);
        in->probability = share;
        HMAPX_FOR_EACH (node, &in->vis) {
            hmapx_add(&c->dirty_vis, node->data);
        }
    }
}

static void
pc_ctl_count_done(int error, void *count_)
{
    struct pc_ctl_count *count = count_;
    struct pc_controller *c = count->c;
    struct pc_ctl_inspection *in;

    count->r->counting = false;
    if (!error) {
        HMAP_FOR_EACH (in, hmap_node, &c->inspections) {
            if (in->max_rate && in->sampled) {
                pc_ctl_adapt(c, in, time_msec());
            }
        }
    }
}

static const struct pc_switch_stats_class count_class = {
    .port = pc_ctl_count_port,
    .done = pc_ctl_count_done,
};

/* Asks for the counters if it is time. */
void
pc_ctl_count_run(struct pc_controller *c)
{
    struct pc_ctl_inspection *in;
    struct hmapx_node *node;
    struct pc_ctl_router *r;

    if (time_msec() < c->count_at || !pc_ctl_wants_count(c)) {
        return;
    }
    c->count_at = time_msec() + COUNT_INTERVAL;
    HMAP_FOR_EACH (in, hmap_node, &c->inspections) {
        HMAPX_FOR_EACH (node, &in->vis) {
            struct pc_ctl_vi *vi = node->data;
            vi->packets = 0;
        }
    }
    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (pc_switch_is_ready(r->sw) && !r->counting) {
            r->counting = true;
            r->count = (struct pc_ctl_count) { .c = c, .r = r };
            pc_switch_read_port_stats(r->sw, &count_class, &r->count);
        }
    }
}

/* Arranges for the poll loop to wake when pc_ctl_count_run() has work. */
void
pc_ctl_count_wait(const struct pc_controller *c)
{
    if (pc_ctl_wants_count(c)) {
        poll_timer_wait_until(c->count_at);
    }
}
