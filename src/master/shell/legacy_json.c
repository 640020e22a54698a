#include "master/shell/legacy_json.h"

#include "common/runtime/http_server.h"

#include <string.h>

bool legacy_is_method(struct http_request *request, const char *method) {
    return text_equal(text_of(http_request_method(request)), text_of(method));
}

void legacy_answer_method(struct http_request *request, const char *allowed) {
    struct http_header allow = {"Allow", allowed};
    AUTO_FINI(buf_fini) struct buf body = {0};
    buf_printf(&body, "Expecting one of %s", allowed);
    http_request_answer(
        request, (struct http_answer){
                     .status = 405, .body = buf_text(&body), .headers = &allow, .header_count = 1});
}

static bool is_callback(struct text name) {
    for (size_t i = 0; i < name.size; i++) {
        char byte = name.data[i];
        bool is_word = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9');
        if (!is_word && strchr("_$.[]", byte) == NULL)
            return false;
    }
    return true;
}

void legacy_answer_json(struct http_request *request, struct text json) {
    struct text callback = http_request_query(request, "jsonp");
    if (callback.data == NULL) {
        http_request_answer(
            request,
            (struct http_answer){.status = 200, .content_type = "application/json", .body = json});
        return;
    }
    if (!is_callback(callback)) {
        http_request_answer_text(request, 400, "'jsonp' is not the name of a function");
        return;
    }
    AUTO_FINI(buf_fini) struct buf body = {0};
    buf_append_text(&body, callback);
    buf_append_byte(&body, '(');
    buf_append_text(&body, json);
    buf_append_byte(&body, ')');
    http_request_answer(request, (struct http_answer){.status = 200,
                                                      .content_type = "text/javascript",
                                                      .body = buf_text(&body)});
}
