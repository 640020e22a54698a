/*
 * Weights and quota as operators set them: what is refused, when they take effect, what a restart
 * leaves of them, and which offers they take back.
 */
#include "master/core/role_book.h"

#include "common/model/roles.h"
#include "tests/unit/master/core/stage_operations.h"

#include <math.h>
#include <stdio.h>

enum { ASKED = 7 }; /* the request's number */

static void ask(struct stage *stage, struct operator_call call) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = ASKED;
    event.operator_call.call = call;
    stage_play(stage, event);
}

static void set_weight(struct stage *stage, const char *role, double weight) {
    struct role_weight weights[] = {{text_of(role), weight}};
    ask(stage, (struct operator_call){
                   .kind = OPERATOR_UPDATE_WEIGHTS, .weights = weights, .weight_count = 1});
}

/* Whole units; a limit of -1: none. */
static struct quota_config_line line(const char *name, int64_t guarantee, int64_t limit) {
    return (struct quota_config_line){text_of(name), guarantee * 1000,
                                      limit < 0 ? INT64_MAX : limit * 1000};
}

static void set_quota_with(struct stage *stage, const char *role, struct quota_config_line one,
                           bool force) {
    struct role_quota quotas[] = {{text_of(role), &one, 1, false}};
    ask(stage,
        (struct operator_call){
            .kind = OPERATOR_UPDATE_QUOTA, .quotas = quotas, .quota_count = 1, .force = force});
}

static void set_quota(struct stage *stage, const char *role, int64_t guarantee, int64_t limit) {
    set_quota_with(stage, role, line("cpus", guarantee, limit), true);
}

static void set_legacy(struct stage *stage, const char *role, int64_t cpus) {
    struct quota_config_line one = line("cpus", cpus, cpus);
    struct role_quota quotas[] = {{text_of(role), &one, cpus > 0, true}};
    ask(stage,
        (struct operator_call){.kind = OPERATOR_UPDATE_QUOTA, .quotas = quotas, .quota_count = 1});
}

static struct stage *begin(void) {
    struct stage *stage = stage_new();
    stage_begin(stage);
    return stage;
}

static int64_t weight_of(struct stage *stage, const char *role) {
    uint32_t number;
    return kinds_find_role(stage->kinds, text_of(role), &number)
               ? role_book_weight_milli(stage->master, number)
               : -1;
}

/* Of cpus, in whole units; -1: none. */
static int64_t limit_of(struct stage *stage, const char *role) {
    uint32_t number;
    size_t count = 0;
    const struct quota_line *lines = NULL;
    if (kinds_find_role(stage->kinds, text_of(role), &number))
        lines = role_book_quota(stage->master, number, &count);
    for (size_t i = 0; i < count; i++)
        if (lines[i].name == NAME_CPUS && lines[i].limit_milli != INT64_MAX)
            return lines[i].limit_milli / 1000;
    return -1;
}

/* --- weights --- */

TEST(a_weight_is_in_force_and_answered_only_when_it_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->holds_stores = true;

    set_weight(stage, "eng/ci", 2.5);

    assert_heard(stage, "store +role/eng/ci");
    assert_not_heard(stage, "answer");
    assert_int_equal(weight_of(stage, "eng/ci"), 1000);
    stage_store(stage);
    assert_heard(stage, "answer 7 200");
    assert_int_equal(weight_of(stage, "eng/ci"), 2500);
}

TEST(weights_that_are_no_numbers_from_a_thousandth_to_a_million_are_refused_by_role) {
    static const double wrong[] = {0, -1, 0.0004, 1e300, 1000001, NAN, INFINITY, -INFINITY};
    AUTO(stage_free) struct stage *stage = begin();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        stage_forget(stage);
        set_weight(stage, "dev", wrong[i]);
        assert_heard(stage, "answer 7 400 role 'dev'");
        assert_not_heard(stage, "store");
    }
    set_weight(stage, "dev", 1000001);
    assert_heard(stage, "the weight 1000001 is not a number from 0.001 to 1000000");
    set_weight(stage, "dev", 0.001);
    assert_int_equal(weight_of(stage, "dev"), 1);
    set_weight(stage, "dev", 1e6);
    assert_int_equal(weight_of(stage, "dev"), INT64_C(1000000000));
}

TEST(roles_with_wrong_names_are_refused_and_never_interned) {
    static const char *const wrong[] = {"", "/dev", "a/", "a//b", ".", "a/..", "a/*", "-x", "a b"};
    AUTO(stage_free) struct stage *stage = begin();
    uint32_t number;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        stage_forget(stage);
        set_weight(stage, wrong[i], 1);
        assert_heard(stage, "answer 7 400 role");
        stage_forget(stage);
        set_quota(stage, wrong[i], 1, 2);
        assert_heard(stage, "answer 7 400 role");
        assert_false(kinds_find_role(stage->kinds, text_of(wrong[i]), &number));
    }
    assert_false(kinds_find_role(stage->kinds, TEXT("a"), &number));
}

TEST(of_several_weights_all_are_set_or_none) {
    AUTO(stage_free) struct stage *stage = begin();
    struct role_weight weights[] = {{TEXT("good"), 3}, {TEXT("bad"), -1}};
    uint32_t number;

    ask(stage, (struct operator_call){
                   .kind = OPERATOR_UPDATE_WEIGHTS, .weights = weights, .weight_count = 2});
    assert_heard(stage, "answer 7 400 role 'bad'");
    assert_false(kinds_find_role(stage->kinds, TEXT("good"), &number));

    weights[1].weight = 4;
    ask(stage, (struct operator_call){
                   .kind = OPERATOR_UPDATE_WEIGHTS, .weights = weights, .weight_count = 2});
    assert_heard(stage, "store +role/good +role/bad");
    assert_int_equal(weight_of(stage, "good"), 3000);
    assert_int_equal(weight_of(stage, "bad"), 4000);
}

TEST(a_weight_of_one_leaves_no_record) {
    AUTO(stage_free) struct stage *stage = begin();
    set_weight(stage, "dev", 2);

    set_weight(stage, "dev", 1);

    assert_heard(stage, "store -role/dev");
    assert_int_equal(weight_of(stage, "dev"), 1000);
}

TEST(nothing_to_do_is_done) {
    AUTO(stage_free) struct stage *stage = begin();

    ask(stage, (struct operator_call){.kind = OPERATOR_UPDATE_WEIGHTS});
    ask(stage, (struct operator_call){.kind = OPERATOR_UPDATE_QUOTA});

    assert_int_equal(stage_count(stage, "answer 7 200"), 2);
    assert_not_heard(stage, "store");
}

TEST(calls_in_flight_do_not_mix) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->holds_stores = true;
    set_weight(stage, "dev", 2);
    set_quota(stage, "dev", 1, 4);
    set_weight(stage, "dev", 5);

    stage->stored_ticket = stage->last_ticket - 3;
    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_STORED,
                                            .stored_ticket = stage->last_ticket - 2});
    assert_int_equal(stage_count(stage, "answer 7 200"), 1);
    assert_int_equal(weight_of(stage, "dev"), 2000);
    assert_int_equal(limit_of(stage, "dev"), -1);

    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_STORED,
                                            .stored_ticket = stage->last_ticket - 1});
    assert_int_equal(weight_of(stage, "dev"), 2000);
    assert_int_equal(limit_of(stage, "dev"), 4);

    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_STORED,
                                            .stored_ticket = stage->last_ticket});
    assert_int_equal(stage_count(stage, "answer 7 200"), 3);
    assert_int_equal(weight_of(stage, "dev"), 5000);
    assert_int_equal(limit_of(stage, "dev"), 4);
}

TEST(too_many_roles_in_a_call_and_too_many_calls_are_refused) {
    AUTO(stage_free) struct stage *stage = begin();
    struct role_weight *weights =
        ARENA_ARRAY(stage->arena, struct role_weight, ROLES_PER_CALL_LIMIT + 1);
    for (size_t i = 0; i <= ROLES_PER_CALL_LIMIT; i++)
        weights[i] = (struct role_weight){TEXT("dev"), 2};
    struct operator_call call = {.kind = OPERATOR_UPDATE_WEIGHTS,
                                 .weights = weights,
                                 .weight_count = ROLES_PER_CALL_LIMIT + 1};

    ask(stage, call);
    assert_heard(stage, "answer 7 400 more than");

    stage->holds_stores = true;
    for (int i = 0; i < ROLE_CHANGES_LIMIT; i++)
        set_weight(stage, "dev", 2);
    assert_not_heard(stage, "answer 7 503");
    set_weight(stage, "dev", 2);
    assert_heard(stage, "answer 7 503");
    stage_store(stage);
    assert_int_equal(stage_count(stage, "answer 7 200"), ROLE_CHANGES_LIMIT);
}

/* --- quota --- */

TEST(a_quota_is_in_force_at_any_level_when_it_is_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->holds_stores = true;

    set_quota(stage, "eng/ci/nightly", 2, 4);

    assert_heard(stage, "store +role/eng/ci/nightly");
    assert_int_equal(limit_of(stage, "eng/ci/nightly"), -1);
    stage_store(stage);
    assert_heard(stage, "answer 7 200");
    assert_int_equal(limit_of(stage, "eng/ci/nightly"), 4);
    set_quota(stage, "*", 0, 9);
    stage_store(stage);
    assert_int_equal(limit_of(stage, "*"), 9);
}

TEST(a_guarantee_above_the_limit_and_amounts_beyond_reason_are_refused_even_with_force) {
    AUTO(stage_free) struct stage *stage = begin();
    const struct quota_config_line wrong[] = {
        line("cpus", 3, 2),
        line("cpus", -1, 2),
        line("cpus", INT64_C(10000000000000), -1),
        line("mem", INT64_C(2000000000000), -1),
        line("cpus", 0, INT64_C(1000000000001)),
        line("", 1, 2),
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        stage_forget(stage);
        set_quota_with(stage, "dev", wrong[i], true);
        assert_heard(stage, "answer 7 400 role 'dev'");
        assert_not_heard(stage, "store");
    }
    set_quota_with(stage, "dev", line("mem", INT64_C(1) << 40, -1), true);
    assert_heard(stage, "answer 7 200");
}

TEST(guarantees_beyond_the_cluster_need_force) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 10, "host1", "cpus:4;mem:1024");

    set_quota_with(stage, "dev", line("cpus", 3, -1), false);
    assert_heard(stage, "answer 7 200");
    set_quota_with(stage, "ops", line("cpus", 2, -1), false);
    assert_heard(stage, "answer 7 400 role 'ops': the guarantees of all roles would come to 5 of "
                        "cpus, and the cluster has 4; force sets it nevertheless");
    assert_not_heard(stage, "+role/ops");
    set_quota_with(stage, "ops", line("cpus", 2, -1), true);
    assert_heard(stage, "+role/ops");

    stage_forget(stage);
    set_quota_with(stage, "dev", line("cpus", 2, 8), false); /* less than before: no harm done */
    assert_heard(stage, "answer 7 200");
}

TEST(a_parent_counts_its_own_guarantee_or_those_below_whichever_is_more) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 10, "host1", "cpus:4;mem:1024");

    set_quota_with(stage, "eng", line("cpus", 3, -1), false);
    set_quota_with(stage, "eng/a", line("cpus", 2, -1), false);
    set_quota_with(stage, "eng/b", line("cpus", 2, -1), false);
    assert_int_equal(stage_count(stage, "answer 7 200"), 3);

    set_quota_with(stage, "eng/b", line("cpus", 3, -1), false);
    assert_heard(stage, "answer 7 400 role 'eng/b': the guarantees of all roles would come to 5");
}

TEST(a_limit_below_the_guarantees_under_it_is_refused_even_with_force) {
    AUTO(stage_free) struct stage *stage = begin();
    set_quota(stage, "eng/a/x", 2, -1);
    set_quota(stage, "eng/b", 3, -1);

    set_quota(stage, "eng", 0, 4);
    assert_heard(stage, "answer 7 400 the guarantees below role 'eng' come to 5 of cpus, above its "
                        "limit of 4");
    set_quota(stage, "eng", 0, 5);
    assert_int_equal(limit_of(stage, "eng"), 5);

    stage_forget(stage);
    set_quota(stage, "eng/a", 3, -1);
    assert_heard(stage, "answer 7 400 the guarantees below role 'eng' come to 6");
    stage_forget(stage);
    set_quota(stage, "eng/b", 0, -1);
    set_quota(stage, "eng/a", 5, -1);
    assert_int_equal(stage_count(stage, "answer 7 200"), 2);
}

TEST(of_several_quotas_all_are_set_or_none_and_what_was_tried_is_undone) {
    AUTO(stage_free) struct stage *stage = begin();
    struct quota_config_line two = line("cpus", 2, 8), wrong = line("cpus", 9, -1),
                             limit = line("cpus", 0, 8);
    struct role_quota quotas[] = {{TEXT("eng/a"), &two, 1, false},
                                  {TEXT("eng"), &limit, 1, false},
                                  {TEXT("eng/b"), &wrong, 1, false}};
    struct operator_call call = {
        .kind = OPERATOR_UPDATE_QUOTA, .quotas = quotas, .quota_count = 3, .force = true};

    ask(stage, call);
    assert_heard(stage, "answer 7 400");
    assert_not_heard(stage, "store");
    assert_int_equal(limit_of(stage, "eng"), -1);

    stage_forget(stage);
    set_quota(stage, "eng", 0, 1); /* nothing is left of the guarantee below */
    assert_heard(stage, "answer 7 200");
    quotas[2].lines = &two;
    ask(stage, call);
    assert_int_equal(limit_of(stage, "eng"), 8);
    assert_int_equal(limit_of(stage, "eng/b"), 8);
}

TEST(a_quota_is_checked_against_what_is_still_being_stored) {
    AUTO(stage_free) struct stage *stage = begin();
    stage->holds_stores = true;
    set_quota(stage, "eng/a", 5, -1);

    set_quota(stage, "eng", 0, 4);

    assert_heard(stage, "answer 7 400 the guarantees below role 'eng'");
}

TEST(quota_without_lines_ends_it_and_of_a_role_named_twice_the_last_holds) {
    AUTO(stage_free) struct stage *stage = begin();
    struct quota_config_line one = line("cpus", 1, 1), two = line("cpus", 2, 2);
    struct role_quota quotas[] = {{TEXT("dev"), &one, 1, false}, {TEXT("dev"), &two, 1, false}};
    struct operator_call call = {
        .kind = OPERATOR_UPDATE_QUOTA, .quotas = quotas, .quota_count = 2, .force = true};

    ask(stage, call);
    assert_int_equal(limit_of(stage, "dev"), 2);
    quotas[0].line_count = 0;
    call.quota_count = 1;
    ask(stage, call);

    assert_heard(stage, "store -role/dev");
    assert_int_equal(limit_of(stage, "dev"), -1);
}

TEST(the_old_calls_want_no_quota_before_and_one_to_remove) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_agent(stage, 10, "host1", "cpus:4;mem:1024");

    set_legacy(stage, "dev", 0);
    assert_heard(stage, "answer 7 400 role 'dev' has no quota");
    set_legacy(stage, "dev", 5);
    assert_heard(stage, "answer 7 409 role 'dev': the guarantees of all roles");
    stage_forget(stage);
    set_legacy(stage, "dev", 1);
    assert_heard(stage, "answer 7 200");
    set_legacy(stage, "dev", 1);
    assert_heard(stage, "answer 7 400 role 'dev' has a quota already");
    stage_forget(stage);
    set_legacy(stage, "dev", 0);
    assert_heard(stage, "answer 7 200");
}

/* --- random histories against a slow twin --- */

enum { TWIN_ROLES = 9, TWIN_STEPS = 400 };
static const char *const twin_paths[TWIN_ROLES] = {"a", "a/b", "a/b/c", "a/b/d",  "a/e",
                                                   "f", "f/g", "*",     "a/b/c/h"};

struct twin {
    int64_t guarantee[TWIN_ROLES], limit[TWIN_ROLES]; /* whole cpus; limit -1: none */
};

static bool twin_is_child(int role, int parent) {
    return text_equal(role_parent(text_of(twin_paths[role])), text_of(twin_paths[parent]));
}

static int64_t twin_below(const struct twin *twin, int role);

static int64_t twin_promise(const struct twin *twin, int role) {
    int64_t below = twin_below(twin, role);
    return twin->guarantee[role] > below ? twin->guarantee[role] : below;
}

static int64_t twin_below(const struct twin *twin, int role) {
    int64_t sum = 0;
    for (int i = 0; i < TWIN_ROLES; i++)
        sum += twin_is_child(i, role) ? twin_promise(twin, i) : 0;
    return sum;
}

static bool twin_is_right(const struct twin *twin) {
    for (int i = 0; i < TWIN_ROLES; i++) {
        if (twin->limit[i] >= 0 && twin_below(twin, i) > twin->limit[i])
            return false;
    }
    return true;
}

TEST(random_quotas_are_taken_and_refused_as_a_slow_twin_does) {
    AUTO(stage_free) struct stage *stage = begin();
    struct rng rng = rng_for_test();
    struct twin twin;
    for (int i = 0; i < TWIN_ROLES; i++) {
        twin.guarantee[i] = 0;
        twin.limit[i] = -1;
    }

    for (int step = 0; step < TWIN_STEPS; step++) {
        struct quota_config_line lines[3];
        struct role_quota quotas[3];
        struct twin next = twin;
        size_t count = 1 + rng_below(&rng, 3);
        for (size_t i = 0; i < count; i++) {
            size_t role = rng_below(&rng, TWIN_ROLES);
            next.limit[role] = (int64_t)rng_below(&rng, 16) - 1;
            next.guarantee[role] =
                (int64_t)rng_below(&rng, next.limit[role] < 0 ? 6 : (uint64_t)next.limit[role] + 1);
            lines[i] = line("cpus", next.guarantee[role], next.limit[role]);
            quotas[i] = (struct role_quota){text_of(twin_paths[role]), &lines[i], 1, false};
        }
        stage->holds_stores = rng_below(&rng, 2) == 0;
        stage_forget(stage);
        ask(stage, (struct operator_call){.kind = OPERATOR_UPDATE_QUOTA,
                                          .quotas = quotas,
                                          .quota_count = count,
                                          .force = true});
        bool is_taken = !stage_heard(stage, "answer 7 400");
        assert_int_equal(is_taken, twin_is_right(&next));
        twin = is_taken ? next : twin;
    }
    stage_store(stage);
    for (int i = 0; i < TWIN_ROLES; i++)
        assert_int_equal(limit_of(stage, twin_paths[i]), twin.limit[i]);
}

/* --- what runs, and what is offered --- */

static struct stage *begin_with_task(void) {
    struct stage *stage = begin();
    stage_add_agent(stage, 10, "host1", "cpus:4;mem:1024");
    stage_add_framework(stage, 1);
    stage_pass_ms(stage, 10);
    stage_launch(stage, 1, "t1", "M-S0", "cpus:3;mem:100");
    stage_pass_ms(stage, 10);
    stage_forget(stage);
    return stage;
}

TEST(a_limit_below_what_runs_needs_force_and_offers_do_not_count) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    set_quota_with(stage, "*", line("cpus", 0, 2), false);
    assert_heard(stage, "answer 7 400 role '*' uses 3 of cpus, above the limit of 2; force");
    set_quota_with(stage, "*", line("cpus", 0, 3), false);
    assert_heard(stage, "answer 7 200");
    set_quota_with(stage, "*", line("cpus", 0, 2), true);
    assert_int_equal(limit_of(stage, "*"), 2);
}

TEST(offers_beyond_a_new_limit_are_taken_back_and_what_runs_goes_on) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    set_quota(stage, "*", 0, 3);

    assert_heard(stage, "to 1 RESCIND");
    assert_not_heard(stage, "KILL");
}

TEST(more_offers_than_one_step_takes_back_are_taken_back_in_the_next) {
    AUTO(stage_free) struct stage *stage = begin();
    stage_add_framework(stage, 1);
    for (uint64_t i = 0; i < 350; i++)
        stage_add_agent(stage, 10 + i, arena_printf(stage->arena, "host%d", (int)i),
                        "cpus:1;mem:32");
    stage_pass_ms(stage, 10);
    assert_int_equal(stage_count(stage, "to 1 RESCIND"), 0);
    stage->holds_stores = true;
    set_quota(stage, "*", 0, 50);

    stage_play(stage, (struct master_event){.kind = MASTER_EVENT_STORED,
                                            .stored_ticket = stage->last_ticket});

    assert_heard(stage, "answer 7 200");
    assert_int_equal(stage_count(stage, "to 1 RESCIND"), 300);
    assert_false(role_book_is_busy(stage->master));
}

TEST(offers_within_a_new_limit_stay) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    set_quota(stage, "*", 0, 4);
    set_quota(stage, "other", 0, 0);

    assert_not_heard(stage, "RESCIND");
}

TEST(offers_of_others_are_taken_back_for_a_guarantee_that_cannot_be_met) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    set_quota(stage, "dev", 1, -1);

    assert_heard(stage, "to 1 RESCIND");
}

TEST(offers_that_serve_a_guarantee_themselves_stay) {
    AUTO(stage_free) struct stage *stage = begin_with_task();
    set_quota(stage, "*", 4, -1);
    stage_pass_ms(stage, 10);
    stage_forget(stage);

    set_quota(stage, "dev", 1, -1);

    assert_not_heard(stage, "RESCIND");
}

static void add_in_role(struct stage *stage, uint64_t connection, const char *role) {
    struct scheduler_call call = stage_subscribe(stage, "", role);
    call.subscribe.info.role = text_of(role);
    stage_call(stage, connection, call);
    stage_pass_ms(stage, 10);
}

TEST(a_limit_holds_for_what_is_offered_next_and_for_all_roles_below) {
    AUTO(stage_free) struct stage *stage = begin();
    set_quota(stage, "eng", 0, 3);
    set_quota(stage, "eng/ci", 0, 2);

    add_in_role(stage, 1, "eng/ci");
    stage_add_agent(stage, 10, "host1", "cpus:8;mem:1024");
    stage_pass_ms(stage, 10);
    add_in_role(stage, 2, "eng/web");

    assert_heard(stage, "cpus:2");
    assert_heard(stage, "cpus:1");
    assert_not_heard(stage, "cpus:8");
    stage_forget(stage);
    set_quota(stage, "eng/ci", 0, -1);
    set_quota(stage, "eng", 0, -1);
    stage_pass_ms(stage, 10);
    assert_heard(stage, "OFFERS");
}

TEST(offers_of_who_is_over_its_new_share_are_taken_back_and_given_to_the_other) {
    AUTO(stage_free) struct stage *stage = begin();
    add_in_role(stage, 1, "a");
    stage_add_agent(stage, 10, "host1", "cpus:4;mem:1024");
    stage_add_agent(stage, 11, "host2", "cpus:4;mem:1024");
    stage_pass_ms(stage, 10);
    add_in_role(stage, 2, "b");
    stage_forget(stage);

    set_weight(stage, "b", 3);
    stage_pass_ms(stage, 10);

    assert_heard(stage, "to 1 RESCIND");
    assert_heard(stage, "to 2 OFFERS");
}

TEST(nobody_loses_offers_to_a_weight_when_nobody_else_wants_them) {
    AUTO(stage_free) struct stage *stage = begin_with_task();

    set_weight(stage, "dev", 1000);

    assert_not_heard(stage, "RESCIND");
}

/* --- over a restart --- */

TEST(weights_and_quota_come_back_from_the_registry_and_nonsense_is_left_out) {
    const struct quota_config_line lines[] = {line("cpus", 1, 4), line("gizmo", 2, -1)};
    const struct quota_config_line wrong[] = {line("cpus", 4, 1)};
    const struct registry_record records[] = {
        {.kind = REGISTRY_ROLE, .role = {TEXT("eng/ci"), 2500, lines, 2}},
        {.kind = REGISTRY_ROLE, .role = {TEXT("a//b"), 2500, NULL, 0}},
        {.kind = REGISTRY_ROLE, .role = {TEXT("wrong"), 2500, wrong, 1}},
    };
    const struct text keys[] = {TEXT("role/eng/ci"), TEXT("role/a//b"), TEXT("role/wrong")};
    AUTO(stage_free) struct stage *stage = stage_new();

    stage_begin_with(stage, records, keys, 3);

    assert_int_equal(weight_of(stage, "eng/ci"), 2500);
    assert_int_equal(limit_of(stage, "eng/ci"), 4);
    assert_int_equal(limit_of(stage, "wrong"), -1);
    set_quota(stage, "eng", 0, 0);
    assert_heard(stage, "answer 7 400 the guarantees below role 'eng' come to 1 of cpus");
}

TEST(after_a_restart_what_is_offered_keeps_to_the_limits_in_the_registry) {
    const struct quota_config_line lines[] = {line("cpus", 0, 2)};
    const struct registry_record records[] = {
        {.kind = REGISTRY_ROLE, .role = {TEXT("*"), 1000, lines, 1}}};
    const struct text keys[] = {TEXT("role/*")};
    AUTO(stage_free) struct stage *stage = stage_new();
    stage_begin_with(stage, records, keys, 1);

    stage_add_agent(stage, 10, "host1", "cpus:8;mem:1024");
    stage_add_framework(stage, 1);
    stage_pass_ms(stage, 10);

    assert_heard(stage, "cpus:2");
    assert_not_heard(stage, "cpus:8");
}

/* Its tasks there may use up the limit, and nobody knows. */
TEST(while_a_known_agent_is_away_nothing_is_offered_below_a_limit) {
    AUTO(stage_free) struct stage *stage = stage_new();
    struct quota_config_line line = {TEXT("cpus"), 0, 4000};
    struct registry_record records[] = {
        {.kind = REGISTRY_ROLE, .role = {TEXT("eng"), 1000, &line, 1}},
        {.kind = REGISTRY_AGENT, .agent_info = TEXT("info")},
        {.kind = REGISTRY_AGENT, .agent_info = TEXT("info")},
    };
    struct text keys[] = {TEXT("role/eng"), TEXT("agent/old-S0"), TEXT("agent/old-S1")};
    stage_begin_with(stage, records, keys, 3);
    stage_add_framework_of(stage, 1, "limited", "eng/ci", 0);
    stage_add_framework(stage, 2);
    stage_tell(stage, 9, stage_register(stage, "old-S0", "a", "cpus:8;mem:1024"));
    assert_heard(stage, "to 2 OFFERS");
    assert_not_heard(stage, "to 1 OFFERS M-O0 agent=old-S0 role=eng/ci cpus");

    struct agent_message message = stage_register(stage, "old-S1", "b", "cpus:8;mem:1024");
    struct task_report task = stage_report(stage, "old-0007", "t", "cpus:3", TASK_STATE_RUNNING);
    task.role = TEXT("eng");
    message.register_agent.tasks = &task;
    message.register_agent.task_count = 1;
    stage_tell(stage, 10, message);

    assert_heard(stage, "role=eng/ci cpus:1;mem:1024");
    assert_not_heard(stage, "role=eng/ci cpus:4");
}

TEST(a_hundred_thousand_roles_are_served_and_no_more) {
    AUTO(stage_free) struct stage *stage = begin();
    struct role_weight *weights =
        ARENA_ARRAY(stage->arena, struct role_weight, ROLES_PER_CALL_LIMIT);
    struct operator_call call = {
        .kind = OPERATOR_UPDATE_WEIGHTS, .weights = weights, .weight_count = ROLES_PER_CALL_LIMIT};

    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < ROLES_PER_CALL_LIMIT; i++)
            weights[i] = (struct role_weight){
                text_of(arena_printf(stage->arena, "role%d", round * ROLES_PER_CALL_LIMIT + i)), 2};
        ask(stage, call);
    }
    assert_int_equal(stage_count(stage, "answer 7 200"), 100);
    set_weight(stage, "another", 2);
    assert_heard(stage, "answer 7 400 more than 100000 roles");
    set_weight(stage, "role5", 1);
    set_weight(stage, "another", 2);
    assert_int_equal(stage_count(stage, "answer 7 200"), 102);
}
