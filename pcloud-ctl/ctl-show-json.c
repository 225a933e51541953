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

/* The output of show as JSON. */

#include <config.h>

#include <ctype.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "util.h"

#define MAX_LEVELS 4

/* Returns the array 'key' of 'object', which is made if it is not there. */
static struct json *
array_of(struct json *object, const char *key)
{
    struct json *array = shash_find_data(json_object(object), key);

    if (!array) {
        array = json_array_create_empty();
        json_object_put(object, key, array);
    }
    return array;
}

/* Adds an object for the line "Kind name" to the array "kinds" of 'parent'.
 * A route's name is "prefix via nexthop". */
static struct json *
add_object(struct json *parent, const char *kind, size_t kind_len,
           const char *name)
{
    struct json *object = json_object_create();
    char *key = xmemdup0(kind, kind_len);
    const char *via = strstr(name, " via ");

    for (char *c = key; *c; c++) {
        *c = tolower((unsigned char) *c);
    }
    if (via && !strcmp(key, "route")) {
        json_object_put(object, key, json_string_create_nocopy(
                                         xmemdup0(name, via - name)));
        json_object_put_string(object, "nexthop", via + 5);
    } else {
        json_object_put_string(object, key, name);
    }
    char *keys = xasprintf("%ss", key);
    json_array_add(array_of(parent, keys), object);
    free(keys);
    free(key);
    return object;
}

/* Adds the line 's', without its indentation, to 'parent'.  Returns what the
 * lines below it belong to. */
static struct json *
add_line(struct json *parent, const char *s)
{
    if (isupper((unsigned char) *s)) {
        size_t kind_len = strcspn(s, " ");

        return add_object(parent, s, kind_len,
                          s + kind_len + (s[kind_len] == ' '));
    }
    const char *colon = strstr(s, ": ");

    if (colon) {
        char *key = xmemdup0(s, colon - s);

        json_object_put_string(parent, key, colon + 2);
        free(key);
    }
    return parent;
}

/* Replaces 'output', lines indented by 4 spaces a level that are either "Kind
 * name" or "key: value", by JSON: an object whose members are "kinds", arrays
 * of objects with the members "kind", the keys, and so on. */
void
ctl_show_to_json(struct ds *output, int flags)
{
    struct json *parents[MAX_LEVELS + 1] = { json_object_create() };
    char *text = ds_steal_cstr(output);
    char *save_ptr = NULL;

    array_of(parents[0], "cloudlets");
    for (char *s = strtok_r(text, "\n", &save_ptr); s;
         s = strtok_r(NULL, "\n", &save_ptr)) {
        size_t level = MIN(strspn(s, " ") / 4, MAX_LEVELS - 1);

        if (parents[level]) {
            parents[level + 1] = add_line(parents[level], s + 4 * level);
        }
    }
    ds_init(output);
    json_to_ds(parents[0], flags, output);
    ds_put_char(output, '\n');
    json_destroy(parents[0]);
    free(text);
}
