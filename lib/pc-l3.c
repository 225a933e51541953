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

#include "pc-l3.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "pc-flow-table.h"
#include "pc-l3-private.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_l3);

/* Creates a router without interfaces whose flows go into 'table', which must
 * outlive it. */
struct pc_l3 *
pc_l3_create(struct pc_flow_table *table, const struct pc_l3_config *config)
{
    struct pc_l3 *l3 = xzalloc(sizeof *l3);

    l3->flows.table = table;
    l3->flows.config = *config;
    hmap_init(&l3->ifaces);
    hmap_init(&l3->routes);
    l3->neighbors = pc_neighbors_create(&pc_l3_neighbor_ops);
    l3->error_tokens = PC_L3_ERROR_BURST * 1000;
    l3->error_filled = LLONG_MIN;
    return l3;
}

static void
free_iface(struct pc_l3 *l3, struct pc_l3_iface *iface)
{
    hmap_remove(&l3->ifaces, &iface->node);
    free(CONST_CAST(struct pc_l3_address *, iface->cfg.addresses));
    free(iface);
}

/* Frees 'l3'.  Its flows stay in the flow table. */
void
pc_l3_destroy(struct pc_l3 *l3)
{
    if (l3) {
        struct pc_l3_static_route *route;
        struct pc_l3_iface *iface;

        pc_neighbors_destroy(l3->neighbors);
        HMAP_FOR_EACH_SAFE (iface, node, &l3->ifaces) {
            free_iface(l3, iface);
        }
        hmap_destroy(&l3->ifaces);
        HMAP_FOR_EACH_POP (route, node, &l3->routes) {
            free(route);
        }
        hmap_destroy(&l3->routes);
        free(l3);
    }
}

struct pc_l3_iface *
pc_l3_iface_by_number(const struct pc_l3 *l3, uint32_t number)
{
    struct pc_l3_iface *iface;

    HMAP_FOR_EACH_WITH_HASH (iface, node, number, &l3->ifaces) {
        return iface;           /* The hash is the key. */
    }
    return NULL;
}

static struct pc_l3_iface *
find_iface(const struct pc_l3 *l3, const struct uuid *uuid)
{
    struct pc_l3_iface *iface
        = pc_l3_iface_by_number(l3, pc_l3_interface_number(uuid));

    return iface && uuid_equals(&iface->cfg.uuid, uuid) ? iface : NULL;
}

/* Is 'addr' in the subnet of 'a'? */
bool
pc_l3_address_contains(const struct pc_l3_address *a,
                       const struct in6_addr *addr)
{
    bool v4 = IN6_IS_ADDR_V4MAPPED(&a->addr);
    struct in6_addr mask = ipv6_create_mask(v4 ? a->plen + 96 : a->plen);
    struct in6_addr x = ipv6_addr_bitand(&a->addr, &mask);
    struct in6_addr y = ipv6_addr_bitand(addr, &mask);

    return ipv6_addr_equals(&x, &y);
}

/* Returns 'addr' if it is an own address of 'iface', otherwise NULL. */
const struct in6_addr *
pc_l3_iface_own(const struct pc_l3_iface *iface, const struct in6_addr *addr)
{
    if (ipv6_addr_equals(addr, &iface->lla)) {
        return &iface->lla;
    }
    for (size_t i = 0; i < iface->cfg.n_addresses; i++) {
        if (ipv6_addr_equals(addr, &iface->cfg.addresses[i].addr)) {
            return &iface->cfg.addresses[i].addr;
        }
    }
    return NULL;
}

/* If 'addr' is in a subnet of 'iface', returns the own address in that
 * subnet, otherwise NULL. */
const struct in6_addr *
pc_l3_iface_on_link(const struct pc_l3_iface *iface,
                    const struct in6_addr *addr)
{
    if (IN6_IS_ADDR_LINKLOCAL(addr)) {
        return &iface->lla;
    }
    for (size_t i = 0; i < iface->cfg.n_addresses; i++) {
        if (pc_l3_address_contains(&iface->cfg.addresses[i], addr)) {
            return &iface->cfg.addresses[i].addr;
        }
    }
    return NULL;
}

/* Routes. */

static struct pc_l3_iface *
resolve_route(const struct pc_l3 *l3, const struct pc_l3_route *route)
{
    struct pc_l3_iface *iface;

    if (route->type != PC_L3_ROUTE_NEXTHOP) {
        return NULL;
    }
    if (!uuid_is_zero(&route->interface)) {
        return find_iface(l3, &route->interface);
    }
    if (IN6_IS_ADDR_LINKLOCAL(&route->nexthop)) {
        return NULL;
    }
    HMAP_FOR_EACH (iface, node, &l3->ifaces) {
        if (pc_l3_iface_on_link(iface, &route->nexthop)) {
            return iface;
        }
    }
    return NULL;
}

static void
compile_route(struct pc_l3 *l3, struct pc_l3_static_route *route)
{
    struct pc_l3_iface *out = resolve_route(l3, &route->cfg);

    route->out = out ? out->cfg.uuid : UUID_ZERO;
    pc_l3_compile_route(&l3->flows, &route->cfg, out ? &out->cfg : NULL);
}

/* Compiles again the routes that lead, or led, through the interface with row
 * 'uuid'. */
static void
update_routes_of(struct pc_l3 *l3, const struct uuid *uuid)
{
    struct pc_l3_static_route *route;

    HMAP_FOR_EACH (route, node, &l3->routes) {
        struct pc_l3_iface *out = resolve_route(l3, &route->cfg);

        if (uuid_equals(&route->out, uuid)
            || (out && !uuid_equals(&out->cfg.uuid, &route->out))
            || (out && uuid_equals(&out->cfg.uuid, uuid))) {
            compile_route(l3, route);
        }
    }
}

static struct pc_l3_static_route *
find_route(const struct pc_l3 *l3, const struct uuid *uuid)
{
    struct pc_l3_static_route *route;

    HMAP_FOR_EACH_WITH_HASH (route, node, uuid_hash(uuid), &l3->routes) {
        if (uuid_equals(&route->cfg.uuid, uuid)) {
            return route;
        }
    }
    return NULL;
}

/* Adds or changes a static route.  Returns NULL if it works, otherwise what
 * pc_l3_route_error() returns: the route is remembered in any case, and works
 * as soon as its next hop is in the subnet of an interface. */
char *
pc_l3_set_route(struct pc_l3 *l3, const struct pc_l3_route *cfg)
{
    struct pc_l3_static_route *route = find_route(l3, &cfg->uuid);

    if (!route) {
        route = xzalloc(sizeof *route);
        hmap_insert(&l3->routes, &route->node, uuid_hash(&cfg->uuid));
    }
    route->cfg = *cfg;
    compile_route(l3, route);
    return pc_l3_route_error(l3, &cfg->uuid);
}

/* Removes the route with row 'uuid', if there is one. */
void
pc_l3_remove_route(struct pc_l3 *l3, const struct uuid *uuid)
{
    struct pc_l3_static_route *route = find_route(l3, uuid);

    if (route) {
        pc_flow_table_remove_owner(l3->flows.table, uuid);
        hmap_remove(&l3->routes, &route->node);
        free(route);
    }
}

/* Returns why the route with row 'uuid' does not work, to be freed by the
 * caller, or NULL if it does. */
char *
pc_l3_route_error(const struct pc_l3 *l3, const struct uuid *uuid)
{
    struct pc_l3_static_route *route = find_route(l3, uuid);
    char s[INET6_ADDRSTRLEN];

    if (!route) {
        return xstrdup("no such route");
    }
    if (route->cfg.type != PC_L3_ROUTE_NEXTHOP
        || !uuid_is_zero(&route->out)) {
        return NULL;
    }
    ipv6_string_mapped(s, &route->cfg.nexthop);
    return (IN6_IS_ADDR_LINKLOCAL(&route->cfg.nexthop)
            ? xasprintf("next hop %s is link-local: it needs an interface", s)
            : xasprintf("next hop %s is in no interface's subnet", s));
}

/* Interfaces. */

static char * OVS_WARN_UNUSED_RESULT
check_interface(const struct pc_l3 *l3, const struct pc_l3_interface *cfg)
{
    const struct pc_l3_iface *other
        = pc_l3_iface_by_number(l3, pc_l3_interface_number(&cfg->uuid));

    if (other && !uuid_equals(&other->cfg.uuid, &cfg->uuid)) {
        return xstrdup("the row's UUID begins like that of another "
                       "interface: delete and add it again");
    }
    if (eth_addr_is_zero(cfg->mac) || eth_addr_is_multicast(cfg->mac)) {
        return xasprintf(ETH_ADDR_FMT ": not an Ethernet address that an "
                         "interface can have", ETH_ADDR_ARGS(cfg->mac));
    }
    for (size_t i = 0; i < cfg->n_addresses; i++) {
        struct pc_l3_iface *iface;

        HMAP_FOR_EACH (iface, node, &l3->ifaces) {
            if (!uuid_equals(&iface->cfg.uuid, &cfg->uuid)
                && pc_l3_iface_own(iface, &cfg->addresses[i].addr)) {
                char s[INET6_ADDRSTRLEN];

                ipv6_string_mapped(s, &cfg->addresses[i].addr);
                return xasprintf("%s: another interface has this address",
                                 s);
            }
        }
    }
    return NULL;
}

static void
recompile_neighbor(const struct pc_neighbor *n, void *work_)
{
    struct pc_l3_work *work = work_;
    struct pc_l3_iface *iface = pc_l3_iface_by_number(work->l3, n->interface);

    if (iface) {
        pc_l3_compile_neighbor(&work->l3->flows, &iface->cfg, n);
    } else {
        pc_l3_uncompile_neighbor(&work->l3->flows, n);
    }
}

static void
assign_interface(struct pc_l3_iface *iface, const struct pc_l3_interface *cfg)
{
    free(CONST_CAST(struct pc_l3_address *, iface->cfg.addresses));
    iface->cfg = *cfg;
    iface->cfg.addresses = NULL;
    if (cfg->n_addresses) {
        iface->cfg.addresses
            = xmemdup(cfg->addresses,
                      cfg->n_addresses * sizeof *cfg->addresses);
    }
    in6_generate_lla(cfg->mac, &iface->lla);
}

/* Adds or changes an interface; '*cfg' is copied.  Returns NULL, or what is
 * wrong with it, to be freed by the caller; then nothing has changed. */
char *
pc_l3_set_interface(struct pc_l3 *l3, const struct pc_l3_interface *cfg)
{
    struct pc_l3_work work = { l3, 0, NULL };
    struct pc_l3_iface *iface;
    bool mac_changed;
    char *error;

    error = check_interface(l3, cfg);
    if (error) {
        return error;
    }

    iface = find_iface(l3, &cfg->uuid);
    if (iface) {
        mac_changed = !eth_addr_equals(iface->cfg.mac, cfg->mac);
        if (iface->cfg.port != cfg->port) {
            pc_neighbors_remove_learned(l3->neighbors, iface->number, &work);
        }
    } else {
        if (hmap_is_empty(&l3->ifaces)) {
            pc_l3_compile_common(&l3->flows);
        }
        iface = xzalloc(sizeof *iface);
        iface->number = pc_l3_interface_number(&cfg->uuid);
        hmap_insert(&l3->ifaces, &iface->node, iface->number);
        mac_changed = true;
    }
    assign_interface(iface, cfg);
    pc_l3_compile_interface(&l3->flows, &iface->cfg);
    if (mac_changed) {
        /* Static neighbors may have been there before the interface. */
        pc_neighbors_for_each(l3->neighbors, recompile_neighbor, &work);
    }
    update_routes_of(l3, &cfg->uuid);
    return NULL;
}

/* Removes the interface with row 'uuid', if there is one, and what was learned
 * through it.  Static neighbors and routes wait for it to come back. */
void
pc_l3_remove_interface(struct pc_l3 *l3, const struct uuid *uuid)
{
    struct pc_l3_work work = { l3, 0, NULL };
    struct pc_l3_iface *iface = find_iface(l3, uuid);

    if (iface) {
        pc_neighbors_remove_learned(l3->neighbors, iface->number, &work);
        pc_flow_table_remove_owner(l3->flows.table, &iface->cfg.uuid);
        free_iface(l3, iface);
        pc_neighbors_for_each(l3->neighbors, recompile_neighbor, &work);
        update_routes_of(l3, uuid);
        if (hmap_is_empty(&l3->ifaces)) {
            pc_l3_uncompile_common(&l3->flows);
        }
    }
}

/* Neighbors. */

/* Adds or changes a neighbor that needs no resolution.  One owner may have
 * several.  The interface need not be there yet. */
void
pc_l3_set_static_neighbor(struct pc_l3 *l3,
                          const struct pc_l3_static_neighbor *sn)
{
    struct ovs_list outs = OVS_LIST_INITIALIZER(&outs);
    struct pc_l3_work work = { l3, 0, &outs };
    struct pc_l3_packet_out *po;
    struct pc_neighbor_news news = {
        .interface = pc_l3_interface_number(&sn->interface),
        .addr = sn->addr,
        .mac = sn->mac,
        .port = sn->port
    };

    pc_neighbors_set_static(l3->neighbors, &news, &sn->owner, &work);

    /* Packets that waited for it are not worth an argument more. */
    LIST_FOR_EACH_POP (po, list_node, &outs) {
        pc_l3_packet_out_destroy(po);
    }
}

/* Removes all static neighbors of 'owner'. */
void
pc_l3_remove_static_neighbors(struct pc_l3 *l3, const struct uuid *owner)
{
    struct pc_l3_work work = { l3, 0, NULL };

    pc_neighbors_remove_static(l3->neighbors, owner, &work);
}

/* If 'view', an installed flow, is that of a neighbor on one of our
 * interfaces, and its address is not known better, remembers what the flow
 * says, to be verified soon.  Returns true if so.  Any other flow is fine as
 * an argument. */
bool
pc_l3_adopt_neighbor(struct pc_l3 *l3, long long int now,
                     const struct pc_flow_view *view)
{
    struct pc_l3_work work = { l3, now, NULL };
    const struct pc_l3_iface *iface;
    struct pc_neighbor_news news;

    memset(&news, 0, sizeof news);
    if (!pc_l3_decompile_neighbor(&l3->flows, view, &news)) {
        return false;
    }
    iface = pc_l3_iface_by_number(l3, news.interface);
    if (!iface || (iface->cfg.port != OFPP_FLOOD
                   && iface->cfg.port != news.port)
        || !pc_l3_iface_on_link(iface, &news.addr)) {
        return false;
    }
    return pc_neighbors_adopt(l3->neighbors, &news, now, &work);
}

/* Does what is due at 'now', and appends to 'outs' what is to be sent. */
void
pc_l3_run(struct pc_l3 *l3, long long int now, struct ovs_list *outs)
{
    struct pc_l3_work work = { l3, now, outs };

    pc_neighbors_run(l3->neighbors, now, &work);
}

/* Returns when pc_l3_run() has something to do next, or LLONG_MAX if never. */
long long int
pc_l3_next_wakeup(const struct pc_l3 *l3)
{
    return pc_neighbors_next_wakeup(l3->neighbors);
}

/* Returns the counters; they stay 'l3''s. */
const struct pc_l3_counters *
pc_l3_counters(const struct pc_l3 *l3)
{
    return &l3->counters;
}

struct format_aux {
    const struct pc_l3 *l3;
    long long int now;
    struct ds *ds;
};

static void
format_neighbor(const struct pc_neighbor *n, void *aux_)
{
    struct format_aux *aux = aux_;
    struct pc_l3_iface *iface = pc_l3_iface_by_number(aux->l3, n->interface);

    ipv6_format_mapped(&n->addr, aux->ds);
    if (pc_neighbor_mac_known(n)) {
        ds_put_format(aux->ds, " "ETH_ADDR_FMT" port %"PRIu32,
                      ETH_ADDR_ARGS(n->mac), n->port);
    }
    ds_put_format(aux->ds, " interface %08"PRIx32"%s %s", n->interface,
                  iface ? "" : " (absent)",
                  pc_neighbor_state_name(n->state));
    if (n->state != PC_NEIGHBOR_STATIC) {
        ds_put_format(aux->ds, " %lld s", (n->deadline - aux->now) / 1000);
    }
    ds_put_char(aux->ds, '\n');
}

/* Appends the neighbors to 'ds', one a line: address, Ethernet address, port,
 * beginning of the interface's UUID, state, time to the next step. */
void
pc_l3_format_neighbors(const struct pc_l3 *l3, long long int now,
                       struct ds *ds)
{
    struct format_aux aux = { l3, now, ds };

    pc_neighbors_for_each(l3->neighbors, format_neighbor, &aux);
}
