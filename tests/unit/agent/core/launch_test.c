#include "tests/unit/agent/core/rig.h"

static const struct container_launch *launch_of(struct rig *rig, const struct task_info *task) {
    rig_register(rig);
    rig_run(rig, "f1", task);
    return &rig_last(rig, AGENT_EFFECT_LAUNCH)->launch;
}

static struct text variable(const struct container_launch *launch, const char *name) {
    struct text found = {0};
    size_t count = 0;
    for (size_t i = 0; i < launch->environment_count; i++) {
        if (text_equal(launch->environment[i].name, text_of(name))) {
            found = launch->environment[i].value;
            count++;
        }
    }
    assert_true(count <= 1);
    return found;
}

TEST(a_sandbox_is_one_directory_below_its_framework) {
    AUTO(rig_free) struct rig *rig = rig_new();
    const struct container_launch *launch = launch_of(rig, rig_task(rig, "t1"));
    struct text start = TEXT("/work/sandboxes/f1/");

    assert_true(text_starts_with(launch->sandbox, start));
    assert_true(text_ends_with(launch->sandbox, launch->id.text));
}

TEST(the_environment_is_complete) {
    AUTO(rig_free) struct rig *rig = rig_new();
    const struct container_launch *launch = launch_of(rig, rig_task(rig, "t1"));

    assert_text_equal(variable(launch, "MESOS_FRAMEWORK_ID"), "f1");
    assert_text_equal(variable(launch, "MESOS_EXECUTOR_ID"), "t1");
    assert_text_equal(variable(launch, "MESOS_SLAVE_ID"), "S0");
    assert_text_equal(variable(launch, "MESOS_SLAVE_PID"), "slave(1)@10.0.0.1:5051");
    assert_text_equal(variable(launch, "MESOS_AGENT_ENDPOINT"), "10.0.0.1:5051");
    assert_true(text_equal(variable(launch, "MESOS_SANDBOX"), launch->sandbox));
    assert_true(text_equal(variable(launch, "MESOS_DIRECTORY"), launch->sandbox));
    assert_text_equal(variable(launch, "MESOS_CHECKPOINT"), "1");
    assert_text_equal(variable(launch, "MESOS_RECOVERY_TIMEOUT"), "15mins");
    assert_text_equal(variable(launch, "MESOS_SUBSCRIPTION_BACKOFF_MAX"), "2secs");
    assert_text_equal(variable(launch, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"), "3secs");
    assert_text_equal(variable(launch, "MESOS_HTTP_COMMAND_EXECUTOR"), "0");
    assert_text_equal(variable(launch, "LIBPROCESS_PORT"), "0");
    assert_text_equal(variable(launch, "LIBPROCESS_IP"), "10.0.0.1");
    assert_text_equal(variable(launch, "MESOS_ALLOCATION_ROLE"), "analytics");
}

TEST(the_words_of_the_framework_win) {
    AUTO(rig_free) struct rig *rig = rig_new();
    struct task_info *task = rig_task(rig, "t1");
    const struct environment_variable own[] = {
        {TEXT("MESOS_SANDBOX"), TEXT("/mine")}, {TEXT("A"), TEXT("1")}, {TEXT("A"), TEXT("2")}};
    task->command.environment = own;
    task->command.environment_count = 3;

    const struct container_launch *launch = launch_of(rig, task);

    assert_text_equal(variable(launch, "MESOS_SANDBOX"), "/mine");
    assert_text_equal(variable(launch, "A"), "2");
}

TEST(the_commands_user_wins_over_the_frameworks) {
    AUTO(rig_free) struct rig *rig = rig_new();
    struct task_info *task = rig_task(rig, "t1");
    task->command.user = TEXT("alice");

    assert_text_equal(launch_of(rig, task)->user, "alice");
    rig_run(rig, "f1", rig_task(rig, "t2"));
    assert_text_equal(rig_last(rig, AGENT_EFFECT_LAUNCH)->launch.user, "nobody");
}

TEST(limits_come_from_resources) {
    AUTO(rig_free) struct rig *rig = rig_new();
    const struct container_launch *launch = launch_of(rig, rig_task(rig, "t1"));

    assert_int_equal(launch->cpu_milli, 100);
    assert_int_equal(launch->cpu_quota_milli, 0);
    assert_int_equal(launch->memory_bytes, 32 << 20);
}

TEST(a_hard_cap_on_cpus_is_a_matter_of_the_agent) {
    AUTO(rig_free) struct rig *rig = rig_new();
    agent_free(rig->agent);
    rig->options.cpu_quota = true;
    rig->agent = agent_new(&rig->options, rig->kinds);

    assert_int_equal(launch_of(rig, rig_task(rig, "t1"))->cpu_quota_milli, 100);
}

TEST(the_tasks_own_limits_win_over_its_requests) {
    AUTO(rig_free) struct rig *rig = rig_new();
    struct task_info *task = rig_task(rig, "t1");
    const struct task_limit limits[] = {{TEXT("cpus"), false, 2000}, {TEXT("mem"), true, 0}};
    task->limits = limits;
    task->limit_count = 2;

    const struct container_launch *launch = launch_of(rig, task);

    assert_int_equal(launch->cpu_quota_milli, 2000);
    assert_int_equal(launch->memory_bytes, 0);
}

TEST(a_command_without_shell_brings_its_arguments) {
    AUTO(rig_free) struct rig *rig = rig_new();
    struct task_info *task = rig_task(rig, "t1");
    const struct text arguments[] = {TEXT("echo"), TEXT("a b")};
    task->command = (struct command_info){.is_set = true,
                                          .has_value = true,
                                          .value = TEXT("/bin/echo"),
                                          .arguments = arguments,
                                          .argument_count = 2};
    task->container = (struct container_request){.is_set = true, .hostname = TEXT("box")};

    const struct container_launch *launch = launch_of(rig, task);

    assert_false(launch->shell);
    assert_text_equal(launch->command, "/bin/echo");
    assert_int_equal(launch->argument_count, 2);
    assert_text_equal(launch->hostname, "box");
}

TEST(a_port_that_a_task_still_holds_is_refused_to_the_next) {
    AUTO(rig_free) struct rig *rig = rig_new();
    const struct range port = {31000, 31000};
    AUTO_FINI(resources_fini) struct resources wanted = {0};
    assert_true(resources_put_ranges(&wanted, KIND_PORTS, &port, 1, NULL));
    rig_register(rig);
    assert_true(resources_add(&rig->total, &wanted));
    rig_step(rig, (struct agent_event){.kind = AGENT_EVENT_RESOURCES, .resources = &rig->total});
    struct task_info *first = rig_task(rig, "t1"), *second = rig_task(rig, "t2");
    first->resources = second->resources = &wanted;
    rig_run(rig, "f1", first);
    struct container_id container = rig_launched(rig);

    rig_run(rig, "f1", second);

    assert_int_equal(rig_count(rig, AGENT_EFFECT_LAUNCH), 1);
    assert_true(task_state_is_terminal(rig_last_update(rig, "t2")->state));
    rig_started(rig, container);
    rig_exited(rig, container, 0);
}
