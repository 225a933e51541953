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

#ifndef PC_UPPER_H
#define PC_UPPER_H 1

/* What a VI has written, as one file
 * ==================================
 *
 * The root of a VI is an overlay: its image, read-only, and above it a directory
 * `upper` with all that the VI has written or deleted.  With the same image
 * below it, `upper` is all that another machine needs to go on with.
 *
 *     pc_upper_pack(upper, ids, path, &result)     an archive, and its SHA-256
 *     pc_upper_hash(fd, ...)                       is it that one?
 *     pc_upper_unpack(fd, upper, ids, ...)         a directory again
 *
 * The archive is an uncompressed tar file in pax format, sorted by name and
 * without the time of its making: the same files give the same bytes.  In it are
 * files, directories, links, hard links, fifos, and what overlayfs remembers
 * (deleted names, opaque and redirected directories), with modes (set-user-id
 * too), owners as in the container, times of modification, file capabilities,
 * ACLs and user attributes.  Not in it: sockets, which mean nothing without the
 * process that has made them; what every start removes (/run, /tmp); holes of
 * files, which become zeros.
 *
 * The archive is not trusted: names that are absolute or contain "..", entries
 * below a link, devices, owners beyond the container's and more than the
 * archive's own size are errors.
 *
 * Blocks, for as long as the disk takes (a worker's job), unless another thread
 * sets 'cancel'.  Not while the container runs.  Thread-safe for different
 * directories. */

#include <stdint.h>
#include "compiler.h"
#include "ovs-atomic.h"

#define PC_UPPER_SHA256_LEN 64  /* Hex digits. */

/* How to read and write; borrowed. */
struct pc_upper_options {
    uint32_t id_base;           /* User and group on the host that are 0 in the
                                 * container... */
    uint32_t id_count;          /* ...and how many there are. */
    const atomic_bool *cancel;  /* NULL: never. */
};

struct pc_upper_archive {
    char sha256[PC_UPPER_SHA256_LEN + 1];
    uint64_t size;              /* Bytes. */
};

/* Packs the directory 'upper' into 'path', which must not exist yet; mode 0640, in
 * the group of its directory.  It is on the disk when this returns.  Returns NULL
 * or an error for the caller to free, and then there is no such file. */
char *pc_upper_pack(const char *upper, const struct pc_upper_options *,
                    const char *path, struct pc_upper_archive *)
    OVS_WARN_UNUSED_RESULT;

/* The SHA-256 and size of the open file 'fd', from its beginning. */
char *pc_upper_hash(int fd, const atomic_bool *cancel,
                    struct pc_upper_archive *) OVS_WARN_UNUSED_RESULT;

/* Unpacks the archive 'fd', from its beginning, into the directory 'upper', which
 * must be empty.  After an error it may have some of the content. */
char *pc_upper_unpack(int fd, const char *upper,
                      const struct pc_upper_options *) OVS_WARN_UNUSED_RESULT;

#endif /* pc-upper.h */
