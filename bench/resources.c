/*
 * What adding and taking away a task's resources costs on an agent of cpus, mem, disk and ports.
 * Prints one line of JSON; times in nanoseconds for one operation.
 */
#include "common/model/resources.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 1000000 };

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct resources set_of(int64_t cpus_milli, int64_t mem_milli, struct range ports) {
    struct resources set = {0};
    bool ok = resources_put_scalar(&set, KIND_CPUS, cpus_milli, NULL) &&
              resources_put_scalar(&set, KIND_MEM, mem_milli, NULL) &&
              resources_put_scalar(&set, KIND_DISK, mem_milli, NULL) &&
              resources_put_ranges(&set, KIND_PORTS, &ports, 1, NULL);
    assert(ok);
    return set;
}

int main(void) {
    struct resources agent = set_of(24000, 64000000, (struct range){31000, 32000});
    struct resources task = set_of(500, 128000, (struct range){31500, 31501});
    uint64_t contained = 0;

    int64_t start = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        bool ok = resources_subtract(&agent, &task) && resources_add(&agent, &task);
        assert(ok);
    }
    int64_t both_ns = (now_ns() - start) / ROUNDS;

    start = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        contained += resources_contains(&agent, &task);
    int64_t contains_ns = (now_ns() - start) / ROUNDS;

    start = now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        struct resources copy = resources_copy(&agent);
        contained += copy.count;
        resources_fini(&copy);
    }
    int64_t copy_ns = (now_ns() - start) / ROUNDS;

    printf("{\"bench\": \"resources\", \"subtract_and_add_ns\": %lld, \"contains_ns\": %lld, "
           "\"copy_ns\": %lld, \"check\": %llu}\n",
           (long long)both_ns, (long long)contains_ns, (long long)copy_ns,
           (unsigned long long)contained);
    resources_fini(&agent);
    resources_fini(&task);
    return 0;
}
