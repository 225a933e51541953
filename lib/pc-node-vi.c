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
#include <stdlib.h>
#include <unistd.h>
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "pc-container.h"
#include "pc-ports.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"

VLOG_DEFINE_THIS_MODULE(pc_node_vi);

/* A port that the switch does not have by then is reported as a failure. */
#define ATTACH_MS 5000

/* How long the removal of a port may hold up what it precedes: the switch may
 * be down. */
#define DETACH_MS 2000
/* How long the kernel and the switch may take to see that a VI has ended. */
#define CUT_MS 500

/* A VI that has not answered its probe by then is started again. */
#define PROBE_MS 60000

/* The longest wait for the controller before a VI is stopped. */
#define RELEASE_MS 5000

struct pc_node_vi *
pc_node_vi_create(struct pc_node *n, const char *name)
{
    struct pc_node_vi *vi = xzalloc(sizeof *vi);

    vi->node = n;
    vi->name = xstrdup(name);
    vi->pidfd = vi->lifeline = -1;
    vi->step_since = time_msec();
    pc_backoff_init(&vi->backoff);
    pc_probe_init(&vi->probe);
    pc_damp_init(&vi->damp, vi->probe.hold_ms);
    atomic_init(&vi->probe_began, 0);
    vi->told_ready = -1;
    return vi;
}

/* Forgets the container, if there was one. */
static void
forget_container(struct pc_node_vi *vi)
{
    pc_node_death_forget(vi);
    vi->link_down = false;
    vi->pid = 0;
    for (size_t i = 0; i < ARRAY_SIZE(vi->ports); i++) {
        free(vi->ports[i]);
        vi->ports[i] = NULL;
    }
}

static void
drop_image(struct pc_node_vi *vi)
{
    pc_vi_image_close(vi->image);
    vi->image = NULL;
    free(vi->image_of);
    vi->image_of = NULL;
}

void
pc_node_vi_destroy(struct pc_node_vi *vi)
{
    if (vi) {
        forget_container(vi);
        drop_image(vi);
        pc_node_want_destroy(vi->want);
        pc_node_record_destroy(vi->record);
        pc_probe_destroy(&vi->probe);
        free(vi->error);
        free(vi->resize_error);
        free(vi->failed_before);
        free(vi->service);
        free(vi->unenforced);
        free(vi->link_error);
        pc_node_stats_destroy(vi->stats);
        free(vi->name);
        free(vi);
    }
}

void
pc_node_vi_set_error(struct pc_node_vi *vi, char *error)
{
    if (error && (!vi->error || strcmp(error, vi->error))) {
        VLOG_WARN("%s: %s", vi->name, error);
    }
    free(vi->error);
    vi->error = error;
}

/* Records that something happened to 'vi' now. */
void
pc_node_vi_event(const struct pc_node_vi *vi, enum pc_event_kind kind,
                 const char *cause)
{
    pc_events_add(vi->node->events, &(struct pc_event) {
                      .kind = kind, .node = vi->node->name,
                      .service = vi->service, .vi = vi->name,
                      .cause = cause });
}

const char *
pc_node_step_to_string(enum pc_node_step s)
{
    switch (s) {
    case PC_STEP_DOWN: return "down";
    case PC_STEP_IMAGE: return "image";
    case PC_STEP_START: return "start";
    case PC_STEP_ADOPT: return "adopt";
    case PC_STEP_ATTACH: return "attach";
    case PC_STEP_PROBE: return "probe";
    case PC_STEP_RUN: return "run";
    case PC_STEP_CUT: return "cut";
    case PC_STEP_DETACH: return "detach";
    case PC_STEP_STOP: return "stop";
    case PC_STEP_BACKOFF: return "backoff";
    }
    OVS_NOT_REACHED();
}

/* Is 'vi' to be stopped as soon as no flow leads to it any more?  Without a
 * controller that says so it is not waited for for ever. */
static bool
awaits_release(const struct pc_node_vi *vi)
{
    return (vi->want && !vi->want->up && !vi->want->released
            && vi->step == PC_STEP_RUN
            && time_msec() < vi->down_at + RELEASE_MS);
}

/* True if the row wants a container such as it can be started now. */
bool
pc_node_vi_wants_up(const struct pc_node_vi *vi)
{
    return (vi->want && !vi->want->error
            && (vi->want->up || awaits_release(vi)));
}

/* True if what runs (or ran) is not what the row wants. */
static bool
is_outdated(const struct pc_node_vi *vi)
{
    return (!pc_node_vi_wants_up(vi) || !vi->record
            || !uuid_equals(&vi->want->uuid, &vi->record->uuid)
            || strcmp(vi->want->fingerprint, vi->record->fingerprint));
}

static bool
root_is_outdated(const struct pc_node_vi *vi)
{
    return (!pc_node_vi_wants_up(vi) || !vi->record
            || !uuid_equals(&vi->want->uuid, &vi->record->uuid)
            || strcmp(vi->want->root_fingerprint,
                      vi->record->root_fingerprint));
}

bool
pc_node_vi_has_container(const struct pc_node_vi *vi)
{
    return vi->pid > 0;
}

/* Steps. */

static void
step(struct pc_node_vi *vi, enum pc_node_step next)
{
    VLOG_DBG("%s: %s -> %s", vi->name, pc_node_step_to_string(vi->step),
             pc_node_step_to_string(next));
    vi->step = next;
    vi->step_since = time_msec();
}

/* The container runs: gives it ports. */
static void
attach(struct pc_node_vi *vi)
{
    pc_fault(vi->node->fault, "before-port");
    pc_node_ports_name(vi);
    pc_node_ports_want(vi);
    step(vi, PC_STEP_ATTACH);
}

/* Takes the ports away, as the first step down. */
static void
detach(struct pc_node_vi *vi)
{
    pc_fault(vi->node->fault, "before-detach");
    pc_node_vi_set_ready(vi, false, NULL);
    vi->probe_generation++;
    pc_node_ports_unwant(vi);
    step(vi, PC_STEP_DETACH);
}

/* The container has ended ('how' is PC_EVENT_VI_DIED) or could not be started
 * (PC_EVENT_VI_FAILED).  The reason is 'error', which is taken. */
static void
fail(struct pc_node_vi *vi, enum pc_event_kind how, char *error)
{
    pc_node_vi_set_error(vi, error);
    vi->died = true;
    vi->died_how = how;
    vi->died_at = time_wall_usec();
    if (vi->ready) {
        pc_damp_bad(&vi->damp, time_msec());
    }
    if (how == PC_EVENT_VI_DIED) {
        pc_node_ports_cut(vi);
        pc_node_vi_set_ready(vi, false, NULL);
        vi->probe_generation++;
        step(vi, PC_STEP_CUT);
    } else if (vi->step != PC_STEP_STOP) {
        detach(vi);
    }
}

static void
enter_backoff(struct pc_node_vi *vi)
{
    long long int now = time_msec();

    pc_node_death_record(vi);
    vi->died = false;
    vi->retry_at = pc_backoff_died(&vi->backoff, now);
    if (vi->died_how == PC_EVENT_VI_DIED && vi->retry_at > now) {
        char *cause = xasprintf("%u in a row; next start in %lld ms",
                                vi->backoff.n_deaths, vi->retry_at - now);

        pc_node_vi_event(vi, PC_EVENT_VI_BACKOFF, cause);
        free(cause);
    }
    step(vi, PC_STEP_BACKOFF);
}

/* Is a container that is to go still there, whose ports have the names that
 * those of 'vi' will have?  As it ends, liblxc deletes them by name. */
static bool
names_are_taken(const struct pc_node_vi *vi)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &vi->node->vis) {
        const struct pc_node_vi *other = node->data;

        if (other != vi && other->record
            && other->record->number == vi->want->number
            && !pc_node_vi_is_gone(other)) {
            return true;
        }
    }
    return false;
}

static void
run_down(struct pc_node_vi *vi)
{
    if (!pc_node_vi_wants_up(vi) || (vi->on_disk && root_is_outdated(vi))) {
        if (vi->on_disk) {
            vi->dirty_root = true;
            step(vi, PC_STEP_STOP);
        } else if (vi->want && vi->want->error) {
            if (!vi->error || strcmp(vi->error, vi->want->error)) {
                pc_node_vi_set_error(vi, xstrdup(vi->want->error));
            }
        } else if (vi->want && vi->error) {
            pc_node_vi_set_error(vi, NULL);
        }
        return;
    }
    if (vi->busy || vi->node->collecting) {
        return;
    }
    if (vi->image && strcmp(vi->image_of, vi->want->root_fingerprint)) {
        drop_image(vi);
    }
    if (vi->image && names_are_taken(vi)) {
        return;
    }
    step(vi, vi->image ? PC_STEP_START : PC_STEP_IMAGE);
    if (vi->image) {
        pc_node_job_start(vi);
    } else {
        pc_node_job_image(vi);
    }
}

/* 'image' (NULL: 'error') is that of root fingerprint 'image_of'; the row may
 * want another one by now. */
void
pc_node_vi_image_done(struct pc_node_vi *vi, struct pc_vi_image *image,
                      char *image_of, char *error)
{
    drop_image(vi);
    vi->image = image;
    vi->image_of = image_of;
    if (vi->step == PC_STEP_RUN) {
        /* It runs without it; only its health is not known. */
        vi->probe_chosen = false;
        if (error) {
            VLOG_WARN("%s: %s", vi->name, error);
            free(error);
            vi->retry_at = time_msec() + PC_BACKOFF_MAX_MS;
        }
        return;
    }
    vi->image_failed = error != NULL;
    if (error) {
        pc_node_vi_set_error(vi, error);
        vi->retry_at = time_msec() + PC_BACKOFF_MIN_MS;
    }
    if (vi->step == PC_STEP_IMAGE) {
        if (error) {
            vi->died_how = PC_EVENT_VI_FAILED;
            vi->died_at = time_wall_usec();
            enter_backoff(vi);
        } else {
            pc_fault(vi->node->fault, "image-ready");
            step(vi, PC_STEP_DOWN);
        }
    }
}

void
pc_node_vi_start_done(struct pc_node_vi *vi, pid_t pid, int pidfd,
                      char *error)
{
    if (error) {
        fail(vi, PC_EVENT_VI_FAILED, error);
        return;
    }
    vi->pid = pid;
    vi->pidfd = pidfd;
    pc_backoff_up(&vi->backoff, time_msec());
    VLOG_INFO("%s: started, process %d", vi->name, (int) pid);
    char *cause = xasprintf("process %d", (int) pid);
    pc_node_vi_event(vi, PC_EVENT_VI_STARTED, cause);
    free(cause);
    if (is_outdated(vi)) {
        detach(vi);
    } else {
        attach(vi);
    }
}

/* Takes over a container that an earlier agent has started. */
void
pc_node_vi_adopt(struct pc_node_vi *vi, struct pc_node_found *f)
{
    vi->on_disk = true;
    vi->record = f->record;
    f->record = NULL;
    vi->pid = f->pid;
    vi->pidfd = f->pidfd;
    f->pidfd = -1;
    if (!f->pid) {
        pc_node_death_missed(vi);
        return;
    }
    if (is_outdated(vi)) {
        /* The ports, if any, are strays by now: nobody wants them. */
        detach(vi);
        return;
    }
    VLOG_INFO("%s: runs already, process %d", vi->name, (int) vi->pid);
    vi->applied_known = false;
    pc_backoff_up(&vi->backoff, time_msec());
    pc_node_ports_name(vi);
    pc_node_ports_want(vi);
    step(vi, PC_STEP_ADOPT);
}

/* The container that was adopted has its port and was ready when the last
 * agent ended: nothing changes, not even for a moment. */
static void
run_adopt(struct pc_node_vi *vi)
{
    const char *error;

    if (!pc_ports_is_connected(vi->node->ports)) {
        return;
    }
    if (vi->want->was_ready && pc_node_ports_state(vi, &error) == PC_PORT_READY) {
        vi->ready = true;
        pc_damp_good(&vi->damp, time_msec());
        step(vi, PC_STEP_RUN);
    } else {
        step(vi, PC_STEP_ATTACH);
    }
}

static void
run_attach(struct pc_node_vi *vi)
{
    const char *error;
    enum pc_port_state s = pc_node_ports_state(vi, &error);

    if (s != PC_PORT_READY) {
        if (error && time_msec() >= vi->step_since + ATTACH_MS
            && (!vi->error || strcmp(vi->error, error))) {
            pc_node_vi_set_error(vi, xstrdup(error));
        }
        return;
    }
    pc_fault(vi->node->fault, "after-port");
    if (!vi->image) {
        /* An adopted VI: only its manifest says how to probe it. */
        if (!vi->busy && !vi->node->collecting
            && time_msec() >= vi->retry_at) {
            pc_node_job_image(vi);
        }
        return;
    }
    vi->retry_at = 0;
    step(vi, PC_STEP_PROBE);
    pc_node_health_start(vi);
}

static void
become_ready(struct pc_node_vi *vi)
{
    char *cause = xasprintf("%s %lld ms after it got its ports",
                            vi->probe.kind == PC_PROBE_KIND_NONE
                            ? "runs" : "answers its probe",
                            time_msec() - vi->step_since);

    pc_fault(vi->node->fault, "before-ready");
    pc_node_vi_set_ready(vi, true, cause);
    free(cause);
    free(vi->failed_before);
    vi->failed_before = NULL;
    step(vi, PC_STEP_RUN);
    pc_node_health_start(vi);
}

static void
run_probe(struct pc_node_vi *vi)
{
    bool well = pc_node_health_run(vi) && pc_node_ports_links_are_up(vi);

    if (well && pc_node_health_allows(vi)) {
        become_ready(vi);
    } else if (!well && time_msec() >= vi->step_since + PROBE_MS) {
        fail(vi, PC_EVENT_VI_FAILED,
             xasprintf("not ready within %d s%s%s", PROBE_MS / 1000,
                       vi->error ? ": " : "", vi->error ? vi->error : ""));
    }
}

/* An adopted VI: only its image says how it is to be probed, unless the service
 * does. */
static void
find_health(struct pc_node_vi *vi)
{
    if (!vi->image && !vi->busy && smap_is_empty(&vi->want->health)
        && time_msec() >= vi->retry_at) {
        pc_node_job_image(vi);
    }
}

/* The switch itself sends nothing to a VI one of whose links is down. */
static void
follow_links(struct pc_node_vi *vi)
{
    bool down = !pc_node_ports_links_are_up(vi);

    if (vi->link_down != down) {
        vi->link_down = down;
        pc_node_vi_event(vi, down ? PC_EVENT_LINK_DOWN : PC_EVENT_LINK_UP,
                         down ? "the switch sees no carrier on a port of it"
                         : "the switch sees carrier on its ports");
    }
}

static void
run_running(struct pc_node_vi *vi)
{
    const char *error;

    if (pc_node_ports_state(vi, &error) != PC_PORT_READY) {
        /* Someone has taken the port away, or the switch starts anew. */
        pc_node_vi_set_ready(vi, false,
                             error ? error : "the switch has lost its port");
        step(vi, PC_STEP_ATTACH);
        return;
    }
    pc_node_death_watch(vi);
    follow_links(vi);
    find_health(vi);
    if (!vi->probe_chosen) {
        pc_node_health_start(vi);
    }
    pc_node_health_run(vi);
    pc_node_health_update(vi);
}

/* To delete a port keeps the switch busy for longer than it takes it to see that
 * a link is down and to send elsewhere what went there: first things first. */
static void
run_cut(struct pc_node_vi *vi)
{
    if ((pc_node_death_is_over(vi) && pc_node_ports_links_are_down(vi))
        || time_msec() >= vi->step_since + CUT_MS) {
        detach(vi);
    }
}

static void
run_detach(struct pc_node_vi *vi)
{
    /* A dead VI's ports carry nothing: no need to wait for the switch. */
    if (vi->busy
        || !(vi->died || pc_node_ports_are_gone(vi)
             || time_msec() >= vi->step_since + DETACH_MS)) {
        return;
    }
    pc_fault(vi->node->fault, "after-detach");
    vi->dirty_root = !vi->died && root_is_outdated(vi);
    step(vi, PC_STEP_STOP);
}

static void
run_stop(struct pc_node_vi *vi)
{
    if (!vi->busy && time_msec() >= vi->retry_at) {
        pc_node_job_stop(vi, vi->dirty_root);
    }
}

void
pc_node_vi_stop_done(struct pc_node_vi *vi, char *last_line, char *error)
{
    if (error) {
        pc_node_vi_set_error(vi, error);
        free(last_line);
        vi->retry_at = time_msec() + PC_BACKOFF_MIN_MS;
        return;                 /* run_stop() tries again. */
    }
    if (vi->died && vi->died_how == PC_EVENT_VI_DIED) {
        pc_node_death_add_status(vi);
    } else if (vi->pid && !vi->died) {
        pc_node_vi_event(vi, PC_EVENT_VI_STOPPED,
                         !vi->want ? "its service or replica was removed"
                         : !vi->want->up ? "admin_state is down"
                         : "it is started again with other settings");
    }
    forget_container(vi);
    if (vi->dirty_root) {
        vi->dirty_root = vi->on_disk = false;
        pc_node_record_destroy(vi->record);
        vi->record = NULL;
    }
    vi->retry_at = 0;
    if (vi->died) {
        if (last_line) {
            pc_node_vi_set_error(vi, xasprintf("%s: %s", vi->error ? vi->error : "ended",
                                    last_line));
        }
        vi->restarts++;
        enter_backoff(vi);
    } else {
        step(vi, PC_STEP_DOWN);
    }
    free(last_line);
}

/* Notices death and changes of the row.  Returns true if the step changed. */
static bool
check_container(struct pc_node_vi *vi)
{
    bool up = (vi->step == PC_STEP_ADOPT || vi->step == PC_STEP_ATTACH
               || vi->step == PC_STEP_PROBE || vi->step == PC_STEP_RUN);

    if (!up) {
        return false;
    }
    if (pc_node_death_is_near(vi)) {
        fail(vi, PC_EVENT_VI_DIED, pc_node_death_cause(vi));
        return true;
    }
    if (is_outdated(vi)) {
        detach(vi);
        return true;
    }
    if (vi->step != PC_STEP_ADOPT) {
        pc_node_limits_run(vi);
        pc_node_link_run(vi);
    }
    return false;
}

/* Runs 'vi' until nothing more can be done now. */
void
pc_node_vi_run(struct pc_node_vi *vi)
{
    enum pc_node_step before;

    do {
        before = vi->step;
        if (check_container(vi)) {
            continue;
        }
        switch (vi->step) {
        case PC_STEP_DOWN: run_down(vi); break;
        case PC_STEP_IMAGE: case PC_STEP_START: break;
        case PC_STEP_ADOPT: run_adopt(vi); break;
        case PC_STEP_ATTACH: run_attach(vi); break;
        case PC_STEP_PROBE: run_probe(vi); break;
        case PC_STEP_RUN: run_running(vi); break;
        case PC_STEP_CUT: run_cut(vi); break;
        case PC_STEP_DETACH: run_detach(vi); break;
        case PC_STEP_STOP: run_stop(vi); break;
        case PC_STEP_BACKOFF:
            if (time_msec() >= vi->retry_at || !pc_node_vi_wants_up(vi)
                || (vi->record && is_outdated(vi))) {
                vi->retry_at = 0;
                step(vi, PC_STEP_DOWN);
            }
            break;
        }
    } while (vi->step != before);
}

void
pc_node_vi_wait(struct pc_node_vi *vi)
{
    if (vi->pidfd >= 0 && vi->step != PC_STEP_CUT
        && vi->step != PC_STEP_DETACH && vi->step != PC_STEP_STOP) {
        pc_node_death_wait(vi);
    }
    switch (vi->step) {
    case PC_STEP_DOWN: case PC_STEP_IMAGE: case PC_STEP_START:
    case PC_STEP_ADOPT:
        break;
    case PC_STEP_ATTACH:
        if (!vi->error) {
            poll_timer_wait_until(vi->step_since + ATTACH_MS);
        }
        if (vi->retry_at > time_msec()) {
            poll_timer_wait_until(vi->retry_at);
        }
        break;
    case PC_STEP_PROBE:
        poll_timer_wait_until(vi->step_since + PROBE_MS);
        pc_node_health_wait(vi);
        break;
    case PC_STEP_RUN:
        pc_node_health_wait(vi);
        if (awaits_release(vi)) {
            poll_timer_wait_until(vi->down_at + RELEASE_MS);
        }
        break;
    case PC_STEP_CUT:
        pc_node_death_wait_over(vi);
        poll_timer_wait_until(vi->step_since + CUT_MS);
        break;
    case PC_STEP_DETACH:
        poll_timer_wait_until(vi->step_since + DETACH_MS);
        break;
    case PC_STEP_STOP:
        if (!vi->busy) {
            poll_timer_wait_until(vi->retry_at);
        }
        break;
    case PC_STEP_BACKOFF:
        poll_timer_wait_until(vi->retry_at);
        break;
    }
}
