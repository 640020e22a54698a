/* Waiting is always for an event or a file, in turns of the loop, and ends with the test after a
 * while. */
#include "tests/integration/container/world.h"

#include "tests/support/unit.h"
#include "tests/support/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, NOBODY = 65534, READ_LIMIT_BYTES = 64 * 1024 };

__attribute__((constructor)) static void skip_without_root(void) {
    if (geteuid() == 0)
        return;
    fprintf(stderr, "SKIPPED: containers need root\n");
    exit(77);
}

static struct run *find_run(struct world *world, struct text id) {
    for (size_t i = 0; i < world->run_count; i++) {
        if (text_equal(text_of(world->runs[i].id), id))
            return &world->runs[i];
    }
    fail_msg("an event of a container that was never launched");
    return NULL;
}

static void on_event(void *self, const struct container_event *event) {
    struct world *world = self;
    struct run *run = find_run(world, event->id);
    assert_false(run->ended || run->launch_failed);
    run->stopped |= event->stopped;
    switch (event->kind) {
    case CONTAINER_EVENT_STARTED:
        run->started = true;
        run->pid = event->pid;
        run->start_time = event->start_time;
        break;
    case CONTAINER_EVENT_ENDED:
        run->ended = true;
        run->termination = *event->termination;
        if (event->termination->stderr_tail.size > 0)
            memcpy(run->tail, event->termination->stderr_tail.data,
                   event->termination->stderr_tail.size);
        if (!world->never_stores)
            containerizer_forget(world->containerizer, event->id);
        break;
    case CONTAINER_EVENT_LAUNCH_FAILED:
        run->launch_failed = true;
        snprintf(run->reason, sizeof(run->reason), "%s", event->reason);
        containerizer_forget(world->containerizer, event->id);
        break;
    }
}

void world_open_containerizer(struct world *world) {
    struct error error = {0};
    const char *init = getenv("MESOS_INIT");
    struct containerizer_options options = {
        .loop = world->loop,
        .cgroup_root = world->root,
        .runtime_dir = world->runtime,
        .init_path = init != NULL ? init : INIT_PATH,
        .on_event = on_event,
        .self = world,
    };
    world->containerizer = containerizer_new(&options, &error);
    if (world->containerizer == NULL)
        fail_msg("%s", error.message);
}

void world_open(struct world *world) {
    static int worlds;
    memset(world, 0, sizeof(*world));
    snprintf(world->directory, sizeof(world->directory), "/tmp/container-test-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    assert_int_equal(chmod(world->directory, 0755), 0);
    snprintf(world->runtime, sizeof(world->runtime), "%s/runtime", world->directory);
    snprintf(world->root, sizeof(world->root), "mesos-test-%d-%d", getpid(), worlds++);
    world->loop = loop_new(NULL);
    assert_non_null(world->loop);
    world_open_containerizer(world);
}

/* Turns until `done` says so. */
static void turn_until(struct world *world, bool (*done)(struct world *, const void *),
                       const void *argument) {
    int64_t give_up_ms = now_ms() + PATIENCE_MS;
    while (!done(world, argument)) {
        if (now_ms() > give_up_ms)
            fail_msg("waited %d s in vain", PATIENCE_MS / 1000);
        loop_turn(world->loop, 10);
    }
}

static bool has_started(struct world *world, const void *argument) {
    const struct run *run = argument;
    (void)world;
    return run->started || run->ended || run->launch_failed;
}

static bool has_ended(struct world *world, const void *argument) {
    const struct run *run = argument;
    (void)world;
    return run->ended || run->launch_failed;
}

static bool nothing_leaves(struct world *world, const void *argument) {
    (void)argument;
    return containerizer_leaving_count(world->containerizer) == 0;
}

void world_await_start(struct world *world, const struct run *run) {
    turn_until(world, has_started, run);
}

void world_await_end(struct world *world, const struct run *run) {
    turn_until(world, has_ended, run);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

/* The root of a hierarchy goes only when it is empty, which is what is to be shown. */
static void remove_roots(const struct world *world) {
    char path[400];
    DIR *directory = opendir("/sys/fs/cgroup");
    struct dirent *entry;
    snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", world->root);
    if (access(path, F_OK) == 0)
        assert_int_equal(rmdir(path), 0);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", entry->d_name, world->root);
        if (entry->d_name[0] != '.' && access(path, F_OK) == 0)
            assert_int_equal(rmdir(path), 0);
    }
    if (directory != NULL)
        closedir(directory);
}

static void assert_empty(const char *path) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.')
            fail_msg("%s/%s is left", path, entry->d_name);
    }
    closedir(directory);
}

/* A zombie is gone: its parent, which after a restart of the agent is the machine's own pid 1,
 * reaps it. */
static bool is_gone(pid_t pid) {
    char path[64], stat[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (pid == 0 || file < 0)
        return true;
    ssize_t size = read(file, stat, sizeof(stat) - 1);
    close(file);
    return size <= 0 || strstr(stat, ") Z ") != NULL || strstr(stat, ") X ") != NULL;
}

void world_close(struct world *world) {
    turn_until(world, nothing_leaves, NULL);
    assert_int_equal(containerizer_running_count(world->containerizer), 0);
    containerizer_free(world->containerizer);
    loop_free(world->loop);
    for (size_t i = 0; i < world->run_count; i++)
        assert_true(is_gone(world->runs[i].pid));
    assert_empty(world->runtime);
    remove_roots(world);
    nftw(world->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

struct container_spec world_spec(struct world *world, const char *shell, struct run **run) {
    assert_true(world->run_count < WORLD_RUNS_LIMIT);
    struct run *made = &world->runs[world->run_count++];
    snprintf(made->id, sizeof(made->id), "test-%zu", world->run_count);
    char sandbox[sizeof(made->sandbox)];
    snprintf(sandbox, sizeof(sandbox), "%s/test-%zu", world->directory, world->run_count);
    memcpy(made->sandbox, sandbox, sizeof(sandbox));
    if (mkdir(made->sandbox, 0755) != 0 && access(made->sandbox, F_OK) != 0)
        fail_msg("cannot make %s", made->sandbox);
    *run = made;
    return (struct container_spec){
        .id = text_of(made->id),
        .sandbox = made->sandbox,
        .uid = NOBODY,
        .gid = NOBODY,
        .shell = shell,
        .limits = {.cpu_milli = 100, .memory_bytes = 64 << 20, .pids = 100},
    };
}

void world_launch(struct world *world, const struct container_spec *spec) {
    struct error error = {0};
    if (!containerizer_launch(world->containerizer, spec, &error))
        fail_msg("%s", error.message);
}

struct run *world_run(struct world *world, const char *shell) {
    struct run *run;
    struct container_spec spec = world_spec(world, shell, &run);
    world_launch(world, &spec);
    world_await_end(world, run);
    if (run->launch_failed)
        fail_msg("%s", run->reason);
    return run;
}

const char *world_read(const struct run *run, const char *file) {
    static char content[READ_LIMIT_BYTES];
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", run->sandbox, file);
    int opened = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = opened >= 0 ? read(opened, content, sizeof(content) - 1) : 0;
    if (opened >= 0)
        close(opened);
    content[size > 0 ? size : 0] = '\0';
    return content;
}

void world_make_fifo(const struct run *run, const char *file) {
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", run->sandbox, file);
    assert_int_equal(mkfifo(path, 0666), 0);
}

void world_write(const struct run *run, const char *file, const char *text) {
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", run->sandbox, file);
    int opened = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(opened, text, strlen(text)), strlen(text));
    close(opened);
}

int64_t world_size(const struct run *run, const char *file) {
    char path[200];
    struct stat stat_;
    snprintf(path, sizeof(path), "%s/%s", run->sandbox, file);
    return stat(path, &stat_) == 0 ? stat_.st_size : -1;
}

struct awaited_file {
    const struct run *run;
    const char *name;
};

static bool has_file(struct world *world, const void *argument) {
    const struct awaited_file *file = argument;
    (void)world;
    return world_size(file->run, file->name) >= 0 || file->run->ended || file->run->launch_failed;
}

void world_await_file(struct world *world, const struct run *run, const char *file) {
    struct awaited_file awaited = {run, file};
    turn_until(world, has_file, &awaited);
    assert_true(world_size(run, file) >= 0);
}
