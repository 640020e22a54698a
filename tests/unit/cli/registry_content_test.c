#include "cli/registry_content.h"

#include "common/wire/base64.h"
#include "common/wire/messages.h"
#include "tests/support/unit.h"

static void add(struct registry_content *content, const char *key, struct text value) {
    assert_true(registry_content_add(content, text_of(key), value, NULL));
}

static void add_role(struct registry_content *content, const char *key, const char *name) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct registry_record record = {.kind = REGISTRY_ROLE};
    record.role.name = text_of(name);
    record.role.weight_milli = 2000;
    registry_record_encode(&(struct wire){0}, &record, &bytes);
    add(content, key, buf_text(&bytes));
}

static void print_all(const struct registry_content *content, struct buf *out) {
    VEC_EACH(pair, &content->pairs)
        registry_line_print(content, pair, out);
    registry_line_print(content, NULL, out);
}

TEST(a_dump_reads_as_what_it_was_made_from_whatever_the_bytes) {
    AUTO_FINI(registry_content_fini) struct registry_content content, again;
    AUTO_FINI(buf_fini) struct buf dump = {0};
    struct error error;
    registry_content_init(&content);
    registry_content_init(&again);
    add_role(&content, "role/eng", "eng");
    add(&content, "unknown/\"\n", (struct text){"\0\xff\x80 of a newer version", 23});
    add(&content, "unknown/\xff", TEXT(""));
    assert_true(registry_content_sort(&content, &error));

    print_all(&content, &dump);

    if (!registry_content_parse(buf_text(&dump), &again, &error))
        fail_msg("%s", error.message);
    assert_true(registry_content_equal(&content, &again, &error));
    assert_non_null(strstr(buf_string(&dump), "\"weight_milli\":2000"));
}

static void assert_refused(const char *dump, const char *why) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    struct error error = {0};
    registry_content_init(&content);
    assert_false(registry_content_parse(text_of(dump), &content, &error));
    if (strstr(error.message, why) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, why);
}

#define EMPTY_END "{\"end\": true, \"records\": 0, \"crc32c\": \"00000000\"}\n"

TEST(what_is_no_whole_dump_is_refused_with_the_line) {
    assert_refused("", "not the whole dump");
    assert_refused("{\"key\": \"a\", \"value\": \"AA==\"}\n", "not the whole dump");
    assert_refused("{\"key\": \"a\", \"value\": \"AA==\"}\n" EMPTY_END, "line 2: the last line");
    assert_refused("{\"end\": true, \"records\": 0, \"crc32c\": \"00000001\"}\n", "the sum");
    assert_refused(EMPTY_END EMPTY_END, "line 2: something comes behind");
    assert_refused("nonsense\n", "line 1: ");
    assert_refused("[]\n", "line 1: no JSON object");
    assert_refused("{\"value\": \"AA==\"}\n", "no 'key'");
    assert_refused("{\"key\": \"a\"}\n", "no 'value'");
    assert_refused("{\"key\": \"a\", \"value\": \"?\"}\n", "no 'value' in base64");
}

TEST(a_key_that_is_there_twice_is_refused) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    struct error error;
    registry_content_init(&content);
    add(&content, "a", TEXT("1"));
    add(&content, "b", TEXT("2"));
    add(&content, "a", TEXT("3"));

    assert_false(registry_content_sort(&content, &error));
    assert_non_null(strstr(error.message, "'a' is there twice"));
}

TEST(contents_differ_by_a_key_or_a_value) {
    AUTO_FINI(registry_content_fini) struct registry_content a, b;
    struct error error;
    registry_content_init(&a);
    registry_content_init(&b);
    add(&a, "x", TEXT("1"));
    assert_false(registry_content_equal(&a, &b, &error));
    assert_false(registry_content_equal(&b, &a, &error));
    add(&b, "x", TEXT("2"));
    assert_false(registry_content_equal(&a, &b, &error));
    assert_non_null(strstr(error.message, "'x' differs"));
}

TEST(a_check_counts_kinds_and_names_what_is_wrong) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    AUTO_FINI(buf_fini) struct buf complaints = {0};
    size_t counts[REGISTRY_KINDS] = {0};
    registry_content_init(&content);
    add_role(&content, "role/eng", "eng");
    add_role(&content, "role/ops", "eng");
    add_role(&content, "agent/S1", "eng");
    add(&content, "gone/S2", TEXT("\x08\x02"));
    add(&content, "gone/S3", TEXT("\xff"));

    assert_int_equal(registry_content_check(&content, counts, &complaints), 4);

    assert_int_equal(counts[REGISTRY_ROLE], 3);
    assert_int_equal(counts[0], 2);
    assert_null(strstr(buf_string(&complaints), "role/eng:"));
    assert_non_null(strstr(buf_string(&complaints), "role/ops: its bytes are of 'eng'"));
    assert_non_null(strstr(buf_string(&complaints), "agent/S1: its bytes are of the kind role"));
    assert_non_null(strstr(buf_string(&complaints), "gone/S2: a record of format 2"));
    assert_non_null(strstr(buf_string(&complaints), "gone/S3: "));
}

TEST(a_record_whose_bytes_have_changed_since_they_were_written_is_wrong_and_named) {
    AUTO_FINI(registry_content_fini) struct registry_content content;
    AUTO_FINI(buf_fini) struct buf bytes = {0}, complaints = {0};
    size_t counts[REGISTRY_KINDS] = {0};
    struct registry_record record = {.kind = REGISTRY_MASTER, .master_id = TEXT("n1")};
    struct error error;
    registry_content_init(&content);
    add_role(&content, "role/eng", "eng");
    add(&content, "gone/S2", TEXT("\x08\x02 of a newer version"));
    assert_true(registry_content_check_sums(&content, &error));
    registry_record_encode(&(struct wire){0}, &record, &bytes);
    *(char *)memmem(bytes.data, bytes.size, "n1", 2) = 'm';
    add(&content, "master", buf_text(&bytes));

    assert_false(registry_content_check_sums(&content, &error));
    assert_int_equal(registry_content_check(&content, counts, &complaints), 2);

    assert_non_null(strstr(error.message, "record 'master': damaged: CRC32C "));
    assert_non_null(strstr(buf_string(&complaints), "master: damaged: CRC32C "));
}
