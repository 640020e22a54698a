/*
 * One step: the event goes to the part that it is for, then timers that are due, then offers.
 */
#include "master/core/master.h"

#include "master/core/agent_book.h"
#include "master/core/calls.h"
#include "master/core/constraint_book.h"
#include "master/core/demand_book.h"
#include "master/core/drain.h"
#include "master/core/emit.h"
#include "master/core/framework_book.h"
#include "master/core/inverse_book.h"
#include "master/core/maintenance.h"
#include "master/core/offer_book.h"
#include "master/core/old_book.h"
#include "master/core/relay.h"
#include "master/core/removal.h"
#include "master/core/removed_book.h"
#include "master/core/role_book.h"
#include "master/core/state.h"
#include "master/core/supply.h"

#include <stdlib.h>

struct master_options master_options_default(void) {
    return (struct master_options){
        .offer_timeout_ms = 300 * 1000,
        .agent_ping_timeout_ms = 15 * 1000,
        .max_agent_ping_timeouts = 5,
        .agent_reregister_timeout_ms = 600 * 1000,
        .recovery_agent_removal_limit_percent = 100,
        .registry_max_agent_age_ms = INT64_C(14) * 24 * 3600 * 1000,
        .registry_max_agent_count = 102400,
        .registry_gc_interval_ms = 15 * 60 * 1000,
        .offer_gather_ms = 2,
        .heartbeat_ms = 15 * 1000,
        .max_completed_frameworks = 50,
        .max_completed_tasks_per_framework = 1000,
        .max_unreachable_tasks_per_framework = 1000,
        .root_submissions = true,
        .policy = &allocator_hdrf,
        .earmark_limit_ms = 600 * 1000,
        .filter_gpu_resources = true,
    };
}

struct master *master_new(const struct master_options *options, struct kinds *kinds) {
    struct master *master = NEW(struct master);
    master->options = *options;
    struct master_options *kept = &master->options;
    master->options_memory = keep_texts(
        (struct text *[]){&kept->hostname, &kept->ip, &kept->version, &kept->region, &kept->zone},
        5);
    master->kinds = kinds;
    list_init(&master->drains_due);
    list_init(&master->scheduled);
    master->maintenance = maintenance_new();
    master->inverse_due_ms = INT64_MAX;
    master->rng = rng_of(options->seed);
    uuid_format(uuid_random(&master->rng), master->id);
    if (options->id.size == UUID_TEXT_SIZE)
        memcpy(master->id, options->id.data, options->id.size);
    kept->id = text_of(master->id);
    master->removals.timer.kind = TIMER_REMOVAL;
    list_init(&master->removals.waiting);
    master->roles = role_book_new();
    supply_begin(master, options);
    master->gather_due_ms = INT64_MAX;
    master->constraints = constraint_book_new();
    master->demand_due_ms = master->demand_stale_ms = INT64_MAX;
    master->demand_turn = 1;
    allocator_set_matcher(master->allocator, demand_book_matches, master);
    return master;
}

static void free_framework(void *framework) {
    framework_book_free(framework);
}

static void free_agent(void *agent) {
    agent_book_free(agent);
}

static void free_peers(struct master *master) {
    MAP_EACH(entry, &master->peers) {
        struct peer *peer = map_value(entry);
        MAP_EACH(at, &peer->channels) {
            struct relay *relay = map_value(at);
            if (peer == relay->sender)
                continue;
            map_remove(&relay->sender->channels, relay->sender_channel);
            mem_free(relay);
        }
        map_fini(&peer->channels, NULL);
    }
    map_fini(&master->peers, mem_free);
}

void master_free(struct master *master) {
    if (master == NULL)
        return;
    offer_book_fini(master);
    map_fini(&master->frameworks, free_framework);
    map_fini(&master->completed, free_framework);
    removed_book_fini(master);
    map_fini(&master->agents, free_agent);
    map_fini(&master->endpoints, NULL);
    old_book_fini(master);
    map_fini(&master->agent_numbers, NULL);
    map_fini(&master->framework_numbers, NULL);
    free_peers(master);
    heap_fini(&master->timers);
    VEC_EACH(pending, &master->pending)
        mem_free((char *)pending->agent.data);
    VEC_FINI(&master->pending);
    allocator_free(master->allocator);
    role_book_free(master->roles);
    constraint_book_free(master->constraints);
    maintenance_free(master->maintenance);
    map_fini(&master->inverse_offers, NULL);
    mem_free(master->options_memory);
    mem_free(master);
}

struct text master_id(const struct master *master) {
    return text_of(master->id);
}

/* --- connections --- */

/* NULL: it is being closed, or there are too many. */
static struct peer *peer_of(struct master *master, struct connection_id connection) {
    struct peer *peer = map_get(&master->peers, connection.value);
    if (peer == NULL) {
        peer = NEW(struct peer);
        peer->connection = connection;
        map_put(&master->peers, connection.value, peer);
        if (master->peers.count > CONNECTIONS_LIMIT)
            emit_close(master, peer, TEXT("too many connections"));
    }
    return peer->is_closing ? NULL : peer;
}

static void closed(struct master *master, struct connection_id connection) {
    struct peer *peer = map_get(&master->peers, connection.value);
    if (peer == NULL)
        return;
    peer->is_closing = true;
    relay_end_all(master, peer);
    if (peer->framework != NULL)
        framework_book_disconnect(master, peer->framework);
    if (peer->agent != NULL)
        agent_book_disconnect(master, peer->agent);
    map_fini(&peer->channels, NULL);
    map_remove(&master->peers, connection.value);
    mem_free(peer);
}

/* --- the registry --- */

struct aged {
    int64_t since_ns;
    size_t place;
};

/* 0: what is not forgotten for its age. */
static int64_t since_ns(const struct registry_record *record) {
    switch (record->kind) {
    case REGISTRY_UNREACHABLE:
    case REGISTRY_GONE: return record->agent.since_ns;
    case REGISTRY_REMOVED: return record->removed.since_ns;
    case REGISTRY_AGENT:
    case REGISTRY_FRAMEWORK:
    case REGISTRY_MASTER:
    case REGISTRY_ROLE:
    case REGISTRY_MACHINE: break;
    }
    return 0;
}

static int by_age(const void *left, const void *right) {
    const struct aged *a = left, *b = right;
    if (a->since_ns != b->since_ns)
        return a->since_ns < b->since_ns ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

static void load(struct master *master, struct text key, const struct registry_record *record) {
    switch (record->kind) {
    case REGISTRY_AGENT:
    case REGISTRY_UNREACHABLE:
    case REGISTRY_GONE: agent_book_load(master, key, record); return;
    case REGISTRY_FRAMEWORK: framework_book_load(master, record); return;
    case REGISTRY_MASTER: return;
    case REGISTRY_ROLE: role_book_load(master, record); return;
    case REGISTRY_MACHINE: maintenance_load(master, record); return;
    case REGISTRY_REMOVED: removed_book_load(master, record); return;
    }
}

/* The registry has them by their keys; of what is too much the first in a map is forgotten, which
 * shall be the oldest. */
static void load_all(struct master *master, const struct master_event *event) {
    size_t count = event->recovered.count;
    struct aged *order = NEW_ARRAY(struct aged, count + 1);
    for (size_t i = 0; i < count; i++)
        order[i] = (struct aged){since_ns(&event->recovered.records[i]), i};
    qsort(order, count, sizeof(*order), by_age);
    for (size_t i = 0; i < count; i++) {
        size_t place = order[i].place;
        load(master, event->recovered.keys[place], &event->recovered.records[place]);
    }
    mem_free(order);
}

static void recovered(struct master *master, const struct master_event *event) {
    if (master->is_recovered)
        return;
    master->is_recovered = true;
    master->started_ns = event->wall_ns;
    load_all(master, event);
    old_book_begin(master);
    if (master->agents_by_state[AGENT_RECOVERED] > 0)
        supply_hold_limits(master, true);
    master->removals.recovered = master->agents_by_state[AGENT_RECOVERED];
    struct registry_record self = {.kind = REGISTRY_MASTER, .master_id = text_of(master->id)};
    struct registry_record *kept = ARENA_NEW(master->out->arena, struct registry_record);
    *kept = self;
    struct store_change change = {.key = TEXT("master"), .registry_record = kept};
    emit_store(master, &change, 1);
    emit_note(master, NOTE_INFO, "master_recovered", "agents=%zu frameworks=%zu",
              master->agents_by_state[AGENT_RECOVERED], master->frameworks.count);
}

static void go_on(struct master *master, const struct pending *pending) {
    if (pending->kind == PENDING_DRAIN) {
        drain_stored(master, pending);
        return;
    }
    struct agent *agent = map_get_text(&master->agents, pending->agent);
    if (agent == NULL || agent->ticket != pending->ticket)
        return;
    switch (pending->kind) {
    case PENDING_ADMISSION: agent_book_admitted(master, agent); return;
    case PENDING_DEPARTURE: agent_book_departed(master, agent); return;
    case PENDING_DRAIN: return;
    }
}

static void stored(struct master *master, uint64_t ticket) {
    if (ticket > master->last_ticket || ticket <= master->stored_ticket)
        return;
    master->stored_ticket = ticket;
    role_book_stored(master, ticket);
    maintenance_stored(master, ticket);
    size_t done = 0;
    for (; done < master->pending.count; done++) {
        struct pending pending = master->pending.items[done];
        if (pending.ticket > ticket)
            break;
        go_on(master, &pending);
        mem_free((char *)pending.agent.data);
    }
    master->pending.count -= done;
    if (master->pending.count > 0)
        memmove(master->pending.items, master->pending.items + done,
                master->pending.count * sizeof(*master->pending.items));
}

/* --- time --- */

static void ring(struct master *master, struct timer *timer) {
    switch (timer->kind) {
    case TIMER_FAILOVER:
        framework_book_failover_timeout(master, CONTAINER_OF(timer, struct framework, failover));
        return;
    case TIMER_HEARTBEAT:
        framework_book_heartbeat(master, CONTAINER_OF(timer, struct framework, heartbeat));
        return;
    case TIMER_REGISTRY: old_book_ring(master); return;
    case TIMER_REMOVAL: removal_ring(master); return;
    case TIMER_PING: agent_book_ping(master, CONTAINER_OF(timer, struct agent, ping)); return;
    case TIMER_REREGISTER:
        agent_book_reregister_timeout(master, CONTAINER_OF(timer, struct agent, reregister));
        return;
    }
}

static void run_timers(struct master *master) {
    for (struct heap_node *node; (node = heap_least(&master->timers)) != NULL;) {
        if (node->key > master->now_ms)
            break;
        heap_remove(&master->timers, node);
        ring(master, CONTAINER_OF(node, struct timer, node));
    }
    offer_book_expire(master);
}

int64_t master_deadline_ms(const struct master *master) {
    if (role_book_is_busy(master))
        return master->now_ms;
    int64_t deadline_ms = offer_book_deadline_ms(master);
    const struct heap_node *node = heap_least(&master->timers);
    if (node != NULL && node->key < deadline_ms)
        deadline_ms = node->key;
    if (demand_book_deadline_ms(master) < deadline_ms)
        deadline_ms = demand_book_deadline_ms(master);
    if (inverse_book_deadline_ms(master) < deadline_ms)
        deadline_ms = inverse_book_deadline_ms(master);
    return master->gather_due_ms < deadline_ms ? master->gather_due_ms : deadline_ms;
}

static void dispatch(struct master *master, const struct master_event *event) {
    struct peer *peer;
    switch (event->kind) {
    case MASTER_EVENT_RECOVERED: recovered(master, event); return;
    case MASTER_EVENT_TICK: return;
    case MASTER_EVENT_SCHEDULER_CALL:
        if ((peer = peer_of(master, event->connection)) != NULL)
            calls_scheduler(master, peer, &event->call);
        return;
    case MASTER_EVENT_AGENT_MESSAGE:
        if ((peer = peer_of(master, event->connection)) != NULL)
            calls_agent(master, peer, &event->agent_message);
        return;
    case MASTER_EVENT_CHANNEL:
        if ((peer = peer_of(master, event->connection)) != NULL)
            relay_step(master, peer, &event->channel);
        return;
    case MASTER_EVENT_CLOSED: closed(master, event->connection); return;
    case MASTER_EVENT_STORED: stored(master, event->stored_ticket); return;
    case MASTER_EVENT_OPERATOR:
        calls_operator(master, event->operator_call.request, &event->operator_call.call);
        return;
    }
}

void master_step(struct master *master, const struct master_event *event,
                 struct master_outbox *outbox) {
    master->now_ms = event->now_ms;
    master->wall_ns = event->wall_ns;
    master->out = outbox;
    dispatch(master, event);
    run_timers(master);
    drain_step(master);
    demand_book_step(master);
    role_book_step(master);
    inverse_book_step(master);
    supply_step(master);
    master->out = NULL;
}
