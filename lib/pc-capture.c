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
#include "pc-capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "openvswitch/thread.h"
#include "ovs-thread.h"
#include "pc-netns.h"
#include "seq.h"
#include "util.h"

/* Longest frame: the switch may hand over whole TSO segments. */
#define SNAPLEN 262144

/* Kernel buffer for what the thread has not come to yet, in bytes. */
#define BUFFER_SIZE (4 * 1024 * 1024)

/* In the file, before each frame. */
#define RECORD_HEADER 16

struct pc_capture {
    char *ifname, *file;
    uint64_t max_size;
    int stop_fd;                /* Readable when the thread is to end. */
    pthread_t thread;

    struct ovs_mutex mutex;
    struct pc_capture_status status OVS_GUARDED;
    struct seq *seq;            /* Changes with 'status.state'. */
    uint64_t seqno;             /* Seen by the owner. */

    /* The thread's. */
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    uint64_t size;              /* Of the file. */
    bool full;
};

static void
set_state(struct pc_capture *c, enum pc_capture_state state)
{
    ovs_mutex_lock(&c->mutex);
    c->status.state = state;
    ovs_mutex_unlock(&c->mutex);
    seq_change(c->seq);
}

static void OVS_PRINTF_FORMAT(2, 3)
fail(struct pc_capture *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    ovs_mutex_lock(&c->mutex);
    vsnprintf(c->status.error, sizeof c->status.error, format, args);
    ovs_mutex_unlock(&c->mutex);
    va_end(args);
    set_state(c, PC_CAPTURE_FAILED);
}

static bool
open_device(struct pc_capture *c)
{
    char errbuf[PCAP_ERRBUF_SIZE] = "";
    int error = pc_netns_link_up_quiet(c->ifname);

    if (error) {
        fail(c, "%s: %s", c->ifname, ovs_strerror(error));
        return false;
    }
    c->pcap = pcap_create(c->ifname, errbuf);
    if (!c->pcap) {
        fail(c, "%s: %s", c->ifname, errbuf);
        return false;
    }
    pcap_set_snaplen(c->pcap, SNAPLEN);
    pcap_set_promisc(c->pcap, 1);
    pcap_set_timeout(c->pcap, 100);
    pcap_set_buffer_size(c->pcap, BUFFER_SIZE);
    if (pcap_activate(c->pcap) < 0
        || pcap_setdirection(c->pcap, PCAP_D_IN) < 0
        || pcap_setnonblock(c->pcap, 1, errbuf) < 0) {
        fail(c, "%s: %s", c->ifname,
             errbuf[0] ? errbuf : pcap_geterr(c->pcap));
        return false;
    }
    return true;
}

/* A new file is for its owner alone; what is no regular file stays alone. */
static bool
open_file(struct pc_capture *c)
{
    int fd = open(c->file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC
                  | O_NONBLOCK, 0600);
    struct stat s;

    if (fd < 0 || fstat(fd, &s)) {
        fail(c, "%s: %s", c->file, ovs_strerror(errno));
    } else if (!S_ISREG(s.st_mode)) {
        fail(c, "%s: not a regular file", c->file);
    } else {
        c->dumper = pcap_dump_open_append(c->pcap, c->file);
        if (!c->dumper) {
            fail(c, "%s", pcap_geterr(c->pcap));
        } else {
            c->size = pcap_dump_ftell64(c->dumper);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return c->dumper != NULL;
}

static void
write_packet(u_char *c_, const struct pcap_pkthdr *h, const u_char *data)
{
    struct pc_capture *c = (struct pc_capture *) (void *) c_;
    uint64_t size = RECORD_HEADER + h->caplen;

    if (c->full || (c->max_size && c->size + size > c->max_size)) {
        c->full = true;
        return;
    }
    pcap_dump((u_char *) c->dumper, h, data);
    c->size += size;

    ovs_mutex_lock(&c->mutex);
    c->status.packets++;
    c->status.bytes += h->caplen;
    ovs_mutex_unlock(&c->mutex);
}

static void
update_drops(struct pc_capture *c)
{
    struct pcap_stat s;

    if (!pcap_stats(c->pcap, &s)) {
        ovs_mutex_lock(&c->mutex);
        c->status.dropped = s.ps_drop;
        ovs_mutex_unlock(&c->mutex);
    }
}

/* Writes what has arrived.  Returns false if that is the end. */
static bool
capture(struct pc_capture *c)
{
    int n;

    do {
        n = pcap_dispatch(c->pcap, 1000, write_packet, (u_char *) c);
    } while (n > 0 && !c->full);
    if (n < 0) {
        fail(c, "%s: %s", c->ifname, pcap_geterr(c->pcap));
        return false;
    }
    if (pcap_dump_flush(c->dumper)) {
        fail(c, "%s: %s", c->file, ovs_strerror(errno));
        return false;
    }
    update_drops(c);
    if (c->full) {
        set_state(c, PC_CAPTURE_FULL);
    }
    return !c->full;
}

static void *
capture_main(void *c_)
{
    struct pc_capture *c = c_;
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* The main thread's. */
    if (open_device(c) && open_file(c)) {
        struct pollfd fds[] = {
            { .fd = pcap_get_selectable_fd(c->pcap), .events = POLLIN },
            { .fd = c->stop_fd, .events = POLLIN },
        };
        bool stop = false;

        set_state(c, PC_CAPTURE_RUNNING);
        while (!stop) {
            if (poll(fds, ARRAY_SIZE(fds), -1) > 0) {
                stop = fds[1].revents != 0;
                stop |= !capture(c);
            }
        }
    }
    if (c->dumper) {
        pcap_dump_close(c->dumper);
    }
    if (c->pcap) {
        pcap_close(c->pcap);
    }
    return NULL;
}

struct pc_capture *
pc_capture_start(const char *ifname, const char *file, uint64_t max_size)
{
    struct pc_capture *c = xzalloc(sizeof *c);

    c->ifname = xstrdup(ifname);
    c->file = xstrdup(file);
    c->max_size = max_size;
    c->stop_fd = eventfd(0, EFD_CLOEXEC);
    ovs_mutex_init(&c->mutex);
    c->seq = seq_create();
    c->seqno = seq_read(c->seq);
    c->thread = ovs_thread_create("capture", capture_main, c);
    return c;
}

void
pc_capture_stop(struct pc_capture *c)
{
    uint64_t one = 1;

    if (!c) {
        return;
    }
    ignore(write(c->stop_fd, &one, sizeof one));
    xpthread_join(c->thread, NULL);
    close(c->stop_fd);
    seq_destroy(c->seq);
    ovs_mutex_destroy(&c->mutex);
    free(c->ifname);
    free(c->file);
    free(c);
}

void
pc_capture_get(const struct pc_capture *c_, struct pc_capture_status *status)
{
    struct pc_capture *c = CONST_CAST(struct pc_capture *, c_);

    c->seqno = seq_read(c->seq);
    ovs_mutex_lock(&c->mutex);
    *status = c->status;
    ovs_mutex_unlock(&c->mutex);
}

void
pc_capture_wait(struct pc_capture *c)
{
    seq_wait(c->seq, c->seqno);
}
