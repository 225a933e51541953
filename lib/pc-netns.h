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

#ifndef PC_NETNS_H
#define PC_NETNS_H 1

/* What is set in the network namespace of a VI from outside
 * =========================================================
 *
 * Sysctls (read-only inside an unprivileged container), offloads, IPv6 addresses
 * without duplicate address detection.  Used by pcloud-vi-hook, which is in the
 * VI's network namespace (and the host's mount namespace) only for that, and by
 * pc-container.c for host ends of veths.
 *
 * Everything acts on the calling thread's network namespace.  Only libc is
 * needed.  Errors are positive errno values. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Moves the calling thread into the network namespace of process 'pid'. */
int pc_netns_enter(pid_t pid);

/* Sets "net.ipv4.ip_forward=1".  Only names below "net.", by which only values
 * of the thread's own network namespace are reached.  EINVAL: malformed. */
int pc_netns_set_sysctl(const char *assignment);

/* Turns transmit checksum and segmentation offload of 'ifname' off or on.  Off,
 * frames leave it finished, and of no more than the MTU.  Without
 * userspace-tso-enable Open vSwitch forwards frames with an unfinished checksum as
 * they are, and the receiver drops them. */
int pc_netns_offload_off(const char *ifname);
int pc_netns_set_offload(const char *ifname, bool on);

/* Sets the MTU of 'ifname' to 'mtu' bytes. */
int pc_netns_set_mtu(const char *ifname, uint32_t mtu);

/* What has passed 'ifname', by the kernel's counters. */
struct pc_netns_counters {
    uint64_t rx_packets, rx_bytes, rx_dropped;
    uint64_t tx_packets, tx_bytes, tx_dropped;
};
int pc_netns_get_counters(const char *ifname, struct pc_netns_counters *);

/* Calls fn(aux) in the network namespace of process 'pid', in a thread that
 * lasts only for that, and returns its value or an error of getting there. */
int pc_netns_call(pid_t pid, int (*fn)(void *aux), void *aux);

/* Adds "ADDRESS/LENGTH" (IPv6), usable at once: the switch has assigned it, and
 * while the port is being attached nobody could answer a probe. */
int pc_netns_add_address6(const char *ifname, const char *address);

/* Adds a default route by 'gateway' (IPv6), on-link. */
int pc_netns_add_gateway6(const char *ifname, const char *gateway);

/* Has packets that come in on 'from' and are for others leave by 'to', to
 * 'gateway', which is of either IP version and on-link. */
int pc_netns_cross(const char *from, const char *to, const char *gateway);

/* Brings up 'ifname', on which the host shall say nothing: no ARP, no IPv6. */
int pc_netns_link_up_quiet(const char *ifname);

/* Sets link 'ifname' up.  Returns 0 or a positive errno. */
int pc_netns_link_up(const char *ifname);

/* Sets link 'ifname' down: who watches it learns at once.  Returns 0 or a
 * positive errno. */
int pc_netns_link_down(const char *ifname);

/* Removes the link 'ifname' if it is a veth.  ENODEV: there is none. */
int pc_netns_delete_veth(const char *ifname);

#endif /* pc-netns.h */
