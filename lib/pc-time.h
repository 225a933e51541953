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

#ifndef PC_TIME_H
#define PC_TIME_H 1

/* Points in time and lengths, as people write them
 * ================================================
 *
 *     2026-12-01T08:00:00Z            RFC 3339; an offset instead of Z too
 *     2026-12-01T08:00Z               seconds may be left out
 *     2026-12-01                      that day's first instant, UTC
 *     now   now+2h   now-15m          relative to 'now'
 *     @1796112000                     seconds since the epoch
 *
 * A length is a sequence of numbers with units w, d, h, m and s, largest first,
 * each once: "1d12h", "90m", "30s", "2w".  A fraction of a second is not accepted.
 * A leap second (:60, which there is only at the end of a day, UTC) is the first
 * instant of the next minute, as in POSIX time.
 *
 * Times are seconds since the epoch, 0...PC_TIME_MAX of pc-slot.h.
 *
 * Thread-safety: pure functions. */

#include <stdint.h>
#include "openvswitch/compiler.h"

/* Parsers return null or a line that the caller frees; the output is 0 then. */
char *pc_time_parse(const char *, int64_t now, int64_t *time)
    OVS_WARN_UNUSED_RESULT;
char *pc_time_parse_length(const char *, int64_t *seconds)
    OVS_WARN_UNUSED_RESULT;

/* "2026-12-01T08:00:00Z", and "1d12h", without weeks; the caller frees them.  They
 * parse back to the same; what is out of range becomes "@SECONDS" and "-1h". */
char *pc_time_format(int64_t time);
char *pc_time_format_length(int64_t seconds);

#endif /* pc-time.h */
