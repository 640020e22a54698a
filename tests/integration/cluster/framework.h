/*
 * A framework for tests, on the driver's own thread: takes what is offered for the tasks it still
 * has to launch, gives the rest back, and writes down all it hears. Waits end with what they wait
 * for.
 */
#pragma once

#include "tests/integration/cluster/cluster.h"

#include <mesos/scheduler.h>
#include <pthread.h>

enum { TASKS_LIMIT = 2048, NOTES_LIMIT = 16384, OFFERS_LIMIT = 512 };

/* What a test wants run. Zeros are usual: a shell command as root, 0.01 cpus, 16 MB. */
struct wish {
    const char *id;
    const char *command;          /* for sh -c; with `arguments`: the file */
    const char *const *arguments; /* NULL-terminated argv: no shell */
    const char *user;
    int cpus_milli;
    int mem_mb;
    int64_t max_completion_ms;
    const char *stop_after; /* without a master; NULL: goes on */
    const char *executor;   /* the program of a custom executor, its id that of the task */
    const char *agent;      /* only on this one; NULL: any */
};

struct note { /* a status update as it came */
    char task[64];
    Mesos__V1__TaskState state;
    int reason; /* -1: none */
    int source;
    bool has_uuid, acknowledged_by_us;
    char message[256];
    int exit_code, signal_number; /* -1: not told */
    bool oom;
    uint64_t peak_bytes;
};

struct held_offer {
    char id[128], agent[128];
    bool rescinded;
    int64_t away_ns; /* when its agent will be away; 0: not planned */
};

struct framework {
    struct mesos_scheduler_driver *driver;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char id[128];
    unsigned registered, reregistered, disconnected, errors, agents_lost, executors_lost, rescinds;
    unsigned inverse_offers, inverse_rescinds;
    struct held_offer inverse; /* the last */
    char error[256];
    struct wish wishes[TASKS_LIMIT];
    char wish_ids[TASKS_LIMIT][64];
    size_t wished, launched;
    struct note *notes; /* NOTES_LIMIT */
    size_t note_count;
    bool holds_offers;                        /* keep what comes instead of using it */
    bool is_explicit, keeps_acknowledgements; /* with explicit ones: none goes out */
    struct held_offer offers[OFFERS_LIMIT];
    size_t offer_count;
    struct cluster *cluster;
};

struct framework_options {
    const char *id; /* failover */
    double failover_timeout_s;
    bool is_explicit, holds_offers, keeps_acknowledgements, is_unaware;
};

struct framework *framework_new(struct cluster *cluster, struct framework_options options);
void framework_free(struct framework *framework);  /* stops it without failover */
void framework_leave(struct framework *framework); /* stops with failover, and frees */
/* Dies as a process does: nothing is said. */
void framework_abort(struct framework *framework);
/* framework_new and framework_free with the cluster: started before, closed behind. */
struct framework *framework_begin(struct cluster *cluster, struct framework_options options);
void framework_end(struct framework *framework);

void framework_launch(struct framework *framework, struct wish wish); /* id and texts are kept */
struct note framework_wait(struct framework *framework, const char *task,
                           Mesos__V1__TaskState state); /* the first such update */
struct note framework_wait_from(struct framework *framework, const char *task,
                                Mesos__V1__TaskState state, size_t from_note);
size_t framework_notes(struct framework *framework); /* how many were heard */
/* Until *counter, one of the framework's, is at least so much. */
void framework_wait_count(struct framework *framework, const unsigned *counter, unsigned least);
void framework_wait_offer(struct framework *framework, struct held_offer *out, size_t from);
/* Waits until it is told that the task was ended, as its agent had no master for five seconds. */
void framework_assert_stopped(struct framework *framework, const char *task);
unsigned framework_count(struct framework *framework, const char *task, Mesos__V1__TaskState state);
void framework_kill(struct framework *framework, const char *task, int64_t grace_ms);
void framework_answer_inverse(struct framework *framework, bool accepts); /* the last one */
void framework_reconcile(struct framework *framework, const char *task);  /* NULL: implicitly */
