#include "agent/shell/detect.h"
#include "agent/shell/users.h"
#include "common/model/resources_text.h"
#include "common/wire/flags_json.h"
#include "tests/support/unit.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
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

/* --- --resources in JSON, --default_role, --domain --- */

/* What the flags make of it, printed; the error's message else. */
static const char *detected(const char *resources, const char *default_role) {
    static struct buf shown;
    struct kinds *kinds = kinds_new();
    struct resources total = {0};
    struct error error = {0};
    struct agent_flags flags = {
        .work_dir = "/tmp", .resources = (char *)resources, .default_role = (char *)default_role};
    buf_clear(&shown);
    if (detect_resources(kinds, &flags, &total, &error)) {
        resources_drop(&total, KIND_IS_REVOCABLE);
        resources_print(&total, kinds, &shown);
    } else {
        buf_append_string(&shown, error.message);
    }
    resources_fini(&total);
    kinds_free(kinds);
    return buf_string(&shown);
}

#define REST ";mem:1;disk:1;ports:[1-2]"
#define REST_JSON                                                                                  \
    ",{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}"                             \
    ",{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":2}]}}]"

TEST(static_reservations_are_taken_from_the_text_form) {
    assert_string_equal(detected("cpus:2;cpus(eng/db):4" REST, "*"),
                        "cpus:2;mem:1;disk:1;ports:[1-2];cpus(eng/db):4");
}

TEST(what_names_no_role_is_reserved_to_the_default_role_and_so_is_what_is_measured) {
    const char *shown = detected("cpus:2;cpus(ads):4;mem:1;ports:[1-2]", "eng");

    assert_non_null(
        strstr(shown, "cpus(eng):2;cpus(ads):4;mem(eng):1;ports(eng):[1-2];disk(eng):"));
}

TEST(resources_can_be_given_in_json_with_disks_and_static_reservations) {
    const char *shown = detected(
        " [{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1.5}},"
        "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2},"
        "\"reservations\":[{\"type\":\"STATIC\",\"role\":\"eng\"}]},"
        "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":7},\"role\":\"*\","
        "\"disk\":{\"source\":{\"type\":\"PATH\",\"path\":{\"root\":\"/var\"}}}},"
        "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":9},\"role\":\"db\","
        "\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/proc\"}}}}" REST_JSON,
        "*");

    assert_string_equal(shown, "cpus:1.5;mem:1;ports:[1-2];cpus(eng):2;disk:7;disk(db):9");
}

TEST(json_without_a_role_gets_the_default_role_and_an_explicit_star_does_not) {
    const char *shown =
        detected("[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}},"
                 "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":7},"
                 "\"role\":\"*\"}" REST_JSON,
                 "eng");

    assert_string_equal(shown, "disk:7;cpus(eng):1;mem(eng):1;ports(eng):[1-2]");
}

TEST(what_only_operations_make_is_refused_in_flags) {
    static const struct {
        const char *fields, *why;
    } wrong[] = {
        {"\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"eng\"}]", "a dynamic reservation"},
        {"\"role\":\"eng\",\"reservation\":{\"principal\":\"p\"}", "a dynamic reservation"},
        {"\"role\":\"eng\",\"disk\":{\"persistence\":{\"id\":\"v1\"},\"volume\":{"
         "\"container_path\":\"a\",\"mode\":\"RW\"}}",
         "a persistent volume"},
        {"\"revocable\":{}", "revocable"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        AUTO_FINI(buf_fini) struct buf json = {0}, expected = {0};
        buf_printf(&json, "[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},%s}]",
                   wrong[i].fields);
        buf_printf(&expected, "--resources: 'disk' is %s, which only frameworks and operators make",
                   wrong[i].why);
        assert_string_equal(detected(buf_string(&json), "*"), buf_string(&expected));
    }
}

TEST(json_that_is_none_or_names_what_does_not_exist_is_refused_with_the_place) {
    assert_non_null(strstr(detected("[{", "*"), "--resources: "));
    assert_non_null(strstr(detected("[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":"
                                    "1},\"colour\":1}]",
                                    "*"),
                           "there is no field resources.colour"));
    assert_non_null(
        strstr(detected("[{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}},"
                        "{\"name\":\"a\",\"type\":\"SET\",\"set\":{\"item\":[\"x\"]}}]",
                        "*"),
               "'a' is of two types"));
    assert_non_null(strstr(
        detected("[{\"name\":\"gpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0.5}}]", "*"),
        "gpus are whole"));
}

/* "REGION ZONE" or the error's message. */
static const char *domain_of(const char *flag) {
    static char shown[600];
    AUTO(arena_free) struct arena *arena = arena_new();
    struct text region, zone;
    struct error error = {0};
    if (domain_from_flag(arena, flag, &region, &zone, &error))
        snprintf(shown, sizeof(shown), "%.*s %.*s", TEXT_ARGS(region), TEXT_ARGS(zone));
    else
        snprintf(shown, sizeof(shown), "%s", error.message);
    return shown;
}

TEST(a_domain_is_a_region_and_a_zone_or_the_same_in_json) {
    assert_string_equal(domain_of(NULL), " ");
    assert_string_equal(domain_of("eu/rack 7"), "eu rack 7");
    assert_string_equal(domain_of("{\"fault_domain\":{\"region\":{\"name\":\"eu\"},"
                                  "\"zone\":{\"name\":\"a\"}}}"),
                        "eu a");
}

TEST(a_domain_that_is_none_is_refused) {
    assert_string_equal(domain_of("eu"), "--domain: its zone is empty");
    assert_string_equal(domain_of(""), "--domain: its region is empty");
    assert_non_null(strstr(domain_of("eu/a/b"), "--domain: its zone "));
    assert_string_equal(domain_of("{}"), "--domain: there is no fault_domain");
    assert_non_null(strstr(domain_of("{\"fault_domain\":{\"region\":{\"name\":\"eu\"}}}"), "zone"));
}

TEST(a_default_role_that_is_none_is_refused) {
    struct agent_flags flags;
    struct error error = {0};

    assert_int_equal(parse(&flags, "--default_role=a//b", &error), FLAGS_WRONG);
    drop(&flags);
    assert_int_equal(parse(&flags, NULL, &error), FLAGS_RUN);

    assert_string_equal(flags.default_role, "*");
    drop(&flags);
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
