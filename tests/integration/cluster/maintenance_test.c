/*
 * Agents out of use and the maintenance schedule as HTTP and the C driver have them: every answer
 * of a call, what frameworks hear, and a task that an agent takes with it.
 */
#include "tests/integration/cluster/framework.h"
#include "tests/integration/cluster/raw.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct cluster cluster;

static void expect(const char *method, const char *path, const char *body, int status,
                   const char *part) {
    cluster_expect(&cluster, method, path, body, status, part);
}

static void call(const char *body, int status, const char *part) {
    expect("POST", "/api/v1", body, status, part);
}

/* {"type": TYPE, FIELD: {"agent_id": AGENT, MORE}} */
static void call_agent(const char *type, const char *field, const char *agent, const char *more,
                       int status) {
    char body[600];
    snprintf(body, sizeof(body), "{\"type\":\"%s\",\"%s\":{\"agent_id\":{\"value\":\"%s\"}%s}}",
             type, field, agent, more);
    call(body, status, "");
}

static void schedule(const char *windows, int status, const char *part) {
    char body[1000];
    snprintf(body, sizeof(body),
             "{\"type\":\"UPDATE_MAINTENANCE_SCHEDULE\",\"update_maintenance_schedule\":"
             "{\"schedule\":{\"windows\":[%s]}}}",
             windows);
    call(body, status, part);
}

#define AWAY "\"unavailability\":{\"start\":{\"nanoseconds\":1900000000000000000}}"

/* The agent's id, as a framework is offered it. */
static void begin(struct framework **framework, struct held_offer *offer) {
    *framework = framework_begin(
        &cluster, (struct framework_options){.holds_offers = true, .failover_timeout_s = 60});
    framework_wait_offer(*framework, offer, 0);
}

TEST(calls_about_agents_answer_as_in_mesos) {
    struct framework *framework;
    struct held_offer offer;
    begin(&framework, &offer);

    call("{\"type\":\"DRAIN_AGENT\"}", 400, "Expecting 'drain_agent' to be present");
    call("{\"type\":\"DEACTIVATE_AGENT\"}", 400, "Expecting 'deactivate_agent' to be present");
    call("{\"type\":\"REACTIVATE_AGENT\"}", 400, "Expecting 'reactivate_agent' to be present");
    call("{\"type\":\"MARK_AGENT_GONE\"}", 400, "Expecting 'mark_agent_gone' to be present");
    call("{\"type\":\"DRAIN_AGENT\",\"drain_agent\":{}}", 400, "agent_id");
    call_agent("DRAIN_AGENT", "drain_agent", "nobody", "", 400);
    call_agent("MARK_AGENT_GONE", "mark_agent_gone", "nobody", "", 404);
    call_agent("DRAIN_AGENT", "drain_agent", offer.agent, ",\"max_grace_period\":{\"seconds\":-1}",
               400);
    call_agent("DRAIN_AGENT", "drain_agent", offer.agent,
               ",\"max_grace_period\":{\"seconds\":99999999999999}", 400);
    call_agent("REACTIVATE_AGENT", "reactivate_agent", offer.agent, "", 400);
    call("{\"type\":\"GET_AGENTS\"}", 200, "\"deactivated\":false");

    call_agent("DRAIN_AGENT", "drain_agent", offer.agent, ",\"max_grace_period\":{\"seconds\":90}",
               200);
    framework_wait_count(framework, &framework->rescinds, 1);
    call("{\"type\":\"GET_AGENTS\"}", 200, "\"deactivated\":true");
    call("{\"type\":\"GET_AGENTS\"}", 200, "\"max_grace_period\":{\"nanoseconds\":90000000000}");
    call("{\"type\":\"GET_AGENTS\"}", 200, "\"estimated_drain_start_time\"");
    process_wait_log(&cluster.master, "agent_drained");
    call_agent("REACTIVATE_AGENT", "reactivate_agent", offer.agent, "", 200);
    framework_wait_offer(framework, &offer, 1);

    framework_end(framework);
}

TEST(the_schedule_is_answered_as_in_mesos_and_outlives_the_master) {
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);

    call("{\"type\":\"GET_MAINTENANCE_STATUS\"}", 200,
         "\"get_maintenance_status\":{\"status\":{}}");
    call("{\"type\":\"GET_MAINTENANCE_SCHEDULE\"}", 200,
         "\"get_maintenance_schedule\":{\"schedule\":{}}");
    call("{\"type\":\"UPDATE_MAINTENANCE_SCHEDULE\"}", 400, "to be present");
    call("{\"type\":\"START_MAINTENANCE\",\"start_maintenance\":{}}", 400,
         "List of machines is empty");
    call("{\"type\":\"STOP_MAINTENANCE\",\"stop_maintenance\":{}}", 400,
         "List of machines is empty");
    schedule("{\"machine_ids\":[{\"hostname\":\"a\"},{\"hostname\":\"A\"}]," AWAY "}", 400,
             "twice");
    schedule("{\"machine_ids\":[]," AWAY "}", 400, "without machines");
    schedule("{\"machine_ids\":[{\"hostname\":\"a\"}],\"unavailability\":{\"start\":"
             "{\"nanoseconds\":1},\"duration\":{\"nanoseconds\":-1}}}",
             400, "negative");
    schedule("{\"machine_ids\":[{\"hostname\":\"HostA\",\"ip\":\"10.0.0.9\"},{\"ip\":\"10.0.0.8\"}]"
             "," AWAY "},{\"machine_ids\":[{\"hostname\":\"b\"}]," AWAY "}",
             200, "");
    expect("POST", "/machine/down", "[{\"hostname\":\"b\"}]", 200, "");
    expect("POST", "/machine/down", "{}", 400, "no array");
    expect("GET", "/machine/down", "", 405, "");

    process_end(&cluster.master, SIGKILL);
    cluster_start_master(&cluster, NULL);

    expect("GET", "/maintenance/schedule?jsonp=cb", "", 200,
           "cb({\"windows\":[{\"machine_ids\":[{\"hostname\":\"hosta\",\"ip\":\"10.0.0.9\"},"
           "{\"ip\":\"10.0.0.8\"}],\"unavailability\":{\"start\":"
           "{\"nanoseconds\":1900000000000000000}}},{\"machine_ids\":[{\"hostname\":\"b\"}]");
    expect("GET", "/maintenance/status", "", 200, "\"down_machines\":[{\"hostname\":\"b\"}]");
    expect("PUT", "/maintenance/schedule", "", 405, "");
    expect("POST", "/maintenance/schedule", "x=1", 400, "");
    expect("POST", "/maintenance/schedule", "{\"windows\":[]}", 400, "is down");
    expect("POST", "/machine/up", "[{\"hostname\":\"b\"}]", 200, "");
    expect("POST", "/maintenance/schedule", "{\"windows\":[]}", 200, "");
    expect("GET", "/master/maintenance/schedule", "", 200, "\r\n\r\n{}");
    cluster_close(&cluster);
}

/* Under whatever hostname the agent has registered. */
static void schedule_agent(struct buf *hostname) {
    AUTO_FINI(buf_fini) struct buf answer = {0};
    char windows[600];
    raw_ask(cluster.master_port, "POST", "/api/v1", "application/json",
            TEXT("{\"type\":\"GET_AGENTS\"}"), &answer);
    const char *at = strstr(buf_string(&answer), "\"hostname\":\"");
    assert_non_null(at);
    at += strlen("\"hostname\":\"");
    buf_append(hostname, at, strcspn(at, "\""));
    snprintf(windows, sizeof(windows), "{\"machine_ids\":[{\"hostname\":\"%s\"}]," AWAY "}",
             buf_string(hostname));
    schedule(windows, 200, "");
}

TEST(frameworks_are_asked_to_leave_and_their_answers_are_shown) {
    AUTO_FINI(buf_fini) struct buf hostname = {0};
    struct framework *framework;
    struct held_offer offer;
    begin(&framework, &offer);
    assert_int_equal(offer.away_ns, 0);

    schedule_agent(&hostname);
    framework_wait_offer(framework, &offer, 1);
    assert_int_equal(offer.away_ns, 1900000000000000000);
    framework_wait_count(framework, &framework->inverse_offers, 1);
    assert_string_equal(framework->inverse.agent, offer.agent);
    call("{\"type\":\"GET_MAINTENANCE_STATUS\"}", 200, "\"status\":\"UNKNOWN\"");
    framework_answer_inverse(framework, true);
    process_wait_log(&cluster.master, "answer=accept");
    call("{\"type\":\"GET_MAINTENANCE_STATUS\"}", 200, "\"status\":\"ACCEPT\"");

    schedule("", 200, "");
    call("{\"type\":\"GET_MAINTENANCE_STATUS\"}", 200, "\"status\":{}");
    framework_end(framework);
}

TEST(a_task_does_not_outlive_its_agent_that_is_gone) {
    struct framework *framework =
        framework_begin(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework, (struct wish){.id = "stubborn",
                                              .command = "trap : TERM; while :; do sleep 1; done"});
    framework_wait(framework, "stubborn", MESOS__V1__TASK_STATE__TASK_RUNNING);
    AUTO_FINI(buf_fini) struct buf answer = {0};
    raw_ask(cluster.master_port, "POST", "/api/v1", "application/json",
            TEXT("{\"type\":\"GET_AGENTS\"}"), &answer);
    const char *at = strstr(buf_string(&answer), "\"id\":{\"value\":\"");
    assert_non_null(at);
    char agent[128];
    at += strlen("\"id\":{\"value\":\"");
    snprintf(agent, sizeof(agent), "%.*s", (int)strcspn(at, "\""), at);

    call_agent("MARK_AGENT_GONE", "mark_agent_gone", agent, "", 200);

    framework_wait(framework, "stubborn", MESOS__V1__TASK_STATE__TASK_GONE_BY_OPERATOR);
    assert_int_equal(process_wait(&cluster.agents[0]), 3);
    assert_int_equal(cluster_cgroups(&cluster, 0), 0);
    call_agent("MARK_AGENT_GONE", "mark_agent_gone", agent, "", 200);
    cluster_start_agent(&cluster, 0, NULL);
    assert_int_equal(process_wait(&cluster.agents[0]), 3);
    framework_end(framework);
}
