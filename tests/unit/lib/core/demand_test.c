/*
 * What a framework asked for, through the driver's core: remembered, counted down, said again.
 */
#include "tests/unit/lib/core/scheduler_rig.h"

static const struct choices in_no_role = {.has_no_roles = true}, in_two_roles = {0};

/* --- builders --- */

struct amount_of_cpus {
    Mesos__V1__Value__Scalar scalar;
    Mesos__V1__Resource resource;
    Mesos__V1__Resource__AllocationInfo allocation;
    Mesos__V1__Resource *list[1];
};

static void fill(struct amount_of_cpus *cpus, double value, const char *role) {
    mesos__v1__value__scalar__init(&cpus->scalar);
    mesos__v1__resource__init(&cpus->resource);
    mesos__v1__resource__allocation_info__init(&cpus->allocation);
    cpus->scalar.value = value;
    cpus->resource.name = "cpus";
    cpus->resource.type = MESOS__V1__VALUE__TYPE__SCALAR;
    cpus->resource.scalar = &cpus->scalar;
    cpus->allocation.role = (char *)role;
    cpus->resource.allocation_info = role != NULL ? &cpus->allocation : NULL;
    cpus->list[0] = &cpus->resource;
}

struct want {
    const char *name, *role;
    double cpus;
    int count; /* -1: endless */
};

static void ask(struct stage *stage, const struct want *wants, size_t count) {
    struct amount_of_cpus cpus[8];
    Mesos__V1__Request requests[8], *list[8];
    for (size_t i = 0; i < count; i++) {
        fill(&cpus[i], wants[i].cpus, NULL);
        mesos__v1__request__init(&requests[i]);
        requests[i].name = (char *)wants[i].name;
        requests[i].role = (char *)wants[i].role;
        requests[i].has_count = wants[i].count >= 0;
        requests[i].count = (uint64_t)wants[i].count;
        requests[i].resources = cpus[i].list;
        requests[i].n_resources = 1;
        list[i] = &requests[i];
    }
    Mesos__V1__Scheduler__Call__Request request = MESOS__V1__SCHEDULER__CALL__REQUEST__INIT;
    request.requests = list;
    request.n_requests = count;
    call_type call = MESOS__V1__SCHEDULER__CALL__INIT;
    call.request = &request;
    send_call(stage, CALL_TYPE(REQUEST), &call);
}

static void launch(struct stage *stage, double cpus, const char *role) {
    struct amount_of_cpus amount;
    fill(&amount, cpus, role);
    Mesos__V1__TaskInfo *task = message_task("t-1");
    task->resources = amount.list;
    task->n_resources = 1;
    call_launch(stage, task);
    task->resources = NULL; /* the task stays, the amount does not */
    task->n_resources = 0;
}

static const struct want three_web = {"web", NULL, 1, 3};

/* --- tests --- */

TEST(what_is_asked_for_before_there_is_a_master_is_said_behind_the_subscription) {
    struct stage stage;
    begin(&stage, in_no_role);

    ask(&stage, &three_web, 1);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    /* Until it is said nothing shall be offered. */
    assert_int_equal(sent(&stage, 0)->subscribe->n_suppressed_roles, 1);
    assert_string_equal(sent(&stage, 0)->subscribe->suppressed_roles[0], "*");
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(REQUEST));
    assert_string_equal(sent(&stage, 0)->request->requests[0]->name, "web");
    assert_int_equal(sent(&stage, 0)->request->requests[0]->count, 3);
    assert_int_equal(sent(&stage, 1)->type, CALL_TYPE(REVIVE));
    end(&stage);
}

TEST(what_is_asked_for_is_sent_at_once_when_there_is_a_master) {
    struct stage stage;
    begin(&stage, in_no_role);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    assert_int_equal(sent(&stage, 0)->subscribe->n_suppressed_roles, 0);
    subscribe(&stage);
    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);

    ask(&stage, &three_web, 1);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(REQUEST));
    end(&stage);
}

static void begin_asking(struct stage *stage, struct choices choices, const struct want *wants,
                         size_t count) {
    begin_subscribed(stage, choices);
    ask(stage, wants, count);
}

TEST(after_a_reconnection_what_is_left_is_asked_for) {
    struct stage stage;
    begin_asking(&stage, in_no_role, &three_web, 1);

    launch(&stage, 1, NULL);
    launch(&stage, 0.5, NULL);
    launch(&stage, 2, NULL); /* does not fit */
    stage_reconnect(&stage);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(REQUEST));
    assert_int_equal(sent(&stage, 0)->request->requests[0]->count, 1);
    end(&stage);
}

TEST(when_nothing_is_left_nothing_is_wanted_after_a_reconnection_either) {
    struct stage stage;
    begin_asking(&stage, in_no_role, &(struct want){"web", NULL, 1, 1}, 1);

    launch(&stage, 1, NULL);
    stage_reconnect(&stage);
    subscribe(&stage);

    assert_true(sent(&stage, 0)->request->requests[0]->has_count);
    assert_int_equal(sent(&stage, 0)->request->requests[0]->count, 0);
    end(&stage);
}

TEST(a_launch_that_no_master_heard_of_does_not_count) {
    struct stage stage;
    begin_asking(&stage, in_no_role, &three_web, 1);
    stage_reconnect(&stage);

    launch(&stage, 1, NULL);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->request->requests[0]->count, 3);
    end(&stage);
}

TEST(a_task_is_of_the_request_of_its_size_before_one_that_has_room) {
    static const struct want wants[] = {{"big", NULL, 4, 2}, {"small", NULL, 1, 2}};
    struct stage stage;
    begin_asking(&stage, in_no_role, wants, 2);

    launch(&stage, 1, NULL);
    launch(&stage, 2, NULL);
    stage_reconnect(&stage);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->request->requests[0]->count, 1);
    assert_int_equal(sent(&stage, 0)->request->requests[1]->count, 1);
    end(&stage);
}

TEST(a_request_replaces_those_of_the_roles_it_names) {
    static const struct want first[] = {{"a", "blue", 1, 1}, {"b", "green", 1, 1}};
    static const struct want second = {"c", "blue", 1, -1};
    struct stage stage;
    begin_asking(&stage, in_two_roles, first, 2);

    ask(&stage, &second, 1);
    stage_reconnect(&stage);
    assert_int_equal(sent(&stage, 0)->subscribe->n_suppressed_roles, 2);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->request->n_requests, 2);
    assert_string_equal(sent(&stage, 0)->request->requests[0]->name, "b");
    assert_string_equal(sent(&stage, 0)->request->requests[1]->name, "c");
    assert_false(sent(&stage, 0)->request->requests[1]->has_count);
    end(&stage);
}

TEST(a_task_is_of_a_request_of_its_role) {
    static const struct want wants[] = {{"a", "blue", 1, 2}, {"b", "green", 1, 2}};
    struct stage stage;
    begin_asking(&stage, in_two_roles, wants, 2);

    launch(&stage, 1, "green");
    stage_reconnect(&stage);
    subscribe(&stage);

    assert_int_equal(sent(&stage, 0)->request->requests[0]->count, 2);
    assert_int_equal(sent(&stage, 0)->request->requests[1]->count, 1);
    end(&stage);
}

TEST(an_empty_request_forgets_everything) {
    struct stage stage;
    begin_asking(&stage, in_no_role, &three_web, 1);

    ask(&stage, NULL, 0);
    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(REQUEST));
    stage_reconnect(&stage);
    assert_int_equal(sent(&stage, 0)->subscribe->n_suppressed_roles, 0);
    subscribe(&stage);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(a_request_as_Mesos_has_it_is_sent_and_not_remembered) {
    struct stage stage;
    begin_asking(&stage, in_no_role, &(struct want){NULL, NULL, 1, -1}, 1);
    assert_int_equal(sent(&stage, 0)->type, CALL_TYPE(REQUEST));

    stage_reconnect(&stage);
    subscribe(&stage);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 0);
    end(&stage);
}

TEST(who_has_suppressed_a_role_stays_suppressed_in_it) {
    static const struct want wants[] = {{"a", "blue", 1, 2}};
    struct stage stage;
    begin_asking(&stage, in_two_roles, wants, 1);
    call_roles(&stage, true, "blue");

    stage_reconnect(&stage);
    assert_int_equal(sent(&stage, 0)->subscribe->n_suppressed_roles, 1);
    subscribe(&stage);

    assert_int_equal(stage_count(&stage, DRIVER_EFFECT_SEND), 1); /* the REQUEST */
    end(&stage);
}

TEST(the_masters_answer_is_handed_on) {
    struct stage stage;
    begin_asking(&stage, in_no_role, &three_web, 1);
    Mesos__V1__Scheduler__Event__RequestStatus status =
        MESOS__V1__SCHEDULER__EVENT__REQUEST_STATUS__INIT;
    status.name = "web";
    status.message = "no agent could ever hold cpus:1";
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__REQUEST_STATUS;
    event.request_status = &status;

    send_event(&stage, &event);

    const struct driver_callback *callback = stage_callback(&stage, CALLBACK_REQUEST_STATUS);
    assert_string_equal(callback->event->request_status->name, "web");
    end(&stage);
}

TEST(a_refused_call_is_handed_on) {
    struct stage stage;
    begin_asking(&stage, in_no_role, &three_web, 1);
    Mesos__V1__Scheduler__Event__CallRefused refused =
        MESOS__V1__SCHEDULER__EVENT__CALL_REFUSED__INIT;
    refused.call = "UPDATE_FRAMEWORK";
    refused.message = "no";
    event_type event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__CALL_REFUSED;
    event.call_refused = &refused;

    send_event(&stage, &event);

    assert_non_null(stage_callback(&stage, CALLBACK_CALL_REFUSED));
    end(&stage);
}

TEST(constraints_go_with_every_subscription_until_they_are_replaced) {
    struct stage stage;
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.name = "test";
    info.user = "nobody";
    Mesos__V1__Scheduler__OfferConstraints constraints =
        MESOS__V1__SCHEDULER__OFFER_CONSTRAINTS__INIT;
    struct scheduler_settings settings = {.masters = TEXT("m:5050"),
                                          .framework = &info,
                                          .offer_constraints = &constraints,
                                          .seed = 7};
    stage_init(&stage, scheduler_new(&settings), step);
    stage_tell(&stage, DRIVER_EVENT_START);
    stage_tell(&stage, DRIVER_EVENT_CONNECTED);
    assert_non_null(sent(&stage, 0)->subscribe->offer_constraints);
    subscribe(&stage);

    call_update_framework(&stage, &info);
    stage_reconnect(&stage);

    assert_null(sent(&stage, 0)->subscribe->offer_constraints);
    end(&stage);
}
