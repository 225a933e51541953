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

/* Talking to the agent on this machine by its control socket. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pcloud-ctl.h"

#include "jsonrpc.h"
#include "unixctl.h"
#include "util.h"

#define AGENT "pcloud-agent"

/* Reads the process id that the agent has left in its run directory.  Returns
 * NULL, or an error that the caller frees. */
static char *
read_pid(const char *pidfile, long int *pid)
{
    FILE *file = fopen(pidfile, "r");
    char line[32];

    if (!file) {
        return (errno == ENOENT
                ? xasprintf(AGENT " is not running (there is no %s)", pidfile)
                : xasprintf("%s: %s", pidfile, ovs_strerror(errno)));
    }
    *pid = fgets(line, sizeof line, file) ? strtol(line, NULL, 10) : 0;
    fclose(file);
    return *pid > 0 ? NULL : xasprintf("%s: not a process id", pidfile);
}

/* Connects to the agent.  Returns NULL, or an error that the caller frees. */
static char *
connect_agent(const struct ctl_run *run, struct jsonrpc **client)
{
    char *pidfile = xasprintf("%s/" AGENT ".pid", run->run_dir);
    long int pid = 0;
    char *error = read_pid(pidfile, &pid);

    if (!error) {
        char *path = xasprintf("%s/" AGENT ".%ld.ctl", run->run_dir, pid);
        int retval = unixctl_client_create(path, client);

        if (retval) {
            error = xasprintf(AGENT " is not running (%s: %s)", path,
                              ovs_strerror(retval));
        }
        free(path);
    }
    free(pidfile);
    return error;
}

/* Has the agent run 'command' with the 'argc' 'argv'.  Returns NULL and stores
 * its answer in '*reply', for the caller to free, or an error, likewise. */
char *
ctl_agent_transact(struct ctl_run *run, const char *command, int argc,
                   char *argv[], char **reply)
{
    struct jsonrpc *client;
    char *error = connect_agent(run, &client);
    char *agent_error;
    int retval;

    *reply = NULL;
    if (error) {
        return error;
    }
    retval = unixctl_client_transact(client, command, argc, argv, reply,
                                     &agent_error);
    jsonrpc_close(client);
    if (retval) {
        return xasprintf(AGENT ": %s did not come to an end (%s)", command,
                         ovs_retval_to_string(retval));
    } else if (agent_error) {
        /* Its errors may end in a newline. */
        agent_error[strcspn(agent_error, "\n")] = '\0';
        return agent_error;
    }
    return NULL;
}
