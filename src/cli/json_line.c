#include "cli/json_line.h"

#include "common/base/mem.h"
#include "common/runtime/files.h"

#include <stdlib.h>
#include <unistd.h>

enum { CHARACTER_LIMIT_BYTES = 4 };

/* What a character that begins so takes; 0: none begins so. */
static size_t character_size(unsigned char first) {
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t json_line_whole(struct text bytes) {
    for (size_t back = 1; back < CHARACTER_LIMIT_BYTES && back <= bytes.size; back++) {
        unsigned char byte = (unsigned char)bytes.data[bytes.size - back];
        if ((byte & 0xc0) != 0x80)
            return character_size(byte) > back ? bytes.size - back : bytes.size;
    }
    return bytes.size;
}

static void append_valid(struct buf *out, struct text bytes) {
    for (size_t at = 0; at < bytes.size;) {
        size_t size = character_size((unsigned char)bytes.data[at]);
        struct text character = text_sub(bytes, at, size);
        bool is_valid = size > 0 && character.size == size && text_is_utf8(character);
        buf_append_text(out, is_valid ? character : TEXT("\xef\xbf\xbd"));
        at += is_valid ? size : 1;
    }
}

json_t *json_line_string(struct text bytes) {
    AUTO_FINI(buf_fini) struct buf valid = {0};
    if (!text_is_utf8(bytes)) {
        append_valid(&valid, bytes);
        bytes = buf_text(&valid);
    }
    return json_stringn_nocheck(bytes.size > 0 ? bytes.data : "", bytes.size);
}

json_t *json_line_string_or_null(const char *string) {
    bool is_there = string != NULL && string[0] != '\0';
    return is_there ? json_line_string(text_of(string)) : json_null();
}

json_t *json_line_output(struct text bytes) {
    if (bytes.size > JSON_LINE_OUTPUT_LIMIT_BYTES) {
        bytes = text_sub(bytes, 0, JSON_LINE_OUTPUT_LIMIT_BYTES);
        bytes.size = json_line_whole(bytes);
    }
    return json_line_string(bytes);
}

void json_line_set_end(json_t *object, const struct task_end *end) {
    json_object_set_new(object, "state", json_string(task_state_word(end->state)));
    json_object_set_new(object, "exit_code",
                        end->exit_code >= 0 ? json_integer(end->exit_code) : json_null());
    json_object_set_new(object, "signal",
                        end->signal > 0 ? json_integer(end->signal) : json_null());
}

void json_line_print(const json_t *object, struct buf *out) {
    char *line = json_dumps(object, JSON_COMPACT);
    buf_append_string(out, line != NULL ? line : "null");
    buf_append_byte(out, '\n');
    free(line);
}

bool json_line_write(const json_t *object) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    json_line_print(object, &line);
    return fd_write_all(STDOUT_FILENO, buf_text(&line), NULL);
}
