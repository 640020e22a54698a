#include "common/storage/batch.h"

#include "tests/support/unit.h"

static void assert_is(const struct buf *batch, const char *expected) {
    AUTO_FINI(buf_fini) struct buf found = {0};
    struct text rest = buf_text(batch);
    struct batch_record record;
    while (batch_next(&rest, &record))
        buf_printf(&found, "%.*s%s%.*s;", TEXT_ARGS(record.key), record.is_removed ? "-" : "=",
                   TEXT_ARGS(record.value));
    assert_string_equal(buf_string(&found), expected);
}

TEST(a_batch_gives_its_records_back_in_order) {
    AUTO_FINI(buf_fini) struct buf batch = {0};

    batch_put(&batch, TEXT("a"), TEXT("1"));
    batch_remove(&batch, TEXT("b"));
    batch_put(&batch, TEXT("c"), TEXT(""));

    assert_is(&batch, "a=1;b-;c=;");
}

TEST(a_compact_batch_has_the_last_record_of_each_key_alone) {
    AUTO_FINI(buf_fini) struct buf batch = {0};
    batch_put(&batch, TEXT("a"), TEXT("1"));
    batch_put(&batch, TEXT("b"), TEXT("long ago"));
    batch_put(&batch, TEXT("a"), TEXT("two"));
    batch_remove(&batch, TEXT("b"));
    batch_put(&batch, TEXT("c"), TEXT("3"));
    batch_remove(&batch, TEXT("c"));
    batch_put(&batch, TEXT("c"), TEXT("four"));

    batch_compact(&batch);

    assert_is(&batch, "a=two;b-;c=four;");
    batch_compact(&batch);
    assert_is(&batch, "a=two;b-;c=four;");
}

TEST(an_empty_batch_stays_empty) {
    AUTO_FINI(buf_fini) struct buf batch = {0};

    batch_compact(&batch);

    assert_is(&batch, "");
}
