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
#include "pc-arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "util.h"

/* A sanitizer is told which bytes are an object's: others must not be touched. */
#ifdef __SANITIZE_ADDRESS__
#define POISON(P, SIZE) __asan_poison_memory_region(P, SIZE)
#define UNPOISON(P, SIZE) __asan_unpoison_memory_region(P, SIZE)
#else
#define POISON(P, SIZE) ((void) 0)
#define UNPOISON(P, SIZE) ((void) 0)
#endif

/* Objects have the sizes of whole cache lines up to MAX_SIZE. */
#define LINE 64
#define MAX_SIZE 4096
#define N_SIZES (MAX_SIZE / LINE)

/* A huge page.  The first chunks are smaller: most arenas are. */
#define CHUNK_MAX (2 * 1024 * 1024)
#define CHUNK_MIN (16 * 1024)

/* At the start of each chunk.  A line of its own. */
struct chunk {
    struct chunk *next;
};

/* What a free object is. */
struct hole {
    struct hole *next;
};

struct pc_arena {
    struct chunk *chunks;       /* Newest first. */
    char *at;                   /* What was never used of the newest. */
    size_t left;                /* Bytes there. */
    size_t size;                /* Of the newest. */
    size_t memory;
    struct hole *holes[N_SIZES + 1];    /* By size in lines. */
};

struct pc_arena *
pc_arena_create(void)
{
    return xzalloc(sizeof(struct pc_arena));
}

void
pc_arena_destroy(struct pc_arena *arena)
{
    if (arena) {
        struct chunk *next;

        for (struct chunk *chunk = arena->chunks; chunk; chunk = next) {
            next = chunk->next;
            free(chunk);
        }
        free(arena);
    }
}

static void
chunk_add(struct pc_arena *arena)
{
    struct chunk *chunk;
    void *p;

    arena->size = MAX(CHUNK_MIN, MIN(arena->size * 2, CHUNK_MAX));
    if (posix_memalign(&p, arena->size, arena->size)) {
        out_of_memory();
    }
    if (arena->size == CHUNK_MAX) {
        /* If the kernel has none, small ones do. */
        ignore(madvise(p, arena->size, MADV_HUGEPAGE));
    }
    chunk = p;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->at = (char *) p + LINE;
    arena->left = arena->size - LINE;
    POISON(arena->at, arena->left);
}

static bool
is_small(const struct pc_arena *arena, size_t size)
{
    return arena && size <= MAX_SIZE;
}

void *
pc_arena_alloc(struct pc_arena *arena, size_t size)
{
    size_t lines = DIV_ROUND_UP(MAX(size, 1), LINE);
    struct hole *hole;
    void *p;

    if (!is_small(arena, size)) {
        if (arena) {
            arena->memory += size;
        }
        return xmalloc(size);
    }
    hole = arena->holes[lines];
    if (hole) {
        UNPOISON(hole, sizeof *hole);
        arena->holes[lines] = hole->next;
        POISON(hole, sizeof *hole);
        UNPOISON(hole, size);
        return hole;
    }
    if (arena->left < lines * LINE) {
        /* What is left is lost: less than an object. */
        arena->memory += arena->left;
        chunk_add(arena);
        arena->memory += LINE;
    }
    p = arena->at;
    arena->at += lines * LINE;
    arena->left -= lines * LINE;
    arena->memory += lines * LINE;
    UNPOISON(p, size);
    return p;
}

void
pc_arena_free(struct pc_arena *arena, void *p, size_t size)
{
    if (!p) {
        return;
    } else if (is_small(arena, size)) {
        size_t lines = DIV_ROUND_UP(MAX(size, 1), LINE);
        struct hole *hole = p;

        UNPOISON(hole, sizeof *hole);
        hole->next = arena->holes[lines];
        arena->holes[lines] = hole;
        POISON(p, lines * LINE);
    } else {
        if (arena) {
            arena->memory -= size;
        }
        free(p);
    }
}

size_t
pc_arena_memory(const struct pc_arena *arena)
{
    return sizeof *arena + arena->memory;
}
