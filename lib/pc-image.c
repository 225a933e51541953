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

/* Fetching, finding and collecting images. */

/* Locks 'fd', waiting for who has it.  Returns 0 or a positive errno. */
static int
wait_for_lock(int fd, const atomic_bool *cancel)
{
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return errno;
        } else if (pc_image_is_cancelled(cancel)) {
            return ECANCELED;
        }
        usleep(50000);
    }
    return 0;
}

/* Locks the download to 'file' against other threads and processes, waiting for
 * it.  Returns a file descriptor for unlock_download(), or a negative errno. */
static int
lock_download(const char *file, const atomic_bool *cancel)
{
    char *name = xasprintf("%s.lock", file);
    struct stat a, b;
    int retval;

    for (;;) {
        int fd = open(name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        retval = fd < 0 ? errno : wait_for_lock(fd, cancel);
        retval = retval ? -retval : fd;
        /* Its last owner may have removed it while we waited. */
        if (fd < 0 || (retval == fd && !fstat(fd, &a) && !lstat(name, &b)
                       && a.st_ino == b.st_ino)) {
            break;
        }
        close(fd);
        if (retval < 0) {
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
        *keyp = pc_image_make_key(src, "", sha256);
        if (pc_image_is_done(src->cache, *keyp)) {
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
    if (pc_image_is_cancelled(src->cancel)) {
        return xstrdup(ovs_strerror(ECANCELED));
    }
    error = src->fetch(src->url, file, src->aux);
    error = error ? error : pc_image_ensure_archive(src, file, sha256, keyp);
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
    lock = retval ? -retval : lock_download(file, src->cancel);
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
            ? pc_image_ensure_dir(src, path, sha256, keyp)
            : pc_image_ensure_archive(src, path, sha256, keyp));
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
        /* When it was asked for last: see pc_image_collect(). */
        ignore(utimensat(AT_FDCWD, done, NULL, AT_SYMLINK_NOFOLLOW));
    }
    free(text);
    free(done);
    free(file);
    return error ? xasprintf("%s: %s", key, ovs_strerror(error)) : NULL;
}

/* True if 'name' in the cache is work in progress of a process that is no more. */
static bool
is_broken(const char *name)
{
    long int pid;

    return (sscanf(name, ".tmp-%ld-", &pid) == 1 && pid != getpid()
            && kill(pid, 0) && errno == ESRCH);
}

/* True if 'name' in the cache is an image, and not one of 'keep'. */
static bool
is_unused(const char *cache, const char *name, const char *const *keep,
          time_t min_age)
{
    char *done;
    struct stat st;
    bool old;

    if (name[0] == '.' || !strncmp(name, "download-", 9)
        || !strncmp(name, "host-", 5)) {
        return false;
    }
    for (size_t i = 0; keep[i]; i++) {
        if (!strcmp(name, keep[i])) {
            return false;
        }
    }
    done = xasprintf("%s/%s/done", cache, name);
    old = lstat(done, &st) || st.st_mtime + min_age <= time(NULL);
    free(done);
    return old;
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

/* Removes from 'cache' what broken runs have left and, if 'keep' is nonnull,
 * images that are not in it and older than 'min_age' seconds.  Returns the number
 * removed. */
static size_t
collect(const char *cache, const char *const *keep, time_t min_age)
{
    DIR *dir = opendir(cache);
    struct dirent *de;
    size_t n = 0;

    while (dir && (de = readdir(dir))) {
        if (is_broken(de->d_name) || (keep && is_unused(cache, de->d_name, keep, min_age))) {
            int error = remove_image(cache, de->d_name);

            if (!error) {
                n++;
            } else if (error != ENOENT) {
                VLOG_WARN("%s/%s: cannot remove (%s)", cache, de->d_name,
                          ovs_strerror(error));
            }
        }
    }
    if (dir) {
        closedir(dir);
    }
    return n;
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
    collect(src->cache, NULL, 0);
    error = (is_host ? pc_image_ensure_host(src, &image->key)
             : ensure_by_url(src, sha256, &image->key));
    error = error ? error : load(src, image->key, !is_host, image);
    if (!error && image->base_host && !is_host) {
        error = pc_image_ensure_host(src, &host_key);
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

size_t
pc_image_collect(const char *cache, const char *const *keep, time_t min_age)
{
    static const char *const nothing[] = { NULL };

    return collect(cache, keep ? keep : nothing, min_age);
}
