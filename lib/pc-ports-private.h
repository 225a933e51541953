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

#ifndef PC_PORTS_PRIVATE_H
#define PC_PORTS_PRIVATE_H 1

/* Inside the module: pc-ports.c (what is wanted, what the database has, and
 * what to say of it) and pc-ports-txn.c (changes of the database). */

#include <stdbool.h>
#include <stdint.h>
#include "openvswitch/shash.h"
#include "openvswitch/uuid.h"
#include "pc-ports.h"
#include "smap.h"

struct ovsdb_idl;
struct ovsdb_idl_txn;
struct ovsrec_bridge;
struct ovsrec_port;

/* Keys of a port's external_ids. */
#define PC_PORTS_ID_VI "packetcloud-vi"
#define PC_PORTS_ID_NODE "packetcloud-node"
#define PC_PORTS_ID_INSTANCE "packetcloud-instance"

/* What is known of one port name, wanted or of ours.  Kept while it is wanted,
 * has a row of ours, or the switch has not acknowledged the row's end. */
struct pc_port {
    bool wanted;
    struct uuid vi;
    char *instance;
    bool isolated;
    bool internal;              /* Of type internal, not a veth. */

    /* Taken from the database by the last scan. */
    const struct ovsrec_port *row;      /* Ours; NULL: none. */
    const struct ovsrec_bridge *bridge; /* That 'row' is in. */
    bool foreign;                       /* Someone else has the name. */
    bool deleted;               /* The transaction under way deletes it. */
    int64_t gone_cfg;           /* Open_vSwitch.cur_cfg that acknowledges the
                                 * deletion; 0: none to wait for. */
};

struct pc_ports {
    struct ovsdb_idl *idl;
    unsigned int idl_seqno;     /* Of the last scan. */
    char *node;
    char *bridge_name;
    struct smap defaults;
    bool enabled;
    bool dirty;                 /* Wants changed since the last scan. */
    uint64_t seqno;

    struct shash ports;         /* Name -> struct pc_port. */
    const struct ovsrec_bridge *bridge;
    int64_t hold_cfg;           /* next_cfg of the first snapshot: deletions
                                 * before our time; -1: not read yet. */
    struct ovsdb_idl_txn *txn;  /* Under way, or NULL. */
    long long int retry_at;     /* Not before (monotonic ms). */
    uint32_t path_mtu;          /* Of the last scan. */
    char *error;
};

/* pc-ports-txn.c. */
bool pc_ports_row_is_stale(const struct pc_ports *, const struct pc_port *);
void pc_ports_start_txn(struct pc_ports *);
void pc_ports_run_txn(struct pc_ports *);

#endif /* pc-ports-private.h */
