/*
 * For the handshake alone.
 */
#pragma once

#include "common/runtime/frame_link.h"

/* Queues bytes that are no frame: the 101 in front of the first one. */
void frame_link_send_raw(struct frame_link *link, struct text bytes);
