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

#ifndef PC_NODE_PRIVATE_H
#define PC_NODE_PRIVATE_H 1

/* What the files of the node role share; see pc-node.h.
 *
 *     pc-node.c         rows -> wanted VIs; main loop; what a restart finds
 *     pc-node-want.c    rows -> what a VI is to be
 *     pc-node-vi.c      one VI and its state machine
 *     pc-node-vi-up.c   its steps up
 *     pc-node-vi-down.c its steps down
 *     pc-node-ports.c   a VI's ports on the bridge
 *     pc-node-health.c  when to probe a VI, and what to make of it
 *     pc-node-link.c    MTU and offloads of VIs' interfaces
 *     pc-node-stats.c   counters of VIs
 *     pc-node-used.c    what VIs have used in all their lives
 *     pc-node-report.c  what the node has, what its VIs use, that it lives
 *     pc-node-images.c  removes images that are not used
 *     pc-node-limits.c  capacity of VIs, and changes of it
 *     pc-node-job.c     what runs in workers for a VI
 *     pc-node-move.c    takes VIs to other nodes
 *     pc-node-capture.c inspections that go to files
 *     pc-node-scan.c    looks at what an earlier agent has left
 *     pc-node-status.c  what a step means to others; writes status rows
 *     pc-node-ctl.c     unixctl commands */

#include <limits.h>
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "ovs-atomic.h"
#include "openvswitch/uuid.h"
#include "pc-backoff.h"
#include "pc-capacity.h"
#include "pc-container.h"
#include "pc-event.h"
#include "pc-fault.h"
#include "pc-node.h"
#include "pc-ports.h"
#include "pc-probe.h"
#include "pc-usage.h"
#include "pc-vi.h"
#include "smap.h"
#include "svec.h"

struct pc_lock;
struct pc_worker;
struct pcrec_node;
struct pcrec_vi;

/* A VI as its row wants it; a copy, so that it outlives the row. */
struct pc_node_want {
    struct uuid uuid;           /* Of the row. */
    char *service;              /* Name. */
    bool up;                    /* admin_state is not "down". */
    bool released;              /* Nothing leads to it any more. */
    bool over;                  /* Its reservation is: !up. */
    char *image_name, *image_url, *image_sha256;
    enum pc_manifest_mode mode;
    bool two_ports;             /* One for each side; else one for both. */
    uint16_t number;
    char *mac;
    struct svec addresses, gateways;
    struct pc_capacity capacity; /* What is asked for, as restricted. */
    struct pc_capacity asked, restrictions; /* Of the row. */
    int64_t next_slot;          /* When its slot ends or begins, in s since the
                                 * epoch; 0: never. */
    uint32_t mtu;               /* Of the service; 0: see pc-node-link.c. */
    uint32_t subnet_mtu;        /* Of the router's interface for its address. */
    struct pc_capacity was_applied; /* VI.applied when the row was read. */
    struct smap health;         /* Empty: the manifest's readiness. */
    bool was_ready;             /* VI.ready when the row was read. */
    long long int was_pid;      /* VI.pid then, 0 if it had none. */

    /* pc-node-move.c. */
    bool leaving;               /* To another node; its files are here. */
    bool arriving;              /* To us; its files are not yet here, or it is
                                 * not yet known that they are. */
    bool moving;                /* Either; not if it has no home at all. */
    bool pack;                  /* To be stopped, and its files to be packed. */
    struct smap export;         /* VI.archive. */

    char *error;                /* The row makes no sense; NULL: it does. */
    char *fingerprint;          /* Changes if a restart is needed. */
    char *root_fingerprint;     /* Changes if its files must go as well. */
};

/* What is kept on disk about a container that was started, so that the next
 * agent knows whether it is the one that is wanted. */
struct pc_node_record {
    struct uuid uuid;
    unsigned int number;        /* VI.number: names its ports.  0: unknown. */
    char *instance;             /* See pc-ports.h. */
    char *fingerprint, *root_fingerprint;

    /* Of the image; 0, false, NULL if an agent of before wrote the record. */
    uint32_t mtu;
    bool no_offload;
    char *image_key;            /* What the cache calls it. */
};

/* How the interfaces of a VI are set, on both ends. */
struct pc_node_link {
    uint32_t mtu;
    bool send_offload;          /* The VI may send unfinished frames. */
    bool receive_offload;       /* It may be sent some. */
};

/* What a VI uses, in the units of capacities. */
struct pc_node_use {
    int64_t cpu, memory, disk, received, sent;
};

/* Where a VI is.  Between any two steps the agent may die. */
enum pc_node_step {
    PC_STEP_DOWN,               /* Nothing runs; decides what is next. */
    PC_STEP_IMAGE,              /* Job: image. */
    PC_STEP_START,              /* Job: root, container. */
    PC_STEP_ADOPT,              /* Found running; the ports are not known. */
    PC_STEP_ATTACH,             /* Container runs, waits for the ports. */
    PC_STEP_PROBE,              /* Attached, waits for the readiness probe. */
    PC_STEP_RUN,                /* Ready (or not, if its health says so). */
    PC_STEP_CUT,                /* Has ended; waits until the switch knows. */
    PC_STEP_DETACH,             /* Waits for the ports to be gone. */
    PC_STEP_STOP,               /* Job: stop, perhaps destroy. */
    PC_STEP_BACKOFF,            /* Waits for the time of the next attempt. */
};

/* A port that the switch does not have by then is reported as a failure. */
#define PC_NODE_ATTACH_MS 5000

/* How long the removal of a port may hold up what it precedes: the switch may
 * be down. */
#define PC_NODE_DETACH_MS 2000

/* How long the kernel and the switch may take to see that a VI has ended. */
#define PC_NODE_CUT_MS 500

/* A VI that has not answered its probe by then is started again. */
#define PC_NODE_PROBE_MS 60000

/* What a VI's row says of its capacity. */
struct pc_node_grant {
    struct pc_capacity asked, restrictions;
};

/* How far a VI's move has come; see pc-node-move.c. */
struct pc_node_move {
    struct smap export;         /* The archive that was made; empty: none. */
    char *arrived;              /* SHA-256 of that whose files are here. */
    char *refusal;              /* Why it cannot be; NULL: it can. */
    bool told;                  /* That it has arrived. */
};

struct pc_node_vi {
    struct pc_node *node;
    char *name;
    char *service;              /* Name, as last wanted; may be NULL. */
    struct pc_node_want *want;  /* NULL: no row; remove it. */
    long long int down_at;      /* Since when not want->up, in ms; 0: up. */

    enum pc_node_step step;
    long long int step_since;   /* Monotonic ms. */
    long long int raise_at;     /* When to look after the links again. */
    bool busy;                  /* A job of this VI is under way. */
    bool on_disk;               /* Something may be left of it. */
    bool dirty_root;            /* Its files must go before the next start. */

    /* The container, while there is one. */
    struct pc_node_record *record;
    struct pc_vi_image *image;
    char *image_of;             /* root_fingerprint that 'image' is of. */
    pid_t pid;
    int pidfd;                  /* -1: none. */
    int lifeline;               /* pc_container_lifeline(); -1: none, ... */
    bool lifeline_tried;        /* ... and it will not do to try (again). */
    char *ports[2];             /* Host names; [1] NULL: one port. */

    struct pc_node_move move;

    /* pc-node-link.c. */
    struct pc_node_link link;   /* As set, or tried. */
    bool link_known;
    char *link_error;

    /* pc-node-stats.c. */
    struct pc_node_stats *stats; /* NULL: not known. */
    struct pc_node_stats *stats_before; /* Those before; NULL: none. */

    /* pc-node-used.c. */
    struct pc_node_used *used;  /* NULL: nobody pays for what it uses. */

    /* pc-node-limits.c. */
    struct pc_capacity applied; /* In force. */
    bool applied_known;         /* Not if it was found running. */
    struct pc_node_grant granted; /* What made it so in the row. */
    struct pc_capacity refused; /* What cannot be in force... */
    bool is_refused;            /* ...if there is such. */
    char *resize_error;         /* Why the last resize was refused, or NULL. */
    char *unenforced;           /* What of 'applied' is not in force, or NULL. */

    bool died;                  /* It ended by itself, or could not start. */
    enum pc_event_kind died_how;
    long long int died_at;      /* Microseconds since the epoch. */
    char *failed_before;        /* Cause of the last PC_EVENT_VI_FAILED. */
    struct pc_backoff backoff;
    long long int retry_at;     /* PC_STEP_BACKOFF, monotonic ms. */

    bool probe_chosen;          /* 'probe' is what row and image want. */
    struct pc_probe probe;
    struct pc_rise rise;
    bool probing;               /* A probe is under way. */
    bool probe_overdue;         /* It has counted as failed already. */
    atomic_uint64_t probe_began; /* Monotonic ms; 0: it waits for a thread. */
    long long int probe_at;     /* Next probe, monotonic ms. */
    uint64_t probe_generation;  /* Results of older ones do not count. */
    struct pc_damp damp;        /* How often it has become not ready. */
    bool held;                  /* That has been said. */
    bool link_down;             /* A port's, as has been said. */

    /* Status. */
    bool ready;
    int told_ready;             /* Told to the controller role; -1: nothing. */
    bool image_failed;
    long long int restarts;
    char *error;
};

/* Result of the look at what is there when the agent starts. */
struct pc_node_found {
    char *name;
    pid_t pid;                  /* 0: not running. */
    int pidfd;                  /* -1: not running. */
    struct pc_node_record *record; /* NULL: none. */
};

struct pc_node_scan;

struct pc_node {
    struct ovsdb_idl *idl;
    char *name;                 /* NULL: not known yet. */
    char *config_name;          /* As configured, or NULL. */
    char *ovs_remote, *state_dir, *log_dir, *record_dir;
    char *fault;
    char *export_url;           /* Node.options:export-url; NULL: none. */
    struct smap port_defaults;
    struct pc_vi_config vi_cfg;
    int config_error;           /* Of the state directory; 0: fine. */

    struct pc_lock *lock;       /* For others to see; NULL: none. */
    struct pc_events *events;   /* The agent's; NULL: none are recorded. */
    const struct pc_node_listener *listener;    /* May be NULL. */
    void *listener_aux;
    struct pc_worker *worker;   /* Jobs of VIs. */
    struct pc_worker *prober;   /* Probes: these must not wait for those. */
    struct pc_ports *ports;     /* NULL until 'name' is known. */

    unsigned int idl_seqno;
    int64_t slot_at;            /* When a slot of a VI begins or ends; 0: never. */
    int64_t next_cfg;           /* Of the snapshot that 'vis' reflect. */
    struct shash vis;           /* Name -> struct pc_node_vi. */
    struct hmap captures;       /* Contains "struct pc_node_capture"s. */
    bool scanning, scanned;
    bool closing;               /* In pc_node_destroy(). */

    int64_t found_cpu, found_memory, found_disk; /* 0: not known. */
    struct pc_capacity capacity; /* Of the Node row; 0: as found. */
    uint32_t router_mtu;        /* The largest of the routers' interfaces. */

    bool collecting;            /* Images are being removed: none is opened. */
    bool collected;             /* Some are gone: Image.status must be, too. */
    long long int collect_at;   /* Next time, monotonic ms. */
    long long int image_keep;   /* In ms; 0: for ever. */

    struct shash used_before;   /* By an earlier agent: VI's name -> struct
                                 * pc_node_used. */
    bool used_busy;             /* A job is writing the file. */
    bool used_dirty;            /* It must be written. */

    bool stats_busy;            /* A job is under way. */
    long long int stats_at;     /* Next one, monotonic ms. */
    long long int stats_interval; /* In ms; 0: none. */

    long long int report_at;    /* Next sign of life, monotonic ms. */
    long long int report_interval; /* In ms; 0: there is no row. */
};

/* pc-node-want.c */
struct pc_node_want *pc_node_want_from_row(const struct pc_node *,
                                           const struct pcrec_node *,
                                           const struct pcrec_vi *);
void pc_node_vi_set_want(struct pc_node_vi *, struct pc_node_want *);
void pc_node_want_destroy(struct pc_node_want *);

/* pc-node.c */
bool pc_node_is_wired(const struct pc_node_vi *);

/* pc-node-vi.c */
struct pc_node_vi *pc_node_vi_create(struct pc_node *, const char *name);
void pc_node_vi_destroy(struct pc_node_vi *);
void pc_node_vi_run(struct pc_node_vi *);
void pc_node_vi_wait(struct pc_node_vi *);
const char *pc_node_step_to_string(enum pc_node_step);
bool pc_node_vi_has_container(const struct pc_node_vi *);
bool pc_node_vi_wants_up(const struct pc_node_vi *);
void pc_node_vi_set_error(struct pc_node_vi *, char *error);
void pc_node_vi_event(const struct pc_node_vi *, enum pc_event_kind,
                      const char *cause);
bool pc_node_vi_is_outdated(const struct pc_node_vi *);
bool pc_node_vi_root_is_outdated(const struct pc_node_vi *);
void pc_node_vi_step(struct pc_node_vi *, enum pc_node_step next);
void pc_node_vi_forget_container(struct pc_node_vi *);
void pc_node_vi_drop_image(struct pc_node_vi *);

/* pc-node-vi-up.c */
void pc_node_vi_adopt(struct pc_node_vi *, struct pc_node_found *);
void pc_node_vi_run_down(struct pc_node_vi *);
void pc_node_vi_run_adopt(struct pc_node_vi *);
void pc_node_vi_run_attach(struct pc_node_vi *);
void pc_node_vi_run_probe(struct pc_node_vi *);
void pc_node_vi_run_running(struct pc_node_vi *);

/* pc-node-vi-down.c */
void pc_node_vi_fail(struct pc_node_vi *, enum pc_event_kind how, char *error);
void pc_node_vi_detach(struct pc_node_vi *);
void pc_node_vi_enter_backoff(struct pc_node_vi *);
void pc_node_vi_run_cut(struct pc_node_vi *);
void pc_node_vi_run_detach(struct pc_node_vi *);
void pc_node_vi_run_stop(struct pc_node_vi *);

/* pc-node-archive.c */
void pc_node_archive_clean(const struct pc_node *, const char *name);
void pc_node_archive_pack(struct pc_node_vi *);
void pc_node_archive_import(struct pc_node_vi *);

/* pc-node-move.c */
void pc_node_move_init(struct pc_node_move *);
void pc_node_move_destroy(struct pc_node_move *);
bool pc_node_move_concerns(const struct pcrec_vi *, const struct pcrec_node *);
void pc_node_move_read(struct pc_node_want *, const struct pcrec_vi *,
                       const struct pcrec_node *);
bool pc_node_move_run(struct pc_node_vi *);
void pc_node_move_write(struct pc_node_vi *, const struct pcrec_vi *);

/* pc-node-ports.c */
void pc_node_ports_name(struct pc_node_vi *);
void pc_node_ports_want(struct pc_node_vi *);
void pc_node_ports_unwant(struct pc_node_vi *);
enum pc_port_state pc_node_ports_state(const struct pc_node_vi *,
                                       const char **errorp);
bool pc_node_ports_are_gone(const struct pc_node_vi *);
bool pc_node_ports_links_are_up(const struct pc_node_vi *);
bool pc_node_ports_links_are_down(const struct pc_node_vi *);
void pc_node_ports_cut(const struct pc_node_vi *);
void pc_node_ports_raise(const struct pc_node_vi *);

/* pc-node-death.c */
void pc_node_death_watch(struct pc_node_vi *);
void pc_node_death_forget(struct pc_node_vi *);
bool pc_node_death_is_near(const struct pc_node_vi *);
bool pc_node_death_is_over(const struct pc_node_vi *);
void pc_node_death_wait(const struct pc_node_vi *);
void pc_node_death_wait_over(const struct pc_node_vi *);
char *pc_node_death_cause(const struct pc_node_vi *);
void pc_node_death_add_status(struct pc_node_vi *);
void pc_node_death_record(struct pc_node_vi *);
void pc_node_death_missed(struct pc_node_vi *);

/* pc-node-health.c */
void pc_node_health_start(struct pc_node_vi *);
bool pc_node_health_run(struct pc_node_vi *);
bool pc_node_health_allows(struct pc_node_vi *);
void pc_node_health_update(struct pc_node_vi *);
void pc_node_vi_set_ready(struct pc_node_vi *, bool ready, const char *cause);
void pc_node_health_wait(const struct pc_node_vi *);

/* What pc-node-job.c tells the state machine, in the main loop.  'error' NULL:
 * it worked; the callee takes it. */
void pc_node_vi_image_done(struct pc_node_vi *, struct pc_vi_image *,
                           char *image_of, char *error);
void pc_node_vi_start_done(struct pc_node_vi *, pid_t, int pidfd,
                           char *error);
void pc_node_vi_stop_done(struct pc_node_vi *, char *last_line, char *error);
void pc_node_vi_probe_done(struct pc_node_vi *, uint64_t generation,
                           char *error);

/* pc-node-link.c */
void pc_node_link_wanted(const struct pc_node_vi *, struct pc_node_link *);
char *pc_node_link_set(pid_t, const char *const ports[2],
                       const struct pc_node_link *);
void pc_node_link_run(struct pc_node_vi *);
void pc_node_link_done(struct pc_node_vi *, const struct pc_node_link *,
                       char *error);
void pc_node_link_write(const struct pc_node_vi *, const struct pcrec_vi *);
void pc_node_link_read(struct pc_node *, const struct pcrec_node *);
uint32_t pc_node_link_subnet_mtu(const struct pc_node *,
                                 const struct pcrec_vi *);

/* pc-node-images.c */
void pc_node_images_run(struct pc_node *);
void pc_node_images_wait(const struct pc_node *);
void pc_node_images_write(struct pc_node *);

/* pc-node-stats.c */
void pc_node_stats_run(struct pc_node *);
void pc_node_stats_wait(const struct pc_node *);
void pc_node_stats_destroy(struct pc_node_stats *);
void pc_node_stats_write(const struct pc_node_vi *, const struct pcrec_vi *);
bool pc_node_stats_get_use(const struct pc_node_vi *, struct pc_node_use *);

void pc_node_stats_look(const struct pc_node *, const char *name,
                        char *const ports[2], struct pc_usage_counters *);

/* pc-node-used.c */
void pc_node_used_load(struct pc_node *);
void pc_node_used_unload(struct pc_node *);
void pc_node_used_destroy(struct pc_node_used *);
void pc_node_used_read(struct pc_node_vi *, const struct pcrec_vi *);
void pc_node_used_begin(struct pc_node_vi *);
void pc_node_used_take(struct pc_node_vi *, const char *instance,
                       const struct pc_usage_counters *);
void pc_node_used_end(struct pc_node_vi *);
void pc_node_used_run(struct pc_node *);
void pc_node_used_write(const struct pc_node_vi *, const struct pcrec_vi *);

/* pc-node-report.c */
void pc_node_report_read(struct pc_node *, const struct pcrec_node *);
void pc_node_report_write(struct pc_node *, const struct pcrec_node *);
void pc_node_report_wait(const struct pc_node *);

/* pc-node-status.c */
void pc_node_status_set(const struct pcrec_vi *, const char *key,
                        const char *value);

/* pc-node-limits.c */
void pc_node_limits_start(struct pc_node_vi *);
void pc_node_limits_run(struct pc_node_vi *);
void pc_node_limits_done(struct pc_node_vi *, const struct pc_capacity *,
                         char *unenforced, char *error);
void pc_node_limits_write(const struct pc_node_vi *, const struct pcrec_vi *);
struct pc_container_limits pc_node_limits_of(const struct pc_capacity *);

/* pc-node-job.c: each sets 'busy' until it is done. */
struct pc_node_record *pc_node_record_create(const struct pc_node_want *,
                                            const struct pc_vi_image *);
void pc_node_job_image(struct pc_node_vi *);
void pc_node_job_start(struct pc_node_vi *);
void pc_node_job_stop(struct pc_node_vi *, bool destroy);
void pc_node_job_limits(struct pc_node_vi *);
void pc_node_job_link(struct pc_node_vi *, const struct pc_node_link *);

/* pc-node-probe.c: sets 'probing' until it is done. */
void pc_node_probe(struct pc_node_vi *);

/* pc-node-scan.c */
void pc_node_scan_start(struct pc_node *);
void pc_node_scan_done(struct pc_node *, struct pc_node_found *, size_t n);
void pc_node_record_destroy(struct pc_node_record *);
char *pc_node_record_path(const char *record_dir, const char *name);
char *pc_node_record_write(const char *record_dir, const char *name,
                           const struct pc_node_record *);

/* pc-node-capture.c */
void pc_node_captures_read(struct pc_node *, const struct pcrec_node *);
void pc_node_captures_run(struct pc_node *);
void pc_node_captures_wait(const struct pc_node *);
bool pc_node_captures_are_settled(const struct pc_node *);
void pc_node_captures_write(struct pc_node *);
void pc_node_captures_destroy(struct pc_node *);

/* pc-node-status.c */
bool pc_node_vi_is_gone(const struct pc_node_vi *);
bool pc_node_vi_is_settled(const struct pc_node_vi *);
const char *pc_node_vi_state(const struct pc_node_vi *);
void pc_node_status_write(struct pc_node *, struct ovsdb_idl_txn *);

/* pc-node-ctl.c */
void pc_node_ctl_register(struct pc_node *);

#endif /* pc-node-private.h */
