/*
 * The named steps at which an agent built for it (CMake: AGENT_STOP_POINTS) kills itself, as kill
 * -9 in that very moment would: AGENT_STOP_AT=NAME or NAME:TIMES in its environment says at which,
 * and when it is there for the how manieth time. tests/integration/cluster/steps_test.c walks
 * through all of them. In any other build there is nothing of it.
 */
#pragma once

enum stop_point {
    STOP_EVENT_HEARD,    /* a message of the master, before the core hears it */
    STOP_CALL_HEARD,     /* a call of an executor, likewise */
    STOP_COMMIT_BEGINS,  /* a turn's changes are about to be handed to storage */
    STOP_COMMIT_HANDED,  /* and just were */
    STOP_COMMIT_DONE,    /* storage has done them, and nothing has come of it yet */
    STOP_STATUS_SENDS,   /* a status is about to go to the master */
    STOP_STATUS_SENT,    /* and just went */
    STOP_EXECUTOR_TOLD,  /* an executor was told something */
    STOP_LAUNCH_BEGINS,  /* a container is stored, and nothing is done about it yet */
    STOP_LAUNCH_SANDBOX, /* its sandbox is there */
    STOP_LAUNCH_NAMES,   /* its groups and its status file are there */
    STOP_LAUNCH_CLONED,  /* its process is there, and nobody has written down which */
    STOP_LAUNCH_WRITTEN, /* that is written down, and the process does not know what to do */
    STOP_LAUNCH_GIVEN,   /* it knows */
    STOP_STARTED,        /* its command is being run, and the core does not know */
    STOP_SIGNAL_SENDS,   /* the order to kill is stored */
    STOP_SIGNAL_SENT,    /* and carried out */
    STOP_DESTROYED,      /* the same without grace */
    STOP_END_SEEN,       /* a process has ended, and was not looked at */
    STOP_END_NOTED,      /* what its groups knew is in its status file; the core does not know */
    STOP_END_TOLD,       /* the core knows, and nothing is stored */
    STOP_END_FORGOTTEN,  /* the end is stored, and what was kept for it may go */
    STOP_GROUPS_REMOVED, /* the status file is still there */
    STOP_STATUS_REMOVED, /* nothing is there but the sandbox */
    STOP_REMOVAL_BEGINS, /* of sandboxes */
    STOP_REMOVAL_RUNS,   /* by a child */
    STOP_REMOVAL_DONE,   /* but for their common directory */
    STOP_POINTS,
};

const char *stop_point_name(enum stop_point point);

#ifdef AGENT_STOP_POINTS
void stop_point(enum stop_point point);
#else
static inline void stop_point(__attribute__((unused)) enum stop_point point) {
}
#endif
