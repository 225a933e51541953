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

/* Arguments of commands: key=value pairs, names, numbers, capacities.
 *
 * All functions that return bool report what is wrong by ctl_error() and
 * return false then. */

#include <config.h>

#include <errno.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "pc-name.h"
#include "pc-units.h"
#include "smap.h"
#include "util.h"

/* Fails the command with 'error', which it frees, unless that is NULL. */
static bool
check(struct ctl_context *ctx, char *error)
{
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return false;
    }
    return true;
}

static char *
format_keys(const struct ctl_arg *args, size_t n)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&s, "%s%s=", i ? ", " : "", args[i].key);
    }
    return ds_steal_cstr(&s);
}

static bool
bad_arg(struct ctl_context *ctx, const char *word, const struct ctl_arg *args,
        size_t n)
{
    char *quoted = pc_name_quote(word);
    char *keys = format_keys(args, n);

    ctl_error(ctx, "%s: no argument of %s, which takes %s",
              quoted, ctx->argv[0], keys);
    free(keys);
    free(quoted);
    return false;
}

/* Parses the command's words from number 'first' on as KEY=VALUE into the 'n'
 * 'args', whose keys the caller has filled in.  Values stay where they are in
 * the command line. */
bool
ctl_parse_args(struct ctl_context *ctx, int first, struct ctl_arg *args,
               size_t n)
{
    for (int i = first; i < ctx->argc; i++) {
        const char *word = ctx->argv[i];
        size_t len = strcspn(word, "=");
        struct ctl_arg *arg = NULL;

        for (size_t j = 0; j < n; j++) {
            if (strlen(args[j].key) == len
                && !strncmp(args[j].key, word, len)) {
                arg = &args[j];
            }
        }
        if (!arg || word[len] != '=') {
            return bad_arg(ctx, word, args, n);
        } else if (arg->value) {
            ctl_error(ctx, "%s= is given twice", arg->key);
            return false;
        }
        arg->value = word + len + 1;
    }
    return true;
}

/* Splits 'list' at commas.  Empty elements stay: they are errors of the
 * caller's kind. */
void
ctl_split(struct svec *out, const char *list)
{
    for (;;) {
        size_t len = strcspn(list, ",");

        svec_add_nocopy(out, xmemdup0(list, len));
        if (!list[len]) {
            return;
        }
        list += len + 1;
    }
}

bool
ctl_check_name(struct ctl_context *ctx, const char *what, const char *name)
{
    return check(ctx, pc_name_check(what, name));
}

bool
ctl_parse_int(struct ctl_context *ctx, const char *key, const char *value,
              int64_t min, int64_t max, int64_t *result)
{
    char *end;

    errno = 0;
    *result = strtoll(value, &end, 10);
    if (!value[0] || value[strspn(value, "0123456789")] || errno
        || *result < min || *result > max) {
        char *quoted = pc_name_quote(value);

        ctl_error(ctx, "%s: %s is not a number from %"PRId64" to %"PRId64,
                  key, quoted, min, max);
        free(quoted);
        return false;
    }
    return true;
}

/* Is 'value' one of 'choices', ended by NULL? */
bool
ctl_parse_enum(struct ctl_context *ctx, const char *key, const char *value,
               const char *const *choices)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; choices[i]; i++) {
        if (!strcmp(choices[i], value)) {
            ds_destroy(&s);
            return true;
        }
        ds_put_format(&s, "%s%s",
                      !i ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
    }

    char *quoted = pc_name_quote(value);
    ctl_error(ctx, "%s: %s is not %s", key, quoted, ds_cstr(&s));
    free(quoted);
    ds_destroy(&s);
    return false;
}

/* Parses the values of 'args', which have the pc_capacity_names, into
 * 'capacity': key -> decimal number.  "none" removes a key. */
bool
ctl_parse_capacity(struct ctl_context *ctx, const struct ctl_arg args[PC_N_CAPACITY],
                   struct smap *capacity)
{
    for (size_t i = 0; i < PC_N_CAPACITY; i++) {
        const char *value = args[i].value;
        uint64_t number;

        if (!value) {
            continue;
        } else if (!strcmp(value, "none")) {
            smap_remove(capacity, args[i].key);
            continue;
        }

        char *error = pc_units_parse_capacity(args[i].key, value, &number);
        if (error) {
            ctl_error(ctx, "%s: %s", args[i].key, error);
            free(error);
            return false;
        } else if (!number) {
            ctl_error(ctx, "%s: a capacity of nothing is of no use; say "
                      "\"none\" for no limit", args[i].key);
            return false;
        } else if (number > INT64_MAX) {
            ctl_error(ctx, "%s: %s is too much", args[i].key, value);
            return false;
        }

        char *decimal = xasprintf("%"PRIu64, number);
        smap_replace(capacity, args[i].key, decimal);
        free(decimal);
    }
    return true;
}

/* Turns 'capacity' into the arrays that the IDL takes.  Returns their
 * length. */
size_t
ctl_capacity_to_arrays(const struct smap *capacity, const char *keys[PC_N_CAPACITY],
                       int64_t values[PC_N_CAPACITY])
{
    size_t n = 0;

    for (size_t i = 0; i < PC_N_CAPACITY; i++) {
        const char *value = smap_get(capacity, pc_capacity_names[i]);

        if (value) {
            keys[n] = pc_capacity_names[i];
            values[n++] = strtoll(value, NULL, 10);
        }
    }
    return n;
}

/* The opposite.  Adds to 'capacity'. */
void
ctl_capacity_from_arrays(struct smap *capacity, char **keys,
                         const int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        smap_add_format(capacity, keys[i], "%"PRId64, values[i]);
    }
}

/* Formats a capacity column: "cpu=500m, memory=256MiB". */
char *
ctl_format_capacities(char **keys, const int64_t *values, size_t n)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < PC_N_CAPACITY; i++) {
        for (size_t j = 0; j < n; j++) {
            if (!strcmp(keys[j], pc_capacity_names[i])) {
                char *value = pc_units_format_capacity(keys[j],
                                                       values[j]);

                ds_put_format(&s, "%s%s=%s", s.length ? " " : "",
                              keys[j], value);
                free(value);
            }
        }
    }
    return ds_steal_cstr(&s);
}
