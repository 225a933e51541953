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
#include "engine-fixture.h"

#include <check.h>
#include <stdio.h>

struct pc_topology *topology;
struct pc_engine *engine;

struct uuid
uuid_of(char kind, unsigned int i)
{
    return (struct uuid) { .parts = { i, kind, 1, 1 } };
}

void
setup(void)
{
    topology = pc_topology_create();
    engine = pc_engine_create(topology);
}

void
teardown(void)
{
    pc_engine_destroy(engine);
    pc_topology_destroy(topology);
}

struct pc_amount
amount(int64_t cpu, int64_t memory)
{
    return (struct pc_amount) { .value = { cpu, memory, 0, 0 } };
}

/* A slot from T0 + 'begin' to T0 + 'end'. */
struct pc_slot
slot(int64_t begin, int64_t end, int64_t cpu, int64_t memory)
{
    return (struct pc_slot) { T0 + begin, T0 + end, amount(cpu, memory) };
}

/* Cloudlets, nodes and reservations have numbers; nodes are in cloudlet
 * 'number' / 10 and called by it. */
struct pc_engine_cloudlet
cloudlet(unsigned int i)
{
    static char names[10][8];

    snprintf(names[i], sizeof names[i], "c%u", i);
    return (struct pc_engine_cloudlet) { .uuid = uuid_of('c', i),
                                         .name = names[i], .usable = true };
}

struct pc_engine_node
node(unsigned int i, int64_t cpu, int64_t memory)
{
    static char names[100][8];

    snprintf(names[i], sizeof names[i], "n%u", i);
    return (struct pc_engine_node) { .uuid = uuid_of('n', i),
                                     .name = names[i],
                                     .cloudlet = uuid_of('c', i / 10),
                                     .total = amount(cpu, memory),
                                     .usable = true };
}

void
add_cloudlet(unsigned int i)
{
    struct pc_engine_cloudlet c = cloudlet(i);

    pc_engine_set_cloudlet(engine, &c);
}

void
add_node(unsigned int i, int64_t cpu, int64_t memory)
{
    struct pc_engine_node n = node(i, cpu, memory);

    pc_engine_set_node(engine, &n);
}

/* Of provider 1. */
struct pc_engine_request
request(unsigned int i, const struct pc_slot *slots, size_t n)
{
    return (struct pc_engine_request) { .uuid = uuid_of('r', i),
                                        .provider = uuid_of('p', 1),
                                        .slots = slots, .n_slots = n };
}

void
insert(unsigned int i, unsigned int on, struct pc_slot s)
{
    struct pc_engine_request r = request(i, &s, 1);
    struct uuid uuid = uuid_of('n', on);

    pc_engine_insert(engine, &r, &uuid);
}

/* The number of the node where it would go, 0 if nowhere. */
unsigned int
place(const struct pc_engine_request *r)
{
    struct pc_engine_placement placement;

    if (!pc_engine_place(engine, r, &placement)) {
        return 0;
    }
    ck_assert_int_eq(placement.node.parts[1], 'n');
    ck_assert_uint_eq(placement.cloudlet.parts[0],
                      placement.node.parts[0] / 10);
    return placement.node.parts[0];
}

unsigned int
place_slot(unsigned int i, struct pc_slot s)
{
    struct pc_engine_request r = request(i, &s, 1);

    return place(&r);
}
