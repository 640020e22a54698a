/*
 * Daemons that cannot start say why in one line and end; a full disk only makes them wait.
 */
#include "tests/integration/cluster/framework.h"

#include "common/base/buf.h"
#include "common/runtime/child.h"
#include "common/runtime/files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cluster cluster;

static size_t lines_of(const struct process *process) {
    return process_log_count(process, "\n");
}

/* The agent ends with 1 and this in its log, behind at most so many other lines. */
static void expect_refusal(const char *const *flags, const char *why) {
    static unsigned number;
    char log[64];
    struct process process = {0};
    snprintf(log, sizeof(log), "refused%u.log", number++);
    process_start(&process, cluster_path(&cluster, log), flags);
    int code = process_wait(&process);
    if (code == 0 || code > 2 || !process_log_has(&process, why)) {
        AUTO_FINI(buf_fini) struct buf text = {0};
        file_read(process.log, 1 << 20, &text, NULL);
        fail_msg("ended with %d, wanted '%s', said:\n%s", code, why, buf_string(&text));
    }
    assert_in_range(lines_of(&process), 1, 3);
}

TEST(an_agent_that_cannot_start_says_why) {
    const char *agent = cluster_agent_program();
    char port[32], used[160], root[64] = "--cgroups_root=mesos-refused";
    cluster_open(&cluster);
    cluster_start(&cluster);
    snprintf(port, sizeof(port), "--port=%u", cluster.agent_ports[0]);
    snprintf(used, sizeof(used), "--work_dir=%s/agent0", cluster.directory);
    const char *fresh = cluster_path(&cluster, "fresh");
    char work_dir[160], unmade[160], master[64];
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s", fresh);
    snprintf(master, sizeof(master), "--master=%s", cluster.master_address);

    expect_refusal((const char *[]){agent, work_dir, NULL}, "--master");
    expect_refusal((const char *[]){agent, master, NULL}, "--work_dir");
    expect_refusal((const char *[]){agent, master, "--work_dir=relative", NULL}, "absolute");
    expect_refusal((const char *[]){agent, master, work_dir, "--nonsense=1", NULL}, "nonsense");
    expect_refusal((const char *[]){agent, master, work_dir, "--port=70000", NULL}, "port");
    expect_refusal((const char *[]){agent, master, used, "--port=0", root, NULL}, "agent0");
    expect_refusal((const char *[]){agent, master, work_dir, port, root, NULL}, "in use");
    expect_refusal((const char *[]){agent, master, "--work_dir=/proc/no", "--port=0", NULL},
                   "/proc/no");
    expect_refusal((const char *[]){agent, master, "--work_dir=/etc/passwd", "--port=0", NULL},
                   "/etc/passwd");
    expect_refusal(
        (const char *[]){agent, "--master=zk://h:0/mesos", work_dir, "--port=0", root, NULL},
        "--master");
    snprintf(unmade, sizeof(unmade), "--work_dir=%s/unmade", cluster.directory);
    expect_refusal((const char *[]){agent, "--master=host:port", unmade, "--port=0", root, NULL},
                   "--master");
    assert_int_not_equal(access(cluster_path(&cluster, "unmade"), F_OK), 0);
    expect_refusal(
        (const char *[]){agent, master, work_dir, "--port=0", root, "--resources=cpus:-1", NULL},
        "--resources");
    expect_refusal(
        (const char *[]){agent, master, work_dir, "--port=0", root, "--attributes=x", NULL},
        "--attributes");
    expect_refusal(
        (const char *[]){agent, master, work_dir, "--port=0", root, "--init_path=/no/such", NULL},
        "/no/such");
    expect_refusal(
        (const char *[]){agent, master, work_dir, "--port=0", "--ip=nonsense", root, NULL},
        "nonsense");
    cluster_close(&cluster);
}

TEST(a_master_that_cannot_start_says_why) {
    const char *master = cluster_master_program();
    char port[32], used[160], work_dir[160];
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    process_wait_log(&cluster.master, "master_recovered"); /* the work_dir is its own by now */
    snprintf(port, sizeof(port), "--port=%u", cluster.master_port);
    snprintf(used, sizeof(used), "--work_dir=%s/master", cluster.directory);
    snprintf(work_dir, sizeof(work_dir), "--work_dir=%s/fresh", cluster.directory);

    expect_refusal((const char *[]){master, work_dir, port, NULL}, "in use");
    expect_refusal((const char *[]){master, used, "--port=0", NULL}, "master");
    expect_refusal((const char *[]){master, "--work_dir=/proc/no", "--port=0", NULL}, "/proc/no");
    expect_refusal((const char *[]){master, "--nonsense", NULL}, "nonsense");
    expect_refusal((const char *[]){master, work_dir, "--agent_ping_timeout=0secs", NULL},
                   "agent_ping_timeout");
    cluster_close(&cluster);
}

TEST(an_agent_without_a_master_waits_and_says_so) {
    cluster_open(&cluster);
    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.agents[0], "master_not_reached");

    cluster_start_master(&cluster, NULL);

    process_wait_log(&cluster.agents[0], " registered ");
    cluster_close(&cluster);
}

TEST(an_agent_asks_all_masters_of_its_list_before_it_waits) {
    char masters[96];
    cluster_open(&cluster);
    cluster_start_master(&cluster, NULL);
    process_wait_log(&cluster.master, "master_recovered");
    snprintf(masters, sizeof(masters), "--master=127.0.0.1:1,127.0.0.1:2,%s",
             cluster.master_address);

    cluster_start_agent(&cluster, 0,
                        (const char *[]){masters, "--registration_backoff_factor=1hrs", NULL});

    process_wait_log(&cluster.agents[0], " registered ");
    assert_false(process_log_has(&cluster.agents[0], "master_not_reached"));
    cluster_close(&cluster);
}

/* What agent 0 has stored becomes agent 1's. */
static void copy_meta(void) {
    const char *from = cluster_path(&cluster, "agent0/meta");
    const char *to = cluster_path(&cluster, "agent1");
    const char *const argv[] = {"cp", "-r", from, to, NULL};
    struct child_options options = {.argv = argv};
    struct child_exit ended;
    struct error error;
    assert_int_equal(mkdir(to, 0755), 0);
    if (!child_call(&options, WAIT_MS, 4096, &ended, NULL, NULL, &error))
        fail_msg("copy: %s", error.message);
    assert_int_equal(ended.code, 0);
}

TEST(a_copy_of_a_work_dir_is_refused_and_the_original_goes_on) {
    struct framework *framework = framework_begin(&cluster, (struct framework_options){0});
    framework_launch(framework, (struct wish){.id = "task", .command = "exec sleep 1000"});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING);
    copy_meta();

    cluster_start_agent(&cluster, 1, NULL);

    assert_int_equal(process_wait(&cluster.agents[1]), 1);
    assert_true(process_log_has(&cluster.agents[1], "agent_stops"));
    assert_int_equal(cluster_cgroups(&cluster, 1), 0);
    assert_int_equal(framework_count(framework, "task", MESOS__V1__TASK_STATE__TASK_RUNNING), 1);
    framework_launch(framework, (struct wish){.id = "another", .command = "true"});
    framework_wait(framework, "another", MESOS__V1__TASK_STATE__TASK_FINISHED);
    framework_end(framework);
}

static void fill(const char *path) {
    static char bytes[64 * 1024];
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (size_t size = sizeof(bytes); size > 0; size /= 2) {
        while (write(fd, bytes, size) > 0)
            continue;
    }
}

TEST(a_full_disk_delays_and_loses_nothing) {
    enum { BULKY = 100 };
    cluster_open(&cluster);
    const char *disk = cluster_path(&cluster, "agent0");
    assert_int_equal(mkdir(disk, 0755), 0);
    assert_int_equal(mount("tmpfs", disk, "tmpfs", 0, "size=16m"), 0);
    cluster_start(&cluster);
    struct framework *framework =
        framework_new(&cluster, (struct framework_options){.failover_timeout_s = 60});
    const char *gate = cluster_path(&cluster, "gate");
    char command[300];
    assert_int_equal(mkfifo(gate, 0666), 0);
    snprintf(command, sizeof(command), "read line < %s; exit 3", gate);
    framework_launch(framework, (struct wish){.id = "gated", .command = command});
    framework_wait(framework, "gated", MESOS__V1__TASK_STATE__TASK_RUNNING);

    const char *filler = cluster_path(&cluster, "agent0/filler");
    fill(filler);
    AUTO_FD int fd = open(gate, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "\n", 1), 1);
    static char bulky[16384]; /* what does not fit where something was removed */
    memset(bulky, 'x', sizeof(bulky) - 1);
    memcpy(bulky, "true #", 6);
    for (int i = 0; i < BULKY; i++) {
        snprintf(command, sizeof(command), "bulky%d", i);
        framework_launch(framework, (struct wish){.id = command, .command = bulky});
    }
    process_wait_log(&cluster.agents[0], "storage_fails");
    assert_int_equal(unlink(filler), 0);

    assert_int_equal(
        framework_wait(framework, "gated", MESOS__V1__TASK_STATE__TASK_FAILED).exit_code, 3);
    for (int i = 0; i < BULKY; i++) {
        snprintf(command, sizeof(command), "bulky%d", i);
        framework_wait(framework, command, MESOS__V1__TASK_STATE__TASK_FINISHED);
    }
    assert_true(process_log_has(&cluster.agents[0], "storage_works_again"));
    framework_free(framework);
    assert_int_equal(process_end(&cluster.agents[0], SIGUSR1), 0);
    assert_int_equal(umount(disk), 0);
    cluster_close(&cluster);
}

TEST(a_full_disk_under_the_master_delays_and_loses_nothing) {
    cluster_open(&cluster);
    const char *disk = cluster_path(&cluster, "master");
    assert_int_equal(mkdir(disk, 0755), 0);
    assert_int_equal(mount("tmpfs", disk, "tmpfs", 0, "size=1m"), 0);
    cluster_start_master(&cluster, NULL);
    process_wait_log(&cluster.master, "master_recovered"); /* without room it would not start */
    const char *filler = cluster_path(&cluster, "master/filler");
    fill(filler);

    cluster_start_agent(&cluster, 0, NULL);
    process_wait_log(&cluster.master, "registry_fails");
    assert_int_equal(unlink(filler), 0);

    process_wait_log(&cluster.agents[0], " registered ");
    struct framework *framework = framework_new(&cluster, (struct framework_options){0});
    framework_launch(framework, (struct wish){.id = "task", .command = "true"});
    framework_wait(framework, "task", MESOS__V1__TASK_STATE__TASK_FINISHED);
    assert_true(process_log_has(&cluster.master, "registry_works_again"));
    framework_free(framework);
    assert_int_equal(process_end(&cluster.master, SIGTERM), 0);
    assert_int_equal(umount(disk), 0);
    cluster_close(&cluster);
}
