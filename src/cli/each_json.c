/*
 * A line as one object. It is made when its turn to be printed comes, from nothing but what the
 * journal keeps, so that a run that goes on knows how many bytes of it were printed.
 */
#include "cli/each.h"
#include "cli/json_line.h"

#include <stdio.h>

/* One byte more than is shown, so that a cut is seen. */
static bool read_output(const struct spooled *output, struct buf *out, struct error *error) {
    enum { WANTED_BYTES = JSON_LINE_OUTPUT_LIMIT_BYTES + 1 };
    while (out->size < WANTED_BYTES && out->size < output->size) {
        size_t room = WANTED_BYTES - out->size;
        buf_reserve(out, room + 1);
        ssize_t got = spooled_read(output, out->size, out->data + out->size, room, error);
        if (got < 0)
            return false;
        if (got == 0)
            break;
        out->size += (size_t)got;
    }
    return true;
}

static bool set_output(json_t *object, const char *name, const struct spooled *output,
                       struct error *error) {
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    if (!read_output(output, &bytes, error))
        return false;
    json_object_set_new(object, name, json_line_output(buf_text(&bytes)));
    return true;
}

bool each_make_json(struct each *each, size_t line, struct error *error) {
    AUTO(json_decref) json_t *object = json_object();
    const struct each_outcome *outcome = each->lines[line].outcome;
    uint32_t attempts = each->lines[line].attempt;
    char id[EACH_ID_SIZE];
    each_task_id(each, line, attempts, id);
    json_object_set_new(object, "line", json_integer((json_int_t)line + 1));
    json_object_set_new(object, "input", json_line_string(each->input.lines.items[line]));
    json_line_set_end(object, &outcome->end);
    json_object_set_new(object, "attempts", json_integer(attempts));
    json_object_set_new(object, "task_id", json_string(id));
    if (!set_output(object, "stdout", &outcome->output, error) ||
        !set_output(object, "stderr", &outcome->errors, error))
        return false;
    json_object_set_new(object, "truncated",
                        json_boolean(outcome->output.size > JSON_LINE_OUTPUT_LIMIT_BYTES ||
                                     outcome->errors.size > JSON_LINE_OUTPUT_LIMIT_BYTES));
    buf_clear(&each->json);
    json_line_print(object, &each->json);
    return true;
}
