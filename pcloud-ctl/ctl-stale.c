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

/* Reading from a server that has lost its cluster, or a relay that has lost its
 * server: what it has may be out of date, but in an outage it is what there is.
 *
 * The IDL leaves such a server, for it has it say what it is.  So it is given
 * another to talk to, in this process, that passes everything on but questions
 * about the database _Server: to these it answers as servers did that had no
 * such database, and whose clients took what they got.  It listens in a
 * directory that nobody else may enter. */

#include <config.h>

#include "ctl-server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "stream.h"
#include "util.h"

struct ctl_stale {
    char *dir, *path;           /* Where it listens. */
    struct pstream *listener;
    struct jsonrpc *client;     /* The IDL, once it has come. */
    struct jsonrpc *server;
};

/* Opens the socket for the IDL. */
static char *
listen_for_idl(struct ctl_stale *s)
{
    const char *tmp = getenv("TMPDIR");
    char *name;
    int error;

    s->dir = xasprintf("%s/pcloud-ctl.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(s->dir)) {
        char *why = xasprintf("%s: %s", s->dir, ovs_strerror(errno));
        free(s->dir);
        s->dir = NULL;
        return why;
    }
    s->path = xasprintf("%s/db.sock", s->dir);
    name = xasprintf("punix:%s", s->path);
    error = jsonrpc_pstream_open(name, &s->listener, DSCP_DEFAULT);
    free(name);
    return (error ? xasprintf("%s: %s", s->path, ovs_strerror(error))
            : NULL);
}

/* If there is a server that has data and has lost its cluster, has the IDL take
 * what it has, and says so.  Otherwise returns false. */
bool
ctl_stale_start(struct ctl_run *run)
{
    struct jsonrpc *server
        = ctl_server_open(run, ((1u << CTL_SERVER_ALONE)
                                | (1u << CTL_SERVER_RELAY_ALONE)), NULL);

    if (!server) {
        return false;
    }
    run->stale = xzalloc(sizeof *run->stale);
    run->stale->server = server;

    char *error = listen_for_idl(run->stale);
    if (error) {
        ovs_error(0, "%s", error);
        free(error);
        ctl_stale_stop(run);
        return false;
    }
    ovs_error(0, "%s has lost the cluster: what follows may be out of date",
              jsonrpc_get_name(server));

    char *remote = xasprintf("unix:%s", run->stale->path);
    ovsdb_idl_set_remote(run->idl, remote, false);
    free(remote);
    return true;
}

/* Is 'msg' a question about _Server? */
static bool
is_about_server(const struct jsonrpc_msg *msg)
{
    const struct json *db
        = (msg->type == JSONRPC_REQUEST && msg->params
           && msg->params->type == JSON_ARRAY && json_array(msg->params)->n
           ? json_array(msg->params)->elems[0] : NULL);

    return (db && db->type == JSON_STRING
            && !strcmp(json_string(db), "_Server"));
}

/* Passes on what has come from 'from' to 'to'. */
static void
pass(struct jsonrpc *from, struct jsonrpc *to)
{
    struct jsonrpc_msg *msg;

    jsonrpc_run(from);
    while (!jsonrpc_recv(from, &msg)) {
        if (is_about_server(msg)) {
            jsonrpc_send(from, jsonrpc_create_error(
                             json_string_create("unknown database"),
                             msg->id));
            jsonrpc_msg_destroy(msg);
        } else {
            jsonrpc_send(to, msg);
        }
    }
}

void
ctl_stale_run(struct ctl_run *run)
{
    struct ctl_stale *s = run->stale;
    struct stream *stream;

    if (!s) {
        return;
    }
    if (!s->client && !pstream_accept(s->listener, &stream)) {
        s->client = jsonrpc_open(stream);
    }
    if (s->client) {
        pass(s->client, s->server);
        pass(s->server, s->client);
        jsonrpc_run(s->client);
        jsonrpc_run(s->server);
        if (jsonrpc_get_status(s->server)) {
            jsonrpc_close(s->client);   /* The IDL sees that it is gone. */
            s->client = NULL;
        }
    }
}

void
ctl_stale_wait(struct ctl_run *run)
{
    struct ctl_stale *s = run->stale;

    if (!s) {
        return;
    }
    if (s->client) {
        jsonrpc_wait(s->client);
        jsonrpc_recv_wait(s->client);
        jsonrpc_wait(s->server);
        jsonrpc_recv_wait(s->server);
    } else {
        pstream_wait(s->listener);
    }
}

void
ctl_stale_stop(struct ctl_run *run)
{
    struct ctl_stale *s = run->stale;

    if (!s) {
        return;
    }
    jsonrpc_close(s->client);
    jsonrpc_close(s->server);
    pstream_close(s->listener);
    if (s->dir) {
        unlink(s->path);
        rmdir(s->dir);
    }
    free(s->path);
    free(s->dir);
    free(s);
    run->stale = NULL;
}
