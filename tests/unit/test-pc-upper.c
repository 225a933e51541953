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

/* Unit tests of pc-upper: what comes out is what went in, and archives made by
 * somebody who means harm. */

#include <config.h>
#include "pc-upper.h"
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "pc-fs.h"
#include "pc-test.h"
#include "util.h"

static char dir[64];
static char *in, *out, *file;
static struct pc_upper_options opt;

static void
setup(void)
{
    strcpy(dir, "/tmp/pc-upper.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    in = xasprintf("%s/in", dir);
    out = xasprintf("%s/out", dir);
    file = xasprintf("%s/archive.tar", dir);
    ck_assert_int_eq(mkdir(in, 0755), 0);
    ck_assert_int_eq(mkdir(out, 0755), 0);
    /* Whoever runs this is the container's root. */
    opt = (struct pc_upper_options) {
        .id_base = MIN(getuid(), getgid()),
        .id_count = MAX(getuid(), getgid()) - MIN(getuid(), getgid()) + 1,
    };
}

static void
teardown(void)
{
    ck_assert_int_eq(pc_fs_remove_tree(dir), 0);
    free(in);
    free(out);
    free(file);
}

/* Path of 'name' below 'in' or 'out', valid until the next but three. */
static const char *
at(const char *top, const char *name)
{
    static char paths[4][256];
    static int i;

    i = (i + 1) % 4;
    snprintf(paths[i], sizeof paths[i], "%s/%s", top, name);
    return paths[i];
}

static void
put(const char *name, const char *text, mode_t mode)
{
    ck_assert_int_eq(pc_fs_write_file(at(in, name), text), 0);
    ck_assert_int_eq(chmod(at(in, name), mode), 0);
}

static void
check_file(const char *name, const char *text, mode_t mode)
{
    char *have;
    struct stat st;

    ck_assert_int_eq(pc_fs_read_file(at(out, name), 1000, &have, NULL), 0);
    ck_assert_str_eq(have, text);
    free(have);
    ck_assert_int_eq(lstat(at(out, name), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, mode);
}

static void
pack(struct pc_upper_archive *archive)
{
    char *error = pc_upper_pack(in, &opt, file, archive);

    ck_assert_msg(!error, "%s", error);
}

/* Unpacks 'file'; returns the error, for the caller to free. */
static char *
unpack(void)
{
    int fd = open(file, O_RDONLY);

    ck_assert_int_ge(fd, 0);
    char *error = pc_upper_unpack(fd, out, &opt);
    close(fd);
    return error;
}

START_TEST(test_round_trip)
{
    const struct timespec times[2] = { { 7, 0 }, { 981173106, 123456789 } };
    struct pc_upper_archive archive, hash;
    struct stat st, st2;
    char target[100];

    put("a", "one\n", 04755);
    ck_assert_int_eq(mkdir(at(in, "d"), 0700), 0);
    put("d/b", "", 0);
    ck_assert_int_eq(link(at(in, "a"), at(in, "d/c")), 0);
    ck_assert_int_eq(symlink("../../../etc/shadow", at(in, "l")), 0);
    ck_assert_int_eq(mkfifo(at(in, "f"), 0640), 0);
    ck_assert_int_eq(mkdir(at(in, "run"), 0755), 0);
    ck_assert_int_eq(mkdir(at(in, "d/run"), 0755), 0);
    put("\xff\xfe name", "x", 0600);        /* No character set has that. */
    ck_assert_int_eq(utimensat(AT_FDCWD, at(in, "a"), times, 0), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, at(in, "d"), times, 0), 0);
    ck_assert_int_eq(chmod(in, 0711), 0);

    pack(&archive);
    int fd = open(file, O_RDONLY);
    ck_assert_ptr_null(pc_upper_hash(fd, NULL, &hash));
    close(fd);
    ck_assert_str_eq(hash.sha256, archive.sha256);
    ck_assert_uint_eq(hash.size, archive.size);
    ck_assert_ptr_null(unpack());

    check_file("a", "one\n", 04755);
    check_file("d/c", "one\n", 04755);
    check_file("\xff\xfe name", "x", 0600);
    ck_assert_int_eq(stat(at(out, "a"), &st), 0);
    ck_assert_int_eq(stat(at(out, "d/c"), &st2), 0);
    ck_assert_uint_eq(st.st_ino, st2.st_ino);
    ck_assert_int_eq(st.st_mtim.tv_sec, 981173106);
    ck_assert_int_eq(st.st_mtim.tv_nsec, 123456789);
    ck_assert_int_eq(stat(at(out, "d"), &st), 0);
    ck_assert_int_eq(st.st_mtim.tv_sec, 981173106);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(at(out, "d/b"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0);
    ck_assert_int_eq(lstat(at(out, "f"), &st), 0);
    ck_assert(S_ISFIFO(st.st_mode));
    ck_assert_int_eq(readlink(at(out, "l"), target, sizeof target), 19);
    ck_assert_int_eq(stat(out, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0711);
    /* What a start removes anyhow. */
    ck_assert_int_ne(access(at(out, "run"), F_OK), 0);
    ck_assert_int_eq(access(at(out, "d/run"), F_OK), 0);
}
END_TEST

START_TEST(test_same_bytes)
{
    struct pc_upper_archive first, second;

    put("b", "2", 0644);
    put("a", "1", 0644);
    pack(&first);
    ck_assert_int_eq(unlink(file), 0);
    pack(&second);
    ck_assert_str_eq(first.sha256, second.sha256);
    ck_assert_int_eq(unlink(file), 0);
    put("a", "3", 0644);
    pack(&second);
    ck_assert_str_ne(first.sha256, second.sha256);
}
END_TEST

/* Deleted names and what hides them are char devices and attributes: only root
 * can make them. */
START_TEST(test_overlay)
{
    struct pc_upper_archive archive;
    char value[10];
    struct stat st;

    if (getuid()) {
        return;
    }
    ck_assert_int_eq(mknod(at(in, "gone"), S_IFCHR, 0), 0);
    ck_assert_int_eq(mkdir(at(in, "new"), 0755), 0);
    ck_assert_int_eq(setxattr(at(in, "new"), "trusted.overlay.opaque", "y", 1,
                              0), 0);
    ck_assert_int_eq(setxattr(at(in, "new"), "trusted.overlay.origin", "h", 1,
                              0), 0);
    pack(&archive);
    ck_assert_ptr_null(unpack());
    ck_assert_int_eq(lstat(at(out, "gone"), &st), 0);
    ck_assert(S_ISCHR(st.st_mode) && !st.st_rdev);
    ck_assert_int_eq(getxattr(at(out, "new"), "trusted.overlay.opaque", value,
                              sizeof value), 1);
    ck_assert_int_eq(getxattr(at(out, "new"), "trusted.overlay.origin", value,
                              sizeof value), -1);

    /* A device of the host is nothing that a container can have made. */
    ck_assert_int_eq(mknod(at(in, "null"), S_IFCHR, 0x103), 0);
    ck_assert_int_eq(unlink(file), 0);
    char *error = pc_upper_pack(in, &opt, file, &archive);
    ck_assert_str_eq(error, "\"null\": is a device");
    free(error);
    ck_assert_int_ne(access(file, F_OK), 0);
}
END_TEST

/* An entry of an archive that is not one of ours. */
struct bad {
    const char *name;
    mode_t type;
    const char *target;         /* Symbolic link. */
    const char *hardlink;
    int64_t uid;
    const char *error;
};

static void
put_entry(struct archive *a, const struct bad *bad)
{
    struct archive_entry *ae = archive_entry_new();

    archive_entry_set_pathname(ae, bad->name);
    archive_entry_set_filetype(ae, bad->type);
    archive_entry_set_perm(ae, 0644);
    archive_entry_set_uid(ae, bad->uid);
    if (bad->type == AE_IFCHR) {
        archive_entry_set_rdev(ae, 0x103);
    }
    if (bad->target) {
        archive_entry_set_symlink(ae, bad->target);
    }
    if (bad->hardlink) {
        archive_entry_set_hardlink(ae, bad->hardlink);
    }
    ck_assert_int_eq(archive_write_header(a, ae), ARCHIVE_OK);
    archive_entry_free(ae);
}

static const struct bad bads[] = {
    { "/etc/x", AE_IFREG, NULL, NULL, 0, "\"/etc/x\": Invalid argument" },
    { "../x", AE_IFREG, NULL, NULL, 0, "\"../x\": Invalid argument" },
    { "a/../../x", AE_IFREG, NULL, NULL, 0, "\"a/../../x\": Invalid argument" },
    { "link/x", AE_IFREG, NULL, NULL, 0, "\"link/x\": Not a directory" },
    { "h", AE_IFREG, NULL, "../archive.tar", 0, "\"h\": Invalid argument" },
    { "h", AE_IFREG, NULL, "link", 0, "\"h\": Invalid argument" },
    { "link", AE_IFREG, NULL, NULL, 0, "\"link\": File exists" },
    { "dev", AE_IFCHR, NULL, NULL, 0, "\"dev\": Invalid argument" },
    { "u", AE_IFREG, NULL, NULL, 999999, "\"u\": Invalid argument" },
    { "none/x", AE_IFREG, NULL, NULL, 0,
      "\"none/x\": No such file or directory" },
};

START_TEST(test_hostile)
{
    const struct bad link_entry = { "link", AE_IFLNK, dir, NULL, 0, NULL };
    struct archive *a = archive_write_new();

    archive_write_set_format_pax(a);
    ck_assert_int_eq(archive_write_open_filename(a, file), ARCHIVE_OK);
    put_entry(a, &link_entry);
    put_entry(a, &bads[_i]);
    archive_write_free(a);

    char *error = unpack();
    ck_assert_ptr_nonnull(error);
    ck_assert_str_eq(error, bads[_i].error);
    free(error);
    ck_assert_int_ne(access(at(dir, "x"), F_OK), 0);
}
END_TEST

START_TEST(test_broken)
{
    struct pc_upper_archive archive;
    char *error;

    put("a", "some text", 0644);
    pack(&archive);
    ck_assert_int_eq(truncate(file, 1030), 0);
    error = unpack();
    ck_assert_ptr_nonnull(error);
    free(error);
    ck_assert_int_eq(pc_fs_write_file(file, "nonsense"), 0);
    error = unpack();
    ck_assert_ptr_nonnull(error);
    free(error);

    /* Cancelled. */
    atomic_bool cancel = ATOMIC_VAR_INIT(true);
    opt.cancel = &cancel;
    ck_assert_int_eq(unlink(file), 0);
    error = pc_upper_pack(in, &opt, file, &archive);
    ck_assert_str_eq(error, "\"a\": Operation canceled");
    free(error);
    ck_assert_int_ne(access(file, F_OK), 0);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_round_trip);
    tcase_add_test(tc, test_same_bytes);
    tcase_add_test(tc, test_overlay);
    tcase_add_loop_test(tc, test_hostile, 0, ARRAY_SIZE(bads));
    tcase_add_test(tc, test_broken);
    return pc_test_run("pc-upper", tc);
}
