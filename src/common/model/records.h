/*
 * What outlives a process: the agent's checkpoint and the master's registry, record by record. A
 * record has a key of text; equal keys replace each other. Borrowed values; wire/ gives them bytes
 * (proto/internal/).
 */
#pragma once

#include "common/model/agent_protocol.h"
#include "common/model/drain.h"

/* --- the agent: one LMDB environment in --work_dir --- */

enum agent_record_kind {
    AGENT_RECORD_SELF = 1,      /* key "self" */
    AGENT_RECORD_FRAMEWORK = 2, /* "framework/FRAMEWORK" */
    AGENT_RECORD_EXECUTOR = 3,  /* "executor/FRAMEWORK/EXECUTOR" */
    AGENT_RECORD_TASK = 4,      /* "task/FRAMEWORK/TASK" */
    AGENT_RECORD_UPDATE =
        5, /* "update/FRAMEWORK/TASK/NNNNNNNN": in order, gone when acknowledged */
    AGENT_RECORD_SANDBOX =
        6, /* "sandbox/CONTAINER": of an ended container, for its removal by age */
    AGENT_RECORD_RESOURCES = 7, /* "resources": what operations have made of the flags' resources */
    AGENT_RECORD_DRAIN = 8,     /* "drain": the master's order to end all tasks */
    AGENT_RECORD_LEASE = 9, /* "lease": when a master was last known to have heard of the agent */
};

struct agent_record {
    enum agent_record_kind kind;
    union {
        struct {
            struct agent_id agent; /* empty: never registered */
            struct text boot_id;
        } self;
        struct framework_report framework;
        struct {
            struct framework_id framework;
            struct text info; /* encoded mesos.v1.ExecutorInfo */
            struct container_id container;
            struct text sandbox;
            struct text role;
            bool started; /* its container was launched: pid and start_time hold */
            int32_t pid;
            uint64_t start_time;
        } executor;
        struct {
            struct framework_id framework;
            struct text info; /* encoded mesos.v1.TaskInfo */
            struct text role;
            struct container_id container; /* empty: runs in an executor */
            struct text sandbox;           /* its path; empty likewise */
            bool started;
            int32_t pid;
            uint64_t start_time;
            enum task_state latest_state;
            int64_t latest_ns;        /* wall clock, of latest_state; 0: not known */
            int64_t running_since_ns; /* likewise, of the first RUNNING */
            int64_t launched_ns;      /* wall clock */
            int64_t launched_boot_ms; /* since the machine's boot; 0: not known */
            bool kill_wanted;         /* a kill was ordered, and by whom */
            struct text killed_by;
            bool ended; /* its container is gone; only updates are left to be acknowledged */
        } task;
        struct {
            struct framework_id framework;
            struct task_status status;
        } update;
        struct {
            struct text path;
            struct framework_id framework;
            struct task_id task; /* or the executor's id */
            int64_t ended_ns;
            uint64_t stdout_rotations, stderr_rotations;
            uint64_t dropped_bytes;
        } sandbox;
        const struct resources *resources; /* those reserved dynamically, and volumes */
        struct {
            struct drain_terms terms;
            int64_t deadline_ns; /* wall clock; 0: none */
        } drain;
        int64_t lease_ms; /* since the machine's boot, and no clock that can be set */
    };
};

/* Of one resource name. */
struct quota_config_line {
    struct text name;
    int64_t guarantee_milli; /* 0: none */
    int64_t limit_milli;     /* INT64_MAX: none */
};

/* --- the master: LMDB standalone, ZooKeeper in HA --- */

/* Of an encoded AgentInfo or FrameworkInfo: a record fits into a node of ZooKeeper. An AgentInfo
 * that is larger is stored without what the agent says again when it comes back. */
enum { REGISTRY_INFO_BYTES_LIMIT = 256 << 10 };

enum registry_record_kind {
    REGISTRY_AGENT = 1,       /* "agent/ID": admitted */
    REGISTRY_UNREACHABLE = 2, /* "unreachable/ID" */
    REGISTRY_GONE = 3,        /* "gone/ID" */
    REGISTRY_FRAMEWORK = 4, /* "framework/ID": with its failover timeout; gone when it is removed */
    REGISTRY_MASTER = 5,    /* "master": the last leader */
    REGISTRY_ROLE = 6,      /* "role/NAME": its weight and quota; gone when both are the presets */
    REGISTRY_MACHINE = 7,   /* "machine/HOSTNAME,IP": in the maintenance schedule */
    REGISTRY_REMOVED = 8,   /* "removed/ID": a framework that must not come back */
};

struct registry_record {
    enum registry_record_kind kind;
    /* Fields of a newer version: whoever writes the record again gives them back. Those of the
     * message inside (a framework, a role) stand in a field with that message's number. */
    struct text unknown;
    struct agent_drain drain; /* AGENT, UNREACHABLE */
    struct text hostname;     /* AGENT (read out of its info, not written), UNREACHABLE, GONE */
    union {
        struct text agent_info; /* encoded mesos.v1.AgentInfo */
        struct {
            struct agent_id agent;
            int64_t since_ns;
        } agent; /* UNREACHABLE, GONE */
        struct {
            struct framework_id id;
            struct text info;            /* encoded mesos.v1.FrameworkInfo */
            int64_t disconnected_ns;     /* wall clock; 0: connected when last heard of */
            int64_t failover_timeout_ns; /* out of info, for those who do not decode it */
            uint32_t capabilities;       /* likewise */
        } framework;
        struct {
            struct framework_id framework;
            int64_t since_ns;
        } removed;
        struct text master_id;
        struct {
            struct text name;
            int64_t weight_milli; /* 1000: unless said */
            const struct quota_config_line *lines;
            size_t line_count;
        } role;
        struct {
            struct text hostname, ip; /* one of them may be empty */
            uint32_t window, place;   /* which window it is in, and where in it */
            int64_t start_ns;
            int64_t duration_ns; /* negative: without end */
            bool is_down;
        } machine;
    };
};

/* One change of what is stored. */
struct store_change {
    struct text key;
    const struct agent_record *agent_record;       /* put; or */
    const struct registry_record *registry_record; /* put; both NULL: the key goes */
};
