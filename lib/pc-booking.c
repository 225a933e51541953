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
#include "pc-booking.h"

#include <stdlib.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "packets.h"
#include "pc-report.h"
#include "pc-request.h"
#include "pc-reread.h"
#include "pc-tariff-row.h"
#include "pc-topology.h"
#include "sset.h"
#include "util.h"
#include "uuidset.h"
#include "lib/pc-idl.h"

VLOG_DEFINE_THIS_MODULE(pc_booking);

struct pc_booking {
    struct ovsdb_idl *idl;
    bool track;
    bool loaded;                /* All rows are in. */
    struct uuidset silent;      /* Cloudlets. */
    struct pc_topology *topology;
    struct pc_engine *engine;
};

/* Columns that a booking is made from. */
static const struct ovsdb_idl_column *const columns[] = {
    &pcrec_packetcloud_col_tariff,
    &pcrec_tariff_col_name, &pcrec_tariff_col_price,
    &pcrec_tariff_col_tiers, &pcrec_tariff_col_fine,
    &pcrec_tariff_col_isp_percent, &pcrec_tariff_col_used,
    &pcrec_pop_col_name, &pcrec_pop_col_prefixes, &pcrec_pop_col_links,
    &pcrec_cloudlet_col_name, &pcrec_cloudlet_col_nodes,
    &pcrec_cloudlet_col_pop, &pcrec_cloudlet_col_tariff,
    &pcrec_cloudlet_col_options,
    &pcrec_node_col_name, &pcrec_node_col_capacity, &pcrec_node_col_found,
    &pcrec_node_col_isp_share, &pcrec_node_col_state,
    &pcrec_provider_col_name, &pcrec_provider_col_isp,
    &pcrec_reservation_col_name, &pcrec_reservation_col_provider,
    &pcrec_reservation_col_cloudlet, &pcrec_reservation_col_source,
    &pcrec_reservation_col_state, &pcrec_reservation_col_slots,
    &pcrec_reservation_col_proposed, &pcrec_reservation_col_node,
    &pcrec_reservation_col_proposed_node, &pcrec_reservation_col_refused,
};

void
pc_booking_register(struct ovsdb_idl *idl, bool track)
{
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(idl, columns[i]);
        if (track) {
            ovsdb_idl_track_add_column(idl, columns[i]);
        }
    }
}

struct pc_booking *
pc_booking_create(struct ovsdb_idl *idl, bool track)
{
    struct pc_booking *b = xzalloc(sizeof *b);

    b->idl = idl;
    b->track = track;
    uuidset_init(&b->silent);
    b->topology = pc_topology_create();
    b->engine = pc_engine_create(b->topology);
    return b;
}

void
pc_booking_destroy(struct pc_booking *b)
{
    if (b) {
        pc_engine_destroy(b->engine);
        pc_topology_destroy(b->topology);
        uuidset_destroy(&b->silent);
        free(b);
    }
}

struct pc_engine *
pc_booking_engine(struct pc_booking *b)
{
    return b->engine;
}

/* The network.  Whenever some of it changes, which is rare, all is loaded again. */

/* Parses "ADDRESS" or, if 'plen' is nonnull, "ADDRESS/LENGTH". */
static bool
parse_address(const char *s, struct in6_addr *addr, unsigned int *plen)
{
    unsigned int n = 0;
    ovs_be32 ip;
    char *error;

    if (!plen) {
        if (ip_parse(s, &ip)) {
            in6_addr_set_mapped_ipv4(addr, ip);
            return true;
        }
        return ipv6_parse(s, addr);
    }
    error = ip_parse_cidr(s, &ip, &n);
    if (!error) {
        in6_addr_set_mapped_ipv4(addr, ip);
        *plen = n + 96;
        return true;
    }
    free(error);
    error = ipv6_parse_cidr(s, addr, plen);
    free(error);
    return !error;
}

static void
take_pop_links(struct pc_booking *b, const struct pcrec_pop *pop)
{
    for (size_t i = 0; i < pop->n_links; i++) {
        const struct pcrec_pop *other = pop->key_links[i];
        int64_t cost = pop->value_links[i];

        /* Either end may have it: the cheapest counts. */
        for (size_t j = 0; j < other->n_links; j++) {
            if (other->key_links[j] == pop) {
                cost = MIN(cost, other->value_links[j]);
            }
        }
        if (other != pop) {
            pc_topology_set_link(b->topology, &pop->header_.uuid,
                                 &other->header_.uuid, cost);
        }
    }
}

static void
take_topology(struct pc_booking *b)
{
    const struct pcrec_pop *pop;

    PCREC_POP_FOR_EACH (pop, b->idl) {
        pc_topology_add_pop(b->topology, &pop->header_.uuid);
    }
    PCREC_POP_FOR_EACH (pop, b->idl) {
        struct in6_addr addr;
        unsigned int plen;

        take_pop_links(b, pop);
        for (size_t i = 0; i < pop->n_prefixes; i++) {
            if (parse_address(pop->prefixes[i], &addr, &plen)) {
                pc_topology_set_prefix(b->topology, &addr, plen,
                                       &pop->header_.uuid);
            }
        }
    }
}

/* Cloudlets and nodes. */

static void
take_cloudlet(struct pc_booking *b, const struct pcrec_cloudlet *row)
{
    struct pc_engine_cloudlet c = {
        .uuid = row->header_.uuid,
        .name = row->name,
        .pop = row->pop ? row->pop->header_.uuid : UUID_ZERO,
        .usable = !uuidset_contains(&b->silent, &row->header_.uuid),
    };
    const char *policy = smap_get(&row->options, "policy");

    if (!policy || !pc_engine_policy_parse(policy, &c.policy)) {
        c.policy = PC_POLICY_LEAST_LOADED;
    }
    pc_engine_set_cloudlet(b->engine, &c);
    for (size_t i = 0; i < row->n_nodes; i++) {
        const struct pcrec_node *node = row->nodes[i];
        struct pc_engine_node n = {
            .uuid = node->header_.uuid,
            .name = node->name,
            .cloudlet = row->header_.uuid,
            .isp_share = node->isp_share,
            .usable = pc_report_node_is_usable(node),
        };

        pc_report_node_total(node, &n.total);
        pc_engine_set_node(b->engine, &n);
    }
}

void
pc_booking_set_silent(struct pc_booking *b, const struct pcrec_cloudlet *row,
                      bool silent)
{
    if (silent) {
        uuidset_insert(&b->silent, &row->header_.uuid);
    } else {
        uuidset_find_and_delete(&b->silent, &row->header_.uuid);
    }
    take_cloudlet(b, row);
}

bool
pc_booking_is_usable(const struct pc_booking *b,
                     const struct pcrec_node *node)
{
    const struct pcrec_cloudlet *cloudlet;

    PCREC_CLOUDLET_FOR_EACH (cloudlet, b->idl) {
        for (size_t i = 0; i < cloudlet->n_nodes; i++) {
            if (cloudlet->nodes[i] == node) {
                return (pc_report_node_is_usable(node)
                        && !uuidset_contains(&b->silent,
                                             &cloudlet->header_.uuid));
            }
        }
    }
    return false;
}

/* Reservations. */

static bool
holds_capacity(const struct pcrec_reservation *r)
{
    return r->node && (!strcmp(r->state, "pending")
                       || !strcmp(r->state, "confirmed")
                       || !strcmp(r->state, "active"));
}

struct uuid
pc_booking_leaving(const struct uuid *uuid)
{
    struct uuid leaving = *uuid;

    leaving.parts[3] ^= UINT32_MAX;
    return leaving;
}

static void
forget_reservation(struct pc_booking *b, const struct uuid *uuid)
{
    struct uuid leaving = pc_booking_leaving(uuid);

    pc_engine_remove(b->engine, uuid);
    pc_engine_remove(b->engine, &leaving);
}

/* 'r', whose slots these are, holds them still on the node that it leaves, if it
 * does. */
static void
refresh_leaving(struct pc_booking *b, const struct pcrec_reservation *r,
                const struct pc_slot *slots, size_t n)
{
    struct pc_engine_request req = {
        .uuid = pc_booking_leaving(&r->header_.uuid),
        .isp = r->provider->isp,
        .slots = slots,
        .n_slots = n,
    };

    if (r->proposed_node && n) {
        pc_engine_insert(b->engine, &req, &r->node->header_.uuid);
    } else {
        pc_engine_remove(b->engine, &req.uuid);
    }
}

void
pc_booking_refresh(struct pc_booking *b, const struct pcrec_reservation *r)
{
    const struct pcrec_node *node = (r->proposed_node ? r->proposed_node
                                     : r->node);
    struct pc_slot *slots, *proposed = NULL;
    size_t n, n_proposed = 0;

    if (!holds_capacity(r)) {
        forget_reservation(b, &r->header_.uuid);
        return;
    }
    char *error = pc_request_parse_slots(r->slots, r->n_slots, &slots, &n);
    if (!error) {
        error = pc_request_parse_slots(r->proposed, r->n_proposed, &proposed,
                                       &n_proposed);
    }
    if (error) {
        VLOG_WARN("reservation %s: %s", r->name, error);
        free(error);
    } else if (n || n_proposed) {
        size_t n_max;
        struct pc_slot *max = pc_slots_max(slots, n, proposed, n_proposed,
                                             &n_max);
        struct pc_engine_request req;

        pc_booking_request(b, r, max, n_max, &req);
        pc_engine_insert(b->engine, &req, &node->header_.uuid);
        refresh_leaving(b, r, slots, n);
        free(CONST_CAST(struct uuid *, req.refused));
        free(max);
    }
    free(slots);
    free(proposed);
}

bool
pc_booking_find_pop(const struct pc_booking *b, const char *address,
                    struct uuid *pop)
{
    struct in6_addr addr;

    return (parse_address(address, &addr, NULL)
            && pc_topology_find(b->topology, &addr, pop));
}

void
pc_booking_request(const struct pc_booking *b,
                   const struct pcrec_reservation *r,
                   const struct pc_slot *slots, size_t n_slots,
                   struct pc_engine_request *req)
{
    struct uuid *refused = xmalloc(MAX(r->n_refused, 1) * sizeof *refused);

    for (size_t i = 0; i < r->n_refused; i++) {
        refused[i] = r->refused[i]->header_.uuid;
    }
    *req = (struct pc_engine_request) {
        .uuid = r->header_.uuid,
        .provider = r->provider->header_.uuid,
        .isp = r->provider->isp,
        .slots = slots,
        .n_slots = n_slots,
        .cloudlet = r->cloudlet ? r->cloudlet->header_.uuid : UUID_ZERO,
        .refused = refused,
        .n_refused = r->n_refused,
    };
    if (r->source[0]) {
        pc_booking_find_pop(b, r->source, &req->pop);
    }
}

/* Following the database. */

static void
pc_booking_load(struct pc_booking *b)
{
    const struct pcrec_reservation *r;
    const struct pcrec_cloudlet *cloudlet;

    pc_engine_destroy(b->engine);
    pc_topology_destroy(b->topology);
    b->topology = pc_topology_create();
    b->engine = pc_engine_create(b->topology);
    take_topology(b);
    PCREC_CLOUDLET_FOR_EACH (cloudlet, b->idl) {
        take_cloudlet(b, cloudlet);
    }
    PCREC_RESERVATION_FOR_EACH (r, b->idl) {
        pc_booking_refresh(b, r);
    }
    b->loaded = true;
}

/* Takes in the cloudlets and nodes that have changed.  Returns false if one has
 * gone, which takes reservations along that may still be there. */
static bool
track_places(struct pc_booking *b)
{
    const struct pcrec_cloudlet *cloudlet;
    const struct pcrec_node *node;

    PCREC_NODE_FOR_EACH_TRACKED (node, b->idl) {
        if (pcrec_node_is_deleted(node)) {
            return false;
        }
    }
    /* A change of a node is one of its cloudlet, which refers to it. */
    PCREC_CLOUDLET_FOR_EACH_TRACKED (cloudlet, b->idl) {
        if (pcrec_cloudlet_is_deleted(cloudlet)) {
            return false;
        }
        take_cloudlet(b, cloudlet);
    }
    return true;
}

void
pc_booking_run(struct pc_booking *b)
{
    const struct pcrec_reservation *r;

    if (!ovsdb_idl_has_ever_connected(b->idl)) {
        return;
    }
    if (!b->track || !b->loaded || pc_reread(b->idl)) {
        pc_booking_load(b);
        return;
    }
    if (pcrec_pop_track_get_first(b->idl) || !track_places(b)) {
        pc_booking_load(b);
        return;
    }
    PCREC_RESERVATION_FOR_EACH_TRACKED (r, b->idl) {
        if (pcrec_reservation_is_deleted(r)) {
            forget_reservation(b, &r->header_.uuid);
        } else {
            pc_booking_refresh(b, r);
        }
    }
}

/* Prices. */

int64_t
pc_booking_price(struct pc_booking *b, const struct pcrec_cloudlet *cloudlet,
                 const struct pc_engine_request *req,
                 struct pc_tariff *tariff)
{
    const struct pcrec_packetcloud *pc = pcrec_packetcloud_first(b->idl);
    struct pc_amount total;

    pc_tariff_from_row(pc_tariff_row_of(pc, cloudlet), tariff);
    pc_engine_cloudlet_total(b->engine, &cloudlet->header_.uuid, &total);

    struct pc_tariff_party party = {
        .isp = req->isp,
        .total = &total,
        .held = pc_engine_provider_profile(b->engine,
                                           &cloudlet->header_.uuid,
                                           &req->provider),
    };
    return pc_tariff_price(tariff, &party, req->slots, req->n_slots);
}
