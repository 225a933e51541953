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
#include "pc-manifest-check.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define PC_DIGITS "0123456789"
#define PC_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define PC_ALNUM PC_DIGITS PC_LETTERS

/* True if the first 'n' bytes of 's' all are in 'set'. */
static bool
all_in(const char *s, size_t n, const char *set)
{
    return strspn(s, set) >= n;
}

const char *
pc_manifest_check_name(const char *s)
{
    size_t n = strlen(s);

    return (n >= 1 && n <= 63 && all_in(s, 1, PC_ALNUM)
            && all_in(s, n, PC_ALNUM "_.-")
            ? NULL
            : "must be 1 to 63 letters, digits, '_', '.' or '-', the first a "
              "letter or digit");
}

/* True if 's' is one or more names separated by single slashes, none of them
 * "." or "..". */
static bool
is_relative_path(const char *s)
{
    for (;;) {
        size_t n = strcspn(s, "/");

        if (!n || (n == 1 && s[0] == '.') || (n == 2 && !strncmp(s, "..", 2))) {
            return false;
        }
        if (!s[n]) {
            return true;
        }
        s += n + 1;
    }
}

const char *
pc_manifest_check_path(const char *s)
{
    return (s[0] == '/' && strlen(s) <= 1024 && is_relative_path(s + 1)
            ? NULL
            : "must be an absolute path without \"//\", \".\" and \"..\"");
}

const char *
pc_manifest_check_source(const char *s)
{
    return (is_relative_path(s)
            ? NULL
            : "must be a relative path without \"//\", \".\" and \"..\"");
}

/* True if the 'n' bytes of 's' are a user's name or number. */
static bool
is_user(const char *s, size_t n)
{
    if (!n) {
        return false;
    }
    return (strchr(PC_DIGITS, s[0])
            ? n <= 5 && all_in(s, n, PC_DIGITS)
            : all_in(s, 1, PC_LETTERS "_") && all_in(s, n, PC_ALNUM "_.-"));
}

const char *
pc_manifest_check_owner(const char *s)
{
    size_t n = strcspn(s, ":");

    return (is_user(s, n) && (!s[n] || is_user(s + n + 1, strlen(s + n + 1)))
            ? NULL
            : "must be USER or USER:GROUP, each a name or a number up to 5 "
              "digits");
}

const char *
pc_manifest_check_permissions(const char *s)
{
    size_t n = strlen(s);

    return (((n == 4 && s[0] == '0') || n == 3) && all_in(s, n, "01234567")
            ? NULL
            : "must be three octal digits (no set-user-id bits), as in "
              "\"0644\"");
}

const char *
pc_manifest_check_env(const char *s)
{
    size_t n = strlen(s);

    return (n && all_in(s, 1, PC_LETTERS "_") && all_in(s, n, PC_ALNUM "_")
            ? NULL
            : "must be a name of letters, digits and '_'");
}

const char *
pc_manifest_check_capability(const char *s)
{
    /* Those that a service inside its own user and network namespace may need.
     * The others either mean nothing there or open more of the kernel than a
     * VI should reach (sys_admin, sys_ptrace, mknod, bpf, ...). */
    static const char *const allowed[] = {
        "audit_write", "chown", "dac_override", "fowner", "fsetid",
        "ipc_lock", "kill", "net_admin", "net_bind_service",
        "net_broadcast", "net_raw", "setgid", "setpcap", "setuid",
        "sys_chroot", "sys_nice", "sys_resource",
    };

    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        if (!strcmp(s, allowed[i])) {
            return NULL;
        }
    }
    return "must be a capability that a VI may have, in lower case without "
           "\"cap_\", as in \"net_admin\"";
}

const char *
pc_manifest_check_sysctl(const char *s)
{
    static const char *error = "must be a sysctl of the network, as in "
                               "\"net.ipv4.ip_forward\"";

    if (strncmp(s, "net.", 4)) {
        return error;
    }
    for (s += 4; ; ) {
        size_t n = strcspn(s, ".");

        if (!n || !all_in(s, n, PC_ALNUM "_-")) {
            return error;
        }
        if (!s[n]) {
            return NULL;
        }
        s += n + 1;
    }
}

const char *
pc_manifest_check_sysctl_value(const char *s)
{
    size_t n = strlen(s);

    return (n >= 1 && n <= 255 && all_in(s, n, PC_ALNUM "_.:, -")
            ? NULL
            : "must be 1 to 255 letters, digits, spaces or any of \"_.:,-\"");
}

const char *
pc_manifest_check_program(const char *s)
{
    return s[0] == '/' ? NULL : "must be the absolute path of a program";
}

const char *
pc_manifest_check_http_path(const char *s)
{
    if (s[0] != '/') {
        return "must begin with '/'";
    }
    for (; *s; s++) {
        if (*s < '!' || *s > '~') {
            return "must be printable ASCII without spaces";
        }
    }
    return NULL;
}
