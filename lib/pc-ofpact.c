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
#include "pc-ofpact.h"

#include "byte-order.h"
#include "flow.h"
#include "openvswitch/meta-flow.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofpbuf.h"
#include "pc-layout.h"

static void
put_set_field(struct ofpbuf *ofpacts, enum mf_field_id id, const void *value)
{
    ofpact_put_set_field(ofpacts, mf_from_id(id), value, NULL);
}

/* Sets all of the metadata. */
void
pc_ofpact_put_meta(struct ofpbuf *ofpacts, const struct pc_meta *meta)
{
    ovs_be64 value = htonll(pc_meta_pack(meta));

    put_set_field(ofpacts, MFF_METADATA, &value);
}

/* Sets the VI in the metadata. */
void
pc_ofpact_put_meta_vi(struct ofpbuf *ofpacts, uint16_t number)
{
    struct pc_meta meta = { .vi = number };
    ovs_be64 value = htonll(pc_meta_pack(&meta));
    ovs_be64 mask = htonll(PC_META_VI);

    ofpact_put_set_field(ofpacts, mf_from_id(MFF_METADATA), &value, &mask);
}

void
pc_ofpact_put_resubmit(struct ofpbuf *ofpacts, uint8_t table_id)
{
    struct ofpact_resubmit *resubmit = ofpact_put_RESUBMIT(ofpacts);

    resubmit->in_port = OFPP_IN_PORT;
    resubmit->table_id = table_id;
}

/* Marks the packet as served and gives it back to the legacy pipeline. */
void
pc_ofpact_put_served(struct ofpbuf *ofpacts)
{
    pc_ofpact_put_meta(ofpacts, &(struct pc_meta) { .served = true });
    pc_ofpact_put_resubmit(ofpacts, PC_TABLE_HOOK);
}

void
pc_ofpact_put_output(struct ofpbuf *ofpacts, ofp_port_t port)
{
    ofpact_put_OUTPUT(ofpacts)->port = port;
}

void
pc_ofpact_put_sample(struct ofpbuf *ofpacts, ofp_port_t port,
                     uint16_t probability)
{
    if (probability == UINT16_MAX) {
        pc_ofpact_put_output(ofpacts, port);
        return;
    }
    struct ofpact_sample *sample = ofpact_put_SAMPLE(ofpacts);

    sample->probability = probability;
    sample->sampling_port = OFPP_NONE;
    sample->direction = NX_ACTION_SAMPLE_DEFAULT;
    sample->output_port = port;
}

void
pc_ofpact_put_group(struct ofpbuf *ofpacts, uint32_t group_id)
{
    ofpact_put_GROUP(ofpacts)->group_id = group_id;
}

/* OpenFlow 1.3 and 1.4 allow it as the first action only. */
void
pc_ofpact_put_meter(struct ofpbuf *ofpacts, uint32_t meter_id)
{
    struct ofpact_meter *meter = ofpact_put_METER(ofpacts);

    meter->meter_id = meter_id;
    meter->provider_meter_id = UINT32_MAX;
}

/* Looks the packet's connection up in 'zone', and goes on in 'table_id' with
 * what is known of it. */
void
pc_ofpact_put_track(struct ofpbuf *ofpacts, uint16_t zone, uint8_t table_id)
{
    struct ofpact_conntrack *ct = ofpact_put_CT(ofpacts);

    ct->zone_imm = zone;
    ct->recirc_table = table_id;
}

/* Has the connection of the packet remembered in 'zone', with 'mark'. */
void
pc_ofpact_put_commit(struct ofpbuf *ofpacts, uint16_t zone, uint32_t mark)
{
    ovs_be32 value = htonl(mark);
    size_t offset = ofpacts->size;

    ofpbuf_pull(ofpacts, offset);
    struct ofpact_conntrack *ct = ofpact_put_CT(ofpacts);
    ct->flags = NX_CT_F_COMMIT;
    ct->zone_imm = zone;
    ct->recirc_table = NX_CT_RECIRC_NONE;

    /* The nested action begins where the outer one's members end. */
    size_t nested = ofpacts->size;
    ofpbuf_pull(ofpacts, nested);
    put_set_field(ofpacts, MFF_CT_MARK, &value);
    ofpacts->header = ofpbuf_push_uninit(ofpacts, nested);
    ct = ofpacts->header;
    ofpact_finish_CT(ofpacts, &ct);
    ofpbuf_push_uninit(ofpacts, offset);
}

/* Makes the packet look as if it had come in on 'port'; OFPP_NONE keeps
 * NORMAL from learning from it. */
void
pc_ofpact_put_in_port(struct ofpbuf *ofpacts, ofp_port_t port)
{
    ovs_be16 value = htons(ofp_to_u16(port));

    ofpact_put_reg_load(ofpacts, mf_from_id(MFF_IN_PORT), &value, NULL);
}

void
pc_ofpact_put_eth_src(struct ofpbuf *ofpacts, struct eth_addr mac)
{
    put_set_field(ofpacts, MFF_ETH_SRC, &mac);
}

void
pc_ofpact_put_eth_dst(struct ofpbuf *ofpacts, struct eth_addr mac)
{
    put_set_field(ofpacts, MFF_ETH_DST, &mac);
}
