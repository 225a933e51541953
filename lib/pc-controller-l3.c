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

#include "dp-packet.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/poll-loop.h"
#include "packets.h"
#include "pc-controller-private.h"
#include "pc-l3.h"
#include "pc-layout.h"
#include "timeval.h"
#include "util.h"

/* The front-end router of each router row: its interfaces and routes, the VIs
 * as its neighbors, and the packets that its flows send us. */

/* Returns a new, empty front-end router of 'r' whose flows go into 'table'. */
struct pc_l3 *
pc_ctl_l3_create(const struct pc_ctl_router *r, struct pc_flow_table *table)
{
    struct pc_l3_config config = {
        .table_base = r->base,
        .controller_id = PC_CTL_CONTROLLER_ID,
        .meter_id = r->meters ? pc_meter_id(0, PC_FORWARD) : 0,
        .nd_answers = r->nd_answers,
    };
    return pc_l3_create(table, &config);
}

/* Parts: interfaces and routes. */

static struct pc_ctl_part *
pc_ctl_part_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_part *part;

    HMAP_FOR_EACH_WITH_HASH (part, by_uuid, uuid_hash(uuid), &c->parts) {
        if (uuid_equals(&part->uuid, uuid)) {
            return part;
        }
    }
    return NULL;
}

static void
pc_ctl_part_add(struct pc_controller *c, struct pc_ctl_router *r,
                const struct uuid *uuid, bool is_route)
{
    struct pc_ctl_part *part = pc_ctl_part_find(c, uuid);

    if (!part) {
        part = xzalloc(sizeof *part);
        part->uuid = *uuid;
        part->router = r;
        part->is_route = is_route;
        hmap_insert(&c->parts, &part->by_uuid, uuid_hash(uuid));
        hmap_insert(&r->parts, &part->hmap_node, uuid_hash(uuid));
    }
    hmapx_add(&c->dirty_parts, part);
    hmapx_add(&c->bad_parts, part);     /* Perhaps the row's is outdated. */
}

/* Forgets 'part', whose row is gone or no longer the router's. */
void
pc_ctl_part_remove(struct pc_controller *c, struct pc_ctl_part *part)
{
    struct pc_ctl_router *r = part->router;

    if (r->l3 && part->is_route) {
        pc_l3_remove_route(r->l3, &part->uuid);
    } else if (r->l3) {
        pc_l3_remove_interface(r->l3, &part->uuid);
    }
    c->generation++;
    hmapx_find_and_delete(&c->dirty_parts, part);
    hmapx_find_and_delete(&c->bad_parts, part);
    hmap_remove(&c->parts, &part->by_uuid);
    hmap_remove(&r->parts, &part->hmap_node);
    free(part->port);
    free(part->error);
    free(part);
}

/* Brings the parts of 'r' to those of 'row'. */
void
pc_ctl_router_update_parts(struct pc_controller *c, struct pc_ctl_router *r,
                           const struct pcrec_router *row)
{
    struct hmapx gone = HMAPX_INITIALIZER(&gone);
    struct pc_ctl_part *part;
    struct hmapx_node *node;

    HMAP_FOR_EACH (part, hmap_node, &r->parts) {
        hmapx_add(&gone, part);
    }
    for (size_t i = 0; i < row->n_interfaces; i++) {
        const struct uuid *uuid = &row->interfaces[i]->header_.uuid;
        part = pc_ctl_part_find(c, uuid);
        if (!part) {
            pc_ctl_part_add(c, r, uuid, false);
        } else {
            hmapx_find_and_delete(&gone, part);
        }
    }
    for (size_t i = 0; i < row->n_routes; i++) {
        const struct uuid *uuid = &row->routes[i]->header_.uuid;
        part = pc_ctl_part_find(c, uuid);
        if (!part) {
            pc_ctl_part_add(c, r, uuid, true);
        } else {
            hmapx_find_and_delete(&gone, part);
        }
    }
    HMAPX_FOR_EACH (node, &gone) {
        pc_ctl_part_remove(c, node->data);
    }
    hmapx_destroy(&gone);
}

/* The row of Interface or Route with 'uuid' changed. */
void
pc_ctl_part_changed(struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_part *part = pc_ctl_part_find(c, uuid);

    if (part) {
        hmapx_add(&c->dirty_parts, part);
    }
}

/* Compiling. */

static void
pc_ctl_part_set_error(struct pc_controller *c, struct pc_ctl_part *part,
                      char *error)
{
    if (nullable_string_is_equal(part->error, error)) {
        free(error);
        return;
    }
    free(part->error);
    part->error = error;
    hmapx_add(&c->bad_parts, part);
}

static char * OVS_WARN_UNUSED_RESULT
pc_ctl_interface_addresses(const struct pcrec_interface *row,
                           struct pc_l3_address *addresses)
{
    for (size_t i = 0; i < row->n_addresses; i++) {
        char *error = pc_l3_parse_address(row->addresses[i], &addresses[i]);
        if (error) {
            return error;
        }
    }
    return NULL;
}

static char * OVS_WARN_UNUSED_RESULT
pc_ctl_interface_compile(struct pc_controller *c, struct pc_ctl_part *part)
{
    const struct pcrec_interface *row
        = pcrec_interface_get_for_uuid(c->idl, &part->uuid);
    struct pc_ctl_router *r = part->router;

    if (!row) {
        return NULL;
    }
    struct pc_l3_interface iface = {
        .uuid = part->uuid,
        .port = OFPP_NONE,
        .n_addresses = row->n_addresses,
        .mtu = row->n_mtu ? row->mtu[0] : 0,
    };
    part->has_port = row->port[0] != '\0';
    free(part->port);
    part->port = part->has_port ? xstrdup(row->port) : NULL;
    part->mac = pc_l3_default_mac(pc_switch_datapath_id(r->sw), r->name,
                                  row->name);
    if (row->mac[0] && !eth_addr_from_string(row->mac, &part->mac)) {
        return xasprintf("%s: not an Ethernet address", row->mac);
    }
    iface.mac = part->mac;
    if (part->has_port
        && !ofputil_port_from_string(row->port, pc_switch_port_map(r->sw),
                                     &iface.port)) {
        pc_l3_remove_interface(r->l3, &part->uuid);
        return xasprintf("router %s has no port %s", r->name, row->port);
    }
    struct pc_l3_address *addresses
        = xcalloc(row->n_addresses, sizeof *addresses);
    char *error = pc_ctl_interface_addresses(row, addresses);
    if (!error) {
        iface.addresses = addresses;
        error = pc_l3_set_interface(r->l3, &iface);
    }
    free(addresses);
    return error;
}

static char * OVS_WARN_UNUSED_RESULT
pc_ctl_route_compile(struct pc_controller *c, struct pc_ctl_part *part)
{
    const struct pcrec_route *row
        = pcrec_route_get_for_uuid(c->idl, &part->uuid);
    struct pc_l3_route route = { .uuid = part->uuid };

    if (!row) {
        return NULL;
    }
    char *error = pc_l3_parse_prefix(row->prefix, &route.prefix);
    if (!error) {
        error = pc_l3_parse_nexthop(row->nexthop, &route);
    }
    if (!error) {
        error = pc_l3_set_route(part->router->l3, &route);
    }
    return error ? error : pc_l3_route_error(part->router->l3, &part->uuid);
}

/* Compiles 'part'.  A VI that has its gateway on an interface depends on
 * that, and a route on the interface of its next hop. */
void
pc_ctl_part_compile(struct pc_controller *c, struct pc_ctl_part *part)
{
    struct pc_ctl_router *r = part->router;
    struct pc_ctl_part *other;
    struct pc_ctl_vi *vi;

    if (!r->prepared) {
        return;
    }
    pc_ctl_part_set_error(c, part, (part->is_route
                                    ? pc_ctl_route_compile(c, part)
                                    : pc_ctl_interface_compile(c, part)));
    if (part->is_route) {
        return;
    }
    hmapx_add(&c->bad_parts, part);     /* Its address may be another. */
    HMAP_FOR_EACH (other, hmap_node, &r->parts) {
        if (other->is_route) {
            pc_ctl_part_set_error(c, other,
                                  pc_l3_route_error(r->l3, &other->uuid));
        }
    }
    if (!part->has_port) {
        HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
            hmapx_add(&c->dirty_vis, vi);
        }
    }
}

/* VIs as neighbors. */

/* Returns the interface row of 'r' without a port in whose subnets 'addr' is,
 * and its part in '*partp'; NULL if there is none. */
static const struct pcrec_interface *
pc_ctl_vi_interface(const struct pc_controller *c,
                    const struct pc_ctl_router *r,
                    const struct in6_addr *addr, struct pc_ctl_part **partp)
{
    struct pc_ctl_part *part;

    HMAP_FOR_EACH (part, hmap_node, &r->parts) {
        const struct pcrec_interface *row
            = (part->is_route || part->has_port ? NULL
               : pcrec_interface_get_for_uuid(c->idl, &part->uuid));

        for (size_t i = 0; row && i < row->n_addresses; i++) {
            struct pc_l3_address a;
            char *error = pc_l3_parse_address(row->addresses[i], &a);
            if (error) {
                free(error);
                continue;
            }
            int plen = a.plen + (IN6_IS_ADDR_V4MAPPED(&a.addr) ? 96 : 0);
            struct in6_addr mask = ipv6_create_mask(plen);
            struct in6_addr x = ipv6_addr_bitand(&a.addr, &mask);
            struct in6_addr y = ipv6_addr_bitand(addr, &mask);
            if (ipv6_addr_equals(&x, &y)) {
                *partp = part;
                return row;
            }
        }
    }
    return NULL;
}

static bool
pc_ctl_parse_host(const char *s, struct in6_addr *addr)
{
    struct pc_l3_address a;
    char *error = pc_l3_parse_address(s, &a);

    if (!error) {
        *addr = a.addr;
        return true;
    }
    free(error);

    /* Without a prefix length. */
    ovs_be32 ip;
    if (ip_parse(s, &ip)) {
        in6_addr_set_mapped_ipv4(addr, ip);
        return true;
    }
    return ipv6_parse(s, addr);
}

/* Stores in '*mac' the Ethernet address of the gateway of 'vi' on 'r'.
 * Returns false if the router is not its gateway. */
bool
pc_ctl_gateway_mac(const struct pc_controller *c,
                   const struct pc_ctl_router *r,
                   const struct pc_ctl_vi *vi, struct eth_addr *mac)
{
    for (size_t i = 0; i < vi->vi.n_addresses; i++) {
        struct pc_ctl_part *part;
        struct in6_addr addr;

        if (pc_ctl_parse_host(vi->vi.addresses[i], &addr)
            && pc_ctl_vi_interface(c, r, &addr, &part)) {
            *mac = part->mac;
            return true;
        }
    }
    return false;
}

/* Makes 'vi' a static neighbor of 'r', as far as it is attached and has an
 * address in a subnet of ours. */
void
pc_ctl_vi_neighbors(struct pc_controller *c, struct pc_ctl_router *r,
                    struct pc_ctl_vi *vi)
{
    pc_l3_remove_static_neighbors(r->l3, &vi->vi.uuid);
    if (!pc_vi_is_attached(&vi->vi)) {
        return;
    }
    for (size_t i = 0; i < vi->vi.n_addresses; i++) {
        struct pc_l3_static_neighbor n = {
            .owner = vi->vi.uuid,
            .mac = vi->vi.mac,
            .port = vi->vi.port[PC_PORT_IN],
        };
        struct pc_ctl_part *part;

        if (pc_ctl_parse_host(vi->vi.addresses[i], &n.addr)
            && pc_ctl_vi_interface(c, r, &n.addr, &part)) {
            n.interface = part->uuid;
            pc_l3_set_static_neighbor(r->l3, &n);
        }
    }
}

/* Packets. */

static void
pc_ctl_send_packets(struct pc_ctl_router *r, struct ovs_list *outs)
{
    struct pc_l3_packet_out *out;

    LIST_FOR_EACH_POP (out, list_node, outs) {
        struct ofputil_packet_out po = {
            .packet = dp_packet_data(out->packet),
            .packet_len = dp_packet_size(out->packet),
            .buffer_id = UINT32_MAX,
            .ofpacts = out->ofpacts.data,
            .ofpacts_len = out->ofpacts.size,
        };
        match_init_catchall(&po.flow_metadata);
        match_set_in_port(&po.flow_metadata, out->in_port);
        pc_switch_packet_out(r->sw, &po);
        pc_l3_packet_out_destroy(out);
    }
}

/* Answers the packets that 'r' sent us and runs its timers.  Packets go out
 * after the flows that were learned from what came in. */
void
pc_ctl_l3_run(struct pc_controller *c, struct pc_ctl_router *r)
{
    struct ovs_list outs = OVS_LIST_INITIALIZER(&outs);
    struct pc_packet_in *pin;

    if (!r->l3) {
        return;
    }
    while ((pin = pc_switch_next_packet_in(r->sw)) != NULL) {
        pc_l3_packet_in(r->l3, time_msec(), &pin->pin, &outs);
        pc_packet_in_destroy(pin);
    }
    pc_l3_run(r->l3, time_msec(), &outs);
    pc_ctl_sync_submit(c, r);
    pc_ctl_send_packets(r, &outs);
}

/* Arranges for the poll loop to wake when a timer of 'r' expires. */
void
pc_ctl_l3_wait(const struct pc_ctl_router *r)
{
    if (r->l3) {
        long long int when = pc_l3_next_wakeup(r->l3);
        if (when != LLONG_MAX) {
            poll_timer_wait_until(when);
        }
    }
}
