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
#undef NDEBUG
#include "engine-sql.h"

#include "util.h"

#ifdef HAVE_SQLITE3
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Loads are kept as the engine keeps them, so that a search reads nodes in
 * order.  The index over slots has all that a check reads. */
static const char schema[] =
    "PRAGMA journal_mode = MEMORY;"
    "PRAGMA synchronous = OFF;"
    "CREATE TABLE node (id INTEGER PRIMARY KEY, cloudlet INT, name TEXT,"
    " load INT, t0 INT, t1 INT, t2 INT, t3 INT, l0 INT, l1 INT, l2 INT,"
    " l3 INT, b0 INT, b1 INT, b2 INT, b3 INT);"
    "CREATE INDEX node_order ON node (cloudlet, load, name);"
    "CREATE TABLE near (pop INT, rank INT, cloudlet INT,"
    " PRIMARY KEY (pop, rank)) WITHOUT ROWID;"
    "CREATE TABLE slot (reservation INT, node INT, begin INT, end INT,"
    " isp INT, a0 INT, a1 INT, a2 INT, a3 INT);"
    "CREATE INDEX slot_time ON slot (node, begin, end, isp, a0, a1, a2, a3);"
    "CREATE INDEX slot_reservation ON slot (reservation);";

enum statement {
    ADD_NODE, ADD_NEAR, BEGIN, COMMIT, CLOUDLETS, NODES, CHECK, INSERT, BOOK,
    REMOVE, N_STATEMENTS
};

static const char *const statements[] = {
    [ADD_NODE] = "INSERT INTO node VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7,"
        " ?8, ?9, ?10, ?11, 0, 0, 0, 0)",
    [ADD_NEAR] = "INSERT INTO near VALUES (?1, ?2, ?3)",
    [BEGIN] = "BEGIN",
    [COMMIT] = "COMMIT",
    [CLOUDLETS] = "SELECT cloudlet FROM near WHERE pop = ?1 ORDER BY rank",
    [NODES] = "SELECT id, t0, t1, t2, t3, l0, l1, l2, l3 FROM node"
        " WHERE cloudlet = ?1 ORDER BY load, name",
    /* A sum is largest at the begin of the window, or where a slot begins in
     * it.  ?4...?7: what all may use beside this request; ?8...?11: third
     * parties. */
    [CHECK] = "SELECT 1 FROM (SELECT ?2 AS t UNION ALL SELECT begin FROM slot"
        " WHERE node = ?1 AND begin > ?2 AND begin < ?3) AS p WHERE ("
        "SELECT sum(a0) > ?4 OR sum(a1) > ?5 OR sum(a2) > ?6 OR sum(a3) > ?7"
        " OR sum(a0 * (1 - isp)) > ?8 OR sum(a1 * (1 - isp)) > ?9"
        " OR sum(a2 * (1 - isp)) > ?10 OR sum(a3 * (1 - isp)) > ?11"
        " FROM slot AS s WHERE s.node = ?1 AND s.begin <= p.t AND s.end > p.t"
        ") LIMIT 1",
    [INSERT] = "INSERT INTO slot VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [BOOK] = "UPDATE node SET b0 = b0 + ?2, b1 = b1 + ?3, b2 = b2 + ?4,"
        " b3 = b3 + ?5, load = max((b0 + ?2) / t0, (b1 + ?3) / t1,"
        " (b2 + ?4) / t2, (b3 + ?5) / t3) WHERE id = ?1",
    [REMOVE] = "DELETE FROM slot WHERE reservation = ?1",
};

struct engine_sql {
    sqlite3 *db;
    sqlite3_stmt *s[N_STATEMENTS];
};

static void
check(struct engine_sql *sql, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        ovs_fatal(0, "SQLite: %s", sqlite3_errmsg(sql->db));
    }
}

struct engine_sql *
engine_sql_open(void)
{
    struct engine_sql *sql = xzalloc(sizeof *sql);

    check(sql, sqlite3_open(":memory:", &sql->db));
    check(sql, sqlite3_exec(sql->db, schema, NULL, NULL, NULL));
    for (int i = 0; i < N_STATEMENTS; i++) {
        check(sql, sqlite3_prepare_v3(sql->db, statements[i], -1,
                                      SQLITE_PREPARE_PERSISTENT, &sql->s[i],
                                      NULL));
    }
    return sql;
}

void
engine_sql_close(struct engine_sql *sql)
{
    if (sql) {
        for (int i = 0; i < N_STATEMENTS; i++) {
            sqlite3_finalize(sql->s[i]);
        }
        sqlite3_close(sql->db);
        free(sql);
    }
}

/* Runs a statement that returns no row. */
static void
run(struct engine_sql *sql, enum statement i)
{
    check(sql, sqlite3_step(sql->s[i]));
    check(sql, sqlite3_reset(sql->s[i]));
}

static void
bind_amount(sqlite3_stmt *s, int first, const struct pc_amount *amount)
{
    for (int i = 0; i < PC_N_AMOUNTS; i++) {
        sqlite3_bind_int64(s, first + i, amount->value[i]);
    }
}

void
engine_sql_add_node(struct engine_sql *sql, const struct sql_node *node)
{
    sqlite3_stmt *s = sql->s[ADD_NODE];
    char *name = xasprintf("n%06d", node->id);

    sqlite3_bind_int(s, 1, node->id);
    sqlite3_bind_int(s, 2, node->cloudlet);
    sqlite3_bind_text(s, 3, name, -1, SQLITE_TRANSIENT);
    bind_amount(s, 4, &node->total);
    bind_amount(s, 8, &node->third_limit);
    run(sql, ADD_NODE);
    free(name);
}

void
engine_sql_add_near(struct engine_sql *sql, int pop, int rank, int cloudlet)
{
    sqlite3_stmt *s = sql->s[ADD_NEAR];

    sqlite3_bind_int(s, 1, pop);
    sqlite3_bind_int(s, 2, rank);
    sqlite3_bind_int(s, 3, cloudlet);
    run(sql, ADD_NEAR);
}

void
engine_sql_begin(struct engine_sql *sql)
{
    run(sql, BEGIN);
}

void
engine_sql_commit(struct engine_sql *sql)
{
    run(sql, COMMIT);
}

void
engine_sql_analyze(struct engine_sql *sql)
{
    check(sql, sqlite3_exec(sql->db, "ANALYZE", NULL, NULL, NULL));
}

/* Does 'slot' fit on the node of the current row of NODES? */
static bool
fits(struct engine_sql *sql, const struct pc_slot *slot, bool isp)
{
    sqlite3_stmt *s = sql->s[CHECK], *node = sql->s[NODES];
    int rc;

    sqlite3_bind_int(s, 1, sqlite3_column_int(node, 0));
    sqlite3_bind_int64(s, 2, slot->begin);
    sqlite3_bind_int64(s, 3, slot->end);
    for (int i = 0; i < PC_N_AMOUNTS; i++) {
        int64_t amount = slot->amount.value[i];
        int64_t all = sqlite3_column_int64(node, 1 + i) - amount;
        int64_t third = sqlite3_column_int64(node, 5 + i) - amount;

        if (all < 0 || (!isp && third < 0)) {
            return false;
        }
        sqlite3_bind_int64(s, 4 + i, all);
        sqlite3_bind_int64(s, 8 + i, isp ? INT64_MAX : third);
    }
    rc = sqlite3_step(s);
    if (rc != SQLITE_ROW) {
        check(sql, rc);
    }
    sqlite3_reset(s);
    return rc != SQLITE_ROW;
}

/* The first node of 'cloudlet' that does, -1 for none. */
static int
place_in(struct engine_sql *sql, const struct sql_request *r, int cloudlet)
{
    sqlite3_stmt *nodes = sql->s[NODES];
    int found = -1;

    sqlite3_bind_int(nodes, 1, cloudlet);
    while (found < 0 && sqlite3_step(nodes) == SQLITE_ROW) {
        size_t i;

        for (i = 0; i < r->n_slots && fits(sql, &r->slots[i], r->isp); i++) {
            continue;
        }
        if (i == r->n_slots) {
            found = sqlite3_column_int(nodes, 0);
        }
    }
    check(sql, sqlite3_reset(nodes));
    return found;
}

int
engine_sql_place(struct engine_sql *sql, const struct sql_request *r)
{
    sqlite3_stmt *cloudlets = sql->s[CLOUDLETS];
    int found = -1;

    sqlite3_bind_int(cloudlets, 1, r->pop);
    while (found < 0 && sqlite3_step(cloudlets) == SQLITE_ROW) {
        found = place_in(sql, r, sqlite3_column_int(cloudlets, 0));
    }
    check(sql, sqlite3_reset(cloudlets));
    return found;
}

static void
book(struct engine_sql *sql, const struct sql_request *r, int node, int sign)
{
    sqlite3_stmt *s = sql->s[BOOK];
    struct pc_amount sum = { .value = { 0 } };

    for (size_t i = 0; i < r->n_slots; i++) {
        const struct pc_slot *slot = &r->slots[i];

        for (int j = 0; j < PC_N_AMOUNTS; j++) {
            sum.value[j] += (sign * slot->amount.value[j]
                             * (slot->end - slot->begin));
        }
    }
    sqlite3_bind_int(s, 1, node);
    bind_amount(s, 2, &sum);
    run(sql, BOOK);
}

void
engine_sql_insert(struct engine_sql *sql, const struct sql_request *r,
                  int node)
{
    sqlite3_stmt *s = sql->s[INSERT];

    for (size_t i = 0; i < r->n_slots; i++) {
        sqlite3_bind_int(s, 1, r->id);
        sqlite3_bind_int(s, 2, node);
        sqlite3_bind_int64(s, 3, r->slots[i].begin);
        sqlite3_bind_int64(s, 4, r->slots[i].end);
        sqlite3_bind_int(s, 5, r->isp);
        bind_amount(s, 6, &r->slots[i].amount);
        run(sql, INSERT);
    }
    book(sql, r, node, 1);
}

void
engine_sql_remove(struct engine_sql *sql, const struct sql_request *r,
                  int node)
{
    sqlite3_bind_int(sql->s[REMOVE], 1, r->id);
    run(sql, REMOVE);
    book(sql, r, node, -1);
}
#endif /* HAVE_SQLITE3 */
