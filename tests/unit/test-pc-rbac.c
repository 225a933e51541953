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
#include "pc-rbac.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pc-idl.h"
#include "ovsdb-idl-provider.h"
#include "pc-test.h"
#include "svec.h"
#include "util.h"

static const struct ovsdb_idl_table_class *
find_table(const char *name)
{
    for (size_t i = 0; i < pcrec_idl_class.n_tables; i++) {
        if (!strcmp(pcrec_idl_class.tables[i].name, name)) {
            return &pcrec_idl_class.tables[i];
        }
    }
    return NULL;
}

static const struct ovsdb_idl_column *
find_column(const struct ovsdb_idl_table_class *table, const char *name)
{
    for (size_t i = 0; table && i < table->n_columns; i++) {
        if (!strcmp(table->columns[i].name, name)) {
            return &table->columns[i];
        }
    }
    return NULL;
}

static const struct pc_rbac_permission *
find_permission(const char *role, const char *table)
{
    for (const struct pc_rbac_role *r = pc_rbac_roles; r->name; r++) {
        for (const struct pc_rbac_permission *p = r->permissions;
             !strcmp(r->name, role) && p->table; p++) {
            if (!strcmp(p->table, table)) {
                return p;
            }
        }
    }
    return NULL;
}

/* All that is permitted exists, and nothing is named twice.  (The server takes
 * a name that does not exist for something that never happens.) */
START_TEST(test_schema)
{
    for (const struct pc_rbac_role *r = pc_rbac_roles; r->name; r++) {
        for (const struct pc_rbac_permission *p = r->permissions; p->table;
             p++) {
            const struct ovsdb_idl_table_class *table = find_table(p->table);

            ck_assert_msg(table != NULL, "%s: %s", r->name, p->table);
            ck_assert_ptr_eq(find_permission(r->name, p->table), p);
            struct svec names = SVEC_EMPTY_INITIALIZER;
            svec_parse_words(&names, p->authorization);
            for (size_t i = 0; i < names.n; i++) {
                const struct ovsdb_idl_column *c
                    = find_column(table, names.names[i]);

                ck_assert_msg(c && c->type.key.type == OVSDB_TYPE_STRING
                              && c->type.n_max == 1 && c->type.n_min == 1,
                              "%s: %s.%s", r->name, p->table,
                              names.names[i]);
            }
            svec_destroy(&names);
            for (size_t i = 0; p->update[i]; i++) {
                ck_assert_int_lt(i, PC_RBAC_MAX_UPDATE - 1);
                ck_assert_msg(find_column(table, p->update[i]) != NULL,
                              "%s: %s.%s", r->name, p->table, p->update[i]);
                ck_assert_msg(!i || strcmp(p->update[i - 1],
                                           p->update[i]) < 0,
                              "%s: %s.%s", r->name, p->table, p->update[i]);
            }
        }
    }
}
END_TEST

/* A node's agent cannot give itself other rows: no column that it may change is
 * one by which it is authorized. */
START_TEST(test_authorization)
{
    for (const struct pc_rbac_role *r = pc_rbac_roles; r->name; r++) {
        for (const struct pc_rbac_permission *p = r->permissions; p->table;
             p++) {
            struct svec names = SVEC_EMPTY_INITIALIZER;
            svec_parse_words(&names, p->authorization);
            for (size_t i = 0; names.n && p->update[i]; i++) {
                ck_assert(!svec_contains_unsorted(&names, p->update[i]));
            }
            svec_destroy(&names);
        }
    }
}
END_TEST

/* What is not bound to the node is what the manual says, and nobody who has a
 * role changes the roles. */
START_TEST(test_exceptions)
{
    for (const struct pc_rbac_role *r = pc_rbac_roles; r->name; r++) {
        ck_assert_ptr_null(find_permission(r->name, "RBAC_Role"));
        ck_assert_ptr_null(find_permission(r->name, "RBAC_Permission"));
        ck_assert_ptr_null(find_permission(r->name, "Connection"));
        ck_assert_ptr_null(find_permission(r->name, "SSL"));
        for (const struct pc_rbac_permission *p = r->permissions;
             !strcmp(r->name, "pcloud-node") && p->table; p++) {
            ck_assert_msg(p->authorization[0] || !strcmp(p->table, "Image")
                          || !strcmp(p->table, "Inspection"), "%s", p->table);
        }
    }
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, test_schema);
    tcase_add_test(tc, test_authorization);
    tcase_add_test(tc, test_exceptions);
    return pc_test_run("pc-rbac", tc);
}
