/*
 * Logging: one line an event, "2026-11-21T02:41:37.123Z info agent_registered id=... ip=...", to
 * stderr or to the journal. Lines are written whole; values with spaces or controls are quoted and
 * escaped.
 *
 *     log_info(log, "agent_registered", KV("id", id_text), KV("tasks", count));
 *
 * A NULL log swallows everything, so tests need none. log_set_level may be called from any thread,
 * as may the writers.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

enum { LOG_LINE_LIMIT_BYTES = 8192, LOG_VALUE_LIMIT_BYTES = 2048 };

struct log;

struct log *log_new_stderr(enum log_level level);
struct log *log_new_fd(int fd, enum log_level level); /* the fd stays the caller's */
/* Speaks the journal's own protocol; ERROR_NOT_FOUND where none runs. `identifier`: "mesos-master".
 */
struct log *log_new_journal(const char *identifier, enum log_level level, struct error *error);
void log_free(struct log *log);
DEFINE_AUTO(struct log, log_free)

void log_set_level(struct log *log, enum log_level level);
enum log_level log_level(const struct log *log);
bool log_level_parse(struct text text, enum log_level *out); /* "debug" "info" "warning" "error" */
const char *log_level_name(enum log_level level);
bool log_wants(const struct log *log, enum log_level level); /* false for NULL */

struct log_field {
    const char *key;
    enum {
        LOG_FIELD_TEXT,
        LOG_FIELD_SIGNED,
        LOG_FIELD_UNSIGNED,
        LOG_FIELD_DOUBLE,
        LOG_FIELD_BOOL
    } kind;
    union {
        struct text text;
        int64_t number;
        uint64_t count;
        double real;
        bool truth;
    };
};

struct log_field log_field_text(const char *key, struct text value);
struct log_field log_field_string(const char *key, const char *value); /* NULL: "-" */
struct log_field log_field_signed(const char *key, int64_t value);
struct log_field log_field_unsigned(const char *key, uint64_t value);
struct log_field log_field_double(const char *key, double value);
struct log_field log_field_bool(const char *key, bool value);
struct log_field log_field_error(const char *key, const struct error *value);

/* The literals true and false are ints in C17 and print as 1 and 0; variables of type bool do not.
 */
#define KV(key, value)                                                                             \
    _Generic((value), struct text                                                                  \
             : log_field_text, char *                                                              \
             : log_field_string, const char *                                                      \
             : log_field_string, bool                                                              \
             : log_field_bool, char                                                                \
             : log_field_signed, signed char                                                       \
             : log_field_signed, short                                                             \
             : log_field_signed, int                                                               \
             : log_field_signed, long                                                              \
             : log_field_signed, long long                                                         \
             : log_field_signed, unsigned char                                                     \
             : log_field_unsigned, unsigned short                                                  \
             : log_field_unsigned, unsigned                                                        \
             : log_field_unsigned, unsigned long                                                   \
             : log_field_unsigned, unsigned long long                                              \
             : log_field_unsigned, float                                                           \
             : log_field_double, double                                                            \
             : log_field_double, struct error *                                                    \
             : log_field_error, const struct error *                                               \
             : log_field_error)((key), (value))

/* fields[0] is not used: it lets the macros work without any field. */
void log_write(struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t field_count);

#define LOG_AT(sink, level, event, ...)                                                            \
    do {                                                                                           \
        struct log *log_ = (sink);                                                                 \
        if (log_wants(log_, (level))) {                                                            \
            const struct log_field fields_[] = {{.key = NULL}, ##__VA_ARGS__};                     \
            log_write(log_, (level), (event), fields_ + 1,                                         \
                      sizeof(fields_) / sizeof(fields_[0]) - 1);                                   \
        }                                                                                          \
    } while (0)

#define log_debug(sink, event, ...) LOG_AT(sink, LOG_LEVEL_DEBUG, event, ##__VA_ARGS__)
#define log_info(sink, event, ...) LOG_AT(sink, LOG_LEVEL_INFO, event, ##__VA_ARGS__)
#define log_warning(sink, event, ...) LOG_AT(sink, LOG_LEVEL_WARNING, event, ##__VA_ARGS__)
#define log_error(sink, event, ...) LOG_AT(sink, LOG_LEVEL_ERROR, event, ##__VA_ARGS__)
