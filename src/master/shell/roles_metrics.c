/*
 * Metrics about roles, in the names of Mesos.
 */
#include "common/model/value_fixed.h"
#include "master/shell/api_roles.h"

#include <stdarg.h>
#include <stdio.h>

struct counting {
    const struct master *master;
    void (*fn)(void *self, const char *name, double value);
    void *self;
};

__attribute__((format(printf, 2, 4))) static void count(struct counting *counting,
                                                        const char *format, double value, ...) {
    char name[2048];
    va_list arguments;
    va_start(arguments, value);
    vsnprintf(name, sizeof(name), format, arguments);
    va_end(arguments);
    counting->fn(counting->self, name, value);
}

static void count_line(struct counting *counting, const struct role_figures *figures,
                       const struct quota_line *line) {
    const struct {
        const char *what;
        int64_t milli;
    } rows[] = {
        {"guarantee", line->guarantee_milli},
        {"limit", line->limit_milli},
        {"offered_or_allocated", quantities_milli(figures->held, line->name)},
        {"consumed", quantities_milli(figures->consumed, line->name)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_none = rows[i].milli == INT64_MAX || (i == 0 && rows[i].milli == 0);
        if (!is_none)
            count(counting, "allocator/mesos/quota/roles/%.*s/resources/%.*s/%s",
                  milli_to_double(rows[i].milli), TEXT_ARGS(figures->path),
                  TEXT_ARGS(master_name_text(counting->master, line->name)), rows[i].what);
    }
}

static void count_role(void *self, const struct role_figures *figures) {
    struct counting *counting = self;
    count(counting, "allocator/mesos/roles/%.*s/shares/dominant",
          (double)figures->share / (double)MESOS_ALLOCATOR_SHARE_ONE, TEXT_ARGS(figures->path));
    for (size_t i = 0; i < figures->quota_count; i++)
        count_line(counting, figures, &figures->quota[i]);
}

void roles_each_metric(const struct master *master,
                       void (*fn)(void *self, const char *name, double value), void *self) {
    struct counting counting = {.master = master, .fn = fn, .self = self};
    master_each_figures(master, count_role, &counting);
}
