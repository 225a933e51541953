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

#include <config.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "daemon.h"
#include "dirs.h"
#include "openvswitch/vlog.h"
#include "pcloud-agent.h"
#include "stream-ssl.h"
#include "stream.h"
#include "util.h"

enum {
    OPT_DB = UCHAR_MAX + 1,
    OPT_ROLE,
    OPT_CLOUDLET,
    OPT_NODE,
    OPT_OVS_DB,
    OPT_STATE_DIR,
    OPT_RUN_DIR,
    OPT_HELPER_DIR,
    OPT_VI_PORT_OPTIONS,
    OPT_UNIXCTL,
    OPT_BOOTSTRAP_CA_CERT,
    OPT_PEER_CA_CERT,
    SSL_OPTION_ENUMS,
    VLOG_OPTION_ENUMS,
    DAEMON_OPTION_ENUMS
};

static const struct option long_options[] = {
    {"db", required_argument, NULL, OPT_DB},
    {"role", required_argument, NULL, OPT_ROLE},
    {"roles", required_argument, NULL, OPT_ROLE},
    {"cloudlet", required_argument, NULL, OPT_CLOUDLET},
    {"node", required_argument, NULL, OPT_NODE},
    {"name", required_argument, NULL, OPT_NODE},
    {"ovs-db", required_argument, NULL, OPT_OVS_DB},
    {"state-dir", required_argument, NULL, OPT_STATE_DIR},
    {"run-dir", required_argument, NULL, OPT_RUN_DIR},
    {"helper-dir", required_argument, NULL, OPT_HELPER_DIR},
    {"vi-port-options", required_argument, NULL, OPT_VI_PORT_OPTIONS},
    {"unixctl", required_argument, NULL, OPT_UNIXCTL},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    DAEMON_LONG_OPTIONS,
    VLOG_LONG_OPTIONS,
    STREAM_SSL_LONG_OPTIONS,
    {"bootstrap-ca-cert", required_argument, NULL, OPT_BOOTSTRAP_CA_CERT},
    {"peer-ca-cert", required_argument, NULL, OPT_PEER_CA_CERT},
    {NULL, 0, NULL, 0},
};

/* Not daemon_usage() and vlog_usage(), which name Open vSwitch's directories. */
static void
usage_of_daemon(void)
{
    printf("\nDaemon options:\n"
           "  --detach                run in background as daemon\n"
           "  --monitor               creates a process to monitor this "
           "daemon\n"
           "  --user=USER[:GROUP]     changes the effective daemon user:group\n"
           "  --no-chdir              do not chdir to '/'\n"
           "  --pidfile[=FILE]        create pidfile\n"
           "                          (default: %s/pcloud-agent.pid)\n"
           "  --overwrite-pidfile     with --pidfile, start even if already "
           "running\n"
           "\nLogging options:\n"
           "  -vSPEC, --verbose=SPEC  set logging levels\n"
           "  -v, --verbose           set maximum verbosity level\n"
           "  --log-file[=FILE]       enable logging to specified FILE\n"
           "                          (default: %s/pcloud-agent.log)\n"
           "  --syslog-method=(libc|unix:FILE|udp:IP:PORT)\n"
           "                          how to send messages to the syslog "
           "daemon\n"
           "  --syslog-target=HOST:PORT\n"
           "                          also send syslog messages to HOST:PORT "
           "via UDP\n",
           PC_RUNDIR, PC_LOGDIR);
}

static void OVS_NO_RETURN
usage(void)
{
    printf("%s: PacketCloud agent\n"
           "usage: %s [OPTIONS]\n"
           "\nOptions:\n"
           "  --db=DATABASE[,DATABASE...]\n"
           "                          PacketCloud database, or the servers of "
           "its cluster\n"
           "                          (default: unix:RUN-DIR/db.sock)\n"
           "  --role=ROLE[,ROLE]...   scheduler, controller, node (default: "
           "all)\n"
           "  --cloudlet=NAME         cloudlet to control (default: the only "
           "one)\n"
           "  --node=NAME             name of this node (default: host name)\n"
           "  --ovs-db=DATABASE       Open vSwitch database\n"
           "                          (default: unix:%s/db.sock)\n"
           "  --state-dir=DIR         images and VIs (default: %s)\n"
           "  --run-dir=DIR           sockets and pid files (default: %s)\n"
           "  --helper-dir=DIR        programs that run in and around VIs\n"
           "  --vi-port-options=K=V[,K=V]\n"
           "                          options of the VIs' switch ports\n"
           "  --unixctl=SOCKET        socket for ovs-appctl\n"
           "  -h, --help              display this help message\n"
           "  -V, --version           display version information\n",
           program_name, program_name, ovs_rundir(), PC_STATEDIR, PC_RUNDIR);
    stream_usage("DATABASE", true, false, true);
    usage_of_daemon();
    exit(EXIT_SUCCESS);
}

static void
set_string(char **s, const char *value)
{
    free(*s);
    *s = xstrdup(value);
}

static char *
dir_from_env(const char *variable, const char *standard)
{
    const char *dir = getenv(variable);

    return xstrdup(dir && dir[0] ? dir : standard);
}

static void
parse_roles(struct agent_options *o, const char *arg)
{
    char *roles = xstrdup(arg);
    char *save_ptr = NULL;

    o->controller = o->node = o->scheduler = false;
    for (char *role = strtok_r(roles, ",", &save_ptr); role;
         role = strtok_r(NULL, ",", &save_ptr)) {
        if (!strcmp(role, "controller")) {
            o->controller = true;
        } else if (!strcmp(role, "node")) {
            o->node = true;
        } else if (!strcmp(role, "scheduler")) {
            o->scheduler = true;
        } else {
            ovs_fatal(0, "--role=%s: unknown role \"%s\" (the roles are "
                      "scheduler, controller and node)", arg, role);
        }
    }
    free(roles);
    if (!o->controller && !o->node && !o->scheduler) {
        ovs_fatal(0, "--role: no role given");
    }
}

/* --pidfile and --log-file without a value mean our directories, not those of
 * Open vSwitch: OVS_RUNDIR must go on meaning Open vSwitch's. */
static char *
default_file(const struct agent_options *o, int option)
{
    return (option == OPT_PIDFILE
            ? xasprintf("%s/pcloud-agent.pid", o->run_dir)
            : xasprintf("%s/pcloud-agent.log", o->log_dir));
}

static void
parse_one(struct agent_options *o, int option, char *arg)
{
    switch (option) {
    case OPT_DB:
        set_string(&o->db, arg);
        break;
    case OPT_ROLE:
        parse_roles(o, arg);
        break;
    case OPT_CLOUDLET:
        set_string(&o->cloudlet, arg);
        break;
    case OPT_NODE:
        set_string(&o->node_name, arg);
        break;
    case OPT_OVS_DB:
        set_string(&o->ovs_db, arg);
        break;
    case OPT_STATE_DIR:
        set_string(&o->state_dir, arg);
        break;
    case OPT_RUN_DIR:
        set_string(&o->run_dir, arg);
        break;
    case OPT_HELPER_DIR:
        set_string(&o->helper_dir, arg);
        break;
    case OPT_VI_PORT_OPTIONS:
        set_string(&o->vi_port_options, arg);
        break;
    case OPT_UNIXCTL:
        set_string(&o->unixctl, arg);
        break;
    case 'h':
        usage();
    case 'V':
        printf("%s %s\n", program_name, PC_VERSION);
        exit(EXIT_SUCCESS);
    case '?':
        exit(EXIT_FAILURE);
    default:
        abort();
    }
}

/* Options that Open vSwitch's library handles.  Returns false if 'option' is
 * none. */
static bool
parse_ovs_option(int option, char *arg)
{
    optarg = arg;               /* The macros use it. */
    switch (option) {
    DAEMON_OPTION_HANDLERS
    VLOG_OPTION_HANDLERS
    STREAM_SSL_OPTION_HANDLERS

    case OPT_BOOTSTRAP_CA_CERT:
        stream_ssl_set_ca_cert_file(optarg, true);
        return true;
    case OPT_PEER_CA_CERT:
        stream_ssl_set_peer_ca_cert_file(optarg);
        return true;
    default:
        return false;
    }
    return true;
}

/* Reads the options in 'argv' into '*o', which the caller must destroy.  Exits
 * with a message if one is wrong. */
void
agent_options_parse(struct agent_options *o, int argc, char *argv[])
{
    char *short_options = ovs_cmdl_long_options_to_short_options(long_options);
    bool log_file = false, pidfile = false;
    int option;

    *o = (struct agent_options) {
        .scheduler = true, .controller = true, .node = true,
    };
    o->run_dir = dir_from_env("PCLOUD_RUNDIR", PC_RUNDIR);
    o->state_dir = dir_from_env("PCLOUD_STATEDIR", PC_STATEDIR);
    o->log_dir = dir_from_env("PCLOUD_LOGDIR", PC_LOGDIR);
    while ((option = getopt_long(argc, argv, short_options, long_options,
                                 NULL)) != -1) {
        o->ssl |= (option == 'p' || option == 'c' || option == 'C'
                   || option == OPT_BOOTSTRAP_CA_CERT);
        if (option == OPT_PIDFILE && !optarg) {
            pidfile = true;
        } else if (option == OPT_LOG_FILE && !optarg) {
            log_file = true;
        } else if (!parse_ovs_option(option, optarg)) {
            parse_one(o, option, optarg);
        }
    }
    free(short_options);
    if (optind < argc) {
        ovs_fatal(0, "no arguments are accepted; use --help for usage");
    }

    /* Only now is --run-dir known. */
    for (int i = 0; i < 2; i++) {
        if (i ? log_file : pidfile) {
            int which = i ? OPT_LOG_FILE : OPT_PIDFILE;
            char *file = default_file(o, which);
            parse_ovs_option(which, file);
            free(file);
        }
    }
    if (!o->db) {
        const char *db = getenv("PCLOUD_DB");
        o->db = (db && db[0] ? xstrdup(db)
                 : xasprintf("unix:%s/db.sock", o->run_dir));
    }
    if (!o->ovs_db) {
        o->ovs_db = xasprintf("unix:%s/db.sock", ovs_rundir());
    }
}

/* Frees what 'o' contains. */
void
agent_options_destroy(struct agent_options *o)
{
    free(o->db);
    free(o->cloudlet);
    free(o->node_name);
    free(o->ovs_db);
    free(o->state_dir);
    free(o->run_dir);
    free(o->log_dir);
    free(o->helper_dir);
    free(o->vi_port_options);
    free(o->unixctl);
}
