/*
 * Lines are made right after each step, while what effects point to still holds.
 */
#include "tests/unit/master/core/stage.h"

#include "tests/unit/master/core/stage_print.h"

#include "tests/support/resources_said.h"

#include <stdio.h>

enum { STEPS_LIMIT = 100000 };
#define NS_PER_MS INT64_C(1000000)

struct stage *stage_new(void) {
    struct stage *stage = NEW(struct stage);
    stage->options = master_options_default();
    stage->options.offer_gather_ms = 0;
    stage->options.seed = 1;
    stage->kinds = kinds_new();
    stage->arena = arena_new();
    stage->effects = arena_new();
    stage->now_ms = 1000;
    stage->wall_ns = INT64_C(1700000000) * 1000 * NS_PER_MS;
    return stage;
}

void stage_forget(struct stage *stage) {
    VEC_EACH(line, &stage->lines)
        mem_free(*line);
    stage->lines.count = 0;
}

void stage_drop_applies(struct stage *stage, size_t count) {
    for (size_t i = 0; i < count; i++) {
        resources_fini(&stage->applies.items[0].from);
        resources_fini(&stage->applies.items[0].to);
        VEC_REMOVE(&stage->applies, 0);
    }
}

void stage_free(struct stage *stage) {
    if (stage == NULL)
        return;
    stage_forget(stage);
    VEC_FINI(&stage->lines);
    VEC_FINI(&stage->offers);
    VEC_FINI(&stage->acknowledged);
    stage_drop_applies(stage, stage->applies.count);
    VEC_FINI(&stage->applies);
    master_free(stage->master);
    arena_free(stage->arena);
    arena_free(stage->effects);
    kinds_free(stage->kinds);
    mem_free(stage);
}

/* --- playing --- */

static void note_effect(struct stage *stage, const struct master_effect *effect) {
    struct buf line = {0};
    stage_print_effect(stage, effect, &line);
    VEC_PUSH(&stage->lines, mem_dup_string(buf_string(&line)));
    buf_fini(&line);
    if (effect->kind == MASTER_EFFECT_STORE)
        stage->last_ticket = effect->store.ticket;
    if (effect->kind == MASTER_EFFECT_SEND_SCHEDULER &&
        effect->scheduler.kind == SCHEDULER_EVENT_OFFERS)
        for (size_t i = 0; i < effect->scheduler.offers.offer_count; i++)
            VEC_PUSH(&stage->offers,
                     arena_text(stage->arena, effect->scheduler.offers.offers[i].id.text));
    if (effect->kind == MASTER_EFFECT_SEND_AGENT &&
        effect->agent.kind == MASTER_MESSAGE_ACKNOWLEDGE)
        VEC_PUSH(&stage->acknowledged, effect->agent.acknowledge.uuid);
    if (effect->kind == MASTER_EFFECT_SEND_AGENT && effect->agent.kind == MASTER_MESSAGE_APPLY)
        VEC_PUSH(&stage->applies, (struct said_apply){effect->agent.apply.number,
                                                      resources_copy(effect->agent.apply.from),
                                                      resources_copy(effect->agent.apply.to)});
}

static void play_one(struct stage *stage, struct master_event event) {
    struct master_outbox outbox = {.arena = stage->effects};
    event.now_ms = stage->now_ms;
    event.wall_ns = stage->wall_ns;
    master_step(stage->master, &event, &outbox);
    VEC_EACH(effect, &outbox.effects)
        note_effect(stage, effect);
    VEC_FINI(&outbox.effects);
    arena_reset(stage->effects);
    struct error why;
    if (!master_check(stage->master, &why)) {
        stage_print(stage);
        fail_msg("master_check: %s", why.message);
    }
}

void stage_store(struct stage *stage) {
    while (stage->stored_ticket < stage->last_ticket) {
        stage->stored_ticket++;
        play_one(stage, (struct master_event){.kind = MASTER_EVENT_STORED,
                                              .stored_ticket = stage->stored_ticket});
    }
}

void stage_play(struct stage *stage, struct master_event event) {
    play_one(stage, event);
    if (!stage->holds_stores)
        stage_store(stage);
    for (int i = 0; i < STEPS_LIMIT && master_deadline_ms(stage->master) <= stage->now_ms; i++) {
        play_one(stage, (struct master_event){.kind = MASTER_EVENT_TICK});
        if (!stage->holds_stores)
            stage_store(stage);
    }
}

void stage_pass_ms(struct stage *stage, int64_t ms) {
    int64_t end_ms = stage->now_ms + ms;
    while (stage->now_ms < end_ms) {
        int64_t deadline_ms = master_deadline_ms(stage->master);
        int64_t next_ms = deadline_ms < end_ms ? deadline_ms : end_ms;
        if (next_ms <= stage->now_ms)
            next_ms = stage->now_ms + 1;
        stage->wall_ns += (next_ms - stage->now_ms) * NS_PER_MS;
        stage->now_ms = next_ms;
        stage_play(stage, (struct master_event){.kind = MASTER_EVENT_TICK});
    }
}

void stage_begin_with(struct stage *stage, const struct registry_record *records,
                      const struct text *keys, size_t count) {
    master_free(stage->master);
    stage->master = master_new(&stage->options, stage->kinds);
    stage->last_ticket = stage->stored_ticket = 0;
    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_RECOVERED,
                                            .recovered = {records, keys, count}});
    stage_forget(stage);
}

void stage_begin(struct stage *stage) {
    stage_begin_with(stage, NULL, NULL, 0);
}

/* --- what was said --- */

bool stage_heard(const struct stage *stage, const char *part) {
    return stage_count(stage, part) > 0;
}

size_t stage_count(const struct stage *stage, const char *part) {
    size_t count = 0;
    VEC_EACH(line, &stage->lines)
        count += strstr(*line, part) != NULL;
    return count;
}

void stage_print(const struct stage *stage) {
    VEC_EACH(line, &stage->lines)
        fprintf(stderr, "    %s\n", *line);
}

/* --- builders --- */

struct text stage_id(struct stage *stage, const char *id) {
    if (id[0] != 'M' || id[1] != '-')
        return text_of(arena_string(stage->arena, text_of(id)));
    return text_of(
        arena_printf(stage->arena, "%.*s%s", TEXT_ARGS(master_id(stage->master)), id + 1));
}

static void fini_resources(void *set) {
    resources_fini(set);
}

struct resources *stage_resources(struct stage *stage, const char *text) {
    struct resources *set = ARENA_NEW(stage->arena, struct resources);
    *set = resources_said(stage->kinds, text);
    arena_defer(stage->arena, fini_resources, set);
    return set;
}

struct uuid stage_uuid(uint8_t number) {
    return (struct uuid){{number, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, 15}};
}

struct scheduler_call stage_subscribe(struct stage *stage, const char *id, const char *name) {
    struct framework_id framework = {stage_id(stage, id)};
    return (struct scheduler_call){
        .kind = SCHEDULER_CALL_SUBSCRIBE,
        .framework = framework,
        .subscribe = {.info = {.id = framework,
                               .user = TEXT("me"),
                               .name = text_of(name),
                               .encoded = text_of(name)}},
    };
}

void stage_call(struct stage *stage, uint64_t connection, struct scheduler_call call) {
    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_SCHEDULER_CALL,
                                            .connection = {connection},
                                            .call = call});
}

void stage_tell(struct stage *stage, uint64_t connection, struct agent_message message) {
    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_AGENT_MESSAGE,
                                            .connection = {connection},
                                            .agent_message = message});
}

void stage_close(struct stage *stage, uint64_t connection) {
    stage_play(stage,
               (struct master_event){.kind = MASTER_EVENT_CLOSED, .connection = {connection}});
}

void stage_add_framework(struct stage *stage, uint64_t connection) {
    stage_call(stage, connection, stage_subscribe(stage, "", "spark"));
}

/* As agents say it: the id, when there is one, comes last. */
static struct text describe(struct stage *stage, const char *host, struct text id) {
    if (id.size == 0)
        return text_of(host);
    return text_of(arena_printf(stage->arena, "%s\x32%c\x0a%c%.*s", host, (char)(id.size + 2),
                                (char)id.size, TEXT_ARGS(id)));
}

struct agent_message stage_register(struct stage *stage, const char *id, const char *host,
                                    const char *resources) {
    struct agent_message message = {.kind = AGENT_MESSAGE_REGISTER};
    message.register_agent.info = (struct agent_info){
        .id = {stage_id(stage, id)},
        .hostname = text_of(host),
        .ip = TEXT("127.0.0.1"),
        .port = 5051,
        .resources = stage_resources(stage, resources),
        .encoded = describe(stage, host, stage_id(stage, id)),
    };
    return message;
}

void stage_add_agent(struct stage *stage, uint64_t connection, const char *host,
                     const char *resources) {
    stage_tell(stage, connection, stage_register(stage, "", host, resources));
}

struct text stage_offer(const struct stage *stage) {
    assert_true(stage->offers.count > 0);
    return stage->offers.items[stage->offers.count - 1];
}

struct task_info stage_task(struct stage *stage, const char *id, const char *agent,
                            const char *resources) {
    return (struct task_info){
        .id = {text_of(id)},
        .agent = {stage_id(stage, agent)},
        .name = text_of(id),
        .resources = stage_resources(stage, resources),
        .command = {.is_set = true, .shell = true, .has_value = true, .value = TEXT("true")},
        .executor = {.resources = stage_resources(stage, "")},
        .encoded = text_of(id),
    };
}

struct scheduler_call stage_accept(struct stage *stage, struct text offer,
                                   const struct task_info *tasks, size_t count) {
    struct offer_id *id = ARENA_NEW(stage->arena, struct offer_id);
    struct operation *operation = ARENA_NEW(stage->arena, struct operation);
    id->text = offer;
    *operation = (struct operation){.kind = OPERATION_LAUNCH, .tasks = tasks, .task_count = count};
    return (struct scheduler_call){
        .kind = SCHEDULER_CALL_ACCEPT,
        .accept = {.offers = id,
                   .offer_count = 1,
                   .operations = operation,
                   .operation_count = 1,
                   .has_refuse_seconds = true},
    };
}

void stage_launch(struct stage *stage, uint64_t connection, const char *id, const char *agent,
                  const char *resources) {
    struct task_info task = stage_task(stage, id, agent, resources);
    stage_call(stage, connection, stage_accept(stage, stage_offer(stage), &task, 1));
}

void stage_update(struct stage *stage, uint64_t connection, const char *framework, const char *task,
                  enum task_state state, uint8_t number) {
    struct agent_message message = {.kind = AGENT_MESSAGE_UPDATE};
    message.update.framework.text = stage_id(stage, framework);
    message.update.latest_state = state;
    message.update.status = (struct task_status){
        .task = {text_of(task)},
        .state = state,
        .has_uuid = true,
        .uuid = stage_uuid(number),
        .timestamp_ns = stage->wall_ns,
    };
    stage_tell(stage, connection, message);
}

void stage_acknowledge(struct stage *stage, uint64_t connection, const char *agent,
                       const char *task, uint8_t number) {
    struct uuid *uuid = ARENA_NEW(stage->arena, struct uuid);
    *uuid = stage_uuid(number);
    stage_call(stage, connection,
               (struct scheduler_call){
                   .kind = SCHEDULER_CALL_ACKNOWLEDGE,
                   .acknowledge = {{stage_id(stage, agent)}, {text_of(task)}, uuid_text(uuid)}});
}

struct task_report stage_report(struct stage *stage, const char *framework, const char *task,
                                const char *resources, enum task_state state) {
    return (struct task_report){
        .framework = {stage_id(stage, framework)},
        .id = {text_of(task)},
        .name = text_of(task),
        .role = TEXT("*"),
        .resources = stage_resources(stage, resources),
        .latest_state = state,
        .sent_state = state,
        .info = text_of(task),
    };
}

/* --- views --- */

struct search {
    struct text id;
    bool found;
    struct task_view task;
    struct agent_view agent;
    struct framework_view framework;
};

static void match_task(void *self, const struct task_view *view) {
    struct search *search = self;
    if (!text_equal(view->id.text, search->id))
        return;
    search->found = true;
    search->task = *view;
}

static void match_agent(void *self, const struct agent_view *view) {
    struct search *search = self;
    if (!text_equal(view->info->id.text, search->id))
        return;
    search->found = true;
    search->agent = *view;
}

static void match_framework(void *self, const struct framework_view *view) {
    struct search *search = self;
    if (!text_equal(view->id.text, search->id))
        return;
    search->found = true;
    search->framework = *view;
}

bool stage_find_task(struct stage *stage, const char *id, struct task_view *out) {
    struct search search = {.id = text_of(id)};
    master_each_task(stage->master, NULL, match_task, &search);
    *out = search.task;
    return search.found;
}

bool stage_find_agent(struct stage *stage, const char *id, struct agent_view *out) {
    struct search search = {.id = stage_id(stage, id)};
    master_each_agent(stage->master, match_agent, &search);
    *out = search.agent;
    return search.found;
}

bool stage_find_framework(struct stage *stage, const char *id, struct framework_view *out) {
    struct search search = {.id = stage_id(stage, id)};
    master_each_framework(stage->master, match_framework, &search);
    *out = search.framework;
    return search.found;
}
