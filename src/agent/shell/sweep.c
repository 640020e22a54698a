#include "agent/shell/sweep.h"

#include "agent/shell/containers.h"
#include "agent/shell/daemon.h"
#include "agent/shell/remover.h"
#include "agent/shell/volumes.h"
#include "common/runtime/files.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { MOUNTS_LIMIT_BYTES = 16 << 20, MOUNT_POINT = 5 /* field of mountinfo */ };

/* --- mounts --- */

/* mountinfo writes space, tab, newline and backslash as three octal digits. */
static void unescape(struct text field, struct buf *out) {
    buf_clear(out);
    for (size_t i = 0; i < field.size; i++) {
        const char *at = field.data + i;
        if (*at == '\\' && i + 3 < field.size) {
            buf_append_byte(out, (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')));
            i += 3;
        } else {
            buf_append_byte(out, *at);
        }
    }
}

/* WORK_DIR/sandboxes/FRAMEWORK/CONTAINER/...: the container; empty: it is elsewhere. */
static struct text container_of_path(const struct daemon *daemon, struct text path) {
    AUTO_FINI(buf_fini) struct buf root = {0};
    buf_printf(&root, "%s/sandboxes/", daemon->flags.work_dir);
    if (!text_starts_with(path, buf_text(&root)))
        return (struct text){0};
    struct text rest = text_sub(path, root.size, SIZE_MAX), part = {0};
    text_split(&rest, '/', &part);
    text_split(&rest, '/', &part);
    return part;
}

/* Containers have namespaces of their own: what is mounted in a sandbox here is a leftover, and
 * keeps its directory from going. Somebody may look into one that runs. */
static void sweep_mount(struct daemon *daemon, struct text line) {
    AUTO_FINI(buf_fini) struct buf path = {0};
    struct text field = {0};
    for (int i = 0; i < MOUNT_POINT; i++)
        text_split(&line, ' ', &field);
    unescape(field, &path);
    struct text container = container_of_path(daemon, buf_text(&path));
    if (container.size == 0 || agent_runs_container(daemon->agent, container_id_of(container)))
        return;
    if (umount2(buf_string(&path), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
        return;
    daemon->swept.mounts++;
    log_warning(daemon->log, "orphan_removed", KV("mount", buf_string(&path)));
}

static void sweep_mounts(struct daemon *daemon) {
    AUTO_FINI(buf_fini) struct buf mounts = {0};
    struct error error;
    struct text rest, line;
    if (!file_read("/proc/self/mountinfo", MOUNTS_LIMIT_BYTES, &mounts, &error)) {
        log_warning(daemon->log, "mounts_not_read", KV("error", &error));
        return;
    }
    rest = buf_text(&mounts);
    while (text_split(&rest, '\n', &line))
        sweep_mount(daemon, line);
}

/* --- sandboxes --- */

/* The work_dir as a pattern that means just itself. */
static void escape(const char *path, struct buf *out) {
    for (; *path != '\0'; path++) {
        if (*path == '*' || *path == '?' || *path == '[' || *path == '\\')
            buf_append_byte(out, '\\');
        buf_append_byte(out, *path);
    }
}

static void each_below(struct daemon *daemon, const char *pattern,
                       void (*fn)(struct daemon *daemon, const char *path)) {
    AUTO_FINI(buf_fini) struct buf whole = {0};
    glob_t found;
    escape(daemon->flags.work_dir, &whole);
    buf_append_string(&whole, pattern);
    if (glob(buf_string(&whole), GLOB_NOSORT, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        fn(daemon, found.gl_pathv[i]);
    globfree(&found);
}

/* A sandbox is called as its container, which has its name once and for ever. */
static void sweep_sandbox(struct daemon *daemon, const char *path) {
    struct container_id id = container_id_of(text_of(strrchr(path, '/') + 1));
    if (agent_knows_container(daemon->agent, id) || remover_has(daemon->remover, path))
        return;
    remover_add(daemon->remover, path);
    daemon->swept.sandboxes++;
    log_warning(daemon->log, "orphan_removed", KV("sandbox", path));
}

/* A framework's directory goes with its last sandbox, unless the agent was killed in between. */
static void sweep_framework(struct daemon *daemon, const char *path) {
    (void)daemon;
    rmdir(path);
}

void sweep(struct daemon *daemon) {
    sweep_mounts(daemon);
    each_below(daemon, "/sandboxes/*", sweep_framework);
    each_below(daemon, "/sandboxes/*/*", sweep_sandbox);
    daemon->swept.volumes += volumes_sweep(daemon->volumes, agent_resources(daemon->agent));
}
