#include "agent/shell/detect.h"

#include "agent/shell/disks.h"
#include "common/model/attributes.h"
#include "common/model/ids.h"
#include "common/model/resources_text.h"
#include "common/runtime/files.h"
#include "common/wire/flags_json.h"

#include <limits.h>
#include <stdio.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define RUN_DIRECTORY "/run"
#define RUN_PARENT RUN_DIRECTORY "/mesos"
enum { RUN_NAME_LIMIT = 250 }; /* a file's name has 255 bytes at most */

static uint32_t cpu_count(void) {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof(usable), &usable) == 0)
        return (uint32_t)CPU_COUNT(&usable);
    return (uint32_t)get_nprocs();
}

static bool read_resources(struct kinds *kinds, const struct agent_flags *flags,
                           struct text default_role, struct resources *out, uint32_t *mentioned,
                           struct error *error) {
    if (flags->resources == NULL)
        return true;
    struct text text = text_trim(text_of(flags->resources));
    if (text.size == 0 || text.data[0] != '[')
        return resources_parse(kinds, text, default_role, out, mentioned, error);
    AUTO(arena_free) struct arena *arena = arena_new();
    struct wire wire = {.arena = arena, .kinds = kinds};
    return resources_from_json(&wire, text, default_role, out, mentioned, error);
}

bool detect_resources(struct kinds *kinds, const struct agent_flags *flags, struct resources *out,
                      struct error *error) {
    AUTO_FINI(resources_fini) struct resources total = {0};
    uint32_t mentioned = 0;
    struct sysinfo info;
    uint64_t free_bytes, disk_bytes = 0;
    struct text role = flags->default_role != NULL ? text_of(flags->default_role) : TEXT("*");
    if (!read_resources(kinds, flags, role, &total, &mentioned, error))
        return fail_context(error, "--resources");
    if (sysinfo(&info) != 0)
        return fail(error, ERROR_IO, "sysinfo: %m");
    if (!disk_free(flags->work_dir, &free_bytes, &disk_bytes, error))
        return false;
    struct machine machine = {.cpu_count = cpu_count(),
                              .mem_bytes = (uint64_t)info.totalram * info.mem_unit,
                              .disk_bytes = disk_bytes};
    if (!resources_add_detected(kinds, &machine, mentioned, role, &total, error))
        return fail_context(error, "--resources");
    if (!disks_check(kinds, &total, flags->work_dir, error))
        return fail_context(error, "--resources");
    *out = resources_take(&total);
    return true;
}

bool detect_attributes(const char *attributes, struct error *error) {
    if (attributes == NULL || attributes[0] == '\0')
        return true;
    struct attributes read = {0};
    if (!attributes_parse(text_of(attributes), &read, error))
        return fail_context(error, "--attributes");
    attributes_fini(&read);
    return true;
}

bool detect_boot_id(char out[64], struct error *error) {
    AUTO_FINI(buf_fini) struct buf content = {0};
    if (!file_read("/proc/sys/kernel/random/boot_id", 64, &content, error))
        return false;
    struct text id = text_trim(buf_text(&content));
    snprintf(out, 64, "%.*s", TEXT_ARGS(id));
    return true;
}

/* /run is memory, and gone with a reboot as the containers are: files that live as long as a
 * container cost the disk nothing there. Named after the work_dir, so that the next agent finds
 * them. */
static char *default_runtime_dir(const char *work_dir) {
    AUTO_FINI(buf_fini) struct buf path = {0};
    if (access(RUN_DIRECTORY, W_OK) == 0 && strlen(work_dir) < RUN_NAME_LIMIT) {
        buf_append_string(&path, RUN_PARENT "/");
        for (const char *at = work_dir + 1; *at != '\0'; at++)
            buf_append_byte(&path, *at == '/' ? '-' : *at);
    } else {
        buf_printf(&path, "%s/run", work_dir);
    }
    return mem_dup_string(buf_string(&path));
}

bool detect_defaults(struct agent_flags *flags, struct error *error) {
    if (flags->hostname == NULL) {
        char name[HOST_NAME_MAX + 1] = {0};
        if (gethostname(name, sizeof(name) - 1) != 0)
            return fail(error, ERROR_IO, "gethostname: %m");
        flags->hostname = mem_dup_string(name);
    }
    /* No slash at its end: sandboxes are told from other paths by it. */
    size_t size = strlen(flags->work_dir);
    while (size > 1 && flags->work_dir[size - 1] == '/')
        flags->work_dir[--size] = '\0';
    if (flags->runtime_dir == NULL)
        flags->runtime_dir = default_runtime_dir(flags->work_dir);
    return true;
}

void detect_forget_runtime_dir(const struct agent_flags *flags) {
    if (rmdir(flags->runtime_dir) == 0 &&
        strncmp(flags->runtime_dir, RUN_PARENT, strlen(RUN_PARENT)) == 0)
        rmdir(RUN_PARENT);
}
