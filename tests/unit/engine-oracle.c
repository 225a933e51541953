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
#include "engine-oracle.h"

#include "util.h"
#include "uuid.h"

struct uuid
uuid_of(enum kind kind, int i)
{
    return (struct uuid) { .parts = { i + 1, kind, i * 2654435761u, 1 } };
}

void
o_distances(struct world *w)
{
    for (int i = 0; i <= N_POPS; i++) {
        for (int j = 0; j <= N_POPS; j++) {
            w->distance[i][j] = (i == N_POPS || j == N_POPS ? UINT64_MAX
                                 : i == j ? 0 : w->cost[i][j]);
        }
    }
    for (int k = 0; k < N_POPS; k++) {
        for (int i = 0; i < N_POPS; i++) {
            for (int j = 0; j < N_POPS; j++) {
                uint64_t a = w->distance[i][k], b = w->distance[k][j];

                if (a != UINT64_MAX && b != UINT64_MAX) {
                    w->distance[i][j] = MIN(w->distance[i][j], a + b);
                }
            }
        }
    }
}

int64_t
o_limit(const struct o_node *node, int third, int dimension)
{
    int64_t total = node->total.value[dimension];

    return third ? total * (100 - node->isp_share) / 100 : total;
}

static void
o_use(struct o_node *node, const struct o_request *r, int sign)
{
    for (int i = 0; i < r->n; i++) {
        const struct pc_slot *slot = &r->slots[i];

        for (int64_t t = slot->begin; t < slot->end; t++) {
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                int64_t amount = sign * slot->amount.value[d];

                node->used[0][t - EPOCH][d] += amount;
                node->used[1][t - EPOCH][d] += r->isp ? 0 : amount;
            }
        }
    }
}

void
o_insert(struct world *w, const struct o_request *r, int node)
{
    struct o_reservation *old = &w->live[r->id];

    if (old->node >= 0) {
        o_use(&w->nodes[old->node], &old->r, -1);
    }
    old->node = node;
    old->r = *r;
    if (node >= 0) {
        o_use(&w->nodes[node], r, 1);
    }
}

int64_t
o_misfit(const struct o_node *node, const struct o_request *r, int third,
         bool empty, int64_t delay, int *dimensions)
{
    for (int i = 0; i < r->n; i++) {
        const struct pc_slot *slot = &r->slots[i];

        for (int64_t t = slot->begin; t < slot->end; t++) {
            *dimensions = 0;
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                int64_t used
                    = empty ? 0 : node->used[third][t + delay - EPOCH][d];

                if (slot->amount.value[d]
                    && (used + slot->amount.value[d]
                        > o_limit(node, third, d))) {
                    *dimensions |= 1 << d;
                }
            }
            if (*dimensions) {
                return t + delay;
            }
        }
    }
    return -1;
}

bool
o_fits(const struct o_node *node, const struct o_request *r, int64_t delay)
{
    int unused;

    return (o_misfit(node, r, 0, false, delay, &unused) < 0
            && (r->isp || !node->isp_share
                || o_misfit(node, r, 1, false, delay, &unused) < 0));
}

static uint64_t
o_load(const struct world *w, int node)
{
    uint64_t load = 0;

    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        unsigned __int128 sum = 0;

        for (int i = 0; i < N_LIVE; i++) {
            const struct o_reservation *r = &w->live[i];

            for (int j = 0; r->node == node && j < r->r.n; j++) {
                const struct pc_slot *s = &r->r.slots[j];

                sum += ((unsigned __int128) s->amount.value[d]
                        * (s->end - s->begin));
            }
        }
        if (sum) {
            int64_t total = w->nodes[node].total.value[d];

            load = MAX(load, total ? sum / total : UINT64_MAX);
        }
    }
    return load;
}

static bool
o_before(const struct world *w, const struct o_candidate *a,
         const struct o_candidate *b, const uint64_t load[])
{
    const struct o_node *na = &w->nodes[a->node], *nb = &w->nodes[b->node];

    if (na->cloudlet != nb->cloudlet) {
        return (a->distance != b->distance ? a->distance < b->distance
                : (w->cloudlets[na->cloudlet].name
                   < w->cloudlets[nb->cloudlet].name));
    } else if (load[a->node] != load[b->node]) {
        return ((load[a->node] < load[b->node])
                == (w->cloudlets[na->cloudlet].policy
                    == PC_POLICY_LEAST_LOADED));
    }
    return na->name < nb->name;
}

int
o_candidates(const struct world *w, const struct o_request *r,
             struct o_candidate candidates[N_NODES])
{
    uint64_t load[N_NODES];
    int n = 0;

    for (int i = 0; i < N_NODES; i++) {
        const struct o_node *node = &w->nodes[i];

        if (node->exists
            && (r->cloudlet < 0 || r->cloudlet == node->cloudlet)) {
            int pop = w->cloudlets[node->cloudlet].pop;
            struct o_candidate c = { i, w->distance[r->pop][pop] };
            int j;

            load[i] = o_load(w, i);
            for (j = n++; j && o_before(w, &c, &candidates[j - 1], load);
                 j--) {
                candidates[j] = candidates[j - 1];
            }
            candidates[j] = c;
        }
    }
    return n;
}

bool
o_usable(const struct world *w, int node)
{
    return (w->nodes[node].usable
            && w->cloudlets[w->nodes[node].cloudlet].usable);
}

struct o_candidate
o_place(const struct world *w, const struct o_request *r)
{
    struct o_candidate candidates[N_NODES];
    int n = o_candidates(w, r, candidates);

    for (int i = 0; i < n; i++) {
        int node = candidates[i].node;

        if (o_usable(w, node) && !(r->refused & 1 << node)
            && o_fits(&w->nodes[node], r, 0)) {
            return candidates[i];
        }
    }
    return (struct o_candidate) { .node = -1 };
}

int
o_least_loaded(const struct world *w, const struct o_request *r)
{
    uint64_t best_load = 0;
    int best = -1;

    for (int i = 0; i < N_NODES; i++) {
        const struct o_node *node = &w->nodes[i];

        if (node->exists && node->cloudlet == r->cloudlet && o_usable(w, i)
            && !(r->refused & 1 << i) && o_fits(node, r, 0)) {
            uint64_t load = o_load(w, i);

            if (best < 0 || load < best_load
                || (load == best_load && node->name < w->nodes[best].name)) {
                best = i;
                best_load = load;
            }
        }
    }
    return best;
}

void
o_hide(struct world *w, const struct o_request *r, int sign)
{
    const struct o_reservation *own = &w->live[r->id];

    if (own->node >= 0) {
        o_use(&w->nodes[own->node], &own->r, sign);
    }
}

bool
o_part_less(const struct o_part *a, const struct o_part *b)
{
    return (__int128) a->cut * b->wanted < (__int128) b->cut * a->wanted;
}

struct o_part
o_cut(const struct o_node *node, const struct o_request *r,
      struct o_request *cut)
{
    struct o_part worst = { 1, 1 };

    *cut = *r;
    for (int i = 0; i < r->n; i++) {
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            int64_t wanted = r->slots[i].amount.value[d], amount = wanted;

            for (int64_t t = r->slots[i].begin; t < r->slots[i].end; t++) {
                for (int third = 0; third < (r->isp ? 1 : 2); third++) {
                    amount = MIN(amount, o_limit(node, third, d)
                                         - node->used[third][t - EPOCH][d]);
                }
            }
            amount = MAX(amount, 0);
            cut->slots[i].amount.value[d] = amount;

            struct o_part part = { amount, wanted };

            if (wanted && o_part_less(&part, &worst)) {
                worst = part;
            }
        }
    }
    return worst;
}
