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

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pc-test.h"
#include "random.h"
#include "util.h"

/* Objects of many sizes come and go.  Each is filled with a byte of its own, which
 * must still be there when it goes. */
START_TEST(test_random)
{
    enum { N = 2000, N_STEPS = 20000 };
    struct { unsigned char *p; size_t size; } objects[N] = { { NULL, 0 } };
    struct pc_arena *arena = _i ? pc_arena_create() : NULL;

    random_set_seed(1);
    for (int i = 0; i < N_STEPS; i++) {
        int j = random_range(N);
        size_t size = 1 + random_range(random_range(50) ? 2700 : 10000);

        size_t n_wrong = 0;

        for (size_t k = 0; k < objects[j].size; k++) {
            n_wrong += objects[j].p[k] != j % 251;
        }
        ck_assert_uint_eq(n_wrong, 0);
        pc_arena_free(arena, objects[j].p, objects[j].size);
        objects[j].p = pc_arena_alloc(arena, size);
        objects[j].size = size;
        memset(objects[j].p, j % 251, size);
    }
    for (int j = 0; j < N; j++) {
        pc_arena_free(arena, objects[j].p, objects[j].size);
    }
    pc_arena_destroy(arena);
}
END_TEST

/* What is free is used again; chunks are few. */
START_TEST(test_memory)
{
    enum { N = 100000, SIZE = 200 };
    struct pc_arena *arena = pc_arena_create();
    void **objects = xmalloc(N * sizeof *objects);
    size_t empty = pc_arena_memory(arena), full = 0;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            objects[i] = pc_arena_alloc(arena, SIZE);
        }
        if (!round) {
            full = pc_arena_memory(arena);
            ck_assert_uint_ge(full, empty + N * SIZE);
            ck_assert_uint_le(full, empty + N * SIZE * 3 / 2);
        }
        ck_assert_uint_eq(pc_arena_memory(arena), full);
        for (int i = 0; i < N; i++) {
            pc_arena_free(arena, objects[i], SIZE);
        }
    }

    /* A large one is the system's. */
    full = pc_arena_memory(arena);
    void *large = pc_arena_alloc(arena, 1000000);
    ck_assert_uint_eq(pc_arena_memory(arena), full + 1000000);
    pc_arena_free(arena, large, 1000000);
    ck_assert_uint_eq(pc_arena_memory(arena), full);
    free(objects);
    pc_arena_destroy(arena);
}
END_TEST

/* With objects in it. */
START_TEST(test_destroy)
{
    struct pc_arena *arena = pc_arena_create();

    for (int i = 0; i < 1000; i++) {
        uint64_t *p = pc_arena_alloc(arena, sizeof *p);

        *p = i;
    }
    pc_arena_destroy(arena);
    pc_arena_destroy(NULL);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_random, 0, 2);
    tcase_add_test(tc, test_memory);
    tcase_add_test(tc, test_destroy);
    return pc_test_run("pc-arena", tc);
}
