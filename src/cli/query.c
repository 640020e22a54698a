#include "cli/query.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/runtime/http_client.h"
#include "zookeeper/core/zk_url.h"
#include "zookeeper/shell/leader_finder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DEFAULT_PORT = 5050,
    TIMEOUT_MS = 30000,
    FIND_TIMEOUT_MS = 15000, /* longer than a session's timeout: the leader may just have gone */
    REPEAT_MS = 200,
    REDIRECTS_LIMIT = 4,
    PATH_LIMIT = 16
};

static bool follow(const struct http_response *response, struct address *address,
                   struct error *error) {
    struct text location = http_head_find(&response->head, "Location");
    struct text rest =
        text_starts_with(location, TEXT("//")) ? text_sub(location, 2, SIZE_MAX) : location;
    struct text host;
    if (!text_split(&rest, '/', &host) || !address_parse(host, DEFAULT_PORT, address, error))
        return fail(error, ERROR_IO, "the master redirects to '%.*s'", TEXT_ARGS(location));
    return true;
}

/* One master, and whom it names as the leader. */
static bool call_one(struct address address, struct text body, struct http_response *out,
                     struct error *error) {
    static const struct http_header accept = {"Accept", "application/json"};
    for (int hop = 0; hop < REDIRECTS_LIMIT; hop++) {
        struct http_ask ask = {.address = address,
                               .path = "/api/v1",
                               .headers = &accept,
                               .header_count = 1,
                               .body = body,
                               .timeout_ms = TIMEOUT_MS};
        if (!http_call(&ask, out, error))
            return false;
        if (out->head.status != 307)
            return true;
        bool ok = follow(out, &address, error);
        http_response_fini(out);
        if (!ok)
            return false;
    }
    return fail(error, ERROR_IO, "the masters redirect to each other");
}

/* A master that knows of no leader is not alone asked when there are others: it may be the one that
 * ZooKeeper is out of reach for. */
static bool call_list(struct text masters, struct text body, struct http_response *out,
                      struct error *error) {
    bool is_answered = false;
    struct text one;
    fail(error, ERROR_INVALID, "--master is empty");
    while (!(is_answered && out->head.status != 503) && text_split(&masters, ',', &one)) {
        struct http_response answer = {0};
        struct address address;
        if (!address_parse(text_trim(one), DEFAULT_PORT, &address, error))
            return fail_context(error, "--master");
        if (!call_one(address, body, &answer, error))
            continue;
        http_response_fini(out);
        *out = answer;
        is_answered = true;
    }
    if (is_answered)
        return true;
    error->code = ERROR_IO;
    return false;
}

static bool call_any(const char *masters, struct text body, struct http_response *out,
                     struct error *error) {
    char leader[ADDRESS_TEXT_SIZE];
    if (zk_url_is(text_of(masters))) {
        if (!leader_find(text_of(masters), FIND_TIMEOUT_MS, leader, sizeof(leader), error))
            return fail_context(error, "--master");
        masters = leader;
    }
    if (call_list(text_of(masters), body, out, error))
        return true;
    return error->code == ERROR_IO ? fail_context(error, "no master answers at %s", masters)
                                   : false;
}

static bool refuse(const struct http_response *response, struct error *error) {
    struct text why = text_trim(buf_text(&response->body));
    enum error_code code = response->head.status == 404   ? ERROR_NOT_FOUND
                           : response->head.status == 400 ? ERROR_INVALID
                           : response->head.status == 503 ? ERROR_IO /* nobody leads */
                                                          : ERROR_REFUSED;
    if (why.size == 0)
        why = text_of(http_reason(response->head.status));
    return fail(error, code, "%.*s", TEXT_ARGS(why));
}

/* ERROR_IO: nobody answers, or nobody leads, just now. */
static bool call_once(const char *masters, const json_t *call, json_t **out, struct error *error) {
    AUTO_FINI(http_response_fini) struct http_response response = {0};
    char *body = json_dumps(call, JSON_COMPACT);
    bool ok = call_any(masters, text_of(body), &response, error);
    free(body);
    if (!ok)
        return false;
    if (response.head.status >= 300)
        return refuse(&response, error);
    json_t *answer = NULL;
    if (response.body.size > 0) {
        json_error_t where;
        answer = json_loadb(response.body.data, response.body.size, 0, &where);
        if (answer == NULL)
            return fail(error, ERROR_REFUSED, "the master's answer is no JSON: %s", where.text);
    }
    if (out != NULL)
        *out = answer;
    else
        json_decref(answer);
    return true;
}

bool query_call(const char *masters, const char *type, json_t *fields, json_t **out,
                struct error *error) {
    AUTO(json_decref) json_t *call = fields != NULL ? fields : json_object();
    json_object_set_new(call, "type", json_string(type));
    return call_once(masters, call, out, error);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool query_repeat(const char *masters, const char *type, json_t *fields, json_t **out,
                  struct error *error) {
    static const struct timespec pause = {.tv_nsec = REPEAT_MS * 1000000L};
    AUTO(json_decref) json_t *call = fields != NULL ? fields : json_object();
    int64_t give_up_ms = now_ms() + query_patience_ms(masters, 0);
    json_object_set_new(call, "type", json_string(type));
    while (!call_once(masters, call, out, error)) {
        if (error->code != ERROR_IO || now_ms() >= give_up_ms)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

int64_t query_patience_ms(const char *masters, int64_t known_ms) {
    bool may_elect = zk_url_is(text_of(masters)) || strchr(masters, ',') != NULL;
    return may_elect ? known_ms + FIND_TIMEOUT_MS : known_ms;
}

char *query_shown(const char *masters) {
    AUTO_FINI(zk_url_fini) struct zk_url url = {0};
    bool is_url = text_starts_with(text_of(masters), TEXT("zk://"));
    if (is_url && !zk_url_parse(text_of(masters), &url, NULL))
        return mem_dup_string("--master");
    return mem_dup_string(is_url ? url.shown : masters);
}

/* get_tasks of GET_TASKS. */
static json_t *answer_of(const json_t *answer, const char *type) {
    char key[64];
    size_t size = strlen(type);
    for (size_t i = 0; i <= size && i < sizeof(key); i++)
        key[i] = (char)(type[i] >= 'A' && type[i] <= 'Z' ? type[i] - 'A' + 'a' : type[i]);
    json_t *part = json_object_get(answer, key);
    return part != NULL ? json_incref(part) : json_object();
}

bool query_get(const char *masters, const char *type, json_t **out, struct error *error) {
    AUTO(json_decref) json_t *answer = NULL;
    if (!query_call(masters, type, NULL, &answer, error))
        return false;
    *out = answer_of(answer, type);
    return true;
}

bool query_get_patiently(const char *masters, const char *type, json_t **out, struct error *error) {
    AUTO(json_decref) json_t *answer = NULL;
    if (!query_repeat(masters, type, NULL, &answer, error))
        return false;
    *out = answer_of(answer, type);
    return true;
}

json_t *query_at(const json_t *object, const char *path) {
    struct text rest = text_of(path), key;
    json_t *at = (json_t *)(uintptr_t)object;
    while (at != NULL && text_split(&rest, '.', &key)) {
        char name[64];
        size_t size = key.size < sizeof(name) ? key.size : sizeof(name) - 1;
        memcpy(name, key.data, size);
        name[size] = '\0';
        at = json_object_get(at, name);
    }
    return at;
}

const char *query_string(const json_t *object, const char *path) {
    const char *value = json_string_value(query_at(object, path));
    return value != NULL ? value : "";
}

double query_scalar(const json_t *resources, const char *name) {
    double sum = 0;
    size_t index;
    json_t *resource;
    json_array_foreach((json_t *)(uintptr_t)resources, index, resource) {
        if (strcmp(query_string(resource, "name"), name) == 0)
            sum += json_number_value(query_at(resource, "scalar.value"));
    }
    return sum;
}

/* --- resources as text --- */

static const char *const common_names[] = {"cpus", "mem", "disk", "gpus"};
enum { COMMON_NAMES = sizeof(common_names) / sizeof(common_names[0]) };

static void print_sum(const json_t *resources, const char *name, struct buf *out) {
    double value = query_scalar(resources, name);
    if (value > 0)
        buf_printf(out, "%s%s:%.12g", out->size > 0 ? ";" : "", name, value);
}

/* Whether the scalar's name was not printed yet: it is none of the common ones, and no resource
 * before it has it. */
static bool is_new_name(const json_t *resources, size_t index, const char *name) {
    for (size_t i = 0; i < COMMON_NAMES; i++) {
        if (strcmp(common_names[i], name) == 0)
            return false;
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(query_string(json_array_get(resources, i), "name"), name) == 0)
            return false;
    }
    return true;
}

static void print_ranges(const json_t *resource, const char *name, struct buf *out) {
    const json_t *ranges = query_at(resource, "ranges.range");
    size_t count = json_array_size(ranges);
    buf_printf(out, "%s%s:[", out->size > 0 ? ";" : "", name);
    for (size_t i = 0; i < count && i < QUERY_RANGES_SHOWN; i++) {
        const json_t *range = json_array_get(ranges, i);
        buf_printf(out, "%s%lld-%lld", i > 0 ? "," : "",
                   (long long)json_integer_value(query_at(range, "begin")),
                   (long long)json_integer_value(query_at(range, "end")));
    }
    buf_append_string(out, count > QUERY_RANGES_SHOWN ? ",...]" : "]");
}

static void print_set(const json_t *resource, const char *name, struct buf *out) {
    size_t count = json_array_size(query_at(resource, "set.item"));
    buf_printf(out, "%s%s:{%zu}", out->size > 0 ? ";" : "", name, count);
}

void query_resources(const json_t *resources, struct buf *out) {
    size_t index;
    json_t *resource;
    for (size_t i = 0; i < COMMON_NAMES; i++)
        print_sum(resources, common_names[i], out);
    json_array_foreach((json_t *)(uintptr_t)resources, index, resource) {
        const char *name = query_string(resource, "name");
        if (query_at(resource, "ranges") != NULL)
            print_ranges(resource, name, out);
        else if (query_at(resource, "set") != NULL)
            print_set(resource, name, out);
        else if (is_new_name(resources, index, name))
            print_sum(resources, name, out);
    }
}

bool query_by_prefix(json_t *array, const char *path, const char *prefix, const char *what,
                     json_t **out, struct error *error) {
    size_t index;
    json_t *element, *found = NULL;
    size_t matches = 0;
    json_array_foreach(array, index, element) {
        const char *id = query_string(element, path);
        if (strcmp(id, prefix) == 0) {
            *out = element;
            return true;
        }
        if (strncmp(id, prefix, strlen(prefix)) == 0) {
            found = element;
            matches++;
        }
    }
    if (matches == 0)
        return fail(error, ERROR_NOT_FOUND, "there is no %s '%s'", what, prefix);
    if (matches > 1)
        return fail(error, ERROR_EXISTS, "'%s' is the beginning of %zu %ss; give more of the id",
                    prefix, matches, what);
    *out = found;
    return true;
}

void query_print(const json_t *value) {
    /* Amounts are thousandths: 1.235 is printed as such. */
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    putchar('\n');
}
