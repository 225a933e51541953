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

/* The neighbor table, with a clock of our own.  What it wants done is written
 * into a string, a word for each call. */

#include <config.h>
#include "pc-l3-neighbor.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>

#include "dp-packet.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "pc-test.h"
#include "util.h"

static const struct eth_addr mac_a = ETH_ADDR_C(00,00,00,00,00,0a);
static const struct eth_addr mac_b = ETH_ADDR_C(00,00,00,00,00,0b);
static const struct uuid vi = { { 1, 2, 3, 4 } };

static void
log_solicit(const struct pc_neighbor *n OVS_UNUSED, bool unicast, void *s)
{
    ds_put_cstr(s, unicast ? "verify " : "ask ");
}

static void
log_changed(const struct pc_neighbor *n, void *s)
{
    if (!pc_neighbor_mac_known(n)) {
        ds_put_cstr(s, n->shielded ? "shield " : "none ");
    } else {
        ds_put_format(s, "%x@%u ", n->mac.ea[5], n->port);
    }
}

static void
log_gone(const struct pc_neighbor *n OVS_UNUSED, void *s)
{
    ds_put_cstr(s, "gone ");
}

static void
log_packet(const char *what, struct dp_packet *p, struct ds *s)
{
    ds_put_format(s, "%s%d ", what, *(uint8_t *) dp_packet_data(p));
    dp_packet_delete(p);
}

static void
log_send(const struct pc_neighbor *n OVS_UNUSED, struct dp_packet *p, void *s)
{
    log_packet("send", p, s);
}

static void
log_unreachable(const struct pc_neighbor *n OVS_UNUSED, struct dp_packet *p,
                void *s)
{
    log_packet("unreachable", p, s);
}

static const struct pc_neighbor_ops ops = {
    log_solicit, log_changed, log_gone, log_send, log_unreachable
};

static struct pc_neighbors *t;
static struct ds s;
static struct in6_addr addr;

static void
setup(void)
{
    t = pc_neighbors_create(&ops);
    ds_init(&s);
    in6_addr_set_mapped_ipv4(&addr, htonl(0x0a010002));
}

static void
teardown(void)
{
    pc_neighbors_destroy(t);
    ds_destroy(&s);
}

/* Asserts that the calls since the last time were 'expected'. */
#define assert_log(EXPECTED)                        \
    do {                                            \
        ck_assert_str_eq(ds_cstr(&s), EXPECTED);    \
        ds_clear(&s);                               \
    } while (0)

static enum pc_neighbor_queued
enqueue(uint8_t number, long long int now)
{
    return pc_neighbors_enqueue(t, 1, &addr,
                                dp_packet_clone_data(&number, 1), now, &s);
}

static struct pc_neighbor_news
news(const struct eth_addr mac, bool solicited, bool override, bool create)
{
    return (struct pc_neighbor_news) {
        .interface = 1, .addr = addr, .mac = mac, .port = 7,
        .solicited = solicited, .override = override, .create = create
    };
}

static void
answer(const struct eth_addr mac, long long int now)
{
    struct pc_neighbor_news n = news(mac, true, true, false);

    pc_neighbors_learn(t, &n, now, &s);
}

static void
hear(const struct eth_addr mac, bool override, bool create,
     long long int now)
{
    struct pc_neighbor_news n = news(mac, false, override, create);

    pc_neighbors_learn(t, &n, now, &s);
}

static enum pc_neighbor_state
state(void)
{
    const struct pc_neighbor *n = pc_neighbors_find(t, 1, &addr);

    ck_assert_ptr_nonnull(n);
    return n->state;
}

START_TEST(test_resolve)
{
    ck_assert_int_eq(enqueue(1, 1000), PC_NEIGHBOR_QUEUED);
    assert_log("ask ");
    ck_assert_int_eq(enqueue(2, 1001), PC_NEIGHBOR_QUEUED);
    ck_assert_int_eq(enqueue(3, 1002), PC_NEIGHBOR_QUEUED);
    assert_log("");
    ck_assert_int_eq(enqueue(4, 1003), PC_NEIGHBOR_DROPPED);
    assert_log("shield ");
    ck_assert_int_eq(enqueue(5, 1004), PC_NEIGHBOR_DROPPED);
    assert_log("");
    answer(mac_a, 1500);
    assert_log("a@7 send1 send2 send3 ");
    ck_assert_int_eq(state(), PC_NEIGHBOR_REACHABLE);
    ck_assert_int_eq(enqueue(6, 1600), PC_NEIGHBOR_SENT);
    assert_log("send6 ");
}
END_TEST

START_TEST(test_give_up)
{
    enqueue(1, 1000);
    assert_log("ask ");
    ck_assert_int_eq(pc_neighbors_next_wakeup(t), 2000);
    pc_neighbors_run(t, 1999, &s);
    assert_log("");
    pc_neighbors_run(t, 2000, &s);
    assert_log("ask ");
    pc_neighbors_run(t, 3000, &s);
    assert_log("ask ");
    pc_neighbors_run(t, 3999, &s);
    assert_log("");
    pc_neighbors_run(t, 4000, &s);
    assert_log("unreachable1 gone ");
    ck_assert_ptr_null(pc_neighbors_find(t, 1, &addr));
    ck_assert(pc_neighbors_next_wakeup(t) == LLONG_MAX);
}
END_TEST

START_TEST(test_verify)
{
    long long int when;

    enqueue(1, 0);
    answer(mac_a, 0);
    ds_clear(&s);
    when = pc_neighbors_next_wakeup(t);
    ck_assert_int_ge(when, PC_NEIGHBOR_REACHABLE_MS / 2);
    ck_assert_int_le(when, PC_NEIGHBOR_REACHABLE_MS * 3 / 2);
    pc_neighbors_run(t, when, &s);
    assert_log("verify ");
    ck_assert_int_eq(state(), PC_NEIGHBOR_PROBE);

    /* It is used meanwhile, and an answer changes nothing in the switch. */
    ck_assert_int_eq(enqueue(2, when), PC_NEIGHBOR_SENT);
    assert_log("send2 ");
    answer(mac_a, when + 10);
    assert_log("");
    ck_assert_int_eq(state(), PC_NEIGHBOR_REACHABLE);

    /* Without an answer it is forgotten. */
    when = pc_neighbors_next_wakeup(t);
    pc_neighbors_run(t, when, &s);
    pc_neighbors_run(t, when + 1000, &s);
    pc_neighbors_run(t, when + 2000, &s);
    assert_log("verify verify verify ");
    pc_neighbors_run(t, when + 3000, &s);
    assert_log("gone ");
}
END_TEST

START_TEST(test_hear)
{
    /* An advertisement for what nobody asked for makes no entry. */
    hear(mac_a, true, false, 0);
    assert_log("");
    /* A question to us does; it is verified soon. */
    hear(mac_a, true, true, 0);
    assert_log("a@7 ");
    ck_assert_int_eq(state(), PC_NEIGHBOR_STALE);
    ck_assert_int_eq(pc_neighbors_next_wakeup(t), PC_NEIGHBOR_DELAY_MS);
    hear(mac_a, true, true, 100);
    ck_assert_int_eq(pc_neighbors_next_wakeup(t), PC_NEIGHBOR_DELAY_MS);
    assert_log("");

    answer(mac_a, 200);
    ck_assert_int_eq(state(), PC_NEIGHBOR_REACHABLE);
    /* Another address without the override flag: ours is verified. */
    hear(mac_b, false, true, 300);
    assert_log("");
    ck_assert_int_eq(state(), PC_NEIGHBOR_STALE);
    pc_neighbors_run(t, 300, &s);
    assert_log("verify ");
    /* With it, it is taken over. */
    hear(mac_b, true, true, 400);
    assert_log("b@7 ");
    ck_assert_int_eq(state(), PC_NEIGHBOR_STALE);
}
END_TEST

START_TEST(test_question_resolves)
{
    enqueue(1, 0);
    hear(mac_a, true, true, 10);
    assert_log("ask a@7 send1 ");
}
END_TEST

START_TEST(test_static)
{
    struct pc_neighbor_news n = news(mac_b, false, false, false);

    enqueue(1, 0);
    pc_neighbors_set_static(t, &n, &vi, &s);
    assert_log("ask b@7 send1 ");
    ck_assert(pc_neighbors_next_wakeup(t) == LLONG_MAX);
    answer(mac_a, 10);
    pc_neighbors_set_static(t, &n, &vi, &s);
    pc_neighbors_remove_learned(t, 1, &s);
    assert_log("");
    pc_neighbors_remove_static(t, &vi, &s);
    assert_log("gone ");

    /* Over one that was learned. */
    hear(mac_a, true, true, 20);
    pc_neighbors_set_static(t, &n, &vi, &s);
    assert_log("a@7 b@7 ");
    ck_assert(pc_neighbors_next_wakeup(t) == LLONG_MAX);
}
END_TEST

START_TEST(test_adopt)
{
    struct pc_neighbor_news n = news(mac_a, false, false, false);

    ck_assert(pc_neighbors_adopt(t, &n, 1000, &s));
    assert_log("a@7 ");
    ck_assert(!pc_neighbors_adopt(t, &n, 1000, &s));
    ck_assert_int_eq(enqueue(1, 1000), PC_NEIGHBOR_SENT);
    pc_neighbors_run(t, 1000, &s);
    assert_log("send1 verify ");
    answer(mac_a, 1001);
    assert_log("");
}
END_TEST

static size_t
count_words(const char *word)
{
    size_t n = 0;

    for (const char *p = ds_cstr(&s); (p = strstr(p, word)); p++) {
        n++;
    }
    ds_clear(&s);
    return n;
}

/* However many are due, so many are verified in a second. */
START_TEST(test_verify_rate)
{
    for (int i = 0; i < 120; i++) {
        struct pc_neighbor_news n = news(mac_a, false, false, false);

        in6_addr_set_mapped_ipv4(&n.addr, htonl(0x0a010000 + i));
        pc_neighbors_adopt(t, &n, 0, &s);
    }
    ds_clear(&s);
    pc_neighbors_run(t, 0, &s);
    ck_assert_int_eq(count_words("verify"), PC_NEIGHBOR_PROBE_RATE);
    pc_neighbors_run(t, 999, &s);
    ck_assert_int_eq(count_words("verify"), 0);
    ck_assert_int_eq(pc_neighbors_next_wakeup(t), 1000);
    pc_neighbors_run(t, 1000, &s);
    /* The second questions to the first fifty, and another fifty. */
    ck_assert_int_eq(count_words("verify"), 2 * PC_NEIGHBOR_PROBE_RATE);
}
END_TEST

/* A scan of a prefix does not fill the memory. */
START_TEST(test_scan)
{
    size_t n_dropped = 0;

    for (int i = 0; i < 2 * PC_NEIGHBOR_MAX_INCOMPLETE; i++) {
        in6_addr_set_mapped_ipv4(&addr, htonl(0x0a010000 + i));
        n_dropped += enqueue(0, 0) == PC_NEIGHBOR_DROPPED;
    }
    ck_assert_uint_eq(n_dropped, PC_NEIGHBOR_MAX_INCOMPLETE);
    for (int now = 1000; now <= 3000; now += 1000) {
        pc_neighbors_run(t, now, &s);
    }
    ck_assert(pc_neighbors_next_wakeup(t) == LLONG_MAX);
    ck_assert_int_eq(enqueue(0, 5000), PC_NEIGHBOR_QUEUED);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_resolve);
    tcase_add_test(tc, test_give_up);
    tcase_add_test(tc, test_verify);
    tcase_add_test(tc, test_hear);
    tcase_add_test(tc, test_question_resolves);
    tcase_add_test(tc, test_static);
    tcase_add_test(tc, test_adopt);
    tcase_add_test(tc, test_verify_rate);
    tcase_add_test(tc, test_scan);
    return pc_test_run("pc-l3-neighbor", tc);
}
