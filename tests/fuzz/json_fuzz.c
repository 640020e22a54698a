/*
 * JSON in; what is read must be printed and read again.
 */
#include "tests/fuzz/fuzz.h"

#include "common/wire/json.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf printed = {0}, unknown = {0};
    const ProtobufCMessageDescriptor *type = &mesos__v1__scheduler__call__descriptor;
    struct text json = {(const char *)data, size};
    ProtobufCMessage *message;
    if (!json_parse(type, json, arena, &unknown, &message, NULL))
        return 0;
    json_print(message, &printed);
    bool again = json_parse(type, buf_text(&printed), arena, NULL, &message, NULL);
    assert(again);
    (void)again;
    return 0;
}
