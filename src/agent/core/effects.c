/*
 * What a step puts out. All that a step wants stored is one STORE, put in front of the step's other
 * effects: one commit, and whatever must not happen before it names its ticket in `after`.
 */
#include "agent/core/parts.h"

#include <stdarg.h>
#include <stdio.h>

struct agent_effect *effect_add(struct agent *agent, enum agent_effect_kind kind) {
    VEC_PUSH(&agent->outbox->effects, (struct agent_effect){.kind = kind});
    return &agent->outbox->effects.items[agent->outbox->effects.count - 1];
}

void effect_container(struct agent *agent, enum agent_effect_kind kind, struct container_id id,
                      int signal, uint64_t after) {
    struct agent_effect *effect = effect_add(agent, kind);
    effect->after = store_after(agent, after);
    effect->signal.id = id;
    effect->signal.signal = signal;
}

void effect_note(struct agent *agent, enum agent_note_level level, const char *what,
                 const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    struct agent_effect *effect = effect_add(agent, AGENT_EFFECT_NOTE);
    effect->note.level = level;
    effect->note.what = text_of(what);
    effect->note.detail = arena_text(agent->outbox->arena, text_of(line));
}

uint64_t store_ticket(const struct agent *agent) {
    return agent->last_ticket + 1;
}

uint64_t store_after(const struct agent *agent, uint64_t ticket) {
    return ticket > agent->done_ticket ? ticket : 0;
}

/* A later change of a key in the same step replaces the earlier one. */
static struct store_change *change_of(struct agent *agent, struct text key) {
    uintptr_t place = (uintptr_t)map_get_text(&agent->change_places, key);
    if (place == 0) {
        VEC_PUSH(&agent->changes, (struct store_change){.key = key});
        place = agent->changes.count;
        map_put_text(&agent->change_places, key, (void *)place);
    }
    return &agent->changes.items[place - 1];
}

void store_put(struct agent *agent, struct text key, const struct agent_record *record) {
    struct agent_record *kept = ARENA_NEW(agent->outbox->arena, struct agent_record);
    *kept = *record;
    change_of(agent, key)->agent_record = kept;
}

void store_remove(struct agent *agent, struct text key) {
    change_of(agent, key)->agent_record = NULL;
}

void store_commit(struct agent *agent) {
    if (agent->changes.count == 0)
        return;
    struct store_change *changes =
        ARENA_ARRAY(agent->outbox->arena, struct store_change, agent->changes.count);
    memcpy(changes, agent->changes.items, agent->changes.count * sizeof(*changes));
    struct agent_effect store = {.kind = AGENT_EFFECT_STORE};
    store.store.ticket = ++agent->last_ticket;
    store.store.changes = changes;
    store.store.count = agent->changes.count;
    agent->changes.count = 0;
    map_fini(&agent->change_places, NULL);

    effect_add(agent, AGENT_EFFECT_STORE);
    struct agent_effect *first = agent->outbox->effects.items + agent->first_effect;
    size_t behind = agent->outbox->effects.count - agent->first_effect - 1;
    memmove(first + 1, first, behind * sizeof(*first));
    *first = store;
}

struct text key_framework(struct agent *agent, struct framework_id id) {
    return text_of(arena_printf(agent->outbox->arena, "framework/%.*s", TEXT_ARGS(id.text)));
}

struct text key_executor(struct agent *agent, const struct executor *executor) {
    return text_of(arena_printf(agent->outbox->arena, "executor/%.*s/%.*s",
                                TEXT_ARGS(executor->framework->id.text),
                                TEXT_ARGS(executor->info.id.text)));
}

struct text key_task(struct agent *agent, const struct task *task) {
    return text_of(arena_printf(agent->outbox->arena, "task/%.*s/%.*s",
                                TEXT_ARGS(task->framework->id.text), TEXT_ARGS(task->id.text)));
}

struct text key_update(struct agent *agent, const struct task *task, uint64_t sequence) {
    return text_of(arena_printf(agent->outbox->arena, "update/%.*s/%.*s/%08llu",
                                TEXT_ARGS(task->framework->id.text), TEXT_ARGS(task->id.text),
                                (unsigned long long)sequence));
}

struct text key_sandbox(struct agent *agent, struct container_id id) {
    return text_of(arena_printf(agent->outbox->arena, "sandbox/%.*s", TEXT_ARGS(id.text)));
}

struct text text_cut(struct text text, size_t limit) {
    if (text.size <= limit)
        return text;
    size_t size = limit;
    while (size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    return text_sub(text, 0, size);
}
