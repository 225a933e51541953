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
#include "pc-image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "pc-image-private.h"
#include "util.h"

static ssize_t
read_archive(void *a, void *buffer, size_t size)
{
    ssize_t n = archive_read_data(a, buffer, size);

    return n < 0 ? -EIO : n;
}

static char *
unpack_entry(struct archive *a, struct archive_entry *ae,
             struct pc_image_tree *t)
{
    const char *name = archive_entry_pathname(ae);
    char *path = name ? pc_image_normalize(name) : NULL;
    struct pc_image_entry e = {
        .path = path,
        .mode = archive_entry_perm(ae),
        .uid = archive_entry_uid(ae),
        .gid = archive_entry_gid(ae),
    };
    const char *target = archive_entry_symlink(ae);
    char *error;

    if (!path) {
        return xasprintf("\"%s\": name is absolute or contains \"..\"",
                         name ? name : "");
    }
    if (strlen(path) >= PATH_MAX) {
        error = xasprintf("\"%.60s...\": name is too long", path);
    } else if (archive_entry_hardlink(ae)) {
        error = pc_image_put_hardlink(t, &e, archive_entry_hardlink(ae));
    } else if (archive_entry_filetype(ae) == AE_IFDIR) {
        error = pc_image_put_dir(t, &e);
    } else if (!path[0]) {
        error = xstrdup("an entry without a name is not a directory");
    } else if (archive_entry_filetype(ae) == AE_IFREG) {
        error = pc_image_put_file(t, &e, read_archive, a);
    } else if (archive_entry_filetype(ae) == AE_IFLNK) {
        error = (target ? pc_image_put_symlink(t, &e, target)
                 : xasprintf("\"%s\": link has no target", path));
    } else {
        error = xasprintf("\"%s\": is a device, fifo or socket", path);
    }
    free(path);
    return error;
}

char *
pc_image_unpack(int fd, struct pc_image_tree *t)
{
    struct archive *a = archive_read_new();
    struct archive_entry *ae;
    char *error = NULL;
    int retval = ARCHIVE_OK;

    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_format_tar(a);
    if (archive_read_open_fd(a, fd, 65536) != ARCHIVE_OK) {
        error = xasprintf("not a tar archive (%s)", archive_error_string(a));
    }
    while (!error) {
        retval = archive_read_next_header(a, &ae);
        if (retval == ARCHIVE_EOF) {
            break;
        } else if (retval < ARCHIVE_WARN) {
            const char *why = archive_error_string(a);

            error = xasprintf("cannot read archive (%s)", why ? why : "?");
        } else {
            error = unpack_entry(a, ae, t);
        }
    }
    archive_read_free(a);
    return error;
}
