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

#ifndef PC_JSON_H
#define PC_JSON_H 1

/* Strict reading of JSON: what is not of the type wanted, what a check refuses
 * and what nobody has asked for are errors, which name the place as a JSON path.
 * Nothing but pc-json.c knows jansson.
 *
 * The functions go on after an error with defaults, which keeps their callers
 * short; what is made then is to be thrown away.
 *
 *     struct pc_json p = { .error = NULL };
 *     value = pc_json_take(object, "name");
 *     if (value) {
 *         s = pc_json_string(&p, "$.name", value, NULL);
 *         ...
 *         pc_json_free(value);
 *     }
 *     pc_json_check_rest(&p, "$", object);
 *     if (p.error) ...
 *
 * In all of them 'path' is that of 'json' (or 'object'), for the error.  None
 * takes 'json'; what they return as text is the caller's unless it is const.
 *
 * No I/O and no state: thread-safe. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "compiler.h"

/* The most elements of a list of strings; services/manifest.schema.json says the
 * same. */
#define PC_JSON_MAX_LIST 256

struct json_t;                  /* jansson's; a value. */

/* A parse: its one error, the first, or NULL. */
struct pc_json {
    char *error;
};

/* NULL if the string is fine, else what it must be (constant). */
typedef const char *pc_json_check(const char *);

/* Parses 'length' bytes.  Returns a value for pc_json_free(), or NULL and stores
 * an error, the caller's, in '*errorp'. */
struct json_t *pc_json_load(const char *text, size_t length, char **errorp);
void pc_json_free(struct json_t *);     /* NULL is fine. */

void pc_json_fail(struct pc_json *, const char *path, const char *format, ...)
    OVS_PRINTF_FORMAT(3, 4);
void pc_json_fail_missing(struct pc_json *, const char *path,
                          const char *name);

/* Objects.  "take" removes member 'name' from 'object', so that what is left at
 * the end is what is unknown: pc_json_check_rest() fails if there is any.
 * pc_json_take() returns a value for pc_json_free(), or NULL; the others return
 * its text or number, or NULL or 'def' if there is none.  pc_json_take_string() is
 * for members of the root only: its path is "$.NAME". */
bool pc_json_check_object(struct pc_json *, const char *path,
                          const struct json_t *json);
struct json_t *pc_json_take(struct json_t *object, const char *name);
char *pc_json_take_string(struct pc_json *, struct json_t *object,
                          const char *name, pc_json_check *);
uint32_t pc_json_take_int(struct pc_json *, const char *parent,
                          struct json_t *object, const char *name,
                          const uint32_t range[2], uint32_t def);
void pc_json_check_rest(struct pc_json *, const char *path,
                        struct json_t *object);
bool pc_json_has(const struct json_t *object, const char *name);
size_t pc_json_n_members(const struct json_t *object);

/* Steps through 'object': '*keyp' is NULL at first, and is not freed.  Returns
 * false after the last member. */
bool pc_json_next(struct json_t *object, const char **keyp,
                  struct json_t **valuep);

/* Scalars.  pc_json_string() returns "" after an error; pc_json_scalar() takes a
 * string as it is and an integer in digits. */
const char *pc_json_string(struct pc_json *, const char *path,
                           const struct json_t *json, pc_json_check *);
char *pc_json_scalar(struct pc_json *, const char *path,
                     const struct json_t *json);
bool pc_json_bool(struct pc_json *, const char *path,
                  const struct json_t *json);

/* Lists.  pc_json_array() returns the number of elements; more than 'max' are an
 * error; 'of' says of what they are.  The others return NULL-terminated arrays:
 * of strings, of which 'first' checks element 0 and 'rest' the others; the same
 * without repetition; and "NAME=VALUE" from an object of strings. */
size_t pc_json_array(struct pc_json *, const char *path,
                     const struct json_t *json, const char *of, size_t max);
struct json_t *pc_json_element(const struct json_t *json, size_t i);
char **pc_json_list(struct pc_json *, const char *path,
                    const struct json_t *json, pc_json_check *first,
                    pc_json_check *rest);
char **pc_json_set(struct pc_json *, const char *path,
                   const struct json_t *json, pc_json_check *);
char **pc_json_map(struct pc_json *, const char *path, struct json_t *json,
                   pc_json_check *check_key, pc_json_check *check_value);

#endif /* pc-json.h */
