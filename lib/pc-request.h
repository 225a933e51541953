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

#ifndef PC_REQUEST_H
#define PC_REQUEST_H 1

/* Requests as words and as JSON (paper tables 1 and 2)
 * ====================================================
 *
 * A SLOT on the command line:
 *
 *     START/END:cpu=1,memory=256MiB,disk=300GB,network=1Gbps
 *
 * START and END as in pc-time.h; an END that begins with "+" is relative to START.
 * A dimension that is left out is zero.  The START of a slot may be left out if a
 * slot stands before it ("/END:..."): it begins where that one ends.
 *
 * A file (JSON Schema: lib/request.schema.json):
 *
 *     { "provider": "p1", "from": "10.1.0.7", "cloudlet": "paris",
 *       "slots": [
 *         { "begin": "2026-12-01T08:00:00Z", "end": "2026-12-01T20:00:00Z",
 *           "capacity": { "cpu": "1", "memory": "256MiB", "disk": "300GB",
 *                         "network": "1Gbps" } },
 *         ... ] }
 *
 * "service", "name", "cloudlet" and "from", an IP address, are optional, and
 * "$schema", which is ignored.  Unknown members are errors.  "begin" and "end" are
 * as in a SLOT, but both are there.  In "capacity" an integer is as good as a text
 * of its digits: CPUs, bytes, bits per second.
 *
 * Thread-safety: pure functions; the file is read by pc_request_read(). */

#include "openvswitch/compiler.h"
#include "pc-slot.h"

struct pc_request {
    char *name;                 /* The members; NULL: absent. */
    char *provider;
    char *service;
    char *cloudlet;
    char *from;
    struct pc_slot *slots;
    size_t n_slots;
};

/* Each returns null or a line that names what is wrong and where, for the caller
 * to free; the request is empty then, and the slots unchanged. */
char *pc_request_parse_slot(const char *, int64_t now,
                            const struct pc_slot *previous, struct pc_slot *)
    OVS_WARN_UNUSED_RESULT;
char *pc_request_from_json(const char *text, int64_t now, struct pc_request *)
    OVS_WARN_UNUSED_RESULT;
char *pc_request_read(const char *file, int64_t now, struct pc_request *)
    OVS_WARN_UNUSED_RESULT;
/* Frees the members and leaves the request empty; NULL is fine. */
void pc_request_destroy(struct pc_request *);

/* "2026-12-01T08:00:00Z/2026-12-01T20:00:00Z:cpu=1,...": parses back to the same.
 * The caller frees it. */
char *pc_request_format_slot(const struct pc_slot *);

/* The slots in a column of Reservation or VI, put in order.  The caller frees
 * '*slots'; NULL and 0 if there is an error. */
char *pc_request_parse_slots(char *const *texts, size_t n,
                             struct pc_slot **slots, size_t *n_slots)
    OVS_WARN_UNUSED_RESULT;

/* The other way: texts, for the caller to free each and all. */
char **pc_request_format_slots(const struct pc_slot *, size_t n);

#endif /* pc-request.h */
