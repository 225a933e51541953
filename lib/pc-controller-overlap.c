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

#include <stdlib.h>

#include "openvswitch/ofp-port.h"
#include "openvswitch/poll-loop.h"
#include "pc-controller-private.h"
#include "pc-match.h"
#include "pc-overlap.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

/* Which rule comes first: gives each its level (pc-overlap.h), and says in
 * Rule.status what it loses to others. */

/* So many outdated texts are made anew in one run of the main loop. */
#define MAX_STALE 200

/* A rule that needs a level. */
struct placing {
    struct pc_ctl_rule *rule;
    int64_t added;              /* Rule.added. */
    bool parsed;                /* Is 'match' initialized? */
    struct pc_rule_match match;
    struct pc_rule value;
};

/* The rules that need a level, on their way to it: all are parsed, then sorted,
 * then placed.  Good for one state of the database and of the ports, for it
 * points to rules. */
struct pc_ctl_placing {
    struct placing *a;
    size_t n;                   /* All. */
    size_t n_parsed;
    size_t n_placed;
    bool sorted;
};

/* The ports by whose numbers rules are compared: the first router's. */
static const struct ofputil_port_map *
port_map(const struct pc_controller *c)
{
    const struct pc_ctl_router *r;

    HMAP_FOR_EACH (r, hmap_node, &c->routers) {
        if (r->prepared) {
            return pc_switch_port_map(r->sw);
        }
    }
    return NULL;
}

static void
clear_texts(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    if (rule->overlaps) {
        hindex_remove(&c->overlapping, &rule->other_node);
    }
    free(rule->overlaps);
    free(rule->shadowed);
    rule->overlaps = rule->shadowed = NULL;
    rule->crowded = false;
}

/* Takes 'rule' out of the order; what others lose to it is outdated. */
void
pc_ctl_overlap_remove(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    struct pc_ctl_rule *loser;

    pc_ctl_returns_remove(c, rule);
    pc_overlap_remove(rule->order, &rule->uuid);
    clear_texts(c, rule);
    HINDEX_FOR_EACH_WITH_HASH (loser, other_node, uuid_hash(&rule->uuid),
                               &c->overlapping) {
        if (uuid_equals(&loser->other, &rule->uuid)) {
            hmapx_add(&c->stale, loser);
        }
    }
}

/* Returns the rule with 'uuid' in words, for the caller to free. */
char *
pc_ctl_overlap_who(const struct pc_controller *c, const struct uuid *uuid)
{
    const struct pcrec_rule *row = pcrec_rule_get_for_uuid(c->idl, uuid);

    return (row
            ? xasprintf("%s %s (rule "UUID_FMT", %s, priority %"PRId64")",
                        row->chain ? "chain" : "service",
                        row->chain ? row->chain->name
                        : row->service ? row->service->name : "(none)",
                        UUID_ARGS(uuid), row->match, row->priority)
            : xasprintf("rule "UUID_FMT, UUID_ARGS(uuid)));
}

static void
set_overlaps(struct pc_controller *c, struct pc_ctl_rule *rule,
             const struct pc_overlap_found *found)
{
    char *packet = pc_packet_format(&found->packet);
    char *who = pc_ctl_overlap_who(c, &found->rule);

    rule->overlaps = xasprintf("%s goes to %s", packet, who);
    rule->other = found->rule;
    hindex_insert(&c->overlapping, &rule->other_node,
                  uuid_hash(&rule->other));
    free(packet);
    free(who);
}

static void
set_shadowed(struct pc_controller *c, struct pc_ctl_rule *rule)
{
    struct pc_overlap_found found;

    if (pc_overlap_shadowed(rule->order, &rule->uuid, &found)) {
        char *who = pc_ctl_overlap_who(c, &found.rule);

        rule->shadowed = xasprintf("no %s packet is left by %s",
                                   found.mine == PC_FORWARD ? "forward"
                                   : "reverse", who);
        free(who);
    }
}

static void
place(struct pc_controller *c, struct placing *p)
{
    struct pc_ctl_rule *rule = p->rule;
    struct pc_overlap_place place;

    pc_overlap_insert(rule->order, &p->value, rule->level, &place);
    rule->level = place.level;
    rule->crowded = place.crowded;
    if (place.overlaps && !place.found.same_target) {
        set_overlaps(c, rule, &place.found);
    }
    set_shadowed(c, rule);
    pc_ctl_returns_update(c, rule);
    hmapx_add(&c->bad_rules, rule);
}

/* In the order in which they were added.  If that was at once: new rules before
 * those that have had a level, which keep it if they can; the latter from the
 * top, so that each finds above it what was there. */
static int
compare_placing(const void *a_, const void *b_)
{
    const struct placing *a = a_, *b = b_;

    return (a->added != b->added ? (a->added < b->added ? -1 : 1)
            : a->rule->level != b->rule->level
            ? (a->rule->level > b->rule->level ? -1 : 1)
            : pc_overlap_compare(&a->value, &b->value));
}

/* A number that tells rules that lead to the service or chain 'target', which
 * may not have a number yet, from others: 0 if there is none. */
uint32_t
pc_ctl_overlap_target(const struct uuid *target)
{
    return target ? uuid_hash(target) | 1 : 0;
}

static void
parse(struct pc_controller *c, const struct ofputil_port_map *ports,
      struct placing *p)
{
    struct pc_ctl_rule *rule = p->rule;

    if (rule->by_port) {
        pc_ctl_overlap_remove(c, rule); /* Perhaps the port has moved. */
    } else if (pc_overlap_get(rule->order, &rule->uuid)) {
        return;
    }
    const struct pcrec_rule *row = pcrec_rule_get_for_uuid(c->idl,
                                                           &rule->uuid);
    if (!row) {
        return;
    }

    char *error = pc_rule_match_parse(row->match, ports, &p->match);
    if (error) {
        free(error);            /* Compiling it will tell. */
        return;
    }
    p->parsed = true;
    p->added = row->added;
    p->value = (struct pc_rule) {
        .uuid = rule->uuid,
        .match = &p->match,
        .priority = rule->priority,
        .direction = rule->direction,
        .target = pc_ctl_overlap_target(row->service ? &row->service->header_.uuid
                                    : row->chain ? &row->chain->header_.uuid
                                    : NULL),
    };
}

/* Forgets which rules were to be placed. */
void
pc_ctl_overlap_forget(struct pc_controller *c)
{
    struct pc_ctl_placing *pl = c->placing_rules;

    if (pl) {
        for (size_t i = pl->n_placed; i < pl->n_parsed; i++) {
            if (pl->a[i].parsed) {
                pc_rule_match_destroy(&pl->a[i].match);
            }
        }
        free(pl->a);
        free(pl);
        c->placing_rules = NULL;
    }
}

/* Collects the rules that are about to be compiled. */
static struct pc_ctl_placing *
start_placing(const struct pc_controller *c)
{
    struct pc_ctl_placing *pl = xzalloc(sizeof *pl);
    struct pc_ctl_rule *rule;

    pl->a = xmalloc(c->n_dirty_rules * sizeof *pl->a);
    LIST_FOR_EACH (rule, dirty_node, &c->dirty_rules) {
        pl->a[pl->n].rule = rule;
        pl->a[pl->n++].parsed = false;
    }
    return pl;
}

/* Puts those that need a level in order, and drops the others. */
static void
sort_placing(struct pc_ctl_placing *pl)
{
    size_t n = 0;

    for (size_t i = 0; i < pl->n; i++) {
        if (pl->a[i].parsed) {
            pl->a[n++] = pl->a[i];
        }
    }
    pl->n = pl->n_parsed = n;
    for (size_t i = 0; i < n; i++) {
        pl->a[i].value.match = &pl->a[i].match; /* It has moved. */
    }
    if (n > 1) {
        qsort(pl->a, n, sizeof *pl->a, compare_placing);
    }
    pl->sorted = true;
}

/* Looks at the clock, now and then: is it beyond 'deadline'? */
static bool
is_late(size_t i, long long int deadline)
{
    return !(i % 16) && time_usec() > deadline;
}

/* Gives those rules that are about to be compiled a level that have none, until
 * time_usec() is beyond 'deadline'.  A level does not change afterwards, so
 * that no other rule need be compiled.  Returns true if all have one. */
bool
pc_ctl_overlap_place(struct pc_controller *c, long long int deadline)
{
    const struct ofputil_port_map *ports = port_map(c);
    struct pc_ctl_placing *pl = c->placing_rules;

    if (!pl) {
        pl = c->placing_rules = start_placing(c);
    }
    while (pl->n_parsed < pl->n) {
        parse(c, ports, &pl->a[pl->n_parsed++]);
        if (is_late(pl->n_parsed, deadline)) {
            return false;
        }
    }
    if (!pl->sorted) {
        sort_placing(pl);
    }
    while (pl->n_placed < pl->n) {
        struct placing *p = &pl->a[pl->n_placed++];

        p->value.match = &p->match;     /* Sorting has moved it. */
        place(c, p);
        pc_rule_match_destroy(&p->match);
        if (is_late(pl->n_placed, deadline)) {
            return false;
        }
    }
    pc_ctl_overlap_forget(c);
    return true;
}

/* Makes anew some of the texts that name rules which are gone, and frees some
 * of what is not needed any more. */
void
pc_ctl_overlap_run(struct pc_controller *c)
{
    struct hmapx_node *node;
    int n = 0;

    pc_ctl_returns_clean(c, MAX_STALE);
    HMAPX_FOR_EACH_SAFE (node, &c->stale) {
        struct pc_ctl_rule *rule = node->data;
        const struct pc_rule *value = pc_overlap_get(rule->order, &rule->uuid);
        struct pc_overlap_found found;
        bool crowded = rule->crowded;

        if (++n > MAX_STALE) {
            break;
        }
        clear_texts(c, rule);
        rule->crowded = crowded;
        if (value && pc_overlap_find(rule->order, value, &found)
            && found.mine == found.its && !found.same_target
            && pc_overlap_level(rule->order, &found.rule) > rule->level) {
            set_overlaps(c, rule, &found);
        }
        if (value) {
            set_shadowed(c, rule);
        }
        pc_ctl_returns_refresh(c, rule);
        hmapx_delete(&c->stale, node);
        hmapx_add(&c->bad_rules, rule);
    }
    if (hmapx_is_empty(&c->stale)) {
        hmap_shrink(&c->stale.map);
    }
}

/* Arranges for the poll loop to wake when pc_ctl_overlap_run() has work. */
void
pc_ctl_overlap_wait(const struct pc_controller *c)
{
    if (!hmapx_is_empty(&c->stale) || !ovs_list_is_empty(&c->old_returns)) {
        poll_immediate_wake();
    }
}

/* Writes Rule.status of 'rule'.  Returns true if 'row' says all that
 * already. */
bool
pc_ctl_overlap_write(const struct pc_ctl_rule *rule,
                     const struct pcrec_rule *row)
{
    struct smap status = SMAP_INITIALIZER(&status);

    if (rule->level < row->priority) {
        smap_add_format(&status, "priority", "%"PRIu16, rule->level);
    }
    if (rule->overlaps) {
        smap_add(&status, "overlaps", rule->overlaps);
    }
    if (rule->crowded) {
        smap_add(&status, "crowded", "true");
    }
    if (rule->shadowed) {
        smap_add(&status, "shadowed", rule->shadowed);
    }
    if (rule->ambiguous) {
        smap_add(&status, "ambiguous", rule->ambiguous);
    }
    if (rule->after && rule->after->chain.number) {
        smap_add_format(&status, "path", "%"PRIu16,
                        rule->after->chain.number);
    }
    bool same = smap_equal(&status, &row->status);
    if (!same) {
        pcrec_rule_set_status(row, &status);
    }
    smap_destroy(&status);
    return same;
}
