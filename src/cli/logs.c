/*
 * mesos logs ID: what a task wrote, relayed by the master. With -f it goes on until the task has
 * ended; a connection that is lost meanwhile is made again, and reading goes on where it was.
 */
#include "cli/cli.h"
#include "cli/json_line.h"
#include "cli/task_list.h"
#include "common/runtime/files.h"
#include "common/runtime/loop.h"
#include "mesos/output.h"

#include <stdio.h>
#include <unistd.h>

enum { READ_AGAIN_MS = 500, PATIENCE_MS = 60000 };

struct logs {
    struct cli_common common;
    bool follow, errors;
    struct loop *loop;
    struct mesos_output_reader *reader;
    struct loop_watch *watch;
    struct loop_timer deadline_timer, again_timer;
    const char *task_id, *agent_id, *framework_id; /* borrowed from the list */
    uint64_t offset, channel;
    struct buf rest;       /* --json: the beginning of a character whose end is yet to come */
    int64_t lost_since_ms; /* 0: not lost */
    int exit_code;
};

/* One object for the bytes, which end where `end` says. */
static bool write_piece(struct logs *logs, struct text bytes, uint64_t end) {
    AUTO(json_decref) json_t *piece = json_object();
    json_object_set_new(piece, "stream", json_string(logs->errors ? "stderr" : "stdout"));
    json_object_set_new(piece, "offset", json_integer((json_int_t)(end - bytes.size)));
    json_object_set_new(piece, "data", json_line_string(bytes));
    return bytes.size == 0 || json_line_write(piece);
}

static bool write_rest(struct logs *logs) {
    bool ok = write_piece(logs, buf_text(&logs->rest), logs->offset);
    buf_clear(&logs->rest);
    return ok;
}

static void finish(struct logs *logs, int exit_code) {
    logs->exit_code = write_rest(logs) ? exit_code : cli_fail_write("logs");
    logs->channel = 0; /* what still comes is not for us */
    loop_stop(logs->loop);
}

static void turn(struct logs *logs) {
    mesos_output_reader_process(logs->reader);
    loop_timer_arm(&logs->deadline_timer, mesos_output_reader_deadline_ms(logs->reader));
}

static void ask(void *self) {
    struct logs *logs = self;
    struct mesos_output_request request = {
        .size = sizeof(request),
        .task_id = logs->task_id,
        .agent_id = logs->agent_id[0] != '\0' ? logs->agent_id : NULL,
        .framework_id = logs->framework_id,
        .stream = logs->errors ? MESOS_OUTPUT_STDERR : MESOS_OUTPUT_STDOUT,
        .follow = logs->follow,
        .offset = logs->offset};
    logs->channel = mesos_output_reader_read(logs->reader, &request);
    if (logs->channel == 0)
        finish(logs, CLI_UNREACHABLE);
    turn(logs);
}

static void lose(struct logs *logs, const struct mesos_output *output) {
    int64_t now_ms = loop_now_ms(logs->loop);
    if (logs->lost_since_ms == 0)
        logs->lost_since_ms = now_ms;
    if (logs->follow && now_ms - logs->lost_since_ms < PATIENCE_MS) {
        loop_timer_arm(&logs->again_timer, now_ms + READ_AGAIN_MS);
        return;
    }
    fprintf(stderr, "mesos logs: %s\n", output->message);
    finish(logs, CLI_UNREACHABLE);
}

/* What begins a character waits for the rest of it, unless that was dropped. */
static bool write_pieces(struct logs *logs, const struct mesos_output *output) {
    struct buf *rest = &logs->rest;
    if (output->offset != logs->offset && !write_rest(logs))
        return false;
    buf_append(rest, output->bytes, output->byte_count);
    logs->offset = output->offset + output->byte_count;
    size_t whole = json_line_whole(buf_text(rest));
    bool ok =
        write_piece(logs, text_sub(buf_text(rest), 0, whole), logs->offset - (rest->size - whole));
    buf_consume(rest, whole);
    return ok;
}

static bool write_output(struct logs *logs, const struct mesos_output *output) {
    logs->lost_since_ms = 0;
    if (logs->common.json)
        return write_pieces(logs, output);
    logs->offset = output->offset + output->byte_count;
    return fd_write_all(STDOUT_FILENO, (struct text){output->bytes, output->byte_count}, NULL);
}

static void on_output(void *self, struct mesos_output_reader *reader,
                      const struct mesos_output *output) {
    struct logs *logs = self;
    (void)reader;
    if (output->channel != logs->channel)
        return;
    if (output->byte_count > 0 && !write_output(logs, output)) {
        buf_clear(&logs->rest);
        finish(logs, cli_fail_write("logs"));
        return;
    }
    switch (output->end) {
    case MESOS_OUTPUT_OPEN: break;
    case MESOS_OUTPUT_COMPLETE: finish(logs, CLI_OK); break;
    case MESOS_OUTPUT_NOT_FOUND:
        fprintf(stderr, "mesos logs: %s\n", output->message);
        finish(logs, CLI_NOT_FOUND);
        break;
    case MESOS_OUTPUT_UNAVAILABLE: lose(logs, output); break;
    case MESOS_OUTPUT_CANCELLED:
    case MESOS_OUTPUT_ERROR:
        fprintf(stderr, "mesos logs: %s\n", output->message);
        finish(logs, CLI_FAILED);
        break;
    }
}

static void on_ready(void *self, unsigned events) {
    (void)events;
    turn(self);
}

static void on_deadline(void *self) {
    turn(self);
}

static bool read_all(struct logs *logs, struct error *error) {
    struct mesos_error why;
    struct mesos_output_reader_options options = {
        .size = sizeof(options), .master = logs->common.master, .user = logs, .output = on_output};
    logs->loop = loop_new(error);
    if (logs->loop == NULL)
        return false;
    logs->reader = mesos_output_reader_new(&options, &why);
    if (logs->reader == NULL)
        return fail(error, ERROR_INVALID, "%s", why.message);
    loop_timer_init(&logs->deadline_timer, logs->loop, on_deadline, logs);
    loop_timer_init(&logs->again_timer, logs->loop, ask, logs);
    logs->watch =
        loop_watch_new(logs->loop, mesos_output_reader_fd(logs->reader), LOOP_READ, on_ready, logs);
    loop_timer_arm(&logs->again_timer, loop_now_ms(logs->loop));
    loop_run(logs->loop);
    return true;
}

static void fini(struct logs *logs) {
    loop_timer_disarm(&logs->deadline_timer);
    loop_timer_disarm(&logs->again_timer);
    loop_watch_free(logs->watch);
    mesos_output_reader_free(logs->reader);
    buf_fini(&logs->rest);
    loop_free(logs->loop);
}

static int show(struct logs *logs, const char *id) {
    AUTO(json_decref) json_t *tasks = NULL;
    json_t *task;
    struct error error;
    if (!task_list_get(logs->common.master, TASK_LIST_ALL, &tasks, &error) ||
        !query_by_prefix(tasks, "task_id.value", id, "task", &task, &error))
        return cli_fail("logs", &error);
    logs->task_id = query_string(task, "task_id.value");
    logs->agent_id = query_string(task, "agent_id.value");
    logs->framework_id = query_string(task, "framework_id.value");
    bool ok = read_all(logs, &error);
    fini(logs);
    return ok ? logs->exit_code : cli_fail("logs", &error);
}

int cli_logs(int argc, char **argv) {
    struct logs logs = {0};
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&logs.common),
        CLI_FLAG_JSON(&logs.common),
        {.name = "follow",
         .letter = 'f',
         .kind = FLAG_BOOL,
         .boolean = &logs.follow,
         .help = "Go on until the task has ended."},
        {.name = "stderr",
         .kind = FLAG_BOOL,
         .boolean = &logs.errors,
         .help = "What it wrote to stderr, instead of stdout."},
    };
    struct flag_table table = {.program = "mesos logs",
                               .usage = "ID [flags]",
                               .summary = "Prints what a task wrote. The beginning of its id is "
                                          "enough.",
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0]),
                               .takes_arguments = true};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (arguments.words.count == 1) {
        exit_code = show(&logs, arguments.words.items[0]);
    } else {
        fprintf(stderr, "mesos logs: one task id is wanted\n");
        exit_code = CLI_USAGE;
    }
    flags_fini(&table, &arguments);
    return exit_code;
}
