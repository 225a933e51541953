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

#ifndef PC_IMAGE_H
#define PC_IMAGE_H 1

/* Images
 * ======
 *
 * An image is what VIs are started from.  Its URL (Image.url) is one of
 *
 *     host                   nothing but the host's own programs
 *     /path/of/a/directory   (or file:/path/of/a/directory)
 *     file:/path/x.tar.xz    a tar archive (xz, zst, gz, bz2 or plain)
 *     https://h/x.tar.zst    the same, fetched (pc-fetch.h)
 *
 * A directory and an archive have the same content, in one of two layouts:
 *
 *     folder:  manifest.json at the top, and rootfs/ (may be absent with "base":
 *              "host"), and files that the manifest names by "source";
 *     plain:   a root file system with /etc/packetcloud/manifest.json.
 *
 * pc_image_ensure() makes it ready below `<cache>/`: fetched, verified by
 * SHA-256 before one byte of it is used, unpacked into a temporary directory,
 * its owners shifted for the containers' id map, read-only for everybody, and
 * renamed to its final name `<cache>/<key>/` in one step:
 *
 *     <cache>/<key>/rootfs/        a lower directory of overlays
 *     <cache>/<key>/manifest.json
 *     <cache>/<key>/done           last file written
 *
 * (".tmp-..." and "download-..." in the cache are work in progress.)
 *
 * The key contains the SHA-256 (of the archive; of the names, modes and contents
 * of a directory), so an image that has changed is another image, and VIs that
 * run from the old one are not disturbed.
 *
 * `host`, or "base": "host" in the manifest: below everything lies a skeleton
 * of about 2 MB with links /bin, /sbin, /lib* to /usr, the parts of the host's
 * /etc that programs need to start (passwd, group, nsswitch.conf, ssl, ...; no
 * secrets), and an empty /usr on which the container sees the host's, read-only.
 *
 * Archives are hostile: names that are absolute or contain "..", links that lead
 * out, entries below a link, devices, sockets, sizes beyond the limit are errors
 * and leave nothing behind.  Set-user-id bits and security xattrs are dropped.
 *
 * Blocks (a worker's job), for minutes if an image is large or far away.  A
 * program that ends sets `cancel`: then it returns an error soon, within one
 * piece of a file or a step of fetch(), and only what fetch() can go on with is
 * left.  Thread-safe; two calls for one image at a time in
 * one or several processes end with one directory, and both succeed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "compiler.h"
#include "ovs-atomic.h"

struct pc_image_tree;

/* Where to get an image and how to make it ready. */
struct pc_image_source {
    const char *name;           /* For messages. */
    const char *url;            /* See above. */
    const char *sha256;         /* 64 hex digits, or NULL or "" for none;
                                 * needed for http:. */
    const char *cache;          /* "<state>/images". */
    uint32_t id_base;           /* Host uid and gid of the VI's root. */
    uint32_t id_count;
    uint64_t max_size;          /* Bytes unpacked, and 512 for each file, link
                                 * or directory; 0: 16 GiB. */

    /* Stores what 'url' (https: or http:) names in the file 'path': pc_fetch(),
     * which this module does not know.  NULL: only local images. */
    char *(*fetch)(const char *url, const char *path, void *aux);

    /* Called once with the unpacked image before it gets its final name;
     * 'manifest' is its text (NULL for `host`).  It returns an error or NULL,
     * sets '*base_host' and may put files into the image with
     * pc_image_add_file(). */
    char *(*prepare)(struct pc_image_tree *, const char *manifest,
                     size_t length, bool *base_host, void *aux);
    void *aux;

    const atomic_bool *cancel;  /* Another thread sets it to end the work; a
                                 * fetch() should look at it as well.  NULL:
                                 * never. */
};

/* An image that is ready. */
struct pc_image {
    char *key;                  /* Name in the cache. */
    char *sha256;               /* Of the archive or tree; "" for host. */
    char **lower_dirs;          /* For an overlay, uppermost first; NULL-term. */
    char *manifest;             /* Text, or NULL. */
    size_t manifest_length;
    bool base_host;             /* Needs the host's /usr at /usr, read-only. */
};

/* Makes the image ready, or finds that it is.  Returns NULL and stores it in
 * '*imagep', or returns an error for the caller to free and stores NULL. */
char *pc_image_ensure(const struct pc_image_source *, struct pc_image **imagep)
    OVS_WARN_UNUSED_RESULT;
void pc_image_destroy(struct pc_image *);

/* A file or directory to be added by prepare().  Nothing outside the tree can
 * be reached, whatever links it contains. */
struct pc_image_file {
    const char *path;           /* Absolute, in the image. */
    bool directory;
    const char *content;        /* Text, or NULL ... */
    const char *source;         /* ... path below the image's folder. */
    const char *owner;          /* "NAME[:GROUP]" of the image's (or base's)
                                 * passwd, "UID[:GID]", or NULL: root. */
    unsigned int mode;
};
char *pc_image_add_file(struct pc_image_tree *, const struct pc_image_file *)
    OVS_WARN_UNUSED_RESULT;

/* Removes images of the cache that are in neither 'keep' (keys, NULL-terminated)
 * nor the present `host` base and that nobody has asked pc_image_ensure() for in
 * the last 'min_age' seconds, and what broken runs have left.  Not while
 * pc_image_ensure() is called: an image that it has just found could go.  Returns
 * the number removed. */
size_t pc_image_collect(const char *cache, const char *const *keep,
                        time_t min_age);

#endif /* pc-image.h */
