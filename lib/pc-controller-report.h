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

#ifndef PC_CONTROLLER_REPORT_H
#define PC_CONTROLLER_REPORT_H 1

/* What the files of the controller's report share:
 *
 *   pc-controller-report.c  which nodes live; Node.state; the cloudlet's report
 *   pc-controller-hold.c    what is held on each node now */

#include "heap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/uuid.h"
#include "pc-slot.h"

struct pc_controller;
struct pcrec_reservation;
struct pcrec_vi;

enum pc_ctl_node_state {
    PC_CTL_NODE_UNKNOWN,        /* Nobody has heard of it. */
    PC_CTL_NODE_UP,
    PC_CTL_NODE_SUSPECT,
    PC_CTL_NODE_DOWN,
};

/* A node of the cloudlet. */
struct pc_ctl_node {
    struct hmap_node hmap_node; /* In struct pc_ctl_report's 'nodes'. */
    struct uuid uuid;
    char *name;
    enum pc_ctl_node_state state;
    int64_t seen;               /* The last Node.seen that was not 0. */
    long long int heard;        /* When that came here, monotonic ms. */
    size_t n_placing;           /* VIs in the transaction under way. */
    struct pc_amount total;     /* What it has. */
    struct pc_amount held;      /* What is held there now. */
};

/* What is held. */
struct pc_ctl_holds {
    struct hmap holds;          /* Contains "struct pc_ctl_hold"s. */
    struct heap changes;        /* The same, what changes first on top. */
    int64_t now;                /* Time of the calendar's clock. */
};

struct pc_ctl_holds *pc_ctl_report_holds(const struct pc_controller *);
struct pc_ctl_node *pc_ctl_report_find_node(const struct pc_controller *,
                                            const struct uuid *);

void pc_ctl_holds_init(struct pc_ctl_holds *);
void pc_ctl_holds_destroy(struct pc_ctl_holds *);
void pc_ctl_holds_clear(struct pc_ctl_holds *);
void pc_ctl_holds_run(struct pc_ctl_holds *, int64_t now);
int64_t pc_ctl_holds_next(const struct pc_ctl_holds *);
void pc_ctl_hold_reservation(struct pc_controller *,
                             const struct pcrec_reservation *);
void pc_ctl_hold_vi(struct pc_controller *, const struct pcrec_vi *);
void pc_ctl_hold_remove(struct pc_ctl_holds *, const struct uuid *);

#endif /* pc-controller-report.h */
