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

/* Commands that look at the packets of VIs: inspect, inspect-list. */

#include <config.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "pc-name.h"
#include "pc-units.h"
#include "smap.h"
#include "util.h"

/* Inspection.sample, as the schema has it. */
#define MAX_SAMPLE 65535

/* Inspection.max_size, unless size= says otherwise. */
#define DEFAULT_SIZE (64 * 1024 * 1024)

enum { TO, SAMPLE, MAX_RATE, SIZE, N_ARGS };

/* What is inspected: one of both. */
struct target {
    const struct pcrec_vi *vi;
    const struct pcrec_service *service;
};

/* Where the copies go: one of the three. */
struct destination {
    const char *port;
    const struct pcrec_service *service;
    char *file;                 /* Absolute. */
};

static void
pre_inspections(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_service_col_name, &pcrec_service_col_mode,
        &pcrec_service_col_inspections,
        &pcrec_vi_col_name, &pcrec_vi_col_service, &pcrec_vi_col_inspections,
        &pcrec_inspection_col_sample, &pcrec_inspection_col_max_rate,
        &pcrec_inspection_col_port, &pcrec_inspection_col_service,
        &pcrec_inspection_col_file, &pcrec_inspection_col_max_size,
        &pcrec_inspection_col_status, &pcrec_inspection_col_error,
        &pcrec_inspection_col_capture, &pcrec_inspection_col_statistics,
    };

    ctl_use_vis(ctl_run_from_context(ctx));
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
}

static void
pre_inspect(struct ctl_context *ctx)
{
    pre_inspections(ctx);
    ctl_need_vi_by_name(ctx, ctx->argv[1]);
}

static void
pre_inspect_list(struct ctl_context *ctx)
{
    pre_inspections(ctx);
    ctl_need_all_vis(ctx);
}

static bool
find_target(struct ctl_context *ctx, const char *name, struct target *t)
{
    t->vi = ctl_find_vi(ctx, name, CTL_MAY_EXIST);
    t->service = t->vi ? NULL : ctl_find_service(ctx, name, CTL_MAY_EXIST);
    if (!t->vi && !t->service) {
        char *quoted = pc_name_quote(name);

        ctl_error(ctx, "there is no VI or service %s", quoted);
        free(quoted);
        return false;
    }
    return true;
}

/* The inspections of 't'; '*n' is how many. */
static struct pcrec_inspection **
target_inspections(const struct target *t, size_t *n)
{
    *n = t->vi ? t->vi->n_inspections : t->service->n_inspections;
    return t->vi ? t->vi->inspections : t->service->inspections;
}

static void
add_inspection(const struct target *t, const struct pcrec_inspection *in)
{
    if (t->vi) {
        pcrec_vi_update_inspections_addvalue(t->vi, in);
    } else {
        pcrec_service_update_inspections_addvalue(t->service, in);
    }
}

static void
remove_inspection(const struct target *t, const struct pcrec_inspection *in)
{
    if (t->vi) {
        pcrec_vi_update_inspections_delvalue(t->vi, in);
    } else {
        pcrec_service_update_inspections_delvalue(t->service, in);
    }
}

/* A file is told by a slash or its suffix, a service by its name; the rest are
 * ports. */
static bool
parse_destination(struct ctl_context *ctx, const struct target *t,
                  const char *to, struct destination *d)
{
    size_t len = strlen(to);

    memset(d, 0, sizeof *d);
    if (strchr(to, '/') || (len > 5 && !strcmp(to + len - 5, ".pcap"))) {
        d->file = abs_file_name(NULL, to);
        return true;
    }
    if (!len) {
        ctl_error(ctx, "to: say PORT, SERVICE or FILE.pcap");
        return false;
    }
    d->service = ctl_find_service(ctx, to, CTL_MAY_EXIST);
    if (!d->service) {
        d->port = to;
    } else if (strcmp(d->service->mode, "tap")) {
        ctl_error(ctx, "to: service \"%s\" has mode %s; only one of mode tap "
                  "takes copies", to, d->service->mode);
        return false;
    } else if (d->service == t->service
               || (t->vi && d->service == t->vi->service)) {
        ctl_error(ctx, "to: service \"%s\" cannot inspect itself", to);
        return false;
    }
    return true;
}

/* The inspection of 't' that has copies sent to 'd', or NULL. */
static const struct pcrec_inspection *
find_inspection(const struct target *t, const struct destination *d)
{
    struct pcrec_inspection **all;
    size_t n;

    all = target_inspections(t, &n);
    for (size_t i = 0; i < n; i++) {
        if (d->file ? !strcmp(all[i]->file, d->file)
            : d->service ? all[i]->service == d->service
            : !strcmp(all[i]->port, d->port)) {
            return all[i];
        }
    }
    return NULL;
}

/* Parses "1/N" or "N". */
static bool
parse_sample(struct ctl_context *ctx, const char *value, int64_t *sample)
{
    return ctl_parse_int(ctx, "sample",
                         !strncmp(value, "1/", 2) ? value + 2 : value,
                         1, MAX_SAMPLE, sample);
}

static bool
parse_size(struct ctl_context *ctx, const char *value, int64_t *size)
{
    uint64_t bytes;
    char *error = pc_units_parse_bytes(value, &bytes);

    if (!error && bytes > INT64_MAX) {
        error = xasprintf("\"%s\" is too much", value);
    }
    if (error) {
        ctl_error(ctx, "size: %s", error);
        free(error);
        return false;
    }
    *size = bytes;
    return true;
}

/* Makes 'in' what 'args' says. */
static bool
set_inspection(struct ctl_context *ctx, const struct pcrec_inspection *in,
               const struct ctl_arg args[N_ARGS])
{
    int64_t sample, max_rate, size;

    if (args[SAMPLE].value) {
        if (!parse_sample(ctx, args[SAMPLE].value, &sample)) {
            return false;
        }
        pcrec_inspection_set_sample(in, sample);
    }
    if (args[MAX_RATE].value) {
        if (*args[MAX_RATE].value
            && !ctl_parse_int(ctx, "max", args[MAX_RATE].value, 1, INT32_MAX,
                              &max_rate)) {
            return false;
        }
        pcrec_inspection_set_max_rate(in, &max_rate,
                                      *args[MAX_RATE].value != '\0');
    }
    if (args[SIZE].value) {
        if (!parse_size(ctx, args[SIZE].value, &size)) {
            return false;
        }
        pcrec_inspection_set_max_size(in, size);
    }
    return true;
}

static void
start_inspection(struct ctl_context *ctx, const struct target *t,
                 const struct destination *d,
                 const struct ctl_arg args[N_ARGS])
{
    const struct pcrec_inspection *in = find_inspection(t, d);

    if (!in) {
        in = pcrec_inspection_insert(ctx->txn);
        pcrec_inspection_set_sample(in, 1);
        pcrec_inspection_set_max_size(in, d->file ? DEFAULT_SIZE : 0);
        if (d->file) {
            pcrec_inspection_set_file(in, d->file);
        } else if (d->service) {
            pcrec_inspection_set_service(in, d->service);
        } else {
            pcrec_inspection_set_port(in, d->port);
        }
        add_inspection(t, in);
        ctl_watch_add(ctx, &in->header_, "inspection of \"%s\"",
                      ctx->argv[1]);
    }
    set_inspection(ctx, in, args);
}

/* Ends those of 't' that go to 'd', or if that is NULL all. */
static void
stop_inspections(struct ctl_context *ctx, const struct target *t,
                 const struct destination *d)
{
    size_t n;

    target_inspections(t, &n);
    if (d) {
        const struct pcrec_inspection *in = find_inspection(t, d);

        if (!in) {
            ctl_error(ctx, "\"%s\" is not inspected to there", ctx->argv[1]);
        } else {
            remove_inspection(t, in);
        }
    } else if (!n) {
        ctl_error(ctx, "\"%s\" is not inspected", ctx->argv[1]);
    } else if (t->vi) {
        pcrec_vi_set_inspections(t->vi, NULL, 0);
    } else {
        pcrec_service_set_inspections(t->service, NULL, 0);
    }
}

static void
cmd_inspect(struct ctl_context *ctx)
{
    struct ctl_arg args[N_ARGS] = {
        [TO] = { .key = "to" }, [SAMPLE] = { .key = "sample" },
        [MAX_RATE] = { .key = "max" }, [SIZE] = { .key = "size" },
    };
    bool stop = shash_find(&ctx->options, "--stop") != NULL;
    struct destination d;
    struct target t;

    if (!find_target(ctx, ctx->argv[1], &t)
        || !ctl_parse_args(ctx, 2, args, N_ARGS)) {
        return;
    }
    if (!args[TO].value) {
        if (stop && ctx->argc == 2) {
            stop_inspections(ctx, &t, NULL);
        } else {
            ctl_error(ctx, "say where the copies go: to=PORT, to=SERVICE or "
                      "to=FILE.pcap");
        }
        return;
    }
    if (!parse_destination(ctx, &t, args[TO].value, &d)) {
        return;
    }
    if (stop && ctx->argc > 3) {
        ctl_error(ctx, "--stop takes no more than to=");
    } else if (args[SIZE].value && !d.file) {
        ctl_error(ctx, "size: only a file has one");
    } else if (stop) {
        stop_inspections(ctx, &t, &d);
    } else {
        start_inspection(ctx, &t, &d, args);
    }
    free(d.file);
}

/* inspect-list */

static int64_t
statistic(const struct pcrec_inspection *in, const char *key)
{
    for (size_t i = 0; i < in->n_statistics; i++) {
        if (!strcmp(in->key_statistics[i], key)) {
            return in->value_statistics[i];
        }
    }
    return 0;
}

static void
cell_state(struct ctl_table *t, const struct pcrec_inspection *in)
{
    const struct smap_node *node;

    SMAP_FOR_EACH (node, &in->capture) {
        ctl_cell(t, "%s", node->value);
        return;
    }
    ctl_cell(t, "%s", smap_get_def(&in->status, "mode", ""));
}

static void
list_row(struct ctl_table *t, const char *target,
         const struct pcrec_inspection *in)
{
    int now = smap_get_int(&in->status, "probability", 0);
    char *max = in->n_max_rate ? xasprintf("%"PRId64, in->max_rate[0])
                               : xstrdup("");

    ctl_cell(t, "%s", target);
    ctl_cell(t, "%s", (in->file[0] ? in->file
                       : in->service ? in->service->name : in->port));
    ctl_cell(t, "1/%"PRId64, in->sample);
    ctl_cell(t, "%s", max);
    if (now) {
        ctl_cell(t, "%.4g%%", now * 100.0 / 65535);
    } else {
        ctl_cell(t, "%s", "");
    }
    cell_state(t, in);
    ctl_cell(t, "%"PRId64, statistic(in, "packets"));
    ctl_cell(t, "%"PRId64, statistic(in, "dropped"));
    ctl_cell(t, "%s", in->error[0] ? in->error
             : smap_get_def(&in->status, "notice", ""));
    free(max);
}

static void
list_target(struct ctl_table *table, const struct target *t)
{
    struct pcrec_inspection **all;
    size_t n;

    all = target_inspections(t, &n);
    for (size_t i = 0; i < n; i++) {
        list_row(table, t->vi ? t->vi->name : t->service->name, all[i]);
    }
}

static void
cmd_inspect_list(struct ctl_context *ctx)
{
    struct target t = { .vi = NULL }, only = { .vi = NULL };
    struct ctl_table *table;

    if (ctx->argc > 1 && !find_target(ctx, ctx->argv[1], &only)) {
        return;
    }
    table = ctl_table_create("target to sample max now state packets dropped "
                             "notice");
    PCREC_SERVICE_FOR_EACH (t.service, ctx->idl) {
        if (ctx->argc == 1 || only.service == t.service
            || (only.vi && only.vi->service == t.service)) {
            list_target(table, &t);
        }
    }
    PCREC_VI_FOR_EACH (t.vi, ctx->idl) {
        if (ctx->argc == 1 || only.vi == t.vi
            || (only.service && t.vi->service == only.service)) {
            list_target(table, &t);
        }
    }
    ctl_table_output(ctx, table);
}

const struct ctl_command_syntax ctl_inspect_commands[] = {
    {"inspect", 1, INT_MAX, "VI|SERVICE [KEY=VALUE]...", pre_inspect,
     cmd_inspect, NULL, "--stop", RW},
    {"inspect-list", 0, 1, "[VI|SERVICE]", pre_inspect_list,
     cmd_inspect_list, NULL, "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
