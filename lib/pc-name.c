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
#include "pc-name.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/util.h"
#include "openvswitch/uuid.h"
#include "util.h"

/* Letters and digits of ASCII, whatever the locale says. */
static bool
is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
}

/* Returns 'c' as it can be shown on one line; the caller frees it. */
static char *
show_char(unsigned char c)
{
    return c > ' ' && c < 0x7f ? xasprintf("'%c'", c)
           : c == ' ' ? xstrdup("a space") : xasprintf("byte 0x%02x", c);
}

char *
pc_name_check(const char *what, const char *name)
{
    if (!*name) {
        return xasprintf("a %s name must not be empty", what);
    }

    size_t len = strlen(name);
    if (len > PC_NAME_MAX) {
        return xasprintf("%s name \"%.20s...\" has %"PRIuSIZE" characters, "
                         "but at most %d are allowed",
                         what, is_alnum(name[0]) ? name : "", len,
                         PC_NAME_MAX);
    }

    for (size_t i = 0; i < len; i++) {
        bool ok = is_alnum(name[i]) || (i && strchr("-_.", name[i]));

        if (!ok) {
            char *c = show_char(name[i]);
            char *quoted = pc_name_quote(name);
            char *error = xasprintf(
                "%s name %s has %s at position %"PRIuSIZE": names are "
                "letters, digits, '-', '_' and '.', and begin with a letter "
                "or digit", what, quoted, c, i + 1);
            free(quoted);
            free(c);
            return error;
        }
    }
    return NULL;
}

char *
pc_name_quote(const char *s)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = 0;

    ds_put_char(&ds, '"');
    for (; *s && n < 60; s++, n++) {
        unsigned char c = *s;

        if (c == '"' || c == '\\') {
            ds_put_format(&ds, "\\%c", c);
        } else if (c < ' ' || c >= 0x7f) {
            ds_put_format(&ds, "\\x%02x", c);
        } else {
            ds_put_char(&ds, c);
        }
    }
    ds_put_cstr(&ds, *s ? "...\"" : "\"");
    return ds_steal_cstr(&ds);
}

void
pc_name_make_printable(char *s)
{
    for (; *s; s++) {
        if (*s < ' ' || *s > '~') {
            *s = '?';
        }
    }
}

char *
pc_name_capture_port(const struct uuid *uuid)
{
    return xasprintf("pci%08x", uuid->parts[0]);
}
