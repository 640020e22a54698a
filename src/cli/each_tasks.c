/*
 * Offers are used up at once, with as many tasks as fit; one that is not needed yet because -P is
 * reached is kept for a moment, since a place may become free in it.
 */
#include "cli/each.h"
#include "cli/task_request.h"

#include <stdio.h>

enum {
    TASKS_PER_ACCEPT = 200,
    WORDS_PER_ACCEPT_BYTES = 2 << 20,
    OFFER_KEPT_MS = 1000,
    ASK_EVERY_MS = 1000,
    SILENCE_MS = 3000, /* of a task that was launched, before it is asked about */
    ASKED_AT_ONCE = 1000,
    EXPLAIN_AFTER_MS = 2000,
    RECONNECT_LIMIT_MS = 120000,
    RESTARTS_LIMIT = 3,
    LAUNCH_ATTEMPTS = 3,
};
static const double failover_seconds = 120, resume_failover_seconds = 600;
static const double long_refusal_seconds = 3600, short_refusal_seconds = 1;

/* --- lines and tasks --- */

void each_task_id(const struct each *each, size_t line, uint32_t attempt, char out[EACH_ID_SIZE]) {
    snprintf(out, EACH_ID_SIZE, "each-%s-%zu.%u", each->prefix, line + 1, attempt);
}

struct each_task *each_add_task(struct each *each, size_t line, const char *agent_id) {
    struct each_task *task = NEW(struct each_task);
    task->line = line;
    task->agent_id = mem_dup_string(agent_id);
    task->launched_ms = task->asked_ms = loop_now_ms(each->loop);
    task->is_unsure = true;
    each_task_id(each, line, each->lines[line].attempt, task->id);
    map_put_text(&each->tasks, text_of(task->id), task);
    each->lines[line].state = LINE_LAUNCHED;
    each->launched_count++;
    return task;
}

void each_task_free(struct each *each, struct each_task *task) {
    each_stop_reading(each, task);
    if (task->ended == NULL)
        each->launched_count--;
    else
        mesos_message_free(&task->ended->base);
    map_remove_text(&each->tasks, text_of(task->id));
    for (size_t i = 0; i < EACH_STREAMS; i++)
        spooled_fini(&task->streams[i].bytes, &each->spool);
    mem_free(task->agent_id);
    mem_free(task);
}

void each_again(struct each *each, struct each_task *task) {
    struct each_line *line = &each->lines[task->line];
    line->state = LINE_WAITS;
    VEC_PUSH(&each->again, task->line);
    each_task_free(each, task);
}

static bool lines_wait(const struct each *each) {
    return each->again_at < each->again.count || each->next_fresh < each->input.lines.count;
}

static bool may_launch(const struct each *each) {
    return lines_wait(each) && each->launched_count < (size_t)each->at_once &&
           each->unread_count < EACH_UNREAD_LIMIT && !each->is_over;
}

static size_t next_line(const struct each *each) {
    return each->again_at < each->again.count ? each->again.items[each->again_at]
                                              : each->next_fresh;
}

static void take_line(struct each *each) {
    if (each->again_at < each->again.count) {
        if (++each->again_at == each->again.count)
            each->again_at = each->again.count = 0;
        return;
    }
    while (++each->next_fresh < each->input.lines.count &&
           each->lines[each->next_fresh].attempt > 0)
        continue;
}

/* --- launching --- */

static void decline(struct each *each, const Mesos__V1__Offer *offer, double seconds) {
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = seconds;
    mesos_scheduler_driver_decline_offer(each->driver.driver, offer->id, &filters);
    driver_loop_touch(&each->driver);
}

/* The line's next task, cut out of the offer; NULL when it does not fit. */
static const Mesos__V1__TaskInfo *cut(struct each *each, struct offer_stock *stock,
                                      size_t *words_bytes, struct arena *arena) {
    size_t index = next_line(each), count;
    struct each_line *line = &each->lines[index];
    struct text input = each->input.lines.items[index];
    const char *const *words = input_command(each->arguments.words.items,
                                             each->arguments.words.count, input, &count, arena);
    char id[EACH_ID_SIZE];
    each_task_id(each, index, line->attempt + 1, id);
    Mesos__V1__TaskInfo *info = offer_stock_cut(stock, &each->terms, id, words, count, arena);
    for (size_t i = 0; info != NULL && i < count; i++)
        *words_bytes += strlen(words[i]);
    return info;
}

static bool note_launch(struct each *each, const struct each_task *task, struct error *error) {
    struct each_journal_record record = {
        .kind = JOURNAL_LAUNCH, .line = task->line, .value = each->lines[task->line].attempt};
    return each->journal == NULL ||
           each_journal_append(each->journal, &record, text_of(task->agent_id), error);
}

static void remember_largest(struct each *each, const struct offer_stock *stock) {
    int64_t cpu_milli = offer_stock_left_milli(stock, "cpus");
    if (each->largest.size > 0 && cpu_milli <= each->largest_cpu_milli)
        return;
    each->largest_cpu_milli = cpu_milli;
    buf_clear(&each->largest);
    offer_stock_print(stock, &each->largest);
}

/* How many tasks the offer was used for; it is gone unless that is 0. */
static size_t launch(struct each *each, const Mesos__V1__Offer *offer) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct offer_stock stock = offer_stock_of(offer, &each->terms, arena);
    const Mesos__V1__TaskInfo *infos[TASKS_PER_ACCEPT];
    size_t count = 0, words_bytes = 0;
    struct error error;
    while (may_launch(each) && count < TASKS_PER_ACCEPT && words_bytes < WORDS_PER_ACCEPT_BYTES) {
        const Mesos__V1__TaskInfo *info = cut(each, &stock, &words_bytes, arena);
        if (info == NULL)
            break;
        size_t line = next_line(each);
        take_line(each);
        each->lines[line].attempt++;
        infos[count++] = info;
        if (!note_launch(each, each_add_task(each, line, offer->agent_id->value), &error)) {
            each_fail(each, &error);
            return count;
        }
    }
    if (count == 0) {
        remember_largest(each, &stock);
        return 0;
    }
    Mesos__V1__Filters filters = MESOS__V1__FILTERS__INIT;
    filters.has_refuse_seconds = true;
    filters.refuse_seconds = 0;
    mesos_scheduler_driver_launch_tasks(each->driver.driver, offer->id, infos, count, &filters);
    each->requested -= count < each->requested ? count : each->requested;
    driver_loop_touch(&each->driver);
    each->waits_since_ms = 0;
    each->is_told_waiting = false;
    return count;
}

static void drop_offer(struct each *each, size_t index) {
    mesos_message_free(&each->offers.items[index].offer->base);
    VEC_REMOVE(&each->offers, index);
}

void each_return_offers(struct each *each, int64_t older_than_ms) {
    for (size_t i = each->offers.count; i-- > 0;) {
        if (each->offers.items[i].taken_ms > older_than_ms)
            continue;
        decline(each, each->offers.items[i].offer,
                lines_wait(each) ? short_refusal_seconds : long_refusal_seconds);
        drop_offer(each, i);
    }
}

void each_on_offer_timer(void *self) {
    struct each *each = self;
    each_return_offers(each, loop_now_ms(each->loop) - OFFER_KEPT_MS);
    if (each->offers.count > 0)
        loop_timer_arm(&each->offer_timer, loop_now_ms(each->loop) + OFFER_KEPT_MS);
}

/* So many tasks are asked for as may be launched; each that is launched counts down there, too. A
 * resumed run asks for a few too many. */
static void set_request(struct each *each) {
    size_t at_once = (size_t)each->at_once;
    size_t lines = each->again.count - each->again_at + each->input.lines.count - each->next_fresh;
    size_t room = at_once > each->launched_count ? at_once - each->launched_count : 0;
    size_t wanted = may_launch(each) ? (lines < room ? lines : room) : 0;
    if (each->has_requested && wanted == each->requested)
        return;
    AUTO_FINI(buf_fini) struct buf name = {0};
    buf_printf(&name, "mesos each %s", each->arguments.words.items[0]);
    task_request_send(each->driver.driver, &each->terms,
                      each->terms.name != NULL ? each->terms.name : buf_string(&name), wanted);
    each->has_requested = true;
    each->requested = wanted;
    driver_loop_touch(&each->driver);
}

/* Offers come when there is something to do with them. */
static void set_wish(struct each *each) {
    bool suppress = !lines_wait(each);
    if (suppress == each->is_suppressed || !each->is_registered)
        return;
    each->is_suppressed = suppress;
    if (suppress)
        mesos_scheduler_driver_suppress_offers(each->driver.driver, NULL, 0);
    else
        mesos_scheduler_driver_revive_offers(each->driver.driver, NULL, 0);
    driver_loop_touch(&each->driver);
}

void each_place(struct each *each) {
    for (size_t i = 0; i < each->offers.count && may_launch(each);) {
        if (launch(each, each->offers.items[i].offer) == 0)
            decline(each, each->offers.items[i].offer, short_refusal_seconds);
        drop_offer(each, i);
    }
    set_request(each);
    set_wish(each);
    if (!lines_wait(each))
        each_return_offers(each, INT64_MAX);
    if (each->offers.count > 0)
        loop_timer_arm(&each->offer_timer, loop_now_ms(each->loop) + OFFER_KEPT_MS);
}

static void on_offers(void *self, struct mesos_scheduler_driver *driver,
                      Mesos__V1__Offer *const *offers, size_t count) {
    struct each *each = self;
    (void)driver;
    for (size_t i = 0; i < count; i++)
        VEC_PUSH(&each->offers,
                 (struct each_offer){MESOS_COPY(offers[i]), loop_now_ms(each->loop)});
    each_place(each);
}

static void on_rescinded(void *self, struct mesos_scheduler_driver *driver,
                         const Mesos__V1__OfferID *offer_id) {
    struct each *each = self;
    (void)driver;
    for (size_t i = each->offers.count; i-- > 0;) {
        if (strcmp(each->offers.items[i].offer->id->value, offer_id->value) == 0)
            drop_offer(each, i);
    }
}

/* --- what the master says of tasks --- */

static void kill_task(struct each *each, const char *id, const char *agent_id) {
    Mesos__V1__TaskID task = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    task.value = (char *)(uintptr_t)id;
    agent.value = (char *)(uintptr_t)agent_id;
    mesos_scheduler_driver_kill_task(each->driver.driver, &task, agent_id != NULL ? &agent : NULL,
                                     NULL);
    driver_loop_touch(&each->driver);
}

static void give_up_line(struct each *each, struct each_task *task, Mesos__V1__TaskState state,
                         const char *why) {
    size_t index = task->line;
    struct each_line *line = &each->lines[index];
    line->outcome = NEW(struct each_outcome);
    line->outcome->exit_code = CLI_TASK_LOST;
    line->outcome->end = (struct task_end){.state = state, .exit_code = -1};
    line->outcome->is_given_up = true;
    line->outcome->why = mem_dup_string(why);
    line->state = LINE_DONE;
    each->cluster_failures++;
    each->done_count++;
    each->failed_count++;
    each_task_free(each, task);
    each_note_done(each, index);
    loop_defer(each->loop, &each->settle_task);
}

void each_lose(struct each *each, struct each_task *task) {
    struct each_line *line = &each->lines[task->line];
    each->lost_count++;
    if (++line->losses >= EACH_LOST_LIMIT)
        give_up_line(each, task, MESOS__V1__TASK_STATE__TASK_LOST, "its tasks were lost too often");
    else
        each_again(each, task);
}

static bool is_lost(const Mesos__V1__TaskStatus *status) {
    bool ran_to_an_end = status->state == MESOS__V1__TASK_STATE__TASK_FINISHED ||
                         status->state == MESOS__V1__TASK_STATE__TASK_KILLED ||
                         status->state == MESOS__V1__TASK_STATE__TASK_ERROR;
    return !ran_to_an_end && task_exit_code(status) == CLI_TASK_LOST && status->termination == NULL;
}

/* The command never began; the machine may be to blame, so it gets another chance or two. */
static bool may_begin_yet(const struct each *each, const struct each_task *task,
                          const Mesos__V1__TaskStatus *status) {
    return task_exit_code(status) == CLI_TASK_CANNOT_RUN && status->termination == NULL &&
           each->lines[task->line].losses < LAUNCH_ATTEMPTS - 1;
}

static void take_end(struct each *each, struct each_task *task,
                     const Mesos__V1__TaskStatus *status) {
    if (task_was_drained(status)) { /* nobody's fault, so it counts against no limit */
        mesos_scheduler_driver_acknowledge_status_update(each->driver.driver, status);
        each->lost_count++;
        each_again(each, task);
    } else if (task_was_cut_off(status) || is_lost(status) || may_begin_yet(each, task, status)) {
        mesos_scheduler_driver_acknowledge_status_update(each->driver.driver, status);
        each_lose(each, task);
    } else if (status->state == MESOS__V1__TASK_STATE__TASK_ERROR) {
        mesos_scheduler_driver_acknowledge_status_update(each->driver.driver, status);
        give_up_line(each, task, status->state,
                     status->message != NULL ? status->message : "TASK_ERROR");
    } else {
        task->ended = MESOS_COPY(status);
        each->launched_count--;
        each_read_soon(each, task);
    }
    each_place(each);
}

static void on_status(void *self, struct mesos_scheduler_driver *driver,
                      const Mesos__V1__TaskStatus *status) {
    struct each *each = self;
    bool has_ended = task_state_has_ended(status->state);
    struct each_task *task = map_get_text(&each->tasks, text_of(status->task_id->value));
    if (task == NULL) {
        mesos_scheduler_driver_acknowledge_status_update(driver, status);
        if (!has_ended && status->state != MESOS__V1__TASK_STATE__TASK_UNREACHABLE &&
            status->state != MESOS__V1__TASK_STATE__TASK_UNKNOWN)
            kill_task(each, status->task_id->value,
                      status->agent_id != NULL ? status->agent_id->value : NULL);
        return;
    }
    if (task->ended != NULL) {
        /* After a failover the same end comes under the same uuid; it is acknowledged when it is
         * read. */
        return;
    }
    task->is_unsure = false;
    if (has_ended) {
        take_end(each, task, status);
        return;
    }
    mesos_scheduler_driver_acknowledge_status_update(driver, status);
    bool is_away = status->state == MESOS__V1__TASK_STATE__TASK_UNREACHABLE ||
                   status->state == MESOS__V1__TASK_STATE__TASK_UNKNOWN;
    if (!is_away)
        task->away_since_ms = 0;
    else if (task->away_since_ms == 0)
        task->away_since_ms = loop_now_ms(each->loop);
    task->launched_ms = loop_now_ms(each->loop);
}

/* --- asking --- */

static void ask_about(struct each *each, struct each_task *const *tasks, size_t count) {
    AUTO(arena_free) struct arena *arena = arena_new();
    const Mesos__V1__TaskStatus **statuses =
        ARENA_ARRAY(arena, const Mesos__V1__TaskStatus *, count);
    for (size_t i = 0; i < count; i++) {
        Mesos__V1__TaskStatus *status = ARENA_NEW(arena, Mesos__V1__TaskStatus);
        Mesos__V1__TaskID *task_id = ARENA_NEW(arena, Mesos__V1__TaskID);
        Mesos__V1__AgentID *agent_id = ARENA_NEW(arena, Mesos__V1__AgentID);
        mesos__v1__task_status__init(status);
        mesos__v1__task_id__init(task_id);
        mesos__v1__agent_id__init(agent_id);
        task_id->value = tasks[i]->id;
        agent_id->value = tasks[i]->agent_id;
        status->task_id = task_id;
        status->agent_id = agent_id;
        statuses[i] = status;
    }
    mesos_scheduler_driver_reconcile_tasks(each->driver.driver, statuses, count);
    driver_loop_touch(&each->driver);
}

void each_ask(struct each *each, bool all) {
    struct each_task *asked[ASKED_AT_ONCE];
    size_t count = 0;
    int64_t now_ms = loop_now_ms(each->loop);
    MAP_EACH(entry, &each->tasks) {
        struct each_task *task = map_value(entry);
        bool is_silent =
            (task->is_unsure || task->away_since_ms != 0) && now_ms - task->asked_ms >= SILENCE_MS;
        if (task->ended != NULL || !(all || is_silent))
            continue;
        task->asked_ms = now_ms;
        task->is_unsure = true;
        asked[count++] = task;
        if (count == ASKED_AT_ONCE) {
            ask_about(each, asked, count);
            count = 0;
        }
    }
    if (count > 0)
        ask_about(each, asked, count);
}

/* Agents that stay away too long: their lines are run elsewhere. */
static void lose_patience(struct each *each) {
    int64_t now_ms = loop_now_ms(each->loop);
    MAP_EACH(entry, &each->tasks) {
        struct each_task *task = map_value(entry);
        if (task->ended != NULL || task->away_since_ms == 0 ||
            now_ms - task->away_since_ms < each->patience_ms)
            continue;
        kill_task(each, task->id, task->agent_id);
        each_lose(each, task);
    }
}

static void explain(struct each *each) {
    AUTO_FINI(buf_fini) struct buf wanted = {0};
    int64_t now_ms = loop_now_ms(each->loop);
    if (each->launched_count > 0 || !may_launch(each) || each->is_told_waiting)
        return;
    if (each->waits_since_ms == 0)
        each->waits_since_ms = now_ms;
    if (now_ms - each->waits_since_ms < EXPLAIN_AFTER_MS)
        return;
    each->is_told_waiting = true;
    task_terms_print(&each->terms, &wanted);
    if (each->infeasible[0] != '\0')
        each_say(each, "waiting: %s", each->infeasible);
    else if (each->largest.size == 0)
        each_say(each, "waiting: nothing has been offered yet; %s are wanted (mesos why %s)",
                 buf_string(&wanted), each->framework_id);
    else
        each_say(each, "waiting: %s are wanted, and the largest offer is %s", buf_string(&wanted),
                 buf_string(&each->largest));
}

void each_on_ask_timer(void *self) {
    struct each *each = self;
    loop_timer_arm(&each->ask_timer, loop_now_ms(each->loop) + ASK_EVERY_MS);
    if (!each->is_registered)
        return;
    each_ask(each, false);
    lose_patience(each);
    each_place(each);
    explain(each);
}

/* --- the connection --- */

static void on_up(struct each *each) {
    each->is_registered = each->has_registered = true;
    each->is_suppressed = false;
    loop_timer_disarm(&each->connect_timer);
    each_ask(each, true);
    each_place(each);
    each_read(each);
}

static void on_registered(void *self, struct mesos_scheduler_driver *driver,
                          const Mesos__V1__FrameworkID *framework_id,
                          const Mesos__V1__MasterInfo *master) {
    struct each *each = self;
    (void)driver;
    (void)master;
    snprintf(each->framework_id, sizeof(each->framework_id), "%s", framework_id->value);
    struct each_journal_record record = {.kind = JOURNAL_FRAMEWORK};
    struct error error;
    if (each->journal != NULL &&
        !each_journal_append(each->journal, &record, text_of(each->framework_id), &error))
        each_fail(each, &error);
    on_up(each);
}

static void on_reregistered(void *self, struct mesos_scheduler_driver *driver,
                            const Mesos__V1__MasterInfo *master) {
    (void)driver;
    (void)master;
    on_up(self);
}

static void on_disconnected(void *self, struct mesos_scheduler_driver *driver) {
    struct each *each = self;
    (void)driver;
    each->is_registered = false;
    while (each->offers.count > 0)
        drop_offer(each, each->offers.count - 1);
    loop_timer_arm(&each->connect_timer, loop_now_ms(each->loop) + RECONNECT_LIMIT_MS);
}

/* Told at once when there are agents at all; the lines wait on for one that can. */
static void on_request_status(void *self, struct mesos_scheduler_driver *driver,
                              const struct mesos_request_status *status) {
    struct each *each = self;
    (void)driver;
    bool is_new = !status->feasible && strcmp(each->infeasible, status->message) != 0;
    snprintf(each->infeasible, sizeof(each->infeasible), "%s",
             status->feasible ? "" : status->message);
    if (!is_new || status->nearest == NULL || each->is_over)
        return;
    each->is_told_waiting = true;
    each_say(each, "waiting: %s", each->infeasible);
}

static void on_connect_failed(void *self, struct mesos_scheduler_driver *driver, const char *why) {
    struct each *each = self;
    (void)driver;
    if (each->connect_why[0] == '\0')
        each_say(each, "waiting for a master: %s", why);
    snprintf(each->connect_why, sizeof(each->connect_why), "%s", why);
}

/* The master has given the framework up, with all its tasks: begin as a new one. */
static void on_error(void *self, struct mesos_scheduler_driver *driver, const char *message) {
    struct each *each = self;
    (void)driver;
    bool was_known = each->framework_id[0] != '\0';
    each->is_registered = false;
    each_say(each, "the master says: %s", message);
    if (!was_known || ++each->restarts > RESTARTS_LIMIT) {
        each_finish(each, each->has_registered ? CLI_TASK_LOST : CLI_FAILED);
        return;
    }
    while (each->offers.count > 0)
        drop_offer(each, each->offers.count - 1);
    each->framework_id[0] = '\0';
    MAP_EACH(entry, &each->tasks)
        each_again(each, map_value(entry));
    loop_timer_arm(&each->restart_timer, loop_now_ms(each->loop));
}

bool each_start_driver(struct each *each, struct error *error) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf name = {0};
    buf_printf(&name, "mesos each %s", each->arguments.words.items[0]);
    const struct mesos_scheduler_callbacks callbacks = {.size = sizeof(callbacks),
                                                        .user = each,
                                                        .registered = on_registered,
                                                        .reregistered = on_reregistered,
                                                        .disconnected = on_disconnected,
                                                        .resource_offers = on_offers,
                                                        .offer_rescinded = on_rescinded,
                                                        .status_update = on_status,
                                                        .error = on_error,
                                                        .output = each_on_output,
                                                        .connect_failed = on_connect_failed,
                                                        .request_status = on_request_status};
    const struct mesos_scheduler_options options = {
        .size = sizeof(options),
        .master = each->common.master,
        .framework = task_terms_framework(&each->terms, arena, buf_string(&name),
                                          each->framework_id[0] != '\0' ? each->framework_id : NULL,
                                          each->journal != NULL ? resume_failover_seconds
                                                                : failover_seconds),
        .explicit_acknowledgements = true};
    struct mesos_error why;
    struct mesos_scheduler_driver *driver = mesos_scheduler_driver_new(&callbacks, &options, &why);
    if (driver == NULL)
        return fail(error, ERROR_INVALID, "%s", why.message);
    driver_loop_init(&each->driver, each->loop, driver);
    each->has_requested = false;
    set_request(each);
    return true;
}
