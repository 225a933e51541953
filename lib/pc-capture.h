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

#ifndef PC_CAPTURE_H
#define PC_CAPTURE_H 1

/* Writes what arrives on a network device into a file in pcap format.
 *
 *     c = pc_capture_start("pci12345678", "/tmp/f.pcap", 64 * 1024 * 1024);
 *     for (;;) {
 *         pc_capture_get(c, &status);
 *         ...
 *         pc_capture_wait(c);          // Wakes poll_block() on a new state.
 *         poll_block();
 *     }
 *     pc_capture_stop(c);
 *
 * A thread of its own opens the device, brings it up, and sleeps while nothing
 * arrives.  A file that exists is continued if it is a capture of the same kind
 * of link, and otherwise left alone: so an agent that starts again loses
 * nothing, and no other file is overwritten.  The only module that knows
 * libpcap.
 *
 * Thread-safety: the functions are for one thread. */

#include <stdint.h>

struct pc_capture;

enum pc_capture_state {
    PC_CAPTURE_STARTING,
    PC_CAPTURE_RUNNING,
    PC_CAPTURE_FULL,            /* The file has reached its size. */
    PC_CAPTURE_FAILED           /* See 'error'. */
};

struct pc_capture_status {
    enum pc_capture_state state;
    char error[256];            /* One line. */
    uint64_t packets, bytes;    /* Written, since the start. */
    uint64_t dropped;           /* Arrived too fast to be written. */
};

/* Starts to write what arrives on device 'ifname', of the calling thread's
 * network namespace, to 'file', until that has 'max_size' bytes (0: no limit).
 * Never fails here: see pc_capture_get(). */
struct pc_capture *pc_capture_start(const char *ifname, const char *file,
                                    uint64_t max_size);

/* Ends it, closes the file and frees 'c'.  NULL is fine.  What has arrived
 * before is in the file. */
void pc_capture_stop(struct pc_capture *c);

void pc_capture_get(const struct pc_capture *, struct pc_capture_status *);

/* Makes the next poll_block() return when the state changes. */
void pc_capture_wait(struct pc_capture *);

#endif /* pc-capture.h */
