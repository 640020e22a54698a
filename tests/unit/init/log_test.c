#include "init/log.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HALF = 4096 };

struct scene {
    char path[64];
    struct log log;
    int writer;
};

static struct scene scene_open(void) {
    struct scene scene = {.path = "/tmp/log-test-XXXXXX"};
    int ends[2];
    assert_non_null(mkdtemp(scene.path));
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    scene.writer = ends[1];
    scene.log = (struct log){
        .pipe = ends[0],
        .directory = open(scene.path, O_PATH | O_DIRECTORY | O_CLOEXEC),
        .name = "out",
        .older = "out.1",
        .half_bytes = HALF,
    };
    return scene;
}

static void scene_close(struct scene *scene) {
    unlinkat(scene->log.directory, "out", 0);
    unlinkat(scene->log.directory, "out.1", 0);
    close(scene->log.directory);
    close(scene->log.file);
    if (scene->log.pipe >= 0)
        close(scene->log.pipe);
    if (scene->writer >= 0)
        close(scene->writer);
    rmdir(scene->path);
}

static void say(struct scene *scene, size_t size) {
    char bytes[HALF * 2];
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(write(scene->writer, bytes, size), size);
}

static int64_t size_of(const struct scene *scene, const char *name) {
    struct stat stat;
    return fstatat(scene->log.directory, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 ? stat.st_size : -1;
}

TEST(what_comes_through_the_pipe_is_in_the_file) {
    struct scene scene = scene_open();
    log_open(&scene.log);
    say(&scene, 100);

    assert_int_equal(log_pump(&scene.log), LOG_DRAINED);

    assert_int_equal(size_of(&scene, "out"), 100);
    scene_close(&scene);
}

TEST(a_full_file_is_put_aside_only_when_more_comes) {
    struct scene scene = scene_open();
    log_open(&scene.log);
    say(&scene, HALF);
    log_pump(&scene.log);
    assert_int_equal(log_pump(&scene.log), LOG_DRAINED);
    assert_int_equal(scene.log.rotations, 0);

    say(&scene, 10);
    log_pump(&scene.log);

    assert_int_equal(scene.log.rotations, 1);
    assert_int_equal(size_of(&scene, "out"), 10);
    assert_int_equal(size_of(&scene, "out.1"), HALF);
    scene_close(&scene);
}

TEST(the_end_of_all_writers_ends_the_log) {
    struct scene scene = scene_open();
    log_open(&scene.log);
    say(&scene, 5);
    close(scene.writer);
    scene.writer = -1;

    assert_int_equal(log_pump(&scene.log), LOG_ENDED);

    assert_int_equal(scene.log.pipe, -1);
    assert_int_equal(size_of(&scene, "out"), 5);
    scene_close(&scene);
}

TEST(a_full_file_at_the_end_of_all_writers_is_not_put_aside) {
    struct scene scene = scene_open();
    log_open(&scene.log);
    say(&scene, HALF);
    close(scene.writer);
    scene.writer = -1;

    assert_int_equal(log_pump(&scene.log), LOG_ENDED);

    assert_int_equal(scene.log.rotations, 0);
    assert_int_equal(size_of(&scene, "out"), HALF);
    scene_close(&scene);
}

TEST(a_file_that_is_there_is_continued) {
    struct scene scene = scene_open();
    int file = openat(scene.log.directory, "out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(file, "old", 3), 3);
    close(file);

    log_open(&scene.log);
    say(&scene, 4);
    log_pump(&scene.log);

    assert_int_equal(size_of(&scene, "out"), 7);
    scene_close(&scene);
}

TEST(without_a_file_output_is_dropped_and_counted_and_nobody_waits) {
    struct scene scene = scene_open();
    assert_int_equal(symlinkat("/etc/passwd", scene.log.directory, "out"), 0);

    log_open(&scene.log);
    say(&scene, 1000);

    assert_int_equal(scene.log.file, -1);
    assert_int_equal(log_pump(&scene.log), LOG_DRAINED);
    assert_int_equal(scene.log.dropped_bytes, 1000);
    scene_close(&scene);
}

TEST(a_file_that_cannot_be_put_aside_is_emptied) {
    struct scene scene = scene_open();
    log_open(&scene.log);
    assert_int_equal(mkdirat(scene.log.directory, "out.1", 0700), 0);

    say(&scene, HALF + 7);
    log_pump(&scene.log);

    assert_int_equal(scene.log.rotations, 1);
    assert_int_equal(size_of(&scene, "out"), 7);
    unlinkat(scene.log.directory, "out.1", AT_REMOVEDIR);
    scene_close(&scene);
}
