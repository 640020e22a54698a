#include "master/shell/master_flags.h"
#include "tests/support/unit.h"

static enum flags_outcome parse(struct master_flags *flags, const char *word, struct error *error) {
    char *argv[] = {(char *)word, NULL};
    struct flag_arguments arguments = {0};
    *flags = (struct master_flags){0};
    struct flag_table table = master_flag_table(flags);
    enum flags_outcome outcome =
        flags_parse(&table, word != NULL ? 1 : 0, argv, NULL, &arguments, error);
    if (outcome != FLAGS_RUN || word != NULL)
        flags_fini(&table, &arguments);
    return outcome;
}

TEST(every_preset_of_the_command_line_can_be_read) {
    struct master_flags flags;
    struct error error = {0};

    assert_int_equal(parse(&flags, NULL, &error), FLAGS_RUN);

    assert_int_equal(flags.port, 5050);
    assert_string_equal(flags.ip, "127.0.0.1");
    assert_int_equal(flags.agent_ping_timeout_ms, 15000);
    assert_int_equal(flags.max_agent_ping_timeouts, 5);
    assert_int_equal(flags.offer_timeout_ms, 5 * 60 * 1000);
    assert_true(flags.root_submissions);
    struct flag_table table = master_flag_table(&flags);
    flags_fini(&table, NULL);
}

TEST(values_out_of_range_are_refused) {
    static const char *const wrong[] = {"--port=-1",
                                        "--agent_ping_timeout=0secs",
                                        "--max_agent_ping_timeouts=0",
                                        "--log=nowhere",
                                        "--max_completed_frameworks=-5",
                                        "--offer_timeout=-1secs",
                                        "--min_allocatable_resources=cpus",
                                        "--fairness_half_life=soon",
                                        "--earmark_timeout=-1secs",
                                        "--nonsense",
                                        "--logging_level=shout",
                                        "--agent_reregister_timeout=soon"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct master_flags flags;
        struct error error = {0};
        if (parse(&flags, wrong[i], &error) != FLAGS_WRONG)
            fail_msg("%s is taken", wrong[i]);
    }
}
