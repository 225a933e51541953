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
#include "pc-tariff.h"

#include <stdbool.h>

#include "openvswitch/util.h"
#include "pc-profile.h"
#include "util.h"

typedef unsigned __int128 u128;

/* Exact sums
 * ----------
 *
 * A term is price * amount * seconds * percent over unit * 3600 * 100.  The
 * largest numerator has 144 bits, so it is never formed: price * amount is
 * divided first, quotient and remainder are multiplied by the rest, and the
 * remainder's product is divided again.  All these fit:
 *
 *     price * amount            < 2^50 * 2^42; 2^50 * 2^63 of what was used
 *     quotient * seconds * %    < 2^64 * 2^38 * 2^14; 2^85 * 2^7
 *     remainder * seconds * %   < 2^49 * 2^38 * 2^14
 *
 * The remainders of all dimensions are kept over the least common multiple of
 * the units, so that they add exactly. */

#define PER_HOUR 3600
#define PERCENT 100

static const int64_t units[PC_N_AMOUNTS] = {
    [PC_CAP_CPU] = 1000,
    [PC_CAP_MEMORY] = INT64_C(1) << 30,
    [PC_CAP_DISK] = 1000000000,
    [PC_CAP_NETWORK] = 1000000000,
};

/* Of the units: 2^30 * 5^9. */
#define COMMON_UNIT ((INT64_C(1) << 30) * 1953125)
#define COMMON ((u128) COMMON_UNIT * PER_HOUR * PERCENT)

/* whole + part / COMMON, with part < COMMON.  'whole' stays at LIMIT once it is
 * there. */
struct sum {
    u128 whole, part;
};
#define LIMIT ((u128) INT64_MAX)

/* Adds price * amount * seconds * percent for dimension 'd'. */
static void
sum_add(struct sum *sum, size_t d, int64_t price, int64_t amount,
        int64_t seconds, int percent)
{
    u128 divisor = (u128) units[d] * PER_HOUR * PERCENT;
    u128 product = (u128) price * amount;
    u128 factor = (u128) seconds * percent;
    u128 rest = product % divisor * factor;

    sum->whole += product / divisor * factor + rest / divisor;
    sum->part += rest % divisor * (COMMON_UNIT / units[d]);
    sum->whole += sum->part / COMMON;
    sum->part %= COMMON;
    sum->whole = MIN(sum->whole, LIMIT);
}

/* The one rounding. */
static int64_t
sum_round(const struct sum *sum)
{
    u128 rounded = sum->whole + (sum->part * 2 >= COMMON);

    return MIN(rounded, LIMIT);
}

/* value * numerator / denominator, rounded; 0 <= numerator <= denominator. */
static int64_t
fraction(int64_t value, u128 numerator, u128 denominator)
{
    u128 product = (u128) (value < 0 ? -(u128) value : (u128) value)
                   * numerator;
    uint64_t rounded = (product / denominator
                        + (product % denominator * 2 >= denominator));

    return value < 0 ? -rounded : rounded;
}

static char *
check_percent(const char *what, int percent, int max)
{
    return (percent >= 0 && percent <= max
            ? NULL
            : xasprintf("%s of %d %% is not within 0 %% to %d %%",
                        what, percent, max));
}

static char *
check_tiers(const struct pc_tariff *tariff)
{
    if (tariff->n_tiers > PC_MAX_TIERS) {
        return xasprintf("%"PRIuSIZE" tiers, but %d is the most that there "
                         "can be", tariff->n_tiers, PC_MAX_TIERS);
    }
    for (size_t i = 0; i < tariff->n_tiers; i++) {
        const struct pc_tier *t = &tariff->tiers[i];
        char *error = check_percent("a tier from a share", t->share, 100);

        if (!error) {
            error = check_percent("a tier's price", t->percent,
                                  PC_TIER_PERCENT_MAX);
        }
        if (!error && i && t->share <= t[-1].share) {
            error = xasprintf("the tier from %d %% follows the one from "
                              "%d %%", t->share, t[-1].share);
        }
        if (error) {
            return error;
        }
    }
    return NULL;
}

char *
pc_tariff_check(const struct pc_tariff *tariff)
{
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        int64_t price = tariff->price[d];

        if (price < 0 || price > PC_PRICE_MAX) {
            char *money = pc_money_format(price);
            char *max = pc_money_format(PC_PRICE_MAX);
            char *error = xasprintf("a price of %s for %s is not within 0 "
                                    "to %s", money, pc_capacity_names[d],
                                    max);
            free(max);
            free(money);
            return error;
        }
    }

    char *error = check_percent("a fine", tariff->fine, 100);
    if (!error) {
        error = check_percent("an ISP's price", tariff->isp_percent, 100);
    }
    return error ? error : check_tiers(tariff);
}

/* What pc_profile_walk() works on: a slot within the request. */
struct pricing {
    const struct pc_tariff *tariff;
    const struct pc_tariff_party *party;
    const struct pc_amount *amount;
    struct sum sum;
};

/* Would the provider, which holds 'held' besides, have at least 'share' percent
 * of the cloudlet in some dimension? */
static bool
reaches(const struct pricing *p, const struct pc_amount *held, int share)
{
    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        int64_t asked = p->amount->value[d];
        int64_t total = p->party->total->value[d];

        if (total > 0
            ? (((u128) held->value[d] + asked) * PERCENT
               >= (u128) total * share)
            : asked > 0) {
            return true;
        }
    }
    return false;
}

/* What the party pays in percent of the price while it holds 'held' besides. */
static int
percent_of_price(const struct pricing *p, const struct pc_amount *held)
{
    const struct pc_tariff *tariff = p->tariff;

    if (p->party->isp) {
        return tariff->isp_percent;
    }
    for (size_t i = tariff->n_tiers; i > 0; i--) {
        if (reaches(p, held, tariff->tiers[i - 1].share)) {
            return tariff->tiers[i - 1].percent;
        }
    }
    return 100;
}

static bool
add_stretch(int64_t begin, int64_t end, const struct pc_amount *held,
            void *pricing_)
{
    struct pricing *p = pricing_;
    int percent = percent_of_price(p, held);

    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (!p->tariff->used[d]) {
            sum_add(&p->sum, d, p->tariff->price[d], p->amount->value[d],
                    end - begin, percent);
        }
    }
    return true;
}

int64_t
pc_tariff_price(const struct pc_tariff *tariff,
                const struct pc_tariff_party *party,
                const struct pc_slot slots[], size_t n)
{
    static const struct pc_amount nothing;
    struct pricing p = { .tariff = tariff, .party = party };
    bool walk = party->held && tariff->n_tiers && !party->isp;

    for (size_t i = 0; i < n; i++) {
        const struct pc_slot *s = &slots[i];

        p.amount = &s->amount;
        if (walk) {
            pc_profile_walk(party->held, s->begin, s->end, add_stretch, &p);
        } else {
            add_stretch(s->begin, s->end, &nothing, &p);
        }
    }
    return sum_round(&p.sum);
}

int64_t
pc_tariff_refund_cancel(int64_t paid, int64_t made, int64_t begin,
                        int64_t now)
{
    if (made >= begin || now >= begin) {
        return 0;
    } else if (now <= made) {
        return paid;
    }
    return fraction(paid, (u128) begin - now, (u128) begin - made);
}

int64_t
pc_tariff_refund_shrink(const struct pc_tariff *tariff, int64_t released,
                        int64_t made, int64_t begin, int64_t now)
{
    int64_t refund = fraction(released, 100 - tariff->fine, 100);

    if (now < begin) {
        int64_t cancel = pc_tariff_refund_cancel(released, made, begin, now);
        refund = MIN(refund, cancel);
    }
    return refund;
}

int64_t
pc_tariff_price_used(const struct pc_tariff *tariff, bool isp,
                     const struct pc_amount *used)
{
    struct sum sum = { 0, 0 };

    for (size_t d = 0; d < PC_N_AMOUNTS; d++) {
        if (tariff->used[d] && used->value[d] > 0) {
            sum_add(&sum, d, tariff->price[d], used->value[d], 1,
                    isp ? tariff->isp_percent : 100);
        }
    }
    return sum_round(&sum);
}
