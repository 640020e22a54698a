/*
 * An agent is admitted, and lost, when the registry has it so. What it reports is taken in at once,
 * so that nothing of it need be copied; it is offered from when it is admitted.
 */
#include "master/core/agent_book.h"

#include "master/core/agent_report.h"
#include "master/core/drain.h"
#include "master/core/emit.h"
#include "master/core/encoded.h"
#include "master/core/executor_book.h"
#include "master/core/inverse_book.h"
#include "master/core/maintenance.h"
#include "master/core/offer_book.h"
#include "master/core/old_book.h"
#include "master/core/operation_book.h"
#include "master/core/reconcile.h"
#include "master/core/relay.h"
#include "master/core/removal.h"
#include "master/core/status.h"
#include "master/core/supply.h"
#include "master/core/task_book.h"

#include <stdio.h>

/* The registry's words for where an agent is. */
#define ADMITTED "agent"
#define UNREACHABLE "unreachable"
#define GONE "gone"

static void set_state(struct master *master, struct agent *agent, enum agent_state state) {
    bool was_awaited = agent->state == AGENT_RECOVERED;
    master->agents_by_state[agent->state]--;
    master->agents_by_state[state]++;
    agent->state = state;
    if (was_awaited && master->agents_by_state[AGENT_RECOVERED] == 0)
        supply_hold_limits(master, false);
}

static struct text endpoint(struct master *master, const struct agent *agent) {
    return text_of(arena_printf(master->out->arena, "%.*s:%u", TEXT_ARGS(agent->info.hostname),
                                (unsigned)agent->info.port));
}

static struct agent *add(struct master *master, struct agent_id id, enum agent_state state) {
    struct agent *agent = NEW(struct agent);
    agent->ping.kind = TIMER_PING;
    agent->reregister.kind = TIMER_REREGISTER;
    list_init(&agent->tasks);
    list_init(&agent->offers);
    list_init(&agent->operations);
    agent->info.id = id;
    agent->info_memory = keep_texts((struct text *[]){&agent->info.id.text}, 1);
    agent->info.resources = &agent->total;
    agent->state = state;
    master->agents_by_state[state]++;
    map_put_text(&master->agents, id.text, agent);
    return agent;
}

static void leave_endpoint(struct master *master, struct agent *agent) {
    struct text key = endpoint(master, agent);
    if (map_get_text(&master->endpoints, key) == agent)
        map_remove_text(&master->endpoints, key);
}

static void keep_info(struct master *master, struct agent *agent, const struct agent_info *info) {
    leave_endpoint(master, agent);
    struct agent_info next = *info;
    next.id = agent->info.id;
    /* Who has an id has said it; said twice, the registry's record would differ and be written
     * again. */
    if (info->id.text.size == 0)
        next.encoded = encoded_agent_info(master, info->encoded, next.id);
    void *old = agent->info_memory;
    agent->info_memory =
        keep_texts((struct text *[]){&next.id.text, &next.hostname, &next.ip, &next.attributes,
                                     &next.region, &next.zone, &next.version, &next.encoded},
                   8);
    mem_free(old);
    agent->info = next;
    agent->info.resources = &agent->total;
    struct resources total = resources_copy(info->resources);
    resources_fini(&agent->total);
    agent->total = total;
    map_put_text(&master->endpoints, endpoint(master, agent), agent);
}

/* --- recovery --- */

void agent_book_load(struct master *master, struct text key, const struct registry_record *record) {
    struct text rest = key, prefix;
    if (!text_split(&rest, '/', &prefix) || !id_is_valid(rest, NULL))
        return;
    if (record->kind == REGISTRY_GONE) {
        old_book_load_gone(master, rest, record->agent.since_ns);
        return;
    }
    if (map_get_text(&master->agents, rest) != NULL)
        return;
    bool is_lost = record->kind == REGISTRY_UNREACHABLE;
    struct agent *agent =
        add(master, (struct agent_id){rest}, is_lost ? AGENT_UNREACHABLE : AGENT_RECOVERED);
    agent->drain = agent->drain_next = record->drain;
    agent->unknown = record->unknown;
    agent->unknown_memory = keep_texts((struct text *[]){&agent->unknown}, 1);
    agent->info.hostname = record->hostname;
    if (!is_lost)
        agent->info.encoded = record->agent_info;
    void *old = agent->info_memory;
    agent->info_memory = keep_texts(
        (struct text *[]){&agent->info.id.text, &agent->info.hostname, &agent->info.encoded}, 3);
    mem_free(old);
    if (is_lost) {
        agent->unreachable_ns = record->agent.since_ns;
        return;
    }
    heap_put(&master->timers, &agent->reregister.node,
             master->now_ms + master->options.agent_reregister_timeout_ms);
}

/* --- registration --- */

static bool check_info(const struct agent_info *info, struct error *why) {
    const char *reason;
    if (info->id.text.size > 0 && !id_is_valid(info->id.text, &reason))
        return fail(why, ERROR_INVALID, "the agent id %s", reason);
    if (info->hostname.size == 0 || info->hostname.size > HOSTNAME_BYTES_LIMIT)
        return fail(why, ERROR_INVALID, "the hostname is %zu bytes long", info->hostname.size);
    for (uint32_t i = 0; i < info->resources->count; i++)
        if (kind_type(info->resources->entries[i].kind) == VALUE_SCALAR &&
            resource_quantity_milli(&info->resources->entries[i]) > AGENT_AMOUNT_MILLI_LIMIT)
            return fail(why, ERROR_LIMIT, "a resource is beyond %lld",
                        (long long)(AGENT_AMOUNT_MILLI_LIMIT / 1000));
    return true;
}

static bool check_domain(const struct master *master, const struct agent_info *info,
                         struct error *why) {
    if (info->region.size == 0 && master->options.require_agent_domain)
        return fail(why, ERROR_REFUSED,
                    "the master requires a fault domain: give the agent --domain");
    return info->region.size == 0 || master->options.region.size > 0 ||
           fail(why, ERROR_REFUSED,
                "the agent has a fault domain and the master has none: give the master --domain");
}

static void refuse(struct master *master, struct peer *peer, struct text id, const char *why,
                   bool stop) {
    struct text reason = lend(master, text_of(why));
    emit_note(master, NOTE_WARNING, "agent_refused", "agent=%.*s reason=\"%s\"", TEXT_ARGS(id),
              why);
    master->messages_invalid++;
    emit_refusal(master, peer, reason, stop);
    emit_close(master, peer, reason);
}

static void dismiss(struct master *master, struct peer *peer, struct text id) {
    emit_note(master, NOTE_WARNING, "agent_dismissed", "agent=%.*s reason=gone", TEXT_ARGS(id));
    emit_dismissal(master, peer, TEXT("Agent has been marked gone"), true);
    emit_close(master, peer, TEXT("Agent has been marked gone"));
}

/* Its machine is down; it is not told to stop, so that it is there when the machine is up. */
static void put_off(struct master *master, struct peer *peer, struct text id) {
    emit_note(master, NOTE_INFO, "agent_put_off", "agent=%.*s reason=maintenance", TEXT_ARGS(id));
    emit_dismissal(master, peer, TEXT("The machine is down for maintenance"), false);
    emit_close(master, peer, TEXT("The machine is down for maintenance"));
}

/* The newer connection is the one that holds. */
static void attach(struct master *master, struct peer *peer, struct agent *agent) {
    struct peer *old = agent->peer;
    if (old != NULL && old != peer) {
        relay_end_all(master, old);
        old->agent = NULL;
        emit_close(master, old, TEXT("the agent has connected anew"));
    }
    agent->peer = peer;
    agent->last_connection = peer->connection.value;
    peer->agent = agent;
    agent->pings_unanswered = 0;
    removal_cancel(master, agent);
    heap_remove(&master->timers, &agent->reregister.node);
}

/* What is stored of it while it is admitted, or away. */
static struct registry_record record_of(struct master *master, const struct agent *agent,
                                        enum registry_record_kind kind) {
    struct registry_record record = {
        .kind = kind, .drain = agent->drain_next, .unknown = lend(master, agent->unknown)};
    if (kind == REGISTRY_AGENT) {
        record.agent_info = lend(master, agent->info.encoded);
    } else {
        record.agent.agent.text = lend(master, agent->info.id.text);
        record.agent.since_ns = agent->unreachable_ns;
        record.hostname = lend(master, agent->info.hostname);
    }
    return record;
}

uint64_t agent_book_store(struct master *master, struct agent *agent) {
    bool is_away = agent->state == AGENT_UNREACHABLE ||
                   (agent->state == AGENT_LEAVING && agent->leaves_as == DEPARTURE_UNREACHABLE);
    struct registry_record record =
        record_of(master, agent, is_away ? REGISTRY_UNREACHABLE : REGISTRY_AGENT);
    struct store_change change =
        store_change_of(master, is_away ? UNREACHABLE : ADMITTED, agent->info.id.text, &record);
    return emit_store(master, &change, 1);
}

static uint64_t store_admission(struct master *master, struct agent *agent) {
    struct text id = agent->info.id.text;
    struct registry_record record = record_of(master, agent, REGISTRY_AGENT);
    struct store_change changes[] = {
        store_change_of(master, ADMITTED, id, &record),
        store_change_of(master, UNREACHABLE, id, NULL),
    };
    return emit_store(master, changes, 2);
}

static void await(struct master *master, struct agent *agent, enum pending_kind kind) {
    struct pending pending = {.ticket = agent->ticket, .kind = kind, .agent = agent->info.id.text};
    keep_texts((struct text *[]){&pending.agent}, 1);
    VEC_PUSH(&master->pending, pending);
}

/* How long silence lasts before an agent counts as lost, and a master for its agents. */
static int64_t silence_ms(const struct master *master) {
    return master->options.agent_ping_timeout_ms * master->options.max_agent_ping_timeouts;
}

static void send_registered(struct master *master, struct agent *agent) {
    emit_to_agent(master, agent,
                  (struct master_message){.kind = MASTER_MESSAGE_REGISTERED,
                                          .registered = {agent->info.id, silence_ms(master)}});
}

void agent_book_activate(struct master *master, struct agent *agent) {
    bool is_there = agent->peer != NULL && agent->state == AGENT_REGISTERED;
    supply_activate_agent(master, agent, is_there && !agent->drain.is_deactivated);
}

static void start(struct master *master, struct agent *agent) {
    set_state(master, agent, AGENT_REGISTERED);
    if (agent->peer == NULL)
        return;
    agent_book_activate(master, agent);
    maintenance_place(master, agent);
    drain_returned(master, agent);
    agent_book_ping(master, agent);
}

/* To constraints. */
static bool looks_alike(const struct agent_info *a, const struct agent_info *b) {
    return text_equal(a->hostname, b->hostname) && text_equal(a->attributes, b->attributes) &&
           text_equal(a->region, b->region) && text_equal(a->zone, b->zone);
}

static void bring_in(struct master *master, struct peer *peer, struct agent *agent,
                     const struct agent_message *message) {
    bool is_known = agent->state == AGENT_REGISTERED || agent->state == AGENT_RECOVERED;
    bool was_lost = agent->state == AGENT_UNREACHABLE;
    struct text before = lend(master, agent->info.encoded);
    offer_book_rescind_of_agent(master, agent);
    attach(master, peer, agent);
    operation_book_settle(master, agent, message->register_agent.info.resources);
    bool looks_otherwise = !looks_alike(&agent->info, &message->register_agent.info);
    keep_info(master, agent, &message->register_agent.info);
    if (agent->number == 0)
        supply_add_agent(master, agent);
    else
        supply_update_agent(master, agent, looks_otherwise);
    supply_activate_agent(master, agent, false);
    *(agent->registered_ns == 0 ? &agent->registered_ns : &agent->reregistered_ns) =
        master->wall_ns;
    bool is_stored = is_known && text_equal(before, agent->info.encoded);
    if (!is_stored) {
        agent->ticket = store_admission(master, agent);
        set_state(master, agent, AGENT_ADMITTING);
        await(master, agent, PENDING_ADMISSION);
    }
    send_registered(master, agent);
    agent_report_apply(master, agent, message);
    if (was_lost)
        agent_report_end_left(master, agent);
    emit_note(master, NOTE_INFO, "agent_registered", "agent=%.*s host=%.*s:%u",
              TEXT_ARGS(agent->info.id.text), TEXT_ARGS(agent->info.hostname),
              (unsigned)agent->info.port);
    if (is_stored)
        start(master, agent);
}

static struct agent *new_agent(struct master *master) {
    char id[UUID_TEXT_SIZE + 32];
    snprintf(id, sizeof(id), "%s-S%llu", master->id, (unsigned long long)master->last_agent++);
    return add(master, (struct agent_id){text_of(id)}, AGENT_ADMITTING);
}

static void depart(struct master *master, struct agent *agent, enum departure how, const char *why);

/* An operator has said so, and it is being stored. */
static bool is_going(const struct agent *agent) {
    return agent->state == AGENT_LEAVING && agent->leaves_as == DEPARTURE_GONE;
}

/* One that has no id: it is new, or has not heard the answer, or has lost its memory. */
static struct agent *match_endpoint(struct master *master, const struct peer *peer,
                                    const struct agent_info *info) {
    if (peer->agent != NULL)
        return peer->agent;
    const struct agent asking = {.info = {.hostname = info->hostname, .port = info->port}};
    struct agent *known = map_get_text(&master->endpoints, endpoint(master, &asking));
    if (known == NULL || is_going(known))
        return new_agent(master);
    if (known->peer != NULL || known->state == AGENT_ADMITTING)
        return known;
    if (known->state != AGENT_LEAVING)
        depart(master, known, DEPARTURE_REMOVED, "replaced by a new agent at its address");
    return new_agent(master);
}

static bool is_at(const struct agent *agent, const struct agent_info *info) {
    return text_equal(agent->info.hostname, info->hostname) && agent->info.port == info->port;
}

void agent_book_register(struct master *master, struct peer *peer,
                         const struct agent_message *message) {
    const struct agent_info *info = &message->register_agent.info;
    struct text id = info->id.text;
    struct machine_view machine;
    struct error why;
    if (!check_info(info, &why) || !agent_report_check(message, &why)) {
        refuse(master, peer, id, why.message, true);
        return;
    }
    /* The next master may see that otherwise; one with a wrong flag must not end all agents. */
    if (!check_domain(master, info, &why)) {
        refuse(master, peer, id, why.message, false);
        return;
    }
    if (peer->framework != NULL ||
        (peer->agent != NULL && id.size > 0 && !text_equal(peer->agent->info.id.text, id))) {
        refuse(master, peer, id, "this connection belongs to somebody else", false);
        return;
    }
    if (peer->agent != NULL && is_going(peer->agent))
        return; /* it hears of its end on this very connection */
    if (maintenance_find(master, info, &machine) && machine.is_down) {
        put_off(master, peer, id);
        return;
    }
    if (id.size == 0) {
        bring_in(master, peer, match_endpoint(master, peer, info), message);
        return;
    }
    if (old_book_is_gone(master, id)) {
        dismiss(master, peer, id);
        return;
    }
    struct agent *agent = map_get_text(&master->agents, id);
    if (agent != NULL && is_going(agent)) {
        refuse(master, peer, id, "the agent is being marked gone", false);
        return;
    }
    if (agent != NULL && agent->peer != NULL && agent->peer != peer && !is_at(agent, info)) {
        fail(&why, ERROR_EXISTS, "agent id %.*s is in use by the agent at %.*s:%u", TEXT_ARGS(id),
             TEXT_ARGS(agent->info.hostname), (unsigned)agent->info.port);
        refuse(master, peer, id, why.message, true);
        return;
    }
    /* A report that was held up on the way says what was, not what is: adopting it would bring back
     * tasks whose resources are others' by now. */
    if (agent != NULL && peer->connection.value < agent->last_connection) {
        emit_note(master, NOTE_INFO, "agent_report_stale", "agent=%.*s", TEXT_ARGS(id));
        emit_close(master, peer, TEXT("the agent has connected anew"));
        return;
    }
    if (agent == NULL)
        agent = add(master, info->id, AGENT_ADMITTING);
    bring_in(master, peer, agent, message);
}

void agent_book_admitted(struct master *master, struct agent *agent) {
    if (agent->state != AGENT_ADMITTING)
        return;
    start(master, agent);
    if (agent->peer == NULL)
        heap_put(&master->timers, &agent->reregister.node,
                 master->now_ms + master->options.agent_reregister_timeout_ms);
}

void agent_book_set_total(struct master *master, struct agent *agent,
                          const struct resources *total) {
    struct agent_info next = agent->info;
    struct error why;
    next.resources = total;
    if (!check_info(&next, &why)) {
        emit_invalid(master, "call=RESOURCES agent=%.*s error=\"%s\"",
                     TEXT_ARGS(agent->info.id.text), why.message);
        return;
    }
    offer_book_rescind_of_agent(master, agent);
    struct resources copy = resources_copy(total);
    operation_book_project(agent, &copy);
    resources_fini(&agent->total);
    agent->total = copy;
    supply_update_agent(master, agent, false);
}

/* --- liveness --- */

void agent_book_pong(struct master *master, struct agent *agent, int64_t echo_ms) {
    agent->pings_unanswered = 0;
    removal_cancel(master, agent);
    if (echo_ms != 0 && agent->peer != NULL && agent->state == AGENT_REGISTERED)
        emit_to_agent(master, agent,
                      (struct master_message){.kind = MASTER_MESSAGE_PING, .echo_ms = echo_ms});
}

void agent_book_ping(struct master *master, struct agent *agent) {
    if (agent->peer == NULL || agent->state != AGENT_REGISTERED)
        return;
    if (agent->pings_unanswered >= master->options.max_agent_ping_timeouts)
        removal_ask(master, agent, "health check timed out");
    if (agent->state != AGENT_REGISTERED)
        return;
    agent->pings_unanswered++;
    emit_to_agent(master, agent, (struct master_message){.kind = MASTER_MESSAGE_PING});
    heap_put(&master->timers, &agent->ping.node,
             master->now_ms + master->options.agent_ping_timeout_ms);
}

void agent_book_reregister_timeout(struct master *master, struct agent *agent) {
    if (agent->state == AGENT_RECOVERED && removal_is_beyond_recovery(master))
        return;
    if (agent->state == AGENT_REGISTERED || agent->state == AGENT_RECOVERED)
        removal_ask(master, agent, "it did not come back in time");
}

void agent_book_disconnect(struct master *master, struct agent *agent) {
    agent->peer->agent = NULL;
    agent->peer = NULL;
    heap_remove(&master->timers, &agent->ping.node);
    supply_activate_agent(master, agent, false);
    offer_book_rescind_of_agent(master, agent);
    /* Its pings would go unanswered, as the connection is all there is between us. */
    int64_t left_ms = master->options.agent_reregister_timeout_ms;
    if (left_ms > silence_ms(master))
        left_ms = silence_ms(master);
    if (agent->state == AGENT_REGISTERED)
        heap_put(&master->timers, &agent->reregister.node, master->now_ms + left_ms);
    emit_note(master, NOTE_WARNING, "agent_disconnected", "agent=%.*s",
              TEXT_ARGS(agent->info.id.text));
}

/* --- the end, and what looks like it --- */

void agent_book_unregister(struct master *master, struct agent *agent) {
    depart(master, agent, DEPARTURE_REMOVED, "it has unregistered");
}

static void detach(struct master *master, struct agent *agent, const char *why) {
    struct peer *peer = agent->peer;
    if (peer == NULL)
        return;
    relay_end_all(master, peer);
    peer->agent = NULL;
    agent->peer = NULL;
    emit_close(master, peer, text_of(why));
}

static const char *departure_word(enum departure how) {
    switch (how) {
    case DEPARTURE_UNREACHABLE: return "agent_unreachable";
    case DEPARTURE_REMOVED: return "agent_removed";
    case DEPARTURE_GONE: break;
    }
    return "agent_gone";
}

static uint64_t store_departure(struct master *master, struct agent *agent, enum departure how) {
    struct text id = agent->info.id.text;
    struct registry_record away = record_of(master, agent, REGISTRY_UNREACHABLE);
    struct registry_record gone = record_of(master, agent, REGISTRY_GONE);
    struct store_change changes[] = {
        store_change_of(master, ADMITTED, id, NULL),
        store_change_of(master, UNREACHABLE, id, how == DEPARTURE_UNREACHABLE ? &away : NULL),
        store_change_of(master, GONE, id, &gone),
    };
    return emit_store(master, changes, how == DEPARTURE_GONE ? 3 : 2);
}

/* One that is gone is told so once that is stored, and until then keeps its connection. */
static void depart(struct master *master, struct agent *agent, enum departure how,
                   const char *why) {
    removal_cancel(master, agent);
    supply_activate_agent(master, agent, false);
    offer_book_rescind_of_agent(master, agent);
    inverse_book_clear(master, agent);
    list_remove(&agent->by_schedule);
    if (how != DEPARTURE_GONE)
        detach(master, agent, why);
    heap_remove(&master->timers, &agent->ping.node);
    heap_remove(&master->timers, &agent->reregister.node);
    agent->unreachable_ns = master->wall_ns;
    agent->leaves_as = how;
    agent->ticket = store_departure(master, agent, how);
    set_state(master, agent, AGENT_LEAVING);
    await(master, agent, PENDING_DEPARTURE);
    emit_note(master, how == DEPARTURE_UNREACHABLE ? NOTE_WARNING : NOTE_INFO, departure_word(how),
              "agent=%.*s reason=\"%s\"", TEXT_ARGS(agent->info.id.text), why);
}

void agent_book_take_down(struct master *master, struct agent *agent) {
    struct text reason = TEXT("The machine is down for maintenance");
    if (agent->peer != NULL)
        emit_dismissal(master, agent->peer, reason, false);
    depart(master, agent, DEPARTURE_REMOVED, reason.data);
}

void agent_book_lose(struct master *master, struct agent *agent, const char *why) {
    depart(master, agent, DEPARTURE_UNREACHABLE, why);
}

void agent_book_mark_gone(struct master *master, struct agent *agent, uint64_t request) {
    agent->gone_request = request;
    depart(master, agent, DEPARTURE_GONE,
           request != 0 ? "an operator has marked it gone" : "it is drained, to be gone");
}

/* What its end means for a task: a word that its framework knows. */
static struct task_status status_of_loss(struct master *master, const struct agent *agent,
                                         const struct task *task) {
    const struct framework *framework = task->framework;
    struct task_id id = {lend(master, task->id.text)};
    enum task_state state = TASK_STATE_LOST;
    enum task_reason reason = TASK_REASON_AGENT_REMOVED;
    struct text message = TEXT("Agent has been removed");
    if (agent->leaves_as == DEPARTURE_UNREACHABLE) {
        state = status_word(framework, TASK_STATE_UNREACHABLE);
        message = TEXT("Agent is unreachable");
    } else if (agent->leaves_as == DEPARTURE_GONE) {
        state = status_word(framework, TASK_STATE_GONE_BY_OPERATOR);
        if (state == TASK_STATE_GONE_BY_OPERATOR)
            reason = TASK_REASON_AGENT_REMOVED_BY_OPERATOR;
        message = TEXT("Agent has been marked gone");
    }
    struct task_status status = status_make(master, id, state, reason, message);
    status.agent.text = lend(master, agent->info.id.text);
    status.executor.text = lend(master, task->executor.text);
    status.unreachable_time_ns =
        agent->leaves_as == DEPARTURE_UNREACHABLE ? agent->unreachable_ns : 0;
    return status;
}

static void lose_task(struct master *master, struct agent *agent, struct task *task) {
    if (task_state_is_terminal(task->state)) {
        task_book_complete(master, task);
        return;
    }
    struct task_status status = status_of_loss(master, agent, task);
    status_say(master, task, &status);
    status_send(master, task->framework, &status);
    if (agent->leaves_as == DEPARTURE_UNREACHABLE)
        task_book_withdraw(master, task);
    else
        task_book_complete(master, task);
}

/* Those it took with it when it became unreachable. */
static void lose_unreachable_tasks(struct master *master, struct agent *agent) {
    MAP_EACH(entry, &master->frameworks) {
        struct framework *framework = map_value(entry);
        MAP_EACH(place, &framework->unreachable) {
            struct task *task = map_value(place);
            if (agent_id_equal(task->agent_id, agent->info.id))
                lose_task(master, agent, task);
        }
    }
}

static void tell_frameworks(struct master *master, const struct agent *agent) {
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_FAILURE,
        .failure = {.agent = {lend(master, agent->info.id.text)}},
    };
    MAP_EACH(entry, &master->frameworks)
        emit_to_framework(master, map_value(entry), event);
}

void agent_book_forget(struct master *master, struct agent *agent) {
    master->agents_by_state[agent->state]--;
    map_remove_text(&master->agents, agent->info.id.text);
    agent_book_free(agent);
}

static void be_gone(struct master *master, struct agent *agent) {
    old_book_add_gone(master, agent->info.id.text);
    if (agent->peer != NULL)
        dismiss(master, agent->peer, agent->info.id.text);
    detach(master, agent, "Agent has been marked gone");
    lose_unreachable_tasks(master, agent);
    if (agent->gone_request != 0)
        emit_answer(master, agent->gone_request, 200, (struct text){0});
}

void agent_book_departed(struct master *master, struct agent *agent) {
    if (agent->state != AGENT_LEAVING)
        return;
    bool for_good = agent->leaves_as != DEPARTURE_UNREACHABLE;
    if (agent->leaves_as == DEPARTURE_GONE)
        be_gone(master, agent);
    LIST_EACH(link, &agent->tasks)
        lose_task(master, agent, CONTAINER_OF(link, struct task, by_agent));
    MAP_EACH(entry, &agent->executors)
        executor_book_remove(master, map_value(entry));
    operation_book_lose(master, agent, for_good);
    supply_remove_agent(master, agent);
    leave_endpoint(master, agent);
    resources_fini(&agent->total);
    tell_frameworks(master, agent);
    if (for_good) {
        agent_book_forget(master, agent);
        return;
    }
    set_state(master, agent, AGENT_UNREACHABLE);
}

static void free_executor(void *executor) {
    executor_book_free(executor);
}

void agent_book_free(struct agent *agent) {
    if (agent == NULL)
        return;
    list_remove(&agent->removal);
    map_fini(&agent->executors, free_executor);
    operation_book_forget_agent(agent);
    resources_fini(&agent->total);
    resources_fini(&agent->used);
    VEC_FINI(&agent->shared);
    resources_fini(&agent->offered);
    list_remove(&agent->drain_due);
    inverse_book_free_of(agent);
    mem_free(agent->unknown_memory);
    mem_free(agent->info_memory);
    mem_free(agent);
}
