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

#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "pc-l3-compile.h"
#include "pc-l3-emit.h"
#include "pc-layout.h"
#include "unixctl.h"
#include "util.h"

/* The names of drops, and the command controller/evaluate. */

/* Returns whether a packet goes no further than a flow with 'cookie' and actions
 * 'ofpacts', copies aside.  (Not for a packet that is larger than an MTU: the flow
 * for that also counts those that are not, as Open vSwitch translates both cases
 * at once.) */
enum pc_explain_end
pc_explain_flow_end(ovs_be64 cookie, const struct ofpact *ofpacts,
                    size_t ofpacts_len)
{
    const struct ofpact *a;

    if (!ofpacts_len || pc_cookie_kind(cookie) == PC_FLOW_QUARANTINE) {
        return PC_END_DROP;
    }
    OFPACT_FOR_EACH (a, ofpacts, ofpacts_len) {
        enum pc_l3_reason reason;

        if (a->type == OFPACT_CONTROLLER) {
            const struct ofpact_controller *oc = ofpact_get_CONTROLLER(a);

            if (pc_l3_parse_userdata(oc->userdata, oc->userdata_len,
                                     &reason)) {
                return (reason == PC_L3_REASON_EXPIRED ? PC_END_EXPIRED
                        : reason == PC_L3_REASON_NO_ROUTE ? PC_END_NO_ROUTE
                        : PC_END_NONE);
            }
        }
    }
    return PC_END_NONE;
}

/* Why LEGACY drops what a flow of 'priority', owned by 'name', matches. */
static char *
legacy_drop_name(uint16_t priority, const char *name, bool owned)
{
    switch (priority) {
    case PRIO_MARTIAN:
        return (owned
                ? xasprintf("it has the router's own address as source (%s)",
                            name)
                : xstrdup("its source or destination is none that a packet "
                          "may have (martian)"));
    case PRIO_OWN_QUIET:
        return xasprintf("the router does not answer ICMP like this (%s)",
                         name);
    case PRIO_LINK:
        return (owned
                ? xasprintf("broadcasts of a subnet are not forwarded (%s)",
                            name)
                : xstrdup("its source or destination is of one link only, or "
                          "multicast: not forwarded"));
    default:
        return xstrdup("the router forwards only IPv4 and IPv6");
    }
}

static char *
return_drop_name(uint16_t priority, ovs_be64 cookie, const char *name)
{
    if (!cookie) {
        return xstrdup("it returned from a port that is no VI's");
    } else if (pc_cookie_kind(cookie) == PC_FLOW_GUARD) {
        return xstrdup("a probe's frame that has come through a VI ends here");
    } else if (priority == PC_PRIO_GUARD) {
        return xasprintf("multicast and broadcast are never diverted, so none "
                         "is taken back from %s", name);
    } else {
        return xasprintf("nothing is taken back from a tap (%s)", name);
    }
}

/* Returns why a packet goes no further than a flow with such an 'end' in 'table',
 * counted from the router's base; 'cookie' 0: no flow matches. */
char *
pc_explain_drop_name(const struct pc_explain_owners *owners,
                     enum pc_explain_end end, int table, uint16_t priority,
                     ovs_be64 cookie)
{
    const struct pc_explain_owner *owner
        = cookie ? pc_explain_owner_find(owners, cookie) : NULL;
    const char *name = owner ? owner->name : "PacketCloud";

    if (cookie && pc_cookie_kind(cookie) == PC_FLOW_SPOOF) {
        return xasprintf("%s may send with its own addresses only", name);
    } else if (cookie && pc_cookie_kind(cookie) == PC_FLOW_QUARANTINE) {
        return xasprintf("%s is in quarantine", name);
    } else if (end == PC_END_EXPIRED) {
        return xstrdup("its TTL has run out");
    } else if (end == PC_END_NO_ROUTE && owner) {
        return xasprintf("the route makes its destination unreachable (%s)",
                         name);
    }
    switch (table) {
    case PC_TABLE_STEER:
    case PC_TABLE_NEXT:
        return xstrdup("its path is not known");
    case PC_TABLE_DELIVER:
        return xstrdup("the VI that was chosen is not attached");
    case PC_TABLE_RETURN:
        return return_drop_name(priority, cookie, name);
    case PC_TABLE_LEGACY:
        return legacy_drop_name(priority, name, owner != NULL);
    case PC_TABLE_ROUTE:
        return (owner ? xasprintf("the route drops it (%s)", name)
                : xstrdup("the router has no route to its destination"));
    case PC_TABLE_NEIGHBOR:
        return (cookie ? xasprintf("the next hop has no port, or does not "
                                   "answer (%s)", name)
                : xstrdup("the next hop is not known yet"));
    default:
        return (cookie ? xasprintf("by a flow of %s", name)
                : xstrdup("nothing says what to do with it"));
    }
}

/* Why a packet goes no further than 'table_id', one of those from 'base' on, if no
 * flow matches in it. */
char *
pc_explain_miss_name(const struct pc_explain_owners *owners, uint8_t base,
                     uint8_t table_id)
{
    char *why = pc_explain_drop_name(owners, PC_END_DROP, table_id - base, 0,
                                     0);
    char *name = xasprintf("no flow matches in table %"PRIu8" %s: %s",
                           table_id, pc_table_name(base, table_id), why);

    free(why);
    return name;
}

/* Why a group drops what is for 'service'. */
char *
pc_explain_closed_name(const char *service)
{
    return xasprintf("service %s has no VI that can take it "
                     "(on-failure=close)", service);
}

/* Why a meter of ours drops.  Number 0 is no VI's: those two are the front-end
 * router's (pc-l3-emit.c). */
char *
pc_explain_meter_name(const struct pc_controller *c, uint32_t meter_id)
{
    uint16_t number = pc_meter_vi(meter_id);
    bool reverse = meter_id == pc_meter_id(number, PC_REVERSE);

    if (number) {
        const struct pc_ctl_vi *vi = pc_explain_vi_by_number(c, number);

        return xasprintf("over the network capacity of VI %s (%s)",
                         vi ? vi->vi.name : "?",
                         pc_direction_name(reverse ? PC_REVERSE
                                           : PC_FORWARD));
    } else if (reverse) {
        return xasprintf("over %d packets/s for the router itself or to be "
                         "answered by ICMP errors", PC_L3_METER_ERROR_PPS);
    } else {
        return xasprintf("over %d packets/s whose next hop is not known yet, "
                         "and ARP", PC_L3_METER_RESOLVE_PPS);
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
