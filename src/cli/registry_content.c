#include "cli/registry_content.h"

#include "common/base/crc32c.h"
#include "common/wire/base64.h"
#include "common/wire/messages.h"

#include "cli/json_line.h"
#include "common/model/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void registry_content_init(struct registry_content *content) {
    *content = (struct registry_content){.arena = arena_new()};
}

void registry_content_fini(struct registry_content *content) {
    arena_free(content->arena);
    VEC_FINI(&content->pairs);
    *content = (struct registry_content){0};
}

bool registry_content_add(void *self, struct text key, struct text value, struct error *error) {
    struct registry_content *content = self;
    if (content->pairs.count == REGISTRY_RECORDS_LIMIT)
        return fail(error, ERROR_LIMIT, "more than %d records", REGISTRY_RECORDS_LIMIT);
    struct registry_pair pair = {arena_text(content->arena, key),
                                 arena_text(content->arena, value)};
    VEC_PUSH(&content->pairs, pair);
    return true;
}

static int compare_pairs(const void *a, const void *b) {
    const struct registry_pair *first = a, *second = b;
    return text_compare(first->key, second->key);
}

bool registry_content_sort(struct registry_content *content, struct error *error) {
    struct registry_pair *pairs = content->pairs.items;
    if (content->pairs.count == 0)
        return true;
    qsort(pairs, content->pairs.count, sizeof(*pairs), compare_pairs);
    for (size_t i = 1; i < content->pairs.count; i++) {
        if (text_equal(pairs[i - 1].key, pairs[i].key))
            return fail(error, ERROR_INVALID, "the key '%.*s' is there twice",
                        TEXT_ARGS(pairs[i].key));
    }
    return true;
}

bool registry_content_has(const struct registry_content *content, struct text key) {
    struct registry_pair wanted = {.key = key};
    return content->pairs.count > 0 && bsearch(&wanted, content->pairs.items, content->pairs.count,
                                               sizeof(wanted), compare_pairs) != NULL;
}

bool registry_content_equal(const struct registry_content *a, const struct registry_content *b,
                            struct error *error) {
    size_t both = a->pairs.count < b->pairs.count ? a->pairs.count : b->pairs.count;
    for (size_t i = 0; i < both; i++) {
        const struct registry_pair *x = &a->pairs.items[i], *y = &b->pairs.items[i];
        if (!text_equal(x->key, y->key) || !text_equal(x->value, y->value))
            return fail(error, ERROR_INVALID, "record '%.*s' differs", TEXT_ARGS(x->key));
    }
    const struct registry_content *more = a->pairs.count > both ? a : b;
    return more->pairs.count == both || fail(error, ERROR_INVALID, "record '%.*s' differs",
                                             TEXT_ARGS(more->pairs.items[both].key));
}

/* --- what records mean --- */

const char *registry_kind_name(size_t kind) {
    static const char *const names[] = {"unknown", "agent", "unreachable", "gone",   "framework",
                                        "master",  "role",  "machine",     "removed"};
    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

struct meaning {
    struct arena *arena;
    struct kinds *kinds;
};

static struct meaning meaning_new(void) {
    return (struct meaning){.arena = arena_new(), .kinds = kinds_new()};
}

static void meaning_free(struct meaning *meaning) {
    arena_free(meaning->arena);
    kinds_free(meaning->kinds);
}

static bool decode(struct meaning *meaning, struct text value, struct registry_record *out,
                   struct error *error) {
    struct wire wire = {.arena = meaning->arena, .kinds = meaning->kinds};
    return registry_record_decode(&wire, value, out, error);
}

static void set_text(json_t *line, const char *name, struct text text) {
    json_object_set_new(line, name, json_line_string(text));
}

/* Older versions did not write it. */
static void set_hostname(json_t *line, const struct registry_record *record) {
    if (record->hostname.size > 0)
        set_text(line, "hostname", record->hostname);
}

static void set_agent(struct meaning *meaning, const struct registry_record *record, json_t *line) {
    struct wire wire = {.arena = meaning->arena, .kinds = meaning->kinds};
    struct agent_info info;
    if (!agent_info_decode(&wire, record->agent_info, &info, NULL))
        return;
    set_text(line, "hostname", info.hostname);
    json_object_set_new(line, "port", json_integer(info.port));
}

static void set_framework(struct meaning *meaning, const struct registry_record *record,
                          json_t *line) {
    struct wire wire = {.arena = meaning->arena, .kinds = meaning->kinds};
    struct framework_info info;
    json_object_set_new(line, "failover_timeout_ns",
                        json_integer(record->framework.failover_timeout_ns));
    if (record->framework.disconnected_ns != 0)
        json_object_set_new(line, "disconnected_ns",
                            json_integer(record->framework.disconnected_ns));
    if (!framework_info_decode(&wire, record->framework.info, &info, NULL))
        return;
    set_text(line, "name", info.name);
    set_text(line, "user", info.user);
}

static void set_role(const struct registry_record *record, json_t *line) {
    json_t *quota = json_object();
    for (size_t i = 0; i < record->role.line_count; i++) {
        const struct quota_config_line *from = &record->role.lines[i];
        AUTO_FINI(buf_fini) struct buf name = {0};
        json_t *amounts = json_pack("{s:I}", "guarantee_milli", (json_int_t)from->guarantee_milli);
        if (from->limit_milli != INT64_MAX)
            json_object_set_new(amounts, "limit_milli", json_integer(from->limit_milli));
        buf_append_text(&name, from->name);
        json_object_set_new(quota, buf_string(&name), amounts);
    }
    json_object_set_new(line, "weight_milli", json_integer(record->role.weight_milli));
    json_object_set_new(line, "quota", quota);
}

static void set_machine(const struct registry_record *record, json_t *line) {
    set_text(line, "hostname", record->machine.hostname);
    set_text(line, "ip", record->machine.ip);
    json_object_set_new(line, "start_ns", json_integer(record->machine.start_ns));
    if (record->machine.duration_ns >= 0)
        json_object_set_new(line, "duration_ns", json_integer(record->machine.duration_ns));
    json_object_set_new(line, "is_down", json_boolean(record->machine.is_down));
}

static void set_drain(const struct agent_drain *drain, json_t *line) {
    if (drain->is_deactivated)
        json_object_set_new(line, "is_deactivated", json_true());
    if (drain->state != DRAIN_NONE)
        json_object_set_new(line, "drain",
                            json_string(drain->state == DRAIN_DRAINING ? "DRAINING" : "DRAINED"));
}

static void set_readable(struct meaning *meaning, const struct registry_record *record,
                         json_t *line) {
    switch (record->kind) {
    case REGISTRY_AGENT:
        set_agent(meaning, record, line);
        set_drain(&record->drain, line);
        break;
    case REGISTRY_UNREACHABLE:
        set_drain(&record->drain, line);
        set_hostname(line, record);
        json_object_set_new(line, "since_ns", json_integer(record->agent.since_ns));
        break;
    case REGISTRY_GONE:
        set_hostname(line, record);
        json_object_set_new(line, "since_ns", json_integer(record->agent.since_ns));
        break;
    case REGISTRY_FRAMEWORK: set_framework(meaning, record, line); break;
    case REGISTRY_MASTER: set_text(line, "master_id", record->master_id); break;
    case REGISTRY_ROLE: set_role(record, line); break;
    case REGISTRY_MACHINE: set_machine(record, line); break;
    case REGISTRY_REMOVED:
        json_object_set_new(line, "since_ns", json_integer(record->removed.since_ns));
        break;
    }
}

/* --- checking --- */

/* The key as the record's kind would have it; "": its beginning only. */
static struct text key_prefix(enum registry_record_kind kind) {
    switch (kind) {
    case REGISTRY_AGENT: return TEXT("agent/");
    case REGISTRY_UNREACHABLE: return TEXT("unreachable/");
    case REGISTRY_GONE: return TEXT("gone/");
    case REGISTRY_FRAMEWORK: return TEXT("framework/");
    case REGISTRY_MASTER: return TEXT("master");
    case REGISTRY_ROLE: return TEXT("role/");
    case REGISTRY_MACHINE: return TEXT("machine/");
    case REGISTRY_REMOVED: return TEXT("removed/");
    }
    return TEXT("");
}

static bool check_info(struct meaning *meaning, const struct registry_record *record,
                       struct text *id, struct error *error) {
    struct wire wire = {.arena = meaning->arena, .kinds = meaning->kinds};
    struct framework_info framework;
    struct agent_info agent;
    switch (record->kind) {
    case REGISTRY_AGENT:
        if (!agent_info_decode(&wire, record->agent_info, &agent, error))
            return false;
        *id = agent.id.text;
        return true;
    case REGISTRY_FRAMEWORK:
        *id = record->framework.id.text;
        return framework_info_decode(&wire, record->framework.info, &framework, error);
    case REGISTRY_UNREACHABLE:
    case REGISTRY_GONE: *id = record->agent.agent.text; return true;
    case REGISTRY_ROLE: *id = record->role.name; return true;
    case REGISTRY_REMOVED: *id = record->removed.framework.text; return true;
    case REGISTRY_MASTER:
    case REGISTRY_MACHINE: break;
    }
    return true;
}

static bool check_pair(struct meaning *meaning, const struct registry_pair *pair, size_t *kind,
                       struct error *error) {
    struct registry_record record;
    struct text id = {0};
    if (!decode(meaning, pair->value, &record, error))
        return false;
    *kind = (size_t)record.kind < (size_t)REGISTRY_KINDS ? (size_t)record.kind : 0;
    struct text prefix = key_prefix(record.kind);
    if (!text_starts_with(pair->key, prefix))
        return fail(error, ERROR_INVALID, "its bytes are of the kind %s",
                    registry_kind_name(record.kind));
    if (!check_info(meaning, &record, &id, error))
        return false;
    if (id.size > 0 && !text_equal(id, text_sub(pair->key, prefix.size, SIZE_MAX)))
        return fail(error, ERROR_INVALID, "its bytes are of '%.*s'", TEXT_ARGS(id));
    return true;
}

size_t registry_content_check(const struct registry_content *content, size_t counts[REGISTRY_KINDS],
                              struct buf *out) {
    struct meaning meaning = meaning_new();
    size_t wrong = 0;
    VEC_EACH(pair, &content->pairs) {
        size_t kind = 0;
        struct error error;
        if (!check_pair(&meaning, pair, &kind, &error)) {
            buf_printf(out, "%.*s: %s\n", TEXT_ARGS(pair->key), error.message);
            wrong++;
        }
        counts[kind]++;
        arena_reset(meaning.arena);
    }
    meaning_free(&meaning);
    return wrong;
}

bool registry_content_check_sums(const struct registry_content *content, struct error *error) {
    struct meaning meaning = meaning_new();
    struct wire wire = {.arena = meaning.arena, .kinds = meaning.kinds};
    bool ok = true;
    VEC_EACH(pair, &content->pairs) {
        if (ok && !registry_record_check(&wire, pair->value, error))
            ok = fail_context(error, "record '%.*s'", TEXT_ARGS(pair->key));
        arena_reset(meaning.arena);
    }
    meaning_free(&meaning);
    return ok;
}

/* --- lines --- */

static uint32_t sum_of(const struct registry_content *content) {
    uint32_t sum = 0;
    VEC_EACH(pair, &content->pairs) {
        sum = crc32c(sum, pair->key);
        sum = crc32c(sum, pair->value);
    }
    return sum;
}

static void set_bytes(json_t *line, const char *name, struct text bytes) {
    AUTO_FINI(buf_fini) struct buf encoded = {0};
    base64_append(&encoded, bytes);
    json_object_set_new(line, name, json_string(buf_string(&encoded)));
}

void registry_line_print(const struct registry_content *content, const struct registry_pair *pair,
                         struct buf *out) {
    AUTO(json_decref) json_t *line = json_object();
    if (pair == NULL) {
        char sum[16];
        snprintf(sum, sizeof(sum), "%08" PRIx32, sum_of(content));
        json_object_set_new(line, "end", json_true());
        json_object_set_new(line, "records", json_integer((json_int_t)content->pairs.count));
        json_object_set_new(line, "crc32c", json_string(sum));
        json_line_print(line, out);
        return;
    }
    struct meaning meaning = meaning_new();
    struct registry_record record;
    struct error error;
    set_text(line, "key", pair->key);
    if (!text_is_utf8(pair->key) || text_contains_byte(pair->key, '\0'))
        set_bytes(line, "key_base64", pair->key);
    bool is_known = decode(&meaning, pair->value, &record, &error);
    json_object_set_new(line, "kind", json_string(registry_kind_name(is_known ? record.kind : 0)));
    if (is_known)
        set_readable(&meaning, &record, line);
    set_bytes(line, "value", pair->value);
    json_line_print(line, out);
    meaning_free(&meaning);
}

static bool take_bytes(const json_t *line, const char *name, struct arena *arena,
                       struct text *out) {
    const json_t *value = json_object_get(line, name);
    return json_is_string(value) &&
           base64_decode(arena, (struct text){json_string_value(value), json_string_length(value)},
                         out);
}

static bool take_end(const json_t *line, const struct registry_content *content,
                     struct error *error) {
    char sum[16];
    snprintf(sum, sizeof(sum), "%08" PRIx32, sum_of(content));
    const char *written = json_string_value(json_object_get(line, "crc32c"));
    if (json_integer_value(json_object_get(line, "records")) != (json_int_t)content->pairs.count)
        return fail(error, ERROR_INVALID, "the last line tells of another number of records");
    if (written == NULL || strcmp(written, sum) != 0)
        return fail(error, ERROR_INVALID, "the records do not have the sum of the last line");
    return true;
}

static bool take_line(const json_t *line, struct registry_content *out, bool *is_end,
                      struct error *error) {
    struct text key, value;
    if (!json_is_object(line))
        return fail(error, ERROR_INVALID, "no JSON object");
    if (json_is_true(json_object_get(line, "end"))) {
        *is_end = true;
        return take_end(line, out, error);
    }
    const json_t *name = json_object_get(line, "key");
    if (json_object_get(line, "key_base64") != NULL) {
        if (!take_bytes(line, "key_base64", out->arena, &key))
            return fail(error, ERROR_INVALID, "'key_base64' is no base64");
    } else if (json_is_string(name)) {
        key = (struct text){json_string_value(name), json_string_length(name)};
    } else {
        return fail(error, ERROR_INVALID, "no 'key'");
    }
    if (!take_bytes(line, "value", out->arena, &value))
        return fail(error, ERROR_INVALID, "no 'value' in base64");
    return registry_content_add(out, key, value, error);
}

bool registry_content_parse(struct text dump, struct registry_content *out, struct error *error) {
    struct text bytes;
    size_t number = 0;
    bool is_end = false;
    while (text_split(&dump, '\n', &bytes)) {
        number++;
        if (text_trim(bytes).size == 0)
            continue;
        json_error_t why;
        if (bytes.size > REGISTRY_LINE_BYTES_LIMIT)
            return fail(error, ERROR_INVALID, "line %zu has more than %d bytes", number,
                        REGISTRY_LINE_BYTES_LIMIT);
        if (is_end)
            return fail(error, ERROR_INVALID, "line %zu: something comes behind the last line",
                        number);
        AUTO(json_decref)
        json_t *line = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &why);
        if (line == NULL)
            return fail(error, ERROR_INVALID, "line %zu: %s", number, why.text);
        if (!take_line(line, out, &is_end, error))
            return fail_context(error, "line %zu", number);
    }
    if (!is_end)
        return fail(error, ERROR_INVALID, "the last line is missing: this is not the whole dump");
    return registry_content_sort(out, error);
}
