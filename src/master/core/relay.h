/*
 * Channels between whoever asks (a scheduler's or an operator's connection) and the agent that has
 * the bytes: numbers are translated, windows and data pass through, and nothing is kept.
 */
#pragma once

#include "master/core/state.h"

void relay_step(struct master *master, struct peer *peer, const struct channel_message *message);

/* Ends all channels of a connection that goes, and tells the other sides. */
void relay_end_all(struct master *master, struct peer *peer);
