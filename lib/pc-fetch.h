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

#ifndef PC_FETCH_H
#define PC_FETCH_H 1

/* Getting a file from a URL
 * =========================
 *
 * The only module that knows libcurl.  `file:` and `https:` are allowed.
 * `http:` is only if the caller knows the SHA-256 that the file must have
 * (then nobody on the way can change it unseen); redirects stay within the
 * same rule.  A transfer that breaks off is taken up where it stopped, by a
 * range request, up to 'retries' times, also from a partial file that an earlier
 * call has left.  The content is not checked here (see pc-image.h).
 *
 * A transfer that is cancelled ends within a second, whatever the network and
 * the server do.
 *
 * Blocks; thread-safe as long as two calls don't write the same file. */

#include <stdbool.h>
#include <stdint.h>
#include "compiler.h"
#include "ovs-atomic.h"

struct pc_fetch_options {
    bool allow_http;            /* Permit http:. */
    uint64_t max_size;          /* Bytes; 0: 16 GiB. */
    unsigned int connect_ms;    /* 0: 10,000. */
    unsigned int stall_s;       /* Break off after that many seconds with less
                                 * than 1 kB/s; 0: 30. */
    unsigned int retries;       /* Further attempts after a break. */
    const char *ca_file;        /* PEM, besides the system's certificates; NULL:
                                 * only those. */
    const atomic_bool *cancel;  /* Another thread sets it to end the transfer
                                 * with an error.  NULL: never. */
};

/* Stores what 'url' names in 'path'.  While it is not complete it is in
 * `<path>.part`, which is kept on failure for the next attempt.  Returns NULL or
 * an error for the caller to free. */
char *pc_fetch(const char *url, const char *path,
               const struct pc_fetch_options *) OVS_WARN_UNUSED_RESULT;

/* Initializes libcurl.  Once per process, before any thread is started
 * (curl_global_init(3)); pc_node_create() does it. */
void pc_fetch_init(void);

#endif /* pc-fetch.h */
