/*
 * A master on a stage: tests play events to it and read what it says, one line an effect, in which
 * the master's id is M. After every step master_check must hold. STOREs are done at once unless a
 * test holds them back.
 *
 *     to 1 OFFERS M-O0 agent=M-S0 cpus:4;mem:1024
 */
#pragma once

#include "master/core/master_view.h"
#include "tests/support/unit.h"

#include "common/base/buf.h"

/* An APPLY that was said; the test's agent takes it from there. */
struct said_apply {
    uint64_t number;
    struct resources from, to;
};

struct stage {
    struct master_options options; /* before stage_begin */
    struct kinds *kinds;
    struct master *master;
    struct arena *arena; /* of the test */
    struct arena *effects;
    int64_t now_ms, wall_ns;
    bool holds_stores;
    uint64_t last_ticket, stored_ticket;
    VEC_OF(char *) lines;
    VEC_OF(struct text) offers;       /* ids, as made */
    VEC_OF(struct uuid) acknowledged; /* that agents were told */
    VEC_OF(struct said_apply) applies;
};

struct stage *stage_new(void); /* default options, gathering at once */
void stage_free(struct stage *stage);
DEFINE_AUTO(struct stage, stage_free)

/* Makes the master with stage->options and recovers an empty registry, or these records. */
void stage_begin(struct stage *stage);
void stage_begin_with(struct stage *stage, const struct registry_record *records,
                      const struct text *keys, size_t count);

void stage_play(struct stage *stage, struct master_event event);
void stage_store(struct stage *stage);               /* all STOREs held back are done */
void stage_pass_ms(struct stage *stage, int64_t ms); /* ticking at every deadline on the way */

/* Forgets the first of stage->applies. */
void stage_drop_applies(struct stage *stage, size_t count);

/* What was said, in order, since stage_forget. */
bool stage_heard(const struct stage *stage, const char *part);
size_t stage_count(const struct stage *stage, const char *part);
void stage_forget(struct stage *stage);
void stage_print(const struct stage *stage); /* to stderr, for a failing test */

/* Fails the test and prints what was said. */
#define assert_heard(stage, part)                                                                  \
    do {                                                                                           \
        if (!stage_heard((stage), (part))) {                                                       \
            stage_print(stage);                                                                    \
            fail_msg("not heard: %s", (part));                                                     \
        }                                                                                          \
    } while (0)
#define assert_not_heard(stage, part)                                                              \
    do {                                                                                           \
        if (stage_heard((stage), (part))) {                                                        \
            stage_print(stage);                                                                    \
            fail_msg("heard: %s", (part));                                                         \
        }                                                                                          \
    } while (0)

/* --- builders; ids are written with M for the master's --- */

struct text stage_id(struct stage *stage, const char *id);
struct resources *stage_resources(struct stage *stage, const char *text);
struct uuid stage_uuid(uint8_t number);

struct scheduler_call stage_subscribe(struct stage *stage, const char *id, const char *name);
void stage_call(struct stage *stage, uint64_t connection, struct scheduler_call call);
void stage_tell(struct stage *stage, uint64_t connection, struct agent_message message);
void stage_close(struct stage *stage, uint64_t connection);

/* A framework M-000N of role * on the connection; an agent of that size at HOST:5051. */
void stage_add_framework(struct stage *stage, uint64_t connection);
struct agent_message stage_register(struct stage *stage, const char *id, const char *host,
                                    const char *resources);
void stage_add_agent(struct stage *stage, uint64_t connection, const char *host,
                     const char *resources);

/* The id of the newest offer. */
struct text stage_offer(const struct stage *stage);

struct task_info stage_task(struct stage *stage, const char *id, const char *agent,
                            const char *resources);
/* A LAUNCH; what is left is not filtered. */
struct scheduler_call stage_accept(struct stage *stage, struct text offer,
                                   const struct task_info *tasks, size_t count);
void stage_launch(struct stage *stage, uint64_t connection, const char *id, const char *agent,
                  const char *resources); /* from the newest offer */

/* An UPDATE with uuid `number`; then its acknowledgement. */
void stage_update(struct stage *stage, uint64_t connection, const char *framework, const char *task,
                  enum task_state state, uint8_t number);
void stage_acknowledge(struct stage *stage, uint64_t connection, const char *agent,
                       const char *task, uint8_t number);
struct task_report stage_report(struct stage *stage, const char *framework, const char *task,
                                const char *resources, enum task_state state);

/* The task as the master sees it; false: unknown to it. */
bool stage_find_task(struct stage *stage, const char *id, struct task_view *out);
bool stage_find_agent(struct stage *stage, const char *id, struct agent_view *out);
bool stage_find_framework(struct stage *stage, const char *id, struct framework_view *out);
