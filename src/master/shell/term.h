/*
 * A term of office: from the moment this master leads until it ends or is deposed. It has a core
 * and a registry of its own; nothing of one term is seen by the next.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>

struct daemon;

/* Reads the registry, then serves: daemon->is_leading. Where the registry is on this machine both
 * happen in here. False: the registry or the options are unusable. */
bool term_begin(struct daemon *daemon, struct error *error);
/* Ends it, if there is one: connections close, requests that wait are answered with 503. Not out of
 * the core's effects. */
void term_end(struct daemon *daemon, const char *why);
/* The first half of that: nothing is served or decided any more, and what was decided is on its way
 * to the registry. */
void term_leave(struct daemon *daemon);
/* What the core made durable in this turn is committed. */
void term_commit(struct daemon *daemon);
