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

#ifndef PC_L3_NEIGHBOR_H
#define PC_L3_NEIGHBOR_H 1

/* The neighbor table of the front-end router: which Ethernet address, on
 * which port, a next hop has.
 *
 * It is the conceptual neighbor cache of RFC 4861 section 5.1, used for ARP
 * (RFC 826) as well:
 *
 *     INCOMPLETE  asked, no answer yet; packets wait (at most
 *                 PC_NEIGHBOR_QUEUE_MAX); asked PC_NEIGHBOR_MAX_TRIES times,
 *                 PC_NEIGHBOR_RETRANS_MS apart, then given up
 *     REACHABLE   answered within about PC_NEIGHBOR_REACHABLE_MS
 *     STALE       an address is known and used, but wants verification, which
 *                 waits for its turn: at most PC_NEIGHBOR_PROBE_RATE
 *                 verifications start per second
 *     PROBE       being verified by unicast questions, still used
 *     STATIC      known from the database, never verified
 *
 * The switch forwards to neighbors without telling us, so "in use" is not
 * known here: instead all known neighbors are verified, at a bounded rate,
 * and those that do not answer are forgotten.
 *
 * The table does no I/O and knows no flows: what has to be done is told by
 * struct pc_neighbor_ops, whose functions must not call back into the table.
 *
 * Thread-safety: none; the caller serializes. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "heap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"

struct dp_packet;
struct pc_neighbors;

#define PC_NEIGHBOR_RETRANS_MS 1000
#define PC_NEIGHBOR_MAX_TRIES 3
#define PC_NEIGHBOR_REACHABLE_MS 30000  /* RFC 4861 REACHABLE_TIME. */
#define PC_NEIGHBOR_DELAY_MS 5000       /* RFC 4861 DELAY_FIRST_PROBE_TIME. */
#define PC_NEIGHBOR_QUEUE_MAX 3
#define PC_NEIGHBOR_PROBE_RATE 50       /* Verifications started a second. */
#define PC_NEIGHBOR_MAX_INCOMPLETE 1024 /* Against scans of a prefix. */

enum pc_neighbor_state {
    PC_NEIGHBOR_INCOMPLETE,
    PC_NEIGHBOR_REACHABLE,
    PC_NEIGHBOR_STALE,
    PC_NEIGHBOR_PROBE,
    PC_NEIGHBOR_STATIC
};

struct pc_neighbor {
    struct hmap_node key_node;      /* By 'interface' and 'addr'. */
    struct hmap_node static_node;   /* By 'static_owner', if STATIC. */
    struct heap_node timer;         /* If not STATIC. */

    uint32_t interface;             /* Number of the interface. */
    struct in6_addr addr;           /* IPv4 addresses are mapped. */
    struct uuid flow_owner;         /* Derived from the two above. */
    struct uuid static_owner;       /* If STATIC. */

    enum pc_neighbor_state state;
    struct eth_addr mac;            /* Unless INCOMPLETE. */
    ofp_port_t port;                /* Unless INCOMPLETE. */
    bool shielded;                  /* INCOMPLETE with a full queue. */
    int n_tries;                    /* Questions since the last answer. */
    long long int deadline;         /* When 'timer' goes off, in ms. */

    struct ovs_list queue;          /* Packets waiting, if INCOMPLETE. */
    size_t n_queue;
};

/* What a neighbor told about itself. */
struct pc_neighbor_news {
    uint32_t interface;
    struct in6_addr addr;
    struct eth_addr mac;
    ofp_port_t port;
    bool solicited;     /* The answer to a question of ours. */
    bool override;      /* May replace another Ethernet address. */
    bool create;        /* Make an entry if there is none. */
};

/* What the table wants done.  'aux' is the argument of the function called.
 * No function may call into the table. */
struct pc_neighbor_ops {
    /* Ask for the Ethernet address: everyone, or ('unicast') verify. */
    void (*solicit)(const struct pc_neighbor *, bool unicast, void *aux);

    /* Address, port, or whether these are known changed: install the flow
     * that fits, or if '!mac_known' and not 'shielded' none. */
    void (*changed)(const struct pc_neighbor *, void *aux);

    /* The neighbor is about to be freed: remove its flow. */
    void (*gone)(const struct pc_neighbor *, void *aux);

    /* Send a packet that waited.  Takes ownership of the packet. */
    void (*send)(const struct pc_neighbor *, struct dp_packet *, void *aux);

    /* Nobody answered: tell the sender.  Takes ownership of the packet. */
    void (*unreachable)(const struct pc_neighbor *, struct dp_packet *,
                        void *aux);
};

/* What became of a packet given to pc_neighbors_enqueue(). */
enum pc_neighbor_queued {
    PC_NEIGHBOR_SENT,           /* The neighbor is known. */
    PC_NEIGHBOR_QUEUED,         /* It waits. */
    PC_NEIGHBOR_DROPPED         /* Queue or table is full. */
};

struct pc_neighbors *pc_neighbors_create(const struct pc_neighbor_ops *);
void pc_neighbors_destroy(struct pc_neighbors *);

enum pc_neighbor_queued pc_neighbors_enqueue(struct pc_neighbors *,
                                             uint32_t interface,
                                             const struct in6_addr *,
                                             struct dp_packet *,
                                             long long int now, void *aux);
void pc_neighbors_learn(struct pc_neighbors *,
                        const struct pc_neighbor_news *, long long int now,
                        void *aux);
bool pc_neighbors_adopt(struct pc_neighbors *,
                        const struct pc_neighbor_news *, long long int now,
                        void *aux);
void pc_neighbors_set_static(struct pc_neighbors *,
                             const struct pc_neighbor_news *,
                             const struct uuid *owner, void *aux);
void pc_neighbors_remove_static(struct pc_neighbors *,
                                const struct uuid *owner, void *aux);
void pc_neighbors_remove_learned(struct pc_neighbors *, uint32_t interface,
                                 void *aux);
void pc_neighbors_run(struct pc_neighbors *, long long int now, void *aux);
long long int pc_neighbors_next_wakeup(const struct pc_neighbors *);

/* Looking in. */
bool pc_neighbor_mac_known(const struct pc_neighbor *);
const struct pc_neighbor *pc_neighbors_find(const struct pc_neighbors *,
                                            uint32_t interface,
                                            const struct in6_addr *);
void pc_neighbors_for_each(const struct pc_neighbors *,
                           void (*)(const struct pc_neighbor *, void *aux),
                           void *aux);
const char *pc_neighbor_state_name(enum pc_neighbor_state);

#endif /* pc-l3-neighbor.h */
