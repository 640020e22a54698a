/*
 * Taking agents out of use: the calls of /api/v1 that drain, deactivate, reactivate, or mark gone.
 */
#pragma once

#include "mesos/v1/master/master.pb-c.h"

#include <stdbool.h>

struct daemon;
struct http_request;

/* DRAIN_AGENT, DEACTIVATE_AGENT, REACTIVATE_AGENT, MARK_AGENT_GONE, all of which take the request.
 * False: it is another call, and the request is still the caller's. */
bool api_agents_answer(struct daemon *daemon, struct http_request *request,
                       const Mesos__V1__Master__Call *call);
