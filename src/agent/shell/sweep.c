#include "agent/shell/sweep.h"

#include "agent/shell/daemon.h"
#include "agent/shell/remover.h"
#include "common/base/map.h"

#include <glob.h>
#include <string.h>

static struct text base_of(struct text path) {
    const char *slash = path.size > 0 ? memrchr(path.data, '/', path.size) : NULL;
    return slash != NULL ? text_sub(path, (size_t)(slash - path.data) + 1, SIZE_MAX) : path;
}

/* A sandbox is called as its container, which has its name once and for ever. */
static struct text container_of(const struct agent_record *record) {
    switch (record->kind) {
    case AGENT_RECORD_TASK: return record->task.container.text;
    case AGENT_RECORD_EXECUTOR: return record->executor.container.text;
    case AGENT_RECORD_SANDBOX: return base_of(record->sandbox.path);
    case AGENT_RECORD_SELF:
    case AGENT_RECORD_FRAMEWORK:
    case AGENT_RECORD_UPDATE:
    case AGENT_RECORD_DRAIN:
    case AGENT_RECORD_LEASE:
    case AGENT_RECORD_RESOURCES: break;
    }
    return (struct text){0};
}

/* The work_dir as a pattern that means just itself. */
static void escape(const char *path, struct buf *out) {
    for (; *path != '\0'; path++) {
        if (*path == '*' || *path == '?' || *path == '[' || *path == '\\')
            buf_append_byte(out, '\\');
        buf_append_byte(out, *path);
    }
}

size_t sweep_sandboxes(struct daemon *daemon, const struct agent_record *records, size_t count) {
    struct map known = {0};
    AUTO_FINI(buf_fini) struct buf pattern = {0};
    glob_t found;
    size_t orphans = 0;
    for (size_t i = 0; i < count; i++)
        map_put_text(&known, container_of(&records[i]), daemon);
    escape(daemon->flags.work_dir, &pattern);
    buf_append_string(&pattern, "/sandboxes/*/*");
    if (glob(buf_string(&pattern), GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (map_get_text(&known, base_of(text_of(found.gl_pathv[i]))) != NULL)
                continue;
            remover_add(daemon->remover, found.gl_pathv[i]);
            orphans++;
        }
        globfree(&found);
    }
    map_fini(&known, NULL);
    return orphans;
}
