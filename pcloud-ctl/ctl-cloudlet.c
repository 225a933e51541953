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

/* Where a cloudlet is and how it is used: what cloudlet-add and cloudlet-set
 * take. */

#include <config.h>

#include "pcloud-ctl.h"

#include "smap.h"
#include "util.h"

enum { POP, POLICY, REPORT_INTERVAL, SUSPECT_AFTER, DOWN_AFTER, N_CLOUDLET };
#define CLOUDLET_ARGS { [POP] = { .key = "pop" },                           \
                        [POLICY] = { .key = "policy" },                     \
                        [REPORT_INTERVAL] = { .key = "report-interval" },   \
                        [SUSPECT_AFTER] = { .key = "suspect-after" },       \
                        [DOWN_AFTER] = { .key = "down-after" } }

/* An hour: longer is as good as never. */
enum { MIN_MS = 100, MAX_MS = 60 * 60 * 1000 };

void
ctl_pre_cloudlet_settings(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_pop_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_pop);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_options);
}

/* Checks 'args'; an empty value is fine.  Sets '*pop'. */
static bool
check_settings(struct ctl_context *ctx, const struct ctl_arg args[N_CLOUDLET],
               const struct pcrec_pop **pop)
{
    static const char *const policies[] = { "least-loaded", "best-fit", NULL };

    *pop = NULL;
    for (size_t i = 0; i < N_CLOUDLET; i++) {
        const char *value = args[i].value;
        int64_t ms;

        if (!value || !*value) {
            continue;
        } else if (i == POP) {
            *pop = ctl_find_pop(ctx, value, CTL_MUST_EXIST);
            if (!*pop) {
                return false;
            }
        } else if (!(i == POLICY
                     ? ctl_parse_enum(ctx, args[i].key, value, policies)
                     : ctl_parse_int(ctx, args[i].key, value, MIN_MS, MAX_MS,
                                     &ms))) {
            return false;
        }
    }
    return true;
}

/* Applies the command's words from number 2 on, KEY=VALUE, to 'cloudlet', or checks
 * them if that is NULL. */
bool
ctl_cloudlet_settings(struct ctl_context *ctx,
                      const struct pcrec_cloudlet *cloudlet)
{
    struct ctl_arg args[N_CLOUDLET] = CLOUDLET_ARGS;
    const struct pcrec_pop *pop;

    if (!ctl_parse_args(ctx, 2, args, N_CLOUDLET)
        || !check_settings(ctx, args, &pop)) {
        return false;
    } else if (!cloudlet) {
        return true;
    }

    if (args[POP].value) {
        pcrec_cloudlet_set_pop(cloudlet, pop);
    }
    struct smap options;
    smap_clone(&options, &cloudlet->options);
    for (size_t i = POLICY; i < N_CLOUDLET; i++) {
        if (args[i].value && *args[i].value) {
            smap_replace(&options, args[i].key, args[i].value);
        } else if (args[i].value) {
            smap_remove(&options, args[i].key);
        }
    }
    if (!smap_equal(&options, &cloudlet->options)) {
        pcrec_cloudlet_verify_options(cloudlet);
        pcrec_cloudlet_set_options(cloudlet, &options);
    }
    smap_destroy(&options);
    return true;
}

static void
cmd_cloudlet_set(struct ctl_context *ctx)
{
    const struct pcrec_cloudlet *cloudlet
        = ctl_find_cloudlet(ctx, ctx->argv[1], CTL_MUST_EXIST);

    if (cloudlet) {
        ignore(ctl_cloudlet_settings(ctx, cloudlet));
    }
}

const struct ctl_command_syntax ctl_cloudlet_commands[] = {
    {"cloudlet-set", 1, INT_MAX, "CLOUDLET [KEY=VALUE]...",
     ctl_pre_cloudlet_settings, cmd_cloudlet_set, NULL, "", RW},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
