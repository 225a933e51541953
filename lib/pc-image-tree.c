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

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pc-fs.h"
#include "pc-image-private.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What an entry itself counts, bytes: about what an inode with its name takes. */
#define PC_IMAGE_ENTRY_SIZE 512

char *
pc_image_normalize(const char *name)
{
    struct ds path = DS_EMPTY_INITIALIZER;

    if (name[0] == '/') {
        return NULL;
    }
    while (*name) {
        size_t n = strcspn(name, "/");

        if (n == 2 && !strncmp(name, "..", 2)) {
            ds_destroy(&path);
            return NULL;
        }
        if (n && !(n == 1 && name[0] == '.')) {
            ds_put_format(&path, "%s%.*s", path.length ? "/" : "", (int) n,
                          name);
        }
        name += n + (name[n] == '/');
    }
    ds_cstr(&path);
    return ds_steal_cstr(&path);
}

static char *
entry_error(const struct pc_image_entry *e, const char *what, int error)
{
    return (error
            ? xasprintf("\"%s\": %s (%s)", e->path, what,
                        ovs_strerror(error))
            : xasprintf("\"%s\": %s", e->path, what));
}

/* Opens the directory that 'e' is in, making what is missing, and points '*name'
 * to the last component of the path. */
static char *
open_parent(struct pc_image_tree *t, const struct pc_image_entry *e, int *fd,
            const char **name)
{
    const char *slash = strrchr(e->path, '/');
    char *parent = xmemdup0(e->path, slash ? slash - e->path : 0);
    char *error = NULL;

    *name = slash ? slash + 1 : e->path;
    *fd = pc_fs_open_below(t->fd, parent, O_RDONLY | O_DIRECTORY);
    if (*fd < 0 && errno == ENOENT) {
        bool is_tmp = !strcmp(parent, "tmp") || !strcmp(parent, "var/tmp");
        struct pc_image_entry dir = {
            .path = parent,
            .mode = is_tmp ? 01777 : 0755,
        };

        error = pc_image_put_dir(t, &dir);
        if (!error) {
            *fd = pc_fs_open_below(t->fd, parent, O_RDONLY | O_DIRECTORY);
        }
    }
    if (!error && *fd < 0) {
        error = entry_error(e, (errno == ELOOP || errno == ENOTDIR
                                ? "lies below a link or a file"
                                : "cannot open its directory"), errno);
    }
    free(parent);
    return error;
}

bool
pc_image_is_cancelled(const atomic_bool *cancel)
{
    bool cancelled = false;

    if (cancel) {
        atomic_read_relaxed(cancel, &cancelled);
    }
    return cancelled;
}

/* Says why 'e' may not be added to 't', else counts it: an empty file takes up
 * space too. */
static char *
admit(struct pc_image_tree *t, const struct pc_image_entry *e)
{
    if (pc_image_is_cancelled(t->cancel)) {
        return entry_error(e, "not made", ECANCELED);
    } else if (e->uid >= t->id_count || e->gid >= t->id_count) {
        return entry_error(e, "owner is beyond the container's ids", 0);
    } else if (t->left < PC_IMAGE_ENTRY_SIZE) {
        return entry_error(e, "image is too large", EFBIG);
    }
    t->left -= PC_IMAGE_ENTRY_SIZE;
    return NULL;
}

/* Gives 'fd' the owner and mode of 'e': no set-id bits. */
static int
set_attributes(struct pc_image_tree *t, int fd, const struct pc_image_entry *e,
               mode_t mask)
{
    return (fchown(fd, t->id_base + e->uid, t->id_base + e->gid)
            || fchmod(fd, e->mode & mask) ? errno : 0);
}

char *
pc_image_put_dir(struct pc_image_tree *t, const struct pc_image_entry *e)
{
    char *error = admit(t, e);
    const char *name;
    int parent = -1;
    int retval = 0;
    int fd;

    if (!error && e->path[0]) {
        error = open_parent(t, e, &parent, &name);
        if (!error && mkdirat(parent, name, 0700) && errno != EEXIST) {
            retval = errno;
        }
        if (parent >= 0) {
            close(parent);
        }
    }
    if (!error && !retval) {
        fd = pc_fs_open_below(t->fd, e->path, O_RDONLY | O_DIRECTORY);
        retval = fd < 0 ? errno : set_attributes(t, fd, e, 01777);
        if (fd >= 0) {
            close(fd);
        }
    }
    return (error ? error
            : retval ? entry_error(e, "cannot make directory", retval) : NULL);
}

/* Copies what 'read_cb' gives to 'fd'. */
static int
copy_data(struct pc_image_tree *t, int fd, pc_image_read_func *read_cb,
          void *aux)
{
    char buffer[65536];

    for (;;) {
        ssize_t n = read_cb(aux, buffer, sizeof buffer);

        if (n <= 0) {
            return -n;
        } else if (pc_image_is_cancelled(t->cancel)) {
            return ECANCELED;
        } else if ((uint64_t) n > t->left) {
            return EFBIG;
        }
        t->left -= n;
        for (ssize_t done = 0; done < n; ) {
            ssize_t retval = write(fd, buffer + done, n - done);

            if (retval < 0 && errno != EINTR) {
                return errno;
            }
            done += MAX(retval, 0);
        }
    }
}

char *
pc_image_put_file(struct pc_image_tree *t, const struct pc_image_entry *e,
                  pc_image_read_func *read_cb, void *aux)
{
    char *error = admit(t, e);
    const char *name;
    int parent = -1;
    int retval = 0;
    int fd = -1;

    if (!error) {
        error = open_parent(t, e, &parent, &name);
    }
    if (!error) {
        unlinkat(parent, name, 0);
        fd = openat(parent, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
        retval = fd < 0 ? errno : copy_data(t, fd, read_cb, aux);
        if (fd >= 0) {
            retval = retval ? retval : set_attributes(t, fd, e, 0777);
            if (close(fd) && !retval) {
                retval = errno;
            }
        }
    }
    if (parent >= 0) {
        close(parent);
    }
    return (error ? error
            : retval ? entry_error(e, (retval == EFBIG
                                       ? "image is too large"
                                       : "cannot write"), retval)
            : NULL);
}

/* True if the relative link 'target' at 'path' climbs out of the tree. */
static bool
climbs_out(const char *path, const char *target)
{
    int depth = 0;

    for (const char *p = path; *p; p++) {
        depth += *p == '/';
    }
    while (*target) {
        size_t n = strcspn(target, "/");

        if (n == 2 && !strncmp(target, "..", 2)) {
            if (--depth < 0) {
                return true;
            }
        } else if (n && !(n == 1 && *target == '.')) {
            depth++;
        }
        target += n + (target[n] == '/');
    }
    return false;
}

char *
pc_image_put_symlink(struct pc_image_tree *t, const struct pc_image_entry *e,
                     const char *target)
{
    char *error = admit(t, e);
    const char *name;
    int parent = -1;

    /* An absolute target is one in the container; nobody follows it here. */
    if (!error && target[0] != '/' && climbs_out(e->path, target)) {
        error = entry_error(e, "link leads out of the image", 0);
    }
    if (!error) {
        error = open_parent(t, e, &parent, &name);
    }
    if (!error) {
        unlinkat(parent, name, 0);
        if (symlinkat(target, parent, name)
            || fchownat(parent, name, t->id_base + e->uid,
                        t->id_base + e->gid, AT_SYMLINK_NOFOLLOW)) {
            error = entry_error(e, "cannot make link", errno);
        }
    }
    if (parent >= 0) {
        close(parent);
    }
    return error;
}

char *
pc_image_put_hardlink(struct pc_image_tree *t, const struct pc_image_entry *e,
                      const char *target_)
{
    char *target = pc_image_normalize(target_);
    char *error = NULL;
    const char *name = NULL;
    int parent = -1;
    struct stat st;
    int fd = -1;

    if (!target) {
        return entry_error(e, "link leads out of the image", 0);
    }
    fd = pc_fs_open_below(t->fd, target, O_PATH | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        error = entry_error(e, "is linked to what is not a file of the image",
                            0);
    } else {
        error = open_parent(t, e, &parent, &name);
    }
    if (!error) {
        unlinkat(parent, name, 0);
        if (linkat(fd, "", parent, name, AT_EMPTY_PATH)) {
            error = entry_error(e, "cannot make link", errno);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (parent >= 0) {
        close(parent);
    }
    free(target);
    return error;
}

/* Looks up 'name' or a number in the "NAME:x:ID:ID2" file 'fd' (which it
 * closes; negative: not there). */
static bool
look_up(int fd, const char *name, uint32_t *id, uint32_t *id2)
{
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    size_t n = strlen(name);
    bool found = false;
    char line[1024];

    if (fd >= 0 && !file) {
        close(fd);
    }
    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned int a, b;
        int fields;

        if (!strncmp(line, name, n) && line[n] == ':') {
            fields = sscanf(line, "%*[^:]:%*[^:]:%u:%u", &a, &b);
            if (fields >= 1) {
                *id = a;
                *id2 = fields == 2 ? b : 0;
                found = true;
            }
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

/* 'name' is a user (or, with 'file' "group", a group). */
static bool
find_id(const struct pc_image_tree *t, const char *file, const char *name,
        uint32_t *id, uint32_t *id2)
{
    char *path = xasprintf("etc/%s", file);
    bool found;

    if (name[0] && strspn(name, "0123456789") == strlen(name)) {
        *id = strtoul(name, NULL, 10);
        *id2 = 0;
        found = true;
    } else {
        found = look_up(pc_fs_open_below(t->fd, path, O_RDONLY), name, id,
                        id2);
        if (!found && t->base_host) {
            char *host = xasprintf("/etc/%s", file);

            found = look_up(open(host, O_RDONLY | O_CLOEXEC), name, id, id2);
            free(host);
        }
    }
    free(path);
    return found;
}

static char *
find_owner(const struct pc_image_tree *t, const char *owner,
           struct pc_image_entry *e)
{
    char *user = xstrdup(owner);
    char *colon = strchr(user, ':');
    char *error = NULL;
    uint32_t ignored;

    if (colon) {
        *colon = '\0';
    }
    if (!find_id(t, "passwd", user, &e->uid, &e->gid)) {
        error = xasprintf("\"%s\": user \"%s\" is unknown in the image",
                          e->path, user);
    } else if (colon && !find_id(t, "group", colon + 1, &e->gid, &ignored)) {
        error = xasprintf("\"%s\": group \"%s\" is unknown in the image",
                          e->path, colon + 1);
    }
    free(user);
    return error;
}

struct text {
    const char *s;
    size_t left;
};

static ssize_t
read_text(void *text_, void *buffer, size_t size)
{
    struct text *text = text_;
    size_t n = MIN(size, text->left);

    memcpy(buffer, text->s, n);
    text->s += n;
    text->left -= n;
    return n;
}

static ssize_t
read_fd(void *fd_, void *buffer, size_t size)
{
    int *fd = fd_;
    ssize_t n = read(*fd, buffer, size);

    return n < 0 ? -errno : n;
}

static char *
put_source(struct pc_image_tree *t, const struct pc_image_entry *e,
           const char *source)
{
    char *error;
    struct stat st;
    int fd = (t->folder_fd < 0 ? -1
              : pc_fs_open_below(t->folder_fd, source,
                                    O_RDONLY | O_NONBLOCK));

    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        error = xasprintf("\"%s\": its source \"%s\" is not a file of the "
                          "image's folder", e->path, source);
    } else {
        error = pc_image_put_file(t, e, read_fd, &fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

char *
pc_image_add_file(struct pc_image_tree *t, const struct pc_image_file *f)
{
    char *path = pc_image_normalize(f->path + strspn(f->path, "/"));
    struct pc_image_entry e = { .path = path, .mode = f->mode };
    char *error;

    if (!path || !path[0]) {
        error = xasprintf("\"%s\": not a path in the image", f->path);
    } else {
        error = f->owner ? find_owner(t, f->owner, &e) : NULL;
        if (error) {
            /* Nothing. */
        } else if (f->directory) {
            error = pc_image_put_dir(t, &e);
        } else if (f->source) {
            error = put_source(t, &e, f->source);
        } else {
            struct text text = { f->content, strlen(f->content) };

            error = pc_image_put_file(t, &e, read_text, &text);
        }
    }
    free(path);
    return error;
}
