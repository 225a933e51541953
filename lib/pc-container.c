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
#include "pc-container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lxc/attach_options.h>
#include <lxc/lxccontainer.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pc-cgroup.h"
#include "pc-container-config.h"
#include "pc-fs.h"
#include "pc-netns.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_container);

#define PC_DEFAULT_PATH \
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Output of a command that pc_container_exec() keeps, bytes. */
#define PC_EXEC_MAX_OUTPUT 65536

/* liblxc's lock files, one for each container that was ever looked at. */
#define PC_LXC_LOCK_DIR "/run/lxc/lock"

void
pc_container_paths_init(struct pc_container_paths *paths)
{
    const char *libexec = getenv("PCLOUD_LIBEXECDIR");
    const char *data = getenv("PCLOUD_DATADIR");

    libexec = libexec && *libexec ? libexec : PC_PKGLIBEXECDIR;
    data = data && *data ? data : PC_PKGDATADIR;
    paths->init = xasprintf("%s/pcloud-vi-init", libexec);
    paths->hook = xasprintf("%s/pcloud-vi-hook", libexec);
    paths->seccomp = xasprintf("%s/seccomp.profile", data);
}

void
pc_container_paths_destroy(struct pc_container_paths *paths)
{
    free(paths->init);
    free(paths->hook);
    free(paths->seccomp);
    memset(paths, 0, sizeof *paths);
}

void
pc_container_process_init(void)
{
    static const char *const programs[] = { "newuidmap", "newgidmap" };
    const char *env = getenv("PATH");
    char *old = xstrdup(env ? env : PC_DEFAULT_PATH);
    struct ds path = DS_EMPTY_INITIALIZER;
    char *save = NULL;

    for (char *dir = strtok_r(old, ":", &save); dir;
         dir = strtok_r(NULL, ":", &save)) {
        bool found = false;

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
            char *file = xasprintf("%s/%s", dir, programs[i]);

            found = found || !access(file, X_OK);
            free(file);
        }
        if (!found) {
            ds_put_format(&path, "%s%s", path.length ? ":" : "", dir);
        }
    }
    setenv("PATH", path.length ? ds_cstr(&path) : "/nonexistent", 1);
    ds_destroy(&path);
    free(old);
}

/* Directories that all containers of 'lxc_path' share (the parent of their
 * cgroups, of liblxc's lock files) are removed with the last of them.  A lock on
 * 'lxc_path' keeps that apart from those who are just making something there:
 * LOCK_SH for them, LOCK_EX for removing.  Returns -1 if it cannot be had. */
static int
lock_shared_dirs(const char *lxc_path, int operation)
{
    int fd = open(lxc_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, operation)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void
unlock_shared_dirs(int fd)
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
    int lock = lock_shared_dirs(lxc_path, LOCK_SH);
    struct lxc_container *c = lxc_container_new(name, lxc_path);

    unlock_shared_dirs(lock);
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

char *
pc_container_log_path(const char *lxc_path, const char *name)
{
    return pc_container_file(lxc_path, name, "console.log");
}

static void
reap(pid_t pid, int *status)
{
    while (waitpid(pid, status, 0) < 0) {
        if (errno != EINTR) {
            *status = 127 << 8;
            break;
        }
    }
}

/* Makes the directories of 's' and removes what an earlier run has left that
 * must not be seen by the next. */
static char *
make_dirs(const struct pc_container_spec *s)
{
    static const char *const stale[] = {
        "lxc.log", "hook.log", "upper/run", "upper/tmp",
        "upper/.packetcloud",
    };
    char *dir = pc_container_dir(s->lxc_path, s->name);
    char *upper = pc_container_file(s->lxc_path, s->name, "upper");
    char *work = pc_container_file(s->lxc_path, s->name, "work");
    char *root = pc_container_file(s->lxc_path, s->name, "rootfs");
    char *text = NULL;
    int error;

    error = pc_fs_make_dirs(s->lxc_path);
    error = error ? error : pc_fs_make_dir(dir, 0711, 0, 0);
    error = error ? error : pc_fs_make_dir(root, 0755, 0, 0);
    error = error ? error : pc_fs_make_dir(upper, 0755, s->id_base,
                                           s->id_base);
    error = error ? error : pc_fs_make_dir(work, 0700, s->id_base,
                                           s->id_base);
    for (size_t i = 0; i < ARRAY_SIZE(stale) && !error; i++) {
        char *file = pc_container_file(s->lxc_path, s->name, stale[i]);

        error = pc_fs_remove_tree(file);
        free(file);
    }
    if (error) {
        text = xasprintf("%s: cannot make its directories (%s)", dir,
                         ovs_strerror(error));
    }
    free(dir);
    free(upper);
    free(work);
    free(root);
    return text;
}

/* The host's ends of veths are remembered in a file `links`, so that a pair that
 * a crash in the middle of a start has left on the host is found.  Whatever has
 * such a name before is not ours, and the start fails. */
static char *
claim_links(const struct pc_container_spec *s)
{
    char *file = pc_container_file(s->lxc_path, s->name, "links");
    struct ds names = DS_EMPTY_INITIALIZER;
    char *text = NULL;
    int error;

    for (size_t i = 0; i < s->n_interfaces && !text; i++) {
        const char *name = s->interfaces[i].host_name;

        /* Those of a container that has just ended may be on their way out. */
        for (int wait = 0; if_nametoindex(name); wait++) {
            if (wait >= 200) {
                text = xasprintf("network interface %s exists already", name);
                break;
            }
            usleep(10000);
        }
        ds_put_format(&names, "%s\n", name);
    }
    if (!text) {
        error = pc_fs_write_file(file, ds_cstr(&names));
        if (error) {
            text = xasprintf("%s: cannot write (%s)", file,
                             ovs_strerror(error));
        }
    }
    ds_destroy(&names);
    free(file);
    return text;
}

/* Removes links that are in `links` and still there; their container is dead. */
static void
remove_links(const char *lxc_path, const char *name)
{
    char *file = pc_container_file(lxc_path, name, "links");
    char *save = NULL;
    char *text;

    pc_fs_read_file(file, 4096, &text, NULL);
    for (char *link = text ? strtok_r(text, "\n", &save) : NULL; link;
         link = strtok_r(NULL, "\n", &save)) {
        int error = pc_netns_delete_veth(link);

        if (error && error != ENODEV) {
            VLOG_WARN("%s: cannot remove network interface %s (%s)", name,
                      link, ovs_strerror(error));
        }
    }
    pc_fs_remove_tree(file);
    free(text);
    free(file);
}

/* Returns the text of the first error in liblxc's log, or NULL.  A line is
 * "lxc NAME DATE ERROR MODULE - FILE:FUNCTION:LINE - TEXT". */
static char *
first_error(char *log)
{
    char *save = NULL;

    for (char *line = strtok_r(log, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *text = strstr(line, " ERROR ");

        text = text ? strstr(text, " - ") : NULL;
        text = text ? strstr(text + 3, " - ") : NULL;
        if (text) {
            return xstrdup(text + 3);
        }
    }
    return NULL;
}

/* Why a start of 's' has failed, as one line. */
static char *
start_error(const struct pc_container_spec *s)
{
    char *hook_file = pc_container_file(s->lxc_path, s->name, "hook.log");
    char *log_file = pc_container_file(s->lxc_path, s->name, "lxc.log");
    char *why = NULL;
    char *text, *error;

    pc_container_stage(s->lxc_path, s->name, &why);
    if (!why && !pc_fs_read_file(hook_file, 65536, &text, NULL)) {
        if (text[0]) {
            text[strcspn(text, "\n")] = '\0';
            why = xstrdup(text);
        }
        free(text);
    }
    if (!why && !pc_fs_read_file(log_file, 1 << 20, &text, NULL)) {
        why = first_error(text);
        free(text);
    }
    error = xasprintf("%s: cannot start (%s)", s->name,
                      why ? why : "liblxc gave no reason");
    free(why);
    free(hook_file);
    free(log_file);
    return error;
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
        reap(pid, &status);
    }
    close(fds[0]);
    return init_pid;
}

static char *
start_configured(struct lxc_container *c, const struct pc_container_spec *s,
                 const struct pc_container_config *config, pid_t *init_pid)
{
    char *error = configure(c, config);
    int lock;

    if (error) {
        return error;
    }
    c->want_daemonize(c, true);
    c->want_close_all_fds(c, true);
    lock = lock_shared_dirs(s->lxc_path, LOCK_SH);
    *init_pid = start_in_child(c, config->init);
    unlock_shared_dirs(lock);
    return *init_pid ? NULL : start_error(s);
}

char *
pc_container_start(const struct pc_container_spec *s, pid_t *init_pid)
{
    struct pc_container_config config;
    struct lxc_container *c = NULL;
    char *error;

    *init_pid = 0;
    error = pc_container_config_init(&config, s);
    if (error) {
        return error;
    }
    if (pc_container_init_pid(s->lxc_path, s->name)) {
        error = xasprintf("%s: runs already", s->name);
    } else {
        /* Whatever an earlier run has left. */
        error = pc_container_stop(s->lxc_path, s->name, 0);
        error = error ? error : make_dirs(s);
        error = error ? error : claim_links(s);
        if (!error) {
            c = open_container(s->lxc_path, s->name);
            error = (c ? start_configured(c, s, &config, init_pid)
                     : xasprintf("%s: liblxc cannot open it", s->name));
            close_container(c);
            if (error) {
                free(pc_container_stop(s->lxc_path, s->name, 0));
            }
        }
    }
    pc_container_config_destroy(&config);
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

/* Asks the container's init to end, then kills it. */
static void
stop_init(struct lxc_container *c, unsigned int grace_ms)
{
    pid_t pid = c->init_pid(c);
    int pidfd = pid > 0 ? pc_container_watch(pid) : -1;

    if (pidfd < 0) {
        return;
    }
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

char *
pc_container_stop(const char *lxc_path, const char *name,
                  unsigned int grace_ms)
{
    struct lxc_container *c;
    char *cgroup;
    int error;

    if (!pc_container_name_is_valid(name)) {
        return xasprintf("\"%s\" cannot be a container's name", name);
    }
    c = open_container(lxc_path, name);
    if (c) {
        stop_init(c, grace_ms);
        close_container(c);
    }

    /* The monitor now removes its cgroups and goes; this waits for it, or does
     * it in its stead. */
    cgroup = pc_container_cgroup(lxc_path, name);
    error = pc_cgroup_destroy(cgroup);
    free(cgroup);
    if (error) {
        return xasprintf("%s: its processes cannot be killed (%s)", name,
                         ovs_strerror(error));
    }
    remove_links(lxc_path, name);
    return NULL;
}

/* Removes the directories that containers of 'lxc_path' share, if no other
 * container needs them. */
static void
remove_shared_dirs(const char *lxc_path)
{
    int lock = lock_shared_dirs(lxc_path, LOCK_EX | LOCK_NB);
    char *path;

    if (lock < 0) {
        return;
    }
    path = pc_container_cgroup_parent(lxc_path);
    pc_cgroup_remove_empty(path);
    pc_cgroup_remove_empty("packetcloud");
    free(path);

    path = xasprintf(PC_LXC_LOCK_DIR"/%s", lxc_path);
    while (strlen(path) > strlen(PC_LXC_LOCK_DIR) && !rmdir(path)) {
        *strrchr(path, '/') = '\0';
        while (path[0] && path[strlen(path) - 1] == '/') {
            path[strlen(path) - 1] = '\0';
        }
    }
    free(path);
    unlock_shared_dirs(lock);
}

char *
pc_container_destroy(const char *lxc_path, const char *name)
{
    char *error = pc_container_stop(lxc_path, name, 0);
    char *path;
    int retval;

    if (error) {
        return error;
    }
    path = pc_container_dir(lxc_path, name);
    retval = pc_fs_remove_tree(path);
    if (retval) {
        error = xasprintf("%s: cannot remove (%s)", path,
                          ovs_strerror(retval));
    }
    free(path);

    path = xasprintf(PC_LXC_LOCK_DIR"/%s/.%s", lxc_path, name);
    unlink(path);
    free(path);
    remove_shared_dirs(lxc_path);
    return error;
}

static char **
sset_to_array(const struct sset *names)
{
    char **array = xcalloc(sset_count(names) + 1, sizeof *array);
    const char *name;
    size_t n = 0;

    SSET_FOR_EACH (name, names) {
        array[n++] = xstrdup(name);
    }
    return array;
}

static void
list_running(const char *lxc_path, struct sset *names)
{
    char **active = NULL;
    int n = list_active_containers(lxc_path, &active, NULL);

    for (int i = 0; i < n; i++) {
        sset_add_and_free(names, active[i]);
    }
    free(active);
}

char **
pc_container_list(const char *lxc_path)
{
    struct sset names = SSET_INITIALIZER(&names);
    char **array;

    list_running(lxc_path, &names);
    array = sset_to_array(&names);
    sset_destroy(&names);
    return array;
}

static void
list_cb(const char *name, void *names_)
{
    struct sset *names = names_;

    if (pc_container_name_is_valid(name)) {
        sset_add(names, name);
    }
}

char **
pc_container_list_all(const char *lxc_path)
{
    struct sset names = SSET_INITIALIZER(&names);
    char *cgroup = pc_container_cgroup_parent(lxc_path);
    DIR *dir = opendir(lxc_path);
    struct dirent *de;
    char **array;

    list_running(lxc_path, &names);
    pc_cgroup_for_each(cgroup, list_cb, &names);
    while (dir && (de = readdir(dir))) {
        list_cb(de->d_name, &names);
    }
    if (dir) {
        closedir(dir);
    }
    free(cgroup);
    array = sset_to_array(&names);
    sset_destroy(&names);
    return array;
}

void
pc_container_list_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++) {
        free(names[i]);
    }
    free(names);
}

enum pc_container_stage
pc_container_stage(const char *lxc_path, const char *name, char **why)
{
    char *upper = pc_container_file(lxc_path, name, "upper");
    enum pc_container_stage stage = PC_CONTAINER_NONE;
    char *text;

    if (why) {
        *why = NULL;
    }
    if (!pc_fs_read_below(upper, ".packetcloud/status", 1024, &text)) {
        text[strcspn(text, "\n")] = '\0';
        if (!strcmp(text, "setup")) {
            stage = PC_CONTAINER_SETUP;
        } else if (!strcmp(text, "running")) {
            stage = PC_CONTAINER_RUNNING;
        } else if (!strncmp(text, "failed: ", 8)) {
            stage = PC_CONTAINER_FAILED;
            /* It may contain anything: keep the database and terminals clean.*/
            for (char *p = text; *p; p++) {
                *p = *p >= ' ' && *p <= '~' ? *p : '?';
            }
            if (why) {
                *why = xstrdup(text + 8);
            }
        }
        free(text);
    }
    free(upper);
    return stage;
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

/* Starts 'argv' in the container with stdio 'fds'; its process id, a child of
 * ours, goes to '*pid'. */
static char *
attach(const char *lxc_path, const char *name, const char *const *argv,
       const int fds[3], pid_t *pid)
{
    lxc_attach_options_t options = LXC_ATTACH_OPTIONS_DEFAULT;
    char *env[] = { xstrdup("PATH="PC_DEFAULT_PATH), NULL };
    struct lxc_container *c = open_container(lxc_path, name);
    char *error = NULL;
    int retval = -1;

    options.attach_flags |= LXC_ATTACH_NO_NEW_PRIVS;
    options.env_policy = LXC_ATTACH_CLEAR_ENV;
    options.extra_env_vars = env;
    options.initial_cwd = CONST_CAST(char *, "/");
    options.stdin_fd = fds[0];
    options.stdout_fd = fds[1];
    options.stderr_fd = fds[2];
    if (!c || c->init_pid(c) <= 0) {
        error = xasprintf("%s: does not run", name);
    } else {
        retval = c->attach(c, exec_main, CONST_CAST(char **, argv), &options,
                           pid);
        if (retval < 0) {
            error = xasprintf("%s: liblxc cannot enter it", name);
        }
    }
    close_container(c);
    free(env[0]);
    return error;
}

/* Collects output from 'fd' until 'pidfd' ends or 'timeout_ms' is over. */
static void
collect(int fd, int pidfd, unsigned int timeout_ms,
        struct pc_container_result *r)
{
    long long int deadline = time_msec() + timeout_ms;
    bool eof = false;
    bool ended = false;

    while (!eof || !ended) {
        struct pollfd pfds[2] = {
            { .fd = eof ? -1 : fd, .events = POLLIN },
            { .fd = ended ? -1 : pidfd, .events = POLLIN },
        };
        long long int left = timeout_ms ? deadline - time_msec() : 3600000;
        char buffer[4096];
        ssize_t n;

        if (left <= 0 && !ended) {
            r->timed_out = true;
            return;
        }
        /* What it has left in the background may keep the pipe open. */
        if (poll(pfds, 2, ended ? 0 : left) < 0 && errno != EINTR) {
            return;
        }
        if (ended && !pfds[0].revents) {
            return;
        }
        ended = ended || pfds[1].revents;
        if (pfds[0].revents) {
            n = read(fd, buffer, sizeof buffer);
            eof = n <= 0;
            if (n > 0) {
                n = MIN(n, PC_EXEC_MAX_OUTPUT - r->length);
                memcpy(r->output + r->length, buffer, n);
                r->length += n;
            }
        }
    }
}

char *
pc_container_exec(const char *lxc_path, const char *name,
                  const char *const *argv, unsigned int timeout_ms,
                  struct pc_container_result *r)
{
    int pipe_fds[2] = { -1, -1 };
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char *error = NULL;
    pid_t pid;

    memset(r, 0, sizeof *r);
    if (null_fd < 0 || pipe2(pipe_fds, O_CLOEXEC)) {
        error = xasprintf("%s: %s", name, ovs_strerror(errno));
    } else {
        const int fds[3] = { null_fd, pipe_fds[1], pipe_fds[1] };

        error = attach(lxc_path, name, argv, fds, &pid);
    }
    if (pipe_fds[1] >= 0) {
        close(pipe_fds[1]);
    }
    if (!error) {
        int pidfd = pc_container_watch(pid);

        r->output = xmalloc(PC_EXEC_MAX_OUTPUT + 1);
        collect(pipe_fds[0], pidfd, timeout_ms, r);
        r->output[r->length] = '\0';
        if (r->timed_out) {
            kill(pid, SIGKILL);
        }
        reap(pid, &r->status);
        if (pidfd >= 0) {
            close(pidfd);
        }
    }
    if (null_fd >= 0) {
        close(null_fd);
    }
    if (pipe_fds[0] >= 0) {
        close(pipe_fds[0]);
    }
    return error;
}

char *
pc_container_exec_fds(const char *lxc_path, const char *name,
                      const char *const *argv, const int fds[3], int *status)
{
    char *error;
    pid_t pid;

    *status = 0;
    error = attach(lxc_path, name, argv, fds, &pid);
    if (!error) {
        reap(pid, status);
    }
    return error;
}

char *
pc_container_set_limits(const char *lxc_path, const char *name,
                        const struct pc_cgroup_limits *limits)
{
    char *cgroup = pc_container_cgroup(lxc_path, name);
    char *why = pc_cgroup_set_limits(cgroup, limits);
    char *error = why ? xasprintf("%s: %s", name, why) : NULL;

    free(why);
    free(cgroup);
    return error;
}

int
pc_container_get_usage(const char *lxc_path, const char *name,
                       struct pc_cgroup_usage *usage)
{
    char *cgroup = pc_container_cgroup(lxc_path, name);
    int error = pc_cgroup_get_usage(cgroup, usage);

    free(cgroup);
    return error;
}
