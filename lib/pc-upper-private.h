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

#ifndef PC_UPPER_PRIVATE_H
#define PC_UPPER_PRIVATE_H 1

/* Between the two halves of pc-upper.h. */

#include <stdbool.h>
#include "ovs-atomic.h"

/* Extended attributes that an archive carries: those of the VI's programs, and of
 * overlayfs those that mean the same on every machine. */
bool pc_upper_carries_xattr(const char *name);

/* Has 'cancel', which may be NULL, been set? */
bool pc_upper_is_cancelled(const atomic_bool *cancel);

#endif /* pc-upper-private.h */
