#include "common/runtime/child.h"

#include "common/base/buf.h"
#include "common/runtime/loop.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, LIMIT_BYTES = 1 << 20 };

TEST(a_child_gives_its_output_and_its_exit_code) {
    const char *const argv[] = {"sh", "-c", "echo out; echo err >&2; exit 7", NULL};
    AUTO_FINI(buf_fini) struct buf out = {0};
    AUTO_FINI(buf_fini) struct buf err = {0};
    struct child_exit status;

    assert_true(child_call(&(struct child_options){.argv = argv}, PATIENCE_MS, LIMIT_BYTES, &status,
                           &out, &err, NULL));

    assert_false(status.was_signalled);
    assert_int_equal(status.code, 7);
    assert_text_equal(buf_text(&out), "out\n");
    assert_text_equal(buf_text(&err), "err\n");
}

TEST(a_program_that_is_not_there_is_an_error_and_no_child) {
    const char *const argv[] = {"no-such-program-here", NULL};
    struct child_exit status;
    struct error error;

    assert_false(child_call(&(struct child_options){.argv = argv}, PATIENCE_MS, LIMIT_BYTES,
                            &status, NULL, NULL, &error));

    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "no-such-program-here"));
}

TEST(a_child_inherits_nothing_but_its_stdio) {
    const char *const argv[] = {"sh", "-c", "ls /proc/self/fd | wc -l", NULL};
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct child_exit status;
    int leaked = open("/dev/null", O_RDONLY);

    assert_true(child_call(&(struct child_options){.argv = argv}, PATIENCE_MS, LIMIT_BYTES, &status,
                           &out, NULL, NULL));

    close(leaked);
    assert_text_equal(text_trim(buf_text(&out)), "4"); /* ls has its directory open */
}

TEST(a_child_that_writes_without_end_is_stopped_at_the_limit) {
    const char *const argv[] = {"yes", NULL};
    struct child_exit status;
    struct error error;

    assert_false(child_call(&(struct child_options){.argv = argv}, PATIENCE_MS, 10000, &status,
                            NULL, NULL, &error));

    assert_int_equal(error.code, ERROR_LIMIT);
}

TEST(a_child_that_does_not_end_in_time_is_given_up) {
    const char *const argv[] = {"sh", "-c", "read forever", NULL};
    struct child_exit status;
    struct error error;
    struct child_options options = {.argv = argv, .input = CHILD_PIPE};

    assert_false(child_call(&options, 50, LIMIT_BYTES, &status, NULL, NULL, &error));

    assert_int_equal(error.code, ERROR_TIMEOUT);
}

struct watch {
    struct loop *loop;
    struct child_exit status;
};

static void note_exit(void *self, struct child_exit status) {
    struct watch *watch = self;
    watch->status = status;
    loop_stop(watch->loop);
}

TEST(a_signal_ends_a_child_and_is_told_as_such) {
    const char *const argv[] = {"cat", NULL};
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct watch watch = {.loop = loop};
    struct child_options options = {
        .argv = argv, .input = CHILD_PIPE, .own_group = true, .dies_with_us = true};

    struct child *child = child_start(loop, &options, note_exit, &watch, NULL);
    assert_non_null(child);
    assert_true(child_signal(child, SIGTERM, NULL));
    loop_run(loop);

    assert_true(watch.status.was_signalled);
    assert_int_equal(watch.status.code, SIGTERM);
    assert_false(child_signal(child, SIGTERM, NULL));
    child_free(child);
}

TEST(freeing_a_child_ends_it) {
    const char *const argv[] = {"cat", NULL};
    AUTO(loop_free) struct loop *loop = loop_new(NULL);
    struct watch watch = {.loop = loop};
    struct child_options options = {.argv = argv, .input = CHILD_PIPE};
    struct child *child = child_start(loop, &options, note_exit, &watch, NULL);
    pid_t pid = child_pid(child);

    child_free(child);

    assert_int_equal(kill(pid, 0), -1);
}
