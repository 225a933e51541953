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

#ifndef PC_BACKOFF_H
#define PC_BACKOFF_H 1

/* Three small state machines, values only: when to restart what died, when to
 * believe a probe, and when to trust again what fails all the time.
 *
 * Times are milliseconds of a monotonic clock (time_msec()) that the caller
 * passes in, so that tests need no clock.
 *
 * Thread safety: values; the caller locks. */

#include <stdbool.h>

/* Restart back-off: the first restart is immediate, the next waits 'min_ms',
 * then each doubles up to 'max_ms'.  Something that stayed up for 'reset_ms'
 * starts over. */
struct pc_backoff {
    long long int min_ms, max_ms, reset_ms;
    long long int delay_ms;     /* Wait before the next restart. */
    long long int started_ms;   /* When it came up; LLONG_MIN: it is down. */
    unsigned int n_deaths;      /* Since created or reset by success. */
};

#define PC_BACKOFF_MIN_MS 1000
#define PC_BACKOFF_MAX_MS 60000
#define PC_BACKOFF_RESET_MS 30000

/* Initializes it as of something that has not died yet. */
void pc_backoff_init(struct pc_backoff *);

/* It came up at 'now'. */
void pc_backoff_up(struct pc_backoff *, long long int now);

/* It died, or an attempt to start it failed, at 'now'.  Returns the time at
 * which to try again: 'now' itself for the first time. */
long long int pc_backoff_died(struct pc_backoff *, long long int now);

/* Rise and fall counts: 'good' becomes true after 'rise' good results in a
 * row and false after 'fall' bad ones in a row. */
struct pc_rise {
    unsigned int rise, fall;
    unsigned int n;             /* Results in a row that contradict 'good'. */
    bool good;
};

/* Initializes it as not good: 'rise' good results in a row make it good, 'fall'
 * bad ones make it bad again. */
void pc_rise_init(struct pc_rise *, unsigned int rise, unsigned int fall);

/* Feeds one result; returns true if 'good' changed. */
bool pc_rise_feed(struct pc_rise *, bool result);

/* Damping of something that flaps: the first time that it goes bad costs
 * nothing, after the second it is not used for 'min_ms' from then on, and each
 * further time doubles that up to PC_DAMP_MAX_MS.  Whatever stayed good for
 * PC_DAMP_RESET_MS starts over.  'min_ms' 0: it is never held down. */
struct pc_damp {
    long long int min_ms;
    long long int delay_ms;     /* What the next failure costs. */
    long long int until;        /* Not to be used before. */
    long long int good_since;   /* LLONG_MAX: it is bad. */
    unsigned int n;             /* Failures that count. */
};

#define PC_DAMP_MAX_MS 60000
#define PC_DAMP_RESET_MS 60000

void pc_damp_init(struct pc_damp *, long long int min_ms);

/* It is used from 'now' on. */
void pc_damp_good(struct pc_damp *, long long int now);

/* It failed at 'now'.  Only the first call after pc_damp_good() counts. */
void pc_damp_bad(struct pc_damp *, long long int now);

#endif /* pc-backoff.h */
