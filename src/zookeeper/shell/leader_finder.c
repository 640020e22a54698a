/*
 * An observer's election fed by a client of ZooKeeper.
 */
#include "zookeeper/shell/leader_finder.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/runtime/address.h"
#include "common/runtime/files.h"
#include "common/runtime/loop.h"
#include "zookeeper/core/election.h"
#include "zookeeper/core/zk_url.h"
#include "zookeeper/shell/zk_client.h"
#include "zookeeper/shell/zk_url_file.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>

enum { SESSION_TIMEOUT_MS = 10000 };

struct leader_finder {
    struct loop *loop;
    void (*on_change)(void *self, struct text address);
    void (*on_trouble)(void *self, struct text why);
    void *self;
    struct zk_url url;
    struct zk_client *client;
    struct election *election;
    struct loop_timer timer;
    char address[ADDRESS_TEXT_SIZE];
    bool has_told;
    bool *is_freed; /* on the stack of whoever calls back */
};

/* --- whom a MasterInfo means --- */

static bool is_ip(const char *ip) {
    unsigned char bytes[16];
    static const unsigned char none[16];
    if (inet_pton(AF_INET, ip, bytes) == 1)
        return memcmp(bytes, none, 4) != 0;
    return inet_pton(AF_INET6, ip, bytes) == 1 && memcmp(bytes, none, 16) != 0;
}

static bool put_address(const char *host, const json_t *port, char *out, size_t size) {
    struct address address = {0};
    json_int_t number = json_integer_value(port);
    char made[ADDRESS_TEXT_SIZE];
    if (host == NULL || *host == '\0' || strlen(host) >= sizeof(address.host) || number < 1 ||
        number > UINT16_MAX)
        return false;
    snprintf(address.host, sizeof(address.host), "%s", host);
    address.port = (uint16_t)number;
    address_format(&address, made);
    struct address again;
    if (!address_parse(text_of(made), 1, &again, NULL) || !address_equal(&address, &again))
        return false;
    return (size_t)snprintf(out, size, "%s", made) < size;
}

static bool address_of(const json_t *info, char *out, size_t size) {
    const json_t *address = json_object_get(info, "address");
    const char *ip = json_string_value(json_object_get(address, "ip"));
    const char *hostname = json_string_value(json_object_get(address, "hostname"));
    const json_t *port = json_object_get(address, "port");
    if (ip != NULL && is_ip(ip) && put_address(ip, port, out, size))
        return true;
    if (put_address(hostname, port, out, size))
        return true;
    const json_t *old_ip = json_object_get(info, "ip");
    char numeric[INET_ADDRSTRLEN];
    struct in_addr old = {.s_addr = (uint32_t)json_integer_value(old_ip)};
    port = json_object_get(info, "port");
    if (old.s_addr != 0 && inet_ntop(AF_INET, &old, numeric, sizeof(numeric)) != NULL)
        return put_address(numeric, port, out, size);
    return put_address(json_string_value(json_object_get(info, "hostname")), port, out, size);
}

bool leader_address(struct text master_info_json, char *out, size_t size) {
    if (master_info_json.size == 0)
        return false;
    json_t *info = json_loadb(master_info_json.data, master_info_json.size, 0, NULL);
    bool is_found = info != NULL && address_of(info, out, size);
    json_decref(info);
    return is_found;
}

/* --- the finder --- */

/* Both return false when the finder was freed in it. */
static bool tell_trouble(struct leader_finder *finder, struct text why) {
    bool is_freed = false;
    finder->is_freed = &is_freed;
    finder->on_trouble(finder->self, why);
    if (!is_freed)
        finder->is_freed = NULL;
    return !is_freed;
}

static bool tell_address(struct leader_finder *finder) {
    char address[ADDRESS_TEXT_SIZE] = "";
    struct text info = election_leader(finder->election);
    if (info.size > 0 && !leader_address(info, address, sizeof(address)) &&
        !tell_trouble(finder, TEXT("the leader's MasterInfo has no address")))
        return false;
    if (finder->has_told && strcmp(address, finder->address) == 0)
        return true;
    finder->has_told = true;
    memcpy(finder->address, address, sizeof(address));
    bool is_freed = false;
    finder->is_freed = &is_freed;
    finder->on_change(finder->self, text_of(finder->address));
    if (!is_freed)
        finder->is_freed = NULL;
    return !is_freed;
}

static bool carry_out(struct leader_finder *finder, const struct election_effect *effect) {
    switch (effect->kind) {
    case ELECTION_EFFECT_REQUEST: zk_client_send(finder->client, &effect->request); return true;
    case ELECTION_EFFECT_CHANGED: return tell_address(finder);
    case ELECTION_EFFECT_TROUBLE: return tell_trouble(finder, effect->why);
    case ELECTION_EFFECT_DONE: return true;
    }
    return true;
}

static void feed(struct leader_finder *finder, struct election_event event) {
    /* The arena outlives the finder, should that be freed meanwhile. */
    AUTO(arena_free) struct arena *arena = arena_new();
    struct election_outbox outbox = {.arena = arena};
    event.now_ms = loop_now_ms(finder->loop);
    election_step(finder->election, &event, &outbox);
    loop_timer_arm(&finder->timer, election_deadline_ms(finder->election));
    VEC_EACH(effect, &outbox.effects) {
        if (!carry_out(finder, effect))
            break;
    }
    VEC_FINI(&outbox.effects);
}

static void on_session(void *self, enum zk_session_state state, int64_t id) {
    struct election_event event = {.kind = ELECTION_EVENT_SESSION};
    event.session.state = state;
    event.session.id = id;
    feed(self, event);
}

static void on_reply(void *self, const struct zk_reply *reply) {
    feed(self, (struct election_event){.kind = ELECTION_EVENT_REPLY, .reply = *reply});
}

static void on_watch(void *self, struct text path) {
    feed(self, (struct election_event){.kind = ELECTION_EVENT_WATCH, .watch_path = path});
}

static void on_timer(void *self) {
    feed(self, (struct election_event){.kind = ELECTION_EVENT_TICK});
}

struct leader_finder *leader_finder_new(struct loop *loop, struct text url,
                                        void (*on_change)(void *self, struct text address),
                                        void (*on_trouble)(void *self, struct text why), void *self,
                                        struct error *error) {
    struct leader_finder *finder = NEW(struct leader_finder);
    *finder = (struct leader_finder){
        .loop = loop, .on_change = on_change, .on_trouble = on_trouble, .self = self};
    if (!zk_url_read(url, &finder->url, error)) {
        mem_free(finder);
        return NULL;
    }
    struct zk_client_options client = {.url = &finder->url,
                                       .session_timeout_ms = SESSION_TIMEOUT_MS,
                                       .on_session = on_session,
                                       .on_reply = on_reply,
                                       .on_watch = on_watch,
                                       .self = finder};
    struct election_options election = {.path = text_of(finder->url.path),
                                        .session_timeout_ms = SESSION_TIMEOUT_MS};
    finder->election = election_new(&election);
    finder->client = zk_client_new(loop, &client, error);
    loop_timer_init(&finder->timer, loop, on_timer, finder);
    if (finder->client == NULL) {
        leader_finder_free(finder);
        return NULL;
    }
    loop_timer_arm(&finder->timer, loop_now_ms(loop));
    return finder;
}

void leader_finder_free(struct leader_finder *finder) {
    if (finder == NULL)
        return;
    if (finder->is_freed != NULL)
        *finder->is_freed = true;
    zk_client_free(finder->client);
    election_free(finder->election);
    loop_timer_disarm(&finder->timer);
    zk_url_fini(&finder->url);
    mem_free(finder);
}

struct text leader_finder_address(const struct leader_finder *finder) {
    return text_of(finder->address);
}

/* --- once, for the CLI --- */

struct search {
    char trouble[256];
};

static void on_change_of_search(__attribute__((unused)) void *self,
                                __attribute__((unused)) struct text address) {
}

static void on_trouble_of_search(void *self, struct text why) {
    struct search *search = self;
    snprintf(search->trouble, sizeof(search->trouble), ": %.*s", TEXT_ARGS(why));
}

bool leader_find(struct text url, int64_t timeout_ms, char *out, size_t size, struct error *error) {
    struct search search = {0};
    AUTO(loop_free) struct loop *loop = loop_new(error);
    if (loop == NULL)
        return false;
    AUTO(leader_finder_free)
    struct leader_finder *finder =
        leader_finder_new(loop, url, on_change_of_search, on_trouble_of_search, &search, error);
    if (finder == NULL)
        return false;
    int64_t give_up_ms = loop_now_ms(loop) + timeout_ms;
    while (leader_finder_address(finder).size == 0) {
        int64_t left_ms = give_up_ms - loop_now_ms(loop);
        if (left_ms <= 0)
            return fail(error, ERROR_TIMEOUT, "%s knows of no leading master%s", finder->url.shown,
                        search.trouble);
        loop_turn(loop, left_ms);
    }
    struct text address = leader_finder_address(finder);
    if (address.size >= size)
        return fail(error, ERROR_LIMIT, "the leader's address is too long");
    memcpy(out, address.data, address.size);
    out[address.size] = '\0';
    return true;
}
