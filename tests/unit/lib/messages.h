/*
 * What masters, agents and frameworks say in the tests of libmesos, of framework "f-1" on agent
 * "a-1". Each message is whole, and borrowed until the next of its kind.
 */
#pragma once

#include "internal/channel.pb-c.h"
#include "mesos/v1/executor/executor.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <stddef.h>
#include <stdint.h>

static inline Mesos__V1__AgentID *message_agent_id(void) {
    static Mesos__V1__AgentID id = MESOS__V1__AGENT_ID__INIT;
    id.value = "a-1";
    return &id;
}

static inline Mesos__V1__FrameworkID *message_framework_id(void) {
    static Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    id.value = "f-1";
    return &id;
}

static inline Mesos__V1__TaskID *message_task_id(const char *task) {
    static Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    id.value = (char *)task;
    return &id;
}

static inline Mesos__V1__TaskInfo *message_task(const char *id) {
    static Mesos__V1__TaskInfo task;
    mesos__v1__task_info__init(&task);
    task.name = "task";
    task.task_id = message_task_id(id);
    task.agent_id = message_agent_id();
    return &task;
}

/* --- what a master says to a framework --- */

static inline Mesos__V1__Scheduler__Event *message_scheduler_event(
    Mesos__V1__Scheduler__Event__Type type) {
    static Mesos__V1__Scheduler__Event event;
    mesos__v1__scheduler__event__init(&event);
    event.has_type = true;
    event.type = type;
    return &event;
}

static inline const ProtobufCMessage *message_subscribed(int heartbeat_s) { /* 0: not said */
    static Mesos__V1__Scheduler__Event__Subscribed subscribed;
    mesos__v1__scheduler__event__subscribed__init(&subscribed);
    subscribed.framework_id = message_framework_id();
    subscribed.has_heartbeat_interval_seconds = heartbeat_s != 0;
    subscribed.heartbeat_interval_seconds = heartbeat_s;
    Mesos__V1__Scheduler__Event *event =
        message_scheduler_event(MESOS__V1__SCHEDULER__EVENT__TYPE__SUBSCRIBED);
    event->subscribed = &subscribed;
    return &event->base;
}

/* One offer, "o-1". */
static inline const ProtobufCMessage *message_offers(void) {
    static Mesos__V1__OfferID id = MESOS__V1__OFFER_ID__INIT;
    static Mesos__V1__Offer offer = MESOS__V1__OFFER__INIT;
    static Mesos__V1__Offer *list[] = {&offer};
    static Mesos__V1__Scheduler__Event__Offers offers = MESOS__V1__SCHEDULER__EVENT__OFFERS__INIT;
    id.value = "o-1";
    offer.id = &id;
    offer.framework_id = message_framework_id();
    offer.agent_id = message_agent_id();
    offer.hostname = "h";
    offers.offers = list;
    offers.n_offers = 1;
    Mesos__V1__Scheduler__Event *event =
        message_scheduler_event(MESOS__V1__SCHEDULER__EVENT__TYPE__OFFERS);
    event->offers = &offers;
    return &event->base;
}

/* TASK_RUNNING; uuid NULL: none. */
static inline const ProtobufCMessage *message_update(const char *task, const char *uuid) {
    static Mesos__V1__TaskStatus status;
    static Mesos__V1__Scheduler__Event__Update update = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
    mesos__v1__task_status__init(&status);
    status.task_id = message_task_id(task);
    status.agent_id = message_agent_id();
    status.state = MESOS__V1__TASK_STATE__TASK_RUNNING;
    status.has_uuid = uuid != NULL;
    if (uuid != NULL)
        status.uuid = (ProtobufCBinaryData){16, (uint8_t *)uuid};
    update.status = &status;
    Mesos__V1__Scheduler__Event *event =
        message_scheduler_event(MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE);
    event->update = &update;
    return &event->base;
}

/* --- what an agent says to an executor --- */

static inline Mesos__V1__Executor__Event *message_executor_event(
    Mesos__V1__Executor__Event__Type type) {
    static Mesos__V1__Executor__Event event;
    mesos__v1__executor__event__init(&event);
    event.has_type = true;
    event.type = type;
    return &event;
}

/* "e-1" */
static inline const ProtobufCMessage *message_executor_subscribed(void) {
    static Mesos__V1__ExecutorID executor_id = MESOS__V1__EXECUTOR_ID__INIT;
    static Mesos__V1__ExecutorInfo executor = MESOS__V1__EXECUTOR_INFO__INIT;
    static Mesos__V1__FrameworkInfo framework = MESOS__V1__FRAMEWORK_INFO__INIT;
    static Mesos__V1__AgentInfo agent = MESOS__V1__AGENT_INFO__INIT;
    static Mesos__V1__Executor__Event__Subscribed subscribed =
        MESOS__V1__EXECUTOR__EVENT__SUBSCRIBED__INIT;
    executor_id.value = "e-1";
    executor.executor_id = &executor_id;
    framework.name = framework.user = "x";
    agent.hostname = "h";
    subscribed.executor_info = &executor;
    subscribed.framework_info = &framework;
    subscribed.agent_info = &agent;
    Mesos__V1__Executor__Event *event =
        message_executor_event(MESOS__V1__EXECUTOR__EVENT__TYPE__SUBSCRIBED);
    event->subscribed = &subscribed;
    return &event->base;
}

static inline const ProtobufCMessage *message_executor_launch(const char *task) {
    static Mesos__V1__Executor__Event__Launch launch = MESOS__V1__EXECUTOR__EVENT__LAUNCH__INIT;
    launch.task = message_task(task);
    Mesos__V1__Executor__Event *event =
        message_executor_event(MESOS__V1__EXECUTOR__EVENT__TYPE__LAUNCH);
    event->launch = &launch;
    return &event->base;
}

static inline const ProtobufCMessage *message_executor_acknowledged(Mesos__V1__TaskID *task,
                                                                    ProtobufCBinaryData uuid) {
    static Mesos__V1__Executor__Event__Acknowledged acknowledged =
        MESOS__V1__EXECUTOR__EVENT__ACKNOWLEDGED__INIT;
    acknowledged.task_id = task;
    acknowledged.uuid = uuid;
    Mesos__V1__Executor__Event *event =
        message_executor_event(MESOS__V1__EXECUTOR__EVENT__TYPE__ACKNOWLEDGED);
    event->acknowledged = &acknowledged;
    return &event->base;
}

/* --- what an agent says on a channel of output --- */

static inline Mesos__Internal__ChannelMessage *message_channel(
    Mesos__Internal__ChannelMessage__Kind kind, uint64_t channel) {
    static Mesos__Internal__ChannelMessage message;
    mesos__internal__channel_message__init(&message);
    message.kind = kind;
    message.channel = channel;
    return &message;
}

static inline const ProtobufCMessage *message_channel_data(uint64_t channel, uint64_t offset,
                                                           ProtobufCBinaryData bytes) {
    static Mesos__Internal__ChannelMessage__Data data =
        MESOS__INTERNAL__CHANNEL_MESSAGE__DATA__INIT;
    data.offset = offset;
    data.bytes = bytes;
    Mesos__Internal__ChannelMessage *message =
        message_channel(MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__DATA, channel);
    message->data = &data;
    return &message->base;
}

static inline const ProtobufCMessage *message_channel_complete(uint64_t channel) {
    static Mesos__Internal__ChannelMessage__Close close =
        MESOS__INTERNAL__CHANNEL_MESSAGE__CLOSE__INIT;
    close.end = MESOS__INTERNAL__CHANNEL_MESSAGE__END__COMPLETE;
    Mesos__Internal__ChannelMessage *message =
        message_channel(MESOS__INTERNAL__CHANNEL_MESSAGE__KIND__CLOSE, channel);
    message->close = &close;
    return &message->base;
}
