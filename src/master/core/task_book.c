/*
 * A task is in exactly one of its framework's three maps, and on its agent's list while it is
 * active.
 */
#include "master/core/task_book.h"

#include "master/core/drain.h"
#include "master/core/usage.h"

struct task *task_book_find(const struct framework *framework, struct task_id id) {
    return id.text.size > 0 ? map_get_text(&framework->tasks, id.text) : NULL;
}

struct task *task_book_find_any(const struct framework *framework, struct task_id id) {
    struct task *task = task_book_find(framework, id);
    if (task == NULL && id.text.size > 0)
        task = map_get_text(&framework->unreachable, id.text);
    if (task == NULL && id.text.size > 0)
        task = map_get_text(&framework->completed, id.text);
    return task;
}

static struct user user_of(const struct task *task) {
    return (struct user){task->framework, task->role, task->agent, &task->resources};
}

static void hold(struct task *task) {
    struct user user = user_of(task);
    usage_begin(&user);
    task->framework->live_tasks++;
    task->holds_resources = true;
}

static uint32_t role_number(struct master *master, struct text role) {
    uint32_t number = ROLE_ANY;
    if (!kinds_find_role(master->kinds, role, &number))
        kinds_intern_role(master->kinds, role, &number, NULL);
    return number;
}

struct task *task_book_add(struct master *master, struct framework *framework, struct agent *agent,
                           const struct task_report *report) {
    struct task *task = NEW(struct task);
    task->framework = framework;
    task->agent = agent;
    task->id = report->id;
    task->agent_id = agent->info.id;
    task->executor = report->executor;
    task->name = report->name;
    task->info = report->info;
    task->memory = keep_texts((struct text *[]){&task->id.text, &task->agent_id.text,
                                                &task->executor.text, &task->name, &task->info},
                              5);
    task->role = role_number(master, report->role);
    task->state = report->latest_state;
    task->status_state = report->sent_state;
    task->has_sent_uuid = report->has_sent_uuid;
    task->sent_uuid = report->sent_uuid;
    task->resources = resources_copy(report->resources);
    if (!task_state_is_terminal(task->state))
        hold(task);
    master->tasks_by_state[task->state]++;
    map_put_text(&framework->tasks, task->id.text, task);
    list_append(&agent->tasks, &task->by_agent);
    return task;
}

void task_book_release(struct master *master, struct task *task) {
    if (!task->holds_resources)
        return;
    struct user user = user_of(task);
    task->framework->live_tasks--;
    task->holds_resources = false;
    usage_end(master, &user);
}

bool task_book_move(struct master *master, struct task *task, enum task_state to) {
    if (task->state == to)
        return true;
    /* LOST may be followed by RUNNING where it was a guess; what an agent ended does not live
     * again. */
    if (!task->holds_resources && !task_state_is_terminal(to))
        return false;
    if (!task_move(&task->state, to))
        return false;
    master->tasks_by_state[to]++;
    if (task_state_is_terminal(to))
        task_book_release(master, task);
    return true;
}

/* Keeps what a reader of the history wants, in one block, and cuts what is too long to keep. */
static void *keep_status(const struct task *task, struct task_status *status) {
    struct text no_text = {0};
    status->task = task->id;
    status->agent = task->agent_id;
    status->executor = task->executor;
    status->encoded = no_text;
    status->message = text_sub(status->message, 0, STATUS_MESSAGE_BYTES_KEPT);
    if (status->carried.size > STATUS_CARRIED_BYTES_KEPT)
        status->carried = no_text;
    if (!status->has_termination)
        status->termination = (struct termination){0};
    status->termination.stderr_tail =
        text_sub(status->termination.stderr_tail, 0, STATUS_MESSAGE_BYTES_KEPT);
    return keep_texts((struct text *[]){&status->message, &status->carried,
                                        &status->termination.killed_by,
                                        &status->termination.stderr_tail},
                      4);
}

static void drop_status(struct task *task, size_t index) {
    mem_free(task->status_memory.items[index]);
    VEC_REMOVE(&task->status_memory, index);
    VEC_REMOVE(&task->statuses, index);
}

void task_book_record(struct task *task, const struct task_status *status) {
    size_t count = task->statuses.count;
    if (count > 0 && task->statuses.items[count - 1].state == status->state)
        drop_status(task, count - 1);
    else if (count >= STATUSES_PER_TASK_LIMIT)
        drop_status(task, 0);
    struct task_status kept = *status;
    VEC_PUSH(&task->status_memory, keep_status(task, &kept));
    VEC_PUSH(&task->statuses, kept);
}

/* Older than all that was heard, which may begin with the same status, sent again. */
static bool is_past(const struct task *task, const struct task_past *past) {
    const struct task_status *first = task->statuses.items;
    return past->time_ns > 0 &&
           (task->statuses.count == 0 ||
            (first->state != past->state && first->timestamp_ns > past->time_ns));
}

void task_book_tell(struct task *task, const struct task_report *report) {
    if (task->statuses.count > 0)
        return;
    if (report->running_since_ns > 0)
        task->running_since_ns = report->running_since_ns;
    if (report->sent_ns <= 0)
        return;
    task->told_state = report->sent_state;
    task->told_ns = report->sent_ns;
}

size_t task_book_past(const struct task *task, struct task_past out[TASK_PASTS_LIMIT]) {
    const struct task_past running = {TASK_STATE_RUNNING, task->running_since_ns};
    const struct task_past told = {task->told_state, task->told_ns};
    bool has_running = is_past(task, &running);
    bool has_told = is_past(task, &told) && (!has_running || told.state != running.state);
    size_t count = 0;
    if (has_told && told.time_ns < running.time_ns)
        out[count++] = told;
    if (has_running)
        out[count++] = running;
    if (has_told && told.time_ns >= running.time_ns)
        out[count++] = told;
    return count;
}

/* Takes it off the agent; what it holds must be given back before. */
static void leave_agent(struct master *master, struct task *task) {
    list_remove(&task->by_agent);
    drain_look(master, task->agent);
    task->agent = NULL;
    task->has_sent_uuid = false;
    task->kill_wanted = false;
}

static void put_bounded(struct map *map, struct task *task, size_t limit) {
    struct task *older = map_remove_text(map, task->id.text);
    task_book_free(older);
    map_put_text(map, task->id.text, task);
    while (map->count > limit) {
        struct task *oldest = map_first(map);
        map_remove_text(map, oldest->id.text);
        task_book_free(oldest);
    }
}

void task_book_complete(struct master *master, struct task *task) {
    struct framework *framework = task->framework;
    if (task->is_unreachable) {
        map_remove_text(&framework->unreachable, task->id.text);
    } else {
        task_book_release(master, task);
        map_remove_text(&framework->tasks, task->id.text);
        leave_agent(master, task);
    }
    task->is_unreachable = false;
    task->is_completed = true;
    put_bounded(&framework->completed, task, master->options.max_completed_tasks_per_framework);
}

void task_book_withdraw(struct master *master, struct task *task) {
    struct framework *framework = task->framework;
    task_book_release(master, task);
    map_remove_text(&framework->tasks, task->id.text);
    leave_agent(master, task);
    task->is_unreachable = true;
    put_bounded(&framework->unreachable, task, master->options.max_unreachable_tasks_per_framework);
}

bool task_book_restore(struct master *master, struct task *task, struct agent *agent) {
    struct framework *framework = task->framework;
    struct user user = {framework, task->role, agent, &task->resources};
    if (!usage_adopt(master, &user))
        return false;
    map_remove_text(&framework->unreachable, task->id.text);
    task->is_unreachable = false;
    task->agent = agent;
    list_append(&agent->tasks, &task->by_agent);
    map_put_text(&framework->tasks, task->id.text, task);
    hold(task);
    return true;
}

void task_book_free(struct task *task) {
    if (task == NULL)
        return;
    list_remove(&task->by_agent);
    VEC_EACH(memory, &task->status_memory)
        mem_free(*memory);
    VEC_FINI(&task->status_memory);
    VEC_FINI(&task->statuses);
    resources_fini(&task->resources);
    mem_free(task->memory);
    mem_free(task);
}
