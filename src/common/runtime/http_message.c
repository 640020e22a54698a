/*
 * A state machine over bytes. The head is gathered until its empty line; lines of chunked framing
 * are gathered in the same buffer; body bytes are handed on where they lie.
 */
#include "common/runtime/http_message.h"

#include "common/base/mem.h"

#include <strings.h>

enum { CHUNK_LINE_LIMIT_BYTES = 1024 };

enum parser_state {
    PARSER_HEAD,
    PARSER_LENGTH,     /* `left` bytes of body */
    PARSER_UNTIL_END,  /* body until the peer closes */
    PARSER_CHUNK_LINE, /* the size of a chunk */
    PARSER_CHUNK_DATA, /* `left` bytes of a chunk */
    PARSER_CHUNK_END,  /* the line end behind it */
    PARSER_TRAILER,    /* lines behind the last chunk, until an empty one */
    PARSER_DONE,
};

struct http_parser {
    enum parser_state state;
    struct http_head head;
    struct buf line; /* the head, or a line of framing */
    size_t trailer_bytes;
    uint64_t left;
    bool has_no_body;
    void (*on_data)(void *self, struct text data);
    void *self;
};

void http_head_fini(struct http_head *head) {
    buf_fini(&head->bytes);
    VEC_FINI(&head->headers);
}

static bool is_name(struct text name, const char *wanted) {
    return strlen(wanted) == name.size && strncasecmp(name.data, wanted, name.size) == 0;
}

struct text http_head_find(const struct http_head *head, const char *name) {
    for (size_t i = 0; i < head->headers.count; i++) {
        if (is_name(head->headers.items[i].name, name))
            return head->headers.items[i].value;
    }
    return (struct text){0};
}

struct http_parser *http_parser_new(bool has_no_body, void (*on_data)(void *self, struct text data),
                                    void *self) {
    struct http_parser *parser = NEW(struct http_parser);
    parser->has_no_body = has_no_body;
    parser->on_data = on_data;
    parser->self = self;
    return parser;
}

void http_parser_free(struct http_parser *parser) {
    if (parser == NULL)
        return;
    http_head_fini(&parser->head);
    buf_fini(&parser->line);
    mem_free(parser);
}

static struct text without_line_end(struct text line) {
    if (text_ends_with(line, TEXT("\r")))
        line.size--;
    return line;
}

/* "HTTP/1.1 200 OK" */
static bool parse_status(struct http_head *head, struct text line, struct error *error) {
    uint64_t status;
    if (!(text_starts_with(line, TEXT("HTTP/1.1 ")) || text_starts_with(line, TEXT("HTTP/1.0 "))) ||
        !text_to_u64(text_sub(line, 9, 3), &status) || status < 100 || status > 599)
        return fail(error, ERROR_INVALID, "the peer does not answer in HTTP/1.1");
    head->status = (int)status;
    struct text reason = text_trim(text_sub(line, 12, sizeof(head->reason) - 1));
    if (reason.size > 0)
        memcpy(head->reason, reason.data, reason.size);
    head->reason[reason.size] = '\0';
    return true;
}

static bool parse_headers(struct http_head *head, struct error *error) {
    struct text rest = buf_text(&head->bytes), line;
    text_split(&rest, '\n', &line);
    if (!parse_status(head, without_line_end(line), error))
        return false;
    while (text_split(&rest, '\n', &line) && without_line_end(line).size > 0) {
        struct text value = without_line_end(line), name;
        if (!text_split(&value, ':', &name) || name.size == 0 || value.data == NULL)
            return fail(error, ERROR_INVALID, "a header of the answer has no colon");
        if (head->headers.count == HTTP_HEADERS_LIMIT)
            return fail(error, ERROR_LIMIT, "more than %d headers in the answer",
                        HTTP_HEADERS_LIMIT);
        VEC_PUSH(&head->headers,
                 (struct http_field){.name = text_trim(name), .value = text_trim(value)});
    }
    return true;
}

static bool begin_body(struct http_parser *parser, struct error *error) {
    const struct http_head *head = &parser->head;
    struct text length = http_head_find(head, "Content-Length");
    parser->state = PARSER_DONE;
    if (parser->has_no_body || head->status == 101 || head->status == 204 || head->status == 304)
        return true;
    struct text coding = http_head_find(head, "Transfer-Encoding");
    if (coding.data != NULL) {
        if (!is_name(coding, "chunked"))
            return fail(error, ERROR_UNSUPPORTED, "transfer encoding '%.*s'", TEXT_ARGS(coding));
        parser->state = PARSER_CHUNK_LINE;
        return true;
    }
    if (length.data == NULL) {
        parser->state = PARSER_UNTIL_END;
        return true;
    }
    if (!text_to_u64(length, &parser->left))
        return fail(error, ERROR_INVALID, "Content-Length '%.*s'", TEXT_ARGS(length));
    if (parser->left > 0)
        parser->state = PARSER_LENGTH;
    return true;
}

/* Gathers up to and with the next line end. *is_whole says whether it is there. */
static bool take_line(struct http_parser *parser, struct text *bytes, size_t limit, bool *is_whole,
                      struct error *error) {
    const char *end = memchr(bytes->data, '\n', bytes->size);
    size_t size = end != NULL ? (size_t)(end - bytes->data) + 1 : bytes->size;
    if (parser->line.size + size > limit)
        return fail(error, ERROR_LIMIT, "more than %zu bytes in the head of an answer", limit);
    buf_append(&parser->line, bytes->data, size);
    *bytes = (struct text){bytes->data + size, bytes->size - size};
    *is_whole = end != NULL;
    return true;
}

static bool feed_head(struct http_parser *parser, struct text *bytes, struct error *error) {
    bool is_whole = false;
    if (!take_line(parser, bytes, HTTP_HEAD_LIMIT_BYTES, &is_whole, error))
        return false;
    struct text head = buf_text(&parser->line);
    if (!is_whole || !(text_ends_with(head, TEXT("\n\n")) || text_ends_with(head, TEXT("\n\r\n"))))
        return true;
    parser->head.bytes = parser->line;
    parser->line = (struct buf){0};
    if (!parse_headers(&parser->head, error))
        return false;
    if (parser->head.status >= 200 || parser->head.status == 101)
        return begin_body(parser, error);
    /* 100 Continue and its like: the answer comes behind it. */
    http_head_fini(&parser->head);
    parser->head = (struct http_head){0};
    return true;
}

static bool feed_chunk_line(struct http_parser *parser, struct text *bytes, struct error *error) {
    bool is_whole = false;
    if (!take_line(parser, bytes, CHUNK_LINE_LIMIT_BYTES, &is_whole, error))
        return false;
    if (!is_whole)
        return true;
    uint64_t size = 0;
    size_t digits = 0;
    for (const char *c = parser->line.data; digits < 15; c++, digits++) {
        const char *hex = "0123456789abcdef", *found = *c ? strchr(hex, *c | 0x20) : NULL;
        if (found == NULL)
            break;
        size = size * 16 + (uint64_t)(found - hex);
    }
    char behind = parser->line.data[digits];
    if (digits == 0 || strchr("\r\n; \t", behind) == NULL)
        return fail(error, ERROR_INVALID, "the size of a chunk is no number");
    buf_clear(&parser->line);
    parser->left = size;
    parser->state = size > 0 ? PARSER_CHUNK_DATA : PARSER_TRAILER;
    return true;
}

/* The empty line behind a chunk, or the lines behind the last one. */
static bool feed_line(struct http_parser *parser, struct text *bytes, struct error *error) {
    bool is_whole = false, is_trailer = parser->state == PARSER_TRAILER;
    size_t before = bytes->size;
    if (!take_line(parser, bytes, CHUNK_LINE_LIMIT_BYTES, &is_whole, error))
        return false;
    parser->trailer_bytes += is_trailer ? before - bytes->size : 0;
    if (parser->trailer_bytes > HTTP_HEAD_LIMIT_BYTES)
        return fail(error, ERROR_LIMIT, "too many bytes behind the last chunk");
    if (!is_whole)
        return true;
    bool is_empty = text_trim(buf_text(&parser->line)).size == 0;
    buf_clear(&parser->line);
    if (!is_trailer && !is_empty)
        return fail(error, ERROR_INVALID, "a chunk is longer than it says");
    if (is_empty)
        parser->state = is_trailer ? PARSER_DONE : PARSER_CHUNK_LINE;
    return true;
}

static void feed_data(struct http_parser *parser, struct text *bytes) {
    struct text piece = *bytes;
    if (parser->state != PARSER_UNTIL_END) {
        piece.size = piece.size < parser->left ? piece.size : (size_t)parser->left;
        parser->left -= piece.size;
        if (parser->left == 0)
            parser->state = parser->state == PARSER_CHUNK_DATA ? PARSER_CHUNK_END : PARSER_DONE;
    }
    *bytes = (struct text){bytes->data + piece.size, bytes->size - piece.size};
    if (parser->on_data != NULL)
        parser->on_data(parser->self, piece);
}

bool http_parser_feed(struct http_parser *parser, struct text *bytes, struct error *error) {
    bool is_fine = true;
    while (is_fine && bytes->size > 0 && parser->state != PARSER_DONE) {
        switch (parser->state) {
        case PARSER_HEAD: is_fine = feed_head(parser, bytes, error); break;
        case PARSER_CHUNK_LINE: is_fine = feed_chunk_line(parser, bytes, error); break;
        case PARSER_CHUNK_END:
        case PARSER_TRAILER: is_fine = feed_line(parser, bytes, error); break;
        case PARSER_LENGTH:
        case PARSER_CHUNK_DATA:
        case PARSER_UNTIL_END: feed_data(parser, bytes); break;
        case PARSER_DONE: break;
        }
    }
    return is_fine;
}

bool http_parser_end(struct http_parser *parser, struct error *error) {
    if (parser->state == PARSER_UNTIL_END)
        parser->state = PARSER_DONE;
    if (parser->state == PARSER_DONE)
        return true;
    return fail(error, ERROR_CLOSED, "the connection closed before the %s",
                parser->state == PARSER_HEAD ? "answer" : "end of the answer");
}

bool http_parser_has_head(const struct http_parser *parser) {
    return parser->state != PARSER_HEAD;
}

bool http_parser_is_done(const struct http_parser *parser) {
    return parser->state == PARSER_DONE;
}

const struct http_head *http_parser_head(const struct http_parser *parser) {
    return &parser->head;
}

static bool breaks_line(const char *string, bool spaces_too) {
    for (const char *c = string; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || (spaces_too && *c == ' '))
            return true;
    }
    return false;
}

bool http_write_request(struct buf *out, const char *method, const char *path, const char *host,
                        const struct http_header *headers, size_t header_count, struct text body,
                        struct error *error) {
    if (breaks_line(method, true) || breaks_line(path, true) || breaks_line(host, true))
        return fail(error, ERROR_INVALID, "spaces or control bytes in a request line");
    AUTO_FINI(buf_fini) struct buf head = {0};
    buf_printf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host);
    for (size_t i = 0; i < header_count; i++) {
        if (breaks_line(headers[i].name, true) || breaks_line(headers[i].value, false))
            return fail(error, ERROR_INVALID, "control bytes in a header");
        buf_printf(&head, "%s: %s\r\n", headers[i].name, headers[i].value);
    }
    if (body.size > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
        buf_printf(&head, "Content-Length: %zu\r\n", body.size);
    buf_append_string(&head, "\r\n");
    buf_append(out, head.data, head.size);
    buf_append_text(out, body);
    return true;
}

const char *http_reason(int status) {
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Unknown";
}
