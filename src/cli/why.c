/*
 * mesos why NAME: why a framework, a role, a task or a request waits: the one main reason, what
 * shows it, and what would help.
 */
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/when.h"
#include "common/base/buf.h"

#include <string.h>

struct why {
    struct cli_common common;
    bool agents;
};

/* --- printing --- */

static void print_lines(const json_t *wish, const char *key, const char *label) {
    size_t index;
    json_t *line;
    json_array_foreach(query_at(wish, key), index, line)
        print_clean(stdout, "  %-9s %s\n", index == 0 ? label : "", json_string_value(line));
}

static void print_heading(const json_t *wish) {
    char since[WHEN_SIZE];
    const char *request = query_string(wish, "request");
    const char *name = query_string(wish, "framework_name");
    print_clean(stdout, "%s in role %s",
                name[0] != '\0' ? name : query_string(wish, "framework_id.value"),
                query_string(wish, "role"));
    if (request[0] != '\0')
        print_clean(stdout, ", request %s", request);
    const json_t *from = query_at(wish, "waits_since.nanoseconds");
    when_print_span(when_now_ns() - json_integer_value(from), since);
    const char *state = query_string(wish, "state");
    if (strcmp(state, "WAITING") == 0 || strcmp(state, "INFEASIBLE") == 0)
        print_clean(stdout, " waits%s%s: ", from != NULL ? " for " : "", from != NULL ? since : "");
    else
        print_clean(stdout, ": ");
    print_clean(stdout, "%s\n", query_string(wish, "text"));
}

static void print_counts(const json_t *wish) {
    size_t index;
    json_t *count;
    json_array_foreach(query_at(wish, "counts"), index, count) print_clean(
        stdout, "  %-9s %5d  %s\n", index == 0 ? "agents" : "",
        (int)json_integer_value(query_at(count, "agents")), query_string(count, "text"));
}

static void print_history(const json_t *wish) {
    size_t index;
    json_t *change;
    json_array_foreach(query_at(wish, "history"), index, change) {
        char when[WHEN_SIZE];
        when_print(json_integer_value(query_at(change, "at.nanoseconds")), when);
        print_clean(stdout, "  %-9s %s  %s\n", index == 0 ? "history" : "", when,
                    query_string(change, "text"));
    }
}

static void print_agents(const json_t *wish) {
    static const char *const headings[] = {"AGENT", "HOSTNAME", "REASON", "WHAT IT SAYS", NULL};
    AUTO(table_free) struct table *table = table_new(headings);
    size_t index;
    json_t *agent;
    if (query_at(wish, "agents") == NULL)
        return;
    json_array_foreach(query_at(wish, "agents"), index, agent) {
        table_cell(table, "%s", query_string(agent, "agent_id.value"));
        table_cell(table, "%s", query_string(agent, "hostname"));
        table_cell(table, "%s", query_string(agent, "reason"));
        table_cell(table, "%s", query_string(agent, "text"));
    }
    table_print(table, stdout);
}

static void print_answer(const json_t *answer, const char *word) {
    size_t index;
    json_t *wish;
    if (query_string(answer, "task")[0] != '\0')
        print_clean(stdout, "%s\n", query_string(answer, "task"));
    else if (json_array_size(query_at(answer, "wishes")) == 0)
        print_clean(stdout, "nobody wants resources in role %s: no framework is in it\n", word);
    json_array_foreach(query_at(answer, "wishes"), index, wish) {
        if (index > 0)
            putchar('\n');
        print_heading(wish);
        print_lines(wish, "evidence", "evidence");
        print_lines(wish, "helps", "helps");
        print_counts(wish);
        print_history(wish);
        print_agents(wish);
    }
}

/* --- asking --- */

/* The word may be any of the three; the first that is known is meant. */
static bool ask(const struct why *why, const char *word, json_t **out, struct error *error) {
    static const char *const kinds[] = {"framework", "role", "task"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        json_t *question = json_pack("{s:s,s:b}", kinds[i], word, "agents", why->agents);
        AUTO(json_decref) json_t *answer = NULL;
        if (query_call(why->common.master, "EXPLAIN", json_pack("{s:o}", "explain", question),
                       &answer, error)) {
            *out = json_incref(query_at(answer, "explained"));
            return true;
        }
        if (error->code != ERROR_NOT_FOUND)
            return false;
    }
    return fail(error, ERROR_NOT_FOUND, "there is no framework, role, task or request '%s'", word);
}

static int explain(const struct why *why, const char *word) {
    AUTO(json_decref) json_t *answer = NULL;
    struct error error;
    if (!ask(why, word, &answer, &error))
        return cli_fail("why", &error);
    if (why->common.json)
        query_print(answer);
    else
        print_answer(answer, word);
    return CLI_OK;
}

int cli_why(int argc, char **argv) {
    struct why why = {0};
    const struct flag flags[] = {
        CLI_FLAG_MASTER(&why.common),
        CLI_FLAG_JSON(&why.common),
        {.name = "agents",
         .kind = FLAG_BOOL,
         .boolean = &why.agents,
         .help = "What each agent says, too."},
    };
    struct flag_table table = {.program = "mesos why",
                               .usage = "FRAMEWORK|ROLE|TASK|REQUEST [flags]",
                               .summary = "Says why somebody waits: the main reason, what shows "
                                          "it, and what would help.",
                               .version = MESOS_VERSION,
                               .environment_prefix = "MESOS_",
                               .flags = flags,
                               .count = sizeof(flags) / sizeof(flags[0]),
                               .takes_arguments = true};
    struct flag_arguments arguments = {0};
    int exit_code = CLI_OK;
    if (!cli_parse(&table, argc, argv, &arguments, &exit_code))
        return exit_code;
    if (arguments.words.count == 1) {
        exit_code = explain(&why, arguments.words.items[0]);
    } else {
        fprintf(stderr, "mesos why: one framework, role, task or request is wanted\n");
        exit_code = CLI_USAGE;
    }
    flags_fini(&table, &arguments);
    return exit_code;
}
