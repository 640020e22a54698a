/*
 * What may be done with offered resources besides launching, and what that makes of them.
 */
#pragma once

#include "common/model/resources.h"

/* The numbers of mesos.v1.Offer.Operation.Type. */
enum operation_kind {
    OPERATION_UNKNOWN = 0,
    OPERATION_LAUNCH = 1,
    OPERATION_RESERVE = 2,
    OPERATION_UNRESERVE = 3,
    OPERATION_CREATE = 4,
    OPERATION_DESTROY = 5,
    OPERATION_LAUNCH_GROUP = 6,
    OPERATION_GROW_VOLUME = 11,
    OPERATION_SHRINK_VOLUME = 12,
    OPERATION_CREATE_DISK = 13,
    OPERATION_DESTROY_DISK = 14,
};

/* The numbers of mesos.v1.OperationState. */
enum operation_state {
    OPERATION_STATE_UNSUPPORTED = 0,
    OPERATION_STATE_PENDING = 1,
    OPERATION_STATE_FINISHED = 2,
    OPERATION_STATE_FAILED = 3,
    OPERATION_STATE_ERROR = 4,
    OPERATION_STATE_DROPPED = 5,
    OPERATION_STATE_UNREACHABLE = 6,
    OPERATION_STATE_GONE_BY_OPERATOR = 7,
    OPERATION_STATE_RECOVERING = 8,
    OPERATION_STATE_UNKNOWN = 9,
};

/* RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME, SHRINK_VOLUME. */
bool operation_is_conversion(enum operation_kind kind);

/*
 * These as conversions: what is consumed and what comes out (mesos-semantics 3.5).
 */
struct conversion {
    struct resources from, to;
};

void conversion_fini(struct conversion *conversion);
DEFINE_AUTO_FINI(struct conversion, conversion_fini)

/* What an operation asks, as a call or an operator has it; borrowed. */
struct conversion_request {
    enum operation_kind kind;
    const struct resources *resources; /* to reserve, unreserve; volumes; the volume */
    const struct resources *source;    /* RESERVE; NULL: the reservation below */
    const struct resources *addition;  /* GROW_VOLUME */
    int64_t subtract_milli;            /* SHRINK_VOLUME */
};

/* Reckons it, interning the kinds that come out. It says nothing of whether `from` is there. False,
 * with the line for the framework: the operation breaks a rule that needs no state (an unreserve of
 * what is not reserved dynamically or of a volume, a volume without reservation or disk, a volume
 * that is shared or mounted and cannot grow, ...). */
bool conversion_of(const struct conversion_request *request, struct kinds *kinds,
                   struct conversion *out, struct error *error);

/* Whether a set, of whatever table, has a persistent volume of this one's id and role: what agents
 * tell volumes by. */
bool volume_has_twin(const struct kind_info *volume, const struct kinds *kinds,
                     const struct resources *among);

/* The words of the public interface: "RESERVE", "OPERATION_FINISHED". */
const char *operation_kind_name(enum operation_kind kind);
const char *operation_state_name(enum operation_state state);
