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

#include <arpa/inet.h>
#include <string.h>

#include "bitmap.h"
#include "flow.h"
#include "nx-match.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofp-parse.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-match-private.h"
#include "pc-name.h"
#include "util.h"

#define NEVER_DIVERTED "are never diverted"

/* One "name=value" of a match. */
struct token {
    const char *name, *value;           /* As written. */
    const struct mf_field *mf;          /* Null if not a field. */
    const struct ofp_protocol *protocol;/* Null if not a protocol. */
    bool subfield;                      /* "name[0..3]". */
};

struct tokens {
    char *text;                         /* What the tokens point into. */
    struct token *tokens;
    size_t n, allocated;
};

/* Why 'mf' may not be used, or null if it may. */
static const char *
field_refused(const struct mf_field *mf)
{
    switch (mf->id) {
    case MFF_PACKET_TYPE:
    case MFF_IN_PORT: case MFF_IN_PORT_OXM:
    case MFF_ETH_SRC: case MFF_ETH_DST: case MFF_ETH_TYPE:
    case MFF_VLAN_TCI: case MFF_DL_VLAN: case MFF_VLAN_VID:
    case MFF_DL_VLAN_PCP: case MFF_VLAN_PCP:
    case MFF_IPV4_SRC: case MFF_IPV4_DST:
    case MFF_IPV6_SRC: case MFF_IPV6_DST: case MFF_IPV6_LABEL:
    case MFF_IP_PROTO: case MFF_IP_DSCP: case MFF_IP_DSCP_SHIFTED:
    case MFF_IP_ECN: case MFF_IP_TTL: case MFF_IP_FRAG:
    case MFF_TCP_SRC: case MFF_TCP_DST: case MFF_TCP_FLAGS:
    case MFF_UDP_SRC: case MFF_UDP_DST:
    case MFF_SCTP_SRC: case MFF_SCTP_DST:
    case MFF_ICMPV4_TYPE: case MFF_ICMPV4_CODE:
    case MFF_ICMPV6_TYPE: case MFF_ICMPV6_CODE:
        return NULL;

    case MFF_METADATA:
        return "PacketCloud keeps the path of a packet there";
    CASE_MFF_REGS:
    CASE_MFF_XREGS:
    CASE_MFF_XXREGS:
        return "registers belong to the switch's own pipeline, and are zero "
               "where rules are looked up";
    case MFF_CT_STATE: case MFF_CT_ZONE: case MFF_CT_MARK: case MFF_CT_LABEL:
    case MFF_CT_NW_PROTO: case MFF_CT_NW_SRC: case MFF_CT_NW_DST:
    case MFF_CT_IPV6_SRC: case MFF_CT_IPV6_DST: case MFF_CT_TP_SRC:
    case MFF_CT_TP_DST:
        return "the connection tracker has not seen a packet where rules are "
               "looked up";
    case MFF_CONJ_ID:
        return "a rule is one match, not part of a conjunction";
    case MFF_ACTSET_OUTPUT:
        return "no action set exists where rules are looked up";
    case MFF_DP_HASH: case MFF_RECIRC_ID:
        return "it is internal to Open vSwitch";
    case MFF_SKB_PRIORITY: case MFF_PKT_MARK:
        return "it is set by a host's kernel and is not part of a packet";
    case MFF_ARP_OP: case MFF_ARP_SPA: case MFF_ARP_TPA: case MFF_ARP_SHA:
    case MFF_ARP_THA:
        return "ARP packets " NEVER_DIVERTED;
    case MFF_ND_TARGET: case MFF_ND_SLL: case MFF_ND_TLL:
    case MFF_ND_RESERVED: case MFF_ND_OPTIONS_TYPE:
        return "neighbor discovery packets " NEVER_DIVERTED;
    case MFF_MPLS_LABEL: case MFF_MPLS_TC: case MFF_MPLS_BOS:
    case MFF_MPLS_TTL:
        return "services see IP packets, not MPLS";
    default:
        return (mf_is_tun_metadata(mf) || !strncmp(mf->name, "tun_", 4)
                ? "tunnel fields are no part of the packet that a service "
                  "sees"
                : "rules do not support it");
    }
}

/* Why 'name', which is not a field, may not be used. */
static const char *
keyword_refused(const char *name)
{
    static const struct {
        const char *name, *why;
    } words[] = {
        { "priority", "give it beside the match: rule-add SERVICE MATCH "
                      "priority=N" },
        { "table", "PacketCloud chooses the table" },
        { "cookie", "PacketCloud chooses the cookie" },
        { "actions", "a rule says whose packets, the service what happens" },
        { "action", "a rule says whose packets, the service what happens" },
        { "idle_timeout", "a rule has no timeouts" },
        { "hard_timeout", "a rule has no timeouts" },
        { "importance", "a rule is never evicted" },
        { "out_port", "it selects flows, not packets" },
        { "out_group", "it selects flows, not packets" },
        { "send_flow_rem", "it is a flag of a flow, not a field" },
        { "check_overlap", "it is a flag of a flow, not a field" },
        { "reset_counts", "it is a flag of a flow, not a field" },
        { "no_packet_counts", "it is a flag of a flow, not a field" },
        { "no_byte_counts", "it is a flag of a flow, not a field" },
        { "no_readonly_table", "it is a flag of a flow, not a field" },
        { "allow_hidden_fields", "it is a flag of a flow, not a field" },
        { "duration", "it is a statistic of a flow, not a field" },
        { "n_packets", "it is a statistic of a flow, not a field" },
        { "n_bytes", "it is a statistic of a flow, not a field" },
        { "idle_age", "it is a statistic of a flow, not a field" },
        { "hard_age", "it is a statistic of a flow, not a field" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(name, words[i].name)) {
            return words[i].why;
        }
    }
    return NULL;
}

/* Fields that are views of the same bits count as one. */
static enum mf_field_id
field_slot(enum mf_field_id id)
{
    switch ((int) id) {
    case MFF_IN_PORT_OXM:
        return MFF_IN_PORT;
    case MFF_UDP_SRC: case MFF_SCTP_SRC: case MFF_ICMPV4_TYPE:
    case MFF_ICMPV6_TYPE:
        return MFF_TCP_SRC;
    case MFF_UDP_DST: case MFF_SCTP_DST: case MFF_ICMPV4_CODE:
    case MFF_ICMPV6_CODE:
        return MFF_TCP_DST;
    case MFF_DL_VLAN: case MFF_VLAN_TCI:
        return MFF_VLAN_VID;
    case MFF_DL_VLAN_PCP:
        return MFF_VLAN_PCP;
    case MFF_IP_DSCP_SHIFTED:
        return MFF_IP_DSCP;
    default:
        return id;
    }
}

/* Says what a token is, or why it can't be. */
static char * OVS_WARN_UNUSED_RESULT
classify_token(struct token *t)
{
    if (ofp_parse_protocol(t->name, &t->protocol)) {
        uint16_t type = t->protocol->dl_type;
        const char *why = (*t->value ? "a protocol takes no value"
                           : type == ETH_TYPE_ARP || type == ETH_TYPE_RARP
                           ? "ARP packets " NEVER_DIVERTED
                           : type == ETH_TYPE_MPLS
                             || type == ETH_TYPE_MPLS_MCAST
                           ? "services see IP packets, not MPLS" : NULL);
        return why ? xasprintf("%s: %s", t->name, why) : NULL;
    } else if (!strcmp(t->name, "eth")) {
        return NULL;
    }

    t->mf = mf_from_name(t->name);
    if (!t->mf && strchr(t->name, '[')) {
        struct mf_subfield sf;
        char *error = mf_parse_subfield(&sf, t->name);

        if (error) {
            return error;
        }
        t->mf = sf.field;
        t->subfield = true;
    }
    if (t->mf) {
        const char *why = field_refused(t->mf);

        return (why ? xasprintf("%s: not allowed in a rule: %s", t->name, why)
                : !*t->value ? xasprintf("%s: missing value", t->name) : NULL);
    }

    const char *why = keyword_refused(t->name);
    if (why) {
        return xasprintf("%s: not allowed in a rule: %s", t->name, why);
    }
    char *quoted = pc_name_quote(t->name);
    char *error = xasprintf("%s is not a field or protocol of a match "
                            "(see ovs-fields(7))", quoted);
    free(quoted);
    return error;
}

static char * OVS_WARN_UNUSED_RESULT
tokenize(const char *text, struct tokens *ts)
{
    unsigned long *seen = bitmap_allocate(MFF_N_IDS);
    char *error = NULL;
    char *pos, *name, *value;

    *ts = (struct tokens) { .text = xstrdup(text) };
    pos = ts->text;
    while (!error && ofputil_parse_key_value(&pos, &name, &value)) {
        struct token t = { .name = name, .value = value };

        error = classify_token(&t);
        if (!error && t.mf && !t.subfield) {
            enum mf_field_id slot = field_slot(t.mf->id);

            if (bitmap_is_set(seen, slot)) {
                error = xasprintf("%s: given twice", t.name);
            }
            bitmap_set1(seen, slot);
        }
        if (ts->n >= ts->allocated) {
            ts->tokens = x2nrealloc(ts->tokens, &ts->allocated,
                                    sizeof *ts->tokens);
        }
        ts->tokens[ts->n++] = t;
    }
    bitmap_free(seen);
    return error;
}

/* Open vSwitch's errors don't always say which field they mean.  Finds it. */
static char *
blame(char *error, const struct tokens *ts,
      const struct ofputil_port_map *ports)
{
    for (size_t i = 0; i < ts->n; i++) {
        const struct token *t = &ts->tokens[i];

        if (t->mf && !t->subfield) {
            struct match match = MATCH_CATCHALL_INITIALIZER;
            enum ofputil_protocol usable = OFPUTIL_P_ANY;
            char *e = ofp_parse_field(t->mf, t->value, ports, &match, &usable);

            if (e && !ports && t->mf->id == MFF_IN_PORT) {
                free(e);
                free(error);
                return xasprintf("%s: %s is not the OpenFlow number of a port "
                                 "(ovs-vsctl get Interface NAME ofport tells "
                                 "it)", t->name, t->value);
            } else if (e) {
                char *better = (!strncmp(e, t->name, strlen(t->name)) ? xstrdup(e)
                                : xasprintf("%s: %s", t->name, e));
                free(e);
                free(error);
                return better;
            }
        }
    }
    return error;
}

/* Open vSwitch takes 1.2.3.400 for 1.2.3.144. */
static bool
ipv4_text_ok(const char *text)
{
    char *copy = xstrdup(text);
    char *slash = strchr(copy, '/');
    struct in_addr in4;

    if (slash) {
        *slash++ = '\0';
    }
    bool ok = (inet_pton(AF_INET, copy, &in4) == 1
               && (!slash || !strchr(slash, '.')
                   || inet_pton(AF_INET, slash, &in4) == 1));
    free(copy);
    return ok;
}

/* Open vSwitch cuts a value that is too large for its field (dl_vlan=5000),
 * or leaves it to the switch to complain.  Refuses both. */
static char * OVS_WARN_UNUSED_RESULT
check_ranges(const struct tokens *ts, const struct ofputil_port_map *ports)
{
    for (size_t i = 0; i < ts->n; i++) {
        const struct token *t = &ts->tokens[i];
        union mf_value value, mask;

        if (!t->mf || t->subfield) {
            continue;
        }

        char *error = mf_parse(t->mf, t->value, ports, &value, &mask);
        if (error) {
            free(error);        /* E.g. an `ovs-ofctl` shorthand: it's been
                                 * parsed before, so it is fine. */
        } else if ((t->mf->string == MFS_IPV4 && !ipv4_text_ok(t->value))
                   || (!mf_is_value_valid(t->mf, &value)
                       && !(t->mf->id == MFF_DL_VLAN
                            && value.be16 == htons(OFP10_VLAN_NONE)))) {
            char *quoted = pc_name_quote(t->value);

            error = xasprintf("%s: %s is out of range", t->name, quoted);
            free(quoted);
            return error;
        }
    }
    return NULL;
}

static char * OVS_WARN_UNUSED_RESULT
parse_fields(const char *text, const struct tokens *ts,
             const struct ofputil_port_map *ports, struct match *match)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;

    char *error = parse_ofp_str(&fm, -1, text, ports, NULL, &usable);
    if (error) {
        return blame(error, ts, ports);
    }
    minimatch_expand(&fm.match, match);
    minimatch_destroy(&fm.match);

    return (usable & OFPUTIL_P_OF13_UP ? check_ranges(ts, ports)
            : xstrdup("no OpenFlow version from 1.3 on can express this "
                      "match"));
}

/* What the field named 'name' needs beside it. */
static const char *
prereq_text(const struct token *t)
{
    if (!strncmp(t->name, "tp_", 3)) {
        return "tcp, udp or sctp";
    } else if (!strncmp(t->name, "icmp_", 5)) {
        return "icmp or icmp6";
    }
    switch ((int) t->mf->prereqs) {
    case MFP_VLAN_VID: return "a VLAN";
    case MFP_IPV4: return "ip (or a protocol over it, e.g. tcp)";
    case MFP_IPV6: return "ipv6 (or a protocol over it, e.g. tcp6)";
    case MFP_IP_ANY: return "ip or ipv6";
    case MFP_TCP: return "tcp or tcp6";
    case MFP_UDP: return "udp or udp6";
    case MFP_SCTP: return "sctp or sctp6";
    case MFP_ICMPV4: return "icmp";
    case MFP_ICMPV6: return "icmp6";
    default: return "another field";
    }
}

/* tp_src and icmp_type are the names of one protocol's field, but stand for
 * those of its siblings too. */
static bool
prereqs_ok(const struct token *t, const struct match *match)
{
    const struct flow *flow = &match->flow;

    if (!strncmp(t->name, "tp_", 3)) {
        return is_ip_any(flow) && (flow->nw_proto == IPPROTO_TCP
                                   || flow->nw_proto == IPPROTO_UDP
                                   || flow->nw_proto == IPPROTO_SCTP);
    } else if (!strncmp(t->name, "icmp_", 5)) {
        return is_icmpv4(flow, NULL) || is_icmpv6(flow, NULL);
    }
    return mf_are_match_prereqs_ok(t->mf, match);
}

/* Open vSwitch drops a field whose prerequisite is missing, and lets a later
 * protocol win over an earlier one.  Refuses both. */
static char * OVS_WARN_UNUSED_RESULT
check_prereqs(const struct tokens *ts, const struct match *match)
{
    const struct flow *flow = &match->flow;

    for (size_t i = 0; i < ts->n; i++) {
        const struct token *t = &ts->tokens[i];

        if (t->protocol
            && (flow->dl_type != htons(t->protocol->dl_type)
                || (t->protocol->nw_proto
                    && flow->nw_proto != t->protocol->nw_proto))) {
            return xasprintf("%s: contradicts another part of the match%s",
                             t->name,
                             flow->dl_type == htons(ETH_TYPE_IPV6)
                             && t->protocol->dl_type == ETH_TYPE_IP
                             ? " (for IPv6: tcp6, udp6, icmp6, sctp6)" : "");
        } else if (t->mf && !prereqs_ok(t, match)) {
            return xasprintf("%s: needs %s in the match",
                             t->name, prereq_text(t));
        }
    }
    return NULL;
}

static bool
ip_is_multicast_match(ovs_be32 value, ovs_be32 mask)
{
    return ((mask & htonl(0xf0000000)) == htonl(0xf0000000)
            && ip_is_multicast(value))
           || (mask == OVS_BE32_MAX && value == OVS_BE32_MAX);
}

static bool
eth_is_multicast_match(struct eth_addr value, struct eth_addr mask)
{
    return value.ea[0] & mask.ea[0] & 1;
}

/* Refuses what is never diverted. */
static char * OVS_WARN_UNUSED_RESULT
check_addresses(const struct match *match)
{
    const struct flow *f = &match->flow;
    const struct flow *m = &match->wc.masks;
    const char *field = NULL;

    if (eth_is_multicast_match(f->dl_dst, m->dl_dst)) {
        field = "dl_dst";
    } else if (eth_is_multicast_match(f->dl_src, m->dl_src)) {
        field = "dl_src";
    } else if (f->dl_type == htons(ETH_TYPE_IP)) {
        field = (ip_is_multicast_match(f->nw_dst, m->nw_dst) ? "nw_dst"
                 : ip_is_multicast_match(f->nw_src, m->nw_src) ? "nw_src"
                 : NULL);
    } else if (f->dl_type == htons(ETH_TYPE_IPV6)) {
        field = (m->ipv6_dst.s6_addr[0] == 0xff
                 && f->ipv6_dst.s6_addr[0] == 0xff ? "ipv6_dst"
                 : m->ipv6_src.s6_addr[0] == 0xff
                 && f->ipv6_src.s6_addr[0] == 0xff ? "ipv6_src" : NULL);
    }
    return field ? xasprintf("%s: multicast and broadcast packets "
                             NEVER_DIVERTED, field) : NULL;
}

/* Refuses packet types that are never diverted, whichever way written. */
static char * OVS_WARN_UNUSED_RESULT
check_types(const struct match *match)
{
    const struct flow *f = &match->flow;
    const struct flow *m = &match->wc.masks;
    uint16_t dl_type = ntohs(f->dl_type);

    if (m->packet_type && (f->packet_type != htonl(PT_ETH)
                           || m->packet_type != OVS_BE32_MAX)) {
        return xstrdup("packet_type: not allowed in a rule: services see "
                       "Ethernet frames only");
    } else if (dl_type == ETH_TYPE_ARP || dl_type == ETH_TYPE_RARP) {
        return xstrdup("dl_type: ARP packets " NEVER_DIVERTED);
    } else if (eth_type_mpls(f->dl_type)) {
        return xstrdup("dl_type: services see IP packets, not MPLS");
    } else if (is_icmpv6(f, NULL) && m->tp_src
               && ntohs(f->tp_src) >= 133 && ntohs(f->tp_src) <= 137) {
        return xstrdup("icmp_type: neighbor discovery packets "
                       NEVER_DIVERTED);
    } else if (m->in_port.ofp_port
               && ofp_to_u16(f->in_port.ofp_port) >= ofp_to_u16(OFPP_MAX)
               && f->in_port.ofp_port != OFPP_LOCAL) {
        return xstrdup("in_port: not a port that packets come in on");
    }
    return NULL;
}

static char * OVS_WARN_UNUSED_RESULT
check_match(const struct tokens *ts, const struct match *match)
{
    char *error = check_types(match);
    if (!error) {
        error = check_prereqs(ts, match);
    }
    if (!error) {
        error = check_addresses(match);
    }
    if (error) {
        return error;
    }

    /* Both should have been found by name above. */
    struct match normal = *match;
    ofputil_normalize_match_quiet(&normal);
    if (!match_equal(&normal, match)) {
        return xstrdup("a field lacks the protocol that it belongs to");
    }
    normal.flow.packet_type = normal.wc.masks.packet_type = 0;
    if (flow_wildcards_is_catchall(&normal.wc)) {
        return xstrdup("the match is empty: write ip, ipv6, or an in_port to "
                       "divert that much");
    }
    return NULL;
}

/* Open vSwitch has matches in memory that OpenFlow messages can't carry, e.g.
 * on part of a VLAN priority: the switch would return another flow than it
 * was given. */
static char * OVS_WARN_UNUSED_RESULT
check_wire(const struct pc_rule_match *m)
{
    struct match match, decoded = MATCH_CATCHALL_INITIALIZER;
    struct ofpbuf b;

    pc_rule_match_expand(m, PC_FORWARD, &match);
    ofpbuf_init(&b, 128);
    oxm_put_match(&b, &match, OFP15_VERSION);
    enum ofperr err = oxm_pull_match(&b, false, NULL, NULL, &decoded);
    ofpbuf_uninit(&b);

    decoded.flow.packet_type = decoded.wc.masks.packet_type = 0;
    if (!err && match_equal(&match, &decoded)) {
        return NULL;
    }
    return xasprintf("%sOpenFlow can't match on this part of the field",
                     match.wc.masks.vlans[0].tci
                     != decoded.wc.masks.vlans[0].tci ? "vlan_tci: " : "");
}

char *
pc_rule_match_parse(const char *text, const struct ofputil_port_map *ports,
                    struct pc_rule_match *m)
{
    struct tokens ts;
    struct match match;

    memset(m, 0, sizeof *m);
    char *error = tokenize(text, &ts);
    if (!error) {
        error = parse_fields(text, &ts, ports, &match);
    }
    if (!error) {
        error = check_match(&ts, &match);
    }
    if (!error) {
        pc_rule_match_init__(m, &match);
        error = check_wire(m);
        if (error) {
            pc_rule_match_destroy(m);
            memset(m, 0, sizeof *m);
        }
    }
    free(ts.tokens);
    free(ts.text);
    return error;
}
