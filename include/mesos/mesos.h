/*
 * libmesos: what its headers share. The data of calls and callbacks are the messages of Mesos v1 as
 * protobuf-c generates them; this library exports their functions (mesos__v1__task_info__init and
 * so on), so a framework needs nothing but libmesos and protobuf-c.
 *
 * Running out of memory ends the process with one line on stderr.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Some fields of Mesos v1 are called deprecated, and the generated initialisers name them all; a
 * user who says MESOS__V1__FRAMEWORK_INFO__INIT shall not be warned for it. */
#include <protobuf-c/protobuf-c.h>
#undef PROTOBUF_C__DEPRECATED
#define PROTOBUF_C__DEPRECATED
#include "mesos/v1/mesos.pb-c.h"

#define MESOS_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

#define MESOS_VERSION_MAJOR 0
#define MESOS_VERSION_MINOR 1
#define MESOS_VERSION_PATCH 0

/* Of the library that runs, "0.1.0"; the numbers above are those of the headers. Static. */
MESOS_API const char *mesos_version(void);

/* One line that says why something did not work. */
struct mesos_error {
    char message[512];
};

/* A deep copy of any message of protobuf-c, for whoever wants to keep what a callback has lent:
 *     Mesos__V1__Offer *kept = MESOS_COPY(offer);   ...   mesos_message_free(&kept->base); */
MESOS_API ProtobufCMessage *mesos_message_copy(const ProtobufCMessage *message);
MESOS_API void mesos_message_free(ProtobufCMessage *message); /* takes NULL */

#define MESOS_COPY(message) ((void *)mesos_message_copy(&(message)->base))

#ifdef __cplusplus
}
#endif
