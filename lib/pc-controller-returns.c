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

#include "pc-compile.h"
#include "pc-controller-private.h"
#include "pc-match.h"
#include "pc-overlap.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

/* Rules whose packets a service mixes up.
 *
 * A service on several paths is asked (pc_service_asks()): the rules' matches
 * tell on which path a packet is that its VI returns.  Rules of one order, e.g.
 * all that are after nothing, are told apart by their levels, just as where
 * their packets were taken.  But rules of different orders have their packets
 * from different places: one that is after another service and one that is not
 * may well match the same packet and both have such, and then one of them has
 * its packets go on along the other's path, in whatever order the two are.
 *
 * No level helps, and what is right depends on what the services before do to
 * packets; so the rule that comes later is reported, and is in force.
 *
 * Each service on a path that is after another one has an index (pc-overlap.h)
 * of what it is to return, of all rules whose paths it is on.  The orders have
 * numbers in it, which are the rules' priorities there: so a rule asks for the
 * first that it meets of each other order, whatever the number of rules, and
 * whatever their real priorities, which do not help either.  Services
 * without such a path, nearly all, have no index. */

struct returns_order {
    const struct pc_overlap *order;
    size_t n;                   /* Rules; 0: the number is free. */
};

struct pc_ctl_returns {
    struct pc_ctl_service *svc; /* NULL: to be freed, ... */
    struct ovs_list old_node;   /* ... in struct pc_controller's
                                 * 'old_returns'. */
    struct pc_overlap *index;
    struct ovs_list members;    /* Contains "struct pc_ctl_returned"s. */
    struct returns_order *orders;
    size_t n_orders, allocated_orders;
};

/* A rule in the index of a service. */
struct pc_ctl_returned {
    struct ovs_list rule_node;  /* In struct pc_ctl_rule's 'returned'. */
    struct ovs_list node;       /* In struct pc_ctl_returns's 'members'. */
    struct pc_ctl_rule *rule;
    struct pc_ctl_returns *returns;
    uint16_t order;             /* Number of the rule's order. */
};

/* So many rules of a service without an index are looked at for a rule that is
 * not there yet. */
#define MAX_LOOKED_AT 10000

/* In words. */

static char *
describe(const struct pc_controller *c, const struct pc_service *svc,
         const struct uuid *other, const struct flow *packet)
{
    const struct pc_ctl_rule *rule = pc_ctl_rule_find(c, other);
    const char *after = rule && rule->after ? rule->after->order->name : NULL;
    char *what = pc_packet_format(packet);
    char *who = pc_ctl_overlap_who(c, other);
    char *text = xasprintf("%s, when service %s returns it, may be taken for "
                           "that of %s%s%s", what, svc->name, who,
                           after ? ", after " : "", after ? after : "");

    free(what);
    free(who);
    return text;
}

/* Does 'svc' mix up packets of 'rule', whose match is what returns, and of
 * another rule, which is of another order than 'order'?  Fills '*found'. */
static bool
find(const struct pc_ctl_service *svc, const struct pc_overlap *order,
     const struct pc_rule *rule, struct pc_overlap_found *found)
{
    const struct pc_ctl_returns *returns = svc->returns;
    bool crossed = !pc_service_has_two_ports(&svc->s);

    for (size_t i = 0; i < returns->n_orders; i++) {
        if (returns->orders[i].n && returns->orders[i].order != order
            && pc_overlap_meets(returns->index, rule, i, crossed, found)) {
            return true;
        }
    }
    return false;
}

/* Returns what 'rule' has mixed up with '*other', for the caller to free; NULL if
 * nothing. */
char *
pc_ctl_returns_text(const struct pc_controller *c,
                    const struct pc_ctl_rule *rule, struct uuid *other)
{
    const struct pc_ctl_returned *ret;

    LIST_FOR_EACH (ret, rule_node, &rule->returned) {
        const struct pc_rule *value = pc_overlap_get(ret->returns->index,
                                                     &rule->uuid);
        const struct pc_ctl_service *svc = ret->returns->svc;
        struct pc_overlap_found found;

        if (svc && find(svc, rule->order, value, &found)) {
            *other = found.rule;
            return describe(c, &svc->s, &found.rule, &found.packet);
        }
    }
    return NULL;
}

static void
clear_text(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    if (rule->ambiguous) {
        hindex_remove(&c->ambiguous, &rule->ambiguous_node);
        free(rule->ambiguous);
        rule->ambiguous = NULL;
        hmapx_add(&c->bad_rules, rule);
    }
}

/* Makes 'ambiguous' of 'rule' anew. */
void
pc_ctl_returns_refresh(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    clear_text(c, rule);
    rule->ambiguous = pc_ctl_returns_text(c, rule, &rule->ambiguous_other);
    if (rule->ambiguous) {
        hindex_insert(&c->ambiguous, &rule->ambiguous_node,
                      uuid_hash(&rule->ambiguous_other));
        hmapx_add(&c->bad_rules, rule);
    }
}

/* The index. */

static uint16_t
get_order(struct pc_ctl_returns *returns, const struct pc_overlap *order)
{
    size_t free_one = returns->n_orders;

    for (size_t i = 0; i < returns->n_orders; i++) {
        if (!returns->orders[i].n) {
            free_one = i;
        } else if (returns->orders[i].order == order) {
            return i;
        }
    }
    if (free_one == returns->n_orders) {
        if (returns->n_orders >= returns->allocated_orders) {
            returns->orders = x2nrealloc(returns->orders,
                                         &returns->allocated_orders,
                                         sizeof *returns->orders);
        }
        returns->n_orders++;
    }
    returns->orders[free_one] = (struct returns_order) { .order = order };
    return free_one;
}

static void
insert(struct pc_ctl_service *svc, struct pc_ctl_rule *rule,
       struct pc_rule *value)
{
    struct pc_ctl_returns *returns = svc->returns;
    struct pc_ctl_returned *ret = xmalloc(sizeof *ret);
    struct pc_overlap_place place;

    *ret = (struct pc_ctl_returned) {
        .rule = rule,
        .returns = returns,
        .order = get_order(returns, rule->order),
    };
    returns->orders[ret->order].n++;
    ovs_list_push_back(&rule->returned, &ret->rule_node);
    ovs_list_push_back(&returns->members, &ret->node);
    value->priority = ret->order;
    pc_overlap_insert(returns->index, value, PC_OVERLAP_NEW, &place);
}

static void
remove_one(struct pc_ctl_returned *ret)
{
    struct pc_ctl_returns *returns = ret->returns;

    pc_overlap_remove(returns->index, &ret->rule->uuid);
    returns->orders[ret->order].n--;
    ovs_list_remove(&ret->rule_node);
    ovs_list_remove(&ret->node);
    free(ret);
}

/* 'rule' is on no path any more, or on another one; what others have mixed up
 * with it is outdated. */
void
pc_ctl_returns_remove(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    struct pc_ctl_returned *ret;
    struct pc_ctl_rule *other;

    LIST_FOR_EACH_SAFE (ret, rule_node, &rule->returned) {
        remove_one(ret);
    }
    clear_text(c, rule);
    HINDEX_FOR_EACH_WITH_HASH (other, ambiguous_node, uuid_hash(&rule->uuid),
                               &c->ambiguous) {
        if (uuid_equals(&other->ambiguous_other, &rule->uuid)) {
            hmapx_add(&c->stale, other);
        }
    }
}

/* Does 'svc' return what it gets, and has it an index? */
static bool
is_indexed(const struct pc_service *svc)
{
    return (CONTAINER_OF(svc, struct pc_ctl_service, s)->returns
            && (svc->mode == PC_MODE_INLINE || svc->mode == PC_MODE_ROUTE));
}

/* Stores in '*path' the one of 'rule', with no hops if it is not in use. */
static void
get_path(const struct pc_ctl_rule *rule, struct pc_path *path)
{
    if (rule->chain) {
        *path = rule->chain->path;
    } else if (rule->svc) {
        pc_path_alone(path, &rule->svc->s);
    } else {
        path->n_hops = 0;
    }
}

/* Is 'rule' in the indexes of the 'n' services in 'hops', and in no other? */
static bool
is_in(const struct pc_ctl_rule *rule, const struct pc_service *const hops[],
      size_t n)
{
    const struct pc_ctl_returned *ret;
    size_t i = 0;

    LIST_FOR_EACH (ret, rule_node, &rule->returned) {
        if (i >= n || !ret->returns->svc
            || &ret->returns->svc->s != hops[i++]) {
            return false;
        }
    }
    return i == n;
}

/* Puts 'rule' into the indexes of the services of its path that have one, if it
 * has a level, and takes it out of those of others. */
void
pc_ctl_returns_update(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    const struct pc_rule *placed = pc_overlap_get(rule->order, &rule->uuid);
    const struct pc_service *hops[PC_MAX_HOPS];
    struct pc_rule_match match;
    struct pc_path path;
    size_t n = 0;

    get_path(rule, &path);
    for (size_t i = 0; placed && !rule->error && i < path.n_hops; i++) {
        if (is_indexed(path.hops[i])) {
            hops[n++] = path.hops[i];
        }
    }
    bool routed = n && (pc_path_is_routed(&path)
                        || pc_path_is_routed(path.before));
    if (is_in(rule, hops, n) && routed == rule->routed) {
        return;
    }
    pc_ctl_returns_remove(c, rule);
    rule->routed = routed;
    if (n) {
        struct pc_rule value = *placed;

        value.path = &path;
        pc_compile_returned_match(&value, &match);
        value.match = &match;
        value.target = uuid_hash(&rule->uuid);  /* All others are others. */
        for (size_t i = 0; i < n; i++) {
            insert(CONTAINER_OF(hops[i], struct pc_ctl_service, s), rule,
                   &value);
        }
        pc_rule_match_destroy(&match);
        pc_ctl_returns_refresh(c, rule);
    }
}

/* Adds the rules on the paths that 'svc' is on to 'to_return'. */
static void
index_rules(struct pc_controller *c, struct pc_ctl_service *svc)
{
    struct pc_ctl_rule *rule;

    LIST_FOR_EACH (rule, owner_node, &svc->rules) {
        hmapx_add(&c->to_return, rule);
    }
    for (size_t i = 0; i < svc->s.n_positions; i++) {
        const struct pc_ctl_chain *chain
            = CONTAINER_OF(svc->s.positions[i].path, struct pc_ctl_chain,
                           path);

        LIST_FOR_EACH (rule, owner_node, &chain->rules) {
            hmapx_add(&c->to_return, rule);
        }
    }
}

/* The places of 'svc' have changed: it gets an index, or loses it. */
void
pc_ctl_returns_follow(struct pc_controller *c, struct pc_ctl_service *svc)
{
    struct pc_ctl_returns *returns = svc->returns;

    if (svc->n_afters && !returns) {
        returns = svc->returns = xzalloc(sizeof *returns);
        returns->svc = svc;
        returns->index = pc_overlap_create();
        ovs_list_init(&returns->members);
        index_rules(c, svc);
    } else if (!svc->n_afters && returns) {
        ovs_list_push_back(&c->old_returns, &returns->old_node);
        returns->svc = NULL;
        svc->returns = NULL;
    }
}

/* Frees indexes that services have lost, 'max' entries at most: there may be
 * many. */
void
pc_ctl_returns_clean(struct pc_controller *c, int max)
{
    struct pc_ctl_returns *returns;

    LIST_FOR_EACH_SAFE (returns, old_node, &c->old_returns) {
        struct pc_ctl_returned *ret;

        LIST_FOR_EACH_SAFE (ret, node, &returns->members) {
            if (!max--) {
                return;
            }
            if (ret->rule->ambiguous) {
                hmapx_add(&c->stale, ret->rule);
            }
            remove_one(ret);
        }
        ovs_list_remove(&returns->old_node);
        pc_overlap_destroy(returns->index);
        free(returns->orders);
        free(returns);
    }
}

/* Indexes rules of services that have got an index, until time_usec() is beyond
 * 'deadline'.  Returns true if all are. */
bool
pc_ctl_returns_run(struct pc_controller *c, long long int deadline)
{
    struct hmapx_node *node;
    size_t n = 0;

    HMAPX_FOR_EACH_SAFE (node, &c->to_return) {
        pc_ctl_returns_update(c, node->data);
        hmapx_delete(&c->to_return, node);
        if (!(++n % 32) && time_usec() > deadline) {
            return hmapx_is_empty(&c->to_return);
        }
    }
    return true;
}

/* A rule that is not there. */

/* The same as find() for a service without an index. */
static bool
find_in_list(const struct pc_ctl_service *svc, const struct ovs_list *rules,
             const struct pc_rule *rule, struct pc_overlap_found *found)
{
    const struct pc_ctl_rule *other;
    size_t n = 0;

    LIST_FOR_EACH (other, owner_node, rules) {
        const struct pc_rule *value = pc_overlap_get(other->order,
                                                     &other->uuid);
        enum pc_direction mine[2], its[2];
        size_t n_mine = pc_rule_directions(rule, mine);
        size_t n_its = value ? pc_rule_directions(value, its) : 0;

        for (size_t i = 0; i < n_mine * n_its; i++) {
            enum pc_direction a = mine[i / n_its], b = its[i % n_its];

            if ((a == b || !pc_service_has_two_ports(&svc->s))
                && pc_match_overlap(&rule->match->match[a],
                                    &value->match->match[b],
                                    &found->packet)) {
                found->rule = other->uuid;
                return true;
            }
        }
        if (++n >= MAX_LOOKED_AT) {
            break;
        }
    }
    return false;
}

static bool
find_on_service(const struct pc_ctl_service *svc,
                const struct pc_overlap *order, const struct pc_rule *rule,
                struct pc_overlap_found *found)
{
    if (svc->returns) {
        return find(svc, order, rule, found);
    } else if (!rule->path->before) {
        return false;           /* All of its rules are of this order. */
    }
    bool any = find_in_list(svc, &svc->rules, rule, found);
    for (size_t i = 0; !any && i < svc->s.n_positions; i++) {
        const struct pc_path *path = svc->s.positions[i].path;

        any = find_in_list(svc, &CONTAINER_OF(path, struct pc_ctl_chain,
                                              path)->rules, rule, found);
    }
    return any;
}

/* Returns what 'rule' of 'order', which is not there and has a path, would have
 * mixed up with another one, for the caller to free; NULL if nothing. */
char *
pc_ctl_returns_ask(const struct pc_controller *c, const struct pc_rule *rule,
                   const struct pc_overlap *order)
{
    const struct pc_path *path = rule->path;
    struct pc_rule_match match;
    struct pc_rule value = *rule;
    char *text = NULL;

    pc_compile_returned_match(rule, &match);
    value.match = &match;
    value.target = uuid_hash(&rule->uuid);
    for (size_t i = 0; !text && i < path->n_hops; i++) {
        const struct pc_service *hop = path->hops[i];
        struct pc_overlap_found found;

        if ((hop->mode == PC_MODE_INLINE || hop->mode == PC_MODE_ROUTE)
            && find_on_service(CONTAINER_OF(hop, struct pc_ctl_service, s),
                               order, &value, &found)) {
            text = describe(c, hop, &found.rule, &found.packet);
        }
    }
    pc_rule_match_destroy(&match);
    return text;
}
