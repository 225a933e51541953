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
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "openvswitch/shash.h"
#include "pc-upper-private.h"
#include "svec.h"
#include "util.h"

/* Packing. */

struct pack {
    const struct pc_upper_options *opt;
    struct archive *a;
    int fd;                     /* To write to. */
    bool failed;
    struct shash links;         /* "DEV:INO" of files with several names, to the
                                 * first of them. */
};

bool
pc_upper_is_cancelled(const atomic_bool *cancel)
{
    bool cancelled = false;

    if (cancel) {
        atomic_read_relaxed(cancel, &cancelled);
    }
    return cancelled;
}

bool
pc_upper_carries_xattr(const char *name)
{
    static const char *const overlay[] = { "opaque", "redirect", "metacopy" };
    static const char *const prefixes[] = {
        "trusted.overlay.", "user.overlay.",
    };

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t n = strlen(prefixes[i]);

        for (size_t j = 0; !strncmp(name, prefixes[i], n); j++) {
            if (j >= ARRAY_SIZE(overlay)) {
                return false;   /* E.g. "origin": a handle of a local file. */
            } else if (!strcmp(name + n, overlay[j])) {
                return true;
            }
        }
    }
    return (!strncmp(name, "user.", 5) || !strcmp(name, "security.capability")
            || !strncmp(name, "system.posix_acl_", 17));
}

/* Removed by every start of a container; see pc-container.c. */
static bool
is_left_out(const char *path)
{
    return (!strcmp(path, "run") || !strcmp(path, "tmp")
            || !strcmp(path, ".packetcloud"));
}

static char *
path_error(const char *path, int error)
{
    return xasprintf("\"%s\": %s", path, ovs_strerror(error));
}

static char *
archive_failed(struct pack *p, const char *path)
{
    const char *why = archive_error_string(p->a);

    return xasprintf("\"%s\": cannot be packed (%s)", path, why ? why : "?");
}

/* The extended attributes of 'fd' to 'ae'. */
static int
add_xattrs(int fd, struct archive_entry *ae)
{
    ssize_t length = flistxattr(fd, NULL, 0);
    int error = 0;

    if (length <= 0) {
        return length < 0 && errno != ENOTSUP ? errno : 0;
    }
    char *names = xmalloc(length);
    length = flistxattr(fd, names, length);
    for (ssize_t i = 0; i < length && !error; i += strlen(names + i) + 1) {
        const char *name = names + i;

        if (!pc_upper_carries_xattr(name)) {
            continue;
        }
        ssize_t size = fgetxattr(fd, name, NULL, 0);
        char *value = size >= 0 ? xmalloc(size + 1) : NULL;
        size = size >= 0 ? fgetxattr(fd, name, value, size) : -1;
        if (size < 0) {
            error = errno;
        } else {
            archive_entry_xattr_add_entry(ae, name, value, size);
        }
        free(value);
    }
    free(names);
    return error;
}

static char *
write_data(struct pack *p, int fd, const char *path, int64_t left)
{
    char buffer[65536];

    while (left > 0) {
        ssize_t n = read(fd, buffer, MIN(left, (int64_t) sizeof buffer));

        if (pc_upper_is_cancelled(p->opt->cancel)) {
            return path_error(path, ECANCELED);
        } else if (n <= 0) {
            return path_error(path, n ? errno : EIO);
        } else if (archive_write_data(p->a, buffer, n) != n) {
            return archive_failed(p, path);
        }
        left -= n;
    }
    return NULL;
}

/* Makes 'ae' what 'st' is, except for its contents.  Returns false if 'ae' is a
 * second name of a file. */
static bool
set_entry(struct pack *p, struct archive_entry *ae, const char *path,
          const struct stat *st)
{
    archive_entry_set_pathname(ae, path[0] ? path : ".");
    archive_entry_set_mode(ae, st->st_mode);
    archive_entry_set_uid(ae, st->st_uid - p->opt->id_base);
    archive_entry_set_gid(ae, st->st_gid - p->opt->id_base);
    archive_entry_set_mtime(ae, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    if (S_ISCHR(st->st_mode)) {
        archive_entry_set_rdev(ae, st->st_rdev);
    }
    if (S_ISREG(st->st_mode)) {
        char *key = xasprintf("%ju:%ju", (uintmax_t) st->st_dev,
                              (uintmax_t) st->st_ino);
        char *first = (st->st_nlink > 1 ? shash_find_data(&p->links, key)
                       : NULL);
        if (first) {
            archive_entry_set_hardlink(ae, first);
        } else {
            archive_entry_set_size(ae, st->st_size);
            if (st->st_nlink > 1) {
                shash_add(&p->links, key, xstrdup(path));
            }
        }
        free(key);
        return !first;
    }
    return true;
}

static char *pack_dir(struct pack *, int fd, const char *path);

static char *
write_header(struct pack *p, struct archive_entry *ae, const char *path)
{
    return (archive_write_header(p->a, ae) < ARCHIVE_WARN
            ? archive_failed(p, path) : NULL);
}

/* Packs the file or directory 'fd', and closes it. */
static char *
pack_fd(struct pack *p, int fd, const char *path, const struct stat *st)
{
    struct archive_entry *ae = archive_entry_new();
    bool data = set_entry(p, ae, path, st);
    int retval = data ? add_xattrs(fd, ae) : 0;
    char *error = (retval ? path_error(path, retval)
                   : write_header(p, ae, path));

    archive_entry_free(ae);
    if (!error && S_ISDIR(st->st_mode)) {
        return pack_dir(p, fd, path);
    } else if (!error && data) {
        error = write_data(p, fd, path, st->st_size);
    }
    close(fd);
    return error;
}

/* Packs what has no contents: a link, a fifo, a name that is deleted. */
static char *
pack_other(struct pack *p, int dir_fd, const char *name, const char *path,
           const struct stat *st)
{
    struct archive_entry *ae;
    char target[4096];
    ssize_t n = 0;

    if (S_ISLNK(st->st_mode)) {
        n = readlinkat(dir_fd, name, target, sizeof target - 1);
        if (n < 0) {
            return path_error(path, errno);
        }
    } else if (S_ISSOCK(st->st_mode)) {
        return NULL;
    } else if (!S_ISFIFO(st->st_mode)
               && !(S_ISCHR(st->st_mode) && !st->st_rdev)) {
        return xasprintf("\"%s\": is a device", path);
    }
    target[n] = '\0';
    ae = archive_entry_new();
    set_entry(p, ae, path, st);
    if (n) {
        archive_entry_set_symlink(ae, target);
    }
    char *error = write_header(p, ae, path);
    archive_entry_free(ae);
    return error;
}

static char *
pack_name(struct pack *p, int dir_fd, const char *name, const char *path)
{
    struct stat st;

    if (is_left_out(path)) {
        return NULL;
    } else if (pc_upper_is_cancelled(p->opt->cancel)) {
        return path_error(path, ECANCELED);
    } else if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW)) {
        return path_error(path, errno);
    } else if (st.st_uid - p->opt->id_base >= p->opt->id_count
               || st.st_gid - p->opt->id_base >= p->opt->id_count) {
        return xasprintf("\"%s\": its owner is not one of the container's",
                         path);
    } else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return pack_other(p, dir_fd, name, path, &st);
    }
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? path_error(path, errno) : pack_fd(p, fd, path, &st);
}

/* Packs what is in the directory 'fd', by name; closes it. */
static char *
pack_dir(struct pack *p, int fd, const char *path)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    DIR *dir = fdopendir(fd);
    char *error = NULL;

    if (!dir) {
        error = path_error(path, errno);
        close(fd);
        return error;
    }
    for (struct dirent *de; (de = readdir(dir)); ) {
        if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..")) {
            svec_add(&names, de->d_name);
        }
    }
    svec_sort(&names);
    for (size_t i = 0; i < names.n && !error; i++) {
        char *child = xasprintf("%s%s%s", path, path[0] ? "/" : "",
                                names.names[i]);

        error = pack_name(p, dirfd(dir), names.names[i], child);
        free(child);
    }
    svec_destroy(&names);
    closedir(dir);
    return error;
}

char *
pc_upper_hash(int fd, const atomic_bool *cancel,
              struct pc_upper_archive *result)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    int error = lseek(fd, 0, SEEK_SET) < 0 ? errno : 0;
    char buffer[65536];
    unsigned int len;
    ssize_t n = 0;

    result->size = 0;
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    while (!error && (n = read(fd, buffer, sizeof buffer)) > 0) {
        EVP_DigestUpdate(md, buffer, n);
        result->size += n;
        error = pc_upper_is_cancelled(cancel) ? ECANCELED : 0;
    }
    error = error ? error : n < 0 ? errno : 0;
    EVP_DigestFinal_ex(md, digest, &len);
    for (unsigned int i = 0; i < len; i++) {
        sprintf(&result->sha256[2 * i], "%02x", digest[i]);
    }
    EVP_MD_CTX_free(md);
    return error ? xasprintf("cannot read (%s)", ovs_strerror(error)) : NULL;
}

/* Writes the archive.  After an error there is no need to write what is missing of
 * a file as zeros, as archive_write_close() would. */
static la_ssize_t
write_cb(struct archive *a, void *p_, const void *data, size_t n)
{
    const struct pack *p = p_;

    if (p->failed) {
        archive_set_error(a, ECANCELED, "given up");
        return -1;
    }
    for (size_t done = 0; done < n; ) {
        ssize_t retval = write(p->fd, (const char *) data + done, n - done);

        if (retval < 0 && errno != EINTR) {
            archive_set_error(a, errno, "%s", ovs_strerror(errno));
            return -1;
        }
        done += MAX(retval, 0);
    }
    return n;
}

static char *
pack_to(int fd, const char *upper, const struct pc_upper_options *opt)
{
    struct pack p = {
        .opt = opt,
        .a = archive_write_new(),
        .fd = fd,
        .links = SHASH_INITIALIZER(&p.links),
    };
    int dir = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    char *error;

    archive_write_set_format_pax(p.a);
    archive_write_set_options(p.a, "hdrcharset=BINARY");
    archive_write_set_bytes_in_last_block(p.a, 1);
    if (dir < 0 || fstat(dir, &st)) {
        error = path_error(upper, errno);
        if (dir >= 0) {
            close(dir);
        }
    } else if (archive_write_open(p.a, &p, NULL, write_cb, NULL)
               != ARCHIVE_OK) {
        error = archive_failed(&p, upper);
        close(dir);
    } else {
        error = pack_fd(&p, dir, "", &st);
        if (!error && archive_write_close(p.a) != ARCHIVE_OK) {
            error = archive_failed(&p, upper);
        }
    }
    p.failed = error != NULL;
    archive_write_free(p.a);
    shash_destroy_free_data(&p.links);
    return error;
}

/* Makes the new file 'path', in the group of its directory. */
static int
create(const char *path)
{
    char *copy = xstrdup(path);
    struct stat st;
    int fd = -1;

    if (!stat(dirname(copy), &st)) {
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    }
    if (fd >= 0 && (fchown(fd, -1, st.st_gid) || fchmod(fd, 0640))) {
        int error = errno;

        unlink(path);
        close(fd);
        fd = -1;
        errno = error;
    }
    free(copy);
    return fd;
}

char *
pc_upper_pack(const char *upper, const struct pc_upper_options *opt,
              const char *path, struct pc_upper_archive *result)
{
    int fd = create(path);

    if (fd < 0) {
        return xasprintf("%s: %s", path, ovs_strerror(errno));
    }
    char *error = pack_to(fd, upper, opt);
    if (!error) {
        error = pc_upper_hash(fd, opt->cancel, result);
    }
    if (!error && fsync(fd)) {
        error = xasprintf("%s: %s", path, ovs_strerror(errno));
    }
    close(fd);
    if (error) {
        unlink(path);
    }
    return error;
}
