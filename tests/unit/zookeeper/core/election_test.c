/*
 * Elections against the model of an ensemble. A rig is a client of it and what its election has
 * told; settle() lets everything happen that can.
 */
#include "zookeeper/core/election.h"

#include "tests/support/unit.h"
#include "tests/support/zk_model.h"

#include <stdio.h>

enum { TIMEOUT_MS = 10000 };

struct rig {
    struct zk_model *model;
    struct zk_model_client *client;
    struct election *election;
    struct arena *arena;
    int64_t now_ms;
    unsigned changes, dones, requests;
    char trouble[256];
};

static void step(struct rig *rig, struct election_event event) {
    struct election_outbox outbox = {.arena = rig->arena};
    event.now_ms = rig->now_ms;
    election_step(rig->election, &event, &outbox);
    VEC_EACH(effect, &outbox.effects) {
        switch (effect->kind) {
        case ELECTION_EFFECT_REQUEST:
            zk_model_send(rig->client, &effect->request);
            rig->requests++;
            break;
        case ELECTION_EFFECT_CHANGED: rig->changes++; break;
        case ELECTION_EFFECT_DONE: rig->dones++; break;
        case ELECTION_EFFECT_TROUBLE:
            snprintf(rig->trouble, sizeof(rig->trouble), "%.*s", TEXT_ARGS(effect->why));
            break;
        }
    }
    VEC_FINI(&outbox.effects);
}

static bool take(struct rig *rig) {
    struct zk_delivery delivery;
    AUTO(arena_free) struct arena *arena = arena_new();
    if (!zk_model_take(rig->client, arena, &delivery))
        return false;
    struct election_event event = {0};
    switch (delivery.kind) {
    case ZK_DELIVERY_SESSION:
        event.kind = ELECTION_EVENT_SESSION;
        event.session.state = delivery.session.state;
        event.session.id = delivery.session.id;
        break;
    case ZK_DELIVERY_REPLY:
        event.kind = ELECTION_EVENT_REPLY;
        event.reply = delivery.reply;
        break;
    case ZK_DELIVERY_WATCH:
        event.kind = ELECTION_EVENT_WATCH;
        event.watch_path = delivery.watch_path;
        break;
    }
    step(rig, event);
    return true;
}

static void settle(struct rig *rigs, size_t count) {
    bool goes_on = true;
    while (goes_on) {
        goes_on = false;
        for (size_t i = 0; i < count; i++) {
            goes_on |= zk_model_serve(rigs[i].client);
            goes_on |= take(&rigs[i]);
        }
    }
}

static void tick(struct rig *rig, int64_t now_ms) {
    rig->now_ms = now_ms;
    step(rig, (struct election_event){.kind = ELECTION_EVENT_TICK});
}

static struct rig rig_of(struct zk_model *model, const char *path, const char *info) {
    struct election_options options = {.path = text_of(path),
                                       .is_candidate = info != NULL,
                                       .info = text_of(info),
                                       .session_timeout_ms = TIMEOUT_MS};
    struct rig rig = {.model = model,
                      .client = zk_model_client_new(model),
                      .election = election_new(&options),
                      .arena = arena_new()};
    tick(&rig, 0);
    return rig;
}

static void join(struct rig *rig) {
    zk_model_join(rig->client);
    settle(rig, 1);
}

static void rig_fini(struct rig *rig) {
    zk_model_client_free(rig->client);
    election_free(rig->election);
    arena_free(rig->arena);
}
DEFINE_AUTO_FINI(struct rig, rig_fini)

#define MODEL(name) AUTO(zk_model_free) struct zk_model *name = zk_model_new()
#define RIG(name, ...) AUTO_FINI(rig_fini) struct rig name = rig_of(__VA_ARGS__)

#define assert_role(rig, role) assert_int_equal(election_role((rig).election), ELECTION_##role)
#define assert_leader(rig, leader) assert_text_equal(election_leader((rig).election), leader)
#define assert_node(rig, node) assert_text_equal(election_node((rig).election), node)

TEST(the_first_candidate_makes_the_path_and_leads) {
    MODEL(model);
    RIG(rig, model, "/deep/mesos", "{\"id\":\"a\"}");
    struct text data;

    assert_role(rig, OUT);
    join(&rig);

    assert_role(rig, LEADER);
    assert_node(rig, "/deep/mesos/json.info_0000000000");
    assert_leader(rig, "{\"id\":\"a\"}");
    assert_true(zk_model_get(model, TEXT("/deep/mesos/json.info_0000000000"), &data));
    assert_text_equal(data, "{\"id\":\"a\"}");
}

TEST(the_path_may_be_the_root) {
    MODEL(model);
    RIG(rig, model, "", "{}");

    join(&rig);

    assert_role(rig, LEADER);
    assert_node(rig, "/json.info_0000000000");
}

TEST(who_comes_later_stands_by_and_leads_when_those_before_have_gone) {
    MODEL(model);
    struct rig rigs[3] = {rig_of(model, "/m", "{1}"), rig_of(model, "/m", "{2}"),
                          rig_of(model, "/m", "{3}")};
    for (size_t i = 0; i < 3; i++)
        join(&rigs[i]);

    assert_role(rigs[1], STANDBY);
    assert_role(rigs[2], STANDBY);
    assert_leader(rigs[2], "{1}");
    zk_model_expire(rigs[1].client);
    settle(rigs, 3);
    assert_leader(rigs[2], "{1}");
    zk_model_expire(rigs[0].client);
    settle(rigs, 3);
    assert_role(rigs[2], LEADER);
    assert_leader(rigs[2], "{3}");

    for (size_t i = 0; i < 3; i++)
        rig_fini(&rigs[i]);
}

TEST(an_observer_sees_the_leader_and_makes_nothing) {
    MODEL(model);
    RIG(observer, model, "/m", NULL);
    RIG(master, model, "/m", "{1}");

    join(&observer);
    assert_role(observer, STANDBY);
    assert_leader(observer, "");
    assert_int_equal(zk_model_count(model, TEXT("/m")), 0);
    join(&master);
    settle(&observer, 1);
    assert_leader(observer, "{1}");
    zk_model_erase(model, TEXT("/m/json.info_0000000000"));
    settle(&observer, 1);
    assert_leader(observer, "");
}

TEST(one_change_is_told_when_the_leader_changes) {
    MODEL(model);
    RIG(observer, model, "/m", NULL);
    zk_model_put(model, TEXT("/m"), TEXT(""));
    zk_model_put(model, TEXT("/m/json.info_0000000001"), TEXT("{1}"));
    zk_model_put(model, TEXT("/m/json.info_0000000002"), TEXT("{2}"));
    join(&observer);
    unsigned before = observer.changes;

    zk_model_erase(model, TEXT("/m/json.info_0000000001"));
    settle(&observer, 1);

    assert_leader(observer, "{2}");
    assert_int_equal(before, 1);
    assert_int_equal(observer.changes, 2);
}

TEST(nodes_of_others_are_no_masters) {
    MODEL(model);
    RIG(observer, model, "/m", NULL);
    static const char *const names[] = {"/m",          "/m/log_replicas",
                                        "/m/registry", "/m/json.info_12",
                                        "/m/x",        "/m/json.info-0000000000"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        zk_model_put(model, text_of(names[i]), TEXT("{x}"));
    zk_model_put(model, TEXT("/m/json.info_0000000009"), TEXT("{9}"));

    join(&observer);

    assert_leader(observer, "{9}");
    assert_string_equal(observer.trouble, "");
}

TEST(a_numbered_node_with_another_label_makes_the_leader_unknown_when_it_is_first) {
    static const char *const strangers[] = {"/m/info_0000000003", "/m/0000000003",
                                            "/m/other_0000000003"};
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        MODEL(model);
        RIG(observer, model, "/m", NULL);
        zk_model_put(model, TEXT("/m"), TEXT(""));
        zk_model_put(model, text_of(strangers[i]), TEXT("x"));
        zk_model_put(model, TEXT("/m/json.info_0000000005"), TEXT("{5}"));
        zk_model_put(model, TEXT("/m/old_0000000007"), TEXT("x"));

        join(&observer);
        assert_leader(observer, "");
        assert_non_null(strstr(observer.trouble, strangers[i]));
        zk_model_erase(model, text_of(strangers[i]));
        settle(&observer, 1);
        assert_leader(observer, "{5}");
    }
}

TEST(a_leaders_data_that_is_no_info_makes_it_unknown_until_it_is_one) {
    static char large[ELECTION_INFO_BYTES_LIMIT + 1];
    memset(large, ' ', sizeof(large));
    large[0] = '{';
    large[sizeof(large) - 1] = '}';
    const struct text wrong[] = {TEXT(""),   TEXT("{"),     TEXT("master@1:2"),    TEXT("{\xff}"),
                                 TEXT("[]"), TEXT("{\0x}"), {large, sizeof(large)}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        MODEL(model);
        RIG(observer, model, "/m", NULL);
        zk_model_put(model, TEXT("/m"), TEXT(""));
        zk_model_put(model, TEXT("/m/json.info_0000000001"), wrong[i]);

        join(&observer);
        assert_leader(observer, "");
        assert_non_null(strstr(observer.trouble, "/m/json.info_0000000001"));
        zk_model_put(model, TEXT("/m/json.info_0000000001"), TEXT(" {ok}\n"));
        settle(&observer, 1);
        assert_leader(observer, " {ok}\n");
    }
}

/* Cuts the connection behind each request of the way to leadership, before it is served and after.
 */
TEST(wherever_the_connection_breaks_a_candidate_leads_with_one_node) {
    for (int cut_at = 0; cut_at < 12; cut_at++) {
        for (int is_served = 0; is_served < 2; is_served++) {
            MODEL(model);
            RIG(rig, model, "/a/b", "{1}");
            zk_model_join(rig.client);
            for (int i = 0; i < cut_at; i++) {
                while (take(&rig))
                    continue;
                zk_model_serve(rig.client);
            }
            while (!is_served && take(&rig))
                continue;
            zk_model_cut(rig.client);
            settle(&rig, 1);
            join(&rig);

            assert_role(rig, LEADER);
            assert_int_equal(zk_model_count(model, TEXT("/a/b/json.info_")), 1);
            assert_true(text_equal(election_node(rig.election),
                                   zk_model_path(model, TEXT("/a/b/json.info_"), 0)));
        }
    }
}

TEST(a_node_whose_making_was_lost_is_found_among_others_even_where_reads_are_old) {
    MODEL(model);
    RIG(rig, model, "/m", "{9}");
    zk_model_put(model, TEXT("/m"), TEXT(""));
    zk_model_put(model, TEXT("/m/json.info_0000000100"), TEXT("{1}"));
    zk_model_put(model, TEXT("/m/other_0000000101"), TEXT("{1}"));
    zk_model_join(rig.client);
    while (take(&rig))
        continue;
    zk_model_set_lag(rig.client, true);
    assert_true(zk_model_serve(rig.client)); /* made, and the answer is lost */
    zk_model_cut(rig.client);
    settle(&rig, 1);
    zk_model_set_lag(rig.client, true);

    join(&rig);

    assert_int_equal(zk_model_count(model, TEXT("/m/json.info_")), 2);
    assert_true(election_node(rig.election).size > 0);
}

TEST(an_old_list_without_our_node_is_read_again) {
    MODEL(model);
    RIG(rig, model, "/m", "{1}");
    join(&rig);
    zk_model_cut(rig.client);
    settle(&rig, 1);
    zk_model_set_lag(rig.client, true);
    zk_model_put(model, TEXT("/m/json.info_0000000009"), TEXT("{9}"));

    join(&rig);

    assert_role(rig, LEADER);
    assert_node(rig, "/m/json.info_0000000000");
}

TEST(who_finds_its_node_deleted_begins_again_as_the_last) {
    MODEL(model);
    struct rig rigs[2] = {rig_of(model, "/m", "{1}"), rig_of(model, "/m", "{2}")};
    join(&rigs[0]);
    join(&rigs[1]);

    zk_model_erase(model, TEXT("/m/json.info_0000000000"));
    settle(rigs, 2);

    assert_role(rigs[1], LEADER);
    assert_role(rigs[0], STANDBY);
    assert_node(rigs[0], "/m/json.info_0000000002");
    assert_leader(rigs[0], "{2}");
    assert_non_null(strstr(rigs[0].trouble, "deleted"));
    rig_fini(&rigs[0]);
    rig_fini(&rigs[1]);
}

/* As the master's shell does after a term: a new election in the same session. */
static void stand_again(struct rig *rig) {
    struct election_options options = {.path = TEXT("/m"),
                                       .is_candidate = true,
                                       .info = TEXT("{again}"),
                                       .session_timeout_ms = TIMEOUT_MS,
                                       .has_stood = true};
    struct election_event event = {.kind = ELECTION_EVENT_SESSION};
    bool is_joined = zk_model_is_joined(rig->client);
    election_free(rig->election);
    rig->election = election_new(&options);
    event.session.state = is_joined ? ZK_SESSION_CONNECTED : ZK_SESSION_CONNECTING;
    event.session.id = is_joined ? zk_model_session(rig->client) : 0;
    step(rig, event);
}

TEST(who_stands_again_in_its_session_deletes_what_it_left_there) {
    MODEL(model);
    RIG(rig, model, "/m", "{1}");
    join(&rig);

    stand_again(&rig);
    settle(&rig, 1);

    assert_int_equal(zk_model_count(model, TEXT("/m/json.info_")), 1);
    assert_node(rig, "/m/json.info_0000000001");
    assert_role(rig, LEADER);
    assert_leader(rig, "{again}");
}

TEST(a_node_that_is_being_made_when_one_stands_again_is_deleted_wherever_the_connection_breaks) {
    for (size_t point = 0; point < 24; point++) {
        MODEL(model);
        RIG(rig, model, "/m", "{1}");
        zk_model_put(model, TEXT("/m"), TEXT(""));
        zk_model_join(rig.client);
        while (take(&rig)) /* its node is asked for, and not made */
            continue;
        stand_again(&rig);
        for (size_t i = 0; i < point; i++)
            (void)(i % 2 == 0 ? zk_model_serve(rig.client) : take(&rig));
        zk_model_cut(rig.client);
        settle(&rig, 1);

        join(&rig);
        tick(&rig, ELECTION_RETRY_MS);
        settle(&rig, 1);

        assert_int_equal(zk_model_count(model, TEXT("/m/json.info_")), 1);
        assert_role(rig, LEADER);
        assert_leader(rig, "{again}");
    }
}

TEST(a_session_that_has_expired_deposes_and_a_new_one_is_the_last) {
    MODEL(model);
    struct rig rigs[2] = {rig_of(model, "/m", "{1}"), rig_of(model, "/m", "{2}")};
    join(&rigs[0]);
    join(&rigs[1]);

    zk_model_expire(rigs[0].client);
    settle(rigs, 2);
    assert_role(rigs[1], LEADER);
    zk_model_join(rigs[0].client); /* hears of it */
    settle(rigs, 2);
    assert_role(rigs[0], OUT);
    assert_node(rigs[0], "");
    join(&rigs[0]);
    assert_role(rigs[0], STANDBY);
    assert_leader(rigs[0], "{2}");
    rig_fini(&rigs[0]);
    rig_fini(&rigs[1]);
}

TEST(a_broken_connection_counts_after_the_session_timeout) {
    MODEL(model);
    RIG(rig, model, "/m", "{1}");
    join(&rig);
    rig.now_ms = 5000;
    zk_model_cut(rig.client);
    settle(&rig, 1);

    assert_role(rig, LEADER);
    assert_int_equal(election_deadline_ms(rig.election), 5000 + TIMEOUT_MS);
    tick(&rig, 5000 + TIMEOUT_MS - 1);
    assert_role(rig, LEADER);
    tick(&rig, 5000 + TIMEOUT_MS);
    assert_role(rig, OUT);
    assert_leader(rig, "");
    assert_true(election_deadline_ms(rig.election) == INT64_MAX);
    join(&rig);
    assert_role(rig, LEADER); /* the session has survived */
}

TEST(a_connection_that_comes_back_in_time_changes_nothing) {
    MODEL(model);
    RIG(rig, model, "/m", "{1}");
    join(&rig);
    unsigned before = rig.changes;

    zk_model_cut(rig.client);
    settle(&rig, 1);
    rig.now_ms = TIMEOUT_MS - 1;
    join(&rig);
    tick(&rig, 10 * TIMEOUT_MS);

    assert_role(rig, LEADER);
    assert_int_equal(rig.changes, before);
}

TEST(an_observer_that_reaches_nobody_says_so_once) {
    MODEL(model);
    RIG(rig, model, "/m", NULL);

    tick(&rig, TIMEOUT_MS - 1);
    assert_string_equal(rig.trouble, "");
    tick(&rig, TIMEOUT_MS);
    assert_non_null(strstr(rig.trouble, "no server"));
    assert_true(election_deadline_ms(rig.election) == INT64_MAX);
}

TEST(what_is_forbidden_is_told_once_and_tried_again_every_two_seconds) {
    MODEL(model);
    RIG(rig, model, "/m", "{1}");
    zk_model_put(model, TEXT("/m"), TEXT(""));
    zk_model_forbid(model, TEXT("/m"));

    join(&rig);
    assert_role(rig, OUT);
    assert_non_null(strstr(rig.trouble, "permission"));
    assert_int_equal(election_deadline_ms(rig.election), ELECTION_RETRY_MS);
    rig.trouble[0] = '\0';
    unsigned before = rig.requests;
    tick(&rig, ELECTION_RETRY_MS);
    settle(&rig, 1);
    assert_string_equal(rig.trouble, "");
    assert_true(rig.requests > before && rig.requests < before + 4);
    zk_model_forbid(model, (struct text){0});
    tick(&rig, 2 * ELECTION_RETRY_MS);
    settle(&rig, 1);
    assert_role(rig, LEADER);
}

TEST(refused_credentials_leave_a_candidate_out) {
    MODEL(model);
    RIG(rig, model, "/m", "{1}");
    join(&rig);

    zk_model_refuse(rig.client);
    settle(&rig, 1);

    assert_role(rig, OUT);
    assert_node(rig, "");
    assert_non_null(strstr(rig.trouble, "credentials"));
    join(&rig);
    assert_true(election_node(rig.election).size > 0);
}

TEST(an_answer_that_fails_is_asked_for_again) {
    for (size_t failures = 1; failures < 6; failures++) {
        MODEL(model);
        RIG(rig, model, "/m", "{1}");
        zk_model_join(rig.client);
        zk_model_fail_next(rig.client, failures);
        settle(&rig, 1);
        for (int64_t now_ms = 0; now_ms < 40000; now_ms += 1000) {
            tick(&rig, now_ms);
            settle(&rig, 1);
        }

        assert_role(rig, LEADER);
        assert_int_equal(zk_model_count(model, TEXT("/m/json.info_")), 1);
    }
}

TEST(a_candidate_that_resigns_deletes_its_node_and_the_next_leads_at_once) {
    MODEL(model);
    struct rig rigs[2] = {rig_of(model, "/m", "{1}"), rig_of(model, "/m", "{2}")};
    join(&rigs[0]);
    join(&rigs[1]);

    step(&rigs[0], (struct election_event){.kind = ELECTION_EVENT_RESIGN});
    assert_role(rigs[0], OUT);
    assert_int_equal(rigs[0].dones, 0);
    settle(rigs, 2);
    assert_int_equal(rigs[0].dones, 1);
    assert_role(rigs[1], LEADER);
    assert_int_equal(zk_model_count(model, TEXT("/m/json.info_")), 1);
    rig_fini(&rigs[0]);
    rig_fini(&rigs[1]);
}

TEST(who_resigns_without_a_connection_is_done_at_once) {
    MODEL(model);
    RIG(rig, model, "/m", "{1}");
    RIG(cut, model, "/m", "{1}");
    join(&cut);

    step(&rig, (struct election_event){.kind = ELECTION_EVENT_RESIGN});
    assert_int_equal(rig.dones, 1);
    step(&cut, (struct election_event){.kind = ELECTION_EVENT_RESIGN});
    zk_model_cut(cut.client);
    settle(&cut, 1);
    assert_int_equal(cut.dones, 1);
}

TEST(more_masters_than_the_limit_are_no_election) {
    MODEL(model);
    RIG(rig, model, "/m", NULL);
    zk_model_put(model, TEXT("/m"), TEXT(""));
    for (int i = 0; i <= ELECTION_CANDIDATES_LIMIT; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/m/json.info_%010d", i);
        zk_model_put(model, text_of(path), TEXT("{1}"));
    }

    join(&rig);

    assert_leader(rig, "");
    assert_non_null(strstr(rig.trouble, "ELECTION_CANDIDATES_LIMIT"));
}

/* One turn of chance for one candidate. */
static void happen(struct rig *rig, struct rng *rng) {
    switch (rng_below(rng, 12)) {
    case 0: zk_model_cut(rig->client); break;
    case 1: zk_model_expire(rig->client); break;
    case 2: zk_model_set_lag(rig->client, rng_below(rng, 2) == 0); break;
    case 3: zk_model_fail_next(rig->client, rng_below(rng, 2)); break;
    case 4:
        if (election_node(rig->election).size > 0 && rng_below(rng, 8) == 0)
            zk_model_erase(rig->model, election_node(rig->election));
        break;
    case 5:
    case 6:
        if (!zk_model_is_joined(rig->client))
            zk_model_join(rig->client);
        break;
    case 7: tick(rig, rig->now_ms + (int64_t)rng_below(rng, 3000)); break;
    default: zk_model_serve(rig->client); take(rig);
    }
}

static void assert_at_most_one_node_each(struct rig *rigs, size_t count) {
    size_t nodes = zk_model_count(rigs[0].model, TEXT("/m/json.info_"));
    assert_true(nodes <= count);
}

static void heal(struct rig *rigs, size_t count) {
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < count; i++) {
            zk_model_set_lag(rigs[i].client, false);
            if (!zk_model_is_joined(rigs[i].client))
                zk_model_join(rigs[i].client);
            tick(&rigs[i], rigs[i].now_ms + ELECTION_RETRY_MS);
        }
        settle(rigs, count);
    }
}

TEST(whatever_happens_one_leads_in_the_end_and_all_know_it) {
    struct rng rng = rng_for_test();
    for (int run = 0; run < 300; run++) {
        MODEL(model);
        struct rig rigs[4] = {rig_of(model, "/m", "{1}"), rig_of(model, "/m", "{2}"),
                              rig_of(model, "/m", "{3}"), rig_of(model, "/m", NULL)};
        for (int turn = 0; turn < 400; turn++) {
            happen(&rigs[rng_below(&rng, 4)], &rng);
            assert_at_most_one_node_each(rigs, 3);
        }
        heal(rigs, 4);

        size_t leaders = 0;
        for (size_t i = 0; i < 3; i++) {
            leaders += election_role(rigs[i].election) == ELECTION_LEADER;
            assert_true(election_node(rigs[i].election).size > 0);
        }
        assert_int_equal(leaders, 1);
        assert_int_equal(zk_model_count(model, TEXT("/m/json.info_")), 3);
        for (size_t i = 0; i < 4; i++) {
            assert_true(
                text_equal(election_leader(rigs[i].election), election_leader(rigs[0].election)));
            assert_true(election_leader(rigs[i].election).size > 0);
        }
        for (size_t i = 0; i < 4; i++)
            rig_fini(&rigs[i]);
    }
}
