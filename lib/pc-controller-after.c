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

#include "bitmap.h"
#include "pc-controller-private.h"
#include "pc-match.h"
#include "pc-overlap.h"
#include "smap.h"
#include "util.h"

/* Rules for what leaves a service or a chain (Rule.options:after; paper §4.1.3,
 * as in SIMPLE): of the packets that rules of 'before' have sent through it, those
 * that match, as they come out of it, go on through the rule's target; answers
 * come back through the target first.
 *
 * Such a rule has a path of its own: the target's services under another number
 * (see struct pc_path).  It is kept as a chain that has no row, with the rule as
 * its only rule, so that all that is done for chains is done for it.  The number
 * is kept in Rule.status:path, so that it is the same after a restart.
 *
 * The services of both are looked at anew when one of the two changed: those
 * that are after a name are found by it ('orders'), those that lead to a service
 * or chain by its UUID ('after_targets'), so that what concerns no such rule
 * looks at none. */

/* The rules after the service or chain 'name'; NULL if there are none. */
struct pc_ctl_order *
pc_ctl_order_find(const struct pc_controller *c, const char *name)
{
    return shash_find_data(&c->orders, name);
}

static void
enter_order(struct pc_controller *c, struct pc_ctl_after *after,
            const char *name)
{
    struct pc_ctl_order *order = pc_ctl_order_find(c, name);

    if (!order) {
        order = xmalloc(sizeof *order);
        order->name = xstrdup(name);
        order->overlap = pc_overlap_create();
        ovs_list_init(&order->afters);
        shash_add(&c->orders, name, order);
    }
    after->order = order;
    ovs_list_push_back(&order->afters, &after->order_node);
    after->rule->order = order->overlap;
}

/* The rule of 'after' has no level any more. */
static void
leave_order(struct pc_controller *c, struct pc_ctl_after *after)
{
    struct pc_ctl_order *order = after->order;

    ovs_list_remove(&after->order_node);
    after->order = NULL;
    after->rule->order = c->overlap;
    if (ovs_list_is_empty(&order->afters)) {
        ovs_assert(!pc_overlap_count(order->overlap));
        shash_find_and_delete(&c->orders, order->name);
        pc_overlap_destroy(order->overlap);
        free(order->name);
        free(order);
    }
}

static void
set_target(struct pc_controller *c, struct pc_ctl_after *after,
           const struct uuid *target)
{
    if (!uuid_is_zero(&after->target)) {
        hindex_remove(&c->after_targets, &after->target_node);
    }
    after->target = target ? *target : UUID_ZERO;
    if (target) {
        hindex_insert(&c->after_targets, &after->target_node,
                      uuid_hash(target));
    }
}

/* The service or chain 'name' with 'uuid' came, goes or is another: the rules
 * that are after it or lead to it are to be looked at. */
void
pc_ctl_afters_touch(struct pc_controller *c, const char *name,
                    const struct uuid *uuid)
{
    const struct pc_ctl_order *order = pc_ctl_order_find(c, name);
    struct pc_ctl_after *after;

    if (order) {
        LIST_FOR_EACH (after, order_node, &order->afters) {
            hmapx_add(&c->stale_afters, after);
        }
    }
    HINDEX_FOR_EACH_WITH_HASH (after, target_node, uuid_hash(uuid),
                               &c->after_targets) {
        if (uuid_equals(&after->target, uuid)) {
            hmapx_add(&c->stale_afters, after);
        }
    }
}

/* The number in 'row', if it is free, or another one; 0 if there is none. */
static uint16_t
choose_number(const struct pc_controller *c, const struct pcrec_rule *row)
{
    size_t number = smap_get_ullong(&row->status, "path", 0);

    if (!number || number >= PC_CTL_CHAINS
        || bitmap_is_set(c->chain_numbers, number)) {
        number = bitmap_scan(c->chain_numbers, false, 1, PC_CTL_CHAINS);
    }
    return number < PC_CTL_CHAINS ? number : 0;
}

static struct pc_ctl_after *
create_after(struct pc_controller *c, struct pc_ctl_rule *rule,
             const struct pcrec_rule *row)
{
    struct pc_ctl_after *after = xzalloc(sizeof *after);
    struct pc_ctl_chain *chain = &after->chain;

    after->rule = rule;
    chain->after = after;
    chain->name = xstrdup(row->match);
    ovs_list_init(&chain->rules);

    /* The flows of rule and path have owners of their own, which cookies do not
     * tell apart. */
    chain->path.uuid = rule->uuid;
    chain->path.uuid.parts[3] = ~chain->path.uuid.parts[3];
    hmap_insert(&c->chains, &chain->hmap_node, uuid_hash(&chain->path.uuid));
    pc_ctl_chain_set_number(c, chain, choose_number(c, row));
    return after;
}

/* Takes over Rule.options:after.  Returns true if 'rule', which has no level, is
 * after something: then it has its target; otherwise the caller gives it one. */
bool
pc_ctl_after_update(struct pc_controller *c, struct pc_ctl_rule *rule,
                    const struct pcrec_rule *row)
{
    const char *before = smap_get(&row->options, "after");

    if (!before) {
        if (rule->after) {
            pc_ctl_rule_set_target(c, rule, NULL, NULL);
            pc_ctl_after_remove(c, rule);
        }
        return false;
    }
    if (!rule->after) {
        rule->after = create_after(c, rule, row);
        pc_ctl_rule_set_target(c, rule, NULL, &rule->after->chain);
    }
    struct pc_ctl_after *after = rule->after;
    if (!after->order || strcmp(after->order->name, before)) {
        if (after->order) {
            leave_order(c, after);
        }
        enter_order(c, after, before);
    }
    set_target(c, after, (row->service ? &row->service->header_.uuid
                          : row->chain ? &row->chain->header_.uuid : NULL));
    hmapx_add(&c->stale_afters, after);
    return true;
}

/* Forgets the path of 'rule', which leads to it no more. */
void
pc_ctl_after_remove(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    struct pc_ctl_after *after = rule->after;

    if (after) {
        pc_ctl_chain_remove(c, &after->chain);
        leave_order(c, after);
        set_target(c, after, NULL);
        hmapx_find_and_delete(&c->stale_afters, after);
        free(after);
        rule->after = NULL;
    }
}

/* Finds the path that 'after' is after.  Returns it; NULL if there is none yet,
 * with '*error' if that is wrong. */
static const struct pc_path *
find_before(const struct pc_controller *c, struct pc_ctl_after *after,
            char **error)
{
    const char *name = after->order->name;
    const struct pc_ctl_service *svc = pc_ctl_service_by_name(c, name);
    const struct pc_ctl_chain *chain;

    if (svc && svc->s.mode == PC_MODE_HOST) {
        *error = xasprintf("service %s has mode host: no rule sends anything "
                           "through it", name);
        return NULL;
    } else if (svc) {
        pc_path_alone(&after->alone, &svc->s);
        return svc->s.number ? &after->alone : NULL;
    }
    chain = pc_ctl_chain_by_name(c, name);
    if (chain) {
        return chain->path.n_hops ? &chain->path : NULL;
    }
    *error = xasprintf("there is no service or chain %s to be after", name);
    return NULL;
}

/* Stores the services that 'row' leads to in 'hops' and returns their number: 0
 * if they cannot be used yet, with '*error' if that is wrong. */
static size_t
read_hops(const struct pc_controller *c, const struct pcrec_rule *row,
          const struct pc_service *hops[PC_MAX_HOPS], char **error)
{
    if (row->service) {
        const struct pc_ctl_service *svc
            = pc_ctl_service_find(c, &row->service->header_.uuid);

        if (svc && svc->s.mode == PC_MODE_HOST) {
            *error = xasprintf("service %s has mode host: packets reach it by "
                               "its address, nothing can be diverted to it",
                               svc->s.name);
            return 0;
        }
        hops[0] = svc ? &svc->s : NULL;
        return svc && svc->s.number ? 1 : 0;
    } else if (row->chain) {
        const struct pc_ctl_chain *chain
            = pc_ctl_chain_find(c, &row->chain->header_.uuid);

        if (!chain) {
            return 0;
        } else if (chain->error) {
            *error = xasprintf("chain %s is not in use: %s", chain->name,
                               chain->error);
            return 0;
        }
        memcpy(hops, chain->path.hops, chain->path.n_hops * sizeof *hops);
        return chain->path.n_hops;
    }
    *error = xstrdup("neither service nor chain");
    return 0;
}

/* Returns what is wrong with going from 'before' to 'hops', or NULL. */
static char *
check_hops(const struct pc_path *before,
           const struct pc_service *const hops[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < before->n_hops; j++) {
            if (hops[i] == before->hops[j]) {
                return xasprintf("service %s would be passed twice",
                                 hops[i]->name);
            }
        }
    }
    return NULL;
}

/* One of the two paths has changed.  The rule's flows depend on the number and
 * the modes of their services, too. */
static void
settle(struct pc_controller *c, struct pc_ctl_after *after,
       const struct pcrec_rule *row)
{
    const struct pc_service *hops[PC_MAX_HOPS];
    struct pc_path *path = &after->chain.path;
    char *error = NULL;

    path->before = find_before(c, after, &error);
    size_t n = error ? 0 : read_hops(c, row, hops, &error);
    if (!after->chain.number && !error) {
        error = xstrdup("no path number is free");
    }
    if (!error && path->before) {
        error = check_hops(path->before, hops, n);
    }
    pc_ctl_chain_set_hops(c, &after->chain, hops,
                          error || !path->before ? 0 : n);
    if (path->before && path->before->number != after->known_number) {
        after->known_number = path->before->number;
        hmapx_add(&c->dirty_chains, &after->chain);
    }
    pc_ctl_rule_mark_dirty(c, after->rule);
    pc_ctl_chain_set_error(c, &after->chain, error);
}

/* Brings the paths of rules that are after others to what the rows say, as far
 * as anything changed that concerns them. */
void
pc_ctl_afters_settle(struct pc_controller *c)
{
    struct hmapx_node *node;

    HMAPX_FOR_EACH (node, &c->stale_afters) {
        struct pc_ctl_after *after = node->data;
        const struct pcrec_rule *row
            = pcrec_rule_get_for_uuid(c->idl, &after->rule->uuid);

        c->counters.n_afters++;
        if (row) {
            settle(c, after, row);
        }
    }
    hmapx_clear(&c->stale_afters);
}

/* A service on 'path' whose VIs have one port for both directions, NULL if there
 * is none. */
static const struct pc_service *
find_one_armed(const struct pc_path *path)
{
    for (size_t i = 0; i < path->n_hops; i++) {
        if (path->hops[i]->mode == PC_MODE_ROUTE
            && !pc_service_has_two_ports(path->hops[i])) {
            return path->hops[i];
        }
    }
    return NULL;
}

/* Returns why 'rule', which is after a path, cannot be, or NULL. */
char *
pc_ctl_after_check(const struct pc_rule *rule)
{
    const struct pc_service *svc;

    if (rule->direction != PC_RULE_BOTH || !rule->match->symmetric) {
        return NULL;
    }
    svc = find_one_armed(rule->path);
    if (!svc) {
        svc = find_one_armed(rule->path->before);
    }
    return (svc ? xasprintf("the match is the same in both directions, so that "
                            "what service %s returns cannot be told: name an "
                            "address, a port or one direction", svc->name)
            : NULL);
}
