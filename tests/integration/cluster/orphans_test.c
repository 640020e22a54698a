/*
 * What nobody owns below the agent's directories and groups is found, removed and counted: when the
 * agent starts, and while it runs. What somebody owns stays.
 */
#include "tests/integration/cluster/framework.h"
#include "tests/integration/cluster/raw.h"

#include "common/runtime/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 1500, POLL_MS = 10 };

static struct cluster cluster;
static struct process stray; /* a process that nobody owns */

static void start_agent(void) {
    static char runtime[128];
    const char *flags[] = {runtime, "--disk_watch_interval=1secs", NULL};
    snprintf(runtime, sizeof(runtime), "--runtime_dir=%s", cluster_path(&cluster, "run"));
    cluster_start_agent(&cluster, 0, flags);
    process_wait_log(&cluster.agents[0], " registered ");
}

/* --- making them --- */

static int make_group(const char *path, const struct stat *info, int kind, struct FTW *at) {
    (void)info;
    char group[512], name[64];
    snprintf(name, sizeof(name), "mesos-%s-0", strrchr(cluster.directory, '-') + 1);
    if (kind != FTW_D || strcmp(path + at->base, name) != 0)
        return 0;
    snprintf(group, sizeof(group), "%s/stray", path);
    assert_int_equal(mkdir(group, 0755), 0);
    snprintf(group, sizeof(group), "%s/stray/cgroup.procs", path);
    FILE *file = fopen(group, "w");
    assert_non_null(file);
    fprintf(file, "%d\n", stray.pid);
    fclose(file);
    return 0;
}

static void make_directory(const char *name) {
    struct error error;
    if (!directory_make(cluster_path(&cluster, name), 0755, &error))
        fail_msg("%s", error.message);
}

static void make_strays(void) {
    static const char *const sleep[] = {"/bin/sleep", "1000", NULL};
    struct error error;
    process_start(&stray, cluster_path(&cluster, "stray.log"), sleep);
    nftw("/sys/fs/cgroup", make_group, 16, FTW_PHYS);
    make_directory("agent0/volumes/destroyed/stray");
    make_directory("agent0/sandboxes/stray-framework/empty");
    make_directory("agent0/sandboxes/stray-framework/stray/mounted here");
    const char *mounted =
        cluster_path(&cluster, "agent0/sandboxes/stray-framework/stray/mounted here");
    assert_int_equal(mount("none", mounted, "tmpfs", 0, "size=64k"), 0);
    assert_true(file_write(cluster_path(&cluster, "run/other.status"), TEXT("x"), 0600, &error));
}

/* --- until they are gone --- */

static bool is_there(const char *name) {
    return access(cluster_path(&cluster, name), F_OK) == 0;
}

static void await_gone(const char *name) {
    for (int i = 0; i < TRIES && is_there(name); i++)
        poll(NULL, 0, POLL_MS);
    if (is_there(name))
        cluster_fail(&cluster, "%s stays", name);
}

static void assert_metric(const char *name, int value) {
    AUTO_FINI(buf_fini) struct buf answer = {0};
    char wanted[128];
    raw_request(cluster.agent_ports[0],
                TEXT("GET /metrics/snapshot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                &answer);
    snprintf(wanted, sizeof(wanted), "\"slave/%s\":%d.0", name, value);
    if (strstr(buf_string(&answer), wanted) == NULL)
        cluster_fail(&cluster, "no %s in %s", wanted, buf_string(&answer));
}

static void assert_all_gone(void) {
    assert_int_equal(process_wait(&stray), 1000 + SIGKILL);
    await_gone("agent0/volumes/destroyed/stray");
    await_gone("agent0/sandboxes/stray-framework");
    await_gone("run/other.status");
    assert_metric("orphans_removed/processes", 1);
    assert_metric("orphans_removed/cgroups", 1);
    assert_metric("orphans_removed/status_files", 1);
    assert_metric("orphans_removed/sandboxes", 2);
    assert_metric("orphans_removed/mounts", 1);
    assert_metric("orphans_removed/volumes", 1);
}

static struct framework *begin(void) {
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    start_agent();
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    framework_launch(framework, (struct wish){.id = "own", .command = "exec sleep 1000"});
    framework_wait(framework, "own", MESOS__V1__TASK_STATE__TASK_RUNNING);
    return framework;
}

static void end(struct framework *framework) {
    assert_metric("tasks_running", 1);
    framework_kill(framework, "own", 1000);
    framework_wait(framework, "own", MESOS__V1__TASK_STATE__TASK_KILLED);
    assert_int_equal(framework_count(framework, NULL, MESOS__V1__TASK_STATE__TASK_FAILED), 0);
    framework_end(framework);
}

TEST(what_nobody_owns_goes_while_the_agent_runs) {
    struct framework *framework = begin();

    make_strays();

    assert_all_gone();
    end(framework);
}

TEST(what_nobody_owns_goes_when_the_agent_starts) {
    struct framework *framework = begin();
    process_end(&cluster.agents[0], SIGKILL);

    make_strays();
    start_agent();

    assert_all_gone();
    end(framework);
}
