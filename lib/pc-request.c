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
#include "pc-request.h"

#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "pc-fs.h"
#include "pc-json.h"
#include "pc-name.h"
#include "pc-request-private.h"
#include "util.h"

/* Requests in JSON. */

/* A file with PC_MAX_SLOTS slots is a quarter of this. */
enum { MAX_FILE = 1024 * 1024 };

static const char *
check_name(const char *s)
{
    char *error = pc_name_check("", s);
    bool bad = error != NULL;

    free(error);
    return bad ? "must be 1 to 63 letters, digits, \"_\", \".\" and \"-\", "
                 "and begin with a letter or digit" : NULL;
}

static const char *
check_address(const char *s)
{
    struct in6_addr ip6;
    ovs_be32 ip;

    return (ip_parse(s, &ip) || ipv6_parse(s, &ip6) ? NULL
            : "must be an IPv4 or IPv6 address");
}

/* Fails with 'error', unless it is NULL, at 'parent'.'name', and frees it. */
static void
fail_at(struct pc_json *p, const char *parent, const char *name, char *error)
{
    if (error) {
        char *path = xasprintf("%s.%s", parent, name);

        pc_json_fail(p, path, "%s", error);
        free(path);
        free(error);
    }
}

/* Takes the text of a member that must be there. */
static char *
take_text(struct pc_json *p, const char *parent, struct json_t *object,
          const char *name)
{
    struct json_t *json = pc_json_take(object, name);
    char *text;

    if (json) {
        char *path = xasprintf("%s.%s", parent, name);

        text = xstrdup(pc_json_string(p, path, json, NULL));
        free(path);
        pc_json_free(json);
    } else {
        pc_json_fail_missing(p, parent, name);
        text = xstrdup("");
    }
    return text;
}

static void
get_amount(struct pc_json *p, const char *path, struct json_t *object,
           struct pc_amount *amount)
{
    if (!pc_json_check_object(p, path, object)) {
        return;
    }
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        const char *name = pc_capacity_names[d];
        struct json_t *json = pc_json_take(object, name);

        if (json) {
            char *member = xasprintf("%s.%s", path, name);
            char *text = pc_json_scalar(p, member, json);

            fail_at(p, path, name, pc_request_parse_amount(d, text, amount));
            free(text);
            free(member);
            pc_json_free(json);
        }
    }
    pc_json_check_rest(p, path, object);
    if (pc_amount_is_zero(amount)) {
        pc_json_fail(p, path, "asks for nothing");
    }
}

static void
get_slot(struct pc_json *p, const char *path, struct json_t *object,
         int64_t now, struct pc_slot *slot)
{
    if (!pc_json_check_object(p, path, object)) {
        return;
    }

    char *begin = take_text(p, path, object, "begin");
    char *end = take_text(p, path, object, "end");
    char *error = pc_request_parse_begin(begin, now, NULL, slot);
    if (error) {
        fail_at(p, path, "begin", error);
    } else {
        fail_at(p, path, "end", pc_request_parse_end(end, now, slot));
    }
    free(begin);
    free(end);

    struct json_t *capacity = pc_json_take(object, "capacity");
    if (capacity) {
        char *member = xasprintf("%s.capacity", path);

        get_amount(p, member, capacity, &slot->amount);
        free(member);
        pc_json_free(capacity);
    } else {
        pc_json_fail_missing(p, path, "capacity");
    }
    pc_json_check_rest(p, path, object);
}

static void
get_slots(struct pc_json *p, struct json_t *root, int64_t now,
          struct pc_request *r)
{
    struct json_t *json = pc_json_take(root, "slots");

    if (!json) {
        pc_json_fail_missing(p, "$", "slots");
        return;
    }
    r->n_slots = pc_json_array(p, "$.slots", json, "slots", PC_MAX_SLOTS);
    r->slots = xcalloc(r->n_slots, sizeof *r->slots);
    for (size_t i = 0; i < r->n_slots && !p->error; i++) {
        char *path = xasprintf("$.slots[%"PRIuSIZE"]", i);

        get_slot(p, path, pc_json_element(json, i), now, &r->slots[i]);
        free(path);
    }
    if (!p->error) {
        fail_at(p, "$", "slots", pc_slots_check(r->slots, r->n_slots));
    }
    pc_json_free(json);
}

/* Null if 'root' has no such member. */
static char *
get_name(struct pc_json *p, struct json_t *root, const char *name)
{
    return pc_json_take_string(p, root, name, check_name);
}

static void
get_request(struct pc_json *p, struct json_t *root, int64_t now,
            struct pc_request *r)
{
    if (!pc_json_check_object(p, "$", root)) {
        return;
    }
    free(pc_json_take_string(p, root, "$schema", NULL));
    r->name = get_name(p, root, "name");
    r->provider = get_name(p, root, "provider");
    if (!r->provider) {
        pc_json_fail_missing(p, "$", "provider");
    }
    r->service = get_name(p, root, "service");
    r->cloudlet = get_name(p, root, "cloudlet");
    r->from = pc_json_take_string(p, root, "from", check_address);
    get_slots(p, root, now, r);
    pc_json_check_rest(p, "$", root);
}

static char * OVS_WARN_UNUSED_RESULT
parse_json(const char *text, size_t length, int64_t now, struct pc_request *r)
{
    struct pc_json p = { .error = NULL };
    struct json_t *root = pc_json_load(text, length, &p.error);

    memset(r, 0, sizeof *r);
    if (root) {
        get_request(&p, root, now, r);
        pc_json_free(root);
    }
    if (p.error) {
        /* It may quote the text. */
        pc_name_make_printable(p.error);
        pc_request_destroy(r);
    }
    return p.error;
}

char *
pc_request_from_json(const char *text, int64_t now, struct pc_request *r)
{
    return parse_json(text, strlen(text), now, r);
}

char *
pc_request_read(const char *file, int64_t now, struct pc_request *r)
{
    char *target = follow_symlinks(file);
    char *text = NULL;
    size_t length;
    int error = pc_fs_read_file(target, MAX_FILE, &text, &length);
    char *why, *line = NULL;

    if (error) {
        memset(r, 0, sizeof *r);
        why = xstrdup(ovs_strerror(error));
    } else {
        why = parse_json(text, length, now, r);
    }
    if (why) {
        line = xasprintf("%s: %s", file, why);
        free(why);
    }
    free(text);
    free(target);
    return line;
}

void
pc_request_destroy(struct pc_request *r)
{
    if (r) {
        free(r->name);
        free(r->provider);
        free(r->service);
        free(r->cloudlet);
        free(r->from);
        free(r->slots);
        memset(r, 0, sizeof *r);
    }
}
