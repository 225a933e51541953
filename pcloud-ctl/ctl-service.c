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

/* Commands: service-*. */

#include <config.h>

#include "pcloud-ctl.h"

#include "ctl-prefix.h"
#include "openvswitch/dynamic-string.h"
#include "pc-name.h"
#include "pc-probe.h"
#include "smap.h"
#include "util.h"

#define MAX_REPLICAS 1024

enum { IMAGE, MODE, TYPE, REPLICAS, ON_FAILURE, AFFINITY, HEALTH, PROVIDER,
       ADDRESS, GATEWAY, CLOUDLET, N_SERVICE };
#define SERVICE_ARGS { [IMAGE] = { .key = "image" },                    \
                       [MODE] = { .key = "mode" },                      \
                       [TYPE] = { .key = "type" },                      \
                       [REPLICAS] = { .key = "replicas" },              \
                       [ON_FAILURE] = { .key = "on-failure" },          \
                       [AFFINITY] = { .key = "affinity" },              \
                       [HEALTH] = { .key = "health" },                  \
                       [PROVIDER] = { .key = "provider" },              \
                       [ADDRESS] = { .key = "address" },                \
                       [GATEWAY] = { .key = "gateway" },                \
                       [CLOUDLET] = { .key = "cloudlet" } }

/* The settings of a service, checked.  A null or zero member was not given. */
struct settings {
    const struct pcrec_image *image;
    const struct pcrec_vi_type *type;
    const struct pcrec_provider *provider;
    int64_t replicas;
    struct smap health;
    struct svec addresses, gateways;
};

static void
pre_service(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_capacity);
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_chain_col_services);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_cloudlet);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_visible);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_mode);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_image);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_type);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_provider);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_replicas);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_on_failure);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_affinity);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_health);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_addresses);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_gateways);
}

/* Checking. */

/* The service other than 'self' (may be null) that has address 'p', if any. */
static const struct pcrec_service *
find_address(struct ctl_context *ctx, const struct pcrec_service *self,
             const struct ctl_prefix *p)
{
    const struct pcrec_service *s;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        for (size_t i = 0; s != self && i < s->n_addresses; i++) {
            struct ctl_prefix other;
            char *error = ctl_prefix_parse(s->addresses[i], CTL_PLEN_MAY,
                                           &other);
            free(error);
            if (!error && ctl_prefix_same_address(p, &other)) {
                return s;
            }
        }
    }
    return NULL;
}

/* Parses 'list', the value of address=, into 'addresses'. */
static char *
parse_addresses(struct ctl_context *ctx, const struct pcrec_service *self,
                const char *list, struct svec *addresses)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    char *error = NULL;

    ctl_split(&words, list);
    for (size_t i = 0; i < words.n && !error; i++) {
        const struct pcrec_service *owner;
        struct ctl_prefix p;

        error = ctl_prefix_parse(words.names[i], CTL_PLEN_MAY, &p);
        if (!error) {
            error = ctl_prefix_check_host(words.names[i], &p);
        }
        owner = error ? NULL : find_address(ctx, self, &p);
        if (owner) {
            error = xasprintf("\"%s\" belongs to service \"%s\" already",
                              words.names[i], owner->name);
        }
        if (!error) {
            bool with_length = strchr(words.names[i], '/') != NULL;
            char *canonical = ctl_prefix_format(&p, with_length);

            if (svec_contains_unsorted(addresses, canonical)) {
                error = xasprintf("\"%s\" is given twice", words.names[i]);
            }
            svec_add_nocopy(addresses, canonical);
        }
    }
    svec_destroy(&words);
    return error;
}

/* Parses 'list', the value of gateway=, into 'gateways'. */
static char *
parse_gateways(const char *list, struct svec *gateways)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    bool seen[2] = { false, false };
    char *error = NULL;

    ctl_split(&words, list);
    for (size_t i = 0; i < words.n && !error; i++) {
        struct ctl_prefix p;

        error = ctl_prefix_parse(words.names[i], CTL_PLEN_NO, &p);
        if (!error) {
            error = ctl_prefix_check_host(words.names[i], &p);
        }
        if (!error && seen[p.is_ipv6]) {
            error = xasprintf("\"%s\" is a second gateway of IPv%d",
                              words.names[i], p.is_ipv6 ? 6 : 4);
        }
        if (!error) {
            seen[p.is_ipv6] = true;
            svec_add_nocopy(gateways, ctl_prefix_format(&p, false));
        }
    }
    svec_destroy(&words);
    return error;
}

/* Parses 'text', the value of health=: TYPE[:PORT][,KEY=VALUE]..., into
 * 'health'. */
static char *
parse_health(const char *text, struct smap *health)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    struct pc_probe probe;
    char *error = NULL;

    ctl_split(&words, text);
    for (size_t i = 0; i < words.n && !error; i++) {
        const char *word = words.names[i];
        size_t len = strcspn(word, i ? "=" : ":");
        char *key = i ? xmemdup0(word, len) : xstrdup("type");

        if (i && (!word[len] || !len)) {
            error = xasprintf("\"%s\" is not KEY=VALUE", word);
        } else if (smap_get(health, key)) {
            error = xasprintf("%s is given twice", key);
        } else if (i) {
            smap_add(health, key, word + len + 1);
        } else {
            smap_add_nocopy(health, xstrdup("type"), xmemdup0(word, len));
            if (word[len]) {
                smap_add(health, "port", word + len + 1);
            }
        }
        free(key);
    }
    svec_destroy(&words);
    if (!error) {
        error = pc_probe_parse(&probe, health);
        if (!error) {
            pc_probe_destroy(&probe);
        }
    }
    return error;
}

/* Fails the command with 'error', which it frees, unless that is NULL. */
static bool
check(struct ctl_context *ctx, const char *key, char *error)
{
    if (error) {
        ctl_error(ctx, "%s: %s", key, error);
        free(error);
        return false;
    }
    return true;
}

/* Checks what 'args' refers to. */
static bool
check_references(struct ctl_context *ctx, const struct ctl_arg args[],
                 struct settings *st)
{
    if (args[IMAGE].value) {
        st->image = ctl_find_image(ctx, args[IMAGE].value, CTL_MUST_EXIST);
        if (!st->image) {
            return false;
        }
    }
    if (args[TYPE].value && *args[TYPE].value) {
        st->type = ctl_find_vi_type(ctx, args[TYPE].value, CTL_MUST_EXIST);
        if (!st->type) {
            return false;
        }
    }
    if (args[PROVIDER].value && *args[PROVIDER].value) {
        st->provider = ctl_find_provider(ctx, args[PROVIDER].value,
                                         CTL_MUST_EXIST);
        if (!st->provider) {
            return false;
        }
    }
    return true;
}

/* Checks 'args', all but the mode, for service 'self' or a new one (NULL). */
static bool
check_settings(struct ctl_context *ctx, const struct pcrec_service *self,
               const struct ctl_arg args[], struct settings *st)
{
    static const char *const policies[] = { "open", "close", NULL };
    static const char *const affinities[] = { "client", "connection", NULL };

    return (check_references(ctx, args, st)
            && (!args[REPLICAS].value
                || ctl_parse_int(ctx, "replicas", args[REPLICAS].value, 0,
                                 MAX_REPLICAS, &st->replicas))
            && (!args[ON_FAILURE].value
                || ctl_parse_enum(ctx, "on-failure", args[ON_FAILURE].value,
                                  policies))
            && (!args[AFFINITY].value
                || ctl_parse_enum(ctx, "affinity", args[AFFINITY].value,
                                  affinities))
            && (!args[HEALTH].value || !*args[HEALTH].value
                || check(ctx, "health", parse_health(args[HEALTH].value,
                                                     &st->health)))
            && (!args[ADDRESS].value || !*args[ADDRESS].value
                || check(ctx, "address",
                         parse_addresses(ctx, self, args[ADDRESS].value,
                                         &st->addresses)))
            && (!args[GATEWAY].value || !*args[GATEWAY].value
                || check(ctx, "gateway", parse_gateways(args[GATEWAY].value,
                                                        &st->gateways))));
}

/* Checks that a service of 'mode' may have what 'args' says. */
static bool
check_mode(struct ctl_context *ctx, const char *mode,
           const struct ctl_arg args[])
{
    static const char *const modes[] = {
        "route", "inline", "tap", "host", NULL
    };
    bool layer2 = !strcmp(mode, "inline") || !strcmp(mode, "tap");
    bool host = !strcmp(mode, "host");

    if (!ctl_parse_enum(ctx, "mode", mode, modes)) {
        return false;
    } else if (layer2 && (args[ADDRESS].value || args[GATEWAY].value)) {
        ctl_error(ctx, "%s: VIs of mode %s have no addresses",
                  args[ADDRESS].value ? "address" : "gateway", mode);
        return false;
    } else if (host && (args[ON_FAILURE].value || args[AFFINITY].value)) {
        ctl_error(ctx, "%s: a visible service has no rules that divert to "
                  "it", args[ON_FAILURE].value ? "on-failure" : "affinity");
        return false;
    } else if (!strcmp(mode, "tap") && args[ON_FAILURE].value
               && !strcmp(args[ON_FAILURE].value, "close")) {
        ctl_error(ctx, "on-failure: a tap gets copies: without it packets go "
                  "on as ever, so it is always open");
        return false;
    }
    return true;
}

static void
settings_init(struct settings *st)
{
    memset(st, 0, sizeof *st);
    smap_init(&st->health);
    svec_init(&st->addresses);
    svec_init(&st->gateways);
}

static void
settings_destroy(struct settings *st)
{
    smap_destroy(&st->health);
    svec_destroy(&st->addresses);
    svec_destroy(&st->gateways);
}

/* Writes the settings that were given to 's'. */
static void
apply_settings(const struct pcrec_service *s, const struct ctl_arg args[],
               const struct settings *st)
{
    if (st->image) {
        pcrec_service_set_image(s, st->image);
    }
    if (args[TYPE].value) {
        pcrec_service_set_type(s, st->type);
    }
    if (args[PROVIDER].value) {
        pcrec_service_set_provider(s, st->provider);
    }
    if (args[REPLICAS].value) {
        pcrec_service_set_replicas(s, st->replicas);
    }
    if (args[ON_FAILURE].value) {
        pcrec_service_set_on_failure(s, args[ON_FAILURE].value);
    }
    if (args[AFFINITY].value) {
        pcrec_service_set_affinity(s, args[AFFINITY].value);
    }
    if (args[HEALTH].value) {
        pcrec_service_set_health(s, &st->health);
    }
    if (args[ADDRESS].value) {
        pcrec_service_set_addresses(s, (const char **) st->addresses.names,
                                    st->addresses.n);
    }
    if (args[GATEWAY].value) {
        pcrec_service_set_gateways(s, (const char **) st->gateways.names,
                                   st->gateways.n);
    }
}

/* service-add */

/* Parses "transparent" or "visible", and the mode that goes with it. */
static bool
parse_kind(struct ctl_context *ctx, struct ctl_arg args[], bool *visible)
{
    static const char *const kinds[] = { "transparent", "visible", NULL };
    const char *kind = ctx->argv[2];

    if (!ctl_parse_enum(ctx, "kind of service", kind, kinds)) {
        return false;
    }
    *visible = !strcmp(kind, "visible");
    if (!args[MODE].value) {
        args[MODE].value = *visible ? "host" : "route";
    }
    if (!check_mode(ctx, args[MODE].value, args)) {
        return false;
    } else if (*visible != !strcmp(args[MODE].value, "host")) {
        ctl_error(ctx, *visible
                  ? "mode: a visible service has mode host, not %s"
                  : "mode: a transparent service has mode route, inline or "
                    "tap, not %s", args[MODE].value);
        return false;
    }
    return true;
}

static bool
name_is_free(struct ctl_context *ctx, const char *name)
{
    if (ctl_find_service(ctx, name, CTL_MAY_EXIST)) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a service \"%s\" already", name);
        }
        return false;
    } else if (ctl_find_chain(ctx, name, CTL_MAY_EXIST)) {
        ctl_error(ctx, "there is a chain \"%s\" already", name);
        return false;
    }
    return true;
}

static void
cmd_service_add(struct ctl_context *ctx)
{
    struct ctl_arg args[N_SERVICE] = SERVICE_ARGS;
    const char *name = ctx->argv[1];
    const struct pcrec_cloudlet *cloudlet = NULL;
    struct settings st;
    bool visible;

    settings_init(&st);
    if (!ctl_check_name(ctx, "service", name)
        || !ctl_parse_args(ctx, 3, args, N_SERVICE)
        || !parse_kind(ctx, args, &visible)
        || !check_settings(ctx, NULL, args, &st)) {
        /* Reported. */
    } else if (!args[IMAGE].value) {
        ctl_error(ctx, "service \"%s\" needs image=IMAGE", name);
    } else if (name_is_free(ctx, name)) {
        cloudlet = ctl_find_cloudlet(ctx, args[CLOUDLET].value,
                                     CTL_MUST_EXIST);
    }

    if (cloudlet) {
        struct pcrec_service *s = pcrec_service_insert(ctx->txn);

        pcrec_service_set_name(s, name);
        pcrec_service_set_cloudlet(s, cloudlet);
        pcrec_service_set_visible(s, visible);
        pcrec_service_set_mode(s, args[MODE].value);
        pcrec_service_set_replicas(s, 1);
        pcrec_service_set_on_failure(s, "open");
        pcrec_service_set_affinity(s, "client");
        apply_settings(s, args, &st);
        ctl_watch_add(ctx, &s->header_, "service \"%s\"", name);
    }
    settings_destroy(&st);
}

/* service-set, service-scale */

static void
pre_service_set(struct ctl_context *ctx)
{
    pre_service(ctx);
    ctl_use_vis(ctl_run_from_context(ctx));
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_service);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_capacity);
}

/* Gives the VIs of 's' the capacity of its new type. */
static void
resize_vis(struct ctl_context *ctx, const struct pcrec_service *s,
           const struct pcrec_vi_type *type)
{
    const struct pcrec_vi *vi;

    PCREC_VI_FOR_EACH (vi, ctx->idl) {
        if (vi->service == s) {
            pcrec_vi_set_capacity(vi,
                                  (const char **) (type ? type->key_capacity
                                                   : NULL),
                                  type ? type->value_capacity : NULL,
                                  type ? type->n_capacity : 0);
        }
    }
}

static void
cmd_service_set(struct ctl_context *ctx)
{
    struct ctl_arg args[N_SERVICE] = SERVICE_ARGS;
    const struct pcrec_service *s = ctl_find_service(ctx, ctx->argv[1],
                                                     CTL_MUST_EXIST);
    struct settings st;

    if (!s || !ctl_parse_args(ctx, 2, args, N_SERVICE)) {
        return;
    } else if (args[MODE].value || args[CLOUDLET].value) {
        ctl_error(ctx, "%s: a service keeps it: delete service \"%s\" and "
                  "add it again", args[MODE].value ? "mode" : "cloudlet",
                  s->name);
        return;
    }
    settings_init(&st);
    if (check_mode(ctx, s->mode, args)
        && check_settings(ctx, s, args, &st)) {
        if (!args[TYPE].value) {
            apply_settings(s, args, &st);
        } else if (ctl_need_vis_of_service(ctx, s)) {
            apply_settings(s, args, &st);
            resize_vis(ctx, s, st.type);
        }
    }
    settings_destroy(&st);
}

static void
cmd_service_scale(struct ctl_context *ctx)
{
    const struct pcrec_service *s = ctl_find_service(ctx, ctx->argv[1],
                                                     CTL_MUST_EXIST);
    int64_t replicas;

    if (s && ctl_parse_int(ctx, "replicas", ctx->argv[2], 0, MAX_REPLICAS,
                           &replicas)) {
        pcrec_service_set_replicas(s, replicas);
    }
}

/* service-del */

static void
pre_service_del(struct ctl_context *ctx)
{
    pre_service(ctx);
    ctl_use_rules(ctl_run_from_context(ctx));
    ovsdb_idl_add_column(ctx->idl, &pcrec_rule_col_service);
}

static void
cmd_service_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_service *s
        = ctl_find_service(ctx, ctx->argv[1],
                           must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_chain *c;
    const struct pcrec_rule *r, *next;

    if (!s) {
        return;
    }
    PCREC_CHAIN_FOR_EACH (c, ctx->idl) {
        for (size_t i = 0; i < c->n_services; i++) {
            if (c->value_services[i] == s) {
                ctl_error(ctx, "service \"%s\" is part of chain \"%s\"",
                          s->name, c->name);
                return;
            }
        }
    }
    if (!ctl_need_rules_of_service(ctx, s)) {
        return;
    }
    PCREC_RULE_FOR_EACH_SAFE (r, next, ctx->idl) {
        if (r->service == s) {
            ctl_delete_rule(ctx, r);
        }
    }
    pcrec_service_delete(s);
}

/* service-list */

static void
pre_service_list(struct ctl_context *ctx)
{
    pre_service(ctx);
    ctl_need_all_vis(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_error);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_service);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_col_ready);
}

static void
cmd_service_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name kind mode image type "
                                           "replicas ready on-failure "
                                           "provider error");
    const struct pcrec_service *s;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        const struct pcrec_vi *vi;
        int64_t n_ready = 0;

        PCREC_VI_FOR_EACH (vi, ctx->idl) {
            n_ready += vi->service == s && vi->ready;
        }
        ctl_cell(t, "%s", s->name);
        ctl_cell(t, "%s", s->visible ? "visible" : "transparent");
        ctl_cell(t, "%s", s->mode);
        ctl_cell(t, "%s", s->image ? s->image->name : "");
        ctl_cell(t, "%s", s->type ? s->type->name : "");
        ctl_cell_int(t, s->replicas);
        ctl_cell_int(t, n_ready);
        ctl_cell(t, "%s", s->visible ? "" : s->on_failure);
        ctl_cell(t, "%s", s->provider ? s->provider->name : "");
        ctl_cell(t, "%s", s->error);
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_service_commands[] = {
    {"service-add", 2, INT_MAX, "NEW-SERVICE transparent|visible "
     "[KEY=VALUE]...", pre_service, cmd_service_add, NULL, "--may-exist", RW},
    {"service-set", 2, INT_MAX, "SERVICE KEY=VALUE...", pre_service_set,
     cmd_service_set, NULL, "", RW},
    {"service-scale", 2, 2, "SERVICE ARG", pre_service, cmd_service_scale,
     NULL, "", RW},
    {"service-del", 1, 1, "SERVICE", pre_service_del, cmd_service_del, NULL,
     "--if-exists", RW},
    {"service-list", 0, 0, "", pre_service_list, cmd_service_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
