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

#ifndef PC_PORTS_H
#define PC_PORTS_H 1

/* The VIs' ports in the node's Open_vSwitch database.
 *
 * The caller says which ports it wants; pc_ports_run() makes the database so,
 * in as few transactions as possible, and reports what became of each.  Our
 * ports are those with external_ids:packetcloud-node equal to our node's name;
 * any other port is foreign and never touched, whatever its name.
 *
 * A port belongs to one 'instance' of its VI's container, a text that changes
 * whenever the container (hence its veth) is made anew.  A veth made again
 * under an old name leaves the switch's receive side dead, although the link is
 * up, so a port row of an earlier instance is first deleted, then vswitchd's
 * acknowledgement (cur_cfg) is awaited, and only then is the row added again:
 * two transactions alone can still be seen as one by vswitchd.
 *
 * Until pc_ports_enable() is called nothing is written: an agent that starts
 * must first know what it wants, lest it take a running VI's port for a stray.
 *
 * Lifecycle: create, then in each turn of the main loop run and wait, destroy.
 * pc_ports_destroy() leaves the database as it is.
 *
 * Thread safety: none; main loop only.  Never blocks. */

#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/uuid.h"

struct smap;

enum pc_port_state {
    PC_PORT_ABSENT,             /* No row, and the switch has let go of it. */
    PC_PORT_PENDING,            /* A row is being added or deleted. */
    PC_PORT_READY,              /* The switch has given it a port number. */
    PC_PORT_FAILED,             /* The switch, or we, cannot: see the error. */
};

/* 'remote' is the switch's database, e.g. "unix:/var/run/openvswitch/db.sock";
 * 'node' is the value of external_ids:packetcloud-node.  Both are copied. */
struct pc_ports *pc_ports_create(const char *remote, const char *node);
void pc_ports_destroy(struct pc_ports *);
void pc_ports_run(struct pc_ports *);
void pc_ports_wait(struct pc_ports *);

/* Sets the bridge that our ports belong to.  Ports of ours on another bridge
 * are moved. */
void pc_ports_set_bridge(struct pc_ports *, const char *bridge);

/* Sets what goes into Interface 'other_config' ("other_config:K"), 'options'
 * ("options:K") and 'type' ("type") of the ports added from now on.  'settings'
 * is copied; NULL: nothing.
 *
 * Without a "type" here, it is "system-pmd" on a switch that has that type and
 * lets its PMD threads block when idle (Open_vSwitch other_config:pmd-idle-block;
 * both come with patches of ours), because then it is faster and costs nothing;
 * else "system". */
void pc_ports_set_defaults(struct pc_ports *, const struct smap *settings);

/* From now on pc_ports_run() changes the database. */
void pc_ports_enable(struct pc_ports *);

/* Wants port 'name' (the host side of a veth) for container 'instance' of the
 * VI with row 'vi'.
 *
 * 'isolated' keeps NORMAL from flooding to the port: an inline VI would carry
 * the frame to its other port, and so round for ever.  It is put in an access
 * VLAN that nobody can use (4095) and, against its like, protected.  Output by
 * a flow is not concerned. */
void pc_ports_want(struct pc_ports *, const char *name, const struct uuid *vi,
                   const char *instance, bool isolated);

/* Wants a port of type internal, a device of the host, called 'name', on behalf
 * of the row with UUID 'owner'.  It is isolated. */
void pc_ports_want_internal(struct pc_ports *, const char *name,
                            const struct uuid *owner);

/* Port 'name' is not wanted any more. */
void pc_ports_unwant(struct pc_ports *, const char *name);

/* What became of port 'name', wanted or not.  If it is PC_PORT_FAILED and
 * 'errorp' is nonnull, '*errorp' says why, valid until the next run. */
enum pc_port_state pc_ports_get(const struct pc_ports *, const char *name,
                                const char **errorp);

/* The switch sees carrier on port 'name'. */
bool pc_ports_link_is_up(const struct pc_ports *, const char *name);

/* NULL, or what keeps all ports from being made (no connection, no bridge). */
const char *pc_ports_error(const struct pc_ports *);

/* True if no port of ours is left that nobody wants. */
bool pc_ports_is_idle(const struct pc_ports *);

/* True when the switch's database has been read. */
bool pc_ports_is_connected(const struct pc_ports *);

/* The largest MTU of ports of the bridge that are not VIs', 0 if not known. */
uint32_t pc_ports_path_mtu(const struct pc_ports *);

/* The switch takes frames with unfinished checksums and of more than the MTU
 * (other_config:userspace-tso-enable). */
bool pc_ports_has_tso(const struct pc_ports *);

/* The highest link speed, in bits/s, among the bridge's ports that are not
 * ours (or of port 'name' alone if it is nonnull); 0 if unknown. */
int64_t pc_ports_link_speed(const struct pc_ports *, const char *name);

/* Changes whenever an answer of this module may have changed. */
uint64_t pc_ports_seqno(const struct pc_ports *);

#endif /* pc-ports.h */
