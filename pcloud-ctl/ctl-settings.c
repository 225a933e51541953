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

#include "ctl-settings.h"

#include "ctl-prefix.h"
#include "pc-model.h"
#include "pc-name.h"
#include "pc-probe-spec.h"
#include "util.h"

/* The service other than 'self' (may be null) that has address 'p', if any. */
static const struct pcrec_service *
find_address(struct ctl_context *ctx, const struct pcrec_service *self,
             const struct ctl_prefix *p)
{
    const struct pcrec_service *s;

    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        for (size_t i = 0; s != self && i < s->n_addresses; i++) {
            struct ctl_prefix other;
            char *error = ctl_prefix_parse(s->addresses[i], CTL_PLEN_MAY,
                                           &other);
            free(error);
            if (!error && ctl_prefix_same_address(p, &other)) {
                return s;
            }
        }
    }
    return NULL;
}

/* Parses 'list', the value of address=, into 'addresses'. */
static char *
parse_addresses(struct ctl_context *ctx, const struct pcrec_service *self,
                const char *list, struct svec *addresses)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    char *error = NULL;

    ctl_split(&words, list);
    for (size_t i = 0; i < words.n && !error; i++) {
        const struct pcrec_service *owner;
        struct ctl_prefix p;

        error = ctl_prefix_parse(words.names[i], CTL_PLEN_MAY, &p);
        if (!error) {
            error = ctl_prefix_check_host(words.names[i], &p);
        }
        owner = error ? NULL : find_address(ctx, self, &p);
        if (owner) {
            error = xasprintf("\"%s\" belongs to service \"%s\" already",
                              words.names[i], owner->name);
        }
        if (!error) {
            bool with_length = strchr(words.names[i], '/') != NULL;
            char *canonical = ctl_prefix_format(&p, with_length);

            if (svec_contains_unsorted(addresses, canonical)) {
                error = xasprintf("\"%s\" is given twice", words.names[i]);
            }
            svec_add_nocopy(addresses, canonical);
        }
    }
    svec_destroy(&words);
    return error;
}

/* Parses 'list', the value of gateway=, into 'gateways'. */
static char *
parse_gateways(const char *list, struct svec *gateways)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    bool seen[2] = { false, false };
    char *error = NULL;

    ctl_split(&words, list);
    for (size_t i = 0; i < words.n && !error; i++) {
        struct ctl_prefix p;

        error = ctl_prefix_parse(words.names[i], CTL_PLEN_NO, &p);
        if (!error) {
            error = ctl_prefix_check_host(words.names[i], &p);
        }
        if (!error && seen[p.is_ipv6]) {
            error = xasprintf("\"%s\" is a second gateway of IPv%d",
                              words.names[i], p.is_ipv6 ? 6 : 4);
        }
        if (!error) {
            seen[p.is_ipv6] = true;
            svec_add_nocopy(gateways, ctl_prefix_format(&p, false));
        }
    }
    svec_destroy(&words);
    return error;
}

/* Parses 'text', the value of health=: TYPE[:PORT][,KEY=VALUE]..., into
 * 'health'. */
static char *
parse_health(const char *text, struct smap *health)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    struct pc_probe probe;
    char *error = NULL;

    ctl_split(&words, text);
    for (size_t i = 0; i < words.n && !error; i++) {
        const char *word = words.names[i];
        size_t len = strcspn(word, i ? "=" : ":");
        char *key = i ? xmemdup0(word, len) : xstrdup("type");

        if (i && (!word[len] || !len)) {
            error = xasprintf("\"%s\" is not KEY=VALUE", word);
        } else if (smap_get(health, key)) {
            error = xasprintf("%s is given twice", key);
        } else if (i) {
            smap_add(health, key, word + len + 1);
        } else {
            smap_add_nocopy(health, xstrdup("type"), xmemdup0(word, len));
            if (word[len]) {
                smap_add(health, "port", word + len + 1);
            }
        }
        free(key);
    }
    svec_destroy(&words);
    if (!error) {
        error = pc_probe_parse(&probe, health);
        if (!error) {
            pc_probe_destroy(&probe);
        }
    }
    return error;
}

/* Fails the command with 'error', which it frees, unless that is NULL. */
static bool
check(struct ctl_context *ctx, const char *key, char *error)
{
    if (error) {
        ctl_error(ctx, "%s: %s", key, error);
        free(error);
        return false;
    }
    return true;
}

/* Checks what 'args' refers to. */
static bool
check_references(struct ctl_context *ctx, const struct ctl_arg args[],
                 struct ctl_settings *st)
{
    if (args[IMAGE].value) {
        st->image = ctl_find_image(ctx, args[IMAGE].value, CTL_MUST_EXIST);
        if (!st->image) {
            return false;
        }
    }
    if (args[TYPE].value && *args[TYPE].value) {
        st->type = ctl_find_vi_type(ctx, args[TYPE].value, CTL_MUST_EXIST);
        if (!st->type) {
            return false;
        }
    }
    if (args[PROVIDER].value && *args[PROVIDER].value) {
        st->provider = ctl_find_provider(ctx, args[PROVIDER].value,
                                         CTL_MUST_EXIST);
        if (!st->provider) {
            return false;
        }
    }
    return true;
}

static char *
check_affinity(const char *text)
{
    struct pc_affinity_spec spec;

    return pc_affinity_parse(text, &spec);
}

/* Checks 'args', all but the mode, for service 'self' or a new one (NULL). */
bool
ctl_settings_check(struct ctl_context *ctx, const struct pcrec_service *self,
               const struct ctl_arg args[], struct ctl_settings *st)
{
    static const char *const policies[] = { "open", "close", NULL };
    int64_t drain_timeout;
    static const char *const arms[] = { "1", "2", NULL };

    return (check_references(ctx, args, st)
            && (!args[REPLICAS].value
                || ctl_parse_int(ctx, "replicas", args[REPLICAS].value, 0,
                                 CTL_MAX_REPLICAS, &st->replicas))
            && (!args[MTU].value || !strcmp(args[MTU].value, "none")
                || ctl_parse_int(ctx, "mtu", args[MTU].value, 576, 65535,
                                 &st->mtu))
            && (!args[ON_FAILURE].value
                || ctl_parse_enum(ctx, "on-failure", args[ON_FAILURE].value,
                                  policies))
            && (!args[AFFINITY].value
                || check(ctx, "affinity",
                         check_affinity(args[AFFINITY].value)))
            && (!args[DRAIN_TIMEOUT].value
                || ctl_parse_int(ctx, "drain-timeout",
                                 args[DRAIN_TIMEOUT].value, 0,
                                 CTL_MAX_DRAIN_TIMEOUT, &drain_timeout))
            && (!args[ARMS].value
                || ctl_parse_enum(ctx, "arms", args[ARMS].value, arms))
            && (!args[HEALTH].value || !*args[HEALTH].value
                || check(ctx, "health", parse_health(args[HEALTH].value,
                                                     &st->health)))
            && (!args[ADDRESS].value || !*args[ADDRESS].value
                || check(ctx, "address",
                         parse_addresses(ctx, self, args[ADDRESS].value,
                                         &st->addresses)))
            && (!args[GATEWAY].value || !*args[GATEWAY].value
                || check(ctx, "gateway", parse_gateways(args[GATEWAY].value,
                                                        &st->gateways))));
}

/* Checks that VIs of 'mode' can be probed as 'health' says. */
static bool
check_health_mode(struct ctl_context *ctx, const char *mode,
                  const char *health)
{
    if (!strncmp(health, "through", 7) && strcmp(mode, "inline")) {
        ctl_error(ctx, "health: a VI of mode %s has no other side for a "
                  "probe to come out of", mode);
        return false;
    } else if (!strncmp(health, "icmp", 4) && !strstr(health, ",host=")
               && (!strcmp(mode, "inline") || !strcmp(mode, "tap"))) {
        ctl_error(ctx, "health: a VI of mode %s has no gateway to ping: say "
                  "which host=", mode);
        return false;
    }
    return true;
}

/* Checks that a service of 'mode' may have what 'args' says. */
bool
ctl_mode_check(struct ctl_context *ctx, const char *mode,
           const struct ctl_arg args[])
{
    static const char *const modes[] = {
        "route", "inline", "tap", "host", NULL
    };
    bool layer2 = !strcmp(mode, "inline") || !strcmp(mode, "tap");
    bool host = !strcmp(mode, "host");

    if (!ctl_parse_enum(ctx, "mode", mode, modes)) {
        return false;
    } else if (layer2 && (args[ADDRESS].value || args[GATEWAY].value)) {
        ctl_error(ctx, "%s: VIs of mode %s have no addresses",
                  args[ADDRESS].value ? "address" : "gateway", mode);
        return false;
    } else if (host && (args[ON_FAILURE].value || args[AFFINITY].value)) {
        ctl_error(ctx, "%s: a visible service has no rules that divert to "
                  "it", args[ON_FAILURE].value ? "on-failure" : "affinity");
        return false;
    } else if (args[ARMS].value && strcmp(mode, "route")) {
        ctl_error(ctx, "arms: only VIs of mode route can have one or two "
                  "ports, those of mode %s have %s", mode,
                  !strcmp(mode, "inline") ? "two" : "one");
        return false;
    } else if (!strcmp(mode, "tap") && args[ON_FAILURE].value
               && !strcmp(args[ON_FAILURE].value, "close")) {
        ctl_error(ctx, "on-failure: a tap gets copies: without it packets go "
                  "on as ever, so it is always open");
        return false;
    } else if (!strcmp(mode, "tap") && args[AFFINITY].value
               && !strcmp(args[AFFINITY].value, "connection")) {
        ctl_error(ctx, "affinity: a tap gets copies, of which no connection "
                  "is known: client is what it can have");
        return false;
    }
    return (!args[HEALTH].value
            || check_health_mode(ctx, mode, args[HEALTH].value));
}

void
ctl_settings_init(struct ctl_settings *st)
{
    memset(st, 0, sizeof *st);
    smap_init(&st->health);
    svec_init(&st->addresses);
    svec_init(&st->gateways);
}

void
ctl_settings_destroy(struct ctl_settings *st)
{
    smap_destroy(&st->health);
    svec_destroy(&st->addresses);
    svec_destroy(&st->gateways);
}

/* Writes the settings that were given to 's'. */
void
ctl_settings_apply(const struct pcrec_service *s, const struct ctl_arg args[],
               const struct ctl_settings *st)
{
    if (st->image) {
        pcrec_service_set_image(s, st->image);
    }
    if (args[TYPE].value) {
        pcrec_service_set_type(s, st->type);
    }
    if (args[PROVIDER].value) {
        pcrec_service_set_provider(s, st->provider);
    }
    if (args[REPLICAS].value) {
        pcrec_service_set_replicas(s, st->replicas);
    }
    if (args[ON_FAILURE].value) {
        pcrec_service_set_on_failure(s, args[ON_FAILURE].value);
    }
    if (args[AFFINITY].value) {
        pcrec_service_set_affinity(s, args[AFFINITY].value);
    }
    if (args[DRAIN_TIMEOUT].value) {
        pcrec_service_update_options_setkey(s, "drain-timeout",
                                            args[DRAIN_TIMEOUT].value);
    }
    if (args[ARMS].value) {
        pcrec_service_update_options_setkey(s, "arms", args[ARMS].value);
    }
    if (args[MTU].value && st->mtu) {
        pcrec_service_update_options_setkey(s, "mtu", args[MTU].value);
    } else if (args[MTU].value) {
        pcrec_service_update_options_delkey(s, "mtu");
    }
    if (args[HEALTH].value) {
        pcrec_service_set_health(s, &st->health);
    }
    if (args[ADDRESS].value) {
        pcrec_service_set_addresses(s, (const char **) st->addresses.names,
                                    st->addresses.n);
    }
    if (args[GATEWAY].value) {
        pcrec_service_set_gateways(s, (const char **) st->gateways.names,
                                   st->gateways.n);
    }
}
