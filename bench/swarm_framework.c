#include "swarm_framework.h"

#include "support.h"

#include "common/model/frame_type.h"
#include "common/model/scheduler_protocol.h"
#include "common/runtime/frame_client.h"
#include "common/runtime/frame_link.h"
#include "common/wire/messages.h"
#include "common/wire/put.h"
#include "common/wire/slice.h"

enum { RETRY_MS = 50 };
#define FAILOVER_TIMEOUT_SECONDS (7.0 * 24 * 3600)

static void go(void *self);

static void come_back(struct swarm_framework *framework) {
    frame_client_free(framework->client);
    frame_link_free(framework->link);
    framework->client = NULL;
    framework->link = NULL;
    framework->is_subscribed = false;
    loop_timer_arm(&framework->retry, loop_now_ms(framework->loop) + RETRY_MS);
}

static void on_closed(void *self, const struct error *error) {
    (void)error;
    come_back(self);
}

static void send(struct swarm_framework *framework, const struct buf *call) {
    frame_link_send(framework->link, FRAME_SCHEDULER_CALL, buf_text(call));
}

static void subscribe(struct swarm_framework *framework) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_some_id(&bytes, 1, buf_text(&framework->id));
    put_int(&bytes, 2, SCHEDULER_CALL_SUBSCRIBE);
    size_t call = put_begin(&bytes, 3);
    put_bytes(&bytes, 1, buf_text(&framework->info));
    put_end(&bytes, call);
    send(framework, &bytes);
}

void swarm_framework_suppress(struct swarm_framework *framework) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    put_id(&bytes, 1, buf_text(&framework->id));
    put_int(&bytes, 2, SCHEDULER_CALL_SUPPRESS);
    send(framework, &bytes);
}

/* --- what it hears --- */

static void subscribed(struct swarm_framework *framework, struct text event) {
    struct text id = slice_find(&event, 1);
    framework->is_subscribed = true;
    framework->subscriptions++;
    framework->subscribed_ns = bench_now_ns();
    framework->first_offers_ns = framework->last_offers_ns = 0;
    framework->offers = 0;
    if (framework->id.size > 0)
        return;
    AUTO_FINI(buf_fini) struct buf with_id = {0};
    AUTO(arena_free) struct arena *arena = arena_new();
    struct wire wire = {.arena = arena};
    buf_append_text(&framework->id, slice_find(&id, 1));
    framework_info_with_id(&wire, buf_text(&framework->info),
                           (struct framework_id){buf_text(&framework->id)}, &with_id);
    buf_clear(&framework->info);
    buf_append_text(&framework->info, buf_text(&with_id));
}

static void offered(struct swarm_framework *framework, struct text offers) {
    framework->last_offers_ns = bench_now_ns();
    if (framework->first_offers_ns == 0)
        framework->first_offers_ns = framework->last_offers_ns;
    while (slice_find(&offers, 1).data != NULL)
        framework->offers++;
}

/* mesos.v1.TaskStatus: task_id = 1, agent_id = 5, uuid = 11. */
static void updated(struct swarm_framework *framework, struct text update) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct text status = slice_find(&update, 1), rest = status;
    struct text task = slice_find(&rest, 1), agent = slice_find(&rest, 5);
    struct text uuid = slice_find(&rest, 11);
    framework->updates++;
    if (uuid.size == 0)
        return;
    put_id(&bytes, 1, buf_text(&framework->id));
    put_int(&bytes, 2, SCHEDULER_CALL_ACKNOWLEDGE);
    size_t place = put_begin(&bytes, 8);
    put_bytes(&bytes, 1, agent);
    put_bytes(&bytes, 2, task);
    put_bytes(&bytes, 3, uuid);
    put_end(&bytes, place);
    send(framework, &bytes);
}

static void on_frame(void *self, uint16_t type, struct text payload) {
    struct swarm_framework *framework = self;
    struct slice field;
    (void)type;
    while (slice_next(&payload, &field)) {
        if (field.number == 2)
            subscribed(framework, field.payload);
        else if (field.number == 3)
            offered(framework, field.payload);
        else if (field.number == 5)
            updated(framework, field.payload);
        else if (field.number == 8)
            bench_fail("the framework", "is refused");
    }
}

/* --- the way to the leader --- */

static void on_done(void *self, const struct frame_client_result *result) {
    static const struct frame_link_callbacks callbacks = {on_frame, on_closed};
    struct swarm_framework *framework = self;
    if (result->outcome != FRAME_CLIENT_CONNECTED) {
        come_back(framework);
        return;
    }
    frame_client_free(framework->client);
    framework->client = NULL;
    framework->link = result->link;
    frame_link_start(framework->link, &callbacks, framework);
    subscribe(framework);
}

static void go(void *self) {
    static const struct http_header role = {FRAME_ROLE_HEADER, "scheduler"};
    struct swarm_framework *framework = self;
    struct frame_client_options options = {.address = framework->leader,
                                           .path = FRAME_UPGRADE_PATH,
                                           .headers = &role,
                                           .header_count = 1};
    if (framework->leader.port != 0 && framework->client == NULL && framework->link == NULL)
        framework->client = frame_client_new(framework->loop, &options, on_done, framework);
}

void swarm_framework_init(struct swarm_framework *framework, struct loop *loop) {
    *framework = (struct swarm_framework){.loop = loop};
    loop_timer_init(&framework->retry, loop, go, framework);
    put_bytes(&framework->info, 1, TEXT("nobody"));
    put_bytes(&framework->info, 2, TEXT("swarm"));
    put_double(&framework->info, 4, FAILOVER_TIMEOUT_SECONDS);
}

void swarm_framework_fini(struct swarm_framework *framework) {
    loop_timer_disarm(&framework->retry);
    frame_client_free(framework->client);
    frame_link_free(framework->link);
    buf_fini(&framework->id);
    buf_fini(&framework->info);
}

void swarm_framework_found(struct swarm_framework *framework, const struct address *leader) {
    framework->leader = *leader;
    come_back(framework);
    loop_timer_disarm(&framework->retry);
    go(framework);
}
