/*
 * Requests, constraints and offer filters, from the calls of frameworks to what they are offered.
 */
#include "tests/unit/master/core/stage.h"

#include "master/core/demand_book.h"
#include "master/core/insight.h"

#include <stdio.h>

static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    return stage;
}

static const struct amount one_cpu[] = {{{"cpus", 4}, 1000}};
static const struct amount many_cpus[] = {{{"cpus", 4}, 64000}, {{"mem", 3}, 64000}};

static struct resource_request request(const char *name, const struct amount *amounts,
                                       size_t count) {
    return (struct resource_request){
        .is_ours = true, .name = text_of(name), .amounts = {amounts, count}};
}

static void say_requests(struct stage *stage, uint64_t connection,
                         const struct resource_request *requests, size_t count) {
    struct scheduler_call call = {.kind = SCHEDULER_CALL_REQUEST, .request = {requests, count}};
    stage_call(stage, connection, call);
}

static const struct text two_roles[] = {{"dev", 3}, {"ops", 3}};

/* Of both roles, M-0000. */
static struct scheduler_call subscribe_to_two(struct stage *stage) {
    struct scheduler_call call = stage_subscribe(stage, "", "two");
    call.subscribe.info.capabilities = 1u << FRAMEWORK_MULTI_ROLE;
    call.subscribe.info.role = (struct text){0};
    call.subscribe.info.roles = two_roles;
    call.subscribe.info.role_count = 2;
    return call;
}

/* --- what a request must be --- */

TEST(a_request_that_makes_no_sense_is_answered_and_named) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct resource_request empty = request("empty", NULL, 0);
    struct resource_request faulty = request("faulty", NULL, 0);
    faulty.fault = TEXT("'cpus' has no amount that makes sense");
    struct resource_request stranger = request("stranger", one_cpu, 1);
    stranger.role = TEXT("ops");

    say_requests(stage, 1, (struct resource_request[]){empty, faulty, stranger}, 3);

    assert_heard(stage, "to 1 REQUEST empty infeasible it asks for nothing");
    assert_heard(stage, "to 1 REQUEST faulty infeasible 'cpus' has no amount");
    assert_heard(stage,
                 "to 1 REQUEST stranger infeasible role=ops the framework does not subscribe");
    assert_heard(stage, "call=REQUEST framework=M-0000 name=\"empty\"");
}

TEST(a_request_as_Mesos_has_it_is_noted_and_nothing_else) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    struct resource_request plain = request("", NULL, 0);
    plain.is_ours = false;

    say_requests(stage, 1, &plain, 1);

    assert_heard(stage, "note resources_requested framework=M-0000 requests=1");
    assert_not_heard(stage, "to 1 REQUEST");
    assert_heard(stage, "OFFERS M-O0 agent=M-S0");
}

TEST(of_several_roles_a_request_must_name_one) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_call(stage, 1, subscribe_to_two(stage));
    struct resource_request wish = request("web", one_cpu, 1);

    say_requests(stage, 1, &wish, 1);

    assert_heard(stage, "to 1 REQUEST web infeasible it names no role, and the framework has 2");
}

TEST(more_requests_than_the_limit_are_refused_one_by_one) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct resource_request many[ALLOCATOR_REQUESTS_LIMIT + 2];
    for (size_t i = 0; i < ALLOCATOR_REQUESTS_LIMIT + 2; i++)
        many[i] = request("web", one_cpu, 1);

    say_requests(stage, 1, many, ALLOCATOR_REQUESTS_LIMIT + 2);

    assert_int_equal(stage_count(stage, "there are more than 64 requests for its role"), 4);
}

/* --- what is feasible --- */

TEST(what_no_agent_could_hold_is_answered_at_once_with_the_nearest) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "small", "cpus:4;mem:100000");
    stage_add_agent(stage, 3, "large", "cpus:8;mem:100000");
    struct resource_request wishes[] = {request("big", many_cpus, 2), request("one", one_cpu, 1)};

    say_requests(stage, 1, wishes, 2);

    assert_heard(stage, "to 1 REQUEST big infeasible role=* nearest=M-S1 no agent could ever hold "
                        "cpus:64;mem:64: the nearest, large, has cpus:8");
    assert_not_heard(stage, "REQUEST one");
}

static void find_next(void *self, const struct standing_view *view) {
    bool *found = self;
    *found = *found || view->is_next;
}

TEST(who_wants_only_what_no_agent_could_hold_is_not_next) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    struct resource_request wishes[] = {request("big", many_cpus, 2), request("one", one_cpu, 1)};
    bool before = false, after = false;

    say_requests(stage, 1, wishes, 1);
    insight_each_standing(stage->master, find_next, &before);
    say_requests(stage, 1, wishes, 2);
    insight_each_standing(stage->master, find_next, &after);

    assert_false(before);
    assert_true(after);
}

TEST(who_says_the_same_again_is_answered_again_only_when_the_answer_is_no) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    struct resource_request wishes[] = {request("big", many_cpus, 2), request("one", one_cpu, 1)};

    say_requests(stage, 1, wishes, 2);
    say_requests(stage, 1, wishes, 2);

    assert_int_equal(stage_count(stage, "to 1 REQUEST big infeasible"), 2);
    assert_int_equal(stage_count(stage, "to 1 REQUEST one"), 0);
}

TEST(amounts_of_one_name_are_one_amount) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    static const struct amount twice[] = {{{"cpus", 4}, 3000}, {{"cpus", 4}, 3000}};
    struct resource_request wish = request("web", twice, 2);

    say_requests(stage, 1, &wish, 1);

    assert_heard(stage, "REQUEST web infeasible role=* nearest=M-S0 no agent could ever hold "
                        "cpus:6: the nearest, a, has cpus:4");
}

TEST(a_resource_that_nobody_has_is_named) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    static const struct amount licence[] = {{{"licences", 8}, 1000}};
    struct resource_request wish = request("tool", licence, 1);

    say_requests(stage, 1, &wish, 1);

    assert_heard(stage, "to 1 REQUEST tool infeasible role=* no agent could ever hold licences:1: "
                        "no agent has 'licences'");
}

TEST(who_was_told_that_it_is_infeasible_is_told_when_it_is_not) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "small", "cpus:4;mem:100000");
    static const struct amount both[] = {{{"cpus", 4}, 64000}, {{"licences", 8}, 1000}};
    struct resource_request wishes[] = {request("big", many_cpus, 2), request("tool", both, 2)};
    say_requests(stage, 1, wishes, 2);
    stage_forget(stage);

    stage_add_agent(stage, 3, "large", "cpus:64;mem:100000;licences:2");
    stage_pass_ms(stage, DEMAND_LOOK_AGAIN_MS);

    assert_heard(stage, "to 1 REQUEST big feasible role=*");
    assert_heard(stage, "to 1 REQUEST tool feasible role=*");
}

TEST(an_agent_that_is_named_and_not_there_is_told_and_found_when_it_comes) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    struct resource_request wish = request("there", one_cpu, 1);
    wish.agent.text = stage_id(stage, "M-S1");
    say_requests(stage, 1, &wish, 1);
    assert_heard(stage,
                 "to 1 REQUEST there infeasible role=* no agent could ever hold cpus:1: agent "
                 "M-S1 is not here");

    stage_add_agent(stage, 3, "b", "cpus:4;mem:1024");
    stage_pass_ms(stage, DEMAND_LOOK_AGAIN_MS);

    assert_heard(stage, "to 1 REQUEST there feasible");
}

TEST(nothing_is_called_infeasible_while_known_agents_are_on_their_way_back) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_AGENT, .agent_info = TEXT("")};
    struct text key = TEXT("agent/old-S0");
    stage->options.agent_reregister_timeout_ms = 5000;
    stage_begin_with(stage, &record, &key, 1);
    stage_add_framework(stage, 1);
    struct resource_request wish = request("big", many_cpus, 2);

    say_requests(stage, 1, &wish, 1);
    assert_not_heard(stage, "REQUEST big");
    stage_pass_ms(stage, 5000 + DEMAND_LOOK_AGAIN_MS);

    assert_heard(stage, "to 1 REQUEST big infeasible role=* no agent could ever hold "
                        "cpus:64;mem:64: there are no agents");
}

/* --- what is offered --- */

TEST(an_offer_is_of_the_size_that_was_asked_for) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    static const struct amount shape[] = {{{"cpus", 4}, 1000}, {{"mem", 3}, 128000}};
    struct resource_request wish = request("web", shape, 2);
    wish.has_count = true;
    wish.count = 1;
    say_requests(stage, 1, &wish, 1);

    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");

    assert_heard(stage, "to 1 OFFERS M-O0 agent=M-S0 role=* cpus:1;mem:128");
}

TEST(the_rest_of_the_machine_is_offered_to_another_at_the_same_moment) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    stage_add_framework(stage, 9);
    static const struct amount shape[] = {{{"cpus", 4}, 1000}, {{"mem", 3}, 128000}};
    struct resource_request wish = request("web", shape, 2);
    wish.has_count = true;
    wish.count = 1;
    say_requests(stage, 1, &wish, 1);
    stage_forget(stage);

    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");

    assert_heard(stage, "agent=M-S0 role=* cpus:1;mem:128");
    assert_heard(stage, "agent=M-S0 role=* cpus:3;mem:896");
}

TEST(when_all_that_was_asked_for_runs_nothing_more_is_offered) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct resource_request wish = request("web", one_cpu, 1);
    wish.has_count = true;
    wish.count = 2;
    say_requests(stage, 1, &wish, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");

    stage_launch(stage, 1, "t1", "M-S0", "cpus:1");
    stage_forget(stage);
    stage_launch(stage, 1, "t2", "M-S0", "cpus:1");
    stage_pass_ms(stage, 60000);

    assert_not_heard(stage, "OFFERS");
}

/* master_check compares what is left with the allocator after every step. */
TEST(whatever_is_launched_the_counts_are_the_allocators) {
    static const struct amount shapes[3][1] = {
        {{{"cpus", 4}, 1000}}, {{{"cpus", 4}, 2000}}, {{{"licences", 8}, 1000}}};
    AUTO(stage_free) struct stage *stage = begin();
    struct rng rng = rng_for_test();
    stage_add_framework(stage, 1);
    stage_add_agent(stage, 2, "a", "cpus:64;mem:1024");
    for (unsigned task = 0; task < 60; task++) {
        struct resource_request wishes[3];
        for (size_t i = 0; i < 3; i++) {
            wishes[i] = request(i == 0 ? "a" : "b", shapes[rng_below(&rng, 3)], 1);
            wishes[i].has_count = rng_below(&rng, 4) > 0;
            wishes[i].count = rng_below(&rng, 3);
        }
        if (rng_below(&rng, 3) == 0)
            say_requests(stage, 1, wishes, rng_below(&rng, 4));
        if (stage->offers.count == 0 || rng_below(&rng, 4) == 0)
            continue;
        char id[16];
        snprintf(id, sizeof(id), "t%u", task);
        stage_launch(stage, 1, id, "M-S0", rng_below(&rng, 2) == 0 ? "cpus:1" : "cpus:2");
        stage_update(stage, 2, "M-0000", id, TASK_STATE_FINISHED, (uint8_t)(task + 1));
    }
}

TEST(an_empty_request_withdraws_all_demand) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct resource_request wish = request("web", one_cpu, 1);
    wish.has_count = true;
    wish.count = 0; /* wants nothing */
    say_requests(stage, 1, &wish, 1);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    assert_not_heard(stage, "OFFERS");

    say_requests(stage, 1, NULL, 0);

    assert_heard(stage, "OFFERS M-O0 agent=M-S0 role=* cpus:4;mem:1024");
}

TEST(who_subscribes_anew_has_asked_for_nothing_yet) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct resource_request wish = request("web", one_cpu, 1);
    wish.has_count = true;
    wish.count = 0;
    say_requests(stage, 1, &wish, 1);

    stage_call(stage, 1, stage_subscribe(stage, "M-0000", "f"));
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");

    assert_heard(stage, "OFFERS M-O0 agent=M-S0 role=* cpus:4;mem:1024");
}

/* --- constraints --- */

static const struct constraint_term on_host_b[] = {
    {.subject = CONSTRAINT_HOSTNAME, .predicate = CONSTRAINT_TEXT_EQUALS, .value = {"b", 1}}};
static const struct constraint_group host_b[] = {{on_host_b, 1}};

static struct role_constraints only_b(const char *role) {
    return (struct role_constraints){text_of(role), host_b, 1, TEXT("only b")};
}

TEST(offers_come_from_agents_that_meet_the_constraints_alone) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = stage_subscribe(stage, "", "f");
    struct role_constraints constraints = only_b("*");
    call.subscribe.constraints = &constraints;
    call.subscribe.constraint_count = 1;
    stage_call(stage, 1, call);

    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    stage_add_agent(stage, 3, "b", "cpus:4;mem:1024");

    assert_not_heard(stage, "agent=M-S0 role");
    assert_heard(stage, "OFFERS M-O0 agent=M-S1 role=*");
}

TEST(an_update_without_constraints_ends_them) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = stage_subscribe(stage, "", "f");
    struct role_constraints constraints = only_b("*");
    call.subscribe.constraints = &constraints;
    call.subscribe.constraint_count = 1;
    stage_call(stage, 1, call);
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    assert_not_heard(stage, "OFFERS");

    struct scheduler_call update = stage_subscribe(stage, "M-0000", "f");
    update.kind = SCHEDULER_CALL_UPDATE_FRAMEWORK;
    stage_call(stage, 1, update);

    assert_heard(stage, "OFFERS M-O0 agent=M-S0 role=*");
}

TEST(constraints_that_make_no_sense_or_are_of_no_role_refuse_the_subscription) {
    AUTO(stage_free) struct stage *stage = begin();
    struct scheduler_call call = stage_subscribe(stage, "", "f");
    struct role_constraints empty = {.role = TEXT("*"), .encoded = TEXT("empty")};
    struct role_constraints strange = only_b("ops");
    call.subscribe.constraint_count = 1;

    call.subscribe.constraints = &empty;
    stage_call(stage, 1, call);
    call.subscribe.constraints = &strange;
    stage_call(stage, 2, call);

    assert_heard(stage, "to 1 ERROR offer constraints of role '*': constraints without a group");
    assert_heard(stage, "to 2 ERROR offer constraints of role 'ops', which is not subscribed");
}

TEST(a_regex_that_is_none_refuses_the_subscription_by_name) {
    AUTO(stage_free) struct stage *stage = begin();
    struct constraint_term term = {.subject = CONSTRAINT_HOSTNAME,
                                   .predicate = CONSTRAINT_TEXT_MATCHES,
                                   .value = TEXT("gpu-(1")};
    struct constraint_group group = {&term, 1};
    struct role_constraints constraints = {TEXT("*"), &group, 1, TEXT("bad")};
    struct scheduler_call call = stage_subscribe(stage, "", "f");
    call.subscribe.constraints = &constraints;
    call.subscribe.constraint_count = 1;

    stage_call(stage, 1, call);

    assert_heard(stage, "to 1 ERROR offer constraints of role '*': regex 'gpu-(1': ");
}

TEST(a_request_may_have_constraints_of_its_own) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct resource_request wish = request("web", one_cpu, 1);
    struct role_constraints constraints = only_b("");
    wish.constraints = &constraints;
    say_requests(stage, 1, &wish, 1);

    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    assert_not_heard(stage, "OFFERS");
    stage_add_agent(stage, 3, "b", "cpus:4;mem:1024");

    assert_heard(stage, "agent=M-S1 role=* cpus:");
    assert_not_heard(stage, "agent=M-S0 role=*");
}

/* --- offer filters --- */

TEST(a_minimum_of_the_framework_replaces_that_of_the_cluster) {
    AUTO(stage_free) struct stage *stage = begin();
    static const struct amount eight[] = {{{"cpus", 4}, 8000}};
    struct amounts minimum = {eight, 1};
    struct role_offer_filter filter = {TEXT("*"), true, &minimum, 1};
    struct scheduler_call call = stage_subscribe(stage, "", "f");
    call.subscribe.info.offer_filters = &filter;
    call.subscribe.info.offer_filter_count = 1;
    stage_call(stage, 1, call);

    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    stage_add_agent(stage, 3, "b", "cpus:8;mem:1024");

    assert_not_heard(stage, "agent=M-S0 role=*");
    assert_heard(stage, "agent=M-S1 role=*");
}

TEST(an_offer_filter_of_a_strange_role_refuses_the_subscription) {
    AUTO(stage_free) struct stage *stage = begin();
    struct role_offer_filter filter = {.role = TEXT("ops"), .has_minima = true};
    struct scheduler_call call = stage_subscribe(stage, "", "f");
    call.subscribe.info.offer_filters = &filter;
    call.subscribe.info.offer_filter_count = 1;

    stage_call(stage, 1, call);

    assert_heard(stage, "to 1 ERROR offer filters of role 'ops', which is not subscribed");
}

/* --- what UPDATE_FRAMEWORK may change --- */

TEST(an_update_of_what_cannot_change_is_refused_aloud_and_changes_nothing) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    struct scheduler_call update = stage_subscribe(stage, "M-0000", "f");
    update.kind = SCHEDULER_CALL_UPDATE_FRAMEWORK;
    struct role_constraints empty = {.role = TEXT("*"), .encoded = TEXT("empty")};

    update.subscribe.info.checkpoint = !update.subscribe.info.checkpoint;
    stage_call(stage, 1, update);
    update.subscribe.info.checkpoint = !update.subscribe.info.checkpoint;
    update.subscribe.constraints = &empty;
    update.subscribe.constraint_count = 1;
    stage_call(stage, 1, update);

    assert_heard(stage, "to 1 REFUSED UPDATE_FRAMEWORK 400 principal, user and checkpoint cannot");
    assert_heard(stage, "to 1 REFUSED UPDATE_FRAMEWORK 400 offer constraints of role '*'");
    assert_int_equal(stage_count(stage, "store +framework"), 1);
}

/* --- roles that are left --- */

TEST(offers_of_a_role_that_is_left_are_rescinded) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_call(stage, 1, subscribe_to_two(stage));
    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");
    bool was_dev = stage_heard(stage, "OFFERS M-O0 agent=M-S0 role=dev");
    struct scheduler_call update = subscribe_to_two(stage);
    update.kind = SCHEDULER_CALL_UPDATE_FRAMEWORK;
    update.subscribe.info.id.text = stage_id(stage, "M-0000");
    update.subscribe.info.roles = was_dev ? &two_roles[1] : &two_roles[0];
    update.subscribe.info.role_count = 1;

    stage_call(stage, 1, update);

    assert_heard(stage, "to 1 RESCIND M-O0");
    assert_heard(stage,
                 was_dev ? "OFFERS M-O1 agent=M-S0 role=ops" : "OFFERS M-O1 agent=M-S0 role=dev");
}

/* --- fault domains --- */

static void register_in(struct stage *stage, uint64_t connection, const char *host,
                        const char *region) {
    struct agent_message message = stage_register(stage, "", host, "cpus:4;mem:1024");
    message.register_agent.info.region = text_of(region);
    message.register_agent.info.zone = TEXT("z1");
    stage_tell(stage, connection, message);
}

TEST(an_agent_with_a_domain_needs_a_master_with_one) {
    AUTO(stage_free) struct stage *stage = begin();

    register_in(stage, 2, "a", "eu");

    assert_heard(stage, "to 2 REFUSED the agent has a fault domain and the master has none");
}

TEST(agents_without_a_domain_can_be_refused) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.region = TEXT("eu");
    stage->options.zone = TEXT("z1");
    stage->options.require_agent_domain = true;
    stage_begin(stage);

    stage_add_agent(stage, 2, "a", "cpus:4;mem:1024");

    assert_heard(stage, "to 2 REFUSED the master requires a fault domain");
}

TEST(remote_agents_are_offered_to_those_who_know_of_regions) {
    AUTO(stage_free) struct stage *stage = stage_new();
    stage->options.region = TEXT("eu");
    stage->options.zone = TEXT("z1");
    stage_begin(stage);
    stage_add_framework(stage, 1);
    register_in(stage, 2, "near", "eu");
    register_in(stage, 3, "far", "us");
    assert_heard(stage, "to 1 OFFERS M-O0 agent=M-S0");
    assert_not_heard(stage, "agent=M-S1 role");

    struct scheduler_call aware = stage_subscribe(stage, "", "aware");
    aware.subscribe.info.capabilities = 1u << FRAMEWORK_REGION_AWARE;
    stage_call(stage, 4, aware);

    assert_heard(stage, "to 4 OFFERS M-O1 agent=M-S1");
}
