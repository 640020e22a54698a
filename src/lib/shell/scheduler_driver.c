/*
 * The scheduler driver's life, and what it hands to the callbacks.
 */
#include "lib/shell/scheduler_driver.h"

#include "common/base/mem.h"
#include "lib/core/scheduler.h"

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    scheduler_step(core, event, outbox);
}

static int64_t deadline_ms(void *core) {
    return scheduler_deadline_ms(core);
}

static void free_core(void *core) {
    scheduler_free(core);
}

/* Calls the callback of this name if there is one, with what follows the driver in its arguments.
 */
#define CALL(name, ...)                                                                            \
    do {                                                                                           \
        if (driver->callbacks.name != NULL)                                                        \
            driver->callbacks.name(driver->callbacks.user, driver, ##__VA_ARGS__);                 \
    } while (0)

static void tell_request(struct mesos_scheduler_driver *driver,
                         const Mesos__V1__Scheduler__Event__RequestStatus *from) {
    struct mesos_request_status status = {
        .size = sizeof(status),
        .name = from->name != NULL ? from->name : "",
        .role = from->role != NULL ? from->role : "",
        .feasible = from->feasible,
        .message = from->message != NULL ? from->message : "",
        .nearest = from->nearest_agent_id,
    };
    CALL(request_status, &status);
}

static void tell_refusal(struct mesos_scheduler_driver *driver,
                         const Mesos__V1__Scheduler__Event__CallRefused *refused) {
    CALL(call_refused, refused->call != NULL ? refused->call : "",
         refused->message != NULL ? refused->message : "");
}

static void call_with_event(struct mesos_scheduler_driver *driver, enum driver_callback_kind kind,
                            const Mesos__V1__Scheduler__Event *event) {
    const Mesos__V1__Scheduler__Event__Message *message = event->message;
    const Mesos__V1__Scheduler__Event__Failure *failure = event->failure;
    if (kind == CALLBACK_REGISTERED)
        CALL(registered, event->subscribed->framework_id, event->subscribed->master_info);
    else if (kind == CALLBACK_REREGISTERED)
        CALL(reregistered, event->subscribed->master_info);
    else if (kind == CALLBACK_OFFERS)
        CALL(resource_offers, event->offers->offers, event->offers->n_offers);
    else if (kind == CALLBACK_OFFER_RESCINDED)
        CALL(offer_rescinded, event->rescind->offer_id);
    else if (kind == CALLBACK_INVERSE_OFFERS)
        CALL(inverse_offers, event->inverse_offers->inverse_offers,
             event->inverse_offers->n_inverse_offers);
    else if (kind == CALLBACK_INVERSE_OFFER_RESCINDED)
        CALL(inverse_offer_rescinded, event->rescind_inverse_offer->inverse_offer_id);
    else if (kind == CALLBACK_FRAMEWORK_MESSAGE)
        CALL(framework_message, message->executor_id, message->agent_id, message->data.data,
             message->data.len);
    else if (kind == CALLBACK_AGENT_LOST)
        CALL(agent_lost, failure->agent_id);
    else if (kind == CALLBACK_EXECUTOR_LOST)
        CALL(executor_lost, failure->executor_id, failure->agent_id,
             failure->has_status ? failure->status : -1);
}

static void call_back(void *owner, const struct driver_callback *callback) {
    struct mesos_scheduler_driver *driver = owner;
    switch (callback->kind) {
    case CALLBACK_REGISTERED:
    case CALLBACK_REREGISTERED:
    case CALLBACK_OFFERS:
    case CALLBACK_OFFER_RESCINDED:
    case CALLBACK_INVERSE_OFFERS:
    case CALLBACK_INVERSE_OFFER_RESCINDED:
    case CALLBACK_FRAMEWORK_MESSAGE:
    case CALLBACK_AGENT_LOST:
    case CALLBACK_EXECUTOR_LOST: call_with_event(driver, callback->kind, callback->event); break;
    case CALLBACK_DISCONNECTED: CALL(disconnected); break;
    case CALLBACK_STATUS_UPDATE: CALL(status_update, callback->status); break;
    case CALLBACK_ERROR: CALL(error, callback->message); break;
    case CALLBACK_OUTPUT: CALL(output, &callback->output); break;
    case CALLBACK_CALL_DROPPED:
        CALL(call_dropped, callback->dropped.name, callback->dropped.why);
        break;
    case CALLBACK_CONNECT_FAILED: CALL(connect_failed, callback->message); break;
    case CALLBACK_CALL_REFUSED: tell_refusal(driver, callback->event->call_refused); break;
    case CALLBACK_REQUEST_STATUS: tell_request(driver, callback->event->request_status); break;
    case CALLBACK_OPERATION_STATUS:
        CALL(operation_status, callback->event->update_operation_status->status);
        break;
    case CALLBACK_LAUNCH_TASK:
    case CALLBACK_KILL_TASK:
    case CALLBACK_SHUTDOWN: break;
    }
}

static const struct driver_class scheduler_class = {.role = "scheduler",
                                                    .step = step,
                                                    .deadline_ms = deadline_ms,
                                                    .free_core = free_core,
                                                    .callback = call_back};

static bool check_options(const struct mesos_scheduler_options *options, struct error *error) {
    if (!driver_check_masters(options->master, error))
        return false;
    if (options->framework == NULL)
        return fail(error, ERROR_INVALID, "a framework needs its FrameworkInfo");
    if (options->framework->name == NULL || options->framework->user == NULL)
        return fail(error, ERROR_INVALID, "FrameworkInfo: name and user are needed");
    if (!protobuf_c_message_check(&options->framework->base))
        return fail(error, ERROR_INVALID, "FrameworkInfo: a required field is missing in it");
    if (options->offer_constraints != NULL &&
        !protobuf_c_message_check(&options->offer_constraints->base))
        return fail(error, ERROR_INVALID, "OfferConstraints: a required field is missing in it");
    return true;
}

struct mesos_scheduler_driver *mesos_scheduler_driver_new(
    const struct mesos_scheduler_callbacks *callbacks, const struct mesos_scheduler_options *given,
    struct mesos_error *out_error) {
    struct mesos_scheduler_options options;
    struct error error = {0};
    driver_copy_sized(&options, sizeof(options), given);
    if (!check_options(&options, &error)) {
        driver_give_error(out_error, &error);
        return NULL;
    }
    struct mesos_scheduler_driver *driver = NEW(struct mesos_scheduler_driver);
    driver_copy_sized(&driver->callbacks, sizeof(driver->callbacks), callbacks);
    driver->explicit_acknowledgements = options.explicit_acknowledgements;
    struct scheduler_settings settings = {
        .masters = text_of(options.master),
        .framework = options.framework,
        .explicit_acknowledgements = options.explicit_acknowledgements,
        .suppressed_roles = options.suppressed_roles,
        .suppressed_role_count = options.suppressed_role_count,
        .offer_constraints = options.offer_constraints,
        .seed = driver_seed(),
    };
    driver->driver = driver_new(&scheduler_class, scheduler_new(&settings), driver, &error);
    if (driver->driver != NULL && driver_find_master(driver->driver, options.master, &error))
        return driver;
    driver_free(driver->driver);
    driver_give_error(out_error, &error);
    mem_free(driver);
    return NULL;
}

void mesos_scheduler_driver_free(struct mesos_scheduler_driver *driver) {
    if (driver == NULL)
        return;
    driver_free(driver->driver);
    mem_free(driver);
}

Mesos__V1__Status mesos_scheduler_driver_start(struct mesos_scheduler_driver *driver) {
    return driver_start(driver->driver);
}

Mesos__V1__Status mesos_scheduler_driver_join(struct mesos_scheduler_driver *driver) {
    return driver_join(driver->driver);
}

Mesos__V1__Status mesos_scheduler_driver_run(struct mesos_scheduler_driver *driver) {
    Mesos__V1__Status status = driver_start(driver->driver);
    return status == MESOS__V1__STATUS__DRIVER_RUNNING ? driver_join(driver->driver) : status;
}

int mesos_scheduler_driver_fd(struct mesos_scheduler_driver *driver) {
    return driver_fd(driver->driver);
}

int64_t mesos_scheduler_driver_deadline_ms(struct mesos_scheduler_driver *driver) {
    return driver_deadline_ms(driver->driver);
}

Mesos__V1__Status mesos_scheduler_driver_process(struct mesos_scheduler_driver *driver) {
    return driver_process(driver->driver);
}

Mesos__V1__Status mesos_scheduler_driver_stop(struct mesos_scheduler_driver *driver,
                                              bool failover) {
    return driver_stop(driver->driver, failover);
}

Mesos__V1__Status mesos_scheduler_driver_abort(struct mesos_scheduler_driver *driver) {
    return driver_abort(driver->driver);
}

uint64_t mesos_scheduler_driver_read_output(struct mesos_scheduler_driver *driver,
                                            const struct mesos_output_request *request) {
    return driver_read_output(driver->driver, request);
}

void mesos_scheduler_driver_cancel_output(struct mesos_scheduler_driver *driver, uint64_t channel) {
    driver_cancel_output(driver->driver, channel);
}
