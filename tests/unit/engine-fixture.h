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

#ifndef ENGINE_FIXTURE_H
#define ENGINE_FIXTURE_H 1

/* For test-pc-engine.c and test-pc-engine-explain.c: an engine, and short ways
 * to fill it.  Cloudlets, nodes and reservations have numbers; node N is in
 * cloudlet N / 10. */

#include "pc-engine.h"
#include "pc-topology.h"

#define T0 INT64_C(1796000000)

extern struct pc_topology *topology;
extern struct pc_engine *engine;

/* A fixture of libcheck. */
void setup(void);
void teardown(void);

/* 'kind': cloudlet, node, reservation, provider, or 'o' for a PoP. */
struct uuid uuid_of(char kind, unsigned int);

struct pc_amount amount(int64_t cpu, int64_t memory);
/* From T0 + 'begin' to T0 + 'end'. */
struct pc_slot slot(int64_t begin, int64_t end, int64_t cpu, int64_t memory);

/* Called "cN" and "nN", usable. */
struct pc_engine_cloudlet cloudlet(unsigned int);
struct pc_engine_node node(unsigned int, int64_t cpu, int64_t memory);
void add_cloudlet(unsigned int);
void add_node(unsigned int, int64_t cpu, int64_t memory);

/* Of provider 1. */
struct pc_engine_request request(unsigned int, const struct pc_slot *,
                                 size_t n);
void insert(unsigned int, unsigned int on, struct pc_slot);

/* The number of the node where it would go, 0 if nowhere. */
unsigned int place(const struct pc_engine_request *);
unsigned int place_slot(unsigned int, struct pc_slot);

#endif /* engine-fixture.h */
