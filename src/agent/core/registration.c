/*
 * How the agent finds a master and stays with it: connect, say who it is and what it runs, hear its
 * id. Any failure leads back to waiting, longer each time, at random so that a fleet does not come
 * all at once.
 */
#include "agent/core/parts.h"

enum {
    BACKOFF_LIMIT_MS = 60 * 1000,
    ANSWER_TIMEOUT_MS = 15 * 1000,
    PING_TIMEOUT_MS = 75 * 1000, /* until a master says another */
    PING_TIMEOUT_LEAST_MS = 1000,
};

static void wait_and_connect(struct agent *agent);

static void connect_now(struct agent *agent) {
    /* Until what was to end has ended, no task of the same frameworks could be taken. */
    if (agent->must_be_empty && agent->containers.count > 0) {
        wait_and_connect(agent);
        return;
    }
    agent->must_be_empty = false;
    agent->registration = REGISTRATION_CONNECTING;
    timer_cancel(agent, &agent->connect_timer);
    effect_add(agent, AGENT_EFFECT_CONNECT);
}

static void wait_and_connect(struct agent *agent) {
    timer_cancel(agent, &agent->answer_timer);
    timer_cancel(agent, &agent->ping_timer);
    agent->registration = REGISTRATION_WAITING;
    int64_t wait_ms = (int64_t)rng_below(&agent->rng, (uint64_t)agent->backoff_ms + 1);
    timer_set(agent, &agent->connect_timer, wait_ms);
    int64_t next_ms = agent->backoff_ms * 2;
    agent->backoff_ms = next_ms < BACKOFF_LIMIT_MS ? next_ms : BACKOFF_LIMIT_MS;
}

static void leave_master(struct agent *agent) {
    agent->owes_report = false;
    streams_pause(agent);
    task_forget_unknown(agent);
    operations_forget_master(agent);
    wait_and_connect(agent);
}

static void disconnect(struct agent *agent, const char *reason) {
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_DISCONNECT);
    effect->reason = text_of(reason);
    leave_master(agent);
}

static void leave_for_good(struct agent *agent) {
    agent->registration = REGISTRATION_STOPPED;
    agent->owes_report = false;
    timer_cancel(agent, &agent->answer_timer);
    timer_cancel(agent, &agent->ping_timer);
    timer_cancel(agent, &agent->connect_timer);
    streams_pause(agent);
    task_forget_unknown(agent);
    operations_forget_master(agent);
}

static void stop(struct agent *agent, struct text reason) {
    leave_for_good(agent);
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_STOP);
    effect->reason = arena_text(agent->outbox->arena, reason);
}

/* The first attempt does not wait: processes start at different times, and a person may be
 * watching. */
void registration_begin(struct agent *agent) {
    agent->backoff_ms = agent->options.registration_backoff_ms;
    agent->ping_timeout_ms = PING_TIMEOUT_MS;
    connect_now(agent);
}

void registration_connected(struct agent *agent) {
    if (agent->registration == REGISTRATION_RECOVERING ||
        agent->registration == REGISTRATION_STOPPED)
        return;
    if (agent->registration == REGISTRATION_ASKED || registration_is_done(agent))
        streams_pause(agent);
    operations_forget_master(agent);
    timer_cancel(agent, &agent->connect_timer);
    timer_cancel(agent, &agent->ping_timer);
    agent->registration = REGISTRATION_ASKED;
    timer_set(agent, &agent->answer_timer, ANSWER_TIMEOUT_MS);
    agent->owes_report = true;
}

/* What the master hears it takes for done: a total that is not yet stored must not be in it. */
void registration_settle(struct agent *agent) {
    if (!agent->owes_report || agent->registration != REGISTRATION_ASKED ||
        !operations_are_done(agent))
        return;
    agent->owes_report = false;
    partition_register_sent(agent);
    report_register(agent);
}

void registration_closed(struct agent *agent, struct text reason) {
    switch (agent->registration) {
    case REGISTRATION_RECOVERING:
    case REGISTRATION_WAITING: /* what we dropped ourselves */
    case REGISTRATION_STOPPED: return;
    case REGISTRATION_CONNECTING:
    case REGISTRATION_ASKED:
    case REGISTRATION_DONE: break;
    }
    bool was_reached = agent->registration != REGISTRATION_CONNECTING;
    effect_note(agent, AGENT_NOTE_WARNING, was_reached ? "master_lost" : "master_not_reached",
                "reason=\"%.*s\" note=\"tried again with back-off; tasks go on\"",
                TEXT_ARGS(text_cut(reason, 300)));
    leave_master(agent);
}

/* Another master leads: waiting begins anew, and short. */
void registration_found(struct agent *agent) {
    switch (agent->registration) {
    case REGISTRATION_RECOVERING:
    case REGISTRATION_STOPPED: return;
    case REGISTRATION_WAITING:
        agent->backoff_ms = agent->options.registration_backoff_ms;
        wait_and_connect(agent);
        return;
    case REGISTRATION_CONNECTING:
    case REGISTRATION_ASKED:
    case REGISTRATION_DONE:
        agent->backoff_ms = agent->options.registration_backoff_ms;
        disconnect(agent, "another master leads");
        return;
    }
}

void registration_heard(struct agent *agent) {
    if (registration_is_done(agent))
        timer_set(agent, &agent->ping_timer, agent->ping_timeout_ms);
}

void registration_store_self(struct agent *agent) {
    struct agent_record record = {.kind = AGENT_RECORD_SELF};
    record.self.agent = agent_own_id(agent);
    record.self.boot_id = agent->options.boot_id;
    store_put(agent, TEXT("self"), &record);
}

static void store_id(struct agent *agent, struct agent_id id) {
    mem_free(agent->id);
    agent->id = text_dup(id.text);
    registration_store_self(agent);
    shrink_store_configured(agent);
}

static void registered(struct agent *agent, struct agent_id id, int64_t ping_timeout_ms) {
    if (agent->registration != REGISTRATION_ASKED)
        return;
    const char *why = NULL;
    if (!id_is_valid(id.text, &why)) {
        effect_note(agent, AGENT_NOTE_ERROR, "bad_agent_id", "why=\"the id %s\"", why);
        return disconnect(agent, "the master gave an id that is none");
    }
    if (agent->id != NULL && !text_equal(text_of(agent->id), id.text))
        return stop(agent,
                    TEXT("the master knows this agent by another id; is its work_dir a copy?"));
    if (agent->id == NULL)
        store_id(agent, id);
    timer_cancel(agent, &agent->answer_timer);
    agent->registration = REGISTRATION_DONE;
    agent->backoff_ms = agent->options.registration_backoff_ms;
    if (ping_timeout_ms > 0)
        agent->ping_timeout_ms =
            ping_timeout_ms > PING_TIMEOUT_LEAST_MS ? ping_timeout_ms : PING_TIMEOUT_LEAST_MS;
    effect_note(agent, AGENT_NOTE_INFO, "registered", "agent=%s", agent->id);
    partition_registered(agent);
    streams_resend(agent);
}

static void note_refusal(struct agent *agent, struct text reason) {
    effect_note(agent, AGENT_NOTE_WARNING, "registration_refused", "reason=\"%.*s\"",
                TEXT_ARGS(text_cut(reason, 300)));
}

/* Gone by an operator, or its machine is down. */
static void refused_with_tasks(struct agent *agent, struct text reason, bool for_good) {
    if (for_good) {
        leave_for_good(agent);
        return drain_end_agent(agent, text_cut(reason, AGENT_MESSAGE_TEXT_LIMIT));
    }
    note_refusal(agent, reason);
    drain_end_all(agent);
    agent->must_be_empty = true;
    disconnect(agent, "the master refused the registration");
}

static void refused(struct agent *agent, struct text reason, bool for_good) {
    if (for_good)
        return stop(agent, reason.size > 0 ? text_cut(reason, AGENT_MESSAGE_TEXT_LIMIT)
                                           : TEXT("the master refused this agent"));
    note_refusal(agent, reason);
    disconnect(agent, "the master refused the registration");
}

void registration_answered(struct agent *agent, const struct master_message *message) {
    if (message->kind == MASTER_MESSAGE_REGISTERED)
        registered(agent, message->registered.agent, message->registered.ping_timeout_ms);
    else if (message->refused.kill_tasks)
        refused_with_tasks(agent, message->refused.reason, message->refused.stop);
    else
        refused(agent, message->refused.reason, message->refused.stop);
}

void registration_fired(struct agent *agent, enum timer_kind kind) {
    if (kind == TIMER_CONNECT)
        return connect_now(agent);
    bool silent = kind == TIMER_PING;
    effect_note(agent, AGENT_NOTE_WARNING, silent ? "master_silent" : "registration_unanswered",
                "milliseconds=%lld",
                (long long)(silent ? agent->ping_timeout_ms : ANSWER_TIMEOUT_MS));
    disconnect(agent, silent ? "the master has been silent" : "the master did not answer");
}
