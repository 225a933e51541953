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
#include "pc-container-config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

#define PC_INIT_TARGET ".packetcloud/init"

char *
pc_container_dir(const char *lxc_path, const char *name)
{
    return xasprintf("%s/%s", lxc_path, name);
}

char *
pc_container_file(const char *lxc_path, const char *name, const char *file)
{
    return xasprintf("%s/%s/%s", lxc_path, name, file);
}

char *
pc_container_cgroup_parent(const char *lxc_path)
{
    return xasprintf("packetcloud/%08"PRIx32, hash_string(lxc_path, 0));
}

char *
pc_container_cgroup(const char *lxc_path, const char *name)
{
    return xasprintf("packetcloud/%08"PRIx32"/%s", hash_string(lxc_path, 0),
                     name);
}

bool
pc_container_name_is_valid(const char *name)
{
    static const char *const chars
        = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
          "_.-";
    size_t n = strlen(name);

    return (n >= 1 && n <= 63 && strspn(name, chars) == n
            && strspn(name, "_.-") == 0);
}

static void OVS_PRINTF_FORMAT(3, 4)
add(struct pc_container_config *c, const char *key, const char *format, ...)
{
    struct pc_container_item *item;
    va_list args;

    if (c->n_items >= c->allocated_items) {
        c->items = x2nrealloc(c->items, &c->allocated_items,
                              sizeof *c->items);
    }
    item = &c->items[c->n_items++];
    item->key = xstrdup(key);
    va_start(args, format);
    item->value = xvasprintf(format, args);
    va_end(args);
}

/* Takes 'arg'. */
static void
add_init(struct pc_container_config *c, char *arg)
{
    if (c->n_init >= c->allocated_init) {
        c->init = x2nrealloc(c->init, &c->allocated_init, sizeof *c->init);
    }
    c->init[c->n_init++] = arg;
}

static bool
in_list(const char *const *list, const char *s)
{
    for (size_t i = 0; list && list[i]; i++) {
        if (!strcmp(list[i], s)) {
            return true;
        }
    }
    return false;
}

static void
add_rootfs(struct pc_container_config *c, const struct pc_container_spec *s)
{
    struct ds path = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&path, "overlay:");
    for (size_t i = 0; s->lower_dirs[i]; i++) {
        ds_put_format(&path, "%s:", s->lower_dirs[i]);
    }
    ds_put_format(&path, "%s/%s/upper", s->lxc_path, s->name);
    add(c, "lxc.rootfs.path", "%s", ds_cstr(&path));
    /* liblxc's own place for it is below /usr, which many VIs see. */
    add(c, "lxc.rootfs.mount", "%s/%s/rootfs", s->lxc_path, s->name);
    ds_destroy(&path);
}

/* Appends 's' as a field of an fstab line. */
static void
put_fstab(struct ds *line, const char *s)
{
    for (; *s; s++) {
        if (strchr(" \t\n\\", *s)) {
            ds_put_format(line, "\\%03o", (unsigned char) *s);
        } else {
            ds_put_char(line, *s);
        }
    }
}

static void
add_mount(struct pc_container_config *c, const struct pc_container_mount *m)
{
    struct ds line = DS_EMPTY_INITIALIZER;

    put_fstab(&line, m->source);
    ds_put_char(&line, ' ');
    put_fstab(&line, m->target + strspn(m->target, "/"));
    /* "rbind": in a user namespace a plain bind mount of a tree with other
     * mounts in it is refused, for it would uncover what lies below them. */
    ds_put_format(&line, " none %s%s,create=%s 0 0",
                  m->file ? "bind" : "rbind", m->read_only ? ",ro" : "",
                  m->file ? "file" : "dir");
    add(c, "lxc.mount.entry", "%s", ds_cstr(&line));
    ds_destroy(&line);
}

static void
add_mounts(struct pc_container_config *c, const struct pc_container_spec *s)
{
    const struct pc_container_mount init = {
        .source = s->paths.init,
        .target = PC_INIT_TARGET,
        .read_only = true,
        .file = true,
    };
    const struct pc_container_mount tun = {
        .source = "/dev/net/tun",
        .target = "dev/net/tun",
        .file = true,
    };

    add(c, "lxc.mount.auto", "proc:mixed sys:mixed");
    add(c, "lxc.autodev", "1");
    /* POSIX shared memory, which liblxc's /dev lacks; it counts as the VI's
     * memory. */
    add(c, "lxc.mount.entry", "tmpfs dev/shm tmpfs "
        "rw,nosuid,nodev,mode=1777,size=64m,create=dir 0 0");
    add_mount(c, &init);
    if (s->device_tun) {
        add_mount(c, &tun);
    }
    for (size_t i = 0; i < s->n_mounts; i++) {
        add_mount(c, &s->mounts[i]);
    }
}

static void
add_privileges(struct pc_container_config *c,
               const struct pc_container_spec *s)
{
    /* What init itself needs, before it gives up all but 's->capabilities'. */
    static const char *const own[] = {
        "kill", "net_admin", "setgid", "setpcap", "setuid", NULL
    };
    const char *const *lists[]
        = { own, s->setup_capabilities, s->capabilities };
    struct ds keep = DS_EMPTY_INITIALIZER;

    add(c, "lxc.idmap", "u 0 %"PRIu32" %"PRIu32, s->id_base, s->id_count);
    add(c, "lxc.idmap", "g 0 %"PRIu32" %"PRIu32, s->id_base, s->id_count);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        for (size_t j = 0; lists[i] && lists[i][j]; j++) {
            bool seen = false;

            for (size_t k = 0; k < i; k++) {
                seen = seen || in_list(lists[k], lists[i][j]);
            }
            if (!seen) {
                ds_put_format(&keep, "%s%s", keep.length ? " " : "",
                              lists[i][j]);
            }
        }
    }
    add(c, "lxc.cap.keep", "%s", ds_cstr(&keep));
    ds_destroy(&keep);
    add(c, "lxc.no_new_privs", "1");
    if (s->paths.seccomp) {
        add(c, "lxc.seccomp.profile", "%s", s->paths.seccomp);
    }
}

static void
add_cgroup(struct pc_container_config *c, const struct pc_container_spec *s)
{
    char *path = pc_container_cgroup(s->lxc_path, s->name);
    const struct pc_cgroup_limits *l = &s->limits;
    uint64_t quota = pc_cgroup_quota(l->cpu);
    bool v2 = pc_cgroup_is_v2();

    add(c, "lxc.cgroup.dir.container", "%s/payload", path);
    add(c, "lxc.cgroup.dir.monitor", "%s/monitor", path);
    add(c, "lxc.cgroup.dir.monitor.pivot", "%s/pivot", path);
    if (l->cpu && v2) {
        add(c, "lxc.cgroup2.cpu.max", "%"PRIu64" %d", quota,
            PC_CGROUP_PERIOD_USEC);
    } else if (l->cpu) {
        add(c, "lxc.cgroup.cpu.cfs_period_us", "%d", PC_CGROUP_PERIOD_USEC);
        add(c, "lxc.cgroup.cpu.cfs_quota_us", "%"PRIu64, quota);
    }
    if (l->memory) {
        add(c, (v2 ? "lxc.cgroup2.memory.max"
                : "lxc.cgroup.memory.limit_in_bytes"),
            "%"PRIu64, l->memory);
    }
    if (l->pids) {
        add(c, v2 ? "lxc.cgroup2.pids.max" : "lxc.cgroup.pids.max",
            "%"PRIu64, l->pids);
    }
    free(path);
}

static void OVS_PRINTF_FORMAT(4, 5)
add_net(struct pc_container_config *c, size_t i, const char *key,
        const char *format, ...)
{
    char *full_key = xasprintf("lxc.net.%"PRIuSIZE".%s", i, key);
    va_list args;
    char *value;

    va_start(args, format);
    value = xvasprintf(format, args);
    va_end(args);
    add(c, full_key, "%s", value);
    free(full_key);
    free(value);
}

static void
add_interface(struct pc_container_config *c, size_t i,
              const struct pc_container_interface *iface)
{
    add_net(c, i, "type", "veth");
    add_net(c, i, "veth.pair", "%s", iface->host_name);
    add_net(c, i, "name", "%s", iface->guest_name);
    add_net(c, i, "flags", "up");
    if (iface->mac) {
        add_net(c, i, "hwaddr", "%s", iface->mac);
    }
    if (iface->mtu) {
        add_net(c, i, "mtu", "%"PRIu32, iface->mtu);
    }
    /* IPv6 is the hook's: liblxc would leave the address tentative. */
    for (size_t j = 0; iface->addresses && iface->addresses[j]; j++) {
        if (!strchr(iface->addresses[j], ':')) {
            add_net(c, i, "ipv4.address", "%s", iface->addresses[j]);
        }
    }
    if (iface->gateway4) {
        add_net(c, i, "ipv4.gateway", "%s", iface->gateway4);
    }
}

/* Appends 'arg' quoted for the shell by which liblxc runs a hook. */
static void
put_quoted(struct ds *command, const char *arg)
{
    ds_put_char(command, '\'');
    for (; *arg; arg++) {
        if (*arg == '\'') {
            ds_put_cstr(command, "'\\''");
        } else {
            ds_put_char(command, *arg);
        }
    }
    ds_put_char(command, '\'');
}

static void
put_arg(struct ds *command, const char *arg)
{
    if (command->length) {
        ds_put_char(command, ' ');
    }
    put_quoted(command, arg);
}

static void
put_args(struct ds *command, const char *a, const char *b, const char *c)
{
    put_arg(command, a);
    put_arg(command, b);
    if (c) {
        put_arg(command, c);
    }
}

static void OVS_PRINTF_FORMAT(2, 3)
put_sysctl(struct ds *command, const char *format, ...)
{
    va_list args;
    char *sysctl;

    va_start(args, format);
    sysctl = xvasprintf(format, args);
    va_end(args);
    put_args(command, "--sysctl", sysctl, NULL);
    free(sysctl);
}

/* Has the link-local address of 'iface' made again without duplicate address
 * detection: until that has ended, after up to 2 s, the VI can ask for nobody's
 * Ethernet address, so forward nothing. */
static void
put_link_local(struct ds *command, const struct pc_container_interface *iface,
               bool ipv6)
{
    ipv6 = ipv6 || iface->gateway6;
    for (size_t j = 0; iface->addresses && iface->addresses[j]; j++) {
        ipv6 = ipv6 || strchr(iface->addresses[j], ':');
    }
    if (ipv6) {
        put_sysctl(command, "net.ipv6.conf.%s.accept_dad=0",
                   iface->guest_name);
        put_sysctl(command, "net.ipv6.conf.%s.disable_ipv6=1",
                   iface->guest_name);
        put_sysctl(command, "net.ipv6.conf.%s.disable_ipv6=0",
                   iface->guest_name);
    }
}

/* Has what comes in on each of two interfaces leave by the other one.  The
 * second has no address: it must not answer for the first one's. */
static void
put_cross(struct ds *command, const struct pc_container_spec *s)
{
    const char *gateways[] = { s->interfaces[0].gateway4,
                               s->interfaces[0].gateway6 };

    put_sysctl(command, "net.ipv4.conf.%s.arp_ignore=1",
               s->interfaces[1].guest_name);
    put_sysctl(command, "net.ipv4.conf.all.rp_filter=0");
    for (size_t i = 0; i < 2; i++) {
        put_sysctl(command, "net.ipv4.conf.%s.rp_filter=0",
                   s->interfaces[i].guest_name);
        for (size_t j = 0; j < ARRAY_SIZE(gateways); j++) {
            if (gateways[j]) {
                put_args(command, "--cross", s->interfaces[i].guest_name,
                         s->interfaces[!i].guest_name);
                put_arg(command, gateways[j]);
            }
        }
    }
}

static void
add_hook(struct pc_container_config *c, const struct pc_container_spec *s)
{
    struct ds command = DS_EMPTY_INITIALIZER;
    size_t length;

    put_arg(&command, s->paths.hook);
    length = command.length;
    for (size_t i = 0; i < s->n_interfaces; i++) {
        put_link_local(&command, &s->interfaces[i],
                       s->cross && s->interfaces[0].gateway6);
    }
    for (size_t i = 0; s->sysctls && s->sysctls[i]; i++) {
        put_args(&command, "--sysctl", s->sysctls[i], NULL);
    }
    for (size_t i = 0; i < s->n_interfaces; i++) {
        const struct pc_container_interface *iface = &s->interfaces[i];

        if (!s->offload) {
            put_args(&command, "--offload-off", iface->guest_name, NULL);
        }
        for (size_t j = 0; iface->addresses && iface->addresses[j]; j++) {
            if (strchr(iface->addresses[j], ':')) {
                put_args(&command, "--address6", iface->guest_name,
                         iface->addresses[j]);
            }
        }
        if (iface->gateway6) {
            put_args(&command, "--gateway6", iface->guest_name,
                     iface->gateway6);
        }
    }
    if (s->cross) {
        put_cross(&command, s);
    }
    if (command.length > length) {
        char *log = pc_container_file(s->lxc_path, s->name, "hook.log");

        /* What it prints would be in liblxc's log at a level of its own. */
        ds_put_cstr(&command, " 2>");
        put_quoted(&command, log);
        put_arg(&command, "--");
        free(log);
        add(c, "lxc.hook.start-host", "%s", ds_cstr(&command));
    }
    ds_destroy(&command);
}

static void
add_rest(struct pc_container_config *c, const struct pc_container_spec *s)
{
    add(c, "lxc.uts.name", "%s", s->hostname ? s->hostname : s->name);
    add(c, "lxc.tty.max", "0");
    add(c, "lxc.pty.max", "64");
    add(c, "lxc.console.logfile", "%s/%s/console.log", s->lxc_path, s->name);
    add(c, "lxc.console.rotate", "1");
    add(c, "lxc.console.size", "1MB");
    add(c, "lxc.log.file", "%s/%s/lxc.log", s->lxc_path, s->name);
    add(c, "lxc.log.level", "WARN");
    if (!s->n_interfaces) {
        add(c, "lxc.net.0.type", "empty");
    }
    for (size_t i = 0; i < s->n_interfaces; i++) {
        add_interface(c, i, &s->interfaces[i]);
    }
}

/* The argument vector of pcloud-vi-init. */
static void
add_init_args(struct pc_container_config *c,
              const struct pc_container_spec *s)
{
    struct ds caps = DS_EMPTY_INITIALIZER;

    add_init(c, xstrdup("/"PC_INIT_TARGET));
    for (size_t i = 0; s->capabilities && s->capabilities[i]; i++) {
        ds_put_format(&caps, "%s%s", i ? "," : "", s->capabilities[i]);
    }
    add_init(c, xstrdup("--caps"));
    add_init(c, ds_steal_cstr(&caps));
    if (s->user) {
        add_init(c, xstrdup("--user"));
        add_init(c, xstrdup(s->user));
    }
    if (s->stop_signal) {
        add_init(c, xstrdup("--signal"));
        add_init(c, xasprintf("%d", s->stop_signal));
    }
    for (size_t i = 0; s->env && s->env[i]; i++) {
        add_init(c, xstrdup("--env"));
        add_init(c, xstrdup(s->env[i]));
    }
    for (size_t i = 0; s->setup && s->setup[i]; i++) {
        size_t n = 0;

        while (s->setup[i][n]) {
            n++;
        }
        add_init(c, xstrdup("--setup"));
        add_init(c, xasprintf("%"PRIuSIZE, n));
        for (size_t j = 0; j < n; j++) {
            add_init(c, xstrdup(s->setup[i][j]));
        }
    }
    add_init(c, xstrdup("--"));
    for (size_t i = 0; s->command[i]; i++) {
        add_init(c, xstrdup(s->command[i]));
    }
    add_init(c, NULL);
}

static bool
is_plain_path(const char *s)
{
    return s && s[0] == '/' && !strpbrk(s, ":\n,\\");
}

static char *
check_interface(const struct pc_container_interface *iface)
{
    /* IFNAMSIZ - 1. */
    if (!iface->host_name || !*iface->host_name
        || strlen(iface->host_name) > 15) {
        return xasprintf("interface name \"%s\" is not 1 to 15 bytes long",
                         iface->host_name ? iface->host_name : "");
    } else if (!iface->guest_name || !*iface->guest_name
               || strlen(iface->guest_name) > 15) {
        return xasprintf("%s: bad name of the inner end", iface->host_name);
    }
    return NULL;
}

static char *
check_spec(const struct pc_container_spec *s)
{
    if (!s->name || !pc_container_name_is_valid(s->name)) {
        return xasprintf("\"%s\" cannot be a container's name",
                         s->name ? s->name : "");
    } else if (!is_plain_path(s->lxc_path)) {
        return xasprintf("%s: not an absolute path without ':' and ','",
                         s->lxc_path);
    } else if (!s->lower_dirs || !s->lower_dirs[0]) {
        return xstrdup("no root file system");
    } else if (!s->command || !s->command[0] || s->command[0][0] != '/') {
        return xstrdup("no command");
    } else if (!s->id_count) {
        return xstrdup("no ids for an unprivileged container");
    } else if (!s->paths.init || !s->paths.hook) {
        return xstrdup("helper programs are not configured");
    }
    for (size_t i = 0; s->lower_dirs[i]; i++) {
        if (!is_plain_path(s->lower_dirs[i])) {
            return xasprintf("%s: not an absolute path without ':' and ','",
                             s->lower_dirs[i]);
        }
    }
    for (size_t i = 0; i < s->n_interfaces; i++) {
        char *error = check_interface(&s->interfaces[i]);

        if (error) {
            return error;
        }
    }
    return NULL;
}

char *
pc_container_config_init(struct pc_container_config *c,
                         const struct pc_container_spec *s)
{
    char *error = check_spec(s);

    memset(c, 0, sizeof *c);
    if (!error) {
        add_rootfs(c, s);
        add_mounts(c, s);
        add_privileges(c, s);
        add_cgroup(c, s);
        add_rest(c, s);
        add_hook(c, s);
        add_init_args(c, s);
    }
    return error;
}

void
pc_container_config_destroy(struct pc_container_config *c)
{
    for (size_t i = 0; i < c->n_items; i++) {
        free(c->items[i].key);
        free(c->items[i].value);
    }
    free(c->items);
    for (size_t i = 0; i < c->n_init; i++) {
        free(c->init[i]);
    }
    free(c->init);
    memset(c, 0, sizeof *c);
}
