/*
 * An executor is in its agent's map alone; a framework has few enough to be looked for there.
 */
#include "master/core/executor_book.h"

#include "master/core/usage.h"

struct executor *executor_book_find(struct master *master, const struct agent *agent,
                                    const struct framework *framework, struct executor_id id) {
    return map_get_text(&agent->executors, pair_key(master, framework->info.id.text, id.text));
}

struct executor *executor_book_add(struct master *master, struct framework *framework,
                                   struct agent *agent, uint32_t role,
                                   const struct executor_report *report) {
    struct executor *executor = NEW(struct executor);
    executor->framework = framework;
    executor->agent = agent;
    executor->role = role;
    executor->id = report->id;
    executor->info = report->info;
    executor->memory = keep_texts((struct text *[]){&executor->id.text, &executor->info}, 2);
    executor->resources = resources_copy(report->resources);
    struct user user = {framework, role, agent, &executor->resources};
    usage_begin(&user);
    map_put_text(&agent->executors, pair_key(master, framework->info.id.text, executor->id.text),
                 executor);
    return executor;
}

void executor_book_remove(struct master *master, struct executor *executor) {
    struct agent *agent = executor->agent;
    struct framework *framework = executor->framework;
    struct user user = {framework, executor->role, agent, &executor->resources};
    usage_end(master, &user);
    map_remove_text(&agent->executors,
                    pair_key(master, framework->info.id.text, executor->id.text));
    executor_book_free(executor);
}

void executor_book_free(struct executor *executor) {
    if (executor == NULL)
        return;
    resources_fini(&executor->resources);
    mem_free(executor->memory);
    mem_free(executor);
}
