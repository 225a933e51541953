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

/* The command line: options, which may stand anywhere, and commands. */

#include <config.h>

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

#include "pcloud-ctl.h"

#include "command-line.h"
#include "openvswitch/vlog.h"
#include "process.h"
#include "stream-ssl.h"
#include "stream.h"
#include "svec.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ctl_options);

enum {
    OPT_DB = UCHAR_MAX + 1,
    OPT_ONELINE,
    OPT_NO_SYSLOG,
    OPT_WAIT,
    OPT_NO_WAIT,
    OPT_DRY_RUN,
    OPT_BOOTSTRAP_CA_CERT,
    OPT_PEER_CA_CERT,
    OPT_LOCAL,
    OPT_RETRY,
    OPT_RUN_DIR,
    OPT_COMMANDS,
    OPT_OPTIONS,
    OPT_LEADER_ONLY,
    OPT_NO_LEADER_ONLY,
    OPT_SHUFFLE_REMOTES,
    OPT_NO_SHUFFLE_REMOTES,
    VLOG_OPTION_ENUMS,
    TABLE_OPTION_ENUMS,
    SSL_OPTION_ENUMS,
};

static const struct option global_options[] = {
    {"db", required_argument, NULL, OPT_DB},
    {"run-dir", required_argument, NULL, OPT_RUN_DIR},
    {"no-syslog", no_argument, NULL, OPT_NO_SYSLOG},
    {"wait", required_argument, NULL, OPT_WAIT},
    {"no-wait", no_argument, NULL, OPT_NO_WAIT},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"oneline", no_argument, NULL, OPT_ONELINE},
    {"timeout", required_argument, NULL, 't'},
    {"retry", no_argument, NULL, OPT_RETRY},
    {"help", no_argument, NULL, 'h'},
    {"commands", no_argument, NULL, OPT_COMMANDS},
    {"options", no_argument, NULL, OPT_OPTIONS},
    {"leader-only", no_argument, NULL, OPT_LEADER_ONLY},
    {"no-leader-only", no_argument, NULL, OPT_NO_LEADER_ONLY},
    {"shuffle-remotes", no_argument, NULL, OPT_SHUFFLE_REMOTES},
    {"no-shuffle-remotes", no_argument, NULL, OPT_NO_SHUFFLE_REMOTES},
    {"version", no_argument, NULL, 'V'},
    VLOG_LONG_OPTIONS,
    TABLE_LONG_OPTIONS,
    STREAM_SSL_LONG_OPTIONS,
    {"bootstrap-ca-cert", required_argument, NULL, OPT_BOOTSTRAP_CA_CERT},
    {"peer-ca-cert", required_argument, NULL, OPT_PEER_CA_CERT},
    {NULL, 0, NULL, 0},
};
#define N_GLOBAL (ARRAY_SIZE(global_options) - 1)

/* Is 'arg' a global option?  Returns the number of words that it takes. */
static size_t
global_option_words(const char *arg)
{
    if (arg[0] == '-' && arg[1] && strchr("ftdvhV", arg[1])) {
        return 1 + (strchr("ftd", arg[1]) && !arg[2]);
    } else if (strncmp(arg, "--", 2)) {
        return 0;
    }

    size_t len = strcspn(arg + 2, "=");
    for (size_t i = 0; i < N_GLOBAL; i++) {
        const struct option *o = &global_options[i];

        if (strlen(o->name) == len && !strncmp(o->name, arg + 2, len)) {
            return 1 + (o->has_arg == required_argument && !arg[2 + len]);
        }
    }
    return 0;
}

/* Orders the words of the command line as db-ctl-base wants them: global
 * options first, each command's options before its name.  What follows
 * "vi-exec VI" is a command line of its own and goes to 'tail'. */
static void
sort_words(const struct svec *given, struct svec *words, struct svec *tail)
{
    struct svec globals = SVEC_EMPTY_INITIALIZER;
    struct svec options = SVEC_EMPTY_INITIALIZER;
    struct svec command = SVEC_EMPTY_INITIALIZER;
    struct svec rest = SVEC_EMPTY_INITIALIZER;
    size_t i;

    for (i = 0; i <= given->n; i++) {
        const char *arg = i < given->n ? given->names[i] : "--";
        size_t n = global_option_words(arg);

        if (command.n >= 2 && !strcmp(command.names[0], "vi-exec")) {
            i += i < given->n && !strcmp(arg, "--");
            break;
        } else if (n) {
            svec_add(&globals, arg);
            if (n > 1 && i + 1 < given->n) {
                svec_add(&globals, given->names[++i]);
            }
        } else if (!strcmp(arg, "--")) {
            svec_append(&rest, &options);
            svec_append(&rest, &command);
            if (i < given->n) {
                svec_add(&rest, arg);
            }
            svec_clear(&options);
            svec_clear(&command);
        } else {
            svec_add(arg[0] == '-' && arg[1] == '-' ? &options : &command,
                     arg);
        }
    }
    svec_append(&rest, &options);
    svec_append(&rest, &command);
    for (; i < given->n; i++) {
        svec_add(tail, given->names[i]);
    }

    svec_append(words, &globals);
    svec_append(words, &rest);
    svec_destroy(&globals);
    svec_destroy(&options);
    svec_destroy(&command);
    svec_destroy(&rest);
}

static void
set_wait(struct ctl_run *run, const char *arg)
{
    run->wait_applied = !strcmp(arg, "applied") || !strcmp(arg, "drained");
    run->wait_drained = !strcmp(arg, "drained");
    run->wait_active = !strcmp(arg, "active");
    run->wait_scheduled = run->wait_active || !strcmp(arg, "scheduled");
    if (!run->wait_applied && !run->wait_scheduled && strcmp(arg, "none")) {
        ctl_fatal("--wait=%s: wait for \"applied\", \"drained\", "
                  "\"scheduled\", \"active\" or \"none\"", arg);
    }
}

static void
set_timeout(struct ctl_run *run, const char *arg)
{
    if (!str_to_uint(arg, 10, &run->timeout) || !run->timeout) {
        ctl_fatal("--timeout=%s: not a number of seconds above 0", arg);
    }
}

static void
set_format(struct ctl_run *run, const char *arg)
{
    static const char *const formats[] = {
        "table", "list", "html", "csv", "json", NULL
    };

    for (size_t i = 0; formats[i]; i++) {
        if (!strcmp(arg, formats[i])) {
            table_parse_format(&run->style, arg);
            run->format_given = true;
            return;
        }
    }
    ctl_fatal("--format=%s: not table, list, csv, json or html", arg);
}

static void
add_local_option(struct ctl_run *run, const char *name)
{
    if (shash_find(&run->local_options, name)) {
        ctl_fatal("'%s' option specified multiple times", name);
    }
    shash_add_nocopy(&run->local_options, xasprintf("--%s", name),
                     nullable_xstrdup(optarg));
}

OVS_NO_RETURN static void
print_version(void)
{
    ovs_print_version(0, 0);
    printf("DB Schema %s\n", pcrec_get_db_version());
    exit(EXIT_SUCCESS);
}

/* The options that change 'run'. */
static bool
apply_option(struct ctl_run *run, int c)
{
    switch (c) {
    case OPT_DB:
        free(run->db);
        run->db = xstrdup(optarg);
        return true;

    case OPT_RUN_DIR:
        free(run->run_dir);
        run->run_dir = xstrdup(optarg);
        return true;

    case OPT_ONELINE:
        run->oneline = true;
        return true;

    case OPT_WAIT:
        set_wait(run, optarg);
        return true;

    case OPT_NO_WAIT:
        run->wait_applied = false;
        return true;

    case OPT_DRY_RUN:
        run->dry_run = true;
        return true;

    case OPT_RETRY:
        run->retry = true;
        return true;

    case OPT_LEADER_ONLY:
    case OPT_NO_LEADER_ONLY:
        run->leader_only = c == OPT_LEADER_ONLY;
        return true;

    case OPT_SHUFFLE_REMOTES:
    case OPT_NO_SHUFFLE_REMOTES:
        run->shuffle_remotes = c == OPT_SHUFFLE_REMOTES;
        return true;

    case 't':
        set_timeout(run, optarg);
        return true;

    case 'f':
        set_format(run, optarg);
        return true;

    case OPT_BARE:
        run->format_given = true;
        return false;
    }
    return false;
}

static void
handle_option(struct ctl_run *run, int c)
{
    if (apply_option(run, c)) {
        return;
    }

    switch (c) {
    case OPT_NO_SYSLOG:
        vlog_set_levels(NULL, VLF_SYSLOG, VLL_WARN);
        break;

    case 'h':
        ctl_usage();

    case OPT_COMMANDS:
        ctl_print_commands();
        /* Does not return. */
        break;

    case OPT_OPTIONS:
        ctl_print_options(global_options);
        break;

    case 'V':
        print_version();

    VLOG_OPTION_HANDLERS
    TABLE_OPTION_HANDLERS(&run->style)
    STREAM_SSL_OPTION_HANDLERS

    case OPT_PEER_CA_CERT:
        stream_ssl_set_peer_ca_cert_file(optarg);
        break;

    case OPT_BOOTSTRAP_CA_CERT:
        stream_ssl_set_ca_cert_file(optarg, true);
        break;

    case '?':
        exit(EXIT_FAILURE);

    default:
        OVS_NOT_REACHED();
    }
}

/* Parses all options at the beginning of 'words', the first command's own
 * included. */
static void
parse_options(struct ctl_run *run, struct svec *words)
{
    char *tmp = ovs_cmdl_long_options_to_short_options(global_options);
    char *short_options = xasprintf("+%s", tmp);
    struct option *options = xmemdup(global_options, sizeof global_options);
    size_t allocated = ARRAY_SIZE(global_options);
    size_t n = N_GLOBAL;

    ctl_add_cmd_options(&options, &n, &allocated, OPT_LOCAL);
    for (;;) {
        int idx;
        int c = getopt_long(words->n, words->names, short_options, options,
                            &idx);
        if (c == -1) {
            break;
        } else if (c == OPT_LOCAL) {
            add_local_option(run, options[idx].name);
        } else {
            handle_option(run, c);
        }
    }

    for (size_t i = N_GLOBAL; options[i].name; i++) {
        free(CONST_CAST(char *, options[i].name));
    }
    free(options);
    free(short_options);
    free(tmp);
}

static void
set_defaults(struct ctl_run *run)
{
    if (!run->run_dir) {
        const char *dir = getenv("PCLOUD_RUNDIR");
        run->run_dir = xstrdup(dir && *dir ? dir : PC_RUNDIR);
    }
    if (!run->db) {
        const char *db = getenv("PCLOUD_DB");
        run->db = (db && *db ? xstrdup(db)
                   : xasprintf("unix:%s/db.sock", run->run_dir));
    }
    if (!run->timeout) {
        /* As for Open vSwitch's programs, see ctl_timeout_setup(). */
        const char *timeout = getenv("OVS_CTL_TIMEOUT");
        if (timeout) {
            ignore(str_to_uint(timeout, 10, &run->timeout));
        }
    }
}

/* Puts the options of the environment variable PCLOUD_CTL_OPTIONS in front of
 * the others. */
static void
add_options_of_environment(struct svec *argv)
{
    const char *env = getenv("PCLOUD_CTL_OPTIONS");

    if (env) {
        struct svec words = SVEC_EMPTY_INITIALIZER;

        svec_parse_words(&words, env);
        svec_append(&words, argv);
        svec_swap(&words, argv);
        svec_destroy(&words);
    }
}

/* Parses the whole command line into 'run'.  Ends the program on an error.
 * The words that the commands point to live as long as the program. */
void
ctl_parse_command_line(struct ctl_run *run, int argc, char *argv[])
{
    struct svec given = SVEC_EMPTY_INITIALIZER;
    struct svec *words = &run->words;

    run->args = process_escape_args(argv);
    for (int i = 1; i < argc; i++) {
        svec_add(&given, argv[i]);
    }
    add_options_of_environment(&given);

    svec_add(words, argv[0]);
    sort_words(&given, words, &run->tail);
    svec_destroy(&given);
    svec_terminate(words);
    svec_terminate(&run->tail);

    parse_options(run, words);
    set_defaults(run);
    char *error = ctl_parse_commands(words->n - optind,
                                     words->names + optind,
                                     &run->local_options, &run->commands,
                                     &run->n_commands);
    if (error) {
        ctl_fatal("%s", error);
    }
}
