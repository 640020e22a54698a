/*
 * A journal on a client of the model: what a shell would do, step by step, so that a test can stop
 * anywhere.
 */
#pragma once

#include "common/base/buf.h"
#include "tests/support/unit.h"
#include "tests/support/zk_model.h"
#include "zookeeper/core/journal_internal.h"

#define RIG_STORE "/mesos/registry"

struct rig {
    struct zk_model *model; /* lent */
    struct zk_model_client *client;
    struct journal *journal;
    struct arena *arena;
    int64_t now_ms;
    bool is_loaded, is_deposed, is_refused;
    uint64_t stored;
    size_t troubles, recoveries;
    struct buf why; /* of a refusal, or of the last trouble */
};

/* `fence`: "" for none. Nothing is connected yet. */
void rig_init(struct rig *rig, struct zk_model *model, const char *fence);
void rig_fini(struct rig *rig);
DEFINE_AUTO_FINI(struct rig, rig_fini)

/* One thing that is on the way to the journal; false: none. */
bool rig_take(struct rig *rig);
bool rig_serve(struct rig *rig);
/* Until nothing is on any way. */
void rig_settle(struct rig *rig);
void rig_tick(struct rig *rig, int64_t more_ms);
void rig_commit(struct rig *rig, uint64_t ticket);
void rig_put(struct rig *rig, const char *key, const char *value);
/* "a=1 b=2", or one key's value. */
void rig_print(const struct rig *rig, struct buf *out);
void assert_rig_holds(const struct rig *rig, const char *expected);
/* A rig that has joined and loaded. */
void rig_open(struct rig *rig, struct zk_model *model, const char *fence);
