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

#ifndef PC_COMPILE_PRIVATE_H
#define PC_COMPILE_PRIVATE_H 1

/* Between pc-compile.c and pc-compile-group.c. */

#include "openvswitch/uuid.h"
#include "pc-compile.h"

void pc_compile_always_group__(struct pc_flow_table *,
                               const struct uuid *owner);
void pc_compile_groups__(struct pc_flow_table *, uint8_t base,
                         const struct pc_service *);
void pc_compile_meters__(struct pc_flow_table *, const struct pc_vi *);

#endif /* pc-compile-private.h */
