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
#include "pc-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "byte-order.h"
#include "pc-fs.h"
#include "pc-units.h"
#include "util.h"

static int
open_dir(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
is_btrfs(int fd)
{
    struct statfs fs;

    return (!fstatfs(fd, &fs)
            && fs.f_type == (__typeof__(fs.f_type)) BTRFS_SUPER_MAGIC);
}

/* Stores the number of the subvolume that the directory 'fd' is the root of in
 * '*id'.  ENOTTY: it is none. */
static int
get_subvolume(int fd, uint64_t *id)
{
    struct btrfs_ioctl_ino_lookup_args args = {
        .objectid = BTRFS_FIRST_FREE_OBJECTID,
    };
    struct stat st;

    if (!is_btrfs(fd)) {
        return ENOTTY;
    } else if (fstat(fd, &st)) {
        return errno;
    } else if (st.st_ino != BTRFS_FIRST_FREE_OBJECTID) {
        return ENOTTY;
    } else if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args)) {
        return errno;
    }
    *id = args.treeid;
    return 0;
}

/* Returns "/a/b" as a file descriptor of "/a" and the name "b". */
static int
open_parent(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    char *parent = xmemdup0(path, slash ? MAX(slash - path, 1) : 0);
    int fd = open_dir(slash ? parent : ".");

    *name = slash ? slash + 1 : path;
    free(parent);
    return fd;
}

int
pc_disk_make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct btrfs_ioctl_vol_args args = { .fd = 0 };
    const char *name;
    int fd = open_parent(path, &name);

    if (fd >= 0) {
        if (is_btrfs(fd) && strlen(name) < sizeof args.name) {
            ovs_strlcpy(args.name, name, sizeof args.name);
            /* If it fails, it exists already, or an ordinary directory must
             * do. */
            ignore(ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &args));
        }
        close(fd);
    }
    return pc_fs_make_dir(path, mode, uid, gid);
}

int
pc_disk_remove(const char *path)
{
    struct btrfs_ioctl_qgroup_create_args args = { .create = 0 };
    const char *name;
    uint64_t id = 0;
    int error, fd;

    fd = open_dir(path);
    if (fd >= 0) {
        if (get_subvolume(fd, &id)) {
            id = 0;
        }
        close(fd);
    }
    error = pc_fs_remove_tree(path);
    fd = id && !error ? open_parent(path, &name) : -1;
    if (fd >= 0) {
        /* Without quotas there is nothing to remove.  With them the kernel
         * needs the subvolume's end to be committed first. */
        args.qgroupid = id;
        if (ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &args) && errno == EBUSY) {
            ignore(ioctl(fd, BTRFS_IOC_SYNC));
            ignore(ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &args));
        }
        close(fd);
    }
    return error;
}

/* Name of the file system type of 'fd'. */
static const char *
fs_name(int fd)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } types[] = {
        { EXT4_SUPER_MAGIC, "ext4" }, { XFS_SUPER_MAGIC, "XFS" },
        { TMPFS_MAGIC, "tmpfs" }, { NFS_SUPER_MAGIC, "NFS" },
        { OVERLAYFS_SUPER_MAGIC, "overlayfs" }, { F2FS_SUPER_MAGIC, "F2FS" },
    };
    struct statfs fs;

    for (size_t i = 0; !fstatfs(fd, &fs) && i < ARRAY_SIZE(types); i++) {
        if ((unsigned long) fs.f_type == types[i].magic) {
            return types[i].name;
        }
    }
    return "not btrfs";
}

char *
pc_disk_why_unlimited(const char *path)
{
    int fd = open_dir(path);
    char *why = NULL;

    if (fd < 0) {
        return xasprintf("%s: %s", path, ovs_strerror(errno));
    } else if (!is_btrfs(fd)) {
        why = xasprintf("%s is on %s; only btrfs can limit a VI", path,
                        fs_name(fd));
    }
    close(fd);
    return why;
}

/* Reads what quota group 'id' refers to. */
static int
read_usage(int fd, uint64_t id, uint64_t *bytes)
{
    struct btrfs_ioctl_search_args args = {
        .key = {
            .tree_id = BTRFS_QUOTA_TREE_OBJECTID,
            .min_type = BTRFS_QGROUP_INFO_KEY,
            .max_type = BTRFS_QGROUP_INFO_KEY,
            .min_offset = id,
            .max_offset = id,
            .max_transid = UINT64_MAX,
            .nr_items = 1,
        },
    };
    struct btrfs_ioctl_search_header header;
    struct btrfs_qgroup_info_item item;

    /* ENOENT: quotas are off. */
    if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args)) {
        return errno == ENOENT ? EOPNOTSUPP : errno;
    } else if (!args.key.nr_items) {
        return EOPNOTSUPP;
    }
    memcpy(&header, args.buf, sizeof header);
    if (header.len < sizeof item) {
        return EPROTO;
    }
    memcpy(&item, args.buf + sizeof header, sizeof item);
    *bytes = le64toh(item.rfer);
    return 0;
}

int
pc_disk_get_usage(const char *path, uint64_t *bytes)
{
    int fd = open_dir(path);
    uint64_t id;
    int error;

    if (fd < 0) {
        return errno;
    }
    error = get_subvolume(fd, &id);
    error = error ? error : read_usage(fd, id, bytes);
    close(fd);
    return error;
}

static int
enable_quota(int fd)
{
    struct btrfs_ioctl_quota_ctl_args args = { .cmd = BTRFS_QUOTA_CTL_ENABLE };

    if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &args) && errno != EEXIST) {
        return errno;
    }
    /* What was there before is being counted. */
    ignore(ioctl(fd, BTRFS_IOC_QUOTA_RESCAN_WAIT));
    return 0;
}

static char *
set_limit(int fd, const char *path, uint64_t bytes)
{
    struct btrfs_ioctl_qgroup_limit_args args = {
        .lim = {
            .flags = BTRFS_QGROUP_LIMIT_MAX_RFER,
            .max_rfer = bytes ? bytes : UINT64_MAX,
        },
    };
    uint64_t used = 0, id;
    int error;

    error = get_subvolume(fd, &id);
    if (error == ENOTTY) {
        return (bytes ? xasprintf("%s is not a btrfs subvolume: it was made "
                                  "without", path) : NULL);
    }
    if (!error && bytes) {
        error = enable_quota(fd);
        if (!error) {
            ignore(ioctl(fd, BTRFS_IOC_SYNC));
            read_usage(fd, id, &used);
        }
    }
    if (!error && used > bytes && bytes) {
        char *limit = pc_units_format_bytes(bytes);
        char *text = xasprintf("a disk limit of %s is below the %.1f MiB in "
                               "use", limit, used / (1024.0 * 1024.0));

        free(limit);
        return text;
    }
    args.qgroupid = error ? 0 : id;
    if (!error && ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &args)) {
        /* Quotas are off: that is no limit. */
        error = bytes || (errno != EINVAL && errno != ENOTCONN) ? errno : 0;
    }
    return (error ? xasprintf("cannot set disk limit of %s (%s)", path,
                              ovs_strerror(error)) : NULL);
}

char *
pc_disk_set_limit(const char *path, uint64_t bytes)
{
    int fd = open_dir(path);
    char *error = NULL;

    if (fd < 0) {
        return xasprintf("%s: %s", path, ovs_strerror(errno));
    } else if (is_btrfs(fd)) {
        error = set_limit(fd, path, bytes);
    } else if (bytes) {
        error = pc_disk_why_unlimited(path);
    }
    close(fd);
    return error;
}

/* The device of the btrfs that 'fd' is in, the first if it has several. */
static int
btrfs_device(int fd, dev_t *device)
{
    struct btrfs_ioctl_fs_info_args info = { .max_id = 0 };
    struct stat st;

    if (ioctl(fd, BTRFS_IOC_FS_INFO, &info)) {
        return errno;
    }
    for (uint64_t id = 1; id <= info.max_id; id++) {
        struct btrfs_ioctl_dev_info_args dev = { .devid = id };

        if (!ioctl(fd, BTRFS_IOC_DEV_INFO, &dev)
            && !stat((char *) dev.path, &st) && S_ISBLK(st.st_mode)) {
            *device = st.st_rdev;
            return 0;
        }
    }
    return ENODEV;
}

/* If 'device' is a partition, makes it the disk that it is of. */
static int
whole_disk(dev_t *device)
{
    char *sys = xasprintf("/sys/dev/block/%u:%u", major(*device),
                          minor(*device));
    char *partition = xasprintf("%s/partition", sys);
    char *parent = xasprintf("%s/../dev", sys);
    int error = access(sys, F_OK) ? ENODEV : 0;
    char *text = NULL;

    if (!error && !access(partition, F_OK)) {
        unsigned int maj, min;

        error = pc_fs_read_file(parent, 64, &text, NULL);
        if (!error && sscanf(text, "%u:%u", &maj, &min) == 2) {
            *device = makedev(maj, min);
        } else {
            error = ENODEV;
        }
    }
    free(text);
    free(sys);
    free(partition);
    free(parent);
    return error;
}

int
pc_disk_find_device(const char *path, dev_t *device)
{
    int fd = open_dir(path);
    struct stat st;
    int error;

    if (fd < 0) {
        return errno;
    }
    error = (is_btrfs(fd) ? btrfs_device(fd, device)
             : fstat(fd, &st) ? errno : 0);
    if (!error && !is_btrfs(fd)) {
        *device = st.st_dev;
    }
    close(fd);
    return error ? error : whole_disk(device);
}
