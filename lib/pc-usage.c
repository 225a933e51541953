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
#include "pc-usage.h"

#include <string.h>

#include "util.h"

/* In the order of the keys, as the IDL has them. */
enum { CPU, DISK, MEMORY, RECEIVED, SENT };

static const char *const names[PC_N_USAGE] = {
    [CPU] = "cpu", [DISK] = "disk", [MEMORY] = "memory",
    [RECEIVED] = "received", [SENT] = "sent",
};

int64_t
pc_usage_sum(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int64_t
product(int64_t a, int64_t b)
{
    int64_t p;

    return __builtin_mul_overflow(a, b, &p) ? INT64_MAX : p;
}

/* A counter. */
static void
grow(int64_t *sum, const int64_t *before, int64_t now)
{
    int64_t from = before ? MAX(*before, 0) : 0;

    if (now > from) {
        *sum = pc_usage_sum(*sum, now - from);
    }
}

/* A value, over 'ms'.  If it was not known before, as if it had been the same. */
static void
integrate(int64_t *sum, int64_t before, int64_t now, int64_t ms)
{
    if (now >= 0 && ms > 0) {
        __int128 twice = (__int128) (before >= 0 ? before : now) + now;
        __int128 area = twice * ms / 2000;

        *sum = pc_usage_sum(*sum, area > INT64_MAX ? INT64_MAX : area);
    }
}

void
pc_usage_add(struct pc_usage *u, const struct pc_usage_counters *before,
             const struct pc_usage_counters *now)
{
    grow(&u->cpu_usec, before ? &before->cpu_usec : NULL, now->cpu_usec);
    grow(&u->received, before ? &before->received : NULL, now->received);
    grow(&u->sent, before ? &before->sent : NULL, now->sent);
    if (before) {
        int64_t ms = now->taken - before->taken;

        integrate(&u->memory, before->memory, now->memory, ms);
        integrate(&u->disk, before->disk, now->disk, ms);
    }
}

static void
carry(int64_t *now, int64_t before)
{
    if (*now < 0) {
        *now = before;
    }
}

void
pc_usage_carry(struct pc_usage_counters *now,
               const struct pc_usage_counters *before)
{
    now->cpu_usec = MAX(now->cpu_usec, before->cpu_usec);
    now->received = MAX(now->received, before->received);
    now->sent = MAX(now->sent, before->sent);
    carry(&now->memory, before->memory);
    carry(&now->disk, before->disk);
}

bool
pc_usage_is_zero(const struct pc_usage *u)
{
    return (!u->cpu_usec && !u->memory && !u->disk && !u->received
            && !u->sent);
}

void
pc_usage_max(struct pc_usage *a, const struct pc_usage *b)
{
    a->cpu_usec = MAX(a->cpu_usec, b->cpu_usec);
    a->memory = MAX(a->memory, b->memory);
    a->disk = MAX(a->disk, b->disk);
    a->received = MAX(a->received, b->received);
    a->sent = MAX(a->sent, b->sent);
}

static int64_t
value_of(const char *name, char *const *keys, const int64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(keys[i], name)) {
            return MAX(values[i], 0);
        }
    }
    return 0;
}

void
pc_usage_from_column(struct pc_usage *u, char *const *keys,
                     const int64_t *values, size_t n)
{
    u->cpu_usec = product(value_of(names[CPU], keys, values, n), 1000);
    u->memory = value_of(names[MEMORY], keys, values, n);
    u->disk = value_of(names[DISK], keys, values, n);
    u->received = value_of(names[RECEIVED], keys, values, n) / 8;
    u->sent = value_of(names[SENT], keys, values, n) / 8;
}

void
pc_usage_to_column(const struct pc_usage *u, const char *keys[PC_N_USAGE],
                   int64_t values[PC_N_USAGE])
{
    memcpy(keys, names, sizeof names);
    values[CPU] = u->cpu_usec / 1000;
    values[MEMORY] = u->memory;
    values[DISK] = u->disk;
    values[RECEIVED] = product(u->received, 8);
    values[SENT] = product(u->sent, 8);
}

void
pc_usage_amount(char *const *keys, const int64_t *values, size_t n,
                struct pc_amount *amount)
{
    int64_t received = value_of(names[RECEIVED], keys, values, n);
    int64_t sent = value_of(names[SENT], keys, values, n);

    memset(amount, 0, sizeof *amount);
    amount->value[PC_CAP_CPU] = value_of(names[CPU], keys, values, n);
    amount->value[PC_CAP_MEMORY] = value_of(names[MEMORY], keys, values, n);
    amount->value[PC_CAP_DISK] = value_of(names[DISK], keys, values, n);
    amount->value[PC_CAP_NETWORK] = MAX(received, sent);
}
