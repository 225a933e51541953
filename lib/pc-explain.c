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

#include <limits.h>

#include "jsonrpc.h"
#include "openvswitch/poll-loop.h"
#include "pc-explain-private.h"
#include "pc-flow-table.h"
#include "pc-l3.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

/* Longest time that a command waits for a switch, in ms. */
#define REQUEST_TIMEOUT 10000

/* Requests. */

static void
pc_explain_request_destroy(struct pc_explain_request *rq)
{
    ovs_list_remove(&rq->list_node);
    pc_explain_reads_destroy(rq);
    jsonrpc_close(rq->rpc);
    free(rq->arg);
    free(rq->router_name);
    free(rq->text);
    ds_destroy(&rq->answer);
    json_destroy(rq->json_answer);
    free(rq);
}

/* Answers 'rq' with 'json' or 'text', as was asked for.  Takes 'json'. */
void
pc_explain_reply(struct pc_explain_request *rq, struct json *json,
                 const char *text)
{
    if (rq->json) {
        char *s = json_to_string(json, JSSF_PRETTY | JSSF_SORT);
        unixctl_command_reply(rq->conn, s);
        free(s);
    } else {
        unixctl_command_reply(rq->conn, text);
    }
    json_destroy(json);
}

/* Answers 'rq' with 'json', which it takes, or 's', and ends it. */
static void
pc_explain_finish(struct pc_explain_request *rq, struct json *json,
                  struct ds *s)
{
    pc_explain_reply(rq, json, ds_cstr(s));
    pc_explain_request_destroy(rq);
    ds_destroy(s);
}

/* Takes options and one argument from 'argv' into 'rq'.  Returns NULL or what is
 * wrong. */
static const char *
pc_explain_parse(struct pc_explain_request *rq, int argc, const char *argv[])
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-f") && i + 1 < argc) {
            i++;
            if (!strcmp(argv[i], "json")) {
                rq->json = true;
            } else if (strcmp(argv[i], "text")) {
                return "-f must be json or text";
            }
        } else if (!strcmp(argv[i], "--forward")) {
            rq->forward_only = true;
        } else if (!strncmp(argv[i], "--router=", 9) && !rq->router_name) {
            rq->router_name = xstrdup(argv[i] + 9);
        } else if (!strcmp(argv[i], "--diff")) {
            rq->diff = true;
        } else if (argv[i][0] == '-' || rq->arg) {
            return "unknown option or too many arguments";
        } else {
            rq->arg = xstrdup(argv[i]);
        }
    }
    return NULL;
}

/* Returns a new request of 'conn'; NULL, with an error sent to 'conn', if 'argv'
 * is not as it should be. */
static struct pc_explain_request *
pc_explain_request_create(struct pc_explain *e, struct unixctl_conn *conn,
                          int argc, const char *argv[])
{
    struct pc_explain_request *rq = xzalloc(sizeof *rq);
    const char *error;

    rq->conn = conn;
    rq->deadline = time_msec() + REQUEST_TIMEOUT;
    ovs_list_init(&rq->reads);
    ds_init(&rq->answer);
    ovs_list_push_back(&e->requests, &rq->list_node);
    error = pc_explain_parse(rq, argc, argv);
    if (error) {
        unixctl_command_reply_error(conn, error);
        pc_explain_request_destroy(rq);
        return NULL;
    }
    return rq;
}

/* controller/status. */

static struct json *
pc_explain_router_json(const struct pc_ctl_router *r)
{
    struct pc_flow_table_counts counts;
    struct json *json = json_object_create();

    pc_flow_table_get_counts(r->table, &counts);
    json_object_put_string(json, "name", r->name);
    json_object_put_string(json, "target", r->target);
    json_object_put_string(json, "state", pc_switch_state(r->sw));
    json_object_put(json, "in_sync", json_boolean_create(
                        r->synced && !pc_switch_is_busy(r->sw)));
    json_object_put_string(json, "openflow", pc_switch_version(r->sw));
    json_object_put(json, "bundles",
                    json_boolean_create(pc_switch_has_bundles(r->sw)));
    json_object_put(json, "meters", json_boolean_create(r->meters));
    json_object_put(json, "flows", json_integer_create(counts.n_flows));
    json_object_put(json, "groups", json_integer_create(counts.n_groups));
    json_object_put(json, "acknowledged", json_integer_create(r->done.cfg));
    if (r->missing) {
        json_object_put_string(json, "missing", r->missing);
    }
    json_object_put_string(json, "error", r->error);
    return json;
}

static void
pc_explain_router_text(const struct pc_ctl_router *r, struct ds *ds)
{
    struct pc_flow_table_counts counts;

    pc_flow_table_get_counts(r->table, &counts);
    ds_put_format(ds, "router %s\n    target: %s (%s%s)\n", r->name, r->target,
                  pc_switch_state(r->sw),
                  !pc_switch_is_ready(r->sw) ? ""
                  : !r->synced ? ", reading"
                  : pc_switch_is_busy(r->sw) ? ", changing" : ", in sync");
    if (pc_switch_is_ready(r->sw)) {
        ds_put_format(ds, "    OpenFlow: %s, %s, %s\n",
                      pc_switch_version(r->sw),
                      pc_switch_has_bundles(r->sw)
                      ? "bundles" : "no bundles (changes are not atomic)",
                      r->meters ? "meters"
                      : "no meters (network capacity is not enforced)");
    }
    if (pc_switch_is_ready(r->sw) && r->missing) {
        ds_put_format(ds, "    missing: %s\n", r->missing);
    }
    ds_put_format(ds, "    wanted: %"PRIuSIZE" flows, %"PRIuSIZE" groups, "
                  "%"PRIuSIZE" meters\n",
                  counts.n_flows, counts.n_groups, counts.n_meters);
    ds_put_format(ds, "    acknowledged: %"PRId64"\n", r->done.cfg);
    if (r->error[0]) {
        ds_put_format(ds, "    error: %s\n", r->error);
    }
}

static void
pc_explain_status(struct unixctl_conn *conn, int argc, const char *argv[],
                  void *e_)
{
    struct pc_explain *e = e_;
    struct pc_controller *c = e->c;
    struct pc_explain_request *rq
        = pc_explain_request_create(e, conn, argc, argv);
    struct pc_ctl_router *r;

    if (!rq) {
        return;
    }
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct json *routers = json_array_create_empty();
    struct json *json = json_object_create();
    const char *role = (uuid_is_zero(&c->cloudlet) ? "no cloudlet"
                        : c->loaded ? "active" : "standby");
    ds_put_format(&ds, "cloudlet: %s\nstate: %s\nservices: %"PRIuSIZE"\n"
                  "rules: %"PRIuSIZE"\nVIs: %"PRIuSIZE"\n",
                  c->cloudlet_name ? c->cloudlet_name : "(none)", role,
                  hmap_count(&c->services), hmap_count(&c->rules),
                  hmap_count(&c->vis));
    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        pc_explain_router_text(r, &ds);
        json_array_add(routers, pc_explain_router_json(r));
    }
    json_object_put_string(json, "cloudlet",
                           c->cloudlet_name ? c->cloudlet_name : "");
    json_object_put_string(json, "state", role);
    json_object_put(json, "services",
                    json_integer_create(hmap_count(&c->services)));
    json_object_put(json, "rules",
                    json_integer_create(hmap_count(&c->rules)));
    json_object_put(json, "vis", json_integer_create(hmap_count(&c->vis)));
    json_object_put(json, "routers", routers);
    pc_explain_finish(rq, json, &ds);
}

/* controller/counters. */

static void
pc_explain_count(struct json *json, struct ds *ds, const char *name,
                 uint64_t value)
{
    json_object_put(json, name, json_integer_create(value));
    ds_put_format(ds, "%-22s %"PRIu64"\n", name, value);
}

static void
pc_explain_count_router(struct json *json, struct ds *ds,
                        const struct pc_ctl_router *r)
{
    const struct pc_switch_counters *n = pc_switch_counters(r->sw);
    struct json *object = json_object_create();

    ds_put_format(ds, "router %s\n", r->name);
    pc_explain_count(object, ds, "connections", n->n_connections);
    pc_explain_count(object, ds, "flow_mods", n->n_flow_mods);
    pc_explain_count(object, ds, "group_mods", n->n_group_mods);
    pc_explain_count(object, ds, "meter_mods", n->n_meter_mods);
    pc_explain_count(object, ds, "bundles", n->n_bundles);
    pc_explain_count(object, ds, "zone_flushes", n->n_flushes);
    pc_explain_count(object, ds, "pending_zone_flushes", n->n_pending_flushes);
    pc_explain_count(object, ds, "submissions", n->n_submissions);
    pc_explain_count(object, ds, "parts", n->n_parts);
    pc_explain_count(object, ds, "errors", n->n_errors);
    pc_explain_count(object, ds, "reads", n->n_reads);
    pc_explain_count(object, ds, "last_ack_us", n->last_ack_us);
    pc_explain_count(object, ds, "packet_ins", n->n_packet_ins);
    pc_explain_count(object, ds, "packet_ins_dropped",
                     n->n_packet_ins_dropped);
    pc_explain_count(object, ds, "packet_outs", n->n_packet_outs);
    pc_explain_count(object, ds, "resync_us", r->resync_us);
    if (r->l3) {
        const struct pc_l3_counters *l3 = pc_l3_counters(r->l3);
        pc_explain_count(object, ds, "l3_queued", l3->n_queued);
        pc_explain_count(object, ds, "l3_unreachable", l3->n_failed);
        pc_explain_count(object, ds, "l3_icmp_sent", l3->n_icmp_sent);
    }
    json_object_put(json, r->name, object);
}

static void
pc_explain_counters(struct unixctl_conn *conn, int argc, const char *argv[],
                    void *e_)
{
    struct pc_explain *e = e_;
    const struct pc_ctl_counters *n = &e->c->counters;
    struct pc_explain_request *rq
        = pc_explain_request_create(e, conn, argc, argv);
    const struct pc_ctl_router *r;

    if (!rq) {
        return;
    }
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct json *json = json_object_create();
    struct json *routers = json_object_create();
    pc_explain_count(json, &ds, "compile_runs", n->n_runs);
    pc_explain_count(json, &ds, "compiled", n->n_compiled);
    pc_explain_count(json, &ds, "compile_us", n->compile_us);
    pc_explain_count(json, &ds, "last_compiled", n->last_compiled);
    pc_explain_count(json, &ds, "last_work_us", n->last_work_us);
    pc_explain_count(json, &ds, "max_work_us", n->max_work_us);
    pc_explain_count(json, &ds, "max_run_us", n->max_run_us);
    pc_explain_count(json, &ds, "resyncs", n->n_resyncs);
    pc_explain_count(json, &ds, "last_resync_mods", n->last_resync_mods);
    pc_explain_count(json, &ds, "recomputes", n->n_recomputes);
    pc_explain_count(json, &ds, "last_recompute_us", n->last_recompute_us);
    pc_explain_count(json, &ds, "after_rules_looked_at", n->n_afters);
    pc_explain_count(json, &ds, "after_orders", shash_count(&e->c->orders));
    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        pc_explain_count_router(routers, &ds, r);
    }
    json_object_put(json, "routers", routers);
    pc_explain_finish(rq, json, &ds);
}

/* controller/recompute. */

/* Answers when the switches have been read again and corrected. */
static bool
pc_explain_recompute_run(struct pc_explain *e, struct pc_explain_request *rq)
{
    const struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        if (pc_switch_is_ready(r->sw)
            && (!r->synced || r->reading || pc_switch_is_busy(r->sw)
                || r->epoch != pc_switch_epoch(r->sw))) {
            return false;
        }
    }
    if (rq->text) {
        unixctl_command_reply_error(rq->conn, rq->text);
        return true;
    }
    uint64_t n = e->c->counters.n_corrections - rq->n_corrections;
    char *text = xasprintf("compiled anew: no difference\n"
                           "switch: %"PRIu64" corrections\n", n);
    struct json *json = json_object_create();
    json_object_put(json, "corrections", json_integer_create(n));
    pc_explain_reply(rq, json, text);
    free(text);
    return true;
}

static void
pc_explain_recompute(struct unixctl_conn *conn, int argc, const char *argv[],
                     void *e_)
{
    struct pc_explain *e = e_;
    struct pc_explain_request *rq
        = pc_explain_request_create(e, conn, argc, argv);

    if (!rq) {
        return;
    }
    rq->n_corrections = e->c->counters.n_corrections;
    char *text = pc_controller_recompute(e->c);
    if (text) {
        rq->text = xasprintf("incremental (-) and full (+) compilation "
                             "differ:\n%s", text);
        free(text);
    }
    rq->run = pc_explain_recompute_run;
}

/* controller/flows, controller/stats, controller/trace. */

typedef char *pc_explain_start_func(struct pc_explain *,
                                    struct pc_explain_request *);

static void
pc_explain_start(struct pc_explain *e, struct pc_explain_request *rq,
                 pc_explain_start_func *start)
{
    char *error = start(e, rq);

    if (error) {
        unixctl_command_reply_error(rq->conn, error);
        free(error);
        pc_explain_request_destroy(rq);
    }
}

static void
pc_explain_flows(struct unixctl_conn *conn, int argc, const char *argv[],
                 void *e)
{
    struct pc_explain_request *rq
        = pc_explain_request_create(e, conn, argc, argv);

    if (rq) {
        rq->run = pc_explain_flows_run;
        pc_explain_start(e, rq, pc_explain_start_reads);
    }
}

static void
pc_explain_stats(struct unixctl_conn *conn, int argc, const char *argv[],
                 void *e)
{
    struct pc_explain_request *rq
        = pc_explain_request_create(e, conn, argc, argv);

    if (rq) {
        rq->run = pc_explain_stats_run;
        rq->stats = true;
        pc_explain_start(e, rq, pc_explain_start_reads);
    }
}

static void
pc_explain_trace(struct unixctl_conn *conn, int argc, const char *argv[],
                 void *e)
{
    struct pc_explain_request *rq
        = pc_explain_request_create(e, conn, argc, argv);

    if (rq && !rq->arg) {
        unixctl_command_reply_error(conn, "no packet given: FLOW is written "
                                    "as for ovs-appctl ofproto/trace");
        pc_explain_request_destroy(rq);
    } else if (rq) {
        rq->run = pc_explain_trace_run;
        pc_explain_start(e, rq, pc_explain_trace_start);
    }
}

/* Lifecycle. */

/* Registers the commands, about 'c', which must outlive what is returned. */
struct pc_explain *
pc_explain_create(struct pc_controller *c)
{
    struct pc_explain *e = xzalloc(sizeof *e);

    e->c = c;
    ovs_list_init(&e->requests);
    hmap_init(&e->sums);
    unixctl_command_register("controller/status", "[-f json]", 0, 2,
                             pc_explain_status, e);
    unixctl_command_register("controller/counters", "[-f json]", 0, 2,
                             pc_explain_counters, e);
    unixctl_command_register("controller/recompute", "[-f json]", 0, 2,
                             pc_explain_recompute, e);
    unixctl_command_register("controller/flows", "[--diff] [-f json]", 0, 3,
                             pc_explain_flows, e);
    unixctl_command_register("controller/stats", "[SERVICE] [-f json]", 0, 3,
                             pc_explain_stats, e);
    unixctl_command_register("controller/evaluate", "FLOW... [-f json]", 1,
                             INT_MAX, pc_explain_evaluate, e);
    unixctl_command_register("controller/overlap",
                             "{UUID TARGET PRIORITY DIRECTION AFTER MATCH}... "
                             "[-f json]", 6, INT_MAX, pc_explain_overlap, e);
    unixctl_command_register("controller/trace",
                             "[--forward] [--router=ROUTER] FLOW [-f json]",
                             1, 5, pc_explain_trace, e);
    return e;
}

/* Ends all requests.  All reads must have ended before. */
void
pc_explain_destroy(struct pc_explain *e)
{
    struct pc_explain_request *rq;

    if (e) {
        LIST_FOR_EACH_SAFE (rq, list_node, &e->requests) {
            unixctl_command_reply_error(rq->conn, "the agent is exiting");
            pc_explain_request_destroy(rq);
        }
        pc_explain_sums_destroy(&e->sums);
        free(e);
    }
}

/* Answers the requests that can be answered. */
void
pc_explain_run(struct pc_explain *e)
{
    struct pc_explain_request *rq;

    LIST_FOR_EACH_SAFE (rq, list_node, &e->requests) {
        if (rq->run(e, rq)) {
            pc_explain_request_destroy(rq);
        } else if (time_msec() >= rq->deadline) {
            /* A read refers to its request until it has ended. */
            rq->deadline += REQUEST_TIMEOUT;
            if (pc_explain_reads_done(rq)) {
                unixctl_command_reply_error(rq->conn,
                                            "the switch does not answer");
                pc_explain_request_destroy(rq);
            }
        }
    }
}

/* Arranges for the poll loop to wake when pc_explain_run() has work. */
void
pc_explain_wait(struct pc_explain *e)
{
    struct pc_explain_request *rq;

    LIST_FOR_EACH (rq, list_node, &e->requests) {
        poll_timer_wait_until(rq->deadline);
        if (!rq->rpc && rq->json_answer) {
            poll_immediate_wake();
        }
        if (rq->rpc) {
            jsonrpc_wait(rq->rpc);
            jsonrpc_recv_wait(rq->rpc);
        }
    }
}
