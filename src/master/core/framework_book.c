/*
 * A framework is stored when it is new, changes, or loses its connection, so that a failover
 * timeout goes on over a restart of the master.
 */
#include "master/core/framework_book.h"

#include "master/core/demand_book.h"
#include "master/core/emit.h"
#include "master/core/encoded.h"
#include "master/core/executor_book.h"
#include "master/core/framework_check.h"
#include "master/core/offer_book.h"
#include "master/core/operation_book.h"
#include "master/core/removed_book.h"
#include "master/core/status.h"
#include "master/core/supply.h"
#include "master/core/task_book.h"

#include <assert.h>
#include <stdio.h>

enum {
    MILLION = 1000000,
    /* What a new master gives every framework: a driver pauses 30 s at most between attempts. */
    RETURN_LEAST_MS = 60 * 1000,
};

struct framework *framework_book_find(const struct master *master, struct framework_id id) {
    if (id.text.size == 0)
        return NULL;
    struct framework *framework = map_get_text(&master->frameworks, id.text);
    return framework != NULL ? framework : map_get_text(&master->completed, id.text);
}

bool framework_book_is_completed(const struct master *master, struct framework_id id) {
    return id.text.size > 0 && removed_book_has(master, id);
}

/* --- what is kept of it --- */

static void keep_roles(struct framework *framework, const struct text *roles, size_t count) {
    static const struct text any[] = {{"*", 1}};
    if (!framework_can(&framework->info, FRAMEWORK_MULTI_ROLE)) {
        roles = framework->info.role.size > 0 ? &framework->info.role : any;
        count = 1;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += roles[i].size;
    struct text *kept = mem_alloc(count * sizeof(*kept) + bytes);
    char *at = (char *)(kept + count);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, roles[i].data, roles[i].size);
        kept[i] = (struct text){at, roles[i].size};
        at += roles[i].size;
    }
    framework->info.roles = kept;
    framework->info.role_count = count;
    framework->roles_memory = kept;
}

/* Replaces what is kept; `info` may borrow from what was. */
static void keep_info(struct framework *framework, const struct framework_info *info) {
    void *old_texts = framework->info_memory, *old_roles = framework->roles_memory;
    framework->info = *info;
    struct framework_info *kept = &framework->info;
    /* The allocator has them (demand_book_subscribe). */
    kept->offer_filters = NULL;
    kept->offer_filter_count = 0;
    kept->fault = (struct text){0};
    framework->info_memory = keep_texts(
        (struct text *[]){&kept->id.text, &kept->user, &kept->name, &kept->principal,
                          &kept->hostname, &kept->webui_url, &kept->role, &kept->encoded},
        8);
    keep_roles(framework, info->roles, info->role_count);
    mem_free(old_texts);
    mem_free(old_roles);
}

static struct framework *add(struct master *master, const struct framework_info *info) {
    struct framework *framework = NEW(struct framework);
    framework->failover.kind = TIMER_FAILOVER;
    framework->heartbeat.kind = TIMER_HEARTBEAT;
    framework->failover_timeout_ns = -1;
    list_init(&framework->offers);
    list_init(&framework->ended_operations);
    keep_info(framework, info);
    map_put_text(&master->frameworks, framework->info.id.text, framework);
    supply_add_framework(master, framework);
    return framework;
}

static uint64_t store(struct master *master, struct framework *framework, int64_t disconnected_ns) {
    struct registry_record record = {
        .kind = REGISTRY_FRAMEWORK,
        .unknown = lend(master, framework->unknown),
        .framework = {.id = framework->info.id,
                      .info = framework->info.encoded,
                      .disconnected_ns = disconnected_ns,
                      .failover_timeout_ns = framework->failover_timeout_ns,
                      .capabilities = framework->info.capabilities},
    };
    struct store_change change =
        store_change_of(master, "framework", framework->info.id.text, &record);
    return emit_store(master, &change, 1);
}

/* --- recovery --- */

struct framework *framework_book_recover(struct master *master, struct framework_id id,
                                         struct text encoded_info) {
    struct framework_info info = {
        .id = id, .encoded = encoded_info, .capabilities = 1u << FRAMEWORK_MULTI_ROLE};
    struct framework *framework = add(master, &info);
    framework->state = FRAMEWORK_RECOVERED;
    supply_activate_framework(master, framework, false);
    return framework;
}

static void start_failover_timer(struct master *master, struct framework *framework,
                                 int64_t since_ns) {
    if (framework->failover_timeout_ns < 0)
        return;
    int64_t passed_ns = master->wall_ns > since_ns ? master->wall_ns - since_ns : 0;
    int64_t left_ms = (framework->failover_timeout_ns - passed_ns) / MILLION;
    if (left_ms < 0)
        left_ms = 0;
    heap_put(&master->timers, &framework->failover.node, master->now_ms + left_ms);
}

struct framework *framework_book_learn(struct master *master, struct framework_id id,
                                       struct text encoded_info) {
    struct framework *framework = framework_book_recover(master, id, encoded_info);
    framework->failover_timeout_ns = master->options.agent_reregister_timeout_ms * MILLION;
    start_failover_timer(master, framework, master->wall_ns);
    return framework;
}

void framework_book_load(struct master *master, const struct registry_record *record) {
    struct framework_id id = record->framework.id;
    if (id.text.size == 0 || framework_book_find(master, id) != NULL)
        return;
    struct framework *framework = framework_book_recover(master, id, record->framework.info);
    framework->failover_timeout_ns = record->framework.failover_timeout_ns;
    framework->unknown = record->unknown;
    framework->unknown_memory = keep_texts((struct text *[]){&framework->unknown}, 1);
    framework->info.capabilities = record->framework.capabilities;
    int64_t since_ns = record->framework.disconnected_ns;
    start_failover_timer(master, framework, since_ns != 0 ? since_ns : master->wall_ns);
    int64_t least_ms = master->now_ms + RETURN_LEAST_MS;
    if (framework->failover_timeout_ns >= 0 && framework->failover.node.key < least_ms)
        heap_put(&master->timers, &framework->failover.node, least_ms);
}

/* --- subscription --- */

static void refuse(struct master *master, struct peer *peer, struct text why) {
    struct text reason = lend(master, why);
    emit_note(master, NOTE_WARNING, "framework_refused", "connection=%llu reason=\"%.*s\"",
              (unsigned long long)peer->connection.value, TEXT_ARGS(reason));
    master->messages_invalid++;
    emit_end_of_framework(master, peer, reason, reason);
}

static void send_update_to_agents(struct master *master, struct framework *framework) {
    struct master_message message = {
        .kind = MASTER_MESSAGE_UPDATE_FRAMEWORK,
        .update_framework = {framework->info.id, framework->info.encoded},
    };
    MAP_EACH(entry, &master->agents) {
        struct agent *agent = map_value(entry);
        if (agent->state == AGENT_REGISTERED || agent->state == AGENT_ADMITTING)
            emit_to_agent(master, agent, message);
    }
}

/* Of a framework that comes back, user and checkpoint stay as they were; then so do its bytes,
 * which agents read the user from. */
static struct framework_info merged(struct master *master, const struct framework *framework,
                                    const struct framework_info *info) {
    struct framework_info next = *info;
    next.id = framework->info.id;
    const struct framework_info *old = &framework->info;
    bool is_known = framework->state != FRAMEWORK_RECOVERED;
    if (is_known && (!text_equal(old->user, info->user) || old->checkpoint != info->checkpoint)) {
        emit_note(master, NOTE_WARNING, "framework_change_ignored",
                  "framework=%.*s reason=\"user and checkpoint stay as they were\"",
                  TEXT_ARGS(old->id.text));
        next.user = old->user;
        next.checkpoint = old->checkpoint;
        next.encoded = old->encoded;
    }
    return next;
}

static void connect(struct master *master, struct peer *peer, struct framework *framework) {
    assert(peer != NULL);
    framework->state = FRAMEWORK_CONNECTED;
    framework->peer = peer;
    framework->last_connection = peer->connection.value;
    peer->framework = framework;
    heap_remove(&master->timers, &framework->failover.node);
    struct master_options *options = &master->options;
    struct scheduler_event event = {
        .kind = SCHEDULER_EVENT_SUBSCRIBED,
        .subscribed = {framework->info.id,
                       (double)options->heartbeat_ms / 1000.0,
                       {text_of(master->id), options->hostname, options->ip, options->port,
                        options->version, options->region, options->zone}},
    };
    emit_to_framework(master, framework, event);
    framework_book_heartbeat(master, framework);
    supply_activate_framework(master, framework, true);
}

static void suppress(struct master *master, struct framework *framework,
                     const struct scheduler_call *call) {
    supply_suppress(master, framework, NULL, 0, false);
    if (call->subscribe.suppressed_role_count > 0)
        supply_suppress(master, framework, call->subscribe.suppressed_roles,
                        call->subscribe.suppressed_role_count, true);
}

static void subscribe_new(struct master *master, struct peer *peer,
                          const struct scheduler_call *call) {
    char id[UUID_TEXT_SIZE + 32];
    snprintf(id, sizeof(id), "%s-%04llu", master->id, (unsigned long long)master->last_framework++);
    struct framework_info info = call->subscribe.info;
    info.id.text = text_of(id);
    info.encoded = encoded_framework_info(master, info.encoded, info.id);
    struct framework *framework = add(master, &info);
    framework->registered_ns = master->wall_ns;
    framework->failover_timeout_ns = framework_check_timeout_ns(info.failover_timeout_seconds);
    framework->ticket = store(master, framework, 0);
    emit_note(master, NOTE_INFO, "framework_subscribed", "framework=%s name=\"%.*s\"", id,
              TEXT_ARGS(info.name));
    demand_book_subscribe(master, framework, call, true);
    connect(master, peer, framework);
    suppress(master, framework, call);
}

/* The connection it had is told, and is no longer its own. */
static void supersede(struct master *master, struct framework *framework) {
    struct peer *old = framework->peer;
    if (old == NULL)
        return;
    struct text why = TEXT("Framework failed over");
    emit_to_scheduler(master, old,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_ERROR, .error = why});
    framework->peer = NULL;
    old->framework = NULL;
    emit_close(master, old, why);
}

static void subscribe_again(struct master *master, struct peer *peer, struct framework *framework,
                            const struct scheduler_call *call) {
    struct framework_info info = merged(master, framework, &call->subscribe.info);
    bool was_connected = framework->peer != NULL;
    bool was_recovered = framework->state == FRAMEWORK_RECOVERED;
    if (framework->peer != peer)
        supersede(master, framework);
    offer_book_return_of_framework(master, framework);
    bool changed = !text_equal(info.encoded, framework->info.encoded);
    keep_info(framework, &info);
    framework->failover_timeout_ns = framework_check_timeout_ns(info.failover_timeout_seconds);
    if (was_recovered)
        framework->registered_ns = master->wall_ns;
    framework->reregistered_ns = master->wall_ns;
    if (changed || !was_connected)
        framework->ticket = store(master, framework, 0);
    emit_note(master, NOTE_INFO, "framework_resubscribed", "framework=%.*s failover=%d",
              TEXT_ARGS(framework->info.id.text), was_connected);
    supply_activate_framework(master, framework, false);
    supply_update_framework(master, framework);
    demand_book_subscribe(master, framework, call, true);
    connect(master, peer, framework);
    suppress(master, framework, call);
    send_update_to_agents(master, framework);
}

/* NULL when it may subscribe; else why not. */
static const char *why_not(struct master *master, const struct peer *peer,
                           const struct scheduler_call *call, struct error *why) {
    const struct framework_info *info = &call->subscribe.info;
    if (peer->agent != NULL)
        return "this connection belongs to an agent";
    if (!framework_id_equal(call->framework, info->id))
        return "'framework_id' differs from 'framework_info.id'";
    if (framework_book_is_completed(master, info->id))
        return "Framework has been removed";
    if (!framework_check(master, info, why) ||
        !framework_check_suppressed(info, call->subscribe.suppressed_roles,
                                    call->subscribe.suppressed_role_count, why) ||
        !demand_book_check(master, call, why))
        return why->message;
    struct framework *known = framework_book_find(master, info->id);
    if (known != NULL && known->state != FRAMEWORK_RECOVERED &&
        !text_equal(known->info.principal, info->principal))
        return "the principal of a framework cannot change";
    if (peer->framework != NULL && peer->framework != known)
        return "another framework has subscribed on this connection";
    return NULL;
}

void framework_book_subscribe(struct master *master, struct peer *peer,
                              const struct scheduler_call *call) {
    struct error why;
    const char *reason = why_not(master, peer, call, &why);
    if (reason != NULL) {
        refuse(master, peer, text_of(reason));
        return;
    }
    struct framework_id id = call->subscribe.info.id;
    if (id.text.size == 0) {
        subscribe_new(master, peer, call);
        return;
    }
    struct framework *framework = framework_book_find(master, id);
    if (framework == NULL)
        framework = framework_book_recover(master, id, call->subscribe.info.encoded);
    /* One that was held up on the way must not end the scheduler that has come since. */
    if (peer->connection.value < framework->last_connection) {
        emit_note(master, NOTE_INFO, "subscribe_stale", "framework=%.*s", TEXT_ARGS(id.text));
        emit_close(master, peer, TEXT("the framework has connected anew"));
        return;
    }
    subscribe_again(master, peer, framework, call);
}

void framework_book_update(struct master *master, struct framework *framework,
                           const struct scheduler_call *call) {
    const struct framework_info *info = &call->subscribe.info, *old = &framework->info;
    struct error why = {0};
    if (!framework_id_equal(info->id, old->id))
        fail(&why, ERROR_INVALID, "'framework_info.id' is not this framework's");
    else if (!text_equal(info->principal, old->principal) || !text_equal(info->user, old->user) ||
             info->checkpoint != old->checkpoint)
        fail(&why, ERROR_INVALID, "principal, user and checkpoint cannot change");
    else if (framework_check(master, info, &why) &&
             framework_check_suppressed(info, call->subscribe.suppressed_roles,
                                        call->subscribe.suppressed_role_count, &why))
        demand_book_check(master, call, &why);
    if (why.code != ERROR_NONE) {
        emit_invalid(master, "call=UPDATE_FRAMEWORK framework=%.*s error=\"%s\"",
                     TEXT_ARGS(old->id.text), why.message);
        struct scheduler_event refused = {
            .kind = SCHEDULER_EVENT_CALL_REFUSED,
            .call_refused = {TEXT("UPDATE_FRAMEWORK"), why.code == ERROR_REFUSED ? 403 : 400,
                             lend(master, text_of(why.message))},
        };
        emit_to_framework(master, framework, refused);
        return;
    }
    keep_info(framework, info);
    framework->failover_timeout_ns = framework_check_timeout_ns(info->failover_timeout_seconds);
    store(master, framework, 0);
    supply_update_framework(master, framework);
    demand_book_subscribe(master, framework, call, false);
    suppress(master, framework, call);
    offer_book_rescind_of_other_roles(master, framework);
    send_update_to_agents(master, framework);
}

/* --- silence and the end --- */

void framework_book_heartbeat(struct master *master, struct framework *framework) {
    if (framework->peer == NULL)
        return;
    emit_to_framework(master, framework,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_HEARTBEAT});
    heap_put(&master->timers, &framework->heartbeat.node,
             master->now_ms + master->options.heartbeat_ms);
}

void framework_book_disconnect(struct master *master, struct framework *framework) {
    framework->peer->framework = NULL;
    framework->peer = NULL;
    framework->state = FRAMEWORK_DISCONNECTED;
    heap_remove(&master->timers, &framework->heartbeat.node);
    supply_activate_framework(master, framework, false);
    offer_book_return_of_framework(master, framework);
    store(master, framework, master->wall_ns);
    emit_note(master, NOTE_INFO, "framework_disconnected", "framework=%.*s",
              TEXT_ARGS(framework->info.id.text));
    start_failover_timer(master, framework, master->wall_ns);
}

void framework_book_failover_timeout(struct master *master, struct framework *framework) {
    framework_book_remove(master, framework, "failover timeout");
}

static void remove_executors(struct master *master, struct framework *framework) {
    MAP_EACH(entry, &master->agents) {
        struct agent *agent = map_value(entry);
        MAP_EACH(at, &agent->executors) {
            struct executor *executor = map_value(at);
            if (executor->framework == framework)
                executor_book_remove(master, executor);
        }
    }
}

static void kill_tasks(struct master *master, struct framework *framework) {
    MAP_EACH(entry, &framework->tasks) {
        struct task *task = map_value(entry);
        if (!task_state_is_terminal(task->state)) {
            status_say_removed(master, task);
            assert(task->state == TASK_STATE_KILLED);
        }
        task_book_complete(master, task);
    }
}

static void shut_down_on_agents(struct master *master, struct framework_id id) {
    MAP_EACH(entry, &master->agents)
        emit_shutdown_framework(master, map_value(entry), id);
}

static void put_completed(struct master *master, struct framework *framework) {
    map_put_text(&master->completed, framework->info.id.text, framework);
    while (master->completed.count > master->options.max_completed_frameworks) {
        struct framework *oldest = map_first(&master->completed);
        map_remove_text(&master->completed, oldest->info.id.text);
        framework_book_free(oldest);
    }
}

static void store_removal(struct master *master, struct framework_id id) {
    bool has_oldest;
    struct store_change changes[3] = {store_change_of(master, "framework", id.text, NULL)};
    changes[1] = removed_book_add(master, id, &changes[2], &has_oldest);
    master->removal_ticket = emit_store(master, changes, has_oldest ? 3 : 2);
}

void framework_book_remove(struct master *master, struct framework *framework, const char *why) {
    struct framework_id id = {lend(master, framework->info.id.text)};
    if (framework->peer != NULL)
        framework->peer->framework = NULL;
    framework->peer = NULL;
    heap_remove(&master->timers, &framework->heartbeat.node);
    heap_remove(&master->timers, &framework->failover.node);
    offer_book_return_of_framework(master, framework);
    store_removal(master, id);
    shut_down_on_agents(master, id);
    kill_tasks(master, framework);
    remove_executors(master, framework);
    operation_book_forget_framework(framework);
    supply_remove_framework(master, framework);
    demand_book_forget(master, framework);
    emit_note(master, NOTE_INFO, "framework_removed", "framework=%.*s reason=\"%s\"",
              TEXT_ARGS(id.text), why);
    map_remove_text(&master->frameworks, id.text);
    framework->state = FRAMEWORK_COMPLETED;
    framework->unregistered_ns = master->wall_ns;
    put_completed(master, framework);
}

static void free_task(void *task) {
    task_book_free(task);
}

void framework_book_free(struct framework *framework) {
    if (framework == NULL)
        return;
    map_fini(&framework->tasks, free_task);
    map_fini(&framework->unreachable, free_task);
    map_fini(&framework->completed, free_task);
    operation_book_forget_framework(framework);
    demand_book_free_of(framework);
    VEC_FINI(&framework->fresh);
    resources_fini(&framework->used);
    resources_fini(&framework->offered);
    mem_free(framework->unknown_memory);
    mem_free(framework->info_memory);
    mem_free(framework->roles_memory);
    mem_free(framework);
}
