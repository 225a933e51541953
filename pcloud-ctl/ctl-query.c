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
 * each new client: 20 ms with ten thousand rules.  A "select" takes 2.5 ms.
 * So a command that adds a rule does not monitor the table Rule: it asks for
 * the rules with the same match, before, and for the error of its own, after.
 *
 * Between question and commit somebody else may add the same rule; then the
 * controller reports the second one in its error column. */

#include <config.h>

#include "pcloud-ctl.h"

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "ovsdb-data.h"
#include "stream.h"
#include "util.h"

/* Connects to the first server of run->db that answers. */
static char *
open_query(struct ctl_run *run)
{
    struct svec remotes = SVEC_EMPTY_INITIALIZER;
    int error = 0;

    ctl_split(&remotes, run->db);
    for (size_t i = 0; i < remotes.n && !run->query; i++) {
        struct stream *stream;

        error = stream_open_block(jsonrpc_stream_open(remotes.names[i],
                                                      &stream, DSCP_DEFAULT),
                                  -1, &stream);
        if (!error) {
            run->query = jsonrpc_open(stream);
        }
    }
    svec_destroy(&remotes);
    return (run->query ? NULL
            : xasprintf("%s: database connection failed (%s)", run->db,
                        ovs_retval_to_string(error)));
}

/* Runs the OVSDB operation 'op', a "select", which it takes over.  Returns the
 * rows, an array that the caller destroys, or NULL after an error, which ends
 * the command. */
static struct json *
query(struct ctl_context *ctx, struct json *op)
{
    struct ctl_run *run = ctl_run_from_context(ctx);
    struct json *rows = NULL;
    struct jsonrpc_msg *reply;
    char *error = run->query ? NULL : open_query(run);

    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        json_destroy(op);
        return NULL;
    }

    struct json *params
        = json_array_create_2(json_string_create(pcrec_idl_class.database),
                              op);
    int retval = jsonrpc_transact_block(
        run->query, jsonrpc_create_request("transact", params, NULL), &reply);
    if (!retval && reply->result && reply->result->type == JSON_ARRAY
        && json_array(reply->result)->n > 0) {
        const struct json *result = json_array(reply->result)->elems[0];
        const struct json *found
            = (result->type == JSON_OBJECT
               ? shash_find_data(json_object(result), "rows") : NULL);

        rows = found && found->type == JSON_ARRAY ? json_clone(found) : NULL;
    }
    if (!rows) {
        ctl_error(ctx, "%s: looking up rules failed (%s)", run->db,
                  retval ? ovs_retval_to_string(retval) : "unexpected reply");
    }
    if (!retval) {
        jsonrpc_msg_destroy(reply);
    }
    return rows;
}

/* A "select" of 'columns', separated by spaces, of the rules whose 'column'
 * is 'value'. */
static struct json *
create_select(const char *column, struct json *value, const char *columns)
{
    struct json *op = json_object_create();
    struct json *names = json_array_create_empty();
    struct svec words = SVEC_EMPTY_INITIALIZER;

    svec_parse_words(&words, columns);
    for (size_t i = 0; i < words.n; i++) {
        json_array_add(names, json_string_create(words.names[i]));
    }
    svec_destroy(&words);

    json_object_put_string(op, "op", "select");
    json_object_put_string(op, "table", pcrec_table_rule.name);
    json_object_put(op, "where", json_array_create_1(
                        json_array_create_3(json_string_create(column),
                                            json_string_create("=="),
                                            value)));
    json_object_put(op, "columns", names);
    return op;
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

/* Fills '*rule', all but the match; 'direction' points into 'row'. */
static bool
rule_from_json(const struct json *row, struct ctl_found_rule *rule)
{
    const struct json *priority, *direction;

    if (row->type != JSON_OBJECT) {
        return false;
    }
    memset(rule, 0, sizeof *rule);
    priority = shash_find_data(json_object(row), "priority");
    direction = shash_find_data(json_object(row), "direction");
    if (!priority || priority->type != JSON_INTEGER
        || !direction || direction->type != JSON_STRING) {
        return false;
    }
    rule->priority = json_integer(priority);
    rule->direction = json_string(direction);
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

/* Appends the rules in the database whose match is 'match', a canonical text,
 * to the 'n' 'rules', allocated by malloc(), but for those that this
 * transaction has deleted.  Returns false after an error. */
bool
ctl_query_rules(struct ctl_context *ctx, const char *match,
                struct ctl_found_rule **rules, size_t *n)
{
    struct json *rows = query(ctx, create_select(
        "match", json_string_create(match),
        "_uuid priority direction service chain"));
    if (!rows) {
        return false;
    }

    size_t n_rows = json_array(rows)->n;
    *rules = xrealloc(*rules, (*n + n_rows + 1) * sizeof **rules);
    for (size_t i = 0; i < n_rows; i++) {
        struct ctl_found_rule *rule = &(*rules)[*n];

        if (rule_from_json(json_array(rows)->elems[i], rule)
            && !is_deleted(ctl_run_from_context(ctx), &rule->uuid)) {
            rule->match = xstrdup(match);
            rule->direction = xstrdup(rule->direction);
            (*n)++;
        }
    }
    json_destroy(rows);
    return true;
}

void
ctl_found_rules_destroy(struct ctl_found_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rules[i].match);
        free(CONST_CAST(char *, rules[i].direction));
    }
    free(rules);
}

/* Returns the error column of the rule with 'uuid', for the caller to free:
 * NULL if it is empty or there is no such rule. */
char *
ctl_query_rule_error(struct ctl_run *run, const struct uuid *uuid)
{
    struct pcloud_context ctx = { .run = run };
    struct json *value
        = json_array_create_2(json_string_create("uuid"),
                              json_string_create_nocopy(
                                  xasprintf(UUID_FMT, UUID_ARGS(uuid))));
    struct json *rows = query(&ctx.base, create_select(
        "_uuid", value, "error"));
    char *error = NULL;

    if (!rows) {
        return ctx.base.error;
    }
    const struct json *row = (json_array(rows)->n
                              ? json_array(rows)->elems[0] : NULL);
    if (row && row->type == JSON_OBJECT) {
        const struct json *column = shash_find_data(json_object(row),
                                                    "error");

        if (column && column->type == JSON_STRING && *json_string(column)) {
            error = xstrdup(json_string(column));
        }
    }
    json_destroy(rows);
    return error;
}

void
ctl_query_close(struct ctl_run *run)
{
    jsonrpc_close(run->query);
    run->query = NULL;
}
