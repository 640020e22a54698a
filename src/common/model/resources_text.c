#include "common/model/resources_text.h"

#include "common/base/mem.h"
#include "common/model/roles.h"
#include "common/model/value_fixed.h"
#include "common/model/value_text.h"

/* One `name(role):value` and where it stands. */
struct term {
    struct text whole, name, role, value;
    size_t at; /* of the term, from 0 */
    size_t value_at;
};

struct reading {
    struct kinds *kinds;
    struct text default_role;
    struct resources set;
    uint32_t mentioned;
};

static bool split_role(struct term *term, struct text default_role, struct error *error) {
    struct text rest = term->name, name;
    text_split(&rest, '(', &name);
    term->role = default_role;
    if (rest.data == NULL)
        return true;
    if (rest.size == 0 || rest.data[rest.size - 1] != ')')
        return fail(error, ERROR_INVALID,
                    "at character %zu: ( without ) before the :", term->at + 1);
    term->name = text_trim(name);
    term->role = text_trim(text_sub(rest, 0, rest.size - 1));
    return true;
}

static bool split_term(struct term *term, struct text default_role, struct error *error) {
    struct text rest = term->whole, name;
    text_split(&rest, ':', &name);
    if (rest.data == NULL || text_contains_byte(rest, ':'))
        return fail(error, ERROR_INVALID, "at character %zu: '%.*s' is not of the form name:value",
                    term->at + 1, (int)(term->whole.size < 100 ? term->whole.size : 100),
                    term->whole.data);
    term->name = text_trim(name);
    term->value = text_trim(rest);
    term->value_at = term->at + (size_t)(term->value.data - term->whole.data);
    if (!split_role(term, default_role, error))
        return false;
    if (term->name.size == 0)
        return fail(error, ERROR_INVALID, "at character %zu: a name is missing", term->at + 1);
    return true;
}

static bool intern(struct kinds *kinds, struct text name, enum value_type type, struct text role,
                   uint32_t *kind, struct error *error) {
    struct reservation reservation = {.type = RESERVATION_STATIC, .role = role};
    struct kind_info info = {.name = name, .type = type, .reservations = &reservation};
    info.reservation_count = text_equal(role, TEXT("*")) ? 0 : 1;
    return kinds_intern(kinds, &info, kind, error);
}

static bool put_scalar(struct reading *reading, const struct term *term, uint32_t kind,
                       double scalar, struct error *error) {
    int64_t milli;
    if (!milli_from_double(scalar, &milli))
        return fail(error, ERROR_INVALID, "'%.*s' is too small or too large",
                    TEXT_ARGS(term->value));
    if (kinds_name(reading->kinds, kind) == NAME_GPUS && milli % 1000 != 0)
        return fail(error, ERROR_INVALID, "gpus are whole");
    return resources_put_scalar(&reading->set, kind, milli, error);
}

static bool put_items(struct reading *reading, uint32_t kind, const struct value *value,
                      struct error *error) {
    AUTO(mem_free) uint32_t *items = NEW_ARRAY(uint32_t, value->count);
    for (size_t i = 0; i < value->count; i++) {
        if (!kinds_intern_text(reading->kinds, value->items[i], &items[i], error))
            return false;
    }
    return resources_put_items(&reading->set, kind, items, value->count, error);
}

static bool put_value(struct reading *reading, const struct term *term, const struct value *value,
                      struct error *error) {
    uint32_t kind;
    if (value->type == VALUE_TEXT)
        return fail(error, ERROR_INVALID,
                    "'%.*s' is neither a number, nor ranges [1-9], nor a set {a,b}",
                    (int)(term->value.size < 100 ? term->value.size : 100), term->value.data);
    if (!intern(reading->kinds, term->name, value->type, term->role, &kind, error))
        return false;
    uint32_t name = kinds_name(reading->kinds, kind);
    if (name <= NAME_PORTS)
        reading->mentioned |= 1u << name;
    switch (value->type) {
    case VALUE_RANGES:
        return resources_put_ranges(&reading->set, kind, value->ranges, value->count, error);
    case VALUE_SET: return put_items(reading, kind, value, error);
    case VALUE_SCALAR:
    case VALUE_TEXT: break;
    }
    return put_scalar(reading, term, kind, value->scalar, error);
}

/* One name has one type, whatever its role. */
static bool check_type(const struct reading *reading, const struct term *term, enum value_type type,
                       struct error *error) {
    for (uint32_t i = 0; i < reading->set.count; i++) {
        const struct kind_info *info = kinds_info(reading->kinds, reading->set.entries[i].kind);
        if (info->type != type && text_equal(info->name, term->name))
            return fail(error, ERROR_INVALID, "at character %zu: '%.*s' has had another type",
                        term->at + 1, TEXT_ARGS(term->name));
    }
    return true;
}

static bool read_term(struct reading *reading, struct term *term, struct error *error) {
    AUTO_FINI(value_fini) struct value value = {0};
    if (!split_term(term, reading->default_role, error) ||
        !value_parse(term->value, term->value_at, &value, error) ||
        !check_type(reading, term, value.type, error))
        return false;
    if (!put_value(reading, term, &value, error))
        return fail_context(error, "at character %zu", term->at + 1);
    if (reading->set.count > RESOURCES_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d resources", RESOURCES_LIMIT);
    return true;
}

bool resources_parse(struct kinds *kinds, struct text text, struct text default_role,
                     struct resources *out, uint32_t *mentioned, struct error *error) {
    if (text.size > RESOURCES_TEXT_BYTES_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d bytes", RESOURCES_TEXT_BYTES_LIMIT);
    struct reading reading = {.kinds = kinds, .default_role = default_role};
    struct text rest = text, part;
    while (text_split(&rest, ';', &part)) {
        struct text whole = text_trim(part);
        struct term term = {.whole = whole, .at = (size_t)(whole.data - text.data)};
        if (whole.size > 0 && !read_term(&reading, &term, error)) {
            resources_fini(&reading.set);
            return false;
        }
    }
    resources_fini(out);
    *out = reading.set;
    if (mentioned != NULL)
        *mentioned = reading.mentioned;
    return true;
}

static void print_kind(const struct kind_info *info, struct buf *out) {
    buf_append_text(out, info->name);
    if (info->reservation_count > 0) {
        buf_append_byte(out, '(');
        buf_append_text(out, info->reservations[info->reservation_count - 1].role);
        buf_append_byte(out, ')');
    }
    if (info->has_disk && info->disk.persistence_id.data != NULL) {
        buf_append_byte(out, '[');
        buf_append_text(out, info->disk.persistence_id);
        buf_append_byte(out, ']');
    }
    if (info->is_revocable)
        buf_append_string(out, "{REV}");
    if (info->is_shared)
        buf_append_string(out, "{SHARED}");
    buf_append_byte(out, ':');
}

static void print_items(const struct resource *one, const struct kinds *kinds, struct buf *out) {
    size_t count;
    const uint32_t *items = resource_items(one, &count);
    for (size_t i = 0; i < count; i++) {
        buf_append_byte(out, i == 0 ? '{' : ',');
        buf_append_text(out, kinds_text(kinds, items[i]));
    }
    buf_append_byte(out, '}');
}

static void print_value(const struct resource *one, const struct kinds *kinds, struct buf *out) {
    size_t count;
    switch (kind_type(one->kind)) {
    case VALUE_RANGES: {
        const struct range *ranges = resource_ranges(one, &count);
        ranges_print(ranges, count, out);
        break;
    }
    case VALUE_SET: print_items(one, kinds, out); break;
    case VALUE_SCALAR:
    case VALUE_TEXT: milli_print(one->milli, out); break;
    }
}

void resources_print(const struct resources *set, const struct kinds *kinds, struct buf *out) {
    bool first = true;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct resource *one = &set->entries[i];
        uint32_t times = kind_is(one->kind, KIND_IS_EXCLUSIVE) ? one->copies : 1;
        for (uint32_t copy = 0; copy < times; copy++) {
            if (!first)
                buf_append_byte(out, ';');
            first = false;
            print_kind(kinds_info(kinds, one->kind), out);
            print_value(one, kinds, out);
        }
    }
}

static const uint64_t MB = 1024 * 1024, GB = 1024 * 1024 * 1024;

/* What is left for tasks, in MB: all but `spare` when there is at least twice that, else half. */
static int64_t usable_milli(uint64_t bytes, uint64_t spare, uint64_t fallback) {
    uint64_t usable = bytes == 0 ? fallback : bytes >= 2 * spare ? bytes - spare : bytes / 2;
    uint64_t mb = usable / MB;
    return mb > MILLI_LIMIT / 1000 ? MILLI_LIMIT : (int64_t)mb * 1000;
}

bool resources_add_detected(struct kinds *kinds, const struct machine *machine, uint32_t mentioned,
                            struct text default_role, struct resources *set, struct error *error) {
    static const struct range ports = {31000, 32000};
    int64_t cpus = machine->cpu_count > 0 ? machine->cpu_count : 1;
    const struct {
        uint32_t name;
        struct text text;
        int64_t milli;
    } scalars[] = {
        {NAME_CPUS, TEXT("cpus"), cpus * 1000},
        {NAME_MEM, TEXT("mem"), usable_milli(machine->mem_bytes, GB, GB)},
        {NAME_DISK, TEXT("disk"), usable_milli(machine->disk_bytes, 5 * GB, 10 * GB)},
    };
    uint32_t kind;
    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        if ((mentioned >> scalars[i].name & 1) != 0)
            continue;
        if (!intern(kinds, scalars[i].text, VALUE_SCALAR, default_role, &kind, error) ||
            !resources_put_scalar(set, kind, scalars[i].milli, error))
            return false;
    }
    if ((mentioned >> NAME_PORTS & 1) != 0)
        return true;
    return intern(kinds, TEXT("ports"), VALUE_RANGES, default_role, &kind, error) &&
           resources_put_ranges(set, kind, &ports, 1, error);
}
