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
#include "pc-capacity.h"

#include <string.h>

const char *const pc_capacity_names[PC_N_CAPACITY] = {
    [PC_CAP_CPU] = "cpu",
    [PC_CAP_MEMORY] = "memory",
    [PC_CAP_DISK] = "disk",
    [PC_CAP_NETWORK] = "network",
    [PC_CAP_PIDS] = "pids",
    [PC_CAP_IO] = "io",
    [PC_CAP_IOPS] = "iops",
};

void
pc_capacity_from_arrays(struct pc_capacity *c, char *const *keys,
                        const int64_t *values, size_t n)
{
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < PC_N_CAPACITY; j++) {
            if (!strcmp(keys[i], pc_capacity_names[j]) && values[i] > 0) {
                c->value[j] = values[i];
            }
        }
    }
}

size_t
pc_capacity_to_arrays(const struct pc_capacity *c,
                      const char *keys[PC_N_CAPACITY],
                      int64_t values[PC_N_CAPACITY])
{
    size_t n = 0;

    for (size_t i = 0; i < PC_N_CAPACITY; i++) {
        if (c->value[i]) {
            keys[n] = pc_capacity_names[i];
            values[n++] = c->value[i];
        }
    }
    return n;
}

bool
pc_capacity_equal(const struct pc_capacity *a, const struct pc_capacity *b)
{
    return !memcmp(a->value, b->value, sizeof a->value);
}
