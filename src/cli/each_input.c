#include "cli/each_input.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/runtime/files.h"

enum { CHUNK_BYTES = 256 << 10 };

static bool read_fd(int fd, struct buf *out, struct error *error) {
    for (;;) {
        buf_reserve(out, CHUNK_BYTES);
        ssize_t got = read(fd, out->data + out->size, CHUNK_BYTES);
        if (got < 0)
            return fail(error, ERROR_INVALID, "read the input: %m");
        if (got == 0)
            return true;
        out->size += (size_t)got;
        if (out->size > INPUT_LIMIT_BYTES)
            return fail(error, ERROR_INVALID, "the input is larger than %d bytes",
                        INPUT_LIMIT_BYTES);
    }
}

bool input_split(struct buf bytes, struct input *out, struct error *error) {
    struct text rest, line;
    *out = (struct input){.bytes = bytes};
    rest = buf_text(&out->bytes);
    if (rest.size > 0 && rest.data[rest.size - 1] == '\n')
        rest.size--;
    else if (rest.size == 0)
        return true;
    while (text_split(&rest, '\n', &line)) {
        size_t number = out->lines.count + 1;
        if (number > INPUT_LINES_LIMIT)
            return fail(error, ERROR_INVALID, "the input has more than %d lines",
                        INPUT_LINES_LIMIT);
        if (line.size > INPUT_LINE_LIMIT_BYTES)
            return fail(error, ERROR_INVALID, "line %zu is longer than %d bytes", number,
                        INPUT_LINE_LIMIT_BYTES);
        if (!text_is_utf8(line) || text_contains_byte(line, '\0'))
            return fail(error, ERROR_INVALID, "line %zu has zero bytes or is no UTF-8", number);
        VEC_PUSH(&out->lines, line);
    }
    return true;
}

bool input_read(const char *path, struct input *out, struct error *error) {
    struct buf bytes = {0};
    AUTO_FD int own = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    *out = (struct input){0};
    if (path != NULL && own < 0)
        return fail(error, ERROR_INVALID, "open %s: %m", path);
    if (!read_fd(path != NULL ? own : STDIN_FILENO, &bytes, error)) {
        buf_fini(&bytes);
        return false;
    }
    return input_split(bytes, out, error);
}

void input_fini(struct input *input) {
    VEC_FINI(&input->lines);
    buf_fini(&input->bytes);
}

static const char *replace(const char *word, struct text line, struct arena *arena) {
    AUTO_FINI(buf_fini) struct buf out = {0};
    const char *at = word, *braces;
    while ((braces = strstr(at, "{}")) != NULL) {
        buf_append(&out, at, (size_t)(braces - at));
        buf_append_text(&out, line);
        at = braces + 2;
    }
    buf_append_string(&out, at);
    return arena_string(arena, buf_text(&out));
}

const char *const *input_command(const char *const *words, size_t word_count, struct text line,
                                 size_t *out_count, struct arena *arena) {
    const char **out = ARENA_ARRAY(arena, const char *, word_count + 1);
    bool is_used = false;
    for (size_t i = 0; i < word_count; i++) {
        bool has = strstr(words[i], "{}") != NULL;
        out[i] = has ? replace(words[i], line, arena) : words[i];
        is_used = is_used || has;
    }
    *out_count = word_count;
    if (!is_used)
        out[(*out_count)++] = arena_string(arena, line);
    return out;
}

void input_print_what(const struct input *input, const char *const *words, size_t word_count,
                      struct buf *out) {
    AUTO_FINI(buf_fini) struct buf command = {0};
    for (size_t i = 0; i < word_count; i++)
        buf_append(&command, words[i], strlen(words[i]) + 1);
    buf_printf(out, "mesos each 1: command %016llx, input %016llx, %zu lines\n",
               (unsigned long long)text_hash(buf_text(&command)),
               (unsigned long long)text_hash(buf_text(&input->bytes)), input->lines.count);
}
