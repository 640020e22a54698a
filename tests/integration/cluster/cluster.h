/*
 * A cluster of real daemons for tests: each in a process of its own, its log in a file, its state
 * in a directory that goes with the test. Nothing here sleeps: a wait ends with what it waits for,
 * or fails the test with the log of everybody.
 *
 * MESOS_BUILD_DIR/src/.../mesos-master and so on come from the build; needs root.
 */
#pragma once

#include "tests/support/unit.h"

#include <stdbool.h>
#include <sys/types.h>

enum { AGENTS_LIMIT = 3, WAIT_MS = 15000, FLAGS_LIMIT = 24 };

struct process {
    pid_t pid; /* 0: does not run */
    int pidfd;
    char log[160];    /* path */
    size_t looked_to; /* what process_wait_log has passed */
};

struct cluster {
    char directory[64];
    const char *agent_program; /* NULL: the usual one */
    uint16_t master_port;
    char master_address[32];
    struct process master;
    uint16_t agent_ports[AGENTS_LIMIT]; /* the same after a restart: executors come back to it */
    struct process agents[AGENTS_LIMIT];
};

/* Makes the directory and finds a port; starts nothing. Skips aloud without root. */
void cluster_open(struct cluster *cluster);
/* Agents go for good, the master ends; fails if one of them complains, leaks or leaves a cgroup. */
void cluster_close(struct cluster *cluster);

/* Flags end with NULL and come behind the usual ones, which they override. */
void cluster_start_master(struct cluster *cluster, const char *const *flags);
void cluster_start_agent(struct cluster *cluster, unsigned which, const char *const *flags);
/* Both, and waits until the agent is registered. */
void cluster_start(struct cluster *cluster);

/* A program with flags (NULL-terminated, argv[0] first), stdout and stderr into the log. */
void process_start(struct process *process, const char *log, const char *const *argv);
/* Waits for the end; exit code, or 1000 + signal. */
int process_wait(struct process *process);
int process_end(struct process *process, int signal_number);
/* Until this is in the log behind what was waited for before. */
void process_wait_log(struct process *process, const char *part);
bool process_log_has(const struct process *process, const char *part);
size_t process_log_count(const struct process *process, const char *part);
void cluster_show(const struct cluster *cluster); /* all logs, to stderr */

const char *cluster_agent_program(void);
const char *cluster_master_program(void);
/* The executor for tests, copied to where containers can see it (their /tmp is their own). */
const char *cluster_executor(const struct cluster *cluster);
const char *cluster_path(const struct cluster *cluster, const char *name); /* static buffers */
unsigned cluster_cgroups(const struct cluster *cluster,
                         unsigned which); /* of an agent, there now */

/* The master's answer to a request with this JSON has that status, and `part` in it. */
void cluster_expect(const struct cluster *cluster, const char *method, const char *path,
                    const char *body, int status, const char *part);

/* Which cluster is shown when an assertion fails. */
#define cluster_fail(cluster, ...)                                                                 \
    do {                                                                                           \
        cluster_show(cluster);                                                                     \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)
