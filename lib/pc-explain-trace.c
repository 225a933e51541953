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
#include "pc-explain.h"

#include <errno.h>

#include "flow.h"
#include "jsonrpc.h"
#include "openvswitch/ofp-flow.h"
#include "pc-appctl.h"
#include "pc-explain-eval.h"
#include "pc-explain-private.h"
#include "pc-match.h"
#include "smap.h"
#include "socket-util.h"
#include "stream.h"
#include "svec.h"
#include "unixctl.h"
#include "util.h"

/* controller/trace: asks ovs-vswitchd for "ofproto/trace" of the packet, and
 * says in our words what the flows that it meets are for.
 *
 * The connection to ovs-vswitchd is a plain JSON-RPC one: unixctl's client
 * would block. */

/* Starting. */

/* Asks ovs-vswitchd about 'flow'. */
static void
pc_explain_trace_send(struct pc_explain_request *rq, const char *bridge,
                      const char *flow)
{
    struct json *params = json_array_create_2(json_string_create(bridge),
                                              json_string_create(flow));

    if (rq->stage) {
        json_array_add(params, json_string_create("--names"));
    }
    jsonrpc_send(rq->rpc, jsonrpc_create_request("ofproto/trace", params,
                                                 NULL));
}

static struct pc_ctl_router *
pc_explain_trace_router(const struct pc_explain *e,
                        const struct pc_explain_request *rq)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        if (uuid_equals(&r->uuid, &rq->router) && r->prepared) {
            return r;
        }
    }
    return NULL;
}

/* Is the switch on this machine, so that ovs-vswitchd can be asked? */
static bool
pc_explain_is_local(const struct pcrec_router *row)
{
    return row->bridge[0] && !row->target[0];
}

/* Should 'a' be tried before 'b'? */
static bool
pc_explain_router_before(const struct pcrec_router *a,
                         const struct pcrec_router *b)
{
    bool local = pc_explain_is_local(a);

    return (local != pc_explain_is_local(b) ? local
            : strcmp(a->name, b->name) < 0);
}

/* Parses 'arg', a packet of 'r', whose ports it names.  'wc' may be NULL; if not,
 * it tells which fields 'arg' has.  Returns NULL, or why it cannot be, for the
 * caller to free: that 'r' is NULL is one reason. */
static char * OVS_WARN_UNUSED_RESULT
pc_explain_packet_parse(const struct pc_ctl_router *r, const char *arg,
                        struct flow *flow, struct flow_wildcards *wc)
{
    return (r ? parse_ofp_exact_flow(flow, wc, NULL, arg,
                                     pc_switch_port_map(r->sw))
            : xstrdup("the router has gone"));
}

/* Is 'arg' a packet of 'r'? */
static bool
pc_explain_knows(const struct pc_ctl_router *r, const char *arg)
{
    struct flow flow;
    char *error = pc_explain_packet_parse(r->prepared ? r : NULL, arg, &flow,
                                          NULL);
    bool knows = !error;

    free(error);
    return knows;
}

/* Returns the router that 'rq' is about: the one that it names, or the first
 * that has the packet's port, those of this machine first.  NULL: there is none,
 * and '*error' says so. */
static struct pc_ctl_router *
pc_explain_trace_choose(const struct pc_explain *e,
                        const struct pc_explain_request *rq, char **error)
{
    const struct pcrec_router *best_row = NULL;
    struct pc_ctl_router *r, *best = NULL;
    bool best_knows = false;

    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        const struct pcrec_router *row
            = pcrec_router_get_for_uuid(e->c->idl, &r->uuid);

        if (!row || (rq->router_name && strcmp(rq->router_name, r->name))) {
            continue;
        }
        bool knows = pc_explain_knows(r, rq->arg);
        if (!best || knows > best_knows
            || (knows == best_knows
                && pc_explain_router_before(row, best_row))) {
            best = r;
            best_row = row;
            best_knows = knows;
        }
    }
    *error = (best && (best->prepared || pc_explain_is_local(best_row)) ? NULL
              : best ? xasprintf("router %s has not been connected to",
                                 best->name)
              : rq->router_name
              ? xasprintf("there is no router %s in this cloudlet",
                          rq->router_name)
              : xstrdup("there is no router"));
    return *error ? NULL : best;
}

/* Appends the legs of a way to 'rq', and ends it with the name of the member of
 * JSON.  Returns what pc_explain_journey() does; 'ev' says more. */
static bool
pc_explain_trace_way(struct pc_explain_request *rq, struct pc_eval *ev,
                     const struct flow *flow, const char *name)
{
    struct json *legs = json_array_create_empty();
    bool leaves = pc_explain_journey(ev, flow, &rq->answer, legs, &rq->end);

    json_object_put(rq->json_answer, name, legs);
    return leaves;
}

/* Answers from the desired tables alone. */
static void
pc_explain_trace_desired(struct pc_explain *e, struct pc_explain_request *rq,
                         const struct pc_ctl_router *r,
                         const struct flow *flow)
{
    static const char unknown[] = "  the operator's pipeline: not known here\n";
    struct pc_eval *ev = pc_eval_create(e->c, r);
    struct flow answer;

    json_object_put_string(rq->json_answer, "router", r->name);
    ds_put_format(&rq->answer, "Forward on router %s, by what is desired (its "
                  "switch is not on this machine):\n", r->name);
    bool leaves = pc_explain_trace_way(rq, ev, flow, "forward");
    if (leaves) {
        ds_put_cstr(&rq->answer, unknown);
    }
    if (!rq->forward_only && (leaves || pc_eval_leaves(ev))) {
        if (leaves) {
            pc_explain_answer(&rq->end, OFPP_NONE, &answer);
        } else {
            pc_explain_answer(&ev->out_flow, ev->out_port, &answer);
        }
        ds_put_format(&rq->answer, "\nReverse, the answer%s:\n",
                      leaves ? " (on which port it comes in is not known "
                      "here)" : "");
        if (pc_explain_trace_way(rq, ev, &answer, "reverse")) {
            ds_put_cstr(&rq->answer, unknown);
        }
    }
    pc_eval_destroy(ev);
}

static bool
pc_explain_trace_remote_run(struct pc_explain *e,
                            struct pc_explain_request *rq)
{
    struct pc_ctl_router *r = pc_explain_trace_router(e, rq);
    struct flow flow;
    char *error = pc_explain_packet_parse(r, rq->arg, &flow, NULL);

    if (error) {
        unixctl_command_reply_error(rq->conn, error);
        free(error);
        return true;
    }
    pc_explain_trace_desired(e, rq, r, &flow);
    struct json *json = rq->json_answer;
    rq->json_answer = NULL;
    pc_explain_reply(rq, json, ds_cstr(&rq->answer));
    return true;
}

/* Connects to ovs-vswitchd, and asks it.  Returns NULL, or why that is not
 * possible. */
static char *
pc_explain_trace_local(struct pc_explain_request *rq, const char *bridge)
{
    struct stream *stream;
    char *path = NULL;
    char *error = pc_appctl_target("ovs-vswitchd", &path);
    if (error) {
        char *why = xasprintf("cannot find ovs-vswitchd: %s", error);
        free(error);
        return why;
    }
    int retval = stream_open(path, &stream, DSCP_DEFAULT);
    if (retval) {
        error = xasprintf("cannot connect to ovs-vswitchd: %s: %s", path,
                          ovs_strerror(retval));
        free(path);
        return error;
    }
    free(path);
    rq->rpc = jsonrpc_open(stream);
    pc_explain_trace_send(rq, bridge, rq->arg);
    return NULL;
}

/* Gives the IP packet that 'rq' is about, to 'r', a TTL if it has none. */
static void
pc_explain_trace_complete(struct pc_explain_request *rq,
                          const struct pc_ctl_router *r)
{
    struct flow_wildcards wc;
    struct flow flow;
    char *error = pc_explain_packet_parse(r->prepared ? r : NULL, rq->arg,
                                          &flow, &wc);

    if (!error && is_ip_any(&flow) && !wc.masks.nw_ttl) {
        char *arg = xasprintf("%s,nw_ttl=%d", rq->arg, PC_EXPLAIN_TTL);

        free(rq->arg);
        rq->arg = arg;
    }
    free(error);
}

/* Asks the switch of the router that 'rq' is about, or has the desired tables
 * asked.  Returns NULL, or why that is not possible. */
char *
pc_explain_trace_start(struct pc_explain *e, struct pc_explain_request *rq)
{
    char *error;
    struct pc_ctl_router *r = pc_explain_trace_choose(e, rq, &error);

    if (!r) {
        return error;
    }
    const struct pcrec_router *row
        = pcrec_router_get_for_uuid(e->c->idl, &r->uuid);
    pc_explain_trace_complete(rq, r);
    rq->base = r->base;
    rq->router = r->uuid;
    if (!rq->router_name) {
        rq->router_name = xstrdup(r->name);
    }
    if (pc_explain_is_local(row)) {
        return pc_explain_trace_local(rq, row->bridge);
    }
    rq->json_answer = json_object_create();
    rq->run = pc_explain_trace_remote_run;
    return NULL;
}

/* Answering. */

static void
pc_explain_trace_reply(struct pc_explain_request *rq,
                       const struct pc_explain_trace *t, const char *text)
{
    struct json *json = json_object_create();
    struct json *steps = json_array_create_empty();

    for (size_t i = 0; i < t->steps.n; i++) {
        ds_put_format(&rq->answer, "%2"PRIuSIZE". %s\n", i + 1, t->steps.names[i]);
        json_array_add(steps, json_string_create(t->steps.names[i]));
    }
    ds_put_format(&rq->answer, "Result: %s\n",
                  t->verdict ? t->verdict : "unknown");
    json_object_put(json, "steps", steps);
    json_object_put_string(json, "router", rq->router_name);
    json_object_put_string(json, "result", t->verdict ? t->verdict : "");
    json_object_put_string(json, "drop", t->drop ? t->drop : "");
    if (t->rule) {
        char *uuid = xasprintf(UUID_FMT, UUID_ARGS(&t->rule->uuid));
        json_object_put_string(json, "rule", uuid);
        free(uuid);
    }
    if (t->svc) {
        json_object_put_string(json, "service", t->svc->s.name);
    }
    if (t->vi) {
        json_object_put_string(json, "vi", t->vi->vi.name);
    }
    json_object_put_string(json, "openflow", text);
    rq->json_answer = json;
    rq->text = xstrdup(text);
}

/* Names a drop that the flows which the switch has do not tell, e.g. as a packet
 * does not go back to where it came from, by what is desired. */
static void
pc_explain_trace_name_drop(struct pc_explain *e,
                           const struct pc_explain_request *rq,
                           struct pc_explain_trace *t)
{
    const struct pc_ctl_router *r = pc_explain_trace_router(e, rq);
    struct flow flow;
    char *error = pc_explain_packet_parse(r, rq->arg, &flow, NULL);

    if (!error) {
        struct pc_eval *ev = pc_eval_create(e->c, r);

        pc_eval_packet(ev, &flow);
        if (ev->drop) {
            t->drop = xstrdup(ev->drop);
            free(t->verdict);
            t->verdict = xasprintf("dropped: %s", t->drop);
        }
        pc_eval_destroy(ev);
    }
    free(error);
}

static void
pc_explain_trace_answer(struct pc_explain *e, struct pc_explain_request *rq,
                        const char *text)
{
    struct pc_explain_trace t = {
        .c = e->c,
        .owners = pc_explain_owners_create(e->c),
        .base = rq->base,
        .steps = SVEC_EMPTY_INITIALIZER,
    };

    pc_explain_trace_parse(&t, text);
    if (t.unnamed) {
        pc_explain_trace_name_drop(e, rq, &t);
    }
    pc_explain_trace_reply(rq, &t, text);
    pc_explain_owners_destroy(t.owners);
    svec_destroy(&t.steps);
    free(t.verdict);
    free(t.drop);
    free(t.next);
    free(t.next_where);
}

/* What Open vSwitch said of the packet comes last. */
static void
pc_explain_trace_finish(struct pc_explain_request *rq)
{
    struct json *json = rq->json_answer;

    ds_put_format(&rq->answer, "\nOpen vSwitch says:\n%s", rq->text);
    rq->json_answer = NULL;
    pc_explain_reply(rq, json, ds_cstr(&rq->answer));
}

/* Follows 'flow' from VI to VI, and asks what the operator's pipeline does to
 * it in the end; if it does not get there, but leaves, goes on with the answer.
 * Returns false if there is nothing to be asked. */
static bool
pc_explain_trace_follow(struct pc_explain *e, struct pc_explain_request *rq,
                        const struct flow *flow)
{
    struct pc_ctl_router *r = pc_explain_trace_router(e, rq);
    const struct pcrec_router *row
        = r ? pcrec_router_get_for_uuid(e->c->idl, &r->uuid) : NULL;
    struct flow answer;

    if (!row) {
        return false;
    }
    struct pc_eval *ev = pc_eval_create(e->c, r);
    ds_put_format(&rq->answer, "\n%s:\n", rq->stage ? "Reverse, the answer"
                  : "Forward, the whole way");
    bool asks = pc_explain_trace_way(rq, ev, flow,
                                     rq->stage ? "reverse" : "forward");
    bool answered = !asks && !rq->stage && !rq->forward_only
                    && pc_eval_leaves(ev);
    if (answered) {
        pc_explain_answer(&ev->out_flow, ev->out_port, &answer);
    }
    pc_eval_destroy(ev);
    rq->stage++;
    if (asks) {
        char *packet = pc_packet_format(&rq->end);

        pc_explain_trace_send(rq, row->bridge, packet);
        free(packet);
    }
    return asks || (answered && pc_explain_trace_follow(e, rq, &answer));
}

static bool
pc_explain_is_vi_port(const struct pc_explain *e, const char *port)
{
    const struct pcrec_vi *vi;

    PCREC_VI_FOR_EACH (vi, e->c->idl) {
        const char *in = smap_get(&vi->ports, "in");
        const char *out = smap_get(&vi->ports, "out");

        if ((in && !strcmp(in, port)) || (out && !strcmp(out, port))) {
            return true;
        }
    }
    return false;
}

/* The port at which the one who answers is, of those that 'actions' name; NULL
 * if none.  A packet that is flooded also goes to VIs, to the bridge itself and
 * back to its sender: that is where the answer comes from only if it has gone
 * nowhere else. */
static const struct pc_switch_port *
pc_explain_trace_far_port(const struct pc_explain *e,
                          const struct pc_explain_request *rq,
                          const struct pc_ctl_router *r, const char *actions)
{
    const struct pc_switch_port *far = NULL, *near = NULL;
    char *words = xstrdup(actions);
    char *save_ptr = NULL;

    for (char *word = strtok_r(words, ",", &save_ptr); word;
         word = strtok_r(NULL, ",", &save_ptr)) {
        const struct pc_switch_port *port = pc_switch_port_by_name(r->sw,
                                                                   word);

        if (port && (port->ofport == rq->in_port || port->ofport == OFPP_LOCAL
                     || pc_explain_is_vi_port(e, word))) {
            near = port;
        } else if (port) {
            far = port;
        }
    }
    free(words);
    return far ? far : near;
}

/* Takes the answer about the end of a way.  Returns true if that was the last
 * question. */
static bool
pc_explain_trace_end_of_way(struct pc_explain *e,
                            struct pc_explain_request *rq, const char *text)
{
    const char *actions = strstr(text, "Datapath actions: ");
    const char *next;
    struct flow answer;

    while (actions && (next = strstr(actions + 1, "Datapath actions: "))) {
        actions = next;
    }
    actions = actions ? actions + 18 : "unknown";
    char *line = xmemdup0(actions, strcspn(actions, "\n"));
    ds_put_format(&rq->answer, "  the operator's pipeline: %s\n", line);
    json_object_put_string(rq->json_answer, rq->stage == 1 ? "forward_end"
                           : "reverse_end", line);

    struct pc_ctl_router *r = pc_explain_trace_router(e, rq);
    const struct pc_switch_port *port
        = r ? pc_explain_trace_far_port(e, rq, r, line) : NULL;
    free(line);
    if (rq->stage > 1 || rq->forward_only || !port) {
        return true;
    }
    pc_explain_answer(&rq->end, port->ofport, &answer);
    return !pc_explain_trace_follow(e, rq, &answer);
}

/* Takes an answer of ovs-vswitchd.  Returns true if it was the last. */
static bool
pc_explain_trace_take(struct pc_explain *e, struct pc_explain_request *rq,
                      const char *text)
{
    const struct pc_ctl_router *r = pc_explain_trace_router(e, rq);
    struct flow flow;

    if (rq->stage) {
        return pc_explain_trace_end_of_way(e, rq, text);
    }
    pc_explain_trace_answer(e, rq, text);
    char *error = pc_explain_packet_parse(r, rq->arg, &flow, NULL);
    if (error) {                /* E.g. a datapath flow. */
        free(error);
        return true;
    }
    rq->in_port = flow.in_port.ofp_port;
    return !pc_explain_trace_follow(e, rq, &flow);
}

/* Answers controller/trace once ovs-vswitchd has answered. */
bool
pc_explain_trace_run(struct pc_explain *e, struct pc_explain_request *rq)
{
    struct jsonrpc_msg *msg;
    int error;

    jsonrpc_run(rq->rpc);
    error = jsonrpc_recv(rq->rpc, &msg);
    if (error == EAGAIN) {
        return false;
    } else if (error) {
        char *s = xasprintf("ovs-vswitchd: %s", ovs_retval_to_string(error));
        unixctl_command_reply_error(rq->conn, s);
        free(s);
        return true;
    }
    bool done = true;
    if (msg->result && msg->result->type == JSON_STRING) {
        done = pc_explain_trace_take(e, rq, json_string(msg->result));
        if (done) {
            pc_explain_trace_finish(rq);
        }
    } else {
        unixctl_command_reply_error(
            rq->conn, (msg->error && msg->error->type == JSON_STRING
                       ? json_string(msg->error)
                       : "ovs-vswitchd gave no answer"));
    }
    jsonrpc_msg_destroy(msg);
    return done;
}
