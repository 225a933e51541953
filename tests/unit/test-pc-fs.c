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


/* Unit tests of pc-fs: trees made by somebody who means harm. */

#include <config.h>
#include "pc-fs.h"
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pc-test.h"
#include "util.h"

static char dir[64];

static void
setup(void)
{
    strcpy(dir, "/tmp/pc-fs.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
    ck_assert_int_eq(pc_fs_remove_tree(dir), 0);
    ck_assert_int_eq(access(dir, F_OK), -1);
}

/* Makes 'depth' directories called 'name', one in the other, with a file in the
 * last. */
static void
make_deep(const char *name, int depth)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    int file;

    for (int i = 0; i < depth; i++) {
        int next;

        ck_assert_int_eq(mkdirat(fd, name, 0700), 0);
        next = openat(fd, name, O_RDONLY | O_DIRECTORY);
        ck_assert_int_ge(next, 0);
        close(fd);
        fd = next;
    }
    file = openat(fd, "file", O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(file, 0);
    close(file);
    close(fd);
}

/* Deeper than a path can be long and than files may be open.  (teardown()
 * removes it.) */
START_TEST(deep_tree)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 128;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    make_deep("directory", 600);
    /* Names that the removal uses itself. */
    make_deep("deep-0", 200);
    make_deep("deep-1", 1);
}
END_TEST

START_TEST(links)
{
    char *link = xasprintf("%s/link", dir);
    char *file = xasprintf("%s/file", dir);
    struct stat st;
    char *text;

    /* A link is removed, not what it points to. */
    ck_assert_int_eq(pc_fs_write_file(file, "text"), 0);
    ck_assert_int_eq(symlink(file, link), 0);
    ck_assert_int_eq(pc_fs_read_file(link, 100, &text, NULL), ELOOP);
    ck_assert_int_eq(pc_fs_write_file(link, "no"), ELOOP);
    ck_assert_int_eq(pc_fs_remove_tree(link), 0);
    ck_assert_int_eq(symlink("/tmp", link), 0);
    ck_assert_int_eq(pc_fs_make_dir(link, 0755, geteuid(), getegid()),
                     ENOTDIR);
    ck_assert_int_eq(pc_fs_read_below(dir, "link/x", 100, &text), ENOTDIR);
    ck_assert_int_eq(pc_fs_read_below(dir, "../x", 100, &text), EXDEV);
    ck_assert_int_eq(pc_fs_read_file(file, 3, &text, NULL), EFBIG);
    ck_assert_int_eq(pc_fs_read_below(dir, "file", 4, &text), 0);
    ck_assert_str_eq(text, "text");
    free(text);

    /* A copy replaces a link, and is not written through it. */
    ck_assert_int_eq(pc_fs_remove_tree(link), 0);
    ck_assert_int_eq(symlink("/dev/null", link), 0);
    ck_assert_int_eq(pc_fs_copy_file(file, link, 0640), 0);
    ck_assert_int_eq(lstat(link, &st), 0);
    ck_assert_int_eq(st.st_mode, S_IFREG | 0640);
    ck_assert_int_eq(pc_fs_read_file(link, 4, &text, NULL), 0);
    ck_assert_str_eq(text, "text");
    free(text);
    ck_assert_int_eq(pc_fs_copy_file("/nonexistent", link, 0640), ENOENT);
    free(file);
    free(link);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, deep_tree);
    tcase_add_test(tc, links);
    return pc_test_run("pc-fs", tc);
}
