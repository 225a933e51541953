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

#include "pc-rbac.h"

#include <stddef.h>

/* A node's agent: its own row, what runs on it, and what happened to it. */
static const struct pc_rbac_permission node[] = {
    { "Node", "name", false,
      { "cur_cfg", "error", "found", "seen", "status", "used" } },
    { "VI", "node_name home_name", false,
      { "applied", "archive", "capacity", "consumed", "error", "home",
        "move_error", "node", "pid", "ports", "ready", "restarts",
        "restrictions", "since", "state", "statistics", "status",
        "taker" } },
    { "Event", "node", true, { NULL } },

    /* No row of these is about one node alone: access is granted to a column,
     * not to the node's key in it. */
    { "Image", "", false, { "status" } },
    { "Inspection", "", false, { "capture", "statistics" } },
    { NULL, NULL, false, { NULL } }
};

/* A cloudlet's controller.  No column of these tables names the cloudlet, so
 * that it is not bound to its own. */
static const struct pc_rbac_permission controller[] = {
    { "PacketCloud", "", false, { "next_cfg" } },
    { "Cloudlet", "", false,
      { "available", "reported", "reserved", "total", "used" } },
    { "Router", "", false,
      { "connected", "cur_cfg", "datapath_id", "error", "status" } },
    { "Interface", "", false, { "status" } },
    { "Route", "", false, { "status" } },
    { "Node", "", false, { "state" } },
    { "Service", "", false, { "error", "number" } },
    { "Chain", "", false, { "error", "number" } },
    { "Rule", "", false, { "error", "status" } },
    { "VI", "", true,
      { "admin_state", "home_name", "move_error", "node", "node_name",
        "options", "released", "slots", "taker" } },
    { "Inspection", "", false, { "error", "status" } },
    { "Reservation", "", false, { "judged", "metered", "used", "verdict" } },
    { "Event", "", true, { NULL } },
    { NULL, NULL, false, { NULL } }
};

static const struct pc_rbac_permission scheduler[] = {
    { "Node", "", false, { "version" } },
    { "Provider", "", false, { "balance", "entries", "version" } },
    { "Reservation", "", false,
      { "alternatives", "answered", "changes", "judged", "made", "metered",
        "node", "paid", "placed", "price", "proposed", "proposed_node",
        "reason", "refused", "slots", "state", "turn", "verdict" } },
    { "Ledger", "", true, { NULL } },
    { "Event", "", true, { NULL } },
    { NULL, NULL, false, { NULL } }
};

/* May read.  (A role without a row in the database could do as much; this says
 * that it is meant.) */
static const struct pc_rbac_permission relay[] = {
    { NULL, NULL, false, { NULL } }
};

const struct pc_rbac_role pc_rbac_roles[] = {
    { "pcloud-node", node },
    { "pcloud-controller", controller },
    { "pcloud-scheduler", scheduler },
    { "pcloud-relay", relay },
    { NULL, NULL }
};
