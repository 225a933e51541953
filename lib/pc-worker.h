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

#ifndef PC_WORKER_H
#define PC_WORKER_H 1

/* Worker threads beside a poll loop
 * =================================
 *
 * The agent's main loop must never block, but starting a container, fetching
 * an image or hashing a file takes from milliseconds to minutes.  Such work is
 * a "job": a function that runs once in one of a fixed number of threads, and
 * a second function that runs afterwards in the main thread, where it may
 * touch the database and everything else that belongs to the main loop.
 *
 *     static void start_cb(void *job_) { job->error = pc_container_start(...); }
 *     static void done_cb(void *job_)  { ...use job->error...; free(job); }
 *
 *     pc_worker_submit(w, start_cb, done_cb, job);
 *     for (;;) {
 *         pc_worker_run(w);          // Calls done_cb() of finished jobs.
 *         ...
 *         pc_worker_wait(w);         // Wakes poll_block() when one finishes.
 *         poll_block();
 *     }
 *
 * Jobs start in the order of submission, but end in any order.  Two jobs that
 * must not overlap (two steps of one VI) are the caller's to chain: submit the
 * second from the first one's done().
 *
 * Thread-safety
 * =============
 *
 * All functions are for the main thread only.  fn() runs in another thread: it
 * may use only what its `aux` points to, and the main thread must leave that
 * alone until done().  Worker threads block all signals, so the daemon's signal
 * handlers run in the main thread.  fork() from a worker is safe for liblxc,
 * which expects it: the child does not run the daemon's exit hooks (such as
 * deleting its pidfile).  A child inherits the blocked signals, therefore a
 * program that is executed must reset its mask; pcloud-vi-init and
 * pc_container_exec() do. */

#include <stdbool.h>
#include <stddef.h>

struct pc_worker;

typedef void pc_worker_func(void *aux);

/* Starts a pool of 'n_threads' (at least 1) threads. */
struct pc_worker *pc_worker_create(size_t n_threads);

/* Waits for the running jobs, drops the ones that have not begun, and calls
 * done() of every submitted job (so that its aux can be freed; a job can tell
 * by its own data whether fn() ran).  NULL is fine. */
void pc_worker_destroy(struct pc_worker *);

/* Queues fn(aux) for a worker thread, then done(aux) for pc_worker_run(); 'done'
 * may be NULL.  'aux' stays the caller's. */
void pc_worker_submit(struct pc_worker *, pc_worker_func *fn,
                      pc_worker_func *done, void *aux);

/* Calls done() of the jobs that have finished.  done() may submit. */
void pc_worker_run(struct pc_worker *);

/* Makes the next poll_block() return when a job finishes. */
void pc_worker_wait(struct pc_worker *);

/* Number of jobs submitted whose done() has not been called yet. */
size_t pc_worker_pending(const struct pc_worker *);

#endif /* pc-worker.h */
