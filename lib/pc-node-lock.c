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
#include "pc-node-private.h"

#include <stdlib.h>

#include "lib/pc-idl.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "uuid.h"

/* The OVSDB lock by which others see that a node's agent runs.  The server takes
 * it away when the connection ends, or answers no more.  Nothing that the node
 * does depends on it. */

/* Returns the name of the OVSDB lock that the agent of the node with 'uuid'
 * holds while it runs, for the caller to free. */
char *
pc_node_lock_name(const struct uuid *uuid)
{
    return xasprintf("packetcloud_node_%08x%08x%08x%08x", uuid->parts[0],
                     uuid->parts[1], uuid->parts[2], uuid->parts[3]);
}

/* Returns a new connection to the database 'remote' that is to hold the lock; if
 * 'remote' is NULL, so is that. */
struct ovsdb_idl *
pc_node_lock_create(const char *remote)
{
    struct ovsdb_idl *idl = NULL;

    if (remote) {
        /* A connection of its own: on that of the agent the lack of a lock
         * would keep all roles from writing. */
        idl = ovsdb_idl_create(remote, &pcrec_idl_class, false, true);
        ovsdb_idl_add_column(idl, &pcrec_cloudlet_col_name);
    }
    return idl;
}

/* From now on the lock is that of the node 'row'; NULL: none. */
void
pc_node_lock_set(const struct pc_node *n, const struct pcrec_node *row)
{
    if (n->lock_idl) {
        char *name = row ? pc_node_lock_name(&row->header_.uuid) : NULL;

        ovsdb_idl_set_lock(n->lock_idl, name);
        free(name);
    }
}

void
pc_node_lock_run(struct pc_node *n)
{
    if (n->lock_idl) {
        ovsdb_idl_run(n->lock_idl);
    }
}

void
pc_node_lock_wait(const struct pc_node *n)
{
    if (n->lock_idl) {
        ovsdb_idl_wait(n->lock_idl);
    }
}
