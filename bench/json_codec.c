/*
 * How fast are the JSON codec's two ways on a large GET_STATE, the way in beside what jansson alone
 * takes? The best of ROUNDS.
 *
 *     json_codec [TASKS in the state]
 */
#include "support.h"

#include "common/wire/codec.h"
#include "common/wire/json.h"
#include "mesos/v1/master/master.pb-c.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

enum { TASKS_DEFAULT = 20000, TASKS_LIMIT = 1000000, ROUNDS = 5 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void append_task(struct buf *json, int number) {
    buf_printf(
        json,
        "%s{\"name\":\"task %d\",\"task_id\":{\"value\":\"batch-%08d\"},\"framework_id\":{"
        "\"value\":\"5d1e0a6c-0000-4000-8000-000000000001-0000\"},\"agent_id\":{\"value\":"
        "\"5d1e0a6c-0000-4000-8000-000000000001-S%d\"},\"state\":\"TASK_RUNNING\","
        "\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0.5}},"
        "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":128.0}}],\"statuses\":[{"
        "\"task_id\":{\"value\":\"batch-%08d\"},\"state\":\"TASK_RUNNING\",\"source\":"
        "\"SOURCE_AGENT\",\"timestamp\":1700000000.12345,\"uuid\":\"MDEyMzQ1Njc4OWFiY2RlZg==\","
        "\"healthy\":true}],\"labels\":{\"labels\":[{\"key\":\"team\",\"value\":\"search\"}]}}",
        number > 0 ? "," : "", number, number, number % 500, number);
}

int main(int argc, char **argv) {
    int tasks = argc > 1 ? (int)bench_number(argv[1], TASKS_LIMIT) : TASKS_DEFAULT;
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf json = {0}, out = {0};
    const ProtobufCMessageDescriptor *type = &mesos__v1__master__response__descriptor;
    ProtobufCMessage *message = NULL;
    double out_seconds = 1e9, in_seconds = 1e9, alone_seconds = 1e9;
    buf_append_string(&json, "{\"type\":\"GET_STATE\",\"get_state\":{\"get_tasks\":{\"tasks\":[");
    for (int i = 0; i < tasks; i++)
        append_task(&json, i);
    buf_append_string(&json, "]}}}");

    for (int round = 0; round < ROUNDS; round++) {
        struct error error;
        arena_reset(arena);
        double begin = now();
        if (!json_parse(type, buf_text(&json), arena, NULL, &message, &error)) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        double read = now();
        buf_clear(&out);
        json_print(message, &out);
        double printed = now();
        json_decref(json_loadb(json.data, json.size, 0, NULL));
        double alone = now();
        in_seconds = read - begin < in_seconds ? read - begin : in_seconds;
        out_seconds = printed - read < out_seconds ? printed - read : out_seconds;
        alone_seconds = alone - printed < alone_seconds ? alone - printed : alone_seconds;
    }
    printf("{\"benchmark\":\"json_codec\",\"out_budget_mb_per_s\":150,\"in_budget_ratio\":2.0,"
           "\"bytes\":%zu,\"out_mb_per_s\":%.1f,\"in_mb_per_s\":%.1f,\"json_loadb_mb_per_s\":%.1f,"
           "\"in_ratio_to_json_loadb\":%.2f}\n",
           out.size, (double)out.size / out_seconds / 1e6, (double)json.size / in_seconds / 1e6,
           (double)json.size / alone_seconds / 1e6, in_seconds / alone_seconds);
    return 0;
}
