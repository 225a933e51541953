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

#ifndef PC_SCHEMA_H
#define PC_SCHEMA_H 1

/* Does the database have what this program was built for?
 *
 * Schemas only grow, by tables and columns (tests/schema-grows).  A program that
 * meets a newer one does not see what is new.
 * One that meets an older one must not write: the server would refuse each
 * transaction that touches a column which is not there, with all that is right
 * in it.
 *
 * Thread-safety: no state. */

#include <stdbool.h>
#include "openvswitch/compiler.h"

struct ovsdb_idl;

/* Returns NULL if the server that 'idl' is connected to has every table and column
 * of this program's schema, or a line, which the caller frees, that says what is
 * missing and what to do about it.  'idl' must monitor all tables and have been
 * connected. */
char *pc_schema_check(const struct ovsdb_idl *idl) OVS_WARN_UNUSED_RESULT;

/* Is 'error', of a transaction, about a table or column that the server does not
 * have? */
bool pc_schema_is_cause(const char *error);

/* What to do then, for the end of a line. */
#define PC_SCHEMA_ADVICE \
    "its schema is older than this program: convert it with " \
    "\"ovsdb-client convert\", see packetcloud(7)"

#endif /* pc-schema.h */
