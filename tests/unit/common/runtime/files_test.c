#include "common/runtime/files.h"

#include "tests/support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char root[40];
    char path[5][100];
};

static void begin(struct place *place) {
    snprintf(place->root, sizeof(place->root), "/tmp/files_test.XXXXXX");
    assert_non_null(mkdtemp(place->root));
    for (int i = 0; i < 5; i++)
        snprintf(place->path[i], sizeof(place->path[i]), "%s/%d", place->root, i);
}

static void end(struct place *place) {
    assert_true(tree_remove(place->root, NULL));
    assert_int_not_equal(access(place->root, F_OK), 0);
}

TEST(what_is_written_is_read_back_and_replaced_whole) {
    struct place place;
    AUTO_FINI(buf_fini) struct buf content = {0};
    begin(&place);

    assert_true(file_write(place.path[0], TEXT("one"), 0600, NULL));
    assert_true(file_write(place.path[0], TEXT("two"), 0640, NULL));
    assert_true(file_read(place.path[0], 3, &content, NULL));

    struct stat stat_of;
    assert_int_equal(stat(place.path[0], &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0640);
    assert_text_equal(buf_text(&content), "two");
    end(&place);
}

TEST(a_file_beyond_the_limit_and_one_that_is_missing_are_told_apart) {
    struct place place;
    AUTO_FINI(buf_fini) struct buf content = {0};
    struct error error;
    begin(&place);
    assert_true(file_write(place.path[0], TEXT("four"), 0600, NULL));

    assert_false(file_read(place.path[0], 3, &content, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_false(file_read(place.path[1], 3, &content, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);

    assert_int_equal(content.size, 0);
    end(&place);
}

TEST(directories_are_made_with_their_parents_and_a_file_in_the_way_is_an_error) {
    struct place place;
    char deep[200];
    begin(&place);
    snprintf(deep, sizeof(deep), "%s/a/b/c", place.root);

    assert_true(directory_make(deep, 0755, NULL));
    assert_true(directory_make(deep, 0755, NULL));
    assert_true(file_write(place.path[0], TEXT("x"), 0600, NULL));
    assert_false(directory_make(place.path[0], 0755, NULL));

    end(&place);
}

TEST(a_path_below_a_directory_cannot_leave_it) {
    struct place place;
    struct error error;
    begin(&place);
    AUTO_FD int root = open(place.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("/tmp", root, "out"), 0);

    assert_int_equal(directory_open_below(root, "x/../..", true, 0755, &error), -1);
    assert_int_equal(error.code, ERROR_REFUSED);
    assert_int_equal(directory_open_below(root, "out", true, 0755, &error), -1);
    AUTO_FD int inside = directory_open_below(root, "/x/y", true, 0755, NULL);

    assert_true(inside >= 0);
    end(&place);
}

TEST(removing_a_tree_does_not_follow_links_out_of_it) {
    struct place place, other;
    char link[200];
    begin(&place);
    begin(&other);
    assert_true(file_write(other.path[0], TEXT("kept"), 0600, NULL));
    snprintf(link, sizeof(link), "%s/link", place.root);
    assert_int_equal(symlink(other.root, link), 0);

    end(&place);

    assert_int_equal(access(other.path[0], F_OK), 0);
    end(&other);
}

TEST(a_lock_is_held_by_one_and_the_other_is_told_by_whom) {
    struct place place;
    struct error error;
    char pid[20];
    begin(&place);
    snprintf(pid, sizeof(pid), "pid %d", getpid());

    int first = file_lock(place.path[0], NULL);
    assert_true(first >= 0);
    assert_int_equal(file_lock(place.path[0], &error), -1);
    assert_int_equal(error.code, ERROR_EXISTS);
    assert_non_null(strstr(error.message, pid));
    close(first);
    AUTO_FD int second = file_lock(place.path[0], NULL);

    assert_true(second >= 0);
    end(&place);
}

/* Keeps the lock it was born with until `go` ends, and a while of work longer; its parent, whose
 * name is in the file, is dead then. */
static _Noreturn void leave_a_child_with_the_lock(const char *path, const int go[2]) {
    char byte, zeros[65536];
    if (file_lock(path, NULL) < 0)
        _exit(1);
    if (fork() != 0)
        _exit(0);
    close(go[1]);
    ssize_t got = read(go[0], &byte, 1);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2000 && got == 0; i++)
        got = read(zero, zeros, sizeof(zeros)) > 0 ? 0 : -1;
    _exit(0);
}

TEST(a_lock_that_a_dead_holders_child_still_has_is_waited_for) {
    struct place place;
    int go[2], status;
    struct error error = {0};
    begin(&place);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid_t holder = fork();
    if (holder == 0)
        leave_a_child_with_the_lock(place.path[0], go);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_int_equal(status, 0);
    close(go[0]);
    close(go[1]);

    AUTO_FD int fd = file_lock(place.path[0], &error);

    if (fd < 0)
        fail_msg("%s", error.message);
    end(&place);
}

TEST(free_space_is_no_more_than_all_of_it) {
    uint64_t free_bytes, total_bytes;

    assert_true(disk_free("/tmp", &free_bytes, &total_bytes, NULL));

    assert_true(free_bytes <= total_bytes && total_bytes > 0);
}
