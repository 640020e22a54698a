/*
 * mesos run: one task as a framework of its own. What it writes is followed through the driver's
 * channels and asked for again, from where we were, when a connection was lost; its last status is
 * acknowledged when all of its output has been read, so that whatever restarts meanwhile still
 * knows the task. With --json the outputs are kept, up to a limit, and told with the end.
 */
#include "cli/cli.h"
#include "cli/driver_loop.h"
#include "cli/json_line.h"
#include "cli/query.h"
#include "cli/task_request.h"
#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/runtime/files.h"
#include "common/runtime/random.h"
#include "common/base/uuid.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CONNECT_LIMIT_MS = 5000,    /* to find a master for the first time */
    RECONNECT_LIMIT_MS = 60000, /* to find one again */
    EXPLAIN_AFTER_MS = 2000,    /* without a fitting offer */
    ASK_AGAIN_MS = 2000,        /* what became of a task that nothing was heard of */
    READ_AGAIN_MS = 200,        /* output that could not be reached */
    OUTPUT_PATIENCE_MS = 30000, /* for the output of a task that has ended */
    LAUNCHES_LIMIT = 20,        /* of a task that was dropped before it began */
    STREAMS = 2,
};
static const double failover_seconds = 60, refuse_seconds = 3600;

struct stream {
    enum mesos_output_stream kind;
    int fd;
    uint64_t channel; /* 0: not open */
    uint64_t offset;
    struct buf kept; /* --json: instead of being written */
    bool is_complete, is_cut;
};

struct run {
    struct cli_common common;
    struct task_terms terms;
    struct flag_arguments arguments;
    struct loop *loop;
    struct driver_loop driver;
    struct loop_timer connect_timer, explain_timer, ask_timer, read_timer, patience_timer;
    struct stream streams[STREAMS];
    char id_prefix[9];
    unsigned launches;
    char task_id[64]; /* "": not launched */
    char *agent_id;
    struct buf largest; /* the best offer that did not do */
    int64_t largest_cpu_milli;
    Mesos__V1__TaskStatus *last; /* a copy of the one that ended the task */
    char connect_why[256];
    char framework_id[256];
    char said[700];       /* what was told last */
    char infeasible[500]; /* what the master says of the request; "": it can be met */
    int64_t begun_ms;
    bool is_registered, has_registered, has_started, is_told_why;
    int interrupts;
    int exit_code;
    bool is_over;
};

static void say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct run *run, const char *format, ...) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->said, sizeof(run->said), format, arguments);
    va_end(arguments);
    buf_printf(&line, "mesos run: %s\n", run->said);
    fd_write_all(STDERR_FILENO, buf_text(&line), NULL);
}

static void finish(struct run *run, int exit_code) {
    if (run->is_over)
        return;
    run->is_over = true;
    run->exit_code = exit_code;
    loop_stop(run->loop);
}

static void arm_in(struct run *run, struct loop_timer *timer, int64_t ms) {
    loop_timer_arm(timer, loop_now_ms(run->loop) + ms);
}

/* --- output --- */

static void open_streams(struct run *run) {
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *stream = &run->streams[i];
        if (stream->is_complete || stream->channel != 0)
            continue;
        struct mesos_output_request request = {.size = sizeof(request),
                                               .task_id = run->task_id,
                                               .agent_id = run->agent_id,
                                               .stream = stream->kind,
                                               .follow = true,
                                               .offset = stream->offset};
        stream->channel = mesos_scheduler_driver_read_output(run->driver.driver, &request);
        if (stream->channel == 0)
            arm_in(run, &run->read_timer, READ_AGAIN_MS);
    }
    driver_loop_touch(&run->driver);
}

static void read_again(void *self) {
    struct run *run = self;
    if (run->is_registered)
        open_streams(run);
    else
        arm_in(run, &run->read_timer, READ_AGAIN_MS);
}

static void end_task(struct run *run) {
    int exit_code = task_exit_code(run->last);
    const char *why = run->last->message != NULL ? run->last->message : "";
    bool was_stopped = task_was_drained(run->last) || task_was_cut_off(run->last);
    if (was_stopped && exit_code == CLI_OK) /* it took SIGTERM well, and is not done */
        exit_code = 128 + SIGTERM;
    if (was_stopped || (exit_code != CLI_OK && !task_end_is_plain(run->last)))
        say(run, "%s%s%s", task_state_word(run->last->state), why[0] != '\0' ? ": " : "", why);
    mesos_scheduler_driver_acknowledge_status_update(run->driver.driver, run->last);
    finish(run, exit_code);
}

static void check_end(struct run *run) {
    if (run->last == NULL)
        return;
    for (size_t i = 0; i < STREAMS; i++) {
        if (!run->streams[i].is_complete && run->has_started)
            return;
    }
    end_task(run);
}

static void give_up_output(void *self) {
    struct run *run = self;
    for (size_t i = 0; i < STREAMS; i++)
        run->streams[i].is_cut |= !run->streams[i].is_complete;
    say(run, "the rest of the task's output could not be read in %d seconds",
        OUTPUT_PATIENCE_MS / 1000);
    end_task(run);
}

/* One byte more than an object shows tells that there was more. */
static void keep_bytes(struct stream *stream, struct text bytes) {
    size_t room = JSON_LINE_OUTPUT_LIMIT_BYTES + 1 - stream->kept.size;
    buf_append_text(&stream->kept, text_sub(bytes, 0, room));
    stream->is_cut |= stream->kept.size > JSON_LINE_OUTPUT_LIMIT_BYTES;
}

static void take_bytes(struct run *run, struct stream *stream, const struct mesos_output *output) {
    stream->is_cut |= output->offset > stream->offset;
    if (output->offset > stream->offset)
        say(run, "%llu bytes of output were dropped: they came faster than they could be read",
            (unsigned long long)(output->offset - stream->offset));
    struct text bytes = {output->bytes, output->byte_count};
    if (output->offset < stream->offset)
        bytes = text_sub(bytes, stream->offset - output->offset, bytes.size);
    stream->offset = output->offset + output->byte_count;
    if (run->common.json)
        keep_bytes(stream, bytes);
    else if (!fd_write_all(stream->fd, bytes, NULL))
        finish(run, cli_fail_write("run"));
}

static void on_output(void *self, struct mesos_scheduler_driver *driver,
                      const struct mesos_output *output) {
    struct run *run = self;
    (void)driver;
    struct stream *stream = &run->streams[0];
    if (stream->channel != output->channel)
        stream++;
    if (stream->channel != output->channel || run->is_over)
        return;
    if (output->byte_count > 0)
        take_bytes(run, stream, output);
    if (output->end == MESOS_OUTPUT_OPEN)
        return;
    stream->channel = 0;
    if (output->end == MESOS_OUTPUT_COMPLETE) {
        stream->is_complete = true;
        check_end(run);
    } else if (output->end == MESOS_OUTPUT_ERROR) {
        say(run, "its output cannot be read: %s", output->message);
        stream->is_complete = stream->is_cut = true;
        check_end(run);
    } else {
        arm_in(run, &run->read_timer, READ_AGAIN_MS);
    }
}

/* --- the task's news --- */

static void ask_about_task(struct run *run) {
    if (run->task_id[0] == '\0' || run->last != NULL)
        return;
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    Mesos__V1__TaskID task_id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    task_id.value = run->task_id;
    agent_id.value = run->agent_id;
    status.task_id = &task_id;
    status.agent_id = &agent_id;
    const Mesos__V1__TaskStatus *const statuses[] = {&status};
    mesos_scheduler_driver_reconcile_tasks(run->driver.driver, statuses, 1);
    arm_in(run, &run->ask_timer, ASK_AGAIN_MS);
    driver_loop_touch(&run->driver);
}

static void on_ask_timer(void *self) {
    struct run *run = self;
    if (run->is_registered)
        ask_about_task(run);
}

static bool never_began(const struct run *run, const Mesos__V1__TaskStatus *status) {
    return !run->has_started && run->launches < LAUNCHES_LIMIT && run->interrupts == 0 &&
           (status->state == MESOS__V1__TASK_STATE__TASK_DROPPED ||
            (status->state == MESOS__V1__TASK_STATE__TASK_LOST && status->has_reason &&
             status->reason == MESOS__V1__TASK_STATUS__REASON__REASON_INVALID_OFFERS));
}

/* The request has the name of the framework. */
static void ask_for_one(struct run *run) {
    AUTO_FINI(buf_fini) struct buf name = {0};
    buf_printf(&name, "mesos run %s", run->arguments.words.items[0]);
    task_request_send(run->driver.driver, &run->terms,
                      run->terms.name != NULL ? run->terms.name : buf_string(&name), 1);
    driver_loop_touch(&run->driver);
}

/* It may go to the next offer, under another id. */
static void launch_again(struct run *run) {
    run->task_id[0] = '\0';
    loop_timer_disarm(&run->ask_timer);
    ask_for_one(run);
    mesos_scheduler_driver_revive_offers(run->driver.driver, NULL, 0);
    arm_in(run, &run->explain_timer, EXPLAIN_AFTER_MS);
}

static void take_end(struct run *run, const Mesos__V1__TaskStatus *status) {
    if (never_began(run, status)) {
        mesos_scheduler_driver_acknowledge_status_update(run->driver.driver, status);
        launch_again(run);
        return;
    }
    run->last = MESOS_COPY(status);
    loop_timer_disarm(&run->ask_timer);
    /* Who was never seen to run may yet have run: there is output unless it was refused. */
    bool has_output = run->has_started || status->termination != NULL;
    if (has_output && task_exit_code(status) != CLI_TASK_LOST) {
        run->has_started = true;
        arm_in(run, &run->patience_timer, OUTPUT_PATIENCE_MS);
        open_streams(run);
    } else {
        run->has_started = false;
    }
    check_end(run);
}

static void on_status(void *self, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct run *run = self;
    if (strcmp(status->task_id->value, run->task_id) != 0) {
        mesos_scheduler_driver_acknowledge_status_update(driver, status);
        return;
    }
    if (run->last != NULL)
        return;
    if (task_state_has_ended(status->state)) {
        take_end(run, status);
        return;
    }
    mesos_scheduler_driver_acknowledge_status_update(driver, status);
    switch (status->state) {
    case MESOS__V1__TASK_STATE__TASK_RUNNING:
    case MESOS__V1__TASK_STATE__TASK_KILLING:
        run->has_started = true;
        loop_timer_disarm(&run->ask_timer);
        open_streams(run);
        break;
    case MESOS__V1__TASK_STATE__TASK_UNREACHABLE:
        say(run, "the task's agent cannot be reached; waiting for it");
        break;
    case MESOS__V1__TASK_STATE__TASK_STAGING:
    case MESOS__V1__TASK_STATE__TASK_STARTING:
    case MESOS__V1__TASK_STATE__TASK_UNKNOWN:
    case MESOS__V1__TASK_STATE__TASK_FINISHED:
    case MESOS__V1__TASK_STATE__TASK_FAILED:
    case MESOS__V1__TASK_STATE__TASK_KILLED:
    case MESOS__V1__TASK_STATE__TASK_ERROR:
    case MESOS__V1__TASK_STATE__TASK_LOST:
    case MESOS__V1__TASK_STATE__TASK_DROPPED:
    case MESOS__V1__TASK_STATE__TASK_GONE:
    case MESOS__V1__TASK_STATE__TASK_GONE_BY_OPERATOR:
    case _MESOS__V1__TASK_STATE_IS_INT_SIZE: break;
    }
}

/* --- offers --- */

static void decline(struct run *run, const Mesos__V1__Offer *offer) {
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    /* What does not fit now may do so when others have ended, so ask again before long. */
    filters.refuse_seconds = run->task_id[0] != '\0' ? refuse_seconds : 1;
    mesos_scheduler_driver_decline_offer(run->driver.driver, offer->id, &filters);
}

static bool launch(struct run *run, const Mesos__V1__Offer *offer) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct offer_stock stock = offer_stock_of(offer, &run->terms, arena);
    char id[sizeof(run->task_id)];
    snprintf(id, sizeof(id), "run-%s.%u", run->id_prefix, run->launches + 1);
    const Mesos__V1__TaskInfo *task = offer_stock_cut(
        &stock, &run->terms, id, run->arguments.words.items, run->arguments.words.count, arena);
    if (task == NULL) {
        int64_t cpu_milli = offer_stock_left_milli(&stock, "cpus");
        if (cpu_milli > run->largest_cpu_milli || run->largest.size == 0) {
            run->largest_cpu_milli = cpu_milli;
            buf_clear(&run->largest);
            offer_stock_print(&stock, &run->largest);
        }
        return false;
    }
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = refuse_seconds;
    run->launches++;
    snprintf(run->task_id, sizeof(run->task_id), "%s", id);
    mem_free(run->agent_id);
    run->agent_id = mem_dup_string(offer->agent_id->value);
    mesos_scheduler_driver_launch_tasks(run->driver.driver, offer->id, &task, 1, &filters);
    loop_timer_disarm(&run->explain_timer);
    arm_in(run, &run->ask_timer, ASK_AGAIN_MS);
    return true;
}

static void on_offers(void *self, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    struct run *run = self;
    bool launched = false;
    for (size_t i = 0; i < count; i++) {
        if (run->task_id[0] == '\0' && run->interrupts == 0 && launch(run, offers[i]))
            launched = true;
        else
            decline(run, offers[i]);
    }
    if (launched)
        mesos_scheduler_driver_suppress_offers(driver, NULL, 0);
}

/* Told at once, and the task waits on for an agent that can. Where there are no agents at all they
 * may be about to come: that is told with what is waited for. */
static void on_request_status(void *self, struct mesos_scheduler_driver *driver,
                              const struct mesos_request_status *status) {
    struct run *run = self;
    (void)driver;
    bool is_new = !status->feasible && strcmp(run->infeasible, status->message) != 0;
    snprintf(run->infeasible, sizeof(run->infeasible), "%s",
             status->feasible ? "" : status->message);
    if (is_new && status->nearest != NULL && run->task_id[0] == '\0') {
        loop_timer_disarm(&run->explain_timer);
        say(run, "waiting: %s", run->infeasible);
    }
}

static void explain(void *self) {
    struct run *run = self;
    AUTO_FINI(buf_fini) struct buf wanted = {0};
    task_terms_print(&run->terms, &wanted);
    if (!run->is_registered || run->task_id[0] != '\0')
        return;
    if (run->infeasible[0] != '\0')
        say(run, "waiting: %s", run->infeasible);
    else if (run->largest.size == 0)
        say(run, "waiting: nothing has been offered yet; %s are wanted (mesos why %s)",
            buf_string(&wanted), run->framework_id);
    else
        say(run, "waiting: %s are wanted, and the largest offer is %s", buf_string(&wanted),
            buf_string(&run->largest));
}

/* --- the connection --- */

static void on_up(struct run *run) {
    run->is_registered = run->has_registered = true;
    loop_timer_disarm(&run->connect_timer);
    if (run->task_id[0] == '\0')
        arm_in(run, &run->explain_timer, EXPLAIN_AFTER_MS);
    else
        ask_about_task(run);
}

static void on_registered(void *self, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *framework_id,
                          const Mesos__V1__MasterInfo *master) {
    struct run *run = self;
    (void)driver;
    (void)master;
    snprintf(run->framework_id, sizeof(run->framework_id), "%s", framework_id->value);
    on_up(run);
}

static void on_reregistered(void *self, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__MasterInfo *master) {
    (void)driver;
    (void)master;
    on_up(self);
}

static void on_disconnected(void *self, struct mesos_scheduler_driver *driver) {
    struct run *run = self;
    (void)driver;
    run->is_registered = false;
    arm_in(run, &run->connect_timer, RECONNECT_LIMIT_MS);
}

static void on_connect_failed(void *self, struct mesos_scheduler_driver *driver, const char *why) {
    struct run *run = self;
    (void)driver;
    if (run->connect_why[0] == '\0')
        say(run, "waiting for a master: %s", why);
    snprintf(run->connect_why, sizeof(run->connect_why), "%s", why);
}

static void on_no_master(void *self) {
    struct run *run = self;
    AUTO(mem_free) char *shown = query_shown(run->common.master);
    say(run, "no master answers at %s%s%s", shown, run->connect_why[0] != '\0' ? ": " : "",
        run->connect_why);
    finish(run, run->has_registered ? CLI_TASK_LOST : CLI_UNREACHABLE);
}

static void on_error(void *self, struct mesos_scheduler_driver *driver, const char *message) {
    struct run *run = self;
    (void)driver;
    say(run, "the master says: %s", message);
    finish(run, run->task_id[0] != '\0' ? CLI_TASK_LOST : CLI_FAILED);
}

/* --- being interrupted --- */

static void kill_task(struct run *run, bool at_once) {
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__KillPolicy policy = MESOS__V1__KILL_POLICY__INIT;
    Mesos__V1__DurationInfo grace = MESOS__V1__DURATION_INFO__INIT;
    id.value = run->task_id;
    agent_id.value = run->agent_id;
    policy.grace_period = &grace;
    mesos_scheduler_driver_kill_task(run->driver.driver, &id, &agent_id, at_once ? &policy : NULL);
    driver_loop_touch(&run->driver);
}

static void on_signal(void *self, int signal_number) {
    struct run *run = self;
    run->interrupts++;
    if (run->task_id[0] == '\0' || run->interrupts > 2 || !run->is_registered)
        finish(run, 128 + signal_number);
    else
        kill_task(run, run->interrupts == 2);
}

/* --- the object of --json --- */

static json_t *reason_of(const Mesos__V1__TaskStatus *status) {
    const ProtobufCEnumValue *reason = NULL;
    if (status != NULL && status->has_reason)
        reason = protobuf_c_enum_descriptor_get_value(&mesos__v1__task_status__reason__descriptor,
                                                      (int)status->reason);
    return reason != NULL ? json_string(reason->name) : json_null();
}

static bool is_cut(const struct stream *stream) {
    return stream->is_cut || (stream->offset > 0 && !stream->is_complete);
}

static void set_outputs(json_t *object, const struct run *run) {
    const struct stream *streams = run->streams;
    json_object_set_new(object, "stdout", json_line_output(buf_text(&streams[0].kept)));
    json_object_set_new(object, "stderr", json_line_output(buf_text(&streams[1].kept)));
    json_object_set_new(object, "truncated",
                        json_boolean(is_cut(&streams[0]) || is_cut(&streams[1])));
}

/* Always one, also of a task that was never launched: then the message is what was told last. */
static bool print_object(const struct run *run) {
    AUTO(json_decref) json_t *object = json_object();
    const Mesos__V1__TaskStatus *last = run->last;
    bool was_launched = run->task_id[0] != '\0';
    struct task_end end = {.state = MESOS__V1__TASK_STATE__TASK_UNKNOWN, .exit_code = -1};
    if (last != NULL)
        end = task_end_of(last);
    json_object_set_new(object, "task_id", json_line_string_or_null(run->task_id));
    json_object_set_new(object, "framework_id", json_line_string_or_null(run->framework_id));
    json_object_set_new(object, "agent_id",
                        json_line_string_or_null(was_launched ? run->agent_id : NULL));
    json_line_set_end(object, &end);
    if (last == NULL)
        json_object_set_new(object, "state", json_null());
    json_object_set_new(object, "message",
                        json_line_string_or_null(last != NULL ? last->message : run->said));
    json_object_set_new(object, "reason", reason_of(last));
    set_outputs(object, run);
    json_object_set_new(object, "wall_ms", json_integer(loop_now_ms(run->loop) - run->begun_ms));
    return json_line_write(object);
}

/* --- the whole --- */

static bool start_driver(struct run *run, struct error *error) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf name = {0};
    buf_printf(&name, "mesos run %s", run->arguments.words.items[0]);
    const struct mesos_scheduler_callbacks callbacks = {.size = sizeof(callbacks),
                                                        .user = run,
                                                        .registered = on_registered,
                                                        .reregistered = on_reregistered,
                                                        .disconnected = on_disconnected,
                                                        .resource_offers = on_offers,
                                                        .status_update = on_status,
                                                        .error = on_error,
                                                        .output = on_output,
                                                        .connect_failed = on_connect_failed,
                                                        .request_status = on_request_status};
    const struct mesos_scheduler_options options = {
        .size = sizeof(options),
        .master = run->common.master,
        .framework =
            task_terms_framework(&run->terms, arena, buf_string(&name), NULL, failover_seconds),
        .explicit_acknowledgements = true};
    struct mesos_error why;
    struct mesos_scheduler_driver *driver = mesos_scheduler_driver_new(&callbacks, &options, &why);
    if (driver == NULL)
        return fail(error, ERROR_INVALID, "%s", why.message);
    driver_loop_init(&run->driver, run->loop, driver);
    ask_for_one(run);
    return true;
}

static bool start(struct run *run, struct error *error) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    if (run->arguments.words.count == 0)
        return fail(error, ERROR_INVALID, "a command is wanted: mesos run [flags] -- COMMAND");
    if (run->terms.shell && run->arguments.words.count != 1)
        return fail(error, ERROR_INVALID, "--shell takes one word, the whole command line");
    run->loop = loop_new(error);
    if (run->loop == NULL || !task_terms_check(&run->terms, error))
        return false;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (!loop_on_signal(run->loop, signals[i], on_signal, run, error))
            return false;
    }
    struct rng rng = random_rng();
    snprintf(run->id_prefix, sizeof(run->id_prefix), "%08x", (unsigned)rng_next(&rng));
    loop_timer_init(&run->connect_timer, run->loop, on_no_master, run);
    loop_timer_init(&run->explain_timer, run->loop, explain, run);
    loop_timer_init(&run->ask_timer, run->loop, on_ask_timer, run);
    loop_timer_init(&run->read_timer, run->loop, read_again, run);
    loop_timer_init(&run->patience_timer, run->loop, give_up_output, run);
    run->begun_ms = loop_now_ms(run->loop);
    arm_in(run, &run->connect_timer, query_patience_ms(run->common.master, CONNECT_LIMIT_MS));
    run->streams[0] = (struct stream){.kind = MESOS_OUTPUT_STDOUT, .fd = STDOUT_FILENO};
    run->streams[1] = (struct stream){.kind = MESOS_OUTPUT_STDERR, .fd = STDERR_FILENO};
    return start_driver(run, error);
}

static void end(struct run *run) {
    if (run->driver.driver != NULL && run->has_registered) {
        mesos_scheduler_driver_stop(run->driver.driver, false);
        mesos_scheduler_driver_join(run->driver.driver);
    }
    struct loop_timer *timers[] = {&run->connect_timer, &run->explain_timer, &run->ask_timer,
                                   &run->read_timer, &run->patience_timer};
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
        loop_timer_disarm(timers[i]);
    driver_loop_fini(&run->driver);
    if (run->last != NULL)
        mesos_message_free(&run->last->base);
    for (size_t i = 0; i < STREAMS; i++)
        buf_fini(&run->streams[i].kept);
    mem_free(run->agent_id);
    buf_fini(&run->largest);
    loop_free(run->loop);
}

int cli_run(int argc, char **argv) {
    struct run run = {0};
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&run.common),
        CLI_FLAG_JSON(&run.common),
        TASK_TERMS_FLAGS(&run.terms),
        {.name = "shell",
         .kind = FLAG_BOOL,
         .boolean = &run.terms.shell,
         .help = "COMMAND is one word and is given to sh -c."},
    };
    struct flag_table table = {
        .program = "mesos run",
        .usage = "[flags] -- COMMAND...",
        .summary =
            "Runs one command on the cluster. Its output is this program's, its exit code too; "
            "Ctrl-C ends it, a second one kills it.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = flags,
        .count = sizeof(flags) / sizeof(flags[0]),
        .takes_arguments = true,
        .stops_at_argument = true};
    int exit_code = CLI_OK;
    struct error error;
    if (!cli_parse(&table, argc, argv, &run.arguments, &exit_code))
        return exit_code;
    if (start(&run, &error)) {
        loop_run(run.loop);
        exit_code = run.exit_code;
        if (run.common.json && !print_object(&run))
            exit_code = cli_fail_write("run");
    } else {
        exit_code = cli_fail("run", &error);
    }
    end(&run);
    flags_fini(&table, &run.arguments);
    return exit_code;
}
