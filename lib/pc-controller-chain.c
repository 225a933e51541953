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
#include "hash.h"
#include "openvswitch/vlog.h"
#include "pc-controller-private.h"
#include "pc-layout.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_chain);

/* Chains, from rows to values.
 *
 * A chain is in use (its path has hops) once it and all of its services have
 * numbers and nothing is wrong with it.  A chain whose row or services changed
 * becomes stale; pc_ctl_chains_settle() looks at those anew when all rows of a
 * snapshot are known.  Each service knows its places (struct pc_position), for
 * they decide about the flows of its VIs and about those of rules. */

struct pc_ctl_chain *
pc_ctl_chain_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_chain *chain;

    HMAP_FOR_EACH_WITH_HASH (chain, hmap_node, uuid_hash(uuid), &c->chains) {
        if (uuid_equals(&chain->path.uuid, uuid)) {
            return chain;
        }
    }
    return NULL;
}

/* The chain 'name', NULL if there is none. */
struct pc_ctl_chain *
pc_ctl_chain_by_name(const struct pc_controller *c, const char *name)
{
    struct pc_ctl_chain *chain;

    HMAP_FOR_EACH_WITH_HASH (chain, name_node, hash_string(name, 0),
                             &c->chain_names) {
        if (!strcmp(chain->name, name)) {
            return chain;
        }
    }
    return NULL;
}

static struct pc_ctl_chain *
pc_ctl_chain_from_path(const struct pc_path *path)
{
    return CONTAINER_OF(path, struct pc_ctl_chain, path);
}

static struct pc_ctl_service *
pc_ctl_service_from_hop(const struct pc_service *hop)
{
    return CONTAINER_OF(hop, struct pc_ctl_service, s);
}

static void
pc_ctl_dirty_rules(struct pc_controller *c, const struct ovs_list *rules)
{
    struct pc_ctl_rule *rule;

    LIST_FOR_EACH (rule, owner_node, rules) {
        pc_ctl_rule_mark_dirty(c, rule);
    }
}

/* Places. */

/* The places of 'svc' or what depends on them changed. */
void
pc_ctl_service_moved(struct pc_controller *c, struct pc_ctl_service *svc)
{
    bool asks = pc_service_asks(&svc->s);
    struct pc_ctl_vi *vi;

    pc_ctl_returns_follow(c, svc);
    hmapx_add(&c->dirty_services, svc);
    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        hmapx_add(&c->dirty_vis, vi);
    }
    if (asks != svc->asks) {
        svc->asks = asks;
        pc_ctl_dirty_rules(c, &svc->rules);
        for (size_t i = 0; i < svc->s.n_positions; i++) {
            pc_ctl_dirty_rules(c, &pc_ctl_chain_from_path(
                                       svc->s.positions[i].path)->rules);
        }
    }
}

static void
pc_ctl_service_add_position(struct pc_ctl_service *svc,
                            const struct pc_path *path, uint8_t hop)
{
    struct pc_service *s = &svc->s;
    size_t i;

    s->positions = xrealloc(s->positions,
                            (s->n_positions + 1) * sizeof *s->positions);
    for (i = s->n_positions++;
         i > 0 && s->positions[i - 1].path->number > path->number; i--) {
        s->positions[i] = s->positions[i - 1];
    }
    s->positions[i] = (struct pc_position) { path, hop };
    svc->n_afters += pc_ctl_chain_from_path(path)->after != NULL;
}

static void
pc_ctl_service_del_position(struct pc_ctl_service *svc,
                            const struct pc_path *path)
{
    struct pc_service *s = &svc->s;
    size_t n = 0;

    for (size_t i = 0; i < s->n_positions; i++) {
        if (s->positions[i].path != path) {
            s->positions[n++] = s->positions[i];
        } else {
            svc->n_afters -= pc_ctl_chain_from_path(path)->after != NULL;
        }
    }
    s->n_positions = n;
}

/* 'chain' came or changed: so may what depends on it, and whether it waits. */
static void
pc_ctl_chain_touch(struct pc_controller *c, struct pc_ctl_chain *chain)
{
    if (!chain->after) {
        pc_ctl_afters_touch(c, chain->name, &chain->path.uuid);
        if (chain->path.n_hops) {
            hmapx_find_and_delete(&c->idle_chains, chain);
        } else {
            hmapx_add(&c->idle_chains, chain);
        }
    }
}

/* Makes the hops of 'chain' be the 'n' in 'hops': none takes it out of use. */
void
pc_ctl_chain_set_hops(struct pc_controller *c, struct pc_ctl_chain *chain,
                      const struct pc_service *const hops[], size_t n)
{
    struct hmapx touched = HMAPX_INITIALIZER(&touched);
    struct pc_path *path = &chain->path;
    bool dirty_rules = !n != !path->n_hops;
    struct hmapx_node *node;

    if (n == path->n_hops
        && (!n || !memcmp(hops, path->hops, n * sizeof *hops))) {
        return;
    }
    for (size_t i = 0; i < path->n_hops; i++) {
        struct pc_ctl_service *svc = pc_ctl_service_from_hop(path->hops[i]);

        dirty_rules |= svc->asks;
        pc_ctl_service_del_position(svc, path);
        hmapx_add(&touched, svc);
    }
    path->n_hops = n;
    for (size_t i = 0; i < n; i++) {
        struct pc_ctl_service *svc = pc_ctl_service_from_hop(hops[i]);

        path->hops[i] = hops[i];
        pc_ctl_service_add_position(svc, path, i);
        hmapx_add(&touched, svc);
    }
    HMAPX_FOR_EACH (node, &touched) {
        struct pc_ctl_service *svc = node->data;

        pc_ctl_service_moved(c, svc);
        dirty_rules |= svc->asks;
    }
    if (dirty_rules) {
        pc_ctl_dirty_rules(c, &chain->rules);
    }
    hmapx_add(&c->dirty_chains, chain);
    pc_ctl_chain_touch(c, chain);
    hmapx_destroy(&touched);
}

/* Takes the chains that 'svc' is in out of use until they are looked at
 * anew. */
void
pc_ctl_service_leave_chains(struct pc_controller *c,
                            struct pc_ctl_service *svc)
{
    while (svc->s.n_positions) {
        struct pc_ctl_chain *chain
            = pc_ctl_chain_from_path(svc->s.positions[0].path);

        pc_ctl_chain_set_hops(c, chain, NULL, 0);
        if (chain->after) {
            hmapx_add(&c->stale_afters, chain->after);
        } else {
            hmapx_add(&c->stale_chains, chain);
        }
    }
    pc_ctl_afters_touch(c, svc->s.name, &svc->s.uuid);
    c->services_changed = true;
}

/* The flows of the chains that 'svc' is in depend on what changed. */
void
pc_ctl_service_dirty_chains(struct pc_controller *c,
                            const struct pc_ctl_service *svc)
{
    for (size_t i = 0; i < svc->s.n_positions; i++) {
        hmapx_add(&c->dirty_chains,
                  pc_ctl_chain_from_path(svc->s.positions[i].path));
    }
}

/* Rows. */

/* Sets why 'chain' is not in use, NULL if it is.  Takes 'error'. */
void
pc_ctl_chain_set_error(struct pc_controller *c, struct pc_ctl_chain *chain,
                       char *error)
{
    if (nullable_string_is_equal(chain->error, error)) {
        free(error);
        return;
    }
    free(chain->error);
    chain->error = error;
    hmapx_add(&c->bad_chains, chain);
    pc_ctl_dirty_rules(c, &chain->rules);
    pc_ctl_chain_touch(c, chain);
}

void
pc_ctl_chain_set_number(struct pc_controller *c, struct pc_ctl_chain *chain,
                        uint16_t number)
{
    if (chain->number) {
        bitmap_set0(c->chain_numbers, chain->number);
    }
    if (number) {
        bitmap_set1(c->chain_numbers, number);
    }
    chain->number = number;
    chain->placing_number = 0;

    /* Another path, for all that is concerned. */
    pc_ctl_chain_set_hops(c, chain, NULL, 0);
    chain->path.number = PC_PATH_CHAIN | number;
}

/* Takes over 'row', new or changed. */
void
pc_ctl_chain_update(struct pc_controller *c, const struct pcrec_chain *row)
{
    struct pc_ctl_chain *chain = pc_ctl_chain_find(c, &row->header_.uuid);

    if (!row->cloudlet
        || !uuid_equals(&row->cloudlet->header_.uuid, &c->cloudlet)) {
        if (chain) {
            pc_ctl_chain_remove(c, chain);
        }
        return;
    }
    if (!chain) {
        chain = xzalloc(sizeof *chain);
        chain->path.uuid = row->header_.uuid;
        chain->name = xstrdup(row->name);
        ovs_list_init(&chain->rules);
        hmap_insert(&c->chains, &chain->hmap_node,
                    uuid_hash(&chain->path.uuid));
        hmap_insert(&c->chain_names, &chain->name_node,
                    hash_string(chain->name, 0));
        hmapx_add(&c->bad_chains, chain);   /* Perhaps outdated. */
        pc_ctl_chain_touch(c, chain);
    }
    if (chain->number != row->number) {
        pc_ctl_chain_set_number(c, chain, row->number);
    }
    if (!row->number) {
        hmapx_add(&c->to_number, chain);
    }
    hmapx_add(&c->stale_chains, chain);
}

/* Forgets 'chain', whose row is gone: its rules have no target. */
void
pc_ctl_chain_remove(struct pc_controller *c, struct pc_ctl_chain *chain)
{
    struct pc_ctl_rule *rule;

    pc_ctl_chain_set_hops(c, chain, NULL, 0);
    LIST_FOR_EACH_SAFE (rule, owner_node, &chain->rules) {
        pc_ctl_rule_set_target(c, rule, NULL, NULL);
        pc_ctl_rule_mark_dirty(c, rule);
    }
    if (chain->number || chain->placing_number) {
        bitmap_set0(c->chain_numbers, (chain->number ? chain->number
                                       : chain->placing_number));
    }
    pc_ctl_disown(c, &chain->path.uuid);
    if (!chain->after) {
        pc_ctl_chain_touch(c, chain);
        hmap_remove(&c->chain_names, &chain->name_node);
        hmapx_find_and_delete(&c->idle_chains, chain);
    }
    hmapx_find_and_delete(&c->dirty_chains, chain);
    hmapx_find_and_delete(&c->stale_chains, chain);
    hmapx_find_and_delete(&c->to_number, chain);
    hmapx_find_and_delete(&c->bad_chains, chain);
    hmap_remove(&c->chains, &chain->hmap_node);
    free(chain->name);
    free(chain->error);
    free(chain->switch_error);
    if (!chain->after) {
        free(chain);
    }
}

/* Stores the hops that 'row' asks for in 'hops' and their number in '*n':
 * none if they cannot be used yet.  Returns NULL or what is wrong with
 * them. */
static char * OVS_WARN_UNUSED_RESULT
pc_ctl_chain_read_hops(const struct pc_controller *c,
                       const struct pcrec_chain *row,
                       const struct pc_service *hops[], size_t *n)
{
    bool wait = !row->number;

    *n = 0;
    if (!row->n_services) {
        return xstrdup("it has no services");
    }
    for (size_t i = 0; i < row->n_services; i++) {
        const struct pcrec_service *s = row->value_services[i];
        const struct pc_ctl_service *svc
            = pc_ctl_service_find(c, &s->header_.uuid);

        if (!svc) {
            return xasprintf("service %s is of another cloudlet", s->name);
        } else if (svc->s.mode == PC_MODE_HOST) {
            return xasprintf("service %s has mode host: packets reach it by "
                             "its address, nothing can be diverted to it",
                             s->name);
        }
        for (size_t j = 0; j < i; j++) {
            if (row->value_services[j] == s) {
                return xasprintf("service %s is in it twice", s->name);
            }
        }
        wait |= !svc->s.number;
        hops[i] = &svc->s;
    }
    *n = wait ? 0 : row->n_services;
    return NULL;
}

static void
pc_ctl_chain_settle(struct pc_controller *c, struct pc_ctl_chain *chain)
{
    const struct pcrec_chain *row
        = pcrec_chain_get_for_uuid(c->idl, &chain->path.uuid);
    const struct pc_service *hops[PC_MAX_HOPS];
    size_t n;

    if (row) {
        char *error = pc_ctl_chain_read_hops(c, row, hops, &n);

        pc_ctl_chain_set_hops(c, chain, hops, error ? 0 : n);
        if (error) {
            VLOG_WARN("chain %s: %s", chain->name, error);
        }
        pc_ctl_chain_set_error(c, chain, error);
    }
}

/* Brings the hops of the chains to what the rows say, as far as anything
 * changed. */
void
pc_ctl_chains_settle(struct pc_controller *c)
{
    struct hmapx_node *node;

    if (c->services_changed) {
        HMAPX_FOR_EACH (node, &c->idle_chains) {
            hmapx_add(&c->stale_chains, node->data);
        }
        c->services_changed = false;
    }
    HMAPX_FOR_EACH (node, &c->stale_chains) {
        pc_ctl_chain_settle(c, node->data);
    }
    hmapx_clear(&c->stale_chains);
    pc_ctl_afters_settle(c);
}
