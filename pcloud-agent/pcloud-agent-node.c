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

#include <stdlib.h>

#include "pc-controller.h"
#include "pc-node.h"
#include "pcloud-agent.h"

static void
vi_ready_cb(void *controller, const struct uuid *vi, bool ready)
{
    pc_controller_set_vi_ready(controller, vi, ready);
}

static bool
vi_is_wired_cb(void *controller, const struct uuid *vi)
{
    return pc_controller_vi_is_wired(controller, vi);
}

static const struct pc_node_listener listener = {
    .vi_ready = vi_ready_cb,
    .vi_is_wired = vi_is_wired_cb,
};

/* Creates the node role as the options 'o' say.  If this process has the
 * controller role as well, 'c', the two talk directly. */
struct pc_node *
agent_node_create(struct ovsdb_idl *idl, const struct agent_options *o,
                  struct pc_events *events, struct pc_controller *c)
{
    struct pc_node_config config = {
        .remote = o->db,
        .name = o->node_name,
        .ovs_remote = o->ovs_db,
        .state_dir = o->state_dir,
        .run_dir = o->run_dir,
        .log_dir = o->log_dir,
        .fault = getenv("PCLOUD_FAULT"),
        .vi_port_options = o->vi_port_options,
        .events = events,
        .listener = c ? &listener : NULL,
        .listener_aux = c,
    };

    if (o->helper_dir) {
        setenv("PCLOUD_LIBEXECDIR", o->helper_dir, 1);  /* pc-container.h */
    }
    return pc_node_create(idl, &config);
}
