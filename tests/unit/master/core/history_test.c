/*
 * Random histories of three frameworks and four agents; the stage checks the master after every
 * step.
 */
#include "tests/unit/master/core/stage.h"

#include <stdio.h>

enum { FRAMEWORKS = 3, AGENTS = 4, STEPS = 3000, TASKS = 40 };

struct actors {
    struct stage *stage;
    struct rng rng;
    uint64_t last_connection;
    uint64_t framework_connection[FRAMEWORKS], agent_connection[AGENTS]; /* 0: none */
    uint64_t named_tasks;
};

static const char *framework_name(uint64_t at) {
    static const char *const names[FRAMEWORKS] = {"f0", "f1", "f2"};
    return names[at];
}

static const char *agent_name(uint64_t at) {
    static const char *const names[AGENTS] = {"a0", "a1", "a2", "a3"};
    return names[at];
}

static const char *task_name(uint64_t at) {
    static char names[TASKS][8];
    snprintf(names[at], sizeof(names[at]), "t%d", (int)at);
    return names[at];
}

static uint64_t draw(struct actors *actors, uint64_t limit) {
    return rng_below(&actors->rng, limit);
}

static void subscribe(struct actors *actors) {
    uint64_t at = draw(actors, FRAMEWORKS);
    struct scheduler_call call =
        stage_subscribe(actors->stage, framework_name(at), framework_name(at));
    call.subscribe.info.failover_timeout_seconds = (double)draw(actors, 200);
    call.subscribe.info.capabilities = draw(actors, 2) ? 1u << FRAMEWORK_PARTITION_AWARE : 0;
    actors->framework_connection[at] = ++actors->last_connection;
    stage_call(actors->stage, actors->framework_connection[at], call);
}

struct collector {
    struct actors *actors;
    struct text agent;
    struct task_report *reports;
    size_t count;
};

/* What a good agent would have, with some lapses of memory. */
static void collect(void *self, const struct task_view *view) {
    struct collector *collector = self;
    if (!text_equal(view->agent.text, collector->agent) || view->is_completed ||
        draw(collector->actors, 10) == 0 || collector->count == TASKS)
        return;
    struct stage *stage = collector->actors->stage;
    collector->reports[collector->count++] = (struct task_report){
        .framework.text = arena_text(stage->arena, view->framework.text),
        .id.text = arena_text(stage->arena, view->id.text),
        .role = TEXT("*"),
        .resources = stage_resources(stage, "cpus:1;mem:64"),
        .latest_state = draw(collector->actors, 4) == 0 ? TASK_STATE_FINISHED : TASK_STATE_RUNNING,
        .sent_state = TASK_STATE_RUNNING,
    };
}

static void register_agent(struct actors *actors) {
    uint64_t at = draw(actors, AGENTS);
    struct stage *stage = actors->stage;
    bool knows_itself = draw(actors, 8) != 0;
    struct agent_message message =
        stage_register(stage, knows_itself ? agent_name(at) : "", agent_name(at),
                       "cpus:4;mem:1024;ports:[31000-31009]");
    struct collector collector = {.actors = actors,
                                  .agent = text_of(agent_name(at)),
                                  .reports = ARENA_ARRAY(stage->arena, struct task_report, TASKS)};
    if (knows_itself)
        master_each_task(stage->master, NULL, collect, &collector);
    message.register_agent.tasks = collector.reports;
    message.register_agent.task_count = collector.count;
    actors->agent_connection[at] = ++actors->last_connection;
    stage_tell(stage, actors->agent_connection[at], message);
}

static void lose_connection(struct actors *actors) {
    uint64_t at = draw(actors, FRAMEWORKS + AGENTS);
    uint64_t *connection = at < FRAMEWORKS ? &actors->framework_connection[at]
                                           : &actors->agent_connection[at - FRAMEWORKS];
    if (*connection != 0)
        stage_close(actors->stage, *connection);
    *connection = 0;
}

static void accept(struct actors *actors) {
    struct stage *stage = actors->stage;
    uint64_t connection = actors->framework_connection[draw(actors, FRAMEWORKS)];
    if (connection == 0 || stage->offers.count == 0)
        return;
    uint64_t recent = stage->offers.count < 8 ? stage->offers.count : 8;
    struct text offer = stage->offers.items[stage->offers.count - 1 - draw(actors, recent)];
    struct task_info *tasks = ARENA_ARRAY(stage->arena, struct task_info, 3);
    uint64_t count = draw(actors, 4);
    for (uint64_t i = 0; i < count; i++) {
        tasks[i] = stage_task(stage, task_name(draw(actors, TASKS)),
                              agent_name(draw(actors, AGENTS)), "cpus:1;mem:64");
        if (draw(actors, 3) == 0) {
            tasks[i].command.is_set = false;
            tasks[i].executor = (struct executor_info){
                .is_set = true,
                .id = {TEXT("exec")},
                .command.is_set = true,
                .resources = stage_resources(stage, "cpus:0.1;ports:[31003-31004]"),
                .encoded = TEXT("exec"),
            };
        }
    }
    struct scheduler_call call = stage_accept(stage, offer, tasks, count);
    call.accept.refuse_seconds = (double)draw(actors, 3);
    stage_call(stage, connection, call);
}

static void update(struct actors *actors) {
    static const enum task_state states[] = {TASK_STATE_STARTING, TASK_STATE_RUNNING,
                                             TASK_STATE_FINISHED, TASK_STATE_FAILED,
                                             TASK_STATE_LOST,     TASK_STATE_KILLED};
    uint64_t connection = actors->agent_connection[draw(actors, AGENTS)];
    if (connection != 0)
        stage_update(actors->stage, connection, framework_name(draw(actors, FRAMEWORKS)),
                     task_name(draw(actors, TASKS)), states[draw(actors, 6)],
                     (uint8_t)(1 + draw(actors, 3)));
}

static void acknowledge(struct actors *actors) {
    uint64_t connection = actors->framework_connection[draw(actors, FRAMEWORKS)];
    if (connection != 0)
        stage_acknowledge(actors->stage, connection, agent_name(draw(actors, AGENTS)),
                          task_name(draw(actors, TASKS)), (uint8_t)(1 + draw(actors, 3)));
}

static void executor_exits(struct actors *actors) {
    uint64_t connection = actors->agent_connection[draw(actors, AGENTS)];
    struct agent_message message = {.kind = AGENT_MESSAGE_EXECUTOR_EXITED};
    message.executor_exited.framework.text = text_of(framework_name(draw(actors, FRAMEWORKS)));
    message.executor_exited.executor.text = TEXT("exec");
    if (connection != 0)
        stage_tell(actors->stage, connection, message);
}

static void other_call(struct actors *actors) {
    static const enum scheduler_call_kind kinds[] = {SCHEDULER_CALL_REVIVE, SCHEDULER_CALL_SUPPRESS,
                                                     SCHEDULER_CALL_RECONCILE, SCHEDULER_CALL_KILL,
                                                     SCHEDULER_CALL_TEARDOWN};
    uint64_t connection = actors->framework_connection[draw(actors, FRAMEWORKS)];
    uint64_t which = draw(actors, 40);
    struct scheduler_call call = {.kind = kinds[which < 39 ? which % 4 : 4]};
    if (call.kind == SCHEDULER_CALL_KILL)
        call.kill.task.text = text_of(task_name(draw(actors, TASKS)));
    if (connection != 0)
        stage_call(actors->stage, connection, call);
}

static void resize(struct actors *actors) {
    uint64_t connection = actors->agent_connection[draw(actors, AGENTS)];
    const char *size = draw(actors, 2) ? "cpus:2;mem:512" : "cpus:4;mem:1024;ports:[31000-31009]";
    if (connection != 0)
        stage_tell(actors->stage, connection,
                   (struct agent_message){.kind = AGENT_MESSAGE_RESOURCES,
                                          .resources = stage_resources(actors->stage, size)});
}

static void answer_pings(struct actors *actors) {
    for (size_t i = 0; i < AGENTS; i++)
        if (actors->agent_connection[i] != 0 && draw(actors, 4) != 0)
            stage_tell(actors->stage, actors->agent_connection[i],
                       (struct agent_message){.kind = AGENT_MESSAGE_PONG});
}

static void step(struct actors *actors) {
    switch (draw(actors, 16)) {
    case 0: subscribe(actors); break;
    case 1:
    case 2: register_agent(actors); break;
    case 3: lose_connection(actors); break;
    case 4:
    case 5:
    case 6:
    case 7: accept(actors); break;
    case 8:
    case 9: update(actors); break;
    case 10: acknowledge(actors); break;
    case 11: executor_exits(actors); break;
    case 12: other_call(actors); break;
    case 13: resize(actors); break;
    case 14: answer_pings(actors); break;
    default: stage_pass_ms(actors->stage, (int64_t)draw(actors, 20000)); break;
    }
    if (draw(actors, 10) == 0)
        actors->stage->holds_stores = !actors->stage->holds_stores;
    if (actors->stage->lines.count > 200)
        stage_forget(actors->stage);
}

TEST(in_every_history_no_resource_is_lost_or_given_twice) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct actors actors = {.stage = stage, .rng = rng_for_test()};
    stage->options.seed = rng_next(&actors.rng);
    stage->options.offer_timeout_ms = 30000;
    stage->options.agent_reregister_timeout_ms = 60000;
    stage_begin(stage);

    for (int i = 0; i < STEPS; i++)
        step(&actors);

    stage->holds_stores = false;
    stage_store(stage);
    assert_true(stage->offers.count > 0);
}

TEST(the_same_events_give_the_same_effects) {
    char *said[2];
    for (int run = 0; run < 2; run++) {
        AUTO(stage_free) struct stage *stage = stage_new();
        struct actors actors = {.stage = stage, .rng = rng_of(42)};
        stage_begin(stage);
        for (int i = 0; i < 300; i++)
            step(&actors);
        struct buf all = {0};
        VEC_EACH(line, &stage->lines)
            buf_printf(&all, "%s\n", *line);
        said[run] = mem_dup_string(buf_string(&all));
        buf_fini(&all);
    }
    assert_string_equal(said[0], said[1]);
    mem_free(said[0]);
    mem_free(said[1]);
}
