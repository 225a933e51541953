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
#include "pc-address.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "pc-model.h"
#include "pc-test.h"
#include "sset.h"
#include "util.h"
#include "uuid.h"

/* An interface, what is used (separated by spaces), and the address or part
 * of the error. */
static const struct {
    const char *interface, *used, *address, *error;
} allocations[] = {
    { "10.1.0.1/24", "", "10.1.0.2/24", NULL },
    { "10.1.0.2/24", "", "10.1.0.1/24", NULL },
    { "10.1.0.254/24", "10.1.0.1 10.1.0.2/24 10.1.0.4", "10.1.0.3/24", NULL },
    { "10.1.255.254/16", "", "10.1.0.1/16", NULL },
    { "10.1.0.1/30", "10.1.0.2", NULL, "no free address" },
    { "10.1.0.0/31", "", "10.1.0.1/31", NULL },
    { "10.1.0.1/31", "10.1.0.0", NULL, "no free address" },
    { "10.1.0.1/32", "", NULL, "no free address" },
    { "255.255.255.254/30", "255.255.255.253", NULL, "no free address" },
    { "2001:db8::1/64", "", "2001:db8::2/64", NULL },
    { "2001:db8::1/64", "2001:DB8:0::2/64 2001:db8::3 10.1.0.1 junk",
      "2001:db8::4/64", NULL },
    { "2001:db8::1/127", "", "2001:db8::/127", NULL },
    { "10.1.0.1", "", NULL, "is not an address with a prefix length" },
    { "10.1.0.1/33", "", NULL, "is not an address" },
    { "10.1.0.1/", "", NULL, "is not an address" },
    { "10.1.0/24", "", NULL, "is not an address" },
    { "fe80::zz/64", "", NULL, "is not an address" },
};

static void
parse_used(const char *text, struct sset *used)
{
    sset_from_delimited_string(used, text, " ");
}

START_TEST(test_allocate)
{
    struct sset used;
    char *address;

    parse_used(allocations[_i].used, &used);
    char *error = pc_address_allocate(allocations[_i].interface, &used,
                                      &address);
    if (allocations[_i].address) {
        ck_assert_msg(!error, "%s", error);
        ck_assert_str_eq(address, allocations[_i].address);
    } else {
        ck_assert_ptr_null(address);
        ck_assert_msg(error && strstr(error, allocations[_i].error), "%s",
                      error);
    }
    free(error);
    free(address);
    sset_destroy(&used);
}
END_TEST

static const struct {
    const char *interface, *address, *result, *error;
} checks[] = {
    { "10.1.0.1/24", "10.1.0.7", "10.1.0.7/24", NULL },
    { "10.1.0.1/24", "10.1.0.7/24", "10.1.0.7/24", NULL },
    { "10.1.0.1/24", "10.1.0.7/25", NULL, "prefix length differs" },
    { "10.1.0.1/24", "10.2.0.7", NULL, "outside that subnet" },
    { "10.1.0.1/24", "10.1.0.1", NULL, "router's own" },
    { "10.1.0.1/24", "10.1.0.0", NULL, "subnet's own" },
    { "10.1.0.1/24", "10.1.0.255", NULL, "broadcast" },
    { "10.1.0.1/24", "10.1.0.99", NULL, "in use" },
    { "10.1.0.1/24", "10.1.0", NULL, "is not an IP address" },
    { "10.1.0.1/24", "2001:db8::1", NULL, "outside that subnet" },
    { "2001:db8::1/64", "2001:DB8::0099", "2001:db8::99/64", NULL },
    { "2001:db8::1/64", "2001:db8::", NULL, "subnet's own" },
};

START_TEST(test_check)
{
    struct sset used;
    char *result;

    parse_used("10.1.0.99/24", &used);
    char *error = pc_address_check(checks[_i].interface, checks[_i].address,
                                   &used, &result);
    if (checks[_i].result) {
        ck_assert_msg(!error, "%s", error);
        ck_assert_str_eq(result, checks[_i].result);
    } else {
        ck_assert_ptr_null(result);
        ck_assert_msg(error && strstr(error, checks[_i].error), "%s", error);
    }
    free(error);
    free(result);
    sset_destroy(&used);
}
END_TEST

START_TEST(test_mac)
{
    struct pc_vi vi;
    struct uuid a, b;

    memset(&vi, 0, sizeof vi);
    uuid_generate(&a);
    uuid_generate(&b);
    vi.mac = pc_address_mac(&a);
    ck_assert(eth_addr_equals(vi.mac, pc_address_mac(&a)));
    ck_assert(!eth_addr_equals(vi.mac, pc_address_mac(&b)));
    ck_assert(!eth_addr_is_multicast(vi.mac));
    ck_assert(eth_addr_is_local(vi.mac));
    ck_assert(!eth_addr_equals(pc_vi_mac(&vi, PC_PORT_IN),
                               pc_vi_mac(&vi, PC_PORT_OUT)));
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, test_allocate, 0, ARRAY_SIZE(allocations));
    tcase_add_loop_test(tc, test_check, 0, ARRAY_SIZE(checks));
    tcase_add_test(tc, test_mac);
    return pc_test_run("pc-address", tc);
}
