/*
 * kill -9 of the agent at each of its named steps of launch, kill, acknowledgement and cleaning up
 * (src/agent/container/stop_point.h), for the first, the second, ... time that it is there. Each
 * time three tasks run: one that ends by itself, one that is killed, and one in an executor that is
 * killed; the agent is started again, and everything must be as if nothing had been.
 *
 * STEP=NAME walks one step alone.
 */
#include "tests/integration/cluster/framework.h"

#include "agent/container/stop_point.h"
#include "common/runtime/files.h"
#include "tests/support/clock.h"

#include <dirent.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

enum { TIMES_LIMIT = 30, TASKS = 3, POLL_MS = 2, ENDS = 0, KILLED = 1, HOLD = 2 };

static struct cluster cluster;

struct scene {
    struct framework *framework;
    const char *step; /* "NAME:TIMES" */
    char ids[TASKS][64];
    char command[256];
    char witness[128]; /* a line for each time that the command began */
    bool is_killed[TASKS], has_stopped;
};

/* --- the agent --- */

static const char *const *agent_flags(void) {
    static char runtime[128];
    static const char *flags[] = {runtime, "--gc_delay=0ns", "--disk_watch_interval=200ms", NULL};
    snprintf(runtime, sizeof(runtime), "--runtime_dir=%s", cluster_path(&cluster, "run"));
    return flags;
}

static void start_agent(const char *step) {
    if (step != NULL)
        setenv("AGENT_STOP_AT", step, 1);
    cluster_start_agent(&cluster, 0, agent_flags());
    unsetenv("AGENT_STOP_AT");
}

/* True: it has just killed itself, and is started again. */
static bool look_after_agent(struct scene *scene) {
    struct pollfd ended = {.fd = cluster.agents[0].pidfd, .events = POLLIN};
    if (poll(&ended, 1, POLL_MS) <= 0)
        return false;
    int code = process_wait(&cluster.agents[0]);
    if (code != 1000 + SIGKILL || scene->has_stopped)
        cluster_fail(&cluster, "%s: the agent ended with %d", scene->step, code);
    scene->has_stopped = true;
    start_agent(NULL);
    return true;
}

/* --- the tasks --- */

static unsigned heard(const struct scene *scene, int task, Mesos__V1__TaskState state) {
    return framework_count(scene->framework, scene->ids[task], state);
}

static Mesos__V1__TaskState wanted_end(int task) {
    return task == ENDS ? MESOS__V1__TASK_STATE__TASK_FAILED : MESOS__V1__TASK_STATE__TASK_KILLED;
}

static void launch(struct scene *scene) {
    static const char *const names[TASKS] = {"ends", "killed", "hold"};
    for (int i = 0; i < TASKS; i++)
        snprintf(scene->ids[i], sizeof(scene->ids[i]), "%s-%s", names[i], scene->step);
    snprintf(scene->witness, sizeof(scene->witness), "%s", cluster_path(&cluster, "witness"));
    unlink(scene->witness);
    snprintf(scene->command, sizeof(scene->command), "echo >>%s; exit 7", scene->witness);
    framework_launch(scene->framework,
                     (struct wish){.id = scene->ids[ENDS], .command = scene->command});
    framework_launch(scene->framework, (struct wish){.id = scene->ids[KILLED],
                                                     .command = "trap '' TERM; exec sleep 1000"});
    framework_launch(scene->framework,
                     (struct wish){.id = scene->ids[HOLD], .executor = cluster_executor(&cluster)});
}

/* It was not stored when the agent died, so it never was; lost is what an agent says that does not
 * know the framework. */
static bool was_dropped(const struct scene *scene, int task) {
    return heard(scene, task, MESOS__V1__TASK_STATE__TASK_DROPPED) > 0 ||
           heard(scene, task, MESOS__V1__TASK_STATE__TASK_LOST) > 0;
}

/* True when all have ended. */
static bool drive(struct scene *scene) {
    unsigned ended = 0;
    for (int i = 0; i < TASKS; i++) {
        if (i != ENDS && !scene->is_killed[i] &&
            heard(scene, i, MESOS__V1__TASK_STATE__TASK_RUNNING) > 0) {
            scene->is_killed[i] = true;
            framework_kill(scene->framework, scene->ids[i], 200);
        }
        ended += was_dropped(scene, i) || heard(scene, i, wanted_end(i)) > 0;
    }
    return ended == TASKS;
}

static void show(const struct scene *scene) {
    for (int i = 0; i < TASKS; i++) {
        fprintf(stderr, "%s:", scene->ids[i]);
        for (unsigned at = 0; at <= (unsigned)MESOS__V1__TASK_STATE__TASK_UNKNOWN; at++) {
            if (heard(scene, i, (Mesos__V1__TaskState)at) > 0)
                fprintf(stderr, " state %u", at);
        }
        fprintf(stderr, "\n");
    }
}

/* --- what must not be left --- */

static char left[512];

static int look_at_group(const char *path, const struct stat *info, int kind, struct FTW *at) {
    (void)info;
    const char *slash = strstr(path, strrchr(cluster.directory, '-'));
    if (kind == FTW_D && at->level > 0 && slash != NULL && strchr(slash, '/') != NULL)
        snprintf(left, sizeof(left), "the group %s", path);
    return 0;
}

static void look_at_directory(const char *name) {
    const char *path = cluster_path(&cluster, name);
    DIR *listing = opendir(path);
    struct dirent *entry;
    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        if (entry->d_name[0] != '.')
            snprintf(left, sizeof(left), "%s/%s", path, entry->d_name);
    }
    if (listing != NULL)
        closedir(listing);
}

static void look_at_mounts(void) {
    AUTO_FINI(buf_fini) struct buf mounts = {0};
    struct error error;
    if (file_read("/proc/self/mountinfo", 1 << 20, &mounts, &error) &&
        strstr(buf_string(&mounts), cluster.directory) != NULL)
        snprintf(left, sizeof(left), "a mount below %s", cluster.directory);
}

/* Processes of a container are in its groups, which do not go before them. */
static bool is_clean(void) {
    left[0] = '\0';
    nftw("/sys/fs/cgroup", look_at_group, 16, FTW_PHYS);
    look_at_directory("run");
    look_at_directory("agent0/sandboxes");
    look_at_mounts();
    return left[0] == '\0';
}

/* --- the walk --- */

static void finish(struct scene *scene) {
    int64_t deadline_ms = now_ms() + WAIT_MS;
    bool has_ended = false;
    for (;;) {
        if (look_after_agent(scene))
            deadline_ms = now_ms() + WAIT_MS;
        has_ended = has_ended || drive(scene);
        if (has_ended && is_clean())
            return;
        if (now_ms() > deadline_ms)
            show(scene);
        if (now_ms() > deadline_ms)
            cluster_fail(&cluster, "%s: %s", scene->step, has_ended ? left : "tasks do not end");
    }
}

/* Nothing else was heard of it than its life and one kind of end. */
static void assert_one_end(const struct scene *scene, int task) {
    Mesos__V1__TaskState end = wanted_end(task);
    if (heard(scene, task, MESOS__V1__TASK_STATE__TASK_DROPPED) > 0)
        end = MESOS__V1__TASK_STATE__TASK_DROPPED;
    else if (was_dropped(scene, task))
        end = MESOS__V1__TASK_STATE__TASK_LOST;
    for (unsigned at = 0; at <= (unsigned)MESOS__V1__TASK_STATE__TASK_UNKNOWN; at++) {
        Mesos__V1__TaskState state = (Mesos__V1__TaskState)at;
        bool is_life = state == MESOS__V1__TASK_STATE__TASK_STARTING ||
                       state == MESOS__V1__TASK_STATE__TASK_RUNNING ||
                       state == MESOS__V1__TASK_STATE__TASK_KILLING;
        bool may_be = state == end || (is_life && !was_dropped(scene, task));
        if (!may_be && heard(scene, task, state) > 0)
            cluster_fail(&cluster, "%s heard state %u", scene->ids[task], at);
    }
}

static void assert_ended_once(const struct scene *scene) {
    AUTO_FINI(buf_fini) struct buf witness = {0};
    struct error error;
    for (int i = 0; i < TASKS; i++)
        assert_one_end(scene, i);
    bool has_begun = file_read(scene->witness, 100, &witness, &error);
    if (has_begun == was_dropped(scene, ENDS) || (has_begun && witness.size != 1))
        cluster_fail(&cluster, "%s began %zu times", scene->ids[ENDS], witness.size);
    if (!has_begun)
        return;
    struct note note =
        framework_wait(scene->framework, scene->ids[ENDS], MESOS__V1__TASK_STATE__TASK_FAILED);
    if (note.exit_code != 7)
        cluster_fail(&cluster, "%s ended with %d: %s", scene->ids[ENDS], note.exit_code,
                     note.message);
}

/* False: the agent was never there so often. */
static bool walk_to(struct framework *framework, const char *step) {
    struct scene scene = {.framework = framework, .step = step};
    process_end(&cluster.agents[0], SIGKILL);
    start_agent(step);
    launch(&scene);
    finish(&scene);
    assert_ended_once(&scene);
    return scene.has_stopped;
}

TEST(whatever_step_the_agent_dies_at_each_task_ends_once_and_nothing_is_left) {
    cluster_open(&cluster);
    cluster.agent_program = STOPPING_AGENT_PATH;
    cluster_start_master(&cluster, NULL);
    start_agent(NULL);
    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 600});
    const char *only = getenv("STEP");
    unsigned total = 0;

    for (enum stop_point point = 0; point < STOP_POINTS; point++) {
        char step[64];
        unsigned times = 0;
        if (only != NULL && strcmp(only, stop_point_name(point)) != 0)
            continue;
        do
            snprintf(step, sizeof(step), "%s:%u", stop_point_name(point), ++times);
        while (times <= TIMES_LIMIT && walk_to(framework, step));
        if (times == 1)
            cluster_fail(&cluster, "the agent never came to %s", step);
        total += times - 1;
    }

    print_message("killed at %u steps\n", total);
    framework_end(framework);
}
