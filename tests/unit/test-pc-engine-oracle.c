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
#include "pc-engine.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine-oracle.h"
#include "pc-test.h"
#include "pc-topology.h"
#include "random.h"
#include "util.h"
#include "uuid.h"

/* The engine against an oracle: 100,000 random requests, resizes, cancels and
 * changes of nodes, cloudlets and topology, for each of three seeds. */

static void
random_slots(const struct world *w, struct o_request *r)
{
    int64_t t = EPOCH + random_range(RANGE - 3 * MAX_SLOTS);
    bool small = random_range(4);

    r->n = 1 + random_range(MAX_SLOTS);
    for (int i = 0; i < r->n; i++) {
        int64_t left = EPOCH + RANGE - t - (r->n - 1 - i);
        struct pc_slot *slot = &r->slots[i];

        slot->begin = t;
        slot->end = t += 1 + random_range(MIN(left, small ? 8 : 25));
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            slot->amount.value[d] = (random_range(4)
                                     ? random_range(small ? 5 : 9) * w->unit
                                     : 0);
        }
        slot->amount.value[random_range(PC_N_AMOUNTS)]
            = (1 + random_range(3)) * w->unit;
    }
}

static struct o_request
random_request(const struct world *w, int id)
{
    struct o_request r = {
        .id = id,
        .provider = random_range(N_PROVIDERS),
        .cloudlet = random_range(4) ? -1 : (int) random_range(N_CLOUDLETS),
        .pop = random_range(N_POPS + 1),
        .refused = random_range(6) ? 0 : random_uint32(),
    };

    r.isp = !r.provider;
    random_slots(w, &r);
    return r;
}

struct given {
    struct pc_engine_request request;
    struct uuid refused[N_NODES];
};

static const struct pc_engine_request *
give(const struct o_request *r, struct given *given)
{
    struct pc_engine_request *q = &given->request;

    memset(q, 0, sizeof *q);
    q->uuid = uuid_of(RESERVATION, r->id);
    q->provider = uuid_of(PROVIDER, r->provider);
    q->isp = r->isp;
    q->slots = r->slots;
    q->n_slots = r->n;
    if (r->cloudlet >= 0) {
        q->cloudlet = uuid_of(CLOUDLET, r->cloudlet);
    }
    q->pop = uuid_of(POP, r->pop);
    q->refused = given->refused;
    for (int i = 0; i < N_NODES; i++) {
        if (r->refused & 1 << i) {
            given->refused[q->n_refused++] = uuid_of(NODE, i);
        }
    }
    return q;
}

static int
node_index(const struct uuid *uuid)
{
    struct uuid expected = uuid_of(NODE, uuid->parts[0] - 1);

    ck_assert(uuid_equals(uuid, &expected));
    return uuid->parts[0] - 1;
}

static void
check_verdict(struct world *w, const struct o_request *r,
              const struct o_candidate *o, const struct pc_engine_candidate *c)
{
    const struct o_node *node = &w->nodes[o->node];
    bool third = !r->isp && node->isp_share, in_third = false, empty = false;
    enum pc_engine_verdict verdict;
    int d = 0, d3 = 0;
    int64_t at;

    ck_assert_int_eq(node_index(&c->node), o->node);
    ck_assert_uint_eq(c->distance, o->distance);
    if (!o_usable(w, o->node)) {
        verdict = PC_VERDICT_NOT_USABLE;
    } else if (r->refused & 1 << o->node) {
        verdict = PC_VERDICT_REFUSED;
    } else if ((at = o_misfit(node, r, 0, true, 0, &d)) >= 0) {
        verdict = PC_VERDICT_TOO_SMALL;
        empty = true;
    } else if ((at = o_misfit(node, r, 0, false, 0, &d)) < 0) {
        at = third ? o_misfit(node, r, 1, false, 0, &d) : -1;
        in_third = true;
        verdict = at < 0 ? PC_VERDICT_FITS : PC_VERDICT_ISP_SHARE;
    } else {
        int64_t at3 = third ? o_misfit(node, r, 1, true, 0, &d3) : -1;

        verdict = at3 < 0 ? PC_VERDICT_FULL : PC_VERDICT_TOO_SMALL;
        if (at3 >= 0) {
            in_third = empty = true;
            at = at3;
            d = d3;
        }
    }
    ck_assert_int_eq(c->verdict, verdict);
    if (verdict >= PC_VERDICT_TOO_SMALL) {
        int dimension = c->misfit.dimension;

        ck_assert_int_eq(c->misfit.time, at);
        ck_assert(d & 1 << dimension);
        ck_assert_int_eq(c->limit, o_limit(node, in_third, dimension));
        ck_assert_int_eq(c->misfit.used,
                         empty ? 0 : node->used[in_third][at - EPOCH]
                                               [dimension]);
        ck_assert_int_gt(c->misfit.used + c->misfit.wanted, c->limit);
    }
}

/* The earliest later start, by trying each. */
static void
check_delay(const struct world *w, const struct o_request *r,
            const struct o_candidate o[], int n,
            const struct pc_engine_decline *decline)
{
    for (int64_t delay = 0; delay <= RANGE; delay++) {
        for (int i = 0; i < n; i++) {
            if (o_usable(w, o[i].node) && !(r->refused & 1 << o[i].node)
                && o_fits(&w->nodes[o[i].node], r, delay)) {
                ck_assert_int_eq(decline->delay, delay);
                ck_assert_int_eq(node_index(&decline->delay_node), o[i].node);
                return;
            }
        }
    }
    ck_assert_int_eq(decline->delay, -1);
}

static void
check_smaller(const struct world *w, const struct o_request *r,
              const struct o_candidate o[], int n,
              const struct pc_engine_decline *decline)
{
    struct o_request best, cut;
    struct o_part best_part = { 0, 1 };
    int best_node = -1;

    for (int i = 0; i < n; i++) {
        if (o_usable(w, o[i].node) && !(r->refused & 1 << o[i].node)) {
            struct o_part part = o_cut(&w->nodes[o[i].node], r, &cut);

            if (o_part_less(&best_part, &part)) {
                best_part = part;
                best_node = o[i].node;
                best = cut;
            }
        }
    }
    ck_assert_int_eq(decline->smaller != NULL, best_node >= 0);
    if (decline->smaller) {
        ck_assert_int_eq(node_index(&decline->smaller_node), best_node);
        ck_assert_uint_eq(decline->n_smaller, best.n);
        ck_assert(!memcmp(decline->smaller, best.slots,
                          best.n * sizeof *best.slots));
    }
}

static void
check_explain(struct world *w, const struct o_request *r)
{
    struct o_candidate candidates[N_NODES], other;
    struct o_request anywhere = *r;
    struct pc_engine_decline decline;
    struct given given;
    int n = o_candidates(w, r, candidates);

    pc_engine_explain(w->engine, give(r, &given), &decline);
    ck_assert_uint_eq(decline.n_candidates, n);
    o_hide(w, r, -1);
    for (int i = 0; i < n; i++) {
        check_verdict(w, r, &candidates[i], &decline.candidates[i]);
    }
    check_delay(w, r, candidates, n, &decline);
    check_smaller(w, r, candidates, n, &decline);
    anywhere.cloudlet = -1;
    other = o_place(w, &anywhere);
    o_hide(w, r, 1);
    ck_assert_int_eq(decline.elsewhere, r->cloudlet >= 0 && other.node >= 0);
    if (decline.elsewhere) {
        ck_assert_int_eq(node_index(&decline.other.node), other.node);
        ck_assert_uint_eq(decline.other.distance, other.distance);
    }
    pc_engine_decline_destroy(&decline);
}

static void
check_place(struct world *w, const struct o_request *r)
{
    struct pc_engine_placement placement;
    struct o_candidate expected;
    struct given given;
    bool placed;

    o_hide(w, r, -1);
    expected = o_place(w, r);
    o_hide(w, r, 1);
    placed = pc_engine_place(w->engine, give(r, &given), &placement);
    ck_assert_int_eq(placed, expected.node >= 0);
    if (placed) {
        struct uuid node = uuid_of(NODE, expected.node);
        struct uuid cloudlet
            = uuid_of(CLOUDLET, w->nodes[expected.node].cloudlet);

        ck_assert(uuid_equals(&placement.node, &node));
        ck_assert(uuid_equals(&placement.cloudlet, &cloudlet));
        ck_assert_uint_eq(placement.distance, expected.distance);
        pc_engine_insert(w->engine, &given.request, &node);
        o_insert(w, r, expected.node);
        w->n_placed++;
    } else {
        w->n_declined++;
    }
    if (!random_range(placed ? 200 : 20)) {
        check_explain(w, r);
    }
}

/* What does not fit on 'node', where it is: would it if another one there went? */
static void
check_without(struct world *w, const struct o_request *r, int node)
{
    struct uuid uuid = uuid_of(NODE, node);
    int other = random_range(N_LIVE);
    struct pc_profile_misfit misfit;
    struct given given;
    bool fits, bad;
    int64_t at;
    int d = 0;

    o_hide(w, r, -1);
    at = o_misfit(&w->nodes[node], r, 0, false, 0, &d);
    if (at < 0 && !r->isp && w->nodes[node].isp_share) {
        at = o_misfit(&w->nodes[node], r, 1, false, 0, &d);
    }
    bad = pc_engine_misfit(w->engine, give(r, &given), &uuid, &misfit);
    ck_assert_int_eq(bad, at >= 0);
    ck_assert(!bad || (misfit.time == at && d & 1 << misfit.dimension));
    if (other != r->id && w->live[other].node >= 0) {
        struct uuid o = uuid_of(RESERVATION, other);

        o_hide(w, &w->live[other].r, -1);
        fits = o_fits(&w->nodes[node], r, 0);
        o_hide(w, &w->live[other].r, 1);
        ck_assert_int_eq(pc_engine_fits_without(w->engine, &given.request,
                                                &uuid, &o), fits);
    }
    o_hide(w, r, 1);
}

/* What does not fit on 'node', where it is, goes to another one of the cloudlet. */
static void
check_move(struct world *w, struct o_request *r, int node)
{
    struct given given;
    struct uuid uuid;
    int expected;
    bool found;

    check_without(w, r, node);
    r->cloudlet = w->nodes[node].cloudlet;
    r->refused |= 1 << node;
    expected = o_least_loaded(w, r);
    found = pc_engine_least_loaded(w->engine, give(r, &given), &uuid);
    ck_assert_int_eq(found, expected >= 0);
    if (found) {
        ck_assert_int_eq(node_index(&uuid), expected);
        pc_engine_insert(w->engine, &given.request, &uuid);
        o_insert(w, r, expected);
        w->n_moved++;
    }
}

/* Growing or shrinking where it is, or else elsewhere. */
static void
check_resize(struct world *w, int id)
{
    struct o_reservation *live = &w->live[id];
    struct o_request r = live->r;
    struct uuid node = uuid_of(NODE, live->node);
    struct given given;
    bool fits;

    if (random_range(2)) {
        random_slots(w, &r);
    } else {
        for (int i = 0; i < r.n; i++) {
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                r.slots[i].amount.value[d] += random_range(3) * w->unit;
            }
        }
    }
    o_hide(w, &r, -1);
    fits = o_usable(w, live->node) && o_fits(&w->nodes[live->node], &r, 0);
    o_hide(w, &r, 1);
    ck_assert_int_eq(pc_engine_fits(w->engine, give(&r, &given), &node), fits);
    if (fits) {
        pc_engine_insert(w->engine, &given.request, &node);
        o_insert(w, &r, live->node);
    } else {
        check_move(w, &r, live->node);
    }
}

/* Changes of the world. */

static void
set_cloudlet(struct world *w, int i)
{
    struct o_cloudlet *o = &w->cloudlets[i];
    char name[16];

    o->exists = true;
    o->usable = random_range(8);
    o->name = random_range(16) * N_CLOUDLETS + i;
    o->pop = random_range(N_POPS + 1);
    o->policy = (random_range(2) ? PC_POLICY_BEST_FIT
                 : PC_POLICY_LEAST_LOADED);
    snprintf(name, sizeof name, "c%02d", o->name);
    pc_engine_set_cloudlet(w->engine, &(struct pc_engine_cloudlet) {
        .uuid = uuid_of(CLOUDLET, i), .name = name,
        .pop = o->pop < N_POPS ? uuid_of(POP, o->pop) : UUID_ZERO,
        .policy = o->policy, .usable = o->usable });
}

static void
remove_node(struct world *w, int i)
{
    for (int j = 0; j < N_LIVE; j++) {
        if (w->live[j].node == i) {
            o_insert(w, &w->live[j].r, -1);
        }
    }
    w->nodes[i].exists = false;
}

static void
set_node(struct world *w, int i)
{
    struct o_node *o = &w->nodes[i];
    int cloudlet = random_range(N_CLOUDLETS);
    char name[16];

    if (!w->cloudlets[cloudlet].exists) {
        return;
    }
    if (!o->exists || !random_range(3)) {
        o->cloudlet = cloudlet;
    }
    o->exists = true;
    o->usable = random_range(8);
    o->name = random_range(16) * N_NODES + i;
    o->isp_share = random_range(2) ? 0 : random_range(101);
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        o->total.value[d] = random_range(24) * w->unit + random_range(2);
    }
    o->excused = true;
    snprintf(name, sizeof name, "n%03d", o->name);
    pc_engine_set_node(w->engine, &(struct pc_engine_node) {
        .uuid = uuid_of(NODE, i), .name = name,
        .cloudlet = uuid_of(CLOUDLET, o->cloudlet), .total = o->total,
        .isp_share = o->isp_share, .usable = o->usable });
}

static void
change_topology(struct world *w)
{
    int a = random_range(N_POPS), b = random_range(N_POPS);
    struct uuid ua = uuid_of(POP, a), ub = uuid_of(POP, b);

    if (a != b) {
        if (random_range(4)) {
            w->cost[a][b] = w->cost[b][a] = random_range(5);
            pc_topology_set_link(w->topology, &ua, &ub, w->cost[a][b]);
        } else {
            w->cost[a][b] = w->cost[b][a] = UINT64_MAX;
            pc_topology_remove_link(w->topology, &ua, &ub);
        }
        o_distances(w);
    }
}

static void
change_world(struct world *w)
{
    int i = random_range(N_NODES), j = random_range(N_CLOUDLETS);
    struct uuid node = uuid_of(NODE, i), cloudlet = uuid_of(CLOUDLET, j);

    switch (random_range(12)) {
    case 0: case 1: case 2: case 3: case 4: case 5:
        set_node(w, i);
        break;
    case 6:
        pc_engine_remove_node(w->engine, &node);
        remove_node(w, i);
        break;
    case 7: case 8:
        set_cloudlet(w, j);
        break;
    case 9:
        if (!random_range(4)) {
            pc_engine_remove_cloudlet(w->engine, &cloudlet);
            for (int k = 0; k < N_NODES; k++) {
                if (w->nodes[k].exists && w->nodes[k].cloudlet == j) {
                    remove_node(w, k);
                }
            }
            w->cloudlets[j].exists = false;
        }
        break;
    default:
        change_topology(w);
        break;
    }
}

/* A reservation put where it may not fit. */
static void
force(struct world *w, int id)
{
    struct o_request r = random_request(w, id);
    int i = random_range(N_NODES);
    struct uuid node = uuid_of(NODE, i);
    struct given given;

    if (w->nodes[i].exists) {
        pc_engine_insert(w->engine, give(&r, &given), &node);
        o_insert(w, &r, i);
        w->nodes[i].excused = true;
    }
}

/* Invariants. */

/* No node is over capacity in any dimension at any time, unless it is excused,
 * and then until it has once been under. */
static void
check_capacity(struct o_node *node)
{
    bool over = false;

    for (int third = 0; third < 2; third++) {
        for (int t = 0; t <= RANGE; t++) {
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                over |= node->used[third][t][d] > o_limit(node, third, d);
            }
        }
    }
    ck_assert(!over || node->excused);
    node->excused = over;
}

/* What the profile has at each second. */
static void
check_profile(const struct pc_profile *profile, struct world *w,
              int cloudlet, int node, int provider)
{
    for (int t = 0; t <= RANGE; t++) {
        struct pc_amount sum = { .value = { 0 } }, peak;

        for (int i = 0; i < N_LIVE; i++) {
            const struct o_reservation *live = &w->live[i];

            if (live->node < 0 || (node >= 0 && live->node != node)
                || (cloudlet >= 0
                    && w->nodes[live->node].cloudlet != cloudlet)
                || (provider >= 0 && live->r.provider != provider)) {
                continue;
            }
            for (int j = 0; j < live->r.n; j++) {
                const struct pc_slot *slot = &live->r.slots[j];

                for (int d = 0; d < PC_N_AMOUNTS; d++) {
                    if (slot->begin <= EPOCH + t && EPOCH + t < slot->end) {
                        sum.value[d] += slot->amount.value[d];
                    }
                }
            }
        }
        if (profile) {
            pc_profile_peak(profile, EPOCH + t, EPOCH + t + 1, &peak);
            ck_assert(pc_amount_equal(&sum, &peak));
        } else {
            ck_assert(pc_amount_is_zero(&sum));
        }
    }
}

static void
check_profiles(struct world *w)
{
    int i = random_range(N_NODES), j = random_range(N_CLOUDLETS);
    int k = random_range(N_PROVIDERS);
    struct uuid node = uuid_of(NODE, i), cloudlet = uuid_of(CLOUDLET, j);
    struct uuid provider = uuid_of(PROVIDER, k);
    struct pc_amount total, sum = { .value = { 0 } };
    size_t n = 0;

    check_profile(pc_engine_node_profile(w->engine, &node), w, -1, i, -1);
    check_profile(pc_engine_cloudlet_profile(w->engine, &cloudlet), w, j, -1,
                  -1);
    check_profile(pc_engine_provider_profile(w->engine, &cloudlet, &provider),
                  w, j, -1, k);
    for (i = 0; i < N_NODES; i++) {
        for (int d = 0; d < PC_N_AMOUNTS; d++) {
            if (w->nodes[i].exists && w->nodes[i].cloudlet == j) {
                sum.value[d] += w->nodes[i].total.value[d];
            }
        }
    }
    pc_engine_cloudlet_total(w->engine, &cloudlet, &total);
    ck_assert(pc_amount_equal(&total, &sum));
    for (i = 0; i < N_LIVE; i++) {
        n += w->live[i].node >= 0;
    }
    ck_assert_uint_eq(pc_engine_n_reservations(w->engine), n);
}

static void
step(struct world *w)
{
    int id = random_range(N_LIVE);
    struct uuid uuid = uuid_of(RESERVATION, id);
    unsigned int what = random_range(100);

    if (what < 65) {
        struct o_request r = random_request(w, id);

        check_place(w, &r);
    } else if (what < 80) {
        if (w->live[id].node >= 0) {
            check_resize(w, id);
        }
    } else if (what < 93) {
        pc_engine_remove(w->engine, &uuid);
        o_insert(w, &w->live[id].r, -1);
    } else if (what < 94) {
        force(w, id);
    } else {
        change_world(w);
    }
    for (int i = 0; i < N_NODES; i++) {
        if (w->nodes[i].exists) {
            check_capacity(&w->nodes[i]);
        }
    }
    if (!random_range(100)) {
        check_profiles(w);
    }
}

START_TEST(test_oracle)
{
    static const int64_t units[] = { 1, 1000, INT64_C(1) << 37 };
    struct world *w = xzalloc(sizeof *w);
    const char *wrapper = getenv("UNIT_WRAPPER");
    int n = wrapper && wrapper[0] ? N_STEPS / 50 : N_STEPS;

    random_set_seed(20261130 + _i);
    w->unit = units[_i];
    w->topology = pc_topology_create();
    w->engine = pc_engine_create(w->topology);
    memset(w->cost, 0xff, sizeof w->cost);
    o_distances(w);
    for (int i = 0; i < N_POPS; i++) {
        struct uuid uuid = uuid_of(POP, i);

        pc_topology_add_pop(w->topology, &uuid);
    }
    for (int i = 0; i < N_LIVE; i++) {
        w->live[i] = (struct o_reservation) { .node = -1, .r.id = i };
    }
    for (int i = 0; i < N_CLOUDLETS; i++) {
        set_cloudlet(w, i);
    }
    for (int i = 0; i < N_NODES; i++) {
        set_node(w, i);
    }
    for (int i = 0; i < n; i++) {
        step(w);
    }
    /* Neither was rare. */
    ck_assert_int_gt(w->n_placed, n / 10);
    ck_assert_int_gt(w->n_declined, n / 10);
    ck_assert_int_gt(w->n_moved, n / 200);
    pc_engine_destroy(w->engine);
    pc_topology_destroy(w->topology);
    free(w);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_oracle, 0, 3);
    return pc_test_run("pc-engine-oracle", tc);
}
