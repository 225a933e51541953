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
#include "pc-node-private.h"
#include <errno.h>
#include <stdlib.h>
#include "openvswitch/vlog.h"
#include "pc-netns.h"
#include "pc-ports.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_ports);

/* The ports of one VI on the node's bridge. */

/* Says what the ports of 'vi' are called, and with that how many it has. */
void
pc_node_ports_name(struct pc_node_vi *vi)
{
    bool two = vi->want->two_ports;

    free(vi->ports[0]);
    free(vi->ports[1]);
    vi->ports[0] = xasprintf("pc%ua", vi->want->number);
    vi->ports[1] = two ? xasprintf("pc%ub", vi->want->number) : NULL;
}

/* Asks for the ports of 'vi' on the bridge. */
void
pc_node_ports_want(struct pc_node_vi *vi)
{
    /* What these modes give back is not told from what they were given. */
    bool isolated = (vi->want->mode == PC_MANIFEST_INLINE
                     || vi->want->mode == PC_MANIFEST_TAP);

    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        pc_ports_want(vi->node->ports, vi->ports[i], &vi->record->uuid,
                      vi->record->instance, isolated);
    }
}

/* Takes the ports away. */
void
pc_node_ports_unwant(struct pc_node_vi *vi)
{
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        pc_ports_unwant(vi->node->ports, vi->ports[i]);
    }
}

/* Returns the worst state of the VI's ports, and its error. */
enum pc_port_state
pc_node_ports_state(const struct pc_node_vi *vi, const char **errorp)
{
    enum pc_port_state worst = PC_PORT_READY;

    *errorp = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        const char *error;
        enum pc_port_state s = pc_ports_get(vi->node->ports, vi->ports[i],
                                            &error);
        if (s == PC_PORT_FAILED) {
            *errorp = error;
            return s;
        } else if (s != PC_PORT_READY) {
            worst = s;
        }
    }
    return worst;
}

/* Does the switch have none of them any more? */
bool
pc_node_ports_are_gone(const struct pc_node_vi *vi)
{
    if (!vi->ports[0]) {
        return pc_ports_is_idle(vi->node->ports);
    }
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        if (pc_ports_get(vi->node->ports, vi->ports[i], NULL)
            != PC_PORT_ABSENT) {
            return false;
        }
    }
    return true;
}

/* Are the links of all of them up, as the switch sees it? */
bool
pc_node_ports_links_are_up(const struct pc_node_vi *vi)
{
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        if (!pc_ports_link_is_up(vi->node->ports, vi->ports[i])) {
            return false;
        }
    }
    return true;
}

/* Does the switch see the link of none of them up? */
bool
pc_node_ports_links_are_down(const struct pc_node_vi *vi)
{
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        if (pc_ports_link_is_up(vi->node->ports, vi->ports[i])) {
            return false;
        }
    }
    return true;
}

/* Sets the links of the ports up, if they are not.  liblxc has done so; but a
 * switch that just lets go of a port of the same name, of the VI's container
 * before, writes back flags that it may have read while the link was down. */
void
pc_node_ports_raise(const struct pc_node_vi *vi)
{
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        int error = pc_netns_link_up(vi->ports[i]);

        if (error && error != ENODEV) {
            VLOG_WARN("%s: cannot set %s up (%s)", vi->name, vi->ports[i],
                      ovs_strerror(error));
        }
    }
}

/* Tells the switch by the quickest means there is that 'vi' has ended: it watches
 * the links of its ports.  Otherwise it would wait for the kernel to end the VI's
 * last process and then its network namespace. */
void
pc_node_ports_cut(const struct pc_node_vi *vi)
{
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        int error = pc_netns_link_down(vi->ports[i]);

        if (error && error != ENODEV) {
            VLOG_WARN("%s: cannot set %s down (%s)", vi->name, vi->ports[i],
                      ovs_strerror(error));
        }
    }
}
