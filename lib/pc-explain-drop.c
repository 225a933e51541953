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
#include "pc-explain-eval.h"

#include "openvswitch/ofp-flow.h"
#include "pc-layout.h"
#include "unixctl.h"
#include "util.h"

/* The names of drops, and the command controller/evaluate. */

/* Returns why a flow without actions in 'table', counted from the router's base,
 * drops; 'cookie' 0: no flow matches. */
char *
pc_explain_drop_name(const struct pc_explain_owners *owners, int table,
                     uint16_t priority, ovs_be64 cookie)
{
    const struct pc_explain_owner *owner
        = cookie ? pc_explain_owner_find(owners, cookie) : NULL;
    const char *name = owner ? owner->name : "PacketCloud";

    if (cookie && pc_cookie_kind(cookie) == PC_FLOW_SPOOF) {
        return xasprintf("%s may send with its own addresses only", name);
    } else if (cookie && pc_cookie_kind(cookie) == PC_FLOW_QUARANTINE) {
        return xasprintf("%s is in quarantine", name);
    }
    switch (table) {
    case PC_TABLE_DELIVER:
        return xstrdup("the VI that was chosen is not attached");
    case PC_TABLE_RETURN:
        return (!cookie ? xstrdup("it returned from a port that is no VI's")
                : priority == PC_PRIO_GUARD
                ? xasprintf("multicast and broadcast are never diverted, so "
                            "none is taken back from %s", name)
                : xasprintf("nothing is taken back from a tap (%s)", name));
    case PC_TABLE_LEGACY:
        return xasprintf("the router forwards no packets like this (source or "
                         "destination of the link, martian, or not IP; %s)",
                         name);
    case PC_TABLE_ROUTE:
        return (cookie ? xasprintf("the route drops it (%s)", name)
                : xstrdup("the router has no route to its destination"));
    case PC_TABLE_NEIGHBOR:
        return (cookie ? xasprintf("the next hop has no port, or does not "
                                   "answer (%s)", name)
                : xstrdup("the next hop is not known yet"));
    default:
        return (cookie ? xasprintf("by a flow of %s", name)
                : xstrdup("no flow matches"));
    }
}

static struct json *
pc_explain_svec_json(const struct svec *svec)
{
    struct json *json = json_array_create_empty();

    for (size_t i = 0; i < svec->n; i++) {
        json_array_add(json, json_string_create(svec->names[i]));
    }
    return json;
}

static struct json *
pc_explain_eval_json(const struct pc_eval *ev, const char *text)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "flow", text);
    json_object_put(json, "steps", pc_explain_svec_json(&ev->steps));
    json_object_put(json, "outputs", pc_explain_svec_json(&ev->outputs));
    json_object_put_string(json, "drop", ev->drop ? ev->drop : "");
    return json;
}

static void
pc_explain_eval_text(const struct pc_eval *ev, struct ds *ds)
{
    for (size_t i = 0; i < ev->steps.n; i++) {
        ds_put_format(ds, "%2"PRIuSIZE". %s\n", i + 1, ev->steps.names[i]);
    }
    for (size_t i = 0; i < ev->outputs.n; i++) {
        ds_put_format(ds, "Output: %s\n", ev->outputs.names[i]);
    }
    if (ev->drop) {
        ds_put_format(ds, "Dropped: %s\n", ev->drop);
    }
}

/* controller/evaluate FLOW... [-f json], on the first router. */
void
pc_explain_evaluate(struct unixctl_conn *conn, int argc, const char *argv[],
                    void *e_)
{
    struct pc_explain *e = e_;
    bool as_json = argc > 2 && !strcmp(argv[argc - 2], "-f");
    struct json *json = json_array_create_empty();
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct pc_ctl_router *r = NULL;
    struct pc_eval *ev = NULL;
    char *error = NULL;

    HMAP_FOR_EACH (r, hmap_node, &e->c->routers) {
        if (r->prepared) {
            break;
        }
    }
    if (!r) {
        error = xstrdup("there is no router that has been connected to");
    } else {
        ev = pc_eval_create(e->c, r);
    }
    for (int i = 1; i < (as_json ? argc - 2 : argc) && !error; i++) {
        struct flow flow;

        error = parse_ofp_exact_flow(&flow, NULL, NULL, argv[i],
                                     pc_switch_port_map(r->sw));
        if (!error) {
            pc_eval_packet(ev, &flow);
            json_array_add(json, pc_explain_eval_json(ev, argv[i]));
            pc_explain_eval_text(ev, &ds);
        }
    }
    if (error) {
        unixctl_command_reply_error(conn, error);
    } else {
        char *s = json_to_string(json, JSSF_SORT);

        unixctl_command_reply(conn, as_json ? s : ds_cstr(&ds));
        free(s);
    }
    if (ev) {
        pc_eval_destroy(ev);
    }
    free(error);
    json_destroy(json);
    ds_destroy(&ds);
}
