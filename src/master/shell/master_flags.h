/*
 * The master's command line.
 */
#pragma once

#include "common/runtime/flags.h"
#include "common/runtime/log_flags.h"

enum { MASTER_FLAGS_LIMIT = 64 };

struct master_flags {
    char *ip;
    int64_t port;
    char *hostname;
    char *cluster;
    char *domain;
    bool require_agent_domain;
    char *advertise_ip;
    int64_t advertise_port;
    char *zk;
    int64_t zk_session_timeout_ms;
    char *work_dir;
    int64_t offer_timeout_ms;
    int64_t allocation_interval_ms;
    char *allocator;
    int64_t fairness_half_life_ms;
    int64_t earmark_timeout_ms;
    char *min_allocatable_resources;
    bool filter_gpu_resources;
    char *fair_sharing_excluded_resource_names;
    int64_t agent_ping_timeout_ms;
    int64_t max_agent_ping_timeouts;
    int64_t agent_reregister_timeout_ms;
    char *agent_removal_rate_limit;
    char *recovery_agent_removal_limit;
    int64_t registry_max_agent_age_ms;
    int64_t registry_max_agent_count;
    int64_t registry_gc_interval_ms;
    int64_t max_completed_frameworks;
    int64_t max_completed_tasks_per_framework;
    int64_t max_unreachable_tasks_per_framework;
    bool root_submissions;
    struct log_flags logging;

    struct flag rows[MASTER_FLAGS_LIMIT]; /* the table: each points at one of the above */
    size_t row_count;
};

/* A table that points into *flags. */
struct flag_table master_flag_table(struct master_flags *flags);
