#include "agent/shell/disks.h"

#include "common/base/vec.h"
#include "common/runtime/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct disk_root {
    char path[PATH_MAX]; /* without links */
    bool is_mount;
};

struct disk_roots {
    VEC_OF(struct disk_root) list;
};

static void disk_roots_fini(struct disk_roots *roots) {
    VEC_FINI(&roots->list);
}
DEFINE_AUTO_FINI(struct disk_roots, disk_roots_fini)

/* What is mounted there differs from what is around it. */
static bool is_mount_point(const char *path) {
    char above[PATH_MAX + 4];
    struct statx here, there;
    snprintf(above, sizeof(above), "%s/..", path);
    unsigned wanted = STATX_MNT_ID | STATX_INO;
    if (statx(AT_FDCWD, path, 0, wanted, &here) != 0 ||
        statx(AT_FDCWD, above, 0, wanted, &there) != 0)
        return false;
    bool is_root = here.stx_ino == there.stx_ino && here.stx_dev_major == there.stx_dev_major &&
                   here.stx_dev_minor == there.stx_dev_minor;
    return is_root || here.stx_mnt_id != there.stx_mnt_id;
}

static bool add_root(struct disk_roots *roots, const struct disk_source *source,
                     const char *work_dir, struct error *error) {
    char given[PATH_MAX];
    struct disk_root root = {.is_mount = source->type == DISK_SOURCE_MOUNT};
    struct stat stat_;
    bool is_absolute = source->root.data[0] == '/';
    snprintf(given, sizeof(given), "%s%s%.*s", is_absolute ? "" : work_dir, is_absolute ? "" : "/",
             TEXT_ARGS(source->root));
    if (realpath(given, root.path) == NULL || stat(root.path, &stat_) != 0)
        return fail(error, ERROR_IO, "disk %s: %m", given);
    if (!S_ISDIR(stat_.st_mode))
        return fail(error, ERROR_INVALID, "disk %s is no directory", given);
    if (root.is_mount && !is_mount_point(root.path))
        return fail(error, ERROR_INVALID, "disk %s is of type MOUNT and nothing is mounted there",
                    given);
    VEC_PUSH(&roots->list, root);
    return true;
}

static bool lies_in(const char *path, const char *directory) {
    size_t size = strlen(directory);
    return strcmp(directory, "/") == 0 ||
           (strncmp(path, directory, size) == 0 && (path[size] == '/' || path[size] == '\0'));
}

static bool check_apart(const struct disk_roots *roots, const char *work_dir, struct error *error) {
    VEC_EACH(mount, &roots->list) {
        if (mount->is_mount && lies_in(work_dir, mount->path))
            return fail(error, ERROR_INVALID, "the work_dir lies in the MOUNT disk %s",
                        mount->path);
        VEC_EACH(other, &roots->list) {
            if (mount->is_mount && other != mount && lies_in(other->path, mount->path))
                return fail(error, ERROR_INVALID, "disk %s lies in the MOUNT disk %s", other->path,
                            mount->path);
        }
    }
    return true;
}

bool disks_check(const struct kinds *kinds, const struct resources *configured,
                 const char *work_dir, struct error *error) {
    AUTO_FINI(disk_roots_fini) struct disk_roots roots = {0};
    char real_work_dir[PATH_MAX];
    for (uint32_t i = 0; i < configured->count; i++) {
        const struct kind_info *info = kinds_info(kinds, configured->entries[i].kind);
        const struct disk_source *source = &info->disk.source;
        bool has_root = info->has_disk && info->disk.has_source && source->root.size > 0;
        for (uint32_t copy = 0; has_root && copy < configured->entries[i].copies; copy++) {
            if (!add_root(&roots, source, work_dir, error))
                return false;
        }
    }
    if (roots.list.count == 0)
        return true;
    if (realpath(work_dir, real_work_dir) == NULL)
        return fail(error, ERROR_IO, "work_dir %s: %m", work_dir);
    return check_apart(&roots, real_work_dir, error);
}
