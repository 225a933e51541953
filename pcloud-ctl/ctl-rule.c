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
 * strings, by which the database can be asked for them. */

#include <config.h>

#include "pcloud-ctl.h"

#include "pc-match.h"
#include "pc-name.h"
#include "util.h"

#define DEFAULT_PRIORITY 1000
#define MAX_PRIORITY 9999

enum { PRIORITY, DIRECTION, N_RULE };
#define RULE_ARGS { [PRIORITY] = { .key = "priority" },                 \
                    [DIRECTION] = { .key = "direction" } }

/* A rule as the command line gives it. */
struct rule {
    char *match;                /* Canonical. */
    char *reverse;              /* The same for the answers. */
    int64_t priority;           /* -1: not given. */
    const char *direction;      /* NULL: not given. */
};

static void
rule_destroy(struct rule *rule)
{
    free(rule->match);
    free(rule->reverse);
}

static enum pc_rule_direction
direction_from_string(const char *s)
{
    return (!s || !strcmp(s, "both") ? PC_RULE_BOTH
            : !strcmp(s, "forward") ? PC_RULE_FORWARD
            : PC_RULE_REVERSE);
}

/* Parses words 2 and following of the command into '*rule', which the caller
 * must destroy in any case. */
static bool
rule_parse(struct ctl_context *ctx, struct rule *rule)
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

    char *error = pc_rule_match_parse(ctx->argv[2], NULL, &match);
    if (!error) {
        error = pc_rule_match_check(&match,
                                    direction_from_string(rule->direction));
        rule->match = pc_rule_match_format(&match, PC_FORWARD, NULL);
        rule->reverse = pc_rule_match_format(&match, PC_REVERSE, NULL);
        pc_rule_match_destroy(&match);
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

/* Do a rule of 'direction' and one of 'other' divert packets of the same
 * direction?  'same': their matches are equal; else one is the reverse of the
 * other. */
static bool
directions_meet(const char *direction, const char *other, bool same)
{
    enum pc_rule_direction a = direction_from_string(direction);
    enum pc_rule_direction b = direction_from_string(other);

    return a == PC_RULE_BOTH || b == PC_RULE_BOTH || (a == b) == same;
}

/* Does 'rule' divert what one with 'match', 'priority' and 'direction'
 * diverts? */
static bool
conflicts(const struct rule *rule, const char *match, int64_t priority,
          const char *direction)
{
    return (priority == rule->priority
            && ((!strcmp(match, rule->match)
                 && directions_meet(rule->direction, direction, true))
                || (!strcmp(match, rule->reverse)
                    && directions_meet(rule->direction, direction, false))));
}

/* A rule that is there already and diverts what 'rule' would. */
struct conflict {
    const struct pcrec_service *service;
    const struct pcrec_chain *chain;
    char *match, *direction;
    int64_t priority;
};

/* Looks at the rules that this transaction adds. */
static bool
find_new_conflict(struct ctl_context *ctx, const struct rule *rule,
                  struct conflict *c)
{
    const struct pcrec_rule *r;

    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        if (!r->header_.old_datum
            && conflicts(rule, r->match, r->priority, r->direction)) {
            c->service = r->service;
            c->chain = r->chain;
            c->match = xstrdup(r->match);
            c->direction = xstrdup(r->direction);
            c->priority = r->priority;
            return true;
        }
    }
    return false;
}

/* Looks for a rule that diverts, at the same priority, what 'rule' would.  If
 * there is one, returns true and stores it in '*c', whose strings the caller
 * frees.  May report an error. */
static bool
find_conflict(struct ctl_context *ctx, const struct rule *rule,
              struct conflict *c)
{
    struct ctl_found_rule *rules = NULL;
    size_t n = 0;

    memset(c, 0, sizeof *c);
    if (!ctl_query_rules(ctx, rule->match, &rules, &n)
        || (strcmp(rule->match, rule->reverse)
            && !ctl_query_rules(ctx, rule->reverse, &rules, &n))) {
        ctl_found_rules_destroy(rules, n);
        return false;
    }
    for (size_t i = 0; i < n && !c->match; i++) {
        const struct ctl_found_rule *f = &rules[i];

        if (conflicts(rule, f->match, f->priority, f->direction)) {
            c->service = pcrec_service_get_for_uuid(ctx->idl, &f->service);
            c->chain = pcrec_chain_get_for_uuid(ctx->idl, &f->chain);
            c->match = xstrdup(f->match);
            c->direction = xstrdup(f->direction);
            c->priority = f->priority;
        }
    }
    ctl_found_rules_destroy(rules, n);
    return c->match || find_new_conflict(ctx, rule, c);
}

/* rule-add, rule-check */

static void
pre_owners(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_visible);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_name);
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
}

/* Checks the words before the database is reached.  The table Rule is not
 * monitored; see ctl-query.c. */
static void
pre_rule_add(struct ctl_context *ctx)
{
    struct rule rule;

    pre_owners(ctx);
    rule_parse(ctx, &rule);
    rule_destroy(&rule);
}

static void
report_conflict(struct ctl_context *ctx, const struct conflict *c)
{
    ctl_error(ctx, "%s \"%s\" has the rule \"%s\" at priority %"PRId64
              " (%s) already", c->chain ? "chain" : "service",
              c->chain ? c->chain->name : c->service ? c->service->name : "",
              c->match, c->priority, c->direction);
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

static void
set_rule_defaults(struct rule *rule)
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
    struct conflict c;
    struct rule rule;

    if (!rule_parse(ctx, &rule)
        || !find_target(ctx, ctx->argv[1], &service, &chain)) {
        rule_destroy(&rule);
        return;
    }
    set_rule_defaults(&rule);

    if (find_conflict(ctx, &rule, &c)) {
        if (!shash_find(&ctx->options, "--may-exist")
            || c.service != service || c.chain != chain
            || strcmp(c.match, rule.match)
            || strcmp(c.direction, rule.direction)) {
            report_conflict(ctx, &c);
        }
    } else if (!ctx->error) {
        struct pcrec_rule *r = pcrec_rule_insert(ctx->txn);

        pcrec_rule_set_service(r, service);
        pcrec_rule_set_chain(r, chain);
        pcrec_rule_set_match(r, rule.match);
        pcrec_rule_set_priority(r, rule.priority);
        pcrec_rule_set_direction(r, rule.direction);
        ctl_watch_add(ctx, &r->header_, "rule \"%s\"", rule.match);
    }
    free(c.match);
    free(c.direction);
    rule_destroy(&rule);
}

/* Says what a rule would divert, or why it cannot be. */
static void
cmd_rule_check(struct ctl_context *ctx)
{
    const char *owner = ctx->argv[1];
    const struct pcrec_service *service;
    const struct pcrec_chain *chain;
    struct conflict c;
    struct rule rule;

    if (!rule_parse(ctx, &rule)
        || (!ctl_find_provider(ctx, owner, CTL_MAY_EXIST)
            && !find_target(ctx, owner, &service, &chain))) {
        rule_destroy(&rule);
        return;
    }
    set_rule_defaults(&rule);
    if (find_conflict(ctx, &rule, &c)) {
        report_conflict(ctx, &c);
    } else if (!ctx->error) {
        enum pc_rule_direction d = direction_from_string(rule.direction);

        if (d != PC_RULE_REVERSE) {
            ds_put_format(&ctx->output, "forward: %s\n", rule.match);
        }
        if (d != PC_RULE_FORWARD) {
            ds_put_format(&ctx->output, "reverse: %s\n", rule.reverse);
        }
        ds_put_format(&ctx->output, "priority: %"PRId64"\n", rule.priority);
    }
    free(c.match);
    free(c.direction);
    rule_destroy(&rule);
}

/* rule-del */

static void
pre_rule_del(struct ctl_context *ctx)
{
    struct rule rule;

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
         const struct pcrec_chain *chain, const struct rule *rule)
{
    const struct pcrec_rule *r, *found = NULL;
    size_t n = 0;

    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        if (r->service == service && r->chain == chain
            && !strcmp(r->match, rule->match)
            && (rule->priority < 0 || r->priority == rule->priority)
            && (!rule->direction || !strcmp(r->direction, rule->direction))) {
            found = r;
            n++;
        }
    }
    if (n == 1) {
        ctl_delete_rule(ctx, found);
    } else if (n) {
        ctl_error(ctx, "\"%s\" has %"PRIuSIZE" rules \"%s\": say priority= or "
                  "direction=", ctx->argv[1], n, rule->match);
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
    struct rule rule;

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
                                           "error");
    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        if (ctx->argc == 1 || (r->service == service && r->chain == chain)) {
            const char *what;

            ctl_cell(t, "%s", rule_owner(r, &what));
            ctl_cell_int(t, r->priority);
            ctl_cell(t, "%s", r->direction);
            ctl_cell(t, "%s", r->match);
            ctl_cell(t, "%s", r->error);
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
