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

#ifndef PC_FS_H
#define PC_FS_H 1

/* Files and directories: the few operations that the modules of images and
 * containers share.  None follows a symbolic link in the last component.
 * Errors are positive errno values.  Thread-safe. */

#include <stddef.h>
#include <sys/types.h>
#include "compiler.h"

/* Makes 'path' and what is missing above it, mode 0755.  Existing is fine. */
int pc_fs_make_dirs(const char *path);

/* Makes the directory 'path' with exactly 'mode' and owner, also if it exists. */
int pc_fs_make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid);

/* Removes 'path', a file or a whole tree, without following links and without
 * crossing into another file system.  Not there is fine. */
int pc_fs_remove_tree(const char *path);

/* Reads a regular file of at most 'max' bytes into '*text' (NUL-terminated, to
 * be freed) and '*length' (may be NULL). */
int pc_fs_read_file(const char *path, size_t max, char **text, size_t *length);

/* Opens the relative path 'name' below the directory 'dir_fd' ("" is that itself)
 * with 'flags' of open(), following no link on the way and no "..": nothing that is
 * in the directory can lead out of it.  Returns a file descriptor or -1 and errno
 * (a link: ENOTDIR or ELOOP). */
int pc_fs_open_below(int dir_fd, const char *name, int flags);

/* pc_fs_read_file() for the relative path 'name' below the directory 'dir', in which
 * somebody else may write: no link on the way is followed (ELOOP). */
int pc_fs_read_below(const char *dir, const char *name, size_t max,
                     char **text);

/* Writes 'text' as the whole of 'path' (O_TRUNC, mode 0600 if new). */
int pc_fs_write_file(const char *path, const char *text);

/* Makes 'target' a copy of the regular file 'source' (at most 64 MiB), with
 * exactly 'mode', in one step: whoever has the old 'target' open keeps it. */
int pc_fs_copy_file(const char *source, const char *target, mode_t mode);

#endif /* pc-fs.h */
