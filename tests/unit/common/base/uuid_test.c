#include "common/base/uuid.h"
#include "tests/support/unit.h"

TEST(text_and_bytes_go_both_ways) {
    struct rng rng = rng_for_test();
    struct uuid uuid = uuid_random(&rng), parsed, copied;
    char text[UUID_TEXT_SIZE + 1];

    uuid_format(uuid, text);

    assert_true(uuid_parse(text_of(text), &parsed));
    assert_true(uuid_equal(uuid, parsed));
    assert_true(uuid_from_bytes(uuid_text(&uuid), &copied));
    assert_true(uuid_equal(uuid, copied));
    assert_int_equal(text[14], '4');
}

TEST(other_texts_are_refused) {
    struct uuid uuid;

    assert_false(uuid_parse(TEXT("3f2504e0-4f89-41d3-9a0c-0305e82c330"), &uuid));
    assert_false(uuid_parse(TEXT("3f2504e0+4f89-41d3-9a0c-0305e82c3301"), &uuid));
    assert_false(uuid_parse(TEXT("3f2504e0-4f89-41d3-9a0c-0305e82c330g"), &uuid));
    assert_false(uuid_from_bytes(TEXT("short"), &uuid));
}
