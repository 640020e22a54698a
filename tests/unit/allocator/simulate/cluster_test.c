/*
 * What fair sharing comes to on many agents, by the real allocator under churn. docs/simulate.md
 * has the reasoning: the guarantee to the letter cannot hold where tasks do not fill the machines,
 * so it is counted; what must hold always is that nobody above its guarantee keeps out somebody who
 * stays below.
 */
#include "tests/support/unit.h"
#include "tests/unit/allocator/simulate/cluster.h"

#include <stdio.h>
#include <time.h>

enum {
    AGENTS = 200,
    LEAVES = 30,
    SAMPLES = 16,       /* looks in a window; somebody stays below who is below in all of them */
    LIVES = 6,          /* ends a window has for each task that runs */
    WINDOWS_LIMIT = 40, /* after which a cluster that still moves is called slow */
    SECONDS = 20,
};

enum verdict { FAIR, UNFAIR, SLOW };

struct trial {
    bool is_literal;       /* nobody is below its guarantee at the end */
    bool is_literal_stays; /* nobody stays below */
    enum verdict verdict;
    size_t leaf;
    int windows;
    uint64_t steps;
};

static void churn(struct simulation *simulation, uint64_t steps) {
    struct error error;
    for (uint64_t i = 0; i < steps; i++) {
        if (!simulation_step(simulation, &error))
            fail_msg("%s", error.message);
    }
}

static uint64_t running_of_all(const struct simulation *simulation, const struct scenario *of) {
    uint64_t all = 0;
    for (size_t i = 0; i < of->frameworks.count; i++)
        all += simulation_running(simulation, i);
    return all;
}

/* Who is below, and kept out, in every look of a window; *deficit is what they lack. */
static void watch(struct simulation *simulation, const struct scenario *scenario, bool *below,
                  bool *kept_out, struct standing *last, double *lack) {
    uint64_t steps = running_of_all(simulation, scenario) * LIVES / SAMPLES + 20;
    size_t count = scenario->frameworks.count;
    for (size_t i = 0; i < count; i++) {
        below[i] = kept_out[i] = true;
        lack[i] = 0;
    }
    for (int sample = 0; sample < SAMPLES; sample++) {
        churn(simulation, steps);
        cluster_judge(simulation, scenario, last);
        for (size_t i = 0; i < count; i++) {
            below[i] = below[i] && last[i].is_below;
            kept_out[i] = kept_out[i] && last[i].is_kept_out;
            lack[i] += (last[i].guaranteed - last[i].share) / SAMPLES;
        }
    }
}

static struct trial try_scenario(const struct scenario *scenario) {
    enum { MOST = 64 };
    struct trial trial = {.is_literal = true, .is_literal_stays = true};
    struct standing last[MOST];
    bool below[MOST], kept_out[MOST];
    double lack[MOST], least[MOST];
    struct error error;
    AUTO(simulation_free) struct simulation *simulation = simulation_new(scenario);
    assert_true(scenario->frameworks.count <= MOST);
    if (!simulation_run(simulation, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < MOST; i++)
        least[i] = 2;
    /* Who is kept out and is no better off than ever after two windows stays so. */
    int stuck[MOST] = {0};
    for (trial.windows = 1;; trial.windows++) {
        watch(simulation, scenario, below, kept_out, last, lack);
        bool is_any = false;
        for (size_t i = 0; i < scenario->frameworks.count; i++) {
            bool is_better = lack[i] < least[i] - last[i].task / 4;
            least[i] = is_better ? lack[i] : least[i];
            stuck[i] = kept_out[i] && !is_better ? stuck[i] + 1 : 0;
            is_any = is_any || kept_out[i];
            if (kept_out[i])
                trial.leaf = i;
            if (stuck[i] >= 4) {
                trial.leaf = i;
                trial.verdict = UNFAIR;
                return trial;
            }
        }
        if (!is_any)
            break;
        if (trial.windows == WINDOWS_LIMIT) {
            trial.verdict = SLOW;
            return trial;
        }
    }
    for (size_t i = 0; i < scenario->frameworks.count; i++) {
        trial.is_literal = trial.is_literal && !last[i].is_below;
        trial.is_literal_stays = trial.is_literal_stays && !below[i];
    }
    if (!allocator_check(simulation_allocator(simulation), &error))
        fail_msg("%s", error.message);
    return trial;
}

static bool is_unfair(const struct scenario *scenario, void *self) {
    (void)self;
    return try_scenario(scenario).verdict == UNFAIR;
}

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint64_t from_environment(const char *name, uint64_t preset) {
    const char *given = getenv(name);
    uint64_t value;
    return given != NULL && text_to_u64(text_of(given), &value) ? value : preset;
}

TEST(nobody_above_its_guarantee_keeps_out_somebody_who_stays_below) {
    struct rng rng = rng_for_test();
    uint64_t wanted = from_environment("CLUSTERS", UINT64_MAX);
    uint64_t done = 0, literal = 0, stays = 0, slow = 0, at_once = 0;
    double end = now_seconds() + (wanted == UINT64_MAX ? SECONDS : 1e9);
    for (; done < wanted && now_seconds() < end; done++) {
        AUTO_FINI(scenario_fini) struct scenario scenario = {0};
        struct error error;
        cluster_draw(&rng, AGENTS, LEAVES, &scenario);
        if (!scenario_check(&scenario, &error))
            fail_msg("%s", error.message);
        struct trial trial = try_scenario(&scenario);
        literal += trial.is_literal && trial.verdict == FAIR;
        stays += trial.is_literal_stays && trial.verdict == FAIR;
        at_once += trial.windows == 1;
        slow += trial.verdict == SLOW;
        if (trial.verdict != UNFAIR && !(trial.verdict == SLOW && getenv("SLOW")))
            continue;
        AUTO_FINI(buf_fini) struct buf shown = {0};
        if (trial.verdict == UNFAIR && getenv("SHRINK"))
            cluster_shrink(&scenario, is_unfair, NULL);
        cluster_print(&scenario, &shown);
        fprintf(stderr, "verdict %d, cluster %llu, %s is kept out:\n%s", trial.verdict,
                (unsigned long long)done,
                scenario.frameworks.items[try_scenario(&scenario).leaf].name, buf_string(&shown));
        if (!getenv("GO_ON"))
            fail_msg("unfair");
    }
    fprintf(stderr,
            "%llu clusters: %llu to the letter at the end, %llu in the mean, %llu settled within "
            "the first window, %llu still moved\n",
            (unsigned long long)done, (unsigned long long)literal, (unsigned long long)stays,
            (unsigned long long)at_once, (unsigned long long)slow);
}
