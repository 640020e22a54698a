/*
 * A deep copy goes through the wire format: the one thing that protobuf-c knows of every message.
 */
#include "common/base/mem.h"
#include "mesos/mesos.h"

static void *allocate(void *unused, size_t size) {
    (void)unused;
    return mem_alloc(size);
}

static void release(void *unused, void *memory) {
    (void)unused;
    mem_free(memory);
}

static ProtobufCAllocator allocator = {.alloc = allocate, .free = release};

ProtobufCMessage *mesos_message_copy(const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    AUTO(mem_free) uint8_t *bytes = mem_alloc(size);
    protobuf_c_message_pack(message, bytes);
    ProtobufCMessage *copy =
        protobuf_c_message_unpack(message->descriptor, &allocator, size, bytes);
    if (copy == NULL)
        mem_crash("a message with a required field missing cannot be copied");
    return copy;
}

void mesos_message_free(ProtobufCMessage *message) {
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, &allocator);
}
