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
#include "unixctl.h"
#include "util.h"

/* controller/stats: what rules took and VIs got, summed over the routers. */

struct pc_explain_sum {
    struct hmap_node hmap_node; /* In 'sums', by owner and kind. */
    uint64_t bits;              /* Owner, as in the cookie. */
    enum pc_flow_kind kind;
    uint64_t packets[2], bytes[2];      /* By enum pc_direction. */
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

    if (kind != PC_FLOW_HOOK_RULE && kind != PC_FLOW_DELIVER) {
        return;
    }
    struct pc_explain_sum *sum = pc_explain_sum_find(sums, bits, kind);
    if (!sum) {
        sum = xzalloc(sizeof *sum);
        sum->bits = bits;
        sum->kind = kind;
        hmap_insert(sums, &sum->hmap_node, pc_explain_sum_hash(bits, kind));
    }
    uint64_t metadata = (kind == PC_FLOW_HOOK_RULE ? flow->action_meta
                         : flow->match_meta);
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

static void
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

static struct json *
pc_explain_sum_json(const struct pc_explain_sum *sum)
{
    struct json *json = json_object_create();

    for (int i = 0; i < 2; i++) {
        struct json *object = json_object_create();
        json_object_put(object, "packets",
                        json_integer_create(sum->packets[i]));
        json_object_put(object, "bytes", json_integer_create(sum->bytes[i]));
        json_object_put(json, pc_direction_name(i), object);
    }
    return json;
}

static void
pc_explain_sum_text(const struct pc_explain_sum *sum, struct ds *ds)
{
    for (int i = 0; i < 2; i++) {
        ds_put_format(ds, "      %s: packets=%"PRIu64" bytes=%"PRIu64"\n",
                      pc_direction_name(i), sum->packets[i], sum->bytes[i]);
    }
}

static struct json *
pc_explain_stats_rules(const struct pc_explain *e,
                       const struct hmap *sums,
                       const struct pc_ctl_service *svc, struct ds *ds)
{
    struct json *rules = json_array_create_empty();
    const struct pc_ctl_rule *rule;

    LIST_FOR_EACH (rule, owner_node, &svc->rules) {
        const struct pcrec_rule *row
            = pcrec_rule_get_for_uuid(e->c->idl, &rule->uuid);
        struct pc_explain_sum sum
            = pc_explain_sum(sums, &rule->uuid, PC_FLOW_HOOK_RULE);
        struct json *json = pc_explain_sum_json(&sum);
        char *uuid = xasprintf(UUID_FMT, UUID_ARGS(&rule->uuid));

        ds_put_format(ds, "  rule %.8s (%s)\n", uuid, row ? row->match : "");
        pc_explain_sum_text(&sum, ds);
        json_object_put_string(json, "rule", uuid);
        json_object_put_string(json, "match", row ? row->match : "");
        json_array_add(rules, json);
        free(uuid);
    }
    return rules;
}

static struct json *
pc_explain_stats_vis(const struct hmap *sums,
                     const struct pc_ctl_service *svc, struct ds *ds)
{
    struct json *vis = json_array_create_empty();
    const struct pc_ctl_vi *vi;

    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        struct pc_explain_sum sum
            = pc_explain_sum(sums, &vi->vi.uuid, PC_FLOW_DELIVER);
        struct json *json = pc_explain_sum_json(&sum);

        ds_put_format(ds, "  VI %s%s\n", vi->vi.name,
                      vi->vi.ready ? "" : " (not ready)");
        pc_explain_sum_text(&sum, ds);
        json_object_put_string(json, "vi", vi->vi.name);
        json_array_add(vis, json);
    }
    return vis;
}

/* Answers controller/stats once all routers have been read. */
bool
pc_explain_stats_run(struct pc_explain *e, struct pc_explain_request *rq)
{
    const struct pc_explain_read *read;
    const struct pc_ctl_service *svc;
    bool found = !rq->arg;

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
    struct json *services = json_array_create_empty();
    struct hmap sums;

    pc_explain_sums(rq, &sums);
    HMAP_FOR_EACH (svc, hmap_node, &e->c->services) {
        if (rq->arg && strcmp(rq->arg, svc->s.name)) {
            continue;
        }
        struct json *json = json_object_create();
        found = true;
        ds_put_format(&ds, "service %s\n", svc->s.name);
        json_object_put_string(json, "service", svc->s.name);
        json_object_put(json, "rules",
                        pc_explain_stats_rules(e, &sums, svc, &ds));
        json_object_put(json, "vis", pc_explain_stats_vis(&sums, svc, &ds));
        json_array_add(services, json);
    }
    pc_explain_sums_destroy(&sums);
    if (found) {
        pc_explain_reply(rq, services, ds_cstr(&ds));
    } else {
        char *s = xasprintf("no service \"%s\"", rq->arg);
        unixctl_command_reply_error(rq->conn, s);
        json_destroy(services);
        free(s);
    }
    ds_destroy(&ds);
    return true;
}
