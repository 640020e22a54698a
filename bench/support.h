/*
 * What the benchmarks share: time, the middle of many measurements, temporary directories, and our
 * daemons as children, each on a core of its choice. Whatever goes wrong ends the benchmark with
 * one line.
 */
#pragma once

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { BENCH_PATH_SIZE = 512, BENCH_ARGUMENTS_LIMIT = 24, BENCH_PATIENCE_MS = 20000 };

_Noreturn void bench_fail(const char *what, const char *why);

/* Says why on stderr and ends with 77, which ctest counts as skipped. */
_Noreturn void bench_skip(const char *why);

int64_t bench_now_ns(void);      /* CLOCK_MONOTONIC */
int64_t bench_cpu_ns(pid_t pid); /* user and system time of a process; 0: gone */

/* Sorts them. */
int64_t bench_percentile(int64_t *values, size_t count, unsigned percent);

/* A number from 1 to limit, or the end. */
uint64_t bench_number(const char *text, uint64_t limit);

/* This thread and what it starts from now on stays on one core; -1: any. */
void bench_pin(int core);
int bench_cores(void);

/* What is made with the functions below is taken away again when the benchmark ends, however it
 * ends: daemons are stopped, then directories and groups removed. */

void bench_directory_make(char out[BENCH_PATH_SIZE]); /* writes its path to `out` */
void bench_root_name(char out[64]);                   /* for groups, "mesos-bench-PID" */

/* A TCP port of 127.0.0.1 that was free a moment ago. */
uint16_t bench_free_port(void);

/* bin/NAME of the build this benchmark belongs to. */
void bench_program(const char *name, char out[BENCH_PATH_SIZE]);

struct bench_daemon {
    pid_t pid;
    uint16_t port;
    char log[BENCH_PATH_SIZE + 64];
};

/* The daemon must stay where it is until it is stopped. `arguments` ends with NULL and does not
 * hold the program's name; its log goes to DIRECTORY/NAME.log. Returns when the port answers.
 * Children die with us. */
void bench_daemon_start(struct bench_daemon *daemon, const char *name, const char *directory,
                        const char *const *arguments, uint16_t port, int core);
void bench_daemon_stop(struct bench_daemon *daemon); /* SIGTERM, and waits for its end */

/* A master, an agent that it knows, and groups of their own name. Needs root. */
struct bench_cluster {
    struct bench_daemon master, agent;
    char directory[BENCH_PATH_SIZE], root[64], resources[256];
};

/* `resources` as --resources takes them. */
void bench_cluster_start(struct bench_cluster *cluster, const char *resources);
void bench_cluster_stop(struct bench_cluster *cluster);
/* kill -9, and the same again; returns when its port answers. */
void bench_cluster_restart_agent(struct bench_cluster *cluster);

/* One line of /proc/PID/status in kB ("VmRSS", "RssAnon"); -1: not there. */
int64_t bench_memory_kb(pid_t pid, const char *line);

/* Groups below roots whose names begin with this, in all hierarchies. */
size_t bench_cgroups_count(const char *root);
