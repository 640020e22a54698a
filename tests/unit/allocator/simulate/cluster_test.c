/*
 * What fair sharing comes to on many agents, by the real allocator under churn. docs/allocator.md
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
    LIVES = 6,          /* ends in a window for each task that runs */
    PATIENCE = 10,      /* windows in which those kept out get no nearer: it stays so */
    WINDOWS_LIMIT = 60, /* who gets nearer all the time, and is not there then, is slow */
    SECONDS = 15,
    /* What docs/allocator.md states: a cluster in five hundred or so. A run of a few dozen must not
     * come out beyond chance. */
    ONE_UNFAIR_OF = 30,
};
static const double BETTER = 0.0005; /* parts of the cluster */

enum verdict { FAIR, UNFAIR, SLOW };

struct leaf {
    bool is_below, is_kept_out; /* in every look of the last window */
    double lack;                /* of its guarantee, in the mean of the window */
};

struct trial {
    const struct scenario *scenario;
    struct simulation *simulation;
    struct standing standings[LEAVES];
    struct leaf leaves[LEAVES];
    enum verdict verdict;
    bool is_literal;        /* at the end nobody is below its guarantee */
    bool is_stable;         /* and nobody stays below */
    int windows, better_at; /* the window after which all together lacked less than ever */
    double least_lack;
    size_t leaf; /* whom the verdict is about */
};

static uint64_t running_of_all(const struct trial *trial) {
    uint64_t all = 0;
    for (size_t i = 0; i < trial->scenario->frameworks.count; i++)
        all += simulation_running(trial->simulation, i);
    return all;
}

static void churn(const struct trial *trial, uint64_t steps) {
    struct error error;
    for (uint64_t i = 0; i < steps; i++) {
        if (!simulation_step(trial->simulation, &error))
            fail_msg("%s", error.message);
    }
}

static void look(struct trial *trial, bool is_first) {
    cluster_judge(trial->simulation, trial->scenario, trial->standings);
    for (size_t i = 0; i < trial->scenario->frameworks.count; i++) {
        struct leaf *leaf = &trial->leaves[i];
        const struct standing *now = &trial->standings[i];
        leaf->is_below = now->is_below && (is_first || leaf->is_below);
        leaf->is_kept_out = now->is_kept_out && (is_first || leaf->is_kept_out);
        leaf->lack = (is_first ? 0 : leaf->lack) + (now->guaranteed - now->share) / SAMPLES;
    }
}

/* Goes on for a window. True: somebody was kept out in all of it. */
static bool watch(struct trial *trial) {
    uint64_t steps = running_of_all(trial) * LIVES / SAMPLES + 20;
    bool is_any = false;
    for (int sample = 0; sample < SAMPLES; sample++) {
        churn(trial, steps);
        look(trial, sample == 0);
    }
    trial->windows++;
    double lack = 0;
    for (size_t i = 0; i < trial->scenario->frameworks.count; i++) {
        const struct leaf *leaf = &trial->leaves[i];
        is_any = is_any || leaf->is_kept_out;
        lack += leaf->is_kept_out && leaf->lack > 0 ? leaf->lack : 0;
    }
    if (trial->windows == 1 || lack < trial->least_lack - BETTER) {
        trial->least_lack = lack;
        trial->better_at = trial->windows;
    }
    return is_any;
}

static enum verdict judge(struct trial *trial) {
    while (watch(trial)) {
        double most = 0;
        for (size_t i = 0; i < trial->scenario->frameworks.count; i++) {
            const struct leaf *leaf = &trial->leaves[i];
            if (leaf->is_kept_out && leaf->lack > most) {
                trial->leaf = i;
                most = leaf->lack;
            }
        }
        if (trial->windows - trial->better_at >= PATIENCE)
            return UNFAIR;
        if (trial->windows == WINDOWS_LIMIT)
            return SLOW;
    }
    return FAIR;
}

static struct trial try_scenario(const struct scenario *scenario) {
    struct trial trial = {.scenario = scenario, .is_literal = true, .is_stable = true};
    struct error error;
    assert_true(scenario->frameworks.count <= LEAVES);
    trial.simulation = simulation_new(scenario);
    if (!simulation_run(trial.simulation, &error))
        fail_msg("%s", error.message);
    trial.verdict = judge(&trial);
    for (size_t i = 0; i < scenario->frameworks.count; i++) {
        trial.is_literal = trial.is_literal && !trial.standings[i].is_below;
        trial.is_stable = trial.is_stable && !trial.leaves[i].is_below;
    }
    if (!allocator_check(simulation_allocator(trial.simulation), &error))
        fail_msg("%s", error.message);
    simulation_free(trial.simulation);
    trial.simulation = NULL;
    return trial;
}

static bool is_unfair(const struct scenario *scenario, void *self) {
    (void)self;
    return try_scenario(scenario).verdict == UNFAIR;
}

static void tell(const struct trial *trial, uint64_t number) {
    AUTO_FINI(buf_fini) struct buf shown = {0};
    const struct leaf *leaf = &trial->leaves[trial->leaf];
    const struct standing *standing = &trial->standings[trial->leaf];
    cluster_print(trial->scenario, &shown);
    fprintf(stderr, "cluster %llu: %s is kept out, lacks %.4f of %.4f (a task: %.4f):\n%s",
            (unsigned long long)number, trial->scenario->frameworks.items[trial->leaf].name,
            leaf->lack, standing->guaranteed, standing->task, buf_string(&shown));
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

/* CLUSTERS=n: so many instead of 15 seconds; ONLY=n: of these the one; GO_ON=1: tells of the slow
 * too; SHRINK=1: makes what fails smaller first. */
TEST(nobody_above_its_guarantee_keeps_out_somebody_who_stays_below) {
    struct rng rng = rng_for_test();
    uint64_t wanted = from_environment("CLUSTERS", UINT64_MAX);
    uint64_t done = 0, literal = 0, stable = 0, slow = 0, unfair = 0;
    double end = now_seconds() + (wanted == UINT64_MAX ? SECONDS : 1e9);
    for (; done < wanted && now_seconds() < end; done++) {
        AUTO_FINI(scenario_fini) struct scenario scenario = {0};
        struct error error;
        cluster_draw(&rng, AGENTS, LEAVES, &scenario);
        if (from_environment("ONLY", done) != done)
            continue;
        if (!scenario_check(&scenario, &error))
            fail_msg("%s", error.message);
        struct trial trial = try_scenario(&scenario);
        literal += trial.is_literal;
        stable += trial.is_stable;
        slow += trial.verdict == SLOW;
        unfair += trial.verdict == UNFAIR;
        if (trial.verdict == UNFAIR && getenv("SHRINK") != NULL) {
            cluster_shrink(&scenario, is_unfair, NULL);
            trial = try_scenario(&scenario);
        }
        if (trial.verdict == UNFAIR || (trial.verdict == SLOW && getenv("GO_ON") != NULL))
            tell(&trial, done);
    }
    fprintf(stderr,
            "%llu clusters: in %llu nobody stays below its guarantee, in %llu nobody is below it "
            "at the end; in %llu somebody was still on the way, in %llu kept out\n",
            (unsigned long long)done, (unsigned long long)stable, (unsigned long long)literal,
            (unsigned long long)slow, (unsigned long long)unfair);
    assert_true(unfair <= 1 + done / ONE_UNFAIR_OF);
}
