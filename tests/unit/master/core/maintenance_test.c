/*
 * The maintenance schedule: what is refused, when it is in force, what frameworks hear of it, and
 * machines that are down.
 */
#include "tests/unit/master/core/stage.h"

#include <stdio.h>

enum { ASKED = 7 }; /* the request's number */

static void ask(struct stage *stage, struct operator_call call) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = ASKED;
    event.operator_call.call = call;
    stage_play(stage, event);
}

static void schedule(struct stage *stage, const struct maintenance_window *windows, size_t count) {
    ask(stage, (struct operator_call){
                   .kind = OPERATOR_UPDATE_MAINTENANCE, .windows = windows, .window_count = count});
}

/* One window from 5 for 10. */
static void schedule_machine(struct stage *stage, struct machine_id machine) {
    struct maintenance_window window = {&machine, 1, {5, 10}};
    schedule(stage, &window, 1);
}

static void schedule_host(struct stage *stage, const char *host) {
    schedule_machine(stage, (struct machine_id){.hostname = text_of(host)});
}

static void change(struct stage *stage, enum operator_call_kind kind, const char *host) {
    struct machine_id machine = {.hostname = text_of(host)};
    ask(stage, (struct operator_call){.kind = kind, .machines = &machine, .machine_count = 1});
}

/* A framework on 1; an agent M-S0 on h with a task of it. */
static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    struct scheduler_call call = stage_subscribe(stage, "", "spark");
    call.subscribe.info.failover_timeout_seconds = 1e6;
    stage_call(stage, 1, call);
    stage_add_agent(stage, 9, "h", "cpus:4;mem:1024");
    stage_pass_ms(stage, 10);
    stage_launch(stage, 1, "t", "M-S0", "cpus:1");
    stage_update(stage, 9, "M-0000", "t", TASK_STATE_RUNNING, 1);
    stage_forget(stage);
    return stage;
}

struct seen {
    size_t machines, down, answers;
    enum inverse_answer last_answer;
    char first[64];
};

static void see(void *self, const struct machine_view *machine) {
    struct seen *seen = self;
    if (seen->machines++ == 0)
        snprintf(seen->first, sizeof(seen->first), "%.*s,%.*s", TEXT_ARGS(machine->id.hostname),
                 TEXT_ARGS(machine->id.ip));
    seen->down += machine->is_down;
    seen->answers += machine->answer_count;
    if (machine->answer_count > 0)
        seen->last_answer = machine->answers[0].answer;
}

static struct seen look(const struct stage *stage) {
    struct seen seen = {0};
    master_each_machine(stage->master, see, &seen);
    return seen;
}

/* --- the schedule --- */

TEST(a_schedule_is_in_force_when_it_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->holds_stores = true;

    schedule_host(stage, "H");
    assert_heard(stage, "store +machine/h,");
    assert_int_equal(look(stage).machines, 0);
    stage_store(stage);

    assert_heard(stage, "answer 7 200");
    assert_int_equal(look(stage).machines, 1);
    assert_string_equal(look(stage).first, "h,");
}

TEST(a_schedule_that_makes_no_sense_is_refused_as_a_whole) {
    AUTO(stage_free) struct stage *stage = begin();
    const struct machine_id twice[] = {{TEXT("a"), {0}}, {TEXT("A"), {0}}};
    const struct machine_id nobody[] = {{{0}, {0}}};
    const struct machine_id no_ip[] = {{{0}, TEXT("10.0.0.256")}};
    const struct machine_id no_host[] = {{TEXT("a b"), {0}}};
    const struct maintenance_window windows[] = {{twice, 2, {5, 10}},
                                                 {nobody, 1, {5, 10}},
                                                 {no_ip, 1, {5, 10}},
                                                 {NULL, 0, {5, 10}},
                                                 {no_host, 1, {5, 10}}};

    for (size_t i = 0; i < 5; i++)
        schedule(stage, &windows[i], 1);

    assert_heard(stage, "answer 7 400 machine 'a' is in the schedule twice");
    assert_heard(stage, "answer 7 400 a machine has neither a hostname nor an ip");
    assert_heard(stage, "answer 7 400 '10.0.0.256' is no IP address");
    assert_heard(stage, "answer 7 400 a window without machines");
    assert_heard(stage, "answer 7 400 'a b' is no hostname");
    assert_not_heard(stage, "store");
}

TEST(only_what_differs_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    const struct machine_id machines[] = {{TEXT("a"), {0}}, {TEXT("b"), TEXT("10.0.0.1")}};
    const struct maintenance_window both = {machines, 2, {5, 10}}, first = {machines, 1, {5, 10}};
    schedule(stage, &both, 1);
    assert_heard(stage, "store +machine/a, +machine/b,10.0.0.1");
    stage_forget(stage);

    schedule(stage, &both, 1);
    assert_not_heard(stage, "store");
    assert_heard(stage, "answer 7 200");
    schedule(stage, &first, 1);

    assert_heard(stage, "store -machine/b,10.0.0.1");
    assert_not_heard(stage, "machine/a");
}

TEST(one_change_at_a_time_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->holds_stores = true;

    schedule_host(stage, "a");
    schedule_host(stage, "b");

    assert_heard(stage, "answer 7 503");
}

TEST(a_schedule_comes_back_from_the_registry_in_its_order) {
    AUTO(stage_free) struct stage *stage = stage_new();
    const struct registry_record records[] = {
        {.kind = REGISTRY_MACHINE, .machine = {TEXT("a"), {0}, 1, 0, 5, 10, false}},
        {.kind = REGISTRY_MACHINE, .machine = {TEXT("z"), {0}, 0, 0, 5, -1, true}},
        {.kind = REGISTRY_MACHINE, .machine = {{0}, {0}, 0, 0, 5, -1, true}},
    };
    const struct text keys[] = {TEXT("machine/a,"), TEXT("machine/z,"), TEXT("machine/,")};

    stage_begin_with(stage, records, keys, 3);

    struct seen seen = look(stage);
    assert_int_equal(seen.machines, 2);
    assert_int_equal(seen.down, 1);
    assert_string_equal(seen.first, "z,");
}

/* --- offers --- */

TEST(offers_of_a_scheduled_machine_say_when_it_will_be_away) {
    AUTO(stage_free) struct stage *stage = begin();

    schedule_host(stage, "h");
    stage_pass_ms(stage, 10);

    assert_heard(stage, "to 1 RESCIND");
    assert_heard(stage, "away=5+10");
    assert_heard(stage, "OFFERS");
}

TEST(a_machine_is_found_by_its_address_too) {
    AUTO(stage_free) struct stage *stage = begin();
    struct agent_message message = stage_register(stage, "", "other", "cpus:1;mem:64");
    message.register_agent.info.ip = TEXT("10.1.2.3");
    stage_tell(stage, 10, message);
    stage_pass_ms(stage, 10);
    stage_forget(stage);

    schedule_machine(stage, (struct machine_id){.ip = TEXT("10.1.2.3")});
    stage_pass_ms(stage, 10);

    assert_heard(stage, "agent=M-S1 role=* cpus:1;mem:64 away=5+10");
}

TEST(offers_of_other_machines_stay) {
    AUTO(stage_free) struct stage *stage = begin();

    schedule_host(stage, "elsewhere");
    stage_pass_ms(stage, 2000);

    assert_not_heard(stage, "RESCIND");
    assert_not_heard(stage, "INVERSE");
}

/* --- inverse offers --- */

static struct text inverse_of(const struct stage *stage) {
    VEC_EACH(line, &stage->lines) {
        const char *at = strstr(*line, "INVERSE M");
        if (at != NULL)
            return text_of(arena_printf(stage->arena, "M%.*s", (int)strcspn(at + 9, " "), at + 9));
    }
    fail_msg("no inverse offer was made");
    return (struct text){0};
}

static void answer(struct stage *stage, enum scheduler_call_kind kind, struct text id,
                   double seconds) {
    struct offer_id offer = {stage_id(stage, arena_string(stage->arena, id))};
    stage_call(stage, 1,
               (struct scheduler_call){.kind = kind,
                                       .accept = {.offers = &offer,
                                                  .offer_count = 1,
                                                  .has_refuse_seconds = true,
                                                  .refuse_seconds = seconds}});
}

TEST(who_uses_a_scheduled_machine_is_asked_to_leave_once) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 2);
    stage_call(stage, 2, (struct scheduler_call){.kind = SCHEDULER_CALL_SUPPRESS});
    stage_forget(stage);

    schedule_host(stage, "h");
    stage_pass_ms(stage, 10000);

    assert_int_equal(stage_count(stage, "to 1 INVERSE M-O"), 1);
    assert_heard(stage, "agent=M-S0 away=5+10");
    assert_not_heard(stage, "to 2 INVERSE");
    assert_int_equal(look(stage).last_answer, INVERSE_UNKNOWN);
}

TEST(an_answer_is_shown_and_the_question_comes_again_when_its_filter_has_ended) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");
    struct text id = inverse_of(stage);
    stage_forget(stage);

    answer(stage, SCHEDULER_CALL_DECLINE_INVERSE_OFFERS, id, 60);
    assert_int_equal(look(stage).last_answer, INVERSE_DECLINED);
    stage_pass_ms(stage, 58000);
    assert_not_heard(stage, "INVERSE");
    stage_pass_ms(stage, 4000);

    assert_int_equal(stage_count(stage, "to 1 INVERSE M-O"), 1);
    assert_int_equal(look(stage).last_answer, INVERSE_DECLINED);
    id = inverse_of(stage);
    answer(stage, SCHEDULER_CALL_ACCEPT_INVERSE_OFFERS, id, 60);
    assert_int_equal(look(stage).last_answer, INVERSE_ACCEPTED);
}

TEST(an_inverse_offer_that_is_not_out_cannot_be_answered) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");
    struct text id = inverse_of(stage);
    answer(stage, SCHEDULER_CALL_ACCEPT_INVERSE_OFFERS, id, 60);

    answer(stage, SCHEDULER_CALL_DECLINE_INVERSE_OFFERS, id, 60);

    assert_heard(stage, "no such inverse offer");
    assert_int_equal(look(stage).last_answer, INVERSE_ACCEPTED);
}

TEST(another_time_takes_the_question_and_its_answer_back) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");
    struct machine_id machine = {.hostname = TEXT("h")};
    struct maintenance_window later = {&machine, 1, {50, -1}};
    stage_forget(stage);

    schedule(stage, &later, 1);

    assert_heard(stage, "to 1 RESCIND_INVERSE M-O");
    assert_heard(stage, "agent=M-S0 away=50+-1");
}

TEST(who_comes_back_is_asked_again) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");
    stage_close(stage, 1);
    stage_forget(stage);

    stage_call(stage, 2, stage_subscribe(stage, "M-0000", "spark"));
    stage_pass_ms(stage, 1000);

    assert_heard(stage, "to 2 INVERSE M-O");
}

TEST(who_has_left_is_not_asked_any_more) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");
    stage_call(stage, 1, (struct scheduler_call){.kind = SCHEDULER_CALL_SUPPRESS});
    stage_forget(stage);

    stage_update(stage, 9, "M-0000", "t", TASK_STATE_FINISHED, 2);
    struct scheduler_call decline = {.kind = SCHEDULER_CALL_DECLINE};
    struct offer_id offer = {stage_offer(stage)};
    decline.accept.offers = &offer;
    decline.accept.offer_count = 1;
    stage_call(stage, 1, decline);
    stage_pass_ms(stage, 1000);

    assert_heard(stage, "to 1 RESCIND_INVERSE");
    assert_int_equal(look(stage).answers, 0);
}

/* --- down --- */

TEST(agents_of_a_machine_that_is_down_end_their_tasks_and_are_removed) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");

    change(stage, OPERATOR_START_MAINTENANCE, "h");

    struct agent_view agent;
    assert_heard(stage, "to 9 REFUSED The machine is down for maintenance (tasks end)");
    assert_heard(stage, "close 9");
    assert_heard(stage, "to 1 UPDATE t TASK_LOST REASON_AGENT_REMOVED");
    assert_false(stage_find_agent(stage, "M-S0", &agent));
    assert_int_equal(look(stage).down, 1);
}

TEST(an_agent_of_a_machine_that_is_down_is_put_off_until_it_is_up) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");
    change(stage, OPERATOR_START_MAINTENANCE, "h");

    stage_tell(stage, 10, stage_register(stage, "M-S0", "h", "cpus:4;mem:1024"));
    assert_heard(stage, "to 10 REFUSED The machine is down");
    change(stage, OPERATOR_STOP_MAINTENANCE, "h");
    stage_tell(stage, 11, stage_register(stage, "M-S0", "h", "cpus:4;mem:1024"));

    assert_heard(stage, "to 11 REGISTERED M-S0");
    assert_int_equal(look(stage).machines, 0);
}

TEST(only_what_is_scheduled_goes_down_and_only_what_is_down_comes_up) {
    AUTO(stage_free) struct stage *stage = begin();
    schedule_host(stage, "h");

    change(stage, OPERATOR_START_MAINTENANCE, "other");
    change(stage, OPERATOR_STOP_MAINTENANCE, "h");
    change(stage, OPERATOR_START_MAINTENANCE, "h");
    change(stage, OPERATOR_START_MAINTENANCE, "h");
    schedule(stage, NULL, 0);
    ask(stage, (struct operator_call){.kind = OPERATOR_START_MAINTENANCE});

    assert_heard(stage, "answer 7 400 machine 'other' is not in the maintenance schedule");
    assert_heard(stage, "answer 7 400 machine 'h' is not down");
    assert_heard(stage, "answer 7 400 machine 'h' is down already");
    assert_heard(stage, "answer 7 400 machine 'h' is down and may not be removed");
    assert_heard(stage, "answer 7 400 List of machines is empty");
}
