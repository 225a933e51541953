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

#include "pc-l3.h"

#include <netinet/icmp6.h>

#include "dp-packet.h"
#include "flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-packet.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "pc-l3-private.h"
#include "pc-layout.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_l3_input);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 10);

/* Packets to and from the agent. */

/* Longest packet that fits in an OpenFlow message with our actions.  Longer
 * ones are unfinished segments of a sender that offloads. */
#define MAX_PACKET_LEN 65000

/* Appends to the list a packet-out of 'packet', of which it takes ownership,
 * as if received on 'in_port'.  The caller adds the actions. */
static struct ofpbuf *
add_out(struct pc_l3_work *work, struct dp_packet *packet,
        ofp_port_t in_port)
{
    struct pc_l3_packet_out *po = xmalloc(sizeof *po);

    po->packet = packet;
    po->in_port = in_port;
    ofpbuf_init(&po->ofpacts, 64);
    ovs_list_push_back(work->outs, &po->list_node);
    return &po->ofpacts;
}

static void
add_output(struct pc_l3_work *work, struct dp_packet *packet,
           ofp_port_t port)
{
    ofpact_put_OUTPUT(add_out(work, packet, OFPP_CONTROLLER))->port = port;
}

/* Sends 'packet' the way that the routes say. */
static void
add_routed(struct pc_l3_work *work, struct dp_packet *packet)
{
    struct ofpbuf *acts = add_out(work, packet, OFPP_CONTROLLER);
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(acts);

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = work->l3->flows.config.table_base + PC_TABLE_ROUTE;
}

/* Frees 'po', which must be on no list. */
void
pc_l3_packet_out_destroy(struct pc_l3_packet_out *po)
{
    if (po) {
        dp_packet_delete(po->packet);
        ofpbuf_uninit(&po->ofpacts);
        free(po);
    }
}

/* ICMP errors. */

static bool
is_v4(const struct flow *flow)
{
    return flow->dl_type == htons(ETH_TYPE_IP);
}

static struct in6_addr
flow_src(const struct flow *flow)
{
    struct in6_addr src = flow->ipv6_src;

    if (is_v4(flow)) {
        in6_addr_set_mapped_ipv4(&src, flow->nw_src);
    }
    return src;
}

static const struct in6_addr *
own_of_family(const struct pc_l3_iface *iface, bool v4)
{
    for (size_t i = 0; i < iface->cfg.n_addresses; i++) {
        const struct in6_addr *addr = &iface->cfg.addresses[i].addr;

        if (!IN6_IS_ADDR_V4MAPPED(addr) == !v4) {
            return addr;
        }
    }
    return NULL;
}

/* Chooses who reports an error about a packet: the address in the sender's
 * own subnet if we have one there, otherwise that of the interface on which
 * the packet came (RFC 1812 section 4.3.2.4), otherwise any. */
static const struct in6_addr *
choose_reporter(const struct pc_l3 *l3, const struct flow *flow,
                const struct in6_addr *sender,
                const struct pc_l3_iface **ifacep)
{
    const struct in6_addr *best = NULL;
    const struct pc_l3_iface *iface;
    int best_score = 0;

    HMAP_FOR_EACH (iface, node, &l3->ifaces) {
        bool same_mac = eth_addr_equals(iface->cfg.mac, flow->dl_dst);
        bool same_port = iface->cfg.port == flow->in_port.ofp_port;
        const struct in6_addr *addr = NULL;
        int score;

        if (IN6_IS_ADDR_LINKLOCAL(sender)) {
            addr = same_mac ? &iface->lla : NULL;
            score = 1 + same_port;
        } else if ((addr = pc_l3_iface_on_link(iface, sender)) != NULL) {
            score = 8;
        } else {
            addr = own_of_family(iface, is_v4(flow));
            score = 1 + 2 * same_port + 1 * same_mac;
        }
        if (addr && score > best_score) {
            best = addr;
            best_score = score;
            *ifacep = iface;
        }
    }
    return best;
}

/* May an error be sent now, as to the rate? */
static bool
take_error_token(struct pc_l3_work *work)
{
    struct pc_l3 *l3 = work->l3;

    if (l3->error_filled != LLONG_MIN && work->now > l3->error_filled) {
        /* More than this would be full anyway. */
        long long int ms = MIN(work->now - l3->error_filled, 60000);

        l3->error_tokens = MIN(l3->error_tokens + ms * PC_L3_ERROR_RATE,
                               PC_L3_ERROR_BURST * 1000);
    }
    l3->error_filled = work->now;
    if (l3->error_tokens < 1000) {
        l3->counters.n_icmp_limited++;
        return false;
    }
    l3->error_tokens -= 1000;
    return true;
}

static bool
is_own_address(const struct pc_l3 *l3, const struct in6_addr *addr)
{
    const struct pc_l3_iface *iface;

    HMAP_FOR_EACH (iface, node, &l3->ifaces) {
        if (pc_l3_iface_own(iface, addr)) {
            return true;
        }
    }
    return false;
}

/* Sends 'answer', of which it takes ownership, to the sender of the packet
 * with flow 'flow'. */
static void
add_answer(struct pc_l3_work *work, const struct flow *flow,
           struct dp_packet *answer)
{
    work->l3->counters.n_icmp_sent++;
    if (!is_v4(flow) && IN6_IS_ADDR_LINKLOCAL(&flow->ipv6_src)) {
        /* It has no route. */
        add_output(work, answer, flow->in_port.ofp_port);
    } else {
        add_routed(work, answer);
    }
}

/* Tells the sender of 'packet' of 'error', if it may be told. */
static void
send_error(struct pc_l3_work *work, const struct dp_packet *packet,
           const struct flow *flow, enum pc_l3_error error, uint16_t mtu)
{
    const struct pc_l3_iface *iface = NULL;
    struct in6_addr sender = flow_src(flow);
    const struct in6_addr *src;
    struct dp_packet *answer;

    if (!pc_l3_may_send_error(packet, flow)
        || is_own_address(work->l3, &sender)) {
        return;
    }
    src = choose_reporter(work->l3, flow, &sender, &iface);
    if (!src || !take_error_token(work)) {
        return;
    }
    answer = pc_l3_build_error(packet, flow, error, mtu, iface->cfg.mac, src);
    if (answer) {
        add_answer(work, flow, answer);
    }
}

/* Answers a packet for an own address where nothing listens. */
static void
handle_local(struct pc_l3_work *work, const struct dp_packet *packet,
             const struct flow *flow)
{
    if (flow->nw_proto == IPPROTO_TCP) {
        struct in6_addr sender = flow_src(flow);
        const struct pc_l3_iface *iface = NULL;
        struct dp_packet *reset;

        if (choose_reporter(work->l3, flow, &sender, &iface)
            && take_error_token(work)) {
            reset = pc_l3_build_tcp_reset(packet, flow, iface->cfg.mac);
            if (reset) {
                add_answer(work, flow, reset);
            }
        }
    } else if (flow->nw_proto == IPPROTO_UDP) {
        send_error(work, packet, flow, PC_L3_ERR_PORT_UNREACHABLE, 0);
    } else if (flow->nw_proto != IPPROTO_ICMP
               && flow->nw_proto != IPPROTO_ICMPV6) {
        send_error(work, packet, flow, PC_L3_ERR_PROTO_UNREACHABLE, 0);
    }
}

/* Neighbors: what struct pc_neighbor_ops asks for. */

static void
op_solicit(const struct pc_neighbor *n, bool unicast, void *work_)
{
    struct pc_l3_work *work = work_;
    const struct pc_l3_iface *iface = pc_l3_iface_by_number(work->l3,
                                                            n->interface);
    const struct in6_addr *src;

    if (!iface) {
        return;
    }
    src = (IN6_IS_ADDR_V4MAPPED(&n->addr)
           ? pc_l3_iface_on_link(iface, &n->addr) : &iface->lla);
    if (!src) {
        src = own_of_family(iface, true);
    }
    if (src) {
        work->l3->counters.n_solicits++;
        add_output(work, pc_l3_build_solicit(iface->cfg.mac, src, &n->addr,
                                             unicast ? &n->mac : NULL),
                   unicast ? n->port : iface->cfg.port);
    }
}

static void
op_changed(const struct pc_neighbor *n, void *work_)
{
    struct pc_l3_work *work = work_;
    const struct pc_l3_iface *iface = pc_l3_iface_by_number(work->l3,
                                                            n->interface);

    if (iface) {
        pc_l3_compile_neighbor(&work->l3->flows, &iface->cfg, n);
    }
}

static void
op_gone(const struct pc_neighbor *n, void *work_)
{
    struct pc_l3_work *work = work_;

    pc_l3_uncompile_neighbor(&work->l3->flows, n);
}

static void
op_send(const struct pc_neighbor *n, struct dp_packet *packet, void *work_)
{
    struct pc_l3_work *work = work_;
    const struct pc_l3_iface *iface = pc_l3_iface_by_number(work->l3,
                                                            n->interface);
    struct eth_header *eth = dp_packet_eth(packet);

    if (!iface) {
        dp_packet_delete(packet);
        return;
    }
    eth->eth_src = iface->cfg.mac;
    eth->eth_dst = n->mac;
    pc_l3_finish_checksum(packet);
    add_output(work, packet, n->port);
}

static void
op_unreachable(const struct pc_neighbor *n OVS_UNUSED,
               struct dp_packet *packet, void *work_)
{
    struct pc_l3_work *work = work_;
    struct flow flow;

    work->l3->counters.n_failed++;
    flow_extract(packet, &flow);
    send_error(work, packet, &flow, PC_L3_ERR_HOST_UNREACHABLE, 0);
    dp_packet_delete(packet);
}

const struct pc_neighbor_ops pc_l3_neighbor_ops = {
    .solicit = op_solicit,
    .changed = op_changed,
    .gone = op_gone,
    .send = op_send,
    .unreachable = op_unreachable
};

/* Returns the interface that may learn from a packet to our address 'own'
 * that came in on 'in_port', or NULL. */
static const struct pc_l3_iface *
learning_iface(const struct pc_l3 *l3, const struct in6_addr *own,
               ofp_port_t in_port)
{
    const struct pc_l3_iface *iface;

    HMAP_FOR_EACH (iface, node, &l3->ifaces) {
        if ((iface->cfg.port == in_port || iface->cfg.port == OFPP_FLOOD)
            && pc_l3_iface_own(iface, own)) {
            return iface;
        }
    }
    return NULL;
}

/* Learns from 'news' on 'iface', if it is plausible. */
static void
learn(struct pc_l3_work *work, const struct pc_l3_iface *iface,
      struct pc_neighbor_news *news)
{
    if (eth_addr_is_multicast(news->mac) || eth_addr_is_zero(news->mac)
        || !pc_l3_iface_on_link(iface, &news->addr)
        || is_own_address(work->l3, &news->addr)) {
        return;
    }
    news->interface = iface->number;
    pc_neighbors_learn(work->l3->neighbors, news, work->now, work);
}

static void
handle_arp(struct pc_l3_work *work, const struct flow *flow)
{
    const struct pc_l3_iface *iface;
    struct in6_addr own;
    struct pc_neighbor_news news = {
        .mac = flow->arp_sha,
        .port = flow->in_port.ofp_port,
        .solicited = flow->nw_proto == ARP_OP_REPLY,
        .override = true,
        .create = flow->nw_proto == ARP_OP_REQUEST
    };

    in6_addr_set_mapped_ipv4(&own, flow->nw_dst);
    in6_addr_set_mapped_ipv4(&news.addr, flow->nw_src);
    iface = learning_iface(work->l3, &own, news.port);
    if (iface && flow->nw_src) {
        learn(work, iface, &news);
    }
}

/* 'answered': the switch has answered it. */
static void
handle_nd_solicit(struct pc_l3_work *work, const struct flow *flow,
                  bool answered)
{
    const struct pc_l3_iface *iface
        = learning_iface(work->l3, &flow->nd_target, flow->in_port.ofp_port);
    uint8_t option = ntohs(flow->tcp_flags);    /* See meta-flow.c. */
    struct pc_neighbor_news news = {
        .addr = flow->ipv6_src,
        .mac = flow->arp_sha,
        .port = flow->in_port.ofp_port,
        .override = true,
        .create = true
    };

    if (!iface) {
        /* It may be for an interface with static neighbors only. */
        HMAP_FOR_EACH (iface, node, &work->l3->ifaces) {
            if (pc_l3_iface_own(iface, &flow->nd_target)
                && iface->cfg.port == OFPP_NONE) {
                break;
            }
        }
        if (!iface) {
            return;
        }
    }
    if (!answered) {
        add_output(work, pc_l3_build_na(iface->cfg.mac, &flow->nd_target,
                                        flow), news.port);
    }
    if (option == ND_OPT_SOURCE_LINKADDR && iface->cfg.port != OFPP_NONE
        && ipv6_addr_is_set(&news.addr)) {
        learn(work, iface, &news);
    }
}

static void
handle_nd_advert(struct pc_l3_work *work, const struct flow *flow)
{
    uint32_t flags = ntohl(flow->igmp_group_ip4);   /* See meta-flow.c. */
    const struct pc_l3_iface *iface
        = learning_iface(work->l3, &flow->ipv6_dst, flow->in_port.ofp_port);
    struct pc_neighbor_news news = {
        .addr = flow->nd_target,
        /* The option may be left out in answer to a unicast. */
        .mac = (eth_addr_is_zero(flow->arp_tha)
                ? flow->dl_src : flow->arp_tha),
        .port = flow->in_port.ofp_port,
        .solicited = flags & ND_RSO_SOLICITED,
        .override = flags & ND_RSO_OVERRIDE
    };

    if (iface) {
        learn(work, iface, &news);
    }
}

/* RFC 826; RFC 4861 section 7.1. */
static void
handle_learn(struct pc_l3_work *work, const struct flow *flow, bool answered)
{
    if (flow->dl_type == htons(ETH_TYPE_ARP)) {
        handle_arp(work, flow);
    } else if (flow->dl_type == htons(ETH_TYPE_IPV6)
               && flow->nw_proto == IPPROTO_ICMPV6 && flow->nw_ttl == 255
               && ipv6_addr_is_set(&flow->nd_target)
               && !ipv6_addr_is_multicast(&flow->nd_target)) {
        if (ntohs(flow->tp_src) == ND_NEIGHBOR_SOLICIT) {
            handle_nd_solicit(work, flow, answered);
        } else if (ntohs(flow->tp_src) == ND_NEIGHBOR_ADVERT) {
            handle_nd_advert(work, flow);
        }
    }
}

/* Sends 'packet', of which it takes ownership, to the next hop that 'regs'
 * name. */
static void
handle_resolve(struct pc_l3_work *work, struct dp_packet *packet,
               const struct flow *flow, const struct flow *regs)
{
    struct pc_l3 *l3 = work->l3;
    uint32_t number = regs->regs[PC_L3_REG_INTERFACE];
    const struct pc_l3_iface *iface = pc_l3_iface_by_number(l3, number);
    struct in6_addr nexthop;

    if (is_v4(flow)) {
        in6_addr_set_mapped_ipv4(&nexthop,
                                 htonl(regs->regs[PC_L3_REG_NEXTHOP4]));
    } else {
        ovs_be128 be128 = hton128(flow_get_xxreg(regs,
                                                 PC_L3_XXREG_NEXTHOP6));
        memcpy(&nexthop, &be128, sizeof nexthop);
    }
    if (!iface) {
        dp_packet_delete(packet);
    } else if (iface->cfg.port == OFPP_NONE
               && !pc_neighbors_find(l3->neighbors, number, &nexthop)) {
        /* Nobody to ask. */
        l3->counters.n_failed++;
        send_error(work, packet, flow, PC_L3_ERR_HOST_UNREACHABLE, 0);
        dp_packet_delete(packet);
    } else {
        switch (pc_neighbors_enqueue(l3->neighbors, number, &nexthop, packet,
                                     work->now, work)) {
        case PC_NEIGHBOR_QUEUED:
            l3->counters.n_queued++;
            break;
        case PC_NEIGHBOR_DROPPED:
            l3->counters.n_queue_drops++;
            break;
        case PC_NEIGHBOR_SENT:
            break;
        }
    }
}

static void
handle_too_big(struct pc_l3_work *work, const struct dp_packet *packet,
               const struct flow *flow, const struct flow *regs)
{
    const struct pc_l3_iface *iface
        = pc_l3_iface_by_number(work->l3, regs->regs[PC_L3_REG_INTERFACE]);

    if (iface && iface->cfg.mtu) {
        send_error(work, packet, flow, PC_L3_ERR_TOO_BIG, iface->cfg.mtu);
    }
}

/* Processes a packet that the switch sent to the agent at 'now', and appends
 * to 'outs' (of struct pc_l3_packet_out, each to be destroyed by the caller)
 * what is to be sent.  Any packet-in is fine as an argument; others' are
 * ignored. */
void
pc_l3_packet_in(struct pc_l3 *l3, long long int now,
                const struct ofputil_packet_in *pin, struct ovs_list *outs)
{
    struct pc_l3_work work = { l3, now, outs };
    const struct flow *metadata = &pin->flow_metadata.flow;
    enum pc_l3_reason reason;
    struct dp_packet *packet;
    struct flow flow;

    if (!pc_l3_parse_userdata(pin->userdata, pin->userdata_len, &reason)) {
        return;
    }
    l3->counters.n_packet_ins++;
    if (pin->packet_len < ETH_HEADER_LEN
        || pin->packet_len > MAX_PACKET_LEN) {
        VLOG_DBG_RL(&rl, "packet of %"PRIuSIZE" bytes ignored",
                    pin->packet_len);
        l3->counters.n_malformed++;
        return;
    }

    packet = dp_packet_clone_data_with_headroom(pin->packet, pin->packet_len,
                                                2);
    flow_extract(packet, &flow);
    flow.in_port = metadata->in_port;
    if (reason == PC_L3_REASON_LEARN || reason == PC_L3_REASON_SOLICIT) {
        handle_learn(&work, &flow, reason == PC_L3_REASON_LEARN);
    } else if (flow.dl_type != htons(ETH_TYPE_IP)
               && flow.dl_type != htons(ETH_TYPE_IPV6)) {
        l3->counters.n_malformed++;
    } else if (!dp_packet_l4(packet)) {
        /* The IP header is broken: nothing to answer, RFC 1812 4.3.2.7. */
        l3->counters.n_malformed++;
    } else if (reason == PC_L3_REASON_RESOLVE) {
        handle_resolve(&work, packet, &flow, metadata);
        return;
    } else if (reason == PC_L3_REASON_EXPIRED) {
        send_error(&work, packet, &flow, PC_L3_ERR_TTL_EXCEEDED, 0);
    } else if (reason == PC_L3_REASON_LOCAL) {
        handle_local(&work, packet, &flow);
    } else if (reason == PC_L3_REASON_NO_ROUTE) {
        send_error(&work, packet, &flow, PC_L3_ERR_NET_UNREACHABLE, 0);
    } else {
        handle_too_big(&work, packet, &flow, metadata);
    }
    dp_packet_delete(packet);
}
