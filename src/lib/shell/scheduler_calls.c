/*
 * Each call as a mesos.v1.scheduler.Call that borrows what it is given and is packed at once;
 * packing changes nothing, so the casts take away const only for the generated types' sake.
 */
#include "lib/shell/scheduler_driver.h"

#include "common/base/mem.h"

#define CALL_INIT(kind)                                                                            \
    {                                                                                              \
        PROTOBUF_C_MESSAGE_INIT(&mesos__v1__scheduler__call__descriptor),                          \
            .has_type = true, .type = MESOS__V1__SCHEDULER__CALL__TYPE__##kind                     \
    }

static Mesos__V1__Status push(struct mesos_scheduler_driver *driver,
                              const Mesos__V1__Scheduler__Call *call) {
    return driver_call(driver->driver, (int)call->type, &call->base);
}

Mesos__V1__Status mesos_scheduler_driver_request_resources(
    struct mesos_scheduler_driver *driver, const Mesos__V1__Request *const *requests,
    size_t count) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(REQUEST);
    Mesos__V1__Scheduler__Call__Request request = MESOS__V1__SCHEDULER__CALL__REQUEST__INIT;
    request.requests = (Mesos__V1__Request **)requests;
    request.n_requests = count;
    call.request = &request;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_accept_offers(struct mesos_scheduler_driver *driver,
                                                       const struct mesos_accept *given) {
    struct mesos_accept accept;
    driver_copy_sized(&accept, sizeof(accept), given);
    size_t count = accept.operation_count + (accept.task_count > 0 ? 1 : 0);
    AUTO(mem_free)
    Mesos__V1__Offer__Operation **operations = NEW_ARRAY(Mesos__V1__Offer__Operation *, count + 1);
    for (size_t i = 0; i < accept.operation_count; i++)
        operations[i] = (Mesos__V1__Offer__Operation *)accept.operations[i];

    Mesos__V1__Offer__Operation__Launch tasks = MESOS__V1__OFFER__OPERATION__LAUNCH__INIT;
    tasks.task_infos = (Mesos__V1__TaskInfo **)accept.tasks;
    tasks.n_task_infos = accept.task_count;
    Mesos__V1__Offer__Operation launch = MESOS__V1__OFFER__OPERATION__INIT;
    launch.has_type = true;
    launch.type = MESOS__V1__OFFER__OPERATION__TYPE__LAUNCH;
    launch.launch = &tasks;
    if (accept.task_count > 0)
        operations[count - 1] = &launch;

    Mesos__V1__Scheduler__Call call = CALL_INIT(ACCEPT);
    Mesos__V1__Scheduler__Call__Accept body = MESOS__V1__SCHEDULER__CALL__ACCEPT__INIT;
    body.offer_ids = (Mesos__V1__OfferID **)accept.offer_ids;
    body.n_offer_ids = accept.offer_count;
    body.operations = operations;
    body.n_operations = count;
    body.filters = (Mesos__V1__Filters *)accept.filters;
    call.accept = &body;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_launch_tasks(struct mesos_scheduler_driver *driver,
                                                      const Mesos__V1__OfferID *offer_id,
                                                      const Mesos__V1__TaskInfo *const *tasks,
                                                      size_t count,
                                                      const Mesos__V1__Filters *filters) {
    return mesos_scheduler_driver_accept_offers(driver, &(struct mesos_accept){
                                                            .size = sizeof(struct mesos_accept),
                                                            .offer_ids = &offer_id,
                                                            .offer_count = 1,
                                                            .tasks = tasks,
                                                            .task_count = count,
                                                            .filters = filters,
                                                        });
}

Mesos__V1__Status mesos_scheduler_driver_decline_offer(struct mesos_scheduler_driver *driver,
                                                       const Mesos__V1__OfferID *offer_id,
                                                       const Mesos__V1__Filters *filters) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(DECLINE);
    Mesos__V1__Scheduler__Call__Decline decline = MESOS__V1__SCHEDULER__CALL__DECLINE__INIT;
    decline.offer_ids = (Mesos__V1__OfferID **)&offer_id;
    decline.n_offer_ids = 1;
    decline.filters = (Mesos__V1__Filters *)filters;
    call.decline = &decline;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_accept_inverse_offers(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OfferID *const *offer_ids, size_t count,
    const Mesos__V1__Filters *filters) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(ACCEPT_INVERSE_OFFERS);
    Mesos__V1__Scheduler__Call__AcceptInverseOffers accept =
        MESOS__V1__SCHEDULER__CALL__ACCEPT_INVERSE_OFFERS__INIT;
    accept.inverse_offer_ids = (Mesos__V1__OfferID **)offer_ids;
    accept.n_inverse_offer_ids = count;
    accept.filters = (Mesos__V1__Filters *)filters;
    call.accept_inverse_offers = &accept;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_decline_inverse_offers(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OfferID *const *offer_ids, size_t count,
    const Mesos__V1__Filters *filters) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(DECLINE_INVERSE_OFFERS);
    Mesos__V1__Scheduler__Call__DeclineInverseOffers decline =
        MESOS__V1__SCHEDULER__CALL__DECLINE_INVERSE_OFFERS__INIT;
    decline.inverse_offer_ids = (Mesos__V1__OfferID **)offer_ids;
    decline.n_inverse_offer_ids = count;
    decline.filters = (Mesos__V1__Filters *)filters;
    call.decline_inverse_offers = &decline;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_revive_offers(struct mesos_scheduler_driver *driver,
                                                       const char *const *roles, size_t count) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(REVIVE);
    Mesos__V1__Scheduler__Call__Revive revive = MESOS__V1__SCHEDULER__CALL__REVIVE__INIT;
    revive.roles = (char **)roles;
    revive.n_roles = count;
    call.revive = &revive;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_suppress_offers(struct mesos_scheduler_driver *driver,
                                                         const char *const *roles, size_t count) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(SUPPRESS);
    Mesos__V1__Scheduler__Call__Suppress suppress = MESOS__V1__SCHEDULER__CALL__SUPPRESS__INIT;
    suppress.roles = (char **)roles;
    suppress.n_roles = count;
    call.suppress = &suppress;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_update(struct mesos_scheduler_driver *driver,
                                                const struct mesos_framework_update *given) {
    struct mesos_framework_update from;
    driver_copy_sized(&from, sizeof(from), given);
    Mesos__V1__Scheduler__Call call = CALL_INIT(UPDATE_FRAMEWORK);
    Mesos__V1__Scheduler__Call__UpdateFramework update =
        MESOS__V1__SCHEDULER__CALL__UPDATE_FRAMEWORK__INIT;
    update.framework_info = (Mesos__V1__FrameworkInfo *)from.framework;
    update.suppressed_roles = (char **)from.suppressed_roles;
    update.n_suppressed_roles = from.suppressed_role_count;
    update.offer_constraints = (Mesos__V1__Scheduler__OfferConstraints *)from.offer_constraints;
    call.update_framework = &update;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_update_framework(struct mesos_scheduler_driver *driver,
                                                          const Mesos__V1__FrameworkInfo *framework,
                                                          const char *const *suppressed_roles,
                                                          size_t count) {
    return mesos_scheduler_driver_update(driver, &(struct mesos_framework_update){
                                                     .size = sizeof(struct mesos_framework_update),
                                                     .framework = framework,
                                                     .suppressed_roles = suppressed_roles,
                                                     .suppressed_role_count = count,
                                                 });
}

Mesos__V1__Status mesos_scheduler_driver_kill_task(struct mesos_scheduler_driver *driver,
                                                   const Mesos__V1__TaskID *task_id,
                                                   const Mesos__V1__AgentID *agent_id,
                                                   const Mesos__V1__KillPolicy *policy) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(KILL);
    Mesos__V1__Scheduler__Call__Kill kill = MESOS__V1__SCHEDULER__CALL__KILL__INIT;
    kill.task_id = (Mesos__V1__TaskID *)task_id;
    kill.agent_id = (Mesos__V1__AgentID *)agent_id;
    kill.kill_policy = (Mesos__V1__KillPolicy *)policy;
    call.kill = &kill;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_shutdown_executor(struct mesos_scheduler_driver *driver,
                                                           const Mesos__V1__ExecutorID *executor_id,
                                                           const Mesos__V1__AgentID *agent_id) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(SHUTDOWN);
    Mesos__V1__Scheduler__Call__Shutdown shutdown = MESOS__V1__SCHEDULER__CALL__SHUTDOWN__INIT;
    shutdown.executor_id = (Mesos__V1__ExecutorID *)executor_id;
    shutdown.agent_id = (Mesos__V1__AgentID *)agent_id;
    call.shutdown = &shutdown;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_acknowledge_status_update(
    struct mesos_scheduler_driver *driver, const Mesos__V1__TaskStatus *status) {
    bool is_needed = driver->explicit_acknowledgements && status->has_uuid &&
                     status->uuid.len > 0 && status->agent_id != NULL;
    if (!is_needed)
        return driver_status(driver->driver);
    Mesos__V1__Scheduler__Call call = CALL_INIT(ACKNOWLEDGE);
    Mesos__V1__Scheduler__Call__Acknowledge acknowledge =
        MESOS__V1__SCHEDULER__CALL__ACKNOWLEDGE__INIT;
    acknowledge.agent_id = status->agent_id;
    acknowledge.task_id = status->task_id;
    acknowledge.uuid = status->uuid;
    call.acknowledge = &acknowledge;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_send_framework_message(
    struct mesos_scheduler_driver *driver, const Mesos__V1__ExecutorID *executor_id,
    const Mesos__V1__AgentID *agent_id, const void *data, size_t size) {
    Mesos__V1__Scheduler__Call call = CALL_INIT(MESSAGE);
    Mesos__V1__Scheduler__Call__Message message = MESOS__V1__SCHEDULER__CALL__MESSAGE__INIT;
    message.executor_id = (Mesos__V1__ExecutorID *)executor_id;
    message.agent_id = (Mesos__V1__AgentID *)agent_id;
    message.data = (ProtobufCBinaryData){size, (uint8_t *)data};
    call.message = &message;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_reconcile_tasks(
    struct mesos_scheduler_driver *driver, const Mesos__V1__TaskStatus *const *statuses,
    size_t count) {
    typedef Mesos__V1__Scheduler__Call__Reconcile__Task task_type;
    AUTO(mem_free) task_type *tasks = NEW_ARRAY(task_type, count + 1);
    AUTO(mem_free) task_type **pointers = NEW_ARRAY(task_type *, count + 1);
    for (size_t i = 0; i < count; i++) {
        mesos__v1__scheduler__call__reconcile__task__init(&tasks[i]);
        tasks[i].task_id = statuses[i]->task_id;
        tasks[i].agent_id = statuses[i]->agent_id;
        pointers[i] = &tasks[i];
    }
    Mesos__V1__Scheduler__Call call = CALL_INIT(RECONCILE);
    Mesos__V1__Scheduler__Call__Reconcile reconcile = MESOS__V1__SCHEDULER__CALL__RECONCILE__INIT;
    reconcile.tasks = pointers;
    reconcile.n_tasks = count;
    call.reconcile = &reconcile;
    return push(driver, &call);
}

Mesos__V1__Status mesos_scheduler_driver_reconcile_operations(
    struct mesos_scheduler_driver *driver, const Mesos__V1__OperationStatus *const *statuses,
    size_t count) {
    typedef Mesos__V1__Scheduler__Call__ReconcileOperations__Operation operation_type;
    AUTO(mem_free) operation_type *operations = NEW_ARRAY(operation_type, count + 1);
    AUTO(mem_free) operation_type **pointers = NEW_ARRAY(operation_type *, count + 1);
    for (size_t i = 0; i < count; i++) {
        mesos__v1__scheduler__call__reconcile_operations__operation__init(&operations[i]);
        operations[i].operation_id = statuses[i]->operation_id;
        operations[i].agent_id = statuses[i]->agent_id;
        pointers[i] = &operations[i];
    }
    Mesos__V1__Scheduler__Call call = CALL_INIT(RECONCILE_OPERATIONS);
    Mesos__V1__Scheduler__Call__ReconcileOperations reconcile =
        MESOS__V1__SCHEDULER__CALL__RECONCILE_OPERATIONS__INIT;
    reconcile.operations = pointers;
    reconcile.n_operations = count;
    call.reconcile_operations = &reconcile;
    return push(driver, &call);
}
