/*
 * Directories of the machine in containers: where a task sees them, that it cannot be led
 * elsewhere, and that what is on the host stays untouched by what is mounted.
 */
#include "common/runtime/files.h"
#include "tests/integration/container/world.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct world world; /* too big for a stack; each test opens and closes it */
static char source[200];   /* of the volume */

/* A world with a volume in which a file says what it is. */
static void open_with_volume(void) {
    char path[256];
    world_open(&world);
    snprintf(source, sizeof(source), "%s/volume", world.directory);
    assert_int_equal(mkdir(source, 0750), 0);
    snprintf(path, sizeof(path), "%s/old", source);
    assert_true(file_write(path, TEXT("data of before\n"), 0644, NULL));
}

static bool exists(const char *file) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", source, file);
    return access(path, F_OK) == 0;
}

static struct run *run_with(const char *shell, struct container_mount mount) {
    struct run *run;
    struct container_spec spec = world_spec(&world, shell, &run);
    spec.mounts = &mount;
    spec.mount_count = 1;
    world_launch(&world, &spec);
    world_await_end(&world, run);
    return run;
}

TEST(a_volume_is_in_the_sandbox_and_what_is_written_there_stays) {
    open_with_volume();

    struct run *run =
        run_with("cat data/db/old && echo new > data/db/new",
                 (struct container_mount){.source = source, .target = "data/db", .is_given = true});

    assert_int_equal(run->termination.exit_code, 0);
    assert_string_equal(world_read(run, "stdout"), "data of before\n");
    assert_true(exists("new"));
    struct stat stat_;
    assert_int_equal(stat(source, &stat_), 0);
    assert_int_equal(stat_.st_uid, 65534);
    world_close(&world);
}

TEST(a_volume_to_be_read_only_is) {
    open_with_volume();

    struct run *run =
        run_with("cat data/old; echo x > data/new",
                 (struct container_mount){
                     .source = source, .target = "data", .read_only = true, .is_given = true});

    assert_string_equal(world_read(run, "stdout"), "data of before\n");
    assert_non_null(strstr(world_read(run, "stderr"), "Read-only file system"));
    assert_false(exists("new"));
    world_close(&world);
}

TEST(a_volume_that_is_not_given_keeps_its_owner) {
    struct stat stat_;
    open_with_volume();
    assert_int_equal(chmod(source, 0700), 0);

    struct run *run =
        run_with("ls data", (struct container_mount){.source = source, .target = "data"});

    assert_int_not_equal(run->termination.exit_code, 0);
    assert_int_equal(stat(source, &stat_), 0);
    assert_int_equal(stat_.st_uid, 0);
    world_close(&world);
}

TEST(a_task_cannot_make_devices_or_gain_rights_through_a_volume) {
    open_with_volume();

    struct run *run =
        run_with("grep ' /[^ ]*data ' /proc/self/mountinfo | grep -o 'nosuid,nodev'",
                 (struct container_mount){.source = source, .target = "data", .is_given = true});

    assert_string_equal(world_read(run, "stdout"), "nosuid,nodev\n");
    world_close(&world);
}

TEST(two_tasks_see_each_other_through_one_volume) {
    struct run *first, *second;
    open_with_volume();
    struct container_mount mount = {.source = source, .target = "data", .is_given = true};
    struct container_spec reader =
        world_spec(&world, "while [ ! -e data/word ]; do sleep 0.01; done; cat data/word", &first);
    struct container_spec writer =
        world_spec(&world, "echo hello > data/.word; mv data/.word data/word", &second);
    reader.mounts = writer.mounts = &mount;
    reader.mount_count = writer.mount_count = 1;

    world_launch(&world, &reader);
    world_await_start(&world, first);
    world_launch(&world, &writer);
    world_await_end(&world, first);
    world_await_end(&world, second);

    assert_string_equal(world_read(first, "stdout"), "hello\n");
    world_close(&world);
}

TEST(a_volume_that_is_missing_or_a_link_is_refused_at_once) {
    struct run *run;
    struct error error = {0};
    open_with_volume();
    struct container_spec spec = world_spec(&world, "true", &run);
    struct container_mount mount = {.source = "/no/such/volume", .target = "data"};
    spec.mounts = &mount;
    spec.mount_count = 1;

    assert_false(containerizer_launch(world.containerizer, &spec, &error));
    assert_string_equal(error.message, "open volume /no/such/volume: No such file or directory");
    char link[256];
    snprintf(link, sizeof(link), "%s/link", world.directory);
    assert_int_equal(symlink(source, link), 0);
    mount.source = link;

    assert_false(containerizer_launch(world.containerizer, &spec, &error));
    world_close(&world);
}

/* What somebody who could write there earlier may have left in the sandbox. */
static struct run *run_in_prepared(const char *trap, const char *target) {
    struct run *run;
    char path[256];
    struct container_spec spec = world_spec(&world, "true", &run);
    struct container_mount mount = {.source = source, .target = target, .is_given = true};
    snprintf(path, sizeof(path), "%s/%s", run->sandbox, trap);
    assert_int_equal(symlink(world.directory, path), 0);
    spec.mounts = &mount;
    spec.mount_count = 1;
    world_launch(&world, &spec);
    world_await_end(&world, run);
    return run;
}

TEST(a_link_in_the_sandbox_leads_no_mount_anywhere) {
    char path[256];
    open_with_volume();

    struct run *last = run_in_prepared("data", "data");
    assert_true(last->launch_failed);
    assert_non_null(strstr(last->reason, "mount a volume"));
    struct run *inner = run_in_prepared("data", "data/x");

    assert_true(inner->launch_failed);
    snprintf(path, sizeof(path), "%s/x", world.directory);
    assert_int_not_equal(access(path, F_OK), 0);
    world_close(&world);
}

static int count_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat, (void)type, (void)ftw;
    assert_null(strstr(path, "/old"));
    return 0;
}

TEST(who_walks_the_sandbox_on_the_host_never_meets_the_volume) {
    struct run *run;
    struct error error = {0};
    open_with_volume();
    struct container_spec spec = world_spec(&world, "echo ready > data/ready; sleep 1000", &run);
    struct container_mount mount = {.source = source, .target = "data", .is_given = true};
    spec.mounts = &mount;
    spec.mount_count = 1;
    world_launch(&world, &spec);
    world_await_start(&world, run);
    while (!exists("ready")) /* until then it may still make files in its sandbox */
        poll(NULL, 0, 1);
    world_await_file(&world, run, "stdout");
    world_await_file(&world, run, "stderr");

    assert_int_equal(nftw(run->sandbox, count_entry, 16, FTW_PHYS), 0);
    if (!tree_remove(run->sandbox, &error))
        fail_msg("%s", error.message);
    assert_true(exists("old"));

    assert_true(containerizer_destroy(world.containerizer, text_of(run->id), &error));
    world_await_end(&world, run);
    assert_true(exists("old"));
    world_close(&world);
}

TEST(a_file_system_mounted_as_a_whole_is_a_volume_too) {
    open_with_volume();
    assert_int_equal(mount("tmpfs", source, "tmpfs", 0, "mode=0755"), 0);

    struct run *run =
        run_with("echo new > data/new",
                 (struct container_mount){.source = source, .target = "data", .is_given = true});

    assert_int_equal(run->termination.exit_code, 0);
    assert_true(exists("new") && !exists("old"));
    assert_int_equal(umount(source), 0);
    world_close(&world);
}
