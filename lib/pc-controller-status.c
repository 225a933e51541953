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
#include "pc-controller-private.h"
#include "pc-flow-table.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

/* Errors and status, written back to the database.  Only what differs from the
 * row is written, so that a call without news costs nothing. */

/* Time for packets to come out of a VI that is sent no more, in ms. */
#define RELEASE_MS 200

/* Rules written in one transaction: a large one blocks the main loop. */
#define MAX_RULES_WRITTEN 1000

static const char *
pc_ctl_nonnull(const char *s)
{
    return s ? s : "";
}

/* Writes the status of 'part': its error, and the Ethernet address that an
 * interface has.  Returns true if the row says all that already. */
static bool
pc_ctl_write_part(struct pc_controller *c, const struct pc_ctl_part *part)
{
    const struct pcrec_interface *iface
        = pcrec_interface_get_for_uuid(c->idl, &part->uuid);
    const struct pcrec_route *route
        = pcrec_route_get_for_uuid(c->idl, &part->uuid);
    const struct smap *old = (iface ? &iface->status
                              : route ? &route->status : NULL);
    char mac[ETH_ADDR_STRLEN + 1];
    bool same = true;

    if (!old) {
        return true;
    }
    snprintf(mac, sizeof mac, ETH_ADDR_FMT, ETH_ADDR_ARGS(part->mac));
    if (iface && !eth_addr_is_zero(part->mac)
        && strcmp(smap_get_def(old, "mac", ""), mac)) {
        pcrec_interface_update_status_setkey(iface, "mac", mac);
        same = false;
    }
    if (strcmp(smap_get_def(old, "error", ""), pc_ctl_nonnull(part->error))) {
        if (iface && part->error) {
            pcrec_interface_update_status_setkey(iface, "error", part->error);
        } else if (iface) {
            pcrec_interface_update_status_delkey(iface, "error");
        } else if (part->error) {
            pcrec_route_update_status_setkey(route, "error", part->error);
        } else {
            pcrec_route_update_status_delkey(route, "error");
        }
        same = false;
    }
    return same;
}

static void
pc_ctl_write_chains(struct pc_controller *c)
{
    struct hmapx_node *node;

    HMAPX_FOR_EACH_SAFE (node, &c->bad_chains) {
        const struct pc_ctl_chain *chain = node->data;
        const struct pcrec_chain *row
            = pcrec_chain_get_for_uuid(c->idl, &chain->path.uuid);
        const char *error = (chain->error ? chain->error
                             : pc_ctl_nonnull(chain->switch_error));

        if (row && strcmp(row->error, error)) {
            pcrec_chain_set_error(row, error);
        } else {
            hmapx_delete(&c->bad_chains, node);
        }
    }
}

/* Writes the errors of rules, services, chains, interfaces and routes.  Must
 * only be called in a transaction.  Returns false if that was not all: there
 * are many. */
bool
pc_ctl_write_errors(struct pc_controller *c)
{
    struct hmapx_node *node;
    int n = 0;

    HMAPX_FOR_EACH_SAFE (node, &c->bad_rules) {
        const struct pc_ctl_rule *rule = node->data;
        const struct pcrec_rule *row
            = pcrec_rule_get_for_uuid(c->idl, &rule->uuid);

        bool same = !row || pc_ctl_overlap_write(rule, row);
        if (row && strcmp(row->error, pc_ctl_nonnull(rule->error))) {
            pcrec_rule_set_error(row, pc_ctl_nonnull(rule->error));
            same = false;
        }
        if (same) {
            hmapx_delete(&c->bad_rules, node);
        } else if (++n >= MAX_RULES_WRITTEN) {
            return false;
        }
    }
    hmap_shrink(&c->bad_rules.map);     /* Or each turn walks the buckets. */
    HMAPX_FOR_EACH_SAFE (node, &c->bad_services) {
        const struct pc_ctl_service *svc = node->data;
        const struct pcrec_service *row
            = pcrec_service_get_for_uuid(c->idl, &svc->s.uuid);
        const char *error = (svc->place_error ? svc->place_error
                             : pc_ctl_nonnull(svc->switch_error));

        if (row && strcmp(row->error, error)) {
            pcrec_service_set_error(row, error);
        } else {
            hmapx_delete(&c->bad_services, node);
        }
    }
    pc_ctl_write_chains(c);
    HMAPX_FOR_EACH_SAFE (node, &c->bad_parts) {
        if (pc_ctl_write_part(c, node->data)) {
            hmapx_delete(&c->bad_parts, node);
        }
    }
    return true;
}

static void
pc_ctl_router_smap(const struct pc_ctl_router *r, struct smap *status)
{
    smap_add(status, "state", (pc_switch_is_ready(r->sw)
                               ? (r->synced ? "in sync" : "reading")
                               : pc_switch_state(r->sw)));
    if (pc_switch_is_ready(r->sw)) {
        smap_add(status, "openflow", pc_switch_version(r->sw));
        smap_add(status, "bundles",
                 pc_switch_has_bundles(r->sw) ? "true" : "false");
        smap_add(status, "meters", r->meters ? "true" : "false");
        smap_add(status, "selection", r->selection ? "true" : "false");
        if (r->missing) {
            smap_add(status, "missing", r->missing);
        }
        smap_add(status, "sampling", r->sampling ? "true" : "false");
    }
}

static void
pc_ctl_write_router(struct pc_controller *c, struct pc_ctl_router *r,
                    const struct pcrec_router *row)
{
    bool connected = pc_switch_is_ready(r->sw);
    char *dpid = xasprintf("%016"PRIx64, pc_switch_datapath_id(r->sw));
    char *error = (connected && r->unfit
                   ? xasprintf("%s has %s", r->target, r->missing)
                   : connected || !pc_switch_failed(r->sw)
                   ? xstrdup(r->error)
                   : xasprintf("cannot connect to %s: %s", r->target,
                               pc_switch_last_error(r->sw)));

    if (row->connected != connected) {
        pcrec_router_set_connected(row, connected);
    }
    if (connected && strcmp(row->datapath_id, dpid)) {
        pcrec_router_set_datapath_id(row, dpid);
    }
    if (strcmp(row->error, error)) {
        pcrec_router_set_error(row, error);
    }
    struct smap status = SMAP_INITIALIZER(&status);
    pc_ctl_router_smap(r, &status);
    if (!smap_equal(&row->status, &status)) {
        pcrec_router_set_status(row, &status);
    }
    smap_destroy(&status);

    /* Acknowledgement: what the switch has confirmed, as far as the nodes have
     * seen the last VI rows that we made. */
    int64_t cfg = MIN(r->done.cfg, r->done.node_cfg);
    if (connected && r->synced && r->done.cfg >= 0
        && r->done.node_cfg >= c->hold_cfg && row->cur_cfg != cfg) {
        pcrec_router_set_cur_cfg(row, cfg);
    }
    free(error);
    free(dpid);
}

/* Is 'vi' to be stopped, and does nothing lead to it any more?  What it was
 * sent before gets the time to come out. */
bool
pc_ctl_vi_is_released(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    long long int now = time_msec();

    if (!vi->down || !pc_ctl_all_done(c, vi->down_generation)) {
        vi->release_at = 0;
        return false;
    }
    if (!vi->release_at) {
        vi->release_at = now + RELEASE_MS;
    }
    if (now < vi->release_at) {
        c->release_at = vi->release_at;
        return false;
    }
    return true;
}

/* Tells the nodes which VIs nothing leads to any more: those that are to be
 * stopped.  Must only be called in a transaction. */
void
pc_ctl_write_released(struct pc_controller *c)
{
    struct pc_ctl_vi *vi;

    c->release_at = 0;
    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        const struct pcrec_vi *row
            = pcrec_vi_get_for_uuid(c->idl, &vi->vi.uuid);

        if (row && !vi->leaving) {
            bool released = pc_ctl_vi_is_released(c, vi);

            if (row->released != released) {
                pcrec_vi_set_released(row, released);
            }
        }
    }
}

/* Writes the status of the routers.  Must only be called in a transaction. */
void
pc_ctl_write_status(struct pc_controller *c)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        const struct pcrec_router *row
            = pcrec_router_get_for_uuid(c->idl, &r->uuid);
        if (row) {
            pc_ctl_write_router(c, r, row);
        }
    }
}
