/*
 * What a program that was compiled against our headers relies on: sizes and offsets of the public
 * structs and the names the library exports. A difference from abi.txt or exports.txt means a new
 * soname (or, for names that only came in addition, a new list): ABI_UPDATE=1 writes both.
 */
#include "mesos/executor.h"
#include "mesos/scheduler.h"
#include "tests/support/unit.h"

#include "common/base/buf.h"
#include "common/runtime/child.h"

#include <stdio.h>
#include <stdlib.h>

static void put_struct(struct buf *out, const char *name, size_t size) {
    buf_printf(out, "%s %zu\n", name, size);
}

static void put_field(struct buf *out, const char *name, size_t offset) {
    buf_printf(out, "    %s %zu\n", name, offset);
}

#define STRUCT(name) put_struct(out, #name, sizeof(struct name))
#define FIELD(name, field) put_field(out, #field, offsetof(struct name, field))

static void put_callbacks(struct buf *out) {
    STRUCT(mesos_scheduler_callbacks);
    FIELD(mesos_scheduler_callbacks, size);
    FIELD(mesos_scheduler_callbacks, user);
    FIELD(mesos_scheduler_callbacks, registered);
    FIELD(mesos_scheduler_callbacks, reregistered);
    FIELD(mesos_scheduler_callbacks, disconnected);
    FIELD(mesos_scheduler_callbacks, resource_offers);
    FIELD(mesos_scheduler_callbacks, offer_rescinded);
    FIELD(mesos_scheduler_callbacks, inverse_offers);
    FIELD(mesos_scheduler_callbacks, inverse_offer_rescinded);
    FIELD(mesos_scheduler_callbacks, status_update);
    FIELD(mesos_scheduler_callbacks, framework_message);
    FIELD(mesos_scheduler_callbacks, agent_lost);
    FIELD(mesos_scheduler_callbacks, executor_lost);
    FIELD(mesos_scheduler_callbacks, error);
    FIELD(mesos_scheduler_callbacks, output);
    FIELD(mesos_scheduler_callbacks, call_dropped);
    FIELD(mesos_scheduler_callbacks, connect_failed);
    FIELD(mesos_scheduler_callbacks, request_status);
    FIELD(mesos_scheduler_callbacks, operation_status);
    FIELD(mesos_scheduler_callbacks, call_refused);
    STRUCT(mesos_executor_callbacks);
    FIELD(mesos_executor_callbacks, size);
    FIELD(mesos_executor_callbacks, user);
    FIELD(mesos_executor_callbacks, registered);
    FIELD(mesos_executor_callbacks, reregistered);
    FIELD(mesos_executor_callbacks, disconnected);
    FIELD(mesos_executor_callbacks, launch_task);
    FIELD(mesos_executor_callbacks, kill_task);
    FIELD(mesos_executor_callbacks, framework_message);
    FIELD(mesos_executor_callbacks, shutdown);
    FIELD(mesos_executor_callbacks, error);
}

static void put_options(struct buf *out) {
    STRUCT(mesos_scheduler_options);
    FIELD(mesos_scheduler_options, size);
    FIELD(mesos_scheduler_options, master);
    FIELD(mesos_scheduler_options, framework);
    FIELD(mesos_scheduler_options, explicit_acknowledgements);
    FIELD(mesos_scheduler_options, suppressed_roles);
    FIELD(mesos_scheduler_options, suppressed_role_count);
    FIELD(mesos_scheduler_options, offer_constraints);
    STRUCT(mesos_framework_update);
    FIELD(mesos_framework_update, size);
    FIELD(mesos_framework_update, framework);
    FIELD(mesos_framework_update, suppressed_roles);
    FIELD(mesos_framework_update, suppressed_role_count);
    FIELD(mesos_framework_update, offer_constraints);
    STRUCT(mesos_request_status);
    FIELD(mesos_request_status, size);
    FIELD(mesos_request_status, name);
    FIELD(mesos_request_status, role);
    FIELD(mesos_request_status, feasible);
    FIELD(mesos_request_status, message);
    FIELD(mesos_request_status, nearest);
    STRUCT(mesos_accept);
    FIELD(mesos_accept, size);
    FIELD(mesos_accept, offer_ids);
    FIELD(mesos_accept, offer_count);
    FIELD(mesos_accept, operations);
    FIELD(mesos_accept, operation_count);
    FIELD(mesos_accept, tasks);
    FIELD(mesos_accept, task_count);
    FIELD(mesos_accept, filters);
    STRUCT(mesos_executor_options);
    FIELD(mesos_executor_options, size);
    FIELD(mesos_executor_options, agent);
    FIELD(mesos_executor_options, framework_id);
    FIELD(mesos_executor_options, executor_id);
    FIELD(mesos_executor_options, checkpoint);
    FIELD(mesos_executor_options, recovery_timeout_ms);
    FIELD(mesos_executor_options, shutdown_grace_ms);
    FIELD(mesos_executor_options, keep_process);
    STRUCT(mesos_error);
    FIELD(mesos_error, message);
}

static void put_output(struct buf *out) {
    STRUCT(mesos_output_request);
    FIELD(mesos_output_request, size);
    FIELD(mesos_output_request, task_id);
    FIELD(mesos_output_request, agent_id);
    FIELD(mesos_output_request, framework_id);
    FIELD(mesos_output_request, stream);
    FIELD(mesos_output_request, follow);
    FIELD(mesos_output_request, offset);
    STRUCT(mesos_output);
    FIELD(mesos_output, size);
    FIELD(mesos_output, channel);
    FIELD(mesos_output, offset);
    FIELD(mesos_output, bytes);
    FIELD(mesos_output, byte_count);
    FIELD(mesos_output, end);
    FIELD(mesos_output, message);
    STRUCT(mesos_output_reader_options);
    FIELD(mesos_output_reader_options, size);
    FIELD(mesos_output_reader_options, master);
    FIELD(mesos_output_reader_options, user);
    FIELD(mesos_output_reader_options, output);
    FIELD(mesos_output_reader_options, connect_timeout_ms);
}

static void read_all(FILE *from, struct buf *out) {
    char piece[4096];
    size_t got;
    assert_non_null(from);
    while ((got = fread(piece, 1, sizeof(piece), from)) > 0)
        buf_append(out, piece, got);
}

static void compare(const char *path, struct buf *actual) {
    const char *update = getenv("ABI_UPDATE");
    if (update != NULL && strcmp(update, "1") == 0) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fwrite(actual->data, 1, actual->size, file);
        fclose(file);
    }
    AUTO_FINI(buf_fini) struct buf stored = {0};
    FILE *file = fopen(path, "r");
    read_all(file, &stored);
    fclose(file);
    assert_string_equal(buf_string(actual), buf_string(&stored));
}

TEST(public_structs_are_as_the_soname_promises) {
    AUTO_FINI(buf_fini) struct buf lines = {0};

    put_callbacks(&lines);
    put_options(&lines);
    put_output(&lines);

    compare(ABI_DIRECTORY "/abi.txt", &lines);
}

static void run_nm(struct buf *out) {
    const char *argv[] = {"nm", "-D", "--defined-only", "--format=posix", LIBMESOS, NULL};
    struct child_options options = {.argv = argv, .output = CHILD_PIPE, .errors = CHILD_INHERIT};
    struct child_exit exit;
    struct error error;
    setenv("LC_ALL", "C", 1); /* the order of its lines */
    assert_true(child_call(&options, 60000, 16 << 20, &exit, out, NULL, &error));
    assert_false(exit.was_signalled);
    assert_int_equal(exit.code, 0);
}

TEST(nothing_but_the_drivers_and_the_generated_messages_is_exported) {
    AUTO_FINI(buf_fini) struct buf names = {0};
    AUTO_FINI(buf_fini) struct buf ours = {0};
    size_t generated = 0;
    run_nm(&names);

    struct text rest = buf_text(&names), name;
    while (text_split(&rest, '\n', &name)) {
        struct text line = name;
        text_split(&line, ' ', &name);
        if (text_starts_with(name, TEXT("mesos__v1__")) ||
            text_starts_with(name, TEXT("google__protobuf__")))
            generated++;
        else if (name.size > 0)
            buf_printf(&ours, "%.*s\n", TEXT_ARGS(name));
    }

    assert_true(generated > 1000);
    compare(ABI_DIRECTORY "/exports.txt", &ours);
}
