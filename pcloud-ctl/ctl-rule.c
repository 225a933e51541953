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

/* Commands: rule-*.
 *
 * Matches are kept in their canonical form, so that equal matches are equal
 * strings: ctl-conflict.c makes UUIDs of them. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-match.h"
#include "pc-name.h"
#include "smap.h"
#include "util.h"

#define DEFAULT_PRIORITY 1000
#define MAX_PRIORITY 9999

enum { PRIORITY, DIRECTION, AFTER, N_RULE };
#define RULE_ARGS { [PRIORITY] = { .key = "priority" },                 \
                    [DIRECTION] = { .key = "direction" },               \
                    [AFTER] = { .key = "after" } }

static void
rule_destroy(struct ctl_rule *rule)
{
    free(rule->match);
    free(rule->reverse);
}

/* Parses words 2 and following of the command into '*rule', which the caller
 * must destroy in any case. */
static bool
rule_parse(struct ctl_context *ctx, struct ctl_rule *rule)
{
    static const char *const directions[] = {
        "both", "forward", "reverse", NULL
    };
    struct ctl_arg args[N_RULE] = RULE_ARGS;
    struct pc_rule_match match;

    memset(rule, 0, sizeof *rule);
    rule->priority = -1;
    if (!ctl_parse_args(ctx, 3, args, N_RULE)
        || (args[PRIORITY].value
            && !ctl_parse_int(ctx, "priority", args[PRIORITY].value, 0,
                              MAX_PRIORITY, &rule->priority))
        || (args[DIRECTION].value
            && !ctl_parse_enum(ctx, "direction", args[DIRECTION].value,
                               directions))) {
        return false;
    }
    rule->direction = args[DIRECTION].value;
    rule->after = args[AFTER].value;

    char *error = pc_rule_match_parse(ctx->argv[2], NULL, &match);
    if (!error) {
        error = pc_rule_match_check(&match,
                                    ctl_direction_from_string(rule->direction));
        rule->match = pc_rule_match_format(&match, PC_FORWARD, NULL);
        rule->reverse = pc_rule_match_format(&match, PC_REVERSE, NULL);
        pc_rule_match_destroy(&match);
        if (!error && rule->after && strstr(rule->match, "in_port")) {
            error = xasprintf("\"%s\" names a port, after=%s says where "
                              "packets come from", rule->match, rule->after);
        }
    }
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
    }
    return !error;
}

/* The name of what 'rule' belongs to, and what that is. */
static const char *
rule_owner(const struct pcrec_rule *rule, const char **what)
{
    *what = rule->chain ? "chain" : "service";
    return (rule->chain ? rule->chain->name
            : rule->service ? rule->service->name : "");
}

/* rule-add, rule-check */

static void
pre_owners(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_visible);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_name);

    /* Rules of other cloudlets are of no concern. */
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_cloudlet);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_cloudlet);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
}

static void
pre_rule(struct ctl_context *ctx)
{
    pre_owners(ctx);
    ctl_use_rules(ctl_run_from_context(ctx));
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_service);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_chain);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_match);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_priority);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_direction);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_options);
}

/* Checks the words before the database is reached.  The table Rule is not
 * monitored; see ctl-query.c. */
static void
pre_rule_add(struct ctl_context *ctx)
{
    struct ctl_rule rule;

    pre_owners(ctx);
    rule_parse(ctx, &rule);
    rule_destroy(&rule);
}

/* Finds service or chain 'name', which is to have rules. */
static bool
find_target(struct ctl_context *ctx, const char *name,
            const struct pcrec_service **servicep,
            const struct pcrec_chain **chainp)
{
    *servicep = ctl_find_service(ctx, name, CTL_MAY_EXIST);
    *chainp = *servicep ? NULL : ctl_find_chain(ctx, name, CTL_MAY_EXIST);
    if (!*servicep && !*chainp) {
        char *quoted = pc_name_quote(name);

        ctl_error(ctx, "there is no service or chain %s", quoted);
        free(quoted);
        return false;
    } else if (*servicep && (*servicep)->visible) {
        ctl_error(ctx, "service \"%s\" is visible: packets reach it by its "
                  "address, not by rules", name);
        return false;
    }
    return true;
}

/* Checks that there is what 'rule' is after, if anything, in the cloudlet of its
 * target 'name', which is one of 'service' and 'chain'. */
static bool
check_after(struct ctl_context *ctx, const struct ctl_rule *rule,
            const struct pcrec_service *service,
            const struct pcrec_chain *chain, const char *name)
{
    const struct pcrec_service *s;
    const struct pcrec_chain *c;

    if (!rule->after) {
        return true;
    } else if (!find_target(ctx, rule->after, &s, &c)) {
        return false;
    } else if (!strcmp(rule->after, name)) {
        ctl_error(ctx, "\"%s\" cannot be after itself", name);
        return false;
    } else if (ctl_cloudlet_of(s, c) != ctl_cloudlet_of(service, chain)) {
        ctl_error(ctx, "\"%s\" and \"%s\" are in different cloudlets", name,
                  rule->after);
        return false;
    }
    return true;
}

static void
set_rule_defaults(struct ctl_rule *rule)
{
    if (rule->priority < 0) {
        rule->priority = DEFAULT_PRIORITY;
    }
    if (!rule->direction) {
        rule->direction = "both";
    }
}

static void
cmd_rule_add(struct ctl_context *ctx)
{
    const struct pcrec_service *service;
    const struct pcrec_chain *chain;
    struct ctl_conflict c;
    struct ctl_rule rule;

    if (!rule_parse(ctx, &rule)
        || !find_target(ctx, ctx->argv[1], &service, &chain)
        || !check_after(ctx, &rule, service, chain, ctx->argv[1])) {
        rule_destroy(&rule);
        return;
    }
    set_rule_defaults(&rule);

    if (!ctl_conflict_find(ctx, &rule, ctl_cloudlet_of(service, chain), &c)) {
        /* Reported. */
    } else if (!c.match) {
        struct pcrec_rule *r = ctl_rule_insert(ctx, &rule, &c);

        pcrec_rule_set_service(r, service);
        pcrec_rule_set_chain(r, chain);
        ctl_watch_add(ctx, &r->header_, "rule \"%s\"", rule.match);
        ctl_overlap_add(ctx, &rule, &c.uuid, ctx->argv[1]);
    } else if (!shash_find(&ctx->options, "--may-exist")
               || c.service != service || c.chain != chain
               || strcmp(c.match, rule.match)
               || strcmp(c.direction, rule.direction)) {
        ctl_conflict_report(ctx, &rule, &c);
    }
    ctl_conflict_destroy(&c);
    rule_destroy(&rule);
}

/* Prints what 'rule' would divert. */
static void
print_rule(struct ds *out, const struct ctl_rule *rule)
{
    enum pc_rule_direction d = ctl_direction_from_string(rule->direction);

    if (d != PC_RULE_REVERSE) {
        ds_put_format(out, "forward: %s\n", rule->match);
    }
    if (d != PC_RULE_FORWARD) {
        ds_put_format(out, "reverse: %s\n", rule->reverse);
    }
    ds_put_format(out, "priority: %"PRId64"\n", rule->priority);
    if (rule->after) {
        ds_put_format(out, "after: %s\n", rule->after);
    }
}

/* Finds whose rule rule-check is about: a provider's, in the only cloudlet
 * (null if there are several), or one of a service or chain. */
static bool
find_checked(struct ctl_context *ctx, const struct ctl_rule *rule,
             const struct pcrec_cloudlet **cloudlet)
{
    const struct pcrec_service *service;
    const struct pcrec_chain *chain;

    if (ctl_find_provider(ctx, ctx->argv[1], CTL_MAY_EXIST)) {
        const struct pcrec_cloudlet *first = pcrec_cloudlet_first(ctx->idl);

        *cloudlet = first && !pcrec_cloudlet_next(first) ? first : NULL;
        return true;
    } else if (find_target(ctx, ctx->argv[1], &service, &chain)) {
        *cloudlet = ctl_cloudlet_of(service, chain);
        return check_after(ctx, rule, service, chain, ctx->argv[1]);
    }
    return false;
}

/* Says what a rule would divert, or why it cannot be. */
static void
cmd_rule_check(struct ctl_context *ctx)
{
    const struct pcrec_cloudlet *cloudlet;
    struct ctl_conflict c;
    struct ctl_rule rule;

    if (!rule_parse(ctx, &rule) || !find_checked(ctx, &rule, &cloudlet)) {
        rule_destroy(&rule);
        return;
    }
    set_rule_defaults(&rule);
    if (!ctl_conflict_find(ctx, &rule, cloudlet, &c)) {
        /* Reported. */
    } else if (c.match) {
        ctl_conflict_report(ctx, &rule, &c);
    } else {
        print_rule(&ctx->output, &rule);
        ctl_overlap_check(ctx, &rule, ctx->argv[1]);
    }
    ctl_conflict_destroy(&c);
    rule_destroy(&rule);
}

/* rule-del */

static void
pre_rule_del(struct ctl_context *ctx)
{
    struct ctl_rule rule;

    pre_rule(ctx);
    if (shash_find(&ctx->options, "--all")) {
        if (ctx->argc > 2) {
            ctl_error(ctx, "--all rules and a match do not go together");
        }
    } else if (ctx->argc < 3) {
        ctl_error(ctx, "say which rule of \"%s\": its match, or --all",
                  ctx->argv[1]);
    } else {
        if (rule_parse(ctx, &rule)) {
            ctl_need_rules_by_match(ctx, rule.match);
        }
        rule_destroy(&rule);
    }
}

static void
del_all_rules(struct ctl_context *ctx, const struct pcrec_service *service,
              const struct pcrec_chain *chain)
{
    const struct pcrec_rule *r, *next;

    if (service && !ctl_need_rules_of_service(ctx, service)) {
        return;
    } else if (chain && !ctl_need_rules_of_chain(ctx, chain)) {
        return;
    }
    PCREC_RULE_FOR_EACH_SAFE (r, next, ctx->idl) {
        if (r->service == service && r->chain == chain) {
            ctl_delete_rule(ctx, r);
        }
    }
}

static void
del_rule(struct ctl_context *ctx, const struct pcrec_service *service,
         const struct pcrec_chain *chain, const struct ctl_rule *rule)
{
    const struct pcrec_rule *r, *found = NULL;
    size_t n = 0;

    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        if (r->service == service && r->chain == chain
            && !strcmp(r->match, rule->match)
            && (rule->priority < 0 || r->priority == rule->priority)
            && (!rule->direction || !strcmp(r->direction, rule->direction))
            && (!rule->after
                || !strcmp(smap_get_def(&r->options, "after", ""),
                           rule->after))) {
            found = r;
            n++;
        }
    }
    if (n == 1) {
        ctl_delete_rule(ctx, found);
    } else if (n) {
        ctl_error(ctx, "\"%s\" has %"PRIuSIZE" rules \"%s\": say priority=, "
                  "direction= or after=", ctx->argv[1], n, rule->match);
    } else if (!shash_find(&ctx->options, "--if-exists")) {
        ctl_error(ctx, "\"%s\" has no such rule \"%s\"", ctx->argv[1],
                  rule->match);
    }
}

static void
cmd_rule_del(struct ctl_context *ctx)
{
    const struct pcrec_service *service;
    const struct pcrec_chain *chain;
    struct ctl_rule rule;

    if (shash_find(&ctx->options, "--if-exists")
        && !ctl_find_service(ctx, ctx->argv[1], CTL_MAY_EXIST)
        && !ctl_find_chain(ctx, ctx->argv[1], CTL_MAY_EXIST)) {
        return;
    } else if (!find_target(ctx, ctx->argv[1], &service, &chain)) {
        return;
    } else if (shash_find(&ctx->options, "--all")) {
        del_all_rules(ctx, service, chain);
        return;
    }
    if (rule_parse(ctx, &rule)) {
        del_rule(ctx, service, chain, &rule);
    }
    rule_destroy(&rule);
}

/* rule-list */

static void
pre_rule_list(struct ctl_context *ctx)
{
    pre_rule(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_error);
    if (ctx->argc == 1) {
        ctl_need_all_rules(ctx);
    }
}

static void
cmd_rule_list(struct ctl_context *ctx)
{
    const struct pcrec_service *service = NULL;
    const struct pcrec_chain *chain = NULL;
    const struct pcrec_rule *r;

    if (ctx->argc > 1
        && (!find_target(ctx, ctx->argv[1], &service, &chain)
            || (service && !ctl_need_rules_of_service(ctx, service))
            || (chain && !ctl_need_rules_of_chain(ctx, chain)))) {
        return;
    }

    struct ctl_table *t = ctl_table_create("owner priority direction match "
                                           "error after");
    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        if (ctx->argc == 1 || (r->service == service && r->chain == chain)) {
            const char *what;

            ctl_cell(t, "%s", rule_owner(r, &what));
            ctl_cell_int(t, r->priority);
            ctl_cell(t, "%s", r->direction);
            ctl_cell(t, "%s", r->match);
            ctl_cell(t, "%s", r->error);
            ctl_cell(t, "%s", smap_get_def(&r->options, "after", ""));
        }
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_rule_commands[] = {
    {"rule-add", 2, INT_MAX, "SERVICE ARG [KEY=VALUE]...", pre_rule_add,
     cmd_rule_add, NULL, "--may-exist", RW},
    {"rule-del", 1, INT_MAX, "SERVICE [ARG] [KEY=VALUE]...", pre_rule_del,
     cmd_rule_del, NULL, "--if-exists,--all", RW},
    {"rule-check", 2, INT_MAX, "SERVICE ARG [KEY=VALUE]...", pre_rule_add,
     cmd_rule_check, NULL, "", RO},
    {"rule-list", 0, 1, "[SERVICE]", pre_rule_list, cmd_rule_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
