#include "allocator/allocator.h"
#include "common/model/frame_type.h"
#include "common/wire/messages.h"
#include "tests/sim/candidate.h"
#include "tests/sim/checks.h"
#include "tests/sim/drains.h"
#include "tests/sim/operator.h"
#include "tests/sim/outages.h"
#include "tests/sim/print.h"
#include "tests/sim/quota_checks.h"
#include "tests/sim/shells.h"

enum { PAUSED_LOOK_MS = 100 };

static struct wire wire_of(struct master_node *node) {
    return (struct wire){.arena = node->arena, .kinds = node->kinds};
}

/* --- effects --- */

/* Takes the record; NULL: the key goes. */
static void put(struct master_node *node, uint64_t ticket, struct text key,
                struct drive_record *record) {
    if (node->candidate == NULL) {
        drive_put(&node->disk, ticket, key, record);
        return;
    }
    candidate_put(node->candidate, key, record != NULL ? &record->bytes : NULL);
    if (record != NULL)
        buf_fini(&record->bytes);
    mem_free(record);
}

static void store(struct master_node *node, const struct master_effect *effect) {
    struct wire wire = wire_of(node);
    for (size_t i = 0; i < effect->store.count; i++) {
        const struct store_change *change = &effect->store.changes[i];
        struct drive_record *record = NULL;
        if (change->registry_record != NULL) {
            record = NEW(struct drive_record);
            struct registry_record written = *change->registry_record;
            if (node->process.world->mutation == MUTATION_FORGET_DRAIN)
                written.drain = (struct agent_drain){0};
            registry_record_encode(&wire, &written, &record->bytes);
        }
        world_say(node->process.world, "store   %s #%llu %s %s", node->process.name,
                  (unsigned long long)effect->store.ticket, record != NULL ? "put" : "drop",
                  print_text(node->process.world, change->key));
        if (record == NULL && text_starts_with(change->key, TEXT("framework/")))
            map_put_text(&node->process.world->removed, text_sub(change->key, 10, SIZE_MAX), node);
        put(node, effect->store.ticket, change->key, record);
    }
    if (node->candidate != NULL)
        candidate_made(node->candidate, effect->store.ticket);
    else
        drive_made(&node->disk, effect->store.ticket);
}

static void encode(struct master_node *node, const struct master_effect *effect, struct buf *out) {
    struct wire wire = wire_of(node);
    switch (effect->kind) {
    case MASTER_EFFECT_SEND_SCHEDULER:
        scheduler_event_encode(&wire, &effect->scheduler, out);
        break;
    case MASTER_EFFECT_SEND_AGENT: master_message_encode(&wire, &effect->agent, out); break;
    case MASTER_EFFECT_SEND_CHANNEL: channel_message_encode(&effect->channel, out); break;
    case MASTER_EFFECT_CLOSE: buf_append_text(out, effect->close_reason); break;
    case MASTER_EFFECT_ANSWER: buf_append_text(out, effect->answer.message); break;
    case MASTER_EFFECT_STORE:
    case MASTER_EFFECT_STOP:
    case MASTER_EFFECT_NOTE: break;
    }
}

static void closed_by_us(void *self, uint64_t connection) {
    struct master_node *node = self;
    if (!node->process.is_up || map_get(&node->ends, connection) == NULL)
        return;
    if (node->process.is_paused) {
        world_after(node->process.world, PAUSED_LOOK_MS, closed_by_us, node, connection);
        return;
    }
    map_remove(&node->ends, connection);
    struct master_event event = {.kind = MASTER_EVENT_CLOSED, .connection = {connection}};
    master_node_feed(node, &event);
}

static void send(struct master_node *node, const struct held_effect *held, enum frame_type type) {
    struct world *world = node->process.world;
    struct end *end = map_get(&node->ends, held->connection);
    if (end == NULL || !end->is_open)
        return;
    world_say(world, "send    %s -> %s %s", node->process.name, end_peer(end)->owner->name,
              print_frame(world, (uint16_t)type, buf_text(&held->bytes)));
    end_send(end, (uint16_t)type, buf_text(&held->bytes));
}

static void close_end(struct master_node *node, struct held_effect *held) {
    struct world *world = node->process.world;
    struct end *end = map_get(&node->ends, held->connection);
    if (end == NULL || !end->is_open)
        return;
    world_say(world, "close   %s -> %s %s", node->process.name, end_peer(end)->owner->name,
              buf_string(&held->bytes));
    end_close(end);
    world_after(world, 0, closed_by_us, node, held->connection);
}

/* What one says that leads no more is not news: the order of what was asked is the leaders'. */
static void answer(struct master_node *node, uint64_t request, int status) {
    struct world *world = node->process.world;
    if (node != world->master)
        return;
    if (!drains_answered(world, request, status) && !outages_answered(world, request, status))
        operator_answered(world, request, status);
}

static void carry_out(struct master_node *node, struct held_effect *held) {
    switch ((enum master_effect_kind)held->kind) {
    case MASTER_EFFECT_SEND_SCHEDULER: send(node, held, FRAME_SCHEDULER_EVENT); break;
    case MASTER_EFFECT_SEND_AGENT: send(node, held, FRAME_MASTER_MESSAGE); break;
    case MASTER_EFFECT_SEND_CHANNEL: send(node, held, FRAME_CHANNEL); break;
    case MASTER_EFFECT_CLOSE: close_end(node, held); break;
    case MASTER_EFFECT_ANSWER: answer(node, held->connection, held->signal); break;
    case MASTER_EFFECT_STORE:
    case MASTER_EFFECT_STOP:
    case MASTER_EFFECT_NOTE: break;
    }
}

static void take_effect(struct master_node *node, const struct master_effect *effect) {
    struct world *world = node->process.world;
    if (effect->kind == MASTER_EFFECT_STORE) {
        store(node, effect);
        return;
    }
    if (effect->kind == MASTER_EFFECT_NOTE) {
        world_say(world, "note    %s %.*s %s", node->process.name, TEXT_ARGS(effect->note.what),
                  print_text(world, effect->note.detail));
        return;
    }
    struct held_effect held = {.place.after = effect->after,
                               .kind = (int)effect->kind,
                               .connection = effect->connection.value};
    if (effect->kind == MASTER_EFFECT_ANSWER) {
        held.connection = effect->answer.request;
        held.signal = effect->answer.status;
    }
    encode(node, effect, &held.bytes);
    if (effect->after > node->disk.stored_ticket && world->mutation != MUTATION_IGNORE_AFTER) {
        held_effects_add(&node->held, &node->process, held);
        return;
    }
    carry_out(node, &held);
    held_effect_fini(&held);
}

static void end_life(struct master_node *node) {
    network_forget(&node->process, false);
    held_effects_clear(&node->held);
    map_fini(&node->ends, NULL);
    master_free(TAKE(node->core));
    kinds_free(TAKE(node->kinds));
    node->process.is_up = node->process.is_dying = false;
    node->process.effects_to_live = 0;
    world_arm(node->process.world, &node->process.tick, INT64_MAX);
}

static void die(struct master_node *node) {
    if (node->candidate == NULL)
        drive_crash(&node->disk);
    end_life(node);
    world_say(node->process.world, "crash   %s", node->process.name);
    if (node->candidate != NULL)
        candidate_died(node->candidate);
}

void master_node_feed(struct master_node *node, struct master_event *event) {
    struct world *world = node->process.world;
    if (node->process.is_paused && event->kind == MASTER_EVENT_OPERATOR)
        return; /* whoever asks gives up */
    event->now_ms = world->now_ms;
    event->wall_ns = world_wall_ns(world);
    node->outbox.arena = node->arena;
    node->outbox.effects.count = 0;
    master_step(node->core, event, &node->outbox);
    VEC_EACH(effect, &node->outbox.effects) {
        if (!process_survives_effect(&node->process))
            break;
        take_effect(node, effect);
    }
    arena_reset(node->arena);
    if (node->process.is_dying) {
        die(node);
        return;
    }
    check_master(node);
    world_arm(world, &node->process.tick, master_deadline_ms(node->core));
}

static void on_tick(void *self, uint64_t argument) {
    struct master_node *node = self;
    struct master_event event = {.kind = MASTER_EVENT_TICK};
    (void)argument;
    master_node_feed(node, &event);
}

static void on_stored(struct process *process, uint64_t ticket) {
    struct master_node *node = CONTAINER_OF(process, struct master_node, process);
    struct held_effect held;
    while (held_effects_take(&node->held, ticket, &held)) {
        if (process_survives_effect(process))
            carry_out(node, &held);
        held_effect_fini(&held);
    }
    if (process->is_dying) {
        die(node);
        return;
    }
    struct master_event event = {.kind = MASTER_EVENT_STORED};
    event.stored_ticket = ticket;
    master_node_feed(node, &event);
}

/* --- connections --- */

void master_node_accepted(struct master_node *node, struct end *end) {
    end->id = ++node->last_connection;
    map_put(&node->ends, end->id, end);
}

void master_node_closed(struct master_node *node, struct end *end) {
    struct master_event event = {.kind = MASTER_EVENT_CLOSED, .connection = {end->id}};
    map_remove(&node->ends, end->id);
    master_node_feed(node, &event);
}

static bool decode(struct master_node *node, uint16_t type, struct text payload,
                   struct master_event *event, struct error *error) {
    struct wire wire = wire_of(node);
    if (type == FRAME_CHANNEL) {
        event->kind = MASTER_EVENT_CHANNEL;
        return channel_message_decode(&wire, payload, &event->channel, error);
    }
    if (type == FRAME_SCHEDULER_CALL) {
        event->kind = MASTER_EVENT_SCHEDULER_CALL;
        return scheduler_call_decode(&wire, payload, &event->call, error);
    }
    event->kind = MASTER_EVENT_AGENT_MESSAGE;
    return agent_message_decode(&wire, payload, &event->agent_message, error);
}

void master_node_frame(struct master_node *node, struct end *end, uint16_t type,
                       struct text payload) {
    struct world *world = node->process.world;
    struct master_event event = {.connection = {end->id}};
    struct error error = {0};
    if (!decode(node, type, payload, &event, &error)) {
        world_fail(world, "%s cannot read what %s sent: %s", node->process.name,
                   end_peer(end)->owner->name, error.message);
        return;
    }
    master_node_feed(node, &event);
}

/* --- life --- */

struct master_node *master_node_new(struct world *world, const char *name) {
    struct master_node *node = NEW(struct master_node);
    node->process = (struct process){.world = world, .kind = PROCESS_MASTER};
    snprintf(node->process.name, sizeof(node->process.name), "%s", name);
    node->process.tick = (struct happening){.fn = on_tick, .self = node};
    node->disk.process = &node->process;
    node->disk.on_stored = on_stored;
    node->arena = arena_new();
    held_effects_init(&node->held);
    node->reregister_timeout_ms = 120000;
    node->quota_watch = quota_watch_new();
    if (world->master == NULL)
        world->master = node;
    VEC_PUSH(&world->masters, node);
    return node;
}

void master_node_free(struct master_node *node) {
    if (node == NULL)
        return;
    held_effects_clear(&node->held);
    VEC_FINI(&node->outbox.effects);
    map_fini(&node->ends, NULL);
    drive_fini(&node->disk);
    candidate_free(node->candidate);
    quota_watch_free(node->quota_watch);
    master_free(node->core);
    kinds_free(node->kinds);
    arena_free(node->arena);
    mem_free(node);
}

struct registry_content {
    struct arena *arena;
    struct wire wire;
    struct world *world;
    struct registry_record *records;
    struct text *keys;
    size_t count;
};

static struct registry_content content_of(struct master_node *node, size_t limit) {
    struct arena *arena = arena_new();
    return (struct registry_content){
        .arena = arena,
        .wire = {.arena = arena, .kinds = node->kinds},
        .world = node->process.world,
        .records = ARENA_ARRAY(arena, struct registry_record, limit),
        .keys = ARENA_ARRAY(arena, struct text, limit),
    };
}

static void add(struct registry_content *content, struct text key, const struct buf *bytes) {
    struct error error = {0};
    content->keys[content->count] = key;
    if (!registry_record_decode(&content->wire, buf_text(bytes),
                                &content->records[content->count++], &error))
        world_fail(content->world, "registry: %s", error.message);
}

static void recover(struct master_node *node, struct registry_content *content) {
    struct master_event event = {.kind = MASTER_EVENT_RECOVERED};
    event.recovered.records = content->records;
    event.recovered.keys = content->keys;
    event.recovered.count = content->count;
    master_node_feed(node, &event);
    arena_free(content->arena);
}

static void recover_from_disk(struct master_node *node) {
    struct registry_content content = content_of(node, node->disk.records.count);
    MAP_EACH(entry, &node->disk.records) {
        const struct drive_record *record = map_value(entry);
        add(&content, map_key_text(entry), &record->bytes);
    }
    recover(node, &content);
}

/* Most worlds have the one that is there unless said. */
static const struct mesos_allocator *const policies[] = {
    &allocator_hdrf, &allocator_hdrf, &allocator_hdrf, &allocator_drf, &allocator_random};
enum { POLICIES = sizeof(policies) / sizeof(policies[0]) };

static void make_core(struct master_node *node) {
    struct world *world = node->process.world;
    struct master_options options = master_options_default();
    node->process.is_up = true;
    node->process.life++;
    options.hostname = text_of(node->process.name);
    options.ip = TEXT("10.0.0.100");
    options.version = TEXT("1");
    options.port = 5050;
    options.seed = world->seed * 1000 +
                   (node->candidate != NULL ? world->last_term * 1000003 : node->process.life);
    /* As the shell does where several elect: a term has an id of its own. */
    struct rng rng = rng_of(options.seed);
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(uuid_random(&rng), id);
    if (node->candidate != NULL)
        options.id = text_of(id);
    if (world->is_random)
        options.policy = policies[world->seed % POLICIES];
    options.offer_timeout_ms = 60000;
    options.agent_ping_timeout_ms = 10000;
    options.max_agent_ping_timeouts = 3;
    options.agent_reregister_timeout_ms = node->reregister_timeout_ms;
    node->kinds = kinds_new();
    node->core = master_new(&options, node->kinds);
}

void master_node_start(struct master_node *node) {
    if (node->candidate != NULL) {
        candidate_start(node->candidate);
        return;
    }
    if (node->process.is_up)
        return;
    world_say(node->process.world, "start   %s, life %llu", node->process.name,
              (unsigned long long)node->process.life + 1);
    make_core(node);
    recover_from_disk(node);
}

void master_node_crash(struct master_node *node) {
    if (node->candidate != NULL)
        candidate_crash(node->candidate);
    else if (node->process.is_up)
        die(node);
}

/* --- terms --- */

void master_node_begin_term(struct master_node *node, const struct map *registry) {
    node->disk.stored_ticket = 0;
    make_core(node);
    struct registry_content content = content_of(node, registry->count);
    MAP_EACH(entry, registry)
        add(&content, map_key_text(entry), map_value(entry));
    recover(node, &content);
}

void master_node_stored(struct master_node *node, uint64_t ticket) {
    node->disk.stored_ticket = ticket;
    on_stored(&node->process, ticket);
}

void master_node_end_term(struct master_node *node) {
    if (node->process.is_up)
        end_life(node);
}
