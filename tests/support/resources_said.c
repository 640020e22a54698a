/*
 * Terms are cut at their last colon and read from the left.
 */
#include "tests/support/resources_said.h"

#include "common/model/resources_text.h"
#include "common/model/value_fixed.h"
#include "common/model/value_text.h"
#include "tests/support/unit.h"

struct said {
    struct kind_info info;
    struct reservation stack[RESERVATIONS_LIMIT];
    struct value value;
};

/* What stands between two bytes at the front of *rest; false: it does not begin so. */
static bool take(struct text *rest, char open, char close, struct text *out) {
    if (rest->size == 0 || rest->data[0] != open)
        return false;
    struct text inner = text_sub(*rest, 1, rest->size);
    text_split(&inner, close, out);
    *rest = inner;
    return true;
}

static void read_stack(struct said *said, struct text stack) {
    struct text one;
    for (size_t i = 0; text_split(&stack, '+', &one); i++) {
        if (one.size == 0 && i == 0)
            continue;
        struct text role;
        struct reservation *reservation = &said->stack[said->info.reservation_count++];
        text_split(&one, '=', &role);
        *reservation = (struct reservation){
            .type = i == 0 ? RESERVATION_STATIC : RESERVATION_DYNAMIC,
            .role = role,
            .principal = one,
        };
    }
    said->info.reservations = said->stack;
}

static enum disk_source_type source_of(struct text name) {
    return text_equal(name, TEXT("MOUNT"))   ? DISK_SOURCE_MOUNT
           : text_equal(name, TEXT("PATH"))  ? DISK_SOURCE_PATH
           : text_equal(name, TEXT("BLOCK")) ? DISK_SOURCE_BLOCK
                                             : DISK_SOURCE_RAW;
}

static void read_kind(struct said *said, struct text rest) {
    size_t size = 0;
    while (size < rest.size && strchr("(<[{", rest.data[size]) == NULL)
        size++;
    said->info.name = text_sub(rest, 0, size);
    rest = text_sub(rest, size, rest.size);
    struct text part;
    if (take(&rest, '(', ')', &part))
        read_stack(said, part);
    if (take(&rest, '<', '>', &part)) {
        said->info.has_disk = said->info.disk.has_source = true;
        said->info.disk.source =
            (struct disk_source){.type = source_of(part), .has_place = true, .root = TEXT("/disk")};
    }
    if (take(&rest, '[', ']', &part)) {
        said->info.has_disk = true;
        said->info.disk.persistence_id = part;
    }
    while (take(&rest, '{', '}', &part)) {
        said->info.is_shared = said->info.is_shared || text_equal(part, TEXT("SHARED"));
        said->info.is_revocable = said->info.is_revocable || text_equal(part, TEXT("REV"));
    }
}

static bool put(struct kinds *kinds, struct said *said, struct resources *set,
                struct error *error) {
    uint32_t kind;
    struct value *value = &said->value;
    said->info.type = value->type;
    if (!kinds_intern(kinds, &said->info, &kind, error))
        return false;
    if (value->type == VALUE_RANGES)
        return resources_put_ranges(set, kind, value->ranges, value->count, error);
    if (value->type == VALUE_SCALAR) {
        int64_t milli = 0;
        return milli_from_double(value->scalar, &milli) &&
               resources_put_scalar(set, kind, milli, error);
    }
    uint32_t items[16];
    for (size_t i = 0; i < value->count; i++)
        if (!kinds_intern_text(kinds, value->items[i], &items[i], error))
            return false;
    return resources_put_items(set, kind, items, value->count, error);
}

struct resources resources_said(struct kinds *kinds, const char *text) {
    struct resources set = {0};
    struct text rest = text_of(text), term;
    while (text_split(&rest, ';', &term)) {
        if (term.size == 0)
            continue;
        size_t colon = term.size;
        while (colon > 0 && term.data[colon - 1] != ':')
            colon--;
        struct said said = {0};
        struct error error = {0};
        struct text value = text_sub(term, colon, term.size);
        if (colon == 0 || !value_parse(value, 0, &said.value, &error))
            fail_msg("%s: %s", text, error.message);
        read_kind(&said, text_sub(term, 0, colon - 1));
        if (!put(kinds, &said, &set, &error))
            fail_msg("%s: %s", text, error.message);
        value_fini(&said.value);
    }
    return set;
}

void assert_resources(struct kinds *kinds, const struct resources *set, const char *said) {
    AUTO_FINI(resources_fini) struct resources wanted = resources_said(kinds, said);
    if (resources_equal(set, &wanted))
        return;
    AUTO_FINI(buf_fini) struct buf shown = {0};
    resources_print(set, kinds, &shown);
    fail_msg("it is %s, not %s", buf_string(&shown), said);
}
