/*
 * The namespaces are new and still show the host. Mounts are made here and are gone with the last
 * process: nobody has to take them down. The sandbox is checked by device and inode against the
 * descriptor the agent opened, so a path that was exchanged meanwhile is refused and not entered.
 */
#include "init/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MS_REC
/* linux/mount.h and sys/mount.h cannot both be included. */
#define MS_REC 16384
#endif

int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);

#ifdef __GLIBC__
#define limit_number __rlimit_resource_t
#else
#define limit_number int
#endif

enum { CHROOT_DEPTH_LIMIT = 256 };

static int open_tree_clone(const char *path) {
    return (int)syscall(SYS_open_tree, AT_FDCWD, path,
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
}

static bool move_tree(int tree, const char *path) {
    return syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

static bool is_sandbox(int file) {
    struct stat here, given;
    if (fstat(file, &here) != 0 || fstat(INIT_SANDBOX_FD, &given) != 0)
        return false;
    errno = EXDEV;
    return here.st_dev == given.st_dev && here.st_ino == given.st_ino;
}

/* --- volumes: mounted by descriptor, so that no path is walked twice --- */

/* What the agent looked at must be what is found at the path here. */
static bool is_source(int file, const struct spec_mount *mount) {
    struct stat here;
    if (fstat(file, &here) != 0)
        return false;
    errno = EXDEV;
    return here.st_dev == mount->device && here.st_ino == mount->inode;
}

static int hold_volume(const struct spec_mount *mount) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if ((mount->flags & SPEC_MOUNT_READ_ONLY) != 0)
        attributes.attr_set |= MOUNT_ATTR_RDONLY;
    int tree = open_tree_clone(spec_mount_source(mount));
    if (tree >= 0 && is_source(tree, mount) &&
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0)
        return tree;
    int failure = errno;
    close(tree);
    errno = failure;
    return -1;
}

/* Before anything is covered that a volume may lie under. */
static bool hold_volumes(const struct spec *spec, int trees[SPEC_MOUNTS_LIMIT]) {
    for (size_t i = 0; i < spec->mount_count; i++) {
        trees[i] = hold_volume(spec->mounts[i]);
        if (trees[i] < 0)
            return false;
    }
    return true;
}

/* A directory in another one, made where it is missing; a link there is an error. */
static int enter_directory(const struct spec *spec, int parent, const char *name) {
    bool is_new = mkdirat(parent, name, 0755) == 0;
    if (!is_new && errno != EEXIST)
        return -1;
    int file = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (file >= 0 && is_new && (spec->numbers.flags & SPEC_FLAG_ROOTLESS) == 0 &&
        fchownat(file, "", spec->numbers.uid, spec->numbers.gid, AT_EMPTY_PATH) != 0) {
        close(file);
        return -1;
    }
    return file;
}

/* Part by part, each in the directory before it, so nothing leads out of the sandbox. */
static int open_target(const struct spec *spec, const char *path) {
    char part[256];
    int at = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0 && *path != '\0') {
        size_t size = strcspn(path, "/");
        int next = -1;
        errno = ENAMETOOLONG;
        if (size < sizeof(part)) {
            memcpy(part, path, size);
            part[size] = '\0';
            next = enter_directory(spec, at, part);
        }
        int failure = errno;
        close(at);
        errno = failure;
        at = next;
        path += size + (path[size] == '/');
    }
    return at;
}

static bool mount_volumes(const struct spec *spec, const int trees[SPEC_MOUNTS_LIMIT]) {
    for (size_t i = 0; i < spec->mount_count; i++) {
        int target = open_target(spec, spec_mount_target(spec->mounts[i]));
        if (target < 0 || syscall(SYS_move_mount, trees[i], "", target, "",
                                  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
            return false;
        close(target);
        close(trees[i]);
    }
    return true;
}

static bool lies_under(const char *path, const char *directory) {
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && path[size] == '/';
}

/* Makes every directory of an absolute path, below a mount of ours that nobody else has seen. */
static bool make_directories(const char *path) {
    char part[4096];
    size_t size = strlen(path);
    if (size >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

/* A host without the directory has nothing to hide there. */
static bool hide_with_tmpfs(const char *path) {
    return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0 || errno == ENOENT;
}

static enum init_stage enter_cgroups(const struct spec *spec) {
    for (uint32_t i = 0; i < spec->numbers.cgroup_count; i++) {
        if (write(INIT_CGROUP_FD + (int)i, "0", 1) != 1)
            return INIT_STAGE_CGROUP;
        close(INIT_CGROUP_FD + (int)i);
    }
    return INIT_STAGE_NONE;
}

/* The private /tmp and /dev/shm; a sandbox that lies in one of them is held and put back at its
 * path. */
static enum init_stage hide_shared_directories(const struct spec *spec) {
    bool covered = lies_under(spec->sandbox, "/tmp") || lies_under(spec->sandbox, "/dev/shm");
    int held = -1;
    if (covered) {
        held = open_tree_clone(spec->sandbox);
        if (held < 0 || !is_sandbox(held))
            return INIT_STAGE_SANDBOX;
    }
    if (!hide_with_tmpfs("/tmp") || !hide_with_tmpfs("/dev/shm"))
        return INIT_STAGE_TMP;
    if (covered) {
        if (!make_directories(spec->sandbox) || !move_tree(held, spec->sandbox))
            return INIT_STAGE_SANDBOX;
        close(held);
    }
    return INIT_STAGE_NONE;
}

/* Puts a read-only view of a directory or file over itself; one that is not there needs none. */
static bool seal(const char *path, unsigned flags) {
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | flags);
    if (tree < 0)
        return errno == ENOENT;
    bool sealed = syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | flags, &read_only,
                          sizeof(read_only)) == 0 &&
                  move_tree(tree, path);
    close(tree);
    return sealed;
}

/* User 0 needs no capability to write what root owns: the kernel's own switches are made read-only.
 */
static bool seal_kernel_files(void) {
    static const char *const proc_paths[] = {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq",
                                             "/proc/bus", "/proc/fs"};
    for (size_t i = 0; i < sizeof(proc_paths) / sizeof(proc_paths[0]); i++) {
        if (!seal(proc_paths[i], 0))
            return false;
    }
    return seal("/sys", AT_RECURSIVE);
}

static enum init_stage enter_sandbox(const struct spec *spec) {
    if (chdir(spec->sandbox) != 0)
        return INIT_STAGE_SANDBOX;
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0 || !is_sandbox(here))
        return INIT_STAGE_SANDBOX;
    close(here);
    return INIT_STAGE_NONE;
}

/* To where `..` leads no further, past the directory we were confined to: with another directory as
 * root, the old one is no barrier (chroot(2)). */
static bool leave_chroot(void) {
    struct stat here, above;
    if (chroot("/proc") != 0 || stat(".", &here) != 0)
        return false;
    for (int i = 0; i < CHROOT_DEPTH_LIMIT; i++) {
        if (chdir("..") != 0 || stat(".", &above) != 0)
            return false;
        if (above.st_ino == here.st_ino && above.st_dev == here.st_dev)
            return chroot(".") == 0;
        here = above;
    }
    return false;
}

/* Slave, not private: what the host unmounts goes away here too and is not held by a container. In
 * a chroot "/" may be no mount, and what holds it must be reached from outside. */
static bool cut_propagation(void) {
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
        return true;
    if (errno != EINVAL)
        return false;
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool cut = root >= 0 && fchdir(root) == 0 && leave_chroot() &&
               mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0;
    int failure = errno;
    bool is_back = root >= 0 && fchdir(root) == 0 && chroot(".") == 0;
    close(root);
    errno = failure;
    return cut && is_back;
}

enum init_stage setup_place(const struct spec *spec) {
    int volumes[SPEC_MOUNTS_LIMIT];
    enum init_stage stage = enter_cgroups(spec);
    if (stage != INIT_STAGE_NONE)
        return stage;
    if (spec->hostname != NULL && sethostname(spec->hostname, strlen(spec->hostname)) != 0)
        return INIT_STAGE_HOSTNAME;
    if (!cut_propagation())
        return INIT_STAGE_MOUNT;
    if (!hold_volumes(spec, volumes))
        return INIT_STAGE_VOLUME;
    stage = hide_shared_directories(spec);
    if (stage != INIT_STAGE_NONE)
        return stage;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return INIT_STAGE_PROC;
    if (spec->numbers.uid == 0 && !seal_kernel_files())
        return INIT_STAGE_PROC;
    stage = enter_sandbox(spec);
    if (stage == INIT_STAGE_NONE && !mount_volumes(spec, volumes))
        return INIT_STAGE_VOLUME;
    return stage;
}

/* Raw calls: libc's would look for other threads, and the task's side shares this memory before
 * exec. */
static bool change_user(const struct spec *spec) {
    const struct spec_numbers *numbers = &spec->numbers;
    bool rootless = (numbers->flags & SPEC_FLAG_ROOTLESS) != 0;
    if (!rootless && syscall(SYS_setgroups, spec->group_count, spec->groups) != 0)
        return false;
    return syscall(SYS_setresgid, numbers->gid, numbers->gid, numbers->gid) == 0 &&
           syscall(SYS_setresuid, numbers->uid, numbers->uid, numbers->uid) == 0;
}

enum init_stage setup_drop_privileges(const struct spec *spec) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL)
            break; /* past the last one that this kernel knows */
        return INIT_STAGE_PRIVILEGE;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || !change_user(spec))
        return INIT_STAGE_PRIVILEGE;
    if (syscall(SYS_capset, &header, none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return INIT_STAGE_PRIVILEGE;
    return INIT_STAGE_NONE;
}

enum init_stage setup_limits(const struct spec *spec) {
    for (size_t i = 0; i < spec->rlimit_count; i++) {
        const struct spec_rlimit *wanted = &spec->rlimits[i];
        struct rlimit limit = {wanted->soft, wanted->hard};
        if (setrlimit((limit_number)wanted->resource, &limit) != 0)
            return INIT_STAGE_RLIMIT;
    }
    return INIT_STAGE_NONE;
}

enum init_stage setup_seccomp(const struct spec *spec) {
    if (spec->seccomp == NULL)
        return INIT_STAGE_NONE;
    struct sock_fprog program = {.len = (unsigned short)spec->seccomp_count,
                                 .filter = (struct sock_filter *)(uintptr_t)spec->seccomp};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return INIT_STAGE_SECCOMP;
    return INIT_STAGE_NONE;
}
