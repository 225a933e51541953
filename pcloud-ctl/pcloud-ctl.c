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

/* pcloud-ctl: main, and the transaction that all commands share. */

#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl-server.h"

#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-schema.h"
#include "process.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pcloud_ctl);

/* The run, for ctl_exit() only, which db-ctl-base calls with a status and
 * nothing else.  All other code has it as an argument. */
static struct ctl_run *the_run;

/* How long servers that have lost their cluster are given to find it again, in
 * milliseconds, before commands that only read take what they have. */
#define STALE_MS 1000

/* After how long a command without --timeout says what it waits for. */
#define WAITING_MS 5000

static const struct ctl_table_class tables[PCREC_N_TABLES] = {
    [PCREC_TABLE_CLOUDLET].row_ids[0] = {&pcrec_cloudlet_col_name, NULL, NULL},
    [PCREC_TABLE_ROUTER].row_ids[0] = {&pcrec_router_col_name, NULL, NULL},
    [PCREC_TABLE_INTERFACE].row_ids[0]
        = {&pcrec_interface_col_name, NULL, NULL},
    [PCREC_TABLE_ROUTE].row_ids[0] = {&pcrec_route_col_prefix, NULL, NULL},
    [PCREC_TABLE_NODE].row_ids[0] = {&pcrec_node_col_name, NULL, NULL},
    [PCREC_TABLE_VI_TYPE].row_ids[0] = {&pcrec_vi_type_col_name, NULL, NULL},
    [PCREC_TABLE_IMAGE].row_ids[0] = {&pcrec_image_col_name, NULL, NULL},
    [PCREC_TABLE_PROVIDER].row_ids[0] = {&pcrec_provider_col_name, NULL, NULL},
    [PCREC_TABLE_TARIFF].row_ids[0] = {&pcrec_tariff_col_name, NULL, NULL},
    [PCREC_TABLE_POP].row_ids[0] = {&pcrec_pop_col_name, NULL, NULL},
    [PCREC_TABLE_RESERVATION].row_ids[0]
        = {&pcrec_reservation_col_name, NULL, NULL},
    [PCREC_TABLE_SERVICE].row_ids[0] = {&pcrec_service_col_name, NULL, NULL},
    [PCREC_TABLE_CHAIN].row_ids[0] = {&pcrec_chain_col_name, NULL, NULL},
    [PCREC_TABLE_RULE].row_ids[0] = {&pcrec_rule_col_match, NULL, NULL},
    [PCREC_TABLE_VI].row_ids[0] = {&pcrec_vi_col_name, NULL, NULL},
    [PCREC_TABLE_CONNECTION].row_ids[0]
        = {&pcrec_connection_col_target, NULL, NULL},
};

static void
ctl_run_destroy(struct ctl_run *run)
{
    if (run->txn) {
        ovsdb_idl_txn_destroy(run->txn);
    }
    ovsdb_idl_destroy(run->idl);
    ctl_stale_stop(run);
    ctl_query_close(run);
    ctl_watch_clear(run);
    ctl_filter_destroy(&run->filter);
    free(run->deleted);
    free(run->commands);
    svec_destroy(&run->words);
    svec_destroy(&run->tail);
    svec_destroy(&run->program);
    free(run->args);
    free(run->db);
    free(run->run_dir);
    shash_destroy_free_data(&run->local_options);
}

/* Ends the program; db-ctl-base calls it after an error too. */
OVS_NO_RETURN static void
ctl_exit(int status)
{
    if (the_run) {
        if (the_run->txn) {
            ovsdb_idl_txn_abort(the_run->txn);
        }
        ctl_run_destroy(the_run);
    }
    exit(status);
}

/* Sleeps until something happens.  After --timeout, says what was waited for
 * and ends with SIGALRM, as ovs-vsctl does. */
void
ctl_block(struct ctl_run *run, const char *what)
{
    if (run->timeout) {
        if (time_msec() >= run->deadline) {
            ctl_server_time_out(run, what);
        }
        poll_timer_wait_until(run->deadline);
    }
    ctl_stale_run(run);
    ctl_stale_wait(run);
    poll_block();
}

static void
pcloud_context_init(struct pcloud_context *ctx, struct ctl_run *run,
                    struct ctl_command *command,
                    struct ovsdb_symbol_table *symtab)
{
    memset(ctx, 0, sizeof *ctx);
    ctl_context_init(&ctx->base, command, run->idl, run->txn, symtab, NULL);
    ctx->run = run;
}

static void
run_prerequisites(struct ctl_run *run)
{
    ovsdb_idl_add_column(run->idl, &pcrec_packetcloud_col_next_cfg);
    ovsdb_idl_add_column(run->idl, &pcrec_packetcloud_col_cloudlets);
    if (run->wait_applied) {
        ctl_watch_prerequisites(run);
    }
    for (size_t i = 0; i < run->n_commands; i++) {
        struct ctl_command *c = &run->commands[i];

        if (!ctl_command_is_ours(c->syntax)) {
            run->filter.everything = true;
        }
        if (c->syntax->prerequisites) {
            struct pcloud_context ctx;

            ds_init(&c->output);
            c->table = NULL;
            pcloud_context_init(&ctx, run, c, NULL);
            c->syntax->prerequisites(&ctx.base);
            if (ctx.base.error) {
                ctl_fatal("%s", ctx.base.error);
            }
            ctl_context_done(&ctx.base, c);
        }
    }
    ctl_filter_start(run);
}

/* Runs the commands.  Returns false if one of them needs more of the
 * database first. */
static bool
run_commands(struct ctl_run *run, struct ovsdb_symbol_table *symtab)
{
    struct pcloud_context ctx;
    bool again = false;

    for (size_t i = 0; i < run->n_commands; i++) {
        ds_init(&run->commands[i].output);
        run->commands[i].table = NULL;
    }
    pcloud_context_init(&ctx, run, NULL, symtab);
    for (size_t i = 0; i < run->n_commands && !again; i++) {
        struct ctl_command *c = &run->commands[i];

        ctl_context_init_command(&ctx.base, c, i == run->n_commands - 1);
        c->syntax->run(&ctx.base);
        if (ctx.base.error) {
            ctl_fatal("%s", ctx.base.error);
        }
        again = ctx.base.try_again;
        ctl_context_done_command(&ctx.base, c);
    }
    ctl_context_done(&ctx.base, NULL);
    return !again;
}

static void
free_outputs(struct ctl_run *run)
{
    for (size_t i = 0; i < run->n_commands; i++) {
        struct ctl_command *c = &run->commands[i];

        ds_destroy(&c->output);
        ds_init(&c->output);
        table_destroy(c->table);
        free(c->table);
        c->table = NULL;
    }
}

static void
print_oneline(struct ds *ds)
{
    ds_chomp(ds, '\n');
    for (size_t i = 0; i < ds->length; i++) {
        int ch = ds->string[i];

        if (ch == '\n') {
            fputs("\\n", stdout);
        } else if (ch == '\\') {
            fputs("\\\\", stdout);
        } else {
            putchar(ch);
        }
    }
    putchar('\n');
}

/* Prints what the commands put out.  Our own lists are tables unless -f says
 * otherwise; the generic ones are lists, as in ovs-vsctl. */
static void
print_outputs(struct ctl_run *run)
{
    for (size_t i = 0; i < run->n_commands; i++) {
        struct ctl_command *c = &run->commands[i];
        struct table_style style = run->style;

        if (c->table) {
            if (!run->format_given && ctl_command_is_ours(c->syntax)) {
                style.format = TF_TABLE;
            }
            table_print(c->table, &style);
        } else if (run->oneline) {
            print_oneline(&c->output);
        } else {
            fputs(ds_cstr(&c->output), stdout);
        }
        shash_destroy_free_data(&c->options);
    }
    free_outputs(run);
    fflush(stdout);
}

static void
check_symbols(const struct ovsdb_symbol_table *symtab)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &symtab->sh) {
        struct ovsdb_symbol *symbol = node->data;

        if (!symbol->created) {
            ctl_fatal("row id \"%s\" is referenced but never created (e.g. "
                      "with \"-- --id=%s create ...\")",
                      node->name, node->name);
        }
        if (!symbol->strong_ref) {
            VLOG_WARN("row id \"%s\" was created but no strong reference to "
                      "it was inserted; unless its table is a root table, it "
                      "will not appear in the database", node->name);
        }
    }
}

static enum ovsdb_idl_txn_status
commit(struct ctl_run *run)
{
    enum ovsdb_idl_txn_status status;

    while ((status = ovsdb_idl_txn_commit(run->txn)) == TXN_INCOMPLETE) {
        ovsdb_idl_run(run->idl);
        if (!ovsdb_idl_is_alive(run->idl)) {
            ctl_fatal("%s: the database connection was lost before the "
                      "change was confirmed", run->db);
        }
        ovsdb_idl_wait(run->idl);
        ovsdb_idl_txn_wait(run->txn);
        ctl_block(run, "the database to confirm the change");
    }
    return status;
}

static void
postprocess(struct ctl_run *run, struct ovsdb_symbol_table *symtab)
{
    for (size_t i = 0; i < run->n_commands; i++) {
        struct ctl_command *c = &run->commands[i];

        if (c->syntax->postprocess) {
            struct pcloud_context ctx;

            pcloud_context_init(&ctx, run, c, symtab);
            c->syntax->postprocess(&ctx.base);
            if (ctx.base.error) {
                ctl_fatal("%s", ctx.base.error);
            }
            ctl_context_done(&ctx.base, c);
        }
    }
}

/* PacketCloud.next_cfg, which each change raises, or -1. */
static int64_t
get_next_cfg(const struct ctl_run *run)
{
    const struct pcrec_packetcloud *root = pcrec_packetcloud_first(run->idl);

    return root ? root->next_cfg : -1;
}

/* The connection was lost during a commit, and there is another now.  To do the
 * same once more could be to do it twice; that is out of question only if nobody
 * has changed anything since. */
static void
check_doubtful(struct ctl_run *run)
{
    if (run->doubtful && get_next_cfg(run) != run->cfg_before) {
        ctl_fatal("the database connection was lost before the change was "
                  "confirmed, and there have been changes since: it may have "
                  "been made or not");
    }
    run->doubtful = false;
}

/* Starts the transaction: comment, and next_cfg raised if anything changes. */
static void
start_txn(struct ctl_run *run)
{
    run->txn = ovsdb_idl_txn_create(run->idl);
    if (run->dry_run) {
        ovsdb_idl_txn_set_dry_run(run->txn);
    }
    ovsdb_idl_txn_add_comment(run->txn, "pcloud-ctl: %s", run->args);

    if (ctl_might_write_to_db(run->commands, run->n_commands)) {
        const struct pcrec_packetcloud *root
            = pcrec_packetcloud_first(run->idl);

        if (!root) {
            root = pcrec_packetcloud_insert(run->txn);
        }
        ovsdb_idl_txn_increment(run->txn, &root->header_,
                                &pcrec_packetcloud_col_next_cfg, run->sync);
    }
}

static bool
abandon_try(struct ctl_run *run, struct ovsdb_symbol_table *symtab)
{
    ovsdb_idl_txn_abort(run->txn);
    ovsdb_idl_txn_destroy(run->txn);
    run->txn = NULL;
    ovsdb_symbol_table_destroy(symtab);
    ctl_watch_clear(run);
    run->n_deleted = 0;
    free_outputs(run);
    return false;
}

/* Runs all commands in one transaction.  Returns false if that has to be
 * tried again when the database has changed. */
static bool
do_transaction(struct ctl_run *run)
{
    struct ovsdb_symbol_table *symtab = ovsdb_symbol_table_create();
    enum ovsdb_idl_txn_status status;

    check_doubtful(run);
    run->cfg_before = get_next_cfg(run);
    start_txn(run);
    if (!run_commands(run, symtab)) {
        return abandon_try(run, symtab);
    }
    check_symbols(symtab);

    status = commit(run);
    run->doubtful = (status == TXN_TRY_AGAIN
                     && !ovsdb_idl_is_connected(run->idl));
    switch (status) {
    case TXN_UNCHANGED:
    case TXN_SUCCESS:
        run->changed = status == TXN_SUCCESS;
        postprocess(run, symtab);
        ovsdb_symbol_table_destroy(symtab);
        return true;

    case TXN_TRY_AGAIN:
        return abandon_try(run, symtab);

    case TXN_ERROR:
        if (strstr(ovsdb_idl_txn_get_error(run->txn), "\"duplicate uuid\"")) {
            /* Somebody has just added the same rule, which the next try will
             * find. */
            abandon_try(run, symtab);
            return do_transaction(run);
        }
        if (pc_schema_is_cause(ovsdb_idl_txn_get_error(run->txn))) {
            ctl_fatal("the database has not all that is to be written: "
                      PC_SCHEMA_ADVICE);
        }
        ctl_reserve_check_error(ovsdb_idl_txn_get_error(run->txn));
        ctl_ledger_check_error(ovsdb_idl_txn_get_error(run->txn));
        ctl_fatal("transaction error: %s", ovsdb_idl_txn_get_error(run->txn));

    case TXN_UNCOMMITTED:
    case TXN_INCOMPLETE:
    case TXN_ABORTED:
    case TXN_NOT_LOCKED:
    default:
        /* Not before a commit, and we neither abort nor lock. */
        OVS_NOT_REACHED();
    }
}

/* Has the commands take what a server has that has lost its cluster, if there is
 * one, they only read, and any server will do.  Returns true if it is so. */
static bool
take_stale(struct ctl_run *run)
{
    return (!run->leader_only && !run->stale
            && !ctl_might_write_to_db(run->commands, run->n_commands)
            && ctl_stale_start(run));
}

/* Connects, and runs the transaction as often as it takes.
 *
 * There is no point in trying again before the database has sent something
 * new: rows, or those that a changed condition lets through. */
static void
run_transactions(struct ctl_run *run)
{
    unsigned int seqno = ovsdb_idl_get_seqno(run->idl);
    unsigned int cond_seqno = 0;
    long long int look_at = time_msec() + (run->leader_only ? WAITING_MS
                                           : STALE_MS);

    for (;;) {
        ovsdb_idl_run(run->idl);
        if (!ovsdb_idl_is_alive(run->idl) && !take_stale(run)) {
            ctl_server_fail(run);
        }
        if (!ovsdb_idl_has_ever_connected(run->idl)) {
            if (time_msec() >= look_at) {
                look_at = LLONG_MAX;
                if (!take_stale(run) && !run->timeout) {
                    ctl_server_say_waiting(run);
                }
            }
            poll_timer_wait_until(look_at);
        }
        if (ovsdb_idl_has_ever_connected(run->idl)
            && (!run->doubtful || ovsdb_idl_is_connected(run->idl))
            && (seqno != ovsdb_idl_get_seqno(run->idl)
                || cond_seqno
                   != ovsdb_idl_get_condition_seqno(run->idl))) {
            seqno = ovsdb_idl_get_seqno(run->idl);
            cond_seqno = ovsdb_idl_get_condition_seqno(run->idl);
            if (do_transaction(run)) {
                return;
            }
        }
        if ((seqno == ovsdb_idl_get_seqno(run->idl)
             && cond_seqno == ovsdb_idl_get_condition_seqno(run->idl))
            || (run->doubtful && !ovsdb_idl_is_connected(run->idl))) {
            ovsdb_idl_wait(run->idl);
            ctl_block(run, "the database");
        }
    }
}

/* Runs commands that have nothing to do with the database, so that they work
 * when it is away. */
static void
run_without_db(struct ctl_run *run)
{
    run_commands(run, NULL);
    print_outputs(run);
}

static void
run_with_db(struct ctl_run *run)
{
    bool several = ctl_server_is_list(run);

    /* Of one server the user knows what it is.  Of several the leader, so that
     * a command sees what the one before has written; it may take a moment for
     * there to be one. */
    if (run->leader_only < 0) {
        run->leader_only = several;
    }
    run->idl = ovsdb_idl_create_unconnected(&pcrec_idl_class, false);
    ovsdb_idl_set_shuffle_remotes(run->idl, run->shuffle_remotes);
    ovsdb_idl_set_remote(run->idl, run->db, run->retry || several);
    ovsdb_idl_set_leader_only(run->idl, run->leader_only);
    ovsdb_idl_set_db_change_aware(run->idl, false);
    run_prerequisites(run);
    run_transactions(run);

    int64_t next_cfg = 0;
    if (run->wait_applied && run->changed && !run->dry_run
        && ctl_might_write_to_db(run->commands, run->n_commands)) {
        next_cfg = ovsdb_idl_txn_get_increment_new_value(run->txn);
    }
    print_outputs(run);
    if (next_cfg) {
        run->exit_status = ctl_wait_applied(run, next_cfg);
    }
    if (run->wait_scheduled && run->changed && !run->dry_run) {
        run->exit_status = ctl_wait_scheduled(run);
    }
    if (run->changed && !run->dry_run) {
        ctl_overlap_report(run);
    }
}

/* Runs the program that a command has asked for, in place of this one: nothing
 * holds the database while it runs. */
OVS_NO_RETURN static void
become_program(struct ctl_run *run)
{
    svec_terminate(&run->program);
    /* --timeout was for the database. */
    alarm(0);
    signal(SIGPIPE, SIG_DFL);
    execvp(run->program.names[0], run->program.names);
    ctl_fatal("%s: cannot be run (%s)", run->program.names[0],
              ovs_strerror(errno));
}

int
main(int argc, char *argv[])
{
    struct ctl_run run = { .leader_only = -1, .shuffle_remotes = true,
                           .style = TABLE_STYLE_DEFAULT };
    bool no_db = true;

    ovs_set_program_name(argv[0], PC_VERSION);
    /* Messages that several write at once to one terminal or log don't mix. */
    setvbuf(stderr, NULL, _IOLBF, 0);
    fatal_ignore_sigpipe();
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_WARN);
    vlog_set_levels_from_string_assert("reconnect:warn");
    /* They log errors that we print, or that another server makes good. */
    vlog_set_levels_from_string_assert("reconnect:console:err");
    vlog_set_levels_from_string_assert("jsonrpc:console:err");
    vlog_set_levels_from_string_assert("ovsdb_idl:console:err");
    vlog_set_levels_from_string_assert("unixctl:console:err");
    ctl_init(&pcrec_idl_class, pcrec_table_classes, tables, NULL, ctl_exit);
    ctl_register_all();

    shash_init(&run.local_options);
    ctl_filter_init(&run.filter);
    the_run = &run;
    ctl_parse_command_line(&run, argc, argv);
    VLOG(ctl_might_write_to_db(run.commands, run.n_commands)
         ? VLL_INFO : VLL_DBG, "Called as %s", run.args);
    if (run.timeout) {
        run.deadline = time_msec() + run.timeout * 1000LL;
        /* For what blocks elsewhere than in ctl_block(). */
        time_alarm(run.timeout + 1);
    }

    for (size_t i = 0; i < run.n_commands; i++) {
        no_db = no_db && ctl_command_needs_no_db(run.commands[i].syntax);
    }
    if (no_db) {
        run_without_db(&run);
    } else {
        run_with_db(&run);
    }

    if (run.program.n && !run.dry_run) {
        become_program(&run);
    }

    int exit_status = run.exit_status;
    the_run = NULL;
    ctl_run_destroy(&run);
    return exit_status;
}
