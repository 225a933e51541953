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

#ifndef PCLOUD_AGENT_H
#define PCLOUD_AGENT_H 1

#include <stdbool.h>

struct ovsdb_idl;
struct pc_controller;
struct pc_events;
struct pc_node;

/* The agent's options.  All strings are owned. */
struct agent_options {
    bool ssl;                   /* Key, certificate or CA among the options? */
    char *db;                   /* --db */
    char *cloudlet;             /* --cloudlet, or NULL. */
    char *node_name;            /* --node, or NULL. */
    char *ovs_db;               /* --ovs-db */
    char *state_dir, *run_dir, *log_dir;
    char *helper_dir;           /* --helper-dir, or NULL */
    char *vi_port_options;      /* --vi-port-options, or NULL. */
    char *unixctl;              /* --unixctl, or NULL. */
    bool scheduler, controller, node;   /* --role */
};

/* pcloud-agent-options.c: exits with a message if an option is wrong. */
void agent_options_parse(struct agent_options *, int argc, char *argv[]);
void agent_options_destroy(struct agent_options *);

/* pcloud-agent-node.c. */
struct pc_node *agent_node_create(struct ovsdb_idl *,
                                  const struct agent_options *,
                                  struct pc_events *,
                                  struct pc_controller *);

#endif /* pcloud-agent.h */
