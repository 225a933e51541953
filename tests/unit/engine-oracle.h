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

#ifndef ENGINE_ORACLE_H
#define ENGINE_ORACLE_H 1

/* For test-pc-engine-oracle.c: what the engine should decide, by nothing clever:
 * for each node what is used in each second, in plain arrays, and candidates
 * sorted anew for each request as pc-engine.h says.  Times are whole seconds, so
 * a second is as good as an instant. */

#include "pc-engine.h"

enum {
    N_POPS = 5,                 /* One more is asked for that does not exist. */
    N_CLOUDLETS = 4,
    N_NODES = 12,
    N_PROVIDERS = 3,
    N_LIVE = 90,
    MAX_SLOTS = 4,
    RANGE = 60,                 /* All begin and end in it. */
    N_STEPS = 100000
};
#define EPOCH INT64_C(1796000000)

enum kind { POP, CLOUDLET, NODE, PROVIDER, RESERVATION };

struct o_cloudlet {
    bool exists, usable;
    int name, pop;
    enum pc_engine_policy policy;
};

struct o_node {
    bool exists, usable;
    int name, cloudlet, isp_share;
    struct pc_amount total;
    bool excused;               /* May be over capacity: was made smaller. */
    int64_t used[2][RANGE * 2 + 1][PC_N_AMOUNTS];   /* All; third parties. */
};

struct o_request {
    int id, provider, cloudlet, pop;    /* Cloudlet -1: any. */
    bool isp;
    int refused;                /* Bits, by node. */
    struct pc_slot slots[MAX_SLOTS];
    int n;
};

struct o_reservation {
    int node;                   /* -1: does not exist. */
    struct o_request r;
};

struct o_candidate {
    int node;
    uint64_t distance;
};

struct world {
    struct pc_topology *topology;
    struct pc_engine *engine;
    int64_t unit;               /* Amounts are multiples of it. */
    uint64_t cost[N_POPS][N_POPS];
    uint64_t distance[N_POPS + 1][N_POPS + 1];
    struct o_cloudlet cloudlets[N_CLOUDLETS];
    struct o_node nodes[N_NODES];
    struct o_reservation live[N_LIVE];
    int n_placed, n_declined, n_moved;
};

struct uuid uuid_of(enum kind, int i);

/* After a change of 'cost'. */
void o_distances(struct world *);
/* What all, or third parties, may use of a dimension. */
int64_t o_limit(const struct o_node *, int third, int dimension);
/* A reservation is on 'node' from now on; -1: nowhere. */
void o_insert(struct world *, const struct o_request *, int node);
/* The first second, moved by 'delay', at which a request does not fit; -1 if it
 * does.  'empty': as if nobody else was there.  'dimensions' gets a bit for each
 * that is short then. */
int64_t o_misfit(const struct o_node *, const struct o_request *, int third,
                 bool empty, int64_t delay, int *dimensions);
bool o_fits(const struct o_node *, const struct o_request *, int64_t delay);
/* All candidates, in order.  Returns how many. */
int o_candidates(const struct world *, const struct o_request *,
                 struct o_candidate[N_NODES]);
bool o_usable(const struct world *, int node);
/* The first candidate that fits; node -1 if none does. */
struct o_candidate o_place(const struct world *, const struct o_request *);
/* The least loaded node of the request's cloudlet that it fits on; -1: none. */
int o_least_loaded(const struct world *, const struct o_request *);
/* Takes away (-1) what a request would replace, and puts it back (1). */
void o_hide(struct world *, const struct o_request *, int sign);

/* Cuts a request down to what is free on a node.  Returns the part of what
 * comes off worst. */
struct o_part {
    int64_t cut, wanted;
};
bool o_part_less(const struct o_part *, const struct o_part *);
struct o_part o_cut(const struct o_node *, const struct o_request *,
                    struct o_request *cut);

#endif /* engine-oracle.h */
