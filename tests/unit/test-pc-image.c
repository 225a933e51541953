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

/* Unit tests of pc-image: archives that lie, and directories.  Needs root, for
 * owners are shifted; without it there is nothing to test. */

#include <config.h>
#include "pc-image.h"
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pc-fs.h"
#include "pc-test.h"
#include "util.h"

#define MANIFEST "manifest.json"

struct entry {
    const char *path;
    mode_t type;                /* AE_IF*, 0 for a hard link. */
    const char *content;        /* Or target of a link. */
};

static char dir[64];

static void
setup(void)
{
    strcpy(dir, "/tmp/pc-image.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0755), 0);
}

static void
teardown(void)
{
    ck_assert_int_eq(pc_fs_remove_tree(dir), 0);
}

static char *
file(const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

/* Writes the archive "x.tar" with 'filter' (ARCHIVE_FILTER_*). */
static void
write_tar(const struct entry *entries, int filter)
{
    struct archive *a = archive_write_new();
    char *name = file("x.tar");

    archive_write_set_format_pax_restricted(a);
    archive_write_add_filter(a, filter);
    ck_assert_int_eq(archive_write_open_filename(a, name), ARCHIVE_OK);
    for (; entries->path; entries++) {
        struct archive_entry *ae = archive_entry_new();

        archive_entry_set_pathname(ae, entries->path);
        archive_entry_set_perm(ae, 04755);
        archive_entry_set_uid(ae, 13);
        archive_entry_set_filetype(ae, entries->type ? entries->type
                                                     : AE_IFREG);
        if (!entries->type) {
            archive_entry_set_hardlink(ae, entries->content);
        } else if (entries->type == AE_IFLNK) {
            archive_entry_set_symlink(ae, entries->content);
        } else if (entries->type == AE_IFREG) {
            archive_entry_set_size(ae, strlen(entries->content));
        }
        archive_write_header(a, ae);
        if (entries->type == AE_IFREG) {
            archive_write_data(a, entries->content, strlen(entries->content));
        }
        archive_entry_free(ae);
    }
    archive_write_close(a);
    archive_write_free(a);
    free(name);
}

static char *
ensure(const char *name, const char *sha256, struct pc_image **image)
{
    char *url = file(name);
    char *cache = file("cache");
    struct pc_image_source src = {
        .name = "x", .url = url, .sha256 = sha256, .cache = cache,
        .id_base = 200000, .id_count = 65536, .max_size = 1 << 20,
    };
    char *error = pc_image_ensure(&src, image);

    free(url);
    free(cache);
    return error;
}

#define GOOD \
    { MANIFEST, AE_IFREG, "{}" }, \
    { "rootfs/", AE_IFDIR, NULL }, \
    { "./rootfs/usr/bin/x", AE_IFREG, "program" }, \
    { "rootfs/usr/bin/y", 0, "rootfs/usr/bin/x" }, \
    { "rootfs/lib", AE_IFLNK, "usr/lib" }, \
    { "rootfs/etc/z", AE_IFLNK, "/etc/passwd" }

START_TEST(good_archive)
{
    static const int filters[] = {
        ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ,
        ARCHIVE_FILTER_ZSTD,
    };
    static const struct entry entries[] = { GOOD, { NULL, 0, NULL } };
    struct pc_image *image;
    struct stat st;
    char *error, *path;

    write_tar(entries, filters[_i]);
    error = ensure("x.tar", NULL, &image);
    ck_assert_msg(!error, "%s", error);
    ck_assert_str_eq(image->manifest, "{}");
    path = xasprintf("%s/usr/bin/y", image->lower_dirs[0]);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_uid, 200013);
    ck_assert_uint_eq(st.st_mode & 07777, 0755);
    ck_assert_uint_eq(st.st_nlink, 2);
    free(path);

    /* A second time it is there; with a wrong sum it is refused. */
    char *sha256 = xstrdup(image->sha256);
    pc_image_destroy(image);
    ck_assert_ptr_null(ensure("x.tar", sha256, &image));
    pc_image_destroy(image);
    sha256[0] = sha256[0] == '0' ? '1' : '0';
    error = ensure("x.tar", sha256, &image);
    ck_assert_ptr_null(image);
    ck_assert_ptr_nonnull(strstr(error, "SHA-256 is"));
    free(error);
    free(sha256);
}
END_TEST

static const struct {
    struct entry entries[3];
    const char *error;
} evil[] = {
    { { { "/abs", AE_IFREG, "x" } }, "absolute" },
    { { { "../up", AE_IFREG, "x" } }, "\"..\"" },
    { { { "rootfs/../../up", AE_IFREG, "x" } }, "\"..\"" },
    { { { "rootfs/l", AE_IFLNK, "../../up" } }, "leads out" },
    { { { "l", AE_IFLNK, "/tmp" }, { "l/x", AE_IFREG, "x" } },
      "below a link" },
    { { { "l", AE_IFLNK, "rootfs" }, { "l/x/y", AE_IFREG, "x" } },
      "below a link" },
    { { { "h", 0, "/etc/passwd" } }, "leads out" },
    { { { "h", 0, "../../../etc/passwd" } }, "leads out" },
    { { { "l", AE_IFLNK, "/etc/passwd" }, { "h", 0, "l" } }, "linked to" },
    { { { "d", AE_IFCHR, NULL } }, "is a device" },
    { { { "d", AE_IFIFO, NULL } }, "is a device" },
    { { { "rootfs", AE_IFLNK, "/etc" }, { MANIFEST, AE_IFREG, "{}" } },
      "rootfs: Not a directory" },
    { { { MANIFEST, AE_IFLNK, "/etc/passwd" } }, "has neither" },
    { { { "rootfs/x", AE_IFREG, "x" } }, "has neither" },
    /* An error message must be fit for a terminal and for the database. */
    { { { "/\033[2J\n\377", AE_IFREG, "x" } }, "\"/?[2J??\"" },
};

START_TEST(evil_archive)
{
    struct entry entries[4] = { { NULL, 0, NULL } };
    struct pc_image *image;
    char *cache = file("cache");
    char *error;

    memcpy(entries, evil[_i].entries, sizeof evil[_i].entries);
    write_tar(entries, ARCHIVE_FILTER_NONE);
    error = ensure("x.tar", NULL, &image);
    ck_assert_ptr_null(image);
    ck_assert_msg(error && strstr(error, evil[_i].error), "%d: %s", _i, error);
    free(error);
    /* Nothing is left: the cache is empty. */
    ck_assert_int_eq(rmdir(cache), 0);
    free(cache);
}
END_TEST

START_TEST(too_large)
{
    struct entry entries[] = {
        { "big", AE_IFREG, NULL }, { NULL, 0, NULL },
    };
    char *big = xmalloc((1 << 20) + 2);
    struct pc_image *image;
    char *error;

    memset(big, 'x', (1 << 20) + 1);
    big[(1 << 20) + 1] = '\0';
    entries[0].content = big;
    write_tar(entries, ARCHIVE_FILTER_XZ);
    error = ensure("x.tar", NULL, &image);
    ck_assert_msg(error && strstr(error, "too large"), "%s", error);
    free(error);
    free(big);
}
END_TEST

/* Names, too, take up space and stack. */
START_TEST(too_many_and_too_long)
{
    struct entry *entries = xcalloc(2101, sizeof *entries);
    char *name = xmalloc(20001);
    struct pc_image *image;
    char *error;

    for (int i = 0; i < 2100; i++) {
        entries[i].path = xasprintf("f%d", i);
        entries[i].type = AE_IFREG;
        entries[i].content = "";
    }
    write_tar(entries, ARCHIVE_FILTER_NONE);
    error = ensure("x.tar", NULL, &image);
    ck_assert_msg(error && strstr(error, "too large"), "%s", error);
    free(error);

    for (int i = 0; i < 20000; i++) {
        name[i] = i % 2 ? '/' : 'd';
    }
    name[20000] = '\0';
    for (int i = 0; i < 2100; i++) {
        free(CONST_CAST(char *, entries[i].path));
    }
    entries[0].path = name;
    entries[1].path = NULL;
    write_tar(entries, ARCHIVE_FILTER_NONE);
    error = ensure("x.tar", NULL, &image);
    ck_assert_msg(error && strstr(error, "name is too long"), "%s", error);
    free(error);
    free(name);
    free(entries);
}
END_TEST

START_TEST(not_a_file)
{
    struct pc_image *image;
    char *name = file("x.tar");
    char *error;

    ck_assert_int_eq(mkfifo(name, 0600), 0);
    error = ensure("x.tar", NULL, &image);
    ck_assert_msg(strstr(error, "neither a file nor a directory") != NULL,
                  "%s", error);
    free(error);
    free(name);
}
END_TEST

/* What a killed process has left goes with the next image. */
START_TEST(broken_run)
{
    static const struct entry entries[] = { GOOD, { NULL, 0, NULL } };
    char *left = file("cache/.tmp-4194304-abc/tree");
    char *mine = xasprintf("%s/cache/.tmp-%ld-abc", dir, (long int) getpid());
    struct pc_image *image;

    /* No process has that number: the kernel's limit is lower by one. */
    ck_assert_int_eq(pc_fs_make_dirs(left), 0);
    ck_assert_int_eq(pc_fs_make_dirs(mine), 0);
    write_tar(entries, ARCHIVE_FILTER_NONE);
    ck_assert_ptr_null(ensure("x.tar", NULL, &image));
    ck_assert_int_eq(access(left, F_OK), -1);
    ck_assert_int_eq(access(mine, F_OK), 0);
    pc_image_destroy(image);
    free(left);
    free(mine);
}
END_TEST

static atomic_bool cancel;

static char *
cancel_in_fetch(const char *url OVS_UNUSED, const char *path, void *when)
{
    char *name = file("x.tar");

    ck_assert_int_eq(link(name, path), 0);
    free(name);
    atomic_store(&cancel, *(int *) when == 1);
    return NULL;
}

static char *
cancel_in_prepare(struct pc_image_tree *tree, const char *manifest OVS_UNUSED,
                  size_t length OVS_UNUSED, bool *base_host OVS_UNUSED,
                  void *when)
{
    static const struct pc_image_file f = { .path = "/f", .content = "f" };

    atomic_store(&cancel, *(int *) when == 2);
    return pc_image_add_file(tree, &f);
}

/* Cancelled at the beginning, after the download, in the middle of the making,
 * and never. */
START_TEST(cancelled)
{
    static const struct entry entries[] = { GOOD, { NULL, 0, NULL } };
    char *cache = file("cache");
    struct pc_image_source src = {
        .name = "x", .url = "https://example.com/x.tar", .cache = cache,
        .id_base = 200000, .id_count = 65536, .fetch = cancel_in_fetch,
        .prepare = cancel_in_prepare, .aux = &_i, .cancel = &cancel,
    };
    struct pc_image *image;
    char *error;

    atomic_init(&cancel, _i == 0);
    write_tar(entries, ARCHIVE_FILTER_NONE);
    error = pc_image_ensure(&src, &image);
    if (_i < 3) {
        ck_assert_ptr_nonnull(error);
        ck_assert_ptr_nonnull(strstr(error, ovs_strerror(ECANCELED)));
        ck_assert_int_eq(rmdir(cache), 0);      /* Nothing is left. */
    } else {
        ck_assert_msg(!error, "%s", error);
        pc_image_destroy(image);
    }
    free(error);
    free(cache);
}
END_TEST

START_TEST(not_an_archive)
{
    struct pc_image *image;
    char *name = file("x.tar");
    char *error;

    ck_assert_int_eq(pc_fs_write_file(name, "hello, world"), 0);
    error = ensure("x.tar", NULL, &image);
    ck_assert_ptr_nonnull(error);
    free(error);
    unlink(name);
    error = ensure("x.tar", NULL, &image);
    ck_assert_msg(strstr(error, "No such file") != NULL, "%s", error);
    free(error);
    free(name);
}
END_TEST

START_TEST(directory)
{
    char *folder = file("folder");
    char *manifest = file("folder/" MANIFEST);
    struct pc_image *a, *b;
    char *error;

    ck_assert_int_eq(pc_fs_make_dirs(folder), 0);
    ck_assert_int_eq(pc_fs_write_file(manifest, "{}"), 0);
    error = ensure("folder", NULL, &a);
    ck_assert_msg(!error, "%s", error);
    ck_assert_ptr_null(ensure("folder", a->sha256, &b));
    ck_assert_str_eq(a->key, b->key);
    pc_image_destroy(b);

    /* What has changed is another image. */
    ck_assert_int_eq(pc_fs_write_file(manifest, "{ }"), 0);
    error = ensure("folder", a->sha256, &b);
    ck_assert_ptr_nonnull(strstr(error, "SHA-256 of the directory is"));
    free(error);
    ck_assert_ptr_null(ensure("folder", NULL, &b));
    ck_assert_str_ne(a->key, b->key);

    const char *keep[] = { b->key, NULL };
    char *cache = file("cache");
    ck_assert_uint_eq(pc_image_collect(cache, keep, 3600), 0);
    ck_assert_uint_eq(pc_image_collect(cache, keep, 0), 1);
    free(cache);
    pc_image_destroy(a);
    pc_image_destroy(b);
    free(manifest);
    free(folder);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    if (geteuid()) {
        return 77;
    }
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, good_archive, 0, 4);
    tcase_add_loop_test(tc, evil_archive, 0, ARRAY_SIZE(evil));
    tcase_add_test(tc, too_large);
    tcase_add_test(tc, too_many_and_too_long);
    tcase_add_test(tc, not_a_file);
    tcase_add_test(tc, broken_run);
    tcase_add_loop_test(tc, cancelled, 0, 4);
    tcase_add_test(tc, not_an_archive);
    tcase_add_test(tc, directory);
    return pc_test_run("pc-image", tc);
}
