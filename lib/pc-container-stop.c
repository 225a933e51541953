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
#include "pc-container.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pc-cgroup.h"
#include "pc-container-config.h"
#include "pc-container-private.h"
#include "pc-disk.h"
#include "pc-fs.h"
#include "pc-netns.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(pc_container);

/* Stopping containers, and removing all that they have left. */

/* liblxc's lock files, one for each container that was ever looked at. */
#define PC_LXC_LOCK_DIR "/run/lxc/lock"

/* Removes links that are in `links` and still there; their container is dead. */
static void
remove_links(const char *lxc_path, const char *name)
{
    char *file = pc_container_file(lxc_path, name, "links");
    char *save = NULL;
    char *text;

    pc_fs_read_file(file, 4096, &text, NULL);
    for (char *link = text ? strtok_r(text, "\n", &save) : NULL; link;
         link = strtok_r(NULL, "\n", &save)) {
        int error = pc_netns_delete_veth(link);

        if (error && error != ENODEV) {
            VLOG_WARN("%s: cannot remove network interface %s (%s)", name,
                      link, ovs_strerror(error));
        }
    }
    pc_fs_remove_tree(file);
    free(text);
    free(file);
}

char *
pc_container_stop(const char *lxc_path, const char *name,
                  unsigned int grace_ms)
{
    char *cgroup;
    int error;

    if (!pc_container_name_is_valid(name)) {
        return xasprintf("\"%s\" cannot be a container's name", name);
    }
    cgroup = pc_container_cgroup(lxc_path, name);
    pc_cgroup_thaw(cgroup);
    pc_container_lxc_stop_init(lxc_path, name, grace_ms);

    /* The monitor now removes its cgroups and goes; this waits for it, or does
     * it in its stead. */
    error = pc_cgroup_destroy(cgroup);
    free(cgroup);
    if (error) {
        return xasprintf("%s: its processes cannot be killed (%s)", name,
                         ovs_strerror(error));
    }
    remove_links(lxc_path, name);
    return NULL;
}

/* Removes the directories that containers of 'lxc_path' share, if no other
 * container needs them. */
static void
remove_shared_dirs(const char *lxc_path)
{
    int lock = pc_container_lock_shared(lxc_path, LOCK_EX | LOCK_NB);
    char *path;

    if (lock < 0) {
        return;
    }
    path = pc_container_cgroup_parent(lxc_path);
    pc_cgroup_remove_empty(path);
    pc_cgroup_remove_empty("packetcloud");
    free(path);

    path = xasprintf(PC_LXC_LOCK_DIR"/%s", lxc_path);
    while (strlen(path) > strlen(PC_LXC_LOCK_DIR) && !rmdir(path)) {
        *strrchr(path, '/') = '\0';
        while (path[0] && path[strlen(path) - 1] == '/') {
            path[strlen(path) - 1] = '\0';
        }
    }
    free(path);
    pc_container_unlock_shared(lock);
}

char *
pc_container_destroy(const char *lxc_path, const char *name)
{
    char *error = pc_container_stop(lxc_path, name, 0);
    char *path;
    int retval;

    if (error) {
        return error;
    }
    path = pc_container_dir(lxc_path, name);
    retval = pc_disk_remove(path);
    if (retval) {
        error = xasprintf("%s: cannot remove (%s)", path,
                          ovs_strerror(retval));
    }
    free(path);

    path = xasprintf(PC_LXC_LOCK_DIR"/%s/.%s", lxc_path, name);
    unlink(path);
    free(path);
    remove_shared_dirs(lxc_path);
    return error;
}
