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

#ifndef PC_CAPACITY_H
#define PC_CAPACITY_H 1

/* Capacity: what a VI may use, or a node has (paper section 3.4).
 *
 * In the database it is a map from these names to integers; here it is an array.
 * Units are those of pc-units.h: millicores, bytes, bits/s; "io" is bytes/s and
 * "iops" operations/s, for reading and for writing each.
 *
 * Thread-safety: plain memory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pc_capacity_dimension {
    PC_CAP_CPU,
    PC_CAP_MEMORY,
    PC_CAP_DISK,
    PC_CAP_NETWORK,
    PC_CAP_PIDS,
    PC_CAP_IO,
    PC_CAP_IOPS,
    PC_N_CAPACITY
};

/* 0: no limit, or not known. */
struct pc_capacity {
    uint64_t value[PC_N_CAPACITY];
};

/* Names by dimension, as in the database and on the command line. */
extern const char *const pc_capacity_names[PC_N_CAPACITY];

/* A column's value and back.  Unknown names are ignored.  The arrays that are
 * written to have room for PC_N_CAPACITY; returns how many were used. */
void pc_capacity_from_arrays(struct pc_capacity *, char *const *keys,
                             const int64_t *values, size_t n);
size_t pc_capacity_to_arrays(const struct pc_capacity *,
                             const char *keys[PC_N_CAPACITY],
                             int64_t values[PC_N_CAPACITY]);

bool pc_capacity_equal(const struct pc_capacity *, const struct pc_capacity *);

#endif /* pc-capacity.h */
