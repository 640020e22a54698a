/*
 * An operation is on its agent's list while its answer is awaited, and in its framework's map while
 * somebody may ask for it by its id. It is gone when it is in neither.
 */
#include "master/core/operation_book.h"

#include "master/core/drain.h"
#include "master/core/emit.h"
#include "master/core/old_book.h"
#include "master/core/supply.h"

#include "common/model/resources_text.h"

struct applied {
    struct link by_agent;        /* while its answer is awaited */
    struct framework *framework; /* NULL: nobody asks for it */
    struct link by_end;          /* on the framework's list when it is not awaited any more */
    struct text id;              /* kept */
    struct agent_id agent;       /* kept */
    void *memory;
    uint64_t number; /* on the agent's connection */
    enum operation_kind kind;
    enum operation_state state;
    char *why; /* NULL: nothing to say */
    struct conversion conversion;
};

static void must(bool held) {
    assert(held);
    (void)held;
}

static void drop_unused(struct applied *applied) {
    if (applied->framework != NULL || link_is_listed(&applied->by_agent))
        return;
    conversion_fini(&applied->conversion);
    mem_free(applied->why);
    mem_free(applied->memory);
    mem_free(applied);
}

static void leave_framework(struct applied *applied) {
    map_remove_text(&applied->framework->operations, applied->id);
    if (link_is_listed(&applied->by_end))
        applied->framework->ended_operation_count--;
    list_remove(&applied->by_end);
    applied->framework = NULL;
    drop_unused(applied);
}

/* Frameworks may use an id again: the newest has it. */
static void join_framework(struct applied *applied, struct framework *framework) {
    struct applied *older = map_get_text(&framework->operations, applied->id);
    if (older != NULL)
        leave_framework(older);
    applied->framework = framework;
    map_put_text(&framework->operations, applied->id, applied);
}

/* It is awaited no more, and is remembered until enough others have ended after it. */
static void rest(struct applied *applied) {
    struct framework *framework = applied->framework;
    list_remove(&applied->by_agent);
    if (framework == NULL)
        return drop_unused(applied);
    list_append(&framework->ended_operations, &applied->by_end);
    if (++framework->ended_operation_count <= OPERATIONS_PER_FRAMEWORK_LIMIT)
        return;
    struct link *oldest = list_first(&framework->ended_operations);
    leave_framework(CONTAINER_OF(oldest, struct applied, by_end));
}

static struct applied *add(const struct operation_terms *terms) {
    struct applied *applied = NEW(struct applied);
    applied->id = terms->id;
    applied->agent = terms->agent->info.id;
    applied->memory = keep_texts((struct text *[]){&applied->id, &applied->agent.text}, 2);
    applied->number = ++terms->agent->last_apply;
    applied->kind = terms->kind;
    applied->state = OPERATION_STATE_PENDING;
    applied->conversion.from = resources_copy(&terms->conversion->from);
    applied->conversion.to = resources_copy(&terms->conversion->to);
    list_append(&terms->agent->operations, &applied->by_agent);
    if (terms->framework != NULL && terms->id.size > 0)
        join_framework(applied, terms->framework);
    return applied;
}

/* --- saying it --- */

static void fini_set(void *set) {
    resources_fini(set);
}

/* As effects need it: it may be gone before they are carried out. */
static const struct resources *lend_set(struct master *master, const struct resources *set) {
    struct resources *copy = ARENA_NEW(master->out->arena, struct resources);
    *copy = resources_copy(set);
    arena_defer(master->out->arena, fini_set, copy);
    return copy;
}

static struct text said(struct master *master, const struct resources *set) {
    AUTO_FINI(buf_fini) struct buf shown = {0};
    resources_print(set, master->kinds, &shown);
    return lend(master, buf_text(&shown));
}

static void send_status(struct master *master, struct framework *framework,
                        struct operation_status status) {
    status.operation = lend(master, status.operation);
    status.message = lend(master, status.message);
    status.agent.text = lend(master, status.agent.text);
    emit_to_framework(master, framework,
                      (struct scheduler_event){.kind = SCHEDULER_EVENT_UPDATE_OPERATION_STATUS,
                                               .operation = status});
}

static void tell(struct master *master, const struct applied *applied) {
    if (applied->framework == NULL)
        return;
    struct operation_status status = {
        .operation = applied->id,
        .state = applied->state,
        .message = text_of(applied->why),
        .agent = applied->agent,
    };
    if (applied->state == OPERATION_STATE_FINISHED)
        status.converted = lend_set(master, &applied->conversion.to);
    send_status(master, applied->framework, status);
}

/* --- the life of one --- */

bool operation_book_has_room(const struct agent *agent) {
    const struct link *last = agent->operations.previous;
    if (list_is_empty(&agent->operations))
        return true;
    const struct applied *oldest = CONTAINER_OF(agent->operations.next, struct applied, by_agent);
    const struct applied *newest = CONTAINER_OF(last, struct applied, by_agent);
    return newest->number - oldest->number < OPERATIONS_PER_AGENT_LIMIT;
}

void operation_book_apply(struct master *master, const struct operation_terms *terms) {
    struct agent *agent = terms->agent;
    supply_convert(master, terms->framework, terms->role, agent, terms->conversion);
    must(resources_subtract(&agent->total, &terms->conversion->from));
    must(resources_add(&agent->total, &terms->conversion->to));
    const struct applied *applied = add(terms);
    struct master_message message = {
        .kind = MASTER_MESSAGE_APPLY,
        .apply = {applied->number, applied->kind, lend_set(master, &applied->conversion.from),
                  lend_set(master, &applied->conversion.to)},
    };
    emit_to_agent(master, agent, message);
    emit_note(master, NOTE_INFO, "operation_sent",
              "agent=%.*s framework=%.*s kind=%s id=%.*s from=%.*s to=%.*s",
              TEXT_ARGS(agent->info.id.text),
              TEXT_ARGS(terms->framework != NULL ? terms->framework->info.id.text : TEXT("-")),
              operation_kind_name(terms->kind), TEXT_ARGS(terms->id),
              TEXT_ARGS(said(master, &applied->conversion.from)),
              TEXT_ARGS(said(master, &applied->conversion.to)));
}

void operation_book_refuse(struct master *master, const struct operation_terms *terms,
                           const char *why) {
    struct framework *framework = terms->framework;
    emit_invalid(master, "call=ACCEPT framework=%.*s operation=%s id=%.*s error=\"%s\"",
                 TEXT_ARGS(framework->info.id.text), operation_kind_name(terms->kind),
                 TEXT_ARGS(text_sub(terms->id, 0, ID_BYTES_LIMIT)), why);
    if (terms->id.size == 0)
        return;
    struct operation_status status = {
        .operation = terms->id, .state = OPERATION_STATE_ERROR, .message = text_of(why)};
    if (terms->agent != NULL)
        status.agent = terms->agent->info.id;
    send_status(master, framework, status);
}

/* It is awaited no more. */
static void end(struct master *master, struct applied *applied, enum operation_state state,
                struct text why) {
    struct agent *agent = map_get_text(&master->agents, applied->agent.text);
    list_remove(&applied->by_agent);
    if (agent != NULL)
        drain_look(master, agent);
    applied->state = state;
    mem_free(applied->why);
    applied->why = why.size > 0 ? text_dup(text_sub(why, 0, STATUS_MESSAGE_BYTES_KEPT)) : NULL;
    if (state != OPERATION_STATE_FINISHED)
        emit_note(master, NOTE_WARNING, "operation_not_done",
                  "agent=%.*s kind=%s id=%.*s state=%s reason=\"%.*s\"",
                  TEXT_ARGS(applied->agent.text), operation_kind_name(applied->kind),
                  TEXT_ARGS(applied->id), operation_state_name(state), TEXT_ARGS(why));
    tell(master, applied);
    rest(applied);
}

/* NULL: none of that number is awaited. Answers come in order, so it is mostly the first. */
static struct applied *find_awaited(const struct agent *agent, uint64_t number) {
    LIST_EACH(link, &agent->operations) {
        struct applied *applied = CONTAINER_OF(link, struct applied, by_agent);
        if (applied->number >= number)
            return applied->number == number ? applied : NULL;
    }
    return NULL;
}

void operation_book_answer(struct master *master, struct agent *agent,
                           const struct agent_message *message) {
    struct applied *applied = find_awaited(agent, message->operation.number);
    if (applied == NULL) {
        emit_invalid(master, "agent=%.*s error=\"an answer to an operation that is not awaited\"",
                     TEXT_ARGS(agent->info.id.text));
        return;
    }
    if (message->operation.is_applied)
        end(master, applied, OPERATION_STATE_FINISHED, (struct text){0});
    else
        end(master, applied, OPERATION_STATE_FAILED, message->operation.why);
}

/* --- when the connection was lost --- */

/* How many of those awaited the agent has heard, counted from the first: the last ones are undone
 * until its own total comes out. False: there is no such number. */
static bool count_heard(const struct agent *agent, const struct resources *total, size_t *heard) {
    AUTO_FINI(resources_fini) struct resources now = resources_copy(&agent->total);
    size_t undone = 0, count = 0;
    for (const struct link *at = agent->operations.next; at != &agent->operations; at = at->next)
        count++;
    for (const struct link *at = agent->operations.previous;; at = at->previous, undone++) {
        if (resources_equal(&now, total)) {
            *heard = count - undone;
            return true;
        }
        if (at == &agent->operations)
            return false;
        const struct applied *applied = CONTAINER_OF(at, struct applied, by_agent);
        if (!resources_subtract(&now, &applied->conversion.to) ||
            !resources_add(&now, &applied->conversion.from))
            return false;
    }
}

void operation_book_settle(struct master *master, struct agent *agent,
                           const struct resources *total) {
    size_t heard = 0, at = 0;
    bool is_counted = count_heard(agent, total, &heard);
    LIST_EACH(link, &agent->operations) {
        struct applied *applied = CONTAINER_OF(link, struct applied, by_agent);
        bool is_done = is_counted ? at < heard : resources_contains(total, &applied->conversion.to);
        at++;
        if (is_done)
            end(master, applied, OPERATION_STATE_FINISHED, (struct text){0});
        else
            end(master, applied, OPERATION_STATE_DROPPED,
                TEXT("The agent was disconnected and has come back without it"));
    }
    agent->last_apply = 0;
}

void operation_book_project(const struct agent *agent, struct resources *total) {
    LIST_EACH(link, &agent->operations) {
        const struct applied *applied = CONTAINER_OF(link, struct applied, by_agent);
        if (resources_subtract(total, &applied->conversion.from))
            must(resources_add(total, &applied->conversion.to));
    }
}

void operation_book_lose(struct master *master, struct agent *agent, bool for_good) {
    LIST_EACH(link, &agent->operations) {
        struct applied *applied = CONTAINER_OF(link, struct applied, by_agent);
        if (for_good) {
            end(master, applied, OPERATION_STATE_GONE_BY_OPERATOR,
                TEXT("The agent has been removed"));
            continue;
        }
        applied->state = OPERATION_STATE_UNREACHABLE;
        tell(master, applied);
    }
}

/* --- reconciliation --- */

static enum operation_state state_at(const struct master *master, struct agent_id id) {
    if (id.text.size == 0)
        return OPERATION_STATE_UNKNOWN;
    if (old_book_is_gone(master, id.text))
        return OPERATION_STATE_GONE_BY_OPERATOR;
    const struct agent *agent = map_get_text(&master->agents, id.text);
    if (agent == NULL)
        return OPERATION_STATE_UNKNOWN;
    switch (agent->state) {
    case AGENT_RECOVERED: return OPERATION_STATE_RECOVERING;
    case AGENT_LEAVING:
    case AGENT_UNREACHABLE: return OPERATION_STATE_UNREACHABLE;
    case AGENT_ADMITTING:
    case AGENT_REGISTERED: break;
    }
    return OPERATION_STATE_UNKNOWN;
}

static void answer_one(struct master *master, struct framework *framework,
                       const struct operation_reference *asked) {
    const struct applied *applied =
        asked->operation.size > 0 ? map_get_text(&framework->operations, asked->operation) : NULL;
    if (applied != NULL) {
        tell(master, applied);
        return;
    }
    send_status(master, framework,
                (struct operation_status){
                    .operation = asked->operation,
                    .state = state_at(master, asked->agent),
                    .message = TEXT("Reconciliation: the operation is not known to the master"),
                    .agent = asked->agent,
                });
}

void operation_book_reconcile(struct master *master, struct framework *framework,
                              const struct scheduler_call *call) {
    size_t count = call->reconcile_operations.operation_count;
    if (count > OPERATIONS_PER_CALL_LIMIT) {
        emit_invalid(master, "call=RECONCILE_OPERATIONS framework=%.*s error=\"more than %d\"",
                     TEXT_ARGS(framework->info.id.text), OPERATIONS_PER_CALL_LIMIT);
        return;
    }
    for (size_t i = 0; i < count; i++)
        answer_one(master, framework, &call->reconcile_operations.operations[i]);
    if (count > 0)
        return;
    MAP_EACH(entry, &framework->operations)
        tell(master, map_value(entry));
}

/* --- the end --- */

void operation_book_forget_framework(struct framework *framework) {
    MAP_EACH(entry, &framework->operations) {
        struct applied *applied = map_value(entry);
        list_remove(&applied->by_end);
        applied->framework = NULL;
        drop_unused(applied);
    }
    map_fini(&framework->operations, NULL);
    framework->ended_operation_count = 0;
}

void operation_book_forget_agent(struct agent *agent) {
    LIST_EACH(link, &agent->operations)
        rest(CONTAINER_OF(link, struct applied, by_agent));
}

bool operation_book_check_agent(const struct agent *agent, struct error *why) {
    uint64_t last = 0;
    LIST_EACH(link, &agent->operations) {
        const struct applied *applied = CONTAINER_OF(link, struct applied, by_agent);
        if (applied->number <= last || applied->number > agent->last_apply)
            return fail(why, ERROR_INVALID, "operation %llu is out of order",
                        (unsigned long long)applied->number);
        last = applied->number;
        if (!agent_id_equal(applied->agent, agent->info.id))
            return fail(why, ERROR_INVALID, "an operation is on another agent's list");
    }
    return true;
}

bool operation_book_check_framework(const struct framework *framework, struct error *why) {
    MAP_EACH(entry, &framework->operations) {
        const struct applied *applied = map_value(entry);
        if (applied->framework != framework)
            return fail(why, ERROR_INVALID, "operation %.*s is another framework's",
                        TEXT_ARGS(applied->id));
        if (applied->state == OPERATION_STATE_PENDING && !link_is_listed(&applied->by_agent))
            return fail(why, ERROR_INVALID, "operation %.*s waits for nobody",
                        TEXT_ARGS(applied->id));
    }
    return true;
}
