#include "cli/simulate_read.h"

#include "common/base/buf.h"
#include "tests/support/unit.h"

#include <stdio.h>

#define AGENTS "\"agents\": [{\"count\": 2, \"resources\": {\"cpus\": 4, \"mem\": 8.5}}]"
#define FRAMEWORKS "\"frameworks\": [{\"name\": \"f\", \"role\": \"a\", \"task\": {\"cpus\": 1}}]"

/* What is said of it; "" when it is read. */
static const char *complaint(const char *json) {
    static struct error error;
    AUTO_FINI(scenario_fini) struct scenario scenario = {0};
    error = (struct error){0};
    if (simulate_read(text_of(json), &scenario, &error))
        return "";
    assert_int_not_equal(error.code, ERROR_NONE);
    assert_null(strchr(error.message, '\n'));
    return error.message;
}

static void check(const char *json, const char *wanted) {
    const char *got = complaint(json);
    if (strstr(got, wanted) != got)
        fail_msg("%.300s\n  wanted: %s\n  got:    %s", json, wanted, got);
}

static void check_with(const char *format, const char *part, const char *wanted) {
    AUTO_FINI(buf_fini) struct buf json = {0};
    struct text rest = text_of(format), before;
    text_split(&rest, '@', &before);
    buf_printf(&json, "%.*s%s%.*s", TEXT_ARGS(before), part, TEXT_ARGS(rest));
    check(buf_string(&json), wanted);
}

static void check_agent(const char *agent, const char *wanted) {
    check_with("{\"agents\": [{\"resources\": {\"cpus\": 1}}, @], " FRAMEWORKS "}", agent, wanted);
}

static void check_role(const char *role, const char *wanted) {
    check_with("{" AGENTS ", \"roles\": [{\"name\": \"b\"}, @], " FRAMEWORKS "}", role, wanted);
}

static void check_framework(const char *framework, const char *wanted) {
    check_with("{" AGENTS ", \"frameworks\": [{\"name\": \"f\", \"role\": \"a\", "
               "\"task\": {\"cpus\": 1}}, @]}",
               framework, wanted);
}

TEST(all_that_may_be_said_is_read) {
    AUTO_FINI(scenario_fini) struct scenario scenario = {0};
    struct error error;
    uint32_t role;

    assert_true(simulate_read(
        TEXT("{\"policy\": \"random\", \"seed\": 7, " AGENTS
             ", \"roles\": [{\"name\": \"a/b\", \"weight\": 0.001, \"quota\": "
             "{\"limit\": {\"cpus\": 8}, \"guarantee\": {\"cpus\": 2.5}}}], \"frameworks\": "
             "[{\"name\": \"f\", \"role\": \"a/b\", \"weight\": 1000000, \"task\": {\"cpus\": "
             "0.1, \"mem\": 0}, \"tasks\": 5, \"joins_at\": 3}], \"churn\": {\"steps\": 9}}"),
        &scenario, &error));

    assert_ptr_equal(scenario.policy, &allocator_random);
    assert_int_equal(scenario.seed, 7);
    assert_int_equal(scenario.agents.items[0].count, 2);
    assert_int_equal(quantities_milli(&scenario.agents.items[0].resources, NAME_MEM), 8500);
    assert_true(kinds_find_role(scenario.kinds, TEXT("a/b"), &role));
    assert_int_equal(scenario.roles.items[0].role, role);
    assert_int_equal(scenario.roles.items[0].weight_milli, 1);
    assert_int_equal(scenario.roles.items[0].quota.count, 1);
    assert_int_equal(scenario.roles.items[0].quota.items[0].limit_milli, 8000);
    assert_int_equal(scenario.roles.items[0].quota.items[0].guarantee_milli, 2500);
    assert_string_equal(scenario.frameworks.items[0].name, "f");
    assert_int_equal(scenario.frameworks.items[0].weight_milli, 1000000000);
    assert_int_equal(quantities_milli(&scenario.frameworks.items[0].task, NAME_CPUS), 100);
    assert_int_equal(scenario.frameworks.items[0].task.count, 1);
    assert_int_equal(scenario.frameworks.items[0].tasks, 5);
    assert_int_equal(scenario.frameworks.items[0].joins_at, 3);
    assert_int_equal(scenario.churn_steps, 9);
}

TEST(what_is_not_said_has_its_preset) {
    AUTO_FINI(scenario_fini) struct scenario scenario = {0};
    struct error error;

    assert_true(simulate_read(TEXT("{\"agents\": [{\"resources\": {\"x\": 1}}], \"frameworks\": "
                                   "[{\"name\": \"f\", \"role\": \"*\", \"task\": {\"x\": 1}}]}"),
                              &scenario, &error));

    assert_ptr_equal(scenario.policy, &allocator_hdrf);
    assert_int_equal(scenario.agents.items[0].count, 1);
    assert_int_equal(scenario.roles.count, 0);
    assert_int_equal(scenario.frameworks.items[0].role, ROLE_ANY);
    assert_int_equal(scenario.frameworks.items[0].weight_milli, 1000);
    assert_true(scenario.frameworks.items[0].tasks == ALLOCATOR_COUNT_ENDLESS);
    assert_int_equal(scenario.frameworks.items[0].joins_at, 0);
    assert_int_equal(scenario.churn_steps, 0);
}

TEST(what_is_no_json_is_refused_by_line_and_column) {
    check("", "line 1, column 0: ");
    check("{\n  \"agents\": [}", "line 2, column 14: ");
    check("{\"seed\": NaN}", "line 1, column ");
    check("{\"seed\": 1e999}", "line 1, column ");
    check("{\"seed\": 99999999999999999999}", "line 1, column ");
    check("{\"seed\": 1, \"seed\": 2}", "line 1, column ");
    check("{\"a\xff\": 1}", "line 1, column ");
    check("{} {}", "line 1, column ");
}

TEST(wrong_types_are_refused) {
    check("[]", "all of it: an object is wanted, this is an array");
    check("null", "line 1, column ");
    check("{\"agents\": 1}", "agents: an array is wanted, this is a number");
    check("{\"policy\": 1}", "policy: a string is wanted, this is a number");
    check("{\"seed\": \"1\"}", "seed: a whole number is wanted, this is a string");
    check("{\"seed\": 1.5}", "seed: a whole number is wanted");
    check("{\"seed\": -1}", "seed: it is negative");
    check_agent("true", "agents[1]: an object is wanted, this is true or false");
    check_agent("{\"resources\": null}", "agents[1].resources: an object of names and amounts is "
                                         "wanted, this is null");
    check_agent("{\"count\": {}, \"resources\": {}}",
                "agents[1].count: a whole number is wanted, this is an object");
    check_role("{\"name\": []}", "roles[1].name: a string is wanted, this is an array");
    check_framework("{\"name\": \"g\", \"role\": \"a\", \"task\": {\"cpus\": \"1\"}}",
                    "frameworks[1].task.cpus: a number is wanted, this is a string");
    check("{" AGENTS ", " FRAMEWORKS ", \"churn\": 7}", "churn: an object is wanted");
}

TEST(what_is_unknown_or_missing_is_refused) {
    check("{}", "agents: it is missing");
    check("{" AGENTS "}", "frameworks: it is missing");
    check("{\"what\": 1}", "what: there is no such key");
    check("{\"policy\": \"fair\"}", "policy: it is \"fair\"; hdrf, drf and random are known");
    check_agent("{}", "agents[1].resources: it is missing");
    check_agent("{\"cpus\": 1}", "agents[1].cpus: there is no such key");
    check_role("{}", "roles[1].name: it is missing");
    check_role("{\"name\": \"a\", \"quota\": {\"cpus\": 1}}",
               "roles[1].quota.cpus: there is no such key");
    check_framework("{}", "frameworks[1].name: it is missing");
    check_framework("{\"name\": \"g\", \"role\": \"a\"}", "frameworks[1].task: it is missing");
    check("{" AGENTS ", " FRAMEWORKS ", \"churn\": {}}", "churn.steps: it is missing");
}

TEST(long_keys_are_cut_between_characters) {
    AUTO_FINI(buf_fini) struct buf json = {0};

    buf_append_string(&json, "{\"a");
    for (int i = 0; i < 1000; i++)
        buf_append_string(&json, "\xc3\xa9");
    buf_append_string(&json, "\": 1}");

    assert_true(text_is_utf8(text_of(complaint(buf_string(&json)))));
    assert_non_null(strstr(complaint(buf_string(&json)), "there is no such key"));
}

TEST(control_characters_of_a_scenario_do_not_reach_the_terminal) {
    check("{\"a\\nb\": 1}", "a?b: there is no such key");
    check_framework("{\"name\": \"g\\u001b[2J\", \"role\": \"a\", \"task\": {}}",
                    "frameworks[1].task: it needs nothing");
    check("{" AGENTS ", \"policy\": \"\\u001b[2J\"}", "policy: it is \"?[2J\"");
}

TEST(amounts_must_be_amounts) {
    check_agent("{\"resources\": {\"cpus\": -1}}", "agents[1].resources.cpus: it is negative");
    check_agent("{\"resources\": {\"cpus\": 1e300}}", "agents[1].resources.cpus: it is more than ");
    check_agent("{\"resources\": {\"cpus\": 0.0001}}",
                "agents[1].resources.cpus: it is less than a thousandth");
    check_agent("{\"resources\": {\"ports\": 5}}", "agents[1].resources.ports: ports are ranges");
    check_agent("{\"resources\": {\"\": 5}}", "agents[1].resources.: a name of a resource has ");
    check_agent("{\"resources\": {}}", "agents[1].resources: such an agent has nothing");
    check_agent("{\"resources\": {\"cpus\": 0}}", "agents[1].resources: such an agent has nothing");
    check_framework("{\"name\": \"g\", \"role\": \"a\", \"task\": {\"cpus\": 0}}",
                    "frameworks[1].task: it needs nothing");
}

TEST(more_than_three_decimals_of_an_amount_are_rounded_as_mesos_does) {
    AUTO_FINI(scenario_fini) struct scenario scenario = {0};
    struct error error;

    assert_true(simulate_read(TEXT("{\"agents\": [{\"resources\": {\"cpus\": 1.0005}}], "
                                   "\"frameworks\": [{\"name\": \"f\", \"role\": \"a\", "
                                   "\"task\": {\"cpus\": 0.00149}}]}"),
                              &scenario, &error));

    assert_int_equal(quantities_milli(&scenario.agents.items[0].resources, NAME_CPUS), 1001);
    assert_int_equal(quantities_milli(&scenario.frameworks.items[0].task, NAME_CPUS), 1);
}

TEST(weights_are_within_their_bounds_and_have_three_decimals) {
    static const char *const wrong[] = {"0", "-1", "0.0009", "1000000.001", "1e300"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char role[100], framework[200];
        snprintf(role, sizeof(role), "{\"name\": \"a\", \"weight\": %s}", wrong[i]);
        snprintf(framework, sizeof(framework),
                 "{\"name\": \"g\", \"role\": \"a\", \"task\": {\"cpus\": 1}, \"weight\": %s}",
                 wrong[i]);
        check_role(role, "roles[1].weight: it must be from 0.001 to 1000000");
        check_framework(framework, "frameworks[1].weight: it must be from 0.001 to 1000000");
    }
    check_role("{\"name\": \"a\", \"weight\": 1.0005}",
               "roles[1].weight: it has more than three decimals");
    check_role("{\"name\": \"a\", \"weight\": 999999.999}", "");
    check_role("{\"name\": \"a\", \"weight\": \"2\"}", "roles[1].weight: a number is wanted");
}

TEST(names_are_there_once) {
    check_role("{\"name\": \"b\"}", "roles[1].name: role \"b\" is there already");
    check_framework("{\"name\": \"f\", \"role\": \"b\", \"task\": {\"cpus\": 1}}",
                    "frameworks[1].name: \"f\" is there already");
    check_framework("{\"name\": \"\", \"role\": \"b\", \"task\": {\"cpus\": 1}}",
                    "frameworks[1].name: it is empty");
}

TEST(roles_are_paths) {
    check_role("{\"name\": \"\"}", "roles[1].name: role \"\" is empty");
    check_role("{\"name\": \"a//b\"}", "roles[1].name: role \"a//b\" begins or ends with a slash");
    check_role("{\"name\": \"a/..\"}", "roles[1].name: role \"a/..\" has a component . or ..");
    check_role("{\"name\": \"a/*\"}", "roles[1].name: role \"a/*\" has * as a component");
    check_role("{\"name\": \"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16\"}", "");
    check_role("{\"name\": \"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17\"}",
               "roles[1].name: more than 16 levels");
    check_framework("{\"name\": \"g\", \"role\": \"a b\", \"task\": {\"cpus\": 1}}",
                    "frameworks[1].role: role \"a b\" has a space");
}

TEST(only_what_agents_have_can_be_asked_for) {
    check_framework("{\"name\": \"g\", \"role\": \"a\", \"task\": {\"cpu\": 1}}",
                    "frameworks[1].task.cpu: no agent has any");
    check_framework("{\"name\": \"g\", \"role\": \"a\", \"task\": {\"gpus\": 1}}",
                    "frameworks[1].task.gpus: no agent has any");
    check_framework("{\"name\": \"g\", \"role\": \"a\", \"task\": {\"cpus\": 1000}}", "");
    check_role("{\"name\": \"a\", \"quota\": {\"limit\": {\"cpu\": 1}}}",
               "roles[1].quota.limit.cpu: no agent has any");
    check_role("{\"name\": \"a\", \"quota\": {\"limit\": {\"gpus\": 0}}}",
               "roles[1].quota.limit.gpus: no agent has any");
}

TEST(a_limit_is_not_below_its_guarantee) {
    check_role("{\"name\": \"a\", \"quota\": {\"limit\": {\"cpus\": 2}, \"guarantee\": "
               "{\"cpus\": 2.5}}}",
               "roles[1].quota.guarantee.cpus: it is 2.5, but the limit is 2");
    check_role("{\"name\": \"a\", \"quota\": {\"limit\": {\"cpus\": 2}, \"guarantee\": "
               "{\"cpus\": 2, \"mem\": 9}}}",
               "");
    check_role("{\"name\": \"a\", \"quota\": {\"limit\": {\"cpus\": 0}}}", "");
    check_role("{\"name\": \"a\", \"quota\": {\"limit\": {\"cpus\": -1}}}",
               "roles[1].quota.limit.cpus: it is negative");
}

#define GUARANTEE(role, cpus)                                                                      \
    "{\"name\": \"" role "\", \"quota\": {\"guarantee\": {\"cpus\": " cpus "}}}"
#define LIMIT(role, cpus) "{\"name\": \"" role "\", \"quota\": {\"limit\": {\"cpus\": " cpus "}}}"

TEST(guarantees_fit_into_the_limits_above_and_into_the_cluster) {
    check_role(GUARANTEE("a", "3") "," GUARANTEE("a/b", "2") "," GUARANTEE("a/c", "1"), "");
    check_role(GUARANTEE("a", "3") "," GUARANTEE("a/b", "2") "," GUARANTEE("a/c", "4"), "");
    check_role(GUARANTEE("a", "3") "," GUARANTEE("a/b", "2") "," GUARANTEE("a/c", "6.5"),
               "roles: they are guaranteed 8.5 cpus in all, but the agents have 8");
    check_role(LIMIT("a", "3") "," GUARANTEE("a/b/c", "4"),
               "roles[1].quota.limit.cpus: it is 3, but the roles below it are guaranteed 4");
    check_role(GUARANTEE("a", "5") "," GUARANTEE("c", "3"), "");
    check_role(GUARANTEE("a", "5") "," GUARANTEE("c/d", "3.5"),
               "roles: they are guaranteed 8.5 cpus in all, but the agents have 8");
    check_role(GUARANTEE("a", "9007199254740") "," GUARANTEE("c/d", "9007199254740"),
               "roles: they are guaranteed 18014398509480 cpus in all");
}

TEST(there_must_be_agents_and_frameworks) {
    check("{\"agents\": [], " FRAMEWORKS "}", "agents: there are none");
    check_agent("{\"count\": 0, \"resources\": {\"cpus\": 1}}", "agents[1].count: it is 0");
    check("{" AGENTS ", \"frameworks\": []}", "frameworks: there are none");
}

TEST(a_framework_joins_while_there_are_steps) {
    check("{" AGENTS ", \"frameworks\": [{\"name\": \"f\", \"role\": \"a\", \"task\": "
          "{\"cpus\": 1}, \"joins_at\": 10}], \"churn\": {\"steps\": 10}}",
          "");
    check("{" AGENTS ", \"frameworks\": [{\"name\": \"f\", \"role\": \"a\", \"task\": "
          "{\"cpus\": 1}, \"joins_at\": 11}], \"churn\": {\"steps\": 10}}",
          "frameworks[0].joins_at: it is 11, after the last of 10 churn steps");
}

TEST(what_is_too_large_is_refused) {
    check_agent("{\"count\": 50000, \"resources\": {\"cpus\": 1}}",
                "agents[1].count: more than 50000 agents in all");
    check_agent("{\"count\": 9000000000000000000, \"resources\": {\"cpus\": 1}}",
                "agents[1].count: more than 50000 agents in all");
    check_agent("{\"count\": 2, \"resources\": {\"cpus\": 5000000000000}}",
                "agents: more than 9007199254740 cpus in all");
    check("{" AGENTS ", " FRAMEWORKS ", \"churn\": {\"steps\": 10000001}}",
          "churn.steps: more than 10000000");
    check_framework("{\"name\": \"g\", \"role\": \"a\", \"task\": {\"cpus\": 1}, \"tasks\": "
                    "1000000000000001}",
                    "frameworks[1].tasks: more than 1000000000000000");
}

TEST(too_many_roles_and_frameworks_are_refused) {
    AUTO_FINI(buf_fini) struct buf roles = {0}, frameworks = {0};

    for (int i = 0; i < 10000; i++) {
        buf_printf(&roles, "%s{\"name\": \"r%d\"}", i > 0 ? "," : "", i);
        buf_printf(&frameworks, "%s{\"name\": \"f%d\", \"role\": \"a\", \"task\": {\"cpus\": 1}}",
                   i > 0 ? "," : "", i);
    }

    check_role(buf_string(&roles), "roles: more than 10000");
    check_framework(buf_string(&frameworks), "frameworks: more than 10000");
    check_with("{\"agents\": [{\"count\": 10001, \"resources\": {\"cpus\": 1}}], "
               "\"frameworks\": [@]}",
               buf_string(&frameworks),
               "frameworks: 10000 of them times 10001 agents is more than 100000000");
}
