#include "tests/unit/zookeeper/core/journal_rig.h"

#include "common/base/crc32c.h"

#define FENCE "/mesos/json.info_0000000001"

static struct zk_model *model_with_fence(void) {
    struct zk_model *model = zk_model_new();
    zk_model_put(model, TEXT("/mesos"), TEXT(""));
    zk_model_put(model, TEXT(FENCE), TEXT("{}"));
    return model;
}

static void assert_refused(const struct rig *rig, const char *why) {
    assert_true(rig->is_refused);
    if (strstr(buf_string((struct buf *)(uintptr_t)&rig->why), why) == NULL)
        fail_msg("'%s' does not say '%s'", rig->why.data, why);
}

static void store(struct rig *rig, const char *key, const char *value, uint64_t ticket) {
    rig_put(rig, key, value);
    rig_commit(rig, ticket);
    rig_settle(rig);
    assert_int_equal(rig->stored, ticket);
}

/* --- the ordinary life --- */

TEST(a_store_that_is_not_there_is_empty_and_is_not_made_by_reading) {
    AUTO(zk_model_free) struct zk_model *model = zk_model_new();
    AUTO_FINI(rig_fini) struct rig rig;

    rig_open(&rig, model, "");

    assert_true(rig.is_loaded);
    assert_rig_holds(&rig, "");
    assert_int_equal(zk_model_count(model, TEXT("/")), 0);
}

TEST(the_way_to_the_store_is_made_with_the_first_commit) {
    AUTO(zk_model_free) struct zk_model *model = zk_model_new();
    AUTO_FINI(rig_fini) struct rig rig;
    struct text head;

    rig_open(&rig, model, "");
    store(&rig, "a", "1", 1);

    assert_true(zk_model_get(model, TEXT("/mesos/registry/head"), &head));
    assert_int_equal(zk_model_count(model, TEXT("/")), 4);
}

TEST(what_was_stored_is_read_again_in_the_order_of_its_keys) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader;
    rig_open(&writer, model, FENCE);

    store(&writer, "b", "2", 1);
    store(&writer, "c", "3", 2);
    rig_put(&writer, "a", "1");
    journal_remove(writer.journal, TEXT("c"));
    rig_commit(&writer, 3);
    rig_settle(&writer);
    rig_open(&reader, model, "");

    assert_rig_holds(&writer, "a=1 b=2");
    assert_rig_holds(&reader, "a=1 b=2");
}

TEST(commits_that_wait_share_a_node) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, FENCE);
    store(&rig, "a", "1", 1);

    for (uint64_t ticket = 2; ticket <= 50; ticket++) {
        rig_put(&rig, "a", "2");
        rig_commit(&rig, ticket);
    }
    rig_settle(&rig);

    assert_int_equal(rig.stored, 50);
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/changes-")), 3);
}

TEST(a_commit_of_nothing_is_stored_at_once_or_with_those_before_it) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, FENCE);

    rig_commit(&rig, 1);
    assert_int_equal(rig.stored, 1);
    rig_put(&rig, "a", "1");
    rig_commit(&rig, 2);
    rig_commit(&rig, 3);
    assert_int_equal(rig.stored, 1);
    rig_settle(&rig);

    assert_int_equal(rig.stored, 3);
}

TEST(a_commit_of_several_nodes_counts_only_with_its_last) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader, next;
    rig_init(&writer, model, FENCE);
    journal_set_sizes(writer.journal, 64, 1 << 20);
    zk_model_join(writer.client);
    rig_settle(&writer);
    store(&writer, "a", "1", 1);

    rig_put(&writer, "a", "two");
    rig_put(&writer, "b", "two");
    rig_put(&writer, "c", "two");
    rig_commit(&writer, 2);
    while (zk_model_count(model, TEXT("/mesos/registry/changes-")) < 3) {
        rig_serve(&writer);
        rig_take(&writer);
    }
    rig_open(&reader, model, "");
    assert_rig_holds(&reader, "a=1");
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/changes-")), 3);

    rig_open(&next, model, FENCE);
    store(&next, "d", "4", 1);
    assert_rig_holds(&next, "a=1 d=4");
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/changes-")), 2);
}

TEST(values_up_to_the_limit_are_stored) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader;
    AUTO_FINI(buf_fini) struct buf large = {0}, shown = {0};
    rig_open(&writer, model, FENCE);
    while (large.size < JOURNAL_VALUE_BYTES_LIMIT)
        buf_append_byte(&large, 'x');

    for (int i = 0; i < 3; i++) {
        char key[2] = {(char)('a' + i), '\0'};
        rig_put(&writer, key, buf_string(&large));
    }
    rig_commit(&writer, 1);
    rig_settle(&writer);
    rig_open(&reader, model, "");

    rig_print(&reader, &shown);
    assert_int_equal(shown.size, 3 * (large.size + 2) + 2);
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/changes-")), 3);
}

TEST(many_small_changes_become_a_snapshot_and_go) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader;
    rig_open(&writer, model, FENCE);

    for (uint64_t ticket = 1; ticket <= 5000; ticket++)
        store(&writer, ticket % 2 == 0 ? "a" : "b", ticket % 4 < 2 ? "x" : "y", ticket);
    rig_settle(&writer);
    rig_open(&reader, model, "");

    assert_rig_holds(&reader, "a=x b=y");
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/snapshot-")), 1);
    assert_in_range(zk_model_count(model, TEXT("/mesos/registry/changes-")), 1, 1100);
    assert_int_equal(reader.journal->litter.items.count, 0);
}

TEST(a_server_that_lags_is_brought_up_to_date_before_it_is_read) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader;
    rig_open(&writer, model, FENCE);
    store(&writer, "a", "1", 1);

    rig_init(&reader, model, "");
    zk_model_set_lag(reader.client, true);
    store(&writer, "a", "2", 2);
    zk_model_join(reader.client);
    rig_settle(&reader);

    assert_rig_holds(&reader, "a=2");
}

/* --- losses --- */

TEST(a_lost_request_is_sent_again_after_the_reconnect) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, FENCE);
    store(&rig, "a", "1", 1);

    rig_put(&rig, "a", "2");
    rig_commit(&rig, 2);
    zk_model_cut(rig.client);
    rig_settle(&rig);
    assert_int_equal(rig.stored, 1);
    assert_int_equal(rig.troubles, 1);
    zk_model_join(rig.client);
    rig_settle(&rig);

    assert_int_equal(rig.stored, 2);
    assert_int_equal(rig.recoveries, 1);
}

TEST(a_write_whose_reply_was_lost_is_found_done) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, FENCE);
    store(&rig, "a", "1", 1);

    rig_put(&rig, "a", "2");
    rig_commit(&rig, 2);
    rig_serve(&rig);
    zk_model_cut(rig.client);
    zk_model_join(rig.client);
    rig_settle(&rig);
    store(&rig, "b", "3", 3);

    assert_rig_holds(&rig, "a=2 b=3");
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/changes-")), 3);
}

TEST(what_zookeeper_fails_is_tried_again_after_a_while_and_told_once) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, FENCE);
    store(&rig, "a", "1", 1);

    zk_model_fail_next(rig.client, 2);
    rig_put(&rig, "a", "2");
    rig_commit(&rig, 2);
    rig_settle(&rig);
    assert_int_equal(journal_deadline_ms(rig.journal), JOURNAL_RETRY_MS);
    rig_tick(&rig, JOURNAL_RETRY_MS - 1);
    assert_int_equal(zk_model_unserved(rig.client), 0);
    rig_tick(&rig, 1);
    rig_settle(&rig);
    rig_tick(&rig, JOURNAL_RETRY_MS);
    rig_settle(&rig);

    assert_int_equal(rig.stored, 2);
    assert_int_equal(rig.troubles, 1);
    assert_int_equal(rig.recoveries, 1);
    assert_int_equal(journal_deadline_ms(rig.journal), INT64_MAX);
}

TEST(reading_goes_on_after_a_reconnect) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader;
    rig_open(&writer, model, FENCE);
    for (uint64_t ticket = 1; ticket <= 100; ticket++)
        store(&writer, "a", ticket == 100 ? "last" : "x", ticket);

    rig_init(&reader, model, "");
    zk_model_join(reader.client);
    for (int cuts = 0; cuts < 5;) {
        if (!rig_take(&reader))
            rig_serve(&reader);
        if (zk_model_unserved(reader.client) != 10)
            continue;
        zk_model_cut(reader.client);
        zk_model_join(reader.client);
        cuts++;
    }
    rig_settle(&reader);

    assert_true(reader.is_loaded);
    assert_rig_holds(&reader, "a=last");
}

TEST(no_more_than_the_window_is_asked_at_once) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader;
    size_t most = 0;
    rig_open(&writer, model, FENCE);
    for (uint64_t ticket = 1; ticket <= 100; ticket++)
        store(&writer, "a", "x", ticket);

    rig_init(&reader, model, "");
    zk_model_join(reader.client);
    do {
        if (zk_model_unserved(reader.client) > most)
            most = zk_model_unserved(reader.client);
    } while (rig_take(&reader) || rig_serve(&reader));

    assert_true(reader.is_loaded);
    assert_int_equal(most, JOURNAL_READS_AT_ONCE);
}

/* --- who may write --- */

TEST(without_the_fence_nothing_is_written_and_the_writer_is_deposed) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, FENCE);
    store(&rig, "a", "1", 1);

    zk_model_erase(model, TEXT(FENCE));
    rig_put(&rig, "a", "2");
    rig_commit(&rig, 2);
    rig_settle(&rig);

    assert_true(rig.is_deposed);
    assert_int_equal(rig.stored, 1);
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/changes-")), 1);
}

TEST(without_the_fence_not_even_the_head_is_made) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, "/mesos/json.info_0000000000");

    rig_put(&rig, "a", "1");
    rig_commit(&rig, 1);
    rig_settle(&rig);

    assert_true(rig.is_deposed);
    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/")), 0);
}

TEST(an_expired_session_deposes) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_open(&rig, model, FENCE);
    store(&rig, "a", "1", 1);

    zk_model_expire(rig.client);
    rig_put(&rig, "a", "2");
    rig_commit(&rig, 2);
    zk_model_join(rig.client);
    rig_settle(&rig);

    assert_true(rig.is_deposed);
    assert_int_equal(rig.stored, 1);
}

TEST(a_node_that_somebody_else_wrote_is_not_taken_for_ours) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig first, second;
    rig_open(&first, model, FENCE);
    store(&first, "a", "1", 1);
    rig_open(&second, model, FENCE);

    store(&first, "a", "2", 2);
    rig_put(&second, "a", "3");
    rig_commit(&second, 1);
    rig_settle(&second);

    assert_refused(&second, "changes-0000000001-0000000001 was written by somebody else");
    assert_int_equal(second.stored, 0);
}

TEST(a_writer_that_is_deposed_while_it_compares_says_so) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig first, second;
    rig_open(&first, model, FENCE);
    store(&first, "a", "1", 1);
    rig_open(&second, model, "");

    rig_put(&first, "a", "2");
    rig_commit(&first, 2);
    zk_model_cut(first.client);
    store(&second, "a", "3", 1);
    zk_model_join(first.client);
    while (first.journal->write.state != WRITE_COMPARED)
        if (!rig_take(&first))
            rig_serve(&first);
    zk_model_erase(model, TEXT(FENCE));
    rig_settle(&first);

    assert_true(first.is_deposed);
}

TEST(a_head_that_vanishes_or_changes_under_a_leader_is_not_overwritten) {
    for (int vanishes = 0; vanishes < 2; vanishes++) {
        AUTO(zk_model_free) struct zk_model *model = model_with_fence();
        AUTO_FINI(rig_fini) struct rig rig;
        rig_open(&rig, model, FENCE);
        store(&rig, "a", "1", 1);

        if (vanishes)
            zk_model_erase(model, TEXT("/mesos/registry/head"));
        else
            zk_model_put(model, TEXT("/mesos/registry/head"), TEXT("another"));
        size_t before = zk_model_count(model, TEXT("/"));
        rig_put(&rig, "a", "2");
        rig_commit(&rig, 2);
        rig_settle(&rig);

        assert_refused(&rig, vanishes ? "head: no such node" : "head: the node has changed");
        assert_int_equal(zk_model_count(model, TEXT("/")), before);
    }
}

TEST(nothing_is_stored_behind_a_change_that_is_gone_or_another) {
    for (int vanishes = 0; vanishes < 2; vanishes++) {
        AUTO(zk_model_free) struct zk_model *model = model_with_fence();
        AUTO_FINI(rig_fini) struct rig rig;
        struct text last = TEXT("/mesos/registry/changes-0000000001-0000000001");
        rig_open(&rig, model, FENCE);
        store(&rig, "a", "1", 1);
        store(&rig, "a", "2", 2);

        if (vanishes)
            zk_model_erase(model, last);
        else
            zk_model_put(model, last, TEXT("another"));
        size_t before = zk_model_count(model, TEXT("/"));
        rig_put(&rig, "a", "3");
        rig_commit(&rig, 3);
        rig_settle(&rig);

        assert_refused(&rig, vanishes ? "changes-0000000001-0000000001: no such node"
                                      : "changes-0000000001-0000000001: the node has changed");
        assert_int_equal(rig.stored, 2);
        assert_int_equal(zk_model_count(model, TEXT("/")), before);
    }
}

TEST(no_permission_is_refused_for_good) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig reader, writer;
    rig_open(&writer, model, FENCE);
    zk_model_forbid(model, TEXT("/mesos"));

    rig_open(&reader, model, "");
    rig_put(&writer, "a", "1");
    rig_commit(&writer, 1);
    rig_settle(&writer);

    assert_refused(&reader, "no permission");
    assert_refused(&writer, "no permission");
}

TEST(refused_credentials_are_named) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig rig;
    rig_init(&rig, model, "");

    zk_model_refuse(rig.client);
    rig_settle(&rig);

    assert_refused(&rig, "credentials");
}

/* --- bad stores --- */

#define CHANGE "/mesos/registry/changes-0000000001-0000000000"

/* A store with one change, then damaged by `damage`, is refused with words and not written. */
static void assert_damage_is_named(void (*damage)(struct zk_model *model, struct buf *node),
                                   const char *why) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, next;
    AUTO_FINI(buf_fini) struct buf node = {0};
    struct text bytes;
    rig_open(&writer, model, FENCE);
    store(&writer, "a", "1", 1);
    store(&writer, "a", "2", 2);
    assert_true(zk_model_get(model, TEXT(CHANGE), &bytes));
    buf_append_text(&node, bytes);

    damage(model, &node);
    size_t before = zk_model_count(model, TEXT("/"));
    rig_open(&next, model, FENCE);

    assert_refused(&next, why);
    assert_false(next.is_loaded);
    assert_int_equal(zk_model_count(model, TEXT("/")), before);
}

static void flip_a_bit(struct zk_model *model, struct buf *node) {
    node->data[node->size - 6] ^= 4;
    zk_model_put(model, TEXT(CHANGE), buf_text(node));
}
static void cut_short(struct zk_model *model, struct buf *node) {
    zk_model_put(model, TEXT(CHANGE), text_sub(buf_text(node), 0, node->size - 1));
}
static void write_anything(struct zk_model *model, struct buf *node) {
    (void)node;
    zk_model_put(model, TEXT(CHANGE), TEXT("what"));
}
static void put_newer_format(struct zk_model *model, struct buf *node) {
    node->data[8] = 2;
    zk_model_put(model, TEXT(CHANGE), buf_text(node));
}
static void put_newer_head(struct zk_model *model, struct buf *node) {
    node->data[8] = 2;
    zk_model_put(model, TEXT("/mesos/registry/head"), buf_text(node));
}
static void leave_a_gap(struct zk_model *model, struct buf *node) {
    (void)node;
    zk_model_erase(model, TEXT(CHANGE));
}
static void swap_nodes(struct zk_model *model, struct buf *node) {
    zk_model_put(model, TEXT("/mesos/registry/changes-0000000001-0000000001"), buf_text(node));
}
static void lose_the_head(struct zk_model *model, struct buf *node) {
    (void)node;
    zk_model_erase(model, TEXT("/mesos/registry/head"));
}
static void bring_a_later_generation(struct zk_model *model, struct buf *node) {
    zk_model_put(model, TEXT("/mesos/registry/changes-0000000002-0000000002"), buf_text(node));
}
static void bring_a_late_snapshot(struct zk_model *model, struct buf *node) {
    zk_model_put(model, TEXT("/mesos/registry/snapshot-0000000003-000000"), buf_text(node));
}
static void bring_a_second(struct zk_model *model, struct buf *node) {
    zk_model_put(model, TEXT("/mesos/registry/changes-0000000000-0000000000"), buf_text(node));
}
/* Sound by itself, but of another history. */
static void bring_another_history(struct zk_model *model, struct buf *node) {
    node->size -= 5;
    buf_append_byte(node, 'z');
    uint32_t sum = crc32c(0, buf_text(node));
    buf_append(node, &sum, sizeof(sum));
    zk_model_put(model, TEXT(CHANGE), buf_text(node));
}

TEST(damage_is_refused_with_the_name_of_the_node) {
    assert_damage_is_named(flip_a_bit, CHANGE " is damaged: CRC32C");
    assert_damage_is_named(cut_short, CHANGE " is damaged: CRC32C");
    assert_damage_is_named(write_anything, CHANGE " is not a node of a registry of ours");
    assert_damage_is_named(put_newer_format, CHANGE " is of format 2; this program knows 1");
    assert_damage_is_named(put_newer_head, "/mesos/registry/head is of format 2");
    assert_damage_is_named(leave_a_gap, CHANGE " is missing");
    assert_damage_is_named(swap_nodes, "000000001 has the content of another node");
    assert_damage_is_named(lose_the_head, "is there, but no head");
    assert_damage_is_named(bring_a_later_generation, "generation that the head does not know");
    assert_damage_is_named(bring_a_late_snapshot, "generation that the head does not know");
    assert_damage_is_named(bring_a_second, "is there twice");
    assert_damage_is_named(bring_another_history, "does not follow the node before it");
}

TEST(nodes_that_are_not_ours_are_left_alone) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, next;
    struct text data;
    rig_open(&writer, model, FENCE);
    store(&writer, "a", "1", 1);

    zk_model_put(model, TEXT("/mesos/registry/notes"), TEXT("of an operator"));
    zk_model_put(model, TEXT("/mesos/registry/changes-1-1"), TEXT("odd"));
    rig_open(&next, model, FENCE);
    store(&next, "b", "2", 1);

    assert_rig_holds(&next, "a=1 b=2");
    assert_true(zk_model_get(model, TEXT("/mesos/registry/notes"), &data));
}

TEST(litter_with_children_of_somebody_else_is_left_and_holds_up_nothing) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, next;
    rig_open(&writer, model, FENCE);
    store(&writer, "a", "1", 1);
    zk_model_put(model, TEXT("/mesos/registry/snapshot-0000000000-000000"), TEXT("old"));
    zk_model_put(model, TEXT("/mesos/registry/snapshot-0000000000-000001"), TEXT("old"));
    zk_model_put(model, TEXT("/mesos/registry/snapshot-0000000000-000001/x"), TEXT(""));

    rig_open(&next, model, FENCE);
    store(&next, "b", "2", 1);
    store(&next, "b", "3", 2);

    assert_int_equal(zk_model_count(model, TEXT("/mesos/registry/snapshot-")), 2);
    assert_rig_holds(&next, "a=1 b=3");
}

TEST(a_reader_takes_the_next_generation_when_the_one_it_reads_goes) {
    AUTO(zk_model_free) struct zk_model *model = model_with_fence();
    AUTO_FINI(rig_fini) struct rig writer, reader;
    rig_init(&writer, model, FENCE);
    journal_set_sizes(writer.journal, JOURNAL_NODE_BYTES, 10 * JOURNAL_CHANGE_COST_BYTES);
    zk_model_join(writer.client);
    rig_settle(&writer);
    for (uint64_t ticket = 1; ticket <= 9; ticket++)
        store(&writer, "a", "x", ticket);

    rig_init(&reader, model, "");
    zk_model_join(reader.client);
    for (int i = 0; i < 4; i++)
        rig_take(&reader);
    while (zk_model_unserved(reader.client) < 9)
        if (!rig_take(&reader))
            rig_serve(&reader);
    for (uint64_t ticket = 10; ticket <= 19; ticket++)
        store(&writer, "a", "y", ticket);
    rig_settle(&reader);

    assert_true(reader.is_loaded);
    assert_rig_holds(&reader, "a=y");
}
