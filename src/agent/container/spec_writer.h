/* From what the agent asks for to the block that mesos-init reads. */
#pragma once

#include "agent/container/containerizer.h"
#include "common/base/buf.h"

/* Checks a spec: names, sizes, counts. */
bool spec_check(const struct container_spec *spec, struct error *error);
/* A name that is safe as a file's and a cgroup's. */
bool spec_is_id(struct text id);

struct spec_place {
    const char *sandbox; /* without symlinks */
    size_t cgroup_count;
    bool rootless;
};
/* Writes the block of a checked spec. */
bool spec_write(const struct container_spec *spec, const struct spec_place *place, struct buf *out,
                struct error *error);
