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

#include "bitmap.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "packets.h"
#include "pc-capacity.h"
#include "pc-controller-private.h"
#include "pc-event.h"
#include "smap.h"
#include "util.h"

/* From rows to values: VIs, as pc-controller-model.c does it for services and
 * rules. */

struct pc_ctl_vi *
pc_ctl_vi_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_vi *vi;

    HMAP_FOR_EACH_WITH_HASH (vi, hmap_node, uuid_hash(uuid), &c->vis) {
        if (uuid_equals(&vi->vi.uuid, uuid)) {
            return vi;
        }
    }
    return NULL;
}

static int
pc_ctl_compare_vis(const void *a_, const void *b_)
{
    const struct pc_vi *const *a = a_, *const *b = b_;

    return (*a)->number < (*b)->number ? -1 : (*a)->number > (*b)->number;
}

/* In the order of their numbers: after a restart the groups are the same. */
static void
pc_ctl_service_rebuild_vis(struct pc_ctl_service *svc)
{
    struct pc_ctl_vi *vi;

    free(svc->s.vis);
    svc->s.vis = xmalloc(ovs_list_size(&svc->vis) * sizeof *svc->s.vis);
    svc->s.n_vis = 0;
    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        svc->s.vis[svc->s.n_vis++] = &vi->vi;
    }
    if (svc->s.n_vis) {
        qsort(svc->s.vis, svc->s.n_vis, sizeof *svc->s.vis,
              pc_ctl_compare_vis);
    }
}

/* Is 'row', which has no service any more, one of our cloudlet's? */
static bool
pc_ctl_vi_is_ours(const struct pc_controller *c, const struct pcrec_vi *row)
{
    const struct pcrec_cloudlet *cloudlet
        = pcrec_cloudlet_get_for_uuid(c->idl, &c->cloudlet);

    if (!row->node || !cloudlet) {
        return true;
    }
    for (size_t i = 0; i < cloudlet->n_nodes; i++) {
        if (cloudlet->nodes[i] == row->node) {
            return true;
        }
    }
    return false;
}

static struct pc_ctl_vi *
pc_ctl_vi_create(struct pc_controller *c, const struct pcrec_vi *row)
{
    struct pc_ctl_vi *vi = xzalloc(sizeof *vi);

    vi->vi.uuid = row->header_.uuid;
    vi->vi.name = xstrdup(row->name);
    vi->vi.number = row->number;
    vi->node_ready = -1;
    vi->vi.port[PC_PORT_IN] = vi->vi.port[PC_PORT_OUT] = OFPP_NONE;
    bitmap_set1(c->vi_numbers, vi->vi.number);
    hmap_insert(&c->vis, &vi->hmap_node, uuid_hash(&vi->vi.uuid));
    hmapx_add(&c->dirty_vis, vi);
    return vi;
}

static void
pc_ctl_vi_set_service(struct pc_controller *c, struct pc_ctl_vi *vi,
                      struct pc_ctl_service *svc)
{
    if (vi->svc == svc) {
        return;
    }
    if (vi->svc) {
        ovs_list_remove(&vi->svc_node);
        pc_ctl_service_rebuild_vis(vi->svc);
        hmapx_add(&c->dirty_services, vi->svc);
        hmapx_add(&c->to_place, vi->svc);
    }
    vi->svc = svc;
    vi->vi.service = svc ? &svc->s : NULL;
    if (svc) {
        ovs_list_push_back(&svc->vis, &vi->svc_node);
        pc_ctl_service_rebuild_vis(svc);
        hmapx_add(&c->dirty_services, svc);
        hmapx_add(&c->to_place, svc);
    }
    hmapx_add(&c->dirty_vis, vi);
}

static void
pc_ctl_vi_set_port(struct pc_controller *c, struct pc_ctl_vi *vi, int which,
                   const char *name)
{
    if (nullable_string_is_equal(vi->port[which], name)) {
        return;
    }
    if (vi->port[which]
        && shash_find_data(&c->ports, vi->port[which]) == vi) {
        shash_find_and_delete(&c->ports, vi->port[which]);
    }
    free(vi->port[which]);
    vi->port[which] = nullable_xstrdup(name);
    if (name) {
        shash_replace(&c->ports, name, vi);
    }
    hmapx_add(&c->dirty_vis, vi);
    hmapx_add(&c->dirty_services, vi->svc);
    pc_ctl_inspect_service_changed(c, vi->svc);
}

/* The name of port 'key' in 'row', NULL if it has none. */
static const char *
pc_ctl_vi_row_port(const struct pcrec_vi *row, const char *key)
{
    const char *name = smap_get(&row->ports, key);

    return name && name[0] ? name : NULL;
}

/* The network capacity that the node has confirmed, so that a change that it
 * refuses is never in force; what is wanted, if it has not said anything yet. */
static uint64_t
pc_ctl_vi_row_network(const struct pcrec_vi *row)
{
    struct pc_capacity c;

    if (row->n_applied) {
        pc_capacity_from_arrays(&c, row->key_applied, row->value_applied,
                                row->n_applied);
    } else {
        pc_capacity_from_arrays(&c, row->key_capacity, row->value_capacity,
                                row->n_capacity);
    }
    return c.value[PC_CAP_NETWORK];
}

static bool
pc_ctl_vi_set_addresses(struct pc_ctl_vi *vi, const struct pcrec_vi *row)
{
    bool same = vi->vi.n_addresses == row->n_addresses;

    for (size_t i = 0; same && i < row->n_addresses; i++) {
        same = !strcmp(vi->vi.addresses[i], row->addresses[i]);
    }
    if (same) {
        return false;
    }
    for (size_t i = 0; i < vi->vi.n_addresses; i++) {
        free(vi->vi.addresses[i]);
    }
    free(vi->vi.addresses);
    vi->vi.n_addresses = row->n_addresses;
    vi->vi.addresses = xmalloc(row->n_addresses * sizeof *vi->vi.addresses);
    for (size_t i = 0; i < row->n_addresses; i++) {
        vi->vi.addresses[i] = xstrdup(row->addresses[i]);
    }
    return true;
}

/* Readiness goes into the groups alone: the VI's own flows stay. */
static void
pc_ctl_vi_update_ready(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    bool well = vi->node_ready < 0 ? vi->row_ready : vi->node_ready;
    bool ready = well && vi->row_up && !vi->over;
    bool draining = well && vi->row_drain && !vi->over;

    if (vi->vi.ready != ready || vi->vi.draining != draining) {
        vi->vi.ready = ready;
        vi->vi.draining = draining;
        if (vi->svc) {
            hmapx_add(&c->dirty_services, vi->svc);
        }
    }
}

/* The node role of this process has found that the VI with row 'uuid' is ready,
 * or not: this counts from now on, whatever its row says, which the node
 * writes later and the database may not take at all. */
void
pc_controller_set_vi_ready(struct pc_controller *c, const struct uuid *uuid,
                           bool ready)
{
    struct pc_ctl_vi *vi = pc_ctl_vi_find(c, uuid);

    if (vi && vi->node_ready != ready) {
        vi->node_ready = ready;
        pc_ctl_vi_update_ready(c, vi);
        poll_immediate_wake();
    }
}

/* Is what 'row' sends to be checked?  A `host` does not know better than its
 * addresses unless told. */
static bool
pc_ctl_vi_row_anti_spoof(const struct pcrec_vi *row, enum pc_mode mode)
{
    const char *value = smap_get(&row->options, "anti-spoof");

    return value ? !strcmp(value, "on") : mode == PC_MODE_HOST;
}

static void
pc_ctl_vi_event(struct pc_controller *c, const struct pc_ctl_vi *vi,
                enum pc_event_kind kind, const char *cause)
{
    pc_events_add(c->events, &(struct pc_event) {
                      .kind = kind, .cloudlet = c->cloudlet_name,
                      .service = vi->svc ? vi->svc->s.name : NULL,
                      .vi = vi->vi.name, .cause = cause });
}

/* Records that the ISP's limits in 'row' have changed. */
static void
pc_ctl_vi_restricted(struct pc_controller *c, const struct pc_ctl_vi *vi,
                     const struct pcrec_vi *row)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < row->n_restrictions; i++) {
        ds_put_format(&s, "%s=%"PRId64" ", row->key_restrictions[i],
                      row->value_restrictions[i]);
    }
    ds_chomp(&s, ' ');
    pc_ctl_vi_event(c, vi, PC_EVENT_VI_RESTRICTED,
                    s.length ? ds_cstr(&s) : "no restrictions");
    ds_destroy(&s);
}

/* Takes over what the ISP has said of the VI: quarantine, to be stopped,
 * anti-spoofing. */
static void
pc_ctl_vi_set_trust(struct pc_controller *c, struct pc_ctl_vi *vi,
                    const struct pcrec_vi *row)
{
    bool down = (vi->over || !strcmp(row->admin_state, "down")
                 || pc_ctl_move_is_stopping(row));
    bool quarantined = row->quarantined;
    bool anti_spoof = pc_ctl_vi_row_anti_spoof(row, vi->svc->s.mode);

    if (vi->vi.quarantined != quarantined) {
        vi->vi.quarantined = quarantined;
        hmapx_add(&c->dirty_vis, vi);
        hmapx_add(&c->dirty_services, vi->svc);
        if (c->loaded) {
            pc_ctl_vi_event(c, vi, (quarantined ? PC_EVENT_VI_QUARANTINED
                                    : PC_EVENT_VI_RELEASED),
                            quarantined
                            ? "it gets nothing, and what it sends is dropped"
                            : "its quarantine is over");
        }
    }
    if (c->loaded && !pcrec_vi_is_new(row)
        && pcrec_vi_is_updated(row, PCREC_VI_COL_RESTRICTIONS)) {
        pc_ctl_vi_restricted(c, vi, row);
    }
    if (vi->vi.anti_spoof != anti_spoof) {
        vi->vi.anti_spoof = anti_spoof;
        hmapx_add(&c->dirty_vis, vi);
    }
    if (vi->down != down) {
        vi->down = down;
        vi->down_generation = c->generation + 1;
    }
}

static void
pc_ctl_vi_set_values(struct pc_controller *c, struct pc_ctl_vi *vi,
                     const struct pcrec_vi *row)
{
    uint64_t network_bps = pc_ctl_vi_row_network(row);
    struct eth_addr mac = eth_addr_zero;

    eth_addr_from_string(row->mac, &mac);
    pc_ctl_vi_set_port(c, vi, PC_PORT_IN, pc_ctl_vi_row_port(row, "in"));
    pc_ctl_vi_set_port(c, vi, PC_PORT_OUT, pc_ctl_vi_row_port(row, "out"));
    if (pc_ctl_vi_set_addresses(vi, row)
        || !eth_addr_equals(vi->vi.mac, mac)
        || vi->network_bps != network_bps) {
        vi->vi.mac = mac;
        vi->network_bps = network_bps;
        hmapx_add(&c->dirty_vis, vi);
    }

    pc_ctl_vi_set_trust(c, vi, row);

    vi->reserved = row->n_slots > 0;
    c->expire_changed = true;
    vi->row_ready = row->ready;
    pc_ctl_move_update(c, vi, row);
    vi->row_up = (!strcmp(row->admin_state, "up")
                  && !pc_ctl_move_is_stopping(row));
    vi->row_drain = !strcmp(row->admin_state, "drain");
    if (vi->vi.weight != row->weight) {
        vi->vi.weight = row->weight;
        hmapx_add(&c->dirty_services, vi->svc);
    }
    pc_ctl_vi_update_ready(c, vi);
    pc_ctl_drain_update(c, vi, row);
}

/* Takes over the values of 'row', new or changed. */
void
pc_ctl_vi_update(struct pc_controller *c, const struct pcrec_vi *row)
{
    struct pc_ctl_vi *vi = pc_ctl_vi_find(c, &row->header_.uuid);
    struct pc_ctl_service *svc
        = (row->service
           ? pc_ctl_service_find(c, &row->service->header_.uuid) : NULL);

    if (!vi) {
        if (!svc && (row->service || !pc_ctl_vi_is_ours(c, row))) {
            return;             /* Of another cloudlet. */
        }
        vi = pc_ctl_vi_create(c, row);
    }
    if (vi->leaving) {
        return;
    }
    if (!svc) {
        pc_ctl_vi_leave(c, vi);
        return;
    }
    pc_ctl_vi_set_service(c, vi, svc);
    pc_ctl_vi_set_values(c, vi, row);
}

/* The time of 'vi' is over: nothing new is sent to it from now on.  It may leave
 * as soon as pc_ctl_vi_is_released(). */
void
pc_ctl_vi_set_over(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    if (!vi->over) {
        /* Without traffic there is no change of flows to wait for. */
        bool wait = vi->vi.ready || vi->vi.draining;

        vi->over = true;
        c->expire_changed = true;
        pc_ctl_vi_update_ready(c, vi);
        if (!vi->down) {
            vi->down = true;
            vi->down_generation = c->generation + wait;
        }
        poll_immediate_wake();
    }
}

/* Takes 'vi' out of service: its flows go now, its row when the switch has
 * confirmed that. */
void
pc_ctl_vi_leave(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    if (vi->leaving) {
        return;
    }
    if (vi->svc) {
        pc_ctl_inspect_service_changed(c, vi->svc);
    }
    pc_ctl_vi_set_service(c, vi, NULL);
    pc_ctl_inspect_vi_leaves(c, vi);
    pc_ctl_disown(c, &vi->vi.uuid);
    hmapx_find_and_delete(&c->dirty_vis, vi);
    hmapx_find_and_delete(&c->draining, vi);
    hmapx_find_and_delete(&c->moving, vi);
    vi->leaving = true;
    vi->leave_generation = ++c->generation;
    ovs_list_push_back(&c->leaving_vis, &vi->leave_node);
}

/* Forgets 'vi', whose row is gone. */
void
pc_ctl_vi_remove(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    if (vi->reserved && !vi->leaving) {
        pc_ctl_reserve_vi_lost(c);      /* Not by us. */
    }
    pc_ctl_vi_leave(c, vi);
    ovs_list_remove(&vi->leave_node);
    for (int i = 0; i < 2; i++) {
        if (vi->port[i] && shash_find_data(&c->ports, vi->port[i]) == vi) {
            shash_find_and_delete(&c->ports, vi->port[i]);
        }
        free(vi->port[i]);
    }
    bitmap_set0(c->vi_numbers, vi->vi.number);
    hmap_remove(&c->vis, &vi->hmap_node);
    for (size_t i = 0; i < vi->vi.n_addresses; i++) {
        free(vi->vi.addresses[i]);
    }
    free(vi->vi.addresses);
    free(vi->vi.copies);
    free(vi->vi.name);
    free(vi);
}
