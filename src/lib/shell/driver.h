/*
 * The shell that the drivers share: a loop, on a thread of its own or inside the caller's, one
 * connection after another, a queue of calls from any thread, and the core that decides. What
 * differs between scheduler, executor and output reader is in struct driver_class.
 */
#pragma once

#include "common/base/error.h"
#include "lib/core/driver_io.h"

#include <stdbool.h>
#include <stdint.h>

struct driver;

enum {
    DRIVER_ITEMS_LIMIT = 1 << 18, /* calls that wait for the loop; more are dropped */
    DRIVER_ITEMS_LIMIT_BYTES = 256 << 20,
    DRIVER_ITEMS_CRASH = 1 << 23, /* dropped calls are told as well: somebody has to listen */
    DRIVER_FLUSH_MS = 5000,       /* what was said before the end has so long to go out */
};

struct driver_class {
    const char *role; /* in the handshake */
    void (*step)(void *core, const struct driver_event *event, struct driver_outbox *outbox);
    int64_t (*deadline_ms)(void *core);
    void (*free_core)(void *core);
    /* On the loop's thread. */
    void (*callback)(void *owner, const struct driver_callback *callback);
    void (*end_process)(void *owner);
};

/* Takes the core. `owner` is what callbacks are called with. */
struct driver *driver_new(const struct driver_class *class, void *core, void *owner,
                          struct error *error);
/* Where `masters` is zk:// or file://, before the driver is started: the leader is looked up as
 * long as it lives, and told to the core. Else nothing. */
bool driver_find_master(struct driver *driver, const char *masters, struct error *error);
void driver_free(struct driver *driver); /* aborts and joins first */

/* What mesos/scheduler.h says of them. */
Mesos__V1__Status driver_start(struct driver *driver);
Mesos__V1__Status driver_join(struct driver *driver);
Mesos__V1__Status driver_stop(struct driver *driver, bool failover);
Mesos__V1__Status driver_abort(struct driver *driver);
int driver_fd(struct driver *driver);
int64_t driver_deadline_ms(struct driver *driver);
Mesos__V1__Status driver_process(struct driver *driver);

/* Any thread: queue a message, packed, or plain bytes, as a CALL of this type. */
Mesos__V1__Status driver_call(struct driver *driver, int type, const ProtobufCMessage *message);
Mesos__V1__Status driver_call_bytes(struct driver *driver, int type, struct text bytes);
uint64_t driver_read_output(struct driver *driver, const struct mesos_output_request *request);
void driver_cancel_output(struct driver *driver, uint64_t channel);

Mesos__V1__Status driver_status(struct driver *driver);

/* Copies as much of a caller's struct as both know; both begin with their size. */
void driver_copy_sized(void *into, size_t into_size, const void *from);
/* Whether `masters` is a list that can be dialled, or where the leader is looked up. */
bool driver_check_masters(const char *masters, struct error *error);
uint64_t driver_seed(void);
void driver_give_error(struct mesos_error *out, const struct error *error);
