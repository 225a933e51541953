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
#include "pc-switch.h"

#include <errno.h>

#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "pc-switch-private.h"
#include "util.h"

/* The counters of ports: how much a sample of their packets would be. */

/* Asks for the counters of all ports, and gives them to 'class' as they
 * arrive; at last calls class->done(), never before this function has
 * returned.  Only one such reading may be under way, and only while
 * pc_switch_is_ready(). */
void
pc_switch_read_port_stats(struct pc_switch *sw,
                          const struct pc_switch_stats_class *class, void *aux)
{
    ovs_assert(!sw->stats_class);
    sw->stats_class = class;
    sw->stats_aux = aux;
    sw->stats_xid = pc_switch_send(
        sw, ofputil_encode_dump_ports_request(sw->version, OFPP_ANY));
}

static void
pc_switch_stats_finish(struct pc_switch *sw, int error)
{
    const struct pc_switch_stats_class *class = sw->stats_class;

    sw->stats_class = NULL;
    class->done(error, sw->stats_aux);
}

/* Ends the reading: the connection is gone. */
void
pc_switch_stats_reset(struct pc_switch *sw)
{
    if (sw->stats_class) {
        pc_switch_stats_finish(sw, ENOTCONN);
    }
}

/* Takes note of an error in answer to message 'xid'.  Returns false if that
 * was no request for counters. */
bool
pc_switch_stats_error(struct pc_switch *sw, ovs_be32 xid)
{
    if (!sw->stats_class || xid != sw->stats_xid) {
        return false;
    }
    pc_switch_stats_finish(sw, EPROTO);
    return true;
}

/* Handles 'msg', a part of the ports' counters.  Returns false if nobody has
 * asked for it. */
bool
pc_switch_stats_reply(struct pc_switch *sw, struct ofpbuf *msg)
{
    const struct ofp_header *oh = msg->data;
    struct ofputil_port_stats ps;
    int retval;

    if (!sw->stats_class || oh->xid != sw->stats_xid) {
        return false;
    }
    bool more = ofpmp_more(oh);
    while (!(retval = ofputil_decode_port_stats(&ps, msg))) {
        sw->stats_class->port(&ps, sw->stats_aux);
        netdev_free_custom_stats_counters(&ps.custom_stats);
    }
    if (!more || retval != EOF) {
        pc_switch_stats_finish(sw, retval == EOF ? 0 : EPROTO);
    }
    return true;
}
