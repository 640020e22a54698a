/*
 * Memory with one lifetime: what an event needs is allocated here and goes at once when the event
 * is over. Nothing is freed alone. A reset keeps the newest block (of 1 MiB at most), so a loop
 * that handles one event after another soon allocates nothing.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/text.h"

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);
DEFINE_AUTO(struct arena, arena_free)

void arena_reset(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size); /* aligned for anything, not zeroed */
void *arena_alloc_zeroed(struct arena *arena, size_t count, size_t size);
struct text arena_text(struct arena *arena, struct text text); /* a copy */
char *arena_string(struct arena *arena, struct text text);     /* a copy with a NUL */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Calls fini(what) when the arena is reset or freed, the latest first: for what its memory holds on
 * to. */
void arena_defer(struct arena *arena, void (*fini)(void *what), void *what);
size_t arena_used_bytes(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc_zeroed((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_zeroed((arena), (count), sizeof(type)))
