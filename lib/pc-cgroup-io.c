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
#include "pc-cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "openvswitch/dynamic-string.h"
#include "pc-cgroup-private.h"
#include "util.h"

/* Limits and counters of block I/O: controller "blkio" of v1, "io" of v2. */

static const struct pc_cgroup_file max_file = { NULL, NULL, "io.max" };

/* v1 has a file for each direction and unit. */
static const struct {
    struct pc_cgroup_file file;
    bool is_iops;
} v1_files[] = {
    { { "blkio", "blkio.throttle.read_bps_device", NULL }, false },
    { { "blkio", "blkio.throttle.write_bps_device", NULL }, false },
    { { "blkio", "blkio.throttle.read_iops_device", NULL }, true },
    { { "blkio", "blkio.throttle.write_iops_device", NULL }, true },
};

static int
set_v1(const char *path, dev_t device, uint64_t bps, uint64_t iops)
{
    int error = 0;

    for (size_t i = 0; i < ARRAY_SIZE(v1_files) && !error; i++) {
        /* 0: no limit. */
        char *value = xasprintf("%u:%u %"PRIu64, major(device), minor(device),
                                v1_files[i].is_iops ? iops : bps);

        error = pc_cgroup_write(path, &v1_files[i].file, value);
        free(value);
    }
    return error;
}

static void
put_max(struct ds *s, const char *keys[2], uint64_t value)
{
    for (size_t i = 0; i < 2; i++) {
        if (value) {
            ds_put_format(s, " %s=%"PRIu64, keys[i], value);
        } else {
            ds_put_format(s, " %s=max", keys[i]);
        }
    }
}

static int
set_v2(const char *path, dev_t device, uint64_t bps, uint64_t iops)
{
    const char *bps_keys[] = { "rbps", "wbps" };
    const char *iops_keys[] = { "riops", "wiops" };
    struct ds s = DS_EMPTY_INITIALIZER;
    int error;

    ds_put_format(&s, "%u:%u", major(device), minor(device));
    put_max(&s, bps_keys, bps);
    put_max(&s, iops_keys, iops);
    error = pc_cgroup_write(path, &max_file, ds_cstr(&s));
    ds_destroy(&s);
    return error;
}

int
pc_cgroup_set_io(const char *path, dev_t device, uint64_t bps, uint64_t iops)
{
    /* The kernel takes 32 bits of operations, and all ones for none. */
    iops = MIN(iops, UINT32_MAX - 1);
    return (pc_cgroup_is_v2() ? set_v2(path, device, bps, iops)
            : set_v1(path, device, bps, iops));
}

/* v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...". */
static void
count_v2(char *text, struct pc_cgroup_usage *usage)
{
    static const char *const keys[] = { "rbytes=", "wbytes=", "rios=",
                                        "wios=" };
    uint64_t *counters[] = { &usage->io_read_bytes, &usage->io_write_bytes,
                             &usage->io_reads, &usage->io_writes };
    char *save = NULL;

    for (char *word = strtok_r(text, " \n", &save); word;
         word = strtok_r(NULL, " \n", &save)) {
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
            size_t n = strlen(keys[i]);

            if (!strncmp(word, keys[i], n)) {
                *counters[i] += strtoull(word + n, NULL, 10);
            }
        }
    }
}

/* v1: "8:0 Read 123". */
static void
count_v1(char *text, uint64_t *reads, uint64_t *writes)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        uint64_t value;
        char word[16];

        if (sscanf(line, "%*u:%*u %15s %"SCNu64, word, &value) == 2) {
            *reads += strcmp(word, "Read") ? 0 : value;
            *writes += strcmp(word, "Write") ? 0 : value;
        }
    }
}

void
pc_cgroup_get_io_usage(const char *path, struct pc_cgroup_usage *usage)
{
    static const struct pc_cgroup_file bytes = {
        "blkio", "blkio.throttle.io_service_bytes_recursive", "io.stat" };
    static const struct pc_cgroup_file operations = {
        "blkio", "blkio.throttle.io_serviced_recursive", NULL };
    char *text = pc_cgroup_read(path, &bytes);

    if (text && pc_cgroup_is_v2()) {
        count_v2(text, usage);
    } else if (text) {
        count_v1(text, &usage->io_read_bytes, &usage->io_write_bytes);
        free(text);
        text = pc_cgroup_read(path, &operations);
        if (text) {
            count_v1(text, &usage->io_reads, &usage->io_writes);
        }
    }
    free(text);
}
