#include "common/model/constraints.h"

#include "common/base/mem.h"
#include "common/model/pattern.h"
#include "tests/support/unit.h"

#include <time.h>

static bool matches(const char *regex, const char *subject) {
    struct error error;
    AUTO(pattern_free) struct pattern *pattern = pattern_new(text_of(regex), &error);
    if (pattern == NULL)
        fail_msg("%s", error.message);
    return pattern_match(pattern, text_of(subject), PATTERN_STEPS) == PATTERN_YES;
}

static void assert_refused(const char *regex, const char *part) {
    struct error error = {0};
    AUTO(pattern_free) struct pattern *pattern = pattern_new(text_of(regex), &error);
    if (pattern != NULL)
        fail_msg("accepted: %s", regex);
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, part);
}

/* --- patterns --- */

TEST(a_regex_matches_the_whole_text) {
    assert_true(matches("rack-[0-9]+", "rack-17"));
    assert_false(matches("rack-[0-9]+", "rack-17b"));
    assert_false(matches("rack-[0-9]+", "my-rack-17"));
    assert_true(matches("a|ab", "ab"));
    assert_true(matches("", ""));
    assert_false(matches("", "a"));
}

TEST(a_newline_at_the_end_is_no_end) {
    assert_false(matches("rack$", "rack\n"));
    assert_false(matches("rack.", "rack\n"));
}

TEST(what_RE2_has_is_taken) {
    assert_true(matches("\\p{L}+", "abc"));
    assert_true(matches("\\P{L}+\\x{2014}+", "12\xe2\x80\x94"));
    assert_true(matches("(?i)GPU-(?:a|b)\\d{2,3}\\.example\\.com", "gpu-a123.EXAMPLE.com"));
    assert_true(matches("(?P<row>[[:alpha:]]+)-\\Q(x)\\E", "row-(x)"));
    assert_true(matches("[]a^-]+", "]a^-"));
    assert_true(matches("[^]]+", "abc"));
    assert_true(matches("\\x41\\pL.*?", "A\xc3\xa4x"));
    assert_true(matches("a{x}", "a{x}"));
    assert_true(matches("[(?=)*+]+", "(?=)*+"));
    assert_true(matches("\\(\\?=\\)", "(?=)"));
}

TEST(what_RE2_lacks_is_refused_by_name) {
    assert_refused("(a)\\1", "escape");
    assert_refused("(?<n>a)\\k<n>", "group");
    assert_refused("(?P<n>a)\\k<n>", "escape");
    assert_refused("(?P<n>a)(?P=n)", "group");
    assert_refused("a(?=b)", "group");
    assert_refused("a(?!b)", "group");
    assert_refused("(?<=a)b", "group");
    assert_refused("(?>a)b", "group");
    assert_refused("(?R)", "group");
    assert_refused("(?1)", "group");
    assert_refused("(?C1)", "group");
    assert_refused("(?(1)a|b)", "group");
    assert_refused("(?|a|b)", "group");
    assert_refused("(*LIMIT_MATCH=4000000000)a", "verb");
    assert_refused("(*UCP)a", "verb");
    assert_refused("a(*SKIP)b", "verb");
    assert_refused("a++", "possessive");
    assert_refused("a{2}+", "possessive");
    assert_refused("\\Ka", "escape");
    assert_refused("\\R", "escape");
    assert_refused("\\g{1}", "escape");
    assert_refused("\\C", "escape");
}

TEST(what_is_no_regex_is_refused_with_the_place) {
    assert_refused("(a", "parenthesis");
    assert_refused("a\\", "\\");
    assert_refused("[a", "class");
    assert_refused("*a", "character");
    assert_refused("\xff", "UTF-8");
}

TEST(what_would_grow_too_large_is_refused) {
    char nested[2 * (PATTERN_NESTING_LIMIT + 2) + 1] = "";
    for (int i = 0; i < PATTERN_NESTING_LIMIT + 2; i++) {
        nested[i] = '(';
        nested[i + PATTERN_NESTING_LIMIT + 2] = ')';
    }
    char *lengthy = mem_alloc(PATTERN_BYTES_LIMIT + 2);
    memset(lengthy, 'a', PATTERN_BYTES_LIMIT + 1);

    assert_refused("a{1001}", "1000 times");
    assert_refused("a{99999999999999999999}", "1000 times");
    assert_refused("((a{100}){100}){100}", "large");
    assert_refused("((?:abcdefgh){1000}){10}", "large");
    assert_refused(nested, "nested");
    assert_refused(lengthy, "1024");
    mem_free(lengthy);
}

/* Processor time of this thread, so that a busy machine changes nothing. */
static int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

TEST(no_regex_takes_long) {
    static const char *const evil[] = {
        "(a+)+b",
        "(a|a)*b",
        "(a*)*b",
        "(.*a){20}b",
        "(?:a?){25}a{25}b",
        "((a|aa)+)+c",
        "(.*)(.*)(.*)(.*)(.*)x",
    };
    char subject[PATTERN_SUBJECT_BYTES_LIMIT + 1];
    memset(subject, 'a', sizeof(subject) - 1);
    subject[sizeof(subject) - 1] = '\0';
    for (size_t i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
        AUTO(pattern_free) struct pattern *pattern = pattern_new(text_of(evil[i]), NULL);
        assert_non_null(pattern);
        int64_t began_ns = cpu_ns();

        assert_int_not_equal(pattern_match(pattern, text_of(subject), PATTERN_STEPS), PATTERN_YES);

        assert_true(cpu_ns() - began_ns < INT64_C(200000000)); /* a sanitizer's share included */
    }
}

TEST(a_text_that_is_too_long_is_left_undecided) {
    AUTO(pattern_free) struct pattern *pattern = pattern_new(TEXT(".*"), NULL);
    char *subject = mem_alloc(PATTERN_SUBJECT_BYTES_LIMIT + 2);
    memset(subject, 'a', PATTERN_SUBJECT_BYTES_LIMIT + 1);

    assert_int_equal(pattern_match(pattern, text_of(subject), PATTERN_STEPS), PATTERN_UNDECIDED);
    mem_free(subject);
}

TEST(whatever_the_bytes_are_a_pattern_is_taken_or_refused) {
    static const char alphabet[] = "ab01(){}[]*+?|\\.^$,-:<>P=!#iQE\xc3\xa4\xff";
    struct rng rng = rng_for_test();
    size_t taken = 0;

    for (int round = 0; round < 20000; round++) {
        char regex[24];
        size_t size = (size_t)rng_below(&rng, sizeof(regex));
        for (size_t i = 0; i < size; i++)
            regex[i] = alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
        struct error error = {0};
        AUTO(pattern_free)
        struct pattern *pattern = pattern_new((struct text){regex, size}, &error);
        if (pattern == NULL) {
            assert_int_not_equal(error.code, ERROR_NONE);
            continue;
        }
        taken++;
        pattern_match(pattern, TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0b1-ab"), PATTERN_STEPS);
    }
    assert_true(taken > 100);
}

/* --- constraints --- */

#define ATTRIBUTE(name, what, text)                                                                \
    {                                                                                              \
        CONSTRAINT_ATTRIBUTE, {(name), sizeof(name) - 1}, (what), {                                \
            (text), sizeof(text) - 1                                                               \
        }                                                                                          \
    }

static bool admitted(const struct constraint_term *terms, size_t count, const char *attributes) {
    struct constraint_group group = {terms, count};
    struct role_constraints role = {.groups = &group, .group_count = 1};
    struct error error;
    AUTO(constraints_free) struct constraints *constraints = constraints_new(&role, &error);
    if (constraints == NULL)
        fail_msg("%s", error.message);
    AUTO_FINI(attributes_fini) struct attributes parsed = {0};
    if (attributes[0] != '\0' && !attributes_parse(text_of(attributes), &parsed, &error))
        fail_msg("%s", error.message);
    struct constrained_agent agent = {&parsed, TEXT("gpu-7"), TEXT("eu"), {0}};
    return constraints_admit(constraints, &agent);
}

static bool one(enum constraint_predicate predicate, const char *value, const char *attributes) {
    struct constraint_term term = {CONSTRAINT_ATTRIBUTE, TEXT("rack"), predicate, text_of(value)};
    return admitted(&term, 1, attributes);
}

TEST(an_attribute_exists_or_not) {
    assert_true(one(CONSTRAINT_EXISTS, "", "rack:r1"));
    assert_true(one(CONSTRAINT_EXISTS, "", "rack:7"));
    assert_false(one(CONSTRAINT_EXISTS, "", "row:r1"));
    assert_false(one(CONSTRAINT_NOT_EXISTS, "", "rack:r1"));
    assert_true(one(CONSTRAINT_NOT_EXISTS, "", ""));
}

TEST(a_text_is_compared_and_matched) {
    assert_true(one(CONSTRAINT_TEXT_EQUALS, "r1", "rack:r1"));
    assert_false(one(CONSTRAINT_TEXT_EQUALS, "r", "rack:r1"));
    assert_false(one(CONSTRAINT_TEXT_NOT_EQUALS, "r1", "rack:r1"));
    assert_true(one(CONSTRAINT_TEXT_NOT_EQUALS, "r2", "rack:r1"));
    assert_true(one(CONSTRAINT_TEXT_MATCHES, "r[12]", "rack:r1"));
    assert_false(one(CONSTRAINT_TEXT_MATCHES, "r", "rack:r1"));
    assert_false(one(CONSTRAINT_TEXT_NOT_MATCHES, "r.", "rack:r1"));
    assert_true(one(CONSTRAINT_TEXT_NOT_MATCHES, "q.", "rack:r1"));
}

TEST(what_is_not_there_is_equal_to_nothing) {
    assert_false(one(CONSTRAINT_TEXT_EQUALS, "r1", ""));
    assert_false(one(CONSTRAINT_TEXT_MATCHES, ".*", ""));
    assert_true(one(CONSTRAINT_TEXT_NOT_EQUALS, "r1", ""));
    assert_true(one(CONSTRAINT_TEXT_NOT_MATCHES, ".*", ""));
}

TEST(what_is_no_text_meets_every_text_predicate) {
    for (int predicate = CONSTRAINT_TEXT_EQUALS; predicate <= CONSTRAINT_TEXT_NOT_MATCHES;
         predicate++) {
        assert_true(one((enum constraint_predicate)predicate, "7", "rack:7"));
        assert_true(one((enum constraint_predicate)predicate, "x", "rack:[1-3]"));
    }
}

TEST(the_first_attribute_of_a_name_counts) {
    assert_true(one(CONSTRAINT_TEXT_EQUALS, "r1", "rack:r1;rack:r2"));
    assert_false(one(CONSTRAINT_TEXT_EQUALS, "r2", "rack:r1;rack:r2"));
}

TEST(hostname_region_and_zone_can_be_named) {
    struct constraint_term host = {.subject = CONSTRAINT_HOSTNAME,
                                   .predicate = CONSTRAINT_TEXT_MATCHES,
                                   .value = TEXT("gpu-.*")};
    struct constraint_term region = {
        .subject = CONSTRAINT_REGION, .predicate = CONSTRAINT_TEXT_EQUALS, .value = TEXT("eu")};
    struct constraint_term zone = {.subject = CONSTRAINT_ZONE, .predicate = CONSTRAINT_EXISTS};

    assert_true(admitted(&host, 1, ""));
    assert_true(admitted(&region, 1, ""));
    assert_false(admitted(&zone, 1, ""));
}

TEST(all_of_a_group_must_hold_and_one_group_is_enough) {
    struct constraint_term first[] = {ATTRIBUTE("rack", CONSTRAINT_TEXT_EQUALS, "r1"),
                                      ATTRIBUTE("spot", CONSTRAINT_NOT_EXISTS, "")};
    struct constraint_term second[] = {ATTRIBUTE("big", CONSTRAINT_EXISTS, "")};
    struct constraint_group groups[] = {{first, 2}, {second, 1}};
    struct role_constraints role = {.groups = groups, .group_count = 2};
    AUTO(constraints_free) struct constraints *constraints = constraints_new(&role, NULL);
    static const struct {
        const char *attributes;
        bool admitted;
    } cases[] = {
        {"rack:r1", true},         {"rack:r1;spot:yes", false}, {"rack:r2", false},
        {"rack:r2;big:yes", true}, {"spot:yes;big:1", true},    {"spot:yes", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        AUTO_FINI(attributes_fini) struct attributes attributes = {0};
        assert_true(attributes_parse(text_of(cases[i].attributes), &attributes, NULL));
        struct constrained_agent agent = {&attributes, TEXT("h"), {0}, {0}};
        assert_int_equal(constraints_admit(constraints, &agent), cases[i].admitted);
    }
}

static void assert_faulty(const struct constraint_group *groups, size_t count, const char *part) {
    struct role_constraints role = {.groups = groups, .group_count = count};
    struct error error = {0};
    assert_null(constraints_new(&role, &error));
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, part);
}

TEST(constraints_that_make_no_sense_are_refused_by_name) {
    struct constraint_term no_subject = {CONSTRAINT_NOTHING, {0}, CONSTRAINT_EXISTS, {0}};
    struct constraint_term no_name = {CONSTRAINT_ATTRIBUTE, {0}, CONSTRAINT_EXISTS, {0}};
    struct constraint_term no_predicate = {CONSTRAINT_HOSTNAME, {0}, CONSTRAINT_UNKNOWN, {0}};
    struct constraint_term bad_regex = {
        CONSTRAINT_HOSTNAME, {0}, CONSTRAINT_TEXT_NOT_MATCHES, TEXT("(x")};

    assert_faulty(NULL, 0, "without a group");
    assert_faulty(&(struct constraint_group){0}, 1, "empty");
    assert_faulty(&(struct constraint_group){&no_subject, 1}, 1, "selector");
    assert_faulty(&(struct constraint_group){&no_name, 1}, 1, "without a name");
    assert_faulty(&(struct constraint_group){&no_predicate, 1}, 1, "predicate");
    assert_faulty(&(struct constraint_group){&bad_regex, 1}, 1, "'(x'");
}

TEST(constraints_are_limited_in_number) {
    struct constraint_term *terms = NEW_ARRAY(struct constraint_term, CONSTRAINT_TERMS_LIMIT + 1);
    struct constraint_group *groups =
        NEW_ARRAY(struct constraint_group, CONSTRAINT_GROUPS_LIMIT + 1);
    for (size_t i = 0; i <= CONSTRAINT_TERMS_LIMIT; i++)
        terms[i] = (struct constraint_term){.subject = CONSTRAINT_HOSTNAME,
                                            .predicate = CONSTRAINT_TEXT_MATCHES,
                                            .value = TEXT(".*")};
    for (size_t i = 0; i <= CONSTRAINT_GROUPS_LIMIT; i++)
        groups[i] = (struct constraint_group){terms, 1};

    assert_faulty(groups, CONSTRAINT_GROUPS_LIMIT + 1, "groups");
    assert_faulty(&(struct constraint_group){terms, CONSTRAINT_TERMS_LIMIT + 1}, 1, "256");
    assert_faulty(&(struct constraint_group){terms, CONSTRAINT_PATTERNS_LIMIT + 1}, 1, "regexes");
    mem_free(terms);
    mem_free(groups);
}

TEST(a_regex_that_cannot_be_decided_is_met_by_nothing_nor_is_its_opposite) {
    char subject[200] = "rack:";
    memset(subject + 5, 'a', 60);
    memcpy(subject + 65, "b-", 2);

    assert_false(one(CONSTRAINT_TEXT_MATCHES, "(a+)+b", subject));
    assert_false(one(CONSTRAINT_TEXT_NOT_MATCHES, "(a+)+b", subject));
}
