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
#include "pc-manifest.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/* What a manifest means apart from its JSON: modes and their parts, freeing. */

static const char *const mode_names[PC_MANIFEST_N_MODES] = {
    [PC_MANIFEST_ROUTE] = "route",
    [PC_MANIFEST_INLINE] = "inline",
    [PC_MANIFEST_TAP] = "tap",
    [PC_MANIFEST_HOST] = "host",
};

const char *
pc_manifest_mode_to_string(enum pc_manifest_mode mode)
{
    return mode_names[mode];
}

bool
pc_manifest_mode_from_string(const char *s, enum pc_manifest_mode *mode)
{
    for (size_t i = 0; i < PC_MANIFEST_N_MODES; i++) {
        if (!strcmp(s, mode_names[i])) {
            *mode = i;
            return true;
        }
    }
    return false;
}

const char *const *
pc_manifest_mode_capabilities(enum pc_manifest_mode mode)
{
    static const char *const address[] = { "net_bind_service", NULL };
    static const char *const frames[] = { "net_raw", NULL };

    return (mode == PC_MANIFEST_INLINE || mode == PC_MANIFEST_TAP
            ? frames : address);
}

static size_t
list_length(char **list)
{
    size_t n = 0;

    while (list && list[n]) {
        n++;
    }
    return n;
}

static size_t
setup_length(char ***setup)
{
    size_t n = 0;

    while (setup && setup[n]) {
        n++;
    }
    return n;
}

/* Appends copies of 'src' to '*dst'.  A string with the same text up to '=' as an
 * earlier one replaces it. */
static void
list_append(char ***dst, const char *const *src)
{
    size_t n = list_length(*dst);
    size_t m = 0;

    while (src && src[m]) {
        m++;
    }
    *dst = xrealloc(*dst, (n + m + 1) * sizeof **dst);
    for (size_t i = 0; i < m; i++) {
        size_t key_len = strcspn(src[i], "=");
        size_t j;

        for (j = 0; j < n; j++) {
            if (!strncmp((*dst)[j], src[i], key_len)
                && strcspn((*dst)[j], "=") == key_len) {
                free((*dst)[j]);
                break;
            }
        }
        (*dst)[j] = xstrdup(src[i]);
        n = MAX(n, j + 1);
    }
    (*dst)[n] = NULL;
}

static void
setup_append(char ****dst, char ***src)
{
    size_t n = setup_length(*dst);
    size_t m = setup_length(src);

    *dst = xrealloc(*dst, (n + m + 1) * sizeof **dst);
    for (size_t i = 0; i < m; i++) {
        size_t k = list_length(src[i]);

        (*dst)[n + i] = xcalloc(k + 1, sizeof ***dst);
        for (size_t j = 0; j < k; j++) {
            (*dst)[n + i][j] = xstrdup(src[i][j]);
        }
    }
    (*dst)[n + m] = NULL;
}

static void
part_append(struct pc_manifest_part *dst, const struct pc_manifest_part *src)
{
    list_append(&dst->capabilities, (const char *const *) src->capabilities);
    list_append(&dst->sysctls, (const char *const *) src->sysctls);
    setup_append(&dst->setup, src->setup);
}

void
pc_manifest_part_of_mode(const struct pc_manifest *m,
                         enum pc_manifest_mode mode,
                         struct pc_manifest_part *part)
{
    memset(part, 0, sizeof *part);
    list_append(&part->capabilities, pc_manifest_mode_capabilities(mode));
    part_append(part, &m->common);
    part_append(part, &m->by_mode[mode]);
}

static void
list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++) {
        free(list[i]);
    }
    free(list);
}

void
pc_manifest_part_destroy(struct pc_manifest_part *part)
{
    list_free(part->capabilities);
    list_free(part->sysctls);
    for (size_t i = 0; part->setup && part->setup[i]; i++) {
        list_free(part->setup[i]);
    }
    free(part->setup);
    memset(part, 0, sizeof *part);
}

void
pc_manifest_destroy(struct pc_manifest *m)
{
    if (!m) {
        return;
    }
    free(m->name);
    free(m->version);
    free(m->description);
    list_free(m->command);
    free(m->user);
    list_free(m->env);
    pc_manifest_part_destroy(&m->common);
    for (size_t i = 0; i < PC_MANIFEST_N_MODES; i++) {
        pc_manifest_part_destroy(&m->by_mode[i]);
    }
    for (size_t i = 0; i < m->n_files; i++) {
        struct pc_manifest_file *f = &m->files[i];

        free(f->path);
        free(f->content);
        free(f->source);
        free(f->owner);
    }
    free(m->files);
    pc_probe_destroy(&m->health);
    free(m->readiness.path);
    list_free(m->readiness.argv);
    free(m);
}
