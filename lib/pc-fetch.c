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

#include <config.h>
#include "pc-fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define PC_FETCH_MAX_SIZE (UINT64_C(16) << 30)

/* Longest sleep without a look at 'cancel'. */
#define PC_FETCH_SLEEP_US 100000

struct fetch {
    int fd;
    uint64_t size;              /* Bytes in the file. */
    uint64_t max_size;
    int error;                  /* Of writing: positive errno. */
    CURL *curl;
    const atomic_bool *cancel;
};

static bool
is_cancelled(const struct fetch *f)
{
    bool cancelled = false;

    if (f->cancel) {
        atomic_read_relaxed(f->cancel, &cancelled);
    }
    return cancelled;
}

void
pc_fetch_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t
write_cb(char *data, size_t size, size_t n, void *f_)
{
    struct fetch *f = f_;
    size_t total = size * n;

    if (f->size + total > f->max_size) {
        f->error = EFBIG;
        return 0;
    }
    for (size_t done = 0; done < total; ) {
        ssize_t retval = write(f->fd, data + done, total - done);

        if (retval < 0 && errno != EINTR) {
            f->error = errno;
            return 0;
        }
        done += MAX(retval, 0);
    }
    f->size += total;
    return total;
}

/* libcurl calls it at least once a second, also if nothing comes.  Nonzero ends
 * the transfer. */
static int
progress_cb(void *f_, curl_off_t dltotal OVS_UNUSED,
            curl_off_t dlnow OVS_UNUSED, curl_off_t ultotal OVS_UNUSED,
            curl_off_t ulnow OVS_UNUSED)
{
    struct fetch *f = f_;

    if (!is_cancelled(f)) {
        return 0;
    }
#if LIBCURL_VERSION_NUM >= 0x075700
    /* Not to wait for its resolver's thread, which cannot be interrupted. */
    curl_easy_setopt(f->curl, CURLOPT_QUICK_EXIT, 1L);
#endif
    return 1;
}

static void
set_options(CURL *curl, const char *url, const struct pc_fetch_options *o,
            struct fetch *f)
{
    const char *protocols = o->allow_http ? "file,https,http" : "file,https";

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
    /* Never from the network to this machine's files. */
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
                     o->allow_http ? "https,http" : "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long) (o->connect_ms ? o->connect_ms : 10000));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     (long) (o->stall_s ? o->stall_s : 30));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_cb);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress_cb);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, f);
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t) f->size);
    if (o->ca_file) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, o->ca_file);
    }
}

/* True if trying again may help. */
static bool
is_transient(CURLcode code)
{
    switch ((int) code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

/* One attempt, from where f->fd ends.  Returns NULL or an error; sets '*again'
 * if another attempt makes sense. */
static char *
attempt(const char *url, const struct pc_fetch_options *o, struct fetch *f,
        bool *again)
{
    char why[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    uint64_t old_size = f->size;
    long int status = 0;
    char *error = NULL;
    CURLcode code;

    *again = false;
    if (!curl) {
        return xstrdup("libcurl cannot be initialized");
    }
    f->curl = curl;
    set_options(curl, url, o, f);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);

    if (f->error) {
        error = xasprintf("%s: %s", url, (f->error == EFBIG
                                          ? "is larger than allowed"
                                          : ovs_strerror(f->error)));
    } else if (code == CURLE_ABORTED_BY_CALLBACK) {
        error = xasprintf("%s: cancelled", url);
    } else if (code == CURLE_RANGE_ERROR || status == 416
               || code == CURLE_BAD_DOWNLOAD_RESUME) {
        /* The server cannot resume, or what we have is not its beginning. */
        *again = old_size > 0;
        if (*again && (ftruncate(f->fd, 0) || lseek(f->fd, 0, SEEK_SET))) {
            *again = false;
        }
        f->size = *again ? 0 : f->size;
        error = xasprintf("%s: cannot be resumed", url);
    } else if (code != CURLE_OK) {
        *again = is_transient(code) || (status >= 500 && status < 600);
        error = xasprintf("%s: %s", url,
                          why[0] ? why : curl_easy_strerror(code));
    }
    return error;
}

/* Sleeps before attempt 'i': 100 ms, 200 ms, ... up to 3.2 s. */
static void
pause_before(const struct fetch *f, unsigned int i)
{
    for (unsigned int n = 1u << MIN(i - 1, 5); n && !is_cancelled(f); n--) {
        usleep(PC_FETCH_SLEEP_US);
    }
}

char *
pc_fetch(const char *url, const char *path, const struct pc_fetch_options *o)
{
    char *part = xasprintf("%s.part", path);
    struct fetch f = {
        .max_size = o->max_size ? o->max_size : PC_FETCH_MAX_SIZE,
        .cancel = o->cancel,
    };
    char *error = NULL;
    bool again = true;
    off_t end;

    f.fd = open(part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    end = f.fd < 0 ? -1 : lseek(f.fd, 0, SEEK_END);
    if (end < 0) {
        error = xasprintf("%s: %s", part, ovs_strerror(errno));
        again = false;
    }
    f.size = MAX(end, 0);
    for (unsigned int i = 0; again && i <= o->retries; i++) {
        if (i) {
            pause_before(&f, i);
        }
        free(error);
        error = attempt(url, o, &f, &again);
        if (!error) {
            again = false;
        }
    }
    if (f.fd >= 0) {
        close(f.fd);
    }
    if (!error && rename(part, path)) {
        error = xasprintf("%s: %s", path, ovs_strerror(errno));
    } else if (error && (!f.size || f.error == EFBIG)) {
        unlink(part);           /* Nothing to go on with. */
    }
    free(part);
    return error;
}
