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

#ifndef CTL_SERVER_H
#define CTL_SERVER_H 1

#include "pcloud-ctl.h"

struct jsonrpc;

/* What a database server is. */
enum ctl_server_state {
    CTL_SERVER_LEADER,          /* Or the only one. */
    CTL_SERVER_FOLLOWER,
    CTL_SERVER_ALONE,           /* Of a cluster, but it has no leader. */
    CTL_SERVER_RELAY,
    CTL_SERVER_RELAY_ALONE,     /* A relay, but it has no server. */
    CTL_SERVER_NO_DATA,         /* Has not yet joined, or not yet connected. */
    CTL_SERVER_NO_DB,
};

const char *ctl_server_state_to_string(enum ctl_server_state);
bool ctl_server_is_list(const struct ctl_run *);
struct jsonrpc *ctl_server_open(const struct ctl_run *, unsigned int states,
                                char **report);
char *ctl_server_report(const struct ctl_run *);
void ctl_server_say_waiting(const struct ctl_run *);
OVS_NO_RETURN void ctl_server_fail(const struct ctl_run *);
OVS_NO_RETURN void ctl_server_time_out(const struct ctl_run *,
                                       const char *what);

/* ctl-stale.c: reading from a server that has lost its cluster. */
bool ctl_stale_start(struct ctl_run *);
void ctl_stale_run(struct ctl_run *);
void ctl_stale_wait(struct ctl_run *);
void ctl_stale_stop(struct ctl_run *);

#endif /* ctl-server.h */
