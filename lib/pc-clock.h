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

#ifndef PC_CLOCK_H
#define PC_CLOCK_H 1

/* The calendar's clock
 * ====================
 *
 * What the calendar does (start and end reservations, report, charge) asks this
 * clock, never time() itself.  It is the machine's clock, in seconds since the
 * epoch, UTC, unless the environment has PCLOUD_CLOCK: the absolute name
 * of a file that holds the time, as pc-time.h writes it ("now" has no meaning in
 * it).  Every process that has it has the same time, and sees a change of the file
 * (a rename over it, or the end of a write) at once: tests walk through a day in
 * seconds.  (Time-outs of connections and probes go by the monotonic clock and are
 * not affected.)
 *
 * A step of the machine's clock (NTP, an operator) wakes whoever waits: what was
 * due in the time that was skipped is due at once.
 *
 * Thread-safety: the main loop's thread. */

#include <stdint.h>

/* The time.  If the file of PCLOUD_CLOCK cannot be read the last time known, 0 if
 * there was none, with a warning in the log. */
int64_t pc_clock_now(void);

/* The poll loop wakes at 'time', or when the clock is set. */
void pc_clock_wait_until(int64_t time);

#endif /* pc-clock.h */
