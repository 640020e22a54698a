#include "common/runtime/log_toggle.h"

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/runtime/http_server.h"
#include "common/runtime/loop.h"

struct log_toggle {
    struct loop *loop;
    struct log *log;
    enum log_level usual;
    struct loop_timer timer;
};

static void go_back(void *self) {
    struct log_toggle *toggle = self;
    log_set_level(toggle->log, toggle->usual);
}

bool log_toggle_set(struct log_toggle *toggle, enum log_level level, int64_t duration_ms,
                    struct error *error) {
    if (duration_ms < 0 || duration_ms > LOG_TOGGLE_LIMIT_MS)
        return fail(error, ERROR_INVALID, "the duration must be between 0 and a day");
    log_set_level(toggle->log, level);
    log_info(toggle->log, "log_level_changed", KV("level", log_level_name(level)),
             KV("for_ms", duration_ms));
    loop_timer_arm(&toggle->timer, loop_now_ms(toggle->loop) + duration_ms);
    return true;
}

/* A name of ours, or a number. */
static bool read_level(struct text text, enum log_level *out) {
    uint64_t number;
    if (log_level_parse(text, out))
        return true;
    if (!text_to_u64(text, &number))
        return false;
    *out = number > 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
    return true;
}

static void serve(void *self, struct http_request *request) {
    struct log_toggle *toggle = self;
    struct text level_text = http_request_query(request, "level");
    struct text duration_text = http_request_query(request, "duration");
    enum log_level level;
    int64_t duration_ns;
    struct error error;
    if (level_text.data == NULL && duration_text.data == NULL)
        http_request_answer_text(request, 200, "%s\n", log_level_name(log_level(toggle->log)));
    else if (!read_level(level_text, &level))
        http_request_answer_text(request, 400, "level is none of debug, info, warning, error\n");
    else if (!duration_parse_ns(duration_text, &duration_ns))
        http_request_answer_text(request, 400, "duration is no duration, as 15mins is\n");
    else if (!log_toggle_set(toggle, level, duration_ns / 1000000, &error))
        http_request_answer_text(request, 400, "%s\n", error.message);
    else
        http_request_answer(request, (struct http_answer){.status = 200});
}

struct log_toggle *log_toggle_new(struct loop *loop, struct log *log, struct http_server *server) {
    struct log_toggle *toggle = NEW(struct log_toggle);
    toggle->loop = loop;
    toggle->log = log;
    toggle->usual = log_level(log);
    loop_timer_init(&toggle->timer, loop, go_back, toggle);
    if (server != NULL)
        http_server_route(server, "/logging/toggle", serve, toggle);
    return toggle;
}

void log_toggle_free(struct log_toggle *toggle) {
    if (toggle == NULL)
        return;
    loop_timer_disarm(&toggle->timer);
    mem_free(toggle);
}
