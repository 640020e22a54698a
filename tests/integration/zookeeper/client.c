#include "tests/integration/zookeeper/client.h"

#include "tests/support/unit.h"

#include <stdio.h>

static void on_session(void *self, enum zk_session_state state, int64_t id) {
    struct client *client = self;
    client->state = state;
    client->connects += state == ZK_SESSION_CONNECTED;
    client->disconnects += state == ZK_SESSION_CONNECTING;
    client->expiries += state == ZK_SESSION_EXPIRED;
    client->refusals += state == ZK_SESSION_REFUSED;
    if (state == ZK_SESSION_CONNECTED) {
        client->last_session = client->session;
        client->session = id;
    }
}

static void copy(char *out, size_t size, struct text text) {
    snprintf(out, size, "%.*s", (int)(text.size < size ? text.size : size - 1),
             text.data != NULL ? text.data : "");
}

static int by_text(const void *a, const void *b) {
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static void on_reply(void *self, const struct zk_reply *reply) {
    struct client *client = self;
    struct told told = {.number = reply->number,
                        .result = reply->result,
                        .version = reply->version,
                        .owner = reply->owner,
                        .child_count = reply->child_count,
                        .data_size = reply->data.size,
                        .failed_write = reply->failed_write};
    copy(told.path, sizeof(told.path), reply->path);
    if (reply->data.size > 0)
        memcpy(told.data, reply->data.data,
               reply->data.size < sizeof(told.data) ? reply->data.size : sizeof(told.data) - 1);
    copy(told.why, sizeof(told.why), reply->why);
    struct text sorted[16];
    size_t count = reply->child_count < 16 ? reply->child_count : 16;
    if (count > 0)
        memcpy(sorted, reply->children, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), by_text);
    for (size_t i = 0; i < count; i++) {
        size_t at = strlen(told.children);
        snprintf(told.children + at, sizeof(told.children) - at, "%s%.*s", i > 0 ? "," : "",
                 TEXT_ARGS(sorted[i]));
    }
    VEC_PUSH(&client->told, told);
}

static void on_watch(void *self, struct text path) {
    struct client *client = self;
    size_t at = strlen(client->watched);
    snprintf(client->watched + at, sizeof(client->watched) - at, "%.*s,", TEXT_ARGS(path));
}

static void on_lookup(void *self, struct text why) {
    struct client *client = self;
    client->lookups++;
    copy(client->lookup, sizeof(client->lookup), why);
}

void client_open(struct client *client, struct loop *loop, struct zk_url url,
                 int64_t session_timeout_ms) {
    *client = (struct client){.loop = loop, .state = ZK_SESSION_CONNECTING};
    struct zk_client_options options = {.url = &url,
                                        .session_timeout_ms = session_timeout_ms,
                                        .on_session = on_session,
                                        .on_reply = on_reply,
                                        .on_watch = on_watch,
                                        .on_lookup = on_lookup,
                                        .self = client};
    struct error error;
    client->zk = zk_client_new(loop, &options, &error);
    zk_url_fini(&url);
    assert_non_null(client->zk);
}

void client_close(struct client *client) {
    zk_client_free(TAKE(client->zk));
    VEC_FINI(&client->told);
}

uint64_t client_send(struct client *client, struct zk_request request) {
    request.number = ++client->asked;
    zk_client_send(client->zk, &request);
    return request.number;
}

const struct told *client_told(const struct client *client, uint64_t number) {
    VEC_EACH(told, &client->told) {
        if (told->number == number)
            return told;
    }
    return NULL;
}

struct told client_ask(struct client *client, struct zk_request request) {
    uint64_t number = client_send(client, request);
    WAIT_UNTIL(client->loop, client_told(client, number) != NULL);
    return *client_told(client, number);
}
