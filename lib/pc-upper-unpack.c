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
#include "pc-upper.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "pc-fs.h"
#include "pc-upper-private.h"
#include "util.h"

/* Unpacking. */

/* A directory whose time is set when all is in it. */
struct late {
    char *path;
    struct timespec times[2];
};

struct unpack {
    const struct pc_upper_options *opt;
    struct archive *a;
    int top;                    /* The directory. */
    uint64_t left;              /* Bytes that the archive can have in it. */
    struct late *late;
    size_t n_late, allocated_late;
};

/* An entry of the archive. */
struct entry {
    struct archive_entry *ae;
    const char *path;           /* Relative; "" is the top. */
    uid_t uid;
    gid_t gid;
    mode_t mode;
    int parent;                 /* Its directory; -1 for the top. */
    const char *name;           /* In there. */
};

/* Is 'path' such as pc_upper_pack() writes it? */
static bool
is_plain(const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");

        if (!n || (n <= 2 && !strncmp(path, "..", n))) {
            return false;
        }
        path += n;
        if (*path == '/' && !*++path) {
            return false;
        }
    }
    return true;
}

static char *
entry_error(const struct entry *e, int error)
{
    return xasprintf("\"%s\": %s", e->path, ovs_strerror(error));
}

static void
get_times(const struct entry *e, struct timespec times[2])
{
    times[0].tv_sec = times[1].tv_sec = archive_entry_mtime(e->ae);
    times[0].tv_nsec = times[1].tv_nsec = archive_entry_mtime_nsec(e->ae);
}

static int
set_xattrs(int fd, const struct entry *e)
{
    const char *name;
    const void *value;
    size_t size;

    archive_entry_xattr_reset(e->ae);
    while (archive_entry_xattr_next(e->ae, &name, &value, &size)
           == ARCHIVE_OK) {
        if (pc_upper_carries_xattr(name)
            && fsetxattr(fd, name, value, size, 0)) {
            return errno;
        }
    }
    return 0;
}

/* In the order in which one does not undo another. */
static int
set_attributes(int fd, const struct entry *e)
{
    struct timespec times[2];

    if (fchown(fd, e->uid, e->gid) || fchmod(fd, e->mode)) {
        return errno;
    }
    int error = set_xattrs(fd, e);
    get_times(e, times);
    return error ? error : futimens(fd, times) ? errno : 0;
}

static int
unpack_dir(struct unpack *u, const struct entry *e)
{
    if (e->parent >= 0 && mkdirat(e->parent, e->name, 0700)) {
        return errno;
    }
    int fd = pc_fs_open_below(u->top, e->path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return errno;
    }
    int error = set_attributes(fd, e);
    close(fd);
    if (u->n_late >= u->allocated_late) {
        u->late = x2nrealloc(u->late, &u->allocated_late, sizeof *u->late);
    }
    struct late *late = &u->late[u->n_late++];
    late->path = xstrdup(e->path);
    get_times(e, late->times);
    return error;
}

static int
copy_data(struct unpack *u, int fd)
{
    char buffer[65536];

    for (;;) {
        ssize_t n = archive_read_data(u->a, buffer, sizeof buffer);

        if (n <= 0) {
            return n ? EIO : 0;
        } else if (pc_upper_is_cancelled(u->opt->cancel)) {
            return ECANCELED;
        } else if ((uint64_t) n > u->left) {
            return EFBIG;
        }
        u->left -= n;
        for (ssize_t done = 0; done < n; ) {
            ssize_t retval = write(fd, buffer + done, n - done);

            if (retval < 0 && errno != EINTR) {
                return errno;
            }
            done += MAX(retval, 0);
        }
    }
}

static int
unpack_file(struct unpack *u, const struct entry *e)
{
    int fd = openat(e->parent, e->name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    int error = fd < 0 ? errno : copy_data(u, fd);

    if (fd >= 0) {
        error = error ? error : set_attributes(fd, e);
        if (close(fd) && !error) {
            error = errno;
        }
    }
    return error;
}

static int
unpack_hardlink(struct unpack *u, const struct entry *e, const char *target)
{
    int fd = (is_plain(target)
              ? pc_fs_open_below(u->top, target, O_PATH | O_NOFOLLOW) : -1);
    struct stat st;
    int error = 0;

    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        error = EINVAL;
    } else if (linkat(fd, "", e->parent, e->name, AT_EMPTY_PATH)) {
        error = errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

/* A link, a fifo, or a name that is deleted. */
static int
unpack_other(const struct entry *e)
{
    mode_t type = archive_entry_filetype(e->ae);
    const char *target = archive_entry_symlink(e->ae);
    struct timespec times[2];
    int error = EINVAL;

    if (type == AE_IFLNK && target) {
        /* In the container, wherever it leads; nobody follows it here. */
        error = symlinkat(target, e->parent, e->name) ? errno : 0;
    } else if (type == AE_IFIFO
               || (type == AE_IFCHR && !archive_entry_rdev(e->ae))) {
        mode_t mode = e->mode & 0777;

        error = (mknodat(e->parent, e->name,
                         mode | (type == AE_IFIFO ? S_IFIFO : S_IFCHR), 0)
                 || fchmodat(e->parent, e->name, mode, 0) ? errno : 0);
    }
    if (!error && fchownat(e->parent, e->name, e->uid, e->gid,
                           AT_SYMLINK_NOFOLLOW)) {
        error = errno;
    }
    get_times(e, times);
    if (!error && utimensat(e->parent, e->name, times, AT_SYMLINK_NOFOLLOW)) {
        error = errno;
    }
    return error;
}

/* Opens the directory of 'e', which an entry before has made. */
static int
open_parent(const struct unpack *u, struct entry *e)
{
    const char *slash = strrchr(e->path, '/');
    char *dir = xmemdup0(e->path, slash ? slash - e->path : 0);

    e->name = slash ? slash + 1 : e->path;
    e->parent = pc_fs_open_below(u->top, dir, O_RDONLY | O_DIRECTORY);
    free(dir);
    return e->parent < 0 ? errno : 0;
}

static char *
unpack_entry(struct unpack *u, struct archive_entry *ae)
{
    const char *path = archive_entry_pathname(ae);
    bool is_dir = archive_entry_filetype(ae) == AE_IFDIR;
    const char *target = archive_entry_hardlink(ae);
    char *plain = xstrdup(path ? path : "");
    size_t n = strlen(plain);
    int64_t uid = archive_entry_uid(ae), gid = archive_entry_gid(ae);
    struct entry e = { .ae = ae, .path = plain, .parent = -1 };
    int error = 0;

    if (is_dir && n && plain[n - 1] == '/') {
        plain[n - 1] = '\0';
    }
    if (!strcmp(plain, ".")) {
        plain[0] = '\0';
    }
    e.uid = u->opt->id_base + uid;
    e.gid = u->opt->id_base + gid;
    e.mode = archive_entry_perm(ae);
    if (!path || !is_plain(plain) || (!plain[0] && !is_dir)
        || uid < 0 || uid >= u->opt->id_count
        || gid < 0 || gid >= u->opt->id_count) {
        error = EINVAL;
    } else if (pc_upper_is_cancelled(u->opt->cancel)) {
        error = ECANCELED;
    } else if (plain[0]) {
        error = open_parent(u, &e);
    }
    if (!error) {
        error = (target ? unpack_hardlink(u, &e, target)
                 : is_dir ? unpack_dir(u, &e)
                 : archive_entry_filetype(ae) == AE_IFREG
                 ? unpack_file(u, &e) : unpack_other(&e));
    }
    if (e.parent >= 0) {
        close(e.parent);
    }
    char *text = error ? entry_error(&e, error) : NULL;
    free(plain);
    return text;
}

/* Sets the times of directories, those deepest first. */
static void
finish_dirs(struct unpack *u)
{
    while (u->n_late) {
        struct late *late = &u->late[--u->n_late];
        int fd = pc_fs_open_below(u->top, late->path, O_RDONLY | O_DIRECTORY);

        if (fd >= 0) {
            ignore(futimens(fd, late->times));
            close(fd);
        }
        free(late->path);
    }
    free(u->late);
}

static char *
unpack_all(struct unpack *u, int fd)
{
    struct archive_entry *ae;
    char *error = NULL;
    int retval;

    archive_read_support_format_tar(u->a);  /* And no compression. */
    if (archive_read_open_fd(u->a, fd, 65536) != ARCHIVE_OK) {
        return xasprintf("not a tar archive (%s)", archive_error_string(u->a));
    }
    while (!error
           && (retval = archive_read_next_header(u->a, &ae)) != ARCHIVE_EOF) {
        const char *why = archive_error_string(u->a);

        error = (retval < ARCHIVE_WARN
                 ? xasprintf("cannot read archive (%s)", why ? why : "?")
                 : unpack_entry(u, ae));
    }
    return error;
}

char *
pc_upper_unpack(int fd, const char *upper, const struct pc_upper_options *opt)
{
    struct unpack u = {
        .opt = opt,
        .top = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
    };
    struct stat st;

    if (u.top < 0) {
        return xasprintf("%s: %s", upper, ovs_strerror(errno));
    }
    char *error = (fstat(fd, &st) || lseek(fd, 0, SEEK_SET) < 0
                   ? xasprintf("cannot read (%s)", ovs_strerror(errno))
                   : NULL);
    if (!error) {
        u.left = st.st_size;
        u.a = archive_read_new();
        error = unpack_all(&u, fd);
        archive_read_free(u.a);
    }
    finish_dirs(&u);
    if (!error && syncfs(u.top)) {
        error = xasprintf("%s: %s", upper, ovs_strerror(errno));
    }
    close(u.top);
    return error;
}
