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

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pc-fs.h"
#include "pc-image-private.h"
#include "pc-name.h"
#include "openvswitch/vlog.h"
#include "hash.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_image);

#define PC_IMAGE_MAX_SIZE (UINT64_C(16) << 30)
#define PC_MANIFEST_MAX_SIZE (1u << 20)

/* An image being made in "<cache>/.tmp-<pid>-XXXXXX". */
struct making {
    const struct pc_image_source *src;
    char *dir;
    struct pc_image_tree tree;
    char *manifest;
    size_t manifest_length;
    bool base_host;
};

static bool
is_done(const char *cache, const char *key)
{
    char *done = xasprintf("%s/%s/done", cache, key);
    bool exists = !access(done, F_OK);

    free(done);
    return exists;
}

static char *
make_key(const struct pc_image_source *src, const char *prefix,
         const char *sha256)
{
    return xasprintf("%s%s-%"PRIu32, prefix, sha256, src->id_base);
}

static char *
start_making(struct making *m, const struct pc_image_source *src)
{
    char *tree, *error = NULL;
    int retval;

    memset(m, 0, sizeof *m);
    m->src = src;
    m->dir = xasprintf("%s/.tmp-%ld-XXXXXX", src->cache, (long int) getpid());
    m->tree.fd = m->tree.folder_fd = -1;
    m->tree.id_base = src->id_base;
    m->tree.id_count = src->id_count;
    m->tree.left = src->max_size ? src->max_size : PC_IMAGE_MAX_SIZE;

    retval = pc_fs_make_dirs(src->cache);
    if (!retval && !mkdtemp(m->dir)) {
        retval = errno;
    }
    tree = xasprintf("%s/tree", m->dir);
    retval = retval ? retval : pc_fs_make_dir(m->dir, 0755, 0, 0);
    retval = retval ? retval : pc_fs_make_dir(tree, 0755, src->id_base,
                                              src->id_base);
    if (!retval) {
        m->tree.fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        retval = m->tree.fd < 0 ? errno : 0;
    }
    if (retval) {
        error = xasprintf("%s: %s", tree, ovs_strerror(retval));
    }
    free(tree);
    return error;
}

static void
end_making(struct making *m)
{
    if (m->tree.fd >= 0) {
        close(m->tree.fd);
    }
    if (m->tree.folder_fd >= 0) {
        close(m->tree.folder_fd);
    }
    pc_fs_remove_tree(m->dir);
    free(m->dir);
    free(m->manifest);
}

/* Finds the manifest and the root in what has been unpacked into "tree", and
 * puts them to "rootfs" and "manifest.json".  The folder layout's other files stay
 * in "tree" for "source" of its manifest. */
static char *
split_layout(struct making *m)
{
    char *tree = xasprintf("%s/tree", m->dir);
    char *rootfs = xasprintf("%s/rootfs", m->dir);
    char *inner = xasprintf("%s/tree/rootfs", m->dir);
    struct stat st;
    char *error = NULL;
    bool folder;
    int retval;

    folder = !pc_fs_read_below(tree, "manifest.json", PC_MANIFEST_MAX_SIZE,
                               &m->manifest);
    if (!folder) {
        retval = pc_fs_read_below(tree, "etc/packetcloud/manifest.json",
                                  PC_MANIFEST_MAX_SIZE, &m->manifest);
        if (retval) {
            error = xasprintf("has neither /manifest.json nor "
                              "/etc/packetcloud/manifest.json (%s)",
                              ovs_strerror(retval));
        } else if (rename(tree, rootfs)) {
            error = xasprintf("%s: %s", tree, ovs_strerror(errno));
        }
    } else {
        if (lstat(inner, &st)) {
            retval = pc_fs_make_dir(rootfs, 0755, m->src->id_base,
                                    m->src->id_base);
        } else {
            retval = (!S_ISDIR(st.st_mode) ? ENOTDIR
                      : rename(inner, rootfs) ? errno : 0);
        }
        if (retval) {
            error = xasprintf("rootfs: %s", ovs_strerror(retval));
        }
        m->tree.folder_fd = m->tree.fd;
        m->tree.fd = open(rootfs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                          | O_CLOEXEC);
    }
    if (m->manifest) {
        m->manifest_length = strlen(m->manifest);
    }
    free(tree);
    free(rootfs);
    free(inner);
    return error;
}

/* Calls prepare() and writes what load() wants. */
static char *
complete(struct making *m)
{
    char *error = split_layout(m);
    char *file, *tree;
    int retval;

    if (!error && m->src->prepare) {
        /* Names of owners may be the host's before it is known whether it is
         * the base; prepare() tells before it adds files. */
        error = m->src->prepare(&m->tree, m->manifest, m->manifest_length,
                                &m->tree.base_host, m->src->aux);
        m->base_host = m->tree.base_host;
    }
    if (error) {
        return error;
    }
    file = xasprintf("%s/manifest.json", m->dir);
    retval = pc_fs_write_file(file, m->manifest);
    free(file);
    tree = xasprintf("%s/tree", m->dir);
    retval = retval ? retval : pc_fs_remove_tree(tree);
    free(tree);
    return retval ? xasprintf("%s: %s", m->dir, ovs_strerror(retval)) : NULL;
}

/* Gives what is in m->dir its final name. */
static char *
publish(struct making *m, const char *key)
{
    char *final = xasprintf("%s/%s", m->src->cache, key);
    char *done = xasprintf("%s/done", m->dir);
    char *error = NULL;
    int retval = pc_fs_write_file(done, m->base_host ? "base host\n" : "\n");

    if (retval) {
        error = xasprintf("%s: %s", done, ovs_strerror(retval));
    } else {
        syncfs(m->tree.fd);
        if (rename(m->dir, final) && !is_done(m->src->cache, key)) {
            error = xasprintf("%s: %s", final, ovs_strerror(errno));
        }
    }
    free(final);
    free(done);
    return error;
}

/* Makes the skeleton of `host` ready and returns its key in '*keyp'. */
static char *
ensure_host(const struct pc_image_source *src, char **keyp)
{
    char sha256[PC_SHA256_HEX_LEN + 1];
    char *error = pc_image_hash_host(sha256);
    struct making m;
    char *tree, *rootfs;

    *keyp = NULL;
    if (error) {
        return error;
    }
    *keyp = make_key(src, "host-", sha256);
    if (is_done(src->cache, *keyp)) {
        return NULL;
    }
    error = start_making(&m, src);
    if (!error) {
        m.tree.base_host = m.base_host = true;
        error = pc_image_make_host(&m.tree);
    }
    if (!error) {
        tree = xasprintf("%s/tree", m.dir);
        rootfs = xasprintf("%s/rootfs", m.dir);
        if (rename(tree, rootfs)) {
            error = xasprintf("%s: %s", rootfs, ovs_strerror(errno));
        }
        free(tree);
        free(rootfs);
    }
    error = error ? error : publish(&m, *keyp);
    end_making(&m);
    return error;
}

static bool
sha256_equals(const char *wanted, const char *sha256)
{
    return !wanted || !wanted[0] || !strcasecmp(wanted, sha256);
}

static char *
ensure_archive(const struct pc_image_source *src, const char *path,
               char sha256[PC_SHA256_HEX_LEN + 1], char **keyp)
{
    /* Not to wait for a writer of a FIFO. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct making m;
    struct stat st;
    char *error;

    if (fd < 0 || fstat(fd, &st)) {
        error = xasprintf("%s: %s", path, ovs_strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        error = xasprintf("%s: is neither a file nor a directory", path);
    } else {
        error = pc_image_hash_file(fd, sha256);
    }
    if (!error && !sha256_equals(src->sha256, sha256)) {
        error = xasprintf("SHA-256 is %s, not %s", sha256, src->sha256);
    }
    if (!error) {
        *keyp = make_key(src, "", sha256);
        if (!is_done(src->cache, *keyp)) {
            error = start_making(&m, src);
            if (!error) {
                lseek(fd, 0, SEEK_SET);
                error = pc_image_unpack(fd, &m.tree);
            }
            error = error ? error : complete(&m);
            error = error ? error : publish(&m, *keyp);
            end_making(&m);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

static char *
ensure_dir(const struct pc_image_source *src, const char *path,
           char sha256[PC_SHA256_HEX_LEN + 1], char **keyp)
{
    char *manifest = xasprintf("%s/manifest.json", path);
    bool folder = !access(manifest, F_OK);
    struct making m;
    char *error = pc_image_hash_dir(path, sha256);

    free(manifest);
    if (!error && !sha256_equals(src->sha256, sha256)) {
        error = xasprintf("SHA-256 of the directory is %s, not %s", sha256,
                          src->sha256);
    }
    if (error) {
        return error;
    }
    *keyp = make_key(src, "dir-", sha256);
    if (is_done(src->cache, *keyp)) {
        return NULL;
    }
    error = start_making(&m, src);
    /* The files of a folder belong to who has checked it out: root, in the
     * container.  A plain root file system has owners of its own. */
    error = error ? error : pc_image_copy_dir(path, !folder, &m.tree);
    error = error ? error : complete(&m);
    error = error ? error : publish(&m, *keyp);
    end_making(&m);
    return error;
}

/* Locks the download to 'file' against other threads and processes, waiting for
 * it.  Returns a file descriptor for unlock_download(), or a negative errno. */
static int
lock_download(const char *file)
{
    char *name = xasprintf("%s.lock", file);
    struct stat a, b;
    int retval;

    for (;;) {
        int fd = open(name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        retval = fd < 0 || flock(fd, LOCK_EX) ? -errno : fd;
        /* Its last owner may have removed it while we waited. */
        if (fd < 0 || (retval == fd && !fstat(fd, &a) && !lstat(name, &b)
                       && a.st_ino == b.st_ino)) {
            break;
        }
        close(fd);
        if (retval < 0 && retval != -EINTR) {
            break;
        }
    }
    free(name);
    return retval;
}

static void
unlock_download(const char *file, int fd)
{
    char *name = xasprintf("%s.lock", file);

    unlink(name);
    flock(fd, LOCK_UN);         /* A child that was just forked has it, too. */
    close(fd);
    free(name);
}

/* ensure_remote() to 'file', which nobody else touches now. */
static char *
download(const struct pc_image_source *src, const char *file,
         char sha256[PC_SHA256_HEX_LEN + 1], char **keyp)
{
    char *error;

    if (src->sha256 && src->sha256[0]) {
        ovs_strlcpy(sha256, src->sha256, PC_SHA256_HEX_LEN + 1);
        for (char *p = sha256; *p; p++) {
            *p = tolower((unsigned char) *p);
        }
        *keyp = make_key(src, "", sha256);
        if (is_done(src->cache, *keyp)) {
            return NULL;
        }
        free(*keyp);
        *keyp = NULL;
    } else {
        /* Without a sum nobody would notice that the file has changed between
         * the part that an earlier attempt has left and the rest. */
        char *part = xasprintf("%s.part", file);

        unlink(part);
        free(part);
    }
    error = src->fetch(src->url, file, src->aux);
    error = error ? error : ensure_archive(src, file, sha256, keyp);
    unlink(file);
    return error;
}

static char *
ensure_remote(const struct pc_image_source *src,
              char sha256[PC_SHA256_HEX_LEN + 1], char **keyp)
{
    char *file, *error;
    int lock, retval;

    if (!src->fetch) {
        return xstrdup("only local images are possible here");
    } else if (!strncmp(src->url, "http:", 5)
               && (!src->sha256 || !src->sha256[0])) {
        return xstrdup("http: needs sha256=, for nothing else proves what "
                       "arrives");
    }
    file = xasprintf("%s/download-%08"PRIx32, src->cache,
                     hash_string(src->url, 0));
    retval = pc_fs_make_dirs(src->cache);
    lock = retval ? -retval : lock_download(file);
    if (lock < 0) {
        error = xasprintf("%s: %s", file, ovs_strerror(-lock));
    } else {
        error = download(src, file, sha256, keyp);
        unlock_download(file, lock);
    }
    free(file);
    return error;
}

static char *
ensure_by_url(const struct pc_image_source *src,
              char sha256[PC_SHA256_HEX_LEN + 1], char **keyp)
{
    const char *path = src->url;
    struct stat st;

    if (!strncmp(path, "https:", 6) || !strncmp(path, "http:", 5)) {
        return ensure_remote(src, sha256, keyp);
    }
    if (!strncmp(path, "file://", 7)) {
        path += 7;
    } else if (!strncmp(path, "file:", 5)) {
        path += 5;
    }
    if (path[0] != '/') {
        return xasprintf("URL \"%s\" is not \"host\", an absolute path, file: "
                         "or https:", src->url);
    } else if (stat(path, &st)) {
        return xasprintf("%s: %s", path, ovs_strerror(errno));
    }
    return (S_ISDIR(st.st_mode)
            ? ensure_dir(src, path, sha256, keyp)
            : ensure_archive(src, path, sha256, keyp));
}

/* Reads what is known of the finished image 'key'. */
static char *
load(const struct pc_image_source *src, const char *key, bool has_manifest,
     struct pc_image *image)
{
    char *done = xasprintf("%s/%s/done", src->cache, key);
    char *file = xasprintf("%s/%s/manifest.json", src->cache, key);
    char *text = NULL;
    int error = pc_fs_read_file(done, 4096, &text, NULL);

    if (!error && has_manifest) {
        error = pc_fs_read_file(file, PC_MANIFEST_MAX_SIZE, &image->manifest,
                                &image->manifest_length);
    }
    if (!error) {
        image->base_host = !strncmp(text, "base host", 9);
    }
    free(text);
    free(done);
    free(file);
    return error ? xasprintf("%s: %s", key, ovs_strerror(error)) : NULL;
}

char *
pc_image_ensure(const struct pc_image_source *src, struct pc_image **imagep)
{
    struct pc_image *image = xzalloc(sizeof *image);
    bool is_host = !strcmp(src->url, "host");
    char sha256[PC_SHA256_HEX_LEN + 1] = "";
    char *host_key = NULL;
    char *error;
    size_t n = 0;

    *imagep = NULL;
    error = (is_host ? ensure_host(src, &image->key)
             : ensure_by_url(src, sha256, &image->key));
    error = error ? error : load(src, image->key, !is_host, image);
    if (!error && image->base_host && !is_host) {
        error = ensure_host(src, &host_key);
    }
    if (error) {
        char *why = xasprintf("image %s: %s", src->name, error);

        /* Names in an archive may be anything. */
        pc_name_make_printable(why);
        free(error);
        free(host_key);
        pc_image_destroy(image);
        return why;
    }
    image->sha256 = xstrdup(sha256);
    image->lower_dirs = xcalloc(3, sizeof *image->lower_dirs);
    image->lower_dirs[n++] = xasprintf("%s/%s/rootfs", src->cache,
                                       image->key);
    if (host_key) {
        image->lower_dirs[n++] = xasprintf("%s/%s/rootfs", src->cache,
                                           host_key);
    }
    free(host_key);
    *imagep = image;
    return NULL;
}

void
pc_image_destroy(struct pc_image *image)
{
    if (image) {
        for (size_t i = 0; image->lower_dirs && image->lower_dirs[i]; i++) {
            free(image->lower_dirs[i]);
        }
        free(image->lower_dirs);
        free(image->key);
        free(image->sha256);
        free(image->manifest);
        free(image);
    }
}

/* True if 'name' in the cache is not needed by anybody. */
static bool
is_garbage(const char *name, const char *const *keep)
{
    long int pid;

    if (name[0] == '.') {
        return (sscanf(name, ".tmp-%ld-", &pid) == 1 && pid != getpid()
                && kill(pid, 0) && errno == ESRCH);
    } else if (!strncmp(name, "download-", 9)
               || !strncmp(name, "host-", 5)) {
        return false;
    }
    for (size_t i = 0; keep && keep[i]; i++) {
        if (!strcmp(name, keep[i])) {
            return false;
        }
    }
    return true;
}

/* Removes 'name' of 'cache'.  It gets another name first: half an image must
 * not pass for one that is done. */
static int
remove_image(const char *cache, const char *name)
{
    char *path = xasprintf("%s/%s", cache, name);
    char *gone = xasprintf("%s/.tmp-%ld-XXXXXX", cache, (long int) getpid());
    int error;

    if (mkdtemp(gone) && !rename(path, gone)) {
        error = pc_fs_remove_tree(gone);
    } else {
        error = errno == EISDIR ? pc_fs_remove_tree(path) : errno;
        rmdir(gone);
    }
    free(path);
    free(gone);
    return error;
}

size_t
pc_image_collect(const char *cache, const char *const *keep)
{
    DIR *dir = opendir(cache);
    struct dirent *de;
    size_t n = 0;

    while (dir && (de = readdir(dir))) {
        if (is_garbage(de->d_name, keep)) {
            int error = remove_image(cache, de->d_name);

            if (error) {
                VLOG_WARN("%s/%s: cannot remove (%s)", cache, de->d_name,
                          ovs_strerror(error));
            } else {
                n++;
            }
        }
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}
