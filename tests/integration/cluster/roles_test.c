/*
 * Weights, quota and roles as operators set and see them, over HTTP; a master that is killed has
 * them still.
 */
#include "tests/integration/cluster/framework.h"
#include "tests/integration/cluster/raw.h"

#include "common/runtime/child.h"

#include <signal.h>
#include <stdio.h>

static struct cluster cluster;

static void expect(const char *method, const char *path, const char *body, int status,
                   const char *part) {
    cluster_expect(&cluster, method, path, body, status, part);
}

static void call(const char *body, int status, const char *part) {
    expect("POST", "/api/v1", body, status, part);
}

#define WEIGHTS(list)                                                                              \
    "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":{\"weight_infos\":[" list "]}}"
#define QUOTA(list) "{\"type\":\"UPDATE_QUOTA\",\"update_quota\":{\"quota_configs\":[" list "]}}"
#define FORCED(list)                                                                               \
    "{\"type\":\"UPDATE_QUOTA\",\"update_quota\":{\"force\":true,\"quota_configs\":[" list "]}}"
#define GUARANTEE(amount)                                                                          \
    "\"guarantee\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" amount "}}]"

TEST(weights_and_quota_outlive_a_killed_master) {
    static const char weights[] = "{\"weight_infos\":[{\"weight\":2.5,\"role\":\"eng\"},{"
                                  "\"weight\":0.001,\"role\":\"eng/ci\"}"
                                  "]}}";
    static const char quota[] = "\"configs\":[{\"role\":\"eng/ci\",\"guarantees\":{\"cpus\":"
                                "{\"value\":1.5}},\"limits\":{\"cpus\":{\"value\":4.0}}}]";
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    call(WEIGHTS("{\"role\":\"eng\",\"weight\":2.5},{\"role\":\"eng/ci\",\"weight\":0.001}"), 200,
         "");
    call(FORCED("{\"role\":\"eng/ci\",\"guarantees\":{\"cpus\":{\"value\":1.5}},"
                "\"limits\":{\"cpus\":{\"value\":4}}}"),
         200, "");
    call("{\"type\":\"GET_WEIGHTS\"}", 200, weights);
    call("{\"type\":\"GET_QUOTA\"}", 200, quota);

    process_end(&cluster.master, SIGKILL);
    cluster_start_master(&cluster, NULL);

    call("{\"type\":\"GET_WEIGHTS\"}", 200, weights);
    call("{\"type\":\"GET_QUOTA\"}", 200, quota);
    call(QUOTA("{\"role\":\"eng\",\"limits\":{\"cpus\":{\"value\":1}}}"), 400, "role 'eng'");
    call(WEIGHTS("{\"role\":\"eng\",\"weight\":1},{\"role\":\"eng/ci\",\"weight\":1}"), 200, "");
    call(QUOTA("{\"role\":\"eng/ci\"}"), 200, "");

    process_end(&cluster.master, SIGKILL);
    cluster_start_master(&cluster, NULL);

    expect("GET", "/weights", "", 200, "\r\n\r\n[]");
    expect("GET", "/quota", "", 200, "\r\n\r\n{}");
    cluster_close(&cluster);
}

TEST(what_is_wrong_is_refused_with_a_line_that_names_the_role) {
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);

    call(WEIGHTS("{\"role\":\"dev\",\"weight\":0}"), 400, "role 'dev'");
    call(WEIGHTS("{\"role\":\"dev\",\"weight\":1e300}"), 400, "role 'dev'");
    call(WEIGHTS("{\"role\":\"ok\",\"weight\":2},{\"role\":\"dev\",\"weight\":-1}"), 400,
         "role 'dev'");
    call(WEIGHTS("{\"role\":\"a/..\",\"weight\":1}"), 400, "role 'a/..'");
    call("{\"type\":\"UPDATE_WEIGHTS\"}", 400, "update_weights");
    call(QUOTA("{\"role\":\"dev\",\"guarantees\":{\"cpus\":{\"value\":-1}}}"), 400, "role 'dev'");
    call(FORCED("{\"role\":\"dev\",\"guarantees\":{\"mem\":{\"value\":2e12}}}"), 400, "role 'dev'");
    call(FORCED("{\"role\":\"dev\",\"limits\":{\"cpus\":{\"value\":\"Infinity\"}}}"), 400,
         "role 'dev'");
    call(FORCED("{\"role\":\"dev\",\"guarantees\":{\"cpus\":{\"value\":3}},"
                "\"limits\":{\"cpus\":{\"value\":2}}}"),
         400, "role 'dev'");
    call("{\"type\":\"SET_QUOTA\",\"set_quota\":{\"quota_request\":{\"role\":\"dev\","
         "\"guarantee\":[]}}}",
         400, "guarantee");
    call("{\"type\":\"SET_QUOTA\",\"set_quota\":{\"quota_request\":{\"role\":\"dev\"," GUARANTEE(
             "9") "}}}",
         409, "cpus");
    call("{\"type\":\"REMOVE_QUOTA\",\"remove_quota\":{\"role\":\"neverset\"}}", 400, "neverset");
    expect("GET", "/weights", "", 200, "\r\n\r\n[]");
    expect("GET", "/quota", "", 200, "\r\n\r\n{}");
    cluster_close(&cluster);
}

TEST(the_older_endpoints_do_the_same) {
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);

    expect("PUT", "/weights", "[{\"role\":\"dev\",\"weight\":2.5}]", 200, "");
    expect("GET", "/weights?jsonp=cb", "", 200, "cb([{\"role\":\"dev\",\"weight\":2.5}])");
    expect("GET", "/weights?jsonp=%3Cscript%3E", "", 400, "jsonp");
    expect("PUT", "/weights", "{\"role\":\"dev\",\"weight\":2.5}", 400, "array");
    expect("PUT", "/weights", "[{\"role\":\"dev\"}]", 400, "weight");
    expect("POST", "/weights", "x=1", 405, "Allow: GET, PUT");
    expect("POST", "/quota", "{\"role\":\"dev\"," GUARANTEE("1") "}", 409, "cpus");
    expect("POST", "/quota", "{\"role\":\"dev\",\"force\":true," GUARANTEE("1") "}", 200, "");
    expect("POST", "/quota", "{\"role\":\"dev\",\"force\":true," GUARANTEE("1") "}", 400, "dev");
    expect("GET", "/master/roles", "", 200,
           "{\"roles\":[{\"name\":\"dev\",\"weight\":2.5,\"quota\":{\"role\":\"dev\","
           "\"guarantee\":{\"cpus\":1.0},\"limit\":{\"cpus\":1.0},\"consumed\":{}}");
    expect("DELETE", "/quota", "", 400, "role");
    expect("DELETE", "/quota/dev", "", 200, "");
    expect("DELETE", "/quota/dev", "", 400, "dev");
    expect("PUT", "/quota", "", 405, "Allow: GET, POST, DELETE");
    cluster_close(&cluster);
}

TEST(roles_show_what_runs_and_limits_look_at_it) {
    struct framework *framework = framework_begin(&cluster, (struct framework_options){0});
    framework_launch(framework,
                     (struct wish){.id = "task", .command = "exec sleep 1000", .cpus_milli = 100});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);

    expect("GET", "/roles", "", 200, "\"consumed\":{\"cpus\":0.1,\"mem\":1.0}");
    call("{\"type\":\"GET_ROLES\"}", 200, "\"name\":\"*\"");
    call(QUOTA("{\"role\":\"*\",\"limits\":{\"cpus\":{\"value\":0.05}}}"), 400, "uses 0.1 of cpus");
    call(FORCED("{\"role\":\"*\",\"limits\":{\"cpus\":{\"value\":0.05}}}"), 200, "");
    framework_launch(framework, (struct wish){.id = "more", .command = "true"});
    call(QUOTA("{\"role\":\"*\"}"), 200, "");
    framework_wait(framework, "more", MESOS__V1__TASK_STATE__TASK_FINISHED);

    framework_end(framework);
}

/* A policy of one's own, from tests/integration/allocator_module, as a user would build it. */
static const char *build_policy(const char *source, const char *option) {
    const char *object = cluster_path(&cluster, "policy.so");
    const char *compiler = getenv("CC") != NULL ? getenv("CC") : "cc";
    char include[300], path[300];
    snprintf(include, sizeof(include), "-I%s/include", SOURCE_DIRECTORY);
    snprintf(path, sizeof(path), "%s/tests/integration/allocator_module/%s", SOURCE_DIRECTORY,
             source);
    const char *const argv[] = {compiler, "-shared", "-fPIC", include, option,
                                "-o",     object,    path,    NULL};
    struct child_options options = {.argv = argv};
    struct child_exit ended;
    struct error error;
    if (!child_call(&options, WAIT_MS, 65536, &ended, NULL, NULL, &error))
        fail_msg("%s: %s", compiler, error.message);
    assert_int_equal(ended.code, 0);
    return object;
}

static void run_a_task_with(const char *policy) {
    char flag[300];
    snprintf(flag, sizeof(flag), "--allocator=%s", policy);
    cluster_start_master(&cluster, (const char *[]){flag, NULL});
    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework = framework_new(&cluster, (struct framework_options){0});
    framework_launch(framework, (struct wish){.id = "task", .command = "true"});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_FINISHED);
    framework_free(framework);
}

TEST(a_policy_of_ones_own_decides) {
    cluster_open(&cluster);

    run_a_task_with(build_policy("first_come.c", "-DNOTHING"));

    assert_true(process_log_has(&cluster.master, "allocator=\"first come, first served\""));
    assert_false(process_log_has(&cluster.master, "policy_misbehaves"));
    cluster_close(&cluster);
}

TEST(a_policy_that_gives_what_is_not_there_is_named_replaced_and_does_no_harm) {
    cluster_open(&cluster);

    run_a_task_with(build_policy("wrong.c", "-DDOES=PICKS_WHAT_IS_NOT_FREE"));

    assert_true(process_log_has(&cluster.master, "policy_misbehaves"));
    assert_true(process_log_has(&cluster.master, "in_use=hdrf framework="));
    cluster_close(&cluster);
}

TEST(a_policy_that_is_not_there_is_an_error_at_the_start) {
    const char *master = cluster_master_program();
    struct process process = {0};
    char work_dir[160];
    cluster_open(&cluster);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/fresh", cluster.directory);

    process_start(&process, cluster_path(&cluster, "policy.log"),
                  (const char *[]){master, work_dir, "--port=0", "--allocator=nobody", NULL});

    assert_int_equal(process_wait(&process), 1);
    assert_true(process_log_has(&process, "'nobody' is none of hdrf, drf, random"));
    cluster_close(&cluster);
}
