/*
 * Channels: what tasks wrote, sent to the master as fast as the asker grants. Files are read at the
 * end of a loop's turn and no further than a window; a task's own changes to its sandbox can
 * mislead a reader of that task's output, and nobody else.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct daemon;
struct outputs;

struct outputs *outputs_new(struct daemon *daemon, struct error *error);
void outputs_free(struct outputs *outputs);
DEFINE_AUTO(struct outputs, outputs_free)

void outputs_receive(struct outputs *outputs, struct text channel_message);
void outputs_wake(struct outputs *outputs);      /* a container has started or ended */
void outputs_close_all(struct outputs *outputs); /* the master is gone */
