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
#include <string.h>

#include "util.h"
#include "uuid.h"

/* 'cut' of 'wanted', the latter not zero. */
struct part {
    int64_t cut, wanted;
};

static bool
part_less(const struct part *a, const struct part *b)
{
    return ((__int128) a->cut * b->wanted) < ((__int128) b->cut * a->wanted);
}

struct explain {
    const struct pc_engine_request *request;
    struct pe_reservation *own; /* What the request replaces, or null. */
    struct pc_engine_decline *decline;
    size_t allocated;           /* Of the decline's candidates. */
    struct part best;           /* Of the decline's 'smaller'. */
    struct pc_slot *slots;      /* Room for as many as the request has. */
};

/* The profile of third parties, if that limits the request. */
static const struct pc_profile *
third_of(const struct pe_node *node, const struct pc_engine_request *request)
{
    return request->isp ? NULL : node->third;
}

/* Returns whether the request does not fit 'profile'; if so fills in the misfit
 * of 'c'. */
static bool
find_misfit(const struct pc_engine_request *request,
            const struct pc_profile *profile, const struct pc_amount *limit,
            struct pc_engine_candidate *c)
{
    if (!pc_profile_misfit(profile, limit, request->slots, request->n_slots,
                           &c->misfit)) {
        return false;
    }
    c->limit = limit->value[c->misfit.dimension];
    return true;
}

static enum pc_engine_verdict
find_verdict(const struct pc_engine *e,
             const struct pc_engine_request *request,
             const struct pe_node *node, struct pc_engine_candidate *c)
{
    const struct pc_profile *third = third_of(node, request);
    const struct pc_amount *total = &node->n.total;

    if (!node->n.usable || !node->cloudlet->c.usable) {
        return PC_VERDICT_NOT_USABLE;
    } else if (pe_refused(request, node)) {
        return PC_VERDICT_REFUSED;
    } else if (find_misfit(request, e->empty, total, c)) {
        return PC_VERDICT_TOO_SMALL;
    } else if (!find_misfit(request, node->all, total, c)) {
        return (third && find_misfit(request, third, &node->third_limit, c)
                ? PC_VERDICT_ISP_SHARE : PC_VERDICT_FITS);
    } else if (third && find_misfit(request, e->empty, &node->third_limit,
                                    c)) {
        return PC_VERDICT_TOO_SMALL;
    }
    return PC_VERDICT_FULL;
}

/* Moves 'slots' to the first time at which they fit 'profile', not before where
 * they are, or by 'max' or more if that is later.  Returns by how much, -1 if there
 * is none. */
static int64_t
delay_slots(const struct pc_profile *profile, const struct pc_amount *limit,
            struct pc_slot *slots, size_t n, int64_t max)
{
    int64_t delay = pc_profile_delay_below(profile, limit, slots, n, max);

    for (size_t i = 0; delay > 0 && i < n; i++) {
        slots[i].begin += delay;
        slots[i].end += delay;
    }
    return delay;
}

/* The least delay after which the request fits 'node', -1 if there is none below
 * that of the decline. */
static int64_t
find_delay(const struct explain *x, const struct pe_node *node)
{
    const struct pc_engine_request *request = x->request;
    const struct pc_profile *third = third_of(node, request);
    int64_t known = x->decline->delay;
    int64_t max = request->slots[0].begin + (known < 0 ? PC_TIME_MAX : known);
    size_t n = request->n_slots;
    int64_t delay;

    /* In turn until it fits both where it is.  No time at which it does is
     * passed over: each step goes to the next one that one of them allows. */
    memcpy(x->slots, request->slots, n * sizeof *x->slots);
    do {
        delay = delay_slots(node->all, &node->n.total, x->slots, n,
                            max - x->slots[0].begin);
        if (delay >= 0 && third) {
            delay = delay_slots(third, &node->third_limit, x->slots, n,
                                max - x->slots[0].begin);
        } else if (delay > 0) {
            delay = 0;
        }
    } while (delay > 0 && x->slots[0].begin < max);
    return (delay < 0 || x->slots[0].begin >= max
            || x->slots[n - 1].end > PC_TIME_MAX ? -1
            : x->slots[0].begin - request->slots[0].begin);
}

/* Cuts 'slot' down to what 'profile' leaves free of 'limit' all through it. */
static void
cut_slot(const struct pc_profile *profile, const struct pc_amount *limit,
         struct pc_slot *slot)
{
    struct pc_amount peak;

    pc_profile_peak(profile, slot->begin, slot->end, &peak);
    for (int i = 0; i < PC_N_AMOUNTS; i++) {
        int64_t free = MAX(0, limit->value[i] - peak.value[i]);

        slot->amount.value[i] = MIN(slot->amount.value[i], free);
    }
}

/* Cuts the request down to what 'node' has free, in 'x->slots'.  Returns the part
 * that is left in the dimension that comes off worst; if that is not more than the
 * best that is known 'x->slots' may not be all. */
static struct part
cut_request(const struct explain *x, const struct pe_node *node)
{
    const struct pc_engine_request *request = x->request;
    const struct pc_profile *third = third_of(node, request);
    struct part worst = { 1, 1 };

    for (size_t i = 0; i < request->n_slots && part_less(&x->best, &worst);
         i++) {
        const struct pc_slot *wanted = &request->slots[i];
        struct pc_slot *slot = &x->slots[i];

        *slot = *wanted;
        cut_slot(node->all, &node->n.total, slot);
        if (third) {
            cut_slot(third, &node->third_limit, slot);
        }
        for (int j = 0; j < PC_N_AMOUNTS; j++) {
            struct part part = { slot->amount.value[j],
                                 wanted->amount.value[j] };

            if (part.wanted && part_less(&part, &worst)) {
                worst = part;
            }
        }
    }
    return worst;
}

/* What would fit on 'node': is it better than what is known? */
static void
find_alternatives(struct explain *x, const struct pe_node *node)
{
    struct pc_engine_decline *decline = x->decline;
    size_t size = x->request->n_slots * sizeof *x->slots;
    struct part part;

    if (decline->delay) {
        int64_t delay = find_delay(x, node);

        if (delay >= 0) {
            decline->delay = delay;
            decline->delay_node = node->n.uuid;
        }
    }
    part = cut_request(x, node);
    if (part_less(&x->best, &part)) {
        x->best = part;
        free(decline->smaller);
        decline->smaller = xmemdup(x->slots, size);
        decline->n_smaller = x->request->n_slots;
        decline->smaller_node = node->n.uuid;
    }
}

static void
explain_node(struct pc_engine *e, struct explain *x, const struct pe_near *near,
             struct pe_node *node)
{
    struct pc_engine_decline *decline = x->decline;
    struct pe_reservation *hidden = pe_hide_own(x->own, node);
    struct pc_engine_candidate *c;

    if (decline->n_candidates >= x->allocated) {
        decline->candidates = x2nrealloc(decline->candidates, &x->allocated,
                                         sizeof *decline->candidates);
    }
    c = &decline->candidates[decline->n_candidates++];
    memset(c, 0, sizeof *c);
    c->cloudlet = near->cloudlet->c.uuid;
    c->node = node->n.uuid;
    c->distance = near->distance;
    c->verdict = find_verdict(e, x->request, node, c);
    if (c->verdict != PC_VERDICT_NOT_USABLE
        && c->verdict != PC_VERDICT_REFUSED) {
        find_alternatives(x, node);
    }
    pe_unhide_own(hidden);
}

void
pc_engine_explain(struct pc_engine *e,
                  const struct pc_engine_request *request,
                  struct pc_engine_decline *decline)
{
    struct explain x = {
        .request = request,
        .own = pe_reservation_find(e, &request->uuid),
        .decline = decline,
        .best = { 0, 1 },
        .slots = xmalloc(request->n_slots * sizeof *x.slots),
    };
    struct pe_candidates candidates;

    memset(decline, 0, sizeof *decline);
    decline->delay = -1;
    pe_candidates_find(e, request, &candidates);
    for (size_t i = 0; i < candidates.n; i++) {
        const struct pe_near *near = &candidates.near[i];
        const struct pe_cloudlet *cloudlet = near->cloudlet;
        size_t n = MIN(cloudlet->n_ranks,
                       PC_ENGINE_MAX_EXPLAINED - decline->n_candidates);

        for (size_t j = 0; j < n; j++) {
            pe_prefetch(cloudlet, j);
            explain_node(e, &x, near, cloudlet->ranks[j].node);
        }
        decline->n_more += cloudlet->n_ranks - n;
    }
    free(x.slots);
    if (!uuid_is_zero(&request->cloudlet)) {
        struct pc_engine_request anywhere = *request;

        anywhere.cloudlet = UUID_ZERO;
        decline->elsewhere = pc_engine_place(e, &anywhere, &decline->other);
    }
}

void
pc_engine_decline_destroy(struct pc_engine_decline *decline)
{
    if (decline) {
        free(decline->candidates);
        free(decline->smaller);
        memset(decline, 0, sizeof *decline);
    }
}
