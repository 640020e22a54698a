/*
 * Frames and callbacks in one line each, as the transcripts show them.
 */
#pragma once

#include "lib/core/driver_io.h"
#include "tests/sim/world.h"

/* What matters of a frame; lent until the world's scratch is reset (the next print of a frame). */
const char *print_frame(struct world *world, uint16_t type, struct text payload);
const char *print_callback(enum driver_callback_kind kind);
/* Text with every UUID cut to its first four digits; lent likewise. */
const char *print_text(struct world *world, struct text text);
