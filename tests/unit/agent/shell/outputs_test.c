/*
 * Channels over real files. What outputs.c asks of others (where a sandbox is, how often its logs
 * have rotated, the way to the master) is answered here; a half is ten bytes.
 */
#include "agent/shell/outputs.h"

#include "agent/container/containerizer.h"
#include "agent/shell/containers.h"
#include "agent/shell/daemon.h"
#include "agent/shell/master_link.h"
#include "common/runtime/files.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HALF_BYTES = 10, PATIENCE_MS = 10000 };

static struct {
    struct daemon daemon;
    char directory[64];
    bool is_known, is_running, is_position_known;
    uint32_t rotations;
    uint64_t dropped_bytes;
    struct buf bytes;      /* of all DATA */
    uint64_t first_offset; /* of the first since it was cleared */
    bool has_data;
    enum channel_end end; /* 0: still open */
    char message[128];
} world;

bool agent_find_sandbox(const struct agent *agent, struct framework_id framework,
                        struct task_id task, struct sandbox_view *out) {
    (void)agent, (void)framework, (void)task;
    *out = (struct sandbox_view){.path = text_of(world.directory),
                                 .running = world.is_running,
                                 .stdout_rotations = world.rotations,
                                 .dropped_bytes = world.dropped_bytes};
    return world.is_known;
}

bool containers_log_position(struct containers *containers, struct text id,
                             struct container_log_position *out) {
    (void)containers, (void)id;
    out->stdout_rotations = world.rotations;
    return world.is_position_known;
}

int64_t containers_log_half_bytes(const struct containers *containers) {
    (void)containers;
    return HALF_BYTES;
}

void master_link_send_channel(struct master_link *link, struct text channel_message) {
    (void)link;
    AUTO(arena_free) struct arena *arena = arena_new();
    struct wire wire = {.arena = arena, .kinds = world.daemon.kinds};
    struct channel_message message;
    assert_true(channel_message_decode(&wire, channel_message, &message, NULL));
    if (message.kind == CHANNEL_CLOSE) {
        world.end = message.close.end;
        snprintf(world.message, sizeof(world.message), "%.*s", TEXT_ARGS(message.close.message));
        return;
    }
    assert_int_equal(message.kind, CHANNEL_DATA);
    if (!world.has_data)
        world.first_offset = message.data.offset;
    world.has_data = true;
    buf_append_text(&world.bytes, message.data.bytes);
}

static void begin(void) {
    struct error error;
    memset(&world, 0, sizeof(world));
    snprintf(world.directory, sizeof(world.directory), "/tmp/outputs-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    world.is_known = world.is_running = world.is_position_known = true;
    world.daemon.loop = loop_new(&error);
    world.daemon.log = log_new_stderr(LOG_LEVEL_ERROR);
    world.daemon.kinds = kinds_new();
    world.daemon.arena = arena_new();
    world.daemon.outputs = outputs_new(&world.daemon, &error);
    assert_non_null(world.daemon.outputs);
}

static void end(void) {
    struct error error;
    outputs_free(world.daemon.outputs);
    arena_free(world.daemon.arena);
    kinds_free(world.daemon.kinds);
    log_free(world.daemon.log);
    loop_free(world.daemon.loop);
    buf_fini(&world.bytes);
    assert_true(tree_remove(world.directory, &error));
}

static void write_file(const char *name, const char *content) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", world.directory, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    assert_true(fd >= 0 && fd_write_all(fd, text_of(content), NULL));
}

static void say(struct channel_message message) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    channel_message_encode(&message, &bytes);
    outputs_receive(world.daemon.outputs, buf_text(&bytes));
}

static void ask(uint64_t offset, bool follow, uint64_t window_bytes) {
    struct channel_message message = {.kind = CHANNEL_OPEN, .channel = 7};
    message.open.task.text = TEXT("task");
    message.open.stream = CHANNEL_STDOUT;
    message.open.offset = offset;
    message.open.follow = follow;
    message.open.window_bytes = window_bytes;
    say(message);
}

static void grant(uint64_t bytes) {
    say((struct channel_message){.kind = CHANNEL_WINDOW, .channel = 7, .window_bytes = bytes});
}

static void turn_until_size(size_t size) {
    int64_t deadline = loop_now_ms(world.daemon.loop) + PATIENCE_MS;
    while (world.bytes.size < size && loop_now_ms(world.daemon.loop) < deadline)
        loop_turn(world.daemon.loop, 100);
}

TEST(what_there_is_comes_and_then_the_end) {
    begin();
    write_file("stdout", "hello");

    ask(0, false, 100);

    assert_string_equal(buf_string(&world.bytes), "hello");
    assert_int_equal(world.end, CHANNEL_END_COMPLETE);
    end();
}

TEST(output_that_no_disk_took_makes_the_rest_no_complete_one) {
    begin();
    write_file("stdout", "hel");
    world.dropped_bytes = 2;

    ask(0, false, 100);

    assert_string_equal(buf_string(&world.bytes), "hel");
    assert_int_equal(world.end, CHANNEL_END_ERROR);
    assert_string_equal(world.message, "2 bytes of the task's output could not be written");
    end();
}

TEST(no_more_than_the_window_comes_until_more_is_granted) {
    begin();
    write_file("stdout", "hello");

    ask(0, false, 2);
    assert_string_equal(buf_string(&world.bytes), "he");
    assert_int_equal(world.end, 0);
    grant(10);

    assert_string_equal(buf_string(&world.bytes), "hello");
    assert_int_equal(world.end, CHANNEL_END_COMPLETE);
    end();
}

TEST(a_follower_gets_what_is_written_later_and_the_end_with_the_task) {
    begin();
    write_file("stdout", "one");

    ask(0, true, 100);
    assert_string_equal(buf_string(&world.bytes), "one");
    write_file("stdout", "two");
    turn_until_size(6);
    assert_string_equal(buf_string(&world.bytes), "onetwo");
    assert_int_equal(world.end, 0);
    world.is_running = false;
    outputs_wake(world.daemon.outputs);
    loop_turn(world.daemon.loop, 0);

    assert_int_equal(world.end, CHANNEL_END_COMPLETE);
    end();
}

TEST(a_rotated_log_is_read_across_its_files) {
    begin();
    world.rotations = 1;
    write_file("stdout.1", "0123456789");
    write_file("stdout", "abc");

    ask(4, false, 100);

    assert_string_equal(buf_string(&world.bytes), "456789abc");
    assert_int_equal(world.first_offset, 4);
    end();
}

TEST(offsets_jump_over_what_was_dropped) {
    begin();
    world.rotations = 3;
    write_file("stdout.1", "0123456789");
    write_file("stdout", "abc");

    ask(0, false, 100);

    assert_string_equal(buf_string(&world.bytes), "0123456789abc");
    assert_int_equal(world.first_offset, 20);
    end();
}

TEST(an_older_half_that_is_missing_or_short_is_jumped_over) {
    begin();
    world.rotations = 2;
    write_file("stdout", "abc");

    ask(12, false, 100);

    assert_string_equal(buf_string(&world.bytes), "abc");
    assert_int_equal(world.first_offset, 20);
    assert_int_equal(world.end, CHANNEL_END_COMPLETE);
    end();
}

TEST(while_the_position_is_not_known_nothing_is_read_and_nothing_ends) {
    begin();
    world.is_position_known = false;
    write_file("stdout", "abc");

    ask(0, false, 100);
    assert_int_equal(world.bytes.size, 0);
    assert_int_equal(world.end, 0);
    world.is_running = false;
    outputs_wake(world.daemon.outputs);
    loop_turn(world.daemon.loop, 0);

    assert_string_equal(buf_string(&world.bytes), "abc");
    assert_int_equal(world.end, CHANNEL_END_COMPLETE);
    end();
}

TEST(links_and_pipes_in_place_of_a_log_are_refused) {
    char path[128];
    begin();
    snprintf(path, sizeof(path), "%s/stdout", world.directory);

    assert_int_equal(symlink("/etc/passwd", path), 0);
    ask(0, false, 100);
    assert_int_equal(world.end, CHANNEL_END_ERROR);
    assert_string_equal(world.message, "the log is not a regular file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    world.end = 0;
    ask(0, true, 100);

    assert_int_equal(world.end, CHANNEL_END_ERROR);
    assert_int_equal(world.bytes.size, 0);
    end();
}

TEST(a_task_that_is_not_here_is_not_found) {
    begin();
    world.is_known = false;

    ask(0, true, 100);

    assert_int_equal(world.end, CHANNEL_END_NOT_FOUND);
    end();
}

TEST(a_channel_that_is_cancelled_says_so_and_sends_no_more) {
    begin();

    ask(0, true, 100);
    struct channel_message close = {.kind = CHANNEL_CLOSE, .channel = 7};
    close.close.end = CHANNEL_END_CANCELLED;
    say(close);
    write_file("stdout", "late");
    outputs_wake(world.daemon.outputs);
    loop_turn(world.daemon.loop, 0);

    assert_int_equal(world.end, CHANNEL_END_CANCELLED);
    assert_int_equal(world.bytes.size, 0);
    end();
}

TEST(what_is_no_channel_message_is_ignored) {
    begin();

    outputs_receive(world.daemon.outputs, TEXT("\xff\xff"));
    grant(5);

    assert_int_equal(world.end, 0);
    end();
}
