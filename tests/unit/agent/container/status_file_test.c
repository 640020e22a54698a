#include "agent/container/status_file.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

static int open_directory(char path[64]) {
    snprintf(path, 64, "/tmp/status-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void count(void *self, const char *id) {
    assert_string_equal(id, "c");
    ++*(int *)self;
}

TEST(a_status_file_tells_head_and_record_and_goes) {
    char path[64];
    int directory = open_directory(path), found = 0;
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .start_time = 7};
    struct record record = {.magic = RECORD_MAGIC, .ended = 1, .wait_status = 9};
    struct status status;

    int file = status_create(directory, "c", NULL);
    assert_true(status_write_head(file, &head));
    assert_true(status_read(directory, "c", &status));
    assert_int_equal(status.record.ended, 0);
    assert_int_equal(pwrite(file, &record, sizeof(record), RECORD_OFFSET), sizeof(record));
    assert_true(status_read(directory, "c", &status));
    status_each(directory, count, &found);

    assert_int_equal(status.head.pid, 42);
    assert_int_equal(status.record.wait_status, 9);
    assert_int_equal(found, 1);
    assert_int_equal(status_create(directory, "c", NULL), -1);
    status_remove(directory, "c");
    assert_false(status_read(directory, "c", &status));
    close(file);
    close(directory);
    rmdir(path);
}

TEST(a_status_file_of_another_boot_names_no_process) {
    char path[64];
    int directory = open_directory(path);
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .start_time = 7, .boot = 1};
    struct record record = {.magic = RECORD_MAGIC, .ended = 1, .wait_status = 9};
    struct status status;

    int file = status_create(directory, "c", NULL);
    assert_true(status_write_head(file, &head));
    assert_int_equal(pwrite(file, &record, sizeof(record), RECORD_OFFSET), sizeof(record));
    assert_true(status_read(directory, "c", &status));

    assert_int_equal(status.head.pid, 0);
    assert_int_equal(status.record.wait_status, 9);
    status_remove(directory, "c");
    close(file);
    close(directory);
    rmdir(path);
}

TEST(the_time_to_stop_is_written_alone_and_read_by_who_has_the_file) {
    char path[64];
    int directory = open_directory(path);
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .stop_at_ms = 5};
    struct status status;
    int64_t stop_at_ms = 0;

    int file = status_create(directory, "c", NULL);
    assert_true(status_write_head(file, &head));
    assert_true(status_write_stop_at(directory, "c", 7));
    assert_false(status_write_stop_at(directory, "other", 7));

    assert_int_equal(
        pread(file, &stop_at_ms, sizeof(stop_at_ms), offsetof(struct record_head, stop_at_ms)),
        sizeof(stop_at_ms));
    assert_int_equal(stop_at_ms, 7);
    assert_true(status_read(directory, "c", &status));
    assert_int_equal(status.head.stop_at_ms, 7);
    assert_int_equal(status.head.pid, 42);
    status_remove(directory, "c");
    close(file);
    close(directory);
    rmdir(path);
}

TEST(a_head_of_an_agent_that_knew_of_no_such_time_is_read_as_never) {
    char path[64];
    int directory = open_directory(path);
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .start_time = 7};
    struct record record = {.magic = RECORD_MAGIC, .ended = 1, .wait_status = 9};
    size_t old_size = offsetof(struct record_head, stop_at_ms);
    struct status status;

    int file = status_create(directory, "c", NULL);
    assert_int_equal(pwrite(file, &head, old_size, 0), old_size);
    assert_true(status_read(directory, "c", &status));
    assert_int_equal(status.head.pid, 42);
    assert_int_equal(status.head.stop_at_ms, 0);
    assert_int_equal(pwrite(file, &record, sizeof(record), RECORD_OFFSET), sizeof(record));
    assert_true(status_read(directory, "c", &status));

    assert_int_equal(status.head.stop_at_ms, 0);
    assert_int_equal(status.record.wait_status, 9);
    assert_int_equal(status.record.stopped, 0);
    status_remove(directory, "c");
    close(file);
    close(directory);
    rmdir(path);
}

TEST(a_process_is_known_by_pid_and_the_time_it_began) {
    uint64_t mine = process_start_time(getpid());

    int found = process_open(getpid(), mine);

    assert_true(mine > 0 && found >= 0);
    assert_int_equal(process_open(getpid(), mine + 1), -1);
    assert_int_equal(process_open(0, 1), -1);
    close(found);
}
