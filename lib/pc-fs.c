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
#include "pc-fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "socket-util.h"
#include "util.h"

#define MAX_COPY (64 * 1024 * 1024)

int
pc_fs_make_dirs(const char *path)
{
    char *copy = xstrdup(path);
    int error = 0;

    for (char *p = copy + 1; !error; p++) {
        if (*p == '/' || !*p) {
            char saved = *p;

            *p = '\0';
            if (mkdir(copy, 0755) && errno != EEXIST) {
                error = errno;
            }
            *p = saved;
            if (!saved) {
                break;
            }
        }
    }
    free(copy);
    return error;
}

int
pc_fs_make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    int error = 0;
    int fd;

    if (mkdir(path, mode) && errno != EEXIST) {
        return errno;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    if (fchown(fd, uid, gid) || fchmod(fd, mode)) {
        error = errno;
    }
    close(fd);
    return error;
}

/* Levels of directories that are open at a time.  What lies deeper is moved to
 * the top first: whoever made the tree may have made it deeper than this process
 * may have files open, or has stack for. */
#define MAX_DEPTH 32

/* A tree that is being removed. */
struct removal {
    int top_fd;                 /* Its topmost directory... */
    dev_t dev;                  /* ...and the device of that. */
    unsigned int n_moved;       /* Directories moved to the top. */
};

static int remove_at(struct removal *, int dir_fd, const char *name,
                     int depth);

/* Removes what is in the directory 'fd', which it closes. */
static int
remove_content(struct removal *r, int fd, int depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *de;
    int error = 0;

    if (!dir) {
        error = errno;
        close(fd);
        return error;
    }
    while ((de = readdir(dir))) {
        if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..")) {
            int retval = remove_at(r, fd, de->d_name, depth);

            error = error ? error : retval;
        }
    }
    closedir(dir);
    return error;
}

/* Moves the directory 'name' in 'dir_fd' to the top. */
static int
move_to_top(struct removal *r, int dir_fd, const char *name)
{
    for (;;) {
        char new_name[32];

        snprintf(new_name, sizeof new_name, "deep-%u", r->n_moved++);
        if (!renameat(dir_fd, name, r->top_fd, new_name)) {
            return 0;
        } else if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) {
            return errno;
        }
    }
}

/* Removes 'name' in 'dir_fd', a directory 'depth' levels below the top. */
static int
remove_at(struct removal *r, int dir_fd, const char *name, int depth)
{
    struct stat st;
    int error;
    int fd;

    if (!unlinkat(dir_fd, name, 0) || errno == ENOENT) {
        return 0;
    } else if (errno != EISDIR && errno != EPERM) {
        return errno;
    } else if (depth >= MAX_DEPTH) {
        return move_to_top(r, dir_fd, name);
    }

    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : errno;
    }
    error = fstat(fd, &st) ? errno : st.st_dev != r->dev ? EXDEV : 0;
    if (error) {
        close(fd);
        return error;
    }
    error = remove_content(r, fd, depth + 1);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) && errno != ENOENT) {
        return error ? error : errno;
    }
    return 0;
}

/* Removes what is in the directory r->top_fd. */
static int
remove_from_top(struct removal *r)
{
    unsigned int n_moved;
    int error;

    do {
        int fd = openat(r->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0) {
            return errno;
        }
        n_moved = r->n_moved;
        error = remove_content(r, fd, 0);
    } while (r->n_moved != n_moved);
    return error;
}

int
pc_fs_remove_tree(const char *path)
{
    struct removal r = { .n_moved = 0 };
    struct stat st;
    int error;

    if (!unlink(path) || errno == ENOENT) {
        return 0;
    } else if (errno != EISDIR && errno != EPERM) {
        return errno;
    }

    r.top_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (r.top_fd < 0) {
        return errno == ENOENT ? 0 : errno;
    }
    if (fstat(r.top_fd, &st)) {
        error = errno;
    } else {
        r.dev = st.st_dev;
        error = remove_from_top(&r);
    }
    close(r.top_fd);
    return rmdir(path) && errno != ENOENT ? (error ? error : errno) : 0;
}

/* Reads the regular file 'fd', which it closes; a negative 'fd' is the error
 * in errno. */
static int
read_fd(int fd, size_t max, char **text, size_t *length)
{
    size_t n = 0, allocated = 4096;
    struct stat st;
    int error = 0;

    *text = NULL;
    if (fd < 0) {
        return errno;
    }
    if (fstat(fd, &st)) {
        error = errno;
    } else if (!S_ISREG(st.st_mode)) {
        error = EINVAL;
    }
    *text = xmalloc(allocated);
    while (!error) {
        ssize_t retval;

        if (n + 1 >= allocated) {
            allocated *= 2;
            *text = xrealloc(*text, allocated);
        }
        retval = read(fd, *text + n, allocated - n - 1);
        if (retval < 0) {
            error = errno == EINTR ? 0 : errno;
        } else if (!retval) {
            break;
        } else {
            n += retval;
            error = n > max ? EFBIG : 0;
        }
    }
    close(fd);
    if (error) {
        free(*text);
        *text = NULL;
    } else {
        (*text)[n] = '\0';
        if (length) {
            *length = n;
        }
    }
    return error;
}

int
pc_fs_read_file(const char *path, size_t max, char **text, size_t *length)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    return read_fd(fd, max, text, length);
}

int
pc_fs_open_below(int dir_fd, const char *name, int flags)
{
    /* By hand: openat2() is unknown to old kernels and to valgrind. */
    int fd = -1;

    flags |= O_NOFOLLOW | O_CLOEXEC;
    for (;;) {
        size_t n = strcspn(name, "/");
        char *part = n ? xmemdup0(name, n) : xstrdup(".");
        bool last = !name[n];
        int parent = fd < 0 ? dir_fd : fd;
        int next = -1;
        int error;

        if (!strcmp(part, "..")) {
            errno = EXDEV;
        } else {
            next = openat(parent, part, last ? flags : (O_PATH | O_DIRECTORY
                                                        | O_NOFOLLOW
                                                        | O_CLOEXEC));
        }
        error = errno;
        free(part);
        if (fd >= 0) {
            close(fd);
        }
        if (next < 0 || last) {
            errno = error;
            return next;
        }
        fd = next;
        name += n + 1;
    }
}

int
pc_fs_read_below(const char *dir, const char *name, size_t max, char **text)
{
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error;
    int fd;

    if (dir_fd < 0) {
        *text = NULL;
        return errno;
    }
    fd = pc_fs_open_below(dir_fd, name, O_RDONLY | O_NONBLOCK);
    error = read_fd(fd, max, text, NULL);
    close(dir_fd);
    return error;
}

/* Writes 'length' bytes and closes 'fd'. */
static int
write_and_close(int fd, const char *data, size_t length)
{
    size_t written;
    int error = write_fully(fd, data, length, &written);

    if (close(fd) && !error) {
        error = errno;
    }
    return error;
}

int
pc_fs_write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  0600);

    return fd < 0 ? errno : write_and_close(fd, text, strlen(text));
}

int
pc_fs_copy_file(const char *source, const char *target, mode_t mode)
{
    char *temp = xasprintf("%s.XXXXXX", target);
    char *data = NULL;
    size_t length;
    int error = pc_fs_read_file(source, MAX_COPY, &data, &length);
    int fd = error ? -1 : mkostemp(temp, O_CLOEXEC);

    if (!error && fd < 0) {
        error = errno;
    }
    if (!error) {
        error = fchmod(fd, mode) ? errno : 0;
        int error2 = write_and_close(fd, data, length);
        error = error ? error : error2;
        if (!error && rename(temp, target)) {
            error = errno;
        }
        if (error) {
            unlink(temp);
        }
    }
    free(data);
    free(temp);
    return error;
}
