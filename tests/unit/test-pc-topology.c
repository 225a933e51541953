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
#include "pc-topology.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "packets.h"
#include "pc-test.h"
#include "random.h"
#include "util.h"
#include "uuid.h"

static struct uuid
pop(unsigned int i)
{
    return (struct uuid) { .parts = { i, 7, 7, 7 } };
}

static void
link_set(struct pc_topology *t, unsigned int a, unsigned int b, uint32_t cost)
{
    struct uuid ua = pop(a), ub = pop(b);

    pc_topology_set_link(t, &ua, &ub, cost);
}

static uint64_t
distance(struct pc_topology *t, unsigned int a, unsigned int b)
{
    struct uuid ua = pop(a), ub = pop(b);

    return pc_topology_distance(t, &ua, &ub);
}

static struct pc_topology *
create(unsigned int n)
{
    struct pc_topology *t = pc_topology_create();

    for (unsigned int i = 1; i <= n; i++) {
        struct uuid uuid = pop(i);

        pc_topology_add_pop(t, &uuid);
    }
    return t;
}

START_TEST(test_distance)
{
    struct pc_topology *t = create(4);
    struct uuid two = pop(2), three = pop(3), five = pop(5);

    ck_assert_uint_eq(distance(t, 1, 1), 0);
    ck_assert_uint_eq(distance(t, 1, 2), PC_DISTANCE_MAX);
    ck_assert_uint_eq(distance(t, 1, 5), PC_DISTANCE_MAX);
    ck_assert_uint_eq(distance(t, 5, 1), PC_DISTANCE_MAX);
    ck_assert_uint_eq(distance(t, 5, 5), PC_DISTANCE_MAX);

    /* The detour is cheaper, in both directions; a link to itself is none. */
    link_set(t, 1, 3, 10);
    link_set(t, 1, 2, 4);
    link_set(t, 2, 3, 5);
    link_set(t, 1, 1, 0);
    ck_assert_uint_eq(distance(t, 1, 3), 9);
    ck_assert_uint_eq(distance(t, 3, 1), 9);
    ck_assert_uint_eq(distance(t, 1, 4), PC_DISTANCE_MAX);

    /* Until it costs more, or is no more. */
    link_set(t, 3, 2, 7);
    ck_assert_uint_eq(distance(t, 1, 3), 10);
    link_set(t, 2, 3, 0);
    ck_assert_uint_eq(distance(t, 1, 3), 4);
    pc_topology_remove_link(t, &three, &two);
    ck_assert_uint_eq(distance(t, 1, 3), 10);
    ck_assert_uint_eq(distance(t, 3, 2), 14);
    pc_topology_remove_link(t, &three, &two);
    pc_topology_remove_link(t, &three, &five);
    ck_assert_uint_eq(distance(t, 3, 2), 14);

    /* The largest costs do not overflow. */
    link_set(t, 1, 3, UINT32_MAX);
    link_set(t, 3, 4, UINT32_MAX);
    ck_assert_uint_eq(distance(t, 1, 4), UINT64_C(2) * UINT32_MAX);

    /* A PoP goes with its links, and comes back without. */
    pc_topology_remove_pop(t, &three);
    pc_topology_remove_pop(t, &three);
    ck_assert_uint_eq(distance(t, 1, 3), PC_DISTANCE_MAX);
    ck_assert_uint_eq(distance(t, 1, 4), PC_DISTANCE_MAX);
    ck_assert_uint_eq(distance(t, 1, 2), 4);
    pc_topology_add_pop(t, &three);
    ck_assert_uint_eq(distance(t, 1, 3), PC_DISTANCE_MAX);
    ck_assert_uint_eq(distance(t, 3, 3), 0);
    pc_topology_destroy(t);
    pc_topology_destroy(NULL);
}
END_TEST

/* Raised by what may change a distance, and by nothing else. */
START_TEST(test_version)
{
    struct pc_topology *t = create(2);
    struct uuid one = pop(1), two = pop(2);
    uint64_t version = pc_topology_version(t);
    struct in6_addr address = in6_addr_mapped_ipv4(htonl(0x0a000000));

    pc_topology_add_pop(t, &one);
    pc_topology_set_prefix(t, &address, 104, &one);
    pc_topology_remove_prefix(t, &address, 104);
    pc_topology_remove_link(t, &one, &two);
    ck_assert_uint_eq(pc_topology_version(t), version);
    link_set(t, 1, 2, 3);
    ck_assert_uint_gt(pc_topology_version(t), version);
    version = pc_topology_version(t);
    link_set(t, 2, 1, 3);
    ck_assert_uint_eq(pc_topology_version(t), version);
    link_set(t, 2, 1, 4);
    ck_assert_uint_gt(pc_topology_version(t), version);
    version = pc_topology_version(t);
    pc_topology_remove_link(t, &one, &two);
    ck_assert_uint_gt(pc_topology_version(t), version);
    version = pc_topology_version(t);
    pc_topology_remove_pop(t, &two);
    ck_assert_uint_gt(pc_topology_version(t), version);
    pc_topology_destroy(t);
}
END_TEST

/* Of many PoPs and links that come and go, against Floyd and Warshall. */
START_TEST(test_random_distances)
{
    enum { N = 24 };
    struct pc_topology *t = create(N);
    uint64_t costs[N][N], d[N][N];

    random_set_seed(20261130);
    memset(costs, 0xff, sizeof costs);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 4; i++) {
            unsigned int a = random_range(N), b = random_range(N);
            struct uuid ua = pop(a + 1), ub = pop(b + 1);

            if (random_range(4) && a != b) {
                costs[a][b] = costs[b][a] = random_range(20);
                pc_topology_set_link(t, &ua, &ub, costs[a][b]);
            } else if (random_range(4)) {
                costs[a][b] = costs[b][a] = PC_DISTANCE_MAX;
                pc_topology_remove_link(t, &ua, &ub);
            } else {
                pc_topology_remove_pop(t, &ua);
                pc_topology_add_pop(t, &ua);
                for (int j = 0; j < N; j++) {
                    costs[a][j] = costs[j][a] = PC_DISTANCE_MAX;
                }
            }
        }
        memcpy(d, costs, sizeof d);
        for (int k = 0; k < N; k++) {
            d[k][k] = 0;
            for (int i = 0; i < N; i++) {
                for (int j = 0; j < N; j++) {
                    if (d[i][k] != PC_DISTANCE_MAX
                        && d[k][j] != PC_DISTANCE_MAX) {
                        d[i][j] = MIN(d[i][j], d[i][k] + d[k][j]);
                    }
                }
            }
        }
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                ck_assert_uint_eq(distance(t, i + 1, j + 1),
                                  i == j ? 0 : d[i][j]);
            }
        }
    }
    pc_topology_destroy(t);
}
END_TEST

static unsigned int
parse(const char *text, struct in6_addr *address)
{
    unsigned int plen;
    char *error;

    if (strchr(text, ':')) {
        error = ipv6_parse_cidr(text, address, &plen);
    } else {
        ovs_be32 ip;

        error = ip_parse_cidr(text, &ip, &plen);
        *address = in6_addr_mapped_ipv4(ip);
        plen += 96;
    }
    ck_assert_msg(!error, "%s", error);
    return plen;
}

static void
prefix_set(struct pc_topology *t, const char *text, unsigned int i)
{
    struct uuid uuid = pop(i);
    struct in6_addr address;
    unsigned int plen = parse(text, &address);

    pc_topology_set_prefix(t, &address, plen, &uuid);
}

static void
prefix_remove(struct pc_topology *t, const char *text)
{
    struct in6_addr address;
    unsigned int plen = parse(text, &address);

    pc_topology_remove_prefix(t, &address, plen);
}

/* The number of the PoP of an address, 0 if none. */
static unsigned int
find(const struct pc_topology *t, const char *text)
{
    struct in6_addr address;
    struct uuid uuid;

    parse(text, &address);
    if (!pc_topology_find(t, &address, &uuid)) {
        ck_assert(uuid_is_zero(&uuid));
        return 0;
    }
    return uuid.parts[0];
}

START_TEST(test_prefixes)
{
    struct pc_topology *t = create(5);
    struct uuid two = pop(2);

    ck_assert_uint_eq(find(t, "10.1.2.3"), 0);
    prefix_set(t, "10.0.0.0/8", 1);
    prefix_set(t, "10.1.0.0/16", 2);
    prefix_set(t, "10.1.2.3/32", 3);
    prefix_set(t, "2001:db8::/32", 4);
    ck_assert_uint_eq(find(t, "10.1.2.3"), 3);
    ck_assert_uint_eq(find(t, "10.1.2.4"), 2);
    ck_assert_uint_eq(find(t, "10.2.2.3"), 1);
    ck_assert_uint_eq(find(t, "11.1.2.3"), 0);
    ck_assert_uint_eq(find(t, "2001:db8:ffff::1"), 4);
    ck_assert_uint_eq(find(t, "2001:db9::1"), 0);

    /* All addresses, of both families; of IPv4 alone. */
    prefix_set(t, "::/0", 5);
    ck_assert_uint_eq(find(t, "2001:db9::1"), 5);
    ck_assert_uint_eq(find(t, "11.1.2.3"), 5);
    prefix_set(t, "0.0.0.0/0", 4);
    ck_assert_uint_eq(find(t, "11.1.2.3"), 4);
    ck_assert_uint_eq(find(t, "2001:db9::1"), 5);

    /* Bits beyond the length do not matter; the last owner has it. */
    prefix_set(t, "10.1.99.99/16", 5);
    ck_assert_uint_eq(find(t, "10.1.2.4"), 5);
    prefix_remove(t, "10.1.2.3/32");
    prefix_remove(t, "10.1.2.3/32");
    ck_assert_uint_eq(find(t, "10.1.2.3"), 5);
    prefix_remove(t, "10.1.7.7/16");
    ck_assert_uint_eq(find(t, "10.1.2.3"), 1);

    /* They go with their PoP, and only those that it has still. */
    prefix_set(t, "10.0.0.0/9", 2);
    prefix_set(t, "10.0.0.0/10", 2);
    prefix_set(t, "10.0.0.0/10", 3);
    ck_assert_uint_eq(find(t, "10.100.2.3"), 2);
    pc_topology_remove_pop(t, &two);
    ck_assert_uint_eq(find(t, "10.100.2.3"), 1);
    ck_assert_uint_eq(find(t, "10.1.2.3"), 3);
    pc_topology_destroy(t);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, test_distance);
    tcase_add_test(tc, test_version);
    tcase_add_test(tc, test_random_distances);
    tcase_add_test(tc, test_prefixes);
    return pc_test_run("pc-topology", tc);
}
