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

#ifndef PC_ADDRESS_H
#define PC_ADDRESS_H 1

/* Addresses for VIs, out of the subnet of a router interface (design.md
 * §4.3).
 *
 * Thread-safety: pure functions. */

#include "openvswitch/compiler.h"
#include "openvswitch/types.h"

struct sset;
struct uuid;

/* Chooses the lowest free address of the subnet of 'interface', an address
 * with prefix length ("10.1.0.1/24", "2001:db8::1/64").  Never chosen are the
 * network's own address (in IPv6: the subnet router anycast address), the
 * broadcast address, 'interface' itself, and those in 'used' (with or without
 * prefix length, of either family).
 *
 * Stores it in '*address', with the prefix length, e.g. "10.1.0.2/24"; the
 * caller frees it.  Returns null, or an error that the caller frees, with
 * '*address' null. */
char *pc_address_allocate(const char *interface, const struct sset *used,
                          char **address) OVS_WARN_UNUSED_RESULT;

/* Checks that 'address', with or without prefix length, may be given to a VI
 * in the subnet of 'interface'.  Stores it like pc_address_allocate(). */
char *pc_address_check(const char *interface, const char *address,
                       const struct sset *used, char **result)
    OVS_WARN_UNUSED_RESULT;

/* Returns 'address' ("10.1.0.2/24") without the prefix length and in its
 * canonical form; the caller frees it.  Null if it is no address. */
char *pc_address_strip(const char *address);

/* Returns the MAC of the first port of the VI with 'uuid': locally
 * administered, unicast, even (pc_vi_mac() uses the odd one for the second
 * port), always the same. */
struct eth_addr pc_address_mac(const struct uuid *);

#endif /* pc-address.h */
