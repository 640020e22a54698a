/*
 * What a task writes reaches whoever follows it, through agent and master, whole and in order.
 */
#include "tests/integration/cluster/framework.h"

#include "common/base/buf.h"
#include "tests/support/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cluster cluster;

/* Everything that came of one channel. */
struct reading {
    struct mesos_output_reader *reader;
    struct buf bytes;
    uint64_t next_offset;
    enum mesos_output_end end;
};

static void on_output(void *user, struct mesos_output_reader *reader,
                      const struct mesos_output *output) {
    struct reading *reading = user;
    (void)reader;
    if (output->end != MESOS_OUTPUT_OPEN) {
        reading->end = output->end;
        return;
    }
    assert_int_equal(output->offset, reading->next_offset);
    reading->next_offset = output->offset + output->byte_count;
    buf_append(&reading->bytes, output->bytes, output->byte_count);
}

static void ask(struct reading *reading, const char *task) {
    struct mesos_output_reader_options options = {.size = sizeof(options),
                                                  .master = cluster.master_address,
                                                  .user = reading,
                                                  .output = on_output};
    struct mesos_output_request request = {
        .size = sizeof(request), .task_id = task, .stream = MESOS_OUTPUT_STDOUT, .follow = true};
    struct mesos_error error;
    *reading = (struct reading){0};
    reading->reader = mesos_output_reader_new(&options, &error);
    if (reading->reader == NULL)
        fail_msg("no reader: %s", error.message);
    assert_true(mesos_output_reader_fd(reading->reader) >= 0);
    assert_true(mesos_output_reader_read(reading->reader, &request) > 0);
}

/* Until so much has come or the channel has ended. */
static void turn(struct reading *reading, size_t size) {
    struct pollfd ready = {.fd = mesos_output_reader_fd(reading->reader), .events = POLLIN};
    while (reading->end == MESOS_OUTPUT_OPEN && reading->bytes.size < size) {
        int64_t wait_ms = mesos_output_reader_deadline_ms(reading->reader) - now_ms();
        bool is_due = wait_ms <= WAIT_MS;
        int got = poll(&ready, 1, (int)(is_due ? (wait_ms > 0 ? wait_ms : 0) : WAIT_MS));
        if (got == 0 && !is_due)
            cluster_fail(&cluster, "no more output after %zu bytes", reading->bytes.size);
        mesos_output_reader_process(reading->reader);
    }
}

static void drop(struct reading *reading) {
    mesos_output_reader_free(reading->reader);
    buf_fini(&reading->bytes);
}

static struct framework *begin(void) {
    return framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
}

TEST(two_megabytes_come_whole_and_end_with_the_task) {
    enum { LINES = 300000 };
    struct framework *framework = begin();
    struct reading reading;
    AUTO_FINI(buf_fini) struct buf wanted = {0};
    framework_launch(framework, (struct wish){.id = "seq", .command = "seq 300000", .mem_mb = 32});
    framework_wait(framework, "seq", MESOS__V1__TASK_STATE__TASK_RUNNING);

    ask(&reading, "seq");
    turn(&reading, SIZE_MAX);

    for (int i = 1; i <= LINES; i++)
        buf_printf(&wanted, "%d\n", i);
    assert_int_equal(reading.end, MESOS_OUTPUT_COMPLETE);
    assert_int_equal(reading.bytes.size, wanted.size);
    assert_memory_equal(reading.bytes.data, wanted.data, wanted.size);
    drop(&reading);
    framework_end(framework);
}

TEST(a_follower_hears_each_line_when_it_is_written) {
    struct framework *framework = begin();
    struct reading reading;
    char command[300];
    const char *gate = cluster_path(&cluster, "gate");
    assert_int_equal(mkfifo(gate, 0666), 0);
    snprintf(command, sizeof(command), "echo one; read x < %s; echo two", gate);
    framework_launch(framework, (struct wish){.id = "task", .command = command});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);

    ask(&reading, "task");
    turn(&reading, 4);
    assert_string_equal(buf_string(&reading.bytes), "one\n");
    int fd = open(gate, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "\n", 1), 1);
    close(fd);
    turn(&reading, SIZE_MAX);

    assert_string_equal(buf_string(&reading.bytes), "one\ntwo\n");
    assert_int_equal(reading.end, MESOS_OUTPUT_COMPLETE);
    drop(&reading);
    framework_end(framework);
}

TEST(a_follower_is_told_when_the_agent_is_gone_and_when_there_is_no_such_task) {
    struct framework *framework = begin();
    struct reading reading;
    framework_launch(framework, (struct wish){.id = "task", .command = "echo x; exec sleep 1000"});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);

    ask(&reading, "no-such-task");
    turn(&reading, SIZE_MAX);
    assert_int_equal(reading.end, MESOS_OUTPUT_NOT_FOUND);
    drop(&reading);
    ask(&reading, "task");
    turn(&reading, 2);
    process_end(&cluster.agents[0], SIGKILL);
    turn(&reading, SIZE_MAX);

    assert_int_equal(reading.end, MESOS_OUTPUT_UNAVAILABLE);
    drop(&reading);
    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.agents[0], " registered ");
    framework_end(framework);
}
