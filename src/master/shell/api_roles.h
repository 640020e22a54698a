/*
 * Weights, quota and roles: the calls of /api/v1, and the older endpoints /weights, /quota, /roles.
 */
#pragma once

#include "common/base/buf.h"
#include "common/wire/messages.h"
#include "master/core/master_view.h"
#include "mesos/v1/master/master.pb-c.h"

struct daemon;
struct http_request;

/* Response.GetRoles, GetWeights, GetQuota: appends the fields of the message. */
void roles_put_roles(struct wire *wire, const struct master *master, struct buf *out);
void roles_put_weights(struct wire *wire, const struct master *master, struct buf *out);
void roles_put_quota(struct wire *wire, const struct master *master, struct buf *out);

/* The JSON of /weights and /roles. */
void roles_print_weights(const struct master *master, struct buf *out);
void roles_print_roles(const struct kinds *kinds, const struct master *master, struct buf *out);

/* allocator/mesos/roles/... and allocator/mesos/quota/... */
void roles_each_metric(const struct master *master,
                       void (*fn)(void *self, const char *name, double value), void *self);

/* UPDATE_WEIGHTS, UPDATE_QUOTA, SET_QUOTA, REMOVE_QUOTA, all of which take the request. False: it
 * is another call, and the request is still the caller's. */
bool api_roles_answer(struct daemon *daemon, struct http_request *request,
                      const Mesos__V1__Master__Call *call);

/* Adds the routes of the older endpoints. */
void api_roles_serve(struct daemon *daemon);
