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
#include "pc-controller.h"

#include <limits.h>

#include "openvswitch/vlog.h"
#include "packets.h"
#include "pc-compile.h"
#include "pc-controller-private.h"
#include "pc-flow-table.h"
#include "pc-l3.h"
#include "pc-layout.h"
#include "pc-match.h"
#include "pc-overlap.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_compile);

/* From values to desired flows: compiles what is marked dirty, in every
 * router. */

/* Time for rules in one turn of the main loop, in us: some hundred rules. */
#define COMPILE_US 20000

/* Takes all that 'owner' has out of every router's table. */
void
pc_ctl_disown(struct pc_controller *c, const struct uuid *owner)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        pc_flow_table_remove_owner(r->table, owner);
        if (r->l3) {
            pc_l3_remove_static_neighbors(r->l3, owner);
        }
    }
    c->generation++;
    c->recheck = true;
}

/* Rules. */

/* Sets why 'rule' is not in force, NULL if it is.  Takes 'error'. */
void
pc_ctl_rule_set_error(struct pc_controller *c, struct pc_ctl_rule *rule,
                      char *error)
{
    if (nullable_string_is_equal(rule->error, error)) {
        free(error);
        return;
    }
    free(rule->error);
    rule->error = error;
    hmapx_add(&c->bad_rules, rule);
}

/* Has 'rule' compiled, the next time. */
void
pc_ctl_rule_mark_dirty(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    if (!rule->dirty) {
        rule->dirty = true;
        ovs_list_push_back(&c->dirty_rules, &rule->dirty_node);
        c->n_dirty_rules++;
    }
}

void
pc_ctl_rule_unmark_dirty(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    if (rule->dirty) {
        rule->dirty = false;
        ovs_list_remove(&rule->dirty_node);
        c->n_dirty_rules--;
    }
}

/* A service on the path of 'rule' whose VIs are asked about: the cause of a
 * conflict between rules whose hooks differ. */
static const char *
pc_ctl_rule_asking(const struct pc_ctl_rule *rule)
{
    for (size_t i = 0; rule->chain && i < rule->chain->path.n_hops; i++) {
        if (pc_service_asks(rule->chain->path.hops[i])) {
            return rule->chain->path.hops[i]->name;
        }
    }
    return rule->svc ? rule->svc->s.name : "(unknown)";
}

static char *
pc_ctl_rule_conflict(struct pc_controller *c, const struct pc_ctl_rule *rule,
                     const struct uuid *winner)
{
    const struct pcrec_rule *row = pcrec_rule_get_for_uuid(c->idl,
                                                           &rule->uuid);
    const struct pcrec_rule *other = pcrec_rule_get_for_uuid(c->idl, winner);
    const struct pc_ctl_rule *w = pc_ctl_rule_find(c, winner);
    bool elsewhere = w && w->order != rule->order;

    if (other
        && (elsewhere
            || (strcmp(other->match, row->match)
                && (strstr(other->match, "in_port")
                    || strstr(row->match, "in_port"))))) {
        return xasprintf("what service %s returns cannot be told from what it "
                         "returns for an earlier rule of %s %s (rule "
                         UUID_FMT"), which %s",
                         pc_ctl_rule_asking(rule),
                         other->chain ? "chain" : "service",
                         other->service ? other->service->name
                         : other->chain ? other->chain->name : "(unknown)",
                         UUID_ARGS(winner),
                         elsewhere ? "has the same match and priority"
                         : "differs in its port only");
    }
    return xasprintf("same match and priority as an earlier rule of %s "
                     "%s (rule "UUID_FMT"), which keeps the packets",
                     other && other->chain ? "chain" : "service",
                     other && other->service ? other->service->name
                     : other && other->chain ? other->chain->name
                     : "(unknown)", UUID_ARGS(winner));
}

/* Compiles 'rule' into 'r'.  Returns NULL or why that is not possible. */
static char * OVS_WARN_UNUSED_RESULT
pc_ctl_rule_compile_one(struct pc_controller *c, struct pc_ctl_router *r,
                        struct pc_ctl_rule *rule)
{
    const struct pc_rule *placed = pc_overlap_get(rule->order, &rule->uuid);
    bool parse = !placed || rule->by_port;
    struct pc_rule_match match;
    char *error = NULL;

    if (parse) {
        const struct pcrec_rule *row = pcrec_rule_get_for_uuid(c->idl,
                                                               &rule->uuid);
        if (!row) {
            return NULL;
        }
        error = pc_rule_match_parse(row->match, pc_switch_port_map(r->sw),
                                    &match);
        if (error) {
            return error;
        }
    }
    struct pc_path alone;
    if (rule->svc) {
        pc_path_alone(&alone, &rule->svc->s);
    }
    struct pc_rule value = {
        .uuid = rule->uuid,
        .match = parse ? &match : placed->match,
        .priority = placed ? rule->level : rule->priority,
        .direction = rule->direction,
        .path = rule->svc ? &alone : &rule->chain->path,
    };
    struct uuid winner;
    error = pc_rule_match_check(value.match, value.direction);
    if (!error && rule->after) {
        error = pc_ctl_after_check(&value);
    }
    if (!error) {
        pc_compile_rule(r->table, r->base, &value);
        if (pc_flow_table_find_conflict(r->table, &rule->uuid, &winner)) {
            rule->conflict = true;
            error = pc_ctl_rule_conflict(c, rule, &winner);
        }
    }
    if (parse) {
        pc_rule_match_destroy(&match);
    }
    return error;
}

/* Returns why no router can have 'rule', whatever its match, or NULL. */
static char *
pc_ctl_rule_precheck(const struct pc_ctl_rule *rule)
{
    if (!rule->svc && !rule->chain) {
        return xstrdup("neither service nor chain");
    } else if (rule->after && rule->chain->error) {
        return xstrdup(rule->chain->error);
    } else if (rule->chain && rule->chain->error) {
        return xasprintf("chain %s is not in use: %s", rule->chain->name,
                         rule->chain->error);
    } else if (rule->svc && rule->svc->s.mode == PC_MODE_HOST) {
        return xasprintf("service %s has mode host: packets reach it by its "
                         "address, nothing can be diverted to it",
                         rule->svc->s.name);
    }
    return NULL;
}

static void
pc_ctl_set_member(struct hmapx *set, void *object, bool member)
{
    if (member) {
        hmapx_add(set, object);
    } else {
        hmapx_find_and_delete(set, object);
    }
}

static void
pc_ctl_rule_compile(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    struct pc_ctl_router *r;

    if (rule->refused) {
        return;
    }
    char *error = pc_ctl_rule_precheck(rule);
    bool wait = !error && (rule->svc ? !rule->svc->s.number
                           : !rule->chain->path.n_hops);
    rule->conflict = false;
    bool compiled = false;
    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        char *e = NULL;

        compiled |= r->prepared;
        if (!error && !wait && r->prepared) {
            e = pc_ctl_rule_compile_one(c, r, rule);
        }
        if ((error || wait || e) && !rule->conflict) {
            pc_flow_table_remove_owner(r->table, &rule->uuid);
        }
        if (!error) {
            error = e;
        } else {
            free(e);
        }
    }
    pc_ctl_set_member(&c->conflicts, rule, rule->conflict);
    if (compiled) {
        pc_ctl_rule_set_error(c, rule, error);
        pc_ctl_returns_update(c, rule);
    } else {
        free(error);            /* Too early to say; the row's stays. */
    }
}

/* Clears the error of rules that are in conflict no more: the winner went or
 * changed, and the table has given them the flows. */
static void
pc_ctl_recheck_conflicts(struct pc_controller *c)
{
    struct hmapx_node *node;

    HMAPX_FOR_EACH_SAFE (node, &c->conflicts) {
        struct pc_ctl_rule *rule = node->data;
        struct pc_ctl_router *r;
        struct uuid winner;
        bool conflict = false;

        HMAP_FOR_EACH (r, hmap_node, &c->routers) {
            conflict |= pc_flow_table_find_conflict(r->table, &rule->uuid,
                                                    &winner);
        }
        if (!conflict) {
            rule->conflict = false;
            hmapx_delete(&c->conflicts, node);
            pc_ctl_rule_set_error(c, rule, NULL);
            pc_ctl_returns_update(c, rule);
        }
    }
}

/* VIs and services. */

/* Puts the numbers that the ports of 'vi' have on 'r' into it. */
static void
pc_ctl_vi_set_ports(struct pc_ctl_vi *vi, const struct pc_ctl_router *r)
{
    for (int i = 0; i < 2; i++) {
        const struct pc_switch_port *port
            = vi->port[i] ? pc_switch_port_by_name(r->sw, vi->port[i]) : NULL;
        vi->vi.port[i] = port ? port->ofport : OFPP_NONE;
    }

    /* A VI with two ports of which one is missing is no use. */
    if (vi->vi.service && pc_service_has_two_ports(vi->vi.service)
        && vi->vi.port[PC_PORT_OUT] == OFPP_NONE) {
        vi->vi.port[PC_PORT_IN] = OFPP_NONE;
    }
    vi->vi.network_bps = r->meters ? vi->network_bps : 0;
}

static void
pc_ctl_vi_compile(struct pc_controller *c, struct pc_ctl_vi *vi)
{
    struct pc_ctl_router *r;

    if (vi->leaving) {
        return;
    }
    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (r->prepared) {
            pc_ctl_vi_set_ports(vi, r);
            vi->vi.gw_mac = eth_addr_zero;
            pc_ctl_gateway_mac(c, r, vi, &vi->vi.gw_mac);
            pc_ctl_vi_set_copies(c, r, vi);
            pc_compile_vi(r->table, r->base, &vi->vi);
            pc_ctl_vi_neighbors(c, r, vi);
        }
    }
}

static void
pc_ctl_service_compile(struct pc_controller *c, struct pc_ctl_service *svc)
{
    struct pc_ctl_router *r;
    struct pc_ctl_vi *vi;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (!r->prepared) {
            continue;
        }
        if (!svc->s.number) {
            pc_flow_table_remove_owner(r->table, &svc->s.uuid);
            continue;
        }
        LIST_FOR_EACH (vi, svc_node, &svc->vis) {
            pc_ctl_vi_set_ports(vi, r);
        }
        pc_compile_service(r->table, r->base, &svc->s);
    }
}

static void
pc_ctl_chain_compile(struct pc_controller *c, struct pc_ctl_chain *chain)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (!r->prepared) {
            continue;
        } else if (chain->path.n_hops) {
            pc_compile_path(r->table, r->base, &chain->path);
        } else {
            pc_flow_table_remove_owner(r->table, &chain->path.uuid);
        }
    }
}

/* Everything. */

/* A port of 'r' came, went or changed: compiles what depends on it. */
void
pc_ctl_ports_changed(struct pc_controller *c, struct pc_ctl_router *r)
{
    struct sset names = SSET_INITIALIZER(&names);
    struct pc_ctl_part *part;
    struct hmapx_node *node;
    const char *name;

    pc_switch_take_changed_ports(r->sw, &names);
    SSET_FOR_EACH (name, &names) {
        struct pc_ctl_vi *vi = shash_find_data(&c->ports, name);
        if (vi && !vi->leaving) {
            hmapx_add(&c->dirty_vis, vi);
            hmapx_add(&c->dirty_services, vi->svc);
        }
    }
    if (!sset_is_empty(&names)) {
        if (!hmapx_is_empty(&c->port_rules)) {
            pc_ctl_overlap_forget(c);
            c->placed = false;
        }
        pc_ctl_inspect_ports_changed(c, &names);
        HMAPX_FOR_EACH (node, &c->port_rules) {
            pc_ctl_rule_mark_dirty(c, node->data);
        }
        HMAP_FOR_EACH (part, hmap_node, &r->parts) {
            if (part->port && sset_contains(&names, part->port)) {
                hmapx_add(&c->dirty_parts, part);
            }
        }
    }
    sset_destroy(&names);
}

/* Marks everything to be compiled. */
void
pc_ctl_mark_all_dirty(struct pc_controller *c)
{
    struct pc_ctl_service *svc;
    struct pc_ctl_chain *chain;
    struct pc_ctl_part *part;
    struct pc_ctl_rule *rule;
    struct pc_ctl_vi *vi;

    HMAP_FOR_EACH (part, by_uuid, &c->parts) {
        hmapx_add(&c->dirty_parts, part);
    }
    HMAP_FOR_EACH (svc, hmap_node, &c->services) {
        hmapx_add(&c->dirty_services, svc);
    }
    HMAP_FOR_EACH (chain, hmap_node, &c->chains) {
        hmapx_add(&c->dirty_chains, chain);
    }
    HMAP_FOR_EACH (vi, hmap_node, &c->vis) {
        hmapx_add(&c->dirty_vis, vi);
    }
    HMAP_FOR_EACH (rule, hmap_node, &c->rules) {
        pc_ctl_rule_mark_dirty(c, rule);
    }
}

/* The flows that every rule needs are there while there are services. */
static void
pc_ctl_compile_common(struct pc_controller *c)
{
    struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        bool want = r->prepared && !hmap_is_empty(&c->services);

        if (want && !r->common) {
            pc_compile_common(r->table, r->base);
        } else if (!want && r->common) {
            pc_flow_table_remove_owner(r->table, &UUID_ZERO);
        }
        r->common = want;
    }
}

/* Compiles dirty rules that had, or had not, an error before, and counts them in
 * '*n'.  Returns true if all are done, false if time_usec() is beyond 'deadline'. */
static bool
pc_ctl_compile_some_rules(struct pc_controller *c, bool had_error,
                          long long int deadline, size_t *n)
{
    struct pc_ctl_rule *rule;

    LIST_FOR_EACH_SAFE (rule, dirty_node, &c->dirty_rules) {
        if (!!rule->error == had_error) {
            pc_ctl_rule_compile(c, rule);
            pc_ctl_rule_unmark_dirty(c, rule);
            if (!(++*n % 32) && time_usec() > deadline) {
                return false;
            }
        }
    }
    return true;
}

/* Compiles dirty rules until all are done or time_usec() is beyond 'deadline'.
 * Returns how many.
 *
 * A rule that had no error before keeps what it has: after a restart too the
 * same of two equal rules wins. */
static size_t
pc_ctl_compile_rules(struct pc_controller *c, long long int deadline)
{
    size_t n = 0;

    if (pc_ctl_compile_some_rules(c, false, deadline, &n)) {
        ignore(pc_ctl_compile_some_rules(c, true, deadline, &n));
    }
    return n;
}

/* Gives the dirty rules their levels: once for all of them; again if the
 * database has changed meanwhile.  Returns true if all have one. */
static bool
pc_ctl_place_rules(struct pc_controller *c, long long int deadline)
{
    if (!c->compiling || c->placed_seqno != ovsdb_idl_get_seqno(c->idl)) {
        c->placed_seqno = ovsdb_idl_get_seqno(c->idl);
        c->placed = false;
        pc_ctl_overlap_forget(c);
    }
    if (!c->placed) {
        c->placed = pc_ctl_overlap_place(c, deadline);
    }
    return c->placed;
}

static size_t
pc_ctl_compile_dirty(struct pc_controller *c, long long int deadline)
{
    struct hmapx_node *node;
    size_t n = (hmapx_count(&c->dirty_parts) + hmapx_count(&c->dirty_vis)
                + hmapx_count(&c->dirty_services)
                + hmapx_count(&c->dirty_chains)
                + c->n_dirty_rules);

    pc_ctl_compile_common(c);
    HMAPX_FOR_EACH (node, &c->dirty_parts) {
        pc_ctl_part_compile(c, node->data);
    }
    HMAPX_FOR_EACH (node, &c->dirty_vis) {
        pc_ctl_vi_compile(c, node->data);
    }
    HMAPX_FOR_EACH (node, &c->dirty_services) {
        pc_ctl_service_compile(c, node->data);
    }
    HMAPX_FOR_EACH (node, &c->dirty_chains) {
        pc_ctl_chain_compile(c, node->data);
    }

    hmapx_clear(&c->dirty_parts);
    hmapx_clear(&c->dirty_vis);
    hmapx_clear(&c->dirty_services);
    hmapx_clear(&c->dirty_chains);
    n -= c->n_dirty_rules;
    if (pc_ctl_returns_run(c, deadline) && pc_ctl_place_rules(c, deadline)) {
        n += pc_ctl_compile_rules(c, deadline);
    }
    if (!c->n_dirty_rules) {
        pc_ctl_recheck_conflicts(c);
        c->recheck = false;
    }
    return n;
}

/* Is there a switch to compile for?  Before that, all stays marked dirty. */
static bool
pc_ctl_any_prepared(const struct pc_controller *c)
{
    const struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (r->prepared) {
            return true;
        }
    }
    return false;
}

/* Compiles what is marked dirty, rules for COMPILE_US at most: until the rest
 * has been compiled as well, 'c->compiling', nothing is submitted, so that a
 * transaction's changes stay together. */
void
pc_ctl_compile_run(struct pc_controller *c)
{
    if ((hmapx_is_empty(&c->dirty_parts) && hmapx_is_empty(&c->dirty_vis)
         && hmapx_is_empty(&c->dirty_services)
         && hmapx_is_empty(&c->dirty_chains)
         && !c->n_dirty_rules
         && hmapx_is_empty(&c->to_return) && !c->recheck)
        || !pc_ctl_any_prepared(c)) {
        c->compiling = false;
        return;
    }
    long long int start = time_usec();
    c->generation++;
    c->counters.last_compiled = pc_ctl_compile_dirty(c, start + COMPILE_US);
    c->counters.n_compiled += c->counters.last_compiled;
    c->counters.n_runs++;
    c->counters.compile_us += time_usec() - start;
    c->compiling = (c->n_dirty_rules > 0
                    || !hmapx_is_empty(&c->to_return));
}

/* Compiles everything at once, into tables that are as good as empty. */
void
pc_ctl_compile_all(struct pc_controller *c)
{
    c->compiling = false;
    pc_ctl_mark_all_dirty(c);
    pc_ctl_compile_dirty(c, LLONG_MAX);
}
