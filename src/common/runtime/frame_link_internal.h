/*
 * For the handshake alone.
 */
#pragma once

#include "common/runtime/frame_link.h"

/* frame_link_new by who knows the peer already: tens of thousands come in a second. */
struct frame_link *frame_link_new_to(struct loop *loop, int fd, struct text peer,
                                     struct text already_read);
/* Queues bytes that are no frame: the 101 in front of the first one. */
void frame_link_send_raw(struct frame_link *link, struct text bytes);
