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

/* One look at whether a service answers, from inside its network namespace.
 *
 * pc_probe_once() blocks up to the probe's timeout, so it belongs in a worker.
 * The thread enters the VI's network namespace only to make the socket: a
 * socket stays in the namespace in which it was made.  When to probe and what
 * to make of the results (rise and fall counts: pc-backoff.h) is the caller's.
 *
 * A probe is written as key=value pairs, in Service.health:
 *
 *     type=tcp|http|exec|none   what to do (default none)
 *     port=N                    tcp, http (default 80 for http)
 *     host=ADDRESS              tcp, http (default 127.0.0.1)
 *     path=/...                 http (default "/")
 *     status=N                  http: the status wanted (default any below 500)
 *     command=PATH ARG...       exec; exit status 0 is an answer
 *     interval=MS               between probes (default 1000)
 *     timeout=MS                of one probe (default 1000)
 *     rise=N, fall=N            results in a row that count (default 1 and 3)
 *
 * Thread safety: values. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "openvswitch/compiler.h"

struct smap;

enum pc_probe_kind {
    PC_PROBE_KIND_NONE,              /* Running is enough. */
    PC_PROBE_KIND_TCP,               /* A connection is accepted. */
    PC_PROBE_KIND_HTTP,              /* GET gives the wanted status. */
    PC_PROBE_KIND_EXEC,              /* A command in the VI exits with 0. */
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
};

/* Initializes 'p' to PC_PROBE_KIND_NONE with the default times. */
void pc_probe_init(struct pc_probe *p);
void pc_probe_destroy(struct pc_probe *p);
void pc_probe_clone(struct pc_probe *dst, const struct pc_probe *src);

/* Parses 'settings' (see above) into 'p', initialized or not.  Returns NULL, or
 * an error that names the key, which the caller frees; 'p' is then none. */
char *pc_probe_parse(struct pc_probe *p, const struct smap *settings)
    OVS_WARN_UNUSED_RESULT;

/* Tries a PC_PROBE_KIND_TCP or PC_PROBE_KIND_HTTP probe in the network namespace of
 * process 'pid', blocking at most 'timeout_ms'.  Returns NULL if the service
 * answers, else why not, for the caller to free.  PC_PROBE_KIND_NONE always
 * answers; PC_PROBE_KIND_EXEC is not done here (see pc_container_exec()). */
char *pc_probe_once(const struct pc_probe *p, pid_t pid)
    OVS_WARN_UNUSED_RESULT;

#endif /* pc-probe.h */
