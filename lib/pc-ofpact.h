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

#ifndef PC_OFPACT_H
#define PC_OFPACT_H 1

/* The OpenFlow actions that our flows are made of, on top of OVS's builders.
 *
 * Thread-safety: as the buffer. */

#include <stdint.h>
#include "openvswitch/types.h"

struct ofpbuf;
struct pc_meta;

/* Each appends one action to the buffer, which owns it: the metadata of a packet
 * on its way (pc-layout.h), resubmit(,table_id), the metadata of one that has
 * been served, output, group, meter, what in_port is from here on (OFPP_NONE:
 * Open vSwitch learns no address from the packet), and Ethernet addresses. */
void pc_ofpact_put_meta(struct ofpbuf *, const struct pc_meta *);
void pc_ofpact_put_meta_vi(struct ofpbuf *, uint16_t number);
void pc_ofpact_put_resubmit(struct ofpbuf *, uint8_t table_id);
void pc_ofpact_put_served(struct ofpbuf *);
void pc_ofpact_put_output(struct ofpbuf *, ofp_port_t);
void pc_ofpact_put_group(struct ofpbuf *, uint32_t group_id);

/* Output of a random sample: 'probability' out of 65535 packets, all of them by
 * a plain output.  Needs a switch with the action (pc-switch.h). */
void pc_ofpact_put_sample(struct ofpbuf *, ofp_port_t, uint16_t probability);
void pc_ofpact_put_meter(struct ofpbuf *, uint32_t meter_id);
void pc_ofpact_put_track(struct ofpbuf *, uint16_t zone, uint8_t table_id);
void pc_ofpact_put_commit(struct ofpbuf *, uint16_t zone, uint32_t mark);
void pc_ofpact_put_in_port(struct ofpbuf *, ofp_port_t);
void pc_ofpact_put_eth_src(struct ofpbuf *, struct eth_addr);
void pc_ofpact_put_eth_dst(struct ofpbuf *, struct eth_addr);

#endif /* pc-ofpact.h */
