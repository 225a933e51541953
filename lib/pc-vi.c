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
#include "pc-vi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "pc-fetch.h"
#include "pc-fs.h"
#include "pc-image.h"
#include "svec.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_vi);

/* Manifest of the image `host`: a VI that just is, to be used by vi-exec and
 * with command=. */
static const char host_manifest[] =
    "{\"name\": \"host\", \"base\": \"host\", \"mode\": \"host\","
    " \"modes\": {\"route\": {}, \"inline\": {}, \"tap\": {}, \"host\": {}},"
    " \"command\": [\"/usr/bin/sleep\", \"infinity\"]}";

/* What setup commands may do as root of the VI, besides the VI's capabilities. */
static const char *const setup_capabilities[] = {
    "chown", "dac_override", "fowner", "net_admin", "net_raw", "setgid",
    "setuid", NULL
};

/* Makes the VIs' init a copy below 'state_dir', which the root of a VI can
 * reach; where the program was installed or built (below /root, perhaps) it
 * need not.  An error shows again, and is reported, when a VI is started. */
static void
copy_init(struct pc_vi_config *cfg, const char *state_dir)
{
    char *copy = xasprintf("%s/pcloud-vi-init", state_dir);
    int error = pc_fs_copy_file(cfg->paths.init, copy, 0755);

    if (error) {
        VLOG_WARN("cannot copy %s to %s (%s)", cfg->paths.init, copy,
                  ovs_strerror(error));
        free(copy);
    } else {
        free(cfg->paths.init);
        cfg->paths.init = copy;
    }
}

int
pc_vi_config_init(struct pc_vi_config *cfg, const char *state_dir)
{
    int error;

    memset(cfg, 0, sizeof *cfg);
    atomic_init(&cfg->cancel, false);
    cfg->lxc_path = xasprintf("%s/vi", state_dir);
    cfg->image_cache = xasprintf("%s/images", state_dir);
    cfg->id_base = 200000;
    cfg->id_count = 65536;
    pc_container_paths_init(&cfg->paths);
    error = pc_fs_make_dirs(cfg->lxc_path);
    if (!error) {
        error = pc_fs_make_dirs(cfg->image_cache);
    }
    if (!error) {
        copy_init(cfg, state_dir);
    }
    return error;
}

void
pc_vi_config_destroy(struct pc_vi_config *cfg)
{
    free(cfg->lxc_path);
    free(cfg->image_cache);
    pc_container_paths_destroy(&cfg->paths);
    memset(cfg, 0, sizeof *cfg);
}

/* pc_image_source's callback: the files and directories of the manifest. */
static char *
prepare_cb(struct pc_image_tree *tree, const char *text, size_t length,
           bool *base_host, void *aux OVS_UNUSED)
{
    struct pc_manifest *m;
    char *why = pc_manifest_parse(text, length, &m);
    char *error = NULL;

    if (why) {
        error = xasprintf("manifest.json: %s", why);
        free(why);
        return error;
    }
    *base_host = m->base_host;
    for (size_t i = 0; i < m->n_files && !error; i++) {
        const struct pc_manifest_file *f = &m->files[i];
        const struct pc_image_file file = {
            .path = f->path,
            .directory = f->directory,
            .content = f->content,
            .source = f->source,
            .owner = f->owner,
            .mode = f->mode,
        };

        error = pc_image_add_file(tree, &file);
    }
    pc_manifest_destroy(m);
    return error;
}

static char *
fetch_cb(const char *url, const char *path, void *cfg_)
{
    const struct pc_vi_config *cfg = cfg_;
    /* pc-image.c lets http: through only with a SHA-256. */
    const struct pc_fetch_options options = {
        .allow_http = true,
        .retries = 5,
        .ca_file = getenv("PCLOUD_CA_FILE"),
        .cancel = &cfg->cancel,
    };

    return pc_fetch(url, path, &options);
}

char *
pc_vi_image_open(const struct pc_vi_config *cfg, const char *name,
                 const char *url, const char *sha256,
                 struct pc_vi_image **vip)
{
    const struct pc_image_source src = {
        .name = name,
        .url = url,
        .sha256 = sha256,
        .cache = cfg->image_cache,
        .id_base = cfg->id_base,
        .id_count = cfg->id_count,
        .fetch = fetch_cb,
        .prepare = prepare_cb,
        .aux = CONST_CAST(struct pc_vi_config *, cfg),
        .cancel = &cfg->cancel,
    };
    struct pc_vi_image *vi = xzalloc(sizeof *vi);
    char *error;

    *vip = NULL;
    error = pc_image_ensure(&src, &vi->image);
    if (!error) {
        const struct pc_image *image = vi->image;

        error = pc_manifest_parse(
            image->manifest ? image->manifest : host_manifest,
            image->manifest ? image->manifest_length : strlen(host_manifest),
            &vi->manifest);
    }
    if (error) {
        pc_vi_image_close(vi);
    } else {
        *vip = vi;
    }
    return error;
}

void
pc_vi_image_close(struct pc_vi_image *vi)
{
    if (vi) {
        pc_image_destroy(vi->image);
        pc_manifest_destroy(vi->manifest);
        free(vi);
    }
}

static void
add_env(struct svec *env, const char *name, const char *value)
{
    if (value) {
        /* Without a prefix length. */
        svec_add_nocopy(env, xasprintf("%s=%.*s", name,
                                       (int) strcspn(value, "/"), value));
    }
}

static const char *
find_address(const struct pc_vi_params *p, bool ipv6)
{
    for (size_t i = 0; i < p->n_interfaces; i++) {
        const char *const *addresses = p->interfaces[i].addresses;

        for (size_t j = 0; addresses && addresses[j]; j++) {
            if (!strchr(addresses[j], ':') == !ipv6) {
                return addresses[j];
            }
        }
    }
    return NULL;
}

/* The environment: the manifest's, then ours. */
static void
make_env(const struct pc_manifest *m, const struct pc_vi_params *p,
         const struct pc_container_interface *ifaces, struct svec *env)
{
    svec_init(env);
    for (size_t i = 0; m->env[i]; i++) {
        svec_add(env, m->env[i]);
    }
    add_env(env, "PCLOUD_NAME", p->name);
    add_env(env, "PCLOUD_MODE", pc_manifest_mode_to_string(p->mode));
    add_env(env, "PCLOUD_IN", p->n_interfaces > 0 ? ifaces[0].guest_name
                              : NULL);
    add_env(env, "PCLOUD_OUT", p->n_interfaces > 1 ? ifaces[1].guest_name
                               : NULL);
    add_env(env, "PCLOUD_ADDRESS", find_address(p, false));
    add_env(env, "PCLOUD_ADDRESS6", find_address(p, true));
    if (p->n_interfaces) {
        add_env(env, "PCLOUD_GATEWAY", ifaces[0].gateway4);
        add_env(env, "PCLOUD_GATEWAY6", ifaces[0].gateway6);
    }
    svec_terminate(env);
}

/* Copies the interfaces of 'p', with names and MTU filled in. */
static struct pc_container_interface *
make_interfaces(const struct pc_manifest *m, const struct pc_vi_params *p)
{
    static const char *const names[] = { "eth0", "eth1", "eth2", "eth3" };
    struct pc_container_interface *ifaces
        = xcalloc(p->n_interfaces + 1, sizeof *ifaces);

    for (size_t i = 0; i < p->n_interfaces; i++) {
        ifaces[i] = p->interfaces[i];
        if (!ifaces[i].guest_name && i < ARRAY_SIZE(names)) {
            ifaces[i].guest_name = names[i];
        }
        if (!ifaces[i].mtu) {
            ifaces[i].mtu = m->mtu;
        }
    }
    return ifaces;
}

char *
pc_vi_start(const struct pc_vi_config *cfg, const struct pc_vi_image *vi,
            const struct pc_vi_params *p, pid_t *init_pid)
{
    static const struct pc_container_mount usr = {
        .source = "/usr", .target = "usr", .read_only = true,
    };
    const struct pc_manifest *m = vi->manifest;
    struct pc_container_interface *ifaces;
    struct pc_manifest_part part;
    struct svec env;
    char *error;

    *init_pid = 0;
    if (!(m->modes & (1u << p->mode))) {
        return xasprintf("image \"%s\" does not work in mode %s", m->name,
                         pc_manifest_mode_to_string(p->mode));
    }
    pc_manifest_part_of_mode(m, p->mode, &part);
    ifaces = make_interfaces(m, p);
    make_env(m, p, ifaces, &env);

    const struct pc_container_spec spec = {
        .name = p->name,
        .lxc_path = cfg->lxc_path,
        .lower_dirs = (const char *const *) vi->image->lower_dirs,
        .mounts = &usr,
        .n_mounts = m->base_host ? 1 : 0,
        .id_base = cfg->id_base,
        .id_count = cfg->id_count,
        .setup_capabilities = setup_capabilities,
        .capabilities = (const char *const *) part.capabilities,
        .device_tun = m->device_tun,
        .setup = (const char *const *const *) part.setup,
        .command = p->command ? p->command : (const char *const *) m->command,
        .env = (const char *const *) env.names,
        .user = m->user,
        .stop_signal = m->stop_signal,
        .interfaces = ifaces,
        .n_interfaces = p->n_interfaces,
        .cross = p->mode == PC_MANIFEST_ROUTE && p->n_interfaces == 2,
        .sysctls = (const char *const *) part.sysctls,
        .offload = cfg->offload && !m->no_offload,
        .limits = p->limits,
        .paths = cfg->paths,
    };
    error = pc_container_start(&spec, init_pid);

    svec_destroy(&env);
    free(ifaces);
    pc_manifest_part_destroy(&part);
    return error;
}
