/*
 * mesos agent drain|deactivate|reactivate|gone NAME: takes an agent out of use, and back.
 */
#include "cli/cli.h"
#include "cli/query.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    POLL_LEAST_MS = 100,
    POLL_MOST_MS = 2000,
    REFUSALS_LIMIT = 30, /* in a row: a new leader says 503 until it has read its registry */
};

struct order {
    struct cli_common common;
    int64_t deadline_ms; /* -1: none */
    bool wait, gone;
};

/* --- which agent is meant --- */

static void collect(const json_t *list, const char *id, const char *hostname, json_t *out) {
    size_t index;
    json_t *agent;
    json_array_foreach((json_t *)(uintptr_t)list, index, agent) json_array_append_new(
        out, json_pack("{s:s,s:s,s:O}", "id", query_string(agent, id), "hostname",
                       query_string(agent, hostname), "agent", agent));
}

/* {id, hostname, agent: as the master shows it} of every agent. */
static json_t *list_all(const json_t *answer) {
    json_t *all = json_array();
    collect(query_at(answer, "agents"), "agent_info.id.value", "agent_info.hostname", all);
    collect(query_at(answer, "recovered_agents"), "id.value", "hostname", all);
    collect(query_at(answer, "unreachable_agents"), "agent_id.value", "hostname", all);
    return all;
}

/* By hostname, else by id or the beginning of one. */
static bool find(json_t *all, const char *name, json_t **out, struct error *error) {
    size_t index, matches = 0;
    json_t *one;
    json_array_foreach(all, index, one) {
        if (strcasecmp(query_string(one, "hostname"), name) != 0)
            continue;
        *out = one;
        matches++;
    }
    if (matches > 1)
        return fail(error, ERROR_EXISTS, "%zu agents are on %s; give the beginning of an id",
                    matches, name);
    return matches == 1 || query_by_prefix(all, "id", name, "agent", out, error);
}

/* The whole id. */
static bool find_id(const struct order *order, const char *name, char *id, size_t size,
                    struct error *error) {
    AUTO(json_decref) json_t *answer = NULL, *all = NULL;
    json_t *found;
    if (!query_get_patiently(order->common.master, "GET_AGENTS", &answer, error))
        return false;
    all = list_all(answer);
    if (!find(all, name, &found, error))
        return false;
    snprintf(id, size, "%s", query_string(found, "id"));
    return true;
}

/* --- waiting until it is drained --- */

static void pause_ms(int64_t ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

enum progress {
    PROGRESS_GOES_ON,
    PROGRESS_AWAY,      /* the agent is */
    PROGRESS_NO_MASTER, /* nobody answers just now */
    PROGRESS_REFUSED,   /* nobody leads yet, or we may not ask */
    PROGRESS_DRAINED,
    PROGRESS_ENDED,
    PROGRESS_GONE,
};

static enum progress progress_of(json_t *all, const char *id) {
    size_t index;
    json_t *one;
    json_array_foreach(all, index, one) {
        if (strcmp(query_string(one, "id"), id) != 0)
            continue;
        const json_t *agent = query_at(one, "agent");
        const char *state = query_string(agent, "drain_info.state");
        if (strcmp(state, "DRAINED") == 0)
            return PROGRESS_DRAINED;
        bool is_listed = query_at(agent, "agent_info") != NULL;
        if (!is_listed)
            return PROGRESS_AWAY;
        return strcmp(state, "DRAINING") == 0 ? PROGRESS_GOES_ON : PROGRESS_ENDED;
    }
    return PROGRESS_GONE;
}

static enum progress look(const struct order *order, const char *id, struct error *error) {
    AUTO(json_decref) json_t *answer = NULL, *all = NULL;
    if (!query_get(order->common.master, "GET_AGENTS", &answer, error))
        return error->code == ERROR_REFUSED ? PROGRESS_REFUSED : PROGRESS_NO_MASTER;
    all = list_all(answer);
    return progress_of(all, id);
}

/* Each once, when it begins. */
static void say(enum progress progress, enum progress before, const char *id) {
    if (progress == before)
        return;
    if (progress == PROGRESS_AWAY)
        fprintf(stderr, "mesos agent: %s is away; it goes on draining when it is back\n", id);
    if (progress == PROGRESS_NO_MASTER)
        fprintf(stderr, "mesos agent: no master answers; the drain goes on, and so does waiting\n");
}

static bool wait_drained(const struct order *order, const char *id, struct error *error) {
    enum progress progress = PROGRESS_GOES_ON, before = progress;
    int refusals = 0;
    for (int64_t wait_ms = POLL_LEAST_MS;; wait_ms *= 2, before = progress) {
        progress = look(order, id, error);
        refusals = progress == PROGRESS_REFUSED ? refusals + 1 : 0;
        switch (progress) {
        case PROGRESS_DRAINED: return true;
        case PROGRESS_GONE:
            return order->gone ||
                   fail(error, ERROR_REFUSED, "%s was removed before it was drained", id);
        case PROGRESS_ENDED:
            return fail(error, ERROR_REFUSED, "%s is not draining any more: somebody changed that",
                        id);
        case PROGRESS_REFUSED:
            if (refusals > REFUSALS_LIMIT)
                return false;
            break;
        case PROGRESS_AWAY:
        case PROGRESS_NO_MASTER:
        case PROGRESS_GOES_ON: break;
        }
        say(progress, before, id);
        if (wait_ms > POLL_MOST_MS)
            wait_ms = POLL_MOST_MS;
        pause_ms(wait_ms);
    }
}

/* --- the orders --- */

/* To give the same order twice is to give it once; so the next leader gets it when one dies over
 * it.
 */
static bool call_agent(const struct order *order, const char *type, const char *field,
                       const char *id, json_t *more, struct error *error) {
    json_t *body = more != NULL ? more : json_object();
    json_object_set_new(body, "agent_id", json_pack("{s:s}", "value", id));
    return query_repeat(order->common.master, type, json_pack("{s:o}", field, body), NULL, error);
}

static bool drain(const struct order *order, const char *id, struct error *error) {
    json_t *more = json_pack("{s:b}", "mark_gone", order->gone);
    if (order->deadline_ms >= 0)
        json_object_set_new(more, "max_grace_period",
                            json_pack("{s:I,s:I}", "seconds",
                                      (json_int_t)(order->deadline_ms / 1000), "nanos",
                                      (json_int_t)(order->deadline_ms % 1000 * 1000000)));
    return call_agent(order, "DRAIN_AGENT", "drain_agent", id, more, error) &&
           (!order->wait || wait_drained(order, id, error));
}

static const char *words_of(const struct order *order, const char *verb) {
    if (strcmp(verb, "deactivate") == 0)
        return "is not offered any more; its tasks go on";
    if (strcmp(verb, "reactivate") == 0)
        return "is offered again";
    if (strcmp(verb, "gone") == 0)
        return "is gone: its tasks are ended and it never comes back";
    if (order->wait)
        return order->gone ? "is drained and gone" : "is drained";
    return "is draining; mesos agents shows when it is drained";
}

static bool carry_out(const struct order *order, const char *verb, const char *id,
                      struct error *error) {
    if (strcmp(verb, "drain") == 0)
        return drain(order, id, error);
    if (strcmp(verb, "deactivate") == 0)
        return call_agent(order, "DEACTIVATE_AGENT", "deactivate_agent", id, NULL, error);
    if (strcmp(verb, "reactivate") == 0)
        return call_agent(order, "REACTIVATE_AGENT", "reactivate_agent", id, NULL, error);
    return call_agent(order, "MARK_AGENT_GONE", "mark_agent_gone", id, NULL, error);
}

static bool is_verb(const char *word) {
    static const char *const verbs[] = {"drain", "deactivate", "reactivate", "gone"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(word, verbs[i]) == 0)
            return true;
    }
    return false;
}

/* NULL: all is well. */
static const char *find_fault(const struct order *order, const struct flag_arguments *arguments) {
    if (arguments->words.count != 2 || !is_verb(arguments->words.items[0]))
        return "drain, deactivate, reactivate or gone is wanted, and one agent: "
               "mesos agent drain NAME";
    bool is_drain = strcmp(arguments->words.items[0], "drain") == 0;
    if (!is_drain && (order->deadline_ms >= 0 || order->wait || order->gone))
        return "--deadline, --wait and --gone are for drain alone";
    return NULL;
}

static int run(const struct order *order, const struct flag_arguments *arguments) {
    const char *fault = find_fault(order, arguments);
    struct error error;
    char id[512];
    if (fault != NULL) {
        fprintf(stderr, "mesos agent: %s\n", fault);
        return CLI_USAGE;
    }
    const char *verb = arguments->words.items[0];
    if (!find_id(order, arguments->words.items[1], id, sizeof(id), &error) ||
        !carry_out(order, verb, id, &error))
        return cli_fail("agent", &error);
    if (order->common.json) {
        AUTO(json_decref) json_t *said = json_pack("{s:s}", "agent_id", id);
        query_print(said);
    } else {
        printf("%s %s\n", id, words_of(order, verb));
    }
    return CLI_OK;
}

int cli_agent(int argc, char **argv) {
    struct order order = {.deadline_ms = -1};
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&order.common),
        CLI_FLAG_JSON(&order.common),
        {.name = "deadline",
         .kind = FLAG_DURATION,
         .duration_ms = &order.deadline_ms,
         .help = "drain: no task has longer to end; without it each has the grace it says itself."},
        {.name = "wait",
         .kind = FLAG_BOOL,
         .boolean = &order.wait,
         .help = "drain: end when the agent is drained."},
        {.name = "gone",
         .kind = FLAG_BOOL,
         .boolean = &order.gone,
         .help = "drain: once it is drained the agent is gone for good."},
    };
    struct flag_table table = {
        .program = "mesos agent",
        .usage = "drain|deactivate|reactivate|gone NAME [flags]",
        .summary = "Takes an agent out of use, and back: drain ends its tasks, deactivate only "
                   "stops offers of it, gone removes it for good. NAME is its hostname, its id or "
                   "the beginning of its id.",
        .version = MESOS_VERSION,
        .environment_prefix = "MESOS_",
        .flags = flags,
        .count = sizeof(flags) / sizeof(flags[0]),
        .takes_arguments = true};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    exit_code = run(&order, &arguments);
    flags_fini(&table, &arguments);
    return exit_code;
}
