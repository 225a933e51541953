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

#ifndef PC_TARIFF_H
#define PC_TARIFF_H 1

/* Prices, refunds and fines (paper sections 3.5 and 3.6)
 * ======================================================
 *
 * All money is whole microunits of the ISP's currency, all arithmetic exact until
 * one rounding at the end: to the nearest microunit, half away from zero.  What is
 * rounded is one amount of money that is charged or given back, never a part of
 * it.  (The sum of the prices of two requests can therefore differ from the price
 * of both by a microunit; what counts is what the ledger says.)
 *
 * A tariff says what an hour of a unit costs:
 *
 *     dimension  unit
 *     cpu        a core (1000 millicores)
 *     memory     a GiB (2^30 bytes)
 *     disk       a GB (10^9 bytes)
 *     network    a Gbps (10^9 bits/s)
 *
 * and tiers: from which share of a cloudlet that its provider would hold, its own
 * other reservations there included, the price is multiplied (section 3.6: "a high
 * price will be applied to punish ... an unreasonable amount of resources").  The
 * share is that of the dimension where it is largest, at each instant: within a
 * slot the price changes when the provider's other reservations do.
 *
 * Thread-safety: pure functions. */

#include "openvswitch/compiler.h"
#include "pc-slot.h"

struct pc_profile;

#define PC_MAX_TIERS 16

/* The largest price of a unit and hour, in microunits: a billion. */
#define PC_PRICE_MAX INT64_C(1000000000000000)

/* How many percent of the price a tier may take. */
#define PC_TIER_PERCENT_MAX 10000

struct pc_tier {
    int share;                  /* From this percentage of the cloudlet on ... */
    int percent;                /* ... this percentage of the price. */
};

struct pc_tariff {
    int64_t price[PC_N_AMOUNTS];    /* Per unit and hour; 0: free. */
    struct pc_tier tiers[PC_MAX_TIERS]; /* By increasing share; 100 % below the
                                         * first. */
    size_t n_tiers;
    int fine;                   /* For giving back early: percent, 0...100. */
    int isp_percent;            /* What the ISP pays: 0 is free, 100 at cost.
                                 * Its own reservations have no tiers. */
    bool used[PC_N_AMOUNTS];    /* Charged by use, at the end, instead of by what
                                 * was reserved. */
};

/* Whose request, and of which cloudlet it would take a share. */
struct pc_tariff_party {
    bool isp;
    const struct pc_amount *total;      /* The cloudlet's. */
    const struct pc_profile *held;      /* By the provider in that cloudlet,
                                         * without the request; NULL: nothing. */
};

/* Checks a tariff: prices in 0...PC_PRICE_MAX, tiers by increasing share,
 * percentages within 0...PC_TIER_PERCENT_MAX (shares, fine and isp_percent:
 * 0...100).  NULL, or a line for the caller to free.  The other functions take
 * only tariffs that pass, and slots that pass pc_slots_check(). */
char *pc_tariff_check(const struct pc_tariff *) OVS_WARN_UNUSED_RESULT;

/* What 'slots' cost.  INT64_MAX also stands for all that is more: nobody can pay
 * it, so whoever charges has to refuse it.
 *
 * A share is compared exactly: whoever would hold just a tier's share is in it.
 * All dimensions count, those too of which the request has nothing.  A dimension
 * of which the cloudlet has nothing is held whole by whoever asks for some. */
int64_t pc_tariff_price(const struct pc_tariff *,
                        const struct pc_tariff_party *,
                        const struct pc_slot slots[], size_t n);

/* What a cancellation at 'now' gives back of a fee 'paid' for a reservation that
 * was made at 'made' and begins at 'begin' (section 3.5):
 *
 *     paid * (begin - now) / (begin - made)
 *
 * Edges: now <= made (at once, or a clock that went back): all of it, as at
 * 'made'; unless made >= begin (reserved at or after its start): nothing.
 * now >= begin (during, after): nothing by this formula; what is left then is
 * given back as by pc_tariff_refund_shrink(). */
int64_t pc_tariff_refund_cancel(int64_t paid, int64_t made, int64_t begin,
                                int64_t now);

/* What a change gives back that makes the price of what is left of a reservation
 * 'lower' than it was: 'released' is the difference (>= 0).  After its begin that
 * is released * (100 - fine) / 100.  Before, the smaller one of that and what
 * cancelling as much would give: nobody shall shrink a reservation in order to
 * cancel it for less.  With 'released' the price of all that is left it is what
 * cancelling gives after the begin. */
int64_t pc_tariff_refund_shrink(const struct pc_tariff *, int64_t released,
                                int64_t made, int64_t begin, int64_t now);

/* What use costs, for the dimensions charged so: 'used' in units times seconds
 * (millicore-seconds, byte-seconds, byte-seconds, and bits). */
int64_t pc_tariff_price_used(const struct pc_tariff *, bool isp,
                             const struct pc_amount *used);

/* "1234.567890": microunits as people write them, and back (up to six digits
 * after the point).  The caller frees the text or the error. */
char *pc_money_format(int64_t microunits);
char *pc_money_parse(const char *, int64_t *microunits) OVS_WARN_UNUSED_RESULT;

#endif /* pc-tariff.h */
