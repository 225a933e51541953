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

#ifndef PC_PROBE_SPEC_H
#define PC_PROBE_SPEC_H 1

/* How to find out whether a VI's service works, as it is written in
 * Service.health and in "health" of an image's manifest.
 *
 *     type=none|tcp|http|icmp|exec|through
 *     port=N                    tcp, http (80), through (UDP to that port)
 *     host=ADDRESS              tcp, http (127.0.0.1), icmp (the gateway)
 *     path=/...                 http ("/")
 *     status=N                  http: the status wanted (any below 500)
 *     command=PATH ARG...       exec; exit status 0 is an answer
 *     interval=MS               between probes (500)
 *     timeout=MS                of one probe (0.9 * interval / fall)
 *     rise=N, fall=N            results in a row that count (1 and 2)
 *     hold=MS                   first hold-down of a VI that flaps (1000)
 *
 * After a bad result the next probe comes interval / fall later, so that with
 * the default timeout a service that stops answering is out of use within two
 * intervals, whenever it stops.
 *
 * Thread safety: values. */

#include <stdint.h>
#include "openvswitch/compiler.h"

struct smap;

enum pc_probe_kind {
    PC_PROBE_KIND_NONE,         /* Running is enough. */
    PC_PROBE_KIND_TCP,          /* A connection is accepted (by the kernel). */
    PC_PROBE_KIND_HTTP,         /* GET gives the wanted status. */
    PC_PROBE_KIND_ICMP,         /* A host answers the VI's echo request. */
    PC_PROBE_KIND_EXEC,         /* A command in the VI exits with 0. */
    PC_PROBE_KIND_THROUGH,      /* Frames cross an inline VI, both ways. */
#define PC_PROBE_N_KINDS (PC_PROBE_KIND_THROUGH + 1)
};

struct pc_probe {
    enum pc_probe_kind kind;
    char *host;                 /* IPv4 or IPv6 address. */
    uint16_t port;
    char *path;
    int status;                 /* 0: any below 500. */
    char **argv;                /* NULL-terminated; exec only. */
    unsigned int interval_ms, timeout_ms;
    unsigned int rise, fall;
    unsigned int hold_ms;       /* 0: a VI that flaps is not held down. */
};

/* "none", "tcp" etc. */
const char *pc_probe_kind_to_string(enum pc_probe_kind);

/* Initializes 'p' to PC_PROBE_KIND_NONE with the default times. */
void pc_probe_init(struct pc_probe *p);
void pc_probe_destroy(struct pc_probe *p);
void pc_probe_clone(struct pc_probe *dst, const struct pc_probe *src);

/* Parses 'settings' (see above) into 'p', initialized or not.  Returns NULL, or
 * an error that names the key, which the caller frees; 'p' is then none. */
char *pc_probe_parse(struct pc_probe *p, const struct smap *settings)
    OVS_WARN_UNUSED_RESULT;

#endif /* pc-probe-spec.h */
