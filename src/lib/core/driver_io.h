/*
 * What the cores of the drivers and their shells say to each other. A core gets one event at a
 * time, with the time, and appends effects to the outbox; the shell carries them out in order.
 * There is one connection at a time: CONNECT opens it and is answered by CONNECTED, CONNECT_FAILED
 * or REDIRECTED; after CLOSE nothing of it is heard any more.
 *
 * Effects point into the outbox's arena, the event, or the core until its next step.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/vec.h"
#include "common/model/frame_type.h"
#include "mesos/executor.h"
#include "mesos/scheduler.h"
#include "mesos/v1/executor/executor.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

/* --- in --- */

enum driver_event_kind {
    DRIVER_EVENT_START = 1,
    DRIVER_EVENT_TICK, /* due at the core's deadline */
    DRIVER_EVENT_CONNECTED,
    DRIVER_EVENT_CONNECT_FAILED, /* text: why */
    DRIVER_EVENT_REDIRECTED,     /* text: "host:port" */
    DRIVER_EVENT_CLOSED,         /* by the peer or the world; text: why */
    DRIVER_EVENT_MASTER_FOUND,   /* the master that leads, where masters are looked up; text */
    DRIVER_EVENT_FIND_FAILED,    /* it cannot be looked up, for now; text: why */
    DRIVER_EVENT_FRAME,
    DRIVER_EVENT_CALL,
    DRIVER_EVENT_CALL_LOST, /* dropped before it came here; call.type and call.why */
    DRIVER_EVENT_READ_OUTPUT,
    DRIVER_EVENT_CANCEL_OUTPUT,
    DRIVER_EVENT_STOP,
    DRIVER_EVENT_ABORT,
};

struct output_request {
    uint64_t channel; /* never used before */
    const char *task_id;
    const char *agent_id;     /* NULL: not given */
    const char *framework_id; /* NULL: not given */
    enum mesos_output_stream stream;
    uint64_t offset;
    bool follow;
};

struct driver_event {
    enum driver_event_kind kind;
    int64_t now_ms;  /* monotonic */
    int64_t wall_ms; /* Unix time, for the statuses that a driver makes */
    union {
        struct text text;
        struct {
            uint16_t type; /* enum frame_type, or one we do not know */
            struct text payload;
        } frame;
        struct {
            int type;            /* Mesos__V1__Scheduler__Call__Type or that of the executor */
            struct text encoded; /* the Call without its ids, which the core adds */
            enum mesos_call_drop why;
        } call;
        struct output_request output;
        uint64_t channel;
        bool failover;
    };
};

/* --- out --- */

enum driver_effect_kind {
    DRIVER_EFFECT_CONNECT = 1, /* address */
    DRIVER_EFFECT_SEND,
    DRIVER_EFFECT_CLOSE, /* the connection or the attempt, at once */
    DRIVER_EFFECT_CALLBACK,
    DRIVER_EFFECT_DONE,        /* the driver is at its end: flush the connection, then close it */
    DRIVER_EFFECT_END_PROCESS, /* the executor did not end by itself */
};

/* Which callback of the user; those of schedulers and executors in one list. */
enum driver_callback_kind {
    CALLBACK_REGISTERED = 1,
    CALLBACK_REREGISTERED,
    CALLBACK_DISCONNECTED,
    CALLBACK_OFFERS,
    CALLBACK_OFFER_RESCINDED,
    CALLBACK_INVERSE_OFFERS,
    CALLBACK_INVERSE_OFFER_RESCINDED,
    CALLBACK_STATUS_UPDATE,
    CALLBACK_FRAMEWORK_MESSAGE,
    CALLBACK_AGENT_LOST,
    CALLBACK_EXECUTOR_LOST,
    CALLBACK_ERROR, /* the driver is to be aborted before it */
    CALLBACK_OUTPUT,
    CALLBACK_CALL_DROPPED,
    CALLBACK_CONNECT_FAILED,
    CALLBACK_REQUEST_STATUS,
    CALLBACK_CALL_REFUSED,
    CALLBACK_OPERATION_STATUS,
    CALLBACK_LAUNCH_TASK,
    CALLBACK_KILL_TASK,
    CALLBACK_SHUTDOWN,
};

struct driver_callback {
    enum driver_callback_kind kind;
    union {
        const Mesos__V1__Scheduler__Event *event; /* all that come from an event of the master */
        const Mesos__V1__Executor__Event *executor_event;
        const Mesos__V1__TaskStatus *status;
        const Mesos__V1__TaskInfo *task;
        const char *message; /* ERROR, CONNECT_FAILED */
        struct mesos_output output;
        struct {
            const char *name;
            enum mesos_call_drop why;
        } dropped;
    };
};

struct driver_effect {
    enum driver_effect_kind kind;
    union {
        struct text address;
        struct {
            uint16_t type;
            struct text payload;
        } send;
        struct driver_callback callback;
    };
};

struct driver_outbox {
    struct arena *arena; /* given and reset by the shell */
    VEC_OF(struct driver_effect) effects;
};

/* Packs the message into the arena and sends it. */
void outbox_send(struct driver_outbox *outbox, enum frame_type type,
                 const ProtobufCMessage *message);
void outbox_send_bytes(struct driver_outbox *outbox, enum frame_type type, struct text payload);
void outbox_callback(struct driver_outbox *outbox, struct driver_callback callback);
void outbox_push(struct driver_outbox *outbox, enum driver_effect_kind kind);

/* Scans and unpacks bytes from outside into the arena; NULL and *error when they are no such
 * message. */
ProtobufCMessage *outbox_unpack(struct driver_outbox *outbox,
                                const ProtobufCMessageDescriptor *descriptor, struct text bytes,
                                struct error *error);
