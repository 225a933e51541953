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

/* Commands: reservation-list, reservation-show, quote, calendar. */

#include <config.h>

#include "ctl-reserve.h"

#include "pc-booking-explain.h"
#include "pc-booking.h"
#include "pc-clock.h"
#include "pc-report.h"
#include "pc-request.h"
#include "pc-tariff.h"
#include "pc-time.h"
#include "pc-topology.h"
#include "pc-units.h"
#include "smap.h"
#include "util.h"
#include "uuid.h"

/* reservation-list, reservation-show */

static void
pre_reservation_list(struct ctl_context *ctx)
{
    ovsdb_idl_add_table(ctx->idl, &pcrec_table_reservation);
    for (size_t i = 0; i < pcrec_table_reservation.n_columns; i++) {
        ovsdb_idl_add_column(ctx->idl, &pcrec_table_reservation.columns[i]);
    }
    ovsdb_idl_add_column(ctx->idl, &pcrec_provider_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_node_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_cloudlet_col_name);
    if (!strcmp(ctx->argv[0], "reservation-show")) {
        ctl_need_reservation_by_name(ctx, ctx->argv[1]);
    } else {
        ctl_need_all_reservations(ctx);
    }
}

/* The slots that 'r' has, or else asks for. */
static char *
parse_slots(const struct pcrec_reservation *r, struct pc_slot **slots,
            size_t *n)
{
    return (r->n_slots
            ? pc_request_parse_slots(r->slots, r->n_slots, slots, n)
            : pc_request_parse_slots(r->wanted, r->n_wanted, slots, n));
}

static void
cell_time(struct ctl_table *t, int64_t time)
{
    char *text = pc_time_format(time);

    ctl_cell(t, "%s", text);
    free(text);
}

static void
cell_money(struct ctl_table *t, int64_t microunits)
{
    char *text = pc_money_format(microunits);

    ctl_cell(t, "%s", text);
    free(text);
}

static void
cmd_reservation_list(struct ctl_context *ctx)
{
    const struct pcrec_provider *only = NULL;
    const struct pcrec_reservation *r;

    if (ctx->argc > 1) {
        only = ctl_find_provider(ctx, ctx->argv[1], CTL_MUST_EXIST);
        if (!only) {
            return;
        }
    }

    struct ctl_table *t = ctl_table_create("name provider state begin end "
                                           "node service paid reason");
    PCREC_RESERVATION_FOR_EACH (r, ctx->idl) {
        struct pc_slot *slots;
        size_t n;

        if (only && r->provider != only) {
            continue;
        }
        char *error = parse_slots(r, &slots, &n);
        ctl_cell(t, "%s", r->name);
        ctl_cell(t, "%s", r->provider->name);
        ctl_cell(t, "%s", r->state);
        cell_time(t, n ? slots[0].begin : 0);
        cell_time(t, n ? slots[n - 1].end : 0);
        ctl_cell(t, "%s", r->node ? r->node->name : "");
        ctl_cell(t, "%s", r->service ? r->service->name : "");
        cell_money(t, r->paid);
        ctl_cell(t, "%s", error ? error : r->reason);
        free(error);
        free(slots);
    }
    ctl_table_output(ctx, t);
}

static void
put_slots(struct ds *s, const char *what, char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ds_put_format(s, "    %s: %s\n", what, texts[i]);
    }
}

static void
put_money(struct ds *s, const char *what, int64_t microunits)
{
    char *text = pc_money_format(microunits);

    ds_put_format(s, "    %s: %s\n", what, text);
    free(text);
}

/* What VIs that are gone have used, in the units of a tariff's prices. */
static void
put_used(struct ds *s, const struct pcrec_reservation *r)
{
    static const struct {
        const char *key, *unit;
        int64_t divisor;
    } units[] = {
        { "cpu", "core hours", INT64_C(1000) * 3600 },
        { "memory", "GiB hours", (INT64_C(1) << 30) * 3600 },
        { "disk", "GB hours", INT64_C(1000000000) * 3600 },
        { "received", "Gbit", INT64_C(1000000000) },
        { "sent", "Gbit", INT64_C(1000000000) },
    };

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        for (size_t j = 0; j < r->n_used; j++) {
            if (!strcmp(r->key_used[j], units[i].key)) {
                __int128 micro = ((__int128) r->value_used[j] * 1000000
                                  / units[i].divisor);
                char *text = pc_money_format(MIN(micro, INT64_MAX));

                ds_put_format(s, "    used: %s %s %s\n", units[i].key, text,
                              units[i].unit);
                free(text);
            }
        }
    }
}

static void
cmd_reservation_show(struct ctl_context *ctx)
{
    const struct pcrec_reservation *r;
    struct ds *s = &ctx->output;

    PCREC_RESERVATION_FOR_EACH (r, ctx->idl) {
        if (!strcmp(r->name, ctx->argv[1])) {
            break;
        }
    }
    if (!r) {
        ctl_error(ctx, "there is no reservation \"%s\"", ctx->argv[1]);
        return;
    }
    ds_put_format(s, "Reservation %s\n    provider: %s\n    state: %s\n",
                  r->name, r->provider->name, r->state);
    if (r->reason[0]) {
        ds_put_format(s, "    reason: %s\n", r->reason);
    }
    ctl_put_alternatives(s, &r->alternatives, "    instead, ", "\n");
    put_slots(s, "slot", r->slots, r->n_slots);
    put_slots(s, "proposed slot", r->proposed, r->n_proposed);
    if (!r->n_slots || r->answered != r->request) {
        put_slots(s, "wanted slot", r->wanted, r->n_wanted);
    }
    if (r->node) {
        ds_put_format(s, "    node: %s\n", r->node->name);
    }
    if (r->proposed_node) {
        ds_put_format(s, "    moves to: %s\n", r->proposed_node->name);
    }
    if (r->service) {
        ds_put_format(s, "    service: %s\n", r->service->name);
    }
    put_money(s, "paid", r->paid);
    put_used(s, r);
    for (size_t i = 0; i < r->n_changes; i++) {
        char *time = pc_time_format(r->key_changes[i] / 1000);
        ds_put_format(s, "    %s %s\n", time, r->value_changes[i]);
        free(time);
    }
}

/* quote */

static void
pre_quote(struct ctl_context *ctx)
{
    pc_booking_register(ctx->idl, false);
    ctl_need_all_reservations(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_cloudlet);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_type);
    ovsdb_idl_add_column(ctx->idl, &pcrec_vi_type_col_capacity);
}

static void
quote(struct ctl_context *ctx, struct pc_booking *b,
      const struct pc_engine_request *req)
{
    struct pc_engine_placement p;

    if (!pc_engine_place(pc_booking_engine(b), req, &p)) {
        struct smap alternatives = SMAP_INITIALIZER(&alternatives);
        char *reason = pc_booking_explain(b, ctx->idl, req, &alternatives);
        struct ds s = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&s, reason);
        ctl_put_alternatives(&s, &alternatives, "; instead, ", "");
        ctl_error(ctx, "%s", ds_cstr(&s));
        ds_destroy(&s);
        free(reason);
        smap_destroy(&alternatives);
        return;
    }
    const struct pcrec_cloudlet *cloudlet
        = pcrec_cloudlet_get_for_uuid(ctx->idl, &p.cloudlet);
    struct pc_tariff tariff;
    int64_t price = pc_booking_price(b, cloudlet, req, &tariff);
    if (price == INT64_MAX) {
        ctl_error(ctx, PC_PRICE_TOO_HIGH);
        return;
    }
    struct ctl_table *t = ctl_table_create("cloudlet node distance price");

    ctl_cell(t, "%s", cloudlet->name);
    ctl_cell(t, "%s", pcrec_node_get_for_uuid(ctx->idl, &p.node)->name);
    if (p.distance == PC_DISTANCE_MAX) {
        ctl_cell(t, "-");
    } else {
        ctl_cell(t, "%"PRIu64, p.distance);
    }
    cell_money(t, price);
    ctl_table_output(ctx, t);
}

static void
cmd_quote(struct ctl_context *ctx)
{
    const struct pcrec_provider *provider;
    const struct pcrec_service *service;
    const struct pcrec_cloudlet *cloudlet;
    struct pc_request r;

    if (ctl_request_parse(ctx, &r)
        && ctl_request_find(ctx, &r, &provider, &service, &cloudlet)) {
        struct pc_booking *b = pc_booking_create(ctx->idl, false);
        struct pc_engine_request req = {
            .provider = provider->header_.uuid,
            .isp = provider->isp,
            .slots = r.slots,
            .n_slots = r.n_slots,
            .cloudlet = cloudlet ? cloudlet->header_.uuid : UUID_ZERO,
        };

        uuid_generate(&req.uuid);
        pc_booking_run(b);
        if (r.from) {
            pc_booking_find_pop(b, r.from, &req.pop);
        }
        quote(ctx, b, &req);
        pc_booking_destroy(b);
    }
    pc_request_destroy(&r);
}

/* calendar */

/* How many columns a day, an hour and so on is divided into. */
#define CALENDAR_STEPS 48

struct calendar {
    struct ctl_context *ctx;
    struct pc_booking *booking;
    int64_t from, to;
    struct ctl_table *table;    /* NULL: drawn. */
};

/* The part of 'total' that is used, as a digit: 0 for less than a tenth, '#' for
 * all of it or more; '.' for nothing. */
static char
digit(int64_t used, int64_t total)
{
    return (!used ? '.'
            : used >= total ? '#'
            : '0' + (int) ((__int128) used * 10 / total));
}

static void
draw(struct calendar *cal, const char *name, const struct pc_profile *profile,
     const struct pc_amount *total)
{
    struct ds *s = &cal->ctx->output;

    ds_put_format(s, "%s\n", name);
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        ds_put_format(s, "  %-8s ", pc_capacity_names[d]);
        for (int i = 0; i < CALENDAR_STEPS; i++) {
            int64_t length = cal->to - cal->from;
            struct pc_amount peak = { { 0 } };

            if (profile) {
                pc_profile_peak(profile,
                                cal->from + length * i / CALENDAR_STEPS,
                                cal->from + length * (i + 1) / CALENDAR_STEPS,
                                &peak);
            }
            ds_put_char(s, digit(peak.value[d], total->value[d]));
        }
        char *text = pc_units_format_capacity(pc_capacity_names[d],
                                              total->value[d]);
        ds_put_format(s, " of %s\n", text);
        free(text);
    }
}

struct tabulate_aux {
    struct calendar *cal;
    const char *name;
};

static bool
tabulate_step(int64_t begin, int64_t end, const struct pc_amount *used,
              void *aux_)
{
    struct tabulate_aux *aux = aux_;
    struct ctl_table *t = aux->cal->table;

    ctl_cell(t, "%s", aux->name);
    cell_time(t, begin);
    cell_time(t, end);
    for (int d = 0; d < PC_N_AMOUNTS; d++) {
        ctl_cell_int(t, used->value[d]);
    }
    return true;
}

static void
one_calendar(struct calendar *cal, const char *name,
             const struct pc_profile *profile, const struct pc_amount *total)
{
    struct tabulate_aux aux = { cal, name };

    if (!cal->table) {
        draw(cal, name, profile, total);
    } else if (profile) {
        pc_profile_walk(profile, cal->from, cal->to, tabulate_step, &aux);
    }
}

static bool
parse_period(struct ctl_context *ctx, const struct ctl_arg args[2],
             int64_t *from, int64_t *to)
{
    int64_t now = pc_clock_now();
    char *error = NULL;

    *from = now / 3600 * 3600;
    if (args[0].value) {
        error = pc_time_parse(args[0].value, now, from);
    }
    *to = *from + 86400;
    if (!error && args[1].value) {
        error = pc_time_parse(args[1].value, now, to);
    }
    if (!error && *to <= *from) {
        error = xstrdup("the end is not after the begin");
    }
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        return false;
    }
    return true;
}

static void
all_calendars(struct calendar *cal, const char *name)
{
    struct pc_engine *engine = pc_booking_engine(cal->booking);
    const struct pcrec_cloudlet *c;
    bool any = false;

    PCREC_CLOUDLET_FOR_EACH (c, cal->ctx->idl) {
        bool whole = !name || !strcmp(name, c->name);
        struct pc_amount total;

        if (whole) {
            pc_engine_cloudlet_total(engine, &c->header_.uuid, &total);
            one_calendar(cal, c->name,
                         pc_engine_cloudlet_profile(engine, &c->header_.uuid),
                         &total);
            any = true;
        }
        for (size_t i = 0; i < c->n_nodes; i++) {
            const struct pcrec_node *node = c->nodes[i];

            if (whole || !strcmp(name, node->name)) {
                pc_report_node_total(node, &total);
                one_calendar(cal, node->name,
                             pc_engine_node_profile(engine,
                                                    &node->header_.uuid),
                             &total);
                any = true;
            }
        }
    }
    if (name && !any) {
        ctl_error(cal->ctx, "there is no cloudlet or node \"%s\"", name);
    }
}

static void
cmd_calendar(struct ctl_context *ctx)
{
    struct ctl_arg args[] = { { .key = "from" }, { .key = "to" } };
    bool named = ctx->argc > 1 && !strchr(ctx->argv[1], '=');
    struct calendar cal = { .ctx = ctx };

    if (!ctl_parse_args(ctx, named ? 2 : 1, args, ARRAY_SIZE(args))
        || !parse_period(ctx, args, &cal.from, &cal.to)) {
        return;
    }
    if (ctl_run_from_context(ctx)->format_given) {
        cal.table = ctl_table_create("name begin end cpu memory disk network");
    } else {
        char *from = pc_time_format(cal.from), *to = pc_time_format(cal.to);
        ds_put_format(&ctx->output, "%s to %s; . free, 0-9 tenths, # full\n",
                      from, to);
        free(from);
        free(to);
    }
    cal.booking = pc_booking_create(ctx->idl, false);
    pc_booking_run(cal.booking);
    all_calendars(&cal, named ? ctx->argv[1] : NULL);
    if (cal.table) {
        ctl_table_output(ctx, cal.table);
    }
    pc_booking_destroy(cal.booking);
}

const struct ctl_command_syntax ctl_reservation_commands[] = {
    {"reservation-list", 0, 1, "[PROVIDER]", pre_reservation_list,
     cmd_reservation_list, NULL, "--columns=", RO},
    {"reservation-show", 1, 1, "RESERVATION", pre_reservation_list,
     cmd_reservation_show, NULL, "", RO},
    {"quote", 1, INT_MAX, "PROVIDER|file=FILE [SLOT]... [KEY=VALUE]...",
     pre_quote, cmd_quote, NULL, "--columns=", RO},
    {"calendar", 0, 3, "[NODE|CLOUDLET] [from=TIME] [to=TIME]", pre_quote,
     cmd_calendar, NULL, "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
