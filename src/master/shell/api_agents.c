/*
 * The core checks and answers; here is only what a call must bring.
 */
#include "master/shell/api_agents.h"

#include "common/runtime/http_server.h"
#include "master/shell/daemon.h"

typedef Mesos__V1__Master__Call call_message;

enum { NS_PER_SECOND = 1000000000 };

static void feed(struct daemon *daemon, struct http_request *request, struct operator_call call) {
    struct master_event event = {.kind = MASTER_EVENT_OPERATOR};
    event.operator_call.request = daemon_await_answer(daemon, request);
    event.operator_call.call = call;
    daemon_feed(daemon, &event);
}

/* False: it is no duration of google.protobuf, or longer than 292 years. */
static bool read_duration(const Google__Protobuf__Duration *from, int64_t *out_ns) {
    int64_t ns;
    if (from->nanos <= -NS_PER_SECOND || from->nanos >= NS_PER_SECOND ||
        (from->seconds > 0 && from->nanos < 0) || (from->seconds < 0 && from->nanos > 0) ||
        __builtin_mul_overflow(from->seconds, (int64_t)NS_PER_SECOND, &ns) ||
        __builtin_add_overflow(ns, (int64_t)from->nanos, &ns))
        return false;
    *out_ns = ns;
    return true;
}

static void drain_agent(struct daemon *daemon, struct http_request *request,
                        const Mesos__V1__Master__Call__DrainAgent *from) {
    struct operator_call call = {.kind = OPERATOR_DRAIN_AGENT,
                                 .agent = {text_of(from->agent_id->value)}};
    call.drain.has_max_grace = from->max_grace_period != NULL;
    call.drain.mark_gone = from->has_mark_gone && from->mark_gone;
    if (from->max_grace_period != NULL &&
        !read_duration(from->max_grace_period, &call.drain.max_grace_ns))
        http_request_answer_text(request, 400, "'max_grace_period' is no duration");
    else
        feed(daemon, request, call);
}

static void about_agent(struct daemon *daemon, struct http_request *request,
                        enum operator_call_kind kind, const Mesos__V1__AgentID *id) {
    feed(daemon, request, (struct operator_call){.kind = kind, .agent = {text_of(id->value)}});
}

static void answer_missing(struct http_request *request, const char *name) {
    http_request_answer_text(request, 400, "Expecting '%s' to be present", name);
}

bool api_agents_answer(struct daemon *daemon, struct http_request *request,
                       const call_message *call) {
    if (call->type == MESOS__V1__MASTER__CALL__TYPE__DRAIN_AGENT) {
        if (call->drain_agent == NULL)
            answer_missing(request, "drain_agent");
        else
            drain_agent(daemon, request, call->drain_agent);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__DEACTIVATE_AGENT) {
        if (call->deactivate_agent == NULL)
            answer_missing(request, "deactivate_agent");
        else
            about_agent(daemon, request, OPERATOR_DEACTIVATE_AGENT,
                        call->deactivate_agent->agent_id);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__REACTIVATE_AGENT) {
        if (call->reactivate_agent == NULL)
            answer_missing(request, "reactivate_agent");
        else
            about_agent(daemon, request, OPERATOR_REACTIVATE_AGENT,
                        call->reactivate_agent->agent_id);
    } else if (call->type == MESOS__V1__MASTER__CALL__TYPE__MARK_AGENT_GONE) {
        if (call->mark_agent_gone == NULL)
            answer_missing(request, "mark_agent_gone");
        else
            about_agent(daemon, request, OPERATOR_MARK_AGENT_GONE, call->mark_agent_gone->agent_id);
    } else {
        return false;
    }
    return true;
}
