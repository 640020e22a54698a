/*
 * The maintenance schedule in the API: the calls of /api/v1 and the older endpoints
 * /maintenance/schedule, /maintenance/status, /machine/down and /machine/up.
 */
#pragma once

#include "master/core/master_view.h"
#include "mesos/v1/master/master.pb-c.h"

struct buf;
struct daemon;
struct http_request;

/* UPDATE_MAINTENANCE_SCHEDULE, START_MAINTENANCE, STOP_MAINTENANCE, all of which take the request.
 * False: it is another call, and the request is still the caller's. */
bool api_maintenance_answer(struct daemon *daemon, struct http_request *request,
                            const Mesos__V1__Master__Call *call);

/* Responses GetMaintenanceStatus and GetMaintenanceSchedule. */
void api_maintenance_put_status(const struct master *master, struct buf *out);
void api_maintenance_put_schedule(const struct master *master, struct buf *out);

/* Adds the routes of the older endpoints. */
void api_maintenance_serve(struct daemon *daemon);
