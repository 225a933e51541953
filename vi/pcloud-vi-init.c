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

/* pcloud-vi-init: process 1 of every VI
 * =====================================
 *
 * A small static program, bind-mounted read-only into the container, so that an
 * image needs no init system.  It is in the VI's user namespace, and everything
 * that it runs comes from the image.  In this order it
 *
 *   1. brings up `lo`;
 *   2. runs the setup commands, each to its end, with its own capabilities
 *      (net_admin and others inside the VI); a failure ends the VI;
 *   3. gives up all capabilities but those of --caps (and what it needs itself
 *      to signal the service), also from the bounding set;
 *   4. starts the command as --user, and reaps orphans until it ends;
 *   5. on SIGPWR (liblxc's "halt"), SIGTERM or SIGINT sends it --signal.
 *
 * It ends as the command ends, and with it the VI.  What it has to say goes to
 * stderr (the console log), and in one line to /.packetcloud/status, which
 * pc_container_stage() reads: "setup", "running", or "failed: WHY".
 * For as long as it lives it holds /.packetcloud/alive open, which
 * pc_container_lifeline() watches.
 *
 *     pcloud-vi-init [--caps A,B] [--user U[:G]] [--signal N] [--env K=V]...
 *                    [--setup N ARG...]... -- COMMAND [ARG...]           */

#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_FILE "/.packetcloud/status"
#define LIFELINE "/.packetcloud/alive"
#define DEFAULT_PATH \
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct options {
    uint64_t caps;              /* Bit for each capability of the command. */
    const char *user;
    int stop_signal;
    char **setup;               /* Points to the first "--setup". */
    char **command;
};

/* Capabilities by number, as in <linux/capability.h>. */
static const char *const cap_names[] = {
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill",
    "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
    "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
    "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
    "sys_tty_config", "mknod", "lease", "audit_write", "audit_control",
    "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
    "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
};
#define N_CAPS (sizeof cap_names / sizeof *cap_names)
#define CAP(NUMBER) (UINT64_C(1) << (NUMBER))

static void
write_status(const char *text)
{
    int fd = open(STATUS_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
                  | O_CLOEXEC, 0644);

    if (fd >= 0) {
        ssize_t ignored = write(fd, text, strlen(text));
        (void) ignored;
        close(fd);
    }
}

/* Makes a FIFO and stays its only writer.  When this process ends the kernel
 * closes it at once, before it waits for the other processes of the VI to end:
 * whoever reads it knows first.  Without it, only later. */
static void
hold_lifeline(void)
{
    unlink(LIFELINE);
    if (mkfifo(LIFELINE, 0600)
        || open(LIFELINE, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) < 0) {
        fprintf(stderr, "pcloud-vi-init: %s: %s\n", LIFELINE,
                strerror(errno));
    }
}

/* Ends the VI. */
static void __attribute__((format(printf, 1, 2), noreturn))
fatal(const char *format, ...)
{
    char text[512] = "failed: ";
    size_t n = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + n, sizeof text - n - 1, format, args);
    va_end(args);
    fprintf(stderr, "pcloud-vi-init: %s\n", text + n);
    write_status(strcat(text, "\n"));
    _exit(EXIT_FAILURE);
}

static uint64_t
parse_caps(char *list)
{
    uint64_t caps = 0;

    for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
        size_t i;

        for (i = 0; i < N_CAPS && strcmp(name, cap_names[i]); i++) {
            continue;
        }
        if (i == N_CAPS) {
            fatal("unknown capability \"%s\"", name);
        }
        caps |= CAP(i);
    }
    return caps;
}

static void
parse_options(int argc, char *argv[], struct options *o)
{
    int i = 1;

    memset(o, 0, sizeof *o);
    o->stop_signal = SIGTERM;
    while (i + 1 < argc && strcmp(argv[i], "--")) {
        if (!strcmp(argv[i], "--setup")) {
            int n = atoi(argv[i + 1]);

            if (n < 1 || n >= argc - i - 2) {
                fatal("bad --setup");
            }
            o->setup = o->setup ? o->setup : &argv[i];
            i += n + 2;
            continue;
        } else if (!strcmp(argv[i], "--caps")) {
            o->caps = parse_caps(argv[i + 1]);
        } else if (!strcmp(argv[i], "--user")) {
            o->user = argv[i + 1];
        } else if (!strcmp(argv[i], "--signal")) {
            o->stop_signal = atoi(argv[i + 1]);
        } else if (!strcmp(argv[i], "--env")) {
            putenv(argv[i + 1]);
        } else {
            fatal("unknown option %s", argv[i]);
        }
        i += 2;
    }
    if (i + 1 >= argc) {
        fatal("no command");
    }
    o->command = &argv[i + 1];
}

static void
bring_up_lo(void)
{
    struct ifreq ifr = { .ifr_name = "lo" };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr)) {
        fatal("lo: %s", strerror(errno));
    }
    ifr.ifr_flags |= IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &ifr)) {
        fatal("lo: %s", strerror(errno));
    }
    close(fd);
}

/* The agent's worker threads block signals, and it ignores SIGPIPE: neither is
 * for us to pass on. */
static void
reset_signals(void)
{
    sigset_t none;

    for (int i = 1; i < NSIG; i++) {
        signal(i, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Waits for 'pid' and returns its status; reaps whatever else ends. */
static int
wait_for(pid_t pid)
{
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);

        if (ended == pid) {
            return status;
        } else if (ended < 0 && errno != EINTR) {
            fatal("waitpid: %s", strerror(errno));
        }
    }
}

static const char *
describe(int status, char *buffer, size_t size)
{
    if (WIFEXITED(status)) {
        snprintf(buffer, size, "exited with status %d", WEXITSTATUS(status));
    } else {
        snprintf(buffer, size, "was killed by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    return buffer;
}

/* Runs the setup commands in order. */
static void
run_setup(char **setup)
{
    int number = 0;

    for (; setup && !strcmp(setup[0], "--setup"); number++) {
        int n = atoi(setup[1]);
        char *argv[n + 1];
        char buffer[128];
        int status;
        pid_t pid;

        memcpy(argv, setup + 2, n * sizeof *argv);
        argv[n] = NULL;
        setup += n + 2;

        pid = fork();
        if (pid < 0) {
            fatal("fork: %s", strerror(errno));
        } else if (!pid) {
            reset_signals();
            execv(argv[0], argv);
            fprintf(stderr, "pcloud-vi-init: %s: %s\n", argv[0],
                    strerror(errno));
            _exit(127);
        }
        status = wait_for(pid);
        if (status) {
            fatal("setup[%d] \"%s\" %s", number, argv[0],
                  describe(status, buffer, sizeof buffer));
        }
    }
}

/* Drops all but 'caps' from what any program executed later can ever get. */
static void
drop_bounding(uint64_t caps)
{
    for (size_t i = 0; i < N_CAPS; i++) {
        if (!(caps & CAP(i))
            && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1
            && prctl(PR_CAPBSET_DROP, i, 0, 0, 0)) {
            fatal("cannot drop capability %s: %s", cap_names[i],
                  strerror(errno));
        }
    }
}

/* Makes 'caps', as far as this process may have them, its permitted and
 * effective capabilities, and 'inheritable' those that it can pass on. */
static void
set_caps(uint64_t caps, uint64_t inheritable)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct data[2];
    uint64_t have;

    if (syscall(SYS_capget, &header, data)) {
        fatal("capget: %s", strerror(errno));
    }
    have = data[0].permitted | (uint64_t) data[1].permitted << 32;
    for (int i = 0; i < 2; i++) {
        data[i].permitted = data[i].effective = (have & caps) >> (32 * i);
        data[i].inheritable = (have & inheritable) >> (32 * i);
    }
    if (syscall(SYS_capset, &header, data)) {
        fatal("capset: %s", strerror(errno));
    }
}

/* Looks up 'name' (or its first 'n' bytes) in a file of "NAME:x:ID:ID2:..."
 * lines; a number stands for itself.  (getpwnam() of a static program would load
 * the image's libraries.) */
static bool
look_up(const char *file_name, const char *name, size_t n, unsigned int *id,
        unsigned int *id2)
{
    char line[1024];
    bool found = false;
    FILE *file;

    if (n && strspn(name, "0123456789") >= n) {
        *id = strtoul(name, NULL, 10);
        found = true;
    }
    file = fopen(file_name, "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned int a, b;
        int fields = sscanf(line, "%*[^:]:%*[^:]:%u:%u", &a, &b);

        if (fields >= 1 && (found ? a == *id : (!strncmp(line, name, n)
                                                && line[n] == ':'))) {
            *id = a;
            if (id2 && fields == 2) {
                *id2 = b;
            }
            found = true;
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

static void
become(const char *user)
{
    size_t n = strcspn(user, ":");
    unsigned int uid, gid = 0;

    if (!look_up("/etc/passwd", user, n, &uid, &gid)) {
        fatal("user \"%s\" is not in the image's /etc/passwd", user);
    }
    if (user[n] && !look_up("/etc/group", user + n + 1, strlen(user + n + 1),
                            &gid, NULL)) {
        fatal("group \"%s\" is not in the image's /etc/group", user + n + 1);
    }
    if (setgroups(0, NULL) || setresgid(gid, gid, gid)
        || setresuid(uid, uid, uid)) {
        fatal("cannot become user \"%s\": %s", user, strerror(errno));
    }
}

static void __attribute__((noreturn))
exec_command(const struct options *o)
{
    const uint64_t setid = CAP(CAP_SETUID) | CAP(CAP_SETGID);

    reset_signals();
    setsid();
    drop_bounding(o->caps);
    set_caps(o->caps | setid, o->caps);
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (o->user) {
        become(o->user);
    }
    set_caps(o->caps, o->caps);

    /* The ambient set lets a command that is not root have them too. */
    for (size_t i = 0; i < N_CAPS; i++) {
        if (o->caps & CAP(i)) {
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
        }
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    execv(o->command[0], o->command);
    fprintf(stderr, "pcloud-vi-init: %s: %s\n", o->command[0],
            strerror(errno));
    _exit(127);
}

/* Starts the command and stays until it ends. */
static int
supervise(const struct options *o)
{
    sigset_t signals;
    pid_t pid;

    sigfillset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    pid = fork();
    if (pid < 0) {
        fatal("fork: %s", strerror(errno));
    } else if (!pid) {
        exec_command(o);
    }
    drop_bounding(o->caps | CAP(CAP_KILL));
    set_caps(o->caps | CAP(CAP_KILL), o->caps);
    write_status("running\n");

    for (;;) {
        int sig = sigwaitinfo(&signals, NULL);

        if (sig == SIGPWR || sig == SIGTERM || sig == SIGINT) {
            kill(pid, o->stop_signal);
        } else if (sig == SIGHUP || sig == SIGUSR1 || sig == SIGUSR2) {
            kill(pid, sig);
        } else if (sig == SIGCHLD) {
            pid_t ended;
            int status;

            while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
                if (ended == pid) {
                    return status;
                }
            }
        }
    }
}

int
main(int argc, char *argv[])
{
    struct options o;
    char buffer[128];
    int status;

    umask(022);
    reset_signals();
    setenv("PATH", DEFAULT_PATH, 1);
    if (chdir("/")) {
        fatal("/: %s", strerror(errno));
    }
    parse_options(argc, argv, &o);
    write_status("setup\n");
    hold_lifeline();
    bring_up_lo();
    run_setup(o.setup);
    status = supervise(&o);
    fatal("\"%s\" %s", o.command[0],
          describe(status, buffer, sizeof buffer));
}
