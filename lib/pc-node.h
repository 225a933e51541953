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

#ifndef PC_NODE_H
#define PC_NODE_H 1

/* The node role: runs the VIs that the database places on this node.
 *
 * What it does
 * ============
 *
 * For every VI row whose 'node' is ours the manager takes a container through
 * image, root, start, switch port and readiness probe, and back again when the
 * row goes away or its admin_state is "down".  It writes only the status
 * columns of VI, Node and Image.  The order is that of the design (section 5):
 * the port is added last and deleted first.
 *
 * Lifecycle
 * =========
 *
 *     n = pc_node_create(idl, &config);
 *     for (;;) {
 *         ovsdb_idl_loop_run(&loop) gives 'txn', perhaps NULL;
 *         pc_node_run(n, txn);
 *         pc_node_wait(n);
 *         ...
 *     }
 *     pc_node_destroy(n);
 *
 * pc_node_destroy() leaves containers and ports as they are (fail static).  The
 * next pc_node_create() looks at what is there: it adopts containers that
 * already run as wanted without touching them or their ports, finishes or
 * undoes what is half made, and removes what no row asks for.
 *
 * While it runs it holds the database lock "packetcloud_node_UUID", with the UUID
 * of the Node row without hyphens (pc-lock.h), for others to see.
 *
 * Nothing blocks: liblxc, images, probes and every walk of a directory run in
 * worker threads; the switch's database is an IDL of its own.
 *
 * Thread safety: none; everything is called from the main loop.
 */

#include <stdbool.h>
#include "openvswitch/compiler.h"

struct ovsdb_idl;
struct ovsdb_idl_txn;
struct pc_events;
struct uuid;

/* Whom the node role tells what it finds, in the same process and turn of the
 * main loop: the database hears of it later. */
struct pc_node_listener {
    /* The VI with that row may have traffic, or must not have any. */
    void (*vi_ready)(void *aux, const struct uuid *vi, bool ready);

    /* Does the switch know all flows of that VI?  Before, what comes out of
     * it may go anywhere. */
    bool (*vi_is_wired)(void *aux, const struct uuid *vi);
};

/* What the node needs to know.  All strings are copied. */
struct pc_node_config {
    const char *remote;     /* Connection method of PacketCloud's database, for
                             * the connection that holds the lock; NULL: no
                             * lock is held. */
    const char *name;       /* Node.name; NULL: this host's name, or the one
                             * Node row if there is exactly one. */
    const char *ovs_remote; /* The switch's database, e.g. "unix:PATH"; NULL:
                             * "unix:<OVS run directory>/db.sock". */
    const char *state_dir;  /* E.g. "/var/lib/packetcloud". */
    const char *run_dir;    /* E.g. "/var/run/packetcloud". */
    const char *log_dir;    /* E.g. "/var/log/packetcloud". */
    const char *fault;      /* Tests only: where the process shall kill or stop
                             * itself (pc-fault.h); NULL: nowhere.  The agent
                             * passes getenv("PCLOUD_FAULT"). */
    const struct pc_node_listener *listener; /* May be NULL. */
    void *listener_aux;
    struct pc_events *events; /* Where to record what happens; stays the
                               * caller's.  NULL: nowhere. */
    const char *vi_port_options; /* "k=v,k=v": Interface options for the VIs'
                                  * ports where the switch knows them; NULL:
                                  * none. */
};

/* Registers the columns that the node role needs with 'idl'; before
 * pc_controller_register(), whose tracking this would switch off. */
void pc_node_register(struct ovsdb_idl *idl);

/* Creates the manager on 'idl', which stays the caller's and must outlive it.
 * Registers unixctl commands node/status, node/vi, node/log, node/exec. */
struct pc_node *pc_node_create(struct ovsdb_idl *idl,
                               const struct pc_node_config *);

/* Frees 'n'.  Containers and ports stay.  Waits for jobs under way, except
 * that it cancels the fetching and unpacking of images. */
void pc_node_destroy(struct pc_node *n);

/* Advances every VI by what happened since the last call, and writes status
 * into 'txn' (NULL: no transaction is possible now, status follows later). */
void pc_node_run(struct pc_node *n, struct ovsdb_idl_txn *txn);

/* Arranges for the poll loop to wake when pc_node_run() has work to do. */
void pc_node_wait(struct pc_node *n);

/* True if all VIs of this node are settled and nothing is left to remove. */
bool pc_node_is_settled(const struct pc_node *n);

#endif /* pc-node.h */
