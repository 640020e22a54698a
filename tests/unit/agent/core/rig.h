/*
 * A rig for the agent core: builds events, holds effects back until their store is done, keeps what
 * was stored as a disk would, and remembers what was carried out. Every step is followed by
 * agent_check.
 */
#pragma once

#include "agent/core/agent.h"
#include "common/base/map.h"
#include "tests/support/unit.h"

struct rig {
    struct kinds *kinds;
    struct agent *agent;
    struct agent_options options;
    struct arena *arena; /* of everything remembered */
    struct agent_outbox outbox;
    struct map disk;                     /* key -> struct agent_record in `arena` */
    VEC_OF(struct agent_effect) waiting; /* for their ticket */
    VEC_OF(struct agent_effect) done;    /* carried out, in order */
    VEC_OF(struct agent_effect) stores;  /* not done yet */
    bool stores_wait;                    /* the disk is slow: rig_store_all does them */
    uint64_t stored;
    struct resources total;
    VEC_OF(struct task_info *) tasks; /* by their encoded form */
    VEC_OF(struct executor_info *) executors;
    VEC_OF(struct framework_info *) frameworks;
    VEC_OF(struct resources *) owned;
    int64_t now_ms;
    int64_t wall_set_ms; /* somebody has set the wall clock by that much */
};

struct rig *rig_new(void);
void rig_free(struct rig *rig);
DEFINE_AUTO(struct rig, rig_free)

/* What the fake codec can read: encoded "task/ID" and so on; change the fields as the test wants.
 */
struct task_info *rig_task(struct rig *rig, const char *id);
struct executor_info *rig_executor(struct rig *rig, const char *id);
struct framework_info *rig_framework(struct rig *rig, const char *id);
const struct resources *rig_resources(struct rig *rig, int64_t cpu_milli, int64_t mem_milli);

void rig_step(struct rig *rig, struct agent_event event);
void rig_advance(struct rig *rig, int64_t by_ms);
void rig_store_all(struct rig *rig);
void rig_forget_effects(struct rig *rig);

void rig_recover(struct rig *rig);  /* RECOVERED and CONTAINERS_RECOVERED with what is on disk */
void rig_connect(struct rig *rig);  /* and be registered as "S0" */
void rig_register(struct rig *rig); /* both */
struct rig *rig_registered(void);   /* a new one */
void rig_crash(struct rig *rig, bool same_boot); /* a new agent that has heard RECOVERED */
void rig_containers_done(struct rig *rig);
/* Crashes, and the new agent finds this one container, running. */
void rig_restart_under(struct rig *rig, struct container_id running);
void rig_lose_master(struct rig *rig);
void rig_master(struct rig *rig, struct master_message message);

void rig_run(struct rig *rig, const char *framework, const struct task_info *task);
/* As a task of "f1", and its container has started. */
struct container_id rig_begin(struct rig *rig, const struct task_info *task);
void rig_kill(struct rig *rig, const char *task, int64_t grace_ms); /* -1: not said */
bool rig_acknowledge(struct rig *rig, const char *task);            /* the last update sent of it */
void rig_started(struct rig *rig, struct container_id id);
void rig_exited(struct rig *rig, struct container_id id, int code);
void rig_signalled(struct rig *rig, struct container_id id, int signal);
void rig_outcome(struct rig *rig, struct container_id id, enum container_outcome outcome,
                 const char *message);

void rig_subscribe(struct rig *rig, const char *executor, uint64_t connection);
void rig_update(struct rig *rig, const char *executor, uint64_t connection, const char *task,
                enum task_state state, uint8_t uuid);

size_t rig_count(const struct rig *rig, enum agent_effect_kind kind);
const struct agent_effect *rig_last(const struct rig *rig, enum agent_effect_kind kind);
const struct task_status *rig_last_update(const struct rig *rig, const char *task); /* or NULL */
size_t rig_count_updates(const struct rig *rig, const char *task);
struct container_id rig_launched(const struct rig *rig); /* the last launch */
const struct agent_effect *rig_last_event(const struct rig *rig, enum executor_event_kind kind);
bool rig_has_note(const struct rig *rig, const char *what);
size_t rig_disk_count(const struct rig *rig, const char *prefix);
