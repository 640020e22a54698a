/*
 * The output channels of one driver: which are open, how much their senders may still send. A piece
 * is given to the callback first and paid for with a new window after it, so whoever is slow to
 * take it is sent no more.
 */
#pragma once

#include "common/base/map.h"
#include "lib/core/driver_io.h"

enum { CHANNEL_WINDOW_BYTES = 256 << 10 };

struct channels {
    struct map open; /* number -> struct channel, owned */
};

void channels_fini(struct channels *channels);

/* Asks the master, on a connection that is up. */
void channels_open(struct channels *channels, const struct output_request *request,
                   struct driver_outbox *outbox);
/* Tells the callback the end of a channel that never opened. */
void channels_refuse(uint64_t channel, enum mesos_output_end end, const char *message,
                     struct driver_outbox *outbox);
/* A FRAME_CHANNEL. False when it is no such message. */
bool channels_take(struct channels *channels, struct text payload, struct driver_outbox *outbox,
                   struct error *error);
/* False when there is no such channel (any more). */
bool channels_cancel(struct channels *channels, uint64_t channel, struct driver_outbox *outbox);
/* The connection is gone: each ends with UNAVAILABLE. */
void channels_lose(struct channels *channels, const char *message, struct driver_outbox *outbox);
