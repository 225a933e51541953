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
#include "pc-match.h"

#include <netinet/icmp6.h>
#include <string.h>

#include "flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofp-parse.h"
#include "packets.h"
#include "pc-match-private.h"

#define SWAP(A, B)                                  \
    do {                                            \
        __typeof__(A) swap_tmp = (A);               \
        (A) = (B);                                  \
        (B) = swap_tmp;                             \
    } while (0)

/* Returns the type of the ICMP message that answers (or asks for) 'type', or
 * 'type' itself if it is neither (RFC 792, RFC 4443). */
static uint16_t
reverse_icmp_type(bool v6, uint16_t type)
{
    static const uint8_t v4_pairs[][2] = {
        { 8, 0 },               /* Echo. */
        { 13, 14 },             /* Timestamp. */
        { 15, 16 },             /* Information. */
        { 17, 18 },             /* Address mask. */
    };

    if (v6) {
        return (type == ICMP6_ECHO_REQUEST ? ICMP6_ECHO_REPLY
                : type == ICMP6_ECHO_REPLY ? ICMP6_ECHO_REQUEST : type);
    }
    for (size_t i = 0; i < ARRAY_SIZE(v4_pairs); i++) {
        if (type == v4_pairs[i][0]) {
            return v4_pairs[i][1];
        } else if (type == v4_pairs[i][1]) {
            return v4_pairs[i][0];
        }
    }
    return type;
}

static void
reverse_transport(struct flow *flow, struct flow *mask)
{
    bool icmp4 = is_icmpv4(flow, NULL);
    bool icmp6 = is_icmpv6(flow, NULL);

    if (icmp4 || icmp6) {
        if (mask->tp_src) {
            flow->tp_src = htons(reverse_icmp_type(icmp6,
                                                   ntohs(flow->tp_src)));
        }
    } else {
        SWAP(flow->tp_src, flow->tp_dst);
        SWAP(mask->tp_src, mask->tp_dst);
    }
}

void
pc_match_reverse(const struct match *match, struct match *reverse)
{
    *reverse = *match;

    struct flow *flow = &reverse->flow;
    struct flow *mask = &reverse->wc.masks;

    SWAP(flow->dl_src, flow->dl_dst);
    SWAP(mask->dl_src, mask->dl_dst);
    SWAP(flow->nw_src, flow->nw_dst);
    SWAP(mask->nw_src, mask->nw_dst);
    SWAP(flow->ipv6_src, flow->ipv6_dst);
    SWAP(mask->ipv6_src, mask->ipv6_dst);
    reverse_transport(flow, mask);

    /* What only the forward direction has. */
    mask->in_port.ofp_port = 0;
    mask->vlans[0].tci &= htons((uint16_t) ~VLAN_PCP_MASK);
    mask->nw_tos = 0;
    mask->nw_ttl = 0;
    mask->nw_frag = 0;
    mask->ipv6_label = 0;
    mask->tcp_flags = 0;
    match_zero_wildcarded_fields(reverse);
}

/* Fills '*m' from the forward match, in the one form in which a switch returns
 * it.  Open vSwitch's parser adds the default packet type to some matches and
 * not to others; and untagged has no priority to match on. */
void
pc_rule_match_init__(struct pc_rule_match *m, const struct match *match)
{
    struct match forward = *match;
    struct match reverse;

    forward.flow.packet_type = forward.wc.masks.packet_type = 0;
    match_zero_wildcarded_fields(&forward);
    if (!forward.flow.vlans[0].tci
        && forward.wc.masks.vlans[0].tci & htons(VLAN_CFI)) {
        forward.wc.masks.vlans[0].tci = htons(VLAN_VID_MASK | VLAN_CFI);
    }
    pc_match_reverse(&forward, &reverse);

    minimatch_init(&m->match[PC_FORWARD], &forward);
    minimatch_init(&m->match[PC_REVERSE], &reverse);
    m->symmetric = match_equal(&forward, &reverse);
    m->reverse_any = flow_wildcards_is_catchall(&reverse.wc);
}

/* Frees what 'm' has, not 'm' itself. */
void
pc_rule_match_destroy(struct pc_rule_match *m)
{
    if (m) {
        minimatch_destroy(&m->match[PC_FORWARD]);
        minimatch_destroy(&m->match[PC_REVERSE]);
    }
}

void
pc_rule_match_clone(struct pc_rule_match *dst, const struct pc_rule_match *src)
{
    for (size_t i = 0; i < ARRAY_SIZE(dst->match); i++) {
        minimatch_clone(&dst->match[i], &src->match[i]);
    }
    dst->symmetric = src->symmetric;
    dst->reverse_any = src->reverse_any;
}

bool
pc_rule_match_equal(const struct pc_rule_match *a,
                    const struct pc_rule_match *b)
{
    /* The reverse follows from the forward match. */
    return minimatch_equal(&a->match[PC_FORWARD], &b->match[PC_FORWARD]);
}

char *
pc_rule_match_check(const struct pc_rule_match *m, enum pc_rule_direction dir)
{
    if (dir != PC_RULE_FORWARD && m->reverse_any) {
        return xstrdup("the reverse of this match is every packet: add "
                       "addresses or a protocol, or use direction=forward");
    }
    return NULL;
}

void
pc_rule_match_expand(const struct pc_rule_match *m,
                     enum pc_direction direction, struct match *match)
{
    minimatch_expand(&m->match[direction], match);
}

char *
pc_rule_match_format(const struct pc_rule_match *m,
                     enum pc_direction direction,
                     const struct ofputil_port_map *ports)
{
    struct match match;

    minimatch_expand(&m->match[direction], &match);
    return match_to_string(&match, ports, OFP_DEFAULT_PRIORITY);
}

bool
pc_match_overlap(const struct minimatch *a, const struct minimatch *b,
                 struct flow *example)
{
    struct match x, y;

    minimatch_expand(a, &x);
    minimatch_expand(b, &y);

    for (size_t i = 0; i < FLOW_U64S; i++) {
        if ((flow_u64_value(&x.flow, i) ^ flow_u64_value(&y.flow, i))
            & flow_u64_value(&x.wc.masks, i)
            & flow_u64_value(&y.wc.masks, i)) {
            return false;
        }
    }
    if (example) {
        uint64_t *e = (uint64_t *) example;

        for (size_t i = 0; i < FLOW_U64S; i++) {
            e[i] = flow_u64_value(&x.flow, i) | flow_u64_value(&y.flow, i);
        }
    }
    return true;
}

size_t
pc_rule_directions(const struct pc_rule *rule, enum pc_direction dirs[2])
{
    size_t n = 0;

    if (rule->direction != PC_RULE_REVERSE) {
        dirs[n++] = PC_FORWARD;
    }
    if (rule->direction == PC_RULE_REVERSE
        || (rule->direction == PC_RULE_BOTH && !rule->match->symmetric)) {
        dirs[n++] = PC_REVERSE;
    }
    return n;
}

bool
pc_rule_overlap(const struct pc_rule *a, const struct pc_rule *b,
                struct flow *example)
{
    enum pc_direction a_dirs[2], b_dirs[2];
    size_t n_a = pc_rule_directions(a, a_dirs);
    size_t n_b = pc_rule_directions(b, b_dirs);

    for (size_t i = 0; i < n_a; i++) {
        for (size_t j = 0; j < n_b; j++) {
            if (pc_match_overlap(&a->match->match[a_dirs[i]],
                                 &b->match->match[b_dirs[j]], example)) {
                return true;
            }
        }
    }
    return false;
}

/* Returns 's', a match as it is printed, with the names of fields that a packet
 * is to have: "tp_src" and "icmp_type" stand for fields of any protocol in a match,
 * but in a packet for those of TCP and ICMP only. */
static char *
rename_fields(const char *s, const struct flow *flow)
{
    uint8_t proto = is_ip_any(flow) ? flow->nw_proto : 0;
    const char *old = is_icmpv6(flow, NULL) ? "icmp_" : "tp_";
    const char *new = (proto == IPPROTO_UDP ? "udp_"
                       : proto == IPPROTO_SCTP ? "sctp_"
                       : proto == IPPROTO_ICMPV6 ? "icmpv6_" : NULL);
    struct ds ds = DS_EMPTY_INITIALIZER;
    const char *comma;

    for (; new && (comma = strchr(s, ',')); s = comma + 1) {
        ds_put_buffer(&ds, s, comma + 1 - s);
        if (!strncmp(comma + 1, old, strlen(old))) {
            ds_put_cstr(&ds, new);
            comma += strlen(old);
        }
    }
    ds_put_cstr(&ds, s);
    return ds_steal_cstr(&ds);
}

char *
pc_packet_format(const struct flow *flow)
{
    static const enum mf_field_id fields[] = {
        MFF_IN_PORT, MFF_ETH_SRC, MFF_ETH_DST, MFF_VLAN_TCI, MFF_ETH_TYPE,
        MFF_IPV4_SRC, MFF_IPV4_DST, MFF_IPV6_SRC, MFF_IPV6_DST,
        MFF_IPV6_LABEL, MFF_IP_PROTO, MFF_IP_DSCP, MFF_IP_ECN, MFF_IP_TTL,
        MFF_IP_FRAG, MFF_TCP_SRC, MFF_TCP_DST, MFF_TCP_FLAGS, MFF_UDP_SRC,
        MFF_UDP_DST, MFF_SCTP_SRC, MFF_SCTP_DST, MFF_ICMPV4_TYPE,
        MFF_ICMPV4_CODE, MFF_ICMPV6_TYPE, MFF_ICMPV6_CODE,
    };
    struct match match = MATCH_CATCHALL_INITIALIZER;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const struct mf_field *mf = mf_from_id(fields[i]);
        union mf_value value;

        mf_get_value(mf, flow, &value);
        if (mf_are_prereqs_ok(mf, flow, NULL)
            && !is_all_zeros(&value, mf->n_bytes)) {
            mf_set_value(mf, &value, &match, NULL);
        }
    }
    char *s = match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
    char *renamed = rename_fields(s, flow);
    free(s);
    return renamed;
}
