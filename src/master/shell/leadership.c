#include "master/shell/leadership.h"

#include "common/base/mem.h"
#include "common/runtime/address.h"
#include "common/runtime/log.h"
#include "common/runtime/loop.h"
#include "zookeeper/shell/leader_finder.h"
#include "zookeeper/shell/zk_share.h"
#include "zookeeper/shell/zk_url_file.h"

enum { RESIGN_MS = 2000 };

struct leadership {
    struct loop *loop;
    struct log *log;
    struct leadership_options options;
    struct zk_url url;
    struct zk_share *share;
    struct zk_port *port;
    struct election *election; /* NULL: not standing */
    struct arena *arena;
    struct election_outbox outbox;
    struct loop_timer timer, resign_timer;
    struct loop_task changed;
    char leader[ADDRESS_TEXT_SIZE];
};

static void tell_changed(void *self) {
    struct leadership *leadership = self;
    leadership->options.on_change(leadership->options.self);
}

static void learn_leader(struct leadership *leadership) {
    struct text info = election_leader(leadership->election);
    if (info.size == 0 || !leader_address(info, leadership->leader, sizeof(leadership->leader)))
        leadership->leader[0] = '\0';
}

static void tell_resigned(void *self) {
    struct leadership *leadership = self;
    loop_timer_disarm(&leadership->resign_timer);
    leadership->options.on_resigned(leadership->options.self);
}

static void carry_out(struct leadership *leadership, const struct election_effect *effect) {
    switch (effect->kind) {
    case ELECTION_EFFECT_REQUEST: zk_port_send(leadership->port, &effect->request); return;
    case ELECTION_EFFECT_CHANGED:
        learn_leader(leadership);
        loop_defer(leadership->loop, &leadership->changed);
        return;
    case ELECTION_EFFECT_DONE: /* told out of the loop, as when it takes too long */
        loop_timer_arm(&leadership->resign_timer, loop_now_ms(leadership->loop));
        return;
    case ELECTION_EFFECT_TROUBLE:
        log_warning(leadership->log, "election_trouble", KV("error", effect->why),
                    KV("ensemble", leadership->url.shown), KV("note", "tried again"));
        return;
    }
}

static void step(struct leadership *leadership, struct election_event event) {
    if (leadership->election == NULL)
        return;
    event.now_ms = loop_now_ms(leadership->loop);
    election_step(leadership->election, &event, &leadership->outbox);
    VEC_EACH(effect, &leadership->outbox.effects)
        carry_out(leadership, effect);
    leadership->outbox.effects.count = 0;
    arena_reset(leadership->arena);
    loop_timer_arm(&leadership->timer, election_deadline_ms(leadership->election));
}

static void on_session(void *self, enum zk_session_state state, int64_t id) {
    static const char *const words[] = {[ZK_SESSION_CONNECTING] = "zookeeper_disconnected",
                                        [ZK_SESSION_CONNECTED] = "zookeeper_connected",
                                        [ZK_SESSION_EXPIRED] = "zookeeper_session_expired",
                                        [ZK_SESSION_REFUSED] = "zookeeper_refuses_credentials"};
    struct leadership *leadership = self;
    enum log_level level = state == ZK_SESSION_CONNECTED ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
    LOG_AT(leadership->log, level, words[state], KV("ensemble", leadership->url.shown));
    struct election_event event = {.kind = ELECTION_EVENT_SESSION};
    event.session.state = state;
    event.session.id = id;
    step(leadership, event);
    loop_defer(leadership->loop, &leadership->changed);
}

static void on_lookup(void *self, struct text why) {
    struct leadership *leadership = self;
    log_warning(leadership->log, "zookeeper_not_found", KV("error", why),
                KV("ensemble", leadership->url.shown), KV("note", "looked up again and again"));
}

static void on_reply(void *self, const struct zk_reply *reply) {
    step(self, (struct election_event){.kind = ELECTION_EVENT_REPLY, .reply = *reply});
}

static void on_watch(void *self, struct text path) {
    step(self, (struct election_event){.kind = ELECTION_EVENT_WATCH, .watch_path = path});
}

static void on_timer(void *self) {
    step(self, (struct election_event){.kind = ELECTION_EVENT_TICK});
}

static void open_port(struct leadership *leadership) {
    struct zk_port_options options = {.on_session = on_session,
                                      .on_reply = on_reply,
                                      .on_watch = on_watch,
                                      .on_lookup = on_lookup,
                                      .self = leadership};
    leadership->port = zk_port_open(leadership->share, &options);
}

struct leadership *leadership_new(struct loop *loop, struct log *log,
                                  const struct leadership_options *options, struct error *error) {
    AUTO(leadership_free) struct leadership *leadership = NEW(struct leadership);
    leadership->loop = loop;
    leadership->log = log;
    leadership->options = *options;
    leadership->arena = arena_new();
    leadership->outbox.arena = leadership->arena;
    loop_timer_init(&leadership->timer, loop, on_timer, leadership);
    loop_timer_init(&leadership->resign_timer, loop, tell_resigned, leadership);
    loop_task_init(&leadership->changed, tell_changed, leadership);
    if (!zk_url_read(options->url, &leadership->url, error))
        return NULL;
    leadership->share = zk_share_new(loop, &leadership->url, options->session_timeout_ms, error);
    if (leadership->share == NULL)
        return NULL;
    log_info(log, "zookeeper_sought", KV("ensemble", leadership->url.shown));
    open_port(leadership);
    return TAKE(leadership);
}

void leadership_free(struct leadership *leadership) {
    if (leadership == NULL)
        return;
    loop_timer_disarm(&leadership->timer);
    loop_timer_disarm(&leadership->resign_timer);
    loop_task_cancel(&leadership->changed);
    zk_port_close(leadership->port);
    zk_share_free(leadership->share);
    election_free(leadership->election);
    VEC_FINI(&leadership->outbox.effects);
    arena_free(leadership->arena);
    zk_url_fini(&leadership->url);
    mem_free(leadership);
}

/* A node of its own that is still there is given up: the session is the same, so nobody else would
 * do it. Its deletion is sent and not waited for: the next candidacy looks for what is left. */
static void leave(struct leadership *leadership) {
    struct text node = election_node(leadership->election);
    if (node.size > 0)
        zk_port_send(
            leadership->port,
            &(struct zk_request){.kind = ZK_DELETE, .path = node, .version = ZK_VERSION_ANY});
    zk_port_close(leadership->port);
    election_free(leadership->election);
    leadership->election = NULL;
    leadership->leader[0] = '\0';
    open_port(leadership);
}

void leadership_stand(struct leadership *leadership, struct text info) {
    bool has_stood = leadership->election != NULL;
    if (has_stood)
        leave(leadership);
    struct election_options options = {.path = text_of(leadership->url.path),
                                       .is_candidate = true,
                                       .info = info,
                                       .session_timeout_ms = leadership->options.session_timeout_ms,
                                       .has_stood = has_stood};
    leadership->election = election_new(&options);
    struct election_event event = {.kind = ELECTION_EVENT_SESSION};
    event.session.state = zk_share_state(leadership->share);
    event.session.id = zk_share_session(leadership->share);
    step(leadership, event);
}

void leadership_resign(struct leadership *leadership) {
    loop_timer_arm(&leadership->resign_timer, loop_now_ms(leadership->loop) + RESIGN_MS);
    step(leadership, (struct election_event){.kind = ELECTION_EVENT_RESIGN});
}

enum election_role leadership_role(const struct leadership *leadership) {
    return leadership->election != NULL ? election_role(leadership->election) : ELECTION_OUT;
}

struct text leadership_node(const struct leadership *leadership) {
    return leadership->election != NULL ? election_node(leadership->election) : (struct text){0};
}

struct text leadership_leader(const struct leadership *leadership) {
    return text_of(leadership->leader);
}

bool leadership_is_connected(const struct leadership *leadership) {
    return zk_share_state(leadership->share) == ZK_SESSION_CONNECTED;
}

struct zk_share *leadership_share(const struct leadership *leadership) {
    return leadership->share;
}

struct text leadership_path(const struct leadership *leadership) {
    return text_of(leadership->url.path);
}
