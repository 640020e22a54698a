/*
 * Random histories of operations against a twin of the agent, which refuses some, is cut off and
 * comes back: whatever happened, once everything is answered the master's total is the agent's.
 */
#include "tests/unit/master/core/stage_operations.h"

#include "tests/support/resources_said.h"

#include <stdio.h>

enum { HISTORIES = 300, STEPS = 150, OPERATIONS_MOST = 4 };

struct history {
    struct calls calls;
    struct rng rng;
    struct resources truth; /* what the agent really has, in the stage's kinds */
    uint64_t connection;    /* of the agent */
    unsigned tasks;
};

static const struct choice {
    enum operation_kind kind;
    const char *resources, *addition;
    int64_t subtract_milli;
} choices[] = {
    {OPERATION_RESERVE, "cpus(+eng):1", NULL, 0},
    {OPERATION_RESERVE, "disk(+eng):30", NULL, 0},
    {OPERATION_RESERVE, "disk(+eng)<MOUNT>:50", NULL, 0},
    {OPERATION_RESERVE, "ports(+eng):[1-3]", NULL, 0},
    {OPERATION_UNRESERVE, "cpus(+eng):1", NULL, 0},
    {OPERATION_UNRESERVE, "disk(+eng):20", NULL, 0},
    {OPERATION_UNRESERVE, "disk(+eng)<MOUNT>:50", NULL, 0},
    {OPERATION_UNRESERVE, "ports(+eng):[2-3]", NULL, 0},
    {OPERATION_CREATE, "disk(+eng)[a]:10", NULL, 0},
    {OPERATION_CREATE, "disk(+eng)[b]:10;disk(+eng)[c]{SHARED}:5", NULL, 0},
    {OPERATION_CREATE, "disk(+eng)<MOUNT>[m]:50", NULL, 0},
    {OPERATION_DESTROY, "disk(+eng)[a]:10", NULL, 0},
    {OPERATION_DESTROY, "disk(+eng)[b]:10", NULL, 0},
    {OPERATION_DESTROY, "disk(+eng)[c]{SHARED}:5", NULL, 0},
    {OPERATION_DESTROY, "disk(+eng)<MOUNT>[m]:50", NULL, 0},
    {OPERATION_GROW_VOLUME, "disk(+eng)[a]:10", "disk(+eng):4", 0},
    {OPERATION_SHRINK_VOLUME, "disk(+eng)[a]:14", NULL, 4000},
};

static struct operation any_operation(struct history *history) {
    struct calls *calls = &history->calls;
    const struct choice *choice =
        &choices[rng_below(&history->rng, sizeof(choices) / sizeof(choices[0]))];
    struct operation operation = calls_operation(calls, choice->kind, "", choice->resources);
    if (choice->addition != NULL)
        operation.addition = calls_resources(calls, choice->addition);
    operation.subtract_milli = choice->subtract_milli;
    return operation;
}

static bool has_offer(const struct stage *stage) {
    struct framework_view view;
    return stage->offers.count > 0 &&
           stage_find_framework((struct stage *)stage, "M-0000", &view) &&
           !resources_is_empty(view.offered);
}

static void operate(struct history *history) {
    struct stage *stage = history->calls.stage;
    struct operation operations[OPERATIONS_MOST + 1];
    size_t count = 1 + rng_below(&history->rng, OPERATIONS_MOST);
    if (!has_offer(stage))
        return;
    for (size_t i = 0; i < count; i++)
        operations[i] = any_operation(history);
    if (rng_below(&history->rng, 4) == 0) {
        char *id = arena_printf(stage->arena, "t%u", history->tasks++);
        operations[count++] =
            calls_launch(&history->calls, id, "cpus(+eng):1;disk(+eng)[c]{SHARED}:5");
    }
    stage_call(stage, 1, calls_accept(&history->calls, operations, count));
}

static void order(struct history *history) {
    struct operation operation = any_operation(history);
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.call =
        (struct operator_call){.kind = OPERATOR_OPERATION,
                               .agent = {stage_id(history->calls.stage, "M-S0")},
                               .operation = operation,
                               .kinds = history->calls.kinds};
    stage_play(history->calls.stage, event);
}

/* The agent comes to the first APPLY it has not answered. */
static void answer(struct history *history, bool may_refuse) {
    struct stage *stage = history->calls.stage;
    if (stage->applies.count == 0)
        return;
    struct said_apply *apply = &stage->applies.items[0];
    bool is_applied = !(may_refuse && rng_below(&history->rng, 4) == 0) &&
                      resources_subtract(&history->truth, &apply->from);
    if (is_applied)
        assert_true(resources_add(&history->truth, &apply->to));
    uint64_t number = apply->number;
    stage_drop_applies(stage, 1);
    stage_tell(stage, history->connection,
               (struct agent_message){.kind = AGENT_MESSAGE_OPERATION,
                                      .operation = {number, is_applied, TEXT("no")}});
    if (!is_applied)
        stage_tell(
            stage, history->connection,
            (struct agent_message){.kind = AGENT_MESSAGE_RESOURCES, .resources = &history->truth});
}

/* All tasks end. */
static void end_tasks(struct history *history) {
    struct stage *stage = history->calls.stage;
    for (unsigned i = 0; i < history->tasks; i++) {
        char id[16];
        struct task_view view;
        snprintf(id, sizeof(id), "t%u", i);
        if (stage_find_task(stage, id, &view) && !task_state_is_terminal(view.state))
            stage_update(stage, history->connection, "M-0000", id, TASK_STATE_FINISHED, 1);
    }
}

/* What was on its way is lost; the agent may have heard some of it before. */
static void cut(struct history *history) {
    struct stage *stage = history->calls.stage;
    end_tasks(history);
    for (size_t heard = rng_below(&history->rng, stage->applies.count + 1); heard > 0; heard--) {
        struct said_apply *apply = &stage->applies.items[0];
        if (resources_subtract(&history->truth, &apply->from))
            assert_true(resources_add(&history->truth, &apply->to));
        stage_drop_applies(stage, 1);
    }
    stage_drop_applies(stage, stage->applies.count);
    stage_close(stage, history->connection++);
    struct agent_message message = stage_register(stage, "M-S0", "h", "");
    message.register_agent.info.resources = &history->truth;
    stage_tell(stage, history->connection, message);
}

static void play(struct history *history) {
    struct stage *stage = history->calls.stage;
    for (int i = 0; i < STEPS; i++) {
        uint64_t die = rng_below(&history->rng, 20);
        if (die < 9)
            operate(history);
        else if (die < 11)
            order(history);
        else if (die < 18)
            answer(history, true);
        else if (die < 19)
            end_tasks(history);
        else
            cut(history);
        stage_forget(stage);
        stage_pass_ms(stage, 10);
    }
    end_tasks(history);
    while (stage->applies.count > 0)
        answer(history, false);
}

TEST(when_everything_is_answered_the_masters_total_is_the_agents) {
    static const char machine[] =
        "cpus:4;cpus(eng):1;disk:100;disk<MOUNT>:50;disk<MOUNT>:50;ports:[1-9]";
    struct rng rng = rng_for_test();
    for (int i = 0; i < HISTORIES; i++) {
        struct history history = {
            .calls = calls_begin("eng", machine), .rng = rng_of(rng_next(&rng)), .connection = 9};
        history.truth = resources_said(history.calls.stage->kinds, machine);
        struct agent_view view;

        play(&history);

        assert_true(stage_find_agent(history.calls.stage, "M-S0", &view));
        if (!resources_equal(view.total, &history.truth))
            fail_msg("history %d: the master has another total", i);
        assert_true(resources_is_empty(view.used));
        resources_fini(&history.truth);
        calls_end(&history.calls);
    }
}
