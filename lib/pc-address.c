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

#include <arpa/inet.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/uuid.h"
#include "packets.h"
#include "pc-name.h"
#include "sset.h"
#include "util.h"

/* An address and its subnet.  */
struct subnet {
    int family;
    struct in6_addr addr;       /* IPv4: in the first 4 bytes. */
    unsigned int n_bits;        /* Of an address: 32 or 128. */
    unsigned int prefix;
};

/* Parses "10.1.0.1/24"; without a prefix length, 'prefix' is all bits. */
static bool
parse_subnet(const char *text, struct subnet *s)
{
    char *copy = xstrdup(text);
    char *slash = strchr(copy, '/');
    bool ok;

    if (slash) {
        *slash++ = '\0';
    }
    memset(s, 0, sizeof *s);
    s->family = strchr(copy, ':') ? AF_INET6 : AF_INET;
    s->n_bits = s->family == AF_INET ? 32 : 128;
    s->prefix = s->n_bits;
    ok = inet_pton(s->family, copy, &s->addr) == 1;
    if (ok && slash) {
        ok = (*slash && strspn(slash, "0123456789") == strlen(slash)
              && strlen(slash) <= 3
              && (s->prefix = atoi(slash)) <= s->n_bits);
    }
    free(copy);
    return ok;
}

static char *
format_address(const struct subnet *s, bool with_prefix)
{
    char buf[INET6_ADDRSTRLEN];

    inet_ntop(s->family, &s->addr, buf, sizeof buf);
    return (with_prefix ? xasprintf("%s/%u", buf, s->prefix) : xstrdup(buf));
}

static bool
get_bit(const struct in6_addr *a, unsigned int i)
{
    return a->s6_addr[i / 8] >> (7 - i % 8) & 1;
}

/* Are the bits of 'a' after the prefix all 'value'? */
static bool
host_bits_are(const struct subnet *s, const struct in6_addr *a, bool value)
{
    for (unsigned int i = s->prefix; i < s->n_bits; i++) {
        if (get_bit(a, i) != value) {
            return false;
        }
    }
    return true;
}

static bool
same_subnet(const struct subnet *s, const struct in6_addr *a)
{
    for (unsigned int i = 0; i < s->prefix; i++) {
        if (get_bit(a, i) != get_bit(&s->addr, i)) {
            return false;
        }
    }
    return true;
}

static void
clear_host_bits(struct subnet *s)
{
    for (unsigned int i = s->prefix; i < s->n_bits; i++) {
        s->addr.s6_addr[i / 8] &= ~(0x80 >> i % 8);
    }
}

static void
increment(struct subnet *s)
{
    for (int i = s->n_bits / 8 - 1; i >= 0 && !++s->addr.s6_addr[i]; i--) {
        continue;
    }
}

/* Why the address of 's' can't be a VI's, or null.  'self' is the
 * interface. */
static const char *
unfit(const struct subnet *s, const struct subnet *self)
{
    /* A /31 (RFC 3021) or /127 (RFC 6164) has no such addresses. */
    bool has_special = s->n_bits - s->prefix >= 2;

    if (!memcmp(&s->addr, &self->addr, sizeof s->addr)) {
        return "it is the router's own";
    } else if (has_special && host_bits_are(s, &s->addr, false)) {
        return "it is the subnet's own";
    } else if (has_special && s->family == AF_INET
               && host_bits_are(s, &s->addr, true)) {
        return "it is the broadcast address";
    }
    return NULL;
}

/* Fills 'canonical' with the addresses of 'used' in one form. */
static void
canonize(const struct sset *used, struct sset *canonical)
{
    const char *text;

    sset_init(canonical);
    SSET_FOR_EACH (text, used) {
        char *s = pc_address_strip(text);

        if (s) {
            sset_add_and_free(canonical, s);
        }
    }
}

static bool
is_used(const struct subnet *s, const struct sset *canonical)
{
    char *text = format_address(s, false);
    bool found = sset_contains(canonical, text);

    free(text);
    return found;
}

static char * OVS_WARN_UNUSED_RESULT
parse_interface(const char *interface, struct subnet *s)
{
    if (parse_subnet(interface, s) && strchr(interface, '/')) {
        return NULL;
    }
    char *quoted = pc_name_quote(interface);
    char *error = xasprintf("%s is not an address with a prefix length "
                            "(such as 10.1.0.1/24)", quoted);
    free(quoted);
    return error;
}

char *
pc_address_allocate(const char *interface, const struct sset *used,
                    char **address)
{
    struct subnet self;
    struct sset canonical;

    *address = NULL;
    char *error = parse_interface(interface, &self);
    if (error) {
        return error;
    }

    /* Each step finds one used or unfit, so there are few. */
    struct subnet s = self;
    canonize(used, &canonical);
    for (clear_host_bits(&s); ; increment(&s)) {
        if (!same_subnet(&self, &s.addr)) {
            error = xasprintf("no free address is left in the subnet of %s",
                              interface);
            break;
        } else if (!unfit(&s, &self) && !is_used(&s, &canonical)) {
            *address = format_address(&s, true);
            break;
        } else if (host_bits_are(&s, &s.addr, true)) {
            error = xasprintf("no free address is left in the subnet of %s",
                              interface);
            break;
        }
    }
    sset_destroy(&canonical);
    return error;
}

char *
pc_address_check(const char *interface, const char *address,
                 const struct sset *used, char **result)
{
    struct subnet self, s;
    struct sset canonical;
    const char *why;

    *result = NULL;
    char *error = parse_interface(interface, &self);
    if (error) {
        return error;
    }
    if (!parse_subnet(address, &s)) {
        char *quoted = pc_name_quote(address);

        error = xasprintf("%s is not an IP address", quoted);
        free(quoted);
        return error;
    }

    canonize(used, &canonical);
    bool has_prefix = strchr(address, '/') != NULL;
    if (s.family != self.family || !same_subnet(&self, &s.addr)) {
        why = "it is outside that subnet";
    } else if (has_prefix && s.prefix != self.prefix) {
        why = "the prefix length differs";
    } else {
        s.prefix = self.prefix;
        why = unfit(&s, &self);
        if (!why && is_used(&s, &canonical)) {
            why = "it is in use";
        }
    }
    sset_destroy(&canonical);
    if (why) {
        return xasprintf("%s can't be used in the subnet of %s: %s",
                         address, interface, why);
    }
    *result = format_address(&s, true);
    return NULL;
}

char *
pc_address_strip(const char *address)
{
    struct subnet s;

    return parse_subnet(address, &s) ? format_address(&s, false) : NULL;
}

struct eth_addr
pc_address_mac(const struct uuid *uuid)
{
    uint32_t hash = hash_words(uuid->parts, ARRAY_SIZE(uuid->parts), 0);
    struct eth_addr mac;

    /* 02:... is locally administered and unicast. */
    mac.ea[0] = 0x02;
    mac.ea[1] = hash >> 24;
    mac.ea[2] = uuid->parts[0] >> 24;
    mac.ea[3] = uuid->parts[0] >> 16;
    mac.ea[4] = uuid->parts[0] >> 8;
    mac.ea[5] = uuid->parts[0] & 0xfe;
    return mac;
}
