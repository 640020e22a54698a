#include "agent/container/status_file.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* A directory with the status file of "c". */
struct place {
    char path[64];
    int directory, file;
};

static struct place make_place(void) {
    struct place place = {.path = "/tmp/status-test-XXXXXX"};
    assert_non_null(mkdtemp(place.path));
    place.directory = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    place.file = status_create(place.directory, "c", NULL);
    return place;
}

static void remove_place(const struct place *place) {
    status_remove(place->directory, "c");
    close(place->file);
    close(place->directory);
    rmdir(place->path);
}

/* As mesos-init writes it when the task has ended. */
static void write_end(const struct place *place) {
    struct record record = {.magic = RECORD_MAGIC, .ended = 1, .wait_status = 9};
    assert_int_equal(pwrite(place->file, &record, sizeof(record), RECORD_OFFSET), sizeof(record));
}

static void count(void *self, const char *id) {
    assert_string_equal(id, "c");
    ++*(int *)self;
}

TEST(a_status_file_tells_head_and_record_and_goes) {
    struct place place = make_place();
    int found = 0;
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .start_time = 7};
    struct status status;

    assert_true(status_write_head(place.file, &head));
    assert_true(status_read(place.directory, "c", &status));
    assert_int_equal(status.record.ended, 0);
    write_end(&place);
    assert_true(status_read(place.directory, "c", &status));
    status_each(place.directory, count, &found);

    assert_int_equal(status.head.pid, 42);
    assert_int_equal(status.record.wait_status, 9);
    assert_int_equal(found, 1);
    assert_int_equal(status_create(place.directory, "c", NULL), -1);
    status_remove(place.directory, "c");
    assert_false(status_read(place.directory, "c", &status));
    remove_place(&place);
}

TEST(a_status_file_of_another_boot_names_no_process) {
    struct place place = make_place();
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .start_time = 7, .boot = 1};
    struct status status;

    assert_true(status_write_head(place.file, &head));
    write_end(&place);
    assert_true(status_read(place.directory, "c", &status));

    assert_int_equal(status.head.pid, 0);
    assert_int_equal(status.record.wait_status, 9);
    remove_place(&place);
}

TEST(the_time_to_stop_is_written_alone_and_read_by_who_has_the_file) {
    struct place place = make_place();
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .stop_at_ms = 5};
    struct status status;
    int64_t stop_at_ms = 0;

    assert_true(status_write_head(place.file, &head));
    assert_true(status_write_stop_at(place.directory, "c", 7));
    assert_false(status_write_stop_at(place.directory, "other", 7));

    assert_int_equal(pread(place.file, &stop_at_ms, sizeof(stop_at_ms),
                           offsetof(struct record_head, stop_at_ms)),
                     sizeof(stop_at_ms));
    assert_int_equal(stop_at_ms, 7);
    assert_true(status_read(place.directory, "c", &status));
    assert_int_equal(status.head.stop_at_ms, 7);
    assert_int_equal(status.head.pid, 42);
    remove_place(&place);
}

TEST(a_head_of_an_agent_that_knew_of_no_such_time_is_read_as_never) {
    struct place place = make_place();
    struct record_head head = {.magic = RECORD_MAGIC, .pid = 42, .start_time = 7};
    size_t old_size = offsetof(struct record_head, stop_at_ms);
    struct status status;

    assert_int_equal(pwrite(place.file, &head, old_size, 0), old_size);
    assert_true(status_read(place.directory, "c", &status));
    assert_int_equal(status.head.pid, 42);
    assert_int_equal(status.head.stop_at_ms, 0);
    write_end(&place);
    assert_true(status_read(place.directory, "c", &status));

    assert_int_equal(status.head.stop_at_ms, 0);
    assert_int_equal(status.record.wait_status, 9);
    assert_int_equal(status.record.stopped, 0);
    remove_place(&place);
}

TEST(a_process_is_known_by_pid_and_the_time_it_began) {
    uint64_t mine = process_start_time(getpid());

    int found = process_open(getpid(), mine);

    assert_true(mine > 0 && found >= 0);
    assert_int_equal(process_open(getpid(), mine + 1), -1);
    assert_int_equal(process_open(0, 1), -1);
    close(found);
}
