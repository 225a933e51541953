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
#include "pc-engine-private.h"

#include <string.h>

#include "util.h"
#include "uuid.h"

/* What may go elsewhere. */

static bool
is_less_loaded(const struct pe_node *a, const struct pe_node *b)
{
    if (a->load != b->load) {
        return a->load < b->load;
    }
    int order = strcmp(a->name, b->name);
    return (order ? order
            : uuid_compare_3way(&a->n.uuid, &b->n.uuid)) < 0;
}

bool
pc_engine_least_loaded(struct pc_engine *e,
                       const struct pc_engine_request *request,
                       struct uuid *uuid)
{
    const struct pe_cloudlet *cloudlet = pe_cloudlet_find(e,
                                                          &request->cloudlet);
    struct pe_reservation *own = pe_reservation_find(e, &request->uuid);
    const struct pe_node *best = NULL;

    if (!cloudlet || !cloudlet->c.usable) {
        return false;
    }
    for (size_t i = 0; i < cloudlet->n_ranks; i++) {
        struct pe_node *node = cloudlet->ranks[i].node;

        if (node->n.usable && !pe_refused(request, node)
            && (!best || is_less_loaded(node, best))
            && pe_node_fits(node, request, own)) {
            best = node;
        }
    }
    if (best) {
        *uuid = best->n.uuid;
    }
    return best != NULL;
}

bool
pc_engine_misfit(struct pc_engine *e, const struct pc_engine_request *request,
                 const struct uuid *uuid, struct pc_profile_misfit *misfit)
{
    struct pe_node *node = pe_node_find(e, uuid);
    struct pe_reservation *hidden
        = pe_hide_own(pe_reservation_find(e, &request->uuid), node);
    bool bad = (pc_profile_misfit(node->all, &node->n.total, request->slots,
                                  request->n_slots, misfit)
                || (!request->isp && node->third
                    && pc_profile_misfit(node->third, &node->third_limit,
                                         request->slots, request->n_slots,
                                         misfit)));

    pe_unhide_own(hidden);
    return bad;
}

bool
pc_engine_fits_without(struct pc_engine *e,
                       const struct pc_engine_request *request,
                       const struct uuid *uuid, const struct uuid *other)
{
    struct pe_node *node = pe_node_find(e, uuid);
    struct pe_reservation *own
        = pe_hide_own(pe_reservation_find(e, &request->uuid), node);
    struct pe_reservation *hidden
        = pe_hide_own(pe_reservation_find(e, other), node);
    bool fits = pe_fits_beside(node, request);

    pe_unhide_own(hidden);
    pe_unhide_own(own);
    return fits;
}

struct uuid *
pc_engine_reservations(const struct pc_engine *e, const struct uuid *uuid,
                       size_t *n)
{
    const struct pe_node *node = pe_node_find(e, uuid);
    const struct pe_reservation *r;
    size_t allocated = node ? ovs_list_size(&node->reservations) : 0;
    struct uuid *uuids = xmalloc(MAX(allocated, 1) * sizeof *uuids);

    *n = 0;
    if (node) {
        LIST_FOR_EACH (r, node_node, &node->reservations) {
            uuids[(*n)++] = r->uuid;
        }
    }
    return uuids;
}
