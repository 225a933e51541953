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

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pc-cgroup.h"
#include "pc-container-config.h"
#include "pc-container-private.h"
#include "pc-fs.h"
#include "pc-name.h"
#include "sset.h"
#include "util.h"

/* Which containers there are and how they are. */

char *
pc_container_log_path(const char *lxc_path, const char *name)
{
    return pc_container_file(lxc_path, name, "console.log");
}

static char **
sset_to_array(const struct sset *names)
{
    char **array = xcalloc(sset_count(names) + 1, sizeof *array);
    const char *name;
    size_t n = 0;

    SSET_FOR_EACH (name, names) {
        array[n++] = xstrdup(name);
    }
    return array;
}

char **
pc_container_list(const char *lxc_path)
{
    struct sset names = SSET_INITIALIZER(&names);
    char **array;

    pc_container_lxc_list(lxc_path, &names);
    array = sset_to_array(&names);
    sset_destroy(&names);
    return array;
}

static void
list_cb(const char *name, void *names_)
{
    struct sset *names = names_;

    if (pc_container_name_is_valid(name)) {
        sset_add(names, name);
    }
}

char **
pc_container_list_all(const char *lxc_path)
{
    struct sset names = SSET_INITIALIZER(&names);
    char *cgroup = pc_container_cgroup_parent(lxc_path);
    DIR *dir = opendir(lxc_path);
    struct dirent *de;
    char **array;

    pc_container_lxc_list(lxc_path, &names);
    pc_cgroup_for_each(cgroup, list_cb, &names);
    while (dir && (de = readdir(dir))) {
        list_cb(de->d_name, &names);
    }
    if (dir) {
        closedir(dir);
    }
    free(cgroup);
    array = sset_to_array(&names);
    sset_destroy(&names);
    return array;
}

void
pc_container_list_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++) {
        free(names[i]);
    }
    free(names);
}

enum pc_container_stage
pc_container_stage(const char *lxc_path, const char *name, char **why)
{
    char *upper = pc_container_file(lxc_path, name, "upper");
    enum pc_container_stage stage = PC_CONTAINER_NONE;
    char *text;

    if (why) {
        *why = NULL;
    }
    if (!pc_fs_read_below(upper, ".packetcloud/status", 1024, &text)) {
        text[strcspn(text, "\n")] = '\0';
        if (!strcmp(text, "setup")) {
            stage = PC_CONTAINER_SETUP;
        } else if (!strcmp(text, "running")) {
            stage = PC_CONTAINER_RUNNING;
        } else if (!strncmp(text, "failed: ", 8)) {
            stage = PC_CONTAINER_FAILED;
            /* It may contain anything: keep the database and terminals clean.*/
            pc_name_make_printable(text);
            if (why) {
                *why = xstrdup(text + 8);
            }
        }
        free(text);
    }
    free(upper);
    return stage;
}

int
pc_container_get_usage(const char *lxc_path, const char *name,
                       struct pc_cgroup_usage *usage)
{
    char *cgroup = pc_container_cgroup(lxc_path, name);
    int error = pc_cgroup_get_usage(cgroup, usage);

    free(cgroup);
    return error;
}

bool
pc_container_is_frozen(const char *lxc_path, const char *name)
{
    char *cgroup = pc_container_cgroup(lxc_path, name);
    bool frozen = pc_cgroup_is_frozen(cgroup);

    free(cgroup);
    return frozen;
}

int
pc_container_lifeline(pid_t pid)
{
    char *root = xasprintf("/proc/%d/root", (int) pid);
    int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat s;
    int fd, error;

    error = errno;
    free(root);
    if (root_fd < 0) {
        return -error;
    }
    /* Through the container's mounts: the FIFO's other end is there, not in the
     * directory that is mounted. */
    fd = pc_fs_open_below(root_fd, ".packetcloud/alive",
                          O_RDONLY | O_NONBLOCK);
    error = fd < 0 ? errno : 0;
    close(root_fd);
    if (!error && (fstat(fd, &s) || !S_ISFIFO(s.st_mode))) {
        close(fd);
        error = EINVAL;
    }
    return error ? -error : fd;
}
