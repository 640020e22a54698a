/*
 * From "its output has been read" to "it is printed". At the end of a turn the journal is synced
 * once, then the ends of tasks are acknowledged, then whatever is next in line is printed.
 *
 * A stdout that may block is written to only when it has room, and never more than a pipe takes at
 * once, so that between a write and its record in the journal there is nothing that waits. How much
 * of a regular file is printed its size tells, and no record is needed.
 */
#include "cli/each.h"

#include "common/runtime/files.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_CHUNK_BYTES = 256 << 10, WHY_LINE_BYTES = 60 };

void each_outcome_free(struct each *each, struct each_outcome *outcome) {
    if (outcome == NULL)
        return;
    spooled_fini(&outcome->output, &each->spool);
    spooled_fini(&outcome->errors, &each->spool);
    mem_free(outcome->why);
    mem_free(outcome);
}

/* --- completing --- */

static struct each_outcome *outcome_of(struct each_task *task) {
    struct each_outcome *outcome = NEW(struct each_outcome);
    const Mesos__V1__TaskStatus *status = task->ended;
    outcome->exit_code = task_exit_code(status);
    outcome->end = task_end_of(status);
    if (outcome->exit_code != CLI_OK && !task_end_is_plain(status) && status->message != NULL)
        outcome->why = mem_dup_string(status->message);
    outcome->output = task->streams[0].bytes;
    outcome->errors = task->streams[1].bytes;
    task->streams[0].bytes = task->streams[1].bytes = (struct spooled){0};
    return outcome;
}

void each_note_done(struct each *each, size_t line) {
    struct each_outcome *outcome = each->lines[line].outcome;
    struct error error;
    if (each->journal == NULL)
        return;
    if (!each_journal_append_done(each->journal, line, each_outcome_pack(outcome), &outcome->output,
                                  &outcome->errors, &each->spool, &error))
        each_fail(each, &error);
    each->needs_sync = true;
}

void each_complete(struct each *each, struct each_task *task) {
    struct each_line *line = &each->lines[task->line];
    VEC_PUSH(&each->acknowledge, MESOS_COPY(task->ended));
    loop_defer(each->loop, &each->settle_task);
    if (task_exit_code(task->ended) != CLI_OK && line->failures < each->retries) {
        line->failures++;
        each_again(each, task);
        each_place(each);
        return;
    }
    line->outcome = outcome_of(task);
    line->state = LINE_DONE;
    each->done_count++;
    each->failed_count += line->outcome->exit_code != CLI_OK;
    size_t index = task->line;
    each_task_free(each, task);
    each_note_done(each, index);
}

/* --- printing --- */

static bool note_position(struct each *each, struct error *error) {
    struct each_journal_record record = {
        .kind = JOURNAL_POSITION, .line = each->print_line, .value = each->print_offset};
    return each->journal == NULL || each->output_is_file ||
           each_journal_append(each->journal, &record, (struct text){0}, error);
}

static void print_errors(struct each *each, const struct each_outcome *outcome) {
    char chunk[4096];
    ssize_t got;
    uint64_t offset = 0;
    if (outcome->errors.size > 0)
        each_clear_progress(each);
    while ((got = spooled_read(&outcome->errors, offset, chunk, sizeof(chunk), NULL)) > 0) {
        fd_write_all(STDERR_FILENO, (struct text){chunk, (size_t)got}, NULL);
        offset += (uint64_t)got;
    }
}

static void tell_line(struct each *each, const struct each_outcome *outcome) {
    struct text line = each->input.lines.items[each->print_line];
    if (each->is_told_line)
        return;
    each->is_told_line = true;
    if (!each->common.json)
        print_errors(each, outcome);
    if (outcome->exit_code == CLI_OK)
        return;
    each_say(each, "line %zu (%.*s%s): %s%s%d%s", each->print_line + 1,
             (int)(line.size < WHY_LINE_BYTES ? line.size : WHY_LINE_BYTES), line.data,
             line.size < WHY_LINE_BYTES ? "" : "...", outcome->why != NULL ? outcome->why : "",
             outcome->why != NULL ? " (exit code " : "exit code ", outcome->exit_code,
             outcome->why != NULL ? ")" : "");
}

static bool output_has_room(const struct each *each) {
    struct pollfd poll_fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return each->output_is_file || poll(&poll_fd, 1, 0) == 1;
}

/* Of what is printed of the line on stdout, from print_offset on. */
static ssize_t read_printed(struct each *each, const struct each_outcome *outcome, char *out,
                            size_t size, struct error *error) {
    if (!each->common.json)
        return spooled_read(&outcome->output, each->print_offset, out, size, error);
    if (each->json.size == 0 && !each_make_json(each, each->print_line, error))
        return -1;
    struct text rest = text_sub(buf_text(&each->json), (size_t)each->print_offset, size);
    if (rest.size > 0)
        memcpy(out, rest.data, rest.size);
    return (ssize_t)rest.size;
}

/* One write of the line's output; *done when there was nothing left. */
static bool print_some(struct each *each, const struct each_outcome *outcome, bool *done,
                       struct error *error) {
    static char chunk[FILE_CHUNK_BYTES];
    size_t limit = each->output_is_file ? sizeof(chunk) : PIPE_BUF;
    ssize_t got = read_printed(each, outcome, chunk, limit, error);
    *done = got == 0;
    if (got <= 0)
        return got == 0;
    ssize_t put = write(STDOUT_FILENO, chunk, (size_t)got);
    if (put < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (put < 0)
        return fail(error, errno == EPIPE ? ERROR_CLOSED : ERROR_LIMIT, "write to stdout: %m");
    each->print_offset += (uint64_t)put;
    return note_position(each, error);
}

static void next_line(struct each *each) {
    struct each_line *line = &each->lines[each->print_line];
    each_outcome_free(each, line->outcome);
    line->outcome = NULL;
    buf_clear(&each->json);
    each->print_line++;
    each->print_offset = 0;
    each->is_told_line = false;
}

static void wait_for_room(struct each *each, bool wait) {
    if (each->output_watch != NULL && wait != each->output_is_stuck)
        loop_watch_set(each->output_watch, wait ? LOOP_WRITE : LOOP_NONE);
    each->output_is_stuck = wait;
}

static void print_ready(struct each *each) {
    struct error error;
    while (!each->is_over && each->print_line < each->input.lines.count) {
        const struct each_outcome *outcome = each->lines[each->print_line].outcome;
        bool done;
        if (outcome == NULL)
            break;
        tell_line(each, outcome);
        if (!output_has_room(each)) {
            wait_for_room(each, true);
            return;
        }
        if (!print_some(each, outcome, &done, &error)) {
            if (error.code == ERROR_CLOSED)
                each_finish(each, 128 + SIGPIPE);
            else
                each_fail(each, &error);
            return;
        }
        if (done)
            next_line(each);
    }
    wait_for_room(each, false);
    if (each->print_line == each->input.lines.count)
        each_finish(each, each->cluster_failures > 0 ? CLI_TASK_LOST
                          : each->failed_count > 0   ? CLI_SOME_FAILED
                                                     : CLI_OK);
}

void each_settle(void *self) {
    struct each *each = self;
    struct error error;
    if (each->needs_sync && !each_journal_sync(each->journal, &error)) {
        each_fail(each, &error);
        return;
    }
    each->needs_sync = false;
    VEC_EACH(status, &each->acknowledge) {
        mesos_scheduler_driver_acknowledge_status_update(each->driver.driver, *status);
        mesos_message_free(&(*status)->base);
    }
    each->acknowledge.count = 0;
    if (each->driver.driver != NULL)
        driver_loop_touch(&each->driver);
    print_ready(each);
}

static void on_room(void *self, unsigned events) {
    (void)events;
    print_ready(self);
}

bool each_start_output(struct each *each, struct error *error) {
    struct stat info;
    if (fstat(STDOUT_FILENO, &info) != 0)
        return fail(error, ERROR_INVALID, "stdout: %m");
    each->output_is_file = S_ISREG(info.st_mode);
    /* What cannot be waited for, as /dev/null, never blocks either. */
    if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || isatty(STDOUT_FILENO))
        each->output_watch = loop_watch_new(each->loop, STDOUT_FILENO, LOOP_NONE, on_room, each);
    return true;
}
