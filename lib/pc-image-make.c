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
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pc-fs.h"
#include "pc-image-private.h"
#include "util.h"

/* Making an image of what it comes from, under a temporary name, and giving it
 * its own name in one step. */

#define PC_IMAGE_MAX_SIZE (UINT64_C(16) << 30)

/* An image being made in "<cache>/.tmp-<pid>-XXXXXX". */
struct making {
    const struct pc_image_source *src;
    char *dir;
    struct pc_image_tree tree;
    char *manifest;
    size_t manifest_length;
    bool base_host;
};

bool
pc_image_is_done(const char *cache, const char *key)
{
    char *done = xasprintf("%s/%s/done", cache, key);
    bool exists = !access(done, F_OK);

    free(done);
    return exists;
}

char *
pc_image_make_key(const struct pc_image_source *src, const char *prefix,
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
    m->tree.cancel = src->cancel;
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
        if (rename(m->dir, final) && !pc_image_is_done(m->src->cache, key)) {
            error = xasprintf("%s: %s", final, ovs_strerror(errno));
        }
    }
    free(final);
    free(done);
    return error;
}

char *
pc_image_ensure_host(const struct pc_image_source *src, char **keyp)
{
    char sha256[PC_SHA256_HEX_LEN + 1];
    char *error = pc_image_hash_host(sha256);
    struct making m;
    char *tree, *rootfs;

    *keyp = NULL;
    if (error) {
        return error;
    }
    *keyp = pc_image_make_key(src, "host-", sha256);
    if (pc_image_is_done(src->cache, *keyp)) {
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

char *
pc_image_ensure_archive(const struct pc_image_source *src, const char *path,
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
        error = pc_image_hash_file(fd, src->cancel, sha256);
    }
    if (!error && !sha256_equals(src->sha256, sha256)) {
        error = xasprintf("SHA-256 is %s, not %s", sha256, src->sha256);
    }
    if (!error) {
        *keyp = pc_image_make_key(src, "", sha256);
        if (!pc_image_is_done(src->cache, *keyp)) {
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

char *
pc_image_ensure_dir(const struct pc_image_source *src, const char *path,
                    char sha256[PC_SHA256_HEX_LEN + 1], char **keyp)
{
    char *manifest = xasprintf("%s/manifest.json", path);
    bool folder = !access(manifest, F_OK);
    struct making m;
    char *error = pc_image_hash_dir(path, src->cancel, sha256);

    free(manifest);
    if (!error && !sha256_equals(src->sha256, sha256)) {
        error = xasprintf("SHA-256 of the directory is %s, not %s", sha256,
                          src->sha256);
    }
    if (error) {
        return error;
    }
    *keyp = pc_image_make_key(src, "dir-", sha256);
    if (pc_image_is_done(src->cache, *keyp)) {
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
