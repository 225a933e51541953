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
#include "pc-container-private.h"

#include <errno.h>
#include <fcntl.h>
#include <lxc/attach_options.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pc-container-config.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

int
pc_container_lock_shared(const char *lxc_path, int operation)
{
    int fd = open(lxc_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, operation)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void
pc_container_unlock_shared(int fd)
{
    if (fd >= 0) {
        /* Not just close(): a process that was forked meanwhile has it too. */
        flock(fd, LOCK_UN);
        close(fd);
    }
}

static struct lxc_container *
open_container(const char *lxc_path, const char *name)
{
    int lock = pc_container_lock_shared(lxc_path, LOCK_SH);
    struct lxc_container *c = lxc_container_new(name, lxc_path);

    pc_container_unlock_shared(lock);
    return c;
}

static void
close_container(struct lxc_container *c)
{
    if (c) {
        lxc_container_put(c);
    }
}

pid_t
pc_container_init_pid(const char *lxc_path, const char *name)
{
    struct lxc_container *c = open_container(lxc_path, name);
    pid_t pid = c ? c->init_pid(c) : 0;

    close_container(c);
    return MAX(pid, 0);
}

int
pc_container_watch(pid_t pid)
{
    int fd = syscall(SYS_pidfd_open, pid, 0);

    return fd < 0 ? -errno : fd;
}

/* What PIDFD_GET_INFO (linux/pidfd.h) gives since Linux 6.13, with the exit
 * status since 6.15: newer than the headers that we are built with. */
struct pc_pidfd_info {
    uint64_t mask;
    uint64_t cgroupid;
    uint32_t ids[11];
    int32_t exit_code;
};
#define PC_PIDFD_GET_INFO _IOWR(0xff, 11, struct pc_pidfd_info)
#define PC_PIDFD_INFO_EXIT (UINT64_C(1) << 3)

int
pc_container_exit_status(int pidfd, int *status)
{
    struct pc_pidfd_info info = { .mask = PC_PIDFD_INFO_EXIT };

    if (ioctl(pidfd, PC_PIDFD_GET_INFO, &info)) {
        return errno;
    }
    *status = info.exit_code;
    return info.mask & PC_PIDFD_INFO_EXIT ? 0 : EINVAL;
}

void
pc_container_reap(pid_t pid, int *status)
{
    while (waitpid(pid, status, 0) < 0) {
        if (errno != EINTR) {
            *status = 127 << 8;
            break;
        }
    }
}

/* Sets all items of 'config' in 'c'. */
static char *
configure(struct lxc_container *c, const struct pc_container_config *config)
{
    for (size_t i = 0; i < config->n_items; i++) {
        const struct pc_container_item *item = &config->items[i];

        if (!c->set_config_item(c, item->key, item->value)) {
            return xasprintf("liblxc refused %s = %s", item->key,
                             item->value);
        }
    }
    return NULL;
}

/* Starts 'c' and returns the process id of its init, or 0.
 *
 * Not in this process but in a child, because liblxc moves the process that
 * calls start() into the cgroup of the container's monitor, where it would stay
 * and be accounted and could be killed with it. */
static pid_t
start_in_child(struct lxc_container *c, char *const init[])
{
    pid_t init_pid = 0;
    int fds[2];
    int status;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC)) {
        return 0;
    }
    pid = fork();
    if (!pid) {
        if (c->start(c, 0, init)) {
            init_pid = c->init_pid(c);
        }
        if (write(fds[1], &init_pid, sizeof init_pid) < 0) {
            _exit(EXIT_FAILURE);
        }
        _exit(EXIT_SUCCESS);
    }
    close(fds[1]);
    if (pid > 0) {
        ssize_t n;

        do {
            n = read(fds[0], &init_pid, sizeof init_pid);
        } while (n < 0 && errno == EINTR);
        init_pid = n == sizeof init_pid ? MAX(init_pid, 0) : 0;
        pc_container_reap(pid, &status);
    }
    close(fds[0]);
    return init_pid;
}

char *
pc_container_lxc_start(const char *lxc_path, const char *name,
                       const struct pc_container_config *config,
                       pid_t *init_pid)
{
    struct lxc_container *c = open_container(lxc_path, name);
    char *error;
    int lock;

    *init_pid = 0;
    if (!c) {
        return xasprintf("%s: liblxc cannot open it", name);
    }
    error = configure(c, config);
    if (!error) {
        c->want_daemonize(c, true);
        c->want_close_all_fds(c, true);
        lock = pc_container_lock_shared(lxc_path, LOCK_SH);
        *init_pid = start_in_child(c, config->init);
        pc_container_unlock_shared(lock);
    }
    close_container(c);
    return error;
}

/* Waits until process 'pidfd' has ended or 'ms' are over. */
static void
wait_for_end(int pidfd, unsigned int ms)
{
    struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
    long long int deadline = time_msec() + ms;

    for (;;) {
        long long int left = deadline - time_msec();

        if (left <= 0) {
            return;
        }
        if (poll(&pfd, 1, left) >= 0 || errno != EINTR) {
            return;
        }
    }
}

void
pc_container_lxc_stop_init(const char *lxc_path, const char *name,
                           unsigned int grace_ms)
{
    struct lxc_container *c = open_container(lxc_path, name);
    pid_t pid = c ? c->init_pid(c) : 0;
    int pidfd = pid > 0 ? pc_container_watch(pid) : -1;

    if (pidfd >= 0) {
        /* Is it still the process that liblxc spoke of? */
        if (grace_ms && c->init_pid(c) == pid
            && !syscall(SYS_pidfd_send_signal, pidfd, SIGPWR, NULL, 0)) {
            wait_for_end(pidfd, grace_ms);
        }
        if (c->init_pid(c) == pid) {
            syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        }
        wait_for_end(pidfd, 10000);
        close(pidfd);
    }
    close_container(c);
}

void
pc_container_lxc_list(const char *lxc_path, struct sset *names)
{
    char **active = NULL;
    int n = list_active_containers(lxc_path, &active, NULL);

    for (int i = 0; i < n; i++) {
        sset_add_and_free(names, active[i]);
    }
    free(active);
}

/* Runs in the attached process. */
static int
exec_main(void *argv_)
{
    char **argv = argv_;
    sigset_t none;

    for (int i = 1; i < NSIG; i++) {
        signal(i, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    return errno == ENOENT ? 127 : 126;
}

char *
pc_container_lxc_attach(const char *lxc_path, const char *name,
                        const char *const *argv, const int fds[3], pid_t *pid)
{
    lxc_attach_options_t options = LXC_ATTACH_OPTIONS_DEFAULT;
    char *env[] = { xstrdup("PATH="PC_CONTAINER_PATH), NULL };
    struct lxc_container *c = open_container(lxc_path, name);
    char *error = NULL;

    options.attach_flags |= LXC_ATTACH_NO_NEW_PRIVS;
    options.env_policy = LXC_ATTACH_CLEAR_ENV;
    options.extra_env_vars = env;
    options.initial_cwd = CONST_CAST(char *, "/");
    options.stdin_fd = fds[0];
    options.stdout_fd = fds[1];
    options.stderr_fd = fds[2];
    if (!c || c->init_pid(c) <= 0) {
        error = xasprintf("%s: does not run", name);
    } else if (c->attach(c, exec_main, CONST_CAST(char **, argv), &options,
                         pid) < 0) {
        error = xasprintf("%s: liblxc cannot enter it", name);
    }
    close_container(c);
    free(env[0]);
    return error;
}
