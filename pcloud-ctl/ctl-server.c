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

/* The database's servers, beside the IDL: which of them is what.
 *
 * --db names one server or several of a cluster.  Each keeps, in the database
 * _Server, what it knows of itself: is it the leader, has it a leader, is it a
 * relay.  The IDL goes by that too, but does not tell; here it is asked for what
 * only the leader knows (who has a lock), and to say why nothing answers. */

#include <config.h>

#include "ctl-server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "ovsdb-session.h"
#include "stream.h"
#include "timeval.h"
#include "util.h"

/* How long a server may take to say what it is, in milliseconds. */
#define ANSWER_MS 1000

/* Parses the servers of --db, without the cluster's id. */
static void
parse_servers(const struct ctl_run *run, struct svec *servers)
{
    struct uuid cid;

    svec_init(servers);
    ovsdb_session_parse_remote(run->db, servers, &cid);
}

bool
ctl_server_is_list(const struct ctl_run *run)
{
    struct svec servers;

    parse_servers(run, &servers);
    bool several = servers.n > 1;
    svec_destroy(&servers);
    return several;
}

/* As jsonrpc_transact_block(), but not for ever. */
static int
transact(struct jsonrpc *rpc, struct jsonrpc_msg *request,
         struct jsonrpc_msg **reply)
{
    long long int deadline = time_msec() + ANSWER_MS;
    struct json *id = json_clone(request->id);
    int error = jsonrpc_send(rpc, request);

    *reply = NULL;
    while (!error) {
        error = jsonrpc_recv(rpc, reply);
        if (!error) {
            if ((*reply)->type == JSONRPC_REPLY
                && json_equal(id, (*reply)->id)) {
                break;
            }
            jsonrpc_msg_destroy(*reply);
            *reply = NULL;
        } else if (error == EAGAIN) {
            error = time_msec() < deadline ? 0 : ETIMEDOUT;
            jsonrpc_run(rpc);
            jsonrpc_wait(rpc);
            jsonrpc_recv_wait(rpc);
            poll_timer_wait_until(deadline);
            if (!error) {
                poll_block();
            }
        }
    }
    json_destroy(id);
    return error;
}

static bool
get_bool(const struct json *row, const char *column)
{
    const struct json *value = shash_find_data(json_object(row), column);

    return value && value->type == JSON_TRUE;
}

/* Reads the row of _Server in the 'reply' to ask(). */
static enum ctl_server_state
parse_state(const struct jsonrpc_msg *reply)
{
    const struct json *results = reply->result;
    const struct json *rows
        = (results && results->type == JSON_ARRAY && json_array(results)->n
           && json_array(results)->elems[0]->type == JSON_OBJECT
           ? shash_find_data(json_object(json_array(results)->elems[0]),
                             "rows") : NULL);

    if (!rows || rows->type != JSON_ARRAY) {
        return CTL_SERVER_LEADER;       /* Older than clusters. */
    } else if (!json_array(rows)->n
               || json_array(rows)->elems[0]->type != JSON_OBJECT) {
        return CTL_SERVER_NO_DB;
    }

    const struct json *row = json_array(rows)->elems[0];
    const struct json *model = shash_find_data(json_object(row), "model");
    const struct json *schema = shash_find_data(json_object(row), "schema");
    bool relay = (model && model->type == JSON_STRING
                  && !strcmp(json_string(model), "relay"));

    if (!schema || schema->type != JSON_STRING) {
        return CTL_SERVER_NO_DATA;
    } else if (!get_bool(row, "connected")) {
        return relay ? CTL_SERVER_RELAY_ALONE : CTL_SERVER_ALONE;
    }
    return (relay ? CTL_SERVER_RELAY
            : get_bool(row, "leader") ? CTL_SERVER_LEADER
            : CTL_SERVER_FOLLOWER);
}

/* Has the server say what it is. */
static int
ask(struct jsonrpc *rpc, enum ctl_server_state *state)
{
    char *params = xasprintf(
        "[\"_Server\",{\"op\":\"select\",\"table\":\"Database\","
        "\"where\":[[\"name\",\"==\",\"%s\"]],"
        "\"columns\":[\"model\",\"connected\",\"leader\",\"schema\"]}]",
        pcrec_idl_class.database);
    struct jsonrpc_msg *reply;
    int error = transact(rpc, jsonrpc_create_request(
                             "transact", json_from_string(params), NULL),
                         &reply);

    if (!error) {
        *state = parse_state(reply);
        jsonrpc_msg_destroy(reply);
    }
    free(params);
    return error;
}

const char *
ctl_server_state_to_string(enum ctl_server_state state)
{
    switch (state) {
    case CTL_SERVER_LEADER: return "leader";
    case CTL_SERVER_FOLLOWER: return "follower";
    case CTL_SERVER_ALONE: return "without a leader";
    case CTL_SERVER_RELAY: return "relay";
    case CTL_SERVER_RELAY_ALONE: return "relay without a server";
    case CTL_SERVER_NO_DATA: return "has no data yet";
    case CTL_SERVER_NO_DB: return "has no database PacketCloud";
    }
    OVS_NOT_REACHED();
}

/* Connects to 'server' and has it say what it is. */
static int
connect_server(const char *server, struct jsonrpc **rpc,
               enum ctl_server_state *state)
{
    struct stream *stream;
    int error = stream_open_block(jsonrpc_stream_open(server, &stream,
                                                      DSCP_DEFAULT),
                                  ANSWER_MS, &stream);

    if (!error) {
        *rpc = jsonrpc_open(stream);
        error = ask(*rpc, state);
        if (error) {
            jsonrpc_close(*rpc);
        }
    }
    return error;
}

/* Connects to the first server that is in one of 'states', a set of bits 1 <<
 * state.  Returns NULL if there is none; then '*report', if 'report' is not NULL,
 * says what each of them is, in one line that the caller frees. */
struct jsonrpc *
ctl_server_open(const struct ctl_run *run, unsigned int states, char **report)
{
    struct ds said = DS_EMPTY_INITIALIZER;
    struct jsonrpc *found = NULL;
    struct svec servers;

    parse_servers(run, &servers);
    for (size_t i = 0; i < servers.n && !found; i++) {
        const char *server = servers.names[i];
        enum ctl_server_state state;
        struct jsonrpc *rpc;
        int error = connect_server(server, &rpc, &state);

        ds_put_format(&said, "%s%s: %s", i ? ", " : "", server,
                      (error ? ovs_retval_to_string(error)
                       : ctl_server_state_to_string(state)));
        if (!error && states & (1u << state)) {
            found = rpc;
        } else if (!error) {
            jsonrpc_close(rpc);
        }
    }
    svec_destroy(&servers);
    if (report && !found) {
        *report = ds_steal_cstr(&said);
    }
    ds_destroy(&said);
    return found;
}

/* Says in one line, which the caller frees, what each of the servers is. */
char *
ctl_server_report(const struct ctl_run *run)
{
    char *report = NULL;

    ignore(ctl_server_open(run, 0, &report));
    return report;
}

/* The connection has failed: ends the program with the reason. */
void
ctl_server_fail(const struct ctl_run *run)
{
    int retval = ovsdb_idl_get_last_error(run->idl);

    if (retval && retval != EOF) {
        ctl_fatal("%s: database connection failed (%s)", run->db,
                  ovs_retval_to_string(retval));
    }
    ctl_fatal("database connection failed (%s)", ctl_server_report(run));
}

/* Says that no server is what is wanted, and what each of them is. */
void
ctl_server_say_waiting(const struct ctl_run *run)
{
    char *report = ctl_server_report(run);

    ovs_error(0, "waiting for the database (%s)", report);
    free(report);
}

/* Ends the program because of --timeout, after having waited for 'what'.  If that
 * may not have come for want of a server, says what the servers are. */
void
ctl_server_time_out(const struct ctl_run *run, const char *what)
{
    /* The servers get their time to answer, and more. */
    time_alarm(60);
    if (!strncmp(what, "the database", 12)
        && !ovsdb_idl_is_connected(run->idl)) {
        char *report = ctl_server_report(run);

        ovs_error(0, "timed out after %u s waiting for %s (%s)",
                  run->timeout, what, report);
        free(report);
    } else {
        ovs_error(0, "timed out after %u s waiting for %s",
                  run->timeout, what);
    }
    signal(SIGALRM, SIG_DFL);
    raise(SIGALRM);
    abort();
}
