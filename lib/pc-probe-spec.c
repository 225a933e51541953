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
#include "pc-probe-spec.h"
#include <stdlib.h>
#include <string.h>
#include "packets.h"
#include "smap.h"
#include "util.h"

#define DEFAULT_INTERVAL_MS 500
#define DEFAULT_HOLD_MS 1000
#define MIN_MS 10               /* Shortest interval and timeout. */

static const char *const kind_names[PC_PROBE_N_KINDS] = {
    [PC_PROBE_KIND_NONE] = "none",
    [PC_PROBE_KIND_TCP] = "tcp",
    [PC_PROBE_KIND_HTTP] = "http",
    [PC_PROBE_KIND_ICMP] = "icmp",
    [PC_PROBE_KIND_EXEC] = "exec",
    [PC_PROBE_KIND_THROUGH] = "through",
};

const char *
pc_probe_kind_to_string(enum pc_probe_kind kind)
{
    return kind_names[kind];
}

/* What bad probes in a row have left of the interval: so much that all of them
 * fit into one, with some room for ourselves. */
static unsigned int
default_timeout(const struct pc_probe *p)
{
    return MAX(p->interval_ms / p->fall * 9 / 10, MIN_MS);
}

void
pc_probe_init(struct pc_probe *p)
{
    *p = (struct pc_probe) {
        .interval_ms = DEFAULT_INTERVAL_MS,
        .rise = 1,
        .fall = 2,
        .hold_ms = DEFAULT_HOLD_MS,
    };
    p->timeout_ms = default_timeout(p);
}

void
pc_probe_destroy(struct pc_probe *p)
{
    if (p) {
        free(p->host);
        free(p->path);
        for (size_t i = 0; p->argv && p->argv[i]; i++) {
            free(p->argv[i]);
        }
        free(p->argv);
        pc_probe_init(p);
    }
}

void
pc_probe_clone(struct pc_probe *dst, const struct pc_probe *src)
{
    *dst = *src;
    dst->host = nullable_xstrdup(src->host);
    dst->path = nullable_xstrdup(src->path);
    if (src->argv) {
        size_t n = 0;

        while (src->argv[n]) {
            n++;
        }
        dst->argv = xzalloc((n + 1) * sizeof *dst->argv);
        for (size_t i = 0; i < n; i++) {
            dst->argv[i] = xstrdup(src->argv[i]);
        }
    }
}

/* Parsing. */

static char *
parse_type(struct pc_probe *p, const char *value)
{
    for (size_t i = 0; i < PC_PROBE_N_KINDS; i++) {
        if (!strcmp(value, kind_names[i])) {
            p->kind = i;
            return NULL;
        }
    }
    return xasprintf("type=%s: a probe is none, tcp, http, icmp, exec or "
                     "through", value);
}

static char *
parse_ms(const char *key, const char *value, unsigned int min,
         unsigned int *ms)
{
    unsigned int n;

    if (!str_to_uint(value, 10, &n) || n < min || n > 3600 * 1000) {
        return xasprintf("%s=%s: not a number of milliseconds from %u to "
                         "3600000", key, value, min);
    }
    *ms = n;
    return NULL;
}

static char *
parse_count(const char *key, const char *value, unsigned int max,
            unsigned int *count)
{
    unsigned int n;

    if (!str_to_uint(value, 10, &n) || !n || n > max) {
        return xasprintf("%s=%s: not a number from 1 to %u", key, value, max);
    }
    *count = n;
    return NULL;
}

static char **
split_words(const char *s_)
{
    char *s = xstrdup(s_);
    char *save = NULL;
    size_t n = 0;
    char **argv = xzalloc((strlen(s) / 2 + 2) * sizeof *argv);

    for (char *w = strtok_r(s, " \t", &save); w;
         w = strtok_r(NULL, " \t", &save)) {
        argv[n++] = xstrdup(w);
    }
    free(s);
    return argv;
}

static char *
parse_host(struct pc_probe *p, const char *value)
{
    struct in6_addr ip6;
    ovs_be32 ip4;

    if (!ip_parse(value, &ip4) && !ipv6_parse(value, &ip6)) {
        return xasprintf("host=%s: not an IPv4 or IPv6 address", value);
    }
    free(p->host);
    p->host = xstrdup(value);
    return NULL;
}

static char *
parse_pair(struct pc_probe *p, const char *key, const char *value)
{
    if (!strcmp(key, "type")) {
        return parse_type(p, value);
    } else if (!strcmp(key, "host")) {
        return parse_host(p, value);
    } else if (!strcmp(key, "port")) {
        unsigned int port = 0;
        char *error = parse_count(key, value, 65535, &port);
        p->port = error ? 0 : port;
        return error;
    } else if (!strcmp(key, "path")) {
        if (value[0] != '/' || strpbrk(value, " \r\n")) {
            return xasprintf("path=%s: not a path that begins with /", value);
        }
        free(p->path);
        p->path = xstrdup(value);
        return NULL;
    } else if (!strcmp(key, "status")) {
        unsigned int status = 0;
        char *error = parse_count(key, value, 599, &status);
        p->status = error ? 0 : status;
        return error;
    } else if (!strcmp(key, "command")) {
        p->argv = split_words(value);
        return (p->argv[0] && p->argv[0][0] == '/' ? NULL
                : xasprintf("command=%s: not an absolute path", value));
    } else if (!strcmp(key, "interval")) {
        return parse_ms(key, value, MIN_MS, &p->interval_ms);
    } else if (!strcmp(key, "timeout")) {
        return parse_ms(key, value, MIN_MS, &p->timeout_ms);
    } else if (!strcmp(key, "hold")) {
        return parse_ms(key, value, 0, &p->hold_ms);
    } else if (!strcmp(key, "rise")) {
        return parse_count(key, value, 1000, &p->rise);
    } else if (!strcmp(key, "fall")) {
        return parse_count(key, value, 1000, &p->fall);
    }
    return xasprintf("%s: a probe has type, host, port, path, status, "
                     "command, interval, timeout, rise, fall and hold", key);
}

char *
pc_probe_parse(struct pc_probe *p, const struct smap *settings)
{
    const struct smap_node *node;
    char *error = NULL;

    pc_probe_init(p);
    SMAP_FOR_EACH (node, settings) {
        error = parse_pair(p, node->key, node->value);
        if (error) {
            pc_probe_destroy(p);
            return error;
        }
    }
    if (!smap_get(settings, "timeout")) {
        p->timeout_ms = default_timeout(p);
    }
    if (p->kind == PC_PROBE_KIND_TCP && !p->port) {
        error = xstrdup("port: a tcp probe needs one");
    } else if (p->kind == PC_PROBE_KIND_EXEC && !p->argv) {
        error = xstrdup("command: an exec probe needs one");
    }
    if (error) {
        pc_probe_destroy(p);
    }
    return error;
}
