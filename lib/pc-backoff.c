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
#include "pc-backoff.h"
#include <limits.h>
#include "util.h"

void
pc_backoff_init(struct pc_backoff *b)
{
    *b = (struct pc_backoff) {
        .min_ms = PC_BACKOFF_MIN_MS,
        .max_ms = PC_BACKOFF_MAX_MS,
        .reset_ms = PC_BACKOFF_RESET_MS,
        .started_ms = LLONG_MIN,
    };
}

void
pc_backoff_up(struct pc_backoff *b, long long int now)
{
    b->started_ms = now;
}

long long int
pc_backoff_died(struct pc_backoff *b, long long int now)
{
    if (b->started_ms != LLONG_MIN && now - b->started_ms >= b->reset_ms) {
        b->delay_ms = 0;
        b->n_deaths = 0;
    }
    b->started_ms = LLONG_MIN;
    b->n_deaths++;

    long long int next = now + b->delay_ms;
    b->delay_ms = b->delay_ms ? MIN(b->delay_ms * 2, b->max_ms) : b->min_ms;
    return next;
}

void
pc_rise_init(struct pc_rise *r, unsigned int rise, unsigned int fall)
{
    *r = (struct pc_rise) { .rise = MAX(rise, 1), .fall = MAX(fall, 1) };
}

bool
pc_rise_feed(struct pc_rise *r, bool result)
{
    if (result == r->good) {
        r->n = 0;
        return false;
    }
    if (++r->n < (result ? r->rise : r->fall)) {
        return false;
    }
    r->good = result;
    r->n = 0;
    return true;
}

void
pc_damp_init(struct pc_damp *d, long long int min_ms)
{
    *d = (struct pc_damp) {
        .min_ms = min_ms,
        .until = LLONG_MIN,
        .good_since = LLONG_MAX,
    };
}

void
pc_damp_good(struct pc_damp *d, long long int now)
{
    if (d->good_since == LLONG_MAX) {
        d->good_since = now;
    }
}

void
pc_damp_bad(struct pc_damp *d, long long int now)
{
    if (d->good_since == LLONG_MAX) {
        return;
    }
    if (now - d->good_since >= PC_DAMP_RESET_MS) {
        d->delay_ms = 0;
        d->n = 0;
    }
    d->good_since = LLONG_MAX;
    d->n++;
    d->until = now + d->delay_ms;
    d->delay_ms = (d->delay_ms ? MIN(d->delay_ms * 2, PC_DAMP_MAX_MS)
                   : d->min_ms);
}
