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

/* What a rule shares with others.  The agent on this machine keeps them in order
 * and knows at once; if none runs here, nothing is said: the column status of
 * the table Rule says it too. */

#include <config.h>

#include <stdio.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* More rules than this in one command line are a bulk load: they are not asked
 * about. */
#define MAX_ASKED 500

/* Adds to 'args' a question about 'rule'. */
static void
add_question(struct svec *args, const struct ctl_rule *rule,
             const struct uuid *uuid, const char *target)
{
    svec_add_nocopy(args, xasprintf(UUID_FMT, UUID_ARGS(uuid)));
    svec_add(args, target);
    svec_add_nocopy(args, xasprintf("%"PRId64, rule->priority));
    svec_add(args, rule->direction);
    svec_add(args, rule->after ? rule->after : "");
    svec_add(args, rule->match);
}

/* Returns the agent's answer to 'args', one line each, for the caller to free;
 * NULL if there is none. */
static char *
ask(struct ctl_run *run, struct svec *args)
{
    char *reply = NULL, *error;

    svec_terminate(args);
    error = ctl_agent_transact(run, "controller/overlap", args->n,
                               args->names, &reply);
    free(error);
    return reply;
}

/* Remembers that 'rule' of the service or chain 'target' has been added with
 * 'uuid', so that ctl_overlap_report() will ask about it. */
void
ctl_overlap_add(struct ctl_context *ctx, const struct ctl_rule *rule,
                const struct uuid *uuid, const char *target)
{
    struct ctl_run *run = ctl_run_from_context(ctx);

    if (run->asked.n < 6 * MAX_ASKED) {
        add_question(&run->asked, rule, uuid, target);
    }
}

/* Warns of packets that the rules which were added do not get, or whose way is
 * not defined.  The change is in the database already. */
void
ctl_overlap_report(struct ctl_run *run)
{
    char *reply = run->asked.n ? ask(run, &run->asked) : NULL;
    char *save_ptr = NULL;

    if (reply) {
        for (char *line = strtok_r(reply, "\n", &save_ptr); line;
             line = strtok_r(NULL, "\n", &save_ptr)) {
            if (!strncmp(line, "warning: ", 9)) {
                ovs_error(0, "%s", line);
            }
        }
    }
    free(reply);
}

/* Appends to the output what the agent says of 'rule', which is not there. */
void
ctl_overlap_check(struct ctl_context *ctx, const struct ctl_rule *rule,
                  const char *target)
{
    struct svec args = SVEC_EMPTY_INITIALIZER;
    struct uuid uuid;

    uuid_generate(&uuid);
    add_question(&args, rule, &uuid, target);

    char *reply = ask(ctl_run_from_context(ctx), &args);
    ds_put_cstr(&ctx->output, reply ? reply : "");
    free(reply);
    svec_destroy(&args);
}
