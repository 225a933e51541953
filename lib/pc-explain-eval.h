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

#ifndef PC_EXPLAIN_EVAL_H
#define PC_EXPLAIN_EVAL_H 1

/* What the desired tables of a router do to a packet: a small OpenFlow switch
 * that knows the matches and actions that PacketCloud uses.
 *
 * Used where the switch can't be asked (a remote router), and by the tests, to
 * compare what is desired with what a switch does.  What the operator's own
 * flows do is not known here: a packet that leaves PacketCloud's tables has the
 * output "operator".
 *
 *     ev = pc_eval_create(c, r);
 *     pc_eval_packet(ev, &flow);       any number of times
 *     ... ev->steps, ev->outputs, ev->drop ...
 *     pc_eval_destroy(ev);             before 'r' changes
 *
 * A packet is taken for the first of its connection, and for one that fits the
 * MTU. */

#include "openvswitch/flow.h"
#include "pc-explain-private.h"
#include "svec.h"

struct pc_eval {
    const struct pc_controller *c;
    const struct pc_ctl_router *r;
    struct pc_explain_owners *owners;

    /* The packet in hand. */
    struct flow flow;
    int depth;
    bool stop;                  /* Nothing more is done. */
    const struct pc_ctl_service *svc;   /* Whose group it met last. */

    /* Its results. */
    struct svec steps;          /* In words. */
    struct svec outputs;        /* "operator ..." or "PORT ...". */
    char *drop;                 /* Why part of it goes nowhere, or NULL. */
    const struct pc_ctl_vi *vi; /* That gets it and sends it on, or NULL ... */
    enum pc_vi_port vi_port;    /* ... at this port ... */
    struct flow vi_flow;        /* ... like this. */
    bool to_operator;           /* It leaves our tables ... */
    struct flow operator_flow;  /* ... like this. */
    ofp_port_t out_port;        /* Our tables send it out of this port, or of
                                 * none (OFPP_NONE) ... */
    struct flow out_flow;       /* ... like this. */
};

struct pc_eval *pc_eval_create(const struct pc_controller *,
                               const struct pc_ctl_router *);
void pc_eval_destroy(struct pc_eval *);
void pc_eval_packet(struct pc_eval *, const struct flow *);

/* Does the packet leave, for good, by a port that our tables choose? */
static inline bool
pc_eval_leaves(const struct pc_eval *ev)
{
    return !ev->vi && !ev->to_operator && ev->out_port != OFPP_NONE;
}

/* pc-explain-journey.c: from VI to VI.  Appends to 'ds' and 'legs' what happens
 * to 'flow', given that VIs send on what they get.  Returns true if it leaves
 * for the operator's pipeline in the end, like '*end'. */
bool pc_explain_journey(struct pc_eval *, const struct flow *, struct ds *,
                        struct json *legs, struct flow *end);
/* The answer to 'flow', coming in on 'in_port' (OFPP_NONE: not known). */
void pc_explain_answer(const struct flow *flow, ofp_port_t in_port,
                       struct flow *answer);

#endif /* pc-explain-eval.h */
