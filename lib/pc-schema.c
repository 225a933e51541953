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

#include "pc-schema.h"

#include <string.h>

#include "lib/pc-idl.h"
#include "ovsdb-idl.h"
#include "ovsdb-idl-provider.h"
#include "util.h"

char *
pc_schema_check(const struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < pcrec_idl_class.n_tables; i++) {
        const struct ovsdb_idl_table_class *table
            = &pcrec_idl_class.tables[i];

        if (!ovsdb_idl_server_has_table(idl, table)) {
            return xasprintf("the database has no table %s: "
                             PC_SCHEMA_ADVICE, table->name);
        }
        for (size_t j = 0; j < table->n_columns; j++) {
            if (!ovsdb_idl_server_has_column(idl, &table->columns[j])) {
                return xasprintf("table %s of the database has no column %s: "
                                 PC_SCHEMA_ADVICE, table->name,
                                 table->columns[j].name);
            }
        }
    }
    return NULL;
}

bool
pc_schema_is_cause(const char *error)
{
    return (error && (strstr(error, "No column ")
                      || strstr(error, "No table named ")
                      || strstr(error, " is not a valid column name")));
}
