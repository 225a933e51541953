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

/* Which rows of the tables Rule, VI and Ledger are downloaded.
 *
 * There may be ten thousand rules; a command that adds one needs to see only
 * those with the same match.  A command says what it needs, in its
 * prerequisites() where the words of the command line are enough, else in its
 * run(), which then returns with ctx->try_again set and is called again when
 * the rows are there.  Conditions only grow.  A generic command (`list Rule`)
 * may look at everything, so it lifts the filters. */

#include <config.h>

#include "pcloud-ctl.h"

#include "ovsdb-idl-provider.h"
#include "pc-schema.h"

void
ctl_filter_init(struct ctl_filter *f)
{
    memset(f, 0, sizeof *f);
    ovsdb_idl_condition_init(&f->rules);
    ovsdb_idl_condition_init(&f->vis);
    ovsdb_idl_condition_init(&f->ledger);
    ovsdb_idl_condition_init(&f->reservations);
}

void
ctl_filter_destroy(struct ctl_filter *f)
{
    ovsdb_idl_condition_destroy(&f->rules);
    ovsdb_idl_condition_destroy(&f->vis);
    ovsdb_idl_condition_destroy(&f->ledger);
    ovsdb_idl_condition_destroy(&f->reservations);
}

/* Is the database's schema older than 'table'?  Nothing is said about that
 * table then: the server would not answer. */
static bool
lacks_table(const struct ctl_run *run,
            const struct ovsdb_idl_table_class *table)
{
    return (ovsdb_idl_has_ever_connected(run->idl)
            && !ovsdb_idl_server_has_table(run->idl, table));
}

/* Tells the database what is wanted by now. */
static void
send_conditions(struct ctl_run *run)
{
    struct ctl_filter *f = &run->filter;
    unsigned int a = 0, b = 0, c = 0, d = 0;

    if (f->use_rules && !f->everything && !f->all_rules) {
        a = ovsdb_idl_set_condition(run->idl, &pcrec_table_rule, &f->rules);
    }
    if (f->use_vis && !f->everything && !f->all_vis) {
        b = ovsdb_idl_set_condition(run->idl, &pcrec_table_vi, &f->vis);
    }
    if (f->use_ledger && !f->everything && !f->all_ledger
        && !lacks_table(run, &pcrec_table_ledger)) {
        c = ovsdb_idl_set_condition(run->idl, &pcrec_table_ledger,
                                    &f->ledger);
    }
    if (f->use_reservations && !f->everything && !f->all_reservations
        && !lacks_table(run, &pcrec_table_reservation)) {
        d = ovsdb_idl_set_condition(run->idl, &pcrec_table_reservation,
                                    &f->reservations);
    }
    f->seqno = MAX(MAX(a, b), MAX(c, d));
}

/* Call once, after the prerequisites and before the connection. */
void
ctl_filter_start(struct ctl_run *run)
{
    send_conditions(run);
}

/* Are all rows that were asked for in the IDL? */
bool
ctl_filter_is_complete(const struct ctl_run *run)
{
    return ovsdb_idl_get_condition_seqno(run->idl) >= run->filter.seqno;
}

/* For use in prerequisites(), by every command that reads columns of the table
 * Rule: none of its rows, so far.  (A condition, even one that is false, makes
 * the IDL monitor the table, which is what costs: see ctl-query.c.) */
void
ctl_use_rules(struct ctl_run *run)
{
    run->filter.use_rules = true;
}

/* The same for the table VI. */
void
ctl_use_vis(struct ctl_run *run)
{
    run->filter.use_vis = true;
}

/* For use in prerequisites(). */
void
ctl_need_all_rules(struct ctl_context *ctx)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    f->use_rules = f->all_rules = true;
}

/* For use in prerequisites(). */
void
ctl_need_all_vis(struct ctl_context *ctx)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    f->use_vis = f->all_vis = true;
}

/* For use in prerequisites(). */
void
ctl_need_rules_by_match(struct ctl_context *ctx, const char *match)
{
    pcrec_rule_add_clause_match(&ctl_run_from_context(ctx)->filter.rules,
                                OVSDB_F_EQ, match);
}

/* For use in prerequisites(). */
void
ctl_need_vi_by_name(struct ctl_context *ctx, const char *name)
{
    pcrec_vi_add_clause_name(&ctl_run_from_context(ctx)->filter.vis,
                             OVSDB_F_EQ, name);
}

/* Sends the conditions, to which something was added.  Adding what is there
 * already has no effect.  Returns false and sets ctx->try_again if the rows
 * are not there yet. */
static bool
await_rows(struct ctl_context *ctx)
{
    struct ctl_run *run = ctl_run_from_context(ctx);

    send_conditions(run);
    ctx->try_again = !ctl_filter_is_complete(run);
    return !ctx->try_again;
}

/* For use in run(): the rules of 'service'. */
bool
ctl_need_rules_of_service(struct ctl_context *ctx,
                          const struct pcrec_service *service)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    /* A service that this very transaction adds has no other rules than those
     * that it adds, too. */
    if (f->everything || f->all_rules || !service->header_.old_datum) {
        return true;
    }
    pcrec_rule_add_clause_service(&f->rules, OVSDB_F_INCLUDES,
                                  &service->header_.uuid);
    return await_rows(ctx);
}

/* The same for 'chain'. */
bool
ctl_need_rules_of_chain(struct ctl_context *ctx,
                        const struct pcrec_chain *chain)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    if (f->everything || f->all_rules || !chain->header_.old_datum) {
        return true;
    }
    pcrec_rule_add_clause_chain(&f->rules, OVSDB_F_INCLUDES,
                                &chain->header_.uuid);
    return await_rows(ctx);
}

/* For use in run(): the VIs of 'service'. */
bool
ctl_need_vis_of_service(struct ctl_context *ctx,
                        const struct pcrec_service *service)
{
    return (!service->header_.old_datum
            || ctl_need_vis_by_uuid(ctx, &service->header_.uuid));
}

/* The same for a service that may not be in the IDL yet. */
bool
ctl_need_vis_by_uuid(struct ctl_context *ctx, const struct uuid *service)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    if (f->everything || f->all_vis) {
        return true;
    }
    pcrec_vi_add_clause_service(&f->vis, OVSDB_F_INCLUDES, service);
    return await_rows(ctx);
}

/* For use in prerequisites(), by every command that reads columns of the table
 * Ledger: none of its rows, so far. */
void
ctl_use_ledger(struct ctl_context *ctx)
{
    ctl_run_from_context(ctx)->filter.use_ledger = true;
}

/* For use in prerequisites(). */
void
ctl_need_whole_ledger(struct ctl_context *ctx)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    f->use_ledger = f->all_ledger = true;
}

/* For use in run(): the entries of 'p'. */
bool
ctl_need_ledger_of_provider(struct ctl_context *ctx,
                            const struct pcrec_provider *p)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    if (f->everything || f->all_ledger || !p->header_.old_datum) {
        return true;
    }
    if (lacks_table(ctl_run_from_context(ctx), &pcrec_table_ledger)) {
        ctl_error(ctx, "the database has no table Ledger: " PC_SCHEMA_ADVICE);
        return false;
    }
    pcrec_ledger_add_clause_provider(&f->ledger, OVSDB_F_EQ,
                                     &p->header_.uuid);
    return await_rows(ctx);
}

/* For use in prerequisites(): of all reservations, the one called 'name'.  (A
 * command that reads no reservation that is there already asks for none: see
 * ctl_use_rules().) */
void
ctl_need_reservation_by_name(struct ctl_context *ctx, const char *name)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    f->use_reservations = true;
    pcrec_reservation_add_clause_name(&f->reservations, OVSDB_F_EQ, name);
}

/* For use in prerequisites(), by a command that finds out which reservation it
 * needs: none so far. */
void
ctl_use_reservations(struct ctl_context *ctx)
{
    ctl_run_from_context(ctx)->filter.use_reservations = true;
}

/* For use in run(): the one called 'name', if there is one. */
bool
ctl_need_reservation_called(struct ctl_context *ctx, const char *name)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    if (f->everything || f->all_reservations) {
        return true;
    }
    pcrec_reservation_add_clause_name(&f->reservations, OVSDB_F_EQ, name);
    return await_rows(ctx);
}

/* For use in run(): those whose VIs are of 'service'. */
bool
ctl_need_reservations_of_service(struct ctl_context *ctx,
                                 const struct pcrec_service *service)
{
    struct ctl_filter *f = &ctl_run_from_context(ctx)->filter;

    if (f->everything || f->all_reservations || !service->header_.old_datum) {
        return true;
    }
    pcrec_reservation_add_clause_service(&f->reservations, OVSDB_F_INCLUDES,
                                         &service->header_.uuid);
    return await_rows(ctx);
}

/* For use in prerequisites(). */
void
ctl_need_all_reservations(struct ctl_context *ctx)
{
    ctl_run_from_context(ctx)->filter.all_reservations = true;
}
