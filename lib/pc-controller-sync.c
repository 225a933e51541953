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

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "bitmap.h"
#include "dirs.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-controller-private.h"
#include "pc-event.h"
#include "pc-flow-table.h"
#include "pc-installed.h"
#include "pc-l3.h"
#include "pc-layout.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_sync);

/* From desired flows to the switch, and back: which state of the database the
 * switch has confirmed. */

/* How long a router that left the database is tried for, in ms: its flows are
 * to be removed, but its bridge may be gone. */
#define LEAVE_TIMEOUT 10000

/* Pause before a switch that could not be read is read again, in ms. */
#define READ_PAUSE 1000

static const struct pc_ctl_mark no_mark = { .cfg = -1, .node_cfg = -1 };

/* Returns the connection method of the router of 'row', which the caller must
 * free. */
char *
pc_ctl_router_target(const struct pcrec_router *row)
{
    return (row->target[0]
            ? xstrdup(row->target)
            : xasprintf("unix:%s/%s.mgmt", ovs_rundir(), row->bridge));
}

/* Starts to manage the router of 'row'. */
struct pc_ctl_router *
pc_ctl_router_create(struct pc_controller *c, const struct pcrec_router *row)
{
    struct pc_ctl_router *r = xzalloc(sizeof *r);

    r->uuid = row->header_.uuid;
    r->name = xstrdup(row->name);
    r->target = pc_ctl_router_target(row);
    r->base = row->table_base;
    r->sw = pc_switch_create(r->target, PC_CTL_CONTROLLER_ID);
    r->table = pc_flow_table_create();
    hmap_init(&r->parts);
    r->new_zones = bitmap_allocate(PC_CTL_SERVICES);
    r->submitted = r->done = no_mark;
    r->error = xstrdup("");
    hmap_insert(&c->routers, &r->hmap_node, uuid_hash(&r->uuid));
    pc_ctl_router_update_parts(c, r, row);
    c->status_dirty = true;
    return r;
}

/* Frees 'r'.  What is installed stays. */
void
pc_ctl_router_destroy(struct pc_controller *c, struct pc_ctl_router *r)
{
    struct pc_ctl_part *part;

    HMAP_FOR_EACH_SAFE (part, hmap_node, &r->parts) {
        pc_ctl_part_remove(c, part);
    }
    hmap_destroy(&r->parts);
    if (r->leaving_until) {
        ovs_list_remove(&r->list_node);
    } else {
        hmap_remove(&c->routers, &r->hmap_node);
    }
    /* The switch goes first: it ends a read, which 'installed' is for. */
    pc_switch_destroy(r->sw);
    pc_installed_destroy(r->installed);
    pc_l3_destroy(r->l3);
    pc_flow_table_destroy(r->table);
    free(r->name);
    free(r->target);
    free(r->new_zones);
    free(r->kept_zones);
    free(r->missing);
    free(r->error);
    free(r);
}

/* The row of 'r' is gone: removes all that is ours from its switch, then
 * forgets it. */
void
pc_ctl_router_leave(struct pc_controller *c, struct pc_ctl_router *r)
{
    struct pc_ctl_part *part;

    HMAP_FOR_EACH_SAFE (part, hmap_node, &r->parts) {
        pc_ctl_part_remove(c, part);
    }
    pc_l3_destroy(r->l3);
    r->l3 = NULL;
    pc_flow_table_clear(r->table);
    pc_ctl_zones_leave(c, r);
    hmap_remove(&c->routers, &r->hmap_node);
    r->held = false;
    ovs_list_push_back(&c->leaving_routers, &r->list_node);
    r->leaving_until = time_msec() + LEAVE_TIMEOUT;
    VLOG_INFO("router %s: removing all flows", r->name);
}

/* Reading. */

static void
pc_ctl_read_flow(const struct ofputil_flow_stats *fs, void *r_)
{
    struct pc_ctl_router *r = r_;

    pc_installed_add_flow(r->installed, fs);
}

static void
pc_ctl_read_group(const struct ofputil_group_desc *gd, void *r_)
{
    struct pc_ctl_router *r = r_;

    pc_installed_add_group(r->installed, gd);
}

static void
pc_ctl_read_meter(const struct ofputil_meter_config *mc, void *r_)
{
    struct pc_ctl_router *r = r_;

    pc_installed_add_meter(r->installed, mc);
}

static void
pc_ctl_read_done(int error, void *r_)
{
    struct pc_ctl_router *r = r_;

    r->reading = false;
    if (error) {
        pc_installed_destroy(r->installed);
        r->installed = NULL;
        r->epoch = 0;           /* Once more. */
        r->read_after = time_msec() + READ_PAUSE;
    }
}

static const struct pc_switch_read_class read_class = {
    .flow = pc_ctl_read_flow,
    .group = pc_ctl_read_group,
    .meter = pc_ctl_read_meter,
    .done = pc_ctl_read_done,
};

/* Has 'r' read again and corrected. */
void
pc_ctl_sync_resync(struct pc_ctl_router *r)
{
    r->epoch = 0;
}

/* The first connection, or one to a switch with other abilities: only now is
 * it known what can be compiled. */
static void
pc_ctl_router_prepare(struct pc_controller *c, struct pc_ctl_router *r)
{
    bool changed = pc_ctl_router_probe(r);

    if (r->leaving_until || (r->prepared && !changed)) {
        return;
    }
    pc_flow_table_clear(r->table);
    pc_flow_table_set_selection(r->table, r->selection);
    pc_flow_table_reserve(r->table, 2 * hmap_count(&c->rules));
    pc_l3_destroy(r->l3);
    r->l3 = NULL;
    r->prepared = !r->unfit;
    r->common = false;
    if (r->prepared) {
        r->l3 = pc_ctl_l3_create(r, r->table);
        pc_ctl_mark_all_dirty(c);
        pc_ctl_compile_run(c);
    }
    c->generation++;
    c->status_dirty = true;
}

static void
pc_ctl_start_reading(struct pc_controller *c, struct pc_ctl_router *r)
{
    r->resync_started = time_usec();
    pc_ctl_router_prepare(c, r);
    pc_installed_destroy(r->installed);
    r->installed = pc_installed_create(pc_switch_protocol(r->sw));
    r->epoch = pc_switch_epoch(r->sw);
    r->reading = true;
    r->synced = r->growing = false;
    r->submitted = r->done = no_mark;
    pc_switch_read(r->sw, &read_class, r);
}

static void
pc_ctl_adopt_neighbor(const struct pc_flow_view *flow, void *r_)
{
    struct pc_ctl_router *r = r_;

    pc_l3_adopt_neighbor(r->l3, time_msec(), flow);
}

/* Has everything been read, and can the difference to what is desired be told?
 * While not all is compiled only of a switch that has nothing.  It is sent then
 * what there is so far, which it receives while the rest is compiled, and has in
 * force when all is. */
static bool
pc_ctl_can_finish_reading(const struct pc_ctl_router *r)
{
    return (r->installed && !r->reading
            && (!r->held
                || (r->prepared && pc_switch_has_bundles(r->sw)
                    && !pc_installed_count(r->installed))));
}

/* Submits the difference, or its first part. */
static void
pc_ctl_finish_reading(struct pc_controller *c, struct pc_ctl_router *r)
{
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);

    if (r->l3) {
        pc_installed_for_each_flow(r->installed, pc_ctl_adopt_neighbor, r);
    }
    size_t n_read = pc_installed_count(r->installed);
    pc_installed_diff(r->installed, r->table, &mods);
    pc_installed_destroy(r->installed);
    r->installed = NULL;
    r->synced = true;

    c->counters.n_resyncs++;
    c->counters.last_resync_mods = 0;
    r->n_bulk = n_read;
    pc_ctl_zones_prepare(r, &mods);
    pc_ctl_count_resync(c, r, ovs_list_size(&mods));
    r->token = pc_switch_submit_part(r->sw, &mods, !r->held);
    r->growing = r->held;
}

/* Acknowledgement. */

/* So many mods, or entries read, leave much free memory behind. */
#define TRIM_AT 10000

/* Gives memory that was only used to change or compare 'n' things back. */
static void
pc_ctl_trim(size_t n)
{
    if (n >= TRIM_AT) {
#ifdef __GLIBC__
        malloc_trim(0);
#endif
    }
}

static struct pc_ctl_mark
pc_ctl_mark(const struct pc_controller *c)
{
    const struct pcrec_packetcloud *pc = pcrec_packetcloud_first(c->idl);
    const struct pcrec_cloudlet *cloudlet
        = pcrec_cloudlet_get_for_uuid(c->idl, &c->cloudlet);
    struct pc_ctl_mark mark = {
        .cfg = pc ? pc->next_cfg : -1,
        .node_cfg = INT64_MAX,
        .generation = c->generation,
    };

    for (size_t i = 0; cloudlet && i < cloudlet->n_nodes; i++) {
        mark.node_cfg = MIN(mark.node_cfg, cloudlet->nodes[i]->cur_cfg);
    }
    return mark;
}

/* Moves the marks of 'r': what has just been compiled is submitted, or
 * confirmed already if nothing is under way. */
static void
pc_ctl_update_marks(const struct pc_controller *c, struct pc_ctl_router *r)
{
    if (!r->synced || r->held || !pc_switch_is_ready(r->sw)) {
        return;
    }
    bool acked = pc_switch_acked(r->sw) >= r->token;
    if (!pc_flow_table_is_dirty(r->table)) {
        if (pc_ctl_place_is_idle(c)) {
            r->submitted = pc_ctl_mark(c);
        }
        r->submitted.generation = c->generation;
        if (acked) {
            r->done = r->submitted;
        }
    }
}

/* Has every router confirmed 'generation'?  A router that is not connected
 * does not count: its flows cannot be removed anyway, and when it comes back
 * it is compared with what is desired then. */
bool
pc_ctl_all_done(const struct pc_controller *c, uint64_t generation)
{
    const struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (pc_switch_is_connected(r->sw)
            && (!r->synced || r->done.generation < generation)) {
            return false;
        }
    }
    return true;
}

/* Has every router confirmed the flows of the VI with row 'uuid', and all that
 * is desired besides? */
bool
pc_controller_vi_is_wired(const struct pc_controller *c,
                          const struct uuid *uuid)
{
    const struct pc_ctl_vi *vi = pc_ctl_vi_find(c, uuid);

    return (vi && vi->port[PC_PORT_IN]
            && vi->vi.port[PC_PORT_IN] != OFPP_NONE
            && (!vi->port[PC_PORT_OUT] || vi->vi.port[PC_PORT_OUT] != OFPP_NONE)
            && hmapx_is_empty(&c->dirty_vis)
            && pc_ctl_all_done(c, c->generation));
}

/* Main loop. */

/* Do both lead to one switch, perhaps by different ways? */
static bool
pc_ctl_same_switch(const struct pc_ctl_router *a,
                   const struct pc_ctl_router *b)
{
    uint64_t id = pc_switch_datapath_id(a->sw);

    return (!strcmp(a->target, b->target)
            || (id && id == pc_switch_datapath_id(b->sw)));
}

/* Is a router that leaves (say, its table_base was changed) still removing
 * what it had on the switch of 'r'?  Each would undo the other's work. */
static bool
pc_ctl_is_held(const struct pc_controller *c, const struct pc_ctl_router *r)
{
    const struct pc_ctl_router *other;

    if (r->leaving_until) {
        return false;
    }
    LIST_FOR_EACH (other, list_node, &c->leaving_routers) {
        if (pc_ctl_same_switch(other, r)) {
            return true;
        }
    }
    return false;
}

static bool
pc_ctl_must_read(const struct pc_controller *c, const struct pc_ctl_router *r)
{
    return (pc_switch_is_ready(r->sw) && !r->reading
            && r->epoch != pc_switch_epoch(r->sw)
            && !pc_switch_is_busy(r->sw)
            && !pc_ctl_is_held(c, r));
}

static void
pc_ctl_router_wait(const struct pc_controller *c,
                   const struct pc_ctl_router *r)
{
    pc_switch_wait(r->sw);
    pc_ctl_l3_wait(r);
    if (pc_ctl_must_read(c, r)) {
        poll_timer_wait_until(r->read_after);
    }
    if (r->installed && !r->reading) {
        poll_immediate_wake();
    }
}

/* Records that the switch of 'r' can be reached, or not any more. */
static void
pc_ctl_router_event(struct pc_controller *c, const struct pc_ctl_router *r)
{
    bool ready = pc_switch_is_ready(r->sw);

    if (!r->leaving_until) {
        pc_events_add(c->events, &(struct pc_event) {
                          .kind = (ready ? PC_EVENT_SWITCH_CONNECTED
                                   : PC_EVENT_SWITCH_DISCONNECTED),
                          .cloudlet = c->cloudlet_name, .router = r->name,
                          .cause = (ready ? r->target
                                    : pc_switch_last_error(r->sw)) });
    }
}

static void
pc_ctl_router_run(struct pc_controller *c, struct pc_ctl_router *r)
{
    bool ready = pc_switch_is_ready(r->sw);

    pc_switch_run(r->sw);
    if (ready != pc_switch_is_ready(r->sw)) {
        c->status_dirty = true;
        pc_ctl_router_event(c, r);
        if (ready) {
            r->synced = false;
        } else {
            free(r->error);
            r->error = xstrdup("");
        }
    }
    pc_ctl_take_switch_errors(c, r);
    if (!pc_switch_is_ready(r->sw)) {
        return;
    }
    if (r->synced && pc_switch_acked(r->sw) >= r->token) {
        r->done = r->submitted;
        if (r->resync_started) {
            r->resync_us = time_usec() - r->resync_started;
            r->resync_started = 0;
        }
        pc_ctl_trim(r->n_bulk);
        r->n_bulk = 0;
    }
    if (pc_ctl_must_read(c, r)) {
        if (time_msec() >= r->read_after) {
            pc_ctl_start_reading(c, r);
        }
    } else if (!r->leaving_until) {
        pc_ctl_ports_changed(c, r);
    }
}

static void
pc_ctl_leaving_run(struct pc_controller *c)
{
    struct pc_ctl_router *r;

    LIST_FOR_EACH_SAFE (r, list_node, &c->leaving_routers) {
        pc_ctl_router_run(c, r);
        if (pc_ctl_can_finish_reading(r)) {
            pc_ctl_finish_reading(c, r);
        }
        pc_ctl_sync_submit(c, r);
        bool done = (r->synced && !pc_flow_table_is_dirty(r->table)
                     && !pc_switch_is_busy(r->sw)
                     && pc_switch_is_ready(r->sw));
        if (done || time_msec() >= r->leaving_until) {
            VLOG_INFO("router %s: %s", r->name,
                      done ? "all flows removed" : "not reached, given up");
            pc_ctl_router_destroy(c, r);
            poll_immediate_wake();      /* Somebody may wait for this. */
        }
    }
}

/* Runs the switches, compiles what they changed (ports), submits. */
void
pc_ctl_sync_run(struct pc_controller *c)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        pc_ctl_router_run(c, r);
    }
    pc_ctl_compile_run(c);
    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        r->held = c->compiling;
        if (pc_ctl_can_finish_reading(r)) {
            pc_ctl_finish_reading(c, r);
        }
        pc_ctl_l3_run(c, r);
        pc_ctl_sync_submit(c, r);
        pc_ctl_update_marks(c, r);
    }
    pc_ctl_leaving_run(c);
}

/* Arranges for the poll loop to wake when pc_ctl_sync_run() has work. */
void
pc_ctl_sync_wait(struct pc_controller *c)
{
    struct pc_ctl_router *r;

    if (c->compiling) {
        poll_immediate_wake();
    }
    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        pc_ctl_router_wait(c, r);
    }
    LIST_FOR_EACH (r, list_node, &c->leaving_routers) {
        pc_ctl_router_wait(c, r);
        poll_timer_wait_until(r->leaving_until);
    }
}
