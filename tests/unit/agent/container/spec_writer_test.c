#include "agent/container/spec_writer.h"
#include "common/base/mem.h"
#include "init/spec.h"
#include "tests/support/unit.h"

static struct container_spec good_spec(void) {
    return (struct container_spec){
        .id = TEXT("c-1"), .sandbox = "/work/c-1", .shell = "true", .uid = 5, .gid = 6};
}

static const struct spec_place place = {.sandbox = "/work/c-1", .cgroup_count = 4};

TEST(what_is_written_is_what_init_reads) {
    AUTO_FINI(buf_fini) struct buf block = {0};
    struct container_spec given = good_spec();
    given.environment = (const char *const[]){"A=1", NULL};
    char *pointers[16];
    struct spec read;

    assert_true(spec_check(&given, NULL));
    assert_true(spec_write(&given, &place, &block, NULL));
    assert_true(spec_parse(block.data, block.size, pointers, &read));

    assert_int_equal(read.numbers.uid, 5);
    assert_int_equal(read.numbers.cgroup_count, 4);
    assert_string_equal(read.arguments[0], "/bin/sh");
    assert_string_equal(read.arguments[2], "true");
    assert_string_equal(read.variables[0], "A=1");
    assert_true(strncmp(read.variables[1], "PATH=", 5) == 0);
}

TEST(a_lease_is_written_with_its_grace_and_no_lease_is_none) {
    AUTO_FINI(buf_fini) struct buf bound = {0};
    AUTO_FINI(buf_fini) struct buf unbound = {0};
    struct container_spec given = good_spec();
    struct spec_place rootless = place;
    char *pointers[16];
    struct spec read;
    rootless.rootless = true;

    assert_true(spec_write(&given, &place, &unbound, NULL));
    assert_true(spec_parse(unbound.data, unbound.size, pointers, &read));
    assert_int_equal(read.numbers.flags, 0);
    given.stop_at_ms = 4711;
    given.stop_grace_ms = 3000;
    assert_true(spec_check(&given, NULL));
    assert_true(spec_write(&given, &rootless, &bound, NULL));
    assert_true(spec_parse(bound.data, bound.size, pointers, &read));

    assert_int_equal(read.numbers.flags, SPEC_FLAG_LEASED | SPEC_FLAG_ROOTLESS);
    assert_int_equal(read.numbers.stop_grace_ms, 3000);
    given.stop_grace_ms = -1;
    assert_false(spec_check(&given, NULL));
}

TEST(mounts_are_written_with_what_was_opened_and_where_they_go) {
    AUTO_FINI(buf_fini) struct buf block = {0};
    static const struct container_mount mounts[] = {
        {.source = "/x/../v1", .target = "data/db", .read_only = true},
        {.source = "/v2", .target = "more"}};
    static const struct spec_source sources[] = {{"/v1", 7, 8}, {"/v2", 7, 9}};
    struct container_spec given = good_spec();
    struct spec_place with_sources = place;
    char *pointers[16];
    struct spec read;
    given.mounts = mounts;
    given.mount_count = 2;
    with_sources.sources = sources;

    assert_true(spec_check(&given, NULL));
    assert_true(spec_write(&given, &with_sources, &block, NULL));
    assert_true(spec_parse(block.data, block.size, pointers, &read));

    assert_int_equal(read.mount_count, 2);
    assert_string_equal(spec_mount_source(read.mounts[0]), "/v1");
    assert_string_equal(spec_mount_target(read.mounts[0]), "data/db");
    assert_int_equal(read.mounts[0]->flags, SPEC_MOUNT_READ_ONLY);
    assert_int_equal(read.mounts[1]->device, 7);
    assert_int_equal(read.mounts[1]->inode, 9);
    assert_int_equal(read.mounts[1]->flags, 0);
}

TEST(a_mount_that_leaves_the_sandbox_is_refused) {
    static const char *const bad[] = {"", "/data", "..", "a/../b", "a/.", "a//b", "a/"};
    struct container_mount mount = {.source = "/v"};
    struct container_spec spec = good_spec();
    spec.mounts = &mount;
    spec.mount_count = 1;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mount.target = bad[i];
        assert_false(spec_check(&spec, NULL));
    }
    mount.target = "data";
    mount.source = "v";
    assert_false(spec_check(&spec, NULL));
}

TEST(ids_that_could_leave_their_directory_are_refused) {
    static const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "a b", "a\n"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(spec_is_id(text_of(bad[i])));
    assert_false(spec_is_id((struct text){"a\0b", 3}));
    assert_true(spec_is_id(TEXT("0a-B_c.d:e")));
}

TEST(a_spec_with_two_commands_or_none_is_refused) {
    struct container_spec both = good_spec(), none = good_spec();
    both.argv = (const char *const[]){"true", NULL};
    none.shell = NULL;

    assert_false(spec_check(&both, NULL));
    assert_false(spec_check(&none, NULL));
}

TEST(a_spec_beyond_its_limits_is_refused_with_a_line_that_says_so) {
    AUTO_FINI(buf_fini) struct buf block = {0};
    struct error error = {0};
    struct container_spec spec = good_spec();
    char *long_command = mem_alloc(CONTAINER_SPEC_LIMIT_BYTES + 2);
    memset(long_command, 'x', CONTAINER_SPEC_LIMIT_BYTES + 1);
    spec.shell = long_command;

    assert_false(spec_write(&spec, &place, &block, &error));

    assert_int_equal(error.code, ERROR_LIMIT);
    mem_free(long_command);
}

TEST(half_of_a_log_cap_has_a_default_and_a_least) {
    assert_int_equal(container_log_half_bytes(0), 50 << 20);
    assert_int_equal(container_log_half_bytes(1), 4096);
    assert_int_equal(container_log_half_bytes(20000), 10000);
}
