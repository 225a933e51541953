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
#include "pc-appctl.h"

#include <errno.h>
#include <unistd.h>

#include "daemon.h"
#include "dirs.h"
#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "stream.h"
#include "timeval.h"
#include "util.h"

/* After this time, in ms, a daemon that does not answer is given up. */
#define TIMEOUT 10000

struct pc_appctl {
    char *program;
    struct jsonrpc *rpc;        /* NULL: no command is under way ... */
    char *error;                /* ... or it could not be sent. */
    long long int deadline;     /* In ms. */
};

struct pc_appctl *
pc_appctl_create(const char *program)
{
    struct pc_appctl *a = xzalloc(sizeof *a);

    a->program = xstrdup(program);
    return a;
}

void
pc_appctl_destroy(struct pc_appctl *a)
{
    if (a) {
        jsonrpc_close(a->rpc);
        free(a->error);
        free(a->program);
        free(a);
    }
}

char *
pc_appctl_target(const char *program, char **target)
{
    char *pidfile = xasprintf("%s/%s.pid", ovs_rundir(), program);
    /* read_pidfile() would log a warning that there is none, but a daemon that
     * does not run is nothing that this process has to warn of. */
    pid_t pid = access(pidfile, F_OK) ? -errno : read_pidfile(pidfile);
    char *error = NULL;

    *target = NULL;
    if (pid < 0) {
        error = xasprintf("%s: %s", pidfile, ovs_strerror(-pid));
    } else {
        *target = xasprintf("unix:%s/%s.%ld.ctl", ovs_rundir(), program,
                            (long int) pid);
    }
    free(pidfile);
    return error;
}

/* Opens a connection to the daemon.  Returns NULL or why that failed. */
static char * OVS_WARN_UNUSED_RESULT
pc_appctl_open(struct pc_appctl *a)
{
    struct stream *stream;
    char *target;
    char *error = pc_appctl_target(a->program, &target);

    if (!error) {
        int retval = stream_open(target, &stream, DSCP_DEFAULT);

        if (retval) {
            error = xasprintf("%s: %s", target, ovs_strerror(retval));
        } else {
            a->rpc = jsonrpc_open(stream);
        }
        free(target);
    }
    return error;
}

void
pc_appctl_send(struct pc_appctl *a, const char *command,
               const char *const *argv, size_t n)
{
    struct json **params = xmalloc((n + 1) * sizeof *params);

    ovs_assert(!pc_appctl_is_busy(a));
    a->deadline = time_msec() + TIMEOUT;
    a->error = pc_appctl_open(a);
    if (!a->error) {
        for (size_t i = 0; i < n; i++) {
            params[i] = json_string_create(argv[i]);
        }
        jsonrpc_send(a->rpc, jsonrpc_create_request(
                         command, json_array_create(params, n), NULL));
    } else {
        free(params);
    }
}

bool
pc_appctl_is_busy(const struct pc_appctl *a)
{
    return a->rpc || a->error;
}

static char *
text_of(const struct json *json)
{
    return (json && json->type == JSON_STRING ? xstrdup(json_string(json))
            : xstrdup("an answer that is no text"));
}

bool
pc_appctl_run(struct pc_appctl *a, char **reply, char **error)
{
    struct jsonrpc_msg *msg = NULL;

    *reply = *error = NULL;
    if (a->error) {
        *error = a->error;
        a->error = NULL;
        return true;
    } else if (!a->rpc) {
        return false;
    }

    jsonrpc_run(a->rpc);
    int retval = jsonrpc_recv(a->rpc, &msg);
    if (retval == EAGAIN && time_msec() < a->deadline) {
        return false;
    } else if (retval) {
        *error = xasprintf("%s: %s", a->program,
                           ovs_retval_to_string(retval == EAGAIN ? ETIMEDOUT
                                                : retval));
    } else if (msg->type == JSONRPC_REPLY) {
        *reply = text_of(msg->result);
    } else {
        *error = text_of(msg->error);
    }
    jsonrpc_msg_destroy(msg);
    jsonrpc_close(a->rpc);
    a->rpc = NULL;
    return true;
}

void
pc_appctl_wait(struct pc_appctl *a)
{
    if (a->error) {
        poll_immediate_wake();
    } else if (a->rpc) {
        jsonrpc_wait(a->rpc);
        jsonrpc_recv_wait(a->rpc);
        poll_timer_wait_until(a->deadline);
    }
}
