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
#undef NDEBUG

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pc-profile.h"
#include "random.h"
#include "util.h"

/* What pc-profile.h costs, beside the simplest other way: a sorted array of
 * the times at which something changes, with what is used from then on.
 *
 *     profile [SIZE...]
 *
 * One profile with SIZE reservations of 3 slots (100 to 100,000), then 10,000
 * profiles with 100 each, visited at random: more than a cache holds.  Prints
 * a table: ns for each question whether 3 slots fit, for adding them, for
 * removing them, for asking and adding in turn, as an admission does, and
 * bytes for each step.  A node has as much as its reservations use at their
 * peak: "fit" says how many of the questions find room.  Times are medians.
 *
 * Slots last 1 to 24 hours and begin within 30 days.  Times are whole seconds:
 * hardly two reservations share a step. */

#define HORIZON (30 * 24 * 3600)
#define N_SLOTS 3
#define MAX_OPERATIONS 200000
#define N_ROUNDS 9

struct request {
    struct pc_slot slots[N_SLOTS];
};

static void
random_request(struct request *request)
{
    int64_t at = random_range(HORIZON);

    for (int i = 0; i < N_SLOTS; i++) {
        struct pc_slot *slot = &request->slots[i];

        slot->begin = at;
        slot->end = at += 3600 + random_range(23 * 3600);
        slot->amount = (struct pc_amount) { {
            100 * (1 + random_range(20)), (1 + random_range(16)) << 26,
            (1 + random_range(50)) * 1000000000LL,
            (1 + random_range(10)) * 10000000LL,
        } };
    }
}

/* The other way. */

struct plain_step {
    int64_t time;
    struct pc_amount used;
};

struct plain {
    struct plain_step *steps;
    size_t n, allocated;
};

/* The first step at 'time' or later. */
static size_t
plain_find(const struct plain *plain, int64_t time)
{
    size_t low = 0, high = plain->n;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (plain->steps[mid].time < time) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static bool
plain_fits(const struct plain *plain, const struct pc_amount *limit,
           const struct pc_slot *slots)
{
    for (int k = 0; k < N_SLOTS; k++) {
        size_t i = plain_find(plain, slots[k].begin + 1);

        for (i -= i > 0; i < plain->n && plain->steps[i].time < slots[k].end;
             i++) {
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                if (plain->steps[i].used.value[d] + slots[k].amount.value[d]
                    > limit->value[d]) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* Returns the step at 'time', a new one if need be. */
static size_t
plain_split(struct plain *plain, int64_t time)
{
    static const struct pc_amount zero;
    size_t i = plain_find(plain, time);

    if (i == plain->n || plain->steps[i].time != time) {
        if (plain->n >= plain->allocated) {
            plain->steps = x2nrealloc(plain->steps, &plain->allocated,
                                      sizeof *plain->steps);
        }
        memmove(&plain->steps[i + 1], &plain->steps[i],
                (plain->n++ - i) * sizeof *plain->steps);
        plain->steps[i].time = time;
        plain->steps[i].used = i ? plain->steps[i - 1].used : zero;
    }
    return i;
}

static void
plain_tidy(struct plain *plain, int64_t time)
{
    static const struct pc_amount zero;
    size_t i = plain_find(plain, time);

    if (pc_amount_equal(&plain->steps[i].used,
                        i ? &plain->steps[i - 1].used : &zero)) {
        memmove(&plain->steps[i], &plain->steps[i + 1],
                (--plain->n - i) * sizeof *plain->steps);
    }
}

static void
plain_put(struct plain *plain, const struct pc_slot *slots, int sign)
{
    for (int k = 0; k < N_SLOTS; k++) {
        size_t begin = plain_split(plain, slots[k].begin);
        size_t end = plain_split(plain, slots[k].end);

        for (size_t i = begin; i < end; i++) {
            for (int d = 0; d < PC_N_AMOUNTS; d++) {
                plain->steps[i].used.value[d]
                    += sign * slots[k].amount.value[d];
            }
        }
    }
    for (int k = 0; k < N_SLOTS; k++) {
        plain_tidy(plain, slots[k].begin);
    }
    plain_tidy(plain, slots[N_SLOTS - 1].end);
}

/* Copies from a walk through a profile: to add one by one takes for ever. */
static bool
plain_append(int64_t begin, int64_t end OVS_UNUSED,
             const struct pc_amount *used, void *plain_)
{
    struct plain *plain = plain_;

    if (plain->n >= plain->allocated) {
        plain->steps = x2nrealloc(plain->steps, &plain->allocated,
                                  sizeof *plain->steps);
    }
    plain->steps[plain->n++] = (struct plain_step) { begin, *used };
    return true;
}

/* Both ways, with the same reservations. */

struct node {
    struct pc_profile *profile;
    struct plain plain;
    struct pc_amount limit;
};

static struct node *nodes;
static size_t n_nodes;
static struct request *requests;        /* Random ones, */
static struct node **where;             /* each for a random node. */

static void
make_nodes(size_t n, size_t n_reservations)
{
    n_nodes = n;
    nodes = xcalloc(n, sizeof *nodes);
    for (size_t i = 0; i < n; i++) {
        nodes[i].profile = pc_profile_create();
    }
    for (size_t i = 0; i < n * n_reservations; i++) {
        struct request request;

        random_request(&request);
        pc_profile_add(nodes[i % n].profile, request.slots, N_SLOTS);
    }
    for (size_t i = 0; i < n; i++) {
        struct node *node = &nodes[i];

        pc_profile_walk(node->profile, 0, 2 * HORIZON, plain_append,
                        &node->plain);
        pc_profile_peak(node->profile, 0, 2 * HORIZON, &node->limit);
    }
    for (size_t i = 0; i < MAX_OPERATIONS; i++) {
        random_request(&requests[i]);
        where[i] = &nodes[random_range(n)];
    }
}

static void
free_nodes(void)
{
    for (size_t i = 0; i < n_nodes; i++) {
        pc_profile_destroy(nodes[i].profile);
        free(nodes[i].plain.steps);
    }
    free(nodes);
}

enum operation { FITS, ADD, REMOVE, ADMIT };

static bool
operate(enum operation operation, bool plain, size_t i)
{
    struct node *node = where[i];
    const struct pc_slot *slots = requests[i].slots;
    bool fits = false;

    if (operation == FITS || operation == ADMIT) {
        fits = (plain ? plain_fits(&node->plain, &node->limit, slots)
                : pc_profile_fits(node->profile, &node->limit, slots,
                                  N_SLOTS));
    }
    if (operation != FITS) {
        if (plain) {
            plain_put(&node->plain, slots, operation == REMOVE ? -1 : 1);
        } else if (operation == REMOVE) {
            pc_profile_remove(node->profile, slots, N_SLOTS);
        } else {
            pc_profile_add(node->profile, slots, N_SLOTS);
        }
    }
    return fits;
}

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static double
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* Does the operations 0...n-1 of a kind.  Returns how many fit. */
static size_t
time_operations(enum operation operation, bool plain, size_t n, double *ns)
{
    double start = now_ns();
    size_t fit = 0;

    for (size_t i = 0; i < n; i++) {
        fit += operate(operation, plain, i);
    }
    *ns = (now_ns() - start) / n;
    return fit;
}

static double
bytes_per_step(bool plain)
{
    size_t bytes = 0, n = 0;

    for (size_t i = 0; i < n_nodes; i++) {
        bytes += (plain ? nodes[i].plain.allocated * sizeof(struct plain_step)
                  : pc_profile_memory(nodes[i].profile));
        n += (plain ? nodes[i].plain.n
              : pc_profile_n_steps(nodes[i].profile));
    }
    return (double) bytes / n;
}

static void
measure(size_t n, size_t n_reservations)
{
    size_t fit;

    make_nodes(n, n_reservations);
    for (int plain = 0; plain < 2; plain++) {
        /* An array of many steps is slow.  What is added is little beside what
         * there is, so that the size stays. */
        size_t max = plain ? 20000000 / n_reservations : MAX_OPERATIONS;
        size_t n_fits = MIN(MAX_OPERATIONS, max);
        size_t n_adds = MIN(n * n_reservations / 10, max / 10);
        double ns[4][N_ROUNDS], skip, bytes = bytes_per_step(plain);

        for (int r = 0; r < N_ROUNDS; r++) {
            fit = time_operations(FITS, plain, n_fits, &ns[FITS][r]);
            time_operations(ADD, plain, n_adds, &ns[ADD][r]);
            time_operations(REMOVE, plain, n_adds, &ns[REMOVE][r]);
            time_operations(ADMIT, plain, n_adds, &ns[ADMIT][r]);
            time_operations(REMOVE, plain, n_adds, &skip);
        }
        printf("%-8s %6"PRIuSIZE" x %-6"PRIuSIZE,
               plain ? "array" : "profile", n, n_reservations);
        for (int k = 0; k < 4; k++) {
            qsort(ns[k], N_ROUNDS, sizeof ns[k][0], compare_doubles);
            printf(" %9.0f", ns[k][N_ROUNDS / 2]);
        }
        printf(" %8.1f %5.0f%%\n", bytes, fit * 100.0 / n_fits);
        fflush(stdout);
    }
    for (size_t i = 0; i < 1000; i++) {
        ovs_assert(operate(FITS, false, i) == operate(FITS, true, i));
    }
    free_nodes();
}

int
main(int argc, char *argv[])
{
    requests = xmalloc(MAX_OPERATIONS * sizeof *requests);
    where = xmalloc(MAX_OPERATIONS * sizeof *where);
    random_set_seed(1);
    printf("%-8s %15s %9s %9s %9s %9s %8s %6s\n", "", "reservations",
           "fits ns", "add ns", "remove ns", "both ns", "B/step", "fit");
    if (argc > 1) {
        for (int i = 1; i < argc; i++) {
            measure(1, strtoul(argv[i], NULL, 10));
        }
    } else {
        for (size_t n = 100; n <= 100000; n *= 10) {
            measure(1, n);
        }
        measure(10000, 100);
    }
    free(where);
    free(requests);
    return 0;
}
