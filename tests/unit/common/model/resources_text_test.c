#include "common/base/mem.h"
#include "common/model/resources_text.h"

#include "tests/support/unit.h"

#include <stdlib.h>

/* Reads and prints; the caller frees it. */
static char *read_back(const char *text, const char *role) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct error error = {0};
    if (!resources_parse(kinds, text_of(text), text_of(role), &set, NULL, &error))
        return mem_dup_string(error.message);
    resources_print(&set, kinds, &out);
    return buf_take(&out, NULL);
}

#define assert_read(text, expected)                                                                \
    do {                                                                                           \
        char *shown = read_back((text), "*");                                                      \
        assert_string_equal(shown, (expected));                                                    \
        mem_free(shown);                                                                           \
    } while (0)

TEST(what_people_write_is_read_and_printed_alike) {
    assert_read("cpus:4;mem:2048;ports:[31000-32000]", "cpus:4;mem:2048;ports:[31000-32000]");
    assert_read(" cpus : 0.50 ; mem(web):1e3;", "cpus:0.5;mem(web):1000");
    assert_read("zones:{b, a}", "zones:{b,a}");
    assert_read("", "");
    assert_read(";;", "");
    assert_read("cpus:1.125;cpus:2", "cpus:3.125");
    assert_read("ports:[5-6, 1-4,9-9]", "ports:[1-6,9-9]");
}

TEST(amounts_of_nothing_are_not_in_the_set) {
    assert_read("cpus:0;ports:[];mem:1", "mem:1");
}

TEST(a_default_role_is_for_what_names_none) {
    char *shown = read_back("cpus:1;mem(*):2;disk(ops):3", "web");
    assert_string_equal(shown, "mem:2;cpus(web):1;disk(ops):3");
    mem_free(shown);
}

TEST(a_fault_is_named_with_its_place) {
    assert_read("cpus", "at character 1: 'cpus' is not of the form name:value");
    assert_read("cpus:1:2", "at character 1: 'cpus:1:2' is not of the form name:value");
    assert_read("cpus:1; mem:", "at character 13: a value is missing");
    assert_read("mem:1;:5", "at character 7: a name is missing");
    assert_read("cpus:-1",
                "at character 1: '-1' is neither a number, nor ranges [1-9], nor a set {a,b}");
    assert_read("cpus:inf",
                "at character 1: 'inf' is neither a number, nor ranges [1-9], nor a set {a,b}");
    assert_read("cpus:0.0004", "at character 1: '0.0004' is too small or too large");
    assert_read("cpus:1e30", "at character 1: '1e30' is too small or too large");
    assert_read("cpus:1e-310", "at character 6: a number too close to 0");
    assert_read("gpus:1.5", "at character 1: gpus are whole");
    assert_read("ports:[1-2", "at character 7: [ without ] at the end");
    assert_read("ports:[1-2,3]", "at character 7: '3' is no range like 1-9");
    assert_read("ports:[9-2]", "at character 1: range [9-2] ends before it begins");
    assert_read("ports:[1-5,5-9]", "at character 1: ranges [1-5] and [5-9] overlap");
    assert_read("ports:[1-99999999999999999999]",
                "at character 7: '1-99999999999999999999' is no range like 1-9");
    assert_read("zones:{a,a}", "at character 1: an item is twice in a set");
    assert_read("cpus(a b):1", "at character 1: a reservation's role 'a b' has a space or a "
                               "control character");
    assert_read("cpus(a:1", "at character 1: ( without ) before the :");
    assert_read("cpus:1;cpus:[1-2]", "at character 8: 'cpus' has had another type");
}

TEST(what_is_mentioned_is_told_apart_from_what_is_there) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    AUTO_FINI(buf_fini) struct buf out = {0};
    struct machine machine = {.cpu_count = 8, .mem_bytes = 16ull << 30, .disk_bytes = 100ull << 30};
    uint32_t mentioned = 0;
    assert_true(resources_parse(kinds, TEXT("cpus:0;x:1"), TEXT("*"), &set, &mentioned, NULL));

    assert_int_equal(mentioned, 1u << NAME_CPUS);
    assert_true(resources_add_detected(kinds, &machine, mentioned, TEXT("*"), &set, NULL));

    resources_print(&set, kinds, &out);
    assert_string_equal(buf_string(&out), "mem:15360;disk:97280;ports:[31000-32000];x:1");
}

static int64_t detected_milli(struct machine machine, uint32_t kind) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    AUTO_FINI(resources_fini) struct resources set = {0};
    assert_true(resources_add_detected(kinds, &machine, 0, TEXT("*"), &set, NULL));
    return resources_scalar_milli(&set, kind);
}

TEST(a_small_machine_gives_half_and_an_unknown_one_a_little) {
    struct machine small = {.mem_bytes = 1500ull << 20, .disk_bytes = 9ull << 30};
    struct machine unknown = {0};

    assert_int_equal(detected_milli(small, KIND_MEM), 750 * 1000);
    assert_int_equal(detected_milli(small, KIND_DISK), 4608 * 1000);
    assert_int_equal(detected_milli(unknown, KIND_CPUS), 1000);
    assert_int_equal(detected_milli(unknown, KIND_MEM), 1024 * 1000);
    assert_int_equal(detected_milli(unknown, KIND_DISK), 10240 * 1000);
}

TEST(any_bytes_are_read_or_refused_and_nothing_else) {
    AUTO(kinds_free) struct kinds *kinds = kinds_new();
    struct rng rng = rng_for_test();
    static const char alphabet[] = "cpusmemorts():;[]{},-.0123456789e* \t";
    char text[40];
    for (int i = 0; i < 20000; i++) {
        AUTO_FINI(resources_fini) struct resources set = {0};
        size_t size = rng_below(&rng, sizeof(text));
        for (size_t at = 0; at < size; at++)
            text[at] = alphabet[rng_below(&rng, sizeof(alphabet))];
        struct error error = {0};
        if (!resources_parse(kinds, (struct text){text, size}, TEXT("*"), &set, NULL, &error))
            assert_true(error.message[0] != '\0');
    }
}
