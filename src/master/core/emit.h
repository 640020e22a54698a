/*
 * The way out of a step: every effect is made here. What is sent to a framework or an agent whose
 * admission is still being stored waits for that STORE.
 */
#pragma once

#include "master/core/state.h"

void emit_note(struct master *master, enum note_level level, const char *what, const char *format,
               ...) __attribute__((format(printf, 4, 5)));
/* The one answer that bad input gets besides its typed one: a warning and a count. */
void emit_invalid(struct master *master, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Nothing happens while the framework or the agent is not connected. */
void emit_to_framework(struct master *master, struct framework *framework,
                       struct scheduler_event event);
void emit_to_agent(struct master *master, struct agent *agent, struct master_message message);

void emit_to_scheduler(struct master *master, struct peer *peer, struct scheduler_event event);
void emit_refusal(struct master *master, struct peer *peer, struct text reason, bool stop);
/* The agent ends all its tasks; `stop`: and itself. */
void emit_dismissal(struct master *master, struct peer *peer, struct text reason, bool stop);
/* What follows from a framework's removal waits until that is stored: a master that is deposed, or
 * dies, has not removed it. `error`: what its scheduler hears before the end; empty: nothing. */
void emit_shutdown_framework(struct master *master, struct agent *agent, struct framework_id id);
void emit_end_of_framework(struct master *master, struct peer *peer, struct text error,
                           struct text reason);
void emit_removed(struct master *master, uint64_t request); /* 200 */
void emit_channel(struct master *master, struct peer *peer, struct channel_message message);
void emit_close(struct master *master, struct peer *peer, struct text reason);
/* Formats, and asks the shell to end. */
void emit_stop(struct master *master, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void emit_answer(struct master *master, uint64_t request, int status, struct text message);

/* Both return the ticket. The key is PREFIX/ID; a record of NULL takes it out. */
uint64_t emit_store(struct master *master, const struct store_change *changes, size_t count);
struct store_change store_change_of(struct master *master, const char *prefix, struct text id,
                                    const struct registry_record *record);
