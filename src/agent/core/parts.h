/*
 * The parts of the agent, a paragraph a file: what they ask of one another. All of it works inside
 * one step, on agent->outbox and at agent->now_ms.
 */
#pragma once

#include "agent/core/state.h"

/* effects.c: what goes out, and what is stored by this step's one commit. */
struct agent_effect *effect_add(struct agent *agent, enum agent_effect_kind kind);
void effect_container(struct agent *agent, enum agent_effect_kind kind, struct container_id id,
                      int signal, uint64_t after);
void effect_note(struct agent *agent, enum agent_note_level level, const char *what,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
uint64_t store_ticket(const struct agent *agent);                 /* of this step's commit */
uint64_t store_after(const struct agent *agent, uint64_t ticket); /* 0 when it is done */
void store_put(struct agent *agent, struct text key, const struct agent_record *record);
void store_remove(struct agent *agent, struct text key);
void store_commit(struct agent *agent); /* once, at the end of a step */
struct text key_framework(struct agent *agent, struct framework_id id);
struct text key_executor(struct agent *agent, const struct executor *executor);
struct text key_task(struct agent *agent, const struct task *task);
struct text key_update(struct agent *agent, const struct task *task, uint64_t sequence);
struct text key_sandbox(struct agent *agent, struct container_id id);
struct text text_cut(struct text text, size_t limit); /* at a character of UTF-8 */

/* timer.c */
void timer_init(struct timer *timer, enum timer_kind kind, void *owner);
void timer_set(struct agent *agent, struct timer *timer, int64_t in_ms);
void timer_cancel(struct agent *agent, struct timer *timer);
/* Since the machine's boot, suspension and all: nobody sets it, and it goes on while the agent is
 * away. */
int64_t timer_boot_clock_ms(const struct agent *agent);
void timers_run(struct agent *agent);

/* registration.c */
void registration_begin(struct agent *agent);
void registration_store_self(struct agent *agent); /* its id and this boot's */
void registration_connected(struct agent *agent);
void registration_settle(struct agent *agent); /* once, at the end of a step */
void registration_closed(struct agent *agent, struct text reason);
void registration_found(struct agent *agent);
void registration_heard(struct agent *agent); /* any word of the master */
void registration_answered(struct agent *agent, const struct master_message *message);
void registration_fired(struct agent *agent, enum timer_kind kind);
static inline bool registration_is_done(const struct agent *agent) {
    return agent->registration == REGISTRATION_DONE;
}

/* reports.c: what the agent tells a master of all it has. */
void report_register(struct agent *agent);

/* master_message.c */
void master_message_handle(struct agent *agent, const struct master_message *message);

/* framework.c */
struct framework *framework_find(const struct agent *agent, struct framework_id id);
struct framework *framework_add(struct agent *agent, struct framework_id id, struct text info,
                                struct error *error); /* info NULL: only its name is known */
bool framework_replace_info(struct agent *agent, struct framework *framework, struct text info,
                            struct error *error);
void framework_store(struct agent *agent, struct framework *framework);
void framework_shutdown(struct agent *agent, struct framework *framework);
void framework_forget_if_idle(struct agent *agent, struct framework *framework);
void framework_free(struct framework *framework);

/* task.c */
struct task *task_find(const struct agent *agent, struct framework_id framework, struct task_id id);
struct task *task_new(struct agent *agent, struct framework *framework, struct task_id id);
bool task_read(struct agent *agent, struct task *task, struct text info, struct error *error);
void task_free(struct task *task);
void task_store(struct agent *agent, struct task *task);
/* Moves the task and puts a status of the agent's own on its stream. Terminal ones give resources
 * back. */
struct status_of {
    enum task_state state;
    enum task_reason reason;
    struct text message;
    const struct termination *termination;
};
void task_report(struct agent *agent, struct task *task, struct status_of what);
/* The same with the status of an executor, which is complete. */
void task_heard(struct agent *agent, struct task *task, const struct task_status *status);
void task_started(struct agent *agent, struct task *task);
void task_ended(struct agent *agent, struct task *task, const struct agent_event *event);
void task_gone(struct agent *agent, struct task *task, struct text message); /* container lost */
void task_complete(struct agent *agent, struct task *task); /* the last word is acknowledged */
void task_settle_resources(struct agent *agent, struct task *task);
enum task_state task_never_ran(const struct framework *framework); /* DROPPED or LOST */
/* Answers about a task that is not here, until the master has acknowledged or is gone. */
void task_answer_unknown(struct agent *agent, struct framework_id framework, struct task_id id,
                         enum task_reason reason, struct text message);
void task_forget_unknown(struct agent *agent);
size_t task_info_bytes(const struct task_info *info); /* what a report of it takes, about */
void task_set_completion_timer(struct agent *agent, struct task *task);

/* run.c: tasks that a master sends. */
void task_run(struct agent *agent, const struct master_message *message);

/* termination.c: how the end of a container reads in a status. */
struct status_of termination_describe(struct agent *agent, const struct task *task,
                                      const struct agent_event *event);
struct text termination_sentence(struct agent *agent, const struct termination *termination);
struct text termination_memory_sentence(struct agent *agent, int64_t limit_bytes,
                                        const struct termination *termination);

/* status_stream.c */
void stream_init(struct status_stream *stream, struct task *task);
void stream_push(struct agent *agent, struct task *task, const struct task_status *status);
void stream_restore(struct task *task, const struct task_status *status, uint64_t sequence);
void stream_send_head(struct agent *agent, struct task *task);
void stream_resend(struct agent *agent, struct task *task); /* with the first interval again */
void stream_pause(struct agent *agent, struct task *task);
void stream_retry(struct agent *agent, struct task *task);
void stream_acknowledge(struct agent *agent, struct task *task, struct uuid uuid);
bool stream_knows(const struct status_stream *stream, struct uuid uuid);
void stream_drop(struct agent *agent, struct task *task); /* everything, records too */
const struct update *stream_head(const struct status_stream *stream);
void stream_fini(struct status_stream *stream);
void update_free(struct update *update);
void streams_resend(struct agent *agent);
void streams_pause(struct agent *agent);

/* launch.c */
int64_t launch_memory_bytes(const struct agent *agent, const struct task *task); /* 0: no limit */
void launch_task(struct agent *agent, struct task *task);
void launch_executor(struct agent *agent, struct executor *executor);
/* The memory limit only grows while processes run in it. */
void launch_limit_executor(struct agent *agent, const struct executor *executor, bool grows);
struct text launch_sandbox(struct agent *agent, struct arena *arena, struct framework_id framework,
                           struct container_id container);
struct container_id launch_new_id(struct agent *agent, struct arena *arena);

/* total.c: what the agent has, operations included. */
/* What was there before operations: without dynamic reservations, volumes, sharedness. Adds. */
bool total_strip(struct kinds *kinds, const struct resources *set, struct resources *out,
                 struct error *error);
struct resources total_converted(const struct kinds *kinds, const struct resources *total);
/* *out is empty before. False, with what does not fit: the configured do not contain it. */
bool total_convert(struct kinds *kinds, const struct resources *configured,
                   const struct resources *converted, struct resources *out, struct error *error);
size_t total_size(const struct resources *total); /* as many messages */
bool total_has_free(const struct agent *agent, const struct resources *needed);
bool total_covers(const struct agent *agent, const struct resources *used);

/* shrink.c: a restart with less than what is in use. */
/* Behind everything else of the records. False: the agent stops, and has said why. */
bool shrink_settle(struct agent *agent, const struct agent_event *event);
void shrink_store_configured(struct agent *agent);
/* Says in the status of a killed task what killed it. */
void shrink_label(const struct task *task, struct task_status *status);
/* What of it still fits; the caller's. */
struct resources shrink_converted(struct agent *agent, const struct resources *converted);

/* operation.c: what a master makes of the total. */
void operation_apply(struct agent *agent, const struct master_message *message);
void operation_volumes_made(struct agent *agent, const struct agent_event *event);
void operation_volume_removed(struct agent *agent, const struct agent_event *event);
/* All that counts in the total is stored and on the disk, or is known to have failed. */
bool operations_are_done(const struct agent *agent);
void operations_settle(struct agent *agent);        /* once, at the end of a step */
void operations_forget_master(struct agent *agent); /* nobody waits for their answers any more */
/* Out of the records: the total. False: it is incompatible, and why. */
bool operations_restore(struct agent *agent, const struct agent_event *event, struct error *error);
void operations_fini(struct agent *agent);

/* volume.c */
bool volume_place_of(const struct agent *agent, struct arena *arena, uint32_t kind,
                     struct volume_place *out, struct error *error);
struct text volume_path(struct arena *arena, const struct volume_place *place);
/* The volumes of what a task or an executor has, which `set` is a part of; in the arena. */
bool volumes_read(const struct agent *agent, struct arena *arena, const struct resources *set,
                  struct container_volume **out, size_t *count, struct error *error);
/* By a container that is not gone; not counted is the one whose resources are `but` (or NULL). */
bool volume_is_used(const struct agent *agent, uint32_t kind, const struct resources *but);

/* executor.c */
struct executor *executor_find(const struct framework *framework, struct executor_id id);
struct executor *executor_new(struct agent *agent, struct framework *framework, struct text info,
                              struct error *error);
void executor_free(struct executor *executor);
void executor_store(struct agent *agent, struct executor *executor);
void executor_forget(struct agent *agent,
                     struct executor *executor); /* it was never launched, or has ended */
void executor_add_task(struct agent *agent, struct executor *executor, struct task *task);
void executor_remove_task(struct agent *agent, struct task *task);
void executor_started(struct agent *agent, struct executor *executor);
void executor_ended(struct agent *agent, struct executor *executor,
                    const struct agent_event *event);
void executor_shutdown(struct agent *agent, struct executor *executor, enum task_reason reason,
                       const char *message);
void executor_destroy(struct agent *agent, struct executor *executor, enum task_reason reason,
                      const char *message);
void executor_fired(struct agent *agent, struct executor *executor, enum timer_kind kind);
void executor_event(struct agent *agent, const struct executor *executor,
                    const struct executor_event *event, uint64_t after);

/* executor_call.c: what executors say. */
void executor_call_handle(struct agent *agent, struct connection_id connection,
                          const struct executor_call *call);
void executor_closed(struct agent *agent, struct connection_id connection);
void executor_deliver(struct agent *agent, struct task *task);

/* kill.c */
struct kill_order {
    bool has_grace;
    int64_t grace_ms;
    struct text by;
};
void kill_task(struct agent *agent, struct task *task, const struct kill_order *order);
void kill_resume(struct agent *agent,
                 struct task *task); /* after a restart, or to an executor that is back */
void kill_fired(struct agent *agent, struct task *task);
void kill_completion_fired(struct agent *agent, struct task *task);

/* drain.c: the master wants this machine empty. */
void drain_begin(struct agent *agent, const struct drain_terms *terms);
void drain_restore(struct agent *agent, const struct agent_record *record);
bool drain_has_deadline(const struct agent *agent);
int64_t drain_left_ms(const struct agent *agent); /* INT64_MAX: no deadline */
/* Says in the status of a killed task what killed it. */
void drain_label(const struct agent *agent, const struct task *task, struct task_status *status);
void drain_end_all(struct agent *agent); /* and tells nobody */
/* And then the agent itself; the reason is copied. */
void drain_end_agent(struct agent *agent, struct text reason);
void drain_settle(struct agent *agent); /* once, at the end of a step */

/* partition.c: tasks that end when the agent has been without a master for too long. */
void partition_bind(struct agent *agent, struct task *task); /* one that the master brought */
void partition_unbind(struct agent *agent, struct task *task);
void partition_register_sent(struct agent *agent);
void partition_registered(struct agent *agent);
void partition_answered(struct agent *agent, int64_t echo_ms); /* a PONG of ours was heard */
void partition_restore(struct agent *agent, const struct agent_record *record);
void partition_restore_task(struct agent *agent, struct task *task);
void partition_recovered(struct agent *agent); /* containers have been heard of */
void partition_fired(struct agent *agent);
bool partition_is_over(const struct agent *agent, const struct task *task);
void partition_stop_if_over(struct agent *agent, struct task *task);
bool partition_has_killed(const struct task *task);
int64_t partition_stop_at_ms(const struct agent *agent, const struct task *task); /* 0: never */
/* The container of a task was ended while the agent did not see to it. */
void partition_was_stopped(struct agent *agent, struct task *task);
/* Says in the status of a killed task what killed it. */
void partition_label(const struct agent *agent, const struct task *task,
                     struct task_status *status);

/* recovery.c */
void recovery_begin(struct agent *agent, const struct agent_event *event);
void recovery_containers_done(struct agent *agent);
void recovery_check_executors(struct agent *agent);
void recovery_executors_late(struct agent *agent);
void recovery_never_begun(struct agent *agent, struct container *container);

/* sandbox.c */
void sandbox_keep(struct agent *agent, const struct sandbox *sandbox); /* copies; stores */
void sandbox_restore(struct agent *agent, const struct sandbox *sandbox);
void sandbox_remove_older(struct agent *agent, int64_t age_ns);
void sandbox_set_timer(struct agent *agent);
void sandbox_pressure(struct agent *agent, int64_t used_fraction_milli);
void sandbox_free(struct sandbox *sandbox);

/* container.c: the index of containers. */
struct container *container_find(const struct agent *agent, struct container_id id);
void container_add(struct agent *agent, struct container_id id, struct task *task,
                   struct executor *executor);
void container_remove(struct agent *agent, struct container_id id);
void container_started(struct agent *agent, const struct agent_event *event);
void container_ended(struct agent *agent, const struct agent_event *event);

/* view.c */
void completed_keep(struct agent *agent, const struct task *task);
void completed_drop_oldest(struct agent *agent);
void completed_fini(struct agent *agent);
