/*
 * Histories by chance: writers commit, lose connections, requests and replies, are deposed and go
 * on without knowing, crash, and are followed by others. What each of them finds when it has loaded
 * must be what the one before it had found, plus a beginning of its commits in which all that were
 * told as stored are.
 *
 * HISTORIES=n for more of them than CI runs.
 */
#include "tests/unit/zookeeper/core/journal_rig.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    HISTORIES = 3000,
    STEPS = 250,
    KEYS = 12,
    HEALING_ROUNDS = 200,
};

/* Of each key which value it has; 0: none. */
struct picture {
    uint64_t values[KEYS];
};

struct history {
    struct rng rng;
    struct zk_model *model;
    struct rig writer, zombie, reader;
    bool has_zombie, has_reader, is_reading;
    bool is_checked; /* the writer, when it was loaded */
    char fence[64];
    unsigned last_fence;
    uint64_t last_value;
    VEC_OF(struct picture) pictures; /* [k]: after commit k of the writer */
    VEC_OF(struct picture) past;     /* of all writers */
    uint64_t zombie_limit;           /* the last ticket of it that may be told as stored */
    uint64_t zombie_ticket;
    size_t reader_floor; /* of pictures */
    bool reader_has_floor;
};

static size_t below(struct history *history, size_t limit) {
    return (size_t)rng_below(&history->rng, limit);
}

/* --- values --- */

static void print_value(uint64_t value, struct buf *out) {
    buf_printf(out, "%" PRIu64 ":", value);
    for (uint64_t i = 0; i < value * 7 % 150; i++)
        buf_append_byte(out, 'x');
}

static bool read_value(void *self, struct text key, struct text value, struct error *error) {
    struct picture *picture = self;
    AUTO_FINI(buf_fini) struct buf again = {0};
    struct text rest = value, number;
    uint64_t id = 0;
    (void)error;
    assert_int_equal(key.size, 1);
    assert_true(text_split(&rest, ':', &number) && text_to_u64(number, &id));
    print_value(id, &again);
    assert_true(text_equal(buf_text(&again), value));
    picture->values[key.data[0] - 'a'] = id;
    return true;
}

static struct picture picture_of(const struct rig *rig) {
    struct picture picture = {0};
    assert_true(journal_each(rig->journal, read_value, &picture, NULL));
    return picture;
}

static bool is_same(const struct picture *a, const struct picture *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* --- writers --- */

static void start_writer(struct history *history) {
    snprintf(history->fence, sizeof(history->fence), "/mesos/json.info_%010u",
             history->last_fence++);
    zk_model_put(history->model, text_of(history->fence), TEXT("{}"));
    rig_init(&history->writer, history->model, history->fence);
    journal_set_sizes(history->writer.journal, 60 + below(history, 2000),
                      (1 + below(history, 12)) * JOURNAL_CHANGE_COST_BYTES);
    zk_model_join(history->writer.client);
    zk_model_set_lag(history->writer.client, below(history, 3) == 0);
    history->is_checked = false;
    history->reader_has_floor = false;
}

/* Every write that could still be done is done or never will be. */
static void stop_writer(struct history *history, bool crashes) {
    zk_model_erase(history->model, text_of(history->fence));
    if (history->has_zombie)
        rig_fini(&history->zombie);
    history->has_zombie = !crashes;
    history->zombie_ticket = history->is_checked ? history->pictures.count - 1 : 0;
    history->zombie = history->writer;
    if (crashes)
        rig_fini(&history->zombie);
    else
        history->zombie_limit = UINT64_MAX; /* until somebody has loaded */
    start_writer(history);
}

/* The pictures are still those of the writer before. */
static void check_loaded(struct history *history, uint64_t stored_before) {
    struct picture found = picture_of(&history->writer);
    size_t k = history->pictures.count;
    while (k > 0 && !is_same(&history->pictures.items[k - 1], &found))
        k--;
    if (k == 0 || k - 1 < stored_before)
        fail_msg("loaded %s; %zu commits, %" PRIu64 " of them stored",
                 k == 0 ? "what never was" : "too little", history->pictures.count - 1,
                 stored_before);
    if (history->zombie_limit == UINT64_MAX)
        history->zombie_limit = k - 1;
    VEC_EACH(picture, &history->pictures)
        VEC_PUSH(&history->past, *picture);
    history->pictures.count = 0;
    VEC_PUSH(&history->pictures, found);
    history->is_checked = true;
}

static void change_key(struct history *history, struct rig *rig, struct picture *picture) {
    size_t at = below(history, KEYS);
    struct text key = {&"abcdefghijklmnop"[at], 1};
    if (below(history, 4) == 0) {
        journal_remove(rig->journal, key);
        picture->values[at] = 0;
        return;
    }
    AUTO_FINI(buf_fini) struct buf value = {0};
    picture->values[at] = ++history->last_value;
    print_value(picture->values[at], &value);
    journal_put(rig->journal, key, buf_text(&value));
}

static void commit(struct history *history) {
    struct rig *writer = &history->writer;
    if (!history->is_checked || writer->is_deposed)
        return;
    struct picture picture = history->pictures.items[history->pictures.count - 1];
    size_t changes = below(history, 8) == 0 ? 15 : below(history, 4);
    for (size_t i = 0; i < changes; i++)
        change_key(history, writer, &picture);
    VEC_PUSH(&history->pictures, picture);
    rig_commit(writer, history->pictures.count - 1);
}

static void commit_as_zombie(struct history *history) {
    struct picture ignored = {0};
    struct rig *zombie = &history->zombie;
    if (!zombie->is_loaded || zombie->is_deposed)
        return;
    change_key(history, zombie, &ignored);
    rig_commit(zombie, ++history->zombie_ticket);
}

/* --- what happens --- */

/* What the writer has been told as stored when it ended; kept across stop_writer. */
static void look_at_writer(struct history *history, uint64_t *stored) {
    struct rig *writer = &history->writer;
    if (writer->is_refused)
        fail_msg("refused: %s", writer->why.data);
    if (history->is_checked)
        *stored = writer->stored;
    else if (writer->is_loaded)
        check_loaded(history, *stored);
    if (history->is_checked)
        *stored = writer->stored;
    if (writer->is_deposed)
        stop_writer(history, below(history, 2) == 0);
}

static void step_zombie(struct history *history) {
    struct rig *zombie = &history->zombie;
    if (!history->has_zombie)
        return;
    switch (below(history, 8)) {
    case 0: commit_as_zombie(history); break;
    case 1: zk_model_cut(zombie->client); break;
    case 2: zk_model_join(zombie->client); break;
    case 3: rig_tick(zombie, JOURNAL_RETRY_MS); break;
    case 4:
    case 5: rig_take(zombie); break;
    default: rig_serve(zombie); break;
    }
    assert_false(zombie->is_refused);
    assert_true(zombie->stored <= history->zombie_limit);
}

static bool is_known(struct history *history, const struct picture *found) {
    for (size_t k = history->pictures.count; k > 0; k--) {
        if (is_same(&history->pictures.items[k - 1], found))
            return !history->reader_has_floor || k > history->reader_floor;
    }
    if (history->reader_has_floor && history->pictures.count > 0)
        return false;
    VEC_EACH(picture, &history->past) {
        if (is_same(picture, found))
            return true;
    }
    return false;
}

static void step_reader(struct history *history) {
    struct rig *reader = &history->reader;
    if (!history->has_reader) {
        rig_init(reader, history->model, "");
        zk_model_set_lag(reader->client, below(history, 2) == 0);
        history->has_reader = true;
        history->is_reading = false;
        return;
    }
    if (!history->is_reading) {
        zk_model_join(reader->client);
        history->is_reading = true;
        history->reader_has_floor = history->is_checked;
        history->reader_floor = (size_t)history->writer.stored;
        return;
    }
    for (size_t i = below(history, 12); i > 0; i--) {
        if (!rig_take(reader))
            rig_serve(reader);
    }
    if (reader->is_refused)
        fail_msg("the reader refuses: %s", reader->why.data);
    if (!reader->is_loaded)
        return;
    struct picture found = picture_of(reader);
    assert_true(is_known(history, &found));
    rig_fini(reader);
    history->has_reader = false;
}

static void fault(struct history *history) {
    struct rig *writer = &history->writer;
    switch (below(history, 12)) {
    case 0:
    case 1:
    case 2: zk_model_cut(writer->client); break;
    case 3:
    case 4: zk_model_fail_next(writer->client, 1 + below(history, 3)); break;
    case 5: stop_writer(history, true); break;
    case 6: stop_writer(history, false); break;
    case 7:
        zk_model_expire(writer->client);
        zk_model_erase(history->model, text_of(history->fence));
        break;
    default: zk_model_set_lag(writer->client, below(history, 2) == 0); break;
    }
}

static void step(struct history *history) {
    struct rig *writer = &history->writer;
    switch (below(history, 24)) {
    case 0:
    case 1:
    case 2: commit(history); break;
    case 3:
        if (below(history, 3) == 0)
            fault(history);
        break;
    case 4: rig_tick(writer, JOURNAL_RETRY_MS); break;
    case 5: zk_model_join(writer->client); break;
    case 6:
    case 7: step_zombie(history); break;
    case 8: step_reader(history); break;
    default:
        if (below(history, 2) == 0)
            rig_take(writer);
        else
            rig_serve(writer);
        break;
    }
}

static void heal(struct history *history, uint64_t *stored) {
    for (int i = 0; i < HEALING_ROUNDS; i++) {
        zk_model_join(history->writer.client);
        rig_settle(&history->writer);
        rig_tick(&history->writer, JOURNAL_RETRY_MS);
        look_at_writer(history, stored);
        if (i == 0)
            commit(history); /* a writer that writes, so that it cleans up */
    }
    assert_true(history->is_checked);
    assert_int_equal(history->writer.stored, history->pictures.count - 1);
    if (!history->writer.journal->is_writer)
        return;
    assert_int_equal(history->writer.journal->litter.items.count, 0);
    assert_int_equal(history->writer.journal->tail.items.count, 0);
}

static void check_end(struct history *history) {
    AUTO_FINI(rig_fini) struct rig last;
    rig_open(&last, history->model, "");
    assert_true(last.is_loaded);
    struct picture found = picture_of(&last), writer = picture_of(&history->writer);
    assert_true(is_same(&found, &history->pictures.items[history->pictures.count - 1]));
    assert_true(is_same(&found, &writer));
    if (history->writer.journal->is_writer)
        assert_int_equal(last.journal->litter.items.count, 0);
}

static void run_history(uint64_t seed) {
    struct history history = {.rng = rng_of(seed), .model = zk_model_new()};
    uint64_t stored = 0;
    zk_model_put(history.model, TEXT("/mesos"), TEXT(""));
    VEC_PUSH(&history.pictures, (struct picture){0});
    start_writer(&history);
    for (int i = 0; i < STEPS; i++) {
        step(&history);
        look_at_writer(&history, &stored);
    }
    heal(&history, &stored);
    check_end(&history);
    if (history.has_zombie)
        rig_fini(&history.zombie);
    if (history.has_reader)
        rig_fini(&history.reader);
    rig_fini(&history.writer);
    VEC_FINI(&history.pictures);
    VEC_FINI(&history.past);
    zk_model_free(history.model);
}

TEST(whatever_happens_what_was_told_as_stored_is_there_and_commits_are_whole) {
    struct rng rng = rng_for_test();
    const char *given = getenv("HISTORIES");
    uint64_t count = HISTORIES;
    if (given != NULL)
        assert_true(text_to_u64(text_of(given), &count));

    for (uint64_t i = 0; i < count; i++)
        run_history(rng_next(&rng));
    printf("%" PRIu64 " histories\n", count);
}
