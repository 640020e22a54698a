/*
 * What the views write is read back with the generated code: a master on a stage with one agent,
 * one framework, a task that runs and one that has ended.
 */
#include "master/shell/api_roles.h"
#include "master/shell/api_views.h"

#include "common/wire/codec.h"
#include "common/wire/json.h"
#include "mesos/v1/master/master.pb-c.h"
#include "tests/unit/master/core/stage.h"

#include <string.h>

static struct text packed(struct stage *stage, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(stage->arena, size);
    protobuf_c_message_pack(message, bytes);
    return (struct text){(const char *)bytes, size};
}

static void add_agent(struct stage *stage) {
    Mesos__V1__AgentInfo info = MESOS__V1__AGENT_INFO__INIT;
    struct agent_message message = stage_register(stage, "", "host1", "cpus:4;mem:1024");
    info.hostname = "host1";
    message.register_agent.info.encoded = packed(stage, &info.base);
    stage_tell(stage, 10, message);
}

static void add_framework(struct stage *stage) {
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    struct scheduler_call call = stage_subscribe(stage, "", "spark");
    info.name = "spark";
    info.user = "me";
    call.subscribe.info.encoded = packed(stage, &info.base);
    stage_call(stage, 1, call);
}

static void launch(struct stage *stage, const char *id) {
    Mesos__V1__TaskID task_id = MESOS__V1__TASK_ID__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__Label label = MESOS__V1__LABEL__INIT, *list[] = {&label};
    Mesos__V1__Labels labels = MESOS__V1__LABELS__INIT;
    Mesos__V1__TaskInfo info = MESOS__V1__TASK_INFO__INIT;
    struct task_info task = stage_task(stage, id, "M-S0", "cpus:1;mem:128");
    label.key = "color";
    label.value = "red";
    labels.labels = list;
    labels.n_labels = 1;
    task_id.value = (char *)id;
    agent_id.value = "x";
    info.name = (char *)id;
    info.task_id = &task_id;
    info.agent_id = &agent_id;
    info.labels = &labels;
    task.encoded = packed(stage, &info.base);
    stage_call(stage, 1, stage_accept(stage, stage_offer(stage), &task, 1));
    stage_pass_ms(stage, 10);
}

static struct stage *prepare(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    add_agent(stage);
    add_framework(stage);
    stage_pass_ms(stage, 10);
    launch(stage, "runs");
    stage_update(stage, 10, "M-0000", "runs", TASK_STATE_RUNNING, 1);
    launch(stage, "ended");
    stage_update(stage, 10, "M-0000", "ended", TASK_STATE_FINISHED, 2);
    stage_acknowledge(stage, 1, "M-S0", "ended", 2);
    return stage;
}

static void *read_back(struct stage *stage, const ProtobufCMessageDescriptor *descriptor,
                       void (*put)(struct wire *, const struct master *, struct buf *)) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct wire wire = {.arena = stage->arena, .kinds = stage->kinds};
    ProtobufCMessage *message;
    struct error error;
    put(&wire, stage->master, &bytes);
    if (!wire_unpack(descriptor, arena_text(stage->arena, buf_text(&bytes)), stage->arena, &message,
                     &error))
        fail_msg("not readable: %s", error.message);
    return message;
}

static double scalar_of(Mesos__V1__Resource *const *resources, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(resources[i]->name, name) == 0)
            return resources[i]->scalar->value;
    }
    return -1;
}

TEST(an_agent_shows_its_id_its_resources_and_what_is_used) {
    AUTO(stage_free) struct stage *stage = prepare();

    Mesos__V1__Master__Response__GetAgents *read =
        read_back(stage, &mesos__v1__master__response__get_agents__descriptor, views_put_agents);

    assert_int_equal(read->n_agents, 1);
    const Mesos__V1__Master__Response__GetAgents__Agent *agent = read->agents[0];
    assert_string_equal(agent->agent_info->hostname, "host1");
    assert_non_null(agent->agent_info->id);
    assert_true(agent->active);
    assert_true(scalar_of(agent->total_resources, agent->n_total_resources, "cpus") == 4);
    assert_true(scalar_of(agent->allocated_resources, agent->n_allocated_resources, "cpus") == 1);
    assert_true(scalar_of(agent->offered_resources, agent->n_offered_resources, "cpus") == 3);
}

TEST(a_framework_shows_its_id_and_whether_it_is_there) {
    AUTO(stage_free) struct stage *stage = prepare();

    Mesos__V1__Master__Response__GetFrameworks *read = read_back(
        stage, &mesos__v1__master__response__get_frameworks__descriptor, views_put_frameworks);

    assert_int_equal(read->n_frameworks, 1);
    assert_string_equal(read->frameworks[0]->framework_info->name, "spark");
    assert_non_null(read->frameworks[0]->framework_info->id);
    assert_true(read->frameworks[0]->connected && read->frameworks[0]->active);
    assert_false(read->frameworks[0]->recovered);
}

TEST(a_framework_that_is_gone_is_among_the_completed) {
    AUTO(stage_free) struct stage *stage = prepare();
    stage_call(stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_TEARDOWN});

    Mesos__V1__Master__Response__GetFrameworks *read = read_back(
        stage, &mesos__v1__master__response__get_frameworks__descriptor, views_put_frameworks);

    assert_int_equal(read->n_frameworks, 0);
    assert_int_equal(read->n_completed_frameworks, 1);
}

TEST(tasks_show_their_state_their_history_and_what_their_info_says) {
    AUTO(stage_free) struct stage *stage = prepare();

    Mesos__V1__Master__Response__GetTasks *read =
        read_back(stage, &mesos__v1__master__response__get_tasks__descriptor, views_put_tasks);

    assert_int_equal(read->n_tasks, 1);
    assert_int_equal(read->n_completed_tasks, 1);
    const Mesos__V1__Task *runs = read->tasks[0], *ended = read->completed_tasks[0];
    assert_string_equal(runs->task_id->value, "runs");
    assert_int_equal(runs->state, MESOS__V1__TASK_STATE__TASK_RUNNING);
    assert_int_equal(runs->n_statuses, 1);
    assert_string_equal(runs->labels->labels[0]->key, "color");
    assert_true(scalar_of(runs->resources, runs->n_resources, "mem") == 128);
    assert_int_equal(ended->state, MESOS__V1__TASK_STATE__TASK_FINISHED);
    assert_int_equal(ended->statuses[0]->state, MESOS__V1__TASK_STATE__TASK_FINISHED);
}

TEST(roles_sum_up_what_runs_in_them_and_what_they_are_offered) {
    AUTO(stage_free) struct stage *stage = prepare();

    Mesos__V1__Master__Response__GetRoles *read =
        read_back(stage, &mesos__v1__master__response__get_roles__descriptor, roles_put_roles);

    assert_int_equal(read->n_roles, 1);
    assert_string_equal(read->roles[0]->name, "*");
    assert_int_equal(read->roles[0]->n_frameworks, 1);
    assert_true(scalar_of(read->roles[0]->resources, read->roles[0]->n_resources, "cpus") == 4);
}

TEST(the_whole_state_is_all_of_them_and_prints_as_json) {
    AUTO(stage_free) struct stage *stage = prepare();
    AUTO_FINI(buf_fini) struct buf json = {0};

    Mesos__V1__Master__Response__GetState *read =
        read_back(stage, &mesos__v1__master__response__get_state__descriptor, views_put_state);
    json_print(&read->base, &json);

    assert_int_equal(read->get_tasks->n_tasks, 1);
    assert_int_equal(read->get_agents->n_agents, 1);
    assert_int_equal(read->get_frameworks->n_frameworks, 1);
    assert_non_null(read->get_executors);
    assert_non_null(strstr(buf_string(&json), "\"state\":\"TASK_RUNNING\""));
}

TEST(an_empty_master_has_an_empty_state) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage_begin(stage);

    Mesos__V1__Master__Response__GetState *read =
        read_back(stage, &mesos__v1__master__response__get_state__descriptor, views_put_state);

    assert_int_equal(read->get_tasks->n_tasks, 0);
    assert_int_equal(read->get_agents->n_agents, 0);
}

static void note_metric(void *self, const char *name, double value) {
    double *finished = self;
    if (strcmp(name, "master/tasks_finished") == 0)
        *finished = value;
}

TEST(metrics_count_what_has_happened) {
    AUTO(stage_free) struct stage *stage = prepare();
    double finished = -1;

    views_each_metric(stage->master, stage->wall_ns, note_metric, &finished);

    assert_true(finished == 1);
}

struct wanted_metric {
    const char *name;
    double value; /* -1: not there */
};

static void find_metric(void *self, const char *name, double value) {
    struct wanted_metric *wanted = self;
    if (strcmp(name, wanted->name) == 0)
        wanted->value = value;
}

static double metric_of(struct stage *stage, const char *name) {
    struct wanted_metric wanted = {name, -1};
    views_each_metric(stage->master, stage->wall_ns, find_metric, &wanted);
    return wanted.value;
}

TEST(metrics_show_quota_and_the_share_of_each_role) {
    AUTO(stage_free) struct stage *stage = prepare();
    struct quota_config_line line = {TEXT("cpus"), 500, INT64_MAX};
    struct role_quota quota = {TEXT("*"), &line, 1, false};
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.call =
        (struct operator_call){.kind = OPERATOR_UPDATE_QUOTA, .quotas = &quota, .quota_count = 1};

    stage_play(stage, event);

    assert_true(metric_of(stage, "allocator/mesos/quota/roles/*/resources/cpus/guarantee") == 0.5);
    assert_true(metric_of(stage, "allocator/mesos/quota/roles/*/resources/cpus/limit") == -1);
    assert_true(metric_of(stage, "allocator/mesos/quota/roles/*/resources/cpus/consumed") == 4);
    assert_true(
        metric_of(stage, "allocator/mesos/quota/roles/*/resources/cpus/offered_or_allocated") == 4);
    assert_true(metric_of(stage, "allocator/mesos/roles/*/shares/dominant") == 1);
}
