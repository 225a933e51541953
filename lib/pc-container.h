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

#ifndef PC_CONTAINER_H
#define PC_CONTAINER_H 1

/* Containers
 * ==========
 *
 * A VI runs in an LXC container.  This module is the only one that knows
 * liblxc; it takes a complete description (struct pc_container_spec), starts
 * it, and can find, enter, limit, stop and remove it again, also from another
 * process: all that is known about a running container is kept by the kernel
 * and by the container's monitor process, nothing in files of our own.
 *
 *     spec  --pc_container_start()-->  running  --pc_container_stop()--> gone
 *                                         |
 *                         pc_container_exec(), pc_container_set_limits(),
 *                         pc_container_init_pid(), pc_container_list()
 *
 * A container is identified by (lxc_path, name).  `<lxc_path>/<name>/` is its
 * directory: upper/ (what it has written), work/ (overlayfs's own),
 * console.log, lxc.log.  Its cgroup is "packetcloud/<id>/<name>" where <id> is a
 * hash of lxc_path, in every hierarchy of cgroup v1 or in the one of v2, so two
 * agents on one machine never meet.  The root is an overlay that liblxc mounts
 * inside the container's own mount namespace: nothing is mounted on the host.
 * veth pairs are made by liblxc and die with the container's namespace.
 *
 * Lifecycle and crashes
 * =====================
 *
 * pc_container_destroy() is idempotent: whatever was left by a crash (of this
 * process, of liblxc's monitor, of the container) is gone after it: processes,
 * cgroups, veths, directory.  pc_container_stop() keeps the directory, so that
 * pc_container_start() afterwards finds the container's files again.
 *
 * Threads, blocking and namespaces
 * ================================
 *
 * Every function blocks (start: 50 ms, stop: up to the grace time) and is
 * meant for a worker (see pc-worker.h).  They may run in several threads at
 * once, but only one at a time for one container, except
 * pc_container_init_pid(), pc_container_list() and pc_container_exec().
 * liblxc's command sockets are abstract Unix sockets: all calls about a
 * container must be made in the network namespace in which it was started.
 *
 * Errors: functions that return `char *` return NULL if all went well, else a
 * text in one line for the caller to free. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "compiler.h"
#include "pc-cgroup.h"

/* One network interface of a container: a veth pair. */
struct pc_container_interface {
    const char *host_name;      /* Host end, at most 15 bytes, e.g. "pc7a". */
    const char *guest_name;     /* Inside, e.g. "eth0". */
    const char *mac;            /* "02:..." for the inside, or NULL. */
    const char *const *addresses; /* "A.B.C.D/LEN" or IPv6; NULL-terminated or
                                   * NULL.  IPv6 ones are usable at once (no
                                   * duplicate address detection). */
    const char *gateway4;       /* Default route, or NULL. */
    const char *gateway6;       /* Default route, or NULL. */
    uint32_t mtu;               /* 0: the default. */
};

/* A bind mount from the host. */
struct pc_container_mount {
    const char *source;         /* Absolute path on the host. */
    const char *target;         /* Path in the container. */
    bool read_only;
    bool file;                  /* Source is a file (made in upper if absent).*/
};

/* Names where the helper programs and files of an installation are.  Use
 * pc_container_paths_init() for the configured ones. */
struct pc_container_paths {
    char *init;                 /* pcloud-vi-init: static, init of every VI. */
    char *hook;                 /* pcloud-vi-hook: runs on the host at start. */
    char *seccomp;              /* Seccomp profile (liblxc's version 2). */
};

/* Everything about a container.  All pointers stay the caller's; they need to
 * last only for the call. */
struct pc_container_spec {
    /* Identity. */
    const char *name;           /* [A-Za-z0-9][A-Za-z0-9_.-]*, <= 63 bytes. */
    const char *lxc_path;       /* Absolute: "<state>/vi". */
    const char *hostname;       /* NULL: the name. */

    /* Root file system: lower_dirs[0] lies above lower_dirs[1]...; read-only.
     * `<lxc_path>/<name>/upper` lies above all. */
    const char *const *lower_dirs; /* NULL-terminated, absolute, no ':'. */
    const struct pc_container_mount *mounts;
    size_t n_mounts;

    /* Privileges. */
    uint32_t id_base;           /* First uid and gid on the host: 200000. */
    uint32_t id_count;          /* 65536. */
    const char *const *setup_capabilities; /* "net_admin"...: while setup runs.*/
    const char *const *capabilities;       /* ... of the command. NULL: none. */
    bool device_tun;            /* Give it /dev/net/tun. */

    /* What runs. */
    const char *const *const *setup; /* Argument vectors, NULL-terminated each
                                * and as a list, run in order before the
                                * command; one that fails ends the start. */
    const char *const *command; /* NULL-terminated; command[0] is absolute. */
    const char *const *env;     /* "NAME=VALUE", NULL-terminated, or NULL. */
    const char *user;           /* "NAME", "UID" or "UID:GID", or NULL: root of
                                 * the container. */
    int stop_signal;            /* 0: SIGTERM. */

    /* Network.  sysctls are "net.ipv4.ip_forward=1"; only "net." ones. */
    const struct pc_container_interface *interfaces;
    size_t n_interfaces;
    bool cross;                 /* With two interfaces: what comes in on one
                                 * and is for others leaves by the other one,
                                 * to the first one's gateways. */
    const char *const *sysctls; /* NULL-terminated or NULL. */
    bool offload;               /* Leave transmit offloads on: only if the
                                 * switch has userspace-tso-enable. */

    struct pc_cgroup_limits limits; /* pc-cgroup.h: cpu (millicores), memory
                                * (bytes), pids; 0 means none. */
    struct pc_container_paths paths;
};

/* Fills 'paths' with the helpers of the running installation: directories
 * $PCLOUD_LIBEXECDIR and $PCLOUD_DATADIR if set, else those of configure.
 * pc_container_paths_destroy() frees the strings. */
void pc_container_paths_init(struct pc_container_paths *);
void pc_container_paths_destroy(struct pc_container_paths *);

/* Once per process, before threads are started: takes newuidmap's directory out
 * of PATH.  As root liblxc would use that program if it finds it, and it refuses
 * ids that are not in /etc/subuid; without it, liblxc writes the map itself. */
void pc_container_process_init(void);

/* Starts the container and returns when its init runs (not yet: when setup is
 * done or the service is ready).  On success '*init_pid' is the process id of
 * its init, on the host.  If one of that name runs already that's an error.  On
 * failure nothing is left except the container's directory. */
char *pc_container_start(const struct pc_container_spec *, pid_t *init_pid)
    OVS_WARN_UNUSED_RESULT;

/* "<lxc_path>/<name>/upper": what the container has written; for the caller to
 * free. */
char *pc_container_upper(const char *lxc_path, const char *name);

/* Makes the directories of a container as pc_container_start() does; what is in
 * them stays. */
char *pc_container_make_dirs(const char *lxc_path, const char *name,
                             uint32_t id_base) OVS_WARN_UNUSED_RESULT;

/* Asks init to stop the service (SIGPWR; it sends the command its stop signal),
 * waits up to 'grace_ms', then kills everything in it.  Not running is fine.
 * Afterwards no process, cgroup or veth is left; the directory is. */
char *pc_container_stop(const char *lxc_path, const char *name,
                        unsigned int grace_ms) OVS_WARN_UNUSED_RESULT;

/* pc_container_stop(.., 0) and removes the directory.  Idempotent. */
char *pc_container_destroy(const char *lxc_path, const char *name)
    OVS_WARN_UNUSED_RESULT;

/* Process id of the init of a running container, or 0 if it does not run. */
pid_t pc_container_init_pid(const char *lxc_path, const char *name);

/* A file descriptor that becomes readable when process 'pid' ends (pidfd), for
 * poll_fd_wait(); or a negative errno (-ESRCH: it has ended). */
int pc_container_watch(pid_t pid);

/* A file descriptor that poll() finds hung up (POLLHUP) when process 'pid', the
 * init of a container that has come to its setup, ends; or a negative errno
 * (-ENOENT: the init is of an older version).  Open as long as the caller keeps
 * it.  This is earlier than pc_container_watch() by as long as the kernel takes to
 * end the container's other processes, e.g. 50 ms if one has a packet socket.
 * The root of the container can forge it, and thereby only end his container. */
int pc_container_lifeline(pid_t pid);

/* How the process of 'pidfd' (from pc_container_watch()) ended, as wait()'s
 * status, although it is not our child.  Only after its parent has waited for
 * it.  Returns 0 or a positive errno (ENOTTY, EINVAL: a kernel before 6.15). */
int pc_container_exit_status(int pidfd, int *status);

/* Names of running containers in 'lxc_path': NULL-terminated array to be freed
 * by pc_container_list_free().  Those with just a directory are not listed. */
char **pc_container_list(const char *lxc_path);
void pc_container_list_free(char **);

/* Names of what exists of containers in 'lxc_path' in any form: running, a
 * directory, or a cgroup.  What is in here and not wanted is to be destroyed. */
char **pc_container_list_all(const char *lxc_path);

/* How far the init of a container has come, as it says itself. */
enum pc_container_stage {
    PC_CONTAINER_NONE,          /* Never started, or init not yet executed. */
    PC_CONTAINER_SETUP,         /* Setup commands are being run. */
    PC_CONTAINER_RUNNING,       /* The command has been started. */
    PC_CONTAINER_FAILED,        /* A setup command or the command has ended. */
};

/* Reads it (a small file; does not block, needs no worker).  If FAILED and 'why'
 * is nonnull, '*why' is e.g. "setup[1] \"/usr/sbin/nft\" exited with status 1",
 * for the caller to free; else NULL.  It is the VI that speaks: fit for VI.error,
 * not to be trusted otherwise. */
enum pc_container_stage pc_container_stage(const char *lxc_path,
                                           const char *name, char **why);

/* Result of a command in a container. */
struct pc_container_result {
    int status;                 /* As waitpid() gives. */
    bool timed_out;             /* It was killed. */
    char *output;               /* stdout and stderr, NUL-terminated, at most
                                 * 64 KiB; free() it. */
    size_t length;
};

/* Runs 'argv' in the container, as its root, with the capabilities of its
 * command and at most 'timeout_ms' (0: no limit).  An error means that it could
 * not be run; if it ran, see '*result'. */
char *pc_container_exec(const char *lxc_path, const char *name,
                        const char *const *argv, unsigned int timeout_ms,
                        struct pc_container_result *result)
    OVS_WARN_UNUSED_RESULT;

/* The same with the given three file descriptors as stdin, stdout and stderr
 * and no time limit, for pcloud-ctl vi-exec.  '*status' as waitpid(). */
char *pc_container_exec_fds(const char *lxc_path, const char *name,
                            const char *const *argv, const int fds[3],
                            int *status) OVS_WARN_UNUSED_RESULT;

/* All limits of a running container; 0: none.  Those of storage are not part of
 * its start, for not every file system and disk has them. */
struct pc_container_limits {
    struct pc_cgroup_limits cgroup;
    uint64_t io_bps, iops;      /* Of the disks of `<lxc_path>` and of /usr:
                                 * bytes/s, operations/s, each way. */
    uint64_t disk;              /* Bytes that its directory may take. */
};

/* Changes the limits of a running container at once, from 'old' to 'new'.  If
 * more memory or disk is in use than the new limit allows, or anything else fails,
 * they are 'old' again. */
char *pc_container_set_limits(const char *lxc_path, const char *name,
                              const struct pc_container_limits *new,
                              const struct pc_container_limits *old)
    OVS_WARN_UNUSED_RESULT;

/* Sets the limits of storage alone, after a start.  Each that cannot be set is
 * left out; what is missing is returned in one line. */
char *pc_container_set_storage(const char *lxc_path, const char *name,
                               const struct pc_container_limits *)
    OVS_WARN_UNUSED_RESULT;

/* Bytes that the container's directory takes, if the file system counts them.
 * Returns 0 or a positive errno. */
int pc_container_get_disk(const char *lxc_path, const char *name,
                          uint64_t *bytes);

/* Are its processes frozen?  Then a command run in it would not end. */
bool pc_container_is_frozen(const char *lxc_path, const char *name);

/* Present use by a container.  Returns 0 or a positive errno. */
int pc_container_get_usage(const char *lxc_path, const char *name,
                           struct pc_cgroup_usage *);

/* "<lxc_path>/<name>/console.log": what setup and the service have printed. */
char *pc_container_log_path(const char *lxc_path, const char *name);

#endif /* pc-container.h */
