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

/* Between the parts of the compiler:
 *
 *   pc-compile.c        the flows that are always there
 *   pc-compile-rule.c   rules
 *   pc-compile-path.c   services and chains: STEER, NEXT
 *   pc-compile-skip.c   long chains: hops that are down
 *   pc-compile-vi.c     VIs: DELIVER, RETURN
 *   pc-compile-group.c  groups
 *   pc-compile-connection.c  affinity=connection
 *   pc-compile-meter.c  meters
 *   pc-compile-inspect.c copies, quarantine
 *   pc-compile-check.c  anti-spoofing: CHECK
 *   pc-compile-emit.c   the flow in the making, for all of them */

#include <stdbool.h>
#include "openvswitch/match.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/uuid.h"
#include "pc-compile.h"
#include "pc-layout.h"

/* Where flows go, and the one in the making. */
struct pc_ctx {
    struct pc_flow_table *table;
    const struct uuid *owner;
    uint8_t base;
    struct match match;
    struct ofpbuf ofpacts;
    uint64_t stub[32];
};

void pc_ctx_init(struct pc_ctx *, struct pc_flow_table *, uint8_t base,
                 const struct uuid *owner);
void pc_ctx_uninit(struct pc_ctx *);
void pc_ctx_emit(struct pc_ctx *, uint8_t table_id, uint16_t priority,
                 enum pc_flow_kind);
void pc_ctx_add(struct pc_ctx *, enum pc_table, uint16_t priority,
                enum pc_flow_kind);
void pc_ctx_match_meta(struct pc_ctx *, const struct pc_meta *,
                       uint64_t mask);
void pc_ctx_match_not_served(struct pc_ctx *);
void pc_ctx_resubmit(struct pc_ctx *, enum pc_table);

struct pc_meta pc_compile_place(const struct pc_path *, size_t hop,
                                enum pc_direction);

uint32_t pc_compile_skip(const struct pc_ctx *, const struct pc_path *,
                         size_t hop, enum pc_direction);

/* A group in the making. */
void pc_group_init(struct ofputil_group_mod *, uint32_t group_id,
                   uint8_t type);
struct ofputil_bucket *pc_group_add_bucket(struct ofputil_group_mod *,
                                           uint32_t bucket_id);
void pc_bucket_set_actions(struct ofputil_bucket *, struct ofpbuf *);
void pc_bucket_set_vi(struct ofputil_bucket *, uint16_t vi, uint8_t table_id);
void pc_group_emit(struct pc_flow_table *, const struct uuid *owner,
                   struct ofputil_group_mod *);

void pc_compile_always_group(struct pc_flow_table *, const struct uuid *owner);
void pc_compile_groups(struct pc_flow_table *, uint8_t base,
                       const struct pc_service *);
void pc_compile_connections(struct pc_flow_table *, uint8_t base,
                            const struct pc_service *);
void pc_compile_connections_common(struct pc_flow_table *, uint8_t base,
                                   const struct uuid *owner);
void pc_compile_meters(struct pc_flow_table *, const struct pc_vi *);

void pc_compile_put_copies(struct pc_ctx *, const struct pc_vi *);
void pc_compile_put_copies_from(struct pc_ctx *, const struct pc_vi *,
                                ofp_port_t);
void pc_compile_quarantine(struct pc_ctx *, const struct pc_vi *);
void pc_compile_host(struct pc_ctx *, const struct pc_vi *);
void pc_compile_check(struct pc_ctx *, const struct pc_vi *, enum pc_vi_port);

#endif /* pc-compile-private.h */
