/*
 * Reservations and volumes by operators: the calls of /api/v1, and the older endpoints /reserve,
 * /unreserve, /create-volumes and /destroy-volumes.
 */
#pragma once

#include "mesos/v1/master/master.pb-c.h"

#include <stdbool.h>

struct daemon;
struct http_request;

/* RESERVE_RESOURCES, UNRESERVE_RESOURCES, CREATE_VOLUMES, DESTROY_VOLUMES, GROW_VOLUME,
 * SHRINK_VOLUME, all of which take the request. False: it is another call, and the request is still
 * the caller's. */
bool api_operations_answer(struct daemon *daemon, struct http_request *request,
                           const Mesos__V1__Master__Call *call);

/* Adds the routes of the older endpoints. */
void api_operations_serve(struct daemon *daemon);
