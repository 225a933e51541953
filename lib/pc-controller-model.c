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
#include "packets.h"
#include "pc-controller-private.h"
#include "pc-overlap.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_controller_model);

/* From rows to values.  Each function compares the row with the object that
 * it made last time and marks dirty what the difference touches; nothing is
 * compiled here. */

/* Services. */

struct pc_ctl_service *
pc_ctl_service_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_service *svc;

    HMAP_FOR_EACH_WITH_HASH (svc, hmap_node, uuid_hash(uuid), &c->services) {
        if (uuid_equals(&svc->s.uuid, uuid)) {
            return svc;
        }
    }
    return NULL;
}

/* The service 'name', NULL if there is none. */
struct pc_ctl_service *
pc_ctl_service_by_name(const struct pc_controller *c, const char *name)
{
    struct pc_ctl_service *svc;

    HMAP_FOR_EACH_WITH_HASH (svc, name_node, hash_string(name, 0),
                             &c->service_names) {
        if (!strcmp(svc->s.name, name)) {
            return svc;
        }
    }
    return NULL;
}

static void
pc_ctl_service_dirty_vis(struct pc_controller *c, struct pc_ctl_service *svc)
{
    struct pc_ctl_vi *vi;

    LIST_FOR_EACH (vi, svc_node, &svc->vis) {
        hmapx_add(&c->dirty_vis, vi);
    }
}

static void
pc_ctl_service_dirty_rules(struct pc_controller *c,
                           struct pc_ctl_service *svc)
{
    struct pc_ctl_rule *rule;

    LIST_FOR_EACH (rule, owner_node, &svc->rules) {
        pc_ctl_rule_mark_dirty(c, rule);
    }
}

/* A service keeps its name. */
static struct pc_ctl_service *
pc_ctl_service_create(struct pc_controller *c, const struct uuid *uuid,
                      const char *name)
{
    struct pc_ctl_service *svc = xzalloc(sizeof *svc);

    svc->s.uuid = *uuid;
    svc->s.name = xstrdup(name);
    ovs_list_init(&svc->vis);
    ovs_list_init(&svc->rules);
    hmap_insert(&c->services, &svc->hmap_node, uuid_hash(uuid));
    hmap_insert(&c->service_names, &svc->name_node, hash_string(name, 0));
    hmapx_add(&c->dirty_services, svc);
    hmapx_add(&c->bad_services, svc);   /* Perhaps the row's is outdated. */
    pc_ctl_afters_touch(c, name, uuid);
    c->services_changed = true;
    return svc;
}

static void
pc_ctl_service_set_number(struct pc_controller *c, struct pc_ctl_service *svc,
                          uint16_t number)
{
    if (svc->s.number) {
        bitmap_set0(c->service_numbers, svc->s.number);
    }
    if (number) {
        bitmap_set1(c->service_numbers, number);
    }
    svc->s.number = number;
    svc->placing_number = 0;
    pc_ctl_service_leave_chains(c, svc);
    hmapx_add(&c->dirty_services, svc);
    pc_ctl_service_dirty_vis(c, svc);
    pc_ctl_service_dirty_rules(c, svc);
}

/* Takes over how 'row' wants packets to reach its VIs. */
static void
pc_ctl_service_set_attachment(struct pc_controller *c,
                              struct pc_ctl_service *svc,
                              const struct pcrec_service *row)
{
    bool two_arms = smap_get_int(&row->options, "arms", 1) == 2;
    enum pc_mode mode = PC_MODE_HOST;

    if (!pc_mode_from_string(row->mode, &mode)) {
        VLOG_WARN("service %s: unknown mode %s", row->name, row->mode);
    }
    if (svc->s.mode != mode || svc->s.two_arms != two_arms) {
        pc_ctl_service_leave_chains(c, svc);
        svc->s.mode = mode;
        svc->s.two_arms = two_arms;
        pc_ctl_service_moved(c, svc);
        pc_ctl_service_dirty_rules(c, svc);
    }
}

/* Takes over the values of 'row', new or changed. */
void
pc_ctl_service_update(struct pc_controller *c,
                      const struct pcrec_service *row)
{
    struct pc_ctl_service *svc = pc_ctl_service_find(c, &row->header_.uuid);

    if (!row->cloudlet
        || !uuid_equals(&row->cloudlet->header_.uuid, &c->cloudlet)) {
        if (svc) {
            pc_ctl_service_remove(c, svc);
        }
        return;
    }
    if (!svc) {
        svc = pc_ctl_service_create(c, &row->header_.uuid, row->name);
    }

    pc_ctl_service_set_attachment(c, svc, row);
    enum pc_on_failure on_failure = (!strcmp(row->on_failure, "close")
                                     ? PC_FAIL_CLOSE : PC_FAIL_OPEN);
    struct pc_affinity_spec affinity;
    char *error = pc_affinity_parse(row->affinity, &affinity);
    if (error) {
        VLOG_WARN("service %s: affinity: %s", row->name, error);
        free(error);
    }
    if (svc->s.on_failure != on_failure
        || !pc_affinity_equals(&svc->s.affinity, &affinity)) {
        svc->s.on_failure = on_failure;
        svc->s.affinity = affinity;
        hmapx_add(&c->dirty_services, svc);
        pc_ctl_service_dirty_vis(c, svc);
        pc_ctl_service_dirty_chains(c, svc);
    }
    if (svc->s.number != row->number) {
        pc_ctl_service_set_number(c, svc, row->number);
    }
    hmapx_add(&c->to_place, svc);
}

/* Forgets 'svc', whose row is gone: its VIs must leave, rules have no
 * service. */
void
pc_ctl_service_remove(struct pc_controller *c, struct pc_ctl_service *svc)
{
    struct pc_ctl_rule *rule;
    struct pc_ctl_vi *vi;

    LIST_FOR_EACH_SAFE (vi, svc_node, &svc->vis) {
        pc_ctl_vi_leave(c, vi);
    }
    pc_ctl_service_leave_chains(c, svc);
    LIST_FOR_EACH_SAFE (rule, owner_node, &svc->rules) {
        pc_ctl_rule_set_target(c, rule, NULL, NULL);
        pc_ctl_rule_mark_dirty(c, rule);
    }
    if (svc->s.number || svc->placing_number) {
        bitmap_set0(c->service_numbers, (svc->s.number ? svc->s.number
                                         : svc->placing_number));
    }
    pc_ctl_disown(c, &svc->s.uuid);
    hmapx_find_and_delete(&c->dirty_services, svc);
    hmapx_find_and_delete(&c->to_place, svc);
    hmapx_find_and_delete(&c->bad_services, svc);
    ovs_assert(!svc->returns);  /* It is on no path. */
    hmap_remove(&c->services, &svc->hmap_node);
    hmap_remove(&c->service_names, &svc->name_node);
    free(svc->s.name);
    free(svc->s.vis);
    free(svc->s.positions);
    free(svc->place_error);
    free(svc->switch_error);
    free(svc);
}

/* Rules. */

struct pc_ctl_rule *
pc_ctl_rule_find(const struct pc_controller *c, const struct uuid *uuid)
{
    struct pc_ctl_rule *rule;

    HMAP_FOR_EACH_WITH_HASH (rule, hmap_node, uuid_hash(uuid), &c->rules) {
        if (uuid_equals(&rule->uuid, uuid)) {
            return rule;
        }
    }
    return NULL;
}

static bool
pc_ctl_rule_is_ours(const struct pc_controller *c,
                    const struct pcrec_rule *row)
{
    const struct pcrec_cloudlet *cloudlet
        = (row->service ? row->service->cloudlet
           : row->chain ? row->chain->cloudlet : NULL);

    return !cloudlet || uuid_equals(&cloudlet->header_.uuid, &c->cloudlet);
}

/* The first rule of 'svc' came, or its last one went. */
static void
pc_ctl_service_update_has_rules(struct pc_controller *c,
                                struct pc_ctl_service *svc)
{
    bool has_rules = !ovs_list_is_empty(&svc->rules);

    if (svc->s.has_rules != has_rules) {
        svc->s.has_rules = has_rules;
        if (svc->s.n_positions) {
            pc_ctl_service_moved(c, svc);
        }
    }
}

/* Makes the target of 'rule' be 'svc' or 'chain' or, if both are NULL,
 * nothing. */
void
pc_ctl_rule_set_target(struct pc_controller *c, struct pc_ctl_rule *rule,
                       struct pc_ctl_service *svc, struct pc_ctl_chain *chain)
{
    struct pc_ctl_service *old = rule->svc;

    if (rule->svc == svc && rule->chain == chain) {
        return;
    }
    if (rule->svc || rule->chain) {
        ovs_list_remove(&rule->owner_node);
    }
    rule->svc = svc;
    rule->chain = chain;
    if (svc || chain) {
        ovs_list_push_back(svc ? &svc->rules : &chain->rules,
                           &rule->owner_node);
    }
    if (old) {
        pc_ctl_service_update_has_rules(c, old);
    }
    if (svc) {
        pc_ctl_service_update_has_rules(c, svc);
    }
}

static enum pc_rule_direction
rule_direction(const struct pcrec_rule *row)
{
    return (!strcmp(row->direction, "forward") ? PC_RULE_FORWARD
            : !strcmp(row->direction, "reverse") ? PC_RULE_REVERSE
            : PC_RULE_BOTH);
}

/* Takes over 'row', new or changed, if it is of our cloudlet. */
void
pc_ctl_rule_update(struct pc_controller *c, const struct pcrec_rule *row)
{
    struct pc_ctl_rule *rule = pc_ctl_rule_find(c, &row->header_.uuid);

    if (!pc_ctl_rule_is_ours(c, row)) {
        if (rule) {
            pc_ctl_rule_remove(c, rule);
        }
        return;
    }
    struct pc_ctl_service *svc
        = (row->service
           ? pc_ctl_service_find(c, &row->service->header_.uuid) : NULL);
    if (!rule) {
        rule = xzalloc(sizeof *rule);
        rule->uuid = row->header_.uuid;
        rule->error = row->error[0] ? xstrdup(row->error) : NULL;
        rule->level = smap_get_ullong(&row->status, "priority",
                                      PC_OVERLAP_NEW);
        rule->order = c->overlap;
        ovs_list_init(&rule->returned);
        hmap_insert(&c->rules, &rule->hmap_node, uuid_hash(&rule->uuid));
        hmapx_add(&c->bad_rules, rule);     /* Perhaps the row's is outdated. */
    } else if (pcrec_rule_is_updated(row, PCREC_RULE_COL_MATCH)
               || pcrec_rule_is_updated(row, PCREC_RULE_COL_PRIORITY)
               || pcrec_rule_is_updated(row, PCREC_RULE_COL_DIRECTION)
               || pcrec_rule_is_updated(row, PCREC_RULE_COL_OPTIONS)) {
        pc_ctl_overlap_remove(c, rule);
        rule->level = PC_OVERLAP_NEW;
    } else {
        pc_ctl_overlap_remove(c, rule); /* To another service. */
    }
    if (!pc_ctl_after_update(c, rule, row)) {
        pc_ctl_rule_set_target(c, rule, svc,
                               (!svc && row->chain
                                ? pc_ctl_chain_find(
                                    c, &row->chain->header_.uuid) : NULL));
    }
    rule->refused = false;
    rule->priority = row->priority;
    rule->direction = rule_direction(row);
    rule->by_port = strstr(row->match, "in_port") != NULL;
    if (rule->by_port) {
        hmapx_add(&c->port_rules, rule);
    } else {
        hmapx_find_and_delete(&c->port_rules, rule);
    }
    pc_ctl_rule_mark_dirty(c, rule);
}

/* Forgets 'rule', whose row is gone. */
void
pc_ctl_rule_remove(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    pc_ctl_rule_set_target(c, rule, NULL, NULL);
    pc_ctl_disown(c, &rule->uuid);
    pc_ctl_overlap_forget(c);
    c->placed = false;
    pc_ctl_overlap_remove(c, rule);
    pc_ctl_after_remove(c, rule);
    hmapx_find_and_delete(&c->stale, rule);
    hmapx_find_and_delete(&c->to_return, rule);
    pc_ctl_rule_unmark_dirty(c, rule);
    hmapx_find_and_delete(&c->bad_rules, rule);
    hmapx_find_and_delete(&c->conflicts, rule);
    hmapx_find_and_delete(&c->port_rules, rule);
    hmap_remove(&c->rules, &rule->hmap_node);
    free(rule->error);
    free(rule);
}
