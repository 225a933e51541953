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

/* Commands: vi-type-add, vi-type-del, vi-type-list. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-units.h"
#include "smap.h"
#include "util.h"

static void
pre_vi_type(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_capacity);
}

static void
cmd_vi_type_add(struct ctl_context *ctx)
{
    struct ctl_arg args[PC_N_CAPACITY] = { CTL_CAPACITY_ARGS };
    struct smap capacity = SMAP_INITIALIZER(&capacity);
    const char *name = ctx->argv[1];

    if (!ctl_check_name(ctx, "VI type", name)
        || !ctl_parse_args(ctx, 2, args, PC_N_CAPACITY)
        || !ctl_parse_capacity(ctx, args, &capacity)) {
        /* Reported. */
    } else if (ctl_find_vi_type(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a VI type \"%s\" already", name);
        }
    } else if (smap_is_empty(&capacity)) {
        ctl_error(ctx, "a VI type needs a capacity, for example cpu=500m "
                  "memory=256MiB");
    } else {
        struct pcrec_vi_type *type = pcrec_vi_type_insert(ctx->txn);
        const char *keys[PC_N_CAPACITY];
        int64_t values[PC_N_CAPACITY];
        size_t n = ctl_capacity_to_arrays(&capacity, keys, values);

        pcrec_vi_type_set_name(type, name);
        pcrec_vi_type_set_capacity(type, keys, values, n);
    }
    smap_destroy(&capacity);
}

static void
pre_vi_type_del(struct ctl_context *ctx)
{
    pre_vi_type(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_type);
}

static void
cmd_vi_type_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_vi_type *type
        = ctl_find_vi_type(ctx, ctx->argv[1],
                           must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_service *s, *user = NULL;

    if (!type) {
        return;
    }
    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        if (s->type == type
            && (!user || strcmp(s->name, user->name) < 0)) {
            user = s;
        }
    }
    if (user) {
        ctl_error(ctx, "service \"%s\" uses VI type \"%s\"", user->name,
                  type->name);
        return;
    }
    pcrec_vi_type_delete(type);
}

static void
cmd_vi_type_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name cpu memory disk network "
                                           "pids io iops");
    const struct pcrec_vi_type *type;

    PCREC_VI_TYPE_FOR_EACH (type, ctx->idl) {
        ctl_cell(t, "%s", type->name);
        for (size_t i = 0; i < PC_N_CAPACITY; i++) {
            char *text = NULL;

            for (size_t j = 0; j < type->n_capacity; j++) {
                if (!strcmp(type->key_capacity[j], pc_capacity_names[i])) {
                    text = pc_units_format_capacity(type->key_capacity[j],
                                                    type->value_capacity[j]);
                }
            }
            ctl_cell(t, "%s", text ? text : "none");
            free(text);
        }
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_vi_type_commands[] = {
    {"vi-type-add", 1, INT_MAX, "NEW-TYPE [KEY=VALUE]...", pre_vi_type,
     cmd_vi_type_add, NULL, "--may-exist", RW},
    {"vi-type-del", 1, 1, "TYPE", pre_vi_type_del, cmd_vi_type_del, NULL,
     "--if-exists", RW},
    {"vi-type-list", 0, 0, "", pre_vi_type, cmd_vi_type_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
