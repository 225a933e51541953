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

#include "ctl-settings.h"

#include "openvswitch/dynamic-string.h"
#include "util.h"

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
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_options);
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
    if (!ctl_mode_check(ctx, args[MODE].value, args)) {
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
    struct ctl_settings st;
    bool visible;

    ctl_settings_init(&st);
    if (!ctl_check_name(ctx, "service", name)
        || !ctl_parse_args(ctx, 3, args, N_SERVICE)
        || !parse_kind(ctx, args, &visible)
        || !ctl_settings_check(ctx, NULL, args, &st)) {
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
        ctl_settings_apply(s, args, &st);
        ctl_watch_add(ctx, &s->header_, "service \"%s\"", name);
    }
    ctl_settings_destroy(&st);
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
    struct ctl_settings st;

    if (!s || !ctl_parse_args(ctx, 2, args, N_SERVICE)) {
        return;
    } else if (args[MODE].value || args[CLOUDLET].value) {
        ctl_error(ctx, "%s: a service keeps it: delete service \"%s\" and "
                  "add it again", args[MODE].value ? "mode" : "cloudlet",
                  s->name);
        return;
    }
    ctl_settings_init(&st);
    if (ctl_mode_check(ctx, s->mode, args)
        && ctl_settings_check(ctx, s, args, &st)) {
        if (!args[TYPE].value) {
            ctl_settings_apply(s, args, &st);
        } else if (ctl_need_vis_of_service(ctx, s)) {
            ctl_settings_apply(s, args, &st);
            resize_vis(ctx, s, st.type);
        }
    }
    ctl_settings_destroy(&st);
}

static void
cmd_service_scale(struct ctl_context *ctx)
{
    const struct pcrec_service *s = ctl_find_service(ctx, ctx->argv[1],
                                                     CTL_MUST_EXIST);
    int64_t replicas;

    if (s && ctl_parse_int(ctx, "replicas", ctx->argv[2], 0, CTL_MAX_REPLICAS,
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
