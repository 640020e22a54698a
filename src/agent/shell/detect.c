#include "agent/shell/detect.h"

#include "common/model/attributes.h"
#include "common/model/resources_text.h"
#include "common/runtime/files.h"

#include <limits.h>
#include <stdio.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static uint32_t cpu_count(void) {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof(usable), &usable) == 0)
        return (uint32_t)CPU_COUNT(&usable);
    return (uint32_t)get_nprocs();
}

bool detect_resources(struct kinds *kinds, const struct agent_flags *flags, struct resources *out,
                      struct error *error) {
    AUTO_FINI(resources_fini) struct resources total = {0};
    uint32_t mentioned = 0;
    struct sysinfo info;
    uint64_t free_bytes, disk_bytes = 0;
    if (flags->resources != NULL &&
        !resources_parse(kinds, text_of(flags->resources), TEXT("*"), &total, &mentioned, error))
        return fail_context(error, "--resources");
    if (sysinfo(&info) != 0)
        return fail(error, ERROR_IO, "sysinfo: %m");
    if (!disk_free(flags->work_dir, &free_bytes, &disk_bytes, error))
        return false;
    struct machine machine = {.cpu_count = cpu_count(),
                              .mem_bytes = (uint64_t)info.totalram * info.mem_unit,
                              .disk_bytes = disk_bytes};
    if (!resources_add_detected(kinds, &machine, mentioned, TEXT("*"), &total, error))
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
    if (flags->runtime_dir == NULL) {
        char path[PATH_MAX];
        if ((size_t)snprintf(path, sizeof(path), "%s/run", flags->work_dir) >= sizeof(path))
            return fail(error, ERROR_LIMIT, "--work_dir is too long");
        flags->runtime_dir = mem_dup_string(path);
    }
    return true;
}
