/*
 * What must hold after every step, reckoned anew from the tasks, executors and offers.
 */
#include "master/core/demand_book.h"
#include "master/core/inverse_book.h"
#include "master/core/master_view.h"
#include "master/core/operation_book.h"
#include "master/core/role_book.h"
#include "master/core/state.h"
#include "master/core/usage.h"

/* --- agents --- */

static bool check_task_on(const struct agent *agent, const struct task *task,
                          struct resources *used, struct error *why) {
    if (task->agent != agent || task->is_completed || task->is_unreachable)
        return fail(why, ERROR_INVALID, "task %.*s is on a list it does not belong to",
                    TEXT_ARGS(task->id.text));
    if (map_get_text(&task->framework->tasks, task->id.text) != task)
        return fail(why, ERROR_INVALID, "task %.*s is not among its framework's active ones",
                    TEXT_ARGS(task->id.text));
    if (task->holds_resources == task_state_is_terminal(task->state))
        return fail(why, ERROR_INVALID, "task %.*s is %s and %s resources",
                    TEXT_ARGS(task->id.text), task_state_name(task->state),
                    task->holds_resources ? "holds" : "holds no");
    if (task->holds_resources && !resources_add(used, &task->resources))
        return fail(why, ERROR_LIMIT, "the used resources do not add up");
    return true;
}

static bool check_offers_of(const struct master *master, const struct agent *agent,
                            struct resources *offered, struct error *why) {
    LIST_EACH(link, &agent->offers) {
        const struct offer *offer = CONTAINER_OF(link, struct offer, by_agent);
        if (offer->agent != agent || map_get(&master->offers, offer->number) != offer)
            return fail(why, ERROR_INVALID, "offer %.*s is on a list it does not belong to",
                        TEXT_ARGS(offer->id.text));
        if (agent->peer == NULL)
            return fail(why, ERROR_INVALID, "offer %.*s is of an agent that is not connected",
                        TEXT_ARGS(offer->id.text));
        if (agent->drain.is_deactivated)
            return fail(why, ERROR_INVALID, "offer %.*s is of a deactivated agent",
                        TEXT_ARGS(offer->id.text));
        if (offer->framework->peer == NULL)
            return fail(why, ERROR_INVALID, "offer %.*s is to a framework that is not connected",
                        TEXT_ARGS(offer->id.text));
        if (!resources_add(offered, &offer->resources))
            return fail(why, ERROR_LIMIT, "the offered resources do not add up");
    }
    return true;
}

static bool equal_or_none(const struct resources *a, const struct resources *b) {
    static const struct resources none;
    return resources_equal(a != NULL ? a : &none, b != NULL ? b : &none);
}

static bool check_allocator(const struct master *master, const struct agent *agent,
                            struct error *why) {
    if (agent->number == 0)
        return true;
    AUTO_FINI(resources_fini) struct resources taken = resources_copy(&agent->used);
    if (!resources_add(&taken, &agent->offered))
        return fail(why, ERROR_LIMIT, "used and offered do not add up");
    if (!equal_or_none(allocator_agent_total(master->allocator, agent->number), &agent->total))
        return fail(why, ERROR_INVALID, "the allocator knows another total");
    if (!equal_or_none(allocator_agent_used(master->allocator, agent->number), &taken))
        return fail(why, ERROR_INVALID, "used + offered is not what the allocator gave");
    AUTO_FINI(resources_fini) struct resources free = resources_copy(&agent->total);
    if (!resources_subtract(&free, &taken))
        return true; /* it shrank below what is in use */
    if (!equal_or_none(allocator_agent_free(master->allocator, agent->number), &free))
        return fail(why, ERROR_INVALID, "offered + used + free is not the total");
    return true;
}

static bool check_agent(const struct master *master, const struct agent *agent, struct error *why) {
    AUTO_FINI(resources_fini) struct resources used = {0};
    AUTO_FINI(resources_fini) struct resources offered = {0};
    LIST_EACH(link, &agent->tasks)
        if (!check_task_on(agent, CONTAINER_OF(link, struct task, by_agent), &used, why))
            return false;
    MAP_EACH(entry, &agent->executors) {
        const struct executor *executor = map_value(entry);
        if (!resources_add(&used, &executor->resources))
            return fail(why, ERROR_LIMIT, "the used resources do not add up");
    }
    if (!usage_check(agent, &used, why) || !check_offers_of(master, agent, &offered, why))
        return false;
    if (!resources_equal(&used, &agent->used) || !resources_equal(&offered, &agent->offered))
        return fail(why, ERROR_INVALID,
                    "what is used and offered is not what its tasks and offers say");
    if (agent->peer != NULL && agent->peer->agent != agent)
        return fail(why, ERROR_INVALID, "its connection belongs to another agent");
    bool is_lost = agent->state == AGENT_UNREACHABLE || agent->state == AGENT_RECOVERED;
    if (is_lost && (agent->number != 0 || agent->peer != NULL || !list_is_empty(&agent->tasks)))
        return fail(why, ERROR_INVALID, "it is away and yet has tasks or a connection");
    if (agent->drain.state != DRAIN_NONE && !agent->drain.is_deactivated)
        return fail(why, ERROR_INVALID, "it drains and is active");
    return operation_book_check_agent(agent, why) && check_allocator(master, agent, why);
}

/* --- frameworks --- */

/* An agent that is back has brought its tasks, or they have ended. */
static bool is_back(const struct master *master, struct agent_id id) {
    const struct agent *agent = map_get_text(&master->agents, id.text);
    return agent != NULL && (agent->state == AGENT_ADMITTING || agent->state == AGENT_REGISTERED);
}

static bool check_tasks(const struct master *master, const struct framework *framework,
                        struct error *why) {
    size_t live = 0;
    MAP_EACH(entry, &framework->tasks) {
        const struct task *task = map_value(entry);
        if (task->agent == NULL || !link_is_listed(&task->by_agent) || task->framework != framework)
            return fail(why, ERROR_INVALID, "active task %.*s is on no agent",
                        TEXT_ARGS(task->id.text));
        live += task->holds_resources;
    }
    if (live != framework->live_tasks)
        return fail(why, ERROR_INVALID, "%zu tasks live, %zu are counted", live,
                    framework->live_tasks);
    MAP_EACH(entry, &framework->unreachable) {
        const struct task *task = map_value(entry);
        if (!task->is_unreachable || task->agent != NULL || task->holds_resources)
            return fail(why, ERROR_INVALID, "unreachable task %.*s is on an agent",
                        TEXT_ARGS(task->id.text));
        if (is_back(master, task->agent_id))
            return fail(why, ERROR_INVALID, "task %.*s is unreachable and its agent is not",
                        TEXT_ARGS(task->id.text));
    }
    MAP_EACH(entry, &framework->completed) {
        const struct task *task = map_value(entry);
        if (!task->is_completed || task->agent != NULL || task->holds_resources)
            return fail(why, ERROR_INVALID, "completed task %.*s is on an agent",
                        TEXT_ARGS(task->id.text));
    }
    return true;
}

static bool check_framework(const struct master *master, const struct framework *framework,
                            struct error *why) {
    bool is_completed = framework->state == FRAMEWORK_COMPLETED;
    if ((framework->peer != NULL) != (framework->state == FRAMEWORK_CONNECTED))
        return fail(why, ERROR_INVALID, "its state and its connection disagree");
    if (framework->peer != NULL && framework->peer->framework != framework)
        return fail(why, ERROR_INVALID, "its connection belongs to another framework");
    if (is_completed && (framework->tasks.count > 0 || !list_is_empty(&framework->offers) ||
                         !resources_is_empty(&framework->used)))
        return fail(why, ERROR_INVALID, "it is completed and yet has something");
    if (!is_completed && map_get(&master->framework_numbers, framework->number) != framework)
        return fail(why, ERROR_INVALID, "the allocator's number leads elsewhere");
    return operation_book_check_framework(framework, why) && check_tasks(master, framework, why);
}

static bool check_frameworks(const struct master *master, const struct map *frameworks,
                             struct error *why) {
    MAP_EACH(entry, frameworks) {
        const struct framework *framework = map_value(entry);
        if (!check_framework(master, framework, why))
            return fail_context(why, "framework %.*s", TEXT_ARGS(framework->info.id.text));
    }
    return true;
}

static bool check_channels(const struct master *master, struct error *why) {
    MAP_EACH(entry, &master->peers) {
        const struct peer *peer = map_value(entry);
        MAP_EACH(at, &peer->channels) {
            const struct relay *relay = map_value(at);
            if ((relay->asker != peer && relay->sender != peer) ||
                map_get(&relay->asker->channels, relay->asker_channel) != relay ||
                map_get(&relay->sender->channels, relay->sender_channel) != relay)
                return fail(why, ERROR_INVALID, "a channel has one end only");
        }
    }
    return true;
}

bool master_check(const struct master *master, struct error *why) {
    MAP_EACH(entry, &master->agents) {
        const struct agent *agent = map_value(entry);
        if (!check_agent(master, agent, why))
            return fail_context(why, "agent %.*s", TEXT_ARGS(agent->info.id.text));
    }
    return inverse_book_check(master, why) && role_book_check(master, why) &&
           demand_book_is_right(master, why) &&
           check_frameworks(master, &master->frameworks, why) &&
           check_frameworks(master, &master->completed, why) && check_channels(master, why);
}
