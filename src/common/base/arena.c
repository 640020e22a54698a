#include "common/base/arena.h"

#include "common/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_BLOCK = 16 * 1024, LARGEST_BLOCK = 1024 * 1024, ALIGNMENT = 16 };

struct block {
    struct block *next;
    size_t size;
    _Alignas(ALIGNMENT) char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fini)(void *what);
    void *what;
};

struct arena {
    struct block *blocks; /* the newest first, which is kept on reset unless it is very large */
    char *at, *end;       /* what is free in the newest */
    size_t used;
    struct deferred *deferred; /* the latest first */
};

static void add_block(struct arena *arena, size_t size) {
    struct block *block = mem_resize(NULL, sizeof(struct block) + size, 1);
    block->next = arena->blocks;
    block->size = size;
    arena->blocks = block;
    arena->at = block->bytes;
    arena->end = block->bytes + size;
}

struct arena *arena_new(void) {
    struct arena *arena = NEW(struct arena);
    add_block(arena, FIRST_BLOCK);
    return arena;
}

static void run_deferred(struct arena *arena) {
    while (arena->deferred != NULL) {
        struct deferred *first = arena->deferred;
        arena->deferred = first->next;
        first->fini(first->what);
    }
}

void arena_free(struct arena *arena) {
    if (arena == NULL)
        return;
    run_deferred(arena);
    for (struct block *block = arena->blocks; block != NULL;) {
        struct block *next = block->next;
        mem_free(block);
        block = next;
    }
    mem_free(arena);
}

void arena_reset(struct arena *arena) {
    run_deferred(arena);
    struct block *kept = arena->blocks->size <= LARGEST_BLOCK ? arena->blocks : NULL;
    for (struct block *block = arena->blocks; block != NULL;) {
        struct block *next = block->next;
        if (kept == NULL && next == NULL)
            kept = block;
        if (block != kept)
            mem_free(block);
        block = next;
    }
    kept->next = NULL;
    arena->blocks = kept;
    arena->at = arena->blocks->bytes;
    arena->end = arena->blocks->bytes + arena->blocks->size;
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size) {
    size_t rounded;
    if (__builtin_add_overflow(size, (size_t)(ALIGNMENT - 1), &rounded))
        mem_crash("out of memory: arena allocation too large");
    rounded &= ~(size_t)(ALIGNMENT - 1);
    if (rounded > (size_t)(arena->end - arena->at)) {
        size_t block = arena->blocks->size * 2;
        if (block > LARGEST_BLOCK)
            block = LARGEST_BLOCK;
        add_block(arena, block < rounded ? rounded : block);
    }
    void *memory = arena->at;
    arena->at += rounded;
    arena->used += rounded;
    return memory;
}

void *arena_alloc_zeroed(struct arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        mem_crash("out of memory: arena array too large");
    void *memory = arena_alloc(arena, bytes);
    memset(memory, 0, bytes);
    return memory;
}

struct text arena_text(struct arena *arena, struct text text) {
    return (struct text){arena_string(arena, text), text.size};
}

char *arena_string(struct arena *arena, struct text text) {
    char *copy = arena_alloc(arena, text.size + 1);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    /* Straight to where it will be, if there is room. */
    char *at = arena->at;
    size_t room = (size_t)(arena->end - at);
    size_t size = (size_t)vsnprintf(at, room, format, arguments) + 1;
    char *made = arena_alloc(arena, size);
    if (made != at)
        vsnprintf(made, size, format, again);
    va_end(arguments);
    va_end(again);
    return made;
}

void arena_defer(struct arena *arena, void (*fini)(void *what), void *what) {
    struct deferred *deferred = ARENA_NEW(arena, struct deferred);
    *deferred = (struct deferred){arena->deferred, fini, what};
    arena->deferred = deferred;
}

size_t arena_used_bytes(const struct arena *arena) {
    return arena->used;
}
