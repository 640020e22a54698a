/*
 * Answers of an HTTP server out of arbitrary bytes: whole or cut at a place that the first byte
 * chooses, the parser comes to the same verdict, the same body and the same end.
 */
#include "common/runtime/http_message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    struct buf body;
    struct http_parser *parser;
    bool is_fine;
};

static void gather(void *self, struct text data) {
    buf_append_text(self, data);
}

static void run(struct outcome *outcome, struct text bytes, size_t step) {
    *outcome = (struct outcome){.is_fine = true};
    outcome->parser = http_parser_new(false, gather, &outcome->body);
    while (outcome->is_fine && bytes.size > 0 && !http_parser_is_done(outcome->parser)) {
        struct text piece = text_sub(bytes, 0, step);
        bytes = text_sub(bytes, piece.size, bytes.size);
        outcome->is_fine = http_parser_feed(outcome->parser, &piece, NULL);
    }
}

static void end(struct outcome *outcome) {
    http_parser_free(outcome->parser);
    buf_fini(&outcome->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct outcome whole, cut;
    if (size < 2)
        return 0;
    struct text bytes = {(const char *)data + 1, size - 1};
    run(&whole, bytes, size);
    run(&cut, bytes, (size_t)data[0] + 1);
    if (whole.is_fine != cut.is_fine || !text_equal(buf_text(&whole.body), buf_text(&cut.body)) ||
        http_parser_is_done(whole.parser) != http_parser_is_done(cut.parser))
        abort();
    end(&whole);
    end(&cut);
    return 0;
}
