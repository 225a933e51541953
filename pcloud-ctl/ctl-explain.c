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

/* Commands that the agent answers: flows, trace, stats.  They work without
 * the database. */

#include <config.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Passes 'command' with 'args', and -f json if that was asked for, to the
 * agent, and prints its answer. */
static void
explain(struct ctl_context *ctx, const char *command, struct svec *args)
{
    struct ctl_run *run = ctl_run_from_context(ctx);
    char *reply;

    if (run->format_given && run->style.format == TF_JSON) {
        svec_add(args, "-f");
        svec_add(args, "json");
    }
    svec_terminate(args);

    char *error = ctl_agent_transact(run, command, args->n, args->names,
                                     &reply);
    svec_destroy(args);
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return;
    }
    ds_put_cstr(&ctx->output, reply);
    if (ctx->output.length && ds_last(&ctx->output) != '\n') {
        ds_put_char(&ctx->output, '\n');
    }
    free(reply);
}

static void
cmd_flows(struct ctl_context *ctx)
{
    struct svec args = SVEC_EMPTY_INITIALIZER;

    if (shash_find(&ctx->options, "--diff")) {
        svec_add(&args, "--diff");
    }
    explain(ctx, "controller/flows", &args);
}

static void
cmd_trace(struct ctl_context *ctx)
{
    const char *router = shash_find_data(&ctx->options, "--router");
    struct svec args = SVEC_EMPTY_INITIALIZER;

    if (shash_find(&ctx->options, "--forward")) {
        svec_add(&args, "--forward");
    }
    if (router) {
        svec_add_nocopy(&args, xasprintf("--router=%s", router));
    }
    svec_add(&args, ctx->argv[1]);
    explain(ctx, "controller/trace", &args);
}

static void
cmd_stats(struct ctl_context *ctx)
{
    struct svec args = SVEC_EMPTY_INITIALIZER;

    if (ctx->argc > 1) {
        svec_add(&args, ctx->argv[1]);
    }
    explain(ctx, "controller/stats", &args);
}

const struct ctl_command_syntax ctl_explain_commands[] = {
    {"flows", 0, 0, "", NULL, cmd_flows, NULL, "--diff", RO},
    {"trace", 1, 1, "ARG", NULL, cmd_trace, NULL, "--forward,--router=", RO},
    {"stats", 0, 1, "[SERVICE]", NULL, cmd_stats, NULL, "", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
