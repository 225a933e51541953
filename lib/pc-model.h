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

#ifndef PC_MODEL_H
#define PC_MODEL_H 1

/* The cloudlet as plain values.
 *
 * What the controller reads from the database (and from the switch: port
 * numbers) it puts into these structs, and the compiler (pc-compile.h) turns
 * them into flows.  Nothing here does I/O, and nothing here knows the
 * database.
 *
 * Ownership: whoever fills a struct owns the strings, sets and arrays in it;
 * a pointer from one struct to another (a VI's service, a hop of a path) is
 * borrowed and must stay valid while it is used.
 *
 * Thread-safety: plain memory; the caller serializes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "openvswitch/compiler.h"
#include "openvswitch/types.h"
#include "openvswitch/uuid.h"

struct pc_position;
struct pc_rule_match;
struct pc_service;

/* How a VI is attached (design.md §4.3). */
enum pc_mode {
    PC_MODE_ROUTE,              /* Gets packets at its MAC, routes them back. */
    PC_MODE_INLINE,             /* In on one port, out on the other. */
    PC_MODE_TAP,                /* Gets copies, nothing comes back. */
    PC_MODE_HOST                /* An ordinary host: nothing is diverted. */
};

/* What happens to a packet while no VI of a service can take it. */
enum pc_on_failure {
    PC_FAIL_OPEN,               /* Skip the hop. */
    PC_FAIL_CLOSE               /* Drop. */
};

/* What always meets the same VI. */
enum pc_affinity {
    PC_AFFINITY_CLIENT,         /* A client's address. */
    PC_AFFINITY_CONNECTION      /* A connection (`route` and `inline`). */
};

/* Service.affinity: "client", "client/24", "client/24,56", "connection". */
struct pc_affinity_spec {
    enum pc_affinity kind;

    /* With PC_AFFINITY_CLIENT: how many of the last bits of a client's
     * address do not matter, IPv4 and IPv6. */
    uint8_t host_bits[2];
};

/* The direction of a packet relative to the rule that diverts it. */
enum pc_direction {
    PC_FORWARD = 0,             /* As the rule's text says. */
    PC_REVERSE = 1              /* The answer to it. */
};

/* The directions that a rule diverts (Rule.direction). */
enum pc_rule_direction {
    PC_RULE_BOTH,
    PC_RULE_FORWARD,
    PC_RULE_REVERSE
};

/* The ports of a VI: indexes into pc_vi.port. */
enum pc_vi_port {
    PC_PORT_IN = 0,             /* The client's side, or the only port. */
    PC_PORT_OUT = 1             /* The server's side. */
};

/* Where copies of what goes to and comes from a VI go. */
struct pc_copy {
    ofp_port_t port;
    uint16_t probability;       /* Packets out of PC_COPY_ALL; never 0.  Less
                                 * than that only if the switch can sample. */
};
#define PC_COPY_ALL UINT16_MAX

/* A virtual instance.
 *
 * A VI whose 'port[PC_PORT_IN]' is OFPP_NONE is not attached yet: no flows
 * are made for it.  A VI that drains is attached and has 'ready' false: what
 * comes back from it is taken, and nothing new is sent to it; with 'draining'
 * it keeps the connections that it has (PC_AFFINITY_CONNECTION).  One that is
 * quarantined counts as not attached, except that its ports are blocked. */
struct pc_vi {
    struct uuid uuid;           /* Of its row. */
    char *name;
    uint16_t number;            /* 1..65535; the id of its buckets. */
    const struct pc_service *service; /* Borrowed.  May be null: no flows. */
    ofp_port_t port[2];         /* By enum pc_vi_port; OFPP_NONE = absent. */
    struct eth_addr mac;        /* Of port 0; see pc_vi_mac(). */
    struct eth_addr gw_mac;     /* Of the gateway, the router. */
    bool ready;                 /* May it get traffic? */
    bool draining;              /* Only that of its connections. */
    uint16_t weight;            /* Its share; 0 gives it no new traffic. */
    uint64_t network_bps;       /* Meter in each direction, bits/s; 0 = none. */
    char **addresses;           /* Of a route or host VI, without prefix. */
    size_t n_addresses;

    bool quarantined;           /* Gets nothing; what it sends is dropped. */
    bool anti_spoof;            /* May send with its own addresses only. */
    struct pc_copy *copies;     /* Array owned. */
    size_t n_copies;
};

/* A service.  Its VIs in 'vis' point back to it. */
struct pc_service {
    struct uuid uuid;
    char *name;
    uint16_t number;            /* 1..32767; also its path number when alone. */
    enum pc_mode mode;
    enum pc_on_failure on_failure;
    struct pc_affinity_spec affinity;
    struct pc_vi **vis;         /* Array owned, elements borrowed. */
    size_t n_vis;

    bool two_arms;              /* `route`: its VIs have two ports, so that
                                 * the port tells the direction. */

    /* Where it lies: the chains that it is in, in the order of their numbers,
     * and, if it has rules of its own or is in no chain, alone on a path that
     * has its own number. */
    struct pc_position *positions; /* Array owned, paths borrowed. */
    size_t n_positions;
    bool has_rules;
};

/* A place in a chain: hop number 'hop', counted in the forward direction. */
struct pc_position {
    const struct pc_path *path;
    uint8_t hop;
};

/* Services in order: a chain, as a rule can point to it, or a single service.
 * None is in it twice.
 *
 * The path of a rule for what leaves another path ('before'; paper §4.1.3, as in
 * SIMPLE) has a number of its own: packets come to it where they have been
 * through 'before', and answers go on to 'before' when they have been through
 * it. */
#define PC_MAX_HOPS 32
struct pc_path {
    struct uuid uuid;           /* Of the Chain or Service row. */
    uint16_t number;            /* PC_PATH_CHAIN | Chain.number or a rule's, or
                                 * Service.number. */
    const struct pc_path *before; /* Borrowed; NULL: none. */
    const struct pc_service *hops[PC_MAX_HOPS]; /* Forward order; borrowed. */
    size_t n_hops;
};

/* A rule: whose packets a path gets.  If the path is after another one: of those
 * that leave that. */
struct pc_rule {
    struct uuid uuid;
    const struct pc_rule_match *match; /* Borrowed. */
    uint16_t priority;          /* 0..9999; for the compiler, the level:
                                 * pc-overlap.h. */
    enum pc_rule_direction direction;
    const struct pc_path *path; /* Borrowed: a chain's, or pc_path_alone(). */
    uint32_t target;            /* For pc-overlap.h: the same number for rules
                                 * that lead to the same place. */
};

const char *pc_mode_to_string(enum pc_mode);
bool pc_mode_from_string(const char *, enum pc_mode *);
char *pc_affinity_parse(const char *, struct pc_affinity_spec *)
    OVS_WARN_UNUSED_RESULT;
bool pc_service_by_connection(const struct pc_service *);
bool pc_affinity_equals(const struct pc_affinity_spec *,
                        const struct pc_affinity_spec *);
struct eth_addr pc_vi_mac(const struct pc_vi *, enum pc_vi_port);
bool pc_vi_is_attached(const struct pc_vi *);
void pc_path_alone(struct pc_path *, const struct pc_service *);
bool pc_path_is_routed(const struct pc_path *);
bool pc_service_has_two_ports(const struct pc_service *);
bool pc_service_is_alone(const struct pc_service *);
bool pc_service_asks(const struct pc_service *);

#endif /* pc-model.h */
