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

#ifndef PC_MANIFEST_H
#define PC_MANIFEST_H 1

/* An image's manifest
 * ===================
 *
 * What a VI runs and needs is said by its image, in a JSON file: see
 * packetcloud-manifest(5) and services/manifest.schema.json.  This module
 * reads the text into a plain struct and refuses anything that it does not know:
 * an error names the place as a JSON path ("$.setup[1][0]: must be a string"),
 * because a key that is silently ignored is a service that silently does not
 * filter.
 *
 * No I/O and no state: thread-safe. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "compiler.h"
#include "pc-probe-spec.h"

/* The modes of attachment (design.md 4.3). */
enum pc_manifest_mode {
    PC_MANIFEST_ROUTE,
    PC_MANIFEST_INLINE,
    PC_MANIFEST_TAP,
    PC_MANIFEST_HOST,
#define PC_MANIFEST_N_MODES 4
};

enum pc_manifest_probe_type {
    PC_PROBE_NONE,              /* Ready as soon as it runs. */
    PC_PROBE_TCP,               /* A TCP port accepts a connection. */
    PC_PROBE_HTTP,              /* GET answers with a status. */
    PC_PROBE_EXEC,              /* A command inside ends with status 0. */
};

/* How to find out whether the service works.  Times in milliseconds. */
struct pc_manifest_probe {
    enum pc_manifest_probe_type type;
    uint16_t port;              /* TCP, HTTP. */
    char *path;                 /* HTTP: "/..." */
    int status;                 /* HTTP: status wanted, 0: any below 500. */
    char **argv;                /* EXEC: NULL-terminated. */
    uint32_t interval_ms;       /* Default 500. */
    uint32_t timeout_ms;        /* Default 1000. */
    uint32_t rise;              /* Successes until ready: default 1. */
    uint32_t fall;              /* Failures until not ready: default 3. */
};

/* A file or directory that is put into the image when it is unpacked. */
struct pc_manifest_file {
    char *path;                 /* Absolute, normalized. */
    bool directory;
    char *content;              /* Text, or NULL. */
    char *source;               /* Path below the image's folder, or NULL. */
    char *owner;                /* "NAME", "NAME:GROUP", "UID:GID", or NULL. */
    unsigned int mode;          /* Default 0644, for directories 0755. */
};

/* What holds in one mode (or, in pc_manifest.common, in all of them). */
struct pc_manifest_part {
    char **capabilities;        /* "net_admin"...; NULL-terminated. */
    char **sysctls;             /* "net.ipv4.ip_forward=1"...; likewise. */
    char ***setup;              /* Argument vectors; likewise both ways. */
};

struct pc_manifest {
    char *name;
    char *version;              /* "" if absent. */
    char *description;          /* "" if absent. */
    bool base_host;             /* "base": "host": lies on the host's /usr. */
    enum pc_manifest_mode mode; /* Default mode. */
    unsigned int modes;         /* Bit 1u << mode of each mode it can do. */

    char **command;             /* NULL-terminated; [0] is absolute. */
    char *user;                 /* As pc_container_spec's, or NULL. */
    char **env;                 /* "NAME=VALUE", NULL-terminated. */
    struct pc_manifest_part common;
    struct pc_manifest_part by_mode[PC_MANIFEST_N_MODES]; /* Added to it. */

    struct pc_manifest_file *files; /* In the order of the manifest. */
    size_t n_files;

    bool device_tun;            /* "devices": ["tun"]. */
    uint32_t mtu;               /* 0: the default. */
    bool no_offload;            /* "offload": false. */

    struct pc_manifest_probe readiness;
    bool has_health;
    struct pc_probe health;     /* While it runs; none unless 'has_health'. */
    int stop_signal;            /* Default SIGTERM. */
    uint32_t stop_grace_ms;     /* Default 2000. */
};

/* Parses 'length' bytes of JSON.  Returns NULL and stores a new manifest in
 * '*manifestp', or returns an error (to be freed by the caller) and stores
 * NULL. */
char *pc_manifest_parse(const char *text, size_t length,
                        struct pc_manifest **manifestp)
    OVS_WARN_UNUSED_RESULT;
void pc_manifest_destroy(struct pc_manifest *);

/* The capabilities, sysctls and setup of 'mode': what the mode itself gives,
 * what the manifest says for all modes and for this one, without repetition.
 * Free with pc_manifest_part_destroy().  'mode' must be in manifest->modes. */
void pc_manifest_part_of_mode(const struct pc_manifest *,
                              enum pc_manifest_mode,
                              struct pc_manifest_part *);
void pc_manifest_part_destroy(struct pc_manifest_part *);

/* Names of the modes as in the database: "route", "inline", "tap", "host". */
const char *pc_manifest_mode_to_string(enum pc_manifest_mode);
bool pc_manifest_mode_from_string(const char *, enum pc_manifest_mode *);

/* Capabilities that every VI of 'mode' has; NULL-terminated, static. */
const char *const *pc_manifest_mode_capabilities(enum pc_manifest_mode);

#endif /* pc-manifest.h */
