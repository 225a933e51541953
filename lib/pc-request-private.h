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

#ifndef PC_REQUEST_PRIVATE_H
#define PC_REQUEST_PRIVATE_H 1

/* Parts of a slot, the same as words and in JSON.  Private to pc-request-*.c.
 *
 * Each returns NULL or what is wrong, for the caller to free. */

#include <stdint.h>
#include "openvswitch/compiler.h"
#include "pc-slot.h"

/* Sets 'slot->begin'.  NULL or "": where 'previous', if any, ends. */
char *pc_request_parse_begin(const char *, int64_t now,
                             const struct pc_slot *previous, struct pc_slot *)
    OVS_WARN_UNUSED_RESULT;

/* Sets 'slot->end', which must be after 'slot->begin'. */
char *pc_request_parse_end(const char *, int64_t now, struct pc_slot *)
    OVS_WARN_UNUSED_RESULT;

/* Sets the value of a dimension, one of the first PC_N_AMOUNTS. */
char *pc_request_parse_amount(enum pc_capacity_dimension, const char *,
                              struct pc_amount *) OVS_WARN_UNUSED_RESULT;

#endif /* pc-request-private.h */
