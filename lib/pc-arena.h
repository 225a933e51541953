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

#ifndef PC_ARENA_H
#define PC_ARENA_H 1

/* Many small objects
 * ==================
 *
 * The admission engine keeps millions of small objects and reads them in no order:
 * what an admission costs is mostly waiting for memory, half of it for page tables.
 * An arena lays such objects side by side in chunks of 2 MB, which it asks the
 * kernel to back by huge pages.  An object is freed by itself and then used for
 * another of about its size; chunks are freed with the arena alone.
 *
 *     arena = pc_arena_create();
 *     p = pc_arena_alloc(arena, sizeof *p);
 *     ...
 *     pc_arena_free(arena, p, sizeof *p);
 *     pc_arena_destroy(arena);         // With all that is still in it.
 *
 * Where NULL is passed for an arena an object is malloc()'s.  So is a large one.
 *
 * Thread-safety: one thread at a time for each arena. */

#include <stddef.h>
#include "openvswitch/compiler.h"

struct pc_arena;

struct pc_arena *pc_arena_create(void);
/* Large objects must have been freed. */
void pc_arena_destroy(struct pc_arena *);

/* The object starts at a cache line of its own; its bytes are indeterminate.  Never
 * fails. */
void *pc_arena_alloc(struct pc_arena *, size_t size) OVS_WARN_UNUSED_RESULT;
/* 'size' is what was asked for.  'p' may be NULL. */
void pc_arena_free(struct pc_arena *, void *p, size_t size);

/* Bytes in chunks that were ever used, and in large objects. */
size_t pc_arena_memory(const struct pc_arena *);

#endif /* pc-arena.h */
