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

#include "openvswitch/json.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-table.h"
#include "openvswitch/shash.h"
#include "pc-explain-private.h"
#include "pc-l3.h"
#include "pc-layout.h"
#include "sset.h"
#include "util.h"

/* What PacketCloud has dropped, counted by name: by flows, by groups without a VI
 * alive, by meters, by tables that no flow matched in, and by the agent. */

/* Who drops. */
enum by {
    BY_FLOW,
    BY_GROUP,
    BY_METER,
    BY_TABLE,
    BY_AGENT
};

static const char *
by_name(enum by by)
{
    static const char *const names[] = {
        [BY_FLOW] = "flow", [BY_GROUP] = "group", [BY_METER] = "meter",
        [BY_TABLE] = "table", [BY_AGENT] = "agent",
    };
    return names[by];
}

/* What one group, meter or table has dropped, or the agent. */
struct pc_explain_count {
    enum by by;
    uint32_t id;                /* Of group, meter or table. */
    const char *name;           /* BY_AGENT. */
    uint64_t packets, bytes;    /* UINT64_MAX: not known. */
};

/* Reading. */

static void
add_count(struct pc_explain_read *read, const struct pc_explain_count *count)
{
    if (!count->packets || count->packets == UINT64_MAX) {
        return;
    }
    if (read->n_counts >= read->allocated_counts) {
        read->counts = x2nrealloc(read->counts, &read->allocated_counts,
                                  sizeof *read->counts);
    }
    read->counts[read->n_counts++] = *count;
}

/* The second bucket of a failover group is for what no VI can take. */
void
pc_explain_read_group_stats(const struct ofputil_group_stats *gs, void *read)
{
    if (pc_group_is_failover(gs->group_id) && gs->n_buckets == 2) {
        const struct bucket_counter *b = &gs->bucket_stats[1];

        add_count(read, &(struct pc_explain_count) {
            .by = BY_GROUP, .id = gs->group_id,
            .packets = b->packet_count, .bytes = b->byte_count });
    }
}

void
pc_explain_read_meter_stats(const struct ofputil_meter_stats *ms, void *read)
{
    for (size_t i = 0; i < ms->n_bands; i++) {
        add_count(read, &(struct pc_explain_count) {
            .by = BY_METER, .id = ms->meter_id,
            .packets = ms->bands[i].packet_count,
            .bytes = ms->bands[i].byte_count });
    }
}

void
pc_explain_read_table_stats(const struct ofputil_table_stats *ts, void *read_)
{
    struct pc_explain_read *read = read_;

    if (ts->table_id >= read->base
        && ts->table_id < read->base + PC_N_TABLES
        && ts->lookup_count != UINT64_MAX
        && ts->lookup_count > ts->matched_count) {
        add_count(read, &(struct pc_explain_count) {
            .by = BY_TABLE, .id = ts->table_id,
            .packets = ts->lookup_count - ts->matched_count,
            .bytes = UINT64_MAX });
    }
}

void
pc_explain_read_refused(const char *what, void *read_)
{
    struct pc_explain_read *read = read_;

    sset_add(&read->refused, what);
}

/* What the agent has dropped that the flows of 'r' sent to it. */
void
pc_explain_read_agent(struct pc_explain_read *read,
                      const struct pc_ctl_router *r)
{
    add_count(read, &(struct pc_explain_count) {
        .by = BY_AGENT, .name = "the agent has too many packets to handle",
        .packets = pc_switch_counters(r->sw)->n_packet_ins_dropped,
        .bytes = UINT64_MAX });
    if (r->l3) {
        const struct pc_l3_counters *l3 = pc_l3_counters(r->l3);

        add_count(read, &(struct pc_explain_count) {
            .by = BY_AGENT, .name = "the next hop does not answer",
            .packets = l3->n_failed, .bytes = UINT64_MAX });
        add_count(read, &(struct pc_explain_count) {
            .by = BY_AGENT, .name = "too many packets wait for a next hop",
            .packets = l3->n_queue_drops, .bytes = UINT64_MAX });
    }
}

/* Summing up by name. */

struct drop {
    enum by by;
    char *name;
    uint64_t packets, bytes;    /* 'bytes' UINT64_MAX: not known. */
};

/* Adds to 'drops' what has been dropped under 'name', which it takes. */
static void
add_drop(struct shash *drops, enum by by, char *name, uint64_t packets,
         uint64_t bytes)
{
    char *key = xasprintf("%d %s", by, name);
    struct drop *drop = shash_find_data(drops, key);

    if (!drop) {
        drop = xzalloc(sizeof *drop);
        drop->by = by;
        drop->name = xstrdup(name);
        shash_add(drops, key, drop);
    }
    drop->packets += packets;
    drop->bytes = (bytes == UINT64_MAX || drop->bytes == UINT64_MAX
                   ? UINT64_MAX : drop->bytes + bytes);
    free(key);
    free(name);
}

static void
add_flow(struct shash *drops, const struct pc_explain_owners *owners,
         uint8_t base, const struct pc_explain_flow *f)
{
    if (f->end && f->n_packets && f->n_packets != UINT64_MAX) {
        add_drop(drops, BY_FLOW,
                 pc_explain_drop_name(owners, f->end, f->table_id - base,
                                      f->priority, f->cookie),
                 f->n_packets, f->n_bytes);
    }
}

/* The name of what 'count' has counted, NULL if these were not dropped. */
static char *
count_name(const struct pc_controller *c,
           const struct pc_explain_owners *owners, uint8_t base,
           const struct pc_explain_count *count)
{
    switch (count->by) {
    case BY_GROUP: {
        const struct pc_ctl_service *svc = pc_explain_service_by_number(
            c, pc_group_service(count->id));

        return (svc && svc->s.on_failure == PC_FAIL_CLOSE
                ? pc_explain_closed_name(svc->s.name) : NULL);
    }
    case BY_METER:
        return pc_explain_meter_name(c, count->id);
    case BY_TABLE:
        return pc_explain_miss_name(owners, base, count->id);
    case BY_AGENT:
        return xstrdup(count->name);
    case BY_FLOW:
    default:
        return NULL;
    }
}

/* Is 'count' about 'svc'?  Who was to get what no flow in DELIVER matched is not
 * counted: it may be. */
static bool
is_count_of(const struct pc_controller *c, uint8_t base,
            const struct pc_explain_count *count,
            const struct pc_ctl_service *svc)
{
    switch (count->by) {
    case BY_GROUP:
        return pc_group_service(count->id) == svc->s.number;
    case BY_METER: {
        uint16_t number = pc_meter_vi(count->id);
        const struct pc_ctl_vi *vi
            = number ? pc_explain_vi_by_number(c, number) : NULL;

        return vi && vi->svc == svc;
    }
    case BY_TABLE:
        return count->id == (uint32_t) base + PC_TABLE_DELIVER;
    case BY_AGENT:
    case BY_FLOW:
    default:
        return false;
    }
}

/* 'shared': of 'drop' others may have a part. */
static struct json *
put_drop(const struct drop *drop, bool shared, struct ds *ds)
{
    struct json *json = json_object_create();

    ds_put_format(ds, "  %s: packets=%"PRIu64, drop->name, drop->packets);
    json_object_put_string(json, "name", drop->name);
    json_object_put_string(json, "by", by_name(drop->by));
    json_object_put(json, "packets", json_integer_create(drop->packets));
    if (drop->bytes != UINT64_MAX) {
        ds_put_format(ds, " bytes=%"PRIu64, drop->bytes);
        json_object_put(json, "bytes", json_integer_create(drop->bytes));
    }
    if (shared) {
        ds_put_cstr(ds, " (of all services)");
        json_object_put(json, "shared", json_boolean_create(true));
    }
    ds_put_char(ds, '\n');
    return json;
}

/* Sums up what 'read' has found in 'drops', by name; if 'svc' is nonnull what is
 * about it and its VIs. */
static void
sum_up(const struct pc_controller *c, const struct pc_explain_owners *owners,
       const struct pc_explain_read *read, const struct pc_ctl_service *svc,
       struct shash *drops)
{
    for (size_t i = 0; i < read->n_flows; i++) {
        const struct pc_explain_flow *f = &read->flows[i];
        const struct pc_explain_owner *owner
            = svc && f->end ? pc_explain_owner_find(owners, f->cookie) : NULL;

        if (!svc || (owner && owner->service == svc)) {
            add_flow(drops, owners, read->base, f);
        }
    }
    for (size_t i = 0; i < read->n_counts; i++) {
        const struct pc_explain_count *count = &read->counts[i];
        char *name = (!svc || is_count_of(c, read->base, count, svc)
                      ? count_name(c, owners, read->base, count) : NULL);

        if (name) {
            add_drop(drops, count->by, name, count->packets, count->bytes);
        }
    }
}

/* Appends to 'ds', a line each, what 'read' says has been dropped, and what cannot
 * be said; if 'svc' is nonnull of that service and its VIs only.  Returns the former
 * as JSON. */
struct json *
pc_explain_drops(const struct pc_controller *c,
                 const struct pc_explain_owners *owners,
                 const struct pc_explain_read *read,
                 const struct pc_ctl_service *svc, struct ds *ds)
{
    struct json *json = json_array_create_empty();
    struct shash drops = SHASH_INITIALIZER(&drops);
    const struct shash_node **nodes;

    sum_up(c, owners, read, svc, &drops);
    nodes = shash_sort(&drops);
    for (size_t i = 0; i < shash_count(&drops); i++) {
        struct drop *drop = nodes[i]->data;

        json_array_add(json, put_drop(drop, svc && drop->by == BY_TABLE, ds));
        free(drop->name);
    }
    free(nodes);
    shash_destroy_free_data(&drops);
    const char **names = sset_sort(&read->refused);
    for (size_t i = 0; i < sset_count(&read->refused); i++) {
        ds_put_format(ds, "  not known: the switch does not tell the counters "
                      "of %s\n", names[i]);
    }
    free(names);
    return json;
}
