#include "cli/registry_zk.h"

#include "common/base/mem.h"
#include "common/runtime/loop.h"
#include "zookeeper/core/journal.h"
#include "zookeeper/shell/zk_client.h"

enum { SESSION_TIMEOUT_MS = 10000, TURN_MS = 100 };

/* Above all numbers of the journal's. */
static const uint64_t masters_request = 1ull << 63;

struct registry_zk {
    struct loop *loop;
    struct zk_client *client;
    struct journal *journal;
    struct arena *arena;
    char *path; /* of the masters */
    int64_t timeout_ms, last_answer_ms;
    bool is_connected, is_loaded, is_over, has_asked_masters, knows_masters;
    size_t masters;
    uint64_t stored;
    struct error why; /* when is_over */
    struct error trouble;
};

static void take_effect(struct registry_zk *zk, const struct journal_effect *effect) {
    switch (effect->kind) {
    case JOURNAL_EFFECT_REQUEST: zk_client_send(zk->client, &effect->request); break;
    case JOURNAL_EFFECT_LOADED: zk->is_loaded = true; break;
    case JOURNAL_EFFECT_STORED: zk->stored = effect->ticket; break;
    case JOURNAL_EFFECT_DEPOSED:
        zk->is_over = true;
        fail(&zk->why, ERROR_CLOSED, "the session with ZooKeeper has ended; try again");
        break;
    case JOURNAL_EFFECT_REFUSED:
        zk->is_over = true;
        fail(&zk->why, ERROR_REFUSED, "%.*s", TEXT_ARGS(effect->why));
        break;
    case JOURNAL_EFFECT_TROUBLE:
        zk->trouble = (struct error){0};
        if (effect->why.size > 0)
            fail(&zk->trouble, ERROR_IO, "%.*s", TEXT_ARGS(effect->why));
        break;
    }
}

static void take_effects(struct registry_zk *zk, struct journal_outbox *outbox) {
    VEC_EACH(effect, &outbox->effects)
        take_effect(zk, effect);
    VEC_FINI(&outbox->effects);
    arena_reset(zk->arena);
}

static void feed(struct registry_zk *zk, struct journal_event *event) {
    struct journal_outbox outbox = {.arena = zk->arena};
    event->now_ms = loop_now_ms(zk->loop);
    journal_step(zk->journal, event, &outbox);
    take_effects(zk, &outbox);
}

static void ask_masters(struct registry_zk *zk) {
    struct zk_request request = {.number = masters_request,
                                 .kind = ZK_CHILDREN,
                                 .path = zk->path[0] != '\0' ? text_of(zk->path) : TEXT("/")};
    zk->has_asked_masters = true;
    zk_client_send(zk->client, &request);
}

static void on_session(void *self, enum zk_session_state state,
                       __attribute__((unused)) int64_t id) {
    struct registry_zk *zk = self;
    struct journal_event event = {.kind = JOURNAL_EVENT_SESSION};
    event.session = state;
    zk->is_connected = state == ZK_SESSION_CONNECTED;
    feed(zk, &event);
}

static void count_masters(struct registry_zk *zk, const struct zk_reply *reply) {
    zk->has_asked_masters = false;
    if (reply->result != ZK_OK && reply->result != ZK_NO_NODE)
        return; /* asked again */
    zk->knows_masters = true;
    zk->masters = 0;
    for (size_t i = 0; i < reply->child_count; i++)
        zk->masters += text_starts_with(reply->children[i], TEXT("json.info_"));
}

static void on_reply(void *self, const struct zk_reply *reply) {
    struct registry_zk *zk = self;
    struct journal_event event = {.kind = JOURNAL_EVENT_REPLY};
    zk->last_answer_ms = loop_now_ms(zk->loop);
    if (reply->number == masters_request) {
        count_masters(zk, reply);
        return;
    }
    event.reply = *reply;
    feed(zk, &event);
}

static void on_watch(__attribute__((unused)) void *self, __attribute__((unused)) struct text path) {
}

struct registry_zk *registry_zk_open(struct loop *loop, const struct zk_url *url,
                                     int64_t timeout_ms, struct error *error) {
    struct registry_zk *zk = NEW(struct registry_zk);
    AUTO_FINI(buf_fini) struct buf store = {0};
    buf_printf(&store, "%s/registry", url->path);
    zk->loop = loop;
    zk->arena = arena_new();
    zk->path = mem_dup_string(url->path);
    zk->journal = journal_new(buf_text(&store), TEXT(""));
    zk->timeout_ms = timeout_ms;
    zk->last_answer_ms = loop_now_ms(loop);
    struct zk_client_options options = {.url = url,
                                        .session_timeout_ms = SESSION_TIMEOUT_MS,
                                        .on_session = on_session,
                                        .on_reply = on_reply,
                                        .on_watch = on_watch,
                                        .self = zk};
    zk->client = zk_client_new(loop, &options, error);
    if (zk->client != NULL)
        return zk;
    registry_zk_close(zk);
    return NULL;
}

void registry_zk_close(struct registry_zk *zk) {
    if (zk == NULL)
        return;
    zk_client_free(zk->client);
    journal_free(zk->journal);
    arena_free(zk->arena);
    mem_free(zk->path);
    mem_free(zk);
}

/* One turn; false when there is nothing to wait for any more. */
static bool turn(struct registry_zk *zk, struct error *error) {
    if (zk->is_over) {
        *error = zk->why;
        return false;
    }
    int64_t silent_ms = loop_now_ms(zk->loop) - zk->last_answer_ms;
    if (silent_ms > zk->timeout_ms) {
        bool has_words = zk->trouble.code != ERROR_NONE;
        return fail(error, ERROR_TIMEOUT, "no answer within %lld s%s%s",
                    (long long)zk->timeout_ms / 1000, has_words ? "; " : "",
                    has_words ? zk->trouble.message : "");
    }
    loop_turn(zk->loop, TURN_MS);
    struct journal_event tick = {.kind = JOURNAL_EVENT_TICK};
    feed(zk, &tick);
    return true;
}

bool registry_zk_read(struct registry_zk *zk, struct registry_content *out, struct error *error) {
    while (!zk->is_loaded) {
        if (!turn(zk, error))
            return false;
    }
    return journal_each(zk->journal, registry_content_add, out, error);
}

bool registry_zk_is_there(const struct registry_zk *zk) {
    return journal_is_there(zk->journal);
}

bool registry_zk_check_idle(struct registry_zk *zk, struct error *error) {
    zk->knows_masters = false;
    while (!zk->knows_masters) {
        if (zk->is_connected && !zk->has_asked_masters)
            ask_masters(zk);
        if (!turn(zk, error))
            return false;
    }
    return zk->masters == 0 ||
           fail(error, ERROR_REFUSED, "%zu master%s there (json.info_...); end %s first",
                zk->masters, zk->masters == 1 ? " is" : "s are", zk->masters == 1 ? "it" : "them");
}

static bool check_sizes(const struct registry_content *content, struct error *error) {
    VEC_EACH(pair, &content->pairs) {
        if (pair->key.size > JOURNAL_KEY_BYTES_LIMIT ||
            pair->value.size > JOURNAL_VALUE_BYTES_LIMIT)
            return fail(error, ERROR_LIMIT,
                        "record '%.*s' has %zu bytes; a registry in ZooKeeper takes %d",
                        TEXT_ARGS(pair->key), pair->value.size, JOURNAL_VALUE_BYTES_LIMIT);
    }
    return true;
}

bool registry_zk_replace(struct registry_zk *zk, const struct registry_content *old,
                         const struct registry_content *content, struct error *error) {
    struct journal_outbox outbox = {.arena = zk->arena};
    if (!check_sizes(content, error))
        return false;
    VEC_EACH(pair, &old->pairs) {
        if (!registry_content_has(content, pair->key))
            journal_remove(zk->journal, pair->key);
    }
    VEC_EACH(pair, &content->pairs)
        journal_put(zk->journal, pair->key, pair->value);
    zk->last_answer_ms = loop_now_ms(zk->loop);
    journal_commit(zk->journal, 1, loop_now_ms(zk->loop), &outbox);
    take_effects(zk, &outbox);
    while (zk->stored < 1) {
        if (!turn(zk, error))
            return false;
    }
    return true;
}
