/*
 * Base64 (RFC 4648, the plain alphabet), as JSON carries bytes.
 */
#pragma once

#include "common/base/arena.h"
#include "common/base/buf.h"

void base64_append(struct buf *out, struct text bytes);
/* Padding may be left out. False for anything that is no base64; *out lives in the arena. */
bool base64_decode(struct arena *arena, struct text encoded, struct text *out);
