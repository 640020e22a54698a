#include "agent/shell/disks.h"

#include "common/model/kinds.h"
#include "common/runtime/files.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static char directory[64];

static const char *path_of(const char *relative) {
    static char paths[4][200];
    static size_t next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, relative);
    return path;
}

struct root {
    enum disk_source_type type;
    const char *path;
};

/* What is said of these disks, with the work_dir "work"; "" when all is well. */
static const char *verdict(const struct root *roots, size_t count) {
    static struct error error;
    struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    for (size_t i = 0; i < count; i++) {
        struct kind_info info = {.name = TEXT("disk"), .has_disk = true};
        struct resource one = {.copies = 1, .milli = 1000};
        info.disk.has_source = info.disk.source.has_place = true;
        info.disk.source.type = roots[i].type;
        info.disk.source.root = text_of(roots[i].path);
        assert_true(kinds_intern(kinds, &info, &one.kind, NULL));
        assert_true(resources_put(&set, &one));
    }
    if (disks_check(kinds, &set, path_of("work"), &error))
        error.message[0] = '\0';
    kinds_free(kinds);
    return error.message;
}

static void begin(void) {
    snprintf(directory, sizeof(directory), "/tmp/disks-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_true(directory_make(path_of("work"), 0755, NULL));
    assert_true(directory_make(path_of("disk/below"), 0755, NULL));
}

static void end(void) {
    assert_true(tree_remove(directory, NULL));
}

/* False, said aloud: nobody but root can mount. */
static bool mount_disk(void) {
    if (mount("tmpfs", path_of("disk"), "tmpfs", 0, "") == 0)
        return true;
    print_message("SKIPPED: mounting needs root\n");
    return false;
}

TEST(a_path_disk_that_is_there_is_fine_and_may_be_named_twice) {
    begin();
    struct root roots[] = {{DISK_SOURCE_PATH, path_of("disk")},
                           {DISK_SOURCE_PATH, path_of("disk")}};

    assert_string_equal(verdict(roots, 2), "");
    end();
}

TEST(a_disk_that_is_not_there_is_named) {
    begin();
    struct root roots[] = {{DISK_SOURCE_PATH, path_of("none")}};

    assert_non_null(strstr(verdict(roots, 1), "/none: No such file or directory"));
    end();
}

TEST(a_mount_disk_where_nothing_is_mounted_is_refused) {
    begin();
    struct root roots[] = {{DISK_SOURCE_MOUNT, path_of("disk")}};

    assert_non_null(strstr(verdict(roots, 1), "nothing is mounted there"));
    end();
}

TEST(a_mount_disk_may_not_hold_the_work_dir) {
    begin();
    struct root roots[] = {{DISK_SOURCE_MOUNT, "/"}};

    assert_string_equal(verdict(roots, 1), "the work_dir lies in the MOUNT disk /");
    end();
}

TEST(a_mount_disk_may_not_hold_another_disk) {
    begin();
    if (mount_disk()) {
        assert_true(directory_make(path_of("disk/below"), 0755, NULL));
        struct root roots[] = {{DISK_SOURCE_MOUNT, path_of("disk")},
                               {DISK_SOURCE_PATH, path_of("disk/below")}};
        assert_string_equal(verdict(roots, 1), "");

        assert_non_null(strstr(verdict(roots, 2), "/disk/below lies in the MOUNT disk "));
        assert_int_equal(umount(path_of("disk")), 0);
    }
    end();
}
