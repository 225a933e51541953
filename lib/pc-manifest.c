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

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "pc-json.h"
#include "pc-manifest-check.h"
#include "pc-name.h"
#include "smap.h"
#include "util.h"

/* The members of a manifest, each in a function that takes it from the root (or
 * from its parent) and leaves what it does not know. */

static char **
get_argv(struct pc_json *p, const char *path, const struct json_t *json)
{
    char **argv = pc_json_list(p, path, json, pc_manifest_check_program, NULL);

    if (!argv[0]) {
        pc_json_fail(p, path, "must not be empty");
    }
    return argv;
}

static char ***
get_setup(struct pc_json *p, const char *path, const struct json_t *json)
{
    size_t n = pc_json_array(p, path, json, "commands", PC_JSON_MAX_LIST);
    char ***setup = xcalloc(n + 1, sizeof *setup);

    for (size_t i = 0; i < n; i++) {
        char *element = xasprintf("%s[%"PRIuSIZE"]", path, i);

        setup[i] = get_argv(p, element, pc_json_element(json, i));
        free(element);
    }
    return setup;
}

/* Takes "capabilities", "sysctls" and "setup" out of 'object'. */
static void
take_part(struct pc_json *p, const char *parent, struct json_t *object,
          struct pc_manifest_part *part)
{
    static const char *const names[] = { "capabilities", "sysctls", "setup" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct json_t *json = pc_json_take(object, names[i]);
        char *path;

        if (!json) {
            continue;
        }
        path = xasprintf("%s.%s", parent, names[i]);
        switch (i) {
        case 0:
            part->capabilities = pc_json_set(p, path, json,
                                             pc_manifest_check_capability);
            break;
        case 1:
            part->sysctls = pc_json_map(p, path, json,
                                        pc_manifest_check_sysctl,
                                        pc_manifest_check_sysctl_value);
            break;
        case 2:
            part->setup = get_setup(p, path, json);
            break;
        }
        free(path);
        pc_json_free(json);
    }
}

static void
take_modes(struct pc_json *p, struct json_t *root, struct pc_manifest *m)
{
    char *name = pc_json_take_string(p, root, "mode", NULL);
    struct json_t *modes = pc_json_take(root, "modes");
    const char *key = NULL;
    struct json_t *value;

    if (!name) {
        pc_json_fail_missing(p, "$", "mode");
    } else if (!pc_manifest_mode_from_string(name, &m->mode)) {
        pc_json_fail(p, "$.mode",
                     "\"%s\" must be route, inline, tap or host", name);
    }
    free(name);
    m->modes = 1u << m->mode;

    if (modes && pc_json_check_object(p, "$.modes", modes)) {
        while (pc_json_next(modes, &key, &value)) {
            char *path = xasprintf("$.modes.%s", key);
            enum pc_manifest_mode mode;

            if (!pc_manifest_mode_from_string(key, &mode)) {
                pc_json_fail(p, "$.modes",
                             "\"%s\" must be route, inline, tap or host",
                             key);
            } else if (pc_json_check_object(p, path, value)) {
                m->modes |= 1u << mode;
                take_part(p, path, value, &m->by_mode[mode]);
                pc_json_check_rest(p, path, value);
            }
            free(path);
        }
    }
    pc_json_free(modes);
}

/* Parses member 'key' of "files" or "directories". */
static void
get_file(struct pc_json *p, const char *path, const char *key,
         struct json_t *json, struct pc_manifest_file *f)
{
    const struct {
        const char *name;
        pc_json_check *check;
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
        pc_json_fail(p, path, "name %s", why);
    }
    f->path = xstrdup(key);
    if (pc_json_check_object(p, path, json)) {
        for (size_t i = f->directory ? 2 : 0; i < ARRAY_SIZE(members); i++) {
            struct json_t *value = pc_json_take(json, members[i].name);

            if (value) {
                char *member = xasprintf("%s.%s", path, members[i].name);

                *values[i] = xstrdup(pc_json_string(p, member, value,
                                                    members[i].check));
                free(member);
                pc_json_free(value);
            }
        }
        pc_json_check_rest(p, path, json);
        if (!f->directory && !f->content == !f->source) {
            pc_json_fail(p, path,
                         "must have one of \"content\" and \"source\"");
        }
    }
    f->mode = mode ? strtoul(mode, NULL, 8) : f->directory ? 0755 : 0644;
    free(mode);
}

static void
take_files(struct pc_json *p, struct json_t *root, const char *name,
           struct pc_manifest *m)
{
    struct json_t *files = pc_json_take(root, name);
    char *parent = xasprintf("$.%s", name);
    const char *key = NULL;
    struct json_t *value;

    if (files && pc_json_check_object(p, parent, files)) {
        m->files = xrealloc(m->files, (m->n_files + pc_json_n_members(files))
                                      * sizeof *m->files);
        while (pc_json_next(files, &key, &value)) {
            struct pc_manifest_file *f = &m->files[m->n_files++];
            char *path = xasprintf("%s[\"%s\"]", parent, key);

            memset(f, 0, sizeof *f);
            f->directory = !strcmp(name, "directories");
            get_file(p, path, key, value, f);
            free(path);
        }
    }
    free(parent);
    pc_json_free(files);
}

static void
get_http(struct pc_json *p, struct json_t *json,
         struct pc_manifest_probe *probe)
{
    static const uint32_t ports[] = { 1, UINT16_MAX };
    static const uint32_t statuses[] = { 100, 599 };
    const char *path = "$.readiness.http";
    struct json_t *url;

    if (!pc_json_check_object(p, path, json)) {
        return;
    }
    probe->port = pc_json_take_int(p, path, json, "port", ports, 0);
    if (!probe->port) {
        pc_json_fail_missing(p, path, "port");
    }
    url = pc_json_take(json, "path");
    probe->path = xstrdup(url
                          ? pc_json_string(p, "$.readiness.http.path", url,
                                           pc_manifest_check_http_path)
                          : "/");
    pc_json_free(url);
    probe->status = pc_json_take_int(p, path, json, "status", statuses, 0);
    pc_json_check_rest(p, path, json);
}

static void
take_readiness(struct pc_json *p, struct json_t *root,
               struct pc_manifest_probe *probe)
{
    static const uint32_t intervals[] = { 10, 3600000 };
    static const uint32_t timeouts[] = { 10, 600000 };
    static const uint32_t counts[] = { 1, 100 };
    static const uint32_t ports[] = { 1, UINT16_MAX };
    const char *path = "$.readiness";
    struct json_t *json = pc_json_take(root, "readiness");
    struct json_t *http, *exec;
    int n;

    probe->interval_ms = 500;
    probe->timeout_ms = 1000;
    probe->rise = 1;
    probe->fall = 3;
    if (!json || !pc_json_check_object(p, path, json)) {
        pc_json_free(json);
        return;
    }
    probe->interval_ms = pc_json_take_int(p, path, json, "interval_ms", intervals,
                                          probe->interval_ms);
    probe->timeout_ms = pc_json_take_int(p, path, json, "timeout_ms", timeouts,
                                         probe->timeout_ms);
    probe->rise = pc_json_take_int(p, path, json, "rise", counts, probe->rise);
    probe->fall = pc_json_take_int(p, path, json, "fall", counts, probe->fall);

    n = pc_json_has(json, "tcp");
    probe->port = pc_json_take_int(p, path, json, "tcp", ports, 0);
    probe->type = probe->port ? PC_PROBE_TCP : PC_PROBE_NONE;
    http = pc_json_take(json, "http");
    if (http) {
        get_http(p, http, probe);
        probe->type = PC_PROBE_HTTP;
        n++;
    }
    exec = pc_json_take(json, "exec");
    if (exec) {
        probe->argv = get_argv(p, "$.readiness.exec", exec);
        probe->type = PC_PROBE_EXEC;
        n++;
    }
    pc_json_check_rest(p, path, json);
    if (n != 1) {
        pc_json_fail(p, path,
                     "must have one of \"tcp\", \"http\" and \"exec\"");
    }
    pc_json_free(http);
    pc_json_free(exec);
    pc_json_free(json);
}

/* "health": the keys of a service's health. */
static void
take_health(struct pc_json *p, struct json_t *root, struct pc_manifest *m)
{
    struct smap settings = SMAP_INITIALIZER(&settings);
    struct json_t *json = pc_json_take(root, "health");
    const char *path = "$.health";
    const char *key = NULL;
    struct json_t *value;

    pc_probe_init(&m->health);
    if (json && pc_json_check_object(p, path, json)) {
        while (pc_json_next(json, &key, &value)) {
            char *member = xasprintf("%s.%s", path, key);

            smap_add_nocopy(&settings, xstrdup(key),
                            pc_json_scalar(p, member, value));
            free(member);
        }
        if (!p->error) {
            char *error = pc_probe_parse(&m->health, &settings);

            if (error) {
                pc_json_fail(p, path, "%s", error);
                free(error);
            }
            m->has_health = true;
        }
    }
    smap_destroy(&settings);
    pc_json_free(json);
}

static void
take_stop(struct pc_json *p, struct json_t *root, struct pc_manifest *m)
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
    struct json_t *json = pc_json_take(root, "stop");
    struct json_t *name;

    m->stop_signal = SIGTERM;
    m->stop_grace_ms = 2000;
    if (!json || !pc_json_check_object(p, "$.stop", json)) {
        pc_json_free(json);
        return;
    }
    m->stop_grace_ms = pc_json_take_int(p, "$.stop", json, "grace_ms", grace,
                                        m->stop_grace_ms);
    name = pc_json_take(json, "signal");
    if (name) {
        const char *s = pc_json_string(p, "$.stop.signal", name, NULL);

        m->stop_signal = 0;
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
            if (!strcmp(s, signals[i].name)) {
                m->stop_signal = signals[i].number;
            }
        }
        if (!m->stop_signal) {
            pc_json_fail(p, "$.stop.signal", "\"%s\" must be HUP, INT, QUIT, "
                         "KILL, USR1, USR2, TERM or WINCH", s);
        }
    }
    pc_json_check_rest(p, "$.stop", json);
    pc_json_free(name);
    pc_json_free(json);
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
take_small(struct pc_json *p, struct json_t *root, struct pc_manifest *m)
{
    static const uint32_t mtus[] = { 576, UINT16_MAX };
    struct json_t *devices = pc_json_take(root, "devices");
    struct json_t *offload = pc_json_take(root, "offload");
    struct json_t *env = pc_json_take(root, "env");

    if (devices) {
        char **list = pc_json_set(p, "$.devices", devices, check_device);

        m->device_tun = list[0] != NULL;
        for (size_t i = 0; list[i]; i++) {
            free(list[i]);
        }
        free(list);
    }
    m->mtu = pc_json_take_int(p, "$", root, "mtu", mtus, 0);
    m->no_offload = offload && !pc_json_bool(p, "$.offload", offload);
    m->env = (env
              ? pc_json_map(p, "$.env", env, pc_manifest_check_env, NULL)
              : xzalloc(sizeof *m->env));
    pc_json_free(devices);
    pc_json_free(offload);
    pc_json_free(env);
}

static void
parse_root(struct pc_json *p, struct json_t *root, struct pc_manifest *m)
{
    struct json_t *command = pc_json_take(root, "command");
    char *s;

    free(pc_json_take_string(p, root, "$schema", NULL));
    m->name = pc_json_take_string(p, root, "name", pc_manifest_check_name);
    if (!m->name) {
        pc_json_fail_missing(p, "$", "name");
    }
    s = pc_json_take_string(p, root, "version", NULL);
    m->version = s ? s : xstrdup("");
    s = pc_json_take_string(p, root, "description", NULL);
    m->description = s ? s : xstrdup("");
    s = pc_json_take_string(p, root, "base", check_base);
    m->base_host = s != NULL;
    free(s);
    take_modes(p, root, m);
    if (!command) {
        pc_json_fail_missing(p, "$", "command");
    }
    m->command = (command ? get_argv(p, "$.command", command)
                  : xzalloc(sizeof *m->command));
    pc_json_free(command);
    m->user = pc_json_take_string(p, root, "user", pc_manifest_check_owner);
    take_part(p, "$", root, &m->common);
    take_files(p, root, "directories", m);
    take_files(p, root, "files", m);
    take_small(p, root, m);
    take_readiness(p, root, &m->readiness);
    take_health(p, root, m);
    take_stop(p, root, m);
    pc_json_check_rest(p, "$", root);
}

char *
pc_manifest_parse(const char *text, size_t length,
                  struct pc_manifest **manifestp)
{
    struct pc_json parse = { .error = NULL };
    struct pc_manifest *m;
    struct json_t *root;

    *manifestp = NULL;
    root = pc_json_load(text, length, &parse.error);
    if (!root) {
        pc_name_make_printable(parse.error);
        return parse.error;
    }
    m = xzalloc(sizeof *m);
    if (pc_json_check_object(&parse, "$", root)) {
        parse_root(&parse, root, m);
    }
    pc_json_free(root);
    if (parse.error) {
        pc_name_make_printable(parse.error);
        pc_manifest_destroy(m);
    } else {
        *manifestp = m;
    }
    return parse.error;
}
