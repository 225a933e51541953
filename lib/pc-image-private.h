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

#ifndef PC_IMAGE_PRIVATE_H
#define PC_IMAGE_PRIVATE_H 1

/* Between the parts of pc-image: the tree that is being written, and the two
 * sources that fill it. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "compiler.h"
#include "pc-image.h"

#define PC_SHA256_HEX_LEN 64
#define PC_MANIFEST_MAX_SIZE (1u << 20)

/* A directory being filled.  No path leads out of it, whatever is in it: each
 * is resolved by pc_fs_open_below(). */
struct pc_image_tree {
    int fd;                     /* Where to write. */
    int folder_fd;              /* For "source" of pc_image_add_file(), or -1.*/
    uint32_t id_base, id_count;
    uint64_t left;              /* Bytes that may still be written. */
    bool base_host;             /* Owners may be names of the host's passwd. */
    const atomic_bool *cancel;  /* pc_image_source's. */
};

/* Has 'cancel', which may be NULL, been set? */
bool pc_image_is_cancelled(const atomic_bool *cancel);

/* Mode, owner (in the container) and path of an entry. */
struct pc_image_entry {
    const char *path;           /* Relative, normalized; "" is the top. */
    mode_t mode;                /* Permissions. */
    uint32_t uid, gid;
};

/* Reads up to 'size' bytes into 'buffer': their number, 0 at the end, or a
 * negative errno. */
typedef ssize_t pc_image_read_func(void *aux, void *buffer, size_t size);

char *pc_image_put_dir(struct pc_image_tree *, const struct pc_image_entry *);
char *pc_image_put_file(struct pc_image_tree *, const struct pc_image_entry *,
                        pc_image_read_func *, void *aux);
char *pc_image_put_symlink(struct pc_image_tree *,
                           const struct pc_image_entry *, const char *target);
char *pc_image_put_hardlink(struct pc_image_tree *,
                            const struct pc_image_entry *,
                            const char *target);

/* Normalizes 'name' ("./a//b/" -> "a/b").  Returns NULL if it is absolute or
 * contains "..". */
char *pc_image_normalize(const char *name);

/* Sources.  The archive is read from 'fd'. */
char *pc_image_unpack(int fd, struct pc_image_tree *);
char *pc_image_copy_dir(const char *dir, bool keep_owners,
                        struct pc_image_tree *);
char *pc_image_hash_dir(const char *dir, const atomic_bool *cancel,
                        char sha256[PC_SHA256_HEX_LEN + 1]);
char *pc_image_hash_file(int fd, const atomic_bool *cancel,
                         char sha256[PC_SHA256_HEX_LEN + 1]);

/* The skeleton of `host`: fills 'tree', or finds its key. */
char *pc_image_make_host(struct pc_image_tree *);
char *pc_image_hash_host(char sha256[PC_SHA256_HEX_LEN + 1]);

/* Make the image of an archive, of a directory, or the skeleton of `host` ready,
 * or find that it is; '*keyp' is its name in the cache, for the caller to free
 * (also after an error, which is the text returned), 'sha256' what it was made
 * of. */
char *pc_image_ensure_archive(const struct pc_image_source *,
                              const char *path,
                              char sha256[PC_SHA256_HEX_LEN + 1],
                              char **keyp);
char *pc_image_ensure_dir(const struct pc_image_source *, const char *path,
                          char sha256[PC_SHA256_HEX_LEN + 1], char **keyp);
char *pc_image_ensure_host(const struct pc_image_source *, char **keyp);

/* The name in the cache of the image with 'sha256', and whether it is there. */
char *pc_image_make_key(const struct pc_image_source *, const char *prefix,
                        const char *sha256);
bool pc_image_is_done(const char *cache, const char *key);

#endif /* pc-image-private.h */
