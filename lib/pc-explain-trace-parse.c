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
#include "pc-explain-private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* What "ofproto/trace" prints of a packet, in our words: a line for each flow and
 * group of ours that it meets, and what becomes of it. */

static void OVS_PRINTF_FORMAT(2, 3)
pc_explain_step(struct pc_explain_trace *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    svec_add_nocopy(&t->steps, xvasprintf(format, args));
    va_end(args);
}

static void OVS_PRINTF_FORMAT(2, 3)
pc_explain_verdict(struct pc_explain_trace *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    free(t->verdict);
    t->verdict = xvasprintf(format, args);
    va_end(args);
}

/* The packet is dropped, for the reason 'name', which this takes. */
static void
pc_explain_dropped(struct pc_explain_trace *t, char *name)
{
    free(t->drop);
    t->drop = name;
    pc_explain_verdict(t, "dropped: %s", name);
}

static void
pc_explain_trace_rule(struct pc_explain_trace *t,
                      const struct pc_explain_owner *owner, const char *line)
{
    const struct pcrec_rule *row
        = pcrec_rule_get_for_uuid(t->c->idl, &owner->rule->uuid);

    t->rule = owner->rule;
    t->svc = owner->service;
    pc_explain_step(t, "rule %08x (%s, priority %"PRId64") takes it for "
                    "%s %s [%s]", owner->rule->uuid.parts[0],
                    row ? row->match : "?", row ? row->priority : 0,
                    owner->rule->chain ? "chain" : "service",
                    owner->service ? owner->service->s.name
                    : owner->rule->chain ? owner->rule->chain->name : "?",
                    line);
}

static void
pc_explain_trace_ours(struct pc_explain_trace *t, ovs_be64 cookie,
                      const char *line)
{
    const struct pc_explain_owner *owner
        = pc_explain_owner_find(t->owners, cookie);
    const char *name = owner ? owner->name : "PacketCloud";

    switch (pc_cookie_kind(cookie)) {
    case PC_FLOW_HOOK_RULE:
        if (owner && owner->rule) {
            pc_explain_trace_rule(t, owner, line);
        }
        break;
    case PC_FLOW_HOOK_PORT:
        pc_explain_step(t, "it comes back from %s [%s]", name, line);
        break;
    case PC_FLOW_HOOK_L3:
        pc_explain_step(t, "it is for the front-end router, %s [%s]", name,
                        line);
        break;
    case PC_FLOW_STEER:
        pc_explain_step(t, "steered to %s [%s]", name, line);
        t->svc = owner ? owner->service : t->svc;
        break;
    case PC_FLOW_DELIVER:
        t->vi = owner ? owner->vi : NULL;
        pc_explain_step(t, "delivered to %s [%s]", name, line);
        break;
    case PC_FLOW_RETURN:
    case PC_FLOW_DIRECTION:
        pc_explain_step(t, "what %s sends goes on along its path [%s]", name,
                        line);
        break;
    case PC_FLOW_NEXT:
        t->next = xstrdup(name);        /* Its actions tell. */
        t->next_where = xstrdup(line);
        break;
    case PC_FLOW_GUARD:
        pc_explain_step(t, "never diverted (ARP, neighbour discovery, link "
                        "protocols, or no service): back to the legacy "
                        "pipeline [%s]", line);
        break;
    case PC_FLOW_LEGACY:
    case PC_FLOW_ROUTE:
    case PC_FLOW_NEIGHBOR:
        pc_explain_step(t, "front-end router: %s [%s]", name, line);
        break;
    case PC_FLOW_OTHER:
    case PC_N_FLOW_KINDS:
    default:
        pc_explain_step(t, "%s [%s]", name, line);
        break;
    }
}

/* "NNN. MATCH, priority P, cookie 0xC" or "NNN. No match." */
static bool
pc_explain_trace_table(struct pc_explain_trace *t, const char *line)
{
    size_t digits = strspn(line, "0123456789");
    const char *s;

    if (!digits || line[digits] != '.') {
        return false;
    }
    int table = atoi(line);
    const char *table_name = pc_table_name(t->base, table);
    char *where = (table_name && table
                   ? xasprintf("table %d %s", table, table_name)
                   : xasprintf("table %d", table));
    t->last_table = table;
    t->no_match = strstr(line, "No match") != NULL;
    s = strstr(line, "cookie 0x");
    ovs_be64 cookie = s ? htonll(strtoull(s + 7, NULL, 16)) : 0;
    t->last_ours = pc_cookie_is_ours(cookie);
    t->last_end = PC_END_NONE;
    t->in_group = false;
    if (t->last_ours) {
        s = strstr(line, "priority ");
        t->last_priority = s ? atoi(s + 9) : OFP_DEFAULT_PRIORITY;
        t->last_cookie = cookie;
        t->last_kind = pc_cookie_kind(cookie);
        t->last_end = (t->last_kind == PC_FLOW_QUARANTINE ? PC_END_DROP
                       : PC_END_NONE);
        pc_explain_trace_ours(t, cookie, where);
    } else if (t->no_match) {
        pc_explain_step(t, "no flow matches [%s]", where);
    } else {
        pc_explain_step(t, "a flow that is not PacketCloud's: %s [%s]",
                        line + digits + 1 + strspn(line + digits + 1, " "),
                        where);
    }
    free(where);
    return true;
}

/* "drop", if the flow has no actions, and "controller(...)". */
static void
pc_explain_trace_flow_end(struct pc_explain_trace *t, const char *line)
{
    struct ofpbuf ofpacts;
    enum ofputil_protocol usable_protocols;
    struct ofpact_parse_params pp = {
        .ofpacts = &ofpacts, .usable_protocols = &usable_protocols,
    };

    if (!t->last_ours || t->last_end) {
        return;
    } else if (!strcmp(line, "drop")) {
        t->last_end = PC_END_DROP;
    } else if (!strncmp(line, "controller(", 11)) {
        ofpbuf_init(&ofpacts, 0);
        char *error = ofpacts_parse_actions(line, &pp);
        if (!error) {
            t->last_end = pc_explain_flow_end(t->last_cookie, ofpacts.data,
                                              ofpacts.size);
        }
        free(error);
        ofpbuf_uninit(&ofpacts);
    }
}

/* "set_field:METADATA->metadata", the first action of a flow in NEXT. */
static void
pc_explain_trace_next(struct pc_explain_trace *t, const char *line)
{
    unsigned long long int metadata;

    if (t->next && ovs_scan(line, "set_field:%llx->metadata", &metadata)) {
        pc_explain_step(t, metadata & PC_META_SERVED
                        ? "end of the path of %s: served, back to the legacy "
                        "pipeline [%s]"
                        : "on along the path of %s [%s]", t->next,
                        t->next_where);
        free(t->next);
        free(t->next_where);
        t->next = t->next_where = NULL;
    }
}

/* A service that drops what none of its VIs can take.  (What a tap gets is a copy:
 * the packet goes on.) */
static void
pc_explain_closed(struct pc_explain_trace *t)
{
    const char *name = t->svc ? t->svc->s.name : "?";

    if (t->svc && t->svc->s.mode == PC_MODE_TAP) {
        pc_explain_step(t, "no VI of service %s can take a copy", name);
        return;
    }
    pc_explain_step(t, "no VI of service %s can take it, on failure close: "
                    "dropped", name);
    pc_explain_dropped(t, pc_explain_closed_name(name));
}

/* "group:N" and " -> using bucket N". */
static void
pc_explain_trace_group(struct pc_explain_trace *t, const char *line)
{
    unsigned int n;

    if (ovs_scan(line, "group:%u", &n) && pc_group_path(n)) {
        t->in_group = false;
        t->skips = true;
    } else if (t->skips && ovs_scan(line, "-> using bucket %u", &n)) {
        if (n) {
            pc_explain_step(t, "no VI of the next %u service%s of the chain "
                            "can take it, on failure open: skipped", n,
                            n > 1 ? "s" : "");
        }
        t->skips = false;
    } else if (ovs_scan(line, "group:%u", &n) && pc_group_is_ours(n)) {
        const struct pc_ctl_service *svc
            = pc_explain_service_by_number(t->c, pc_group_service(n));

        t->svc = svc ? svc : t->svc;
        t->in_group = true;
        t->failover = pc_group_is_failover(n);
    } else if (t->in_group && ovs_scan(line, "-> using bucket %u", &n)) {
        const char *name = t->svc ? t->svc->s.name : "?";

        if (!t->failover) {
            const struct pc_ctl_vi *vi = pc_explain_vi_by_number(t->c, n);
            pc_explain_step(t, "VI %s is chosen", vi ? vi->vi.name : "?");
        } else if (n && t->svc && t->svc->s.on_failure == PC_FAIL_CLOSE) {
            pc_explain_closed(t);
        } else if (n) {
            pc_explain_step(t, "no VI of service %s can take it, on failure "
                            "open: the service is skipped", name);
        }
    } else if (t->in_group && strstr(line, "no live bucket")) {
        pc_explain_closed(t);
    }
}

/* Why a packet that 'drops', in the switch, goes no further than the last table,
 * by the name that the counters have; NULL if it does go on, or is not known. */
static char *
pc_explain_trace_drop_name(const struct pc_explain_trace *t, bool drops)
{
    int table = t->last_table - t->base;

    if (t->no_match && table >= 0 && table < PC_N_TABLES) {
        return pc_explain_miss_name(t->owners, t->base, t->last_table);
    } else if (t->last_ours && t->last_end) {
        return pc_explain_drop_name(t->owners, t->last_end, table,
                                    t->last_priority, t->last_cookie);
    } else if (drops && t->last_ours && t->last_kind == PC_FLOW_STEER
               && t->svc && t->svc->s.on_failure == PC_FAIL_CLOSE) {
        return pc_explain_closed_name(t->svc->s.name);
    }
    return NULL;
}

static void
pc_explain_trace_end(struct pc_explain_trace *t, const char *actions)
{
    bool drop = !strncmp(actions, "drop", 4);
    char *name;

    if (t->verdict) {
        return;
    }
    name = pc_explain_trace_drop_name(t, drop);
    if (name) {
        pc_explain_dropped(t, name);
    } else if (!drop && t->last_ours && t->last_kind == PC_FLOW_DELIVER && t->vi) {
        const struct pc_ctl_service *svc = t->vi->svc;
        bool tap = svc && svc->s.mode == PC_MODE_TAP;

        pc_explain_verdict(t, "VI %s of service %s gets %s; %s",
                           t->vi->vi.name, svc ? svc->s.name : "?",
                           tap ? "a copy" : "the packet",
                           tap ? "nothing comes back"
                           : t->rule && t->rule->chain
                           ? "what it sends back goes on along the chain"
                           : "what it sends back goes on to the legacy "
                           "pipeline");
    } else if (!drop) {
        pc_explain_verdict(t, "%s: forwarded (%s)",
                           t->rule ? "served" : "no service takes it",
                           actions);
    } else if (t->no_match) {
        pc_explain_verdict(t, "dropped: no flow matches in table %d",
                           t->last_table);
    } else if (!t->last_ours) {
        pc_explain_verdict(t, "dropped by a flow of table %d that is not "
                           "PacketCloud's", t->last_table);
    } else {
        t->unnamed = true;
        pc_explain_verdict(t, "dropped by PacketCloud in table %d (%s)",
                           t->last_table, pc_flow_kind_name(t->last_kind));
    }
}

/* Adds to 't' what 'text', an answer to "ofproto/trace", says. */
void
pc_explain_trace_parse(struct pc_explain_trace *t, const char *text)
{
    char *copy = xstrdup(text);
    char *save_ptr = NULL;

    for (char *line = strtok_r(copy, "\n", &save_ptr); line;
         line = strtok_r(NULL, "\n", &save_ptr)) {
        line += strspn(line, " ");
        if (!strncmp(line, "Datapath actions: ", 18)) {
            /* After connection tracking it goes on. */
            if (!strstr(text + (line - copy) + 18, "Datapath actions: ")) {
                pc_explain_trace_end(t, line + 18);
            }
        } else if (!pc_explain_trace_table(t, line)) {
            pc_explain_trace_flow_end(t, line);
            pc_explain_trace_next(t, line);
            pc_explain_trace_group(t, line);
        }
    }
    free(copy);
}
