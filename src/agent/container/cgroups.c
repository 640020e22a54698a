/*
 * A hierarchy is known by where it is mounted: controllers that libcgroup finds at the same place
 * share one. Everything below works on the descriptors of our roots, which also hold the lock.
 */
#include "agent/container/cgroups.h"

#include "agent/container/cgroup_version.h"
#include "common/base/mem.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libcgroup.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    PATH_BYTES = 4096,
    MEMORY_LEAST_BYTES = 4 << 20, /* below it a task cannot even be executed */
    ROOT_MODE = 0755,
};

struct hierarchy {
    const struct cgroup_version *version;
    unsigned controllers;
    int root; /* our root in it; open for reading, locked */
    char mount[PATH_BYTES];
};

struct cgroups {
    struct hierarchy hierarchies[CGROUP_HIERARCHIES_LIMIT];
    size_t count;
};

static const struct {
    const char *name;
    enum cgroup_bit bit;
    bool in_v2_always; /* there it is no controller of its own */
} known_controllers[] = {
    {"cpu", CGROUP_CPU, false},
    {"memory", CGROUP_MEMORY, false},
    {"pids", CGROUP_PIDS, false},
    {"cpuacct", CGROUP_CPUACCT, true},
};

#define HIERARCHY_EACH(at, cgroups)                                                                \
    for (struct hierarchy *at = (cgroups)->hierarchies;                                            \
         at < (cgroups)->hierarchies + (cgroups)->count; at++)

static struct cgroup_at group_of(const struct hierarchy *hierarchy, const char *id) {
    return (struct cgroup_at){hierarchy->root, id, hierarchy->controllers};
}

static struct hierarchy *hierarchy_at(struct cgroups *cgroups, const char *mount) {
    HIERARCHY_EACH(at, cgroups) {
        if (strcmp(at->mount, mount) == 0)
            return at;
    }
    assert(cgroups->count < CGROUP_HIERARCHIES_LIMIT);
    struct hierarchy *made = &cgroups->hierarchies[cgroups->count++];
    struct statfs statfs_;
    bool is_v2 = statfs(mount, &statfs_) == 0 && statfs_.f_type == CGROUP2_SUPER_MAGIC;
    made->version = is_v2 ? &cgroup_version_2 : &cgroup_version_1;
    made->root = -1;
    snprintf(made->mount, sizeof(made->mount), "%s", mount);
    return made;
}

static bool is_v2_only(struct cgroups *cgroups) {
    HIERARCHY_EACH(at, cgroups) {
        if (at->version != &cgroup_version_2)
            return false;
    }
    return cgroups->count > 0;
}

/* Asks libcgroup where each controller is. */
static void find_hierarchies(struct cgroups *cgroups, struct buf *missing) {
    int failed = cgroup_init();
    for (size_t i = 0; i < sizeof(known_controllers) / sizeof(known_controllers[0]); i++) {
        char *mount = NULL;
        if (known_controllers[i].in_v2_always && is_v2_only(cgroups))
            continue;
        if (failed != 0 || cgroup_get_subsys_mount_point(known_controllers[i].name, &mount) != 0) {
            buf_printf(missing, "%scgroup controller %s", missing->size > 0 ? ", " : "",
                       known_controllers[i].name);
            continue;
        }
        hierarchy_at(cgroups, mount)->controllers |= known_controllers[i].bit;
        free(mount);
    }
}

/* A v2 group hands controllers to its children only when told; each by itself, for one may be
 * absent. */
static void enable_controllers(const char *directory, unsigned controllers) {
    char path[PATH_BYTES + 64];
    for (size_t i = 0; i < sizeof(known_controllers) / sizeof(known_controllers[0]); i++) {
        if ((controllers & known_controllers[i].bit) == 0 || known_controllers[i].in_v2_always)
            continue;
        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", directory);
        int file = open(path, O_WRONLY | O_CLOEXEC);
        if (file < 0)
            return;
        /* What could not be enabled shows in check_enabled. */
        dprintf(file, "+%s", known_controllers[i].name);
        close(file);
    }
}

/* What the machine's administrator, or an outer container, did not hand down is missing. */
static void check_enabled(struct hierarchy *at, struct buf *missing) {
    char content[256] = "";
    int file = openat(at->root, "cgroup.subtree_control", O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, content, sizeof(content) - 1) : 0;
    if (file >= 0)
        close(file);
    content[size > 0 ? size : 0] = '\0';
    for (size_t i = 0; i < sizeof(known_controllers) / sizeof(known_controllers[0]); i++) {
        const char *name = known_controllers[i].name;
        if ((at->controllers & known_controllers[i].bit) == 0 || strstr(content, name) != NULL)
            continue;
        at->controllers &= ~(unsigned)known_controllers[i].bit;
        buf_printf(missing, "%scgroup controller %s (not delegated)", missing->size > 0 ? ", " : "",
                   name);
    }
}

/* Makes the root, component by component. */
static bool make_root(struct hierarchy *at, const char *root_name, struct error *error) {
    char path[PATH_BYTES * 2];
    struct text rest = text_of(root_name), part;
    int used = snprintf(path, sizeof(path), "%s", at->mount);
    bool is_v2 = at->version == &cgroup_version_2;

    while (text_split(&rest, '/', &part)) {
        if (is_v2)
            enable_controllers(path, at->controllers);
        used += snprintf(path + used, sizeof(path) - (size_t)used, "/%.*s", TEXT_ARGS(part));
        if (mkdir(path, ROOT_MODE) != 0 && errno != EEXIST)
            return fail(error, ERROR_IO, "make cgroup %s: %m", path);
    }
    if (is_v2)
        enable_controllers(path, at->controllers);
    at->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at->root < 0)
        return fail(error, ERROR_IO, "open cgroup %s: %m", path);
    if (flock(at->root, LOCK_EX | LOCK_NB) != 0)
        return fail(error, ERROR_EXISTS, "cgroup %s is used by another agent: %m", path);
    return true;
}

static bool is_root_name(const char *name) {
    struct text rest = text_of(name), part;
    if (strlen(name) >= CONTAINER_ID_LIMIT_BYTES)
        return false;
    while (text_split(&rest, '/', &part)) {
        if (part.size == 0 || part.data[0] == '.')
            return false;
    }
    return true;
}

struct cgroups *cgroups_new(const char *root_name, struct buf *missing, struct error *error) {
    if (!is_root_name(root_name)) {
        fail(error, ERROR_INVALID, "'%s' cannot be the name of a cgroup", root_name);
        return NULL;
    }
    AUTO(cgroups_free) struct cgroups *cgroups = NEW(struct cgroups);
    find_hierarchies(cgroups, missing);
    HIERARCHY_EACH(at, cgroups) {
        if (!make_root(at, root_name, error))
            return NULL;
        if (at->version == &cgroup_version_2)
            check_enabled(at, missing);
    }
    return TAKE(cgroups);
}

struct cgroups *cgroups_none(void) {
    return NEW(struct cgroups);
}

void cgroups_free(struct cgroups *cgroups) {
    if (cgroups == NULL)
        return;
    HIERARCHY_EACH(at, cgroups) {
        if (at->root >= 0)
            close(at->root);
    }
    mem_free(cgroups);
}

void cgroups_remove_roots(struct cgroups *cgroups) {
    HIERARCHY_EACH(at, cgroups) {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", at->root);
        ssize_t size = readlink(link, path, sizeof(path) - 1);
        if (size <= 0)
            continue;
        path[size] = '\0';
        rmdir(path);
    }
}

const char *cgroups_version(const struct cgroups *cgroups) {
    bool one = false, two = false;
    HIERARCHY_EACH(at, (struct cgroups *)cgroups) {
        two |= at->version == &cgroup_version_2;
        one |= at->version == &cgroup_version_1;
    }
    if (one && two)
        return "hybrid";
    return one ? "v1" : two ? "v2" : "none";
}

bool cgroups_update(struct cgroups *cgroups, const char *id, const struct container_limits *limits,
                    struct error *error) {
    struct container_limits given = *limits;
    if (given.memory_bytes > 0 && given.memory_bytes < MEMORY_LEAST_BYTES)
        given.memory_bytes = MEMORY_LEAST_BYTES;
    HIERARCHY_EACH(at, cgroups) {
        struct cgroup_at group = group_of(at, id);
        if (!at->version->set_limits(&group, &given, error))
            return false;
    }
    return true;
}

bool cgroups_make(struct cgroups *cgroups, const char *id, const struct container_limits *limits,
                  struct error *error) {
    HIERARCHY_EACH(at, cgroups) {
        if (mkdirat(at->root, id, ROOT_MODE) == 0)
            continue;
        int why = errno;
        for (struct hierarchy *made = cgroups->hierarchies; made < at; made++)
            unlinkat(made->root, id, AT_REMOVEDIR);
        errno = why;
        return fail(error, why == EEXIST ? ERROR_EXISTS : ERROR_IO, "make cgroup %s in %s: %m", id,
                    at->mount);
    }
    struct container_limits first = *limits;
    if (first.cpu_milli == 0)
        first.cpu_milli = 1; /* the least weight there is */
    if (cgroups_update(cgroups, id, &first, error))
        return true;
    cgroups_remove(cgroups, id);
    return false;
}

bool cgroups_open_entry(struct cgroups *cgroups, const char *id, struct cgroup_entry *out,
                        struct error *error) {
    char name[CONTAINER_ID_LIMIT_BYTES + 64];
    struct cgroup_entry entry = {.into = -1};
    HIERARCHY_EACH(at, cgroups) {
        int file;
        if (at->version->clone_into) {
            file = entry.into = openat(at->root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        } else {
            snprintf(name, sizeof(name), "%s/cgroup.procs", id);
            file = entry.procs[entry.procs_count++] = openat(at->root, name, O_WRONLY | O_CLOEXEC);
        }
        if (file < 0) {
            fail(error, ERROR_IO, "open cgroup %s in %s: %m", id, at->mount);
            cgroup_entry_close(&entry);
            return false;
        }
    }
    *out = entry;
    return true;
}

void cgroup_entry_close(struct cgroup_entry *entry) {
    if (entry->into >= 0)
        close(entry->into);
    for (size_t i = 0; i < entry->procs_count; i++) {
        if (entry->procs[i] >= 0)
            close(entry->procs[i]);
    }
    *entry = (struct cgroup_entry){.into = -1};
}

void cgroups_usage(struct cgroups *cgroups, const char *id, struct container_usage *out) {
    *out = (struct container_usage){-1, -1, -1, -1};
    HIERARCHY_EACH(at, cgroups) {
        struct cgroup_at group = group_of(at, id);
        at->version->read_usage(&group, out);
    }
}

int64_t cgroups_oom_kills(struct cgroups *cgroups, const char *id) {
    HIERARCHY_EACH(at, cgroups) {
        struct cgroup_at group = group_of(at, id);
        if ((at->controllers & CGROUP_MEMORY) != 0)
            return at->version->oom_kills(&group);
    }
    return -1;
}

void cgroups_kill(struct cgroups *cgroups, const char *id) {
    HIERARCHY_EACH(at, cgroups) {
        struct cgroup_at group = group_of(at, id);
        at->version->kill(&group);
    }
}

/* Groups that a task made in its own are removed with it, the deepest first. */
static bool remove_tree(int parent, const char *name, int depth) {
    enum { DEPTH_LIMIT = 16 };
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return true;
    int opened = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0)
        return false;
    DIR *directory = fdopendir(opened);
    if (directory == NULL) {
        close(opened);
        return false;
    }
    struct dirent *entry;
    while (depth < DEPTH_LIMIT && (entry = readdir(directory)) != NULL) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            remove_tree(opened, entry->d_name, depth + 1);
    }
    closedir(directory);
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool cgroups_remove(struct cgroups *cgroups, const char *id) {
    bool gone = true;
    HIERARCHY_EACH(at, cgroups) {
        gone &= remove_tree(at->root, id, 0);
    }
    return gone;
}

void cgroups_each(struct cgroups *cgroups, void (*fn)(void *self, const char *id), void *self) {
    HIERARCHY_EACH(at, cgroups) {
        int opened = openat(at->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = opened >= 0 ? fdopendir(opened) : NULL;
        struct dirent *entry;
        if (directory == NULL)
            continue;
        while ((entry = readdir(directory)) != NULL) {
            if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                fn(self, entry->d_name);
        }
        closedir(directory);
    }
}
