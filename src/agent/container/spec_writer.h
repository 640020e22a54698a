/* From what the agent asks for to the block that mesos-init reads. */
#pragma once

#include "agent/container/containerizer.h"
#include "common/base/buf.h"

/* Checks a spec: names, sizes, counts. */
bool spec_check(const struct container_spec *spec, struct error *error);
/* A name that is safe as a file's and a cgroup's. */
bool spec_is_id(struct text id);

/* A mount's source as it was opened. */
struct spec_source {
    const char *path; /* without symlinks */
    uint64_t device, inode;
};

struct spec_place {
    const char *sandbox; /* without symlinks */
    size_t cgroup_count;
    bool rootless;
    const struct spec_source *sources; /* one for each mount of the spec */
};
/* Writes the block of a checked spec. */
bool spec_write(const struct container_spec *spec, const struct spec_place *place, struct buf *out,
                struct error *error);
