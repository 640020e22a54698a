/*
 * Offer constraints of one role: on which agents a framework wants offers. An agent is admitted
 * when all terms of some group hold for it.
 *
 *     (rack is "r1" and there is no "spot") or (the hostname matches "gpu-.*")
 *
 * Decoding gives descriptions, which borrow; compiling one makes a value of its own.
 */
#pragma once

#include "common/base/auto.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/model/attributes.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CONSTRAINT_GROUPS_LIMIT = 64, /* of one role */
    CONSTRAINT_TERMS_LIMIT = 256, /* of one role, all groups together */
    CONSTRAINT_PATTERNS_LIMIT = 32,
    CONSTRAINT_STEPS = 8000,            /* of all its patterns together, for one agent */
    CONSTRAINT_TEXT_BYTES_LIMIT = 4096, /* of an attribute's name, of a value to compare with */
};

/* Numbers of AttributeConstraint.Selector.PseudoattributeType, but for the first. */
enum constraint_subject {
    CONSTRAINT_ATTRIBUTE = 0, /* the first of that name */
    CONSTRAINT_HOSTNAME = 1,
    CONSTRAINT_REGION = 2,
    CONSTRAINT_ZONE = 3,
    CONSTRAINT_NOTHING = -1, /* the selector was empty or is not known */
};

/* The numbers of the fields of AttributeConstraint.Predicate; 0: empty or not known. What is no
 * text meets all of the last four. */
enum constraint_predicate {
    CONSTRAINT_UNKNOWN = 0,
    CONSTRAINT_EXISTS = 1,
    CONSTRAINT_NOT_EXISTS = 2,
    CONSTRAINT_TEXT_EQUALS = 3,
    CONSTRAINT_TEXT_NOT_EQUALS = 4, /* met, too, by what is not there */
    CONSTRAINT_TEXT_MATCHES = 5,
    CONSTRAINT_TEXT_NOT_MATCHES = 6, /* likewise */
};

struct constraint_term {
    enum constraint_subject subject;
    struct text attribute;
    enum constraint_predicate predicate;
    struct text value; /* or the regex (pattern.h) */
};

struct constraint_group {
    const struct constraint_term *terms;
    size_t term_count;
};

/* OfferConstraints.RoleConstraints. */
struct role_constraints {
    struct text role;
    const struct constraint_group *groups;
    size_t group_count;
    struct text encoded; /* the RoleConstraints */
};

/* What constraints look at. */
struct constrained_agent {
    const struct attributes *attributes;
    struct text hostname;
    struct text region, zone; /* empty: not there */
};

struct constraints;

/* NULL and *error, whose line names the fault: no groups, an empty one, a selector or predicate
 * that is not known, a regex that is none or too much. The role's name is not looked at. */
struct constraints *constraints_new(const struct role_constraints *from, struct error *error);
void constraints_free(struct constraints *constraints);
DEFINE_AUTO(struct constraints, constraints_free)

size_t constraints_bytes(
    const struct constraints *constraints); /* about what they take in memory */

/* Whether the agent is admitted. A regex that cannot be decided in its steps is met by nothing, nor
 * is its opposite. */
bool constraints_admit(const struct constraints *constraints,
                       const struct constrained_agent *agent);
