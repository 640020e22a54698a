/*
 * How fast agents are lost, and when a master would rather end.
 */
#include "tests/unit/master/core/stage.h"

#include <stdio.h>

enum { AGENTS = 4, SILENCE_MS = 75000, RETURN_MS = 600000 };

static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage->options.agent_removal_interval_ms = 60000;
    stage_begin(stage);
    for (uint64_t i = 0; i < AGENTS; i++) {
        char host[] = {(char)('a' + (char)i), 0};
        stage_add_agent(stage, 10 + i, host, "cpus:1");
    }
    stage_forget(stage);
    return stage;
}

static void pong(struct stage *stage, uint64_t connection) {
    stage_tell(stage, connection, (struct agent_message){.kind = AGENT_MESSAGE_PONG});
}

TEST(agents_that_fall_silent_together_are_lost_one_by_one) {
    AUTO(stage_free) struct stage *stage = begin();

    stage_pass_ms(stage, SILENCE_MS);
    assert_int_equal(stage_count(stage, "note agent_unreachable"), 1);
    assert_int_equal(stage_count(stage, "note agent_loss_waits"), AGENTS - 1);
    stage_pass_ms(stage, 60000);
    assert_int_equal(stage_count(stage, "note agent_unreachable"), 2);
    stage_pass_ms(stage, 120000);

    assert_int_equal(stage_count(stage, "note agent_unreachable"), AGENTS);
}

TEST(an_agent_that_waits_to_be_lost_and_answers_is_not) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_pass_ms(stage, SILENCE_MS);

    for (uint64_t i = 0; i < AGENTS; i++)
        pong(stage, 10 + i);
    stage_pass_ms(stage, 60000);

    assert_int_equal(stage_count(stage, "note agent_unreachable"), 1);
}

TEST(an_agent_that_waits_to_be_lost_and_comes_back_is_not) {
    AUTO(stage_free) struct stage *stage = begin();
    for (uint64_t i = 0; i < 2; i++)
        stage_close(stage, 10 + i);
    stage_pass_ms(stage, SILENCE_MS);
    assert_heard(stage, "note agent_loss_waits agent=M-S1");

    stage_tell(stage, 20, stage_register(stage, "M-S1", "b", "cpus:1"));
    stage_forget(stage);
    stage_pass_ms(stage, 60000);

    assert_not_heard(stage, "note agent_unreachable agent=M-S1");
}

/* --- after a restart --- */

static struct stage *restart(int64_t percent) {
    struct stage *stage = stage_new();
    struct registry_record records[AGENTS];
    struct text keys[AGENTS];
    stage->options.recovery_agent_removal_limit_percent = percent;
    for (size_t i = 0; i < AGENTS; i++) {
        records[i] = (struct registry_record){.kind = REGISTRY_AGENT};
        keys[i] = text_of(arena_printf(stage->arena, "agent/old-S%zu", i));
    }
    stage_begin_with(stage, records, keys, AGENTS);
    stage_tell(stage, 10, stage_register(stage, "old-S0", "a", "cpus:1"));
    stage_tell(stage, 11, stage_register(stage, "old-S1", "b", "cpus:1"));
    stage_forget(stage);
    return stage;
}

/* Those that are there answer while the time passes. */
static void let_return_time_pass(struct stage *stage) {
    for (int64_t passed = 0; passed < RETURN_MS; passed += 10000) {
        stage_pass_ms(stage, 10000);
        pong(stage, 10);
        pong(stage, 11);
    }
}

TEST(too_many_agents_that_do_not_come_back_end_the_master_and_none_is_lost) {
    AUTO(stage_free) struct stage *stage = restart(49);

    let_return_time_pass(stage);

    assert_heard(stage, "stop 2 of 4 agents did not come back in time, more than "
                        "--recovery_agent_removal_limit allows to be lost");
    assert_int_equal(stage_count(stage, "stop "), 1);
    assert_not_heard(stage, "note agent_unreachable");
}

TEST(as_many_as_the_limit_allows_are_lost) {
    AUTO(stage_free) struct stage *stage = restart(50);

    let_return_time_pass(stage);

    assert_int_equal(stage_count(stage, "note agent_unreachable"), 2);
    assert_not_heard(stage, "stop ");
}
