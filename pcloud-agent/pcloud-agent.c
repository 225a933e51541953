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

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "command-line.h"
#include "daemon.h"
#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovsdb-idl.h"
#include "pc-controller.h"
#include "pc-event.h"
#include "pc-node.h"
#include "pc-scheduler.h"
#include "pc-schema.h"
#include "pcloud-agent.h"
#include "simap.h"
#include "stream-ssl.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"
#include "lib/pc-idl.h"

VLOG_DEFINE_THIS_MODULE(pcloud_agent);

/* How long an agent that ends waits for the database to take its last words. */
#define FLUSH_MS 300

struct agent {
    struct agent_options options;
    struct unixctl_server *unixctl;
    struct ovsdb_idl_loop idl_loop;
    struct pc_events *events;
    struct pc_controller *controller;   /* NULL without that role. */
    struct pc_node *node;               /* Likewise. */
    struct pc_scheduler *scheduler;     /* Likewise. */
    char *schema_error;         /* Why it does nothing yet, or NULL. */
    unsigned int schema_seqno;  /* Of the database when that was looked at. */
    bool exiting;
};

static void
agent_exit(struct unixctl_conn *conn, int argc OVS_UNUSED,
           const char *argv[] OVS_UNUSED, void *agent_)
{
    struct agent *agent = agent_;

    agent->exiting = true;
    unixctl_command_reply(conn, NULL);
}

/* "scheduler,controller,node", or some of it, for the caller to free. */
static char *
agent_roles(const struct agent_options *o)
{
    return xasprintf("%s%s%s%s%s", o->scheduler ? "scheduler" : "",
                     o->scheduler && (o->controller || o->node) ? "," : "",
                     o->controller ? "controller" : "",
                     o->controller && o->node ? "," : "",
                     o->node ? "node" : "");
}

static void
agent_status(struct unixctl_conn *conn, int argc OVS_UNUSED,
             const char *argv[] OVS_UNUSED, void *agent_)
{
    struct agent *agent = agent_;
    char *roles = agent_roles(&agent->options);
    char *status = xasprintf(
        "version: %s\nroles: %s\ndatabase: %s (%s)\n%s%s%s",
        PC_VERSION, roles, agent->options.db,
        ovsdb_idl_is_connected(agent->idl_loop.idl) ? "connected"
        : "not connected",
        agent->schema_error ? "waiting: " : "",
        agent->schema_error ? agent->schema_error : "",
        agent->schema_error ? "\n" : "");

    unixctl_command_reply(conn, status);
    free(status);
    free(roles);
}

static void
agent_memory_show(struct unixctl_conn *conn, int argc OVS_UNUSED,
                  const char *argv[] OVS_UNUSED, void *agent_)
{
    struct agent *agent = agent_;
    struct simap usage = SIMAP_INITIALIZER(&usage);
    const struct simap_node **nodes;
    char *text = xstrdup("");

    ovsdb_idl_get_memory_usage(agent->idl_loop.idl, &usage);
    nodes = simap_sort(&usage);
    for (size_t i = 0; i < simap_count(&usage); i++) {
        char *longer = xasprintf("%s%s: %u\n", text, nodes[i]->name,
                                 nodes[i]->data);
        free(text);
        text = longer;
    }
    unixctl_command_reply(conn, text);
    free(text);
    free(nodes);
    simap_destroy(&usage);
}

/* Records that this agent begins or ends. */
static void
agent_event(struct agent *agent, enum pc_event_kind kind)
{
    const struct agent_options *o = &agent->options;
    char host[256] = "";
    char *roles = agent_roles(o);
    char *cause = xasprintf("version %s, process %ld, %s", PC_VERSION,
                            (long int) getpid(), roles);

    gethostname(host, sizeof host - 1);
    pc_events_add(agent->events, &(struct pc_event) {
                      .kind = kind, .cloudlet = o->cloudlet,
                      .node = o->node_name ? o->node_name : host,
                      .cause = cause });
    free(cause);
    free(roles);
}

/* A controller reads what it has to carry on from, and so goes to the server that
 * knows all, the leader.  A node reads what it is to do: any server will do, the
 * first of the list that answers, which may be the relay of its site. */
static struct ovsdb_idl *
agent_create_idl(const struct agent_options *o)
{
    struct ovsdb_idl *idl = ovsdb_idl_create_unconnected(&pcrec_idl_class,
                                                         true);

    ovsdb_idl_set_leader_only(idl, o->controller);
    ovsdb_idl_set_shuffle_remotes(idl, o->controller);
    ovsdb_idl_set_remote(idl, o->db, true);
    return idl;
}

static void
agent_start(struct agent *agent)
{
    const struct agent_options *o = &agent->options;

    if (!o->unixctl && access(o->run_dir, W_OK | X_OK)) {
        ovs_fatal(errno, "cannot use the run directory %s", o->run_dir);
    }
    char *ctl = (o->unixctl ? xstrdup(o->unixctl)
                 : xasprintf("%s/pcloud-agent.%ld.ctl", o->run_dir,
                             (long int) getpid()));
    int error = unixctl_server_create(ctl, &agent->unixctl);

    free(ctl);
    if (error) {
        ovs_fatal(error, "cannot listen for ovs-appctl");
    }
    unixctl_command_register("exit", "", 0, 0, agent_exit, agent);
    unixctl_command_register("agent/status", "", 0, 0, agent_status, agent);
    unixctl_command_register("agent/memory", "", 0, 0, agent_memory_show,
                             agent);

    struct ovsdb_idl *idl = agent_create_idl(o);
    agent->idl_loop = (struct ovsdb_idl_loop) OVSDB_IDL_LOOP_INITIALIZER(idl);
    agent->events = pc_events_create(idl);
    agent_event(agent, PC_EVENT_AGENT_STARTED);
    if (o->node) {
        pc_node_register(idl);
    }
    pc_controller_register(idl);
    if (o->scheduler) {
        agent->scheduler = pc_scheduler_create(o->db, getenv("PCLOUD_FAULT"));
    }
    if (o->controller) {
        agent->controller = pc_controller_create(idl, o->db, o->cloudlet);
        pc_controller_set_events(agent->controller, agent->events);
        pc_controller_set_fault(agent->controller, getenv("PCLOUD_FAULT"));
    }
    if (o->node) {
        agent->node = agent_node_create(idl, o, agent->events,
                                        agent->controller);
    }
}

/* Key, certificate and authority for "ssl:" connections come from the options
 * or else from the database, which may change them at any time. */
static void
agent_configure_ssl(const struct agent *agent)
{
    const struct pcrec_packetcloud *pc
        = pcrec_packetcloud_first(agent->idl_loop.idl);

    if (pc && pc->ssl && !agent->options.ssl) {
        stream_ssl_set_key_and_cert(pc->ssl->private_key,
                                    pc->ssl->certificate);
        stream_ssl_set_ca_cert_file(pc->ssl->ca_cert,
                                    pc->ssl->bootstrap_ca_cert);
    }
}

/* Does the database have all that this version knows?  If not, what has been set
 * up stays as it is, until somebody has converted it. */
static bool
agent_check_schema(struct agent *agent)
{
    const struct ovsdb_idl *idl = agent->idl_loop.idl;
    unsigned int seqno = ovsdb_idl_get_seqno(idl);

    if (!ovsdb_idl_has_ever_connected(idl)
        || agent->schema_seqno == seqno
        || (agent->schema_seqno && !agent->schema_error)) {
        return !agent->schema_error;
    }

    char *error = pc_schema_check(idl);
    if (error && !agent->schema_error) {
        VLOG_ERR("%s; nothing is done until then", error);
    } else if (!error && agent->schema_error) {
        VLOG_INFO("the database has been converted");
    }
    free(agent->schema_error);
    agent->schema_error = error;
    agent->schema_seqno = seqno;
    return !error;
}

static void
agent_run_roles(struct agent *agent, struct ovsdb_idl_txn *txn)
{
    agent_configure_ssl(agent);
    if (agent->controller) {
        pc_controller_run(agent->controller, txn);
    }
    if (agent->node) {
        pc_node_run(agent->node, txn);
    }
    if (agent->scheduler) {
        pc_scheduler_run(agent->scheduler);
    }
    pc_events_run(agent->events, txn);
}

static void
agent_wait_roles(struct agent *agent)
{
    if (agent->controller) {
        pc_controller_wait(agent->controller);
    }
    if (agent->node) {
        pc_node_wait(agent->node);
    }
    if (agent->scheduler) {
        pc_scheduler_wait(agent->scheduler);
    }
}

static void
agent_run_once(struct agent *agent)
{
    struct ovsdb_idl_txn *txn = ovsdb_idl_loop_run(&agent->idl_loop);

    bool able = agent_check_schema(agent);

    if (able) {
        agent_run_roles(agent, txn);
    }
    unixctl_server_run(agent->unixctl);
    unixctl_server_wait(agent->unixctl);
    /* What does not run is not waited for either, and what a command has begun
     * is. */
    if (able) {
        agent_wait_roles(agent);
    }
    ovsdb_idl_loop_commit_and_wait(&agent->idl_loop);
    ovsdb_idl_track_clear(agent->idl_loop.idl);
    if (agent->exiting) {
        poll_immediate_wake();
    }
    poll_block();
}

/* Gives the last events a moment to reach the database. */
static void
agent_flush_events(struct agent *agent)
{
    long long int deadline = time_msec() + FLUSH_MS;

    while (!pc_events_is_empty(agent->events) && time_msec() < deadline) {
        pc_events_run(agent->events, ovsdb_idl_loop_run(&agent->idl_loop));
        ovsdb_idl_loop_commit_and_wait(&agent->idl_loop);
        ovsdb_idl_track_clear(agent->idl_loop.idl);
        poll_timer_wait_until(deadline);
        poll_block();
    }
}

/* Ends: VIs, flows, groups and ports stay as they are. */
static void
agent_stop(struct agent *agent)
{
    agent_event(agent, PC_EVENT_AGENT_STOPPED);
    agent_flush_events(agent);
    pc_scheduler_destroy(agent->scheduler);
    pc_controller_destroy(agent->controller);
    if (agent->node) {
        pc_node_destroy(agent->node);
    }
    pc_events_destroy(agent->events);
    ovsdb_idl_loop_destroy(&agent->idl_loop);
    unixctl_server_destroy(agent->unixctl);
    agent_options_destroy(&agent->options);
    free(agent->schema_error);
    service_stop();
}

int
main(int argc, char *argv[])
{
    struct agent agent = { .exiting = false };

    set_program_name(argv[0]);
    ovs_cmdl_proctitle_init(argc, argv);
    service_start(&argc, &argv);
    agent_options_parse(&agent.options, argc, argv);
    fatal_ignore_sigpipe();

    daemonize_start(false);
    agent_start(&agent);
    daemonize_complete();
    VLOG_INFO("pcloud-agent %s", PC_VERSION);

    while (!agent.exiting) {
        agent_run_once(&agent);
        if (should_service_stop()) {
            agent.exiting = true;
        }
    }
    agent_stop(&agent);
    ovsrcu_exit();              /* Its thread must not outlive what exit() ends. */
    return 0;
}
