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
 * The services of both are looked at anew when any chain or service changed
 * ('afters_stale'). */

/* The order of the rules after the service or chain 'name'.  These meet each
 * other only. */
struct pc_overlap *
pc_ctl_after_order(struct pc_controller *c, const char *name)
{
    struct pc_overlap *order = shash_find_data(&c->orders, name);

    if (!order) {
        order = pc_overlap_create();
        shash_add(&c->orders, name, order);
    }
    return order;
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
    hmapx_add(&c->afters, after);
    pc_ctl_chain_set_number(c, chain, choose_number(c, row));
    return after;
}

/* Takes over Rule.options:after.  Returns true if 'rule' is after something:
 * then it has its target; otherwise the caller gives it one. */
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
        rule->order = c->overlap;
        return false;
    }
    if (!rule->after) {
        rule->after = create_after(c, rule, row);
        pc_ctl_rule_set_target(c, rule, NULL, &rule->after->chain);
    }
    free(rule->after->before);
    rule->after->before = xstrdup(before);
    rule->order = pc_ctl_after_order(c, before);
    c->afters_stale = true;
    return true;
}

/* Forgets the path of 'rule', which leads to it no more. */
void
pc_ctl_after_remove(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    struct pc_ctl_after *after = rule->after;

    if (after) {
        pc_ctl_chain_remove(c, &after->chain);
        hmapx_find_and_delete(&c->afters, after);
        free(after->before);
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
    const struct pc_ctl_service *svc;
    const struct pc_ctl_chain *chain;

    HMAP_FOR_EACH (svc, hmap_node, &c->services) {
        if (strcmp(svc->s.name, after->before)) {
            continue;
        } else if (svc->s.mode == PC_MODE_HOST) {
            *error = xasprintf("service %s has mode host: no rule sends "
                               "anything through it", svc->s.name);
            return NULL;
        }
        pc_path_alone(&after->alone, &svc->s);
        return svc->s.number ? &after->alone : NULL;
    }
    HMAP_FOR_EACH (chain, hmap_node, &c->chains) {
        if (!chain->after && !strcmp(chain->name, after->before)) {
            return chain->path.n_hops ? &chain->path : NULL;
        }
    }
    *error = xasprintf("there is no service or chain %s to be after",
                       after->before);
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
    if (path->before && (path->before->number != after->known_number
                         || path->before->n_hops != after->known_hops)) {
        after->known_number = path->before->number;
        after->known_hops = path->before->n_hops;
        hmapx_add(&c->dirty_chains, &after->chain);
        hmapx_add(&c->dirty_rules, after->rule);
    }
    pc_ctl_chain_set_error(c, &after->chain, error);
}

/* Brings the paths of rules that are after others to what the rows say, as far
 * as anything changed. */
void
pc_ctl_afters_settle(struct pc_controller *c)
{
    struct hmapx_node *node;

    if (!c->afters_stale) {
        return;
    }
    HMAPX_FOR_EACH (node, &c->afters) {
        struct pc_ctl_after *after = node->data;
        const struct pcrec_rule *row
            = pcrec_rule_get_for_uuid(c->idl, &after->rule->uuid);

        if (row) {
            settle(c, after, row);
        }
    }
    c->afters_stale = false;
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
