#include "master/shell/allocation_options.h"

#include "allocator/allocator.h"
#include "common/model/quantities.h"
#include "tests/support/unit.h"

struct setting {
    struct master_flags flags;
    struct kinds *kinds;
    struct arena *arena;
    struct master_options options;
};

static void free_setting(struct setting *setting) {
    kinds_free(setting->kinds);
    arena_free(setting->arena);
}
DEFINE_AUTO_FINI(struct setting, free_setting)

static struct setting presets(void) {
    return (struct setting){
        .flags = {.allocator = (char *)"hdrf",
                  .min_allocatable_resources = (char *)"cpus:0.01|mem:32",
                  .fair_sharing_excluded_resource_names = (char *)"",
                  .earmark_timeout_ms = 600000,
                  .filter_gpu_resources = true},
        .kinds = kinds_new(),
        .arena = arena_new(),
    };
}

static bool read(struct setting *setting, struct error *error) {
    return allocation_options_read(&setting->flags, setting->kinds, setting->arena,
                                   &setting->options, error);
}

TEST(the_presets_are_those_of_mesos_but_for_the_policy) {
    AUTO_FINI(free_setting) struct setting setting = presets();
    struct error error;

    assert_true(read(&setting, &error));

    assert_ptr_equal(setting.options.policy, &allocator_hdrf);
    assert_true(setting.options.has_minima);
    assert_int_equal(setting.options.minimum_count, 2);
    assert_int_equal(quantities_milli(&setting.options.minima[0], NAME_CPUS), 10);
    assert_int_equal(quantities_milli(&setting.options.minima[1], NAME_MEM), 32000);
    assert_int_equal(setting.options.earmark_limit_ms, 600000);
    assert_true(setting.options.filter_gpu_resources);
    assert_int_equal(setting.options.excluded_name_count, 0);
}

TEST(each_policy_has_its_name_and_others_are_refused) {
    AUTO_FINI(free_setting) struct setting setting = presets();
    struct error error;

    setting.flags.allocator = (char *)"drf";
    assert_true(read(&setting, &error));
    assert_ptr_equal(setting.options.policy, &allocator_drf);
    setting.flags.allocator = (char *)"random";
    assert_true(read(&setting, &error));
    assert_ptr_equal(setting.options.policy, &allocator_random);
    setting.flags.allocator = (char *)"hierarchical";
    assert_false(read(&setting, &error));
    assert_non_null(strstr(error.message, "--allocator: 'hierarchical'"));
    setting.flags.allocator = (char *)"/no/such.so";
    assert_false(read(&setting, &error));
    assert_non_null(strstr(error.message, "/no/such.so"));
}

TEST(minima_are_alternatives_of_amounts_and_an_empty_text_asks_for_nothing) {
    AUTO_FINI(free_setting) struct setting setting = presets();
    struct error error;

    setting.flags.min_allocatable_resources = (char *)"cpus:1;mem:64|gpus:1|disk:5";
    assert_true(read(&setting, &error));
    assert_int_equal(setting.options.minimum_count, 3);
    assert_int_equal(quantities_milli(&setting.options.minima[0], NAME_MEM), 64000);
    assert_int_equal(quantities_milli(&setting.options.minima[1], NAME_GPUS), 1000);

    setting.flags.min_allocatable_resources = (char *)"";
    assert_true(read(&setting, &error));
    assert_int_equal(setting.options.minimum_count, 0);
    assert_true(setting.options.has_minima);
}

TEST(minima_that_make_no_sense_are_refused) {
    static const char many[] = "a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|a:1|"
                               "a:1";
    static const char *const wrong[] = {"cpus",    "cpus:x", "cpus:-1",       "|",
                                        "cpus:1|", "cpus:0", "cpus:1||mem:1", many};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error error;
        if (allocation_options_check_minima(wrong[i], &error))
            fail_msg("'%s' is taken", wrong[i]);
    }
}

TEST(excluded_names_are_joined_by_commas) {
    AUTO_FINI(free_setting) struct setting setting = presets();
    struct error error;
    setting.flags.fair_sharing_excluded_resource_names = (char *)"gpus, disk,,";

    assert_true(read(&setting, &error));

    assert_int_equal(setting.options.excluded_name_count, 2);
    assert_true(text_equal(setting.options.excluded_names[0], TEXT("gpus")));
    assert_true(text_equal(setting.options.excluded_names[1], TEXT("disk")));
}
