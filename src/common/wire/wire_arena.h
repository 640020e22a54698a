/*
 * An arena as protobuf-c wants its allocators: what is unpacked lives as long as the arena, and
 * freeing does nothing. The allocator borrows the arena.
 */
#pragma once

#include "common/base/arena.h"

#include <protobuf-c/protobuf-c.h>

ProtobufCAllocator wire_arena_allocator(struct arena *arena);
