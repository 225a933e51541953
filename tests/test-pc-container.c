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

/* Real containers by pc-vi and pc-container: root, from a system test.
 *
 * usage: test-pc-container STATE-DIR [STARTS]
 *
 * Starts an unprivileged overlay container of the image `host`, tries all that
 * pc-container.h promises on it, kills it in several ways, and checks that nothing
 * stays.  With STARTS it then measures that many starts.  Prints one line for each
 * step; exits with 1 at the first that is not as it should be. */

#include <config.h>
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "pc-container-config.h"
#include "pc-fs.h"
#include "pc-image.h"
#include "pc-vi.h"
#include "timeval.h"
#include "util.h"

#define NAME "test-pc-1"

struct test {
    struct pc_vi_config cfg;
    struct pc_vi_image *image;
    pid_t pid;
};

static void
check(bool ok, const char *what)
{
    printf("%s: %s\n", what, ok ? "ok" : "FAILED");
    fflush(stdout);
    if (!ok) {
        exit(EXIT_FAILURE);
    }
}

static void
check_error(char *error, const char *what)
{
    if (error) {
        printf("%s\n", error);
    }
    check(!error, what);
}

static bool
exists(const char *pattern)
{
    glob_t g;
    bool found = !glob(pattern, 0, NULL, &g);

    globfree(&g);
    return found;
}

static void
start(struct test *t)
{
    static const char *const addresses[]
        = { "10.99.7.2/24", "fd99::2/64", NULL };
    static const char *const command[] = {
        "/usr/bin/python3", "-m", "http.server", "80", NULL
    };
    const struct pc_container_interface iface = {
        .host_name = "tpc1a",
        .mac = "02:00:00:00:99:01",
        .addresses = addresses,
        .gateway4 = "10.99.7.1",
        .gateway6 = "fd99::1",
    };
    const struct pc_vi_params p = {
        .name = NAME,
        .mode = PC_MANIFEST_HOST,
        .limits = { .cpu = 500, .memory = 128 << 20, .pids = 64 },
        .interfaces = &iface,
        .n_interfaces = 1,
        .command = command,
    };

    check_error(pc_vi_start(&t->cfg, t->image, &p, &t->pid), "start");
    check(t->pid > 0 && if_nametoindex("tpc1a"), "init and veth");
}

static int
sh_timeout(const struct test *t, const char *script, unsigned int timeout_ms,
           char **output)
{
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    struct pc_container_result r;

    check_error(pc_container_exec(t->cfg.lxc_path, NAME, argv, timeout_ms,
                                  &r), script);
    if (output) {
        *output = r.output;
    } else {
        free(r.output);
    }
    return r.timed_out ? -1 : r.status;
}

static int
sh(const struct test *t, const char *script, char **output)
{
    return sh_timeout(t, script, 10000, output);
}

static void
check_nothing_left(const struct test *t, bool directory)
{
    char *cgroup = pc_container_cgroup(t->cfg.lxc_path, NAME);
    char *pattern = xasprintf("/sys/fs/cgroup/%s%s",
                              pc_cgroup_is_v2() ? "" : "*/", cgroup);
    char *dir = xasprintf("%s/"NAME, t->cfg.lxc_path);
    char *mounts = NULL;

    check(!exists(pattern), "no cgroup left");
    check(!if_nametoindex("tpc1a"), "no veth left");
    check(exists(dir) == directory, directory ? "directory kept"
                                              : "no directory left");
    check(!pc_fs_read_file("/proc/self/mountinfo", 1 << 20, &mounts, NULL)
          && !strstr(mounts, t->cfg.lxc_path), "no mount left");
    check(!pc_container_init_pid(t->cfg.lxc_path, NAME), "not running");
    free(mounts);
    free(pattern);
    free(cgroup);
    free(dir);
}

static void
check_inside(struct test *t)
{
    char *output;

    check(sh(t, "exit 3", NULL) == 3 << 8, "exit status");
    check(sh(t, "sleep 30", NULL) == -1, "time limit");
    check(!sh(t, "id -u; cat /proc/1/uid_map", &output)
          && !strncmp(output, "0\n", 2) && strstr(output, "200000"),
          "root inside, id-mapped");
    free(output);
    check(sh(t, "touch /usr/x", NULL), "/usr is read-only");
    check(!sh(t, "touch /etc/x", NULL), "overlay is writable");
    check(sh(t, "mount -t tmpfs x /mnt", NULL), "no mount inside");
    check(!sh(t, "grep -q 'NoNewPrivs:.1' /proc/self/status"
                 " && grep -q 'Seccomp:.2' /proc/self/status", NULL),
          "no_new_privs and seccomp");
    check(!sh(t, "grep -q 'CapEff:.0000000000000400' /proc/7/status"
                 " || grep -q 'CapEff:.0000000000000400' /proc/2/status",
              NULL), "capabilities of the command");
    check(!sh(t, "for i in `seq 50`; do bash -c"
                 " 'exec 3<>/dev/tcp/10.99.7.2/80' 2>/dev/null && exit 0;"
                 " sleep 0.1; done; exit 1", NULL), "service answers");
    check(!sh(t, "ip -6 addr show dev eth0 | grep -q 'fd99::2/64.*nodad'",
              NULL), "IPv6 address at once");
}

/* True if the first line of a kernel's file of the container's cgroup is 'value':
 * file 'v2', or 'v1' of the hierarchy 'controller'. */
static bool
kernel_has(const struct test *t, const char *controller, const char *v1,
           const char *v2, const char *value)
{
    char *cgroup = pc_container_cgroup(t->cfg.lxc_path, NAME);
    bool is_v2 = pc_cgroup_is_v2();
    char *file = xasprintf("/sys/fs/cgroup/%s/%s/payload/%s",
                           is_v2 ? "" : controller, cgroup, is_v2 ? v2 : v1);
    bool same = false;
    char *text;

    if (!pc_fs_read_file(file, 4096, &text, NULL)) {
        text[strcspn(text, "\n")] = '\0';
        same = !strcmp(text, value);
        printf("%s: %s\n", is_v2 ? v2 : v1, text);
        free(text);
    }
    free(file);
    free(cgroup);
    return same;
}

static void
check_kernel_limits(const struct test *t,
                    const struct pc_container_limits *limits,
                    const char *what)
{
    const struct pc_cgroup_limits *l = &limits->cgroup;
    char *quota = xasprintf("%"PRIu64"%s", l->cpu * 100,
                            pc_cgroup_is_v2() ? " 100000" : "");
    char *memory = xasprintf("%"PRIu64, l->memory);
    char *pids = xasprintf("%"PRIu64, l->pids);

    check(kernel_has(t, "cpu", "cpu.cfs_quota_us", "cpu.max", quota)
          && kernel_has(t, "memory", "memory.limit_in_bytes", "memory.max",
                        memory)
          && kernel_has(t, "pids", "pids.max", "pids.max", pids), what);
    free(quota);
    free(memory);
    free(pids);
}

/* Reads 4 MB past the page cache.  Returns how many milliseconds that takes. */
static long long int
read_direct(const struct test *t)
{
    long long int start = time_msec();

    check(!sh_timeout(t, "f=`ls -S /usr/lib/*/*.so.* | head -n 1`; exec dd "
                      "if=$f of=/dev/null iflag=direct bs=128k count=32",
                      120000, NULL), "read past the page cache");
    return time_msec() - start;
}

/* I/O of 'now', without limits of it, is limited and set free again. */
static void
check_io(const struct test *t, const struct pc_container_limits *now)
{
    struct pc_container_limits slow = *now;
    struct pc_cgroup_usage usage;
    long long int free_ms, slow_ms;
    char *error;

    slow.io_bps = 2000000;
    slow.iops = 1000;
    error = pc_container_set_limits(t->cfg.lxc_path, NAME, &slow, now);
    if (error) {
        printf("I/O is not tested: %s\n", error);
        free(error);
        return;
    }
    slow_ms = read_direct(t);
    check_error(pc_container_set_limits(t->cfg.lxc_path, NAME, now, &slow),
                "I/O limits removed");
    free_ms = read_direct(t);
    printf("4 MB: %lld ms with a limit of 2 MB/s, %lld ms without\n", slow_ms,
           free_ms);
    check(slow_ms > 1500 && free_ms < 1000, "I/O limits");
    check(!pc_container_get_usage(t->cfg.lxc_path, NAME, &usage)
          && usage.io_read_bytes >= 4000000 && usage.io_reads >= 32,
          "I/O is counted");
}

static void
check_limits(struct test *t)
{
    const struct pc_container_limits first
        = { .cgroup.cpu = 500, .cgroup.memory = 128 << 20, .cgroup.pids = 64 };
    const struct pc_container_limits second
        = { .cgroup.cpu = 250, .cgroup.memory = 96 << 20, .cgroup.pids = 32 };
    const struct pc_container_limits cached
        = { .cgroup.cpu = 250, .cgroup.memory = 56 << 20, .cgroup.pids = 32 };
    const struct pc_container_limits small
        = { .cgroup.cpu = 100, .cgroup.memory = 65536, .cgroup.pids = 16 };
    struct pc_cgroup_usage usage;
    char *error;
    int status;

    printf("cgroup v%d\n", pc_cgroup_is_v2() ? 2 : 1);
    check_kernel_limits(t, &first, "limits of the start");
    check_error(pc_container_set_limits(t->cfg.lxc_path, NAME, &second,
                                        &first),
                "set limits");
    check_kernel_limits(t, &second, "limits changed");
    error = pc_container_set_limits(t->cfg.lxc_path, NAME, &small, &second);
    check(error && strstr(error, "in use"), "memory below use is refused");
    free(error);
    check_kernel_limits(t, &second, "limits as before");
    check(!sh_timeout(t, "cat /usr/lib/*/*.so.* | head -c 60M > /dev/null",
                      120000, NULL), "fill the page cache");
    check(!pc_container_get_usage(t->cfg.lxc_path, NAME, &usage), "usage");
    printf("memory: %"PRIu64"\n", usage.memory);
    check_error(pc_container_set_limits(t->cfg.lxc_path, NAME, &cached,
                                        &second),
                "page cache does not count as use");
    check_kernel_limits(t, &cached, "limits changed");
    status = sh_timeout(t, "exec dd if=/dev/zero of=/dev/null bs=150M count=1",
                        120000, NULL);
    printf("status: %d\n", status);
    check(status == SIGKILL, "no more memory than the limit");
    check(!pc_container_get_usage(t->cfg.lxc_path, NAME, &usage)
          && usage.memory > 65536 && usage.pids >= 2 && usage.cpu_usec,
          "usage");
    check(usage.oom_kills >= 1, "count of OOM kills");
    check_io(t, &cached);
    /* Last: until these end nothing else can be run in it. */
    check(sh(t, "set -e; for i in `seq 60`; do sleep 2 & done", NULL),
          "no more processes than the limit");
}

static void
kill_and_check(struct test *t, bool monitor)
{
    char *file = xasprintf("/proc/%ld/stat", (long int) t->pid);
    pid_t pid = t->pid;
    char *text;
    int fd;

    if (monitor) {
        check(!pc_fs_read_file(file, 4096, &text, NULL), "stat");
        sscanf(strrchr(text, ')') + 1, " %*c %d", &pid);
        free(text);
    }
    fd = pc_container_watch(t->pid);
    check(fd >= 0 && pid > 1 && !kill(pid, SIGKILL),
          monitor ? "kill -9 monitor" : "kill -9 init");
    close(fd);
    check_error(pc_container_destroy(t->cfg.lxc_path, NAME), "destroy");
    check_nothing_left(t, false);
    free(file);
}

static int
compare(const void *a_, const void *b_)
{
    const long long int *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static void
measure(struct test *t, int n)
{
    long long int *us = xcalloc(n, sizeof *us);
    long long int *stop_us = xcalloc(n, sizeof *us);

    for (int i = 0; i < n; i++) {
        us[i] = time_usec();
        start(t);
        us[i] = time_usec() - us[i];
        stop_us[i] = time_usec();
        check_error(pc_container_stop(t->cfg.lxc_path, NAME, 0), "stop");
        stop_us[i] = time_usec() - stop_us[i];
    }
    qsort(us, n, sizeof *us, compare);
    qsort(stop_us, n, sizeof *us, compare);
    printf("start of %d: median %.1f ms, min %.1f, max %.1f; "
           "stop: median %.1f ms\n", n, us[n / 2] / 1e3, us[0] / 1e3,
           us[n - 1] / 1e3, stop_us[n / 2] / 1e3);
    free(us);
    free(stop_us);
}

int
main(int argc, char *argv[])
{
    struct test t;

    if (argc < 2 || geteuid()) {
        return 77;
    }
    pc_container_process_init();
    check(!pc_vi_config_init(&t.cfg, argv[1]), "configuration");
    check_error(pc_vi_image_open(&t.cfg, "host", "host", "", &t.image),
                "image");

    start(&t);
    check_inside(&t);
    check_limits(&t);
    check_error(pc_container_stop(t.cfg.lxc_path, NAME, 1000), "stop");
    check_nothing_left(&t, true);
    start(&t);
    check(!sh(&t, "test -e /etc/x", NULL), "its files are still there");
    kill_and_check(&t, false);
    start(&t);
    kill_and_check(&t, true);
    check_error(pc_container_destroy(t.cfg.lxc_path, NAME), "destroy twice");
    if (argc > 2) {
        measure(&t, atoi(argv[2]));
        check_error(pc_container_destroy(t.cfg.lxc_path, NAME), "destroy");
    }
    pc_vi_image_close(t.image);
    pc_vi_config_destroy(&t.cfg);
    return EXIT_SUCCESS;
}
