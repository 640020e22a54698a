#include "agent/shell/codec.h"

#include "common/wire/messages.h"

static bool read_framework(struct arena *arena, struct kinds *kinds, struct text bytes,
                           struct framework_info *out, struct error *error) {
    struct wire wire = {.arena = arena, .kinds = kinds};
    return framework_info_decode(&wire, bytes, out, error);
}

static bool read_executor(struct arena *arena, struct kinds *kinds, struct text bytes,
                          struct executor_info *out, struct error *error) {
    struct wire wire = {.arena = arena, .kinds = kinds};
    return executor_info_decode(&wire, bytes, out, error);
}

static bool read_task(struct arena *arena, struct kinds *kinds, struct text bytes,
                      struct task_info *out, struct error *error) {
    struct wire wire = {.arena = arena, .kinds = kinds};
    return task_info_decode(&wire, bytes, out, error);
}

static bool read_mount(struct arena *arena, struct text bytes, struct volume_mount *out,
                       struct error *error) {
    struct wire wire = {.arena = arena};
    return volume_mount_decode(&wire, bytes, out, error);
}

static struct text write_agent(struct arena *arena, struct kinds *kinds,
                               const struct agent_info *info) {
    struct wire wire = {.arena = arena, .kinds = kinds};
    AUTO_FINI(buf_fini) struct buf out = {0};
    agent_info_encode(&wire, info, &out);
    return arena_text(arena, buf_text(&out));
}

struct agent_codec codec_of_wire(void) {
    return (struct agent_codec){.read_framework = read_framework,
                                .read_executor = read_executor,
                                .read_task = read_task,
                                .read_mount = read_mount,
                                .write_agent = write_agent};
}
