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

/* Commands: image-*. */

#include <config.h>

#include <ctype.h>

#include "pcloud-ctl.h"

#include "openvswitch/dynamic-string.h"
#include "pc-name.h"
#include "smap.h"
#include "util.h"

#define SHA256_DIGITS 64

static void
pre_image(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_url);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_sha256);
}

static bool
has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n > m && !strcmp(s + n - m, suffix);
}

/* Does the name of a file say that it is a tar archive? */
static bool
is_archive(const char *url)
{
    static const char *const suffixes[] = {
        ".tar", ".tar.xz", ".tar.zst", ".tar.gz", ".tar.bz2", ".tgz", ".txz"
    };

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        if (has_suffix(url, suffixes[i])) {
            return true;
        }
    }
    return false;
}

static bool
bad_url(struct ctl_context *ctx, const char *url, const char *why)
{
    char *quoted = pc_name_quote(url);

    ctl_error(ctx, "%s %s", quoted, why);
    free(quoted);
    return false;
}

/* Checks an image's URL and whether it goes with having a SHA-256. */
static bool
check_url(struct ctl_context *ctx, const char *url, bool sha256)
{
    const char *path = url;

    if (!strcmp(url, "host")) {
        return (!sha256
                || bad_url(ctx, url, "is the node's own system: it has no "
                           "SHA-256"));
    } else if (!strncmp(url, "https://", 8) || !strncmp(url, "http://", 7)) {
        path = strchr(strstr(url, "//") + 2, '/');
        if (!path || !strcspn(strstr(url, "//") + 2, "/:") || !path[1]) {
            return bad_url(ctx, url, "does not name a file on a server");
        }
        return (sha256
                || bad_url(ctx, url, "needs sha256=, so that no other file "
                           "is taken for it"));
    } else if (!strncmp(url, "file://", 7)) {
        path = url + 7;
    } else if (!strncmp(url, "file:", 5)) {
        path = url + 5;
    }
    if (path[0] != '/') {
        return bad_url(ctx, url, strstr(url, "://")
                       ? "has a scheme that is not file or https"
                       : "is not \"host\", an absolute path, or a URL");
    } else if (sha256 && !is_archive(path)) {
        return bad_url(ctx, url, "is a directory: only an archive has a "
                       "SHA-256");
    }
    return true;
}

static bool
check_sha256(struct ctl_context *ctx, const char *s)
{
    if (strlen(s) == SHA256_DIGITS
        && strspn(s, "0123456789abcdefABCDEF") == SHA256_DIGITS) {
        return true;
    }
    ctl_error(ctx, "sha256: \"%.70s\" has %"PRIuSIZE" characters; a SHA-256 "
              "has %d hexadecimal digits", s, strlen(s), SHA256_DIGITS);
    return false;
}

static void
cmd_image_add(struct ctl_context *ctx)
{
    struct ctl_arg args[] = { { .key = "sha256" } };
    const char *name = ctx->argv[1];
    const char *url = ctx->argv[2];
    const struct pcrec_image *image;

    if (!ctl_check_name(ctx, "image", name)
        || !ctl_parse_args(ctx, 3, args, ARRAY_SIZE(args))
        || (args[0].value && !check_sha256(ctx, args[0].value))
        || !check_url(ctx, url, args[0].value != NULL)) {
        return;
    }
    image = ctl_find_image(ctx, name, CTL_MAY_EXIST);
    if (image) {
        if (!shash_find(&ctx->options, "--may-exist")) {
            ctl_error(ctx, "there is an image \"%s\" already", name);
        } else if (strcmp(image->url, url)) {
            ctl_error(ctx, "image \"%s\" is %s, not %s", name, image->url,
                      url);
        }
        return;
    }

    image = pcrec_image_insert(ctx->txn);
    pcrec_image_set_name(image, name);
    pcrec_image_set_url(image, url);
    if (args[0].value) {
        char *lower = xstrdup(args[0].value);

        for (char *p = lower; *p; p++) {
            *p = tolower((unsigned char) *p);
        }
        pcrec_image_set_sha256(image, lower);
        free(lower);
    }
}

static void
pre_image_del(struct ctl_context *ctx)
{
    pre_image(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_name);
    ovsdb_idl_add_column(ctx->idl, &pcrec_service_col_image);
}

static void
cmd_image_del(struct ctl_context *ctx)
{
    bool must = !shash_find(&ctx->options, "--if-exists");
    const struct pcrec_image *image
        = ctl_find_image(ctx, ctx->argv[1],
                         must ? CTL_MUST_EXIST : CTL_MAY_EXIST);
    const struct pcrec_service *s, *user = NULL;

    if (!image) {
        return;
    }
    PCREC_SERVICE_FOR_EACH (s, ctx->idl) {
        if (s->image == image
            && (!user || strcmp(s->name, user->name) < 0)) {
            user = s;
        }
    }
    if (user) {
        ctl_error(ctx, "service \"%s\" uses image \"%s\"", user->name,
                  image->name);
        return;
    }
    pcrec_image_delete(image);
}

static void
pre_image_list(struct ctl_context *ctx)
{
    pre_image(ctx);
    ovsdb_idl_add_column(ctx->idl, &pcrec_image_col_status);
}

static void
cmd_image_list(struct ctl_context *ctx)
{
    struct ctl_table *t = ctl_table_create("name url sha256 status");
    const struct pcrec_image *image;

    PCREC_IMAGE_FOR_EACH (image, ctx->idl) {
        struct ds s = DS_EMPTY_INITIALIZER;
        struct smap_node *node;

        SMAP_FOR_EACH (node, &image->status) {
            ds_put_format(&s, "%s%s: %s", s.length ? "; " : "", node->key,
                          node->value);
        }
        ctl_cell(t, "%s", image->name);
        ctl_cell(t, "%s", image->url);
        ctl_cell(t, "%s", image->sha256);
        ctl_cell(t, "%s", ds_cstr(&s));
        ds_destroy(&s);
    }
    ctl_table_output(ctx, t);
}

const struct ctl_command_syntax ctl_image_commands[] = {
    {"image-add", 2, INT_MAX, "NEW-IMAGE URL [KEY=VALUE]...", pre_image,
     cmd_image_add, NULL, "--may-exist", RW},
    {"image-del", 1, 1, "IMAGE", pre_image_del, cmd_image_del, NULL,
     "--if-exists", RW},
    {"image-list", 0, 0, "", pre_image_list, cmd_image_list, NULL,
     "--columns=", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
