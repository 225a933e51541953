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

#include "pc-lock.h"

#include <stdlib.h>

#include "lib/pc-idl.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "uuid.h"

struct pc_lock {
    struct ovsdb_idl *idl;
};

char *
pc_lock_name(const char *role, const struct uuid *row)
{
    return (row
            ? xasprintf("packetcloud_%s_%08x%08x%08x%08x", role,
                        row->parts[0], row->parts[1], row->parts[2],
                        row->parts[3])
            : xasprintf("packetcloud_%s", role));
}

struct pc_lock *
pc_lock_create(const char *remote)
{
    if (!remote) {
        return NULL;
    }

    struct pc_lock *lock = xmalloc(sizeof *lock);

    /* Not the connection of the agent: there the lack of a lock would keep all
     * roles from writing.  The column is there because an IDL must have one. */
    lock->idl = ovsdb_idl_create_unconnected(&pcrec_idl_class, false);
    ovsdb_idl_add_column(lock->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_set_leader_only(lock->idl, true);
    ovsdb_idl_set_remote(lock->idl, remote, true);
    return lock;
}

void
pc_lock_destroy(struct pc_lock *lock)
{
    if (lock) {
        ovsdb_idl_destroy(lock->idl);
        free(lock);
    }
}

void
pc_lock_set(struct pc_lock *lock, const char *name)
{
    if (lock) {
        ovsdb_idl_set_lock(lock->idl, name);
    }
}

void
pc_lock_run(struct pc_lock *lock)
{
    if (lock) {
        ovsdb_idl_run(lock->idl);
    }
}

void
pc_lock_wait(const struct pc_lock *lock)
{
    if (lock) {
        ovsdb_idl_wait(lock->idl);
    }
}

bool
pc_lock_is_held(const struct pc_lock *lock)
{
    return !lock || ovsdb_idl_has_lock(lock->idl);
}

bool
pc_lock_is_contended(const struct pc_lock *lock)
{
    return lock && ovsdb_idl_is_lock_contended(lock->idl);
}
