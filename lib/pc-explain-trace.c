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

#include <ctype.h>
#include <errno.h>

#include "byte-order.h"
#include "daemon.h"
#include "dirs.h"
#include "jsonrpc.h"
#include "openvswitch/ofp-flow.h"
#include "pc-explain-eval.h"
#include "pc-explain-private.h"
#include "pc-layout.h"
#include "pc-match.h"
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

/* What a trace has come to so far. */
struct pc_explain_trace {
    const struct pc_controller *c;
    struct pc_explain_owners *owners;
    uint8_t base;
    struct svec steps;
    const struct pc_ctl_rule *rule;     /* The last that took the packet. */
    const struct pc_ctl_service *svc;   /* Whose groups it is in. */
    const struct pc_ctl_vi *vi;         /* The last that gets it. */
    bool failover;              /* The next bucket is a fast-failover one. */
    bool skips;                 /* Its id: how many hops are skipped. */
    bool in_group;
    char *next;                 /* Whose path it goes along, ... */
    char *next_where;           /* ... in which table. */
    enum pc_flow_kind last_kind;
    bool last_ours;
    bool no_match;
    int last_table;
    char *verdict;
};

/* Starting. */

static char *
pc_explain_vswitchd_path(char **pathp)
{
    char *pidfile = xasprintf("%s/ovs-vswitchd.pid", ovs_rundir());
    pid_t pid = read_pidfile(pidfile);
    char *error = NULL;

    if (pid < 0) {
        error = xasprintf("cannot find ovs-vswitchd: %s: %s", pidfile,
                          ovs_strerror(-pid));
    } else {
        *pathp = xasprintf("unix:%s/ovs-vswitchd.%ld.ctl", ovs_rundir(),
                           (long int) pid);
    }
    free(pidfile);
    return error;
}

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

static bool
pc_explain_trace_remote_run(struct pc_explain *e OVS_UNUSED,
                            struct pc_explain_request *rq)
{
    struct json *json = rq->json_answer;

    rq->json_answer = NULL;
    pc_explain_reply(rq, json, ds_cstr(&rq->answer));
    return true;
}

/* No router's switch can be asked: answers from the desired tables alone.
 * Returns NULL, or why that is not possible. */
static char *
pc_explain_trace_remote(struct pc_explain *e, struct pc_explain_request *rq)
{
    struct json *legs = json_array_create_empty();
    struct pc_ctl_router *r;
    struct flow flow;

    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        if (r->prepared) {
            break;
        }
    }
    char *error = (r ? parse_ofp_exact_flow(&flow, NULL, NULL, rq->arg,
                                            pc_switch_port_map(r->sw))
                   : xstrdup("no router has been connected to"));
    if (error) {
        json_destroy(legs);
        return error;
    }
    struct pc_eval *ev = pc_eval_create(e->c, r);
    ds_put_cstr(&rq->answer, "Forward, by what is desired (the switch is not "
                "on this machine):\n");
    rq->json_answer = json_object_create();
    if (pc_explain_journey(ev, &flow, &rq->answer, legs, &rq->end)) {
        ds_put_cstr(&rq->answer, "  the operator's pipeline: not known here\n");
    }
    json_object_put(rq->json_answer, "forward", legs);
    pc_eval_destroy(ev);
    rq->run = pc_explain_trace_remote_run;
    return NULL;
}

/* Sends the question of 'rq' to ovs-vswitchd.  Returns NULL, or why that is
 * not possible. */
char *
pc_explain_trace_start(struct pc_explain *e, struct pc_explain_request *rq)
{
    const struct pcrec_router *row = NULL;
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        row = pcrec_router_get_for_uuid(e->c->idl, &r->uuid);
        if (row && row->bridge[0] && !row->target[0]) {
            break;
        }
        row = NULL;
    }
    if (!row) {
        return pc_explain_trace_remote(e, rq);
    }
    struct stream *stream;
    char *path = NULL;
    char *error = pc_explain_vswitchd_path(&path);
    if (error) {
        return error;
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
    rq->base = r->base;
    rq->router = r->uuid;
    pc_explain_trace_send(rq, row->bridge, rq->arg);
    return NULL;
}

/* Reading the trace. */

static void OVS_PRINTF_FORMAT(2, 3)
pc_explain_step(struct pc_explain_trace *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    svec_add_nocopy(&t->steps, xvasprintf(format, args));
    va_end(args);
}

static void OVS_PRINTF_FORMAT(2, 3)
pc_explain_verdict(struct pc_explain_trace *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    free(t->verdict);
    t->verdict = xvasprintf(format, args);
    va_end(args);
}

static void
pc_explain_trace_rule(struct pc_explain_trace *t,
                      const struct pc_explain_owner *owner, const char *line)
{
    const struct pcrec_rule *row
        = pcrec_rule_get_for_uuid(t->c->idl, &owner->rule->uuid);

    t->rule = owner->rule;
    t->svc = owner->service;
    pc_explain_step(t, "rule %08x (%s, priority %"PRId64") takes it for "
                    "%s %s [%s]", owner->rule->uuid.parts[0],
                    row ? row->match : "?", row ? row->priority : 0,
                    owner->rule->chain ? "chain" : "service",
                    owner->service ? owner->service->s.name
                    : owner->rule->chain ? owner->rule->chain->name : "?",
                    line);
}

static void
pc_explain_trace_ours(struct pc_explain_trace *t, ovs_be64 cookie,
                      const char *line)
{
    const struct pc_explain_owner *owner
        = pc_explain_owner_find(t->owners, cookie);
    const char *name = owner ? owner->name : "PacketCloud";

    switch (pc_cookie_kind(cookie)) {
    case PC_FLOW_HOOK_RULE:
        if (owner && owner->rule) {
            pc_explain_trace_rule(t, owner, line);
        }
        break;
    case PC_FLOW_HOOK_PORT:
        pc_explain_step(t, "it comes back from %s [%s]", name, line);
        break;
    case PC_FLOW_HOOK_L3:
        pc_explain_step(t, "it is for the front-end router, %s [%s]", name,
                        line);
        break;
    case PC_FLOW_STEER:
        pc_explain_step(t, "steered to %s [%s]", name, line);
        t->svc = owner ? owner->service : t->svc;
        break;
    case PC_FLOW_DELIVER:
        t->vi = owner ? owner->vi : NULL;
        pc_explain_step(t, "delivered to %s [%s]", name, line);
        break;
    case PC_FLOW_RETURN:
    case PC_FLOW_DIRECTION:
        pc_explain_step(t, "what %s sends goes on along its path [%s]", name,
                        line);
        break;
    case PC_FLOW_NEXT:
        t->next = xstrdup(name);        /* Its actions tell. */
        t->next_where = xstrdup(line);
        break;
    case PC_FLOW_GUARD:
        pc_explain_step(t, "never diverted (ARP, neighbour discovery, link "
                        "protocols, or no service): back to the legacy "
                        "pipeline [%s]", line);
        break;
    case PC_FLOW_LEGACY:
    case PC_FLOW_ROUTE:
    case PC_FLOW_NEIGHBOR:
        pc_explain_step(t, "front-end router: %s [%s]", name, line);
        break;
    case PC_FLOW_OTHER:
    case PC_N_FLOW_KINDS:
    default:
        pc_explain_step(t, "%s [%s]", name, line);
        break;
    }
}

/* "NNN. MATCH, priority P, cookie 0xC" or "NNN. No match." */
static bool
pc_explain_trace_table(struct pc_explain_trace *t, const char *line)
{
    size_t digits = strspn(line, "0123456789");
    const char *s;

    if (!digits || line[digits] != '.') {
        return false;
    }
    int table = atoi(line);
    const char *table_name = pc_table_name(t->base, table);
    char *where = (table_name && table
                   ? xasprintf("table %d %s", table, table_name)
                   : xasprintf("table %d", table));
    t->last_table = table;
    t->no_match = strstr(line, "No match") != NULL;
    s = strstr(line, "cookie 0x");
    ovs_be64 cookie = s ? htonll(strtoull(s + 7, NULL, 16)) : 0;
    t->last_ours = pc_cookie_is_ours(cookie);
    t->in_group = false;
    if (t->last_ours) {
        t->last_kind = pc_cookie_kind(cookie);
        pc_explain_trace_ours(t, cookie, where);
    } else if (t->no_match) {
        pc_explain_step(t, "no flow matches [%s]", where);
    } else {
        pc_explain_step(t, "a flow that is not PacketCloud's: %s [%s]",
                        line + digits + 1 + strspn(line + digits + 1, " "),
                        where);
    }
    free(where);
    return true;
}

/* "set_field:METADATA->metadata", the first action of a flow in NEXT. */
static void
pc_explain_trace_next(struct pc_explain_trace *t, const char *line)
{
    unsigned long long int metadata;

    if (t->next && ovs_scan(line, "set_field:%llx->metadata", &metadata)) {
        pc_explain_step(t, metadata & PC_META_SERVED
                        ? "end of the path of %s: served, back to the legacy "
                        "pipeline [%s]"
                        : "on along the path of %s [%s]", t->next,
                        t->next_where);
        free(t->next);
        free(t->next_where);
        t->next = t->next_where = NULL;
    }
}

/* A service that drops what none of its VIs can take. */
static void
pc_explain_closed(struct pc_explain_trace *t)
{
    const char *name = t->svc ? t->svc->s.name : "?";

    pc_explain_step(t, "no VI of service %s can take it, on failure close: "
                    "dropped", name);
    pc_explain_verdict(t, "dropped: service %s has no VI that can take it "
                       "(on-failure=close)", name);
}

/* "group:N" and " -> using bucket N". */
static void
pc_explain_trace_group(struct pc_explain_trace *t, const char *line)
{
    unsigned int n;

    if (ovs_scan(line, "group:%u", &n) && pc_group_path(n)) {
        t->in_group = false;
        t->skips = true;
    } else if (t->skips && ovs_scan(line, "-> using bucket %u", &n)) {
        if (n) {
            pc_explain_step(t, "no VI of the next %u service%s of the chain "
                            "can take it, on failure open: skipped", n,
                            n > 1 ? "s" : "");
        }
        t->skips = false;
    } else if (ovs_scan(line, "group:%u", &n) && pc_group_is_ours(n)) {
        const struct pc_ctl_service *svc
            = pc_explain_service_by_number(t->c, pc_group_service(n));

        t->svc = svc ? svc : t->svc;
        t->in_group = true;
        t->failover = pc_group_is_failover(n);
    } else if (t->in_group && ovs_scan(line, "-> using bucket %u", &n)) {
        const char *name = t->svc ? t->svc->s.name : "?";

        if (!t->failover) {
            const struct pc_ctl_vi *vi = pc_explain_vi_by_number(t->c, n);
            pc_explain_step(t, "VI %s is chosen", vi ? vi->vi.name : "?");
        } else if (n && t->svc && t->svc->s.on_failure == PC_FAIL_CLOSE) {
            pc_explain_closed(t);
        } else if (n) {
            pc_explain_step(t, "no VI of service %s can take it, on failure "
                            "open: the service is skipped", name);
        }
    } else if (t->in_group && strstr(line, "no live bucket")) {
        pc_explain_closed(t);
    }
}

static void
pc_explain_trace_end(struct pc_explain_trace *t, const char *actions)
{
    bool drop = !strncmp(actions, "drop", 4);

    if (t->verdict) {
        return;
    }
    if (!drop && t->last_ours && t->last_kind == PC_FLOW_DELIVER && t->vi) {
        const struct pc_ctl_service *svc = t->vi->svc;
        bool tap = svc && svc->s.mode == PC_MODE_TAP;

        pc_explain_verdict(t, "VI %s of service %s gets %s; %s",
                           t->vi->vi.name, svc ? svc->s.name : "?",
                           tap ? "a copy" : "the packet",
                           tap ? "nothing comes back"
                           : t->rule && t->rule->chain
                           ? "what it sends back goes on along the chain"
                           : "what it sends back goes on to the legacy "
                           "pipeline");
    } else if (!drop) {
        pc_explain_verdict(t, "%s: forwarded (%s)",
                           t->rule ? "served" : "no service takes it",
                           actions);
    } else if (t->no_match) {
        pc_explain_verdict(t, "dropped: no flow matches in table %d",
                           t->last_table);
    } else if (!t->last_ours) {
        pc_explain_verdict(t, "dropped by a flow of table %d that is not "
                           "PacketCloud's", t->last_table);
    } else if (t->last_kind == PC_FLOW_STEER && t->svc) {
        pc_explain_verdict(t, "dropped: service %s has no VI that can take it"
                           " (on-failure=%s)", t->svc->s.name,
                           t->svc->s.on_failure == PC_FAIL_CLOSE
                           ? "close" : "open");
    } else {
        pc_explain_verdict(t, "dropped by PacketCloud in table %d (%s)",
                           t->last_table, pc_flow_kind_name(t->last_kind));
    }
}

static void
pc_explain_trace_parse(struct pc_explain_trace *t, const char *text)
{
    char *copy = xstrdup(text);
    char *save_ptr = NULL;

    for (char *line = strtok_r(copy, "\n", &save_ptr); line;
         line = strtok_r(NULL, "\n", &save_ptr)) {
        line += strspn(line, " ");
        if (!strncmp(line, "Datapath actions: ", 18)) {
            pc_explain_trace_end(t, line + 18);
        } else if (!pc_explain_trace_table(t, line)) {
            pc_explain_trace_next(t, line);
            pc_explain_trace_group(t, line);
        }
    }
    free(copy);
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
    json_object_put_string(json, "result", t->verdict ? t->verdict : "");
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
    pc_explain_trace_reply(rq, &t, text);
    pc_explain_owners_destroy(t.owners);
    svec_destroy(&t.steps);
    free(t.verdict);
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

/* Follows 'flow' from VI to VI, and asks what the operator's pipeline does to
 * it in the end.  Returns false if its way ends before. */
static bool
pc_explain_trace_follow(struct pc_explain *e, struct pc_explain_request *rq,
                        const struct flow *flow)
{
    struct pc_ctl_router *r = pc_explain_trace_router(e, rq);
    const struct pcrec_router *row
        = r ? pcrec_router_get_for_uuid(e->c->idl, &r->uuid) : NULL;
    const char *name = rq->stage ? "reverse" : "forward";
    struct json *legs = json_array_create_empty();

    if (!row) {
        json_destroy(legs);
        return false;
    }
    struct pc_eval *ev = pc_eval_create(e->c, r);
    ds_put_format(&rq->answer, "\n%s:\n", rq->stage ? "Reverse, the answer"
                  : "Forward, the whole way");
    bool leaves = pc_explain_journey(ev, flow, &rq->answer, legs, &rq->end);
    pc_eval_destroy(ev);
    json_object_put(rq->json_answer, name, legs);
    if (leaves) {
        char *packet = pc_packet_format(&rq->end);

        rq->stage++;
        pc_explain_trace_send(rq, row->bridge, packet);
        free(packet);
    }
    return leaves;
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
    const char *comma = strrchr(line, ',');
    const struct pc_switch_port *port
        = r ? pc_switch_port_by_name(r->sw, comma ? comma + 1 : line) : NULL;
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
    char *error = (r ? parse_ofp_exact_flow(&flow, NULL, NULL, rq->arg,
                                            pc_switch_port_map(r->sw))
                   : xstrdup("gone"));
    if (error) {                /* E.g. a datapath flow. */
        free(error);
        return true;
    }
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
