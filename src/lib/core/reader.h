/*
 * The core of an output reader: requests wait for a connection that is made when somebody asks, and
 * end when none comes about in time.
 */
#pragma once

#include "lib/core/channels.h"
#include "lib/core/dialer.h"

struct reader;

/* `masters` as in dialer.h. */
struct reader *reader_new(struct text masters, int64_t connect_timeout_ms, uint64_t seed);
void reader_free(struct reader *reader);
DEFINE_AUTO(struct reader, reader_free)

void reader_step(struct reader *reader, const struct driver_event *event,
                 struct driver_outbox *outbox);
int64_t reader_deadline_ms(const struct reader *reader);
