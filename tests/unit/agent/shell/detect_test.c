#include "agent/shell/detect.h"
#include "agent/shell/users.h"
#include "common/model/resources_text.h"
#include "tests/support/unit.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static struct flag_arguments arguments;

/* What these words make of the flags; --master and --work_dir are given. */
static enum flags_outcome parse(struct agent_flags *flags, const char *word, struct error *error) {
    char *argv[] = {"--master=h", "--work_dir=/tmp/x///", (char *)word, NULL};
    *flags = (struct agent_flags){0};
    struct flag_table table = agent_flag_table(flags);
    return flags_parse(&table, word != NULL ? 3 : 2, argv, NULL, &arguments, error);
}

static void drop(struct agent_flags *flags) {
    struct flag_table table = agent_flag_table(flags);
    flags_fini(&table, &arguments);
    arguments = (struct flag_arguments){0};
}

TEST(every_preset_of_the_command_line_can_be_read) {
    struct agent_flags flags;
    struct error error = {0};

    assert_int_equal(parse(&flags, NULL, &error), FLAGS_RUN);

    assert_int_equal(flags.port, 5051);
    assert_string_equal(flags.ip, "127.0.0.1");
    assert_int_equal(flags.gc_delay_ms, 7 * 24 * 3600 * 1000LL);
    assert_int_equal(flags.container_log_bytes, 100 << 20);
    drop(&flags);
}

TEST(values_out_of_range_are_refused) {
    static const char *const wrong[] = {
        "--port=65536",    "--gc_disk_headroom=2", "--gc_delay=-1secs",      "--logging_level=loud",
        "--log=/dev/null", "--container_pids=-1",  "--container_log_bytes=", "--work_dir=here"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct agent_flags flags;
        struct error error = {0};
        if (parse(&flags, wrong[i], &error) != FLAGS_WRONG)
            fail_msg("%s is taken", wrong[i]);
        drop(&flags);
    }
}

TEST(defaults_that_depend_on_others_are_filled_in) {
    struct agent_flags flags;
    struct error error = {0};
    char name[256] = {0};
    gethostname(name, sizeof(name) - 1);
    parse(&flags, NULL, &error);

    assert_true(detect_defaults(&flags, &error));

    assert_string_equal(flags.work_dir, "/tmp/x");
    bool has_run = access("/run", W_OK) == 0;
    assert_string_equal(flags.runtime_dir, has_run ? "/run/mesos/tmp-x" : "/tmp/x/run");
    assert_string_equal(flags.hostname, name);
    drop(&flags);
}

TEST(what_is_not_named_is_measured) {
    struct kinds *kinds = kinds_new();
    struct resources total = {0};
    AUTO_FINI(buf_fini) struct buf shown = {0};
    struct error error = {0};
    struct agent_flags flags = {.work_dir = "/tmp", .resources = "cpus:3;ports:[1-2]"};

    assert_true(detect_resources(kinds, &flags, &total, &error));

    resources_print(&total, kinds, &shown);
    assert_non_null(strstr(buf_string(&shown), "cpus:3"));
    assert_non_null(strstr(buf_string(&shown), "mem:"));
    assert_non_null(strstr(buf_string(&shown), "disk:"));
    assert_non_null(strstr(buf_string(&shown), "ports:[1-2]"));
    resources_fini(&total);
    kinds_free(kinds);
}

TEST(resources_and_attributes_that_cannot_be_read_name_their_flag) {
    struct kinds *kinds = kinds_new();
    struct resources total = {0};
    struct error error = {0};
    struct agent_flags flags = {.work_dir = "/tmp", .resources = "cpus:-1"};

    assert_false(detect_resources(kinds, &flags, &total, &error));
    assert_non_null(strstr(error.message, "--resources"));
    assert_false(detect_attributes("x", &error));
    assert_non_null(strstr(error.message, "--attributes"));

    assert_true(detect_attributes(NULL, &error));
    assert_true(detect_attributes("", &error));
    kinds_free(kinds);
}

TEST(a_boot_has_an_id_that_stays) {
    char first[64], second[64];
    struct error error = {0};

    assert_true(detect_boot_id(first, &error) && detect_boot_id(second, &error));

    assert_int_equal(strlen(first), 36);
    assert_string_equal(first, second);
}

TEST(users_are_found_by_name_with_their_groups) {
    struct user user;
    struct error error = {0};

    assert_true(user_find("root", &user, &error));

    assert_int_equal(user.uid, 0);
    assert_int_equal(user.gid, 0);
    assert_true(user.group_count >= 1);
}

TEST(a_user_that_does_not_exist_is_said_to_be_missing) {
    struct user user;
    struct error error = {0};

    assert_false(user_find("no-such-user", &user, &error));

    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.message, "user 'no-such-user' does not exist on this machine");
}
