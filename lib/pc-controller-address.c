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

#include "packets.h"
#include "pc-address.h"
#include "pc-controller-private.h"
#include "pc-l3.h"
#include "util.h"

/* Addresses of VIs: those that the service names, otherwise the lowest free
 * ones in the subnets of the router's interface for VIs. */

/* Returns the Ethernet address of VI 'number', as text that the caller must
 * free: locally administered, unicast, and different in each cloudlet. */
char *
pc_ctl_vi_mac(const struct pc_controller *c, uint16_t number)
{
    /* The lowest bit tells the VI's two ports apart: pc_vi_mac(). */
    uint32_t low = number << 1;

    return xasprintf("0a:9c:%02x:%02x:%02x:%02x",
                     c->cloudlet.parts[0] & 0xff,
                     low >> 16, (low >> 8) & 0xff, low & 0xff);
}

/* Frees what 'a' contains. */
void
pc_ctl_addresses_destroy(struct pc_ctl_addresses *a)
{
    sset_destroy(&a->addresses);
    sset_destroy(&a->gateways);
}

static bool
pc_ctl_is_v4(const struct in6_addr *addr)
{
    return IN6_IS_ADDR_V4MAPPED(addr);
}

static char *
pc_ctl_format_address(const struct in6_addr *addr)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ipv6_format_mapped(addr, &s);
    return ds_steal_cstr(&s);
}

static void
pc_ctl_add_prefix(struct sset *set, const struct in6_addr *addr, int plen)
{
    char *text = pc_ctl_format_address(addr);

    sset_add_and_free(set, xasprintf("%s/%d", text, plen));
    free(text);
}

/* Parses 's', with or without "/PLEN". */
static bool
pc_ctl_parse(const char *s, struct pc_l3_address *a, bool *has_plen)
{
    *has_plen = strchr(s, '/') != NULL;
    char *text = (*has_plen ? xstrdup(s)
                  : xasprintf("%s/%d", s, strchr(s, ':') ? 128 : 32));
    char *error = pc_l3_parse_address(text, a);
    bool ok = !error;

    free(error);
    free(text);
    return ok;
}

/* The router's addresses in the subnets of VIs, each once. */
static size_t
pc_ctl_subnets(const struct pc_controller *c, struct pc_l3_address **subnetsp)
{
    struct pc_l3_address *subnets = NULL;
    size_t n = 0, allocated = 0;
    const struct pc_ctl_part *part;

    HMAP_FOR_EACH (part, by_uuid, &c->parts) {
        const struct pcrec_interface *row
            = (part->is_route ? NULL
               : pcrec_interface_get_for_uuid(c->idl, &part->uuid));

        for (size_t i = 0; row && !row->port[0] && i < row->n_addresses;
             i++) {
            bool has_plen;
            if (n >= allocated) {
                subnets = x2nrealloc(subnets, &allocated, sizeof *subnets);
            }
            n += pc_ctl_parse(row->addresses[i], &subnets[n], &has_plen);
        }
    }
    *subnetsp = subnets;
    return n;
}

/* All addresses, without prefix lengths, that VIs or the router have, and
 * those just given in this transaction. */
static void
pc_ctl_used_addresses(const struct pc_controller *c, struct sset *used)
{
    const struct pcrec_interface *iface;
    const struct pcrec_vi *vi;

    PCREC_VI_FOR_EACH (vi, c->idl) {
        for (size_t i = 0; i < vi->n_addresses; i++) {
            char *s = xstrdup(vi->addresses[i]);
            s[strcspn(s, "/")] = '\0';
            sset_add_and_free(used, s);
        }
    }
    PCREC_INTERFACE_FOR_EACH (iface, c->idl) {
        for (size_t i = 0; i < iface->n_addresses; i++) {
            char *s = xstrdup(iface->addresses[i]);
            s[strcspn(s, "/")] = '\0';
            sset_add_and_free(used, s);
        }
    }
}

/* The subnet of 'addr' among 'subnets', NULL if it is in none. */
static const struct pc_l3_address *
pc_ctl_find_subnet(const struct pc_l3_address *subnets, size_t n,
                   const struct in6_addr *addr)
{
    for (size_t i = 0; i < n; i++) {
        int plen = subnets[i].plen + (pc_ctl_is_v4(&subnets[i].addr) ? 96 : 0);
        struct in6_addr mask = ipv6_create_mask(plen);
        struct in6_addr a = ipv6_addr_bitand(&subnets[i].addr, &mask);
        struct in6_addr b = ipv6_addr_bitand(addr, &mask);
        if (ipv6_addr_equals(&a, &b)) {
            return &subnets[i];
        }
    }
    return NULL;
}

static void
pc_ctl_add_gateway(struct sset *gateways, const struct pc_l3_address *subnet)
{
    sset_add_and_free(gateways, pc_ctl_format_address(&subnet->addr));
}

/* Takes the first address of each family in 'row' that no VI has.  Returns NULL,
 * or an error if nothing tells the prefix length of one. */
static char * OVS_WARN_UNUSED_RESULT
pc_ctl_take_named(const struct pcrec_service *row, const struct sset *used,
                  const struct pc_l3_address *subnets, size_t n_subnets,
                  struct pc_ctl_addresses *a)
{
    bool have[2] = { false, false };

    for (size_t i = 0; i < row->n_addresses; i++) {
        struct pc_l3_address addr;
        bool has_plen;

        if (!pc_ctl_parse(row->addresses[i], &addr, &has_plen)) {
            continue;
        }
        bool v4 = pc_ctl_is_v4(&addr.addr);
        char *text = pc_ctl_format_address(&addr.addr);
        bool is_free = !sset_contains(used, text);
        free(text);
        if (have[v4] || !is_free) {
            continue;
        }
        have[v4] = true;
        const struct pc_l3_address *subnet
            = pc_ctl_find_subnet(subnets, n_subnets, &addr.addr);
        if (!subnet && !has_plen) {
            return xasprintf("address %s is in no subnet of the VIs: give it a "
                             "prefix length, and gateway=", row->addresses[i]);
        }
        pc_ctl_add_prefix(&a->addresses, &addr.addr,
                          (subnet && !has_plen ? subnet->plen : addr.plen));
        if (subnet && !row->n_gateways) {
            pc_ctl_add_gateway(&a->gateways, subnet);
        }
    }
    return NULL;
}

static void
pc_ctl_take_free(const struct pc_l3_address *subnets, size_t n_subnets,
                 const struct sset *used, bool gateways,
                 struct pc_ctl_addresses *a)
{
    bool have[2] = { false, false };

    for (size_t i = 0; i < n_subnets; i++) {
        bool v4 = pc_ctl_is_v4(&subnets[i].addr);
        char *host = pc_ctl_format_address(&subnets[i].addr);
        char *subnet = xasprintf("%s/%d", host, subnets[i].plen);
        char *address = NULL;
        char *error = (have[v4] ? NULL
                       : pc_address_allocate(subnet, used, &address));

        if (address) {
            have[v4] = true;
            sset_add_and_free(&a->addresses, address);
            if (gateways) {
                pc_ctl_add_gateway(&a->gateways, &subnets[i]);
            }
        }
        free(error);            /* Full, perhaps: the next subnet. */
        free(subnet);
        free(host);
    }
}

/* Chooses addresses and gateways for one more VI of 'svc', into '*a', which
 * the caller must destroy.  Returns NULL, or why there are none; then '*a'
 * need not be destroyed. */
char *
pc_ctl_allocate(struct pc_controller *c, const struct pc_ctl_service *svc,
                const struct pcrec_service *row, struct pc_ctl_addresses *a)
{
    sset_init(&a->addresses);
    sset_init(&a->gateways);
    if (svc->s.mode == PC_MODE_INLINE || svc->s.mode == PC_MODE_TAP) {
        return NULL;            /* Not addressed. */
    }

    struct sset used = SSET_INITIALIZER(&used);
    struct pc_l3_address *subnets;
    size_t n_subnets = pc_ctl_subnets(c, &subnets);

    pc_ctl_used_addresses(c, &used);
    for (size_t i = 0; i < row->n_gateways; i++) {
        sset_add(&a->gateways, row->gateways[i]);
        sset_add(&used, row->gateways[i]);
    }
    char *error = NULL;
    if (row->n_addresses) {
        error = pc_ctl_take_named(row, &used, subnets, n_subnets, a);
    } else {
        pc_ctl_take_free(subnets, n_subnets, &used, !row->n_gateways, a);
    }
    sset_destroy(&used);
    free(subnets);
    if (!error && svc->s.mode == PC_MODE_ROUTE
        && !sset_is_empty(&a->addresses) && sset_is_empty(&a->gateways)) {
        error = xstrdup("no gateway: give the service one (gateway=) to which "
                        "its VIs send what they return");
    }
    if (!error && !sset_is_empty(&a->addresses)) {
        return NULL;
    }
    pc_ctl_addresses_destroy(a);
    return (error ? error
            : row->n_addresses
            ? xasprintf("all of the service's addresses are taken")
            : n_subnets
            ? xasprintf("no address is free in the subnet of the VIs")
            : xasprintf("no address: give the service one (address=, "
                        "gateway=), or the router an interface for VIs "
                        "(interface-add without port)"));
}
