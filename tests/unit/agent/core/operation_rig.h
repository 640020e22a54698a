/*
 * What tests of operations and volumes need beyond the rig: disks and volumes of role "eng/db", and
 * the master's orders about them.
 */
#pragma once

#include "tests/unit/agent/core/rig.h"

struct rig_volume_terms {
    const char *id;
    const char *mount; /* what it carries, for the rig's codec; NULL: "data" */
    bool is_shared;
    enum disk_source_type source; /* DISK_SOURCE_UNKNOWN: the root disk */
    const char *root;
    int64_t milli; /* 0: 64000 */
};

/* An agent with 1000 MB of disk, registered; and one with such a volume, made. */
struct rig *rig_with_disk(void);
struct rig *rig_with_volume(const struct resources **out, struct rig_volume_terms terms);

uint32_t rig_intern(struct rig *rig, struct kind_info info);
struct kind_info rig_disk_of(const struct rig_volume_terms *terms); /* on which it is */
/* Sets, the rig's own. */
const struct resources *rig_one(struct rig *rig, struct resource resource);
const struct resources *rig_disk(struct rig *rig, bool is_reserved, int64_t milli);
const struct resources *rig_volume(struct rig *rig, struct rig_volume_terms terms);
const struct resources *rig_both(struct rig *rig, const struct resources *a,
                                 const struct resources *b);
struct task_info *rig_task_with(struct rig *rig, const char *id, const struct resources *set);

void rig_apply(struct rig *rig, uint64_t number, enum operation_kind kind,
               const struct resources *from, const struct resources *to);
void rig_reserve(struct rig *rig, int64_t milli);               /* number 1 */
void rig_create(struct rig *rig, const struct resources *made); /* number 2 */
/* The shell's answer to the last effect of that kind; `why` NULL: done. */
void rig_answer_volumes(struct rig *rig, enum agent_effect_kind effect, const char *why);
void rig_made(struct rig *rig);
void rig_removed(struct rig *rig);

/* The last answer to an operation; NULL: none since the effects were forgotten. */
const struct agent_message *rig_last_answer(const struct rig *rig);
bool rig_told_total_last(const struct rig *rig);
bool rig_has(const struct rig *rig, const struct resources *set);
void assert_applied(const struct rig *rig, uint64_t number);
void assert_refused(const struct rig *rig, const char *why); /* and told the total after it */
void assert_place(const struct volume_place *place, const char *root, const char *relative);
