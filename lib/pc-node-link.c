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

#include <poll.h>
#include <stdlib.h>

#include "lib/pc-idl.h"
#include "openvswitch/vlog.h"
#include "pc-netns.h"
#include "pc-ports.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_node_link);

/* MTU and offloads of VIs' interfaces, at both ends of their veths.
 *
 * MTU: what the service says (mtu=), else the image's manifest, else that of the
 * path: for a `host` VI the MTU of the router's interface with its gateway; for
 * the others the largest of the router's interfaces and of the bridge's other
 * ports, for they must take whatever comes along.  It changes live.
 *
 * Offload: a switch without userspace-tso-enable takes finished frames only, so
 * the VI must send such.  With it, a VI sends and is sent segments of up to 64 kB
 * whose checksums nobody has computed; but an image can ask for finished frames
 * ("offload": false in its manifest), as programs need that read packet sockets,
 * and a `tap` VI is always sent finished ones: then the host's end of the veth
 * finishes them. */

#define DEFAULT_MTU 1500

/* The interfaces inside, in the order of the ports. */
static const char *const guest_names[] = { "eth0", "eth1" };

/* What the router's interfaces of the cloudlet of 'node' take. */
void
pc_node_link_read(struct pc_node *n, const struct pcrec_node *node)
{
    const struct pcrec_cloudlet *cloudlet;

    n->router_mtu = 0;
    PCREC_CLOUDLET_FOR_EACH (cloudlet, n->idl) {
        bool ours = false;

        for (size_t i = 0; i < cloudlet->n_nodes; i++) {
            ours = ours || cloudlet->nodes[i] == node;
        }
        for (size_t i = 0; ours && i < cloudlet->n_routers; i++) {
            const struct pcrec_router *r = cloudlet->routers[i];

            for (size_t j = 0; j < r->n_interfaces; j++) {
                const struct pcrec_interface *iface = r->interfaces[j];
                uint32_t mtu = iface->n_mtu ? iface->mtu[0] : DEFAULT_MTU;

                n->router_mtu = MAX(n->router_mtu, mtu);
            }
        }
    }
}

/* MTU of the router's interface that is a gateway of 'vi', 0 if there is none. */
uint32_t
pc_node_link_subnet_mtu(const struct pc_node *n, const struct pcrec_vi *vi)
{
    const struct pcrec_interface *iface;

    PCREC_INTERFACE_FOR_EACH (iface, n->idl) {
        for (size_t i = 0; i < iface->n_addresses; i++) {
            size_t len = strcspn(iface->addresses[i], "/");

            for (size_t j = 0; j < vi->n_gateways; j++) {
                if (strlen(vi->gateways[j]) == len
                    && !strncmp(vi->gateways[j], iface->addresses[i], len)) {
                    return iface->n_mtu ? iface->mtu[0] : DEFAULT_MTU;
                }
            }
        }
    }
    return 0;
}

/* Stores how the interfaces of 'vi', which has a record, shall be set. */
void
pc_node_link_wanted(const struct pc_node_vi *vi, struct pc_node_link *link)
{
    const struct pc_node *n = vi->node;
    const struct pc_node_want *want = vi->want;
    uint32_t path = MAX(pc_ports_path_mtu(n->ports), n->router_mtu);

    if (want->mode == PC_MANIFEST_HOST && want->subnet_mtu) {
        path = want->subnet_mtu;
    }
    link->mtu = (want->mtu ? want->mtu : vi->record->mtu ? vi->record->mtu
                 : path ? path : DEFAULT_MTU);
    link->mtu = MIN(link->mtu, UINT16_MAX);
    link->send_offload = (pc_ports_has_tso(n->ports)
                          && !vi->record->no_offload);
    link->receive_offload = (link->send_offload
                             && want->mode != PC_MANIFEST_TAP);
}

/* What the thread in the VI's network namespace sets. */
struct inner {
    const struct pc_node_link *link;
    size_t n;
};

static int
set_inner(void *inner_)
{
    const struct inner *inner = inner_;
    int error = 0;

    for (size_t i = 0; i < inner->n && !error; i++) {
        error = pc_netns_set_mtu(guest_names[i], inner->link->mtu);
        if (!error) {
            error = pc_netns_set_offload(guest_names[i],
                                         inner->link->send_offload);
        }
    }
    return error;
}

/* Sets both ends of the veths 'ports' of the VI whose init is 'pid'.  Blocks;
 * for a worker.  Returns an error for the caller to free. */
char *
pc_node_link_set(pid_t pid, const char *const ports[2],
                 const struct pc_node_link *link)
{
    struct inner inner = { .link = link, .n = ports[1] ? 2 : 1 };
    int error = 0;

    for (size_t i = 0; i < inner.n && !error; i++) {
        error = pc_netns_set_mtu(ports[i], link->mtu);
        if (!error) {
            error = pc_netns_set_offload(ports[i], link->receive_offload);
        }
    }
    if (!error) {
        error = pc_netns_call(pid, set_inner, &inner);
    }
    return (error ? xasprintf("cannot set MTU %"PRIu32" and offloads (%s)",
                              link->mtu, ovs_strerror(error)) : NULL);
}

static bool
link_equal(const struct pc_node_link *a, const struct pc_node_link *b)
{
    return (a->mtu == b->mtu && a->send_offload == b->send_offload
            && a->receive_offload == b->receive_offload);
}

/* Sees to it that the interfaces of a VI that runs are as wanted. */
void
pc_node_link_run(struct pc_node_vi *vi)
{
    struct pc_node_link want;

    if (vi->busy || !pc_ports_is_connected(vi->node->ports)) {
        return;
    }
    pc_node_link_wanted(vi, &want);
    if (!vi->link_known || !link_equal(&vi->link, &want)) {
        pc_node_job_link(vi, &want);
    }
}

/* 'link' is set, or 'error', which is taken, has prevented it: not tried again
 * before something changes. */
void
pc_node_link_done(struct pc_node_vi *vi, const struct pc_node_link *link,
                  char *error)
{
    struct pollfd pfd = { .fd = vi->pidfd, .events = POLLIN };

    if (error && vi->pidfd >= 0 && poll(&pfd, 1, 0) > 0) {
        free(error);            /* It has ended meanwhile. */
        return;
    }
    if (error) {
        VLOG_WARN("%s: %s", vi->name, error);
    }
    free(vi->link_error);
    vi->link_error = error;
    vi->link = *link;
    vi->link_known = true;
}

void
pc_node_link_write(const struct pc_node_vi *vi, const struct pcrec_vi *row)
{
    bool known = vi->pid && vi->link_known && !vi->link_error;
    const struct pc_node_link *l = &vi->link;
    char *mtu = known ? xasprintf("%"PRIu32, l->mtu) : NULL;

    if (known || !vi->pid) {
        pc_node_status_set(row, "mtu", mtu);
        pc_node_status_set(row, "offload",
                           !known ? NULL
                           : l->receive_offload ? "on"
                           : l->send_offload ? "on, but it is sent finished "
                                               "frames: a tap"
                           : pc_ports_has_tso(vi->node->ports)
                             ? "off: the image asks for finished frames"
                           : "off: the switch has no userspace-tso-enable");
    }
    free(mtu);
}
