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
#include "pc-node-private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "openvswitch/dynamic-string.h"
#include "pc-container.h"
#include "pc-ports.h"
#include "pc-units.h"
#include "pc-worker.h"
#include "process.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

/* node/log: how much of the end of a log is looked at. */
#define LOG_SIZE (64 * 1024)
#define LOG_LINES 50

/* node/exec: a command may take that long. */
#define EXEC_MS 10000

static struct pc_node_vi *
find_vi(struct pc_node *n, struct unixctl_conn *conn, const char *name)
{
    struct pc_node_vi *vi = shash_find_data(&n->vis, name);

    if (!vi) {
        char *error = xasprintf("no VI \"%s\" on this node", name);
        unixctl_command_reply_error(conn, error);
        free(error);
    }
    return vi;
}

static void
format_vi_line(const struct pc_node_vi *vi, struct ds *s)
{
    ds_put_format(s, "%s: %s, step %s", vi->name, pc_node_vi_state(vi),
                  pc_node_step_to_string(vi->step));
    if (vi->step == PC_STEP_RUN) {
        ds_put_cstr(s, vi->ready ? ", ready" : ", not ready");
    }
    if (vi->pid) {
        ds_put_format(s, ", pid %d", (int) vi->pid);
    }
    if (vi->error) {
        ds_put_format(s, ", %s", vi->error);
    }
    ds_put_char(s, '\n');
}

static void
node_status(struct unixctl_conn *conn, int argc OVS_UNUSED,
            const char *argv[] OVS_UNUSED, void *n_)
{
    const struct pc_node *n = n_;
    const struct shash_node **nodes;
    struct ds s = DS_EMPTY_INITIALIZER;

    if (!n->name) {
        unixctl_command_reply(conn, "waiting for the row of this node\n");
        return;
    }
    ds_put_format(&s, "node %s, next_cfg %"PRId64", %s\n", n->name,
                  n->next_cfg, !n->scanned ? "looking at what is there"
                  : pc_node_is_settled(n) ? "settled" : "working");
    if (pc_ports_error(n->ports)) {
        ds_put_format(&s, "%s\n", pc_ports_error(n->ports));
    }
    nodes = shash_sort(&n->vis);
    for (size_t i = 0; i < shash_count(&n->vis); i++) {
        format_vi_line(nodes[i]->data, &s);
    }
    free(nodes);
    unixctl_command_reply(conn, ds_cstr(&s));
    ds_destroy(&s);
}

static void
node_vi(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[],
        void *n_)
{
    struct pc_node_vi *vi = find_vi(n_, conn, argv[1]);
    struct ds s = DS_EMPTY_INITIALIZER;

    if (!vi) {
        return;
    }
    format_vi_line(vi, &s);
    ds_put_format(&s, "in this step for %lld ms, restarts %lld\n",
                  time_msec() - vi->step_since, vi->restarts);
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports) && vi->ports[i]; i++) {
        ds_put_format(&s, "port %s: link %s\n", vi->ports[i],
                      pc_ports_link_is_up(vi->node->ports, vi->ports[i])
                      ? "up" : "down");
    }
    ds_put_cstr(&s, "limits:");
    for (size_t i = 0; i < PC_N_CAPACITY; i++) {
        if (vi->applied.value[i]) {
            char *value = pc_units_format_capacity(pc_capacity_names[i],
                                                   vi->applied.value[i]);

            ds_put_format(&s, " %s=%s", pc_capacity_names[i], value);
            free(value);
        }
    }
    ds_put_format(&s, "%s%s\n", vi->unenforced ? "; " : "",
                  vi->unenforced ? vi->unenforced : "");
    unixctl_command_reply(conn, ds_cstr(&s));
    ds_destroy(&s);
}

/* node/log and node/exec read files and run commands: both are jobs. */
struct ctl_job {
    struct unixctl_conn *conn;
    const struct pc_node *node;
    char *name;
    unsigned int lines;
    char **argv;                /* NULL-terminated. */
    struct ds reply;
    char *error;
};

static struct ctl_job *
ctl_job_create(struct pc_node *n, struct unixctl_conn *conn, const char *name)
{
    struct ctl_job *job = xzalloc(sizeof *job);

    job->conn = conn;
    job->node = n;
    job->name = xstrdup(name);
    ds_init(&job->reply);
    return job;
}

static void
ctl_job_done(void *job_)
{
    struct ctl_job *job = job_;

    if (job->error) {
        unixctl_command_reply_error(job->conn, job->error);
    } else {
        unixctl_command_reply(job->conn, ds_cstr(&job->reply));
    }
    for (size_t i = 0; job->argv && job->argv[i]; i++) {
        free(job->argv[i]);
    }
    free(job->argv);
    free(job->name);
    free(job->error);
    ds_destroy(&job->reply);
    free(job);
}

static void
log_cb(void *job_)
{
    struct ctl_job *job = job_;
    char *path = pc_container_log_path(job->node->vi_cfg.lxc_path, job->name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        if (errno != ENOENT) {
            job->error = xasprintf("%s: %s", path, ovs_strerror(errno));
        }
        free(path);
        return;
    }

    char *buf = xmalloc(LOG_SIZE);
    off_t size = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, buf, LOG_SIZE, MAX(size - LOG_SIZE, 0));
    ssize_t from = MAX(n, 0);
    unsigned int lines = 0;

    while (from > 0 && !(buf[from - 1] == '\n' && from < n
                         && ++lines >= job->lines)) {
        from--;
    }
    if (n > from) {
        ds_put_buffer(&job->reply, buf + from, n - from);
    }
    free(buf);
    close(fd);
    free(path);
}

static void
node_log(struct unixctl_conn *conn, int argc, const char *argv[], void *n_)
{
    struct pc_node *n = n_;
    unsigned int lines = LOG_LINES;

    if (!find_vi(n, conn, argv[1])) {
        return;
    } else if (argc > 2 && (!str_to_uint(argv[2], 10, &lines) || !lines)) {
        unixctl_command_reply_error(conn, "not a number of lines");
        return;
    }
    struct ctl_job *job = ctl_job_create(n, conn, argv[1]);
    job->lines = lines;
    pc_worker_submit(n->worker, log_cb, ctl_job_done, job);
}

static void
exec_cb(void *job_)
{
    struct ctl_job *job = job_;
    struct pc_container_result r = { .status = 0 };

    job->error = pc_container_exec(job->node->vi_cfg.lxc_path, job->name,
                                   (const char *const *) job->argv, EXEC_MS,
                                   &r);
    if (job->error) {
        return;
    }
    int code = (r.timed_out ? 124
                : WIFEXITED(r.status) ? WEXITSTATUS(r.status)
                : 128 + WTERMSIG(r.status));
    ds_put_format(&job->reply, "%d\n", code);
    if (r.output) {
        ds_put_buffer(&job->reply, r.output, r.length);
    }
    free(r.output);
}

/* The first line of the reply is the command's exit status as a shell has it
 * (128 + signal, 124 if it was killed for taking too long), the rest is what it
 * has printed. */
static void
node_exec(struct unixctl_conn *conn, int argc, const char *argv[], void *n_)
{
    struct pc_node *n = n_;
    struct pc_node_vi *vi = find_vi(n, conn, argv[1]);

    if (!vi) {
        return;
    } else if (!pc_node_vi_has_container(vi)) {
        unixctl_command_reply_error(conn, "the VI does not run");
        return;
    }
    struct ctl_job *job = ctl_job_create(n, conn, argv[1]);
    job->argv = xzalloc((argc - 1) * sizeof *job->argv);
    for (int i = 2; i < argc; i++) {
        job->argv[i - 2] = xstrdup(argv[i]);
    }
    pc_worker_submit(n->worker, exec_cb, ctl_job_done, job);
}

void
pc_node_ctl_register(struct pc_node *n)
{
    unixctl_command_register("node/status", "", 0, 0, node_status, n);
    unixctl_command_register("node/vi", "VI", 1, 1, node_vi, n);
    unixctl_command_register("node/log", "VI [LINES]", 1, 2, node_log, n);
    unixctl_command_register("node/exec", "VI COMMAND [ARG]...", 2, INT_MAX,
                             node_exec, n);
}
