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

#ifndef PC_RBAC_H
#define PC_RBAC_H 1

/* What agents may change in the database, by role.
 *
 * This is the contents of the tables RBAC_Role and RBAC_Permission, by which
 * ovsdb-server decides about clients of a Connection with a role; see
 * packetcloud(5).  "pcloud-ctl rbac-init" puts it there.
 *
 * A column that an agent begins to write belongs here as well, and one that it
 * writes no more goes: tests/check-rules looks in the sources of each role.
 *
 * Thread-safety: constants. */

#include <stdbool.h>

#define PC_RBAC_MAX_UPDATE 20

struct pc_rbac_permission {
    const char *table;

    /* Columns of 'table', separated by spaces, one of which must be the client's
     * name, the CN of its certificate, in every row that it changes; "": any
     * row. */
    const char *authorization;

    bool insert_delete;         /* May rows be added and deleted? */

    /* Columns that may be changed; a NULL ends them. */
    const char *update[PC_RBAC_MAX_UPDATE];
};

struct pc_rbac_role {
    const char *name;
    const struct pc_rbac_permission *permissions; /* A NULL table ends them. */
};

/* All roles; a NULL name ends them. */
extern const struct pc_rbac_role pc_rbac_roles[];

#endif /* pc-rbac.h */
