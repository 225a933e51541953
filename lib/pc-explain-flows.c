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

#include "byte-order.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "pc-explain-private.h"
#include "pc-flow-table.h"
#include "pc-installed.h"
#include "pc-layout.h"
#include "unixctl.h"
#include "util.h"

/* controller/flows and controller/stats: reading all routers, then printing.
 */

/* Reading. */

/* The metadata that 'ofpacts' load, 0 if they don't. */
static uint64_t
pc_explain_action_meta(const struct ofpact *ofpacts, size_t ofpacts_len)
{
    const struct ofpact *a;

    OFPACT_FOR_EACH (a, ofpacts, ofpacts_len) {
        if (a->type == OFPACT_SET_FIELD
            && ofpact_get_SET_FIELD(a)->field->id == MFF_METADATA) {
            return ntohll(ofpact_get_SET_FIELD(a)->value->be64);
        }
    }
    return 0;
}

static void
pc_explain_read_flow(const struct ofputil_flow_stats *fs, void *read_)
{
    struct pc_explain_read *read = read_;
    const struct ofputil_port_map *ports
        = pc_switch_port_map(read->router->sw);
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (read->installed) {
        pc_installed_add_flow(read->installed, fs);
    }
    if (read->n_flows >= read->allocated_flows) {
        read->flows = x2nrealloc(read->flows, &read->allocated_flows,
                                 sizeof *read->flows);
    }
    struct pc_explain_flow *flow = &read->flows[read->n_flows++];
    flow->table_id = fs->table_id;
    flow->priority = fs->priority;
    flow->cookie = fs->cookie;
    flow->match_meta = ntohll(fs->match.flow.metadata);
    flow->action_meta = pc_explain_action_meta(fs->ofpacts, fs->ofpacts_len);
    flow->n_packets = fs->packet_count;
    flow->n_bytes = fs->byte_count;
    flow->end = pc_explain_flow_end(fs->cookie, fs->ofpacts, fs->ofpacts_len);

    match_format(&fs->match, ports, &ds, OFP_DEFAULT_PRIORITY);
    flow->match = ds_steal_cstr(&ds);
    struct ofpact_format_params fp = { .s = &ds, .port_map = ports };
    ds_init(&ds);
    ofpacts_format(fs->ofpacts, fs->ofpacts_len, &fp);
    flow->actions = ds_steal_cstr(&ds);
}

static void
pc_explain_read_group(const struct ofputil_group_desc *gd, void *read_)
{
    struct pc_explain_read *read = read_;

    if (read->installed) {
        pc_installed_add_group(read->installed, gd);
    }
}

static void
pc_explain_read_meter(const struct ofputil_meter_config *mc, void *read_)
{
    struct pc_explain_read *read = read_;

    if (read->installed) {
        pc_installed_add_meter(read->installed, mc);
    }
}

/* A table of its own with what 'r' desires: comparing marks a table. */
static void
pc_explain_copy_flow(const struct pc_flow_view *flow, void *table)
{
    struct ofpbuf ofpacts;
    struct match match;

    minimatch_expand(flow->match, &match);
    ofpbuf_use_const(&ofpacts, flow->ofpacts, flow->ofpacts_len);
    struct pc_flow_spec spec = pc_flow_spec(flow->table_id, flow->priority,
                                            flow->cookie, &match, &ofpacts);
    pc_flow_table_add_flow(table, &flow->owner, &spec);
}

static void
pc_explain_copy_group(const struct ofputil_group_mod *gm,
                      const struct uuid *owner, void *table)
{
    pc_flow_table_add_group(table, owner, gm);
}

static void
pc_explain_copy_meter(const struct ofputil_meter_config *mc,
                      const struct uuid *owner, void *table)
{
    pc_flow_table_add_meter(table, owner, mc);
}

static void
pc_explain_diff(struct pc_explain_read *read)
{
    struct pc_flow_table *table = pc_flow_table_create();
    const struct pc_flow_table *desired = read->router->table;
    struct ovs_list mods = OVS_LIST_INITIALIZER(&mods);
    const struct pc_mod *mod;

    pc_flow_table_for_each_flow(desired, pc_explain_copy_flow, table);
    pc_flow_table_for_each_group(desired, pc_explain_copy_group, table);
    pc_flow_table_for_each_meter(desired, pc_explain_copy_meter, table);
    pc_installed_diff(read->installed, table, &mods);
    LIST_FOR_EACH (mod, node, &mods) {
        char *s = pc_mod_format(mod);
        ds_put_format(&read->diff, "%s\n", s);
        read->n_diff++;
        free(s);
    }
    pc_mods_destroy(&mods);
    pc_flow_table_destroy(table);
}

static void
pc_explain_read_done(int error, void *read_)
{
    struct pc_explain_read *read = read_;

    read->error = error;
    if (!error && read->installed) {
        pc_explain_diff(read);
    } else if (!error && read->request->stats) {
        pc_explain_read_agent(read, read->router);
    }
    read->router = NULL;
    read->done = true;
}

static const struct pc_switch_read_class stats_class = {
    .flow = pc_explain_read_flow,
    .group_stats = pc_explain_read_group_stats,
    .meter_stats = pc_explain_read_meter_stats,
    .table_stats = pc_explain_read_table_stats,
    .refused = pc_explain_read_refused,
    .done = pc_explain_read_done,
};

static const struct pc_switch_read_class read_class = {
    .flow = pc_explain_read_flow,
    .group = pc_explain_read_group,
    .meter = pc_explain_read_meter,
    .done = pc_explain_read_done,
};

/* Starts to read all routers for 'rq'.  Returns NULL, or why that is not
 * possible. */
char *
pc_explain_start_reads(struct pc_explain *e, struct pc_explain_request *rq)
{
    struct pc_ctl_router *r;

    if (hmap_is_empty(&e->c->routers)) {
        return xstrdup("there is no router");
    }
    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        if (!pc_switch_is_ready(r->sw)) {
            return xasprintf("router %s is not connected", r->name);
        }
    }
    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        struct pc_explain_read *read = xzalloc(sizeof *read);

        read->request = rq;
        read->router = r;
        read->name = xstrdup(r->name);
        read->base = r->base;
        ds_init(&read->diff);
        sset_init(&read->refused);
        if (rq->diff) {
            read->installed = pc_installed_create(pc_switch_protocol(r->sw));
        }
        ovs_list_push_back(&rq->reads, &read->list_node);
        pc_switch_read(r->sw, rq->stats ? &stats_class : &read_class, read);
    }
    return NULL;
}

/* Have all reads of 'rq' ended? */
bool
pc_explain_reads_done(const struct pc_explain_request *rq)
{
    const struct pc_explain_read *read;

    LIST_FOR_EACH (read, list_node, &rq->reads) {
        if (!read->done) {
            return false;
        }
    }
    return true;
}

/* Frees the reads of 'rq', which must have ended. */
void
pc_explain_reads_destroy(struct pc_explain_request *rq)
{
    struct pc_explain_read *read;

    LIST_FOR_EACH_POP (read, list_node, &rq->reads) {
        for (size_t i = 0; i < read->n_flows; i++) {
            free(read->flows[i].match);
            free(read->flows[i].actions);
        }
        free(read->flows);
        free(read->counts);
        sset_destroy(&read->refused);
        free(read->name);
        pc_installed_destroy(read->installed);
        ds_destroy(&read->diff);
        free(read);
    }
}

/* If reads are still going on returns false.  If one failed answers, sets
 * '*answered' and returns false. */
static bool
pc_explain_check_reads(struct pc_explain_request *rq, bool *answered)
{
    const struct pc_explain_read *read;

    *answered = false;
    if (!pc_explain_reads_done(rq)) {
        return false;
    }
    LIST_FOR_EACH (read, list_node, &rq->reads) {
        if (read->error) {
            char *s = xasprintf("router %s: cannot read (%s)", read->name,
                                ovs_strerror(read->error));
            unixctl_command_reply_error(rq->conn, s);
            free(s);
            *answered = true;
            return false;
        }
    }
    return true;
}

/* controller/flows. */

static int
pc_explain_compare_flows(const void *a_, const void *b_)
{
    const struct pc_explain_flow *a = a_, *b = b_;

    return (a->table_id != b->table_id ? (a->table_id < b->table_id ? -1 : 1)
            : a->priority != b->priority
            ? (a->priority > b->priority ? -1 : 1)
            : strcmp(a->match, b->match));
}

static struct json *
pc_explain_flow_json(const struct pc_explain_flow *flow, const char *router,
                     uint8_t base, const struct pc_explain_owner *owner)
{
    struct json *json = json_object_create();
    const char *table = pc_table_name(base, flow->table_id);

    json_object_put_string(json, "router", router);
    json_object_put(json, "table", json_integer_create(flow->table_id));
    json_object_put_string(json, "table_name", table ? table : "");
    json_object_put_string(json, "kind", pc_flow_kind_name(
                               pc_cookie_kind(flow->cookie)));
    json_object_put(json, "priority", json_integer_create(flow->priority));
    json_object_put_string(json, "match", flow->match);
    json_object_put_string(json, "actions", flow->actions);
    json_object_put(json, "packets", json_integer_create(flow->n_packets));
    json_object_put(json, "bytes", json_integer_create(flow->n_bytes));
    if (owner && owner->rule) {
        char *uuid = xasprintf(UUID_FMT, UUID_ARGS(&owner->rule->uuid));
        json_object_put_string(json, "rule", uuid);
        free(uuid);
    }
    if (owner && owner->service) {
        json_object_put_string(json, "service", owner->service->s.name);
    }
    if (owner && owner->vi) {
        json_object_put_string(json, "vi", owner->vi->vi.name);
    }
    return json;
}

static void
pc_explain_flow_text(const struct pc_controller *c,
                     const struct pc_explain_flow *flow,
                     const struct pc_explain_owner *owner, struct ds *ds)
{
    enum pc_flow_kind kind = pc_cookie_kind(flow->cookie);
    bool drops = kind == PC_FLOW_SPOOF || kind == PC_FLOW_QUARANTINE;

    ds_put_format(ds, "  %s%s%s: packets=%"PRIu64" bytes=%"PRIu64"\n"
                  "    priority=%u",
                  owner ? owner->name : pc_flow_kind_name(kind),
                  owner && drops ? ", dropped by " : "",
                  owner && drops ? pc_flow_kind_name(kind) : "",
                  flow->n_packets, flow->n_bytes, flow->priority);
    ds_put_format(ds, "%s%s actions=%s\n", flow->match[0] ? "," : "",
                  flow->match, flow->actions);
    if (flow->match_meta) {
        char *meta = pc_explain_meta(c, flow->match_meta);
        ds_put_format(ds, "    matches %s\n", meta);
        free(meta);
    }
    if (flow->action_meta) {
        char *meta = pc_explain_meta(c, flow->action_meta);
        ds_put_format(ds, "    makes it %s\n", meta);
        free(meta);
    }
}

static void
pc_explain_flows_router(const struct pc_controller *c,
                        const struct pc_explain_owners *owners,
                        struct pc_explain_read *read, struct json *json,
                        struct ds *ds)
{
    int table = -1;

    if (read->n_flows) {
        qsort(read->flows, read->n_flows, sizeof *read->flows,
              pc_explain_compare_flows);
    }
    ds_put_format(ds, "router %s\n", read->name);
    for (size_t i = 0; i < read->n_flows; i++) {
        const struct pc_explain_flow *flow = &read->flows[i];
        const struct pc_explain_owner *owner
            = pc_explain_owner_find(owners, flow->cookie);

        if (flow->table_id != table) {
            const char *name = pc_table_name(read->base, flow->table_id);
            table = flow->table_id;
            ds_put_format(ds, "table %d (%s)\n", table, name ? name : "?");
        }
        pc_explain_flow_text(c, flow, owner, ds);
        json_array_add(json, pc_explain_flow_json(flow, read->name,
                                                  read->base, owner));
    }
}

static void
pc_explain_diff_router(const struct pc_explain_read *read, struct json *json,
                       struct ds *ds)
{
    char *copy = xstrdup(ds_cstr_ro(&read->diff));
    char *save_ptr = NULL;

    if (!read->n_diff) {
        ds_put_format(ds, "router %s: no difference\n", read->name);
    } else {
        ds_put_format(ds, "router %s: to be done\n%s", read->name,
                      ds_cstr_ro(&read->diff));
    }
    for (char *line = strtok_r(copy, "\n", &save_ptr); line;
         line = strtok_r(NULL, "\n", &save_ptr)) {
        struct json *object = json_object_create();
        json_object_put_string(object, "router", read->name);
        json_object_put_string(object, "change", line);
        json_array_add(json, object);
    }
    free(copy);
}

/* What the database has and the tables don't: rules that are not in force. */
static void
pc_explain_diff_database(const struct pc_controller *c, struct json *json,
                         struct ds *ds)
{
    const struct pc_ctl_rule *rule;

    HMAP_FOR_EACH (rule, hmap_node, &c->rules) {
        if (rule->error) {
            char *who = pc_ctl_overlap_who(c, &rule->uuid);
            char *line = xasprintf("not in force: %s: %s", who, rule->error);
            struct json *object = json_object_create();

            ds_put_format(ds, "database: %s\n", line);
            json_object_put_string(object, "database", line);
            json_array_add(json, object);
            free(line);
            free(who);
        }
    }
}

/* Answers controller/flows once all routers have been read. */
bool
pc_explain_flows_run(struct pc_explain *e, struct pc_explain_request *rq)
{
    struct pc_explain_owners *owners;
    struct pc_explain_read *read;
    bool answered;

    if (!pc_explain_check_reads(rq, &answered)) {
        return answered;
    }
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct json *json = json_array_create_empty();
    owners = pc_explain_owners_create(e->c);
    LIST_FOR_EACH (read, list_node, &rq->reads) {
        if (rq->diff) {
            pc_explain_diff_router(read, json, &ds);
        } else {
            pc_explain_flows_router(e->c, owners, read, json, &ds);
        }
    }
    if (rq->diff) {
        pc_explain_diff_database(e->c, json, &ds);
    }
    pc_explain_owners_destroy(owners);
    pc_explain_reply(rq, json, ds_cstr(&ds));
    ds_destroy(&ds);
    return true;
}
