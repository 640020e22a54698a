/*
 * Memory that is there or the process is not: running out is a crash with one line on stderr, since
 * unbounded input is the bug and every input is bounded where it enters.
 */
#pragma once

#include "common/base/auto.h"

#include <stddef.h>

void *mem_alloc(size_t size); /* zeroed; size 0 gives a unique pointer */
void *mem_resize(void *memory, size_t count,
                 size_t size); /* count * size bytes, new bytes not zeroed */
void *mem_dup(const void *data, size_t size);
char *mem_dup_string(const char *string);
void mem_free(void *memory); /* takes NULL */

/* Crashes with a line that says so. For limits of the machine, never for input. */
_Noreturn void mem_crash(const char *why);

#define NEW(type) ((type *)mem_alloc(sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)mem_alloc_array((count), sizeof(type)))
void *mem_alloc_array(size_t count, size_t size); /* zeroed */

static inline void mem_free_auto(void *owned) {
    mem_free(*(void **)owned);
}
