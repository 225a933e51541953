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

/* Rules that divert the same packets as others.
 *
 * A rule's UUID is made from its cloudlet, match, priority, direction and what it
 * is after.  So
 * "is there such a rule?" is a question for a few UUIDs, which the database
 * server answers from its index whatever the number of rules; and of two
 * clients that add the same rule at once, the server refuses one.
 *
 * A rule that another client has inserted with a UUID of the server's making
 * (or of a hash that differs, on a 32-bit machine), or that was changed
 * afterwards by "set", is not found here.  The controller finds all conflicts,
 * and reports them in the error column. */

#include <config.h>

#include "pcloud-ctl.h"

#include "hash.h"
#include "pc-match.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

static const char *const directions[] = { "both", "forward", "reverse" };

enum pc_rule_direction
ctl_direction_from_string(const char *s)
{
    return (!s || !strcmp(s, "both") ? PC_RULE_BOTH
            : !strcmp(s, "forward") ? PC_RULE_FORWARD
            : PC_RULE_REVERSE);
}

/* Do a rule of 'direction' and one of 'other' divert packets of the same
 * direction?  'same': their matches are equal; else one is the reverse of the
 * other. */
static bool
directions_meet(const char *direction, const char *other, bool same)
{
    enum pc_rule_direction a = ctl_direction_from_string(direction);
    enum pc_rule_direction b = ctl_direction_from_string(other);

    return a == PC_RULE_BOTH || b == PC_RULE_BOTH || (a == b) == same;
}

/* Does 'rule' divert what one with 'match', 'priority' and 'direction', after
 * 'after' if that is nonnull, diverts? */
static bool
conflicts(const struct ctl_rule *rule, const char *match, int64_t priority,
          const char *direction, const char *after)
{
    return (priority == rule->priority
            && nullable_string_is_equal(after, rule->after)
            && ((!strcmp(match, rule->match)
                 && directions_meet(rule->direction, direction, true))
                || (!strcmp(match, rule->reverse)
                    && directions_meet(rule->direction, direction, false))));
}

/* The UUID of the rule with this key; 'after' may be null.  The 128 bits of the hash are marked as
 * a UUID of version 8, one made in its user's own way (RFC 9562 §5.8). */
static struct uuid
uuid_from_key(const char *cloudlet, const char *match, int64_t priority,
              const char *direction, const char *after)
{
    char *key = xasprintf("%s\n%s\n%"PRId64"\n%s%s%s", cloudlet, match,
                          priority, direction, after ? "\n" : "",
                          after ? after : "");
    struct uuid uuid;
    ovs_u128 hash;

    hash_bytes128(key, strlen(key), 0, &hash);
    memcpy(&uuid, &hash, sizeof uuid);
    uuid.parts[1] = (uuid.parts[1] & ~0xf000u) | 0x8000;
    uuid.parts[2] = (uuid.parts[2] & ~0xc0000000u) | 0x80000000u;
    free(key);
    return uuid;
}

/* Stores in 'uuids' those of the rules in 'cloudlet' that would conflict with
 * 'rule', and returns their number. */
static size_t
conflicting_uuids(const struct ctl_rule *rule, const char *cloudlet,
                  struct uuid uuids[CTL_MAX_QUERY])
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(directions); i++) {
        const char *d = directions[i];

        if (conflicts(rule, rule->match, rule->priority, d, rule->after)) {
            uuids[n++] = uuid_from_key(cloudlet, rule->match, rule->priority,
                                       d, rule->after);
        }
        if (strcmp(rule->match, rule->reverse)
            && conflicts(rule, rule->reverse, rule->priority, d,
                         rule->after)) {
            uuids[n++] = uuid_from_key(cloudlet, rule->reverse,
                                       rule->priority, d, rule->after);
        }
    }
    return n;
}

/* The cloudlet of a service or a chain, whichever is not null. */
const struct pcrec_cloudlet *
ctl_cloudlet_of(const struct pcrec_service *service,
            const struct pcrec_chain *chain)
{
    return (service ? service->cloudlet : chain ? chain->cloudlet : NULL);
}

/* Looks at the rules that this transaction adds. */
static void
find_new_conflict(struct ctl_context *ctx, const struct ctl_rule *rule,
                  const struct pcrec_cloudlet *cloudlet,
                  struct ctl_conflict *c)
{
    const struct pcrec_rule *r;

    PCREC_RULE_FOR_EACH (r, ctx->idl) {
        if (!r->header_.old_datum
            && ctl_cloudlet_of(r->service, r->chain) == cloudlet
            && conflicts(rule, r->match, r->priority, r->direction,
                         smap_get(&r->options, "after"))) {
            c->service = r->service;
            c->chain = r->chain;
            c->match = xstrdup(r->match);
            c->direction = xstrdup(r->direction);
            return;
        }
    }
}

/* Looks for a rule of 'cloudlet' that diverts, at the same priority, what
 * 'rule' would.  If there is one, stores it in '*c'; otherwise 'c->match' is
 * null.  The caller destroys '*c' in any case.  Returns false after an
 * error. */
bool
ctl_conflict_find(struct ctl_context *ctx, const struct ctl_rule *rule,
                  const struct pcrec_cloudlet *cloudlet,
                  struct ctl_conflict *c)
{
    struct ctl_found_rule rules[CTL_MAX_QUERY];
    struct uuid uuids[CTL_MAX_QUERY];
    const char *scope = cloudlet ? cloudlet->name : "";
    size_t n = conflicting_uuids(rule, scope, uuids);

    memset(c, 0, sizeof *c);
    c->uuid = uuid_from_key(scope, rule->match, rule->priority,
                            rule->direction, rule->after);
    if (!ctl_query_rules(ctx, uuids, &n, rules)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct ctl_found_rule *f = &rules[i];

        c->uuid_taken |= uuid_equals(&f->uuid, &c->uuid);

        /* "set" may have made another rule of it. */
        if (!c->match && !f->deleted
            && conflicts(rule, f->match, f->priority, f->direction,
                         f->after)) {
            c->service = pcrec_service_get_for_uuid(ctx->idl, &f->service);
            c->chain = pcrec_chain_get_for_uuid(ctx->idl, &f->chain);
            c->match = xstrdup(f->match);
            c->direction = xstrdup(f->direction);
        }
    }
    ctl_found_rules_uninit(rules, n);
    if (!c->match) {
        find_new_conflict(ctx, rule, cloudlet, c);
    }
    return true;
}

void
ctl_conflict_destroy(struct ctl_conflict *c)
{
    free(c->match);
    free(c->direction);
}

/* Makes 'c', which 'rule' meets, the command's error. */
void
ctl_conflict_report(struct ctl_context *ctx, const struct ctl_rule *rule,
                    const struct ctl_conflict *c)
{
    ctl_error(ctx, "%s \"%s\" has the rule \"%s\" at priority %"PRId64
              " (%s%s%s) already", c->chain ? "chain" : "service",
              c->chain ? c->chain->name : c->service ? c->service->name : "",
              c->match, rule->priority, c->direction,
              rule->after ? ", after " : "", rule->after ? rule->after : "");
}

/* Inserts a row for 'rule', for which 'c' was found.  Its UUID is that of its
 * key, if that is free: the rule with that UUID may have become another by
 * "set"; and one that this very transaction deletes the server would still
 * find. */
struct pcrec_rule *
ctl_rule_insert(struct ctl_context *ctx, const struct ctl_rule *rule,
                const struct ctl_conflict *c)
{
    struct pcrec_rule *r = (c->uuid_taken ? pcrec_rule_insert(ctx->txn)
                            : pcrec_rule_insert_persist_uuid(ctx->txn,
                                                             &c->uuid));

    pcrec_rule_set_match(r, rule->match);
    pcrec_rule_set_priority(r, rule->priority);
    pcrec_rule_set_direction(r, rule->direction);
    if (rule->after) {
        const struct smap options = SMAP_CONST1(&options, "after",
                                                rule->after);

        pcrec_rule_set_options(r, &options);
    }
    pcrec_rule_set_added(r, time_wall_msec());
    return r;
}
