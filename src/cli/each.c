#include "cli/each.h"
#include "cli/query.h"

#include "common/base/mem.h"
#include "common/base/rng.h"
#include "common/runtime/files.h"
#include "common/runtime/random.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum {
    CONNECT_LIMIT_MS = 10000,
    PROGRESS_TERMINAL_MS = 100,
    PROGRESS_LINES_MS = 2000,
    MESSAGE_BYTES = 1000,
};

/* --- stderr --- */

void each_clear_progress(struct each *each) {
    if (each->progress_is_shown)
        fd_write_all(STDERR_FILENO, TEXT("\r\033[K"), NULL);
    each->progress_is_shown = false;
}

void each_say(struct each *each, const char *format, ...) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    each_clear_progress(each);
    buf_printf(&line, "mesos each: %s\n", text);
    fd_write_all(STDERR_FILENO, buf_text(&line), NULL);
}

static void show_progress(struct each *each) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    each_clear_progress(each);
    buf_printf(&line, "%zu of %zu done, %zu running", each->done_count, each->input.lines.count,
               each->launched_count);
    if (each->failed_count > 0)
        buf_printf(&line, ", %zu failed", each->failed_count);
    if (each->lost_count > 0)
        buf_printf(&line, ", %zu lost and run again", each->lost_count);
    if (each->has_registered && !each->is_registered)
        buf_append_string(&line, ", looking for the master");
    if (!is_terminal)
        buf_append_byte(&line, '\n');
    fd_write_all(STDERR_FILENO, buf_text(&line), NULL);
    each->progress_is_shown = is_terminal;
}

static void on_progress_timer(void *self) {
    struct each *each = self;
    show_progress(each);
    loop_timer_arm(&each->progress_timer,
                   loop_now_ms(each->loop) +
                       (isatty(STDERR_FILENO) == 1 ? PROGRESS_TERMINAL_MS : PROGRESS_LINES_MS));
}

/* --- the end --- */

void each_finish(struct each *each, int exit_code) {
    if (each->is_over)
        return;
    each->is_over = true;
    each->exit_code = exit_code;
    loop_stop(each->loop);
}

void each_fail(struct each *each, const struct error *error) {
    if (!each->is_over)
        each_say(each, "%s", error->message);
    each_finish(each, CLI_FAILED);
}

static void on_signal(void *self, int signal_number) {
    struct each *each = self;
    each_say(each, "stopped with %zu of %zu lines done%s", each->done_count,
             each->input.lines.count,
             each->journal != NULL ? "; the same command goes on from there" : "");
    each_finish(each, 128 + signal_number);
}

static void on_no_master(void *self) {
    struct each *each = self;
    AUTO(mem_free) char *shown = query_shown(each->common.master);
    each_say(each, "no master answers at %s%s%s", shown, each->connect_why[0] != '\0' ? ": " : "",
             each->connect_why);
    each_finish(each, each->has_registered ? CLI_TASK_LOST : CLI_UNREACHABLE);
}

static void on_restart(void *self) {
    struct each *each = self;
    struct error error;
    driver_loop_fini(&each->driver);
    loop_timer_arm(&each->connect_timer,
                   loop_now_ms(each->loop) +
                       query_patience_ms(each->common.master, CONNECT_LIMIT_MS));
    if (!each_start_driver(each, &error))
        each_fail(each, &error);
}

/* --- the beginning --- */

static bool check(struct each *each, struct error *error) {
    if (each->arguments.words.count == 0)
        return fail(error, ERROR_INVALID, "a command is wanted: mesos each [flags] -- COMMAND {}");
    return task_terms_check(&each->terms, error) &&
           input_read(each->input_path, &each->input, error);
}

static bool prepare(struct each *each, struct error *error) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct rng rng = random_rng();
    each->loop = loop_new(error);
    if (each->loop == NULL)
        return false;
    snprintf(each->prefix, sizeof(each->prefix), "%08x", (unsigned)rng_next(&rng));
    list_init(&each->unread);
    list_init(&each->reading);
    each->lines = NEW_ARRAY(struct each_line, each->input.lines.count + 1);
    loop_timer_init(&each->connect_timer, each->loop, on_no_master, each);
    loop_timer_init(&each->ask_timer, each->loop, each_on_ask_timer, each);
    loop_timer_init(&each->read_timer, each->loop, each_on_read_timer, each);
    loop_timer_init(&each->progress_timer, each->loop, on_progress_timer, each);
    loop_timer_init(&each->restart_timer, each->loop, on_restart, each);
    loop_timer_init(&each->offer_timer, each->loop, each_on_offer_timer, each);
    loop_task_init(&each->settle_task, each_settle, each);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (!loop_on_signal(each->loop, signals[i], on_signal, each, error))
            return false;
    }
    return (each->resume_path == NULL || each_resume(each, error)) &&
           each_start_output(each, error);
}

static bool start(struct each *each, struct error *error) {
    if (!check(each, error) || !prepare(each, error))
        return false;
    int64_t now_ms = loop_now_ms(each->loop);
    loop_defer(each->loop, &each->settle_task);
    if (each->done_count == each->input.lines.count)
        return true;
    loop_timer_arm(&each->connect_timer,
                   now_ms + query_patience_ms(each->common.master, CONNECT_LIMIT_MS));
    loop_timer_arm(&each->ask_timer, now_ms);
    bool wants_progress = each->shows_progress || isatty(STDERR_FILENO) == 1;
    if (wants_progress && !each->hides_progress)
        loop_timer_arm(&each->progress_timer, now_ms);
    return each_start_driver(each, error);
}

/* Tasks of a run that is to go on are left to it only when it did not end by our own will. */
static void stop_driver(struct each *each) {
    struct each_journal_record none = {.kind = JOURNAL_FRAMEWORK};
    if (each->driver.driver == NULL)
        return;
    VEC_EACH(status, &each->acknowledge) {
        mesos_scheduler_driver_acknowledge_status_update(each->driver.driver, *status);
    }
    if (each->is_registered) {
        if (each->journal != NULL)
            each_journal_append(each->journal, &none, (struct text){0}, NULL);
        mesos_scheduler_driver_stop(each->driver.driver, false);
        mesos_scheduler_driver_join(each->driver.driver);
    }
}

static void free_tasks(struct each *each) {
    MAP_EACH(entry, &each->tasks)
        each_task_free(each, map_value(entry));
    map_fini(&each->tasks, NULL);
    map_fini(&each->channels, NULL);
    for (size_t i = 0; each->lines != NULL && i < each->input.lines.count; i++)
        each_outcome_free(each, each->lines[i].outcome);
    mem_free(each->lines);
    VEC_EACH(status, &each->acknowledge)
        mesos_message_free(&(*status)->base);
    VEC_FINI(&each->acknowledge);
    VEC_EACH(offer, &each->offers)
        mesos_message_free(&offer->offer->base);
    VEC_FINI(&each->offers);
    VEC_FINI(&each->again);
}

static void end(struct each *each) {
    struct loop_timer *timers[] = {&each->connect_timer,  &each->ask_timer,     &each->read_timer,
                                   &each->progress_timer, &each->restart_timer, &each->offer_timer};
    stop_driver(each);
    free_tasks(each);
    loop_task_cancel(&each->settle_task);
    driver_loop_fini(&each->driver);
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
        loop_timer_disarm(timers[i]);
    loop_watch_free(each->output_watch);
    each_journal_free(each->journal);
    spool_fini(&each->spool);
    buf_fini(&each->largest);
    buf_fini(&each->json);
    input_fini(&each->input);
    loop_free(each->loop);
}

static int run(struct each *each) {
    struct error error;
    int exit_code;
    if (start(each, &error)) {
        loop_run(each->loop);
        bool shows = each->shows_progress || each->progress_is_shown;
        if (shows && !each->hides_progress)
            show_progress(each);
        if (each->progress_is_shown)
            fd_write_all(STDERR_FILENO, TEXT("\n"), NULL);
        exit_code = each->exit_code;
    } else {
        exit_code = cli_fail("each", &error);
    }
    end(each);
    return exit_code;
}

int cli_each(int argc, char **argv) {
    struct each each = {0};
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&each.common),
        CLI_FLAG_JSON(&each.common),
        {.name = "parallel",
         .letter = 'P',
         .kind = FLAG_INTEGER,
         .integer = &each.at_once,
         .preset = "10000",
         .minimum = 1,
         .maximum = EACH_AT_ONCE_LIMIT,
         .help = "So many tasks at once at most; fewer when the cluster has no room for them."},
        {.name = "input",
         .kind = FLAG_STRING,
         .string = &each.input_path,
         .metavar = "FILE",
         .help = "Read the lines from here instead of stdin."},
        {.name = "resume",
         .kind = FLAG_STRING,
         .string = &each.resume_path,
         .metavar = "FILE",
         .help = "Keep a journal in FILE. After a crash the same command goes on from there, and "
                 "prints what had not been printed."},
        {.name = "retries",
         .kind = FLAG_INTEGER,
         .integer = &each.retries,
         .preset = "0",
         .maximum = 1000,
         .help = "Run a command that failed again, so many times. Tasks that were "
                 "lost are run again without it."},
        {.name = "patience",
         .kind = FLAG_DURATION,
         .duration_ms = &each.patience_ms,
         .preset = "1mins",
         .help = "How long an agent may be away before its lines are run again."},
        {.name = "progress",
         .kind = FLAG_BOOL,
         .boolean = &each.shows_progress,
         .help = "Tell on stderr how far it is, also when that is no terminal."},
        {.name = "quiet",
         .kind = FLAG_BOOL,
         .boolean = &each.hides_progress,
         .help = "Do not tell."},
        TASK_TERMS_FLAGS(&each.terms),
    };
    struct flag_table table = {
        .program = "mesos each",
        .usage = "[flags] -- COMMAND... {}",
        .summary = "Runs a command for every line of input, each as a task of its own, and prints "
                   "what they write in the order of the lines. {} stands for the line; without it "
                   "the line is the last argument.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = flags,
        .count = sizeof(flags) / sizeof(flags[0]),
        .takes_arguments = true,
        .stops_at_argument = true};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &each.arguments, &exit_code))
        return exit_code;
    exit_code = run(&each);
    flags_fini(&table, &each.arguments);
    return exit_code;
}
