/*
 * The agent's command line.
 */
#pragma once

#include "common/runtime/flags.h"
#include "common/runtime/log_flags.h"

enum { AGENT_FLAGS_LIMIT = 40 };

struct agent_flags {
    char *master; /* "host:port,host:port" */
    char *ip;
    int64_t port;
    char *hostname;
    char *work_dir;
    char *runtime_dir;
    char *resources;
    bool force_resources;
    char *default_role;
    char *attributes;
    char *domain;
    char *cgroups_root;
    bool cgroups_enable_cfs;
    char *init_path;
    bool allow_missing;
    int64_t executor_registration_timeout_ms;
    int64_t executor_reregistration_timeout_ms;
    int64_t executor_shutdown_grace_ms;
    int64_t registration_backoff_ms;
    int64_t gc_delay_ms;
    double gc_disk_headroom;
    int64_t disk_watch_interval_ms;
    uint64_t container_log_bytes;
    int64_t container_pids;
    struct log_flags logging;

    struct flag rows[AGENT_FLAGS_LIMIT]; /* the table: each points at one of the above */
    size_t row_count;
};

/* A table that points into *flags. */
struct flag_table agent_flag_table(struct agent_flags *flags);
