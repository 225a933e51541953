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

#ifndef PC_SCHEDULER_PRIVATE_H
#define PC_SCHEDULER_PRIVATE_H 1

/* What the parts of the scheduler share:
 *
 *   pc-scheduler.c        main loop, what has changed, when something is due
 *   pc-scheduler-place.c  answers to requests
 *   pc-scheduler-move.c   reservations that go to another node
 *   pc-scheduler-state.c  states by the calendar, and money
 *   pc-scheduler-watch.c  cloudlets whose controllers are silent
 *   pc-scheduler-used.c   money for what was used
 *
 * A reservation whose row has changed, or for which it is time, is "dirty".  With
 * a transaction at hand each dirty one is looked at: pc_sched_decide() writes what
 * its row needs.  What was written is looked at again when the transaction is
 * decided, whether it has succeeded or not. */

#include <stdbool.h>
#include <stdint.h>
#include "heap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/uuid.h"
#include "ovsdb-idl.h"
#include "pc-booking.h"
#include "pc-scheduler.h"
#include "lib/pc-idl.h"

/* How many reservations one transaction may be about. */
#define PC_SCHED_BATCH 500

/* A reservation that is not over. */
struct pc_sched_reservation {
    struct hmap_node hmap_node; /* In struct pc_scheduler's 'reservations'. */
    struct uuid uuid;
    struct heap_node due_node;  /* In 'due', if 'is_due'. */
    bool is_due;
    int64_t due_at;             /* s since the epoch. */
    struct ovs_list dirty_node; /* In 'dirty', if 'is_dirty'. */
    bool is_dirty;
    struct ovs_list flight_node;    /* In 'in_flight', if 'is_in_flight'. */
    bool is_in_flight;
    struct ovs_list wait_node;  /* In 'waiting', if 'is_waiting'. */
    bool is_waiting;
};

struct pc_sched_counters {
    uint64_t n_decisions;       /* Rows written. */
    uint64_t n_transactions;    /* With at least one. */
    uint64_t n_again;           /* That failed. */
};

struct pc_scheduler {
    struct ovsdb_idl_loop loop;
    struct pc_booking *booking;
    struct ovsdb_idl_index *vis; /* By VI.reservation. */
    bool loaded;                /* All rows are in 'reservations'. */
    bool active;                /* Has the lock. */
    char *fault;                /* For tests: see pc_scheduler_create(). */
    const char *step;           /* What was decided last, for 'fault'. */
    int64_t now;                /* In this run. */
    unsigned int failures;      /* Transactions that failed, in a row. */
    long long int retry_at;     /* Nothing is written before, in ms. */

    struct hmap cloudlets;      /* See pc-scheduler-watch.c. */
    unsigned int watch_seqno;   /* The database's, when it was looked at. */
    long long int watch_at;     /* To look again, by time_msec(). */
    bool blind;                 /* The database was away, when it was looked at. */

    struct hmap reservations;   /* Contains "struct pc_sched_reservation"s. */
    struct heap due;            /* By 'due_at', the earliest first. */
    struct ovs_list dirty;
    struct ovs_list in_flight;  /* In the transaction under way. */
    struct ovs_list waiting;    /* For others that leave their node. */
    struct pc_sched_counters counters;
};

/* pc-scheduler.c. */
void pc_sched_set_due(struct pc_scheduler *, struct pc_sched_reservation *,
                      int64_t time);

void pc_sched_places_changed(struct pc_scheduler *);
/* 'row' is looked at again when another reservation has changed: something leaves
 * its node. */
void pc_sched_wait_for_others(struct pc_scheduler *,
                              const struct pcrec_reservation *row);
/* Those that wait are looked at next. */
void pc_sched_wake(struct pc_scheduler *);
/* The transaction that is being made is about 'row' too. */
void pc_sched_fly(struct pc_scheduler *, const struct pcrec_reservation *row);

/* pc-scheduler-watch.c. */
void pc_sched_watch_run(struct pc_scheduler *);
void pc_sched_watch_wait(const struct pc_scheduler *);
void pc_sched_watch_destroy(struct pc_scheduler *);

/* pc-scheduler-place.c.  Writes what 'row' needs now; returns true if it has
 * written something.  '*due' is set to when it must be looked at again, to
 * INT64_MAX if never. */
bool pc_sched_decide(struct pc_scheduler *, const struct pcrec_reservation *row,
                     struct ovsdb_idl_txn *, int64_t *due);

/* A reservation that is being decided. */
struct pc_sched_decision {
    struct pc_scheduler *s;
    const struct pcrec_reservation *row;
    struct ovsdb_idl_txn *txn;
    struct pc_slot *wanted, *slots;     /* Columns of 'row'. */
    size_t n_wanted, n_slots;
    bool broken;                /* 'wanted' makes no sense. */
};

/* Before anything is written: what is written holds only if the row is still as it
 * was when we decided.  Of two schedulers that believe they act one finds that it
 * is not.  'step' is for pc_scheduler_create()'s 'fault'. */
void pc_sched_begin(struct pc_sched_decision *, const char *step);
/* Ends the request for a reason that nothing can be done about. */
void pc_sched_answer(struct pc_sched_decision *, const char *state,
                     const char *reason);
/* The next transaction that places something on that node fails, unless it has
 * seen this one. */
void pc_sched_raise_version(const struct pcrec_node *);
/* Adds the node to those that are not to be tried. */
void pc_sched_add_refused(struct pc_sched_decision *,
                          const struct pcrec_node *);
bool pc_sched_is_refused(const struct pc_sched_decision *,
                         const struct pcrec_node *);
void pc_sched_forget_refused(struct pc_sched_decision *);
/* Makes the request for 'slots', in the reservation's cloudlet, without the nodes
 * that are not to be tried and without 'except' (NULL: none).  The caller frees
 * 'req->refused'. */
void pc_sched_request(const struct pc_sched_decision *,
                      const struct pc_slot *slots, size_t n_slots,
                      const struct pcrec_node *except,
                      struct pc_engine_request *req);
/* Holds 'wanted', which is what 'req' asks for, on 'node', until its controller has
 * spoken: what that has said so far was about something else. */
void pc_sched_propose(struct pc_sched_decision *, const struct pcrec_node *,
                      const struct pcrec_cloudlet *,
                      const struct pc_engine_request *req);
/* A change of what is promised.  Returns false if it waits for others. */
bool pc_sched_resize(struct pc_sched_decision *);
/* Puts 'wanted' into force, because of 'reason', and settles the difference of the
 * prices. */
void pc_sched_resized(struct pc_sched_decision *, const char *reason);

/* pc-scheduler-move.c. */
enum pc_sched_room {
    PC_ROOM_NONE,
    PC_ROOM_WAIT,               /* Something leaves the node already. */
    PC_ROOM_MADE                /* Written: something is to leave it. */
};
enum pc_sched_room pc_sched_make_room(struct pc_sched_decision *,
                                      const struct pc_engine_request *rest);
void pc_sched_move_by_hand(struct pc_sched_decision *);
void pc_sched_moved(struct pc_sched_decision *);

/* pc-scheduler-state.c. */
bool pc_sched_is_over(const struct pcrec_reservation *);
void pc_sched_set_state(struct pc_scheduler *, const struct pcrec_reservation *,
                        const char *state, const char *reason);
char *pc_sched_charge(struct pc_scheduler *, const struct pcrec_reservation *,
                      struct ovsdb_idl_txn *, int64_t price,
                      const char *what) OVS_WARN_UNUSED_RESULT;
char *pc_sched_refund(struct pc_scheduler *, const struct pcrec_reservation *,
                      struct ovsdb_idl_txn *, int64_t amount,
                      const char *what) OVS_WARN_UNUSED_RESULT;
void pc_sched_release(const struct pcrec_reservation *);
const struct pcrec_cloudlet *pc_sched_cloudlet_of(
    const struct pc_scheduler *, const struct pcrec_node *);

/* pc-scheduler-used.c. */
bool pc_sched_has_vi(const struct pc_scheduler *,
                     const struct pcrec_reservation *);
void pc_sched_used_register(struct pc_scheduler *);
bool pc_sched_charge_used(struct pc_scheduler *,
                          const struct pcrec_reservation *,
                          struct ovsdb_idl_txn *);

#endif /* pc-scheduler-private.h */
