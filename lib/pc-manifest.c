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
#include "pc-manifest.h"

#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pc-manifest-check.h"
#include "pc-name.h"
#include "smap.h"
#include "util.h"

/* Limits of a manifest's lists; the schema says the same. */
#define PC_MANIFEST_MAX_LIST 256

/* The one error of a parse: the first.  The parsing functions go on after an
 * error with defaults, which keeps them short; the result is thrown away. */
struct parse {
    char *error;
};

typedef const char *check_func(const char *);

static void OVS_PRINTF_FORMAT(3, 4)
fail(struct parse *p, const char *path, const char *format, ...)
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

/* Returns the string 'json', checked by 'check' (may be NULL), or "" after an
 * error. */
static const char *
get_string(struct parse *p, const char *path, const json_t *json,
           check_func *check)
{
    const char *s = json_string_value(json);
    const char *why;

    if (!s) {
        fail(p, path, "must be a string");
        return "";
    }
    why = check ? check(s) : NULL;
    if (why) {
        fail(p, path, "\"%s\" %s", s, why);
        return "";
    }
    return s;
}

static uint32_t
get_integer(struct parse *p, const char *path, const json_t *json,
            uint32_t min, uint32_t max)
{
    json_int_t value = json_integer_value(json);

    if (!json_is_integer(json)) {
        fail(p, path, "must be an integer");
    } else if (value < min || value > max) {
        fail(p, path, "must be from %"PRIu32" to %"PRIu32, min, max);
    } else {
        return value;
    }
    return min;
}

/* Member 'name' of 'object', or NULL.  Removes it, so that what is left at the
 * end is what is unknown. */
static json_t *
take(json_t *object, const char *name)
{
    json_t *value = json_incref(json_object_get(object, name));

    json_object_del(object, name);
    return value;
}

/* Fails if something is left in 'object'. */
static void
check_rest(struct parse *p, const char *path, json_t *object)
{
    void *iter = json_object_iter(object);

    if (iter) {
        fail(p, path, "unknown member \"%s\"", json_object_iter_key(iter));
    }
}

static bool
check_object(struct parse *p, const char *path, const json_t *json)
{
    if (!json_is_object(json)) {
        fail(p, path, "must be an object");
        return false;
    }
    return true;
}

static char *
take_string(struct parse *p, json_t *object, const char *name,
            check_func *check)
{
    json_t *json = take(object, name);
    char *s = NULL;

    if (json) {
        char *path = xasprintf("$.%s", name);

        s = xstrdup(get_string(p, path, json, check));
        free(path);
        json_decref(json);
    }
    return s;
}

static uint32_t
take_integer(struct parse *p, const char *parent, json_t *object,
             const char *name, const uint32_t range[2], uint32_t def)
{
    json_t *json = take(object, name);
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

static void
fail_missing(struct parse *p, const char *path, const char *name)
{
    fail(p, path, "\"%s\" is missing", name);
}

/* Parses an array of strings.  'first' checks element 0, 'rest' the others. */
static char **
get_list(struct parse *p, const char *path, const json_t *json,
         check_func *first, check_func *rest)
{
    size_t n = json_array_size(json);
    char **list = xcalloc(n + 1, sizeof *list);

    if (!json_is_array(json)) {
        fail(p, path, "must be an array of strings");
    } else if (n > PC_MANIFEST_MAX_LIST) {
        fail(p, path, "must have at most %d elements", PC_MANIFEST_MAX_LIST);
    }
    for (size_t i = 0; i < n; i++) {
        char *element = xasprintf("%s[%"PRIuSIZE"]", path, i);

        list[i] = xstrdup(get_string(p, element, json_array_get(json, i),
                                     i ? rest : first));
        free(element);
    }
    return list;
}

static char **
get_argv(struct parse *p, const char *path, const json_t *json)
{
    char **argv = get_list(p, path, json, pc_manifest_check_program, NULL);

    if (!argv[0]) {
        fail(p, path, "must not be empty");
    }
    return argv;
}

/* A list without repetition. */
static char **
get_set(struct parse *p, const char *path, const json_t *json,
        check_func *check)
{
    char **list = get_list(p, path, json, check, check);

    /* Not for a list that is refused as too long: it takes its square. */
    for (size_t i = 0; list[i] && !p->error; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(list[i], list[j])) {
                fail(p, path, "\"%s\" is repeated", list[i]);
            }
        }
    }
    return list;
}

/* Parses an object of strings into "NAME=VALUE". */
static char **
get_map(struct parse *p, const char *path, json_t *json,
        check_func *check_key, check_func *check_value)
{
    size_t n = json_object_size(json);
    char **list = xcalloc(n + 1, sizeof *list);
    const char *key;
    json_t *value;
    size_t i = 0;

    check_object(p, path, json);
    json_object_foreach (json, key, value) {
        char *member = xasprintf("%s[\"%s\"]", path, key);
        const char *why = check_key(key);

        if (why) {
            fail(p, member, "name %s", why);
        }
        list[i++] = xasprintf("%s=%s", key,
                              get_string(p, member, value, check_value));
        free(member);
    }
    return list;
}

static char ***
get_setup(struct parse *p, const char *path, const json_t *json)
{
    size_t n = json_array_size(json);
    char ***setup = xcalloc(n + 1, sizeof *setup);

    if (!json_is_array(json)) {
        fail(p, path, "must be an array of commands");
    } else if (n > PC_MANIFEST_MAX_LIST) {
        fail(p, path, "must have at most %d elements", PC_MANIFEST_MAX_LIST);
    }
    for (size_t i = 0; i < n; i++) {
        char *element = xasprintf("%s[%"PRIuSIZE"]", path, i);

        setup[i] = get_argv(p, element, json_array_get(json, i));
        free(element);
    }
    return setup;
}

/* Takes "capabilities", "sysctls" and "setup" out of 'object'. */
static void
take_part(struct parse *p, const char *parent, json_t *object,
          struct pc_manifest_part *part)
{
    static const char *const names[] = { "capabilities", "sysctls", "setup" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        json_t *json = take(object, names[i]);
        char *path;

        if (!json) {
            continue;
        }
        path = xasprintf("%s.%s", parent, names[i]);
        switch (i) {
        case 0:
            part->capabilities = get_set(p, path, json,
                                         pc_manifest_check_capability);
            break;
        case 1:
            part->sysctls = get_map(p, path, json, pc_manifest_check_sysctl,
                                    pc_manifest_check_sysctl_value);
            break;
        case 2:
            part->setup = get_setup(p, path, json);
            break;
        }
        free(path);
        json_decref(json);
    }
}

static void
take_modes(struct parse *p, json_t *root, struct pc_manifest *m)
{
    char *name = take_string(p, root, "mode", NULL);
    json_t *modes = take(root, "modes");
    const char *key;
    json_t *value;

    if (!name) {
        fail_missing(p, "$", "mode");
    } else if (!pc_manifest_mode_from_string(name, &m->mode)) {
        fail(p, "$.mode", "\"%s\" must be route, inline, tap or host", name);
    }
    free(name);
    m->modes = 1u << m->mode;

    if (modes && check_object(p, "$.modes", modes)) {
        json_object_foreach (modes, key, value) {
            char *path = xasprintf("$.modes.%s", key);
            enum pc_manifest_mode mode;

            if (!pc_manifest_mode_from_string(key, &mode)) {
                fail(p, "$.modes", "\"%s\" must be route, inline, tap or host",
                     key);
            } else if (check_object(p, path, value)) {
                m->modes |= 1u << mode;
                take_part(p, path, value, &m->by_mode[mode]);
                check_rest(p, path, value);
            }
            free(path);
        }
    }
    json_decref(modes);
}

/* Parses member 'key' of "files" or "directories". */
static void
get_file(struct parse *p, const char *path, const char *key, json_t *json,
         struct pc_manifest_file *f)
{
    const struct {
        const char *name;
        check_func *check;
    } members[] = {
        { "content", NULL },
        { "source", pc_manifest_check_source },
        { "owner", pc_manifest_check_owner },
        { "mode", pc_manifest_check_permissions },
    };
    char *mode = NULL;
    char **values[] = { &f->content, &f->source, &f->owner, &mode };
    const char *why = pc_manifest_check_path(key);

    if (why) {
        fail(p, path, "name %s", why);
    }
    f->path = xstrdup(key);
    if (check_object(p, path, json)) {
        for (size_t i = f->directory ? 2 : 0; i < ARRAY_SIZE(members); i++) {
            json_t *value = take(json, members[i].name);

            if (value) {
                char *member = xasprintf("%s.%s", path, members[i].name);

                *values[i] = xstrdup(get_string(p, member, value,
                                                members[i].check));
                free(member);
                json_decref(value);
            }
        }
        check_rest(p, path, json);
        if (!f->directory && !f->content == !f->source) {
            fail(p, path, "must have one of \"content\" and \"source\"");
        }
    }
    f->mode = mode ? strtoul(mode, NULL, 8) : f->directory ? 0755 : 0644;
    free(mode);
}

static void
take_files(struct parse *p, json_t *root, const char *name,
           struct pc_manifest *m)
{
    json_t *files = take(root, name);
    char *parent = xasprintf("$.%s", name);
    const char *key;
    json_t *value;

    if (files && check_object(p, parent, files)) {
        m->files = xrealloc(m->files, (m->n_files + json_object_size(files))
                                      * sizeof *m->files);
        json_object_foreach (files, key, value) {
            struct pc_manifest_file *f = &m->files[m->n_files++];
            char *path = xasprintf("%s[\"%s\"]", parent, key);

            memset(f, 0, sizeof *f);
            f->directory = !strcmp(name, "directories");
            get_file(p, path, key, value, f);
            free(path);
        }
    }
    free(parent);
    json_decref(files);
}

static void
get_http(struct parse *p, json_t *json, struct pc_manifest_probe *probe)
{
    static const uint32_t ports[] = { 1, UINT16_MAX };
    static const uint32_t statuses[] = { 100, 599 };
    const char *path = "$.readiness.http";
    json_t *url;

    if (!check_object(p, path, json)) {
        return;
    }
    probe->port = take_integer(p, path, json, "port", ports, 0);
    if (!probe->port) {
        fail_missing(p, path, "port");
    }
    url = take(json, "path");
    probe->path = xstrdup(url
                          ? get_string(p, "$.readiness.http.path", url,
                                       pc_manifest_check_http_path)
                          : "/");
    json_decref(url);
    probe->status = take_integer(p, path, json, "status", statuses, 0);
    check_rest(p, path, json);
}

static void
take_readiness(struct parse *p, json_t *root, struct pc_manifest_probe *probe)
{
    static const uint32_t intervals[] = { 10, 3600000 };
    static const uint32_t timeouts[] = { 10, 600000 };
    static const uint32_t counts[] = { 1, 100 };
    static const uint32_t ports[] = { 1, UINT16_MAX };
    const char *path = "$.readiness";
    json_t *json = take(root, "readiness");
    json_t *http, *exec;
    int n;

    probe->interval_ms = 500;
    probe->timeout_ms = 1000;
    probe->rise = 1;
    probe->fall = 3;
    if (!json || !check_object(p, path, json)) {
        json_decref(json);
        return;
    }
    probe->interval_ms = take_integer(p, path, json, "interval_ms", intervals,
                                      probe->interval_ms);
    probe->timeout_ms = take_integer(p, path, json, "timeout_ms", timeouts,
                                     probe->timeout_ms);
    probe->rise = take_integer(p, path, json, "rise", counts, probe->rise);
    probe->fall = take_integer(p, path, json, "fall", counts, probe->fall);

    n = !!json_object_get(json, "tcp");
    probe->port = take_integer(p, path, json, "tcp", ports, 0);
    probe->type = probe->port ? PC_PROBE_TCP : PC_PROBE_NONE;
    http = take(json, "http");
    if (http) {
        get_http(p, http, probe);
        probe->type = PC_PROBE_HTTP;
        n++;
    }
    exec = take(json, "exec");
    if (exec) {
        probe->argv = get_argv(p, "$.readiness.exec", exec);
        probe->type = PC_PROBE_EXEC;
        n++;
    }
    check_rest(p, path, json);
    if (n != 1) {
        fail(p, path, "must have one of \"tcp\", \"http\" and \"exec\"");
    }
    json_decref(http);
    json_decref(exec);
    json_decref(json);
}

/* The value of 'json' as text: a string as it is, an integer in digits. */
static char *
get_scalar(struct parse *p, const char *path, const json_t *json)
{
    if (json_is_integer(json)) {
        return xasprintf("%"JSON_INTEGER_FORMAT, json_integer_value(json));
    }
    if (!json_is_string(json)) {
        fail(p, path, "must be a string or an integer");
        return xstrdup("");
    }
    return xstrdup(json_string_value(json));
}

/* "health": the keys of a service's health. */
static void
take_health(struct parse *p, json_t *root, struct pc_manifest *m)
{
    struct smap settings = SMAP_INITIALIZER(&settings);
    json_t *json = take(root, "health");
    const char *path = "$.health";
    const char *key;
    json_t *value;

    pc_probe_init(&m->health);
    if (json && check_object(p, path, json)) {
        json_object_foreach (json, key, value) {
            char *member = xasprintf("%s.%s", path, key);

            smap_add_nocopy(&settings, xstrdup(key),
                            get_scalar(p, member, value));
            free(member);
        }
        if (!p->error) {
            char *error = pc_probe_parse(&m->health, &settings);

            if (error) {
                fail(p, path, "%s", error);
                free(error);
            }
            m->has_health = true;
        }
    }
    smap_destroy(&settings);
    json_decref(json);
}

static void
take_stop(struct parse *p, json_t *root, struct pc_manifest *m)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {
        { "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT },
        { "KILL", SIGKILL }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
        { "TERM", SIGTERM }, { "WINCH", SIGWINCH },
    };
    static const uint32_t grace[] = { 0, 600000 };
    json_t *json = take(root, "stop");
    json_t *name;

    m->stop_signal = SIGTERM;
    m->stop_grace_ms = 2000;
    if (!json || !check_object(p, "$.stop", json)) {
        json_decref(json);
        return;
    }
    m->stop_grace_ms = take_integer(p, "$.stop", json, "grace_ms", grace,
                                    m->stop_grace_ms);
    name = take(json, "signal");
    if (name) {
        const char *s = get_string(p, "$.stop.signal", name, NULL);

        m->stop_signal = 0;
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
            if (!strcmp(s, signals[i].name)) {
                m->stop_signal = signals[i].number;
            }
        }
        if (!m->stop_signal) {
            fail(p, "$.stop.signal", "\"%s\" must be HUP, INT, QUIT, KILL, "
                 "USR1, USR2, TERM or WINCH", s);
        }
    }
    check_rest(p, "$.stop", json);
    json_decref(name);
    json_decref(json);
}

static const char *
check_device(const char *s)
{
    return strcmp(s, "tun") ? "must be \"tun\"" : NULL;
}

static const char *
check_base(const char *s)
{
    return strcmp(s, "host") ? "must be \"host\" or absent" : NULL;
}

/* "devices", "mtu", "offload" and "env". */
static void
take_small(struct parse *p, json_t *root, struct pc_manifest *m)
{
    static const uint32_t mtus[] = { 576, UINT16_MAX };
    json_t *devices = take(root, "devices");
    json_t *offload = take(root, "offload");
    json_t *env = take(root, "env");

    if (devices) {
        char **list = get_set(p, "$.devices", devices, check_device);

        m->device_tun = list[0] != NULL;
        for (size_t i = 0; list[i]; i++) {
            free(list[i]);
        }
        free(list);
    }
    m->mtu = take_integer(p, "$", root, "mtu", mtus, 0);
    if (offload && !json_is_boolean(offload)) {
        fail(p, "$.offload", "must be true or false");
    }
    m->no_offload = json_is_false(offload);
    m->env = (env
              ? get_map(p, "$.env", env, pc_manifest_check_env, NULL)
              : xzalloc(sizeof *m->env));
    json_decref(devices);
    json_decref(offload);
    json_decref(env);
}

static void
parse_root(struct parse *p, json_t *root, struct pc_manifest *m)
{
    json_t *command = take(root, "command");
    char *s;

    free(take_string(p, root, "$schema", NULL));
    m->name = take_string(p, root, "name", pc_manifest_check_name);
    if (!m->name) {
        fail_missing(p, "$", "name");
    }
    s = take_string(p, root, "version", NULL);
    m->version = s ? s : xstrdup("");
    s = take_string(p, root, "description", NULL);
    m->description = s ? s : xstrdup("");
    s = take_string(p, root, "base", check_base);
    m->base_host = s != NULL;
    free(s);
    take_modes(p, root, m);
    if (!command) {
        fail_missing(p, "$", "command");
    }
    m->command = (command ? get_argv(p, "$.command", command)
                  : xzalloc(sizeof *m->command));
    json_decref(command);
    m->user = take_string(p, root, "user", pc_manifest_check_owner);
    take_part(p, "$", root, &m->common);
    take_files(p, root, "directories", m);
    take_files(p, root, "files", m);
    take_small(p, root, m);
    take_readiness(p, root, &m->readiness);
    take_health(p, root, m);
    take_stop(p, root, m);
    check_rest(p, "$", root);
}

char *
pc_manifest_parse(const char *text, size_t length,
                  struct pc_manifest **manifestp)
{
    struct parse parse = { .error = NULL };
    struct pc_manifest *m;
    json_error_t error;
    json_t *root;

    *manifestp = NULL;
    root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        parse.error = xasprintf("line %d, column %d: %s", error.line,
                                error.column, error.text);
        pc_name_make_printable(parse.error);
        return parse.error;
    }
    m = xzalloc(sizeof *m);
    if (check_object(&parse, "$", root)) {
        parse_root(&parse, root, m);
    }
    json_decref(root);
    if (parse.error) {
        pc_name_make_printable(parse.error);
        pc_manifest_destroy(m);
    } else {
        *manifestp = m;
    }
    return parse.error;
}
