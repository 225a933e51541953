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

#ifndef PC_UNITS_H
#define PC_UNITS_H 1

/* Quantities as people write them.
 *
 *   what       examples                       kept as
 *   ---------  -----------------------------  ------------------------------
 *   CPU        2   500m   1.5                 millicores
 *   memory     256MiB   1GB   1048576         bytes (kB MB GB TB are powers
 *                                             of 1000, KiB MiB GiB TiB of
 *                                             1024; no suffix = bytes)
 *   rate       1Gbps   100Mbps   64kbps  9600 bits per second (powers of 1000)
 *   packets    2Mpps   24kpps   500pps        packets per second (of 1000)
 *   share      10%                            percent, 0..100
 *   count      100                            as it is
 *
 * A fraction is allowed where the result is whole (1.5 is 1500 millicores,
 * 0.5kB is 500 bytes).  Case doesn't matter except for the `m` of millicores;
 * spaces are not allowed.
 *
 * Parsers return null, or an error of one line that the caller frees; '*value'
 * is 0 then.  Formatters give the shortest text that parses back to the same
 * number; the caller frees it.
 *
 * Thread-safety: pure functions. */

#include <stdint.h>
#include "openvswitch/compiler.h"

/* Parse a text of the table above into thousandths of a CPU, bytes, bits per
 * second, packets per second, percent (0 to 100) and a plain number. */
char *pc_units_parse_cpu(const char *, uint64_t *millicores)
    OVS_WARN_UNUSED_RESULT;
char *pc_units_parse_bytes(const char *, uint64_t *bytes)
    OVS_WARN_UNUSED_RESULT;
char *pc_units_parse_rate(const char *, uint64_t *bits_per_second)
    OVS_WARN_UNUSED_RESULT;
char *pc_units_parse_packets(const char *, uint64_t *packets_per_second)
    OVS_WARN_UNUSED_RESULT;
char *pc_units_parse_percent(const char *, uint64_t *percent)
    OVS_WARN_UNUSED_RESULT;
char *pc_units_parse_count(const char *, uint64_t *count)
    OVS_WARN_UNUSED_RESULT;

/* The shortest texts of these quantities, such as "500m", "256MiB", "1Gbps",
 * "24kpps"; the caller frees them. */
char *pc_units_format_cpu(uint64_t millicores);
char *pc_units_format_bytes(uint64_t bytes);
char *pc_units_format_rate(uint64_t bits_per_second);
char *pc_units_format_packets(uint64_t packets_per_second);

/* The dimensions of a capacity (<cpu, memory, disk, network>, paper §3.4) by
 * name, as in `cpu=500m memory=256MiB disk=1GB network=100Mbps pids=100`. */
char *pc_units_parse_capacity(const char *dimension, const char *text,
                              uint64_t *value) OVS_WARN_UNUSED_RESULT;
char *pc_units_format_capacity(const char *dimension, uint64_t value);

#endif /* pc-units.h */
