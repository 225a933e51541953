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

#include "pc-l3-emit.h"

#include <string.h>

#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "packets.h"
#include "pc-flow-table.h"
#include "unaligned.h"
#include "util.h"

static void
emit__(const struct pc_l3_emitter *e, uint8_t table_id, uint16_t priority,
       enum pc_flow_kind kind, const struct match *match,
       struct ofpbuf *acts)
{
    struct pc_flow_spec spec
        = pc_flow_spec(table_id, priority, pc_cookie_pack(kind, &e->row),
                       match, acts);

    pc_flow_table_add_flow(e->f->table, &e->owner, &spec);
    ofpbuf_clear(acts);
}

/* Adds a flow to LEGACY, ROUTE or NEIGHBOR, and clears 'acts' for the next
 * one. */
void
pc_l3_emit(const struct pc_l3_emitter *e, enum pc_table table,
           uint16_t priority, const struct match *match, struct ofpbuf *acts)
{
    enum pc_flow_kind kind = (table == PC_TABLE_LEGACY ? PC_FLOW_LEGACY
                              : table == PC_TABLE_ROUTE ? PC_FLOW_ROUTE
                              : PC_FLOW_NEIGHBOR);

    emit__(e, e->f->config.table_base + table, priority, kind, match, acts);
}

/* Adds a flow to table 0 that sends what matches to LEGACY. */
void
pc_l3_emit_hook(const struct pc_l3_emitter *e, uint16_t priority,
                const struct match *match, struct ofpbuf *acts)
{
    struct match untagged = *match;

    /* Frames with a tag are the operator's. */
    match_set_dl_tci_masked(&untagged, 0, htons(VLAN_CFI));

    /* The operator may have used the register before. */
    pc_l3_put_number(acts, MFF_REG0 + PC_L3_REG_FLAGS, 0);
    pc_l3_put_goto(e, acts, PC_TABLE_LEGACY);
    emit__(e, PC_TABLE_HOOK, priority, PC_FLOW_HOOK_L3, &untagged, acts);
}

void
pc_l3_match_ether_type(struct match *match, uint16_t dl_type)
{
    match_init_catchall(match);
    match_set_dl_type(match, htons(dl_type));
}

/* Makes 'match' one on ICMP (if 'dl_type' is ETH_TYPE_IP) or ICMPv6 messages
 * of 'type' with code 0. */
void
pc_l3_match_icmp(struct match *match, uint16_t dl_type, uint8_t type)
{
    pc_l3_match_ether_type(match, dl_type);
    match_set_nw_proto(match, (dl_type == ETH_TYPE_IP ? IPPROTO_ICMP
                               : IPPROTO_ICMPV6));
    match_set_icmp_type(match, type);
    match_set_icmp_code(match, 0);
}

/* Makes 'match' one on packets to (or if '!dst' from) 'prefix'. */
void
pc_l3_match_prefix(struct match *match, const struct pc_l3_address *prefix,
                   bool dst)
{
    if (IN6_IS_ADDR_V4MAPPED(&prefix->addr)) {
        ovs_be32 ip = in6_addr_get_mapped_ipv4(&prefix->addr);
        ovs_be32 mask = be32_prefix_mask(prefix->plen);

        pc_l3_match_ether_type(match, ETH_TYPE_IP);
        if (dst) {
            match_set_nw_dst_masked(match, ip, mask);
        } else {
            match_set_nw_src_masked(match, ip, mask);
        }
    } else {
        struct in6_addr mask = ipv6_create_mask(prefix->plen);

        pc_l3_match_ether_type(match, ETH_TYPE_IPV6);
        if (dst) {
            match_set_ipv6_dst_masked(match, &prefix->addr, &mask);
        } else {
            match_set_ipv6_src_masked(match, &prefix->addr, &mask);
        }
    }
}

/* Sends a copy of the packet to the agent, for 'reason'. */
void
pc_l3_punt(const struct pc_l3_emitter *e, struct ofpbuf *acts,
           enum pc_l3_reason reason)
{
    const struct pc_l3_config *config = &e->f->config;
    bool resolve = (reason == PC_L3_REASON_LEARN
                    || reason == PC_L3_REASON_SOLICIT
                    || reason == PC_L3_REASON_RESOLVE);
    uint8_t userdata[4] = { 'L', '3', reason, 0 };
    struct ofpact_controller *c = ofpact_put_CONTROLLER(acts);

    c->max_len = UINT16_MAX;
    c->reason = OFPR_ACTION;
    c->controller_id = config->controller_id;
    c->meter_id = (config->meter_id ? config->meter_id + !resolve
                   : NX_CTLR_NO_METER);
    ofpbuf_put(acts, userdata, sizeof userdata);
    c = acts->header;
    c->userdata_len = sizeof userdata;
    ofpact_finish_CONTROLLER(acts, &c);
}

/* Continues in 'table' when the flow's other actions are done. */
void
pc_l3_put_goto(const struct pc_l3_emitter *e, struct ofpbuf *acts,
               enum pc_table table)
{
    ofpact_put_GOTO_TABLE(acts)->table_id = e->f->config.table_base + table;
}

/* Looks the packet up in 'table' now. */
void
pc_l3_put_resubmit(const struct pc_l3_emitter *e, struct ofpbuf *acts,
                   enum pc_table table)
{
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(acts);

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = e->f->config.table_base + table;
}

void
pc_l3_put_output(struct ofpbuf *acts, ofp_port_t port)
{
    ofpact_put_OUTPUT(acts)->port = port;
}

void
pc_l3_put_dec_ttl(struct ofpbuf *acts)
{
    struct ofpact_cnt_ids *ids;
    uint16_t id = 0;

    ofpact_put_DEC_TTL(acts);
    ofpbuf_put(acts, &id, sizeof id);
    ids = acts->header;
    ids->n_controllers = 1;
    ofpact_finish_DEC_TTL(acts, &ids);
}

/* Copies field 'src' to field 'dst', which has the same size. */
void
pc_l3_put_move(struct ofpbuf *acts, enum mf_field_id src,
               enum mf_field_id dst)
{
    struct ofpact_reg_move *move = ofpact_put_REG_MOVE(acts);

    move->src.field = mf_from_id(src);
    move->src.n_bits = move->src.field->n_bits;
    move->dst.field = mf_from_id(dst);
    move->dst.n_bits = move->dst.field->n_bits;
    ovs_assert(move->src.n_bits == move->dst.n_bits);
}

/* Sets 'mf' to 'value'.  Unlike ofpact_put_set_field() with a value it leaves
 * no byte undefined, so that equal actions are equal byte by byte. */
static void
put_field(struct ofpbuf *acts, const struct mf_field *mf, const void *value)
{
    struct ofpact_set_field *sf = ofpact_put_set_field(acts, mf, NULL, NULL);

    memcpy(sf->value, value, mf->n_bytes);
    memset(ofpact_set_field_mask(sf), 0xff, mf->n_bytes);
}

/* Sets 'field', of 1, 2 or 4 bytes, to 'number'. */
void
pc_l3_put_number(struct ofpbuf *acts, enum mf_field_id field, uint32_t number)
{
    const struct mf_field *mf = mf_from_id(field);
    ovs_be32 value = htonl(number << (8 * (4 - mf->n_bytes)));

    ovs_assert(mf->n_bytes <= 4);
    put_field(acts, mf, &value);
}

/* Sets 'field', of 4 bytes if 'addr' is an IPv4-mapped address, otherwise of
 * 16 bytes, to 'addr'. */
void
pc_l3_put_ip(struct ofpbuf *acts, enum mf_field_id field,
             const struct in6_addr *addr)
{
    const struct mf_field *mf = mf_from_id(field);

    if (IN6_IS_ADDR_V4MAPPED(addr)) {
        ovs_be32 ip = in6_addr_get_mapped_ipv4(addr);

        ovs_assert(mf->n_bytes == sizeof ip);
        put_field(acts, mf, &ip);
    } else {
        ovs_assert(mf->n_bytes == sizeof *addr);
        put_field(acts, mf, addr);
    }
}

/* Sets 'field' to 'mac'. */
void
pc_l3_put_mac(struct ofpbuf *acts, enum mf_field_id field,
              const struct eth_addr mac)
{
    put_field(acts, mf_from_id(field), &mac);
}
