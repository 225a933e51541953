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

#ifndef ENGINE_SQL_H
#define ENGINE_SQL_H 1

/* For engine-sql-time.c: what the admission engine decides, by SQL over SQLite in
 * memory, with prepared statements and the indexes that one would give it.  Only
 * where HAVE_SQLITE3 is defined.
 *
 * Nodes, cloudlets, PoPs and reservations are numbers. */

#include "pc-slot.h"

struct engine_sql;

struct sql_node {
    int id, cloudlet;
    struct pc_amount total, third_limit;
};

struct sql_request {
    int id, pop;
    bool isp;
    const struct pc_slot *slots;
    size_t n_slots;
};

struct engine_sql *engine_sql_open(void);
void engine_sql_close(struct engine_sql *);

void engine_sql_add_node(struct engine_sql *, const struct sql_node *);
/* From 'pop', 'cloudlet' is the 'rank'th. */
void engine_sql_add_near(struct engine_sql *, int pop, int rank, int cloudlet);

/* Many inserts are between these two. */
void engine_sql_begin(struct engine_sql *);
void engine_sql_commit(struct engine_sql *);
/* After what is there at the start: SQLite's own statistics. */
void engine_sql_analyze(struct engine_sql *);

/* The node, -1 for none. */
int engine_sql_place(struct engine_sql *, const struct sql_request *);
void engine_sql_insert(struct engine_sql *, const struct sql_request *,
                       int node);
void engine_sql_remove(struct engine_sql *, const struct sql_request *,
                       int node);

#endif /* engine-sql.h */
