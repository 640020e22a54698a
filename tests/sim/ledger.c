#include "tests/sim/ledger.h"

struct task_log {
    bool has_begun;
    VEC_OF(struct uuid) updates;
    size_t seen;    /* how many of them the framework has */
    bool has_ended; /* as the framework was told */
};

struct ledger {
    struct world *world;
    struct map tasks;        /* id -> struct task_log, owned */
    struct map acknowledged; /* uuid -> anything; so is the next */
    struct map unstored;
};

struct ledger *ledger_new(struct world *world) {
    struct ledger *ledger = NEW(struct ledger);
    ledger->world = world;
    return ledger;
}

static void log_free(void *self) {
    struct task_log *log = self;
    VEC_FINI(&log->updates);
    mem_free(log);
}

void ledger_free(struct ledger *ledger) {
    map_fini(&ledger->tasks, log_free);
    map_fini(&ledger->acknowledged, NULL);
    map_fini(&ledger->unstored, NULL);
    mem_free(ledger);
}

static struct task_log *log_of(struct ledger *ledger, struct text task) {
    struct task_log *log = map_get_text(&ledger->tasks, task);
    if (log == NULL) {
        log = NEW(struct task_log);
        map_put_text(&ledger->tasks, task, log);
    }
    return log;
}

void ledger_task_begins(struct ledger *ledger, struct text task) {
    struct task_log *log = log_of(ledger, task);
    if (log->has_begun)
        world_fail(ledger->world, "task %.*s runs twice", TEXT_ARGS(task));
    log->has_begun = true;
}

static size_t place_of(const struct task_log *log, struct uuid uuid) {
    for (size_t i = 0; i < log->updates.count; i++) {
        if (uuid_equal(log->updates.items[i], uuid))
            return i;
    }
    return SIZE_MAX;
}

void ledger_update_stored(struct ledger *ledger, struct text task, struct uuid uuid) {
    struct task_log *log = log_of(ledger, task);
    if (place_of(log, uuid) == SIZE_MAX)
        VEC_PUSH(&log->updates, uuid);
}

void ledger_update_made(struct ledger *ledger, struct uuid uuid) {
    map_put_text(&ledger->unstored, uuid_text(&uuid), ledger);
}

void ledger_update_dropped(struct ledger *ledger, struct text task, struct uuid uuid) {
    struct task_log *log = log_of(ledger, task);
    size_t place = place_of(log, uuid);
    if (place == SIZE_MAX || ledger_is_acknowledged(ledger, uuid))
        return;
    ledger_acknowledged(ledger, uuid);
    if (place >= log->seen)
        log->seen = place + 1;
}

void ledger_acknowledged(struct ledger *ledger, struct uuid uuid) {
    map_put_text(&ledger->acknowledged, uuid_text(&uuid), ledger);
}

bool ledger_is_acknowledged(struct ledger *ledger, struct uuid uuid) {
    return map_get_text(&ledger->acknowledged, uuid_text(&uuid)) != NULL;
}

/* LOST and UNREACHABLE are no ends: from there a task may come back. */
void ledger_state_told(struct ledger *ledger, struct text task, enum task_state state,
                       const char *framework) {
    struct task_log *log = log_of(ledger, task);
    bool is_alive = state == TASK_STATE_STAGING || state == TASK_STATE_STARTING ||
                    state == TASK_STATE_RUNNING || state == TASK_STATE_KILLING;
    if (is_alive && log->has_ended)
        world_fail(ledger->world, "%s hears that %.*s is %s after its end", framework,
                   TEXT_ARGS(task), task_state_name(state));
    log->has_ended = log->has_ended || state == TASK_STATE_FINISHED || state == TASK_STATE_FAILED ||
                     state == TASK_STATE_KILLED;
}

void ledger_update_arrives(struct ledger *ledger, struct text task, struct uuid uuid,
                           const char *framework) {
    struct task_log *log = log_of(ledger, task);
    size_t place = place_of(log, uuid);
    if (place == SIZE_MAX && map_get_text(&ledger->unstored, uuid_text(&uuid)) != NULL)
        return;
    if (place == SIZE_MAX) {
        world_fail(ledger->world, "%s hears an update of %.*s that no agent has stored", framework,
                   TEXT_ARGS(task));
        return;
    }
    if (place < log->seen)
        return;
    if (place > log->seen)
        world_fail(ledger->world, "%s hears update %zu of %.*s before update %zu", framework, place,
                   TEXT_ARGS(task), log->seen);
    if (place > 0 && !ledger_is_acknowledged(ledger, log->updates.items[place - 1]))
        world_fail(ledger->world, "%s hears update %zu of %.*s before it acknowledged the last",
                   framework, place, TEXT_ARGS(task));
    log->seen = place + 1;
}
