/*
 * A line is built on the stack and written with one call, so lines of different threads do not mix.
 * The journal's protocol is a datagram of KEY=value lines, sent by hand.
 */
#include "common/runtime/log.h"

#include "common/base/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct log {
    atomic_int level;
    int fd;
    bool is_journal;
    char identifier[64];
};

/* A buffer that is full cuts, and never overflows. */
struct line {
    char bytes[LOG_LINE_LIMIT_BYTES];
    size_t size;
};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static struct log *log_new(int fd, enum log_level level) {
    struct log *log = NEW(struct log);
    atomic_init(&log->level, (int)level);
    log->fd = fd;
    return log;
}

struct log *log_new_fd(int fd, enum log_level level) {
    return log_new(fd, level);
}

struct log *log_new_stderr(enum log_level level) {
    return log_new(STDERR_FILENO, level);
}

struct log *log_new_journal(const char *identifier, enum log_level level, struct error *error) {
    struct sockaddr_un journal = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&journal, sizeof(journal)) != 0) {
        fail(error, ERROR_NOT_FOUND, "the journal at %s: %m", journal.sun_path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct log *log = log_new(fd, level);
    log->is_journal = true;
    snprintf(log->identifier, sizeof(log->identifier), "%s", identifier);
    return log;
}

void log_free(struct log *log) {
    if (log == NULL)
        return;
    if (log->is_journal)
        close(log->fd);
    mem_free(log);
}

void log_set_level(struct log *log, enum log_level level) {
    if (log != NULL)
        atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

enum log_level log_level(const struct log *log) {
    return (enum log_level)atomic_load_explicit(&log->level, memory_order_relaxed);
}

bool log_wants(const struct log *log, enum log_level level) {
    return log != NULL && level >= log_level(log);
}

bool log_level_parse(struct text text, enum log_level *out) {
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (text_equal(text, text_of(level_names[i]))) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level) {
    return level_names[level];
}

struct log_field log_field_text(const char *key, struct text value) {
    return (struct log_field){.key = key, .kind = LOG_FIELD_TEXT, .text = value};
}

struct log_field log_field_string(const char *key, const char *value) {
    return log_field_text(key, value != NULL ? text_of(value) : TEXT("-"));
}

struct log_field log_field_signed(const char *key, int64_t value) {
    return (struct log_field){.key = key, .kind = LOG_FIELD_SIGNED, .number = value};
}

struct log_field log_field_unsigned(const char *key, uint64_t value) {
    return (struct log_field){.key = key, .kind = LOG_FIELD_UNSIGNED, .count = value};
}

struct log_field log_field_double(const char *key, double value) {
    return (struct log_field){.key = key, .kind = LOG_FIELD_DOUBLE, .real = value};
}

struct log_field log_field_bool(const char *key, bool value) {
    return (struct log_field){.key = key, .kind = LOG_FIELD_BOOL, .truth = value};
}

struct log_field log_field_error(const char *key, const struct error *value) {
    return log_field_string(key, value->message);
}

static void put(struct line *line, const char *bytes, size_t size) {
    size_t room = sizeof(line->bytes) - 2 - line->size; /* the line end always fits */
    size = size < room ? size : room;
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
}

static void put_string(struct line *line, const char *string) {
    put(line, string, strlen(string));
}

static bool needs_quotes(struct text text) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte <= ' ' || byte == 0x7f || byte == '"' || byte == '\\' || byte == '=')
            return true;
    }
    return text.size == 0;
}

static void put_escaped(struct line *line, struct text text) {
    put_string(line, "\"");
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        char escape[8];
        if (byte == '"' || byte == '\\')
            snprintf(escape, sizeof(escape), "\\%c", byte);
        else if (byte == '\n')
            snprintf(escape, sizeof(escape), "\\n");
        else if (byte < ' ' || byte == 0x7f)
            snprintf(escape, sizeof(escape), "\\x%02x", byte);
        else
            snprintf(escape, sizeof(escape), "%c", byte);
        put_string(line, escape);
    }
    put_string(line, "\"");
}

static void put_value(struct line *line, const struct log_field *field) {
    char number[40];
    struct text text;
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        text = text_sub(field->text, 0, LOG_VALUE_LIMIT_BYTES);
        if (needs_quotes(text))
            put_escaped(line, text);
        else
            put(line, text.data, text.size);
        return;
    case LOG_FIELD_SIGNED:
        snprintf(number, sizeof(number), "%lld", (long long)field->number);
        break;
    case LOG_FIELD_UNSIGNED:
        snprintf(number, sizeof(number), "%llu", (unsigned long long)field->count);
        break;
    case LOG_FIELD_DOUBLE: snprintf(number, sizeof(number), "%.6g", field->real); break;
    case LOG_FIELD_BOOL:
        snprintf(number, sizeof(number), "%s", field->truth ? "true" : "false");
        break;
    }
    put_string(line, number);
}

static void put_fields(struct line *line, const struct log_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        put_string(line, " ");
        put_string(line, fields[i].key);
        put_string(line, "=");
        put_value(line, &fields[i]);
    }
}

static void put_time(struct line *line) {
    struct timespec now;
    struct tm parts;
    char text[48];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    put(line, text, size);
    snprintf(text, sizeof(text), ".%03dZ ", (int)(now.tv_nsec / 1000000));
    put_string(line, text);
}

/* MESSAGE is what stderr would show; each field is searchable by its name in capitals too. */
static void put_journal(struct line *line, const struct log *log, enum log_level level,
                        const char *event, const struct log_field *fields, size_t count) {
    static const char priorities[] = {'7', '6', '4', '3'}; /* as syslog(3) numbers them */
    char head[128];
    snprintf(head, sizeof(head),
             "PRIORITY=%c\nSYSLOG_IDENTIFIER=%s\nMESOS_EVENT=", priorities[level], log->identifier);
    put_string(line, head);
    put_string(line, event);
    put_string(line, "\nMESSAGE=");
    put_string(line, event);
    put_fields(line, fields, count);
    for (size_t i = 0; i < count; i++) {
        put_string(line, "\nMESOS_");
        for (const char *c = fields[i].key; *c != '\0'; c++)
            put(line, (char[]){(char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c)}, 1);
        put_string(line, "=");
        put_value(line, &fields[i]);
    }
}

void log_write(struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t field_count) {
    struct line line;
    if (!log_wants(log, level))
        return;
    int before = errno;
    line.size = 0;
    if (log->is_journal) {
        put_journal(&line, log, level, event, fields, field_count);
    } else {
        put_time(&line);
        put_string(&line, level_names[level]);
        put_string(&line, " ");
        put_string(&line, event);
        put_fields(&line, fields, field_count);
    }
    line.bytes[line.size++] = '\n';
    ssize_t written = write(log->fd, line.bytes, line.size);
    (void)written; /* a log that cannot be written has nowhere to say so */
    errno = before;
}
