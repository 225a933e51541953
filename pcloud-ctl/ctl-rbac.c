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

/* Access control of the database: rbac-init. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-rbac.h"
#include "util.h"

/* What follows needs no more than the tables themselves. */
static void
pre_rbac(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_rbac_role_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rbac_role_col_permissions);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rbac_permission_col_table);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rbac_permission_col_authorization);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rbac_permission_col_insert_delete);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rbac_permission_col_update);
}

static struct pcrec_rbac_permission *
insert_permission(struct ctl_context *ctx, const struct pc_rbac_permission *p)
{
    struct pcrec_rbac_permission *row
        = pcrec_rbac_permission_insert(ctx->txn);
    struct svec authorization = SVEC_EMPTY_INITIALIZER;
    size_t n = 0;

    svec_parse_words(&authorization, p->authorization);
    if (!authorization.n) {
        svec_add(&authorization, "");
    }

    while (n < PC_RBAC_MAX_UPDATE && p->update[n]) {
        n++;
    }
    pcrec_rbac_permission_set_table(row, p->table);
    pcrec_rbac_permission_set_authorization(
        row, (const char **) authorization.names, authorization.n);
    svec_destroy(&authorization);
    pcrec_rbac_permission_set_insert_delete(row, p->insert_delete);
    pcrec_rbac_permission_set_update(row, (const char **) p->update, n);
    return row;
}

static const struct pcrec_rbac_role *
find_role(struct ctl_context *ctx, const char *name)
{
    const struct pcrec_rbac_role *row;

    PCREC_RBAC_ROLE_FOR_EACH (row, ctx->idl) {
        if (!strcmp(row->name, name)) {
            return row;
        }
    }
    row = pcrec_rbac_role_insert(ctx->txn);
    pcrec_rbac_role_set_name(row, name);
    return row;
}

/* Gives the roles of this version their permissions, instead of those that they
 * had.  Other roles are the operator's. */
static void
cmd_rbac_init(struct ctl_context *ctx)
{
    for (const struct pc_rbac_role *r = pc_rbac_roles; r->name; r++) {
        const struct pcrec_rbac_role *row = find_role(ctx, r->name);
        struct pcrec_rbac_permission *rows[PCREC_N_TABLES];
        const char *tables[PCREC_N_TABLES];
        size_t n = 0;

        for (; r->permissions[n].table; n++) {
            tables[n] = r->permissions[n].table;
            rows[n] = insert_permission(ctx, &r->permissions[n]);
        }
        pcrec_rbac_role_set_permissions(row, tables, rows, n);
    }
}

const struct ctl_command_syntax ctl_rbac_commands[] = {
    {"rbac-init", 0, 0, "", pre_rbac, cmd_rbac_init, NULL, "", RW},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
