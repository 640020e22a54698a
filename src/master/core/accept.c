/*
 * The offers of a call are taken out of the book together, the operations work on their sum in
 * order, and what is left is declined.
 */
#include "master/core/accept.h"

#include "master/core/emit.h"
#include "master/core/executor_book.h"
#include "master/core/offer_book.h"
#include "master/core/operate.h"
#include "master/core/operation_book.h"
#include "master/core/status.h"
#include "master/core/supply.h"
#include "master/core/task_book.h"
#include "master/core/task_check.h"
#include "master/core/usage.h"

#include "common/model/resources_translate.h"

#include <stdlib.h>

/* --- the offers --- */

static int compare_ids(const void *a, const void *b) {
    return text_compare(((const struct offer_id *)a)->text, ((const struct offer_id *)b)->text);
}

/* The second of two equal ids; NULL: all are distinct. */
static const struct offer_id *find_twin(struct master *master, const struct offer_id *ids,
                                        size_t count) {
    struct offer_id *sorted = ARENA_ARRAY(master->out->arena, struct offer_id, count + 1);
    if (count > 0)
        memcpy(sorted, ids, count * sizeof(*ids));
    qsort(sorted, count, sizeof(*sorted), compare_ids);
    for (size_t i = 1; i < count; i++)
        if (offer_id_equal(sorted[i - 1], sorted[i]))
            return &sorted[i];
    return NULL;
}

static bool check_offer(const struct master *master, const struct framework *framework,
                        struct offer_id id, struct acceptance *acceptance, struct error *why) {
    const struct offer *offer = offer_book_find(master, id);
    if (offer == NULL)
        return fail(why, ERROR_NOT_FOUND, "Offer %.*s is no longer valid", TEXT_ARGS(id.text));
    if (offer->framework != framework)
        return fail(why, ERROR_REFUSED, "Offer %.*s was made to another framework",
                    TEXT_ARGS(id.text));
    if (acceptance->agent != NULL && acceptance->agent != offer->agent)
        return fail(why, ERROR_INVALID,
                    "Offers of more than one agent cannot be accepted together");
    if (acceptance->agent != NULL && acceptance->role != offer->role)
        return fail(why, ERROR_INVALID, "Offers to more than one role cannot be accepted together");
    acceptance->agent = offer->agent;
    acceptance->role = offer->role;
    return true;
}

static bool check_offers(struct master *master, struct framework *framework,
                         const struct scheduler_call *call, struct acceptance *acceptance,
                         struct error *why) {
    size_t count = call->accept.offer_count;
    if (count == 0)
        return fail(why, ERROR_INVALID, "No offers specified");
    if (count > OFFERS_PER_CALL_LIMIT)
        return fail(why, ERROR_LIMIT, "More than %d offers in one call", OFFERS_PER_CALL_LIMIT);
    const struct offer_id *twin = find_twin(master, call->accept.offers, count);
    if (twin != NULL)
        return fail(why, ERROR_INVALID, "Offer %.*s is given twice", TEXT_ARGS(twin->text));
    acceptance->framework = framework;
    for (size_t i = 0; i < count; i++)
        if (!check_offer(master, framework, call->accept.offers[i], acceptance, why))
            return false;
    return true;
}

static void take_offers(struct master *master, const struct scheduler_call *call,
                        struct acceptance *acceptance) {
    for (size_t i = 0; i < call->accept.offer_count; i++) {
        struct offer *offer = offer_book_find(master, call->accept.offers[i]);
        AUTO_FINI(resources_fini) struct resources resources = offer_book_take(master, offer);
        bool fits = resources_add(&acceptance->left, &resources);
        assert(fits);
        (void)fits;
    }
}

/* Those that are the framework's own go back. */
static void return_offers(struct master *master, struct framework *framework,
                          const struct scheduler_call *call, int64_t refuse_ms) {
    for (size_t i = 0; i < call->accept.offer_count; i++) {
        struct offer *offer = offer_book_find(master, call->accept.offers[i]);
        if (offer != NULL && offer->framework == framework)
            offer_book_return(master, offer, refuse_ms);
    }
}

/* --- the operations --- */

static void fail_task(struct master *master, struct framework *framework,
                      const struct task_info *task, enum task_state state, enum task_reason reason,
                      const char *why) {
    struct task_status status =
        status_make(master, task->id, state, reason, lend(master, text_of(why)));
    status.agent = task->agent;
    status.executor = task->executor.id;
    master->tasks_by_state[state]++;
    status_send(master, framework, &status);
}

static void fail_tasks(struct master *master, struct framework *framework,
                       const struct operation *operation, enum task_state state,
                       enum task_reason reason, const char *why) {
    for (size_t i = 0; i < operation->task_count; i++)
        fail_task(master, framework, &operation->tasks[i], state, reason, why);
}

/* Shared volumes that somebody uses already are not in the offers. */
static void take(struct acceptance *acceptance, const struct resources *needs) {
    struct user user = {acceptance->framework, acceptance->role, acceptance->agent, needs};
    AUTO_FINI(resources_fini) struct resources scratch = {0};
    bool held = resources_subtract(&acceptance->left, usage_uncounted(&user, &scratch));
    assert(held);
    (void)held;
}

static void add_executor(struct master *master, struct acceptance *acceptance,
                         const struct executor_info *info) {
    struct executor_report report = {
        .id = info->id, .info = info->encoded, .resources = info->resources};
    take(acceptance, info->resources);
    executor_book_add(master, acceptance->framework, acceptance->agent, acceptance->role, &report);
}

static void run_task(struct master *master, struct acceptance *acceptance,
                     const struct task_info *info) {
    struct framework *framework = acceptance->framework;
    struct text role = kinds_role_text(master->kinds, acceptance->role);
    struct task_report report = {
        .id = info->id,
        .executor = info->executor.id,
        .name = info->name,
        .role = role,
        .resources = info->resources,
        .latest_state = TASK_STATE_STAGING,
        .sent_state = TASK_STATE_STAGING,
        .info = info->encoded,
    };
    take(acceptance, info->resources);
    supply_note_launch(master, framework, acceptance->role, acceptance->agent, info->resources);
    task_book_add(master, framework, acceptance->agent, &report);
    struct master_message message = {
        .kind = MASTER_MESSAGE_RUN_TASK,
        .run_task = {framework->info.id, framework->info.encoded, *info, role},
    };
    emit_to_agent(master, acceptance->agent, message);
}

static void launch_one(struct master *master, struct acceptance *acceptance,
                       const struct task_info *task) {
    struct framework *framework = acceptance->framework;
    struct executor *executor =
        task->executor.is_set
            ? executor_book_find(master, acceptance->agent, framework, task->executor.id)
            : NULL;
    AUTO_FINI(resources_fini)
    struct resources shared =
        usage_shareable(master, framework, acceptance->agent, acceptance->role);
    bool is_sharing = !resources_is_empty(&shared);
    bool fits = !is_sharing || resources_add(&shared, &acceptance->left);
    assert(fits);
    (void)fits;
    struct launch_place place = {
        .framework = framework,
        .agent = acceptance->agent,
        .role = kinds_role_text(master->kinds, acceptance->role),
        .available = is_sharing ? &shared : &acceptance->left,
        .executor = executor,
    };
    struct error why;
    if (!task_check(master, &place, task, &why)) {
        fail_context(
            &why, "Task '%.*s' is invalid",
            (int)(task->id.text.size < ID_BYTES_LIMIT ? task->id.text.size : ID_BYTES_LIMIT),
            task->id.text.data != NULL ? task->id.text.data : "");
        fail_task(master, framework, task, TASK_STATE_ERROR, TASK_REASON_TASK_INVALID, why.message);
        return;
    }
    if (task->executor.is_set && executor == NULL)
        add_executor(master, acceptance, &task->executor);
    run_task(master, acceptance, task);
}

static void fini_set(void *set) {
    resources_fini(set);
}

/* In the master's kinds; false: it has some of what nobody has. */
static bool localize(struct master *master, const struct acceptance *acceptance,
                     const struct resources **set, struct error *why) {
    struct resources *local = ARENA_NEW(master->out->arena, struct resources);
    arena_defer(master->out->arena, fini_set, local);
    if (*set == NULL)
        return true;
    if (!resources_translate(*set, acceptance->kinds, master->kinds, TRANSLATE_FIND, local, why))
        return false;
    *set = local;
    return true;
}

/* A task beside operations is numbered in the table of its call, as it may use what they make. */
static void localize_task(struct master *master, const struct acceptance *acceptance,
                          struct task_info *task) {
    static const struct resources none;
    struct error why;
    if (acceptance->kinds == NULL ||
        (localize(master, acceptance, &task->resources, &why) &&
         localize(master, acceptance, &task->executor.resources, &why)))
        return;
    task->resources = task->executor.resources = &none;
    if (task->fault.size == 0)
        task->fault = lend(master, text_of(why.message));
}

static void launch(struct master *master, struct acceptance *acceptance,
                   const struct operation *operation) {
    if (operation->id.size > 0) {
        fail_tasks(master, acceptance->framework, operation, TASK_STATE_ERROR,
                   TASK_REASON_TASK_INVALID, "'Operation.id' is not allowed for LAUNCH");
        return;
    }
    for (size_t i = 0; i < operation->task_count; i++) {
        struct task_info task = operation->tasks[i];
        localize_task(master, acceptance, &task);
        launch_one(master, acceptance, &task);
    }
}

static void drop_operation(struct master *master, const struct acceptance *acceptance,
                           const struct operation *operation) {
    struct operation_terms terms = {.framework = acceptance->framework,
                                    .agent = acceptance->agent,
                                    .kind = operation->kind,
                                    .id = operation->id};
    operation_book_refuse(master, &terms, "it is not served");
}

static void operate(struct master *master, struct acceptance *acceptance,
                    const struct operation *operation) {
    struct framework *framework = acceptance->framework;
    switch (operation->kind) {
    case OPERATION_LAUNCH: launch(master, acceptance, operation); return;
    case OPERATION_LAUNCH_GROUP:
        fail_tasks(master, framework, operation, TASK_STATE_ERROR, TASK_REASON_TASK_GROUP_INVALID,
                   "Task groups are not served by the agents");
        return;
    case OPERATION_RESERVE:
    case OPERATION_UNRESERVE:
    case OPERATION_CREATE:
    case OPERATION_DESTROY:
    case OPERATION_GROW_VOLUME:
    case OPERATION_SHRINK_VOLUME: operate_on_offers(master, acceptance, operation); return;
    case OPERATION_CREATE_DISK:
    case OPERATION_DESTROY_DISK:
    case OPERATION_UNKNOWN: break;
    }
    drop_operation(master, acceptance, operation);
}

/* What operations have made and no task uses is offered again at once. */
static void give_back(struct master *master, struct acceptance *acceptance, int64_t refuse_ms) {
    AUTO_FINI(resources_fini) struct resources made = resources_take(&acceptance->left);
    AUTO_FINI(resources_fini) struct resources plain = resources_copy(&made);
    resources_subtract_common(&plain, &acceptance->made);
    resources_subtract_common(&made, &plain);
    bool fits = resources_add(&made, &acceptance->later);
    assert(fits);
    (void)fits;
    supply_decline(master, acceptance->framework, acceptance->role, acceptance->agent, &plain,
                   refuse_ms);
    supply_recover(master, acceptance->framework, acceptance->role, acceptance->agent, &made);
}

/* --- the calls --- */

static void refuse(struct master *master, struct framework *framework,
                   const struct scheduler_call *call, const char *why) {
    emit_invalid(master, "call=ACCEPT framework=%.*s error=\"%s\"",
                 TEXT_ARGS(framework->info.id.text), why);
    return_offers(master, framework, call, 0);
    enum task_state state = status_word(framework, TASK_STATE_DROPPED);
    struct error whole;
    fail(&whole, ERROR_INVALID, "Task launched with invalid offers: %s", why);
    for (size_t i = 0; i < call->accept.operation_count; i++) {
        const struct operation *operation = &call->accept.operations[i];
        fail_tasks(master, framework, operation, state, TASK_REASON_INVALID_OFFERS, whole.message);
        if (operation->kind == OPERATION_LAUNCH || operation->kind == OPERATION_LAUNCH_GROUP)
            continue;
        struct operation_terms terms = {
            .framework = framework, .kind = operation->kind, .id = operation->id};
        operation_book_refuse(master, &terms, why);
    }
}

void accept_offers(struct master *master, struct framework *framework,
                   const struct scheduler_call *call) {
    AUTO_FINI(acceptance_fini)
    struct acceptance acceptance = {.framework = framework, .kinds = call->accept.kinds};
    struct error why;
    if (!check_offers(master, framework, call, &acceptance, &why)) {
        refuse(master, framework, call, why.message);
        return;
    }
    take_offers(master, call, &acceptance);
    for (size_t i = 0; i < call->accept.operation_count; i++)
        operate(master, &acceptance, &call->accept.operations[i]);
    for (size_t i = 0; i < call->accept.offer_count; i++)
        supply_end_offer(master, framework, acceptance.role, acceptance.agent,
                         ALLOCATOR_OFFER_ANSWERED);
    int64_t refuse_ms =
        supply_refuse_ms(call->accept.has_refuse_seconds, call->accept.refuse_seconds);
    give_back(master, &acceptance, refuse_ms);
}

void accept_decline(struct master *master, struct framework *framework,
                    const struct scheduler_call *call) {
    int64_t refuse_ms =
        supply_refuse_ms(call->accept.has_refuse_seconds, call->accept.refuse_seconds);
    if (call->accept.offer_count > OFFERS_PER_CALL_LIMIT) {
        emit_invalid(master, "call=DECLINE framework=%.*s error=\"more than %d offers\"",
                     TEXT_ARGS(framework->info.id.text), OFFERS_PER_CALL_LIMIT);
        return;
    }
    return_offers(master, framework, call, refuse_ms);
}
