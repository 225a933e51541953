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

#include "hash.h"
#include "pc-explain-private.h"
#include "pc-layout.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

/* controller/stats: what rules took and VIs got, summed over the routers, how
 * much that is a second since the command was last given, and what has been
 * dropped (pc-explain-count.c). */

/* Rates over longer than that, in ms, say nothing about now. */
#define MAX_PERIOD (10 * 60 * 1000)

struct pc_explain_sum {
    struct hmap_node hmap_node; /* In 'sums', by owner and kind. */
    uint64_t bits;              /* Owner, as in the cookie. */
    enum pc_flow_kind kind;
    uint64_t packets[2], bytes[2];      /* By enum pc_direction. */
};

/* An answer in the making. */
struct stats {
    const struct pc_controller *c;
    struct hmap sums;           /* Contains "struct pc_explain_sum"s. */
    const struct hmap *before;  /* The same, when it was last asked ... */
    double period;              /* ... so many seconds ago; 0: never. */
    struct pc_explain_owners *owners;
    struct ds *ds;
};

static uint32_t
pc_explain_sum_hash(uint64_t bits, enum pc_flow_kind kind)
{
    return hash_2words(bits ^ (bits >> 32), kind);
}

static struct pc_explain_sum *
pc_explain_sum_find(const struct hmap *sums, uint64_t bits,
                    enum pc_flow_kind kind)
{
    struct pc_explain_sum *sum;

    HMAP_FOR_EACH_WITH_HASH (sum, hmap_node, pc_explain_sum_hash(bits, kind),
                             sums) {
        if (sum->bits == bits && sum->kind == kind) {
            return sum;
        }
    }
    return NULL;
}

static void
pc_explain_sum_add(struct hmap *sums, const struct pc_explain_flow *flow)
{
    enum pc_flow_kind kind = pc_cookie_kind(flow->cookie);
    uint64_t bits = pc_cookie_owner(flow->cookie);

    if (kind != PC_FLOW_HOOK_RULE && kind != PC_FLOW_AFTER
        && kind != PC_FLOW_DELIVER) {
        return;
    }
    struct pc_explain_sum *sum = pc_explain_sum_find(sums, bits, kind);
    if (!sum) {
        sum = xzalloc(sizeof *sum);
        sum->bits = bits;
        sum->kind = kind;
        hmap_insert(sums, &sum->hmap_node, pc_explain_sum_hash(bits, kind));
    }
    uint64_t metadata = (kind == PC_FLOW_DELIVER ? flow->match_meta
                         : flow->action_meta);
    enum pc_direction direction = pc_meta_unpack(metadata).direction;
    sum->packets[direction] += flow->n_packets;
    sum->bytes[direction] += flow->n_bytes;
}

/* Sums all flows that 'rq' has read, by owner and kind. */
static void
pc_explain_sums(const struct pc_explain_request *rq, struct hmap *sums)
{
    const struct pc_explain_read *read;

    hmap_init(sums);
    LIST_FOR_EACH (read, list_node, &rq->reads) {
        for (size_t i = 0; i < read->n_flows; i++) {
            pc_explain_sum_add(sums, &read->flows[i]);
        }
    }
}

/* Frees the elements of 'sums' and itself. */
void
pc_explain_sums_destroy(struct hmap *sums)
{
    struct pc_explain_sum *sum;

    HMAP_FOR_EACH_POP (sum, hmap_node, sums) {
        free(sum);
    }
    hmap_destroy(sums);
}

/* Returns the sum of the flows of 'kind' that the row with 'uuid' owns. */
static struct pc_explain_sum
pc_explain_sum(const struct hmap *sums, const struct uuid *uuid,
               enum pc_flow_kind kind)
{
    struct pc_explain_sum none = { .packets = { 0, 0 } };
    const struct pc_explain_sum *sum
        = pc_explain_sum_find(sums, pc_cookie_owner_bits(uuid), kind);

    return sum ? *sum : none;
}

/* A second's share of the increase from 'before' to 'now', or -1 if that is not
 * known. */
static double
rate(const struct stats *st, uint64_t now, uint64_t before)
{
    return st->period > 0 && now >= before ? (now - before) / st->period : -1;
}

/* Appends the sum of the flows of 'kind' that the row with 'uuid' owns to the
 * text, and returns it as JSON. */
static struct json *
put_sum(struct stats *st, const struct uuid *uuid, enum pc_flow_kind kind)
{
    struct pc_explain_sum sum = pc_explain_sum(&st->sums, uuid, kind);
    struct pc_explain_sum before = pc_explain_sum(st->before, uuid, kind);
    struct json *json = json_object_create();

    for (int i = 0; i < 2; i++) {
        struct json *object = json_object_create();
        double pps = rate(st, sum.packets[i], before.packets[i]);
        double bps = rate(st, sum.bytes[i], before.bytes[i]) * 8;

        ds_put_format(st->ds, "      %s: packets=%"PRIu64" bytes=%"PRIu64,
                      pc_direction_name(i), sum.packets[i], sum.bytes[i]);
        json_object_put(object, "packets",
                        json_integer_create(sum.packets[i]));
        json_object_put(object, "bytes", json_integer_create(sum.bytes[i]));
        if (pps >= 0 && bps >= 0) {
            ds_put_format(st->ds, " (%.0f packets/s, %.0f bit/s)", pps, bps);
            json_object_put(object, "packets_per_s", json_real_create(pps));
            json_object_put(object, "bits_per_s", json_real_create(bps));
        }
        ds_put_char(st->ds, '\n');
        json_object_put(json, pc_direction_name(i), object);
    }
    return json;
}

/* The rules in 'list', those of a service or a chain. */
static struct json *
put_rules(struct stats *st, const struct ovs_list *list)
{
    struct json *rules = json_array_create_empty();
    const struct pc_ctl_rule *rule;

    LIST_FOR_EACH (rule, owner_node, list) {
        const struct pcrec_rule *row
            = pcrec_rule_get_for_uuid(st->c->idl, &rule->uuid);
        char *uuid = xasprintf(UUID_FMT, UUID_ARGS(&rule->uuid));

        ds_put_format(st->ds, "  rule %.8s (%s)\n", uuid,
                      row ? row->match : "");
        struct json *json = put_sum(st, &rule->uuid,
                                    (rule->after ? PC_FLOW_AFTER
                                     : PC_FLOW_HOOK_RULE));
        json_object_put_string(json, "rule", uuid);
        json_object_put_string(json, "match", row ? row->match : "");
        json_array_add(rules, json);
        free(uuid);
    }
    return rules;
}

static struct json *
put_vis(struct stats *st, const struct pc_ctl_service *svc)
{
    struct json *vis = json_array_create_empty();
    const struct pc_ctl_vi *vi;

    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        ds_put_format(st->ds, "  VI %s%s\n", vi->vi.name,
                      vi->vi.ready ? "" : " (not ready)");
        struct json *json = put_sum(st, &vi->vi.uuid, PC_FLOW_DELIVER);

        json_object_put_string(json, "vi", vi->vi.name);
        json_array_add(vis, json);
    }
    return vis;
}

/* Appends the services to 'array'; just 'name' if that is nonnull.  Returns their
 * number. */
static size_t
put_services(struct stats *st, const char *name, struct json *array)
{
    const struct pc_ctl_service *svc;
    size_t n = 0;

    HMAP_FOR_EACH (svc, hmap_node, &st->c->services) {
        if (name && strcmp(name, svc->s.name)) {
            continue;
        }
        struct json *json = json_object_create();

        n++;
        ds_put_format(st->ds, "service %s\n", svc->s.name);
        json_object_put_string(json, "service", svc->s.name);
        json_object_put(json, "rules", put_rules(st, &svc->rules));
        json_object_put(json, "vis", put_vis(st, svc));
        json_array_add(array, json);
    }
    return n;
}

/* The same for chains, and for the rules that are after others. */
static size_t
put_chains(struct stats *st, const char *name, struct json *array)
{
    const struct pc_ctl_chain *chain;
    size_t n = 0;

    HMAP_FOR_EACH (chain, hmap_node, &st->c->chains) {
        const char *what = chain->after ? "after" : "chain";
        const char *who = (chain->after ? chain->after->order->name
                           : chain->name);

        if (name && strcmp(name, who)) {
            continue;
        }
        struct json *json = json_object_create();

        n += !chain->after;
        ds_put_format(st->ds, "%s %s\n", what, who);
        json_object_put_string(json, what, who);
        json_object_put(json, "rules", put_rules(st, &chain->rules));
        json_array_add(array, json);
    }
    return n;
}

static struct json *
refused_json(const struct pc_explain_read *read)
{
    struct json *json = json_array_create_empty();
    const char *what;

    SSET_FOR_EACH (what, &read->refused) {
        json_array_add(json, json_string_create(what));
    }
    return json;
}

/* What has been dropped on each router; if 'svc' is nonnull, of that service. */
static void
put_routers(struct stats *st, const struct pc_explain_request *rq,
            const struct pc_ctl_service *svc, struct json *array)
{
    const struct pc_explain_read *read;

    LIST_FOR_EACH (read, list_node, &rq->reads) {
        size_t start = st->ds->length;

        ds_put_format(st->ds, "dropped on router %s\n", read->name);
        size_t end = st->ds->length;
        struct json *drops = pc_explain_drops(st->c, st->owners, read, svc,
                                              st->ds);

        if (st->ds->length == end) {
            ds_truncate(st->ds, start);
            json_destroy(drops);
            continue;
        }
        struct json *json = json_object_create();

        json_object_put_string(json, "router", read->name);
        json_object_put(json, "drops", drops);
        json_object_put(json, "not_known", refused_json(read));
        json_array_add(array, json);
    }
}

/* Remembers the sums of 'st', which it takes, for the next time. */
static void
keep_sums(struct pc_explain *e, struct stats *st)
{
    hmap_swap(&e->sums, &st->sums);
    pc_explain_sums_destroy(&st->sums);
    e->sums_at = time_msec();
}

/* Answers controller/stats once all routers have been read. */
bool
pc_explain_stats_run(struct pc_explain *e, struct pc_explain_request *rq)
{
    const struct pc_explain_read *read;

    if (!pc_explain_reads_done(rq)) {
        return false;
    }
    LIST_FOR_EACH (read, list_node, &rq->reads) {
        if (read->error) {
            unixctl_command_reply_error(rq->conn, "cannot read the router");
            return true;
        }
    }
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct json *array = json_array_create_empty();
    long long int since = e->sums_at ? time_msec() - e->sums_at : 0;
    struct stats st = {
        .c = e->c, .before = &e->sums, .ds = &ds,
        .period = since <= MAX_PERIOD ? since / 1000.0 : 0,
        .owners = pc_explain_owners_create(e->c),
    };

    pc_explain_sums(rq, &st.sums);
    size_t n = (put_services(&st, rq->arg, array)
                + put_chains(&st, rq->arg, array));
    const struct pc_ctl_service *svc
        = rq->arg ? pc_ctl_service_by_name(e->c, rq->arg) : NULL;
    if (svc || !rq->arg) {
        put_routers(&st, rq, svc, array);
    }
    pc_explain_owners_destroy(st.owners);
    keep_sums(e, &st);
    if (n || !rq->arg) {
        pc_explain_reply(rq, array, ds_cstr(&ds));
    } else {
        char *s = xasprintf("no service or chain \"%s\"", rq->arg);
        unixctl_command_reply_error(rq->conn, s);
        json_destroy(array);
        free(s);
    }
    ds_destroy(&ds);
    return true;
}
