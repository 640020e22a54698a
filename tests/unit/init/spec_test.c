#include "init/spec.h"
#include "common/base/buf.h"
#include "tests/support/unit.h"

/* Blocks as an agent writes them, and as it would never. */
static void put_field(struct buf *block, uint32_t tag, const void *payload, size_t size) {
    struct spec_field field = {tag, (uint32_t)size};
    static const char zeros[8];
    buf_append(block, &field, sizeof(field));
    buf_append(block, payload, size);
    buf_append(block, zeros, spec_padded(size) - size);
}

static void put_head(struct buf *block) {
    struct spec_head head = {SPEC_MAGIC, 0};
    struct spec_numbers numbers = {.uid = 7, .gid = 8, .log_half_bytes = 4096};
    buf_append(block, &head, sizeof(head));
    put_field(block, SPEC_NUMBERS, &numbers, sizeof(numbers));
    put_field(block, SPEC_SANDBOX, "/s", 3);
    put_field(block, SPEC_ARGUMENT, "echo", 5);
    put_field(block, SPEC_VARIABLE, "A=1", 4);
    put_field(block, SPEC_ARGUMENT, "x", 2);
}

static bool parse(struct buf *block, char **pointers, size_t room, struct spec *out) {
    struct spec_head head = {SPEC_MAGIC, (uint32_t)block->size};
    size_t count = 0;
    memcpy(block->data, &head, sizeof(head));
    if (!spec_count_pointers(block->data, block->size, &count))
        return false;
    assert_true(count <= room);
    return spec_parse(block->data, block->size, pointers, out);
}

TEST(a_block_gives_back_what_was_put_in) {
    AUTO_FINI(buf_fini) struct buf block = {0};
    char *pointers[16] = {NULL};
    struct spec spec = {0};
    put_head(&block);

    assert_true(parse(&block, pointers, 16, &spec));

    assert_int_equal(spec.numbers.uid, 7);
    assert_string_equal(spec.sandbox, "/s");
    assert_string_equal(spec.arguments[0], "echo");
    assert_string_equal(spec.arguments[1], "x");
    assert_null(spec.arguments[2]);
    assert_string_equal(spec.variables[0], "A=1");
    assert_null(spec.variables[1]);
    assert_null(spec.hostname);
}

TEST(a_grace_below_zero_is_refused) {
    AUTO_FINI(buf_fini) struct buf block = {0};
    struct spec_numbers numbers = {.log_half_bytes = 4096, .stop_grace_ms = -1};
    char *pointers[16];
    struct spec spec;
    put_head(&block);

    put_field(&block, SPEC_NUMBERS, &numbers, sizeof(numbers));

    assert_false(parse(&block, pointers, 16, &spec));
}

TEST(a_block_cut_anywhere_is_refused_or_whole) {
    char *pointers[16];
    struct spec spec;
    AUTO_FINI(buf_fini) struct buf whole = {0};
    put_head(&whole);

    for (size_t size = sizeof(struct spec_head); size < whole.size; size++) {
        AUTO_FINI(buf_fini) struct buf cut = {0};
        buf_append(&cut, whole.data, size);
        if (parse(&cut, pointers, 16, &spec))
            assert_string_equal(spec.arguments[0], "echo");
    }
}

TEST(a_string_without_its_nul_an_unknown_tag_and_a_huge_size_are_refused) {
    static const struct {
        uint32_t tag;
        const char *payload;
        size_t size;
    } bad[] = {{SPEC_HOSTNAME, "box", 3},
               {SPEC_HOSTNAME, "a\0b", 4},
               {99, "", 0},
               {SPEC_RLIMITS, "12345", 5},
               {SPEC_NUMBERS, "x", 1}};
    char *pointers[16];
    struct spec spec;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_FINI(buf_fini) struct buf block = {0};
        put_head(&block);
        put_field(&block, bad[i].tag, bad[i].payload, bad[i].size);
        assert_false(parse(&block, pointers, 16, &spec));
    }
    AUTO_FINI(buf_fini) struct buf block = {0};
    struct spec_field huge = {SPEC_HOSTNAME, UINT32_MAX};
    put_head(&block);
    buf_append(&block, &huge, sizeof(huge));
    assert_false(parse(&block, pointers, 16, &spec));
}

/* A mount with these strings, each with the NUL that the size counts. */
static bool mount_is_taken(const char *strings, size_t size, uint32_t target_at) {
    AUTO_FINI(buf_fini) struct buf block = {0}, payload = {0};
    struct spec_mount mount = {.device = 1, .inode = 2, .flags = SPEC_MOUNT_READ_ONLY};
    char *pointers[16];
    struct spec spec;
    mount.target_at = target_at;
    buf_append(&payload, &mount, sizeof(mount));
    buf_append(&payload, strings, size);
    put_head(&block);
    put_field(&block, SPEC_MOUNT, payload.data, payload.size);
    return parse(&block, pointers, 16, &spec) && spec.mount_count == 1;
}

TEST(a_mount_must_stay_below_the_sandbox) {
    static const struct {
        const char *strings;
        size_t size;
        uint32_t target_at;
    } bad[] = {
        {"/v\0..", 6, 3},   {"/v\0a/..", 8, 3}, {"/v\0/a", 6, 3},  {"/v\0a//b", 8, 3},
        {"/v\0a/", 6, 3},   {"/v\0.", 5, 3},    {"/v\0", 4, 3},    {"v\0a", 4, 2},
        {"/v\0a", 5, 0},    {"/v\0a", 5, 5},    {"/v\0a", 5, 900}, {"/v\0ab", 5, 3},
        {"/v\0a\0b", 7, 3},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(mount_is_taken(bad[i].strings, bad[i].size, bad[i].target_at));

    assert_true(mount_is_taken("/v\0a/...b", 10, 3));
}

TEST(more_mounts_than_the_limit_are_refused) {
    AUTO_FINI(buf_fini) struct buf block = {0}, payload = {0};
    struct spec_mount mount = {.target_at = 3};
    char *pointers[16];
    struct spec spec;
    buf_append(&payload, &mount, sizeof(mount));
    buf_append(&payload, "/v\0a", 5);
    put_head(&block);
    for (int i = 0; i < SPEC_MOUNTS_LIMIT; i++)
        put_field(&block, SPEC_MOUNT, payload.data, payload.size);

    assert_true(parse(&block, pointers, 16, &spec));
    assert_int_equal(spec.mount_count, SPEC_MOUNTS_LIMIT);
    put_field(&block, SPEC_MOUNT, payload.data, payload.size);

    assert_false(parse(&block, pointers, 16, &spec));
}

TEST(random_damage_never_leads_outside_the_block) {
    struct rng rng = rng_for_test();
    char *pointers[64];
    struct spec spec;

    struct spec_mount mount = {.target_at = 3};
    char payload[sizeof(mount) + 5];
    memcpy(payload, &mount, sizeof(mount));
    memcpy(payload + sizeof(mount), "/v\0a", 5);
    for (int round = 0; round < 20000; round++) {
        AUTO_FINI(buf_fini) struct buf block = {0};
        put_head(&block);
        put_field(&block, SPEC_MOUNT, payload, sizeof(payload));
        for (int i = 0; i < 3; i++)
            block.data[rng_below(&rng, block.size)] = (char)rng_below(&rng, 256);
        parse(&block, pointers, 64, &spec);
    }
}
