#include "tests/unit/zookeeper/core/journal_rig.h"

void rig_init(struct rig *rig, struct zk_model *model, const char *fence) {
    *rig = (struct rig){.model = model,
                        .client = zk_model_client_new(model),
                        .journal = journal_new(TEXT(RIG_STORE), text_of(fence)),
                        .arena = arena_new()};
}

void rig_fini(struct rig *rig) {
    journal_free(rig->journal);
    zk_model_client_free(rig->client);
    arena_free(rig->arena);
    buf_fini(&rig->why);
    *rig = (struct rig){0};
}

static void keep_why(struct rig *rig, struct text why) {
    buf_clear(&rig->why);
    buf_append_text(&rig->why, why);
}

static void carry_out(struct rig *rig, const struct journal_effect *effect) {
    switch (effect->kind) {
    case JOURNAL_EFFECT_REQUEST: zk_model_send(rig->client, &effect->request); break;
    case JOURNAL_EFFECT_LOADED: rig->is_loaded = true; break;
    case JOURNAL_EFFECT_STORED:
        assert_true(effect->ticket > rig->stored);
        rig->stored = effect->ticket;
        break;
    case JOURNAL_EFFECT_DEPOSED: rig->is_deposed = true; break;
    case JOURNAL_EFFECT_REFUSED:
        rig->is_refused = true;
        keep_why(rig, effect->why);
        break;
    case JOURNAL_EFFECT_TROUBLE:
        rig->troubles += effect->why.size > 0;
        rig->recoveries += effect->why.size == 0;
        if (effect->why.size > 0)
            keep_why(rig, effect->why);
        break;
    }
}

static void carry_out_all(struct rig *rig, struct journal_outbox *outbox) {
    VEC_EACH(effect, &outbox->effects)
        carry_out(rig, effect);
    VEC_FINI(&outbox->effects);
    arena_reset(rig->arena);
}

static void feed(struct rig *rig, struct journal_event *event) {
    struct journal_outbox outbox = {.arena = rig->arena};
    event->now_ms = rig->now_ms;
    journal_step(rig->journal, event, &outbox);
    carry_out_all(rig, &outbox);
}

bool rig_take(struct rig *rig) {
    AUTO(arena_free) struct arena *arena = arena_new();
    struct zk_delivery delivery;
    struct journal_event event = {0};
    if (!zk_model_take(rig->client, arena, &delivery))
        return false;
    switch (delivery.kind) {
    case ZK_DELIVERY_SESSION:
        event.kind = JOURNAL_EVENT_SESSION;
        event.session = delivery.session.state;
        feed(rig, &event);
        break;
    case ZK_DELIVERY_REPLY:
        event.kind = JOURNAL_EVENT_REPLY;
        event.reply = delivery.reply;
        feed(rig, &event);
        break;
    case ZK_DELIVERY_WATCH: break;
    }
    return true;
}

bool rig_serve(struct rig *rig) {
    return zk_model_serve(rig->client);
}

void rig_settle(struct rig *rig) {
    while (rig_take(rig) || rig_serve(rig))
        continue;
}

void rig_tick(struct rig *rig, int64_t more_ms) {
    struct journal_event event = {.kind = JOURNAL_EVENT_TICK};
    rig->now_ms += more_ms;
    feed(rig, &event);
}

void rig_commit(struct rig *rig, uint64_t ticket) {
    struct journal_outbox outbox = {.arena = rig->arena};
    journal_commit(rig->journal, ticket, rig->now_ms, &outbox);
    carry_out_all(rig, &outbox);
}

void rig_put(struct rig *rig, const char *key, const char *value) {
    journal_put(rig->journal, text_of(key), text_of(value));
}

static bool print_one(void *self, struct text key, struct text value, struct error *error) {
    struct buf *out = self;
    (void)error;
    buf_printf(out, "%s%.*s=%.*s", out->size > 0 ? " " : "", TEXT_ARGS(key), TEXT_ARGS(value));
    return true;
}

void rig_print(const struct rig *rig, struct buf *out) {
    assert_true(journal_each(rig->journal, print_one, out, NULL));
}

void assert_rig_holds(const struct rig *rig, const char *expected) {
    AUTO_FINI(buf_fini) struct buf shown = {0};
    rig_print(rig, &shown);
    assert_string_equal(buf_string(&shown), expected);
}

void rig_open(struct rig *rig, struct zk_model *model, const char *fence) {
    rig_init(rig, model, fence);
    zk_model_join(rig->client);
    rig_settle(rig);
}
