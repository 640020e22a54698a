/*
 * How long the allocator takes: to offer a whole cluster, to offer it again after each agent was
 * given back, to find that everything is refused, and to offer one agent that became free.
 *
 *     bench_allocator [agents frameworks]     prints one line of JSON; times in nanoseconds
 */
#include "allocator/allocator.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

enum { DEFAULT_AGENTS = 10000, DEFAULT_FRAMEWORKS = 1000, SINGLES = 10000, BUDGET = 1 << 30 };

struct bench {
    struct kinds *kinds;
    struct allocator *allocator;
    uint32_t agents, frameworks;
    uint32_t *owners; /* agent -> framework that was offered it last */
    struct resources total;
    uint64_t offers;
};

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note(const struct allocator_offer *offer, void *self) {
    struct bench *bench = self;
    bench->owners[offer->agent] = offer->framework;
    bench->offers++;
}

static int64_t allocate_ns(struct bench *bench, int64_t now_ms) {
    int64_t start = now_ns();
    while (allocator_allocate(bench->allocator, now_ms, BUDGET, note, bench))
        ;
    return now_ns() - start;
}

static void setup(struct bench *bench) {
    static const struct range ports = {31000, 32000};
    bench->kinds = kinds_new();
    bench->allocator = allocator_new(&allocator_drf, bench->kinds, 1);
    bench->owners = NEW_ARRAY(uint32_t, bench->agents);
    bool ok = resources_put_scalar(&bench->total, KIND_CPUS, 24000, NULL) &&
              resources_put_scalar(&bench->total, KIND_MEM, 64000000, NULL) &&
              resources_put_scalar(&bench->total, KIND_DISK, 500000000, NULL) &&
              resources_put_ranges(&bench->total, KIND_PORTS, &ports, 1, NULL);
    assert(ok);
}

static int64_t add_all_ns(struct bench *bench) {
    static const uint32_t role = ROLE_ANY;
    int64_t start = now_ns();
    for (uint32_t i = 0; i < bench->frameworks; i++)
        allocator_add_framework(bench->allocator, i, &role, 1, 0);
    for (uint32_t i = 0; i < bench->agents; i++)
        allocator_add_agent(bench->allocator, i, &bench->total, 0);
    return now_ns() - start;
}

static void give_back(struct bench *bench, uint32_t agent, int64_t until_ms) {
    uint32_t owner = bench->owners[agent];
    bool ok = allocator_recover(bench->allocator, owner, ROLE_ANY, agent, &bench->total);
    assert(ok);
    if (until_ms > 0)
        allocator_refuse(bench->allocator, owner, ROLE_ANY, agent, &bench->total, until_ms);
}

static int64_t give_back_all_ns(struct bench *bench, int64_t until_ms) {
    int64_t start = now_ns();
    for (uint32_t i = 0; i < bench->agents; i++)
        give_back(bench, i, until_ms);
    return now_ns() - start;
}

static int64_t one_agent_ns(struct bench *bench) {
    int64_t start = now_ns();
    for (uint32_t i = 0; i < SINGLES; i++) {
        give_back(bench, i % bench->agents, 0);
        while (allocator_allocate(bench->allocator, 0, BUDGET, note, bench))
            ;
    }
    return (now_ns() - start) / SINGLES;
}

/* Every framework refuses every agent, so that a round has nothing to give. */
static int64_t all_refused_ns(struct bench *bench) {
    give_back_all_ns(bench, 0);
    for (uint32_t agent = 0; agent < bench->agents; agent++) {
        for (uint32_t framework = 0; framework < bench->frameworks; framework++)
            allocator_refuse(bench->allocator, framework, ROLE_ANY, agent, &bench->total, 1000000);
    }
    return allocate_ns(bench, 0);
}

static void report(const char *name, int64_t ns) {
    printf(", \"%s_ns\": %lld", name, (long long)ns);
}

static bool number_of(const char *argument, uint32_t *out) {
    uint64_t number;
    if (!text_to_u64(text_of(argument), &number) || number == 0 || number > 1000000)
        return false;
    *out = (uint32_t)number;
    return true;
}

int main(int argc, char **argv) {
    struct bench bench = {.agents = DEFAULT_AGENTS, .frameworks = DEFAULT_FRAMEWORKS};
    if (argc != 1 && (argc != 3 || !number_of(argv[1], &bench.agents) ||
                      !number_of(argv[2], &bench.frameworks))) {
        fprintf(stderr, "usage: bench_allocator [agents frameworks]\n");
        return 2;
    }
    setup(&bench);
    printf("{\"bench\": \"allocator\", \"agents\": %u, \"frameworks\": %u", bench.agents,
           bench.frameworks);
    report("add_all", add_all_ns(&bench));
    report("offer_all", allocate_ns(&bench, 0));
    report("give_back_all", give_back_all_ns(&bench, 0));
    report("offer_all_again", allocate_ns(&bench, 0));
    report("offer_one", one_agent_ns(&bench));
    if ((uint64_t)bench.agents * bench.frameworks <= 1000000) {
        report("all_refused_first", all_refused_ns(&bench));
        report("all_refused_again", allocate_ns(&bench, 0));
    }
    printf(", \"offers\": %llu}\n", (unsigned long long)bench.offers);
    allocator_free(bench.allocator);
    kinds_free(bench.kinds);
    resources_fini(&bench.total);
    mem_free(bench.owners);
    return 0;
}
