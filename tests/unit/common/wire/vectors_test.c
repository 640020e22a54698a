/*
 * The messages that Mesos's API pages show: each parses with no unknown field but those of the
 * table, and what is printed says the same. The data is not part of the project; without it the
 * test skips aloud.
 */
#include "common/wire/json.h"

#include "mesos/v1/agent/agent.pb-c.h"
#include "mesos/v1/executor/executor.pb-c.h"
#include "mesos/v1/master/master.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "tests/support/unit.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { ROOTS_LIMIT = 3, VECTORS = 132 };

struct root {
    const char *part; /* of the file's name */
    const ProtobufCMessageDescriptor *types[ROOTS_LIMIT];
};

/* The first part that the name contains decides; operator messages are the master's or the agent's.
 */
static const struct root roots[] = {
    {"-DATA.", {&mesos__v1__agent__process_io__descriptor}},
    {"085-", {&mesos__v1__agent__process_io__descriptor}},
    {"086-", {&mesos__v1__agent__process_io__descriptor}},
    {"087-", {&mesos__v1__agent__process_io__descriptor}},
    {"093-", {&mesos__v1__agent__process_io__descriptor}},
    {"094-", {&mesos__v1__agent__process_io__descriptor}},
    {"095-", {&mesos__v1__agent__process_io__descriptor}},
    {"-operator-request-",
     {&mesos__v1__master__call__descriptor, &mesos__v1__agent__call__descriptor}},
    {"-operator-response-",
     {&mesos__v1__master__response__descriptor, &mesos__v1__agent__response__descriptor}},
    {"-operator-event-", {&mesos__v1__master__event__descriptor}},
    {"-scheduler-request-", {&mesos__v1__scheduler__call__descriptor}},
    {"-scheduler-response-",
     {&mesos__v1__scheduler__event__descriptor, &mesos__v1__scheduler__response__descriptor}},
    {"-scheduler-event-", {&mesos__v1__scheduler__event__descriptor}},
    {"-executor-request-", {&mesos__v1__executor__call__descriptor}},
    {"-executor-response-", {&mesos__v1__executor__event__descriptor}},
    {"-executor-event-", {&mesos__v1__executor__event__descriptor}},
};

struct known_difference {
    const char *number;
    const char
        *paths; /* what differs, one a line: unknown fields as json_parse names them, and values */
    const char *error; /* or: it cannot be read, and so says json_parse */
};

static const struct known_difference differences[] = {
    {"017", NULL, "get_state.get_frameworks.frameworks.recovered is missing"},
    {"021", NULL, "get_frameworks.frameworks.recovered is missing"},
    {"029", NULL, "get_operations.operations.latest_status.uuid.value is no base64"},
    {"050", "get_quota.status.infos.configs" /* moved to get_quota.status.configs */, NULL},
    {"059", NULL, "task_added.task.framework_id is missing"},
    {"060", NULL, "task_updated.status is missing"},
    {"079", NULL, "get_operations.operations.latest_status.uuid.value is no base64"},
    {"106", NULL, "accept.operations.launch.task_infos.limits.cpus is no object"},
    {"111", "acknowledge.uuid" /* padded by us */, NULL},
    {"112", NULL, "acknowledge_operation_status.operation_id is no object"},
    {"116", "requests" /* outside of `request` */, NULL},
    {"119", NULL, "offers is no object"},
    {"121", "update.status.bytes" /* once the name of `data` */, NULL},
    {"122", NULL, "update_operation_status.status.uuid is no object"},
    {"125", NULL, "message is no object"},
    {"127", "framework_info" /* outside of `subscribe` */, NULL},
    {"128", "framework_info", NULL},
    {"129", "subscribe.unacknowledged_updates.framework_id" /* v0 */, NULL},
    {"130", NULL, "subscribed.agent_info.hostname is missing"},
    {"133", "launch.framework_info" /* v0 */, NULL},
};

static const struct known_difference *difference_of(const char *name) {
    for (size_t i = 0; i < COUNT_OF(differences); i++) {
        if (strncmp(name, differences[i].number, 3) == 0)
            return &differences[i];
    }
    return NULL;
}

static const struct root *root_of(const char *name) {
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        if (strstr(name, roots[i].part) != NULL)
            return &roots[i];
    }
    return NULL;
}

static bool is_listed(const char *paths, const char *path) {
    struct text rest = text_of(paths), line;
    while (paths != NULL && text_split(&rest, '\n', &line)) {
        if (text_equal(line, text_of(path)))
            return true;
    }
    return false;
}

static bool same_scalar(const json_t *ours, const json_t *theirs) {
    if (json_is_number(ours) && json_is_number(theirs))
        return fabs(json_number_value(ours) - json_number_value(theirs)) <=
               1e-12 * fabs(json_number_value(theirs));
    return json_equal((json_t *)(uintptr_t)ours, (json_t *)(uintptr_t)theirs) != 0;
}

/* Whether all that they say is in ours, but for the listed fields; ours may have defaults besides.
 */
static bool says(json_t *ours, json_t *theirs, const char *path, const char *listed) {
    const char *key;
    json_t *value;
    if (json_is_array(theirs)) {
        if (!json_is_array(ours) || json_array_size(ours) != json_array_size(theirs))
            return json_array_size(theirs) == 0 && ours == NULL;
        for (size_t i = 0; i < json_array_size(theirs); i++) {
            if (!says(json_array_get(ours, i), json_array_get(theirs, i), path, listed))
                return false;
        }
        return true;
    }
    if (!json_is_object(theirs))
        return ours != NULL ? same_scalar(ours, theirs) : json_is_null(theirs);
    json_object_foreach(theirs, key, value) {
        char inner[512];
        snprintf(inner, sizeof(inner), "%s%s%s", path, path[0] != '\0' ? "." : "", key);
        if (!is_listed(listed, inner) && !says(json_object_get(ours, key), value, inner, listed)) {
            print_error("%s differs\n", inner);
            return false;
        }
    }
    return true;
}

static struct text read_file(const char *path, struct arena *arena) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = arena_alloc(arena, 1 << 20);
    size_t size = fread(data, 1, 1 << 20, file);
    fclose(file);
    return (struct text){data, size};
}

/* Parses with the root type that knows the message's `type` and leaves the fewest unknown fields.
 */
static ProtobufCMessage *parse_best(const struct root *root, struct text json, struct arena *arena,
                                    struct buf *unknown, struct error *error) {
    ProtobufCMessage *best = NULL;
    for (size_t i = 0; i < ROOTS_LIMIT && root->types[i] != NULL; i++) {
        AUTO_FINI(buf_fini) struct buf here = {0};
        ProtobufCMessage *message;
        if (!json_parse(root->types[i], json, arena, &here, &message, error))
            continue;
        bool better = best == NULL || (is_listed(buf_string(&here), "type") ==
                                               is_listed(buf_string(unknown), "type")
                                           ? here.size < unknown->size
                                           : is_listed(buf_string(unknown), "type"));
        if (better) {
            best = message;
            buf_clear(unknown);
            buf_append_text(unknown, buf_text(&here));
        }
    }
    return best;
}

static void check_vector(const char *directory, const char *name) {
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO_FINI(buf_fini) struct buf unknown = {0}, printed = {0};
    const struct known_difference *known = difference_of(name);
    const char *listed = known != NULL ? known->paths : NULL;
    struct error error;
    struct text json = read_file(arena_printf(arena, "%s/%s", directory, name), arena);
    const struct root *root = root_of(name);
    assert_non_null(root);

    if (known != NULL && known->error != NULL) {
        ProtobufCMessage *none;
        if (json_parse(root->types[0], json, arena, NULL, &none, &error))
            fail_msg("%s: is read after all", name);
        assert_string_equal(error.message, known->error);
        return;
    }
    ProtobufCMessage *message = parse_best(root, json, arena, &unknown, &error);

    if (message == NULL)
        fail_msg("%s: %s", name, error.message);
    struct text rest = text_trim(buf_text(&unknown)), line;
    while (rest.size > 0 && text_split(&rest, '\n', &line)) {
        if (!is_listed(listed, arena_string(arena, line)))
            fail_msg("%s: unknown field %.*s", name, TEXT_ARGS(line));
    }
    json_print(message, &printed);
    json_t *ours = json_loadb(printed.data, printed.size, 0, NULL);
    json_t *theirs = json_loadb(json.data, json.size, 0, NULL);
    if (!says(ours, theirs, "", listed))
        fail_msg("%s: printed %s", name, buf_string(&printed));
    json_decref(ours);
    json_decref(theirs);
}

TEST(every_message_of_the_api_pages_is_read_and_printed_alike) {
    const char *interface = interface_directory();
    if (interface == NULL)
        return;
    AUTO(arena_free) struct arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/vectors", interface);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    int checked = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strstr(entry->d_name, ".json") == NULL)
            continue;
        check_vector(path, entry->d_name);
        checked++;
    }
    closedir(directory);
    assert_int_equal(checked, VECTORS);
}
