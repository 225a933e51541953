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

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pc-image-private.h"
#include "svec.h"
#include "util.h"

/* Images that are directories: hashing and copying them, and the skeleton of
 * `host`, which is parts of the host's /etc. */

/* A walk over a directory: each entry is put into 'tree', or into 'md' if that
 * is nonnull. */
struct walk {
    struct pc_image_tree *tree;
    EVP_MD_CTX *md;
    const atomic_bool *cancel;  /* For 'md'; 'tree' has its own. */
    bool keep_owners;
    bool skip_secrets;          /* Leave out what others may not read. */
};

static ssize_t
read_fd(void *fd_, void *buffer, size_t size)
{
    int *fd = fd_;
    ssize_t n = read(*fd, buffer, size);

    return n < 0 ? -errno : n;
}

static void
hash_string(EVP_MD_CTX *md, const char *s)
{
    EVP_DigestUpdate(md, s, strlen(s) + 1);
}

static int
hash_fd(EVP_MD_CTX *md, int fd, const atomic_bool *cancel)
{
    char buffer[65536];
    ssize_t n;

    while ((n = read_fd(&fd, buffer, sizeof buffer)) > 0) {
        EVP_DigestUpdate(md, buffer, n);
        if (pc_image_is_cancelled(cancel)) {
            return ECANCELED;
        }
    }
    return -n;
}

static void
finish_hash(EVP_MD_CTX *md, char sha256[PC_SHA256_HEX_LEN + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n;

    EVP_DigestFinal_ex(md, digest, &n);
    for (unsigned int i = 0; i < PC_SHA256_HEX_LEN / 2; i++) {
        sprintf(&sha256[2 * i], "%02x", digest[i]);
    }
    EVP_MD_CTX_free(md);
}

static EVP_MD_CTX *
start_hash(void)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();

    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    return md;
}

static char *walk_dir(struct walk *, int fd, const char *path);

static char *
walk_file(struct walk *w, int fd, const struct pc_image_entry *e)
{
    int error;

    if (!w->md) {
        return pc_image_put_file(w->tree, e, read_fd, &fd);
    }
    error = hash_fd(w->md, fd, w->cancel);
    return (error ? xasprintf("%s: %s", e->path, ovs_strerror(error)) : NULL);
}

static char *
walk_link(struct walk *w, int dir_fd, const char *name,
          const struct pc_image_entry *e)
{
    char target[4096];
    ssize_t n = readlinkat(dir_fd, name, target, sizeof target - 1);

    if (n < 0) {
        return xasprintf("%s: %s", e->path, ovs_strerror(errno));
    }
    target[n] = '\0';
    if (w->md) {
        hash_string(w->md, target);
        return NULL;
    }
    return pc_image_put_symlink(w->tree, e, target);
}

/* Handles 'name' in 'dir_fd', whose path in the image is 'path'. */
static char *
walk_entry(struct walk *w, int dir_fd, const char *name, const char *path)
{
    struct pc_image_entry e = { .path = path };
    char *error = NULL;
    struct stat st;
    int fd = -1;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW)) {
        return xasprintf("%s: %s", path, ovs_strerror(errno));
    }
    e.mode = st.st_mode & 07777;
    if (w->keep_owners) {
        e.uid = st.st_uid;
        e.gid = st.st_gid;
    }
    if (w->skip_secrets && !S_ISLNK(st.st_mode)
        && (st.st_mode & (S_ISDIR(st.st_mode) ? 05 : 04)) == 0) {
        return NULL;
    }
    if (w->md) {
        char *head = xasprintf("%s %o %u %u", path, st.st_mode, e.uid, e.gid);

        hash_string(w->md, head);
        free(head);
    }
    if (S_ISLNK(st.st_mode)) {
        return walk_link(w, dir_fd, name, &e);
    } else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return xasprintf("%s: is a device, fifo or socket", path);
    }
    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return xasprintf("%s: %s", path, ovs_strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        error = w->md ? NULL : pc_image_put_dir(w->tree, &e);
        return error ? (close(fd), error) : walk_dir(w, fd, path);
    }
    error = walk_file(w, fd, &e);
    close(fd);
    return error;
}

/* Handles what is in the directory 'fd', in the order of names; closes it. */
static char *
walk_dir(struct walk *w, int fd, const char *path)
{
    struct svec names = SVEC_EMPTY_INITIALIZER;
    DIR *dir = fdopendir(fd);
    char *error = NULL;
    struct dirent *de;

    while (dir && (de = readdir(dir))) {
        if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..")) {
            svec_add(&names, de->d_name);
        }
    }
    svec_sort(&names);
    for (size_t i = 0; i < names.n && !error; i++) {
        char *child = xasprintf("%s%s%s", path, path[0] ? "/" : "",
                                names.names[i]);

        error = walk_entry(w, fd, names.names[i], child);
        free(child);
    }
    svec_destroy(&names);
    if (dir) {
        closedir(dir);
    } else {
        close(fd);
    }
    return error;
}

static char *
walk_top(struct walk *w, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return (fd < 0 ? xasprintf("%s: %s", dir, ovs_strerror(errno))
            : walk_dir(w, fd, ""));
}

char *
pc_image_copy_dir(const char *dir, bool keep_owners, struct pc_image_tree *t)
{
    struct walk w = { .tree = t, .keep_owners = keep_owners };

    return walk_top(&w, dir);
}

char *
pc_image_hash_dir(const char *dir, const atomic_bool *cancel,
                  char sha256[PC_SHA256_HEX_LEN + 1])
{
    struct walk w = { .md = start_hash(), .cancel = cancel };
    char *error = walk_top(&w, dir);

    finish_hash(w.md, sha256);
    return error;
}

char *
pc_image_hash_file(int fd, const atomic_bool *cancel,
                   char sha256[PC_SHA256_HEX_LEN + 1])
{
    EVP_MD_CTX *md = start_hash();
    int error = (lseek(fd, 0, SEEK_SET) < 0 ? errno
                 : hash_fd(md, fd, cancel));

    finish_hash(md, sha256);
    return error ? xasprintf("cannot read (%s)", ovs_strerror(error)) : NULL;
}

/* What programs need of /etc to start; no secrets, and nothing that belongs to
 * a service. */
static const char *const host_etc[] = {
    "alternatives", "ca-certificates", "ca-certificates.conf",
    "crypto-policies", "ethertypes", "gai.conf", "group", "host.conf",
    "iproute2", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "mime.types", "networks", "nsswitch.conf", "os-release", "passwd", "pki",
    "protocols", "resolv.conf", "rpc", "services", "ssl", "timezone",
};

/* Walks over the parts of /etc. */
static char *
walk_host(struct walk *w)
{
    int fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *error = NULL;

    for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(host_etc) && !error; i++) {
        if (!faccessat(fd, host_etc[i], F_OK, AT_SYMLINK_NOFOLLOW)) {
            char *path = xasprintf("etc/%s", host_etc[i]);

            error = walk_entry(w, fd, host_etc[i], path);
            free(path);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

char *
pc_image_hash_host(char sha256[PC_SHA256_HEX_LEN + 1])
{
    struct walk w = { .md = start_hash(), .skip_secrets = true };
    char *error = walk_host(&w);

    finish_hash(w.md, sha256);
    return error;
}

/* Copies a link at the host's top, such as bin -> usr/bin. */
static char *
put_top_link(struct pc_image_tree *t, const char *name)
{
    struct pc_image_entry e = { .path = name, .mode = 0777 };
    char *file = xasprintf("/%s", name);
    char target[256];
    ssize_t n = readlink(file, target, sizeof target - 1);

    free(file);
    if (n <= 0) {
        return NULL;
    }
    target[n] = '\0';
    return pc_image_put_symlink(t, &e, target);
}

char *
pc_image_make_host(struct pc_image_tree *t)
{
    static const char *const dirs[] = {
        "dev", "etc", "home", "mnt", "opt", "proc", "root", "run", "srv",
        "sys", "usr", "var", "var/cache", "var/lib", "var/log", "var/spool",
    };
    static const char *const links[] = {
        "bin", "sbin", "lib", "lib32", "lib64", "libx32",
    };
    static const struct pc_image_file files[] = {
        { .path = "/tmp", .directory = true, .mode = 01777 },
        { .path = "/var/tmp", .directory = true, .mode = 01777 },
        { .path = "/etc/hosts", .mode = 0644,
          .content = "127.0.0.1 localhost\n::1 localhost\n" },
    };
    struct walk w = { .tree = t, .skip_secrets = true };
    struct pc_image_entry run = { .path = "var/run", .mode = 0777 };
    char *error = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(dirs) && !error; i++) {
        struct pc_image_entry e = { .path = dirs[i], .mode = 0755 };

        error = pc_image_put_dir(t, &e);
    }
    for (size_t i = 0; i < ARRAY_SIZE(links) && !error; i++) {
        error = put_top_link(t, links[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files) && !error; i++) {
        error = pc_image_add_file(t, &files[i]);
    }
    error = error ? error : pc_image_put_symlink(t, &run, "../run");
    return error ? error : walk_host(&w);
}
