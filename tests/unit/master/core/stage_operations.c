#include "tests/unit/master/core/stage_operations.h"

#include "tests/support/resources_said.h"

static const uint32_t all_of_them = 1u << FRAMEWORK_RESERVATION_REFINEMENT |
                                    1u << FRAMEWORK_SHARED_RESOURCES | 1u << FRAMEWORK_MULTI_ROLE;

static void fini_resources(void *set) {
    resources_fini(set);
}

void stage_add_framework_of(struct stage *stage, uint64_t connection, const char *name,
                            const char *role, uint32_t capabilities) {
    struct scheduler_call call = stage_subscribe(stage, "", name);
    struct text *roles = ARENA_NEW(stage->arena, struct text);
    *roles = text_of(role);
    call.subscribe.info.capabilities = capabilities;
    if ((capabilities >> FRAMEWORK_MULTI_ROLE & 1) != 0) {
        call.subscribe.info.roles = roles;
        call.subscribe.info.role_count = 1;
    } else {
        call.subscribe.info.role = *roles;
    }
    stage_call(stage, connection, call);
}

struct calls calls_begin(const char *role, const char *resources) {
    struct calls calls = {.stage = stage_new(), .kinds = kinds_new()};
    stage_begin(calls.stage);
    stage_add_framework_of(calls.stage, 1, "spark", role, all_of_them);
    stage_add_agent(calls.stage, 9, "h", resources);
    stage_forget(calls.stage);
    return calls;
}

void calls_end(struct calls *calls) {
    stage_free(calls->stage);
    kinds_free(calls->kinds);
}

const struct resources *calls_resources(struct calls *calls, const char *text) {
    struct resources *set = ARENA_NEW(calls->stage->arena, struct resources);
    *set = resources_said(calls->kinds, text);
    arena_defer(calls->stage->arena, fini_resources, set);
    return set;
}

struct operation calls_operation(struct calls *calls, enum operation_kind kind, const char *id,
                                 const char *resources) {
    return (struct operation){
        .kind = kind, .id = text_of(id), .resources = calls_resources(calls, resources)};
}

struct operation calls_launch(struct calls *calls, const char *id, const char *resources) {
    struct task_info *task = ARENA_NEW(calls->stage->arena, struct task_info);
    *task = stage_task(calls->stage, id, "M-S0", "");
    task->resources = calls_resources(calls, resources);
    return (struct operation){.kind = OPERATION_LAUNCH, .tasks = task, .task_count = 1};
}

struct scheduler_call calls_accept(struct calls *calls, const struct operation *operations,
                                   size_t count) {
    struct scheduler_call call = stage_accept(calls->stage, stage_offer(calls->stage), NULL, 0);
    call.accept.operations = operations;
    call.accept.operation_count = count;
    call.accept.kinds = calls->kinds;
    return call;
}

void calls_operate(struct calls *calls, enum operation_kind kind, const char *id,
                   const char *resources) {
    struct operation operation = calls_operation(calls, kind, id, resources);
    stage_call(calls->stage, 1, calls_accept(calls, &operation, 1));
}

void calls_order(struct calls *calls, enum operation_kind kind, const char *agent,
                 const char *resources) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = 7;
    event.operator_call.call = (struct operator_call){
        .kind = OPERATOR_OPERATION,
        .agent = {stage_id(calls->stage, agent)},
        .operation = calls_operation(calls, kind, "", resources),
        .kinds = calls->kinds,
    };
    stage_play(calls->stage, event);
}

void stage_answer(struct stage *stage, uint64_t number, const char *why) {
    stage_tell(stage, 9,
               (struct agent_message){.kind = AGENT_MESSAGE_OPERATION,
                                      .operation = {number, why == NULL, text_of(why)}});
}

void stage_tell_total(struct stage *stage, const char *resources) {
    stage_tell(stage, 9,
               (struct agent_message){.kind = AGENT_MESSAGE_RESOURCES,
                                      .resources = stage_resources(stage, resources)});
}

void assert_total(struct stage *stage, const char *agent, const char *said) {
    struct agent_view view;
    assert_true(stage_find_agent(stage, agent, &view));
    assert_resources(stage->kinds, view.total, said);
}
