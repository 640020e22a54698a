/*
 * Amounts are thousandths, as in Mesos: 0.1 + 0.2 must be 0.3 to the master too. What is cut keeps
 * everything that the offer says of a resource (role, reservations), but for the amount.
 */
#include "cli/task_terms.h"

#include "cli/cli.h"
#include "common/base/buf.h"
#include "common/base/units.h"
#include "common/model/task_info.h"

#include <math.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { TASK_NAME_BYTES = 60 };

enum { MILLI = 1000 };
static const double amount_limit = 1e12;

/* --- checking --- */

static bool check_amount(const char *name, double amount, bool may_be_zero, struct error *error) {
    if (amount < 0 || amount > amount_limit || (!may_be_zero && amount < 0.001))
        return fail(error, ERROR_INVALID, "--%s=%g makes no sense", name, amount);
    return true;
}

static bool check_pairs(const char *name, const struct flag_strings *pairs, struct error *error) {
    VEC_EACH(pair, &pairs->items) {
        const char *equals = strchr(*pair, '=');
        if (equals == NULL || equals == *pair)
            return fail(error, ERROR_INVALID, "--%s=%s is not of the form NAME=VALUE", name, *pair);
        if (!text_is_utf8(text_of(*pair)))
            return fail(error, ERROR_INVALID, "--%s has bytes that are no UTF-8", name);
    }
    return true;
}

static bool find_user(struct task_terms *terms, struct error *error) {
    if (terms->user != NULL)
        return true;
    if (geteuid() == 0) {
        terms->user = mem_dup_string("nobody");
        return true;
    }
    const struct passwd *entry = getpwuid(geteuid());
    if (entry == NULL)
        return fail(error, ERROR_INVALID, "your uid %d has no name here: say --user",
                    (int)geteuid());
    terms->user = mem_dup_string(entry->pw_name);
    return true;
}

static bool check_stop_after(int64_t stop_after_ms, struct error *error) {
    return stop_after_ms == 0 || stop_after_ms >= TASK_STOP_AFTER_LEAST_MS ||
           fail(error, ERROR_INVALID, "--stop_after is less than %dsecs",
                TASK_STOP_AFTER_LEAST_MS / 1000);
}

bool task_terms_check(struct task_terms *terms, struct error *error) {
    return check_amount("cpus", terms->cpus, false, error) &&
           check_amount("mem", terms->mem_megabytes, false, error) &&
           check_amount("disk", terms->disk_megabytes, true, error) &&
           check_stop_after(terms->stop_after_ms, error) &&
           check_pairs("env", &terms->environment, error) &&
           check_pairs("attribute", &terms->attributes, error) && find_user(terms, error);
}

/* --- wanted --- */

struct want {
    const char *name;
    int64_t milli;
};
enum { WANTS = 3 };

static void wants_of(const struct task_terms *terms, struct want out[WANTS]) {
    out[0] = (struct want){"cpus", llround(terms->cpus * MILLI)};
    out[1] = (struct want){"mem", llround(terms->mem_megabytes * MILLI)};
    out[2] = (struct want){"disk", llround(terms->disk_megabytes * MILLI)};
}

static void print_amount(struct buf *out, const char *name, int64_t milli) {
    buf_printf(out, "%s%s %.12g%s", out->size > 0 ? ", " : "", name, (double)milli / MILLI,
               strcmp(name, "cpus") == 0 ? "" : " MB");
}

void task_terms_print(const struct task_terms *terms, struct buf *out) {
    struct want wants[WANTS];
    wants_of(terms, wants);
    for (size_t i = 0; i < WANTS; i++) {
        if (wants[i].milli > 0)
            print_amount(out, wants[i].name, wants[i].milli);
    }
    VEC_EACH(attribute, &terms->attributes.items)
        buf_printf(out, ", attribute %s", *attribute);
}

/* --- the framework --- */

#define COPY(arena, value)                                                                         \
    ({                                                                                             \
        __typeof__(value) *copy_ = arena_alloc(arena, sizeof(value));                              \
        *copy_ = (value);                                                                          \
        copy_;                                                                                     \
    })

static Mesos__V1__FrameworkInfo__Capability *capability(
    struct arena *arena, Mesos__V1__FrameworkInfo__Capability__Type type) {
    Mesos__V1__FrameworkInfo__Capability one = MESOS__V1__FRAMEWORK_INFO__CAPABILITY__INIT;
    one.has_type = true;
    one.type = type;
    return COPY(arena, one);
}

static char *borrowed(const char *string) {
    return (char *)(uintptr_t)string;
}

const Mesos__V1__FrameworkInfo *task_terms_framework(const struct task_terms *terms,
                                                     struct arena *arena, const char *command,
                                                     const char *id, double failover_seconds) {
    static const Mesos__V1__FrameworkInfo__Capability__Type types[] = {
        MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE,
        MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE,
        MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE,
        MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT,
    };
    enum { TYPES = sizeof(types) / sizeof(types[0]) };
    Mesos__V1__FrameworkInfo info = MESOS__V1__FRAMEWORK_INFO__INIT;
    info.user = terms->user;
    info.name = borrowed(terms->name != NULL ? terms->name : command);
    info.capabilities = ARENA_ARRAY(arena, Mesos__V1__FrameworkInfo__Capability *, TYPES);
    for (size_t i = 0; i < TYPES; i++)
        info.capabilities[info.n_capabilities++] = capability(arena, types[i]);
    info.roles = ARENA_ARRAY(arena, char *, 1);
    info.roles[info.n_roles++] = terms->role;
    info.has_checkpoint = info.checkpoint = true;
    info.has_failover_timeout = true;
    info.failover_timeout = failover_seconds;
    char hostname[256] = "";
    if (gethostname(hostname, sizeof(hostname) - 1) == 0)
        info.hostname = arena_string(arena, text_of(hostname));
    if (id != NULL) {
        Mesos__V1__FrameworkID value = MESOS__V1__FRAMEWORK_ID__INIT;
        value.value = arena_string(arena, text_of(id));
        info.id = COPY(arena, value);
    }
    return COPY(arena, info);
}

/* --- offers --- */

static bool attribute_is(const Mesos__V1__Attribute *attribute, struct text value) {
    char shown[40];
    switch (attribute->type) {
    case MESOS__V1__VALUE__TYPE__TEXT:
        return attribute->text != NULL && text_equal(text_of(attribute->text->value), value);
    case MESOS__V1__VALUE__TYPE__SCALAR:
        if (attribute->scalar == NULL)
            return false;
        snprintf(shown, sizeof(shown), "%.12g", attribute->scalar->value);
        return text_equal(text_of(shown), value);
    case MESOS__V1__VALUE__TYPE__RANGES:
    case MESOS__V1__VALUE__TYPE__SET:
    case _MESOS__V1__VALUE__TYPE_IS_INT_SIZE: break;
    }
    return false;
}

static bool has_attribute(const Mesos__V1__Offer *offer, const char *wanted) {
    struct text value = text_of(wanted), name;
    text_split(&value, '=', &name);
    for (size_t i = 0; i < offer->n_attributes; i++) {
        const Mesos__V1__Attribute *attribute = offer->attributes[i];
        if (text_equal(text_of(attribute->name), name) && attribute_is(attribute, value))
            return true;
    }
    return false;
}

/* Disks, what may be taken back and what is shared are no plain amounts. */
static bool is_plain(const Mesos__V1__Resource *resource) {
    return resource->type == MESOS__V1__VALUE__TYPE__SCALAR && resource->scalar != NULL &&
           resource->disk == NULL && resource->revocable == NULL && resource->shared == NULL &&
           resource->provider_id == NULL;
}

struct offer_stock offer_stock_of(const Mesos__V1__Offer *offer, const struct task_terms *terms,
                                  struct arena *arena) {
    struct offer_stock stock = {.offer = offer, .matches = true};
    stock.left_milli = ARENA_ARRAY(arena, int64_t, offer->n_resources + 1);
    for (size_t i = 0; i < offer->n_resources; i++) {
        if (is_plain(offer->resources[i]))
            stock.left_milli[i] = llround(offer->resources[i]->scalar->value * MILLI);
    }
    VEC_EACH(attribute, &terms->attributes.items)
        stock.matches = stock.matches && has_attribute(offer, *attribute);
    return stock;
}

int64_t offer_stock_left_milli(const struct offer_stock *stock, const char *name) {
    int64_t sum = 0;
    for (size_t i = 0; i < stock->offer->n_resources; i++) {
        if (strcmp(stock->offer->resources[i]->name, name) == 0)
            sum += stock->left_milli[i];
    }
    return sum;
}

void offer_stock_print(const struct offer_stock *stock, struct buf *out) {
    static const char *const names[] = {"cpus", "mem", "disk"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int64_t milli = offer_stock_left_milli(stock, names[i]);
        if (milli > 0)
            print_amount(out, names[i], milli);
    }
    if (!stock->matches)
        buf_append_string(out, ", without the attribute");
}

static Mesos__V1__Resource *part_of(const Mesos__V1__Resource *whole, int64_t milli,
                                    struct arena *arena) {
    Mesos__V1__Value__Scalar amount = MESOS__V1__VALUE__SCALAR__INIT;
    Mesos__V1__Resource part = *whole;
    amount.value = (double)milli / MILLI;
    part.scalar = COPY(arena, amount);
    return COPY(arena, part);
}

static void cut_resources(struct offer_stock *stock, const struct task_terms *terms,
                          Mesos__V1__TaskInfo *task, struct arena *arena) {
    struct want wants[WANTS];
    wants_of(terms, wants);
    const Mesos__V1__Offer *offer = stock->offer;
    task->resources = ARENA_ARRAY(arena, Mesos__V1__Resource *, offer->n_resources + 1);
    for (size_t i = 0; i < offer->n_resources; i++) {
        for (size_t w = 0; w < WANTS; w++) {
            int64_t taken =
                wants[w].milli < stock->left_milli[i] ? wants[w].milli : stock->left_milli[i];
            if (taken <= 0 || strcmp(wants[w].name, offer->resources[i]->name) != 0)
                continue;
            task->resources[task->n_resources++] = part_of(offer->resources[i], taken, arena);
            stock->left_milli[i] -= taken;
            wants[w].milli -= taken;
        }
    }
}

static bool fits(const struct offer_stock *stock, const struct task_terms *terms) {
    struct want wants[WANTS];
    wants_of(terms, wants);
    for (size_t i = 0; i < WANTS; i++) {
        if (wants[i].milli > offer_stock_left_milli(stock, wants[i].name))
            return false;
    }
    return stock->matches;
}

/* --- the task --- */

static Mesos__V1__Environment *environment_of(const struct task_terms *terms, struct arena *arena) {
    Mesos__V1__Environment environment = MESOS__V1__ENVIRONMENT__INIT;
    environment.variables =
        ARENA_ARRAY(arena, Mesos__V1__Environment__Variable *, terms->environment.items.count + 1);
    VEC_EACH(pair, &terms->environment.items) {
        Mesos__V1__Environment__Variable variable = MESOS__V1__ENVIRONMENT__VARIABLE__INIT;
        struct text value = text_of(*pair), name;
        text_split(&value, '=', &name);
        variable.name = arena_string(arena, name);
        variable.value = arena_string(arena, value);
        environment.variables[environment.n_variables++] = COPY(arena, variable);
    }
    return COPY(arena, environment);
}

static Mesos__V1__CommandInfo *command_of(const struct task_terms *terms, const char *const *words,
                                          size_t word_count, struct arena *arena) {
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    command.has_shell = true;
    command.shell = terms->shell;
    command.value = borrowed(words[0]);
    command.user = terms->user;
    if (!terms->shell) {
        command.arguments = ARENA_ARRAY(arena, char *, word_count);
        for (size_t i = 0; i < word_count; i++)
            command.arguments[command.n_arguments++] = borrowed(words[i]);
    }
    if (terms->environment.items.count > 0)
        command.environment = environment_of(terms, arena);
    return COPY(arena, command);
}

static Mesos__V1__Labels *labels_of(const struct task_terms *terms, struct arena *arena) {
    Mesos__V1__Labels labels = MESOS__V1__LABELS__INIT;
    Mesos__V1__Label label = MESOS__V1__LABEL__INIT;
    char duration[32];
    duration_format_ns(terms->stop_after_ms * 1000000, duration);
    label.key = borrowed(TASK_LABEL_STOP_AFTER);
    label.value = arena_string(arena, text_of(duration));
    labels.labels = ARENA_ARRAY(arena, Mesos__V1__Label *, 1);
    labels.labels[labels.n_labels++] = COPY(arena, label);
    return COPY(arena, labels);
}

/* The command as one would write it, shortened: what tells tasks apart in a list. */
static char *name_of(const char *const *words, size_t word_count, struct arena *arena) {
    AUTO_FINI(buf_fini) struct buf line = {0};
    for (size_t i = 0; i < word_count && line.size <= TASK_NAME_BYTES; i++)
        buf_printf(&line, "%s%s", i > 0 ? " " : "", words[i]);
    if (line.size <= TASK_NAME_BYTES)
        return arena_string(arena, buf_text(&line));
    size_t size = TASK_NAME_BYTES;
    while (size > 0 && ((unsigned char)line.data[size] & 0xc0) == 0x80) /* not inside a character */
        size--;
    return arena_printf(arena, "%.*s...", (int)size, line.data);
}

Mesos__V1__TaskInfo *offer_stock_cut(struct offer_stock *stock, const struct task_terms *terms,
                                     const char *task_id, const char *const *words,
                                     size_t word_count, struct arena *arena) {
    if (!fits(stock, terms))
        return NULL;
    Mesos__V1__TaskInfo task = MESOS__V1__TASK_INFO__INIT;
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    id.value = arena_string(arena, text_of(task_id));
    task.name = terms->name != NULL ? borrowed(terms->name) : name_of(words, word_count, arena);
    task.task_id = COPY(arena, id);
    task.agent_id = stock->offer->agent_id;
    task.command = command_of(terms, words, word_count, arena);
    cut_resources(stock, terms, &task, arena);
    if (terms->stop_after_ms > 0)
        task.labels = labels_of(terms, arena);
    if (terms->timeout_ms > 0) {
        Mesos__V1__DurationInfo longest = MESOS__V1__DURATION_INFO__INIT;
        longest.nanoseconds = terms->timeout_ms * 1000000;
        task.max_completion_time = COPY(arena, longest);
    }
    return COPY(arena, task);
}

/* --- the end of a task --- */

bool task_state_has_ended(Mesos__V1__TaskState state) {
    switch (state) {
    case MESOS__V1__TASK_STATE__TASK_STAGING:
    case MESOS__V1__TASK_STATE__TASK_STARTING:
    case MESOS__V1__TASK_STATE__TASK_RUNNING:
    case MESOS__V1__TASK_STATE__TASK_KILLING:
    case MESOS__V1__TASK_STATE__TASK_UNREACHABLE:
    case MESOS__V1__TASK_STATE__TASK_UNKNOWN:
    case _MESOS__V1__TASK_STATE_IS_INT_SIZE: return false;
    case MESOS__V1__TASK_STATE__TASK_FINISHED:
    case MESOS__V1__TASK_STATE__TASK_FAILED:
    case MESOS__V1__TASK_STATE__TASK_KILLED:
    case MESOS__V1__TASK_STATE__TASK_ERROR:
    case MESOS__V1__TASK_STATE__TASK_LOST:
    case MESOS__V1__TASK_STATE__TASK_DROPPED:
    case MESOS__V1__TASK_STATE__TASK_GONE:
    case MESOS__V1__TASK_STATE__TASK_GONE_BY_OPERATOR: break;
    }
    return true;
}

const char *task_state_word(Mesos__V1__TaskState state) {
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&mesos__v1__task_state__descriptor, (int)state);
    return value != NULL ? value->name : "TASK_UNKNOWN";
}

struct task_end task_end_of(const Mesos__V1__TaskStatus *status) {
    const Mesos__V1__Termination *end = status->termination;
    bool has_signal = end != NULL && end->has_signal;
    bool has_code = end != NULL && end->has_exit_code && !has_signal;
    return (struct task_end){.state = status->state,
                             .exit_code = has_code ? end->exit_code : -1,
                             .signal = has_signal ? end->signal : 0};
}

bool task_was_drained(const Mesos__V1__TaskStatus *status) {
    return status->has_reason &&
           status->reason == MESOS__V1__TASK_STATUS__REASON__REASON_AGENT_DRAINING;
}

bool task_was_cut_off(const Mesos__V1__TaskStatus *status) {
    return status->state == MESOS__V1__TASK_STATE__TASK_KILLED && status->has_reason &&
           status->reason == MESOS__V1__TASK_STATUS__REASON__REASON_AGENT_DISCONNECTED;
}

int task_exit_code(const Mesos__V1__TaskStatus *status) {
    const Mesos__V1__Termination *end = status->termination;
    bool has_code = end != NULL && end->has_exit_code;
    if (end != NULL && end->has_signal)
        return 128 + end->signal;
    switch (status->state) {
    case MESOS__V1__TASK_STATE__TASK_FINISHED: return CLI_OK;
    case MESOS__V1__TASK_STATE__TASK_KILLED: return has_code ? end->exit_code : 128 + SIGTERM;
    case MESOS__V1__TASK_STATE__TASK_FAILED:
        if (has_code)
            return end->exit_code;
        return status->has_reason &&
                       status->reason ==
                           MESOS__V1__TASK_STATUS__REASON__REASON_CONTAINER_LAUNCH_FAILED
                   ? CLI_TASK_CANNOT_RUN
                   : CLI_TASK_LOST;
    case MESOS__V1__TASK_STATE__TASK_STAGING:
    case MESOS__V1__TASK_STATE__TASK_STARTING:
    case MESOS__V1__TASK_STATE__TASK_RUNNING:
    case MESOS__V1__TASK_STATE__TASK_KILLING:
    case MESOS__V1__TASK_STATE__TASK_UNREACHABLE:
    case MESOS__V1__TASK_STATE__TASK_UNKNOWN:
    case MESOS__V1__TASK_STATE__TASK_ERROR:
    case MESOS__V1__TASK_STATE__TASK_LOST:
    case MESOS__V1__TASK_STATE__TASK_DROPPED:
    case MESOS__V1__TASK_STATE__TASK_GONE:
    case MESOS__V1__TASK_STATE__TASK_GONE_BY_OPERATOR:
    case _MESOS__V1__TASK_STATE_IS_INT_SIZE: break;
    }
    return CLI_TASK_LOST;
}

bool task_end_is_plain(const Mesos__V1__TaskStatus *status) {
    bool ran_out =
        status->has_reason &&
        status->reason == MESOS__V1__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_MEMORY;
    return status->termination != NULL && status->termination->has_exit_code && !ran_out;
}
