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

/* Looking up rules by OVSDB "select", beside the IDL.
 *
 * The IDL keeps a copy of whole tables, or of what a condition lets through;
 * but for that the server first makes a copy of each row of the table, for
 * each new client: 20 ms with ten thousand rules.  A "select" by UUID takes
 * the same time, well below a millisecond, whatever the number of rules.  So a
 * command that adds a rule does not monitor the table Rule: it asks for the
 * rules that it would conflict with, before, and for the error of its own,
 * after. */

#include <config.h>

#include "ctl-server.h"

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "ovsdb-data.h"
#include "stream.h"
#include "util.h"

/* Connects to the one server of run->db or, of several, to one such as the IDL
 * uses. */
static char *
open_query(struct ctl_run *run)
{
    unsigned int states = ((1u << CTL_SERVER_LEADER)
                           | (run->leader_only ? 0
                              : ((1u << CTL_SERVER_FOLLOWER)
                                 | (1u << CTL_SERVER_RELAY))));
    char *report = NULL;
    struct stream *stream;
    int error;

    if (ctl_server_is_list(run)) {
        run->query = ctl_server_open(run, states, &report);
    } else {
        error = stream_open_block(jsonrpc_stream_open(run->db, &stream,
                                                      DSCP_DEFAULT),
                                  -1, &stream);
        if (error) {
            report = xasprintf("%s: database connection failed (%s)", run->db,
                               ovs_retval_to_string(error));
        } else {
            run->query = jsonrpc_open(stream);
        }
    }
    return report;
}

/* Connects to the leader, which alone knows of locks that bind all. */
static bool
open_leader(struct ctl_run *run)
{
    if (!run->leader && !run->leader_unknown) {
        run->leader = ctl_server_open(run, 1u << CTL_SERVER_LEADER, NULL);
        run->leader_unknown = !run->leader;
    }
    return run->leader != NULL;
}

/* The rows in an operation's result, or null. */
static const struct json *
result_rows(const struct json *results, size_t i)
{
    const struct json *result
        = (results && results->type == JSON_ARRAY
           && i < json_array(results)->n ? json_array(results)->elems[i]
           : NULL);
    const struct json *rows
        = (result && result->type == JSON_OBJECT
           ? shash_find_data(json_object(result), "rows") : NULL);

    return rows && rows->type == JSON_ARRAY ? rows : NULL;
}

/* Asks for OVSDB lock 'name' (RFC 7047 §4.1.8), and gives it back at once.
 * Returns 1 if nobody had it, 0 if somebody has, -1 if that is not known, for
 * example because no leader of the cluster answers. */
int
ctl_query_lock(struct ctl_run *run, const char *name)
{
    struct jsonrpc_msg *reply;
    int granted = -1;

    if (!open_leader(run)
        || jsonrpc_transact_block(
            run->leader, jsonrpc_create_request(
                "lock", json_array_create_1(json_string_create(name)), NULL),
            &reply)) {
        return -1;
    }
    if (reply->type == JSONRPC_REPLY && reply->result
        && reply->result->type == JSON_OBJECT) {
        const struct json *locked
            = shash_find_data(json_object(reply->result), "locked");

        granted = locked ? locked->type == JSON_TRUE : -1;
    }
    jsonrpc_msg_destroy(reply);

    /* Also if it was not granted: no need to wait for it. */
    if (!jsonrpc_transact_block(
            run->leader, jsonrpc_create_request(
                "unlock", json_array_create_1(json_string_create(name)), NULL),
            &reply)) {
        jsonrpc_msg_destroy(reply);
    }
    return granted;
}

/* Runs the OVSDB operations 'params', "select"s, which it takes over.  Returns
 * the results, an array that the caller destroys, or NULL after an error,
 * which ends the command. */
static struct json *
query(struct ctl_context *ctx, struct json *params)
{
    struct ctl_run *run = ctl_run_from_context(ctx);
    size_t n = json_array(params)->n - 1;
    struct json *results = NULL;
    struct jsonrpc_msg *reply;
    char *error = run->query ? NULL : open_query(run);

    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        json_destroy(params);
        return NULL;
    }

    int retval = jsonrpc_transact_block(
        run->query, jsonrpc_create_request("transact", params, NULL), &reply);
    if (!retval) {
        if (n && result_rows(reply->result, n - 1)) {
            results = json_clone(reply->result);
        }
        jsonrpc_msg_destroy(reply);
    }
    if (!results) {
        ctl_error(ctx, "%s: looking up rules failed (%s)", run->db,
                  retval ? ovs_retval_to_string(retval) : "unexpected reply");
    }
    return results;
}

/* A "select" of 'columns', separated by spaces, of the rule with 'uuid'. */
static struct json *
create_select(const struct uuid *uuid, const char *columns)
{
    struct json *op = json_object_create();
    struct json *names = json_array_create_empty();
    struct svec words = SVEC_EMPTY_INITIALIZER;
    struct json *value
        = json_array_create_2(json_string_create("uuid"),
                              json_string_create_nocopy(
                                  xasprintf(UUID_FMT, UUID_ARGS(uuid))));

    svec_parse_words(&words, columns);
    for (size_t i = 0; i < words.n; i++) {
        json_array_add(names, json_string_create(words.names[i]));
    }
    svec_destroy(&words);

    json_object_put_string(op, "op", "select");
    json_object_put_string(op, "table", pcrec_table_rule.name);
    json_object_put(op, "where", json_array_create_1(
                        json_array_create_3(json_string_create("_uuid"),
                                            json_string_create("=="),
                                            value)));
    json_object_put(op, "columns", names);
    return op;
}

static struct json *
create_params(void)
{
    return json_array_create_1(
        json_string_create(pcrec_idl_class.database));
}

/* The reference in column 'name' of 'row', if there is one. */
static bool
get_reference(const struct json *row, const char *name, struct uuid *uuid)
{
    const struct json *value = shash_find_data(json_object(row), name);

    /* An empty optional column is ["set", []]. */
    memset(uuid, 0, sizeof *uuid);
    return (value && value->type == JSON_ARRAY && json_array(value)->n == 2
            && json_array(value)->elems[1]->type == JSON_STRING
            && uuid_from_string(uuid,
                                json_string(json_array(value)->elems[1])));
}

/* The string in column 'name' of 'row', or null. */
static const char *
get_string(const struct json *row, const char *name)
{
    const struct json *value = shash_find_data(json_object(row), name);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

/* The value of 'key' in the map in column 'name' of 'row', or null. */
static const char *
get_key(const struct json *row, const char *name, const char *key)
{
    const struct json *map = shash_find_data(json_object(row), name);
    const struct json *pairs
        = (map && map->type == JSON_ARRAY && json_array(map)->n == 2
           && json_array(map)->elems[1]->type == JSON_ARRAY
           ? json_array(map)->elems[1] : NULL);

    for (size_t i = 0; pairs && i < json_array(pairs)->n; i++) {
        const struct json *pair = json_array(pairs)->elems[i];

        if (pair->type == JSON_ARRAY && json_array(pair)->n == 2
            && json_array(pair)->elems[0]->type == JSON_STRING
            && json_array(pair)->elems[1]->type == JSON_STRING
            && !strcmp(json_string(json_array(pair)->elems[0]), key)) {
            return json_string(json_array(pair)->elems[1]);
        }
    }
    return NULL;
}

/* Fills '*rule', to be freed by ctl_found_rules_uninit(). */
static bool
rule_from_json(const struct json *row, struct ctl_found_rule *rule)
{
    if (row->type != JSON_OBJECT) {
        return false;
    }

    const struct json *priority = shash_find_data(json_object(row),
                                                  "priority");
    const char *match = get_string(row, "match");
    const char *direction = get_string(row, "direction");
    if (!priority || priority->type != JSON_INTEGER || !match || !direction) {
        return false;
    }
    memset(rule, 0, sizeof *rule);
    rule->match = xstrdup(match);
    rule->direction = xstrdup(direction);
    rule->after = nullable_xstrdup(get_key(row, "options", "after"));
    rule->priority = json_integer(priority);
    get_reference(row, "_uuid", &rule->uuid);
    get_reference(row, "service", &rule->service);
    get_reference(row, "chain", &rule->chain);
    return true;
}

/* Deletes 'rule' from the database.  All deletions of rules go this way, so
 * that ctl_query_rules() knows of them. */
void
ctl_delete_rule(struct ctl_context *ctx, const struct pcrec_rule *rule)
{
    struct ctl_run *run = ctl_run_from_context(ctx);

    if (run->n_deleted >= run->allocated_deleted) {
        run->deleted = x2nrealloc(run->deleted, &run->allocated_deleted,
                                  sizeof *run->deleted);
    }
    run->deleted[run->n_deleted++] = rule->header_.uuid;
    pcrec_rule_delete(rule);
}

static bool
is_deleted(const struct ctl_run *run, const struct uuid *rule)
{
    for (size_t i = 0; i < run->n_deleted; i++) {
        if (uuid_equals(&run->deleted[i], rule)) {
            return true;
        }
    }
    return false;
}

/* Stores in 'rules' those of the '*n' rules with 'uuids' that are in the
 * database, and their number in '*n'; the caller frees them with
 * ctl_found_rules_uninit().  Returns false after an error. */
bool
ctl_query_rules(struct ctl_context *ctx, const struct uuid *uuids, size_t *n,
                struct ctl_found_rule rules[CTL_MAX_QUERY])
{
    struct json *params = create_params();
    size_t n_uuids = *n;

    *n = 0;
    for (size_t i = 0; i < n_uuids; i++) {
        json_array_add(params, create_select(
            &uuids[i], "_uuid match priority direction options service chain"));
    }

    struct json *results = query(ctx, params);
    if (!results) {
        return false;
    }
    for (size_t i = 0; i < n_uuids; i++) {
        const struct json *rows = result_rows(results, i);

        if (rows && json_array(rows)->n
            && rule_from_json(json_array(rows)->elems[0], &rules[*n])) {
            rules[*n].deleted = is_deleted(ctl_run_from_context(ctx),
                                           &rules[*n].uuid);
            ++*n;
        }
    }
    json_destroy(results);
    return true;
}

void
ctl_found_rules_uninit(struct ctl_found_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rules[i].match);
        free(rules[i].direction);
        free(rules[i].after);
    }
}

/* Returns the error column of the rule with 'uuid', for the caller to free:
 * NULL if it is empty or there is no such rule. */
char *
ctl_query_rule_error(struct ctl_run *run, const struct uuid *uuid)
{
    struct pcloud_context ctx = { .run = run };
    struct json *params = create_params();
    char *error = NULL;

    json_array_add(params, create_select(uuid, "error"));
    struct json *results = query(&ctx.base, params);
    if (!results) {
        return ctx.base.error;
    }

    const struct json *rows = result_rows(results, 0);
    const struct json *row = (json_array(rows)->n
                              ? json_array(rows)->elems[0] : NULL);
    if (row && row->type == JSON_OBJECT) {
        error = nullable_xstrdup(get_string(row, "error"));
        if (error && !*error) {
            free(error);
            error = NULL;
        }
    }
    json_destroy(results);
    return error;
}

void
ctl_query_close(struct ctl_run *run)
{
    jsonrpc_close(run->query);
    jsonrpc_close(run->leader);
    run->query = run->leader = NULL;
}
