#include "common/wire/wire_arena.h"

static void *arena_give(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void arena_keep(void *arena, void *pointer) {
    (void)arena;
    (void)pointer;
}

ProtobufCAllocator wire_arena_allocator(struct arena *arena) {
    return (ProtobufCAllocator){.alloc = arena_give, .free = arena_keep, .allocator_data = arena};
}
