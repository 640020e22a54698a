#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TESTS_LIMIT = 512 };

static struct CMUnitTest registered[TESTS_LIMIT];
static size_t count;
static uint64_t seed;
static bool seed_is_set;

void unit_register(const char *name, void (*body)(void **state)) {
    const char *filter = getenv("FILTER");
    if (filter != NULL && strstr(name, filter) == NULL)
        return;
    if (count == TESTS_LIMIT) {
        fprintf(stderr, "more than %d tests in one program\n", TESTS_LIMIT);
        exit(1);
    }
    registered[count++] = (struct CMUnitTest){.name = name, .test_func = body};
}

int rounds_for_test(int rounds) {
#if defined(__SANITIZE_ADDRESS__)
    return rounds / 5;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return rounds / 5;
#endif
#endif
    return rounds;
}

struct rng rng_for_test(void) {
    if (!seed_is_set) {
        const char *given = getenv("SEED");
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = given != NULL ? strtoull(given, NULL, 10)
                             : (uint64_t)now.tv_nsec + (uint64_t)now.tv_sec;
        seed_is_set = true;
    }
    return rng_of(seed);
}

const char *interface_directory(void) {
    const char *given = getenv("MESOS_INTERFACE");
    const char *path = given != NULL ? given : SOURCE_DIRECTORY "/../shared/interface";
    if (access(path, R_OK) == 0)
        return path;
    const char *required = getenv("REQUIRE_INTERFACE");
    if (required != NULL && strcmp(required, "1") == 0)
        fail_msg("REQUIRE_INTERFACE=1, and %s is not there", path);
    fprintf(stderr, "SKIPPED: no interface data at %s\n", path);
    return NULL;
}

int main(void) {
    int failed = _cmocka_run_group_tests("unit", registered, count, NULL, NULL);
    if (failed != 0 && seed_is_set)
        fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
    return failed != 0;
}
