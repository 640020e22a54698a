/*
 * What the agent calls. A launch makes the groups and files, clones, and hands mesos-init its
 * block; all further steps are mesos-init's own, on another core if there is one. Nothing here
 * waits.
 */
#include "agent/container/container.h"

#include "agent/container/clone.h"
#include "agent/container/spec_writer.h"
#include "agent/container/status_file.h"
#include "agent/container/stop_point.h"
#include "common/base/arena.h"
#include "common/base/mem.h"
#include "common/runtime/files.h"
#include "init/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    IMAGE_LIMIT_BYTES = 16 << 20,
    PIPE_BYTES = 64 * 1024, /* what a pipe holds without being asked */
    PIPE_MOST_BYTES = 1 << 20,
};

/* --- beginning and end of the containerizer --- */

enum { IMAGE_PATH_BYTES = PATH_MAX + 64 };

static bool open_runtime_directory(struct containerizer *containerizer, const char *path,
                                   struct error *error) {
    if (!directory_make(path, 0700, error))
        return fail_context(error, "runtime directory");
    containerizer->runtime = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (containerizer->runtime < 0)
        return fail(error, ERROR_IO, "open runtime directory %s: %m", path);
    if (flock(containerizer->runtime, LOCK_EX | LOCK_NB) != 0)
        return fail(error, ERROR_EXISTS, "runtime directory %s is used by another agent", path);
    return true;
}

/* Beside the running program, or where `cmake --install` puts it. */
static void find_image(char out[IMAGE_PATH_BYTES]) {
    static const char *const places[] = {"mesos-init", "../libexec/mesos/mesos-init"};
    char own[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(own, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(out, IMAGE_PATH_BYTES, "%s/%s", own, places[i]);
        if (access(out, R_OK) == 0)
            return;
    }
}

static bool read_image(const char *path, struct buf *out, struct error *error) {
    char found[IMAGE_PATH_BYTES];
    if (path == NULL) {
        find_image(found);
        path = found;
    }
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fail(error, ERROR_NOT_FOUND, "open mesos-init at %s: %m", path);
    ssize_t size;
    do {
        buf_reserve(out, PIPE_BYTES);
        size = read(file, out->data + out->size, PIPE_BYTES);
        out->size += size > 0 ? (size_t)size : 0;
    } while (size > 0 && out->size < IMAGE_LIMIT_BYTES);
    close(file);
    if (size < 0)
        return fail(error, ERROR_IO, "read mesos-init at %s: %m", path);
    return true;
}

static bool open_image(struct containerizer *containerizer,
                       const struct containerizer_options *options, struct error *error) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    if (options->init_bytes != NULL)
        buf_append(&bytes, options->init_bytes, options->init_size);
    else if (!read_image(options->init_path, &bytes, error))
        return false;
    containerizer->image = clone_image(bytes.data, bytes.size);
    if (containerizer->image < 0)
        return fail(error, ERROR_IO, "keep mesos-init in a memfd: %m");
    containerizer->null = clone_raise_fd(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (containerizer->null < 0)
        return fail(error, ERROR_IO, "open /dev/null: %m");
    return true;
}

/* Looks for everything before complaining, so that the complaint is complete. */
static bool check_machine(struct containerizer *containerizer,
                          const struct containerizer_options *options, struct error *error) {
    const char *root = options->cgroup_root != NULL ? options->cgroup_root : "mesos";
    struct error why = {0};
    containerizer->rootless = geteuid() != 0;
    if (containerizer->rootless)
        buf_append_string(&containerizer->missing, "root");
    containerizer->cgroups = cgroups_new(root, &containerizer->missing, &why);
    if (containerizer->cgroups == NULL) {
        if (why.code == ERROR_EXISTS || why.code == ERROR_INVALID)
            return fail(error, why.code, "%s", why.message);
        buf_printf(&containerizer->missing, "%scgroups (%s)",
                   containerizer->missing.size > 0 ? ", " : "", why.message);
        containerizer->cgroups = cgroups_none();
    }
    if (containerizer->missing.size > 0 && !options->allow_missing)
        return fail(error, ERROR_UNSUPPORTED, "containers need what is missing here: %s",
                    buf_string(&containerizer->missing));
    return true;
}

struct containerizer *containerizer_new(const struct containerizer_options *options,
                                        struct error *error) {
    AUTO(containerizer_free) struct containerizer *containerizer = NEW(struct containerizer);
    containerizer->loop = options->loop;
    containerizer->on_event = options->on_event;
    containerizer->self = options->self;
    containerizer->runtime = containerizer->image = containerizer->null = -1;
    if (!open_runtime_directory(containerizer, options->runtime_dir, error) ||
        !open_image(containerizer, options, error) || !check_machine(containerizer, options, error))
        return NULL;
    return TAKE(containerizer);
}

static void close_if_open(int file) {
    if (file >= 0)
        close(file);
}

void containerizer_free(struct containerizer *containerizer) {
    if (containerizer == NULL)
        return;
    MAP_EACH(entry, &containerizer->containers) {
        container_free(map_value(entry));
    }
    map_fini(&containerizer->containers, NULL);
    cgroups_free(containerizer->cgroups);
    buf_fini(&containerizer->missing);
    close_if_open(containerizer->runtime);
    close_if_open(containerizer->image);
    close_if_open(containerizer->null);
    mem_free(containerizer);
}

const char *containerizer_missing(const struct containerizer *containerizer) {
    return containerizer->missing.size > 0 ? containerizer->missing.data : "";
}

const char *containerizer_cgroup_version(const struct containerizer *containerizer) {
    return cgroups_version(containerizer->cgroups);
}

/* --- launch --- */

/* What a launch holds until mesos-init has it. */
struct launch {
    int sandbox, status;
    int spec[2], report[2];
    struct cgroup_entry groups;
    struct buf block;
    char path[PATH_MAX]; /* of the sandbox, as the kernel sees it */
    bool rootless;
    struct arena *arena; /* of the mounts' paths; NULL: none */
    struct spec_source *sources;
};

static void launch_fini(struct launch *launch) {
    close_if_open(launch->sandbox);
    close_if_open(launch->status);
    for (int i = 0; i < 2; i++) {
        close_if_open(launch->spec[i]);
        close_if_open(launch->report[i]);
    }
    cgroup_entry_close(&launch->groups);
    buf_fini(&launch->block);
    arena_free(launch->arena);
}
DEFINE_AUTO_FINI(struct launch, launch_fini)

/* The directory alone, not what is in it. */
static bool give_directory(int file, const struct container_spec *spec, const struct stat *stat) {
    return (stat->st_uid == spec->uid && stat->st_gid == spec->gid) ||
           fchownat(file, "", spec->uid, spec->gid, AT_EMPTY_PATH) == 0;
}

static bool find_path(int file, char out[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, out, PATH_MAX - 1);
    out[size > 0 ? size : 0] = '\0';
    return size > 0;
}

static bool open_sandbox(struct launch *launch, const struct container_spec *spec,
                         struct error *error) {
    struct stat stat;
    launch->sandbox =
        clone_raise_fd(open(spec->sandbox, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (launch->sandbox < 0 || fstat(launch->sandbox, &stat) != 0)
        return fail(error, ERROR_IO, "open sandbox %s: %m", spec->sandbox);
    if (!launch->rootless && !give_directory(launch->sandbox, spec, &stat))
        return fail(error, ERROR_IO, "give sandbox %s to user %u: %m", spec->sandbox, spec->uid);
    return find_path(launch->sandbox, launch->path) ||
           fail(error, ERROR_IO, "find sandbox %s: %m", spec->sandbox);
}

static bool open_source(struct launch *launch, const struct container_spec *spec,
                        const struct container_mount *mount, struct spec_source *out,
                        struct error *error) {
    char path[PATH_MAX];
    struct stat stat;
    AUTO_FD int file = open(mount->source, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || fstat(file, &stat) != 0)
        return fail(error, ERROR_IO, "open volume %s: %m", mount->source);
    if (!launch->rootless && mount->is_given && !give_directory(file, spec, &stat))
        return fail(error, ERROR_IO, "give volume %s to user %u: %m", mount->source, spec->uid);
    if (!find_path(file, path))
        return fail(error, ERROR_IO, "find volume %s: %m", mount->source);
    *out = (struct spec_source){
        .path = arena_string(launch->arena, text_of(path)),
        .device = stat.st_dev,
        .inode = stat.st_ino,
    };
    return true;
}

/* What is to be mounted is looked at here and opened again by mesos-init, in whose namespace alone
 * it can be mounted: there it must be the same directory. */
static bool open_sources(struct launch *launch, const struct container_spec *spec,
                         struct error *error) {
    if (spec->mount_count == 0)
        return true;
    launch->arena = arena_new();
    launch->sources = ARENA_ARRAY(launch->arena, struct spec_source, spec->mount_count);
    for (size_t i = 0; i < spec->mount_count; i++) {
        if (!open_source(launch, spec, &spec->mounts[i], &launch->sources[i], error))
            return false;
    }
    return true;
}

static bool open_pipes(struct launch *launch, struct error *error) {
    if (pipe2(launch->spec, O_CLOEXEC) != 0 || pipe2(launch->report, O_CLOEXEC) != 0)
        return fail(error, ERROR_IO, "make a pipe: %m");
    fcntl(launch->report[0], F_SETFL, O_NONBLOCK);
    launch->spec[0] = clone_raise_fd(launch->spec[0]);
    launch->report[1] = clone_raise_fd(launch->report[1]);
    if (launch->spec[0] < 0 || launch->report[1] < 0)
        return fail(error, ERROR_IO, "move a pipe: %m");
    /* The block must fit at once: the loop's thread never waits for a reader. */
    if (launch->block.size > PIPE_BYTES &&
        fcntl(launch->spec[1], F_SETPIPE_SZ, PIPE_MOST_BYTES) < 0)
        return fail(error, ERROR_LIMIT, "a pipe for %zu bytes of command and environment: %m",
                    launch->block.size);
    return true;
}

static bool clone_launch(struct containerizer *containerizer, struct launch *launch,
                         struct container *container, struct error *error) {
    struct clone_plan plan = {
        .image = containerizer->image,
        .name = container->id,
        .null = containerizer->null,
        .cgroup = launch->groups.into,
        .rootless = containerizer->rootless,
    };
    for (size_t i = 0; i < launch->groups.procs_count; i++)
        launch->groups.procs[i] = clone_raise_fd(launch->groups.procs[i]);
    plan.files[INIT_SPEC_FD - 3] = launch->spec[0];
    plan.files[INIT_REPORT_FD - 3] = launch->report[1];
    plan.files[INIT_SANDBOX_FD - 3] = launch->sandbox;
    plan.files[INIT_STATUS_FD - 3] = launch->status;
    plan.file_count = INIT_CGROUP_FD - 3;
    for (size_t i = 0; i < launch->groups.procs_count; i++)
        plan.files[plan.file_count++] = launch->groups.procs[i];
    return clone_container(&plan, &container->pid, &container->pidfd, error);
}

/* mesos-init may go on once it has its block; before that its name is written down for a recovery.
 */
static bool let_go_on(struct launch *launch, struct container *container, int64_t stop_at_ms,
                      struct error *error) {
    container->is_child = true;
    container->start_time = process_start_time(container->pid);
    struct record_head head = {
        .magic = RECORD_MAGIC,
        .pid = container->pid,
        .start_time = container->start_time,
        .stop_at_ms = stop_at_ms,
    };
    stop_point(STOP_LAUNCH_CLONED);
    if (!status_write_head(launch->status, &head))
        return fail(error, ERROR_IO, "write the status file of %s: %m", container->id);
    stop_point(STOP_LAUNCH_WRITTEN);
    ssize_t written = write(launch->spec[1], launch->block.data, launch->block.size);
    /* An init that is gone already is told by its pidfd. */
    if (written >= 0 && (size_t)written != launch->block.size)
        return fail(error, ERROR_IO, "the pipe to mesos-init of %s is too small", container->id);
    stop_point(STOP_LAUNCH_GIVEN);
    return true;
}

/* Groups and status file, the two things with names. */
static bool make_names(struct containerizer *containerizer, struct launch *launch,
                       const struct container_spec *spec, const char *id, struct error *error) {
    launch->status = clone_raise_fd(status_create(containerizer->runtime, id, error));
    if (launch->status < 0)
        return false;
    if (!cgroups_make(containerizer->cgroups, id, &spec->limits, error)) {
        status_remove(containerizer->runtime, id);
        return false;
    }
    return true;
}

static bool begin(struct containerizer *containerizer, struct launch *launch,
                  const struct container_spec *spec, struct container *container,
                  struct error *error) {
    if (!cgroups_open_entry(containerizer->cgroups, container->id, &launch->groups, error))
        return false;
    struct spec_place place = {.sandbox = launch->path,
                               .cgroup_count = launch->groups.procs_count,
                               .rootless = launch->rootless,
                               .sources = launch->sources};
    return spec_write(spec, &place, &launch->block, error) && open_pipes(launch, error) &&
           clone_launch(containerizer, launch, container, error) &&
           let_go_on(launch, container, spec->stop_at_ms, error);
}

bool containerizer_launch(struct containerizer *containerizer, const struct container_spec *spec,
                          struct error *error) {
    AUTO_FINI(launch_fini)
    struct launch launch = {.sandbox = -1,
                            .status = -1,
                            .spec = {-1, -1},
                            .report = {-1, -1},
                            .groups = {.into = -1},
                            .rootless = containerizer->rootless};
    if (!spec_check(spec, error))
        return false;
    struct container *old = map_get_text(&containerizer->containers, spec->id);
    if (old != NULL && !container_make_way(old))
        return fail(error, ERROR_EXISTS, "container %.*s is there already", TEXT_ARGS(spec->id));
    char id[CONTAINER_ID_LIMIT_BYTES + 1];
    snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(spec->id));
    if (!open_sandbox(&launch, spec, error) || !open_sources(&launch, spec, error) ||
        !make_names(containerizer, &launch, spec, id, error))
        return false;

    stop_point(STOP_LAUNCH_NAMES);
    struct container *container = container_new(containerizer, spec->id);
    if (!begin(containerizer, &launch, spec, container, error)) {
        container->forgotten = true;
        if (container->pidfd >= 0) {
            syscall(SYS_pidfd_send_signal, container->pidfd, SIGKILL, NULL, 0);
            waitid(P_PIDFD, (id_t)container->pidfd, NULL, WEXITED); /* it has not begun yet */
        }
        container_begin_leaving(container);
        return fail_context(error, "container %s", id);
    }
    container->sandbox = mem_dup_string(launch.path);
    container->file = mem_dup_string(spec->shell != NULL ? "/bin/sh" : spec->argv[0]);
    container->report = launch.report[0];
    launch.report[0] = -1;
    container_watch(container);
    return true;
}

/* --- the rest of what the agent asks --- */

struct container *containerizer_find(struct containerizer *containerizer, struct text id,
                                     struct error *error) {
    struct container *container = map_get_text(&containerizer->containers, id);
    if (container == NULL || container->state == CONTAINER_LEAVING) {
        fail(error, ERROR_NOT_FOUND, "there is no container %.*s", TEXT_ARGS(id));
        return NULL;
    }
    return container;
}

bool containerizer_kill(struct containerizer *containerizer, struct text id, int signal,
                        struct error *error) {
    struct container *container = containerizer_find(containerizer, id, error);
    if (container == NULL)
        return false;
    if (container->pidfd < 0)
        return true; /* recovered after its end, which is about to be told */
    if (syscall(SYS_pidfd_send_signal, container->pidfd, signal, NULL, 0) != 0 && errno != ESRCH)
        return fail(error, ERROR_IO, "send signal %d to container %s: %m", signal, container->id);
    return true;
}

bool containerizer_destroy(struct containerizer *containerizer, struct text id,
                           struct error *error) {
    /* The kernel kills a pid namespace with its pid 1, all of it, before the pidfd tells the end.
     */
    return containerizer_kill(containerizer, id, SIGKILL, error);
}

void containerizer_destroy_all(struct containerizer *containerizer) {
    MAP_EACH(entry, &containerizer->containers)
        containerizer_destroy(containerizer, map_key_text(entry), NULL);
}

void containerizer_remove_roots(struct containerizer *containerizer) {
    cgroups_remove_roots(containerizer->cgroups);
}

void containerizer_forget(struct containerizer *containerizer, struct text id) {
    struct container *container = map_get_text(&containerizer->containers, id);
    if (container == NULL)
        return;
    container->forgotten = true;
    if (container->state == CONTAINER_LEAVING && container->groups_gone)
        loop_timer_arm(&container->timer, loop_now_ms(containerizer->loop));
}

bool containerizer_update(struct containerizer *containerizer, struct text id,
                          const struct container_limits *limits, struct error *error) {
    struct container *container = containerizer_find(containerizer, id, error);
    return container != NULL &&
           cgroups_update(containerizer->cgroups, container->id, limits, error);
}

bool containerizer_lease(struct containerizer *containerizer, struct text id, int64_t stop_at_ms,
                         struct error *error) {
    const struct container *container = containerizer_find(containerizer, id, error);
    if (container == NULL)
        return false;
    return status_write_stop_at(containerizer->runtime, container->id, stop_at_ms) ||
           fail(error, ERROR_IO, "write the status file of %s: %m", container->id);
}

bool containerizer_usage(struct containerizer *containerizer, struct text id,
                         struct container_usage *out, struct error *error) {
    struct container *container = containerizer_find(containerizer, id, error);
    if (container == NULL)
        return false;
    cgroups_usage(containerizer->cgroups, container->id, out);
    return true;
}

bool containerizer_log_position(struct containerizer *containerizer, struct text id,
                                struct container_log_position *out, struct error *error) {
    struct status status;
    struct container *container = containerizer_find(containerizer, id, error);
    if (container == NULL)
        return false;
    if (!status_read(containerizer->runtime, container->id, &status))
        return fail(error, ERROR_IO, "container %s has no status file", container->id);
    out->stdout_rotations = status.record.stdout_rotations;
    out->stderr_rotations = status.record.stderr_rotations;
    return true;
}

size_t containerizer_leaving_count(const struct containerizer *containerizer) {
    return containerizer->leaving_count;
}

size_t containerizer_running_count(const struct containerizer *containerizer) {
    return containerizer->containers.count - containerizer->leaving_count;
}
