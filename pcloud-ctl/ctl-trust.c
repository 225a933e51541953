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

/* Commands by which the ISP limits a VI: restrict, quarantine,
 * terminate, and what vi-set does. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-units.h"
#include "smap.h"
#include "util.h"

static void
pre_trust(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_service_col_name, &pcrec_service_col_mode,
        &pcrec_vi_col_name, &pcrec_vi_col_service, &pcrec_vi_col_capacity,
        &pcrec_vi_col_restrictions, &pcrec_vi_col_quarantined,
        &pcrec_vi_col_admin_state, &pcrec_vi_col_options, &pcrec_vi_col_error,
    };

    ctl_use_vis(ctl_run_from_context(ctx));
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
    ctl_need_vi_by_name(ctx, ctx->argv[1]);
}

/* restrict */

/* Is 'value' of 'key' less than what 'vi' has anyway? */
static bool
check_tighter(struct ctl_context *ctx, const struct pcrec_vi *vi,
              const char *key, int64_t value)
{
    for (size_t i = 0; i < vi->n_capacity; i++) {
        if (!strcmp(vi->key_capacity[i], key)
            && value >= vi->value_capacity[i]) {
            char *wanted = pc_units_format_capacity(key, value);
            char *has = pc_units_format_capacity(key, vi->value_capacity[i]);

            ctl_error(ctx, "%s: %s is no restriction: VI \"%s\" has %s", key,
                      wanted, vi->name, has);
            free(wanted);
            free(has);
            return false;
        }
    }
    return true;
}

static bool
check_restrictions(struct ctl_context *ctx, const struct pcrec_vi *vi,
                   const char *const keys[], const int64_t values[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!check_tighter(ctx, vi, keys[i], values[i])) {
            return false;
        }
    }
    return true;
}

static void
cmd_restrict(struct ctl_context *ctx)
{
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);
    bool clear = shash_find(&ctx->options, "--clear") != NULL;
    struct smap wanted = SMAP_INITIALIZER(&wanted);
    struct ctl_arg args[PC_N_CAPACITY];

    for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
        args[i] = (struct ctl_arg) { .key = pc_capacity_names[i] };
    }
    if (!vi || !ctl_parse_args(ctx, 2, args, ARRAY_SIZE(args))) {
        return;
    } else if (clear && ctx->argc > 2) {
        ctl_error(ctx, "--clear takes no limits: it undoes all of them");
        return;
    } else if (clear) {
        pcrec_vi_set_restrictions(vi, NULL, NULL, 0);
        return;
    } else if (ctx->argc == 2) {
        ctl_error(ctx, "say what to restrict, for example cpu=500m");
        return;
    }
    ctl_capacity_from_arrays(&wanted, vi->key_restrictions,
                             vi->value_restrictions, vi->n_restrictions);
    if (ctl_parse_capacity(ctx, args, &wanted)) {
        const char *keys[PC_N_CAPACITY];
        int64_t values[PC_N_CAPACITY];
        size_t n = ctl_capacity_to_arrays(&wanted, keys, values);

        if (check_restrictions(ctx, vi, keys, values, n)) {
            pcrec_vi_verify_restrictions(vi);
            pcrec_vi_set_restrictions(vi, keys, values, n);
            ctl_watch_restrict(ctx, vi, keys, values, n);
        }
    }
    smap_destroy(&wanted);
}

/* quarantine */

static void
cmd_quarantine(struct ctl_context *ctx)
{
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);

    if (vi) {
        pcrec_vi_set_quarantined(vi, !shash_find(&ctx->options, "--undo"));
    }
}

/* terminate */

static void
cmd_terminate(struct ctl_context *ctx)
{
    const struct pcrec_vi *vi = ctl_find_vi(ctx, ctx->argv[1],
                                            CTL_MUST_EXIST);
    bool undo = shash_find(&ctx->options, "--undo") != NULL;

    if (vi && undo && strcmp(vi->admin_state, "down")) {
        ctl_error(ctx, "VI \"%s\" is not terminated", vi->name);
    } else if (vi) {
        pcrec_vi_set_admin_state(vi, undo ? "up" : "down");
    }
}

/* Sets vi-set's anti-spoof= of 'vi'.  Returns false after an error. */
bool
ctl_set_anti_spoof(struct ctl_context *ctx, const struct pcrec_vi *vi,
                   const char *value)
{
    static const char *const choices[] = { "on", "off", "default", NULL };
    const char *mode = vi->service ? vi->service->mode : "";

    if (!ctl_parse_enum(ctx, "anti-spoof", value, choices)) {
        return false;
    } else if (!strcmp(value, "on") && (!strcmp(mode, "inline")
                                        || !strcmp(mode, "tap"))) {
        ctl_error(ctx, "anti-spoof: frames of VI \"%s\" keep their senders' "
                  "addresses, as mode %s is meant to", vi->name, mode);
        return false;
    } else if (!strcmp(value, "default")) {
        pcrec_vi_update_options_delkey(vi, "anti-spoof");
    } else {
        pcrec_vi_update_options_setkey(vi, "anti-spoof", value);
    }
    return true;
}

const struct ctl_command_syntax ctl_trust_commands[] = {
    {"restrict", 1, INT_MAX, "VI [KEY=VALUE]...", pre_trust, cmd_restrict,
     NULL, "--clear", RW},
    {"quarantine", 1, 1, "VI", pre_trust, cmd_quarantine, NULL, "--undo", RW},
    {"terminate", 1, 1, "VI", pre_trust, cmd_terminate, NULL, "--undo", RW},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
