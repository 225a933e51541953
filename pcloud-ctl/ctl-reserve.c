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

/* Commands: reserve, resize, cancel, reservation-*. */

#include <config.h>

#include "ctl-reserve.h"

#include "pc-clock.h"
#include "pc-request.h"
#include "pc-units.h"
#include "util.h"
#include "uuid.h"

/* What a request may name. */
static void
pre_find(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_provider_col_name, &pcrec_service_col_name,
        &pcrec_service_col_cloudlet, &pcrec_service_col_provider,
        &pcrec_service_col_type, &pcrec_vi_type_col_capacity,
        &pcrec_cloudlet_col_name, &pcrec_cloudlet_col_nodes,
        &pcrec_node_col_name,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
}

static void
pre_reservation(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &pcrec_reservation_col_name, &pcrec_reservation_col_provider,
        &pcrec_reservation_col_service, &pcrec_reservation_col_cloudlet,
        &pcrec_reservation_col_source, &pcrec_reservation_col_wanted,
        &pcrec_reservation_col_cancel, &pcrec_reservation_col_request,
        &pcrec_reservation_col_state, &pcrec_reservation_col_slots,
        &pcrec_reservation_col_node, &pcrec_reservation_col_move_to,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
    pre_find(ctx);
    ctl_wait_reserve_prerequisites(ctx);
}

/* For use in prerequisites() of a command about a reservation that is there. */
static void
pre_one(struct ctl_context *ctx)
{
    pre_reservation(ctx);
    ctl_need_reservation_by_name(ctx, ctx->argv[1]);
}

/* reserve */

static const struct pcrec_reservation *
find_reservation(struct ctl_context *ctx, const char *name, enum ctl_must must)
{
    const struct pcrec_reservation *r;

    PCREC_RESERVATION_FOR_EACH (r, ctx->idl) {
        if (!strcmp(r->name, name)) {
            return r;
        }
    }
    if (must == CTL_MUST_EXIST) {
        ctl_error(ctx, "there is no reservation \"%s\"", name);
    }
    return NULL;
}

static void
set_wanted(const struct pcrec_reservation *r, const struct pc_slot *slots,
           size_t n)
{
    char **texts = pc_request_format_slots(slots, n);

    pcrec_reservation_set_wanted(r, (const char **) texts, n);
    for (size_t i = 0; i < n; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void
insert_reservation(struct ctl_context *ctx, struct pc_request *req,
                   const char *name)
{
    const struct pcrec_provider *provider;
    const struct pcrec_service *service;
    const struct pcrec_cloudlet *cloudlet;

    if (!ctl_request_find(ctx, req, &provider, &service, &cloudlet)) {
        return;
    }
    struct pcrec_reservation *r = pcrec_reservation_insert(ctx->txn);
    pcrec_reservation_set_name(r, name);
    pcrec_reservation_set_provider(r, provider);
    pcrec_reservation_set_service(r, service);
    pcrec_reservation_set_cloudlet(r, cloudlet);
    pcrec_reservation_set_source(r, req->from ? req->from : "");
    pcrec_reservation_set_request(r, 1);
    pcrec_reservation_set_state(r, "pending");
    set_wanted(r, req->slots, req->n_slots);
    ctl_watch_reservation(ctx, r, 1);
    ds_put_format(&ctx->output, "%s\n", name);
}

/* The name of the reservation that this command makes, for the caller to free:
 * the same whenever it is asked for. */
static char *
new_name(struct ctl_context *ctx, const struct pc_request *req)
{
    struct ctl_run *run = ctl_run_from_context(ctx);
    size_t i = 0;

    if (req->name) {
        return xstrdup(req->name);
    }
    if (!run->first_name) {
        struct uuid random;

        uuid_generate(&random);
        run->first_name = MAX(random.parts[0], 1);
    }
    while (i < run->n_commands && run->commands[i].argv != ctx->argv) {
        i++;
    }
    return xasprintf("r%08x", run->first_name + (unsigned int) i);
}

/* The table of reservations, of which there may be a hundred thousand, is left
 * alone if it can be: the server makes a copy of each row for a client that
 * monitors it.  That the name is new it says itself. */
static void
pre_reserve(struct ctl_context *ctx)
{
    struct ctl_run *run = ctl_run_from_context(ctx);
    struct pc_request req;

    pre_find(ctx);
    if (ctl_request_parse(ctx, &req)
        && (run->wait_scheduled || run->wait_active
            || shash_find(&ctx->options, "--may-exist"))) {
        char *name = new_name(ctx, &req);

        pre_reservation(ctx);
        ctl_need_reservation_by_name(ctx, name);
        free(name);
    }
    pc_request_destroy(&req);
}

/* If 'error', of a transaction, says that a name is not new, ends the program with
 * a line that says which. */
void
ctl_reserve_check_error(const char *error)
{
    static const char what[]
        = "rows in \\\"Reservation\\\" table to have identical values (";
    const char *name = strstr(error, what);

    if (name) {
        name += strlen(what);
        name += strspn(name, "\\\"");   /* Some names are in quotes. */
        ctl_fatal("there is a reservation \"%.*s\" already",
                  (int) strcspn(name, "\\)"), name);
    }
}

static void
cmd_reserve(struct ctl_context *ctx)
{
    struct pc_request req;

    if (ctl_request_parse(ctx, &req)
        && (!req.name || ctl_check_name(ctx, "reservation", req.name))) {
        char *name = new_name(ctx, &req);

        if (!find_reservation(ctx, name, CTL_MAY_EXIST)) {
            insert_reservation(ctx, &req, name);
        } else if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is a reservation \"%s\" already", name);
        }
        free(name);
    }
    pc_request_destroy(&req);
}

/* resize, cancel */

/* Is 'r' over?  Then says so. */
static bool
check_not_over(struct ctl_context *ctx, const struct pcrec_reservation *r)
{
    if (!strcmp(r->state, "ended") || !strcmp(r->state, "cancelled")
        || !strcmp(r->state, "declined") || !strcmp(r->state, "failed")) {
        ctl_error(ctx, "reservation \"%s\" is %s", r->name, r->state);
        return false;
    }
    return true;
}

static void
next_request(struct ctl_context *ctx, const struct pcrec_reservation *r)
{
    pcrec_reservation_verify_request(r);
    pcrec_reservation_set_request(r, r->request + 1);
    ctl_watch_reservation(ctx, r, r->request);
}

/* Takes what is before 'now' away from 'tail', where the begin is that of what is
 * to be changed: what was is not changed. */
static void
cut_past(struct pc_request *tail, int64_t now)
{
    size_t past = 0;

    while (past < tail->n_slots && tail->slots[past].end <= now) {
        past++;
    }
    tail->n_slots -= past;
    memmove(tail->slots, tail->slots + past,
            tail->n_slots * sizeof *tail->slots);
    if (tail->n_slots) {
        tail->slots[0].begin = MAX(tail->slots[0].begin, now);
    }
}

/* Puts the slots in 'tail' into the place of what 'old' has from their begin on.
 * Returns the new slots, for the caller to free; NULL after an error. */
static struct pc_slot *
replace_tail(struct ctl_context *ctx, const struct pc_slot *old, size_t n_old,
             const struct pc_request *tail, size_t *n)
{
    struct pc_slot *slots = xmalloc((n_old + tail->n_slots) * sizeof *slots);
    int64_t from = tail->slots[0].begin;

    *n = 0;
    for (size_t i = 0; i < n_old && old[i].begin < from; i++) {
        slots[*n] = old[i];
        slots[*n].end = MIN(old[i].end, from);
        ++*n;
    }
    memcpy(&slots[*n], tail->slots, tail->n_slots * sizeof *slots);
    *n += tail->n_slots;

    char *error = pc_slots_check(slots, *n);
    if (error) {
        ctl_error(ctx, "%s", error);
        free(error);
        free(slots);
        return NULL;
    }
    return slots;
}

/* From 'from' on, the dimensions in 'args' are these.  Makes 'tail' of 'old'. */
static bool
change_amounts(struct ctl_context *ctx, const struct pc_slot *old,
               size_t n_old, int64_t from, struct pc_request *tail)
{
    tail->slots = xmalloc(n_old * sizeof *tail->slots);
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].end > from) {
            tail->slots[tail->n_slots] = old[i];
            tail->slots[tail->n_slots].begin = MAX(old[i].begin, from);
            tail->n_slots++;
        }
    }
    for (int i = 2; i < ctx->argc; i++) {
        const char *arg = ctx->argv[i];
        int d = 0;

        while (d < PC_N_AMOUNTS
               && (strncmp(arg, pc_capacity_names[d],
                           strlen(pc_capacity_names[d]))
                   || arg[strlen(pc_capacity_names[d])] != '=')) {
            d++;
        }
        if (d >= PC_N_AMOUNTS) {
            ctl_error(ctx, "\"%s\" is neither a slot "
                      "(START/END:cpu=..,memory=..,disk=..,network=..) nor "
                      "one of cpu=, memory=, disk=, network=", arg);
            return false;
        }
        uint64_t value;
        char *error = pc_units_parse_capacity(
            pc_capacity_names[d], strchr(arg, '=') + 1, &value);
        if (error) {
            ctl_error(ctx, "%s: %s", pc_capacity_names[d], error);
            free(error);
            return false;
        }
        for (size_t j = 0; j < tail->n_slots; j++) {
            tail->slots[j].amount.value[d] = value;
        }
    }
    return true;
}

static bool
parse_slots(struct ctl_context *ctx, const struct pc_slot *old, int64_t now,
            struct pc_request *tail)
{
    for (int i = 2; i < ctx->argc; i++) {
        if (!ctl_is_slot(ctx->argv[i])) {
            ctl_error(ctx, "\"%s\" is not a slot "
                      "(START/END:cpu=..,memory=..,disk=..,network=..)",
                      ctx->argv[i]);
            return false;
        }
        if (!ctl_add_slot(ctx, ctx->argv[i], now, tail)) {
            return false;
        }
    }
    if (tail->slots[0].begin < now && tail->slots[0].begin != old[0].begin) {
        ctl_error(ctx, "\"%s\" begins in the past", ctx->argv[2]);
        return false;
    }
    if (old[0].begin < now) {
        cut_past(tail, now);
    }
    return true;
}

/* Reads what is to be from now on, or from later on, into 'tail'. */
static bool
parse_tail(struct ctl_context *ctx, const struct pc_slot *old, size_t n_old,
           int64_t now, struct pc_request *tail)
{
    memset(tail, 0, sizeof *tail);
    if (ctl_is_slot(ctx->argv[2])
        ? !parse_slots(ctx, old, now, tail)
        : !change_amounts(ctx, old, n_old, MAX(old[0].begin, now), tail)) {
        return false;
    }
    if (!tail->n_slots) {
        ctl_error(ctx, "reservation \"%s\": its time is over",
                  ctx->argv[1]);
        return false;
    }
    return true;
}

static void
cmd_resize(struct ctl_context *ctx)
{
    const struct pcrec_reservation *r
        = find_reservation(ctx, ctx->argv[1], CTL_MUST_EXIST);
    struct pc_slot *old;
    size_t n_old;

    if (!r || !check_not_over(ctx, r)) {
        return;
    }
    char *error = (r->n_slots
                   ? pc_request_parse_slots(r->slots, r->n_slots, &old, &n_old)
                   : pc_request_parse_slots(r->wanted, r->n_wanted, &old,
                                            &n_old));
    if (error || !n_old) {
        ctl_error(ctx, "reservation \"%s\": %s", r->name,
                  error ? error : "it has no slots");
        free(error);
        return;
    }
    struct pc_request tail;
    if (parse_tail(ctx, old, n_old, pc_clock_now(), &tail)) {
        size_t n;

        if (ctl_is_slot(ctx->argv[2])) {
            ctl_fill_slots(&tail, r->service);
        }
        struct pc_slot *slots = replace_tail(ctx, old, n_old, &tail, &n);
        if (slots) {
            set_wanted(r, slots, n);
            pcrec_reservation_set_move_to(r, NULL);
            next_request(ctx, r);
        }
        free(slots);
    }
    pc_request_destroy(&tail);
    free(old);
}

static void
cmd_cancel(struct ctl_context *ctx)
{
    const struct pcrec_reservation *r
        = find_reservation(ctx, ctx->argv[1], CTL_MUST_EXIST);

    if (r && check_not_over(ctx, r)) {
        pcrec_reservation_set_cancel(r, true);
        next_request(ctx, r);
    }
}

static bool
is_node_of(const struct pcrec_cloudlet *cloudlet,
           const struct pcrec_node *node)
{
    for (size_t i = 0; i < cloudlet->n_nodes; i++) {
        if (cloudlet->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

static void
cmd_reservation_set(struct ctl_context *ctx)
{
    const struct pcrec_reservation *r
        = find_reservation(ctx, ctx->argv[1], CTL_MUST_EXIST);
    struct ctl_arg args[] = { { .key = "service" } };

    if (!r || !ctl_parse_args(ctx, 2, args, ARRAY_SIZE(args))
        || !check_not_over(ctx, r)) {
        return;
    }
    if (args[0].value && !*args[0].value) {
        pcrec_reservation_set_service(r, NULL);
    } else if (args[0].value) {
        const struct pcrec_service *s
            = ctl_find_service(ctx, args[0].value, CTL_MUST_EXIST);
        if (!s) {
            return;
        }
        if (s->cloudlet && r->node && !is_node_of(s->cloudlet, r->node)) {
            ctl_error(ctx, "service \"%s\" runs in cloudlet \"%s\", which "
                      "node \"%s\" is not in", s->name, s->cloudlet->name,
                      r->node->name);
            return;
        }
        pcrec_reservation_set_service(r, s);
    }
}

const struct ctl_command_syntax ctl_reserve_commands[] = {
    {"reserve", 1, INT_MAX, "PROVIDER|file=FILE [SLOT]... [KEY=VALUE]...",
     pre_reserve, cmd_reserve, NULL, "--may-exist", RW},
    {"resize", 2, INT_MAX, "RESERVATION SLOT...|KEY=VALUE...",
     pre_one, cmd_resize, NULL, "", RW},
    {"cancel", 1, 1, "RESERVATION", pre_one, cmd_cancel, NULL, "", RW},
    {"reservation-set", 2, INT_MAX, "RESERVATION KEY=VALUE...",
     pre_one, cmd_reservation_set, NULL, "", RW},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
