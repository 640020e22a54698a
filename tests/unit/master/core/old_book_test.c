/*
 * Agents that are away for too long are forgotten.
 */
#include "tests/unit/master/core/stage.h"

#include <stdio.h>

enum { DAY_MS = 24 * 3600 * 1000 };

static struct stage *begin(size_t count, enum registry_record_kind kind) {
    struct stage *stage = stage_new();
    struct registry_record records[10];
    struct text keys[10];
    for (size_t i = 0; i < count; i++) {
        char *id = arena_printf(stage->arena, "old-S%zu", i);
        records[i] = (struct registry_record){
            .kind = kind, .agent = {{text_of(id)}, stage->wall_ns + (int64_t)i}};
        keys[i] = text_of(arena_printf(stage->arena, "%s/%s",
                                       kind == REGISTRY_GONE ? "gone" : "unreachable", id));
    }
    stage->options.registry_max_agent_count = 5;
    stage_begin_with(stage, records, keys, count);
    return stage;
}

TEST(who_is_unreachable_for_two_weeks_is_forgotten) {
    AUTO(stage_free) struct stage *stage = begin(2, REGISTRY_UNREACHABLE);
    struct agent_view view;

    stage_pass_ms(stage, 14 * (int64_t)DAY_MS);
    assert_not_heard(stage, "agent_forgotten");
    stage_pass_ms(stage, DAY_MS);

    assert_heard(stage, "store -unreachable/old-S0");
    assert_heard(stage, "store -unreachable/old-S1");
    assert_false(stage_find_agent(stage, "old-S0", &view));
}

TEST(beyond_so_many_unreachable_agents_the_oldest_are_forgotten) {
    AUTO(stage_free) struct stage *stage = begin(7, REGISTRY_UNREACHABLE);

    stage_pass_ms(stage, DAY_MS);

    assert_int_equal(stage_count(stage, "agent_forgotten"), 2);
    assert_heard(stage, "agent_forgotten agent=old-S0");
    assert_heard(stage, "agent_forgotten agent=old-S1");
}

TEST(who_is_gone_stays_gone_for_two_weeks) {
    AUTO(stage_free) struct stage *stage = begin(1, REGISTRY_GONE);

    stage_pass_ms(stage, 13 * (int64_t)DAY_MS);
    stage_tell(stage, 9, stage_register(stage, "old-S0", "h", "cpus:1"));
    assert_heard(stage, "Agent has been marked gone");
    stage_pass_ms(stage, 2 * (int64_t)DAY_MS);

    assert_heard(stage, "store -gone/old-S0");
}

TEST(the_oldest_are_those_that_are_away_longest_whatever_the_order_in_the_registry) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record records[7];
    struct text keys[7];
    for (size_t i = 0; i < 7; i++) {
        char *id = arena_printf(stage->arena, "old-S%zu", i);
        records[i] = (struct registry_record){
            .kind = REGISTRY_GONE, .agent = {{text_of(id)}, stage->wall_ns - (int64_t)i}};
        keys[i] = text_of(arena_printf(stage->arena, "gone/%s", id));
    }
    stage->options.registry_max_agent_count = 5;
    stage_begin_with(stage, records, keys, 7);

    stage_pass_ms(stage, DAY_MS);

    assert_int_equal(stage_count(stage, "agent_forgotten"), 2);
    assert_heard(stage, "agent_forgotten agent=old-S6");
    assert_heard(stage, "agent_forgotten agent=old-S5");
}

TEST(who_is_unreachable_keeps_its_hostname_under_the_next_master) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct registry_record record = {.kind = REGISTRY_UNREACHABLE,
                                     .hostname = TEXT("n17"),
                                     .agent = {{TEXT("old-S0")}, stage->wall_ns}};
    struct agent_view view;

    stage_begin_with(stage, &record, &TEXT("unreachable/old-S0"), 1);

    assert_true(stage_find_agent(stage, "old-S0", &view));
    assert_text_equal(view.info->hostname, "n17");
}
