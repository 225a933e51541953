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
#include "pc-explain.h"

#include <stdlib.h>

#include "pc-explain-private.h"
#include "pc-match.h"
#include "pc-overlap.h"
#include "unixctl.h"
#include "util.h"

/* controller/overlap: what rules share with others.  "warning" is what a
 * provider loses to another, "note" what is good to know. */

/* A rule that is asked about. */
struct pc_explain_asked {
    struct pc_rule rule;
    struct pc_rule_match match;
    const char *text;           /* The match, as it was given. */
    const char *target, *after; /* Names; "": none. */
    struct pc_overlap *order;   /* Whom it meets. */
    struct pc_overlap *empty;   /* That, if there is nobody; else NULL. */
    struct pc_overlap_place place;
};

static void
pc_explain_say(struct json *array, struct ds *ds, bool warning, char *text)
{
    struct json *json = json_object_create();

    ds_put_format(ds, "%s: %s\n", warning ? "warning" : "note", text);
    json_object_put_string(json, "kind", warning ? "warning" : "note");
    json_object_put_string(json, "text", text);
    json_array_add(array, json);
    free(text);
}

/* The service or chain called 'name'. */
static uint32_t
pc_explain_target(const struct pc_controller *c, const char *name)
{
    const struct pcrec_service *service;
    const struct pcrec_chain *chain;

    PCREC_SERVICE_FOR_EACH (service, c->idl) {
        if (!strcmp(service->name, name)) {
            return pc_ctl_overlap_target(&service->header_.uuid);
        }
    }
    PCREC_CHAIN_FOR_EACH (chain, c->idl) {
        if (!strcmp(chain->name, name)) {
            return pc_ctl_overlap_target(&chain->header_.uuid);
        }
    }
    return 0;
}

/* Parses UUID TARGET PRIORITY DIRECTION AFTER MATCH (AFTER: "" if the rule is
 * after nothing).  Returns NULL or what is wrong, which the caller frees. */
static char * OVS_WARN_UNUSED_RESULT
pc_explain_ask(struct pc_controller *c, const char *argv[],
               struct pc_explain_asked *a)
{
    const struct pc_ctl_router *r
        = (hmap_is_empty(&c->routers) ? NULL
           : CONTAINER_OF(hmap_first(&c->routers), struct pc_ctl_router,
                          hmap_node));
    unsigned int priority;
    char *error;

    memset(a, 0, sizeof *a);
    if (!uuid_from_string(&a->rule.uuid, argv[0])
        || !str_to_uint(argv[2], 10, &priority) || priority > 9999) {
        return xstrdup("arguments: UUID TARGET PRIORITY DIRECTION AFTER "
                       "MATCH");
    }
    error = pc_rule_match_parse(argv[5], (r && r->prepared
                                          ? pc_switch_port_map(r->sw) : NULL),
                                &a->match);
    if (!error) {
        const struct pc_ctl_order *order = pc_ctl_order_find(c, argv[4]);

        a->text = argv[5];
        a->target = argv[1];
        a->after = argv[4];
        a->empty = *argv[4] && !order ? pc_overlap_create() : NULL;
        a->order = (!*argv[4] ? c->overlap : order ? order->overlap
                    : a->empty);
        a->rule.match = &a->match;
        a->rule.priority = priority;
        a->rule.target = pc_explain_target(c, argv[1]);
        a->rule.direction = (!strcmp(argv[3], "forward") ? PC_RULE_FORWARD
                             : !strcmp(argv[3], "reverse") ? PC_RULE_REVERSE
                             : PC_RULE_BOTH);
    }
    return error;
}

static void
pc_explain_say_found(const struct pc_controller *c,
                     const struct pc_explain_asked *a,
                     const struct pc_overlap_found *f, struct json *json,
                     struct ds *ds)
{
    static const char *const names[] = { "forward", "reverse" };
    char *packet = pc_packet_format(&f->packet);
    char *who = f->self ? NULL : pc_ctl_overlap_who(c, &f->rule);
    uint16_t other = pc_overlap_level(a->order, &f->rule);

    if (f->self) {
        pc_explain_say(json, ds, false, xasprintf(
            "\"%s\" and its own reverse both match %s: it counts as forward",
            a->text, packet));
    } else if (f->mine != f->its) {
        pc_explain_say(json, ds, false, xasprintf(
            "\"%s\" (%s) and %s (%s) both match %s: the forward one takes it",
            a->text, names[f->mine], who, names[f->its], packet));
    } else if (a->place.level == other) {
        pc_explain_say(json, ds, !f->same_target, xasprintf(
            "\"%s\" and %s both match %s, and there is no priority left to put "
            "one of them below the other: which of them takes it is not "
            "defined; give one another priority", a->text, who, packet));
    } else {
        pc_explain_say(json, ds, !f->same_target, xasprintf(
            "\"%s\" and %s both match %s: %s takes it (priority=N to change "
            "that)", a->text, who, packet,
            a->place.level < other ? "the latter, which was first,"
            : "the former, which was first,"));
    }
    free(packet);
    free(who);
}

static void
pc_explain_say_shadowed(const struct pc_controller *c,
                        const struct pc_explain_asked *a, struct json *json,
                        struct ds *ds)
{
    struct pc_overlap_found f;

    if (pc_overlap_shadowed(a->order, &a->rule.uuid, &f) && !f.self) {
        char *packet = pc_packet_format(&f.packet);
        char *who = pc_ctl_overlap_who(c, &f.rule);

        pc_explain_say(json, ds, !f.same_target, xasprintf(
            "\"%s\" gets no %s packet: others take all, for example %s takes "
            "%s", a->text, f.mine == PC_FORWARD ? "forward" : "reverse", who,
            packet));
        free(packet);
        free(who);
    }
}

/* Stores the path that is the service or chain 'name' in '*path', if there is
 * such a one, and returns true. */
static bool
pc_explain_path(const struct pc_controller *c, const char *name,
                struct pc_path *path)
{
    const struct pc_ctl_service *svc = pc_ctl_service_by_name(c, name);
    const struct pc_ctl_chain *chain = pc_ctl_chain_by_name(c, name);

    if (svc) {
        pc_path_alone(path, &svc->s);
    } else if (chain) {
        *path = chain->path;
    }
    return svc || chain;
}

static char *
pc_explain_ambiguous(const struct pc_controller *c,
                     const struct pc_explain_asked *a, bool there)
{
    const struct pc_ctl_rule *rule = pc_ctl_rule_find(c, &a->rule.uuid);
    struct pc_rule value = a->rule;
    struct pc_path path, before;
    struct uuid other;

    if (there) {
        return rule ? pc_ctl_returns_text(c, rule, &other) : NULL;
    } else if (!pc_explain_path(c, a->target, &path)
               || (*a->after && !pc_explain_path(c, a->after, &before))) {
        return NULL;
    }
    path.before = *a->after ? &before : NULL;
    value.path = &path;
    return pc_ctl_returns_ask(c, &value, a->order);
}

static void
pc_explain_say_ambiguous(const struct pc_controller *c,
                         const struct pc_explain_asked *a, bool there,
                         struct json *json, struct ds *ds)
{
    char *text = pc_explain_ambiguous(c, a, there);

    if (text) {
        pc_explain_say(json, ds, true, xasprintf(
            "\"%s\": %s, and go on along that one's path, or that one's along "
            "this path; give them matches that do not overlap", a->text,
            text));
        free(text);
    }
}

/* A rule that is not there yet is put in for as long as it takes to ask. */
static void
pc_explain_overlap_rule(struct pc_controller *c, struct pc_explain_asked *a,
                        struct json *json, struct ds *ds)
{
    const struct pc_rule *there = pc_overlap_get(a->order, &a->rule.uuid);
    struct pc_overlap_found found;

    if (there) {
        a->place.level = pc_overlap_level(a->order, &a->rule.uuid);
    } else {
        pc_overlap_insert(a->order, &a->rule, PC_OVERLAP_NEW, &a->place);
    }
    if (pc_overlap_find(a->order, &a->rule, &found)) {
        pc_explain_say_found(c, a, &found, json, ds);
    }
    pc_explain_say_shadowed(c, a, json, ds);
    pc_explain_say_ambiguous(c, a, there != NULL, json, ds);
    if (!there) {
        pc_overlap_remove(a->order, &a->rule.uuid);
    }
}

/* controller/overlap {UUID TARGET PRIORITY DIRECTION AFTER MATCH}... */
void
pc_explain_overlap(struct unixctl_conn *conn, int argc, const char *argv[],
                   void *e_)
{
    struct pc_explain *e = e_;
    bool as_json = argc > 2 && !strcmp(argv[argc - 2], "-f");
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct json *json = json_array_create_empty();
    char *error = NULL;
    int end = as_json ? argc - 2 : argc;

    for (int i = 1; i < end && !error; i += 6) {
        struct pc_explain_asked a;

        error = (end - i < 6 ? xstrdup("arguments must be given by sixes")
                 : pc_explain_ask(e->c, &argv[i], &a));
        if (!error) {
            pc_explain_overlap_rule(e->c, &a, json, &ds);
            pc_rule_match_destroy(&a.match);
            pc_overlap_destroy(a.empty);
        }
    }
    if (error) {
        unixctl_command_reply_error(conn, error);
    } else if (as_json) {
        char *s = json_to_string(json, JSSF_PRETTY | JSSF_SORT);

        unixctl_command_reply(conn, s);
        free(s);
    } else {
        unixctl_command_reply(conn, ds_cstr(&ds));
    }
    free(error);
    json_destroy(json);
    ds_destroy(&ds);
}
