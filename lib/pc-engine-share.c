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

#include <stdlib.h>

#include "util.h"
#include "uuid.h"

static struct pe_share *
share_find(const struct pe_cloudlet *cloudlet, const struct uuid *provider)
{
    struct pe_share *share;

    HMAP_FOR_EACH_WITH_HASH (share, node, uuid_hash(provider),
                             &cloudlet->shares) {
        if (uuid_equals(&share->provider, provider)) {
            return share;
        }
    }
    return NULL;
}

struct pe_share *
pe_share_get(struct pe_cloudlet *cloudlet, const struct uuid *provider)
{
    struct pe_share *share = share_find(cloudlet, provider);

    if (!share) {
        share = xzalloc(sizeof *share);
        share->provider = *provider;
        share->cloudlet = cloudlet;
        ovs_list_init(&share->reservations);
        hmap_insert(&cloudlet->shares, &share->node, uuid_hash(provider));
    }
    return share;
}

void
pe_share_join(struct pe_reservation *r, struct pe_share *share)
{
    struct pe_cloudlet *cloudlet = share->cloudlet;

    r->share = share;
    ovs_list_push_back(&share->reservations, &r->share_node);
    if (share->profile) {
        pc_profile_add(share->profile, r->slots, r->n_slots);
    }
    if (cloudlet->profile) {
        pc_profile_add(cloudlet->profile, r->slots, r->n_slots);
    }
}

void
pe_share_leave(struct pe_reservation *r)
{
    struct pe_share *share = r->share;
    struct pe_cloudlet *cloudlet = share->cloudlet;

    if (cloudlet->profile) {
        pc_profile_remove(cloudlet->profile, r->slots, r->n_slots);
    }
    if (share->profile) {
        pc_profile_remove(share->profile, r->slots, r->n_slots);
    }
    ovs_list_remove(&r->share_node);
    r->share = NULL;
    if (ovs_list_is_empty(&share->reservations)) {
        hmap_remove(&cloudlet->shares, &share->node);
        pc_profile_destroy(share->profile);
        free(share);
    }
}

static void
add_share(struct pc_profile *profile, const struct pe_share *share)
{
    const struct pe_reservation *r;

    LIST_FOR_EACH (r, share_node, &share->reservations) {
        pc_profile_add(profile, r->slots, r->n_slots);
    }
}

const struct pc_profile *
pc_engine_cloudlet_profile(const struct pc_engine *e, const struct uuid *uuid)
{
    struct pe_cloudlet *cloudlet = pe_cloudlet_find(e, uuid);

    if (cloudlet && !cloudlet->profile) {
        const struct pe_share *share;

        cloudlet->profile = pc_profile_create();
        HMAP_FOR_EACH (share, node, &cloudlet->shares) {
            add_share(cloudlet->profile, share);
        }
    }
    return cloudlet ? cloudlet->profile : NULL;
}

const struct pc_profile *
pc_engine_provider_profile(const struct pc_engine *e, const struct uuid *uuid,
                           const struct uuid *provider)
{
    const struct pe_cloudlet *cloudlet = pe_cloudlet_find(e, uuid);
    struct pe_share *share = cloudlet ? share_find(cloudlet, provider) : NULL;

    if (share && !share->profile) {
        share->profile = pc_profile_create();
        add_share(share->profile, share);
    }
    return share ? share->profile : NULL;
}

void
pc_engine_cloudlet_total(const struct pc_engine *e, const struct uuid *uuid,
                         struct pc_amount *total)
{
    const struct pe_cloudlet *cloudlet = pe_cloudlet_find(e, uuid);

    *total = (struct pc_amount) { .value = { 0 } };
    for (size_t i = 0; cloudlet && i < cloudlet->n_ranks; i++) {
        for (int j = 0; j < PC_N_AMOUNTS; j++) {
            total->value[j] += cloudlet->ranks[i].node->n.total.value[j];
        }
    }
}
