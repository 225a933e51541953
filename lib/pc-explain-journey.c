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
#include "pc-explain-eval.h"

#include "openvswitch/match.h"
#include "packets.h"
#include "pc-explain-private.h"
#include "pc-match.h"
#include "util.h"

/* A packet's whole way: from VI to VI, and the answer's way back. */

/* More VIs than that in a row are taken for a loop. */
#define MAX_LEGS 40

/* Where a packet has been on its way. */
struct visit {
    const struct pc_ctl_vi *vi;
    enum pc_vi_port port;
};

/* Has a packet been sent into 'ev->vi' on that port before?  If not, adds that to
 * the '*n' in 'visits'. */
static bool
goes_round(const struct pc_eval *ev, struct visit visits[MAX_LEGS], int *n)
{
    for (int i = 0; i < *n; i++) {
        if (visits[i].vi == ev->vi && visits[i].port == ev->vi_port) {
            return true;
        }
    }
    visits[(*n)++] = (struct visit) { ev->vi, ev->vi_port };
    return false;
}

/* What a switch knows of a packet beside the packet itself goes when it leaves. */
static void
forget(struct flow *flow)
{
    flow->metadata = 0;
    memset(flow->regs, 0, sizeof flow->regs);
    flow->ct_state = flow->ct_zone = flow->ct_mark = 0;
}

/* What 'ev->vi' sends on. */
static void
sent_on(const struct pc_eval *ev, struct flow *flow)
{
    const struct pc_ctl_vi *vi = ev->vi;
    bool two_ports = vi->port[PC_PORT_OUT] != NULL;
    const char *name = vi->port[two_ports ? !ev->vi_port : PC_PORT_IN];
    const struct pc_switch_port *port
        = name ? pc_switch_port_by_name(ev->r->sw, name) : NULL;

    *flow = ev->vi_flow;
    forget(flow);
    flow->in_port.ofp_port = port ? port->ofport : OFPP_NONE;
    if (vi->svc->s.mode == PC_MODE_ROUTE) {
        flow->dl_dst = vi->vi.gw_mac;
        flow->dl_src = pc_vi_mac(&vi->vi, two_ports ? !ev->vi_port
                                 : PC_PORT_IN);
        flow->nw_ttl -= flow->nw_ttl > 1;
    }
}

static void
put_leg(const struct pc_eval *ev, const struct flow *flow, const char *who,
        struct ds *ds, struct json *legs)
{
    struct json *json = json_object_create();
    struct json *steps = json_array_create_empty();
    struct flow known = *flow;

    if (known.in_port.ofp_port == OFPP_NONE) {
        known.in_port.ofp_port = 0;
    }
    char *packet = pc_packet_format(&known);

    ds_put_format(ds, "  %s: %s\n", who, packet);
    for (size_t i = 0; i < ev->steps.n; i++) {
        ds_put_format(ds, "    %s\n", ev->steps.names[i]);
        json_array_add(steps, json_string_create(ev->steps.names[i]));
    }
    json_object_put_string(json, "from", who);
    json_object_put_string(json, "packet", packet);
    json_object_put(json, "steps", steps);
    json_object_put_string(json, "vi", ev->vi ? ev->vi->vi.name : "");
    json_object_put_string(json, "drop", ev->drop ? ev->drop : "");
    json_array_add(legs, json);
    free(packet);
}

bool
pc_explain_journey(struct pc_eval *ev, const struct flow *start,
                   struct ds *ds, struct json *legs, struct flow *end)
{
    struct visit visits[MAX_LEGS];
    struct flow flow = *start;
    char *who = xstrdup("it comes in");
    int n = 0;

    for (int i = 0; i < MAX_LEGS; i++) {
        pc_eval_packet(ev, &flow);
        put_leg(ev, &flow, who, ds, legs);
        free(who);
        if (!ev->vi) {
            *end = flow;
            return ev->to_operator;
        } else if (goes_round(ev, visits, &n)) {
            ds_put_format(ds, "  it would go round: VI %s must send on "
                          "something else, e.g. with other addresses\n",
                          ev->vi->vi.name);
            return false;
        }
        who = xasprintf("VI %s sends it on", ev->vi->vi.name);
        sent_on(ev, &flow);
    }
    free(who);
    return false;
}

void
pc_explain_answer(const struct flow *flow, ofp_port_t in_port,
                  struct flow *answer)
{
    struct match match, reverse;
    struct flow_wildcards wc;

    flow_wildcards_init_for_packet(&wc, flow);
    match_init(&match, flow, &wc);
    pc_match_reverse(&match, &reverse);
    *answer = reverse.flow;
    answer->in_port.ofp_port = in_port;
    answer->nw_ttl = PC_EXPLAIN_TTL;
    forget(answer);
}
