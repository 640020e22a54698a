/*
 * What a frame of the mesos/1 protocol carries. The numbers are the protocol: they never change
 * meaning.
 */
#pragma once

enum frame_type {
    FRAME_SCHEDULER_CALL = 16,  /* mesos.v1.scheduler.Call, scheduler -> master */
    FRAME_SCHEDULER_EVENT = 17, /* mesos.v1.scheduler.Event, master -> scheduler */
    FRAME_EXECUTOR_CALL = 32,   /* mesos.v1.executor.Call, executor -> agent */
    FRAME_EXECUTOR_EVENT = 33,  /* mesos.v1.executor.Event, agent -> executor */
    FRAME_AGENT_MESSAGE = 48,   /* mesos.internal.AgentMessage, agent -> master */
    FRAME_MASTER_MESSAGE = 49,  /* mesos.internal.MasterMessage, master -> agent */
    FRAME_CHANNEL = 64,         /* mesos.internal.ChannelMessage, both ways */
};

/* How a connection of frames is asked for: an upgrade of this path, with the role in a header
 * ("agent", "scheduler", "executor", "operator"). */
#define FRAME_UPGRADE_PATH "/api/mesos/1"
#define FRAME_ROLE_HEADER "Mesos-Role"
