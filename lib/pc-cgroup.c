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
#include "pc-cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pc-cgroup-private.h"
#include "pc-fs.h"
#include "pc-units.h"
#include "timeval.h"
#include "util.h"

static const struct pc_cgroup_file cpu_file
    = { "cpu", "cpu.cfs_quota_us", "cpu.max" };
static const struct pc_cgroup_file memory_file
    = { "memory", "memory.limit_in_bytes", "memory.max" };
static const struct pc_cgroup_file pids_file
    = { "pids", "pids.max", "pids.max" };

bool
pc_cgroup_is_v2(void)
{
    struct statfs fs;

    return (!statfs(PC_CGROUP_ROOT, &fs)
            && fs.f_type == (__typeof__(fs.f_type)) CGROUP2_SUPER_MAGIC);
}

char *
pc_cgroup_file_name(const char *path, const struct pc_cgroup_file *f)
{
    return (pc_cgroup_is_v2()
            ? xasprintf(PC_CGROUP_ROOT"/%s/payload/%s", path, f->v2)
            : xasprintf(PC_CGROUP_ROOT"/%s/%s/payload/%s", f->controller, path,
                        f->v1));
}

int
pc_cgroup_write(const char *path, const struct pc_cgroup_file *f,
                const char *value)
{
    char *name = pc_cgroup_file_name(path, f);
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    int error = 0;

    if (fd < 0 || write(fd, value, strlen(value)) < 0) {
        error = errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    free(name);
    return error;
}

char *
pc_cgroup_read(const char *path, const struct pc_cgroup_file *f)
{
    char *name = pc_cgroup_file_name(path, f);
    char *text;

    pc_fs_read_file(name, 65536, &text, NULL);
    free(name);
    return text;
}

static uint64_t
read_number(const char *path, const struct pc_cgroup_file *f)
{
    char *text = pc_cgroup_read(path, f);
    uint64_t value = text ? strtoull(text, NULL, 10) : 0;

    free(text);
    return value;
}

/* The first number in the file 'name' of the root, and the second, which may be
 * missing; 0 for what is not a number, as "max". */
static void
read_root(const char *name, uint64_t *first, uint64_t *second)
{
    char *path = xasprintf(PC_CGROUP_ROOT"/%s", name);
    char *text, *rest;

    *first = *second = 0;
    if (!pc_fs_read_file(path, 4096, &text, NULL)) {
        long long int value = strtoll(text, &rest, 10);

        *first = MAX(value, 0);         /* v1: -1 is no limit. */
        *second = strtoull(rest, NULL, 10);
        free(text);
    }
    free(path);
}

void
pc_cgroup_get_root_limits(struct pc_cgroup_limits *l)
{
    bool v2 = pc_cgroup_is_v2();
    uint64_t quota, period, none;

    memset(l, 0, sizeof *l);
    read_root(v2 ? memory_file.v2 : "memory/memory.limit_in_bytes", &l->memory,
              &none);
    read_root(v2 ? cpu_file.v2 : "cpu/cpu.cfs_quota_us", &quota, &period);
    if (!v2) {
        read_root("cpu/cpu.cfs_period_us", &period, &none);
    }
    if (quota && period) {
        l->cpu = quota * 1000 / period;
    }
}

/* Number after the word 'key' in a file of "KEY VALUE" lines. */
static uint64_t
read_keyed(const char *path, const struct pc_cgroup_file *f, const char *key)
{
    char *text = pc_cgroup_read(path, f);
    char *save = NULL;
    uint64_t value = 0;

    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        size_t n = strlen(key);

        if (!strncmp(line, key, n) && line[n] == ' ') {
            value = strtoull(line + n + 1, NULL, 10);
        }
    }
    free(text);
    return value;
}

static uint64_t
memory_in_use(const char *path)
{
    static const struct pc_cgroup_file usage
        = { "memory", "memory.usage_in_bytes", "memory.current" };

    return read_number(path, &usage);
}

/* v2: asks the kernel to free what it can, such as the page cache, until 'memory'
 * bytes are in use.  Kernels before 5.19 cannot. */
static void
reclaim_memory(const char *path, uint64_t memory)
{
    static const struct pc_cgroup_file reclaim
        = { NULL, NULL, "memory.reclaim" };
    uint64_t in_use = memory_in_use(path);

    if (in_use > memory) {
        char *value = xasprintf("%"PRIu64, in_use - memory);

        /* EAGAIN: it was less. */
        pc_cgroup_write(path, &reclaim, value);
        free(value);
    }
}

/* Sets the memory limit.  v1 frees what can be freed, and refuses by itself what
 * is then still below the use; v2 would kill processes to obey, therefore do the
 * same first. */
static char *
set_memory(const char *path, uint64_t memory)
{
    char *value = (memory ? xasprintf("%"PRIu64, memory)
                   : xstrdup(pc_cgroup_is_v2() ? "max" : "-1"));
    int error;

    if (memory && pc_cgroup_is_v2()) {
        reclaim_memory(path, memory);
    }
    if (memory && pc_cgroup_is_v2() && memory_in_use(path) > memory) {
        error = EBUSY;
    } else {
        error = pc_cgroup_write(path, &memory_file, value);
    }
    free(value);

    if (error == EBUSY) {
        char *limit = pc_units_format_bytes(memory);
        char *text = xasprintf("a memory limit of %s is below the %.1f MiB in "
                               "use", limit,
                               memory_in_use(path) / (1024.0 * 1024.0));
        free(limit);
        return text;
    }
    return (error ? xasprintf("cannot set memory limit (%s)",
                              ovs_strerror(error)) : NULL);
}

uint64_t
pc_cgroup_quota(uint64_t cpu)
{
    /* The kernel takes no quota below 1 ms, and none of many days; a million
     * CPUs are as good as any number. */
    return MAX(MIN(cpu, 1000000000) * PC_CGROUP_PERIOD_USEC / 1000, 1000);
}

static char *
set_cpu(const char *path, uint64_t cpu)
{
    uint64_t quota = pc_cgroup_quota(cpu);
    char *value;
    int error;

    if (pc_cgroup_is_v2()) {
        value = (cpu ? xasprintf("%"PRIu64" %d", quota, PC_CGROUP_PERIOD_USEC)
                 : xasprintf("max %d", PC_CGROUP_PERIOD_USEC));
    } else {
        value = cpu ? xasprintf("%"PRIu64, quota) : xstrdup("-1");
    }
    error = pc_cgroup_write(path, &cpu_file, value);
    free(value);
    return (error ? xasprintf("cannot set CPU limit (%s)",
                              ovs_strerror(error)) : NULL);
}

static char *
set_pids(const char *path, uint64_t pids)
{
    char *value = pids ? xasprintf("%"PRIu64, pids) : xstrdup("max");
    int error = pc_cgroup_write(path, &pids_file, value);

    free(value);
    return (error ? xasprintf("cannot set limit of processes (%s)",
                              ovs_strerror(error)) : NULL);
}

char *
pc_cgroup_set_limits(const char *path, const struct pc_cgroup_limits *l)
{
    /* Memory first: it is the one that can well be refused. */
    char *old_memory = pc_cgroup_read(path, &memory_file);
    char *old_cpu = pc_cgroup_read(path, &cpu_file);
    char *error;

    error = set_memory(path, l->memory);
    if (!error) {
        error = set_cpu(path, l->cpu);
        if (!error) {
            error = set_pids(path, l->pids);
            if (error && old_cpu) {
                pc_cgroup_write(path, &cpu_file, old_cpu);
            }
        }
        if (error && old_memory) {
            pc_cgroup_write(path, &memory_file, old_memory);
        }
    }
    free(old_memory);
    free(old_cpu);
    return error;
}

int
pc_cgroup_get_usage(const char *path, struct pc_cgroup_usage *usage)
{
    static const struct pc_cgroup_file cpu_v1
        = { "cpuacct", "cpuacct.usage", NULL };
    static const struct pc_cgroup_file cpu_v2 = { NULL, NULL, "cpu.stat" };
    static const struct pc_cgroup_file pids
        = { "pids", "pids.current", "pids.current" };
    static const struct pc_cgroup_file oom
        = { "memory", "memory.oom_control", "memory.events" };
    char *name = pc_cgroup_file_name(path, &pids);
    int error = access(name, F_OK) ? errno : 0;

    free(name);
    memset(usage, 0, sizeof *usage);
    if (!error) {
        usage->cpu_usec = (pc_cgroup_is_v2()
                           ? read_keyed(path, &cpu_v2, "usage_usec")
                           : read_number(path, &cpu_v1) / 1000);
        usage->memory = memory_in_use(path);
        usage->pids = read_number(path, &pids);
        usage->oom_kills = read_keyed(path, &oom, "oom_kill");
        pc_cgroup_get_io_usage(path, usage);
    }
    return error;
}

bool
pc_cgroup_is_frozen(const char *path)
{
    static const struct pc_cgroup_file file
        = { "freezer", "freezer.state", "cgroup.events" };
    char *text = pc_cgroup_read(path, &file);
    bool frozen = (text && (!strncmp(text, "FROZEN", 6)
                            || strstr(text, "frozen 1")));

    free(text);
    return frozen;
}

void
pc_cgroup_thaw(const char *path)
{
    static const struct pc_cgroup_file file
        = { "freezer", "freezer.state", "cgroup.freeze" };

    pc_cgroup_write(path, &file, pc_cgroup_is_v2() ? "0" : "THAWED");
}

/* Calls cb(directory, aux) for the root of each hierarchy. */
static void
for_each_hierarchy(void (*cb)(const char *root, void *aux), void *aux)
{
    struct dirent *de;
    DIR *dir;

    if (pc_cgroup_is_v2()) {
        cb(PC_CGROUP_ROOT, aux);
        return;
    }
    dir = opendir(PC_CGROUP_ROOT);
    while (dir && (de = readdir(dir))) {
        /* "cpuacct" may be a link to "cpu,cpuacct". */
        if (de->d_name[0] != '.' && de->d_type == DT_DIR) {
            char *root = xasprintf(PC_CGROUP_ROOT"/%s", de->d_name);

            cb(root, aux);
            free(root);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* One attempt to kill and remove a cgroup in all hierarchies. */
struct pc_cgroup_removal {
    const char *path;
    bool kill_monitor;
    bool left;                  /* Something is still there. */
};

static void
kill_all(const char *dir)
{
    char *name = xasprintf("%s/cgroup.procs", dir);
    FILE *file = fopen(name, "re");
    long int pid;

    while (file && fscanf(file, "%ld", &pid) == 1) {
        /* 0: a process of another pid namespace.  1 or ourselves: never. */
        if (pid > 1 && pid != getpid()) {
            kill(pid, SIGKILL);
        }
    }
    if (file) {
        fclose(file);
    }
    free(name);
}

/* Kills (if 'do_kill') and removes the cgroup 'dir' and those below it. */
static void
remove_cgroup(const char *dir_name, bool do_kill, struct pc_cgroup_removal *r)
{
    DIR *dir = opendir(dir_name);
    struct dirent *de;

    if (!dir) {
        return;
    }
    if (do_kill) {
        kill_all(dir_name);
    }
    while ((de = readdir(dir))) {
        /* Not all that begin with '.': liblxc makes one called ".lxc". */
        if (de->d_type == DT_DIR && strcmp(de->d_name, ".")
            && strcmp(de->d_name, "..")) {
            char *child = xasprintf("%s/%s", dir_name, de->d_name);

            remove_cgroup(child, do_kill || strcmp(de->d_name, "monitor"), r);
            free(child);
        }
    }
    closedir(dir);
    if (rmdir(dir_name) && errno != ENOENT) {
        r->left = true;
    }
}

static void
remove_in_hierarchy(const char *root, void *r_)
{
    struct pc_cgroup_removal *r = r_;
    char *dir = xasprintf("%s/%s", root, r->path);

    remove_cgroup(dir, r->kill_monitor, r);
    free(dir);
}

int
pc_cgroup_destroy(const char *path)
{
    long long int start = time_msec();

    for (unsigned int delay = 1000; ; delay = MIN(delay * 2, 50000)) {
        long long int elapsed = time_msec() - start;
        struct pc_cgroup_removal r = {
            .path = path,
            .kill_monitor = elapsed >= 500,
        };

        for_each_hierarchy(remove_in_hierarchy, &r);
        if (!r.left) {
            return 0;
        } else if (elapsed > 10000) {
            return EBUSY;
        }
        usleep(delay);
    }
}

static void
rmdir_in_hierarchy(const char *root, void *path)
{
    char *dir = xasprintf("%s/%s", root, (const char *) path);

    rmdir(dir);
    free(dir);
}

void
pc_cgroup_remove_empty(const char *path)
{
    for_each_hierarchy(rmdir_in_hierarchy, CONST_CAST(char *, path));
}

struct pc_cgroup_walk {
    const char *path;
    void (*cb)(const char *name, void *aux);
    void *aux;
};

static void
walk_hierarchy(const char *root, void *w_)
{
    struct pc_cgroup_walk *w = w_;
    char *name = xasprintf("%s/%s", root, w->path);
    DIR *dir = opendir(name);
    struct dirent *de;

    while (dir && (de = readdir(dir))) {
        if (de->d_name[0] != '.' && de->d_type == DT_DIR) {
            w->cb(de->d_name, w->aux);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(name);
}

void
pc_cgroup_for_each(const char *path,
                   void (*cb)(const char *name, void *aux), void *aux)
{
    struct pc_cgroup_walk w = { .path = path, .cb = cb, .aux = aux };

    for_each_hierarchy(walk_hierarchy, &w);
}
