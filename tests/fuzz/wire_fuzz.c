/*
 * The scan, the unpacking behind it, and the conversions. The first byte chooses the message.
 */
#include "tests/fuzz/fuzz.h"

#include "common/model/resources_translate.h"
#include "common/wire/codec.h"
#include "common/wire/flags_json.h"
#include "common/wire/json.h"
#include "common/wire/messages.h"
#include "mesos/v1/master/master.pb-c.h"
#include "mesos/v1/agent/agent.pb-c.h"

#include <stdlib.h>

static void unpack(const ProtobufCMessageDescriptor *type, struct text bytes, struct arena *arena) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    ProtobufCMessage *message;
    if (!wire_unpack(type, bytes, arena, &message, NULL))
        return;
    json_print(message, &out);
    buf_clear(&out);
    wire_pack(message, &out);
}

static void read_resources(struct wire *wire, struct text json) {
    AUTO_FINI(resources_fini) struct resources total = {0};
    uint32_t mentioned;
    resources_from_json(wire, json, TEXT("eng"), &total, &mentioned, NULL);
}

/* What the master does with the operations of a call; what a conversion makes must add up. */
static void reckon(const struct scheduler_call *call, struct kinds *kinds) {
    if (call->kind != SCHEDULER_CALL_ACCEPT || call->accept.kinds == NULL)
        return;
    for (size_t i = 0; i < call->accept.operation_count; i++) {
        const struct operation *from = &call->accept.operations[i];
        AUTO_FINI(conversion_fini) struct conversion made = {0};
        AUTO_FINI(resources_fini) struct resources there = {0};
        struct conversion_request request = {from->kind, from->resources, from->source,
                                             from->addition, from->subtract_milli};
        if (!conversion_of(&request, call->accept.kinds, &made, NULL))
            continue;
        for (uint32_t name = 0; name < kinds_name_count(call->accept.kinds); name++)
            if (resources_quantity_milli(&made.from, call->accept.kinds, name) !=
                resources_quantity_milli(&made.to, call->accept.kinds, name))
                abort();
        if (!resources_translate(&made.to, call->accept.kinds, kinds, TRANSLATE_INTERN, &there,
                                 NULL))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct wire wire = {arena, kinds};
    struct text bytes = {(const char *)data + 1, size - 1};
    union {
        struct scheduler_call scheduler;
        struct executor_call executor;
        struct agent_message agent;
        struct master_message master;
        struct channel_message channel;
        struct agent_record agent_record;
        struct registry_record registry_record;
        struct volume_mount mount;
        struct text domain[2];
    } out;
    switch (data[0] % 12) {
    case 0:
        if (scheduler_call_decode(&wire, bytes, &out.scheduler, NULL))
            reckon(&out.scheduler, kinds);
        break;
    case 1: executor_call_decode(&wire, bytes, &out.executor, NULL); break;
    case 2: agent_message_decode(&wire, bytes, &out.agent, NULL); break;
    case 3: master_message_decode(&wire, bytes, &out.master, NULL); break;
    case 4: channel_message_decode(&wire, bytes, &out.channel, NULL); break;
    case 5: agent_record_decode(&wire, bytes, &out.agent_record, NULL); break;
    case 6: registry_record_decode(&wire, bytes, &out.registry_record, NULL); break;
    case 7: unpack(&mesos__v1__master__response__descriptor, bytes, arena); break;
    case 8: unpack(&mesos__v1__agent__call__descriptor, bytes, arena); break;
    case 9: volume_mount_decode(&wire, bytes, &out.mount, NULL); break;
    case 10: read_resources(&wire, bytes); break;
    case 11: domain_from_json(arena, bytes, &out.domain[0], &out.domain[1], NULL); break;
    }
    return 0;
}
