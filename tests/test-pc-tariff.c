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
#undef NDEBUG

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "pc-profile.h"
#include "pc-tariff.h"
#include "util.h"

/* What the library says to the vectors of tests/tariff-oracle, which tells how
 * they are written: reads them from the standard input and prints a number for
 * each. */

struct words {
    char *next;                 /* Of strtok_r(). */
    const char *line;           /* For errors. */
};

static int64_t
number(struct words *w)
{
    char *word = strtok_r(NULL, " ", &w->next);
    long long int value;

    if (!word || !str_to_llong(word, 10, &value)) {
        ovs_fatal(0, "\"%s\" is no number in: %s", word ? word : "", w->line);
    }
    return value;
}

static struct pc_amount
amount(struct words *w)
{
    struct pc_amount a;

    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        a.value[d] = number(w);
    }
    return a;
}

static struct pc_tariff
tariff(struct words *w)
{
    struct pc_tariff t;
    struct pc_amount prices = amount(w), used = amount(w);

    memset(&t, 0, sizeof t);
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        t.price[d] = prices.value[d];
        t.used[d] = used.value[d];
    }
    t.fine = number(w);
    t.isp_percent = number(w);
    t.n_tiers = number(w);
    for (size_t i = 0; i < t.n_tiers; i++) {
        t.tiers[i].share = number(w);
        t.tiers[i].percent = number(w);
    }

    char *error = pc_tariff_check(&t);
    if (error) {
        ovs_fatal(0, "%s: %s", error, w->line);
    }
    return t;
}

static struct pc_slot *
slots(struct words *w, size_t *n)
{
    *n = number(w);

    struct pc_slot *s = xcalloc(*n + 1, sizeof *s);
    for (size_t i = 0; i < *n; i++) {
        s[i].begin = number(w);
        s[i].end = number(w);
        s[i].amount = amount(w);
    }
    return s;
}

static int64_t
price(struct words *w)
{
    struct pc_profile *profile = pc_profile_create();
    struct pc_tariff t = tariff(w);
    bool isp = number(w);
    struct pc_amount total = amount(w);
    size_t n_held, n_asked;
    struct pc_slot *held = slots(w, &n_held);
    struct pc_slot *asked = slots(w, &n_asked);
    struct pc_tariff_party party = { .isp = isp, .total = &total,
                                     .held = n_held ? profile : NULL };
    char *error = pc_slots_check(asked, n_asked);

    if (error) {
        ovs_fatal(0, "%s: %s", error, w->line);
    }
    pc_profile_add(profile, held, n_held);

    int64_t microunits = pc_tariff_price(&t, &party, asked, n_asked);
    pc_profile_destroy(profile);
    free(asked);
    free(held);
    return microunits;
}

static int64_t
answer(const char *kind, struct words *w)
{
    if (!strcmp(kind, "price")) {
        return price(w);
    } else if (!strcmp(kind, "used")) {
        struct pc_tariff t = tariff(w);
        bool isp = number(w);
        struct pc_amount used = amount(w);

        return pc_tariff_price_used(&t, isp, &used);
    } else if (!strcmp(kind, "cancel")) {
        int64_t paid = number(w), made = number(w), begin = number(w);

        return pc_tariff_refund_cancel(paid, made, begin, number(w));
    } else if (!strcmp(kind, "shrink")) {
        struct pc_tariff t = tariff(w);
        int64_t released = number(w), made = number(w), begin = number(w);

        return pc_tariff_refund_shrink(&t, released, made, begin, number(w));
    }
    ovs_fatal(0, "unknown kind of vector: %s", w->line);
}

int
main(void)
{
    struct ds line = DS_EMPTY_INITIALIZER;

    while (!ds_get_line(&line, stdin)) {
        char *copy = xstrdup(ds_cstr(&line));
        struct words w = { .line = ds_cstr(&line) };
        char *kind = strtok_r(copy, " ", &w.next);

        printf("%"PRId64"\n", answer(kind ? kind : "", &w));
        free(copy);
    }
    ds_destroy(&line);
    return 0;
}
