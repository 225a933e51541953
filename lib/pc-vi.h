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

#ifndef PC_VI_H
#define PC_VI_H 1

/* A VI on this machine: image + manifest + container
 * ==================================================
 *
 * The node role thinks in VIs; this module turns one into calls of pc-image.h,
 * pc-manifest.h and pc-container.h, so that those three need not know each
 * other.
 *
 *     pc_vi_image_open(cfg, source, &image);        // fetch, verify, parse
 *     pc_vi_start(cfg, image, &params, &init_pid);  // overlay, veths, limits
 *     ...pc_container_exec(cfg->lxc_path, name, ...), etc.
 *     pc_container_stop(...), pc_container_destroy(...)
 *
 * Blocking calls for a worker.  A struct pc_vi_image is immutable; it may be
 * used by several threads at once. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "compiler.h"
#include "ovs-atomic.h"
#include "pc-container.h"
#include "pc-manifest.h"

/* What holds for all VIs of a node. */
struct pc_vi_config {
    char *lxc_path;             /* "<state>/vi": for pc_container_*(). */
    char *image_cache;          /* "<state>/images". */
    uint32_t id_base;           /* 200000. */
    uint32_t id_count;          /* 65536. */
    bool offload;               /* The switch has userspace-tso-enable. */
    struct pc_container_paths paths;
    atomic_bool cancel;         /* Set: images are not waited for any more. */
};

/* Fills it for 'state_dir' (absolute), with defaults and the installation's
 * helpers, and makes the directories.  Returns 0 or a positive errno. */
int pc_vi_config_init(struct pc_vi_config *, const char *state_dir);
void pc_vi_config_destroy(struct pc_vi_config *);

/* An image with its manifest. */
struct pc_vi_image {
    struct pc_image *image;
    struct pc_manifest *manifest; /* For `host`: sleeps, all modes. */
};

/* Makes the image ready on this machine (see pc-image.h).  If another thread
 * sets the configuration's 'cancel', it returns an error within a second. */
char *pc_vi_image_open(const struct pc_vi_config *, const char *name,
                       const char *url, const char *sha256,
                       struct pc_vi_image **) OVS_WARN_UNUSED_RESULT;
void pc_vi_image_close(struct pc_vi_image *);

/* One VI. */
struct pc_vi_params {
    const char *name;           /* VI.name. */
    enum pc_manifest_mode mode;
    struct pc_cgroup_limits limits;

    /* Interfaces: [0] is eth0 ("in"), [1] eth1 ("out"); host_name, mac,
     * addresses, gateways given by the caller, guest_name and mtu may be
     * NULL and 0: then eth0, eth1 and the manifest's. */
    const struct pc_container_interface *interfaces;
    size_t n_interfaces;

    const char *const *command; /* NULL: the manifest's. */
};

/* Starts it.  The service and its setup commands find in their environment
 * PCLOUD_NAME, PCLOUD_MODE, PCLOUD_IN, PCLOUD_OUT, PCLOUD_ADDRESS,
 * PCLOUD_ADDRESS6, PCLOUD_GATEWAY, PCLOUD_GATEWAY6 (addresses without length;
 * absent if there is none). */
char *pc_vi_start(const struct pc_vi_config *, const struct pc_vi_image *,
                  const struct pc_vi_params *, pid_t *init_pid)
    OVS_WARN_UNUSED_RESULT;

#endif /* pc-vi.h */
