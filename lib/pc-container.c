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

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pc-container-config.h"
#include "pc-container-private.h"
#include "pc-disk.h"
#include "pc-fs.h"
#include "pc-name.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Starting containers. */

void
pc_container_paths_init(struct pc_container_paths *paths)
{
    const char *libexec = getenv("PCLOUD_LIBEXECDIR");
    const char *data = getenv("PCLOUD_DATADIR");

    libexec = libexec && *libexec ? libexec : PC_PKGLIBEXECDIR;
    data = data && *data ? data : PC_PKGDATADIR;
    paths->init = xasprintf("%s/pcloud-vi-init", libexec);
    paths->hook = xasprintf("%s/pcloud-vi-hook", libexec);
    paths->seccomp = xasprintf("%s/seccomp.profile", data);
}

void
pc_container_paths_destroy(struct pc_container_paths *paths)
{
    free(paths->init);
    free(paths->hook);
    free(paths->seccomp);
    memset(paths, 0, sizeof *paths);
}

void
pc_container_process_init(void)
{
    static const char *const programs[] = { "newuidmap", "newgidmap" };
    const char *env = getenv("PATH");
    char *old = xstrdup(env ? env : PC_CONTAINER_PATH);
    struct ds path = DS_EMPTY_INITIALIZER;
    char *save = NULL;

    for (char *dir = strtok_r(old, ":", &save); dir;
         dir = strtok_r(NULL, ":", &save)) {
        bool found = false;

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
            char *file = xasprintf("%s/%s", dir, programs[i]);

            found = found || !access(file, X_OK);
            free(file);
        }
        if (!found) {
            ds_put_format(&path, "%s%s", path.length ? ":" : "", dir);
        }
    }
    setenv("PATH", path.length ? ds_cstr(&path) : "/nonexistent", 1);
    ds_destroy(&path);
    free(old);
}

char *
pc_container_upper(const char *lxc_path, const char *name)
{
    return pc_container_file(lxc_path, name, "upper");
}

char *
pc_container_make_dirs(const char *lxc_path, const char *name,
                       uint32_t id_base)
{
    char *dir = pc_container_dir(lxc_path, name);
    char *upper = pc_container_upper(lxc_path, name);
    char *work = pc_container_file(lxc_path, name, "work");
    char *root = pc_container_file(lxc_path, name, "rootfs");
    char *text = NULL;
    int error;

    error = pc_fs_make_dirs(lxc_path);
    /* For root and the container: a file of the container that is set-user-id
     * is none for the users of this machine. */
    error = error ? error : pc_disk_make(dir, 0710, 0, id_base);
    error = error ? error : pc_fs_make_dir(root, 0755, 0, 0);
    error = error ? error : pc_fs_make_dir(upper, 0755, id_base, id_base);
    error = error ? error : pc_fs_make_dir(work, 0700, id_base, id_base);
    if (error) {
        text = xasprintf("%s: cannot make its directories (%s)", dir,
                         ovs_strerror(error));
    }
    free(dir);
    free(upper);
    free(work);
    free(root);
    return text;
}

/* Removes what an earlier run of 's' has left that must not be seen by the
 * next. */
static char *
remove_stale(const struct pc_container_spec *s)
{
    static const char *const stale[] = {
        "lxc.log", "hook.log", "upper/run", "upper/tmp",
        "upper/.packetcloud",
    };
    char *text = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(stale) && !text; i++) {
        char *file = pc_container_file(s->lxc_path, s->name, stale[i]);
        int error = pc_fs_remove_tree(file);

        if (error) {
            text = xasprintf("%s: cannot remove (%s)", file,
                             ovs_strerror(error));
        }
        free(file);
    }
    return text;
}

/* The host's ends of veths are remembered in a file `links`, so that a pair that
 * a crash in the middle of a start has left on the host is found.  Whatever has
 * such a name before is not ours, and the start fails. */
static char *
claim_links(const struct pc_container_spec *s)
{
    char *file = pc_container_file(s->lxc_path, s->name, "links");
    struct ds names = DS_EMPTY_INITIALIZER;
    char *text = NULL;
    int error;

    for (size_t i = 0; i < s->n_interfaces && !text; i++) {
        const char *name = s->interfaces[i].host_name;

        /* Those of a container that has just ended may be on their way out. */
        for (int wait = 0; if_nametoindex(name); wait++) {
            if (wait >= 200) {
                text = xasprintf("network interface %s exists already", name);
                break;
            }
            usleep(10000);
        }
        ds_put_format(&names, "%s\n", name);
    }
    if (!text) {
        error = pc_fs_write_file(file, ds_cstr(&names));
        if (error) {
            text = xasprintf("%s: cannot write (%s)", file,
                             ovs_strerror(error));
        }
    }
    ds_destroy(&names);
    free(file);
    return text;
}

/* Returns the text of the first error in liblxc's log, or NULL.  A line is
 * "lxc NAME DATE ERROR MODULE - FILE:FUNCTION:LINE - TEXT". */
static char *
first_error(char *log)
{
    char *save = NULL;

    for (char *line = strtok_r(log, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *text = strstr(line, " ERROR ");

        text = text ? strstr(text, " - ") : NULL;
        text = text ? strstr(text + 3, " - ") : NULL;
        if (text) {
            return xstrdup(text + 3);
        }
    }
    return NULL;
}

/* Why a start of 's' has failed, as one line. */
static char *
start_error(const struct pc_container_spec *s)
{
    char *hook_file = pc_container_file(s->lxc_path, s->name, "hook.log");
    char *log_file = pc_container_file(s->lxc_path, s->name, "lxc.log");
    char *why = NULL;
    char *text, *error;

    pc_container_stage(s->lxc_path, s->name, &why);
    if (!why && !pc_fs_read_file(hook_file, 65536, &text, NULL)) {
        if (text[0]) {
            text[strcspn(text, "\n")] = '\0';
            why = xstrdup(text);
        }
        free(text);
    }
    if (!why && !pc_fs_read_file(log_file, 1 << 20, &text, NULL)) {
        why = first_error(text);
        free(text);
    }
    error = xasprintf("%s: cannot start (%s)", s->name,
                      why ? why : "liblxc gave no reason");
    pc_name_make_printable(error);
    free(why);
    free(hook_file);
    free(log_file);
    return error;
}

char *
pc_container_start(const struct pc_container_spec *s, pid_t *init_pid)
{
    struct pc_container_config config;
    char *error;

    *init_pid = 0;
    error = pc_container_config_init(&config, s);
    if (error) {
        return error;
    }
    if (pc_container_init_pid(s->lxc_path, s->name)) {
        error = xasprintf("%s: runs already", s->name);
    } else {
        /* Whatever an earlier run has left. */
        error = pc_container_stop(s->lxc_path, s->name, 0);
        error = error ? error : pc_container_make_dirs(s->lxc_path, s->name,
                                                       s->id_base);
        error = error ? error : remove_stale(s);
        error = error ? error : claim_links(s);
        if (!error) {
            error = pc_container_lxc_start(s->lxc_path, s->name, &config,
                                           init_pid);
            if (!error && !*init_pid) {
                error = start_error(s);
            }
            if (error) {
                free(pc_container_stop(s->lxc_path, s->name, 0));
            }
        }
    }
    pc_container_config_destroy(&config);
    return error;
}
