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
#include "pc-json.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Strict reading of JSON.  This file is the only one that knows jansson. */

json_t *
pc_json_load(const char *text, size_t length, char **errorp)
{
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

    *errorp = (root ? NULL
               : xasprintf("line %d, column %d: %s", error.line, error.column,
                           error.text));
    return root;
}

void
pc_json_free(json_t *json)
{
    json_decref(json);
}

void
pc_json_fail(struct pc_json *p, const char *path, const char *format, ...)
{
    if (!p->error) {
        va_list args;
        char *text;

        va_start(args, format);
        text = xvasprintf(format, args);
        va_end(args);
        p->error = xasprintf("%s: %s", path, text);
        free(text);
    }
}

void
pc_json_fail_missing(struct pc_json *p, const char *path, const char *name)
{
    pc_json_fail(p, path, "\"%s\" is missing", name);
}

const char *
pc_json_string(struct pc_json *p, const char *path, const json_t *json,
               pc_json_check *check)
{
    const char *s = json_string_value(json);
    const char *why;

    if (!s) {
        pc_json_fail(p, path, "must be a string");
        return "";
    }
    why = check ? check(s) : NULL;
    if (why) {
        pc_json_fail(p, path, "\"%s\" %s", s, why);
        return "";
    }
    return s;
}

static uint32_t
get_integer(struct pc_json *p, const char *path, const json_t *json,
            uint32_t min, uint32_t max)
{
    json_int_t value = json_integer_value(json);

    if (!json_is_integer(json)) {
        pc_json_fail(p, path, "must be an integer");
    } else if (value < min || value > max) {
        pc_json_fail(p, path, "must be from %"PRIu32" to %"PRIu32, min, max);
    } else {
        return value;
    }
    return min;
}

json_t *
pc_json_take(json_t *object, const char *name)
{
    json_t *value = json_incref(json_object_get(object, name));

    json_object_del(object, name);
    return value;
}

void
pc_json_check_rest(struct pc_json *p, const char *path, json_t *object)
{
    void *iter = json_object_iter(object);

    if (iter) {
        pc_json_fail(p, path, "unknown member \"%s\"",
                     json_object_iter_key(iter));
    }
}

bool
pc_json_check_object(struct pc_json *p, const char *path, const json_t *json)
{
    if (!json_is_object(json)) {
        pc_json_fail(p, path, "must be an object");
        return false;
    }
    return true;
}

bool
pc_json_has(const json_t *object, const char *name)
{
    return json_object_get(object, name) != NULL;
}

size_t
pc_json_n_members(const json_t *object)
{
    return json_object_size(object);
}

bool
pc_json_next(json_t *object, const char **keyp, json_t **valuep)
{
    void *iter = (*keyp
                  ? json_object_iter_next(object,
                                          json_object_key_to_iter(*keyp))
                  : json_object_iter(object));

    *keyp = json_object_iter_key(iter);
    *valuep = json_object_iter_value(iter);
    return iter != NULL;
}

char *
pc_json_take_string(struct pc_json *p, json_t *object, const char *name,
                    pc_json_check *check)
{
    json_t *json = pc_json_take(object, name);
    char *s = NULL;

    if (json) {
        char *path = xasprintf("$.%s", name);

        s = xstrdup(pc_json_string(p, path, json, check));
        free(path);
        json_decref(json);
    }
    return s;
}

uint32_t
pc_json_take_int(struct pc_json *p, const char *parent, json_t *object,
                 const char *name, const uint32_t range[2], uint32_t def)
{
    json_t *json = pc_json_take(object, name);
    char *path;

    if (!json) {
        return def;
    }
    path = xasprintf("%s.%s", parent, name);
    def = get_integer(p, path, json, range[0], range[1]);
    free(path);
    json_decref(json);
    return def;
}

size_t
pc_json_array(struct pc_json *p, const char *path, const json_t *json,
              const char *of, size_t max)
{
    size_t n = json_array_size(json);

    if (!json_is_array(json)) {
        pc_json_fail(p, path, "must be an array of %s", of);
    } else if (n > max) {
        pc_json_fail(p, path, "must have at most %"PRIuSIZE" elements", max);
    }
    return n;
}

json_t *
pc_json_element(const json_t *json, size_t i)
{
    return json_array_get(json, i);
}

char **
pc_json_list(struct pc_json *p, const char *path, const json_t *json,
             pc_json_check *first, pc_json_check *rest)
{
    size_t n = pc_json_array(p, path, json, "strings", PC_JSON_MAX_LIST);
    char **list = xcalloc(n + 1, sizeof *list);

    for (size_t i = 0; i < n; i++) {
        char *element = xasprintf("%s[%"PRIuSIZE"]", path, i);

        list[i] = xstrdup(pc_json_string(p, element, json_array_get(json, i),
                                         i ? rest : first));
        free(element);
    }
    return list;
}

char **
pc_json_set(struct pc_json *p, const char *path, const json_t *json,
            pc_json_check *check)
{
    char **list = pc_json_list(p, path, json, check, check);

    /* Not for a list that is refused as too long: it takes its square. */
    for (size_t i = 0; list[i] && !p->error; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(list[i], list[j])) {
                pc_json_fail(p, path, "\"%s\" is repeated", list[i]);
            }
        }
    }
    return list;
}

char **
pc_json_map(struct pc_json *p, const char *path, json_t *json,
            pc_json_check *check_key, pc_json_check *check_value)
{
    size_t n = json_object_size(json);
    char **list = xcalloc(n + 1, sizeof *list);
    const char *key;
    json_t *value;
    size_t i = 0;

    pc_json_check_object(p, path, json);
    json_object_foreach (json, key, value) {
        char *member = xasprintf("%s[\"%s\"]", path, key);
        const char *why = check_key(key);

        if (why) {
            pc_json_fail(p, member, "name %s", why);
        }
        list[i++] = xasprintf("%s=%s", key,
                              pc_json_string(p, member, value, check_value));
        free(member);
    }
    return list;
}

char *
pc_json_scalar(struct pc_json *p, const char *path, const json_t *json)
{
    if (json_is_integer(json)) {
        return xasprintf("%"JSON_INTEGER_FORMAT, json_integer_value(json));
    }
    if (!json_is_string(json)) {
        pc_json_fail(p, path, "must be a string or an integer");
        return xstrdup("");
    }
    return xstrdup(json_string_value(json));
}

bool
pc_json_bool(struct pc_json *p, const char *path, const json_t *json)
{
    if (!json_is_boolean(json)) {
        pc_json_fail(p, path, "must be true or false");
    }
    return json_is_true(json);
}
