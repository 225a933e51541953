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

#ifndef CTL_PREFIX_H
#define CTL_PREFIX_H 1

/* Addresses with prefix lengths, of both families.
 *
 * Values without I/O or memory of their own; an IPv4 address is kept mapped
 * into IPv6 (RFC 4291, section 2.5.5.2), its length counted in IPv4. */

#include <netinet/in.h>
#include <stdbool.h>
#include "compiler.h"

struct ctl_prefix {
    struct in6_addr addr;
    bool is_ipv6;
    unsigned int plen;          /* 0 to 32, or to 128. */
};

/* Is the "/LENGTH" to be there? */
enum ctl_plen { CTL_PLEN_NO, CTL_PLEN_MAY, CTL_PLEN_MUST };

char *ctl_prefix_parse(const char *, enum ctl_plen, struct ctl_prefix *)
    OVS_WARN_UNUSED_RESULT;
char *ctl_prefix_check_host(const char *, const struct ctl_prefix *)
    OVS_WARN_UNUSED_RESULT;
char *ctl_prefix_check_net(const char *, const struct ctl_prefix *)
    OVS_WARN_UNUSED_RESULT;
char *ctl_prefix_format(const struct ctl_prefix *, bool with_length);
bool ctl_prefix_same_address(const struct ctl_prefix *,
                             const struct ctl_prefix *);
bool ctl_prefix_contains(const struct ctl_prefix *subnet,
                         const struct ctl_prefix *);
bool ctl_prefix_overlap(const struct ctl_prefix *, const struct ctl_prefix *);
struct ctl_prefix ctl_prefix_mask(const struct ctl_prefix *);

#endif /* ctl-prefix.h */
