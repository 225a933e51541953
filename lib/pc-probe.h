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

#ifndef PC_PROBE_H
#define PC_PROBE_H 1

/* One look at whether a service works, from beside it.
 *
 * pc_probe_once() blocks up to the probe's timeout, so it belongs in a worker.
 * tcp, http and icmp look from inside the VI: the thread enters the VI's
 * network namespace only to make the socket, which stays in the namespace in
 * which it was made.  What each can see:
 *
 *   tcp      that something listens: the kernel accepts the connection, also
 *            for a service that is stuck.
 *   http     that the service answers.
 *   icmp     that a host can be reached from the VI: the gateway, or what is
 *            at the other end of the tunnel that the service is there for.
 *   through  that an inline VI forwards.  A frame is sent to one of its ports
 *            by the host's end of the veth, beside the switch, and must arrive
 *            at the host's end of the other, and the same the other way.  The
 *            switch also gets what comes out; it knows such frames by their
 *            destination, PC_PROBE_MAC (pc-layout.h), and drops them.
 *
 * When to probe and what to make of the results (rise and fall counts,
 * hold-down: pc-backoff.h) is the caller's.
 *
 * Thread safety: values. */

#include <sys/types.h>
#include "pc-probe-spec.h"

/* The VI to be probed. */
struct pc_probe_target {
    pid_t pid;                  /* A process in it. */
    uint16_t number;            /* Of the VI. */
    const char *gateway;        /* icmp without a host; may be NULL. */
    const char *ports[2];       /* through: the host's ends of its veths. */
};

/* Tries any probe but PC_PROBE_KIND_EXEC (see pc_container_exec()), blocking at
 * most 'timeout_ms'.  Returns NULL if the service answers, else why not, for
 * the caller to free.  PC_PROBE_KIND_NONE always answers. */
char *pc_probe_once(const struct pc_probe *, const struct pc_probe_target *)
    OVS_WARN_UNUSED_RESULT;

#endif /* pc-probe.h */
